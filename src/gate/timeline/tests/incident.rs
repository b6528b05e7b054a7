use super::idle;
use crate::gate::config::ActionKind;
use crate::gate::emergency::{Declaration, Emergency, EmergencyClock, Response, Severity};
use crate::gate::fixture::{Book, approval, by, config, minutes, person};
use crate::gate::request::{Request, Urgency};
use crate::gate::statement::{Ending, Execution, Finding, REPORT, Review, Statement, Verdict};
use crate::gate::terms::Digest;

const LEVELS: (&str, &str) = (
    "environments:\n",
    "emergency:\n  P1: { definition: Outage, response: 1h, skip: [integration] }\n  \
     P2: { definition: Broken, response: next business day }\nenvironments:\n",
);

fn emergency(book: &Book, severity: Severity, skip: &[&str]) -> Request {
    let mut request = book.request("production", 1);
    request.asked.urgency = Urgency::Emergency;
    let skip = skip.iter().map(|stage| stage.parse().unwrap()).collect();
    request.emergency = Some(Emergency { severity, skip });
    request
}

/// Bob declared a P1 at minute 1.
fn declared() -> (Book, Request) {
    let mut book = Book::founded(&config(&[LEVELS]));
    let request = emergency(&book, Severity::P1, &["integration"]);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    (book, request)
}

#[test]
fn an_executed_emergency_owes_a_review_whatever_came_of_it() {
    for ending in [Ending::Succeeded, Ending::Failed, Ending::Interrupted] {
        let (mut book, request) = declared();
        let execution = book.start(by("alice", 5), &request, ActionKind::Deploy).unwrap();
        book.end(by("alice", 9), execution, ending).unwrap();
        let track = &book.timeline.tracks[&request.environment];
        let owed: Vec<_> = track.owed().map(|(owed, report)| (owed.execution, report.due)).collect();
        assert_eq!(owed, [(execution, Some(minutes(5 + 72 * 60)))]);
        let incident = track.deployments[0].incident.as_ref().unwrap();
        assert_eq!(incident.respond_by, Some(minutes(61)));
        let skipped = vec!["integration".parse().unwrap()];
        assert_eq!(incident.declared, Declaration { severity: Severity::P1, skipped });
        let state = serde_json::to_value(book.timeline.state()).unwrap();
        let action = &state["environments"]["production"]["actions"][0];
        assert_eq!(
            (&action["incident"]["review"], &action["execution"]),
            (&serde_json::Value::Null, &serde_json::json!(execution))
        );
        book.report(by("bob", 60), execution).unwrap();
        assert_eq!(book.timeline.tracks[&request.environment].owed().count(), 0);
        let review = book.timeline.tracks[&request.environment].deployments[0].incident.clone().unwrap();
        assert_eq!(review.review.unwrap().by.as_str(), "bob");
    }
}

/// The fault of an execution that was changed.
fn fault(edit: impl Fn(&mut Execution)) -> String {
    let (mut book, request) = declared();
    let mut execution = book.execution(by("alice", 5), &request, ActionKind::Deploy);
    edit(&mut execution);
    book.sign(by("alice", 5), Statement::Execution(Box::new(execution))).unwrap_err().why
}

#[test]
fn an_execution_says_the_clock_that_its_approvals_make() {
    assert_eq!(fault(|execution| execution.emergency = None), "it does not say that it is an emergency");
    let other =
        |edit: fn(&mut EmergencyClock)| fault(|execution| edit(execution.emergency.as_mut().unwrap()));
    let expected = "its emergency is not the one that was declared";
    assert_eq!(other(|clock| clock.severity = Severity::P2), expected);
    assert_eq!(other(|clock| clock.declared_at = minutes(4)), expected);
    assert_eq!(other(|clock| clock.response = Response::Immediate), expected);
}

#[test]
fn nobody_makes_an_emergency_of_what_was_none() {
    let mut book = Book::founded(&config(&[LEVELS]));
    let request = book.request("production", 1);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    let mut execution = book.execution(by("alice", 5), &request, ActionKind::Deploy);
    let clock =
        EmergencyClock { severity: Severity::P1, declared_at: minutes(1), response: "1h".parse().unwrap() };
    execution.emergency = Some(clock);
    let fault = book.sign(by("alice", 5), Statement::Execution(Box::new(execution))).unwrap_err();
    assert_eq!(fault.why, "it says that it is an emergency, and nobody declared one");
}

#[test]
fn approvals_of_different_emergencies_are_no_quorum() {
    let mut book = Book::founded(&config(&[LEVELS, ("required: 1", "required: 2")]));
    let request = emergency(&book, Severity::P1, &["integration"]);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    let mut other = approval(&request, Verdict::Allow, 2);
    other.emergency.as_mut().unwrap().skipped.clear();
    book.sign(by("alice", 2), Statement::Approval(Box::new(other))).unwrap();
    let fault = book.start(by("alice", 5), &request, ActionKind::Deploy).unwrap_err();
    assert_eq!(fault.why, "its approvals declare different emergencies");
}

#[test]
fn no_approval_skips_more_than_the_policy_lets_it() {
    for (severity, skip, why) in [
        (Severity::P1, "development", "an emergency of P1 may not skip the stage `development`"),
        (Severity::P2, "integration", "an emergency of P2 may not skip the stage `integration`"),
    ] {
        let mut book = Book::founded(&config(&[LEVELS]));
        let request = emergency(&book, severity, &[skip]);
        book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
        assert_eq!(book.start(by("alice", 5), &request, ActionKind::Deploy).unwrap_err().why, why);
    }
}

#[test]
fn a_report_is_signed_once_after_the_end_and_with_the_report() {
    let (mut book, request) = declared();
    let execution = book.start(by("alice", 5), &request, ActionKind::Deploy).unwrap();
    let why = |book: &Book, execution| idle(book, |book| book.report(by("bob", 10), execution));
    assert_eq!(why(&book, execution), "it reviews a deployment that has not ended");
    assert_eq!(why(&book, Digest::of(b"other")), "it reviews a deployment that the ledger does not hold");
    book.end(by("alice", 9), execution, Ending::Succeeded).unwrap();
    let bare = Statement::Review(Review {
        execution,
        finding: Finding::Incident { report: Digest::of(b"what happened") },
        reason: "x".to_owned(),
        presence: person(),
    });
    assert_eq!(
        idle(&book, |book| book.sign(by("bob", 10), bare)),
        format!("it does not hold the `{REPORT}` it signs")
    );
    book.report(by("bob", 10), execution).unwrap();
    assert_eq!(why(&book, execution), "it signs a report that was signed before");
}

#[test]
fn a_report_settles_nothing_when_it_is_empty_or_of_somebody_who_does_not_approve() {
    let (mut book, request) = declared();
    let execution = book.start(by("alice", 5), &request, ActionKind::Deploy).unwrap();
    book.end(by("alice", 9), execution, Ending::Succeeded).unwrap();
    let owed = |book: &Book| book.timeline.tracks[&request.environment].owed().count();
    book.report(by("carol", 10), execution).unwrap();
    assert_eq!(owed(&book), 1);
    book.report_of(by("bob", 11), execution, b"").unwrap();
    assert_eq!(owed(&book), 1);
    book.report(by("bob", 12), execution).unwrap();
    assert_eq!(owed(&book), 0);
    book.report(by("carol", 13), execution).unwrap();
}

#[test]
fn a_routine_deployment_is_not_reviewed() {
    let mut book = Book::founded(&config(&[LEVELS]));
    let request = book.deployed("production", 1, 1, Ending::Succeeded);
    let execution = book.timeline.tracks[&request.environment].deployments[0].execution;
    let why = idle(&book, |book| book.report(by("bob", 20), execution));
    assert_eq!(why, "it reviews a deployment that was no emergency");
}

#[test]
fn approvals_name_rules_that_the_policy_has_and_all_the_same() {
    let rules = (
        "required: 1, from: [release], not: [requester] }\n  eu:",
        "required: 1, from: [release], not: [requester], rules: [{ when: { risk: high }, required: 2, from: [carol] }] }\n  eu:",
    );
    let begin = |places: [&[u32]; 2]| {
        let mut book = Book::founded(&config(&[rules]));
        let request = book.request("production", 1);
        for (person, places) in ["bob", "carol"].iter().zip(places) {
            let mut said = approval(&request, Verdict::Allow, 1);
            said.approval_rules = places.to_vec();
            book.sign(by(person, 1), Statement::Approval(Box::new(said))).unwrap();
        }
        book.start(by("alice", 5), &request, ActionKind::Deploy).map_err(|fault| fault.why).map(|_| ())
    };
    assert_eq!(begin([&[0], &[0]]), Ok(()));
    let other = Err("its approvals name other approval rules than the policy has".to_owned());
    assert_eq!(begin([&[1], &[1]]), other);
    assert_eq!(begin([&[0], &[]]), other);
    let mut book = Book::founded(&config(&[rules]));
    let mut request = book.request("production", 1);
    request.approval_rules = vec![0];
    book.vote(by("carol", 1), &request, Verdict::Allow).unwrap();
    assert_eq!(
        book.start(by("alice", 5), &request, ActionKind::Deploy).unwrap_err().why,
        "1 of 2 people approved it"
    );
}
