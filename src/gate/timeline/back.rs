//! A rollback with an approval of its own: to any release that was live, and once.

use super::{Timeline, Track, WayBack};
use crate::gate::config::ActionKind;
use crate::gate::statement::{Approval, Execution, Release};
use crate::gate::terms::{Digest, Version};

impl Track {
    /// The releases that were live, newest first: what a good ending says, of a deployment or of a rollback.
    pub fn was_live(&self) -> impl Iterator<Item = Release> {
        let release = |way: &WayBack| Release { version: way.version.clone(), commit: way.commit.clone() };
        self.ways_back.iter().rev().map(release)
    }

    /// The release of this version that was live last.
    #[must_use]
    pub fn last_live(&self, version: &Version) -> Option<Release> {
        self.was_live().find(|release| &release.version == version)
    }

    /// A release became live, by this deployment.
    pub(super) fn went_live(&mut self, release: Release, execution: Digest, undone: bool) {
        let Release { version, commit } = release;
        self.ways_back.push(WayBack { version, commit, execution, undone });
    }

    /// A rollback undid a deployment: what is live again was brought by the deployment that is named. Where that is not
    /// known any more, or was undone itself, it is the rollback.
    pub(super) fn live_again(&mut self, release: &Release, undone: Digest, rollback: Digest) -> Digest {
        for way in self.ways_back.iter_mut().filter(|way| way.execution == undone) {
            way.undone = true;
        }
        let is_origin =
            |way: &WayBack| way.version == release.version && way.commit == release.commit && !way.undone;
        let Some(place) = self.ways_back.iter().rposition(is_origin) else {
            self.went_live(release.clone(), rollback, true);
            return rollback;
        };
        let origin = self.ways_back.remove(place);
        let execution = origin.execution;
        self.ways_back.push(origin);
        execution
    }
}

impl Timeline {
    /// Whether a rollback rests on an approval of its own, and not on that of the deployment it undoes.
    #[must_use]
    pub fn rests_on_its_own(&self, execution: &Execution) -> bool {
        let votes = self.requests.get(&execution.request).map(|known| known.votes.as_slice());
        let mut votes = votes.unwrap_or_default().iter();
        execution.action == ActionKind::Rollback
            && votes.any(|vote| execution.approvals.contains(&vote.entry) && is_own(&vote.approval))
    }

    /// Whether a rollback undoes what is to be undone, and goes where it may.
    pub(super) fn check_way_back(&self, execution: &Execution, own: bool) -> Result<(), String> {
        if execution.action != ActionKind::Rollback {
            return Ok(());
        }
        let track = self.tracks.get(&execution.environment);
        let undone = track.and_then(Track::to_undo).map(|undone| &undone.start);
        let fits = undone.is_some_and(|undone| {
            if own {
                Some(&undone.release) == execution.previous_release.as_ref()
            } else {
                undone.request == execution.request
            }
        });
        if !fits {
            return Err("it rolls back what is not the newest deployment".to_owned());
        }
        let known = track.is_some_and(|track| track.was_live().any(|release| release == execution.release));
        if own && !known {
            return Err("it goes back to what was never live".to_owned());
        }
        Ok(())
    }
}

/// Whether an approval is one of a rollback.
pub(super) const fn is_own(approval: &Approval) -> bool {
    matches!(approval.action, ActionKind::Rollback)
}

/// What an approval lets an execution make live, and what that replaces. An approval of a deployment covers the way back to
/// the release before it, one of a rollback only itself, and none of a rollback a deployment.
pub(super) fn covers(
    approval: &Approval,
    action: ActionKind,
) -> Result<(Option<&Release>, Option<&Release>), String> {
    let (release, previous) = (Some(&approval.release), approval.previous_release.as_ref());
    match (action, approval.action) {
        (ActionKind::Deploy, ActionKind::Deploy) | (ActionKind::Rollback, ActionKind::Rollback) => {
            Ok((release, previous))
        }
        (ActionKind::Rollback, ActionKind::Deploy) => Ok((previous, release)),
        (ActionKind::Deploy, ActionKind::Rollback) => {
            Err("it deploys on the approval of a rollback".to_owned())
        }
    }
}
