//! Do the commits say that something breaks: declared, possible, or nobody said so, and how far that silence can be trusted.

use serde::{Deserialize, Serialize};

use super::commits::{Breaking, Change};
use crate::gate::terms::CommitId;

/// What all commits together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// At least one commit declares a breaking change.
    Declared,
    /// None declares one, but at least one reads like it.
    Possible,
    /// No commit carries a mark. That is no promise: see [`BreakingReport::coverage`].
    None,
}

/// One commit's mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The commit that carries it.
    pub commit: CommitId,
    /// Its words: foreign text.
    pub text: String,
}

/// The marks of a range of commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakingReport {
    /// The sum of it.
    pub state: State,
    /// What is declared, in the order of the commits.
    pub declared: Vec<Item>,
    /// What a person should read, in the order of the commits.
    pub possible: Vec<Item>,
    /// How many commits were read.
    pub commits: usize,
    /// How many of them carry a known Conventional Commits type.
    pub conventional: usize,
}

/// Sums up the marks of these commits.
#[must_use]
pub fn summarise(changes: &[Change]) -> BreakingReport {
    let items = |wanted: Breaking| {
        changes.iter().filter(|change| change.breaking == wanted).map(item).collect::<Vec<Item>>()
    };
    let declared = items(Breaking::Declared);
    let possible = items(Breaking::Possible);
    let state = match (declared.is_empty(), possible.is_empty()) {
        (false, _) => State::Declared,
        (true, false) => State::Possible,
        (true, true) => State::None,
    };
    let conventional = changes.iter().filter(|change| change.kind.is_some()).count();
    BreakingReport { state, declared, possible, commits: changes.len(), conventional }
}

fn item(change: &Change) -> Item {
    let text = change.declaration.as_ref().unwrap_or(&change.subject);
    Item { commit: change.commit.clone(), text: text.clone() }
}

impl BreakingReport {
    /// How much the marks can be trusted, as one sentence without a full stop.
    #[must_use]
    pub fn coverage(&self) -> String {
        if self.commits == 0 {
            return "there are no commits to read".to_owned();
        }
        let (marks, commits) = (self.declared.len(), self.commits);
        let noun = if commits == 1 { "commit" } else { "commits" };
        let verb = if marks == 1 { "carries" } else { "carry" };
        let may = match self.possible.len() {
            0 => String::new(),
            count => format!(", {count} more may be breaking"),
        };
        let share = share(self.conventional, commits);
        format!("{marks} of {commits} {noun} {verb} a mark{may}; {share} follow Conventional Commits")
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
    use super::{BreakingReport, Item, State, summarise};
    use crate::evidence::commits::{RawCommit, read};
    use crate::gate::terms::CommitId;

    fn id(digit: char) -> CommitId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn report(messages: &[&str]) -> BreakingReport {
        let read_one = |(at, message): (usize, &&str)| {
            read(&RawCommit {
                id: id(char::from_digit(at as u32 + 1, 16).unwrap()),
                parents: 1,
                author_name: b"Ada".to_vec(),
                author_email: b"ada@example.org".to_vec(),
                encoding: None,
                message: message.as_bytes().to_vec(),
            })
        };
        summarise(&messages.iter().enumerate().map(read_one).collect::<Vec<_>>())
    }

    #[test]
    fn one_declaration_outweighs_every_hint() {
        let found = report(&["[BREAKING] drop x", "feat!: drop y", "chore: z"]);
        assert_eq!(found.state, State::Declared);
        assert_eq!(found.declared, [Item { commit: id('2'), text: "drop y".to_owned() }]);
        assert_eq!(found.possible, [Item { commit: id('1'), text: "[BREAKING] drop x".to_owned() }]);
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
            "0 of 1 commit carry a mark; 0 % follow Conventional Commits"
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
