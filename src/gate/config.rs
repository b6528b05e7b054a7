//! `deployctl.yaml` as it is written: every key, nothing checked yet but names and types.
//!
//! [`super::policy::Policy`] is what it means once checked.

mod changes;
mod health;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

pub use self::changes::changes;
pub use self::health::{IncreaseMode, RawErrorRate, RawHealth, RawLatency, RawLevel, RawMetrics, RawProbe};
use super::terms::{Check, Environment, Group, MachineName, PersonName, Role, Stage};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPolicy {
    /// The format of the file; `1`.
    pub schema: u32,
    /// The project's name, shown on every screen.
    pub project: String,
    /// Where the records are shared.
    #[serde(default)]
    pub ledger: RawLedger,
    /// Who can sign.
    #[serde(default)]
    pub people: BTreeMap<PersonName, RawPerson>,
    /// Machines that sign evidence.
    #[serde(default)]
    pub machines: BTreeMap<MachineName, RawMachine>,
    /// What agents and CI may do, by environment. Nothing is implied.
    #[serde(default)]
    pub roles: BTreeMap<Role, BTreeMap<Environment, Vec<Right>>>,
    /// How each check is known.
    #[serde(default)]
    pub checks: BTreeMap<Check, RawCheck>,
    /// The pipeline before production.
    #[serde(default)]
    pub stages: Vec<RawStage>,
    /// Where versions run.
    pub environments: BTreeMap<Environment, RawEnvironment>,
    /// P1 to P4.
    #[serde(default)]
    pub emergency: Option<RawEmergency>,
    /// How migrations are found.
    #[serde(default)]
    pub migrations: RawMigrations,
    /// How versions are named, and what they are made of.
    #[serde(default)]
    pub versions: RawVersions,
    /// A directory of the team's own page templates; signed with the file.
    #[serde(default)]
    pub templates: Option<String>,
}

/// Why a file is not even of the right shape, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseProblem {
    /// The line, from 1, where the reader knows it.
    pub line: Option<u64>,
    /// The column, from 1.
    pub column: Option<u64>,
    /// What is wrong, and what was probably meant.
    pub message: String,
}

/// The largest `deployctl.yaml` that is read: a hundred times what a large project needs.
const FILE_MAX: usize = 1 << 20;

impl RawPolicy {
    /// Reads the file's shape.
    ///
    /// # Errors
    /// The first place that is not YAML, not UTF-8, unknown, doubled or of the wrong type.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseProblem> {
        let nowhere = |message: &str| ParseProblem { line: None, column: None, message: message.to_owned() };
        if bytes.len() > FILE_MAX {
            return Err(nowhere("the file is larger than 1 MiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| nowhere("the file is not UTF-8"))?;
        serde_yaml::from_str_with_options(text, yaml_options()).map_err(|error| {
            let location = error.location();
            ParseProblem {
                line: location.map(|place| place.line()),
                column: location.map(|place| place.column()),
                message: suggest(&plain(&error)),
            }
        })
    }
}

/// No aliases, no tags, no `yes` that means `true`: what a person reads is what it says.
fn yaml_options() -> serde_yaml::Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! { max_anchors: 0, max_aliases: 0, max_depth: 16, max_nodes: 50_000, max_documents: 1 },
        duplicate_keys: serde_yaml::options::DuplicateKeyPolicy::Error,
        merge_keys: serde_yaml::options::MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        ignore_binary_tag_for_string: true,
        strict_booleans: true,
    }
}

/// The first line of the reader's message, without its own picture of the place, and in a person's words.
fn plain(error: &serde_yaml::Error) -> String {
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let line = match first.rsplit_once(" at line ") {
        Some((message, place)) if place.bytes().all(|b| b.is_ascii_digit() || b", column".contains(&b)) => {
            message
        }
        _ => first,
    };
    match line {
        "invalid u32" => "a whole number belongs here".to_owned(),
        "expected sequence start" => "a list belongs here, such as `[one, two]`".to_owned(),
        "unexpected end of input" => "the file ends too early, or is empty".to_owned(),
        _ => match line.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split_once(", set ")) {
            Some((key, _)) => format!("`{key}` is there twice"),
            None => line.to_owned(),
        },
    }
}

/// Adds what was probably meant to an "unknown field `x`, expected one of y, z".
fn suggest(message: &str) -> String {
    let unknown = ["unknown field ", "unknown variant "].iter().find_map(|start| message.split_once(start));
    let Some((word, known)) = unknown.and_then(|(_, rest)| rest.split_once(", expected ")) else {
        return message.to_owned();
    };
    let known = known.strip_prefix("one of ").unwrap_or(known).split([',', ' ']);
    let known = known.map(|word| word.trim_matches('`')).filter(|word| !word.is_empty());
    format!("{message}{}", super::policy::nearest(word.trim_matches('`'), known))
}

/// `ledger`: a remote's name, or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RawLedger {
    /// Not said: `origin` where the repository has it, else none. The signed policy says which.
    #[default]
    Unsaid,
    /// The records stay in this clone.
    None,
    /// The records travel through this git remote.
    Remote(String),
}

impl<'de> Deserialize<'de> for RawLedger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            remote: String,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = RawLedger;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`{ remote: NAME }` or `none`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawLedger, E> {
                if text == "none" {
                    Ok(RawLedger::None)
                } else {
                    Err(E::custom("expected `{ remote: NAME }` or `none`"))
                }
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<RawLedger, A::Error> {
                let fields = Fields::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(if fields.remote == "none" { RawLedger::None } else { RawLedger::Remote(fields.remote) })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// One person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPerson {
    /// OpenSSH public keys, as in a `.pub` file.
    pub keys: Vec<String>,
    /// The groups the person is in.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Addresses of the person's commits, for separation of author and approver.
    #[serde(default)]
    pub emails: Vec<String>,
}

/// One machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMachine {
    /// OpenSSH public keys, as in a `.pub` file.
    pub keys: Vec<String>,
}

/// What a role may do in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Run or collect checks.
    Check,
    /// Deploy, where the environment is automatic.
    Deploy,
    /// Ask for a deployment.
    Request,
    /// Run migrations, where the environment is automatic.
    Migrate,
}

/// One check: exactly one of `junit`, `tap`, `run`, `role`, `signoff`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCheck {
    /// The words on the checklist.
    #[serde(default)]
    pub title: Option<String>,
    /// Globs of JUnit reports, from the repository's root.
    #[serde(default)]
    pub junit: Option<Vec<String>>,
    /// Globs of TAP reports, from the repository's root.
    #[serde(default)]
    pub tap: Option<Vec<String>>,
    /// A command whose exit status is the evidence.
    #[serde(default)]
    pub run: Option<Vec<String>>,
    /// How long the command may take.
    #[serde(default)]
    pub timeout: Option<String>,
    /// The role whose word it is.
    #[serde(default)]
    pub role: Option<Role>,
    /// The group whose signature it is.
    #[serde(default)]
    pub signoff: Option<Group>,
    /// Only when a changed path matches one of these globs.
    #[serde(default)]
    pub when_changed: Option<Vec<String>>,
    /// What it finds out about new dependencies: one word, or a list of them.
    #[serde(default)]
    pub scans: Option<RawScans>,
    /// Globs of the lockfiles that it scans; every one unless said.
    #[serde(default)]
    pub lockfiles: Option<Vec<String>>,
    /// Machines of which one must have signed the evidence.
    #[serde(default)]
    pub signed_by: Option<Vec<MachineName>>,
}

/// What a scanner finds out about a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scan {
    /// Whether it is known to be vulnerable.
    Security,
    /// Whether its license is allowed.
    License,
}

/// `scans`: one word or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawScans(pub Vec<Scan>);

impl<'de> Deserialize<'de> for RawScans {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> serde::de::Visitor<'de> for Words {
            type Value = RawScans;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`security`, `license` or a list of both")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawScans, E> {
                let word = serde::de::value::StrDeserializer::new(text);
                Scan::deserialize(word).map(|scan| RawScans(vec![scan]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<RawScans, A::Error> {
                Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(list)).map(RawScans)
            }
        }
        deserializer.deserialize_any(Words)
    }
}

/// One stage.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStage {
    /// Its name.
    pub name: Stage,
    /// The branch that must hold the commit.
    #[serde(default)]
    pub branch: Option<String>,
    /// The environment it is about.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// The checks that must pass.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// Who may start a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deployment {
    /// CI and agents within their rights.
    Automatic,
    /// People, with an approval.
    Human,
}

/// One environment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEnvironment {
    /// What it is for.
    #[serde(default)]
    pub purpose: Option<String>,
    /// What data it holds.
    #[serde(default)]
    pub data: Option<String>,
    /// Who can reach it.
    #[serde(default)]
    pub access: Option<String>,
    /// Who may start a deployment; `human` is the default for `production`, `automatic` elsewhere.
    #[serde(default)]
    pub deployment: Option<Deployment>,
    /// The branch that must hold the commit.
    #[serde(default)]
    pub branch: Option<String>,
    /// How versions are named here, where that is not as at the top; what is not said is.
    #[serde(default)]
    pub versions: Option<RawVersions>,
    /// The stages a commit must have passed.
    #[serde(default)]
    pub requires: Vec<Stage>,
    /// Names of variables handed to the steps, besides the fixed few.
    #[serde(default)]
    pub pass_environment: Vec<String>,
    /// What gives the steps their secrets.
    #[serde(default)]
    pub credentials: Option<RawCredentials>,
    /// What deploying runs.
    #[serde(default)]
    pub steps: Vec<RawStep>,
    /// How to go back.
    #[serde(default)]
    pub rollback: Option<RawRollback>,
    /// Who approves.
    #[serde(default)]
    pub approvals: Option<RawApprovals>,
    /// When it may be deployed.
    #[serde(default)]
    pub windows: Option<RawWindows>,
    /// Who and what watches.
    #[serde(default)]
    pub monitoring: RawMonitoring,
    /// Probes and metrics.
    #[serde(default)]
    pub health: Option<RawHealth>,
}

/// What gives the steps their secrets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCredentials {
    /// The program, one of the approved files or a whole path, and its arguments.
    pub exec: Vec<String>,
    /// How long it may take; `1m` unless said.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// One command of a plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStep {
    /// Its name, in records and on screens.
    pub name: String,
    /// The program and its arguments; never a shell string.
    pub run: Vec<String>,
    /// How long it may take; `10m` unless said.
    #[serde(default)]
    pub timeout: Option<String>,
    /// Whether it changes the database.
    #[serde(default)]
    pub migration: bool,
}

/// The way back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRollback {
    /// What rolling back runs.
    pub steps: Vec<RawStep>,
    /// Run after the steps, only when every migration is known to be reversible.
    #[serde(default)]
    pub migrations: Vec<RawStep>,
    /// How long it is thought to take.
    #[serde(default)]
    pub estimate: Option<String>,
    /// Within which time its report is signed, before other deployments wait for it; never, unless said.
    #[serde(default)]
    pub review_within: Option<String>,
    /// What a trigger does; `ask` unless said.
    #[serde(default)]
    pub on_trigger: Option<OnTrigger>,
}

/// What a trigger of the watch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnTrigger {
    /// Ask the person.
    Ask,
    /// The session rolls back, where the approvals say so.
    Rollback,
}

/// Whom an approver may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separation {
    /// Who asked.
    Requester,
    /// Who wrote a commit of the range.
    Author,
    /// Who executes.
    Executor,
}

/// How a signature must show that a person was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PresenceLevel {
    /// A typed passphrase, or better.
    Passphrase,
    /// A hardware key that was touched.
    Touch,
    /// A hardware key that was touched and asked for a PIN or a finger.
    Verified,
}

/// Who approves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawApprovals {
    /// How many people; 1 unless said.
    #[serde(default)]
    pub required: Option<u32>,
    /// Groups or people.
    pub from: Vec<String>,
    /// Whom an approver may not be; `[requester]` unless said.
    #[serde(default)]
    pub not: Option<Vec<Separation>>,
    /// The least presence of a signature; `passphrase` unless said.
    #[serde(default)]
    pub presence: Option<PresenceLevel>,
    /// How long a request waits for a decision; `24h` unless said.
    #[serde(default)]
    pub decide_within: Option<String>,
    /// How long an approval can be executed; `4h` unless said.
    #[serde(default)]
    pub execute_within: Option<String>,
    /// More people, where a change asks for them.
    #[serde(default)]
    pub rules: Vec<RawApprovalRule>,
}

/// More people for some changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawApprovalRule {
    /// For which changes.
    pub when: RawWhen,
    /// How many people at the least; more than without it.
    pub required: u32,
    /// Groups or people who may approve besides the others.
    #[serde(default)]
    pub from: Vec<String>,
}

/// Which changes: everything that is said must be so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWhen {
    /// The request's risk is this or higher.
    #[serde(default)]
    pub risk: Option<RiskLevel>,
    /// A changed path matches one of these globs.
    #[serde(default)]
    pub paths: Option<Vec<String>>,
    /// A migration is not known to be reversible.
    #[serde(default)]
    pub irreversible: Option<bool>,
}

/// How much can go wrong.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum RiskLevel {
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

impl RiskLevel {
    /// The workflow document's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
        }
    }
}

/// When it may be deployed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWindows {
    /// An IANA zone; `UTC` unless said.
    #[serde(default)]
    pub timezone: Option<String>,
    /// With any of these, one must be open.
    #[serde(default)]
    pub allow: Vec<RawWindow>,
    /// None of these may be open.
    #[serde(default)]
    pub deny: Vec<RawWindow>,
}

/// What a window is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// A deployment.
    Deploy,
    /// A rollback.
    Rollback,
}

/// One window, recurring (`days`, `hours`) or one-off (`from`, `to`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWindow {
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// `mon-thu`, `sat,sun`; every day unless said.
    #[serde(default)]
    pub days: Option<String>,
    /// `09:00-16:00`; the whole day unless said. `22:00-04:00` goes past midnight.
    #[serde(default)]
    pub hours: Option<String>,
    /// The first moment: a date or `2026-12-20 18:00`.
    #[serde(default)]
    pub from: Option<String>,
    /// The end: a date (that whole day included) or a moment.
    #[serde(default)]
    pub to: Option<String>,
    /// What it is about; `[deploy]` unless said.
    #[serde(default)]
    pub actions: Option<Vec<ActionKind>>,
}

/// Who and what watches.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMonitoring {
    /// Names or links of the alerts.
    #[serde(default)]
    pub alerts: Vec<String>,
    /// Names or links of the dashboards.
    #[serde(default)]
    pub dashboards: Vec<String>,
    /// Who is on call.
    #[serde(default)]
    pub on_call: Option<String>,
    /// How long to watch; `15m` unless said.
    #[serde(default)]
    pub watch: Option<String>,
}

/// The emergency levels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEmergency {
    /// Complete outage.
    #[serde(rename = "P1", default)]
    pub p1: Option<RawSeverity>,
    /// Major feature broken.
    #[serde(rename = "P2", default)]
    pub p2: Option<RawSeverity>,
    /// Minor feature affected.
    #[serde(rename = "P3", default)]
    pub p3: Option<RawSeverity>,
    /// Cosmetic or non-urgent.
    #[serde(rename = "P4", default)]
    pub p4: Option<RawSeverity>,
    /// How long an emergency approval can be executed.
    #[serde(default)]
    pub execute_within: Option<String>,
    /// How long until the review is owed.
    #[serde(default)]
    pub review_within: Option<String>,
}

/// One level.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSeverity {
    /// What it means.
    pub definition: String,
    /// `immediate`, a duration, or `next business day`.
    pub response: String,
    /// The stages that may be skipped.
    #[serde(default)]
    pub skip: Vec<Stage>,
}

/// How migrations are found; by every known tool's paths unless said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMigrations {
    /// Tools by name, such as `sqlx`.
    #[serde(default)]
    pub presets: Option<Vec<String>>,
    /// Plain globs.
    #[serde(default)]
    pub paths: Option<Vec<String>>,
}

/// How versions are named, and what they are made of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawVersions {
    /// A glob of tags; `v*` unless said.
    #[serde(default)]
    pub tag: Option<String>,
    /// Globs of the paths that a version is made of; all of them unless said.
    #[serde(default)]
    pub paths: Option<Vec<String>>,
    /// The path of the changelog; without it, it is looked for at the top.
    #[serde(default)]
    pub changelog: Option<String>,
}
