//! What `status` says of environments that machines deploy, and what every environment is for.

use serde_json::{Value, json};

use crate::commands::gather::Moment;
use crate::commands::journal;
use crate::gate::config::Right;
use crate::gate::decide::until;
use crate::gate::deployments::{Run, Runs};
use crate::gate::policy::{EnvironmentRule, Policy};
use crate::gate::remains::Remains;
use crate::gate::terms::{Environment, PersonName, Role};
use crate::render::{screen, text};

/// Whether there is anything to say of it: something deploys it, or did.
#[must_use]
pub fn is_told(name: &Environment, rule: &EnvironmentRule, runs: &Runs) -> bool {
    !rule.steps.is_empty() || !runs.of(name).is_empty()
}

/// What is live there, by the word of the journal, and what waits.
#[must_use]
pub fn environment(
    moment: &Moment,
    name: &Environment,
    runs: &Runs,
    next: &mut Vec<String>,
) -> (String, Value) {
    let live = runs.live(name);
    let mut lines = vec![match live {
        Some(run) => format!(
            "{name}: {} ({}) since {}, by {} (journal)",
            run.start.release.version,
            run.start.release.commit.short(),
            run.start.at.format("%Y-%m-%d %H:%M UTC"),
            by(run)
        ),
        None => format!("{name}: nothing recorded yet"),
    }];
    let held = runs.held(name, moment.now);
    let doubt = runs.doubt(name).filter(|_| held.is_none());
    if let Some(run) = held {
        let until = until(run.lease_until()).format("%H:%M UTC");
        let version = &run.start.release.version;
        lines.push(format!("  {version} is being deployed by {}, until {until} at the latest", by(run)));
    }
    if let Some(run) = doubt {
        lines.push(format!("  {}, deployed by {}, {}", run.start.release.version, by(run), badly(run)));
    }
    let waiting = waiting(moment, name, runs);
    for (id, line, step) in &waiting {
        lines.push(format!("  {id}  {line}"));
        next.push(step.clone());
    }
    let requests: Vec<Value> = waiting
        .iter()
        .map(|(id, status, next)| json!({ "id": id, "status": status, "next": next }))
        .collect();
    let value = json!({
        "live": live.map(told),
        "locked": held.map(|run| json!({
            "version": run.start.release.version,
            "by": run.start.by,
            "since": run.start.at,
            "until": run.lease_until(),
        })),
        "doubtful": doubt.map(told),
        "requests": requests,
        "recorded_in": "journal",
    });
    (lines.join("\n"), value)
}

/// How it did not end well, and what of it was run.
fn badly(run: &Run) -> String {
    let Some(end) = &run.end else {
        return "never said how it ended: what runs may be half of it".to_owned();
    };
    let runs = match Remains::of(end.failed_step.as_deref(), &end.steps) {
        Remains::Nothing => "no step was run",
        _ if !end.smoke.is_empty() => "all of its steps were run",
        Remains::All | Remains::Part => "what runs may be half of it",
    };
    let at =
        end.failed_step.as_ref().map_or_else(String::new, |step| format!(" at {}", text::line(step, 80)));
    format!("ended badly{at}: {runs}")
}

fn by(run: &Run) -> String {
    text::line(&run.start.by, 40)
}

fn told(run: &Run) -> Value {
    json!({
        "version": run.start.release.version,
        "commit": run.start.release.commit,
        "since": run.start.at,
        "by": run.start.by,
        "known_by": run.start.known_by,
        "deployment": run.id,
        "ending": run.end.as_ref().map(|end| end.ending),
    })
}

/// Requests that nobody deployed yet: id, state and the next command.
fn waiting(moment: &Moment, environment: &Environment, runs: &Runs) -> Vec<(String, String, String)> {
    let requests = journal::requests(moment);
    let open = requests.iter().filter(|outline| {
        &outline.environment == environment
            && outline.decide_by >= moment.now
            && !runs.did(&outline.reference)
    });
    open.map(|outline| {
        let id = outline.reference.id.clone();
        let until = outline.decide_by.format("%Y-%m-%d %H:%M UTC");
        let step = format!("a role that may deploys it: deployctl deploy {environment} {id} --as ROLE");
        (id, format!("AWAITING DEPLOYMENT until {until}"), step)
    })
    .collect()
}

/// What an environment is for, as lines under its name.
#[must_use]
pub fn about(policy: &Policy, name: &Environment, rule: &EnvironmentRule) -> Vec<String> {
    let mut about = screen::about(rule);
    about.push(("Deployment", deployment(policy, name, rule)));
    about.into_iter().map(|(name, words)| format!("  {name:<12} {words}")).collect()
}

fn deployment(policy: &Policy, name: &Environment, rule: &EnvironmentRule) -> String {
    if let Some(approvals) = &rule.approvals {
        let from: Vec<&str> = approvals.from.iter().map(PersonName::as_str).collect();
        return format!(
            "human: {} of {} must approve, and a person executes",
            approvals.required,
            from.join(", ")
        );
    }
    let roles: Vec<&str> =
        policy.roles.keys().filter(|role| may_deploy(policy, role, name, rule)).map(Role::as_str).collect();
    match roles.as_slice() {
        [] => "automatic: no role may".to_owned(),
        roles => format!("automatic: {}", roles.join(", ")),
    }
}

fn may_deploy(policy: &Policy, role: &Role, name: &Environment, rule: &EnvironmentRule) -> bool {
    let migrates = rule.steps.iter().any(|step| step.migration);
    policy.may(role, name, Right::Deploy) && (!migrates || policy.may(role, name, Right::Migrate))
}

/// Adds what an environment is for to its document.
pub fn describe(rule: &EnvironmentRule, value: &mut Value) {
    let [purpose, data, access] = &rule.about;
    for (key, words) in [("purpose", purpose), ("data", data), ("access", access)] {
        value[key] = json!(words);
    }
    value["deployment"] = json!(rule.deployment);
}
