//! Marks of this clone and this machine: the highest ledger entry seen, and the trust root that is known.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::gate::facts::Pin;
use crate::gate::statement::Root;
use crate::gate::terms::CommitId;

/// Why a mark could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} `{}`: {why}", path.display())]
pub struct MarkError {
    verb: &'static str,
    path: PathBuf,
    why: String,
}

/// The highest ledger entry that this clone has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HighWater {
    /// Its place, from 1.
    pub sequence: u64,
    /// The git commit that holds it.
    pub commit: CommitId,
    /// Where the policy in force let the records travel then: the place to look first, and no more than that.
    pub remote: Option<String>,
    /// The newest entry that the remote has too, where a session could not send what it said after it.
    pub unsent_after: Option<CommitId>,
    /// Where to go on from: the newest person-signed entry up to it whose `state.json` this clone reached itself.
    pub start: Option<Start>,
}

/// An entry with a state to go on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Its place, from 1.
    pub sequence: u64,
    /// The git commit that holds it.
    pub commit: CommitId,
}

/// The roots that the machine's administrator trusts, one a line; `#` begins a comment.
const MACHINE_ROOTS: &str = "/etc/deployctl/roots";

fn dir(common_dir: &Path) -> PathBuf {
    common_dir.join("deployctl")
}

/// What this clone has seen; `None` before the first time.
///
/// # Errors
/// When the mark is there and cannot be read: that is not the same as none.
pub fn high_water(common_dir: &Path) -> Result<Option<HighWater>, MarkError> {
    let path = dir(common_dir).join("high-water.json");
    let Some(text) = read(&path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| MarkError {
        verb: "read",
        path,
        why: error.to_string(),
    })
}

/// Keeps what this clone has seen.
///
/// # Errors
/// The system's.
pub fn set_high_water(common_dir: &Path, mark: &HighWater) -> Result<(), MarkError> {
    let path = dir(common_dir).join("high-water.json");
    let text = serde_json::to_string(mark).map_err(|error| MarkError {
        verb: "write",
        path: path.clone(),
        why: error.to_string(),
    })?;
    write(&path, &text)
}

/// The trust root that is known here: the machine's where there is one, else this clone's.
///
/// # Errors
/// When a pin is there and cannot be read.
pub fn pin(common_dir: &Path, ledger: Option<Root>) -> Result<Pin, MarkError> {
    let machine = Path::new(MACHINE_ROOTS);
    if let Some(text) = read(machine)? {
        let roots = roots(&text).map_err(|why| MarkError { verb: "read", path: machine.to_owned(), why })?;
        if let Some(known) = roots.iter().find(|root| Some(**root) == ledger).or(roots.first()) {
            return Ok(Pin::Machine(*known));
        }
    }
    let path = dir(common_dir).join("root");
    let Some(text) = read(&path)? else { return Ok(Pin::None) };
    let root = text.trim().parse().map_err(|error: crate::gate::terms::TermError| MarkError {
        verb: "read",
        path,
        why: error.to_string(),
    })?;
    Ok(Pin::Clone(root))
}

fn roots(text: &str) -> Result<Vec<Root>, String> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(|line| line.parse().map_err(|error: crate::gate::terms::TermError| error.to_string()))
        .collect()
}

/// Keeps the trust root of this clone.
///
/// # Errors
/// The system's.
pub fn set_pin(common_dir: &Path, root: Root) -> Result<(), MarkError> {
    write(&dir(common_dir).join("root"), &format!("{root}\n"))
}

fn read(path: &Path) -> Result<Option<String>, MarkError> {
    let failed = |why: String| MarkError { verb: "read", path: path.to_owned(), why };
    // What is no plain file must not be waited for.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = match OpenOptions::new().read(true).custom_flags(nonblocking).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    let is_file = file.metadata().map_err(|error| failed(error.to_string()))?.is_file();
    if !is_file {
        return Err(failed("it is not a file".to_owned()));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    Ok(Some(text))
}

/// Writes beside, makes it durable, then renames: a mark is never half written.
fn write(path: &Path, text: &str) -> Result<(), MarkError> {
    let failed =
        |error: std::io::Error| MarkError { verb: "write", path: path.to_owned(), why: error.to_string() };
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
