//! Which entry it is that the ledger is not believed for.

use serde_json::{Value, json};

use crate::commands::gather::Moment;
use crate::commands::gather::reading::{self, Care, ReadError};
use crate::gate::facts::LedgerTrouble;
use crate::gate::terms::CommitId;
use crate::world::marks;
use crate::world::records::{FETCHED, LEDGER, RecordError};

/// The first entry that does not hold, or that is missing: its place where that can be told, and its commit.
pub(super) fn place(moment: &Moment, trouble: &LedgerTrouble) -> Option<Value> {
    let (sequence, commit) = match trouble {
        LedgerTrouble::Tampered { .. } => {
            // What arrived and does not hold is no part of this clone's own branch.
            let branches = [LEDGER.to_owned(), format!("{FETCHED}/ledger")];
            branches.iter().find_map(|branch| broken(moment, branch))?
        }
        LedgerTrouble::Rewound { .. } => missing(moment)?,
        LedgerTrouble::Ahead { .. } | LedgerTrouble::Unreachable { .. } | LedgerTrouble::Stuck { .. } => {
            return None;
        }
    };
    Some(json!({ "sequence": sequence, "commit": commit }))
}

fn broken(moment: &Moment, branch: &str) -> Option<(Option<u64>, CommitId)> {
    let tip = moment.records.tip(branch).ok()??;
    let error = match moment.records.walk(&tip, None) {
        Ok(chain) => reading::whole(&moment.records, &chain, Care::DECISION, ()).err()?,
        Err(error) => ReadError::from(error),
    };
    found(&error)
}

fn found(error: &ReadError) -> Option<(Option<u64>, CommitId)> {
    match (error.place(), error) {
        (Some((sequence, commit)), _) => Some((Some(sequence), commit.clone())),
        (None, ReadError::Git(RecordError::Broken { commit, .. })) => Some((None, commit.clone())),
        (None, _) => None,
    }
}

/// The entry that the reader stopped at, for programs.
pub(super) fn told(error: &ReadError) -> Option<Value> {
    found(error).map(|(sequence, commit)| json!({ "sequence": sequence, "commit": commit }))
}

/// What this clone has seen, where it is not at its place any more.
fn missing(moment: &Moment) -> Option<(Option<u64>, CommitId)> {
    let mark = marks::high_water(&moment.common_dir).ok()??;
    Some((Some(mark.sequence), mark.commit))
}
