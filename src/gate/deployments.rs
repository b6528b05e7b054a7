//! Deployments of automatic environments, as the journal tells them: a start before the first command, an end after the
//! last. Nobody signed them, so they grant nothing: they keep two machines from deploying at once, and say what is live.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::facts::BranchFact;
use super::policy::Policy;
use super::request::CheckState;
use super::statement::{Ending, PayloadError, Release, RequestRef, SCHEMA, StepResult, canonical};
use super::terms::{Check, Digest, Environment};

/// The longest that a start can hold its environment, in hours: whoever may push could write a longer one.
pub const LEASE_MAX_HOURS: i64 = 24;

/// A deployment begins: `deployment.json` of its line, before anything runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// [`SCHEMA`].
    pub schema: String,
    /// Where.
    pub environment: Environment,
    /// What becomes live.
    pub release: Release,
    /// What is live before, as the journal says.
    pub previous: Option<Release>,
    /// The request that named it, where one did.
    pub request: Option<RequestRef>,
    /// The role or person that deploys.
    pub by: String,
    /// How the name is known.
    pub known_by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// After this moment it holds the environment no more.
    pub lease_until: DateTime<Utc>,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// The digest of the plan.
    pub plan: Digest,
    /// Tells two starts of one moment apart.
    pub nonce: String,
}

/// A deployment ended: `deployment.json` of its line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// [`SCHEMA`].
    pub schema: String,
    /// The digest of the start's `deployment.json`.
    pub start: Digest,
    /// Where.
    pub environment: Environment,
    /// What became live.
    pub release: Release,
    /// Who says so.
    pub by: String,
    /// How the name is known.
    pub known_by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// How.
    pub ending: Ending,
    /// The step or smoke test at which it ended badly.
    pub failed_step: Option<String>,
    /// What each step came to.
    pub steps: Vec<StepResult>,
    /// Which smoke tests ran, and whether they passed.
    pub smoke: BTreeMap<Check, bool>,
}

/// What a machine would deploy, as the repository and the records show it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What would become live.
    pub release: Release,
    /// The request of this environment that named it, where one did.
    pub request: Option<RequestRef>,
    /// Whether the commit is in this clone.
    pub here: bool,
    /// For each branch that a rule names, whether it holds the commit.
    pub branches: BTreeMap<String, BranchFact>,
    /// What is known of each check for the commit.
    pub checks: BTreeMap<Check, CheckState>,
}

impl Candidate {
    /// What is known of a check; only the policy can say that it is not always needed.
    #[must_use]
    pub fn state_of(&self, policy: &Policy, check: &Check) -> CheckState {
        let always = policy.checks.get(check).is_none_or(|rule| rule.when_changed.is_none());
        match self.checks.get(check).copied() {
            None => CheckState::Missing,
            Some(CheckState::NotNeeded) if always => CheckState::Missing,
            Some(state) => state,
        }
    }
}

/// One line about a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It begins.
    Start(Start),
    /// It ended.
    End(End),
}

impl Said {
    /// Reads `deployment.json`; `None` where it is neither, or not in canonical bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let start = serde_json::from_slice::<Start>(bytes).ok().map(Self::Start);
        let said = start.or_else(|| serde_json::from_slice(bytes).ok().map(Self::End))?;
        let schema = match &said {
            Self::Start(start) => &start.schema,
            Self::End(end) => &end.schema,
        };
        (schema == SCHEMA && said.bytes().ok()? == bytes).then_some(said)
    }

    /// Its bytes, in canonical JSON.
    ///
    /// # Errors
    /// The encoder's.
    pub fn bytes(&self) -> Result<Vec<u8>, PayloadError> {
        match self {
            Self::Start(start) => canonical(start),
            Self::End(end) => canonical(end),
        }
    }
}

/// A deployment with what is known of its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// How it began.
    pub start: Start,
    /// The digest of its start, by which its end names it.
    pub id: Digest,
    /// How it ended; `None` while nobody said.
    pub end: Option<End>,
}

impl Run {
    /// Until when it holds its environment, unless it ended before.
    #[must_use]
    pub fn lease_until(&self) -> DateTime<Utc> {
        let longest = Duration::hours(LEASE_MAX_HOURS);
        self.start.lease_until.min(self.start.at.checked_add_signed(longest).unwrap_or(self.start.at))
    }

    fn ending(&self) -> Option<Ending> {
        self.end.as_ref().map(|end| end.ending)
    }
}

/// Every deployment of automatic environments that the journal tells, each environment's oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    by: BTreeMap<Environment, Vec<Run>>,
    /// Starts that say that they are yet to come, by their moment: a machine whose clock is ahead deploys now.
    ahead: Vec<Run>,
    /// The newest line about a deployment that cannot be read.
    unread: Option<DateTime<Utc>>,
}

impl Runs {
    /// Puts starts and ends together; of a line that cannot be read only its moment is known. The place of a line says
    /// nothing: lines that waited in a clone come late. What says that it is later than `latest` tells nothing of what is
    /// live; a start that says so, by a day at the most, holds its environment. An end of another deployment than it names
    /// is passed over.
    #[must_use]
    pub fn fold(
        lines: impl IntoIterator<Item = Result<(Digest, Said), DateTime<Utc>>>,
        latest: DateTime<Utc>,
    ) -> Self {
        let (mut runs, mut ends, mut unread) = (BTreeMap::new(), Vec::new(), None);
        let farthest = latest.checked_add_signed(Duration::hours(LEASE_MAX_HOURS)).unwrap_or(latest);
        for line in lines {
            match line {
                Ok((id, Said::Start(start))) if start.at <= farthest => {
                    runs.insert(id, Run { start, id, end: None });
                }
                Ok((_, Said::End(end))) if end.at <= farthest => ends.push(end),
                Err(at) if at <= farthest => unread = unread.max(Some(at.min(latest))),
                Ok(_) | Err(_) => {}
            }
        }
        // Several ends of one start: the first counts, and of one moment the worst.
        ends.sort_by_key(|end| {
            (end.at, end.ending == Ending::Succeeded, canonical(end).map(|bytes| Digest::of(&bytes)).ok())
        });
        for end in ends {
            let in_time = |run: &&mut Run| end.at <= latest || run.start.at > latest;
            if let Some(run) = runs.get_mut(&end.start).filter(|run| belongs(run, &end)).filter(in_time) {
                run.end.get_or_insert(end);
            }
        }
        let mut by: BTreeMap<Environment, Vec<Run>> = BTreeMap::new();
        let (mut ahead, runs): (Vec<Run>, Vec<Run>) =
            runs.into_values().partition(|run| run.start.at > latest);
        ahead.sort_by_key(|run| (run.start.at, run.id));
        for run in runs {
            by.entry(run.start.environment.clone()).or_default().push(run);
        }
        by.values_mut().for_each(|runs| runs.sort_by_key(|run| (run.start.at, run.id)));
        Self { by, ahead, unread }
    }

    /// The deployments of an environment, oldest first.
    #[must_use]
    pub fn of(&self, environment: &Environment) -> &[Run] {
        self.by.get(environment).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every deployment with its environment.
    pub fn all(&self) -> impl Iterator<Item = &Run> {
        self.by.values().flatten()
    }

    /// What is live: the newest that succeeded.
    #[must_use]
    pub fn live(&self, environment: &Environment) -> Option<&Run> {
        self.of(environment).iter().rev().find(|run| run.ending() == Some(Ending::Succeeded))
    }

    /// The newest that began after what is live and did not end well: what runs may be half of it.
    #[must_use]
    pub fn doubt(&self, environment: &Environment) -> Option<&Run> {
        self.of(environment).last().filter(|run| run.ending() != Some(Ending::Succeeded))
    }

    /// The one that holds the environment now: it began, nobody said how it ended, and its lease lasts. By whose clock it
    /// began does not matter: what is dated ahead of this one's runs as well.
    #[must_use]
    pub fn held(&self, environment: &Environment, now: DateTime<Utc>) -> Option<&Run> {
        let ahead = self.ahead.iter().filter(|run| &run.start.environment == environment);
        let runs = self.of(environment).iter().chain(ahead);
        runs.rev().find(|run| run.end.is_none() && now <= run.lease_until())
    }

    /// Until when a line that cannot be read holds every environment: it may be the start of a deployment, written by
    /// another version of this program.
    #[must_use]
    pub fn unread_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = self.unread?.checked_add_signed(Duration::hours(LEASE_MAX_HOURS))?;
        (now <= until).then_some(until)
    }

    /// Whether a deployment of this request succeeded.
    #[must_use]
    pub fn did(&self, request: &RequestRef) -> bool {
        let is_it = |run: &&Run| {
            run.ending() == Some(Ending::Succeeded) && run.start.request.as_ref() == Some(request)
        };
        self.all().any(|run| is_it(&run))
    }
}

fn belongs(run: &Run, end: &End) -> bool {
    end.environment == run.start.environment && end.release == run.start.release && end.at >= run.start.at
}

#[cfg(test)]
mod tests;
