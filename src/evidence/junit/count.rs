//! The walk over the elements: counts the cases and compares them with the totals that the suites claim.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::element::{Claims, Element, Kind, Standing};
use super::prose::Prose;
use super::{NOTE_MAX, Notes, Report, Verdict, clean};

/// The deepest nesting of elements: real suites stay under 50.
const DEPTH_MAX: usize = 1000;

/// Reads to the end, whatever comes.
pub(super) fn walk(input: Prose<impl BufRead>) -> Report {
    let mut reader = Reader::from_reader(input);
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
    let flaw = loop {
        buffer.clear();
        let step = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break walk.cut_off(),
            Ok(event) => walk.event(&event),
            Err(quick_xml::Error::Io(flaw)) => Err(flaw.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(sentence) = step {
            break Some(sentence);
        }
    };
    match flaw {
        None => walk.finish(),
        Some(flaw) => {
            let line = reader.get_ref().line();
            let note = format!("not a readable report, near line {line}: {flaw}");
            Report::blank(Verdict::Unreadable, vec![clean(&note, NOTE_MAX)])
        }
    }
}

/// Cases so far, by result.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    errors: u64,
    skipped: u64,
    flaky: u64,
    /// Failures and errors of suites, outside any case.
    suite_faults: u64,
}

impl Tally {
    fn cases(&self) -> u64 {
        self.passed + self.failed + self.errors + self.skipped
    }

    fn faults(&self) -> u64 {
        self.failed + self.errors + self.suite_faults
    }

    /// What came since an earlier moment.
    fn since(&self, before: &Self) -> Self {
        Self {
            passed: self.passed - before.passed,
            failed: self.failed - before.failed,
            errors: self.errors - before.errors,
            skipped: self.skipped - before.skipped,
            flaky: self.flaky - before.flaky,
            suite_faults: self.suite_faults - before.suite_faults,
        }
    }
}

/// An open suite.
#[derive(Debug)]
struct Suite {
    called: String,
    claims: Claims,
    before: Tally,
    skipped: bool,
}

/// An open case.
#[derive(Debug, Default)]
struct Case {
    called: String,
    standing: Standing,
    failure: bool,
    error: bool,
    skipped: bool,
    flaky: bool,
    rerun_failure: bool,
    rerun_error: bool,
}

/// The result of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Error,
    Failed,
    Skipped,
    Passed,
}

impl Case {
    /// The worst that was said.
    fn outcome(&self) -> Outcome {
        if self.error {
            Outcome::Error
        } else if self.failure {
            Outcome::Failed
        } else if self.rerun_error || self.standing == Standing::Error {
            Outcome::Error
        } else if self.rerun_failure || self.standing == Standing::Failed {
            Outcome::Failed
        } else if self.skipped || self.standing == Standing::NotRun {
            Outcome::Skipped
        } else {
            Outcome::Passed
        }
    }

    fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Failure => self.failure = true,
            Kind::Error => self.error = true,
            Kind::Skipped => self.skipped = true,
            Kind::Flaky => self.flaky = true,
            Kind::RerunFailure => self.rerun_failure = true,
            Kind::RerunError => self.rerun_error = true,
            Kind::Suite | Kind::Case | Kind::Output | Kind::Other => {}
        }
    }
}

/// An open element.
#[derive(Debug)]
enum Open {
    Suite(Box<Suite>),
    Case(Box<Case>),
    /// A result or output: elements inside are quoted text and no results.
    Quote,
    Other,
}

/// Everything known on the way.
#[derive(Debug, Default)]
struct Walk {
    open: Vec<Open>,
    /// How many of the open elements are quotes.
    quotes: usize,
    /// Where among them the suites and cases are: a result belongs to the last.
    owners: Vec<usize>,
    /// How many of the open elements are suites.
    suites: usize,
    /// The kind and name of the root element.
    root: Option<(Kind, String)>,
    tally: Tally,
    faults: Notes,
    doubts: Notes,
    remarks: Notes,
}

impl Walk {
    fn event(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(start) => self.start(Element::read(start)?),
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(_) | Event::CData(_) if self.open.is_empty() => {
                Err("there is text outside the root element".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, element: Element) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("elements are nested more than {DEPTH_MAX} deep"));
        }
        if self.open.is_empty() {
            if self.root.is_some() {
                return Err("it is more than one document in one file".to_owned());
            }
            self.root = Some((element.kind, element.tag.clone()));
        }
        let open = if self.quotes > 0 { self.quoted(&element) } else { self.meant(element) };
        self.quotes += usize::from(matches!(open, Open::Quote));
        self.suites += usize::from(matches!(open, Open::Suite(_)));
        if matches!(open, Open::Suite(_) | Open::Case(_)) {
            self.owners.push(self.open.len());
        }
        self.open.push(open);
        Ok(())
    }

    /// An element inside output or a result: a case there means that output was not escaped.
    fn quoted(&mut self, element: &Element) -> Open {
        if matches!(element.kind, Kind::Suite | Kind::Case) {
            self.doubts.add(|| {
                format!("a `<{}>` stands inside output or a result and was not counted", element.tag)
            });
        }
        Open::Other
    }

    fn meant(&mut self, element: Element) -> Open {
        match element.kind {
            Kind::Suite => Open::Suite(Box::new(Suite {
                called: called("suite", &element.label),
                claims: element.claims,
                before: self.tally,
                skipped: false,
            })),
            Kind::Case => {
                if self.suites == 0 {
                    self.doubts.add(|| "a `<testcase>` stands outside any suite".to_owned());
                }
                let called = called("test", &element.label);
                Open::Case(Box::new(Case { called, standing: element.standing, ..Case::default() }))
            }
            Kind::Other => Open::Other,
            Kind::Output => Open::Quote,
            // What a case was skipped for is no quote: `<skipped>` must not hide a `<failure>`.
            Kind::Skipped => {
                self.result(Kind::Skipped);
                Open::Other
            }
            kind => {
                self.result(kind);
                Open::Quote
            }
        }
    }

    /// A result belongs to the innermost case or suite.
    fn result(&mut self, kind: Kind) {
        let owner = self.owners.last().and_then(|index| self.open.get_mut(*index));
        match (owner, kind) {
            (Some(Open::Case(case)), kind) => case.add(kind),
            (Some(Open::Suite(suite)), Kind::Skipped) => suite.skipped = true,
            (
                Some(Open::Suite(suite)),
                Kind::Failure | Kind::Error | Kind::RerunFailure | Kind::RerunError,
            ) => {
                self.tally.suite_faults += 1;
                self.faults.add(|| format!("{} failed as a whole, outside its tests", suite.called));
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Open::Case(case)) => {
                self.owners.pop();
                self.end_case(&case);
            }
            Some(Open::Suite(suite)) => {
                self.owners.pop();
                self.suites -= 1;
                self.end_suite(&suite);
            }
            Some(Open::Quote) => self.quotes -= 1,
            Some(Open::Other) | None => {}
        }
    }

    fn end_case(&mut self, case: &Case) {
        match case.outcome() {
            Outcome::Passed => {
                self.tally.passed += 1;
                if case.flaky {
                    self.tally.flaky += 1;
                    self.remarks
                        .add(|| format!("{} is flaky: it passed after a failed attempt", case.called));
                }
            }
            Outcome::Skipped => self.tally.skipped += 1,
            Outcome::Failed => {
                self.tally.failed += 1;
                self.faults.add(|| format!("{} failed", case.called));
            }
            Outcome::Error => {
                self.tally.errors += 1;
                self.faults.add(|| format!("{} ended in an error", case.called));
            }
        }
    }

    fn end_suite(&mut self, suite: &Suite) {
        let found = self.tally.since(&suite.before);
        let Suite { called, claims, skipped, .. } = suite;
        if let Some(unclear) = &claims.unclear {
            self.doubts.add(|| format!("{called} has a total that is not a number: {unclear}"));
        }
        self.compare_tests(called, claims, &found);
        if let Some(claimed) = claims.faults.filter(|claimed| *claimed > found.faults()) {
            let (claimed, found) =
                (several(claimed, "failure or error", "failures or errors"), found.faults());
            self.doubts.add(|| format!("{called} claims {claimed}, but shows {found}"));
        }
        if let Some(claimed) = claims.skipped.filter(|claimed| *claimed > found.skipped) {
            let (claimed, found) = (several(claimed, "skipped test", "skipped tests"), found.skipped);
            self.doubts.add(|| format!("{called} claims {claimed}, but shows {found}"));
        }
        if *skipped && found.passed > 0 {
            self.doubts
                .add(|| format!("{called} is marked as skipped, but {} of its tests passed", found.passed));
        }
    }

    fn compare_tests(&mut self, called: &str, claims: &Claims, found: &Tally) {
        let shown = found.cases();
        match claims.tests {
            Some(claimed) if claimed > shown => self.doubts.add(|| {
                let claimed = several(claimed, "test", "tests");
                format!(
                    "{called} claims {claimed}, but shows {shown}: cases are missing, or it counts assertions"
                )
            }),
            Some(claimed) if claimed < shown => self.remarks.add(|| {
                let claimed = several(claimed, "test", "tests");
                format!("{called} claims only {claimed}, but shows {shown}")
            }),
            _ => {}
        }
    }

    /// Why the end came too early, if it did.
    fn cut_off(&self) -> Option<String> {
        if !self.open.is_empty() {
            return Some("the file ends in the middle of the report".to_owned());
        }
        match &self.root {
            None => Some("there is no element in it".to_owned()),
            Some((Kind::Suite | Kind::Case, _)) => None,
            Some((_, root)) if self.tally.cases() == 0 => {
                Some(format!("its root element is `{root}`: write the report in the JUnit format"))
            }
            Some(_) => None,
        }
    }

    fn finish(self) -> Report {
        let Tally { passed, failed, errors, skipped, flaky, .. } = self.tally;
        let doubtful = !self.doubts.kept.is_empty();
        let verdict = if self.tally.faults() > 0 {
            Verdict::Fail
        } else if doubtful {
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
        let notes = Notes::together([self.faults, self.doubts, emptiness, self.remarks]);
        Report { verdict, passed, failed, errors, skipped, flaky, notes }
    }
}

/// How a suite or test is called in a note.
fn called(noun: &str, label: &str) -> String {
    if label.is_empty() { format!("a {noun} without a name") } else { format!("{noun} `{label}`") }
}

/// A number with the word that fits it.
fn several(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
