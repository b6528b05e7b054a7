//! How an action ended, held against what its session recorded: an outcome that contradicts that settles nothing.

use chrono::{DateTime, Utc};

use super::{Deployed, Timeline};
use crate::gate::statement::{Ending, OutcomeStatement, StepEnd, WatchedAs};

impl Timeline {
    /// An action ends; else says why that settles nothing, and the action stays as it is until its time is over.
    pub(super) fn end(&mut self, outcome: &OutcomeStatement, at: DateTime<Utc>) -> Result<(), String> {
        let known = self.running(&outcome.execution)?.clone();
        if let Some(why) = contradiction(&known, outcome) {
            return Err(why.to_owned());
        }
        if outcome.ending == Ending::Succeeded && outcome.watched.is_none() && self.watches(&known) {
            return Err("it says that all went well, and nobody watched as the policy asks".to_owned());
        }
        let deployed = self.running(&outcome.execution)?;
        deployed.ending = Some((outcome.ending, at));
        deployed.failed_step.clone_from(&outcome.failed_step);
        deployed.watched.clone_from(&outcome.watched);
        let deployed = deployed.clone();
        self.settle(&deployed, outcome.ending, at);
        Ok(())
    }

    /// Whether the rules that an action began under, as far as they are in force, have it watched.
    fn watches(&self, deployed: &Deployed) -> bool {
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let policy = policy.filter(|policy| policy.digest == deployed.start.policy);
        let rule = policy.and_then(|policy| policy.environments.get(&deployed.start.environment));
        rule.is_some_and(|rule| rule.health.is_some())
    }
}

/// What of an outcome cannot be so.
fn contradiction(deployed: &Deployed, outcome: &OutcomeStatement) -> Option<&'static str> {
    let well = outcome.ending == Ending::Succeeded;
    if well && outcome.failed_step.is_some() {
        return Some("it says that all went well, and where it ended badly");
    }
    if well && deployed.steps.iter().any(|step| step.result != StepEnd::Succeeded) {
        return Some("it says that all went well, and a step ended badly");
    }
    let watched = outcome.watched.as_ref()?;
    if watched.verdict.ending() != outcome.ending {
        return Some("it ended in another way than its watch");
    }
    ((watched.verdict == WatchedAs::Triggered) == watched.triggers.is_empty())
        .then_some("its watch names triggers, and another verdict")
}
