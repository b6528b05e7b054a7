//! The ledger read and verified: from the first entry, on every core, or from a state that this clone reached before. Any
//! doubt about such a state means that everything is read.

use std::thread;

use chrono::{DateTime, Utc};

use crate::commands::gather::verify;
use crate::gate::statement::{Payload, canonical};
use crate::gate::terms::{CommitId, Digest};
use crate::gate::timeline::{Fault, RawEntry, STATE, State, Timeline};
use crate::world::marks::Start;
use crate::world::records::{Chain, PAYLOAD, RecordError, Records, uncached};

/// Why the ledger does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What an entry says.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What an entry is.
    #[error("{why}")]
    Record {
        /// Its place, from 1.
        sequence: u64,
        /// The git commit.
        commit: CommitId,
        /// What is wrong.
        why: Box<RecordError>,
    },
    /// Anything else git says.
    #[error(transparent)]
    Git(#[from] RecordError),
    /// An entry was looked for that the branch does not have.
    #[error("the ledger has no entry {0}")]
    Beyond(u64),
}

impl ReadError {
    /// The place and the commit of the entry, where one is meant.
    #[must_use]
    pub const fn place(&self) -> Option<(u64, &CommitId)> {
        match self {
            Self::Fault(fault) => Some((fault.sequence, &fault.commit)),
            Self::Record { sequence, commit, .. } => Some((*sequence, commit)),
            Self::Git(_) | Self::Beyond(_) => None,
        }
    }
}

/// How much is looked at besides what every entry needs to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// Whether every `state.json` is held against what the entries before it come to. One that is not that is a finding and no
    /// fault: nothing begins from it, and one person could stop all others with it.
    pub states: bool,
    /// Whether what is settled is remembered, for tables.
    pub past: bool,
    /// Whether states to go on from are looked for.
    pub starts: bool,
    /// Whether the files beside what was signed are read, and are the ones that were signed.
    pub attachments: bool,
}

impl Care {
    /// For a decision.
    pub const DECISION: Self = Self { states: false, past: false, starts: true, attachments: true };
    /// For a table.
    pub const TABLE: Self = Self { states: false, past: true, starts: true, attachments: true };
    /// For a table of a part of the ledger.
    pub const PART: Self = Self { states: false, past: true, starts: false, attachments: false };
    /// For an audit.
    pub const AUDIT: Self = Self { states: true, past: false, starts: true, attachments: true };
}

/// What looks on while the ledger is folded. The parts of a ledger each have one.
pub trait Witness: Clone + Send {
    /// The timeline has just taken an entry.
    fn took(&mut self, timeline: &Timeline, entry: &RawEntry, state: Said);
    /// What both saw, where the other looked on before this one.
    #[must_use]
    fn after(self, earlier: Self) -> Self;
}

/// What the `state.json` of an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It has none, or that was not looked at.
    Nothing,
    /// What the entries before it come to.
    Reached,
    /// Something else.
    Otherwise,
}

impl Witness for () {
    fn took(&mut self, _: &Timeline, _: &RawEntry, _: Said) {}

    fn after(self, (): Self) -> Self {}
}

/// The ledger, as far as it was read.
pub struct Folded<W = ()> {
    /// What it comes to.
    pub timeline: Timeline,
    /// The newest entry whose state is what the entries before it come to.
    pub start: Option<Start>,
    /// What looked on.
    pub witness: W,
}

/// So many of the newest entries are looked at for a state to go on from: one that a person signed is among them.
const LOOKED_AT_FOR_STATE: usize = 64;

/// Of so many entries, one with a state that this clone reached itself is looked for: a table may begin there.
const STATE_OF: u64 = 64;

/// So many entries are worth a thread of their own.
const PART_MIN: usize = 2_000;

/// Folds a part of the ledger.
struct Folding<'a, W> {
    records: &'a Records,
    chain: &'a Chain,
    /// The place in the chain of the first entry of the chain, from 1.
    first: u64,
    care: Care,
    folded: Folded<W>,
    /// The last stretch of [`STATE_OF`] entries in which a state was reached.
    reached: Option<u64>,
}

impl<'a, W: Witness> Folding<'a, W> {
    const fn new(records: &'a Records, chain: &'a Chain, care: Care, folded: Folded<W>) -> Self {
        Self { records, chain, first: 1, care, folded, reached: None }
    }

    fn sequence(&self, place: usize) -> u64 {
        self.first + place as u64
    }

    fn read(&self, place: usize) -> Result<RawEntry, ReadError> {
        let sequence = self.sequence(place);
        let commit = self.chain.get(place).ok_or(ReadError::Beyond(sequence))?;
        let read = match self.care.attachments {
            true => self.records.one(&commit),
            false => self.records.signed(&commit),
        };
        read.map_err(|why| ReadError::Record { sequence, commit, why: Box::new(why) })
    }

    /// Takes the entries of these places, which follow what is folded.
    fn take(&mut self, places: std::ops::Range<usize>) -> Result<(), ReadError> {
        for place in places {
            let entry = self.read(place)?;
            let looked_at = self.is_looked_at(place);
            let state =
                match entry.attachments.as_ref().and_then(|read| read.get(STATE)).filter(|_| looked_at) {
                    Some(said) => self.compare(place, &entry.commit, said),
                    None => Said::Nothing,
                };
            self.folded.timeline.apply(&entry, verify)?;
            self.folded.witness.took(&self.folded.timeline, &entry, state);
        }
        Ok(())
    }

    fn is_looked_at(&self, place: usize) -> bool {
        let is_near = place + LOOKED_AT_FOR_STATE >= self.chain.len();
        let is_wanted = is_near || self.reached != Some(self.sequence(place) / STATE_OF);
        self.care.states || (self.care.starts && is_wanted)
    }

    /// Whether the state that an entry says is what the entries before it come to: then it can be gone on from.
    fn compare(&mut self, place: usize, commit: &CommitId, said: &Digest) -> Said {
        if reached(&self.folded.timeline) != Some(*said) {
            return Said::Otherwise;
        }
        let sequence = self.sequence(place);
        self.reached = Some(sequence / STATE_OF);
        self.folded.start = Some(Start { sequence, commit: commit.clone() });
        Said::Reached
    }
}

/// The digest of the state that a timeline comes to.
fn reached(timeline: &Timeline) -> Option<Digest> {
    canonical(&timeline.state()).ok().map(|bytes| Digest::of(&bytes))
}

/// Reads and verifies everything, on every core.
///
/// # Errors
/// The first entry that does not hold.
pub fn whole<W: Witness>(
    records: &Records,
    chain: &Chain,
    care: Care,
    witness: W,
) -> Result<Folded<W>, ReadError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    uncached(|| in_parts(records, chain, care, witness, cores.min(chain.len() / PART_MIN)))
}

/// The same in so many parts at once, as far as there are states to begin them from.
///
/// # Errors
/// The first entry that does not hold.
pub fn in_parts<W: Witness>(
    records: &Records,
    chain: &Chain,
    care: Care,
    witness: W,
    parts: usize,
) -> Result<Folded<W>, ReadError> {
    let bounds = bounds(records, chain, parts.max(1));
    let ends = |part: usize| bounds.get(part + 1).map_or(chain.len(), |bound| bound.place);
    thread::scope(|scope| {
        let later = bounds.iter().enumerate().skip(1);
        let begun = later.map(|(part, bound)| {
            let (records, end, witness) = (records.again()?, ends(part), witness.clone());
            Ok(scope.spawn(move || begin(&records, chain, care, (bound, end), witness)))
        });
        let threads = begun.collect::<Result<Vec<_>, RecordError>>()?;
        let timeline = Timeline::default().remember(care.past);
        let folded = Folded { timeline, start: None, witness: witness.clone() };
        let mut so_far = Folding::new(records, chain, care, folded);
        so_far.take(0..ends(0))?;
        for (part, thread) in threads.into_iter().enumerate().map(|(before, thread)| (before + 1, thread)) {
            let ahead = thread.join().ok();
            let bound = &bounds[part];
            match ahead.filter(|_| reached(&so_far.folded.timeline) == Some(bound.state)) {
                Some(ahead) => {
                    let (ahead, before) = (ahead?, so_far.folded);
                    so_far.folded = Folded {
                        timeline: ahead.timeline.after(before.timeline),
                        start: ahead.start.or(before.start),
                        witness: ahead.witness.after(before.witness),
                    };
                }
                // The state there is not what the entries before it come to.
                None => so_far.take(bound.place..ends(part))?,
            }
        }
        Ok(so_far.folded)
    })
}

/// A place where a part begins, with the state there.
struct Bound {
    place: usize,
    state: Digest,
    timeline: Timeline,
}

/// Where the parts begin: at the first entry, and at entries with a state that can be gone on from.
fn bounds(records: &Records, chain: &Chain, parts: usize) -> Vec<Bound> {
    let first = Bound { place: 0, state: Digest::of(b""), timeline: Timeline::default() };
    let wanted = (1..parts).map(|part| chain.len() * part / parts);
    let others = wanted.filter_map(|from| {
        (from.max(1)..chain.len()).take(LOOKED_AT_FOR_STATE).find_map(|place| bound(records, chain, place))
    });
    std::iter::once(first).chain(others).collect()
}

fn bound(records: &Records, chain: &Chain, place: usize) -> Option<Bound> {
    let commit = chain.get(place)?;
    let state = records.file(&commit, STATE).ok().flatten()?;
    let timeline = restored(records, &state)?;
    let follows = timeline.tip.as_ref().is_some_and(|tip| Some(&tip.commit) == chain.get(place - 1).as_ref());
    follows.then(|| Bound { place, state: Digest::of(&state), timeline })
}

fn begin<W: Witness>(
    records: &Records,
    chain: &Chain,
    care: Care,
    (bound, end): (&Bound, usize),
    witness: W,
) -> Result<Folded<W>, ReadError> {
    let timeline = bound.timeline.clone().remember(care.past);
    let folded = Folded { timeline, start: None, witness };
    let mut folding = Folding::new(records, chain, care, folded);
    folding.take(bound.place..end)?;
    Ok(folding.folded)
}

/// The timeline of a state, with the entries that it names.
fn restored(records: &Records, state: &[u8]) -> Option<Timeline> {
    let state = State::read(state).ok()?;
    let named: Result<Vec<RawEntry>, RecordError> =
        state.entries().iter().map(|commit| records.said(commit)).collect();
    state.restore(&named.ok()?).ok()
}

/// Goes on from an entry that this clone has verified, with its state. `None` where anything about it is in doubt: it is not
/// on the way back from the tip, its state is not the one that was signed, or not in this version's form, or an entry does
/// not hold; and where an entry that was seen is not at its place.
#[must_use]
pub fn resumed<W: Witness>(
    records: &Records,
    tip: &CommitId,
    start: &Start,
    seen: Option<(u64, &CommitId)>,
    care: Care,
    witness: W,
) -> Option<Folded<W>> {
    let chain = records.walk(tip, Some(&start.commit)).ok()?;
    if chain.get(0).as_ref() != Some(&start.commit) {
        return None;
    }
    if let Some((sequence, commit)) = seen {
        let place = usize::try_from(sequence.checked_sub(start.sequence)?).ok()?;
        chain.get(place).filter(|known| known == commit)?;
    }
    let timeline = before_start(records, start)?;
    let folded = Folded { timeline: timeline.remember(care.past), start: None, witness };
    let mut folding = Folding { first: start.sequence, ..Folding::new(records, &chain, care, folded) };
    folding.take(0..chain.len()).ok()?;
    folding.folded.start = folding.folded.start.or_else(|| Some(start.clone()));
    Some(folding.folded)
}

/// What the entries before one come to, as its state says it. The signature over the state is checked with the entry itself.
pub(super) fn before_start(records: &Records, start: &Start) -> Option<Timeline> {
    let first = Payload::read(&records.file(&start.commit, PAYLOAD).ok().flatten()?).ok()?;
    let state = records.file(&start.commit, STATE).ok().flatten()?;
    let (timeline, said) = (restored(records, &state)?, Digest::of(&state));
    let follows = timeline.tip.as_ref().is_some_and(|tip| {
        tip.sequence + 1 == start.sequence
            && records.parent(&start.commit).ok().flatten().as_ref() == Some(&tip.commit)
    });
    (follows && first.attachments.get(STATE) == Some(&said)).then_some(timeline)
}

/// How far back a table reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At least so many of the newest deployments.
    Deployments(usize),
    /// At least so many of the newest entries.
    Entries(u64),
    /// Everything since a moment.
    Since(DateTime<Utc>),
    /// Everything.
    Whole,
}
