//! What keeps people from approving a request as it stands, and what to do instead of approving it.

use anyhow::{Context as _, Result};

use super::gather::Moment;
use super::journal::Package;
use super::target;
use crate::gate::config::ActionKind;
use crate::gate::decide::{self, Decision, ask_again, decide};
use crate::gate::facts::{Action, Target};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::Request;
use crate::gate::statement::Verdict;
use crate::render::text;

/// Why nobody can approve a request now, whoever it is, and what to do.
#[derive(Default)]
pub struct Hindered {
    /// What the gate says to everybody; empty where somebody can.
    pub reasons: Vec<Reason>,
    /// What is good to know of it in any case: it is live already, or older than that.
    pub warnings: Vec<Reason>,
    /// What to do instead of approving it, most useful first.
    pub next: Vec<String>,
    /// How a person ends it instead, where that can be done and is not the only thing to do.
    pub no: Option<String>,
}

impl Hindered {
    /// All that can be done instead, in order, each once; empty where it can be approved.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        let no = self.no.iter().map(|no| format!("or {no}"));
        self.next.iter().cloned().chain(no).collect()
    }

    /// Why, in a few words.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        let first = self.reasons.first()?;
        Some(format!("{}: {}", first.code.as_str(), text::line(&first.message, 200)))
    }
}

/// What is said where it cannot be found out whether a request can be approved.
#[must_use]
pub fn unknown(why: &str) -> String {
    format!("this clone cannot say whether it can be approved: {}", text::line(why, 200))
}

/// What is done then.
#[must_use]
pub fn see(id: &str) -> String {
    format!("see what it says: deployctl approve {id} --show")
}

/// Asks the gate, as if a person were about to say yes.
///
/// # Errors
/// Git's.
pub fn look(moment: &Moment, package: &Package) -> Result<Hindered> {
    let policy = moment.policy().context("no policy is in force")?;
    let found = target::look(moment, policy, package.clone(), None)?;
    let reasons = refusals(moment, &found.target, Verdict::Allow);
    let warnings: Vec<Reason> = backwards(moment, &package.request)?.into_iter().collect();
    if reasons.is_empty() {
        return Ok(Hindered { warnings, ..Hindered::default() });
    }
    let no = format!("a person says no: deployctl approve {} --deny --reason TEXT", package.reference.id);
    let no = Some(no).filter(|_| refusals(moment, &found.target, Verdict::Deny).is_empty());
    if let Some((version, no)) = is_live_already(moment, &package.request)?.zip(no.clone()) {
        let next = vec![format!("`{version}` is live and holds it: {no}")];
        return Ok(Hindered { reasons, warnings, next, no: None });
    }
    // Nothing that is done about the others helps what is in quarantine.
    let quarantined = reasons.iter().find(|reason| reason.code == Code::CommitQuarantined);
    let ways = quarantined.map_or(reasons.as_slice(), std::slice::from_ref).iter().flat_map(|one| &one.next);
    let again = ask_again(&package.request);
    let (anew, others): (Vec<&String>, Vec<&String>) = ways.partition(|way| way.ends_with(&again));
    let mut next: Vec<String> = Vec::new();
    for way in others {
        if !next.contains(way) {
            next.push(way.clone());
        }
    }
    // Whatever else is mended, the request is made anew after it, and once.
    match anew.first() {
        Some(anew) if next.is_empty() => next.push((*anew).clone()),
        Some(_) => next.push(format!("then make a new request: {again}")),
        None => {}
    }
    Ok(Hindered { reasons, warnings, next, no })
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

/// What is said of a request to deploy what is live already, or what is older than that.
///
/// # Errors
/// Git's.
pub fn backwards(moment: &Moment, request: &Request) -> Result<Option<Reason>> {
    let holds = is_live_already(moment, request)?.is_some();
    Ok(moment.timeline().and_then(|timeline| decide::backwards(timeline, request, holds)))
}
