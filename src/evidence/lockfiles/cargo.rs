//! `Cargo.lock`, formats 1 to 4, and `Cargo.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::manifest::Manifest;
use super::resolved::Resolved;

#[derive(Deserialize)]
struct Lock {
    version: Option<i64>,
    #[serde(default)]
    package: Vec<Package>,
    /// Format 1 keeps its checksums here.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Reads a `Cargo.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Lock = toml::from_str(text).map_err(|error| super::python::broken(&error))?;
    if let Some(version) = lock.version.filter(|version| !(1..=4).contains(version)) {
        return Err(format!("has format {version}, which deployctl does not read yet: compare it by hand"));
    }
    if lock.package.is_empty() {
        return Err("lists no package: write it again with `cargo generate-lockfile`".to_owned());
    }
    let mut resolved = Resolved { dialect: "cargo", ..Resolved::default() };
    for package in &lock.package {
        let Some(source) = &package.source else {
            // Without a source it lies in this repository: the root or a member of the workspace.
            resolved.own.insert(package.name.clone());
            let names = package.dependencies.iter().filter_map(|entry| entry.split(' ').next());
            resolved.by_members.extend(names.map(str::to_owned));
            continue;
        };
        let origin = resolved.add(&package.name, &package.version).located(Some(&unescape(source)));
        let old = format!("checksum {} {} ({source})", package.name, package.version);
        if let Some(checksum) = package.checksum.as_ref().or_else(|| lock.metadata.get(&old)) {
            origin.checked("sha256", checksum);
        }
    }
    Ok(resolved)
}

/// Format 4 writes `%2F` in a branch name where format 3 wrote `/`: the same place.
fn unescape(source: &str) -> String {
    source.replace("%2F", "/").replace("%2f", "/").replace("%23", "#").replace("%2B", "+").replace("%20", " ")
}

/// The names that a `Cargo.toml` declares, for every target and purpose, and for the workspace.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    let root: toml::Table = toml::from_str(text).ok()?;
    let mut manifest = Manifest {
        workspace: root.contains_key("workspace"),
        gathers: !root.contains_key("package"),
        ..Manifest::default()
    };
    declare(&root, &mut manifest);
    if let Some(workspace) = root.get("workspace").and_then(toml::Value::as_table)
        && manifest.gathers
    {
        declare(workspace, &mut manifest);
    }
    for target in root.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values)
    {
        target.as_table().into_iter().for_each(|target| declare(target, &mut manifest));
    }
    Some(manifest)
}

fn declare(table: &toml::Table, manifest: &mut Manifest) {
    for section in
        ["dependencies", "dev-dependencies", "dev_dependencies", "build-dependencies", "build_dependencies"]
    {
        let entries = table.get(section).and_then(toml::Value::as_table);
        for (name, entry) in entries.into_iter().flatten() {
            let renamed = entry.get("package").and_then(toml::Value::as_str);
            manifest.names.insert(renamed.unwrap_or(name).to_owned());
        }
    }
}
