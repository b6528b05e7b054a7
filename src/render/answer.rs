//! What a command answers: one value, shown to people or as the one JSON document.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::style::Styles;
use super::text;
use crate::gate::reason::Reason;
use crate::gate::statement::SCHEMA;
use crate::outcome::Outcome;

/// The end of a command.
#[derive(Debug)]
#[must_use = "an answer that is not shown says nothing"]
pub struct Answer {
    /// The subcommand.
    pub command: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// The result for people, on standard output.
    pub text: String,
    /// The result for programs: keys of the document besides the common ones.
    pub fields: Map<String, Value>,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// What is good to know and refuses nothing.
    pub warnings: Vec<Reason>,
    /// One sentence where there is no reason: what failed, what was declined.
    pub message: Option<String>,
    /// Whether the document is the last of several, each on a line of its own.
    pub one_line: bool,
    /// What is done once it was shown.
    pub afterwards: Afterwards,
}

/// What is done once an answer was shown, so that nobody waits for it.
#[derive(Default)]
pub struct Afterwards(Option<Box<dyn FnOnce() -> Option<String>>>);

impl Afterwards {
    /// Runs this, which answers a warning where it cannot be done.
    pub fn run(what: impl FnOnce() -> Option<String> + 'static) -> Self {
        Self(Some(Box::new(what)))
    }

    /// Does it.
    #[must_use]
    pub fn finish(self) -> Option<String> {
        self.0.and_then(|what| what())
    }
}

impl fmt::Debug for Afterwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "something" } else { "nothing" })
    }
}

impl Answer {
    /// It was done.
    pub fn done(command: &'static str, text: impl Into<String>) -> Self {
        Self {
            command,
            outcome: Outcome::Done,
            text: text.into(),
            fields: Map::new(),
            reasons: vec![],
            warnings: vec![],
            message: None,
            one_line: false,
            afterwards: Afterwards::default(),
        }
    }

    /// The gate refused.
    pub fn refused(command: &'static str, reasons: Vec<Reason>) -> Self {
        let human = reasons.iter().any(|reason| reason.code.human_required());
        let busy = reasons.iter().all(|reason| reason.code == crate::gate::reason::Code::EnvironmentBusy);
        let outcome = match (human, busy) {
            (_, true) => Outcome::Busy,
            (true, false) => Outcome::HumanRequired,
            (false, false) => Outcome::Refused,
        };
        Self { outcome, reasons, ..Self::done(command, "") }
    }

    /// It ended in another way, with a sentence.
    pub fn ended(command: &'static str, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: Some(message.into()), ..Self::done(command, "") }
    }

    /// Adds a key for programs.
    pub fn with(mut self, key: &str, value: impl Serialize) -> Self {
        self.fields.insert(key.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// The one JSON document, with a line end.
    #[must_use]
    pub fn json(&self) -> String {
        let common = [
            ("schema", json!(SCHEMA)),
            ("command", json!(self.command)),
            ("outcome", json!(self.outcome.word())),
            ("exit", json!(self.outcome.code())),
            ("reasons", json!(self.reasons)),
            ("warnings", json!(self.warnings)),
            ("human_required", json!(self.outcome == Outcome::HumanRequired)),
        ];
        let message = self.message.as_ref().map(|message| ("message", json!(message)));
        let common: Vec<(&str, Value)> = common.into_iter().chain(message).collect();
        // The result may be long: it is written from where it is.
        let mut document: BTreeMap<&str, &Value> = common.iter().map(|(key, value)| (*key, value)).collect();
        document.extend(self.fields.iter().map(|(key, value)| (key.as_str(), value)));
        let written = match self.one_line {
            true => serde_json::to_string(&document),
            false => serde_json::to_string_pretty(&document),
        };
        let mut text = text::json(&written.unwrap_or_default());
        text.push('\n');
        text
    }

    /// What people read on standard error besides the result.
    #[must_use]
    pub fn remarks(&self, styles: Styles) -> String {
        let mut lines = Vec::new();
        for warning in &self.warnings {
            lines.push(format!(
                "{} {}  {}",
                styles.warn("warning:"),
                warning.code.as_str(),
                clean(&warning.message)
            ));
            lines.extend(warning.next.iter().map(|next| format!("  next: {}", clean(next))));
        }
        if !self.reasons.is_empty() {
            lines.push(format!("{} deployctl {}", styles.bad("refused:"), self.command));
            lines.extend(self.reasons.iter().map(|reason| reason_lines(reason, styles)));
            lines.extend(next_steps(&self.reasons));
        }
        if let Some(message) = &self.message {
            let mark = match self.outcome {
                Outcome::Done => styles.ok("ok:"),
                Outcome::Declined => styles.warn("declined:"),
                Outcome::Busy => styles.warn("busy:"),
                _ => styles.bad("error:"),
            };
            lines.push(format!("{mark} {}", text::block(message)));
        }
        lines.join("\n")
    }
}

fn reason_lines(reason: &Reason, styles: Styles) -> String {
    let mut lines = vec![format!(
        "  {} {}  {}",
        styles.bad("✗"),
        styles.heading(reason.code.as_str()),
        clean(&reason.message)
    )];
    if let Some(policy) = &reason.policy {
        lines.push(format!("      policy: {}", clean(policy)));
    }
    lines.join("\n")
}

/// What to do comes last, where the eye looks, and once, however many reasons lead there.
fn next_steps(reasons: &[Reason]) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for next in reasons.iter().flat_map(|reason| &reason.next) {
        let step = format!("next: {}", clean(next));
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

/// A sentence of ours may hold a person's words: one line, nothing raw, as long as it is.
fn clean(text: &str) -> String {
    text::line(text, 2_000)
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use crate::gate::reason::{Code, Reason};
    use crate::outcome::Outcome;
    use crate::render::style::Styles;

    fn reason(code: Code) -> Reason {
        Reason::new(code, "no").next("do this")
    }

    #[test]
    fn a_refusal_is_never_success_failure_or_usage() {
        for code in Code::ALL {
            let answer = Answer::refused("deploy", vec![reason(*code)]);
            let expected = match (code, code.human_required()) {
                (Code::EnvironmentBusy, _) => Outcome::Busy,
                (_, true) => Outcome::HumanRequired,
                (_, false) => Outcome::Refused,
            };
            assert_eq!(answer.outcome, expected, "{}", code.as_str());
            assert!(![0, 1, 2].contains(&answer.outcome.code()));
        }
        let both = vec![reason(Code::EnvironmentBusy), reason(Code::WindowClosed)];
        assert_eq!(Answer::refused("deploy", both).outcome, Outcome::Refused);
        let person = vec![reason(Code::EnvironmentBusy), reason(Code::ApprovalMissing)];
        assert_eq!(Answer::refused("deploy", person).outcome, Outcome::HumanRequired);
    }

    #[test]
    fn the_document_has_the_common_keys_and_every_reason() {
        let answer =
            Answer::refused("deploy", vec![reason(Code::WindowClosed)]).with("environment", "production");
        let document: serde_json::Value = serde_json::from_str(&answer.json()).unwrap();
        assert_eq!(
            document,
            serde_json::json!({
                "schema": "deployctl/1", "command": "deploy", "outcome": "refused", "exit": 3,
                "reasons": [{ "code": "window.closed", "message": "no", "next": ["do this"] }],
                "warnings": [], "human_required": false, "environment": "production",
            })
        );
        assert!(answer.json().ends_with("}\n"));
    }

    #[test]
    fn what_to_do_comes_last_and_once() {
        let reasons = vec![reason(Code::StageMissing), reason(Code::WindowClosed)];
        let text = Answer::refused("deploy", reasons).remarks(Styles::plain());
        assert_eq!(
            text,
            "refused: deployctl deploy\n  ✗ stage.missing  no\n  ✗ window.closed  no\nnext: do this"
        );
    }

    #[test]
    fn a_foreign_word_in_a_reason_makes_no_line_of_its_own() {
        let evil = Reason::new(Code::ApprovalDenied, "because\nok: deployed\u{1b}[2K").next("a\nb");
        let text = Answer::refused("deploy", vec![evil]).remarks(Styles::plain());
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
