//! The heading under which a change is shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Change;

/// What `git commit --fixup` and `--squash` write before the subject that they are meant for.
const FOLDS: [&str; 3] = ["fixup! ", "squash! ", "amend! "];
/// What git writes before the subject of a commit taken back, and of one brought back.
const REVERTS: [&str; 2] = ["Revert \"", "Reapply \""];

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
    /// What a commit of the same range takes back: it is not in what is deployed.
    Undone,
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
    /// A dependency moved to another version, and nothing else: mostly by a bot.
    Updates,
    /// `fixup!`, `squash!` and `amend!`: commits that somebody meant to fold into others.
    Fixups,
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
            Self::Undone => "Reverted in this range",
            Self::Refactoring => "Refactoring",
            Self::Documentation => "Documentation",
            Self::Tests => "Tests",
            Self::Build => "Build",
            Self::Chores => "Chores",
            Self::Updates => "Dependency updates",
            Self::Fixups => "Fixups that were not squashed",
            Self::Other => "Other",
            Self::Merges => "Merges",
        }
    }

    /// The heading under which a change belongs.
    #[must_use]
    pub fn of(change: &Change) -> Self {
        if change.reverted_by.is_some() {
            return Self::Undone;
        }
        if change.merge {
            return Self::Merges;
        }
        if FOLDS.iter().any(|fold| change.subject.starts_with(fold)) {
            return Self::Fixups;
        }
        if change.update {
            return Self::Updates;
        }
        match change.kind {
            Some("feat") => Self::Features,
            Some("fix") => Self::Fixes,
            Some("perf") => Self::Performance,
            Some("revert") => Self::Reverts,
            Some("refactor") => Self::Refactoring,
            Some("docs") => Self::Documentation,
            Some("test") => Self::Tests,
            Some("build" | "ci") => Self::Build,
            Some("chore" | "style") => Self::Chores,
            _ if !change.undoes.is_empty() || REVERTS.iter().any(|word| change.subject.starts_with(word)) => {
                Self::Reverts
            }
            _ => Self::Other,
        }
    }
}

/// The changes under their headings, in the order of [`Heading`]; no heading is empty, and inside one the order is kept.
#[must_use]
pub fn group(changes: &[Change]) -> Vec<(Heading, Vec<&Change>)> {
    let mut groups = BTreeMap::<Heading, Vec<&Change>>::new();
    for change in changes {
        groups.entry(Heading::of(change)).or_default().push(change);
    }
    groups.into_iter().collect()
}
