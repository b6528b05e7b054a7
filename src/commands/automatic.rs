//! `deployctl deploy` where machines deploy: decide, show, begin in the journal, run, test, record. Nobody signs here.

pub mod runs;
mod smoke;
mod wanted;

use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Duration, Utc};

use self::smoke::{Smoke, Tested};
use super::approve::nonce;
use super::check::fact_line;
use super::gather::Moment;
use super::journal::{Placed, jam};
use super::person::Person;
use super::steps::{self, Display};
use crate::cli::DeployArgs;
use crate::evidence::draft::TestFact;
use crate::gate::config::{ActionKind, Deployment};
use crate::gate::decide::{CLOCK_TOLERANCE_SECONDS, Decision, decide, ledger_reason, window_still_open};
use crate::gate::deployments::{End, LEASE_MAX_HOURS, Start};
use crate::gate::facts::{Action, Caller, LedgerTrouble, NoTarget};
use crate::gate::plan::Plan;
use crate::gate::policy::{EnvironmentRule, Step};
use crate::gate::reason::Reason;
use crate::gate::remains::Remains;
use crate::gate::request::CheckState;
use crate::gate::statement::{EXPORT, Ending, SCHEMA, StepEnd, StepResult};
use crate::gate::terms::{CommitId, Digest, Environment};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::{screen, text};
use crate::world::clock;
use crate::world::process::{self, Watcher};

const COMMAND: &str = "deploy";

/// How often another line of the journal may come first before this is given up.
const TRIES: usize = 5;

/// Whether machines deploy this environment. Where no policy can be believed, the work tree's file says which refusal
/// helps; nothing runs without the signed one.
#[must_use]
pub fn concerns(moment: &Moment, environment: &Environment) -> bool {
    let is_automatic =
        |rule: Option<&EnvironmentRule>| rule.is_some_and(|rule| rule.deployment == Deployment::Automatic);
    match moment.policy() {
        Some(policy) => is_automatic(policy.environments.get(environment)),
        None => {
            moment.file_policy().is_ok_and(|file| is_automatic(file.policy.environments.get(environment)))
        }
    }
}

/// Deploys.
///
/// # Errors
/// When facts cannot be found out, or nothing can be recorded here.
pub fn run(mut moment: Moment, person: &Person, args: &DeployArgs) -> Result<Answer> {
    let caller = moment.caller(Some(person.presence.clone()));
    let mut shown = None;
    for _ in 0..TRIES {
        let judged = match judge(&moment, &caller, args)? {
            Ok(judged) => judged,
            Err(reasons) => return Ok(refused(&moment, args, reasons)),
        };
        let digest = judged.plan.digest()?;
        if shown != Some(digest) {
            person.streams.note(&page(&moment, &caller, &judged)?);
            shown = Some(digest);
        }
        if person.interrupt().load(Ordering::SeqCst) {
            return Ok(Answer::ended(COMMAND, Outcome::Interrupted, "interrupted; nothing was run"));
        }
        let start = start(&moment, &caller, &judged)?;
        let (at, lease_until) = (start.at, start.lease_until);
        match runs::begin(&moment, judged.tip.as_ref(), start)? {
            (Placed::Done, id) => {
                let begun = Begun { id, at, lease_until };
                return follow(&mut moment, person, &caller, &judged, &begun);
            }
            (Placed::Lost, _) => {
                moment.refresh()?;
                if let Some(jam) = jam::look(&moment) {
                    return Err(jam).context("nothing was run");
                }
            }
            // Nobody else could see that this runs: two machines would deploy at once.
            (Placed::Unreachable { why }, _) => {
                let reason = ledger_reason(&LedgerTrouble::Unreachable { why });
                return Ok(refused(&moment, args, vec![reason]));
            }
        }
    }
    let what = "the journal moved each time: nothing was run; run it again";
    Ok(Answer::ended(COMMAND, Outcome::Busy, what))
}

/// The verdict, every reason and the exact plan.
///
/// # Errors
/// When facts cannot be found out.
pub fn dry_run(moment: &Moment, args: &DeployArgs) -> Result<Answer> {
    let caller = moment.caller(Some(crate::world::presence::look()));
    let judged = match judge(moment, &caller, args)? {
        Ok(judged) => judged,
        Err(reasons) => return Ok(refused(moment, args, reasons).with("dry_run", true)),
    };
    let mut page = page(moment, &caller, &judged)?;
    page.push_str(&format!("allowed: {} may deploy this\n", text::line(&caller.name, 80)));
    let mut answer = Answer::done(COMMAND, page)
        .with("environment", &args.environment)
        .with("dry_run", true)
        .with("plan", &judged.plan)
        .with("smoke", judged.smoke.iter().map(|test| &test.check).collect::<Vec<_>>());
    answer.warnings.extend(moment.edited());
    Ok(answer)
}

/// A plan that the gate allows, and the line of the journal up to which that was judged.
struct Judged {
    plan: Plan,
    rule: EnvironmentRule,
    smoke: Vec<Smoke>,
    tip: Option<CommitId>,
    /// The newest start that the journal tells of this environment.
    newest: Option<DateTime<Utc>>,
}

fn judge(moment: &Moment, caller: &Caller, args: &DeployArgs) -> Result<Result<Judged, Vec<Reason>>> {
    let environment = &args.environment;
    let (tip, runs) = runs::read(moment)?;
    let found = match moment.policy() {
        Some(policy) if policy.environments.contains_key(environment) => wanted::find(moment, policy, args)?,
        _ => Err(NoTarget::NoRequest { asked: "that can be believed".to_owned() }),
    };
    let action = Action::DeployAutomatic { environment, target: found.as_ref(), runs: &runs };
    let permit = match decide(moment.policy(), &moment.facts(caller.clone(), None), &action) {
        Decision::Refuse(reasons) => return Ok(Err(reasons)),
        Decision::Allow(permit) => permit,
    };
    let policy = moment.policy().context("no policy is in force")?;
    let rule = policy.environments.get(environment).context("the policy has no such environment")?.clone();
    let plan = Plan::new(permit, &rule, environment, ActionKind::Deploy, false)
        .context("the permit names no release")?;
    let newest = runs.of(environment).last().map(|run| run.start.at);
    Ok(Ok(Judged { plan, rule, smoke: smoke::of(policy, environment), tip, newest }))
}

fn page(moment: &Moment, caller: &Caller, judged: &Judged) -> Result<String> {
    let project = &moment.policy().context("no policy is in force")?.project;
    let tests: Vec<&Step> = judged.smoke.iter().map(|test| &test.step).collect();
    let mut page =
        screen::automatic(&judged.plan, &judged.rule, project, (&caller.name, &caller.known_by), &tests);
    page.push_str(&screen::warnings(&judged.plan.permit().warnings));
    Ok(page)
}

fn refused(moment: &Moment, args: &DeployArgs, reasons: Vec<Reason>) -> Answer {
    let mut answer = Answer::refused(COMMAND, reasons).with("environment", &args.environment);
    answer.warnings.extend(moment.edited());
    answer
}

fn start(moment: &Moment, caller: &Caller, judged: &Judged) -> Result<Start> {
    let plan = &judged.plan;
    let lease = Duration::from_std(plan.lease() + smoke::longest(&judged.smoke))
        .unwrap_or(Duration::MAX)
        .min(Duration::hours(LEASE_MAX_HOURS));
    // Of two starts the later one never says the moment of the one before, whatever their clocks say.
    let after = judged.newest.map_or(moment.now, |newest| newest + Duration::seconds(1));
    let at = after.max(moment.now).min(moment.now + Duration::seconds(CLOCK_TOLERANCE_SECONDS));
    Ok(Start {
        schema: SCHEMA.to_owned(),
        environment: plan.environment.clone(),
        release: plan.release.clone(),
        previous: plan.previous.clone(),
        request: plan.request.clone(),
        by: caller.name.clone(),
        known_by: caller.known_by.clone(),
        at,
        lease_until: at + lease,
        policy: moment.policy().context("no policy is in force")?.digest,
        plan: plan.digest()?,
        nonce: nonce()?,
    })
}

/// What stands in the journal before the first command runs.
struct Begun {
    id: Digest,
    at: DateTime<Utc>,
    /// From then on others may deploy.
    lease_until: DateTime<Utc>,
}

/// How it ended.
struct Ended {
    ending: Ending,
    /// The step, or the smoke test.
    failed_step: Option<String>,
    steps: Vec<StepResult>,
    tested: Option<Tested>,
}

/// It has begun for everybody: runs, tests, and records the end.
fn follow(
    moment: &mut Moment,
    person: &Person,
    caller: &Caller,
    judged: &Judged,
    begun: &Begun,
) -> Result<Answer> {
    let plan = &judged.plan;
    let ended = run_all(moment, person, caller, judged, begun).unwrap_or_else(|error| {
        person.streams.line(&format!("error: {error:#}"));
        Ended { ending: Ending::Failed, failed_step: Some(EXPORT.to_owned()), steps: vec![], tested: None }
    });
    moment.now = clock::now();
    let tests = ended.tested.iter().flat_map(|tested| &tested.facts);
    let end = End {
        schema: SCHEMA.to_owned(),
        start: begun.id,
        environment: plan.environment.clone(),
        release: plan.release.clone(),
        by: caller.name.clone(),
        known_by: caller.known_by.clone(),
        at: moment.now.max(begun.at),
        ending: ended.ending,
        failed_step: ended.failed_step.clone(),
        steps: ended.steps.clone(),
        smoke: tests.map(|fact| (fact.check.clone(), fact.state == CheckState::Passed)).collect(),
    };
    let warning = runs::end(moment, end).context(
        "the end of the deployment could not be recorded: the environment is held until its lease ends",
    )?;
    Ok(answer(moment, caller, judged, &ended, &begun.id, warning))
}

fn run_all(
    moment: &Moment,
    person: &Person,
    caller: &Caller,
    judged: &Judged,
    begun: &Begun,
) -> Result<Ended> {
    let (id, lease_until) = (&begun.id, begun.lease_until);
    let plan = &judged.plan;
    let dir = steps::workspace(moment, &plan.tree_of).context("the files could not be written")?;
    let display = Display::new(&person.streams, steps::logs(moment, id), plan.steps.len());
    let mut onlooker = Onlooker { rule: &judged.rule, lease_until, display, steps: vec![] };
    let (ending, failed_step) = process::execute(plan, dir.path(), person.interrupt(), &mut onlooker)?;
    let mut ended = Ended { ending, failed_step, steps: onlooker.steps, tested: None };
    if ending != Ending::Succeeded {
        return Ok(ended);
    }
    match smoke::run(moment, caller, plan, (&judged.smoke, lease_until), &person.streams) {
        Ok(tested) => {
            let failed = |fact: &&TestFact| fact.state != CheckState::Passed;
            if let Some(check) = &tested.interrupted {
                (ended.ending, ended.failed_step) = (Ending::Interrupted, Some(check.to_string()));
            } else if let Some(fact) = tested.facts.iter().find(failed) {
                (ended.ending, ended.failed_step) = (Ending::Failed, Some(fact.check.to_string()));
            }
            ended.tested = Some(tested);
        }
        // The steps ran: what nobody could test did not pass.
        Err(error) => {
            person.streams.line(&format!("error: the smoke tests could not be run: {error:#}"));
            (ended.ending, ended.failed_step) = (Ending::Failed, Some("smoke tests".to_owned()));
        }
    }
    Ok(ended)
}

/// Looks on while the plan runs.
struct Onlooker<'a> {
    rule: &'a EnvironmentRule,
    lease_until: DateTime<Utc>,
    display: Display<'a>,
    steps: Vec<StepResult>,
}

impl Watcher for Onlooker<'_> {
    fn may_begin(&mut self, _step: &Step) -> bool {
        window_still_open(self.rule, clock::now(), ActionKind::Deploy)
    }

    fn lasts(&self) -> bool {
        clock::now() <= self.lease_until
    }

    fn told(&mut self, words: &str) {
        self.display.told(words);
    }

    fn began(&mut self, step: &Step) {
        self.display.began(step);
    }

    fn tick(&mut self) {
        self.display.tick();
    }

    fn wrote(&mut self, piece: &[u8]) {
        self.display.wrote(piece);
    }

    fn said(&mut self, line: &str) {
        self.display.said(line);
    }

    fn ended(&mut self, result: &StepResult) {
        self.display.ended(result);
        self.steps.push(result.clone());
    }
}

fn answer(
    moment: &Moment,
    caller: &Caller,
    judged: &Judged,
    ended: &Ended,
    id: &Digest,
    warning: Option<String>,
) -> Answer {
    let plan = &judged.plan;
    let (environment, version) = (&plan.environment, &plan.release.version);
    let facts: Vec<TestFact> = ended.tested.iter().flat_map(|tested| tested.facts.clone()).collect();
    let logs = steps::logs(moment, id);
    let mut text: String = facts.iter().map(fact_line).collect();
    if ended.ending == Ending::Succeeded {
        text.insert_str(0, &format!("{environment} runs {version}\n"));
    }
    if ended.ending == Ending::Succeeded && judged.rule.health.is_some() {
        text.push_str(&format!("nobody watches it; look on with: deployctl monitor {environment}\n"));
    }
    text.push_str(&format!("recorded in the journal by {}\n", text::line(&caller.name, 80)));
    for reason in ended.tested.iter().flat_map(|tested| &tested.unrecorded) {
        text.push_str(&format!("note: not recorded as evidence: {}\n", text::line(&reason.message, 2_000)));
    }
    let warnings = ended.tested.iter().filter_map(|tested| tested.warning.clone()).chain(warning);
    text.extend(warnings.map(|warning| format!("warning: {}\n", text::line(&warning, 2_000))));
    let mut answer = Answer::done(COMMAND, text)
        .with("environment", environment)
        .with("version", version)
        .with("commit", &plan.release.commit)
        .with("previous", &plan.previous)
        .with("request", &plan.request)
        .with("deployment", id)
        .with("by", &caller.name)
        .with("known_by", &caller.known_by)
        .with("recorded_in", "journal")
        .with("ending", ended.ending)
        .with("failed_step", &ended.failed_step)
        .with("steps", &ended.steps)
        .with("smoke", super::checklist::untrusted(&facts))
        .with("logs", logs.display().to_string());
    (answer.outcome, answer.message) = end_of(plan, ended, &logs.display().to_string());
    answer.warnings.extend(plan.permit().warnings.iter().cloned());
    answer.warnings.extend(moment.edited());
    answer
}

fn end_of(plan: &Plan, ended: &Ended, logs: &str) -> (Outcome, Option<String>) {
    let (environment, version) = (&plan.environment, &plan.release.version);
    let (outcome, how) = match ended.ending {
        Ending::Succeeded => return (Outcome::Done, None),
        Ending::Failed => (Outcome::Failed, "failed"),
        Ending::Interrupted => (Outcome::Interrupted, "was interrupted"),
    };
    let step = ended.failed_step.as_deref().unwrap_or("a step");
    let all = ended.steps.len() == plan.steps.len()
        && ended.steps.iter().all(|step| step.result == StepEnd::Succeeded);
    let what = if all && ended.tested.is_some() {
        format!("{version} was deployed and its smoke test `{step}` {how}, and so counts the deployment")
    } else {
        let runs = match Remains::of(ended.failed_step.as_deref(), &ended.steps) {
            Remains::Nothing => "no step was run".to_owned(),
            _ if all => format!("`{environment}` runs it"),
            Remains::All | Remains::Part => format!("`{environment}` may run half of it"),
        };
        format!("the deployment of {version} {how} at `{step}`: {runs}")
    };
    let back = plan.previous.as_ref().map_or_else(String::new, |previous| {
        let back = previous.argument();
        format!("\nback to {}: deployctl deploy {environment} {back} --as ROLE", previous.version)
    });
    (outcome, Some(format!("{what}\nlogs: {logs}{back}")))
}
