//! Who may say something about a check: a role its word, a person of a group a signature.

use chrono::{DateTime, Utc};

use super::words::presence_words;
use super::{Covered, Judge};
use crate::gate::facts::Target;
use crate::gate::keys::Proof;
use crate::gate::policy::{CheckSource, Policy, nearest};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::{OpenBox, Request};
use crate::gate::signoffs::{self, Standing};
use crate::gate::terms::{Check, CommitId, PersonName, Stage};
use crate::gate::timeline::Timeline;

impl Judge<'_> {
    /// A role's word is given by that role alone, and only within its rights.
    pub(super) fn word(&mut self, check: &Check) -> Option<Covered> {
        let policy = self.policy?;
        let Some(CheckSource::Role(role)) = policy.checks.get(check).map(|rule| &rule.source) else {
            let what = format!("`{check}` is no role's word: it is known by {}", known_by(policy, check));
            self.refuse(at(Reason::new(Code::RoleForbidden, what), format!("checks.{check}")));
            return None;
        };
        let again = format!("deployctl check {check} --as {role} --passed --note TEXT");
        if self.facts.caller.role.as_ref() == Some(role) {
            self.role_may(|policy, role| policy.may_check(role, check), &format!("record `{check}`"), &again);
        } else {
            let what = format!("`{check}` is the word of `{role}`, and nobody else can give it");
            let reason = Reason::new(Code::RoleForbidden, what).next(format!("as that role: {again}"));
            self.refuse(at(reason, format!("checks.{check}.role")));
        }
        Some(Covered::default())
    }

    /// Who signs off: a person of the group that the check names, with the presence that its environments ask for.
    pub(super) fn signoff(&mut self, check: &Check) -> Option<Covered> {
        let policy = self.policy?;
        let Some(group) = signoffs::group(policy, check) else {
            let what = format!("nobody signs `{check}`: it is known by {}", known_by(policy, check));
            self.refuse(at(Reason::new(Code::KeyUnknown, what), format!("checks.{check}")));
            return None;
        };
        let Some((person, proof)) = self.signer() else { return Some(Covered::default()) };
        if !signoffs::is_member(policy, person, group) {
            let what = format!("`{person}` is not in the group `{group}`, which signs `{check}`");
            self.refuse(at(Reason::new(Code::KeyUnknown, what), format!("checks.{check}.signoff")));
        }
        self.reasons.extend(lacks_signoff_presence(policy, proof, person, check));
        Some(Covered::default())
    }

    /// A sign-off counts as the verified ledger has it, whatever the request claims.
    pub(super) fn signed_off(
        &mut self,
        timeline: &Timeline,
        request: &Request,
        stage: &Stage,
        check: &Check,
    ) {
        let Some(policy) = self.policy else { return };
        let commit = &request.release.commit;
        match timeline.signoffs.standing(policy, check, commit, &request.tree) {
            Standing::Allowed(_) => {}
            Standing::Missing => {
                let reason = signoff_missing(policy, check, commit);
                let message = format!("stage `{stage}`: {}", reason.message);
                self.refuse(Reason { message, ..reason }.rule(&request.environment, "requires"));
            }
            Standing::Denied(no) => {
                let title = policy.checks.get(check).map_or(check.as_str(), |rule| rule.title.as_str());
                let why = no.signoff.reason.as_deref().unwrap_or("no reason given");
                let what =
                    format!("stage `{stage}`: `{}` denied `{title}` for {}: {why}", no.by, commit.short());
                self.refuse(
                    Reason::new(Code::StageFailed, what)
                        .next("fix what is wrong, and request the commit that holds the fix")
                        .next(format!(
                            "or ask {} to run: deployctl approve --check {check} --commit {commit}",
                            no.by
                        ))
                        .rule(&request.environment, "requires"),
                );
            }
        }
    }

    /// A box for which people answered themselves is open again where one of the group said no since the last of them did.
    pub(super) fn no_since(&mut self, target: &Target, open: &OpenBox, answered: Option<DateTime<Utc>>) {
        let Some((policy, timeline)) = self.policy.zip(self.facts.ledger.ok()) else { return };
        let standing = signoffs::standing_of(policy, &timeline.signoffs, &target.request, open);
        let Some(Standing::Denied(no)) = standing else { return };
        if answered >= Some(no.at) {
            return;
        }
        let why = no.signoff.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let what = format!("{} said no to `{}` after it was approved{why}", no.by, no.signoff.check);
        let next = format!("ask a person to run: deployctl approve {}", target.reference.id);
        self.refuse(Reason::new(Code::ChecklistOpen, what).next(next));
    }

    /// Whether the signatures of others answer an open box of a request.
    pub(super) fn is_signed_off(&self, request: &Request, open: &OpenBox) -> bool {
        let Some((policy, timeline)) = self.policy.zip(self.facts.ledger.ok()) else { return false };
        signoffs::answers(policy, &timeline.signoffs, request, open).is_some()
    }
}

fn at(reason: Reason, path: String) -> Reason {
    Reason { policy: Some(path), ..reason }
}

/// What knows a check, or that the policy has none of that name.
fn known_by(policy: &Policy, check: &Check) -> String {
    match policy.checks.get(check) {
        Some(rule) => format!("`{}`", rule.source.words()),
        None => {
            let near = nearest(check.as_str(), policy.checks.keys().map(Check::as_str));
            format!("nothing, as the policy has no such check{near}")
        }
    }
}

/// Nobody of the group has signed for the commit: which person must do what.
#[must_use]
pub fn signoff_missing(policy: &Policy, check: &Check, commit: &CommitId) -> Reason {
    let title = policy.checks.get(check).map_or(check.as_str(), |rule| rule.title.as_str());
    let group = signoffs::group(policy, check).map_or("a group", |group| group.as_str());
    let what = format!("`{title}` is a signature of `{group}`, and none counts for {}", commit.short());
    let next = format!("ask a person to run: deployctl approve --check {check} --commit {commit}");
    at(Reason::new(Code::StageMissing, what).next(next), format!("checks.{check}.signoff"))
}

/// Why a signature does not show the presence that a sign-off asks for, if it does not.
#[must_use]
pub fn lacks_signoff_presence(
    policy: &Policy,
    proof: &Proof,
    person: &PersonName,
    check: &Check,
) -> Option<Reason> {
    let (least, path) = signoffs::presence(policy, check);
    let reason = Reason::new(Code::ApprovalPresence, presence_words(person, least))
        .next("sign with such a key: name it with `--key FILE`");
    (!proof.shows(least)).then(|| at(reason, path))
}
