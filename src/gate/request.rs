//! What is asked: a request, pinned to the digests of everything a person will judge.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config::ActionKind;
pub use super::config::RiskLevel;
use super::emergency::Emergency;
use super::statement::{PayloadError, Release, RequestRef, Root, SCHEMA, canonical};
use super::terms::{Check, CommitId, Digest, Environment, PersonName};

/// How soon it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// In its turn.
    Routine,
    /// Soon.
    Urgent,
    /// Now.
    Emergency,
}

impl Urgency {
    /// The workflow document's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Routine => "Routine",
            Self::Urgent => "Urgent",
            Self::Emergency => "Emergency",
        }
    }
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// A role, a person of the policy, or what git says of the user.
    pub name: String,
    /// The person of the policy, where the name is one.
    pub person: Option<PersonName>,
    /// How the name is known: it is a claim, and only ever tightens.
    pub known_by: String,
}

/// The words of the request, as they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What is being deployed.
    pub summary: String,
    /// How soon.
    pub urgency: Urgency,
    /// How much can go wrong.
    pub risk: RiskLevel,
    /// What a failure would mean.
    pub impact: String,
    /// What lowers the risk.
    pub mitigation: String,
    /// When, best.
    pub preferred: Option<String>,
    /// When, else.
    pub alternative: Option<String>,
    /// When not.
    pub blackouts: Vec<String>,
    /// How long to watch, in minutes.
    pub monitor: u64,
}

/// What is known of one check for the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// Evidence says that it passed.
    Passed,
    /// Evidence says that it failed.
    Failed,
    /// There is no evidence.
    Missing,
    /// The evidence is older than the commit, or of another commit.
    Stale,
    /// The evidence cannot be read, or says two things.
    Unreadable,
    /// It does not apply: no changed path matches.
    NotNeeded,
}

/// An open box: something that no fact answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBox {
    /// Stable, such as `tests.unit`.
    pub key: String,
    /// The words on the checklist.
    pub item: String,
    /// Why it is open.
    pub why: String,
}

/// Counts for the review screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Commits of the range.
    pub commits: u64,
    /// People who wrote them.
    pub authors: u64,
    /// Files that differ.
    pub files: u64,
    /// Migrations among them.
    pub migrations: u64,
    /// Migrations that are not known to be reversible, and changed SQL that is in no tool's place.
    pub irreversible: u64,
    /// New direct dependencies.
    pub dependencies: u64,
    /// Commits that declare a breaking change.
    pub breaking: u64,
    /// Commits of the type `feat` (Conventional Commits) that are not taken back.
    pub features: u64,
    /// Commits of the type `fix`, and commits that take others back, that are not taken back themselves.
    pub fixes: u64,
}

/// A request: `request.json`. Its digest is what people sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`SCHEMA`].
    pub schema: String,
    /// The trust root of the ledger it is for.
    pub repository: Root,
    /// When it was drafted.
    pub at: DateTime<Utc>,
    /// After this moment it is not decided any more.
    pub decide_by: DateTime<Utc>,
    /// What is asked.
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
    /// What is live, and what a rollback goes back to.
    pub previous_release: Option<Release>,
    /// Whether a production deployment in the ledger says so, or the request.
    pub previous_recorded: bool,
    /// The commit from which the changes are counted, none for all of history.
    pub since: Option<CommitId>,
    /// The digest of `checklist.md`.
    pub checklist: Digest,
    /// The digest of `evidence.json`.
    pub evidence: Digest,
    /// Who asks.
    pub requested_by: Requester,
    /// The words of the request.
    #[serde(flatten)]
    pub asked: Asked,
    /// How much changes.
    pub extent: Extent,
    /// People of the policy who wrote a commit of the range.
    pub authors: Vec<PersonName>,
    /// Commits that are live and that the candidate lacks.
    pub behind: Vec<CommitId>,
    /// The checks, by what is known.
    pub checks: BTreeMap<Check, CheckState>,
    /// Every open box of the checklist.
    pub open: Vec<OpenBox>,
    /// Which of the environment's extra approval rules the change matches, by their place from 0.
    pub approval_rules: Vec<u32>,
    /// The emergency, where it is one: a person declares it by approving.
    pub emergency: Option<Emergency>,
}

impl Request {
    /// Its bytes, in canonical JSON.
    ///
    /// # Errors
    /// The encoder's.
    pub fn bytes(&self) -> Result<Vec<u8>, PayloadError> {
        canonical(self)
    }

    /// Reads `request.json`.
    ///
    /// # Errors
    /// When it is not a request, or not in the bytes that [`Request::bytes`] would write.
    pub fn read(bytes: &[u8]) -> Result<Self, PayloadError> {
        let request: Self = serde_json::from_slice(bytes)
            .map_err(|error| PayloadError::Malformed { why: error.to_string() })?;
        if request.schema != SCHEMA {
            return Err(PayloadError::Schema { schema: request.schema.escape_debug().to_string() });
        }
        if request.bytes()? != bytes {
            return Err(PayloadError::NotCanonical);
        }
        Ok(request)
    }

    /// Its id: the version and seven digits of the digest of these bytes.
    #[must_use]
    pub fn reference(&self, bytes: &[u8]) -> RequestRef {
        RequestRef::of(&self.release.version, Digest::of(bytes))
    }
}
