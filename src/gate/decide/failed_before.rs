//! A version that did not end well where it is to be deployed again: no refusal, and nobody should learn it too late.

use super::words::minute;
use crate::gate::config::ActionKind;
use crate::gate::reason::{Code, Reason};
use crate::gate::remains::Remains;
use crate::gate::request::Request;
use crate::gate::statement::{Ending, StepEnd, StepResult};
use crate::gate::terms::{CommitId, Environment};
use crate::gate::timeline::{Deployed, Timeline, Track};

/// What is said where this very version, or the same content under another commit, did not end well in the environment when it
/// was deployed there last, as far as the ledger still keeps it: who deployed it, when, where it ended, and why.
#[must_use]
pub fn failed_before(timeline: &Timeline, request: &Request) -> Option<Reason> {
    if request.action != ActionKind::Deploy {
        return None;
    }
    let same = |known: &&Deployed| {
        known.start.action == ActionKind::Deploy
            && (known.start.release.commit == request.release.commit || has_tree(timeline, known, request))
    };
    let track = timeline.tracks.get(&request.environment)?;
    let last = track.deployments.iter().rev().find(same)?;
    let how = match last.ending? {
        (Ending::Succeeded, _) => return None,
        (Ending::Failed, _) => "failed",
        (Ending::Interrupted, _) => "was interrupted",
    };
    let what = format!(
        "{} {how} in `{}`{} when {} deployed it at {}{}, and was not live and well there since{}",
        named(last, &request.release.commit),
        request.environment,
        last.failed_step.as_ref().map_or_else(String::new, |step| format!(" at `{step}`")),
        last.by,
        minute(last.at),
        why(last).map_or_else(String::new, |why| format!(" ({why})")),
        best_now(track, &request.environment, last).unwrap_or_default(),
    );
    Some(Reason::new(Code::DeploymentFailed, what))
}

/// What is best to do first, as long as it was not rolled back: only then is it in quarantine.
fn best_now(track: &Track, environment: &Environment, last: &Deployed) -> Option<String> {
    let undo = track.to_undo().filter(|undo| undo.execution == last.execution)?;
    let way_back = undo.start.previous_release.as_ref().is_some_and(|back| back != &undo.start.release);
    if undo.remains() == Remains::Nothing || !way_back {
        return None;
    }
    let back = format!("deployctl rollback {environment} --reason TEXT");
    Some(format!("; it was not rolled back: best do that first, `{back}`, or go forward with a fix of it"))
}

/// Whether the approvals that an action rests on are of the tree that a request asks for.
fn has_tree(timeline: &Timeline, known: &Deployed, request: &Request) -> bool {
    let votes = timeline.decided(&known.start.request).map(|decided| decided.votes.as_slice());
    let mut votes = votes.unwrap_or_default().iter();
    votes.any(|vote| known.start.approvals.contains(&vote.entry) && vote.approval.tree == request.tree)
}

fn named(known: &Deployed, commit: &CommitId) -> String {
    let version = &known.start.release.version;
    if &known.start.release.commit == commit {
        format!("`{version}`, this very commit,")
    } else {
        format!("`{version}`, the same content under another commit,")
    }
}

/// What the records say of why.
fn why(known: &Deployed) -> Option<String> {
    if let Some(found) = &known.reviewed {
        return Some(format!("as a person found: {found}"));
    }
    if let Some(watched) = &known.watched {
        return Some(format!("it was {}", watched.words()));
    }
    known.steps.iter().rev().find_map(step)
}

fn step(step: &StepResult) -> Option<String> {
    Some(match (step.result, step.exit) {
        (StepEnd::Succeeded, _) => return None,
        (StepEnd::Failed, Some(status)) => format!("it ended with exit status {status}"),
        (StepEnd::Failed, None) => "a signal ended it".to_owned(),
        (StepEnd::TimedOut, _) => "it took too long".to_owned(),
        (StepEnd::Interrupted, _) => "it was interrupted".to_owned(),
        (StepEnd::NotStarted, _) => "it could not be started".to_owned(),
        (StepEnd::WindowClosed, _) => "the window had closed".to_owned(),
        (StepEnd::LeaseOver, _) => "the time of the deployment was over".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::failed_before;
    use crate::gate::fixture::{Book, commit};
    use crate::gate::reason::Code;
    use crate::gate::request::Request;
    use crate::gate::statement::Ending;

    fn said(book: &Book, request: &Request) -> Option<String> {
        failed_before(&book.timeline, request).map(|reason| {
            assert_eq!(reason.code, Code::DeploymentFailed);
            reason.message
        })
    }

    #[test]
    fn a_version_that_failed_is_told_with_who_when_and_where() {
        let book = Book::of_deployments(&[(1, Ending::Succeeded), (2, Ending::Failed)]);
        let again = book.request("production", 2);
        let told = "`v2`, this very commit, failed in `production` at `release` when alice deployed it at \
                    2026-11-23 10:41 UTC, and was not live and well there since";
        let first = "; it was not rolled back: best do that first, `deployctl rollback production --reason TEXT`, or go \
                     forward with a fix of it";
        assert_eq!(said(&book, &again), Some(format!("{told}{first}")));
        // A commit of its own, and nothing else.
        let mut squashed = book.request("production", 3);
        squashed.tree = again.tree;
        let told = said(&book, &squashed).unwrap();
        assert!(told.starts_with("`v2`, the same content under another commit, failed in"), "{told}");
        let mut other = book.request("production", 2);
        (other.release.commit, other.tree) = (commit('9'), book.request("production", 3).tree);
        assert_eq!(said(&book, &other), None);
        assert_eq!(said(&book, &book.request("eu", 2)), None);
    }

    #[test]
    fn what_was_live_and_well_since_is_not_held_against_it() {
        let mended =
            Book::of_deployments(&[(1, Ending::Succeeded), (2, Ending::Failed), (2, Ending::Succeeded)]);
        assert_eq!(said(&mended, &mended.request("production", 2)), None);
        let again =
            Book::of_deployments(&[(2, Ending::Succeeded), (1, Ending::Succeeded), (2, Ending::Failed)]);
        let told = said(&again, &again.request("production", 2)).unwrap();
        assert!(told.starts_with("`v2`, this very commit, failed in `production` at "), "{told}");
    }

    #[test]
    fn a_rollback_there_is_not_warned_of() {
        let book =
            Book::of_deployments(&[(1, Ending::Succeeded), (2, Ending::Succeeded), (3, Ending::Failed)]);
        let mut back = book.request_back(1);
        back.release = book.request("production", 3).release;
        assert_eq!(said(&book, &back), None);
    }
}
