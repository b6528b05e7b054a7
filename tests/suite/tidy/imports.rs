//! Imports point inward: `main → cli, commands → render, world → evidence, gate`, and `outcome` may be used by all.

use super::sources::{self, Source};

/// The rooms, and the rooms that each may use besides itself.
const ROOMS: [(&str, &[&str]); 7] = [
    ("gate", &[]),
    ("evidence", &["gate"]),
    ("render", &["evidence", "gate"]),
    ("world", &["evidence", "gate"]),
    ("cli", &["gate"]),
    ("commands", &["cli", "render", "world", "evidence", "gate"]),
    ("outcome", &[]),
];

/// What no pure room may touch.
const IMPURE: [&str; 13] = [
    "git2",
    "rustix",
    "signal_hook",
    "std::env",
    "std::fs",
    "std::io::stdin",
    "std::io::stdout",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "tempfile",
    "walkdir",
];

#[test]
fn imports_point_inward() {
    let mut outward = Vec::new();
    for source in sources::all().filter(|source| source.path.starts_with("src/")) {
        let module = module_of(&source.path);
        let Some((room, inner)) =
            ROOMS.iter().find(|(room, _)| module.first().is_some_and(|first| first == room))
        else {
            // The door and the plan of the house see every room.
            assert!(module.is_empty(), "{}: in no room", source.path);
            continue;
        };
        for used in used_by(&source, &module) {
            let may = |target: &str| target == *room || target == "outcome" || inner.contains(&target);
            if used.first().is_some_and(|target| !may(target)) {
                outward.push(format!("{} uses {}", source.path, used.join("::")));
            }
        }
    }
    assert_eq!(outward, Vec::<String>::new());
}

#[test]
fn files_of_the_world_do_not_use_each_other() {
    let mut found = Vec::new();
    for source in sources::all().filter(|source| source.path.starts_with("src/world/")) {
        let module = module_of(&source.path);
        for used in used_by(&source, &module) {
            if let [room, file, ..] = used.as_slice() {
                let may = Some(file) == module.get(1) || file == "process" || file == "clock";
                if room == "world" && !may {
                    found.push(format!("{} uses {}", source.path, used.join("::")));
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn what_decides_and_what_reads_touches_nothing() {
    let pure =
        |source: &Source| ["src/gate/", "src/evidence/"].iter().any(|room| source.path.starts_with(room));
    let mut found = Vec::new();
    for source in sources::all().filter(pure) {
        let module = module_of(&source.path);
        let paths = paths(&source, &module).into_iter().map(|path| path.join("::"));
        let touches = |path: &String| IMPURE.iter().any(|thing| is_within(path, thing));
        found.extend(paths.filter(touches).map(|path| format!("{} touches {path}", source.path)));
        let clocks = source.production().filter(|(_, line)| line.contains("now()"));
        found.extend(
            clocks.map(|(number, line)| format!("{}:{number} reads a clock: {}", source.path, line.trim())),
        );
    }
    assert_eq!(found, Vec::<String>::new());
}

fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `src/gate/keys/blob.rs` is the module `gate::keys::blob`; the two roots are the empty path.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    if path == "main" || path == "lib" { vec![] } else { path.split('/').map(str::to_owned).collect() }
}

/// The paths within this crate that a file names, from the crate's root.
fn used_by(source: &Source, module: &[String]) -> Vec<Vec<String>> {
    let own = paths(source, module).into_iter();
    own.filter_map(|path| {
        path.split_first().filter(|(first, _)| *first == "crate").map(|(_, rest)| rest.to_vec())
    })
    .collect()
}

/// Every path that a file names outside its tests, `self` and `super` resolved.
fn paths(source: &Source, module: &[String]) -> Vec<Vec<String>> {
    let lines: Vec<&str> =
        source.production().map(|(_, line)| line.split(" // ").next().unwrap_or_default()).collect();
    let text = lines.join("\n");
    let mut found = Vec::new();
    for start in ["use ", "crate::", "super::", "std::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let is_import = start == "use ";
            let rest = &text[if is_import { at + start.len() } else { at }..];
            let end = if is_import {
                rest.find(';')
            } else {
                rest.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c))
            };
            expand(&rest[..end.unwrap_or(rest.len())], &[], &mut found);
        }
    }
    found.into_iter().map(|path| resolve(path, module)).collect()
}

/// `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expand(tree: &str, before: &[String], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (path, group) = match tree.split_once('{') {
        Some((path, rest)) => (path, rest.rfind('}').map(|end| &rest[..end])),
        None => (tree, None),
    };
    let name = |part: &str| part.split_whitespace().next().unwrap_or_default().to_owned();
    let parts = path.split("::").map(name).filter(|part| !part.is_empty());
    let path: Vec<String> = before.iter().cloned().chain(parts).collect();
    match group {
        Some(group) => at_top(group).into_iter().for_each(|part| expand(part, &path, found)),
        None if path.is_empty() => {}
        None => found.push(path),
    }
}

/// The parts between the commas that stand in no braces.
fn at_top(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    parts
}

fn resolve(path: Vec<String>, module: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let here = path.first().is_some_and(|part| part == "self");
    if ups == 0 && !here {
        return path;
    }
    let outer = module[..module.len().saturating_sub(ups)].iter().cloned();
    let rest = path.into_iter().skip(ups.max(usize::from(here)));
    std::iter::once("crate".to_owned()).chain(outer).chain(rest).collect()
}

#[test]
fn an_import_is_found_however_it_is_written() {
    let text = "use crate::world::{clock, process::{self as p, tool}};\nuse super::super::super::render::text;\nlet a = crate::cli::run();\n\
        let b = super::facts::Now; // crate::main::no\n#[cfg(test)]\nuse crate::tests;\n";
    let source = Source { path: "src/gate/keys/blob.rs".to_owned(), text: text.to_owned() };
    let module = module_of(&source.path);
    let used: Vec<String> = used_by(&source, &module).into_iter().map(|path| path.join("::")).collect();
    for path in [
        "world::clock",
        "world::process::self",
        "world::process::tool",
        "render::text",
        "cli::run",
        "gate::keys::facts::Now",
    ] {
        assert!(used.iter().any(|found| found == path), "{path} is not in {used:?}");
    }
    assert!(!used.iter().any(|path| path.starts_with("tests") || path.starts_with("main")), "{used:?}");
}
