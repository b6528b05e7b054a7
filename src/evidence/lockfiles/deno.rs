//! `deno.lock`, formats 2 to 5, and `flake.lock`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::manifest::Asks;
use super::npm;
use super::resolved::Resolved;

#[derive(Deserialize)]
struct Deno {
    version: Option<Value>,
    /// Formats 2 and 3 keep the registries in here.
    packages: Option<Registries>,
    #[serde(flatten)]
    top: Registries,
    remote: Option<BTreeMap<String, String>>,
    workspace: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Registries {
    specifiers: Option<BTreeMap<String, String>>,
    jsr: Option<BTreeMap<String, Value>>,
    npm: Option<Value>,
}

/// Reads a `deno.lock`.
pub(super) fn deno(text: &str) -> Result<Resolved, String> {
    let lock: Deno = serde_json::from_str(text).map_err(|error| npm::broken(&error))?;
    let format = lock.version.as_ref().map(|version| version.to_string().trim_matches('"').to_owned());
    match format.as_deref() {
        Some("2" | "3" | "4" | "5") => {}
        Some(format) => {
            return Err(format!(
                "has format {format}, which deployctl does not read yet: compare it by hand"
            ));
        }
        None => return Err("names no version of its format: write it again with `deno install`".to_owned()),
    }
    let mut resolved = Resolved::of("deno");
    resolved.member("");
    for registries in [Some(&lock.top), lock.packages.as_ref()].into_iter().flatten() {
        let npm = registries.npm.as_ref().map(|npm| npm.get("packages").unwrap_or(npm));
        packages("jsr", registries.jsr.iter().flatten(), &mut resolved);
        packages("npm", npm.and_then(Value::as_object).into_iter().flatten(), &mut resolved);
        for specifier in registries.specifiers.iter().flatten().map(|(specifier, _)| specifier) {
            ask(specifier, resolved.member(""));
        }
    }
    for specifier in lock.workspace.iter().flat_map(strings) {
        ask(specifier, resolved.member(""));
    }
    for (address, digest) in lock.remote.iter().flatten() {
        let (name, version) = remote(address);
        resolved.add(&name, version).checked(address, digest);
        // Code names addresses itself; which of them only others name, nothing says.
        resolved.member("").add(&name, None, false);
    }
    Ok(resolved)
}

fn packages<'a>(kind: &str, entries: impl Iterator<Item = (&'a String, &'a Value)>, resolved: &mut Resolved) {
    for (key, entry) in entries {
        let (name, version) = at(key);
        // `name@1.0.0_peer@2.0.0`: what it was combined with is not its version.
        let version = version.split('_').next().unwrap_or(version);
        let integrity = entry.get("integrity").and_then(Value::as_str).unwrap_or_default();
        let origin = resolved.add(&format!("{kind}:{name}"), version);
        match integrity.split_once('-') {
            Some((algorithm, digest)) => origin.checked(algorithm, digest),
            None => origin.checked("sha256", integrity),
        };
    }
}

/// `jsr:@std/path@^1.0` asks for `jsr:@std/path`.
fn ask(specifier: &str, asks: &mut Asks) {
    if let Some((kind, rest)) = specifier.split_once(':') {
        asks.add(&format!("{kind}:{}", at(rest.trim_start_matches('/')).0), None, false);
    }
}

fn at(text: &str) -> (&str, &str) {
    let at = text.get(1..).and_then(|rest| rest.find('@')).map(|at| at + 1);
    at.map_or((text, "no version"), |at| (&text[..at], &text[at + 1..]))
}

/// Every specifier in a workspace's lists.
fn strings(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => found.push(text.as_str()),
            Value::Array(list) => open.extend(list),
            Value::Object(map) => open.extend(map.values()),
            _ => {}
        }
    }
    found
}

/// `https://deno.land/std@0.1.0/path/mod.ts` is `https://deno.land/std` in version 0.1.0; else an address is its host.
fn remote(address: &str) -> (String, &str) {
    let start = address.find("://").map_or(0, |at| at + 3);
    let path = &address[start..];
    match path.find('@') {
        Some(at) => {
            let version = path[at + 1..].split('/').next().unwrap_or_default();
            (address[..start + at].to_owned(), version)
        }
        None => (address[..start + path.find('/').unwrap_or(path.len())].to_owned(), "no version"),
    }
}

/// Reads a `flake.lock`.
pub(super) fn flake(text: &str) -> Result<Resolved, String> {
    #[derive(Deserialize)]
    struct Lock {
        nodes: BTreeMap<String, Node>,
        root: String,
    }
    #[derive(Deserialize)]
    struct Node {
        #[serde(default)]
        inputs: BTreeMap<String, Value>,
        locked: Option<BTreeMap<String, Value>>,
    }
    let lock: Lock = serde_json::from_str(text).map_err(|error| npm::broken(&error))?;
    let mut resolved = Resolved::of("flake");
    resolved.member("");
    for (name, node) in &lock.nodes {
        let Some(locked) = &node.locked else { continue };
        let field = |key: &str| locked.get(key).and_then(Value::as_str);
        if field("type") == Some("path") && field("path").is_some_and(npm::is_local) {
            resolved.own.insert(name.clone());
            continue;
        }
        let version = field("rev").or(field("narHash")).unwrap_or("no version");
        let parts: Vec<&str> =
            ["type", "host", "owner", "repo", "url", "path"].into_iter().filter_map(field).collect();
        let origin = resolved.add(name, version).located(Some(&parts.join(" ")));
        origin.checked("narHash", field("narHash").unwrap_or_default());
    }
    for input in lock.nodes.get(&lock.root).into_iter().flat_map(|root| root.inputs.values()) {
        // A list is the path of an input that follows another one.
        if let Some(name) = input.as_str() {
            resolved.member("").add(name, None, false);
        }
    }
    Ok(resolved)
}
