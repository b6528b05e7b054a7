//! The way out: what people are told after a fault, and that what they are told works.

use std::fs;

use super::aftermath::Aftermath;
use crate::house::House;

/// After every lease of a test.
const LATER: &str = "2026-11-23T12:00:00Z";
const STATUS: [&str; 1] = ["status"];
const DEPLOY: [&str; 2] = ["deploy", "production"];
const ROLLBACK: [&str; 4] = ["rollback", "production", "--reason", "it is broken"];

/// From an approved request, however far its deployment came.
#[track_caller]
pub(crate) fn of_a_deployment(house: &House, id: &str, after: &Aftermath) {
    holds(house, after);
    let deployment = after.since("approval");
    match deployment.last().map(String::as_str) {
        None => {
            assert_eq!(after.ran, [""; 0]);
            says(house, &STATUS, 0, &format!("next: a person executes: deployctl deploy production {id}"));
            house.person("alice").deploys(id);
            ran_once(house, id);
        }
        Some(outcome) if outcome.starts_with("outcome") => {
            refuses(house, &[DEPLOY[0], DEPLOY[1], id], 3, "approval.consumed");
            says(house, &STATUS, 0, "next: ");
        }
        Some(_) => interrupted(house, id, after.ran.len() % 2 == 1),
    }
    if house.live("version").as_deref() != Some("v1.3.0\n") {
        the_next_version(house);
    }
}

/// A deployment that never said how it ended.
#[track_caller]
fn interrupted(house: &House, id: &str, back: bool) {
    let deploy = [DEPLOY[0], DEPLOY[1], id];
    refuses(house, &deploy, 7, "environment.busy");
    says(house, &STATUS, 0, "next: if it died, wait until ");
    house.clock(LATER);
    says(house, &STATUS, 0, "never said how it ended: interrupted");
    says(house, &STATUS, 0, ": deployctl rollback production --reason TEXT");
    refuses(house, &deploy, 4, "deployment.interrupted");
    ran_once(house, id);
    if back {
        house.person("alice").at_terminal(ROLLBACK).signs().exit(0);
        assert_eq!(house.live("version").unwrap(), "v1.3.0\n");
    } else {
        let review = ["approve", id, "--review", "--reason", "it is well"];
        house.person("bob").at_terminal(review).signs().exit(0);
    }
    refuses(house, &deploy, 3, "approval.consumed");
}

/// From a request that waits for its approval.
#[track_caller]
pub(crate) fn of_an_approval(house: &House, id: &str, after: &Aftermath) {
    holds(house, after);
    if after.since("policy").is_empty() {
        says(house, &STATUS, 0, &format!(": deployctl approve {id}"));
        house.person("alice").approves(id);
    }
    says(house, &STATUS, 0, &format!("next: a person executes: deployctl deploy production {id}"));
    house.person("alice").deploys(id);
    ran_once(house, id);
}

/// From a deployed version, however far its rollback came.
#[track_caller]
pub(crate) fn of_a_rollback(house: &House, id: &str, after: &Aftermath) {
    holds(house, after);
    let rollback = after.since("outcome Succeeded");
    match rollback.last().map(String::as_str) {
        None => drop(house.person("alice").rolls_back("it is broken")),
        Some("outcome Succeeded") => {}
        Some(outcome) if outcome.starts_with("outcome") => {
            says(house, &STATUS, 0, ": deployctl rollback production --reason TEXT");
            house.person("alice").rolls_back("once more");
        }
        Some(_) => {
            refuses(house, &ROLLBACK, 7, "environment.busy");
            house.clock(LATER);
            says(house, &STATUS, 0, "never said how it ended: interrupted");
            house.person("alice").rolls_back("once more");
        }
    }
    says(house, &STATUS, 0, "production: v1.3.0");
    assert_eq!(house.live("version").unwrap(), "v1.3.0\n");
    refuses(house, &[DEPLOY[0], DEPLOY[1], id], 3, "approval.consumed");
}

/// From an approved request of a version that is ill whenever it is live, however far its deployment and the rollback by the
/// session came.
#[track_caller]
pub(crate) fn of_an_automatic_rollback(house: &House, id: &str, after: &Aftermath) {
    holds(house, after);
    let said = after.since("approval");
    match said.last().map(String::as_str) {
        None => {
            assert_eq!(after.ran, [""; 0]);
            says(house, &STATUS, 0, &format!("next: a person executes: deployctl deploy production {id}"));
            house.person("alice").at_terminal([DEPLOY[0], DEPLOY[1], id]).signs().exit(6);
        }
        Some("outcome Succeeded") => {}
        Some(outcome) if outcome.starts_with("outcome") => {
            says(house, &STATUS, 0, "next: ");
            house.person("alice").rolls_back("it is ill");
        }
        Some(_) => {
            refuses(house, &[DEPLOY[0], DEPLOY[1], id], 7, "environment.busy");
            refuses(house, &ROLLBACK, 7, "environment.busy");
            house.clock(LATER);
            says(house, &STATUS, 0, "never said how it ended: interrupted");
            says(house, &STATUS, 0, ": deployctl rollback production --reason TEXT");
            house.person("alice").rolls_back("it was cut short");
        }
    }
    ran_once(house, id);
    says(house, &STATUS, 0, "production: v1.3.0");
    assert_eq!(house.live("version").unwrap(), "v1.3.0\n");
    refuses(house, &[DEPLOY[0], DEPLOY[1], id], 3, "approval.consumed");
}

/// Both ledgers are found valid, here and by anybody else. A lock file that was left is named, and removed as told.
#[track_caller]
fn holds(house: &House, after: &Aftermath) {
    if let Some(lock) = after.locks.first() {
        let path = house.project().join(".git").join(lock);
        let named = format!("`{}` is in the way", path.display());
        if after.here.len() < after.there.len() {
            says(house, &STATUS, 3, &named);
            says(house, &STATUS, 3, "if none runs, remove that file");
        }
        fs::remove_file(path).unwrap();
    }
    says(house, &["history", "--verify"], 0, "");
    let other = house.clone_of();
    says(&other, &["history", "--verify"], 0, "");
}

/// Without a terminal, as anybody asks.
#[track_caller]
fn says(house: &House, words: &[&str], code: i32, text: &str) {
    let answer = house.run(words.iter().copied()).any_stdout().any_stderr().exit(code);
    let all = answer.stdout + &answer.stderr;
    assert!(all.contains(text), "no `{text}` in\n{all}");
}

/// Before anything is asked.
#[track_caller]
fn refuses(house: &House, words: &[&str], code: i32, reason: &str) {
    let shown = house.at_terminal_with("alice", &[], words).exit(code);
    assert!(shown.contains(reason) && !shown.contains("Type \""), "no `{reason}` in\n{shown}");
}

/// Each step ran at most once for this request.
#[track_caller]
fn ran_once(house: &House, id: &str) {
    let ran = house.live("journal").unwrap_or_default();
    for line in [format!("migrate up for {id}"), format!("release v1.4.0 for {id}")] {
        assert!(ran.lines().filter(|ran| **ran == line).count() <= 1, "{ran}");
    }
}

/// What was cut short stops nobody for good.
#[track_caller]
fn the_next_version(house: &House) {
    house.write("app/total.txt", "13.00\n");
    house.commit("fix(cart): round up");
    house.tag("v1.5.0");
    house.git(["push", "--quiet", "--tags", "origin", "main"]);
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let words =
        ["request", "v1.5.0", "--as", "orchestrator", "--since", "v1.4.0", "--summary", "Up", "--json"];
    let answer = house.run(words).any_stdout().any_stderr().exit(0);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").unwrap(), "v1.5.0\n");
}
