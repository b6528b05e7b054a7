//! What a project was before its records: versions by its git tags. Nobody signed that, and nothing is decided by it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::statement::{PayloadError, SCHEMA, canonical};
use super::terms::{CommitId, Environment, Version};

/// The most tags of one import, and of all that are shown: more than a release a day for twenty years.
pub const TAGS_MAX: usize = 10_000;

/// One line of the journal about tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// [`SCHEMA`].
    pub schema: String,
    /// Where the versions are said to have been.
    pub environment: Environment,
    /// Who imported them, as that machine knew it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The tags, the oldest first.
    pub tags: Vec<Tag>,
    /// Whether it takes back what was imported of the environment before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo: bool,
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Its name.
    pub version: Version,
    /// The commit behind it.
    pub commit: CommitId,
    /// When it was made; of one that says nothing itself, when its commit was.
    pub at: DateTime<Utc>,
    /// Whether it is an object of its own, with a date and a name.
    pub annotated: bool,
    /// Who made it, as it says: foreign text.
    pub tagger: Option<String>,
}

impl Import {
    /// Reads `imported.json`; `None` where it is none, not in canonical bytes, or of more than [`TAGS_MAX`].
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let import: Self = serde_json::from_slice(bytes).ok()?;
        let holds = import.schema == SCHEMA && import.tags.len() <= TAGS_MAX && import.bytes().ok()? == bytes;
        holds.then_some(import)
    }

    /// Its bytes, in canonical JSON.
    ///
    /// # Errors
    /// The encoder's.
    pub fn bytes(&self) -> Result<Vec<u8>, PayloadError> {
        canonical(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Import, TAGS_MAX, Tag};
    use crate::gate::statement::SCHEMA;

    fn import(tags: usize) -> Import {
        let at = "2026-11-23T10:00:00Z".parse().expect("a moment");
        let tag = |number: usize| Tag {
            version: format!("v{number}").parse().expect("a version"),
            commit: "a".repeat(40).parse().expect("an id"),
            at,
            annotated: true,
            tagger: Some("Dana".to_owned()),
        };
        let environment = "production".parse().expect("an environment");
        let tags = (0..tags).map(tag).collect();
        Import { schema: SCHEMA.to_owned(), environment, by: "dana".to_owned(), at, tags, undo: false }
    }

    #[test]
    fn an_import_reads_back_and_nothing_else_does() {
        let bytes = import(2).bytes().expect("bytes");
        assert_eq!(Import::read(&bytes), Some(import(2)));
        assert_eq!(Import::read(&[&bytes[..], b"\n"].concat()), None);
        assert_eq!(Import::read(b"{}"), None);
        let many = import(TAGS_MAX + 1).bytes().expect("bytes");
        assert_eq!(Import::read(&many), None);
    }
}
