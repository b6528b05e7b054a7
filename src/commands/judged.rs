//! What the gate would say of a request that people approved: nothing is advised that would be refused.

use super::gather::Moment;
use super::journal::Package;
use super::target;
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, decide};
use crate::gate::facts::Action;
use crate::render::text;

/// Why it cannot be executed now, as `--dry-run` would say it, and what to do instead; `None` where it can be.
#[must_use]
pub fn refusal(moment: &Moment, package: &Package) -> Option<(String, String)> {
    let environment = &package.request.environment;
    let verb = match package.request.action {
        ActionKind::Deploy => "deploy",
        ActionKind::Rollback => "rollback",
    };
    let see = match package.request.action {
        ActionKind::Deploy => format!("deployctl deploy {environment} {} --dry-run", package.reference.id),
        ActionKind::Rollback => {
            format!("deployctl rollback {environment} {} --reason TEXT --dry-run", package.reference.id)
        }
    };
    let policy = moment.policy()?;
    let found = match target::look(moment, policy, package.clone(), None) {
        Ok(found) => found,
        Err(error) => {
            let why = text::line(&format!("{error:#}"), 200);
            return Some((format!("this clone cannot say whether it may {verb}: {why}"), see));
        }
    };
    let target = Ok(&found.target);
    let action = match package.request.action {
        ActionKind::Deploy => Action::Deploy { environment, target },
        ActionKind::Rollback => Action::RollbackTo { environment, target },
    };
    match decide(Some(policy), &moment.facts(moment.caller(None), None), &action) {
        Decision::Allow(_) => None,
        Decision::Refuse(reasons) => {
            let first = reasons.first()?;
            let words = format!("{}: {}", first.code.as_str(), text::line(&first.message, 200));
            Some((words, first.next.first().cloned().unwrap_or(see)))
        }
    }
}
