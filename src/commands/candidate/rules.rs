//! Which extra approval rules a change matches, from the repository itself.

use anyhow::Result;

use crate::commands::gather::Moment;
use crate::evidence::draft::{Draft, Since};
use crate::gate::config::RiskLevel;
use crate::gate::policy::{Approvals, ChangeFacts};

/// The places of the rules that match. Every path that differs counts: the whole commit is deployed, whatever a version
/// is made of. Where nothing is recorded as live, where the changes begin is only what somebody said: then every path of
/// the commit counts. SQL that fits no tool's layout is not known to be reversible.
///
/// # Errors
/// When the trees cannot be read.
pub fn matching(
    moment: &Moment,
    approvals: Option<&Approvals>,
    draft: &Draft,
    risk: RiskLevel,
) -> Result<Vec<u32>> {
    let Some(approvals) = approvals.filter(|approvals| !approvals.rules.is_empty()) else {
        return Ok(vec![]);
    };
    let before = match &draft.since {
        Since::Live(live) => Some(&live.commit),
        _ => None,
    };
    let changes = moment.repository.changes(before, &draft.release.commit)?;
    let paths: Vec<String> =
        changes.into_iter().flat_map(|change| std::iter::once(change.path).chain(change.from)).collect();
    let irreversible = draft.extent().irreversible > 0 || !draft.loose_sql.is_empty();
    Ok(approvals.matching(ChangeFacts { risk, paths: &paths, irreversible }))
}
