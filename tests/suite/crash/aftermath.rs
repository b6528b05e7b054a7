//! What a run that was cut short leaves behind: what the ledgers say, what ran, which files lie about.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use deployctl::commands::gather::reading::{Care, whole};
use deployctl::gate::statement::Payload;
use deployctl::world::marks;
use deployctl::world::records::{LEDGER, Records};

use crate::forge::told;
use crate::house::{House, PASSPHRASE};

/// The state of a world, without what differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Aftermath {
    /// What the ledger of this clone says.
    pub(crate) here: Vec<String>,
    /// What the ledger of the remote says.
    pub(crate) there: Vec<String>,
    /// How many entries this clone remembers to have seen.
    pub(crate) seen: u64,
    /// What the steps did, in their order.
    pub(crate) ran: Vec<String>,
    /// Lock files that nobody holds any more.
    pub(crate) locks: Vec<String>,
    /// Whether files lie about that were to be renamed or removed.
    pub(crate) litter: BTreeSet<&'static str>,
}

impl Aftermath {
    /// Looks at a world, and asserts what must hold of each: both ledgers are valid, one continues the other, no step
    /// ran twice or before its execution was published, and nothing private lies open.
    #[track_caller]
    pub(crate) fn of(house: &House) -> Self {
        let git = house.project().join(".git");
        let (here, there) = (story(&git), story(&house.world().join("origin.git")));
        assert!(here.starts_with(&there) || there.starts_with(&here), "{here:?} and {there:?}");
        let ran: Vec<String> = house.live("journal").unwrap_or_default().lines().map(str::to_owned).collect();
        let once: BTreeSet<&String> = ran.iter().collect();
        assert_eq!(once.len(), ran.len(), "{ran:?}");
        nothing_private_lies_open(&house.world().join("tmp"));
        let files = files(&git);
        let is_lock = |path: &&PathBuf| path.extension().is_some_and(|end| end == "lock");
        let name = |path: &PathBuf| path.strip_prefix(&git).unwrap().display().to_string();
        let mark = marks::high_water(&git).unwrap();
        Self {
            here,
            there,
            seen: mark.map_or(0, |mark| mark.sequence),
            ran,
            locks: files.iter().filter(is_lock).map(name).collect(),
            litter: files.iter().filter_map(|path| litter(path)).chain(in_tmp(house)).collect(),
        }
    }

    /// What a program leaves that was killed is a beginning of the whole, in its order: no step ran before everything that
    /// comes before it was published, and none is recorded that did not run.
    #[track_caller]
    pub(crate) fn is_a_beginning_of(&self, whole: &Self) {
        let known = self.known();
        assert!(whole.there.starts_with(known), "{known:?}");
        assert!(whole.ran.starts_with(&self.ran), "{:?}", self.ran);
        let steps = whole.there.iter().enumerate().filter(|(_, entry)| entry.starts_with("step "));
        let steps: Vec<usize> = steps.map(|(place, _)| place).collect();
        assert_eq!(steps.len(), whole.ran.len(), "each step leaves a line");
        let recorded = steps.iter().filter(|place| **place < known.len()).count();
        assert!(recorded <= self.ran.len(), "{known:?}, but {:?}", self.ran);
        if let Some(newest) = self.ran.len().checked_sub(1) {
            assert!(self.there.len() >= steps[newest], "{:?} before {:?}", self.ran, whole.there);
        }
    }

    /// The ledger that goes further: what everybody knows at the next look.
    pub(crate) fn known(&self) -> &[String] {
        if self.here.len() > self.there.len() { &self.here } else { &self.there }
    }

    /// What is known after the first entry of this kind.
    pub(crate) fn since(&self, entry: &str) -> &[String] {
        let place = self.known().iter().position(|known| known == entry);
        &self.known()[place.map_or(0, |place| place + 1)..]
    }

    /// The same without what lies about and bothers nobody.
    pub(crate) fn swept(&self) -> Self {
        Self { litter: BTreeSet::new(), ..self.clone() }
    }
}

/// The ledger of a repository, one line an entry; it must be valid.
#[track_caller]
pub(crate) fn story(git: &Path) -> Vec<String> {
    let records = Records::open(git).unwrap();
    let Some(tip) = records.tip(LEDGER).unwrap() else { return vec![] };
    let chain = records.walk(&tip, None).unwrap();
    if let Err(fault) = whole(&records, &chain, Care::DECISION, ()) {
        panic!("{}: {fault}", git.display());
    }
    let entries = (0..chain.len()).map(|place| records.one(&chain.get(place).unwrap()).unwrap());
    entries.map(|entry| told(&Payload::read(&entry.payload).unwrap().statement)).collect()
}

fn litter(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    [("tmp_object_git2_", "object"), (".tmp", "mark")]
        .into_iter()
        .find(|(begin, _)| name.starts_with(begin))
        .map(|(_, word)| word)
}

fn in_tmp(house: &House) -> Option<&'static str> {
    let mut left = fs::read_dir(house.world().join("tmp")).unwrap();
    left.next().map(|_| "directory")
}

/// Directories that stay behind are closed to others, and hold no private key.
#[track_caller]
fn nothing_private_lies_open(tmp: &Path) {
    for entry in fs::read_dir(tmp).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has the mode {mode:o}", entry.path().display());
    }
    for file in files(tmp) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains("PRIVATE KEY") && !text.contains(PASSPHRASE), "{}", file.display());
    }
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let (dirs, mut found): (Vec<PathBuf>, Vec<PathBuf>) =
        fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()).partition(|path| path.is_dir());
    found.extend(dirs.iter().flat_map(|dir| files(dir)));
    found.sort();
    found
}
