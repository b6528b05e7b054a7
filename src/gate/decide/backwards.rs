//! A deployment of what is live, or of what came before it: no refusal, and nobody should learn it too late.

use super::words::again_for;
use crate::gate::config::ActionKind;
use crate::gate::reason::{Code, Reason};
use crate::gate::request::Request;
use crate::gate::timeline::Timeline;

/// What is said of a request to deploy the very commit that is live, or one that is part of it, and of the way that is meant
/// for that. `holds` says whether what is live holds the commit.
#[must_use]
pub fn backwards(timeline: &Timeline, request: &Request, holds: bool) -> Option<Reason> {
    let (environment, release) = (&request.environment, &request.release);
    let track = timeline.tracks.get(environment)?;
    let live = &track.live.as_ref().filter(|_| holds && request.action == ActionKind::Deploy)?.release;
    let version = &release.version;
    let back = again_for(ActionKind::Rollback, environment, version);
    let what = if live.commit == release.commit {
        match track.to_undo().filter(|undo| undo.start.release.commit != live.commit) {
            None => format!("`{version}` is live already in `{environment}`"),
            Some(undo) => format!(
                "`{version}` is the last good version of `{environment}`: what undoes `{}` is \
                 `deployctl rollback {environment} --reason TEXT`",
                undo.start.release.version
            ),
        }
    } else if track.last_live(version).is_some_and(|known| known.commit == release.commit) {
        format!(
            "`{version}` is older than `{}`, which is live: this takes `{environment}` back, which is asked for with `{back}`",
            live.version
        )
    } else {
        format!(
            "`{version}` is older than `{}`, which is live: this takes `{environment}` back",
            live.version
        )
    };
    Some(Reason::new(Code::CommitLive, what))
}

#[cfg(test)]
mod tests {
    use super::backwards;
    use crate::gate::fixture::Book;
    use crate::gate::reason::Code;
    use crate::gate::statement::Ending;

    fn said(book: &Book, number: u8, holds: bool) -> Option<String> {
        backwards(&book.timeline, &book.request("production", number), holds).map(|reason| {
            assert_eq!(reason.code, Code::CommitLive);
            reason.message
        })
    }

    #[test]
    fn what_is_live_or_older_is_told_with_the_way_back() {
        let both = Book::of_deployments(&[(1, Ending::Succeeded), (2, Ending::Succeeded)]);
        assert_eq!(said(&both, 2, true).as_deref(), Some("`v2` is live already in `production`"));
        let back = "`v1` is older than `v2`, which is live: this takes `production` back, which is asked for with \
                    `deployctl request v1 --rollback -e production --as ROLE`";
        assert_eq!(said(&both, 1, true).as_deref(), Some(back));
        let never = "`v3` is older than `v2`, which is live: this takes `production` back";
        assert_eq!(said(&both, 3, true).as_deref(), Some(never));
        assert_eq!(said(&both, 3, false), None);
        assert_eq!(said(&Book::of_deployments(&[]), 3, true), None);
    }

    #[test]
    fn the_last_good_version_is_reached_by_the_rollback_of_what_failed() {
        let failed = Book::of_deployments(&[(1, Ending::Succeeded), (2, Ending::Failed)]);
        let good = "`v1` is the last good version of `production`: what undoes `v2` is \
                    `deployctl rollback production --reason TEXT`";
        assert_eq!(said(&failed, 1, true).as_deref(), Some(good));
    }
}
