//! The one time when speed may be bought: while a draft is made, which decides nothing.

use std::sync::{Mutex, PoisonError};

use git2::opts;

use super::Repository;

/// How many drafts are being made in this process: the settings of libgit2 are the process's, not a repository's.
static DRAFTS: Mutex<usize> = Mutex::new(0);

/// While this lives, the repository is read as git itself reads it for `git log`:
///
/// - An object's bytes are not hashed again to see that they belong to its id. That is two thirds of the time of a draft,
///   and git does not do it either. Whoever could put wrong bytes there could put a wrong program there.
/// - The commit-graph file, where there is a usable one, says how far down a walk has to go.
/// - libgit2 keeps no objects: a walk reads each one once, and its cache would grow to hundreds of megabytes.
///
/// A draft is a machine's word. What decides (records, audits, exports, and the same facts found out again for an
/// approver) is read after this is dropped, every object hashed and every parent from the commits themselves.
#[must_use = "the shortcuts end when this is dropped"]
pub struct Drafting<'a> {
    repository: &'a Repository,
    before: bool,
}

impl Repository {
    /// Begins a draft; it ends when the answer is dropped.
    pub fn draft(&self) -> Drafting<'_> {
        count(|drafts| drafts + 1);
        Drafting { repository: self, before: self.drafting.replace(true) }
    }

    /// Whether a draft is being made from this repository.
    pub(super) fn is_drafting(&self) -> bool {
        self.drafting.get()
    }
}

impl Drop for Drafting<'_> {
    fn drop(&mut self) {
        self.repository.drafting.set(self.before);
        // What was read unhashed is not used afterwards.
        self.repository.lately.borrow_mut().clear();
        self.repository.trees.take();
        count(|drafts| drafts.saturating_sub(1));
    }
}

fn count(change: impl FnOnce(usize) -> usize) {
    let mut drafts = DRAFTS.lock().unwrap_or_else(PoisonError::into_inner);
    *drafts = change(*drafts);
    let strict = *drafts == 0;
    opts::strict_hash_verification(strict);
    opts::enable_caching(strict);
}
