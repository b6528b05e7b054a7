//! SSH signatures (OpenSSH's `PROTOCOL.sshsig`): a strict reader and verifier, and the key of a session.
//!
//! Whatever passes here also passes `ssh-keygen -Y verify`, never the other way round: only one spelling of each
//! signature is read, and only the pairs of key type and algorithm that are listed. Missing touch is not refused
//! here; the flags that the device signed are reported and the gate judges them.
//!
//! Signature bytes are no identity: for every ECDSA signature `(r, s)` there is a second valid one, `(r, n - s)`,
//! that anybody can compute. Both are accepted, as FIDO devices make either; who signed is the key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

use crate::gate::keys::{Algorithm, Hardware, KeyError, Proof, PublicKey};
use crate::gate::wire::{Reader, put_string};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
/// Characters on a line: 70 is what `ssh-keygen` writes, 76 what `PROTOCOL.sshsig` recommends.
const WIDTHS: [usize; 2] = [70, 76];
/// The longest armored signature, in bytes. The longest real kind, a passkey's, has about 1500.
const ARMOR_MAX: usize = 16 * 1024;
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
/// The algorithm of a signature that a browser made with a passkey.
const WEBAUTHN: &str = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com";

/// Bits of the flags in authenticator data (`WebAuthn` level 2, section 6.1).
mod flag {
    pub(super) const TOUCH: u8 = 0x01;
    pub(super) const VERIFIED: u8 = 0x04;
    pub(super) const ATTESTED: u8 = 0x40;
    pub(super) const EXTENSIONS: u8 = 0x80;
}

/// Why a signature was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Larger than any signature.
    #[error("a signature of {bytes} bytes is too long: at most {} are read", ARMOR_MAX)]
    TooLong {
        /// The length found.
        bytes: usize,
    },
    /// The text around the signature, or its base64, is not what `ssh-keygen` writes.
    #[error(
        "this is not an SSH signature as `ssh-keygen -Y sign` writes it: it must be the whole `.sig` file, unchanged"
    )]
    Armor,
    /// The bytes inside break the format.
    #[error("the signature is malformed ({why}): sign again with `ssh-keygen -Y sign`")]
    Malformed {
        /// What is wrong with the bytes.
        why: &'static str,
    },
    /// A version of the format that is not known.
    #[error(
        "the signature has version {version} and only version 1 is known: sign with `ssh-keygen -Y sign`"
    )]
    Version {
        /// The version found.
        version: u32,
    },
    /// A digest other than sha256 and sha512.
    #[error("the signature uses the digest `{name}`: sign again with `sha512` or `sha256`")]
    Digest {
        /// The name found, escaped.
        name: String,
    },
    /// The key inside cannot be used here.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Somebody else's signature.
    #[error("the signature was made by the key {found}, not by {wanted}: sign with the enrolled key")]
    WrongKey {
        /// Fingerprint of the key inside.
        found: String,
        /// Fingerprint of the enrolled key.
        wanted: String,
    },
    /// A signature for another purpose.
    #[error("the signature is for `{found}`, not for `{wanted}`: it cannot be used here, sign again")]
    Namespace {
        /// The namespace inside, escaped.
        found: String,
        /// The namespace asked for.
        wanted: String,
    },
    /// A key type and an algorithm that do not belong together.
    #[error("a `{key}` key cannot make a `{signature}` signature: sign again with `ssh-keygen -Y sign`")]
    Algorithm {
        /// The type of the key.
        key: &'static str,
        /// The algorithm found, escaped.
        signature: String,
    },
    /// The data that the browser signed is not about this message.
    #[error("the browser's part of the signature is not acceptable ({why}): sign again")]
    Browser {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Everything is well formed and the signature is false.
    #[error("the signature does not match: the text was changed after it was signed, or the signature was")]
    Invalid,
}

/// Judges an armored signature over `message` by the enrolled `key` in `namespace`.
///
/// # Errors
/// When the signature is not exactly that.
pub fn verify(
    key: &PublicKey,
    namespace: &str,
    message: &[u8],
    armored: &str,
) -> Result<Proof, SignatureError> {
    let blob = dearmor(armored)?;
    let envelope = Envelope::read(&blob)?;
    let found = PublicKey::from_blob(envelope.key)?;
    if found != *key {
        return Err(SignatureError::WrongKey { found: found.fingerprint(), wanted: key.fingerprint() });
    }
    if envelope.namespace != namespace {
        return Err(SignatureError::Namespace {
            found: shown(envelope.namespace),
            wanted: namespace.to_owned(),
        });
    }
    let signed = signed_data(namespace, envelope.digest, message);
    let hardware = check(key, &signed, envelope.signature)?;
    Ok(Proof { fingerprint: key.fingerprint(), hardware })
}

/// Whose key is inside an armored signature. Nothing is proved by it; it tells which enrolled key to verify with.
///
/// # Errors
/// When this is no signature, or one by a key that cannot sign here.
pub fn key_of(armored: &str) -> Result<PublicKey, SignatureError> {
    let blob = dearmor(armored)?;
    Ok(PublicKey::from_blob(Envelope::read(&blob)?.key)?)
}

/// The text form of a signature, as `ssh-keygen` writes it.
#[must_use]
pub fn armor(blob: &[u8]) -> String {
    wrap(&STANDARD.encode(blob), WIDTHS[0])
}

fn wrap(base64: &str, width: usize) -> String {
    let mut text = String::from(BEGIN);
    let mut rest = base64;
    while !rest.is_empty() {
        // Base64 is ASCII, so every index is a boundary.
        let (line, tail) = rest.split_at(width.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text + END
}

/// The bytes inside the armor. Wrapping them again must give the same text, so there is one spelling per width.
fn dearmor(armored: &str) -> Result<Vec<u8>, SignatureError> {
    if armored.len() > ARMOR_MAX {
        return Err(SignatureError::TooLong { bytes: armored.len() });
    }
    let body = armored
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .filter(|body| !body.is_empty())
        .ok_or(SignatureError::Armor)?;
    let base64 = body.replace('\n', "");
    let blob = STANDARD.decode(&base64).map_err(|_| SignatureError::Armor)?;
    if WIDTHS.iter().any(|width| wrap(&base64, *width) == armored) {
        return Ok(blob);
    }
    Err(SignatureError::Armor)
}

/// The digest under a signature.
#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// The fields of a signature, before anything is believed.
struct Envelope<'a> {
    key: &'a [u8],
    namespace: &'a str,
    digest: Hash,
    signature: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn read(blob: &'a [u8]) -> Result<Self, SignatureError> {
        let mut reader = Reader::new(blob);
        if reader.bytes(MAGIC.len()) != Some(MAGIC) {
            return Err(malformed("it does not start with `SSHSIG`"));
        }
        match reader.number() {
            Some(VERSION) => {}
            Some(version) => return Err(SignatureError::Version { version }),
            None => return Err(SHORT),
        }
        let key = reader.string().ok_or(SHORT)?;
        let namespace = reader.text().ok_or(malformed("its namespace is cut short or no text"))?;
        if namespace.is_empty() {
            return Err(malformed("its namespace is empty"));
        }
        if !reader.string().ok_or(SHORT)?.is_empty() {
            return Err(malformed("its reserved field is not empty"));
        }
        let digest = match reader.text().ok_or(malformed("its digest is cut short or no text"))? {
            "sha256" => Hash::Sha256,
            "sha512" => Hash::Sha512,
            name => return Err(SignatureError::Digest { name: shown(name) }),
        };
        let signature = reader.string().ok_or(SHORT)?;
        end(reader)?;
        Ok(Self { key, namespace, digest, signature })
    }
}

const SHORT: SignatureError = SignatureError::Malformed { why: "it ends too early" };

const fn malformed(why: &'static str) -> SignatureError {
    SignatureError::Malformed { why }
}

fn end(reader: Reader) -> Result<(), SignatureError> {
    if reader.is_empty() { Ok(()) } else { Err(malformed("bytes follow after its end")) }
}

/// The start of a foreign word, with everything a terminal could act on escaped.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

/// What the key signs in place of the message.
fn signed_data(namespace: &str, hash: Hash, message: &[u8]) -> Vec<u8> {
    let mut signed = MAGIC.to_vec();
    for field in [namespace.as_bytes(), b"", hash.name().as_bytes(), &hash.of(message)] {
        put_string(&mut signed, field);
    }
    signed
}

/// How the signed data reaches the key.
#[derive(Clone, Copy)]
enum Form {
    /// As it is.
    Bare,
    /// Hashed into what a FIDO device signs.
    Device,
    /// As the challenge of what a browser has a passkey sign.
    Browser,
}

/// The allow-list: a key signs by its own algorithm, and a `sk-ecdsa` key also through a browser.
fn form(algorithm: Algorithm, name: &str) -> Result<Form, SignatureError> {
    if name == WEBAUTHN && algorithm == Algorithm::SkEcdsaP256 {
        return Ok(Form::Browser);
    }
    if name != algorithm.name() {
        return Err(SignatureError::Algorithm { key: algorithm.name(), signature: shown(name) });
    }
    Ok(if algorithm.is_hardware() { Form::Device } else { Form::Bare })
}

fn check(key: &PublicKey, signed: &[u8], signature: &[u8]) -> Result<Option<Hardware>, SignatureError> {
    let mut reader = Reader::new(signature);
    let name = reader.text().ok_or(malformed("its algorithm is cut short or no text"))?;
    let form = form(key.algorithm(), name)?;
    let value = value(key.algorithm(), reader.string().ok_or(SHORT)?)?;
    let (text, hardware) = match form {
        Form::Bare => (signed.to_vec(), None),
        Form::Device => {
            let (flags, counter) = flags_and_counter(&mut reader)?;
            (device_text(key, flags, counter, &[], signed), Some(hardware(flags, counter)))
        }
        Form::Browser => {
            let (flags, counter) = flags_and_counter(&mut reader)?;
            let (extensions, client) = browser_data(&mut reader, flags, signed)?;
            (device_text(key, flags, counter, extensions, client), Some(hardware(flags, counter)))
        }
    };
    end(reader)?;
    UnparsedPublicKey::new(verifier(key.algorithm()), key.point())
        .verify(&text, &value)
        .map_err(|_| SignatureError::Invalid)?;
    Ok(hardware)
}

fn verifier(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Ed25519 | Algorithm::SkEd25519 => &ED25519,
        Algorithm::EcdsaP256 | Algorithm::SkEcdsaP256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::EcdsaP384 => &ECDSA_P384_SHA384_FIXED,
    }
}

/// The bare signature in the fixed length that the verifier takes: 64 bytes of Ed25519, or `r` and `s` in full width.
fn value(algorithm: Algorithm, field: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let width = match algorithm {
        Algorithm::Ed25519 | Algorithm::SkEd25519 => {
            return if field.len() == 64 {
                Ok(field.to_vec())
            } else {
                Err(malformed("it has the wrong length"))
            };
        }
        Algorithm::EcdsaP256 | Algorithm::SkEcdsaP256 => 32,
        Algorithm::EcdsaP384 => 48,
    };
    let mut reader = Reader::new(field);
    let mut fixed = scalar(&mut reader, width)?;
    fixed.extend(scalar(&mut reader, width)?);
    end(reader)?;
    Ok(fixed)
}

/// A positive number in its one canonical spelling (RFC 4251 `mpint`), left-padded. The verifier checks the range.
fn scalar(reader: &mut Reader, width: usize) -> Result<Vec<u8>, SignatureError> {
    let digits = match reader.string().ok_or(SHORT)? {
        [] => return Err(malformed("one of its numbers is zero")),
        [0, rest @ ..] if rest.first().is_some_and(|first| first & 0x80 != 0) => rest,
        [first, ..] if *first == 0 || first & 0x80 != 0 => {
            return Err(malformed("one of its numbers is not canonical"));
        }
        digits => digits,
    };
    let padding = width.checked_sub(digits.len()).ok_or(malformed("one of its numbers is too large"))?;
    let mut fixed = vec![0; padding];
    fixed.extend_from_slice(digits);
    Ok(fixed)
}

fn flags_and_counter(reader: &mut Reader) -> Result<(u8, u32), SignatureError> {
    Ok((reader.byte().ok_or(SHORT)?, reader.number().ok_or(SHORT)?))
}

fn hardware(flags: u8, counter: u32) -> Hardware {
    Hardware { touch: flags & flag::TOUCH != 0, verified: flags & flag::VERIFIED != 0, counter }
}

/// What a FIDO device signs: its view of the application, the flags, the counter and the hash of what it was given.
fn device_text(key: &PublicKey, flags: u8, counter: u32, extensions: &[u8], given: &[u8]) -> Vec<u8> {
    let mut text = Sha256::digest(key.application().unwrap_or_default()).to_vec();
    text.push(flags);
    text.extend_from_slice(&counter.to_be_bytes());
    text.extend_from_slice(extensions);
    text.extend_from_slice(&Sha256::digest(given));
    text
}

/// The part of the browser's client data that is judged; more fields may follow.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
}

/// The extensions and the client data of a browser's signature, the latter checked to be about `signed`.
///
/// The data is judged twice: by the fixed start that `WebAuthn` prescribes and OpenSSH compares, and as JSON, so
/// that no repeated or oddly written field means something else to another reader.
fn browser_data<'a>(
    reader: &mut Reader<'a>,
    flags: u8,
    signed: &[u8],
) -> Result<(&'a [u8], &'a [u8]), SignatureError> {
    let refuse = |why| SignatureError::Browser { why };
    let origin = reader.text().ok_or(malformed("its origin is cut short or no text"))?;
    let client = reader.string().ok_or(SHORT)?;
    let extensions = reader.string().ok_or(SHORT)?;
    if flags & flag::ATTESTED != 0 {
        return Err(refuse("it comes from the registration of a key"));
    }
    if (flags & flag::EXTENSIONS != 0) == extensions.is_empty() {
        return Err(refuse("its flags and its extensions disagree"));
    }
    if origin.contains('"') {
        return Err(refuse("its origin holds a quotation mark"));
    }
    let challenge = URL_SAFE_NO_PAD.encode(signed);
    let start = format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}""#);
    if !client.starts_with(start.as_bytes()) {
        return Err(refuse("it is for another text, purpose or origin"));
    }
    let data: ClientData =
        serde_json::from_slice(client).map_err(|_| refuse("its client data is not one JSON object"))?;
    if data.kind != "webauthn.get" || data.challenge != challenge || data.origin != origin {
        return Err(refuse("it is for another text, purpose or origin"));
    }
    Ok((extensions, client))
}

/// Why no session key could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random numbers for the session's key: try again")]
pub struct SessionKeyError;

/// The key of one deployment: made in memory, named by the signed execution, gone with the process.
pub struct SessionKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SessionKey {
    /// A new key from the system's random numbers.
    ///
    /// # Errors
    /// When the system has none to give.
    pub fn generate() -> Result<Self, SessionKeyError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| SessionKeyError)?;
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| SessionKeyError)?;
        let public = PublicKey::ed25519(pair.public_key().as_ref()).map_err(|_| SessionKeyError)?;
        Ok(Self { pair, public })
    }

    /// The public half, for the execution statement.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    /// An armored signature over `message`, as `ssh-keygen -Y sign -n NAMESPACE` would make it.
    #[must_use]
    pub fn sign(&self, namespace: &str, message: &[u8]) -> String {
        let hash = Hash::Sha512;
        let value = self.pair.sign(&signed_data(namespace, hash, message));
        let mut signature = Vec::new();
        put_string(&mut signature, Algorithm::Ed25519.name().as_bytes());
        put_string(&mut signature, value.as_ref());
        let mut blob = MAGIC.to_vec();
        blob.extend_from_slice(&VERSION.to_be_bytes());
        for field in [self.public.blob(), namespace.as_bytes(), b"", hash.name().as_bytes(), &signature] {
            put_string(&mut blob, field);
        }
        armor(&blob)
    }
}

#[cfg(test)]
mod tests;
