//! `deployctl checklist`: facts as a Markdown checklist, for anyone.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::candidate;
use super::environments;
use super::gather::Moment;
use super::pages;
use crate::cli::{ChecklistArgs, Common, Format};
use crate::evidence::checklist::Checklist;
use crate::evidence::draft::explain::{Explanation, explain};
use crate::evidence::draft::{Draft, LockFact, Rules, open_boxes};
use crate::gate::decide::ledger_reason;
use crate::gate::request::OpenBox;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::pages::Page;
use crate::render::{screen, text};
use crate::world::config_file::ConfigError;

/// Drafts the checklist.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &ChecklistArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    let policy = moment.drafting_policy()?;
    if moment.policy().is_none() && matches!(moment.file, Err(ConfigError::Missing { .. })) {
        super::person::streams(common)
            .note("note: there is no `deployctl.yaml`, so only git was asked; write one: deployctl init");
    }
    let environment = &args.candidate.environment;
    // Without any rules git alone is asked, and every name is as good.
    let rules = Some(&policy).filter(|policy| !policy.environments.is_empty());
    if let Some(answer) = rules.and_then(|policy| environments::unknown_by(policy, "checklist", environment))
    {
        return Ok(answer);
    }
    let draft = candidate::draft(&moment, &policy, &args.candidate, moment.now)?;
    let rules = policy.environments.get(environment).map(|rule| Rules::of(environment, rule));
    let rules = rules.unwrap_or_default();
    let caller = moment.caller(None);
    let checklist = draft.checklist(&caller.name, &rules);
    if let Some(asked) = &args.explain {
        let found = explain(&draft, &checklist, environment, asked)?;
        return write(
            Answer::done("checklist", told(&found)).with("explained", untrusted(&found)),
            args.output.as_deref(),
            common.wants_json(),
        );
    }
    let mut answer = Answer::done(
        "checklist",
        pages::checklist(&pages::of(&moment, &[Page::Checklist])?, &checklist, None)?,
    );
    let open = open_boxes(&checklist);
    if args.strict && !open.is_empty() {
        answer.outcome = Outcome::Refused;
        let what = text::count(open.len(), "box");
        answer.message = Some(format!("{what} open, and `--strict` wants none"));
    }
    answer = answer
        .with("environment", environment)
        .with("version", &draft.release.version)
        .with("commit", &draft.release.commit);
    if common.format == Format::Github {
        let page = answer.text.clone();
        answer = answer.with("markdown", page);
    }
    // Facts about ten thousand commits are many: they are put in order only for whoever reads them.
    if common.wants_json() {
        answer = with_facts(answer, &draft, &checklist, &open);
    }
    answer.warnings.extend(moment.edited());
    // Without the ledger nothing is known of what is live, and the range may begin too early.
    answer.warnings.extend(moment.ledger.as_ref().err().map(ledger_reason));
    write(answer, args.output.as_deref(), common.wants_json())
}

/// Writes the text to a file instead of standard output, where one is named; a document goes to both.
fn write(mut answer: Answer, output: Option<&Path>, json: bool) -> Result<Answer> {
    if let Some(path) = output {
        let page = if json { answer.json() } else { std::mem::take(&mut answer.text) };
        std::fs::write(path, page).with_context(|| format!("cannot write `{}`", path.display()))?;
        answer.message.get_or_insert(format!("wrote `{}`", path.display()));
    }
    Ok(answer)
}

/// An explanation for people.
fn told(found: &Explanation) -> String {
    let Explanation { key, item, ticked, because, from, see, close } = found;
    let mark = if *ticked { "x" } else { " " };
    let mut lines = vec![format!("[{mark}] {}", text::line(item, 400))];
    let mut tell = |title: &str, words: &[String]| {
        for (at, line) in words.iter().enumerate() {
            let title = if at == 0 { title } else { "" };
            lines.push(format!("  {title:<10}{}", text::line(line, 1_000)));
        }
    };
    tell("key", std::slice::from_ref(key));
    tell(if *ticked { "evidence" } else { "open" }, because.as_slice());
    tell("from", from);
    tell("see", &see.iter().map(|command| screen::command(command)).collect::<Vec<_>>());
    tell("to close", close.as_slice());
    lines.push(String::new());
    lines.join("\n")
}

fn with_facts(answer: Answer, draft: &Draft, checklist: &Checklist, open: &[OpenBox]) -> Answer {
    let page = answer.text.clone();
    answer
        .with("since", &draft.since)
        .with("tests", untrusted(&draft.tests))
        .with("changes", untrusted(&draft.changes))
        .with("behind", untrusted(&draft.behind))
        .with("changelogs", untrusted(&draft.changelogs))
        .with("migrations", untrusted(&draft.migrations))
        .with("dependencies", untrusted(&draft.dependencies().collect::<Vec<_>>()))
        .with("lockfiles", untrusted(&draft.lockfiles.iter().map(LockFact::state).collect::<Vec<_>>()))
        .with("breaking", untrusted(&draft.breaking))
        .with("open", untrusted(open))
        .with("checklist", untrusted(checklist))
        .with("markdown", page)
}

/// Marks what other people wrote: every object of every list in it is data, whatever it says.
pub fn untrusted<T: serde::Serialize + ?Sized>(facts: &T) -> serde_json::Value {
    let mut value = serde_json::to_value(facts).unwrap_or_default();
    mark(&mut value, false);
    value
}

fn mark(value: &mut serde_json::Value, listed: bool) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| mark(item, true)),
        serde_json::Value::Object(fields) => {
            fields.values_mut().for_each(|field| mark(field, false));
            if listed {
                fields.insert("untrusted".to_owned(), serde_json::Value::Bool(true));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::untrusted;

    #[test]
    fn every_object_of_every_list_is_marked_as_the_words_of_others() {
        let facts = json!({"state": "none", "declared": [{"text": "a", "children": [{"text": "b"}]}], "paths": ["c"]});
        assert_eq!(
            untrusted(&facts),
            json!({
                "state": "none",
                "declared": [
                    {"text": "a", "children": [{"text": "b", "untrusted": true}], "untrusted": true}
                ],
                "paths": ["c"]
            })
        );
    }
}
