//! `Gemfile.lock`, which itself lists what the project asks for, and the plain lines of a `Gemfile`.

use super::manifest::Asks;
use super::resolved::Resolved;

/// Reads a `Gemfile.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let mut resolved = Resolved::of("gem");
    let (mut section, mut place, mut known) = (String::new(), String::new(), false);
    resolved.member("");
    for line in text.lines() {
        let body = line.trim_start();
        match (line.len() - body.len(), body.trim_end()) {
            (_, "") => {}
            (0, title) => {
                known |= title == "DEPENDENCIES";
                (section, place) = (title.to_owned(), String::new());
            }
            (2, entry) if section == "DEPENDENCIES" => {
                resolved.member("").add(gem(entry).0.trim_end_matches('!'), None, false);
            }
            (2, entry) if section == "CHECKSUMS" => checksum(&mut resolved, entry),
            (2, entry) => {
                for key in ["remote: ", "revision: ", "branch: ", "tag: ", "ref: "] {
                    if let Some(value) = entry.strip_prefix(key) {
                        place = format!("{place} {value}").trim().to_owned();
                    }
                }
            }
            (4, entry) if section == "PATH" => drop(resolved.own.insert(gem(entry).0.to_owned())),
            // What a gem of this repository needs, the project asks for.
            (6, entry) if section == "PATH" => {
                resolved.member(&place).add(gem(entry).0.trim_end_matches('!'), None, false)
            }
            (4, entry) if matches!(section.as_str(), "GEM" | "GIT" | "PLUGIN SOURCE") => {
                if let (name, Some(version)) = gem(entry) {
                    resolved.add(name, version).located(Some(&place));
                }
            }
            _ => {}
        }
    }
    if !known {
        return Err("has no section `DEPENDENCIES`: write it again with `bundle lock`".to_owned());
    }
    Ok(resolved)
}

/// `name (1.2.3)` as name and version, without the platform: `ffi (1.15.5-x86_64-linux)` is version 1.15.5.
fn gem(entry: &str) -> (&str, Option<&str>) {
    let (name, rest) = entry.split_once(' ').unwrap_or((entry, ""));
    let version = rest.strip_prefix('(').and_then(|rest| rest.split(')').next());
    (name, version.map(|version| version.split('-').next().unwrap_or(version)))
}

fn checksum(resolved: &mut Resolved, entry: &str) {
    let (name, Some(version)) = gem(entry) else { return };
    let full = entry.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    if let Some((file, digests)) = full
        && let Some(origin) = resolved.packages.get_mut(name).and_then(|versions| versions.get_mut(version))
    {
        for digest in digests.trim().split(',') {
            origin.checked(file, digest);
        }
    }
}

/// The gems that a `Gemfile` plainly names: Ruby could name others in any way, so that nothing follows from silence.
pub(super) fn declared(text: &str) -> Asks {
    let mut asks = Asks::default();
    for line in text.lines() {
        let Some(rest) =
            line.trim_start().strip_prefix("gem ").or_else(|| line.trim_start().strip_prefix("gem("))
        else {
            continue;
        };
        let conditional = rest.contains(" if ") || rest.contains(" unless ");
        let Some(quote) = rest.trim_start().chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let name = rest.trim_start()[1..].split(quote).next().unwrap_or_default();
        if !conditional && !name.is_empty() && !name.contains("#{") {
            asks.add(name, None, false);
        }
    }
    asks
}
