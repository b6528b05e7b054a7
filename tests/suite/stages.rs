//! `deployctl status` says how far HEAD has come: each stage, what of it is missing, how old it is and whose.

use serde_json::json;

use crate::house::{House, POLICY};

fn founded() -> House {
    let house = House::new();
    let checks = "checks:\n  qa: { title: QA verification, role: qa-specialist }\n  \
                  code-review: { title: Code review, signoff: release }\n  \
                  design: { signoff: release, when_changed: [\"web/**\"] }\n";
    let stage = "stages:\n  - { name: staging, environment: staging, checks: [qa, code-review, design] }\n";
    house.config(&POLICY.replace("checks:\n", checks).replace("stages:\n", stage));
    house.person("alice").signs_policy();
    house
}

fn stages(house: &House) -> String {
    let shown = house.run(["status"]).any_stdout().exit(0).stdout;
    let lines = shown.lines().skip_while(|line| !line.starts_with("stages of HEAD"));
    lines.take_while(|line| !line.starts_with("next: ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn each_stage_says_what_is_missing_failed_or_stale_with_age_and_source() {
    let house = founded();
    std::fs::remove_file(house.project().join("reports/integration/results.xml")).unwrap();
    house.same(
        &stages(&house),
        "\
stages of HEAD ([id])
  staging: open · qa missing; code-review missing
  development: passed · unit 12/12 passed (reports/unit/*.xml · 14 min ago)
  integration: open · integration missing
",
    );
    house
        .run(["check", "qa", "--as", "qa-specialist", "--failed", "--note", "no total"])
        .any_stdout()
        .exit(0);
    house.person("alice").at_terminal(["approve", "--check", "code-review"]).signs().exit(0);
    house.clock("2026-11-23T10:05:00Z");
    house.report("integration", 2, 1);
    house.same(
        &stages(&house),
        "\
stages of HEAD ([id])
  staging: open · qa failed, qa-specialist says no (5 min ago)
  development: passed · unit 12/12 passed (reports/unit/*.xml · 19 min ago)
  integration: open · integration failed, 2/3 passed (reports/integration/*.xml · 14 min ago)
",
    );
    house
        .run(["check", "qa", "--as", "qa-specialist", "--passed", "--note", "all well"])
        .any_stdout()
        .exit(0);
    let shown = stages(&house);
    let staging = "  staging: passed · qa qa-specialist says: all well (just now); \
                   code-review signed by alice (5 min ago); design not needed\n";
    assert!(shown.contains(staging), "{shown}");
}

#[test]
fn a_stage_is_open_where_its_branch_lacks_the_commit() {
    let house = founded();
    house.git(["checkout", "--quiet", "-b", "aside"]);
    house.commit("feat: aside");
    let shown = stages(&house);
    assert!(shown.contains("  integration: open · `main` lacks it\n"), "{shown}");
}

#[test]
fn programs_get_every_check_of_every_stage() {
    let house = founded();
    let answer = house.run(["status", "--json"]).any_stdout().exit(0).json();
    let stages = answer["stages"].as_array().unwrap();
    let short: Vec<_> = stages.iter().map(|stage| (stage["name"].clone(), stage["passed"].clone())).collect();
    assert_eq!(
        short,
        [
            (json!("staging"), json!(false)),
            (json!("development"), json!(true)),
            (json!("integration"), json!(true))
        ]
    );
    assert_eq!(stages[2]["branch"], json!({ "name": "main", "holds": true }));
    let qa = &stages[0]["checks"][0];
    assert_eq!(
        (&qa["check"], &qa["state"], &qa["untrusted"]),
        (&json!("qa"), &json!("missing"), &json!(true))
    );
    let only = house.run(["status", "-e", "production", "--json"]).any_stdout().exit(0).json();
    let names: Vec<_> =
        only["stages"].as_array().unwrap().iter().map(|stage| stage["name"].clone()).collect();
    assert_eq!(names, [json!("development"), json!("integration")], "those that it requires");
}

#[test]
fn a_failure_that_came_after_the_request_or_its_approval_counts() {
    let house = House::new();
    let qa = "checks:\n  qa: { title: QA verification, role: qa-specialist }\n";
    house.config(&POLICY.replace("checks:\n", qa).replace("checks: [unit]", "checks: [unit, qa]"));
    house.person("alice").signs_policy();
    let says = |word: &str, note: &str, moment: &str| {
        house.clock(moment);
        house.run(["check", "qa", "--as", "qa-specialist", word, "--note", note]).any_stdout().exit(0);
    };
    says("--passed", "explored", "2026-11-23T10:00:00Z");
    let id = house.requests();
    let refused = |words: &[&str]| {
        let words = words.iter().copied().chain(["--json"]);
        let answer = house.run(words).any_stdout().exit(3).json();
        assert_eq!(answer["reasons"].as_array().unwrap().len(), 1, "{answer}");
        assert_eq!(answer["reasons"][0]["code"], "stage.failed");
        answer["reasons"][0]["message"].as_str().unwrap().to_owned()
    };
    house.person("alice").approves(&id);
    says("--failed", "the cart empties", "2026-11-23T10:05:00Z");
    let message = refused(&["deploy", "production", &id, "--dry-run"]);
    let told = format!("stage `development`: since `{id}` was requested, `QA verification` failed for ");
    assert!(message.starts_with(&told) && message.contains("the cart empties"), "{message}");
    let at_terminal = ["deploy", "production", &id];
    house.person("alice").at_terminal(at_terminal).expect("stage.failed").exit(3);
    assert_eq!(house.live("version"), None);
    // The newest counts, either way.
    says("--passed", "it was the test data", "2026-11-23T10:10:00Z");
    house.run(["deploy", "production", &id, "--dry-run"]).any_stdout().exit(0);
}

/// What a request for all of HEAD says of the design's check.
#[track_caller]
fn design(house: &House, words: &[&str]) -> serde_json::Value {
    let asks = ["request", "v1.9.0", "--commit", "HEAD", "--as", "orchestrator", "--json"];
    let answer = house.run(asks.iter().chain(words).copied()).any_stdout().exit(0).json();
    answer["request"]["checks"]["design"].clone()
}

/// Checks that some changes need, in an environment of its own paths.
fn designed() -> House {
    let house = House::new();
    let check = "checks:\n  design: { signoff: release, when_changed: [web/] }\n";
    let own = "    purpose: Live user-facing system\n    versions: { paths: [app] }\n";
    let purpose = "    purpose: Live user-facing system\n";
    house.config(&POLICY.replace("checks:\n", check).replace(purpose, own));
    house.person("alice").signs_policy();
    house
}

#[test]
fn a_range_that_somebody_chose_and_the_paths_of_a_version_make_no_check_unneeded() {
    let house = designed();
    assert_eq!(design(&house, &["--since", "v1.3.0"]), json!("not-needed"));
    house.write("web/a.js", "1\n");
    house.commit("feat: a page");
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    for since in [&["--since", "HEAD~1"][..], &["--since", "HEAD"], &[]] {
        assert_eq!(design(&house, since), json!("missing"), "{since:?}");
    }
}

#[test]
fn a_file_that_moved_away_still_needs_its_check() {
    let house = designed();
    house.write("web/a.js", "1\n");
    house.write("app/total.txt", "13\n");
    house.commit("feat: a page");
    house.tag("v1.5.0");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let asks = ["request", "v1.5.0", "--since", "v1.3.0", "--as", "orchestrator", "--json"];
    let id = house.run(asks).any_stdout().exit(0).json()["id"].as_str().unwrap().to_owned();
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    house.write("app/total.txt", "14\n");
    house.commit("feat: more");
    assert_eq!(design(&house, &[]), json!("not-needed"));
    std::fs::create_dir_all(house.project().join("old")).unwrap();
    house.git(["mv", "web/a.js", "old/a.js"]);
    house.commit("chore: tidy");
    for since in [&[][..], &["--since", "HEAD"]] {
        assert_eq!(design(&house, since), json!("missing"), "{since:?}");
    }
}
