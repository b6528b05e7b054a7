//! `deployctl check`: evidence belongs to one commit, and whoever records it needs the right to.

use deployctl::world::records::JOURNAL;
use serde_json::{Value, json};

use crate::house::{House, POLICY};

/// The usual rules, a check that is a command, and one that belongs to staging.
fn founded() -> House {
    let house = House::new();
    house.write("ops/smoke.sh", "#!/bin/sh\necho \"smoke of $DEPLOYCTL_COMMIT\"\nexec test ! -e broken\n");
    house.commit("test: a smoke test");
    house.report("unit", 812, 0);
    let checks = "checks:\n  smoke: { title: Smoke tests, run: [\"./ops/smoke.sh\"], timeout: 1m }\n";
    let stages = "stages:\n  - { name: staging, environment: staging, checks: [smoke] }\n";
    let roles = "roles:\n  backend-specialist: { production: [request] }\n";
    let rules = POLICY.replace("checks:\n", checks).replace("stages:\n", stages).replace("roles:\n", roles);
    house.config(&rules);
    house.person("alice").signs_policy();
    house
}

fn check_of(house: &House, name: &str) -> Value {
    let answer = house.run(["checklist", "v1.5.0", "--json"]).any_stdout().exit(0).json();
    let tests = answer["tests"].as_array().unwrap().clone();
    tests.into_iter().find(|test| test["check"] == name).unwrap()
}

#[test]
fn a_command_that_succeeds_is_evidence_for_the_commit() {
    let house = founded();
    assert_eq!(
        check_of(&house, "smoke")["why"],
        json!("it has not run for this commit: run `deployctl check smoke`")
    );
    house
        .run(["check", "smoke", "--as", "qa-specialist"])
        .stderr("▶ smoke  ./ops/smoke.sh\n  │ smoke of [commit]\n")
        .stdout("✓ smoke  ./ops/smoke.sh succeeded\nrecorded for [id] by qa-specialist\n")
        .exit(0);
    let found = check_of(&house, "smoke");
    assert_eq!((&found["state"], &found["verdict"]), (&json!("passed"), &json!("PASS")));
    assert_eq!(found["recorded_by"], json!("qa-specialist"));
    house.write("app/total.txt", "3\n");
    house.commit("feat: another total");
    assert_eq!(check_of(&house, "smoke")["state"], json!("missing"), "evidence of the commit before");
}

#[test]
fn a_ticked_command_says_when_where_and_by_whom() {
    let house = founded();
    let head = house.git(["rev-parse", "--short=7", "HEAD"]);
    house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(0);
    let page = house.run(["checklist", "v1.5.0"]).any_stdout().exit(0).stdout;
    let line = format!(
        "- [x] Smoke tests: ./ops/smoke.sh succeeded · exit status · just now · {head} · recorded by qa-specialist\n"
    );
    assert!(page.contains(&line), "{page}");
}

#[test]
fn a_later_failure_takes_the_tick_away() {
    let house = founded();
    house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(0);
    house.write("broken", "");
    house.clock("2026-11-23T10:05:00Z");
    house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(1);
    let found = check_of(&house, "smoke");
    assert_eq!(found["state"], json!("failed"));
    assert_eq!(found["why"], json!("`./ops/smoke.sh` ended with exit status 1"));
}

#[test]
fn reports_are_collected_and_travel_with_the_journal() {
    let house = founded();
    house
        .run(["check", "development", "--as", "qa-specialist"])
        .stdout("✓ unit  812/812 passed\nrecorded for [id] by qa-specialist\n")
        .exit(0);
    std::fs::remove_dir_all(house.project().join("reports")).unwrap();
    let found = check_of(&house, "unit");
    assert_eq!((&found["state"], &found["passed"]), (&json!("passed"), &json!(812)));
}

#[test]
fn what_is_missing_is_not_recorded() {
    let house = founded();
    std::fs::remove_dir_all(house.project().join("reports")).unwrap();
    let answer = house.run(["check", "unit", "--as", "qa-specialist", "--json"]).any_stdout().exit(1).json();
    assert_eq!((&answer["outcome"], &answer["recorded"]), (&json!("failed"), &json!(false)));
}

#[test]
fn a_role_without_the_right_records_nothing() {
    let house = founded();
    let answer = house
        .run(["check", "smoke", "unit", "--as", "backend-specialist", "--json"])
        .any_stdout()
        .exit(3)
        .json();
    let said: Vec<&str> = answer["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        said,
        [
            "the role `backend-specialist` may not record `smoke`",
            "the role `backend-specialist` may not record `unit`"
        ]
    );
    assert_eq!(check_of(&house, "smoke")["state"], json!("missing"));
}

#[test]
fn the_right_counts_where_the_stage_is() {
    let house = founded();
    let rules = std::fs::read_to_string(house.project().join("deployctl.yaml")).unwrap();
    let elsewhere =
        rules.replace("qa-specialist: { staging: [check] }", "qa-specialist: { production: [check] }");
    house.write("deployctl.yaml", &elsewhere);
    house.person("alice").signs_policy();
    let refused =
        house.run(["check", "smoke", "--as", "qa-specialist", "--json"]).any_stdout().exit(3).json();
    assert_eq!(refused["reasons"][0]["code"], json!("role.forbidden"));
    // No environment is said for the stage of this one.
    house.run(["check", "unit", "--as", "qa-specialist"]).any_stdout().exit(0);
}

#[test]
fn edited_files_are_not_the_commit() {
    let house = founded();
    house.write("app/total.txt", "edited\n");
    house
        .run(["check", "smoke", "--as", "qa-specialist"])
        .stderr(
            "error: `app/total.txt` differs from [id]: evidence of edited files would not be of the commit; \
             commit or stash them\n",
        )
        .exit(1);
}

#[test]
fn evidence_of_another_command_is_none() {
    let house = founded();
    house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(0);
    let rules = std::fs::read_to_string(house.project().join("deployctl.yaml")).unwrap();
    house.write("deployctl.yaml", &rules.replace("[\"./ops/smoke.sh\"]", "[\"./ops/smoke.sh\", \"--all\"]"));
    house.person("alice").signs_policy();
    assert_eq!(check_of(&house, "smoke")["state"], json!("missing"));
}

#[test]
fn a_name_that_the_policy_lacks_is_told_with_the_nearest() {
    let house = founded();
    house
        .run(["check", "smok", "--as", "qa-specialist"])
        .stderr("error: the policy has no check or stage `smok`; did you mean `smoke`?\n")
        .exit(1);
}

/// The newest line of the journal once more, with other evidence, as anybody with push access could write it.
fn forges(house: &House, edit: impl FnOnce(&mut Value)) {
    crate::refusals::forge::appends(house, JOURNAL, |files| {
        let mut evidence: Value = serde_json::from_slice(&files["evidence.json"]).unwrap();
        edit(&mut evidence["tests"][0]);
        files.insert("evidence.json".to_owned(), evidence.to_string().into_bytes());
    });
}

#[test]
fn the_newest_moment_counts_and_not_the_newest_line() {
    let house = founded();
    house.write("broken", "");
    house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(1);
    forges(&house, |test| {
        *test = json!({"reported_at": "2026-11-23T09:00:00Z", "state": "passed", "verdict": "PASS", "check": "smoke",
            "title": "Smoke tests", "passed": 0, "total": 0, "skipped": 0, "flaky": 0, "files": [], "globs": [],
            "command": ["./ops/smoke.sh"], "why": null});
    });
    assert_eq!(check_of(&house, "smoke")["state"], json!("failed"), "a line that waited in another clone");
}

#[test]
fn a_line_that_claims_too_much_says_nothing() {
    let claims: [fn(&mut Value); 4] = [
        |test| test["state"] = json!("not-needed"),
        |test| test["verdict"] = json!("FAIL"),
        |test| test["passed"] = json!(99_999),
        |test| test["reported_at"] = json!("2001-01-01T00:00:00Z"),
    ];
    // Without such a claim the line is the word of whoever may push: until machines sign, it counts.
    let house = founded();
    house.write("broken", "");
    house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(1);
    forges(&house, |test| {
        (test["state"], test["verdict"]) = (json!("passed"), json!("PASS"));
        test["reported_at"] = json!("2026-11-23T10:01:00Z");
    });
    assert_eq!(check_of(&house, "smoke")["state"], json!("passed"));
    for claim in claims {
        let house = founded();
        house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(0);
        let honest = check_of(&house, "smoke");
        forges(&house, |test| test["title"] = json!("Penetration test"));
        assert_eq!(check_of(&house, "smoke"), honest, "the title is the policy's");
        let house = founded();
        house.write("broken", "");
        house.run(["check", "smoke", "--as", "qa-specialist"]).any_stdout().any_stderr().exit(1);
        forges(&house, |test| {
            (test["state"], test["verdict"]) = (json!("passed"), json!("PASS"));
            test["reported_at"] = json!("2026-11-23T10:01:00Z");
            claim(test);
        });
        assert_ne!(check_of(&house, "smoke")["state"], json!("passed"));
    }
}
