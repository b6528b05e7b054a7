//! A small world for the gate's tests: a policy, a request about it, and a ledger that is written entry by entry.
//! Signatures are words (`good`, `touched`, …), so that nothing here needs a key or a clock.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::config::{ActionKind, RawPolicy};
use super::emergency::{Emergency, EmergencyClock};
use super::facts::{BranchFact, Taint, Taints, Target};
use super::keys::{Hardware, Proof, PublicKey};
use super::policy::{Policy, Problem};
use super::presence::{Holder, Presence, Terminal};
use super::request::{Asked, CheckState, Extent, OpenBox, Request, Requester, RiskLevel, Urgency};
use super::signoffs::Signoff;
use super::statement::{
    Approval, Ending, Execution, Finding, OutcomeStatement, Payload, PolicyStatement, Progress, REPORT,
    Release, RequestRef, Review, Revocation, Root, SCHEMA, Statement, StepEnd, StepResult, Verdict, Watched,
    WatchedAs,
};
use super::terms::{CommitId, Digest, Environment};
use super::timeline::{Fault, RawEntry, Timeline};

/// The moment everything starts.
pub const MORNING: &str = "2026-11-23T10:00:00Z";

const CONFIG: &str = r#"schema: 1
project: shop
ledger: none
people:
  alice: { keys: ["KEY-1"], emails: ["alice@shop.example"], groups: [release] }
  bob: { keys: ["KEY-2", "TOUCH-3"], emails: ["bob@shop.example"], groups: [release] }
  carol: { keys: ["KEY-4"], emails: ["carol@shop.example"], groups: [design] }
roles:
  orchestrator: { production: [request] }
  qa: { staging: [check, deploy] }
checks:
  unit: { junit: ["reports/unit/*.xml"] }
  design-review: { signoff: design, when_changed: ["web/**"] }
stages:
  - { name: development, checks: [unit, design-review] }
  - { name: integration, branch: main, checks: [unit] }
environments:
  staging: { steps: [] }
  production:
    requires: [development, integration]
    steps: [{ name: release, run: ["./release"], timeout: 10m }]
    rollback:
      steps: [{ name: back, run: ["./back"], timeout: 5m }]
      migrations: [{ name: down, run: ["./down"], timeout: 5m }]
    approvals: { required: 1, from: [release], not: [requester] }
  eu:
    deployment: human
    steps: [{ name: release, run: ["./release"] }]
    rollback: { steps: [{ name: back, run: ["./back"] }] }
    approvals: { required: 1, from: [release], not: [] }
"#;

/// An edit of it: a session rolls back by itself on a trigger.
pub const ROLLS_BACK: (&str, &str) = (
    "    rollback:\n",
    "    health: { probes: { shop: { run: [\"./ping\"] } } }\n    rollback:\n      on_trigger: rollback\n",
);

/// The fixture's `deployctl.yaml`, each first text replaced by the second.
pub fn config(edits: &[(&str, &str)]) -> String {
    let mut text = CONFIG.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    for number in 1..=9 {
        text = text.replace(&format!("KEY-{number}"), &key(number).line());
        text = text.replace(&format!("TOUCH-{number}"), &touch_key(number).line());
    }
    text
}

/// A policy, or what is wrong with it.
pub fn checked(text: &str) -> Result<Policy, Vec<Problem>> {
    Policy::check(RawPolicy::parse(text.as_bytes()).unwrap(), text.as_bytes())
}

/// A key that is a file.
pub fn key(number: u8) -> PublicKey {
    PublicKey::ed25519(&[number + 8; 32]).unwrap()
}

/// A key in a FIDO device.
pub fn touch_key(number: u8) -> PublicKey {
    let mut blob = Vec::new();
    for field in [b"sk-ssh-ed25519@openssh.com".as_slice(), &[number + 8; 32], b"ssh:"] {
        super::wire::put_string(&mut blob, field);
    }
    PublicKey::from_blob(&blob).unwrap()
}

/// What a signature with these flags proves.
pub fn proof(touch: Option<(bool, bool)>) -> Proof {
    let hardware = touch.map(|(touch, verified)| Hardware { touch, verified, counter: 1 });
    Proof { fingerprint: "SHA256:x".to_owned(), hardware }
}

/// Believes the word instead of the mathematics.
pub fn verify(key: &PublicKey, _: &str, _: &[u8], armored: &str) -> Result<Proof, String> {
    let touch = match armored {
        "good" => None,
        "untouched" => Some((false, false)),
        "touched" => Some((true, false)),
        "verified" => Some((true, true)),
        _ => return Err("forged".to_owned()),
    };
    Ok(Proof { fingerprint: key.fingerprint(), ..proof(touch) })
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// So many minutes after the start.
pub fn minutes(count: i64) -> DateTime<Utc> {
    at(MORNING) + chrono::Duration::minutes(count)
}

pub fn commit(digit: char) -> CommitId {
    digit.to_string().repeat(40).parse().unwrap()
}

pub fn release(number: u8) -> Release {
    Release { version: format!("v{number}").parse().unwrap(), commit: commit(char::from(b'0' + number)) }
}

pub fn production() -> Environment {
    "production".parse().unwrap()
}

/// A person at a console.
pub fn person() -> Presence {
    Presence { terminal: Terminal::Interactive, ci: None, agent: None, holder: Holder::Console }
}

pub fn state(request: &mut Request, check: &str, state: CheckState) {
    request.checks.insert(check.parse().unwrap(), state);
}

/// A ledger that is being written.
#[derive(Clone, Debug)]
pub struct Book {
    pub timeline: Timeline,
    pub root: Root,
    pub entries: Vec<RawEntry>,
}

/// How the next entry is signed, where it is not as it should be.
#[derive(Clone, Copy)]
pub struct Ink<'a> {
    pub by: &'a str,
    pub armored: &'a str,
    pub at: i64,
}

/// By this person, so many minutes after the start, and well.
pub const fn by(by: &str, at: i64) -> Ink<'_> {
    Ink { by, armored: "good", at }
}

impl Book {
    /// A ledger founded by alice.
    pub fn founded(text: &str) -> Self {
        let mut timeline = Timeline::default();
        let payload = Payload {
            schema: SCHEMA.to_owned(),
            sequence: 1,
            previous: None,
            repository: None,
            at: at(MORNING),
            by: "alice".parse().unwrap(),
            attachments: BTreeMap::new(),
            statement: rules(text, 1, None),
        };
        let entry = entry(&payload, "alice", "good", Some(text));
        timeline.apply(&entry, verify).unwrap();
        Self { timeline, root: Root::of(&entry.payload), entries: vec![entry] }
    }

    /// A ledger of deployments to production, each of the version of this number, asked for anew and ended so.
    pub fn of_deployments(endings: &[(u8, Ending)]) -> Self {
        let mut book = Self::founded(&config(&[]));
        for (place, (number, ending)) in (1..).zip(endings) {
            let start = 20 * place;
            let request = Request { at: minutes(start), ..book.request("production", *number) };
            book.vote(by("bob", start), &request, Verdict::Allow).unwrap();
            let execution = book.start(by("alice", start + 1), &request, ActionKind::Deploy).unwrap();
            book.end(by("alice", start + 10), execution, *ending).unwrap();
        }
        book
    }

    pub fn policy(&self) -> &Policy {
        &self.timeline.policy.as_ref().unwrap().policy
    }

    /// The entry that would come next, for tests that spoil it.
    pub fn payload(&self, ink: Ink<'_>, statement: Statement) -> Payload {
        let tip = self.timeline.tip.as_ref().unwrap();
        Payload {
            schema: SCHEMA.to_owned(),
            sequence: tip.sequence + 1,
            previous: Some(tip.digest),
            repository: Some(self.root),
            at: minutes(ink.at),
            by: ink.by.parse().unwrap(),
            attachments: BTreeMap::new(),
            statement,
        }
    }

    /// Takes an entry as it is.
    pub fn take(&mut self, entry: &RawEntry) -> Result<Digest, Fault> {
        self.timeline.apply(entry, verify)?;
        self.entries.push(entry.clone());
        Ok(Digest::of(&entry.payload))
    }

    /// Signs a statement and takes it.
    pub fn sign(&mut self, ink: Ink<'_>, statement: Statement) -> Result<Digest, Fault> {
        let file = if statement.by_session() { "session" } else { ink.by };
        let entry = entry(&self.payload(ink, statement), file, ink.armored, None);
        self.take(&entry)
    }

    /// Signs other rules.
    pub fn sign_rules(&mut self, ink: Ink<'_>, text: &str) -> Result<Digest, Fault> {
        let in_force = self.timeline.policy.as_ref().unwrap();
        let statement = rules(text, in_force.version + 1, Some(in_force.policy.digest));
        let entry = entry(&self.payload(ink, statement), ink.by, ink.armored, Some(text));
        self.take(&entry)
    }

    /// A request for a release of one environment, with what is live before it.
    pub fn request(&self, environment: &str, number: u8) -> Request {
        let environment: Environment = environment.parse().unwrap();
        let live = self.timeline.tracks.get(&environment).and_then(|track| track.live.clone());
        let mut request = Request {
            schema: SCHEMA.to_owned(),
            repository: self.root,
            at: at(MORNING),
            decide_by: minutes(24 * 60),
            action: ActionKind::Deploy,
            environment,
            release: release(number),
            tree: Digest::of(&[number]),
            policy: self.policy().digest,
            previous_recorded: live.is_some(),
            previous_release: live.map(|live| live.release),
            since: None,
            checklist: Digest::of(b"checklist"),
            evidence: Digest::of(b"evidence"),
            requested_by: Requester {
                name: "orchestrator".to_owned(),
                person: None,
                known_by: "`--as`".to_owned(),
            },
            asked: Asked {
                summary: "Totals".to_owned(),
                urgency: Urgency::Routine,
                risk: RiskLevel::Low,
                impact: "none".to_owned(),
                mitigation: "none".to_owned(),
                preferred: None,
                alternative: None,
                blackouts: vec![],
                monitor: 15,
            },
            extent: Extent::default(),
            authors: vec![],
            behind: vec![],
            checks: BTreeMap::new(),
            open: vec![],
            approval_rules: vec![],
            emergency: None,
        };
        state(&mut request, "unit", CheckState::Passed);
        state(&mut request, "design-review", CheckState::NotNeeded);
        request
    }

    /// A request to roll production back to a release.
    pub fn request_back(&self, number: u8) -> Request {
        let undone = self.timeline.tracks[&production()].to_undo().unwrap().start.release.clone();
        let mut request = self.request("production", number);
        request.action = ActionKind::Rollback;
        request.previous_release = Some(undone);
        request.previous_recorded = true;
        request.since = Some(request.release.commit.clone());
        request.checks.clear();
        request
    }

    /// Signs a verdict on a request.
    pub fn vote(&mut self, ink: Ink<'_>, request: &Request, verdict: Verdict) -> Result<Digest, Fault> {
        self.sign(ink, Statement::Approval(Box::new(approval(request, verdict, ink.at))))
    }

    /// Signs off the fixture's `design-review` for the commit of a request.
    pub fn sign_off(&mut self, ink: Ink<'_>, request: &Request, verdict: Verdict) -> Result<Digest, Fault> {
        self.sign(ink, Statement::Signoff(Box::new(signoff(request, verdict))))
    }

    /// Takes the approvals of a request back.
    pub fn revoke(&mut self, ink: Ink<'_>, request: &Request) -> Result<Digest, Fault> {
        let revocation = Revocation {
            request: reference(request),
            environment: request.environment.clone(),
            reason: "second thoughts".to_owned(),
            presence: person(),
        };
        self.sign(ink, Statement::Revocation(revocation))
    }

    /// Starts an action that rests on every approval of the request.
    pub fn start(&mut self, ink: Ink<'_>, request: &Request, action: ActionKind) -> Result<Digest, Fault> {
        let execution = self.execution(ink, request, action);
        self.sign(ink, Statement::Execution(Box::new(execution)))
    }

    /// What starts an action: its lease is fifteen minutes.
    pub fn execution(&self, ink: Ink<'_>, request: &Request, action: ActionKind) -> Execution {
        let votes = self.timeline.requests.get(&reference(request)).map(|known| &known.votes);
        let (release, previous_release) = match (action, request.action) {
            (ActionKind::Rollback, ActionKind::Deploy) => {
                (request.previous_release.clone().unwrap(), Some(request.release.clone()))
            }
            _ => (request.release.clone(), request.previous_release.clone()),
        };
        Execution {
            action,
            environment: request.environment.clone(),
            release,
            previous_release,
            request: reference(request),
            approvals: votes.into_iter().flatten().map(|vote| vote.entry).collect(),
            policy: self.policy().digest,
            plan: Digest::of(b"plan"),
            session_key: key(90),
            lease_until: minutes(ink.at + 15),
            emergency: self.clock(request),
            reason: None,
            nonce: "nonce".to_owned(),
            screen: Digest::of(b"screen"),
            presence: person(),
        }
    }

    /// A step of an execution ended.
    pub fn step(&mut self, ink: Ink<'_>, execution: Digest) -> Result<Digest, Fault> {
        let step = StepResult {
            step: "release".to_owned(),
            result: StepEnd::Succeeded,
            exit: Some(0),
            milliseconds: 10,
            log: Digest::of(b""),
        };
        self.sign(ink, Statement::Progress(Progress { execution, step }))
    }

    /// An execution ended.
    pub fn end(&mut self, ink: Ink<'_>, execution: Digest, ending: Ending) -> Result<Digest, Fault> {
        let failed_step = (ending != Ending::Succeeded).then(|| "release".to_owned());
        let watched = (ending == Ending::Succeeded && self.watches(&execution)).then(healthy);
        self.sign(ink, Statement::Outcome(OutcomeStatement { execution, ending, failed_step, watched }))
    }

    fn watches(&self, execution: &Digest) -> bool {
        let mut tracks = self.timeline.tracks.iter();
        let of =
            tracks.find(|(_, track)| track.deployments.iter().any(|known| &known.execution == execution));
        of.and_then(|(name, _)| self.policy().environments.get(name))
            .is_some_and(|rule| rule.health.is_some())
    }

    /// A person says how one ended.
    pub fn review(&mut self, ink: Ink<'_>, execution: Digest, ending: Ending) -> Result<Digest, Fault> {
        let (reason, finding) = ("I looked".to_owned(), Finding::Interruption { ending });
        self.sign(ink, Statement::Review(Review { execution, finding, reason, presence: person() }))
    }

    /// A person signs the report of an emergency.
    pub fn report(&mut self, ink: Ink<'_>, execution: Digest) -> Result<Digest, Fault> {
        self.report_of(ink, execution, b"what happened")
    }

    /// A person signs these bytes as the report of an emergency.
    pub fn report_of(&mut self, ink: Ink<'_>, execution: Digest, bytes: &[u8]) -> Result<Digest, Fault> {
        let report = Digest::of(bytes);
        self.report_with(ink, execution, Finding::Incident { report }, report)
    }

    /// A person signs the report of a rollback.
    pub fn rollback_report(&mut self, ink: Ink<'_>, execution: Digest) -> Result<Digest, Fault> {
        let report = Digest::of(b"what happened");
        self.report_with(ink, execution, Finding::Rollback { report }, report)
    }

    /// A person releases what a rollback put into quarantine.
    pub fn release(
        &mut self,
        ink: Ink<'_>,
        rollback: Digest,
        fix: Option<CommitId>,
    ) -> Result<Digest, Fault> {
        let (reason, finding) = ("it was the network".to_owned(), Finding::Release { fix });
        let review = Review { execution: rollback, finding, reason, presence: person() };
        self.sign(ink, Statement::Review(review))
    }

    fn report_with(
        &mut self,
        ink: Ink<'_>,
        execution: Digest,
        finding: Finding,
        report: Digest,
    ) -> Result<Digest, Fault> {
        let reason = "we know why".to_owned();
        let statement = Statement::Review(Review { execution, finding, reason, presence: person() });
        let mut payload = self.payload(ink, statement);
        payload.attachments.insert(REPORT.to_owned(), report);
        let mut entry = entry(&payload, ink.by, ink.armored, None);
        entry.attachments = Some(payload.attachments.clone());
        self.take(&entry)
    }

    /// The clock of a request's emergency, from its first approval.
    fn clock(&self, request: &Request) -> Option<EmergencyClock> {
        let severity = request.emergency.as_ref()?.severity;
        let response = self.policy().emergency.as_ref()?.levels.get(&severity)?.response;
        let votes = &self.timeline.requests.get(&reference(request))?.votes;
        let declared_at = votes.iter().map(|vote| vote.at).min()?;
        Some(EmergencyClock { severity, declared_at, response })
    }

    /// Bob approves, alice deploys, and it ends like this; takes ten minutes.
    pub fn deployed(&mut self, environment: &str, number: u8, start: i64, ending: Ending) -> Request {
        let request = self.request(environment, number);
        self.vote(by("bob", start), &request, Verdict::Allow).unwrap();
        let execution = self.start(by("alice", start + 1), &request, ActionKind::Deploy).unwrap();
        self.end(by("alice", start + 10), execution, ending).unwrap();
        request
    }

    /// Alice rolls a request's deployment back.
    pub fn rolled_back(&mut self, request: &Request, start: i64, ending: Ending) -> Digest {
        let execution = self.start(by("alice", start), request, ActionKind::Rollback).unwrap();
        self.end(by("alice", start + 5), execution, ending).unwrap();
        execution
    }
}

/// A watch that saw nothing bad.
pub const fn healthy() -> Watched {
    Watched { verdict: WatchedAs::Healthy, rounds: 1, signals: vec![], triggers: vec![], doubts: vec![] }
}

/// A statement of rules.
pub fn rules(text: &str, version: u64, replaces: Option<Digest>) -> Statement {
    Statement::Policy(PolicyStatement {
        version,
        replaces,
        config: Digest::of(text.as_bytes()),
        remote: None,
        screen: Digest::of(b"screen"),
        presence: person(),
    })
}

/// A payload as an entry with one signature.
pub fn entry(payload: &Payload, file: &str, armored: &str, config: Option<&str>) -> RawEntry {
    RawEntry {
        commit: commit('c'),
        payload: payload.bytes().unwrap(),
        signatures: BTreeMap::from([(file.to_owned(), armored.to_owned())]),
        attachments: Some(BTreeMap::new()),
        config: config.map(|text| text.as_bytes().to_vec()),
    }
}

pub fn reference(request: &Request) -> RequestRef {
    request.reference(&request.bytes().unwrap())
}

/// A verdict that covers all of a request, given so many minutes after the start.
pub fn approval(request: &Request, verdict: Verdict, given: i64) -> Approval {
    Approval {
        verdict,
        action: request.action,
        environment: request.environment.clone(),
        release: request.release.clone(),
        tree: request.tree,
        policy: request.policy,
        request: reference(request),
        checklist: request.checklist,
        evidence: request.evidence,
        monitor: request.asked.monitor,
        previous_release: request.previous_release.clone(),
        on_trigger: None,
        confirmed: request.open.iter().map(|open| open.key.clone()).collect(),
        waived: vec![],
        approval_rules: request.approval_rules.clone(),
        emergency: request.emergency.as_ref().map(Emergency::declared),
        reason: Some("because".to_owned()),
        decide_by: request.decide_by,
        execute_by: minutes(given + 240),
        ledger_tip: commit('c'),
        nonce: "nonce".to_owned(),
        screen: Digest::of(b"screen"),
        assurance: "L1".to_owned(),
        presence: person(),
    }
}

/// A sign-off of the fixture's `design-review`, for the commit of a request.
pub fn signoff(request: &Request, verdict: Verdict) -> Signoff {
    Signoff {
        check: "design-review".parse().unwrap(),
        title: "Design review".to_owned(),
        group: "design".parse().unwrap(),
        commit: request.release.commit.clone(),
        tree: request.tree,
        verdict,
        reason: None,
        policy: request.policy,
        screen: Digest::of(b"screen"),
        presence: person(),
        nonce: "nonce".to_owned(),
    }
}

/// A request with the repository just as it pins it.
pub fn target(request: &Request) -> Target {
    Target {
        request: request.clone(),
        reference: reference(request),
        edited: vec![],
        tree: Some(request.tree),
        moved_to: None,
        branches: BTreeMap::from([("main".to_owned(), BranchFact::Holds)]),
        turned: BTreeMap::new(),
        missing: vec![],
        quarantined: Taints::new(),
        behind: request.behind.clone(),
    }
}

pub fn open_box(key: &str) -> OpenBox {
    OpenBox { key: key.to_owned(), item: key.to_owned(), why: String::new() }
}

/// What is known of a request's commit: of what was rolled back it holds only what it is itself.
pub fn taints(book: &Book, request: &Request) -> Taints {
    let track = book.timeline.tracks.get(&request.environment);
    let quarantined = track.into_iter().flat_map(|track| &track.quarantined);
    let taint = |undone: &CommitId| {
        if *undone == request.release.commit {
            Taint::Holds { commits: 1, fixes: vec![], kept: vec![] }
        } else {
            Taint::Clear
        }
    };
    quarantined.map(|known| (known.rollback, taint(&known.undone.commit))).collect()
}
