//! `go.mod`, which is manifest and lockfile in one: Go selects the least versions that it names.

use std::collections::BTreeSet;

use super::Commit;
use super::format::split;
use super::project::{resolve, text};
use super::resolved::Resolved;

/// One directive: its keyword, its words, its comment.
struct Directive<'a> {
    keyword: &'a str,
    words: Vec<&'a str>,
    comment: &'a str,
    line: usize,
}

/// Reads a `go.mod`, and of the workspace around it which modules lie in this repository.
pub(super) fn read(source: &str, path: &str, commit: &Commit<'_>) -> Result<Resolved, String> {
    let mut resolved = Resolved::of("go");
    let mut replaced = Vec::new();
    let mut tools = Vec::new();
    resolved.member("");
    for Directive { keyword, words, comment, line } in directives(source)? {
        match (keyword, words.as_slice()) {
            ("module", [name]) => drop(resolved.own.insert((*name).to_owned())),
            ("require", [name, version]) => {
                resolved.add(name, version).located(Some("module proxy"));
                if comment.split(';').all(|part| part.trim() != "indirect") {
                    resolved.member("").add(name, None, false);
                }
            }
            ("replace", [name, "=>", target @ ..]) => replaced.push((*name, None, target.join(" "))),
            ("replace", [name, version, "=>", target @ ..]) => {
                replaced.push((*name, Some(*version), target.join(" ")));
            }
            ("tool", [package]) => tools.push(*package),
            ("require" | "replace", [_, ..]) => {
                return Err(format!("cannot be read at line {line}: run `go mod tidy`"));
            }
            _ => {}
        }
    }
    if resolved.own.is_empty() {
        return Err("names no module: run `go mod tidy`".to_owned());
    }
    for (name, version, target) in replaced {
        replace(&mut resolved, name, version, &target);
    }
    for tool in tools {
        // A tool is a package of the module whose path it continues.
        let inside = |module: &&String| {
            tool.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let module = resolved.packages.keys().filter(inside).max_by_key(|module| module.len()).cloned();
        module.into_iter().for_each(|module| resolved.member("").add(&module, None, true));
    }
    for module in neighbours(path, commit) {
        resolved.packages.remove(&module);
        resolved.own.insert(module);
    }
    Ok(resolved)
}

/// What is built is the replacement, whatever the version says; a directory is part of this project.
fn replace(resolved: &mut Resolved, name: &str, version: Option<&str>, target: &str) {
    let is_directory = target.starts_with("./") || target.starts_with("../") || target.starts_with('/');
    let Some(versions) = resolved.packages.get_mut(name) else { return };
    if is_directory {
        versions.retain(|known, _| version.is_some_and(|version| version != known));
        if versions.is_empty() {
            resolved.packages.remove(name);
            resolved.own.insert(name.to_owned());
        }
        return;
    }
    for (known, origin) in versions {
        if version.is_none_or(|version| version == known) {
            origin.sources = BTreeSet::from([format!("replaced by {target}")]);
        }
    }
}

fn directives(source: &str) -> Result<Vec<Directive<'_>>, String> {
    let mut found = Vec::new();
    let mut block: Option<&str> = None;
    for (at, line) in source.lines().enumerate() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let code = code.trim();
        if code == ")" {
            block = None;
        } else if let Some(keyword) = block {
            found.push(Directive { keyword, words: words(code), comment, line: at + 1 });
        } else if let Some(keyword) = code.strip_suffix('(') {
            block = Some(keyword.trim());
        } else if let [keyword, words @ ..] = words(code).as_slice() {
            found.push(Directive { keyword, words: words.to_vec(), comment, line: at + 1 });
        }
    }
    match block {
        Some(keyword) => Err(format!("ends inside its `{keyword}` block: run `go mod tidy`")),
        None => Ok(found),
    }
}

fn words(code: &str) -> Vec<&str> {
    code.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect()
}

/// The modules that a `go.work` of this directory or one above it uses beside each other.
fn neighbours(path: &str, commit: &Commit<'_>) -> Vec<String> {
    let mut dir = split(path).0;
    loop {
        if let Some(work) = text(commit, &format!("{dir}go.work")) {
            let uses = directives(&work).unwrap_or_default();
            let uses = uses.into_iter().filter(|directive| directive.keyword == "use");
            let places =
                uses.flat_map(|directive| directive.words).filter_map(|place| resolve(dir, place, "go.mod"));
            return places.filter_map(|place| module(&text(commit, &place)?)).collect();
        }
        match dir.trim_end_matches('/').rfind('/') {
            Some(at) => dir = &dir[..=at],
            None if dir.is_empty() => return Vec::new(),
            None => dir = "",
        }
    }
}

fn module(source: &str) -> Option<String> {
    let line = source.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    let name = line.split("//").next().unwrap_or(line).trim().trim_matches(['"', '`']);
    Some(name.to_owned())
}

/// The release of the language that a `go.mod` is written for: from 1.17 on it names what others ask for too.
pub(super) fn names_indirect(source: &str) -> bool {
    let version = source.lines().find_map(|line| line.trim().strip_prefix("go "));
    let mut numbers =
        version.unwrap_or_default().trim().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (1, 17)
}
