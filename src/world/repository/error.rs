//! Why the repository could not answer, in sentences that end with what to do.

use std::path::PathBuf;

use crate::gate::terms::CommitId;

/// Why the repository could not answer.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Not inside one.
    #[error(
        "`{}` is not inside a git repository: run `git init` first, or name one with `-C DIR`",
        path.to_string_lossy().escape_debug()
    )]
    Missing {
        /// Where was looked.
        path: PathBuf,
    },
    /// The environment names another repository than the directory.
    #[error(
        "`GIT_DIR` names `{}`, and the repository here is `{}`: unset `GIT_DIR`, or name the repository with `-C DIR`",
        said.to_string_lossy().escape_debug(),
        here.to_string_lossy().escape_debug()
    )]
    Elsewhere {
        /// What `GIT_DIR` names.
        said: PathBuf,
        /// What was found from the directory.
        here: PathBuf,
    },
    /// Somebody else's directory, which git would not read either.
    #[error(
        "this repository belongs to another user, and git itself would not read it: if you trust them, run `git config --global --add safe.directory {}`",
        path.to_string_lossy().escape_debug()
    )]
    Owner {
        /// Its top directory.
        path: PathBuf,
    },
    /// A format that libgit2 cannot open.
    #[error("this repository uses {what}, which deployctl cannot read yet: {fix}")]
    Format {
        /// What it uses.
        what: String,
        /// What to do about it.
        fix: String,
    },
    /// A name that is no commit.
    #[error("`{name}` is not a commit here{hint}")]
    Unknown {
        /// The name.
        name: String,
        /// What is near, or how to get it.
        hint: String,
    },
    /// A name of two commits.
    #[error("`{name}` is ambiguous: it is {}; say the full name", meanings.join(" and "))]
    Ambiguous {
        /// The name.
        name: String,
        /// What it may mean.
        meanings: Vec<String>,
    },
    /// More files than any project has.
    #[error(
        "the commit has more than {max} million files and directories, the last one read is `{path}`, and deployctl reads no more: look with `git ls-tree` whether its directories repeat each other, and choose another commit"
    )]
    TooLarge {
        /// The most that are read, in millions.
        max: usize,
        /// Where it was given up.
        path: String,
    },
    /// A clone without the history that is needed.
    #[error("this clone is shallow: the history between the versions is not here; {DEEPEN}")]
    Shallow,
    /// A clone without the objects that are needed.
    #[error(
        "this is a partial clone, and the {kind} {id} is not here: run `git fetch --refetch --no-filter {remote}`"
    )]
    Partial {
        /// `commit`, `tree` or `file`.
        kind: &'static str,
        /// The object.
        id: String,
        /// The remote that has it.
        remote: String,
    },
    /// An object that is not here, or cannot be read.
    #[error(
        "the {kind} {id} is {state}: run `git fsck`, and fetch again into a fresh clone if it says the same"
    )]
    Broken {
        /// `commit`, `tree` or `file`.
        kind: &'static str,
        /// The object.
        id: String,
        /// `missing` or `broken`.
        state: &'static str,
    },
    /// A commit that was here, or is elsewhere.
    #[error("{what} {commit}, and that commit is not here: run `git fetch {remote} {commit}`")]
    Gone {
        /// What is said of the commit.
        what: String,
        /// The commit.
        commit: CommitId,
        /// Where it may still be.
        remote: String,
    },
    /// A path that cannot be written safely.
    #[error("the commit holds the path `{path}`, which cannot be written safely: {why}")]
    UnsafePath {
        /// The path, escaped.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else git says.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
}

/// What brings the history that a shallow clone lacks.
pub(super) const DEEPEN: &str =
    "run `git fetch --unshallow --tags` (in CI: `fetch-depth: 0` on GitHub, `GIT_DEPTH: 0` on GitLab)";

pub(super) type Result<T, E = RepositoryError> = std::result::Result<T, E>;
