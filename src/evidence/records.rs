//! Evidence as it is recorded: what was found of which commit, whose signature covers it, and what of it is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::draft::{SignedEvidence, TestFact};
use super::junit::Verdict;
use super::migrations::PathChange;
use crate::gate::policy::{CheckRule, CheckSource, Policy};
use crate::gate::request::CheckState;
use crate::gate::scope::Scope;
use crate::gate::signoffs::{Signoffs, Standing};
use crate::gate::statement::{PayloadError, Root, SCHEMA, canonical};
use crate::gate::terms::{Check, CommitId, Digest, MachineName};
use crate::gate::timeline::Verify;

/// The namespace of a machine's signature: it is never one of a person's.
pub const NAMESPACE: &str = "deployctl-evidence";

/// What checks said of one commit: `evidence.json` of a line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// [`SCHEMA`].
    pub schema: String,
    /// The trust root of the ledger it is for.
    pub repository: Root,
    /// The commit that it is of.
    pub commit: CommitId,
    /// When it was recorded, by the clock of the machine that did.
    pub at: DateTime<Utc>,
    /// What was found.
    pub tests: Vec<TestFact>,
}

impl Evidence {
    /// Its bytes, in canonical JSON: what a machine signs.
    ///
    /// # Errors
    /// The encoder's.
    pub fn bytes(&self) -> Result<Vec<u8>, PayloadError> {
        canonical(self)
    }

    /// Reads `evidence.json`; `None` where it is none, or not in the bytes that [`Evidence::bytes`] would write.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let evidence: Self = serde_json::from_slice(bytes).ok()?;
        let own = evidence.schema == SCHEMA && evidence.bytes().is_ok_and(|own| own == bytes);
        own.then_some(evidence)
    }
}

/// Evidence as it was found, before anything is believed.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Who recorded it, as its line says.
    pub by: Option<String>,
    /// The bytes of `evidence.json`.
    pub bytes: Vec<u8>,
    /// Armored signatures, by the machine that each is said to be of.
    pub signatures: BTreeMap<MachineName, String>,
}

impl From<&SignedEvidence> for Recorded {
    fn from(signed: &SignedEvidence) -> Self {
        let SignedEvidence { machine, evidence, signature } = signed;
        let signatures = BTreeMap::from([(machine.clone(), signature.clone())]);
        Self { by: None, bytes: evidence.clone().into_bytes(), signatures }
    }
}

/// What evidence must be about to be believed.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The rules in force.
    pub policy: &'a Policy,
    /// The trust root.
    pub repository: Root,
    /// The commit.
    pub commit: &'a CommitId,
    /// When that was committed, in seconds since 1970.
    pub committed: i64,
    /// The latest moment that is not in the future.
    pub latest: DateTime<Utc>,
    /// Checks a signature.
    pub verify: Verify,
}

/// The newest evidence of each check.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    facts: BTreeMap<Check, TestFact>,
    signed: BTreeMap<Check, SignedEvidence>,
    unsigned: BTreeSet<Check>,
    unread: Option<String>,
}

impl Gathered {
    /// Takes what is about the commit, of no moment that cannot be, and signed where the policy in force asks for it.
    pub fn take(&mut self, about: &About<'_>, recorded: &Recorded) {
        let Some(evidence) = Evidence::read(&recorded.bytes) else { return };
        if &evidence.commit != about.commit || evidence.repository != about.repository {
            return;
        }
        let signers = signers(about, recorded);
        for mut test in evidence.tests {
            let Some(rule) = about.policy.checks.get(&test.check) else { continue };
            let in_time = |at: &DateTime<Utc>| *at <= about.latest && at.timestamp() >= about.committed;
            let Some(at) = test.reported_at.filter(in_time) else { continue };
            let machine = match &rule.signed_by {
                None => signers.first(),
                Some(names) => signers.intersection(names).next(),
            };
            if rule.signed_by.is_some() && machine.is_none() {
                self.unsigned.insert(test.check);
                continue;
            }
            // The place of a line says little: lines wait in a clone. Of one moment, what was written later counts.
            if self.facts.get(&test.check).is_some_and(|known| known.reported_at >= Some(at)) {
                continue;
            }
            if let Some(signed) = machine.and_then(|machine| as_signed(machine, recorded)) {
                self.signed.insert(test.check.clone(), signed);
            }
            test.recorded_by.clone_from(&recorded.by);
            test.signed_by = machine.cloned();
            self.facts.insert(test.check.clone(), test);
        }
    }

    /// Says that there is more than was read: a newer failure may be in it, so no signature counts.
    pub fn leave_unread(&mut self, why: String) {
        self.unread = Some(why);
    }

    /// Why the evidence of a check that a machine must have signed does not count at all, if it does not.
    #[must_use]
    pub fn unread(&self, rule: &CheckRule) -> Option<&str> {
        self.unread.as_deref().filter(|_| rule.signed_by.is_some())
    }

    /// What is known of a check, where it came from what the policy names now.
    #[must_use]
    pub fn fact(&self, check: &Check, rule: &CheckRule) -> Option<TestFact> {
        if self.unread(rule).is_some() {
            return None;
        }
        let fact = self.facts.get(check).filter(|fact| fits(fact, &rule.source))?;
        Some(TestFact { title: rule.title.clone(), ..fact.clone() })
    }

    /// Whether evidence of a check was passed over because no machine that the policy names has signed it.
    #[must_use]
    pub fn has_unsigned(&self, check: &Check) -> bool {
        self.unsigned.contains(check)
    }

    /// The evidence behind the checks that a machine must have signed, each once.
    #[must_use]
    pub fn signed(&self, policy: &Policy) -> Vec<SignedEvidence> {
        let asked = |check: &Check| policy.checks.get(check).is_some_and(|rule| rule.signed_by.is_some());
        let kept: BTreeSet<&SignedEvidence> =
            self.signed.iter().filter(|(check, _)| asked(check)).map(|(_, signed)| signed).collect();
        kept.into_iter().cloned().collect()
    }
}

/// The machines of the policy in force whose signature holds.
fn signers(about: &About<'_>, recorded: &Recorded) -> BTreeSet<MachineName> {
    let holds = |(machine, armored): &(&MachineName, &String)| {
        let keys = about.policy.machines.get(*machine).map(Vec::as_slice).unwrap_or_default();
        keys.iter().any(|key| (about.verify)(key, NAMESPACE, &recorded.bytes, armored).is_ok())
    };
    recorded.signatures.iter().filter(holds).map(|(machine, _)| machine.clone()).collect()
}

fn as_signed(machine: &MachineName, recorded: &Recorded) -> Option<SignedEvidence> {
    Some(SignedEvidence {
        machine: machine.clone(),
        evidence: String::from_utf8(recorded.bytes.clone()).ok()?,
        signature: recorded.signatures.get(machine)?.clone(),
    })
}

/// Whether a recorded fact came from what the policy names now: evidence of another command, or the word of another
/// role, proves nothing.
#[must_use]
pub fn fits(fact: &TestFact, source: &CheckSource) -> bool {
    let agrees = match fact.state {
        CheckState::Passed => fact.verdict == Some(Verdict::Pass),
        CheckState::Failed | CheckState::Unreadable => fact.verdict != Some(Verdict::Pass),
        CheckState::Missing | CheckState::Stale | CheckState::NotNeeded => false,
    };
    let word = fact.word.as_ref().map(|word| &word.role);
    agrees
        && fact.passed <= fact.total
        && fact.signed_off.is_empty()
        && match source {
            CheckSource::Junit(globs) | CheckSource::Tap(globs) => {
                word.is_none() && fact.command.is_empty() && &fact.globs == globs
            }
            CheckSource::Run(command, _) => word.is_none() && &fact.command == command,
            CheckSource::Role(role) => word == Some(role) && fact.command.is_empty() && fact.globs.is_empty(),
            // What people signed is in the ledger, and nowhere else.
            CheckSource::Signoff(_) => false,
        }
}

/// Of what lies here and what was recorded, the younger; what lies here and proves nothing is no rival.
#[must_use]
pub fn newest(here: TestFact, recorded: Option<TestFact>) -> TestFact {
    let Some(recorded) = recorded else { return here };
    let speaks = matches!(here.state, CheckState::Passed | CheckState::Failed | CheckState::Unreadable);
    if speaks && here.reported_at >= recorded.reported_at { here } else { recorded }
}

/// What a request's claims about checks are held against.
pub struct Grounds<'a> {
    /// The rules in force.
    pub policy: &'a Policy,
    /// Every path that differs from what is live.
    pub paths: &'a [PathChange],
    /// The commit.
    pub commit: &'a CommitId,
    /// From when to when a pass of it can have been reported, in seconds since 1970: not before it was committed, and not
    /// after it was requested.
    pub reported: RangeInclusive<i64>,
    /// The sign-offs of the verified ledger, and the digest of the commit's tree listing.
    pub signoffs: Option<(&'a Signoffs, Digest)>,
    /// The evidence that machines signed, the request's own and what the journal has.
    pub signed: &'a Gathered,
}

/// Takes back what a pinned fact claims and git, the ledger, a signature or the policy denies: that no changed path
/// needs it, that it came from what the policy names, that it is younger than the commit, that it was signed.
pub fn doubt(fact: &mut TestFact, grounds: &Grounds<'_>) {
    let rule = grounds.policy.checks.get(&fact.check);
    let holds = match fact.state {
        CheckState::NotNeeded => rule.is_some_and(|rule| !is_needed(rule, grounds.paths)),
        CheckState::Passed => rule.is_some_and(|rule| passes(fact, rule, grounds)),
        CheckState::Failed | CheckState::Missing | CheckState::Stale | CheckState::Unreadable => true,
    };
    if !holds {
        fact.state = CheckState::Missing;
        let why = rule.and_then(|rule| grounds.signed.unread(rule));
        let why = why.unwrap_or("the request claims what this repository and the policy do not show");
        fact.why = Some(why.to_owned());
    }
}

/// Whether a changed path needs the check. Where a file was moved from counts like where it went.
#[must_use]
pub fn is_needed(rule: &CheckRule, paths: &[PathChange]) -> bool {
    let matches = |scope: &Scope| {
        let touched = |change: &PathChange| {
            scope.holds(&change.path) || change.from.as_ref().is_some_and(|from| scope.holds(from))
        };
        paths.iter().any(touched)
    };
    rule.when_changed.as_ref().is_none_or(matches)
}

fn passes(fact: &TestFact, rule: &CheckRule, grounds: &Grounds<'_>) -> bool {
    let Grounds { policy, commit, .. } = grounds;
    if matches!(rule.source, CheckSource::Signoff(_)) {
        return grounds.signoffs.as_ref().is_some_and(|(signoffs, tree)| {
            matches!(signoffs.standing(policy, &fact.check, commit, tree), Standing::Allowed(_))
        });
    }
    let signed = || grounds.signed.fact(&fact.check, rule);
    fact.reported_at.is_some_and(|at| grounds.reported.contains(&at.timestamp()))
        && fits(fact, &rule.source)
        && (rule.signed_by.is_none() || signed().is_some_and(|fact| fact.state == CheckState::Passed))
}

#[cfg(test)]
mod tests;
