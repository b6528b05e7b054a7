//! The only place that cleans foreign text: what somebody else wrote (commits, names, paths, reports) is made
//! visible, never believed and never dropped, before it meets a terminal, a Markdown page, HTML or a CI log.

mod ci;
mod markdown;
#[cfg(test)]
mod tests;
mod words;

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub use ci::{annotation_data, annotation_lines, annotation_property, defused, workflow_command};
pub use markdown::{markdown, markdown_code};
pub use words::{capitalised, count, list, name, thousands};

/// How many marks without a width one letter may carry: Vietnamese and Hebrew need three, a "Zalgo" text has
/// dozens and would paint over the lines around it.
const MARKS_MAX: usize = 4;
/// Asks for the colourful form of the symbol before it (❤ and then ❤️).
const EMOJI_STYLE: char = '\u{fe0f}';

/// One line for a terminal, at most `columns` display columns wide.
///
/// Whatever cannot be seen or moves the cursor (controls, bidi, zero-width, tags, private use, unassigned, line
/// separators) becomes a visible escape: `\n \r \t`, `\x1b` below 0x80, `\u{202e}` above. A backslash is doubled
/// only where it could be read as one of these escapes, so `C:\dir` stays and a written `\n` becomes `\\n`: the
/// result can always be read back to exactly one text. `\x80` to `\xff` are left as [`bytes`] wrote them.
///
/// A text that is too wide ends with `…(+9,804)`, the number of characters left out; only a `columns` smaller
/// than this note itself is exceeded.
#[must_use]
pub fn line(text: &str, columns: usize) -> String {
    if columns == usize::MAX {
        return clean(text);
    }
    // Most texts: each byte is one column and stays as it is.
    if text.len() <= columns && text.bytes().all(|byte| is_plain(char::from(byte))) {
        return text.to_owned();
    }
    let mut cleaner = Cleaner::default();
    let mut out = String::new();
    let mut width = 0;
    let mut stops = vec![Stop::default()];
    for (number, (at, c)) in text.char_indices().enumerate() {
        let before = Stop { characters: number, bytes: out.len(), width };
        let added = cleaner.push(c, &text[at + c.len_utf8()..], &mut out);
        if added > 0 {
            stops.push(before);
        }
        width += added;
        if width > columns {
            return cut(out, &stops, text.chars().count(), columns);
        }
    }
    out
}

/// Several lines, each cleaned like [`line`] and none cut. Only `\n` and `\r\n` end a line.
#[must_use]
pub fn block(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    // A carriage return ends a line only where a line feed follows.
    let last = lines.pop().unwrap_or_default();
    let ended = lines.iter().map(|line| clean(line.strip_suffix('\r').unwrap_or(line)));
    ended.chain([clean(last)]).collect::<Vec<_>>().join("\n")
}

/// Text for HTML, in an element or in a quoted attribute: cleaned like [`line`], not cut, `& < > " '` as entities.
#[must_use]
pub fn html(text: &str) -> String {
    entities(&clean(text))
}

/// The same, at most `columns` wide like [`line`].
#[must_use]
pub fn html_line(text: &str, columns: usize) -> String {
    entities(&line(text, columns))
}

fn entities(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// A file name, which is bytes, as text: valid UTF-8 is kept (the caller cleans it), any other byte becomes `\xff`.
/// A backslash that could be mistaken for the start of one is doubled, so two names never look the same.
#[must_use]
pub fn bytes(path: &[u8]) -> String {
    let mut out = String::new();
    for chunk in path.utf8_chunks() {
        let valid = chunk.valid();
        for (at, c) in valid.char_indices() {
            out.push(c);
            let next = valid[at + c.len_utf8()..].chars().next();
            let ambiguous = match next {
                Some(next) => matches!(next, 'x' | '\\'),
                None => !chunk.invalid().is_empty(),
            };
            if c == '\\' && ambiguous {
                out.push('\\');
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// A JSON document in which every character that a terminal obeys, or nobody sees, is an escape of JSON's own: the same
/// document, safe to look at. Such characters stand only inside its strings.
#[must_use]
pub fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if c != '\n' && invisible(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The whole text on one line, cleaned, not cut.
fn clean(text: &str) -> String {
    let mut cleaner = Cleaner::default();
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        cleaner.push(c, &text[at + c.len_utf8()..], &mut out);
    }
    out
}

/// A place where the text may be cut: before it stand this many characters of the source.
#[derive(Clone, Copy, Default)]
struct Stop {
    characters: usize,
    bytes: usize,
    width: usize,
}

fn cut(mut out: String, stops: &[Stop], total: usize, columns: usize) -> String {
    let note = |stop: &Stop| format!("…(+{})", thousands(total - stop.characters));
    let fits = stops.iter().rev().find(|stop| stop.width + note(stop).width() <= columns);
    let stop = fits.copied().unwrap_or_default();
    out.truncate(stop.bytes);
    out.push_str(&note(&stop));
    out
}

/// Cleans character by character; remembers what a mark would sit on.
#[derive(Clone, Copy, Default)]
struct Cleaner {
    base: Option<char>,
    marks: usize,
}

impl Cleaner {
    /// Appends `c` as it may be shown; `rest` is the source after it. Answers the columns it takes.
    fn push(&mut self, c: char, rest: &str, out: &mut String) -> usize {
        if is_plain(c) {
            *self = Self { base: Some(c), marks: 0 };
            out.push(c);
            return 1;
        }
        let start = out.len();
        let base = self.base;
        if !self.shows(c) {
            escape(c, out);
            return out.len() - start;
        }
        out.push(c);
        if c == '\\' && self.reads_as_escape(rest) {
            out.push('\\');
            return 2;
        }
        match base {
            Some(base) if c == EMOJI_STYLE => styled_width(base).saturating_sub(base.width().unwrap_or(0)),
            _ => c.width().unwrap_or(0),
        }
    }

    /// Whether `c` can be seen for what it is at this place.
    fn shows(&mut self, c: char) -> bool {
        let mark = c == EMOJI_STYLE || c.width() == Some(0);
        let shows = match self.base {
            Some(base) if c == EMOJI_STYLE => self.marks == 0 && takes_emoji_style(base),
            _ if c == EMOJI_STYLE || invisible(c) => false,
            // A mark on nothing, or on one of our own escapes, would change the text before it.
            base if mark => base.is_some_and(|base| base != ' ') && self.marks < MARKS_MAX,
            _ => true,
        };
        match (shows, mark) {
            (true, true) => self.marks += 1,
            (true, false) => *self = Self { base: Some(c), marks: 0 },
            (false, _) => *self = Self::default(),
        }
        shows
    }

    /// Whether a backslash just shown and the source after it look like an escape of ours.
    fn reads_as_escape(mut self, rest: &str) -> bool {
        let mut next = rest.chars();
        match next.next() {
            None => false,
            Some('\\' | 'n' | 'r' | 't') => true,
            Some('u') => next.next() == Some('{'),
            Some('x') => {
                let low = next.next().is_some_and(|digit| matches!(digit, '0'..='7'));
                low && next.next().is_some_and(|digit| digit.is_ascii_hexdigit())
            }
            Some(other) => !self.shows(other),
        }
    }
}

/// A character that is shown as it is, takes one column and means nothing to its neighbours.
const fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && c != '\\'
}

/// Appends the visible form of a character that must not be shown.
fn escape(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if c.is_ascii() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}

/// Characters that nobody sees, that reorder their neighbours, or whose look nobody can know.
fn invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let blank = matches!(c,
        // Letters and symbols that are drawn as nothing: the Hangul fillers, the empty Braille cell and note head.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{1d159}'
        // Marks that are drawn as nothing: the grapheme joiner, Khmer and Khitan fillers, variation selectors.
        | '\u{034f}' | '\u{17b4}' | '\u{17b5}' | '\u{16fe4}'
        | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    blank
        || matches!(
            get_general_category(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        )
}

/// Whether this symbol has a colourful form of its own: everything else with a variation selector is misuse.
fn takes_emoji_style(base: char) -> bool {
    let symbol = matches!(
        get_general_category(base),
        GeneralCategory::OtherSymbol
            | GeneralCategory::MathSymbol
            | GeneralCategory::OtherPunctuation
            | GeneralCategory::DashPunctuation
    );
    symbol && !base.is_ascii() && styled_width(base) == 2
}

fn styled_width(base: char) -> usize {
    let mut pair = String::from(base);
    pair.push(EMOJI_STYLE);
    pair.width()
}
