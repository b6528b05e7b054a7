//! `bun.lock`, formats 0 and 1: JSON with comments and commas at the end.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::npm::{self, Sections};
use super::resolved::Resolved;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<u64>,
    workspaces: Option<BTreeMap<String, Member>>,
    packages: Option<BTreeMap<String, Vec<Value>>>,
    overrides: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Member {
    name: Option<String>,
    #[serde(flatten)]
    sections: Sections,
}

/// Reads a `bun.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Lock = serde_json::from_str(&plain(text)).map_err(|error| npm::broken(&error))?;
    match lock.lockfile_version {
        Some(0 | 1) => {}
        Some(format) => {
            return Err(format!(
                "has format {format}, which deployctl does not read yet: compare it by hand"
            ));
        }
        None => return Err("names no `lockfileVersion`: write it again with `bun install`".to_owned()),
    }
    let mut resolved = Resolved::of("npm");
    for (place, member) in lock.workspaces.unwrap_or_default() {
        resolved.own.extend(member.name);
        *resolved.member(&place) = member.sections.asks();
    }
    resolved.overruled = lock.overrides.filter(|all| !all.is_empty()).map(|all| all.into_keys().collect());
    for (key, entry) in lock.packages.unwrap_or_default() {
        let Some(named) = entry.first().and_then(Value::as_str) else {
            return Err(format!("does not say what `{key}` is: write it again with `bun install`"));
        };
        add(named, &entry, &mut resolved);
    }
    Ok(resolved)
}

/// `["name@1.0.0", "registry", {…}, "sha512-…"]`; other places lack the registry: `["name@github:a/b#c", {…}, "c"]`.
fn add(named: &str, entry: &[Value], resolved: &mut Resolved) {
    let at = named.get(1..).and_then(|rest| rest.find('@')).map_or(named.len(), |at| at + 1);
    let (name, version) = (&named[..at], named.get(at + 1..).filter(|version| !version.is_empty()));
    let version = version.unwrap_or("no version");
    if npm::is_local(version) || version == "root:" {
        resolved.own.insert(name.to_owned());
        return;
    }
    let registry = entry.get(1).and_then(Value::as_str).filter(|place| place.contains("://"));
    let integrity = entry.get(3).and_then(Value::as_str);
    npm::note(resolved.add(name, version), registry, integrity);
}

/// JSON with comments and commas at the end, as plain JSON. Strings stay as they are.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut comma: Option<usize> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let next = &rest[c.len_utf8()..];
        match c {
            '"' => {
                let end = string_end(rest);
                out.push_str(&rest[..end]);
                rest = &rest[end..];
                comma = None;
                continue;
            }
            '/' if next.starts_with('/') => {
                rest = rest.find('\n').map_or("", |at| &rest[at..]);
                continue;
            }
            '/' if next.starts_with('*') => {
                rest = next.find("*/").map_or("", |at| &next[at + 2..]);
                continue;
            }
            ',' => comma = Some(out.len()),
            ']' | '}' => {
                if let Some(at) = comma.take() {
                    out.replace_range(at..=at, " ");
                }
            }
            c if c.is_whitespace() => {}
            _ => comma = None,
        }
        out.push(c);
        rest = next;
    }
    out
}

/// Where a string that begins here ends.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
