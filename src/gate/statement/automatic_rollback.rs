//! The rollback that an approval allows beforehand, and the statement by which a session begins it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Release;
use crate::gate::analysis::Trigger;
use crate::gate::terms::{Digest, Environment};

/// What an approval allows the session of its deployment to do by itself, on a trigger and once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackAuthority {
    /// What it goes back to.
    pub to: Release,
    /// After this moment the session does not begin it any more.
    pub until: DateTime<Utc>,
}

/// A session rolls its own deployment back. From then on it is a rollback like any other: it holds the environment, has
/// steps and an outcome, and is undone by nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomaticRollback {
    /// The execution's entry of the deployment that it undoes.
    pub execution: Digest,
    /// Where.
    pub environment: Environment,
    /// What becomes live again.
    #[serde(flatten)]
    pub release: Release,
    /// The limits that were exceeded, as the outcome of the deployment has them.
    pub triggers: Vec<Trigger>,
    /// The digest of the plan.
    pub plan: Digest,
    /// After this moment without an outcome the rollback is interrupted.
    pub lease_until: DateTime<Utc>,
}
