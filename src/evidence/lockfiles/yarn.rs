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
    /// Alias and range, with whether it is only a peer.
    asks: Vec<(String, String, bool)>,
}

/// Reads a `yarn.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let berry = text.lines().any(|line| line.trim_end() == "__metadata:");
    if !berry && !text.contains("# yarn lockfile v1") {
        return Err("does not say that it is a yarn lockfile: write it again with `yarn install`".to_owned());
    }
    let mut resolved = Resolved::of(if berry { "yarn 2" } else { "npm" });
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
    Ok(resolved)
}

fn from_classic(entry: &Entry, version: &str, resolved: &mut Resolved) {
    let keys = entry.key.split(", ").map(|key| key.trim_matches('"'));
    resolved.wanted.extend(keys.clone().map(str::to_owned));
    let (name, wanted) = descriptor(keys.clone().next().unwrap_or_default());
    // A directory that is copied is locked like any other package; one that is linked is not.
    if npm::is_local(wanted) && !wanted.starts_with("file:") {
        resolved.own.insert(name.to_owned());
        return;
    }
    let name = npm::aliased(name, wanted);
    let origin = resolved.add(name, version);
    npm::note(origin, entry.resolved.as_deref(), entry.integrity.as_deref());
    let archive = entry.resolved.as_deref().filter(|place| !place.starts_with("git"));
    if let Some((_, sha1)) = archive.and_then(|place| place.rsplit_once('#')) {
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
        let asks = resolved.member(if member == "." { "" } else { member });
        for (alias, range, peer) in &entry.asks {
            let loose = *peer || npm::is_local(range);
            let range = (!peer).then(|| range.strip_prefix("npm:").unwrap_or(range));
            asks.alias(alias, alias, range, false, loose);
        }
        return Ok(());
    }
    if ["link:", "portal:", "file:"].iter().any(|start| place.starts_with(start)) {
        resolved.own.insert(name.to_owned());
        return Ok(());
    }
    let source = match place.split_once(':') {
        Some(("npm", _)) => "npm registry",
        Some(("patch", _)) => "patched in this project",
        _ => place,
    };
    // An alias is locked under the project's own name for it; what it is in truth is where it comes from.
    let alias = descriptor(entry.key.split(", ").next().unwrap_or_default()).0;
    let origin = if alias == name || alias.is_empty() {
        resolved.add(name, version).located(Some(source))
    } else {
        resolved.aliases.insert(alias.to_owned(), name.to_owned());
        resolved.add(alias, version).located(Some(&format!("{source}, where it is {name}")))
    };
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
        } else if indent == 4
            && entry.version.as_deref() == Some("0.0.0-use.local")
            && matches!(section, "dependencies" | "optionalDependencies" | "peerDependencies")
        {
            entry.asks.push((name.to_owned(), value.to_owned(), section == "peerDependencies"));
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
