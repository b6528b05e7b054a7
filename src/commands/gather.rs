//! The facts of one moment: the repository, the ledger as synchronised and verified, the caller, the key.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};

use crate::cli::Common;
use crate::gate::config::RawLedger;
use crate::gate::facts::{Caller, Facts, KeyFact, LedgerTrouble, Pin};
use crate::gate::keys::{Hardware, Proof, PublicKey};
use crate::gate::policy::{Policy, signed_digest};
use crate::gate::presence::Presence;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::Payload;
use crate::gate::terms::{CommitId, Digest, Role};
use crate::gate::timeline::{Fault, TEMPLATE, Timeline};
use crate::world::config_file::{self, ConfigError};
use crate::world::marks::{self, HighWater};
use crate::world::records::{FETCHED, JOURNAL, LEDGER, RecordError, Records};
use crate::world::remote::{self, Pushed};
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
        let synchronised = |remote: Option<&str>| {
            let Some(remote) = remote else { return Ok(()) };
            remote_is_here(&remotes, remote)?;
            remote::fetch(repository.root(), remote, FETCHED).map_err(unreachable_because)?;
            settle_unsent(&records, &common_dir, remote)?;
            join(&records, repository.root(), remote)
        };
        let look = |remote: Option<&str>| match synchronised(remote) {
            Ok(()) => verified(&records, &common_dir),
            Err(trouble) => Ok(Err(trouble)),
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
            checked,
            role: common.role.clone(),
        })
    }

    /// Looks again at the ledger, and at the clock.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn refresh(&mut self) -> Result<()> {
        self.ledger = match synchronise(&self.records, self.repository.root(), self.remote.as_deref()) {
            Ok(()) => verified(&self.records, &self.common_dir)?,
            Err(trouble) => Err(trouble),
        };
        self.now = clock::now();
        Ok(())
    }

    /// Follows the remote's ledger in place of what this clone alone has after an entry that both have. Only for entries
    /// that are said again at once.
    ///
    /// # Errors
    /// When the remote's ledger does not continue that entry.
    pub fn follow_remote(&mut self, after: &CommitId) -> Result<()> {
        let here = self.records.tip(LEDGER)?;
        let there = self.records.tip(&format!("{FETCHED}/ledger"))?.context("the remote has no ledger")?;
        let chain = self.records.chain(&there)?;
        anyhow::ensure!(chain.contains(after), "the remote's ledger lacks entries that this clone has seen");
        anyhow::ensure!(self.records.advance(LEDGER, here.as_ref(), &there)?, "the ledger moved meanwhile");
        let mark = HighWater {
            sequence: chain.len() as u64,
            commit: there,
            remote: self.remote.clone(),
            unsent_after: None,
        };
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

fn unreachable_because(why: impl ToString) -> LedgerTrouble {
    LedgerTrouble::Unreachable { why: why.to_string() }
}

/// Brings the two branches and the remote's together.
fn synchronise(records: &Records, root: &std::path::Path, remote: Option<&str>) -> Result<(), LedgerTrouble> {
    let Some(remote) = remote else { return Ok(()) };
    remote::fetch(root, remote, FETCHED).map_err(unreachable_because)?;
    join(records, root, remote)
}

fn join(records: &Records, root: &std::path::Path, remote: &str) -> Result<(), LedgerTrouble> {
    join_ledger(records, root, remote)?;
    // A journal that cannot be joined blocks nothing: it is what machines said.
    let _ = join_journal(records, root, remote);
    Ok(())
}

/// A remote that this clone does not know cannot be out of reach: its name is wrong, or it was never added.
fn remote_is_here(remotes: &[String], remote: &str) -> Result<(), LedgerTrouble> {
    if remotes.iter().any(|known| known == remote) {
        return Ok(());
    }
    let known = if remotes.is_empty() { "none".to_owned() } else { format!("`{}`", remotes.join("`, `")) };
    Err(unreachable_because(format!("this clone has no git remote `{remote}`; it has {known}")))
}

/// What a deployment said of itself while the remote was away is lost once others went on there: its key is gone. The
/// remote's ledger counts; the deployment is then interrupted, and a person says what runs. What was said is kept aside.
fn settle_unsent(records: &Records, common_dir: &std::path::Path, remote: &str) -> Result<(), LedgerTrouble> {
    let broken = |error: RecordError| LedgerTrouble::Tampered { why: error.to_string() };
    let tips =
        (records.tip(LEDGER).map_err(broken)?, records.tip(&format!("{FETCHED}/ledger")).map_err(broken)?);
    let (Some(here), Some(there)) = tips else { return Ok(()) };
    if here == there {
        return Ok(());
    }
    let theirs = records.chain(&there).map_err(broken)?;
    let ours = records.chain(&here).map_err(broken)?;
    let unsent: Vec<&CommitId> = ours.iter().take_while(|entry| !theirs.contains(entry)).collect();
    let shared = ours.get(unsent.len());
    // Only what is known never to have been sent: an entry that the remote had and lacks now was taken away.
    let mark =
        marks::high_water(common_dir).map_err(|error| LedgerTrouble::Tampered { why: error.to_string() })?;
    let known = mark.and_then(|mark| mark.unsent_after);
    let parted = !unsent.is_empty() && known.is_some() && known.as_ref() == shared && !ours.contains(&there);
    if !parted || !unsent.iter().all(|entry| is_session_entry(records, entry)) {
        return Ok(());
    }
    let Some(place) = shared.and_then(|shared| theirs.iter().position(|entry| entry == shared)) else {
        return Ok(());
    };
    let aside = format!("refs/deployctl/unsent/{}", here.short());
    records.advance(&aside, None, &here).map_err(broken)?;
    records.advance(LEDGER, Some(&here), &there).map_err(broken)?;
    let sequence = (theirs.len() - place) as u64;
    let mark = HighWater {
        sequence,
        commit: theirs[place].clone(),
        remote: Some(remote.to_owned()),
        unsent_after: None,
    };
    marks::set_high_water(common_dir, &mark)
        .map_err(|error| LedgerTrouble::Tampered { why: error.to_string() })
}

fn is_session_entry(records: &Records, entry: &CommitId) -> bool {
    let payload = records.files(entry).ok().and_then(|mut files| files.remove("payload.json"));
    payload.and_then(|bytes| Payload::read(&bytes).ok()).is_some_and(|payload| payload.statement.by_session())
}

fn join_ledger(records: &Records, root: &std::path::Path, remote: &str) -> Result<(), LedgerTrouble> {
    let broken = |error: RecordError| LedgerTrouble::Tampered { why: error.to_string() };
    let here = records.tip(LEDGER).map_err(broken)?;
    let there = records.tip(&format!("{FETCHED}/ledger")).map_err(broken)?;
    let (here, there) = match (here, there) {
        (None, None) => return Ok(()),
        (None, Some(there)) => {
            records.advance(LEDGER, None, &there).map_err(broken)?;
            return Ok(());
        }
        (Some(_), None) => {
            let why = format!("the remote `{remote}` has no ledger, and this clone has one");
            return Err(LedgerTrouble::Rewound { why });
        }
        (Some(here), Some(there)) => (here, there),
    };
    if here == there {
        return Ok(());
    }
    if records.chain(&there).map_err(broken)?.contains(&here) {
        records.advance(LEDGER, Some(&here), &there).map_err(broken)?;
        return Ok(());
    }
    if records.chain(&here).map_err(broken)?.contains(&there) {
        return match remote::push(root, remote, LEDGER, Some(&there), &here) {
            Ok(Pushed::Done) => Ok(()),
            Ok(Pushed::Lost) => {
                Err(unreachable_because("another entry arrived at the same moment; try again"))
            }
            Err(error) => Err(unreachable_because(error)),
        };
    }
    let why = format!(
        "this clone's ledger ends at {} and the remote's at {}, and neither continues the other",
        here.short(),
        there.short()
    );
    Err(LedgerTrouble::Rewound { why })
}

fn join_journal(records: &Records, root: &std::path::Path, remote: &str) -> Result<()> {
    let here = records.tip(JOURNAL)?;
    let Some(there) = records.tip(&format!("{FETCHED}/journal"))? else {
        if let Some(here) = here {
            remote::push(root, remote, JOURNAL, None, &here)?;
        }
        return Ok(());
    };
    match here {
        None => {
            records.advance(JOURNAL, None, &there)?;
        }
        Some(here) if here == there => {}
        // Jammed here, and restored there: nothing of it can be read, so nothing is lost.
        Some(here) if records.chain(&here).is_err() && records.chain(&there).is_ok() => {
            records.advance(JOURNAL, Some(&here), &there)?;
        }
        Some(here) if records.chain(&here)?.contains(&there) => {
            remote::push(root, remote, JOURNAL, Some(&there), &here)?;
        }
        Some(here) => super::journal::rebase(records, &here, &there)?,
    }
    Ok(())
}

/// Reads and folds the ledger, and holds it against what this clone has seen.
fn verified(records: &Records, common_dir: &std::path::Path) -> Result<Result<Timeline, LedgerTrouble>> {
    let mark = marks::high_water(common_dir)?;
    let tampered = |why: String| Ok(Err(LedgerTrouble::Tampered { why }));
    let tip = match records.tip(LEDGER) {
        Ok(tip) => tip,
        Err(error) => return tampered(error.to_string()),
    };
    let Some(tip) = tip else {
        return Ok(match mark {
            Some(mark) => Err(rewound(&mark)),
            None => Ok(Timeline::default()),
        });
    };
    let entries = match records.read(&tip) {
        Ok(entries) => entries,
        Err(error) => return tampered(error.to_string()),
    };
    if let Some(mark) = mark {
        let place = usize::try_from(mark.sequence).ok().and_then(|sequence| sequence.checked_sub(1));
        let seen = place.and_then(|place| entries.get(place));
        if seen.is_none_or(|entry| entry.commit != mark.commit) {
            return Ok(Err(rewound(&mark)));
        }
    }
    let timeline = match fold(&entries) {
        Ok(timeline) => timeline,
        Err(fault) => return tampered(fault.to_string()),
    };
    let remote = timeline.policy.as_ref().and_then(|in_force| in_force.remote.clone());
    let mark = HighWater { sequence: entries.len() as u64, commit: tip, remote, unsent_after: None };
    marks::set_high_water(common_dir, &mark)?;
    Ok(Ok(timeline))
}

fn rewound(mark: &HighWater) -> LedgerTrouble {
    LedgerTrouble::Rewound {
        why: format!(
            "this clone has seen entry {} ({}), and it is not there any more",
            mark.sequence,
            mark.commit.short()
        ),
    }
}

/// Folds entries, every signature checked.
///
/// # Errors
/// The first entry that does not hold.
pub fn fold(entries: &[crate::gate::timeline::RawEntry]) -> Result<Timeline, Fault> {
    let mut timeline = Timeline::default();
    for entry in entries {
        timeline.apply(entry, verify)?;
    }
    Ok(timeline)
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
