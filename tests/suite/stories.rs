//! The stories of `examples/stories`: every command on a page is played, and its output must be what the page shows.
//!
//! A page is plain Markdown in which three things are acted on: `**Begins**: …` says how far the project has come, a line
//! that begins with a moment in bold sets the clock, and a `console` block holds commands behind the name of who types
//! them. `agent$` and `ci$` have no terminal; people sit at a real one, in a clone of their own, and answer whatever
//! they are asked: `y`, the phrase, the passphrase. `[id]` in a command is that of the newest request.
//! `UPDATE_STORIES=1 cargo test --test suite -- stories` writes the outputs anew.

#![expect(
    clippy::disallowed_methods,
    reason = "a page that is written anew is asked for by a variable of the tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use crate::house::House;

/// Where the pages are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stories")
}

/// One test for each page, by its name.
macro_rules! stories {
    ($($name:ident)*) => {
        const PAGES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { is_played(stringify!($name)); })*
    };
}

stories! {
    a_routine_release
    an_urgent_release
    a_p1_skips_staging
    a_p3_tries_to_skip_staging
    a_freeze
    a_rollback_inside_a_freeze
    a_rollback_over_two_versions
    two_approvers
    a_denied_request
    a_held_request
}

#[test]
fn every_page_is_played_and_listed() {
    let readme = fs::read_to_string(directory().with_file_name("README.md")).expect("the list");
    let files = fs::read_dir(directory()).expect("the pages").map(|file| file.expect("a page").path());
    let pages = files.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let names: Vec<PathBuf> = pages.map(|path| path.with_extension("")).collect();
    assert_eq!(names.len(), PAGES.len(), "{names:?}");
    for page in PAGES {
        assert!(names.contains(&directory().join(page)), "{page}");
        assert!(readme.contains(&format!("(stories/{page}.md)")), "examples/README.md does not link {page}");
    }
}

/// The page is what comes of it, played.
#[track_caller]
fn is_played(name: &str) {
    let path = directory().join(name).with_extension("md");
    let page = fs::read_to_string(&path).expect("a page");
    let mut cast = Cast::new();
    let played = played(&page, |line| cast.plays(line));
    if std::env::var_os("UPDATE_STORIES").is_some() {
        fs::write(&path, &played).expect("a page");
    } else {
        cast.machines.same(&played, &page);
    }
}

/// What v1.3.0 went through; every story begins after it.
const LIVE: &str = "\
alice$ deployctl approve --policy
ci$ ./ops/test.sh
ci$ deployctl check development --as ci
ci$ deployctl check integration --as ci
bob$ deployctl approve --check code-review --commit v1.3.0
ci$ deployctl deploy staging --as ci
agent$ deployctl check qa --as qa-specialist --passed --note \"explored the cart\"
agent$ deployctl request v1.3.0 --as orchestrator --summary \"Carts\"
alice$ deployctl approve v1.3.0
bob$ deployctl deploy production";

/// What v1.4.0 goes through before anybody asks for production.
const STAGED: &str = "\
ci$ ./ops/test.sh
ci$ deployctl check development --as ci
ci$ deployctl check integration --as ci
bob$ deployctl approve --check code-review
ci$ deployctl deploy staging --as ci
agent$ deployctl check qa --as qa-specialist --passed --note \"totals are right\"";

/// And up to a routine deployment.
const RELEASED: &str = "\
agent$ deployctl request v1.4.0 --as orchestrator --summary \"Totals in the cart\"
alice$ deployctl approve v1.4.0
bob$ deployctl deploy production";

/// What a page is made of, without the outputs.
#[derive(Debug)]
enum Line<'a> {
    Text(&'a str),
    Command { who: &'a str, words: &'a str },
}

/// The page with the outputs that come when its lines are played.
#[track_caller]
fn played(page: &str, mut plays: impl FnMut(Line<'_>) -> String) -> String {
    let mut played = String::new();
    let mut in_block = false;
    let mut before = "";
    for line in page.lines() {
        let fence = line.trim_start().starts_with("```");
        if in_block && !fence {
            match prompt(line) {
                Some((who, words)) => {
                    played.push_str(&format!("{line}\n{}", plays(Line::Command { who, words })));
                }
                None => assert!(before != "```console", "nobody types this: {line}"),
            }
        } else {
            assert!(in_block || !fence || line == "```console", "nobody plays this: {line}");
            played.push_str(&format!("{line}\n{}", plays(Line::Text(line))));
            in_block ^= fence;
        }
        before = line;
    }
    assert!(!in_block, "a block does not end");
    played
}

/// Everybody of a story, each at a machine of their own.
struct Cast {
    machines: House,
    people: BTreeMap<String, House>,
    /// The last seven digits of the newest request's id.
    newest: String,
}

impl Cast {
    /// v1.3.0 is live, v1.4.0 is on main, and nothing is known of it.
    fn new() -> Self {
        let machines = project();
        let people = ["alice", "bob", "carol"].map(|name| {
            let house = machines.clone_of();
            house.key(name);
            (name.to_owned(), house)
        });
        let mut cast = Self { machines, people: people.into(), newest: String::new() };
        cast.machines.clock("2026-11-23T08:30:00Z");
        cast.machines.git(["checkout", "--quiet", "v1.3.0"]);
        cast.does(LIVE);
        cast.machines.git(["checkout", "--quiet", "main"]);
        cast.machines.clock("2026-11-23T09:30:00Z");
        cast
    }

    /// Does what a line says, and answers what is shown for it.
    #[track_caller]
    fn plays(&mut self, line: Line<'_>) -> String {
        match line {
            Line::Text(line) => {
                self.begins(line);
                String::new()
            }
            Line::Command { who, words } => self.runs(who, words),
        }
    }

    /// Acts on a line of the text, where it is about the clock or the beginning.
    #[track_caller]
    fn begins(&mut self, line: &str) {
        if let Some(begins) = line.strip_prefix("**Begins**: ") {
            match begins {
                "v1.3.0 is live, and v1.4.0 was just merged." => {}
                "v1.3.0 is live, and v1.4.0 has passed every stage." => self.does(STAGED),
                "v1.4.0 is live." => self.does(&format!("{STAGED}\n{RELEASED}")),
                "v1.4.0 was live, and v1.5.0 is." => {
                    self.does(&format!("{STAGED}\n{RELEASED}"));
                    self.merges("v1.5.0");
                    // What is done at one moment has no order in a table.
                    self.machines.clock("2026-12-07T14:30:00Z");
                    let again = format!("{STAGED}\n{RELEASED}").replace("v1.4.0", "v1.5.0");
                    self.does(&again.replace("Totals in the cart", "Discounts"));
                }
                other => panic!("no story begins with: {other}"),
            }
        } else if let Some(rest) = line.strip_prefix("**20") {
            let (moment, _) = rest.split_once(" UTC**").unwrap_or_else(|| panic!("no moment: {line}"));
            self.machines.clock(&format!("20{}:00Z", moment.replacen(' ', "T", 1)));
        } else {
            assert!(
                !line.contains("**Begins") && !line.contains(" UTC**"),
                "this has to begin a line: {line}"
            );
        }
    }

    /// One more version comes to everybody's `main`.
    #[track_caller]
    fn merges(&self, version: &str) {
        self.machines.write("app/discount.txt", "10 %\n");
        self.machines.commit("feat(cart): discounts");
        self.machines.tag(version);
        self.machines.git(["push", "--quiet", "origin", "main", version]);
        for house in self.people.values() {
            house.git(["pull", "--quiet", "--tags", "origin", "main"]);
        }
    }

    /// Plays what nobody reads; all of it must succeed.
    #[track_caller]
    fn does(&mut self, script: &str) {
        for line in script.lines() {
            let (who, words) = prompt(line).expect("a command");
            let said = self.runs(who, words);
            assert!(!said.contains("[exit "), "{line}\n{said}");
        }
    }

    /// What a command shows where this one types it, and its exit code unless it is 0.
    #[track_caller]
    fn runs(&mut self, who: &str, words: &str) -> String {
        let bin = assert_cmd::cargo::cargo_bin!("deployctl");
        let bin = bin.parent().expect("a directory of programs").display().to_string();
        let marker = match who {
            "ci" => "GITLAB_CI=true; export GITLAB_CI",
            "agent" => "AI_AGENT=1; export AI_AGENT",
            _ => ":",
        };
        let command = words.replace("[id]", &self.newest);
        let script =
            format!("PATH={bin}:$PATH; {marker}\n{command}\ncode=$?; [ $code = 0 ] || echo \"[exit $code]\"");
        let (house, shown) = match self.people.get(who) {
            Some(house) => (house, house.program_at_terminal("sh", &["-c", &script]).answers_all()),
            None => {
                let script = format!("exec 2>&1\n{script}");
                (&self.machines, self.machines.program("sh", &["-c", &script]).any_stdout().exit(0).stdout)
            }
        };
        if words.starts_with("./ops/test.sh") {
            for report in ["unit/results.xml", "integration/results.xml", "e2e/results.tap"] {
                house.aged(&format!("reports/{report}"), TimeDelta::zero());
            }
        }
        if let Some((_, id)) =
            shown.lines().find_map(|line| line.strip_prefix("requested ")?.rsplit_once('-'))
        {
            id.clone_into(&mut self.newest);
        }
        house.normal(&shown)
    }
}

/// A small service of two versions, with the rules and what they run, and a remote.
fn project() -> House {
    let house = House::empty();
    for file in ["test.sh", "release.sh", "migrate.sh", "smoke.sh"].map(|name| format!("ops/{name}")) {
        house.write(&file, &example(&file));
    }
    house.config(&example("deployctl.yaml"));
    house.write(".gitignore", "/reports/\n");
    house.write("go.mod", "module example.org/storefront\n\ngo 1.24\n");
    house.write("app/total.txt", "12\n");
    house.commit("feat: carts");
    house.tag("v1.3.0");
    house.write("migrations/20261101_totals.up.sql", "ALTER TABLE carts ADD COLUMN total INTEGER;\n");
    house.write("migrations/20261101_totals.down.sql", "ALTER TABLE carts DROP COLUMN total;\n");
    house.commit("feat(cart): totals in the cart");
    house.write("app/total.txt", "12.50\n");
    house.commit("fix(cart): round to cents");
    house.tag("v1.4.0");
    house.remote();
    house
}

/// Who types, and what.
fn prompt(line: &str) -> Option<(&str, &str)> {
    let (who, words) = line.split_once("$ ")?;
    ["agent", "ci", "alice", "bob", "carol"].contains(&who).then_some((who, words))
}

/// A file of the example.
fn example(file: &str) -> String {
    fs::read_to_string(directory().join(file)).expect("a file of the example")
}

#[test]
fn a_page_is_played_line_by_line_and_its_outputs_are_replaced() {
    let page = "# A\n\n```console\nci$ a b\nold\nalice$ c\n```\n";
    let mut lines = Vec::new();
    let new = played(page, |line| {
        lines.push(format!("{line:?}"));
        if matches!(line, Line::Text(_)) { String::new() } else { "new\n".to_owned() }
    });
    assert_eq!(new, "# A\n\n```console\nci$ a b\nnew\nalice$ c\nnew\n```\n");
    assert!(lines.contains(&"Command { who: \"ci\", words: \"a b\" }".to_owned()), "{lines:?}");
}

#[test]
#[should_panic(expected = "nobody types this: dave$ a")]
fn a_block_that_begins_with_nobodys_command_fails() {
    played("```console\ndave$ a\n```\n", |_| String::new());
}

#[test]
#[should_panic(expected = "nobody plays this: ```sh")]
fn a_block_of_another_kind_fails() {
    played("```sh\ndeployctl status\n```\n", |_| String::new());
}
