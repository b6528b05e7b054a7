//! `history --verify`: what it says that it checked, and that it names the first entry that does not hold.

use std::fs;

use deployctl::gate::statement::{Execution, Statement};
use deployctl::gate::terms::Digest;
use deployctl::world::records::Files;
use serde_json::{Value, json};

use crate::forge::Entry;
use crate::house::{House, POLICY};

/// v1.4.0 was deployed by alice, and rolled back by bob.
fn rolled_back() -> House {
    let (house, _) = House::deployed();
    house.person("bob").rolls_back("checkout fails");
    house
}

const TOLD: &str = "\
ok: 10 entries, each with its place, files and signature
signatures: approval 1, execution 2, outcome 2, policy 1, progress 4; by alice, bob, the sessions of their deployments
policies: 1 by entry 1
executions: 1, approved by as many people as the policy in force asked, and used once; 1 that rests on the approvals of the deployment undone
states: 4 reached again
trust root: [fingerprint], as this clone knows it
newest entry: 10 ([id]), and nothing is missing that this clone has seen
";

#[test]
fn people_read_what_was_checked_in_a_few_lines() {
    rolled_back().run(["history", "--verify"]).stdout(TOLD).exit(0);
}

#[test]
fn auditors_get_the_same_as_json() {
    let house = rolled_back();
    let commit = |place: u64| json!(house.git(["rev-parse", &format!("deployctl/ledger~{}", 10 - place)]));
    let said = house.run(["history", "--verify", "--json"]).any_stdout().exit(0).json();
    assert_eq!(said["verified"], true);
    assert_eq!((&said["entries"], &said["signatures"], &said["states"]), (&json!(10), &json!(10), &json!(4)));
    let kinds = json!({ "approval": 1, "execution": 2, "outcome": 2, "policy": 1, "progress": 4 });
    assert_eq!(said["kinds"], kinds);
    assert_eq!(said["people"], json!(["alice", "bob"]));
    assert_eq!(said["policies"], json!([{ "version": 1, "entry": 1, "commit": commit(1), "by": "alice" }]));
    let action = |entry: u64, action: &str, version: &str, by: &str, of_deployment: bool| {
        json!({
            "entry": entry,
            "commit": commit(entry),
            "action": action,
            "environment": "production",
            "version": version,
            "by": by,
            "approvals": 1,
            "required": 1,
            "of_deployment": of_deployment,
        })
    };
    let executions =
        [action(3, "deploy", "v1.4.0", "alice", false), action(7, "rollback", "v1.3.0", "bob", true)];
    assert_eq!(said["executions"], json!(executions));
    assert!(said["root"].as_str().expect("a root").starts_with("SHA256:"), "{said}");
    assert_eq!(said["root_pinned"], "clone");
    let payload = Digest::of(&house.entries()[9].files["payload.json"]);
    assert_eq!(said["tip"], json!({ "sequence": 10, "commit": commit(10), "payload": payload }));
    assert_eq!(said["high_water"], json!({ "sequence": 10, "commit": commit(10) }));
    assert_eq!(said["since"], Value::Null);
}

#[test]
fn a_ledger_that_is_not_founded_says_so() {
    let told = "ok: the ledger is not founded, so there is nothing to check\n";
    House::new().run(["history", "--verify"]).stdout(told).exit(0);
}

#[test]
fn it_goes_on_from_an_entry_that_was_verified_before() {
    let house = rolled_back();
    let told = "\
ok: 4 entries since entry 6, each with its place, files and signature
signatures: execution 1, outcome 1, progress 2; by bob, the sessions of their deployments
policies: none came into force
executions: 1 that rests on the approvals of the deployment undone
states: 1 reached again
trust root: [fingerprint], as this clone knows it
newest entry: 10 ([id]), and nothing is missing that this clone has seen
";
    house.run(["history", "--verify", "--since", "6"]).stdout(told).exit(0);
    let commit = house.git(["rev-parse", "deployctl/ledger~4"]);
    for name in [&commit[..], &commit[..12]] {
        house.run(["history", "--verify", "--since", name]).stdout(told).exit(0);
    }
    // What the deployment consumed is known all the same.
    let said = house.run(["history", "--verify", "--since", "6", "--json"]).any_stdout().exit(0).json();
    assert_eq!((&said["since"], &said["entries"]), (&json!(6), &json!(4)));
    assert_eq!(
        (&said["executions"][0]["approvals"], &said["executions"][0]["required"]),
        (&json!(1), &json!(1))
    );
    let said = house.run(["history", "--verify", "--since", "10", "--json"]).any_stdout().exit(0).json();
    assert_eq!((&said["entries"], &said["executions"]), (&json!(0), &json!([])));
}

#[test]
fn an_entry_that_is_none_is_an_error() {
    let house = rolled_back();
    let none = |name: &str| {
        format!(
            "error: the ledger has no entry `{name}`: its entries are 1 to 10, and `git log deployctl/ledger` shows their commits\n"
        )
    };
    for name in ["11", "0", "00000000"] {
        house.run(["history", "--verify", "--since", name]).stderr(&none(name)).exit(1);
    }
    let moment =
        "error: with `--verify`, `--since` is an entry: its number, or at least seven digits of its commit\n";
    house.run(["history", "--verify", "--since", "2026-11-23"]).stderr(moment).exit(2);
    let entry = "error: `--since 6` is an entry, which only `--verify` takes: give a day such as `2026-11-23`, a moment, or a span such as `30d`\n";
    house.run(["history", "--since", "6"]).stderr(entry).exit(2);
}

/// What `--verify` says of a ledger: this entry does not hold, or is missing, and why.
#[track_caller]
fn names(house: &House, place: u64, commit: &str, code: &str, why: &str) {
    let said = house.run(["history", "--verify", "--json"]).any_stdout().any_stderr().exit(4).json();
    assert_eq!(said["verified"], false);
    let reason = &said["reasons"][0];
    assert_eq!(reason["code"], code);
    let told = reason["message"].as_str().expect("a sentence");
    assert!(told.contains(why), "no `{why}` in: {told}");
    assert_eq!(said["failed_at"], json!({ "sequence": place, "commit": commit }));
}

/// The same of a ledger that ends with the entry.
#[track_caller]
fn names_the_last(house: &House, place: u64, why: &str) {
    assert_eq!(house.entries().len() as u64, place);
    let commit = house.git(["rev-parse", "deployctl/ledger"]);
    names(house, place, &commit, "ledger.tampered", why);
}

/// Signs an entry again that was changed.
fn signed_again(house: &House, entry: Entry) -> Entry {
    let Entry { payload, mut files } = entry;
    files.retain(|name, _| name != "payload.json" && !name.ends_with(".sig"));
    let by = payload.by.to_string();
    house.signed(&by, &by, payload, files)
}

/// An execution by hand that rests on this approval.
fn resting_on(approval: &Entry) -> Statement {
    let (other, _) = House::deployed();
    let Statement::Execution(before) = other.entries().remove(2).payload.statement else {
        panic!("no execution")
    };
    let Statement::Approval(said) = &approval.payload.statement else { panic!("no approval") };
    Statement::Execution(Box::new(Execution {
        action: said.action,
        environment: said.environment.clone(),
        release: said.release.clone(),
        previous_release: said.previous_release.clone(),
        request: said.request.clone(),
        approvals: vec![Digest::of(&approval.files["payload.json"])],
        policy: said.policy,
        ..*before
    }))
}

#[test]
fn a_link_to_another_entry() {
    let (house, _) = House::approved();
    let mut entries = house.entries();
    let mut last = entries.remove(1);
    last.payload.previous = Some(Digest::of(b"another"));
    entries.push(signed_again(&house, last));
    house.republish(&entries);
    names_the_last(&house, 2, "it does not follow the entry before it");
}

#[test]
fn an_entry_that_was_taken_out() {
    let house = rolled_back();
    let mut entries = house.entries();
    entries.remove(4);
    house.republish(&entries);
    let commit = house.git(["rev-parse", "deployctl/ledger~4"]);
    names(&house, 5, &commit, "ledger.tampered", "it says that it is entry 6, and stands at 5");
}

#[test]
fn a_signature_of_another_key() {
    let (house, _) = House::approved();
    let mut entries = house.entries();
    let Entry { payload, mut files } = entries.remove(1);
    files.retain(|name, _| name != "payload.json" && !name.ends_with(".sig"));
    entries.push(house.signed("mallory", "alice", payload, files));
    house.republish(&entries);
    names_the_last(&house, 2, "the signature of `alice` does not verify");
}

#[test]
fn too_few_approvals() {
    let house = House::new();
    house.approved_under(&POLICY.replace("required: 1", "required: 2"));
    let execution = resting_on(&house.entries()[1]);
    house.publish(&house.forged("alice", "alice", execution, Files::new()));
    names_the_last(&house, 3, "1 of 2 people approved it");
}

#[test]
fn an_approval_under_a_policy_that_is_in_force_no_more() {
    let (house, _) = House::approved();
    house.config(&POLICY.replace("estimate: 5m", "estimate: 6m"));
    house.person("alice").signs_policy();
    let execution = resting_on(&house.entries()[1]);
    house.publish(&house.forged("alice", "alice", execution, Files::new()));
    names_the_last(&house, 4, "it was approved under other rules");
}

#[test]
fn a_person_of_an_earlier_policy() {
    let (house, _) = House::approved();
    let lines: Vec<&str> = POLICY.lines().filter(|line| !line.contains("{bob}")).collect();
    house.config(&format!("{}\n", lines.join("\n")));
    house.person("alice").signs_policy();
    let approval = house.entries().remove(1).payload.statement;
    house.publish(&house.forged("bob", "bob", approval, Files::new()));
    names_the_last(&house, 4, "`bob` is not a person of the policy in force");
}

#[test]
fn an_approval_that_is_consumed_twice() {
    let (house, _) = House::deployed();
    let again = house.entries().remove(2).payload.statement;
    house.publish(&house.forged("alice", "alice", again, Files::new()));
    names_the_last(&house, 7, "its approval was used before");
}

#[test]
fn a_state_that_the_entries_do_not_come_to() {
    let (house, _) = House::approved();
    let mut entries = house.entries();
    let mut last = entries.remove(1);
    last.files.insert("state.json".to_owned(), b"{}".to_vec());
    last.payload.attachments.insert("state.json".to_owned(), Digest::of(b"{}"));
    entries.push(signed_again(&house, last));
    house.republish(&entries);
    let said = house.run(["history", "--verify", "--json"]).any_stdout().exit(0).json();
    assert_eq!((&said["verified"], &said["states"]), (&json!(true), &json!(1)));
    let commit = house.git(["rev-parse", "deployctl/ledger"]);
    assert_eq!(said["false_states"], json!([{ "entry": 2, "commit": commit, "by": "alice" }]));
    assert_eq!(said["warnings"][0]["code"], "ledger.state");
}

#[test]
fn a_file_that_is_missing() {
    let (house, _) = House::deployed();
    let blob = house.git(["rev-parse", "deployctl/ledger~4:payload.json"]);
    let (dir, file) = blob.split_at(2);
    fs::remove_file(house.project().join(".git/objects").join(dir).join(file)).expect("a loose object");
    let commit = house.git(["rev-parse", "deployctl/ledger~4"]);
    names(&house, 2, &commit, "ledger.tampered", "`payload.json` is missing");
}

#[test]
fn entries_that_this_clone_has_seen_and_that_are_gone() {
    let (house, _) = House::deployed();
    let seen = house.git(["rev-parse", "deployctl/ledger"]);
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~2"]);
    names(&house, 6, &seen, "ledger.rewound", "this clone has seen entry 6");
}

#[test]
fn another_trust_root_than_the_one_that_is_pinned() {
    let (house, _) = House::deployed();
    let other = House::new();
    other.config(&POLICY.replace("estimate: 5m", "estimate: 6m"));
    other.person("alice").signs_policy();
    let file = ".git/deployctl/root";
    fs::copy(other.project().join(file), house.project().join(file)).expect("a pin");
    let first = house.git(["rev-parse", "deployctl/ledger~5"]);
    names(&house, 1, &first, "policy.root", "this machine knows the trust root");
}

#[test]
fn an_entry_of_the_remote_that_no_clone_takes_over() {
    let (house, _) = House::shared();
    let again = house.entries().remove(1);
    house.publish(&again);
    let bad = house.git(["rev-parse", "deployctl/ledger"]);
    house.git(["push", "--quiet", "origin", "deployctl/ledger"]);
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
    names(&house, 3, &bad, "ledger.tampered", "it says that it is entry 2, and stands at 3");
}
