//! One deployment at a time, on one machine and on several, and what a machine that died leaves behind.

use std::fs;

use deployctl::cli::{ColorChoice, Common, Format};
use deployctl::commands::automatic::runs;
use deployctl::commands::gather::Moment;
use deployctl::commands::journal::Placed;
use deployctl::gate::deployments::Start;
use deployctl::gate::statement::{Release, SCHEMA};
use deployctl::gate::terms::Digest;
use deployctl::world::records::JOURNAL;
use serde_json::{Value, json};

use super::{deploys, founded, founded_with, refuses, rules, status};
use crate::house::House;

/// Signed rules whose records travel.
fn shared() -> House {
    let house = House::new();
    house.write("ops/smoke.sh", super::SMOKE);
    house.config(&rules(&[("ledger: none", "ledger: { remote: origin }")]));
    house.commit("test: a smoke test");
    house.tag("v1.5.0");
    house.remote();
    house.person("alice").signs_policy();
    house.report("unit", 12, 0);
    house.run(["check", "unit", "--as", "qa-specialist"]).any_stdout().exit(0);
    house
}

fn look(house: &House) -> Moment {
    let directory = house.project().to_owned();
    let (format, color) = (Format::Text, ColorChoice::Auto);
    let common = Common { directory, format, json: false, color, quiet: false, verbose: false, role: None };
    let mut moment = Moment::look(&common).expect("a repository");
    moment.now = house.now();
    moment
}

fn start(moment: &Moment, nonce: &str) -> Start {
    let commit = moment.repository.resolve("HEAD").expect("a commit");
    Start {
        schema: SCHEMA.to_owned(),
        environment: "staging".parse().expect("a name"),
        release: Release { version: "v1.5.0".parse().expect("a version"), commit },
        previous: None,
        request: None,
        by: "ci".to_owned(),
        known_by: "`--as`".to_owned(),
        at: moment.now,
        lease_until: moment.now + chrono::TimeDelta::minutes(5),
        policy: Digest::of(b"policy"),
        plan: Digest::of(b"plan"),
        nonce: nonce.to_owned(),
    }
}

#[test]
fn of_two_machines_that_begin_at_once_one_does() {
    let house = shared();
    let other = house.clone_of();
    // Both have looked and have been allowed; neither has begun.
    let moments = [look(&house), look(&other)];
    let tips = moments.each_ref().map(|moment| runs::read(moment).expect("a journal").0);
    assert_eq!(tips[0], tips[1]);
    let begin = |which: usize, nonce: &str| {
        let moment = &moments[which];
        runs::begin(moment, tips[which].as_ref(), start(moment, nonce)).expect("a journal").0
    };
    assert!(matches!(begin(1, "b"), Placed::Done));
    assert!(matches!(begin(0, "a"), Placed::Lost));
    refuses(&house, &["deploy", "staging", "--as", "ci"], 7, &["environment.busy"]);
}

#[test]
fn of_two_processes_of_one_clone_one_begins() {
    let house = founded();
    deploys(&house, &[], 0);
    let moment = look(&house);
    let (tip, _) = runs::read(&moment).expect("a journal");
    let begin = |nonce: &str| runs::begin(&moment, tip.as_ref(), start(&moment, nonce)).expect("a journal").0;
    assert!(matches!(begin("a"), Placed::Done));
    assert!(matches!(begin("b"), Placed::Lost));
}

#[test]
fn what_one_machine_deployed_every_other_knows() {
    let house = shared();
    let other = house.clone_of();
    deploys(&other, &[], 0);
    assert_eq!(status(&house)["live"]["version"], json!("v1.5.0"));
    assert_eq!(other.live("version").as_deref(), Some("v1.5.0\n"));
}

#[test]
fn what_machines_deployed_is_not_imported_again() {
    let house = founded();
    deploys(&house, &[], 0);
    let words = ["history", "import", "--tags", "-e", "staging", "--json"];
    let answer = house.run(words).any_stdout().exit(0).json();
    let imported = answer["imported"].as_array().expect("tags").iter().map(|tag| tag["version"].clone());
    assert_eq!(imported.collect::<Vec<_>>(), [json!("v1.3.0"), json!("v1.4.0")]);
    assert_eq!(answer["left_out"], json!({ "recorded": 1, "imported": 0, "unfit": 0 }));
}

#[test]
fn another_line_of_the_journal_is_no_lost_race() {
    let house = shared();
    let other = house.clone_of();
    other.run(["request", "v1.5.0", "--as", "orchestrator"]).any_stdout().any_stderr().exit(0);
    deploys(&house, &[], 0);
}

#[test]
fn a_remote_that_does_not_answer_is_no_yes() {
    let house = shared();
    let origin = house.world().join("origin.git");
    fs::rename(&origin, house.world().join("away.git")).unwrap();
    // No person could help: it is not handed over.
    refuses(&house, &["deploy", "staging", "--as", "ci"], 3, &["ledger.unreachable"]);
    refuses(&house, &["deploy", "staging", "--as", "ci", "--dry-run"], 3, &["ledger.unreachable"]);
    fs::rename(house.world().join("away.git"), &origin).unwrap();
    deploys(&house, &[], 0);
}

#[test]
fn a_remote_that_takes_no_line_is_no_yes_either() {
    let house = shared();
    let hook = house.world().join("origin.git/hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho protected >&2\nexit 1\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&hook, executable).unwrap();
    refuses(&house, &["deploy", "staging", "--as", "ci"], 3, &["ledger.unreachable"]);
    assert_eq!(status(&house)["locked"], json!(null), "nothing has begun");
}

#[test]
fn an_end_that_the_remote_missed_travels_with_the_next_command() {
    let house = shared();
    let origin = house.world().join("origin.git").display().to_string();
    let step = format!("run: [\"mv\", \"{origin}\", \"{origin}.away\"]");
    let from = "run: [\"./ops/release.sh\"], timeout: 1m }\n  production";
    let to = format!("{step}, timeout: 1m }}\n  production");
    house.config(&rules(&[("ledger: none", "ledger: { remote: origin }"), (from, &to)]));
    house.person("alice").signs_policy();
    let answer = house
        .run(["deploy", "staging", "--as", "ci", "--commit", "v1.5.0"])
        .any_stdout()
        .any_stderr()
        .exit(0);
    assert!(answer.stdout.contains("warning: the journal could not be pushed"), "{}", answer.stdout);
    fs::rename(format!("{origin}.away"), &origin).unwrap();
    assert_eq!(status(&house)["live"]["version"], json!("v1.5.0"));
    let other = house.clone_of();
    assert_eq!(status(&other)["live"]["version"], json!("v1.5.0"));
}

/// A machine that died: its start stands in the journal, and no end.
fn died(house: &House, edit: impl FnOnce(&mut Value)) {
    deploys(house, &[], 0);
    // The last three lines: the start, the evidence, the end.
    let begun = house.git(["rev-parse", "deployctl/journal~2"]);
    house.git(["update-ref", "refs/heads/deployctl/journal", &begun]);
    crate::refusals::forge::replaces(house, JOURNAL, |files| {
        let mut start: Value = serde_json::from_slice(&files["deployment.json"]).expect("JSON");
        edit(&mut start);
        let bytes = deployctl::gate::statement::canonical(&start).expect("JSON");
        files.insert("deployment.json".to_owned(), bytes);
    });
}

#[test]
fn a_machine_that_died_holds_the_environment_until_its_lease_ends() {
    let house = founded();
    died(&house, |_| ());
    let refused = "\
refused: deployctl deploy
  ✗ environment.busy  `staging` is held by the deployment of `v1.5.0`, started by ci at 2026-11-23 10:00 UTC
next: wait until it ends, at the latest 2026-11-23 10:07 UTC
";
    house.run(["deploy", "staging", "--as", "ci"]).stderr(refused).exit(7);
    assert_eq!(status(&house)["locked"]["by"], json!("ci"));
    house.clock("2026-11-23T10:07:01Z");
    let shown = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(shown.contains("  v1.5.0, deployed by ci, never said how it ended"), "{shown}");
    // Machines try again: it is told, and it holds nobody.
    let answer = deploys(&house, &[], 0);
    assert_eq!(answer["warnings"][0]["code"], json!("deployment.interrupted"), "{answer:#}");
    assert_eq!(status(&house)["live"]["version"], json!("v1.5.0"));
}

#[test]
fn a_running_deployment_under_thousands_of_lines_of_noise() {
    let house = founded();
    died(&house, |_| ());
    crate::refusals::forge::floods(&house, 2_100);
    refuses(&house, &["deploy", "staging", "--as", "ci"], 7, &["environment.busy"]);
}

#[test]
fn no_line_of_the_journal_holds_an_environment_for_ever() {
    let house = founded();
    died(&house, |start| start["lease_until"] = json!("2999-01-01T00:00:00Z"));
    house.clock("2026-11-24T10:00:00Z");
    refuses(&house, &["deploy", "staging", "--as", "ci"], 7, &["environment.busy"]);
    house.clock("2026-11-24T10:00:01Z");
    house.report("unit", 12, 0);
    deploys(&house, &[], 0);
    let house = founded();
    died(&house, |start| start["at"] = json!("2026-11-24T10:03:00Z"));
    deploys(&house, &[], 0);
}

#[test]
fn a_machine_whose_clock_is_ahead_holds_the_environment_too() {
    let house = founded();
    died(&house, |start| start["at"] = json!("2026-11-23T10:03:00Z"));
    refuses(&house, &["deploy", "staging", "--as", "ci"], 7, &["environment.busy"]);
    house.clock("2026-11-23T10:07:01Z");
    deploys(&house, &[], 0);
}

#[test]
fn a_lock_that_cannot_be_read_is_no_open_door() {
    let house = founded();
    died(&house, |start| start["written_by"] = json!("a later version"));
    let answer = refuses(&house, &["deploy", "staging", "--as", "ci"], 7, &["environment.busy"]);
    let said = "a line of the journal about a deployment cannot be read, so it may hold the environment";
    assert_eq!(answer["reasons"][0]["message"], json!(said));
    house.clock("2026-11-24T10:00:01Z");
    house.report("unit", 12, 0);
    deploys(&house, &[], 0);
}

#[test]
fn an_environment_is_deployed_by_one_at_a_time() {
    let house = founded_with(&[]);
    let hold = house.holds("release");
    let running = house.at_terminal(["deploy", "staging", "--as", "ci"]).expect("release waits");
    refuses(&house, &["deploy", "staging", "--as", "ci"], 7, &["environment.busy"]);
    // Another environment is another matter.
    let answer = house.run(["deploy", "production", "--dry-run", "--json"]).any_stdout().exit(3).json();
    assert_eq!(answer["reasons"][0]["code"], json!("request.missing"));
    hold.lets_go();
    running.exit(0);
}

#[test]
fn a_journal_that_cannot_be_read_is_no_yes_and_hides_nothing_that_people_signed() {
    let house = founded();
    deploys(&house, &[], 0);
    // No entry has two parents: whoever may push could make one.
    let tree = house.git(["rev-parse", "deployctl/journal^{tree}"]);
    let merge = house.git(["commit-tree", "-p", "HEAD", "-p", "deployctl/journal", "-m", "merged", &tree]);
    house.git(["update-ref", "refs/heads/deployctl/journal", &merge]);
    let why = format!(
        "the journal cannot be read, so nobody knows who deploys: the journal is jammed, nothing can be added to it: \
         entry [id]: it has two parents: a chain of records has no merges; restore the branch: \
         `git update-ref {JOURNAL} [commit] [commit]`"
    );
    house.run(["deploy", "staging", "--as", "ci"]).stderr(&format!("error: {why}\n")).exit(1);
    let history = house.run(["history"]).stderr(&format!("warning: {why}\n"));
    history.stdout("no deployment is recorded yet\n").exit(0);
    house.run(["status"]).any_stdout().stderr(&format!("warning: {why}\n")).exit(0);
}

#[test]
fn a_jammed_journal_is_told_and_not_waited_for() {
    let house = shared();
    deploys(&house, &[], 0);
    let jam = crate::attacks::journal::jams(&house);
    let fresh = house.clone_of();
    let said = format!("error: nothing was run: {}\n", jam.told);
    let answer = house.run(["deploy", "staging", "--as", "ci"]).any_stderr().exit(1);
    house.ends(&answer.stderr, &said);
    let said = format!("error: the journal cannot be read, so nobody knows who deploys: {}\n", jam.told);
    fresh.run(["deploy", "staging", "--as", "ci"]).stderr(&said).exit(1);
}

#[test]
fn an_interrupted_deployment_says_so_and_holds_nobody() {
    let house = founded();
    let hold = house.holds("release");
    let running = house.at_terminal(["deploy", "staging", "--as", "ci"]).expect("release waits");
    let shown = running.ctrl_c().exit(130);
    assert!(shown.contains("the deployment of v1.5.0 was interrupted at `release`"), "{shown}");
    let said = status(&house);
    assert_eq!((&said["doubtful"]["ending"], &said["locked"]), (&json!("interrupted"), &json!(null)));
    drop(hold);
    fs::remove_file(house.home().join("release.hold")).unwrap();
    deploys(&house, &[], 0);
}
