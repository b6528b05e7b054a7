//! Agents: whether one of them would sign with the key without asking anybody.
//!
//! A locked agent (`ssh-add -x`) answers that it holds nothing, and cannot sign either until it is unlocked.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{KeyProblem, SigningKey};
use crate::gate::keys::PublicKey;
use crate::gate::wire::Reader;
use crate::world::process;

/// How long one agent may take for its whole answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// `SSH_AGENTC_REQUEST_IDENTITIES`, framed.
const QUESTION: [u8; 5] = [0, 0, 0, 1, 11];
/// `SSH_AGENT_IDENTITIES_ANSWER`.
const ANSWER: u8 = 12;
/// The longest answer that is read, in bytes: OpenSSH's own limit for a message.
const ANSWER_MAX: u32 = 256 * 1024;

/// Sockets below the user's runtime directory: OpenSSH as a service, GNOME's keyrings, GnuPG.
const IN_RUNTIME: [&str; 7] = [
    "ssh-agent.socket",
    "ssh-agent",
    "keyring/ssh",
    "keyring/.ssh",
    "gcr/ssh",
    "openssh_agent",
    "gnupg/S.gpg-agent.ssh",
];
/// Sockets below the home directory: GnuPG without a runtime directory, and a password manager.
const IN_HOME: [&str; 2] = [".gnupg/S.gpg-agent.ssh", ".1password/agent.sock"];

/// Asks every agent that can be found whether it holds this key.
///
/// # Errors
/// When one does, or when the session's own agent could not be asked.
pub fn held_by_agent(key: &SigningKey) -> Result<(), KeyProblem> {
    let declared = process::variable("SSH_AUTH_SOCK").map(PathBuf::from);
    ask_all(key, declared.as_deref(), &Roots::of_this_user().sockets(), PATIENCE)
}

/// Asks the declared agent and then the others.
pub(super) fn ask_all(
    key: &SigningKey,
    declared: Option<&Path>,
    others: &[PathBuf],
    patience: Duration,
) -> Result<(), KeyProblem> {
    let held = |socket: &Path| KeyProblem::InAgent { path: key.path.clone(), socket: socket.to_owned() };
    if let Some(socket) = declared {
        match ask(socket, patience) {
            Ok(blobs) if blobs.iter().any(|blob| is_for(&key.public, blob)) => return Err(held(socket)),
            Ok(_) | Err(Silence::NoAgent) => {}
            Err(Silence::Unclear(why)) => {
                return Err(KeyProblem::AgentUnknown { socket: socket.to_owned(), why });
            }
        }
    }
    // The session says of its own socket that it is an agent, so no answer there means that we do not know. The
    // others are only guesses: what does not speak the protocol there is no agent, and must not block signing.
    for socket in others.iter().filter(|socket| declared != Some(socket.as_path())) {
        let blobs = ask(socket, patience).unwrap_or_default();
        if blobs.iter().any(|blob| is_for(&key.public, blob)) {
            return Err(held(socket));
        }
    }
    Ok(())
}

/// Where agents of this user keep their sockets.
pub(super) struct Roots {
    /// The home directory.
    pub(super) home: Option<PathBuf>,
    /// Runtime directories.
    pub(super) runtime: Vec<PathBuf>,
    /// Temporary directories.
    pub(super) temporary: Vec<PathBuf>,
}

impl Roots {
    fn of_this_user() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let directory = |name| process::variable(name).map(PathBuf::from);
        Self {
            home: process::home(),
            runtime: directory("XDG_RUNTIME_DIR")
                .into_iter()
                .chain([format!("/run/user/{uid}").into()])
                .collect(),
            temporary: directory("TMPDIR").into_iter().chain(["/tmp".into()]).collect(),
        }
    }

    /// The sockets that exist there and belong to this user, each once, sorted.
    pub(super) fn sockets(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for dir in &self.runtime {
            paths.extend(IN_RUNTIME.iter().map(|name| dir.join(name)));
        }
        if let Some(home) = &self.home {
            paths.extend(IN_HOME.iter().map(|name| home.join(name)));
            paths.extend(entries(&home.join(".ssh/agent"), ""));
        }
        for dir in &self.temporary {
            paths.extend(entries(dir, "ssh-").iter().flat_map(|dir| entries(dir, "agent.")));
            paths.extend(entries(dir, "com.apple.launchd.").iter().map(|dir| dir.join("Listeners")));
        }
        let own: BTreeSet<PathBuf> = paths.into_iter().filter(|path| is_own_socket(path)).collect();
        own.into_iter().collect()
    }
}

/// What a directory holds under names with this start; nothing where it cannot be read.
fn entries(dir: &Path, start: &str) -> Vec<PathBuf> {
    let named = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(start.as_bytes());
    fs::read_dir(dir).into_iter().flatten().flatten().filter(named).map(|entry| entry.path()).collect()
}

fn is_own_socket(path: &Path) -> bool {
    let uid = rustix::process::getuid().as_raw();
    fs::metadata(path).is_ok_and(|found| found.file_type().is_socket() && found.uid() == uid)
}

/// Why an agent did not say what it holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nobody listens there.
    NoAgent,
    /// Somebody does, and did not answer as an agent.
    Unclear(String),
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        Self::Unclear(error.to_string())
    }
}

/// The key blobs that the agent at a socket offers.
///
/// It is asked in a thread of its own: connecting has no timeout, and an agent that sends a byte now and then
/// would outlast every timeout on reading.
fn ask(socket: &Path, patience: Duration) -> Result<Vec<Vec<u8>>, Silence> {
    let (sender, receiver) = mpsc::channel();
    let path = socket.to_owned();
    thread::spawn(move || {
        let answer = converse(&path, patience);
        // Nobody waits any more when it took too long.
        sender.send(answer).ok();
    });
    let late = |_| Err(Silence::Unclear(format!("no answer within {} ms", patience.as_millis())));
    receiver.recv_timeout(patience).unwrap_or_else(late)
}

fn converse(socket: &Path, patience: Duration) -> Result<Vec<Vec<u8>>, Silence> {
    let mut stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::ConnectionRefused => {
            Silence::NoAgent
        }
        _ => Silence::from(error),
    })?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(&QUESTION)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > ANSWER_MAX {
        return Err(Silence::Unclear("its answer is too long".to_owned()));
    }
    let mut answer = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut answer)?;
    identities(&answer).ok_or_else(|| Silence::Unclear("it does not speak the agent protocol".to_owned()))
}

/// The blobs in an answer, where it is one from start to end.
pub(super) fn identities(answer: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(answer);
    if reader.byte()? != ANSWER {
        return None;
    }
    let mut blobs = Vec::new();
    for _ in 0..reader.number()? {
        blobs.push(reader.string()?.to_vec());
        reader.string()?;
    }
    reader.is_empty().then_some(blobs)
}

/// Whether an agent's entry signs for this key: it is the key, or a certificate for it.
pub(super) fn is_for(key: &PublicKey, entry: &[u8]) -> bool {
    entry == key.blob() || certified(entry).is_some_and(|fields| fields.starts_with(key_fields(key)))
}

/// The fields of a key behind its type.
fn key_fields(key: &PublicKey) -> &[u8] {
    let mut reader = Reader::new(key.blob());
    reader.string();
    reader.rest()
}

/// What follows type and nonce in a certificate: the fields of the key, then those of the certificate.
fn certified(entry: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(entry);
    reader.text().filter(|kind| kind.contains("-cert-v0"))?;
    reader.string()?;
    Some(reader.rest())
}
