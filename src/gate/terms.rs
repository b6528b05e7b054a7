//! Checked nouns: a value of one of these types is well formed, so nothing behind the door asks again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is not one of the nouns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {noun}: {rule}")]
pub struct TermError {
    /// The kind of noun that was meant.
    pub noun: &'static str,
    /// What was given, escaped for display.
    pub text: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

/// The longest name of a person, role, environment, stage or check, in bytes.
const NAME_MAX: usize = 64;
/// The longest version, in bytes: a tag name that long is still readable on one line.
const VERSION_MAX: usize = 128;

fn name_ok(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= NAME_MAX
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@'))
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = TermError;

            fn from_str(text: &str) -> Result<Self, TermError> {
                if name_ok(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(TermError {
                    noun: $noun,
                    text: text.escape_debug().to_string(),
                    rule: "1 to 64 letters, digits, `-`, `_`, `.` or `@`, starting with a letter or digit",
                })
            }
        }

        impl TryFrom<String> for $type {
            type Error = TermError;

            fn try_from(text: String) -> Result<Self, TermError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// An environment, such as `production`.
    Environment,
    "environment"
);
name!(
    /// Somebody who can sign. Also the stem of a signature's file name.
    PersonName,
    "person"
);
name!(
    /// A machine that signs evidence, such as `ci-runner`. Also the stem of a signature's file name.
    MachineName,
    "machine"
);
name!(
    /// What an agent or CI acts as, such as `orchestrator`.
    Role,
    "role"
);
name!(
    /// A set of people, such as `release`.
    Group,
    "group"
);
name!(
    /// A stage of the pipeline, such as `integration`.
    Stage,
    "stage"
);
name!(
    /// A check of a stage, such as `unit`.
    Check,
    "check"
);

/// The version of a release: a tag's name, not always semantic (`@scope/pkg@1.2.0`, `v24.10`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

impl Version {
    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+' | b'/');
        let first = |b: u8| b.is_ascii_alphanumeric() || b == b'@';
        let ok = text.len() <= VERSION_MAX
            && text.bytes().next().is_some_and(first)
            && text.bytes().all(inner)
            && !text.contains("..")
            && !text.contains("//")
            && !text.contains("@{")
            && !text.ends_with(['/', '.'])
            && !text.ends_with(".lock");
        if ok {
            return Ok(Self(text.to_owned()));
        }
        Err(TermError {
            noun: "version",
            text: text.escape_debug().to_string(),
            rule: "1 to 128 letters, digits, `-`, `_`, `.`, `@`, `+` or `/`, starting with a letter, digit or `@`",
        })
    }
}

impl TryFrom<String> for Version {
    type Error = TermError;

    fn try_from(text: String) -> Result<Self, TermError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A full commit id: 40 lower-case hex digits, in place, since a range holds tens of thousands of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId([u8; 40]);

impl CommitId {
    /// The full id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hex digits are text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id that these bytes are.
    #[must_use]
    pub fn of(bytes: [u8; 20]) -> Self {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        Self(text)
    }

    /// The first seven digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.as_str()[..7]
    }
}

fn lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl FromStr for CommitId {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        if lower_hex(text, 40)
            && let Ok(digits) = text.as_bytes().try_into()
        {
            return Ok(Self(digits));
        }
        Err(TermError {
            noun: "commit id",
            text: text.escape_debug().to_string(),
            rule: "40 lower-case hex digits",
        })
    }
}

impl TryFrom<String> for CommitId {
    type Error = TermError;

    fn try_from(text: String) -> Result<Self, TermError> {
        text.parse()
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitId({})", self.as_str())
    }
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
}

/// A SHA-256 digest, written `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest that a hasher came to.
    #[must_use]
    pub const fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The 64 hex digits without the prefix.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// The first seven hex digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.hex()[..7].to_owned()
    }

    /// The raw 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        let hex = text.strip_prefix("sha256:").filter(|hex| lower_hex(hex, 64));
        let Some(hex) = hex else {
            return Err(TermError {
                noun: "digest",
                text: text.escape_debug().to_string(),
                rule: "`sha256:` and 64 lower-case hex digits",
            });
        };
        let nibble = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b - b'a' + 10 };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = TermError;

    fn try_from(text: String) -> Result<Self, TermError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        push_hex(&mut text, &digest.0);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.hex())
    }
}

/// The migration tools whose files are known by path.
pub const MIGRATION_PRESETS: &[&str] = &[
    "diesel",
    "sqlx",
    "refinery",
    "sea-orm",
    "golang-migrate",
    "goose",
    "dbmate",
    "pop",
    "rails",
    "django",
    "alembic",
    "flyway",
    "liquibase",
    "prisma",
    "drizzle",
    "supabase",
    "typeorm",
    "sequelize",
    "knex",
    "ecto",
    "ef-core",
    "laravel",
    "doctrine",
    "sql",
    "script",
];
