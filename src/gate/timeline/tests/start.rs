//! Starts that were written by hand: of what `deployctl` itself would not have let the same person do.

use chrono::{DateTime, Duration, Utc};

use super::*;
use crate::gate::fixture::{ROLLS_BACK, at, production};
use crate::gate::plan::{longest, longest_back};
use crate::gate::request::Request;

const TOUCH: (&str, &str) = (
    "required: 1, from: [release], not: [requester]",
    "required: 1, presence: touch, from: [release], not: [requester]",
);

fn touched(by: &'static str, at: i64) -> Ink<'static> {
    Ink { armored: "touched", ..super::by(by, at) }
}

/// v1 is live under these rules, and v2 never said how it ended: its time was over at 37 or before.
fn expired(text: &str) -> (Book, Request) {
    let mut book = Book::founded(text);
    for number in [1, 2] {
        let start = i64::from(number) * 20 - 20;
        let request = book.request("production", number);
        book.vote(touched("bob", start), &request, Verdict::Allow).unwrap();
        let execution = book.start(touched("alice", start + 1), &request, ActionKind::Deploy).unwrap();
        if number == 2 {
            return (book, request);
        }
        book.end(by("alice", start + 10), execution, Ending::Succeeded).unwrap();
    }
    unreachable!("the second one is running")
}

/// Bob approved v1 under these rules.
fn approved(text: &str) -> (Book, Request) {
    let mut book = Book::founded(text);
    let request = book.request("production", 1);
    book.vote(touched("bob", 1), &request, Verdict::Allow).unwrap();
    (book, request)
}

#[test]
fn nobody_begins_without_the_presence_that_is_asked_for() {
    let text = config(&[TOUCH]);
    let lacks = "its signature does not show the presence that the policy asks for";
    let (book, request) = approved(&text);
    for armored in ["good", "untouched"] {
        let ink = Ink { armored, ..by("alice", 2) };
        assert_eq!(why(book.clone().start(ink, &request, ActionKind::Deploy)), lacks);
    }
    book.clone().start(touched("alice", 2), &request, ActionKind::Deploy).unwrap();
    // The rules in force count, not those of the approval: what is live goes back by a touch.
    let (book, request) = expired(&text);
    assert_eq!(why(book.clone().start(by("carol", 50), &request, ActionKind::Rollback)), lacks);
    book.clone().start(touched("carol", 50), &request, ActionKind::Rollback).unwrap();
    let (mut book, request) = expired(&config(&[]));
    book.sign_rules(by("alice", 49), &text).unwrap();
    assert_eq!(why(book.start(by("carol", 50), &request, ActionKind::Rollback)), lacks);
}

#[test]
fn whom_the_policy_keeps_apart_does_not_execute_the_own_approval() {
    let apart = config(&[("not: [requester]", "not: [requester, executor]")]);
    let (book, request) = approved(&apart);
    assert_eq!(
        why(book.clone().start(by("bob", 2), &request, ActionKind::Deploy)),
        "0 of 1 people approved it"
    );
    book.clone().start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
    // A rollback of its own is no different; one on the approval of what it undoes asks nobody again.
    let mut book = Book::founded(&apart);
    for number in [1, 2] {
        book.deployed("production", number, i64::from(number) * 20, Ending::Succeeded);
    }
    let back = book.request_back(1);
    book.vote(by("bob", 60), &back, Verdict::Allow).unwrap();
    assert_eq!(
        why(book.clone().start(by("bob", 61), &back, ActionKind::Rollback)),
        "0 of 1 people approved it"
    );
    book.start(by("alice", 61), &back, ActionKind::Rollback).unwrap();
    let (mut book, request) = expired(&apart);
    book.start(by("bob", 50), &request, ActionKind::Rollback).unwrap();
}

#[test]
fn an_approval_without_the_presence_that_is_asked_for_begins_nothing() {
    let mut book = Book::founded(&config(&[TOUCH]));
    let request = book.request("production", 1);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    assert_eq!(
        why(book.start(touched("alice", 2), &request, ActionKind::Deploy)),
        "0 of 1 people approved it"
    );
}

#[test]
fn a_hold_stops_it_until_the_same_person_approves() {
    let (mut book, request) = approved(&config(&[]));
    let execution = book.execution(by("alice", 4), &request, ActionKind::Deploy);
    let start =
        |book: &Book| book.clone().sign(by("alice", 4), Statement::Execution(Box::new(execution.clone())));
    // Whoever approves nothing holds nothing.
    book.vote(by("carol", 2), &request, Verdict::Hold).unwrap();
    start(&book).unwrap();
    book.vote(by("alice", 2), &request, Verdict::Hold).unwrap();
    assert_eq!(why(start(&book)), "a person holds it");
    book.vote(by("alice", 3), &request, Verdict::Allow).unwrap();
    start(&book).unwrap();
}

#[test]
fn it_names_the_rules_in_force_which_say_a_way_back() {
    let (mut book, request) = expired(&config(&[]));
    let mut execution = book.execution(by("carol", 50), &request, ActionKind::Rollback);
    execution.policy = Digest::of(b"other");
    let other = book.clone().sign(by("carol", 50), Statement::Execution(Box::new(execution)));
    assert_eq!(why(other), "it names other rules than those in force");
    let rollback = "    rollback:\n      steps: [{ name: back, run: [\"./back\"], timeout: 5m }]\n      migrations: [{ name: down, run: [\"./down\"], timeout: 5m }]\n";
    book.sign_rules(by("alice", 49), &config(&[(rollback, "")])).unwrap();
    let none = book.start(by("carol", 50), &request, ActionKind::Rollback);
    assert_eq!(why(none), "the policy says no way back");
}

#[test]
fn it_begins_in_a_window_and_not_before_what_stands_before_it() {
    let windows = "not: [requester] }\n    windows: { allow: [{ days: mon-sun, hours: \"09:00-11:00\" }] }";
    let (book, request) = approved(&config(&[("not: [requester] }", windows)]));
    let start = |at| book.clone().start(by("alice", at), &request, ActionKind::Deploy);
    start(61).unwrap();
    assert_eq!(why(start(62)), "it starts while no window is open");
    assert_eq!(why(start(0)), "it is dated before an entry that stands before it");
    // A window holds no rollback, unless the policy says so.
    let (mut book, request) = expired(&config(&[("not: [requester] }", windows)]));
    book.start(by("carol", 120), &request, ActionKind::Rollback).unwrap();
}

/// The last moment that an action which begins at this minute may hold the environment until.
fn until(begins: i64, longest: std::time::Duration) -> DateTime<Utc> {
    minutes(begins) + Duration::from_std(longest).unwrap()
}

/// One second more than the last moment, and the end of time, are faults; the last moment holds.
fn holds_until(book: &Book, ink: Ink<'_>, (request, action): (&Request, ActionKind), last: DateTime<Utc>) {
    let start = |lease_until| {
        let execution =
            crate::gate::statement::Execution { lease_until, ..book.execution(ink, request, action) };
        book.clone().sign(ink, Statement::Execution(Box::new(execution)))
    };
    start(last).unwrap();
    for late in [last + Duration::seconds(1), at("9999-12-31T23:59:59Z")] {
        assert_eq!(why(start(late)), "it holds the environment longer than its steps and its watch may take");
    }
}

#[test]
fn it_holds_the_environment_no_longer_than_its_steps_may_take() {
    let (book, request) = approved(&config(&[]));
    let rule = &book.policy().environments[&production()];
    holds_until(&book, by("alice", 2), (&request, ActionKind::Deploy), until(2, longest(rule, 0)));
    let (book, request) = expired(&config(&[]));
    let rule = &book.policy().environments[&production()];
    let last = until(50, longest_back(rule).unwrap());
    holds_until(&book, by("carol", 50), (&request, ActionKind::Rollback), last);
}

#[test]
fn it_is_watched_no_longer_than_every_approval_says() {
    let (book, request) = approved(&config(&[ROLLS_BACK]));
    let rule = book.policy().environments[&production()].clone();
    assert_eq!(request.asked.monitor, 15);
    let deploys = (&request, ActionKind::Deploy);
    holds_until(&book, by("alice", 3), deploys, until(3, longest(&rule, 15)));
    for (monitor, least) in [(9_999_999, 15), (4, 4)] {
        let mut book = book.clone();
        let vote = crate::gate::statement::Approval { monitor, ..approval(&request, Verdict::Allow, 2) };
        book.sign(by("alice", 2), Statement::Approval(Box::new(vote))).unwrap();
        holds_until(&book, by("alice", 3), deploys, until(3, longest(&rule, least)));
    }
}
