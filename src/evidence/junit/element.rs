//! One start tag: what it means in a report, and the attributes that matter.

use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;

use super::prose::{check_reference, name_start};
use super::shown;

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
    Other,
}

/// What `status` and `result` say of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    #[default]
    Silent,
    NotRun,
    Failed,
    Error,
}

/// The totals that a suite claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) tests: Option<u64>,
    /// `failures` and `errors` together: producers do not agree which is which.
    pub(super) faults: Option<u64>,
    /// The largest of `skipped`, `disabled` and their cousins: some count one case under two of them.
    pub(super) skipped: Option<u64>,
    /// A total that is no number, as `tests="NaN"`.
    pub(super) unclear: Option<String>,
}

/// A start tag, read.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) kind: Kind,
    /// The name of the element, fit for a note.
    pub(super) tag: String,
    /// What to call a suite or case in a note.
    pub(super) label: String,
    pub(super) standing: Standing,
    pub(super) claims: Claims,
}

impl Element {
    /// Reads a start tag; the error is a sentence.
    pub(super) fn read(start: &BytesStart<'_>) -> Result<Self, String> {
        let name = start.name();
        check_name(name.as_ref())?;
        let local = start.local_name();
        let kind = kind(local.as_ref());
        let tag = if kind == Kind::Other { shown(local.as_ref()) } else { local.as_ref().to_owned() };
        let mut element =
            Self { kind, tag, label: String::new(), standing: Standing::Silent, claims: Claims::default() };
        let (mut class, mut title) = (None, None);
        for (index, attribute) in start.attributes().enumerate() {
            if index >= ATTRIBUTES_MAX {
                return Err(format!("a tag has more than {ATTRIBUTES_MAX} attributes"));
            }
            let attribute = attribute.map_err(|error| format!("an attribute is not well formed: {error}"))?;
            check_name(attribute.key.as_ref())?;
            check_value(&attribute.value)?;
            match (kind, attribute.key.as_ref()) {
                (Kind::Suite | Kind::Case, "name") => title = Some(label(&attribute.value)),
                (Kind::Case, "classname") => class = Some(label(&attribute.value)),
                (Kind::Case, "status" | "result") => {
                    element.standing = element.standing.max(standing(&attribute.value));
                }
                (Kind::Suite, key) => element.claims.add(key, &attribute.value),
                _ => {}
            }
        }
        let words = [class, title].into_iter().flatten().filter(|word| !word.is_empty());
        element.label = words.collect::<Vec<_>>().join(": ");
        Ok(element)
    }
}

impl Claims {
    fn add(&mut self, key: &str, value: &str) {
        let value = value.trim();
        let number = value.parse::<u64>().ok();
        match key {
            "tests" => self.tests = number,
            "failures" | "errors" => {
                self.faults =
                    number.map(|count| count.saturating_add(self.faults.unwrap_or(0))).or(self.faults);
            }
            // Some of these are yes or no (`disabled="false"`), so what is no number claims nothing.
            "skipped" | "skips" | "skip" | "disabled" | "ignored" => self.skipped = self.skipped.max(number),
            _ => {}
        }
        if number.is_none() && !value.is_empty() && matches!(key, "tests" | "failures" | "errors") {
            self.unclear = Some(format!("{key}=\"{}\"", shown(value)));
        }
    }
}

fn kind(name: &str) -> Kind {
    // A result is taken in any case, since missing one would tick; a suite or case only as it is written.
    let result = [
        ("failure", Kind::Failure),
        ("error", Kind::Error),
        ("skipped", Kind::Skipped),
        ("ignored", Kind::Skipped),
        ("disabled", Kind::Skipped),
        ("flakyfailure", Kind::Flaky),
        ("flakyerror", Kind::Flaky),
        ("rerunfailure", Kind::RerunFailure),
        ("rerunerror", Kind::RerunError),
    ];
    match name {
        "testsuites" | "testsuite" => Kind::Suite,
        "testcase" => Kind::Case,
        "system-out" | "system-err" => Kind::Output,
        _ => result
            .into_iter()
            .find(|(word, _)| name.eq_ignore_ascii_case(word))
            .map_or(Kind::Other, |(_, kind)| kind),
    }
}

fn standing(value: &str) -> Standing {
    let word: String =
        value.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    match word.as_str() {
        "notrun" | "notexecuted" | "disabled" | "suppressed" | "skipped" | "skip" | "ignored" | "ignore"
        | "pending" | "todo" => Standing::NotRun,
        "fail" | "failed" | "failure" | "failing" | "timeout" | "timedout" | "cancelled" | "canceled"
        | "interrupted" => Standing::Failed,
        "error" | "errored" | "broken" | "crashed" | "aborted" | "killed" => Standing::Error,
        _ => Standing::Silent,
    }
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

fn label(value: &str) -> String {
    // Only the beginning is shown, and a name can be a whole failure message.
    let start =
        value.char_indices().nth(2 * NAME_MAX).map_or(value, |(end, _)| value.get(..end).unwrap_or(value));
    unescape(start).map_or_else(|_| shown(start), |plain| shown(&plain))
}
