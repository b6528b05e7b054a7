//! The plan: a permit turned into the commands that run, in order.

use std::time::Duration;

use serde::Serialize;

use super::config::{ActionKind, Deployment};
use super::decide::Permit;
use super::policy::{Credentials, EnvironmentRule, Health, Step};
use super::statement::{PayloadError, Release, RequestRef, RollbackAuthority, canonical};
use super::terms::{CommitId, Digest, Environment};

/// What is going to run. Shown before, signed with the execution, and the only thing that can be executed.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// What is done.
    pub action: ActionKind,
    /// Where.
    pub environment: Environment,
    /// What becomes live.
    pub release: Release,
    /// What is live before.
    pub previous: Option<Release>,
    /// The request that covers it; an automatic environment may be deployed without one.
    pub request: Option<RequestRef>,
    /// The commit whose files the commands see.
    pub tree_of: CommitId,
    /// The commands, in order.
    pub steps: Vec<Step>,
    /// Names of variables handed to them besides the fixed few.
    pub pass_environment: Vec<String>,
    /// What gives them their secrets, right before the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// What is measured before and after them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<PlannedWatch>,
    /// What the session does by itself on a trigger of the watch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_trigger: Option<RollbackAuthority>,
    /// What deployctl sets for them.
    pub variables: Vec<(String, String)>,
    #[serde(skip)]
    permit: Permit,
}

/// The watch after the steps.
#[derive(Debug, Serialize)]
pub struct PlannedWatch {
    /// For how long, in seconds.
    pub seconds: u64,
    /// What is measured, by name.
    pub signals: Vec<String>,
    /// By which rules: the policy's, whose digest the execution names.
    #[serde(skip)]
    pub health: Health,
}

impl PlannedWatch {
    /// For how long.
    #[must_use]
    pub const fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Variables that every step gets from the person's environment.
pub const STEP_VARIABLES: [&str; 9] =
    ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"];

/// What a lease allows besides the steps themselves: exporting the tree and recording over a slow network.
const LEASE_MARGIN: Duration = Duration::from_secs(5 * 60);

impl Plan {
    /// Makes the plan of a permit. `None` where the permit is not about a release.
    #[must_use]
    pub fn new(
        permit: Permit,
        rule: &EnvironmentRule,
        environment: &Environment,
        action: ActionKind,
        migrations_can_go_down: bool,
    ) -> Option<Self> {
        let release = permit.release.clone()?;
        let request = permit.request.clone();
        if rule.deployment == Deployment::Human && request.is_none() {
            return None;
        }
        let previous = permit.previous.clone();
        // A rollback runs what came with the release it undoes: that tree holds the way down.
        let (new, old) = match action {
            ActionKind::Deploy => (Some(&release), previous.as_ref()),
            ActionKind::Rollback => (previous.as_ref(), Some(&release)),
        };
        let tree_of = new?.commit.clone();
        let steps = match action {
            ActionKind::Deploy => rule.steps.clone(),
            ActionKind::Rollback => {
                let rollback = rule.rollback.as_ref()?;
                let down = if migrations_can_go_down { rollback.migrations.as_slice() } else { &[] };
                // The workflow document's order: revert the application, then the database.
                rollback.steps.iter().chain(down).cloned().collect()
            }
        };
        let text = |release: Option<&Release>, of: fn(&Release) -> &str| release.map_or("", of).to_owned();
        let variables = [
            ("DEPLOYCTL_VERSION", text(new, |release| release.version.as_str())),
            ("DEPLOYCTL_COMMIT", text(new, |release| release.commit.as_str())),
            ("DEPLOYCTL_ENVIRONMENT", environment.to_string()),
            ("DEPLOYCTL_PREVIOUS_VERSION", text(old, |release| release.version.as_str())),
            ("DEPLOYCTL_PREVIOUS_COMMIT", text(old, |release| release.commit.as_str())),
            ("DEPLOYCTL_REQUEST", request.as_ref().map_or_else(String::new, |request| request.id.clone())),
        ];
        Some(Self {
            action,
            environment: environment.clone(),
            tree_of,
            steps,
            pass_environment: rule.pass_environment.clone(),
            credentials: rule.credentials.clone(),
            watch: None,
            on_trigger: permit.on_trigger.clone(),
            variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            release,
            previous,
            request,
            permit,
        })
    }

    /// With the watch that the rules of the environment ask for: after a deployment as long as its request says, after a
    /// rollback just long enough to see that it is bad.
    #[must_use]
    pub fn watched(mut self, rule: &EnvironmentRule, request_minutes: u64) -> Self {
        self.watch = rule.health.as_ref().map(|health| PlannedWatch {
            seconds: match self.action {
                ActionKind::Deploy => request_minutes.saturating_mul(60),
                ActionKind::Rollback => health.shortest_watch().as_secs(),
            },
            signals: health.names(),
            health: health.clone(),
        });
        self
    }

    /// What a rollback of this deployment would go to: the release before it, where that is another one.
    #[must_use]
    pub fn way_back(&self) -> Option<&Release> {
        self.previous.as_ref().filter(|previous| **previous != self.release)
    }

    /// The request's id, or nothing.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.request.as_ref().map_or("", |request| request.id.as_str())
    }

    /// The permit it rests on.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The digest that the execution signs.
    ///
    /// # Errors
    /// The encoder's.
    pub fn digest(&self) -> Result<Digest, PayloadError> {
        canonical(self).map(|bytes| Digest::of(&bytes))
    }

    /// How long it may take at the most: after that the environment counts as interrupted.
    #[must_use]
    pub fn lease(&self) -> Duration {
        let watch = self.watch.as_ref().map(|watch| (&watch.health, watch.length()));
        lease(&self.steps, self.credentials.as_ref(), watch)
    }
}

/// How long the deployment of a request may take at the most.
#[must_use]
pub fn longest(rule: &EnvironmentRule, request_minutes: u64) -> Duration {
    let length = Duration::from_secs(request_minutes.saturating_mul(60));
    lease(&rule.steps, rule.credentials.as_ref(), rule.health.as_ref().map(|health| (health, length)))
}

/// How long a rollback may take at the most; `None` where the policy says no way back.
#[must_use]
pub fn longest_back(rule: &EnvironmentRule) -> Option<Duration> {
    let rollback = rule.rollback.as_ref()?;
    let steps: Vec<Step> = rollback.steps.iter().chain(&rollback.migrations).cloned().collect();
    let watched = rule.health.as_ref().map(|health| (health, health.shortest_watch()));
    Some(lease(&steps, rule.credentials.as_ref(), watched))
}

fn lease(steps: &[Step], credentials: Option<&Credentials>, watch: Option<(&Health, Duration)>) -> Duration {
    let credentials = credentials.map_or(Duration::ZERO, |found| found.timeout);
    // How things stand before the steps, the watch, and the answers that its last round waits for.
    let watched = watch.map(|(health, length)| [health.longest_baseline(), length, health.longest_round()]);
    let spans = steps.iter().map(|step| step.timeout).chain(watched.into_iter().flatten());
    let spans = spans.chain([credentials, LEASE_MARGIN]);
    spans.fold(Duration::ZERO, Duration::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LEASE_MARGIN, longest};
    use crate::gate::fixture::{Book, ROLLS_BACK, config, production};

    #[test]
    fn the_lease_counts_the_baseline_the_watch_and_its_last_answers() {
        let rule = |edits: &[(&str, &str)]| {
            Book::founded(&config(edits)).policy().environments[&production()].clone()
        };
        let (steps, watch) = (Duration::from_secs(10 * 60), Duration::from_secs(15 * 60));
        assert_eq!(longest(&rule(&[]), 15), steps + LEASE_MARGIN);
        let watched = rule(&[ROLLS_BACK]);
        // Three rounds with a pause after each, and one at the end; a probe may take five seconds, and a little.
        let asking = Duration::from_secs(3 * (6 + 1) + 6);
        assert_eq!(longest(&watched, 15), steps + watch + asking + LEASE_MARGIN);
    }
}
