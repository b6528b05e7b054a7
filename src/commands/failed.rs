//! A deployment has failed, and the person is still there: ROLLBACK? with the tree of the workflow.

use anyhow::Result;
use serde_json::{Value, json};

use super::emergency::{self, hotfix_lines, hotfix_path, stays};
use super::gather::Moment;
use super::person::Answered;
use super::production::Desk;
use super::rollback;
use super::session::Started;
use crate::cli::RollbackArgs;
use crate::gate::plan::Plan;
use crate::gate::remains::Remains;
use crate::gate::statement::{Watched, WatchedAs};
use crate::gate::terms::Version;
use crate::gate::timeline::Deployed;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::text;

/// What there is to decide about.
pub struct Failure<'a> {
    /// The plan that did not end well.
    pub plan: &'a Plan,
    /// Its session, which is still here.
    pub started: &'a Started,
    /// What the watch saw, where there was one.
    pub watched: Option<&'a Watched>,
    /// What happened, in a sentence without its end: the reason of the rollback, if there is one.
    pub what: String,
    /// What the command answers as long as nobody rolls back.
    pub answer: Answer,
}

/// Rolls back by itself where the approvals allow that; else asks whether to, and does it: with a phrase, a signature and
/// a record of its own.
///
/// Answers 6 when that went well. A no, the end of input, and a rollback that was refused or failed leave the failure.
/// What it could not find out stands in the answer, too.
pub fn ask(desk: &Desk<'_>, moment: &Moment, failure: Failure<'_>) -> Answer {
    let Some(back) = failure.plan.way_back().map(|back| &back.version) else {
        return hotfix(moment, failure);
    };
    let what = text::line(&failure.what, 2_000);
    desk.person.streams.line(&format!("\n{what}\n"));
    if let Some(rolled) = by_itself(desk, &failure) {
        return settled(moment, failure, Ok(rolled), back);
    }
    desk.person.streams.line(&tree(back));
    // Whoever cannot be asked any more has not said yes.
    if desk.person.says_yes("ROLLBACK?").unwrap_or(Answered::No) != Answered::Yes {
        return hotfix(moment, failure);
    }
    let args = RollbackArgs {
        environment: failure.plan.environment.clone(),
        version: None,
        reason: failure.what.clone(),
        dry_run: false,
        key: desk.key.cloned(),
        yes: false,
    };
    settled(moment, failure, rollback::now(desk, &args), back)
}

/// The rollback that the approvals allow beforehand: on a trigger, never where a step failed or nobody can say.
fn by_itself(desk: &Desk<'_>, failure: &Failure<'_>) -> Option<Answer> {
    let triggered = failure.watched.is_some_and(|watched| watched.verdict == WatchedAs::Triggered);
    let allowed = failure.plan.on_trigger.as_ref().filter(|_| triggered)?;
    rollback::automatic::now(desk, (failure.plan, failure.started), allowed)
}

/// What became of it.
fn settled(moment: &Moment, failure: Failure<'_>, rolled: Result<Answer>, back: &Version) -> Answer {
    match rolled {
        Ok(rolled) if rolled.outcome == Outcome::Done => rolled_back(failure, rolled, back),
        Ok(rolled) => not_rolled_back(moment, failure, rolled),
        Err(error) => {
            let rolled = Answer::ended("rollback", Outcome::Failed, format!("{error:#}"));
            not_rolled_back(moment, failure, rolled)
        }
    }
}

/// The decision of the workflow document.
fn tree(back: &Version) -> String {
    format!(
        "ROLLBACK?\n\
         \u{20} ├── YES: roll back to {back}\n\
         \u{20} │         ├── revert application code\n\
         \u{20} │         ├── roll back migrations (if safe)\n\
         \u{20} │         └── verify system health\n\
         \u{20} └── NO: hotfix path\n\
         \u{20}           ├── diagnose the issue\n\
         \u{20}           ├── develop the fix\n\
         \u{20}           └── emergency deployment\n"
    )
}

fn hotfix(moment: &Moment, failure: Failure<'_>) -> Answer {
    let Failure { plan, started, mut answer, .. } = failure;
    let recorded = emergency::deployed(moment, started.execution());
    let stays = stays(&plan.environment, &plan.release.version, recorded);
    let path = hotfix_path(moment.policy(), &plan.environment, &stays);
    let message = answer.message.take().unwrap_or_default();
    answer.message = Some(format!("{message}\nthe hotfix path instead:{}", hotfix_lines(&path)));
    answer.with("hotfix_path", path).with("rollback", Value::Null)
}

fn rolled_back(failure: Failure<'_>, rolled: Answer, back: &Version) -> Answer {
    let Failure { plan, what, mut answer, .. } = failure;
    let message = format!("{what}, and was rolled back: `{}` runs {back} again", plan.environment);
    answer = answer.with("rollback", about(&rolled));
    answer.outcome = Outcome::RolledBack;
    answer.message = Some(message);
    answer.text = rolled.text;
    answer
}

fn not_rolled_back(moment: &Moment, failure: Failure<'_>, rolled: Answer) -> Answer {
    let Failure { plan, started, what, mut answer, .. } = failure;
    let why: String = rolled
        .reasons
        .iter()
        .map(|reason| format!("{}  {}", reason.code.as_str(), reason.message))
        .chain(rolled.message.clone())
        .map(|line| format!("\n{line}"))
        .collect();
    // An execution means that it ran: then its own words say what of it, and how it is tried again.
    let message = if rolled.fields.contains_key("execution") {
        format!("{what}, and the rollback failed too{why}")
    } else {
        let (environment, version) = (&plan.environment, &plan.release.version);
        let recorded = emergency::deployed(moment, started.execution());
        let runs = match recorded.map(Deployed::remains) {
            Some(Remains::All) => format!("runs {version}"),
            _ => "may run half of it".to_owned(),
        };
        format!(
            "{what}, and it was not rolled back: `{environment}` {runs}{why}\n\
             again: deployctl rollback {environment} --reason TEXT"
        )
    };
    answer = answer.with("rollback", about(&rolled));
    answer.message = Some(message);
    answer.afterwards = rolled.afterwards;
    answer
}

/// The rollback for programs, inside the answer of the deployment.
fn about(rolled: &Answer) -> Value {
    let mut about = rolled.fields.clone();
    about.insert("outcome".to_owned(), json!(rolled.outcome.word()));
    about.insert("reasons".to_owned(), json!(rolled.reasons));
    about.extend(rolled.message.as_ref().map(|message| ("message".to_owned(), json!(message))));
    Value::Object(about)
}
