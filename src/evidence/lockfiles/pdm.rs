//! `pdm.lock`, `pylock.toml` and `Pipfile.lock`.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml::{Table, Value};

use super::manifest::{Asks, Manifest};
use super::npm;
use super::python::{broken, describe, hash, named, named_only, normal, packages, section};
use super::resolved::Resolved;

/// Reads a `pdm.lock`.
pub(super) fn pdm(text: &str) -> Result<Resolved, String> {
    let lock: Table = toml::from_str(text).map_err(|error| broken(&error))?;
    let metadata = lock.get("metadata");
    let said = |key: &str| metadata?.get(key)?.as_str();
    if said("lock_version").is_none() {
        return Err("names no `lock_version`: write it again with `pdm lock`".to_owned());
    }
    let mut resolved = Resolved::of("pdm");
    resolved.stamp = said("content_hash").map(str::to_owned);
    for package in packages(&lock) {
        let (name, version) = named(package)?;
        let field = |key: &str| package.get(key).and_then(Value::as_str);
        if field("path").is_some() {
            resolved.own.insert(name);
            continue;
        }
        let git = field("git").map(|git| format!("{git}#{}", field("revision").unwrap_or_default()));
        let key = format!("{} {version}", field("name").unwrap_or_default());
        let together = metadata.and_then(|metadata| metadata.get("files")?.get(&key));
        let files = package.get("files").or(together).and_then(Value::as_array);
        let origin = resolved.add(&name, version).located(git.as_deref().or(field("url")));
        for file in files.into_iter().flatten() {
            let place = file.get("file").or_else(|| file.get("url"));
            hash(origin, place.and_then(Value::as_str), file);
        }
    }
    Ok(resolved)
}

/// Reads a `pylock.toml`, the format of PEP 751.
pub(super) fn pylock(text: &str) -> Result<Resolved, String> {
    let lock: Table = toml::from_str(text).map_err(|error| broken(&error))?;
    match lock.get("lock-version").and_then(Value::as_str) {
        Some(format) if format.starts_with("1.") => {}
        Some(format) => {
            return Err(format!(
                "has format {format}, which deployctl does not read yet: compare it by hand"
            ));
        }
        None => return Err("names no `lock-version`: write it again with its own tool".to_owned()),
    }
    let mut resolved = Resolved::of("pylock");
    for package in lock.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let Some(package) = package.as_table() else { continue };
        let name = named_only(package)?;
        if package.contains_key("directory") {
            resolved.own.insert(name);
            continue;
        }
        let version = package.get("version").and_then(Value::as_str).unwrap_or("no version");
        let elsewhere = package.get("vcs").or_else(|| package.get("archive")).and_then(Value::as_table);
        let index = package.get("index").and_then(Value::as_str);
        let place = elsewhere.map(describe).or_else(|| index.map(str::to_owned));
        let origin = resolved.add(&name, version).located(place.as_deref());
        let wheels = package.get("wheels").and_then(Value::as_array).into_iter().flatten();
        for file in wheels.chain(package.get("sdist")).chain(package.get("archive")) {
            let place = ["name", "url", "path"].iter().find_map(|key| file.get(*key)).and_then(Value::as_str);
            let place = place.map_or("", |place| place.rsplit('/').next().unwrap_or(place));
            for (algorithm, digest) in file.get("hashes").and_then(Value::as_table).into_iter().flatten() {
                origin.checked(&format!("{algorithm} of {place}"), digest.as_str().unwrap_or_default());
            }
        }
    }
    Ok(resolved)
}

/// Reads a `Pipfile.lock`.
pub(super) fn pipfile(text: &str) -> Result<Resolved, String> {
    let lock: BTreeMap<String, Json> = serde_json::from_str(text).map_err(|error| npm::broken(&error))?;
    if !lock.contains_key("default") && !lock.contains_key("develop") {
        return Err("has neither `default` nor `develop`: write it again with `pipenv lock`".to_owned());
    }
    let mut resolved = Resolved::of("pipenv");
    let stamp = lock.get("_meta").and_then(|meta| meta.get("hash")?.get("sha256")?.as_str());
    resolved.stamp = stamp.map(str::to_owned);
    for (_, category) in lock.iter().filter(|(key, _)| *key != "_meta") {
        for (name, entry) in category.as_object().into_iter().flatten() {
            locked_by_pipenv(&normal(name), entry, &mut resolved);
        }
    }
    Ok(resolved)
}

fn locked_by_pipenv(name: &str, entry: &Json, resolved: &mut Resolved) {
    let field = |key: &str| entry.get(key).and_then(Json::as_str);
    if field("path").is_some() {
        resolved.own.insert(name.to_owned());
        return;
    }
    let reference = field("ref");
    let version = field("version").map(|version| version.trim_start_matches('='));
    let version = version.or(reference).or(field("file")).unwrap_or("no version");
    let git = ["git", "hg", "svn"].iter().find_map(|kind| field(kind));
    let place = git.map(|git| format!("{git}#{}", reference.unwrap_or_default()));
    let origin = resolved.add(name, version).located(place.as_deref().or(field("file")).or(field("index")));
    let hashes = entry.get("hashes").and_then(Json::as_array).into_iter().flatten();
    for (algorithm, digest) in hashes.filter_map(|hash| hash.as_str()?.split_once(':')) {
        origin.checked(algorithm, digest);
    }
}

/// What a `Pipfile` declares: every table of packages.
pub(super) fn pipfile_manifest(text: &str) -> Option<Manifest> {
    let root: Table = toml::from_str(text).ok()?;
    let mut asks = Asks::default();
    let about = ["source", "requires", "pipenv", "scripts"];
    for (name, table) in root.iter().filter(|(name, _)| !about.contains(&name.as_str())) {
        section(table, name != "packages", &mut asks);
    }
    Some(Manifest { asks, ..Manifest::default() })
}
