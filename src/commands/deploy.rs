//! `deployctl deploy`: sync, verify, decide, show, the second signature, consume, run, record.

use anyhow::{Context as _, Result};

use super::gather::{Key, Moment};
use super::journal;
use super::person::{Answered, Person, first_sight};
use super::session::{self, Start};
use super::target::{self, Found};
use super::{automatic, emergency};
use crate::cli::{Common, DeployArgs};
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, Permit, decide};
use crate::gate::facts::{Action, NoTarget};
use crate::gate::plan::Plan;
use crate::gate::policy::EnvironmentRule;
use crate::gate::presence::Presence;
use crate::gate::reason::Reason;
use crate::gate::statement::Ending;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::screen;
use crate::world::records::Files;

const COMMAND: &str = "deploy";

/// Deploys, or shows what would be done.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &DeployArgs) -> Result<Answer> {
    if args.dry_run {
        return dry_run(common, args);
    }
    let person = Person::look(common)?;
    let mut moment = Moment::look(common)?;
    if automatic::concerns(&moment, &args.environment) {
        return automatic::run(moment, &person, args);
    }
    let key = person.key(args.key.as_ref(), moment.policy())?;
    let first = match judge(&moment, args, Some(&person.presence), key.as_ref())? {
        Ok(judged) => judged,
        Err(reasons) => return Ok(refuse(&moment, args, reasons)),
    };
    let text = shown(&moment, &first)?;
    person.streams.line(&text);
    if let Some(reason) = moment.edited() {
        person.streams.line(&screen::warnings(&[reason]));
    }
    if let Some(answer) = confirm(&person, &first)? {
        return Ok(answer);
    }
    // Reading takes time: what moved meanwhile is judged before the signature, and the append itself afterwards.
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

/// A plan that the gate allows, and what it came from.
struct Judged {
    plan: Plan,
    found: Found,
    rule: EnvironmentRule,
}

fn judge(
    moment: &Moment,
    args: &DeployArgs,
    presence: Option<&Presence>,
    key: Option<&Key>,
) -> Result<Result<Judged, Vec<Reason>>> {
    let found = find(moment, args)?;
    let action =
        Action::Deploy { environment: &args.environment, target: found.as_ref().map(|found| &found.target) };
    let facts = moment.facts(moment.caller(presence.cloned()), key.map(|key| key.fact.clone()));
    let permit = match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => return Ok(Err(reasons)),
        Decision::Allow(permit) => permit,
    };
    let Ok(found) = found else { anyhow::bail!("a permit without a request: this is a bug of deployctl") };
    Ok(Ok(Judged { plan: plan(moment, args, permit)?, rule: rule(moment, args)?, found }))
}

fn rule(moment: &Moment, args: &DeployArgs) -> Result<EnvironmentRule> {
    let rule = moment.policy().and_then(|policy| policy.environments.get(&args.environment));
    rule.cloned().context("the policy has no such environment")
}

fn plan(moment: &Moment, args: &DeployArgs, permit: Permit) -> Result<Plan> {
    Plan::new(permit, &rule(moment, args)?, &args.environment, ActionKind::Deploy, false)
        .context("the permit names no release")
}

fn find(moment: &Moment, args: &DeployArgs) -> Result<Result<Found, NoTarget>> {
    let Some(policy) = moment.policy() else {
        return Ok(Err(NoTarget::NoRequest { asked: "that can be believed".to_owned() }));
    };
    let insisted = args.commit.as_deref().map(|name| moment.repository.resolve(name)).transpose()?;
    match target::to_deploy(moment, &args.environment, args.request.as_deref())? {
        Ok(package) => target::look(moment, policy, package, insisted.as_ref()).map(Ok),
        Err(none) => Ok(Err(none)),
    }
}

fn shown(moment: &Moment, judged: &Judged) -> Result<String> {
    let project = &moment.policy().context("no policy is in force")?.project;
    let mut text = screen::plan(&judged.plan, project, &judged.found.package.request.asked.summary);
    text.push_str(&screen::declared(judged.plan.permit().emergency.as_ref(), &judged.found.package.request));
    text.push_str(&screen::warnings(&judged.plan.permit().warnings));
    text.push_str(&first_sight(moment));
    Ok(text)
}

fn confirm(person: &Person, judged: &Judged) -> Result<Option<Answer>> {
    let request = &judged.found.package.request;
    let digest = judged.found.package.reference.digest.short();
    let phrase = format!("deploy {} {} {digest}", request.environment, request.release.version);
    Ok(match person.types(&phrase, "deploy")? {
        Answered::Yes => None,
        Answered::No => {
            Some(Answer::ended(COMMAND, Outcome::Declined, "the phrase was not typed; nothing was run"))
        }
        Answered::Interrupted => {
            Some(Answer::ended(COMMAND, Outcome::Interrupted, "interrupted; nothing was run"))
        }
    })
}

/// A refusal of a production action is kept in the journal, as far as that can be done at once.
fn refuse(moment: &Moment, args: &DeployArgs, reasons: Vec<Reason>) -> Answer {
    note_refusal(moment, COMMAND, &args.environment, &reasons);
    let mut answer = Answer::refused(COMMAND, reasons).with("environment", &args.environment);
    answer.warnings.extend(moment.edited());
    if args.yes {
        answer.message =
            Some("`--yes` does nothing here: only a person at a terminal deploys to production".to_owned());
    }
    answer
}

/// Keeps a refusal in the journal, the same one once an hour. It never gets in the way: a journal that cannot be written is passed over.
pub fn note_refusal(
    moment: &Moment,
    command: &str,
    environment: &crate::gate::terms::Environment,
    reasons: &[Reason],
) {
    if moment.timeline().is_none_or(|timeline| timeline.root.is_none()) {
        return;
    }
    let codes: Vec<String> = reasons.iter().map(|reason| reason.code.as_str().to_owned()).collect();
    let caller = moment.caller(None);
    let about = format!("{command} {environment}");
    if journal::says_already(moment, "refusal", &caller.name, &about, &codes) {
        return;
    }
    let _ = journal::append(moment, "refusal", &caller.name, &about, codes, Files::new());
}

fn execute(
    moment: &mut Moment,
    person: &Person,
    args: &DeployArgs,
    judged: &Judged,
    text: &str,
    key: Option<Key>,
) -> Result<Answer> {
    let (Some(key), Some(signer)) = (key, judged.plan.permit().signer.clone()) else {
        anyhow::bail!("a permit without a signer: this is a bug of deployctl")
    };
    let again = |moment: &Moment| -> Result<Vec<Reason>> {
        Ok(judge(moment, args, Some(&person.presence), Some(&key))?.err().unwrap_or_default())
    };
    let start = Start { plan: &judged.plan, screen: text, reason: None, signer, key: &key, again: &again };
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
    let back = plan.previous.as_ref().map_or_else(
        || "there is no recorded release to go back to".to_owned(),
        |previous| {
            format!("way back to {}: deployctl rollback {environment} --reason TEXT", previous.version)
        },
    );
    let logs = session::logs(moment, started);
    let (outcome, text, message) = match ending {
        Ending::Succeeded => {
            let watch = judged.found.package.request.asked.monitor;
            let after = emergency::after(moment, started.execution());
            let text = format!("{environment} runs {version}\nwatch it for {watch} min\n{back}\n{after}");
            (Outcome::Done, text, None)
        }
        Ending::Failed | Ending::Interrupted => {
            let (outcome, what) = match ending {
                Ending::Interrupted => (Outcome::Interrupted, "was interrupted"),
                _ => (Outcome::Failed, "failed"),
            };
            let step = failed_step.unwrap_or("a step");
            let message = format!(
                "the deployment of {version} {what} at `{step}`: `{environment}` may run half of it\nlogs: {}\n{back}\n{}",
                logs.display(),
                emergency::after(moment, started.execution())
            );
            let message = message.trim_end().to_owned();
            (outcome, String::new(), Some(message))
        }
    };
    let mut answer = Answer::done(COMMAND, text)
        .with("environment", environment)
        .with("version", version)
        .with("commit", &plan.release.commit)
        .with("request", &plan.request)
        .with("execution", started.execution())
        .with("ending", ending)
        .with("failed_step", failed_step)
        .with("emergency", emergency::json(moment, started.execution()))
        .with("logs", logs.display().to_string());
    answer.outcome = outcome;
    answer.message = message;
    answer
}

/// The verdict, every reason and the exact plan, for anyone. Who would execute is not judged: nobody does.
fn dry_run(common: &Common, args: &DeployArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    if automatic::concerns(&moment, &args.environment) {
        return automatic::dry_run(&moment, args);
    }
    let judged = match judge(&moment, args, None, None)? {
        Ok(judged) => judged,
        Err(reasons) => {
            let mut answer = Answer::refused(COMMAND, reasons)
                .with("environment", &args.environment)
                .with("dry_run", true);
            answer.warnings.extend(moment.edited());
            return Ok(answer);
        }
    };
    let mut text = shown(&moment, &judged)?;
    text.push_str(&format!(
        "allowed: a person can run deployctl deploy {} {}\n",
        judged.plan.environment,
        judged.plan.request_id()
    ));
    let mut answer = Answer::done(COMMAND, text)
        .with("environment", &args.environment)
        .with("dry_run", true)
        .with("plan", &judged.plan);
    answer.warnings.extend(moment.edited());
    Ok(answer)
}
