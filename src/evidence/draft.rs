//! The draft: everything that was found about a candidate, and the checklist that follows from it.
//!
//! Only a fact ticks a box. What no fact answers stays open, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::breaking::{BreakingReport, State};
use super::checklist::{Checklist, Item, Section};
use super::commits::{Breaking, Change, group};
use super::junit::{Report, Verdict};
use super::lockfiles::{Comparison, Dependency, DependencyChange};
use super::migrations::{ChangeKind, Migration, Reversible};
use crate::gate::policy::{EnvironmentRule, Monitoring, Policy, Rollback};
use crate::gate::request::{CheckState, Extent, OpenBox};
use crate::gate::statement::Release;
use crate::gate::terms::{Check, CommitId, PersonName};

/// Where the range begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
            Self::Live(release) => format!("since {}, which is live", release.version),
            Self::Named(release) => format!("since {}, which the caller named", release.version),
            Self::Commit(commit) => format!("since commit {}, which the caller named", commit.short()),
            Self::Tag(release) => {
                format!("since {}, the nearest tag: no production deployment is recorded", release.version)
            }
            Self::Beginning => {
                "since the beginning: no production deployment is recorded, and no earlier tag".to_owned()
            }
        }
    }
}

/// What is known of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFact {
    /// Its name in the policy.
    pub check: Check,
    /// The words on the checklist.
    pub title: String,
    /// What its reports say together.
    pub verdict: Option<Verdict>,
    /// Test cases that passed.
    pub passed: u64,
    /// Test cases that ran.
    pub total: u64,
    /// Test cases that were skipped.
    pub skipped: u64,
    /// Test cases that passed only after a repetition.
    pub flaky: u64,
    /// The reports, by path.
    pub files: Vec<String>,
    /// The globs that were looked for.
    pub globs: Vec<String>,
    /// When the oldest report was written.
    pub reported_at: Option<DateTime<Utc>>,
    /// What that means for the commit.
    pub state: CheckState,
    /// Why, where it is not a plain pass.
    pub why: Option<String>,
}

impl TestFact {
    /// A check whose reports were read.
    #[must_use]
    pub fn read(
        check: Check,
        title: String,
        globs: Vec<String>,
        files: Vec<String>,
        report: &Report,
    ) -> Self {
        let (state, why) = judge(report, &files, &globs);
        Self {
            check,
            title,
            verdict: (!files.is_empty()).then_some(report.verdict),
            passed: report.passed,
            total: report.total(),
            skipped: report.skipped,
            flaky: report.flaky,
            files,
            globs,
            reported_at: None,
            state,
            why,
        }
    }

    /// A check without a report.
    #[must_use]
    pub fn without(check: Check, title: String, state: CheckState, why: String) -> Self {
        let none = Report {
            verdict: Verdict::Empty,
            passed: 0,
            failed: 0,
            errors: 0,
            skipped: 0,
            flaky: 0,
            notes: vec![],
        };
        Self { verdict: None, state, why: Some(why), ..Self::read(check, title, vec![], vec![], &none) }
    }

    fn words(&self) -> String {
        if self.verdict.is_none() {
            return "no evidence".to_owned();
        }
        let mut words = format!("{}/{} passed", self.passed, self.total);
        if self.skipped > 0 {
            words.push_str(&format!(", {} skipped", self.skipped));
        }
        if self.flaky > 0 {
            words.push_str(&format!(", {} flaky", self.flaky));
        }
        words
    }
}

fn judge(report: &Report, files: &[String], globs: &[String]) -> (CheckState, Option<String>) {
    if files.is_empty() {
        return (CheckState::Missing, Some(format!("no report matches `{}`", globs.join("`, `"))));
    }
    let note = |what: &str| match report.notes.first() {
        Some(note) => Some(format!("{what}: {note}")),
        None => Some(what.to_owned()),
    };
    match report.verdict {
        Verdict::Pass => (CheckState::Passed, None),
        Verdict::Fail => (CheckState::Failed, note("the tests failed")),
        Verdict::Empty => (CheckState::Missing, note("the reports hold no test that ran")),
        Verdict::Unreadable => (CheckState::Unreadable, note("a report cannot be read")),
        Verdict::Ambiguous => (CheckState::Unreadable, note("the reports say two things")),
    }
}

/// A lockfile, compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockFact {
    /// Its path.
    pub path: String,
    /// Whether there was none before, so that everything in it is new.
    pub new: bool,
    /// What moved.
    pub comparison: Comparison,
}

/// What the policy says about going back and watching.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The way back.
    pub rollback: Option<Rollback>,
    /// Who and what watches.
    pub monitoring: Option<Monitoring>,
}

impl Rules {
    /// The rules of an environment.
    #[must_use]
    pub fn of(rule: &EnvironmentRule) -> Self {
        Self { rollback: rule.rollback.clone(), monitoring: Some(rule.monitoring.clone()) }
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
    /// The checks.
    pub tests: Vec<TestFact>,
    /// How many files differ.
    pub files: u64,
    /// The migrations.
    pub migrations: Vec<Migration>,
    /// The lockfiles that the candidate has or lost.
    pub lockfiles: Vec<LockFact>,
    /// What the commits say of breaking changes.
    pub breaking: BreakingReport,
}

impl Draft {
    /// Every dependency that moved.
    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.lockfiles.iter().flat_map(|lock| match &lock.comparison {
            Comparison::Read(list) => list.as_slice(),
            Comparison::Unchanged | Comparison::Unreadable { .. } => &[],
        })
    }

    fn new_direct(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies().filter(|dependency| {
            dependency.change == DependencyChange::Added && dependency.direct != Some(false)
        })
    }

    /// Whether every migration is known to be reversible; true without any.
    #[must_use]
    pub fn reversible(&self) -> bool {
        self.migrations.iter().all(|migration| migration.reversible == Reversible::Yes)
    }

    /// The counts of the review screen.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let authors: BTreeSet<&str> = self.changes.iter().map(|change| change.email.as_str()).collect();
        let irreversible = self.migrations.iter().filter(|migration| migration.reversible != Reversible::Yes);
        Extent {
            commits: self.changes.len() as u64,
            authors: authors.len() as u64,
            files: self.files,
            migrations: self.migrations.len() as u64,
            irreversible: irreversible.count() as u64,
            dependencies: self.new_direct().count() as u64,
            breaking: self.breaking.declared.len() as u64,
        }
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
                self.changes_section(),
                self.tests_section(),
                self.migrations_section(),
                self.dependencies_section(),
                self.breaking_section(),
                self.rollback_section(rules),
                monitoring_section(rules.monitoring.as_ref()),
            ],
        }
    }

    fn changes_section(&self) -> Section {
        let mut notes = vec![format!(
            "{} by {}, {} changed, {}",
            count(self.changes.len(), "commit"),
            count(usize::try_from(self.extent().authors).unwrap_or(usize::MAX), "author"),
            count(usize::try_from(self.files).unwrap_or(usize::MAX), "file"),
            self.since.words()
        )];
        let mut items = Vec::new();
        for (heading, changes) in group(&self.changes) {
            items.extend(changes.into_iter().map(|change| Item {
                group: Some(heading.title().to_owned()),
                evidence: Some(change.commit.short().to_owned()),
                ..ticked(&format!("changes.{}", change.commit.short()), "", &change_words(change))
            }));
        }
        if let Some(first) = self.behind.first() {
            notes.push(format!(
                "{} not in this candidate",
                count(self.behind.len(), "commit that is live is")
            ));
            items.push(Item {
                group: Some("Live, and not in this candidate".to_owned()),
                ..open(
                    "changes.behind",
                    "Left behind",
                    &format!("{} such as {}", count(self.behind.len(), "live commit"), change_words(first)),
                    "deploying this takes them out of production",
                )
            });
        }
        Section { title: "Changes Included".to_owned(), notes, items }
    }

    fn tests_section(&self) -> Section {
        let items = self
            .tests
            .iter()
            .filter(|test| test.state != CheckState::NotNeeded)
            .map(|test| {
                let evidence = self.test_evidence(test);
                let key = format!("tests.{}", test.check);
                match test.state {
                    CheckState::Passed => Item { evidence, ..ticked(&key, &test.title, &test.words()) },
                    _ => Item {
                        evidence,
                        ..open(
                            &key,
                            &test.title,
                            &test.words(),
                            test.why.as_deref().unwrap_or("it is not known to pass"),
                        )
                    },
                }
            })
            .collect();
        Section { title: "Tests Passed".to_owned(), notes: vec![], items }
    }

    fn test_evidence(&self, test: &TestFact) -> Option<String> {
        let reported = test.reported_at?;
        let age = age(self.at - reported);
        Some(format!("{} · {age} · {}", test.globs.join(", "), self.release.commit.short()))
    }

    fn migrations_section(&self) -> Section {
        let mut items = Vec::new();
        if self.migrations.is_empty() {
            items.push(Item {
                evidence: Some(format!(
                    "{} compared",
                    count(usize::try_from(self.files).unwrap_or(usize::MAX), "changed path")
                )),
                ..ticked("migrations.none", "No migrations", "")
            });
        }
        for migration in &self.migrations {
            let path = &migration.path;
            let reversible = match migration.reversible {
                Reversible::Yes => "reversible",
                Reversible::No => "not reversible",
                Reversible::Unknown => "not known to be reversible",
            };
            let words = format!("{}, {}, {reversible}", change_word(migration.change), migration.tool);
            let children = vec![
                open(&format!("migration.{path}.rollback"), "Tested rollback", "", &untested(migration)),
                open(&format!("migration.{path}.backup"), "Backup verified", "", "no fact can know it"),
            ];
            items.push(Item {
                evidence: Some(words),
                children,
                ..ticked(&format!("migration.{path}"), "Migration", path)
            });
        }
        Section { title: "Database Changes".to_owned(), notes: vec![], items }
    }

    fn dependencies_section(&self) -> Section {
        let mut notes = Vec::new();
        let whole: Vec<&str> =
            self.lockfiles.iter().filter(|lock| lock.new).map(|lock| lock.path.as_str()).collect();
        // A new lockfile is one question, not one for each line of it: nobody would read so many.
        let one_by_one = self.new_direct().filter(|found| !whole.contains(&found.lockfile.as_str()));
        let mut items: Vec<Item> = one_by_one.map(new_dependency).collect();
        items.extend(whole.iter().filter_map(|path| self.new_lockfile(path)));
        let mut known = !self.lockfiles.is_empty();
        if !known {
            items.push(open(
                "dependencies.none",
                "No new dependencies",
                "",
                "no lockfile was found, so nothing is known",
            ));
        }
        for lock in &self.lockfiles {
            match &lock.comparison {
                Comparison::Unchanged => {}
                Comparison::Unreadable { why } => {
                    known = false;
                    items.push(open(
                        &format!("dependencies.{}", lock.path),
                        "Dependencies not read",
                        &lock.path,
                        why,
                    ));
                }
                Comparison::Read(list) => notes.extend(dependency_notes(&lock.path, list)),
            }
        }
        items.extend(
            self.dependencies().filter(|found| found.change == DependencyChange::Source).map(other_source),
        );
        if known && items.is_empty() {
            let paths: Vec<&str> = self.lockfiles.iter().map(|lock| lock.path.as_str()).collect();
            items.push(Item {
                evidence: Some(paths.join(", ")),
                ..ticked("dependencies.none", "No new dependencies", "")
            });
        }
        Section { title: "Dependencies".to_owned(), notes, items }
    }

    fn new_lockfile(&self, path: &str) -> Option<Item> {
        let names: Vec<&str> = self
            .new_direct()
            .filter(|found| found.lockfile == path)
            .map(|found| found.name.as_str())
            .collect();
        if names.is_empty() {
            return None;
        }
        let key = format!("dependency.{path}");
        let text = format!("{} of a new lockfile: {}", count(names.len(), "direct one"), names.join(", "));
        let children = scanned(&key);
        Some(Item { evidence: Some(path.to_owned()), children, ..ticked(&key, "New dependencies", &text) })
    }

    fn breaking_section(&self) -> Section {
        let mut items = Vec::new();
        for found in &self.breaking.declared {
            let key = format!("breaking.{}", found.commit.short());
            let children = vec![
                open(&format!("{key}.guide"), "Migration guide prepared", "", "no fact can know it"),
                open(&format!("{key}.clients"), "Clients notified", "", "no fact can know it"),
            ];
            let evidence = Some(found.commit.short().to_owned());
            items.push(Item { evidence, children, ..ticked(&key, "Breaking", &found.text) });
        }
        for found in &self.breaking.possible {
            let key = format!("breaking.{}", found.commit.short());
            let evidence = Some(found.commit.short().to_owned());
            let item = open(&key, "Possibly breaking", &found.text, "it reads like one, and does not say so");
            items.push(Item { evidence, ..item });
        }
        if self.breaking.state == State::None {
            items.push(open("breaking.none", "None", "", &self.breaking.coverage()));
        }
        Section { title: "Breaking Changes".to_owned(), notes: vec![], items }
    }

    fn rollback_section(&self, rules: &Rules) -> Section {
        let back = self.since.release();
        let command = match (&rules.rollback, back) {
            (Some(rollback), Some(back)) => {
                let runs: Vec<String> = rollback.steps.iter().map(|step| step.run.join(" ")).collect();
                let words = format!("deployctl rollback, back to {}: {}", back.version, runs.join("; "));
                ticked("rollback.command", "Rollback command", &words)
            }
            (None, _) => open("rollback.command", "Rollback command", "", "the policy says no way back"),
            (Some(_), None) => {
                open("rollback.command", "Rollback command", "", "there is no recorded release to go back to")
            }
        };
        let estimate = rules.rollback.as_ref().and_then(|rollback| rollback.estimate);
        let estimate = match estimate {
            Some(estimate) => {
                let minutes = estimate.as_secs().div_ceil(60);
                ticked("rollback.estimate", "Estimated rollback time", &format!("{minutes} min"))
            }
            None => open("rollback.estimate", "Estimated rollback time", "", "the policy says none"),
        };
        let items = vec![command, self.database_rollback(rules.rollback.as_ref()), estimate];
        Section { title: "Rollback Plan".to_owned(), notes: vec![], items }
    }

    fn database_rollback(&self, rollback: Option<&Rollback>) -> Item {
        let label = "Database rollback";
        if self.migrations.is_empty() {
            return ticked("rollback.database", label, "not needed: no migrations");
        }
        let names: Vec<&str> = self.migrations.iter().map(|migration| migration.path.as_str()).collect();
        let names = names.join(", ");
        if !self.reversible() {
            return open("rollback.database", label, &names, "not every migration is known to be reversible");
        }
        match rollback.filter(|rollback| !rollback.migrations.is_empty()) {
            Some(_) => ticked("rollback.database", label, &names),
            None => open("rollback.database", label, &names, "the policy says no `rollback.migrations`"),
        }
    }
}

fn monitoring_section(monitoring: Option<&Monitoring>) -> Section {
    let list = |words: &[String]| words.join(", ");
    let alerts = monitoring.map(|rules| list(&rules.alerts)).unwrap_or_default();
    let dashboards = monitoring.map(|rules| list(&rules.dashboards)).unwrap_or_default();
    let on_call = monitoring.and_then(|rules| rules.on_call.clone()).unwrap_or_default();
    let alerts = if alerts.is_empty() {
        open("monitoring.alerts", "Alerts configured", "", "the policy names none")
    } else {
        ticked("monitoring.alerts", "Alerts configured", &alerts)
    };
    let items = vec![
        alerts,
        open("monitoring.dashboards", "Dashboards updated", &dashboards, "no fact can know it"),
        open("monitoring.on-call", "On-call notified", &on_call, "no fact can know it"),
    ];
    Section { title: "Monitoring".to_owned(), notes: vec![], items }
}

fn untested(migration: &Migration) -> String {
    match migration.reversible {
        Reversible::Yes => format!("{}; nobody recorded that it was tried", migration.why),
        Reversible::No | Reversible::Unknown => migration.why.clone(),
    }
}

fn new_dependency(found: &Dependency) -> Item {
    let key = format!("dependency.{}.{}", found.lockfile, found.name);
    let text = format!("{} {}", found.name, found.to.as_deref().unwrap_or("(no version)"));
    let children = scanned(&key);
    let evidence = match found.direct {
        Some(_) => found.lockfile.clone(),
        None => format!("{}, direct or not is unknown", found.lockfile),
    };
    Item { evidence: Some(evidence), children, ..ticked(&key, "New dependency", &text) }
}

fn scanned(key: &str) -> Vec<Item> {
    vec![
        open(&format!("{key}.security"), "Security scanned", "", "no scanner said so"),
        open(&format!("{key}.license"), "License verified", "", "no scanner said so"),
    ]
}

fn other_source(found: &Dependency) -> Item {
    let key = format!("dependency.{}.{}.source", found.lockfile, found.name);
    let text = format!(
        "{}: {} became {}",
        found.name,
        found.from.as_deref().unwrap_or("nothing"),
        found.to.as_deref().unwrap_or("nothing")
    );
    open(&key, "Same version, other source", &text, "the same version comes from another place")
}

fn dependency_notes(path: &str, list: &[Dependency]) -> Vec<String> {
    let of = |change: DependencyChange| list.iter().filter(move |found| found.change == change);
    let transitive = of(DependencyChange::Added).filter(|found| found.direct == Some(false)).count();
    let parts = [
        (transitive, "transitive added"),
        (of(DependencyChange::Changed).count(), "changed"),
        (of(DependencyChange::Removed).count(), "removed"),
    ];
    let words: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { vec![] } else { vec![format!("{path}: {}", words.join(", "))] }
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
    Item {
        ticked: true,
        label: label.to_owned(),
        text: text.to_owned(),
        evidence: None,
        group: None,
        key: key.to_owned(),
        why: None,
        children: vec![],
    }
}

fn open(key: &str, label: &str, text: &str, why: &str) -> Item {
    // In a document a backtick of ours would have to be escaped like everybody's.
    Item { ticked: false, why: Some(why.replace('`', "'")), ..ticked(key, label, text) }
}

fn change_words(change: &Change) -> String {
    let mark = if change.breaking == Breaking::Declared { "!" } else { "" };
    let scope = change.scope.as_ref().map(|scope| format!("({scope})")).unwrap_or_default();
    match &change.kind {
        Some(kind) => format!("{kind}{scope}{mark}: {}", change.subject),
        None => change.subject.clone(),
    }
}

const fn change_word(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Added => "added",
        ChangeKind::Modified => "modified",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Renamed => "renamed",
    }
}

/// How long ago, in the largest unit that is not zero.
fn age(age: chrono::Duration) -> String {
    let minutes = age.num_minutes();
    match minutes {
        ..1 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1440 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}

fn count(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix(" is")) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {} are", stem.replace("commit that is", "commits that are")),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests;
