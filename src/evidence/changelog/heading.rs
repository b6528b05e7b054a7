//! Which headings name a version, which say "not released yet", and which only group entries.

use super::clean;
use super::name::Name;

/// Words for what is not released yet.
const UNRELEASED: [&str; 11] = [
    "unreleased",
    "next",
    "upcoming",
    "head",
    "vnext",
    "main",
    "master",
    "future",
    "pending",
    "development",
    "trunk",
];
/// Before a version these make a sentence, not a heading of that version.
const SENTENCE: [&str; 14] = [
    "to",
    "from",
    "for",
    "in",
    "since",
    "of",
    "with",
    "upgrade",
    "upgrading",
    "migrate",
    "migrating",
    "migration",
    "until",
    "before",
];
/// Headings of groups that hold people, not changes.
const PEOPLE: [&str; 4] = ["contributors", "committers", "thank", "thanks"];

/// What a heading says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heading {
    /// The section of a version, or of what is not released yet.
    Section(SectionName),
    /// The heading of a group of entries, such as `Added`.
    Group(String),
    /// The heading of thanks.
    People,
}

/// How a section is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SectionName {
    /// As it is written, without its date.
    pub(super) title: String,
    /// The version, where it names one.
    pub(super) name: Option<Name>,
    /// Whether it says that it is not released yet.
    pub(super) unreleased: bool,
    /// Whether it says that it was withdrawn.
    pub(super) yanked: bool,
}

/// Reads the text of a heading of a level, from 1.
pub(super) fn read(text: &str, level: usize) -> Heading {
    let text = clean::heading(text.trim().trim_end_matches('#'));
    if let Some(section) = section(&text, level) {
        return Heading::Section(section);
    }
    if words(&text).any(|word| PEOPLE.contains(&word.as_str())) {
        return Heading::People;
    }
    Heading::Group(text.trim_end_matches(':').trim().to_owned())
}

/// Whether all entries under a group's heading are declared to break something.
pub(super) fn breaks(group: &str) -> bool {
    let words: Vec<String> = words(group).collect();
    let denied = words.iter().any(|word| matches!(word.as_str(), "no" | "non" | "not" | "nonbreaking"));
    // What changesets writes for a new major version.
    let major =
        matches!(words.as_slice(), [major, changes] if major == "major" && changes.starts_with("change"));
    !denied && (words.iter().any(|word| word == "breaking") || major)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn section(text: &str, level: usize) -> Option<SectionName> {
    let parts: Vec<&str> = text.split_whitespace().take(12).collect();
    let lower = text.to_lowercase();
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let unreleased = lower.contains("unreleased")
        || parts.first().is_some_and(|word| parts.len() < 4 && UNRELEASED.contains(&bare(word).as_str()));
    let yanked = lower.contains("yanked");
    if let Some((title, name)) = named(&parts, level) {
        return Some(SectionName { title, name: Some(name), unreleased, yanked });
    }
    unreleased.then(|| SectionName { title: "Unreleased".to_owned(), name: None, unreleased, yanked })
}

/// The version among the first words, when what stands around it does not make a sentence.
fn named(parts: &[&str], level: usize) -> Option<(String, Name)> {
    // `Changes with 258:` is a heading, `Migration to 258` a sentence.
    let begins = |at: usize, word: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(word));
    let titled = begins(0, "changes") && ["with", "in", "for"].iter().any(|word| begins(1, word));
    let parts = if titled { &parts[2..] } else { parts };
    for (at, part) in parts.iter().take(3).enumerate() {
        // A package's own `@` belongs to its name.
        let word = part.trim_matches(|c: char| !(c.is_alphanumeric() || c == '@'));
        if SENTENCE.contains(&word.to_lowercase().as_str()) {
            return None;
        }
        let Some(name) = Name::read(word) else { continue };
        let rest = &parts[at + 1..];
        let introduced = titled && at == 0
            || at > 0 && matches!(parts[at - 1].to_lowercase().as_str(), "version" | "release" | "v");
        let counted = at == 0 && word.bytes().all(|b| b.is_ascii_digit()) && dated(rest);
        if (name.sure || introduced || counted) && (level < 3 || dated(rest)) {
            return Some((word.to_owned(), name));
        }
    }
    None
}

/// Whether nothing follows, or a date, a bracket or a dash.
fn dated(rest: &[&str]) -> bool {
    let Some(first) = rest.first() else { return true };
    let mark = |c: char| matches!(c, '(' | '[' | '-' | '–' | '—' | '/' | '|' | ':');
    first.starts_with(mark)
        || first.eq_ignore_ascii_case("yanked")
        || rest.iter().take(3).any(|word| date(word))
}

fn date(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    digits >= 4 && word.chars().all(|c| c.is_ascii_digit() || ",-./()".contains(c))
}
