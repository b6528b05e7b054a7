//! A person's private key: whether it may be used at all, and signing with it through `ssh-keygen`.
//!
//! No passphrase and no decrypted key enters this process: `ssh-keygen` opens the file, asks on the terminal and
//! talks to the device. Of the file itself only the clear header is parsed.

mod agents;
mod private_file;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT};

pub use agents::held_by_agent;

use crate::gate::keys::PublicKey;
use crate::world::process;

/// How much of the last line of `ssh-keygen` is repeated, in characters.
const SAID_MAX: usize = 200;

/// Why a private key may not be used for signing, or cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// A file without a passphrase.
    #[error(
        "`{}` has no passphrase, so every program could sign with it: set one with `ssh-keygen -p -f '{}'`",
        path.display(), path.display()
    )]
    Unencrypted {
        /// The private key file.
        path: PathBuf,
    },
    /// An agent signs with the key without asking.
    #[error(
        "`{}` is loaded in the agent at `{}`, so every program could sign with it: take it out with `SSH_AUTH_SOCK='{}' ssh-add -d '{}'`; where a desktop keyring offers all keys of `~/.ssh`, keep this one elsewhere and name it with `--key`",
        path.display(), socket.display(), socket.display(), path.display()
    )]
    InAgent {
        /// The private key file.
        path: PathBuf,
        /// The agent's socket.
        socket: PathBuf,
    },
    /// The session's agent could not be asked what it holds.
    #[error(
        "the agent at `{}` could not be asked whether it holds the key ({why}): stop it or start it anew, then try again",
        socket.display()
    )]
    AgentUnknown {
        /// The agent's socket.
        socket: PathBuf,
        /// What happened instead of an answer.
        why: String,
    },
    /// No such file.
    #[error(
        "there is no private key at `{}`: make one with `ssh-keygen -t ed25519 -f '{}'`, or name another with `--key`",
        path.display(), path.display()
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A private key in another format, such as PEM.
    #[error(
        "`{}` is a private key in an older format: convert it with `ssh-keygen -p -f '{}'`",
        path.display(), path.display()
    )]
    NotOpenSsh {
        /// The private key file.
        path: PathBuf,
    },
    /// A public key where the private one is needed.
    #[error("`{}` is the public half: name the private key file, without `.pub`", path.display())]
    PublicHalf {
        /// The file.
        path: PathBuf,
    },
    /// No private key at all, or a damaged one.
    #[error("`{}` is not a private key ({why}): name the file that `ssh-keygen` made", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file is there and cannot be read.
    #[error("`{}` cannot be read ({why}): check who owns it and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A private key of a type that cannot sign here.
    #[error("`{}` cannot be used: {why}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The whole reason, with the way out.
        why: String,
    },
    /// People other than the owner may read or replace the file.
    #[error("`{}` is open to other people of this machine: close it with `chmod 600 '{}'`", path.display(), path.display())]
    OpenPermissions {
        /// The private key file.
        path: PathBuf,
    },
}

/// A private key that may be used, readable by its owner only: a person's, which is encrypted or lives in a device, or a
/// machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The private key file.
    pub path: PathBuf,
    /// Its public half, as the private file itself states it in clear.
    pub public: PublicKey,
}

/// Why signing gave no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// `ssh-keygen` is not there or did not start.
    #[error("`ssh-keygen` could not be started ({why}): install OpenSSH 8.2 or newer")]
    Tool {
        /// What the system said.
        why: String,
    },
    /// No place for the text to be signed.
    #[error("no private directory for the text to sign could be made ({why}): check `TMPDIR`")]
    Workspace {
        /// What the system said.
        why: String,
    },
    /// The person stopped it at the prompt.
    #[error("signing with `{}` was cancelled: nothing was signed", path.display())]
    Declined {
        /// The private key file.
        path: PathBuf,
    },
    /// No passphrase opened the key, as often as it was asked for; an empty one counts.
    #[error("the passphrase does not open `{}`: nothing was signed, run it again", path.display())]
    Passphrase {
        /// The private key file.
        path: PathBuf,
    },
    /// `ssh-keygen` ended without a signature.
    #[error("`ssh-keygen` did not sign with `{}` ({why}): nothing was signed", path.display())]
    Failed {
        /// The private key file.
        path: PathBuf,
        /// Its last line, escaped, or how it ended.
        why: String,
    },
}

/// Judges a private key file by its clear header, without its passphrase.
///
/// # Errors
/// Why this key may not sign.
pub fn open(path: &Path) -> Result<SigningKey, KeyProblem> {
    let header = closed(path)?;
    if !header.encrypted && !header.public.is_hardware() {
        return Err(KeyProblem::Unencrypted { path: path.to_owned() });
    }
    Ok(SigningKey { path: path.to_owned(), public: header.public })
}

/// Judges the private key file of a machine, which nobody is there to type a passphrase for.
///
/// # Errors
/// Why this key may not sign.
pub fn open_of_machine(path: &Path) -> Result<SigningKey, KeyProblem> {
    Ok(SigningKey { path: path.to_owned(), public: closed(path)?.public })
}

/// The header of a file that only its owner can read.
fn closed(path: &Path) -> Result<private_file::Header, KeyProblem> {
    let file = private_file::read(path)?;
    if file.mode & 0o077 != 0 {
        return Err(KeyProblem::OpenPermissions { path: path.to_owned() });
    }
    private_file::parse(path, &file.text)
}

/// The private key files in `dir` (usually `~/.ssh`) that belong to an enrolled key, sorted by path.
///
/// They are not judged yet: one without a passphrase is listed too, and [`open`] says what is wrong with it.
#[must_use]
pub fn candidates(dir: &Path, enrolled: &[PublicKey]) -> Vec<PathBuf> {
    let belongs = |path: &PathBuf| {
        private_file::read(path)
            .and_then(|file| private_file::parse(path, &file.text))
            .is_ok_and(|header| enrolled.contains(&header.public))
    };
    files(dir).into_iter().filter(belongs).collect()
}

/// The `*.pub` files in `dir` that hold one usable public key, with its canonical line, sorted by path.
#[must_use]
pub fn public_keys(dir: &Path) -> Vec<(PathBuf, String)> {
    let line = |path: PathBuf| {
        let text = private_file::read(&path).ok()?.text;
        let key: PublicKey = std::str::from_utf8(&text).ok()?.parse().ok()?;
        Some((path, key.line()))
    };
    files(dir)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "pub"))
        .filter_map(line)
        .collect()
}

/// Everything in a directory, sorted; nothing where it cannot be read.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// How often a passphrase is asked for, as `ssh` does.
const PASSPHRASES: u32 = 3;

/// Has `ssh-keygen` sign `payload`, and returns the armored signature. It is not verified here: the caller does.
///
/// The passphrase is asked for on the terminal by `ssh-keygen` itself; a wrong one is asked for again, so that nothing that
/// was decided before has to be said once more.
///
/// # Errors
/// When there is no signature, and why.
pub fn sign(key: &SigningKey, namespace: &str, payload: &[u8]) -> Result<String, SignError> {
    let program = process::find("ssh-keygen").map_err(|error| SignError::Tool { why: error.to_string() })?;
    let workspace = |error: io::Error| SignError::Workspace { why: error.to_string() };
    let dir = tempfile::Builder::new()
        .prefix("deployctl-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(workspace)?;
    let file = dir.path().join("payload.json");
    fs::write(&file, payload).map_err(workspace)?;
    let path = std::path::absolute(&key.path).map_err(workspace)?;

    let attempt = || {
        let mut command = process::tool(program.clone());
        command.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(&path).arg(&file);
        command.current_dir(dir.path());
        once(key, command)
    };
    let mut signed = attempt();
    for _ in 1..PASSPHRASES {
        if !matches!(signed, Err(SignError::Passphrase { .. })) {
            break;
        }
        signed = attempt();
    }
    signed?;
    fs::read_to_string(dir.path().join("payload.json.sig"))
        .map_err(|_| SignError::Failed { path: key.path.clone(), why: "it wrote no signature".to_owned() })
}

/// Runs `ssh-keygen`, which asks for the passphrase once.
fn once(key: &SigningKey, mut command: Command) -> Result<(), SignError> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // The passphrase prompt is on /dev/tty. The words "confirm user presence" are written to standard error, and
    // only where that is a terminal; so a device keeps ours, and of a file's key the message is caught.
    command.stderr(if key.public.is_hardware() { Stdio::inherit() } else { Stdio::piped() });
    let child = command.spawn().map_err(|error| SignError::Tool { why: error.to_string() })?;
    let output = child.wait_with_output().map_err(|error| SignError::Tool { why: error.to_string() })?;
    if output.status.success() { Ok(()) } else { Err(failure(&key.path, output.status, &output.stderr)) }
}

/// What a failed `ssh-keygen` means, from how it ended and what it said.
fn failure(path: &Path, status: ExitStatus, stderr: &[u8]) -> SignError {
    let path = path.to_owned();
    // Ctrl-C, Ctrl-\ and a closed terminal are the person's doing; any other signal is an accident.
    if matches!(status.signal(), Some(SIGINT | SIGQUIT | SIGHUP)) {
        return SignError::Declined { path };
    }
    let said = String::from_utf8_lossy(stderr);
    if said.contains("incorrect passphrase") {
        return SignError::Passphrase { path };
    }
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    // The system's own words for how a program ended: "exit status: 1", "signal: 9 (SIGKILL)".
    let why = last.map_or_else(|| status.to_string(), visible);
    SignError::Failed { path, why }
}

/// A line of another program, cut and made harmless for a terminal.
fn visible(line: &str) -> String {
    let mut text = String::new();
    for character in line.chars().take(SAID_MAX) {
        if character.is_control() {
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests;
