//! Bytes to lines: of any length, of any line end, with the beginning of each kept.

use std::io::{self, BufRead};

/// The largest report, in bytes: that of the JUnit reader.
const BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How much of a line is kept, in bytes: a description with its directive is far shorter.
const LINE_MAX: usize = 64 * 1024;

/// Why the bytes are not TAP that this reader accepts.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    #[error("the file could not be read: {0}")]
    Io(io::Error),
    #[error("the file is empty (0 bytes)")]
    NoBytes,
    #[error("it is larger than {} MiB", BYTES_MAX / 1024 / 1024)]
    TooLarge,
    #[error("it is UTF-16: write the report as UTF-8")]
    Utf16,
    #[error("it holds a NUL byte: the disk or the producer broke off")]
    Nul,
    #[error("no line of TAP is in it")]
    NoTap,
    #[error("it seems to be XML: name it under `junit` and not under `tap`")]
    Xml,
}

/// A stream of lines.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    /// How many bytes may still come.
    left: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self::bounded(input, BYTES_MAX)
    }

    /// Lines of an input of which no more than so many bytes are read.
    pub(super) fn bounded(input: R, left: u64) -> Self {
        Self { input, line: Vec::new(), number: 0, left }
    }

    /// The number of the line that was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end, and whether that is all of it; none at the end of the input.
    pub(super) fn next(&mut self) -> Result<Option<(&[u8], bool)>, Flaw> {
        self.line.clear();
        let (mut whole, mut any) = (true, false);
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Flaw::Io(error)),
            };
            if bytes.is_empty() {
                break;
            }
            any = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = LINE_MAX - self.line.len();
            whole &= part.len() <= room;
            self.line.extend_from_slice(part.get(..part.len().min(room)).unwrap_or_default());
            if part.contains(&0) {
                self.number += 1;
                let marks = [b"\xFF\xFE", b"\xFE\xFF"];
                let utf16 = self.number == 1 && marks.iter().any(|mark| self.line.starts_with(*mark));
                return Err(if utf16 { Flaw::Utf16 } else { Flaw::Nul });
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            self.left = self.left.checked_sub(used as u64).ok_or(Flaw::TooLarge)?;
            if end.is_some() {
                break;
            }
        }
        if !any {
            return if self.number == 0 { Err(Flaw::NoBytes) } else { Ok(None) };
        }
        self.number += 1;
        let start = if self.number == 1 && self.line.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Ok(Some((self.line.get(start..).unwrap_or_default(), whole)))
    }
}
