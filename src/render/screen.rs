//! Screens: what a person reads before signing, as plain text. The digest of a screen is signed with it, so a screen
//! holds no colour, and every foreign word in it is cleaned.

mod automatic;
mod automatic_rollback;
pub mod back;
mod emergency;
mod health;
mod quarantine;
mod rules;
mod signoff;
mod what_runs;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

pub use self::automatic::{about, automatic};
pub use self::automatic_rollback::on_trigger;
use self::emergency::emergency;
pub use self::emergency::{clock, declared, kept, live_at, skipped};
pub use self::quarantine::release;
pub use self::signoff::{SignoffPage, signoff, unanswered};
use super::text;
use crate::gate::config::{ActionKind, Deployment, OnTrigger, Right};
use crate::gate::keys::PublicKey;
use crate::gate::plan::{Plan, PlannedWatch, STEP_VARIABLES};
use crate::gate::policy::{Credentials, EnvironmentRule, Policy, Step};
use crate::gate::reason::Reason;
use crate::gate::request::{CheckState, OpenBox, Request};
use crate::gate::signoffs::{self, Signoffs};
use crate::gate::statement::{RequestRef, Root};
use crate::gate::terms::Environment;
use crate::gate::what_runs::WhatRuns;

/// Wider lines are cut on screens: they are made for 80 columns, and names may be long.
const COLUMNS: usize = 100;

fn cut(text: &str) -> String {
    text::line(text, COLUMNS)
}

/// A duration in the largest unit that holds it whole.
#[must_use]
pub fn span(duration: std::time::Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// A moment on a screen.
#[must_use]
pub fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The review of a request: everything that the signature covers.
#[must_use]
pub fn review(
    policy: &Policy,
    rule: &EnvironmentRule,
    signoffs: &Signoffs,
    (request, reference): (&Request, &RequestRef),
    runs: &WhatRuns<'_>,
    on_trigger: Option<String>,
) -> String {
    if request.action == ActionKind::Rollback {
        return back::review(policy, rule, (request, reference), runs);
    }
    let mut lines = vec![
        format!(
            "{} · {} · deploy {} to {}",
            cut(&policy.project),
            reference.id,
            request.release.version,
            request.environment
        ),
        String::new(),
    ];
    lines.extend(emergency(policy, rule, request));
    let mut field = |name: &str, value: String| lines.push(format!("  {name:<12} {value}"));
    field("Summary", cut(&request.asked.summary));
    field(
        "Asked by",
        format!(
            "{} ({}), {}",
            cut(&request.requested_by.name),
            cut(&request.requested_by.known_by),
            minute(request.at)
        ),
    );
    field("Commit", format!("{}  tree {}", request.release.commit, request.tree.short()));
    field("Since", since(request, runs));
    if let Some((name, doubt)) = what_runs::doubt(runs) {
        field(name, doubt);
    }
    field("Changes", changes(request));
    field("Database", database(request));
    field("Tests", tests(policy, request));
    if let Some(signed) = signoff::signed_off(policy, signoffs, request) {
        field("Signed off", signed);
    }
    field(
        "Risk",
        format!(
            "{} · {} · impact: {}",
            request.asked.risk.word(),
            request.asked.urgency.word(),
            cut(&request.asked.impact)
        ),
    );
    field("Mitigation", cut(&request.asked.mitigation));
    field("Window", window(rule, request));
    field("Rollback", rollback(rule, request));
    if let Some(on_trigger) = on_trigger {
        field("On a trigger", on_trigger);
    }
    field(
        "Watch",
        format!(
            "{} after it",
            text::count(usize::try_from(request.asked.monitor).unwrap_or(usize::MAX), "minute")
        ),
    );
    lines.extend(approved_by(rule, request));
    if !request.behind.is_empty() {
        let behind = text::count(request.behind.len(), "commit");
        lines.push(format!("  LEFT BEHIND  {behind}, live now and not in this candidate"));
    }
    lines.push(digests(request, reference));
    lines.push(String::new());
    lines.extend(open_boxes(&unanswered(policy, signoffs, request)));
    lines.push(String::new());
    lines.join("\n")
}

/// Who must approve, and why more people than usual. That is never cut.
fn approved_by(rule: &EnvironmentRule, request: &Request) -> Vec<String> {
    let why = rule.approvals.as_ref().and_then(|rule| rule.why(&request.approval_rules, request.asked.risk));
    let why = why.map(|why| format!("               {}", text::line(&why, 2_000)));
    std::iter::once(format!("  Approval     {}", approval(rule, request))).chain(why).collect()
}

fn digests(request: &Request, reference: &RequestRef) -> String {
    format!(
        "  Digests      request {} · checklist {} · evidence {} · policy {}",
        reference.digest.short(),
        request.checklist.short(),
        request.evidence.short(),
        request.policy.short()
    )
}

fn since(request: &Request, runs: &WhatRuns<'_>) -> String {
    match &request.previous_release {
        Some(previous) if request.previous_recorded => {
            let is = if runs.left.is_some() { "last good" } else { "live" };
            format!("{} ({}), {is}", previous.version, previous.commit.short())
        }
        Some(previous) => {
            format!(
                "{} ({}), as the request says: nothing is recorded",
                previous.version,
                previous.commit.short()
            )
        }
        None => match &request.since {
            Some(commit) => format!("commit {}; no release before it is recorded", commit.short()),
            None => "the beginning; no release before it is recorded".to_owned(),
        },
    }
}

fn number(count: u64, noun: &str) -> String {
    text::count(usize::try_from(count).unwrap_or(usize::MAX), noun)
}

fn changes(request: &Request) -> String {
    let extent = &request.extent;
    format!(
        "{} by {}, {} changed, {}, {} declared breaking",
        number(extent.commits, "commit"),
        number(extent.authors, "author"),
        number(extent.files, "file"),
        number(extent.dependencies, "new dependency"),
        extent.breaking
    )
}

fn database(request: &Request) -> String {
    match (request.extent.migrations, request.extent.irreversible) {
        (0, 0) => "no migrations".to_owned(),
        (0, hard) => format!("no migrations, and {} with unknown effect", number(hard, "changed SQL file")),
        (all, 0) => format!("{}, all known to be reversible", number(all, "migration")),
        (all, hard) => format!("{}, {hard} NOT known to be reversible", number(all, "migration")),
    }
}

fn tests(policy: &Policy, request: &Request) -> String {
    let word = |state: CheckState| match state {
        CheckState::Passed => "passed",
        CheckState::Failed => "FAILED",
        CheckState::Missing => "no evidence",
        CheckState::Stale => "STALE",
        CheckState::Unreadable => "UNREADABLE",
        CheckState::NotNeeded => "not needed",
    };
    let title = |check| policy.checks.get(check).map_or_else(|| check.to_string(), |rule| rule.title.clone());
    let all: Vec<String> = request
        .checks
        .iter()
        .filter(|(check, state)| **state == CheckState::NotNeeded || signoffs::group(policy, check).is_none())
        .map(|(check, state)| format!("{} {}", cut(&title(check)), word(*state)))
        .collect();
    format!("{}, as {} reports", all.join(" · "), cut(&request.requested_by.name))
}

fn window(rule: &EnvironmentRule, request: &Request) -> String {
    let asked = &request.asked;
    let mut words = vec![rule.windows.words().unwrap_or_else(|| "always open".to_owned())];
    words.extend(asked.preferred.as_ref().map(|time| format!("preferred {}", cut(time))));
    words.extend(asked.alternative.as_ref().map(|time| format!("else {}", cut(time))));
    words.extend(asked.blackouts.iter().map(|time| format!("not {}", cut(time))));
    words.join(" · ")
}

fn rollback(rule: &EnvironmentRule, request: &Request) -> String {
    let Some(plan) = &rule.rollback else { return "NONE: the policy says no way back".to_owned() };
    let Some(previous) = &request.previous_release else {
        return "NONE: there is no release to go back to".to_owned();
    };
    if previous == &request.release {
        return format!("NONE: {} is live already, and is deployed over itself", previous.version);
    }
    let estimate =
        plan.estimate.map_or_else(String::new, |time| format!(", about {} min", time.as_secs().div_ceil(60)));
    let database = match (request.extent.migrations, request.extent.irreversible, plan.migrations.is_empty())
    {
        (0, 0, _) => "",
        (_, 0, false) => "; the database goes back too",
        _ => "; the database does NOT go back by itself",
    };
    format!("to {}{estimate}{database}", previous.version)
}

fn approval(rule: &EnvironmentRule, request: &Request) -> String {
    let Some(approvals) = &rule.approvals else { return "nobody can".to_owned() };
    let approvals = approvals.needed(&request.approval_rules);
    let not: Vec<String> =
        approvals.not.iter().map(|separation| format!("{separation:?}").to_lowercase()).collect();
    let not = if not.is_empty() {
        "WAIVED: anyone may approve their own".to_owned()
    } else {
        format!("not the {}", not.join(", "))
    };
    let others = approvals.each.iter().filter(|quorum| quorum.from != approvals.from);
    let others: String = others
        .map(|quorum| format!(", at least {} of {}", quorum.required, cut(&quorum.from_words.join(", "))))
        .collect();
    format!(
        "{} of {}{others}; {not}; decide by {}",
        approvals.required,
        cut(&approvals.from_words.join(", ")),
        minute(request.decide_by)
    )
}

fn open_boxes(open: &[OpenBox]) -> Vec<String> {
    if open.is_empty() {
        return vec!["  Nothing is open.".to_owned()];
    }
    let mut lines = vec![format!("  {} need you:", text::count(open.len(), "thing"))];
    lines.extend(open.iter().map(|open| format!("    [ ] {}", open_words(&open.item, &open.why))));
    lines
}

/// One open box with its reason, as screens and questions show it.
#[must_use]
pub fn open_words(item: &str, why: &str) -> String {
    if why.is_empty() { cut(item) } else { format!("{} — {}", cut(item), cut(why)) }
}

/// The review of a policy: who, what, and the exact commands.
#[must_use]
pub fn policy(policy: &Policy, version: u64, remote: Option<&str>, root: Option<Root>) -> String {
    let mut lines = vec![
        format!("{} · policy {version} · {}", cut(&policy.project), policy.digest),
        format!(
            "  trust root   {}",
            root.map_or_else(|| "this signature makes it".to_owned(), |root| root.to_string())
        ),
        format!(
            "  records      {}",
            remote.map_or_else(
                || "in this clone only".to_owned(),
                |name| format!("through the remote `{}`", cut(name))
            )
        ),
        String::new(),
        "  People".to_owned(),
    ];
    for (name, person) in &policy.people {
        let groups: Vec<&str> = person.groups.iter().map(crate::gate::terms::Group::as_str).collect();
        lines.push(format!("    {name}  {}", groups.join(", ")));
        lines.extend(
            person.keys.iter().map(|key| format!("      {} {}", key.algorithm().name(), key.fingerprint())),
        );
        lines.extend(person.emails.iter().map(|email| format!("      {}", cut(email))));
    }
    if !policy.machines.is_empty() {
        lines.push("  Machines".to_owned());
    }
    for (name, keys) in &policy.machines {
        lines.push(format!("    {name}"));
        let key = |key: &PublicKey| format!("      {} {}", key.algorithm().name(), key.fingerprint());
        lines.extend(keys.iter().map(key));
    }
    if !policy.roles.is_empty() {
        lines.push("  Roles".to_owned());
    }
    for (role, environments) in &policy.roles {
        let rights: Vec<String> = environments
            .iter()
            .map(|(environment, rights)| {
                let rights: Vec<String> =
                    rights.iter().map(|right| format!("{right:?}").to_lowercase()).collect();
                format!("{environment}: {}", rights.join(" "))
            })
            .collect();
        lines.push(format!("    {role}  {}", rights.join(" · ")));
        lines.extend(powerless(policy, environments).map(|what| format!("      without effect: {what}")));
    }
    lines.extend(rules::project(policy));
    lines.extend(rules::pipeline(policy));
    for (name, rule) in &policy.environments {
        lines.push(format!("  Environment {name}"));
        lines.extend(rules::before(policy, rule));
        lines.extend(environment(rule));
        lines.extend(rules::after(rule));
    }
    lines.extend(emergency::rules(policy));
    lines.push(String::new());
    lines.join("\n")
}

/// Rights that a role has no use for: where people deploy, no role does, whatever the file says.
fn powerless<'a>(
    policy: &'a Policy,
    environments: &'a BTreeMap<Environment, BTreeSet<Right>>,
) -> impl Iterator<Item = String> + 'a {
    let people = |name: &Environment| {
        policy.environments.get(name).is_some_and(|rule| rule.deployment == Deployment::Human)
    };
    let rights = |rights: &BTreeSet<Right>| {
        let idle = rights.iter().filter(|right| matches!(right, Right::Deploy | Right::Migrate));
        idle.map(|right| format!("{right:?}").to_lowercase()).collect::<Vec<String>>()
    };
    let idle = environments.iter().filter(move |(name, _)| people(name));
    idle.filter_map(move |(name, given)| {
        let words = rights(given);
        (!words.is_empty()).then(|| format!("{} in `{name}`, which people deploy", words.join(" ")))
    })
}

/// Longer files are shown whole instead of compared: the comparison takes a cell for each pair of lines.
const COMPARED_MAX: usize = 4_000_000;

/// A file that is signed, so that nothing of it is signed unseen: whole the first time, then with what was added and taken out.
#[must_use]
pub fn signed_text(name: &str, before: Option<&str>, after: &str) -> String {
    let new: Vec<&str> = after.lines().collect();
    let old: Vec<&str> = before.map(|text| text.lines().collect()).unwrap_or_default();
    if old.len().saturating_mul(new.len()) > COMPARED_MAX {
        return signed_text(name, None, after);
    }
    let mut lines = vec![match before {
        Some(_) => format!("  {}, against the one in force (+ added, - taken out)", cut(name)),
        None => format!("  {}", cut(name)),
    }];
    // The longest common part, from the end: length[i][j] is that of old[i..] and new[j..].
    let mut length = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            length[i][j] = if old[i] == new[j] {
                length[i + 1][j + 1] + 1
            } else {
                length[i + 1][j].max(length[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let (mark, line) = if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            (' ', new[j - 1])
        } else if j == new.len() || (i < old.len() && length[i + 1][j] >= length[i][j + 1]) {
            i += 1;
            ('-', old[i - 1])
        } else {
            j += 1;
            (if before.is_some() { '+' } else { ' ' }, new[j - 1])
        };
        lines.push(format!("  {mark} {}", text::line(line, usize::MAX)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn environment(rule: &EnvironmentRule) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(approvals) = &rule.approvals {
        let from: Vec<&str> = approvals.from.iter().map(crate::gate::terms::PersonName::as_str).collect();
        lines.push(format!("    approve  {} of {}", approvals.required, from.join(", ")));
        let not: Vec<String> =
            approvals.not.iter().map(|separation| format!("{separation:?}").to_lowercase()).collect();
        let not = if not.is_empty() { "waived".to_owned() } else { not.join(", ") };
        lines.push(format!("    apart    {not}"));
        lines.push(
            format!(
                "    presence {:?} · decide within {} · execute within {}",
                approvals.presence,
                span(approvals.decide_within),
                span(approvals.execute_within)
            )
            .to_lowercase(),
        );
    }
    for rule in rule.approvals.iter().flat_map(|approvals| &approvals.rules) {
        lines.push(format!("    more     {}", text::line(&emergency::extra(rule), usize::MAX)));
    }
    lines.extend(
        rule.windows
            .whole()
            .into_iter()
            .map(|window| format!("    windows  {}", text::line(&window, usize::MAX))),
    );
    if !rule.pass_environment.is_empty() {
        lines.push(format!("    passes   {}", rule.pass_environment.join(", ")));
    }
    let moment = match rule.deployment {
        Deployment::Human => "after the signature",
        Deployment::Automatic => "right before the steps",
    };
    lines.extend(rule.credentials.iter().map(|found| secrets("    secrets ", found, moment)));
    lines.extend(steps("runs", &rule.steps));
    if let Some(rollback) = &rule.rollback {
        lines.extend(steps("rolls back", &rollback.steps));
        lines.extend(steps("migrations down", &rollback.migrations));
        if rollback.on_trigger == OnTrigger::Rollback {
            lines.push(
                "    on a trigger: the session rolls back by itself, as far as the approvals allow it"
                    .to_owned(),
            );
        }
    }
    lines.extend(rule.health.iter().flat_map(health::rules));
    lines
}

/// The command that gives the steps their secrets, and what becomes of them.
fn secrets(title: &str, credentials: &Credentials, moment: &str) -> String {
    let (run, timeout) = (command(&credentials.exec), span(credentials.timeout));
    format!("{title} {run} (at most {timeout}) runs {moment}; its output goes to the steps only")
}

fn steps(title: &str, steps: &[Step]) -> Vec<String> {
    steps
        .iter()
        .map(|step| {
            let timeout = span(step.timeout);
            let database = if step.migration { "; changes the database" } else { "" };
            format!("    {title}: {} = {} (at most {timeout}{database})", step.name, command(&step.run))
        })
        .collect()
}

/// A command as a person would type it: arguments that need it are quoted, and nothing is cut.
#[must_use]
pub fn command(run: &[String]) -> String {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(&b))
    };
    let quote = |text: &String| {
        if plain(text) { text.clone() } else { format!("'{}'", text.replace('\'', "'\\''")) }
    };
    text::line(&run.iter().map(quote).collect::<Vec<_>>().join(" "), usize::MAX)
}

/// The plan of a deployment or a rollback: what runs, where, with which variables, and the way back.
#[must_use]
pub fn plan(plan: &Plan, project: &str, summary: Option<&str>, now: &WhatRuns<'_>) -> String {
    let verb = match plan.action {
        ActionKind::Deploy => "deploy",
        ActionKind::Rollback => "roll back to",
    };
    let mut lines = vec![
        format!("{} · {verb} {} in {}", cut(project), plan.release.version, plan.environment),
        String::new(),
        format!("  Request      {}", plan.request_id()),
    ];
    lines.extend(summary.map(|summary| format!("  Summary      {}", cut(summary))));
    lines.push(format!("  Commit       {}", plan.release.commit));
    lines.extend(what_runs::lines(plan, now));
    lines.extend(runs(plan));
    lines
        .extend(plan.credentials.iter().map(|found| secrets("  Secrets     ", found, "after the signature")));
    lines.extend(plan.watch.iter().map(watch_line));
    let by_itself = |allowed| format!("  On a trigger {}", automatic_rollback::by_itself(allowed, None));
    lines.extend(plan.on_trigger.iter().map(by_itself));
    if plan.action == ActionKind::Deploy {
        let back = plan.way_back().map_or_else(
            || format!("NONE: {}", no_way_back(plan)),
            |_| format!("deployctl rollback {} --reason TEXT", plan.environment),
        );
        lines.push(format!("  Way back     {back}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Why there is nothing that a deployment could be rolled back to.
#[must_use]
pub fn no_way_back(plan: &Plan) -> String {
    plan.previous.as_ref().map_or_else(
        || "there is no recorded release to go back to".to_owned(),
        |previous| format!("{} is live already, and is deployed over itself", previous.version),
    )
}

fn watch_line(watch: &PlannedWatch) -> String {
    let names: Vec<String> = watch.signals.iter().map(|name| text::line(name, 80)).collect();
    let length = if watch.seconds == 0 { "once".to_owned() } else { span(watch.length()) };
    format!("  Watch        {length} after the steps: {}", names.join(", "))
}

/// What runs, in which files, and with which variables.
fn runs(plan: &Plan) -> Vec<String> {
    let files = format!("  Files of     {}, written from git into a private directory", plan.tree_of.short());
    let mut lines = vec![files];
    lines.extend(plan.steps.iter().enumerate().map(|(index, step)| {
        let timeout = span(step.timeout);
        format!("  Step {}       {}: {} (at most {timeout})", index + 1, step.name, command(&step.run))
    }));
    lines.push(format!("  Environment  {}", STEP_VARIABLES.join(" ")));
    if !plan.pass_environment.is_empty() {
        lines.push(format!("               {}", plan.pass_environment.join(" ")));
    }
    let variable =
        |(name, value): &(String, String)| format!("               {name}={}", text::line(value, usize::MAX));
    lines.extend(plan.variables.iter().map(variable));
    lines
}

/// Why the person who signs does it, in the words of the command line; nothing where none were given.
#[must_use]
pub fn your_reason(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| because("Your reason", reason))
}

/// Why somebody did what the screen is about.
#[must_use]
pub fn because(who: &str, reason: &str) -> String {
    format!("  {who:<12} {}\n", text::line(reason, 2_000))
}

/// Warnings as lines under a screen.
#[must_use]
pub fn warnings(warnings: &[Reason]) -> String {
    warnings
        .iter()
        .map(|warning| {
            format!("  warning: {}  {}\n", warning.code.as_str(), text::line(&warning.message, 2_000))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{command, plan, policy, review};
    use crate::gate::config::ActionKind;
    use crate::gate::decide::{Decision, decide};
    use crate::gate::facts::{Action, Caller, Facts, Pin};
    use crate::gate::fixture::{
        Book, by, checked, commit, config, key, minutes, open_box, production, reference, release, target,
        touch_key,
    };
    use crate::gate::plan::Plan;
    use crate::gate::request::Request;
    use crate::gate::statement::{Ending, Verdict};
    use crate::gate::what_runs::WhatRuns;

    fn lines(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    #[test]
    fn a_policy_is_shown_with_its_people_their_keys_and_every_command() {
        let rules = checked(&config(&[("requires: [development, integration]", "branch: main")])).unwrap();
        let text = policy(&rules, 2, None, None);
        let prints = [key(1), key(2), touch_key(3), key(4)].map(|key| key.fingerprint());
        assert_eq!(
            lines(&text),
            [
                format!("shop · policy 2 · {}", rules.digest),
                "  trust root   this signature makes it".to_owned(),
                "  records      in this clone only".to_owned(),
                String::new(),
                "  People".to_owned(),
                "    alice  release".to_owned(),
                format!("      ssh-ed25519 {}", prints[0]),
                "      alice@shop.example".to_owned(),
                "    bob  release".to_owned(),
                format!("      ssh-ed25519 {}", prints[1]),
                format!("      sk-ssh-ed25519@openssh.com {}", prints[2]),
                "      bob@shop.example".to_owned(),
                "    carol  design".to_owned(),
                format!("      ssh-ed25519 {}", prints[3]),
                "      carol@shop.example".to_owned(),
                "  Roles".to_owned(),
                "    orchestrator  production: request".to_owned(),
                "    qa  staging: check deploy".to_owned(),
                "  Checks".to_owned(),
                "    design-review  Design review: a signature of design · when web/** changes".to_owned(),
                "    unit  Unit tests: reports/unit/*.xml".to_owned(),
                "  Stages".to_owned(),
                "    development  unit, design-review".to_owned(),
                "    integration  unit · on main".to_owned(),
                "  Environment eu".to_owned(),
                "    deployed by people, with an approval".to_owned(),
                "    approve  1 of alice, bob".to_owned(),
                "    apart    waived".to_owned(),
                "    presence passphrase · decide within 24 h · execute within 4 h".to_owned(),
                "    runs: release = ./release (at most 10 min)".to_owned(),
                "    rolls back: back = ./back (at most 10 min)".to_owned(),
                "    a rollback: its report holds nothing up".to_owned(),
                "    monitors watch 15 min".to_owned(),
                "  Environment production".to_owned(),
                "    deployed by people, with an approval".to_owned(),
                "    needs    branch main".to_owned(),
                "    approve  1 of alice, bob".to_owned(),
                "    apart    requester".to_owned(),
                "    presence passphrase · decide within 24 h · execute within 4 h".to_owned(),
                "    runs: release = ./release (at most 10 min)".to_owned(),
                "    rolls back: back = ./back (at most 5 min)".to_owned(),
                "    migrations down: down = ./down (at most 5 min)".to_owned(),
                "    a rollback: its report holds nothing up".to_owned(),
                "    monitors watch 15 min".to_owned(),
                "  Environment staging".to_owned(),
                "    deployed by machines, within their rights".to_owned(),
                "    monitors watch 15 min".to_owned(),
            ]
        );
    }

    #[test]
    fn a_policy_is_shown_with_its_emergencies_and_its_extra_approvals() {
        let rules = checked(&config(&[
            (
                "not: [requester] }",
                "not: [requester], rules: [{ when: { risk: high, paths: [\"db/**\"] }, required: 2, from: [design] }, \
                 { when: { irreversible: true }, required: 2 }] }",
            ),
            (
                "environments:\n",
                "emergency: { P1: { definition: Outage, response: 60m, skip: [integration] }, \
                 P3: { definition: Minor, response: next business day } }\nenvironments:\n",
            ),
        ]));
        let text = policy(&rules.unwrap(), 1, None, None);
        for part in [
            "    more     at least 2, carol too where the risk is at least High and db/** changes\n",
            "    more     at least 2 where a migration is not known to be reversible\n",
            "  Emergency  execute within 2 h · review within 72 h\n",
            "    P1  Outage · response 1h · may skip integration\n",
            "    P3  Minor · response next business day · may skip nothing\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    fn shown(edit: impl Fn(&mut Request)) -> String {
        let book = Book::founded(&config(&[]));
        let mut request = book.request("production", 2);
        edit(&mut request);
        let rule = &book.policy().environments[&production()];
        let pinned = (&request, &reference(&request));
        let runs = book.timeline.what_runs(&production(), minutes(0));
        review(book.policy(), rule, &book.timeline.signoffs, pinned, &runs, None)
    }

    #[test]
    fn a_policy_is_shown_with_what_is_measured_and_which_number_is_a_trigger() {
        let health = "    health:\n      interval: 1m\n\
            \x20     probes: { web: { http: \"http://shop.example/healthz\", timeout: 2s }, db: { run: [./ping, \"a b\"] }, port: { tcp: \"a:5432\" } }\n\
            \x20     metrics:\n        prometheus: http://127.0.0.1:9090\n\
            \x20       error_rate: { query: \"sum(e)\\u202e\", mode: relative }\n        latency: { query: l }\n\
            \x20       memory: { query: m, for: 1 }\n        cpu: { query: c }\n";
        let steps = "    steps: [{ name: release, run: [\"./release\"], timeout: 10m }]\n";
        let rules = checked(&config(&[(steps, &format!("{steps}{health}"))])).unwrap();
        let text = policy(&rules, 1, None, None);
        let expected = "    watches: every 1 min, more than 3 failures of a probe in a row are a trigger\n\
            \x20   probe: db = ./ping 'a b' (at most 5 s)\n\
            \x20   probe: port = tcp a:5432 (at most 5 s)\n\
            \x20   probe: web = http://shop.example/healthz (at most 2 s)\n\
            \x20   metrics: http://127.0.0.1:9090 (at most 5 s)\n\
            \x20   error_rate: more than 5 % of it over its baseline = sum(e)\\u{202e}\n\
            \x20   latency: more than 2 times its baseline = l\n\
            \x20   memory: above 0.95 in 1 sample in a row = m\n\
            \x20   cpu: above 0.95 in 5 samples in a row = c\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_review_names_what_is_missing_in_capitals() {
        let text = shown(|_| ());
        assert!(text.contains("  Rollback     NONE: there is no release to go back to\n"), "{text}");
        assert!(text.contains("  Since        the beginning; no release before it is recorded\n"), "{text}");
        assert!(text.contains("\n  Nothing is open.\n"), "{text}");
        let text = shown(|request| {
            request.previous_release = Some(release(1));
            request.extent.migrations = 2;
            request.extent.irreversible = 1;
            request.behind = vec![commit('7')];
            request.open = vec![open_box("a"), open_box("b")];
            crate::gate::fixture::state(request, "unit", crate::gate::request::CheckState::Failed);
        });
        for part in [
            "  Since        v1 (1111111), as the request says: nothing is recorded\n",
            "  Database     2 migrations, 1 NOT known to be reversible\n",
            "  Rollback     to v1; the database does NOT go back by itself\n",
            "Design review not needed · Unit tests FAILED, as orchestrator reports\n",
            "  LEFT BEHIND  1 commit, live now and not in this candidate\n",
            "\n  2 things need you:\n    [ ] a\n    [ ] b\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn no_word_of_a_request_makes_a_line_or_a_colour_of_its_own() {
        let plain = shown(|_| ());
        let evil = "x\n  Tests        Unit tests passed\r\u{1b}[32m\u{202e}".to_owned();
        let text = shown(|request| {
            request.asked.summary = evil.clone();
            request.asked.impact = evil.clone();
            request.asked.mitigation = evil.clone();
            request.asked.preferred = Some(evil.clone());
            request.asked.blackouts = vec![evil.clone()];
            request.requested_by.name = evil.clone();
            request.requested_by.known_by = evil.clone();
        });
        assert_eq!(text.lines().count(), plain.lines().count());
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
        let tests = text.lines().filter(|line| line.starts_with("  Tests ")).count();
        assert_eq!(tests, 1);
    }

    #[test]
    fn a_command_is_shown_whole_and_quoted_where_it_must_be() {
        let command = |run: &[&str]| command(&run.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(command(&["./ops/release.sh", "--to=eu-1"]), "./ops/release.sh --to=eu-1");
        assert_eq!(command(&["sh", "-c", "echo $HOME; it's", ""]), "sh -c 'echo $HOME; it'\\''s' ''");
        assert_eq!(command(&[&"x".repeat(5_000)]).len(), 5_000);
        assert!(!command(&["a\nb"]).contains('\n'));
    }

    fn planned(book: &Book, action: ActionKind, down: bool) -> Plan {
        let environment = production();
        let request = book.request("production", 3);
        let found = target(&request);
        let facts = Facts {
            now: minutes(60),
            caller: Caller {
                role: None,
                person: None,
                name: "anyone".to_owned(),
                known_by: "nothing".to_owned(),
                presence: None,
            },
            ledger: Ok(&book.timeline),
            pin: Pin::None,
            key: None,
        };
        let action_of = match action {
            ActionKind::Deploy => Action::Deploy { environment: &environment, target: Ok(&found) },
            ActionKind::Rollback => {
                Action::Rollback { environment: &environment, version: None, missing: &[] }
            }
        };
        let Decision::Allow(permit) = decide(Some(book.policy()), &facts, &action_of) else {
            panic!("refused")
        };
        Plan::new(permit, &book.policy().environments[&environment], &environment, action, down).unwrap()
    }

    fn what_runs(book: &Book) -> WhatRuns<'_> {
        book.timeline.what_runs(&production(), minutes(60))
    }

    #[test]
    fn a_plan_tells_what_was_left_there_apart_from_what_was_well() {
        let mut book = story();
        book.deployed("production", 3, 40, Ending::Failed);
        let doubt = "  Last good    v2 (2222222)\n  WHAT RUNS    may be half of v3\n";
        let rollback = planned(&book, ActionKind::Rollback, true);
        let text = plan(&rollback, "shop", None, &what_runs(&book));
        assert!(text.contains(&format!("\n  Undoes       v3 (3333333)\n{doubt}")), "{text}");
        let again = book.request("production", 3);
        let pinned = (&again, &reference(&again));
        let rule = &book.policy().environments[&production()];
        let text = review(book.policy(), rule, &book.timeline.signoffs, pinned, &what_runs(&book), None);
        let since = "\n  Since        v2 (2222222), last good\n  WHAT RUNS    may be half of v3\n";
        assert!(text.contains(since), "{text}");
    }

    fn story() -> Book {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        book.deployed("production", 2, 20, Ending::Succeeded);
        let request = book.request("production", 3);
        book.vote(by("bob", 40), &request, Verdict::Allow).unwrap();
        book
    }

    #[test]
    fn a_plan_shows_every_command_variable_and_the_way_back() {
        let deploy = planned(&story(), ActionKind::Deploy, true);
        assert_eq!(deploy.lease(), std::time::Duration::from_secs(15 * 60));
        assert_eq!(deploy.tree_of, commit('3'));
        let text = plan(&deploy, "shop", Some("Totals"), &what_runs(&story()));
        for part in [
            "shop · deploy v3 in production\n",
            "  Now live     v2 (2222222)\n",
            "  Files of     3333333, written from git into a private directory\n",
            "  Step 1       release: ./release (at most 10 min)\n",
            "               DEPLOYCTL_VERSION=v3\n",
            "               DEPLOYCTL_PREVIOUS_VERSION=v2\n",
            "  Way back     deployctl rollback production --reason TEXT\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn a_rollback_runs_what_came_with_the_release_it_undoes() {
        let book = story();
        let rollback = planned(&book, ActionKind::Rollback, true);
        let names = |plan: &Plan| plan.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&rollback), ["back", "down"]);
        assert_eq!((&rollback.release, rollback.previous.as_ref()), (&release(1), Some(&release(2))));
        assert_eq!(rollback.tree_of, commit('2'));
        assert!(rollback.variables.contains(&("DEPLOYCTL_VERSION".to_owned(), "v2".to_owned())));
        assert!(rollback.variables.contains(&("DEPLOYCTL_PREVIOUS_VERSION".to_owned(), "v1".to_owned())));
        let stays = planned(&book, ActionKind::Rollback, false);
        assert_eq!(names(&stays), ["back"]);
        assert_ne!(stays.digest().unwrap(), rollback.digest().unwrap());
        assert_eq!(planned(&book, ActionKind::Rollback, true).digest(), rollback.digest());
        let text = plan(&stays, "shop", None, &what_runs(&book));
        assert!(!text.contains("Way back") && !text.contains("Summary"), "{text}");
        assert!(text.contains("\n  Now live     v2 (2222222)\n"), "{text}");
    }
}
