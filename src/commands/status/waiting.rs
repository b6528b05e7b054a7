//! The requests that wait for people: how far each is, whether it can go on now, and what to do about it.

use serde_json::{Value, json};

use crate::commands::approve::execute;
use crate::commands::gather::Moment;
use crate::commands::journal::{Outline, Package};
use crate::commands::replaced::Among;
use crate::commands::{hindered, judged, target};
use crate::gate::config::ActionKind;
use crate::gate::reason::Reason;
use crate::gate::statement::Verdict;
use crate::gate::terms::{Environment, PersonName};
use crate::gate::timeline::{Decided, Timeline, Vote};
use crate::render::text;

/// A request that somebody must do something about.
pub(super) struct Waiting {
    outline: Outline,
    state: String,
    /// Why nobody can approve it as it stands.
    refused: Vec<Reason>,
    /// What is good to know of it.
    warnings: Vec<Reason>,
    next: Vec<String>,
}

/// What comes next for a request, by what the ledger says.
enum Step {
    /// Somebody approves it, in these words.
    Approve(String),
    /// Enough people have approved it: what is to be done then.
    Other(String),
}

/// The requests for an environment, newest first.
pub(super) fn look(moment: &Moment, environment: &Environment, timeline: &Timeline) -> Vec<Waiting> {
    let among = Among::of(moment);
    let here = among.iter().filter(|outline| &outline.environment == environment);
    let current = here.filter(|outline| among.by(outline).is_none());
    let known = current.filter_map(|outline| Some((outline, state(moment, timeline, outline)?)));
    known.map(|known| judge(&among, known)).collect()
}

fn judge(among: &Among<'_>, (outline, (state, step)): (&Outline, (String, Step))) -> Waiting {
    let see = || vec![hindered::see(&outline.reference.id)];
    let moment = among.moment();
    let mut warnings = Vec::new();
    let (state, refused, next) = match step {
        Step::Other(next) => {
            let request = outline.request(moment);
            let told = request.and_then(|request| hindered::backwards(moment, &request).ok().flatten());
            warnings.extend(told);
            (state, vec![], vec![next])
        }
        Step::Approve(next) => match among.look(outline).as_deref() {
            None => (state, vec![], see()),
            Some(Ok(hindered)) => {
                warnings.extend_from_slice(&hindered.warnings);
                let next = if hindered.reasons.is_empty() { vec![next] } else { hindered.steps() };
                (state, hindered.reasons.clone(), next)
            }
            Some(Err(why)) => (format!("{state}; {}", hindered::unknown(why)), vec![], see()),
        },
    };
    Waiting { outline: outline.clone(), state, refused, warnings, next }
}

impl Waiting {
    /// Its lines, and what to do about it.
    pub(super) fn tell(&self, lines: &mut Vec<String>, next: &mut Vec<String>) {
        let emergency = self.outline.emergency.as_ref();
        let emergency = emergency.map_or_else(String::new, |it| format!("EMERGENCY {} · ", it.severity));
        let rollback = self.outline.action == ActionKind::Rollback;
        let rollback = if rollback { "ROLLBACK · " } else { "" };
        let (id, state) = (&self.outline.reference.id, &self.state);
        let how = if self.refused.is_empty() { "" } else { ", and cannot be approved now:" };
        lines.push(format!("  {id}  {rollback}{emergency}{state}{how}"));
        for reason in &self.refused {
            lines.push(format!("    ✗ {}  {}", reason.code.as_str(), text::line(&reason.message, 500)));
        }
        for warning in &self.warnings {
            lines.push(format!(
                "    warning: {}  {}",
                warning.code.as_str(),
                text::line(&warning.message, 500)
            ));
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
            "id": self.outline.reference.id,
            "version": self.outline.release.version,
            "action": self.outline.action,
            "status": self.state,
            "emergency": self.outline.emergency,
            "decide_by": self.outline.decide_by,
            "refused": self.refused,
            "warnings": self.warnings,
            "next": self.next.join("; "),
        })
    }
}

/// How far a request is; `None` where nothing is to be done about it any more.
fn state(moment: &Moment, timeline: &Timeline, outline: &Outline) -> Option<(String, Step)> {
    let Some(decided) = timeline.requests.get(&outline.reference) else {
        let by = target::undecided_by(moment, outline);
        let state = || format!("AWAITING HUMAN APPROVAL until {}", by.format("%Y-%m-%d %H:%M UTC"));
        return (by >= moment.now).then(|| (state(), approve(&outline.reference.id)));
    };
    if decided.consumed.is_some() {
        return None;
    }
    let package = target::of_execution(moment, &outline.reference).ok().flatten();
    decided_state(moment, decided, &package.or_else(|| outline.package(moment))?)
}

fn approve(id: &str) -> Step {
    Step::Approve(format!("a person reviews and signs: deployctl approve {id}"))
}

fn decided_state(moment: &Moment, decided: &Decided, package: &Package) -> Option<(String, Step)> {
    let id = &package.reference.id;
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
        (None, _) if !standing.is_empty() => Some(("the approval has expired".to_owned(), approve(id))),
        (None, _) => Some(("the approval was revoked".to_owned(), approve(id))),
    }
}
