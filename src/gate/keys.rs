//! OpenSSH public keys: read strictly, compared by what they are and never by how they were written.
//!
//! Only keys whose signatures deployctl can judge exist here. RSA, DSA, P-521 and certificates are refused by
//! name, with the line that makes a key which works.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::gate::config::PresenceLevel;
use crate::gate::wire::{Reader, put_string};

/// The longest line read as a public key, in bytes: four times what the longest supported key needs.
const LINE_MAX: usize = 4096;
/// The longest application (relying party) of a hardware key, in bytes: the longest DNS name, and `ssh:` fits.
const APPLICATION_MAX: usize = 255;
/// How much of a text that was not understood is shown again, in characters.
const SHOWN_MAX: usize = 40;

/// Ed25519 points of small order, without the sign bit. For a key that is one of them everybody can make
/// signatures, so such a line in a policy would be a vote for sale. The list is that of curve25519's torsion
/// points, in both encodings where two exist.
const WEAK_POINTS: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// The kinds of key that can sign here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `ssh-ed25519`: a file, protected by its passphrase.
    Ed25519,
    /// `ecdsa-sha2-nistp256`: a file, protected by its passphrase.
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`: a file, protected by its passphrase.
    EcdsaP384,
    /// `sk-ssh-ed25519@openssh.com`: a FIDO key.
    SkEd25519,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`: a FIDO key or a passkey.
    SkEcdsaP256,
}

impl Algorithm {
    /// Every algorithm, the one we recommend first.
    pub const ALL: [Self; 5] =
        [Self::Ed25519, Self::EcdsaP256, Self::EcdsaP384, Self::SkEd25519, Self::SkEcdsaP256];

    /// The name that OpenSSH gives to the type, on the line and inside the key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// Whether the private half lives in a FIDO device and not in a file.
    #[must_use]
    pub const fn is_hardware(self) -> bool {
        matches!(self, Self::SkEd25519 | Self::SkEcdsaP256)
    }

    /// The name of the curve, where the key says it, and the length of the point in bytes.
    const fn shape(self) -> (Option<&'static str>, usize) {
        match self {
            Self::Ed25519 | Self::SkEd25519 => (None, 32),
            Self::EcdsaP256 | Self::SkEcdsaP256 => (Some("nistp256"), 65),
            Self::EcdsaP384 => (Some("nistp384"), 97),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// Why a text or a byte string is not a key that can sign here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the shape of a public key line at all.
    #[error("`{shown}` is not an OpenSSH public key: give the line of the `.pub` file, `TYPE BASE64`")]
    Shape {
        /// The start of what was given, escaped.
        shown: String,
    },
    /// The private half was given. It is not repeated in the message.
    #[error(
        "this is a private key, which nobody else may see: give the line of its `.pub` file, and replace the key if it was shared"
    )]
    Private,
    /// Longer than any key.
    #[error("a public key of {bytes} bytes is too long: give one line of at most {} bytes", LINE_MAX)]
    TooLong {
        /// The length found.
        bytes: usize,
    },
    /// A type that exists in OpenSSH, or a new one, and cannot sign here.
    #[error("`{kind}` keys cannot sign here: make one that can with `ssh-keygen -t ed25519`")]
    Unsupported {
        /// The type, escaped.
        kind: String,
    },
    /// A certificate instead of a key.
    #[error(
        "`{kind}` is a certificate and cannot sign here: give the plain key, or make one with `ssh-keygen -t ed25519`"
    )]
    Certificate {
        /// The type, escaped.
        kind: String,
    },
    /// The second word is not base64 in its one canonical form.
    #[error("the base64 of the `{kind}` key is damaged: copy the whole line of the `.pub` file again")]
    Base64 {
        /// The type of the line.
        kind: &'static str,
    },
    /// The line says one type and the key inside another.
    #[error(
        "the line says `{line}` but the key in it is `{blob}`: copy the whole line of the `.pub` file again"
    )]
    Mismatch {
        /// The type on the line.
        line: &'static str,
        /// The type inside.
        blob: &'static str,
    },
    /// The bytes are not exactly one key of that type.
    #[error("the `{kind}` key is malformed ({why}): copy the whole line of the `.pub` file again")]
    Malformed {
        /// The type, as far as it was read.
        kind: &'static str,
        /// What is wrong with the bytes.
        why: &'static str,
    },
    /// A key for which anybody can make signatures.
    #[error(
        "this `{kind}` key protects nothing, anybody can sign for it: make one with `ssh-keygen -t ed25519`"
    )]
    Weak {
        /// The type.
        kind: &'static str,
    },
}

/// A public key that can sign here, well formed. Two are equal when the keys are, whatever their comments.
///
/// That an ECDSA point lies on its curve is not checked here: for one that does not, no signature verifies.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    blob: Vec<u8>,
    point: Vec<u8>,
    application: Option<String>,
    comment: String,
}

impl PublicKey {
    /// Reads the key as it stands inside signatures, private key files and the agent protocol.
    ///
    /// # Errors
    /// When the bytes are not exactly one key of a supported type.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        if blob.len() > LINE_MAX {
            return Err(KeyError::TooLong { bytes: blob.len() });
        }
        let mut reader = Reader::new(blob);
        let Some(kind) = reader.text() else {
            return Err(KeyError::Malformed { kind: "OpenSSH", why: "it names no type" });
        };
        let algorithm = Algorithm::named(kind).ok_or_else(|| refusal(kind))?;
        let (point, application) = read_fields(algorithm, reader)
            .map_err(|why| KeyError::Malformed { kind: algorithm.name(), why })?;
        if algorithm.shape().0.is_none() && is_weak(point) {
            return Err(KeyError::Weak { kind: algorithm.name() });
        }
        let (point, application) = (point.to_vec(), application.map(str::to_owned));
        Ok(Self { algorithm, blob: blob.to_vec(), point, application, comment: String::new() })
    }

    /// The Ed25519 key with these 32 bytes.
    ///
    /// # Errors
    /// When they are not 32, or a key for which anybody can sign.
    pub fn ed25519(point: &[u8]) -> Result<Self, KeyError> {
        let mut blob = Vec::new();
        put_string(&mut blob, Algorithm::Ed25519.name().as_bytes());
        put_string(&mut blob, point);
        Self::from_blob(&blob)
    }

    /// The kind of key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the private half lives in a FIDO device, so that signatures tell of touch and PIN.
    #[must_use]
    pub fn is_hardware(&self) -> bool {
        self.algorithm.is_hardware()
    }

    /// The key in SSH wire format: its identity.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The bare point: 32 bytes of Ed25519, or an uncompressed ECDSA point (65 or 97 bytes).
    #[must_use]
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// The application of a hardware key: `ssh:`, or the relying party of a passkey.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    /// The comment of the line it was read from; foreign text, and no part of the key.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.blob)))
    }

    /// The canonical line, `TYPE BASE64`, without a comment.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.algorithm.name(), STANDARD.encode(&self.blob))
    }
}

/// The fields behind the type: the curve where there is one, the point, the application of hardware keys.
fn read_fields(algorithm: Algorithm, mut reader: Reader<'_>) -> Result<(&[u8], Option<&str>), &'static str> {
    const SHORT: &str = "it ends too early";
    let (curve, length) = algorithm.shape();
    if let Some(curve) = curve
        && reader.string().ok_or(SHORT)? != curve.as_bytes()
    {
        return Err("its curve is another one");
    }
    let point = reader.string().ok_or(SHORT)?;
    if point.len() != length {
        return Err("its point has the wrong length");
    }
    if curve.is_some() && point.first() != Some(&4) {
        return Err("its point is not uncompressed");
    }
    let mut application = None;
    if algorithm.is_hardware() {
        let text = reader.text().ok_or("its application is cut short or no text")?;
        if text.is_empty() || text.len() > APPLICATION_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("its application is not 1 to 255 printable ASCII characters");
        }
        application = Some(text);
    }
    if reader.is_empty() { Ok((point, application)) } else { Err("bytes follow after its end") }
}

/// Whether this Ed25519 point is one of small order.
fn is_weak(point: &[u8]) -> bool {
    let last = point.len().saturating_sub(1);
    let hex: String = point
        .iter()
        .enumerate()
        .map(|(index, byte)| if index == last { byte & 0x7f } else { *byte })
        .map(|byte| format!("{byte:02x}"))
        .collect();
    WEAK_POINTS.contains(&hex.as_str())
}

/// The start of a foreign text, with everything a terminal could act on escaped.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() { format!("{start}…") } else { start }
}

/// The refusal for a type that is not supported.
fn refusal(kind: &str) -> KeyError {
    if kind.contains("-cert-v0") {
        return KeyError::Certificate { kind: shown(kind) };
    }
    KeyError::Unsupported { kind: shown(kind) }
}

/// Whether a word is the name of some OpenSSH key type, supported or not.
fn looks_like_a_type(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-", "rsa-", "webauthn-"].iter().any(|prefix| word.starts_with(prefix))
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'@' | b'.'))
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let line = text.trim_ascii();
        if line.len() > LINE_MAX {
            return Err(KeyError::TooLong { bytes: line.len() });
        }
        let shape = || KeyError::Shape { shown: shown(line) };
        if line.chars().any(char::is_control) {
            return Err(shape());
        }
        let (kind, rest) = line.split_once(' ').ok_or_else(shape)?;
        if !looks_like_a_type(kind) {
            return Err(shape());
        }
        let algorithm = Algorithm::named(kind).ok_or_else(|| refusal(kind))?;
        let (base64, comment) = rest.split_once(' ').unwrap_or((rest, ""));
        let blob = STANDARD.decode(base64).map_err(|_| KeyError::Base64 { kind: algorithm.name() })?;
        let key = Self::from_blob(&blob)?;
        if key.algorithm != algorithm {
            return Err(KeyError::Mismatch { line: algorithm.name(), blob: key.algorithm.name() });
        }
        Ok(Self { comment: comment.trim_ascii().to_owned(), ..key })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.line())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.blob.cmp(&other.blob)
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.blob.hash(state);
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.line())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a verified signature proves: which key made it and, for hardware, what the device says about the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The key, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// What the device signed about the person; absent for keys that are files.
    pub hardware: Option<Hardware>,
}

impl Proof {
    /// Whether the signature shows at least this presence. A passphrase key proves the passphrase and nothing more.
    #[must_use]
    pub fn shows(&self, least: PresenceLevel) -> bool {
        match (&self.hardware, least) {
            (None, PresenceLevel::Passphrase) => true,
            (None, _) => false,
            (Some(hardware), PresenceLevel::Verified) => hardware.touch && hardware.verified,
            // A hardware key has no passphrase to stand in for the touch.
            (Some(hardware), _) => hardware.touch,
        }
    }
}

/// What a FIDO device signed along with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Somebody touched the device (user presence, UP).
    pub touch: bool,
    /// The device checked a PIN or a fingerprint (user verification, UV).
    pub verified: bool,
    /// The device's count of signatures; 0 where it keeps none.
    pub counter: u32,
}

#[cfg(test)]
mod tests;
