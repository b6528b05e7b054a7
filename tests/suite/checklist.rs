//! `deployctl checklist`: what it says of a project, and of one that has no rules.

use serde_json::{Value, json};

use crate::house::House;

/// What the checklist of v1.4.0 says of the unit tests.
fn unit(house: &House) -> Value {
    let words = ["checklist", "v1.4.0", "--since", "v1.3.0", "--json"];
    let tests = house.run(words).any_stdout().exit(0).json()["tests"].clone();
    tests.as_array().unwrap().iter().find(|test| test["check"] == "unit").unwrap().clone()
}

#[test]
fn a_report_that_was_committed_is_no_fresh_evidence() {
    let house = House::founded();
    house.git(["add", "--force", "reports"]);
    house.commit("chore: keep the reports");
    house.git(["tag", "--force", "v1.4.0"]);
    let found = unit(&house);
    assert_eq!(found["state"], json!("stale"));
    assert_eq!(found["why"], json!("`reports/unit/results.xml` is part of the commit, so it ran before it"));
    house.report("unit", 13, 0);
    assert_eq!(unit(&house)["state"], json!("passed"), "written again since");
}

#[test]
fn tests_of_edited_files_say_nothing_of_the_commit() {
    let house = House::founded();
    assert_eq!(unit(&house)["state"], json!("passed"));
    house.write("app/total.txt", "edited\n");
    let found = unit(&house);
    assert_eq!(found["state"], json!("stale"));
    assert_eq!(
        found["why"],
        json!("`app/total.txt` differs from the commit, and may have when the tests ran")
    );
}

#[test]
fn a_release_is_not_counted_from_its_own_candidates() {
    let house = House::empty();
    for (subject, tag) in [("feat: a", "v1.0.0"), ("feat: b", "v1.1.0-rc.1"), ("feat: c", "v1.1.0")] {
        house.write("a.txt", subject);
        house.commit(subject);
        house.tag(tag);
    }
    let since = |version| {
        let answer = house.run(["checklist", version, "--json"]).any_stdout().any_stderr().exit(0).json();
        answer["since"]["tag"]["version"].clone()
    };
    assert_eq!([since("v1.1.0"), since("v1.1.0-rc.1")], [json!("v1.0.0"), json!("v1.0.0")]);
}

#[test]
fn the_document_goes_into_the_file() {
    let house = House::founded();
    let words = ["checklist", "v1.4.0", "--since", "v1.3.0", "--json", "-o", "facts.json"];
    house.run(words).any_stdout().exit(0);
    let text = std::fs::read_to_string(house.project().join("facts.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["version"], json!("v1.4.0"));
}

#[test]
fn a_project_without_rules_is_told_what_git_knows() {
    let house = House::empty();
    house.write("a.txt", "1\n");
    house.commit("feat: a beginning");
    house.tag("v1.0.0");
    house.write("a.txt", "2\n");
    house.commit("fix: the beginning");
    let page = "\
## Deployment Checklist

**Version**: v1.1.0
**Date**: 2026-11-23
**Prepared By**: Dana
**Open**: 10 things need you

### Changes Included
1 commit by 1 author, 1 file changed, since v1.0.0, the nearest tag: no production deployment is recorded

no tag 'v1.1.0' is here, so it stands for HEAD; did you mean 'v1.0.0'?

Authors: Dana

#### Fixes
- [x] fix: the beginning · [id]

### Tests Passed
- [ ] Unit tests: no evidence — the policy has no check 'unit'
- [ ] Integration tests: no evidence — the policy has no check 'integration'
- [ ] E2E tests: no evidence — the policy has no check 'e2e'

### Database Changes
- [x] No migrations · 1 changed path compared

### Dependencies
- [ ] No new dependencies — no lockfile was found, so nothing is known

### Breaking Changes
- [ ] None — 0 of 1 commit carries a mark; 100 % follow Conventional Commits

### Rollback Plan
- [ ] Rollback command — the policy says no way back
- [x] Database rollback: not needed: no migrations
- [ ] Estimated rollback time — the policy says none

### Monitoring
- [ ] Alerts configured — the policy names none
- [ ] Dashboards updated — no fact can know it
- [ ] On-call notified — no fact can know it
";
    house
        .run(["checklist", "v1.1.0"])
        .stdout(page)
        .stderr("note: there is no `deployctl.yaml`, so only git was asked; write one: deployctl init\n")
        .exit(0);
}

#[test]
fn reports_of_the_commit_that_was_here_before_say_nothing_of_this_one() {
    let house = House::founded();
    house.write("app/total.txt", "3\n");
    let colleague = house.commit("feat: more");
    // The colleague's commit is older than these reports, and came here after them.
    let came = "2026-11-23T09:50:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
    let before = house.git(["rev-parse", "HEAD~1"]);
    let log = house.project().join(".git/logs/HEAD");
    let mut lines = std::fs::read_to_string(&log).unwrap();
    lines.push_str(&format!(
        "{before} {colleague} Dana <dana@example.org> {came} +0000\tpull: Fast-forward\n"
    ));
    std::fs::write(&log, lines).unwrap();
    let state = |house: &House| {
        let words = ["checklist", "v1.5.0", "--since", "v1.4.0", "--json"];
        let tests = house.run(words).any_stdout().exit(0).json()["tests"].clone();
        tests.as_array().unwrap().iter().find(|test| test["check"] == "unit").unwrap()["why"].clone()
    };
    house.git(["merge", "--quiet", "--ff-only", &colleague]);
    assert_eq!(
        state(&house),
        json!("a report is older than the checkout of this commit: another one was here")
    );
    house.aged("reports/unit/results.xml", chrono::TimeDelta::minutes(5));
    assert_eq!(state(&house), Value::Null);
}
