//! What a rollback leaves to do: its report, as the ledger drafts it, and what `status` and `history` tell of it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::emergency::hotfix_path;
use super::gather::Moment;
use super::{pages, report, target};
use crate::gate::config::ActionKind;
use crate::gate::decide::{again_for, is_overdue, report_name};
use crate::gate::plan::Plan;
use crate::gate::statement::{Ending, Execution, Release, StepEnd, StepResult, Watched};
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::{About, Deployed, Timeline, Track};
use crate::render::pages::{Page, PostRollbackPage};

/// The report with the ledger's facts, and the five actions that only people can do.
///
/// # Errors
/// When records cannot be read, or the template does not fit.
pub fn draft(moment: &Moment, environment: &Environment, rollback: &Deployed) -> Result<String> {
    let aftermath = rollback.aftermath.as_ref().context("it was no rollback")?;
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let track = timeline.tracks.get(environment).context("nothing is recorded there")?;
    let undone = track.all().find(|known| known.execution == aftermath.undoes);
    let undone = undone.context("what it undoes is not recorded")?;
    let request = target::request_of(moment, &undone.start.request)?;
    let mut events = report::events(moment, undone)?;
    let own = timeline.rests_on_its_own(&rollback.start);
    let asked = if own { target::of_execution(moment, &rollback.start.request)? } else { None };
    let asked = asked.map(|package| package.request);
    events.extend(asked.iter().map(|asked| {
        (asked.at, format!("rollback to {} requested by {}", asked.release.version, asked.requested_by.name))
    }));
    events.extend(attempts(track, undone));
    let page = PostRollbackPage {
        environment: environment.to_string(),
        undone: named(&undone.start.release),
        back_to: named(&rollback.start.release),
        request: rollback.start.request.id.clone(),
        execution: rollback.execution.short(),
        rolled_back_by: begun_by(rollback),
        time: report::minute(rollback.at),
        reason: rollback.start.reason.clone().unwrap_or_default(),
        outcome: report::outcome(rollback).to_owned(),
        trigger: trigger(track, undone),
        database: database(moment, environment, rollback, asked.as_ref().or(request.as_ref())),
        review_by: aftermath.review_by.map(report::minute),
        requested_by: request.map_or_else(|| "unknown".to_owned(), |request| request.requested_by.name),
        approved_by: report::approvers(moment, undone),
        executed_by: undone.by.to_string(),
        timeline: report::in_order(events),
        steps: report::steps(rollback),
    };
    Ok(pages::of(moment, &[Page::PostRollback])?.render(Page::PostRollback, &page)?)
}

fn named(release: &Release) -> String {
    format!("{} ({})", release.version, release.commit.short())
}

/// The person, or the session that the person had started.
fn begun_by(rollback: &Deployed) -> String {
    let by = &rollback.by;
    if rollback.automatic { format!("the session of {by}, by itself") } else { by.to_string() }
}

/// Every attempt to undo a deployment, also those that failed.
fn attempts(track: &Track, undone: &Deployed) -> Vec<report::Event> {
    let mut events = Vec::new();
    for rollback in track.attempts().remove(&undone.execution).unwrap_or_default() {
        let why = rollback.start.reason.clone().unwrap_or_default();
        events.push((rollback.at, format!("rollback begun by {}: {why}", begun_by(rollback))));
        events.extend(report::end(rollback, "the rollback"));
    }
    events
}

/// What the records tell of why: a step that ended badly, or that it was live and a person decided.
fn trigger(track: &Track, undone: &Deployed) -> String {
    let version = &undone.start.release.version;
    match (undone.ending, &undone.failed_step) {
        (Some((Ending::Succeeded, at)), _) => {
            format!("none recorded: {version} was live since {}, and a person decided", report::minute(at))
        }
        (Some(_), _) if undone.watched.is_some() => {
            let words = undone.watched.as_ref().map(Watched::words).unwrap_or_default();
            format!("{version} was {words}")
        }
        (Some((ending, _)), Some(step)) => {
            format!("the deployment of {version} {} at the step {step}", report::ended(ending))
        }
        (Some((ending, _)), None) => format!("the deployment of {version} {}", report::ended(ending)),
        (None, _) if track.lock().is_some() => format!("the deployment of {version} has not ended"),
        (None, _) => format!("the deployment of {version} never said how it ended"),
    }
}

/// What became of the database, as far as the records tell.
fn database(
    moment: &Moment,
    environment: &Environment,
    rollback: &Deployed,
    request: Option<&crate::gate::request::Request>,
) -> String {
    let rule = moment.policy().and_then(|policy| policy.environments.get(environment));
    let down = rule.and_then(|rule| rule.rollback.as_ref()).map(|way| way.migrations.as_slice());
    let down = down.unwrap_or_default();
    let ran: Vec<&str> = rollback
        .steps
        .iter()
        .filter(|ended| down.iter().any(|step| step.name == ended.step) && ended.result == StepEnd::Succeeded)
        .map(|ended| ended.step.as_str())
        .collect();
    match request.map(|request| (request.extent.migrations, request.extent.irreversible)) {
        Some((0, 0)) => "untouched: there were no migrations".to_owned(),
        _ if !ran.is_empty() => format!("went back: {}", ran.join(", ")),
        Some((all, hard)) => format!(
            "STAYED as it was: {}, {hard} not known to be reversible",
            crate::render::text::count(usize::try_from(all).unwrap_or(usize::MAX), "migration")
        ),
        None => "STAYED as it was: what was migrated is not known".to_owned(),
    }
}

/// The report of a rollback for programs; null where it owes none.
#[must_use]
pub fn json(moment: &Moment, rollback: &Deployed) -> Value {
    let Some(report) = rollback.report().filter(|report| report.about == About::Rollback) else {
        return Value::Null;
    };
    json!({
        "name": report_name(rollback),
        "execution": rollback.execution,
        "since": rollback.at,
        "until": report.due,
        "overdue": report.signed.is_none() && is_overdue(&report, moment.now),
        "signed_by": report.signed.map(|signed| &signed.by),
        "signed_at": report.signed.map(|signed| signed.at),
        "report": report.signed.map(|signed| &signed.report),
    })
}

/// A few words for the table of deployments: that the report of a rollback is open.
#[must_use]
pub fn note(rollback: &Deployed) -> Option<String> {
    let report =
        rollback.report().filter(|report| report.about == About::Rollback && report.signed.is_none());
    report.map(|_| format!("report open since {}", rollback.at.format("%Y-%m-%d")))
}

/// The words after a rollback that ended badly: what of it ran, what is known of what runs now, and what comes next.
#[must_use]
pub fn failed(moment: &Moment, plan: &Plan, execution: &Digest, failed_step: Option<&str>) -> String {
    let environment = &plan.environment;
    let undone = plan.previous.as_ref().map_or_else(String::new, |undone| undone.version.to_string());
    let recorded = moment.timeline().and_then(|timeline| {
        let track = timeline.tracks.get(environment)?;
        track.deployments.iter().find(|known| &known.execution == execution)
    });
    let steps = recorded.map(|recorded| recorded.steps.as_slice()).unwrap_or_default();
    let named = |wanted: &dyn Fn(&StepResult) -> bool| {
        let ended = steps.iter().filter(|step| wanted(step));
        ended.map(|step| step.step.as_str()).collect::<Vec<_>>()
    };
    let done = named(&|step| step.result == StepEnd::Succeeded);
    let half = named(&|step| step.began() && step.result != StepEnd::Succeeded);
    let ran = |step: &str| done.contains(&step) || half.contains(&step);
    let open: Vec<&str> =
        plan.steps.iter().map(|step| step.name.as_str()).filter(|step| !ran(step)).collect();
    let list = |names: &[&str]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let watched = recorded.and_then(|recorded| recorded.watched.as_ref());
    let now = if let Some(watched) = watched {
        format!("`{environment}` runs {}, {}", plan.release.version, watched.words())
    } else if done.is_empty() && half.is_empty() {
        format!("nothing of it ran: `{environment}` runs what it ran before it")
    } else {
        format!(
            "`{environment}` may run parts of {undone} and of {}: done: {}; ended badly: {}; not begun: {}",
            plan.release.version,
            list(&done),
            list(&half),
            list(&open)
        )
    };
    let again = match recorded.zip(moment.timeline()) {
        Some((recorded, timeline)) => again(timeline, environment, &recorded.start),
        None => format!("deployctl rollback {environment} --reason TEXT"),
    };
    let fix = hotfix_path(moment.policy(), environment, "").swap_remove(2);
    format!(
        "the rollback of {undone} to {} ended badly at `{}`\n{now}\nnext: look at `{environment}`, mend what stopped it, and try again: {again}\nnext: or go forward with a fix: {fix}",
        plan.release.version,
        failed_step.unwrap_or("a step"),
    )
}

/// How a rollback that did not end well is tried again.
#[must_use]
pub fn again(timeline: &Timeline, environment: &Environment, start: &Execution) -> String {
    if timeline.rests_on_its_own(start) {
        // Its approval was used.
        again_for(ActionKind::Rollback, environment, &start.release.version)
    } else {
        format!("deployctl rollback {environment} --reason TEXT")
    }
}

/// The lines after a rollback: what is in quarantine now, and what is left to do.
#[must_use]
pub fn after(environment: &Environment, undone: &str, execution: &Digest) -> String {
    format!(
        "{undone} is quarantined: what holds its commits or their content is not deployed to {environment} until they are fixed or released\n\
         next: write the report: deployctl approve --review {} --show > report.md\n",
        execution.short()
    )
}
