//! The project's git repository: refs resolved once to full ids, trees and ranges as owned facts.
//!
//! Everything is read from raw objects. Nothing here runs a filter, a hook, a diff driver or fsmonitor, nothing fetches,
//! and neither grafts nor replaced objects count: a commit's parents are the ones that its id stands for.

mod alike;
mod available;
mod commit;
mod differ;
mod drafting;
mod error;
mod export;
mod graph;
mod history;
mod listing;
mod names;
mod objects;
mod tagged;
mod trees;
mod walk;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid};

pub use self::available::Program;
pub use self::drafting::Drafting;
pub use self::error::RepositoryError;
use self::error::Result;
use self::history::KnownGraph;
pub use self::history::Range;
pub use self::listing::Listed;
use self::objects::Trees;
pub use self::tagged::Tagged;
use self::walk::Found;
use crate::gate::terms::CommitId;
use crate::world::process;

/// An open repository.
pub struct Repository {
    git: git2::Repository,
    /// Whether a draft is being made.
    drafting: Cell<bool>,
    graph: KnownGraph,
    /// Commits of the last search for a tag, which the range from that tag would read again.
    lately: RefCell<HashMap<Oid, Found>>,
    trees: RefCell<Trees>,
    /// The first file that was asked for and could not be looked at.
    unread: RefCell<Option<RepositoryError>>,
}

impl Repository {
    /// Opens the repository that holds a directory.
    ///
    /// # Errors
    /// When there is none, or none that can be read, or `GIT_DIR` names another.
    pub fn open(dir: &Path) -> Result<Self> {
        let git = git2::Repository::discover(dir).map_err(|error| cannot_open(dir, error))?;
        same_as_git_dir(dir, &git)?;
        Ok(Self {
            git,
            drafting: Cell::default(),
            graph: KnownGraph::default(),
            lately: RefCell::default(),
            trees: RefCell::default(),
            unread: RefCell::default(),
        })
    }

    /// The top directory of the work tree, or the git directory of a bare repository.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.git.workdir().unwrap_or_else(|| self.git.path())
    }

    /// The git directory that all work trees share.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        self.git.commondir()
    }

    /// The names of the remotes.
    ///
    /// # Errors
    /// Git's.
    pub fn remotes(&self) -> Result<Vec<String>> {
        let names = self.git.remotes()?;
        Ok(names.iter().filter_map(|name| name.ok().flatten().map(str::to_owned)).collect())
    }

    /// The remote that people fetch from when they name none.
    #[must_use]
    pub fn usual_remote(&self) -> String {
        let remotes = self.remotes().unwrap_or_default();
        let usual = remotes.iter().find(|name| *name == "origin").or_else(|| remotes.first());
        usual.cloned().unwrap_or_else(|| "REMOTE".to_owned())
    }

    /// That a commit of which something is said is here.
    ///
    /// # Errors
    /// When it is not, with the line that fetches it: a branch was rewritten, or this clone never had it.
    pub fn must_have(&self, commit: &CommitId, what: &str) -> Result<()> {
        if self.has(commit) {
            return Ok(());
        }
        if self.git.is_shallow() {
            return Err(RepositoryError::Shallow);
        }
        Err(RepositoryError::Gone {
            what: what.to_owned(),
            commit: commit.clone(),
            remote: self.usual_remote(),
        })
    }

    /// What git says of the user: name and address.
    #[must_use]
    pub fn user(&self) -> (Option<String>, Option<String>) {
        let config = self.git.config().and_then(|mut config| config.snapshot()).ok();
        let read = |key: &str| config.as_ref().and_then(|config| config.get_string(key).ok());
        (read("user.name"), read("user.email"))
    }

    /// When HEAD last came from another commit to the one it has, in seconds since 1970, by git's own log of it. `None`
    /// where nothing else was ever checked out here, or nothing was written down.
    #[must_use]
    pub fn head_moved_at(&self) -> Option<i64> {
        let log = std::fs::read_to_string(self.git.path().join("logs/HEAD")).ok()?;
        let moved = |line: &&str| {
            let mut ids = line.split(' ');
            let (old, new) = (ids.next().unwrap_or_default(), ids.next().unwrap_or_default());
            old != new && !old.bytes().all(|digit| digit == b'0')
        };
        let last = log.lines().rev().find(moved)?;
        let (_, after) = last.split('\t').next()?.rsplit_once("> ")?;
        after.split(' ').next()?.parse().ok()
    }

    /// The tracked files of the work tree that are not as HEAD has them. Runs no filter of the repository's.
    ///
    /// # Errors
    /// Git's.
    pub fn edited(&self) -> Result<Vec<String>> {
        if self.git.is_bare() {
            return Ok(vec![]);
        }
        let mut options = git2::StatusOptions::new();
        options.include_untracked(false).include_ignored(false).exclude_submodules(false);
        let edited = self.git.statuses(Some(&mut options))?;
        Ok(edited.iter().map(|entry| text(entry.path_bytes())).collect())
    }
}

/// Git's words for why a repository cannot be opened, and what to do about it.
fn cannot_open(dir: &Path, error: git2::Error) -> RepositoryError {
    let message = error.message();
    let format =
        |what: &str, fix: &str| RepositoryError::Format { what: what.to_owned(), fix: fix.to_owned() };
    match error.code() {
        ErrorCode::NotFound => RepositoryError::Missing { path: dir.to_owned() },
        ErrorCode::Owner => {
            let path = message.split('\'').nth(1).map_or_else(|| dir.to_owned(), PathBuf::from);
            let top = path.parent().filter(|_| path.ends_with(".git")).map(Path::to_owned);
            RepositoryError::Owner { path: top.unwrap_or(path) }
        }
        _ if message.contains("object format") || message.contains("objectformat") => {
            format("SHA-256 object ids", "use a clone with SHA-1 ids; git cannot convert this one")
        }
        _ if message.contains("refstorage") => format(
            "the reftable ref format",
            "run `git refs migrate --ref-format=files` (git 2.46 or newer), or use a clone with the files format",
        ),
        _ if message.contains("extensions.partialclone") => format(
            "git's extension `partialClone`",
            "run `git fetch --refetch --no-filter`, and then `git config --unset extensions.partialClone`",
        ),
        _ => match message.strip_prefix("unsupported extension name extensions.") {
            Some(name) => format(
                &format!("git's extension `{}`", name.escape_debug()),
                "use a clone that git made without it",
            ),
            None => RepositoryError::Git(error),
        },
    }
}

/// Git would read the repository that `GIT_DIR` names, whatever the directory is: two answers about two repositories.
fn same_as_git_dir(dir: &Path, git: &git2::Repository) -> Result<()> {
    let Some(said) = process::variable("GIT_DIR").map(PathBuf::from) else { return Ok(()) };
    let real = |path: &Path| fs::canonicalize(path).ok();
    let link = git.workdir().map(|top| top.join(".git"));
    let here = [Some(git.path()), Some(git.commondir()), link.as_deref()].map(|path| path.and_then(real));
    let meant: Vec<PathBuf> = [dir.join(&said), said.clone()].iter().filter_map(|path| real(path)).collect();
    // What is not there is no repository, and nobody reads it.
    if meant.is_empty() || meant.iter().any(|meant| here.iter().flatten().any(|here| here == meant)) {
        return Ok(());
    }
    Err(RepositoryError::Elsewhere { said, here: git.path().to_owned() })
}

fn oid(commit: &CommitId) -> Result<Oid> {
    Ok(Oid::from_str(commit.as_str())?)
}

fn id(oid: Oid) -> CommitId {
    match oid.as_bytes().try_into() {
        Ok(bytes) => CommitId::of(bytes),
        // Without the feature for longer ids, libgit2 has twenty bytes for each: its own promise.
        Err(_) => unreachable!("libgit2 has the id `{oid}`"),
    }
}

/// A path as text: valid UTF-8 as it is, other bytes as `\xNN`.
fn text(path: &[u8]) -> String {
    path.utf8_chunks().fold(String::new(), |mut out, chunk| {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
        out
    })
}
