//! A commit's files, written from raw blobs into a private directory.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::{RepositoryError, Result};
use super::objects::Objects;
use super::trees::{Leaf, MODE_COMMIT, MODE_EXECUTABLE, MODE_LINK};
use super::{Repository, text};
use crate::gate::terms::CommitId;

impl Repository {
    /// Writes a commit's files, from the raw blobs, into a directory that exists and is private and empty.
    ///
    /// # Errors
    /// When the commit holds a path that cannot be written safely, or the system says no.
    pub fn export(&self, commit: &CommitId, into: &Path) -> Result<()> {
        let objects = Objects::of(self)?;
        let leaves = self.leaves(commit)?;
        let (links, files): (Vec<&Leaf>, Vec<&Leaf>) = leaves.iter().partition(|leaf| leaf.mode == MODE_LINK);
        let mut made = BTreeSet::from([into.to_owned()]);
        for leaf in &files {
            let path = into.join(safe_path(&leaf.path)?);
            if leaf.mode == MODE_COMMIT {
                make_dirs(&path, &mut made)?;
                continue;
            }
            make_dirs(path.parent().unwrap_or(into), &mut made)?;
            let blob = objects.blob(leaf.id)?;
            let mode = if leaf.mode == MODE_EXECUTABLE { 0o700 } else { 0o600 };
            write_new(&path, blob.data(), mode)?;
        }
        // Links last: no file can then be written through one.
        for leaf in links {
            let path = into.join(safe_path(&leaf.path)?);
            make_dirs(path.parent().unwrap_or(into), &mut made)?;
            let blob = objects.blob(leaf.id)?;
            let target = os_path(blob.data());
            std::os::unix::fs::symlink(target, &path)
                .map_err(|source| RepositoryError::Write { path, source })?;
        }
        Ok(())
    }
}

/// A path of a tree that stays below the directory it is written to.
pub(super) fn safe_path(path: &[u8]) -> Result<PathBuf> {
    let refuse = |why| RepositoryError::UnsafePath { path: text(path), why };
    for part in path.split(|b| *b == b'/') {
        if part.is_empty() || part == b"." || part == b".." {
            return Err(refuse("it would leave its directory"));
        }
        if part.eq_ignore_ascii_case(b".git") {
            return Err(refuse("it would be a git directory"));
        }
    }
    Ok(PathBuf::from(os_path(path)))
}

fn os_path(bytes: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

fn make_dirs(dir: &Path, made: &mut BTreeSet<PathBuf>) -> Result<()> {
    if made.contains(dir) {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        make_dirs(parent, made)?;
    }
    fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(|source| RepositoryError::Write { path: dir.to_owned(), source })?;
    made.insert(dir.to_owned());
    Ok(())
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let failed = |source| RepositoryError::Write { path: path.to_owned(), source };
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(content).map_err(failed)
}
