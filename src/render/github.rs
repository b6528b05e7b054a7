//! An answer for a step of GitHub Actions: its log with annotations, its outputs, and its summary.
//!
//! The runner obeys lines of a log and of the two files. Foreign text reaches each of them only through `text`, which
//! leaves nothing to obey.

use serde_json::Value;

use super::answer::Answer;
use super::text;
use crate::gate::reason::Reason;
use crate::outcome::Outcome;

/// The longest page of a summary, in bytes: GitHub takes 1 MiB for a step and shows nothing of a longer one.
const PAGE_MAX: usize = 1_000_000;
/// As wide as a sentence of ours may be, in columns.
const SENTENCE: usize = 2_000;

/// Standard output: the result as text, then every reason, warning and failure as an annotation.
#[must_use]
pub fn log(answer: &Answer) -> String {
    let mut out = text::defused(&answer.text);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let warnings = answer.warnings.iter().map(|warning| annotation("warning", warning));
    let reasons = answer.reasons.iter().map(|reason| annotation("error", reason));
    out.extend(warnings.chain(reasons));
    if let Some(message) = answer.message.as_ref().filter(|_| answer.outcome != Outcome::Done) {
        let title = text::annotation_property(&title(answer));
        out.push_str(&format!("::error title={title}::{}\n", text::annotation_data(message)));
    }
    out
}

fn annotation(level: &str, reason: &Reason) -> String {
    let title = text::annotation_property(reason.code.as_str());
    let mut lines = vec![reason.message.clone()];
    lines.extend(reason.policy.iter().map(|policy| format!("policy: {policy}")));
    lines.extend(reason.next.iter().map(|next| format!("next: {next}")));
    format!("::{level} title={title}::{}\n", text::annotation_lines(&lines))
}

/// The step's outputs, as `GITHUB_OUTPUT` takes them. Each value is one line between two lines with the delimiter, which
/// is made longer where a value holds it.
#[must_use]
pub fn outputs(answer: &Answer, delimiter: &str) -> String {
    let mut out = String::new();
    for (key, value) in values(answer) {
        let value = text::line(&value, usize::MAX);
        let mut delimiter = delimiter.to_owned();
        while value.contains(&delimiter) {
            delimiter.push('_');
        }
        out.push_str(&format!("{key}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    out
}

fn values(answer: &Answer) -> Vec<(&'static str, String)> {
    let mut values = vec![
        ("outcome", answer.outcome.word().to_owned()),
        ("exit", answer.outcome.code().to_string()),
        ("human_required", (answer.outcome == Outcome::HumanRequired).to_string()),
    ];
    let field = |key: &str| answer.fields.get(key);
    let id = field("id").or_else(|| field("request")?.get("id"));
    let known = [
        ("id", id),
        ("version", field("version")),
        ("commit", field("commit")),
        ("environment", field("environment")),
    ];
    let said = |(key, value): (&'static str, Option<&Value>)| Some((key, value?.as_str()?.to_owned()));
    values.extend(known.into_iter().filter_map(said));
    values
}

/// The step's summary, as `GITHUB_STEP_SUMMARY` takes it: the page where the answer has one, else its text, and tables of
/// the reasons and warnings.
#[must_use]
pub fn summary(answer: &Answer) -> String {
    let mut parts = Vec::new();
    if let Some(page) = answer.fields.get("markdown").and_then(Value::as_str) {
        parts.push(shortened(page).trim_end().to_owned());
        let next = answer.fields.get("next").and_then(Value::as_array).into_iter().flatten();
        parts.extend(next.filter_map(Value::as_str).map(|next| format!("Next: {}", sentence(next))));
    } else {
        parts.push(format!("## {}", sentence(&title(answer))));
        parts.extend((!answer.text.is_empty()).then(|| fenced(shortened(&answer.text))));
    }
    if answer.outcome == Outcome::HumanRequired {
        parts.push("**A person is required.**".to_owned());
    }
    parts.extend(table("Reason", &answer.reasons));
    parts.extend(table("Warning", &answer.warnings));
    if let Some(message) = &answer.message {
        parts.extend(message.lines().map(sentence));
    }
    parts.push(String::new());
    parts.join("\n\n").trim_end().to_owned() + "\n\n"
}

fn title(answer: &Answer) -> String {
    let command = if answer.command == "deployctl" { String::new() } else { format!(" {}", answer.command) };
    format!("deployctl{command}: {}", answer.outcome.word())
}

fn table(title: &str, reasons: &[Reason]) -> Option<String> {
    if reasons.is_empty() {
        return None;
    }
    let row = |reason: &Reason| {
        let policy = reason.policy.as_ref();
        let policy = policy.map(|policy| format!("<br>policy: {}", text::markdown_code(policy)));
        let next: Vec<String> = reason.next.iter().map(|next| sentence(next)).collect();
        let (code, message) = (reason.code.as_str(), sentence(&reason.message));
        format!("\n| `{code}` | {message}{} | {} |", policy.unwrap_or_default(), next.join("<br>"))
    };
    let rows: String = reasons.iter().map(row).collect();
    Some(format!("| Code | {title} | Next |\n|---|---|---|{rows}"))
}

fn sentence(text: &str) -> String {
    text::markdown(text, SENTENCE)
}

/// Text as it is: no line of it ends the block.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// The text up to the last line that fits.
fn shortened(page: &str) -> &str {
    if page.len() <= PAGE_MAX {
        return page;
    }
    let end = page.char_indices().map(|(at, _)| at).take_while(|at| *at <= PAGE_MAX).last().unwrap_or(0);
    let whole = &page[..end];
    whole.rfind('\n').map_or(whole, |line| &whole[..line])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PAGE_MAX, fenced, log, outputs, shortened, summary};
    use crate::gate::reason::{Code, Reason};
    use crate::outcome::Outcome;
    use crate::render::answer::Answer;

    #[test]
    fn every_reason_is_an_annotation_of_its_own() {
        let mut answer = Answer::refused(
            "deploy",
            vec![
                Reason::new(Code::ApprovalMissing, "nobody decided, 100%").next("a: b, c").next("d"),
                Reason::new(Code::WindowClosed, "closed\n::error::forged%0A::x"),
            ],
        );
        answer.warnings.push(Reason::new(Code::PolicyEdited, "edited"));
        answer.message = Some("`--yes` does nothing".to_owned());
        assert_eq!(
            log(&answer),
            "::warning title=policy.edited::edited\n\
             ::error title=approval.missing::nobody decided, 100%25%0Anext: a: b, c%0Anext: d\n\
             ::error title=window.closed::closed\\n::error::forged%250A::x\n\
             ::error title=deployctl deploy%3A refused::`--yes` does nothing\n"
        );
    }

    #[test]
    fn no_line_of_a_result_is_obeyed() {
        let answer = Answer::done("status", "::set-output name=id::evil\nx ##[set-env name=a]b");
        assert_eq!(log(&answer), "\\x3a:set-output name=id::evil\nx #\\x23[set-env name=a]b\n");
    }

    #[test]
    fn a_sentence_about_what_was_done_is_no_error() {
        let answer = Answer::ended("history", Outcome::Done, "wrote `x`");
        assert_eq!(log(&answer), "");
    }

    #[test]
    fn a_value_adds_no_key() {
        let answer =
            Answer::done("request", "").with("id", "a\nEND\nevil=1\nevil<<END").with("version", "END");
        let outputs = outputs(&answer, "END");
        assert_eq!(
            outputs,
            "outcome<<END\ndone\nEND\nexit<<END\n0\nEND\nhuman_required<<END\nfalse\nEND\n\
             id<<END_\na\\nEND\\nevil=1\\nevil<<END\nEND_\nversion<<END_\nEND\nEND_\n"
        );
    }

    #[test]
    fn the_id_of_a_deployment_is_its_requests() {
        let answer = Answer::done("deploy", "").with("request", serde_json::json!({ "id": "v1-7f3a9c2" }));
        assert!(outputs(&answer, "END").ends_with("id<<END\nv1-7f3a9c2\nEND\n"));
    }

    #[test]
    fn a_refusal_is_a_table_that_no_sentence_breaks() {
        let reasons = vec![
            Reason::new(Code::ApprovalDenied, "alice: no | ok\n| `x` |").next("ask <b>"),
            Reason { policy: Some("environments.a|b".to_owned()), ..Reason::new(Code::KeyAgent, "agent") },
        ];
        assert_eq!(
            summary(&Answer::refused("deploy", reasons)),
            "## deployctl deploy: refused\n\n**A person is required.**\n\n\
             | Code | Reason | Next |\n|---|---|---|\n\
             | `approval.denied` | alice: no \\| ok\\\\n\\| \\`x\\` \\| | ask \\<b\\> |\n\
             | `key.agent` | agent<br>policy: <code>environments.a\\|b</code> |  |\n\n"
        );
    }

    #[test]
    fn a_block_of_text_ends_where_we_end_it() {
        assert_eq!(fenced("a\n```\n## b\n"), "````text\na\n```\n## b\n````");
        assert_eq!(fenced("a"), "```text\na\n```");
    }

    #[test]
    fn a_page_that_is_too_long_ends_with_a_whole_line() {
        let page = "é\n".repeat(PAGE_MAX);
        let short = shortened(&page);
        assert!(short.len() <= PAGE_MAX && short.ends_with('é') && page.starts_with(short));
        assert_eq!(shortened("a\nb"), "a\nb");
    }

    proptest! {
        /// Whatever others wrote: one annotation a reason, three lines an output, one row a reason.
        #[test]
        fn no_text_adds_a_line(text in "(?s)([:#%|<`\\[\\]\r\n=E]|error|END|.){0,40}") {
            let reason = Reason { policy: Some(text.clone()), ..Reason::new(Code::ApprovalDenied, &text) };
            let mut answer = Answer::refused("deploy", vec![reason.next(&text)]).with("id", &text);
            let shown = log(&answer);
            assert_eq!(shown.lines().count(), 1);
            assert!(shown.starts_with("::error title=approval.denied::") && !shown.contains("##["));
            assert!(!shown.contains('\r'));
            let said = outputs(&answer, "END");
            let lines: Vec<&str> = said.lines().collect();
            assert_eq!(lines.len(), 12);
            for block in lines.chunks(3) {
                assert_eq!(block[0].split_once("<<").unwrap().1, block[2]);
                assert!(!block[1].contains(block[2]));
            }
            assert_eq!(summary(&answer).lines().count(), 6);
            answer.text = text;
            assert!(log(&answer).lines().rev().skip(1).all(|line| !line.trim_start().starts_with("::")));
        }
    }
}
