//! The lockfiles that the candidate has or lost, compared.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::evidence::draft::LockFact;
use crate::evidence::lockfiles::{self, Comparison, Side};
use crate::evidence::migrations::{ChangeKind, PathChange};
use crate::gate::terms::CommitId;
use crate::world::repository::Repository;

/// Directories whose lockfiles are other people's.
fn foreign(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "node_modules" | "vendor" | "third_party" | "testdata" | "fixtures"))
}
/// Compares each lockfile with the one that it replaces.
///
/// # Errors
/// When a commit cannot be read.
pub(super) fn compare_all(
    repository: &Repository,
    before: Option<&CommitId>,
    after: &CommitId,
    paths: &[PathChange],
) -> Result<Vec<LockFact>> {
    let is_ours = |path: &String| lockfiles::is_lockfile(path).is_some() && !foreign(path);
    let present: BTreeSet<String> = repository.paths(after)?.into_iter().filter(is_ours).collect();
    let gone = paths.iter().filter(|change| change.change == ChangeKind::Deleted && is_ours(&change.path));
    let gone: BTreeSet<String> = gone.map(|change| change.path.clone()).collect();
    let changed: BTreeSet<&String> = paths.iter().map(|change| &change.path).collect();
    let mut facts = Vec::new();
    let mut replaced = BTreeSet::new();
    for path in &present {
        if !changed.contains(path) {
            facts.push(LockFact { path: path.clone(), new: false, comparison: Comparison::Unchanged });
            continue;
        }
        let new_here = before.is_none_or(|before| repository.blob(before, path).is_none());
        let switched = gone.iter().find(|old| new_here && dir(old) == dir(path));
        let old = switched.unwrap_or(path);
        replaced.extend(switched.cloned());
        let comparison = compare(repository, before, old, after, path);
        facts.push(LockFact { path: path.clone(), new: new_here && switched.is_none(), comparison });
    }
    for path in gone.difference(&replaced) {
        let comparison = compare(repository, before, path, after, path);
        facts.push(LockFact { path: path.clone(), new: false, comparison });
    }
    Ok(facts)
}

fn dir(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn compare(
    repository: &Repository,
    before: Option<&CommitId>,
    old: &str,
    after: &CommitId,
    new: &str,
) -> Comparison {
    let read =
        |commit: Option<&CommitId>, path: &str| commit.and_then(|commit| repository.blob(commit, path));
    let manifest = |commit, path: &str| lockfiles::manifest_of(path).and_then(|path| read(commit, &path));
    let (old_lock, old_manifest) = (read(before, old), manifest(before, old));
    let (new_lock, new_manifest) = (read(Some(after), new), manifest(Some(after), new));
    lockfiles::compare_across(
        (old, Side { lock: old_lock.as_deref(), manifest: old_manifest.as_deref() }),
        (new, Side { lock: new_lock.as_deref(), manifest: new_manifest.as_deref() }),
    )
}
