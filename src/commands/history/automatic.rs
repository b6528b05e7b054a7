//! The rows of environments that machines deploy: the journal's word, and marked as such.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::rows::Row;
use crate::gate::config::ActionKind;
use crate::gate::deployments::Run;
use crate::gate::history::{Kind, Status};
use crate::render::pages::HistoryRow;
use crate::render::text;

/// The row of one.
pub(super) fn row(run: &Run, now: DateTime<Utc>) -> Row {
    let ending = run.end.as_ref().map(|end| end.ending);
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
        kind: Kind::Automatic.word().to_owned(),
        status: Status::ended(ending, run.lease_until(), now).word().to_owned(),
        rollback: "N/A".to_owned(),
        notes: notes.clone(),
    };
    let json = json!({
        "environment": start.environment,
        "action": ActionKind::Deploy,
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
        "ending": ending,
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
