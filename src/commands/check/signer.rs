//! A machine that signs evidence with its own key.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::commands::candidate::checks;
use crate::commands::gather::verify;
use crate::evidence::draft::{SignedEvidence, TestFact};
use crate::evidence::records::{Evidence, NAMESPACE};
use crate::gate::policy::{CheckRule, Policy};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::CheckState;
use crate::gate::terms::{Check, MachineName};
use crate::world::signer::{self, SigningKey};

/// A machine of the policy, with its key.
pub(super) struct Signer {
    /// Its name in the policy.
    pub(super) machine: MachineName,
    key: SigningKey,
}

impl Signer {
    /// The machine whose key was named; none where none was. A machine holds its key, so it may lie in clear.
    ///
    /// # Errors
    /// When the file is no key that can sign.
    pub(super) fn find(policy: &Policy, named: Option<&Path>) -> Result<Result<Option<Self>, Reason>> {
        let Some(path) = named else { return Ok(Ok(None)) };
        let key = signer::open_of_machine(path)?;
        Ok(match policy.machine_of(&key.public).cloned() {
            Some(machine) => Ok(Some(Self { machine, key })),
            None => {
                let print = key.public.fingerprint();
                let what =
                    format!("the key `{}` ({print}) belongs to no machine of the policy", path.display());
                let reason = Reason::new(Code::KeyUnknown, what).next(
                    "name the key of a machine with `--key FILE`, or have it added to `machines` and signed",
                );
                Err(Reason { policy: Some("machines".to_owned()), ..reason })
            }
        })
    }

    /// What is known of a check that this signature would not make count: it is not run for nothing.
    pub(super) fn lacking(signer: Option<&Self>, check: &Check, rule: &CheckRule) -> Option<TestFact> {
        let names = rule.signed_by.as_ref()?;
        if signer.is_some_and(|signer| names.contains(&signer.machine)) {
            return None;
        }
        let why = format!(
            "it counts only when {} signs it: name that machine's key with `--key FILE`",
            checks::signers(rule)
        );
        Some(TestFact::without(check.clone(), rule.title.clone(), CheckState::Missing, why))
    }

    /// Signs the bytes of evidence, and checks the signature before it is believed.
    ///
    /// # Errors
    /// When there is no signature, or it does not verify.
    pub(super) fn sign(&self, evidence: &Evidence) -> Result<SignedEvidence> {
        let bytes = evidence.bytes()?;
        let signature = signer::sign(&self.key, NAMESPACE, &bytes)?;
        verify(&self.key.public, NAMESPACE, &bytes, &signature)
            .map_err(anyhow::Error::msg)
            .context("the signature that `ssh-keygen` made does not verify: nothing was recorded")?;
        Ok(SignedEvidence { machine: self.machine.clone(), evidence: String::from_utf8(bytes)?, signature })
    }
}
