//! The rows of what people decided: the ledger's word.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::json;

use super::columns::Columns;
use super::rows::Row;
use crate::commands::emergency::clock_json;
use crate::commands::gather::Moment;
use crate::commands::{aftermath, report, target};
use crate::gate::config::ActionKind;
use crate::gate::history::{Kind, Status};
use crate::gate::request::Request;
use crate::gate::statement::{Ending, Watched};
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::{Deployed, Timeline, Track};
use crate::render::pages::HistoryRow;
use crate::render::screen;

/// What a row tells of other actions of its environment.
pub(super) struct Others<'a> {
    by: BTreeMap<Digest, &'a Deployed>,
    attempts: BTreeMap<Digest, Vec<&'a Deployed>>,
}

impl<'a> Others<'a> {
    /// Those of a track.
    pub(super) fn of(track: &'a Track) -> Self {
        let by = track.all().map(|known| (known.execution, known)).collect();
        Self { by, attempts: track.attempts() }
    }

    /// The action of an execution.
    pub(super) fn of_execution(&self, execution: Digest) -> Option<&'a Deployed> {
        self.by.get(&execution).copied()
    }

    /// Which of the attempts at the same rollback one is, from 1, where there are several.
    fn place(&self, rollback: &Deployed) -> Option<usize> {
        let is_it = |known: &&Deployed| known.execution == rollback.execution;
        let several = self.attempts.values().filter(|attempts| attempts.len() > 1);
        several.filter_map(|attempts| attempts.iter().position(is_it)).next().map(|at| at + 1)
    }

    /// Every attempt to undo a deployment.
    pub(super) fn attempts(&self, deployed: &Deployed) -> &[&'a Deployed] {
        self.attempts.get(&deployed.execution).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The row of a production action.
///
/// # Errors
/// When its request cannot be read.
pub(super) fn row(
    moment: &Moment,
    environment: &Environment,
    others: &Others<'_>,
    deployed: &Deployed,
) -> Result<Row> {
    let request = target::request_of(moment, &deployed.start.request)?;
    let undone_by = deployed.rolled_back_by.and_then(|digest| others.of_execution(digest));
    let attempts = others.attempts(deployed);
    let open = undone_by.and_then(aftermath::note);
    let why = match deployed.start.action {
        ActionKind::Deploy => why_undone(attempts),
        ActionKind::Rollback => way_back(deployed, others.place(deployed)),
    };
    let notes = notes(deployed, open, &why, request.as_ref());
    let page = HistoryRow {
        date: deployed.at.format("%Y-%m-%d").to_string(),
        version: deployed.start.release.version.to_string(),
        kind: Kind::of(deployed.start.action, request.as_ref()).word().to_owned(),
        status: Status::of(deployed, moment.now).word().to_owned(),
        rollback: undone(deployed, undone_by).to_owned(),
        notes,
    };
    let more = json!({
        "reason": deployed.start.reason,
        "steps": deployed.steps,
        "failed_step": deployed.failed_step,
        "watched": deployed.watched,
        "emergency": clock_json(deployed),
        "execution": deployed.execution,
        "automatic": deployed.automatic,
        "rollbacks": attempts.iter().map(|rollback| attempt(rollback)).collect::<Vec<_>>(),
        "rolled_back_by": undone_by.map(|rollback| &rollback.by),
        "rolled_back_automatically": undone_by.map(|rollback| rollback.automatic),
        "rolled_back_at": undone_by.map(|rollback| rollback.at),
        "report": undone_by.map(|rollback| aftermath::json(moment, rollback)),
    });
    let columns = Columns {
        environment,
        action: deployed.start.action,
        commit: &deployed.start.release.commit,
        previous: deployed.start.previous_release.as_ref(),
        request: Some(&deployed.start.request),
        started_at: deployed.at,
        ended_at: deployed.ending.map(|(_, at)| at),
        ending: deployed.ending.map(|(ending, _)| ending),
        executed_by: Some(deployed.by.as_str()),
        approved_by: moment.timeline().map(|timeline| approvers(timeline, deployed)).unwrap_or_default(),
        recorded_in: "ledger",
    };
    Ok(columns.row(page, more)?)
}

fn attempt(rollback: &Deployed) -> serde_json::Value {
    json!({
        "execution": rollback.execution,
        "by": rollback.by,
        "at": rollback.at,
        "automatic": rollback.automatic,
        "reason": rollback.start.reason,
        "ending": rollback.ending.map(|(ending, _)| ending),
    })
}

/// Whose approvals it used.
pub(super) fn approvers(timeline: &Timeline, deployed: &Deployed) -> BTreeSet<String> {
    let decided = timeline.decided(&deployed.start.request);
    let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
    votes
        .iter()
        .filter(|vote| deployed.start.approvals.contains(&vote.entry))
        .map(|vote| vote.by.to_string())
        .collect()
}

/// The column `Rollback`: whether a deployment was undone, where it needed to be.
fn undone(deployed: &Deployed, undone_by: Option<&Deployed>) -> &'static str {
    match (undone_by, deployed.ending) {
        (Some(_), _) => "Yes",
        (None, Some((Ending::Failed | Ending::Interrupted, _)))
            if deployed.start.action == ActionKind::Deploy =>
        {
            "No"
        }
        (None, _) => "N/A",
    }
}

/// What is left to do, the clock of an emergency, and what is most worth knowing. What asks for something goes first: a long
/// cell is cut.
fn notes(deployed: &Deployed, open: Option<String>, why: &str, request: Option<&Request>) -> String {
    let notes = [open, screen::clock(deployed), Some(note(deployed, why, request))];
    notes.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Why it was undone, in the words of every attempt: the later one is often only said to be the second.
fn why_undone(attempts: &[&Deployed]) -> String {
    let reasons = attempts.iter().filter_map(|rollback| {
        let reason = rollback.start.reason.as_ref()?;
        let ended = rollback.ending.map(|(ending, _)| ending).filter(|ending| *ending != Ending::Succeeded);
        let how =
            ended.map_or_else(String::new, |ending| format!(" (that rollback {})", report::ended(ending)));
        Some(format!("{reason}{how}"))
    });
    reasons.collect::<Vec<_>>().join("; ")
}

/// What a rollback undoes, why, and how it ended where it did not end well.
fn way_back(deployed: &Deployed, place: Option<usize>) -> String {
    let from = deployed.start.previous_release.as_ref().map_or("something", |from| from.version.as_str());
    let place = place.map_or_else(String::new, |place| format!(", attempt {place}"));
    let reason = deployed.start.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let end = how_it_ended(deployed).map_or_else(String::new, |end| format!("; {end}"));
    format!("back from {from}{place}{reason}{end}")
}

fn how_it_ended(deployed: &Deployed) -> Option<String> {
    let step = deployed.failed_step.as_ref();
    let watched = deployed.watched.as_ref().filter(|_| step.is_some()).map(Watched::words);
    watched.or_else(|| step.map(|step| format!("ended at step {step}"))).or_else(|| deployed.reviewed.clone())
}

/// Why it was undone, or of a rollback why it was done, else how it ended, else what it was for.
fn note(deployed: &Deployed, why: &str, request: Option<&Request>) -> String {
    if !why.is_empty() {
        return why.to_owned();
    }
    let summary = || request.map(|request| request.asked.summary.clone());
    how_it_ended(deployed).or_else(summary).unwrap_or_default()
}
