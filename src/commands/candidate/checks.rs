//! What the evidence says of each check, for one commit.

use std::cell::OnceCell;

use anyhow::Result;
use chrono::TimeDelta;

use super::Pinned;
use crate::commands::gather::Moment;
use crate::commands::journal;
use crate::evidence::draft::{SignedEvidence, TestFact};
use crate::evidence::migrations::PathChange;
use crate::evidence::records::{self, Gathered, Grounds, is_needed, newest};
use crate::gate::policy::{CheckRule, CheckSource, Policy};
use crate::gate::request::CheckState;
use crate::gate::signoffs::Standing;
use crate::gate::terms::{Check, CommitId, Digest};
use crate::world::config_file;
use crate::world::reports::{self, Format, Found};

/// The workflow document's own three, which every checklist shows.
const EXPECTED: [(&str, &str); 3] =
    [("unit", "Unit tests"), ("integration", "Integration tests"), ("e2e", "E2E tests")];

/// How far a report's own time may lie before the commit: clocks of machines differ, but not by more.
const RAN_BEFORE_MAX: TimeDelta = TimeDelta::days(1);
/// How far a file's time may lie ahead of ours and of the commit's: the clock of another machine, of a shared disk.
const AHEAD_MAX: TimeDelta = TimeDelta::hours(1);

/// Every check of the policy, and the three that every checklist shows; with the evidence behind those that a machine
/// must have signed.
///
/// # Errors
/// When reports cannot be looked for.
pub(super) fn look(
    moment: &Moment,
    policy: &Policy,
    commit: &CommitId,
    paths: &[PathChange],
) -> Result<(Vec<TestFact>, Vec<SignedEvidence>)> {
    let mut tests = Vec::new();
    for (name, title) in EXPECTED {
        let check: Check = name.parse()?;
        if !policy.checks.contains_key(&check) {
            let why = format!("the policy has no check `{name}`");
            tests.push(TestFact::without(check, title.to_owned(), CheckState::Missing, why));
        }
    }
    let look = Look {
        moment,
        policy,
        commit,
        paths,
        recorded: journal::evidence(moment, policy, commit),
        tree: signed_tree(moment, policy, commit)?,
        place: policy.checks.values().any(reads_reports).then(|| Place::look(moment, commit)).transpose()?,
    };
    let mut pointers = Vec::new();
    for (check, rule) in &policy.checks {
        let (test, nearest) = look.at(check, rule)?;
        pointers.push((tests.len(), nearest));
        tests.push(test);
    }
    point(&mut tests, pointers);
    let place = |test: &TestFact| {
        EXPECTED.iter().position(|(name, _)| *name == test.check.as_str()).unwrap_or(EXPECTED.len())
    };
    tests.sort_by_key(place);
    Ok((tests, look.recorded.signed(policy)))
}

/// The digest of a commit's tree listing, where people sign some check of it.
fn signed_tree(moment: &Moment, policy: &Policy, commit: &CommitId) -> Result<Option<Digest>> {
    let asked = policy.checks.values().any(|rule| matches!(rule.source, CheckSource::Signoff(_)));
    Ok(asked.then(|| moment.repository.tree_digest(commit)).transpose()?)
}

/// What a request's evidence says of the checks, without what this repository and the policy in force deny.
///
/// # Errors
/// When history cannot be read.
pub(super) fn doubt(
    moment: &Moment,
    policy: &Policy,
    pinned: &Pinned,
    paths: &[PathChange],
) -> Result<Vec<TestFact>> {
    let commit = &pinned.release.commit;
    // What the journal has of a later failure counts too, where it can be read; the request brings its own along.
    let asked = policy.checks.values().any(|rule| rule.signed_by.is_some());
    let mut signed = if asked { journal::evidence(moment, policy, commit) } else { Gathered::default() };
    if let Some(about) = journal::about(moment, policy, commit).filter(|_| asked) {
        pinned.signed.iter().for_each(|own| signed.take(&about, &own.into()));
    }
    let tree = signed_tree(moment, policy, commit)?;
    let signoffs = moment.timeline().map(|timeline| &timeline.signoffs);
    let committed = moment.repository.committed_at(commit)?;
    let latest = pinned.at.timestamp().max(committed) + AHEAD_MAX.num_seconds();
    let grounds = Grounds {
        policy,
        paths,
        commit,
        reported: committed..=latest,
        signoffs: signoffs.zip(tree),
        signed: &signed,
    };
    let mut tests = pinned.tests.clone();
    tests.iter_mut().for_each(|test| records::doubt(test, &grounds));
    Ok(tests)
}

/// Says of missing reports where others lie; those of another check are no help.
fn point(tests: &mut [TestFact], pointers: Vec<(usize, Vec<String>)>) {
    let taken: Vec<String> = tests.iter().flat_map(|test| test.files.clone()).collect();
    for (index, mut nearest) in pointers {
        nearest.retain(|file| !taken.contains(file));
        if let Some(test) = tests.get_mut(index) {
            test.point_to(&nearest);
        }
    }
}

/// Everything that the checks of one commit are judged by.
struct Look<'a> {
    moment: &'a Moment,
    policy: &'a Policy,
    commit: &'a CommitId,
    paths: &'a [PathChange],
    recorded: Gathered,
    tree: Option<Digest>,
    place: Option<Place>,
}

impl Look<'_> {
    /// What is known of one check, and where reports lie when it has none.
    fn at(&self, check: &Check, rule: &CheckRule) -> Result<(TestFact, Vec<String>)> {
        let without = |state, why: String| TestFact::without(check.clone(), rule.title.clone(), state, why);
        if !is_needed(rule, self.paths) {
            return Ok((without(CheckState::NotNeeded, "no changed path needs it".to_owned()), vec![]));
        }
        let recorded = self.recorded.fact(check, rule);
        if let Some(place) = self.place.as_ref().filter(|_| reads_reports(rule)) {
            let (here, nearest) = collect(self.moment, check, rule, place)?;
            return Ok((newest(here, recorded), nearest));
        }
        let missing = match &rule.source {
            _ if rule.signed_by.is_some() => self.unsigned(check, rule),
            CheckSource::Junit(_) | CheckSource::Tap(_) => "no report was looked for".to_owned(),
            CheckSource::Run(..) => format!("it has not run for this commit: run `deployctl check {check}`"),
            CheckSource::Role(role) => format!("it is the word of `{role}`, and none is recorded"),
            CheckSource::Signoff(group) => {
                let missing = format!("it is a signature of `{group}`, and none is recorded");
                return Ok((self.signed_off(check, rule, missing), vec![]));
            }
        };
        Ok((recorded.unwrap_or_else(|| without(CheckState::Missing, missing)), vec![]))
    }

    /// As the verified ledger has it; without one, nobody has signed.
    fn signed_off(&self, check: &Check, rule: &CheckRule, missing: String) -> TestFact {
        let signoffs = self.moment.timeline().map(|timeline| &timeline.signoffs).zip(self.tree.as_ref());
        let standing = signoffs.map_or(Standing::Missing, |(signoffs, tree)| {
            signoffs.standing(self.policy, check, self.commit, tree)
        });
        TestFact::signed(check.clone(), rule.title.clone(), &standing, missing)
    }

    /// Why evidence that a machine must have signed is missing: what lies here is nobody's signature.
    fn unsigned(&self, check: &Check, rule: &CheckRule) -> String {
        let machines = signers(rule);
        if let Some(why) = self.recorded.unread(rule) {
            return format!("it counts only when {machines} signs it, and {why}");
        }
        match self.recorded.has_unsigned(check) {
            true => format!("it counts only when {machines} signs it, and what is recorded is not so signed"),
            false => format!("it counts only when {machines} signs it, and no such evidence is recorded"),
        }
    }
}

/// Whether reports that lie in the work tree count for a check: not where a machine must have signed them.
fn reads_reports(rule: &CheckRule) -> bool {
    rule.signed_by.is_none() && matches!(rule.source, CheckSource::Junit(_) | CheckSource::Tap(_))
}

/// The machines of which one must sign a check's evidence, as words.
pub fn signers(rule: &CheckRule) -> String {
    let names = rule.signed_by.iter().flatten().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(" or ")
}

/// The work tree that reports lie in: what its age and state say of them.
pub struct Place {
    commit: CommitId,
    head: Option<CommitId>,
    committed: i64,
    moved: Option<i64>,
    edited: OnceCell<Vec<String>>,
}

impl Place {
    /// The commit that the reports are to be of.
    #[must_use]
    pub const fn commit(&self) -> &CommitId {
        &self.commit
    }

    /// Looks once, for every check of a commit.
    ///
    /// # Errors
    /// Git's.
    pub fn look(moment: &Moment, commit: &CommitId) -> Result<Self> {
        let repository = &moment.repository;
        let head = repository.head()?;
        // Reports are of HEAD: for another commit nothing else of the work tree is asked.
        let here = head.as_ref() == Some(commit);
        Ok(Self {
            commit: commit.clone(),
            head,
            committed: repository.committed_at(commit)?,
            moved: if here { repository.head_moved_at() } else { None },
            edited: OnceCell::new(),
        })
    }

    /// The tracked files that differ from the commit. Every file of the work tree is looked at for it, so it is asked only
    /// where there is a report that it could speak against.
    fn edited(&self, moment: &Moment) -> Result<&[String]> {
        if self.edited.get().is_none() && self.head.is_some() {
            let edited = moment.repository.edited()?;
            return Ok(self.edited.get_or_init(|| edited));
        }
        Ok(self.edited.get().map_or(&[], Vec::as_slice))
    }
}

/// The reports of a check, as they lie in the work tree, and where others lie when it has none.
///
/// # Errors
/// When they cannot be looked for.
pub fn collect(
    moment: &Moment,
    check: &Check,
    rule: &CheckRule,
    place: &Place,
) -> Result<(TestFact, Vec<String>)> {
    let (format, globs) = match &rule.source {
        CheckSource::Junit(globs) => (Format::Junit, globs),
        CheckSource::Tap(globs) => (Format::Tap, globs),
        CheckSource::Run(..) | CheckSource::Role(_) | CheckSource::Signoff(_) => {
            let why = "no report can say it".to_owned();
            let fact = TestFact::without(check.clone(), rule.title.clone(), CheckState::Missing, why);
            return Ok((fact, vec![]));
        }
    };
    let found = reports::collect(moment.repository.root(), format, globs)?;
    let (title, files) = (rule.title.clone(), found.files.clone());
    let mut fact = TestFact::read(check.clone(), title, globs.clone(), files, &found.report);
    // A pass is as old as its oldest part; what speaks against it is as young as its youngest.
    fact.reported_at = if fact.state == CheckState::Passed { found.oldest } else { found.newest };
    if fact.verdict.is_some()
        && let Some(why) = stale(moment, place, &found)?
    {
        fact.state = CheckState::Stale;
        fact.why = Some(why);
    }
    Ok((fact, found.nearest))
}

/// A report of the work tree speaks for HEAD, and only if it was written after that commit. What it says of itself
/// can only count against it: a file that was copied or taken from a cache is new, and what it tells of is not.
fn stale(moment: &Moment, place: &Place, found: &Found) -> Result<Option<String>> {
    let Place { commit, head, committed, moved, .. } = place;
    if let Some(head) = head.as_ref().filter(|head| *head != commit) {
        return Ok(Some(format!("the reports are of HEAD ({}), not of {}", head.short(), commit.short())));
    }
    let source = |path: &&String| path.as_str() != config_file::NAME && !found.files.contains(path);
    if let Some(path) = place.edited(moment)?.iter().find(source) {
        return Ok(Some(format!("`{path}` differs from the commit, and may have when the tests ran")));
    }
    let unchanged = |file: &&String| {
        let committed = moment.repository.blob(commit, file);
        committed.is_some() && committed == std::fs::read(moment.repository.root().join(file)).ok()
    };
    if let Some(file) = found.files.iter().find(unchanged) {
        return Ok(Some(format!("`{file}` is part of the commit, so it ran before it")));
    }
    if found.oldest.is_some_and(|oldest| oldest.timestamp() < *committed) {
        return Ok(Some("a report is older than the commit".to_owned()));
    }
    if let Some(moved) = moved
        && found.oldest.is_some_and(|oldest| oldest.timestamp() < *moved)
    {
        return Ok(Some(
            "a report is older than the checkout of this commit: another one was here".to_owned(),
        ));
    }
    let known = moment.now.timestamp().max(*committed) + AHEAD_MAX.num_seconds();
    if found.newest.is_some_and(|newest| newest.timestamp() > known) {
        return Ok(Some("a report is dated in the future, so its age is not known".to_owned()));
    }
    let ran = found.report.latest.filter(|ran| ran.timestamp() + RAN_BEFORE_MAX.num_seconds() < *committed);
    Ok(ran
        .map(|ran| format!("the reports say that they ran on {}, before the commit", ran.format("%Y-%m-%d"))))
}
