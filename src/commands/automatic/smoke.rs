//! Smoke tests: the commands among the checks of the stages that belong to an environment, run after its deployment in
//! fresh files of the commit.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};

use crate::commands::check::{Shower, how_it_failed};
use crate::commands::gather::Moment;
use crate::commands::journal;
use crate::commands::steps;
use crate::evidence::draft::TestFact;
use crate::evidence::records::Evidence;
use crate::gate::decide::{Decision, decide};
use crate::gate::facts::{Action, Caller};
use crate::gate::plan::Plan;
use crate::gate::policy::{CheckSource, Policy, Step};
use crate::gate::reason::Reason;
use crate::gate::statement::{SCHEMA, StepEnd};
use crate::gate::terms::{Check, Environment};
use crate::world::clock;
use crate::world::process;
use crate::world::terminal::Streams;

/// One smoke test.
pub struct Smoke {
    /// Its check.
    pub check: Check,
    /// The words on the checklist.
    pub title: String,
    /// What runs.
    pub step: Step,
}

/// What came of them.
pub struct Tested {
    /// Each that ran to its end.
    pub facts: Vec<TestFact>,
    /// The one that a signal ended.
    pub interrupted: Option<Check>,
    /// Why they are not recorded as evidence, where they are not.
    pub unrecorded: Vec<Reason>,
    /// What went wrong with the remote.
    pub warning: Option<String>,
}

/// The smoke tests of an environment, each once, in the order of its stages.
#[must_use]
pub fn of(policy: &Policy, environment: &Environment) -> Vec<Smoke> {
    let own = policy.stages.iter().filter(|stage| stage.environment.as_ref() == Some(environment));
    let mut seen = BTreeSet::new();
    let commands =
        own.flat_map(|stage| &stage.checks).filter(|check| seen.insert(*check)).filter_map(|check| {
            let rule = policy.checks.get(check)?;
            let CheckSource::Run(run, timeout) = &rule.source else { return None };
            let step =
                Step { name: check.to_string(), run: run.clone(), timeout: *timeout, migration: false };
            Some(Smoke { check: check.clone(), title: rule.title.clone(), step })
        });
    commands.collect()
}

/// How long they may take together.
#[must_use]
pub fn longest(tests: &[Smoke]) -> Duration {
    tests.iter().map(|test| test.step.timeout).sum()
}

/// Runs them, and records what they say as `deployctl check` does.
///
/// # Errors
/// When the files cannot be written, or signals cannot be caught.
pub fn run(
    moment: &Moment,
    caller: &Caller,
    plan: &Plan,
    (tests, lease_until): (&[Smoke], DateTime<Utc>),
    streams: &Streams,
) -> Result<Tested> {
    let mut tested = Tested { facts: vec![], interrupted: None, unrecorded: vec![], warning: None };
    if tests.is_empty() {
        return Ok(tested);
    }
    let dir = steps::workspace(moment, &plan.tree_of)?;
    for test in tests {
        let result = process::run_smoke(
            plan,
            &test.step,
            dir.path(),
            &mut Shower { streams, until: Some(lease_until) },
        )
        .context("signals cannot be caught")?;
        if result.result == StepEnd::Interrupted {
            tested.interrupted = Some(test.check.clone());
            break;
        }
        let failed = how_it_failed(&test.step, &result);
        let mut fact = TestFact::ran(test.check.clone(), test.title.clone(), test.step.run.clone(), failed);
        fact.reported_at = Some(clock::now());
        tested.facts.push(fact);
    }
    record(moment, caller, plan, &mut tested)?;
    Ok(tested)
}

/// Who deploys need not have the right to record evidence.
fn record(moment: &Moment, caller: &Caller, plan: &Plan, tested: &mut Tested) -> Result<()> {
    let checks: Vec<Check> = tested.facts.iter().map(|fact| fact.check.clone()).collect();
    if checks.is_empty() {
        return Ok(());
    }
    let facts = moment.facts(caller.clone(), None);
    if let Decision::Refuse(reasons) = decide(moment.policy(), &facts, &Action::Check { checks: &checks }) {
        tested.unrecorded = reasons;
        return Ok(());
    }
    let root = moment.timeline().and_then(|timeline| timeline.root).context("the ledger is not founded")?;
    let (schema, commit, at) = (SCHEMA.to_owned(), plan.tree_of.clone(), clock::now());
    let evidence = Evidence { schema, repository: root, commit, at, tests: tested.facts.clone() };
    tested.warning = journal::append_evidence(moment, &caller.name, &evidence, None)?;
    Ok(())
}
