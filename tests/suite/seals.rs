//! The world of the tests itself: it is sealed, and its terminal is one that a person could sit at.

use std::fs;

use crate::house::{House, PASSPHRASE};

#[test]
fn nothing_of_the_machine_comes_in_but_path() {
    let house = House::empty();
    let shown = house.program_at_terminal("env", &[]).exit(0);
    let names: Vec<&str> = shown.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let mut expected = vec![
        "DEPLOYCTL_TEST_CLOCK",
        "GIT_CONFIG_SYSTEM",
        "HOME",
        "LC_ALL",
        "LOGNAME",
        "NO_COLOR",
        "PATH",
        "PWD",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
    ];
    let mut names: Vec<&str> = names.into_iter().filter(|name| *name != "_").collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn what_runs_at_the_terminal_is_nobodys_child() {
    let house = House::empty();
    let ancestors = r#"pid=$PPID; while [ "$pid" -gt 1 ]; do echo "above: $pid"; read -r _ _ _ pid _ < "/proc/$pid/stat"; done"#;
    let shown = house.program_at_terminal("sh", &["-c", ancestors]).exit(0);
    let own = format!("above: {}", std::process::id());
    assert!(!shown.lines().any(|line| line == own), "{shown}");
    assert!(shown.starts_with("above: "), "{shown}");
}

#[test]
fn a_person_types_and_sees_what_was_typed() {
    let house = House::empty();
    let script = r#"printf 'Tested? [y/n] '; read -r a; printf 'Sure? [y/n] '; read -r b; printf 'Type "go 7f3a9c2" to sign: '; read -r c; echo "$a$b$c"; exit 7"#;
    let shown = house.program_at_terminal("sh", &["-c", script]).yes_to_all().types_phrase().exit(7);
    assert_eq!(
        shown,
        "Tested? [y/n] y\nSure? [y/n] y\nType \"go 7f3a9c2\" to sign: go 7f3a9c2\nyygo 7f3a9c2\n"
    );
}

#[test]
fn the_keys_that_end_things_end_them() {
    let house = House::empty();
    let cat = || house.program_at_terminal("cat", &[]).answer("a").expect("a\na\n");
    cat().end_of_input().exit(0);
    cat().ctrl_c().exit(130);
    cat().hang_up().exit(129);
    cat().kill().exit(137);
}

#[test]
fn a_key_opens_with_its_passphrase_only() {
    let house = House::empty();
    let key = house.key("alice").display().to_string();
    fs::write(house.project().join("text"), "signed").unwrap();
    let sign = ["-q", "-Y", "sign", "-n", "test", "-f", key.as_str(), "text"];
    house.program_at_terminal("ssh-keygen", &sign).passphrase("wrong").exit(255);
    assert!(!house.project().join("text.sig").exists());
    house.program_at_terminal("ssh-keygen", &sign).passphrase(PASSPHRASE).exit(0);
    assert!(house.project().join("text.sig").exists());
}

#[test]
fn a_bare_key_needs_no_passphrase() {
    let house = House::empty();
    let key = house.bare_key("alice").display().to_string();
    fs::write(house.project().join("text"), "signed").unwrap();
    house.program_at_terminal("ssh-keygen", &["-q", "-Y", "sign", "-n", "test", "-f", &key, "text"]).exit(0);
}

#[test]
fn two_houses_have_the_same_history() {
    let heads = [House::new(), House::new()].map(|house| house.git(["rev-parse", "v1.3.0", "v1.4.0"]));
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn a_clone_is_another_machine() {
    let house = House::new();
    house.remote();
    let other = house.clone_of();
    assert_eq!(other.git(["rev-parse", "HEAD"]), house.git(["rev-parse", "HEAD"]));
    assert_ne!(other.home(), house.home());
    assert!(!other.project().join("deployctl.yaml").exists());
}
