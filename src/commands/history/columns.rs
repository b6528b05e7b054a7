//! What every row of the table of deployments tells programs, wherever it is recorded.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::rows::Row;
use crate::gate::config::ActionKind;
use crate::gate::statement::{Ending, Release, RequestRef};
use crate::gate::terms::{CommitId, Environment};
use crate::render::pages::HistoryRow;

/// The columns that each of them has; what is not known is none.
#[derive(Serialize)]
pub(super) struct Columns<'a> {
    pub(super) environment: &'a Environment,
    pub(super) action: ActionKind,
    pub(super) commit: &'a CommitId,
    pub(super) previous: Option<&'a Release>,
    pub(super) request: Option<&'a RequestRef>,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) ending: Option<Ending>,
    pub(super) executed_by: Option<&'a str>,
    pub(super) approved_by: BTreeSet<String>,
    pub(super) recorded_in: &'static str,
}

#[derive(Serialize)]
struct Whole<'a> {
    date: &'a str,
    version: &'a str,
    r#type: &'a str,
    status: &'a str,
    rollback: &'a str,
    notes: &'a str,
    #[serde(flatten)]
    columns: Columns<'a>,
    #[serde(flatten)]
    more: Value,
}

impl Columns<'_> {
    /// The row, with what only its kind tells: an object.
    ///
    /// # Errors
    /// The encoder's.
    pub(super) fn row(self, page: HistoryRow, more: Value) -> serde_json::Result<Row> {
        let HistoryRow { date, version, kind, status, rollback, notes } = &page;
        let whole = Whole { date, version, r#type: kind, status, rollback, notes, columns: self, more };
        Ok(Row { json: serde_json::to_value(whole)?, page })
    }
}
