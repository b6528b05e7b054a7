//! Emergencies on screens: what an approver declares, and how soon the response was.

use chrono::{DateTime, Utc};

use super::{cut, minute, span};
use crate::gate::emergency::EmergencyClock;
use crate::gate::policy::{ApprovalRule, EnvironmentRule, Policy};
use crate::gate::request::Request;
use crate::gate::statement::Ending;
use crate::gate::terms::Stage;
use crate::gate::timeline::Deployed;

/// What a person declares by approving, above everything else; nothing where it is no emergency.
pub(super) fn emergency(policy: &Policy, rule: &EnvironmentRule, request: &Request) -> Vec<String> {
    let Some(emergency) = &request.emergency else { return vec![] };
    let level = policy.severity(emergency);
    let definition = level.map_or_else(|| "unknown to the policy".to_owned(), |level| cut(&level.definition));
    let response = level.map_or_else(|| "unknown".to_owned(), |level| level.response.to_string());
    let mut lines = vec![
        format!("  EMERGENCY    {}: {definition}", emergency.severity),
        format!("  Response     {response}, from the first approval on"),
    ];
    lines.extend(
        emergency.skip.iter().map(|stage| format!("  SKIPS        {}", cut(&skipped(policy, stage)))),
    );
    let approvals = rule.approvals.as_ref();
    let needed =
        approvals.map(|approvals| policy.approvals_for(approvals, &request.approval_rules, Some(emergency)));
    lines.extend(
        needed
            .map(|needed| format!("  Execute      within {} of your approval", span(needed.execute_within))),
    );
    lines.extend(policy.emergency.as_ref().map(|rules| {
        format!(
            "  Review       owed within {} of the execution, with a signed report",
            span(rules.review_within)
        )
    }));
    lines.push("  You declare the emergency by approving.".to_owned());
    lines.push(String::new());
    lines
}

/// A line for who executes what was declared; nothing where it is no emergency.
#[must_use]
pub fn declared(clock: Option<&EmergencyClock>, request: &Request) -> String {
    let (Some(clock), Some(emergency)) = (clock, &request.emergency) else { return String::new() };
    let skip: Vec<&str> = emergency.skip.iter().map(Stage::as_str).collect();
    let skip = if skip.is_empty() { "no stage".to_owned() } else { skip.join(", ") };
    format!("  EMERGENCY    {}, declared {}; skips {skip}\n", clock.severity, minute(clock.declared_at))
}

/// A stage that is left out, with its checks: `staging (Smoke tests, QA verification)`.
#[must_use]
pub fn skipped(policy: &Policy, stage: &Stage) -> String {
    let checks = policy.stage(stage).map(|rule| rule.checks.as_slice()).unwrap_or_default();
    let title =
        |check| policy.checks.get(check).map_or_else(|| format!("{check}"), |rule| rule.title.clone());
    let titles: Vec<String> = checks.iter().map(title).collect();
    format!("{stage} ({})", titles.join(", "))
}

/// The emergency rules, on the screen of a policy.
pub(super) fn rules(policy: &Policy) -> Vec<String> {
    let Some(rules) = &policy.emergency else { return vec![] };
    let mut lines = vec![format!(
        "  Emergency  execute within {} · review within {}",
        span(rules.execute_within),
        span(rules.review_within)
    )];
    lines.extend(rules.levels.iter().map(|(severity, level)| {
        let skip: Vec<&str> = level.skip.iter().map(Stage::as_str).collect();
        let skip = if skip.is_empty() { "nothing".to_owned() } else { skip.join(", ") };
        format!("    {severity}  {} · response {} · may skip {skip}", cut(&level.definition), level.response)
    }));
    lines
}

/// An extra approval rule: `2 of alice, bob besides, where risk is high or more`.
pub(super) fn extra(rule: &ApprovalRule) -> String {
    let mut when = Vec::new();
    when.extend(rule.when.risk.map(|risk| format!("the risk is at least {}", risk.word())));
    when.extend(rule.when.paths.as_ref().map(|paths| format!("{} changes", paths.words().join(" or "))));
    if rule.when.irreversible {
        when.push("a migration is not known to be reversible".to_owned());
    }
    let from: Vec<&str> = rule.from.iter().map(crate::gate::terms::PersonName::as_str).collect();
    let from = if from.is_empty() { String::new() } else { format!(", {} too", from.join(", ")) };
    format!("at least {}{from} where {}", rule.required, when.join(" and "))
}

/// How soon the response was: `P1 declared 10:02, live 10:14: 12 min, response time 1h: kept`.
#[must_use]
pub fn clock(deployed: &Deployed) -> Option<String> {
    let EmergencyClock { severity, declared_at, response } = deployed.start.emergency.as_ref()?;
    let mut text = format!("{severity} declared {}", time(*declared_at, *declared_at));
    match live_at(deployed) {
        None => text.push_str(", not live"),
        Some(live) => {
            let minutes = (live - *declared_at).num_minutes();
            text.push_str(&format!(", live {}: {minutes} min", time(live, *declared_at)));
        }
    }
    text.push_str(&format!(", response time {response}"));
    text.push_str(kept(deployed).map_or("", |kept| if kept { ": kept" } else { ": missed" }));
    Some(text)
}

/// When it went live, as far as a good ending says.
#[must_use]
pub fn live_at(deployed: &Deployed) -> Option<DateTime<Utc>> {
    deployed.ending.filter(|(ending, _)| *ending == Ending::Succeeded).map(|(_, at)| at)
}

/// Whether the response came in time; `None` while it runs, and where the policy names no span to hold against it.
#[must_use]
pub fn kept(deployed: &Deployed) -> Option<bool> {
    let by = deployed.incident.as_ref()?.respond_by?;
    deployed.ending?;
    Some(live_at(deployed).is_some_and(|live| live <= by))
}

/// The hour, and the day where it is another one.
fn time(at: DateTime<Utc>, declared_at: DateTime<Utc>) -> String {
    if at.date_naive() == declared_at.date_naive() { at.format("%H:%M").to_string() } else { minute(at) }
}
