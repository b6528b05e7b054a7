//! `deployctl status`, and plain `deployctl`: what is live, what waits, and who must do what next.

mod automatic;
mod doubt;
mod quarantine;
mod stages;
mod waiting;

use anyhow::Result;
use serde_json::{Value, json};

use super::gather::Moment;
use super::person::assurance;
use super::policy::first_step;
use super::what_runs::doubtful;
use super::{emergency, environments};
use crate::cli::{Common, StatusArgs};
use crate::gate::config::Deployment;
use crate::gate::decide::{Decision, decide, deploys_later, ledger_reason, until};
use crate::gate::facts::{Action, Pin};
use crate::gate::policy::{EnvironmentRule, Policy};
use crate::gate::statement::Ending;
use crate::gate::terms::Environment;
use crate::gate::timeline::{Deployed, Timeline, Track};
use crate::gate::what_runs::NEVER_WELL;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::config_file::ConfigError;

const COMMAND: &str = "status";

/// Shows how things stand.
///
/// # Errors
/// When nothing is in force and the file is not valid.
pub fn run(common: &Common, args: &StatusArgs) -> Result<Answer> {
    let mut moment = Moment::look(common)?;
    let stale = moment.makes_do();
    let moment = moment;
    let timeline = match &moment.ledger {
        Ok(timeline) => timeline,
        Err(trouble) => {
            return Ok(Answer::refused(COMMAND, vec![ledger_reason(trouble)]).with("root", moment.pin.root()));
        }
    };
    let Some(policy) = moment.policy() else { return unfounded(&moment) };
    let unknown = |wanted| environments::unknown_by(policy, COMMAND, wanted);
    if let Some(answer) = args.environment.as_ref().and_then(unknown) {
        return Ok(answer);
    }
    let mut lines = vec![head(&moment, timeline, policy)];
    let mut environments = serde_json::Map::new();
    let mut next = Vec::new();
    for signers in timeline.proposals.values() {
        let signers: Vec<&str> = signers.iter().map(crate::gate::terms::PersonName::as_str).collect();
        lines.push(format!("another policy waits: signed by {}", signers.join(", ")));
        next.push(
            "with that `deployctl.yaml` here, another person runs: deployctl approve --policy".to_owned(),
        );
    }
    let runs = super::automatic::runs::told(&moment);
    for (name, rule) in &policy.environments {
        let asked = args.environment.as_ref() == Some(name);
        let machines = rule.deployment == Deployment::Automatic;
        let told = !machines || automatic::is_told(name, rule, &runs);
        if !asked && (args.environment.is_some() || !told) {
            continue;
        }
        let (text, mut value) = if machines {
            automatic::environment(&moment, name, &runs, &mut next)
        } else {
            environment(&moment, name, timeline, &mut next)
        };
        lines.push(text);
        lines.extend(closed(&moment, name, rule, &mut value));
        if asked {
            lines.extend(automatic::about(policy, name, rule));
        }
        automatic::describe(rule, &mut value);
        environments.insert(name.to_string(), value);
    }
    let (stages, stages_json) = stages::look(&moment, policy, args.environment.as_ref());
    lines.extend(stages);
    if next.is_empty() {
        let new = timeline.tracks.values().all(|track| track.deployments.is_empty());
        next.push(first_step(policy, new && runs.all().next().is_none()));
    }
    lines.extend(next.iter().map(|next| format!("next: {next}")));
    let mut answer = Answer::done(COMMAND, lines.join("\n") + "\n")
        .with("project", &policy.project)
        .with("root", timeline.root)
        .with("root_pinned", pin_word(moment.pin))
        .with("assurance", assurance_now(&moment))
        .with("remote", &moment.remote)
        .with("policy", policy_json(timeline))
        .with("proposals", &timeline.proposals)
        .with("environments", environments)
        .with("stages", stages_json)
        .with("next", next);
    answer.warnings.extend(stale);
    answer.warnings.extend(moment.edited());
    answer.warnings.extend(root_warning(&moment));
    Ok(answer)
}

/// Whether nothing may be deployed there now, and when it may.
fn closed(moment: &Moment, name: &Environment, rule: &EnvironmentRule, value: &mut Value) -> Option<String> {
    let later = deploys_later(rule, name, moment.now);
    if let Value::Object(fields) = value {
        fields.insert("closed".to_owned(), json!(later));
    }
    later.map(|reason| format!("  {}: {}", reason.message, reason.next.join("; ")))
}

/// A wrong root or clock is told here too: it would refuse whatever comes next.
fn root_warning(moment: &Moment) -> Vec<crate::gate::reason::Reason> {
    let facts = moment.facts(moment.caller(None), None);
    let action = Action::Policy { founder: false };
    match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => reasons,
        Decision::Allow(_) => vec![],
    }
}

fn unfounded(moment: &Moment) -> Result<Answer> {
    let next = match moment.file_policy() {
        Ok(_) => "a person reviews and signs the rules: deployctl approve --policy",
        Err(ConfigError::Missing { .. }) => "deployctl init",
        Err(error) => return Err(error.into()),
    };
    let text = format!("no policy is in force: nothing can be requested or deployed\nnext: {next}\n");
    Ok(Answer::done(COMMAND, text)
        .with("root", Value::Null)
        .with("policy", Value::Null)
        .with("environments", json!({}))
        .with("next", vec![next]))
}

fn head(moment: &Moment, timeline: &Timeline, policy: &Policy) -> String {
    let root = timeline.root.map(|root| root.to_string()).unwrap_or_default();
    let version = timeline.policy.as_ref().map_or(0, |in_force| in_force.version);
    let remote = moment.remote.as_ref().map_or_else(
        || "in this clone only".to_owned(),
        |remote| format!("through `{}`", text::line(remote, 60)),
    );
    format!(
        "{} · policy {version} · records {remote} · assurance {}\ntrust root {root} ({})",
        text::line(&policy.project, 60),
        assurance_now(moment),
        pin_word(moment.pin)
    )
}

const fn pin_word(pin: Pin) -> &'static str {
    match pin {
        Pin::None => "not pinned here: compare it with a colleague before you sign",
        Pin::Clone(_) => "pinned in this clone",
        Pin::Machine(_) => "pinned on this machine",
    }
}

/// What a signature made here and now would be recorded with, at the least: a key in a file, with a passphrase.
fn assurance_now(moment: &Moment) -> &'static str {
    match moment.pin {
        Pin::None => assurance(moment, None),
        Pin::Clone(_) | Pin::Machine(_) => "L1",
    }
}

fn policy_json(timeline: &Timeline) -> Value {
    timeline.policy.as_ref().map_or(Value::Null, |in_force| {
        json!({
            "version": in_force.version,
            "digest": in_force.policy.digest,
            "signed_by": in_force.by,
            "signed_at": in_force.at,
        })
    })
}

fn environment(
    moment: &Moment,
    name: &Environment,
    timeline: &Timeline,
    next: &mut Vec<String>,
) -> (String, Value) {
    let track = timeline.tracks.get(name);
    let live = track.and_then(|track| track.live.as_ref());
    // A rollback made it live again, where one did: not whoever deployed it first.
    let brought = track.zip(live).and_then(|(track, live)| {
        let ended = (Ending::Succeeded, live.since);
        let made = |action: &&Deployed| action.ending == Some(ended) && action.start.release == live.release;
        track.deployments.iter().rev().find(made)
    });
    let by = brought.map(|action| &action.by);
    let runs = timeline.what_runs(name, moment.now);
    let mut lines = vec![match live {
        Some(live) => format!(
            "{name}: {}{} ({}) since {}{}",
            // What runs is what the line about the action in doubt says.
            runs.prefix(),
            live.release.version,
            live.release.commit.short(),
            live.since.format("%Y-%m-%d %H:%M UTC"),
            by.map_or_else(String::new, |by| format!(", by {by}"))
        ),
        None if runs.left.is_some() => format!("{name}: {NEVER_WELL}"),
        None => format!("{name}: nothing recorded yet"),
    }];
    // What runs may have some of these commits.
    let known = live.filter(|_| runs.left.is_none());
    let waits_since = known.and_then(|live| ahead(moment, name, live));
    if let Some(count) = waits_since.filter(|count| *count > 0) {
        lines.push(format!("  {} on HEAD not live yet", text::count(count, "commit")));
    }
    lines.extend(track.iter().flat_map(|track| quarantine::lines(moment, track)));
    if let Some(lock) = track.and_then(Track::lock) {
        lines.push(held(moment, name, lock, next));
    } else if let Some(track) = track {
        lines.extend(doubt::lines(timeline, name, (track, moment.now), next));
    }
    let (owed, owed_json) = track.map(|track| emergency::owed(moment, track, next)).unwrap_or_default();
    lines.extend(owed);
    let waiting = waiting::look(moment, name, timeline);
    waiting.iter().for_each(|waiting| waiting.tell(&mut lines, next));
    let pending: Vec<Value> = waiting.iter().map(waiting::Waiting::json).collect();
    let value = json!({
        "live": live,
        "live_by": by,
        "commits_waiting": waits_since,
        "locked": track.and_then(Track::lock).map(|lock| json!({
            "request": lock.start.request,
            "by": lock.by,
            "since": lock.at,
            "until": lock.start.lease_until,
            "interrupted": moment.now > lock.start.lease_until,
        })),
        "doubtful": doubtful(&runs),
        "quarantined": track.map(|track| &track.quarantined),
        "owed": owed_json,
        "requests": pending,
    });
    (lines.join("\n"), value)
}

fn ahead(moment: &Moment, environment: &Environment, live: &crate::gate::timeline::Live) -> Option<usize> {
    let head = moment.repository.head().ok()??;
    let scope = moment.policy().and_then(|policy| policy.versions_of(environment).paths.as_ref());
    let range = moment.repository.range_of(scope, Some(&live.release.commit), &head, &mut |_| ());
    range.ok().map(|range| range.commits.len())
}

fn held(moment: &Moment, name: &Environment, lock: &Deployed, next: &mut Vec<String>) -> String {
    let version = &lock.start.release.version;
    if moment.now <= lock.start.lease_until {
        let until = until(lock.start.lease_until).format("%H:%M UTC");
        next.push(format!("if it died, wait until {until}, then: deployctl status"));
        return format!("  {version} is being deployed by {}, until {until} at the latest", lock.by);
    }
    next.push(format!("deployctl rollback {name} --reason TEXT"));
    next.push(format!(
        "or say what runs: deployctl approve --review {} --reason TEXT",
        lock.start.request.id
    ));
    format!("  {version}, started by {}, never said how it ended: interrupted", lock.by)
}
