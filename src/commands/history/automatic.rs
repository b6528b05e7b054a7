//! The rows of environments that machines deploy: the journal's word, and marked as such.

use std::collections::BTreeSet;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::columns::Columns;
use super::rows::Row;
use crate::gate::config::ActionKind;
use crate::gate::deployments::Run;
use crate::gate::history::{Kind, Status};
use crate::render::pages::HistoryRow;
use crate::render::text;

/// The row of one.
///
/// # Errors
/// The encoder's.
pub(super) fn row(run: &Run, now: DateTime<Utc>) -> Result<Row> {
    let ending = run.end.as_ref().map(|end| end.ending);
    let start = &run.start;
    let failed_step = run.end.as_ref().and_then(|end| end.failed_step.as_ref());
    let by = text::line(&start.by, 40);
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
        notes,
    };
    let more = json!({
        "known_by": start.known_by,
        "steps": run.end.as_ref().map(|end| &end.steps),
        "smoke": run.end.as_ref().map(|end| &end.smoke),
        "failed_step": failed_step,
        "deployment": run.id,
    });
    let columns = Columns {
        environment: &start.environment,
        action: ActionKind::Deploy,
        commit: &start.release.commit,
        previous: start.previous.as_ref(),
        request: start.request.as_ref(),
        started_at: start.at,
        ended_at: run.end.as_ref().map(|end| end.at),
        ending,
        executed_by: Some(&start.by),
        approved_by: BTreeSet::new(),
        recorded_in: "journal",
    };
    Ok(columns.row(page, more)?)
}
