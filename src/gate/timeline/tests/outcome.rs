//! An outcome that contradicts what its own session recorded.

use super::*;
use crate::gate::analysis::{Trigger, TriggerKind};
use crate::gate::fixture::{ROLLS_BACK, healthy};
use crate::gate::statement::{OutcomeStatement, Progress, StepResult, WATCH, Watched, WatchedAs};

/// v1 is being deployed under these rules.
fn running(text: &str) -> (Book, Digest) {
    let mut book = Book::founded(text);
    let request = book.request("production", 1);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    let execution = book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
    (book, execution)
}

fn well(execution: Digest, watched: Option<Watched>) -> OutcomeStatement {
    OutcomeStatement { execution, ending: Ending::Succeeded, failed_step: None, watched }
}

fn watched(verdict: WatchedAs, triggers: usize) -> Option<Watched> {
    let (signal, sentence) = ("shop".to_owned(), "the shop is ill".to_owned());
    let trigger = Trigger { signal, trigger: TriggerKind::HealthChecks, at: minutes(3), sentence };
    Some(Watched { verdict, triggers: vec![trigger; triggers], ..healthy() })
}

/// Why this outcome settles nothing; the environment stays held for as long as it was.
fn contradicts(book: &Book, outcome: OutcomeStatement) -> String {
    idle(book, |book| book.sign(by("alice", 4), Statement::Outcome(outcome)))
}

#[test]
fn success_is_what_the_watch_and_every_step_say() {
    let (book, execution) = running(&config(&[ROLLS_BACK]));
    for (verdict, triggers) in
        [(WatchedAs::Triggered, 1), (WatchedAs::Unknown, 0), (WatchedAs::Interrupted, 0)]
    {
        let outcome = well(execution, watched(verdict, triggers));
        assert_eq!(contradicts(&book, outcome), "it ended in another way than its watch", "{verdict:?}");
    }
    let outcome = well(execution, watched(WatchedAs::Healthy, 1));
    assert_eq!(contradicts(&book, outcome), "its watch names triggers, and another verdict");
    let outcome =
        OutcomeStatement { failed_step: Some(WATCH.to_owned()), ..well(execution, Some(healthy())) };
    assert_eq!(contradicts(&book, outcome), "it says that all went well, and where it ended badly");
    let mut failed = book.clone();
    let step = StepResult {
        step: "release".to_owned(),
        result: StepEnd::Failed,
        exit: Some(1),
        milliseconds: 10,
        log: Digest::of(b""),
    };
    failed.sign(by("alice", 3), Statement::Progress(Progress { execution, step })).unwrap();
    let outcome = well(execution, Some(healthy()));
    assert_eq!(contradicts(&failed, outcome.clone()), "it says that all went well, and a step ended badly");
    let mut book = book;
    book.sign(by("alice", 4), Statement::Outcome(outcome)).unwrap();
    assert_eq!(live(&book, "production").as_deref(), Some("v1"));
}

#[test]
fn success_without_the_watch_of_the_policy_is_none() {
    let text = config(&[ROLLS_BACK]);
    let (book, execution) = running(&text);
    let what = "it says that all went well, and nobody watched as the policy asks";
    assert_eq!(contradicts(&book, well(execution, None)), what);
    // Rules that came meanwhile do not ask what nobody was told.
    let mut moved = running(&config(&[])).0;
    moved.sign_rules(by("bob", 3), &text).unwrap();
    let execution = track(&moved, "production").lock().unwrap().execution;
    moved.sign(by("alice", 4), Statement::Outcome(well(execution, None))).unwrap();
    assert_eq!(live(&moved, "production").as_deref(), Some("v1"));
}

#[test]
fn a_person_says_what_runs_where_the_outcome_said_nothing() {
    let (mut book, execution) = running(&config(&[ROLLS_BACK]));
    book.sign(by("alice", 4), Statement::Outcome(well(execution, None))).unwrap();
    assert!(track(&book, "production").lock().is_some());
    book.review(by("bob", 90), execution, Ending::Failed).unwrap();
    assert_eq!((live(&book, "production"), track(&book, "production").lock().is_some()), (None, false));
}
