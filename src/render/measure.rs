//! The values of measures as words.

use crate::gate::metrics::{FEWEST, Key, Measure, Unit};

/// The value of a measure: `5 h 10 min`, `1.8 a week, 3.2 days between`, `3 of 7 (43 %)`, or that there are too few.
#[must_use]
pub fn value(measure: &Measure) -> String {
    let Some(value) = measure.value else { return format!("too few (under {FEWEST})") };
    match measure.key.unit() {
        Unit::Seconds => span(value),
        Unit::PerWeek => {
            let between = measure.days_between.map(|days| format!(", {days:.1} days between"));
            format!("{value:.1} a week{}", between.unwrap_or_default())
        }
        Unit::Share => {
            let these = measure.samples.iter().filter(|sample| sample.value > 0.0).count();
            format!("{these} of {} ({:.0} %)", measure.samples.len(), value * 100.0)
        }
    }
}

/// The value of one sample: a span, or whether it is one of those whose share is asked.
#[must_use]
pub fn of_sample(key: Key, value: f64) -> String {
    match key.unit() {
        Unit::Seconds => span(value),
        Unit::PerWeek => "1".to_owned(),
        Unit::Share if value > 0.0 => "yes".to_owned(),
        Unit::Share => "no".to_owned(),
    }
}

/// Seconds in the two largest units that say something: `2 d 3 h`, `43 min`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a span that is shown is no negative one"
)]
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let told = units.iter().skip(first).take(2).filter(|(count, _)| *count > 0 || seconds == 0);
    told.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_span_has_its_two_largest_units() {
        let cases = [
            (0.0, "0 s"),
            (59.6, "1 min"),
            (61.0, "1 min 1 s"),
            (3600.0, "1 h"),
            (18_600.0, "5 h 10 min"),
            (86_459.0, "1 d"),
            (5_000_000.0, "57 d 20 h"),
        ];
        for (seconds, told) in cases {
            assert_eq!(span(seconds), told);
        }
    }
}
