//! Which extra approval rules a change matches, from the repository itself.

use anyhow::Result;

use super::{database, whole};
use crate::commands::gather::Moment;
use crate::evidence::draft::Draft;
use crate::evidence::migrations::Reversible;
use crate::gate::config::RiskLevel;
use crate::gate::policy::{ChangeFacts, Policy};
use crate::gate::terms::Environment;

/// The places of the rules that match. What the requester says of the range, and what a version is made of, hides nothing
/// from them: see [`whole`]. SQL that fits no tool's layout is not known to be reversible.
///
/// # Errors
/// When the trees cannot be read.
pub fn matching(
    moment: &Moment,
    policy: &Policy,
    environment: &Environment,
    draft: &Draft,
    risk: RiskLevel,
) -> Result<Vec<u32>> {
    let approvals = policy.environments.get(environment).and_then(|rule| rule.approvals.as_ref());
    let Some(approvals) = approvals.filter(|approvals| !approvals.rules.is_empty()) else {
        return Ok(vec![]);
    };
    let commit = &draft.release.commit;
    let changes = whole::changes(moment, environment, &draft.since, commit)?;
    let asked = approvals.rules.iter().any(|rule| rule.when.irreversible);
    let irreversible = asked && {
        let (migrations, loose_sql) = database(policy, &moment.repository, commit, &changes)?;
        let hard = migrations.iter().any(|migration| migration.reversible != Reversible::Yes);
        hard || !loose_sql.is_empty()
    };
    moment.repository.all_read()?;
    let paths: Vec<String> =
        changes.into_iter().flat_map(|change| std::iter::once(change.path).chain(change.from)).collect();
    Ok(approvals.matching(ChangeFacts { risk, paths: &paths, irreversible }))
}
