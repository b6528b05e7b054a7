//! How far HEAD has come: what each stage's evidence says of it.

use anyhow::Result;
use serde_json::{Value, json};

use crate::commands::candidate::{self, first_of_people};
use crate::commands::gather::Moment;
use crate::evidence::draft::{TestFact, age, source};
use crate::gate::facts::BranchFact;
use crate::gate::policy::{Policy, StageRule};
use crate::gate::request::CheckState;
use crate::gate::terms::{CommitId, Environment};
use crate::render::text;

/// The stages of HEAD: lines for people, and the list for programs. Where they cannot be found out, that is said.
pub(super) fn look(moment: &Moment, policy: &Policy, wanted: Option<&Environment>) -> (Vec<String>, Value) {
    let required = |stage: &&StageRule| {
        let rule = wanted.and_then(|name| policy.environments.get(name));
        rule.is_none_or(|rule| rule.requires.contains(&stage.name))
    };
    let stages: Vec<&StageRule> = policy.stages.iter().filter(required).collect();
    if stages.is_empty() {
        return (vec![], json!([]));
    }
    match found(moment, policy, wanted, &stages) {
        Ok(Some((lines, value))) => (lines, value),
        Ok(None) => (vec![], Value::Null),
        Err(error) => {
            let why = text::line(&format!("{error:#}"), 400);
            (vec![format!("stages: not known: {why}")], Value::Null)
        }
    }
}

fn found(
    moment: &Moment,
    policy: &Policy,
    wanted: Option<&Environment>,
    stages: &[&StageRule],
) -> Result<Option<(Vec<String>, Value)>> {
    let Some(head) = moment.repository.head()? else { return Ok(None) };
    let known = candidate::known(moment, policy, wanted.or_else(|| first_of_people(policy)), &head)?;
    let mut lines = vec![format!("stages of HEAD ({})", head.short())];
    let mut values = Vec::new();
    for stage in stages {
        let checks = stage.checks.iter();
        let facts: Vec<&TestFact> =
            checks.filter_map(|check| known.iter().find(|fact| &fact.check == check)).collect();
        let branch = stage.branch.as_deref().map(|branch| lacking(moment, branch, &head)).transpose()?;
        let (line, value) = told(moment, stage, &facts, branch.flatten());
        lines.push(line);
        values.push(value);
    }
    Ok(Some((lines, Value::Array(values))))
}

/// Why a branch does not hold the commit, if it does not.
fn lacking(moment: &Moment, branch: &str, head: &CommitId) -> Result<Option<&'static str>> {
    Ok(match moment.repository.branch_holds(branch, moment.remote.as_deref(), head)? {
        BranchFact::Holds => None,
        BranchFact::Lacks => Some("lacks it"),
        BranchFact::Absent | BranchFact::Unknown => Some("is not here"),
    })
}

fn told(
    moment: &Moment,
    stage: &StageRule,
    facts: &[&TestFact],
    branch: Option<&'static str>,
) -> (String, Value) {
    let is_good = |fact: &TestFact| matches!(fact.state, CheckState::Passed | CheckState::NotNeeded);
    // A check that the facts lack is not passed.
    let all = facts.len() == stage.checks.len() && facts.iter().all(|fact| is_good(fact));
    let passed = all && branch.is_none();
    let shown = facts.iter().filter(|fact| passed || !is_good(fact)).map(|fact| words(moment, fact));
    let branch_words =
        stage.branch.as_ref().zip(branch).map(|(name, why)| format!("`{}` {why}", text::line(name, 60)));
    let parts: Vec<String> = branch_words.into_iter().chain(shown).collect();
    let line = format!("  {}: {} · {}", stage.name, if passed { "passed" } else { "open" }, parts.join("; "));
    let checks: Vec<Value> = facts.iter().map(|fact| value(fact)).collect();
    let value = json!({
        "name": stage.name,
        "passed": passed,
        "branch": stage.branch.as_ref().map(|name| json!({ "name": name, "holds": branch.is_none() })),
        "checks": checks,
    });
    (line, value)
}

/// One check: its state, and how old what says so is, and where it came from.
fn words(moment: &Moment, fact: &TestFact) -> String {
    let state = match fact.state {
        CheckState::Passed => fact.words(),
        CheckState::Failed => format!("failed, {}", fact.words()),
        CheckState::Missing => "missing".to_owned(),
        CheckState::Stale => "stale".to_owned(),
        CheckState::Unreadable => "unreadable".to_owned(),
        CheckState::NotNeeded => "not needed".to_owned(),
    };
    let from = fact.reported_at.filter(|_| fact.verdict.is_some());
    let from = from.map(|at| format!(" ({})", source(fact, &age(moment.now - at), None)));
    text::line(&format!("{} {state}{}", fact.check, from.unwrap_or_default()), 200)
}

fn value(fact: &TestFact) -> Value {
    json!({
        "check": fact.check,
        "state": fact.state,
        "why": fact.why,
        "words": fact.words(),
        "at": fact.reported_at,
        "recorded_by": fact.recorded_by,
        "signed_by": fact.signed_by,
        "signed_off": fact.signed_off,
        "untrusted": true,
    })
}
