//! `pnpm-lock.yaml`, formats 5, 6 and 9.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::npm;
use super::resolved::Resolved;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<Number>,
    importers: Option<BTreeMap<String, Importer>>,
    packages: Option<BTreeMap<String, Package>>,
    #[serde(flatten)]
    root: Importer,
}

/// `5.4` in one format, `'6.0'` in the next.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Float(f64),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Importer {
    dependencies: Option<BTreeMap<String, IgnoredAny>>,
    dev_dependencies: Option<BTreeMap<String, IgnoredAny>>,
    optional_dependencies: Option<BTreeMap<String, IgnoredAny>>,
}

#[derive(Deserialize)]
struct Package {
    name: Option<String>,
    version: Option<String>,
    resolution: Option<Resolution>,
}

#[derive(Deserialize)]
struct Resolution {
    integrity: Option<String>,
    tarball: Option<String>,
    repo: Option<String>,
    commit: Option<String>,
}

impl Importer {
    fn names(&self) -> BTreeSet<String> {
        let sections = [&self.dependencies, &self.dev_dependencies, &self.optional_dependencies];
        sections.into_iter().flatten().flat_map(BTreeMap::keys).cloned().collect()
    }
}

/// Reads a `pnpm-lock.yaml`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Lock = serde_yaml::from_str(text).map_err(|error| {
        let first = error.to_string();
        let first = first.lines().next().unwrap_or_default().to_owned();
        format!("cannot be read: {first}; write it again with `pnpm install --lockfile-only`")
    })?;
    let format = match lock.lockfile_version {
        Some(Number::Text(text)) => text,
        Some(Number::Float(number)) => number.to_string(),
        None => return Err("names no `lockfileVersion`: write it again with `pnpm install`".to_owned()),
    };
    if !["5", "6", "9"].contains(&format.split('.').next().unwrap_or_default()) {
        return Err(format!("has format {format}, which deployctl does not read yet: compare it by hand"));
    }
    let mut resolved = Resolved { direct: Some(lock.root.names()), dialect: "npm", ..Resolved::default() };
    for (place, importer) in lock.importers.unwrap_or_default() {
        if place == "." {
            resolved.direct = Some(importer.names());
        } else {
            resolved.by_members.extend(importer.names());
        }
    }
    for (key, package) in lock.packages.unwrap_or_default() {
        add(&mut resolved, &key, &package, format.starts_with('5'));
    }
    Ok(resolved)
}

fn add(resolved: &mut Resolved, key: &str, package: &Package, slashes: bool) {
    let (name, version) = identity(key, slashes);
    let name = package.name.as_deref().unwrap_or(name);
    if version.starts_with("file:") || version.starts_with("link:") || key.starts_with("file:") {
        return;
    }
    let origin = resolved.add(name, package.version.as_deref().unwrap_or(version));
    if let Some(resolution) = &package.resolution {
        npm::note(origin, resolution.tarball.as_deref(), resolution.integrity.as_deref());
        if let (Some(repo), Some(commit)) = (&resolution.repo, &resolution.commit) {
            origin.located(Some(&format!("{repo}#{commit}")));
        }
    }
}

/// `/name/1.0.0_peer` (5), `/name@1.0.0(peer)` (6) or `name@1.0.0(peer)` (9) as name and version.
fn identity(key: &str, slashes: bool) -> (&str, &str) {
    let key = key.strip_prefix('/').unwrap_or(key);
    let key = key.split('(').next().unwrap_or(key);
    let at =
        if slashes { key.rfind('/') } else { key.get(1..).and_then(|rest| rest.find('@')).map(|at| at + 1) };
    let Some(at) = at else { return (key, "no version") };
    let version = &key[at + 1..];
    (&key[..at], if slashes { version.split('_').next().unwrap_or(version) } else { version })
}
