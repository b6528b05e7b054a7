//! The decision: rules and facts in, a permit or every reason out.
//!
//! Deny by default: a permit is only made where nothing speaks against it, and only here.

mod automatic;
mod automatic_rollback;
mod available;
mod back;
mod backwards;
mod checks;
mod emergency;
mod failed_before;
mod hold;
mod quarantine;
mod reports;
mod signoffs;
mod target;
mod votes;
mod words;

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use self::automatic::nothing_to_sign;
pub use self::backwards::backwards;
pub use self::checks::passed_too_late;
pub use self::failed_before::failed_before;
pub use self::hold::{decide_by, undecided_by};
pub use self::quarantine::quarantine_words;
pub use self::reports::{is_overdue, report_name, review_owed};
pub use self::signoffs::{lacks_signoff_presence, signoff_missing};
pub use self::target::{deploys_later, unkept_times};
use self::votes::allows;
pub use self::words::{VERIFY, again_for, ask_again, ledger_reason, nothing_to_decide, pasted, until};
use self::words::{command_for, minute, presence_reason};
use super::config::{ActionKind, Deployment, OnTrigger, PresenceLevel, Right, Separation};
use super::emergency::{Emergency, EmergencyClock};
use super::facts::{Action, Facts, KeyFact, Missing, NoTarget, Pin, Target};
use super::keys::Proof;
use super::policy::{Approvals, EnvironmentRule, Policy};
use super::presence::Presence;
use super::reason::{Code, Reason};
use super::request::{Request, Urgency};
use super::statement::{Approval, Release, RequestRef, RollbackAuthority, Verdict};
use super::terms::{Check, Digest, Environment, PersonName, Role, Version};
use super::timeline::{Decided, Timeline, Track};
use super::windows::Opening;

/// What the gate says.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a decision is made once, and taken apart at once")]
#[must_use = "a decision that nobody reads decides nothing"]
pub enum Decision {
    /// Yes, and what that covers.
    Allow(Permit),
    /// No, and every reason.
    Refuse(Vec<Reason>),
}

/// A yes. Only [`decide`] makes one.
#[derive(Debug)]
pub struct Permit {
    /// What may become live, where the action is about a release.
    pub release: Option<Release>,
    /// What is live and would be replaced.
    pub previous: Option<Release>,
    /// The request that covers it.
    pub request: Option<RequestRef>,
    /// The entries of the approvals it rests on.
    pub approvals: Vec<Digest>,
    /// The clock of the emergency, where it is one.
    pub emergency: Option<EmergencyClock>,
    /// What the session may do by itself on a trigger.
    pub on_trigger: Option<RollbackAuthority>,
    /// The person whose key signs.
    pub signer: Option<PersonName>,
    /// What is good to know and does not refuse.
    pub warnings: Vec<Reason>,
    _made_here: Made,
}

#[derive(Debug)]
struct Made;

/// How far another machine's clock may be ahead: NTP keeps machines within seconds, so two minutes is generous.
pub const CLOCK_TOLERANCE_SECONDS: i64 = 120;

/// Decides one action. No policy in force is a reason of its own.
pub fn decide(policy: Option<&Policy>, facts: &Facts<'_>, action: &Action<'_>) -> Decision {
    let mut judge = Judge {
        policy,
        facts,
        reasons: Vec::new(),
        warnings: Vec::new(),
        approvals: Vec::new(),
        on_trigger: None,
        declared_at: None,
    };
    judge.person(action);
    judge.ledger(action);
    let covered = judge.action(action);
    judge.key(action);
    let Judge { reasons, warnings, approvals, on_trigger, .. } = judge;
    let signer = match &facts.key {
        Some(KeyFact::Ready { person, .. }) => Some(person.clone()),
        _ => None,
    };
    match (reasons.is_empty(), covered) {
        (true, Some(Covered { release, previous, request, emergency })) => Decision::Allow(Permit {
            release,
            previous,
            request,
            approvals,
            emergency,
            on_trigger,
            signer,
            warnings,
            _made_here: Made,
        }),
        (true, None) => {
            // Nothing spoke against it and nothing for it: that is a no.
            Decision::Refuse(vec![Reason::new(Code::ApprovalMissing, "nothing covers this action")])
        }
        (false, _) => Decision::Refuse(in_order(reasons)),
    }
}

/// Each reason once, in the order of the codes.
fn in_order(reasons: Vec<Reason>) -> Vec<Reason> {
    let mut once: Vec<Reason> = Vec::new();
    for reason in reasons {
        if !once.contains(&reason) {
            once.push(reason);
        }
    }
    once.sort_by_key(|reason| reason.code);
    once
}

/// Whether a step of a running deployment may still begin.
#[must_use]
pub fn window_still_open(rule: &EnvironmentRule, now: DateTime<Utc>, action: ActionKind) -> bool {
    rule.windows.at(now, action) == Opening::Open
}

/// Why a signature that was made does not show the presence that an environment asks for, if it does not.
#[must_use]
pub fn lacks_presence(
    proof: &Proof,
    person: &PersonName,
    least: PresenceLevel,
    environment: &Environment,
) -> Option<Reason> {
    (!proof.shows(least)).then(|| {
        presence_reason(person, least, environment).next("sign with such a key: name it with `--key FILE`")
    })
}

/// What an action would make live.
#[derive(Default)]
struct Covered {
    release: Option<Release>,
    previous: Option<Release>,
    request: Option<RequestRef>,
    emergency: Option<EmergencyClock>,
}

struct Judge<'a> {
    policy: Option<&'a Policy>,
    facts: &'a Facts<'a>,
    reasons: Vec<Reason>,
    warnings: Vec<Reason>,
    approvals: Vec<Digest>,
    /// What those approvals allow on a trigger.
    on_trigger: Option<RollbackAuthority>,
    /// When the first of the approvals that count was signed.
    declared_at: Option<DateTime<Utc>>,
}

impl<'a> Judge<'a> {
    fn refuse(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    fn person(&mut self, action: &Action<'_>) {
        if action.is_machines() || self.nobody_signs(action) {
            return;
        }
        let Some(presence) = self.facts.caller.presence.clone() else { return };
        let hand_over = format!("ask a person to run this at their own terminal: {}", command_for(action));
        let found = [
            (Code::HumanTerminal, presence.terminal_problem()),
            (Code::HumanAgent, presence.agent_problem()),
            (Code::HumanCi, presence.ci_problem()),
            (Code::HumanPty, presence.holder_problem()),
        ];
        for (code, problem) in found {
            if let Some(why) = problem {
                self.refuse(
                    Reason::new(code, format!("only a person can do this: {why}")).next(hand_over.clone()),
                );
            }
        }
    }

    fn ledger(&mut self, action: &Action<'_>) {
        let founding = matches!(action, Action::Policy { founder: true });
        match self.facts.ledger {
            Err(trouble) => self.refuse(ledger_reason(trouble)),
            Ok(timeline) => {
                self.root(timeline, founding);
                self.clock(timeline);
                if (timeline.policy.is_none() || self.policy.is_none()) && !founding {
                    self.refuse(
                        Reason::new(Code::PolicyUnsigned, "no policy is in force: nobody has signed one yet")
                            .next("ask a person to run: deployctl approve --policy"),
                    );
                }
            }
        }
    }

    fn root(&mut self, timeline: &Timeline, founding: bool) {
        let Some(known) = self.facts.pin.root() else { return };
        let message = match timeline.root {
            Some(root) => (known != root)
                .then(|| format!("this machine knows the trust root {known}, and the ledger has {root}")),
            // A machine may know the roots of other projects; a clone has only one ledger, and has had it.
            None => (founding && matches!(self.facts.pin, Pin::Clone(_)))
                .then(|| format!("this clone knows the trust root {known}, and its ledger is gone")),
        };
        if let Some(message) = message {
            self.refuse(
                Reason::new(Code::PolicyRoot, message)
                    .next("find out who replaced the ledger before anything is signed or deployed"),
            );
        }
    }

    fn clock(&mut self, timeline: &Timeline) {
        let Some(tip) = &timeline.tip else { return };
        if self.facts.now + Duration::seconds(CLOCK_TOLERANCE_SECONDS) < tip.at {
            let message = format!(
                "this machine's clock says {}, and the ledger's newest entry was signed at {}",
                minute(self.facts.now),
                minute(tip.at)
            );
            self.refuse(Reason::new(Code::ClockBackwards, message).next("set this machine's clock"));
        }
    }

    fn action(&mut self, action: &Action<'a>) -> Option<Covered> {
        let timeline = self.facts.ledger.ok()?;
        match action {
            Action::Policy { founder } => self.rules(timeline, *founder),
            Action::Request { environment, urgency, emergency } => {
                self.request(environment, *urgency, *emergency)
            }
            Action::RequestRollback { environment, version, taints } => {
                self.request_back(timeline, environment, version, taints)
            }
            Action::Check { checks } => self.check(checks),
            Action::Word { check } => self.word(check),
            Action::Signoff { check, .. } => self.signoff(check),
            Action::Verdict { target: Ok(target), verdict } => self.verdict(timeline, target, *verdict),
            Action::Verdict { target: Err(none), .. } => {
                // Without rules nothing can be requested: that has been said.
                if timeline.policy.is_some() {
                    self.refuse(nothing_to_decide(none));
                }
                None
            }
            Action::Revoke { request, environment } => self.revoke(timeline, request, environment),
            Action::Deploy { environment, target } => self.deploy(timeline, environment, *target),
            Action::DeployAutomatic { environment, target, runs } => {
                self.automatic(environment, *target, runs)
            }
            Action::Rollback { environment, version, missing } => {
                self.rollback(timeline, environment, *version, missing)
            }
            Action::RollbackTo { environment, target } => self.rollback_to(timeline, environment, *target),
            Action::AutomaticRollback { environment, execution, missing, database_stays } => {
                self.automatic_rollback(timeline, environment, execution, (missing, *database_stays))
            }
            Action::Review { environment } => self.review(timeline, environment),
            Action::Release { environment, rollback, .. } => {
                self.release(timeline, environment, rollback);
                Some(Covered::default())
            }
            Action::Report { environment, execution } => {
                self.report(timeline, environment, execution);
                Some(Covered::default())
            }
        }
    }

    /// Who signs new rules: a founder where there are none, else one of those who count under the rules before.
    fn rules(&mut self, timeline: &Timeline, founder: bool) -> Option<Covered> {
        let Some(in_force) = &timeline.policy else { return founder.then(Covered::default) };
        if founder {
            self.refuse(Reason::new(
                Code::PolicyRoot,
                "the ledger is founded already: a policy is in force, and its people sign the next one",
            ));
        }
        let (people, _) = in_force.policy.policy_quorum();
        if let Some((person, _)) = self.signer()
            && !people.contains(person)
        {
            let people: Vec<&str> = people.iter().map(PersonName::as_str).collect();
            self.refuse(Reason::new(
                Code::KeyUnknown,
                format!("`{person}` is not one of {}, who sign the policy", people.join(", ")),
            ));
        }
        Some(Covered::default())
    }

    /// The rule of an environment that people deploy.
    fn production(&mut self, environment: &Environment) -> Option<(&'a EnvironmentRule, &'a Approvals)> {
        let rule = self.known(environment)?;
        if rule.deployment != Deployment::Human {
            self.refuse(nothing_to_sign(environment));
            return None;
        }
        rule.approvals.as_ref().map(|approvals| (rule, approvals))
    }

    fn request(
        &mut self,
        environment: &Environment,
        urgency: Urgency,
        emergency: Option<&Emergency>,
    ) -> Option<Covered> {
        let rule = self.known(environment)?;
        self.emergency(rule, urgency, emergency);
        let may = |policy: &Policy, role: &Role| policy.may(role, environment, Right::Request);
        self.role_may(may, &format!("request for `{environment}`"), "deployctl request VERSION --as NAME");
        Some(Covered::default())
    }

    fn check(&mut self, checks: &[Check]) -> Option<Covered> {
        for check in checks {
            self.role_may(
                |policy, role| policy.may_check(role, check),
                &format!("record `{check}`"),
                "deployctl check NAME --as ROLE",
            );
        }
        Some(Covered::default())
    }

    /// What a role may, and a person at a terminal.
    fn role_may(&mut self, may: impl Fn(&Policy, &Role) -> bool, what: &str, again: &str) {
        let caller = &self.facts.caller;
        let Some(policy) = self.policy else { return };
        let allowed = match (&caller.role, &caller.person) {
            (Some(role), _) => may(policy, role),
            // A person's name is a claim that anybody could make; it opens this door only where a person may sit.
            (None, Some(_)) => caller.presence.as_ref().is_some_and(Presence::is_person_likely),
            (None, None) => false,
        };
        if allowed {
            return;
        }
        let who = caller.role.as_ref().map_or_else(
            || format!("`{}`, known only by {},", caller.name, caller.known_by),
            |role| format!("the role `{role}`"),
        );
        let place = caller.role.as_ref().map_or_else(|| "roles".to_owned(), |role| format!("roles.{role}"));
        let why = if caller.role.is_none() && caller.person.is_some() {
            ": a person's name counts only at that person's own terminal"
        } else {
            ""
        };
        self.refuse(Reason {
            policy: Some(place),
            ..Reason::new(Code::RoleForbidden, format!("{who} may not {what}{why}")).next(format!(
                "say who asks, a role that may, or at a terminal a person of the policy: {again}"
            ))
        });
    }

    fn verdict(&mut self, timeline: &Timeline, target: &Target, verdict: Verdict) -> Option<Covered> {
        let request = &target.request;
        let (rule, approvals) = self.production(&request.environment)?;
        let approvals = &self.needed(approvals, request);
        self.signer_is_approver(&request.environment, approvals);
        self.edited(target);
        let decided = timeline.requests.get(&target.reference);
        if let Some(decided) = decided {
            self.denied(decided, approvals);
            if decided.consumed.is_some() {
                self.consumed(&target.reference, ask_again(request));
            }
        }
        if request.at > self.facts.now + Duration::seconds(CLOCK_TOLERANCE_SECONDS) {
            self.refuse(
                Reason::new(
                    Code::RequestStale,
                    format!(
                        "`{}` says that it was drafted at {}, which is yet to come",
                        target.reference.id,
                        minute(request.at)
                    ),
                )
                .next(ask_again(request)),
            );
        }
        let decide_by = decide_by(request, approvals, decided, self.facts.now);
        if self.facts.now > decide_by {
            self.refuse(
                Reason::new(
                    Code::RequestExpired,
                    format!("`{}` had to be decided by {}", target.reference.id, minute(decide_by)),
                )
                .next(ask_again(request))
                .rule(&request.environment, "approvals.decide_within"),
            );
        }
        if verdict == Verdict::Allow && request.action == ActionKind::Rollback {
            self.goes_back(timeline, target);
            self.signer_is_apart(request, approvals);
            self.window(rule, &request.environment, ActionKind::Rollback, true);
        } else if verdict == Verdict::Allow {
            self.stale(timeline, target);
            self.commit(timeline, target, rule);
            self.emergency(rule, request.asked.urgency, request.emergency.as_ref());
            self.stages(timeline, target, rule);
            self.turned(target, rule);
            self.passed_too_late(target, rule);
            self.reviews(timeline, &request.environment, request, true);
            self.signer_is_apart(request, approvals);
            self.window(rule, &request.environment, ActionKind::Deploy, true);
            self.warnings.extend(unkept_times(rule, &request.environment, &request.asked));
            self.warnings.extend(failed_before(timeline, request));
        }
        Some(self.covered(target))
    }

    fn covered(&self, target: &Target) -> Covered {
        Covered {
            release: Some(target.request.release.clone()),
            previous: target.request.previous_release.clone(),
            request: Some(target.reference.clone()),
            emergency: self.clock_of(&target.request),
        }
    }

    /// Who must approve a request.
    fn needed(&self, approvals: &Approvals, request: &Request) -> Approvals {
        match self.policy {
            Some(policy) => {
                policy.approvals_for(approvals, &request.approval_rules, request.emergency.as_ref())
            }
            None => approvals.clone(),
        }
    }

    fn revoke(
        &mut self,
        timeline: &Timeline,
        request: &RequestRef,
        environment: &Environment,
    ) -> Option<Covered> {
        let (_, approvals) = self.production(environment)?;
        let decided = timeline.requests.get(request);
        let asked = decided.and_then(|decided| decided.votes.first());
        let places = asked.map(|vote| vote.approval.approval_rules.as_slice()).unwrap_or_default();
        self.signer_is_approver(environment, &approvals.needed(places));
        let standing = |decided: &&Decided| decided.votes.iter().any(|vote| allows(vote) && !vote.revoked);
        match decided.filter(standing) {
            None => self.refuse(Reason::new(
                Code::ApprovalMissing,
                format!("`{}` has no approval that could be revoked", request.id),
            )),
            Some(Decided { consumed: Some(_), votes, .. }) => {
                let asked = votes.first().map(|vote| &vote.approval);
                let again = |asked: &Approval| again_for(asked.action, environment, &asked.release.version);
                self.consumed(request, asked.map(again).unwrap_or_default());
            }
            Some(_) => {}
        }
        Some(Covered::default())
    }

    /// What is judged of the execution of a request whatever it asks for: when, where, who, and which request.
    fn executes<'t>(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        action: ActionKind,
        target: Result<&'t Target, &NoTarget>,
    ) -> Option<(&'a EnvironmentRule, &'a Approvals, &'t Target)> {
        let (rule, approvals) = self.production(environment)?;
        self.window(rule, environment, action, false);
        self.held_environment(timeline, environment, action);
        self.signer_is_present(environment, approvals);
        if action == ActionKind::Rollback {
            self.no_way_back(rule, environment);
        }
        let target = target.map_err(|none| self.no_target(none, environment)).ok()?;
        self.asks_for(target, action, environment).then_some((rule, approvals, target))
    }

    fn deploy(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        target: Result<&Target, &NoTarget>,
    ) -> Option<Covered> {
        let (rule, approvals, target) = self.executes(timeline, environment, ActionKind::Deploy, target)?;
        let decided = timeline.requests.get(&target.reference);
        let track = timeline.tracks.get(environment);
        let open = track.and_then(|track| track.lock().or_else(|| track.interrupted()));
        if open.is_some_and(|open| open.start.request == target.reference) {
            // It is being deployed, or was interrupted: that has been said.
            return None;
        }
        if decided.is_some_and(|decided| decided.consumed.is_some()) {
            // What was used once is over: that it is also out of date by now says nothing more.
            self.consumed(&target.reference, ask_again(&target.request));
            return None;
        }
        self.edited(target);
        self.stale(timeline, target);
        self.commit(timeline, target, rule);
        self.emergency(rule, target.request.asked.urgency, target.request.emergency.as_ref());
        self.stages(timeline, target, rule);
        self.turned(target, rule);
        self.reviews(timeline, environment, &target.request, false);
        self.available(&target.request.release.version, &target.missing);
        if rule.rollback.is_none() {
            self.refuse(
                Reason::new(Code::RollbackPlan, "the policy says no way back")
                    .next("say `rollback` in `deployctl.yaml`, then run: deployctl approve --policy")
                    .rule(environment, "rollback"),
            );
        }
        self.warnings.extend(failed_before(timeline, &target.request));
        self.votes(decided, target, &self.needed(approvals, &target.request));
        if rule.rollback.as_ref().is_some_and(|rollback| rollback.on_trigger == OnTrigger::Rollback) {
            self.on_trigger = timeline.authority(&target.reference, &self.approvals).ok();
        }
        Some(self.covered(target))
    }

    fn no_target(&mut self, none: &NoTarget, environment: &Environment) {
        let reason = match none {
            NoTarget::NoRequest { asked } => {
                Reason::new(Code::RequestMissing, format!("there is no request {asked}"))
                    .next(format!("deployctl request VERSION -e {environment} --as ROLE"))
            }
            NoTarget::NotApproved { id, why_not, instead } => {
                let why = why_not
                    .as_ref()
                    .map_or_else(String::new, |why| format!(", and it cannot be approved now: {why}"));
                let approve = [format!("ask a person to run: deployctl approve {id}")];
                // What would be refused is not advised.
                let next = if instead.is_empty() { &approve } else { instead.as_slice() };
                let what = format!("nobody has decided about `{id}` yet{why}");
                let reason = Reason::new(Code::ApprovalMissing, what).rule(environment, "approvals");
                next.iter().fold(reason, |reason, next| reason.next(next))
            }
            NoTarget::Several { fits } => {
                Reason::new(Code::RequestMissing, format!("several requests fit: {}", fits.join("; ")))
                    .next("name one of them")
            }
        };
        self.refuse(reason);
    }

    fn signer(&self) -> Option<(&'a PersonName, &'a Proof)> {
        match &self.facts.key {
            Some(KeyFact::Ready { person, proof }) => Some((person, proof)),
            _ => None,
        }
    }

    fn signer_is_approver(&mut self, environment: &Environment, approvals: &Approvals) {
        let Some((person, _)) = self.signer() else { return };
        if !approvals.from.contains(person) {
            self.refuse(
                Reason::new(
                    Code::KeyUnknown,
                    format!(
                        "`{person}` is not one of {}, who approve `{environment}`",
                        approvals.from_words.join(", ")
                    ),
                )
                .rule(environment, "approvals.from"),
            );
        }
        self.signer_is_present(environment, approvals);
    }

    fn signer_is_present(&mut self, environment: &Environment, approvals: &Approvals) {
        let lacking = self
            .signer()
            .and_then(|(person, proof)| lacks_presence(proof, person, approvals.presence, environment));
        self.reasons.extend(lacking);
    }

    fn signer_is_apart(&mut self, request: &Request, approvals: &Approvals) {
        let Some((person, _)) = self.signer() else { return };
        let approval_only = Approvals { not: without_executor(&approvals.not), ..approvals.clone() };
        if let Some(what) = self.same_person(person, request, &approval_only) {
            self.refuse(
                Reason::new(Code::ApprovalSelf, format!("`{person}` is {what}"))
                    .next("ask another approver")
                    .rule(&request.environment, "approvals.not"),
            );
        }
    }

    fn rollback(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        version: Option<&Version>,
        missing: &[Missing],
    ) -> Option<Covered> {
        let (rule, approvals) = self.production(environment)?;
        self.window(rule, environment, ActionKind::Rollback, false);
        self.held_environment(timeline, environment, ActionKind::Rollback);
        self.signer_is_present(environment, approvals);
        self.no_way_back(rule, environment);
        let undo = timeline.tracks.get(environment).and_then(Track::to_undo);
        let Some(undo) = undo else {
            let live = timeline.tracks.get(environment).and_then(|track| track.live.as_ref());
            let (why, way) = match live {
                Some(_) => ("to a version that was live before, with an approval of its own", " --rollback"),
                None => ("nothing is live there yet", ""),
            };
            let what = format!("no deployment of `{environment}` is recorded that could be rolled back");
            let way = format!("{why}: deployctl request VERSION{way} -e {environment} --as ROLE");
            self.refuse(Reason::new(Code::RollbackPlan, what).next(way));
            return None;
        };
        let back = self.covered_way_back(timeline, environment, undo, version)?;
        self.available(&undo.start.release.version, missing);
        self.approvals.clone_from(&undo.start.approvals);
        Some(Covered {
            release: Some(back),
            previous: Some(undo.start.release.clone()),
            request: Some(undo.start.request.clone()),
            emergency: None,
        })
    }

    fn review(&mut self, timeline: &Timeline, environment: &Environment) -> Option<Covered> {
        let (_, approvals) = self.production(environment)?;
        self.signer_is_approver(environment, approvals);
        let track = timeline.tracks.get(environment);
        match track.and_then(|track| track.lock().or_else(|| track.interrupted())) {
            Some(_) => self.held_environment(timeline, environment, ActionKind::Rollback),
            None => self.refuse(Reason::new(
                Code::RequestMissing,
                format!("no interrupted deployment of `{environment}` waits for a review"),
            )),
        }
        Some(Covered::default())
    }

    fn key(&mut self, action: &Action<'_>) {
        if self.nobody_signs(action) || matches!(action, Action::AutomaticRollback { .. }) {
            return;
        }
        match &self.facts.key {
            Some(KeyFact::Ready { .. }) => {}
            // Where the person is judged, they are about to sign. A plan that is only shown needs no key.
            None => {
                let signs = !action.is_machines() && self.facts.caller.presence.is_some();
                if signs && self.reasons.is_empty() {
                    self.refuse(Reason::new(Code::KeyUnknown, "no key signs this"));
                }
            }
            Some(KeyFact::Unknown { what }) => {
                self.refuse(Reason::new(Code::KeyUnknown, what.clone()).next(
                    "name your enrolled key with `--key FILE`, or have it added to `people` and signed",
                ))
            }
            Some(KeyFact::Unencrypted { path }) => self.refuse(
                Reason::new(Code::KeyUnencrypted, format!("the private key `{path}` has no passphrase"))
                    .next(format!("give it one: ssh-keygen -p -f {path}")),
            ),
            Some(KeyFact::InAgent { path, what }) => self.refuse(
                Reason::new(Code::KeyAgent, format!("the key `{path}` can sign without asking you: {what}"))
                    .next(format!("take it out of the agent: ssh-add -d {path}")),
            ),
        }
    }
}

fn without_executor(not: &BTreeSet<Separation>) -> BTreeSet<Separation> {
    not.iter().copied().filter(|separation| *separation != Separation::Executor).collect()
}

#[cfg(test)]
mod tests;
