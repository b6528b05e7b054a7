//! Entries that this clone has not seen yet, held against its clock. One that is dated ahead of it is neither taken over nor
//! handed on: else one entry would put everybody's clock behind. It is never passed over either, as an approval that was
//! used must not look unused.

use chrono::{DateTime, Duration, Utc};

use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::facts::LedgerTrouble;
use crate::gate::statement::Payload;
use crate::gate::timeline::RawEntry;
use crate::world::clock;

/// Whether every entry that is new to this clone is one of today or before. The entries hold: who signed is known.
pub(super) fn check(new: &[RawEntry]) -> Result<(), LedgerTrouble> {
    let now = clock::now();
    new.iter().try_for_each(|entry| dated(entry, now))
}

fn dated(entry: &RawEntry, now: DateTime<Utc>) -> Result<(), LedgerTrouble> {
    let payload = Payload::read(&entry.payload).map_err(super::join::broken)?;
    if payload.at <= now + Duration::seconds(CLOCK_TOLERANCE_SECONDS) {
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
