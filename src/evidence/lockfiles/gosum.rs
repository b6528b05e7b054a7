//! `go.sum`: checksums of what `go.mod` pins. Beside a `go.mod` that names everything it tells only whether a version
//! is still the same; without one it is all there is.

use std::collections::BTreeSet;

use super::Commit;
use super::format::split;
use super::gomod;
use super::project::text;
use super::resolved::{Resolved, Told};

/// Reads a `go.sum`.
pub(super) fn read(source: &str, path: &str, commit: &Commit<'_>) -> Result<Resolved, String> {
    let mut resolved = Resolved::of("go.sum");
    let beside = text(commit, &format!("{}go.mod", split(path).0));
    for (at, line) in source.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, version, digest) = match words.as_slice() {
            [] => continue,
            [name, version, digest] => (*name, *version, *digest),
            _ => return Err(format!("cannot be read at line {}: run `go mod tidy`", at + 1)),
        };
        // The checksum of a module's `go.mod` alone says nothing about what is built.
        let (version, what) = match version.strip_suffix("/go.mod") {
            Some(version) => (version, "go.mod"),
            None => (version, "module"),
        };
        let Some((algorithm, digest)) = digest.split_once(':') else {
            return Err(format!("cannot be read at line {}: run `go mod tidy`", at + 1));
        };
        resolved.add(name, version).checked(&format!("{algorithm} of the {what}"), digest);
    }
    if let Some(beside) = beside {
        let place = format!("{}go.mod", split(path).0);
        let module = gomod::read(&beside, &place, commit).unwrap_or_default();
        resolved.members = module.members;
        let names = module.packages.into_keys().chain(module.own).collect();
        resolved.told = Some(Told { names, whole: gomod::names_indirect(&beside) });
    }
    Ok(resolved)
}

/// The modules that a `go.mod` names and the `go.sum` beside it has no checksum of: a build would refuse them.
pub(super) fn lacking(module: &Resolved, sum: &str) -> Vec<String> {
    let known: BTreeSet<(&str, &str)> = sum
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, version) = (words.next()?, words.next()?);
            Some((name, version.strip_suffix("/go.mod").unwrap_or(version)))
        })
        .collect();
    let pairs = module.packages.iter().flat_map(|(name, versions)| {
        versions.iter().map(move |(version, origin)| (name.as_str(), version.as_str(), origin))
    });
    pairs
        .filter(|(name, version, origin)| {
            !known.contains(&(*name, *version))
                && !origin.sources.iter().any(|place| place.starts_with("replaced"))
        })
        .map(|(name, version, _)| format!("{name} {version}"))
        .collect()
}
