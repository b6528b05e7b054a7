//! The start of an action, held against the rules in force: one that was written by hand begins what `deployctl` itself
//! would have let the same person begin, and holds the environment no longer.

use chrono::{DateTime, Duration, Utc};

use super::{Signed, Timeline};
use crate::gate::config::ActionKind;
use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::plan::{longest, longest_back};
use crate::gate::policy::{Approvals, EnvironmentRule, Policy};
use crate::gate::statement::Execution;
use crate::gate::windows::Opening;

impl Timeline {
    /// Whether who executes may: with the presence that is asked for, in a window, under the rules in force.
    pub(super) fn check_executor(&self, execution: &Execution, signed: &Signed) -> Result<(), String> {
        let (policy, rule, approvals) = self.rules_of(execution)?;
        if !signed.proof.shows(approvals.presence) {
            return Err("its signature does not show the presence that the policy asks for".to_owned());
        }
        if execution.policy != policy.digest {
            return Err("it names other rules than those in force".to_owned());
        }
        if rule.rollback.is_none() {
            return Err("the policy says no way back".to_owned());
        }
        // Whoever signs with `deployctl` is never behind what the ledger has seen: an earlier moment picks its rules.
        if self.tip.as_ref().is_some_and(|tip| signed.at < tip.at) {
            return Err("it is dated before an entry that stands before it".to_owned());
        }
        // What is dated by a clock that is a little ahead was begun by one that was not.
        let before = signed.at.checked_sub_signed(Duration::seconds(CLOCK_TOLERANCE_SECONDS));
        let open = |at| rule.windows.at(at, execution.action) == Opening::Open;
        if !open(signed.at) && !before.is_some_and(open) {
            return Err("it starts while no window is open".to_owned());
        }
        Ok(())
    }

    /// Whether the environment is held no longer than the steps of the policy, and the watch that was approved, may take.
    pub(super) fn check_lease(&self, execution: &Execution, at: DateTime<Utc>) -> Result<(), String> {
        let (_, rule, _) = self.rules_of(execution)?;
        let longest = match execution.action {
            ActionKind::Deploy => Some(longest(rule, self.minutes(execution))),
            ActionKind::Rollback => longest_back(rule),
        };
        let longest = longest.ok_or("the policy says no way back")?;
        // What no clock can say is no bound.
        let last = Duration::from_std(longest).ok().and_then(|longest| at.checked_add_signed(longest));
        if last.is_none_or(|last| execution.lease_until > last) {
            return Err("it holds the environment longer than its steps and its watch may take".to_owned());
        }
        Ok(())
    }

    /// For how many minutes every approval that an execution rests on lets it be watched.
    fn minutes(&self, execution: &Execution) -> u64 {
        let votes = self.requests.get(&execution.request).map(|decided| decided.votes.as_slice());
        let rests_on =
            votes.unwrap_or_default().iter().filter(|vote| execution.approvals.contains(&vote.entry));
        rests_on.map(|vote| vote.approval.monitor).min().unwrap_or(0)
    }

    fn rules_of(&self, execution: &Execution) -> Result<(&Policy, &EnvironmentRule, &Approvals), String> {
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let policy = policy.ok_or("the ledger does not begin with a policy")?;
        let rule = policy.environments.get(&execution.environment);
        let found = rule.and_then(|rule| Some((policy, rule, rule.approvals.as_ref()?)));
        found.ok_or_else(|| "nobody approves this environment".to_owned())
    }
}
