//! Environments that machines deploy: development and staging, without a person and within a role's rights.

mod requests;
mod shared;

use std::fs;

use serde_json::{Value, json};

use crate::house::{House, POLICY};

/// A staging that machines deploy.
const STAGING: &str = r#"  staging:
    purpose: Pre-production validation
    data: Anonymized production-like data
    access: Read for all agents, deploy for QA
    deployment: automatic
    branch: main
    requires: [development]
    steps:
      - { name: release, run: ["./ops/release.sh"], timeout: 1m }
"#;

const SMOKE: &str = "#!/bin/sh\necho \"smoke of $DEPLOYCTL_VERSION\"\nexec test ! -e \"$HOME/smoke.break\"\n";

/// The usual rules with that staging, some lines changed.
fn rules(changes: &[(&str, &str)]) -> String {
    let roles = "roles:\n  ci: { staging: [check, deploy] }\n  deployer: { staging: [deploy] }\n";
    let checks = "checks:\n  smoke: { title: Smoke tests, run: [\"./ops/smoke.sh\"], timeout: 1m }\n";
    let stages = "stages:\n  - { name: staging, checks: [smoke] }\n";
    let rules = POLICY.replace("roles:\n", roles).replace("checks:\n", checks).replace("stages:\n", stages);
    let rules = rules.replace("  staging:\n    deployment: automatic\n", STAGING);
    changes.iter().fold(rules, |rules, (from, to)| {
        assert!(rules.contains(from), "{from}");
        rules.replace(from, to)
    })
}

#[test]
fn a_quiet_deployment_says_only_what_came_of_it() {
    let house = founded();
    let deploys = ["deploy", "staging", "v1.5.0", "--as", "ci", "-q"];
    let result = house.run(deploys).any_stdout().exit(0).stdout;
    assert!(result.starts_with("staging runs v1.5.0\n"), "{result}");
    // What went wrong is told with the last lines, and where the rest of them are.
    house.breaks("release");
    let told = house.run(deploys).any_stdout().any_stderr().exit(1).stderr;
    let lines: Vec<&str> = told.lines().take(3).collect();
    assert_eq!(lines[0], "  │ release is broken", "{told}");
    assert!(lines[1].starts_with("✗ release ") && lines[2].starts_with("  log: "), "{told}");
}

/// v1.5.0 has a smoke test, and alice has signed the rules.
fn founded_with(changes: &[(&str, &str)]) -> House {
    let house = House::new();
    house.write("ops/smoke.sh", SMOKE);
    house.commit("test: a smoke test");
    house.tag("v1.5.0");
    house.report("unit", 12, 0);
    house.config(&rules(changes));
    house.person("alice").signs_policy();
    house
}

fn founded() -> House {
    founded_with(&[])
}

/// CI deploys to staging.
#[track_caller]
fn deploys(house: &House, words: &[&str], exit: i32) -> Value {
    let words = ["deploy", "staging"].iter().chain(words).copied().chain(["--as", "ci", "--json"]);
    house.run(words).env("GITLAB_CI", "true").any_stdout().any_stderr().exit(exit).json()
}

/// The codes of all reasons, in their order; nothing was released.
#[track_caller]
fn refuses(house: &House, words: &[&str], exit: i32, expected: &[&str]) -> Value {
    let before = house.live("journal");
    let answer =
        house.run(words.iter().copied().chain(["--json"])).any_stdout().any_stderr().exit(exit).json();
    let reasons = answer["reasons"].as_array().expect("reasons");
    let codes: Vec<&str> = reasons.iter().map(|reason| reason["code"].as_str().expect("a code")).collect();
    assert_eq!(codes, expected, "{answer:#}");
    assert_eq!(house.live("journal"), before, "something ran");
    answer
}

fn status(house: &House) -> Value {
    house.run(["status", "--json"]).any_stdout().exit(0).json()["environments"]["staging"].clone()
}

#[test]
fn a_role_deploys_without_a_terminal_and_without_a_person() {
    let house = founded();
    let shown = "\
storefront · deploy v1.5.0 to staging

  Purpose      Pre-production validation
  Data         Anonymized production-like data
  Access       Read for all agents, deploy for QA
  Asked by     ci (`--as`)
  Commit       [commit]
  Now live     nothing recorded
  Files of     [id], written from git into a private directory
  Step 1       release: ./ops/release.sh (at most 1 min)
  Environment  HOME LANG LC_ALL LOGNAME PATH SHELL TMPDIR TZ USER
               DEPLOYCTL_VERSION=v1.5.0
               DEPLOYCTL_COMMIT=[commit]
               DEPLOYCTL_ENVIRONMENT=staging
               DEPLOYCTL_PREVIOUS_VERSION=
               DEPLOYCTL_PREVIOUS_COMMIT=
               DEPLOYCTL_REQUEST=
  Smoke test   smoke: ./ops/smoke.sh (at most 1 min)

▶ 1/1 release  ./ops/release.sh
  │ released v1.5.0 to staging
✓ release in [time]
▶ smoke  ./ops/smoke.sh
  │ smoke of v1.5.0
";
    let done = "staging runs v1.5.0\n✓ smoke  ./ops/smoke.sh succeeded\nrecorded in the journal by ci\n";
    house
        .run(["deploy", "staging", "--as", "ci"])
        .env("GITLAB_CI", "true")
        .env("CLAUDECODE", "1")
        .stderr(shown)
        .stdout(done)
        .exit(0);
    assert_eq!(house.live("version").as_deref(), Some("v1.5.0\n"));
    let signed = house.git(["log", "--format=%s", "deployctl/ledger"]);
    assert_eq!(signed, "alice: sign policy 1", "nobody signed anything for it");
    let journal = house.git(["log", "--reverse", "--format=%s", "deployctl/journal"]);
    let head = house.git(["rev-parse", "--short=7", "HEAD"]);
    let lines = format!(
        "deployment: v1.5.0 to staging begins by ci\nevidence: smoke of {head} by ci\ndeployment: v1.5.0 to staging succeeded by ci"
    );
    assert_eq!(journal, lines);
}

#[test]
fn health_is_not_watched_here_and_that_is_said_with_what_does() {
    let health = "    requires: [development]\n    health: { probes: { yes: { run: [\"true\"] } } }\n";
    let house = founded_with(&[("    requires: [development]\n    steps", &format!("{health}    steps"))]);
    let plan = house.run(["deploy", "staging", "--as", "ci", "--dry-run"]).any_stdout().exit(0).stdout;
    assert!(plan.contains("  Watch        none; look on with: deployctl monitor staging\n"), "{plan}");
    let run = house.run(["deploy", "staging", "--as", "ci"]).any_stdout().any_stderr().exit(0);
    let done = "staging runs v1.5.0\n✓ smoke  ./ops/smoke.sh succeeded\nnobody watches it; look on with: deployctl monitor staging\nrecorded in the journal by ci\n";
    assert_eq!(run.stdout, done);
}

#[test]
fn a_smoke_test_gets_no_secrets() {
    let house = House::new();
    house.write("ops/smoke.sh", "#!/bin/sh\nexec test -z \"$TOKEN\"\n");
    house.write("ops/secrets.sh", "#!/bin/sh\necho '{\"TOKEN\": \"hunter22\"}'\n");
    house.write("ops/release.sh", "#!/bin/sh\nexec test \"$TOKEN\" = hunter22\n");
    house.commit("test: a smoke test");
    house.tag("v1.5.0");
    house.report("unit", 12, 0);
    let secrets = "    credentials: { exec: [\"./ops/secrets.sh\"] }\n    steps:\n      - { name: release, run: [\"./ops/release.sh\"], timeout: 1m }\n";
    house.config(&rules(&[(
        "    steps:\n      - { name: release, run: [\"./ops/release.sh\"], timeout: 1m }\n",
        secrets,
    )]));
    house.person("alice").signs_policy();
    let answer = deploys(&house, &[], 0);
    assert_eq!(answer["smoke"][0]["state"], "passed", "{answer:#}");
}

#[test]
fn what_was_just_founded_goes_where_machines_deploy_first() {
    let house = House::new();
    house.config(&rules(&[]));
    let shown = house.person("alice").signs_policy();
    house.ends(&shown, "next: deployctl deploy staging --as ROLE\n");
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    house.ends(&status, "next: deployctl deploy staging --as ROLE\n");
    house.config(&rules(&[("estimate: 5m", "estimate: 6m")]));
    let shown = house.person("alice").signs_policy();
    house.ends(&shown, "policy 2 is in force\nnext: deployctl request VERSION --as ROLE\n");
}

#[test]
fn what_is_live_is_told_as_the_word_of_a_machine() {
    let house = founded();
    deploys(&house, &[], 0);
    let told = "\
staging: v1.5.0 ([id]) since 2026-11-23 10:00 UTC, by ci (journal)
  Purpose      Pre-production validation
  Data         Anonymized production-like data
  Access       Read for all agents, deploy for QA
  Deployment   automatic: ci, deployer
stages of HEAD ([id])
  development: passed · unit 12/12 passed (reports/unit/*.xml · 14 min ago)
next: deployctl request VERSION --as ROLE
";
    let shown = house.run(["status", "-e", "staging"]).any_stdout().exit(0).stdout;
    house.ends(&shown, told);
    let told = "  Purpose      Live user-facing system\n  Deployment   human: 1 of alice, bob must approve, and a person executes\n";
    let shown = house.run(["status", "-e", "production"]).any_stdout().exit(0).stdout;
    assert!(shown.contains(told), "{shown}");
    let said = status(&house);
    let keys = ["purpose", "data", "access", "deployment", "recorded_in", "locked", "doubtful"]
        .map(|key| &said[key]);
    let expected = json!([
        "Pre-production validation",
        "Anonymized production-like data",
        "Read for all agents, deploy for QA",
        "automatic",
        "journal",
        null,
        null
    ]);
    assert_eq!(json!(keys), expected);
    assert_eq!((&said["live"]["version"], &said["live"]["by"]), (&json!("v1.5.0"), &json!("ci")));
    let table = "\
Date        Version  Type       Status   Rollback  Notes
2026-11-23  v1.5.0   Automatic  Success  N/A       staging, by ci (journal)
";
    house.run(["history"]).stdout(table).exit(0);
    house.run(["history", "-e", "production"]).stdout("no deployment is recorded yet\n").exit(0);
    house
        .run(["history", "--json"])
        .json(|answer| {
            let row = &answer["deployments"][0];
            let keys =
                ["environment", "recorded_in", "executed_by", "known_by", "status"].map(|key| &row[key]);
            assert_eq!(json!(keys), json!(["staging", "journal", "ci", "`--as`", "Success"]));
            assert_eq!(row["smoke"], json!({ "smoke": true }));
        })
        .exit(0);
}

#[test]
fn the_steps_get_the_version_before_from_the_journal() {
    let house = founded();
    deploys(&house, &["v1.4.0", "--dry-run"], 3);
    deploys(&house, &[], 0);
    house.write("app/total.txt", "13\n");
    let head = house.commit("feat: another total");
    house.report("unit", 13, 0);
    let answer = deploys(&house, &[], 0);
    assert_eq!(answer["version"], json!(&head[..7]), "no tag names it");
    assert_eq!(answer["previous"]["version"], json!("v1.5.0"));
    let environment = house.live("environment").unwrap();
    for line in ["DEPLOYCTL_PREVIOUS_VERSION=v1.5.0", "DEPLOYCTL_ENVIRONMENT=staging", "DEPLOYCTL_REQUEST="] {
        assert!(environment.lines().any(|said| said == line), "{line}\n{environment}");
    }
    assert_eq!(house.live("total").as_deref(), Some("13\n"));
}

#[test]
fn what_runs_are_the_files_of_the_commit_and_not_of_the_work_tree() {
    let house = founded();
    house.run(["check", "unit", "--as", "qa-specialist"]).any_stdout().exit(0);
    house.write("app/total.txt", "edited\n");
    house.write("ops/smoke.sh", "#!/bin/sh\nexit 1\n");
    deploys(&house, &["--commit", "v1.5.0"], 0);
    assert_eq!(house.live("total").as_deref(), Some("12.50\n"));
}

#[test]
fn a_role_without_the_right_is_refused_and_so_is_nobody() {
    let house = founded();
    for role in ["orchestrator", "docs-specialist", "nobody-knows-me"] {
        let answer = refuses(&house, &["deploy", "staging", "--as", role], 3, &["role.forbidden"]);
        assert_eq!(answer["reasons"][0]["policy"], json!(format!("roles.{role}.staging")));
    }
    refuses(&house, &["deploy", "staging"], 3, &["role.forbidden"]);
    // A person's name gives no right to a program.
    refuses(&house, &["deploy", "staging", "--as", "alice"], 3, &["role.forbidden"]);
    let refused = "\
refused: deployctl deploy
  ✗ role.forbidden  the role `qa-specialist` may not deploy to `staging`
      policy: roles.qa-specialist.staging
next: say who asks, a role that may, or at a terminal a person of the policy: deployctl deploy staging --as ROLE
";
    house.run(["deploy", "staging", "--as", "qa-specialist"]).stderr(refused).exit(3);
    assert!(!house.try_git(["rev-parse", "--verify", "deployctl/journal"]).status.success());
}

#[test]
fn running_migrations_is_a_right_of_its_own() {
    let step = "steps:\n      - { name: migrate, run: [\"./ops/migrate.sh\", \"up\"], migration: true }\n      - { name: release, run: [\"./ops/release.sh\"], timeout: 1m }\n  production:";
    let house = founded_with(&[
        ("steps:\n      - { name: release, run: [\"./ops/release.sh\"], timeout: 1m }\n  production:", step),
        ("deployer: { staging: [deploy] }", "deployer: { staging: [deploy, migrate] }"),
    ]);
    let answer = refuses(&house, &["deploy", "staging", "--as", "ci"], 3, &["role.forbidden"]);
    let reason = &answer["reasons"][0];
    assert_eq!(
        (&reason["message"], &reason["policy"]),
        (
            &json!("the role `ci` may not run migrations in `staging`, as `migrate` does"),
            &json!("roles.ci.staging")
        )
    );
    house.run(["deploy", "staging", "--as", "deployer"]).any_stdout().any_stderr().exit(0);
    assert!(house.live("journal").unwrap().starts_with("migrate up"));
}

#[test]
fn a_person_at_a_terminal_may_as_well_and_signs_nothing() {
    let house = founded();
    let shown = house.at_terminal(["deploy", "staging", "--as", "alice"]).exit(0);
    assert!(shown.contains("staging runs v1.5.0"), "{shown}");
    assert_eq!(status(&house)["live"]["by"], json!("alice"));
    house.at_terminal(["deploy", "staging", "--as", "mallory"]).exit(3);
}

#[test]
fn staging_refuses_a_commit_that_is_not_on_its_branch() {
    let house = founded();
    house.git(["checkout", "--quiet", "-b", "feature"]);
    house.commit("feat: not merged");
    house.report("unit", 12, 0);
    let answer = refuses(&house, &["deploy", "staging", "--as", "ci"], 3, &["commit.branch"]);
    assert_eq!(answer["reasons"][0]["policy"], json!("environments.staging.branch"));
    house.git(["checkout", "--quiet", "main"]);
    house.git(["merge", "--quiet", "--ff-only", "feature"]);
    house.report("unit", 12, 0);
    deploys(&house, &[], 0);
}

#[test]
fn a_stage_before_it_must_be_passed() {
    let house = founded();
    fs::remove_dir_all(house.project().join("reports")).unwrap();
    let refused = "\
refused: deployctl deploy
  ✗ stage.missing  stage `development`: `Unit tests` has no evidence for [id]
      policy: environments.staging.requires
next: have that commit checked: deployctl check unit --as ROLE
";
    house.run(["deploy", "staging", "--as", "ci"]).stderr(refused).exit(3);
    house.report("unit", 11, 1);
    refuses(&house, &["deploy", "staging", "--as", "ci"], 3, &["stage.failed"]);
    house.report("unit", 12, 0);
    deploys(&house, &[], 0);
}

#[test]
fn every_reason_is_told_at_once() {
    let house = founded_with(&[(
        "    branch: main\n    requires",
        "    branch: main\n    windows: { allow: [{ days: tue, hours: \"09:00-12:00\" }] }\n    requires",
    )]);
    house.git(["checkout", "--quiet", "-b", "feature"]);
    house.commit("feat: not merged");
    fs::remove_dir_all(house.project().join("reports")).unwrap();
    let expected = &["role.forbidden", "window.closed", "stage.missing", "commit.branch"];
    refuses(&house, &["deploy", "staging", "--as", "docs-specialist"], 3, expected);
    refuses(&house, &["deploy", "staging", "--as", "docs-specialist", "--dry-run"], 3, expected);
}

#[test]
fn windows_count_for_machines_too() {
    let window = "    branch: main\n    windows: { allow: [{ hours: \"09:00-12:00\" }] }\n    requires";
    let house = founded_with(&[("    branch: main\n    requires", window)]);
    house.clock("2026-11-23T12:00:00Z");
    let answer = refuses(&house, &["deploy", "staging", "--as", "ci"], 3, &["window.closed"]);
    assert_eq!(answer["reasons"][0]["policy"], json!("environments.staging.windows.allow"));
    house.clock("2026-11-23T11:59:59Z");
    deploys(&house, &[], 0);
}

#[test]
fn a_window_that_closes_meanwhile_stops_the_next_step() {
    let changes = [(
        "    branch: main\n    requires",
        "    branch: main\n    windows: { allow: [{ hours: \"09:00-12:00\" }] }\n    requires",
    )];
    let house = founded_with(&changes);
    let clock = house.home().join("clock");
    fs::write(&clock, "2026-11-23T11:58:00Z").unwrap();
    let path = clock.display().to_string();
    // The first step moves the clock.
    let step = "steps:\n      - { name: wait, run: [\"sh\", \"-c\", \"echo 2026-11-23T12:00:00Z > $HOME/clock\"] }\n      - { name: release, run: [\"./ops/release.sh\"], timeout: 1m }\n  production:";
    let from = "steps:\n      - { name: release, run: [\"./ops/release.sh\"], timeout: 1m }\n  production:";
    house.config(&rules(&[changes[0], (from, step)]));
    house.person("alice").signs_policy();
    let answer = house
        .run(["deploy", "staging", "--as", "ci", "--json"])
        .env("DEPLOYCTL_TEST_CLOCK", &path)
        .any_stdout()
        .any_stderr()
        .exit(1)
        .json();
    assert_eq!((&answer["ending"], &answer["failed_step"]), (&json!("failed"), &json!("release")));
    assert_eq!(answer["steps"][1]["result"], json!("window-closed"));
    assert_eq!(house.live("version"), None);
}

#[test]
fn a_step_is_ended_when_the_time_of_its_deployment_is_over() {
    let house = founded();
    let clock = house.home().join("clock");
    fs::write(&clock, "2026-11-23T10:00:00Z").unwrap();
    let path = clock.display().to_string();
    // As on a machine that slept: the clock moves, and the step's own time does not.
    let sleeps = "[\"sh\", \"-c\", \"echo 2026-11-24T10:00:00Z > $HOME/clock; sleep 300\"], timeout: 10m }\n  production:";
    house.config(&rules(&[("[\"./ops/release.sh\"], timeout: 1m }\n  production:", sleeps)]));
    house.person("alice").signs_policy();
    let answer = house
        .run(["deploy", "staging", "--as", "ci", "--json"])
        .env("DEPLOYCTL_TEST_CLOCK", &path)
        .any_stdout()
        .any_stderr()
        .exit(1)
        .json();
    assert_eq!((&answer["ending"], &answer["failed_step"]), (&json!("failed"), &json!("release")));
    assert_eq!(answer["steps"][0]["result"], json!("lease-over"));
}

#[test]
fn a_step_that_fails_fails_the_deployment_and_what_was_live_stays_told() {
    let house = founded();
    deploys(&house, &[], 0);
    house.commit("feat: more");
    house.report("unit", 12, 0);
    house.breaks("release");
    let answer = house.run(["deploy", "staging", "--as", "ci"]).any_stdout().any_stderr().exit(1);
    let said = "\
error: the deployment of [id] failed at `release`: `staging` may run half of it
logs: [project]/.git/deployctl/logs/[id]
back to v1.5.0: deployctl deploy staging v1.5.0 --as ROLE
";
    house.ends(&answer.stderr, said);
    let said = status(&house);
    assert_eq!(said["live"]["version"], json!("v1.5.0"));
    assert_eq!(said["doubtful"]["ending"], json!("failed"));
    let shown = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(
        shown.contains(", deployed by ci, ended badly at release: what runs may be half of it\n"),
        "{shown}"
    );
    let table = house.run(["history"]).any_stdout().exit(0).stdout;
    assert!(table.contains("Failed   N/A       staging, by ci (journal); ended at release\n"), "{table}");
    house.mends("release");
    deploys(&house, &["v1.5.0"], 3);
}

#[test]
fn a_failing_smoke_test_fails_the_deployment_and_is_evidence() {
    let house = founded();
    fs::write(house.home().join("smoke.break"), "").unwrap();
    let answer = house.run(["deploy", "staging", "--as", "ci"]).any_stderr().stdout(
        "✗ smoke  ./ops/smoke.sh failed — `./ops/smoke.sh` ended with exit status 1\nrecorded in the journal by ci\n",
    );
    let answer = answer.exit(1);
    let said = "\
error: v1.5.0 was deployed and its smoke test `smoke` failed, and so counts the deployment
logs: [project]/.git/deployctl/logs/[id]
";
    house.ends(&answer.stderr, said);
    assert_eq!(house.live("version").as_deref(), Some("v1.5.0\n"), "it runs, and nobody says that it works");
    assert_eq!(status(&house)["live"], json!(null));
    let checks = house.run(["checklist", "v1.5.0", "--json"]).any_stdout().exit(0).json();
    let smoke = checks["tests"].as_array().unwrap().iter().find(|test| test["check"] == "smoke").unwrap();
    assert_eq!((&smoke["state"], &smoke["recorded_by"]), (&json!("failed"), &json!("ci")));
}

#[test]
fn a_smoke_test_gets_the_environment_of_the_steps_and_nothing_of_the_callers() {
    let house = founded();
    house.write("ops/smoke.sh", "#!/bin/sh\nprintenv SECRET GITHUB_OUTPUT BASH_ENV && exit 1\nexit 0\n");
    house.commit("test: look around");
    let outputs = house.world().join("outputs");
    fs::write(&outputs, "").unwrap();
    house
        .run(["deploy", "staging", "--as", "ci"])
        .env("SECRET", "s3cret")
        .env("GITHUB_OUTPUT", &outputs.display().to_string())
        .env("BASH_ENV", "/dev/null")
        .any_stdout()
        .any_stderr()
        .exit(0);
}

#[test]
fn a_smoke_test_is_evidence_only_by_who_may_record_it() {
    let house = founded();
    house
        .run(["deploy", "staging", "--as", "deployer"])
        .any_stderr()
        .stdout(
            "staging runs v1.5.0\n✓ smoke  ./ops/smoke.sh succeeded\nrecorded in the journal by deployer\n\
             note: not recorded as evidence: the role `deployer` may not record `smoke`\n",
        )
        .exit(0);
    let checks = house.run(["checklist", "v1.5.0", "--json"]).any_stdout().exit(0).json();
    let smoke = checks["tests"].as_array().unwrap().iter().find(|test| test["check"] == "smoke").unwrap();
    assert_eq!(smoke["state"], json!("missing"));
}

#[test]
fn a_dry_run_shows_the_verdict_and_the_plan_and_runs_nothing() {
    let house = founded();
    let shown = house.run(["deploy", "staging", "--as", "ci", "--dry-run"]).any_stdout().exit(0).stdout;
    house.ends(&shown, "  Smoke test   smoke: ./ops/smoke.sh (at most 1 min)\nallowed: ci may deploy this\n");
    let answer = deploys(&house, &["--dry-run"], 0);
    assert_eq!((&answer["dry_run"], &answer["smoke"]), (&json!(true), &json!(["smoke"])));
    assert_eq!(answer["plan"]["steps"][0]["name"], json!("release"));
    assert_eq!(house.live("version"), None);
    assert!(!house.try_git(["rev-parse", "--verify", "deployctl/journal"]).status.success());
}

#[test]
fn without_signed_rules_nothing_is_deployed() {
    let house = House::new();
    house.config(&rules(&[]));
    refuses(&house, &["deploy", "staging", "--as", "ci"], 4, &["policy.unsigned"]);
    refuses(&house, &["deploy", "staging", "--as", "ci", "--dry-run"], 4, &["policy.unsigned"]);
}

#[test]
fn edited_rules_change_nothing() {
    let house = founded();
    house.config(&rules(&[(
        "orchestrator: { production: [request] }",
        "orchestrator: { staging: [deploy] }",
    )]));
    refuses(&house, &["deploy", "staging", "--as", "orchestrator"], 3, &["role.forbidden"]);
    house.config(&rules(&[(
        "./ops/release.sh\"], timeout: 1m }\n  production",
        "./ops/evil.sh\"], timeout: 1m }\n  production",
    )]));
    deploys(&house, &[], 0);
    assert_eq!(house.live("version").as_deref(), Some("v1.5.0\n"));
}

#[test]
fn an_environment_without_steps_is_deployed_by_nobody() {
    let house = House::founded();
    let answer =
        refuses(&house, &["deploy", "staging", "--as", "ci"], 3, &["role.forbidden", "role.forbidden"]);
    assert_eq!(answer["reasons"][1]["policy"], json!("environments.staging.steps"));
}

#[test]
fn a_right_that_opens_nothing_is_told_before_the_policy_is_signed() {
    let rights = "ci: { staging: [check, deploy], production: [check, deploy, request, migrate] }";
    let house = House::new();
    house.config(&rules(&[("ci: { staging: [check, deploy] }", rights)]));
    let shown = house.person("alice").signs_policy();
    assert!(
        shown.contains("      without effect: deploy migrate in `production`, which people deploy\n"),
        "{shown}"
    );
    assert_eq!(shown.matches("without effect").count(), 1, "{shown}");
}

/// No claimed role makes production anything but strict.
#[test]
fn production_stays_as_strict_whatever_role_is_claimed() {
    let rights = "ci: { staging: [check, deploy], production: [check, deploy, request, migrate] }";
    let house = founded_with(&[("ci: { staging: [check, deploy] }", rights)]);
    house.report("integration", 3, 0);
    let asks = ["request", "v1.5.0", "--since", "v1.3.0", "--as", "orchestrator", "--json"];
    let id = house.run(asks).any_stdout().exit(0).json()["id"].as_str().expect("an id").to_owned();
    house.person("alice").approves(&id);
    for role in ["ci", "orchestrator", "alice", "root", "production", "nobody-knows-me"] {
        refuses(&house, &["deploy", "production", &id, "--as", role], 4, &["human.terminal"]);
        refuses(&house, &["deploy", "production", &id, "--as", role, "--yes"], 4, &["human.terminal"]);
        let back = ["rollback", "production", "--reason", "no", "--as", role];
        refuses(&house, &back, 4, &["human.terminal", "rollback.plan"]);
    }
    // And at a terminal it is a person's phrase and signature that are asked for.
    let asks = house.at_terminal(["deploy", "production", &id, "--as", "ci"]);
    asks.expect("Type \"deploy production v1.5.0").end_of_input().exit(5);
    assert_eq!(house.live("version"), None);
}

#[test]
fn its_measures_are_the_journals_word_and_say_what_that_lacks() {
    let house = founded();
    deploys(&house, &[], 0);
    let of = |words: &[&str]| {
        let words = ["history", "--metrics", "--json", "-e", "staging"].iter().chain(words).copied();
        house.run(words).any_stdout().exit(0).json()
    };
    let measures = of(&[])["metrics"].as_array().expect("measures").clone();
    let told = measures
        .iter()
        .map(|of| json!([of["measure"], of["recorded"], of["samples"], of["not_counted"], of["value"]]));
    assert_eq!(
        json!(told.collect::<Vec<_>>()),
        json!([
            ["lead-time", "journal", 0, 1, null],
            ["frequency", "journal", 1, 0, null],
            ["recovery", "journal", 0, 0, null],
            ["fail-rate", "journal", 1, 0, null],
            ["rework", "journal", 0, 1, null],
        ])
    );
    let why = |measure| of(&["--explain", measure])["entries"][0]["why"].clone();
    assert_eq!(why("lead-time"), "nobody recorded what was live before it");
    assert_eq!(why("rework"), "machines deployed it: nobody wrote down why");
}
