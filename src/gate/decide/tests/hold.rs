use super::Case;
use crate::gate::decide::decide_by;
use crate::gate::fixture::{by, minutes};
use crate::gate::statement::Verdict;

const DAY: i64 = 24 * 60;

/// The minute by which the request has to be decided, seen at another one.
fn by_minute(case: &Case, now: i64) -> i64 {
    let approvals =
        case.book.policy().environments[&"production".parse().unwrap()].approvals.clone().unwrap();
    let decided = case.book.timeline.requests.get(&case.target.reference);
    let by = decide_by(&case.target.request, &approvals, decided, minutes(now));
    (by - minutes(0)).num_minutes()
}

#[test]
fn a_hold_stops_the_clock_until_the_same_person_speaks() {
    let mut case = Case::of(&[], |_| ());
    assert_eq!(by_minute(&case, 10), DAY);
    case.vote(by("bob", 60), Verdict::Hold);
    assert_eq!(by_minute(&case, 60), DAY);
    assert_eq!(by_minute(&case, 5 * DAY), 6 * DAY - 60);
    case.vote(by("alice", 100), Verdict::Allow);
    assert_eq!(by_minute(&case, 5 * DAY), 6 * DAY - 60, "another person's yes ends no hold");
    case.vote(by("bob", 2 * DAY), Verdict::Allow);
    assert_eq!(by_minute(&case, 5 * DAY), 3 * DAY - 60);
}

#[test]
fn what_two_people_hold_at_once_counts_once() {
    let mut case = Case::of(&[], |_| ());
    case.vote(by("bob", 100), Verdict::Hold);
    case.vote(by("alice", 150), Verdict::Hold);
    case.vote(by("bob", 200), Verdict::Allow);
    case.vote(by("alice", 250), Verdict::Allow);
    case.vote(by("alice", 300), Verdict::Hold);
    case.vote(by("alice", 310), Verdict::Hold);
    case.vote(by("alice", 320), Verdict::Allow);
    assert_eq!(by_minute(&case, 1_000), DAY + 150 + 20);
}

#[test]
fn a_hold_that_comes_too_late_or_from_others_stops_nothing() {
    let mut case = Case::of(&[], |_| ());
    case.vote(by("carol", 1), Verdict::Hold);
    case.vote(by("bob", DAY + 1), Verdict::Hold);
    assert_eq!(by_minute(&case, 3 * DAY), DAY);
}

#[test]
fn a_hold_begins_no_earlier_than_the_request() {
    let mut case = Case::of(&[], |_| ());
    case.vote(by("bob", -100 * DAY), Verdict::Hold);
    assert_eq!(by_minute(&case, 10), DAY + 10);
    case.vote(by("bob", 30), Verdict::Allow);
    assert_eq!(by_minute(&case, 3 * DAY), DAY + 30);
    let mut before = Case::of(&[], |_| ());
    before.vote(by("bob", -20), Verdict::Hold);
    before.vote(by("bob", -10), Verdict::Allow);
    assert_eq!(by_minute(&before, 3 * DAY), DAY);
}

#[test]
fn a_held_request_does_not_expire_and_is_not_deployed() {
    let mut case = Case::of(&[], |_| ());
    case.vote(by("bob", 60), Verdict::Hold);
    case.now = 3 * DAY;
    assert_eq!(case.verdict(Verdict::Allow), Vec::<String>::new());
    case.vote(by("alice", 3 * DAY), Verdict::Allow);
    assert_eq!(case.deploy(), ["approval.held"]);
    case.vote(by("bob", 3 * DAY), Verdict::Allow);
    assert_eq!(case.deploy(), Vec::<String>::new());
}

#[test]
fn a_decision_is_in_time_to_the_very_moment() {
    let mut case = Case::of(&[], |_| ());
    case.now = DAY;
    assert_eq!(case.verdict(Verdict::Allow), Vec::<String>::new());
    case.now = DAY + 1;
    assert_eq!(case.verdict(Verdict::Allow), ["request.expired"]);
    // The same with an hour of it held.
    case.vote(by("bob", 60), Verdict::Hold);
    case.vote(by("bob", 120), Verdict::Hold);
    case.vote(by("bob", 180), Verdict::Allow);
    case.now = DAY + 120;
    assert_eq!(case.verdict(Verdict::Allow), Vec::<String>::new());
    case.now = DAY + 121;
    assert_eq!(case.verdict(Verdict::Allow), ["request.expired"]);
}

#[test]
fn a_vote_counts_when_it_was_in_time_by_the_clock_that_stood() {
    let mut case = Case::of(&[], |_| ());
    case.vote(by("bob", 60), Verdict::Hold);
    case.vote(by("bob", 120), Verdict::Deny);
    let mut in_time = Case::of(&[], |_| ());
    in_time.vote(by("bob", 60), Verdict::Hold);
    in_time.vote(by("bob", DAY + 120), Verdict::Allow);
    in_time.now = DAY + 121;
    assert_eq!(in_time.deploy(), Vec::<String>::new());
    case.now = DAY + 121;
    assert_eq!(case.deploy(), ["approval.denied"]);
}

#[test]
fn a_hold_does_not_stop_the_clock_of_the_execution() {
    let mut case = Case::approved(&[], |_| ());
    case.vote(by("alice", 10), Verdict::Hold);
    case.now = 241;
    assert_eq!(case.deploy(), ["approval.held"]);
    case.now = 242;
    assert_eq!(case.deploy(), ["approval.held", "approval.expired"]);
}
