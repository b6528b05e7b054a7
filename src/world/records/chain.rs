//! Chains of records walked back from a tip, by what the raw commits name, and no further than is asked.

use std::collections::BTreeSet;

use git2::Oid;

use super::{RecordError, Records, id, oid};
use crate::gate::terms::CommitId;

/// Entries that follow each other, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Chain(Vec<Oid>);

impl Chain {
    /// How many they are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The commit at a place, from 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<CommitId> {
        self.0.get(place).copied().map(id)
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<CommitId> {
        self.0.last().copied().map(id)
    }
}

/// Two chains, and where they part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// What only the first has, newest first.
    pub ours: Vec<CommitId>,
    /// What only the second has, newest first.
    pub theirs: Vec<CommitId>,
    /// The newest entry of both.
    pub shared: Option<CommitId>,
}

/// A way back that is being walked.
struct Way {
    walked: Vec<CommitId>,
    seen: BTreeSet<CommitId>,
    next: Option<CommitId>,
}

impl Way {
    fn from(tip: &CommitId) -> Self {
        Self { walked: Vec::new(), seen: BTreeSet::new(), next: Some(tip.clone()) }
    }

    fn step(&mut self, records: &Records) -> Option<CommitId> {
        let commit = self.next.take()?;
        self.next = records.commit(&commit).ok().and_then(|(_, parent)| parent);
        self.walked.push(commit.clone());
        self.seen.insert(commit.clone());
        Some(commit)
    }

    fn before(self, shared: &CommitId) -> Vec<CommitId> {
        self.walked.into_iter().take_while(|commit| commit != shared).collect()
    }
}

impl Records {
    /// The way back from a tip: to an entry where that is on it, else to the first.
    ///
    /// # Errors
    /// The first commit that is not an entry.
    pub fn walk(&self, tip: &CommitId, back_to: Option<&CommitId>) -> Result<Chain, RecordError> {
        let mut chain = Vec::new();
        let mut next = Some(tip.clone());
        while let Some(commit) = next {
            let parent = self.commit(&commit)?.1;
            chain.push(oid(&commit)?);
            next = parent.filter(|_| back_to != Some(&commit));
        }
        chain.reverse();
        Ok(Chain(chain))
    }

    /// Where two ways back part. A commit that is not an entry ends its way.
    #[must_use]
    pub fn fork(&self, ours: &CommitId, theirs: &CommitId) -> Fork {
        let mut ways = [Way::from(ours), Way::from(theirs)];
        while ways.iter().any(|way| way.next.is_some()) {
            for (this, other) in [(0, 1), (1, 0)] {
                let Some(commit) = ways[this].step(self) else { continue };
                if ways[other].seen.contains(&commit) || ways[other].next.as_ref() == Some(&commit) {
                    let [ours, theirs] = ways.map(|way| way.before(&commit));
                    return Fork { ours, theirs, shared: Some(commit) };
                }
            }
        }
        let [ours, theirs] = ways.map(|way| way.walked);
        Fork { ours, theirs, shared: None }
    }
}
