//! What the timeline lets go of: what is settled and old, by rules that every reader applies after every entry. So what is
//! in force does not grow with the ledger, and is the same however much of the ledger was read.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::{Decided, Deployed, Past, Quarantine, Timeline, Track};
use crate::gate::config::ActionKind;
use crate::gate::remains::Remains;
use crate::gate::statement::RequestRef;
use crate::gate::terms::Digest;

/// So many actions of an environment are kept, settled or not: what people and reports still speak of.
pub const ACTIONS_KEPT: usize = 6;

/// A rollback may go to one of so many releases that were live last.
pub const WAYS_BACK_KEPT: usize = 30;

/// So many days after its time a request is let go of that nobody executed, and a sign-off after it was signed.
pub const DAYS_KEPT: i64 = 30;

impl Timeline {
    /// An empty one that remembers what is settled, for tables. It decides as any other does.
    #[must_use]
    pub fn remembering() -> Self {
        Self { past: Past { remembered: true, ..Past::default() }, ..Self::default() }
    }

    /// The same, which remembers what is settled from here on if it should.
    #[must_use]
    pub const fn remember(mut self, remembered: bool) -> Self {
        self.past.remembered = remembered;
        self
    }

    /// The same, which remembers also what an earlier one did, of the entries before those that this one remembers.
    #[must_use]
    pub fn after(mut self, mut earlier: Self) -> Self {
        self.latest = self.latest.max(earlier.latest);
        self.past.requests.append(&mut earlier.past.requests);
        for (name, track) in &mut self.tracks {
            let before = earlier.tracks.get_mut(name).map(|track| std::mem::take(&mut track.past));
            track.past.splice(..0, before.unwrap_or_default());
        }
        self
    }

    /// The same, which remembers also what another one of the same ledger let go of, from wherever that was read.
    #[must_use]
    pub fn recalling(mut self, other: Self) -> Self {
        let unknown =
            other.past.requests.into_iter().filter(|(request, _)| !self.requests.contains_key(request));
        self.past.requests.extend(unknown);
        for (name, track) in other.tracks {
            let own = self.tracks.entry(name).or_default();
            let known: BTreeSet<Digest> = own.all().map(|deployed| deployed.execution).collect();
            own.past.extend(track.past.into_iter().filter(|deployed| !known.contains(&deployed.execution)));
            own.past.sort_by_key(|deployed| deployed.at);
        }
        self
    }

    /// What people said of a request, settled or not.
    #[must_use]
    pub fn decided(&self, request: &RequestRef) -> Option<&Decided> {
        self.requests.get(request).or_else(|| self.past.requests.get(request))
    }

    /// What people said of every request, settled or not.
    pub fn all_decided(&self) -> impl Iterator<Item = &Decided> {
        self.past.requests.values().chain(self.requests.values())
    }

    /// Lets go of what is settled.
    pub(super) fn settle_past(&mut self) {
        let Some(now) = self.tip.as_ref().map(|tip| tip.at) else { return };
        for track in self.tracks.values_mut() {
            let settled = track.settle_past();
            if self.past.remembered {
                track.past.extend(settled);
            }
        }
        let stays = self.tracks.values().flat_map(|track| &track.deployments);
        let stays: BTreeSet<&RequestRef> = stays.map(|deployed| &deployed.start.request).collect();
        let settled = |decided: &Decided| !stays.contains(&decided.request) && is_over(decided, now);
        let over: Vec<RequestRef> = self
            .requests
            .values()
            .filter(|known| settled(known))
            .map(|known| known.request.clone())
            .collect();
        for request in over {
            let Some(decided) = self.requests.remove(&request) else { continue };
            if self.past.remembered {
                self.past.requests.insert(request, decided);
            }
        }
        if let Some(since) = now.checked_sub_signed(Duration::days(DAYS_KEPT)) {
            self.signoffs.settle(since);
        }
    }
}

/// Whether the time of a request is over: at once where it was executed, else after some days.
fn is_over(decided: &Decided, now: DateTime<Utc>) -> bool {
    let times =
        decided.votes.iter().map(|vote| vote.approval.execute_by.max(vote.approval.decide_by).max(vote.at));
    let days = if decided.consumed.is_some() { 0 } else { DAYS_KEPT };
    let last = times.max().map(|last| last.checked_add_signed(Duration::days(days)));
    match last {
        Some(Some(last)) => last < now,
        // So far away that no calendar has it.
        Some(None) => false,
        None => true,
    }
}

impl Track {
    /// Every action, settled or not: those that are settled first.
    pub fn all(&self) -> impl Iterator<Item = &Deployed> {
        self.past.iter().chain(&self.deployments)
    }

    /// Every action in the order in which they began: no action may begin before one that stands before it.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Deployed> {
        let mut all: Vec<&Deployed> = self.all().collect();
        all.sort_by_key(|known| known.at);
        all
    }

    /// Lets go of what is settled, and hands the actions over.
    fn settle_past(&mut self) -> Vec<Deployed> {
        let extra = self.ways_back.len().saturating_sub(WAYS_BACK_KEPT);
        self.ways_back.drain(..extra);
        let Some(recent) = self.deployments.len().checked_sub(ACTIONS_KEPT).filter(|old| *old > 0) else {
            return Vec::new();
        };
        let needed = self.needed();
        let all = std::mem::take(&mut self.deployments).into_iter().enumerate();
        let stays =
            |(place, deployed): &(usize, Deployed)| *place >= recent || needed.contains(&deployed.execution);
        let (stay, settled): (Vec<_>, Vec<_>) = all.partition(stays);
        let without_place = |(_, deployed): (usize, Deployed)| deployed;
        self.deployments = stay.into_iter().map(without_place).collect();
        let quarantined = std::mem::take(&mut self.quarantined);
        self.quarantined = quarantined.into_iter().filter(|known| !self.has_outlived(known)).collect();
        settled.into_iter().map(without_place).collect()
    }

    /// The actions that a later entry or a decision may still be about, whatever their age.
    fn needed(&self) -> BTreeSet<Digest> {
        let newest = self.deployments.iter().rev().find(|known| known.start.action == ActionKind::Deploy);
        let live = self.live.as_ref().map(|live| live.execution);
        let left = |known: &&Deployed| known.ending.is_some() && known.remains() != Remains::Nothing;
        let left = self.deployments.iter().rev().find(left).map(|left| left.execution);
        let open = self.deployments.iter().filter(|known| known.ending.is_none());
        let owed = || self.owed().map(|(deployed, _)| deployed);
        let undoes = owed().filter_map(|owed| owed.aftermath.as_ref()).map(|aftermath| aftermath.undoes);
        let whole = newest.into_iter().chain(open).chain(owed()).map(|known| known.execution);
        whole.chain(live).chain(left).chain(undoes).collect()
    }

    /// Whether what was released from quarantine is older than everything that a rollback may go back to. What nobody
    /// released stays.
    fn has_outlived(&self, known: &Quarantine) -> bool {
        !known.released.is_empty()
            && !self.deployments.iter().any(|deployed| deployed.execution == known.rollback)
            && !self.ways_back.iter().any(|way| way.commit == known.undone.commit)
    }
}
