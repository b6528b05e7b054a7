//! JUnit XML of any producer: what ran, what failed, and whether the file can be trusted to say so.
//!
//! Three stages, each a stream: `decode` turns bytes into legal characters, `prose` leaves out what no verdict
//! hangs on (output, comments), and `count` walks the elements that `quick-xml` finds. Memory stays small
//! whatever the size of the file.

mod claims;
mod count;
mod decode;
#[cfg(test)]
mod dialects;
mod element;
mod foreign;
mod prose;
mod stamp;
mod standing;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::decode::Decoder;
use self::prose::Prose;

/// The most notes that a report keeps; the last one then says how many were left out.
const NOTES_MAX: usize = 8;
/// The longest note, in characters.
const NOTE_MAX: usize = 300;
/// The longest name inside a note, in characters.
const NAME_MAX: usize = 80;

/// What a report proves. Only [`Verdict::Pass`] may tick a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// At least one test passed, none failed, and nothing in the file says otherwise.
    Pass,
    /// A test or a whole suite failed.
    Fail,
    /// It is a report, but no test ran: no test cases, or all of them skipped.
    Empty,
    /// It is not well-formed XML, breaks a limit, or is not JUnit.
    Unreadable,
    /// No failure was found, but the report claims more than it shows, or shows what it should not.
    Ambiguous,
}

impl Verdict {
    /// The word of the JSON documents.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Empty => "EMPTY",
            Self::Unreadable => "UNREADABLE",
            Self::Ambiguous => "AMBIGUOUS",
        }
    }
}

/// The outcome of one report, or of several merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What it proves.
    pub verdict: Verdict,
    /// Test cases that ran and did not fail, the flaky ones among them.
    pub passed: u64,
    /// Test cases with a failure and no error.
    pub failed: u64,
    /// Test cases with an error.
    pub errors: u64,
    /// Test cases that did not run.
    pub skipped: u64,
    /// Test cases among `passed` that failed at least once before.
    pub flaky: u64,
    /// The latest moment at which the tests can have started, as the report itself says: UTC, generous by up to 12
    /// hours where it names no zone. None when it does not say, or not in a known form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<DateTime<Utc>>,
    /// Why it is not a plain pass, and what disagrees: sentences, worst first, at most 8 of at most 300 characters.
    /// They may quote names from the report.
    pub notes: Vec<String>,
}

impl Report {
    /// How many test cases ran: passed, failed and in error, without the skipped.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.passed.saturating_add(self.failed).saturating_add(self.errors)
    }

    /// A report without counts.
    #[must_use]
    pub fn blank(verdict: Verdict, notes: Vec<String>) -> Self {
        Self { verdict, passed: 0, failed: 0, errors: 0, skipped: 0, flaky: 0, latest: None, notes }
    }

    /// Whether it names any test, one that was skipped among them.
    fn names_a_test(&self) -> bool {
        self.total() > 0 || self.skipped > 0
    }
}

/// Reads one report. Whatever the bytes are, there is a verdict: what cannot be read is
/// [`Verdict::Unreadable`], with all counts 0 and a note that says why.
///
/// The rules: every `<testcase>` counts, also when two have one name. A case with several results has the worst of
/// them, so `<skipped/>` never hides `<failure/>`. Totals (`tests`, `failures`, `errors`, `skipped`) may be smaller
/// than what was found (producers disagree on what they count), but a total that claims more than the file shows is
/// [`Verdict::Ambiguous`]: something is missing.
#[must_use]
pub fn read(input: impl BufRead) -> Report {
    count::walk(Prose::new(Decoder::new(input)))
}

/// One report from the several files of a check: counts are added, and the worst verdict wins, in the order
/// unreadable, fail, ambiguous, pass, empty.
///
/// Pass stands over empty because producers write one file for each class or package, also for those in which
/// nothing ran; inside one file an empty suite beside a full one is no different. A note tells how many were empty.
/// No reports at all, or only empty ones, are [`Verdict::Empty`].
#[must_use]
pub fn merge(reports: impl IntoIterator<Item = Report>) -> Report {
    let mut whole = Report::blank(Verdict::Empty, Vec::new());
    let (mut grave, mut mild) = (Notes::default(), Notes::default());
    let (mut files, mut empty) = (0_u64, 0_u64);
    let mut dated = true;
    for report in reports {
        if report.names_a_test() {
            dated &= report.latest.is_some();
            whole.latest = whole.latest.max(report.latest);
        }
        files += 1;
        empty += u64::from(report.verdict == Verdict::Empty);
        whole.verdict = worse(whole.verdict, report.verdict);
        whole.passed = whole.passed.saturating_add(report.passed);
        whole.failed = whole.failed.saturating_add(report.failed);
        whole.errors = whole.errors.saturating_add(report.errors);
        whole.skipped = whole.skipped.saturating_add(report.skipped);
        whole.flaky = whole.flaky.saturating_add(report.flaky);
        let notes = if rank(report.verdict) > rank(Verdict::Pass) { &mut grave } else { &mut mild };
        for note in report.notes {
            notes.add(|| note);
        }
    }
    if files == 0 {
        grave.add(|| "there is no report".to_owned());
    }
    if empty > 0 && empty < files {
        grave.add(|| format!("no test ran in {empty} of {files} reports"));
    }
    whole.latest = whole.latest.filter(|_| dated);
    whole.notes = Notes::together([grave, mild]);
    whole
}

/// The verdict that decides of two.
fn worse(one: Verdict, other: Verdict) -> Verdict {
    if rank(other) > rank(one) { other } else { one }
}

/// How much a verdict weighs when several are merged.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Empty => 0,
        Verdict::Pass => 1,
        Verdict::Ambiguous => 2,
        Verdict::Fail => 3,
        Verdict::Unreadable => 4,
    }
}

/// Sentences, bounded in number: a hostile file must not fill the memory or the page.
#[derive(Debug, Default)]
pub(super) struct Notes {
    kept: Vec<String>,
    left_out: u64,
}

impl Notes {
    /// Adds a note; it is not even written when there are enough.
    pub(super) fn add(&mut self, note: impl FnOnce() -> String) {
        if self.kept.len() < NOTES_MAX {
            self.kept.push(shortened(&note(), NOTE_MAX));
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The first kinds first, and the number of those left out as the last note.
    pub(super) fn together(kinds: impl IntoIterator<Item = Self>) -> Vec<String> {
        let mut all = Self::default();
        for kind in kinds {
            all.left_out = all.left_out.saturating_add(kind.left_out);
            for note in kind.kept {
                all.add(|| note);
            }
        }
        if all.left_out > 0 {
            all.kept.truncate(NOTES_MAX - 1);
            all.kept.push("there is more of this kind, left out here".to_owned());
        }
        all.kept
    }
}

/// What was found in a report of any format.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What failed.
    pub(super) faults: Notes,
    /// What speaks against the report itself.
    pub(super) doubts: Notes,
    /// What is only good to know.
    pub(super) remarks: Notes,
}

impl Findings {
    /// The verdict of so many tests and failures, and the notes, worst first.
    pub(super) fn conclude(self, faults: u64, passed: u64, skipped: u64) -> (Verdict, Vec<String>) {
        let verdict = if faults > 0 {
            Verdict::Fail
        } else if !self.doubts.is_empty() {
            Verdict::Ambiguous
        } else if passed == 0 {
            Verdict::Empty
        } else {
            Verdict::Pass
        };
        let mut emptiness = Notes::default();
        if verdict == Verdict::Empty {
            emptiness.add(|| match skipped {
                0 => "the report holds no test".to_owned(),
                _ => format!("no test ran: {} skipped", several(skipped, "was", "were")),
            });
        }
        (verdict, Notes::together([self.faults, self.doubts, emptiness, self.remarks]))
    }
}

/// A number with the word that fits it.
pub(super) fn several(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A text cut to a number of characters, with a mark where it was cut.
fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A foreign name made fit for a note: one line, nothing invisible, short.
pub(crate) fn shown(name: &str) -> String {
    clean(name, NAME_MAX)
}

/// Foreign text cut to a number of characters, with visible escapes.
fn clean(text: &str, max: usize) -> String {
    shortened(&visible(text.chars().take(max + 1)), max)
}

/// Text with visible escapes for everything that is not plainly visible.
pub(crate) fn visible(text: impl Iterator<Item = char>) -> String {
    let mut clean = String::new();
    for letter in text {
        if letter.is_alphanumeric() || letter.is_ascii_graphic() || letter == ' ' {
            clean.push(letter);
        } else {
            clean.extend(letter.escape_debug());
        }
    }
    clean
}
