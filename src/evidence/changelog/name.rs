//! The name of a version, as a tag or a heading writes it, and which of two is the newer one.

use std::cmp::Ordering;

/// Longer words are no version: no project needs a tenth of it.
const NAME_MAX: usize = 128;
/// Words before a version that say nothing about whose version it is.
const PLAIN_PREFIXES: [&str; 6] = ["", "v", "version", "release", "rel", "ver"];

/// A version's name, taken apart: `@changesets/cli@3.0.1-rc.1` has a prefix, three numbers and a pre-release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Whose version it is, in lower case; empty where the name does not say.
    prefix: String,
    numbers: Vec<u64>,
    /// Empty for a release.
    before: Vec<Part>,
    /// Whether the word has a dot, a date's hyphens or a `v`: a bare `3` may be anything.
    pub(super) sure: bool,
}

/// A part of a pre-release: numbers come before words, as in Semantic Versioning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Name {
    /// Reads a word such as `v1.4.0`, `cargo-nextest-0.9.143`, `2026-01-02` or `1.4.0rc1`.
    pub(super) fn read(word: &str) -> Option<Self> {
        if word.len() > NAME_MAX {
            return None;
        }
        let starts = word.char_indices().filter(|(at, c)| c.is_ascii_digit() && begins(&word[..*at]));
        let mut found: Vec<Self> = starts.filter_map(|(at, _)| Self::at(word, at)).collect();
        // `h2-1.4`: the first one that is surely a version, else the first.
        let best = found.iter().position(|name| name.sure).unwrap_or(0);
        (best < found.len()).then(|| found.swap_remove(best))
    }

    fn at(word: &str, at: usize) -> Option<Self> {
        let (prefix, rest) = word.split_at(at);
        let lower = prefix.to_lowercase();
        let marked = lower.ends_with('v');
        let prefix = lower.strip_suffix('v').unwrap_or(&lower).trim_matches(|c: char| !c.is_alphanumeric());
        let prefix = if PLAIN_PREFIXES.contains(&prefix) { String::new() } else { prefix.to_owned() };
        if let Some(numbers) = date(rest) {
            return Some(Self { prefix, numbers, before: vec![], sure: true });
        }
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (core, rest) = rest.split_at(end);
        let core = core.trim_end_matches('.');
        let numbers: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
        let rest = rest.split('+').next().unwrap_or_default();
        let rest = rest.trim_start_matches(['-', '.', '_']);
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !rest.chars().all(legal) {
            return None;
        }
        let sure = numbers.len() > 1 || marked;
        Some(Self { prefix, numbers, before: parts(rest), sure })
    }

    /// Whether two names are of the same version. A prefix tells them apart only where both have one.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.newer(other) == Some(Ordering::Equal)
    }

    /// How this one stands to the other; none when they are versions of different things.
    pub(super) fn newer(&self, other: &Self) -> Option<Ordering> {
        if !self.prefix.is_empty() && !other.prefix.is_empty() && self.prefix != other.prefix {
            return None;
        }
        let length = self.numbers.len().max(other.numbers.len());
        let padded = |name: &Self| {
            let zeros = std::iter::repeat_n(0, length - name.numbers.len());
            name.numbers.iter().copied().chain(zeros).collect::<Vec<u64>>()
        };
        let stable = self.before.is_empty().cmp(&other.before.is_empty());
        Some(padded(self).cmp(&padded(other)).then(stable).then_with(|| self.before.cmp(&other.before)))
    }
}

/// Whether a version may begin after this: at the start, after a separator, and there after a `v`.
fn begins(before: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '.');
    let mut back = before.chars().rev();
    match back.next() {
        Some('v' | 'V') => edge(back.next()),
        last => edge(last),
    }
}

fn number(text: &str) -> Option<u64> {
    // Build numbers can be longer than any integer; they are all the same then.
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `2026-01-02`, which is a name and not a pre-release of 2026.
fn date(text: &str) -> Option<Vec<u64>> {
    let parts: Vec<&str> = text.split('-').collect();
    let shaped = matches!(parts.as_slice(), [y, m, d] if (y.len(), m.len(), d.len()) == (4, 2, 2));
    shaped.then(|| parts.iter().copied().map(number).collect::<Option<Vec<u64>>>()).flatten()
}

/// `rc.1`, `rc1` and `rc-1` are the same; `final` and its like are none.
fn parts(text: &str) -> Vec<Part> {
    let lower = text.to_lowercase();
    if matches!(lower.as_str(), "final" | "ga" | "release" | "stable") {
        return vec![];
    }
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for c in lower.chars() {
        let kind = if c.is_ascii_digit() { Some(true) } else { c.is_alphabetic().then_some(false) };
        match (kind, parts.last_mut()) {
            (Some(kind), Some(part)) if last == Some(kind) => part.push(c),
            (Some(_), _) => parts.push(c.to_string()),
            (None, _) => {}
        }
        last = kind;
    }
    parts.into_iter().map(|part| number(&part).map_or(Part::Word(part), Part::Number)).collect()
}
