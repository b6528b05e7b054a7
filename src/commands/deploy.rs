//! `deployctl deploy`: where people deploy, a production action; where machines do, [`automatic`].

use anyhow::{Context as _, Result};

use super::failed::{self, Failure};
use super::gather::{Key, Moment};
use super::person::{Person, first_sight};
use super::production::{self, Desk, Judged, Production, Refused, Verdict};
use super::session;
use super::target::{self, Found};
use super::{automatic, emergency, environments};
use crate::cli::{Common, DeployArgs};
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, ask_again, decide};
use crate::gate::facts::{Action, NoTarget};
use crate::gate::plan::Plan;
use crate::gate::presence::Presence;
use crate::gate::reason::Reason;
use crate::gate::remains::Remains;
use crate::gate::statement::Ending;
use crate::gate::terms::Environment;
use crate::gate::timeline::Deployed;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::{screen, text};

const COMMAND: &str = "deploy";

/// Deploys, or shows what would be done.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &DeployArgs) -> Result<Answer> {
    if args.dry_run {
        let moment = Moment::look(common)?;
        if let Some(answer) = environments::unknown(&moment, COMMAND, &args.environment) {
            return Ok(answer);
        }
        if automatic::concerns(&moment, &args.environment) {
            return automatic::dry_run(&moment, args);
        }
        return production::dry_run(&Deploy { args }, &moment);
    }
    let person = Person::look(common)?;
    let moment = Moment::look(common)?;
    if let Some(answer) = environments::unknown(&moment, COMMAND, &args.environment) {
        return Ok(answer);
    }
    if automatic::concerns(&moment, &args.environment) {
        return automatic::run(moment, &person, args);
    }
    let desk = Desk { common, person: &person, key: args.key.as_ref() };
    production::run(&Deploy { args }, &desk, moment)
}

struct Deploy<'a> {
    args: &'a DeployArgs,
}

impl Production for Deploy<'_> {
    type Found = Found;

    fn command(&self) -> &'static str {
        COMMAND
    }

    fn environment(&self) -> &Environment {
        &self.args.environment
    }

    fn reason(&self) -> Option<String> {
        None
    }

    fn yes(&self) -> Option<&'static str> {
        self.args
            .yes
            .then_some("`--yes` does nothing here: only a person at a terminal deploys to production")
    }

    fn remark(&self, moment: &Moment) -> Option<Reason> {
        moment.edited()
    }

    fn judge(
        &self,
        moment: &Moment,
        presence: Option<&Presence>,
        key: Option<&Key>,
    ) -> Result<Verdict<Found>> {
        let environment = &self.args.environment;
        let found = find(moment, self.args)?;
        let target = found.as_ref().map(|found| &found.target);
        let facts = moment.facts(moment.caller(presence.cloned()), key.map(|key| key.fact.clone()));
        let permit = match decide(moment.policy(), &facts, &Action::Deploy { environment, target }) {
            Decision::Refuse(reasons) => {
                let request = target::id_of(found.map(|found| found.target.reference));
                return Ok(Err(Refused { reasons, request: request.or_else(|| self.args.request.clone()) }));
            }
            Decision::Allow(permit) => permit,
        };
        let Ok(found) = found else {
            anyhow::bail!("a permit without a request: this is a bug of deployctl")
        };
        let rule = moment.policy().and_then(|policy| policy.environments.get(environment));
        let rule = rule.cloned().context("the policy has no such environment")?;
        let minutes = found.package.request.asked.monitor;
        let plan = Plan::new(permit, &rule, environment, ActionKind::Deploy, false)
            .context("the permit names no release")?
            .watched(&rule, minutes);
        Ok(Ok(Judged { plan, rule, found }))
    }

    fn shown(&self, moment: &Moment, judged: &Judged<Found>) -> Result<String> {
        let project = &moment.policy().context("no policy is in force")?.project;
        let summary = &judged.found.package.request.asked.summary;
        let runs = moment.what_runs(&judged.plan.environment);
        let mut text = screen::plan(&judged.plan, project, Some(summary), &runs);
        text.push_str(&screen::declared(
            judged.plan.permit().emergency.as_ref(),
            &judged.found.package.request,
        ));
        text.push_str(&screen::warnings(&judged.plan.permit().warnings));
        text.push_str(&first_sight(moment));
        Ok(text)
    }

    fn allowed(&self, judged: &Judged<Found>) -> String {
        let plan = &judged.plan;
        format!("allowed: a person can run deployctl deploy {} {}\n", plan.environment, plan.request_id())
    }

    fn phrase(&self, judged: &Judged<Found>) -> (String, &'static str) {
        let request = &judged.found.package.request;
        let digest = judged.found.package.reference.digest.short();
        (format!("deploy {} {} {digest}", request.environment, request.release.version), "deploy")
    }

    fn concluded(&self, desk: &Desk<'_>, moment: &Moment, end: &End<'_>) -> Result<Answer> {
        let answer = answer(moment, end);
        // Where no step was run there is nothing to take back.
        if end.ending != Ending::Failed || remains(moment, end) == Remains::Nothing {
            return Ok(answer);
        }
        let plan = &end.judged.plan;
        let version = &plan.release.version;
        let what = match end.watched {
            Some(watched) => format!("{version} is {}", watched.words()),
            None => {
                format!("the deployment of {version} failed at `{}`", end.failed_step.unwrap_or("a step"))
            }
        };
        Ok(failed::ask(
            desk,
            moment,
            Failure { plan, started: end.started, watched: end.watched, what, answer },
        ))
    }
}

type End<'a> = production::End<'a, Found>;

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

fn answer(moment: &Moment, end: &End<'_>) -> Answer {
    let (plan, execution) = (&end.judged.plan, end.started.execution());
    let logs = session::logs(moment, end.started);
    let (outcome, text, message) = match end.ending {
        Ending::Succeeded => (Outcome::Done, succeeded(moment, end), None),
        Ending::Failed => (Outcome::Failed, String::new(), Some(broken(moment, end, "failed"))),
        Ending::Interrupted => {
            (Outcome::Interrupted, String::new(), Some(broken(moment, end, "was interrupted")))
        }
    };
    let mut answer = Answer::done(COMMAND, text)
        .with("environment", &plan.environment)
        .with("version", &plan.release.version)
        .with("commit", &plan.release.commit)
        .with("request", &plan.request)
        .with("execution", execution)
        .with("ending", end.ending)
        .with("failed_step", end.failed_step)
        .with("watched", end.watched)
        .with("emergency", emergency::json(moment, execution))
        .with("logs", logs.display().to_string());
    answer.outcome = outcome;
    answer.message = message;
    answer
}

fn succeeded(moment: &Moment, end: &End<'_>) -> String {
    let plan = &end.judged.plan;
    let minutes = end.judged.found.package.request.asked.monitor;
    let watch = match end.watched {
        Some(watched) => {
            let length = if minutes == 0 { "once".to_owned() } else { format!("for {minutes} min") };
            format!("healthy, watched {length}: {}", text::count(watched.signals.len(), "signal"))
        }
        None => format!("watch it for {minutes} min"),
    };
    let after = emergency::after(moment, end.started.execution());
    format!("{} runs {}\n{watch}\n{}\n{after}", plan.environment, plan.release.version, way_back(plan))
}

/// How much of it was run, as the record says.
fn remains(moment: &Moment, end: &End<'_>) -> Remains {
    emergency::deployed(moment, end.started.execution()).map_or(Remains::Part, Deployed::remains)
}

fn broken(moment: &Moment, end: &End<'_>, how: &str) -> String {
    let plan = &end.judged.plan;
    let environment = &plan.environment;
    let runs = match (remains(moment, end), end.watched) {
        (_, Some(watched)) => format!("`{environment}` runs it, {}", watched.words()),
        (Remains::Nothing, None) => "no step was run".to_owned(),
        (Remains::All, None) => format!("`{environment}` runs it, and nobody watched it"),
        (Remains::Part, None) => format!("`{environment}` may run half of it"),
    };
    let message = format!(
        "the deployment of {} {how} at `{}`: {runs}\nlogs: {}\n{}\n{}",
        plan.release.version,
        end.failed_step.unwrap_or("a step"),
        session::logs(moment, end.started).display(),
        next(moment, end),
        emergency::after(moment, end.started.execution())
    );
    message.trim_end().to_owned()
}

/// The way back, where there is something to undo.
fn next(moment: &Moment, end: &End<'_>) -> String {
    let plan = &end.judged.plan;
    if remains(moment, end) != Remains::Nothing {
        return way_back(plan);
    }
    let again = ask_again(&end.judged.found.package.request);
    let again = format!("nothing is to undo; its approval was used, so ask again: {again}");
    if end.ending != Ending::Interrupted {
        return again;
    }
    let id = plan.request_id();
    format!("first say that nothing of it runs: deployctl approve --review {id} --reason TEXT\n{again}")
}

fn way_back(plan: &Plan) -> String {
    let environment = &plan.environment;
    plan.way_back().map_or_else(
        || screen::no_way_back(plan),
        |back| format!("way back to {}: deployctl rollback {environment} --reason TEXT", back.version),
    )
}
