//! `history --modifications`: who changed what, when and why; from both branches, and which of it is signed.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::cli::HistoryArgs;
use crate::commands::gather::reading::Reach;
use crate::commands::gather::{Moment, Part, verify};
use crate::commands::journal;
use crate::gate::config::changes;
use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::modification::{Subject, Told, told};
use crate::gate::statement::{Payload, Statement};
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::{Deployed, RawEntry, Timeline};
use crate::render::pages::ModificationRow;
use crate::world::config_file;
use crate::world::records::LEDGER;

/// One line, and what programs get besides.
pub(super) struct Modification {
    at: DateTime<Utc>,
    by: String,
    environment: Option<Environment>,
    pub(super) page: ModificationRow,
    pub(super) json: Value,
}

/// The lines that the options ask for, newest first, and whether there are more behind the limit.
///
/// # Errors
/// When the ledger cannot be read.
pub(super) fn of(moment: &Moment, args: &HistoryArgs) -> Result<(Vec<Modification>, bool)> {
    let mut lines = Vec::new();
    for (kind, action) in [
        ("request", "requested"),
        ("refusal", "was refused"),
        ("deployment", "deployed"),
        ("imported", "imported"),
    ] {
        let told = in_place(journal::told(moment, kind), moment.now);
        lines.extend(told.into_iter().rev().map(|(line, place)| unsigned(line, place, action)));
    }
    lines.retain(|line| is_wanted(line, moment.now, args));
    lines.extend(signed(moment, args)?);
    // Of one moment, what was recorded later stands first.
    lines.reverse();
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    let more = args.limit.is_some_and(|limit| lines.len() > limit);
    lines.truncate(args.limit.unwrap_or(usize::MAX));
    Ok((lines, more))
}

/// Each line with the moment at which it stands among the others, newest first. Whoever may push could date one ahead, to stand
/// above all others for ever: such a line is no newer than the one after it, and than now.
fn in_place(lines: Vec<journal::Told>, now: DateTime<Utc>) -> Vec<(journal::Told, DateTime<Utc>)> {
    let latest = now + Duration::seconds(CLOCK_TOLERANCE_SECONDS);
    let mut newest = latest;
    let place = |line: journal::Told| {
        if line.at <= latest {
            newest = line.at;
        }
        (line, newest)
    };
    lines.into_iter().map(place).collect()
}

fn is_wanted(line: &Modification, now: DateTime<Utc>, args: &HistoryArgs) -> bool {
    args.since.is_none_or(|since| since.begins(now) <= line.at)
        && args.until.is_none_or(|until| line.at < until.ends(now))
        && args.by.as_ref().is_none_or(|wanted| *wanted == line.by)
        // What names no environment may be about each of them.
        && (args.environment.is_none() || line.environment.is_none() || line.environment == args.environment)
}

/// The lines of the ledger that are wanted, oldest first; those behind the limit are left out where that saves reading them.
fn signed(moment: &Moment, args: &HistoryArgs) -> Result<Vec<Modification>> {
    let wanted = |mut told: Lines| {
        told.lines.retain(|line| is_wanted(line, moment.now, args));
        told.lines
    };
    if let Some(part) = reach(moment, args).and_then(|reach| moment.part(reach))
        && let Some(begins) = part.before.tip.as_ref().map(|tip| tip.at)
        && let Some(told) = lines(moment, part).ok().filter(|told| !told.misses_subject)
    {
        let lines = wanted(told);
        let newer = lines.iter().filter(|line| line.at >= begins).count();
        if args.since.is_some_and(|since| begins <= since.begins(moment.now))
            || args.limit.is_some_and(|limit| newer > limit)
        {
            return Ok(lines);
        }
    }
    let tip = moment.records.tip(LEDGER)?;
    let entries = tip.map(|tip| moment.records.walk(&tip, None)).transpose()?.unwrap_or_default();
    Ok(wanted(lines(moment, Part { before: Timeline::default(), entries })?))
}

/// How far back the ledger is read first. Most entries that have no line of their own are steps of a deployment.
fn reach(moment: &Moment, args: &HistoryArgs) -> Option<Reach> {
    match (args.limit, args.since) {
        (Some(limit), _) => Some(Reach::Entries((limit as u64).saturating_mul(4))),
        (None, Some(since)) => Some(Reach::Since(since.begins(moment.now))),
        (None, None) => None,
    }
}

/// What a part of the ledger tells.
struct Lines {
    lines: Vec<Modification>,
    /// Whether an entry is about an action that stands before the part.
    misses_subject: bool,
}

fn lines(moment: &Moment, part: Part) -> Result<Lines> {
    let Part { before: mut timeline, entries } = part;
    let in_force =
        timeline.policy.as_ref().map(|in_force| moment.records.file(&in_force.entry, config_file::NAME));
    let mut config: Option<Vec<u8>> = in_force.transpose()?.flatten();
    let known = timeline.tracks.values().flat_map(|track| &track.deployments);
    let mut subjects: BTreeMap<Digest, Subject> =
        known.map(|Deployed { execution, start, .. }| (*execution, Subject::begun(start))).collect();
    let mut told_of = Lines { lines: Vec::new(), misses_subject: false };
    for commit in (0..entries.len()).filter_map(|place| entries.get(place)) {
        let entry = moment.records.signed(&commit)?;
        timeline.apply(&entry, verify)?;
        let payload = Payload::read(&entry.payload)?;
        let rules = match (&config, &entry.config) {
            (Some(old), Some(new)) => changes(old, new),
            _ => vec![],
        };
        if timeline.policy.as_ref().is_some_and(|in_force| in_force.entry == entry.commit) {
            config.clone_from(&entry.config);
        }
        let about = match &payload.statement {
            Statement::Outcome(outcome) => Some(&outcome.execution),
            Statement::Review(review) => Some(&review.execution),
            _ => None,
        };
        let subject = about.and_then(|execution| subjects.get(execution));
        told_of.misses_subject |= about.is_some() && subject.is_none();
        let told = told(&payload, &rules, subject);
        told_of.lines.extend(told.map(|told| line(&entry, &payload, told, &timeline)));
        let newest = timeline.tracks.values().filter_map(|track| track.deployments.last());
        if let Some(begun) = newest.into_iter().find(|newest| newest.commit == entry.commit) {
            subjects.insert(begun.execution, Subject::begun(&begun.start));
        }
    }
    Ok(told_of)
}

fn line(entry: &RawEntry, payload: &Payload, told: Told, timeline: &Timeline) -> Modification {
    let Told { action, mut details, reason, environment } = told;
    let waits = matches!(payload.statement, Statement::Policy(_))
        && timeline.policy.as_ref().is_none_or(|in_force| in_force.entry != entry.commit);
    if waits {
        details = format!("{details} (waits for more signatures)");
    }
    if let Some(why) = &timeline.idle {
        details = format!("{details} (settles nothing: {why})");
    }
    let session = if payload.statement.by_session() { "session of " } else { "" };
    let by = payload.by.to_string();
    let row = ModificationRow {
        date: payload.at.format("%Y-%m-%d").to_string(),
        time: payload.at.format("%H:%M").to_string(),
        agent: format!("signed: {session}{by}"),
        action: action.to_owned(),
        details,
        reason,
    };
    let of = Recorded {
        at: payload.at,
        signed: true,
        kind: payload.statement.word(),
        entry: Some(entry.commit.to_string()),
    };
    whole(of, by, environment, row)
}

/// A line of the journal. Whose word it is stands before the name: whoever may push chooses that.
fn unsigned(said: journal::Told, place: DateTime<Utc>, action: &str) -> Modification {
    let ahead = if said.at > place { "dated ahead: " } else { "" };
    let row = ModificationRow {
        date: said.at.format("%Y-%m-%d").to_string(),
        time: said.at.format("%H:%M").to_string(),
        agent: format!("journal: {}", said.by),
        action: action.to_owned(),
        details: format!("{ahead}{}", said.about),
        reason: said.details.join(", "),
    };
    let of = Recorded { at: said.at, signed: false, kind: "journal", entry: None };
    Modification { at: place, ..whole(of, said.by, said.environment, row) }
}

/// Where a line is from.
struct Recorded {
    at: DateTime<Utc>,
    signed: bool,
    kind: &'static str,
    entry: Option<String>,
}

fn whole(of: Recorded, by: String, environment: Option<Environment>, page: ModificationRow) -> Modification {
    let json = json!({
        "at": of.at,
        "date": page.date,
        "time": page.time,
        "by": by,
        "action": page.action,
        "details": page.details,
        "reason": page.reason,
        "environment": environment,
        "signed": of.signed,
        "kind": of.kind,
        "entry": of.entry,
    });
    Modification { at: of.at, by, environment, page, json }
}
