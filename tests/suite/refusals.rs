//! Every reason to refuse, one test a code and named after it: a real situation that gives it, the exact codes and the
//! exit code, and proof that nothing ran.

mod approvals;
mod callers;
mod candidate;
mod emergencies;
mod environment;
pub(crate) mod forge;
pub(crate) mod keys;
mod ledger;
mod requests;
mod rules;

use std::collections::BTreeSet;
use std::fs;

use deployctl::gate::reason::Code;
use serde_json::Value;

use crate::house::{House, POLICY};

/// The program, for tests that have another program start it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_deployctl");

/// What an action of production leaves behind: what its steps wrote, and the signed executions of the ledger.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    live: BTreeSet<(String, String)>,
    executions: Vec<String>,
}

fn traces(house: &House) -> Traces {
    let files = fs::read_dir(house.home().join("live")).into_iter().flatten().flatten();
    let live = files.map(|file| {
        let name = file.file_name().into_string().expect("a name of ASCII");
        (name, fs::read_to_string(file.path()).expect("what a step wrote"))
    });
    let log = house.try_git(["log", "--format=%s", "deployctl/ledger", "--"]);
    let subjects = String::from_utf8(log.stdout).expect("subjects");
    let is_execution = |subject: &&str| {
        [": deploy ", ": rollback ", ": automatic rollback "].iter().any(|word| subject.contains(word))
    };
    Traces {
        live: live.collect(),
        executions: subjects.lines().filter(is_execution).map(str::to_owned).collect(),
    }
}

/// Does something that must be refused before anything runs or is recorded as begun.
#[track_caller]
fn nothing_runs<T>(house: &House, tries: impl FnOnce() -> T) -> T {
    let before = traces(house);
    let answer = tries();
    assert_eq!(traces(house), before);
    answer
}

/// The codes of all reasons, in their order.
#[track_caller]
fn codes(document: &Value) -> Vec<&str> {
    let reasons = document["reasons"].as_array().expect("reasons");
    reasons.iter().map(|reason| reason["code"].as_str().expect("a code")).collect()
}

/// Judges the one document of a refusal.
#[track_caller]
fn is_refusal(document: &Value, exit: i32, expected: &[&str]) {
    assert_eq!(codes(document), expected, "{document:#}");
    let outcome = if exit == 7 { "busy" } else { "refused" };
    let said = ["outcome", "exit", "human_required"].map(|key| &document[key]);
    assert_eq!(said, [&Value::from(outcome), &Value::from(exit), &Value::from(exit == 4)], "{document:#}");
}

/// A person at a terminal, with this person's key, is refused for exactly these reasons.
#[track_caller]
fn refuses(house: &House, person: &str, arguments: &[&str], exit: i32, expected: &[&str]) -> Value {
    let key = house.key(person).display().to_string();
    refuses_with(house, &[arguments, &["--key", &key]].concat(), exit, expected)
}

/// Somebody at a terminal is refused for exactly these reasons.
#[track_caller]
fn refuses_with(house: &House, arguments: &[&str], exit: i32, expected: &[&str]) -> Value {
    let arguments = arguments.iter().copied().chain(["--json"]);
    let shown = nothing_runs(house, || house.at_terminal(arguments).exit(exit));
    let Ok(document) = serde_json::from_str(&shown) else { panic!("not one document:\n{shown}") };
    is_refusal(&document, exit, expected);
    document
}

/// A program without a terminal is refused for exactly these reasons.
#[track_caller]
fn refuses_machine(house: &House, arguments: &[&str], exit: i32, expected: &[&str]) -> Value {
    let arguments = arguments.iter().copied().chain(["--json"]);
    let answer = nothing_runs(house, || house.run(arguments).any_stdout().exit(exit));
    let document = answer.json();
    is_refusal(&document, exit, expected);
    document
}

/// A person at a terminal is refused in exactly these words.
#[track_caller]
fn refuses_in_words(house: &House, person: &str, arguments: &[&str], exit: i32, words: &str) {
    let key = house.key(person).display().to_string();
    let arguments = arguments.iter().copied().chain(["--key", key.as_str()]);
    let shown = nothing_runs(house, || house.at_terminal(arguments).exit(exit));
    house.same(&shown, words);
}

/// The sentence of the only reason.
#[track_caller]
fn sentence(document: &Value) -> &str {
    let reasons = document["reasons"].as_array().expect("reasons");
    assert_eq!(reasons.len(), 1, "{document:#}");
    reasons[0]["message"].as_str().expect("a sentence")
}

/// The rules, with some lines changed.
#[track_caller]
fn rules(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(POLICY.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// Alice has signed the rules, with some lines changed.
#[track_caller]
fn founded_with(changes: &[(&str, &str)]) -> House {
    let house = House::new();
    house.config(&rules(changes));
    house.person("alice").signs_policy();
    house
}

/// And approved a request under them.
#[track_caller]
fn approved_with(changes: &[(&str, &str)]) -> (House, String) {
    let house = founded_with(changes);
    let id = house.requests();
    house.person("alice").approves(&id);
    (house, id)
}

/// Asks for a version as the orchestrator, in this many words, and answers the request's id.
#[track_caller]
fn requested(house: &House, words: &[&str]) -> String {
    let words = ["request"].iter().chain(words).copied().chain(["--as", "orchestrator", "--json"]);
    let answer = house.run(words).any_stdout().exit(0);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

#[test]
fn every_code_has_a_test_of_its_name() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/refusals");
    let files = fs::read_dir(dir).expect("the families").map(|file| file.expect("a file").path());
    let tests: String = files.map(|path| fs::read_to_string(path).expect("a family")).collect();
    let named = |code: &str| tests.contains(&format!("#[test]\nfn {}() {{", code.replace('.', "_")));
    let without: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).filter(|code| !named(code)).collect();
    assert_eq!(without, Vec::<&str>::new());
}
