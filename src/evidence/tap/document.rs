//! One document: its plan against its points, and its subtests against their point.

use super::line::Point;
use crate::evidence::junit::{Findings, several};

/// The deepest nesting of subtests that is followed; what is deeper counts as this deep.
const DEPTH_MAX: usize = 64;

/// A document on the way.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Whether a version line began it.
    pub(super) declared: bool,
    /// Whether prove's line of a script began it.
    pub(super) script: bool,
    plan: Option<u64>,
    /// How many points stood before the plan.
    before_plan: u64,
    points: u64,
    last: u64,
    /// Whether a number did not follow the one before.
    unordered: bool,
    /// Sums over the numbers as written and as they should be: equal when one is a permutation of the other. So the
    /// memory stays the same for any number of points.
    written: u64,
    expected: u64,
    /// The indentations of failed subtests that no point has reported yet, rising.
    unreported: Vec<usize>,
    /// Points whose subtests follow in braces: their indentation, and whether they report a failure.
    braces: Vec<(usize, bool)>,
}

impl Document {
    /// Whether nothing was read yet.
    pub(super) fn is_blank(&self) -> bool {
        self.plan.is_none()
            && self.points == 0
            && !self.declared
            && !self.script
            && self.unreported.is_empty()
    }

    /// Whether prove began it and nothing else came.
    pub(super) fn is_only_announced(&self) -> bool {
        self.script && self.plan.is_none() && self.points == 0
    }

    /// Whether the plan is known and all of its points came.
    pub(super) fn is_fulfilled(&self) -> bool {
        self.plan == Some(self.points)
    }

    /// Takes a plan; only the first one counts.
    pub(super) fn plan(&mut self, last: u64, findings: &mut Findings) {
        if self.plan.is_some() {
            findings.doubts.add(|| "there is more than one plan: is it more than one document?".to_owned());
            return;
        }
        self.plan = Some(last);
        self.before_plan = self.points;
    }

    /// Counts a point at the left edge; one without a number has the next.
    pub(super) fn count(&mut self, number: Option<u64>) {
        let next = self.last.saturating_add(1);
        let number = number.unwrap_or(next);
        self.points += 1;
        self.unordered |= number != next;
        self.last = number;
        self.written = self.written.wrapping_add(mixed(number));
        self.expected = self.expected.wrapping_add(mixed(self.points));
    }

    /// Takes a point of any depth: it reports the failures of the subtests before it, or hides them.
    pub(super) fn nested(
        &mut self,
        indent: usize,
        point: &Point<'_>,
        hidden: &mut u64,
        findings: &mut Findings,
    ) {
        while self.braces.last().is_some_and(|(open, _)| *open >= indent) {
            self.braces.pop();
        }
        let reports = !point.ok || point.todo;
        self.settle(indent, reports, hidden, findings);
        if point.opens && self.braces.len() < DEPTH_MAX {
            self.braces.push((indent, reports));
        }
        if indent > 0 && !point.ok && !point.todo {
            self.unreported.truncate(DEPTH_MAX - 1);
            self.unreported.push(indent);
        }
    }

    /// The end of subtests in braces: the point before them had to report.
    pub(super) fn block_end(&mut self, indent: usize, hidden: &mut u64, findings: &mut Findings) {
        if let Some((_, reports)) = self.braces.pop_if(|(open, _)| *open == indent) {
            self.settle(indent, reports, hidden, findings);
        }
    }

    /// The subtests deeper than this are over.
    fn settle(&mut self, indent: usize, reports: bool, hidden: &mut u64, findings: &mut Findings) {
        let before = self.unreported.len();
        self.unreported.retain(|deep| *deep <= indent);
        if self.unreported.len() < before && !reports {
            *hidden += 1;
            findings.faults.add(|| "a subtest failed, and its test is reported as ok".to_owned());
        }
    }

    /// Compares the plan with what came.
    pub(super) fn finish(mut self, hidden: &mut u64, findings: &mut Findings) {
        if !self.unreported.is_empty() {
            self.unreported.clear();
            *hidden += 1;
            findings.faults.add(|| "a subtest failed, and no test reports it".to_owned());
        }
        let Self { points, plan, before_plan, .. } = self;
        let found = several(points, "test", "tests");
        match plan {
            None if points == 0 && !self.declared && !self.script => {}
            None => findings
                .doubts
                .add(|| format!("there is no plan (`1..N`), so nobody knows if {found} were all")),
            Some(plan) if plan != points => {
                let planned = several(plan, "test was", "tests were");
                findings.doubts.add(|| format!("{planned} planned, but the report shows {points}"));
            }
            Some(_) if before_plan > 0 && before_plan < points => {
                findings
                    .doubts
                    .add(|| "the plan stands between the tests: is it more than one document?".to_owned());
            }
            Some(_) => {}
        }
        if self.written != self.expected {
            findings
                .doubts
                .add(|| format!("the numbers of {found} are not 1 to {points}: some are missing or twice"));
        } else if self.unordered {
            findings.remarks.add(|| "the tests are not in the order of their numbers".to_owned());
        }
    }
}

/// A number spread over all bits (the finisher of SplitMix64), so that different sets have different sums.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
