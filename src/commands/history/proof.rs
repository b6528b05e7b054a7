//! `deployctl history --verify` and `--allowed-signers`: the proof that the records hold, and the keys for OpenSSH.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use super::COMMAND;
use crate::commands::gather::{self, Moment, verify};
use crate::evidence::records::NAMESPACE;
use crate::gate::decide::ledger_reason;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Payload, Statement, canonical};
use crate::gate::terms::Digest;
use crate::gate::timeline::{RawEntry, Timeline};
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::records::LEDGER;

/// Checks the whole chain: every place, every digest, every signature, every state.
pub(super) fn whole(moment: &Moment) -> Result<Answer> {
    let trouble = moment.ledger.as_ref().err();
    if let Some(trouble) = trouble {
        let mut answer = Answer::refused(COMMAND, vec![ledger_reason(trouble)]);
        if let Some((sequence, commit)) = place_of_fault(moment) {
            answer = answer.with("failed_at", json!({ "sequence": sequence, "commit": commit }));
        }
        return Ok(answer.with("verified", false));
    }
    let entries = read(moment)?;
    let mut timeline = Timeline::default();
    let mut states = 0;
    for entry in &entries {
        let before = Digest::of(&canonical(&timeline.state())?);
        let said = entry.attachments.get("state.json");
        if said.is_some_and(|said| *said != before) {
            let sequence = timeline.tip.as_ref().map_or(1, |tip| tip.sequence + 1);
            let what = format!(
                "entry {sequence} ({}): its `state.json` is not what the entries before it come to",
                entry.commit.short()
            );
            return Ok(Answer::refused(COMMAND, vec![Reason::new(Code::LedgerTampered, what)])
                .with("verified", false)
                .with("failed_at", json!({ "sequence": sequence, "commit": entry.commit })));
        }
        states += usize::from(said.is_some());
        timeline.apply(entry, verify)?;
    }
    if let (Some(known), Some(root)) = (moment.pin.root(), timeline.root)
        && known != root
    {
        let what = format!("this machine knows the trust root {known}, and the ledger has {root}");
        return Ok(
            Answer::refused(COMMAND, vec![Reason::new(Code::PolicyRoot, what)]).with("verified", false)
        );
    }
    let root = timeline.root.map(|root| root.to_string());
    let text = format!(
        "ok: {}, each with its signature, chain and files; {} reached again\ntrust root: {}\n",
        text::count(entries.len(), "entry"),
        text::count(states, "state"),
        root.as_deref().unwrap_or("none: the ledger is not founded")
    );
    Ok(Answer::done(COMMAND, text)
        .with("verified", true)
        .with("entries", entries.len())
        .with("signatures", entries.len())
        .with("states", states)
        .with("root", root))
}

/// Every entry of the ledger, oldest first.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(moment: &Moment) -> Result<Vec<RawEntry>> {
    match moment.records.tip(LEDGER)? {
        Some(tip) => Ok(moment.records.read(&tip)?),
        None => Ok(vec![]),
    }
}

fn place_of_fault(moment: &Moment) -> Option<(u64, String)> {
    let tip = moment.records.tip(LEDGER).ok()??;
    let entries = moment.records.read(&tip).ok()?;
    let fault = gather::fold(&entries).err()?;
    Some((fault.sequence, fault.commit.to_string()))
}

/// Everybody who could ever sign, in the form that `ssh-keygen -Y verify -f` reads.
pub(super) fn allowed_signers(moment: &Moment) -> Result<Answer> {
    let people = "deployctl-policy,deployctl-approval,deployctl-revocation,deployctl-execution,deployctl-review,deployctl-signoff";
    let mut lines = BTreeSet::new();
    let mut timeline = Timeline::default();
    for entry in read(moment)? {
        timeline.apply(&entry, verify)?;
        if let Some(in_force) = &timeline.policy {
            for (name, person) in &in_force.policy.people {
                lines.extend(
                    person.keys.iter().map(|key| format!("{name} namespaces=\"{people}\" {}", key.line())),
                );
            }
            for (name, keys) in &in_force.policy.machines {
                lines.extend(
                    keys.iter().map(|key| format!("{name} namespaces=\"{NAMESPACE}\" {}", key.line())),
                );
            }
        }
        if let Statement::Execution(execution) = Payload::read(&entry.payload)?.statement {
            let key = execution.session_key.line();
            lines.insert(format!("session namespaces=\"deployctl-session\" {key}"));
        }
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(Answer::done(COMMAND, text.clone()).with("allowed_signers", text))
}
