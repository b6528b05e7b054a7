//! The records of this clone and of the remote, brought together. The ledger goes on here only to what holds, and only
//! what holds is handed on: an entry that does not is never this clone's to bring back once somebody took it away.

use std::path::Path;

use anyhow::Result;

use super::ahead;
use super::known::{self, Meant, Noted};
use super::reading::{self, Care, Reach, ReadError};
use crate::commands::journal;
use crate::gate::decide::ledger_reason;
use crate::gate::facts::{LedgerTrouble, Pin, Spoilt};
use crate::gate::statement::Payload;
use crate::gate::terms::CommitId;
use crate::gate::timeline::Timeline;
use crate::world::index::{self, Index};
use crate::world::marks::{self, HighWater, Start};
use crate::world::records::{Chain, FETCHED, JOURNAL, LEDGER, PAYLOAD, Records};
use crate::world::remote::{self, Pushed};

/// The ledger, with the rows of the index for what was read of it.
pub(super) type Folded = reading::Folded<Noted>;

/// A part of the ledger, to be read entry by entry to its end.
pub struct Part {
    /// What the entries before it come to.
    pub before: Timeline,
    /// Its entries.
    pub entries: Chain,
}

/// Where the records of this clone are.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The two branches.
    pub(super) records: &'a Records,
    /// The git directory, with the marks.
    pub(super) common_dir: &'a Path,
    /// The top of the work tree, where git runs.
    pub(super) root: &'a Path,
}

impl Place<'_> {
    fn here(&self) -> Result<Option<CommitId>, LedgerTrouble> {
        self.records.tip(LEDGER).map_err(broken)
    }

    fn there(&self) -> Result<Option<CommitId>, LedgerTrouble> {
        self.records.tip(&format!("{FETCHED}/ledger")).map_err(broken)
    }

    /// The ledger up to a tip, where every entry holds, everything is in it that this clone has seen, and nothing else is
    /// dated ahead.
    pub(super) fn believed(&self, tip: &CommitId) -> Result<Folded, LedgerTrouble> {
        let mark = marks::high_water(self.common_dir).map_err(broken)?;
        let folded = self.folded(tip, mark.as_ref(), mark.as_ref())?;
        ahead::check(self.records, &folded.timeline, mark.as_ref().map(|mark| &mark.commit))?;
        Ok(folded)
    }

    /// The ledger up to a tip, where every entry holds: from the state that a mark names, else from the first entry. An
    /// entry that was seen must be in it.
    fn folded(
        &self,
        tip: &CommitId,
        mark: Option<&HighWater>,
        seen: Option<&HighWater>,
    ) -> Result<Folded, LedgerTrouble> {
        let start = mark.and_then(|mark| mark.start.as_ref()).filter(|_| self.goes_on());
        let place = seen.map(|seen| (seen.sequence, &seen.commit));
        if let Some(folded) = start.and_then(|start| {
            reading::resumed(self.records, tip, start, place, Care::DECISION, Noted::default())
        }) {
            return Ok(folded);
        }
        let chain = self.records.walk(tip, None).map_err(broken)?;
        if let Some(mark) = seen {
            let place = usize::try_from(mark.sequence).ok().and_then(|sequence| sequence.checked_sub(1));
            if place.and_then(|place| chain.get(place)).as_ref() != Some(&mark.commit) {
                return Err(rewound(mark));
            }
        }
        reading::whole(self.records, &chain, Care::DECISION, Noted::default())
            .map_err(|error| spoilt(&error, &chain, seen))
    }

    /// Whether a state may stand for the entries before it. Where the administrator pinned the root, nothing that a program
    /// of this user can write stands for the way to it.
    fn goes_on(&self) -> bool {
        matches!(marks::pin(self.common_dir, None), Ok(Pin::None | Pin::Clone(_)))
    }

    /// The ledger for a table that reaches so far back, where what decisions know of it is this.
    pub(super) fn since(&self, known: &Timeline, reach: Reach) -> Result<Timeline, LedgerTrouble> {
        let Some(tip) = &known.tip else { return Ok(known.clone()) };
        let start = self.index(known).and_then(|index| known::reaching(&index, tip, reach));
        let resumed = start.and_then(|start| {
            let part = reading::resumed(self.records, &tip.commit, &start, None, Care::PART, ())?;
            known::has_reached(self.records, &start, reach, &part.timeline).then_some(part.timeline)
        });
        if let Some(timeline) = resumed {
            return Ok(timeline);
        }
        let chain = self.records.walk(&tip.commit, None).map_err(broken)?;
        let folded = reading::whole(self.records, &chain, Care::TABLE, Noted::default()).map_err(broken)?;
        self.note(&folded.witness);
        Ok(folded.timeline)
    }

    /// The part of the ledger that reaches so far back, where this clone knows a place to begin at.
    pub(super) fn part(&self, known: &Timeline, reach: Reach) -> Option<Part> {
        let tip = known.tip.as_ref()?;
        let start = known::reaching(&self.index(known)?, tip, reach)?;
        let entries = self.records.walk(&tip.commit, Some(&start.commit)).ok()?;
        let before = reading::before_start(self.records, &start)?;
        (entries.get(0)? == start.commit).then_some(Part { before, entries })
    }

    /// The ledger with all that it says of what a name means.
    pub(super) fn about(&self, known: &Timeline, name: &str) -> Result<Timeline, LedgerTrouble> {
        let meant = Meant::by(name);
        let index = self.index(known);
        match index.and_then(|index| known::recalled(self.records, &index, known, &meant)) {
            Some(timeline) => Ok(timeline),
            None => self.since(known, Reach::Whole),
        }
    }

    /// The index, where it is of this ledger and may stand for a part of it.
    fn index(&self, known: &Timeline) -> Option<Index> {
        let index = Index::open(self.common_dir).filter(|_| self.goes_on())?;
        known.tip.as_ref().is_some_and(|tip| known::is_of(&index, tip)).then_some(index)
    }

    /// Keeps what was found.
    fn note(&self, noted: &Noted) {
        let before = || self.records.parent(&noted.entry()?).ok()?;
        index::keep(self.common_dir, noted.first, &noted.rows, before);
    }

    /// How many entries the ledger up to a tip has, and where to go on from, if every entry holds and none after the one that
    /// was seen is dated ahead.
    pub(super) fn holds(&self, tip: &CommitId, seen: &CommitId) -> anyhow::Result<(u64, Option<Start>)> {
        let mark = marks::high_water(self.common_dir)?;
        let told = |trouble: LedgerTrouble| anyhow::anyhow!(ledger_reason(&trouble).message);
        let Folded { timeline, start, .. } = self.folded(tip, mark.as_ref(), None).map_err(told)?;
        ahead::check(self.records, &timeline, Some(seen)).map_err(told)?;
        Ok((timeline.tip.map_or(0, |tip| tip.sequence), start))
    }

    /// Goes on to the remote's ledger, if that is to be believed.
    fn follow(&self, here: Option<&CommitId>, there: &CommitId) -> Result<Folded, LedgerTrouble> {
        let folded = self.believed(there)?;
        self.records.advance(LEDGER, here, there).map_err(stuck)?;
        Ok(folded)
    }

    /// Leaves what nobody believed for the remote's ledger, if that has everything that was.
    fn leave(&self, here: &CommitId, there: &CommitId) -> Result<Folded, LedgerTrouble> {
        let folded = self.believed(there)?;
        self.set_aside(here)?;
        self.records.advance(LEDGER, Some(here), there).map_err(stuck)?;
        Ok(folded)
    }

    /// Keeps what this clone leaves.
    fn set_aside(&self, here: &CommitId) -> Result<(), LedgerTrouble> {
        let aside = format!("refs/deployctl/unsent/{}", here.short());
        self.records.advance(&aside, None, here).map_err(stuck)?;
        Ok(())
    }
}

pub(super) fn broken(error: impl ToString) -> LedgerTrouble {
    LedgerTrouble::Tampered { why: error.to_string(), spoilt: None }
}

/// The same of a chain whose end goes away where nothing of it was seen before.
fn spoilt(error: &ReadError, chain: &Chain, seen: Option<&HighWater>) -> LedgerTrouble {
    let seen = seen.map_or(0, |mark| mark.sequence);
    let signed_by = match error {
        ReadError::Fault(fault) => fault.signed_by.as_ref().map(|signer| signer.person().clone()),
        ReadError::Record { .. } | ReadError::Beyond(_) | ReadError::Git(_) => None,
    };
    let spoilt = error.place().filter(|(sequence, _)| *sequence > seen).and_then(|(sequence, _)| {
        let good = chain.get(usize::try_from(sequence).ok()?.checked_sub(2)?)?;
        Some(Box::new(Spoilt { tip: chain.last()?, good, signed_by, remote: None }))
    });
    LedgerTrouble::Tampered { why: error.to_string(), spoilt }
}

fn stuck(error: crate::world::records::RecordError) -> LedgerTrouble {
    LedgerTrouble::Stuck { why: error.to_string() }
}

pub(super) fn unreachable_because(why: impl ToString) -> LedgerTrouble {
    LedgerTrouble::Unreachable { why: why.to_string() }
}

fn rewound(mark: &HighWater) -> LedgerTrouble {
    LedgerTrouble::Rewound {
        why: format!(
            "this clone has seen entry {} ({}), and it is not there any more",
            mark.sequence,
            mark.commit.short()
        ),
    }
}

/// Brings the two branches and the remote's together; answers the ledger where it had to be verified for that.
pub(super) fn synchronise(place: &Place<'_>, remote: Option<&str>) -> Result<Option<Folded>, LedgerTrouble> {
    let Some(remote) = remote else { return Ok(None) };
    fetch(place, remote)?;
    join(place, remote)
}

/// Fetches what the remote has. Git fetches nothing into a clone with an empty branch, and says that of the remote.
pub(super) fn fetch(place: &Place<'_>, remote: &str) -> Result<(), LedgerTrouble> {
    for branch in [LEDGER, JOURNAL, &format!("{FETCHED}/ledger"), &format!("{FETCHED}/journal")] {
        place.records.is_whole(branch).map_err(stuck)?;
    }
    remote::fetch(place.root, remote, FETCHED).map_err(unreachable_because)
}

/// The same after a fetch.
pub(super) fn join(place: &Place<'_>, remote: &str) -> Result<Option<Folded>, LedgerTrouble> {
    let known = join_ledger(place, remote)?;
    // A journal that cannot be joined blocks nothing: it is what machines said.
    let _ = join_journal(place, remote);
    Ok(known)
}

fn join_ledger(place: &Place<'_>, remote: &str) -> Result<Option<Folded>, LedgerTrouble> {
    let (here, there) = match (place.here()?, place.there()?) {
        (None, None) => return Ok(None),
        (None, Some(there)) => return place.follow(None, &there).map(Some),
        (Some(_), None) => {
            let why = format!("the remote `{remote}` has no ledger, and this clone has one");
            return Err(LedgerTrouble::Rewound { why });
        }
        (Some(here), Some(there)) => (here, there),
    };
    if here == there {
        return Ok(None);
    }
    let fork = place.records.fork(&here, &there);
    if fork.ours.is_empty() {
        return place.follow(Some(&here), &there).map(Some);
    }
    if fork.shared.is_none() {
        // Where the way back ends in something that is no entry, that is what is wrong.
        place.records.walk(&there, None).map_err(broken)?;
    }
    let folded = match place.believed(&here) {
        Err(LedgerTrouble::Tampered { .. } | LedgerTrouble::Ahead { .. }) => {
            return place.leave(&here, &there).map(Some);
        }
        own => own?,
    };
    if !fork.theirs.is_empty() {
        let why = format!(
            "this clone's ledger ends at {} and the remote's at {}, and neither continues the other",
            here.short(),
            there.short()
        );
        return Err(LedgerTrouble::Rewound { why });
    }
    match remote::push(place.root, remote, LEDGER, Some(&there), &here) {
        Ok(Pushed::Done) => Ok(Some(folded)),
        Ok(Pushed::Lost) => Err(unreachable_because("another entry arrived at the same moment; try again")),
        Err(error) => Err(unreachable_because(error)),
    }
}

fn join_journal(place: &Place<'_>, remote: &str) -> Result<()> {
    let Place { records, root, .. } = *place;
    let here = records.tip(JOURNAL)?;
    let Some(there) = records.tip(&format!("{FETCHED}/journal"))? else {
        if let Some(here) = here {
            remote::push(root, remote, JOURNAL, None, &here)?;
        }
        return Ok(());
    };
    match here {
        None => {
            records.advance(JOURNAL, None, &there)?;
        }
        Some(here) if here == there => {}
        // Jammed here, and restored there: nothing of it can be read, so nothing is lost.
        Some(here) if records.chain(&here).is_err() && records.chain(&there).is_ok() => {
            records.advance(JOURNAL, Some(&here), &there)?;
        }
        Some(here) if records.chain(&here)?.contains(&there) => {
            remote::push(root, remote, JOURNAL, Some(&there), &here)?;
        }
        Some(here) => journal::rebase(records, &here, &there)?,
    }
    Ok(())
}

/// What a deployment said of itself while the remote was away is lost once others went on there: its key is gone. The
/// remote's ledger counts; the deployment is then interrupted, and a person says what runs. What was said is kept aside.
pub(super) fn settle_unsent(place: &Place<'_>, remote: &str) -> Result<(), LedgerTrouble> {
    let Place { records, common_dir, .. } = *place;
    let (Some(here), Some(there)) = (place.here()?, place.there()?) else { return Ok(()) };
    if here == there {
        return Ok(());
    }
    let fork = records.fork(&here, &there);
    let Some(shared) = fork.shared.clone() else { return Ok(()) };
    // Only what is known never to have been sent: an entry that the remote had and lacks now was taken away.
    let mark = marks::high_water(common_dir).map_err(broken)?;
    let known = mark.as_ref().and_then(|mark| mark.unsent_after.as_ref());
    let parted = !fork.ours.is_empty() && !fork.theirs.is_empty() && known == Some(&shared);
    if !parted || !fork.ours.iter().all(|entry| is_session_entry(records, entry)) {
        return Ok(());
    }
    let Some(Payload { sequence, .. }) = payload(records, &shared) else { return Ok(()) };
    let folded = place.folded(&there, mark.as_ref(), None)?;
    ahead::check(records, &folded.timeline, Some(&shared))?;
    place.set_aside(&here)?;
    records.advance(LEDGER, Some(&here), &there).map_err(stuck)?;
    let start = folded.start.filter(|start| start.sequence <= sequence);
    let (commit, remote) = (shared, Some(remote.to_owned()));
    let mark = HighWater { sequence, commit, remote, unsent_after: None, start };
    marks::set_high_water(common_dir, &mark).map_err(broken)
}

fn is_session_entry(records: &Records, entry: &CommitId) -> bool {
    payload(records, entry).is_some_and(|payload| payload.statement.by_session())
}

fn payload(records: &Records, entry: &CommitId) -> Option<Payload> {
    let bytes = records.file(entry, PAYLOAD).ok().flatten()?;
    Payload::read(&bytes).ok()
}

/// The ledger of this clone, every entry checked unless that was done just now, and held against what was seen.
pub(super) fn verified(place: &Place<'_>, known: Option<Folded>) -> Result<Result<Timeline, LedgerTrouble>> {
    let tip = match place.here() {
        Ok(tip) => tip,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let Some(tip) = tip else {
        let mark = marks::high_water(place.common_dir)?;
        return Ok(mark.map_or_else(|| Ok(Timeline::default()), |mark| Err(rewound(&mark))));
    };
    let known = known.filter(|known| known.timeline.tip.as_ref().is_some_and(|known| known.commit == tip));
    let Folded { timeline, start, witness } = match known.map_or_else(|| place.believed(&tip), Ok) {
        Ok(folded) => folded,
        Err(trouble) => return Ok(Err(trouble)),
    };
    place.note(&witness);
    let remote = timeline.policy.as_ref().and_then(|in_force| in_force.remote.clone());
    let sequence = timeline.tip.as_ref().map_or(0, |tip| tip.sequence);
    let mark = HighWater { sequence, commit: tip, remote, unsent_after: None, start };
    // A look that finds nothing new waits for no disk.
    if marks::high_water(place.common_dir)?.as_ref() != Some(&mark) {
        marks::set_high_water(place.common_dir, &mark)?;
    }
    Ok(Ok(timeline))
}
