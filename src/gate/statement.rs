//! What people sign: the payload of every ledger entry, in canonical JSON.
//!
//! The bytes that were signed are kept and hashed as they are. [`Payload::read`] accepts only bytes that it
//! would write itself, so an unknown, doubled or reordered key is refused.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use automatic_rollback::{AutomaticRollback, RollbackAuthority};
pub use canonical::canonical;

use super::analysis::{Doubt, Seen, Trigger};
use super::config::{ActionKind, Separation};
use super::emergency::{Declaration, EmergencyClock};
use super::keys::PublicKey;
use super::presence::Presence;
use super::signoffs::Signoff;
use super::terms::{CommitId, Digest, Environment, PersonName, TermError, Version};

/// The format of every record and of every JSON document.
pub const SCHEMA: &str = "deployctl/1";

/// The trust root: the digest of the first policy payload, written as OpenSSH writes fingerprints.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Root([u8; 32]);

impl Root {
    /// The root that a founding payload makes.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        Self(*Digest::of(payload).bytes())
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Root {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        text.strip_prefix("SHA256:")
            .and_then(|base64| STANDARD_NO_PAD.decode(base64).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| TermError {
                noun: "trust root",
                text: text.escape_debug().to_string(),
                rule: "`SHA256:` and 43 characters of base64",
            })
    }
}

impl TryFrom<String> for Root {
    type Error = TermError;

    fn try_from(text: String) -> Result<Self, TermError> {
        text.parse()
    }
}

impl From<Root> for String {
    fn from(root: Root) -> Self {
        root.to_string()
    }
}

/// One ledger entry's signed content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// [`SCHEMA`].
    pub schema: String,
    /// 1 for the founding policy, then exactly one more.
    pub sequence: u64,
    /// The digest of the entry before, none for the first.
    pub previous: Option<Digest>,
    /// The trust root, none for the first entry, which makes it.
    pub repository: Option<Root>,
    /// When it was signed, by the signer's clock.
    pub at: DateTime<Utc>,
    /// The person who signed, or who started the session that did.
    pub by: PersonName,
    /// The digests of the other files of the entry, by name.
    pub attachments: BTreeMap<String, Digest>,
    /// What is said.
    #[serde(flatten)]
    pub statement: Statement,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Statement {
    /// New rules.
    Policy(PolicyStatement),
    /// A verdict on a request.
    Approval(Box<Approval>),
    /// An approval taken back.
    Revocation(Revocation),
    /// A production action starts.
    Execution(Box<Execution>),
    /// A step of it ended.
    Progress(Progress),
    /// It ended.
    Outcome(OutcomeStatement),
    /// The session of a deployment rolls it back, as its approvals allow.
    AutomaticRollback(Box<AutomaticRollback>),
    /// A person looked at a deployment afterwards: at what an interruption left, at an emergency, or at a rollback.
    Review(Review),
    /// A person's verdict on a check of one commit.
    Signoff(Box<Signoff>),
}

impl Statement {
    /// The signature namespace: a signature of one kind is never one of another.
    #[must_use]
    pub const fn namespace(&self) -> &'static str {
        match self {
            Self::Policy(_) => "deployctl-policy",
            Self::Approval(_) => "deployctl-approval",
            Self::Revocation(_) => "deployctl-revocation",
            Self::Execution(_) => "deployctl-execution",
            Self::Review(_) => "deployctl-review",
            Self::Signoff(_) => "deployctl-signoff",
            Self::Progress(_) | Self::Outcome(_) | Self::AutomaticRollback(_) => "deployctl-session",
        }
    }

    /// Whether a deployment's session key signs it instead of a person.
    #[must_use]
    pub const fn by_session(&self) -> bool {
        matches!(self, Self::Progress(_) | Self::Outcome(_) | Self::AutomaticRollback(_))
    }

    /// The word for it in listings.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Policy(_) => "policy",
            Self::Approval(_) => "approval",
            Self::Revocation(_) => "revocation",
            Self::Execution(_) => "execution",
            Self::Progress(_) => "progress",
            Self::Outcome(_) => "outcome",
            Self::AutomaticRollback(_) => "automatic rollback",
            Self::Review(_) => "review",
            Self::Signoff(_) => "sign-off",
        }
    }
}

/// A version at a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The version.
    pub version: Version,
    /// Its commit.
    pub commit: CommitId,
}

impl Release {
    /// What names it to `deploy` where machines deploy: a version without a tag is the commit's own digits.
    #[must_use]
    pub fn argument(&self) -> String {
        if self.version.as_str() == self.commit.short() {
            format!("--commit {}", self.commit)
        } else {
            self.version.to_string()
        }
    }
}

/// A request, pinned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestRef {
    /// The version and the first seven digits of the digest.
    pub id: String,
    /// The digest of `request.json`.
    pub digest: Digest,
}

impl RequestRef {
    /// What names a request of this version: the version and seven digits of the digest.
    #[must_use]
    pub fn of(version: &Version, digest: Digest) -> Self {
        Self { id: format!("{version}-{}", digest.short()), digest }
    }
}

/// New rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStatement {
    /// 1, then exactly one more for each policy that came into force.
    pub version: u64,
    /// The digest of the `deployctl.yaml` in force before.
    pub replaces: Option<Digest>,
    /// The digest of `deployctl.yaml` and its templates, which are attached.
    pub config: Digest,
    /// The git remote the records travel through; none where they stay in one clone.
    pub remote: Option<String>,
    /// The digest of the screen that was shown.
    pub screen: Digest,
    /// How the signer was there.
    pub presence: Presence,
}

/// What a person says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Yes.
    Allow,
    /// No, and that is final for the request.
    Deny,
    /// Not now.
    Hold,
}

/// A verdict on a request, with everything it covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Yes, no or not now.
    pub verdict: Verdict,
    /// What may be done.
    pub action: ActionKind,
    /// Where.
    pub environment: Environment,
    /// What becomes live.
    #[serde(flatten)]
    pub release: Release,
    /// The digest of the commit's tree listing.
    pub tree: Digest,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// The request.
    pub request: RequestRef,
    /// The digest of `checklist.md`.
    pub checklist: Digest,
    /// The digest of `evidence.json`.
    pub evidence: Digest,
    /// For how many minutes it is watched afterwards, as the request asks: so long the environment may be held.
    pub monitor: u64,
    /// What was live, and what a rollback goes back to.
    pub previous_release: Option<Release>,
    /// What the session may do by itself on a trigger; none where a trigger asks.
    pub on_trigger: Option<RollbackAuthority>,
    /// Keys of the open boxes that the person answered for.
    pub confirmed: Vec<String>,
    /// Separations that the policy waives.
    pub waived: Vec<Separation>,
    /// Which of the environment's extra approval rules the change matches, by their place from 0.
    pub approval_rules: Vec<u32>,
    /// The emergency that the person declares with it, where it is one.
    pub emergency: Option<Declaration>,
    /// Why, where the person said so.
    pub reason: Option<String>,
    /// After this moment the request is not decided any more.
    pub decide_by: DateTime<Utc>,
    /// After this moment the approval cannot be executed.
    pub execute_by: DateTime<Utc>,
    /// The ledger's tip that the person saw.
    pub ledger_tip: CommitId,
    /// Makes two approvals of one request different.
    pub nonce: String,
    /// The digest of the screen that was shown.
    pub screen: Digest,
    /// How sure it is that a person was there, `L0` to `L3`.
    pub assurance: String,
    /// How the signer was there.
    pub presence: Presence,
}

/// An approval taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The request whose approvals end.
    pub request: RequestRef,
    /// Where.
    pub environment: Environment,
    /// Why.
    pub reason: String,
    /// How the signer was there.
    pub presence: Presence,
}

/// A production action starts. Without an outcome it is the lock of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// What is done.
    pub action: ActionKind,
    /// Where.
    pub environment: Environment,
    /// What becomes live.
    #[serde(flatten)]
    pub release: Release,
    /// What was live.
    pub previous_release: Option<Release>,
    /// The request that was approved.
    pub request: RequestRef,
    /// The entries of the approvals that are consumed.
    pub approvals: Vec<Digest>,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// The digest of the plan that was shown.
    pub plan: Digest,
    /// The public half of the key that signs what follows.
    pub session_key: PublicKey,
    /// After this moment without an outcome the deployment is interrupted.
    pub lease_until: DateTime<Utc>,
    /// The clock of the emergency, where it is one.
    pub emergency: Option<EmergencyClock>,
    /// Why, for a rollback.
    pub reason: Option<String>,
    /// Makes two executions different.
    pub nonce: String,
    /// The digest of the screen that was shown.
    pub screen: Digest,
    /// How the signer was there.
    pub presence: Presence,
}

/// A step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The execution's entry.
    pub execution: Digest,
    /// The step.
    #[serde(flatten)]
    pub step: StepResult,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// Its name.
    pub step: String,
    /// How it ended.
    pub result: StepEnd,
    /// Its exit status, where it had one.
    pub exit: Option<i32>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// The digest of everything it wrote.
    pub log: Digest,
}

impl StepResult {
    /// Whether anything of it ran.
    #[must_use]
    pub const fn began(&self) -> bool {
        match self.result {
            StepEnd::NotStarted | StepEnd::WindowClosed => false,
            StepEnd::LeaseOver => self.milliseconds > 0,
            StepEnd::Succeeded | StepEnd::Failed | StepEnd::TimedOut | StepEnd::Interrupted => true,
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    /// Exit status zero.
    Succeeded,
    /// Another exit status, or a signal.
    Failed,
    /// It took longer than it may, and was ended.
    TimedOut,
    /// A person or a signal ended it.
    Interrupted,
    /// It could not be started.
    NotStarted,
    /// Its window closed before it began.
    WindowClosed,
    /// The time of the deployment was over: it was ended, or not begun.
    LeaseOver,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every step succeeded.
    Succeeded,
    /// A step failed: what runs now may be half of it.
    Failed,
    /// A signal ended it: what runs now may be half of it.
    Interrupted,
}

/// The end of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeStatement {
    /// The execution's entry.
    pub execution: Digest,
    /// How it ended.
    pub ending: Ending,
    /// The step at which it ended badly; `watch` where that was the watch after them.
    pub failed_step: Option<String>,
    /// What the watch after the steps saw, where there was one; its samples are in the attached `health.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
}

/// What a watch saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// How it ended.
    pub verdict: WatchedAs,
    /// How often everything was measured.
    pub rounds: u64,
    /// What was seen of each signal.
    pub signals: Vec<Seen>,
    /// The limits that were exceeded, in their order.
    pub triggers: Vec<Trigger>,
    /// What cannot be called healthy.
    pub doubts: Vec<Doubt>,
}

impl Watched {
    /// What it says of the version, after "it is" or alone. It may hold what a server said.
    #[must_use]
    pub fn words(&self) -> String {
        let sentences: Vec<&str> = self.triggers.iter().map(|trigger| trigger.sentence.as_str()).collect();
        let doubts: Vec<String> =
            self.doubts.iter().map(|doubt| format!("`{}` {}", doubt.signal, doubt.why)).collect();
        match self.verdict {
            WatchedAs::Healthy => "healthy".to_owned(),
            WatchedAs::Triggered => format!("not healthy: {}", sentences.join("; ")),
            WatchedAs::Unknown => format!("healthy or not, nobody can say: {}", doubts.join("; ")),
            WatchedAs::Interrupted => "healthy or not, the watch was ended before its time".to_owned(),
            WatchedAs::LeaseOver => {
                "healthy or not, the time of the deployment was over before that of its watch".to_owned()
            }
        }
    }
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchedAs {
    /// Everything that can be judged was as it should be.
    Healthy,
    /// A limit was exceeded.
    Triggered,
    /// It cannot be said.
    Unknown,
    /// It was ended before its time.
    Interrupted,
    /// The time of the deployment was over before that of the watch.
    LeaseOver,
}

impl WatchedAs {
    /// What the end of a watch makes of the action.
    #[must_use]
    pub const fn ending(self) -> Ending {
        match self {
            Self::Healthy => Ending::Succeeded,
            Self::Interrupted => Ending::Interrupted,
            Self::Triggered | Self::Unknown | Self::LeaseOver => Ending::Failed,
        }
    }
}

/// The name of a watch's samples among the attachments.
pub const HEALTH: &str = "health.json";

/// What stands for the watch among the steps at which a deployment can fail.
pub const WATCH: &str = "watch";

/// What stands for writing the approved files, before the first step.
pub const EXPORT: &str = "export";

/// What stands for measuring how things stand, before the first step.
pub const BASELINE: &str = "baseline";

/// A person looked at a deployment afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The execution's entry.
    pub execution: Digest,
    /// What it is about.
    #[serde(flatten)]
    pub finding: Finding,
    /// What the person found.
    pub reason: String,
    /// How the signer was there.
    pub presence: Presence,
}

/// What a review is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Finding {
    /// A deployment never said how it ended: what runs now.
    Interruption {
        /// How it ended, after looking.
        ending: Ending,
    },
    /// An emergency: its report, which is attached.
    Incident {
        /// The digest of `report.md`.
        report: Digest,
    },
    /// A rollback: its report, which is attached.
    Rollback {
        /// The digest of `report.md`.
        report: Digest,
    },
    /// A rollback: what it put into quarantine may be deployed again.
    Release {
        /// The commit that a candidate must hold for it; none where any may be deployed.
        fix: Option<CommitId>,
    },
}

/// The name of a report among the attachments.
pub const REPORT: &str = "report.md";

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Not JSON of this shape.
    #[error("the payload is not a deployctl statement: {why}")]
    Malformed {
        /// What the reader said.
        why: String,
    },
    /// Another format.
    #[error("the payload has the schema `{schema}`, and this version reads `{SCHEMA}`")]
    Schema {
        /// The format it names.
        schema: String,
    },
    /// The same meaning in other bytes.
    #[error("the payload is not canonical JSON, or has keys that this version does not know")]
    NotCanonical,
}

impl Payload {
    /// Reads the exact bytes that were signed.
    ///
    /// # Errors
    /// When they are not what [`Payload::bytes`] would write.
    pub fn read(bytes: &[u8]) -> Result<Self, PayloadError> {
        let payload: Self = serde_json::from_slice(bytes)
            .map_err(|error| PayloadError::Malformed { why: error.to_string() })?;
        if payload.schema != SCHEMA {
            return Err(PayloadError::Schema { schema: payload.schema.escape_debug().to_string() });
        }
        if payload.bytes()? != bytes {
            return Err(PayloadError::NotCanonical);
        }
        Ok(payload)
    }

    /// The bytes to sign: canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// Never for a payload made of the types here; the encoder's own error otherwise.
    pub fn bytes(&self) -> Result<Vec<u8>, PayloadError> {
        canonical(self)
    }
}

mod automatic_rollback;
mod canonical;
#[cfg(test)]
mod tests;
