//! What the evidence says of each check, for one commit.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Utc};

use crate::commands::gather::Moment;
use crate::commands::journal;
use crate::evidence::draft::TestFact;
use crate::evidence::junit::Verdict;
use crate::evidence::migrations::PathChange;
use crate::gate::policy::{CheckRule, CheckSource, Policy};
use crate::gate::request::CheckState;
use crate::gate::terms::{Check, CommitId};
use crate::world::reports;

/// The workflow document's own three, which every checklist shows.
const EXPECTED: [(&str, &str); 3] =
    [("unit", "Unit tests"), ("integration", "Integration tests"), ("e2e", "E2E tests")];

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
    for (check, rule) in &policy.checks {
        tests.push(test(moment, check, rule, commit, paths, &recorded)?);
    }
    let place = |test: &TestFact| {
        EXPECTED.iter().position(|(name, _)| *name == test.check.as_str()).unwrap_or(EXPECTED.len())
    };
    tests.sort_by_key(place);
    Ok(tests)
}

fn test(
    moment: &Moment,
    check: &Check,
    rule: &CheckRule,
    commit: &CommitId,
    paths: &[PathChange],
    recorded: &BTreeMap<Check, TestFact>,
) -> Result<TestFact> {
    let without = |state, why: String| TestFact::without(check.clone(), rule.title.clone(), state, why);
    if let Some(globs) = &rule.when_changed
        && !paths.iter().any(|change| globs.is_match(&change.path))
    {
        return Ok(without(CheckState::NotNeeded, "no changed path needs it".to_owned()));
    }
    let recorded = recorded.get(check).filter(|fact| fits(fact, &rule.source));
    let missing = match &rule.source {
        CheckSource::Junit(_) => {
            let collected = collect(moment, check, rule, commit)?;
            return Ok(newest(collected, recorded.cloned()));
        }
        CheckSource::Run(..) => format!("it has not run for this commit: run `deployctl check {check}`"),
        CheckSource::Role(role) => format!("it is the word of `{role}`, and none is recorded"),
        CheckSource::Signoff(group) => format!("it is a signature of `{group}`, and none is recorded"),
    };
    Ok(recorded.cloned().unwrap_or_else(|| without(CheckState::Missing, missing)))
}

/// Whether a recorded fact came from what the policy names now: evidence of another command proves nothing.
fn fits(fact: &TestFact, source: &CheckSource) -> bool {
    let agrees = (fact.state == CheckState::Passed) == (fact.verdict == Some(Verdict::Pass));
    agrees
        && match source {
            CheckSource::Junit(globs) => fact.command.is_empty() && &fact.globs == globs,
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

/// The reports of a check, as they lie in the work tree.
///
/// # Errors
/// When they cannot be looked for.
pub fn collect(moment: &Moment, check: &Check, rule: &CheckRule, commit: &CommitId) -> Result<TestFact> {
    let CheckSource::Junit(globs) = &rule.source else {
        let why = "no report or command can say it".to_owned();
        return Ok(TestFact::without(check.clone(), rule.title.clone(), CheckState::Missing, why));
    };
    let found = reports::collect(moment.repository.root(), globs)?;
    let mut fact =
        TestFact::read(check.clone(), rule.title.clone(), globs.clone(), found.files, &found.report);
    fact.reported_at = found.oldest;
    if let Some(why) = stale(moment, commit, found.oldest)?
        && fact.verdict.is_some()
    {
        fact.state = CheckState::Stale;
        fact.why = Some(why);
    }
    Ok(fact)
}

/// A report of the work tree speaks for HEAD, and only if it was written after that commit.
fn stale(moment: &Moment, commit: &CommitId, oldest: Option<DateTime<Utc>>) -> Result<Option<String>> {
    if let Some(head) = moment.repository.head()?
        && &head != commit
    {
        return Ok(Some(format!("the reports are of HEAD ({}), not of {}", head.short(), commit.short())));
    }
    let committed = moment.repository.committed_at(commit)?;
    if oldest.is_some_and(|oldest| oldest.timestamp() < committed) {
        return Ok(Some("a report is older than the commit".to_owned()));
    }
    Ok(None)
}
