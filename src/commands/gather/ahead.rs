//! Entries that this clone has not seen yet, held against its clock. One that is dated ahead of it is neither taken over nor
//! handed on: else one entry would put everybody's clock behind. It is never passed over either, as an approval that was
//! used must not look unused.

use chrono::{DateTime, Duration, Utc};

use super::join::broken;
use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::facts::LedgerTrouble;
use crate::gate::statement::Payload;
use crate::gate::terms::CommitId;
use crate::gate::timeline::{RawEntry, Timeline};
use crate::world::clock;
use crate::world::records::Records;

/// Whether every entry after the one that this clone has seen is one of today or before. The entries hold: who signed is
/// known.
pub(super) fn check(
    records: &Records,
    timeline: &Timeline,
    seen: Option<&CommitId>,
) -> Result<(), LedgerTrouble> {
    let now = clock::now();
    if timeline.latest.is_none_or(|latest| is_past(latest, now)) {
        return Ok(());
    }
    let Some(tip) = &timeline.tip else { return Ok(()) };
    let chain = records.walk(&tip.commit, seen).map_err(broken)?;
    let new = (0..chain.len()).filter_map(|place| chain.get(place)).filter(|commit| Some(commit) != seen);
    new.map(|commit| records.one(&commit).map_err(broken)).try_for_each(|entry| dated(&entry?, now))
}

fn is_past(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at <= now + Duration::seconds(CLOCK_TOLERANCE_SECONDS)
}

fn dated(entry: &RawEntry, now: DateTime<Utc>) -> Result<(), LedgerTrouble> {
    let payload = Payload::read(&entry.payload).map_err(broken)?;
    if is_past(payload.at, now) {
        return Ok(());
    }
    Err(LedgerTrouble::Ahead {
        why: format!(
            "entry {} ({}), signed by `{}`, says that it was signed at {}, and this machine's clock says {}",
            payload.sequence,
            entry.commit.short(),
            payload.by,
            minute(payload.at),
            minute(now)
        ),
    })
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
