//! The order of effects: what happens before what, and what does not happen any more.

mod watched;

use std::fs;

use rustix::process::Signal;

use crate::forge::{runs, send};
use crate::house::{House, PASSPHRASE, POLICY, Terminal};

const DEPLOY: [&str; 2] = ["deploy", "production"];

/// A house whose release step is this script, with v1.4.0 approved.
fn with_release(policy: &str, script: &str) -> (House, String) {
    let house = House::new();
    let script = format!("#!/bin/sh\nset -u\nlive=$HOME/live\nmkdir -p \"$live\"\n{script}\n");
    house.releases(&[("ops/release.sh", &script)]);
    let id = house.approved_under(policy);
    (house, id)
}

/// Where each of these stands in a text, one after the other.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { panic!("no `{part}` in its place:\n{text}") };
        rest = after;
    }
}

#[test]
fn each_record_reaches_the_remote_before_the_next_effect() {
    let (house, id) = House::shared();
    let log = house.world().join("order").display().to_string();
    house.hook(
        "post-receive",
        &format!(
            "#!/bin/sh\nread -r old new ref\necho \"pushed: $(git log -1 --format=%s $new)\" >> {log}\n"
        ),
    );
    // What the steps leave in `live/journal` is written to the same log.
    fs::create_dir_all(house.home().join("live")).unwrap();
    std::os::unix::fs::symlink(&log, house.home().join("live/journal")).unwrap();
    let shown = house.person("alice").deploys(&id);
    let expected = format!(
        "pushed: alice: deploy production {id}\nmigrate up for {id}\npushed: alice: step migrate {id}\n\
         release v1.4.0 for {id}\npushed: alice: step release {id}\npushed: alice: {id} succeeded\n"
    );
    assert_eq!(fs::read_to_string(&log).unwrap(), expected);
    let screen = [
        "deploy v1.4.0",
        "Type \"deploy production v1.4.0",
        "Enter passphrase",
        "▶ 1/2 migrate",
        "▶ 2/2 release",
    ];
    in_order(&shown, &screen);
}

#[test]
fn before_the_passphrase_nothing_is_recorded_and_nothing_runs() {
    let (house, id) = House::approved();
    let before = house.refs();
    let terminal =
        house.person("alice").at_terminal(["deploy", "production", &id]).yes_to_all().types_phrase();
    let terminal = terminal.expect("Enter passphrase");
    assert_eq!(house.refs(), before);
    house.nothing_ran();
    let again = |terminal: Terminal| terminal.answer("wrong").expect("Enter passphrase");
    again(again(terminal)).answer("wrong").exit(5);
    assert_eq!(house.refs(), before);
    house.nothing_ran();
}

#[test]
fn what_is_revoked_elsewhere_is_seen_before_the_screen() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    let revoke = ["approve", &id, "--revoke", "--reason", "not today"];
    other.person("bob").at_terminal(revoke).signs().exit(0);
    let shown = house.refuses(&id, 4, "approval.revoked");
    assert!(!shown.contains("Type \""), "{shown}");
}

#[test]
fn what_is_revoked_while_the_person_reads_is_seen_before_the_signature() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    let reading = house.person("alice").at_terminal(["deploy", "production", &id]).expect("Type \"");
    let revoke = ["approve", &id, "--revoke", "--reason", "not today"];
    other.person("bob").at_terminal(revoke).signs().exit(0);
    let short = id.rsplit_once('-').unwrap().1;
    let shown = reading.answer(&format!("deploy production v1.4.0 {short}")).exit(4);
    assert!(shown.contains("approval.revoked") && !shown.contains("Enter passphrase"), "{shown}");
    house.nothing_ran();
}

#[test]
fn what_is_revoked_at_the_passphrase_stops_it_before_it_runs() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    let signing = house.person("alice").at_terminal(["deploy", "production", &id]);
    let signing = signing.yes_to_all().types_phrase().expect("Enter passphrase");
    let revoke = ["approve", &id, "--revoke", "--reason", "not today"];
    other.person("bob").at_terminal(revoke).signs().exit(0);
    signing.answer(PASSPHRASE).exit(7);
    house.nothing_ran();
    house.refuses(&id, 4, "approval.revoked");
}

#[test]
fn a_failed_step_stops_the_rest() {
    let (house, id) = House::approved();
    house.breaks("migrate");
    let shown =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    in_order(&shown, &["migrate is broken", "✗ migrate failed with exit status 3", "failed at `migrate`"]);
    assert_eq!(house.live("journal"), None);
    assert_eq!(house.story_of_deployment(), ["execution", "step migrate Failed", "outcome Failed"]);
    house.refuses_again(&id);
}

impl House {
    /// The approval is used up.
    fn refuses_again(&self, id: &str) {
        let shown = self.person("alice").at_terminal(["deploy", "production", id]).exit(3);
        assert!(shown.contains("approval.consumed"), "{shown}");
    }
}

/// The clock stands in a file, which a step may change.
fn clock_file(house: &House, moment: &str) -> String {
    let file = house.home().join("clock");
    fs::write(&file, moment).unwrap();
    format!("DEPLOYCTL_TEST_CLOCK={}", file.display())
}

const WINDOWS: &str =
    "    windows: { timezone: UTC, allow: [{ days: mon-fri, hours: \"09:00-12:00\" }] }\n    monitoring:";

#[test]
fn a_window_that_closes_between_two_steps_stops_before_the_next() {
    let house = House::new();
    house.releases(&[("ops/migrate.sh", "#!/bin/sh\necho 2026-11-23T12:00:00Z > \"$HOME/clock\"\n")]);
    let id = house.approved_under(&POLICY.replace("    monitoring:", WINDOWS));
    // The time of the deployment itself still lasts.
    let clock = clock_file(&house, "2026-11-23T11:58:00Z");
    let deploy = [DEPLOY[0], DEPLOY[1], &id];
    let shown = house.at_terminal_with("alice", &[&clock], &deploy).signs().declines_rollback().exit(1);
    in_order(&shown, &["✓ migrate", "✗ release was not begun: the deployment window has closed"]);
    assert_eq!(house.live("version"), None);
    let story = ["execution", "step migrate Succeeded", "step release WindowClosed", "outcome Failed"];
    assert_eq!(house.story_of_deployment(), story);
}

#[test]
fn a_window_that_closes_at_the_passphrase_stops_before_the_first_step() {
    let house = House::new();
    let id = house.approved_under(&POLICY.replace("    monitoring:", WINDOWS));
    let clock = clock_file(&house, "2026-11-23T10:30:00Z");
    let deploy = [DEPLOY[0], DEPLOY[1], &id];
    let signing = house.at_terminal_with("alice", &[&clock], &deploy).yes_to_all().types_phrase();
    let signing = signing.expect("Enter passphrase");
    clock_file(&house, "2026-11-23T12:00:00Z");
    signing.answer(PASSPHRASE).exit(3);
    house.nothing_ran();
    assert_eq!(house.story(), ["policy", "approval"]);
}

#[test]
fn a_window_that_closes_while_secrets_are_fetched_stops_before_the_first_step() {
    let house = House::new();
    let slow = "#!/bin/sh\necho 2026-11-23T12:00:00Z > \"$HOME/clock\"\necho '{\"TOKEN\": \"t\"}'\n";
    house.releases(&[("ops/secrets.sh", slow)]);
    let rules = "    credentials: { exec: [\"./ops/secrets.sh\"], timeout: 20s }\n    approvals:";
    let policy = POLICY.replace("    monitoring:", WINDOWS).replace("    approvals:", rules);
    let id = house.approved_under(&policy);
    let clock = clock_file(&house, "2026-11-23T11:58:00Z");
    let deploy = [DEPLOY[0], DEPLOY[1], &id];
    let shown = house.at_terminal_with("alice", &[&clock], &deploy).signs().exit(1);
    assert!(shown.contains("was not begun: the deployment window has closed"), "{shown}");
    house.nothing_ran();
    assert_eq!(house.story_of_deployment(), ["execution", "step migrate WindowClosed", "outcome Failed"]);
}

#[test]
fn who_signs_has_read_what_the_ledger_says_then() {
    let (house, id) = House::approved();
    let again = [
        "request",
        "v1.4.0",
        "--as",
        "orchestrator",
        "--since",
        "v1.3.0",
        "--summary",
        "Once more",
        "--json",
    ];
    let answer = house.run(again).any_stdout().any_stderr().exit(0).json();
    let second = answer["id"].as_str().unwrap();
    house.person("alice").approves(second);
    let reading = house.person("bob").at_terminal([DEPLOY[0], DEPLOY[1], second]).yes_to_all();
    house.breaks("release");
    house.person("alice").at_terminal([DEPLOY[0], DEPLOY[1], &id]).signs().declines_rollback().exit(1);
    let shown = reading.types_phrase().exit(7);
    assert!(shown.contains("the ledger tells something else now than when you began to read"), "{shown}");
    assert_eq!(house.story_of_deployment().last().map(String::as_str), Some("outcome Failed"));
}

#[test]
fn a_verdict_is_decided_and_dated_when_it_is_signed() {
    let (house, id) = House::requested();
    let clock = clock_file(&house, "2026-11-23T10:30:00Z");
    let approve = || house.at_terminal_with("alice", &[&clock], &["approve", &id]).yes_to_all();
    let reading = approve();
    clock_file(&house, "2027-01-10T10:30:00Z");
    let shown = reading.types_phrase().exit(3);
    assert!(shown.contains("request.expired"), "{shown}");
    clock_file(&house, "2026-11-23T10:30:00Z");
    let signing = approve().types_phrase().expect("Enter passphrase");
    clock_file(&house, "2026-11-23T10:32:01Z");
    let shown = signing.answer(PASSPHRASE).exit(7);
    assert!(shown.contains("the signature took more than two minutes"), "{shown}");
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn an_approval_that_ends_at_the_passphrase_runs_nothing() {
    let (house, id) = House::approved();
    let clock = clock_file(&house, "2026-11-23T13:59:00Z");
    let deploy = [DEPLOY[0], DEPLOY[1], &id];
    let signing = house.at_terminal_with("alice", &[&clock], &deploy).yes_to_all().types_phrase();
    let signing = signing.expect("Enter passphrase");
    clock_file(&house, "2026-11-23T14:01:00Z");
    let shown = signing.answer(PASSPHRASE).exit(4);
    assert!(shown.contains("approval.expired"), "{shown}");
    house.nothing_ran();
    assert_eq!(house.story(), ["policy", "approval"]);
}

#[test]
fn a_signature_that_takes_too_long_begins_nothing_others_could_settle() {
    let (house, id) = House::approved();
    let clock = clock_file(&house, "2026-11-23T10:30:00Z");
    let deploy = [DEPLOY[0], DEPLOY[1], &id];
    let signing = house.at_terminal_with("alice", &[&clock], &deploy).yes_to_all().types_phrase();
    let signing = signing.expect("Enter passphrase");
    clock_file(&house, "2026-11-23T10:32:01Z");
    let shown = signing.answer(PASSPHRASE).exit(7);
    assert!(shown.contains("the signature took so long"), "{shown}");
    house.nothing_ran();
    assert_eq!(house.story(), ["policy", "approval"]);
}

/// Waits with a child of its own, and writes down what it was told.
const WAITS: &str = r#"echo "$PPID" > "$live/deployctl"
sleep 300 & child=$!
sh -c 'trap "" TERM INT HUP; sleep 300' & stubborn=$!
echo "$$ $child $stubborn" > "$live/pids"
for name in INT TERM HUP; do trap "echo $name > '$live/told'; exit 1" "$name"; done
echo "release waits"
wait"#;

#[test]
fn a_second_ctrl_c_reaches_the_whole_group_and_is_recorded() {
    let (house, id) = with_release(POLICY, WAITS);
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    running.expect("│ release waits").ctrl_c().expect("[g/s/e] ").ctrl_c().exit(130);
    ends_interrupted(&house, "TERM\n");
}

#[test]
fn a_termination_reaches_the_whole_group_and_is_recorded() {
    let (house, id) = with_release(POLICY, WAITS);
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    let running = running.expect("│ release waits");
    send(house.pids("deployctl")[0], Signal::TERM);
    running.exit(130);
    ends_interrupted(&house, "TERM\n");
}

#[test]
fn a_closed_terminal_reaches_the_whole_group_and_is_recorded() {
    let (house, id) = with_release(POLICY, WAITS);
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    running.expect("│ release waits").hang_up().exit(130);
    ends_interrupted(&house, "HUP\n");
}

fn ends_interrupted(house: &House, told: &str) {
    assert_eq!(house.live("told").unwrap(), told);
    for pid in house.pids("pids") {
        assert!(!runs(pid), "{pid:?} still runs");
    }
    let story = ["execution", "step migrate Succeeded", "step release Interrupted", "outcome Interrupted"];
    assert_eq!(house.story_of_deployment(), story);
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

#[test]
fn ctrl_c_while_the_signature_travels_runs_nothing() {
    let (house, id) = House::shared();
    // The server waits with its answer until it is told to go on.
    let hold = house.world().join("hold").display().to_string();
    house.program_at_terminal("mkfifo", &[&hold]).exit(0);
    let waiting = house.world().join("waiting").display().to_string();
    house.hook("update", &format!("#!/bin/sh\ntouch {waiting}\nread -r _ < {hold}\nexit 0\n"));
    let signing = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    let until = format!("until [ -e {waiting} ]; do sleep 0.02; done");
    house.program_at_terminal("sh", &["-c", &until]).exit(0);
    let signing = signing.ctrl_c();
    house.hook("update", "#!/bin/sh\nexit 0\n");
    house.program_at_terminal("sh", &["-c", &format!("echo go > {hold}")]).exit(0);
    signing.exit(130);
    house.nothing_ran();
    let story = house.story_of_deployment();
    assert_eq!(story.last().map(String::as_str), Some("outcome Interrupted"), "{story:?}");
}

#[test]
fn a_step_that_takes_too_long_is_ended_with_all_its_children() {
    let policy = POLICY
        .replace("run: [\"./ops/release.sh\"], timeout: 1m", "run: [\"./ops/release.sh\"], timeout: 1s");
    let (house, id) = with_release(&policy, WAITS);
    let shown =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    assert!(shown.contains("✗ release took longer than it may"), "{shown}");
    assert_eq!(house.live("told").unwrap(), "TERM\n");
    for pid in house.pids("pids") {
        assert!(!runs(pid), "{pid:?} still runs");
    }
    let story = ["execution", "step migrate Succeeded", "step release TimedOut", "outcome Failed"];
    assert_eq!(house.story_of_deployment(), story);
}

#[test]
fn a_step_that_ignores_its_end_is_killed_after_the_grace() {
    let policy = POLICY
        .replace("run: [\"./ops/release.sh\"], timeout: 1m", "run: [\"./ops/release.sh\"], timeout: 1s");
    let ignores = "trap '' TERM\necho \"$$\" > \"$live/pids\"\nwhile :; do sleep 1; done";
    let (house, id) = with_release(&policy, ignores);
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    assert!(!runs(house.pids("pids")[0]));
    let story = ["execution", "step migrate Succeeded", "step release TimedOut", "outcome Failed"];
    assert_eq!(house.story_of_deployment(), story);
}

#[test]
fn a_step_that_asks_gets_the_end_of_input() {
    let asks = "if read -r answer; then echo \"got $answer\"; else echo \"nobody answers\"; fi";
    let (house, id) = with_release(POLICY, asks);
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs().answer("yes");
    let shown = running.exit(0);
    assert!(shown.contains("│ nobody answers"), "{shown}");
}

#[test]
fn a_step_cannot_ask_at_the_terminal_behind_our_back() {
    let asks = "if (read -r answer < /dev/tty) 2> /dev/null; then echo \"got $answer\"; else echo \"no terminal\"; fi";
    let (house, id) = with_release(POLICY, asks);
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs().answer("yes");
    let shown = running.exit(0);
    assert!(!shown.contains("got ") && shown.contains("│ no terminal\n"), "{shown}");
}

#[test]
fn what_is_run_has_no_terminal_to_write_to() {
    let writes = "(echo past the mask > /dev/tty) 2>> \"$HOME/refused\" || true";
    let script = format!("#!/bin/sh\n{writes}\n");
    let house = House::new();
    house.releases(&[
        ("ops/release.sh", &script),
        ("ops/secrets.sh", &format!("{script}echo '{{}}'\n")),
        ("ops/ping.sh", &script),
    ]);
    let rules = "    credentials: { exec: [\"./ops/secrets.sh\"], timeout: 20s }\n    \
                 health: { interval: 1s, probes: { shop: { run: [\"./ops/ping.sh\"] } } }\n    approvals:";
    let id = house.approved_under(&POLICY.replace("    approvals:", rules));
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    let shown = running.expect("✓ release").ctrl_c().expect("Go on watching? [y/n] ").answer("n").exit(130);
    assert!(!shown.contains("past the mask"), "{shown}");
    // The baseline, the secrets and the step at least.
    let refused = fs::read_to_string(house.home().join("refused")).unwrap();
    assert!(
        refused.lines().count() >= 3 && refused.lines().all(|line| line.contains("/dev/tty")),
        "{refused}"
    );
}

#[test]
fn a_daemon_that_a_step_leaves_behind_holds_nothing_up() {
    let leaves = "touch \"$live/pids\"\n(while [ -e \"$live/pids\" ]; do sleep 0.05; done) & echo \"$!\" >> \"$live/pids\"\necho started";
    let (house, id) = with_release(POLICY, leaves);
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(0);
    assert!(shown.contains("│ started"), "{shown}");
    assert!(runs(house.pids("pids")[0]));
    fs::remove_file(house.home().join("live/pids")).unwrap();
}

#[test]
fn what_a_step_writes_is_shown_escaped() {
    let writes = r#"printf '\033[2J\033]0;owned\007all \342\200\256good\n'
printf 'one\rapproved: production\n'
printf '\377\376\000end\n'
printf '::error::forged\n'
printf 'Type "deploy production v1.4.0" to deploy: \n'"#;
    let (house, id) = with_release(POLICY, writes);
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(0);
    for raw in ['\u{1b}', '\u{7}', '\u{202e}', '\0', '\r'] {
        assert!(!shown.contains(raw), "{raw:?} in {shown:?}");
    }
    for line in shown.lines() {
        assert!(!line.starts_with("::") && !line.starts_with("approved:"), "{line}");
    }
    in_order(&shown, &["│ ", "owned", "│ one", "│ ", "end", "│ ", "forged"]);
}
