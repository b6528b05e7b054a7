//! The project's git repository: refs resolved once to full ids, trees and ranges as owned facts.
//!
//! Everything is read from objects. Nothing here runs a filter, a hook, a diff driver or fsmonitor.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, Sort};

use crate::evidence::commits::RawCommit;
use crate::evidence::migrations::{ChangeKind, PathChange};
use crate::gate::facts::BranchFact;
use crate::gate::terms::{CommitId, Digest, Version};

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
    /// A format that libgit2 cannot open.
    #[error(
        "this repository uses {what}, which deployctl cannot read yet: use a clone with SHA-1 objects and the files ref format"
    )]
    Format {
        /// What it uses.
        what: &'static str,
    },
    /// A name that is no commit.
    #[error("`{name}` is not a commit here{hint}")]
    Unknown {
        /// The name.
        name: String,
        /// What is near, or how to get it.
        hint: String,
    },
    /// A clone without the history that is needed.
    #[error(
        "this clone is shallow: the history between the versions is not here; run `git fetch --unshallow --tags` (in CI: `fetch-depth: 0`)"
    )]
    Shallow,
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

type Result<T, E = RepositoryError> = std::result::Result<T, E>;

/// An open repository.
pub struct Repository {
    git: git2::Repository,
}

/// A file of a tree.
struct Leaf {
    mode: u32,
    id: Oid,
    path: Vec<u8>,
}

const MODE_TREE: u32 = 0o040_000;
const MODE_EXECUTABLE: u32 = 0o100_755;
const MODE_LINK: u32 = 0o120_000;
const MODE_COMMIT: u32 = 0o160_000;

impl Repository {
    /// Opens the repository that holds a directory.
    ///
    /// # Errors
    /// When there is none, or none that can be read.
    pub fn open(dir: &Path) -> Result<Self> {
        let git = git2::Repository::discover(dir).map_err(|error| match error.code() {
            ErrorCode::NotFound => RepositoryError::Missing { path: dir.to_owned() },
            _ if error.message().contains("objectformat") => {
                RepositoryError::Format { what: "SHA-256 object ids" }
            }
            _ if error.message().contains("refstorage") => {
                RepositoryError::Format { what: "the reftable ref format" }
            }
            _ => RepositoryError::Git(error),
        })?;
        Ok(Self { git })
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

    /// What git says of the user: name and address.
    #[must_use]
    pub fn user(&self) -> (Option<String>, Option<String>) {
        let config = self.git.config().and_then(|mut config| config.snapshot()).ok();
        let read = |key: &str| config.as_ref().and_then(|config| config.get_string(key).ok());
        (read("user.name"), read("user.email"))
    }

    /// The branch that HEAD names, where it names one.
    #[must_use]
    pub fn head_branch(&self) -> Option<String> {
        let head = self.git.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok().flatten()?;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// The commit of HEAD; `None` before the first commit.
    ///
    /// # Errors
    /// Git's.
    pub fn head(&self) -> Result<Option<CommitId>> {
        match self.git.head() {
            Ok(head) => Ok(Some(id(head.peel_to_commit()?.id()))),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit of a tag, where there is such a tag.
    ///
    /// # Errors
    /// When the tag names something that is no commit.
    pub fn tag(&self, version: &Version) -> Result<Option<CommitId>> {
        match self.git.find_reference(&format!("refs/tags/{version}")) {
            Ok(reference) => match reference.peel_to_commit() {
                Ok(commit) => Ok(Some(id(commit.id()))),
                Err(_) => Err(RepositoryError::Unknown {
                    name: version.to_string(),
                    hint: ": the tag names something else".to_owned(),
                }),
            },
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit that a name stands for, tags first.
    ///
    /// # Errors
    /// When it stands for none, with the nearest tags.
    pub fn resolve(&self, name: &str) -> Result<CommitId> {
        if let Ok(version) = name.parse::<Version>()
            && let Some(commit) = self.tag(&version)?
        {
            return Ok(commit);
        }
        let found = self.git.revparse_single(name).and_then(|object| object.peel(ObjectType::Commit));
        found.map(|object| id(object.id())).map_err(|_| RepositoryError::Unknown {
            name: name.escape_debug().to_string(),
            hint: self.near(name),
        })
    }

    fn near(&self, name: &str) -> String {
        let tags = self.tags().unwrap_or_default();
        let near = crate::gate::policy::nearest(name, tags.keys().map(String::as_str));
        if near.is_empty() && self.git.is_shallow() {
            return ": this clone is shallow; run `git fetch --unshallow --tags`".to_owned();
        }
        near
    }

    /// Every tag that names a commit.
    ///
    /// # Errors
    /// Git's.
    pub fn tags(&self) -> Result<BTreeMap<String, CommitId>> {
        let mut tags = BTreeMap::new();
        for reference in self.git.references_glob("refs/tags/*")? {
            let reference = reference?;
            let name = reference.name().ok().and_then(|name| name.strip_prefix("refs/tags/"));
            if let (Some(name), Ok(commit)) = (name, reference.peel_to_commit()) {
                tags.insert(name.to_owned(), id(commit.id()));
            }
        }
        Ok(tags)
    }

    /// Whether a commit is in this clone.
    #[must_use]
    pub fn has(&self, commit: &CommitId) -> bool {
        oid(commit).is_ok_and(|oid| self.git.find_commit(oid).is_ok())
    }

    /// Whether one commit is, or descends from, another.
    ///
    /// # Errors
    /// When one of them is not here.
    pub fn descends(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool> {
        let (commit, ancestor) = (oid(commit)?, oid(ancestor)?);
        Ok(commit == ancestor || self.git.graph_descendant_of(commit, ancestor)?)
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

    /// The time a commit was committed, in seconds since 1970.
    ///
    /// # Errors
    /// When it is not here.
    pub fn committed_at(&self, commit: &CommitId) -> Result<i64> {
        let found = self.git.find_commit(oid(commit)?).map_err(|error| self.missing_history(error))?;
        Ok(found.time().seconds())
    }

    /// The commits reachable from one and not from the other, newest first.
    ///
    /// # Errors
    /// When history is missing.
    pub fn range(&self, since: Option<&CommitId>, until: &CommitId) -> Result<Vec<RawCommit>> {
        let mut walk = self.git.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(oid(until)?).map_err(|error| self.missing_history(error))?;
        if let Some(since) = since {
            walk.hide(oid(since)?).map_err(|error| self.missing_history(error))?;
        }
        let mut commits = Vec::new();
        for found in walk {
            let found = found.map_err(|error| self.missing_history(error))?;
            let commit = self.git.find_commit(found).map_err(|error| self.missing_history(error))?;
            commits.push(raw_commit(&commit));
        }
        if self.git.is_shallow() && (since.is_none() || commits.iter().any(|commit| self.is_cut(commit))) {
            return Err(RepositoryError::Shallow);
        }
        Ok(commits)
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
        let mut walk = self.git.revwalk()?;
        walk.set_sorting(Sort::TIME)?;
        walk.push(oid(commit)?)?;
        for found in walk {
            let found = id(found.map_err(|error| self.missing_history(error))?);
            if &found != commit && wanted.contains(&found) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn missing_history(&self, error: git2::Error) -> RepositoryError {
        if self.git.is_shallow() { RepositoryError::Shallow } else { error.into() }
    }

    /// Whether a shallow clone cut the history at this commit.
    fn is_cut(&self, commit: &RawCommit) -> bool {
        let cuts = fs::read_to_string(self.git.commondir().join("shallow")).unwrap_or_default();
        cuts.lines().any(|line| line == commit.id.as_str())
    }

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

    /// The content of a file of a commit.
    #[must_use]
    pub fn blob(&self, commit: &CommitId, path: &str) -> Option<Vec<u8>> {
        let tree = self.git.find_commit(oid(commit).ok()?).ok()?.tree().ok()?;
        let entry = tree.get_path(Path::new(path)).ok()?;
        self.git.find_blob(entry.id()).ok().map(|blob| blob.content().to_vec())
    }

    /// What differs between two commits, by path. A path that is gone and a new one with the same content are a rename.
    ///
    /// # Errors
    /// When one of them is not here.
    pub fn changes(&self, before: Option<&CommitId>, after: &CommitId) -> Result<Vec<PathChange>> {
        let map = |leaves: Vec<Leaf>| -> BTreeMap<Vec<u8>, (u32, Oid)> {
            leaves.into_iter().map(|leaf| (leaf.path, (leaf.mode, leaf.id))).collect()
        };
        let old = before.map(|before| self.leaves(before)).transpose()?.map(map).unwrap_or_default();
        let new = map(self.leaves(after)?);
        let mut gone: BTreeMap<Oid, Vec<&Vec<u8>>> = BTreeMap::new();
        for (path, (_, id)) in old.iter().filter(|(path, _)| !new.contains_key(*path)) {
            gone.entry(*id).or_default().push(path);
        }
        let mut changes = Vec::new();
        for (path, (mode, id)) in &new {
            let change = match old.get(path) {
                Some(before) if before == &(*mode, *id) => continue,
                Some(_) => PathChange { change: ChangeKind::Modified, path: text(path), from: None },
                None => match gone.get_mut(id).and_then(Vec::pop) {
                    Some(from) => {
                        PathChange { change: ChangeKind::Renamed, path: text(path), from: Some(text(from)) }
                    }
                    None => PathChange { change: ChangeKind::Added, path: text(path), from: None },
                },
            };
            changes.push(change);
        }
        let deleted = gone.into_values().flatten();
        changes.extend(deleted.map(|path| PathChange {
            change: ChangeKind::Deleted,
            path: text(path),
            from: None,
        }));
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// Writes a commit's files, from the raw blobs, into a directory that exists and is private and empty.
    ///
    /// # Errors
    /// When the commit holds a path that cannot be written safely, or the system says no.
    pub fn export(&self, commit: &CommitId, into: &Path) -> Result<()> {
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
            let blob = self.git.find_blob(leaf.id)?;
            let mode = if leaf.mode == MODE_EXECUTABLE { 0o700 } else { 0o600 };
            write_new(&path, blob.content(), mode)?;
        }
        // Links last: no file can then be written through one.
        for leaf in links {
            let path = into.join(safe_path(&leaf.path)?);
            make_dirs(path.parent().unwrap_or(into), &mut made)?;
            let blob = self.git.find_blob(leaf.id)?;
            let target = os_path(blob.content());
            std::os::unix::fs::symlink(target, &path)
                .map_err(|source| RepositoryError::Write { path, source })?;
        }
        Ok(())
    }

    /// The tracked files of the work tree that are not as HEAD has them, up to a few. Runs no filter of the repository's.
    ///
    /// # Errors
    /// Git's.
    pub fn edited(&self) -> Result<Vec<String>> {
        let mut options = git2::StatusOptions::new();
        options.include_untracked(false).include_ignored(false).exclude_submodules(false);
        let edited = self.git.statuses(Some(&mut options))?;
        Ok(edited.iter().map(|entry| text(entry.path_bytes())).collect())
    }

    fn leaves(&self, commit: &CommitId) -> Result<Vec<Leaf>> {
        let found = self.git.find_commit(oid(commit)?).map_err(|error| self.missing_history(error))?;
        let tree = found.tree_id();
        let mut leaves = Vec::new();
        let odb = self.git.odb()?;
        walk_tree(&odb, tree, &mut Vec::new(), 0, &mut leaves)?;
        Ok(leaves)
    }
}

/// Deeper trees than any real project's are refused instead of overflowing the stack.
const TREE_DEPTH_MAX: usize = 256;

fn walk_tree(
    odb: &git2::Odb<'_>,
    tree: Oid,
    prefix: &mut Vec<u8>,
    depth: usize,
    out: &mut Vec<Leaf>,
) -> Result<()> {
    let unsafe_path = |path: &[u8], why| RepositoryError::UnsafePath { path: text(path), why };
    if depth > TREE_DEPTH_MAX {
        return Err(unsafe_path(prefix, "it is more than 256 directories deep"));
    }
    let object = odb.read(tree)?;
    let mut rest = object.data();
    while !rest.is_empty() {
        let (mode, name, id, tail) =
            tree_entry(rest).ok_or_else(|| unsafe_path(prefix, "its tree object is broken"))?;
        rest = tail;
        let length = prefix.len();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        prefix.extend_from_slice(name);
        if mode == MODE_TREE {
            walk_tree(odb, id, prefix, depth + 1, out)?;
        } else {
            out.push(Leaf { mode, id, path: prefix.clone() });
        }
        prefix.truncate(length);
    }
    Ok(())
}

/// One entry of a raw tree object: octal mode, a space, the name, NUL, twenty bytes of id.
fn tree_entry(bytes: &[u8]) -> Option<(u32, &[u8], Oid, &[u8])> {
    let space = bytes.iter().position(|b| *b == b' ')?;
    let mode = u32::from_str_radix(std::str::from_utf8(&bytes[..space]).ok()?, 8).ok()?;
    let after = &bytes[space + 1..];
    let nul = after.iter().position(|b| *b == 0)?;
    let (name, after) = (&after[..nul], &after[nul + 1..]);
    let id = Oid::from_bytes(after.get(..20)?).ok()?;
    Some((mode, name, id, &after[20..]))
}

/// A path of a tree that stays below the directory it is written to.
fn safe_path(path: &[u8]) -> Result<PathBuf> {
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

fn raw_commit(commit: &git2::Commit<'_>) -> RawCommit {
    let author = commit.author();
    RawCommit {
        id: id(commit.id()),
        parents: commit.parent_count(),
        author_name: author.name_bytes().to_vec(),
        author_email: author.email_bytes().to_vec(),
        encoding: commit.message_encoding().ok().flatten().map(str::to_owned),
        message: commit.message_raw_bytes().to_vec(),
    }
}

fn oid(commit: &CommitId) -> Result<Oid> {
    Ok(Oid::from_str(commit.as_str())?)
}

fn id(oid: Oid) -> CommitId {
    let text = oid.to_string();
    match text.parse() {
        Ok(id) => id,
        // libgit2 writes an id as 40 lower-case hex digits: its own promise.
        Err(_) => unreachable!("libgit2 wrote the id `{text}`"),
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
