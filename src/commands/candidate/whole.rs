//! Every path that differs from what is live, whatever a version is made of: the whole commit is deployed.

use anyhow::Result;

use crate::commands::gather::Moment;
use crate::evidence::draft::Since;
use crate::evidence::migrations::PathChange;
use crate::gate::config::Deployment;
use crate::gate::policy::Policy;
use crate::gate::terms::{CommitId, Environment};

/// Whether some check is not always needed.
pub(super) fn matters(policy: &Policy) -> bool {
    policy.checks.values().any(|rule| rule.when_changed.is_some())
}

/// The paths by which it is judged whether a check is needed; none where every check always is. In an environment that people
/// deploy they are [`changes`]. Elsewhere nothing that people signed says what is live: they are counted from `since`.
///
/// # Errors
/// When the trees cannot be read.
pub(super) fn needing(
    moment: &Moment,
    policy: &Policy,
    environment: Option<&Environment>,
    since: &Since,
    commit: &CommitId,
) -> Result<Vec<PathChange>> {
    if !matters(policy) {
        return Ok(vec![]);
    }
    let people = |name: &&Environment| {
        policy.environments.get(*name).is_some_and(|rule| rule.deployment == Deployment::Human)
    };
    match environment.filter(people) {
        Some(environment) => changes(moment, environment, since, commit),
        None => Ok(moment.repository.changes(since.commit(), commit)?),
    }
}

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
