//! The five DORA measures (dora.dev/guides/dora-metrics): what was done in one environment goes in, measures with the
//! samples behind them come out. They compare an environment with its own past: no ranking, no tiers.

mod judge;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, Utc};

use self::judge::Judged;
use super::config::ActionKind;
use super::history::{Kind, Status};
use super::statement::{Ending, Release};
use super::terms::{CommitId, Environment, Version};

/// With fewer samples a measure has no value: one deployment would move it too much.
pub const FEWEST: usize = 5;
/// How many days before now are looked at, where nobody says.
pub const USUAL_DAYS: i64 = 90;

/// Where it is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recorded {
    /// The ledger: people signed it.
    Signed,
    /// The journal: a machine's word.
    Journal,
    /// From before there were records: nobody wrote down how it ended, so it counts for nothing.
    Imported,
}

impl Recorded {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Journal => "journal",
            Self::Imported => "imported",
        }
    }
}

/// The span in which something must have begun to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub since: DateTime<Utc>,
    /// The first moment after it; `None` where it goes on.
    pub until: Option<DateTime<Utc>>,
    /// The moment of the question.
    pub now: DateTime<Utc>,
}

impl Period {
    /// Whether a moment is in it.
    #[must_use]
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.since <= at && self.until.is_none_or(|until| at < until)
    }

    /// How many weeks of it have passed, counted from `first` where that is later: at least one.
    fn weeks_from(&self, first: DateTime<Utc>) -> f64 {
        let end = self.until.map_or(self.now, |until| until.min(self.now));
        let passed = seconds(end.signed_duration_since(self.since.max(first)));
        (passed / seconds(Duration::weeks(1))).max(1.0)
    }
}

/// A deployment or a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its place in the order of its environment.
    pub place: usize,
    /// What its record names it by.
    pub id: String,
    /// Where.
    pub environment: Environment,
    /// Which of the two.
    pub action: ActionKind,
    /// Its type.
    pub kind: Kind,
    /// What becomes live.
    pub release: Release,
    /// What was live.
    pub previous: Option<Release>,
    /// Where it is known from.
    pub recorded: Recorded,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended; `None` while it has not, or where nobody said.
    pub ended: Option<DateTime<Utc>>,
    /// How it stands; `None` where nobody wrote that down.
    pub status: Option<Status>,
    /// How it ended, before anybody undid it.
    pub ending: Option<Ending>,
    /// When it was declared or asked for, where that is known.
    pub asked: Option<DateTime<Utc>>,
    /// The commits it brought, where they were looked for.
    pub brought: Option<Brought>,
}

impl Action {
    /// Whether the commits that it brought count: it is a deployment of the period that succeeded.
    #[must_use]
    pub fn wants_commits(&self, period: &Period) -> bool {
        self.is_deployment() && period.holds(self.began) && self.is_success()
    }

    fn is_deployment(&self) -> bool {
        self.action == ActionKind::Deploy
    }

    fn is_success(&self) -> bool {
        self.recorded != Recorded::Imported && self.status == Some(Status::Success)
    }
}

/// The commits that a deployment brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// Each with its committer's time; merges aside.
    Commits(Vec<(CommitId, DateTime<Utc>)>),
    /// Nobody can say here, and why.
    Unknown(String),
}

/// One of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Key {
    /// Change lead time.
    LeadTime,
    /// Deployment frequency.
    Frequency,
    /// Failed-deployment recovery time.
    Recovery,
    /// Change fail rate.
    FailRate,
    /// Deployment rework rate.
    Rework,
}

impl Key {
    /// All of them, in DORA's order: throughput, then instability.
    pub const ALL: [Self; 5] =
        [Self::LeadTime, Self::Frequency, Self::Recovery, Self::FailRate, Self::Rework];

    /// The word for programs, and for the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LeadTime => "lead-time",
            Self::Frequency => "frequency",
            Self::Recovery => "recovery",
            Self::FailRate => "fail-rate",
            Self::Rework => "rework",
        }
    }

    /// DORA's name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::LeadTime => "Change lead time",
            Self::Frequency => "Deployment frequency",
            Self::Recovery => "Failed deployment recovery time",
            Self::FailRate => "Change fail rate",
            Self::Rework => "Deployment rework rate",
        }
    }

    /// What exactly is measured, in one sentence.
    #[must_use]
    pub const fn definition(self) -> &'static str {
        match self {
            Self::LeadTime => {
                "median time from when a commit was committed until the deployment that brought it had succeeded, over the commits of successful deployments, merges aside"
            }
            Self::Frequency => {
                "successful deployments per week of the period, counted from the first recorded one where that is later, over one week at least"
            }
            Self::Recovery => {
                "median time from when a failed deployment ended, or the rollback of one began, or the hotfix or emergency after it was asked for, until a deployment or rollback succeeded"
            }
            Self::FailRate => {
                "deployments that failed, were interrupted, that somebody began to roll back, or that a hotfix or emergency followed next, out of all that ended"
            }
            Self::Rework => "hotfixes and emergencies out of all deployments",
        }
    }

    /// What its value and the values of its samples are counted in.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::LeadTime | Self::Recovery => Unit::Seconds,
            Self::Frequency => Unit::PerWeek,
            Self::FailRate | Self::Rework => Unit::Share,
        }
    }
}

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// How often in seven days.
    PerWeek,
    /// A part of 1.
    Share,
}

impl Unit {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::PerWeek => "per_week",
            Self::Share => "share",
        }
    }
}

/// A measure of one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Which.
    pub key: Key,
    /// Its value in [`Key::unit`]; `None` with fewer than [`FEWEST`] samples.
    pub value: Option<f64>,
    /// The median of the days between two successful deployments, beside the frequency.
    pub days_between: Option<f64>,
    /// What counts, oldest first.
    pub samples: Vec<Sample>,
    /// What of the period would count, were more known of it.
    pub left_out: Vec<LeftOut>,
}

/// What counts for a measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What the deployment's record names it by.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// Where it is known from.
    pub recorded: Recorded,
    /// The commit, where each counts by itself.
    pub commit: Option<CommitId>,
    /// The moment from which it counts.
    pub from: DateTime<Utc>,
    /// The moment until which it counts.
    pub to: Option<DateTime<Utc>>,
    /// Seconds; or whether it is one of those whose share is asked, 1 or 0; 1 for what is only counted.
    pub value: f64,
    /// Why it counts, and as what.
    pub why: String,
}

/// What does not count, though it is of the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What the deployment's record names it by.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// Where it is known from.
    pub recorded: Recorded,
    /// Why not.
    pub why: String,
}

/// The five measures of an environment, from everything that was done there: also what is older or newer than the period
/// says what became of a deployment.
#[must_use]
pub fn measures(done: &[Action], period: &Period) -> [Measure; 5] {
    let judged = Judged::of(done);
    Key::ALL.map(|key| {
        let (samples, left_out) = judged.samples(key, period);
        let enough = samples.len() >= FEWEST;
        let value = enough.then(|| value(key, &samples, &judged, period)).flatten();
        let between = || gaps(&samples).and_then(|gaps| median(&gaps));
        let days_between = if enough && key == Key::Frequency { between() } else { None };
        Measure { key, value, days_between, samples, left_out }
    })
}

fn value(key: Key, samples: &[Sample], judged: &Judged<'_>, period: &Period) -> Option<f64> {
    let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
    match key.unit() {
        Unit::Seconds => median(&values),
        Unit::PerWeek => Some(count(values.len()) / period.weeks_from(judged.first()?)),
        Unit::Share => Some(values.iter().sum::<f64>() / count(values.len())),
    }
}

/// The days between one that is live and the next.
fn gaps(samples: &[Sample]) -> Option<Vec<f64>> {
    let mut live: Vec<_> = samples.iter().filter_map(|sample| sample.to).collect();
    live.sort();
    let days = live.windows(2).map(|pair| seconds(*pair.last()? - *pair.first()?).into());
    days.map(|span: Option<f64>| span.map(|span| span / seconds(Duration::days(1)))).collect()
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

/// Exact up to 2^53 seconds, and no calendar has as many.
#[expect(clippy::cast_precision_loss, reason = "no calendar has 2^53 seconds")]
fn seconds(span: Duration) -> f64 {
    span.num_seconds() as f64
}

#[expect(clippy::cast_precision_loss, reason = "nobody deploys 2^53 times")]
fn count(of: usize) -> f64 {
    of as f64
}
