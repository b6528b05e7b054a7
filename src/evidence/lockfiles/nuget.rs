//! `packages.lock.json` of NuGet, formats 1 and 2, which itself says what is direct.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::npm;
use super::resolved::Resolved;

#[derive(Deserialize)]
struct Lock {
    version: Option<u64>,
    dependencies: Option<BTreeMap<String, BTreeMap<String, Package>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "type")]
    kind: Option<String>,
    resolved: Option<String>,
    content_hash: Option<String>,
}

/// Reads a `packages.lock.json`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Lock = serde_json::from_str(text).map_err(|error| npm::broken(&error))?;
    let Some(frameworks) = lock.dependencies.filter(|_| matches!(lock.version, Some(1 | 2))) else {
        return Err("is no format that deployctl reads: compare it by hand".to_owned());
    };
    let mut resolved = Resolved::of("nuget");
    resolved.member("");
    // The same package may stand under several frameworks.
    for (name, package) in frameworks.into_values().flatten() {
        let kind = package.kind.as_deref().unwrap_or_default();
        if kind == "Project" {
            resolved.own.insert(name);
            continue;
        }
        if kind == "Direct" {
            resolved.member("").add(&name, None, false);
        }
        let origin = resolved.add(&name, package.resolved.as_deref().unwrap_or("no version"));
        origin.checked("content hash", package.content_hash.as_deref().unwrap_or_default());
    }
    Ok(resolved)
}
