//! Who stands behind an action, and how many people the policy in force asked for.

use std::collections::BTreeSet;

use super::{Timeline, Vote};
use crate::gate::config::Separation;
use crate::gate::policy::Approvals;
use crate::gate::statement::Execution;
use crate::gate::terms::PersonName;

/// The approvals that an action consumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// The people whose approvals count.
    pub people: BTreeSet<PersonName>,
    /// How many the rules in force ask for.
    pub required: u32,
}

impl Timeline {
    /// What an execution by somebody consumes under the rules in force; `None` for a rollback that rests on the approvals of
    /// the deployment it undoes, and for what nobody approves.
    #[must_use]
    pub fn consumed_by(&self, execution: &Execution, by: &PersonName) -> Option<Consumed> {
        let votes = &self.requests.get(&execution.request)?.votes;
        let votes: Vec<&Vote> =
            votes.iter().filter(|vote| execution.approvals.contains(&vote.entry)).collect();
        let first = &votes.first()?.approval;
        if first.action != execution.action {
            return None;
        }
        let policy = &self.policy.as_ref()?.policy;
        let rule = policy.environments.get(&execution.environment)?.approvals.as_ref()?;
        let rule = rule.needed(&first.approval_rules);
        Some(Consumed { people: behind(&rule, &votes, by), required: rule.required })
    }
}

/// The people whose votes count for an action that somebody executes.
pub(super) fn behind(rule: &Approvals, votes: &[&Vote], executor: &PersonName) -> BTreeSet<PersonName> {
    let apart = |by: &PersonName| !rule.not.contains(&Separation::Executor) || by != executor;
    let counts =
        |vote: &&&Vote| rule.from.contains(&vote.by) && vote.proof.shows(rule.presence) && apart(&vote.by);
    votes.iter().filter(counts).map(|vote| vote.by.clone()).collect()
}
