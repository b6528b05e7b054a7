//! What a ledger entry changed, in the workflow document's words: who did what, to what, and why.

use super::config::ActionKind;
use super::statement::{Ending, Execution, Finding, Payload, Release, Statement, Verdict};
use super::terms::{CommitId, Environment, Version};

/// One line of the modification history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was done.
    pub action: &'static str,
    /// To what.
    pub details: String,
    /// Why, where it was said.
    pub reason: String,
    /// Where, if it is about one environment.
    pub environment: Option<Environment>,
}

/// The production action that an outcome or a review is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Where.
    pub environment: Environment,
    /// What is done there, and to which version.
    pub what: String,
    /// Of a rollback: the version from which it goes back, where that is known.
    pub from: Option<Version>,
}

impl Subject {
    /// What an entry begins, if it begins something.
    #[must_use]
    pub fn of(statement: &Statement) -> Option<Self> {
        match statement {
            Statement::Execution(it) => Some(Self::begun(it)),
            Statement::AutomaticRollback(it) => {
                Some(Self::new(ActionKind::Rollback, &it.environment, &it.release))
            }
            _ => None,
        }
    }

    /// The action that a start begins.
    #[must_use]
    pub fn begun(start: &Execution) -> Self {
        let before = start.previous_release.as_ref().filter(|_| start.action == ActionKind::Rollback);
        let from = before.map(|before| before.version.clone());
        Self { from, ..Self::new(start.action, &start.environment, &start.release) }
    }

    fn new(action: ActionKind, environment: &Environment, release: &Release) -> Self {
        let to = if action == ActionKind::Rollback { "to " } else { "" };
        let what = format!("{} {environment} {to}{}", word(action), release.version);
        Self { environment: environment.clone(), what, from: None }
    }
}

/// What an entry says; `None` for the steps of a deployment. `rules` is what differs, where it is a policy; `subject` what an
/// outcome or a review is about.
#[must_use]
pub fn told(payload: &Payload, rules: &[String], subject: Option<&Subject>) -> Option<Told> {
    let line = |action, details: String, reason: Option<&String>, environment: Option<&Environment>| Told {
        action,
        details,
        reason: reason.cloned().unwrap_or_default(),
        environment: environment.cloned(),
    };
    let own = Subject::of(&payload.statement);
    let subject = own.as_ref().or(subject);
    let (what, place) =
        subject.map_or(("", None), |subject| (subject.what.as_str(), Some(&subject.environment)));
    Some(match &payload.statement {
        Statement::Policy(policy) => {
            let action = if policy.version == 1 { "founded" } else { "changed" };
            let what = if rules.is_empty() { String::new() } else { format!(": {}", rules.join("; ")) };
            line(action, format!("policy {}{what}", policy.version), None, None)
        }
        Statement::Approval(approval) => {
            let what = format!("{} {} {}", word(approval.action), approval.environment, approval.request.id);
            line(verdict(approval.verdict), what, approval.reason.as_ref(), Some(&approval.environment))
        }
        Statement::Revocation(revoked) => {
            let what = format!("{} {}", revoked.environment, revoked.request.id);
            line("revoked", what, Some(&revoked.reason), Some(&revoked.environment))
        }
        Statement::Execution(execution) => {
            line("executed", format!("{what} by {}", execution.request.id), execution.reason.as_ref(), place)
        }
        Statement::AutomaticRollback(said) => {
            let why = said.triggers.first().map(|trigger| &trigger.sentence);
            line("executed", format!("{what} by itself"), why, place)
        }
        Statement::Outcome(outcome) => {
            let ending = match outcome.ending {
                Ending::Succeeded => "succeeded",
                Ending::Failed => "failed",
                Ending::Interrupted => "interrupted",
            };
            let at = outcome.failed_step.as_ref().map(|step| format!(" at {step}")).unwrap_or_default();
            line("ended", format!("{what}: {ending}{at}"), None, place)
        }
        Statement::Review(review) => {
            let (action, details) = match &review.finding {
                Finding::Interruption { .. } => ("reviewed", format!("the interruption of {what}")),
                Finding::Incident { .. } => ("reviewed", format!("the emergency of {what}")),
                Finding::Rollback { .. } => ("reviewed", format!("the {what}")),
                Finding::Release { fix } => ("released", released(subject, fix.as_ref())),
            };
            line(action, details, Some(&review.reason), place)
        }
        Statement::Signoff(signoff) => {
            let what = format!("{} of {}", signoff.check, signoff.commit.short());
            line(verdict(signoff.verdict), what, signoff.reason.as_ref(), None)
        }
        Statement::Progress(_) => return None,
    })
}

/// What is released from quarantine: what the rollback undid, as far as that is known.
fn released(rollback: Option<&Subject>, fix: Option<&CommitId>) -> String {
    let (what, from) = rollback.map_or(("", None), |it| (it.what.as_str(), it.from.as_ref()));
    let from = from.map_or_else(String::new, |version| format!(" of {version}"));
    let fix = fix.map_or_else(|| "fixed or not".to_owned(), |fix| format!("with the fix {}", fix.short()));
    format!("the quarantine{from} after {what}, {fix}")
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "approved",
        Verdict::Deny => "denied",
        Verdict::Hold => "held",
    }
}

const fn word(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Deploy => "deploy",
        ActionKind::Rollback => "rollback",
    }
}
