//! `Package.resolved` of Swift, formats 1 to 3, and the addresses in a `Package.swift`.

use serde_json::Value;

use super::manifest::{Asks, Manifest};
use super::npm;
use super::resolved::Resolved;

/// Reads a `Package.resolved`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let lock: Value = serde_json::from_str(text).map_err(|error| npm::broken(&error))?;
    let pins = match lock.get("version").and_then(Value::as_u64) {
        Some(1) => lock.get("object").and_then(|object| object.get("pins")),
        Some(2 | 3) => lock.get("pins"),
        Some(format) => {
            return Err(format!(
                "has format {format}, which deployctl does not read yet: compare it by hand"
            ));
        }
        None => return Err("names no version of its format: run `swift package resolve`".to_owned()),
    };
    let Some(pins) = pins.and_then(Value::as_array) else {
        return Err("lists no pins: run `swift package resolve`".to_owned());
    };
    let mut resolved = Resolved::of("swift");
    for pin in pins {
        let field = |key: &str| pin.get(key).and_then(Value::as_str);
        let state = |key: &str| pin.get("state").and_then(|state| state.get(key)).and_then(Value::as_str);
        let location = field("location").or(field("repositoryURL")).unwrap_or_default();
        let revision = state("revision").unwrap_or("no version");
        let name = identity(location);
        let name = if name.is_empty() {
            field("identity").or(field("package")).unwrap_or_default().to_lowercase()
        } else {
            name
        };
        let origin = resolved.add(&name, state("version").unwrap_or(revision)).located(Some(location));
        // A tag that was moved keeps its version.
        origin.checked("revision", revision);
    }
    Ok(resolved)
}

/// The package's identity: the last part of its address, in lower case.
fn identity(location: &str) -> String {
    let last = location.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    last.strip_suffix(".git").unwrap_or(last).to_lowercase()
}

/// The addresses that a `Package.swift` plainly names.
pub(super) fn manifest(text: &str) -> Manifest {
    let mut asks = Asks::default();
    for (at, key) in text.match_indices("url:") {
        let rest = text[at + key.len()..].trim_start();
        if let Some(address) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
            let name = identity(address);
            asks.alias(&name, &name, None, false, true);
        }
    }
    Manifest { asks, ..Manifest::default() }
}
