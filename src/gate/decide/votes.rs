//! What people said about a request, and whose word counts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::Judge;
use super::hold::decide_by;
use super::words::{again_for, ask_again, minute, plural, presence_reason};
use crate::gate::config::Separation;
use crate::gate::emergency::Emergency;
use crate::gate::facts::{NoTarget, Target};
use crate::gate::policy::{Approvals, Lack};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::Request;
use crate::gate::statement::{RequestRef, Verdict};
use crate::gate::terms::{Environment, PersonName};
use crate::gate::timeline::{Decided, Vote};

impl Judge<'_> {
    /// The order of design section 10: signer in the set, one vote a person, separation, presence, clocks, not consumed.
    pub(super) fn votes(&mut self, decided: Option<&Decided>, target: &Target, approvals: &Approvals) {
        let environment = &target.request.environment;
        let id = &target.reference.id;
        let Some(decided) = decided.filter(|decided| !decided.votes.is_empty()) else {
            let none = NoTarget::NotApproved { id: id.clone(), why_not: None, instead: vec![] };
            self.no_target(&none, environment);
            return;
        };
        if self.denied(decided, approvals) {
            return;
        }
        self.held(decided, approvals, id);
        let mut people = BTreeSet::new();
        let mut confirmed: BTreeSet<&str> = BTreeSet::new();
        let mut turned_down = BTreeMap::new();
        let mut answered = None;
        for vote in decided.votes.iter().filter(|vote| allows(vote)) {
            match self.counts(vote, decided, target, approvals) {
                // What a person said last says best why it does not count.
                Some(reason) => {
                    turned_down.insert(&vote.by, reason);
                }
                None => {
                    if people.insert(vote.by.clone()) {
                        self.declared_at = Some(self.declared_at.map_or(vote.at, |first| first.min(vote.at)));
                        self.approvals.push(vote.entry);
                    }
                    confirmed.extend(vote.approval.confirmed.iter().map(String::as_str));
                    answered = answered.max(Some(vote.at));
                }
            }
        }
        if let Some(lack) = approvals.lacks(&people) {
            self.reasons.extend(turned_down.into_values());
            self.too_few(people.is_empty(), &lack, id, environment, decided);
            return;
        }
        for open in target.request.open.iter().filter(|open| confirmed.contains(open.key.as_str())) {
            self.no_since(target, open, answered);
        }
        let unanswered = target.request.open.iter().filter(|open| {
            !confirmed.contains(open.key.as_str()) && !self.is_signed_off(&target.request, open)
        });
        let open: Vec<&str> = unanswered.map(|open| open.key.as_str()).collect();
        if !open.is_empty() {
            self.refuse(
                Reason::new(
                    Code::ChecklistOpen,
                    format!(
                        "nobody answered for {}: `{}`",
                        plural(open.len(), "open box"),
                        open.join("`, `")
                    ),
                )
                .next(format!("ask a person to run: deployctl approve {id}")),
            );
        }
    }

    /// Why an approval does not count, if it does not.
    pub(super) fn counts(
        &self,
        vote: &Vote,
        decided: &Decided,
        target: &Target,
        approvals: &Approvals,
    ) -> Option<Reason> {
        let environment = &target.request.environment;
        let id = &target.reference.id;
        let again = format!("ask a person to run: deployctl approve {id}");
        if !approvals.from.contains(&vote.by) {
            return Some(
                Reason::new(
                    Code::KeyUnknown,
                    format!("`{}` signed, and is not one of {}", vote.by, approvals.from_words.join(", ")),
                )
                .next(again)
                .rule(environment, "approvals.from"),
            );
        }
        if vote.revoked {
            let by = decided.revoked.as_ref().map(|(by, why)| format!(" by `{by}`: {why}"));
            return Some(
                Reason::new(
                    Code::ApprovalRevoked,
                    format!("the approval of `{id}` by `{}` was revoked{}", vote.by, by.unwrap_or_default()),
                )
                .next(again),
            );
        }
        if let Some(what) = differs(vote, target) {
            let code = if what == EMERGENCY { Code::EmergencyUndeclared } else { Code::RequestStale };
            return Some(
                Reason::new(code, format!("the approval of `{id}` by `{}` covers another {what}", vote.by))
                    .next(again),
            );
        }
        if let Some(what) = self.same_person(&vote.by, &target.request, approvals) {
            return Some(
                Reason::new(Code::ApprovalSelf, format!("`{}` approved `{id}` and is {what}", vote.by))
                    .next(again)
                    .rule(environment, "approvals.not"),
            );
        }
        if !vote.proof.shows(approvals.presence) {
            return Some(presence_reason(&vote.by, approvals.presence, environment).next(again));
        }
        let by = decide_by(&target.request, approvals, Some(decided), vote.at);
        if vote.at > by {
            return Some(
                Reason::new(
                    Code::RequestExpired,
                    format!(
                        "`{}` approved `{id}` at {}, and it had to be decided by {}",
                        vote.by,
                        minute(vote.at),
                        minute(by)
                    ),
                )
                .next(ask_again(&target.request))
                .rule(environment, "approvals.decide_within"),
            );
        }
        let execute_by = vote.approval.execute_by.min(after(vote.at, approvals.execute_within));
        if self.facts.now > execute_by {
            let ended = format!("the approval of `{id}` by `{}` ended at {}", vote.by, minute(execute_by));
            // What can no longer be decided is asked anew.
            let over = self.facts.now > decide_by(&target.request, approvals, Some(decided), self.facts.now);
            let next = if over { ask_again(&target.request) } else { again };
            let mut reason = Reason::new(Code::ApprovalExpired, ended).next(next);
            reason = reason.rule(environment, "approvals.execute_within");
            if target.request.emergency.is_some() {
                reason.policy = Some("emergency.execute_within".to_owned());
            }
            return Some(reason);
        }
        None
    }

    pub(super) fn too_few(
        &mut self,
        nobody: bool,
        lack: &Lack,
        id: &str,
        environment: &Environment,
        decided: &Decided,
    ) {
        let reason = if !nobody {
            let Lack { have, required, of, .. } = lack;
            Reason::new(Code::ApprovalQuorum, format!("`{id}` has {have} of {required} approvals{of}"))
        } else if decided.votes.iter().any(allows) {
            // Why each of them does not count has been said.
            return;
        } else {
            Reason::new(Code::ApprovalMissing, format!("nobody has approved `{id}`"))
        };
        self.refuse(
            reason.next(format!("ask a person to run: deployctl approve {id}")).rule(environment, &lack.rule),
        );
    }

    /// A no is final: whatever else is missing does not matter any more.
    pub(super) fn denied(&mut self, decided: &Decided, approvals: &Approvals) -> bool {
        let deny = |vote: &&Vote| vote.approval.verdict == Verdict::Deny && approvals.from.contains(&vote.by);
        if let Some(vote) = decided.votes.iter().find(deny) {
            let why = vote.approval.reason.as_deref().unwrap_or("no reason given");
            self.refuse(
                Reason::new(
                    Code::ApprovalDenied,
                    format!("`{}` denied `{}`: {why}", vote.by, decided.request.id),
                )
                .next(format!(
                    "a no is final for a request: {}",
                    again_for(
                        vote.approval.action,
                        &vote.approval.environment,
                        &vote.approval.release.version
                    )
                )),
            );
            return true;
        }
        false
    }

    /// A person's newest verdict counts: a hold ends when the same person approves.
    pub(super) fn held(&mut self, decided: &Decided, approvals: &Approvals, id: &str) {
        for person in &approvals.from {
            let newest = decided.votes.iter().rev().find(|vote| &vote.by == person);
            if let Some(vote) = newest.filter(|vote| vote.approval.verdict == Verdict::Hold) {
                let why = vote.approval.reason.as_deref().unwrap_or("no reason given");
                self.refuse(
                    Reason::new(Code::ApprovalHeld, format!("`{person}` holds `{id}`: {why}"))
                        .next(format!("ask {person} to run: deployctl approve {id}")),
                );
            }
        }
    }

    pub(super) fn consumed(&mut self, request: &RequestRef, again: String) {
        self.refuse(
            Reason::new(Code::ApprovalConsumed, format!("the approval of `{}` was used before", request.id))
                .next(again),
        );
    }

    pub(super) fn same_person(
        &self,
        person: &PersonName,
        request: &Request,
        approvals: &Approvals,
    ) -> Option<&'static str> {
        let is = |separation: Separation| match separation {
            Separation::Requester => request.requested_by.person.as_ref() == Some(person),
            Separation::Author => request.authors.contains(person),
            Separation::Executor => self.signer().is_some_and(|(signer, _)| signer == person),
        };
        approvals.not.iter().find(|separation| is(**separation)).map(|separation| match separation {
            Separation::Requester => "the requester",
            Separation::Author => "an author of the change",
            Separation::Executor => "the executor",
        })
    }
}

pub(super) fn allows(vote: &Vote) -> bool {
    vote.approval.verdict == Verdict::Allow
}

/// What [`differs`] calls an emergency that nobody, or another one than was asked for, has declared.
const EMERGENCY: &str = "emergency";

/// The first thing an approval covers that the target is not.
pub(super) fn differs(vote: &Vote, target: &Target) -> Option<&'static str> {
    let approval = &vote.approval;
    let request = &target.request;
    let pairs = [
        ("action", approval.action == request.action),
        ("environment", approval.environment == request.environment),
        ("version", approval.release.version == request.release.version),
        ("commit", approval.release.commit == request.release.commit),
        ("tree", approval.tree == request.tree),
        ("policy", approval.policy == request.policy),
        ("request", approval.request == target.reference),
        ("checklist", approval.checklist == request.checklist),
        ("evidence", approval.evidence == request.evidence),
        ("time to watch", approval.monitor == request.asked.monitor),
        ("previous version", approval.previous_release == request.previous_release),
        ("set of approval rules", approval.approval_rules == request.approval_rules),
        (EMERGENCY, approval.emergency == request.emergency.as_ref().map(Emergency::declared)),
    ];
    pairs.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

/// A moment that much later; a clock that cannot say it stays where it is, so that nothing lasts longer for it.
pub(super) fn after(at: DateTime<Utc>, span: std::time::Duration) -> DateTime<Utc> {
    Duration::from_std(span).ok().and_then(|span| at.checked_add_signed(span)).unwrap_or(at)
}
