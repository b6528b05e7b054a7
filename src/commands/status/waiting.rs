//! The requests that wait for people: how far each is, whether it can go on now, and what to do about it.

use serde_json::{Value, json};

use super::judged;
use crate::commands::approve::execute;
use crate::commands::gather::Moment;
use crate::commands::hindered::{self, Hindered};
use crate::commands::journal::{self, Package};
use crate::commands::{replaced, target};
use crate::gate::config::ActionKind;
use crate::gate::reason::Reason;
use crate::gate::statement::Verdict;
use crate::gate::terms::{Environment, PersonName};
use crate::gate::timeline::{Timeline, Vote};
use crate::render::text;

/// A request that somebody must do something about.
pub(super) struct Waiting {
    package: Package,
    state: String,
    /// Why nobody can approve it as it stands.
    refused: Vec<Reason>,
    next: Vec<String>,
}

/// What comes next for a request, by what the ledger says.
enum Step {
    /// Somebody approves it, in these words.
    Approve(String),
    /// Enough people have approved it: what is to be done then.
    Other(String),
}

/// Of how many requests it is found out whether they can be approved: who may push can make thousands.
const JUDGED_MAX: usize = 20;

/// The requests for an environment, newest first.
pub(super) fn look(moment: &Moment, environment: &Environment, timeline: &Timeline) -> Vec<Waiting> {
    let packages = journal::requests(moment).into_iter();
    let here: Vec<Package> = packages.filter(|package| &package.request.environment == environment).collect();
    let current = here.iter().filter(|package| replaced::by(moment, package, &here).is_none());
    let known = current.filter_map(|package| Some((package, state(moment, timeline, package)?)));
    known.enumerate().map(|(place, known)| judge(moment, place, known)).collect()
}

fn judge(moment: &Moment, place: usize, (package, (state, step)): (&Package, (String, Step))) -> Waiting {
    let package = package.clone();
    let see = || format!("see what it says: deployctl approve {} --show", package.reference.id);
    let (state, refused, next) = match step {
        Step::Other(next) => (state, vec![], vec![next]),
        Step::Approve(_) if place >= JUDGED_MAX => (state, vec![], vec![see()]),
        Step::Approve(next) => match hindered::look(moment, &package) {
            Ok(hindered) if hindered.reasons.is_empty() => (state, vec![], vec![next]),
            Ok(Hindered { reasons, mut next, no }) => {
                next.extend(no.map(|no| format!("or {no}")));
                (state, reasons, next)
            }
            Err(error) => {
                let why = text::line(&format!("{error:#}"), 200);
                (
                    format!("{state}; this clone cannot say whether it can be approved: {why}"),
                    vec![],
                    vec![see()],
                )
            }
        },
    };
    Waiting { package, state, refused, next }
}

impl Waiting {
    /// Its lines, and what to do about it.
    pub(super) fn tell(&self, lines: &mut Vec<String>, next: &mut Vec<String>) {
        let emergency = self.package.request.emergency.as_ref();
        let emergency = emergency.map_or_else(String::new, |it| format!("EMERGENCY {} · ", it.severity));
        let rollback = self.package.request.action == ActionKind::Rollback;
        let rollback = if rollback { "ROLLBACK · " } else { "" };
        let (id, state) = (&self.package.reference.id, &self.state);
        let how = if self.refused.is_empty() { "" } else { ", and cannot be approved now:" };
        lines.push(format!("  {id}  {rollback}{emergency}{state}{how}"));
        for reason in &self.refused {
            lines.push(format!("    ✗ {}  {}", reason.code.as_str(), text::line(&reason.message, 500)));
        }
        match self.next.as_slice() {
            steps if self.refused.is_empty() => next.extend_from_slice(steps),
            // Several requests may wait: what is to be done about which?
            steps => next.extend(steps.iter().map(|step| format!("{id}: {step}"))),
        }
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.package.reference.id,
            "version": self.package.request.release.version,
            "action": self.package.request.action,
            "status": self.state,
            "emergency": self.package.request.emergency,
            "decide_by": self.package.request.decide_by,
            "refused": self.refused,
            "next": self.next.join("; "),
        })
    }
}

/// How far a request is; `None` where nothing is to be done about it any more.
fn state(moment: &Moment, timeline: &Timeline, package: &Package) -> Option<(String, Step)> {
    let id = &package.reference.id;
    let approve = Step::Approve(format!("a person reviews and signs: deployctl approve {id}"));
    let Some(decided) = timeline.requests.get(&package.reference) else {
        let by = target::decided_by(moment, package);
        return (by >= moment.now).then(|| {
            (format!("AWAITING HUMAN APPROVAL until {}", by.format("%Y-%m-%d %H:%M UTC")), approve)
        });
    };
    if decided.consumed.is_some() {
        return None;
    }
    let verdict = |wanted: Verdict| decided.votes.iter().rev().find(|vote| vote.approval.verdict == wanted);
    if verdict(Verdict::Deny).is_some() {
        return None;
    }
    let approvals = moment.policy()?.environments.get(&package.request.environment)?.approvals.as_ref()?;
    let approvals = approvals.needed(&package.request.approval_rules);
    let newest = |person: &PersonName| decided.votes.iter().rev().find(|vote| &vote.by == person);
    let held =
        |person: &&PersonName| newest(person).is_some_and(|vote| vote.approval.verdict == Verdict::Hold);
    if let Some(person) = approvals.from.iter().find(held) {
        let ends = format!("{person} reviews again and signs: deployctl approve {id}");
        return Some((format!("held by {person}"), Step::Approve(ends)));
    }
    let standing: Vec<&Vote> = approvals
        .from
        .iter()
        .filter_map(|person| {
            let allows = |vote: &&Vote| vote.approval.verdict == Verdict::Allow && !vote.revoked;
            decided.votes.iter().rev().filter(|vote| &vote.by == person).find(allows)
        })
        .collect();
    let valid: Vec<&Vote> =
        standing.iter().copied().filter(|vote| vote.approval.execute_by >= moment.now).collect();
    let until = valid.iter().map(|vote| vote.approval.execute_by).min();
    let by: Vec<&str> = valid.iter().map(|vote| vote.by.as_str()).collect();
    let by = by.join(", ");
    let lack = approvals.lacks(&valid.iter().map(|vote| vote.by.clone()).collect());
    match (until, lack) {
        (Some(until), None) => {
            let until = until.format("%Y-%m-%d %H:%M UTC");
            let approved = format!("approved by {by} until {until}");
            Some(match judged::refusal(moment, package) {
                None => {
                    (approved, Step::Other(format!("a person executes: {}", execute(&package.request, id))))
                }
                Some((why, next)) => (format!("{approved}, and refused now: {why}"), Step::Other(next)),
            })
        }
        (Some(_), Some(lack)) => Some((
            format!("{} of {} approvals{}, by {by}", lack.have, lack.required, lack.of),
            Step::Approve(format!("another person reviews and signs: deployctl approve {id}")),
        )),
        // It cannot be decided again either.
        (None, _) if !target::is_open(moment, package) => None,
        (None, _) if !standing.is_empty() => Some(("the approval has expired".to_owned(), approve)),
        (None, _) => Some(("the approval was revoked".to_owned(), approve)),
    }
}
