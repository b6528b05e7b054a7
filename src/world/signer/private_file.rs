//! Private key files (OpenSSH's `PROTOCOL.key`): the part that is in clear, and no further.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::OFlags;

use super::KeyProblem;
use crate::gate::keys::PublicKey;
use crate::gate::wire::Reader;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// The largest file read as a key, in bytes: five times a 16384-bit RSA key, the largest that `ssh-keygen` makes.
const FILE_MAX: u64 = 64 * 1024;

/// A file as read, with its permission bits.
pub(super) struct KeyFile {
    pub(super) text: Vec<u8>,
    pub(super) mode: u32,
}

/// What the clear header says.
pub(super) struct Header {
    pub(super) public: PublicKey,
    pub(super) encrypted: bool,
}

/// Reads a regular file of bounded size. A named pipe in its place does not block.
pub(super) fn read(path: &Path) -> Result<KeyFile, KeyProblem> {
    let unreadable = |why: String| KeyProblem::Unreadable { path: path.to_owned(), why };
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file =
        OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(|error| {
            match error.kind() {
                io::ErrorKind::NotFound => KeyProblem::Missing { path: path.to_owned() },
                _ => unreadable(error.to_string()),
            }
        })?;
    let metadata = file.metadata().map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a regular file".to_owned()));
    }
    let mut text = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > FILE_MAX {
        return Err(KeyProblem::NotAKey { path: path.to_owned(), why: "it is too large" });
    }
    Ok(KeyFile { text, mode: metadata.permissions().mode() })
}

/// The clear header of a private key file.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Header, KeyProblem> {
    let no_key = |why| KeyProblem::NotAKey { path: path.to_owned(), why };
    let text = std::str::from_utf8(text).map_err(|_| no_key("it is not a text file"))?.trim_ascii();
    let Some(body) = text.strip_prefix(BEGIN) else {
        return Err(other_format(path, text));
    };
    let body = body.strip_suffix(END).ok_or_else(|| no_key("its last line is missing"))?;
    let base64: String = body.split_ascii_whitespace().collect();
    let blob = STANDARD.decode(base64).map_err(|_| no_key("its base64 is damaged"))?;
    let (public, encrypted) = header(&blob).ok_or_else(|| no_key("its header is damaged"))?;
    let public = PublicKey::from_blob(public)
        .map_err(|error| KeyProblem::Unsupported { path: path.to_owned(), why: error.to_string() })?;
    Ok(Header { public, encrypted })
}

/// The public key blob, and whether the rest is encrypted.
fn header(blob: &[u8]) -> Option<(&[u8], bool)> {
    let mut reader = Reader::new(blob.strip_prefix(MAGIC)?);
    let cipher = reader.text()?;
    let derivation = reader.text()?;
    let options = reader.string()?;
    if reader.number()? != 1 {
        return None;
    }
    let public = reader.string()?;
    // The secret part is only stepped over; behind it, some ciphers keep a tag.
    reader.string()?;
    match (cipher, derivation) {
        ("none", "none") => options.is_empty().then_some((public, false)),
        ("none", _) | (_, "none") => None,
        (_, "bcrypt") => Some((public, true)),
        _ => None,
    }
}

/// The problem with a file that does not start as OpenSSH's private keys do.
fn other_format(path: &Path, text: &str) -> KeyProblem {
    let path = path.to_owned();
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("-----BEGIN ") && first.ends_with("PRIVATE KEY-----") {
        return KeyProblem::NotOpenSsh { path };
    }
    let word = text.split_ascii_whitespace().next().unwrap_or_default();
    if ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|start| word.starts_with(start)) {
        return KeyProblem::PublicHalf { path };
    }
    KeyProblem::NotAKey { path, why: "it does not start as OpenSSH's private keys do" }
}
