//! Emergencies in the ledger: an execution says no other clock than its approvals make.

use chrono::{DateTime, Utc};

use super::{Incident, Timeline};
use crate::gate::config::ActionKind;
use crate::gate::statement::Execution;
use crate::gate::zone::Zone;

impl Timeline {
    /// What an execution owes where its approvals declared an emergency, under the rules in force.
    pub(super) fn incident(
        &self,
        execution: &Execution,
        at: DateTime<Utc>,
    ) -> Result<Option<Incident>, String> {
        if execution.action == ActionKind::Rollback {
            let none = execution.emergency.is_none();
            return if none { Ok(None) } else { Err("a rollback is no emergency's execution".to_owned()) };
        }
        let decided = self.requests.get(&execution.request);
        let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
        let votes = || votes.iter().filter(|vote| execution.approvals.contains(&vote.entry));
        let declared = votes().next().and_then(|vote| vote.approval.emergency.clone());
        if votes().any(|vote| vote.approval.emergency != declared) {
            return Err("its approvals declare different emergencies".to_owned());
        }
        let (declared, clock) = match (declared, &execution.emergency) {
            (None, None) => return Ok(None),
            (Some(declared), Some(clock)) => (declared, clock),
            (None, Some(_)) => {
                return Err("it says that it is an emergency, and nobody declared one".to_owned());
            }
            (Some(_), None) => return Err("it does not say that it is an emergency".to_owned()),
        };
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let policy = policy.ok_or("the ledger does not begin with a policy")?;
        let rules = policy.emergency.as_ref().ok_or("the policy knows no emergencies")?;
        let level = rules.levels.get(&declared.severity).ok_or("the policy does not know its severity")?;
        if let Some(stage) = declared.skipped.iter().find(|stage| !level.skip.contains(stage)) {
            return Err(format!("an emergency of {} may not skip the stage `{stage}`", declared.severity));
        }
        let first = votes().map(|vote| vote.at).min();
        if clock.severity != declared.severity
            || clock.response != level.response
            || Some(clock.declared_at) != first
        {
            return Err("its emergency is not the one that was declared".to_owned());
        }
        let zone = policy.environments.get(&execution.environment).map(|rule| rule.windows.zone());
        let review_within = chrono::Duration::from_std(rules.review_within).ok();
        let review_by = review_within.and_then(|span| at.checked_add_signed(span)).unwrap_or(at);
        let respond_by = level.response.due(clock.declared_at, zone.unwrap_or(&Zone::UTC));
        Ok(Some(Incident { declared, respond_by, review_by, review: None }))
    }
}
