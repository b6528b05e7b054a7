//! `deployctl rollback`: back to the version that the approval named, by a person, recorded, quarantined.

use anyhow::{Context as _, Result};

use super::deploy::note_refusal;
use super::emergency::hotfix_path;
use super::gather::{Key, Moment};
use super::journal::Package;
use super::person::{Answered, Person, first_sight};
use super::session::{self, Start};
use super::target;
use crate::cli::{Common, RollbackArgs};
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, decide};
use crate::gate::facts::Action;
use crate::gate::plan::Plan;
use crate::gate::policy::EnvironmentRule;
use crate::gate::presence::Presence;
use crate::gate::reason::Reason;
use crate::gate::statement::Ending;
use crate::gate::timeline::Track;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::screen;

const COMMAND: &str = "rollback";

/// Rolls back, or shows what would be done.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &RollbackArgs) -> Result<Answer> {
    if args.dry_run {
        return dry_run(common, args);
    }
    let person = Person::look(common)?;
    let mut moment = Moment::look(common)?;
    let key = person.key(args.key.as_ref(), moment.policy())?;
    let first = match judge(&moment, args, Some(&person.presence), key.as_ref())? {
        Ok(judged) => judged,
        Err(reasons) => return Ok(refuse(&moment, args, reasons)),
    };
    let text = shown(&moment, args, &first)?;
    person.streams.line(&text);
    if let Some(answer) = confirm(&moment, &person, &first)? {
        return Ok(answer);
    }
    moment = Moment::look(common)?;
    let judged = match judge(&moment, args, Some(&person.presence), key.as_ref())? {
        Ok(judged) => judged,
        Err(reasons) => return Ok(refuse(&moment, args, reasons)),
    };
    if judged.plan.digest()? != first.plan.digest()? {
        let what = "the plan changed while you were reading: run it again";
        return Ok(Answer::ended(COMMAND, Outcome::Busy, what));
    }
    execute(&mut moment, &person, args, &judged, &text, key)
}

struct Judged {
    plan: Plan,
    rule: EnvironmentRule,
    database: Database,
}

/// What becomes of the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Database {
    /// Nothing was migrated.
    Untouched,
    /// Every migration is known to be reversible, and the policy says how.
    GoesBack,
    /// It stays as it is: a migration is not known to be reversible.
    Irreversible,
    /// It stays as it is: the policy says no `rollback.migrations`.
    NoWay,
}

fn judge(
    moment: &Moment,
    args: &RollbackArgs,
    presence: Option<&Presence>,
    key: Option<&Key>,
) -> Result<Result<Judged, Vec<Reason>>> {
    let undo = moment.timeline().and_then(|timeline| timeline.tracks.get(&args.environment)?.to_undo());
    let available = undo.is_none_or(|undo| moment.repository.has(&undo.start.release.commit));
    let action =
        Action::Rollback { environment: &args.environment, version: args.version.as_ref(), available };
    let facts = moment.facts(moment.caller(presence.cloned()), key.map(|key| key.fact.clone()));
    let permit = match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => return Ok(Err(reasons)),
        Decision::Allow(permit) => permit,
    };
    let rule = moment.policy().and_then(|policy| policy.environments.get(&args.environment));
    let rule = rule.cloned().context("the policy has no such environment")?;
    let package = match &permit.request {
        Some(request) => target::of_execution(moment, request)?,
        None => None,
    };
    let database = database(package.as_ref(), &rule);
    let goes_back = database == Database::GoesBack;
    let plan = Plan::new(permit, &rule, &args.environment, ActionKind::Rollback, goes_back)
        .context("the permit names no release")?;
    Ok(Ok(Judged { plan, rule, database }))
}

/// A request that cannot be read says nothing about migrations: then the database stays.
fn database(package: Option<&Package>, rule: &EnvironmentRule) -> Database {
    let extent = package.map(|package| &package.request.extent);
    let way = rule.rollback.as_ref().is_some_and(|rollback| !rollback.migrations.is_empty());
    match extent.map(|extent| (extent.migrations, extent.irreversible)) {
        Some((0, _)) => Database::Untouched,
        Some((_, 0)) if way => Database::GoesBack,
        Some((_, 0)) => Database::NoWay,
        _ => Database::Irreversible,
    }
}

fn shown(moment: &Moment, args: &RollbackArgs, judged: &Judged) -> Result<String> {
    let policy = moment.policy().context("no policy is in force")?;
    let mut text = screen::plan(&judged.plan, &policy.project, &args.reason);
    text.push_str(match judged.database {
        Database::Untouched => "  Database     untouched: there were no migrations\n",
        Database::GoesBack => "  Database     goes back too: every migration is known to be reversible\n",
        Database::Irreversible => {
            "  Database     STAYS as it is: not every migration is known to be reversible\n"
        }
        Database::NoWay => "  Database     STAYS as it is: the policy says no `rollback.migrations`\n",
    });
    text.push_str(&first_sight(moment));
    Ok(text)
}

/// A no leads to the other way of the workflow document: the fix.
fn declined(moment: &Moment, judged: &Judged, what: &str) -> Answer {
    let plan = &judged.plan;
    let live = plan.previous.as_ref().unwrap_or(&plan.release);
    let path = hotfix_path(moment.policy(), &plan.environment, &live.version);
    let lines: Vec<String> =
        path.iter().zip(1..).map(|(step, number)| format!("\n  {number}. {step}")).collect();
    let message = format!("{what}; nothing was run\nthe hotfix path instead:{}", lines.concat());
    Answer::ended(COMMAND, Outcome::Declined, message)
        .with("environment", &plan.environment)
        .with("hotfix_path", path)
}

fn confirm(moment: &Moment, person: &Person, judged: &Judged) -> Result<Option<Answer>> {
    let ended = |answered, what: &str| match answered {
        Answered::Yes => None,
        Answered::No => Some(declined(moment, judged, what)),
        Answered::Interrupted => {
            Some(Answer::ended(COMMAND, Outcome::Interrupted, "interrupted; nothing was run"))
        }
    };
    if matches!(judged.database, Database::Irreversible | Database::NoWay) {
        let question = "The database does not go back by itself. Roll the application back all the same?";
        if let Some(answer) = ended(person.says_yes(question)?, "the database would have stayed") {
            return Ok(Some(answer));
        }
    }
    let plan = &judged.plan;
    let digest = plan.request.as_ref().map_or_else(String::new, |request| request.digest.short());
    let phrase = format!("rollback {} {} {digest}", plan.environment, plan.release.version);
    Ok(ended(person.types(&phrase, "roll back")?, "the phrase was not typed"))
}

fn refuse(moment: &Moment, args: &RollbackArgs, reasons: Vec<Reason>) -> Answer {
    note_refusal(moment, COMMAND, &args.environment, &reasons);
    let mut answer = Answer::refused(COMMAND, reasons).with("environment", &args.environment);
    answer.warnings.extend(moment.edited());
    if args.yes {
        answer.message =
            Some("`--yes` does nothing here: only a person at a terminal rolls production back".to_owned());
    }
    answer
}

fn execute(
    moment: &mut Moment,
    person: &Person,
    args: &RollbackArgs,
    judged: &Judged,
    text: &str,
    key: Option<Key>,
) -> Result<Answer> {
    let (Some(key), Some(signer)) = (key, judged.plan.permit().signer.clone()) else {
        anyhow::bail!("a permit without a signer: this is a bug of deployctl")
    };
    let reason = Some(args.reason.clone());
    let again = |moment: &Moment| -> Result<Vec<Reason>> {
        Ok(judge(moment, args, Some(&person.presence), Some(&key))?.err().unwrap_or_default())
    };
    let start = Start { plan: &judged.plan, screen: text, reason, signer, key: &key, again: &again };
    let started = match session::begin(moment, person, start, COMMAND)? {
        Ok(started) => started,
        Err(answer) => return Ok(answer),
    };
    super::approve::pin_root(moment)?;
    let (ending, failed_step) = session::run(moment, person, &judged.plan, &judged.rule, &started)?;
    Ok(answer(moment, judged, &started, ending, failed_step.as_deref()))
}

fn answer(
    moment: &Moment,
    judged: &Judged,
    started: &session::Started,
    ending: Ending,
    failed_step: Option<&str>,
) -> Answer {
    let plan = &judged.plan;
    let environment = &plan.environment;
    let version = &plan.release.version;
    let undone = plan.previous.as_ref().map_or_else(String::new, |undone| undone.version.to_string());
    let mut answer = match ending {
        Ending::Succeeded => Answer::done(
            COMMAND,
            format!(
                "{environment} runs {version} again\n{undone} is quarantined: that commit cannot be deployed to {environment} again\n\
                 next: write down what happened, find the cause, request the fix\n"
            ),
        ),
        Ending::Failed | Ending::Interrupted => {
            let outcome = if ending == Ending::Failed { Outcome::Failed } else { Outcome::Interrupted };
            Answer::ended(
                COMMAND,
                outcome,
                format!(
                    "the rollback to {version} ended badly at `{}`: `{environment}` may run parts of both versions\nlogs: {}",
                    failed_step.unwrap_or("a step"),
                    session::logs(moment, started).display()
                ),
            )
        }
    };
    answer = answer
        .with("environment", environment)
        .with("version", version)
        .with("execution", started.execution())
        .with("ending", ending)
        .with("failed_step", failed_step);
    if ending == Ending::Succeeded {
        let quarantined = moment.timeline().and_then(|timeline| timeline.tracks.get(environment));
        answer = answer.with("quarantined", quarantined.map(|track: &Track| &track.quarantined));
    }
    answer
}

fn dry_run(common: &Common, args: &RollbackArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    let judged = match judge(&moment, args, None, None)? {
        Ok(judged) => judged,
        Err(reasons) => {
            return Ok(Answer::refused(COMMAND, reasons)
                .with("environment", &args.environment)
                .with("dry_run", true));
        }
    };
    let text = shown(&moment, args, &judged)?;
    Ok(Answer::done(COMMAND, text)
        .with("environment", &args.environment)
        .with("dry_run", true)
        .with("plan", &judged.plan))
}
