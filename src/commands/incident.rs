//! The report of an emergency, as the ledger drafts it.

use anyhow::{Context as _, Result};

use super::gather::Moment;
use super::{pages, report, target};
use crate::gate::terms::Environment;
use crate::gate::timeline::{Deployed, Track};
use crate::render::pages::{Page, PostIncidentPage, TimelineEvent};
use crate::render::screen;

/// The report with the ledger's facts, and the questions that only people can answer.
///
/// # Errors
/// When records cannot be read, or the template does not fit.
pub fn draft(moment: &Moment, environment: &Environment, deployed: &Deployed) -> Result<String> {
    let policy = moment.policy().context("no policy is in force")?;
    let incident = deployed.incident.as_ref().context("it was no emergency")?;
    let request = target::request_of(moment, &deployed.start.request)?;
    let declared = &incident.declared;
    let definition = policy.emergency.as_ref().and_then(|rules| rules.levels.get(&declared.severity));
    let severity = definition.map_or_else(
        || declared.severity.to_string(),
        |level| format!("{}: {}", declared.severity, level.definition),
    );
    let page = PostIncidentPage {
        version: deployed.start.release.version.to_string(),
        environment: environment.to_string(),
        severity,
        request: deployed.start.request.id.clone(),
        response: screen::clock(deployed).unwrap_or_default(),
        outcome: report::outcome(deployed).to_owned(),
        review_by: report::minute(incident.review_by),
        skips: declared.skipped.iter().map(|stage| screen::skipped(policy, stage)).collect(),
        requested_by: request.map_or_else(|| "unknown".to_owned(), |request| request.requested_by.name),
        declared_by: report::approvers(moment, deployed),
        executed_by: deployed.by.to_string(),
        timeline: events(moment, environment, deployed)?,
        steps: report::steps(deployed),
    };
    Ok(pages::of(moment, &[Page::PostIncident])?.render(Page::PostIncident, &page)?)
}

/// What the ledger says happened, in order.
fn events(moment: &Moment, environment: &Environment, deployed: &Deployed) -> Result<Vec<TimelineEvent>> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let mut events = report::events(moment, deployed)?;
    let track: Option<&Track> = timeline.tracks.get(environment);
    let rollback = track.into_iter().flat_map(Track::all);
    for rollback in rollback.filter(|known| Some(known.execution) == deployed.rolled_back_by) {
        let why = rollback.start.reason.clone().unwrap_or_default();
        events.push((rollback.at, format!("rolled back by {}: {why}", rollback.by)));
    }
    Ok(report::in_order(events))
}
