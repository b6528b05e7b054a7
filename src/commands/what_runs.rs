//! What runs in an environment, for programs.

use serde_json::{Value, json};

use crate::gate::remains::Remains;
use crate::gate::what_runs::WhatRuns;

/// The action that left something else than the last good version; null where none did.
#[must_use]
pub fn doubtful(runs: &WhatRuns<'_>) -> Value {
    let Some(left) = runs.left else { return Value::Null };
    json!({
        "version": left.start.release.version,
        "commit": left.start.release.commit,
        "action": left.start.action,
        "request": left.start.request,
        "ending": left.ending.map(|(ending, _)| ending),
        "ended_at": left.ending.map(|(_, at)| at),
        "failed_step": left.failed_step,
        "whole": left.remains() == Remains::All,
        "watched": left.watched,
        "found": left.reviewed,
    })
}
