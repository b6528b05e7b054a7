//! The walls of the house that clippy cannot hold: what may import what, what may stand nowhere, and documents that say
//! what the program does.

mod imports;
pub(crate) mod readme;
mod sources;

use std::collections::BTreeSet;

use deployctl::gate::reason::Code;

use self::sources::{Source, repository, tracked};

#[test]
fn every_file_is_a_module() {
    let listed_in = |source: &Source, parent: &str, block: Option<&str>| {
        let text = repository(parent);
        let text = match block {
            Some(name) => sources::block(&text, &format!("mod {name} {{"))
                .unwrap_or_else(|| panic!("{parent}: no `mod {name}`")),
            None => text,
        };
        let line = format!("mod {};", source.name());
        assert!(
            text.lines().any(|listed| listed.trim_end().ends_with(&line)),
            "{}: not in {parent}",
            source.path
        );
    };
    for source in sources::all() {
        let path: Vec<&str> = source.path.split('/').collect();
        match path.as_slice() {
            ["src", "main.rs" | "lib.rs"] | ["tests", "suite", "main.rs"] | ["benches" | "examples", ..] => {}
            ["src", _] => listed_in(&source, "src/lib.rs", None),
            ["src", room, _] => listed_in(&source, "src/lib.rs", Some(room)),
            ["tests", "suite", _] => listed_in(&source, "tests/suite/main.rs", None),
            [before @ .., _] => listed_in(&source, &format!("{}.rs", before.join("/")), None),
            [] => {}
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two parts, so that this file may stand beside the others.
    let words = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    let calls = [["to", "do!("], ["db", "g!("], ["unimplem", "ented!("]].map(|parts| parts.concat());
    for source in sources::all() {
        for (number, line) in source.numbered() {
            let found = words.iter().find(|word| has_word(line, word));
            // What is looked for in other people's sources stands in a string.
            let found = found.or_else(|| calls.iter().find(|call| outside_strings(line).contains(*call)));
            assert_eq!(found, None, "{}:{number}: {line}", source.path);
        }
    }
}

/// Tests that other tests start in a process of their own, each once by its full name.
const STARTED_BY_OTHERS: [(&str, &str); 2] =
    [("src/world/presence/tests.rs", "inside"), ("src/world/presence/tests.rs", "hardened_inside")];

#[test]
fn no_test_is_switched_off() {
    let attribute = ["#[ign", "ore"].concat();
    let mut found = BTreeSet::new();
    for source in sources::all() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (place, _) in
            lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with(&attribute))
        {
            let name = lines[place..]
                .iter()
                .find_map(|line| line.trim_start().strip_prefix("fn ")?.split('(').next());
            found.insert((source.path.clone(), name.unwrap_or_default().to_owned()));
        }
    }
    let allowed = STARTED_BY_OTHERS.map(|(path, name)| (path.to_owned(), name.to_owned()));
    assert_eq!(found, BTreeSet::from(allowed));
    for (path, name) in STARTED_BY_OTHERS {
        let module = path.trim_start_matches("src/").trim_end_matches(".rs").replace('/', "::");
        let started = format!("\"{module}::{name}\"");
        assert!(repository(path).contains(&started), "{path}: nothing starts {started}");
    }
}

#[test]
fn the_world_is_touched_in_its_own_files_only() {
    let exception = ["clippy::disallowed", "_"].concat();
    for source in sources::all() {
        let legal = match source.path.as_str() {
            "src/world/process.rs" | "src/world/clock.rs" => "methods",
            "src/world/terminal.rs" => "macros",
            // An example is a program of its own, and so is a benchmark.
            path if path.starts_with("examples/") || path.starts_with("benches/") => "",
            path if path.starts_with("tests/") || path.ends_with("/tests.rs") => "methods",
            _ => "nothing",
        };
        for (number, line) in source.production() {
            if let Some((_, kind)) = line.split_once(&exception) {
                assert!(kind.starts_with(legal), "{}:{number}: {line}", source.path);
            }
        }
    }
}

#[test]
fn nothing_tells_on_which_machine_it_was_written() {
    let places = [["/wo", "rk/"], ["/ro", "ot/"], ["/tm", "p/h/"]].map(|parts| parts.concat());
    let private = [".internal", ".intranet", ".local", ".corp", ".lan", ".svc"];
    for (path, text) in tracked() {
        for (number, line) in text.lines().enumerate() {
            let place = places.iter().find(|place| begins_a_path(line, place));
            assert_eq!(place, None, "{path}:{}: {line}", number + 1);
            let host = hosts(line).find(|host| private.iter().any(|end| host.ends_with(end)));
            assert_eq!(host, None, "{path}:{}: {line}", number + 1);
        }
    }
    for line in repository("Cargo.lock").lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(line, "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
    }
}

#[test]
fn every_reason_is_given_in_some_test() {
    let tests: String = sources::all()
        .filter(|source| source.path.starts_with("tests/") && !source.path.starts_with("tests/suite/tidy"))
        .map(|source| source.text)
        .collect();
    let untested: Vec<&str> =
        Code::ALL.iter().map(|code| code.as_str()).filter(|code| !tests.contains(*code)).collect();
    assert_eq!(untested, Vec::<&str>::new(), "no test of the suite names these");
}

#[test]
fn ci_runs_what_the_readme_says() {
    let readme = readme::commands(&repository("README.md"), "cargo test");
    let ci = repository(".ci/run");
    let command = readme.first().expect("the README says how the tests are run");
    assert!(ci.lines().any(|line| line.trim() == command), ".ci/run does not run `{command}`");
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|found| found == word)
}

/// The line without what stands between quotes.
fn outside_strings(line: &str) -> String {
    line.replace("\\\"", "").split('"').step_by(2).collect()
}

/// Whether an absolute path begins with this here, and not only goes on with it.
fn begins_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "}._-".contains(c)))
}

/// The hosts of all URLs in a line.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    line.split("://").skip(1).map(move |rest| {
        let rest =
            rest.split_once('@').map_or(rest, |(user, host)| if user.contains('/') { rest } else { host });
        rest.split(|c| !is_host(c)).next().unwrap_or_default()
    })
}

#[test]
fn the_walls_stop_what_they_are_for() {
    assert!(
        begins_a_path("cd /wo", "/wo")
            && !begins_a_path("/home/a/wo", "/wo")
            && !begins_a_path("{pid}/wo", "/wo")
    );
    assert_eq!(outside_strings(r#"a("b\"c") d"#), "a() d");
    assert_eq!(hosts("see https://u@a.net/x and http://b.org:80").collect::<Vec<&str>>(), ["a.net", "b.org"]);
    assert!(has_word("a word: b", "word") && !has_word("a words b", "word"));
}
