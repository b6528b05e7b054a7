//! The lockfiles that the candidate has or lost, compared.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::evidence::draft::LockFact;
use crate::evidence::lockfiles::{
    self, Commit, Compared, Comparison, Family, Format, is_foreign, is_lockfile as ours,
};
use crate::evidence::migrations::{ChangeKind, PathChange};
use crate::gate::scope::Scope;
use crate::gate::terms::CommitId;
use crate::world::repository::{Listed, Repository};

/// How many names of a manifest without a lockfile are told.
const NAMES_MAX: usize = 5;

/// Compares each lockfile with the one that it replaces.
///
/// # Errors
/// When a commit cannot be read.
pub(super) fn compare_all(
    repository: &Repository,
    before: Option<&CommitId>,
    after: &CommitId,
    paths: &[PathChange],
    scope: Option<&Scope>,
) -> Result<Vec<LockFact>> {
    let (old, new) = repository.paths_like(before, after, &lockfiles::concerns)?;
    let links = new.iter().filter(|file| file.link && ours(&file.path).is_some());
    let links = links.map(|file| file.path.as_str()).collect();
    let names = |files: &[Listed]| files.iter().map(|file| file.path.clone()).collect::<BTreeSet<String>>();
    let (old_paths, new_paths) = (names(&old), names(&new));
    let read_old = |path: &str| repository.blob(before?, path);
    let read_new = |path: &str| repository.blob(after, path);
    let range = Range {
        links,
        before: before.map(|_| Commit { paths: &old_paths, read: &read_old }),
        after: Commit { paths: &new_paths, read: &read_new },
        changed: paths.iter().map(|change| (change.path.as_str(), change)).collect(),
        scope,
    };
    Ok(range.facts())
}

/// Two commits, and what differs between them.
struct Range<'a> {
    before: Option<Commit<'a>>,
    after: Commit<'a>,
    changed: BTreeMap<&'a str, &'a PathChange>,
    scope: Option<&'a Scope>,
    /// Lockfiles that are links: what they lead to may change unseen.
    links: BTreeSet<&'a str>,
}

impl<'a> Range<'a> {
    /// Which lockfile a path of this project is.
    fn ours(&self, path: &str) -> Option<Format> {
        ours(path).filter(|_| self.scope.is_none_or(|scope| scope.holds(path)))
    }

    fn facts(&self) -> Vec<LockFact> {
        let present: BTreeMap<&'a str, Format> =
            self.after.paths.iter().filter_map(|path| Some((path.as_str(), self.ours(path)?))).collect();
        let old = self.before.map(|before| before.paths).into_iter().flatten();
        let gone = old.filter(|path| !self.after.paths.contains(*path));
        let gone: BTreeMap<&'a str, Format> =
            gone.filter_map(|path| Some((path.as_str(), self.ours(path)?))).collect();
        let mut facts = Vec::new();
        let mut replaced = BTreeSet::new();
        for (path, format) in &present {
            if self.links.contains(path) {
                let why =
                    format!("`{path}` is a link, which is not followed: compare what it leads to by hand");
                facts.push(LockFact::of(path, Compared::plain(Comparison::Unreadable { why })));
                continue;
            }
            if !self.touched(path, *format) {
                facts.push(LockFact::of(path, Compared::plain(Comparison::Unchanged)));
                continue;
            }
            let (fact, replaces) = self.fact(path, *format, &gone);
            facts.push(fact);
            replaced.extend(replaces);
        }
        for (path, format) in gone.iter().filter(|(path, _)| !replaced.contains(*path)) {
            facts.extend(self.lost(path, *format, &present));
        }
        facts.extend(self.unlocked(&present, &facts));
        facts
    }

    /// Whether the lockfile, or a manifest that it may have to follow, differs.
    fn touched(&self, path: &str, format: Format) -> bool {
        let dir = dir(path);
        let manifest = lockfiles::manifest_of(path);
        let manifest = manifest.as_deref().map(name);
        // What a file of requirements includes may lie anywhere and have any name.
        self.changed.contains_key(path)
            || format == Format::Requirements
            || self.changed.range(dir..).take_while(|(changed, _)| changed.starts_with(dir)).any(
                |(changed, _)| {
                    Some(name(changed)) == manifest
                        || (format.family() == Family::Go && name(changed) == "go.sum")
                },
            )
    }

    /// A lockfile that is there, with those that it takes the place of.
    fn fact(
        &self,
        path: &'a str,
        format: Format,
        gone: &BTreeMap<&'a str, Format>,
    ) -> (LockFact, Vec<&'a str>) {
        let Some(before) = self.before else {
            return (
                LockFact { new: true, ..LockFact::of(path, lockfiles::compare(None, (path, self.after))) },
                vec![],
            );
        };
        if before.paths.contains(path) {
            let compared = lockfiles::compare(Some((path, before)), (path, self.after));
            return (LockFact::of(path, compared), vec![]);
        }
        let moved = self.changed.get(path).and_then(|change| change.from.as_deref());
        let moved = moved.and_then(|from| gone.get_key_value(from)).filter(|(_, old)| **old == format);
        let beside =
            gone.iter().filter(|(old, kind)| dir(old) == dir(path) && kind.family() == format.family());
        let replaces: Vec<&'a str> = match moved {
            Some((from, _)) => vec![*from],
            None => beside.map(|(old, _)| *old).collect(),
        };
        let Some(from) = replaces.first().copied() else {
            let compared = lockfiles::compare(None, (path, self.after));
            return (LockFact { new: true, ..LockFact::of(path, compared) }, vec![]);
        };
        let compared = lockfiles::compare(Some((from, before)), (path, self.after));
        (LockFact { switched_from: Some(from.to_owned()), ..LockFact::of(path, compared) }, replaces)
    }

    /// A lockfile that is gone, and that no other took the place of in its directory.
    fn lost(&self, path: &str, format: Format, present: &BTreeMap<&str, Format>) -> Option<LockFact> {
        let before = self.before?;
        let same = |(_, kind): &(&&str, &Format)| kind.family() == format.family();
        // Another one beside it says the same, and always did.
        if present.iter().filter(same).any(|(other, _)| dir(other) == dir(path)) {
            return None;
        }
        let above = present.iter().filter(same).any(|(other, _)| dir(path).starts_with(dir(other)));
        let manifest = lockfiles::manifest_of(path).filter(|_| format != Format::Requirements);
        let project_gone = match &manifest {
            Some(manifest) => !self.after.paths.contains(manifest),
            None => matches!(format, Format::GoMod | Format::Requirements),
        };
        let compared = if above || project_gone {
            lockfiles::all_removed(path, before)
        } else {
            lockfiles::compare(Some((path, before)), (path, self.after))
        };
        Some(LockFact::of(path, compared))
    }

    /// Manifests that ask for more than before, where no lockfile says which versions that means.
    fn unlocked(&self, present: &BTreeMap<&str, Format>, facts: &[LockFact]) -> Vec<LockFact> {
        let mut found = Vec::new();
        for (path, change) in &self.changed {
            let Some(family) = lockfiles::manifest_family(path) else { continue };
            if change.change == ChangeKind::Deleted || is_foreign(path) {
                continue;
            }
            let covers =
                |lock: &str, format: Format| format.family() == family && dir(path).starts_with(dir(lock));
            let covered = present.iter().any(|(lock, format)| covers(lock, *format))
                || facts.iter().any(|fact| ours(&fact.path).is_some_and(|format| covers(&fact.path, format)));
            if covered {
                continue;
            }
            let Some(names) = lockfiles::declared(path, self.after) else { continue };
            let old = self.before.and_then(|before| lockfiles::declared(path, before)).unwrap_or_default();
            let new: Vec<&String> = names.difference(&old).collect();
            if !new.is_empty() {
                found.push(LockFact::of(
                    path,
                    Compared::plain(Comparison::Unreadable { why: no_lockfile(path, &new) }),
                ));
            }
        }
        found
    }
}

fn no_lockfile(path: &str, new: &[&String]) -> String {
    let names: Vec<String> = new.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = new.len().saturating_sub(NAMES_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("`{path}` asks for {}{more}, and no lockfile says which versions that means", names.join(", "))
}

fn dir(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
