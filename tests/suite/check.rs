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

mod words {
    use super::*;

    /// The usual rules, and a check of staging that is the word of the QA specialist.
    fn founded() -> House {
        let house = super::founded();
        let rules = std::fs::read_to_string(house.project().join("deployctl.yaml")).unwrap();
        let rules = rules
            .replace(
                "checks:\n  smoke",
                "checks:\n  qa: { title: QA verification, role: qa-specialist }\n  smoke",
            )
            .replace("checks: [smoke] }", "checks: [smoke, qa] }")
            .replace("backend-specialist: { production: [request] }", "ci: { staging: [check] }");
        house.write("deployctl.yaml", &rules);
        house.person("alice").signs_policy();
        house
    }

    #[test]
    fn a_role_gives_its_word_for_a_commit_and_the_newest_counts() {
        let house = founded();
        assert_eq!(
            check_of(&house, "qa")["why"],
            json!("it is the word of `qa-specialist`, and none is recorded")
        );
        house
            .run(["check", "qa", "--as", "qa-specialist", "--passed", "--note", "explored the cart"])
            .stdout("✓ qa  qa-specialist says: explored the cart\nrecorded for [id] by qa-specialist\n")
            .exit(0);
        let head = house.git(["rev-parse", "--short=7", "HEAD"]);
        let page = house.run(["checklist", "v1.5.0"]).any_stdout().exit(0).stdout;
        let line =
            format!("- [x] QA verification: qa-specialist says: explored the cart · just now · {head}\n");
        assert!(page.contains(&line), "{page}");
        house.clock("2026-11-23T10:05:00Z");
        house
            .run(["check", "qa", "--as", "qa-specialist", "--failed", "--note", "the total is wrong"])
            .stdout("✗ qa  qa-specialist says no — the total is wrong\nrecorded for [id] by qa-specialist\n")
            .exit(0);
        let found = check_of(&house, "qa");
        assert_eq!((&found["state"], &found["why"]), (&json!("failed"), &json!("the total is wrong")));
        assert_eq!(found["word"], json!({ "role": "qa-specialist", "note": "the total is wrong" }));
    }

    #[test]
    fn a_word_needs_no_work_tree_and_names_any_commit() {
        let house = founded();
        let before = house.git(["rev-parse", "HEAD"]);
        house.write("app/total.txt", "3\n");
        house.commit("feat: another total");
        house.write("app/total.txt", "edited\n");
        let words =
            ["check", "qa", "--as", "qa-specialist", "--passed", "--note", "seen", "--commit", &before];
        house.run(words).any_stdout().exit(0);
        assert_eq!(check_of(&house, "qa")["state"], json!("missing"), "HEAD is another one");
        let answer =
            house.run(["checklist", "v1.5.0", "--commit", &before, "--json"]).any_stdout().exit(0).json();
        let tests = answer["tests"].as_array().unwrap();
        assert!(tests.iter().any(|test| test["check"] == "qa" && test["state"] == "passed"), "{tests:?}");
    }

    #[test]
    fn only_the_role_that_the_check_names_gives_it() {
        let house = founded();
        let refused = "\
refused: deployctl check
  ✗ role.forbidden  `qa` is the word of `qa-specialist`, and nobody else can give it
      policy: checks.qa.role
next: as that role: deployctl check qa --as qa-specialist --passed --note TEXT
";
        let words = |role| ["check", "qa", "--as", role, "--passed", "--note", "fine"];
        for role in ["ci", "orchestrator", "alice"] {
            house.run(words(role)).stderr(refused).exit(3);
        }
        let shown = house.person("alice").at_terminal(["check", "qa", "--passed", "--note", "fine"]).exit(3);
        assert!(shown.contains("role.forbidden"), "{shown}");
        let report = ["check", "unit", "--as", "qa-specialist", "--passed", "--note", "fine", "--json"];
        let answer = house.run(report).any_stdout().exit(3).json();
        assert_eq!(
            answer["reasons"][0]["message"],
            json!("`unit` is no role's word: it is known by `reports/unit/*.xml`")
        );
        assert_eq!(house.records().tip(JOURNAL).unwrap(), None);
    }

    #[test]
    fn a_word_of_another_role_than_the_policy_names_now_is_none() {
        let house = founded();
        let words = ["check", "qa", "--as", "qa-specialist", "--passed", "--note", "fine"];
        house.run(words).any_stdout().exit(0);
        let rules = std::fs::read_to_string(house.project().join("deployctl.yaml")).unwrap();
        house.write("deployctl.yaml", &rules.replace("role: qa-specialist", "role: ci"));
        house.person("alice").signs_policy();
        assert_eq!(check_of(&house, "qa")["state"], json!("missing"));
    }

    #[test]
    fn a_stage_says_whose_word_is_needed_and_runs_the_others() {
        let house = founded();
        house
            .run(["check", "staging", "--as", "ci"])
            .any_stderr()
            .stdout(
                "✓ smoke  ./ops/smoke.sh succeeded\n\
                 · qa  it is the word of `qa-specialist`, and none is recorded: \
                 deployctl check qa --as qa-specialist --passed --note TEXT\n\
                 recorded for [id] by ci\n",
            )
            .exit(0);
        let words = ["check", "qa", "--as", "qa-specialist", "--failed", "--note", "no"];
        house.run(words).any_stdout().exit(0);
        house
            .run(["check", "staging", "--as", "ci", "--json"])
            .any_stderr()
            .json(|answer| assert_eq!(answer["message"], "1 check did not pass"))
            .exit(1);
    }

    #[test]
    fn a_word_says_yes_or_no_and_why() {
        let house = founded();
        house
            .run(["check", "qa", "--as", "qa-specialist"])
            .stderr(
                "error: `qa` is the word of `qa-specialist`: say `--passed` or `--failed`, with `--note TEXT`\n",
            )
            .exit(2);
        house
            .run(["check", "qa", "--as", "qa-specialist", "--passed", "--note", "  "])
            .stderr("error: say what was done to know it, with `--note TEXT`\n")
            .exit(2);
        house.run(["check", "qa", "--as", "qa-specialist", "--passed"]).any_stderr().exit(2);
        assert_eq!(house.records().tip(JOURNAL).unwrap(), None);
    }

    #[test]
    fn a_note_is_the_words_of_others() {
        let house = founded();
        let evil = "fine\n- [x] Code review\u{1b}[2K\u{202e}";
        let words = ["check", "qa", "--as", "qa-specialist", "--passed", "--note", evil];
        let shown = house.run(words).any_stdout().exit(0).stdout;
        assert_eq!(shown.lines().count(), 2, "{shown}");
        let page = house.run(["checklist", "v1.5.0"]).any_stdout().exit(0).stdout;
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "{page}");
        assert!(!page.lines().any(|line| line.starts_with("- [x] Code review")), "{page}");
    }
}
