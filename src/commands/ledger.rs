//! The ledger: a statement becomes an entry. Signed, checked in-process, then appended by compare-and-swap.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::gather::{Moment, verify};
use crate::gate::keys::Proof;
use crate::gate::statement::{Payload, SCHEMA, Statement, canonical};
use crate::gate::terms::{CommitId, Digest, PersonName};
use crate::gate::timeline::{RawEntry, STATE, Timeline, Tip};
use crate::world::marks::{self, HighWater, MarkError, Start};
use crate::world::records::{Files, LEDGER, RecordError};
use crate::world::remote::{self, Pushed};
use crate::world::signer::{self, SigningKey};
use crate::world::sshsig::SessionKey;

/// A statement with its bytes, ready to be signed.
pub struct Unsigned {
    payload: Payload,
    bytes: Vec<u8>,
    files: Files,
}

/// An entry that was signed.
pub struct Signed {
    /// The bytes that were signed.
    pub payload: Vec<u8>,
    /// The armored signature.
    pub armored: String,
    /// Its file's name.
    pub signature_file: String,
    /// What it proves.
    pub proof: Proof,
    message: String,
    files: Files,
    by: PersonName,
    at: chrono::DateTime<chrono::Utc>,
}

/// What became of an entry.
pub enum Appended {
    /// It is in the ledger.
    Done {
        /// The git commit that holds it.
        commit: CommitId,
        /// The digest of its payload.
        digest: Digest,
    },
    /// Another entry was there first.
    Raced,
}

/// Makes the payload that follows the newest entry.
///
/// # Errors
/// The encoder's.
pub fn prepare(
    timeline: &Timeline,
    statement: Statement,
    by: &PersonName,
    at: chrono::DateTime<chrono::Utc>,
    mut files: Files,
) -> Result<Unsigned> {
    if !statement.by_session() {
        files.insert(STATE.to_owned(), canonical(&timeline.state())?);
    }
    let attachments: BTreeMap<String, Digest> =
        files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect();
    let payload = Payload {
        schema: SCHEMA.to_owned(),
        sequence: timeline.tip.as_ref().map_or(1, |tip| tip.sequence + 1),
        previous: timeline.tip.as_ref().map(|tip| tip.digest),
        repository: timeline.root,
        // Clocks of several machines differ a little; what is signed later never says that it was earlier.
        at: timeline.tip.as_ref().map_or(at, |tip| tip.at.max(at)),
        by: by.clone(),
        attachments,
        statement,
    };
    let bytes = payload.bytes()?;
    Ok(Unsigned { payload, bytes, files })
}

impl Unsigned {
    /// Has a person sign it, through `ssh-keygen`, and checks the signature before it is believed.
    ///
    /// # Errors
    /// When nothing was signed, or the signature does not verify.
    pub fn sign(self, key: &SigningKey, message: String) -> Result<Signed> {
        let namespace = self.payload.statement.namespace();
        let armored = signer::sign(key, namespace, &self.bytes)?;
        let proof = verify(&key.public, namespace, &self.bytes, &armored)
            .map_err(anyhow::Error::msg)
            .context("the signature that `ssh-keygen` made does not verify: nothing was recorded")?;
        let stem = self.payload.by.to_string();
        Ok(self.signed(armored, proof, &stem, message))
    }

    /// Signs it with the key of a running deployment.
    ///
    /// # Errors
    /// When the signature does not verify.
    pub fn sign_in_session(self, key: &SessionKey, message: String) -> Result<Signed> {
        let namespace = self.payload.statement.namespace();
        let armored = key.sign(namespace, &self.bytes);
        let proof = verify(&key.public(), namespace, &self.bytes, &armored).map_err(anyhow::Error::msg)?;
        Ok(self.signed(armored, proof, "session", message))
    }

    fn signed(self, armored: String, proof: Proof, stem: &str, message: String) -> Signed {
        let Self { payload, bytes, mut files } = self;
        let signature_file = format!("{stem}.sig");
        files.insert("payload.json".to_owned(), bytes.clone());
        files.insert(signature_file.clone(), armored.clone().into_bytes());
        Signed {
            payload: bytes,
            armored,
            signature_file,
            proof,
            message,
            files,
            by: payload.by,
            at: payload.at,
        }
    }
}

/// Appends a signed entry, if the ledger still ends where it ended when the entry was made, and takes it into the
/// timeline. What fails after the entry is in the ledger is a warning: who is told that it failed would say it again.
///
/// # Errors
/// When it cannot be written, or the remote cannot be reached: then the ledger is as it was.
pub fn append(moment: &mut Moment, signed: &Signed, remote: Option<&str>) -> Result<Appended> {
    let timeline = moment.ledger.as_ref().map_err(|_| anyhow::anyhow!("the ledger cannot be believed"))?;
    let tip = timeline.tip.as_ref().map(|tip| tip.commit.clone());
    let commit = write(moment, tip.as_ref(), signed)?;
    // What this clone would refuse to read back is not handed to others.
    let next = accepted(timeline, &commit, signed)?;
    if let Some(remote) = remote {
        // What this clone could not keep is not published either.
        moment.records.free(LEDGER)?;
        match publish(moment, remote, tip.as_ref(), &commit, signed)? {
            Pushed::Done => {}
            Pushed::Lost => return Ok(Appended::Raced),
        }
    }
    if !moved(moment, remote.is_some(), tip.as_ref(), &commit, signed)? {
        return Ok(Appended::Raced);
    }
    warn_of(moment, mark(moment, &next, signed, remote, tip.as_ref()));
    if !moment.records.holds(&commit) {
        warn_of(moment, write(moment, tip.as_ref(), signed));
    }
    moment.ledger = Ok(next);
    Ok(Appended::Done { commit, digest: Digest::of(&signed.payload) })
}

fn write(moment: &Moment, tip: Option<&CommitId>, signed: &Signed) -> Result<CommitId, RecordError> {
    moment.records.write(tip, &signed.files, signed.by.as_str(), signed.at, &signed.message)
}

/// How often an entry is written anew that was taken away.
const TRIES: usize = 5;

/// Does something with an entry. A `git gc` at the same moment may take away what no branch holds yet: then the entry is
/// written anew, and it is tried again.
fn with_entry<T, E: Into<anyhow::Error>>(
    moment: &Moment,
    tip: Option<&CommitId>,
    commit: &CommitId,
    signed: &Signed,
    act: impl Fn() -> Result<T, E>,
) -> Result<T> {
    for _ in 1..TRIES {
        match act() {
            Err(_) if !moment.records.holds(commit) => {
                write(moment, tip, signed)?;
            }
            done => return done.map_err(Into::into),
        }
    }
    act().map_err(Into::into)
}

fn publish(
    moment: &Moment,
    remote: &str,
    tip: Option<&CommitId>,
    commit: &CommitId,
    signed: &Signed,
) -> Result<Pushed> {
    // A ledger that begins to travel now is not on the remote yet.
    let there = moment.records.tip(&format!("{}/ledger", crate::world::records::FETCHED))?;
    let lease = if moment.remote.as_deref() == Some(remote) { tip } else { there.as_ref() };
    let push = || remote::push(moment.repository.root(), remote, LEDGER, lease, commit);
    with_entry(moment, tip, commit, signed, push)
}

/// Moves this clone's branch. `false` when another entry was there first.
fn moved(
    moment: &Moment,
    travelled: bool,
    tip: Option<&CommitId>,
    commit: &CommitId,
    signed: &Signed,
) -> Result<bool> {
    match with_entry(moment, tip, commit, signed, || moment.records.advance(LEDGER, tip, commit)) {
        // With a remote the entry is in the ledger once it is there; this clone then follows at its next look.
        Ok(moved) => Ok(moved || travelled),
        Err(error) if travelled || moment.records.tip(LEDGER)?.as_ref() == Some(commit) => {
            warn_of(moment, Err::<(), _>(error));
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Remembers what this clone has seen now.
fn mark(
    moment: &Moment,
    next: &Timeline,
    signed: &Signed,
    remote: Option<&str>,
    tip: Option<&CommitId>,
) -> Result<(), MarkError> {
    let Some(Tip { sequence, commit, .. }) = next.tip.clone() else { return Ok(()) };
    let travels = next.policy.as_ref().and_then(|in_force| in_force.remote.clone());
    let before = marks::high_water(&moment.common_dir)?;
    let (unsent, start) = before.map(|mark| (mark.unsent_after, mark.start)).unwrap_or_default();
    let unsent_after =
        if travels.is_some() && remote.is_none() { unsent.or_else(|| tip.cloned()) } else { None };
    // The state in it was made from the timeline here.
    let own = signed.files.contains_key(STATE).then(|| Start { sequence, commit: commit.clone() });
    let mark = HighWater { sequence, commit, remote: travels, unsent_after, start: own.or(start) };
    marks::set_high_water(&moment.common_dir, &mark)
}

fn warn_of<T>(moment: &Moment, done: Result<T, impl std::fmt::Display>) {
    if let Err(error) = done {
        moment.streams.line(&format!("warning: the entry is in the ledger, but in this clone {error}"));
    }
}

fn accepted(timeline: &Timeline, commit: &CommitId, signed: &Signed) -> Result<Timeline> {
    let stem = signed.signature_file.trim_end_matches(".sig").to_owned();
    let others =
        signed.files.iter().filter(|(name, _)| *name != "payload.json" && **name != signed.signature_file);
    let entry = RawEntry {
        commit: commit.clone(),
        payload: signed.payload.clone(),
        signatures: BTreeMap::from([(stem, signed.armored.clone())]),
        attachments: Some(others.map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect()),
        config: signed.files.get("deployctl.yaml").cloned(),
    };
    let mut next = timeline.clone();
    next.apply(&entry, verify).context("the new entry would not be accepted: nothing was recorded")?;
    match &next.idle {
        None => Ok(next),
        Some(why) => anyhow::bail!("the new entry would settle nothing, so nothing was recorded: {why}"),
    }
}
