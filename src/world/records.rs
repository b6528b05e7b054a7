//! Records: the two branches, one commit an entry, read from raw objects and appended by compare-and-swap.
//!
//! Raw, because libgit2 honours grafts and shallow files, and system git also replace-refs and a poisoned
//! commit-graph: the chain of records is what the objects themselves say.

mod durable;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use git2::{ErrorClass, ErrorCode, ObjectType, Oid};

use self::durable::Durable;
use crate::gate::terms::{CommitId, Digest};
use crate::gate::timeline::RawEntry;

mod chain;

pub use chain::{Chain, Fork};

/// The branch of what people signed.
pub const LEDGER: &str = "refs/heads/deployctl/ledger";
/// The branch of what machines said.
pub const JOURNAL: &str = "refs/heads/deployctl/journal";
/// Where the branches of a remote are kept after a fetch.
pub const FETCHED: &str = "refs/deployctl/fetched";

/// The file of an entry that is signed.
pub const PAYLOAD: &str = "payload.json";
const CONFIG: &str = "deployctl.yaml";
/// How the files end that hold a signature.
const SIGNATURE: &str = ".sig";
/// No record is larger: a checklist of ten thousand commits is about two megabytes.
const FILE_MAX: usize = 32 << 20;
/// No entry has hundreds of files.
const LISTING_MAX: usize = 64 << 10;

/// Why records could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// An object that is missing, broken or not of the shape of an entry.
    #[error("entry {}: {why}", commit.short())]
    Broken {
        /// The git commit of the entry.
        commit: CommitId,
        /// What is wrong.
        why: String,
    },
    /// Somebody holds the ref's lock file.
    #[error("`{}` is in the way: another git process is writing, or one died; if none runs, remove that file", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file could not be made durable.
    #[error("cannot write `{}` to disk: {why}", path.display())]
    Sync {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// A branch whose file holds nothing.
    #[error("`{}` is empty, as a power cut may leave it: {}", path.display(), durable::way_back(branch, last.as_ref()))]
    Emptied {
        /// The file.
        path: PathBuf,
        /// The branch.
        branch: String,
        /// Where it pointed to, as far as this clone knows.
        last: Option<CommitId>,
    },
    /// Anything else git says.
    #[error("git: {}", .0.message())]
    Git(git2::Error),
}

impl From<git2::Error> for RecordError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// The records of a repository.
pub struct Records {
    git: git2::Repository,
}

/// The id of a git object that an entry is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object(Oid);

/// The files of one entry.
pub type Files = BTreeMap<String, Vec<u8>>;

impl Records {
    /// Opens the records of a git directory.
    ///
    /// # Errors
    /// Git's.
    pub fn open(common_dir: &Path) -> Result<Self, RecordError> {
        Ok(Self { git: git2::Repository::open(common_dir)? })
    }

    /// The newest entry of a branch.
    ///
    /// # Errors
    /// When the ref exists and cannot be read.
    pub fn tip(&self, branch: &str) -> Result<Option<CommitId>, RecordError> {
        match self.git.find_reference(branch) {
            Ok(reference) => Ok(reference.target().map(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => self.is_whole(branch).and(Err(error.into())),
        }
    }

    /// One entry.
    ///
    /// # Errors
    /// When the commit is none.
    pub fn one(&self, commit: &CommitId) -> Result<RawEntry, RecordError> {
        self.entry(commit, |_| true, true)
    }

    /// What was signed in one entry, without the files beside it: nothing is decided from such an entry.
    ///
    /// # Errors
    /// When the commit is none.
    pub fn signed(&self, commit: &CommitId) -> Result<RawEntry, RecordError> {
        let is_signed = |name: &str| matches!(name, PAYLOAD | CONFIG) || name.ends_with(SIGNATURE);
        self.entry(commit, is_signed, false)
    }

    /// What one entry says, also without its signatures: of an entry that something signed names by its digest.
    ///
    /// # Errors
    /// When the commit is none.
    pub fn said(&self, commit: &CommitId) -> Result<RawEntry, RecordError> {
        self.entry(commit, |name| matches!(name, PAYLOAD | CONFIG), false)
    }

    /// The ids of the entries up to a tip, newest first, without reading what they hold.
    ///
    /// # Errors
    /// The first commit that is not an entry.
    pub fn chain(&self, tip: &CommitId) -> Result<Vec<CommitId>, RecordError> {
        let mut chain = Vec::new();
        let mut next = Some(tip.clone());
        while let Some(commit) = next {
            next = self.commit(&commit)?.1;
            chain.push(commit);
        }
        Ok(chain)
    }

    /// All files of one entry.
    ///
    /// # Errors
    /// When it is not one.
    pub fn files(&self, commit: &CommitId) -> Result<Files, RecordError> {
        self.files_of(commit, |_| true)
    }

    /// One file of one entry, without reading the others; `None` where it has no such file.
    ///
    /// # Errors
    /// When it is not an entry, or the file is not a plain one of a bearable size.
    pub fn file(&self, commit: &CommitId, name: &str) -> Result<Option<Vec<u8>>, RecordError> {
        let (tree, _) = self.commit(commit)?;
        let tree = self.git.find_tree(tree)?;
        let odb = self.git.odb()?;
        tree.get_name(name).map(|entry| blob(&odb, commit, name, &entry)).transpose()
    }

    /// The listing of an entry's files: two entries with the same one are the same to the byte.
    ///
    /// # Errors
    /// When it is not an entry.
    pub fn tree_of(&self, commit: &CommitId) -> Result<Object, RecordError> {
        Ok(Object(self.commit(commit)?.0))
    }

    /// The plain files of an entry by name, without reading one of them.
    ///
    /// # Errors
    /// When the listing is broken, or of an unbearable size.
    pub fn listing(&self, commit: &CommitId, tree: Object) -> Result<BTreeMap<String, Object>, RecordError> {
        let broken = |why: &str| RecordError::Broken { commit: commit.clone(), why: why.to_owned() };
        let (size, _) =
            self.git.odb()?.read_header(tree.0).map_err(|_| broken("its tree is missing or broken"))?;
        if size > LISTING_MAX {
            return Err(broken("it has more files than an entry has"));
        }
        let tree = self.git.find_tree(tree.0).map_err(|_| broken("its tree is missing or broken"))?;
        let plain = tree.iter().filter(|entry| entry.filemode() == 0o100_644);
        Ok(plain.filter_map(|entry| Some((entry.name().ok()?.to_owned(), Object(entry.id())))).collect())
    }

    /// What a file of an entry holds; `None` where it is missing, broken or larger than so many bytes.
    #[must_use]
    pub fn content(&self, file: Object, most: usize) -> Option<Vec<u8>> {
        let odb = self.git.odb().ok()?;
        let (size, kind) = odb.read_header(file.0).ok()?;
        let bearable = kind == ObjectType::Blob && size <= most;
        bearable.then(|| odb.read(file.0).ok()).flatten().map(|blob| blob.data().to_vec())
    }

    /// The tree and the parent of an entry's commit, parsed from the raw object.
    fn commit(&self, commit: &CommitId) -> Result<(Oid, Option<CommitId>), RecordError> {
        let broken = |why: &str| RecordError::Broken { commit: commit.clone(), why: why.to_owned() };
        let odb = self.git.odb()?;
        let object = odb.read(oid(commit)?).map_err(|_| broken("its commit is missing or broken"))?;
        if object.kind() != ObjectType::Commit {
            return Err(broken("it is not a commit"));
        }
        let mut lines =
            object.data().split(|b| *b == b'\n').map(|line| std::str::from_utf8(line).unwrap_or_default());
        let tree =
            lines.next().and_then(|line| line.strip_prefix("tree ")).and_then(|hex| Oid::from_str(hex).ok());
        let tree = tree.ok_or_else(|| broken("its commit has no tree"))?;
        let mut parents =
            lines.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("parent "));
        let parent = parents.next().map(str::parse::<CommitId>).transpose();
        let parent = parent.map_err(|_| broken("its parent is not an id"))?;
        if parents.next().is_some() {
            return Err(broken("it has two parents: a chain of records has no merges"));
        }
        Ok((tree, parent))
    }

    /// The entry before one, as its raw commit names it.
    ///
    /// # Errors
    /// When the commit is no entry.
    pub fn parent(&self, commit: &CommitId) -> Result<Option<CommitId>, RecordError> {
        Ok(self.commit(commit)?.1)
    }

    /// The same records, for another thread.
    ///
    /// # Errors
    /// Git's.
    pub fn again(&self) -> Result<Self, RecordError> {
        Self::open(self.git.commondir())
    }

    /// The parents of any commit, an entry or not; none where there is no such commit.
    #[must_use]
    pub fn parents(&self, commit: &CommitId) -> Vec<CommitId> {
        let commit = oid(commit).and_then(|commit| self.git.find_commit(commit));
        commit.map(|commit| commit.parent_ids().map(id).collect()).unwrap_or_default()
    }

    /// The files of one entry that are wanted by their names, without reading the others.
    ///
    /// # Errors
    /// When it is not an entry, or a file is not a plain one of a bearable size.
    pub fn files_of(
        &self,
        commit: &CommitId,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Files, RecordError> {
        let (tree, _) = self.commit(commit)?;
        let broken = |why: String| RecordError::Broken { commit: commit.clone(), why };
        let odb = self.git.odb()?;
        let tree =
            self.git.find_tree(tree).map_err(|_| broken("its tree is missing or broken".to_owned()))?;
        let mut files = Files::new();
        for entry in &tree {
            let name = entry.name().unwrap_or_default().to_owned();
            if !is_wanted(&name) {
                continue;
            }
            let bytes = blob(&odb, commit, &name, &entry)?;
            if files.insert(name.clone(), bytes).is_some() {
                return Err(broken(format!("`{name}` is there twice")));
            }
        }
        Ok(files)
    }

    fn entry(
        &self,
        commit: &CommitId,
        is_wanted: impl Fn(&str) -> bool,
        with_attachments: bool,
    ) -> Result<RawEntry, RecordError> {
        let mut files = self.files_of(commit, is_wanted)?;
        let payload = files.remove(PAYLOAD).ok_or_else(|| RecordError::Broken {
            commit: commit.clone(),
            why: format!("it has no `{PAYLOAD}`"),
        })?;
        let mut signatures = BTreeMap::new();
        let mut attachments = BTreeMap::new();
        let config = files.get(CONFIG).cloned();
        for (name, bytes) in files {
            match name.strip_suffix(SIGNATURE) {
                Some(stem) => {
                    signatures.insert(stem.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
                }
                None => {
                    attachments.insert(name, Digest::of(&bytes));
                }
            }
        }
        let attachments = with_attachments.then_some(attachments);
        Ok(RawEntry { commit: commit.clone(), payload, signatures, attachments, config })
    }

    /// Writes an entry's objects to disk, durably, without moving the branch. The same entry has the same id each time; a
    /// `git gc` that takes away half of it meanwhile is no reason to fail.
    ///
    /// # Errors
    /// Git's, or the disk's.
    pub fn write(
        &self,
        parent: Option<&CommitId>,
        files: &Files,
        author: &str,
        at: DateTime<Utc>,
        message: &str,
    ) -> Result<CommitId, RecordError> {
        for _ in 1..WRITE_TRIES {
            match self.write_once(parent, files, author, at, message) {
                Err(RecordError::Git(_)) => {}
                other => return other,
            }
        }
        self.write_once(parent, files, author, at, message)
    }

    fn write_once(
        &self,
        parent: Option<&CommitId>,
        files: &Files,
        author: &str,
        at: DateTime<Utc>,
        message: &str,
    ) -> Result<CommitId, RecordError> {
        let mut written = Vec::new();
        let mut builder = self.git.treebuilder(None)?;
        for (name, bytes) in files {
            let blob = self.git.blob(bytes)?;
            builder.insert(name, blob, 0o100_644)?;
            written.push(blob);
        }
        let tree = builder.write()?;
        written.push(tree);
        let signature = git2::Signature::new(author, "deployctl", &git2::Time::new(at.timestamp(), 0))?;
        let parents = parent.map(|parent| self.git.find_commit(oid(parent)?)).transpose()?;
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        let tree = self.git.find_tree(tree)?;
        let commit = self.git.commit(None, &signature, &signature, message, &tree, &parents)?;
        written.push(commit);
        for object in written {
            self.sync_object(object)?;
        }
        // The directories of objects may be new themselves.
        sync(&self.git.commondir().join("objects"))?;
        Ok(id(commit))
    }

    /// libgit2 does not wait for the disk; a record that a power cut can take back is none.
    fn sync_object(&self, object: Oid) -> Result<(), RecordError> {
        let hex = object.to_string();
        let dir = self.git.commondir().join("objects").join(&hex[..2]);
        let file = dir.join(&hex[2..]);
        // An object that was there before may lie in a pack, which git made durable.
        if file.exists() {
            sync(&file)?;
            sync(&dir)?;
        }
        Ok(())
    }

    /// Whether every object of an entry is on the disk, and not only in this process's memory.
    #[must_use]
    pub fn holds(&self, commit: &CommitId) -> bool {
        Self::open(self.git.commondir()).is_ok_and(|fresh| fresh.files(commit).is_ok())
    }

    /// Moves a branch from one tip to another, only if it is still at the first. `false` when it moved meanwhile.
    ///
    /// # Errors
    /// When a lock file stays in the way, or git's.
    pub fn advance(&self, branch: &str, old: Option<&CommitId>, new: &CommitId) -> Result<bool, RecordError> {
        patiently(|| self.advance_once(branch, old, new))
    }

    fn advance_once(
        &self,
        branch: &str,
        old: Option<&CommitId>,
        new: &CommitId,
    ) -> Result<bool, RecordError> {
        let log = "deployctl";
        let lock = self.git.commondir().join(format!("{branch}.lock"));
        let durable = Durable::open(self.git.commondir());
        let git = durable.as_ref().map_or(&self.git, |durable| &durable.git);
        let moved = match old {
            Some(old) => git.reference_matching(branch, oid(new)?, true, oid(old)?, log).map(|_| ()),
            None => git.reference(branch, oid(new)?, false, log).map(|_| ()),
        };
        match moved {
            Ok(()) => {
                self.sync_ref(branch)?;
                Ok(true)
            }
            Err(error)
                if matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound) =>
            {
                Ok(false)
            }
            Err(error)
                if error.code() == ErrorCode::Locked
                    || (error.class() == ErrorClass::Os && lock.exists()) =>
            {
                Err(RecordError::Locked { path: lock })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Says beforehand that a branch could not be moved, where a lock file is in the way.
    ///
    /// # Errors
    /// When there is one.
    pub fn free(&self, branch: &str) -> Result<(), RecordError> {
        let path = self.git.commondir().join(format!("{branch}.lock"));
        let look = || if path.exists() { Err(RecordError::Locked { path: path.clone() }) } else { Ok(()) };
        patiently(look)
    }

    fn sync_ref(&self, branch: &str) -> Result<(), RecordError> {
        let file = self.git.commondir().join(branch);
        if file.exists() {
            sync(&file)?;
            // The directory may be new itself.
            for dir in file.ancestors().skip(1).take(2) {
                sync(dir)?;
            }
        }
        Ok(())
    }
}

/// Does something that reads each object once: libgit2 would keep all of them.
pub fn uncached<T>(act: impl FnOnce() -> T) -> T {
    git2::opts::enable_caching(false);
    let done = act();
    git2::opts::enable_caching(true);
    done
}

/// How often the objects of an entry are written before git's error counts.
const WRITE_TRIES: usize = 3;
/// How often a lock file is looked at before it counts as left behind.
const LOCK_TRIES: usize = 20;
/// How long a look is waited for: git holds a lock for some milliseconds.
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// Tries again while another git holds a lock, such as one that tidies the repository.
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, RecordError>) -> Result<T, RecordError> {
    for _ in 1..LOCK_TRIES {
        match attempt() {
            Err(RecordError::Locked { .. }) => thread::sleep(LOCK_PAUSE),
            other => return other,
        }
    }
    attempt()
}

/// What was taken away meanwhile needs no disk.
fn sync(path: &Path) -> Result<(), RecordError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(why) if why.kind() != ErrorKind::NotFound => {
            Err(RecordError::Sync { path: path.to_owned(), why })
        }
        _ => Ok(()),
    }
}

fn oid(commit: &CommitId) -> Result<Oid, git2::Error> {
    Oid::from_str(commit.as_str())
}

fn id(oid: Oid) -> CommitId {
    let text = oid.to_string();
    match text.parse() {
        Ok(id) => id,
        // libgit2 writes an id as 40 lower-case hex digits: its own promise.
        Err(_) => unreachable!("libgit2 wrote the id `{text}`"),
    }
}
/// The content of a plain file of an entry.
fn blob(
    odb: &git2::Odb<'_>,
    commit: &CommitId,
    name: &str,
    entry: &git2::TreeEntry<'_>,
) -> Result<Vec<u8>, RecordError> {
    let broken = |why: String| RecordError::Broken { commit: commit.clone(), why };
    if entry.filemode() != 0o100_644 || name.is_empty() {
        return Err(broken(format!("`{}` is not a plain file", name.escape_debug())));
    }
    let (size, _) = odb.read_header(entry.id()).map_err(|_| broken(format!("`{name}` is missing")))?;
    if size > FILE_MAX {
        return Err(broken(format!("`{name}` is larger than 32 MiB")));
    }
    let blob = odb.read(entry.id()).map_err(|_| broken(format!("`{name}` is missing or broken")))?;
    Ok(blob.data().to_vec())
}
