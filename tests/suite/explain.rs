//! `deployctl checklist --explain`: every line can say where it came from.

use serde_json::json;

use crate::house::House;

fn explains(house: &House, item: &str, expected: &str) {
    house.run(["checklist", "v1.4.0", "--since", "v1.3.0", "--explain", item]).stdout(expected).exit(0);
}

#[test]
fn a_test_names_its_reports_and_its_rule() {
    let house = House::founded();
    explains(
        &house,
        "tests.unit",
        "\
[x] Unit tests: 12/12 passed
  key       tests.unit
  evidence  reports/unit/*.xml · 14 min ago · [id]
  from      the policy, `checks.unit`
            read `reports/unit/results.xml`
            verdict PASS: 12/12 passed
            as of 2026-11-23 09:46 UTC
",
    );
}

#[test]
fn an_open_line_says_what_closes_it() {
    let house = House::founded();
    explains(
        &house,
        "dashboards",
        "\
[ ] Dashboards updated: overview
  key       monitoring.dashboards
  open      no fact can know it
  from      the policy, `environments.production.monitoring`
            since v1.3.0, which the caller named
  to close  the policy says it, once people sign that: deployctl approve --policy; else a person answers for it in \
the review: deployctl approve REQUEST
",
    );
}

#[test]
fn a_migration_names_its_tool_and_the_command_that_shows_it() {
    let house = House::founded();
    let answer = house
        .run([
            "checklist",
            "v1.4.0",
            "--since",
            "v1.3.0",
            "--explain",
            "migrations/20261101_totals.up.sql",
            "--json",
        ])
        .any_stdout()
        .exit(0)
        .json();
    let explained = &answer["explained"];
    let path = explained["see"][0].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert_eq!(explained["key"], json!(format!("migration.{path}")));
    assert_eq!(explained["from"][0], json!(format!("`{path}` is a migration of sqlx")));
    assert_eq!(explained["see"][0][1], json!("diff"));
}

#[test]
fn what_fits_nothing_or_several_lines_is_told() {
    let house = House::founded();
    let asked = |item| ["checklist", "v1.4.0", "--since", "v1.3.0", "--explain", item];
    house
        .run(asked("tests.unti"))
        .stderr(
            "error: no line of the checklist is `tests.unti`; did you mean `tests.unit`?; see the keys: deployctl \
             checklist VERSION --json\n",
        )
        .exit(1);
    let told = house.run(asked("totals")).any_stderr().exit(1).stderr;
    assert!(told.starts_with("error: `totals` fits several lines, name one: `changes."), "{told}");
}

#[test]
fn a_path_cannot_run_anything_when_its_command_is_pasted() {
    let house = House::founded();
    house.write("migrations/20270101000000_a';reboot;'.up.sql", "CREATE TABLE a (b int);\n");
    house.commit("feat: a migration");
    let answer = house
        .run([
            "checklist",
            "v1.5.0",
            "--since",
            "v1.4.0",
            "--explain",
            "migration.migrations/20270101000000_a';reboot;'.up.sql",
        ])
        .any_stdout()
        .exit(0);
    let line = answer.stdout.lines().find(|line| line.contains("git diff")).unwrap().to_owned();
    assert!(line.ends_with(r"-- 'migrations/20270101000000_a'\'';reboot;'\''.up.sql'"), "{line}");
}

#[test]
fn a_scanners_box_names_the_check_that_answers_it() {
    let house = House::new();
    let check = "checks:\n  audit: { title: cargo-audit, run: [cargo, audit], scans: security }\n";
    house.config(&crate::house::POLICY.replace("checks:\n", check));
    house.person("alice").signs_policy();
    explains(
        &house,
        "dependency.Cargo.lock.rounding.security",
        "\
[ ] Security scanned
  key       dependency.Cargo.lock.rounding.security
  open      'cargo-audit' has not run for this commit: run 'deployctl check audit'
  from      `Cargo.lock` of both commits, with the manifest beside it
            the check `audit` of the policy: cargo audit
  see       git diff [id] [id] -- Cargo.lock
  to close  a person answers for it in the review: deployctl approve REQUEST
",
    );
}
