//! Foreign text inside a Markdown page: it stays one piece of plain text, whatever stands in it.

use std::ops::Range;

use super::{clean, line};

/// One line of plain text for a GitHub-flavoured Markdown page: [`line`] and then everything escaped that could
/// begin or end a heading, list, task box, table cell, fence, rule, quote, tag, link, image, footnote or emphasis.
///
/// A backslash does not stop what a forge links *after* rendering (`@name`, `#123`, `!123`, `GH-123`, addresses,
/// mail, and `$…$` as mathematics): such a word becomes a code span. Outer blanks go, for four would make a code
/// block. `columns` counts the text as the reader sees it.
#[must_use]
pub fn markdown(text: &str, columns: usize) -> String {
    let text = line(text, columns);
    let text = text.trim_matches(' ');
    let number_end = list_number_end(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let (word, after) = rest.split_at(rest.find(|c| !in_word(c)).unwrap_or(rest.len()));
        let linked = linked_part(word);
        if !linked.is_empty() {
            out.push('`');
            out.push_str(linked);
            out.push('`');
        }
        // The plain rest of the word, and the one character that ended it.
        let plain = start + linked.len()..start + word.len() + after.chars().next().map_or(0, char::len_utf8);
        push_escaped(text, plain.clone(), number_end, &mut out);
        rest = &text[plain.end..];
    }
    out
}

/// Appends a part of the text; what stands between two marks is taken as a whole.
fn push_escaped(text: &str, part: Range<usize>, number_end: Option<usize>, out: &mut String) {
    let mut taken = part.start;
    let marks = text[part.clone()].bytes().enumerate().filter(|(_, byte)| byte.is_ascii_punctuation());
    for (at, byte) in marks {
        let at = part.start + at;
        let last_backslash = byte == b'\\' && at + 1 == text.len();
        if last_backslash || number_end == Some(at) || special(text, at, char::from(byte)) {
            out.push_str(&text[taken..at]);
            // Two backslashes before the `|` of a page would read as an escaped `|` to most table parsers.
            out.push_str(if last_backslash { "&#92;" } else { "\\" });
            taken = if last_backslash { at + 1 } else { at };
        }
    }
    out.push_str(&text[taken..part.end]);
}

/// Foreign text as an inline code span, cleaned, on one line, not cut; the fence is longer than any in the text.
/// A text with `|` becomes a `<code>` element instead: in a table cell no fence would hold it.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    if text.contains('|') {
        return format!("<code>{}</code>", markdown(text, usize::MAX));
    }
    let text = clean(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let blank = |c: Option<char>| c.is_none_or(|c| c == '`' || c == ' ');
    let padding = if blank(text.chars().next()) || blank(text.chars().next_back()) { " " } else { "" };
    format!("{fence}{padding}{text}{padding}{fence}")
}

/// The characters that forges read as one word when they look for something to link; none of them can end a code
/// span or a table cell.
fn in_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '-' | '.' | '_' | ':' | '/' | '?' | '#' | '@' | '!' | '$' | '&' | '+' | ',' | ';' | '=' | '%'
        )
}

/// The beginning of the word up to its last letter if a forge would link it or read it as mathematics, else nothing.
fn linked_part(word: &str) -> &str {
    if !is_linked(word) {
        return "";
    }
    let shorter = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    if is_linked(shorter) { shorter } else { word }
}

fn is_linked(word: &str) -> bool {
    // Every form below has one of these, and most words have none.
    if !word.bytes().any(|byte| matches!(byte, b'$' | b'@' | b'#' | b'!' | b':' | b'.' | b'-')) {
        return false;
    }
    let digit_after = |mark: &str| {
        word.match_indices(mark)
            .any(|(at, _)| word[at + mark.len()..].starts_with(|c: char| c.is_ascii_digit()))
    };
    if word.contains('$') || word.contains("://") || digit_after("#") || digit_after("!") {
        return true;
    }
    if word.find('@').is_some_and(|at| at + 1 < word.len()) {
        return true;
    }
    let folded = word.to_ascii_lowercase();
    let issue = |(at, _): (usize, &str)| folded[at + 3..].starts_with(|c: char| c.is_ascii_digit());
    folded.contains("www.") || folded.match_indices("gh-").any(issue)
}

/// Whether the character at `at` could mean something to Markdown there. Beyond the ends of the text anything may
/// stand.
fn special(text: &str, at: usize, c: char) -> bool {
    let before = text[..at].chars().next_back();
    let next = text[at + c.len_utf8()..].chars().next();
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '@' => true,
        '_' => !(letter(before) && letter(next)),
        '&' => next.is_none_or(|next| next == '#' || next.is_alphanumeric()),
        '!' => next.is_none_or(|next| next == '['),
        '-' | '+' | '=' => before.is_none(),
        // `:-` rules a table; `::` is a command to the runner of a CI log that shows the page.
        ':' => before.is_none() && matches!(next, Some('-' | ':')),
        _ => false,
    }
}

/// Where the mark stands that would make the text an item of a numbered list: `1.` or `1)`.
fn list_number_end(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let mut rest = text[end..].chars();
    let numbered =
        end > 0 && matches!(rest.next(), Some('.' | ')')) && matches!(rest.next(), None | Some(' '));
    numbered.then_some(end)
}
