//! TAP, the Test Anything Protocol (versions 12 to 14): what ran, what failed, and whether the file is all there.
//!
//! The points at the left edge decide and are counted; indented ones (subtests) are part of a point, and only read
//! for failures that it does not report. A file may hold several documents: each begins with a version line, or with
//! the line that `prove -v` writes for each script, and each must be complete.

mod colour;
mod document;
mod line;
mod lines;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use self::document::Document;
use self::line::{Line, Point};
use self::lines::{Flaw, Lines};
use super::junit::{Findings, Report, Verdict, several, shown};

/// The highest version of TAP that is known.
const VERSION_MAX: u64 = 14;
/// How XML begins, which is named under the wrong key then.
const XML: &[u8] = b"<";

/// Reads one report. Whatever the bytes are, there is a verdict, as with [`super::junit::read`].
///
/// The rules: `not ok` is a failure unless it is a `# todo`; what is marked `# todo` or `# SKIP` counts as skipped,
/// also when it is `ok`. `Bail out!` is a failure. [`Verdict::Pass`] needs a plan (`1..N`), exactly as many points, no
/// number missing or twice, and one plain `ok`; a file cut off anywhere is [`Verdict::Ambiguous`] at best.
#[must_use]
pub fn read(input: impl BufRead) -> Report {
    let mut lines = Lines::new(input);
    let mut walk = Walk::default();
    loop {
        match lines.next() {
            Ok(Some((text, whole))) => walk.line(text, whole),
            Ok(None) => break,
            Err(flaw) => return unreadable(lines.number(), &flaw),
        }
    }
    if !walk.any {
        return unreadable(lines.number().min(1), if walk.xml { &Flaw::Xml } else { &Flaw::NoTap });
    }
    walk.finish()
}

fn unreadable(line: u64, flaw: &Flaw) -> Report {
    Report::blank(
        Verdict::Unreadable,
        vec![format!("not a readable report, near line {}: {flaw}", line.max(1))],
    )
}

/// What was counted at the left edge.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Failures that are no point: a bail-out, a subtest whose point hides it.
    other_faults: u64,
}

/// Everything known on the way.
#[derive(Debug, Default)]
struct Walk {
    /// Whether any line was TAP.
    any: bool,
    /// Whether the first line that says something looks like XML.
    xml: bool,
    seen: bool,
    /// Whether `prove` wrote the file, and what it says at the end.
    prove: bool,
    result: Option<bool>,
    document: Document,
    /// The indentation of an open YAML block.
    yaml: Option<usize>,
    tally: Tally,
    findings: Findings,
    /// What the producer itself counts as failed, in its last comments.
    claimed_failures: u64,
}

impl Walk {
    /// Takes a line without its end; it is not whole when it was too long to keep.
    fn line(&mut self, text: &[u8], whole: bool) {
        let text = &*colour::without(text);
        let indent = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let inner = text.get(indent..).unwrap_or_default().trim_ascii_end();
        if !inner.is_empty() && !std::mem::replace(&mut self.seen, true) {
            self.xml = inner.starts_with(XML);
        }
        if self.in_yaml(indent, inner) {
            return;
        }
        match Line::read(inner) {
            Line::Version(version) if indent == 0 => self.version(version),
            Line::Plan { last } if indent == 0 => {
                self.any = true;
                self.document.plan(last, &mut self.findings);
            }
            Line::Point(point) => self.point(indent, point, whole),
            Line::BailOut(why) => {
                self.any = true;
                self.tally.other_faults += 1;
                self.findings
                    .faults
                    .add(|| format!("the run bailed out: {}", shown(&String::from_utf8_lossy(why))));
            }
            Line::BlockEnd => self.block_end(indent),
            Line::Script if indent == 0 => self.script(),
            Line::Result(good) if indent == 0 && self.prove => self.result = Some(good),
            Line::ClaimedFailures(count) if indent == 0 => {
                self.claimed_failures = self.claimed_failures.max(count);
            }
            _ => {}
        }
    }

    /// Whether the line is part of a YAML block. A line that is less indented ends the block, so that no block can
    /// swallow a point.
    fn in_yaml(&mut self, indent: usize, inner: &[u8]) -> bool {
        match self.yaml {
            Some(_) if inner.is_empty() => true,
            Some(block) if indent >= block => {
                if indent == block && inner == b"..." {
                    self.yaml = None;
                }
                true
            }
            Some(_) => {
                self.yaml = None;
                self.findings.doubts.add(|| "a YAML block is not closed with `...`".to_owned());
                false
            }
            None if indent > 0 && inner == b"---" => {
                self.yaml = Some(indent);
                true
            }
            None => false,
        }
    }

    fn version(&mut self, version: u64) {
        self.any = true;
        if version > VERSION_MAX {
            self.findings.doubts.add(|| format!("version {version} of TAP is not known"));
        }
        if !self.document.is_only_announced() {
            self.next_document();
        }
        self.document.declared = true;
    }

    /// The line with which `prove -v` begins the output of a script.
    fn script(&mut self) {
        self.prove = true;
        self.next_document();
        self.document.script = true;
    }

    fn next_document(&mut self) {
        if self.document.is_blank() {
            return;
        }
        let whole = std::mem::take(&mut self.document);
        whole.finish(&mut self.tally.other_faults, &mut self.findings);
    }

    fn point(&mut self, indent: usize, point: Point<'_>, whole: bool) {
        // `prove` ends the output of a script with its own `ok`, once the plan is fulfilled.
        if self.document.script && point.is_bare() && self.document.is_fulfilled() {
            return;
        }
        self.any = true;
        let called = || format!("test `{}`", point.shown());
        if !whole {
            self.findings
                .doubts
                .add(|| format!("the line of {} is too long to be read to its end", called()));
        }
        self.document.nested(indent, &point, &mut self.tally.other_faults, &mut self.findings);
        if indent > 0 {
            return;
        }
        self.document.count(point.number);
        if point.todo || (point.skip && point.ok) {
            self.tally.skipped += 1;
        } else if point.ok {
            self.tally.passed += 1;
        } else {
            self.tally.failed += 1;
            self.findings.faults.add(|| format!("{} failed", called()));
        }
    }

    fn block_end(&mut self, indent: usize) {
        self.document.block_end(indent, &mut self.tally.other_faults, &mut self.findings);
    }

    /// What the producer says of the whole may be worse than what was read, and then counts.
    fn believe_the_producer(&mut self) {
        if self.prove {
            match self.result {
                Some(true) => {}
                Some(false) => {
                    self.tally.other_faults += 1;
                    self.findings.faults.add(|| "prove itself says that the run failed".to_owned());
                }
                None => {
                    self.findings.doubts.add(|| "the last line of prove (`Result: …`) is missing".to_owned());
                }
            }
        }
        if self.claimed_failures > 0 && self.tally.failed == 0 {
            let claimed = several(self.claimed_failures, "failure", "failures");
            self.findings.doubts.add(|| format!("a comment of the producer counts {claimed}"));
        }
    }

    fn finish(mut self) -> Report {
        if self.yaml.is_some() {
            self.findings.doubts.add(|| "the file ends in the middle of a YAML block".to_owned());
        }
        std::mem::take(&mut self.document).finish(&mut self.tally.other_faults, &mut self.findings);
        self.believe_the_producer();
        let Self { tally, findings, .. } = self;
        let Tally { passed, failed, skipped, other_faults } = tally;
        let (verdict, notes) = findings.conclude(failed + other_faults, passed, skipped);
        Report { passed, failed, skipped, ..Report::blank(verdict, notes) }
    }
}
