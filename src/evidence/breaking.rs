//! Do the commits and the changelog say that something breaks: declared, possible, or nobody said so, and how far that silence can be trusted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::changelog::{Entry, Excerpt};
use super::commits::{Breaking, Change};
use crate::gate::terms::CommitId;

/// What all commits together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A commit or a changelog declares a breaking change.
    Declared,
    /// None declares one, but at least one reads like it.
    Possible,
    /// No commit carries a mark. That is no promise: see [`BreakingReport::coverage`].
    None,
}

/// Who says that something breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A commit's message.
    Commit,
    /// The project's changelog.
    Changelog,
    /// Both, in words that are seen to be the same.
    Both,
}

/// One mark, of a commit or of a changelog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The commit that carries it; none when only a changelog does.
    pub commit: Option<CommitId>,
    /// Its words: foreign text.
    pub text: String,
    /// Who says so.
    pub source: Source,
    /// Where a changelog says so, such as `CHANGELOG.md, section 1.4.0`.
    pub place: Option<String>,
    /// The commit of the range that takes it back.
    pub reverted_by: Option<CommitId>,
}

/// The marks of a range of commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakingReport {
    /// The sum of it.
    pub state: State,
    /// What is declared, in the order of the commits, and after them of the changelog.
    pub declared: Vec<Item>,
    /// What a person should read, in the same order.
    pub possible: Vec<Item>,
    /// What is declared by commits that are taken back in the same range.
    pub reverted: Vec<Item>,
    /// How many commits were read.
    pub commits: usize,
    /// How many of them carry a known Conventional Commits type.
    pub conventional: usize,
}

/// Sums up the marks of these commits, and of what the changelogs say of them.
#[must_use]
pub fn summarise(changes: &[Change], changelogs: &[Excerpt]) -> BreakingReport {
    let (reverted, standing): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .filter(|change| change.breaking != Breaking::None)
        .partition(|change| change.reverted_by.is_some());
    let items = |changes: &[&Change], wanted: Breaking| -> Vec<Item> {
        changes.iter().filter(|change| change.breaking == wanted).map(|change| item(change)).collect()
    };
    let mut declared = items(&standing, Breaking::Declared);
    let mut possible: Vec<Item> = items(&standing, Breaking::Possible);
    let reverted = items(&reverted, Breaking::Declared);
    // The title of a merged pull request says once more what its own commit declares.
    let merges: BTreeSet<&CommitId> =
        changes.iter().filter(|change| change.merge).map(|change| &change.commit).collect();
    let known: Vec<String> = declared.iter().take(COMPARED_MAX).map(|item| letters(&item.text)).collect();
    possible.retain(|item| {
        let merge = item.commit.as_ref().is_some_and(|commit| merges.contains(commit));
        let words = if merge { letters(&item.text) } else { String::new() };
        !merge || !known.iter().any(|other| same_words(other, &words))
    });
    add_entries(&mut declared, changelogs, Breaking::Declared);
    add_entries(&mut possible, changelogs, Breaking::Possible);
    let state = match (declared.is_empty(), possible.is_empty()) {
        (false, _) => State::Declared,
        (true, false) => State::Possible,
        (true, true) => State::None,
    };
    let conventional = changes.iter().filter(|change| change.kind.is_some()).count();
    BreakingReport { state, declared, possible, reverted, commits: changes.len(), conventional }
}

fn item(change: &Change) -> Item {
    let text = change.declaration.as_deref().unwrap_or(&change.subject);
    Item {
        commit: Some(change.commit.clone()),
        text: text.to_owned(),
        source: Source::Commit,
        place: None,
        reverted_by: change.reverted_by.as_deref().cloned(),
    }
}

/// Of more marks than these, and of more entries than that, nobody is told which are the same: each stands alone.
const COMPARED_MAX: usize = 200;
const ENTRIES_COMPARED_MAX: usize = 1_000;

/// Adds the changelogs' own marks; where a commit says the same, they are one more witness of that.
fn add_entries(list: &mut Vec<Item>, changelogs: &[Excerpt], wanted: Breaking) {
    let mut known: Vec<String> = list.iter().take(COMPARED_MAX).map(|item| letters(&item.text)).collect();
    let entries =
        changelogs.iter().flat_map(|log| log.entries.iter().chain(&log.late).map(move |entry| (log, entry)));
    let entries = entries.filter(|(_, entry)| entry.breaking == wanted);
    for (number, (log, entry)) in entries.enumerate() {
        let place = format!("{}, section {}", log.path, entry.section);
        let words = letters(&entry.text);
        let compared = if number < ENTRIES_COMPARED_MAX { known.len() } else { 0 };
        let same = (0..compared).find(|at| {
            let cited = list[*at].commit.as_ref().is_some_and(|commit| entry.text.contains(commit.short()));
            cited || same_words(&known[*at], &words)
        });
        if let Some(item) = same.and_then(|at| list.get_mut(at)) {
            item.source = if item.commit.is_some() { Source::Both } else { item.source };
            item.place.get_or_insert(place);
            continue;
        }
        if known.len() == list.len() && known.len() < COMPARED_MAX {
            known.push(words);
        }
        list.push(of_changelog(entry, place));
    }
}

fn of_changelog(entry: &Entry, place: String) -> Item {
    Item {
        commit: None,
        text: entry.unlabelled().to_owned(),
        source: Source::Changelog,
        place: Some(place),
        reverted_by: None,
    }
}

/// Fewer letters than these in common are chance.
const WORDS_MIN: usize = 12;

/// The letters and digits of a text, in lower case.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether one text has all the letters of the other, in the same order and in one piece.
fn same_words(one: &str, other: &str) -> bool {
    one == other || one.len().min(other.len()) >= WORDS_MIN && (one.contains(other) || other.contains(one))
}

impl BreakingReport {
    /// How much the marks can be trusted, as one sentence without a full stop.
    #[must_use]
    pub fn coverage(&self) -> String {
        if self.commits == 0 {
            return "there are no commits to read".to_owned();
        }
        let commits = self.commits;
        let of_commits = |items: &[Item]| items.iter().filter(|item| item.commit.is_some()).count();
        let marks = of_commits(&self.declared);
        let noun = if commits == 1 { "commit" } else { "commits" };
        let verb = if marks == 1 || commits == 1 { "carries" } else { "carry" };
        let may = match of_commits(&self.possible) {
            0 => String::new(),
            count => format!(", {count} more may be breaking"),
        };
        let back = match self.reverted.len() {
            0 => String::new(),
            1 => ", 1 more was taken back in this range".to_owned(),
            count => format!(", {count} more were taken back in this range"),
        };
        let share = share(self.conventional, commits);
        format!("{marks} of {commits} {noun} {verb} a mark{may}{back}; {share} follow Conventional Commits")
    }
}

/// A share in per cent that never rounds something to nothing, nor nearly all to all.
fn share(part: usize, whole: usize) -> String {
    let percent = (part.saturating_mul(200) + whole) / whole.saturating_mul(2).max(1);
    match percent {
        0 if part > 0 => "less than 1 %".to_owned(),
        100.. if part < whole => "99 %".to_owned(),
        _ => format!("{percent} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::{BreakingReport, Item, Source, State, summarise};
    use crate::evidence::commits::{RawCommit, read};
    use crate::gate::terms::CommitId;

    fn id(digit: char) -> CommitId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn item(digit: char, text: &str) -> Item {
        Item {
            commit: Some(id(digit)),
            text: text.to_owned(),
            source: Source::Commit,
            place: None,
            reverted_by: None,
        }
    }

    fn report(messages: &[&str]) -> BreakingReport {
        let read_one = |(at, message): (usize, &&str)| {
            read(&RawCommit {
                id: id(char::from_digit(at as u32 + 1, 16).unwrap()),
                parents: vec![],
                author_name: b"Ada".to_vec(),
                author_email: b"ada@example.org".to_vec(),
                encoding: None,
                message: message.as_bytes().to_vec(),
            })
        };
        summarise(&messages.iter().enumerate().map(read_one).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn one_declaration_outweighs_every_hint() {
        let found = report(&["[BREAKING] drop x", "feat!: drop y", "chore: z"]);
        assert_eq!(found.state, State::Declared);
        assert_eq!(found.declared, [item('2', "drop y")]);
        assert_eq!(found.possible, [item('1', "[BREAKING] drop x")]);
        assert_eq!((found.commits, found.conventional), (3, 2));
        assert_eq!(
            found.coverage(),
            "1 of 3 commits carries a mark, 1 more may be breaking; 67 % follow Conventional Commits"
        );
    }

    #[test]
    fn silence_is_reported_with_its_weight() {
        assert_eq!(
            report(&["Thumbnails: fix"]).coverage(),
            "0 of 1 commit carries a mark; 0 % follow Conventional Commits"
        );
        assert_eq!(report(&[]).coverage(), "there are no commits to read");
        let mut found = report(&[]);
        (found.commits, found.conventional) = (507, 30);
        assert_eq!(found.coverage(), "0 of 507 commits carry a mark; 6 % follow Conventional Commits");
        found.conventional = 1;
        assert_eq!(
            found.coverage(),
            "0 of 507 commits carry a mark; less than 1 % follow Conventional Commits"
        );
        found.conventional = 506;
        assert_eq!(found.coverage(), "0 of 507 commits carry a mark; 99 % follow Conventional Commits");
    }
}
