//! `yarn.lock`: the form of yarn 1, and the YAML of yarn 2 and later, which is regular enough to be read by its indents.

use super::npm;
use super::resolved::Resolved;

/// One entry: its key and the fields that matter.
#[derive(Default)]
struct Entry {
    key: String,
    version: Option<String>,
    resolution: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    checksum: Option<String>,
    asks: Vec<String>,
}

/// Reads a `yarn.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let berry = text.lines().any(|line| line == "__metadata:");
    if !berry && !text.contains("# yarn lockfile v1") {
        return Err("does not say that it is a yarn lockfile: write it again with `yarn install`".to_owned());
    }
    let dialect = if berry { "yarn 2" } else { "npm" };
    let mut resolved = Resolved { dialect, ..Resolved::default() };
    let mut cache_key = String::new();
    for entry in entries(text)? {
        if entry.key == "__metadata" {
            cache_key = entry.checksum.unwrap_or_default();
            continue;
        }
        let Some(version) = &entry.version else {
            return Err(format!("gives `{}` no version: write it again with `yarn install`", entry.key));
        };
        if berry {
            from_berry(&entry, version, &cache_key, &mut resolved)?;
        } else {
            from_classic(&entry, version, &mut resolved);
        }
    }
    Ok(resolved.without_own())
}

fn from_classic(entry: &Entry, version: &str, resolved: &mut Resolved) {
    let first = entry.key.split(", ").next().unwrap_or_default().trim_matches('"');
    let (name, wanted) = descriptor(first);
    let name = wanted.strip_prefix("npm:").map_or(name, |target| descriptor(target).0);
    let origin = resolved.add(name, version);
    npm::note(origin, entry.resolved.as_deref(), entry.integrity.as_deref());
    if let Some((_, sha1)) = entry.resolved.as_deref().and_then(|place| place.rsplit_once('#')) {
        origin.checked("sha1 of the archive", sha1);
    }
}

fn from_berry(entry: &Entry, version: &str, cache_key: &str, resolved: &mut Resolved) -> Result<(), String> {
    let Some(resolution) = &entry.resolution else {
        return Err(format!("gives `{}` no resolution: write it again with `yarn install`", entry.key));
    };
    let (name, place) = descriptor(resolution);
    if let Some(member) = place.strip_prefix("workspace:") {
        resolved.own.insert(name.to_owned());
        let asks = entry.asks.iter().cloned();
        if member == "." {
            resolved.direct = Some(asks.collect());
        } else {
            resolved.by_members.extend(asks);
        }
        return Ok(());
    }
    let source = match place.split_once(':') {
        Some(("npm", _)) => "npm registry",
        Some(("patch", _)) => "patched in this project",
        _ => place,
    };
    let origin = resolved.add(name, version).located(Some(source));
    if let Some(checksum) = &entry.checksum {
        // A digest of yarn's own archive: it only compares under the same cache key.
        let (key, digest) = checksum.split_once('/').unwrap_or((cache_key, checksum));
        if source != "patched in this project" {
            origin.checked(&format!("archive {key}"), digest);
        }
    }
    Ok(())
}

/// `@scope/name@range` as name and range.
fn descriptor(text: &str) -> (&str, &str) {
    let start = usize::from(text.starts_with('@'));
    match text[start..].find('@') {
        Some(at) => (&text[..start + at], &text[start + at + 1..]),
        None => (text, ""),
    }
}

fn entries(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = "";
    for (at, line) in text.lines().enumerate() {
        let body = line.trim_start();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let indent = line.len() - body.len();
        if indent == 0 {
            let Some(key) = body.trim_end().strip_suffix(':').or_else(|| body.strip_prefix("? ")) else {
                return Err(format!("cannot be read at line {}: write it again with `yarn install`", at + 1));
            };
            entries.push(Entry { key: key.trim_matches('"').to_owned(), ..Entry::default() });
            section = "";
            continue;
        }
        let Some(entry) = entries.last_mut() else {
            return Err(format!("cannot be read at line {}: write it again with `yarn install`", at + 1));
        };
        let (name, value) = field(body);
        if indent == 2 {
            section = if value.is_empty() { name } else { "" };
            set(entry, name, value);
        } else if matches!(section, "dependencies" | "optionalDependencies") && indent == 4 {
            let target =
                value.strip_prefix("npm:").filter(|target| target.rfind('@').is_some_and(|at| at > 0));
            entry.asks.push(target.map_or(name, |target| descriptor(target).0).to_owned());
        }
    }
    Ok(entries)
}

fn set(entry: &mut Entry, name: &str, value: &str) {
    let slot = match name {
        "version" => &mut entry.version,
        "resolution" => &mut entry.resolution,
        "resolved" => &mut entry.resolved,
        "integrity" => &mut entry.integrity,
        "checksum" | "cacheKey" => &mut entry.checksum,
        _ => return,
    };
    *slot = Some(value.to_owned());
}

/// `name "value"`, `name: value` or `"name": "value"`, without the quotes.
fn field(body: &str) -> (&str, &str) {
    let body = body.trim_end();
    let (name, rest) = match body.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        Some((name, rest)) => (name, rest),
        None => body.split_at(body.find([' ', ':']).unwrap_or(body.len())),
    };
    (name, rest.trim_start_matches(':').trim().trim_matches('"'))
}
