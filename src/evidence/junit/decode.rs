//! Bytes to legal XML characters: byte order marks, UTF-8, UTF-16 and the single-byte encodings.

use std::io::{self, BufRead};

use super::foreign;

/// The largest report, in bytes: ten times the 50 MB that large test runs write.
const BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How many bytes are decoded at a time.
const CHUNK: usize = 16 * 1024;
/// Where the XML declaration must have ended, in bytes.
const HEAD: usize = 256;
/// How a page of the web begins, where a server answered with one instead of the report.
const HTML: &[u8] = b"<!doctype html";

/// Why the bytes are not XML that this reader accepts.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    #[error("the file could not be read: {0}")]
    Io(io::Error),
    #[error("the file is empty (0 bytes)")]
    NoBytes,
    #[error("it seems to be {0}")]
    Foreign(&'static str),
    #[error("it seems to be {0}, and not JUnit")]
    NotJunit(&'static str),
    #[error("it is larger than {} MiB", BYTES_MAX / 1024 / 1024)]
    TooLarge,
    #[error("its bytes are not {0}")]
    Encoding(&'static str),
    #[error("its encoding `{0}` is not supported: write the report as UTF-8")]
    UnknownEncoding(String),
    #[error("the character U+{0:04X} is not allowed in XML")]
    Character(u32),
    #[error("the file ends in the middle of the report")]
    CutOff,
    #[error("a `<` begins no tag")]
    BareLess,
    #[error("a `<!` or `<?` begins nothing that XML knows")]
    Markup,
    #[error("the reference `&{0};` is refused: only the five predefined ones and legal characters are read")]
    Reference(String),
    #[error("a `&` begins no reference")]
    BareAmpersand,
    #[error("its DOCTYPE declares entities or points outside the file, which is refused")]
    Doctype,
    #[error("an XML declaration is not at the very start: is it more than one document?")]
    SecondDeclaration,
    #[error("a tag is longer than {} MiB", super::prose::TAG_MAX / 1024 / 1024)]
    LongTag,
}

/// How characters are written in the file.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Utf16 {
        big_endian: bool,
    },
    /// One byte is one character, and those below 128 are ASCII. Which characters the others are does not matter
    /// here: no element name and no number needs them.
    SingleByte,
}

/// A stream of decoded, legal characters.
pub(super) struct Decoder<R> {
    input: R,
    encoding: Option<Encoding>,
    bytes: Vec<u8>,
    /// How many bytes may still come.
    left: u64,
}

impl<R: BufRead> Decoder<R> {
    pub(super) fn new(input: R) -> Self {
        Self::bounded(input, BYTES_MAX)
    }

    /// A decoder that refuses an input of more bytes than this.
    pub(super) fn bounded(input: R, left: u64) -> Self {
        Self { input, encoding: None, bytes: Vec::new(), left }
    }

    /// Adds the next characters to `out`; false when the input has ended.
    pub(super) fn chunk(&mut self, out: &mut String) -> Result<bool, Flaw> {
        let mut more = self.fetch()?;
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => {
                while more && self.bytes.len() < HEAD {
                    more = self.fetch()?;
                }
                if self.bytes.is_empty() {
                    return Err(Flaw::NoBytes);
                }
                let (encoding, mark) = detect(&self.bytes)?;
                self.bytes.drain(..mark);
                *self.encoding.insert(encoding)
            }
        };
        let start = out.len();
        let used = match encoding {
            Encoding::Utf8 => utf8(&self.bytes, out)?,
            Encoding::Utf16 { big_endian } => utf16(&self.bytes, big_endian, out)?,
            Encoding::SingleByte => {
                out.extend(self.bytes.iter().copied().map(char::from));
                self.bytes.len()
            }
        };
        self.bytes.drain(..used);
        if !more && !self.bytes.is_empty() {
            return Err(Flaw::CutOff);
        }
        legal(out.get(start..).unwrap_or_default())?;
        Ok(more)
    }

    /// Takes the next bytes of the input; false at its end.
    fn fetch(&mut self) -> Result<bool, Flaw> {
        let taken = loop {
            match self.input.fill_buf() {
                Ok(bytes) => {
                    let bytes = bytes.get(..bytes.len().min(CHUNK)).unwrap_or_default();
                    self.bytes.extend_from_slice(bytes);
                    break bytes.len();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Flaw::Io(error)),
            }
        };
        self.input.consume(taken);
        self.left = self.left.checked_sub(taken as u64).ok_or(Flaw::TooLarge)?;
        Ok(taken > 0)
    }
}

/// The encoding, and the length of the byte order mark. The mark decides (PowerShell writes UTF-16 under a
/// declaration that says UTF-8), then the first bytes, then the declaration.
fn detect(head: &[u8]) -> Result<(Encoding, usize), Flaw> {
    if let Some(what) = foreign::by_start(head.trim_ascii_start()) {
        return Err(Flaw::Foreign(what));
    }
    if head.trim_ascii_start().get(..HTML.len()).is_some_and(|start| start.eq_ignore_ascii_case(HTML)) {
        return Err(Flaw::NotJunit("an HTML page"));
    }
    match head {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Err(Flaw::UnknownEncoding("utf-32".to_owned())),
        [0xEF, 0xBB, 0xBF, ..] => Ok((Encoding::Utf8, 3)),
        [0xFF, 0xFE, ..] => Ok((Encoding::Utf16 { big_endian: false }, 2)),
        [0xFE, 0xFF, ..] => Ok((Encoding::Utf16 { big_endian: true }, 2)),
        [b'<', 0, ..] => Ok((Encoding::Utf16 { big_endian: false }, 0)),
        [0, b'<', ..] => Ok((Encoding::Utf16 { big_endian: true }, 0)),
        _ => match declared(head) {
            None => Ok((Encoding::Utf8, 0)),
            Some(label) => by_label(&label).map(|encoding| (encoding, 0)),
        },
    }
}

/// The value of `encoding` in the XML declaration.
fn declared(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head.get(..head.len().min(HEAD))?);
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|mark| matches!(mark, '"' | '\''))?;
    let (label, _) = value.get(1..)?.split_once(quote)?;
    Some(label.to_ascii_lowercase())
}

fn by_label(label: &str) -> Result<Encoding, Flaw> {
    const SINGLE: [&str; 5] = ["iso-8859-", "iso8859-", "windows-125", "cp125", "koi8-"];
    match label {
        "utf-8" | "utf8" => Ok(Encoding::Utf8),
        "us-ascii" | "ascii" | "latin1" | "latin-1" | "iso_8859-1" => Ok(Encoding::SingleByte),
        _ if SINGLE.iter().any(|start| label.starts_with(start)) => Ok(Encoding::SingleByte),
        _ => Err(Flaw::UnknownEncoding(super::shown(label))),
    }
}

/// Decodes all whole characters; answers how many bytes they took.
fn utf8(bytes: &[u8], out: &mut String) -> Result<usize, Flaw> {
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.push_str(text);
            return Ok(bytes.len());
        }
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return Err(Flaw::Encoding("UTF-8")),
    };
    let text = bytes.get(..whole).and_then(|bytes| std::str::from_utf8(bytes).ok());
    out.push_str(text.unwrap_or_default());
    Ok(whole)
}

/// Decodes all whole characters; answers how many bytes they took.
fn utf16(bytes: &[u8], big_endian: bool, out: &mut String) -> Result<usize, Flaw> {
    let unit =
        |pair: &[u8; 2]| if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    let (pairs, _) = bytes.as_chunks::<2>();
    // The first half of a surrogate pair waits for the second.
    let waits = pairs.last().is_some_and(|last| (0xD800..0xDC00).contains(&unit(last)));
    let pairs = pairs.get(..pairs.len() - usize::from(waits)).unwrap_or_default();
    for letter in char::decode_utf16(pairs.iter().map(unit)) {
        out.push(letter.map_err(|_| Flaw::Encoding("UTF-16"))?);
    }
    Ok(pairs.len() * 2)
}

/// XML 1.0 forbids the C0 control characters but three, and two others.
fn legal(text: &str) -> Result<(), Flaw> {
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // All of them without a way out: that is many bytes at once, and nearly every text is good.
    if text.bytes().fold(false, |found, byte| found | control(byte)) {
        let first = text.bytes().find(|byte| control(*byte)).unwrap_or_default();
        return Err(Flaw::Character(u32::from(first)));
    }
    let forbidden = ['\u{FFFE}', '\u{FFFF}'].into_iter().find(|letter| text.contains(*letter));
    forbidden.map_or(Ok(()), |letter| Err(Flaw::Character(u32::from(letter))))
}
