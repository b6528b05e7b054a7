//! `poetry.lock`, `uv.lock` and `pyproject.toml`.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::manifest::Manifest;
use super::resolved::{Origin, Resolved};

/// The end of a sentence about TOML that does not parse.
pub(super) fn broken(error: &toml::de::Error) -> String {
    format!("cannot be read: {}; write it again with its own tool", error.message().trim().replace('\n', " "))
}

/// Reads a `poetry.lock`, formats 1 and 2.
pub(super) fn poetry(text: &str) -> Result<Resolved, String> {
    let lock: Table = toml::from_str(text).map_err(|error| broken(&error))?;
    let format =
        lock.get("metadata").and_then(|metadata| metadata.get("lock-version")).and_then(Value::as_str);
    match format {
        Some(format) if format.starts_with("1.") || format.starts_with("2.") => {}
        Some(format) => {
            return Err(format!(
                "has format {format}, which deployctl does not read yet: compare it by hand"
            ));
        }
        None => return Err("names no `lock-version`: write it again with `poetry lock`".to_owned()),
    }
    let mut resolved = Resolved { dialect: "poetry", ..Resolved::default() };
    for package in packages(&lock) {
        let (name, version) = named(package)?;
        let source = package.get("source").and_then(Value::as_table);
        let place = source.map_or("the default index".to_owned(), describe);
        let origin = resolved.add(&name, version).located(Some(&place));
        package.get("files").and_then(Value::as_array).into_iter().flatten().for_each(|file| {
            hash(origin, file.get("file").and_then(Value::as_str), file);
        });
    }
    Ok(resolved)
}

/// Reads a `uv.lock`, format 1.
pub(super) fn uv(text: &str) -> Result<Resolved, String> {
    let lock: Table = toml::from_str(text).map_err(|error| broken(&error))?;
    match lock.get("version").and_then(Value::as_integer) {
        Some(1) => {}
        Some(format) => {
            return Err(format!(
                "has format {format}, which deployctl does not read yet: compare it by hand"
            ));
        }
        None => return Err("names no format version: write it again with `uv lock`".to_owned()),
    }
    let mut resolved = Resolved { dialect: "uv", ..Resolved::default() };
    let members = lock.get("manifest").and_then(|manifest| manifest.get("members")).and_then(Value::as_array);
    resolved.own.extend(members.into_iter().flatten().filter_map(Value::as_str).map(normal));
    for package in packages(&lock) {
        let name = named_only(package)?;
        let source = package.get("source").and_then(Value::as_table);
        let here = ["editable", "virtual"]
            .iter()
            .any(|kind| source.is_some_and(|source| source.contains_key(*kind)));
        if here || resolved.own.contains(&name) {
            resolved.by_members.extend(asked_by(package));
            resolved.own.insert(name);
            continue;
        }
        let version = package.get("version").and_then(Value::as_str).unwrap_or("no version");
        let origin = resolved.add(&name, version).located(source.map(describe).as_deref());
        let wheels = package.get("wheels").and_then(Value::as_array).into_iter().flatten();
        for file in wheels.chain(package.get("sdist")) {
            let place = file.get("url").or_else(|| file.get("path")).or_else(|| file.get("filename"));
            hash(origin, place.and_then(Value::as_str), file);
        }
    }
    Ok(resolved)
}

fn packages(lock: &Table) -> impl Iterator<Item = &Table> {
    lock.get("package").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn named_only(package: &Table) -> Result<String, String> {
    let name = package.get("name").and_then(Value::as_str);
    name.map(normal)
        .ok_or_else(|| "lists a package without a name: write it again with its own tool".to_owned())
}

fn named(package: &Table) -> Result<(String, &str), String> {
    let name = named_only(package)?;
    match package.get("version").and_then(Value::as_str) {
        Some(version) => Ok((name, version)),
        None => Err(format!("gives `{name}` no version: write it again with its own tool")),
    }
}

/// `{ registry = "…" }` as `registry=…`, in the order of the keys.
fn describe(source: &Table) -> String {
    let pair = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
    source.iter().filter_map(pair).collect::<Vec<_>>().join(" ")
}

fn hash(origin: &mut Origin, file: Option<&str>, entry: &Value) {
    if let (Some(file), Some(digest)) = (file, entry.get("hash").and_then(Value::as_str)) {
        origin.checked(file.rsplit('/').next().unwrap_or(file), digest);
    }
}

/// What a member of a uv workspace asks for.
fn asked_by(package: &Table) -> BTreeSet<String> {
    let groups = ["optional-dependencies", "dev-dependencies"].into_iter();
    let groups = groups.filter_map(|key| package.get(key)?.as_table()).flat_map(Table::values);
    let lists = package.get("dependencies").into_iter().chain(groups).filter_map(Value::as_array).flatten();
    lists.filter_map(|entry| entry.get("name")?.as_str()).map(normal).collect()
}

/// A name as PEP 503 compares it: lower case, with single dashes.
fn normal(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// The name at the start of a PEP 508 requirement (`uvicorn[standard]>=0.1; …`).
fn required(requirement: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let start = requirement.trim_start();
    normal(&start[..start.find(|c| !inner(c)).unwrap_or(start.len())])
}

/// The names that a `pyproject.toml` declares: PEP 621, PEP 735, poetry's and uv's own sections.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    let root: Table = toml::from_str(text).ok()?;
    let tool = |name: &str| root.get("tool").and_then(|tool| tool.get(name));
    let project = root.get("project");
    let poetry = tool("poetry");
    let mut lists: Vec<&Value> = Vec::new();
    lists.extend(project.and_then(|project| project.get("dependencies")));
    lists.extend(tool("uv").and_then(|uv| uv.get("dev-dependencies")));
    let tables =
        [project.and_then(|project| project.get("optional-dependencies")), root.get("dependency-groups")];
    lists.extend(tables.into_iter().flatten().filter_map(Value::as_table).flat_map(Table::values));
    let mut names: BTreeSet<String> = lists
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .map(required)
        .collect();
    let groups = poetry.and_then(|poetry| poetry.get("group")).and_then(Value::as_table);
    let mut sections: Vec<&Value> = Vec::new();
    sections.extend(groups.into_iter().flat_map(Table::values).filter_map(|group| group.get("dependencies")));
    sections.extend(["dependencies", "dev-dependencies"].iter().filter_map(|key| poetry?.get(*key)));
    names.extend(
        sections.into_iter().filter_map(Value::as_table).flat_map(Table::keys).map(|name| normal(name)),
    );
    names.remove("python");
    let workspace = tool("uv").is_some_and(|uv| uv.get("workspace").is_some());
    let gathers = workspace && names.is_empty();
    Some(Manifest { names, workspace, gathers })
}
