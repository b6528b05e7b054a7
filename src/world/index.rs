//! A flat index of the ledger as this clone verified it: 48 bytes an entry, in `.git/deployctl/ledger.index`. It is derived,
//! may be deleted at any time, and only says where to look: whatever it names is read and verified there. It never decides.
//! A row that is damaged, or not where it was written, makes all of it unknown.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::OFlags;

use crate::gate::terms::{CommitId, Digest, hex};

/// The length of a row, in bytes.
pub const ROW: usize = 48;
/// What stands before the check of a row, in bytes.
const SAID: usize = 40;
/// The bytes of an execution's digest that a row keeps.
pub const DIGEST_KEPT: usize = 7;
/// So many rows are read at once.
const BLOCK: u64 = 4_096;

const REACHED: u8 = 1;
const DEPLOYS: u8 = 2;
const ROLLS_BACK: u8 = 4;

/// What an entry begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// No action.
    Nothing,
    /// A deployment.
    Deployment,
    /// A rollback.
    Rollback,
}

/// What is known of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The git commit that holds it.
    pub commit: CommitId,
    /// The latest moment, in whole seconds, that any entry up to it names that settles something: it never goes back.
    pub at: DateTime<Utc>,
    /// What it begins.
    pub begins: Begins,
    /// The version that becomes live by what it begins.
    pub version: u32,
    /// The first bytes of its payload's digest.
    pub digest: [u8; DIGEST_KEPT],
    /// Whether this clone reached its state itself.
    pub reached: bool,
}

/// The number that stands for a version.
#[must_use]
pub fn version_key(version: &str) -> u32 {
    let [a, b, c, d, ..] = *Digest::of(version.as_bytes()).bytes();
    u32::from_be_bytes([a, b, c, d])
}

impl Row {
    /// The row of the entry of this place, from 1.
    #[must_use]
    pub fn write(&self, sequence: u64) -> [u8; ROW] {
        let mut row = [0; ROW];
        let hex = self.commit.as_str().as_bytes();
        for (byte, pair) in row.iter_mut().zip(hex.chunks(2)).take(20) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | nibble(*digit));
        }
        row[20..24].copy_from_slice(&self.version.to_be_bytes());
        row[24..32].copy_from_slice(&self.at.timestamp().to_be_bytes());
        row[32] = match self.begins {
            Begins::Nothing => 0,
            Begins::Deployment => DEPLOYS,
            Begins::Rollback => ROLLS_BACK,
        } | if self.reached { REACHED } else { 0 };
        row[33..SAID].copy_from_slice(&self.digest);
        let check = check(&row, sequence);
        row[SAID..].copy_from_slice(&check.to_be_bytes());
        row
    }

    /// Reads the row of the entry of this place; `None` where it is not what was written there.
    #[must_use]
    pub fn read(row: &[u8; ROW], sequence: u64) -> Option<Self> {
        if row[SAID..] != check(row, sequence).to_be_bytes() {
            return None;
        }
        let begins = match row[32] & !REACHED {
            0 => Begins::Nothing,
            DEPLOYS => Begins::Deployment,
            ROLLS_BACK => Begins::Rollback,
            _ => return None,
        };
        Some(Self {
            commit: hex(&row[..20]).parse().ok()?,
            at: DateTime::from_timestamp(i64::from_be_bytes(row[24..32].try_into().ok()?), 0)?,
            begins,
            version: u32::from_be_bytes(row[20..24].try_into().ok()?),
            digest: row[33..SAID].try_into().ok()?,
            reached: row[32] & REACHED != 0,
        })
    }
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.wrapping_sub(b'a') + 10,
    }
}

/// Tells damage, and a row in another's place. It proves nothing to anyone who writes rows on purpose.
fn check(row: &[u8; ROW], sequence: u64) -> u64 {
    let words =
        row[..SAID].chunks_exact(8).map(|word| word.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)));
    words.fold(mixed(sequence.wrapping_add(1)), |sum, word| mixed(sum ^ word))
}

/// One round of a mixing function: every bit of the number changes about half of the result (the finaliser of splitmix64).
const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (number ^ (number >> 31)).wrapping_add(0x9e37_79b9_7f4a_7c15)
}

fn path(common_dir: &Path) -> PathBuf {
    common_dir.join("deployctl").join("ledger.index")
}

/// The index of a clone.
pub struct Index {
    file: File,
    rows: u64,
}

impl Index {
    /// The index, where there is one.
    #[must_use]
    pub fn open(common_dir: &Path) -> Option<Self> {
        // What is no plain file must not be waited for.
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path(common_dir)).ok()?;
        let about = file.metadata().ok()?;
        (about.is_file() && about.len() % ROW as u64 == 0)
            .then(|| Self { file, rows: about.len() / ROW as u64 })
    }

    /// How many entries it has.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The row of an entry by its place, from 1.
    #[must_use]
    pub fn row(&self, sequence: u64) -> Option<Row> {
        let mut row = [0; ROW];
        self.file.read_exact_at(&mut row, sequence.checked_sub(1)?.checked_mul(ROW as u64)?).ok()?;
        Row::read(&row, sequence)
    }

    /// The places of all entries that are wanted, and `None` where a row is damaged. A row that begins nothing is not
    /// asked about.
    #[must_use]
    pub fn find(&self, wanted: impl Fn(&Row) -> bool) -> Option<Vec<u64>> {
        let mut found = Vec::new();
        let mut block = vec![0; usize::try_from(BLOCK).ok()? * ROW];
        for first in (0..self.rows).step_by(usize::try_from(BLOCK).ok()?) {
            let rows = (self.rows - first).min(BLOCK);
            let bytes = block.get_mut(..usize::try_from(rows).ok()? * ROW)?;
            self.file.read_exact_at(bytes, first * ROW as u64).ok()?;
            for (row, sequence) in bytes.as_chunks::<ROW>().0.iter().zip(first + 1..) {
                if row[SAID..] != check(row, sequence).to_be_bytes() {
                    return None;
                }
                if row[32] & !REACHED != 0 && wanted(&Row::read(row, sequence)?) {
                    found.push(sequence);
                }
            }
        }
        Some(found)
    }
}

/// Keeps the rows of the entries from a place on, to the end of the ledger. `before` is the entry that stands before them:
/// where the index does not have that, it is of another ledger, and taken away. Nobody waits for it to be durable, and
/// nothing depends on whether it is.
pub fn keep(common_dir: &Path, first: u64, rows: &[u8], before: impl FnOnce() -> Option<CommitId>) {
    let Some(last) = rows.as_chunks::<ROW>().0.last() else { return };
    let end = first - 1 + (rows.len() / ROW) as u64;
    let known = Index::open(common_dir);
    let is_last = |index: &Index| index.rows == end && index.row(end) == Row::read(last, end);
    let follows =
        |index: &Index| index.rows >= first - 1 && index.row(first - 1).map(|row| row.commit) == before();
    let _ = match known {
        // Whoever read everything may have had a reason.
        _ if first == 1 => written(common_dir, first, rows),
        Some(index) if is_last(&index) => Ok(()),
        Some(index) if follows(&index) => written(common_dir, first, rows),
        _ => fs::remove_file(path(common_dir)),
    };
}

fn written(common_dir: &Path, first: u64, rows: &[u8]) -> std::io::Result<()> {
    let path = path(common_dir);
    if first == 1 {
        let parent = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent)?;
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(rows)?;
        return file.persist(path).map(drop).map_err(|error| error.error);
    }
    let file = OpenOptions::new().write(true).open(path)?;
    let before = (first - 1) * ROW as u64;
    file.write_all_at(rows, before)?;
    file.set_len(before + rows.len() as u64)
}

#[cfg(test)]
mod tests;
