//! The records of this clone and of the remote, brought together. The ledger goes on here only to what holds, and only
//! what holds is handed on: an entry that does not is never this clone's to bring back once somebody took it away.

use std::path::Path;

use anyhow::Result;

use super::{ahead, fold};
use crate::commands::journal;
use crate::gate::facts::LedgerTrouble;
use crate::gate::statement::Payload;
use crate::gate::terms::CommitId;
use crate::gate::timeline::Timeline;
use crate::world::marks::{self, HighWater};
use crate::world::records::{FETCHED, JOURNAL, LEDGER, Records};
use crate::world::remote::{self, Pushed};

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

    fn chain(&self, tip: &CommitId) -> Result<Vec<CommitId>, LedgerTrouble> {
        self.records.chain(tip).map_err(broken)
    }

    /// The ledger up to a tip, where every entry holds, everything is in it that this clone has seen, and nothing else is
    /// dated ahead.
    fn believed(&self, tip: &CommitId) -> Result<Timeline, LedgerTrouble> {
        let entries = self.records.read(tip).map_err(broken)?;
        let mut seen = 0;
        if let Some(mark) = marks::high_water(self.common_dir).map_err(broken)? {
            let place = usize::try_from(mark.sequence).ok().and_then(|sequence| sequence.checked_sub(1));
            let known = place.and_then(|place| entries.get(place));
            if known.is_none_or(|entry| entry.commit != mark.commit) {
                return Err(rewound(&mark));
            }
            seen = place.map_or(0, |place| place + 1);
        }
        let timeline = fold(&entries).map_err(broken)?;
        ahead::check(entries.get(seen..).unwrap_or_default())?;
        Ok(timeline)
    }

    /// Goes on to the remote's ledger, if that is to be believed.
    fn follow(&self, here: Option<&CommitId>, there: &CommitId) -> Result<Timeline, LedgerTrouble> {
        let timeline = self.believed(there)?;
        self.records.advance(LEDGER, here, there).map_err(stuck)?;
        Ok(timeline)
    }

    /// Leaves what nobody believed for the remote's ledger, if that has everything that was.
    fn leave(&self, here: &CommitId, there: &CommitId) -> Result<Timeline, LedgerTrouble> {
        let timeline = self.believed(there)?;
        self.set_aside(here)?;
        self.records.advance(LEDGER, Some(here), there).map_err(stuck)?;
        Ok(timeline)
    }

    /// Keeps what this clone leaves.
    fn set_aside(&self, here: &CommitId) -> Result<(), LedgerTrouble> {
        let aside = format!("refs/deployctl/unsent/{}", here.short());
        self.records.advance(&aside, None, here).map_err(stuck)?;
        Ok(())
    }
}

pub(super) fn broken(error: impl ToString) -> LedgerTrouble {
    LedgerTrouble::Tampered { why: error.to_string() }
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
pub(super) fn synchronise(
    place: &Place<'_>,
    remote: Option<&str>,
) -> Result<Option<Timeline>, LedgerTrouble> {
    let Some(remote) = remote else { return Ok(None) };
    remote::fetch(place.root, remote, FETCHED).map_err(unreachable_because)?;
    join(place, remote)
}

/// The same after a fetch.
pub(super) fn join(place: &Place<'_>, remote: &str) -> Result<Option<Timeline>, LedgerTrouble> {
    let known = join_ledger(place, remote)?;
    // A journal that cannot be joined blocks nothing: it is what machines said.
    let _ = join_journal(place, remote);
    Ok(known)
}

fn join_ledger(place: &Place<'_>, remote: &str) -> Result<Option<Timeline>, LedgerTrouble> {
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
    if place.chain(&there)?.contains(&here) {
        return place.follow(Some(&here), &there).map(Some);
    }
    let timeline = match place.believed(&here) {
        Err(LedgerTrouble::Tampered { .. } | LedgerTrouble::Ahead { .. }) => {
            return place.leave(&here, &there).map(Some);
        }
        own => own?,
    };
    if !place.chain(&here)?.contains(&there) {
        let why = format!(
            "this clone's ledger ends at {} and the remote's at {}, and neither continues the other",
            here.short(),
            there.short()
        );
        return Err(LedgerTrouble::Rewound { why });
    }
    match remote::push(place.root, remote, LEDGER, Some(&there), &here) {
        Ok(Pushed::Done) => Ok(Some(timeline)),
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
    let (theirs, ours) = (place.chain(&there)?, place.chain(&here)?);
    let unsent: Vec<&CommitId> = ours.iter().take_while(|entry| !theirs.contains(entry)).collect();
    let shared = ours.get(unsent.len());
    // Only what is known never to have been sent: an entry that the remote had and lacks now was taken away.
    let known = marks::high_water(common_dir).map_err(broken)?.and_then(|mark| mark.unsent_after);
    let parted = !unsent.is_empty() && known.is_some() && known.as_ref() == shared && !ours.contains(&there);
    if !parted || !unsent.iter().all(|entry| is_session_entry(records, entry)) {
        return Ok(());
    }
    let Some(at) = shared.and_then(|shared| theirs.iter().position(|entry| entry == shared)) else {
        return Ok(());
    };
    let entries = records.read(&there).map_err(broken)?;
    fold(&entries).map_err(broken)?;
    let sequence = (theirs.len() - at) as u64;
    ahead::check(entries.get(theirs.len() - at..).unwrap_or_default())?;
    place.set_aside(&here)?;
    records.advance(LEDGER, Some(&here), &there).map_err(stuck)?;
    let (commit, remote) = (theirs[at].clone(), Some(remote.to_owned()));
    let mark = HighWater { sequence, commit, remote, unsent_after: None };
    marks::set_high_water(common_dir, &mark).map_err(broken)
}

fn is_session_entry(records: &Records, entry: &CommitId) -> bool {
    let payload = records.files(entry).ok().and_then(|mut files| files.remove("payload.json"));
    payload.and_then(|bytes| Payload::read(&bytes).ok()).is_some_and(|payload| payload.statement.by_session())
}

/// The ledger of this clone, every entry checked unless that was done just now, and held against what was seen.
pub(super) fn verified(
    place: &Place<'_>,
    known: Option<Timeline>,
) -> Result<Result<Timeline, LedgerTrouble>> {
    let tip = match place.here() {
        Ok(tip) => tip,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let Some(tip) = tip else {
        let mark = marks::high_water(place.common_dir)?;
        return Ok(mark.map_or_else(|| Ok(Timeline::default()), |mark| Err(rewound(&mark))));
    };
    let known = known.filter(|known| known.tip.as_ref().is_some_and(|known| known.commit == tip));
    let timeline = match known.map_or_else(|| place.believed(&tip), Ok) {
        Ok(timeline) => timeline,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let remote = timeline.policy.as_ref().and_then(|in_force| in_force.remote.clone());
    let sequence = timeline.tip.as_ref().map_or(0, |tip| tip.sequence);
    let mark = HighWater { sequence, commit: tip, remote, unsent_after: None };
    marks::set_high_water(place.common_dir, &mark)?;
    Ok(Ok(timeline))
}
