//! What changed beside the lockfiles that were compared: manifests that nobody reads, and other people's lockfiles.

use std::collections::BTreeSet;

use crate::evidence::draft::LockFact;
use crate::evidence::lockfiles::{self, Commit, Compared, Comparison};
use crate::evidence::migrations::PathChange;
use crate::gate::terms::CommitId;
use crate::world::repository::Repository;

/// The changed manifests whose dependencies are not known: no lockfile among the facts follows them.
pub(super) fn unread(
    repository: &Repository,
    before: Option<&CommitId>,
    after: &CommitId,
    paths: &[PathChange],
    facts: &[LockFact],
) -> Vec<LockFact> {
    let none = BTreeSet::new();
    let read_old = |path: &str| repository.blob(before?, path);
    let read_new = |path: &str| repository.blob(after, path);
    let before = before.map(|_| Commit { paths: &none, read: &read_old });
    let after = Commit { paths: &none, read: &read_new };
    let locks: BTreeSet<&str> = facts.iter().map(|fact| fact.path.as_str()).collect();
    let unread = lockfiles::unread_manifests(paths, before, after, &locks);
    let fact =
        |(path, why): (String, String)| LockFact::of(&path, Compared::plain(Comparison::Unreadable { why }));
    unread.into_iter().map(fact).collect()
}

/// The changed lockfiles that lie in directories of other people's code, which were not compared.
pub(super) fn foreign_locks(paths: &[PathChange]) -> Vec<String> {
    let paths = paths.iter().map(|change| &change.path);
    let foreign = |path: &&String| lockfiles::named_so(path).is_some() && lockfiles::is_foreign(path);
    paths.filter(foreign).cloned().collect()
}
