//! What an owner does about a ledger that does not hold.

use serde_json::Value;

use crate::commands::gather::Moment;
use crate::gate::decide::VERIFY;
use crate::gate::reason::{Code, Reason};
use crate::gate::terms::CommitId;
use crate::render::text;

/// The reason with what to do, instead of what was just done: to verify it. `at` is the first entry that does not hold.
pub(super) fn with_next(moment: &Moment, reason: Reason, at: Option<&Value>) -> Reason {
    if reason.code != Code::LedgerTampered {
        return reason;
    }
    let commit = at.and_then(|at| at["commit"].as_str()).and_then(|commit| commit.parse::<CommitId>().ok());
    let mut next: Vec<String> = commit
        .iter()
        .map(|commit| format!("look at the entry, and who pushed it: git show {}", commit.short()))
        .collect();
    let ways = reason.next.iter().filter(|way| *way != VERIFY);
    next.extend(ways.cloned());
    let said = next.len() > usize::from(commit.is_some());
    let reason = Reason { next, ..reason };
    if said {
        return reason;
    }
    let whose = match &moment.remote {
        Some(remote) => format!("who administers `{}` puts its", text::line(remote, 80)),
        None => "put the".to_owned(),
    };
    let back = commit.and_then(|commit| moment.records.parent(&commit).ok().flatten());
    let back = back.map_or_else(String::new, |holds| {
        format!(", or where there is none to {}, the last entry that holds", holds.short())
    });
    reason.next(format!(
        "{whose} branch `deployctl/ledger` back to that of a clone where `deployctl history --verify` is ok{back}; every clone then follows it"
    ))
}
