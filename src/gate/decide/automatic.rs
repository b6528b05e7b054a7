//! Environments that machines deploy: a role's rights, and what every deployment must keep to. Nobody approves here, and
//! nothing of it opens an environment that people deploy.

use chrono::{DateTime, Utc};

use super::checks::{checked, stage_problem};
use super::signoffs::signoff_missing;
use super::words::{minute, no_environment};
use super::{Covered, Judge};
use crate::gate::config::{ActionKind, Deployment, Right};
use crate::gate::deployments::{Candidate, Run, Runs, Start};
use crate::gate::facts::{Action, NoTarget};
use crate::gate::policy::EnvironmentRule;
use crate::gate::reason::{Code, Reason};
use crate::gate::signoffs;
use crate::gate::terms::Environment;

impl<'a> Judge<'a> {
    pub(super) fn automatic(
        &mut self,
        environment: &Environment,
        target: Result<&Candidate, &NoTarget>,
        runs: &Runs,
    ) -> Option<Covered> {
        let rule = self.machines_deploy(environment)?;
        self.rights(environment, rule);
        self.window(rule, environment, ActionKind::Deploy, false);
        self.run_that_holds(environment, runs);
        let candidate = match target {
            Ok(candidate) => candidate,
            Err(none) => {
                self.refuse(nothing_to_run(none, environment));
                return None;
            }
        };
        if candidate.here {
            let stages = (rule, rule.requires.iter().collect());
            self.branches_of(environment, &candidate.release.commit, &candidate.branches, stages);
            self.stages_of(environment, candidate, rule);
        } else {
            let what = format!("commit {} is not in this clone", candidate.release.commit.short());
            self.refuse(Reason::new(Code::RequestStale, what).next("fetch it: git fetch --tags"));
        }
        Some(Covered {
            release: Some(candidate.release.clone()),
            previous: runs.live(environment).map(|run| run.start.release.clone()),
            request: candidate.request.clone(),
            emergency: None,
        })
    }

    /// The rule of an environment that the policy knows.
    pub(super) fn known(&mut self, environment: &Environment) -> Option<&'a EnvironmentRule> {
        let policy = self.policy?;
        let rule = policy.environments.get(environment);
        if rule.is_none() {
            self.refuse(no_environment(policy, environment));
        }
        rule
    }

    fn machines_deploy(&mut self, environment: &Environment) -> Option<&'a EnvironmentRule> {
        let rule = self.known(environment)?;
        if rule.deployment == Deployment::Automatic {
            return Some(rule);
        }
        let what = format!("`{environment}` is deployed by people, whatever a role may do elsewhere");
        self.refuse(
            Reason::new(Code::RoleForbidden, what)
                .next(format!("ask a person to run: deployctl deploy {environment} REQUEST"))
                .rule(environment, "deployment"),
        );
        None
    }

    fn rights(&mut self, environment: &Environment, rule: &EnvironmentRule) {
        self.right(environment, Right::Deploy, &format!("deploy to `{environment}`"));
        let migrations = rule.steps.iter().filter(|step| step.migration);
        let names: Vec<&str> = migrations.map(|step| step.name.as_str()).collect();
        if !names.is_empty() {
            let what = format!("run migrations in `{environment}`, as `{}` does", names.join("`, `"));
            self.right(environment, Right::Migrate, &what);
        }
        if rule.steps.is_empty() {
            let what =
                format!("`{environment}` has no steps: the policy says nothing that deploying would run");
            self.refuse(Reason::new(Code::RoleForbidden, what).rule(environment, "steps"));
        }
    }

    fn right(&mut self, environment: &Environment, right: Right, what: &str) {
        let before = self.reasons.len();
        let again = format!("deployctl deploy {environment} --as ROLE");
        self.role_may(|policy, role| policy.may(role, environment, right), what, &again);
        let role = self.facts.caller.role.as_ref();
        for reason in &mut self.reasons[before..] {
            if let Some(role) = role {
                reason.policy = Some(format!("roles.{role}.{environment}"));
            }
        }
    }

    /// A deployment that runs holds the environment; one that never said how it ended is told once its lease is over.
    fn run_that_holds(&mut self, environment: &Environment, runs: &Runs) {
        let told = |run: &Run| {
            let Start { release, by, at, .. } = &run.start;
            format!("`{}`, started by {by} at {}", release.version, minute(*at))
        };
        if let Some(run) = runs.held(environment, self.facts.now) {
            self.busy(
                format!("`{environment}` is held by the deployment of {}", told(run)),
                run.lease_until(),
            );
        } else if let Some(run) = runs.doubt(environment).filter(|run| run.end.is_none()) {
            let what = format!("the deployment of {}, in `{environment}` never said how it ended", told(run));
            self.warnings.push(Reason::new(Code::DeploymentInterrupted, what));
        }
        if let Some(until) = runs.unread_until(self.facts.now) {
            let what =
                "a line of the journal about a deployment cannot be read, so it may hold the environment";
            self.busy(what.to_owned(), until);
        }
    }

    fn busy(&mut self, what: String, until: DateTime<Utc>) {
        let wait = format!("wait until it ends, at the latest {}", minute(super::until(until)));
        self.refuse(Reason::new(Code::EnvironmentBusy, what).next(wait));
    }

    fn stages_of(&mut self, environment: &Environment, candidate: &Candidate, rule: &EnvironmentRule) {
        let Some(policy) = self.policy else { return };
        for name in &rule.requires {
            for check in policy.stage(name).map(|stage| stage.checks.as_slice()).unwrap_or_default() {
                let title = policy.checks.get(check).map_or(check.as_str(), |rule| rule.title.as_str());
                let Some((code, what)) = stage_problem(candidate.state_of(policy, check)) else { continue };
                if code == Code::StageMissing && signoffs::group(policy, check).is_some() {
                    let reason = signoff_missing(policy, check, &candidate.release.commit);
                    let message = format!("stage `{name}`: {}", reason.message);
                    self.refuse(Reason { message, ..reason }.rule(environment, "requires"));
                    continue;
                }
                let commit = candidate.release.commit.short();
                self.refuse(
                    Reason::new(code, format!("stage `{name}`: `{title}` {what} for {commit}"))
                        .next(checked(policy, check))
                        .rule(environment, "requires"),
                );
            }
        }
    }

    /// Whether an action that people sign is asked of an environment that machines deploy, or of none: it is refused
    /// whoever asks, so nobody is sent to a terminal for it.
    pub(super) fn nobody_signs(&self, action: &Action<'_>) -> bool {
        let environment = match action {
            Action::Verdict { target: Ok(target), .. } => &target.request.environment,
            Action::Revoke { environment, .. }
            | Action::Deploy { environment, .. }
            | Action::Rollback { environment, .. }
            | Action::RollbackTo { environment, .. }
            | Action::AutomaticRollback { environment, .. }
            | Action::Review { environment } => *environment,
            _ => return false,
        };
        let people = |rule: &EnvironmentRule| rule.deployment == Deployment::Human;
        self.policy.is_some_and(|policy| !policy.environments.get(environment).is_some_and(people))
    }
}

/// What people sign is not asked of an environment that machines deploy.
pub(super) fn nothing_to_sign(environment: &Environment) -> Reason {
    let what = format!("`{environment}` is automatic: nothing is approved there, and nothing is rolled back");
    Reason::new(Code::RoleForbidden, what)
        .next(format!(
            "deploy the version that is wanted, also an earlier one: deployctl deploy {environment} VERSION --as ROLE"
        ))
        .rule(environment, "deployment")
}

fn nothing_to_run(none: &NoTarget, environment: &Environment) -> Reason {
    let what = match none {
        NoTarget::NoRequest { asked } => format!("there is no tag and no request {asked}"),
        NoTarget::NotApproved { id, .. } => format!("`{id}` cannot be read"),
        NoTarget::Several { fits } => format!("several requests fit: {}", fits.join("; ")),
    };
    Reason::new(Code::RequestMissing, what)
        .next(format!("name a tag, a request or a commit: deployctl deploy {environment} --commit REV"))
}

#[cfg(test)]
mod tests;
