//! A step while it runs: Ctrl-C, what it leaves behind, what it floods, and its log.

use std::fs;
use std::path::PathBuf;

use deployctl::gate::terms::Digest;

use crate::forge::{PROGRAM, runs};
use crate::house::{House, POLICY, Terminal};

impl House {
    /// Its release step is this script, and v1.4.0 is approved under these rules.
    pub(crate) fn with_script(policy: &str, script: &str) -> (Self, String) {
        let house = Self::new();
        let script = format!("#!/bin/sh\nset -u\nlive=$HOME/live\nmkdir -p \"$live\"\n{script}\n");
        house.releases(&[("ops/release.sh", &script)]);
        let id = house.approved_under(policy);
        (house, id)
    }

    /// Alice deploys and has signed.
    pub(crate) fn deploying(&self, id: &str) -> Terminal {
        self.person("alice").at_terminal(["deploy", "production", id]).signs()
    }

    /// The one log of this name.
    fn log(&self, name: &str) -> PathBuf {
        let logs = self.project().join(".git/deployctl/logs");
        let dirs: Vec<_> = fs::read_dir(logs).unwrap().flatten().map(|entry| entry.path()).collect();
        assert_eq!(dirs.len(), 1, "{dirs:?}");
        dirs[0].join(name)
    }

    /// What the newest entry but one says: the last step's.
    fn last_step(&self) -> serde_json::Value {
        let payload = self.git(["show", "deployctl/ledger~1:payload.json"]);
        serde_json::from_str(&payload).unwrap()
    }
}

const QUESTION: &str = "Ctrl-C: g goes on, s stops after this step, e ends it now, half done [g/s/e] ";

#[test]
fn after_ctrl_c_the_person_may_go_on() {
    let (house, id) = House::approved();
    let migrate = house.holds("migrate");
    let running = house.deploying(&id).expect("│ migrate waits").ctrl_c().expect(QUESTION);
    // What is no answer is asked again.
    let running = running.answer("").expect(QUESTION).answer("what").expect(QUESTION).answer("g");
    migrate.lets_go();
    running.exit(0);
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
}

#[test]
fn ctrl_z_stops_neither_the_step_nor_the_program() {
    let (house, id) = House::approved();
    let migrate = house.holds("migrate");
    let running = house.deploying(&id).expect("│ migrate waits").ctrl_z();
    migrate.lets_go();
    running.exit(0);
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
    let story = ["execution", "step migrate Succeeded", "step release Succeeded", "outcome Succeeded"];
    assert_eq!(house.story_of_deployment(), story);
}

#[test]
fn after_ctrl_c_the_person_may_stop_after_the_step() {
    let (house, id) = House::approved();
    let migrate = house.holds("migrate");
    let running = house.deploying(&id).expect("│ migrate waits").ctrl_c().expect(QUESTION).answer("s");
    migrate.lets_go();
    running.exit(130);
    let story = ["execution", "step migrate Succeeded", "step release Interrupted", "outcome Interrupted"];
    assert_eq!(house.story_of_deployment(), story);
    assert_eq!(house.live("version"), None);
}

#[test]
fn after_ctrl_c_the_person_and_the_end_of_input_end_the_step() {
    for end in [|terminal: Terminal| terminal.answer("e"), |terminal: Terminal| terminal.end_of_input()] {
        let (house, id) = House::approved();
        let _migrate = house.holds("migrate");
        let running = house.deploying(&id).expect("│ migrate waits").ctrl_c().expect(QUESTION);
        end(running).exit(130);
        let story = ["execution", "step migrate Interrupted", "outcome Interrupted"];
        assert_eq!(house.story_of_deployment(), story);
    }
}

#[test]
fn no_step_begins_before_the_question_is_answered() {
    let (house, id) = House::approved();
    let migrate = house.holds("migrate");
    let running = house.deploying(&id).expect("│ migrate waits").ctrl_c().expect(QUESTION);
    migrate.lets_go();
    let running = running.expect("✓ migrate in ").expect(QUESTION);
    assert_eq!(house.live("version"), None);
    let shown = running.answer("s").exit(130);
    assert!(shown.contains("  │ … 1 line meanwhile: see the log\n"), "{shown}");
    assert!(fs::read_to_string(house.log("1-migrate.log")).unwrap().contains("migrated up\n"));
    let story = ["execution", "step migrate Succeeded", "step release Interrupted", "outcome Interrupted"];
    assert_eq!(house.story_of_deployment(), story);
}

#[test]
fn the_end_of_the_last_step_answers_the_question() {
    let (house, id) = House::approved();
    let release = house.holds("release");
    let running = house.deploying(&id).expect("│ release waits").ctrl_c().expect(QUESTION);
    release.lets_go();
    running.exit(0);
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
}

/// Leaves a daemon in a session of its own, whose parent has ended.
pub(crate) const FORKS_AWAY: &str = r#"setsid --fork sh -c 'echo "$$" > "$HOME/live/pids"; echo far; exec sleep 300' &
until [ -s "$live/pids" ]; do sleep 0.02; done"#;

#[test]
fn what_forks_away_is_ended_with_a_step_that_takes_too_long() {
    let policy = POLICY
        .replace("run: [\"./ops/release.sh\"], timeout: 1m", "run: [\"./ops/release.sh\"], timeout: 1s");
    let (house, id) = House::with_script(&policy, &format!("{FORKS_AWAY}\necho near\nsleep 300"));
    let shown = house.deploying(&id).declines_rollback().exit(1);
    assert!(shown.contains("  │ deployctl: a process that it left behind was ended with it\n"), "{shown}");
    assert!(!runs(house.pids("pids")[0]));
    let story = ["execution", "step migrate Succeeded", "step release TimedOut", "outcome Failed"];
    assert_eq!(house.story_of_deployment(), story);
}

#[test]
fn what_forks_away_and_keeps_the_output_open_holds_nothing_up_and_is_told() {
    let (house, id) = House::with_script(POLICY, FORKS_AWAY);
    house.deploying(&id).exit(0);
    let log = fs::read_to_string(house.log("2-release.log")).unwrap();
    let told = "far
deployctl: it left its output open in the background: what it writes from now on is kept nowhere
deployctl: a process that it left behind goes on without it
";
    assert_eq!(log, told);
    let stray = house.pids("pids")[0];
    assert!(runs(stray));
    crate::forge::send(stray, rustix::process::Signal::KILL);
}

#[test]
fn a_log_holds_exactly_what_its_digest_covers() {
    let writes = r"printf 'one\r\ntwo\n'; printf '\377\000' ; head -c 20000 /dev/zero; printf 'last'";
    let (house, id) = House::with_script(POLICY, writes);
    house.deploying(&id).exit(0);
    let log = fs::read(house.log("2-release.log")).unwrap();
    let expected = [b"one\r\ntwo\n\xff\0".as_slice(), &[0; 20_000], b"last"].concat();
    assert_eq!(log.len(), expected.len());
    assert!(log == expected);
    assert_eq!(house.last_step()["log"], Digest::of(&log).to_string());
}

/// Writes so many megabytes, and then looks at the largest size that the program itself has had.
fn floods(megabytes: usize) -> String {
    format!(
        "head -c {megabytes}M /dev/zero | tr '\\0' 'x' | fold -w 4000\ngrep VmHWM \"/proc/$PPID/status\" | tr -dc 0-9 > \"$live/kilobytes\""
    )
}

#[test]
fn a_flood_takes_no_memory_and_the_log_keeps_all_of_it() {
    let (house, id) = House::with_script(POLICY, &floods(64));
    house.deploying(&id).exit(0);
    let kilobytes: u64 = house.live("kilobytes").unwrap().parse().unwrap();
    assert!(kilobytes < 64_000, "{kilobytes} kB");
    let log = fs::metadata(house.log("2-release.log")).unwrap();
    assert!(log.len() >= 64 << 20, "{}", log.len());
}

/// A gigabyte in lines of 4,000 characters, quickly.
const GIGABYTE: &str = "line=$(head -c 4000 /dev/zero | tr '\\0' 'x'); yes \"$line\" | head -c 1073741824";

#[test]
fn release_binary_bears_a_gigabyte_of_output_in_64_megabytes() {
    let Some(binary) = crate::attacks::machine::release_binary() else { return };
    // It reads the clock on the wall.
    let house = House::of_today();
    let measured = "grep VmHWM \"/proc/$PPID/status\" | tr -dc 0-9 > \"$live/kilobytes\"";
    let script = format!("#!/bin/sh\nset -u\nlive=$HOME/live\nmkdir -p \"$live\"\n{GIGABYTE}\n{measured}\n");
    house.releases(&[("ops/release.sh", &script)]);
    let id = house.approved_under(&POLICY.replace("timeout: 1m", "timeout: 10m"));
    let key = house.key("alice").display().to_string();
    let words = ["deploy", "production", &id, "--key", &key, "--color", "always"];
    house.program_at_terminal(&binary, &words).signs().exit(0);
    let kilobytes: u64 = house.live("kilobytes").unwrap().parse().unwrap();
    assert!(kilobytes < 64_000, "{kilobytes} kB");
    let log = house.log("2-release.log").display().to_string();
    assert_eq!(fs::metadata(&log).unwrap().len(), 1 << 30);
    // The same stream once more, past the program.
    let sum = |script: &str| {
        let said = house.program("sh", &["-c", script]).any_stdout().any_stderr().exit(0).stdout;
        said.split(' ').next().unwrap().to_owned()
    };
    let independent = sum(&format!("{GIGABYTE} | sha256sum"));
    assert_eq!(sum(&format!("sha256sum < {log}")), independent);
    assert_eq!(house.last_step()["log"], format!("sha256:{independent}"));
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

#[test]
fn a_disk_that_is_full_stops_neither_the_step_nor_its_record() {
    let (house, id) = House::with_script(POLICY, &floods(2));
    let key = house.key("alice").display().to_string();
    // A file of 512 kB at most; the signal that comes with it is ignored, so that writing fails.
    let limited = format!("trap '' XFSZ; ulimit -f 1024; exec {PROGRAM} deploy production {id} --key {key}");
    let shown = house.program_at_terminal("sh", &["-c", &limited]).signs().exit(0);
    assert_eq!(shown.matches("warning: the log of this step is not complete: ").count(), 1, "{shown}");
    let all = "x".repeat(4000) + "\n";
    let lines = (2 << 20) / 4000;
    let all = all.repeat(lines) + &"x".repeat((2 << 20) % 4000);
    assert_eq!(house.last_step()["log"], Digest::of(all.as_bytes()).to_string());
    house.run(["history", "--verify"]).any_stdout().exit(0);
}
