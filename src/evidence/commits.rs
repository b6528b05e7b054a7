//! One raw commit to one change: its type, its first line, what it reverts, and whether it says that it breaks something.

mod marks;
mod text;

use serde::{Deserialize, Serialize};

use crate::gate::terms::CommitId;

/// The types that count as Conventional Commits, as in `@commitlint/config-conventional`.
///
/// A word and a colon is not a convention: projects write `Thumbnails: …` or `ignore: …` for areas of their code.
const TYPES: [&str; 11] =
    ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"];

/// A commit as it stands in the object database, before anything is believed about its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawCommit {
    /// The full id.
    pub id: CommitId,
    /// How many parents it has: two or more is a merge.
    pub parents: usize,
    /// The author's name, in the commit's encoding.
    pub author_name: Vec<u8>,
    /// The author's address, in the commit's encoding.
    pub author_email: Vec<u8>,
    /// The `encoding` header. Absent means UTF-8.
    pub encoding: Option<String>,
    /// The whole message, in the commit's encoding.
    pub message: Vec<u8>,
}

/// What one commit says. Every text in it is foreign: it is escaped where it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The full id.
    pub commit: CommitId,
    /// The Conventional Commits type in lower case, when it is a known one.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The scope of a conventional subject.
    pub scope: Option<String>,
    /// The first line, without the prefix of a known type. May be empty, may be long.
    pub subject: String,
    /// Whether the message says that it breaks something.
    pub breaking: Breaking,
    /// Whether it joins two lines of history.
    pub merge: bool,
    /// The id named by "This reverts commit …": 7 to 64 lower-case hex digits.
    pub reverts: Option<String>,
    /// The author's name.
    pub author: String,
    /// The author's address. Kept out of documents: it is nobody's business there.
    #[serde(skip)]
    pub email: String,
    /// The words of the mark: the footer's text, the subject for a `!`, or the line that made it possible.
    pub declaration: Option<String>,
}

/// Whether a commit says that it breaks something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Breaking {
    /// A `!` before the colon, or a `BREAKING CHANGE:` footer with a text.
    Declared,
    /// Some other wording that a person should read.
    Possible,
    /// No mark. It may break something all the same.
    None,
}

/// A heading over a group of changes, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Heading {
    /// `feat`
    Features,
    /// `fix`
    Fixes,
    /// `perf`
    Performance,
    /// `revert`, and what git itself writes for a revert.
    Reverts,
    /// `refactor`
    Refactoring,
    /// `docs`
    Documentation,
    /// `test`
    Tests,
    /// `build` and `ci`
    Build,
    /// `chore` and `style`
    Chores,
    /// No known type.
    Other,
    /// Commits with two or more parents.
    Merges,
}

impl Heading {
    /// The heading as people read it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Features => "Features",
            Self::Fixes => "Fixes",
            Self::Performance => "Performance",
            Self::Reverts => "Reverts",
            Self::Refactoring => "Refactoring",
            Self::Documentation => "Documentation",
            Self::Tests => "Tests",
            Self::Build => "Build",
            Self::Chores => "Chores",
            Self::Other => "Other",
            Self::Merges => "Merges",
        }
    }

    /// The heading under which a change belongs.
    #[must_use]
    pub fn of(change: &Change) -> Self {
        if change.merge {
            return Self::Merges;
        }
        match change.kind.as_deref() {
            Some("feat") => Self::Features,
            Some("fix") => Self::Fixes,
            Some("perf") => Self::Performance,
            Some("revert") => Self::Reverts,
            Some("refactor") => Self::Refactoring,
            Some("docs") => Self::Documentation,
            Some("test") => Self::Tests,
            Some("build" | "ci") => Self::Build,
            Some("chore" | "style") => Self::Chores,
            _ if change.reverts.is_some() || change.subject.starts_with("Revert \"") => Self::Reverts,
            _ => Self::Other,
        }
    }
}

/// Reads one commit. Total: any bytes give a change.
#[must_use]
pub fn read(raw: &RawCommit) -> Change {
    let encoding = raw.encoding.as_deref();
    let message = text::decode(&raw.message, encoding);
    let lines = text::lines(&message);
    let (first, body) = lines.split_first().map_or(("", [].as_slice()), |(first, body)| (*first, body));
    let header = Header::read(first);
    let (breaking, declaration) = marks::find(&header, body);
    Change {
        commit: raw.id.clone(),
        kind: header.kind,
        scope: header.scope,
        subject: header.subject,
        breaking,
        merge: raw.parents > 1,
        reverts: text::reverted(&lines),
        author: text::decode(&raw.author_name, encoding).into_owned(),
        email: text::decode(&raw.author_email, encoding).into_owned(),
        declaration,
    }
}

/// The changes under their headings, in the order of [`Heading`]; no heading is empty, and inside one the order is kept.
#[must_use]
pub fn group(changes: &[Change]) -> Vec<(Heading, Vec<&Change>)> {
    let mut groups = std::collections::BTreeMap::<Heading, Vec<&Change>>::new();
    for change in changes {
        groups.entry(Heading::of(change)).or_default().push(change);
    }
    groups.into_iter().collect()
}

/// The first line of a message, taken apart.
struct Header {
    kind: Option<String>,
    scope: Option<String>,
    subject: String,
    /// A `!` stands before the colon.
    bang: bool,
}

impl Header {
    fn read(line: &str) -> Self {
        let plain = |bang| Self { kind: None, scope: None, subject: line.to_owned(), bang };
        let Ok(parsed) = git_conventional::Commit::parse(line) else {
            return plain(false);
        };
        let word = parsed.type_().as_str();
        let kind = word.to_ascii_lowercase();
        if !TYPES.contains(&kind.as_str()) {
            // An unknown type is not a convention, but nobody writes `change(api)!:` by accident.
            let typed = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            return plain(parsed.breaking() && typed);
        }
        Self {
            kind: Some(kind),
            scope: parsed.scope().map(|scope| scope.as_str().trim().to_owned()),
            subject: parsed.description().trim().to_owned(),
            bang: parsed.breaking(),
        }
    }
}

#[cfg(test)]
mod tests;
