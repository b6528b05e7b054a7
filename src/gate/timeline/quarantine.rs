//! Quarantine: what was rolled back does not come again, until it is taken back or a person releases it by signature.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Deployed, Signed, Timeline, Track};
use crate::gate::config::ActionKind;
use crate::gate::statement::{Release, Review};
use crate::gate::terms::{CommitId, Digest, PersonName};

/// So many digits name a commit or a rollback at the least.
pub const DIGITS_MIN: usize = 7;

/// Commits that were rolled back: those that came with one release and are not in the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// The execution of the rollback.
    pub rollback: Digest,
    /// The release that was rolled back.
    pub undone: Release,
    /// The release that it went back to: its commits are not in quarantine.
    pub back_to: Release,
    /// Who rolled back.
    pub by: PersonName,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in the words of every attempt: the last one is often only said to be one more.
    pub reason: Option<String>,
    /// Who released it, in order.
    pub released: Vec<Released>,
}

/// A person released commits from quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// Who signed.
    pub by: PersonName,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// The commit that a candidate must hold for it to count; none where it counts for all.
    pub fix: Option<CommitId>,
}

impl Quarantine {
    /// Whether these words name it: the version, or the first digits of the commit or of the rollback.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        let digits = |known: &str| name.len() >= DIGITS_MIN && known.starts_with(name);
        let rollback = self.rollback.to_string();
        self.undone.version.as_str() == name
            || digits(self.undone.commit.as_str())
            || digits(rollback.trim_start_matches("sha256:"))
    }
}

impl Track {
    /// The reasons of a rollback and of the attempts at it right before.
    fn why_undone(&self, rollback: &Deployed, undone: &Release) -> Option<String> {
        let others = self.deployments.iter().rev().filter(|known| known.execution != rollback.execution);
        let is_attempt = |known: &&Deployed| {
            known.start.action == ActionKind::Rollback
                && known.start.previous_release.as_ref() == Some(undone)
        };
        let mut attempts: Vec<&Deployed> = others.take_while(is_attempt).collect();
        attempts.reverse();
        attempts.push(rollback);
        let mut reasons: Vec<&str> =
            attempts.iter().filter_map(|attempt| attempt.start.reason.as_deref()).collect();
        reasons.dedup();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// A good rollback puts what it undid into quarantine.
    pub(super) fn quarantine(&mut self, rollback: &Deployed, undone: &Release, at: DateTime<Utc>) {
        let back_to = &rollback.start.release;
        if undone.commit == back_to.commit {
            return;
        }
        self.quarantined.push(Quarantine {
            rollback: rollback.execution,
            undone: undone.clone(),
            back_to: back_to.clone(),
            by: rollback.by.clone(),
            at,
            reason: self.why_undone(rollback, undone),
            released: Vec::new(),
        });
    }
}

impl Timeline {
    /// A person released what a rollback put into quarantine. It counts where any review would.
    pub(super) fn release(
        &mut self,
        review: Review,
        fix: Option<CommitId>,
        signed: &Signed,
    ) -> Result<(), String> {
        self.check_review(&review.execution, signed)?;
        let mut quarantined = self.tracks.values_mut().flat_map(|track| &mut track.quarantined);
        let quarantine = quarantined.find(|known| known.rollback == review.execution);
        let quarantine = quarantine.ok_or("it releases what is not in quarantine")?;
        let (by, at) = (signed.by.clone(), signed.at);
        quarantine.released.push(Released { by, at, reason: review.reason, fix });
        Ok(())
    }
}
