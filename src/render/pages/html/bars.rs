//! The samples of a measure as bars, the oldest first.

use serde::Serialize;

use crate::gate::metrics::Unit;
use crate::render::text;

/// How wide it is drawn, in pixels of the page.
const WIDTH: f64 = 200.0;
/// How high.
const HEIGHT: f64 = 36.0;
/// How high the smallest bar is, so that it is seen.
const LEAST: f64 = 3.0;
/// The most bars; older ones are left out.
pub const BARS_MAX: usize = 40;

/// A row of bars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bars {
    /// What it shows, for those who do not see it.
    pub said: String,
    /// The path of the bars.
    pub path: String,
}

impl Bars {
    /// Draws the newest of these values, oldest first, from nothing to the highest; `None` where there is none. `top` is
    /// the highest in words.
    #[must_use]
    pub fn of(unit: Unit, values: &[f64], top: &dyn Fn(f64) -> String) -> Option<Self> {
        let values = &values[values.len().saturating_sub(BARS_MAX)..];
        let highest = values.iter().copied().reduce(f64::max)?;
        let count = u32::try_from(values.len()).ok()?;
        let step = WIDTH / f64::from(count.max(8));
        let bars = (0..count).zip(values).map(|(place, value)| {
            let part = if highest > 0.0 { value / highest } else { 0.0 };
            let height = LEAST + (HEIGHT - LEAST) * part;
            let (x, y) = (f64::from(place) * step, HEIGHT - height);
            format!("M{x:.1} {y:.1}h{:.1}V{HEIGHT}h-{0:.1}z", step * 0.7)
        });
        let said = match unit {
            Unit::Seconds => {
                format!("the newest {}, the highest {}", text::count(values.len(), "sample"), top(highest))
            }
            Unit::PerWeek => {
                format!("the newest {}, at most {highest} in one", text::count(values.len(), "week"))
            }
            Unit::Share => {
                let these = values.iter().filter(|value| **value > 0.0).count();
                format!(
                    "the newest {}: the {these} high ones are counted",
                    text::count(values.len(), "deployment")
                )
            }
        };
        Some(Self { said, path: bars.collect() })
    }
}
