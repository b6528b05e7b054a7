//! What somebody said of a check: a role its word, people their signatures, a machine its own.

use serde::{Deserialize, Serialize};

use super::TestFact;
use crate::evidence::junit::Verdict;
use crate::gate::request::CheckState;
use crate::gate::signoffs::Standing;
use crate::gate::terms::{Check, MachineName, Role};

/// A role's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Whose.
    pub role: Role,
    /// What the role adds to it.
    pub note: String,
}

/// Evidence with a machine's signature, as a request carries it: the exact text that was signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SignedEvidence {
    /// Who signed.
    pub machine: MachineName,
    /// The text of `evidence.json`.
    pub evidence: String,
    /// The armored signature.
    pub signature: String,
}

impl TestFact {
    /// A check of which a role said that it passed or failed.
    #[must_use]
    pub fn word(check: Check, title: String, passed: bool, word: Word) -> Self {
        let why = (!passed).then(|| word.note.clone());
        let (state, verdict) =
            if passed { (CheckState::Passed, Verdict::Pass) } else { (CheckState::Failed, Verdict::Fail) };
        let fact = Self::without(check, title, state, String::new());
        Self { verdict: Some(verdict), why, word: Some(word), ..fact }
    }

    /// A check as the sign-offs of the ledger have it; `missing` says what is missing where none counts.
    #[must_use]
    pub fn signed(check: Check, title: String, standing: &Standing<'_>, missing: String) -> Self {
        let fact = |state| Self::without(check, title, state, missing);
        match standing {
            Standing::Missing => fact(CheckState::Missing),
            Standing::Allowed(people) => Self {
                verdict: Some(Verdict::Pass),
                signed_off: people.iter().map(|said| said.by.clone()).collect(),
                reported_at: people.iter().map(|said| said.at).max(),
                why: None,
                ..fact(CheckState::Passed)
            },
            Standing::Denied(no) => Self {
                verdict: Some(Verdict::Fail),
                signed_off: vec![no.by.clone()],
                reported_at: Some(no.at),
                why: Some(no.signoff.reason.clone().unwrap_or_else(|| "no reason given".to_owned())),
                ..fact(CheckState::Failed)
            },
        }
    }

    /// What was said, where somebody said it.
    pub(super) fn said(&self) -> Option<String> {
        let passed = self.state == CheckState::Passed;
        if let Some(Word { role, note }) = &self.word {
            return Some(if passed { format!("{role} says: {note}") } else { format!("{role} says no") });
        }
        let people: Vec<&str> = self.signed_off.iter().map(|person| person.as_str()).collect();
        let verb = if passed { "signed" } else { "denied" };
        (!people.is_empty()).then(|| format!("{verb} by {}", people.join(", ")))
    }
}
