//! Where a lockfile does not follow its manifests: somebody edited one and did not write the other again.

use std::collections::BTreeSet;

use super::Format;
use super::manifest::{Ask, Asks, Manifest};
use super::resolved::Resolved;

/// Whether ranges are compared too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// Both sides write them alike.
    Compared,
    /// They are written in other words, or not at all.
    Ignored,
}

/// What a manifest asks for and its lockfile does not hold; `said` is what the lockfile keeps of the same member.
pub(super) fn find(
    format: Format,
    manifest: (&str, &Manifest),
    lock: (&str, &Resolved),
    said: Option<&Asks>,
) -> Vec<String> {
    let (path, declared) = (manifest.0, &manifest.1.asks);
    match (format, said) {
        (Format::Npm | Format::Pnpm | Format::Yarn | Format::Bun, Some(said)) => {
            let mut said = said.clone();
            let overruled = lock.1.overruled.as_ref();
            for (name, ask) in &mut said.0 {
                let here = manifest.1.overruled.contains(name) || manifest.1.overruled.contains(&ask.real);
                if here || overruled.is_some_and(|names| names.is_empty() || names.contains(name)) {
                    ask.ranges.clear();
                }
            }
            against(path, lock.0, declared, &said, Range::Compared)
        }
        (Format::Cargo | Format::Uv, Some(said)) => {
            let mut clauses =
                against(path, lock.0, &by_real_name(declared), &by_real_name(said), Range::Ignored);
            if format == Format::Cargo {
                clauses.extend(unmet(path, lock, declared));
            }
            clauses
        }
        (Format::Yarn, None) if !lock.1.wanted.is_empty() => keys(path, lock, manifest.1),
        _ => held(path, lock, declared),
    }
}

fn by_real_name(asks: &Asks) -> Asks {
    Asks(asks.0.values().map(|ask| (ask.real.clone(), ask.clone())).collect())
}

/// What is declared, against what the lockfile keeps of it.
pub(super) fn against(path: &str, lock: &str, declared: &Asks, said: &Asks, range: Range) -> Vec<String> {
    let must = declared.0.iter().filter(|(_, ask)| !ask.loose);
    must.filter_map(|(name, ask)| match said.0.get(name) {
        None => Some(missing(path, lock, name)),
        Some(known) if range == Range::Compared => other_range(path, lock, name, ask, known),
        Some(_) => None,
    })
    .collect()
}

fn missing(path: &str, lock: &str, name: &str) -> String {
    format!("`{path}` asks for `{name}`, and `{lock}` does not know of it")
}

fn other_range(path: &str, lock: &str, name: &str, ask: &Ask, known: &Ask) -> Option<String> {
    let plain = |range: &String| {
        let range = range.trim();
        range.strip_prefix("npm:").unwrap_or(range).to_owned()
    };
    // What is patched, or kept in a catalog, is written in other words on both sides.
    let odd = |range: &String| {
        ["patch:", "catalog:", "workspace:", "link:", "file:", "portal:"]
            .iter()
            .any(|start| range.starts_with(start))
    };
    if ask.ranges.iter().chain(&known.ranges).any(odd) || known.ranges.is_empty() {
        return None;
    }
    let known: BTreeSet<String> = known.ranges.iter().map(plain).collect();
    let new = ask.ranges.iter().map(plain).find(|range| !known.contains(range))?;
    let old = known.into_iter().next().unwrap_or_default();
    Some(format!("`{path}` asks for `{name}` {new}, and `{lock}` was written for {old}"))
}

/// The keys of a yarn 1 lockfile are the very ranges that were asked for.
fn keys(path: &str, lock: (&str, &Resolved), manifest: &Manifest) -> Vec<String> {
    let must = manifest.asks.0.iter().filter(|(name, ask)| !ask.loose && !manifest.overruled.contains(*name));
    let clause = |(name, ask): (&String, &Ask)| {
        if !lock.1.packages.contains_key(&ask.real) {
            return Some(missing(path, lock.0, name));
        }
        let lost = ask.ranges.iter().find(|range| !lock.1.wanted.contains(&format!("{name}@{range}")))?;
        Some(format!("`{path}` asks for `{name}` {lost}, and `{}` was not written for that", lock.0))
    };
    must.filter_map(clause).collect()
}

/// Each declared name is locked, or something stands in for it.
fn held(path: &str, lock: (&str, &Resolved), declared: &Asks) -> Vec<String> {
    let is_held = |ask: &Ask| {
        let resolved = lock.1;
        ask.loose
            || resolved.packages.contains_key(&ask.real)
            || resolved.own.contains(&ask.real)
            || resolved.provided.contains(&ask.real)
    };
    declared.0.iter().filter(|(_, ask)| !is_held(ask)).map(|(name, _)| missing(path, lock.0, name)).collect()
}

/// Plain requirements such as `1.2` that no locked version meets.
fn unmet(path: &str, lock: (&str, &Resolved), declared: &Asks) -> Vec<String> {
    let clause = |(name, ask): (&String, &Ask)| {
        let locked = lock.1.packages.get(&ask.real)?;
        let lost = ask.ranges.iter().find(|range| {
            let met = locked.keys().map(|version| meets(range, version)).collect::<Option<Vec<bool>>>();
            met.is_some_and(|met| !met.contains(&true))
        })?;
        let versions: Vec<&str> = locked.keys().map(String::as_str).collect();
        Some(format!("`{path}` asks for `{name}` {lost}, and `{}` locks {}", lock.0, versions.join(", ")))
    };
    declared.0.iter().filter(|(_, ask)| !ask.loose).filter_map(clause).collect()
}

/// Whether a version meets `1`, `1.2`, `1.2.3`, with `^` or without, as Cargo reads it; none where that is not plain.
fn meets(range: &str, version: &str) -> Option<bool> {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        plain.then(|| text.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok())?
    };
    let want = numbers(range.trim().trim_start_matches('^').trim())?;
    let have = numbers(version.split('+').next().unwrap_or(version))?;
    if want.is_empty() || want.len() > 3 || have.len() != 3 {
        return None;
    }
    // The leftmost number that is not zero may not move, nor any before it.
    let fixed = want.iter().position(|number| *number != 0).map_or(want.len(), |at| at + 1);
    let padded: Vec<u64> = want.iter().copied().chain([0; 3]).take(3).collect();
    Some(have[..fixed] == padded[..fixed] && have >= padded)
}

#[cfg(test)]
mod tests {
    use super::meets;

    #[test]
    fn a_plain_requirement_is_read_as_cargo_reads_it() {
        for (range, version, expected) in [
            ("1", "1.9.0", Some(true)),
            ("1.2.3", "1.2.2", Some(false)),
            ("1.2.3", "2.0.0", Some(false)),
            ("0.2", "0.2.9", Some(true)),
            ("0.2", "0.3.0", Some(false)),
            ("0.0.3", "0.0.4", Some(false)),
            ("0", "0.9.0", Some(true)),
            ("0.0", "0.1.0", Some(false)),
            ("^1.2", "1.3.0+meta", Some(true)),
            (">=1, <3", "2.0.0", None),
            ("=1.0.0", "1.0.0", None),
            ("1", "1.0.0-rc.1", None),
            ("", "1.0.0", None),
            ("1.2.3.4", "1.2.3", None),
            ("99999999999999999999", "1.0.0", None),
        ] {
            assert_eq!(meets(range, version), expected, "{range} {version}");
        }
    }
}
