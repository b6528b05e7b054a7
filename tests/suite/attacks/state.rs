//! On what stands for the entries that are not read again: the state in an entry, and this clone's mark.

use std::fs;
use std::path::PathBuf;

use deployctl::commands::gather::reading::{Care, Said, Witness, in_parts, whole};
use deployctl::gate::statement::{Statement, canonical};
use deployctl::gate::terms::Digest;
use deployctl::gate::timeline::{RawEntry, State, Timeline};
use deployctl::world::index::Index;
use deployctl::world::records::LEDGER;
use serde_json::{Value, json};

use crate::house::House;

fn mark_file(house: &House) -> PathBuf {
    house.project().join(".git/deployctl/high-water.json")
}

fn mark(house: &House) -> Value {
    serde_json::from_str(&fs::read_to_string(mark_file(house)).unwrap()).unwrap()
}

fn set_mark(house: &House, mark: &Value) {
    fs::write(mark_file(house), mark.to_string()).unwrap();
}

/// The commits of the ledger, oldest first.
fn commits(house: &House) -> Vec<String> {
    let list = house.git(["rev-list", "--reverse", LEDGER]);
    list.lines().map(str::to_owned).collect()
}

/// The file that holds an object.
fn object(house: &House, name: &str) -> PathBuf {
    let id = house.git(["rev-parse", name]);
    house.project().join(".git/objects").join(&id[..2]).join(&id[2..])
}

/// Takes an object away; git made it read-only.
fn loses(house: &House, name: &str) {
    fs::remove_file(object(house, name)).unwrap();
}

#[track_caller]
fn goes_on(house: &House, id: &str) {
    house.run(["deploy", "production", id, "--dry-run"]).any_stdout().any_stderr().exit(0);
}

#[track_caller]
fn refused(house: &House, id: &str, code: &str) {
    let dry = house.run(["deploy", "production", id, "--dry-run", "--json"]);
    let shown = dry.any_stdout().any_stderr().exit(4).json();
    assert_eq!(shown["reasons"][0]["code"], code, "{shown}");
}

#[test]
fn a_clone_goes_on_from_the_newest_entry_that_a_person_signed() {
    let (house, id) = House::approved();
    let commits = commits(&house);
    assert_eq!(mark(&house)["start"], json!({ "sequence": 2, "commit": commits[1] }));
    goes_on(&house, &id);
    house.person("alice").deploys(&id);
    let mark = mark(&house);
    assert_eq!(mark["start"]["sequence"], 3, "the execution: what follows is the session's");
    assert!(mark["sequence"].as_u64().unwrap() > 3);
}

#[test]
fn what_was_verified_is_not_read_again_and_an_audit_reads_it() {
    let (house, id) = House::approved();
    goes_on(&house, &id);
    let first = commits(&house)[0].clone();
    // The policy in force is the first entry, and is read from there; the state that names it was signed since.
    loses(&house, &format!("{first}:alice.sig"));
    goes_on(&house, &id);
    house.run(["history", "--verify"]).any_stdout().any_stderr().exit(4);
    loses(&house, &format!("{first}:payload.json"));
    refused(&house, &id, "ledger.tampered");
    let (house, id) = House::approved();
    house.person("alice").deploys(&id);
    let approval = commits(&house)[1].clone();
    loses(&house, &format!("{approval}:state.json"));
    house.run(["history", "--verify"]).any_stdout().any_stderr().exit(4);
}

#[test]
fn a_state_that_was_edited_in_its_place() {
    let (house, id) = House::approved();
    goes_on(&house, &id);
    let newest = format!("{}:state.json", commits(&house)[1]);
    let file = object(&house, &newest);
    let text = house.git(["cat-file", "blob", &newest]).replace("\"proposals\":{}", "\"proposals\":{ }");
    house.write("../state", &text);
    let other = house.git(["hash-object", "-w", "../state"]);
    fs::remove_file(&file).unwrap();
    fs::copy(object(&house, &other), &file).unwrap();
    refused(&house, &id, "ledger.tampered");
}

#[test]
fn another_state_in_the_entry_of_the_mark() {
    let (house, id) = House::approved();
    let mut entries = house.entries();
    let state = entries[1].files.get_mut("state.json").unwrap();
    *state =
        String::from_utf8(state.clone()).unwrap().replace("\"requests\":[]", "\"requests\":[ ]").into_bytes();
    house.replace_ledger(&entries);
    refused(&house, &id, "ledger.rewound");
    // Also where the mark is moved to the edited entry.
    let edited = commits(&house)[1].clone();
    let mut mark = mark(&house);
    (mark["commit"], mark["start"]["commit"]) = (json!(edited), json!(edited));
    set_mark(&house, &mark);
    refused(&house, &id, "ledger.tampered");
}

#[test]
fn a_mark_that_names_another_entry_of_the_chain() {
    let (house, id) = House::approved();
    goes_on(&house, &id);
    let (commits, known) = (commits(&house), mark(&house));
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut mark = known.clone();
        edit(&mut mark);
        set_mark(&house, &mark);
    };
    // Another place to go on from leads to the same: its state is signed.
    edited(&|mark| mark["start"] = json!({ "sequence": 1, "commit": commits[0] }));
    goes_on(&house, &id);
    assert_eq!(mark(&house), known);
    for start in [
        Value::Null,
        json!({ "sequence": 1, "commit": commits[1] }),
        json!({ "sequence": 2, "commit": commits[0] }),
        json!({ "sequence": 9, "commit": commits[1] }),
        json!({ "sequence": 0, "commit": commits[1] }),
        json!({ "sequence": 2, "commit": "1".repeat(40) }),
        json!({ "sequence": 2, "commit": house.git(["rev-parse", "HEAD"]) }),
    ] {
        edited(&|mark| mark["start"] = start.clone());
        goes_on(&house, &id);
        assert_eq!(mark(&house), known, "everything was read, and the mark is as it was: {start}");
    }
    // What was seen must be at its place.
    edited(&|mark| mark["commit"] = json!(commits[0]));
    refused(&house, &id, "ledger.rewound");
    edited(&|mark| mark["sequence"] = json!(1));
    refused(&house, &id, "ledger.rewound");
}

#[test]
fn a_mark_ahead_of_the_ledger() {
    let (house, id) = House::approved();
    for (sequence, commit) in [(3, "1".repeat(40)), (3, commits(&house)[1].clone())] {
        let mut mark = mark(&house);
        (mark["sequence"], mark["commit"]) = (json!(sequence), json!(commit));
        set_mark(&house, &mark);
        refused(&house, &id, "ledger.rewound");
    }
}

#[test]
fn a_ledger_that_went_back_behind_the_mark() {
    let (house, id) = House::approved();
    goes_on(&house, &id);
    house.git(["update-ref", LEDGER, &commits(&house)[0]]);
    refused(&house, &id, "ledger.rewound");
}

/// A person signs a state with an entry that says nothing: that of an entry before it.
fn with_false_state(house: &House) {
    let state = house.entries()[1].files["state.json"].clone();
    with_state(house, state);
}

fn with_state(house: &House, state: Vec<u8>) {
    let entries = house.entries();
    let Statement::Approval(_) = &entries[1].payload.statement else { panic!("an approval") };
    let statement = Statement::Revocation(deployctl::gate::statement::Revocation {
        request: deployctl::gate::statement::RequestRef {
            id: "v9-0000000".to_owned(),
            digest: Digest::of(b"no request"),
        },
        environment: "production".parse().unwrap(),
        reason: "to bring a state along".to_owned(),
        presence: match &entries[1].payload.statement {
            Statement::Approval(approval) => approval.presence.clone(),
            _ => unreachable!("it is an approval"),
        },
    });
    let files = deployctl::world::records::Files::from([("state.json".to_owned(), state)]);
    let entry = house.forged("alice", "alice", statement, files);
    house.publish(&entry);
}

#[test]
fn a_person_who_signs_a_state_that_is_not_so_is_not_gone_on_from() {
    let (house, id) = House::approved();
    goes_on(&house, &id);
    with_false_state(&house);
    goes_on(&house, &id);
    let known = mark(&house);
    assert_eq!((&known["sequence"], &known["start"]["sequence"]), (&json!(3), &json!(2)));
    house.forget();
    house.run(["status"]).any_stdout().any_stderr().exit(0);
    assert_eq!(mark(&house), known, "a new clone finds the same");
    // Nor does a table ever begin there.
    let index = Index::open(&house.project().join(".git")).unwrap();
    let reached: Vec<bool> = (1..=3).map(|place| index.row(place).unwrap().reached).collect();
    assert_eq!(reached, [true, true, false]);
    // An auditor sees it, and nobody is stuck: what follows is signed, run and verified as before.
    house.person("alice").deploys(&id);
    let named = "the `state.json` of entry 3 ([id]), signed by `alice`, is not what the entries before it come to; \
                 nothing here begins from it";
    let said = house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
    assert!(house.normal(&said.stderr).contains(named), "{}", said.stderr);
    assert!(said.stdout.contains("\nstates: 3 reached again; NOT that of entry 3, signed by alice\n"));
    let audit = house.run(["history", "--verify", "--json"]).any_stdout().exit(0).json();
    assert_eq!((&audit["verified"], &audit["states"]), (&json!(true), &json!(3)));
    assert_eq!(audit["warnings"][0]["code"], "ledger.state");
    let found = &audit["false_states"][0];
    assert_eq!((&found["entry"], &found["by"]), (&json!(3), &json!("alice")));
    assert_eq!(found["commit"], json!(commits(&house)[2]));
    crate::stranger::finds_that_it_holds(&house);
}

/// The same with a state that holds together, names the entry before it, and says of rules that wait that bob signed them.
fn with_plausible_state(house: &House) {
    let records = house.records();
    let chain = records.walk(&records.tip(LEDGER).unwrap().unwrap(), None).unwrap();
    let state = whole(&records, &chain, Care::DECISION, ()).unwrap().timeline.state();
    let true_one = String::from_utf8(canonical(&state).unwrap()).unwrap();
    let proposal = format!("\"proposals\":{{\"{}\":[\"bob\"]}}", Digest::of(b"other rules"));
    let said = true_one.replace("\"proposals\":{}", &proposal);
    assert_ne!(said, true_one);
    let read = State::read(said.as_bytes()).unwrap();
    let named: Vec<RawEntry> = read.entries().iter().map(|commit| records.one(commit).unwrap()).collect();
    assert_eq!(read.restore(&named).unwrap().proposals.len(), 1, "it could be gone on from");
    with_state(house, said.into_bytes());
}

#[test]
fn no_command_begins_from_a_state_that_is_not_so() {
    let (house, id) = House::approved();
    with_plausible_state(&house);
    let waits =
        |house: &House| house.run(["status", "--json"]).any_stdout().exit(0).json()["proposals"].clone();
    let begins_elsewhere = |house: &House| {
        assert_eq!(waits(house), json!({}));
        let mark = mark(house);
        assert_ne!(mark["start"]["sequence"], json!(3), "{mark}");
        let records = house.records();
        let chain = records.walk(&records.tip(LEDGER).unwrap().unwrap(), None).unwrap();
        for (care, parts) in [(Care::DECISION, 1), (Care::TABLE, 3), (Care::AUDIT, 1), (Care::AUDIT, 4)] {
            let folded = in_parts(&records, &chain, care, (), parts).unwrap();
            assert!(folded.timeline.proposals.is_empty(), "{care:?} in {parts}");
        }
        for since in ["2", "3"] {
            let words = ["history", "--verify", "--json", "--since", since];
            let audit = house.run(words).any_stdout().exit(0).json();
            assert_eq!(audit["false_states"].as_array().map(Vec::len), Some(1));
        }
        house.run(["history", "--since", "2026-11-01"]).any_stdout().exit(0);
        house.run(["history", "--limit", "1"]).any_stdout().exit(0);
        assert_eq!(waits(house), json!({}));
    };
    // A clone that was there before, one that comes later, and both once more is signed.
    begins_elsewhere(&house);
    house.forget();
    begins_elsewhere(&house);
    house.person("alice").deploys(&id);
    begins_elsewhere(&house);
    house.forget();
    begins_elsewhere(&house);
}

/// Counts the states that were reached again.
#[derive(Clone)]
struct States(usize);

impl Witness for States {
    fn took(&mut self, _: &Timeline, _: &RawEntry, state: Said) {
        self.0 += usize::from(state == Said::Reached);
    }

    fn after(self, earlier: Self) -> Self {
        Self(self.0 + earlier.0)
    }
}

#[test]
fn an_audit_in_parts_says_what_an_audit_in_one_says() {
    let (house, id) = House::approved();
    house.person("alice").deploys(&id);
    let told = |house: &House, parts: usize| {
        let records = house.records();
        let chain = records.walk(&records.tip(LEDGER).unwrap().unwrap(), None).unwrap();
        match in_parts(&records, &chain, Care::AUDIT, States(0), parts) {
            Ok(folded) => {
                let state = serde_json::to_value(folded.timeline.state()).unwrap();
                (state.to_string(), folded.witness.0, folded.start.map(|start| start.sequence))
            }
            Err(error) => (error.to_string(), 0, error.place().map(|(sequence, _)| sequence)),
        }
    };
    let one = told(&house, 1);
    assert_eq!((one.1, one.2), (3, Some(3)));
    let good = house.git(["rev-parse", LEDGER]);
    let whole = house.entries().len();
    for spoilt in [None, Some(1), Some(2), Some(3), Some(whole - 1)] {
        house.git(["update-ref", LEDGER, &good]);
        if let Some(place) = spoilt {
            let mut entries = house.entries();
            let payload = entries[place].files.get_mut("payload.json").unwrap();
            payload.push(b' ');
            house.replace_ledger(&entries);
        }
        for parts in 2..6 {
            assert_eq!(told(&house, parts), told(&house, 1), "{spoilt:?} in {parts}");
        }
    }
}
