//! The facts of one moment: the repository, the ledger as synchronised and verified, the caller, the key.

mod ahead;
mod join;
mod known;
pub mod reading;
mod stale;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};

pub use self::join::Part;
use self::join::{Place, fetch, join, settle_unsent, synchronise, unreachable_because, verified};
use self::reading::Reach;
use super::journal::index::Cache;
use crate::cli::Common;
use crate::gate::config::RawLedger;
use crate::gate::facts::{Caller, Facts, KeyFact, LedgerTrouble, Pin};
use crate::gate::keys::{Hardware, Proof, PublicKey};
use crate::gate::policy::{Policy, signed_digest};
use crate::gate::presence::Presence;
use crate::gate::reason::{Code, Reason};
use crate::gate::terms::{CommitId, Digest, Environment, Role};
use crate::gate::timeline::{TEMPLATE, Timeline};
use crate::gate::what_runs::WhatRuns;
use crate::world::config_file::{self, ConfigError};
use crate::world::marks::{self, HighWater};
use crate::world::records::{FETCHED, LEDGER, Records};
use crate::world::repository::Repository;
use crate::world::signer::{self, KeyProblem, SigningKey};
use crate::world::terminal::Streams;
use crate::world::{clock, presence, process, sshsig};

/// One moment.
pub struct Moment {
    /// When.
    pub now: DateTime<Utc>,
    /// The project's repository.
    pub repository: Repository,
    /// Its records.
    pub records: Records,
    /// The git directory that all work trees share.
    pub common_dir: PathBuf,
    /// The ledger, or why it cannot be believed.
    pub ledger: Result<Timeline, LedgerTrouble>,
    /// The trust root that is known here.
    pub pin: Pin,
    /// The remote that the records travel through.
    pub remote: Option<String>,
    /// The bytes of the work tree's `deployctl.yaml`, or why there are none.
    pub file: Result<Vec<u8>, ConfigError>,
    /// Where progress is shown.
    pub streams: Streams,
    /// What the journal was found to hold.
    pub journal: Cache,
    /// What those bytes say, once somebody asked and they are valid.
    checked: OnceCell<Policy>,
    role: Option<Role>,
}

impl Moment {
    /// Looks: opens the repository, synchronises with the remote, and verifies the ledger.
    ///
    /// # Errors
    /// When there is no repository that can be read.
    pub fn look(common: &Common) -> Result<Self> {
        let repository = Repository::open(&common.directory)?;
        let common_dir = repository.common_dir().to_owned();
        let records = Records::open(&common_dir)?;
        let file = config_file::read(repository.root());
        let checked = OnceCell::new();
        let mut remote = first_guess(&repository, &common_dir, &|| check_once(&file, &checked))?;
        let remotes = repository.remotes()?;
        let place = Place { records: &records, common_dir: &common_dir, root: repository.root() };
        let synchronised = |remote: Option<&str>| {
            let Some(remote) = remote else { return Ok(None) };
            remote_is_here(&remotes, remote)?;
            fetch(&place, remote)?;
            settle_unsent(&place, remote)?;
            join(&place, remote)
        };
        let look = |remote: Option<&str>| {
            let ledger = match synchronised(remote) {
                Ok(known) => verified(&place, known)?,
                Err(trouble) => Err(trouble),
            };
            anyhow::Ok(ledger.map_err(|trouble| trouble.through(remote)))
        };
        let mut ledger = look(remote.as_deref())?;
        // The signed policy says where the records travel; whatever was guessed from is not signed.
        let signed = ledger.as_ref().ok().and_then(|timeline| timeline.policy.as_ref());
        if let Some(signed) =
            signed.map(|in_force| in_force.remote.clone()).filter(|signed| *signed != remote)
        {
            remote = signed;
            ledger = look(remote.as_deref())?;
        }
        let root = ledger.as_ref().ok().and_then(|timeline| timeline.root);
        let pin = marks::pin(&common_dir, root)?;
        if common.verbose {
            super::person::streams(common).note(&told(&ledger, remote.as_deref()));
        }
        Ok(Self {
            now: clock::now(),
            repository,
            records,
            common_dir,
            ledger,
            pin,
            remote,
            file,
            streams: super::person::streams(common),
            journal: Cache::default(),
            checked,
            role: common.role.clone(),
        })
    }

    /// Looks again at the ledger, and at the clock.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn refresh(&mut self) -> Result<()> {
        let place =
            Place { records: &self.records, common_dir: &self.common_dir, root: self.repository.root() };
        let remote = self.remote.as_deref();
        let ledger = match synchronise(&place, remote) {
            Ok(known) => verified(&place, known)?,
            Err(trouble) => Err(trouble),
        };
        self.ledger = ledger.map_err(|trouble| trouble.through(remote));
        self.now = clock::now();
        Ok(())
    }

    /// Follows the remote's ledger in place of what this clone alone has after an entry that both have. Only for entries
    /// that are said again at once.
    ///
    /// # Errors
    /// When the remote's ledger does not continue that entry, or does not hold.
    pub fn follow_remote(&mut self, after: &CommitId) -> Result<()> {
        let here = self.records.tip(LEDGER)?;
        let there = self.records.tip(&format!("{FETCHED}/ledger"))?.context("the remote has no ledger")?;
        let chain = self.records.walk(&there, Some(after))?;
        anyhow::ensure!(
            chain.get(0).as_ref() == Some(after),
            "the remote's ledger lacks entries that this clone has seen"
        );
        let place =
            Place { records: &self.records, common_dir: &self.common_dir, root: self.repository.root() };
        let (sequence, start) = place.holds(&there, after)?;
        anyhow::ensure!(self.records.advance(LEDGER, here.as_ref(), &there)?, "the ledger moved meanwhile");
        let (commit, remote) = (there, self.remote.clone());
        let mark = HighWater { sequence, commit, remote, unsent_after: None, start };
        marks::set_high_water(&self.common_dir, &mark)?;
        self.refresh()
    }

    /// The rules in force.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.ledger.as_ref().ok()?.policy.as_ref().map(|in_force| &in_force.policy)
    }

    /// The ledger, where it can be believed.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        self.ledger.as_ref().ok()
    }

    /// What runs in an environment, as far as the records tell.
    #[must_use]
    pub fn what_runs(&self, environment: &Environment) -> WhatRuns<'_> {
        self.timeline().map(|timeline| timeline.what_runs(environment, self.now)).unwrap_or_default()
    }

    /// The ledger for a table that reaches so far back: with what is settled, which decisions do without.
    ///
    /// # Errors
    /// Why it cannot be believed.
    pub fn timeline_since(&self, reach: Reach) -> Result<Timeline, LedgerTrouble> {
        let known = self.ledger.as_ref().map_err(Clone::clone)?;
        self.place().since(known, reach)
    }

    /// The ledger with all that it says of a version, a request or an execution, also where that is settled.
    ///
    /// # Errors
    /// Why it cannot be believed.
    pub fn timeline_about(&self, name: &str) -> Result<Timeline, LedgerTrouble> {
        let known = self.ledger.as_ref().map_err(Clone::clone)?;
        self.place().about(known, name)
    }

    /// The part of the ledger that reaches so far back, where this clone knows a place to begin at.
    #[must_use]
    pub fn part(&self, reach: Reach) -> Option<Part> {
        self.place().part(self.ledger.as_ref().ok()?, reach)
    }

    fn place(&self) -> Place<'_> {
        Place { records: &self.records, common_dir: &self.common_dir, root: self.repository.root() }
    }

    /// The facts for a decision.
    #[must_use]
    pub fn facts(&self, caller: Caller, key: Option<KeyFact>) -> Facts<'_> {
        Facts { now: self.now, caller, ledger: self.ledger.as_ref(), pin: self.pin, key }
    }

    /// Who asks. `judged` is what was seen of the terminal, where that counts.
    #[must_use]
    pub fn caller(&self, judged: Option<Presence>) -> Caller {
        if let Some(role) = &self.role {
            let person = self.policy().and_then(|policy| {
                policy.people.keys().find(|person| person.as_str() == role.as_str()).cloned()
            });
            let name = role.to_string();
            let role = person.is_none().then(|| role.clone());
            return Caller { role, person, name, known_by: "`--as`".to_owned(), presence: judged };
        }
        let seen = judged.clone().unwrap_or_else(presence::look);
        let (name, email) = self.repository.user();
        // A git setting is no proof of a person; a program that has it is not one.
        let person = self
            .policy()
            .zip(email.as_deref())
            .and_then(|(policy, email)| policy.person_by_email(email))
            .filter(|_| seen.is_person_likely())
            .cloned();
        let name = match (&person, &seen.agent, &seen.ci) {
            (Some(person), ..) => person.to_string(),
            (None, Some(_), _) => "agent".to_owned(),
            (None, None, Some(_)) => "ci".to_owned(),
            (None, None, None) => name.unwrap_or_else(|| "unknown".to_owned()),
        };
        Caller { role: None, person, name, known_by: "this machine's settings".to_owned(), presence: judged }
    }

    /// The work tree's file is not what is in force: a warning, and nothing more.
    #[must_use]
    pub fn edited(&self) -> Option<Reason> {
        let policy = self.policy()?;
        // Without reading what the file says: every command comes by here.
        let root = self.repository.root();
        let templates = || templates_at(root, policy).map(|templates| digests(&templates));
        let same = |bytes: &Vec<u8>| {
            templates().is_ok_and(|found| signed_digest(Digest::of(bytes), &found) == policy.digest)
        };
        if self.file.as_ref().is_ok_and(same) {
            return None;
        }
        let what = match &self.file {
            Ok(_) => "`deployctl.yaml` here differs from the signed policy, which stays in force",
            Err(_) => "`deployctl.yaml` is not here; the signed policy stays in force",
        };
        Some(
            Reason::new(Code::PolicyEdited, what)
                .next("to change the rules, people run: deployctl approve --policy"),
        )
    }

    /// The rules to draft with: those in force, else the file's; where there is no file, none.
    ///
    /// # Errors
    /// When none are in force and the file is not valid.
    pub fn drafting_policy(&self) -> Result<Policy> {
        if let Some(policy) = self.policy() {
            return Ok(policy.clone());
        }
        match self.file_policy() {
            Err(ConfigError::Missing { .. }) => Ok(Policy::nothing()),
            file => Ok(file?.policy),
        }
    }

    /// The work tree's rules, checked, with everything that is signed with them.
    ///
    /// # Errors
    /// When the file is missing or not valid, or its templates cannot be read.
    pub fn file_policy(&self) -> Result<FilePolicy, ConfigError> {
        let root = self.repository.root();
        let bytes = self.file.as_ref().map_or_else(|_| config_file::read(root), |bytes| Ok(bytes.clone()))?;
        let known = check_once(&self.file, &self.checked).cloned();
        let policy = known.map_or_else(|| config_file::check(&bytes), Ok)?;
        let templates = templates_at(root, &policy)?;
        let policy = policy.with_templates(&digests(&templates));
        Ok(FilePolicy { bytes, templates, policy })
    }

    /// The team's own templates: those signed with the rules in force, else the work tree's.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn templates(&self) -> Result<BTreeMap<String, String>> {
        let Some(in_force) = self.timeline().and_then(|timeline| timeline.policy.as_ref()) else {
            return Ok(self.file_policy().map(|file| file.templates).unwrap_or_default());
        };
        if in_force.policy.templates.is_none() {
            return Ok(BTreeMap::new());
        }
        let files = self.records.files(&in_force.entry)?;
        let templates = files.into_iter().filter(|(name, _)| name.ends_with(TEMPLATE));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("a signed template is not UTF-8");
        templates.map(|(name, bytes)| Ok((name, text(bytes)?))).collect()
    }
}

/// The work tree's rules, and what is signed with them.
pub struct FilePolicy {
    /// The bytes of `deployctl.yaml`.
    pub bytes: Vec<u8>,
    /// The templates that it names, by file name.
    pub templates: BTreeMap<String, String>,
    /// What they say.
    pub policy: Policy,
}

/// The templates of the work tree that some rules name.
fn templates_at(root: &Path, policy: &Policy) -> Result<BTreeMap<String, String>, ConfigError> {
    match &policy.templates {
        Some(directory) => config_file::templates(root, directory),
        None => Ok(BTreeMap::new()),
    }
}

fn digests(templates: &BTreeMap<String, String>) -> BTreeMap<String, Digest> {
    templates.iter().map(|(name, source)| (name.clone(), Digest::of(source.as_bytes()))).collect()
}

/// What `--verbose` says of a look.
fn told(ledger: &Result<Timeline, LedgerTrouble>, remote: Option<&str>) -> String {
    let remote = remote.map_or_else(|| "no remote".to_owned(), |remote| format!("the remote `{remote}`"));
    match ledger {
        Ok(timeline) => {
            let entries = timeline.tip.as_ref().map_or(0, |tip| tip.sequence);
            format!("ledger: {entries} entries verified, with {remote}")
        }
        Err(_) => format!("ledger: not to be believed, with {remote}"),
    }
}

/// Where to look first: as the last time, else as the file says, else at `origin` where there is one.
fn first_guess<'a>(
    repository: &Repository,
    common_dir: &std::path::Path,
    file: &dyn Fn() -> Option<&'a Policy>,
) -> Result<Option<String>> {
    if let Some(mark) = marks::high_water(common_dir)? {
        return Ok(mark.remote);
    }
    resolve_remote(repository, &file().map(|policy| policy.ledger.clone()).unwrap_or_default())
}

/// What the work tree's file says, where it is valid; checked the first time only.
fn check_once<'a>(file: &Result<Vec<u8>, ConfigError>, checked: &'a OnceCell<Policy>) -> Option<&'a Policy> {
    if checked.get().is_none() {
        let _ = checked.set(config_file::check(file.as_ref().ok()?).ok()?);
    }
    checked.get()
}

/// The remote that a file's `ledger` means in this clone.
///
/// # Errors
/// Git's.
pub fn resolve_remote(repository: &Repository, said: &RawLedger) -> Result<Option<String>> {
    Ok(match said {
        RawLedger::None => None,
        RawLedger::Remote(name) => Some(name.clone()),
        RawLedger::Unsaid => repository.remotes()?.into_iter().find(|name| name == "origin"),
    })
}

/// A remote that this clone does not know cannot be out of reach: its name is wrong, or it was never added.
fn remote_is_here(remotes: &[String], remote: &str) -> Result<(), LedgerTrouble> {
    if remotes.iter().any(|known| known == remote) {
        return Ok(());
    }
    let known = if remotes.is_empty() { "none".to_owned() } else { format!("`{}`", remotes.join("`, `")) };
    Err(unreachable_because(format!("this clone has no git remote `{remote}`; it has {known}")))
}

/// Checks one signature in-process.
///
/// # Errors
/// Why it does not verify.
pub fn verify(key: &PublicKey, namespace: &str, message: &[u8], armored: &str) -> Result<Proof, String> {
    sshsig::verify(key, namespace, message, armored).map_err(|error| error.to_string())
}

/// A key that can sign, and what is known of it; or only why none can.
pub struct Key {
    /// The key, where there is one.
    pub signing: Option<SigningKey>,
    /// What the gate gets to know.
    pub fact: KeyFact,
}

/// Finds the key that signs: the one that was named, else the enrolled one in `~/.ssh`.
///
/// # Errors
/// When a key was named and is no key.
pub fn find_key(named: Option<&PathBuf>, policy: &Policy) -> Result<Key> {
    let path = match named {
        Some(path) => path.clone(),
        None => {
            let enrolled: Vec<PublicKey> =
                policy.people.values().flat_map(|person| person.keys.iter().cloned()).collect();
            let dir =
                process::home().context("`HOME` is not set: name the key with `--key FILE`")?.join(".ssh");
            match signer::candidates(&dir, &enrolled).into_iter().next() {
                Some(path) => path,
                None => {
                    let what = format!("no key in `{}` belongs to a person of the policy", dir.display());
                    return Ok(Key { signing: None, fact: KeyFact::Unknown { what } });
                }
            }
        }
    };
    let shown = path.display().to_string();
    let signing = match signer::open(&path) {
        Ok(signing) => signing,
        Err(KeyProblem::Unencrypted { .. }) => {
            return Ok(Key { signing: None, fact: KeyFact::Unencrypted { path: shown } });
        }
        Err(problem) => return Err(problem.into()),
    };
    if let Err(problem) = signer::held_by_agent(&signing) {
        return Ok(Key { signing: None, fact: KeyFact::InAgent { path: shown, what: problem.to_string() } });
    }
    let Some(person) = policy.person_of(&signing.public).cloned() else {
        let what =
            format!("the key `{shown}` ({}) belongs to nobody of the policy", signing.public.fingerprint());
        return Ok(Key { signing: None, fact: KeyFact::Unknown { what } });
    };
    // Before it signs, a hardware key is taken at its best; the signature itself is judged again.
    let hardware =
        signing.public.is_hardware().then_some(Hardware { touch: true, verified: true, counter: 0 });
    let proof = Proof { fingerprint: signing.public.fingerprint(), hardware };
    Ok(Key { signing: Some(signing), fact: KeyFact::Ready { person, proof } })
}
