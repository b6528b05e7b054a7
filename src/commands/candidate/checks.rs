//! What the evidence says of each check, for one commit.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::TimeDelta;

use crate::commands::gather::Moment;
use crate::commands::journal;
use crate::evidence::draft::TestFact;
use crate::evidence::junit::Verdict;
use crate::evidence::migrations::PathChange;
use crate::gate::policy::{CheckRule, CheckSource, Policy};
use crate::gate::request::CheckState;
use crate::gate::terms::{Check, CommitId};
use crate::world::config_file;
use crate::world::reports::{self, Format, Found};

/// The workflow document's own three, which every checklist shows.
const EXPECTED: [(&str, &str); 3] =
    [("unit", "Unit tests"), ("integration", "Integration tests"), ("e2e", "E2E tests")];

/// How far a report's own time may lie before the commit: clocks of machines differ, but not by more.
const RAN_BEFORE_MAX: TimeDelta = TimeDelta::days(1);
/// How far a file's time may lie ahead of ours and of the commit's: the clock of another machine, of a shared disk.
const AHEAD_MAX: TimeDelta = TimeDelta::hours(1);

/// Every check of the policy, and the three that every checklist shows.
///
/// # Errors
/// When reports cannot be looked for.
pub(super) fn look(
    moment: &Moment,
    policy: &Policy,
    commit: &CommitId,
    paths: &[PathChange],
) -> Result<Vec<TestFact>> {
    let mut tests = Vec::new();
    for (name, title) in EXPECTED {
        let check: Check = name.parse()?;
        if !policy.checks.contains_key(&check) {
            let why = format!("the policy has no check `{name}`");
            tests.push(TestFact::without(check, title.to_owned(), CheckState::Missing, why));
        }
    }
    let recorded = journal::evidence(moment, commit, policy.checks.keys());
    let mut pointers = Vec::new();
    for (check, rule) in &policy.checks {
        let (test, nearest) = test(moment, check, rule, commit, paths, &recorded)?;
        pointers.push((tests.len(), nearest));
        tests.push(test);
    }
    point(&mut tests, pointers);
    let place = |test: &TestFact| {
        EXPECTED.iter().position(|(name, _)| *name == test.check.as_str()).unwrap_or(EXPECTED.len())
    };
    tests.sort_by_key(place);
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

/// What is known of one check, and where reports lie when it has none.
fn test(
    moment: &Moment,
    check: &Check,
    rule: &CheckRule,
    commit: &CommitId,
    paths: &[PathChange],
    recorded: &BTreeMap<Check, TestFact>,
) -> Result<(TestFact, Vec<String>)> {
    let without = |state, why: String| TestFact::without(check.clone(), rule.title.clone(), state, why);
    if let Some(globs) = &rule.when_changed
        && !paths.iter().any(|change| globs.is_match(&change.path))
    {
        return Ok((without(CheckState::NotNeeded, "no changed path needs it".to_owned()), vec![]));
    }
    let recorded = recorded.get(check).filter(|fact| fits(fact, &rule.source));
    let recorded = recorded.map(|fact| TestFact { title: rule.title.clone(), ..fact.clone() });
    let missing = match &rule.source {
        CheckSource::Junit(_) | CheckSource::Tap(_) => {
            let (here, nearest) = collect(moment, check, rule, commit)?;
            return Ok((newest(here, recorded), nearest));
        }
        CheckSource::Run(..) => format!("it has not run for this commit: run `deployctl check {check}`"),
        CheckSource::Role(role) => format!("it is the word of `{role}`, and none is recorded"),
        CheckSource::Signoff(group) => format!("it is a signature of `{group}`, and none is recorded"),
    };
    Ok((recorded.unwrap_or_else(|| without(CheckState::Missing, missing)), vec![]))
}

/// Takes back what a pinned fact claims and git or the policy denies: that no changed path needs it, that it came from
/// what the policy names, that it is younger than the commit.
pub(super) fn doubt(fact: &mut TestFact, policy: &Policy, paths: &[PathChange], committed: i64) {
    let rule = policy.checks.get(&fact.check);
    let unneeded = rule
        .and_then(|rule| rule.when_changed.as_ref())
        .is_some_and(|globs| !paths.iter().any(|change| globs.is_match(&change.path)));
    let holds = match fact.state {
        CheckState::NotNeeded => unneeded,
        CheckState::Passed => {
            let later = fact.reported_at.is_some_and(|at| at.timestamp() >= committed);
            later && rule.is_some_and(|rule| fits(fact, &rule.source))
        }
        CheckState::Failed | CheckState::Missing | CheckState::Stale | CheckState::Unreadable => true,
    };
    if !holds {
        fact.state = CheckState::Missing;
        fact.why = Some("the request claims what this repository and the policy do not show".to_owned());
    }
}

/// Whether a recorded fact came from what the policy names now: evidence of another command proves nothing.
fn fits(fact: &TestFact, source: &CheckSource) -> bool {
    let agrees = match fact.state {
        CheckState::Passed => fact.verdict == Some(Verdict::Pass),
        CheckState::Failed | CheckState::Unreadable => fact.verdict != Some(Verdict::Pass),
        CheckState::Missing | CheckState::Stale | CheckState::NotNeeded => false,
    };
    agrees
        && fact.passed <= fact.total
        && match source {
            CheckSource::Junit(globs) | CheckSource::Tap(globs) => {
                fact.command.is_empty() && &fact.globs == globs
            }
            CheckSource::Run(command, _) => &fact.command == command,
            CheckSource::Role(_) | CheckSource::Signoff(_) => false,
        }
}

/// Of what lies here and what was recorded, the younger; what lies here and proves nothing is no rival.
fn newest(here: TestFact, recorded: Option<TestFact>) -> TestFact {
    let Some(recorded) = recorded else { return here };
    let speaks = matches!(here.state, CheckState::Passed | CheckState::Failed | CheckState::Unreadable);
    if speaks && here.reported_at >= recorded.reported_at { here } else { recorded }
}

/// The reports of a check, as they lie in the work tree, and where others lie when it has none.
///
/// # Errors
/// When they cannot be looked for.
pub fn collect(
    moment: &Moment,
    check: &Check,
    rule: &CheckRule,
    commit: &CommitId,
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
    let stale = stale(moment, commit, &found)?;
    let Found { files, oldest, newest, report, nearest } = found;
    let mut fact = TestFact::read(check.clone(), rule.title.clone(), globs.clone(), files, &report);
    // A pass is as old as its oldest part; what speaks against it is as young as its youngest.
    fact.reported_at = if fact.state == CheckState::Passed { oldest } else { newest };
    if let Some(why) = stale
        && fact.verdict.is_some()
    {
        fact.state = CheckState::Stale;
        fact.why = Some(why);
    }
    Ok((fact, nearest))
}

/// A report of the work tree speaks for HEAD, and only if it was written after that commit. What it says of itself
/// can only count against it: a file that was copied or taken from a cache is new, and what it tells of is not.
fn stale(moment: &Moment, commit: &CommitId, found: &Found) -> Result<Option<String>> {
    if let Some(head) = moment.repository.head()?
        && &head != commit
    {
        return Ok(Some(format!("the reports are of HEAD ({}), not of {}", head.short(), commit.short())));
    }
    let edited = moment.repository.edited()?;
    let source = |path: &&String| path.as_str() != config_file::NAME && !found.files.contains(path);
    if let Some(path) = edited.iter().find(source) {
        return Ok(Some(format!("`{path}` differs from the commit, and may have when the tests ran")));
    }
    let unchanged = |file: &&String| {
        let committed = moment.repository.blob(commit, file);
        committed.is_some() && committed == std::fs::read(moment.repository.root().join(file)).ok()
    };
    if let Some(file) = found.files.iter().find(unchanged) {
        return Ok(Some(format!("`{file}` is part of the commit, so it ran before it")));
    }
    let committed = moment.repository.committed_at(commit)?;
    if found.oldest.is_some_and(|oldest| oldest.timestamp() < committed) {
        return Ok(Some("a report is older than the commit".to_owned()));
    }
    if let Some(moved) = moment.repository.head_moved_at()
        && found.oldest.is_some_and(|oldest| oldest.timestamp() < moved)
    {
        return Ok(Some(
            "a report is older than the checkout of this commit: another one was here".to_owned(),
        ));
    }
    let known = moment.now.timestamp().max(committed) + AHEAD_MAX.num_seconds();
    if found.newest.is_some_and(|newest| newest.timestamp() > known) {
        return Ok(Some("a report is dated in the future, so its age is not known".to_owned()));
    }
    let ran = found.report.latest.filter(|ran| ran.timestamp() + RAN_BEFORE_MAX.num_seconds() < committed);
    Ok(ran
        .map(|ran| format!("the reports say that they ran on {}, before the commit", ran.format("%Y-%m-%d"))))
}
