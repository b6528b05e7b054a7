//! Lockfiles in YAML, `pubspec.lock`, `Podfile.lock` and `Chart.lock`, and how YAML is read here: without aliases, and
//! bounded.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::resolved::Resolved;

/// The documents of a text, which `---` alone on a line separates.
pub(super) fn documents(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    let mut pieces = Vec::new();
    while let Some(text) = rest {
        let cut = if text.starts_with("---\n") || text.starts_with("---\r\n") {
            Some(0)
        } else {
            text.find("\n---").map(|at| at + 1)
        };
        let cut = cut.filter(|at| text[at + 3..].starts_with(['\n', '\r']) || text.len() == at + 3);
        let (piece, after) = match cut {
            Some(at) => (&text[..at], Some(&text[at + 3..])),
            None => (text, None),
        };
        pieces.push(piece);
        rest = after;
    }
    pieces
        .into_iter()
        .filter(|piece| piece.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')))
}

/// One document, or why not: the reader's first line.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // No lockfile has anchors: they only serve to make a small file a large one. The other limits are far beyond any
    // lockfile, and keep a hostile one from eating the machine.
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_anchors: 0, max_aliases: 0, max_depth: 64, max_documents: 1, max_nodes: 20_000_000,
            max_events: 50_000_000, max_total_scalar_bytes: 256 << 20,
        },
        duplicate_keys: serde_yaml::options::DuplicateKeyPolicy::Error,
        merge_keys: serde_yaml::options::MergeKeyPolicy::Error,
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let first = error.without_snippet().to_string();
        first.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

fn broken(why: &str, tool: &str) -> String {
    format!("cannot be read: {why}; write it again with `{tool}`")
}

/// Reads a `pubspec.lock`.
pub(super) fn pubspec(text: &str) -> Result<Resolved, String> {
    #[derive(Deserialize)]
    struct Lock {
        packages: Option<BTreeMap<String, Package>>,
    }
    #[derive(Deserialize)]
    struct Package {
        dependency: Option<String>,
        description: Option<Value>,
        source: Option<String>,
        version: Option<String>,
    }
    let lock: Lock = parse(text).map_err(|why| broken(&why, "dart pub get"))?;
    let Some(packages) = lock.packages else {
        return Err("lists no packages: write it again with `dart pub get`".to_owned());
    };
    let mut resolved = Resolved::of("pub");
    resolved.member("");
    for (name, package) in packages {
        let field = |key: &str| package.description.as_ref()?.get(key)?.as_str();
        let kind = package.dependency.as_deref().unwrap_or_default();
        if kind.starts_with("direct") {
            resolved.member("").add(&name, None, kind == "direct dev");
        }
        match package.source.as_deref() {
            Some("path") => drop(resolved.own.insert(name)),
            // The Flutter or Dart kit's own packages come with the kit.
            Some("sdk") => {}
            source => {
                let version = package.version.as_deref().unwrap_or("no version");
                let origin = resolved.add(&name, version).located(field("url").or(source));
                origin.checked("sha256", field("sha256").unwrap_or_default());
                origin.checked("commit", field("resolved-ref").unwrap_or_default());
            }
        }
    }
    Ok(resolved)
}

/// Reads a `Podfile.lock`.
pub(super) fn pods(text: &str) -> Result<Resolved, String> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(rename = "PODS")]
        pods: Option<Vec<Value>>,
        #[serde(rename = "DEPENDENCIES")]
        dependencies: Option<Vec<String>>,
        #[serde(rename = "SPEC CHECKSUMS")]
        checksums: Option<BTreeMap<String, String>>,
        #[serde(rename = "EXTERNAL SOURCES")]
        external: Option<BTreeMap<String, BTreeMap<String, Value>>>,
        #[serde(rename = "CHECKOUT OPTIONS")]
        checkouts: Option<BTreeMap<String, BTreeMap<String, Value>>>,
        #[serde(rename = "COCOAPODS")]
        tool: Option<Value>,
    }
    let lock: Lock = parse(text).map_err(|why| broken(&why, "pod install"))?;
    if lock.tool.is_none() && lock.pods.is_none() {
        return Err("lists no pods: write it again with `pod install`".to_owned());
    }
    let external = lock.external.unwrap_or_default();
    let checkouts = lock.checkouts.unwrap_or_default();
    let local: BTreeSet<&str> = external
        .iter()
        .filter(|(_, place)| place.contains_key(":path"))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut resolved = Resolved::of("pods");
    let asks = resolved.member("");
    lock.dependencies.iter().flatten().for_each(|entry| asks.add(pod(entry).0, None, false));
    for entry in lock.pods.iter().flatten() {
        let text = entry.as_str().or_else(|| entry.as_object()?.keys().next().map(String::as_str));
        let Some((name, Some(version))) = text.map(pod) else { continue };
        if local.contains(name) {
            resolved.own.insert(name.to_owned());
            continue;
        }
        let origin = resolved.add(name, version);
        let checksum = lock.checksums.as_ref().and_then(|all| all.get(name));
        origin.checked("spec checksum", checksum.map_or("", String::as_str));
        for value in checkouts.get(name).into_iter().flatten().filter_map(|(_, value)| value.as_str()) {
            origin.located(Some(value));
        }
    }
    Ok(resolved)
}

/// `Name/Part (1.2)` as the name of the whole pod and the version.
fn pod(entry: &str) -> (&str, Option<&str>) {
    let (name, rest) = entry.split_once(' ').unwrap_or((entry, ""));
    let version = rest.strip_prefix('(').and_then(|rest| rest.split(')').next());
    (name.split('/').next().unwrap_or(name), version)
}

/// Reads a `Chart.lock`.
pub(super) fn chart(text: &str) -> Result<Resolved, String> {
    #[derive(Deserialize)]
    struct Lock {
        dependencies: Option<Vec<Chart>>,
        digest: Option<String>,
    }
    #[derive(Deserialize)]
    struct Chart {
        name: String,
        version: String,
        repository: Option<String>,
    }
    let lock: Lock = parse(text).map_err(|why| broken(&why, "helm dependency update"))?;
    if lock.digest.is_none() && lock.dependencies.is_none() {
        return Err("lists no charts: write it again with `helm dependency update`".to_owned());
    }
    let mut resolved = Resolved::of("helm");
    resolved.member("");
    for chart in lock.dependencies.unwrap_or_default() {
        if chart.repository.as_deref().is_some_and(|place| place.starts_with("file:")) {
            resolved.own.insert(chart.name);
            continue;
        }
        resolved.member("").add(&chart.name, None, false);
        resolved.add(&chart.name, &chart.version).located(chart.repository.as_deref());
    }
    Ok(resolved)
}
