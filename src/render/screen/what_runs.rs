//! What runs where something is about to be deployed or rolled back, as lines of a screen.

use super::text;
use crate::gate::config::ActionKind;
use crate::gate::plan::Plan;
use crate::gate::statement::Release;
use crate::gate::what_runs::WhatRuns;

/// The longest sentence of a person that a line of a screen holds.
const FOUND_COLUMNS: usize = 200;

/// What runs, where that is not the last good version: the name of the line and its words.
pub(super) fn doubt(runs: &WhatRuns<'_>) -> Option<(&'static str, String)> {
    runs.doubt().map(|doubt| ("WHAT RUNS", text::line(&doubt, FOUND_COLUMNS)))
}

/// What a plan replaces: what is live or was well last, what runs instead, and what is undone where that is another version.
pub(super) fn lines(plan: &Plan, runs: &WhatRuns<'_>) -> Vec<String> {
    let named = |release: Option<&Release>| {
        release.map_or_else(
            || "nothing recorded".to_owned(),
            |release| format!("{} ({})", release.version, release.commit.short()),
        )
    };
    let live = match plan.action {
        ActionKind::Deploy => plan.previous.as_ref(),
        ActionKind::Rollback => runs.release(),
    };
    let undone = plan.previous.as_ref().filter(|undone| live != Some(*undone));
    let mut lines: Vec<(&str, String)> =
        undone.into_iter().map(|undone| ("Undoes", named(Some(undone)))).collect();
    let doubt = doubt(runs);
    lines.push((if doubt.is_some() { "Last good" } else { "Now live" }, named(live)));
    lines.extend(doubt);
    lines.into_iter().map(|(name, value)| format!("  {name:<12} {value}")).collect()
}
