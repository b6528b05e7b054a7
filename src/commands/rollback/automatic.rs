//! The rollback that the approvals allowed beforehand: by the session that deployed, on a trigger, without another
//! signature. Whatever is in its way leads to the question.

use std::sync::atomic::Ordering;

use anyhow::Result;

use super::{End, Judged, answer, planned};
use crate::commands::available;
use crate::commands::gather::Moment;
use crate::commands::person::Person;
use crate::commands::production::Desk;
use crate::commands::session::{self, Started};
use crate::gate::authority::Database;
use crate::gate::decide::{Decision, decide};
use crate::gate::facts::Action;
use crate::gate::plan::Plan;
use crate::gate::reason::Reason;
use crate::gate::statement::RollbackAuthority;
use crate::gate::terms::{Digest, Environment};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::{screen, text};

/// Rolls back what this session deployed; `None` where a person is asked instead, and told why.
pub fn now(desk: &Desk<'_>, deployed: (&Plan, &Started), allowed: &RollbackAuthority) -> Option<Answer> {
    let person = desk.person;
    // Who has ended the session does not want it to go on by itself.
    if person.interrupt().load(Ordering::SeqCst) {
        return None;
    }
    let line = |text: &str| person.streams.line(text);
    let said = format!(
        "rolling back to {}, as the approval allows until {}",
        allowed.to.version,
        screen::minute(allowed.until)
    );
    match begin(desk, deployed) {
        Ok(Ok((moment, judged, started))) => {
            line(&said);
            // Once it has begun nobody is asked any more: what became of it is said.
            Some(finish(moment, person, &judged, &started).unwrap_or_else(|error| {
                Answer::ended("rollback", Outcome::Failed, format!("{error:#}"))
                    .with("execution", started.execution())
                    .with("automatic", true)
            }))
        }
        Ok(Err(reasons)) => {
            let why = screen::warnings(&reasons);
            line(&format!("it is not rolled back without a question:\n{}", why.trim_end()));
            None
        }
        Err(error) => {
            let why = text::line(&format!("{error:#}"), 2_000);
            line(&format!("it is not rolled back without a question: {why}"));
            None
        }
    }
}

/// Decides, and records that it begins: nothing runs before that.
fn begin(
    desk: &Desk<'_>,
    (plan, deployed): (&Plan, &Started),
) -> Result<Result<(Moment, Judged, Started), Vec<Reason>>> {
    let mut moment = Moment::look(desk.common)?;
    let (environment, execution) = (&plan.environment, deployed.execution());
    let judged = match judge(&moment, desk.person, environment, execution)? {
        Ok(judged) => judged,
        Err(reasons) => return Ok(Err(reasons)),
    };
    let again =
        |moment: &Moment| Ok(judge(moment, desk.person, environment, execution)?.err().unwrap_or_default());
    Ok(match session::roll_back(&mut moment, deployed, &judged.plan, &again)? {
        Ok(started) => Ok((moment, judged, started)),
        Err(reasons) => Err(reasons),
    })
}

fn judge(
    moment: &Moment,
    person: &Person,
    environment: &Environment,
    execution: &Digest,
) -> Result<std::result::Result<Judged, Vec<Reason>>> {
    let undo = moment.timeline().and_then(|timeline| timeline.tracks.get(environment)?.to_undo());
    let missing = match undo {
        Some(undo) => available::to_roll_back(moment, environment, &undo.start.release.commit)?,
        None => vec![],
    };
    let found = match undo {
        Some(undo) => super::database(moment, environment, &undo.start.request)?,
        None => Database::Irreversible,
    };
    let database_stays = found.stays();
    let action = Action::AutomaticRollback { environment, execution, missing: &missing, database_stays };
    let facts = moment.facts(moment.caller(Some(person.presence.clone())), None);
    match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => Ok(Err(reasons)),
        Decision::Allow(permit) => planned(moment, environment, permit, found).map(Ok),
    }
}

fn finish(mut moment: Moment, person: &Person, judged: &Judged, started: &Started) -> Result<Answer> {
    let ended = session::run(&mut moment, person, &judged.plan, &judged.rule, started)?;
    let end = End {
        judged,
        started,
        ending: ended.ending,
        failed_step: ended.failed_step.as_deref(),
        watched: ended.watched.as_ref(),
    };
    Ok(answer(&moment, &end).with("automatic", true))
}
