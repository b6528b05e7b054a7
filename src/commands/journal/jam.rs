//! A journal that takes no more lines: somebody pushed what is no entry on top of it.

use std::fmt;

use crate::commands::gather::Moment;
use crate::gate::decide::pasted;
use crate::gate::terms::CommitId;
use crate::world::records::{FETCHED, JOURNAL, RecordError, Records};

/// Why the journal takes no more lines, and what helps.
#[derive(Debug, thiserror::Error)]
pub struct Jam {
    why: RecordError,
    remote: Option<String>,
    /// Where the branch ends now.
    tip: CommitId,
    /// Where it could end again.
    good: Option<CommitId>,
}

impl fmt::Display for Jam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, remote, tip, good } = self;
        write!(f, "the journal is jammed, nothing can be added to it: {why}")?;
        let good = good.as_ref().map_or("GOOD", CommitId::as_str);
        match remote {
            Some(remote) => write!(
                f,
                "; somebody who may restores the branch: \
                 `git push --force-with-lease={JOURNAL}:{tip} {} {good}:{JOURNAL}`",
                pasted(remote)
            )?,
            None => write!(f, "; restore the branch: `git update-ref {JOURNAL} {good} {tip}`")?,
        }
        if self.good.is_none() {
            write!(f, ", where GOOD is the newest commit before that")?;
        }
        Ok(())
    }
}

/// Whether the journal is jammed, the remote's or where there is none this clone's.
#[must_use]
pub fn look(moment: &Moment) -> Option<Jam> {
    look_at(&moment.records, moment.remote.as_deref())
}

/// The same of these records, which travel through this remote.
#[must_use]
pub fn look_at(records: &Records, remote: Option<&str>) -> Option<Jam> {
    let tip = |branch: &str| records.tip(branch).ok().flatten();
    let here = tip(JOURNAL);
    let there = remote.and_then(|_| tip(&format!("{FETCHED}/journal")));
    let end = there.or_else(|| here.clone())?;
    let why = records.chain(&end).err()?;
    let is_line = |commit: &CommitId| records.file(commit, "payload.json").is_ok_and(|file| file.is_some());
    let whole = |commit: &CommitId| is_line(commit) && records.chain(commit).is_ok();
    let good = here.filter(whole).or_else(|| before(records, &why).into_iter().find(whole));
    Some(Jam { why, remote: remote.map(str::to_owned), tip: end, good })
}

/// The parents of what is no entry, of which one may be.
fn before(records: &Records, why: &RecordError) -> Vec<CommitId> {
    match why {
        RecordError::Broken { commit, .. } => records.parents(commit),
        _ => vec![],
    }
}
