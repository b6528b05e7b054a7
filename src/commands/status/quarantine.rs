//! What `status` says of quarantine: only what may still be refused.

use crate::commands::gather::Moment;
use crate::gate::terms::CommitId;
use crate::gate::timeline::{Quarantine, Released, Track};
use crate::render::text;

/// A line for everything that was rolled back and that nobody released whole. What is live with its fix is over, too.
pub fn lines(moment: &Moment, track: &Track) -> Vec<String> {
    let live = track.live.as_ref().map(|live| &live.release.commit);
    let is_live = |commit: &CommitId| {
        live.is_some_and(|live| {
            moment.repository.has(live)
                && moment.repository.has(commit)
                && moment.repository.descends(live, commit).unwrap_or(false)
        })
    };
    let fixed = |released: &Released| released.fix.as_ref().is_none_or(is_live);
    let open = |quarantine: &&Quarantine| {
        let whole = quarantine.released.iter().any(|released| released.fix.is_none());
        let over = is_live(&quarantine.undone.commit) && quarantine.released.iter().any(fixed);
        !whole && !over
    };
    track.quarantined.iter().filter(open).map(line).collect()
}

fn line(quarantine: &Quarantine) -> String {
    let undone = &quarantine.undone;
    let what = format!("  {} ({}) was rolled back and is quarantined", undone.version, undone.commit.short());
    let fixes: Vec<String> = quarantine
        .released
        .iter()
        .filter_map(|released| {
            let fix = released.fix.as_ref()?;
            Some(format!("{}, said {}: {}", fix.short(), released.by, text::line(&released.reason, 100)))
        })
        .collect();
    if fixes.is_empty() {
        return what;
    }
    format!("{what}, but not where its fix is there as well: {}", fixes.join("; or "))
}
