//! `history --modifications`: who changed what, when and why; from both branches, and which of it is signed.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::proof;
use crate::cli::HistoryArgs;
use crate::commands::gather::{Moment, verify};
use crate::commands::journal;
use crate::gate::config::changes;
use crate::gate::modification::{Subject, Told, told};
use crate::gate::statement::{Payload, Statement};
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::{RawEntry, Timeline};
use crate::render::pages::ModificationRow;

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
        lines.extend(journal::told(moment, kind).into_iter().rev().map(|line| unsigned(line, action)));
    }
    lines.extend(signed(moment)?);
    lines.retain(|line| is_wanted(line, moment.now, args));
    // Of one moment, what was recorded later stands first.
    lines.reverse();
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    let more = args.limit.is_some_and(|limit| lines.len() > limit);
    lines.truncate(args.limit.unwrap_or(usize::MAX));
    Ok((lines, more))
}

fn is_wanted(line: &Modification, now: DateTime<Utc>, args: &HistoryArgs) -> bool {
    args.since.is_none_or(|since| since.begins(now) <= line.at)
        && args.until.is_none_or(|until| line.at < until.ends(now))
        && args.by.as_ref().is_none_or(|wanted| *wanted == line.by)
        // What names no environment may be about each of them.
        && (args.environment.is_none() || line.environment.is_none() || line.environment == args.environment)
}

/// The lines of the ledger, oldest first.
fn signed(moment: &Moment) -> Result<Vec<Modification>> {
    let mut lines = Vec::new();
    let mut timeline = Timeline::default();
    let mut config: Option<Vec<u8>> = None;
    let mut subjects: BTreeMap<Digest, Subject> = BTreeMap::new();
    for entry in proof::entries(moment)? {
        let entry = entry?;
        timeline.apply(&entry, verify)?;
        let payload = Payload::read(&entry.payload)?;
        let rules = match (&config, &entry.config) {
            (Some(old), Some(new)) => changes(old, new),
            _ => vec![],
        };
        if timeline.policy.as_ref().is_some_and(|in_force| in_force.entry == entry.commit) {
            config.clone_from(&entry.config);
        }
        let subject = match &payload.statement {
            Statement::Outcome(outcome) => subjects.get(&outcome.execution),
            Statement::Review(review) => subjects.get(&review.execution),
            _ => None,
        };
        lines.extend(told(&payload, &rules, subject).map(|told| line(&entry, &payload, told, &timeline)));
        if let Some(subject) = Subject::of(&payload.statement) {
            subjects.insert(Digest::of(&entry.payload), subject);
        }
    }
    Ok(lines)
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
        agent: format!("{session}{by} (signed)"),
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

fn unsigned(said: journal::Told, action: &str) -> Modification {
    let row = ModificationRow {
        date: said.at.format("%Y-%m-%d").to_string(),
        time: said.at.format("%H:%M").to_string(),
        agent: format!("{} (journal)", said.by),
        action: action.to_owned(),
        details: said.about,
        reason: said.details.join(", "),
    };
    whole(Recorded { at: said.at, signed: false, kind: "journal", entry: None }, said.by, None, row)
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
