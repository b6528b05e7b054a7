//! `pnpm-lock.yaml`, formats 5, 6 and 9.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::manifest::Asks;
use super::resolved::Resolved;
use super::{npm, yaml};

type Section<T> = Option<BTreeMap<String, T>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<Number>,
    importers: Section<Importer>,
    packages: Section<Option<Package>>,
    overrides: Section<Value>,
    pnpmfile_checksum: Option<Value>,
    // A project without a workspace has these at the root in formats 5 and 6.
    specifiers: Section<String>,
    dependencies: Section<Wanted>,
    dev_dependencies: Section<Wanted>,
    optional_dependencies: Section<Wanted>,
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
    specifiers: Section<String>,
    dependencies: Section<Wanted>,
    dev_dependencies: Section<Wanted>,
    optional_dependencies: Section<Wanted>,
    config_dependencies: Section<Wanted>,
    package_manager_dependencies: Section<Wanted>,
}

/// The version alone (5), or with the range (6 and 9).
#[derive(Deserialize)]
#[serde(untagged)]
enum Wanted {
    Both { specifier: String, version: String },
    Version(String),
    Other(serde::de::IgnoredAny),
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
    directory: Option<String>,
}

impl Importer {
    fn asks(&self) -> Asks {
        let mut asks = Asks::default();
        let sections = [
            (&self.dependencies, false),
            (&self.dev_dependencies, true),
            (&self.optional_dependencies, false),
            (&self.config_dependencies, false),
            (&self.package_manager_dependencies, true),
        ];
        for (section, dev) in sections {
            for (name, wanted) in section.iter().flatten() {
                let specifier = self.specifiers.as_ref().and_then(|all| all.get(name)).map(String::as_str);
                let (range, version) = match wanted {
                    Wanted::Both { specifier, version } => (Some(specifier.as_str()), version.as_str()),
                    Wanted::Version(version) => (specifier, version.as_str()),
                    Wanted::Other(_) => (specifier, ""),
                };
                let local = npm::is_local(version) || range.is_some_and(npm::is_local);
                asks.alias(name, real(name, version), range, dev, local);
            }
        }
        asks
    }
}

/// The name behind an alias: the version of one is `/real/1.0.0` (5), `/real@1.0.0` (6) or `real@1.0.0` (9).
fn real<'a>(name: &'a str, version: &'a str) -> &'a str {
    let bare = version.split('(').next().unwrap_or(version);
    if bare.contains(':') || !(bare.starts_with('/') || bare.contains('@')) {
        return name;
    }
    let slashes = bare.starts_with('/') && !bare.trim_start_matches("/@").contains('@');
    match identity(bare, slashes) {
        (real, _) if !real.is_empty() => real,
        _ => name,
    }
}

/// Reads a `pnpm-lock.yaml`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let mut resolved = Resolved::of("npm");
    let mut any = false;
    // What pnpm itself needs stands in a document of its own before the project's.
    for document in yaml::documents(text) {
        let lock: Lock = yaml::parse(document).map_err(|why| {
            format!("cannot be read: {why}; write it again with `pnpm install --lockfile-only`")
        })?;
        take(lock, &mut resolved)?;
        any = true;
    }
    if any { Ok(resolved) } else { Err("holds no document: write it again with `pnpm install`".to_owned()) }
}

fn take(lock: Lock, resolved: &mut Resolved) -> Result<(), String> {
    let format = match lock.lockfile_version {
        Some(Number::Text(text)) => text,
        Some(Number::Float(number)) => number.to_string(),
        None => return Err("names no `lockfileVersion`: write it again with `pnpm install`".to_owned()),
    };
    if !["5", "6", "9"].contains(&format.split('.').next().unwrap_or_default()) {
        return Err(format!("has format {format}, which deployctl does not read yet: compare it by hand"));
    }
    if lock.pnpmfile_checksum.is_some() {
        resolved.overruled = Some(BTreeSet::new());
    } else if let Some(overrides) = lock.overrides.filter(|overrides| !overrides.is_empty()) {
        resolved.overruled.get_or_insert_default().extend(overrides.into_keys().map(|key| npm::last(&key)));
    }
    let root = Importer {
        specifiers: lock.specifiers,
        dependencies: lock.dependencies,
        dev_dependencies: lock.dev_dependencies,
        optional_dependencies: lock.optional_dependencies,
        ..Importer::default()
    };
    resolved.member("").merge(&root.asks());
    for (place, importer) in lock.importers.unwrap_or_default() {
        let place = if place == "." { "" } else { &place };
        resolved.member(place).merge(&importer.asks());
    }
    for (key, package) in lock.packages.unwrap_or_default() {
        add(resolved, &key, package.as_ref(), format.starts_with('5'));
    }
    Ok(())
}

fn add(resolved: &mut Resolved, key: &str, package: Option<&Package>, slashes: bool) {
    let (name, version) = identity(key, slashes);
    let resolution = package.and_then(|package| package.resolution.as_ref());
    let name = package.and_then(|package| package.name.as_deref()).unwrap_or(name);
    let local = npm::is_local(version) || npm::is_local(key) && !key.starts_with('/');
    if local || resolution.is_some_and(|resolution| resolution.directory.is_some()) {
        resolved.own.insert(name.to_owned());
        return;
    }
    let origin =
        resolved.add(name, package.and_then(|package| package.version.as_deref()).unwrap_or(version));
    if let Some(resolution) = resolution {
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
