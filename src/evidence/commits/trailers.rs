//! What the lines below the subject say in set words: what is reverted, picked, and who took part.

use super::text::{leading_id, leading_number};
use super::{CoAuthor, Header, Undo};

/// Names of the programs that send dependency updates, as they stand in their authors' names and addresses.
const BOTS: [&str; 8] = [
    "dependabot",
    "renovate",
    "greenkeeper",
    "pyup-bot",
    "scala-steward",
    "depfu",
    "snyk-bot",
    "dependency-update",
];
/// The most trailers of one kind that are kept of a message.
const TRAILERS_MAX: usize = 50;

/// What was found below the subject.
#[derive(Default)]
pub(super) struct Trailers {
    pub(super) undoes: Vec<Undo>,
    pub(super) picked: Option<String>,
    pub(super) co_authors: Vec<CoAuthor>,
}

/// Reads a message's lines once.
pub(super) fn read(first: &str, body: &[&str]) -> Trailers {
    let mut found = Trailers::default();
    let conventional = first.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("revert"));
    for line in body {
        let line = line.trim_start();
        match line.bytes().next() {
            Some(b'T') => found.undo(line.strip_prefix("This reverts commit ").and_then(named_commit)),
            Some(b'R') if conventional => {
                for undo in named_in_reference(line) {
                    found.undo(Some(undo));
                }
            }
            Some(b'(') => {
                let id = line.strip_prefix("(cherry picked from commit ").and_then(leading_id);
                found.picked = id.or(found.picked.take());
            }
            Some(b'c') if line.starts_with("changes made to ") => found.stays(line),
            Some(b'C' | b'c') => found.person(co_author(line)),
            _ => {}
        }
    }
    if found.undoes.is_empty() {
        found.undo(quoted_title(first).map(Undo::Title));
    }
    found
}

impl Trailers {
    fn undo(&mut self, undo: Option<Undo>) {
        self.undoes
            .extend(undo.filter(|undo| self.undoes.len() < TRAILERS_MAX && !self.undoes.contains(undo)));
    }

    /// The second line of git's own words for the revert of a merge.
    fn stays(&mut self, line: &str) {
        let kept = line.strip_prefix("changes made to ").and_then(leading_id);
        if let (Some(kept), Some(Undo::Commit(merge))) = (kept, self.undoes.last()) {
            let undo = Undo::Merge(merge.clone(), kept);
            self.undoes.pop();
            self.undoes.push(undo);
        }
    }

    fn person(&mut self, person: Option<CoAuthor>) {
        let room = self.co_authors.len() < TRAILERS_MAX;
        self.co_authors.extend(person.filter(|person| room && !self.co_authors.contains(person)));
    }
}

fn named_commit(rest: &str) -> Option<Undo> {
    leading_id(rest.trim_start()).map(Undo::Commit)
}

/// `Reverts owner/name#12`, as GitHub writes it, or `Refs: 676104e, a215868`, as Conventional Commits has it.
fn named_in_reference(line: &str) -> Vec<Undo> {
    if let Some(rest) = line.strip_prefix("Reverts ") {
        let number = rest.split_once(['#', '!']).and_then(|(_, number)| leading_number(number));
        return number.map(Undo::Pull).into_iter().collect();
    }
    let ids = line.strip_prefix("Refs: ").map(|rest| rest.split([',', ' ']).filter_map(leading_id));
    ids.into_iter().flatten().map(Undo::Commit).collect()
}

/// The first line that is taken back: the one that `Revert "…"` quotes, or the revert that `Reapply "…"` undoes.
fn quoted_title(first: &str) -> Option<String> {
    let again = first.strip_prefix("Reapply \"");
    let rest = first.strip_prefix("Revert \"").or_else(|| first.strip_prefix("revert: \"")).or(again)?;
    let (title, after) = rest.rsplit_once('"')?;
    let after = after.trim();
    let whole = !title.is_empty() && (after.is_empty() || after.starts_with("(#"));
    whole.then(|| if again.is_some() { format!("Revert \"{title}\"") } else { title.to_owned() })
}

fn co_author(line: &str) -> Option<CoAuthor> {
    const TOKEN: &str = "co-authored-by:";
    let head = line.get(..TOKEN.len())?;
    let rest = head.eq_ignore_ascii_case(TOKEN).then(|| line[TOKEN.len()..].trim())?;
    let (name, email) = rest.split_once('<').unwrap_or((rest, ""));
    let name = name.trim();
    let email = email.trim_end_matches('>').trim();
    (!name.is_empty()).then(|| CoAuthor { name: name.to_owned(), email: email.to_owned() })
}

/// Whether a commit only moves a dependency: by its scope, by who wrote it, or by the words that all bots use.
pub(super) fn is_update(header: &Header, first: &str, author: &str, email: &str) -> bool {
    let scope = header.scope.as_deref().unwrap_or_default();
    let scoped =
        scope == "deps" || scope.strip_prefix("deps").is_some_and(|rest| rest.starts_with(['-', '/', ',']));
    // Ten thousand authors are looked at: no copy is made of them.
    let bot = |text: &str| {
        let begins = |at: usize, bot: &str| {
            text.as_bytes()[at..]
                .get(..bot.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(bot.as_bytes()))
        };
        let letters = text.bytes().enumerate().filter(|(_, letter)| b"dgprs".contains(&(letter | 0x20)));
        letters.map(|(at, _)| at).any(|at| BOTS.iter().any(|bot| begins(at, bot)))
    };
    let moving = matches!(header.kind, None | Some("build" | "chore" | "fix" | "ci"));
    moving && (scoped || bumps(&header.subject) || bumps(first) || bot(author) || bot(email))
}

/// `Bump serde from 1.0.1 to 1.0.2`, in any case; a project's own version is no dependency.
fn bumps(subject: &str) -> bool {
    let mut words = subject.split_whitespace();
    let numbered = |word: &str| word.bytes().any(|b| b.is_ascii_digit());
    // The first word answers for nearly all of ten thousand subjects.
    let verb = |word: &str| word.eq_ignore_ascii_case("bump") || word.eq_ignore_ascii_case("bumps");
    words.next().is_some_and(verb)
        && words.next().is_some_and(|what| !what.eq_ignore_ascii_case("version"))
        && words.next() == Some("from")
        && words.next().is_some_and(numbered)
        && words.next() == Some("to")
        && words.next().is_some_and(numbered)
}
