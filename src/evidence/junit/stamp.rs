//! When the tests ran, as the report itself says: `timestamp` of its suites.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// The farthest west that a clock on the wall is behind UTC, in hours (Baker Island).
const BEHIND_UTC: i64 = 12;
/// Reproducible builds write a made-up time (1970, 1980); no test tool that writes this format is older (Ant, 2000).
const FIRST_YEAR: &str = "2000-01-01T00:00:00Z";

/// The stamps of one report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stamps {
    latest: Option<DateTime<Utc>>,
    /// Whether one could not be read: then nothing is known of the whole.
    unclear: bool,
}

impl Stamps {
    /// Takes the value of a `timestamp`.
    pub(super) fn add(&mut self, value: &str) {
        match moment(value.trim()) {
            Some(moment) => self.latest = self.latest.max(Some(moment)),
            None => self.unclear = true,
        }
    }

    /// The latest moment at which any suite can have started; none when one of the stamps says nothing.
    pub(super) fn latest(self) -> Option<DateTime<Utc>> {
        self.latest.filter(|_| !self.unclear)
    }
}

/// The latest moment that a stamp can mean: one without a zone is local time somewhere.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    // Java writes `2024-01-02T03:04:05Z[UTC]`.
    let text = text.split('[').next().unwrap_or(text);
    let zoned = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %z"))
        .map(|moment| moment.with_timezone(&Utc));
    let moment = match zoned {
        Ok(moment) => moment,
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
            .ok()?
            .and_utc()
            .checked_add_signed(TimeDelta::hours(BEHIND_UTC))?,
    };
    let first: DateTime<Utc> = FIRST_YEAR.parse().ok()?;
    (moment > first).then_some(moment)
}
