//! The auditor's walk through `examples/audit`: every command of the page is played, and its output must be what the page
//! shows. `UPDATE_STORIES=1 cargo test --test suite -- audit` writes the outputs anew.

#![expect(
    clippy::disallowed_methods,
    reason = "a page that is written anew is asked for by a variable of the tests"
)]

use std::fs;
use std::path::Path;

use crate::house::House;

#[test]
fn the_walk_through_is_played() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/audit/README.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (house, id) = House::shared();
    house.person("alice").deploys(&id);
    house.person("bob").rolls_back("checkout fails");
    house.clock("2026-11-30T09:00:00Z");
    let auditor = house.clone_of();
    let played = played(&page, |line| plays(&auditor, line));
    if std::env::var_os("UPDATE_STORIES").is_some() {
        fs::write(&path, &played).expect("the page");
    } else {
        house.same(&played, &page);
    }
}

/// The page with what its commands show now.
fn played(page: &str, mut plays: impl FnMut(&str) -> Option<String>) -> String {
    let mut played = String::new();
    let mut in_block = false;
    for line in page.lines() {
        if line.starts_with("```") {
            assert!(in_block || line == "```console", "nobody plays this: {line}");
            in_block = !in_block;
        } else if in_block {
            let Some(shown) = plays(line) else { continue };
            played.push_str(&format!("{line}\n{shown}"));
            continue;
        }
        played.push_str(&format!("{line}\n"));
    }
    assert!(!in_block, "a block does not end");
    played
}

/// What a command shows, and its exit code unless it is 0; `None` for a line that is none.
#[track_caller]
fn plays(auditor: &House, line: &str) -> Option<String> {
    let (who, command) = line.split_once("$ ")?;
    let (directory, path) = match who {
        "auditor" => {
            let bin = assert_cmd::cargo::cargo_bin!("deployctl").parent().expect("a directory of programs");
            (auditor.project(), format!("PATH={}:$PATH; ", bin.display()))
        }
        "stranger" => (auditor.world(), String::new()),
        _ => return None,
    };
    let script = format!("exec 2>&1; {path}{command}\ncode=$?; [ $code = 0 ] || echo \"[exit $code]\"");
    let shown = auditor.program("sh", &["-c", &script]).directory(directory).any_stdout().exit(0).stdout;
    Some(auditor.normal(&shown))
}

#[test]
fn a_page_is_played_line_by_line() {
    let page = "a\n```console\nauditor$ b\nold\n```\nc\n";
    let new = played(page, |line| line.starts_with("auditor$ ").then(|| "new\n".to_owned()));
    assert_eq!(new, "a\n```console\nauditor$ b\nnew\n```\nc\n");
}
