//! Emergencies: how bad, which stages may be left out, how soon to respond, and until when the review is owed.
//!
//! A machine can ask for one; only a person declares it, by signing the approval that names all of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveTime, Utc, Weekday};
use serde::{Deserialize, Serialize};

use super::terms::Stage;
use super::zone::Zone;

/// How bad it is; what each level means is in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Severity {
    /// Complete outage.
    P1,
    /// Major feature broken.
    P2,
    /// Minor feature affected.
    P3,
    /// Cosmetic or non-urgent.
    P4,
}

impl Severity {
    /// Every level, the worst first.
    pub const ALL: [Self; 4] = [Self::P1, Self::P2, Self::P3, Self::P4];

    /// Whether a policy may let stages be left out at all: the workflow document allows it for P1 and P2.
    #[must_use]
    pub const fn may_skip(self) -> bool {
        matches!(self, Self::P1 | Self::P2)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// How soon somebody responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Response {
    /// At once. It names no span, so nothing can be held against it.
    Immediate,
    /// Within this span.
    Within(Duration),
    /// By the end of the next day from Monday to Friday. Holidays are not known.
    NextBusinessDay,
}

/// The longest span that is understood, in seconds: a year.
const SPAN_MAX: u64 = 366 * 24 * 60 * 60;

impl FromStr for Response {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "immediate" => return Ok(Self::Immediate),
            "next business day" => return Ok(Self::NextBusinessDay),
            _ => {}
        }
        match humantime::parse_duration(text) {
            Ok(span) if (1..=SPAN_MAX).contains(&span.as_secs()) && span.subsec_nanos() == 0 => {
                Ok(Self::Within(span))
            }
            _ => Err(format!(
                "`{}` is neither `immediate` nor `next business day` nor a duration, such as `1h`",
                text.escape_debug()
            )),
        }
    }
}

impl TryFrom<String> for Response {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Response> for String {
    fn from(response: Response) -> Self {
        response.to_string()
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Immediate => f.write_str("immediate"),
            Self::Within(span) => write!(f, "{}", humantime::format_duration(*span)),
            Self::NextBusinessDay => f.write_str("next business day"),
        }
    }
}

impl Response {
    /// The last moment in time after a declaration, on the clocks of a zone; `None` where no span is named.
    #[must_use]
    pub fn due(self, declared_at: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        match self {
            Self::Immediate => None,
            Self::Within(span) => declared_at.checked_add_signed(chrono::Duration::from_std(span).ok()?),
            Self::NextBusinessDay => {
                let mut day = zone.local(declared_at)?.date().succ_opt()?;
                while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
                    day = day.succ_opt()?;
                }
                let end = day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
                // Where daylight saving skips midnight, the day ends an hour later on the clock and at the same moment.
                zone.first(end).or_else(|| zone.first(end + chrono::Duration::hours(1)))
            }
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// How bad it is.
    pub severity: Severity,
    /// Stages to be left out, in the policy's order.
    pub skip: Vec<Stage>,
}

impl Emergency {
    /// What a person says who approves it.
    #[must_use]
    pub fn declared(&self) -> Declaration {
        Declaration { severity: self.severity, skipped: self.skip.clone() }
    }

    /// What an approver types besides the rest: `P1`, or `P1 skip staging smoke`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let stages: String = self.skip.iter().map(|stage| format!(" {stage}")).collect();
        if stages.is_empty() { self.severity.to_string() } else { format!("{} skip{stages}", self.severity) }
    }
}

/// What a person declared by signing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// How bad it is.
    pub severity: Severity,
    /// Stages that are left out, in the policy's order.
    pub skipped: Vec<Stage>,
}

/// The clock of an emergency that is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyClock {
    /// How bad it is.
    pub severity: Severity,
    /// When the first of the approvals that count was signed.
    pub declared_at: DateTime<Utc>,
    /// How soon the policy wants a response.
    pub response: Response,
}

/// The emergency rules of a policy.
#[derive(Clone, Debug)]
pub struct EmergencyRules {
    /// The levels it knows.
    pub levels: BTreeMap<Severity, SeverityRule>,
    /// How long an emergency approval can be executed.
    pub execute_within: Duration,
    /// How long after the execution the review is owed.
    pub review_within: Duration,
}

/// One level.
#[derive(Clone, Debug)]
pub struct SeverityRule {
    /// What it means.
    pub definition: String,
    /// How soon somebody responds.
    pub response: Response,
    /// The stages that may be left out.
    pub skip: Vec<Stage>,
}

#[cfg(test)]
mod tests {
    use super::{Emergency, Response, Severity, Zone};

    fn due(response: &str, declared: &str, zone: &str) -> Option<String> {
        let response: Response = response.parse().unwrap();
        response
            .due(declared.parse().unwrap(), &Zone::named(zone).unwrap())
            .map(|at| at.format("%a %d %H:%M").to_string())
    }

    #[test]
    fn a_response_is_due_when_it_says() {
        let utc = "UTC";
        let berlin = "Europe/Berlin";
        let monday = "2026-11-23T10:00:00Z";
        assert_eq!(due("immediate", monday, utc), None);
        assert_eq!(due("1h", monday, utc).unwrap(), "Mon 23 11:00");
        assert_eq!(due("next business day", monday, utc).unwrap(), "Wed 25 00:00");
        assert_eq!(due("next business day", monday, berlin).unwrap(), "Tue 24 23:00");
        // Friday, Saturday and Sunday all wait for Monday's end.
        for day in ["27", "28", "29"] {
            let declared = format!("2026-11-{day}T10:00:00Z");
            assert_eq!(due("next business day", &declared, utc).unwrap(), "Tue 01 00:00");
        }
        assert_eq!(due("1y", &chrono::DateTime::<chrono::Utc>::MAX_UTC.to_rfc3339(), utc), None);
    }

    #[test]
    fn a_response_is_written_in_one_way() {
        for (text, written) in [
            ("immediate", "immediate"),
            ("60m", "1h"),
            ("90s", "1m 30s"),
            ("next business day", "next business day"),
        ] {
            let response: Response = text.parse().unwrap();
            assert_eq!(response.to_string(), written);
            assert_eq!(written.parse(), Ok(response));
        }
        for wrong in ["", "soon", "0s", "3y", "Immediate", "1h\u{1b}[0m"] {
            let error = wrong.parse::<Response>().unwrap_err();
            assert!(!error.contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn the_phrase_names_the_severity_and_each_stage() {
        let of = |skip: &[&str]| Emergency {
            severity: Severity::P1,
            skip: skip.iter().map(|stage| stage.parse().unwrap()).collect(),
        };
        assert_eq!(of(&[]).phrase(), "P1");
        assert_eq!(of(&["staging"]).phrase(), "P1 skip staging");
        assert_eq!(of(&["a", "b"]).phrase(), "P1 skip a b");
        assert_eq!(Severity::ALL.map(Severity::may_skip), [true, true, false, false]);
    }
}
