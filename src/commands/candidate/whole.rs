//! Every path that differs from what is live, whatever a version is made of: the whole commit is deployed.

use anyhow::Result;

use crate::commands::gather::Moment;
use crate::evidence::draft::Since;
use crate::evidence::migrations::PathChange;
use crate::gate::terms::{CommitId, Environment};

/// The paths that differ from what is live in an environment that people deploy. Where nothing is recorded as live, where
/// the changes begin is only what somebody said: then every path of the commit counts.
///
/// A request pins what was live when it was drafted, which is held against the ledger by itself.
///
/// # Errors
/// When the trees cannot be read.
pub(super) fn changes(
    moment: &Moment,
    environment: &Environment,
    since: &Since,
    commit: &CommitId,
) -> Result<Vec<PathChange>> {
    let recorded = || Some(&moment.timeline()?.tracks.get(environment)?.live.as_ref()?.release);
    let live = match since {
        Since::Live(live) => Some(live),
        _ => recorded(),
    };
    if let Some(live) = live {
        moment.repository.must_have(&live.commit, &format!("`{}` is live as", live.version))?;
    }
    Ok(moment.repository.changes(live.map(|live| &live.commit), commit)?)
}
