//! A branch and the disk: libgit2 waits for it only where the rules of a repository say so.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use git2::ConfigLevel;
use tempfile::NamedTempFile;

use super::{RecordError, Records};
use crate::gate::terms::CommitId;

/// Makes libgit2 wait until the disk has a lock file before that becomes the branch: otherwise a power cut right after
/// would leave an empty one.
const RULE: &str = "[core]\n\tfsyncObjectFiles = true\n";

/// A repository under that rule; the file of the rule is read again and again.
pub(super) struct Durable {
    pub(super) git: git2::Repository,
    _rule: NamedTempFile,
}

impl Durable {
    /// Opens the repository once more. `None` where there is no room for the rule: what is recorded then is made durable
    /// only after the branch has moved, which is better than no record.
    pub(super) fn open(common_dir: &Path) -> Option<Self> {
        let mut rule = NamedTempFile::new().ok()?;
        rule.write_all(RULE.as_bytes()).ok()?;
        let git = git2::Repository::open(common_dir).ok()?;
        git.config().ok()?.add_file(rule.path(), ConfigLevel::App, true).ok()?;
        Some(Self { git, _rule: rule })
    }
}

impl Records {
    /// Says that the file of a branch is there and holds nothing, as after a power cut that came too early for the disk.
    ///
    /// # Errors
    /// When it is so.
    pub fn is_whole(&self, branch: &str) -> Result<(), RecordError> {
        let path = self.git.commondir().join(branch);
        let nothing = |text: Vec<u8>| text.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace());
        if fs::read(&path).is_ok_and(nothing) {
            let last = self.last_logged(branch);
            return Err(RecordError::Emptied { path, branch: branch.to_owned(), last });
        }
        Ok(())
    }

    /// Where a branch pointed to at last, as its log in this clone says.
    fn last_logged(&self, branch: &str) -> Option<CommitId> {
        let log = fs::read_to_string(self.git.commondir().join("logs").join(branch)).ok()?;
        let mut ids = log.lines().rev().filter_map(|line| line.split(' ').nth(1)?.parse::<CommitId>().ok());
        ids.find(|id| super::oid(id).is_ok_and(|oid| self.git.find_commit(oid).is_ok()))
    }
}

/// What brings an empty branch back.
pub(super) fn way_back(branch: &str, last: Option<&CommitId>) -> String {
    match last {
        Some(commit) => format!("remove that file, then run: git update-ref {branch} {commit}"),
        None => {
            "remove that file; the next command takes the records from the ledger's remote, if it has one"
                .to_owned()
        }
    }
}
