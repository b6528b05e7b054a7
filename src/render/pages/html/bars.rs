//! The samples of a measure as bars on a scale, the oldest first.

use serde::Serialize;

use crate::gate::metrics::Unit;
use crate::render::text;

/// Where the bars begin, in pixels of the drawing: before it stand the values of the scale.
const LEFT: f64 = 76.0;
/// Where the bars end.
const RIGHT: f64 = 264.0;
/// Where the highest bar ends.
const TOP: f64 = 6.0;
/// Where all bars stand.
const GROUND: f64 = 42.0;
/// How high the smallest bar is, so that it is seen.
const LEAST: f64 = 2.0;
/// The most bars; older ones are left out.
pub const BARS_MAX: usize = 40;

/// A row of bars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bars {
    /// What it shows, for those who do not see it.
    pub said: String,
    /// What the highest bar stands for; nothing where none has a height.
    pub top: String,
    /// What the ground stands for.
    pub ground: &'static str,
    /// From which day to which day.
    pub days: String,
    /// Each of them.
    pub bars: Vec<Bar>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Its outline.
    pub path: String,
    /// What it says to who points at it.
    pub said: String,
}

/// What a bar is drawn of.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// How high it is.
    pub value: f64,
    /// The day that it is of.
    pub day: String,
    /// What it says to who points at it.
    pub said: String,
}

impl Bars {
    /// Draws the newest of these samples, oldest first, from nothing to the highest; `None` where there is none. `span`
    /// writes seconds.
    #[must_use]
    pub fn of(unit: Unit, samples: &[Drawn], span: &dyn Fn(f64) -> String) -> Option<Self> {
        let samples = &samples[samples.len().saturating_sub(BARS_MAX)..];
        let (first, last) = (samples.first()?, samples.last()?);
        let highest = samples.iter().map(|sample| sample.value).fold(0.0, f64::max);
        let count = u32::try_from(samples.len()).ok()?;
        let step = (RIGHT - LEFT) / f64::from(count.max(8));
        let bar = |(place, sample): (u32, &Drawn)| {
            let part = if highest > 0.0 { sample.value / highest } else { 0.0 };
            let (x, y) = (LEFT + f64::from(place) * step, GROUND - LEAST - (GROUND - LEAST - TOP) * part);
            let path = format!("M{x:.1} {y:.1}h{:.1}V{GROUND}h-{0:.1}z", step * 0.7);
            Bar { path, said: sample.said.clone() }
        };
        let (top, ground) = match unit {
            Unit::Seconds => (span(highest), "0"),
            Unit::PerWeek => (highest.to_string(), "0"),
            Unit::Share => ("yes".to_owned(), "no"),
        };
        Some(Self {
            said: said(unit, samples, &top),
            top: if highest > 0.0 || unit == Unit::Share { top } else { String::new() },
            ground,
            days: match first.day == last.day {
                true => first.day.clone(),
                false => format!("{} – {}", first.day, last.day),
            },
            bars: (0..count).zip(samples).map(bar).collect(),
        })
    }
}

fn said(unit: Unit, samples: &[Drawn], top: &str) -> String {
    let newest = |noun| text::count(samples.len(), noun);
    match unit {
        Unit::Seconds => format!("the newest {}, the highest {top}", newest("sample")),
        Unit::PerWeek => format!("the newest {}, at most {top} in one", newest("week")),
        Unit::Share => {
            let these = samples.iter().filter(|sample| sample.value > 0.0).count();
            format!("the newest {}: the {these} high ones are counted", newest("deployment"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BARS_MAX, Bars, Drawn};
    use crate::gate::metrics::Unit;

    fn drawn(unit: Unit, values: &[f64]) -> Option<Bars> {
        let sample =
            |value: &f64| Drawn { value: *value, day: format!("day {value}"), said: format!("is {value}") };
        let samples: Vec<Drawn> = values.iter().map(sample).collect();
        Bars::of(unit, &samples, &|value| format!("{value} s"))
    }

    #[test]
    fn bars_stand_on_a_scale_from_nothing_to_the_highest() {
        let bars = drawn(Unit::Seconds, &[0.0, 60.0, 30.0]).unwrap();
        assert_eq!((bars.top.as_str(), bars.ground), ("60 s", "0"));
        assert_eq!(bars.days, "day 0 – day 30");
        let paths: Vec<&str> = bars.bars.iter().map(|bar| bar.path.as_str()).collect();
        let expected =
            ["M76.0 40.0h16.4V42h-16.4z", "M99.5 6.0h16.4V42h-16.4z", "M123.0 23.0h16.4V42h-16.4z"];
        assert_eq!(paths, expected);
        assert_eq!(bars.bars[1].said, "is 60");
        let share = drawn(Unit::Share, &[1.0, 0.0]).unwrap();
        assert_eq!((share.top.as_str(), share.ground), ("yes", "no"));
        assert_eq!(drawn(Unit::Seconds, &[0.0]).unwrap().top, "", "no bar has a height");
        assert_eq!(drawn(Unit::Seconds, &[]), None);
    }

    #[test]
    fn of_many_samples_the_newest_are_drawn() {
        let values: Vec<f64> = (0..60).map(f64::from).collect();
        let bars = drawn(Unit::PerWeek, &values).unwrap();
        assert_eq!((bars.bars.len(), bars.days.as_str()), (BARS_MAX, "day 20 – day 59"));
        assert_eq!(bars.said, "the newest 40 weeks, at most 59 in one");
    }
}
