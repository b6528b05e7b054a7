//! Emergencies in the ledger: an execution says no other clock than its approvals make, and its review ends the debt.
//! A review of any kind counts where it is signed by somebody who approves there.

use chrono::{DateTime, Utc};

use super::{Incident, IncidentReview, RawEntry, Signed, Timeline};
use crate::gate::config::ActionKind;
use crate::gate::statement::{Execution, REPORT, Review};
use crate::gate::terms::Digest;
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

    /// Whether who signed a review approves in the environment under the rules in force, with the presence they ask for.
    /// Whose review does not count settles nothing, and is no fault: else one person could end the ledger for all.
    pub(super) fn review_counts(&self, execution: &Digest, signed: &Signed) -> Result<bool, String> {
        let mut deployments = self.tracks.values().flat_map(|track| &track.deployments);
        let deployed = deployments.find(|deployed| &deployed.execution == execution);
        let deployed = deployed.ok_or("it reviews a deployment that the ledger does not hold")?;
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let rule = policy.and_then(|policy| policy.environments.get(&deployed.start.environment));
        let approvals = rule.and_then(|rule| rule.approvals.as_ref());
        Ok(approvals.is_some_and(|approvals| {
            approvals.from.contains(&signed.by) && signed.proof.shows(approvals.presence)
        }))
    }

    /// A person signed the report of an emergency. An empty one settles nothing.
    pub(super) fn settle_incident(
        &mut self,
        review: &Review,
        report: Digest,
        entry: &RawEntry,
        signed: Signed,
    ) -> Result<(), String> {
        if entry.attachments.get(REPORT) != Some(&report) {
            return Err(format!("it does not hold the `{REPORT}` it signs"));
        }
        if report == Digest::of(b"") || !self.review_counts(&review.execution, &signed)? {
            return Ok(());
        }
        let mut deployments = self.tracks.values_mut().flat_map(|track| &mut track.deployments);
        let deployed = deployments.find(|deployed| deployed.execution == review.execution);
        let deployed = deployed.ok_or("it reviews a deployment that the ledger does not hold")?;
        if deployed.ending.is_none() {
            return Err("it reviews a deployment that has not ended".to_owned());
        }
        let incident = deployed.incident.as_mut().ok_or("it reviews a deployment that was no emergency")?;
        if incident.review.is_some() {
            return Err("it reviews an emergency that was reviewed before".to_owned());
        }
        let Signed { commit, by, at, .. } = signed;
        incident.review = Some(IncidentReview { by, at, commit, report });
        Ok(())
    }
}
