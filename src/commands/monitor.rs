//! `deployctl monitor`: the watch of an environment, for anyone. It reads and asks; it changes and records nothing.

mod before;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use self::before::Before;
use super::environments;
use super::gather::Moment;
use super::steps;
use super::watch::{End, Shown, Watching, Wish};
use super::what_runs::doubtful;
use crate::cli::{Common, MonitorArgs};
use crate::gate::analysis::Verdict;
use crate::gate::config::Deployment;
use crate::gate::decide::ledger_reason;
use crate::gate::policy::{EnvironmentRule, Health, Question};
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Release, SCHEMA};
use crate::gate::terms::Environment;
use crate::gate::what_runs::{NEVER_WELL, WhatRuns};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::clock;
use crate::world::probe::{Prober, Surroundings};
use crate::world::process;

const COMMAND: &str = "monitor";

/// Watches by the policy in force.
///
/// # Errors
/// When signals cannot be caught, or the files of what is live cannot be written for the commands of probes.
pub fn run(common: &Common, args: &MonitorArgs) -> Result<Answer> {
    let answer = look_on(common, args)?;
    Ok(Answer { one_line: true, ..answer.with("kind", "end").with("environment", &args.environment) })
}

fn look_on(common: &Common, args: &MonitorArgs) -> Result<Answer> {
    let interrupted = process::interrupt_flag().context("cannot catch signals")?;
    let moment = Moment::look(common)?;
    let (rule, health) = match watched(&moment, &args.environment) {
        Ok(found) => found,
        Err(answer) => return Ok(*answer),
    };
    let live = live(&moment, &args.environment, rule);
    let runs = match rule.deployment {
        Deployment::Human => moment.what_runs(&args.environment),
        Deployment::Automatic => WhatRuns::default(),
    };
    let dir = match &live {
        Some(release) if needs_files(health) => Some(steps::workspace(&moment, &release.commit)?),
        _ => None,
    };
    let surroundings = Surroundings {
        dir: dir.as_ref().map(|dir| dir.path().to_owned()),
        variables: variables(&args.environment, live.as_ref()),
        pass_environment: rule.pass_environment.clone(),
    };
    let prober = Prober::new(health, surroundings);
    let endless = moment.streams.result_is_seen() && !common.wants_json();
    let length = args.length.or((!endless).then_some(rule.monitoring.watch));
    let sight = Sight { common, args, health, prober: &prober, live: live.as_ref(), runs, length };
    sight.watch(&moment, &interrupted)
}

/// The rules of an environment by the policy in force, or why there are none.
fn watched<'a>(
    moment: &'a Moment,
    environment: &Environment,
) -> Result<(&'a EnvironmentRule, &'a Health), Box<Answer>> {
    if let Err(trouble) = &moment.ledger {
        return Err(Box::new(Answer::refused(COMMAND, vec![ledger_reason(trouble)])));
    }
    let Some(policy) = moment.policy() else {
        let why = "no policy is in force: nobody has signed what is watched";
        let next = "ask a person to run: deployctl approve --policy";
        let reason = Reason::new(Code::PolicyUnsigned, why).next(next);
        return Err(Box::new(Answer::refused(COMMAND, vec![reason])));
    };
    if let Some(answer) = environments::unknown_by(policy, COMMAND, environment) {
        return Err(Box::new(answer));
    }
    let rule = policy.environments.get(environment);
    match rule.and_then(|rule| Some((rule, rule.health.as_ref()?))) {
        Some(found) => Ok(found),
        None => {
            let why = format!(
                "nothing is measured in `{environment}`: the signed policy has no `environments.{environment}.health`; say there what is, then people run: deployctl approve --policy"
            );
            Err(Box::new(Answer::ended(COMMAND, Outcome::Failed, why)))
        }
    }
}

/// What is live: where people deploy, what they signed; elsewhere what machines said.
fn live(moment: &Moment, environment: &Environment, rule: &EnvironmentRule) -> Option<Release> {
    match rule.deployment {
        Deployment::Human => {
            let track = moment.timeline()?.tracks.get(environment)?;
            track.live.as_ref().map(|live| live.release.clone())
        }
        Deployment::Automatic => {
            let runs = super::automatic::runs::told(moment);
            runs.live(environment).map(|run| run.start.release.clone())
        }
    }
}

/// Whether a probe runs a file of the approved commit.
fn needs_files(health: &Health) -> bool {
    health.probes.values().any(|probe| match &probe.question {
        Question::Run(run) => run.first().is_some_and(|program| program.contains('/')),
        Question::Http(_) | Question::Tcp(_) => false,
    })
}

/// What a step gets, as far as it is known afterwards.
fn variables(environment: &Environment, live: Option<&Release>) -> Vec<(String, String)> {
    let text = |of: fn(&Release) -> &str| live.map_or("", of).to_owned();
    [
        ("DEPLOYCTL_VERSION", text(|release| release.version.as_str())),
        ("DEPLOYCTL_COMMIT", text(|release| release.commit.as_str())),
        ("DEPLOYCTL_ENVIRONMENT", environment.to_string()),
        ("DEPLOYCTL_PREVIOUS_VERSION", String::new()),
        ("DEPLOYCTL_PREVIOUS_COMMIT", String::new()),
        ("DEPLOYCTL_REQUEST", String::new()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// One watch, from its baseline to its answer.
struct Sight<'a> {
    common: &'a Common,
    args: &'a MonitorArgs,
    health: &'a Health,
    prober: &'a Prober,
    live: Option<&'a Release>,
    runs: WhatRuns<'a>,
    length: Option<Duration>,
}

impl Sight<'_> {
    fn watch(&self, moment: &Moment, interrupted: &AtomicBool) -> Result<Answer> {
        let measured = (self.prober, self.health);
        let Some(before) = Before::look(moment, &self.args.environment, measured, interrupted) else {
            return Ok(Answer::ended(
                COMMAND,
                Outcome::Interrupted,
                "interrupted before anything was measured",
            ));
        };
        let doubt = self.runs.doubt().map(|doubt| format!("what runs {doubt}"));
        let wish = Wish {
            what: self.heading(),
            prober: self.prober,
            health: self.health,
            baseline: &before.baseline,
            length: self.length,
            below: doubt.into_iter().chain(before.words()).collect(),
            until: None,
        };
        let json = self.common.wants_json();
        let shown = if json { Shown::Nowhere } else { Shown::People };
        let mut watching = Watching::begin(wish, &moment.streams, interrupted, shown);
        let end = loop {
            let told = watching.rounds();
            let end = watching.tick();
            if json && watching.rounds() > told {
                moment
                    .streams
                    .result(&self.round(&watching, &before))
                    .context("a line could not be written")?;
            }
            if let Some(end) = end {
                break end;
            }
        };
        Ok(self.answer(&mut watching, end).with("baseline", before.json()))
    }

    /// Where, and what runs there.
    fn heading(&self) -> String {
        let (environment, prefix) = (&self.args.environment, self.runs.prefix());
        match self.live {
            Some(release) => {
                format!("{environment} · {prefix}{}", text::line(release.version.as_str(), 40))
            }
            None if self.runs.left.is_some() => format!("{environment} · {NEVER_WELL}"),
            None => format!("{environment} · nothing is live"),
        }
    }

    /// One line of JSON about the newest round.
    fn round(&self, watching: &Watching<'_>, before: &Before) -> String {
        let (signals, triggers, doubts) = watching.seen();
        let line = json!({
            "schema": SCHEMA,
            "command": COMMAND,
            "kind": "round",
            "environment": self.args.environment,
            "round": watching.rounds(),
            "at": clock::now(),
            "verdict": watching.watch().verdict().word(),
            "signals": signals,
            "triggers": triggers,
            "doubts": doubts,
            "baseline": before.json(),
        });
        text::json(&line.to_string()) + "\n"
    }

    fn answer(&self, watching: &mut Watching<'_>, end: End) -> Answer {
        let environment = &self.args.environment;
        let verdict = watching.watch().verdict();
        let (signals, triggers, doubts) = watching.seen();
        // Without `--for` a signal is how it ends; with it, it did not see all that it was to see.
        let (outcome, message) = match &verdict {
            Verdict::Triggered(triggers) => {
                let count = text::count(triggers.len(), "trigger");
                (Outcome::Failed, Some(format!("`{environment}` is not healthy: {count}")))
            }
            _ if end == End::Interrupted && self.length.is_some() => {
                (Outcome::Interrupted, Some("interrupted before the watch was over".to_owned()))
            }
            Verdict::Unknown(_) => {
                (Outcome::Failed, Some(format!("nobody can say whether `{environment}` is healthy")))
            }
            Verdict::Healthy => (Outcome::Done, None),
        };
        let answer = Answer::done(COMMAND, watching.page())
            .with("version", self.live.map(|release| &release.version))
            .with("commit", self.live.map(|release| &release.commit))
            .with("doubtful", doubtful(&self.runs))
            .with("verdict", verdict.word())
            .with("rounds", watching.rounds())
            .with("signals", signals)
            .with("triggers", triggers)
            .with("doubts", doubts);
        Answer { outcome, message, ..answer }
    }
}
