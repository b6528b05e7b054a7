//! Sign-offs: what people signed about a check of one commit, and what that comes to under the rules in force.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config::PresenceLevel;
use super::keys::Proof;
use super::policy::{CheckSource, Policy};
use super::presence::Presence;
use super::request::{OpenBox, Request};
use super::statement::Verdict;
use super::terms::{Check, CommitId, Digest, Group, PersonName};

/// A person's verdict on a check of one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signoff {
    /// The check.
    pub check: Check,
    /// The check's words, as the policy in force had them.
    pub title: String,
    /// The group whose signature it is, as the policy in force had it.
    pub group: Group,
    /// The commit that was looked at.
    pub commit: CommitId,
    /// The digest of the commit's tree listing.
    pub tree: Digest,
    /// Yes or no; a sign-off is never held.
    pub verdict: Verdict,
    /// Why, where the person said so.
    pub reason: Option<String>,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// The digest of the screen that was shown.
    pub screen: Digest,
    /// How the signer was there.
    pub presence: Presence,
    /// Makes two sign-offs different.
    pub nonce: String,
}

/// A sign-off of the ledger.
#[derive(Clone, Debug)]
pub struct SignedOff {
    /// The digest of the entry's payload.
    pub entry: Digest,
    /// The git commit that holds it.
    pub commit: CommitId,
    /// Who signed.
    pub by: PersonName,
    /// When.
    pub at: DateTime<Utc>,
    /// What the signature proves.
    pub proof: Proof,
    /// What it covers.
    pub signoff: Signoff,
}

/// Every sign-off of the ledger that counts: of one commit, check and person the newest no, or every yes after it.
#[derive(Clone, Debug, Default)]
pub struct Signoffs(BTreeMap<(CommitId, Check), BTreeMap<PersonName, Vec<SignedOff>>>);

/// What the sign-offs of a check come to for one commit.
#[derive(Clone, Debug)]
pub enum Standing<'a> {
    /// Nobody whose signature counts has signed.
    Missing,
    /// These said yes and nobody said no, in the order of their names; never empty.
    Allowed(Vec<&'a SignedOff>),
    /// A person of the group said no.
    Denied(&'a SignedOff),
}

impl Signoffs {
    /// Takes one more. A no ends what the same person said before, and a yes ends that person's no; a yes beside a yes
    /// takes nothing away, also where it was signed with a weaker key.
    ///
    /// # Errors
    /// When its verdict is none that a sign-off can have: then it changes nothing.
    pub(super) fn take(&mut self, said: SignedOff) -> Result<(), String> {
        if said.signoff.verdict == Verdict::Hold {
            return Err("a sign-off says yes or no, and this one says neither".to_owned());
        }
        let about = (said.signoff.commit.clone(), said.signoff.check.clone());
        let before = self.0.entry(about).or_default().entry(said.by.clone()).or_default();
        before.retain(|known| {
            known.signoff.verdict == said.signoff.verdict && said.signoff.verdict == Verdict::Allow
        });
        before.push(said);
        Ok(())
    }

    /// What they come to for a check of exactly this commit and tree: somebody of the group says yes, to the check as the
    /// policy in force words it, with a key that is still theirs and the presence that it asks for, and nobody of the group
    /// says no. A no stands whatever became of its key and the check's words: nothing else than its person ends it.
    #[must_use]
    pub fn standing(&self, policy: &Policy, check: &Check, commit: &CommitId, tree: &Digest) -> Standing<'_> {
        let Some((rule, group)) = policy.checks.get(check).zip(group(policy, check)) else {
            return Standing::Missing;
        };
        let said = self.0.get(&(commit.clone(), check.clone()));
        let people = said.into_iter().flatten().filter(|(person, _)| is_member(policy, person, group));
        let members: Vec<&Vec<SignedOff>> = people.map(|(_, said)| said).collect();
        let no = |said: &&SignedOff| said.signoff.verdict == Verdict::Deny;
        if let Some(no) = members.iter().copied().flatten().find(no) {
            return Standing::Denied(no);
        }
        let least = presence(policy, check).0;
        let counts = |said: &&SignedOff| {
            let Signoff { verdict, tree: seen, title, group: asked, .. } = &said.signoff;
            let same = seen == tree && title == &rule.title && asked == group;
            *verdict == Verdict::Allow && same && said.proof.shows(least) && has_key(policy, said)
        };
        let allowed: Vec<&SignedOff> =
            members.into_iter().filter_map(|said| said.iter().rev().find(counts)).collect();
        if allowed.is_empty() { Standing::Missing } else { Standing::Allowed(allowed) }
    }

    /// What a person signed that says the same as another signature of theirs would: of the same commit and tree, the check
    /// as the policy in force words it, the same verdict with the same reason, and a yes with the presence and a key that count.
    #[must_use]
    pub fn said_before(&self, policy: &Policy, person: &PersonName, new: &Signoff) -> Option<&SignedOff> {
        let said = self.0.get(&(new.commit.clone(), new.check.clone()))?.get(person)?;
        let least = presence(policy, &new.check).0;
        let about =
            |it: &Signoff| (it.tree, it.title.clone(), it.group.clone(), it.verdict, it.reason.clone());
        said.iter().rev().find(|known| {
            let counts = known.proof.shows(least) && has_key(policy, known);
            about(&known.signoff) == about(new) && (counts || new.verdict == Verdict::Deny)
        })
    }

    /// Lets go of those of each commit and check of which none was signed since a moment. They stay together, so that a
    /// no never goes where a yes stays.
    pub(super) fn settle(&mut self, since: DateTime<Utc>) {
        self.0.retain(|_, said| said.values().flatten().any(|said| said.at >= since));
    }

    /// Each, in the order of commits, checks and people, and a person's own in the order in which they were signed.
    pub(super) fn iter(&self) -> impl Iterator<Item = &SignedOff> {
        self.0.values().flat_map(BTreeMap::values).flatten()
    }
}

/// The group whose signature a check is, if it is one.
#[must_use]
pub fn group<'a>(policy: &'a Policy, check: &Check) -> Option<&'a Group> {
    match &policy.checks.get(check)?.source {
        CheckSource::Signoff(group) => Some(group),
        _ => None,
    }
}

/// The sign-offs that answer an open box of a request: people of the group said yes to its check, also after the request
/// was made, and none of them said no.
#[must_use]
pub fn answers<'a>(
    policy: &Policy,
    signoffs: &'a Signoffs,
    request: &Request,
    open: &OpenBox,
) -> Option<Vec<&'a SignedOff>> {
    match standing_of(policy, signoffs, request, open)? {
        Standing::Allowed(people) => Some(people),
        Standing::Missing | Standing::Denied(_) => None,
    }
}

/// What people of the group signed about the check of an open box, if it is one of a check.
#[must_use]
pub fn standing_of<'a>(
    policy: &Policy,
    signoffs: &'a Signoffs,
    request: &Request,
    open: &OpenBox,
) -> Option<Standing<'a>> {
    let check: Check = open.key.strip_prefix("tests.")?.parse().ok()?;
    Some(signoffs.standing(policy, &check, &request.release.commit, &request.tree))
}

/// Whether a person of the policy is in a group.
#[must_use]
pub fn is_member(policy: &Policy, person: &PersonName, group: &Group) -> bool {
    policy.people.get(person).is_some_and(|person| person.groups.contains(group))
}

/// Whether the key that signed is still its person's.
fn has_key(policy: &Policy, said: &SignedOff) -> bool {
    let mut keys = policy.people.get(&said.by).into_iter().flat_map(|person| &person.keys);
    keys.any(|key| key.fingerprint() == said.proof.fingerprint)
}

/// The least presence of a sign-off: the strictest that an environment asks for which people deploy and which requires
/// a stage with the check; with the path of the rule that says so.
#[must_use]
pub fn presence(policy: &Policy, check: &Check) -> (PresenceLevel, String) {
    let holds = |stage| policy.stage(stage).is_some_and(|stage| stage.checks.contains(check));
    let asked = policy.environments.iter().filter(|(_, rule)| rule.requires.iter().any(holds));
    let levels = asked.filter_map(|(name, rule)| Some((rule.approvals.as_ref()?.presence, name)));
    levels.max_by_key(|(level, _)| *level).map_or_else(
        || (PresenceLevel::Passphrase, format!("checks.{check}.signoff")),
        |(level, name)| (level, format!("environments.{name}.approvals.presence")),
    )
}

#[cfg(test)]
mod tests;
