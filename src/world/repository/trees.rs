//! Raw tree objects: every file of a commit, its content, and the digest that approvals bind.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ObjectType, Oid};

use super::error::{RepositoryError, Result};
use super::export::safe_path;
use super::objects::Objects;
use super::{Repository, oid, text};
use crate::gate::terms::{CommitId, Digest};

pub(super) const MODE_TREE: u32 = 0o040_000;
pub(super) const MODE_EXECUTABLE: u32 = 0o100_755;
pub(super) const MODE_LINK: u32 = 0o120_000;
/// A commit of a submodule.
pub(super) const MODE_COMMIT: u32 = 0o160_000;

/// Deeper trees than any real project's are refused instead of overflowing the stack.
pub(super) const TREE_DEPTH_MAX: usize = 256;

/// The most files and directories of one commit that are read. The largest known repositories have three and a half
/// million files; trees that hold each other over and over have as many as they like in a few kilobytes.
const ENTRIES_MAX: usize = 5_000_000;

/// How many files and directories of a commit may still be read.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(ENTRIES_MAX)
    }

    /// Counts one, which stands at a path.
    pub(super) fn take(&mut self, path: &[u8]) -> Result<()> {
        let large = || RepositoryError::TooLarge { max: ENTRIES_MAX / 1_000_000, path: text(path) };
        self.0 = self.0.checked_sub(1).ok_or_else(large)?;
        Ok(())
    }
}

/// A file of a tree.
pub(super) struct Leaf {
    pub(super) mode: u32,
    pub(super) id: Oid,
    pub(super) path: Vec<u8>,
}

/// One entry of a tree object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) mode: u32,
    pub(super) name: &'a [u8],
    pub(super) id: Oid,
}

/// The entries of a raw tree object, each one octal mode, a space, the name, NUL, twenty bytes of id; `None` where it is
/// not made so.
pub(super) fn entries(mut bytes: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|b| *b == b' ')?;
        let mode = u32::from_str_radix(std::str::from_utf8(bytes.get(..space)?).ok()?, 8).ok()?;
        let after = bytes.get(space + 1..)?;
        let nul = after.iter().position(|b| *b == 0)?;
        let (name, after) = after.split_at(nul);
        let id = Oid::from_bytes(after.get(1..21)?).ok()?;
        bytes = after.get(21..)?;
        entries.push(Entry { mode, name, id });
    }
    Some(entries)
}

/// A tree object that does not read as one.
pub(super) fn broken_tree(prefix: &[u8]) -> RepositoryError {
    RepositoryError::UnsafePath { path: text(prefix), why: "its tree object is broken" }
}

pub(super) fn too_deep(prefix: &[u8]) -> RepositoryError {
    RepositoryError::UnsafePath { path: text(prefix), why: "it is more than 256 directories deep" }
}

/// Goes into a directory's entry: its path, with the length to come back to.
pub(super) fn enter(prefix: &mut Vec<u8>, name: &[u8]) -> usize {
    let length = prefix.len();
    if !prefix.is_empty() {
        prefix.push(b'/');
    }
    prefix.extend_from_slice(name);
    length
}

/// What of a change is in a commit.
pub struct ChangeRemains {
    /// The paths at which it is not as it was before the change, escaped.
    pub paths: Vec<String>,
    /// Whether every path is just as the change left it.
    pub is_whole: bool,
}

impl Repository {
    /// Every path of a commit, in git's order; bytes that are not UTF-8 are escaped.
    ///
    /// # Errors
    /// When it is not here.
    pub fn paths(&self, commit: &CommitId) -> Result<Vec<String>> {
        Ok(self.leaves(commit)?.into_iter().map(|leaf| text(&leaf.path)).collect())
    }

    /// The digest of a commit's tree listing: SHA-256 of what `git ls-tree -r -z --full-tree COMMIT` prints.
    ///
    /// # Errors
    /// When it is not here, or holds a path that could not be written safely: nobody shall approve what cannot run.
    pub fn tree_digest(&self, commit: &CommitId) -> Result<Digest> {
        let mut listing = Vec::new();
        let leaves = self.leaves(commit)?;
        all_apart(&leaves)?;
        for Leaf { mode, id, path } in leaves {
            let kind = if mode == MODE_COMMIT { "commit" } else { "blob" };
            listing.extend_from_slice(format!("{mode:06o} {kind} {id}\t").as_bytes());
            listing.extend_from_slice(&path);
            listing.push(0);
        }
        Ok(Digest::of(&listing))
    }

    /// The content of a file of a commit; `None` where there is no such file, or where it cannot be read:
    /// [`Repository::all_read`] then says why.
    #[must_use]
    pub fn blob(&self, commit: &CommitId, path: &str) -> Option<Vec<u8>> {
        self.file(commit, path).unwrap_or_else(|error| {
            self.unread.borrow_mut().get_or_insert(error);
            None
        })
    }

    /// Whether every file that was asked for with [`Repository::blob`] could be looked at. What is not here, as in a
    /// partial clone, must not be taken for what is not there.
    ///
    /// # Errors
    /// Why the first one could not.
    pub fn all_read(&self) -> Result<()> {
        self.unread.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// The names of the files at the top of a commit, in git's order; names that are not UTF-8 are left out.
    ///
    /// # Errors
    /// When it is not here.
    pub fn top_files(&self, commit: &CommitId) -> Result<Vec<String>> {
        let objects = Objects::of(self)?;
        let tree = objects.tree(objects.commit(oid(commit)?)?.1.tree)?;
        let entries = entries(tree.data()).ok_or_else(|| broken_tree(b""))?;
        let files = entries.into_iter().filter(|entry| !matches!(entry.mode, MODE_TREE | MODE_COMMIT));
        Ok(files.filter_map(|entry| String::from_utf8(entry.name.to_vec()).ok()).collect())
    }

    /// The submodules of a commit that another one does not have at the same place and commit. Without `.gitmodules` git
    /// itself has none.
    ///
    /// # Errors
    /// When one of the commits is not here.
    pub fn submodules_moved(&self, before: Option<&CommitId>, after: &CommitId) -> Result<Vec<String>> {
        if self.file(after, ".gitmodules")?.is_none() {
            return Ok(vec![]);
        }
        let links = |commit| -> Result<Vec<Leaf>> {
            Ok(self.leaves(commit)?.into_iter().filter(|leaf| leaf.mode == MODE_COMMIT).collect())
        };
        let old = before.map(links).transpose()?.unwrap_or_default();
        let kept = |leaf: &Leaf| old.iter().any(|old| old.path == leaf.path && old.id == leaf.id);
        let moved = links(after)?.into_iter().filter(|leaf| !kept(leaf));
        Ok(moved.map(|leaf| text(&leaf.path)).collect())
    }

    /// What of the change from one commit to another is in a third: nothing where every path that differs, or that was
    /// touched on the way, is there as it was before, and no content that came with the change is at any path.
    ///
    /// # Errors
    /// When one of the commits is not here.
    pub fn remains_of(
        &self,
        (before, after): (&CommitId, &CommitId),
        touched: &BTreeSet<String>,
        candidate: &CommitId,
    ) -> Result<ChangeRemains> {
        let files = |commit| -> Result<BTreeMap<Vec<u8>, (u32, Oid)>> {
            Ok(self.leaves(commit)?.into_iter().map(|leaf| (leaf.path, (leaf.mode, leaf.id))).collect())
        };
        let (before, after, candidate) = (files(before)?, files(after)?, files(candidate)?);
        let paths: BTreeSet<&Vec<u8>> = before.keys().chain(after.keys()).collect();
        let changed: Vec<&Vec<u8>> =
            paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).collect();
        // An empty file is nobody's content.
        let empty = Oid::hash_object(ObjectType::Blob, b"")?;
        let known: BTreeSet<Oid> = before.values().map(|(_, id)| *id).chain([empty]).collect();
        let new: BTreeSet<Oid> = after.values().map(|(_, id)| *id).filter(|id| !known.contains(id)).collect();
        let passed = before.keys().chain(candidate.keys()).filter(|path| touched.contains(&text(path)));
        let other = changed.iter().copied().chain(passed);
        let other = other.filter(|path| candidate.get(*path) != before.get(*path));
        let moved = candidate.iter().filter(|(_, (_, id))| new.contains(id)).map(|(path, _)| path);
        let paths: BTreeSet<&Vec<u8>> = other.chain(moved).collect();
        Ok(ChangeRemains {
            paths: paths.into_iter().map(|path| text(path)).collect(),
            is_whole: changed.iter().all(|path| candidate.get(*path) == after.get(*path)),
        })
    }

    fn file(&self, commit: &CommitId, path: &str) -> Result<Option<Vec<u8>>> {
        let objects = Objects::of(self)?;
        match self.entry(&objects, commit, path)? {
            None | Some((MODE_TREE | MODE_COMMIT, _)) => Ok(None),
            Some((_, id)) => Ok(Some(objects.blob(id)?.data().to_vec())),
        }
    }

    /// The mode and the id of what stands at a path of a commit.
    pub(super) fn entry(
        &self,
        objects: &Objects<'_>,
        commit: &CommitId,
        path: &str,
    ) -> Result<Option<(u32, Oid)>> {
        let mut next = (MODE_TREE, objects.commit(oid(commit)?)?.1.tree);
        for part in path.split('/') {
            if next.0 != MODE_TREE {
                return Ok(None);
            }
            let tree = objects.tree(next.1)?;
            let entries = entries(tree.data()).ok_or_else(|| broken_tree(path.as_bytes()))?;
            let Some(entry) = entries.into_iter().find(|entry| entry.name == part.as_bytes()) else {
                return Ok(None);
            };
            next = (entry.mode, entry.id);
        }
        Ok(Some(next))
    }

    /// Every file of a commit, in git's order.
    pub(super) fn leaves(&self, commit: &CommitId) -> Result<Vec<Leaf>> {
        let objects = Objects::of(self)?;
        let (_, header) = objects.commit(oid(commit)?)?;
        let mut found = Found { leaves: Vec::new(), budget: Budget::new() };
        collect(&objects, header.tree, &mut Vec::new(), 0, &mut found)?;
        Ok(found.leaves)
    }
}

/// The files on the way.
struct Found {
    leaves: Vec<Leaf>,
    budget: Budget,
}

fn collect(
    objects: &Objects<'_>,
    tree: Oid,
    prefix: &mut Vec<u8>,
    depth: usize,
    found: &mut Found,
) -> Result<()> {
    if depth > TREE_DEPTH_MAX {
        return Err(too_deep(prefix));
    }
    let object = objects.tree(tree)?;
    for Entry { mode, name, id } in entries(object.data()).ok_or_else(|| broken_tree(prefix))? {
        let length = enter(prefix, name);
        found.budget.take(prefix)?;
        if mode == MODE_TREE {
            collect(objects, id, prefix, depth + 1, found)?;
        } else {
            found.leaves.push(Leaf { mode, id, path: prefix.clone() });
        }
        prefix.truncate(length);
    }
    Ok(())
}

/// Each path once, and none that is a file and a directory: git itself writes no such tree.
fn all_apart(leaves: &[Leaf]) -> Result<()> {
    let refuse = |path: &[u8], why| RepositoryError::UnsafePath { path: text(path), why };
    let mut files = BTreeSet::new();
    for leaf in leaves {
        safe_path(&leaf.path)?;
        if !files.insert(leaf.path.as_slice()) {
            return Err(refuse(&leaf.path, "it is there twice"));
        }
    }
    for leaf in leaves {
        let ends = leaf.path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in ends {
            let dir = leaf.path.get(..end).unwrap_or_default();
            if files.contains(dir) {
                return Err(refuse(dir, "it is a file and a directory"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::entries;

    #[test]
    fn a_tree_that_is_cut_off_is_broken_and_not_short() {
        let whole = [b"100644 a\0".as_slice(), &[1; 20], b"40000 b\0", &[2; 20]].concat();
        assert_eq!(entries(&whole).unwrap().len(), 2);
        for length in 1..whole.len() {
            let cut = entries(&whole[..length]);
            assert_eq!(cut.is_some(), length == 29, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries(&bytes);
        }
    }
}
