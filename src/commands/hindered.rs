//! What keeps people from approving a request as it stands, and what to do instead of approving it.

use anyhow::{Context as _, Result};

use super::gather::Moment;
use super::journal::Package;
use super::target;
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, decide};
use crate::gate::facts::{Action, Target};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::Request;
use crate::gate::statement::Verdict;

/// Why nobody can approve a request now, whoever it is, and what to do.
#[derive(Default)]
pub struct Hindered {
    /// What the gate says to everybody; empty where somebody can.
    pub reasons: Vec<Reason>,
    /// What to do instead of approving it, most useful first.
    pub next: Vec<String>,
    /// How a person ends it instead, where that can be done and is not the only thing to do.
    pub no: Option<String>,
}

/// Asks the gate, as if a person were about to say yes.
///
/// # Errors
/// Git's.
pub fn look(moment: &Moment, package: &Package) -> Result<Hindered> {
    let policy = moment.policy().context("no policy is in force")?;
    let found = target::look(moment, policy, package.clone(), None)?;
    let reasons = refusals(moment, &found.target, Verdict::Allow);
    if reasons.is_empty() {
        return Ok(Hindered::default());
    }
    let no = format!("a person says no: deployctl approve {} --deny --reason TEXT", package.reference.id);
    let no = Some(no).filter(|_| refusals(moment, &found.target, Verdict::Deny).is_empty());
    if let Some((version, no)) = is_live_already(moment, &package.request)?.zip(no.clone()) {
        let next = vec![format!("`{version}` is live and holds it: {no}")];
        return Ok(Hindered { reasons, next, no: None });
    }
    // Nothing that is done about the others helps what is in quarantine.
    let quarantined = reasons.iter().find(|reason| reason.code == Code::CommitQuarantined);
    let next = quarantined.or(reasons.first()).map(|reason| reason.next.clone()).unwrap_or_default();
    Ok(Hindered { reasons, next, no })
}

/// The caller is nobody in particular: what only speaks against one person or one terminal is no hindrance.
fn refusals(moment: &Moment, target: &Target, verdict: Verdict) -> Vec<Reason> {
    let action = Action::Verdict { target: Ok(target), verdict };
    match decide(moment.policy(), &moment.facts(moment.caller(None), None), &action) {
        Decision::Refuse(reasons) => reasons,
        Decision::Allow(_) => vec![],
    }
}

/// What is live, where the commit to deploy is part of it: to ask for it once more would lead nowhere.
fn is_live_already(moment: &Moment, request: &Request) -> Result<Option<String>> {
    let tracks = moment.timeline().map(|timeline| &timeline.tracks);
    let live = tracks.and_then(|tracks| tracks.get(&request.environment)?.live.as_ref());
    let (Some(live), ActionKind::Deploy) = (live, request.action) else { return Ok(None) };
    let (repository, release) = (&moment.repository, &live.release);
    let known = repository.has(&release.commit) && repository.has(&request.release.commit);
    let holds = known && repository.descends(&release.commit, &request.release.commit)?;
    Ok(holds.then(|| release.version.to_string()))
}
