//! What this clone knows of the ledger from verifying it: where tables begin, and where one version is to be found. All of it
//! is looked up in the index, and verified where it is found.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::reading::{Reach, Said, Witness, before_start};
use super::verify;
use crate::gate::config::ActionKind;
use crate::gate::statement::RequestRef;
use crate::gate::terms::{CommitId, Digest, hex};
use crate::gate::timeline::{Deployed, RawEntry, STATE, State, Timeline, Tip, Track};
use crate::world::index::{Begins, DIGEST_KEPT, Index, Row, version_key};
use crate::world::marks::Start;
use crate::world::records::Records;

/// Writes down the rows of an index while the ledger is folded.
#[derive(Clone, Default)]
pub struct Noted {
    /// The place of the first row, from 1; 0 where there is none.
    pub(super) first: u64,
    /// The rows.
    pub(super) rows: Vec<u8>,
}

impl Noted {
    /// The first entry.
    pub(super) fn entry(&self) -> Option<CommitId> {
        Some(Row::read(self.rows.first_chunk()?, self.first)?.commit)
    }
}

impl Witness for Noted {
    fn took(&mut self, timeline: &Timeline, entry: &RawEntry, state: Said) {
        let Some(tip) = &timeline.tip else { return };
        if self.rows.is_empty() {
            self.first = tip.sequence;
        }
        let action = begun(timeline, entry);
        let row = Row {
            commit: entry.commit.clone(),
            at: tip.at,
            begins: action.map_or(Begins::Nothing, |action| match action.start.action {
                ActionKind::Deploy => Begins::Deployment,
                ActionKind::Rollback => Begins::Rollback,
            }),
            version: action.map_or(0, |action| version_key(action.start.release.version.as_str())),
            digest: kept(&tip.digest),
            reached: state == Said::Reached,
        };
        self.rows.extend(row.write(tip.sequence));
    }

    fn after(self, mut earlier: Self) -> Self {
        if earlier.rows.is_empty() {
            return self;
        }
        earlier.rows.extend(self.rows);
        earlier
    }
}

/// The action that an entry began, just now.
fn begun<'a>(timeline: &'a Timeline, entry: &RawEntry) -> Option<&'a Deployed> {
    let newest = timeline.tracks.values().filter_map(|track| track.deployments.last());
    newest.into_iter().find(|newest| newest.commit == entry.commit)
}

fn kept(digest: &Digest) -> [u8; DIGEST_KEPT] {
    let mut kept = [0; DIGEST_KEPT];
    kept.copy_from_slice(&digest.bytes()[..DIGEST_KEPT]);
    kept
}

/// Whether an index is of the ledger up to an entry.
pub(super) fn is_of(index: &Index, tip: &Tip) -> bool {
    index.rows() == tip.sequence && index.row(tip.sequence).is_some_and(|row| row.commit == tip.commit)
}

/// The newest entry to begin a table at that reaches so far back: one whose state this clone reached itself, as only that is
/// its own. What is settled leaves no trace in later states, so no state proves itself by leading to a good one. `None` where
/// everything is to be read.
pub(super) fn reaching(index: &Index, tip: &Tip, reach: Reach) -> Option<Start> {
    let mut deployments = 0;
    // No action begins before the latest moment that counted.
    let enough = |deployments, sequence, row: &Row| match reach {
        Reach::Deployments(wanted) => deployments >= wanted,
        Reach::Entries(wanted) => tip.sequence - sequence >= wanted,
        Reach::Since(moment) => is_before(row, moment),
        Reach::Whole => false,
    };
    let last = match reach {
        Reach::Since(moment) => last_before(index, tip.sequence, moment)?,
        Reach::Deployments(_) | Reach::Entries(_) => tip.sequence,
        Reach::Whole => return None,
    };
    let reached = (1..=last).rev().map(|sequence| Some((sequence, index.row(sequence)?)));
    for row in reached {
        let (sequence, row) = row?;
        deployments += usize::from(row.begins == Begins::Deployment);
        if row.reached && enough(deployments, sequence, &row) {
            return Some(Start { sequence, commit: row.commit });
        }
    }
    None
}

/// Whether a table that begins at an entry reaches so far back as the ledger itself says, whatever the index says.
pub(super) fn has_reached(records: &Records, start: &Start, reach: Reach, table: &Timeline) -> bool {
    let begins = || State::read(&records.file(&start.commit, STATE).ok()??).ok()?.tip().map(|tip| tip.at);
    let Some(begins) = begins() else { return false };
    let began = |deployed: &&Deployed| deployed.start.action == ActionKind::Deploy && deployed.at >= begins;
    match reach {
        Reach::Deployments(wanted) => {
            table.tracks.values().flat_map(Track::all).filter(began).count() >= wanted
        }
        Reach::Since(moment) => begins <= moment,
        Reach::Entries(_) | Reach::Whole => false,
    }
}

/// Whether everything up to an entry is before a moment: rows leave out parts of a second.
fn is_before(row: &Row, moment: DateTime<Utc>) -> bool {
    row.at.checked_add_signed(Duration::seconds(1)).is_some_and(|at| at <= moment)
}

/// The place of the last entry up to which everything is before a moment; 0 where there is none.
fn last_before(index: &Index, last: u64, moment: DateTime<Utc>) -> Option<u64> {
    let (mut before, mut after) = (0, last + 1);
    while after - before > 1 {
        let middle = before.midpoint(after);
        match is_before(&index.row(middle)?, moment) {
            true => before = middle,
            false => after = middle,
        }
    }
    Some(before)
}

/// What people may mean by a name: a version, a request of a version, or the digits of an execution.
pub(super) struct Meant {
    versions: BTreeSet<u32>,
    /// The digits of an execution, as far as rows tell them.
    digits: Option<String>,
}

impl Meant {
    /// The fewest digits that name an execution.
    const DIGITS_MIN: usize = 7;

    pub(super) fn by(name: &str) -> Self {
        let version_of_request = name.rsplit_once('-').map(|(version, _)| version);
        let versions = [Some(name), version_of_request].into_iter().flatten().map(version_key).collect();
        let is_digits = name.len() >= Self::DIGITS_MIN && name.bytes().all(|digit| digit.is_ascii_hexdigit());
        let digits = is_digits.then(|| name.chars().take(2 * DIGEST_KEPT).collect());
        Self { versions, digits }
    }

    fn is(&self, row: &Row) -> bool {
        self.versions.contains(&row.version)
            || self.digits.as_ref().is_some_and(|digits| hex(&row.digest).starts_with(digits.as_str()))
    }
}

/// More actions of one name than this are not looked for one by one.
const STRETCHES_MAX: usize = 8;

/// What the ledger says of what a name means, also where that is settled long ago. Only the stretches of the ledger that tell
/// of it are read: each from a state that this clone reached itself, entry by entry, until all of it is settled, as nothing is
/// said of it after that. `None` where that cannot be done, and everything is to be read.
pub(super) fn recalled(
    records: &Records,
    index: &Index,
    known: &Timeline,
    meant: &Meant,
) -> Option<Timeline> {
    let places = index.find(|row| meant.is(row))?;
    // What the index does not name is not known to be missing.
    if places.is_empty() || places.len() > STRETCHES_MAX {
        return None;
    }
    let mut whole = known.clone();
    for place in places {
        whole = whole.recalling(stretch(records, index, known, place)?);
    }
    Some(whole)
}

/// Reads from before an entry until what it began is settled with all around it, or to the end.
fn stretch(records: &Records, index: &Index, known: &Timeline, place: u64) -> Option<Timeline> {
    let end = known.tip.as_ref()?.sequence;
    let (mut timeline, first) = begins_before(records, index, place)?;
    let mut unsettled = Unsettled::Begun(index.row(place)?.commit);
    for sequence in first..=end {
        let commit = index.row(sequence)?.commit;
        let before = timeline.tip.as_ref().map(|tip| &tip.commit);
        if records.parent(&commit).ok()?.as_ref() != before {
            return None;
        }
        timeline.apply(&records.signed(&commit).ok()?, verify).ok()?;
        if sequence >= place && unsettled.settles(&timeline) {
            return (timeline.root == known.root).then_some(timeline);
        }
    }
    (timeline.tip == known.tip && timeline.root == known.root).then_some(timeline)
}

/// What a stretch is read on for.
enum Unsettled {
    /// The action of this entry.
    Begun(CommitId),
    /// What was not settled when that was, such as its rollback.
    Around(BTreeSet<Digest>, BTreeSet<RequestRef>),
}

impl Unsettled {
    /// Whether nothing is left after one more entry.
    fn settles(&mut self, timeline: &Timeline) -> bool {
        let actions = || timeline.tracks.values().flat_map(|track| &track.deployments);
        if let Self::Begun(commit) = self {
            if actions().any(|action| action.commit == *commit) {
                return false;
            }
            let executions = actions().map(|action| action.execution).collect();
            *self = Self::Around(executions, timeline.requests.keys().cloned().collect());
        }
        let Self::Around(executions, requests) = self else { return false };
        !actions().any(|action| executions.contains(&action.execution))
            && !timeline.requests.keys().any(|request| requests.contains(request))
    }
}

/// The timeline before an entry from which one can go on, at or before a place, and the place of that entry.
fn begins_before(records: &Records, index: &Index, place: u64) -> Option<(Timeline, u64)> {
    for sequence in (1..=place).rev() {
        let row = index.row(sequence)?;
        if row.reached {
            let start = Start { sequence, commit: row.commit };
            return Some((before_start(records, &start)?.remember(true), sequence));
        }
    }
    Some((Timeline::remembering(), 1))
}
