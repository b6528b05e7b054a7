//! The decision: rules and facts in, a permit or every reason out.
//!
//! Deny by default: a permit is only made where nothing speaks against it, and only here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::config::{ActionKind, Deployment, PresenceLevel, Right, Separation};
use super::facts::{Action, BranchFact, Facts, KeyFact, LedgerTrouble, NoTarget, Pin, Target};
use super::keys::Proof;
use super::policy::{Approvals, EnvironmentRule, Policy};
use super::presence::Presence;
use super::reason::{Code, Reason};
use super::request::{CheckState, Request};
use super::statement::{Release, RequestRef, Verdict};
use super::terms::{Digest, Environment, PersonName, Stage, Version};
use super::timeline::{Decided, Timeline, Track, Vote};
use super::windows::Opening;

/// What the gate says.
#[derive(Debug)]
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
    let mut judge = Judge { policy, facts, reasons: Vec::new(), warnings: Vec::new(), approvals: Vec::new() };
    judge.person(action);
    judge.ledger(action);
    let covered = judge.action(action);
    judge.key(action);
    let Judge { reasons, warnings, approvals, .. } = judge;
    let signer = match &facts.key {
        Some(KeyFact::Ready { person, .. }) => Some(person.clone()),
        _ => None,
    };
    match (reasons.is_empty(), covered) {
        (true, Some(Covered { release, previous, request })) => Decision::Allow(Permit {
            release,
            previous,
            request,
            approvals,
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
}

struct Judge<'a> {
    policy: Option<&'a Policy>,
    facts: &'a Facts<'a>,
    reasons: Vec<Reason>,
    warnings: Vec<Reason>,
    approvals: Vec<Digest>,
}

impl<'a> Judge<'a> {
    fn refuse(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    fn person(&mut self, action: &Action<'_>) {
        if matches!(action, Action::Request { .. }) {
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
                if timeline.policy.is_none() && !founding {
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
            Action::Request { environment } => self.request(environment),
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
            Action::Rollback { environment, version, available } => {
                self.rollback(timeline, environment, *version, *available)
            }
            Action::Review { environment } => self.review(timeline, environment),
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
        let policy = self.policy?;
        let Some(rule) = policy.environments.get(environment) else {
            self.refuse(no_environment(policy, environment));
            return None;
        };
        if rule.deployment != Deployment::Human {
            self.refuse(
                Reason::new(
                    Code::RoleForbidden,
                    format!(
                        "`{environment}` is automatic: this version deploys where `deployment: human` says so"
                    ),
                )
                .rule(environment, "deployment"),
            );
            return None;
        }
        rule.approvals.as_ref().map(|approvals| (rule, approvals))
    }

    fn request(&mut self, environment: &Environment) -> Option<Covered> {
        self.production(environment)?;
        let caller = &self.facts.caller;
        let allowed = match (&caller.role, &caller.person) {
            (Some(role), _) => self.policy?.may(role, environment, Right::Request),
            // A person's name is a claim that anybody could make; it opens this door only where a person may sit.
            (None, Some(_)) => caller.presence.as_ref().is_some_and(Presence::is_person_likely),
            (None, None) => false,
        };
        if !allowed {
            let who = caller.role.as_ref().map_or_else(
                || format!("`{}`, known only by {},", caller.name, caller.known_by),
                |role| format!("the role `{role}`"),
            );
            let place =
                caller.role.as_ref().map_or_else(|| "roles".to_owned(), |role| format!("roles.{role}"));
            let why = if caller.role.is_none() && caller.person.is_some() {
                ": a person's name counts only at that person's own terminal"
            } else {
                ""
            };
            self.refuse(Reason {
                policy: Some(place),
                ..Reason::new(Code::RoleForbidden, format!("{who} may not request for `{environment}`{why}"))
                    .next("say who asks, a role that may, or at a terminal a person of the policy: deployctl request VERSION --as NAME")
            });
        }
        Some(Covered::default())
    }

    fn verdict(&mut self, timeline: &Timeline, target: &Target, verdict: Verdict) -> Option<Covered> {
        let request = &target.request;
        let (rule, approvals) = self.production(&request.environment)?;
        self.signer_is_approver(&request.environment, approvals);
        self.edited(target);
        if let Some(decided) = timeline.requests.get(&target.reference.digest) {
            self.denied(decided, approvals);
            if decided.consumed.is_some() {
                self.consumed(&target.reference);
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
                .next(request_again(&request.release.version)),
            );
        }
        let decide_by = decide_by(request, approvals);
        if self.facts.now > decide_by {
            self.refuse(
                Reason::new(
                    Code::RequestExpired,
                    format!("`{}` had to be decided by {}", target.reference.id, minute(decide_by)),
                )
                .next(request_again(&request.release.version))
                .rule(&request.environment, "approvals.decide_within"),
            );
        }
        if verdict == Verdict::Allow {
            self.stale(timeline, target);
            self.commit(timeline, target, rule);
            self.stages(request, rule);
            self.signer_is_apart(request, approvals);
            self.window(rule, &request.environment, ActionKind::Deploy, true);
        }
        Some(self.covered(target))
    }

    #[expect(clippy::unused_self, reason = "reads as the other steps of the judge")]
    fn covered(&self, target: &Target) -> Covered {
        Covered {
            release: Some(target.request.release.clone()),
            previous: target.request.previous_release.clone(),
            request: Some(target.reference.clone()),
        }
    }

    fn revoke(
        &mut self,
        timeline: &Timeline,
        request: &RequestRef,
        environment: &Environment,
    ) -> Option<Covered> {
        let (_, approvals) = self.production(environment)?;
        self.signer_is_approver(environment, approvals);
        let decided = timeline.requests.get(&request.digest);
        let standing = |decided: &&Decided| decided.votes.iter().any(|vote| allows(vote) && !vote.revoked);
        match decided.filter(standing) {
            None => self.refuse(Reason::new(
                Code::ApprovalMissing,
                format!("`{}` has no approval that could be revoked", request.id),
            )),
            Some(decided) if decided.consumed.is_some() => self.consumed(request),
            Some(_) => {}
        }
        Some(Covered::default())
    }

    fn deploy(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        target: Result<&Target, &NoTarget>,
    ) -> Option<Covered> {
        let (rule, approvals) = self.production(environment)?;
        self.window(rule, environment, ActionKind::Deploy, false);
        self.held_environment(timeline, environment, ActionKind::Deploy);
        self.signer_is_present(environment, approvals);
        let target = match target {
            Ok(target) => target,
            Err(none) => {
                self.no_target(none, environment);
                return None;
            }
        };
        if &target.request.environment != environment {
            self.refuse(
                Reason::new(
                    Code::ApprovalMissing,
                    format!(
                        "`{}` is a request for `{}`, not for `{environment}`",
                        target.reference.id, target.request.environment
                    ),
                )
                .next(format!("deployctl status -e {environment}")),
            );
        }
        let decided = timeline.requests.get(&target.reference.digest);
        let track = timeline.tracks.get(environment);
        let open = track.and_then(|track| track.lock().or_else(|| track.interrupted()));
        if open.is_some_and(|open| open.start.request == target.reference) {
            // It is being deployed, or was interrupted: that has been said.
            return None;
        }
        if decided.is_some_and(|decided| decided.consumed.is_some()) {
            // What was used once is over: that it is also out of date by now says nothing more.
            self.consumed(&target.reference);
            return None;
        }
        self.edited(target);
        self.stale(timeline, target);
        self.commit(timeline, target, rule);
        self.stages(&target.request, rule);
        if rule.rollback.is_none() {
            self.refuse(
                Reason::new(Code::RollbackPlan, "the policy says no way back")
                    .next("say `rollback` in `deployctl.yaml`, then run: deployctl approve --policy")
                    .rule(environment, "rollback"),
            );
        }
        self.votes(decided, target, approvals);
        Some(self.covered(target))
    }

    fn no_target(&mut self, none: &NoTarget, environment: &Environment) {
        let reason = match none {
            NoTarget::NoRequest { asked } => {
                Reason::new(Code::RequestMissing, format!("there is no request {asked}"))
                    .next(format!("deployctl request VERSION -e {environment} --as ROLE"))
            }
            NoTarget::NotApproved { id } => {
                Reason::new(Code::ApprovalMissing, format!("nobody has decided about `{id}` yet"))
                    .next(format!("ask a person to run: deployctl approve {id}"))
                    .rule(environment, "approvals")
            }
            NoTarget::Several { ids } => {
                Reason::new(Code::RequestMissing, format!("several requests fit: `{}`", ids.join("`, `")))
                    .next("name one of them")
            }
        };
        self.refuse(reason);
    }

    fn edited(&mut self, target: &Target) {
        if !target.edited.is_empty() {
            let what = target.edited.join("`, `");
            self.refuse(
                Reason::new(
                    Code::RequestStale,
                    format!("`{what}` of `{}` is not what was pinned", target.reference.id),
                )
                .next(request_again(&target.request.release.version)),
            );
        }
    }

    /// What the request pins, against what is there now.
    fn stale(&mut self, timeline: &Timeline, target: &Target) {
        let request = &target.request;
        let mut moved = Vec::new();
        if self.policy.is_some_and(|policy| policy.digest != request.policy) {
            moved.push("the policy in force".to_owned());
        }
        if timeline.root.is_some_and(|root| root != request.repository) {
            moved.push("the repository: it was requested for another ledger".to_owned());
        }
        match target.tree {
            None => self.refuse(
                Reason::new(
                    Code::RequestStale,
                    format!("commit {} is not in this clone", request.release.commit.short()),
                )
                .next(
                    "fetch it: git fetch --tags; where it is on no remote yet, who made it pushes it first",
                ),
            ),
            Some(tree) if tree != request.tree => moved.push("the tree".to_owned()),
            Some(_) => {}
        }
        if let Some((commit, tree)) = &target.moved_to
            && *tree != request.tree
        {
            moved.push(format!(
                "the commit: `{}` was {} and now names {}",
                request.release.version,
                request.release.commit.short(),
                commit.short()
            ));
        }
        let live = timeline.tracks.get(&request.environment).and_then(|track| track.live.as_ref());
        let live = live.map(|live| &live.release);
        if live.is_some() && live != request.previous_release.as_ref() {
            let now = live.map_or_else(|| "nothing".to_owned(), |live| format!("`{}`", live.version));
            moved.push(format!("what is live: now {now}"));
        }
        if live.is_none() && request.previous_recorded {
            moved.push("what is live: the ledger records nothing".to_owned());
        }
        if !moved.is_empty() {
            self.refuse(
                Reason::new(
                    Code::RequestStale,
                    format!(
                        "since `{}` was requested, this moved: {}",
                        target.reference.id,
                        moved.join("; ")
                    ),
                )
                .next(request_again(&request.release.version)),
            );
        }
    }

    fn commit(&mut self, timeline: &Timeline, target: &Target, rule: &EnvironmentRule) {
        let request = &target.request;
        let short = request.release.commit.short();
        let track = timeline.tracks.get(&request.environment);
        if track.is_some_and(|track| track.quarantined.contains(&request.release.commit)) {
            self.refuse(
                Reason::new(
                    Code::CommitQuarantined,
                    format!("{short} was rolled back in `{}`", request.environment),
                )
                .next("fix what was wrong and request the commit that holds the fix"),
            );
        }
        self.branches(target, rule);
        let unseen: Vec<_> = target.behind.iter().filter(|commit| !request.behind.contains(commit)).collect();
        if let Some(first) = unseen.first() {
            self.refuse(
                Reason::new(
                    Code::CommitBehind,
                    format!(
                        "{}, live now and not in {short}, which the request did not say: {}",
                        plural(unseen.len(), "commit"),
                        first.short()
                    ),
                )
                .next("merge what is live into the candidate, and request again"),
            );
        }
    }

    /// Each branch that a rule names, once, with the rule that names it.
    fn branches(&mut self, target: &Target, rule: &EnvironmentRule) {
        let environment = &target.request.environment;
        let mut branches: BTreeMap<&String, String> = BTreeMap::new();
        let stages = self.policy.map(|policy| policy.stages.as_slice()).unwrap_or_default();
        for (index, stage) in stages.iter().enumerate() {
            if let Some(branch) = stage.branch.as_ref().filter(|_| rule.requires.contains(&stage.name)) {
                branches.entry(branch).or_insert_with(|| format!("stages[{index}].branch"));
            }
        }
        if let Some(branch) = &rule.branch {
            branches.insert(branch, format!("environments.{environment}.branch"));
        }
        let short = target.request.release.commit.short();
        for (branch, policy) in branches {
            let (what, next) = match target.branches.get(branch) {
                Some(BranchFact::Holds) => continue,
                Some(BranchFact::Lacks) => (
                    format!("{short} is not on the branch `{branch}`"),
                    format!("merge the commit into `{branch}`, and fetch it"),
                ),
                Some(BranchFact::Absent) | None => {
                    (format!("the branch `{branch}` is not in this clone"), format!("fetch `{branch}`"))
                }
            };
            self.refuse(Reason { policy: Some(policy), ..Reason::new(Code::CommitBranch, what).next(next) });
        }
    }

    fn stages(&mut self, request: &Request, rule: &EnvironmentRule) {
        let Some(policy) = self.policy else { return };
        for name in &rule.requires {
            let checks = policy.stage(name).map(|stage| stage.checks.as_slice()).unwrap_or_default();
            for check in checks {
                let title = policy.checks.get(check).map_or(check.as_str(), |rule| rule.title.as_str());
                let always = policy.checks.get(check).is_none_or(|rule| rule.when_changed.is_none());
                let state = match request.checks.get(check).copied() {
                    // Only the policy can say that a check is not always needed.
                    None => CheckState::Missing,
                    Some(CheckState::NotNeeded) if always => CheckState::Missing,
                    Some(state) => state,
                };
                if let Some((code, what)) = stage_problem(state) {
                    self.refuse(stage_reason(code, name, title, what, request));
                }
            }
        }
    }

    fn window(
        &mut self,
        rule: &EnvironmentRule,
        environment: &Environment,
        action: ActionKind,
        warn_only: bool,
    ) {
        let reason = match rule.windows.at(self.facts.now, action) {
            Opening::Open => return,
            Opening::Closed { next } => {
                Reason::new(Code::WindowClosed, format!("no window of `{environment}` is open now"))
                    .next(opening(next))
                    .rule(environment, "windows.allow")
            }
            Opening::Blackout { index, name, next } => {
                let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
                Reason::new(Code::WindowBlackout, format!("a blackout of `{environment}` is on{name}"))
                    .next(opening(next))
                    .rule(environment, &format!("windows.deny[{index}]"))
            }
        };
        if warn_only { self.warnings.push(reason) } else { self.refuse(reason) }
    }

    fn held_environment(&mut self, timeline: &Timeline, environment: &Environment, action: ActionKind) {
        let Some(track) = timeline.tracks.get(environment) else { return };
        let Some(open) = track.lock().or_else(|| track.interrupted()) else { return };
        let what = format!("`{}`, started by {} at {}", open.start.release.version, open.by, minute(open.at));
        if open.ending.is_none() && self.facts.now <= open.start.lease_until {
            self.refuse(
                Reason::new(
                    Code::EnvironmentBusy,
                    format!("`{environment}` is held by the deployment of {what}"),
                )
                .next(format!("wait until it ends, at the latest {}", minute(open.start.lease_until))),
            );
        } else if action == ActionKind::Deploy {
            let how = if open.ending.is_none() { "never said how it ended" } else { "was interrupted" };
            self.refuse(
                Reason::new(
                    Code::DeploymentInterrupted,
                    format!("the deployment of {what} in `{environment}` {how}"),
                )
                .next(format!(
                    "look at `{environment}`, then: deployctl rollback {environment} --reason TEXT"
                ))
                .next(format!(
                    "or say what runs: deployctl approve --review {} --reason TEXT",
                    open.start.request.id
                )),
            );
        }
    }

    /// The order of design section 10: signer in the set, one vote a person, separation, presence, clocks, not consumed.
    fn votes(&mut self, decided: Option<&Decided>, target: &Target, approvals: &Approvals) {
        let environment = &target.request.environment;
        let id = &target.reference.id;
        let Some(decided) = decided.filter(|decided| !decided.votes.is_empty()) else {
            self.no_target(&NoTarget::NotApproved { id: id.clone() }, environment);
            return;
        };
        if self.denied(decided, approvals) {
            return;
        }
        self.held(decided, approvals, id);
        let mut people = BTreeSet::new();
        let mut confirmed: BTreeSet<&str> = BTreeSet::new();
        let mut turned_down = BTreeMap::new();
        for vote in decided.votes.iter().filter(|vote| allows(vote)) {
            match self.counts(vote, decided, target, approvals) {
                // What a person said last says best why it does not count.
                Some(reason) => {
                    turned_down.insert(&vote.by, reason);
                }
                None => {
                    if people.insert(vote.by.clone()) {
                        self.approvals.push(vote.entry);
                    }
                    confirmed.extend(vote.approval.confirmed.iter().map(String::as_str));
                }
            }
        }
        let required = approvals.required as usize;
        if people.len() < required {
            self.reasons.extend(turned_down.into_values());
            self.too_few(people.len(), required, id, environment, decided);
            return;
        }
        let open: Vec<&str> = target
            .request
            .open
            .iter()
            .filter(|open| !confirmed.contains(open.key.as_str()))
            .map(|open| open.key.as_str())
            .collect();
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
    fn counts(
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
            return Some(
                Reason::new(
                    Code::RequestStale,
                    format!("the approval of `{id}` by `{}` covers another {what}", vote.by),
                )
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
        let decide_by = decide_by(&target.request, approvals);
        if vote.at > decide_by {
            return Some(
                Reason::new(
                    Code::RequestExpired,
                    format!(
                        "`{}` approved `{id}` at {}, and it had to be decided by {}",
                        vote.by,
                        minute(vote.at),
                        minute(decide_by)
                    ),
                )
                .next(request_again(&target.request.release.version))
                .rule(environment, "approvals.decide_within"),
            );
        }
        let execute_by = vote.approval.execute_by.min(after(vote.at, approvals.execute_within));
        if self.facts.now > execute_by {
            return Some(
                Reason::new(
                    Code::ApprovalExpired,
                    format!("the approval of `{id}` by `{}` ended at {}", vote.by, minute(execute_by)),
                )
                .next(again)
                .rule(environment, "approvals.execute_within"),
            );
        }
        None
    }

    fn too_few(
        &mut self,
        have: usize,
        required: usize,
        id: &str,
        environment: &Environment,
        decided: &Decided,
    ) {
        let reason = if have > 0 {
            Reason::new(Code::ApprovalQuorum, format!("`{id}` has {have} of {required} approvals"))
        } else if decided.votes.iter().any(allows) {
            // Why each of them does not count has been said.
            return;
        } else {
            Reason::new(Code::ApprovalMissing, format!("nobody has approved `{id}`"))
        };
        self.refuse(
            reason
                .next(format!("ask a person to run: deployctl approve {id}"))
                .rule(environment, "approvals.required"),
        );
    }

    /// A no is final: whatever else is missing does not matter any more.
    fn denied(&mut self, decided: &Decided, approvals: &Approvals) -> bool {
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
                    request_again(&vote.approval.release.version)
                )),
            );
            return true;
        }
        false
    }

    /// A person's newest verdict counts: a hold ends when the same person approves.
    fn held(&mut self, decided: &Decided, approvals: &Approvals, id: &str) {
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

    fn consumed(&mut self, request: &RequestRef) {
        let version = request.id.rsplit_once('-').map_or(request.id.as_str(), |(version, _)| version);
        self.refuse(
            Reason::new(Code::ApprovalConsumed, format!("the approval of `{}` was used before", request.id))
                .next(format!("deployctl request {version}")),
        );
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

    fn same_person(
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

    fn rollback(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        version: Option<&Version>,
        available: bool,
    ) -> Option<Covered> {
        let (rule, approvals) = self.production(environment)?;
        self.window(rule, environment, ActionKind::Rollback, false);
        self.held_environment(timeline, environment, ActionKind::Rollback);
        self.signer_is_present(environment, approvals);
        if rule.rollback.is_none() {
            self.refuse(
                Reason::new(Code::RollbackPlan, "the policy says no way back").rule(environment, "rollback"),
            );
        }
        let undo = timeline.tracks.get(environment).and_then(Track::to_undo);
        let Some(undo) = undo else {
            self.refuse(Reason::new(
                Code::RollbackPlan,
                format!("no deployment of `{environment}` is recorded that could be rolled back"),
            ));
            return None;
        };
        let Some(back) = undo.start.previous_release.clone() else {
            self.refuse(Reason::new(
                Code::RollbackPlan,
                format!("the approval of `{}` named no version to go back to", undo.start.release.version),
            ));
            return None;
        };
        if version.is_some_and(|version| version != &back.version) {
            self.refuse(
                Reason::new(
                    Code::ApprovalMissing,
                    format!(
                        "the approval of `{}` covers going back to `{}` only",
                        undo.start.release.version, back.version
                    ),
                )
                .next(format!("deployctl rollback {environment} {} --reason TEXT", back.version))
                .next("or request the other version like any deployment: deployctl request VERSION"),
            );
        }
        if !available {
            self.refuse(
                Reason::new(
                    Code::RollbackPlan,
                    format!(
                        "commit {} of `{}` is not in this clone",
                        undo.start.release.commit.short(),
                        undo.start.release.version
                    ),
                )
                .next("git fetch --tags"),
            );
        }
        self.approvals.clone_from(&undo.start.approvals);
        Some(Covered {
            release: Some(back),
            previous: Some(undo.start.release.clone()),
            request: Some(undo.start.request.clone()),
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
        match &self.facts.key {
            Some(KeyFact::Ready { .. }) => {}
            // Where the person is judged, they are about to sign. A plan that is only shown needs no key.
            None => {
                let signs = !matches!(action, Action::Request { .. }) && self.facts.caller.presence.is_some();
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

fn allows(vote: &Vote) -> bool {
    vote.approval.verdict == Verdict::Allow
}

/// The first thing an approval covers that the target is not.
fn differs(vote: &Vote, target: &Target) -> Option<&'static str> {
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
        ("previous version", approval.previous_release == request.previous_release),
    ];
    pairs.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

fn presence_reason(person: &PersonName, least: PresenceLevel, environment: &Environment) -> Reason {
    let what = match least {
        PresenceLevel::Passphrase => "a passphrase, or a hardware key that was touched",
        PresenceLevel::Touch => "a hardware key that was touched",
        PresenceLevel::Verified => "a hardware key that was touched and asked for a PIN or a finger",
    };
    Reason::new(
        Code::ApprovalPresence,
        format!("the signature of `{person}` does not show the presence the policy asks for: {what}"),
    )
    .rule(environment, "approvals.presence")
}

fn without_executor(not: &BTreeSet<Separation>) -> BTreeSet<Separation> {
    not.iter().copied().filter(|separation| *separation != Separation::Executor).collect()
}

fn stage_problem(state: CheckState) -> Option<(Code, &'static str)> {
    match state {
        CheckState::Passed | CheckState::NotNeeded => None,
        CheckState::Failed => Some((Code::StageFailed, "failed")),
        CheckState::Missing => Some((Code::StageMissing, "has no evidence")),
        CheckState::Stale => Some((Code::EvidenceStale, "has only stale evidence")),
        CheckState::Unreadable => {
            Some((Code::EvidenceUnreadable, "has evidence that cannot be read or says two things"))
        }
    }
}

fn stage_reason(code: Code, stage: &Stage, title: &str, what: &str, request: &Request) -> Reason {
    Reason::new(code, format!("stage `{stage}`: `{title}` {what} for {}", request.release.commit.short()))
        .next("run the check on that commit, and request again")
        .rule(&request.environment, "requires")
}

/// The reason of a ledger that cannot be believed.
#[must_use]
pub fn ledger_reason(trouble: &LedgerTrouble) -> Reason {
    match trouble {
        LedgerTrouble::Tampered { why } => {
            Reason::new(Code::LedgerTampered, format!("the ledger does not hold: {why}"))
                .next("see what and where: deployctl history --verify")
        }
        LedgerTrouble::Rewound { why } => Reason::new(
            Code::LedgerRewound,
            format!("the ledger was rewound: {why}"),
        )
        .next(
            "find out who rewrote `deployctl/ledger`, and push the entries back from a clone that has them",
        ),
        LedgerTrouble::Unreachable { why } => {
            Reason::new(Code::LedgerUnreachable, format!("the ledger's remote did not answer: {why}"))
                .next("check the network and the remote, then try again")
        }
    }
}

fn opening(next: Option<String>) -> String {
    next.map_or_else(
        || {
            "it does not open within a year: change `windows`, then run: deployctl approve --policy"
                .to_owned()
        },
        |next| format!("it opens {next}"),
    )
}

/// A request may ask for less time than the policy gives, never for more.
fn decide_by(request: &Request, approvals: &Approvals) -> DateTime<Utc> {
    request.decide_by.min(after(request.at, approvals.decide_within))
}

/// A moment that much later; a clock that cannot say it stays where it is, so that nothing lasts longer for it.
fn after(at: DateTime<Utc>, span: std::time::Duration) -> DateTime<Utc> {
    Duration::from_std(span).ok().and_then(|span| at.checked_add_signed(span)).unwrap_or(at)
}

fn request_again(version: &Version) -> String {
    format!("deployctl request {version}")
}

/// Why there is nothing to say yes or no to.
#[must_use]
pub fn nothing_to_decide(none: &NoTarget) -> Reason {
    let reason = match none {
        NoTarget::NoRequest { asked } => {
            Reason::new(Code::RequestMissing, format!("there is no request {asked}"))
        }
        NoTarget::NotApproved { id } => Reason::new(Code::RequestMissing, format!("`{id}` cannot be read")),
        NoTarget::Several { ids } => {
            Reason::new(Code::RequestMissing, format!("several requests fit: `{}`", ids.join("`, `")))
        }
    };
    reason.next("name one request, by its id or its package directory; see what waits: deployctl status")
}

/// What a person would run instead.
fn command_for(action: &Action<'_>) -> String {
    match action {
        Action::Policy { .. } => "deployctl approve --policy".to_owned(),
        Action::Request { .. } => "deployctl request VERSION".to_owned(),
        Action::Verdict { target: Ok(target), .. } => format!("deployctl approve {}", target.reference.id),
        Action::Verdict { target: Err(_), .. } => "deployctl approve REQUEST".to_owned(),
        Action::Revoke { request, .. } => format!("deployctl approve {} --revoke --reason TEXT", request.id),
        Action::Deploy { environment, target } => match target {
            Ok(target) => format!("deployctl deploy {environment} {}", target.reference.id),
            Err(NoTarget::NotApproved { id }) => format!("deployctl deploy {environment} {id}"),
            Err(_) => format!("deployctl deploy {environment}"),
        },
        Action::Rollback { environment, .. } => format!("deployctl rollback {environment} --reason TEXT"),
        Action::Review { environment } => format!("deployctl approve --review (for {environment})"),
    }
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn plural(count: usize, noun: &str) -> String {
    match (count, noun) {
        (1, noun) => format!("1 {noun}"),
        (count, "open box") => format!("{count} open boxes"),
        (count, noun) => format!("{count} {noun}s"),
    }
}

/// The policy in force knows nothing of an environment; what was probably meant.
pub fn no_environment(policy: &Policy, environment: &Environment) -> Reason {
    let known = policy.environments.keys().map(Environment::as_str);
    let known = super::policy::nearest(environment.as_str(), known);
    Reason {
        policy: Some("environments".to_owned()),
        ..Reason::new(Code::RequestMissing, format!("the policy has no environment `{environment}`{known}"))
    }
}

#[cfg(test)]
mod tests;
