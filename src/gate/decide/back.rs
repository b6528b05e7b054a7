//! A rollback with a request of its own: to any version that was live, whose approval says rollback, and is used once.

use super::words::again_for;
use super::{Covered, Judge};
use crate::gate::config::{ActionKind, Right};
use crate::gate::facts::{NoTarget, Taints, Target};
use crate::gate::policy::{EnvironmentRule, Policy};
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::Release;
use crate::gate::terms::{Environment, Role, Version};
use crate::gate::timeline::{Deployed, Timeline, Track};

impl Judge<'_> {
    /// A role asks people for a rollback.
    pub(super) fn request_back(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        version: &Version,
        taints: &Taints,
    ) -> Option<Covered> {
        let (rule, _) = self.production(environment)?;
        let may = |policy: &Policy, role: &Role| policy.may(role, environment, Right::Request);
        let again = again_for(ActionKind::Rollback, environment, version);
        self.role_may(may, &format!("request for `{environment}`"), &again);
        self.no_way_back(rule, environment);
        let track = timeline.tracks.get(environment);
        match track.and_then(|track| track.last_live(version)) {
            None => self.never_live(environment, version),
            Some(release) => {
                self.moves(track, environment, &release);
                self.quarantine(timeline, environment, &release.commit, taints);
            }
        }
        Some(Covered::default())
    }

    /// What must hold of a rollback's request whenever people approve or execute it.
    pub(super) fn goes_back(&mut self, timeline: &Timeline, target: &Target) {
        let (request, id) = (&target.request, &target.reference.id);
        let (environment, release) = (&request.environment, &request.release);
        if request.emergency.is_some() {
            self.refuse(
                Reason::new(Code::RequestStale, format!("`{id}` is a rollback, and skips nothing"))
                    .next(again_for(ActionKind::Rollback, environment, &release.version)),
            );
        }
        self.stale(timeline, target);
        let track = timeline.tracks.get(environment);
        if !track.is_some_and(|track| track.was_live().any(|known| known == *release)) {
            self.never_live(environment, &release.version);
            return;
        }
        self.moves(track, environment, release);
        if target.tree.is_some() {
            self.quarantine(timeline, environment, &release.commit, &target.quarantined);
        }
    }

    /// A person rolls back to what was requested.
    pub(super) fn rollback_to(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        target: Result<&Target, &NoTarget>,
    ) -> Option<Covered> {
        let (_, approvals, target) = self.executes(timeline, environment, ActionKind::Rollback, target)?;
        let request = &target.request;
        let decided = timeline.requests.get(&target.reference);
        if decided.is_some_and(|decided| decided.consumed.is_some()) {
            let again = again_for(ActionKind::Rollback, environment, &request.release.version);
            self.consumed(&target.reference, again);
            return None;
        }
        self.edited(target);
        self.goes_back(timeline, target);
        let undone = request.previous_release.as_ref().unwrap_or(&request.release);
        self.available(&undone.version, &target.missing);
        self.votes(decided, target, &self.needed(approvals, request));
        Some(self.covered(target))
    }

    /// Where the approval of a deployment lets it go back to, where that is the version that was named.
    pub(super) fn covered_way_back(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        undo: &Deployed,
        named: Option<&Version>,
    ) -> Option<Release> {
        let undone = &undo.start.release;
        let Some(back) = undo.start.previous_release.clone() else {
            let what = format!("the approval of `{}` named no version to go back to", undone.version);
            self.refuse(Reason::new(Code::RollbackPlan, what));
            return None;
        };
        let own = |version: &str| {
            let again = format!("deployctl request {version} --rollback -e {environment} --as ROLE");
            format!("to another version that was live, with an approval of its own: {again}")
        };
        if &back == undone {
            let what =
                format!("`{}` was deployed over itself: a rollback would change nothing", back.version);
            self.refuse(Reason::new(Code::RollbackPlan, what).next(own("VERSION")));
            return None;
        }
        let Some(version) = named.filter(|version| *version != &back.version) else { return Some(back) };
        let way = format!("deployctl rollback {environment} {} --reason TEXT", back.version);
        let live = timeline.tracks.get(environment).and_then(|track| track.live.as_ref());
        self.refuse(if live.is_some_and(|live| &live.release.version == version) {
            Reason::new(Code::RollbackPlan, format!("`{version}` is live in `{environment}` already"))
                .next(way)
        } else if version == &undone.version {
            let what = format!("`{version}` is what a rollback of `{environment}` would undo");
            Reason::new(Code::RollbackPlan, what).next(way)
        } else {
            let what =
                format!("the approval of `{}` covers going back to `{}` only", undone.version, back.version);
            Reason::new(Code::ApprovalMissing, what).next(way).next(own(version.as_str()))
        });
        Some(back)
    }

    pub(super) fn no_way_back(&mut self, rule: &EnvironmentRule, environment: &Environment) {
        if rule.rollback.is_none() {
            self.refuse(
                Reason::new(Code::RollbackPlan, "the policy says no way back").rule(environment, "rollback"),
            );
        }
    }

    fn never_live(&mut self, environment: &Environment, version: &Version) {
        let what = format!("the ledger knows of no moment when `{version}` was live in `{environment}`");
        self.refuse(Reason::new(Code::RollbackPlan, what).next(format!(
            "request a deployment of it instead: {}",
            again_for(ActionKind::Deploy, environment, version)
        )));
    }

    /// Whether there is something to undo, and another release to go to.
    fn moves(&mut self, track: Option<&Track>, environment: &Environment, to: &Release) {
        let Some(undo) = track.and_then(Track::to_undo) else {
            let what = format!("no deployment of `{environment}` is recorded that could be rolled back");
            self.refuse(Reason::new(Code::RollbackPlan, what));
            return;
        };
        let live = track.and_then(|track| track.live.as_ref());
        let undone = &undo.start.release;
        if undone != to && live.is_none_or(|live| &live.release != to) {
            return;
        }
        // A deployment that did not end well is undone by going back to what was live before it, and may be what runs.
        let back = format!("deployctl rollback {environment} --reason TEXT");
        self.refuse(if undone == to {
            Reason::new(Code::RollbackPlan, format!("`{}` is live in `{environment}` already", to.version))
        } else {
            let what = format!("`{}` is the last good version of `{environment}`", to.version);
            Reason::new(Code::RollbackPlan, format!("{what}, and the way back to it needs no request"))
                .next(back)
        });
    }
}
