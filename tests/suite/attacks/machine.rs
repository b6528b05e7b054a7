//! On the machine: its environment, its agents, its programs.

#![expect(
    clippy::disallowed_methods,
    reason = "the release binary is named by the environment, and is started here"
)]

use std::fs;
use std::process::{Command, Stdio};

use crate::forge::PROGRAM;
use crate::house::{House, PASSPHRASE, POLICY};

#[test]
fn no_variable_presses_the_button() {
    let (house, id) = House::approved();
    let names = [
        "YES",
        "FORCE",
        "ASSUME_YES",
        "NON_INTERACTIVE",
        "APPROVE",
        "CONFIRM",
        "PASSPHRASE",
        "KEY",
        "SKIP",
        "UNSAFE",
        "PRESENCE",
        "TTY",
        "ENVIRONMENT",
        "REQUEST",
        "POLICY",
        "ROOT",
        "LEDGER",
        "DRY_RUN",
        "TEST",
        "DEBUG",
        "INSECURE",
        "EMERGENCY",
    ];
    let names: Vec<String> = names.iter().map(|name| format!("DEPLOYCTL_{name}")).collect();
    let mut run = house.run(["deploy", "production", &id, "--json"]);
    for name in &names {
        run = run.env(name, "1");
    }
    let answer = run.any_stdout().any_stderr().exit(4).json();
    assert_eq!(answer["reasons"][0]["code"], "human.terminal");
    house.nothing_ran();
    assert_eq!(house.story(), ["policy", "approval"]);
}

#[test]
fn no_variable_of_the_caller_reaches_a_step() {
    let (house, id) = House::approved();
    let trace = house.world().join("trace").display().to_string();
    let variables = [
        "BASH_ENV=/dev/null",
        "ENV=/dev/null",
        "DEPLOYCTL_EVIL=1",
        "DEPLOYCTL_VERSION=v9.9.9",
        "GIT_DIR=/nowhere",
        "GIT_WORK_TREE=/nowhere",
        "GIT_INDEX_FILE=/nowhere",
        "GIT_OBJECT_DIRECTORY=/nowhere",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES=/nowhere",
        "GIT_REPLACE_REF_BASE=refs/nowhere",
        "GIT_CONFIG_COUNT=1",
        "GIT_CONFIG_KEY_0=core.fsmonitor",
        "GIT_CONFIG_VALUE_0=false",
        "GIT_EXTERNAL_DIFF=/bin/false",
        &format!("GIT_TRACE={trace}"),
        "IFS=/",
        "PYTHONPATH=/nowhere",
        "LD_LIBRARY_PATH=/nowhere",
    ];
    house.at_terminal_with("alice", &variables, &["deploy", "production", &id]).signs().exit(0);
    let got = house.live("environment").unwrap();
    let mut names: Vec<&str> = got.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // The shell of the step sets these itself.
    names.retain(|name| !["PWD", "_", "OLDPWD", "SHLVL"].contains(name));
    let expected = [
        "DEPLOYCTL_COMMIT",
        "DEPLOYCTL_ENVIRONMENT",
        "DEPLOYCTL_PREVIOUS_COMMIT",
        "DEPLOYCTL_PREVIOUS_VERSION",
        "DEPLOYCTL_REQUEST",
        "DEPLOYCTL_VERSION",
        "HOME",
        "LC_ALL",
        "LOGNAME",
        "PATH",
        "TMPDIR",
        "TZ",
        "USER",
    ];
    assert_eq!(names, expected);
    assert!(got.contains("DEPLOYCTL_VERSION=v1.4.0\n"), "{got}");
    assert!(!std::path::Path::new(&trace).exists());
}

#[test]
fn a_program_that_types_the_passphrase() {
    let (house, id) = House::approved();
    let trace = house.world().join("trace").display().to_string();
    house.write("../askpass", &format!("#!/bin/sh\ntouch {trace}\necho '{PASSPHRASE}'\n"));
    let askpass = format!("SSH_ASKPASS={}", house.world().join("askpass").display());
    let variables = [askpass.as_str(), "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0"];
    let asked = house.at_terminal_with("alice", &variables, &["deploy", "production", &id]);
    let mut asked = asked.yes_to_all().types_phrase();
    for _ in 0..3 {
        asked = asked.expect("Enter passphrase").expect(": ");
        assert!(!fs::exists(&trace).unwrap());
        asked = asked.end_of_input();
    }
    asked.exit(5);
    assert!(!fs::exists(&trace).unwrap());
    house.nothing_ran();
}

#[test]
fn an_agent_that_holds_the_key() {
    // A key of this test alone: agents of the whole machine are asked, and other tests run meanwhile.
    let house = House::new();
    let key = house.world().join("key").display().to_string();
    let make = format!(
        "ssh-keygen -q -t ed25519 -a 1 -N '' -f {key}; cp {key} {key}-bare; ssh-keygen -q -p -a 1 -N '{PASSPHRASE}' -f {key}"
    );
    house.program_at_terminal("sh", &["-c", &make]).exit(0);
    let public = fs::read_to_string(format!("{key}.pub")).unwrap();
    let id = house.approved_under(&POLICY.replace("{bob}", public.trim_end()));
    let script =
        format!("ssh-add -q {key}-bare && {PROGRAM} deploy production {id} --key {key}; echo ended with $?");
    let shown = house.program_at_terminal("ssh-agent", &["sh", "-c", &script]).exit(0);
    assert!(shown.contains("key.agent") && shown.contains("ended with 4"), "{shown}");
    house.nothing_ran();
}

#[test]
fn a_key_without_a_passphrase() {
    let (house, id) = House::approved();
    let bare = house.bare_key("alice").display().to_string();
    let shown = house.at_terminal(["deploy", "production", &id, "--key", &bare]).exit(4);
    assert!(shown.contains("key.unencrypted"), "{shown}");
    house.nothing_ran();
}

#[test]
fn a_key_of_nobody() {
    let (house, id) = House::approved();
    let shown = house.person("mallory").at_terminal(["deploy", "production", &id]).exit(4);
    assert!(shown.contains("key.unknown"), "{shown}");
    house.nothing_ran();
}

#[test]
fn a_home_that_is_elsewhere() {
    let (house, id) = House::approved();
    house.key("alice");
    let elsewhere = house.world().join("elsewhere").display().to_string();
    fs::create_dir(&elsewhere).unwrap();
    let home = format!("HOME={elsewhere}");
    let shown = house.program_at_terminal("env", &[&home, PROGRAM, "deploy", "production", &id]).exit(4);
    assert!(shown.contains("key.unknown"), "{shown}");
    house.nothing_ran();
}

#[test]
fn another_program_in_the_place_of_ssh_keygen() {
    let (house, id) = House::approved();
    let before = house.refs();
    // It can see the passphrase, as every program of the same user can; it cannot sign without the key.
    let fakes = [
        "#!/bin/sh\nexit 0\n",
        "#!/bin/sh\nfor file; do :; done\necho '-----BEGIN SSH SIGNATURE-----' > \"$file.sig\"\n",
        "#!/bin/sh\nfor file; do :; done\ngit -C \"$HOME/../project\" show deployctl/ledger:alice.sig > \"$file.sig\"\n",
    ];
    for fake in fakes {
        house.write("../fakes/ssh-keygen", fake);
        let path = format!("PATH={}:/usr/bin:/bin", house.world().join("fakes").display());
        let deploy = ["deploy", "production", &id];
        let shown = house.at_terminal_with("alice", &[&path], &deploy).yes_to_all().types_phrase().exit(1);
        assert!(shown.contains("error: "), "{shown}");
        assert_eq!(house.refs(), before);
        house.nothing_ran();
    }
}

#[test]
fn another_program_in_the_place_of_git() {
    let (house, id) = House::shared();
    house.write("../fakes/git", "#!/bin/sh\nexit 1\n");
    let path = format!("PATH={}:/usr/bin:/bin", house.world().join("fakes").display());
    let shown = house.at_terminal_with("alice", &[&path], &["deploy", "production", &id]).exit(3);
    assert!(shown.contains("ledger.unreachable"), "{shown}");
    house.nothing_ran();
}

#[test]
fn marks_of_ci_and_of_agents() {
    let (house, id) = House::approved();
    for (variable, code) in
        [("CI=true", "human.ci"), ("GITHUB_ACTIONS=true", "human.ci"), ("CLAUDECODE=1", "human.agent")]
    {
        let shown = house.at_terminal_with("alice", &[variable], &["deploy", "production", &id]).exit(4);
        assert!(shown.contains(code), "{variable}: {shown}");
        house.nothing_ran();
    }
}

#[test]
fn a_terminal_that_script_holds() {
    let (house, id) = House::approved();
    let key = house.key("alice").display().to_string();
    let inner = format!("{PROGRAM} deploy production {id} --key {key}");
    let shown = house.program_at_terminal("script", &["-qec", &inner, "/dev/null"]).exit(4);
    assert!(shown.contains("human.pty"), "{shown}");
    house.nothing_ran();
}

#[test]
fn a_git_that_lies_in_the_work_tree_is_never_run() {
    let (house, _) = House::shared();
    house.write("git", "#!/bin/sh\ntouch \"$HOME/fooled\"\nexec /usr/bin/git \"$@\"\n");
    fs::set_permissions(house.project().join("git"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    for path in [".:/usr/bin:/bin", ":/usr/bin:/bin"] {
        house.run(["status"]).env("PATH", path).any_stdout().exit(0);
    }
    assert!(!house.home().join("fooled").exists());
}

/// The release binary to test, where there is one.
pub(crate) fn release_binary() -> Option<String> {
    let binary = std::env::var("DEPLOYCTL_RELEASE_BINARY").ok();
    if binary.is_none() {
        std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: DEPLOYCTL_RELEASE_BINARY names no release binary\n",
        )
        .unwrap();
    }
    binary
}

#[test]
fn release_binary_ignores_the_test_clock() {
    let Some(binary) = release_binary() else { return };
    let bytes = fs::read(&binary).unwrap();
    let name = b"DEPLOYCTL_TEST_CLOCK";
    assert!(!bytes.windows(name.len()).any(|window| window == name), "the variable's name is in {binary}");
    // By its clock of 2026-11-23T10:00 the newest entry would be recent; by a clock of 2001 it is yet to come.
    let (house, id) = House::approved();
    let run = |program: &str| {
        let mut command = Command::new(program);
        command
            .args(["deploy", "production", &id, "--dry-run", "--json"])
            .current_dir(house.project())
            .stdin(Stdio::null());
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", house.home())
            .env("DEPLOYCTL_TEST_CLOCK", "2001-01-01T00:00:00Z");
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(PROGRAM).contains("this machine's clock says 2001-01-01"), "the debug binary must read it");
    assert!(!run(&binary).contains("2001-01-01"), "the release binary reads it");
}
