//! From a commit's bytes to lines of text, whatever encoding they claim.

use std::borrow::Cow;

/// What windows-1252 puts at 0x80 to 0x9F. The five unused places stay control characters, as browsers read them.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Decodes by the commit's `encoding` header; any encoding not known here is read as UTF-8, with `�` for what is not.
pub(super) fn decode<'a>(bytes: &'a [u8], encoding: Option<&str>) -> Cow<'a, str> {
    match encoding.map(|label| label.trim().to_ascii_lowercase()).as_deref() {
        Some("iso-8859-1" | "iso8859-1" | "iso_8859-1" | "iso88591" | "latin1" | "latin-1" | "l1") => {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        Some("iso-8859-15" | "iso8859-15" | "iso_8859-15" | "latin9" | "latin-9") => {
            bytes.iter().map(|byte| latin_9(*byte)).collect()
        }
        Some("windows-1252" | "cp1252" | "cp-1252" | "x-cp1252") => {
            bytes.iter().map(|byte| windows_1252(*byte)).collect()
        }
        // The lossy reader goes byte by byte, and nearly every message is what it claims to be.
        _ => std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed),
    }
}

fn windows_1252(byte: u8) -> char {
    let place = usize::from(byte).checked_sub(0x80);
    place.and_then(|place| WINDOWS_1252.get(place)).copied().unwrap_or(char::from(byte))
}

fn latin_9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => char::from(byte),
    }
}

/// The lines of a message: the first one is the subject, without the blank lines before it and the blanks around it.
///
/// A lone carriage return ends a line too: real commits carry them, and on a terminal the rest would overwrite the subject.
pub(super) fn lines(message: &str) -> Vec<&str> {
    let split = message.split('\n');
    let blank = |line: &&str| line.trim().is_empty();
    // Nearly no message has a carriage return: it is looked for once.
    let mut lines: Vec<&str> = if message.contains('\r') {
        let ends = split.flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
        ends.skip_while(blank).collect()
    } else {
        split.skip_while(blank).collect()
    };
    if let Some(first) = lines.first_mut() {
        *first = first.trim();
    }
    lines
}

/// The hex digits that a text begins with, in lower case, where they can be the id of a commit.
pub(super) fn leading_id(text: &str) -> Option<String> {
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let ended = text[digits..].bytes().next().is_none_or(|next| !next.is_ascii_alphanumeric());
    ((7..=64).contains(&digits) && ended).then(|| text[..digits].to_ascii_lowercase())
}

/// The number that a text begins with.
pub(super) fn leading_number(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}
