//! The watch of a deployment: measured before the steps and after them, for the time of the request, and recorded.

mod automatic_rollback;

use std::fs;

use serde_json::{Value, json};

use crate::house::{House, POLICY, Terminal};

/// Alice has signed rules by which the shop is ill while a file of the home says so, and approved v1.4.0, which is watched
/// for so many minutes.
fn approved(minutes: &str) -> (House, String) {
    let house = House::new();
    let id = approved_under(&house, &rules(&house), minutes);
    (house, id)
}

/// Rules by which the shop is ill while a file of the home says so.
pub(crate) fn rules(house: &House) -> String {
    let ill = house.home().join("ill");
    let health = format!(
        "    health:\n      interval: 1s\n      consecutive_failures: 1\n      probes: {{ shop: {{ run: [test, \"!\", -e, \"{}\"] }} }}\n    monitoring: ",
        ill.display()
    );
    POLICY.replacen("    monitoring: ", &health, 1)
}

/// Alice has signed these rules, and approved v1.4.0, which is watched for so many minutes.
fn approved_under(house: &House, policy: &str, minutes: &str) -> String {
    house.config(policy);
    house.person("alice").signs_policy();
    let words =
        ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "--monitor", minutes, "--json"];
    let answer = house.run(words).any_stdout().exit(0).json();
    let id = answer["id"].as_str().expect("an id").to_owned();
    house.person("alice").approves(&id);
    id
}

/// Alice deploys, and the shop is ill from the last step on.
#[track_caller]
fn falls_ill(house: &House, id: &str) -> Terminal {
    let hold = house.holds("release");
    let running =
        house.person("alice").at_terminal(["deploy", "production", id]).signs().expect("release waits");
    fs::write(house.home().join("ill"), "").expect("a file of the home");
    // Only this once: the way back runs the step as well.
    fs::remove_file(house.home().join("release.hold")).expect("it waits");
    hold.lets_go();
    running
}

/// The outcomes' payloads, and the names of what is attached to them.
fn outcomes(house: &House) -> Vec<(Value, Vec<String>)> {
    let entries = house.entries().into_iter();
    let read = |files: std::collections::BTreeMap<String, Vec<u8>>| {
        let payload: Value = serde_json::from_slice(&files["payload.json"]).expect("a payload");
        (payload, files.into_keys().collect())
    };
    entries.map(|entry| read(entry.files)).filter(|(payload, _)| payload["kind"] == "outcome").collect()
}

#[test]
fn a_healthy_watch_ends_well_and_is_recorded() {
    let (house, id) = approved("0");
    let plan = house.run(["deploy", "production", &id, "--dry-run"]).any_stdout().exit(0).stdout;
    assert!(plan.contains("  Watch        once after the steps: shop\n"), "{plan}");
    let shown = house.person("alice").deploys(&id);
    assert!(shown.contains("measuring how things stand before it\n"), "{shown}");
    assert!(shown.contains("production runs v1.4.0\nhealthy, watched once: 1 signal\n"), "{shown}");
    let [(outcome, files)] = &outcomes(&house)[..] else { panic!("one outcome") };
    assert_eq!((&outcome["ending"], &outcome["failed_step"]), (&json!("succeeded"), &json!(null)));
    let watched = &outcome["watched"];
    assert_eq!((&watched["verdict"], &watched["rounds"]), (&json!("healthy"), &json!(1)));
    assert_eq!((&watched["signals"][0]["signal"], &watched["triggers"]), (&json!("shop"), &json!([])));
    assert!(watched["signals"][0]["baseline"].is_number(), "{watched}");
    assert!(files.iter().any(|name| name == "health.json"), "{files:?}");
    house.run(["history", "--verify"]).any_stdout().exit(0);
    let row = &house.run(["history", "--json"]).any_stdout().exit(0).json()["deployments"][0];
    assert_eq!(row["watched"]["verdict"], "healthy");
}

#[test]
fn a_trigger_asks_and_the_rollback_is_watched_too() {
    let (house, id) = approved("1");
    let asked = falls_ill(&house, &id).expect("ROLLBACK? [y/n] ");
    let shown = asked.transcript().to_owned();
    assert!(shown.contains("\nv1.4.0 is not healthy: "), "{shown}");
    fs::remove_file(house.home().join("ill")).expect("it is ill");
    let shown = asked.answer("y").signs().exit(6);
    assert!(shown.contains("and was rolled back: `production` runs v1.3.0 again"), "{shown}");
    assert!(shown.contains("  Watch        2 s after the steps: shop\n"), "{shown}");
    let outcomes = outcomes(&house);
    let ends: Vec<_> =
        outcomes.iter().map(|(outcome, _)| (&outcome["ending"], &outcome["failed_step"])).collect();
    assert_eq!(ends, [(&json!("failed"), &json!("watch")), (&json!("succeeded"), &json!(null))]);
    let watched = &outcomes[0].0["watched"];
    assert_eq!(
        (&watched["verdict"], &watched["triggers"][0]["trigger"]),
        (&json!("triggered"), &json!("health-checks"))
    );
    assert_eq!(outcomes[1].0["watched"]["verdict"], "healthy");
    assert_eq!(house.live("version").as_deref(), Some("v1.3.0\n"));
    house.run(["history", "--verify"]).any_stdout().exit(0);
    let report = house.run(["approve", "--review", "v1.4.0", "--show"]).any_stdout().exit(0).stdout;
    let events: Vec<&str> =
        report.lines().filter_map(|line| line.split_once(" UTC | ")).map(|it| it.1).collect();
    let trigger = events.iter().position(|event| event.starts_with("trigger: ")).expect("the trigger");
    assert_eq!(events[trigger + 1], "the deployment failed at watch |", "{report}");
}

#[test]
fn a_rollback_that_makes_nothing_healthy_has_failed() {
    let (house, id) = approved("1");
    let shown = falls_ill(&house, &id).expect("ROLLBACK? [y/n] ").answer("y").signs().exit(1);
    assert!(shown.contains("and the rollback failed too"), "{shown}");
    assert!(shown.contains("`production` runs v1.3.0, not healthy: "), "{shown}");
    let ends: Vec<Value> =
        outcomes(&house).iter().map(|(outcome, _)| outcome["failed_step"].clone()).collect();
    assert_eq!(ends, [json!("watch"), json!("watch")]);
}

#[test]
fn a_declined_rollback_says_what_runs_and_how_it_is() {
    let (house, id) = approved("1");
    let shown = falls_ill(&house, &id).expect("ROLLBACK? [y/n] ").answer("n").exit(1);
    assert!(
        shown.contains("the deployment of v1.4.0 failed at `watch`: `production` runs it, not healthy: "),
        "{shown}"
    );
    assert!(shown.contains("the hotfix path instead:\n"), "{shown}");
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
    let row = &house.run(["history", "--json"]).any_stdout().exit(0).json()["deployments"][0];
    assert!(row["notes"].as_str().expect("notes").starts_with("not healthy: "), "{row}");
    assert!(shown.contains("\n  1. diagnose the issue: v1.4.0 stays live in production\n"), "{shown}");
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    let all =
        "the deployment of v1.4.0 failed at watch: all of its steps were run, and v1.4.0 is not healthy: ";
    assert!(status.contains(all), "{status}");
    assert!(status.contains("production: no deployment has ended well yet\n"), "{status}");
    let told = &house.run(["status", "--json"]).any_stdout().exit(0).json()["environments"]["production"];
    let doubtful = &told["doubtful"];
    assert_eq!((&told["live"], &doubtful["version"]), (&json!(null), &json!("v1.4.0")));
    assert_eq!((&doubtful["failed_step"], &doubtful["whole"]), (&json!("watch"), &json!(true)));
    let looked = house.run(["monitor", "production", "--json"]).any_stdout().any_stderr().exit(1).stdout;
    let end: Value = serde_json::from_str(looked.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&end["version"], &end["doubtful"]), (&json!(null), doubtful));
    let looked = house.run(["monitor", "production"]).any_stdout().any_stderr().exit(1).stdout;
    let head = "production · no deployment has ended well yet · ";
    assert!(looked.starts_with(head), "{looked}");
    assert!(looked.contains("\nwhat runs is v1.4.0, which did not end well\n"), "{looked}");
    let fix = "\nnext: or go forward with a fix: deployctl request VERSION -e production --as ROLE\n";
    assert!(status.contains("\nnext: deployctl rollback production --reason TEXT\n"), "{status}");
    assert!(status.contains(fix), "{status}");
}

#[test]
fn ctrl_c_in_the_watch_asks_and_a_no_ends_it_unfinished() {
    let (house, id) = approved("1");
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs().expect("healthy");
    let asked = running.ctrl_c().expect("Go on watching? [y/n] ").answer("y").expect("healthy");
    let shown = asked.ctrl_c().expect("Go on watching? [y/n] ").answer("n").exit(130);
    assert!(shown.contains("was interrupted at `watch`: `production` runs it, healthy or not"), "{shown}");
    let [(outcome, _)] = &outcomes(&house)[..] else { panic!("one outcome") };
    assert_eq!(
        (&outcome["ending"], &outcome["watched"]["verdict"]),
        (&json!("interrupted"), &json!("interrupted"))
    );
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

#[test]
fn a_closed_terminal_ends_the_watch_and_the_end_is_recorded() {
    let (house, id) = approved("1");
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs().expect("healthy");
    running.hang_up().exit(130);
    let [(outcome, _)] = &outcomes(&house)[..] else { panic!("one outcome") };
    assert_eq!((&outcome["ending"], &outcome["failed_step"]), (&json!("interrupted"), &json!("watch")));
}

#[test]
fn a_watch_is_ended_when_the_time_of_the_deployment_is_over() {
    let house = House::new();
    let (clock, live) = (house.home().join("clock"), house.home().join("live/version"));
    // Once v1.4.0 is live the machine sleeps.
    let sleeps = format!(
        "[sh, -c, \"test ! -e {} || echo 2026-11-24T08:00:00Z > {}\"]",
        live.display(),
        clock.display()
    );
    let ill = format!("[test, \"!\", -e, \"{}\"]", house.home().join("ill").display());
    let id = approved_under(&house, &rules(&house).replace(&ill, &sleeps), "5");
    fs::write(&clock, "2026-11-23T10:00:00Z").expect("a clock");
    let clock = format!("DEPLOYCTL_TEST_CLOCK={}", clock.display());
    let running = house.at_terminal_with("alice", &[&clock], &["deploy", "production", &id]).signs();
    let shown = running.declines_rollback().exit(1);
    let words = "healthy or not, the time of the deployment was over before that of its watch";
    assert!(shown.contains(&format!("\nv1.4.0 is {words}\n")), "{shown}");
    let [(outcome, _)] = &outcomes(&house)[..] else { panic!("one outcome") };
    assert_eq!(
        (&outcome["ending"], &outcome["failed_step"], &outcome["watched"]["verdict"]),
        (&json!("failed"), &json!("watch"), &json!("lease-over"))
    );
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

#[test]
fn what_fails_already_is_told_before_the_steps() {
    let (house, id) = approved("1");
    fs::write(house.home().join("ill"), "").expect("a file of the home");
    let shown =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    let (before, _) = shown.split_once("1/2 migrate").expect("a step");
    assert!(before.contains("warning: `shop` fails already, before any step\n"), "{shown}");
}

#[test]
fn a_watch_of_seconds_is_not_rounded() {
    let house = House::founded();
    for asked in ["8s", "90s", "500ms"] {
        let words = ["request", "v1.4.0", "--as", "orchestrator", "--monitor", asked];
        let refused = house.run(words).any_stderr().exit(2).stderr;
        let why =
            format!("invalid value '{asked}' for '--monitor <DURATION>': not whole minutes, such as `30m`");
        assert!(refused.contains(&why), "{refused}");
    }
}
