//! `explain`: what the rules say of one wish, every rule that spoke, and what else would be judged at the time.
//!
//! It answers from the rules alone, for who writes them. What opens a door is [`super::decide`], never this.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::config::{ActionKind, Deployment, Right, Separation};
use super::policy::{Approvals, EnvironmentRule, Policy, nearest};
use super::terms::{Check, Environment, PersonName, Role};
use super::windows::Opening;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Record evidence
    Check,
    /// Deploy
    Deploy,
    /// Ask for a deployment
    Request,
    /// Run migrations
    Migrate,
    /// Approve a request
    Approve,
    /// Roll back
    Rollback,
}

impl Wish {
    /// Every wish.
    pub const ALL: [Self; 6] =
        [Self::Check, Self::Deploy, Self::Request, Self::Migrate, Self::Approve, Self::Rollback];

    /// The word of the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Deploy => "deploy",
            Self::Request => "request",
            Self::Migrate => "migrate",
            Self::Approve => "approve",
            Self::Rollback => "rollback",
        }
    }
}

/// What the rules come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
    /// Only a person may.
    Person,
}

/// What one rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// It speaks for it.
    Allows,
    /// It speaks against it.
    Refuses,
    /// It is judged at the time.
    Judged,
}

/// One rule that spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spoken {
    /// What it says, a sentence.
    pub rule: String,
    /// For or against.
    pub verdict: Says,
    /// Its path in the file.
    pub policy: String,
}

/// The verdict with every rule that spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// What they come to.
    pub verdict: Verdict,
    /// The rules, in the order in which they are asked.
    pub rules: Vec<Spoken>,
}

/// Says what the rules say. `who` is a role, or a person of the policy; whoever the policy does not name may do nothing.
#[must_use]
pub fn explain(
    policy: &Policy,
    who: &Role,
    wish: Wish,
    environment: &Environment,
    now: DateTime<Utc>,
) -> Explained {
    let mut voice = Voice { policy, environment, rules: Vec::new(), person: false };
    let person = policy.people.keys().find(|person| person.as_str() == who.as_str());
    let known = voice.who(who, person);
    match policy.environments.get(environment) {
        None => {
            let near = nearest(environment.as_str(), policy.environments.keys().map(Environment::as_str));
            voice.refuses(format!("the policy has no environment `{environment}`{near}"), "environments");
        }
        Some(_) if !known => {}
        Some(rule) => {
            match person {
                Some(person) => voice.of_person(person, rule, wish),
                None => voice.of_role(who, rule, wish),
            }
            voice.at_the_time(rule, wish, now);
        }
    }
    voice.comes_to()
}

struct Voice<'a> {
    policy: &'a Policy,
    environment: &'a Environment,
    rules: Vec<Spoken>,
    /// Whether it is for people to do.
    person: bool,
}

impl Voice<'_> {
    fn says(&mut self, verdict: Says, rule: String, policy: impl Into<String>) {
        self.rules.push(Spoken { rule, verdict, policy: policy.into() });
    }

    fn allows(&mut self, rule: String, policy: impl Into<String>) {
        self.says(Says::Allows, rule, policy);
    }

    fn refuses(&mut self, rule: String, policy: impl Into<String>) {
        self.says(Says::Refuses, rule, policy);
    }

    fn judged(&mut self, rule: String, policy: impl Into<String>) {
        self.says(Says::Judged, rule, policy);
    }

    fn here(&self, key: &str) -> String {
        format!("environments.{}.{key}", self.environment)
    }

    fn comes_to(self) -> Explained {
        let against = self.rules.iter().filter(|rule| rule.verdict == Says::Refuses).count();
        // That it is for people to do is no word against their doing it.
        let verdict = match (against > usize::from(self.person), self.person) {
            (true, _) => Verdict::Refused,
            (false, true) => Verdict::Person,
            (false, false) => Verdict::Allowed,
        };
        Explained { verdict, rules: self.rules }
    }

    fn who(&mut self, who: &Role, person: Option<&PersonName>) -> bool {
        if let Some(person) = person {
            self.allows(format!("`{person}` is a person of the policy"), format!("people.{person}"));
            return true;
        }
        if self.policy.roles.contains_key(who) {
            self.allows(format!("the policy knows the role `{who}`"), format!("roles.{who}"));
            return true;
        }
        let people = self.policy.people.keys().map(PersonName::as_str);
        let near = nearest(who.as_str(), self.policy.roles.keys().map(Role::as_str).chain(people));
        self.refuses(format!("the policy names no `{who}`, so it may do nothing{near}"), "roles");
        false
    }

    fn of_role(&mut self, role: &Role, rule: &EnvironmentRule, wish: Wish) {
        let people = rule.deployment == Deployment::Human;
        match wish {
            Wish::Check => self.right(role, Right::Check),
            Wish::Request => self.right(role, Right::Request),
            Wish::Approve | Wish::Rollback if !people => self.nothing_to_sign(),
            Wish::Approve => self.for_people("only people approve".to_owned(), "approvals"),
            Wish::Deploy | Wish::Migrate | Wish::Rollback if people => {
                let what = format!("only people deploy, migrate and roll back in `{}`", self.environment);
                self.for_people(what, "deployment");
            }
            Wish::Deploy | Wish::Migrate | Wish::Rollback => {
                self.machines(rule);
                self.right(role, Right::Deploy);
                let migrations = migrations(rule);
                if wish == Wish::Migrate || !migrations.is_empty() {
                    self.right(role, Right::Migrate);
                }
                self.steps(rule);
            }
        }
    }

    fn of_person(&mut self, person: &PersonName, rule: &EnvironmentRule, wish: Wish) {
        match (wish, &rule.approvals) {
            (Wish::Check | Wish::Request, _) => {
                let what = "people may, at their own terminal".to_owned();
                self.allows(what, format!("people.{person}"));
            }
            (Wish::Approve | Wish::Rollback, None) => self.nothing_to_sign(),
            (Wish::Deploy | Wish::Migrate, None) => {
                self.machines(rule);
                self.allows("so may people, at their own terminal".to_owned(), format!("people.{person}"));
                self.steps(rule);
            }
            (Wish::Approve, Some(approvals)) => self.approver(person, approvals),
            (Wish::Deploy | Wish::Migrate | Wish::Rollback, Some(_)) => {
                let what = "people do, each with a signature of their own".to_owned();
                self.allows(what, self.here("deployment"));
                if rule.rollback.is_none() {
                    self.refuses("the policy says no way back".to_owned(), self.here("rollback"));
                }
            }
        }
    }

    fn right(&mut self, role: &Role, right: Right) {
        let rights = self.policy.roles.get(role).and_then(|places| places.get(self.environment));
        let path = format!("roles.{role}.{}", self.environment);
        let word = word(right);
        if self.policy.may(role, self.environment, right) {
            self.allows(format!("the role has the right `{word}` in `{}`", self.environment), path);
            return;
        }
        let others: Vec<&str> = rights.into_iter().flatten().map(|right| self::word(*right)).collect();
        let others = if others.is_empty() {
            "it has none there".to_owned()
        } else {
            format!("it has `{}`", others.join("`, `"))
        };
        self.refuses(format!("the role has no right `{word}` in `{}`: {others}", self.environment), path);
    }

    fn for_people(&mut self, what: String, key: &str) {
        self.person = true;
        self.refuses(what, self.here(key));
    }

    fn machines(&mut self, rule: &EnvironmentRule) {
        if rule.deployment == Deployment::Automatic {
            let what = format!("`{}` is automatic: roles deploy it within their rights", self.environment);
            self.allows(what, self.here("deployment"));
        }
    }

    fn nothing_to_sign(&mut self) {
        let what = format!(
            "`{}` is automatic: nothing is approved there, and an earlier version is deployed, not rolled back to",
            self.environment
        );
        self.refuses(what, self.here("deployment"));
    }

    fn steps(&mut self, rule: &EnvironmentRule) {
        if rule.steps.is_empty() {
            self.refuses("there are no steps that deploying would run".to_owned(), self.here("steps"));
        }
    }

    fn approver(&mut self, person: &PersonName, approvals: &Approvals) {
        let from = approvals.from_words.join(", ");
        if approvals.from.contains(person) {
            self.allows(format!("`{person}` is one of {from}"), self.here("approvals.from"));
            return;
        }
        let mut rules =
            (0_usize..).zip(&approvals.rules).filter(|(_, rule)| rule.from.contains(person)).peekable();
        if rules.peek().is_none() {
            self.refuses(format!("`{person}` is not one of {from}"), self.here("approvals.from"));
        }
        for (place, rule) in rules {
            let what = format!("`{person}` may approve with {}", rule.when.terms());
            self.judged(what, self.here(&format!("approvals.rules[{place}].from")));
        }
    }

    /// What depends on the commit, the moment and the records.
    fn at_the_time(&mut self, rule: &EnvironmentRule, wish: Wish, now: DateTime<Utc>) {
        match wish {
            Wish::Check => self.checks(),
            Wish::Request => self.quorum(rule),
            Wish::Approve => {
                self.quorum(rule);
                self.apart(rule);
            }
            Wish::Deploy | Wish::Migrate => {
                self.quorum(rule);
                self.branch(rule);
                self.stages(rule);
                self.window(rule, ActionKind::Deploy, now);
                self.migrations(rule);
            }
            Wish::Rollback if rule.deployment == Deployment::Human => {
                self.window(rule, ActionKind::Rollback, now);
                let what = "only to the version that the approval named, or with an approved request of its own to one that was live".to_owned();
                self.judged(what, self.here("rollback"));
            }
            Wish::Rollback => {}
        }
    }

    fn checks(&mut self) {
        let stages = self.policy.stages.iter().filter(|stage| {
            stage.environment.as_ref().is_none_or(|environment| environment == self.environment)
        });
        let checks: BTreeSet<&str> = stages.flat_map(|stage| &stage.checks).map(Check::as_str).collect();
        if !checks.is_empty() {
            let checks: Vec<&str> = checks.into_iter().collect();
            self.judged(format!("that is for the checks `{}`", checks.join("`, `")), "stages");
        }
    }

    fn quorum(&mut self, rule: &EnvironmentRule) {
        let Some(approvals) = &rule.approvals else { return };
        let from: Vec<&str> = approvals.from.iter().map(PersonName::as_str).collect();
        let what = format!("{} of {} must approve", approvals.required, from.join(", "));
        self.judged(what, self.here("approvals.required"));
        for (place, extra) in (0..).zip(&approvals.rules) {
            let needed = approvals.needed(&[place]);
            let from: Vec<&str> = needed.from.iter().map(PersonName::as_str).collect();
            let what = format!("{} asks for {} of {}", extra.when.terms(), extra.required, from.join(", "));
            self.judged(what, self.here(&format!("approvals.rules[{place}]")));
        }
    }

    fn apart(&mut self, rule: &EnvironmentRule) {
        let Some(approvals) = &rule.approvals else { return };
        for separation in &approvals.not {
            let whom = match separation {
                Separation::Requester => "who asked",
                Separation::Author => "an author of the change",
                Separation::Executor => "who deploys",
            };
            self.judged(format!("an approver may not be {whom}"), self.here("approvals.not"));
        }
    }

    fn branch(&mut self, rule: &EnvironmentRule) {
        if let Some(branch) = &rule.branch {
            self.judged(format!("the branch `{branch}` must hold the commit"), self.here("branch"));
        }
        for (index, stage) in self.policy.stages.iter().enumerate() {
            if let Some(branch) = stage.branch.as_ref().filter(|_| rule.requires.contains(&stage.name)) {
                let what = format!("the branch `{branch}` must hold the commit, for stage `{}`", stage.name);
                self.judged(what, format!("stages[{index}].branch"));
            }
        }
    }

    fn stages(&mut self, rule: &EnvironmentRule) {
        for name in &rule.requires {
            let checks = self.policy.stage(name).map(|stage| stage.checks.as_slice()).unwrap_or_default();
            let checks: Vec<&str> = checks.iter().map(Check::as_str).collect();
            let what = if checks.is_empty() {
                format!("stage `{name}` must be passed; it has no checks")
            } else {
                format!("stage `{name}` must be passed: `{}`", checks.join("`, `"))
            };
            self.judged(what, self.here("requires"));
        }
    }

    fn window(&mut self, rule: &EnvironmentRule, action: ActionKind, now: DateTime<Utc>) {
        let Some(windows) = rule.windows.words() else { return };
        let opens = |next: Option<String>| {
            next.map_or_else(
                || "it does not open within a year".to_owned(),
                |next| format!("it opens {next}"),
            )
        };
        let state = match rule.windows.at(now, action) {
            Opening::Open => "open now".to_owned(),
            Opening::Closed { next } => format!("closed now, {}", opens(next)),
            Opening::Blackout { name, next, .. } => {
                let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
                format!("blacked out now{name}, {}", opens(next))
            }
        };
        self.judged(format!("a window must be open: {state}; {windows}"), self.here("windows"));
    }

    fn migrations(&mut self, rule: &EnvironmentRule) {
        let names = migrations(rule);
        if !names.is_empty() {
            let what = format!("migrations run as `{}` of a deployment", names.join("`, `"));
            self.judged(what, self.here("steps"));
        }
    }
}

fn migrations(rule: &EnvironmentRule) -> Vec<&str> {
    rule.steps.iter().filter(|step| step.migration).map(|step| step.name.as_str()).collect()
}

const fn word(right: Right) -> &'static str {
    match right {
        Right::Check => "check",
        Right::Deploy => "deploy",
        Right::Request => "request",
        Right::Migrate => "migrate",
    }
}

#[cfg(test)]
mod tests;
