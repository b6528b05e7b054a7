//! What the page of the history is given.

use serde::Serialize;

use super::super::ModificationRow;
use super::{Bars, Course, Timeline};

/// The whole page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WebPage {
    /// The project's name.
    pub project: String,
    /// When it was made.
    pub made_at: String,
    /// Up to which entry of the ledger.
    pub source: String,
    /// The options that narrow it, as they are typed.
    pub asked: Vec<String>,
    /// Sentences that say what is left out.
    pub left_out: Vec<String>,
    /// What is live in each environment.
    pub live: Vec<LiveNow>,
    /// The deployments by time; none where there is none.
    pub timeline: Option<Timeline>,
    /// How many deployments ended how.
    pub statuses: Vec<Counted>,
    /// What the table can be filtered by.
    pub facets: Vec<Facet>,
    /// How many rows there are.
    pub counted: String,
    /// The table of deployments, the newest first.
    pub rows: Vec<Row>,
    /// The measures; none where nothing was done.
    pub metrics: Option<Metrics>,
    /// The parts about one deployment each.
    pub deployments: Vec<Part>,
    /// The modification history, the newest first.
    pub modifications: Vec<ModificationRow>,
}

/// What is live in an environment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveNow {
    /// Where.
    pub environment: String,
    /// Whether any action ended well.
    pub well: bool,
    /// What the last good one brought.
    pub version: String,
    /// Since when.
    pub since: String,
    /// Whether something else runs.
    pub doubtful: bool,
    /// What, after the words "What runs".
    pub doubt: String,
    /// Whether it is a machine's word.
    pub journal: bool,
}

/// How many deployments have a status.
#[derive(Clone, Debug, Serialize)]
pub struct Counted {
    /// So many.
    pub count: usize,
    /// As options and addresses have it.
    pub slug: String,
    /// As people read it.
    pub word: String,
}

/// Something the table can be filtered by.
#[derive(Clone, Debug, Serialize)]
pub struct Facet {
    /// Its name in the address.
    pub name: &'static str,
    /// Its label.
    pub title: &'static str,
    /// What there is.
    pub choices: Vec<Choice>,
}

/// One value to filter by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Choice {
    /// As people read it.
    pub word: String,
    /// As the address has it.
    pub value: String,
}

/// One line of the table of deployments.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Hex digits that name it on the page.
    pub key: String,
    /// Whether it has a part of its own.
    pub detailed: bool,
    /// When it began, for programs.
    pub at: String,
    /// The day.
    pub date: String,
    /// The time of day.
    pub time: String,
    /// The version.
    pub version: String,
    /// Where.
    pub environment: String,
    /// The type.
    pub kind: String,
    /// The same in the address.
    pub kind_slug: String,
    /// How it ended.
    pub status: String,
    /// The same in the address.
    pub status_slug: String,
    /// Whether it was undone.
    pub rollback: String,
    /// Who executed.
    pub executed_by: String,
    /// Whose approvals it used.
    pub approved_by: Vec<String>,
    /// Whether it is a machine's word.
    pub journal: bool,
    /// What is most worth knowing.
    pub notes: String,
}

/// Everything about one deployment.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// Hex digits that name it on the page.
    pub key: String,
    /// The version.
    pub version: String,
    /// Where.
    pub environment: String,
    /// When it began.
    pub started: String,
    /// The type.
    pub kind: String,
    /// How it ended.
    pub status: String,
    /// The same in the address.
    pub status_slug: String,
    /// What is known in one line each.
    pub facts: Vec<Fact>,
    /// Ids and digests.
    pub codes: Vec<Fact>,
    /// What it undid, and what undid it.
    pub links: Vec<Link>,
    /// Every verdict on its request.
    pub approvals: Vec<Vote>,
    /// The steps that ended.
    pub steps: Vec<Step>,
    /// The smoke tests of a machine's deployment, in words.
    pub smoke: String,
    /// What the watch saw.
    pub health: Option<Health>,
    /// Every attempt to undo it.
    pub rollbacks: Vec<Attempt>,
    /// Its request, checklist and report.
    pub documents: Vec<Document>,
}

/// One fact.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// The fact.
    pub value: String,
}

/// Another deployment.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// How they belong together.
    pub name: &'static str,
    /// The other one.
    pub value: String,
    /// Its part, where the page has it.
    pub target: String,
}

/// One verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Vote {
    /// Who signed.
    pub by: String,
    /// What.
    pub verdict: &'static str,
    /// When.
    pub at: String,
    /// Whether the deployment used it.
    pub counted: &'static str,
    /// How sure it is that a person was there.
    pub assurance: String,
    /// The key's fingerprint, and what a device said of the person.
    pub key: String,
    /// Why, where it was said.
    pub reason: String,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub result: &'static str,
    /// Its exit status.
    pub exit: String,
    /// How long it took.
    pub took: String,
    /// The digest of its log.
    pub log: String,
}

/// What the watch saw.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// In a word.
    pub verdict: String,
    /// How often everything was measured.
    pub rounds: String,
    /// Triggers and doubts.
    pub said: Vec<String>,
    /// Each signal.
    pub signals: Vec<SignalLine>,
}

/// What was seen of a signal.
#[derive(Clone, Debug, Serialize)]
pub struct SignalLine {
    /// Its name.
    pub name: String,
    /// How it stood at the end.
    pub state: String,
    /// Before the deployment.
    pub baseline: String,
    /// The newest value.
    pub last: String,
    /// The highest.
    pub worst: String,
    /// How many samples.
    pub samples: u64,
    /// How many of them had no value.
    pub failed: u64,
    /// The samples drawn.
    pub course: Option<Course>,
    /// The samples in words, one a line.
    pub values: String,
}

/// One attempt to undo a deployment.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// How it ended.
    pub ended: String,
    /// Why.
    pub reason: String,
}

/// A text of the records, shown as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// What it is.
    pub title: String,
    /// What is to be said of it, such as that a part is left out.
    pub note: String,
    /// The text.
    pub text: String,
}

/// The measures of each environment.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// Of which time, in a sentence.
    pub period: String,
    /// Each environment.
    pub environments: Vec<Measures>,
    /// What each measure is.
    pub definitions: Vec<Definition>,
}

/// The measures of an environment.
#[derive(Clone, Debug, Serialize)]
pub struct Measures {
    /// Where.
    pub environment: String,
    /// Whether they come from a machine's word.
    pub journal: bool,
    /// Each measure.
    pub lines: Vec<MeasureLine>,
}

/// One measure.
#[derive(Clone, Debug, Serialize)]
pub struct MeasureLine {
    /// Its name.
    pub title: &'static str,
    /// Its value, or that there are too few samples.
    pub value: String,
    /// How many samples.
    pub samples: usize,
    /// How many would count, were more known of them.
    pub left_out: usize,
    /// The samples drawn.
    pub bars: Option<Bars>,
}

/// What a measure is.
#[derive(Clone, Debug, Serialize)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// What is measured.
    pub value: &'static str,
}
