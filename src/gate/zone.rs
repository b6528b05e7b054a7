//! A time zone by its IANA name, from the tables that are built in: what is judged does not depend on the machine.

use std::fmt;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDateTime, Timelike as _, Utc};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of this name, such as `Europe/Berlin`; `None` where there is none that is written so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        // The tables hold a zone for "nobody knows", too.
        (zone.iana_name() == Some(name) && !zone.is_unknown()).then_some(Self(zone))
    }

    /// What the zone's clocks show at a moment; `None` at the very ends of the calendar.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> Option<NaiveDateTime> {
        let offset = self.0.to_offset(timestamp(at)?);
        at.naive_utc().checked_add_offset(FixedOffset::east_opt(offset.seconds())?)
    }

    /// The first moment at which the zone's clocks show this; `None` where daylight saving skips it.
    #[must_use]
    pub fn first(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let two = |number: u32| i8::try_from(number).ok();
        let date =
            civil::Date::new(i16::try_from(local.year()).ok()?, two(local.month())?, two(local.day())?);
        let (hour, minute, second) = (two(local.hour())?, two(local.minute())?, two(local.second())?);
        let shown = date.ok()?.to_datetime(civil::Time::new(hour, minute, second, 0).ok()?);
        let offset = match self.0.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { .. } => return None,
        };
        local.checked_sub_offset(FixedOffset::east_opt(offset.seconds())?).map(|utc| utc.and_utc())
    }

    /// A moment in the zone's words: `Mon 2026-11-30 09:00 CET`.
    #[must_use]
    pub fn words(&self, at: DateTime<Utc>) -> Option<String> {
        let shown = self.local(at)?.format("%a %Y-%m-%d %H:%M");
        Some(format!("{shown} {}", self.0.to_offset_info(timestamp(at)?).abbreviation()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

fn timestamp(at: DateTime<Utc>) -> Option<Timestamp> {
    Timestamp::from_second(at.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn shown(zone: &str, moment: &str) -> String {
        Zone::named(zone).unwrap().words(at(moment)).unwrap()
    }

    #[test]
    fn a_zone_shows_the_time_that_its_clocks_show() {
        for (zone, moment, words) in [
            ("UTC", "2026-11-23T10:00:00Z", "Mon 2026-11-23 10:00 UTC"),
            ("Asia/Kathmandu", "2026-11-23T10:00:00Z", "Mon 2026-11-23 15:45 +0545"),
            ("Pacific/Chatham", "2026-12-31T10:15:00Z", "Fri 2027-01-01 00:00 +1345"),
            ("Pacific/Marquesas", "2027-01-01T09:29:00Z", "Thu 2026-12-31 23:59 -0930"),
            // Half an hour of daylight saving.
            ("Australia/Lord_Howe", "2026-12-01T00:00:00Z", "Tue 2026-12-01 11:00 +11"),
            ("Australia/Lord_Howe", "2026-07-01T00:00:00Z", "Wed 2026-07-01 10:30 +1030"),
            // The tables end in 2037; the rules behind them do not.
            ("Europe/Berlin", "2060-07-01T00:00:00Z", "Thu 2060-07-01 02:00 CEST"),
            ("Europe/Berlin", "2028-02-29T22:59:00Z", "Tue 2028-02-29 23:59 CET"),
        ] {
            assert_eq!(shown(zone, moment), words);
        }
    }

    #[test]
    fn what_daylight_saving_skips_is_never_and_what_it_repeats_is_the_first_time() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let first = |text: &str| berlin.first(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap());
        assert_eq!(first("2027-03-28 01:59"), Some(at("2027-03-28T00:59:00Z")));
        assert_eq!(first("2027-03-28 02:30"), None);
        assert_eq!(first("2027-03-28 03:00"), Some(at("2027-03-28T01:00:00Z")));
        assert_eq!(first("2026-10-25 02:30"), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(first("2026-10-25 03:00"), Some(at("2026-10-25T02:00:00Z")));
        // Samoa left out a whole day.
        let apia = Zone::named("Pacific/Apia").unwrap();
        let skipped = NaiveDateTime::parse_from_str("2011-12-30 12:00", "%Y-%m-%d %H:%M").unwrap();
        assert_eq!(apia.first(skipped), None);
    }

    #[test]
    fn a_name_is_one_of_the_tables_as_it_is_written_there() {
        assert_eq!(
            Zone::named("America/Argentina/Buenos_Aires").unwrap().to_string(),
            "America/Argentina/Buenos_Aires"
        );
        for name in ["", "europe/berlin", "Mars/Base", "Etc/Unknown", "CET-1CEST", "../UTC"] {
            assert!(Zone::named(name).is_none(), "{name}");
        }
    }
}
