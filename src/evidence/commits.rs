//! One raw commit to one change: its type, its first line, what it reverts, and whether it says that it breaks something.

mod heading;
mod links;
pub(super) mod marks;
mod merges;
mod people;
mod text;
mod trailers;

use serde::{Deserialize, Serialize};

pub use heading::{Heading, group};
pub use links::{Counterpart, counterparts, link};
pub use people::{Mailmap, authors};

use crate::gate::terms::CommitId;

/// The types that count as Conventional Commits, as in `@commitlint/config-conventional`.
///
/// A word and a colon is not a convention: projects write `Thumbnails: …` or `ignore: …` for areas of their code.
const TYPES: [&str; 11] =
    ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"];
/// The most characters that are kept of the words of a mark: two screens of prose.
const DECLARATION_MAX: usize = 2_000;

/// A commit as it stands in the object database, before anything is believed about its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawCommit {
    /// The full id.
    pub id: CommitId,
    /// The full ids of its parents: two or more make a merge.
    pub parents: Vec<CommitId>,
    /// The author's name, in the commit's encoding.
    pub author_name: Vec<u8>,
    /// The author's address, in the commit's encoding.
    pub author_email: Vec<u8>,
    /// The `encoding` header. Absent means UTF-8.
    pub encoding: Option<String>,
    /// The whole message, in the commit's encoding.
    pub message: Vec<u8>,
}

/// What one commit says. Every text in it is foreign: it is escaped where it is shown. Ten thousand of
/// them are kept at once, so they are kept small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The full id.
    pub commit: CommitId,
    /// The Conventional Commits type in lower case, when it is a known one.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    /// The scope of a conventional subject.
    pub scope: Option<Box<str>>,
    /// The first line, without the prefix of a known type. May be empty, may be long.
    pub subject: String,
    /// Whether the message says that it breaks something.
    pub breaking: Breaking,
    /// Whether it joins two lines of history.
    pub merge: bool,
    /// The id named by "This reverts commit …": 7 to 64 lower-case hex digits.
    pub reverts: Option<Box<str>>,
    /// The author's name.
    pub author: String,
    /// The author's address. Kept out of documents: it is nobody's business there.
    #[serde(skip)]
    pub email: String,
    /// The words of the mark: the footer's text, the subject for a `!`, or the line that made it possible.
    pub declaration: Option<Box<str>>,
    /// The title of the pull request that a merge brings, where the forge wrote it into the message.
    pub title: Option<Box<str>>,
    /// The number of the pull or merge request, where the message names one.
    pub pull: Option<u64>,
    /// Whether it only moves a dependency to another version.
    pub update: bool,
    /// The id named by "(cherry picked from commit …)": 7 to 64 lower-case hex digits; the last one, where there are several.
    pub picked: Option<Box<str>>,
    /// Who is named by `Co-authored-by:`.
    pub co_authors: Box<[CoAuthor]>,
    /// The commits of the range that it takes back, after [`link`].
    pub reverts_here: Box<[CommitId]>,
    /// The commit of the range that takes it back, after [`link`]; none when that one was itself taken back.
    pub reverted_by: Option<Box<CommitId>>,
    /// What its message says that it takes back.
    #[serde(skip)]
    pub undoes: Box<[Undo]>,
    /// The full ids of its parents.
    #[serde(skip)]
    pub parents: Box<[CommitId]>,
}

/// Somebody named in a trailer of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoAuthor {
    /// The name.
    pub name: String,
    /// The address. Kept out of documents, as an author's.
    #[serde(skip)]
    pub email: String,
}

/// How a revert names what it takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// An id of 7 to 64 lower-case hex digits.
    Commit(String),
    /// A merge by its id, and the parent that stays, as git writes it: "reversing changes made to …".
    Merge(String, String),
    /// The number of a pull request.
    Pull(u64),
    /// The first line of a commit, as `Revert "…"` quotes it.
    Title(String),
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

/// Reads one commit. Total: any bytes give a change.
#[must_use]
pub fn read(raw: &RawCommit) -> Change {
    let encoding = raw.encoding.as_deref();
    let message = text::decode(&raw.message, encoding);
    let lines = text::lines(&message);
    let (first, body) = lines.split_first().map_or(("", [].as_slice()), |(first, body)| (*first, body));
    let header = Header::read(first);
    let (breaking, declaration) = marks::find(&header, body, &message);
    let found = trailers::read(first, body);
    let merge = raw.parents.len() > 1;
    let request = merges::read(first, body);
    let author = text::decode(&raw.author_name, encoding);
    let email = text::decode(&raw.author_email, encoding);
    Change {
        commit: raw.id.clone(),
        update: trailers::is_update(&header, first, &author, &email),
        kind: header.kind,
        scope: header.scope.map(String::into_boxed_str),
        subject: header.subject,
        breaking,
        merge,
        reverts: found.undoes.iter().find_map(|undo| match undo {
            Undo::Commit(id) | Undo::Merge(id, _) => Some(id.as_str().into()),
            Undo::Pull(_) | Undo::Title(_) => None,
        }),
        author: author.into_owned(),
        email: email.into_owned(),
        declaration: declaration.map(shortened),
        title: request.title.filter(|_| merge).map(String::into_boxed_str),
        pull: request.pull,
        picked: found.picked.map(String::into_boxed_str),
        co_authors: found.co_authors.into(),
        reverts_here: Box::default(),
        reverted_by: None,
        // What a merge quotes was done by the commits that it brings.
        undoes: if merge { Box::default() } else { found.undoes.into() },
        parents: raw.parents.as_slice().into(),
    }
}

/// A declaration of a megabyte would be kept for every commit of a range.
fn shortened(mut text: String) -> Box<str> {
    if let Some((at, _)) = text.char_indices().nth(DECLARATION_MAX) {
        text.truncate(at);
        text.push('…');
    }
    text.into_boxed_str()
}

/// The first line of a message, taken apart.
struct Header {
    kind: Option<&'static str>,
    scope: Option<String>,
    subject: String,
    /// A `!` stands before the colon.
    bang: bool,
}

impl Header {
    fn read(line: &str) -> Self {
        let plain = |bang| Self { kind: None, scope: None, subject: line.to_owned(), bang };
        if !line.contains(':') {
            return plain(false);
        }
        let Ok(parsed) = git_conventional::Commit::parse(line) else {
            return plain(false);
        };
        let word = parsed.type_().as_str();
        let Some(kind) = TYPES.into_iter().find(|kind| kind.eq_ignore_ascii_case(word)) else {
            // An unknown type is not a convention, but nobody writes `change(api)!:` by accident.
            let typed = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            return plain(parsed.breaking() && typed);
        };
        Self {
            kind: Some(kind),
            scope: parsed.scope().map(|scope| scope.as_str().trim().to_owned()),
            subject: parsed.description().trim().to_owned(),
            bang: parsed.breaking(),
        }
    }
}

#[cfg(test)]
mod field;
#[cfg(test)]
mod links_tests;
#[cfg(test)]
mod tests;
