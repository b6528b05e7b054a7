//! One line of TAP, without its indentation.

use crate::evidence::junit::shown;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `TAP version 13`.
    Version(u64),
    /// `1..5`, `1..0 # SKIP no database`.
    Plan { last: u64 },
    /// `ok`, `not ok 3 - words # todo later`.
    Point(Point<'a>),
    /// `Bail out! the database is gone`, with the words after it.
    BailOut(&'a [u8]),
    /// `}`, after the subtests of a point that ended in `{`.
    BlockEnd,
    /// `t/basic.t ....`, which `prove -v` writes before the output of a script.
    Script,
    /// `Result: PASS`, the last line of prove: whether it says no failure.
    Result(bool),
    /// `# fail 2`, with which tape, ava and node end.
    ClaimedFailures(u64),
    /// Comments, pragmas and what the tests printed.
    Other,
}

/// One test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Point<'a> {
    pub(super) ok: bool,
    pub(super) number: Option<u64>,
    /// The words after the number, the directive among them.
    pub(super) words: &'a [u8],
    pub(super) todo: bool,
    pub(super) skip: bool,
    /// Whether its subtests follow, up to a `}`.
    pub(super) opens: bool,
}

impl<'a> Line<'a> {
    /// Reads a line; what is not known is [`Line::Other`].
    pub(super) fn read(line: &'a [u8]) -> Self {
        if let Some(rest) = line.strip_prefix(b"not ok").filter(|rest| ends_word(rest)) {
            return Self::Point(Point::read(false, rest));
        }
        if let Some(rest) = line.strip_prefix(b"ok").filter(|rest| ends_word(rest)) {
            return Self::Point(Point::read(true, rest));
        }
        if let Some(rest) = line.strip_prefix(b"1..") {
            return plan(rest);
        }
        if let Some(rest) = line.strip_prefix(b"TAP version ") {
            return number(rest.trim_ascii()).map_or(Self::Other, Self::Version);
        }
        if line.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"bail out!")) {
            return Self::BailOut(line.get(9..).unwrap_or_default().trim_ascii());
        }
        match line {
            b"}" => Self::BlockEnd,
            [b'#', rest @ ..] => claimed_failures(rest),
            _ => prove(line),
        }
    }
}

/// What `prove` writes around the output of the scripts.
fn prove(line: &[u8]) -> Line<'_> {
    if let Some(result) = line.strip_prefix(b"Result: ") {
        return Line::Result(matches!(result, b"PASS" | b"NOTESTS"));
    }
    // Only the usual names of scripts: `Loading ...` may come from a test.
    let dots = line.iter().rev().take_while(|byte| **byte == b'.').count();
    let name = line.get(..line.len() - dots).and_then(|before| before.strip_suffix(b" "));
    let script = name.is_some_and(|name| [&b".t"[..], b".pg", b".sql"].iter().any(|end| name.ends_with(end)));
    if script && dots >= 2 { Line::Script } else { Line::Other }
}

/// Whether no letter or digit follows, so that `okay` is no `ok`.
fn ends_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
}

fn plan(rest: &[u8]) -> Line<'_> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (last, after) = rest.split_at(digits);
    let after = after.trim_ascii();
    let ends = after.is_empty() || after.starts_with(b"#") || after.starts_with(b"todo");
    match number(last) {
        Some(last) if ends => Line::Plan { last },
        _ => Line::Other,
    }
}

/// `# fail 2`, `# failed: 2`.
fn claimed_failures(comment: &[u8]) -> Line<'_> {
    // Test::More ends so when something went wrong; prove says `Dubious`.
    let bad = [&b"Looks like you failed"[..], b"Looks like you planned", b"Looks like your test", b"Dubious"];
    if bad.iter().any(|words| comment.trim_ascii_start().starts_with(words)) {
        return Line::ClaimedFailures(1);
    }
    let mut words = comment.split(|byte| matches!(byte, b' ' | b':')).filter(|word| !word.is_empty());
    match (words.next(), words.next().and_then(number), words.next()) {
        (Some(b"fail" | b"failed" | b"cancelled"), Some(count), None) => Line::ClaimedFailures(count),
        _ => Line::Other,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

impl<'a> Point<'a> {
    fn read(ok: bool, rest: &'a [u8]) -> Self {
        let rest = rest.trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (first, after) = rest.split_at(digits);
        // `ok 3rd time` has no number, and one that is too large is none either.
        let (number, words) = match number(first).filter(|_| ends_word(after)) {
            Some(number) => (Some(number), after),
            None => (None, rest),
        };
        let words = words.trim_ascii();
        let opens = words == b"{" || words.ends_with(b" {");
        let (todo, skip) = directive(words);
        Self { ok, number, words, todo, skip, opens }
    }

    /// Whether it is nothing but `ok`, as prove ends a script.
    pub(super) fn is_bare(&self) -> bool {
        self.ok && self.number.is_none() && self.words.is_empty()
    }

    /// Its words, or its number, fit for a note.
    pub(super) fn shown(&self) -> String {
        let words = self.words.strip_prefix(b"-").unwrap_or(self.words).trim_ascii();
        match (words.is_empty(), self.number) {
            (true, Some(number)) => number.to_string(),
            (true, None) => "without a name".to_owned(),
            _ => shown(&String::from_utf8_lossy(words)),
        }
    }
}

/// Whether `# todo` or `# SKIP` stands in the words, in any case; an escaped `\#` begins no directive.
fn directive(words: &[u8]) -> (bool, bool) {
    let (mut todo, mut skip, mut escaped) = (false, false, false);
    for (index, byte) in words.iter().enumerate() {
        let begins = *byte == b'#' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        if !begins {
            continue;
        }
        let after = words.get(index + 1..).unwrap_or_default().trim_ascii_start();
        let is = |word: &[u8]| after.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        todo |= is(b"todo") && after.get(4..).is_some_and(ends_word);
        // `# Skipped: no network` is as good as `# SKIP`.
        skip |= is(b"skip");
    }
    (todo, skip)
}
