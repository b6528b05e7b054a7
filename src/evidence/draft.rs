//! The draft: everything that was found about a candidate, and the checklist that follows from it.
//!
//! Only a fact ticks a box. What no fact answers stays open, with the reason.

pub mod back;
mod breaking;
mod changelog;
mod changes;
mod database;
mod dependencies;
pub mod explain;
mod rollback;
mod tests_passed;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use dependencies::Scanner;
pub use tests_passed::{TestFact, age, source};
pub use words::{SignedEvidence, Word};

use super::breaking::BreakingReport;
use super::changelog::Excerpt;
use super::checklist::{Checklist, Item};
use super::commits::{self, Change, Mailmap};
use super::lockfiles::{Compared, Comparison, Dependency, DependencyChange};
use super::migrations::{Migration, Reversible};
use crate::gate::policy::{EnvironmentRule, Monitoring, Policy, Rollback};
use crate::gate::request::{CheckState, Extent, OpenBox};
use crate::gate::statement::Release;
use crate::gate::terms::{Check, CommitId, Environment, PersonName};

/// Where the range begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Since {
    /// The release that the ledger says is live.
    Live(Release),
    /// A release that the caller named.
    Named(Release),
    /// A commit that the caller named, which is no version.
    Commit(CommitId),
    /// The nearest tag: no deployment is recorded.
    Tag(Release),
    /// The beginning of history.
    Beginning,
}

impl Since {
    /// The commit before the range.
    #[must_use]
    pub const fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::Live(release) | Self::Named(release) | Self::Tag(release) => Some(&release.commit),
            Self::Commit(commit) => Some(commit),
            Self::Beginning => None,
        }
    }

    /// The release that a rollback would go back to: never a guess.
    #[must_use]
    pub const fn release(&self) -> Option<&Release> {
        match self {
            Self::Live(release) | Self::Named(release) => Some(release),
            Self::Tag(_) | Self::Commit(_) | Self::Beginning => None,
        }
    }

    /// Words for a note: what the changes are counted from.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Live(release) => format!("since {}, the last good version", release.version),
            Self::Named(release) => format!("since {}, which the caller named", release.version),
            Self::Commit(commit) => format!("since commit {}, which the caller named", commit.short()),
            Self::Tag(release) => {
                format!("since {}, the nearest tag: no production deployment is recorded", release.version)
            }
            Self::Beginning => {
                "since the beginning: no production deployment is recorded, and no earlier tag fits 'versions.tag'"
                    .to_owned()
            }
        }
    }
}

/// A lockfile, compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockFact {
    /// Its path; a manifest's, where it asks for more and has no lockfile.
    pub path: String,
    /// Whether there was none before, so that everything in it is new.
    pub new: bool,
    /// The lockfile of another tool or place that it took over from.
    pub switched_from: Option<String>,
    /// What moved.
    #[serde(flatten)]
    pub compared: Compared,
}

impl LockFact {
    /// A lockfile that was there before.
    #[must_use]
    pub fn of(path: &str, compared: Compared) -> Self {
        Self { path: path.to_owned(), new: false, switched_from: None, compared }
    }

    /// What moved, where that is known.
    #[must_use]
    pub fn moved(&self) -> &[Dependency] {
        match &self.compared.comparison {
            Comparison::Read(list) => list,
            Comparison::Unchanged | Comparison::Unreadable { .. } => &[],
        }
    }

    /// Its state for tools: what moved stands elsewhere.
    #[must_use]
    pub fn state(&self) -> serde_json::Value {
        let (state, why) = match &self.compared.comparison {
            Comparison::Unchanged => ("unchanged", None),
            Comparison::Read(_) => ("read", None),
            Comparison::Unreadable { why } => ("unreadable", Some(why)),
        };
        serde_json::json!({
            "path": self.path,
            "state": state,
            "why": why,
            "new": self.new,
            "switched_from": self.switched_from,
            "newly_direct": self.compared.promoted,
            "drift": self.compared.drift,
            "unpinned": self.compared.unpinned,
        })
    }
}

/// What the policy says about going back and watching.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The environment, and its way back.
    pub way_back: Option<(Environment, Rollback)>,
    /// Who and what watches.
    pub monitoring: Option<Monitoring>,
}

impl Rules {
    /// The rules of an environment.
    #[must_use]
    pub fn of(environment: &Environment, rule: &EnvironmentRule) -> Self {
        let way_back = rule.rollback.clone().map(|rollback| (environment.clone(), rollback));
        Self { way_back, monitoring: Some(rule.monitoring.clone()) }
    }
}

/// Everything that was found about a candidate.
#[derive(Clone, Debug, Serialize)]
pub struct Draft {
    /// What becomes live.
    #[serde(flatten)]
    pub release: Release,
    /// Where the range begins.
    pub since: Since,
    /// When it was looked.
    pub at: DateTime<Utc>,
    /// The commits of the range, newest first.
    pub changes: Vec<Change>,
    /// Commits that are live and that the candidate lacks.
    pub behind: Vec<Change>,
    /// What the project's changelogs say of the range.
    pub changelogs: Vec<Excerpt>,
    /// Who is who, as the candidate says: for names that are shown, and for nothing that is decided.
    #[serde(skip)]
    pub mailmap: Mailmap,
    /// The checks.
    pub tests: Vec<TestFact>,
    /// The evidence behind checks that a machine must have signed, with its signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signed: Vec<SignedEvidence>,
    /// How many files differ.
    pub files: u64,
    /// The migrations.
    pub migrations: Vec<Migration>,
    /// The lockfiles that the candidate has or lost.
    pub lockfiles: Vec<LockFact>,
    /// Changed lockfiles in directories of other people's code, which were not compared.
    pub foreign_locks: Vec<String>,
    /// What the commits and the changelogs say of breaking changes.
    pub breaking: BreakingReport,
    /// Programs that the way back names inside the repository and that the candidate does not hold, sorted.
    pub absent: Vec<String>,
    /// Submodules that are new or at another commit: what they bring is not looked into.
    pub submodules: Vec<String>,
    /// Changed SQL files that fit no migration tool's layout, in their order: nobody knows what they do.
    pub loose_sql: Vec<String>,
    /// The checks that scan dependencies: rules of the policy, not facts.
    #[serde(skip)]
    pub scanners: Vec<Scanner>,
    /// What to know of how the changes were counted, a sentence each.
    pub notes: Vec<String>,
}

impl Draft {
    /// Every dependency that moved.
    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.lockfiles.iter().flat_map(LockFact::moved)
    }

    /// How many dependencies the project newly asks for itself.
    fn new_direct(&self) -> usize {
        let is_new =
            |found: &&Dependency| found.change == DependencyChange::Added && found.direct != Some(false);
        let promoted: usize = self.lockfiles.iter().map(|lock| lock.compared.promoted.len()).sum();
        self.dependencies().filter(is_new).count() + promoted
    }

    /// Whether every migration is known to be reversible; true without any.
    #[must_use]
    pub fn reversible(&self) -> bool {
        self.migrations.iter().all(|migration| migration.reversible == Reversible::Yes)
    }

    /// The counts of the review screen.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let (authors, _) = commits::authors(&self.changes, &self.mailmap);
        let irreversible = self.migrations.iter().filter(|migration| migration.reversible != Reversible::Yes);
        Extent {
            commits: self.changes.len() as u64,
            authors: authors.len() as u64,
            files: self.files,
            migrations: self.migrations.len() as u64,
            irreversible: (irreversible.count() + self.loose_sql.len()) as u64,
            dependencies: self.new_direct() as u64,
            breaking: self.breaking.declared.len() as u64,
            features: self.of_kind("feat"),
            fixes: self.of_kind("fix") + self.reverts(),
        }
    }

    /// Commits of a Conventional Commits type that nothing in the range takes back.
    fn of_kind(&self, kind: &str) -> u64 {
        let of_kind = |change: &&Change| change.kind == Some(kind) && change.reverted_by.is_none();
        self.changes.iter().filter(of_kind).count() as u64
    }

    /// Commits that take others back, whatever their type is, but for fixes, which are counted.
    fn reverts(&self) -> u64 {
        let reverts = |change: &&Change| {
            (change.reverts.is_some() || !change.reverts_here.is_empty())
                && change.kind != Some("fix")
                && change.reverted_by.is_none()
        };
        self.changes.iter().filter(reverts).count() as u64
    }

    /// People of the policy who wrote a commit of the range, sorted.
    #[must_use]
    pub fn authors(&self, policy: &Policy) -> Vec<PersonName> {
        let authors = self.changes.iter().filter_map(|change| policy.person_by_email(&change.email));
        authors.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What is known of each check.
    #[must_use]
    pub fn checks(&self) -> BTreeMap<Check, CheckState> {
        self.tests.iter().map(|test| (test.check.clone(), test.state)).collect()
    }

    /// The checklist, as of the moment of the draft.
    #[must_use]
    pub fn checklist(&self, prepared_by: &str, rules: &Rules) -> Checklist {
        Checklist {
            version: self.release.version.to_string(),
            date: self.at.format("%Y-%m-%d").to_string(),
            prepared_by: prepared_by.to_owned(),
            sections: vec![
                changes::section(self),
                tests_passed::section(self),
                database::section(self),
                dependencies::section(self),
                breaking::section(self),
                rollback::plan(self, rules),
                rollback::monitoring(rules.monitoring.as_ref()),
            ],
        }
    }
}

/// The open boxes of a checklist, as a request pins them.
#[must_use]
pub fn open_boxes(checklist: &Checklist) -> Vec<OpenBox> {
    checklist
        .open()
        .into_iter()
        .map(|found| {
            // `None` says nothing outside its section.
            let item =
                if found.key == "breaking.none" { "No breaking changes".to_owned() } else { found.item };
            OpenBox { key: found.key, item, why: found.why.unwrap_or_default() }
        })
        .collect()
}

fn ticked(key: &str, label: &str, text: &str) -> Item {
    Item::ticked(key, label, text)
}

fn open(key: &str, label: &str, text: &str, why: &str) -> Item {
    Item::open(key, label, text, why)
}

fn count(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix(" is")) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {} are", stem.replace("commit that is", "commits that are")),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod changes_tests;
#[cfg(test)]
mod tests;
