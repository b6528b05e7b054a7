//! The timeline: ledger entries folded, in order, into what is in force, approved, locked and live.
//!
//! [`Timeline::apply`] is where an entry becomes believed: its place in the chain, its exact bytes, its
//! signature under the policy in force *before* it, and what it may say at that point. Whatever does not
//! hold is a [`Fault`]; a ledger with a fault grants nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config::{ActionKind, RawLedger, RawPolicy};
use super::emergency::Declaration;
use super::keys::{Proof, PublicKey};
use super::policy::{Policy, signed_digest};
use super::signoffs::{SignedOff, Signoffs};
use super::statement::{
    Approval, Ending, Execution, Finding, Payload, PolicyStatement, Release, RequestRef, Review, Revocation,
    Root, Statement, StepResult, Verdict, Watched,
};
use super::terms::{CommitId, Digest, Environment, PersonName, Version};
pub use quarantine::{Quarantine, Released};
pub use quorum::Consumed;
pub use reports::{About, Aftermath, Report, SignedReport};
pub use settled::{ACTIONS_KEPT, DAYS_KEPT, WAYS_BACK_KEPT};
pub use state::{STATE, State, StateError};

/// One entry as it was read, before anything is believed.
#[derive(Clone, Debug)]
pub struct RawEntry {
    /// The git commit that holds it.
    pub commit: CommitId,
    /// The exact bytes of `payload.json`.
    pub payload: Vec<u8>,
    /// Armored signatures, by the file's name without `.sig`.
    pub signatures: BTreeMap<String, String>,
    /// The digests of the other files; `None` where they were not read, and only what was signed of them is known. Nothing
    /// that decides goes on to such an entry.
    pub attachments: Option<BTreeMap<String, Digest>>,
    /// `deployctl.yaml`, where the entry has one.
    pub config: Option<Vec<u8>>,
}

/// Checks one signature: the key, the namespace, the signed bytes, the armored signature.
pub type Verify = fn(&PublicKey, &str, &[u8], &str) -> Result<Proof, String>;

/// Where and why the ledger is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {sequence} ({}){}: {why}", commit.short(), signed_words(signed_by.as_ref()))]
pub struct Fault {
    /// The place that the entry has in the chain, from 1.
    pub sequence: u64,
    /// The git commit that holds it.
    pub commit: CommitId,
    /// Who signed it, where the signature is good and what it says is not.
    pub signed_by: Option<Signer>,
    /// What is wrong.
    pub why: String,
}

/// Who signed an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// A person.
    Person(PersonName),
    /// The session of a deployment that a person began.
    Session(PersonName),
}

impl Signer {
    /// The person.
    #[must_use]
    pub const fn person(&self) -> &PersonName {
        match self {
            Self::Person(person) | Self::Session(person) => person,
        }
    }

    fn of(payload: &Payload) -> Self {
        let by = payload.by.clone();
        if payload.statement.by_session() { Self::Session(by) } else { Self::Person(by) }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(out, "`{person}`"),
            Self::Session(person) => write!(out, "the session of `{person}`"),
        }
    }
}

fn signed_words(signer: Option<&Signer>) -> String {
    signer.map_or_else(String::new, |signer| format!(", signed by {signer}"))
}

/// Everything the ledger says.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The trust root, once founded.
    pub root: Option<Root>,
    /// The newest entry.
    pub tip: Option<Tip>,
    /// The rules in force.
    pub policy: Option<InForce>,
    /// New rules that wait for more signatures: by the digest of the file, who signed.
    pub proposals: BTreeMap<Digest, BTreeSet<PersonName>>,
    /// Requests that people said something about.
    pub requests: BTreeMap<RequestRef, Decided>,
    /// What happened in each environment.
    pub tracks: BTreeMap<Environment, Track>,
    /// What people signed about checks.
    pub signoffs: Signoffs,
    /// Why the newest entry settles nothing, where a person of the policy signed what cannot be so. It is no fault: else
    /// one person could end the ledger for all.
    pub idle: Option<String>,
    /// What is settled, where it is remembered: for tables, never for a decision.
    pub past: Past,
    /// The latest moment that any entry names that was taken here, also one that settles nothing.
    pub latest: Option<DateTime<Utc>>,
}

/// What people said of requests that are settled.
#[derive(Clone, Debug, Default)]
pub struct Past {
    remembered: bool,
    requests: BTreeMap<RequestRef, Decided>,
}

/// The newest entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tip {
    /// Its place, from 1.
    pub sequence: u64,
    /// The digest of its payload.
    pub digest: Digest,
    /// The git commit that holds it.
    pub commit: CommitId,
    /// The latest moment that any entry so far names that settles something.
    pub at: DateTime<Utc>,
}

/// The rules in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// 1 for the first.
    pub version: u64,
    /// The rules.
    pub policy: Policy,
    /// The remote the records travel through.
    pub remote: Option<String>,
    /// The git commit of the entry that brought them into force.
    pub entry: CommitId,
    /// Who signed them last.
    pub by: PersonName,
    /// When.
    pub at: DateTime<Utc>,
}

/// What people said about a request.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The request.
    pub request: RequestRef,
    /// Every verdict, in order.
    pub votes: Vec<Vote>,
    /// The revocation that ended the approvals before it, and who signed it.
    pub revoked: Option<(PersonName, String)>,
    /// The execution that consumed it.
    pub consumed: Option<Digest>,
}

/// One verdict.
#[derive(Clone, Debug)]
pub struct Vote {
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
    pub approval: Approval,
    /// Whether a later revocation ended it.
    pub revoked: bool,
}

/// What happened in one environment.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// The newest production actions and those that are not settled, in order.
    pub deployments: Vec<Deployed>,
    /// What is live, as far as a good ending says.
    pub live: Option<Live>,
    /// What was live, in the order in which it last became so.
    pub ways_back: Vec<WayBack>,
    /// What was rolled back, in order.
    pub quarantined: Vec<Quarantine>,
    /// The actions that are settled, where they are remembered: for tables, never for a decision.
    pub past: Vec<Deployed>,
}

/// A release that was live: a rollback may go there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WayBack {
    /// Its version.
    pub version: Version,
    /// Its commit.
    pub commit: CommitId,
    /// The deployment that made it live.
    pub execution: Digest,
    /// Whether that deployment was undone.
    pub undone: bool,
}

/// What is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The release.
    #[serde(flatten)]
    pub release: Release,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The deployment that brought it, by its execution.
    pub execution: Digest,
}

/// One production action.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The digest of the execution's payload.
    pub execution: Digest,
    /// The git commit that holds it.
    pub commit: CommitId,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Who executed.
    pub by: PersonName,
    /// What was said at the start.
    pub start: Execution,
    /// The steps that ended.
    pub steps: Vec<StepResult>,
    /// How it ended, and when; `None` while it holds the environment.
    pub ending: Option<(Ending, DateTime<Utc>)>,
    /// The step at which it ended badly.
    pub failed_step: Option<String>,
    /// What the watch after the steps saw, where there was one.
    pub watched: Option<Watched>,
    /// What a person found, where one had to look.
    pub reviewed: Option<String>,
    /// The execution of the rollback that undid it.
    pub rolled_back_by: Option<Digest>,
    /// What an emergency leaves to do.
    pub incident: Option<Incident>,
    /// What a rollback leaves to do.
    pub aftermath: Option<Aftermath>,
    /// Whether the session of what it undoes began it by itself.
    pub automatic: bool,
}

/// What an emergency leaves to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// What was declared.
    pub declared: Declaration,
    /// The last moment for a response in time, where the policy named a span.
    pub respond_by: Option<DateTime<Utc>>,
    /// The last moment for the review before it holds other deployments up.
    pub review_by: DateTime<Utc>,
    /// The review, once a person signed one.
    pub review: Option<SignedReport>,
}

impl Decided {
    /// What a person said last.
    fn newest(&self, person: &PersonName) -> Option<Verdict> {
        self.votes.iter().rev().find(|vote| &vote.by == person).map(|vote| vote.approval.verdict)
    }
}

impl Track {
    /// The action that holds the environment.
    #[must_use]
    pub fn lock(&self) -> Option<&Deployed> {
        self.deployments.iter().find(|deployed| deployed.ending.is_none())
    }

    /// The newest action whose ending leaves in doubt what runs: failed or interrupted, with nothing after it.
    #[must_use]
    pub fn doubt(&self) -> Option<&Deployed> {
        let last = self.deployments.last()?;
        matches!(last.ending, Some((Ending::Failed | Ending::Interrupted, _))).then_some(last)
    }

    /// The newest action, where it was interrupted and nobody has said yet what runs.
    #[must_use]
    pub fn interrupted(&self) -> Option<&Deployed> {
        self.doubt().filter(|doubt| matches!(doubt.ending, Some((Ending::Interrupted, _))))
    }

    /// The deployment that a rollback would undo: the newest one that is not undone, whether it is live or failed.
    #[must_use]
    pub fn to_undo(&self) -> Option<&Deployed> {
        let newest =
            self.deployments.iter().rev().find(|deployed| deployed.start.action == ActionKind::Deploy)?;
        if newest.rolled_back_by.is_none()
            && newest.ending.map(|(ending, _)| ending) != Some(Ending::Succeeded)
        {
            return Some(newest);
        }
        let live = self.live.as_ref()?;
        self.deployments.iter().find(|deployed| {
            deployed.execution == live.execution && deployed.start.action == ActionKind::Deploy
        })
    }
}

impl Timeline {
    /// Takes one more entry.
    ///
    /// # Errors
    /// The fault of the entry; the timeline is then not to be used.
    pub fn apply(&mut self, entry: &RawEntry, verify: Verify) -> Result<(), Fault> {
        let sequence = self.tip.as_ref().map_or(1, |tip| tip.sequence + 1);
        let accepted = self.accept(entry, sequence, verify);
        accepted.map_err(|why| {
            let commit = entry.commit.clone();
            // The tip goes on once the signature was found to be good.
            let is_signed = self.tip.as_ref().is_some_and(|tip| tip.sequence == sequence);
            let payload = Payload::read(&entry.payload).ok().filter(|_| is_signed);
            Fault { sequence, commit, signed_by: payload.as_ref().map(Signer::of), why }
        })?;
        self.settle_past();
        Ok(())
    }

    fn accept(&mut self, entry: &RawEntry, sequence: u64, verify: Verify) -> Result<(), String> {
        let payload = Payload::read(&entry.payload).map_err(|error| error.to_string())?;
        let digest = Digest::of(&entry.payload);
        self.check_place(&payload, sequence)?;
        if entry.attachments.as_ref().is_some_and(|read| *read != payload.attachments) {
            return Err("its files are not the ones that were signed".to_owned());
        }
        let founding = match (&payload.statement, &self.policy) {
            (Statement::Policy(statement), None) => {
                Some(read_policy(statement, entry, &payload.attachments)?)
            }
            (_, None) => return Err("the ledger does not begin with a policy".to_owned()),
            _ => None,
        };
        let proof = self.check_signature(&payload, entry, founding.as_ref(), verify)?;
        self.latest = self.latest.max(Some(payload.at));
        let before = self.tip.as_ref().map(|tip| tip.at);
        let at = before.map_or(payload.at, |before| before.max(payload.at));
        self.tip = Some(Tip { sequence, digest, commit: entry.commit.clone(), at });
        if let Some(policy) = founding {
            self.root = Some(Root::of(&entry.payload));
            return self.found(payload, policy, entry.commit.clone());
        }
        let Payload { by, at, attachments, statement, .. } = payload;
        let signed = Signed { digest, commit: entry.commit.clone(), by, at, proof, attachments };
        self.take(statement, entry, signed)?;
        // What settles nothing does not settle either how late it is.
        if self.idle.is_some()
            && let (Some(tip), Some(before)) = (&mut self.tip, before)
        {
            tip.at = before;
        }
        Ok(())
    }

    fn take(&mut self, statement: Statement, entry: &RawEntry, signed: Signed) -> Result<(), String> {
        self.idle = None;
        match statement {
            Statement::Policy(statement) => self.propose(&statement, entry, &signed),
            Statement::Approval(approval) => {
                self.idle = self.vote(*approval, signed).err();
                Ok(())
            }
            Statement::Revocation(revocation) => {
                self.idle = self.revoke(&revocation, &signed).err();
                Ok(())
            }
            Statement::Execution(execution) => self.start(*execution, signed),
            Statement::Progress(progress) => {
                self.running(&progress.execution)?.steps.push(progress.step);
                Ok(())
            }
            Statement::Outcome(outcome) => {
                self.idle = self.end(&outcome, signed.at).err();
                Ok(())
            }
            Statement::AutomaticRollback(said) => self.roll_back(*said, signed),
            Statement::Review(review) => {
                let settled = match review.finding {
                    Finding::Interruption { ending } => self.review(review, ending, &signed),
                    Finding::Incident { report } => {
                        self.settle_report(&review, (About::Incident, report), signed)
                    }
                    Finding::Release { ref fix } => {
                        let fix = fix.clone();
                        self.release(review, fix, &signed)
                    }
                    Finding::Rollback { report } => {
                        self.settle_report(&review, (About::Rollback, report), signed)
                    }
                };
                self.idle = settled.err();
                Ok(())
            }
            Statement::Signoff(signoff) => {
                let Signed { digest, commit, by, at, proof, .. } = signed;
                let said = SignedOff { entry: digest, commit, by, at, proof, signoff: *signoff };
                self.idle = self.signoffs.take(said).err();
                Ok(())
            }
        }
    }

    fn check_place(&self, payload: &Payload, sequence: u64) -> Result<(), String> {
        if payload.sequence != sequence {
            return Err(format!("it says that it is entry {}, and stands at {sequence}", payload.sequence));
        }
        if payload.previous != self.tip.as_ref().map(|tip| tip.digest) {
            return Err("it does not follow the entry before it".to_owned());
        }
        if payload.repository != self.root {
            return Err("it was signed for another repository's ledger".to_owned());
        }
        Ok(())
    }

    fn check_signature(
        &self,
        payload: &Payload,
        entry: &RawEntry,
        founding: Option<&Policy>,
        verify: Verify,
    ) -> Result<Proof, String> {
        let (file, keys) = if payload.statement.by_session() {
            ("session", self.session_keys(payload)?)
        } else {
            let policy = founding.or(self.policy.as_ref().map(|in_force| &in_force.policy));
            let person = policy.and_then(|policy| policy.people.get(&payload.by));
            let person =
                person.ok_or_else(|| format!("`{}` is not a person of the policy in force", payload.by))?;
            (payload.by.as_str(), person.keys.clone())
        };
        let mut signatures = entry.signatures.iter();
        let (Some((name, armored)), None) = (signatures.next(), signatures.next()) else {
            return Err("it does not carry exactly one signature".to_owned());
        };
        if name != file {
            return Err(format!("it carries the signature of `{}`, not of `{file}`", name.escape_debug()));
        }
        let namespace = payload.statement.namespace();
        let mut last = format!("`{file}` has no key");
        for key in &keys {
            match verify(key, namespace, &entry.payload, armored) {
                Ok(proof) => return Ok(proof),
                Err(why) => last = why,
            }
        }
        Err(format!("the signature of `{file}` does not verify: {last}"))
    }

    fn session_keys(&self, payload: &Payload) -> Result<Vec<PublicKey>, String> {
        let execution = match &payload.statement {
            Statement::Progress(progress) => &progress.execution,
            Statement::Outcome(outcome) => &outcome.execution,
            Statement::AutomaticRollback(said) => &said.execution,
            _ => return Err("it is not a session's to say".to_owned()),
        };
        let deployed = self
            .tracks
            .values()
            .flat_map(|track| &track.deployments)
            .find(|deployed| &deployed.execution == execution)
            .ok_or("it is about an execution that the ledger does not hold")?;
        match (&payload.statement, deployed.ending) {
            (Statement::AutomaticRollback(_), None) => {
                return Err("it undoes a deployment that has not ended".to_owned());
            }
            (Statement::AutomaticRollback(_), Some(_)) | (_, None) => {}
            (_, Some(_)) => return Err("it is about a deployment that has ended".to_owned()),
        }
        if deployed.by != payload.by {
            return Err(format!("`{}` did not start that deployment", payload.by));
        }
        Ok(vec![deployed.start.session_key.clone()])
    }

    fn found(&mut self, payload: Payload, policy: Policy, entry: CommitId) -> Result<(), String> {
        let Statement::Policy(statement) = payload.statement else {
            return Err("the ledger does not begin with a policy".to_owned());
        };
        if statement.version != 1 || statement.replaces.is_some() {
            return Err("the first policy is not version 1".to_owned());
        }
        self.policy = Some(InForce {
            version: 1,
            policy,
            remote: statement.remote,
            entry,
            by: payload.by,
            at: payload.at,
        });
        Ok(())
    }

    fn propose(
        &mut self,
        statement: &PolicyStatement,
        entry: &RawEntry,
        signed: &Signed,
    ) -> Result<(), String> {
        let in_force = self.policy.as_ref().ok_or("the ledger does not begin with a policy")?;
        if statement.version != in_force.version + 1 || statement.replaces != Some(in_force.policy.digest) {
            return Err(format!(
                "it is policy {} on another policy than {}, which is in force: an older policy cannot come back",
                statement.version, in_force.version
            ));
        }
        let policy = read_policy(statement, entry, &signed.attachments)?;
        let (_, required) = in_force.policy.policy_quorum();
        let counts = in_force.policy.counts_for_policy(&signed.by, &signed.proof);
        let version = statement.version;
        let signers = self.proposals.entry(statement.config).or_default();
        if counts {
            signers.insert(signed.by.clone());
        }
        if signers.len() >= required as usize {
            self.proposals.clear();
            let (entry, by, at) = (signed.commit.clone(), signed.by.clone(), signed.at);
            self.policy = Some(InForce { version, policy, remote: statement.remote.clone(), entry, by, at });
        }
        Ok(())
    }

    /// Somebody says something about a request. Whoever names it wrongly says nothing about it, and nothing about any other.
    fn vote(&mut self, approval: Approval, signed: Signed) -> Result<(), String> {
        let request = approval.request.clone();
        if request != RequestRef::of(&approval.release.version, request.digest) {
            return Err("it names its request wrongly".to_owned());
        }
        let decided = self.requests.entry(request.clone()).or_insert_with(|| Decided {
            request,
            votes: Vec::new(),
            revoked: None,
            consumed: None,
        });
        let Signed { digest, commit, by, at, proof, .. } = signed;
        decided.votes.push(Vote { entry: digest, commit, by, at, proof, approval, revoked: false });
        Ok(())
    }

    /// Ends the approvals of a request; else says why not, and changes nothing.
    fn revoke(&mut self, revocation: &Revocation, signed: &Signed) -> Result<(), String> {
        let decided = self.requests.get_mut(&revocation.request);
        let decided = decided.ok_or("it revokes an approval that the ledger does not hold")?;
        for vote in &mut decided.votes {
            vote.revoked |= vote.approval.verdict == Verdict::Allow;
        }
        decided.revoked = Some((signed.by.clone(), revocation.reason.clone()));
        Ok(())
    }

    fn start(&mut self, execution: Execution, signed: Signed) -> Result<(), String> {
        self.check_consumption(&execution, &signed)?;
        self.check_executor(&execution, &signed)?;
        self.begin(execution, signed, false)
    }

    /// An action begins that may.
    fn begin(&mut self, execution: Execution, signed: Signed, automatic: bool) -> Result<(), String> {
        self.check_lease(&execution, signed.at)?;
        let own = !automatic && self.rests_on_its_own(&execution);
        let way_back = self.check_way_back(&execution, own);
        let incident = self.incident(&execution, signed.at)?;
        let aftermath = self.aftermath(&execution, signed.at);
        let track = self.tracks.entry(execution.environment.clone()).or_default();
        if let Some(lock) = track.lock()
            && (signed.at <= lock.start.lease_until || execution.action == ActionKind::Deploy)
        {
            return Err("it starts while another deployment holds the environment".to_owned());
        }
        way_back?;
        if (own || execution.action == ActionKind::Deploy)
            && let Some(decided) = self.requests.get_mut(&execution.request)
        {
            decided.consumed = Some(signed.digest);
        }
        // A rollback of a deployment that never said how it ended settles that it was interrupted.
        for open in track.deployments.iter_mut().filter(|deployed| deployed.ending.is_none()) {
            open.ending = Some((Ending::Interrupted, signed.at));
        }
        let Signed { digest, commit, by, at, .. } = signed;
        track.tries_again(aftermath.as_ref());
        track.deployments.push(Deployed {
            execution: digest,
            commit,
            at,
            by,
            start: execution,
            steps: Vec::new(),
            ending: None,
            failed_step: None,
            watched: None,
            reviewed: None,
            rolled_back_by: None,
            incident,
            aftermath,
            automatic,
        });
        Ok(())
    }

    /// An execution must rest on approvals that the ledger holds, for the same thing. What a rollback rests on
    /// was consumed by the deployment it undoes; a deployment's, and a rollback's own, must be good now.
    fn check_consumption(&self, execution: &Execution, signed: &Signed) -> Result<(), String> {
        let decided = self.requests.get(&execution.request);
        let decided = decided.ok_or("it rests on an approval that the ledger does not hold")?;
        if execution.approvals.is_empty() {
            return Err("it rests on no approval".to_owned());
        }
        let mut votes = Vec::new();
        for wanted in &execution.approvals {
            let vote = decided.votes.iter().find(|vote| &vote.entry == wanted);
            let vote = vote.ok_or("it rests on an approval that the ledger does not hold")?;
            let approval = &vote.approval;
            if approval.verdict != Verdict::Allow {
                return Err("it rests on a verdict that is no approval".to_owned());
            }
            let (covered, previous) = back::covers(approval, execution.action)?;
            if approval.environment != execution.environment
                || covered != Some(&execution.release)
                || previous != execution.previous_release.as_ref()
            {
                return Err("it does what its approval does not cover".to_owned());
            }
            votes.push(vote);
        }
        let own = |vote: &&Vote| back::is_own(&vote.approval);
        match execution.action {
            ActionKind::Rollback if !votes.iter().any(own) => Ok(()),
            ActionKind::Rollback if !votes.iter().all(own) => {
                Err("it rests on approvals of a deployment and of a rollback".to_owned())
            }
            ActionKind::Deploy | ActionKind::Rollback => {
                self.check_approved(decided, &votes, execution, signed)
            }
        }
    }

    /// The votes that are consumed: unused, standing, in time, under the rules in force, of enough people.
    fn check_approved(
        &self,
        decided: &Decided,
        votes: &[&Vote],
        execution: &Execution,
        signed: &Signed,
    ) -> Result<(), String> {
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let policy = policy.ok_or("the ledger does not begin with a policy")?;
        let rule = policy.environments.get(&execution.environment).and_then(|rule| rule.approvals.as_ref());
        let rule = rule.ok_or("nobody approves this environment")?;
        let places = votes.first().map(|vote| vote.approval.approval_rules.as_slice()).unwrap_or_default();
        if rule.rules_at(places).is_none() || votes.iter().any(|vote| vote.approval.approval_rules != places)
        {
            return Err("its approvals name other approval rules than the policy has".to_owned());
        }
        let rule = &rule.needed(places);
        if decided.consumed.is_some() {
            return Err("its approval was used before".to_owned());
        }
        if decided
            .votes
            .iter()
            .any(|vote| vote.approval.verdict == Verdict::Deny && rule.from.contains(&vote.by))
        {
            return Err("a person denied it".to_owned());
        }
        if votes.iter().any(|vote| vote.revoked) {
            return Err("its approval was revoked".to_owned());
        }
        if rule.from.iter().any(|person| decided.newest(person) == Some(Verdict::Hold)) {
            return Err("a person holds it".to_owned());
        }
        if votes.iter().any(|vote| signed.at > vote.approval.execute_by) {
            return Err("its approval had ended".to_owned());
        }
        if execution.policy != policy.digest || votes.iter().any(|vote| vote.approval.policy != policy.digest)
        {
            return Err("it was approved under other rules".to_owned());
        }
        match rule.lacks(&quorum::behind(rule, votes, &signed.by)) {
            Some(lack) => Err(format!("{} of {} people{} approved it", lack.have, lack.required, lack.of)),
            None => Ok(()),
        }
    }

    fn running(&mut self, execution: &Digest) -> Result<&mut Deployed, String> {
        self.tracks
            .values_mut()
            .flat_map(|track| &mut track.deployments)
            .find(|deployed| &deployed.execution == execution && deployed.ending.is_none())
            .ok_or_else(|| "it is about a deployment that is not running".to_owned())
    }

    /// A person says what an interrupted deployment came to; else says why that settles nothing, and changes nothing.
    fn review(&mut self, review: Review, ending: Ending, signed: &Signed) -> Result<(), String> {
        self.check_review(&review.execution, signed)?;
        let at = signed.at;
        let holds = |track: &&mut Track| {
            track.deployments.iter().any(|deployed| deployed.execution == review.execution)
        };
        let track = self.tracks.values_mut().find(holds);
        let track = track.ok_or("it reviews a deployment that the ledger does not hold")?;
        let deployed = track.deployments.last_mut().filter(|newest| newest.execution == review.execution);
        let deployed = deployed.ok_or("it reviews a deployment that another one followed")?;
        match deployed.ending {
            Some((Ending::Interrupted, _)) => {}
            None if at > deployed.start.lease_until => {}
            None => return Err("it reviews a deployment that still holds the environment".to_owned()),
            Some(_) => return Err("it reviews a deployment that was not interrupted".to_owned()),
        }
        deployed.ending = Some((ending, at));
        deployed.reviewed = Some(review.reason);
        let deployed = deployed.clone();
        self.settle(&deployed, ending, at);
        Ok(())
    }

    /// What a good ending makes live, and what a good rollback puts into quarantine.
    fn settle(&mut self, deployed: &Deployed, ending: Ending, at: DateTime<Utc>) {
        if ending != Ending::Succeeded {
            return;
        }
        let track = self.tracks.entry(deployed.start.environment.clone()).or_default();
        let release = deployed.start.release.clone();
        if deployed.start.action == ActionKind::Deploy {
            track.went_live(release.clone(), deployed.execution, false);
            track.live = Some(Live { release, since: at, execution: deployed.execution });
            return;
        }
        let undone = track.to_undo().map(|undone| (undone.execution, undone.start.release.clone()));
        let Some((undone, rolled_back)) = undone else { return };
        track.quarantine(deployed, &rolled_back, at);
        for known in track.deployments.iter_mut().filter(|known| known.execution == undone) {
            known.rolled_back_by = Some(deployed.execution);
        }
        let execution = track.live_again(&release, undone, deployed.execution);
        track.live = Some(Live { release, since: at, execution });
    }
}

/// Who said it, where and when, and of which files.
struct Signed {
    digest: Digest,
    commit: CommitId,
    by: PersonName,
    at: DateTime<Utc>,
    proof: Proof,
    attachments: BTreeMap<String, Digest>,
}

fn read_policy(
    statement: &PolicyStatement,
    entry: &RawEntry,
    attachments: &BTreeMap<String, Digest>,
) -> Result<Policy, String> {
    let bytes = entry.config.as_deref().ok_or("it does not hold the `deployctl.yaml` it signs")?;
    let is_template = |(name, _): &(&String, &Digest)| name.ends_with(TEMPLATE);
    let templates = attachments.iter().filter(is_template);
    let templates = templates.map(|(name, digest)| (name.clone(), *digest)).collect();
    if signed_digest(Digest::of(bytes), &templates) != statement.config {
        return Err("its `deployctl.yaml` is not the one that was signed".to_owned());
    }
    let raw = RawPolicy::parse(bytes)
        .map_err(|error| format!("its `deployctl.yaml` is not valid: {}", error.message))?;
    // People sign one file: where its records travel is not each signer's to say.
    let meant = match &raw.ledger {
        RawLedger::None => statement.remote.is_none(),
        RawLedger::Remote(name) => statement.remote.as_ref() == Some(name),
        RawLedger::Unsaid => statement.remote.as_deref().is_none_or(|name| name == "origin"),
    };
    if !meant {
        return Err("it names another remote than its `deployctl.yaml`".to_owned());
    }
    let policy = Policy::check(raw, bytes).map_err(|problems| {
        let first = problems
            .first()
            .map_or_else(String::new, |problem| format!("{}: {}", problem.path, problem.message));
        format!("its `deployctl.yaml` is not valid: {first}")
    })?;
    Ok(policy.with_templates(&templates))
}

/// How the attachments end that are page templates.
pub const TEMPLATE: &str = ".tera";

mod automatic_rollback;
mod back;
mod incident;
mod outcome;
mod quarantine;
mod quorum;
mod reports;
mod settled;
mod start;
mod state;
#[cfg(test)]
mod tests;
