use super::idle;
use crate::gate::fixture::{Book, by, config, minutes};
use crate::gate::request::Request;
use crate::gate::statement::Ending;
use crate::gate::terms::Digest;
use crate::gate::timeline::{About, Track};

/// v2 was deployed over v1; its request.
fn two(changes: &[(&str, &str)]) -> (Book, Request) {
    let mut book = Book::founded(&config(changes));
    book.deployed("production", 1, 0, Ending::Succeeded);
    let second = book.deployed("production", 2, 20, Ending::Succeeded);
    (book, second)
}

fn track(book: &Book) -> &Track {
    &book.timeline.tracks[&"production".parse().unwrap()]
}

fn owed(book: &Book) -> Vec<Digest> {
    track(book).owed().map(|(owed, _)| owed.execution).collect()
}

#[test]
fn a_rollback_owes_a_report_until_an_approver_signs_it() {
    let (mut book, second) = two(&[]);
    assert_eq!(owed(&book), []);
    let back = book.rolled_back(&second, 40, Ending::Succeeded);
    let (_, report) = track(&book).owed().next().unwrap();
    assert_eq!((report.about, report.due, report.signed), (About::Rollback, None, None));
    let state = serde_json::to_value(book.timeline.state()).unwrap();
    let undone = serde_json::json!(track(&book).deployments[1].execution);
    let owed_still = serde_json::json!({ "review": null, "review_by": null, "undoes": undone });
    assert_eq!(state["environments"]["production"]["actions"][2]["aftermath"], owed_still);
    book.rollback_report(by("carol", 50), back).unwrap();
    assert_eq!(owed(&book), [back], "carol approves nothing");
    book.rollback_report(by("bob", 51), back).unwrap();
    assert_eq!(owed(&book), []);
    let signed = track(&book).deployments[2].aftermath.clone().unwrap().review.unwrap();
    assert_eq!((signed.by.as_str(), signed.at), ("bob", minutes(51)));
    assert_eq!(
        idle(&book, |book| book.rollback_report(by("bob", 52), back)),
        "it signs a report that was signed before"
    );
}

#[test]
fn one_report_tells_of_every_attempt_at_a_rollback() {
    let (mut book, second) = two(&[]);
    let failed = book.rolled_back(&second, 40, Ending::Failed);
    assert_eq!(owed(&book), [failed]);
    let back = book.rolled_back(&second, 60, Ending::Succeeded);
    assert_eq!(owed(&book), [back]);
    assert_eq!(
        idle(&book, |book| book.rollback_report(by("bob", 70), failed)),
        "it reviews no rollback that owes a report"
    );
    // The next rollback undoes another deployment: that is another report.
    let third = book.deployed("production", 3, 80, Ending::Succeeded);
    let again = book.rolled_back(&third, 100, Ending::Succeeded);
    assert_eq!(owed(&book), [back, again]);
}

#[test]
fn the_policy_may_say_until_when_the_report_is_owed() {
    let (mut book, second) = two(&[("      migrations: [", "      review_within: 72h\n      migrations: [")]);
    book.rolled_back(&second, 40, Ending::Succeeded);
    assert_eq!(track(&book).owed().next().unwrap().1.due, Some(minutes(40 + 72 * 60)));
}

#[test]
fn a_deployment_owes_no_report_of_a_rollback() {
    let (book, _) = two(&[]);
    let deployed = track(&book).deployments[1].execution;
    assert_eq!(
        idle(&book, |book| book.rollback_report(by("bob", 30), deployed)),
        "it reviews no rollback that owes a report"
    );
}
