//! A rollback that rests on an approval of its own.

use super::*;
use crate::gate::fixture::production;
use crate::gate::request::Request;

/// v1, v2 and v3 were deployed.
fn three() -> Book {
    let mut book = Book::founded(&config(&[]));
    for number in 1..=3 {
        book.deployed("production", number, i64::from(number) * 20, Ending::Succeeded);
    }
    book
}

/// And bob approved the way back to v1.
fn approved() -> (Book, Request) {
    let mut book = three();
    let request = book.request_back(1);
    book.vote(by("bob", 85), &request, Verdict::Allow).unwrap();
    (book, request)
}

#[test]
fn it_is_consumed_makes_live_and_quarantines_all_between() {
    let (mut book, request) = approved();
    let execution = book.rolled_back(&request, 86, Ending::Succeeded);
    assert_eq!(book.timeline.requests[&reference(&request)].consumed, Some(execution));
    let track = track(&book, "production");
    assert_eq!(track.live.as_ref().unwrap().release, release(1));
    let [known] = track.quarantined.as_slice() else { panic!("{:?}", track.quarantined) };
    assert_eq!((&known.undone, &known.back_to), (&release(3), &release(1)));
    assert_eq!(track.to_undo().unwrap().start.release, release(1));
    assert!(book.timeline.rests_on_its_own(&track.deployments[3].start));
    assert!(!book.timeline.rests_on_its_own(&track.deployments[2].start));
}

#[test]
fn it_is_used_once_also_where_it_failed() {
    for ending in [Ending::Succeeded, Ending::Failed] {
        let (mut book, request) = approved();
        book.rolled_back(&request, 86, ending);
        let again = book.start(by("alice", 95), &request, ActionKind::Rollback);
        assert_eq!(why(again), "its approval was used before");
    }
}

#[test]
fn what_ends_an_approval_ends_it() {
    let (book, request) = approved();
    let start = |mut book: Book, at| why(book.start(by("alice", at), &request, ActionKind::Rollback));
    assert_eq!(start(book.clone(), 85 + 241), "its approval had ended");
    let mut revoked = book.clone();
    revoked.revoke(by("bob", 86), &request).unwrap();
    assert_eq!(start(revoked, 87), "its approval was revoked");
    let mut denied = book.clone();
    denied.vote(by("alice", 86), &request, Verdict::Deny).unwrap();
    let mut execution = denied.execution(by("alice", 87), &request, ActionKind::Rollback);
    execution.approvals.truncate(1);
    let refused = denied.sign(by("alice", 87), Statement::Execution(Box::new(execution)));
    assert_eq!(why(refused), "a person denied it");
    let mut ruled = book;
    ruled.sign_rules(by("alice", 86), &two()).unwrap();
    assert_eq!(start(ruled, 87), "it was approved under other rules");
}

#[test]
fn it_goes_from_what_is_to_be_undone_to_what_was_live() {
    let (mut book, request) = approved();
    book.deployed("production", 4, 86, Ending::Succeeded);
    let moved = book.start(by("alice", 99), &request, ActionKind::Rollback);
    assert_eq!(why(moved), "it rolls back what is not the newest deployment");
    let mut book = three();
    let mut request = book.request_back(1);
    request.release = release(7);
    book.vote(by("bob", 85), &request, Verdict::Allow).unwrap();
    let never = book.start(by("alice", 86), &request, ActionKind::Rollback);
    assert_eq!(why(never), "it goes back to what was never live");
}

#[test]
fn no_approval_is_one_of_the_other_action() {
    let (mut book, request) = approved();
    let deploys = book.start(by("alice", 86), &request, ActionKind::Deploy);
    assert_eq!(why(deploys), "it deploys on the approval of a rollback");
    // Another commit went live as v1: then one id can name both.
    let mut book = three();
    let mut moved = book.request("production", 4);
    moved.release.version = release(1).version;
    book.vote(by("bob", 80), &moved, Verdict::Allow).unwrap();
    let execution = book.start(by("alice", 81), &moved, ActionKind::Deploy).unwrap();
    book.end(by("alice", 84), execution, Ending::Succeeded).unwrap();
    let request = book.request_back(1);
    for (person, action) in [("bob", ActionKind::Rollback), ("alice", ActionKind::Deploy)] {
        let mut vote = approval(&request, Verdict::Allow, 85);
        vote.action = action;
        if action == ActionKind::Deploy {
            vote.previous_release = Some(std::mem::replace(&mut vote.release, moved.release.clone()));
        }
        book.sign(by(person, 85), Statement::Approval(Box::new(vote))).unwrap();
    }
    let mixed = book.start(by("alice", 86), &request, ActionKind::Rollback);
    assert_eq!(why(mixed), "it rests on approvals of a deployment and of a rollback");
}

#[test]
fn a_vote_beside_it_takes_no_rollback_away() {
    let mut book = three();
    let deployed = book.timeline.tracks[&production()].to_undo().unwrap().start.request.clone();
    let mut vote = approval(&book.request_back(1), Verdict::Allow, 85);
    (vote.request, vote.release) = (deployed.clone(), release(3));
    book.sign(by("carol", 85), Statement::Approval(Box::new(vote))).unwrap();
    assert_eq!(book.timeline.requests[&deployed].votes.len(), 2);
    let start = book.timeline.tracks[&production()].to_undo().unwrap().start.clone();
    let mut execution = book.execution(by("alice", 86), &book.request_back(1), ActionKind::Rollback);
    execution.release = start.previous_release.clone().unwrap();
    (execution.request, execution.approvals) = (deployed, start.approvals);
    book.sign(by("alice", 86), Statement::Execution(Box::new(execution))).unwrap();
}
