//! What the commits of a range say of each other: who takes whom back, and which stand for commits of another line.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Header, Undo, merges};
use crate::gate::terms::CommitId;

/// Tells each commit of a range, newest first, which of them it takes back, and which one takes it back.
///
/// A revert that is itself taken back takes nothing back any more.
pub fn link(changes: &mut [Change]) {
    if changes.iter().all(|change| change.undoes.is_empty()) {
        return;
    }
    let index = Index::of(changes);
    let mut gone: Vec<Option<usize>> = vec![None; changes.len()];
    let mut reverts: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, change) in changes.iter().enumerate().filter(|(_, change)| !change.undoes.is_empty()) {
        // The range is newest first: what is taken back stands further down.
        let mut targets = BTreeSet::new();
        for undo in &change.undoes {
            let Some(target) = index.find(undo, changes, at) else { continue };
            targets.insert(target);
            if gone[at].is_none() {
                for taken in index.taken(target, undo, changes) {
                    gone[taken].get_or_insert(at);
                }
            }
        }
        reverts.push((at, targets.into_iter().collect()));
    }
    for (at, targets) in reverts {
        changes[at].reverts_here = targets.iter().map(|target| changes[*target].commit.clone()).collect();
    }
    for (at, by) in gone.into_iter().enumerate() {
        changes[at].reverted_by = by.map(|by| Box::new(changes[by].commit.clone()));
    }
}

/// Where to find a commit of the range.
struct Index<'a> {
    ids: BTreeMap<&'a str, usize>,
    pulls: BTreeMap<u64, Vec<usize>>,
    /// Empty where nothing is taken back by its title.
    titles: BTreeMap<&'a str, Vec<usize>>,
    /// The parents of each that are of the range, too; the first parent in its own place. Empty where nothing that a merge
    /// brought can be taken back.
    parents: Vec<(Option<usize>, Vec<usize>)>,
}

impl<'a> Index<'a> {
    fn of(changes: &'a [Change]) -> Self {
        let mut index = Self {
            ids: BTreeMap::new(),
            pulls: BTreeMap::new(),
            titles: BTreeMap::new(),
            parents: Vec::new(),
        };
        let any = |meant: fn(&Undo) -> bool| changes.iter().flat_map(|change| &change.undoes).any(meant);
        let titled = any(|undo| matches!(undo, Undo::Title(_)));
        let brought = any(|undo| matches!(undo, Undo::Merge(..) | Undo::Pull(_)));
        for (at, change) in changes.iter().enumerate() {
            index.ids.insert(change.commit.as_str(), at);
            if let Some(pull) = change.pull {
                index.pulls.entry(pull).or_default().push(at);
            }
            if titled {
                index.titles.entry(change.subject.as_str()).or_default().push(at);
            }
        }
        for change in changes.iter().filter(|_| brought) {
            let mut parents = change.parents.iter().map(|parent| index.ids.get(parent.as_str()).copied());
            let first = parents.next().flatten();
            let others = parents.flatten().collect();
            index.parents.push((first, others));
        }
        index
    }

    /// The one commit below `after` that is meant; none where two could be.
    fn find(&self, undo: &Undo, changes: &[Change], after: usize) -> Option<usize> {
        let only = |mut found: Vec<usize>| (found.len() == 1).then(|| found.remove(0));
        match undo {
            Undo::Commit(id) | Undo::Merge(id, _) => {
                let from =
                    self.ids.range(id.as_str()..).take_while(|(full, _)| full.starts_with(id.as_str()));
                only(from.map(|(_, at)| *at).take(2).collect()).filter(|at| *at > after)
            }
            Undo::Pull(number) => {
                let older = self.pulls.get(number)?.iter().copied().filter(|at| *at > after);
                // A pull request's own merge stands for it; a commit that only mentions it does not.
                let (merges, others): (Vec<usize>, Vec<usize>) = older.partition(|at| changes[*at].merge);
                if merges.is_empty() { only(others) } else { only(merges) }
            }
            Undo::Title(title) => {
                let header = Header::read(title);
                let same = |at: &usize| {
                    *at > after
                        && changes[*at].kind == header.kind
                        && changes[*at].scope.as_deref() == header.scope.as_deref()
                };
                let older = self.titles.get(header.subject.as_str()).into_iter().flatten();
                let found: Vec<usize> = older.copied().filter(same).take(2).collect();
                if found.is_empty() { self.merge_of(title, changes, after) } else { only(found) }
            }
        }
    }

    /// The one merge whose title was shortened: `Merge pull request #12 from …`. Its number alone is not enough.
    fn merge_of(&self, title: &str, changes: &[Change], after: usize) -> Option<usize> {
        let number = merges::read(title, &[]).pull?;
        let whole = title.trim_end_matches(['…', '.']).trim_end();
        // Of `#1…` nobody knows the rest of the number.
        if whole != title && whole.ends_with(|last: char| last.is_ascii_digit()) {
            return None;
        }
        let fits = |at: &usize| *at > after && changes[*at].merge && changes[*at].subject.starts_with(whole);
        let mut found = self.pulls.get(&number)?.iter().copied().filter(fits);
        found.next().filter(|_| found.next().is_none())
    }

    /// What a revert of this one takes back. Of a merge it is all that the merge brought only where its first parent is
    /// said to stay, as forges have it; else which side went is not known, and only the merge itself is told.
    fn taken(&self, at: usize, undo: &Undo, changes: &[Change]) -> Vec<usize> {
        let main_stays = match undo {
            Undo::Merge(_, kept) => {
                changes[at].parents.first().is_some_and(|first| first.as_str().starts_with(kept.as_str()))
            }
            Undo::Pull(_) => true,
            Undo::Commit(_) | Undo::Title(_) => false,
        };
        if main_stays { self.brought(at) } else { vec![at] }
    }

    /// A commit, and when it is a merge, everything that it brought into the line of its first parent.
    fn brought(&self, at: usize) -> Vec<usize> {
        let Some((first, others)) = self.parents.get(at).filter(|(_, others)| !others.is_empty()) else {
            return vec![at];
        };
        let mut seen = vec![false; self.parents.len()];
        self.reach(first.iter().copied().collect(), &mut seen);
        let mut brought = self.reach(others.clone(), &mut seen);
        brought.push(at);
        brought
    }

    /// The commits of the range that can be reached from some of them, without those already seen.
    fn reach(&self, mut next: Vec<usize>, seen: &mut [bool]) -> Vec<usize> {
        let mut found = Vec::new();
        while let Some(at) = next.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                found.push(at);
                let (first, others) = &self.parents[at];
                next.extend(first.iter().chain(others).copied());
            }
        }
        found
    }
}

/// A commit of the range that seems to bring what a commit of another line brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterpart {
    /// The commit of the range.
    pub commit: CommitId,
    /// Whether a trailer says so; else only author and first line are the same.
    pub said: bool,
}

/// For each commit that is live and left behind, what stands for it in the range. The patches are not compared.
#[must_use]
pub fn counterparts(behind: &[Change], changes: &[Change]) -> Vec<Option<Counterpart>> {
    let mut picked: BTreeMap<&str, &Change> = BTreeMap::new();
    let mut titles: BTreeMap<(&str, &str, Option<&str>), &Change> = BTreeMap::new();
    for change in changes.iter().filter(|change| !behind.is_empty() && change.reverted_by.is_none()) {
        if let Some(from) = &change.picked {
            picked.entry(from).or_insert(change);
        }
        if !change.merge && !change.subject.is_empty() {
            titles.entry((&change.subject, &change.author, change.kind)).or_insert(change);
        }
    }
    let by_id: BTreeMap<&str, &Change> =
        changes.iter().map(|change| (change.commit.as_str(), change)).collect();
    let said = |change: &Change| {
        let its_pick = change.commit.as_str();
        let short = (7..its_pick.len()).rev().map(|length| &its_pick[..length]);
        let named = std::iter::once(its_pick).chain(short).find_map(|id| picked.get(id).copied());
        let source = || {
            let from = change.picked.as_deref()?;
            by_id.range(from..).next().filter(|(id, _)| id.starts_with(from)).map(|(_, found)| *found)
        };
        let sibling = || change.picked.as_deref().and_then(|from| picked.get(from).copied());
        named.or_else(source).or_else(sibling)
    };
    let counterpart = |change: &Change| {
        let told = |found: &Change, said| Counterpart { commit: found.commit.clone(), said };
        if let Some(found) = said(change) {
            return Some(told(found, true));
        }
        let key = (change.subject.as_str(), change.author.as_str(), change.kind);
        titles.get(&key).filter(|_| !change.merge).map(|found| told(found, false))
    };
    behind.iter().map(counterpart).collect()
}
