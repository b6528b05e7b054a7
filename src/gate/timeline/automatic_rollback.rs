//! The one rollback that needs no second signature: by the session of the deployment it undoes, on a trigger, as every
//! approval of that deployment allowed beforehand. Whatever else says so is a fault.

use chrono::{DateTime, Utc};

use super::{Deployed, Signed, Timeline, Track};
use crate::gate::analysis::Trigger;
use crate::gate::config::{ActionKind, OnTrigger};
use crate::gate::policy::EnvironmentRule;
use crate::gate::statement::{
    AutomaticRollback, Ending, Execution, RequestRef, RollbackAuthority, Verdict, WATCH, Watched, WatchedAs,
};
use crate::gate::terms::{Digest, Environment};

impl Timeline {
    /// What these approvals of a request allow together; else why they allow nothing.
    ///
    /// # Errors
    /// The sentence that says why.
    pub fn authority(
        &self,
        request: &RequestRef,
        approvals: &[Digest],
    ) -> Result<RollbackAuthority, &'static str> {
        let decided = self.requests.get(request).ok_or("the ledger does not hold its approvals")?;
        if decided.votes.iter().any(|vote| vote.approval.verdict == Verdict::Deny) {
            return Err("a person denied it");
        }
        let mut common: Option<RollbackAuthority> = None;
        for wanted in approvals {
            let vote = decided.votes.iter().find(|vote| &vote.entry == wanted);
            let vote = vote.ok_or("the ledger does not hold its approvals")?;
            if vote.revoked {
                return Err("its approval was revoked");
            }
            let allowed =
                vote.approval.on_trigger.as_ref().filter(|_| vote.approval.verdict == Verdict::Allow);
            let allowed = allowed.ok_or("not every approval allows it")?;
            if vote.approval.previous_release.as_ref() != Some(&allowed.to)
                || common.as_ref().is_some_and(|common| common.to != allowed.to)
            {
                return Err("its approvals do not allow the same");
            }
            let until = common.map_or(allowed.until, |common| common.until.min(allowed.until));
            common = Some(RollbackAuthority { to: allowed.to.clone(), until });
        }
        common.ok_or("not every approval allows it")
    }

    /// The deployment that its session may roll back by itself at this moment, and what to; else why not.
    ///
    /// # Errors
    /// The sentence that says why.
    pub fn rolls_back_by_itself(
        &self,
        environment: &Environment,
        execution: &Digest,
        at: DateTime<Utc>,
    ) -> Result<(&Deployed, RollbackAuthority), &'static str> {
        let newest = self.tracks.get(environment).and_then(|track: &Track| track.deployments.last());
        let deployed = newest.filter(|newest| &newest.execution == execution);
        let deployed = deployed.ok_or("it is not the newest action of the environment that it undoes")?;
        if deployed.start.action != ActionKind::Deploy {
            return Err("what it undoes is no deployment");
        }
        if triggers(deployed).is_none() {
            return Err("no trigger ended the watch of what it undoes");
        }
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let rules = policy.filter(|policy| policy.digest == deployed.start.policy);
        let rules = rules.ok_or("the rules in force are not those that it was deployed under")?;
        if !rules.environments.get(environment).is_some_and(allows) {
            return Err("the policy says that a trigger asks");
        }
        let authority = self.authority(&deployed.start.request, &deployed.start.approvals)?;
        if deployed.start.previous_release.as_ref() != Some(&authority.to) {
            return Err("its approvals name another release than was live");
        }
        if at > authority.until {
            return Err("the time that its approvals allow is over");
        }
        Ok((deployed, authority))
    }

    /// A session rolls back what it deployed.
    pub(super) fn roll_back(&mut self, said: AutomaticRollback, signed: Signed) -> Result<(), String> {
        // No clock is behind what the ledger has seen: an earlier one would make the time longer.
        let at = self.tip.as_ref().map_or(signed.at, |tip| tip.at);
        let (deployed, authority) = self.rolls_back_by_itself(&said.environment, &said.execution, at)?;
        if said.release != authority.to {
            return Err("it goes back to another release than its approvals allow".to_owned());
        }
        if triggers(deployed) != Some(&said.triggers) {
            return Err("it names other triggers than the watch recorded".to_owned());
        }
        let start = &deployed.start;
        let execution = Execution {
            action: ActionKind::Rollback,
            environment: said.environment,
            release: said.release,
            previous_release: Some(start.release.clone()),
            request: start.request.clone(),
            approvals: start.approvals.clone(),
            policy: start.policy,
            plan: said.plan,
            session_key: start.session_key.clone(),
            lease_until: said.lease_until,
            emergency: None,
            reason: Some(reason(&said.triggers)),
            nonce: start.nonce.clone(),
            screen: start.screen,
            presence: start.presence.clone(),
        };
        self.begin(execution, signed, true)
    }
}

/// The triggers that ended the watch of a deployment, where nothing else did.
fn triggers(deployed: &Deployed) -> Option<&Vec<Trigger>> {
    let failed = deployed.ending.is_some_and(|(ending, _)| ending == Ending::Failed);
    let at_watch = deployed.failed_step.as_deref() == Some(WATCH) && deployed.reviewed.is_none();
    let triggered = |watched: &&Watched| watched.verdict == WatchedAs::Triggered;
    let watched = deployed.watched.as_ref().filter(triggered).filter(|_| failed && at_watch)?;
    Some(&watched.triggers).filter(|triggers| !triggers.is_empty())
}

/// Why a session rolled back, in its triggers' own sentences.
fn reason(triggers: &[Trigger]) -> String {
    let sentences: Vec<&str> = triggers.iter().map(|trigger| trigger.sentence.as_str()).collect();
    format!("trigger: {}", sentences.join("; "))
}

/// Whether the rules of an environment let a session roll back by itself.
fn allows(rule: &EnvironmentRule) -> bool {
    rule.rollback.as_ref().is_some_and(|rollback| rollback.on_trigger == OnTrigger::Rollback)
}
