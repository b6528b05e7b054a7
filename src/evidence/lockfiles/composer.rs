//! `composer.lock` and `composer.json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::manifest::Manifest;
use super::npm::broken;
use super::resolved::Resolved;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lock {
    packages: Option<Vec<Package>>,
    packages_dev: Option<Vec<Package>>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<Place>,
    dist: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "type")]
    kind: Option<String>,
    url: Option<String>,
    reference: Option<String>,
    shasum: Option<String>,
}

/// Reads a `composer.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Lock = serde_json::from_str(text).map_err(|error| broken(&error))?;
    let Some(packages) = lock.packages else {
        return Err("lists no packages: write it again with `composer update --lock`".to_owned());
    };
    let mut resolved = Resolved { dialect: "composer", ..Resolved::default() };
    for package in packages.iter().chain(lock.packages_dev.iter().flatten()) {
        let origin = resolved.add(&package.name.to_lowercase(), &package.version);
        if let Some(place) = package.source.as_ref().or(package.dist.as_ref()) {
            origin.located(place.url.as_deref());
            // The same version at another commit: a tag was moved, or a branch went on.
            let kind = place.kind.as_deref().unwrap_or("commit");
            origin.checked(kind, place.reference.as_deref().unwrap_or_default());
        }
        if let Some(dist) = &package.dist {
            origin.checked("sha1", dist.shasum.as_deref().unwrap_or_default());
        }
    }
    Ok(resolved)
}

/// The names that a `composer.json` declares; `php` and its extensions are not packages.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Root {
        #[serde(default)]
        require: BTreeMap<String, Value>,
        #[serde(default)]
        require_dev: BTreeMap<String, Value>,
    }
    let root: Root = serde_json::from_str(text).ok()?;
    let names = root.require.keys().chain(root.require_dev.keys()).map(|name| name.to_lowercase());
    Some(Manifest { names: names.collect(), ..Manifest::default() })
}
