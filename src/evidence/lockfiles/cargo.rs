//! `Cargo.lock`, formats 1 to 4, and `Cargo.toml`.

mod plain;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::{Table, Value};

use super::manifest::Manifest;
use super::resolved::Resolved;

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Lock<'a> {
    version: Option<i64>,
    #[serde(default)]
    package: Vec<Package<'a>>,
    /// The root package of the oldest form.
    root: Option<Package<'a>>,
    /// Format 1 keeps its checksums here.
    #[serde(default)]
    metadata: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Package<'a> {
    name: Cow<'a, str>,
    version: Cow<'a, str>,
    source: Option<Cow<'a, str>>,
    checksum: Option<Cow<'a, str>>,
    #[serde(default)]
    dependencies: Vec<Cow<'a, str>>,
}

/// Reads a `Cargo.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock = match plain::read(text) {
        Some(lock) => lock,
        None => toml::from_str(text).map_err(|error| super::python::broken(&error))?,
    };
    if let Some(version) = lock.version.filter(|version| !(1..=4).contains(version)) {
        return Err(format!("has format {version}, which deployctl does not read yet: compare it by hand"));
    }
    let packages = || lock.package.iter().chain(&lock.root);
    let names: BTreeSet<&str> = packages().map(|package| &*package.name).collect();
    if names.is_empty() {
        return Err("lists no package: write it again with `cargo generate-lockfile`".to_owned());
    }
    let mut resolved = Resolved::of("cargo");
    for package in packages() {
        let asks: Vec<&str> =
            package.dependencies.iter().filter_map(|entry| entry.split(' ').next()).collect();
        if let Some(lost) = asks.iter().find(|name| !names.contains(*name)) {
            return Err(format!(
                "is not whole, for `{}` needs `{lost}`, which it does not hold: write it again with `cargo generate-lockfile`",
                package.name
            ));
        }
        let Some(source) = &package.source else {
            // Without a source it lies in this repository: the root or a member of the workspace.
            resolved.own.insert(package.name.clone().into_owned());
            let member = resolved.member(&package.name);
            asks.into_iter().for_each(|name| member.add(name, None, false));
            continue;
        };
        let origin = resolved.add(&package.name, &package.version).located(Some(&unescape(source)));
        let old = || format!("checksum {} {} ({source})", package.name, package.version);
        let checksum = package.checksum.as_deref();
        if let Some(checksum) = checksum.or_else(|| lock.metadata.get(&*old()).map(AsRef::as_ref)) {
            origin.checked("sha256", checksum);
        }
    }
    Ok(resolved)
}

/// Format 4 writes `%2F` in a branch name where format 3 wrote `/`: the same place.
fn unescape(source: &str) -> String {
    if !source.contains('%') {
        return source.to_owned();
    }
    source.replace("%2F", "/").replace("%2f", "/").replace("%23", "#").replace("%2B", "+").replace("%20", " ")
}

const SECTIONS: [(&str, bool); 5] = [
    ("dependencies", false),
    ("dev-dependencies", true),
    ("dev_dependencies", true),
    ("build-dependencies", false),
    ("build_dependencies", false),
];

/// What a `Cargo.toml` declares, for every target and purpose. `shared` are the names that the workspace's own
/// dependencies are locked under; without it they are taken from this file.
pub(super) fn manifest(text: &str, shared: Option<&BTreeMap<String, String>>) -> Option<Manifest> {
    let root: Table = toml::from_str(text).ok()?;
    let own = shared.is_none().then(|| aliases(&root));
    let shared = shared.or(own.as_ref())?;
    let package = root.get("package").or_else(|| root.get("project"));
    let name = package.and_then(|package| package.get("name")).and_then(Value::as_str);
    let mut manifest = Manifest { name: name.map(str::to_owned), ..Manifest::default() };
    declare(&root, shared, &mut manifest);
    let targets = root.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    targets.filter_map(Value::as_table).for_each(|target| declare(target, shared, &mut manifest));
    Some(manifest)
}

/// The names of a workspace's shared dependencies, each with the one it is locked under.
pub(super) fn workspace_aliases(text: &str) -> BTreeMap<String, String> {
    toml::from_str(text).map(|root| aliases(&root)).unwrap_or_default()
}

fn aliases(root: &Table) -> BTreeMap<String, String> {
    let shared = root.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let entries = shared.and_then(Value::as_table).into_iter().flatten();
    let real = |(name, entry): (&String, &Value)| (name.clone(), renamed(entry).unwrap_or(name).to_owned());
    entries.map(real).collect()
}

fn renamed(entry: &Value) -> Option<&str> {
    entry.get("package").and_then(Value::as_str)
}

fn declare(table: &Table, shared: &BTreeMap<String, String>, manifest: &mut Manifest) {
    for (section, dev) in SECTIONS {
        let entries = table.get(section).and_then(Value::as_table);
        for (name, entry) in entries.into_iter().flatten() {
            let inherited = entry.get("workspace").is_some().then(|| shared.get(name)).flatten();
            let real = renamed(entry).or(inherited.map(String::as_str)).unwrap_or(name);
            let range = entry.as_str().or_else(|| entry.get("version").and_then(Value::as_str));
            // What comes from git or from a path carries whatever version it has.
            let elsewhere = ["git", "path", "registry"].iter().any(|key| entry.get(*key).is_some());
            let range = range.filter(|_| !elsewhere);
            manifest.asks.alias(name, real, range, dev, entry.get("path").is_some());
        }
    }
}
