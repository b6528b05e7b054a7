//! On what machines say: requests, packages, the journal.

use std::fs;
use std::path::Path;

use deployctl::gate::request::{CheckState, Request};
use deployctl::gate::terms::{CommitId, Digest};
use deployctl::world::records::{Files, JOURNAL};

use serde_json::{Value, json};

use crate::house::{House, POLICY};

/// A founded house in which the unit tests have not run, and the request's package.
fn with_package() -> (House, Files) {
    let house = House::new();
    house.config(&POLICY.replace("requires: [development, integration]", "requires: []"));
    house.person("alice").signs_policy();
    fs::remove_file(house.project().join("reports/unit/results.xml")).unwrap();
    house.releases(&[("migrations/20261102_drop.up.sql", "DROP TABLE carts;\n")]);
    let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "-o", "package"];
    house.run(words).any_stdout().any_stderr().exit(0);
    let dir = house.project().join("package");
    let names = ["request.json", "request.md", "checklist.md", "evidence.json"];
    let files = names.iter().map(|name| ((*name).to_owned(), fs::read(dir.join(name)).unwrap())).collect();
    (house, files)
}

fn write(dir: &Path, files: &Files) {
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}

/// Puts a package into the journal, as anybody with push access may.
fn into_journal(house: &House, files: &Files) {
    let records = house.records();
    let tip = records.tip(JOURNAL).unwrap().unwrap();
    let mut files = files.clone();
    // What the line itself says is the honest one's.
    let is_request = |line: &&CommitId| records.file(line, "request.json").unwrap().is_some();
    let chain = records.chain(&tip).unwrap();
    let honest = chain.iter().find(is_request).unwrap();
    files.extend(records.file(honest, "payload.json").unwrap().map(|line| ("payload.json".to_owned(), line)));
    let new = records.write(Some(&tip), &files, "mallory", house.now(), "request").unwrap();
    house.git(["update-ref", JOURNAL, new.as_str()]);
}

#[test]
fn a_request_that_says_less_than_there_is() {
    let (house, files) = with_package();
    let honest = Request::read(&files["request.json"]).unwrap();
    assert!(honest.open.len() > 1 && honest.extent.irreversible > 0, "{honest:?}");
    type Lie = fn(&mut Request);
    let lies: [(&str, Lie); 12] = [
        ("no open boxes", |request| request.open.clear()),
        ("one open box less", |request| drop(request.open.pop())),
        ("other words on a box", |request| request.open[0].item = "Release notes proof-read".to_owned()),
        ("no migrations", |request| request.extent.migrations = 0),
        ("reversible migrations", |request| request.extent.irreversible = 0),
        ("fewer commits", |request| request.extent.commits = 1),
        ("fewer files", |request| request.extent.files = 1),
        ("nothing new", |request| request.extent.dependencies = 0),
        ("a check that did not pass", |request| {
            request.checks.values_mut().for_each(|state| *state = CheckState::Passed);
        }),
        ("a release that is not recorded as live", |request| request.previous_recorded = true),
        ("another tree", |request| request.tree = Digest::of(b"")),
        ("another policy", |request| request.policy = Digest::of(b"")),
    ];
    for (what, lie) in lies {
        let mut request = honest.clone();
        lie(&mut request);
        assert_ne!(request, honest, "{what}");
        let mut files = files.clone();
        files.insert("request.json".to_owned(), request.bytes().unwrap());
        write(&house.project().join("package"), &files);
        let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
        assert!(shown.contains("request.stale"), "{what}: {shown}");
        into_journal(&house, &files);
        let id = request.reference(&files["request.json"]).id;
        let shown = house.person("bob").at_terminal(["approve", &id]).exit(3);
        assert!(shown.contains("request.stale"), "{what}: {shown}");
    }
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn an_edited_file_of_a_package() {
    let (house, files) = with_package();
    for (name, text) in [("checklist.md", "- [x] Unit tests\n"), ("evidence.json", "{}")] {
        let mut files = files.clone();
        files.insert(name.to_owned(), text.as_bytes().to_vec());
        write(&house.project().join("package"), &files);
        let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
        assert!(shown.contains("request.stale") && shown.contains(name), "{shown}");
    }
    for (name, text) in [("request.json", "{}"), ("request.json", "{\"schema\":")] {
        let mut files = files.clone();
        files.insert(name.to_owned(), text.as_bytes().to_vec());
        write(&house.project().join("package"), &files);
        let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
        assert!(shown.contains("request.missing"), "{shown}");
    }
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn a_request_from_tomorrow() {
    let (house, files) = with_package();
    let mut request = Request::read(&files["request.json"]).unwrap();
    request.at += chrono::TimeDelta::days(1);
    let mut files = files;
    files.insert("request.json".to_owned(), request.bytes().unwrap());
    write(&house.project().join("package"), &files);
    let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
    assert!(shown.contains("yet to come"), "{shown}");
}

#[test]
fn a_request_that_gives_itself_more_time_than_the_policy() {
    let (house, files) = with_package();
    let mut request = Request::read(&files["request.json"]).unwrap();
    request.decide_by += chrono::TimeDelta::days(365);
    let mut files = files;
    files.insert("request.json".to_owned(), request.bytes().unwrap());
    write(&house.project().join("package"), &files);
    house.clock("2026-11-24T10:00:01Z");
    let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
    assert!(shown.contains("request.expired"), "{shown}");
}

#[test]
fn two_requests_with_the_same_seven_digits() {
    let (house, files) = with_package();
    let honest = String::from_utf8(files["request.json"].clone()).unwrap();
    // Two that fit each other are found soon: seven digits are 28 bits.
    let mut seen = std::collections::HashMap::new();
    let variant = |number: u32| {
        honest.replace("\"summary\":\"Deploy v1.4.0\"", &format!("\"summary\":\"Deploy {number}\""))
    };
    assert_ne!(variant(1), honest);
    let (one, two) = (0..)
        .find_map(|number| {
            let text = variant(number);
            let short = Digest::of(text.as_bytes()).short().to_owned();
            seen.insert(short, number).map(|other| (variant(other), text))
        })
        .unwrap();
    let mut ids = Vec::new();
    for text in [one, two] {
        let mut files = files.clone();
        files.insert("request.json".to_owned(), text.clone().into_bytes());
        into_journal(&house, &files);
        write(&house.project().join("package"), &files);
        ids.push(Request::read(text.as_bytes()).unwrap().reference(text.as_bytes()).id);
    }
    assert_eq!(ids[0], ids[1]);
    let id = ids[0].as_str();
    let shown = house.person("bob").at_terminal(["approve", id]).exit(3);
    assert!(shown.contains("several requests fit"), "{shown}");
    // The whole digest names one of them.
    let digest = Digest::of(&fs::read(house.project().join("package/request.json")).unwrap()).to_string();
    let shown = house.run(["approve", &digest, "--show", "--json"]).any_stdout().any_stderr().exit(0).json();
    assert_eq!(shown["digest"], digest);
    // A person who names the very files approves those, and the other one cannot take their place.
    house.person("bob").at_terminal(["approve", "package"]).signs().exit(0);
    let decided = house.entries().pop().unwrap().files.remove("request.json").unwrap();
    assert_eq!(decided, fs::read(house.project().join("package/request.json")).unwrap());
    let plan = house.run(["deploy", "production", id, "--dry-run"]).any_stdout().any_stderr().exit(0);
    let summary = Request::read(&decided).unwrap().asked.summary;
    assert!(plan.stdout.contains(&summary), "{}", plan.stdout);
    // Nor can it keep anybody from stopping it.
    house.person("bob").at_terminal(["approve", id, "--revoke", "--reason", "wait"]).signs().exit(0);
    assert_eq!(house.story().pop().unwrap(), "revocation");
}

#[test]
fn a_pass_from_the_far_future() {
    let house = House::founded();
    let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "-o", "package"];
    house.run(words).any_stdout().any_stderr().exit(0);
    let package = house.project().join("package");
    let mut evidence: Value =
        serde_json::from_slice(&fs::read(package.join("evidence.json")).unwrap()).unwrap();
    let mut request = Request::read(&fs::read(package.join("request.json")).unwrap()).unwrap();
    let honest = evidence["tests"][0]["reported_at"].clone();
    let says = |at: Value, evidence: &mut Value, request: &mut Request| {
        evidence["tests"][0]["reported_at"] = at;
        let bytes = evidence.to_string().into_bytes();
        request.evidence = Digest::of(&bytes);
        fs::write(package.join("evidence.json"), bytes).unwrap();
        fs::write(package.join("request.json"), request.bytes().unwrap()).unwrap();
    };
    // No failure would ever be newer.
    says(json!("2099-01-01T00:00:00Z"), &mut evidence, &mut request);
    let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
    assert!(shown.contains("request.stale") && shown.contains("checks"), "{shown}");
    says(honest, &mut evidence, &mut request);
    house.person("bob").at_terminal(["approve", "package"]).signs().exit(0);
}

#[test]
fn a_verdict_by_a_machine() {
    let (house, id) = House::requested();
    house.config(&POLICY.replace("estimate: 5m", "estimate: 6m"));
    for words in [
        vec!["approve", &id],
        vec!["approve", &id, "--deny", "--reason", "no"],
        vec!["approve", "--policy"],
        vec!["deploy", "production", &id],
        vec!["deploy", "production", &id, "--yes"],
        vec!["rollback", "production", "--reason", "no"],
    ] {
        let answer = house.run(words.clone().into_iter().chain(["--json"])).any_stdout().any_stderr().exit(4);
        let answer = answer.json();
        let codes: Vec<&str> = answer["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|reason| reason["code"].as_str())
            .collect();
        assert!(codes.contains(&"human.terminal"), "{words:?}: {codes:?}");
    }
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn a_journal_that_is_no_journal() {
    let (house, id) = House::approved();
    let tree = house.git(["rev-parse", "main^{tree}"]);
    let merge = house.git(["commit-tree", "-p", "main", "-p", "main~1", "-m", "merge", &tree]);
    house.git(["update-ref", JOURNAL, &merge]);
    house.person("alice").deploys(&id);
}

#[test]
fn evidence_that_claims_what_git_and_the_policy_deny() {
    let (house, files) = with_package();
    let honest = Request::read(&files["request.json"]).unwrap();
    let lies = [
        ("not-needed", CheckState::NotNeeded, serde_json::Value::Null, "2026-11-23T09:46:00Z"),
        ("passed", CheckState::Passed, "PASS".into(), "2001-01-01T00:00:00Z"),
    ];
    for (word, state, verdict, at) in lies {
        let mut evidence: serde_json::Value = serde_json::from_slice(&files["evidence.json"]).unwrap();
        let tests = evidence["tests"].as_array_mut().unwrap();
        let unit = tests.iter_mut().find(|test| test["check"] == "unit").unwrap();
        (unit["state"], unit["verdict"]) = (word.into(), verdict);
        unit["reported_at"] = at.into();
        let evidence = evidence.to_string().into_bytes();
        let mut request = honest.clone();
        request.evidence = Digest::of(&evidence);
        request.open.retain(|open| open.key != "tests.unit");
        assert_eq!(request.open.len() + 1, honest.open.len());
        request.checks.insert("unit".parse().unwrap(), state);
        let mut files = files.clone();
        files.insert("evidence.json".to_owned(), evidence);
        files.insert("request.json".to_owned(), request.bytes().unwrap());
        write(&house.project().join("package"), &files);
        let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
        assert!(shown.contains("request.stale") && shown.contains("checks"), "{word}: {shown}");
    }
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn a_directory_that_is_called_like_a_request() {
    let (house, id) = House::requested();
    house.write(&format!("{id}/request.json"), "{}");
    let shown = house.run(["approve", &id, "--show"]).any_stdout().any_stderr().exit(0);
    assert!(shown.stdout.contains(&id), "{}", shown.stdout);
}
