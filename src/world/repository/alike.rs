//! How much of a change is in another commit by content, whatever its commits are called.

use std::collections::HashMap;

use git2::Oid;

use super::differ::{Differ, Found};
use super::error::Result;
use super::objects::Objects;
use super::trees::{MODE_TREE, broken_tree, entries};
use super::{Repository, oid, text};
use crate::gate::alike::{Alike, Kept, Place};
use crate::gate::terms::CommitId;

/// Paths in order, and what a tree has at each of them.
type Paths<'p> = [(&'p [u8], usize)];

impl Repository {
    /// Which of the files that differ between two commits are in a candidate as in the second of them. It reads the trees
    /// on the way to these files, each once, and no history.
    ///
    /// # Errors
    /// When one of the commits is not here.
    pub fn alike(
        &self,
        before: &CommitId,
        after: &CommitId,
        candidate: &CommitId,
        live: Option<&CommitId>,
    ) -> Result<Alike> {
        let objects = Objects::of(self)?;
        let tree = |commit: &CommitId| -> Result<Oid> { Ok(objects.commit(oid(commit)?)?.1.tree) };
        let (old, new) = (tree(before)?, tree(after)?);
        let mut found = Found::default();
        Differ::new(&objects).collect(Some(old), Some(new), &mut Vec::new(), 0, &mut found)?;
        let paths = found.paths();
        let look = |tree: Oid| -> Result<Vec<Kept>> {
            let mut kept = vec![None; paths.len()];
            let places: Vec<(&[u8], usize)> = paths.iter().map(Vec::as_slice).zip(0..).collect();
            at(&objects, tree, &places, 0, &mut kept)?;
            Ok(kept)
        };
        let (undone, candidate) = (look(new)?, look(tree(candidate)?)?);
        let live = live.map(|live| look(tree(live)?)).transpose()?;
        let live = |index: usize| live.as_ref().map(|live| live.get(index).cloned().flatten());
        let rows = paths.iter().zip(undone).zip(candidate).enumerate();
        let places: Vec<Place> = rows
            .map(|(index, ((path, undone), candidate))| Place {
                path: text(path),
                undone,
                candidate,
                live: live(index),
            })
            .collect();
        Ok(Alike::of(&places))
    }
}

/// Looks paths up that all begin with the directory whose tree it is; `from` is where their next name begins.
fn at(objects: &Objects<'_>, tree: Oid, paths: &Paths<'_>, from: usize, kept: &mut [Kept]) -> Result<()> {
    let object = objects.tree(tree)?;
    let prefix = || paths.first().and_then(|(path, _)| path.get(..from)).unwrap_or_default();
    let found = entries(object.data()).ok_or_else(|| broken_tree(prefix()))?;
    let found: HashMap<&[u8], (u32, Oid)> =
        found.into_iter().map(|entry| (entry.name, (entry.mode, entry.id))).collect();
    let name = |path: &[u8]| -> Vec<u8> {
        let rest = path.get(from..).unwrap_or_default();
        rest.split(|byte| *byte == b'/').next().unwrap_or_default().to_vec()
    };
    for group in paths.chunk_by(|(a, _), (b, _)| name(a) == name(b)) {
        let Some((first, _)) = group.first() else { continue };
        let name = name(first);
        let Some((mode, id)) = found.get(name.as_slice()) else { continue };
        let below = from + name.len() + 1;
        let (files, deeper): (Vec<_>, Vec<_>) = group.iter().partition(|(path, _)| path.len() < below);
        for (_, place) in files.iter().filter(|_| *mode != MODE_TREE) {
            if let Some(kept) = kept.get_mut(*place) {
                *kept = Some((*mode, id.to_string()));
            }
        }
        if *mode == MODE_TREE && !deeper.is_empty() {
            at(objects, *id, &deeper, below, kept)?;
        }
    }
    Ok(())
}
