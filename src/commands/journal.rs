//! The journal: what machines said. Nothing here is signed and nothing here grants anything.

pub mod index;
pub mod jam;
mod outline;
mod race;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use self::index::Found;
pub use self::outline::{Outline, requests};
use super::gather::{Moment, verify};
use crate::evidence::draft::{SignedEvidence, Since, TestFact};
use crate::evidence::records::{About, Evidence, Gathered, Recorded};
use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::policy::Policy;
use crate::gate::request::Request;
use crate::gate::statement::{RequestRef, Root, SCHEMA, canonical};
use crate::gate::terms::{CommitId, Digest, Environment, MachineName};
use crate::render::text;
use crate::world::records::{FETCHED, Files, JOURNAL, Object, Records};
use crate::world::remote::{self, Pushed};

/// One line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    schema: String,
    kind: String,
    sequence: u64,
    previous: Option<Digest>,
    repository: Option<Root>,
    at: DateTime<Utc>,
    by: String,
    about: String,
    details: Vec<String>,
}

/// A request as the journal, or a package, holds it. Nothing in it is believed before it is checked.
#[derive(Clone, Debug)]
pub struct Package {
    /// What is asked.
    pub request: Request,
    /// Its id and digest.
    pub reference: RequestRef,
    /// All its files.
    pub files: Files,
}

/// What is read again of a package's `evidence.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct PackageEvidence {
    /// The checks.
    pub tests: Vec<TestFact>,
    /// The evidence behind those that a machine must have signed.
    #[serde(default)]
    pub signed: Vec<SignedEvidence>,
    /// Where the range was said to begin.
    #[serde(default)]
    pub since: Option<Since>,
}

/// The files of a request.
pub const REQUEST_FILES: [&str; 4] = [REQUEST, "request.md", "checklist.md", "evidence.json"];
/// The file of a request.
pub const REQUEST: &str = "request.json";

impl Package {
    /// Reads a request from its files; `None` where they hold none.
    #[must_use]
    pub fn read(files: Files) -> Option<Self> {
        let bytes = files.get(REQUEST)?;
        let request = Request::read(bytes).ok()?;
        let reference = request.reference(bytes);
        let files = files.into_iter().filter(|(name, _)| REQUEST_FILES.contains(&name.as_str())).collect();
        Some(Self { request, reference, files })
    }

    /// What its evidence says of the checks, and the evidence behind it that machines signed; `None` where that cannot be
    /// read.
    #[must_use]
    pub fn evidence(&self) -> Option<PackageEvidence> {
        serde_json::from_slice(self.files.get("evidence.json")?).ok()
    }

    /// The files that are not what the request pins.
    #[must_use]
    pub fn edited(&self) -> Vec<&'static str> {
        let same = |name: &str, digest: Digest| {
            self.files.get(name).is_some_and(|bytes| Digest::of(bytes) == digest)
        };
        let mut edited = Vec::new();
        if !same("checklist.md", self.request.checklist) {
            edited.push("checklist.md");
        }
        if !same("evidence.json", self.request.evidence) {
            edited.push("evidence.json");
        }
        edited
    }
}

const EVIDENCE_FILE: &str = "evidence.json";

/// Records evidence, with a machine's signature where there is one.
///
/// # Errors
/// When it cannot even be written here.
pub fn append_evidence(
    moment: &Moment,
    by: &str,
    evidence: &Evidence,
    signed: Option<&SignedEvidence>,
) -> Result<Option<String>> {
    let names: Vec<&str> = evidence.tests.iter().map(|test| test.check.as_str()).collect();
    let about = format!("{} of {}", names.join(", "), evidence.commit.short());
    let mut files = Files::from([(EVIDENCE_FILE.to_owned(), evidence.bytes()?)]);
    if let Some(SignedEvidence { machine, evidence, signature }) = signed {
        files.insert(EVIDENCE_FILE.to_owned(), evidence.clone().into_bytes());
        files.insert(signature_of(machine), signature.clone().into_bytes());
    }
    append(moment, "evidence", by, &about, vec![], files)
}

fn signature_of(machine: &MachineName) -> String {
    format!("{machine}.sig")
}

/// What evidence must be about to be believed of a commit; `None` where there is no ledger, or no such commit here.
#[must_use]
pub fn about<'a>(moment: &Moment, policy: &'a Policy, commit: &'a CommitId) -> Option<About<'a>> {
    Some(About {
        policy,
        repository: moment.timeline()?.root?,
        commit,
        committed: moment.repository.committed_at(commit).ok()?,
        latest: moment.now + Duration::seconds(CLOCK_TOLERANCE_SECONDS),
        verify,
    })
}

/// The newest evidence of each check for a commit. What says that it was found before the commit or later than now is
/// passed over, and so is what no machine signed where the policy asks for that. Every line is looked at: among noise a
/// newer failure must not be lost.
#[must_use]
pub fn evidence(moment: &Moment, policy: &Policy, commit: &CommitId) -> Gathered {
    let mut found = Gathered::default();
    let Some(about) = about(moment, policy, commit).filter(|_| !policy.checks.is_empty()) else {
        return found;
    };
    let Ok(Some(tip)) = moment.records.tip(JOURNAL) else { return found };
    let Ok(index) = moment.journal.up_to(&moment.records, &tip) else { return found };
    let mut seen = BTreeSet::new();
    let unread = index.unread.clone();
    for line in index.lines(&moment.records, "evidence") {
        // The same files under another line say nothing new.
        if seen.insert(line.files.clone())
            && let Some(recorded) = recorded(&moment.records, policy, &line)
        {
            found.take(&about, &recorded);
        }
    }
    if let Some(why) = unread {
        found.leave_unread(why);
    }
    found
}

fn recorded(records: &Records, policy: &Policy, found: &Found) -> Option<Recorded> {
    let bytes = found.file(records, EVIDENCE_FILE)?;
    let signature = |machine: &MachineName| {
        let armored = String::from_utf8(found.file(records, &signature_of(machine))?).ok()?;
        Some((machine.clone(), armored))
    };
    let signatures = policy.machines.keys().filter_map(signature).collect();
    Some(Recorded { by: Some(found.line.by.clone()), bytes, signatures })
}

/// A line of the journal for who only wants to read it: nothing in it is signed.
pub struct Told {
    /// When, by the clock of the machine that wrote it.
    pub at: DateTime<Utc>,
    /// Who, as the line says, no longer than a name may be.
    pub by: String,
    /// What it is about.
    pub about: String,
    /// More of it: the reasons of a refusal, the summary of a request.
    pub details: Vec<String>,
    /// Where, as far as it says.
    pub environment: Option<Environment>,
}

/// The lines of a kind, newest first; a warning where the journal cannot be read.
#[must_use]
pub fn told(moment: &Moment, kind: &'static str) -> Vec<Told> {
    let Ok(Some(tip)) = moment.records.tip(JOURNAL) else { return vec![] };
    let Ok(index) = moment.journal.up_to(&moment.records, &tip) else {
        moment.streams.line("warning: the journal cannot be read: what machines said is left out");
        return vec![];
    };
    let told = |found: Found| {
        let request = found.file(&moment.records, REQUEST).map(|bytes| Request::read(&bytes).ok());
        let environment = match &request {
            Some(request) => request.as_ref().map(|request| request.environment.clone()),
            None => environment(moment, &found),
        };
        let Line { at, by, about, mut details, .. } = found.line;
        details.extend(request.flatten().map(|request| request.asked.summary));
        Told { at, by: text::name(&by), about, details, environment }
    };
    index.lines(&moment.records, kind).map(told).collect()
}

/// Where a line that is no request is about: it names it among its words.
fn environment(moment: &Moment, found: &Found) -> Option<Environment> {
    let known = &moment.policy()?.environments;
    let words = found.line.about.split(' ').filter_map(|word| word.parse::<Environment>().ok());
    words.rev().find(|word| known.contains_key(word))
}

/// How many of the newest lines are looked through for one that says the same.
const SAME_WITHIN: usize = 20;

/// A line of the journal that is added when there is time for it.
pub struct Later {
    records: Records,
    root: PathBuf,
    remote: Option<String>,
    line: Line,
}

impl Later {
    /// The line, with what is needed to add it.
    ///
    /// # Errors
    /// When the records cannot be opened.
    pub fn new(moment: &Moment, kind: &str, by: &str, about: &str, details: Vec<String>) -> Result<Self> {
        Ok(Self {
            records: moment.records.again()?,
            root: moment.repository.root().to_owned(),
            remote: moment.remote.clone(),
            line: Line { details, ..line(moment, kind, by, about) },
        })
    }

    /// Appends it as [`append`] does, unless one of the newest lines says the same, an hour ago at the most.
    ///
    /// # Errors
    /// Those of [`append`].
    pub fn append_once_an_hour(self) -> Result<()> {
        let Self { records, root, remote, line } = self;
        if says_already(&records, &line) {
            return Ok(());
        }
        let place = Place { records: &records, root: &root, remote: remote.as_deref() };
        append_to(&place, &line, &Files::new()).map(|_| ())
    }
}

fn says_already(records: &Records, new: &Line) -> bool {
    let Ok(Some(tip)) = records.tip(JOURNAL) else { return false };
    let Ok(chain) = records.chain(&tip) else { return false };
    let read = |entry: &CommitId| Some(index::read(records, entry, records.tree_of(entry).ok()?)?.line);
    chain.iter().take(SAME_WITHIN).filter_map(read).any(|line| is_same(&line, new))
}

fn is_same(line: &Line, new: &Line) -> bool {
    let says = |line: &Line| (line.kind.clone(), line.by.clone(), line.about.clone(), line.details.clone());
    // A line that is dated ahead must not keep refusals out for long.
    says(line) == says(new) && new.at.signed_duration_since(line.at).abs() < Duration::hours(1)
}

/// Appends one line, and pushes it where the records travel. A remote that does not answer is a warning: the line
/// then waits in this clone.
///
/// # Errors
/// When it cannot even be written here, or the journal is jammed, or busy for too long: then nothing was recorded.
pub fn append(
    moment: &Moment,
    kind: &str,
    by: &str,
    about: &str,
    details: Vec<String>,
    files: Files,
) -> Result<Option<String>> {
    let line = Line { details, ..line(moment, kind, by, about) };
    let (root, remote) = (moment.repository.root(), moment.remote.as_deref());
    append_to(&Place { records: &moment.records, root, remote }, &line, &files)
}

/// Where a line is added.
struct Place<'a> {
    records: &'a Records,
    root: &'a Path,
    remote: Option<&'a str>,
}

fn append_to(place: &Place<'_>, line: &Line, files: &Files) -> Result<Option<String>> {
    index::bearable(&line.kind, files)?;
    if let Some(jam) = jam::look_at(place.records, place.remote) {
        return Err(jam.into());
    }
    race::run(race::pause, || append_once(place, line, files))
}

/// One try; `None` where another line was there first.
fn append_once(place: &Place<'_>, line: &Line, files: &Files) -> Result<Option<Option<String>>> {
    let Place { records, root, remote } = *place;
    let tip = records.tip(JOURNAL)?;
    let new = write(records, tip.as_ref(), line.clone(), files.clone())?;
    let Some(remote) = remote else {
        return Ok(records.advance(JOURNAL, tip.as_ref(), &new)?.then_some(None));
    };
    match remote::push(root, remote, JOURNAL, tip.as_ref(), &new) {
        Ok(Pushed::Done) => {
            // Once the remote has it, it is in the journal: this clone else follows at its next look.
            let _ = records.advance(JOURNAL, tip.as_ref(), &new);
            Ok(Some(None))
        }
        Ok(Pushed::Lost) => {
            remote::fetch(root, remote, FETCHED)?;
            if let Some(jam) = jam::look_at(records, Some(remote)) {
                return Err(jam.into());
            }
            let there = records.tip(&format!("{FETCHED}/journal"))?;
            catch_up(records, tip.as_ref(), there.as_ref())?;
            Ok(None)
        }
        Err(error) => {
            let warning = format!("the journal could not be pushed: {error}");
            Ok(records.advance(JOURNAL, tip.as_ref(), &new)?.then_some(Some(warning)))
        }
    }
}

fn line(moment: &Moment, kind: &str, by: &str, about: &str) -> Line {
    Line {
        schema: SCHEMA.to_owned(),
        kind: kind.to_owned(),
        sequence: 0,
        previous: None,
        repository: moment.timeline().and_then(|timeline| timeline.root),
        at: moment.now,
        by: by.to_owned(),
        about: about.to_owned(),
        details: vec![],
    }
}

/// What became of a line that must be the next one.
pub enum Placed {
    /// Everybody can see it.
    Done,
    /// Another line was there first.
    Lost,
    /// The remote did not take it: nobody has it.
    Unreachable {
        /// What git said.
        why: String,
    },
}

/// Appends one line, only if the journal still ends at `tip`: of two machines that try at once, one does. With a remote it
/// is the remote that decides.
///
/// # Errors
/// When it cannot be written here.
pub fn append_at(
    moment: &Moment,
    tip: Option<&CommitId>,
    kind: &str,
    (by, about): (&str, &str),
    files: Files,
) -> Result<Placed> {
    index::bearable(kind, &files)?;
    let new = write(&moment.records, tip, line(moment, kind, by, about), files)?;
    if let Some(remote) = &moment.remote {
        // What this clone could not keep is not published either.
        moment.records.free(JOURNAL)?;
        match remote::push(moment.repository.root(), remote, JOURNAL, tip, &new) {
            Ok(Pushed::Done) => {}
            Ok(Pushed::Lost) => return Ok(Placed::Lost),
            Err(error) => return Ok(Placed::Unreachable { why: error.to_string() }),
        }
    }
    let moved = moment.records.advance(JOURNAL, tip, &new)?;
    // Once the remote has it, it is in the journal: this clone then follows at its next look.
    Ok(if moved || moment.remote.is_some() { Placed::Done } else { Placed::Lost })
}

/// What a file of every line of a kind says, up to a tip, newest first, and of one that cannot be read its line's moment. A
/// file that several lines have is read once.
///
/// # Errors
/// When the chain itself cannot be read, or not all of it: then nobody knows what it says.
pub fn attached<T>(
    moment: &Moment,
    tip: &CommitId,
    (kind, name): (&'static str, &str),
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<Result<T, DateTime<Utc>>>> {
    let index = moment.journal.up_to(&moment.records, tip)?;
    index.unread.as_ref().map_or(Ok(()), |why| Err(anyhow::anyhow!("{why}")))?;
    let mut readable: BTreeMap<Object, bool> = BTreeMap::new();
    let said = |found: Found| {
        let object = found.files.get(name).copied();
        match object.and_then(|object| readable.get(&object)) {
            Some(true) => return None,
            Some(false) => return Some(Err(found.line.at)),
            None => {}
        }
        let told = found.file(&moment.records, name).and_then(|bytes| read(&bytes));
        if let Some(object) = object {
            readable.insert(object, told.is_some());
        }
        Some(told.ok_or(found.line.at))
    };
    Ok(index.lines(&moment.records, kind).filter_map(said).collect())
}

fn catch_up(records: &Records, here: Option<&CommitId>, there: Option<&CommitId>) -> Result<()> {
    match (here, there) {
        (Some(here), Some(there)) if !records.chain(there)?.contains(here) => rebase(records, here, there),
        (here, Some(there)) => records.advance(JOURNAL, here, there).map(|_| ()).map_err(Into::into),
        (_, None) => Ok(()),
    }
}

/// Puts the lines that only this clone has behind the remote's: nobody signed them, so their place may change.
///
/// # Errors
/// When a line cannot be read or written.
pub fn rebase(records: &Records, here: &CommitId, there: &CommitId) -> Result<()> {
    let shared: BTreeSet<CommitId> = records.chain(there)?.into_iter().collect();
    let mut own: Vec<CommitId> =
        records.chain(here)?.into_iter().take_while(|commit| !shared.contains(commit)).collect();
    own.reverse();
    let mut tip = there.clone();
    for commit in own {
        let mut files = records.files(&commit)?;
        let Some(line) = files.remove("payload.json").and_then(|bytes| serde_json::from_slice(&bytes).ok())
        else {
            continue;
        };
        tip = write(records, Some(&tip), line, files)?;
    }
    records.advance(JOURNAL, Some(here), &tip)?;
    Ok(())
}

fn write(records: &Records, tip: Option<&CommitId>, mut line: Line, mut files: Files) -> Result<CommitId> {
    if let Some(tip) = tip {
        // Whoever may push wrote it: a line that cannot be read stops nobody from adding one.
        let before = records.file(tip, "payload.json").ok().flatten().unwrap_or_default();
        let sequence = serde_json::from_slice::<Line>(&before).map_or(0, |line| line.sequence);
        line.sequence = sequence + 1;
        line.previous = Some(Digest::of(&before));
    } else {
        line.sequence = 1;
        line.previous = None;
    }
    files.insert("payload.json".to_owned(), canonical(&line)?);
    let message = format!("{}: {} by {}", line.kind, one_line(&line.about), one_line(&line.by));
    Ok(records.write(tip, &files, "deployctl", line.at, &message)?)
}

fn one_line(text: &str) -> String {
    text::line(text, 120)
}

#[cfg(test)]
mod tests;
