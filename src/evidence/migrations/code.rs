//! The body of a `down` in languages with braces, without their comments: enough to see whether it does anything.

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
            let end = closing(rest, open.len(), close, false).unwrap_or(rest.len());
            masked.extend(rest[..end].iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
            at += end;
        } else if let Some(mark) = style.long.iter().find(|mark| starts(mark)) {
            at += string(rest, mark, true, &mut masked);
        } else if let Some(quote) = style.quotes.iter().find(|quote| **quote == rest[0]) {
            let mark = if *quote == b'"' { "\"" } else { "'" };
            at += string(rest, mark, false, &mut masked);
        } else {
            masked.push(if rest[0].is_ascii() { char::from(rest[0]) } else { '_' });
            at += 1;
        }
    }
    masked
}

/// Masks one string and says how long it is; one that does not close ends with its line, or with the text.
fn string(rest: &[u8], mark: &str, long: bool, masked: &mut String) -> usize {
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let limit = if long { rest.len() } else { line };
    let end = closing(&rest[..limit], mark.len(), mark, true).unwrap_or(limit);
    let inner = end.saturating_sub(2 * mark.len());
    masked.push_str(mark);
    masked.extend(std::iter::repeat_n('_', inner));
    masked.extend(std::iter::repeat_n('"', end - mark.len() - inner));
    end
}

/// Where the text after `from` closes, past the mark.
fn closing(rest: &[u8], from: usize, mark: &str, escapes: bool) -> Option<usize> {
    let mut at = from;
    while at < rest.len() {
        if escapes && rest[at] == b'\\' {
            at += 2;
            continue;
        }
        if rest[at..].starts_with(mark.as_bytes()) {
            return Some(at + mark.len());
        }
        at += 1;
    }
    None
}

/// What a `down` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// There is none.
    Missing,
    /// There is one, without a statement.
    Empty,
    /// Its first statement raises an error.
    Refuses,
    /// Some path through it raises an error.
    MayRefuse,
    /// It has statements.
    Acts,
}

/// How many mentions of a name are looked at: each look may read the whole file.
const MENTIONS: usize = 64;

/// Finds `name` defined as a function in masked text and judges its body.
pub(super) fn function(masked: &str, name: &str) -> Body {
    for (start, _) in masked.match_indices(name).take(MENTIONS) {
        let end = start + name.len();
        let before = masked[..start].trim_end().bytes().next_back();
        let whole = !masked[..start].bytes().next_back().is_some_and(word)
            && !masked[end..].bytes().next().is_some_and(word);
        let member = before == Some(b'.') && !masked[..start].trim_end().ends_with("exports.");
        if whole
            && !member
            && let Some(body) = body(&masked[end..])
        {
            return judge(body);
        }
    }
    Body::Missing
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// The body that follows a function's name: between its braces, or the expression after `=>`.
fn body(rest: &str) -> Option<&str> {
    let next = rest.trim_start();
    if !next.starts_with(['(', ':', '=', '<']) {
        return None;
    }
    let (mut round, mut angle) = (0_usize, 0_usize);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'<' => angle += 1,
            b'(' => round += 1,
            b')' if round == 0 => return None,
            b')' => round -= 1,
            b'{' if round == 0 => return Some(braced(&rest[at..])),
            b'>' if round == 0 && rest[..at].ends_with('=') => {
                let value = rest[at + 1..].trim_start();
                return Some(if value.starts_with('{') { braced(value) } else { expression(value) });
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

/// What stands between the brace at the start and the one that closes it.
fn braced(rest: &str) -> &str {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return &rest[1..at],
            b'}' => depth -= 1,
            _ => {}
        }
    }
    rest.get(1..).unwrap_or_default()
}

fn expression(rest: &str) -> &str {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' if depth == 0 => return &rest[..at],
            b')' | b'}' | b']' => depth -= 1,
            b';' | b',' if depth == 0 => return &rest[..at],
            _ => {}
        }
    }
    rest
}

/// Statements that do nothing, in any of the languages, without blanks.
const IDLE: [&str; 21] = [
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

/// How a statement begins that only raises an error, without blanks.
const RAISING: [&str; 12] = [
    "raise",
    "throw",
    "todo!(",
    "unimplemented!(",
    "panic!(",
    "panic(",
    "Err(",
    "returnErr(",
    "returnerrors.New(",
    "returnfmt.Errorf(",
    "returnPromise.reject(",
    "$this->throwIrreversibleMigrationException(",
];

/// Judges the masked body of a `down`.
pub(super) fn judge(body: &str) -> Body {
    let statements: Vec<String> = body
        .split(['\n', ';'])
        .map(|statement| statement.chars().filter(|c| !c.is_whitespace()).collect::<String>())
        .filter(|statement| statement.bytes().any(|byte| !matches!(byte, b'{' | b'}' | b'(' | b')')))
        // A lone string is a docstring or `'use strict'`.
        .filter(|statement| !statement.starts_with(['"', '\'']) && !IDLE.contains(&statement.as_str()))
        .collect();
    let Some(first) = statements.first() else { return Body::Empty };
    if RAISING.iter().any(|start| first.starts_with(start)) {
        return Body::Refuses;
    }
    let raises = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|w| w == "raise" || w == "throw")
    };
    if body.split(['\n', ';']).any(raises) { Body::MayRefuse } else { Body::Acts }
}
