//! The environment: closed at this hour, held by another deployment, left half-way, without a way back.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::{
    approved_with, founded_with, nothing_runs, refuses, refuses_in_words, refuses_machine, requested,
    sentence,
};
use crate::house::House;

const BACK: [&str; 4] = ["rollback", "production", "--reason", "checkout fails"];

fn windows(lines: &str) -> String {
    format!("deployment: human\n    windows:\n      timezone: Europe/Berlin\n      {lines}\n")
}

#[test]
fn window_closed() {
    // 11:00 in Berlin is 10:00 UTC.
    let open = windows("allow: [{ days: mon-thu, hours: \"09:00-12:00\" }]");
    let (house, id) = approved_with(&[("deployment: human\n", &open)]);
    house.clock("2026-11-23T11:00:00Z");
    let refused = "\
refused: deployctl deploy
  ✗ window.closed  no window of `production` is open now
      policy: environments.production.windows.allow
next: it opens Tue 2026-11-24 09:00 CET
";
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["window.closed"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    assert_eq!(status["environments"]["production"]["closed"]["code"], "window.closed");
    let told = "  no window of `production` is open now: it opens Tue 2026-11-24 09:00 CET\n";
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(told), "{status}");
    // Approving is no deploying: it is only said.
    let shown = house.person("alice").approves(&id);
    assert!(shown.contains("window.closed"), "{shown}");
    let held = "\
refused now: window.closed: no window of `production` is open now
next: it opens Tue 2026-11-24 09:00 CET
then: deployctl deploy production v1.4.0-[id]
";
    house.ends(&shown, held);
    house.clock("2026-11-23T10:59:59Z");
    house.person("alice").deploys(&id);
}

#[test]
fn window_closed_while_it_runs() {
    let open = windows("allow: [{ hours: \"09:00-12:00\" }]");
    let (house, id) = approved_with(&[("deployment: human\n", &open)]);
    // Closed for everybody else who looks.
    house.clock("2026-11-23T12:00:00Z");
    refuses_machine(&house, &["deploy", "production", &id, "--dry-run"], 3, &["window.closed"]);
}

#[test]
fn window_blackout() {
    let freeze = windows("deny: [{ name: the fair, from: \"2026-11-23 12:00\", to: 2026-11-24 }]");
    let house = founded_with(&[("deployment: human\n", &freeze)]);
    let id = house.requests();
    let second = requested(&house, &["v1.4.0", "--since", "v1.3.0", "--summary", "Once more"]);
    for id in [&id, &second] {
        house.person("alice").approves(id);
    }
    house.person("alice").deploys(&id);
    house.clock("2026-11-23T11:00:00Z");
    let expected = &["request.stale", "window.blackout"];
    let answer = refuses(&house, "alice", &["deploy", "production", &second], 3, expected);
    assert_eq!(answer["reasons"][1]["policy"], "environments.production.windows.deny[0]");
    // A freeze keeps nobody from going back.
    house.person("bob").rolls_back("checkout fails");
    assert_eq!(house.live("version").unwrap(), "v1.3.0\n");
}

#[test]
fn window_blackout_for_rollbacks_too() {
    let freeze = windows(
        "deny: [{ name: the fair, from: \"2026-11-23 12:00\", to: 2026-11-24, actions: [deploy, rollback] }]",
    );
    let (house, id) = approved_with(&[("deployment: human\n", &freeze)]);
    let second = requested(&house, &["v1.4.0", "--since", "v1.3.0", "--summary", "Once more"]);
    house.person("alice").deploys(&id);
    house.clock("2026-11-23T11:00:00Z");
    let refused = "\
refused: deployctl rollback
  ✗ window.blackout  a blackout of `production` is on (`the fair`)
      policy: environments.production.windows.deny[0]
next: it opens Wed 2026-11-25 00:00 CET
";
    refuses(&house, "bob", &BACK, 3, &["window.blackout"]);
    refuses_in_words(&house, "bob", &BACK, 3, refused);
    refuses(&house, "bob", &["deploy", "production", &second], 4, &["approval.missing", "window.blackout"]);
}

#[test]
fn environment_busy() {
    let (house, id) = House::approved();
    let hold = house.holds("release");
    let running =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().expect("release waits");
    let refused = "\
refused: deployctl deploy
  ✗ environment.busy  `production` is held by the deployment of `v1.4.0`, started by alice at 2026-11-23 10:00 UTC
next: wait until it ends, at the latest 2026-11-23 10:07 UTC
";
    refuses(&house, "bob", &["deploy", "production", &id], 7, &["environment.busy"]);
    refuses_in_words(&house, "bob", &["deploy", "production", &id], 7, refused);
    refuses(&house, "bob", &BACK, 7, &["environment.busy"]);
    refuses(&house, "bob", &["approve", &id, "--review", "--reason", "well"], 7, &["environment.busy"]);
    let second = requested(&house, &["v1.4.0", "--since", "v1.3.0", "--summary", "Once more"]);
    refuses(&house, "bob", &["deploy", "production", &second], 4, &["approval.missing", "environment.busy"]);
    refuses_machine(&house, &["deploy", "production", &id], 4, &["human.terminal", "environment.busy"]);
    hold.lets_go();
    running.exit(0);
}

/// A deployment that was killed in its first step, with the step, as when a machine goes down.
fn killed(house: &House, id: &str) {
    let _hold = house.holds("migrate");
    let running = house.person("alice").at_terminal(["deploy", "production", id]);
    running.signs().expect("migrate waits").kill().exit(137);
    let steps = steps_of(house);
    assert!(!steps.is_empty(), "the step has ended");
    for step in steps {
        // The shell of a step ends by itself when what it waits for is gone.
        let _ = kill_process(step, Signal::KILL);
    }
    fs::remove_file(house.home().join("migrate.hold")).unwrap();
}

/// The processes of deploy steps in this house's home.
fn steps_of(house: &House) -> Vec<Pid> {
    let home = format!("HOME={}", house.home().display());
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_step = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has = |test: &dyn Fn(&[u8]) -> bool| environment.split(|byte| *byte == 0).any(test);
        has(&|variable| variable == home.as_bytes())
            && has(&|variable| variable.starts_with(b"DEPLOYCTL_REQUEST="))
    };
    pids.filter(is_step).filter_map(Pid::from_raw).collect()
}

#[test]
fn deployment_interrupted() {
    let (house, id) = House::approved();
    killed(&house, &id);
    // Nobody can tell a dead one from a slow one until its time is over.
    refuses(&house, "bob", &["deploy", "production", &id], 7, &["environment.busy"]);
    refuses(&house, "bob", &BACK, 7, &["environment.busy"]);
    house.clock("2026-11-23T10:08:00Z");
    let refused = "\
refused: deployctl deploy
  ✗ deployment.interrupted  the deployment of `v1.4.0`, started by alice at 2026-11-23 10:00 UTC in `production` never said how it ended
next: look at `production`, then: deployctl rollback production --reason TEXT
next: or say what runs: deployctl approve --review v1.4.0-[id] --reason TEXT
";
    refuses(&house, "bob", &["deploy", "production", &id], 4, &["deployment.interrupted"]);
    refuses_in_words(&house, "bob", &["deploy", "production", &id], 4, refused);
    house.person("bob").rolls_back("it was killed");
    assert_eq!(house.live("version").unwrap(), "v1.3.0\n");
    refuses(&house, "bob", &["deploy", "production", &id], 3, &["approval.consumed"]);
    let id = requested(&house, &["v1.4.0"]);
    refuses(&house, "bob", &["approve", &id], 3, &["commit.quarantined"]);
}

#[test]
fn deployment_interrupted_and_found_well() {
    let (house, id) = House::approved();
    killed(&house, &id);
    house.clock("2026-11-23T10:08:00Z");
    refuses(&house, "mallory", &["approve", &id, "--review", "--reason", "well"], 4, &["key.unknown"]);
    house
        .person("bob")
        .at_terminal(["approve", &id, "--review", "--reason", "looked, and it is well"])
        .signs()
        .exit(0);
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    assert_eq!(status["environments"]["production"]["live"]["version"], "v1.4.0", "{status:#}");
    refuses(&house, "bob", &["approve", &id, "--review", "--reason", "well"], 3, &["request.missing"]);
    refuses(&house, "bob", &["deploy", "production", &id], 3, &["approval.consumed"]);
}

#[test]
fn rollback_plan() {
    let house = House::founded();
    let refused = "\
refused: deployctl rollback
  ✗ rollback.plan  no deployment of `production` is recorded that could be rolled back
next: nothing is live there yet: deployctl request VERSION -e production --as ROLE
";
    refuses(&house, "bob", &BACK, 3, &["rollback.plan"]);
    refuses_in_words(&house, "bob", &BACK, 3, refused);
    let (house, _) = House::deployed();
    house.person("bob").rolls_back("checkout fails");
    let answer = refuses(&house, "bob", &BACK, 3, &["rollback.plan"]);
    let way = "to a version that was live before, with an approval of its own: \
               deployctl request VERSION --rollback -e production --as ROLE";
    assert_eq!(answer["reasons"][0]["next"][0], way, "{answer:#}");
}

#[test]
fn rollback_plan_that_the_rules_lack() {
    let start = super::POLICY.find("    rollback:\n").expect("a way back");
    let end = super::POLICY.find("    approvals:\n").expect("approvals");
    let (house, id) = approved_with(&[(&super::POLICY[start..end], "")]);
    let refused = "\
refused: deployctl deploy
  ✗ rollback.plan  the policy says no way back
      policy: environments.production.rollback
next: say `rollback` in `deployctl.yaml`, then run: deployctl approve --policy
";
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["rollback.plan"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
}

#[test]
fn rollback_plan_without_a_version_to_go_back_to() {
    let house = House::founded();
    let id = requested(&house, &["v1.4.0"]);
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    let answer = refuses(&house, "bob", &BACK, 3, &["rollback.plan"]);
    assert_eq!(sentence(&answer), "the approval of `v1.4.0` named no version to go back to");
}

#[test]
fn rollback_to_another_version_is_not_covered() {
    let (house, _) = House::deployed();
    let back = ["rollback", "production", "v1.2.0", "--reason", "checkout fails"];
    let refused = "\
refused: deployctl rollback
  ✗ approval.missing  the approval of `v1.4.0` covers going back to `v1.3.0` only
next: deployctl rollback production v1.3.0 --reason TEXT
next: to another version that was live, with an approval of its own: deployctl request v1.2.0 --rollback -e production --as ROLE
";
    refuses(&house, "bob", &back, 4, &["approval.missing"]);
    refuses_in_words(&house, "bob", &back, 4, refused);
    nothing_runs(&house, || house.run(BACK.into_iter().chain(["--dry-run"])).any_stdout().exit(0));
}
