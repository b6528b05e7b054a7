//! What `history import` recorded: read, for the table and for the next import; and its rows.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::columns::Columns;
use super::rows::Row;
use crate::commands::gather::Moment;
use crate::commands::journal;
use crate::gate::config::ActionKind;
use crate::gate::deployments::Runs;
use crate::gate::history::{Kind, Status};
use crate::gate::imported::{Import, TAGS_MAX, Tag};
use crate::gate::terms::{Environment, Version};
use crate::gate::timeline::Track;
use crate::render::pages::HistoryRow;
use crate::render::text;
use crate::world::records::JOURNAL;

/// The kind of its lines.
pub(super) const KIND: &str = "imported";
/// The file of such a line.
pub(super) const FILE: &str = "imported.json";

/// One version of the past, and the import that told of it.
pub(super) struct Past {
    pub(super) environment: Environment,
    pub(super) tag: Tag,
    by: String,
    imported_at: DateTime<Utc>,
}

/// Every version of every import that was not undone, once, the oldest import first; so many at the most. Versions whose
/// deployment is recorded are left out: what was said of it at the time goes before what a tag says.
///
/// # Errors
/// When the journal cannot be read.
pub(super) fn told(moment: &Moment, runs: &Runs) -> Result<Vec<Past>> {
    let Some(tip) = moment.records.tip(JOURNAL)? else { return Ok(vec![]) };
    let lines = journal::attached(moment, &tip, (KIND, FILE), Import::read)?;
    let mut seen = BTreeMap::new();
    let mut past: Vec<Past> = Vec::new();
    for Import { environment, by, at, tags, undo, .. } in lines.into_iter().rev().flatten() {
        if undo {
            past.retain(|past| past.environment != environment);
            seen.remove(&environment);
            continue;
        }
        let known = seen.entry(environment.clone()).or_insert_with(|| recorded(moment, runs, &environment));
        // What was not yet is not of the past.
        for tag in tags.into_iter().filter(|tag| tag.at <= moment.now) {
            if past.len() < TAGS_MAX && known.insert(tag.version.clone()) {
                past.push(Past { environment: environment.clone(), tag, by: by.clone(), imported_at: at });
            }
        }
    }
    Ok(past)
}

/// Whether anything was imported. Then a table needs the whole ledger: what was signed long ago was signed.
///
/// # Errors
/// When the journal cannot be read.
pub(super) fn any(moment: &Moment) -> Result<bool> {
    let Some(tip) = moment.records.tip(JOURNAL)? else { return Ok(false) };
    Ok(!journal::attached(moment, &tip, (KIND, FILE), Import::read)?.is_empty())
}

/// The versions whose deployment to an environment is recorded: by people in the ledger, or by machines in the journal.
pub(super) fn recorded(moment: &Moment, runs: &Runs, environment: &Environment) -> BTreeSet<Version> {
    let track = moment.timeline().and_then(|timeline| timeline.tracks.get(environment));
    let signed = track.into_iter().flat_map(Track::all).map(|deployed| &deployed.start.release);
    let told = runs.all().filter(|run| run.start.environment == *environment).map(|run| &run.start.release);
    signed.chain(told).map(|release| release.version.clone()).collect()
}

/// The row of one.
///
/// # Errors
/// The encoder's.
pub(super) fn row(past: &Past) -> Result<Row> {
    let Past { environment, tag, by, imported_at } = past;
    let notes = format!("from tag {} (imported, unsigned)", tag.version);
    let page = HistoryRow {
        date: tag.at.format("%Y-%m-%d").to_string(),
        version: tag.version.to_string(),
        kind: Kind::Unknown.word().to_owned(),
        status: Status::Imported.word().to_owned(),
        rollback: "N/A".to_owned(),
        notes,
    };
    let more = json!({
        "tag": { "name": tag.version, "annotated": tag.annotated, "tagger": tag.tagger.as_deref().map(cleaned) },
        "imported_by": cleaned(by),
        "imported_at": imported_at,
    });
    let columns = Columns {
        environment,
        action: ActionKind::Deploy,
        commit: &tag.commit,
        previous: None,
        request: None,
        started_at: tag.at,
        ended_at: None,
        ending: None,
        executed_by: None,
        approved_by: BTreeSet::new(),
        recorded_in: "import",
    };
    Ok(columns.row(page, more)?)
}

/// A name that somebody else wrote.
pub(super) fn cleaned(name: &str) -> String {
    text::line(name, 80)
}
