//! Whether what would run is here: the content of every file, and programs that steps name by a path.

use super::error::Result;
use super::objects::Objects;
use super::trees::{MODE_COMMIT, MODE_EXECUTABLE, MODE_LINK, MODE_TREE};
use super::{Repository, text};
use crate::gate::terms::CommitId;

/// What stands where a step names a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// An executable file, or a link, of which only running it tells.
    There,
    /// A file that is not executable.
    NotExecutable,
    /// Nothing that runs.
    Absent,
}

impl Repository {
    /// The files of a commit whose content is not in this clone, as in a partial one. Looked up, not read.
    ///
    /// # Errors
    /// When the commit or one of its trees is not here.
    pub fn absent_files(&self, commit: &CommitId) -> Result<Vec<String>> {
        let odb = self.git.odb()?;
        let leaves = self.leaves(commit)?.into_iter();
        let absent = leaves.filter(|leaf| leaf.mode != MODE_COMMIT && !odb.exists(leaf.id));
        Ok(absent.map(|leaf| text(&leaf.path)).collect())
    }

    /// What a commit has at the path of a program, from its top.
    ///
    /// # Errors
    /// When the commit or one of its trees is not here.
    pub fn program(&self, commit: &CommitId, path: &str) -> Result<Program> {
        let objects = Objects::of(self)?;
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.pop().is_none() => return Ok(Program::Absent),
                ".." => {}
                part => parts.push(part),
            }
        }
        for length in 1..=parts.len() {
            let is_last = length == parts.len();
            match self.entry(&objects, commit, &parts[..length].join("/"))? {
                Some((MODE_LINK, _)) => return Ok(Program::There),
                Some((MODE_TREE, _)) if !is_last => {}
                Some((MODE_EXECUTABLE, _)) if is_last => return Ok(Program::There),
                Some((MODE_TREE | MODE_COMMIT, _)) | None => return Ok(Program::Absent),
                Some(_) if is_last => return Ok(Program::NotExecutable),
                Some(_) => return Ok(Program::Absent),
            }
        }
        Ok(Program::Absent)
    }
}
