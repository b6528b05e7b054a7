//! A moment as people say it to a table: a day, an exact moment, or how long ago.

use std::str::FromStr;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::terms::TermError;

/// A day (`2026-11-23`, UTC as in the table), a moment (RFC 3339), or a span before now (`30d`, `12h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A whole day.
    Day(NaiveDate),
    /// A moment.
    At(DateTime<Utc>),
    /// So long ago.
    Ago(Duration),
}

impl Said {
    /// The first moment of it.
    #[must_use]
    pub fn begins(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Day(day) => midnight(day),
            Self::At(at) => at,
            Self::Ago(span) => now.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC),
        }
    }

    /// The first moment after it: the next midnight, where it is a day.
    #[must_use]
    pub fn ends(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day.succ_opt().map_or(DateTime::<Utc>::MAX_UTC, midnight),
            Self::At(_) | Self::Ago(_) => self.begins(now),
        }
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

impl FromStr for Said {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        let day = text.parse().map(Self::Day);
        let at = || DateTime::parse_from_rfc3339(text).map(|at| Self::At(at.to_utc()));
        let ago = || humantime::parse_duration(text).ok().and_then(|span| Duration::from_std(span).ok());
        day.or_else(|_| at()).ok().or_else(|| ago().map(Self::Ago)).ok_or_else(|| TermError {
            noun: "moment",
            text: text.escape_debug().to_string(),
            rule: "a day such as `2026-11-23`, an RFC 3339 moment, or a span before now such as `30d`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    #[test]
    fn a_day_is_whole_and_a_span_counts_from_now() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let of = |text: &str| {
            let said: Said = text.parse().unwrap();
            (said.begins(now).to_rfc3339(), said.ends(now).to_rfc3339())
        };
        let pair = |begins: &str, ends: &str| (format!("{begins}+00:00"), format!("{ends}+00:00"));
        assert_eq!(of("2026-11-30"), pair("2026-11-30T00:00:00", "2026-12-01T00:00:00"));
        assert_eq!(of("7d"), pair("2026-11-16T10:00:00", "2026-11-16T10:00:00"));
        assert_eq!(of("2026-11-23T11:00:00+02:00"), pair("2026-11-23T09:00:00", "2026-11-23T09:00:00"));
        for wrong in ["", "yesterday", "2026-13-01", "23.11.2026", "-3d"] {
            assert!(wrong.parse::<Said>().is_err(), "{wrong}");
        }
        let far: Said = "99999999999999999s".parse().unwrap_or(Said::Day(chrono::NaiveDate::MIN));
        assert!(far.begins(now) < now);
    }
}
