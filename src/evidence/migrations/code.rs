//! The body of a `down` in languages with braces, without their comments: enough to see whether it does anything.

use std::ops::Range;

/// How a language writes what is not code.
pub(super) struct Style {
    /// What starts a comment up to the end of the line.
    pub line: &'static [&'static str],
    /// What encloses a comment.
    pub block: Option<(&'static str, &'static str)>,
    /// What encloses a string on one line.
    pub quotes: &'static [u8],
    /// What encloses a string over many lines.
    pub long: &'static [&'static str],
}

/// JavaScript, TypeScript, Go, C#.
pub(super) const BRACES: Style =
    Style { line: &["//"], block: Some(("/*", "*/")), quotes: b"\"'", long: &["\"\"\"", "`"] };
/// Rust: a single quote is a lifetime.
pub(super) const RUST: Style = Style { line: &["//"], block: Some(("/*", "*/")), quotes: b"", long: &["\""] };
/// PHP.
pub(super) const PHP: Style =
    Style { line: &["//", "#"], block: Some(("/*", "*/")), quotes: b"", long: &["\"", "'"] };
/// Python, Ruby, Elixir.
pub(super) const HASH: Style = Style { line: &["#"], block: None, quotes: b"\"'", long: &["\"\"\"", "'''"] };
/// SQL.
pub(super) const SQL: Style = Style { line: &["--"], block: Some(("/*", "*/")), quotes: b"", long: &["'"] };

/// The text with comments as blanks and the insides of strings as `_`: ASCII, and every byte where it was.
pub(super) fn mask(text: &str, style: &Style) -> String {
    cover(text, style, false)
}

/// The text with comments as blanks and strings as they are, for what is written in them, such as SQL: ASCII too.
pub(super) fn uncomment(text: &str, style: &Style) -> String {
    cover(text, style, true)
}

fn cover(text: &str, style: &Style, keep: bool) -> String {
    let bytes = text.as_bytes();
    let mut masked = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let starts = |mark: &str| rest.starts_with(mark.as_bytes());
        if style.line.iter().any(|mark| starts(mark)) {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            masked.extend(std::iter::repeat_n(' ', end));
            at += end;
        } else if let Some((open, close)) = style.block.filter(|(open, _)| starts(open)) {
            let end = closing(rest, open.len(), close).unwrap_or(rest.len());
            masked.extend(rest[..end].iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
            at += end;
        } else if let Some(mark) = style.long.iter().find(|mark| starts(mark)) {
            at += string(rest, mark, true, keep, &mut masked);
        } else if let Some(quote) = style.quotes.iter().find(|quote| **quote == rest[0]) {
            let mark = if *quote == b'"' { "\"" } else { "'" };
            at += string(rest, mark, false, keep, &mut masked);
        } else {
            masked.push(plain(rest[0]));
            at += 1;
        }
    }
    masked
}

fn plain(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { '_' }
}

/// Masks one string and says how long it is.
fn string(rest: &[u8], mark: &str, long: bool, keep: bool, masked: &mut String) -> usize {
    let end = string_end(rest, mark, long);
    if keep {
        masked.extend(rest[..end].iter().map(|byte| plain(*byte)));
        return end;
    }
    let inner = end.saturating_sub(2 * mark.len());
    masked.push_str(mark);
    masked.extend(std::iter::repeat_n('_', inner));
    masked.extend(std::iter::repeat_n('"', end - mark.len() - inner));
    end
}

/// Where a string ends, past its mark; one that does not close ends with its line, or with the text. It looks no
/// further than that: a line may hold thousands of strings.
fn string_end(rest: &[u8], mark: &str, long: bool) -> usize {
    let mut at = mark.len();
    while at < rest.len() && (long || rest[at] != b'\n') {
        if rest[at..].starts_with(mark.as_bytes()) {
            return at + mark.len();
        }
        // What is escaped closes no string, but it may end the line.
        let escapes = rest[at] == b'\\' && (long || rest.get(at + 1) != Some(&b'\n'));
        at += if escapes { 2 } else { 1 };
    }
    at.min(rest.len())
}

/// Where the text after `from` closes, past the mark.
fn closing(rest: &[u8], from: usize, mark: &str) -> Option<usize> {
    let inside = rest.get(from..)?;
    inside.windows(mark.len()).position(|window| window == mark.as_bytes()).map(|at| from + at + mark.len())
}

/// What a `down` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// There is none.
    Missing,
    /// It is named, but where it is written could not be found.
    Elsewhere,
    /// There is one, without a statement that changes anything.
    Empty,
    /// Its first statement raises an error.
    Refuses,
    /// Some path through it raises an error, or leaves it early.
    MayRefuse,
    /// It has statements.
    Acts,
}

/// A function that was looked for, and where the text of its body is.
pub(super) struct Function {
    /// What it does.
    pub body: Body,
    /// The bytes of its body; empty where there is none.
    pub at: Range<usize>,
}

/// How many mentions of a name are looked at: each look may read the whole file.
const MENTIONS: usize = 64;

/// Finds `name` defined as a function in masked text and judges its body.
pub(super) fn function(masked: &str, name: &str) -> Function {
    let mut body = Body::Missing;
    for (start, _) in masked.match_indices(name).take(MENTIONS) {
        let end = start + name.len();
        let before = masked[..start].trim_end();
        let whole = !masked[..start].bytes().next_back().is_some_and(word)
            && !masked[end..].bytes().next().is_some_and(word);
        let member = before.ends_with('.') && !before.ends_with("exports.");
        if !whole || member {
            continue;
        }
        if let Some(at) = defined(&masked[end..]) {
            let at = at.start + end..at.end + end;
            return Function { body: judge(&masked[at.clone()]), at };
        }
        body = mentioned(&masked[end..]).unwrap_or(body);
    }
    Function { body, at: 0..0 }
}

/// What a name says that is followed by no body: `down: null`, `{ up, down }`, `exports.down = other`.
fn mentioned(rest: &str) -> Option<Body> {
    let rest = rest.trim_start();
    let value = rest.strip_prefix([':', '=']).map(str::trim_start);
    let nothing = |value: &str| {
        let end = value.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(value.len());
        matches!(&value[..end], "null" | "false" | "undefined" | "nil")
    };
    match value {
        Some(value) if nothing(value) => Some(Body::Missing),
        Some(_) => Some(Body::Elsewhere),
        None if rest.starts_with([',', '}']) => Some(Body::Elsewhere),
        None => None,
    }
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// Where the body is that follows a function's name: between its braces, or the expression after `=>`.
fn defined(rest: &str) -> Option<Range<usize>> {
    if !rest.trim_start().starts_with(['(', ':', '=', '<']) {
        return None;
    }
    let (mut round, mut angle) = (0_usize, 0_usize);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'<' => angle += 1,
            b'(' => round += 1,
            b')' if round == 0 => return None,
            b')' => round -= 1,
            b'{' if round == 0 => return Some(braced(rest, at)),
            b'>' if round == 0 && rest[..at].ends_with('=') => {
                let value = rest.len() - rest[at + 1..].trim_start().len();
                let brace = rest[value..].starts_with('{');
                return Some(if brace { braced(rest, value) } else { expression(rest, value) });
            }
            b'>' if !rest[..at].ends_with('-') => angle = angle.saturating_sub(1),
            // The comma of `Result<(), Error>` ends nothing.
            b',' if round == 0 && angle == 0 => return None,
            b';' | b'}' if round == 0 => return None,
            _ => {}
        }
    }
    None
}

/// What stands between the brace at `open` and the one that closes it.
fn braced(text: &str, open: usize) -> Range<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return open + 1..at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    (open + 1).min(text.len())..text.len()
}

fn expression(text: &str, start: usize) -> Range<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' if depth == 0 => return start..at,
            b')' | b'}' | b']' => depth -= 1,
            b';' | b',' if depth == 0 => return start..at,
            _ => {}
        }
    }
    start..text.len()
}

/// Statements that do nothing, in any of the languages, without blanks.
const IDLE: [&str; 24] = [
    "pass",
    "...",
    "nil",
    "null",
    ":ok",
    "return",
    "returnnil",
    "returnnull",
    "returntrue",
    "returnfalse",
    "returnNone",
    "returnundefined",
    "return[]",
    "return[",
    "]",
    "Ok(())",
    "returnOk(())",
    "Promise.resolve()",
    "awaitPromise.resolve()",
    "returnPromise.resolve()",
    "returnPromise.resolve(null)",
    "returnPromise.resolve(true)",
    "returnawaitPromise.resolve()",
    "Task.CompletedTask",
];

/// How a statement begins that only tells somebody something, or takes note of an argument, without blanks.
const TELLING: [&str; 15] = [
    "console.",
    "print(",
    "puts",
    "say(",
    "say_",
    "echo",
    "logger.",
    "log.",
    "Logger.",
    "println!(",
    "fmt.Print",
    "$this->write(",
    "$this->warnIf(",
    "let_=",
    "_=",
];

/// How a statement begins that only raises an error, without blanks.
const RAISING: [&str; 16] = [
    "raise",
    "throw",
    "todo!(",
    "unimplemented!(",
    "unreachable!(",
    "panic!(",
    "panic(",
    "bail!(",
    "returnErr(",
    "Err(",
    "returnerrors.New(",
    "returnfmt.Errorf(",
    "returnPromise.reject(",
    "Promise.reject(",
    "$this->throwIrreversibleMigrationException(",
    "$this->abortIf(true",
];

/// Judges the masked body of a `down`.
pub(super) fn judge(body: &str) -> Body {
    let statements: Vec<String> = body
        .split(['\n', ';'])
        .map(|statement| statement.chars().filter(|c| !c.is_whitespace()).collect::<String>())
        .filter(|statement| statement.bytes().any(|byte| !matches!(byte, b'{' | b'}' | b'(' | b')')))
        // A lone string is a docstring or `'use strict'`.
        .filter(|statement| !statement.starts_with(['"', '\'']) && !idle(statement))
        .collect();
    let Some(first) = statements.first() else { return Body::Empty };
    if RAISING.iter().any(|start| first.starts_with(start)) {
        return Body::Refuses;
    }
    let raises = |line: &str| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        !guards(line) && words.any(|word| matches!(word, "raise" | "throw" | "abortIf" | "skipIf"))
    };
    if body.split(';').any(raises) { Body::MayRefuse } else { Body::Acts }
}

fn idle(statement: &str) -> bool {
    IDLE.contains(&statement) || TELLING.iter().any(|start| statement.starts_with(start)) || guards(statement)
}

/// What Doctrine writes into every `up` and `down`: `$this->abortIf($this->connection->getDatabasePlatform() …)`.
fn guards(statement: &str) -> bool {
    statement.trim_start().starts_with("$this->abortIf(") && statement.contains("DatabasePlatform()")
}
