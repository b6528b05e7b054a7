//! `package-lock.json`, formats 1 to 3, and `package.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::manifest::{Asks, Manifest};
use super::resolved::{Origin, Resolved};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<u64>,
    packages: Option<Packages>,
    dependencies: Option<BTreeMap<String, Nested>>,
}

/// Installed packages by place, and the project's own directories.
#[derive(Default)]
struct Packages {
    installed: Vec<(String, Package)>,
    own: Vec<(String, Member)>,
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
}

#[derive(Deserialize)]
struct Member {
    name: Option<String>,
    #[serde(flatten)]
    sections: Sections,
}

#[derive(Deserialize)]
struct Nested {
    version: String,
    resolved: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    bundled: bool,
    #[serde(default)]
    dependencies: BTreeMap<String, Nested>,
}

/// The sections in which a package asks for others.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sections {
    dependencies: Option<Value>,
    dev_dependencies: Option<Value>,
    optional_dependencies: Option<Value>,
    peer_dependencies: Option<Value>,
}

impl<'de> Deserialize<'de> for Packages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByPlace;
        impl<'de> Visitor<'de> for ByPlace {
            type Value = Packages;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("packages by their place")
            }

            // What thousands of installed packages ask for is skipped unread.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Packages, A::Error> {
                let mut packages = Packages::default();
                while let Some(place) = map.next_key::<String>()? {
                    if place.contains("node_modules/") {
                        packages.installed.push((place, map.next_value()?));
                    } else {
                        packages.own.push((place, map.next_value()?));
                    }
                }
                Ok(packages)
            }
        }
        deserializer.deserialize_map(ByPlace)
    }
}

impl Sections {
    /// What they ask for, by alias.
    pub fn asks(&self) -> Asks {
        let mut asks = Asks::default();
        let sections = [
            (&self.dependencies, false, false),
            (&self.dev_dependencies, true, false),
            (&self.optional_dependencies, false, false),
            (&self.peer_dependencies, false, true),
        ];
        for (section, dev, peer) in sections {
            let entries = section.as_ref().and_then(Value::as_object).into_iter().flatten();
            for (name, wanted) in entries {
                let wanted = wanted.as_str().unwrap_or_default();
                // A peer is found somewhere, and its range is the users', not the lockfile's.
                let range = (!peer).then_some(wanted);
                asks.alias(name, aliased(name, wanted), range, dev && !peer, peer || is_local(wanted));
            }
        }
        asks
    }
}

/// Whether a range names a directory of the repository.
pub(super) fn is_local(wanted: &str) -> bool {
    ["file:", "link:", "workspace:", "portal:", "./", "../", "~/", "/"]
        .iter()
        .any(|start| wanted.starts_with(start))
}

/// `"short": "npm:long@^1"` installs `long`; `"npm:^1"` is only yarn's way to write `^1`.
pub(super) fn aliased<'a>(name: &'a str, wanted: &'a str) -> &'a str {
    let Some(target) = wanted.strip_prefix("npm:") else { return name };
    match target.rfind('@') {
        Some(at) if at > 0 => &target[..at],
        _ if matches!(target, "latest" | "next" | "beta" | "alpha" | "canary" | "rc") => name,
        _ if target.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@') => target,
        _ => name,
    }
}

/// Reads a `package-lock.json`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Lock = serde_json::from_str(text).map_err(|error| broken(&error))?;
    match (lock.lockfile_version, lock.packages, lock.dependencies) {
        (Some(2 | 3), Some(packages), _) => Ok(flat(packages)),
        (Some(1) | None, _, Some(dependencies)) => {
            let mut resolved = Resolved::of("npm");
            nested(&dependencies, &mut resolved);
            Ok(resolved)
        }
        (Some(1), _, None) => Ok(Resolved::of("npm")),
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

fn flat(packages: Packages) -> Resolved {
    let mut resolved = Resolved::of("npm");
    for (place, member) in packages.own {
        // The root is "", a member of the workspace lies at its own path.
        resolved.own.extend(member.name);
        *resolved.member(&place) = member.sections.asks();
    }
    for (place, package) in &packages.installed {
        let name = place.rsplit_once("node_modules/").map_or(place.as_str(), |(_, name)| name);
        let name = package.name.as_deref().unwrap_or(name);
        if package.link {
            resolved.own.insert(name.to_owned());
            continue;
        }
        let origin = resolved.add(name, package.version.as_deref().unwrap_or("no version"));
        if !package.in_bundle {
            note(origin, package.resolved.as_deref(), package.integrity.as_deref());
        }
    }
    resolved
}

fn nested(dependencies: &BTreeMap<String, Nested>, resolved: &mut Resolved) {
    for (name, entry) in dependencies {
        if is_local(&entry.version) {
            resolved.own.insert(name.clone());
        } else {
            let (name, version) =
                match entry.version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
                    Some((real, version)) if !real.is_empty() => (real, version),
                    _ => (name.as_str(), entry.version.as_str()),
                };
            let origin = resolved.add(name, version);
            if !entry.bundled {
                note(origin, entry.resolved.as_deref(), entry.integrity.as_deref());
            }
        }
        nested(&entry.dependencies, resolved);
    }
}

/// Notes the place and the digests, one for each algorithm.
pub(super) fn note(origin: &mut Origin, resolved: Option<&str>, integrity: Option<&str>) {
    origin.located(resolved.map(place).as_deref());
    for digest in integrity.into_iter().flat_map(str::split_whitespace) {
        if let Some((algorithm, digest)) = digest.split_once('-') {
            origin.checked(algorithm, digest);
        }
    }
}

/// A place without the digest of an archive behind it, but with the commit of a repository; yarn's name for the npm
/// registry is that registry.
fn place(resolved: &str) -> String {
    let is_git =
        resolved.starts_with("git") || resolved.split('#').next().is_some_and(|at| at.ends_with(".git"));
    let place = if is_git { resolved } else { resolved.split('#').next().unwrap_or(resolved) };
    place.replacen("https://registry.yarnpkg.com/", "https://registry.npmjs.org/", 1)
}

/// What a `package.json` declares.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    let root: Value = serde_json::from_str(text).ok()?;
    let globs = root.get("workspaces").map(|list| list.get("packages").unwrap_or(list));
    let globs = globs.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let keys = |table: Option<&Value>| -> BTreeSet<String> {
        let keys = table.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys);
        keys.flat_map(|key| [key.clone(), last(key)]).collect()
    };
    let mut overruled = keys(root.get("overrides"));
    overruled.extend(keys(root.get("resolutions")));
    overruled.extend(keys(root.get("pnpm").and_then(|pnpm| pnpm.get("overrides"))));
    Some(Manifest {
        name: root.get("name").and_then(Value::as_str).map(str::to_owned),
        asks: Sections::deserialize(&root).ok()?.asks(),
        members: globs.map(str::to_owned).collect(),
        overruled,
    })
}

/// `parent/name`, `**/name`, `name@^1` and `parent>name` as `name`.
pub(super) fn last(key: &str) -> String {
    let key = key.rsplit('>').next().unwrap_or(key);
    let key = key.get(1..).and_then(|rest| rest.find('@')).map_or(key, |at| &key[..=at]);
    let parts: Vec<&str> = key.split('/').collect();
    let from = parts.len().saturating_sub(if parts.len() > 1 && parts[parts.len() - 2].starts_with('@') {
        2
    } else {
        1
    });
    parts[from..].join("/")
}
