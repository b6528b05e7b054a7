//! Tags with their dates, for a past that only they tell.

use git2::ObjectType;

use super::Repository;
use super::error::Result;
use crate::gate::terms::CommitId;

/// A tag that names a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Its name.
    pub name: String,
    /// The commit behind it.
    pub commit: CommitId,
    /// When it was made, in seconds since 1970; of one that does not say it, when its commit was committed.
    pub at: i64,
    /// Whether it is an object of its own.
    pub annotated: bool,
    /// Who made it, as it says: foreign text.
    pub tagger: Option<String>,
}

impl Repository {
    /// Every tag of such a name that names a commit, in the order of the names.
    ///
    /// # Errors
    /// Git's.
    pub fn tagged(&self, like: &dyn Fn(&str) -> bool) -> Result<Vec<Tagged>> {
        let commits = self.tags_like(like)?;
        commits.into_iter().map(|(name, commit)| self.one_tagged(name, commit)).collect()
    }

    fn one_tagged(&self, name: String, commit: CommitId) -> Result<Tagged> {
        let reference = self.git.find_reference(&format!("refs/tags/{name}"))?.resolve()?;
        let object = reference.target().map(|target| self.git.find_object(target, None)).transpose()?;
        let tag = object
            .filter(|object| object.kind() == Some(ObjectType::Tag))
            .and_then(|tag| tag.into_tag().ok());
        let tagger = tag.as_ref().and_then(git2::Tag::tagger);
        let said = tagger.as_ref().map(|tagger| tagger.when().seconds());
        Ok(Tagged {
            at: said.map_or_else(|| self.committed_at(&commit), Ok)?,
            annotated: tag.is_some(),
            tagger: tagger.map(|tagger| String::from_utf8_lossy(tagger.name_bytes()).into_owned()),
            name,
            commit,
        })
    }
}
