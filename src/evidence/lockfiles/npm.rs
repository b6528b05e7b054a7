//! `package-lock.json`, formats 1 to 3, and `package.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::manifest::Manifest;
use super::resolved::{Origin, Resolved};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<u64>,
    packages: Option<BTreeMap<String, Package>>,
    dependencies: Option<BTreeMap<String, Nested>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    in_bundle: bool,
    #[serde(flatten)]
    asks: Asks,
}

#[derive(Deserialize)]
struct Nested {
    version: String,
    resolved: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Nested>,
}

/// The sections in which a package asks for others.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asks {
    dependencies: Option<Value>,
    dev_dependencies: Option<Value>,
    optional_dependencies: Option<Value>,
    peer_dependencies: Option<Value>,
}

impl Asks {
    fn names(&self) -> BTreeSet<String> {
        [&self.dependencies, &self.dev_dependencies, &self.optional_dependencies, &self.peer_dependencies]
            .into_iter()
            .filter_map(|section| section.as_ref()?.as_object())
            .flatten()
            .map(|(name, wanted)| aliased(name, wanted.as_str().unwrap_or_default()).to_owned())
            .collect()
    }
}

/// `"short": "npm:long@^1"` installs `long`.
fn aliased<'a>(name: &'a str, wanted: &'a str) -> &'a str {
    wanted.strip_prefix("npm:").map_or(name, |target| match target.rfind('@') {
        Some(at) if at > 0 => &target[..at],
        _ => target,
    })
}

/// Reads a `package-lock.json`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Lock = serde_json::from_str(text).map_err(|error| broken(&error))?;
    match (lock.lockfile_version, lock.packages, lock.dependencies) {
        (Some(2 | 3), Some(packages), _) => Ok(flat(packages)),
        (Some(1) | None, _, Some(dependencies)) => {
            let mut resolved = Resolved { dialect: "npm", ..Resolved::default() };
            nested(&dependencies, &mut resolved);
            Ok(resolved)
        }
        (Some(1), _, None) => Ok(Resolved::default()),
        (Some(version), _, _) if version > 3 => {
            Err(format!("has format {version}, which deployctl does not read yet: compare it by hand"))
        }
        _ => Err("lists no packages: write it again with `npm install --package-lock-only`".to_owned()),
    }
}

/// The end of a sentence about JSON that does not parse.
pub(super) fn broken(error: &serde_json::Error) -> String {
    format!("cannot be read: {error}; write it again with its own tool")
}

fn flat(packages: BTreeMap<String, Package>) -> Resolved {
    let mut resolved = Resolved { dialect: "npm", ..Resolved::default() };
    for (place, package) in &packages {
        let Some((_, name)) = place.rsplit_once("node_modules/") else {
            // The root is "", a member of the workspace lies at its own path.
            if place.is_empty() {
                resolved.direct = Some(package.asks.names());
            } else {
                resolved.by_members.extend(package.asks.names());
            }
            resolved.own.extend(package.name.clone());
            continue;
        };
        if package.link {
            resolved.own.insert(package.name.clone().unwrap_or_else(|| name.to_owned()));
            continue;
        }
        let name = package.name.as_deref().unwrap_or(name);
        let version = package.version.as_deref().unwrap_or("no version");
        let origin = resolved.add(name, version);
        if !package.in_bundle {
            note(origin, package.resolved.as_deref(), package.integrity.as_deref());
        }
    }
    resolved
}

fn nested(dependencies: &BTreeMap<String, Nested>, resolved: &mut Resolved) {
    for (name, entry) in dependencies {
        if !entry.version.starts_with("file:") {
            let (name, version) =
                match entry.version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
                    Some((real, version)) if !real.is_empty() => (real, version),
                    _ => (name.as_str(), entry.version.as_str()),
                };
            note(resolved.add(name, version), entry.resolved.as_deref(), entry.integrity.as_deref());
        }
        nested(&entry.dependencies, resolved);
    }
}

/// Notes the place and the digests, one for each algorithm.
pub(super) fn note(origin: &mut Origin, resolved: Option<&str>, integrity: Option<&str>) {
    origin.located(resolved.map(|place| place.split('#').next().unwrap_or(place)));
    for digest in integrity.into_iter().flat_map(str::split_whitespace) {
        if let Some((algorithm, digest)) = digest.split_once('-') {
            origin.checked(algorithm, digest);
        }
    }
}

/// The names that a `package.json` declares.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    let root: Value = serde_json::from_str(text).ok()?;
    let workspace = root.get("workspaces").is_some();
    let asks = Asks::deserialize(&root).ok()?;
    Some(Manifest { names: asks.names(), workspace, gathers: false })
}
