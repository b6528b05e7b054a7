//! `poetry.lock`, `uv.lock` and `pyproject.toml`.

use toml::{Table, Value};

use super::manifest::{Asks, Manifest};
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
    let mut resolved = Resolved::of("poetry");
    let metadata = lock.get("metadata");
    let stamp = metadata.and_then(|metadata| metadata.get("content-hash")).and_then(Value::as_str);
    resolved.stamp = stamp.map(str::to_owned);
    // The oldest form keeps the files of all packages in one place.
    let together = metadata.and_then(|metadata| metadata.get("files").or_else(|| metadata.get("hashes")));
    for package in packages(&lock) {
        let (name, version) = named(package)?;
        let source = package.get("source").and_then(Value::as_table);
        if let Some(place) = source.and_then(local) {
            resolved.member(place);
            resolved.own.insert(name);
            continue;
        }
        let place = source.map_or("the default index".to_owned(), describe);
        let written = package.get("name").and_then(Value::as_str).unwrap_or_default();
        let files = package.get("files").or_else(|| together?.get(written)).and_then(Value::as_array);
        let origin = resolved.add(&name, version).located(Some(&place));
        for file in files.into_iter().flatten() {
            hash(origin, file.get("file").and_then(Value::as_str), file);
            origin.checked("sha256", file.as_str().unwrap_or_default());
        }
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
    let mut resolved = Resolved::of("uv");
    let about = lock.get("manifest");
    let members = about.and_then(|manifest| manifest.get("members")).and_then(Value::as_array);
    let members: Vec<String> = members.into_iter().flatten().filter_map(Value::as_str).map(normal).collect();
    for package in packages(&lock) {
        let name = named_only(package)?;
        let source = package.get("source").and_then(Value::as_table);
        if let Some(place) = source.and_then(local) {
            asked_by(package, resolved.member(if place == "." { "" } else { place }));
            resolved.own.insert(name);
            continue;
        }
        if source.is_none() && members.contains(&name) {
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
    // A root without a package of its own is only known by what its groups ask for.
    let groups = about.and_then(|manifest| manifest.get("dependency-groups")).and_then(Value::as_table);
    for list in groups.into_iter().flat_map(Table::values) {
        add_names(list, true, resolved.member(""));
    }
    Ok(resolved)
}

/// The directory of a package that lies in this repository.
fn local(source: &Table) -> Option<&str> {
    let by_type = source.get("type").and_then(Value::as_str) == Some("directory");
    let place = if by_type { source.get("url") } else { None };
    let kinds = ["editable", "virtual", "directory"];
    place.or_else(|| kinds.iter().find_map(|kind| source.get(*kind))).and_then(Value::as_str)
}

pub(super) fn packages(lock: &Table) -> impl Iterator<Item = &Table> {
    lock.get("package").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

pub(super) fn named_only(package: &Table) -> Result<String, String> {
    let name = package.get("name").and_then(Value::as_str);
    name.map(normal)
        .ok_or_else(|| "lists a package without a name: write it again with its own tool".to_owned())
}

pub(super) fn named(package: &Table) -> Result<(String, &str), String> {
    let name = named_only(package)?;
    match package.get("version").and_then(Value::as_str) {
        Some(version) => Ok((name, version)),
        None => Err(format!("gives `{name}` no version: write it again with its own tool")),
    }
}

/// `{ registry = "…" }` as `registry=…`, in the order of the keys.
pub(super) fn describe(source: &Table) -> String {
    let pair = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
    source.iter().filter_map(pair).collect::<Vec<_>>().join(" ")
}

pub(super) fn hash(origin: &mut Origin, file: Option<&str>, entry: &Value) {
    if let (Some(file), Some(digest)) = (file, entry.get("hash").and_then(Value::as_str)) {
        origin.checked(file.rsplit('/').next().unwrap_or(file), digest);
    }
}

/// What a member of a uv workspace asks for.
fn asked_by(package: &Table, asks: &mut Asks) {
    let metadata = package.get("metadata").and_then(Value::as_table);
    let of = |table: Option<&Table>, key: &str| table.and_then(|table| table.get(key)).cloned();
    let tables = [
        (of(Some(package), "optional-dependencies"), false),
        (of(Some(package), "dev-dependencies"), true),
        (of(metadata, "requires-dev"), true),
    ];
    for list in [of(Some(package), "dependencies"), of(metadata, "requires-dist")].iter().flatten() {
        add_names(list, false, asks);
    }
    for (table, dev) in tables {
        let lists = table.as_ref().and_then(Value::as_table).into_iter().flat_map(Table::values);
        lists.for_each(|list| add_names(list, dev, asks));
    }
}

fn add_names(list: &Value, dev: bool, asks: &mut Asks) {
    let entries = list.as_array().into_iter().flatten();
    entries
        .filter_map(|entry| entry.get("name")?.as_str())
        .for_each(|name| asks.add(&normal(name), None, dev));
}

/// A name as PEP 503 compares it: lower case, with single dashes.
pub(super) fn normal(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// The name at the start of a PEP 508 requirement (`uvicorn[standard]>=0.1; …`).
pub(super) fn required(requirement: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let start = requirement.trim_start();
    normal(&start[..start.find(|c| !inner(c)).unwrap_or(start.len())])
}

/// What a `pyproject.toml` declares: PEP 621, PEP 735, and the sections of poetry, uv and pdm.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    let root: Table = toml::from_str(text).ok()?;
    let at = |path: &[&str]| -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(root.get(*first)?, |value, key| value.get(*key))
    };
    let mut asks = Asks::default();
    for (path, dev) in
        [(&["project", "dependencies"][..], false), (&["tool", "uv", "dev-dependencies"], true)]
    {
        at(path).into_iter().for_each(|list| requirements(list, dev, &mut asks));
    }
    for (path, dev) in [
        (&["project", "optional-dependencies"][..], false),
        (&["dependency-groups"], true),
        (&["tool", "pdm", "dev-dependencies"], true),
    ] {
        let lists = at(path).and_then(Value::as_table).into_iter().flat_map(Table::values);
        lists.for_each(|list| requirements(list, dev, &mut asks));
    }
    at(&["tool", "poetry", "dependencies"]).into_iter().for_each(|table| section(table, false, &mut asks));
    at(&["tool", "poetry", "dev-dependencies"]).into_iter().for_each(|table| section(table, true, &mut asks));
    let groups =
        at(&["tool", "poetry", "group"]).and_then(Value::as_table).into_iter().flat_map(Table::values);
    groups.filter_map(|group| group.get("dependencies")).for_each(|table| section(table, true, &mut asks));
    asks.0.remove("python");
    // Sources of the repository itself need not be locked.
    let sources = at(&["tool", "uv", "sources"]).and_then(Value::as_table).into_iter().flatten();
    for (name, source) in sources {
        let here = source.get("workspace").is_some() || source.get("path").is_some();
        if let Some(ask) = asks.0.get_mut(&normal(name)).filter(|_| here) {
            ask.loose = true;
        }
    }
    let name = at(&["project", "name"]).or_else(|| at(&["tool", "poetry", "name"])).and_then(Value::as_str);
    let name = name.map(normal);
    // Extras may ask for the package's own other extras.
    if let Some(own) = &name {
        asks.0.remove(own);
    }
    Some(Manifest { name, asks, ..Manifest::default() })
}

/// A list of PEP 508 requirements; tables in it include other groups.
fn requirements(list: &Value, dev: bool, asks: &mut Asks) {
    let entries = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    for entry in entries.filter(|entry| !entry.trim_start().starts_with(['-', '.', '/'])) {
        let name = required(entry);
        // A requirement for some machines only may be left out of the lockfile.
        let local = entry.contains("@ file:") || entry.contains(';');
        asks.alias(&name, &name, Some(entry), dev, local);
    }
}

/// A section of poetry's or pipenv's own: names with ranges, or with tables.
pub(super) fn section(table: &Value, dev: bool, asks: &mut Asks) {
    for (name, entry) in table.as_table().into_iter().flatten() {
        let name = normal(name);
        let range = entry.as_str().or_else(|| entry.get("version").and_then(Value::as_str));
        let loose = ["path", "markers", "python", "platform", "sys_platform", "file"]
            .iter()
            .any(|key| entry.get(*key).is_some());
        let place = entry.as_table().map(describe).unwrap_or_default();
        asks.alias(&name, &name, Some(range.unwrap_or(&place)), dev, loose);
    }
}
