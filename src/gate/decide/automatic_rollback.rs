//! A session that rolls its own deployment back: what speaks against it leads to the question that a person answers.

use super::{Covered, Judge};
use crate::gate::config::ActionKind;
use crate::gate::facts::Missing;
use crate::gate::reason::{Code, Reason};
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::Timeline;

impl Judge<'_> {
    pub(super) fn automatic_rollback(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        execution: &Digest,
        (missing, database_stays): (&[Missing], bool),
    ) -> Option<Covered> {
        let (rule, _) = self.production(environment)?;
        self.window(rule, environment, ActionKind::Rollback, false);
        self.held_environment(timeline, environment, ActionKind::Rollback);
        let again = format!("a person can: deployctl rollback {environment} --reason TEXT");
        if database_stays {
            let what = "the database does not go back by itself, so a person decides";
            self.refuse(Reason::new(Code::RollbackPlan, what).next(again.clone()));
        }
        let at = timeline.tip.as_ref().map_or(self.facts.now, |tip| tip.at.max(self.facts.now));
        let (deployed, authority) = match timeline.rolls_back_by_itself(environment, execution, at) {
            Ok(allowed) => allowed,
            Err(why) => {
                let what = format!("no approval lets the session roll `{environment}` back by itself: {why}");
                let reason = Reason::new(Code::ApprovalMissing, what).next(again);
                self.refuse(reason.rule(environment, "rollback.on_trigger"));
                return None;
            }
        };
        let undone = deployed.start.release.clone();
        self.available(&undone.version, missing);
        self.approvals.clone_from(&deployed.start.approvals);
        Some(Covered {
            release: Some(authority.to),
            previous: Some(undone),
            request: Some(deployed.start.request.clone()),
            emergency: None,
        })
    }
}
