//! Ranges and ancestry, answered from raw commits.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::fs;

use git2::Oid;

use super::commit::raw;
use super::differ::Differ;
use super::error::{RepositoryError, Result};
use super::graph::Graph;
use super::objects::Objects;
use super::walk::{Found, Reads, Stop, Walk};
use super::{Repository, id, oid};
use crate::evidence::commits::{self, Change};
use crate::gate::facts::BranchFact;
use crate::gate::scope::Scope;
use crate::gate::terms::CommitId;

/// The commits between two, or those of them that touch some paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Newest first, children before their parents.
    pub commits: Vec<Change>,
    /// How many there are without regard to paths.
    pub all: usize,
}

/// The graph of a repository, once it was looked for.
pub(super) type KnownGraph = OnceCell<Option<Graph>>;

impl Repository {
    /// Whether a commit is in this clone.
    #[must_use]
    pub fn has(&self, commit: &CommitId) -> bool {
        let found = || Objects::of(self)?.commit(oid(commit)?).map(|_| ());
        found().is_ok()
    }

    /// What a commit says of itself, and its parents.
    ///
    /// # Errors
    /// When it is not here.
    pub fn commit(&self, commit: &CommitId) -> Result<(Change, Vec<CommitId>)> {
        let objects = Objects::of(self)?;
        let at = oid(commit)?;
        let (object, header) = objects.commit(at)?;
        let change = commits::read(&raw(at, object.data(), &header.parents));
        Ok((change, header.parents.into_iter().map(id).collect()))
    }

    /// The time a commit was committed, in seconds since 1970; 0 where the commit does not say one.
    ///
    /// # Errors
    /// When it is not here.
    pub fn committed_at(&self, commit: &CommitId) -> Result<i64> {
        Ok(Objects::of(self)?.commit(oid(commit)?)?.1.time)
    }

    /// Whether one commit is, or descends from, another.
    ///
    /// # Errors
    /// When one of them is not here, or a shallow clone lacks the history that would tell.
    pub fn descends(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool> {
        let (commit, ancestor) = (oid(commit)?, oid(ancestor)?);
        self.walk(Reads::Links, &mut |_| (), &|walk| walk.reaches(commit, ancestor))
    }

    /// Whether a branch, here or on the remote as last fetched, holds a commit.
    ///
    /// # Errors
    /// Git's.
    pub fn branch_holds(&self, branch: &str, remote: Option<&str>, commit: &CommitId) -> Result<BranchFact> {
        let mut names = vec![format!("refs/heads/{branch}")];
        // What the team shares counts before what only this clone says.
        if let Some(remote) = remote {
            names.insert(0, format!("refs/remotes/{remote}/{branch}"));
        }
        for name in names {
            if let Ok(reference) = self.git.find_reference(&name) {
                let tip = id(reference.peel_to_commit()?.id());
                let holds = self.descends(&tip, commit)?;
                return Ok(if holds { BranchFact::Holds } else { BranchFact::Lacks });
            }
        }
        Ok(BranchFact::Absent)
    }

    /// The commits reachable from one and not from the other, newest first.
    ///
    /// # Errors
    /// When history is missing.
    pub fn range(&self, since: Option<&CommitId>, until: &CommitId) -> Result<Vec<Change>> {
        Ok(self.range_of(None, since, until, &mut |_| ())?.commits)
    }

    /// The same, of which only the commits that touch some paths are kept: a commit that differs there from its parent,
    /// as in `git log --full-history -- PATHS`, and a merge that differs there from all of them.
    ///
    /// `progress` is told every so often how many commits were read.
    ///
    /// # Errors
    /// When history is missing.
    pub fn range_of(
        &self,
        scope: Option<&Scope>,
        since: Option<&CommitId>,
        until: &CommitId,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Range> {
        let (since, until) = (since.map(oid).transpose()?, oid(until)?);
        let found = self.walk(Reads::Whole, progress, &|walk| walk.range(since, until))?;
        self.lately.borrow_mut().clear();
        let all = found.len();
        let commits = match scope {
            Some(scope) => self.touching(found, scope, progress)?,
            None => found.into_iter().map(|found| found.change).collect(),
        };
        Ok(Range { commits, all })
    }

    fn touching(
        &self,
        found: Vec<Found>,
        scope: &Scope,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<Change>> {
        let objects = Objects::of(self)?;
        let mut differ = Differ::new(&objects);
        let mut trees: HashMap<Oid, Oid> =
            found.iter().filter_map(|found| Some((oid(&found.change.commit).ok()?, found.tree))).collect();
        let read = found.len();
        let mut kept = Vec::new();
        for found in found {
            progress(read);
            let parents = found.parents()?;
            let Found { change, tree, .. } = found;
            let mut touches = !parents.is_empty() || differ.touches(None, Some(tree), scope)?;
            for parent in parents {
                let before = match trees.get(&parent) {
                    Some(before) => *before,
                    None => *trees.entry(parent).or_insert(objects.commit(parent)?.1.tree),
                };
                touches = touches && differ.touches(Some(before), Some(tree), scope)?;
            }
            if touches {
                kept.push(change);
            }
        }
        Ok(kept)
    }

    /// The nearest proper ancestor that is one of these, newest first.
    ///
    /// # Errors
    /// When history is missing.
    pub fn nearest_ancestor(
        &self,
        commit: &CommitId,
        wanted: &BTreeSet<CommitId>,
    ) -> Result<Option<CommitId>> {
        if wanted.is_empty() {
            return Ok(None);
        }
        let commit = oid(commit)?;
        let wanted = wanted.iter().map(oid).collect::<Result<BTreeSet<Oid>>>()?;
        let whole = self.is_drafting() && self.graph().is_none();
        let reads = if whole { Reads::Whole } else { Reads::Links };
        Ok(self.walk(reads, &mut |_| (), &|walk| walk.nearest(commit, &wanted))?.map(id))
    }

    /// Walks with the graph where that is allowed, and once more without where it does not say what the commits say.
    fn walk<T>(
        &self,
        reads: Reads,
        progress: &mut dyn FnMut(usize),
        walk: &dyn Fn(Walk<'_>) -> Result<T, Stop>,
    ) -> Result<T> {
        let objects = Objects::of(self)?;
        let graph = self.graph();
        match walk(Walk::new(self, &objects, graph, reads, progress)) {
            Err(Stop::Graph) => {}
            Err(Stop::Error(error)) => return Err(error),
            Ok(answer) => return Ok(answer),
        }
        match walk(Walk::new(self, &objects, None, reads, progress)) {
            Ok(answer) => Ok(answer),
            Err(Stop::Error(error)) => Err(error),
            // Without a graph nothing can disagree with it.
            Err(Stop::Graph) => Err(RepositoryError::Shallow),
        }
    }

    /// The commit-graph, while drafting. As in git there is none where commits are not what their objects say.
    fn graph(&self) -> Option<&Graph> {
        if !self.is_drafting() {
            return None;
        }
        let look = || {
            let plain = self.cuts().is_empty() && self.disguises().is_ok_and(|found| found.is_empty());
            plain.then(|| Graph::open(&self.git.commondir().join("objects"))).flatten()
        };
        self.graph.get_or_init(look).as_ref()
    }

    /// The commits at which a shallow clone ends.
    pub(super) fn cuts(&self) -> BTreeSet<Oid> {
        let cuts = fs::read_to_string(self.git.commondir().join("shallow")).unwrap_or_default();
        cuts.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
    }

    /// What makes `git log` show another history than the commits themselves: grafts and replacements. Here they do not
    /// count, and whoever compares should know.
    ///
    /// # Errors
    /// Git's.
    pub fn disguises(&self) -> Result<Vec<&'static str>> {
        let mut found = Vec::new();
        let grafts = fs::read_to_string(self.git.commondir().join("info/grafts")).unwrap_or_default();
        if grafts.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            found.push("grafts (`.git/info/grafts`)");
        }
        if self.git.references_glob("refs/replace/*")?.next().is_some() {
            found.push("replaced objects (`refs/replace/`)");
        }
        Ok(found)
    }
}
