//! What the timeline lets go of, and what it never does.

use super::*;
use crate::gate::timeline::{ACTIONS_KEPT, DAYS_KEPT, Timeline, WAYS_BACK_KEPT};

const DAY: i64 = 24 * 60;

/// So many deployments, one after the other, a day apart.
fn deployments(count: usize) -> Book {
    let mut book = Book::founded(&config(&[]));
    for place in 0..count {
        again(&mut book, place);
    }
    book
}

fn again(book: &mut Book, place: usize) {
    let start = i64::try_from(place).unwrap() * DAY;
    let mut request = book.request("production", 1 + u8::try_from(place % 9).unwrap());
    request.decide_by = minutes(start + 60);
    book.vote(by("bob", start), &request, Verdict::Allow).unwrap();
    let execution = book.start(by("alice", start + 1), &request, ActionKind::Deploy).unwrap();
    book.end(by("alice", start + 10), execution, Ending::Succeeded).unwrap();
}

#[test]
fn the_newest_actions_and_ways_back_are_kept_and_their_requests() {
    let book = deployments(WAYS_BACK_KEPT + 5);
    let track = track(&book, "production");
    assert_eq!(track.deployments.len(), ACTIONS_KEPT);
    assert_eq!(track.ways_back.len(), WAYS_BACK_KEPT);
    assert_eq!(book.timeline.requests.len(), ACTIONS_KEPT);
    assert!(track.past.is_empty());
    assert_eq!(track.to_undo().unwrap().execution, track.live.as_ref().unwrap().execution);
}

#[test]
fn the_state_does_not_grow_with_the_ledger() {
    let size = |book: &Book| serde_json::to_vec(&book.timeline.state()).unwrap().len();
    let (mut book, places) = (deployments(40), 40..80);
    let before = size(&book);
    for place in places {
        again(&mut book, place);
    }
    assert!(size(&book) <= before + 200, "{} and then {}", before, size(&book));
}

#[test]
fn who_remembers_has_all_of_it_for_tables() {
    let book = deployments(12);
    let mut remembers = Timeline::remembering();
    for entry in &book.entries {
        remembers.apply(entry, crate::gate::fixture::verify).unwrap();
    }
    let track = &remembers.tracks[&"production".parse().unwrap()];
    assert_eq!(track.past.len() + track.deployments.len(), 12);
    let decided = |deployed: &super::super::Deployed| remembers.decided(&deployed.start.request).is_some();
    assert!(track.past.iter().chain(&track.deployments).all(decided));
}

#[test]
fn what_was_live_long_ago_is_a_way_back_and_then_nothing_is_left_to_undo() {
    let mut book = deployments(9);
    let start = 9 * DAY;
    let mut request = book.request_back(1);
    request.decide_by = minutes(start + 60);
    book.vote(by("bob", start), &request, Verdict::Allow).unwrap();
    book.rolled_back(&request, start + 1, Ending::Succeeded);
    assert_eq!(live(&book, "production").unwrap(), "v1");
    assert_eq!(undo(&book, "production"), None);
}

#[test]
fn a_report_that_is_owed_keeps_what_it_is_about() {
    let mut book = deployments(2);
    let request = book.request("production", 5);
    book.vote(by("bob", 3 * DAY), &request, Verdict::Allow).unwrap();
    let undone = book.start(by("alice", 3 * DAY + 1), &request, ActionKind::Deploy).unwrap();
    book.end(by("alice", 3 * DAY + 2), undone, Ending::Succeeded).unwrap();
    let back = book.rolled_back(&request, 3 * DAY + 10, Ending::Succeeded);
    for place in 4..20 {
        again(&mut book, place);
    }
    let kept: Vec<Digest> =
        track(&book, "production").deployments.iter().map(|known| known.execution).collect();
    assert_eq!(kept.len(), ACTIONS_KEPT + 2);
    assert_eq!(kept[..2], [undone, back]);
    book.rollback_report(by("bob", 20 * DAY), back).unwrap();
    assert_eq!(track(&book, "production").deployments.len(), ACTIONS_KEPT);
}

#[test]
fn quarantine_stays_until_it_is_released_and_is_older_than_every_way_back() {
    let mut book = deployments(2);
    let mut request = book.request("production", 5);
    request.release.commit = commit('e');
    book.vote(by("bob", 3 * DAY), &request, Verdict::Allow).unwrap();
    let undone = book.start(by("alice", 3 * DAY + 1), &request, ActionKind::Deploy).unwrap();
    book.end(by("alice", 3 * DAY + 2), undone, Ending::Succeeded).unwrap();
    let back = book.rolled_back(&request, 3 * DAY + 10, Ending::Succeeded);
    book.rollback_report(by("bob", 3 * DAY + 20), back).unwrap();
    let mut released = book.clone();
    released.release(by("bob", 3 * DAY + 30), back, Some(commit('9'))).unwrap();
    let many = 4 + WAYS_BACK_KEPT;
    for place in 4..many {
        again(&mut book, place);
        again(&mut released, place);
    }
    assert_eq!(quarantined(&book, "production"), [commit('e')], "nobody released it");
    let late = i64::try_from(many).unwrap() * DAY;
    book.release(by("bob", late), back, None).unwrap();
    assert_eq!(book.timeline.idle, None, "it can be released as long as it is there");
    assert_eq!(quarantined(&released, "production"), []);
}

#[test]
fn what_nobody_executed_is_known_for_a_month_and_a_denial_with_it() {
    let mut book = Book::founded(&config(&[]));
    let request = book.request("production", 1);
    book.vote(by("bob", 0), &request, Verdict::Deny).unwrap();
    let over = DAY + DAYS_KEPT * DAY;
    let (mut before, mut after) = (book.clone(), book);
    before.vote(by("bob", over), &before.request("eu", 2), Verdict::Hold).unwrap();
    assert!(before.timeline.requests.contains_key(&reference(&request)));
    after.vote(by("bob", over + 1), &after.request("eu", 2), Verdict::Hold).unwrap();
    assert!(!after.timeline.requests.contains_key(&reference(&request)));
}
