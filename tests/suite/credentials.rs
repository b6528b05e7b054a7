//! `credentials`: secrets for the steps, after the signature, and for nobody else.

use std::fs;
use std::path::Path;

use crate::house::{House, POLICY};

const SECRETS: &str = r#"#!/bin/sh
echo asked >> "$HOME/live/asked"
echo "never shown" >&2
cat "$HOME/secrets.json"
"#;

/// Writes its secrets in every way that a step could.
const TELLS: &str = r#"echo "token is $TOKEN, pin is $PIN"
printf 'hunt' ; sleep 0.1 ; printf 'er22 in two pieces\n'
echo "err $TOKEN" >&2
printf '%s\n' "$KEY"
printf '%s' "$TOKEN" > "$live/token"
tr '\0' '\n' < "/proc/$PPID/environ" | grep -c 'hunter2[2]' > "$live/parent"
env | grep -c '^TOKEN=' > "$live/steps""#;

const VALUES: &str =
    r#"{"TOKEN": "hunter22", "PIN": "1234", "KEY": "-----BEGIN-----\nAAAAB3Nza\n-----END-----"}"#;

impl House {
    /// Its steps get secrets, and v1.4.0 is approved.
    fn with_secrets(values: &str) -> (Self, String) {
        let house = Self::new();
        let script = format!("#!/bin/sh\nset -u\nlive=$HOME/live\n{TELLS}\n");
        house.releases(&[("ops/secrets.sh", SECRETS), ("ops/release.sh", &script)]);
        fs::create_dir_all(house.home().join("live")).unwrap();
        fs::write(house.home().join("secrets.json"), values).unwrap();
        let rules = "    credentials: { exec: [\"./ops/secrets.sh\"], timeout: 20s }\n    approvals:";
        let id = house.approved_under(&POLICY.replace("    approvals:", rules));
        (house, id)
    }

    /// Every file of the project, its records and logs, that holds this.
    fn holds_anywhere(&self, what: &str) -> Vec<String> {
        let mut found = Vec::new();
        walk(self.project(), &mut |path| {
            let bytes = fs::read(path).unwrap_or_default();
            if bytes.windows(what.len()).any(|window| window == what.as_bytes()) {
                found.push(path.display().to_string());
            }
        });
        let objects = self.git(["rev-list", "--all", "--objects"]);
        for object in objects.lines().filter_map(|line| line.split(' ').next()) {
            if self.git(["cat-file", "-p", object]).contains(what) {
                found.push(object.to_owned());
            }
        }
        found
    }
}

fn walk(dir: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() { walk(&entry.path(), visit) } else { visit(&entry.path()) }
    }
}

#[test]
fn secrets_reach_the_steps_and_nobody_else() {
    let (house, id) = House::with_secrets(VALUES);
    assert_eq!(house.live("asked"), None);
    let signing = house.person("alice").at_terminal(["deploy", "production", &id]).yes_to_all();
    let signing = signing.types_phrase().expect("Enter passphrase");
    assert_eq!(house.live("asked"), None);
    let shown = signing.answer(crate::house::PASSPHRASE).exit(0);
    assert_eq!(house.live("asked").as_deref(), Some("asked\n"));
    assert_eq!(house.live("token").as_deref(), Some("hunter22"));
    assert_eq!((house.live("steps").as_deref(), house.live("parent").as_deref()), (Some("1\n"), Some("0\n")));
    let told = "  │ token is •••, pin is 1234
  │ ••• in two pieces
  │ err •••
  │ •••
  │ •••
  │ •••
";
    assert!(shown.contains(told), "{shown}");
    let line = "  Secrets      ./ops/secrets.sh (at most 20 s) runs after the signature; its output goes to the steps only\n";
    assert!(shown.contains(line), "{shown}");
    for secret in ["hunter22", "AAAAB3Nza", "never shown"] {
        assert!(!shown.contains(secret), "{shown}");
        let script = house.holds_anywhere(secret);
        assert!(secret == "never shown" || script.is_empty(), "{script:?}");
    }
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

#[test]
fn a_dry_run_names_the_command_and_does_not_run_it() {
    let (house, id) = House::with_secrets(VALUES);
    let answer = house
        .run(["deploy", "production", &id, "--dry-run", "--json"])
        .any_stderr()
        .any_stdout()
        .exit(0)
        .json();
    assert_eq!(answer["plan"]["credentials"]["exec"][0], "./ops/secrets.sh");
    assert_eq!(answer["plan"]["credentials"]["timeout"], 20);
    assert_eq!(house.live("asked"), None);
}

#[test]
fn without_secrets_no_step_runs_and_the_deployment_has_failed() {
    for (values, why) in [
        ("TOKEN=hunter22", "its output is not one JSON object of strings (line 1, column 1)"),
        (
            r#"{"PATH": "hunter22"}"#,
            "`PATH` would change what the approved commands run: it cannot be passed",
        ),
    ] {
        let (house, id) = House::with_secrets(values);
        let shown = house.deploying(&id).exit(1);
        let told = format!("✗ credentials: {why}; what it wrote is shown nowhere, and no step was run\n");
        assert!(shown.contains(&told), "{shown}");
        assert!(!shown.contains("hunter22") && !shown.contains("▶"), "{shown}");
        let end = "\
error: the deployment of v1.4.0 failed at `credentials`: no step was run
logs: [project]/.git/deployctl/logs/[id]
nothing is to undo; its approval was used, so ask again: deployctl request v1.4.0 --as ROLE
";
        house.ends(&shown, end);
        assert_eq!(house.story_of_deployment(), ["execution", "outcome Failed"]);
        assert!(house.holds_anywhere("hunter22").is_empty());
        assert_eq!(house.live("journal"), None);
        let status = house.run(["status"]).any_stdout().exit(0).stdout;
        let failed = "\n  the deployment of v1.4.0 failed at credentials: no step was run\n";
        assert!(status.contains(failed), "{status}");
        let next = "\
next: nothing is to undo; its approval was used, so ask again: deployctl request v1.4.0 --as ROLE
";
        house.ends(&status, next);
    }
}

#[test]
fn a_command_for_secrets_that_fails_or_hangs_ends_the_deployment() {
    for (script, why) in [
        ("#!/bin/sh\necho hunter22\nexit 7\n", "it ended with exit status 7"),
        ("#!/bin/sh\necho hunter22\nsleep 300\n", "it took longer than 1 s, and was ended"),
        ("no program\n", "it could not be started: is it there, and executable?"),
    ] {
        let house = House::new();
        house.releases(&[("ops/secrets.sh", script)]);
        let rules = "    credentials: { exec: [\"./ops/secrets.sh\"], timeout: 1s }\n    approvals:";
        let id = house.approved_under(&POLICY.replace("    approvals:", rules));
        let shown = house.deploying(&id).exit(1);
        assert!(shown.contains(&format!("✗ credentials: {why}; ")), "{shown}");
        assert!(!shown.contains("hunter22"), "{shown}");
        assert_eq!(house.story_of_deployment(), ["execution", "outcome Failed"]);
        house.nothing_ran();
    }
}

#[test]
fn a_command_for_secrets_is_ended_when_the_time_of_the_deployment_is_over() {
    let house = House::new();
    let sleeps = "#!/bin/sh\necho 2026-11-24T08:00:00Z > \"$HOME/clock\"\nsleep 300\n";
    house.releases(&[("ops/secrets.sh", sleeps)]);
    let rules = "    credentials: { exec: [\"./ops/secrets.sh\"], timeout: 10m }\n    approvals:";
    let id = house.approved_under(&POLICY.replace("    approvals:", rules));
    let file = house.home().join("clock");
    fs::write(&file, "2026-11-23T10:00:00Z").unwrap();
    let clock = format!("DEPLOYCTL_TEST_CLOCK={}", file.display());
    let shown = house.at_terminal_with("alice", &[&clock], &["deploy", "production", &id]).signs().exit(1);
    let why = "✗ credentials: the time of this deployment is over, so it was ended; ";
    assert!(shown.contains(why), "{shown}");
    assert_eq!(house.story_of_deployment(), ["execution", "outcome Failed"]);
    house.nothing_ran();
}

#[test]
fn the_rules_that_people_sign_show_where_secrets_come_from() {
    let house = House::new();
    let rules = "    credentials: { exec: [\"/usr/bin/pass-env\", \"shop's\"] }\n    approvals:";
    house.config(&POLICY.replace("    approvals:", rules));
    let shown = house.person("alice").signs_policy();
    let line = "    secrets  /usr/bin/pass-env 'shop'\\''s' (at most 1 min) runs after the signature; its output goes to the steps only\n";
    assert!(shown.contains(line), "{shown}");
}
