//! `requirements.txt` and its kind, as people write it or as pip-compile and uv do.

use std::collections::BTreeSet;

use super::format::split;
use super::manifest::Asks;
use super::project::{resolve, text};
use super::python::{normal, required};
use super::resolved::Resolved;
use super::{Commit, Format, is_lockfile};

/// How deep files may include each other.
const DEPTH_MAX: usize = 8;

/// One logical line: what it says, and what the comments under it say asked for it.
struct Line {
    code: String,
    via: Vec<String>,
}

/// Reads one file of requirements, and those that it includes and that are not read for themselves.
pub(super) fn read(source: &str, path: &str, commit: &Commit<'_>) -> Result<Resolved, String> {
    let mut reader = Reader::of(commit);
    reader.take(source, path, false, 0);
    let Reader { lines, pins, missing, .. } = reader;
    if let Some(target) = missing {
        let target = target.escape_debug();
        return Err(format!("includes `{target}`, which cannot be read: compare it by hand"));
    }
    let mut resolved = Resolved::of("pip");
    let compiled = lines.iter().any(|line| !line.via.is_empty());
    let declared = declared(path, commit);
    resolved.member("");
    for line in &lines {
        let Some(mut wanted) = Wanted::read(&line.code) else { continue };
        if wanted.local {
            resolved.own.insert(wanted.name);
            continue;
        }
        if wanted.version.is_none()
            && let Some(pin) =
                pins.iter().filter_map(|pin| Wanted::read(pin)).find(|pin| pin.name == wanted.name)
        {
            wanted.version = pin.version;
        }
        let direct = match &declared {
            Some(asks) => asks.0.contains_key(&wanted.name),
            None => !compiled || line.via.is_empty() || line.via.iter().any(|via| by_a_file(via)),
        };
        if direct {
            resolved.member("").add(&wanted.name, None, false);
        }
        wanted.lock(&mut resolved);
    }
    if resolved.packages.is_empty()
        && !lines.is_empty()
        && lines.iter().all(|line| Wanted::read(&line.code).is_none())
    {
        return Err("holds no line that is a requirement: write it again with its own tool".to_owned());
    }
    Ok(resolved)
}

/// `# via -r requirements.in` and `# via shop (pyproject.toml)` are the project, `# via flask` is another package.
fn by_a_file(via: &str) -> bool {
    via.starts_with('-')
        || via.ends_with(')')
        || via.ends_with(".in")
        || via.ends_with(".txt")
        || via.ends_with(".toml")
}

/// What the file that this one was compiled from asks for.
fn declared(path: &str, commit: &Commit<'_>) -> Option<Asks> {
    let source = format!("{}.in", path.strip_suffix(".txt")?);
    let source_text = text(commit, &source)?;
    let mut reader = Reader::of(commit);
    reader.take(&source_text, &source, true, 0);
    let mut asks = Asks::default();
    for wanted in reader.lines.iter().filter_map(|line| Wanted::read(&line.code)) {
        asks.add(&wanted.name, None, false);
    }
    Some(asks)
}

struct Reader<'a> {
    commit: &'a Commit<'a>,
    seen: BTreeSet<String>,
    lines: Vec<Line>,
    pins: Vec<String>,
    /// The first file that is included and cannot be read.
    missing: Option<String>,
}

impl<'a> Reader<'a> {
    fn of(commit: &'a Commit<'a>) -> Self {
        Self { commit, seen: BTreeSet::new(), lines: Vec::new(), pins: Vec::new(), missing: None }
    }

    /// Takes in the lines of a file, and those that it includes; `all` also what is read for itself.
    fn take(&mut self, source: &str, path: &str, all: bool, depth: usize) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        for line in logical(source) {
            let Some((flag, place)) = include(&line.code) else {
                self.lines.push(line);
                continue;
            };
            let target = resolve(split(path).0, place, "").unwrap_or_default();
            let itself = !all && is_lockfile(&target) == Some(Format::Requirements);
            match (flag, text(self.commit, &target)) {
                (Flag::Requirements, Some(_)) if itself => {}
                (Flag::Requirements, Some(included)) if depth < DEPTH_MAX => {
                    self.take(&included, &target, all, depth + 1);
                }
                (Flag::Requirements, _) => {
                    self.missing.get_or_insert_with(|| place.to_owned());
                }
                (Flag::Constraints, Some(included)) => {
                    self.pins.extend(logical(&included).into_iter().map(|line| line.code));
                }
                // What is constrained is not installed for that alone.
                (Flag::Constraints, None) => {}
            }
        }
    }
}

/// What another file is taken in for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    Requirements,
    Constraints,
}

/// The file that a line takes in, whatever its name.
fn include(code: &str) -> Option<(Flag, &str)> {
    let flags = [
        ("-r", Flag::Requirements),
        ("--requirement", Flag::Requirements),
        ("-c", Flag::Constraints),
        ("--constraint", Flag::Constraints),
    ];
    flags.into_iter().find_map(|(word, flag)| {
        let rest = code.strip_prefix(word)?;
        let apart = rest.starts_with([' ', '=', '\t']) || word.len() == 2;
        apart.then(|| (flag, rest.trim_matches([' ', '=', '\t', '"', '\''])))
    })
}

/// Lines with their continuations joined, without comments; `# via` is kept.
fn logical(source: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let (mut open, mut via) = (false, false);
    for raw in source.lines() {
        let (code, comment) = match raw.find('#').filter(|at| *at == 0 || raw[..*at].ends_with([' ', '\t'])) {
            Some(at) => (&raw[..at], Some(raw[at + 1..].trim())),
            None => (raw, None),
        };
        let code = code.trim();
        if !code.is_empty() {
            let (code, goes_on) = match code.strip_suffix('\\') {
                Some(code) => (code.trim_end(), true),
                None => (code, false),
            };
            match lines.last_mut().filter(|_| open) {
                Some(line) => {
                    line.code.push(' ');
                    line.code.push_str(code);
                }
                None => {
                    lines.push(Line { code: code.to_owned(), via: Vec::new() });
                    via = false;
                }
            }
            open = goes_on;
        } else if comment.is_none() {
            (open, via) = (false, false);
        }
        let Some(comment) = comment else { continue };
        let named = comment.strip_prefix("via").filter(|rest| rest.is_empty() || rest.starts_with(' '));
        via |= named.is_some();
        // A comment that is no list of who asked ends the list.
        if via && let Some(line) = lines.last_mut() {
            let who = named.unwrap_or(comment).trim();
            line.via.extend(who.split(", ").filter(|who| !who.is_empty()).map(str::to_owned));
        }
    }
    lines
}

/// A requirement, read.
struct Wanted {
    name: String,
    /// The pinned version; none where there is only a range.
    version: Option<String>,
    range: String,
    place: Option<String>,
    hashes: Vec<(String, String)>,
    local: bool,
}

impl Wanted {
    fn read(code: &str) -> Option<Self> {
        let editable = ["-e", "--editable"].iter().find_map(|flag| code.strip_prefix(flag));
        let body = match editable {
            Some(body) => body.trim_start_matches([' ', '=']),
            None if code.starts_with('-') => return None,
            None => code,
        };
        let mut words = body.split_whitespace();
        let mut hashes = Vec::new();
        let mut spec = String::new();
        for word in words.by_ref() {
            match word.strip_prefix("--hash=").and_then(|hash| hash.split_once(':')) {
                Some((algorithm, digest)) => hashes.push((algorithm.to_owned(), digest.to_owned())),
                None if word.starts_with("--") => {}
                None => spec = format!("{spec} {word}"),
            }
        }
        let spec = spec.trim().split(" ;").next().unwrap_or_default().trim().to_owned();
        let named_place = spec.split_once(" @ ").or_else(|| spec.split_once("@ "));
        if let Some((name, place)) = named_place {
            return Some(Self::at(required(name), place.trim(), hashes));
        }
        if spec.contains("://") || spec.starts_with("git+") {
            return Some(Self::at(egg(&spec), &spec, hashes));
        }
        if spec.starts_with(['.', '/']) || editable.is_some() || spec.ends_with(".whl") {
            let name = normal(spec.trim_end_matches('/').rsplit('/').next().unwrap_or(&spec));
            return Some(Self { name, version: None, range: spec, place: None, hashes, local: true });
        }
        let spec = spec.split(';').next().unwrap_or_default().trim();
        let name = required(spec);
        if name.is_empty() {
            return None;
        }
        let range = range(spec);
        let pinned = range.strip_prefix("===").or_else(|| range.strip_prefix("=="));
        let pinned =
            pinned.map(str::trim).filter(|version| !version.contains([',', '*', ' ']) && !version.is_empty());
        Some(Self { name, version: pinned.map(str::to_owned), range, place: None, hashes, local: false })
    }

    fn at(name: String, place: &str, hashes: Vec<(String, String)>) -> Self {
        let bare = place.split(['#', ' ']).next().unwrap_or(place);
        let local = bare.starts_with("file:") || bare.starts_with(['.', '/']);
        // `git+https://host/a.git@v1.0` is at v1.0; an address is its own version.
        let after = bare.split_once("://").map_or(bare, |(_, after)| after);
        let path = after.split_once('/').map_or("", |(_, path)| path);
        let revision =
            path.rsplit_once('@').map(|(_, revision)| revision).filter(|_| bare.starts_with("git+"));
        let version = match revision {
            Some(revision) => Some(revision.to_owned()),
            None if bare.starts_with("git+") => None,
            None => Some(bare.rsplit('/').next().unwrap_or(bare).to_owned()),
        };
        Self { name, version, range: bare.to_owned(), place: Some(bare.to_owned()), hashes, local }
    }

    fn lock(self, resolved: &mut Resolved) {
        let version = match (&self.version, self.range.as_str()) {
            (Some(version), _) => version.clone(),
            (None, "") => "any version (not pinned)".to_owned(),
            (None, range) => format!("{range} (not pinned)"),
        };
        if self.version.is_none() {
            resolved.unpinned.insert(self.name.clone());
        }
        let origin = resolved.add(&self.name, &version).located(self.place.as_deref());
        for (algorithm, digest) in &self.hashes {
            origin.checked(algorithm, digest);
        }
    }
}

/// What follows the name and its extras.
fn range(spec: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let rest = spec[spec.find(|c| !inner(c)).unwrap_or(spec.len())..].trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest),
        None => rest,
    };
    rest.trim().trim_start_matches('(').trim_end_matches(')').trim().to_owned()
}

/// The name in `#egg=name`, else the last part of the address.
fn egg(address: &str) -> String {
    if let Some((_, name)) = address.split_once("egg=") {
        return required(name);
    }
    let bare = address.split(['#', '?']).next().unwrap_or(address);
    let last = bare.trim_end_matches('/').rsplit('/').next().unwrap_or(bare);
    let last = last.split('@').next().unwrap_or(last);
    let last = last.strip_suffix(".git").unwrap_or(last);
    match last.split_once('-') {
        Some((name, _)) if last.ends_with(".whl") || last.ends_with(".gz") || last.ends_with(".zip") => {
            normal(name)
        }
        _ => normal(last),
    }
}
