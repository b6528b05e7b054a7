//! What differs between two commits, from raw trees: equal subtrees are skipped by their id alone.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use git2::Oid;

use super::error::Result;
use super::objects::Objects;
use super::trees::{Budget, Entry, MODE_TREE, TREE_DEPTH_MAX, broken_tree, enter, entries, too_deep};
use super::{Repository, oid, text};
use crate::evidence::migrations::{ChangeKind, PathChange};
use crate::gate::scope::Scope;
use crate::gate::terms::CommitId;

impl Repository {
    /// What differs between two commits, by path. A path that is gone and a new one with the same content are a rename.
    ///
    /// # Errors
    /// When one of them is not here.
    pub fn changes(&self, before: Option<&CommitId>, after: &CommitId) -> Result<Vec<PathChange>> {
        let objects = Objects::of(self)?;
        let tree = |commit: &CommitId| -> Result<Oid> { Ok(objects.commit(oid(commit)?)?.1.tree) };
        let (old, new) = (before.map(tree).transpose()?, tree(after)?);
        let mut found = Found::default();
        let mut differ = Differ::new(&objects);
        differ.collect(old, Some(new), &mut Vec::new(), 0, &mut found)?;
        Ok(found.changes())
    }
}

/// The leaves that differ, before anybody asks where a file went.
#[derive(Default)]
pub(super) struct Found {
    modified: Vec<Vec<u8>>,
    added: Vec<(Vec<u8>, Oid)>,
    deleted: BTreeMap<Vec<u8>, Oid>,
}

impl Found {
    /// The paths alone, each once, in order.
    pub(super) fn paths(self) -> Vec<Vec<u8>> {
        let added = self.added.into_iter().map(|(path, _)| path);
        let all: BTreeSet<Vec<u8>> =
            self.modified.into_iter().chain(added).chain(self.deleted.into_keys()).collect();
        all.into_iter().collect()
    }

    fn changes(mut self) -> Vec<PathChange> {
        let mut gone: BTreeMap<Oid, Vec<&Vec<u8>>> = BTreeMap::new();
        for (path, id) in &self.deleted {
            gone.entry(*id).or_default().push(path);
        }
        let plain = |change, path: &[u8]| PathChange { change, path: text(path), from: None };
        let mut changes: Vec<PathChange> =
            self.modified.iter().map(|path| plain(ChangeKind::Modified, path)).collect();
        self.added.sort();
        for (path, id) in &self.added {
            changes.push(match gone.get_mut(id).and_then(Vec::pop) {
                Some(from) => {
                    PathChange { change: ChangeKind::Renamed, path: text(path), from: Some(text(from)) }
                }
                None => plain(ChangeKind::Added, path),
            });
        }
        changes.extend(gone.into_values().flatten().map(|path| plain(ChangeKind::Deleted, path)));
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        changes
    }
}

/// Compares trees.
pub(super) struct Differ<'a> {
    objects: &'a Objects<'a>,
    /// What one comparison may still read.
    budget: Budget,
}

impl<'a> Differ<'a> {
    pub(super) fn new(objects: &'a Objects<'a>) -> Self {
        Self { objects, budget: Budget::new() }
    }

    fn tree(&self, id: Option<Oid>) -> Result<Rc<[u8]>> {
        id.map_or_else(|| Ok(Rc::from([])), |id| self.objects.kept_tree(id))
    }

    pub(super) fn collect(
        &mut self,
        old: Option<Oid>,
        new: Option<Oid>,
        prefix: &mut Vec<u8>,
        depth: usize,
        found: &mut Found,
    ) -> Result<()> {
        if old == new {
            return Ok(());
        }
        if depth > TREE_DEPTH_MAX {
            return Err(too_deep(prefix));
        }
        let (old, new) = (self.tree(old)?, self.tree(new)?);
        for (old, new) in differing(&old, &new, prefix)? {
            let Some(name) = new.or(old).map(|entry| entry.name) else { continue };
            let length = enter(prefix, name);
            self.budget.take(prefix)?;
            let is_tree = |entry: &Entry<'_>| entry.mode == MODE_TREE;
            let (old_tree, new_tree) = (old.filter(is_tree), new.filter(is_tree));
            if old_tree.is_some() || new_tree.is_some() {
                let id = |entry: Option<Entry<'_>>| entry.map(|entry| entry.id);
                self.collect(id(old_tree), id(new_tree), prefix, depth + 1, found)?;
            }
            match (old.filter(|entry| !is_tree(entry)), new.filter(|entry| !is_tree(entry))) {
                (Some(_), Some(_)) => found.modified.push(prefix.clone()),
                (None, Some(new)) => found.added.push((prefix.clone(), new.id)),
                (Some(old), None) => {
                    found.deleted.insert(prefix.clone(), old.id);
                }
                (None, None) => {}
            }
            prefix.truncate(length);
        }
        Ok(())
    }

    /// Whether two trees differ in a path of a scope.
    pub(super) fn touches(&mut self, old: Option<Oid>, new: Option<Oid>, scope: &Scope) -> Result<bool> {
        self.budget = Budget::new();
        self.touches_below(old, new, scope, &mut Vec::new(), 0)
    }

    fn touches_below(
        &mut self,
        old: Option<Oid>,
        new: Option<Oid>,
        scope: &Scope,
        prefix: &mut Vec<u8>,
        depth: usize,
    ) -> Result<bool> {
        if old == new {
            return Ok(false);
        }
        if depth > TREE_DEPTH_MAX {
            return Err(too_deep(prefix));
        }
        let (old, new) = (self.tree(old)?, self.tree(new)?);
        for (old, new) in differing(&old, &new, prefix)? {
            let Some(name) = new.or(old).map(|entry| entry.name) else { continue };
            let length = enter(prefix, name);
            self.budget.take(prefix)?;
            let path = text(prefix);
            let is_tree = |entry: &Entry<'_>| entry.mode == MODE_TREE;
            let (old_tree, new_tree) = (old.filter(is_tree), new.filter(is_tree));
            let leaf = [old, new].iter().flatten().any(|entry| !is_tree(entry));
            let mut touched = leaf && scope.holds(&path);
            if !touched && (old_tree.is_some() || new_tree.is_some()) && scope.may_hold_below(&path) {
                let id = |entry: Option<Entry<'_>>| entry.map(|entry| entry.id);
                touched = self.touches_below(id(old_tree), id(new_tree), scope, prefix, depth + 1)?;
            }
            prefix.truncate(length);
            if touched {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

type Pair<'t> = (Option<Entry<'t>>, Option<Entry<'t>>);

/// The entries that are not the same in both trees, by name. A file and a directory of one name are two entries.
fn differing<'t>(old: &'t [u8], new: &'t [u8], prefix: &[u8]) -> Result<Vec<Pair<'t>>> {
    let read = |bytes: &'t [u8]| -> Result<Vec<Entry<'t>>> {
        let mut entries = entries(bytes).ok_or_else(|| broken_tree(prefix))?;
        // git writes them in this order; whoever writes trees by other means may not.
        if !entries.is_sorted_by(|a, b| in_git_order(a, b).is_le()) {
            entries.sort_by(in_git_order);
        }
        Ok(entries)
    };
    let (mut old, mut new) = (read(old)?.into_iter().peekable(), read(new)?.into_iter().peekable());
    let mut pairs = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return Ok(pairs),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => in_git_order(old, new),
        };
        let pair = match order {
            Ordering::Less => (old.next(), None),
            Ordering::Greater => (None, new.next()),
            Ordering::Equal => (old.next(), new.next()),
        };
        if pair.0 != pair.1 {
            pairs.push(pair);
        }
    }
}

/// By name, a directory's as if it ended in `/`.
fn in_git_order(a: &Entry<'_>, b: &Entry<'_>) -> Ordering {
    let end = |entry: &Entry<'_>| (entry.mode == MODE_TREE).then_some(&b'/');
    a.name.iter().chain(end(a)).cmp(b.name.iter().chain(end(b)))
}
