//! The policy: `deployctl.yaml` once everything that needs only the file itself is checked.
//!
//! [`Policy::check`] finds every problem at once. Nothing that grants a right has a permissive default:
//! an empty set of approvers, a threshold below one or an unknown name is invalid.

mod check;
mod credentials;
mod emergency;
mod extra;
mod health;
mod machines;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use globset::GlobSet;

use self::check::Checker;
pub use self::credentials::{CREDENTIALS, Credentials, refused_variable};
pub use self::extra::{ApprovalRule, ChangeFacts, Lack, Quorum, When};
pub use self::health::{
    BASELINE_PAUSE, BASELINE_ROUNDS, ErrorRate, Health, Latency, Level, Metrics, Probe, Question,
};
use super::config::{
    Deployment, OnTrigger, PresenceLevel, RawLedger, RawMigrations, RawPolicy, Right, Scan, Separation,
};
use super::emergency::{Emergency, EmergencyRules, SeverityRule};
use super::keys::{Proof, PublicKey};
use super::scope::Scope;
use super::terms::{Check, Digest, Environment, Group, MachineName, PersonName, Role, Stage};
use super::windows::Windows;

/// What is wrong in the file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the key, such as `environments.production.approvals.from`.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// The rules, checked.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The project's name.
    pub project: String,
    /// Where the records are shared.
    pub ledger: RawLedger,
    /// Who can sign.
    pub people: BTreeMap<PersonName, Person>,
    /// The keys of machines that sign evidence; no key belongs to two of them, or to a person.
    pub machines: BTreeMap<MachineName, Vec<PublicKey>>,
    /// What agents and CI may do.
    pub roles: BTreeMap<Role, BTreeMap<Environment, BTreeSet<Right>>>,
    /// How each check is known.
    pub checks: BTreeMap<Check, CheckRule>,
    /// The pipeline before production, in order.
    pub stages: Vec<StageRule>,
    /// Where versions run.
    pub environments: BTreeMap<Environment, EnvironmentRule>,
    /// P1 to P4; without them nothing is an emergency.
    pub emergency: Option<EmergencyRules>,
    /// How migrations are found.
    pub migrations: RawMigrations,
    /// The directory of the team's own page templates, from the repository's root.
    pub templates: Option<String>,
    /// How versions are named, and what they are made of, unless an environment says otherwise.
    pub versions: VersionRule,
    /// The digest of the file's bytes; with templates, see [`Policy::with_templates`].
    pub digest: Digest,
}

/// Somebody who can sign.
#[derive(Clone, Debug)]
pub struct Person {
    /// The enrolled keys; no key belongs to two people.
    pub keys: Vec<PublicKey>,
    /// The groups the person is in.
    pub groups: BTreeSet<Group>,
    /// Addresses of the person's commits.
    pub emails: Vec<String>,
}

/// How versions are named, and what they are made of.
#[derive(Clone, Debug)]
pub struct VersionRule {
    /// The glob of version tags.
    pub tag: String,
    /// The paths that count, where not all do.
    pub paths: Option<Scope>,
    /// The path of the changelog, where the file names one.
    pub changelog: Option<String>,
}

impl Default for VersionRule {
    /// Every path, and the tags that most projects use.
    fn default() -> Self {
        Self { tag: "v*".to_owned(), paths: None, changelog: None }
    }
}

/// One check.
#[derive(Clone, Debug)]
pub struct CheckRule {
    /// The words on the checklist.
    pub title: String,
    /// What knows it.
    pub source: CheckSource,
    /// Only when a changed path matches; `None` is always.
    pub when_changed: Option<Scope>,
    /// What it finds out about new dependencies; `None` is nothing.
    pub scans: Option<ScanRule>,
    /// The machines of which one must have signed its evidence, never none of them; `None` where nobody need have.
    pub signed_by: Option<BTreeSet<MachineName>>,
}

/// What a check finds out about new dependencies.
#[derive(Clone, Debug)]
pub struct ScanRule {
    /// Which of their boxes it answers; never empty.
    pub answers: BTreeSet<Scan>,
    /// The lockfiles that it speaks for; `None` is every one.
    pub lockfiles: Option<GlobSet>,
}

/// What knows whether a check passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckSource {
    /// JUnit reports under these globs.
    Junit(Vec<String>),
    /// TAP reports under these globs.
    Tap(Vec<String>),
    /// A command's exit status.
    Run(Vec<String>, Duration),
    /// A role's word.
    Role(Role),
    /// The signature of somebody in a group.
    Signoff(Group),
}

impl CheckSource {
    /// Words for what its evidence comes from: the command, the globs of the reports, or who says it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Junit(globs) | Self::Tap(globs) => globs.join(", "),
            Self::Run(command, _) => command.join(" "),
            Self::Role(role) => format!("the word of {role}"),
            Self::Signoff(group) => format!("a signature of {group}"),
        }
    }
}

/// One stage.
#[derive(Clone, Debug)]
pub struct StageRule {
    /// Its name.
    pub name: Stage,
    /// The branch that must hold the commit.
    pub branch: Option<String>,
    /// The environment it is about; one of the stage's own name, where the file does not say.
    pub environment: Option<Environment>,
    /// The checks that must pass.
    pub checks: Vec<Check>,
}

/// One environment.
#[derive(Clone, Debug)]
pub struct EnvironmentRule {
    /// What it is for, what data it holds, who can reach it.
    pub about: [Option<String>; 3],
    /// Who may start a deployment.
    pub deployment: Deployment,
    /// The branch that must hold the commit.
    pub branch: Option<String>,
    /// How versions are named here.
    pub versions: VersionRule,
    /// The stages a commit must have passed.
    pub requires: Vec<Stage>,
    /// Names of variables handed to the steps.
    pub pass_environment: Vec<String>,
    /// What gives the steps their secrets.
    pub credentials: Option<Credentials>,
    /// What deploying runs.
    pub steps: Vec<Step>,
    /// How to go back.
    pub rollback: Option<Rollback>,
    /// Who approves; always there where people deploy.
    pub approvals: Option<Approvals>,
    /// When it may be deployed.
    pub windows: Windows,
    /// Who and what watches.
    pub monitoring: Monitoring,
    /// What is measured after a deployment; `None` where nothing is.
    pub health: Option<Health>,
}

/// One command of a plan.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The program and its arguments.
    pub run: Vec<String>,
    /// How long it may take, in seconds.
    #[serde(serialize_with = "seconds")]
    pub timeout: Duration,
    /// Whether it changes the database.
    pub migration: bool,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

/// The way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// What rolling back runs.
    pub steps: Vec<Step>,
    /// Run after the steps, only when every migration is known to be reversible.
    pub migrations: Vec<Step>,
    /// How long it is thought to take.
    pub estimate: Option<Duration>,
    /// Within which time its report is signed, before other deployments wait for it.
    pub review_within: Option<Duration>,
    /// What a trigger of the watch does.
    pub on_trigger: OnTrigger,
}

/// Who approves.
#[derive(Clone, Debug)]
pub struct Approvals {
    /// How many people.
    pub required: u32,
    /// The people who can, from the groups and names of the file.
    pub from: BTreeSet<PersonName>,
    /// The words of the file, for screens.
    pub from_words: Vec<String>,
    /// Whom an approver may not be.
    pub not: BTreeSet<Separation>,
    /// The least presence of a signature.
    pub presence: PresenceLevel,
    /// How long a request waits for a decision.
    pub decide_within: Duration,
    /// How long an approval can be executed.
    pub execute_within: Duration,
    /// More people, where a change asks for them.
    pub rules: Vec<ApprovalRule>,
    /// How many of whom must approve besides, where rules have added others: each of them is met by itself.
    pub each: Vec<Quorum>,
    /// The key below the environment that says `required`.
    pub required_at: String,
}

/// Who and what watches.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// Names or links of the alerts.
    pub alerts: Vec<String>,
    /// Names or links of the dashboards.
    pub dashboards: Vec<String>,
    /// Who is on call.
    pub on_call: Option<String>,
    /// How long to watch.
    pub watch: Duration,
}

impl Policy {
    /// The rules of a project that has none: nobody may do anything, and a checklist is drafted from git alone.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            project: String::new(),
            ledger: RawLedger::default(),
            people: BTreeMap::new(),
            machines: BTreeMap::new(),
            roles: BTreeMap::new(),
            checks: BTreeMap::new(),
            stages: Vec::new(),
            environments: BTreeMap::new(),
            emergency: None,
            migrations: RawMigrations::default(),
            versions: VersionRule::default(),
            templates: None,
            digest: Digest::of(b""),
        }
    }

    /// Checks a file that parsed.
    ///
    /// # Errors
    /// Every problem of the file, in the file's order of sections.
    pub fn check(raw: RawPolicy, bytes: &[u8]) -> Result<Self, Vec<Problem>> {
        let mut checker = Checker { problems: Vec::new() };
        let policy = checker.policy(raw, bytes);
        if checker.problems.is_empty() { Ok(policy) } else { Err(checker.problems) }
    }

    /// The same rules with the digests of their templates, by file name.
    #[must_use]
    pub fn with_templates(self, templates: &BTreeMap<String, Digest>) -> Self {
        Self { digest: signed_digest(self.digest, templates), ..self }
    }

    /// The person whose enrolled key this is.
    #[must_use]
    pub fn person_of(&self, key: &PublicKey) -> Option<&PersonName> {
        self.people.iter().find(|(_, person)| person.keys.contains(key)).map(|(name, _)| name)
    }

    /// The machine whose key this is.
    #[must_use]
    pub fn machine_of(&self, key: &PublicKey) -> Option<&MachineName> {
        self.machines.iter().find(|(_, keys)| keys.contains(key)).map(|(name, _)| name)
    }

    /// The person with this commit address, compared without case.
    #[must_use]
    pub fn person_by_email(&self, email: &str) -> Option<&PersonName> {
        let same = |known: &String| known.eq_ignore_ascii_case(email);
        self.people.iter().find(|(_, person)| person.emails.iter().any(same)).map(|(name, _)| name)
    }

    /// Whether a role may do this in an environment. A role the policy does not name may do nothing.
    #[must_use]
    pub fn may(&self, role: &Role, environment: &Environment, right: Right) -> bool {
        self.roles
            .get(role)
            .and_then(|environments| environments.get(environment))
            .is_some_and(|rights| rights.contains(&right))
    }

    /// Who may change the policy and how many must sign: everyone who approves for people-only environments,
    /// and the highest number any of them asks for. Those who approve only some changes do not count here, so that an
    /// extra rule makes nobody a judge of the rules; where it asks for more people than there are, all must sign.
    #[must_use]
    pub fn policy_quorum(&self) -> (BTreeSet<PersonName>, u32) {
        let approvals = self.environments.values().filter_map(|environment| environment.approvals.as_ref());
        let mut people = BTreeSet::new();
        let mut required = 1;
        for rule in approvals {
            people.extend(rule.from.iter().cloned());
            let extra = rule.rules.iter().map(|extra| extra.required).max();
            let extra = extra.map(|extra| extra.min(u32::try_from(rule.from.len()).unwrap_or(u32::MAX)));
            required = required.max(rule.required).max(extra.unwrap_or(0));
        }
        (people, required)
    }

    /// Why nobody could ever sign the rules after these, where that is so. Only a hardware key shows a touch.
    #[must_use]
    pub fn never_changed(&self) -> Option<String> {
        let (people, required) = self.policy_quorum();
        let touches = |name: &PersonName| {
            self.people.get(name).is_some_and(|person| person.keys.iter().any(PublicKey::is_hardware))
        };
        let asked = |name: &PersonName| {
            let approvals = self.environments.values().filter_map(|rule| rule.approvals.as_ref());
            approvals
                .filter(|approvals| approvals.from.contains(name))
                .any(|approvals| approvals.presence != PresenceLevel::Passphrase)
        };
        let able = people.iter().filter(|name| !asked(name) || touches(name)).count();
        if people.is_empty() {
            Some("people deploy no environment, and who approves for one signs the next rules".to_owned())
        } else if able < required as usize {
            Some(format!(
                "{required} must sign the next rules with a hardware key, and {able} of them have one"
            ))
        } else {
            None
        }
    }

    /// Whether this signature counts for a new policy: somebody of the quorum, with the presence that every
    /// environment they approve for asks of them. Else the weaker signature could take the stronger one away.
    #[must_use]
    pub fn counts_for_policy(&self, person: &PersonName, proof: &Proof) -> bool {
        let mut rules = self
            .environments
            .values()
            .filter_map(|rule| rule.approvals.as_ref())
            .filter(|approvals| approvals.from.contains(person))
            .peekable();
        rules.peek().is_some() && rules.all(|approvals| proof.shows(approvals.presence))
    }

    /// Whether a role may record evidence of a check: it has the right where a stage with this check belongs, or, for
    /// a check whose stages belong to no environment, anywhere.
    #[must_use]
    pub fn may_check(&self, role: &Role, check: &Check) -> bool {
        let stages = self.stages.iter().filter(|stage| stage.checks.contains(check));
        let places: BTreeSet<&Environment> = stages.filter_map(|stage| stage.environment.as_ref()).collect();
        let rights = self.roles.get(role);
        rights.is_some_and(|rights| {
            rights.iter().any(|(environment, rights)| {
                rights.contains(&Right::Check) && (places.is_empty() || places.contains(environment))
            })
        })
    }

    /// How versions are named in an environment; as at the top for one that the policy does not know.
    #[must_use]
    pub fn versions_of(&self, environment: &Environment) -> &VersionRule {
        self.environments.get(environment).map_or(&self.versions, |rule| &rule.versions)
    }

    /// Who must approve a request: for the extra rules it matches, and with the shorter clock of an emergency.
    #[must_use]
    pub fn approvals_for(
        &self,
        approvals: &Approvals,
        places: &[u32],
        emergency: Option<&Emergency>,
    ) -> Approvals {
        let mut needed = approvals.needed(places);
        if let (Some(_), Some(rules)) = (emergency, &self.emergency) {
            needed.execute_within = needed.execute_within.min(rules.execute_within);
        }
        needed
    }

    /// What the policy says of the severity of an emergency.
    #[must_use]
    pub fn severity(&self, emergency: &Emergency) -> Option<&SeverityRule> {
        self.emergency.as_ref()?.levels.get(&emergency.severity)
    }

    /// The rule of a stage.
    #[must_use]
    pub fn stage(&self, name: &Stage) -> Option<&StageRule> {
        self.stages.iter().find(|stage| &stage.name == name)
    }
}

/// The digest that people sign: that of `deployctl.yaml`, or one over it and its templates, so that neither changes
/// without the other's signature.
#[must_use]
pub fn signed_digest(file: Digest, templates: &BTreeMap<String, Digest>) -> Digest {
    if templates.is_empty() {
        return file;
    }
    let lines = templates.iter().map(|(name, digest)| format!("{digest} {name}\n"));
    let all: String = std::iter::once(format!("{file} deployctl.yaml\n")).chain(lines).collect();
    Digest::of(all.as_bytes())
}

/// "; did you mean `x`?" for the closest of the known words, or nothing.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
