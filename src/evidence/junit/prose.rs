//! XML with the prose left out: tags pass unchanged, the rest shrinks to what a verdict needs.
//!
//! A text becomes one `x` where it says anything, a CDATA section becomes an empty one, comments and processing
//! instructions vanish. So the memory needed hangs on the longest tag and not on the longest output of a test.
//! Everything that could make a parser reach out or blow up (DOCTYPE, entities) is refused here.

use std::io::{self, BufRead, Read};

use super::decode::{Decoder, Flaw};
use super::foreign;

/// The longest tag with its attributes, in bytes: producers put whole failure messages into `message`.
pub(super) const TAG_MAX: usize = 4 * 1024 * 1024;
/// The longest reference, without `&` and `;`.
const REFERENCE_MAX: usize = 32;
/// The longest DOCTYPE, without `<!DOCTYPE` and `>`: there is room for the name of a root element.
const DOCTYPE_MAX: usize = 128;

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    /// After `&`.
    Reference,
    /// After `<`.
    Open,
    /// In a tag, perhaps in a value between quotes.
    Tag {
        quote: Option<u8>,
    },
    /// After `<!`.
    Bang,
    /// In a comment, a CDATA section or an instruction, after so many bytes of its end mark.
    Comment(u8),
    Cdata(u8),
    Instruction(u8),
    /// In the name of an instruction.
    Target,
    Doctype,
}

/// A stream of XML without prose.
pub(super) struct Prose<R> {
    decoder: Decoder<R>,
    raw: String,
    at: usize,
    out: Vec<u8>,
    sent: usize,
    place: Place,
    /// The bytes that tell what a markup is, while it is not known yet.
    mark: Vec<u8>,
    tag_length: usize,
    /// Whether the current text was already told.
    told: bool,
    /// Whether a tag has just ended: it is handed out alone, so that a fault is found near its line.
    tag_ended: bool,
    /// Whether nothing but the current markup has been read.
    fresh: bool,
    line: u64,
}

impl<R: BufRead> Prose<R> {
    pub(super) fn new(decoder: Decoder<R>) -> Self {
        Self {
            decoder,
            raw: String::new(),
            at: 0,
            out: Vec::new(),
            sent: 0,
            place: Place::Text,
            mark: Vec::new(),
            tag_length: 0,
            told: false,
            tag_ended: false,
            fresh: true,
            line: 1,
        }
    }

    /// The line that was read last, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Reads on to the end of the next tag, or to the end of what is there.
    fn refill(&mut self) -> Result<(), Flaw> {
        self.out.clear();
        self.sent = 0;
        self.tag_ended = false;
        while !self.tag_ended {
            self.pass_plain()?;
            if let Some(&byte) = self.raw.as_bytes().get(self.at) {
                self.at += 1;
                self.line += u64::from(byte == b'\n');
                self.step(byte)?;
                continue;
            }
            if !self.out.is_empty() {
                break;
            }
            self.raw.clear();
            self.at = 0;
            let more = self.decoder.chunk(&mut self.raw)?;
            if !more && self.raw.is_empty() {
                return if self.place == Place::Text { Ok(()) } else { Err(Flaw::CutOff) };
            }
        }
        Ok(())
    }

    /// Passes over the bytes that change nothing where the reader stands: nearly all of a long file.
    fn pass_plain(&mut self) -> Result<(), Flaw> {
        let (one, two, three) = match self.place {
            Place::Text if self.told => (b'<', b'&', b'&'),
            Place::Comment(0) => (b'-', b'-', b'-'),
            Place::Cdata(0) => (b']', b']', b']'),
            Place::Tag { quote: Some(quote) } => (quote, quote, quote),
            Place::Tag { quote: None } => (b'>', b'"', b'\''),
            _ => return Ok(()),
        };
        let bytes = self.raw.as_bytes();
        let start = self.at;
        while self.at < bytes.len() {
            let byte = bytes[self.at];
            if byte == one || byte == two || byte == three {
                break;
            }
            self.at += 1;
            self.line += u64::from(byte == b'\n');
        }
        if matches!(self.place, Place::Tag { .. }) {
            self.out.extend_from_slice(bytes.get(start..self.at).unwrap_or_default());
            self.tag_length += self.at - start;
        }
        if self.tag_length > TAG_MAX { Err(Flaw::LongTag) } else { Ok(()) }
    }

    fn step(&mut self, byte: u8) -> Result<(), Flaw> {
        match self.place {
            Place::Text => self.text(byte),
            Place::Reference => return self.reference(byte),
            Place::Open => return self.open(byte),
            Place::Tag { quote } => return self.tag(byte, quote),
            Place::Bang => return self.bang(byte),
            Place::Comment(seen) => self.place = ended(byte, b'-', seen).map_or(Place::Text, Place::Comment),
            Place::Cdata(seen) => {
                self.place = ended(byte, b']', seen).map_or(Place::Text, Place::Cdata);
                if self.place == Place::Text {
                    self.out.extend_from_slice(b"<![CDATA[]]>");
                }
            }
            Place::Target => return self.target(byte),
            Place::Instruction(seen) => {
                self.place = match byte {
                    b'>' if seen > 0 => Place::Text,
                    other => Place::Instruction(u8::from(other == b'?')),
                };
            }
            Place::Doctype => return self.doctype(byte),
        }
        Ok(())
    }

    fn text(&mut self, byte: u8) {
        match byte {
            b'<' => {
                self.place = Place::Open;
                return;
            }
            b'&' => {
                self.mark.clear();
                self.place = Place::Reference;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.say(),
        }
        self.fresh = false;
    }

    /// Hands out one letter for the whole text.
    fn say(&mut self) {
        if !self.told {
            self.told = true;
            self.out.push(b'x');
        }
    }

    fn reference(&mut self, byte: u8) -> Result<(), Flaw> {
        if byte == b';' {
            check_reference(&String::from_utf8_lossy(&self.mark))?;
            self.place = Place::Text;
            self.say();
            return Ok(());
        }
        if byte == b'<' || byte == b'&' || self.mark.len() >= REFERENCE_MAX {
            return Err(Flaw::BareAmpersand);
        }
        self.mark.push(byte);
        Ok(())
    }

    fn open(&mut self, byte: u8) -> Result<(), Flaw> {
        self.mark.clear();
        match byte {
            b'!' => self.place = Place::Bang,
            b'?' => self.place = Place::Target,
            byte if byte == b'/' || name_start(byte) => {
                self.out.extend_from_slice(&[b'<', byte]);
                self.tag_length = 0;
                self.place = Place::Tag { quote: None };
            }
            _ => return Err(Flaw::BareLess),
        }
        Ok(())
    }

    fn tag(&mut self, byte: u8, quote: Option<u8>) -> Result<(), Flaw> {
        self.out.push(byte);
        self.tag_length += 1;
        if self.tag_length > TAG_MAX {
            return Err(Flaw::LongTag);
        }
        match (quote, byte) {
            (None, b'>') => {
                self.place = Place::Text;
                self.told = false;
                self.tag_ended = true;
                self.fresh = false;
            }
            (None, b'"' | b'\'') => self.place = Place::Tag { quote: Some(byte) },
            (Some(open), close) if open == close => self.place = Place::Tag { quote: None },
            _ => {}
        }
        Ok(())
    }

    fn bang(&mut self, byte: u8) -> Result<(), Flaw> {
        self.fresh = false;
        self.mark.push(byte);
        self.place = match self.mark.as_slice() {
            b"--" => Place::Comment(0),
            b"[CDATA[" => Place::Cdata(0),
            b"DOCTYPE" => {
                self.mark.clear();
                Place::Doctype
            }
            start => {
                let known = [&b"--"[..], b"[CDATA[", b"DOCTYPE"].iter().any(|whole| whole.starts_with(start));
                return if known { Ok(()) } else { Err(Flaw::Markup) };
            }
        };
        Ok(())
    }

    fn target(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.mark.is_empty() && !name_start(byte) {
            return Err(Flaw::Markup);
        }
        if !matches!(byte, b'?' | b' ' | b'\t' | b'\r' | b'\n') {
            // Only the first letters matter: is it `xml` or not?
            if self.mark.len() < 4 {
                self.mark.push(byte);
            }
            return Ok(());
        }
        if self.mark.eq_ignore_ascii_case(b"xml") && !self.fresh {
            return Err(Flaw::SecondDeclaration);
        }
        self.fresh = false;
        self.place = Place::Instruction(u8::from(byte == b'?'));
        Ok(())
    }

    /// A DOCTYPE may name the root element and no more.
    fn doctype(&mut self, byte: u8) -> Result<(), Flaw> {
        if byte == b'>' {
            let words = String::from_utf8_lossy(&self.mark).split_ascii_whitespace().count();
            self.place = Place::Text;
            return if words == 1 { Ok(()) } else { Err(self.bad_doctype()) };
        }
        if byte == b'[' || byte == b'<' || self.mark.len() >= DOCTYPE_MAX {
            return Err(self.bad_doctype());
        }
        self.mark.push(byte);
        Ok(())
    }
}

impl<R> Prose<R> {
    /// A DOCTYPE that does more than name the root; the name may tell whose it is.
    fn bad_doctype(&self) -> Flaw {
        let words = String::from_utf8_lossy(&self.mark);
        let root = words.split_ascii_whitespace().next().and_then(foreign::by_root);
        root.map_or(Flaw::Doctype, Flaw::NotJunit)
    }
}

/// Whether a name can begin with this byte.
pub(super) fn name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | 0x80..)
}

/// Steps through an end mark of two equal bytes and `>`: none when it is complete.
fn ended(byte: u8, closer: u8, seen: u8) -> Option<u8> {
    match byte {
        b'>' if seen >= 2 => None,
        other if other == closer => Some(seen.saturating_add(1).min(2)),
        _ => Some(0),
    }
}

/// Accepts the five predefined references and those to legal characters (the text between `&` and `;`).
pub(super) fn check_reference(name: &str) -> Result<(), Flaw> {
    if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") {
        return Ok(());
    }
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(unsigned(hex)?, 16).ok(),
        None => unsigned(digits)?.parse().ok(),
    });
    let letter = number.and_then(char::from_u32);
    match letter {
        Some('\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..) => Ok(()),
        _ => Err(Flaw::Reference(super::shown(name))),
    }
}

/// Rust's number parsers take a `+`; XML does not.
fn unsigned(digits: &str) -> Option<&str> {
    (!digits.starts_with('+')).then_some(digits)
}

impl<R: BufRead> Read for Prose<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Prose<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.sent >= self.out.len() {
            self.refill().map_err(io::Error::other)?;
        }
        Ok(self.out.get(self.sent..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.sent = self.sent.saturating_add(amount).min(self.out.len());
    }
}
