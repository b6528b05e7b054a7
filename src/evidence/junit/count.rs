//! The walk over the elements: counts the cases and compares them with the totals that the suites claim.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::claims::{Claims, Shown};
use super::element::{Element, Kind, Label};
use super::foreign;
use super::prose::Prose;
use super::stamp::Stamps;
use super::standing::Standing;
use super::{Findings, NOTE_MAX, Report, Verdict, clean, shown};

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
            let flaw = walk.foreign().unwrap_or(flaw);
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
    /// What the cases say of their assertions.
    assertions: u64,
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
            assertions: self.assertions - before.assertions,
        }
    }
}

/// An open suite.
#[derive(Debug)]
struct Suite {
    label: Label,
    claims: Claims,
    before: Tally,
    skipped: bool,
    /// Whether its attributes say that it failed.
    failed: bool,
}

/// An open case.
#[derive(Debug, Default)]
struct Case {
    label: Label,
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
            Kind::Alarming => self.standing = self.standing.max(Standing::Unclear),
            Kind::Suite | Kind::Case | Kind::Output | Kind::Summary | Kind::Other => {}
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
    stamps: Stamps,
    tally: Tally,
    findings: Findings,
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
            self.root(&element);
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

    /// What the root element alone says.
    fn root(&mut self, element: &Element) {
        if element.kind == Kind::Summary && element.broken {
            self.tally.suite_faults += 1;
            self.findings.faults.add(|| "the summary of the run says that it failed".to_owned());
        }
        // GoogleTest writes its `--gtest_list_tests` in the same format.
        if element.label.title == "AllTests" && element.kind == Kind::Suite && element.claims.is_of_no_run() {
            self.findings.doubts.add(|| "it is a list of tests and not of results".to_owned());
        }
    }

    /// An element inside output or a result: a case or a result there means that output was not escaped.
    fn quoted(&mut self, element: &Element) -> Open {
        let harmless = matches!(
            element.kind,
            Kind::Skipped | Kind::Flaky | Kind::Output | Kind::Summary | Kind::Alarming | Kind::Other
        );
        if !harmless {
            self.findings.doubts.add(|| {
                format!("a `<{}>` stands inside output or a result and was not counted", element.tag)
            });
        }
        Open::Other
    }

    fn meant(&mut self, element: Element) -> Open {
        if let Some(timestamp) = &element.timestamp {
            self.stamps.add(timestamp);
        }
        match element.kind {
            Kind::Suite => Open::Suite(Box::new(Suite {
                label: element.label,
                claims: element.claims,
                before: self.tally,
                skipped: false,
                failed: element.broken,
            })),
            Kind::Case => {
                if self.suites == 0 {
                    self.findings.doubts.add(|| "a `<testcase>` stands outside any suite".to_owned());
                }
                self.tally.assertions = self.tally.assertions.saturating_add(element.assertions);
                let Element { label, standing, .. } = element;
                Open::Case(Box::new(Case { label, standing, ..Case::default() }))
            }
            Kind::Other | Kind::Summary => Open::Other,
            Kind::Output => Open::Quote,
            Kind::Alarming => {
                self.result(Kind::Alarming);
                Open::Other
            }
            // What a case was skipped for is no quote: `<skipped>` must not hide a `<failure>`.
            Kind::Skipped => {
                if element.broken {
                    self.findings
                        .doubts
                        .add(|| "a test is called skipped, but could not be started".to_owned());
                }
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
                self.findings
                    .faults
                    .add(|| format!("{} failed as a whole, outside its tests", suite.label.called("suite")));
            }
            (None, Kind::Failure | Kind::Error | Kind::RerunFailure | Kind::RerunError) => {
                self.findings.doubts.add(|| "a failure stands outside any suite".to_owned());
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
                if case.standing == Standing::Unclear {
                    self.findings
                        .doubts
                        .add(|| format!("{} does not say plainly that it passed", case.label.called("test")));
                }
                if case.flaky {
                    self.tally.flaky += 1;
                    self.findings.remarks.add(|| {
                        format!("{} is flaky: it passed after a failed attempt", case.label.called("test"))
                    });
                }
            }
            Outcome::Skipped => self.tally.skipped += 1,
            Outcome::Failed => {
                self.tally.failed += 1;
                self.findings.faults.add(|| format!("{} failed", case.label.called("test")));
            }
            Outcome::Error => {
                self.tally.errors += 1;
                self.findings.faults.add(|| format!("{} ended in an error", case.label.called("test")));
            }
        }
    }

    fn end_suite(&mut self, suite: &Suite) {
        let found = self.tally.since(&suite.before);
        let Suite { label, claims, skipped, failed, .. } = suite;
        let called = label.called("suite");
        let shown = Shown {
            cases: found.cases(),
            faults: found.faults(),
            skipped: found.skipped,
            assertions: found.assertions,
        };
        claims.compare(&called, shown, &mut self.findings);
        if *failed && shown.faults == 0 {
            self.findings.doubts.add(|| format!("{called} says that it failed, and shows no failure"));
        }
        if *skipped && found.passed > 0 {
            self.findings
                .doubts
                .add(|| format!("{called} is marked as skipped, but {} of its tests passed", found.passed));
        }
    }

    /// What the file is instead, where the root element tells.
    fn foreign(&self) -> Option<String> {
        let (kind, root) = self.root.as_ref()?;
        let what = foreign::by_root(root).filter(|_| matches!(kind, Kind::Alarming | Kind::Other))?;
        Some(format!("it seems to be {what}, and not JUnit"))
    }

    /// Why the end came too early, if it did.
    fn cut_off(&self) -> Option<String> {
        if !self.open.is_empty() {
            return Some("the file ends in the middle of the report".to_owned());
        }
        match &self.root {
            None => Some("there is no element in it".to_owned()),
            Some((Kind::Suite | Kind::Case | Kind::Summary, _)) => None,
            Some((_, root)) if self.tally.cases() == 0 => {
                Some(format!("its root element is `{}`: write the report in the JUnit format", shown(root)))
            }
            Some(_) => None,
        }
    }

    fn finish(self) -> Report {
        let Tally { passed, failed, errors, skipped, flaky, .. } = self.tally;
        let (verdict, notes) = self.findings.conclude(self.tally.faults(), passed, skipped);
        let latest = self.stamps.latest();
        Report { verdict, passed, failed, errors, skipped, flaky, latest, notes }
    }
}
