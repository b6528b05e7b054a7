//! Raw objects, and what it means where one is not here: a shallow clone, a partial one, or a broken one.

use std::collections::HashMap;
use std::rc::Rc;

use git2::{ErrorCode, ObjectType, Odb, OdbObject, Oid};

use super::Repository;
use super::commit::Header;
use super::error::{RepositoryError, Result};

/// How many bytes of trees are kept: two commits share most of theirs, and more than one question is asked about the same two.
const KEPT_MAX: usize = 16 << 20;

/// Trees that were read lately.
#[derive(Default)]
pub(super) struct Trees {
    kept: HashMap<Oid, Rc<[u8]>>,
    bytes: usize,
}

/// The object database of a repository, read raw.
pub(super) struct Objects<'a> {
    repository: &'a Repository,
    odb: Odb<'a>,
}

impl<'a> Objects<'a> {
    pub(super) fn of(repository: &'a Repository) -> Result<Self> {
        Ok(Self { repository, odb: repository.git.odb()? })
    }

    /// A commit object with its header.
    pub(super) fn commit(&self, oid: Oid) -> Result<(OdbObject<'_>, Header)> {
        let object = self.read(oid, ObjectType::Commit)?;
        match Header::read(object.data()) {
            Some(header) => Ok((object, header)),
            None => Err(RepositoryError::Broken { kind: "commit", id: oid.to_string(), state: "broken" }),
        }
    }

    /// A tree object.
    pub(super) fn tree(&self, oid: Oid) -> Result<OdbObject<'_>> {
        self.read(oid, ObjectType::Tree)
    }

    /// The bytes of a tree object, kept for whoever asks for it next.
    pub(super) fn kept_tree(&self, oid: Oid) -> Result<Rc<[u8]>> {
        if let Some(tree) = self.repository.trees.borrow().kept.get(&oid) {
            return Ok(Rc::clone(tree));
        }
        let tree: Rc<[u8]> = Rc::from(self.tree(oid)?.data());
        let mut trees = self.repository.trees.borrow_mut();
        if trees.bytes + tree.len() > KEPT_MAX {
            *trees = Trees::default();
        }
        trees.bytes += tree.len();
        trees.kept.insert(oid, Rc::clone(&tree));
        Ok(tree)
    }

    /// A blob.
    pub(super) fn blob(&self, oid: Oid) -> Result<OdbObject<'_>> {
        self.read(oid, ObjectType::Blob)
    }

    fn read(&self, oid: Oid, wanted: ObjectType) -> Result<OdbObject<'_>> {
        let kind = match wanted {
            ObjectType::Commit => "commit",
            ObjectType::Tree => "tree",
            _ => "file",
        };
        match self.odb.read(oid) {
            Ok(object) if object.kind() == wanted => Ok(object),
            Ok(_) => Err(RepositoryError::Broken { kind, id: oid.to_string(), state: "broken" }),
            Err(error) => Err(self.repository.explain(kind, oid, &error)),
        }
    }
}

impl Repository {
    /// Why an object could not be read, and what to do.
    pub(super) fn explain(&self, kind: &'static str, oid: Oid, error: &git2::Error) -> RepositoryError {
        let id = oid.to_string();
        if error.code() != ErrorCode::NotFound {
            return RepositoryError::Broken { kind, id, state: "broken" };
        }
        if let Some(remote) = self.promisor() {
            return RepositoryError::Partial { kind, id, remote };
        }
        if kind == "commit" && self.git.is_shallow() {
            return RepositoryError::Shallow;
        }
        RepositoryError::Broken { kind, id, state: "missing" }
    }

    /// The remote that promised what a partial clone left out.
    fn promisor(&self) -> Option<String> {
        let config = self.git.config().ok()?.snapshot().ok()?;
        let remotes = self.remotes().ok()?;
        remotes
            .into_iter()
            .find(|name| config.get_bool(&format!("remote.{name}.promisor")).unwrap_or(false))
            .or_else(|| config.get_string("extensions.partialclone").ok())
    }
}
