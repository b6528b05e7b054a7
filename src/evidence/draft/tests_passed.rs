//! What is known of each check, and the section `Tests Passed`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words::Word;
use super::{Draft, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::junit::{Report, Verdict};
use crate::gate::request::CheckState;
use crate::gate::terms::{Check, MachineName, PersonName};

/// What is known of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFact {
    /// Its name in the policy.
    pub check: Check,
    /// The words on the checklist.
    pub title: String,
    /// What its reports say together.
    pub verdict: Option<Verdict>,
    /// Test cases that passed.
    pub passed: u64,
    /// Test cases that ran.
    pub total: u64,
    /// Test cases that were skipped.
    pub skipped: u64,
    /// Test cases that passed only after a repetition.
    pub flaky: u64,
    /// The reports, by path.
    pub files: Vec<String>,
    /// The globs that were looked for.
    pub globs: Vec<String>,
    /// The command whose exit status it is, where it is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// When the oldest report was written, or the command ended.
    pub reported_at: Option<DateTime<Utc>>,
    /// The role's word, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Word>,
    /// The people whose signatures it is, where it is theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_off: Vec<PersonName>,
    /// The machine whose signature covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<MachineName>,
    /// Who recorded it; nobody did where the report was read just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<String>,
    /// What that means for the commit.
    pub state: CheckState,
    /// Why, where it is not a plain pass.
    pub why: Option<String>,
}

impl TestFact {
    /// A check whose reports were read.
    #[must_use]
    pub fn read(
        check: Check,
        title: String,
        globs: Vec<String>,
        files: Vec<String>,
        report: &Report,
    ) -> Self {
        let (state, why) = judge(report, &files, &globs);
        Self {
            check,
            title,
            verdict: (!files.is_empty()).then_some(report.verdict),
            passed: report.passed,
            total: report.total(),
            skipped: report.skipped,
            flaky: report.flaky,
            files,
            globs,
            command: vec![],
            word: None,
            signed_off: vec![],
            signed_by: None,
            reported_at: None,
            recorded_by: None,
            state,
            why,
        }
    }

    /// A check whose command ended: nothing but success is a pass. `how` says how it ended otherwise.
    #[must_use]
    pub fn ran(check: Check, title: String, command: Vec<String>, failed: Option<String>) -> Self {
        let (state, verdict) = match failed {
            None => (CheckState::Passed, Verdict::Pass),
            Some(_) => (CheckState::Failed, Verdict::Fail),
        };
        let fact = Self::without(check, title, state, String::new());
        Self { verdict: Some(verdict), why: failed, command, ..fact }
    }

    /// A check without a report.
    #[must_use]
    pub fn without(check: Check, title: String, state: CheckState, why: String) -> Self {
        let none = Report::blank(Verdict::Empty, vec![]);
        Self { verdict: None, state, why: Some(why), ..Self::read(check, title, vec![], vec![], &none) }
    }

    /// Adds to a missing report where others lie.
    pub fn point_to(&mut self, nearest: &[String]) {
        if let (Some(why), [_, ..]) = (&mut self.why, nearest) {
            let are = if nearest.len() == 1 { "report is" } else { "reports are" };
            why.push_str(&format!("; the nearest {are} `{}`", nearest.join("`, `")));
        }
    }

    /// What the evidence says, in a few words: `812/812 passed, 3 skipped`.
    #[must_use]
    pub fn words(&self) -> String {
        if self.verdict.is_none() {
            return "no evidence".to_owned();
        }
        if let Some(said) = self.said() {
            return said;
        }
        if !self.command.is_empty() {
            let how = if self.state == CheckState::Failed { "failed" } else { "succeeded" };
            return format!("{} {how}", self.command.join(" "));
        }
        let mut words = format!("{}/{} passed", self.passed, self.total);
        if self.skipped > 0 {
            words.push_str(&format!(", {} skipped", self.skipped));
        }
        if self.flaky > 0 {
            words.push_str(&format!(", {} flaky", self.flaky));
        }
        words
    }
}

fn judge(report: &Report, files: &[String], globs: &[String]) -> (CheckState, Option<String>) {
    if files.is_empty() {
        return (CheckState::Missing, Some(format!("no report matches `{}`", globs.join("`, `"))));
    }
    let note = |what: &str| match report.notes.first() {
        Some(note) => Some(format!("{what}: {note}")),
        None => Some(what.to_owned()),
    };
    match report.verdict {
        Verdict::Pass => (CheckState::Passed, None),
        Verdict::Fail => (CheckState::Failed, note("the tests failed")),
        Verdict::Empty => (CheckState::Missing, note("the reports hold no test that ran")),
        Verdict::Unreadable => (CheckState::Unreadable, note("a report cannot be read")),
        Verdict::Ambiguous => (CheckState::Unreadable, note("the reports say two things")),
    }
}

pub(super) fn section(draft: &Draft) -> Section {
    let items = draft
        .tests
        .iter()
        .filter(|test| test.state != CheckState::NotNeeded)
        .map(|test| {
            let evidence = evidence(draft, test);
            let key = format!("tests.{}", test.check);
            match test.state {
                CheckState::Passed => Item { evidence, ..ticked(&key, &test.title, &test.words()) },
                _ => Item {
                    evidence,
                    ..open(
                        &key,
                        &test.title,
                        &test.words(),
                        test.why.as_deref().unwrap_or("it is not known to pass"),
                    )
                },
            }
        })
        .collect();
    Section { title: "Tests Passed".to_owned(), notes: vec![], items }
}

fn evidence(draft: &Draft, test: &TestFact) -> Option<String> {
    let reported = test.reported_at?;
    let age = age(draft.at - reported);
    Some(source(test, &age, Some(draft.release.commit.short())))
}

/// Where a fact comes from: its source, how old it is, its commit where that is not known anyway, who recorded and who
/// signed it.
#[must_use]
pub fn source(test: &TestFact, age: &str, commit: Option<&str>) -> String {
    let said = test.word.is_some() || !test.signed_off.is_empty();
    let from = match test.command.is_empty() {
        _ if said => None,
        true => Some(test.globs.join(", ")),
        false => Some("exit status".to_owned()),
    };
    let by = test.recorded_by.as_ref().filter(|_| !said).map(|by| format!("recorded by {by}"));
    let machine = test.signed_by.as_ref().map(|machine| format!("signed by {machine}"));
    let commit = commit.map(str::to_owned);
    let parts = from.into_iter().chain([age.to_owned()]).chain(commit).chain(by).chain(machine);
    parts.collect::<Vec<_>>().join(" · ")
}

/// How long ago, in the largest unit that is not zero.
#[must_use]
pub fn age(age: chrono::Duration) -> String {
    let minutes = age.num_minutes();
    match minutes {
        ..1 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1440 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}
