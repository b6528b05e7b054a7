//! `deployctl history --verify` and `--allowed-signers`: the proof that the records hold, and the keys for OpenSSH.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::json;

use super::audit::Audit;
use super::{COMMAND, entry, fault, mend};
use crate::commands::gather::reading::{self, Care};
use crate::commands::gather::{Moment, verify};
use crate::evidence::records::NAMESPACE;
use crate::gate::decide::ledger_reason;
use crate::gate::reason::{Code, Reason};
use crate::gate::since::EntryName;
use crate::gate::statement::{Payload, Statement};
use crate::gate::timeline::{RawEntry, Timeline};
use crate::render::answer::Answer;
use crate::world::records::LEDGER;

/// Checks every place, every digest, every signature, every state, from the first entry on: what a person signed as a state
/// stands for nothing here. Tells of what follows an entry, where one is named.
pub(super) fn whole(moment: &Moment, since: Option<EntryName>) -> Result<Answer> {
    let refused = |reason: Reason, at: Option<serde_json::Value>| {
        let reason = mend::with_next(moment, reason, at.as_ref());
        Answer::refused(COMMAND, vec![reason]).with("failed_at", at).with("verified", false)
    };
    if let Err(trouble) = &moment.ledger {
        return Ok(refused(ledger_reason(trouble), fault::place(moment, trouble)));
    }
    let tip = moment.records.tip(LEDGER)?;
    let chain = tip.map(|tip| moment.records.walk(&tip, None)).transpose()?.unwrap_or_default();
    let from = since.map_or(Ok(0), |name| entry::up_to(&chain, &name))?;
    let folded = match reading::whole(&moment.records, &chain, Care::AUDIT, Audit::after_entry(from)) {
        Ok(folded) => folded,
        Err(error) => {
            let at = fault::told(&error);
            return Ok(refused(Reason::new(Code::LedgerTampered, error.to_string()), at));
        }
    };
    if let (Some(known), Some(root)) = (moment.pin.root(), folded.timeline.root)
        && known != root
    {
        let what = format!("this machine knows the trust root {known}, and the ledger has {root}");
        let first = chain.get(0).map(|first| json!({ "sequence": 1, "commit": first }));
        return Ok(refused(Reason::new(Code::PolicyRoot, what), first));
    }
    folded.witness.answer(moment, &folded.timeline, from)
}

/// The keys of everybody who could ever sign, in the form that `ssh-keygen -Y verify -f` reads.
pub(super) struct Signers {
    /// All of them: people, machines and sessions.
    pub(super) all: String,
    /// The people's alone, by the entry that brought them into force.
    pub(super) people: BTreeMap<u64, String>,
}

/// Folds the ledger for the keys that it names.
///
/// # Errors
/// When it cannot be read, or does not hold.
pub(super) fn signers(moment: &Moment) -> Result<Signers> {
    let spaces = "deployctl-policy,deployctl-approval,deployctl-revocation,deployctl-execution,deployctl-review,deployctl-signoff";
    let mut lines = BTreeSet::new();
    let mut people = BTreeMap::new();
    let mut timeline = Timeline::default();
    for entry in entries(moment)? {
        let entry = entry?;
        timeline.apply(&entry, verify)?;
        if let Some(in_force) = timeline.policy.as_ref().filter(|in_force| in_force.entry == entry.commit) {
            let named = in_force.policy.people.iter();
            let own: BTreeSet<String> = named
                .flat_map(|(name, person)| {
                    person
                        .keys
                        .iter()
                        .map(move |key| format!("{name} namespaces=\"{spaces}\" {}", key.line()))
                })
                .collect();
            for (name, keys) in &in_force.policy.machines {
                lines.extend(
                    keys.iter().map(|key| format!("{name} namespaces=\"{NAMESPACE}\" {}", key.line())),
                );
            }
            people.insert(timeline.tip.as_ref().map_or(0, |tip| tip.sequence), joined(&own));
            lines.extend(own);
        }
        if let Statement::Execution(execution) = Payload::read(&entry.payload)?.statement {
            let key = execution.session_key.line();
            lines.insert(format!("session namespaces=\"deployctl-session\" {key}"));
        }
    }
    Ok(Signers { all: joined(&lines), people })
}

fn joined(lines: &BTreeSet<String>) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Everybody who could ever sign, for OpenSSH.
pub(super) fn allowed_signers(moment: &Moment) -> Result<Answer> {
    let text = signers(moment)?.all;
    Ok(Answer::done(COMMAND, text.clone()).with("allowed_signers", text))
}

/// Every entry of the ledger, oldest first, each read when it is its turn.
///
/// # Errors
/// When the way back is broken, and at an entry that cannot be read.
fn entries(moment: &Moment) -> Result<impl Iterator<Item = Result<RawEntry>> + '_> {
    let tip = moment.records.tip(LEDGER)?;
    let chain = tip.map(|tip| moment.records.walk(&tip, None)).transpose()?.unwrap_or_default();
    let commits = (0..chain.len()).filter_map(move |place| chain.get(place));
    Ok(commits.map(|commit| Ok(moment.records.one(&commit)?)))
}
