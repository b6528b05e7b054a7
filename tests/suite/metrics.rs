//! `history --metrics`: the five DORA measures, what they came from, and their forms.

use deployctl::gate::metrics::Key;
use serde_json::json;

use crate::house::House;

/// Six deployments, on working days, half an hour after they were asked for: v1.4.3 is a hotfix, v1.4.5 is rolled back.
fn six_deployments() -> House {
    let (house, _) = House::deployed();
    for (patch, day) in [(1, "24"), (2, "25"), (3, "26"), (4, "27"), (5, "30")] {
        let version = format!("v1.4.{patch}");
        house.clock(&format!("2026-11-{day}T10:00:00Z"));
        house.write("app/total.txt", &version);
        house.commit("fix(cart): round the total");
        house.tag(&version);
        house.report("unit", 12, 0);
        house.report("integration", 3, 0);
        let urgency = if patch == 3 { "urgent" } else { "routine" };
        let words =
            ["request", &version, "--as", "orchestrator", "--urgency", urgency, "--summary", "Rounds"];
        let id = house.run(words).any_stdout().exit(0);
        let id = id.stdout.split_whitespace().nth(1).expect("an id").to_owned();
        house.person("bob").approves(&id);
        house.clock(&format!("2026-11-{day}T10:30:00Z"));
        house.person("alice").deploys(&id);
    }
    house.clock("2026-11-30T11:00:00Z");
    house.person("bob").rolls_back("checkout fails");
    house
}

const MEASURES: &str = "\
What began from 2026-09-01 11:00 UTC until now (90 days; --since names others)

Environment  Measure                          Value                         Samples  Not counted  Recorded
production   Change lead time                 1 d 14 h                      6        0            signed
production   Deployment frequency             5.0 a week, 1.0 days between  5        0            signed
production   Failed deployment recovery time  too few (under 5)             2        0            signed
production   Change fail rate                 2 of 6 (33 %)                 6        0            signed
production   Deployment rework rate           1 of 6 (17 %)                 6        0            signed

";

const FAIL_RATE: &str = "\
What began from 2026-09-01 11:00 UTC until now (90 days; --since names others)

Environment  Measure           Value          Samples  Not counted  Recorded
production   Change fail rate  2 of 6 (33 %)  6        0            signed

Change fail rate: deployments that failed, were interrupted, that somebody began to roll back, or that a hotfix or emergency followed next, out of all that ended

Environment  Entry    Version  Commit  From                  To                    Value  Recorded  Why
production   [id]  v1.4.0           2026-11-23 10:00 UTC  2026-11-23 10:00 UTC  no     signed    it succeeded
production   [id]  v1.4.1           2026-11-24 10:30 UTC  2026-11-24 10:30 UTC  no     signed    it succeeded
production   [id]  v1.4.2           2026-11-25 10:30 UTC  2026-11-25 10:30 UTC  yes    signed    the next deployment was the hotfix v1.4.3
production   [id]  v1.4.3           2026-11-26 10:30 UTC  2026-11-26 10:30 UTC  no     signed    it succeeded
production   [id]  v1.4.4           2026-11-27 10:30 UTC  2026-11-27 10:30 UTC  no     signed    it succeeded
production   [id]  v1.4.5           2026-11-30 10:30 UTC  2026-11-30 10:30 UTC  yes    signed    a rollback to v1.4.4 began
";

const LEAD_TIME: &str = "\
What began from 2026-11-25 00:00 UTC until 2026-11-28 00:00 UTC

| Environment | Measure | Value | Samples | Not counted | Recorded |
|-------------|---------|-------|---------|-------------|----------|
| production | Change lead time | too few (under 5) | 3 | 0 | signed |

- **Change lead time**: median time from when a commit was committed until the deployment that brought it had succeeded, over the commits of successful deployments, merges aside

| Environment | Entry | Version | Commit | From | To | Value | Recorded | Why |
|-------------|-------|---------|--------|------|----|-------|----------|-----|
| production | [id] | v1.4.2 | [id] | 2026-11-23 08:04 UTC | 2026-11-25 10:30 UTC | 2 d 2 h | signed | a commit that it brought |
| production | [id] | v1.4.3 | [id] | 2026-11-23 08:05 UTC | 2026-11-26 10:30 UTC | 3 d 2 h | signed | a commit that it brought |
| production | [id] | v1.4.4 | [id] | 2026-11-23 08:06 UTC | 2026-11-27 10:30 UTC | 4 d 2 h | signed | a commit that it brought |
";

#[test]
fn the_five_measures_say_what_they_are_and_what_they_came_from() {
    let house = six_deployments();
    let definitions: String =
        Key::ALL.iter().map(|key| format!("{}: {}\n", key.title(), key.definition())).collect();
    house.run(["history", "--metrics"]).stdout(&format!("{MEASURES}{definitions}")).exit(0);
    house.run(["history", "--metrics", "--explain", "fail-rate"]).stdout(FAIL_RATE).exit(0);
    let days = ["--since", "2026-11-25", "--until", "2026-11-27"];
    let words = ["history", "--metrics", "--explain", "lead-time", "--format", "markdown"];
    house.run(words.into_iter().chain(days)).stdout(LEAD_TIME).exit(0);
    let empty = "What began from 2020-01-01 00:00 UTC until 2020-01-02 00:00 UTC\n\n";
    let long_ago = house.run(["history", "--metrics", "--since", "2020-01-01", "--until", "2020-01-01"]);
    let long_ago = long_ago.any_stdout().exit(0).stdout;
    assert!(long_ago.starts_with(empty) && !long_ago.contains("signed\n\nproduction"), "{long_ago}");
    assert_eq!(
        long_ago.matches("too few (under 5)  0        0            signed\n").count(),
        5,
        "{long_ago}"
    );
}

#[test]
fn programs_get_numbers_and_spreadsheets_a_table() {
    let house = six_deployments();
    let answer = house.run(["history", "--metrics", "--json"]).any_stdout().exit(0).json();
    let measures = answer["metrics"].as_array().expect("measures");
    let told: Vec<_> =
        measures.iter().map(|of| json!([of["measure"], of["unit"], of["samples"], of["value"]])).collect();
    let frequency = 5.0 / (169.0 / 168.0);
    assert_eq!(
        json!(told),
        json!([
            ["lead-time", "seconds", 6, 138_390.0],
            ["frequency", "per_week", 5, frequency],
            ["recovery", "seconds", 2, null],
            ["fail-rate", "share", 6, 2.0 / 6.0],
            ["rework", "share", 6, 1.0 / 6.0],
        ])
    );
    let period = json!({ "since": "2026-09-01T11:00:00Z", "until": "2026-11-30T11:00:00Z" });
    assert_eq!(answer["period"], period);
    assert_eq!(answer["entries"], json!(null));
    let words = ["history", "--metrics", "--explain", "recovery", "--format", "csv"];
    let csv = "\
Environment,Measure,Entry,Version,Commit,From,To,Value,Counted,Recorded,Why\r
production,recovery,[commit],v1.4.2,,2026-11-26T10:00:00Z,2026-11-26T10:30:00Z,1800.0,true,signed,the next deployment was the hotfix v1.4.3; the deployment of v1.4.3 succeeded\r
production,recovery,[commit],v1.4.5,,2026-11-30T11:00:00Z,2026-11-30T11:00:00Z,0.0,true,signed,a rollback to v1.4.4 began; the rollback to v1.4.4 succeeded\r
";
    house.run(words).stdout(csv).exit(0);
}

#[test]
fn a_question_that_would_bend_a_measure_is_refused() {
    let house = House::founded();
    for more in [["--version", "v1.4.0"], ["--status", "failed"], ["--by", "alice"], ["--limit", "5"]] {
        let words = ["history", "--metrics"].into_iter().chain(more);
        let wrong = house.run(words).any_stderr().exit(2).stderr;
        assert!(wrong.contains("cannot be used with") && wrong.contains("'--metrics'"), "{wrong}");
    }
    house.run(["history", "--explain", "recovery"]).any_stderr().exit(2);
    let nothing = "What began from 2026-08-25 10:00 UTC until now (90 days; --since names others): no deployment is recorded\n";
    house.run(["history", "--metrics"]).stdout(nothing).exit(0);
    let wrote = "ok: wrote the table into `METRICS.md`\n";
    house.run(["history", "--metrics", "--write", "METRICS.md"]).stderr(wrote).exit(0);
    assert!(
        house.file("METRICS.md").starts_with("# Deployment Metrics\n\n<!-- deployctl metrics: begin -->\n")
    );
}

#[test]
fn the_readme_defines_each_measure_as_the_program_does() {
    for key in Key::ALL {
        let row = format!("| `{}` | {} | {} |\n", key.word(), key.title(), key.definition());
        assert!(include_str!("../../README.md").contains(&row), "{row}");
    }
}

#[test]
fn no_table_is_wider_than_the_terminal() {
    let house = six_deployments();
    let tables: [&[&str]; 4] =
        [&[], &["--modifications"], &["--metrics"], &["--metrics", "--explain", "lead-time"]];
    for (columns, words) in ["40", "80"].iter().flat_map(|columns| tables.map(|words| (*columns, words))) {
        let script = format!("stty cols {columns} && exec \"$0\" history \"$@\"");
        let words = ["-c", &script, env!("CARGO_BIN_EXE_deployctl")].into_iter().chain(words.iter().copied());
        let words: Vec<&str> = words.collect();
        let shown = house.program_at_terminal("sh", &words).exit(0);
        let widest = shown.lines().map(|line| line.trim_end().chars().count()).max();
        let room = columns.parse().expect("a number");
        assert!(widest.is_some_and(|widest| (20..=room).contains(&widest)), "{columns} {words:?}\n{shown}");
    }
}
