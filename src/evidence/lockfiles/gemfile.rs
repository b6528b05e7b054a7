//! `Gemfile.lock`, which itself lists what the project asks for.

use std::collections::BTreeSet;

use super::resolved::Resolved;

/// Reads a `Gemfile.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let mut resolved = Resolved { dialect: "gem", ..Resolved::default() };
    let mut direct = BTreeSet::new();
    let (mut section, mut place, mut known) = (String::new(), String::new(), false);
    for line in text.lines() {
        let body = line.trim_start();
        match (line.len() - body.len(), body) {
            (_, "") => {}
            (0, title) => {
                known |= title == "DEPENDENCIES";
                (section, place) = (title.to_owned(), String::new());
            }
            (2, entry) if section == "DEPENDENCIES" => {
                direct.insert(gem(entry).0.trim_end_matches('!').to_owned());
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
            (6, entry) if section == "PATH" && place == "." => drop(direct.insert(gem(entry).0.to_owned())),
            (6, entry) if section == "PATH" => drop(resolved.by_members.insert(gem(entry).0.to_owned())),
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
    resolved.direct = Some(direct);
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
        origin.checked(file, digests.trim());
    }
}
