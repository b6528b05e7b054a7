use super::{idle, track};
use crate::gate::config::ActionKind;
use crate::gate::fixture::{Book, by, commit, config, release};
use crate::gate::statement::{Ending, Statement};
use crate::gate::terms::Digest;

/// v2 was rolled back to v1; the execution of that.
fn rolled_back() -> (Book, Digest) {
    let mut book = Book::founded(&config(&[]));
    book.deployed("production", 1, 0, Ending::Succeeded);
    let second = book.deployed("production", 2, 20, Ending::Succeeded);
    let back = book.rolled_back(&second, 40, Ending::Succeeded);
    (book, back)
}

#[test]
fn a_rollback_says_what_it_undid_and_to_what_it_went_back() {
    let (book, back) = rolled_back();
    let [known] = track(&book, "production").quarantined.as_slice() else { panic!("one") };
    assert_eq!((known.rollback, &known.undone, &known.back_to), (back, &release(2), &release(1)));
    let state = serde_json::to_value(book.timeline.state()).unwrap();
    assert_eq!(state["environments"]["production"]["quarantined"][0]["undone"]["version"], "v2");
    for name in ["v2", "2222222", "2222222222", &back.short()] {
        assert!(known.is_named(name), "{name}");
    }
    for name in ["v1", "222222", "1111111", "", "sha256:"] {
        assert!(!known.is_named(name), "{name}");
    }
}

#[test]
fn the_reason_is_that_of_every_attempt() {
    let why = |reasons: &[&str]| {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let second = book.deployed("production", 2, 20, Ending::Succeeded);
        for (number, reason) in (0_i64..).zip(reasons) {
            let start = by("alice", 40 + 10 * number);
            let mut execution = book.execution(start, &second, ActionKind::Rollback);
            execution.reason = Some((*reason).to_owned());
            let rollback = book.sign(start, Statement::Execution(Box::new(execution))).unwrap();
            let last = usize::try_from(number + 1) == Ok(reasons.len());
            let ending = if last { Ending::Succeeded } else { Ending::Failed };
            book.end(by("alice", 45 + 10 * number), rollback, ending).unwrap();
        }
        track(&book, "production").quarantined[0].reason.clone().unwrap()
    };
    assert_eq!(why(&["checkout fails"]), "checkout fails");
    assert_eq!(why(&["checkout fails", "try again"]), "checkout fails; try again");
    assert_eq!(why(&["checkout fails", "checkout fails", "once more"]), "checkout fails; once more");
}

#[test]
fn only_an_approver_releases_what_was_rolled_back() {
    let (mut book, back) = rolled_back();
    book.release(by("carol", 50), back, None).unwrap();
    assert!(track(&book, "production").quarantined[0].released.is_empty(), "carol approves nothing");
    book.release(by("bob", 51), back, Some(commit('7'))).unwrap();
    book.release(by("alice", 52), back, None).unwrap();
    let released = &track(&book, "production").quarantined[0].released;
    let said: Vec<_> = released.iter().map(|released| (released.by.as_str(), released.fix.clone())).collect();
    assert_eq!(said, [("bob", Some(commit('7'))), ("alice", None)]);
}

#[test]
fn what_was_not_rolled_back_is_not_released() {
    let (book, _) = rolled_back();
    let deployed = track(&book, "production").deployments[1].execution;
    assert_eq!(
        idle(&book, |book| book.release(by("bob", 50), deployed, None)),
        "it releases what is not in quarantine"
    );
    assert_eq!(
        idle(&book, |book| book.release(by("bob", 50), Digest::of(b"other"), None)),
        "it reviews a deployment that the ledger does not hold"
    );
}
