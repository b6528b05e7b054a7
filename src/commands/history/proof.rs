//! `deployctl history --verify` and `--allowed-signers`: the proof that the records hold, and the keys for OpenSSH.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use super::COMMAND;
use crate::commands::gather::reading::{self, Care, ReadError};
use crate::commands::gather::{Moment, verify};
use crate::evidence::records::NAMESPACE;
use crate::gate::decide::ledger_reason;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Payload, Statement};
use crate::gate::timeline::{RawEntry, Timeline};
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::records::{Chain, LEDGER};

/// Checks the whole chain: every place, every digest, every signature, every state.
pub(super) fn whole(moment: &Moment) -> Result<Answer> {
    let tip = moment.records.tip(LEDGER)?;
    let chain = tip.map(|tip| moment.records.walk(&tip, None)).transpose();
    let audited = match &chain {
        Ok(chain) => {
            chain.as_ref().map(|chain| reading::whole(&moment.records, chain, Care::AUDIT)).transpose()
        }
        Err(_) => Ok(None),
    };
    let place = audited.as_ref().err().and_then(ReadError::place);
    let place = place.map(|(sequence, commit)| json!({ "sequence": sequence, "commit": commit }));
    let refused = |reason: Reason| {
        let answer = Answer::refused(COMMAND, vec![reason]).with("verified", false);
        place.iter().cloned().fold(answer, |answer, place| answer.with("failed_at", place))
    };
    if let Err(trouble) = &moment.ledger {
        return Ok(refused(ledger_reason(trouble)));
    }
    let chain = chain?;
    let folded = match audited {
        Ok(folded) => folded,
        Err(error) => return Ok(refused(Reason::new(Code::LedgerTampered, error.to_string()))),
    };
    let root = folded.as_ref().and_then(|folded| folded.timeline.root);
    if let (Some(known), Some(root)) = (moment.pin.root(), root)
        && known != root
    {
        let what = format!("this machine knows the trust root {known}, and the ledger has {root}");
        return Ok(refused(Reason::new(Code::PolicyRoot, what)));
    }
    let (entries, states) =
        (chain.map_or(0, |chain| chain.len()), folded.as_ref().map_or(0, |folded| folded.states));
    let root = root.map(|root| root.to_string());
    let text = format!(
        "ok: {}, each with its signature, chain and files; {} reached again\ntrust root: {}\n",
        text::count(entries, "entry"),
        text::count(states, "state"),
        root.as_deref().unwrap_or("none: the ledger is not founded")
    );
    Ok(Answer::done(COMMAND, text)
        .with("verified", true)
        .with("entries", entries)
        .with("signatures", entries)
        .with("states", states)
        .with("root", root))
}

/// Everybody who could ever sign, in the form that `ssh-keygen -Y verify -f` reads.
pub(super) fn allowed_signers(moment: &Moment) -> Result<Answer> {
    let people = "deployctl-policy,deployctl-approval,deployctl-revocation,deployctl-execution,deployctl-review,deployctl-signoff";
    let mut lines = BTreeSet::new();
    let mut timeline = Timeline::default();
    for entry in entries(moment)? {
        let entry = entry?;
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

/// Every entry of the ledger, oldest first, each read when it is its turn.
///
/// # Errors
/// When the way back is broken, and at an entry that cannot be read.
pub(super) fn entries(moment: &Moment) -> Result<impl Iterator<Item = Result<RawEntry>> + '_> {
    let tip = moment.records.tip(LEDGER)?;
    let chain = tip.map(|tip| moment.records.walk(&tip, None)).transpose()?;
    let places = 0..chain.as_ref().map_or(0, Chain::len);
    let commits = places.filter_map(move |place| chain.as_ref()?.get(place));
    Ok(commits.map(|commit| Ok(moment.records.one(&commit)?)))
}
