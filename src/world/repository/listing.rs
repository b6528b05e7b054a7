//! The paths of two commits that somebody asks for, each tree that both share read once.

use std::collections::HashMap;
use std::ops::Range;

use git2::Oid;

use super::error::Result;
use super::objects::Objects;
use super::trees::{
    Budget, Entry, MODE_LINK, MODE_TREE, TREE_DEPTH_MAX, broken_tree, enter, entries, too_deep,
};
use super::{Repository, oid, text};
use crate::gate::terms::CommitId;

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path, from the repository's root.
    pub path: String,
    /// Whether it is a symbolic link: its content is then the path of another file.
    pub link: bool,
}

impl Repository {
    /// The files of two commits, the earlier one first, whose path is wanted, in git's order. A directory that both
    /// have is read once.
    ///
    /// # Errors
    /// When one of the commits is not here.
    pub fn paths_like(
        &self,
        before: Option<&CommitId>,
        after: &CommitId,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(Vec<Listed>, Vec<Listed>)> {
        let objects = Objects::of(self)?;
        let list = |commit: &CommitId, mut lister: Lister| -> Result<Lister> {
            lister.tree(&objects, wanted, objects.commit(oid(commit)?)?.1.tree, &mut vec![], 0)?;
            Ok(lister)
        };
        let new = list(after, Lister::after(Places::new(), vec![]))?;
        Ok(match before {
            None => (vec![], new.found),
            Some(before) => {
                let old = list(before, Lister::after(new.here, new.found))?;
                (old.found, old.shared)
            }
        })
    }
}

/// For each directory, which tree that was and where its files stand in a list.
type Places = HashMap<Vec<u8>, (Oid, Range<usize>)>;

/// Lists one commit, after another one that it shares most trees with.
struct Lister {
    seen: Places,
    shared: Vec<Listed>,
    here: Places,
    found: Vec<Listed>,
    budget: Budget,
}

impl Lister {
    fn after(seen: Places, shared: Vec<Listed>) -> Self {
        Self { seen, shared, here: Places::new(), found: Vec::new(), budget: Budget::new() }
    }

    fn tree(
        &mut self,
        objects: &Objects<'_>,
        wanted: &dyn Fn(&str) -> bool,
        id: Oid,
        prefix: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if depth > TREE_DEPTH_MAX {
            return Err(too_deep(prefix));
        }
        if let Some((_, range)) = self.seen.get(prefix).filter(|(seen, _)| *seen == id) {
            self.found.extend_from_slice(&self.shared[range.clone()]);
            return Ok(());
        }
        let start = self.found.len();
        let tree = objects.kept_tree(id)?;
        for Entry { mode, name, id } in entries(&tree).ok_or_else(|| broken_tree(prefix))? {
            let length = enter(prefix, name);
            self.budget.take(prefix)?;
            if mode == MODE_TREE {
                self.tree(objects, wanted, id, prefix, depth + 1)?;
            } else {
                self.file(wanted, mode, prefix);
            }
            prefix.truncate(length);
        }
        self.here.insert(prefix.clone(), (id, start..self.found.len()));
        Ok(())
    }

    fn file(&mut self, wanted: &dyn Fn(&str) -> bool, mode: u32, path: &[u8]) {
        let take = |path: String| Listed { path, link: mode == MODE_LINK };
        match std::str::from_utf8(path) {
            Ok(path) if wanted(path) => self.found.push(take(path.to_owned())),
            Ok(_) => {}
            Err(_) => self.found.extend(Some(text(path)).filter(|path| wanted(path)).map(take)),
        }
    }
}
