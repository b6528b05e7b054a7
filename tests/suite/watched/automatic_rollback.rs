//! The rollback that the approvals allow beforehand: by the session, on a trigger, once, and as bounded as they say.

use std::fs;

use deployctl::gate::keys::PublicKey;
use deployctl::gate::statement::{AutomaticRollback, Ending, Execution, OutcomeStatement, Statement};
use deployctl::gate::terms::Digest;
use deployctl::world::records::Files;
use serde_json::{Value, json};

use super::{approved_under, falls_ill, outcomes, rules};
use crate::forge::{Entry, told};
use crate::house::House;

/// The policy lets the session roll back, and these steps come after the release's.
fn by_itself(house: &House, more: &str) -> String {
    let back = "      steps: [{ name: release, run: [\"./ops/release.sh\", \"--previous\"], timeout: 1m }";
    let text = rules(house);
    assert!(text.contains(back), "{text}");
    text.replace(back, &format!("      on_trigger: rollback\n{back}{more}"))
}

/// The same, with a step that makes the shop well again; v1.4.0 is approved and watched for a minute.
fn healing() -> (House, String) {
    let house = House::new();
    let heal = format!(", {{ name: heal, run: [rm, \"{}\"] }}", house.home().join("ill").display());
    let policy = by_itself(&house, &heal);
    let id = approved_under(&house, &policy, "1");
    (house, id)
}

const STORY: [&str; 9] = [
    "execution",
    "step migrate Succeeded",
    "step release Succeeded",
    "outcome Failed",
    "automatic rollback",
    "step release Succeeded",
    "step heal Succeeded",
    "step migrate Succeeded",
    "outcome Succeeded",
];

#[test]
fn a_trigger_rolls_back_by_itself_where_the_approval_allows_it() {
    let (house, id) = healing();
    let review = house.run(["approve", &id, "--show"]).any_stdout().any_stderr().exit(0).stdout;
    let line = "  On a trigger the session rolls back to v1.3.0 by itself, until ";
    assert!(review.contains(&format!("{line}the moment that the approval names\n")), "{review}");
    let plan = house.run(["deploy", "production", &id, "--dry-run"]).any_stdout().exit(0).stdout;
    assert!(plan.contains(&format!("{line}2026-11-23 ")), "{plan}");
    let shown = falls_ill(&house, &id).exit(6);
    for said in [
        "\nv1.4.0 is not healthy: ",
        "\nrolling back to v1.3.0, as the approval allows until 2026-11-23 ",
        "and was rolled back: `production` runs v1.3.0 again",
        "v1.4.0 is quarantined",
    ] {
        assert!(shown.contains(said), "{said}\n{shown}");
    }
    assert!(!shown.contains("ROLLBACK?") && !shown.contains("Type \"rollback"), "{shown}");
    assert_eq!(house.story_of_deployment(), STORY);
    assert_eq!(house.live("version").as_deref(), Some("v1.3.0\n"));
    let ends: Vec<Value> =
        outcomes(&house).iter().map(|(outcome, _)| outcome["watched"]["verdict"].clone()).collect();
    assert_eq!(ends, [json!("triggered"), json!("healthy")]);
    house.run(["history", "--verify"]).any_stdout().exit(0);
    crate::stranger::finds_that_it_holds(&house);
    let rows = house.run(["history", "--json"]).any_stdout().exit(0).json();
    let (back, row) = (&rows["deployments"][0], &rows["deployments"][1]);
    assert_eq!((&back["type"], &back["automatic"]), (&json!("Rollback"), &json!(true)));
    assert_eq!((&row["status"], &row["rolled_back_automatically"]), (&json!("Rolled back"), &json!(true)));
    assert!(row["notes"].as_str().expect("notes").contains("; trigger: "), "{row}");
    assert!(row["report"]["name"].is_string(), "{row}");
}

#[test]
fn with_json_it_stands_in_the_one_document() {
    let (house, id) = healing();
    let hold = house.holds("release");
    let running = house.person("alice").at_terminal(["deploy", "production", &id, "--json"]).signs();
    let running = running.expect("release waits");
    fs::write(house.home().join("ill"), "").expect("a file of the home");
    fs::remove_file(house.home().join("release.hold")).expect("it waits");
    hold.lets_go();
    let shown = running.exit(6);
    let (_, document) = shown.rsplit_once("\n{\n").expect("a document");
    let document: Value = serde_json::from_str(&format!("{{{document}")).expect("JSON");
    let back = &document["rollback"];
    assert_eq!((&document["outcome"], &back["outcome"]), (&json!("rolled-back"), &json!("done")));
    assert_eq!((&back["automatic"], &back["version"]), (&json!(true), &json!("v1.3.0")));
    assert_ne!(back["execution"], document["execution"]);
}

#[test]
fn one_that_makes_nothing_healthy_has_failed_and_nothing_is_asked() {
    let house = House::new();
    let policy = by_itself(&house, "");
    let id = approved_under(&house, &policy, "1");
    let shown = falls_ill(&house, &id).exit(1);
    assert!(shown.contains("and the rollback failed too"), "{shown}");
    assert!(shown.contains("`production` runs v1.3.0, not healthy: "), "{shown}");
    assert!(!shown.contains("ROLLBACK?"), "{shown}");
    let story = house.story_of_deployment();
    assert_eq!(
        story[4..],
        ["automatic rollback", "step release Succeeded", "step migrate Succeeded", "outcome Failed"]
    );
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

#[test]
fn a_failed_step_asks_also_where_a_trigger_would_not() {
    let (house, id) = healing();
    house.breaks("release");
    let asked = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    asked.expect("ROLLBACK? [y/n] ").answer("n").exit(1);
    assert_eq!(house.story_of_deployment()[2..], ["step release Failed", "outcome Failed"]);
}

#[test]
fn a_freeze_of_rollbacks_asks_and_says_why() {
    let house = House::new();
    let freeze = "    windows: { timezone: UTC, deny: [{ name: inventory, from: 2026-11-23, to: 2026-11-23, actions: [rollback] }] }\n    approvals:\n";
    let policy = by_itself(&house, "").replacen("    approvals:\n", freeze, 1);
    let id = approved_under(&house, &policy, "1");
    let shown = falls_ill(&house, &id).expect("ROLLBACK? [y/n] ").answer("n").exit(1);
    let said = "it is not rolled back without a question:\n  warning: window.blackout  ";
    assert!(shown.contains(said), "{shown}");
    assert_eq!(house.story_of_deployment()[3..], ["outcome Failed"]);
}

#[test]
fn a_database_that_cannot_go_back_is_said_on_the_screen_and_asks() {
    let house = House::new();
    let down = "      migrations: [{ name: migrate, run: [\"./ops/migrate.sh\", \"down\"], timeout: 1m }]\n";
    let policy = by_itself(&house, "");
    assert!(policy.contains(down), "{policy}");
    let id = approved_under(&house, &policy.replace(down, ""), "1");
    let review = house.run(["approve", &id, "--show"]).any_stdout().any_stderr().exit(0).stdout;
    let said = "  On a trigger the session asks: the database does not go back by itself\n";
    assert!(review.contains(said), "{review}");
    falls_ill(&house, &id).expect("ROLLBACK? [y/n] ").answer("n").exit(1);
    assert_eq!(house.story_of_deployment()[3..], ["outcome Failed"]);
}

#[test]
fn a_session_that_is_killed_in_it_leaves_a_rollback_that_a_person_ends() {
    let (house, id) = healing();
    let hold = house.holds("release");
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    let running = running.expect("release waits");
    let down = house.holds("migrate");
    fs::write(house.home().join("ill"), "").expect("a file of the home");
    fs::remove_file(house.home().join("release.hold")).expect("it waits");
    hold.lets_go();
    running.expect("migrate waits").kill().exit(137);
    down.lets_go();
    fs::remove_file(house.home().join("migrate.hold")).expect("it waits");
    assert_eq!(house.story_of_deployment(), STORY[..7]);
    house.run(["history", "--verify"]).any_stdout().exit(0);
    let retry = ["rollback", "production", "--reason", "it was killed"];
    let refused = house.person("alice").at_terminal(retry).exit(7);
    assert!(refused.contains("environment.busy"), "{refused}");
    house.clock("2026-11-23T12:00:00Z");
    fs::write(house.home().join("ill"), "").expect("a file of the home");
    house.person("alice").rolls_back("it was killed");
    assert_eq!(house.live("version").as_deref(), Some("v1.3.0\n"));
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

/// A ledger that ends with the outcome of the watch, in which alice's own key is the session's: she has everything that the
/// session has. Answers what the session said then.
fn stolen(house: &House) -> (Execution, OutcomeStatement, AutomaticRollback) {
    let mut entries = house.entries();
    let said = entries.iter().find_map(|entry| match &entry.payload.statement {
        Statement::AutomaticRollback(said) => Some((**said).clone()),
        _ => None,
    });
    let outcome = entries.iter().find_map(|entry| match &entry.payload.statement {
        Statement::Outcome(outcome) => Some((outcome.clone(), entry.files["health.json"].clone())),
        _ => None,
    });
    let (mut outcome, health) = outcome.expect("an outcome");
    let Statement::Execution(mut execution) = entries[2].payload.statement.clone() else { panic!("none") };
    let line = fs::read_to_string(house.bare_key("alice").with_extension("pub")).expect("a key");
    execution.session_key = line.trim().parse::<PublicKey>().expect("a key");
    entries.truncate(2);
    house.republish(&entries);
    let started = house.forged("alice", "alice", Statement::Execution(execution.clone()), Files::new());
    house.publish(&started);
    outcome.execution = Digest::of(&started.files["payload.json"]);
    let files = Files::from([("health.json".to_owned(), health)]);
    house.publish(&by_session(house, "alice", Statement::Outcome(outcome.clone()), files));
    let said = AutomaticRollback { execution: outcome.execution, ..said.expect("a rollback") };
    (*execution, outcome, said)
}

/// An entry of alice's session, signed with somebody's key.
fn by_session(house: &House, who: &str, statement: Statement, files: Files) -> Entry {
    let mut entry = house.forged("alice", "alice", statement, files.clone());
    entry.payload.by = "alice".parse().expect("a name");
    house.signed(who, "session", entry.payload, files)
}

#[track_caller]
fn tampered(house: &House, why: &str) {
    let verified = house.run(["history", "--verify", "--json"]).any_stdout().any_stderr().exit(4).json();
    assert_eq!(verified["reasons"][0]["code"], "ledger.tampered");
    let message = verified["reasons"][0]["message"].as_str().expect("a message");
    assert!(message.contains(why), "{message}");
}

#[test]
fn a_forged_one_is_tampering_whatever_it_says() {
    let (house, id) = healing();
    falls_ill(&house, &id).exit(6);
    let (_, outcome, said) = stolen(&house);
    let before = house.git(["rev-parse", "deployctl/ledger"]);
    let again = || {
        house.git(["update-ref", "refs/heads/deployctl/ledger", &before]);
        house.forget();
    };
    let statement = |said: &AutomaticRollback| Statement::AutomaticRollback(Box::new(said.clone()));
    // The same statement by the session's key is believed.
    house.publish(&by_session(&house, "alice", statement(&said), Files::new()));
    house.run(["history", "--verify"]).any_stdout().exit(0);
    house.publish(&by_session(&house, "alice", statement(&said), Files::new()));
    tampered(&house, "it is not the newest action of the environment that it undoes");
    again();
    house.publish(&by_session(&house, "mallory", statement(&said), Files::new()));
    tampered(&house, "the signature of `session` does not verify");
    again();
    let mut elsewhere = said.clone();
    elsewhere.release.commit = house.git(["rev-parse", "v1.4.0^{commit}"]).trim().parse().expect("an id");
    house.publish(&by_session(&house, "alice", statement(&elsewhere), Files::new()));
    tampered(&house, "it goes back to another release than its approvals allow");
    again();
    let mut late = house.forged("alice", "alice", statement(&said), Files::new());
    late.payload.at += chrono::TimeDelta::days(1);
    house.publish(&house.signed("alice", "session", late.payload, Files::new()));
    tampered(&house, "the time that its approvals allow is over");
    again();
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
    let ended = OutcomeStatement { ending: Ending::Failed, watched: None, ..outcome };
    house.publish(&by_session(&house, "alice", Statement::Outcome(ended), Files::new()));
    house.publish(&by_session(&house, "alice", statement(&said), Files::new()));
    tampered(&house, "no trigger ended the watch of what it undoes");
    assert_eq!(told(&statement(&said)), "automatic rollback");
}
