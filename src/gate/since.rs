//! Where something begins, as people say it: a day, an exact moment or how long ago, and an entry of the ledger.

use std::str::FromStr;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::terms::{CommitId, TermError};

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

/// An entry of the ledger, named by its number or by at least seven digits of its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryName {
    text: [u8; 40],
    length: usize,
}

impl EntryName {
    /// As it was said.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hex digits are text.
        std::str::from_utf8(&self.text[..self.length]).unwrap_or_default()
    }

    /// The number that it may be, from 1.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        self.as_str().parse().ok().filter(|sequence| *sequence > 0)
    }

    /// Whether it names this commit.
    #[must_use]
    pub fn names(&self, commit: &CommitId) -> bool {
        self.length >= COMMIT_MIN && commit.as_str().starts_with(self.as_str())
    }
}

/// So many digits of a commit are a name.
const COMMIT_MIN: usize = 7;

impl FromStr for EntryName {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if (number || text.len() >= COMMIT_MIN) && text.len() <= 40 && text.bytes().all(is_hex) {
            let mut name = Self { text: [0; 40], length: text.len() };
            name.text[..text.len()].copy_from_slice(text.as_bytes());
            return Ok(name);
        }
        Err(TermError {
            noun: "entry",
            text: text.escape_debug().to_string(),
            rule: "its number, or at least seven digits of its commit",
        })
    }
}

/// What `--since` means: a moment to a table, an entry to a proof. Some words are both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// The moment that it may be.
    pub moment: Option<Said>,
    /// The entry that it may be.
    pub entry: Option<EntryName>,
}

impl Since {
    /// The first moment of it; where it is none, nothing began after it.
    #[must_use]
    pub fn begins(self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.moment.map_or(DateTime::<Utc>::MAX_UTC, |moment| moment.begins(now))
    }
}

impl FromStr for Since {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        let since = Self { moment: text.parse().ok(), entry: text.parse().ok() };
        if since.moment.is_some() || since.entry.is_some() {
            return Ok(since);
        }
        Err(TermError {
            noun: "moment",
            text: text.escape_debug().to_string(),
            rule: "a day such as `2026-11-23`, an RFC 3339 moment, a span before now such as `30d`, or with `--verify` an entry's number or commit",
        })
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
    use super::{EntryName, Said, Since};

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

    #[test]
    fn an_entry_is_a_number_or_the_beginning_of_a_commit() {
        let commit = "1234567890abcdef1234567890abcdef12345678".parse().unwrap();
        let name = |text: &str| text.parse::<EntryName>().unwrap();
        assert_eq!((name("12").sequence(), name("12").names(&commit)), (Some(12), false));
        assert_eq!((name("1234567").sequence(), name("1234567").names(&commit)), (Some(1_234_567), true));
        assert_eq!((name("1234567890a").sequence(), name("1234567890a").names(&commit)), (None, true));
        assert_eq!(name("0").sequence(), None);
        for wrong in ["", "abc", "abcdefg", "ABCDEF0", "-1", "1234567890abcdef1234567890abcdef123456789"] {
            assert!(wrong.parse::<EntryName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn since_may_be_a_moment_an_entry_or_both() {
        let of = |text: &str| {
            let since: Since = text.parse().unwrap();
            (since.moment.is_some(), since.entry.is_some())
        };
        assert_eq!(of("2026-11-23"), (true, false));
        assert_eq!(of("12"), (false, true));
        assert_eq!(of("1234567d"), (true, true));
        assert!("yesterday".parse::<Since>().is_err());
        // An entry is no moment: nothing began after it.
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        assert!("12".parse::<Since>().unwrap().begins(now) > now);
    }
}
