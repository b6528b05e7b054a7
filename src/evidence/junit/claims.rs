//! What a suite claims of itself, compared with what it shows.

use super::{Findings, several, shown};

/// The totals that a suite claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    tests: Option<u64>,
    /// `failures` and `errors` together: producers do not agree which is which.
    faults: Option<u64>,
    /// The largest of `skipped`, `disabled` and their cousins: some count one case under two of them.
    skipped: Option<u64>,
    /// All of those together: Pester counts the skipped and, apart from them, those that its filter left out.
    skipped_together: u64,
    /// A total that is no number, as `tests="NaN"`.
    unclear: Option<String>,
    /// Whether its producer is known to count assertions and not tests.
    assertions: bool,
    /// Whether it says how long it took.
    timed: bool,
}

/// What stands in a suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Test cases.
    pub(super) cases: u64,
    /// Failures and errors, those of suites among them.
    pub(super) faults: u64,
    /// Test cases that did not run.
    pub(super) skipped: u64,
    /// The assertions that its cases say they made.
    pub(super) assertions: u64,
}

impl Claims {
    /// Takes an attribute of a suite.
    pub(super) fn add(&mut self, key: &str, value: &str) {
        let value = value.trim();
        let number = value.parse::<u64>().ok();
        match key {
            "tests" => self.tests = number,
            "failures" | "errors" => {
                self.faults =
                    number.map(|count| count.saturating_add(self.faults.unwrap_or(0))).or(self.faults);
            }
            // Some of these are yes or no (`disabled="false"`), so what is no number claims nothing.
            "skipped" | "skips" | "skip" | "disabled" | "ignored" => {
                self.skipped = self.skipped.max(number);
                self.skipped_together = self.skipped_together.saturating_add(number.unwrap_or(0));
            }
            // Marks of doctest and of Catch, whose totals count assertions.
            "doctest_version" => self.assertions = true,
            "hostname" if value == "tbd" => self.assertions = true,
            "time" | "timestamp" | "duration" => self.timed = true,
            _ => {}
        }
        if number.is_none() && !value.is_empty() && matches!(key, "tests" | "failures" | "errors") {
            self.unclear = Some(format!("{key}=\"{}\"", shown(value)));
        }
    }

    /// Whether nothing speaks of a run: no failures (not even 0) and no time.
    pub(super) fn is_of_no_run(&self) -> bool {
        self.faults.is_none() && !self.timed
    }

    /// Doubts where it claims more than it shows, remarks where it claims less.
    pub(super) fn compare(&self, called: &str, shown: Shown, findings: &mut Findings) {
        if let Some(unclear) = &self.unclear {
            findings.doubts.add(|| format!("{called} has a total that is not a number: {unclear}"));
        }
        let unlisted = self.compare_tests(called, shown, findings);
        // Where assertions are counted, three may have failed in one test; but none is none.
        let enough = |claimed: u64, found: u64| claimed <= found || (self.assertions && found > 0);
        if let Some(claimed) = self.faults.filter(|claimed| !enough(*claimed, shown.faults)) {
            let claimed = several(claimed, "failure or error", "failures or errors");
            findings.doubts.add(|| format!("{called} claims {claimed}, but shows {}", shown.faults));
        }
        let skipped = shown.skipped.saturating_add(unlisted);
        if let Some(claimed) = self.skipped.filter(|claimed| !enough(*claimed, skipped)) {
            let claimed = several(claimed, "skipped test", "skipped tests");
            findings.doubts.add(|| format!("{called} claims {claimed}, but shows {}", shown.skipped));
        }
    }

    /// Answers how many skipped tests it counts and does not list.
    fn compare_tests(&self, called: &str, shown: Shown, findings: &mut Findings) -> u64 {
        let found = shown.cases;
        let Some(claimed) = self.tests.filter(|claimed| *claimed != found) else { return 0 };
        let tests = several(claimed, "test", "tests");
        if claimed < found {
            findings.remarks.add(|| format!("{called} claims only {tests}, but shows {found}"));
            return 0;
        }
        if self.assertions || claimed == shown.assertions {
            findings.remarks.add(|| {
                format!("{called} counts {claimed} assertions in {}", several(found, "test", "tests"))
            });
            return 0;
        }
        let missing = claimed - found;
        let skipped = [self.skipped.unwrap_or(0), self.skipped_together];
        if found > 0 && skipped.iter().any(|skipped| skipped.checked_sub(shown.skipped) == Some(missing)) {
            findings
                .remarks
                .add(|| format!("{called} does not list {missing} of the tests that it counts as skipped"));
            return missing;
        }
        findings.doubts.add(|| {
            format!("{called} claims {tests}, but shows {found}: cases are missing, or it counts assertions")
        });
        0
    }
}
