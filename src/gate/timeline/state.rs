//! The timeline as `state.json` keeps it: everything that a later entry or a decision needs, and a reader's place to go on
//! from. What people signed is named by its entry and read there again; the signature over `state.json` covers the names.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Aftermath, Decided, Deployed, InForce, Incident, Live, Quarantine, RawEntry, Timeline, Tip, Track, Vote,
    WayBack, read_policy,
};
use crate::gate::keys::Proof;
use crate::gate::signoffs::SignedOff;
use crate::gate::statement::{
    Ending, Execution, Payload, RequestRef, Root, SCHEMA, Statement, StepResult, Watched, canonical,
};
use crate::gate::terms::{CommitId, Digest, Environment, PersonName};

/// The name of the state among the attachments.
pub const STATE: &str = "state.json";

/// Why a state cannot be gone on from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not a state of this version, or not in its one form.
    #[error("`state.json` is not a state that this version writes: {why}")]
    Malformed {
        /// What the reader said.
        why: String,
    },
    /// An entry that it names is not there, or says something else.
    #[error("`state.json` names the entry {} as {what}, and that is not there", commit.short())]
    Missing {
        /// The git commit of the entry.
        commit: CommitId,
        /// What it is named as.
        what: &'static str,
    },
    /// What it says cannot be so.
    #[error("`state.json` does not hold together: {why}")]
    Inconsistent {
        /// What is wrong.
        why: &'static str,
    },
}

/// The timeline as `state.json` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    schema: String,
    root: Option<Root>,
    tip: Option<Tip>,
    policy: Option<StatePolicy>,
    proposals: BTreeMap<Digest, BTreeSet<PersonName>>,
    environments: BTreeMap<Environment, StateTrack>,
    requests: Vec<StateRequest>,
    signoffs: Vec<StateSignoff>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatePolicy {
    version: u64,
    config: Digest,
    remote: Option<String>,
    commit: CommitId,
    by: PersonName,
    at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateTrack {
    live: Option<Live>,
    actions: Vec<StateAction>,
    ways_back: Vec<WayBack>,
    quarantined: Vec<Quarantine>,
}

/// An action; who began it, when and what with is in its own entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateAction {
    execution: Digest,
    commit: CommitId,
    /// Of one that a session began: the entry does not say all of it.
    start: Option<Execution>,
    steps: Vec<StepResult>,
    ending: Option<(Ending, DateTime<Utc>)>,
    failed_step: Option<String>,
    watched: Option<Watched>,
    reviewed: Option<String>,
    rolled_back_by: Option<Digest>,
    incident: Option<Incident>,
    aftermath: Option<Aftermath>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateRequest {
    request: RequestRef,
    votes: Vec<StateVote>,
    revoked: Option<(PersonName, String)>,
    consumed: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateVote {
    entry: Digest,
    commit: CommitId,
    proof: Proof,
    revoked: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateSignoff {
    entry: Digest,
    commit: CommitId,
    proof: Proof,
}

impl Timeline {
    /// What `state.json` of the next entry holds.
    #[must_use]
    pub fn state(&self) -> State {
        State {
            schema: SCHEMA.to_owned(),
            root: self.root,
            tip: self.tip.clone(),
            policy: self.policy.as_ref().map(StatePolicy::of),
            proposals: self.proposals.clone(),
            environments: self
                .tracks
                .iter()
                .map(|(name, track)| (name.clone(), StateTrack::of(track)))
                .collect(),
            requests: self.requests.values().map(StateRequest::of).collect(),
            signoffs: self.signoffs.iter().map(StateSignoff::of).collect(),
        }
    }
}

impl StatePolicy {
    fn of(in_force: &InForce) -> Self {
        let InForce { version, policy, remote, entry, by, at } = in_force;
        let (remote, commit, by) = (remote.clone(), entry.clone(), by.clone());
        Self { version: *version, config: policy.digest, remote, commit, by, at: *at }
    }
}

impl StateTrack {
    fn of(track: &Track) -> Self {
        Self {
            live: track.live.clone(),
            actions: track.deployments.iter().map(StateAction::of).collect(),
            ways_back: track.ways_back.clone(),
            quarantined: track.quarantined.clone(),
        }
    }
}

impl StateAction {
    fn of(deployed: &Deployed) -> Self {
        Self {
            execution: deployed.execution,
            commit: deployed.commit.clone(),
            start: deployed.automatic.then(|| deployed.start.clone()),
            steps: deployed.steps.clone(),
            ending: deployed.ending,
            failed_step: deployed.failed_step.clone(),
            watched: deployed.watched.clone(),
            reviewed: deployed.reviewed.clone(),
            rolled_back_by: deployed.rolled_back_by,
            incident: deployed.incident.clone(),
            aftermath: deployed.aftermath.clone(),
        }
    }
}

impl StateRequest {
    fn of(decided: &Decided) -> Self {
        let vote = |vote: &Vote| StateVote {
            entry: vote.entry,
            commit: vote.commit.clone(),
            proof: vote.proof.clone(),
            revoked: vote.revoked,
        };
        Self {
            request: decided.request.clone(),
            votes: decided.votes.iter().map(vote).collect(),
            revoked: decided.revoked.clone(),
            consumed: decided.consumed,
        }
    }
}

impl StateSignoff {
    fn of(said: &SignedOff) -> Self {
        Self { entry: said.entry, commit: said.commit.clone(), proof: said.proof.clone() }
    }
}

impl State {
    /// Reads the exact bytes of a `state.json`.
    ///
    /// # Errors
    /// When they are not what [`Timeline::state`] would write.
    pub fn read(bytes: &[u8]) -> Result<Self, StateError> {
        let malformed = |why: String| StateError::Malformed { why };
        let state: Self = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if state.schema != SCHEMA {
            return Err(malformed(format!("its schema is `{}`", state.schema.escape_debug())));
        }
        let written = canonical(&state).map_err(|error| malformed(error.to_string()))?;
        if written != bytes {
            return Err(malformed("it is not canonical JSON".to_owned()));
        }
        Ok(state)
    }

    /// The newest entry that it is folded up to; none where it stands before the first.
    #[must_use]
    pub const fn tip(&self) -> Option<&Tip> {
        self.tip.as_ref()
    }

    /// The commits of the entries that it names, which [`State::restore`] needs.
    #[must_use]
    pub fn entries(&self) -> BTreeSet<CommitId> {
        let policy = self.policy.iter().map(|policy| &policy.commit);
        let actions =
            self.environments.values().flat_map(|track| &track.actions).map(|action| &action.commit);
        let votes = self.requests.iter().flat_map(|request| &request.votes).map(|vote| &vote.commit);
        let signoffs = self.signoffs.iter().map(|said| &said.commit);
        policy.chain(actions).chain(votes).chain(signoffs).cloned().collect()
    }

    /// The timeline that this is the state of. The entries are bound by the digests of their payloads; nothing else of them
    /// is believed.
    ///
    /// # Errors
    /// When an entry is missing or says something else, and when what is said cannot be so.
    pub fn restore(self, entries: &[RawEntry]) -> Result<Timeline, StateError> {
        let inconsistent = |why| StateError::Inconsistent { why };
        if self.root.is_some() != self.tip.is_some() || self.root.is_some() != self.policy.is_some() {
            return Err(inconsistent("it has a root, a newest entry or a policy without the others"));
        }
        let known: BTreeMap<Digest, &RawEntry> =
            entries.iter().map(|entry| (Digest::of(&entry.payload), entry)).collect();
        let written = self.clone();
        let policy = self.policy.map(|policy| policy.restore(entries)).transpose()?;
        let mut timeline = Timeline {
            root: self.root,
            tip: self.tip,
            policy,
            proposals: self.proposals,
            ..Timeline::default()
        };
        for (name, track) in self.environments {
            let track = track.restore(&known)?;
            if track.deployments.iter().any(|action| action.start.environment != name) {
                return Err(inconsistent("an action is in the track of another environment"));
            }
            timeline.tracks.insert(name, track);
        }
        for request in self.requests {
            let decided = request.restore(&known)?;
            timeline.requests.insert(decided.request.clone(), decided);
        }
        for said in self.signoffs {
            timeline
                .signoffs
                .take(said.restore(&known)?)
                .map_err(|_| inconsistent("a sign-off says neither yes nor no"))?;
        }
        // Two requests of one name, sign-offs that end each other, what would have been let go of.
        let mut settled = timeline.clone();
        settled.settle_past();
        if timeline.state() != written || settled.state() != written {
            return Err(inconsistent("its parts are not in their places"));
        }
        Ok(timeline)
    }
}

/// The payload of an entry that a state names.
fn payload(known: &BTreeMap<Digest, &RawEntry>, entry: Digest) -> Option<Payload> {
    known.get(&entry).and_then(|entry| Payload::read(&entry.payload).ok())
}

impl StatePolicy {
    fn restore(self, entries: &[RawEntry]) -> Result<InForce, StateError> {
        let Self { version, config, remote, commit, by, at } = self;
        let read = |entry: &RawEntry| {
            let Payload { statement, attachments, .. } = Payload::read(&entry.payload).ok()?;
            match statement {
                Statement::Policy(said) if said.config == config => {
                    read_policy(&said, entry, &attachments).ok()
                }
                _ => None,
            }
        };
        let policy = entries.iter().filter(|entry| entry.commit == commit).find_map(read);
        let policy =
            policy.ok_or(StateError::Missing { commit: commit.clone(), what: "the policy in force" })?;
        Ok(InForce { version, policy, remote, entry: commit, by, at })
    }
}

impl StateTrack {
    fn restore(self, known: &BTreeMap<Digest, &RawEntry>) -> Result<Track, StateError> {
        let Self { live, actions, ways_back, quarantined } = self;
        let deployments: Result<_, _> = actions.into_iter().map(|action| action.restore(known)).collect();
        Ok(Track { deployments: deployments?, live, ways_back, quarantined, past: Vec::new() })
    }
}

impl StateAction {
    fn restore(self, known: &BTreeMap<Digest, &RawEntry>) -> Result<Deployed, StateError> {
        let missing = StateError::Missing { commit: self.commit.clone(), what: "the start of an action" };
        let Some(payload) = payload(known, self.execution) else { return Err(missing) };
        let (by, at, automatic) = (payload.by, payload.at, self.start.is_some());
        let start = match (payload.statement, self.start) {
            (Statement::Execution(start), None) => *start,
            (Statement::AutomaticRollback(said), Some(start)) if said.environment == start.environment => {
                start
            }
            _ => return Err(missing),
        };
        Ok(Deployed {
            execution: self.execution,
            commit: self.commit,
            at,
            by,
            start,
            steps: self.steps,
            ending: self.ending,
            failed_step: self.failed_step,
            watched: self.watched,
            reviewed: self.reviewed,
            rolled_back_by: self.rolled_back_by,
            incident: self.incident,
            aftermath: self.aftermath,
            automatic,
        })
    }
}

impl StateRequest {
    fn restore(self, known: &BTreeMap<Digest, &RawEntry>) -> Result<Decided, StateError> {
        let Self { request, votes, revoked, consumed } = self;
        let restore = |vote: StateVote| {
            let StateVote { entry, commit, proof, revoked } = vote;
            let missing = StateError::Missing { commit: commit.clone(), what: "a verdict" };
            let Some(Payload { by, at, statement, .. }) = payload(known, entry) else { return Err(missing) };
            match statement {
                Statement::Approval(approval) if approval.request == request => {
                    Ok(Vote { entry, commit, by, at, proof, approval: *approval, revoked })
                }
                _ => Err(missing),
            }
        };
        let votes: Result<Vec<Vote>, StateError> = votes.into_iter().map(restore).collect();
        Ok(Decided { votes: votes?, request, revoked, consumed })
    }
}

impl StateSignoff {
    fn restore(self, known: &BTreeMap<Digest, &RawEntry>) -> Result<SignedOff, StateError> {
        let Self { entry, commit, proof } = self;
        let missing = StateError::Missing { commit: commit.clone(), what: "a sign-off" };
        let Some(Payload { by, at, statement, .. }) = payload(known, entry) else { return Err(missing) };
        match statement {
            Statement::Signoff(signoff) => Ok(SignedOff { entry, commit, by, at, proof, signoff: *signoff }),
            _ => Err(missing),
        }
    }
}
