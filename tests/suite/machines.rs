//! Checks that say `signed_by`: evidence counts when a machine of the policy signed it, wherever it comes from.

use std::fs;

use deployctl::gate::request::{CheckState, Request};
use deployctl::gate::statement::Statement;
use deployctl::gate::terms::Digest;
use deployctl::world::records::{Files, JOURNAL};
use serde_json::{Value, json};

use crate::house::{House, POLICY};

/// The rules below, signed by alice.
fn founded() -> House {
    let house = House::new();
    house.config(&rules());
    house.person("alice").signs_policy();
    house
}

/// The usual rules, and a machine that must have signed what the unit tests say. Its key is the one called carol.
fn rules() -> String {
    let machines = "machines:\n  ci-runner: { keys: [\"{carol}\"] }\n\nroles:\n";
    let signed = "junit: [\"reports/unit/*.xml\"], signed_by: [ci-runner] }";
    POLICY.replace("roles:\n", machines).replace("junit: [\"reports/unit/*.xml\"] }", signed)
}

fn key(house: &House) -> String {
    house.bare_key("carol").display().to_string()
}

/// The machine signs what the reports say.
fn signs(house: &House) {
    let key = key(house);
    house.run(["check", "unit", "--as", "qa-specialist", "--key", &key]).any_stdout().any_stderr().exit(0);
}

fn unit(house: &House) -> Value {
    let answer = house.run(["checklist", "v1.4.0", "--json"]).any_stdout().exit(0).json();
    let tests = answer["tests"].as_array().unwrap().clone();
    tests.into_iter().find(|test| test["check"] == "unit").unwrap()
}

fn package(house: &House) -> std::path::PathBuf {
    let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "-o", "package"];
    house.run(words).any_stdout().any_stderr().exit(0);
    house.project().join("package")
}

/// Replaces the package's evidence, and the digest that its request pins.
fn repack(dir: &std::path::Path, edit: impl FnOnce(&mut Value), and: impl FnOnce(&mut Request)) {
    let mut evidence: Value = serde_json::from_slice(&fs::read(dir.join("evidence.json")).unwrap()).unwrap();
    edit(&mut evidence);
    let evidence = evidence.to_string().into_bytes();
    let mut request = Request::read(&fs::read(dir.join("request.json")).unwrap()).unwrap();
    request.evidence = Digest::of(&evidence);
    and(&mut request);
    fs::write(dir.join("evidence.json"), evidence).unwrap();
    fs::write(dir.join("request.json"), request.bytes().unwrap()).unwrap();
}

#[test]
fn a_machine_signs_with_a_key_that_lies_in_clear() {
    let house = founded();
    assert_eq!(
        unit(&house)["why"],
        json!("it counts only when `ci-runner` signs it, and no such evidence is recorded"),
        "reports of the work tree are nobody's signature"
    );
    let key = key(&house);
    house
        .run(["check", "unit", "--as", "qa-specialist", "--key", &key])
        .stdout("✓ unit  12/12 passed\nrecorded for [id] by qa-specialist, signed by ci-runner\n")
        .exit(0);
    let found = unit(&house);
    assert_eq!((&found["state"], &found["signed_by"]), (&json!("passed"), &json!("ci-runner")));
    let page = house.run(["checklist", "v1.4.0"]).any_stdout().exit(0).stdout;
    assert!(page.contains(" · recorded by qa-specialist · signed by ci-runner\n"), "{page}");
}

#[test]
fn stock_openssh_verifies_what_a_machine_signed() {
    let house = founded();
    signs(&house);
    let signers = house.run(["history", "--allowed-signers"]).any_stdout().exit(0).stdout;
    house.write("../allowed_signers", &signers);
    let file = |name: &str| house.git(["show", &format!("deployctl/journal:{name}")]);
    let path = house.world().join("allowed_signers");
    let verifies = |namespace: &str| {
        let armored = format!("{}\n", file("ci-runner.sig"));
        house.ssh_verifies(&path, "ci-runner", namespace, &armored, &file("evidence.json"))
    };
    assert!(verifies("deployctl-evidence"));
    assert!(!verifies("deployctl-approval"), "a machine never approves");
    let evidence: Value = serde_json::from_str(&file("evidence.json")).unwrap();
    for key in ["repository", "commit", "at", "tests"] {
        assert!(evidence.get(key).is_some(), "{key}: {evidence}");
    }
}

#[test]
fn without_the_signature_nothing_is_run_and_nothing_recorded() {
    let house = founded();
    let line = "✗ unit  no evidence — it counts only when `ci-runner` signs it: \
                name that machine's key with `--key FILE`\n";
    house
        .run(["check", "unit", "--as", "qa-specialist"])
        .stdout(line)
        .stderr("error: 1 check did not pass\n")
        .exit(1);
    assert_eq!(house.records().tip(JOURNAL).unwrap(), None);
}

#[test]
fn the_key_of_a_person_is_no_machines() {
    let house = founded();
    let key = house.bare_key("alice").display().to_string();
    let answer = house
        .run(["check", "unit", "--as", "qa-specialist", "--key", &key, "--json"])
        .any_stdout()
        .exit(4)
        .json();
    assert_eq!(answer["reasons"][0]["code"], json!("key.unknown"));
    assert_eq!(answer["reasons"][0]["policy"], json!("machines"));
    assert_eq!(house.records().tip(JOURNAL).unwrap(), None);
}

#[test]
fn a_line_of_the_journal_that_no_machine_signed() {
    type Forge = fn(&mut Files);
    let edit: Forge = |files| {
        let mut evidence: Value = serde_json::from_slice(&files["evidence.json"]).unwrap();
        evidence["tests"][0]["passed"] = json!(11);
        files.insert("evidence.json".to_owned(), evidence.to_string().into_bytes());
    };
    let strip: Forge = |files| drop(files.remove("ci-runner.sig"));
    let rename: Forge = |files| {
        let signature = files.remove("ci-runner.sig").unwrap();
        files.insert("other.sig".to_owned(), signature);
    };
    for forge in [edit, strip, rename] {
        let house = founded();
        signs(&house);
        crate::refusals::forge::appends(&house, JOURNAL, forge);
        // The honest line is still there.
        assert_eq!((&unit(&house)["state"], &unit(&house)["passed"]), (&json!("passed"), &json!(12)));
        let only = house.git(["commit-tree", "-m", "forged", "deployctl/journal^{tree}"]);
        house.git(["update-ref", JOURNAL, &only]);
        let found = unit(&house);
        assert_eq!(found["state"], json!("missing"));
        assert_eq!(
            found["why"],
            json!("it counts only when `ci-runner` signs it, and what is recorded is not so signed")
        );
    }
}

#[test]
fn evidence_of_another_ledger_or_commit_proves_nothing() {
    let house = founded();
    signs(&house);
    house.write("app/total.txt", "3\n");
    house.commit("feat: another total");
    house.git(["tag", "--force", "--annotate", "--message", "v1.4.0", "v1.4.0"]);
    assert_eq!(unit(&house)["state"], json!("missing"));
}

#[test]
fn a_machine_signs_nothing_of_the_ledger() {
    let house = founded();
    let commit = house.git(["rev-parse", "HEAD"]);
    let signoff = json!({
        "kind": "signoff", "check": "unit", "commit": commit, "tree": Digest::of(b""), "verdict": "allow",
        "title": "Unit tests", "group": "tests", "reason": null, "policy": Digest::of(b""), "screen": Digest::of(b""), "nonce": "",
        "presence": { "terminal": "interactive", "ci": null, "agent": null, "holder": "console" },
    });
    let statement: Statement = serde_json::from_value(signoff).unwrap();
    let entry = house.forged("carol", "ci-runner", statement, Files::new());
    house.publish(&entry);
    let answer = house.run(["status", "--json"]).any_stdout().exit(4).json();
    assert_eq!(answer["reasons"][0]["code"], json!("ledger.tampered"));
    let why = answer["reasons"][0]["message"].as_str().unwrap();
    assert!(why.contains("`ci-runner` is not a person of the policy in force"), "{why}");
}

#[test]
fn who_signs_the_rules_sees_the_machines() {
    let house = House::new();
    house.config(&rules());
    let shown = house.person("alice").signs_policy();
    assert!(shown.contains("  Machines\n    ci-runner\n      ssh-ed25519 SHA256:"), "{shown}");
}

#[test]
fn a_word_may_need_a_machine_too() {
    let house = House::new();
    let check = "checks:\n  qa: { role: qa-specialist, signed_by: [ci-runner] }\n";
    house.config(&rules().replace("checks:\n", check));
    house.person("alice").signs_policy();
    let words = ["check", "qa", "--as", "qa-specialist", "--passed", "--note", "seen"];
    let line = "✗ qa  no evidence — it counts only when `ci-runner` signs it: \
                name that machine's key with `--key FILE`\n";
    house.run(words).stdout(line).stderr("error: 1 check did not pass\n").exit(1);
    let key = key(&house);
    house
        .run(words.into_iter().chain(["--key", &key]))
        .stdout("✓ qa  qa-specialist says: seen\nrecorded for [id] by qa-specialist, signed by ci-runner\n")
        .exit(0);
    let page = house.run(["checklist", "v1.4.0"]).any_stdout().exit(0).stdout;
    assert!(page.contains("- [x] QA verification: qa-specialist says: seen · just now · "), "{page}");
}

#[test]
fn a_machine_that_the_policy_no_longer_names() {
    let house = founded();
    signs(&house);
    let rules = fs::read_to_string(house.project().join("deployctl.yaml")).unwrap();
    house.write("deployctl.yaml", &rules.replace(&house.public_key("carol"), &house.public_key("mallory")));
    house.person("alice").signs_policy();
    assert_eq!(unit(&house)["state"], json!("missing"));
}

#[test]
fn a_request_carries_what_was_signed_and_needs_no_journal() {
    let house = founded();
    signs(&house);
    package(&house);
    house.git(["update-ref", "-d", JOURNAL]);
    house.person("bob").at_terminal(["approve", "package"]).signs().exit(0);
    house.person("alice").at_terminal(["deploy", "production"]).signs().exit(0);
}

#[test]
fn a_request_without_the_signature_is_not_believed() {
    let house = founded();
    signs(&house);
    let dir = package(&house);
    house.git(["update-ref", "-d", JOURNAL]);
    let told = |shown: &str| assert!(shown.contains("request.stale") && shown.contains("checks"), "{shown}");
    repack(&dir, |evidence| drop(evidence.as_object_mut().unwrap().remove("signed")), |_| ());
    told(&house.person("bob").at_terminal(["approve", "package"]).exit(3));
    let house = founded();
    let dir = package(&house);
    repack(
        &dir,
        |evidence| {
            let tests = evidence["tests"].as_array_mut().unwrap();
            let unit = tests.iter_mut().find(|test| test["check"] == "unit").unwrap();
            (unit["state"], unit["verdict"], unit["why"]) = (json!("passed"), json!("PASS"), Value::Null);
            (unit["passed"], unit["total"]) = (json!(12), json!(12));
            (unit["globs"], unit["signed_by"]) = (json!(["reports/unit/*.xml"]), json!("ci-runner"));
            unit["reported_at"] = json!("2026-11-23T10:00:00Z");
        },
        |request| {
            request.checks.insert("unit".parse().unwrap(), CheckState::Passed);
            request.open.retain(|open| open.key != "tests.unit");
        },
    );
    told(&house.person("bob").at_terminal(["approve", "package"]).exit(3));
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn a_later_failure_that_a_request_leaves_out() {
    a_later_failure(0);
}

#[test]
fn a_later_failure_under_thousands_of_lines_of_noise() {
    a_later_failure(2_100);
}

/// A request leaves a failure out on which as much noise lies.
#[track_caller]
fn a_later_failure(noise: usize) {
    let house = founded();
    signs(&house);
    package(&house);
    house.clock("2026-11-23T10:10:00Z");
    house.report("unit", 11, 1);
    house.aged("reports/unit/results.xml", chrono::TimeDelta::zero());
    let key = key(&house);
    house.run(["check", "unit", "--as", "qa-specialist", "--key", &key]).any_stdout().any_stderr().exit(1);
    if noise > 0 {
        crate::refusals::forge::floods(&house, noise);
    }
    let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
    assert!(shown.contains("request.stale") && shown.contains("checks"), "{shown}");
}
