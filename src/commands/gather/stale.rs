//! What this clone has while the remote does not answer: for who only looks, and never for a decision.

use super::Moment;
use super::join::Place;
use crate::gate::decide::ledger_reason;
use crate::gate::facts::LedgerTrouble;
use crate::gate::reason::{Code, Reason};
use crate::world::marks;
use crate::world::records::LEDGER;

impl Moment {
    /// Takes the ledger as this clone has it where the remote alone is in the way, and answers the warning that goes with
    /// whatever is shown of it. It is verified as ever: where it does not hold, nothing is shown. No mark is set.
    pub fn makes_do(&mut self) -> Option<Reason> {
        let trouble = self.ledger.as_ref().err()?;
        if !matches!(trouble, LedgerTrouble::Unreachable { .. }) {
            return None;
        }
        let place =
            Place { records: &self.records, common_dir: &self.common_dir, root: self.repository.root() };
        let tip = self.records.tip(LEDGER).ok()??;
        let timeline = place.believed(&tip).ok()?.timeline;
        let newest = timeline.tip.as_ref()?;
        let what = format!(
            "{}; this is what the clone has, up to entry {} ({}) of {}: it may be stale, and nothing is decided by it",
            ledger_reason(trouble).message,
            newest.sequence,
            newest.commit.short(),
            newest.at.format("%Y-%m-%d %H:%M UTC")
        );
        self.pin = marks::pin(&self.common_dir, timeline.root).ok()?;
        self.ledger = Ok(timeline);
        Some(Reason::new(Code::LedgerUnreachable, what).next("check the network and the remote"))
    }
}
