//! The environments that somebody can name.

use crate::commands::gather::Moment;
use crate::gate::policy::{Policy, nearest};
use crate::gate::terms::Environment;
use crate::outcome::Outcome;
use crate::render::answer::Answer;

/// The answer to a name that the policy in force does not have: it was mistyped, and nothing was decided. Where nobody signed a
/// policy, that is to be said instead.
#[must_use]
pub fn unknown(moment: &Moment, command: &'static str, environment: &Environment) -> Option<Answer> {
    unknown_by(moment.policy()?, command, environment)
}

/// The same by these rules.
#[must_use]
pub fn unknown_by(policy: &Policy, command: &'static str, environment: &Environment) -> Option<Answer> {
    if policy.environments.contains_key(environment) {
        return None;
    }
    let known: Vec<&str> = policy.environments.keys().map(Environment::as_str).collect();
    let meant = nearest(environment.as_str(), known.iter().copied());
    let only = if known.is_empty() { "none".to_owned() } else { format!("only `{}`", known.join("`, `")) };
    let what = format!("the policy has no environment `{environment}`, {only}{meant}");
    Some(Answer::ended(command, Outcome::Usage, what).with("environments", known))
}
