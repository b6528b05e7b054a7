//! Reading the journal: every line is looked at, and little of each. Whoever may push writes it, and git keeps a file that
//! says one thing a million times in almost no space: so each file has a size that it may have, and no line is read twice.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Result, bail};

use super::{Line, outline};
use crate::gate::terms::CommitId;
use crate::world::records::{Files, Object, RecordError, Records};

/// More lines than machines ever write. Reading this many takes seconds; whoever may push can write more.
const LINES_MAX: usize = 200_000;

const KIB: usize = 1 << 10;

/// The largest file of a line that is read, in bytes. A request of ten thousand commits has a checklist of two megabytes.
fn longest(kind: &str, name: &str) -> usize {
    match (kind, name) {
        ("evidence", "evidence.json") => KIB * KIB,
        ("request", "request.json") => 4 * KIB * KIB,
        ("request", _) => 32 * KIB * KIB,
        ("imported", "imported.json") => 4 * KIB * KIB,
        _ => 64 * KIB,
    }
}

/// That a line can be read again.
///
/// # Errors
/// When one of its files is larger than what is read.
pub(super) fn bearable(kind: &str, files: &Files) -> Result<()> {
    for (name, bytes) in files {
        let most = longest(kind, name);
        if bytes.len() > most {
            bail!(
                "`{name}` is of {} KiB, and the journal holds {} at the most",
                bytes.len().div_ceil(KIB),
                most / KIB
            );
        }
    }
    Ok(())
}

/// The kinds that are ever looked for again.
const KINDS: [&str; 5] = ["request", "evidence", "deployment", "refusal", "imported"];

/// Which lines of the journal are of which kind, each newest first.
#[derive(Default)]
pub(super) struct Index {
    of: BTreeMap<&'static str, Vec<CommitId>>,
    /// Why these are not all lines, if they are not.
    pub(super) unread: Option<String>,
}

/// What the journal was found to hold, and up to which line: it is looked through once.
#[derive(Default)]
pub struct Cache {
    index: RefCell<Option<(CommitId, Rc<Index>)>>,
    pub(super) outlines: outline::Known,
}

impl Cache {
    /// The lines up to a tip.
    ///
    /// # Errors
    /// The first commit that is no line.
    pub(super) fn up_to(&self, records: &Records, tip: &CommitId) -> Result<Rc<Index>, RecordError> {
        let known =
            self.index.borrow().as_ref().filter(|(end, _)| end == tip).map(|(_, index)| Rc::clone(index));
        if let Some(index) = known {
            return Ok(index);
        }
        let index = Rc::new(Index::read(records, tip)?);
        *self.index.borrow_mut() = Some((tip.clone(), Rc::clone(&index)));
        Ok(index)
    }
}

impl Index {
    fn read(records: &Records, tip: &CommitId) -> Result<Self, RecordError> {
        let chain = records.chain(tip)?;
        let (lines, unread) = readable(&chain, LINES_MAX);
        let (mut of, mut trees) = (BTreeMap::<_, Vec<CommitId>>::new(), BTreeSet::new());
        for commit in lines {
            // A line that is there again, to the byte, says nothing new.
            let Some(tree) = records.tree_of(commit).ok().filter(|tree| trees.insert(*tree)) else {
                continue;
            };
            let Some(line) = read(records, commit, tree) else { continue };
            if let Some(kind) = KINDS.iter().find(|kind| **kind == line.line.kind) {
                of.entry(*kind).or_default().push(commit.clone());
            }
        }
        Ok(Self { of, unread })
    }

    /// The lines of a kind, newest first, each read when it is its turn.
    pub(super) fn lines(
        self: Rc<Self>,
        records: &Records,
        kind: &'static str,
    ) -> impl Iterator<Item = Found> {
        let mut place = 0;
        std::iter::from_fn(move || {
            loop {
                let commit = self.of.get(kind)?.get(place)?;
                place += 1;
                let found = records.tree_of(commit).ok().and_then(|tree| read(records, commit, tree));
                if found.is_some() {
                    return found;
                }
            }
        })
    }
}

/// One line, with what lies beside it and was not read yet.
pub(super) struct Found {
    /// What it says.
    pub(super) line: Line,
    /// Its other files.
    pub(super) files: BTreeMap<String, Object>,
}

impl Found {
    /// One of its files, where it has it and its size is bearable.
    pub(super) fn file(&self, records: &Records, name: &str) -> Option<Vec<u8>> {
        file(records, &self.files, &self.line.kind, name)
    }
}

/// One of the files of a line of this kind, where it is among them and its size is bearable.
pub(super) fn file(
    records: &Records,
    files: &BTreeMap<String, Object>,
    kind: &str,
    name: &str,
) -> Option<Vec<u8>> {
    records.content(*files.get(name)?, longest(kind, name))
}

/// One line; `None` where that commit is none that can be read.
pub(super) fn read(records: &Records, commit: &CommitId, tree: Object) -> Option<Found> {
    let mut files = records.listing(commit, tree).ok()?;
    let payload = records.content(files.remove("payload.json")?, longest("", "payload.json"))?;
    Some(Found { line: serde_json::from_slice(&payload).ok()?, files })
}

/// The newest lines, so many at the most, and why that is not all, if it is not.
pub(super) fn readable<T>(lines: &[T], most: usize) -> (&[T], Option<String>) {
    let all = lines.len();
    match lines.get(..most).filter(|_| all > most) {
        None => (lines, None),
        Some(newest) => {
            let why = format!("the journal holds more lines than are read: {all}, of which {most} are");
            (newest, Some(why))
        }
    }
}
