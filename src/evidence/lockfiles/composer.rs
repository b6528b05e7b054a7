//! `composer.lock` and `composer.json`.

use serde::Deserialize;
use serde_json::Value;

use super::manifest::{Asks, Manifest};
use super::npm::broken;
use super::resolved::Resolved;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lock {
    content_hash: Option<String>,
    packages: Option<Vec<Package>>,
    packages_dev: Option<Vec<Package>>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<Place>,
    dist: Option<Place>,
    #[serde(default)]
    replace: Value,
    #[serde(default)]
    provide: Value,
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
    let mut resolved = Resolved::of("composer");
    resolved.stamp = lock.content_hash;
    for package in packages.iter().chain(lock.packages_dev.iter().flatten()) {
        let stands_in =
            [&package.replace, &package.provide].into_iter().filter_map(Value::as_object).flatten();
        resolved.provided.extend(stands_in.map(|(name, _)| name.to_lowercase()));
        let local = package.dist.as_ref().is_some_and(|dist| dist.kind.as_deref() == Some("path"));
        if local {
            resolved.own.insert(package.name.to_lowercase());
            continue;
        }
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

/// What a `composer.json` declares; `php` and its extensions are not packages.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Root {
        name: Option<String>,
        #[serde(default)]
        require: Value,
        #[serde(default)]
        require_dev: Value,
    }
    let root: Root = serde_json::from_str(text).ok()?;
    let mut asks = Asks::default();
    for (section, dev) in [(&root.require, false), (&root.require_dev, true)] {
        let entries = section.as_object().into_iter().flatten();
        for (name, range) in entries.filter(|(name, _)| name.contains('/')) {
            let name = name.to_lowercase();
            asks.add(&name, range.as_str(), dev);
        }
    }
    Some(Manifest { name: root.name, asks, ..Manifest::default() })
}
