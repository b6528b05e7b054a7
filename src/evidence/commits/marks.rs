//! Where a message says that it breaks something, and where it only quotes somebody who did.

use super::{Breaking, Header, TYPES};

/// Tags that wrap foreign text in the messages of update bots.
const QUOTING_TAGS: [&str; 3] = ["details", "blockquote", "pre"];
/// How many words back a "not" still belongs to "a breaking change".
const NEGATION_REACH: usize = 5;

/// Judges a message, and gives the words that the judgement rests on.
pub(super) fn find(header: &Header, body: &[&str], message: &str) -> (Breaking, Option<String>) {
    if !header.bang && !mentions(message) {
        return (Breaking::None, None);
    }
    let quoted = quoted(body);
    let copied = release_notes(body);
    let footer = (0..body.len()).filter(|at| !quoted[*at]).find_map(|at| Some((at, footer(body, at)?)));
    match footer {
        Some((at, text)) if at < copied => {
            let text = if text.is_empty() { header.subject.clone() } else { text };
            return (Breaking::Declared, Some(text));
        }
        _ if header.bang => return (Breaking::Declared, Some(header.subject.clone())),
        Some((_, text)) => return (Breaking::Possible, Some(text)),
        None => {}
    }
    if subject_hints(&header.subject) {
        return (Breaking::Possible, Some(header.subject.clone()));
    }
    let hint = (0..body.len().min(copied)).find(|at| !quoted[*at] && line_hints(body[*at]));
    if let Some(at) = hint {
        // A mark alone on its line says nothing: the subject says what it is about.
        let line = if alone(body[at]) { &header.subject } else { body[at].trim() };
        return (Breaking::Possible, Some(line.to_owned()));
    }
    match prose(body, &quoted, copied) {
        Some(at) => (Breaking::Possible, Some(body[at].trim().to_owned())),
        None => (Breaking::None, None),
    }
}

/// Whether a message can carry any mark at all: most carry none, and are not looked at twice.
fn mentions(message: &str) -> bool {
    message.contains("!: ") || shouts(message)
}

/// Whether `breaking` stands anywhere in it, in any case.
fn shouts(message: &str) -> bool {
    let bytes = message.as_bytes();
    let begins = |at: usize| bytes.get(at..at + 8).is_some_and(|word| word.eq_ignore_ascii_case(b"breaking"));
    (0..bytes.len()).any(|at| matches!(bytes[at], b'b' | b'B') && begins(at))
}

/// The text of a `BREAKING CHANGE:` footer at this line; none where it says that nothing breaks.
fn footer(body: &[&str], at: usize) -> Option<String> {
    let line = body[at];
    let rest = ["BREAKING CHANGE:", "BREAKING-CHANGE:"].iter().find_map(|token| line.strip_prefix(token))?;
    let mut text = rest.trim().to_owned();
    let mut below = body[at + 1..].iter().peekable();
    if text.is_empty() {
        below.next_if(|line| line.trim().is_empty());
    }
    for line in below {
        if line.trim().is_empty() || is_footer(line) {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(line.trim());
    }
    (!says_none(&text)).then_some(text)
}

/// `Signed-off-by: …`, `Fixes #1`, `BREAKING CHANGE: …`: the next footer ends the one before.
fn is_footer(line: &str) -> bool {
    let token = line.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
    let rest = &line[token..];
    token > 0 && (rest.starts_with(": ") || rest.starts_with(" #"))
        || line.starts_with("BREAKING CHANGE:")
        || line.starts_with("---")
}

/// Whether the text after a mark takes it back: "None", "n/a", "none (internal only)"; but not "no longer supports …".
fn says_none(text: &str) -> bool {
    let edge = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`' | '.' | '!' | ',' | ';');
    let lower = text.trim_matches(edge).to_lowercase();
    if matches!(
        lower.as_str(),
        "no" | "n/a"
            | "na"
            | "nil"
            | "nope"
            | "nothing"
            | "false"
            | "-"
            | "–"
            | "—"
            | "not applicable"
            | "no breaking change"
            | "no breaking changes"
            | "none known"
            | "none expected"
    ) {
        return true;
    }
    lower.strip_prefix("none").is_some_and(|rest| {
        rest.trim_start()
            .chars()
            .next()
            .is_none_or(|next| matches!(next, '.' | ',' | ';' | '(' | '-' | '–' | '—'))
    })
}

/// Marks of a subject that follow no convention: `[BREAKING]`, `feat: BREAKING CHANGE: …`, `Breaking change: …`. Words before
/// a tag in brackets are no part of it, and deny nothing.
fn subject_hints(subject: &str) -> bool {
    let shouted = has_word(subject, "BREAKING") && !negated_before(subject, "BREAKING");
    shouted || tagged(subject) || labelled(subject)
}

/// A tag of its own, in brackets.
fn tagged(line: &str) -> bool {
    line.contains("[BREAKING]") || line.contains("[BREAKING CHANGE]")
}

/// Marks of a line in the body: alone on it, in brackets, as a label, or a squashed commit's own `!`.
fn line_hints(line: &str) -> bool {
    alone(line) || tagged(line) || labelled(line) || squashed_bang(line)
}

/// `BREAKING CHANGE` with nothing else on its line but decoration.
fn alone(line: &str) -> bool {
    let bare = line.trim().trim_matches(|c: char| matches!(c, '*' | '#' | '_' | ' ' | ':' | '!' | '⚠'));
    matches!(bare, "BREAKING" | "BREAKING CHANGE" | "BREAKING CHANGES")
}

/// `Breaking change: …`, `**Breaking changes**: …`, in any case, unless it says none.
fn labelled(line: &str) -> bool {
    let start = line
        .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '-' | '#' | '_' | '+' | '⚠'));
    let label = ["breaking changes", "breaking change", "breaking-change", "breaking"]
        .iter()
        .find(|label| start.get(..label.len()).is_some_and(|head| head.eq_ignore_ascii_case(label)));
    let Some(label) = label else { return false };
    let rest = start[label.len()..].trim_start_matches(['*', '_', ' ', '!']);
    let Some(value) = rest.strip_prefix(':') else { return false };
    !says_none(value.trim_start_matches('*'))
}

/// `* feat(api)!: …` in the body of a squashed pull request.
fn squashed_bang(line: &str) -> bool {
    let item = line.trim_start().trim_start_matches(['*', '-', '+']).trim_start();
    let Some((head, _)) = item.split_once("!: ") else { return false };
    let word =
        head.split_once('(').map_or(head, |(word, scope)| if scope.ends_with(')') { word } else { "" });
    TYPES.contains(&word.to_ascii_lowercase().as_str())
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '\'' | '’')))
        .filter(|word| !word.is_empty())
}

fn has_word(line: &str, wanted: &str) -> bool {
    words(line).any(|word| word == wanted)
}

fn negated_before(line: &str, wanted: &str) -> bool {
    words(line).take_while(|word| *word != wanted).any(negates)
}

fn negates(word: &str) -> bool {
    let lower = word.to_lowercase();
    lower.ends_with("n't")
        || lower.ends_with("n’t")
        || lower.starts_with("avoid")
        || lower.starts_with("prevent")
        || matches!(
            lower.as_str(),
            "not" | "no" | "non" | "without" | "never" | "nor" | "neither" | "if" | "any"
        )
}

/// The line of a sentence such as "this is a breaking change", when nothing shortly before it says "not".
fn prose(body: &[&str], quoted: &[bool], copied: usize) -> Option<usize> {
    let mut before: std::collections::VecDeque<&str> = std::collections::VecDeque::new();
    for at in (0..body.len().min(copied)).filter(|at| !quoted[*at]) {
        if body[at].trim().is_empty() {
            before.clear();
        }
        for word in words(body[at]) {
            let changes = word.eq_ignore_ascii_case("change") || word.eq_ignore_ascii_case("changes");
            if changes && asserted(&before) || concluded(&before, word, body[at]) {
                return Some(at);
            }
            before.push_back(word);
            if before.len() > NEGATION_REACH + 1 {
                before.pop_front();
            }
        }
    }
    None
}

/// Whether a sentence ends here that says "…, which is breaking."; a build that is breaking is another matter.
fn concluded(before: &std::collections::VecDeque<&str>, word: &str, line: &str) -> bool {
    if !word.eq_ignore_ascii_case("breaking") {
        return false;
    }
    let end = word.as_ptr() as usize - line.as_ptr() as usize + word.len();
    let mut back = before.iter().rev().map(|word| word.to_lowercase());
    let mut last = back.next();
    if last.as_deref().is_some_and(|word| matches!(word, "also" | "technically" | "potentially")) {
        last = back.next();
    }
    last.is_some_and(|word| word == "is")
        && back.next().is_some_and(|word| matches!(word.as_str(), "which" | "this" | "that"))
        && line[end..].trim_start().chars().next().is_none_or(|next| matches!(next, '.' | ',' | ';' | ')'))
}

/// Whether the words so far end in "… a breaking" and none of them denies it.
fn asserted(before: &std::collections::VecDeque<&str>) -> bool {
    let mut back = before.iter().rev();
    let breaking = back.next().is_some_and(|word| word.eq_ignore_ascii_case("breaking"));
    let verb = back.next().is_some_and(|word| {
        let lower = word.to_lowercase();
        matches!(
            lower.as_str(),
            "a" | "is" | "are" | "as" | "introduces" | "contains" | "potentially" | "technically"
        )
    });
    breaking && verb && !before.iter().any(|word| negates(word))
}

/// The first line of release notes that somebody pasted: what follows is upstream's, not a declaration of this commit.
fn release_notes(body: &[&str]) -> usize {
    let heading = |line: &&str| {
        let title = line.trim().trim_matches(['#', '*', ' ', ':']).to_lowercase();
        line.trim_start().starts_with(['#', '*']) && matches!(title.as_str(), "release notes" | "changelog")
    };
    body.iter().position(heading).unwrap_or(body.len())
}

/// For each line, whether it is quoted: `>`, a closed fence, a closed quoting tag, or indented like code.
fn quoted(body: &[&str]) -> Vec<bool> {
    let mut quoted: Vec<bool> =
        body.iter().map(|line| line.starts_with('>') || line.starts_with("    ")).collect();
    let mut mark = |from: usize, to: usize| quoted[from..=to].iter_mut().for_each(|line| *line = true);
    let fence = |line: &str| line.starts_with("```") || line.starts_with("~~~");
    let mut open: Option<usize> = None;
    let mut tags: Vec<(&str, usize)> = Vec::new();
    for (at, line) in body.iter().enumerate() {
        if fence(line.trim_start()) {
            // Only a fence that is closed again quotes: an open one must not swallow the footers.
            match open.take() {
                Some(from) => mark(from, at),
                None => open = Some(at),
            }
        }
        for (tag, closing) in tags_of(line) {
            if !closing {
                tags.push((tag, at));
            } else if tags.last().is_some_and(|(name, _)| *name == tag)
                && let Some((_, from)) = tags.pop()
                && tags.is_empty()
            {
                mark(from, at);
            }
        }
    }
    quoted
}

/// The quoting tags of a line in their order, and whether each closes.
fn tags_of(line: &str) -> impl Iterator<Item = (&'static str, bool)> {
    line.split('<').skip(1).filter_map(|part| {
        let (name, closing) = part.strip_prefix('/').map_or((part, false), |name| (name, true));
        let length = name.bytes().take_while(u8::is_ascii_alphabetic).count();
        let tag = QUOTING_TAGS.iter().find(|tag| name[..length].eq_ignore_ascii_case(tag))?;
        Some((*tag, closing))
    })
}

/// What one line of a changelog says of breaking changes.
pub(in crate::evidence) enum Line {
    /// That nothing breaks.
    Denied,
    /// A label or a tag of its own: `Breaking: …`, `[BREAKING] …`.
    Labelled,
    /// A sentence that reads like it.
    Prose,
    /// Nothing.
    Silent,
}

/// Judges a line without its bold marks.
pub(in crate::evidence) fn line(text: &str) -> Line {
    if says_none(text) {
        return Line::Denied;
    }
    if !shouts(text) {
        return Line::Silent;
    }
    let lower = text.to_lowercase();
    let start = lower.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '[' | '('));
    let tagged = ["[breaking]", "(breaking)", "[breaking change]", "(breaking change)"];
    if labelled(text) || tagged.iter().any(|tag| lower.contains(tag)) || start == "breaking change" {
        return Line::Labelled;
    }
    let label = start.strip_prefix("breaking changes").or_else(|| start.strip_prefix("breaking change"));
    let label = label.or_else(|| start.strip_prefix("breaking"));
    if let Some(rest) = label {
        if let Some(value) = rest.trim_start().strip_prefix(':') {
            return if says_none(value) { Line::Denied } else { Line::Labelled };
        }
        if rest.trim_start().starts_with(['-', '–', '—', '!']) {
            return Line::Labelled;
        }
    }
    if prose(&[text], &[false], 1).is_some() { Line::Prose } else { Line::Silent }
}
