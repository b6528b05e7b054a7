//! One start tag: what it means in a report, and the attributes that matter.

use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;

use super::claims::Claims;
use super::prose::{check_reference, name_start};
use super::shown;
use super::standing::{self, Standing};

/// The most attributes of one tag: comparing each with each for duplicates must stay cheap.
const ATTRIBUTES_MAX: usize = 64;
/// The longest name of an element or attribute, in bytes: names of open elements stay in memory.
const NAME_MAX: usize = 1024;

/// What an element means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Suite,
    Case,
    Failure,
    Error,
    Skipped,
    /// An earlier attempt failed, a later one passed.
    Flaky,
    /// A further attempt failed too.
    RerunFailure,
    RerunError,
    /// What the test wrote.
    Output,
    /// The whole of `failsafe-summary.xml`, which Maven writes beside the reports.
    Summary,
    /// Nothing that JUnit has, by a name that sounds like a failure.
    Alarming,
    Other,
}

/// A start tag, read.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) kind: Kind,
    /// The name of the element, without its prefix.
    pub(super) tag: String,
    /// What to call a suite or case in a note.
    pub(super) label: Label,
    pub(super) standing: Standing,
    pub(super) claims: Claims,
    /// When a suite says it started.
    pub(super) timestamp: Option<String>,
    /// How many assertions a case says it made.
    pub(super) assertions: u64,
    /// Whether it says that a test was skipped because it could not be started, or that a summary or suite failed.
    pub(super) broken: bool,
}

impl Element {
    /// Reads a start tag; the error is a sentence.
    pub(super) fn read(start: &BytesStart<'_>) -> Result<Self, String> {
        let name = start.name();
        check_name(name.as_ref())?;
        let local = start.local_name();
        let kind = kind(local.as_ref());
        let mut element = Self::plain(kind, local.as_ref().to_owned());
        for (index, attribute) in start.attributes().enumerate() {
            if index >= ATTRIBUTES_MAX {
                return Err(format!("a tag has more than {ATTRIBUTES_MAX} attributes"));
            }
            let attribute = attribute.map_err(|error| format!("an attribute is not well formed: {error}"))?;
            let (key, value) = (attribute.key.as_ref(), attribute.value.as_ref());
            check_name(key)?;
            check_value(value)?;
            match (kind, key) {
                (Kind::Suite | Kind::Case, "name") => element.label.title = beginning(value),
                (Kind::Case, "classname") => element.label.class = beginning(value),
                _ => element.take(key, value),
            }
        }
        Ok(element)
    }

    fn plain(kind: Kind, tag: String) -> Self {
        let (label, claims) = (Label::default(), Claims::default());
        let standing = Standing::Silent;
        Self { kind, tag, label, standing, claims, timestamp: None, assertions: 0, broken: false }
    }

    /// Takes an attribute that is no name.
    fn take(&mut self, key: &str, value: &str) {
        match (self.kind, key) {
            (Kind::Case, "assertions") => self.assertions = value.trim().parse().unwrap_or(0),
            (Kind::Case, key) => self.standing = self.standing.max(standing::of_case(key, value)),
            (Kind::Skipped, "message") => self.broken = could_not_start(value),
            (Kind::Summary, "result") => self.broken |= !matches!(value, "" | "null" | "0" | "254"),
            (Kind::Summary, "timeout") => self.broken |= value == "true",
            (Kind::Suite, key) => {
                self.claims.add(key, value);
                self.broken |= standing::suite_failed(key, value);
                if key == "timestamp" && !value.trim().is_empty() {
                    self.timestamp = Some(value.to_owned());
                }
            }
            _ => {}
        }
    }
}

/// The names of a suite or case as they are written: most are never shown, so that is all they cost.
#[derive(Debug, Default)]
pub(super) struct Label {
    pub(super) class: String,
    pub(super) title: String,
}

impl Label {
    /// How it is called in a note.
    pub(super) fn called(&self, noun: &str) -> String {
        let words = [&self.class, &self.title].map(|word| plain(word));
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            format!("a {noun} without a name")
        } else {
            format!("{noun} `{}`", words.join(": "))
        }
    }
}

/// CTest calls a test that it could not start skipped, and itself fails for it.
fn could_not_start(message: &str) -> bool {
    ["Unable to find executable", "Fixture dependency failed", "Required Files Missing", "Failed to start"]
        .iter()
        .any(|words| message.starts_with(words))
}

fn kind(name: &str) -> Kind {
    // A result is taken in any case, since missing one would tick; a suite or case only as it is written.
    let result = [
        ("failure", Kind::Failure),
        ("failed", Kind::Failure),
        ("fail", Kind::Failure),
        ("timedout", Kind::Failure),
        ("cancelled", Kind::Failure),
        ("canceled", Kind::Failure),
        ("error", Kind::Error),
        ("errored", Kind::Error),
        ("aborted", Kind::Error),
        ("broken", Kind::Error),
        ("crashed", Kind::Error),
        ("skipped", Kind::Skipped),
        ("ignored", Kind::Skipped),
        ("disabled", Kind::Skipped),
        ("pending", Kind::Skipped),
        ("internalerror", Kind::Error),
        ("flakyfailure", Kind::Flaky),
        ("flakyerror", Kind::Flaky),
        ("rerunfailure", Kind::RerunFailure),
        ("rerunerror", Kind::RerunError),
    ];
    match name {
        "testsuites" | "testsuite" => Kind::Suite,
        "testcase" => Kind::Case,
        "system-out" | "system-err" => Kind::Output,
        "failsafe-summary" => Kind::Summary,
        _ => result
            .into_iter()
            .find(|(word, _)| name.eq_ignore_ascii_case(word))
            .map_or(otherwise(name), |(_, kind)| kind),
    }
}

fn otherwise(name: &str) -> Kind {
    if standing::is_alarming(name) { Kind::Alarming } else { Kind::Other }
}

/// A name as XML allows it: nothing of it can be a quote, a bracket or a sign.
fn check_name(name: &str) -> Result<(), String> {
    let later = |byte: u8| name_start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let mut bytes = name.bytes();
    if name.len() <= NAME_MAX && bytes.next().is_some_and(name_start) && bytes.all(later) {
        return Ok(());
    }
    Err(format!("`{}` is not a name of an element or attribute", shown(name)))
}

fn check_value(value: &str) -> Result<(), String> {
    if value.contains('<') {
        return Err("a value of an attribute contains a raw `<`".to_owned());
    }
    for after in value.split('&').skip(1) {
        let Some((name, _)) = after.split_once(';') else {
            return Err("a `&` begins no reference".to_owned());
        };
        check_reference(name).map_err(|flaw| flaw.to_string())?;
    }
    Ok(())
}

/// Only the beginning is shown, and a name can be a whole failure message.
fn beginning(value: &str) -> String {
    value.get(..value.floor_char_boundary(2 * NAME_MAX)).unwrap_or_default().to_owned()
}

/// A value without its references, fit for a note.
fn plain(value: &str) -> String {
    unescape(value).map_or_else(|_| shown(value), |plain| shown(&plain))
}
