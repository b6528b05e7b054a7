//! What an emergency leaves behind, for the answers of several commands: its clock and the review it owes.

use serde_json::{Value, json};

use super::gather::Moment;
use crate::gate::decide::{is_overdue, report_name, review_owed};
use crate::gate::policy::Policy;
use crate::gate::remains::Remains;
use crate::gate::statement::Ending;
use crate::gate::terms::{Digest, Environment, Version};
use crate::gate::timeline::{Deployed, Track};
use crate::render::screen;

/// The action of this execution.
#[must_use]
pub fn deployed<'a>(moment: &'a Moment, execution: &Digest) -> Option<&'a Deployed> {
    let tracks = &moment.timeline()?.tracks;
    tracks.values().flat_map(|track| &track.deployments).find(|deployed| &deployed.execution == execution)
}

/// Lines after a deployment: how soon it was, and the review that is owed. Nothing where it was no emergency.
#[must_use]
pub fn after(moment: &Moment, execution: &Digest) -> String {
    let Some(deployed) = deployed(moment, execution) else { return String::new() };
    let (Some(clock), Some(incident)) = (screen::clock(deployed), &deployed.incident) else {
        return String::new();
    };
    let id = &deployed.start.request.id;
    let by = incident.review_by.format("%Y-%m-%d %H:%M UTC");
    format!("{clock}\nreview owed by {by}: deployctl approve --review {id} --show\n")
}

/// The clock of an emergency for programs; null where it was none.
#[must_use]
pub fn json(moment: &Moment, execution: &Digest) -> Value {
    deployed(moment, execution).map_or(Value::Null, clock_json)
}

/// The same of a known deployment.
#[must_use]
pub fn clock_json(deployed: &Deployed) -> Value {
    let (Some(clock), Some(incident)) = (&deployed.start.emergency, &deployed.incident) else {
        return Value::Null;
    };
    let live_at = screen::live_at(deployed);
    json!({
        "severity": clock.severity,
        "skipped": incident.declared.skipped,
        "declared_at": clock.declared_at,
        "live_at": live_at,
        "minutes": live_at.map(|live| (live - clock.declared_at).num_minutes()),
        "response": clock.response,
        "respond_by": incident.respond_by,
        "kept": screen::kept(deployed),
        "review_by": incident.review_by,
        "reviewed_by": incident.review.as_ref().map(|review| &review.by),
        "reviewed_at": incident.review.as_ref().map(|review| review.at),
    })
}

/// Lines of `status` about reports that are owed, with what to do.
#[must_use]
pub fn owed(moment: &Moment, track: &Track, next: &mut Vec<String>) -> (Vec<String>, Vec<Value>) {
    let mut lines = Vec::new();
    let mut values = Vec::new();
    for (deployed, report) in track.owed() {
        let reason = review_owed(deployed, &report, moment.now);
        let late = is_overdue(&report, moment.now);
        let after = if late { "; other deployments wait for it" } else { "" };
        lines.push(format!("  {}{after}", reason.message.replace('`', "")));
        next.extend(reason.next);
        values.push(json!({
            "request": deployed.start.request,
            "about": report.about.word(),
            "name": report_name(deployed),
            "execution": deployed.execution,
            "since": deployed.at,
            "until": report.due,
            "overdue": late,
        }));
    }
    (lines, values)
}

/// What runs while nobody goes back: a deployment that is not undone, as far as the records tell.
#[must_use]
pub fn stays(environment: &Environment, version: &Version, deployed: Option<&Deployed>) -> String {
    let whole = |deployed: &Deployed| {
        matches!(deployed.ending, Some((Ending::Succeeded, _))) || deployed.remains() == Remains::All
    };
    if deployed.is_some_and(whole) {
        format!("{version} stays live in {environment}")
    } else {
        format!("{environment} stays as it is, with what was run of {version}")
    }
}

/// The hotfix path as numbered lines, each after a line end.
#[must_use]
pub fn hotfix_lines(path: &[String]) -> String {
    path.iter().zip(1..).map(|(step, number)| format!("\n  {number}. {step}")).collect()
}

/// What to do about a problem instead of going back: the hotfix path of the workflow document, with what runs meanwhile.
#[must_use]
pub fn hotfix_path(policy: Option<&Policy>, environment: &Environment, stays: &str) -> Vec<String> {
    let known = policy.and_then(|policy| policy.emergency.as_ref());
    let worst = known.and_then(|rules| rules.levels.keys().next());
    let urgency =
        worst.map_or_else(|| "urgent".to_owned(), |severity| format!("emergency --severity {severity}"));
    vec![
        format!("diagnose the issue: {stays}"),
        "develop the fix on top of it, and tag it".to_owned(),
        format!("deployctl request VERSION -e {environment} --as ROLE --urgency {urgency}"),
        "a person approves: deployctl approve VERSION".to_owned(),
        format!("a person executes: deployctl deploy {environment}"),
    ]
}
