//! The rows of environments that machines deploy: the journal's word, and marked as such.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Row;
use crate::commands::automatic::runs;
use crate::commands::gather::Moment;
use crate::gate::deployments::Run;
use crate::gate::statement::Ending;
use crate::gate::terms::Environment;
use crate::render::pages::HistoryRow;
use crate::render::text;

/// The deployments of the wanted environments, each with its moment.
pub(super) fn rows(moment: &Moment, wanted: &dyn Fn(&Environment) -> bool) -> Vec<(DateTime<Utc>, Row)> {
    let runs = runs::told(moment);
    let told = runs.all().filter(|run| wanted(&run.start.environment));
    told.map(|run| (run.start.at, row(run, moment.now))).collect()
}

fn row(run: &Run, now: DateTime<Utc>) -> Row {
    let status = match run.end.as_ref().map(|end| end.ending) {
        Some(Ending::Succeeded) => "Success",
        Some(Ending::Failed) => "Failed",
        Some(Ending::Interrupted) => "Interrupted",
        None if now > run.lease_until() => "Interrupted",
        None => "Running",
    };
    let start = &run.start;
    let failed_step = run.end.as_ref().and_then(|end| end.failed_step.as_ref());
    let by = text::line(&start.by, 80);
    let mut notes = format!("{}, by {by} (journal)", start.environment);
    if let Some(step) = failed_step {
        notes.push_str(&format!("; ended at {step}"));
    }
    let page = HistoryRow {
        date: start.at.format("%Y-%m-%d").to_string(),
        version: start.release.version.to_string(),
        kind: "Automatic".to_owned(),
        status: status.to_owned(),
        rollback: "N/A".to_owned(),
        notes: notes.clone(),
    };
    let json = json!({
        "environment": start.environment,
        "date": page.date,
        "version": page.version,
        "type": page.kind,
        "status": page.status,
        "rollback": page.rollback,
        "notes": notes,
        "commit": start.release.commit,
        "previous": start.previous,
        "request": start.request,
        "started_at": start.at,
        "ended_at": run.end.as_ref().map(|end| end.at),
        "executed_by": start.by,
        "known_by": start.known_by,
        "approved_by": [],
        "steps": run.end.as_ref().map(|end| &end.steps),
        "smoke": run.end.as_ref().map(|end| &end.smoke),
        "failed_step": failed_step,
        "deployment": run.id,
        "recorded_in": "journal",
    });
    Row { page, json }
}
