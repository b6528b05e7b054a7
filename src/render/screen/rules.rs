//! The rest of a policy's screen: checks, stages, versions, and what an environment is for, needs and is watched by.

use super::{cut, span};
use crate::gate::config::{Deployment, Scan};
use crate::gate::policy::{CheckRule, CheckSource, EnvironmentRule, Policy, VersionRule};
use crate::gate::terms::{MachineName, Stage};
use crate::render::text;

/// What holds for the whole project: how versions are named, where migrations lie, and the team's own pages.
pub(super) fn project(policy: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    if !is_usual(&policy.versions) {
        lines.push(format!("  Versions     {}", versions(&policy.versions)));
    }
    let found = [("by the paths of", &policy.migrations.presets), ("in", &policy.migrations.paths)];
    let found: Vec<String> = found
        .into_iter()
        .filter_map(|(how, names)| Some(format!("{how} {}", whole(names.as_ref()?))))
        .collect();
    if !found.is_empty() {
        lines.push(format!("  Migrations   {}", found.join(" · ")));
    }
    lines.extend(policy.templates.iter().map(|dir| format!("  Templates    {}", cut(dir))));
    lines
}

/// One line a check, and one a stage.
pub(super) fn pipeline(policy: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    if !policy.checks.is_empty() {
        lines.push("  Checks".to_owned());
    }
    lines.extend(policy.checks.iter().map(|(name, rule)| format!("    {name}  {}", check(rule))));
    if !policy.stages.is_empty() {
        lines.push("  Stages".to_owned());
    }
    for stage in &policy.stages {
        let checks: Vec<&str> = stage.checks.iter().map(crate::gate::terms::Check::as_str).collect();
        let mut words = vec![if checks.is_empty() { "no check".to_owned() } else { checks.join(", ") }];
        words.extend(stage.branch.as_ref().map(|branch| format!("on {}", cut(branch))));
        words.extend(stage.environment.as_ref().map(|environment| format!("of {environment}")));
        lines.push(format!("    {}  {}", stage.name, words.join(" · ")));
    }
    lines
}

fn check(rule: &CheckRule) -> String {
    let source = match &rule.source {
        CheckSource::Run(run, timeout) => format!("{} (at most {})", super::command(run), span(*timeout)),
        CheckSource::Tap(globs) => format!("{} (TAP)", whole(globs)),
        other => text::line(&other.words(), usize::MAX),
    };
    let mut words = vec![format!("{}: {source}", cut(&rule.title))];
    words.extend(rule.when_changed.as_ref().map(|paths| format!("when {} changes", whole(paths.words()))));
    words.extend(rule.scans.as_ref().map(|scans| {
        let answers = scans.answers.iter().map(|scan| match scan {
            Scan::Security => "security",
            Scan::License => "license",
        });
        let answers: Vec<&str> = answers.collect();
        let of = if scans.lockfiles.is_some() { "some lockfiles, named below" } else { "every lockfile" };
        format!("scans for {} in {of}", answers.join(" and "))
    }));
    words.extend(rule.signed_by.as_ref().map(|machines| {
        let machines: Vec<&str> = machines.iter().map(MachineName::as_str).collect();
        format!("signed by {}", machines.join(" or "))
    }));
    words.join(" · ")
}

/// What an environment is, who deploys it, and what a commit needs before.
pub(super) fn before(policy: &Policy, rule: &EnvironmentRule) -> Vec<String> {
    let mut lines = Vec::new();
    let about: Vec<String> = rule.about.iter().flatten().map(|words| cut(words)).collect();
    if !about.is_empty() {
        lines.push(format!("    is       {}", about.join(" · ")));
    }
    lines.push(format!(
        "    deployed by {}",
        match rule.deployment {
            Deployment::Human => "people, with an approval",
            Deployment::Automatic => "machines, within their rights",
        }
    ));
    let mut needs: Vec<String> = rule.branch.iter().map(|branch| format!("branch {}", cut(branch))).collect();
    if !rule.requires.is_empty() {
        let stages: Vec<&str> = rule.requires.iter().map(Stage::as_str).collect();
        needs.push(format!("stages {}", stages.join(", ")));
    }
    if !needs.is_empty() {
        lines.push(format!("    needs    {}", needs.join(" · ")));
    }
    if versions(&rule.versions) != versions(&policy.versions) {
        lines.push(format!("    versions {}", versions(&rule.versions)));
    }
    lines
}

/// How long a rollback is thought to take, when its report is due, and who and what watches.
pub(super) fn after(rule: &EnvironmentRule) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(rollback) = &rule.rollback {
        let estimate = rollback.estimate.map(|time| format!("about {}", span(time)));
        let report = rollback.review_within.map_or_else(
            || "its report holds nothing up".to_owned(),
            |time| format!("other deployments wait for its report after {}", span(time)),
        );
        let words: Vec<String> = estimate.into_iter().chain([report]).collect();
        lines.push(format!("    a rollback: {}", words.join(" · ")));
    }
    let monitoring = &rule.monitoring;
    let mut words = vec![format!("watch {}", span(monitoring.watch))];
    for (what, names) in [("alerts", &monitoring.alerts), ("dashboards", &monitoring.dashboards)] {
        if !names.is_empty() {
            words.push(format!("{what} {}", whole(names)));
        }
    }
    words.extend(monitoring.on_call.as_ref().map(|who| format!("on call {}", cut(who))));
    lines.push(format!("    monitors {}", words.join(" · ")));
    lines
}

fn is_usual(rule: &VersionRule) -> bool {
    versions(rule) == versions(&VersionRule::default())
}

fn versions(rule: &VersionRule) -> String {
    let mut words = vec![format!("tags {}", cut(&rule.tag))];
    words.extend(rule.paths.as_ref().map(|paths| format!("paths {}", whole(paths.words()))));
    words.extend(rule.changelog.as_ref().map(|path| format!("changelog {}", cut(path))));
    words.join(" · ")
}

fn whole(names: &[String]) -> String {
    text::line(&names.join(", "), usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::policy;
    use crate::gate::fixture::{checked, key};

    const ALL: &str = r#"schema: 1
project: PROJECT
ledger: { remote: upstream }
people:
  alice: { keys: ["KEY-1"], emails: ["alice@shop.example"], groups: [release] }
  bob: { keys: ["KEY-2"], groups: [design] }
machines:
  runner: { keys: ["KEY-3"] }
roles:
  orchestrator: { production: [request] }
checks:
  unit: { title: Unit tests, junit: ["reports/u.xml"], signed_by: [runner] }
  tap: { tap: ["reports/t.tap"] }
  audit: { run: ["./audit"], timeout: 3m, scans: [security], lockfiles: ["web/*.lock"] }
  word: { role: orchestrator }
  look: { signoff: design, when_changed: ["web/**"] }
stages:
  - { name: dev, branch: trunk, environment: staging, checks: [unit] }
environments:
  staging: { steps: [] }
  production:
    purpose: PURPOSE
    data: DATA
    access: ACCESS
    deployment: human
    branch: stable
    versions: { tag: "shop-v*", paths: ["shop/**"], changelog: shop/NEWS.md }
    requires: [dev]
    pass_environment: [REGION]
    credentials: { exec: ["./secrets"], timeout: 7s }
    steps: [{ name: up, run: ["./up"], timeout: 11m, migration: true }]
    rollback:
      steps: [{ name: back, run: ["./back"] }]
      migrations: [{ name: down, run: ["./down"] }]
      estimate: 13m
      review_within: 17h
      on_trigger: rollback
    approvals:
      required: 1
      from: [release]
      not: [author]
      presence: touch
      decide_within: 19h
      execute_within: 5h
      rules: [{ when: { risk: high, paths: ["db/**"], irreversible: true }, required: 2, from: [design] }]
    windows:
      timezone: Europe/Berlin
      allow: [{ days: mon-thu, hours: "09:00-16:00" }]
      deny: [{ name: FREEZE, from: 2026-12-20, to: 2027-01-03, actions: [deploy, rollback] }]
    monitoring: { alerts: [ALERT], dashboards: [BOARD], on_call: CALL, watch: 23m }
    health:
      interval: 29s
      consecutive_failures: 8
      probes:
        web: { http: "http://shop.example/health", timeout: 2s }
        port: { tcp: "a:5432" }
        ping: { run: ["./ping"] }
      metrics:
        prometheus: http://127.0.0.1:9090
        timeout: 4s
        error_rate: { query: ERRORS, increase: 31, mode: relative }
        latency: { query: LATENCY, ratio: 3.5 }
        memory: { query: MEMORY, above: 0.75, for: 6 }
        cpu: { query: CPU }
emergency:
  P1: { definition: OUTAGE, response: 37m, skip: [dev] }
  P2: { definition: BROKEN, response: 2h }
  P3: { definition: MINOR, response: 3h }
  P4: { definition: COSMETIC, response: 4h }
  execute_within: 1h
  review_within: 41h
migrations: { presets: [sqlx] }
versions: { tag: "rel-*" }
templates: ops/pages
"#;

    /// Where each key of the file stands on the screen, by its type and name.
    const SHOWN: &str = r#"
RawPolicy.project|PROJECT · policy 1
RawPolicy.ledger|through the remote `upstream`
RawPolicy.people|    alice  release
RawPolicy.machines|  Machines
RawPolicy.roles|    orchestrator  production: request
RawPolicy.checks|  Checks
RawPolicy.stages|  Stages
RawPolicy.environments|  Environment production
RawPolicy.emergency|  Emergency
RawPolicy.migrations|  Migrations   by
RawPolicy.versions|  Versions     tags rel-*
RawPolicy.templates|  Templates    ops/pages
RawPerson.keys|      ssh-ed25519 SHA256:
RawPerson.groups|    bob  design
RawPerson.emails|      alice@shop.example
RawMachine.keys|    runner
RawCheck.title|    unit  Unit tests: reports
RawCheck.junit|reports/u.xml
RawCheck.tap|reports/t.tap (TAP)
RawCheck.run|./audit (at
RawCheck.timeout|at most 3 min
RawCheck.role|the word of orchestrator
RawCheck.signoff|a signature of design
RawCheck.when_changed|when web/** changes
RawCheck.scans|scans for security
RawCheck.lockfiles|some lockfiles, named below
RawCheck.signed_by|signed by runner
RawStage.name|    dev  unit
RawStage.branch|on trunk
RawStage.environment|of staging
RawStage.checks|dev  unit
RawEnvironment.purpose|PURPOSE
RawEnvironment.data|DATA
RawEnvironment.access|ACCESS
RawEnvironment.deployment|deployed by people
RawEnvironment.branch|branch stable
RawEnvironment.versions|    versions tags
RawEnvironment.requires|stages dev
RawEnvironment.pass_environment|REGION
RawEnvironment.credentials|secrets
RawEnvironment.steps|runs: up
RawEnvironment.rollback|a rollback:
RawEnvironment.approvals|approve  1
RawEnvironment.windows|windows
RawEnvironment.monitoring|monitors
RawEnvironment.health|watches: every
RawCredentials.exec|./secrets
RawCredentials.timeout|at most 7 s
RawStep.name|up = 
RawStep.run|./up
RawStep.timeout|at most 11 min
RawStep.migration|changes the database
RawRollback.steps|rolls back: back
RawRollback.migrations|migrations down: down
RawRollback.estimate|about 13 min
RawRollback.review_within|after 17 h
RawRollback.on_trigger|on a trigger: the session rolls back
RawApprovals.required|approve  1 of
RawApprovals.from|1 of alice
RawApprovals.not|apart    author
RawApprovals.presence|presence touch
RawApprovals.decide_within|decide within 19 h
RawApprovals.execute_within|execute within 5 h
RawApprovals.rules|    more     
RawApprovalRule.when|where the risk
RawApprovalRule.required|at least 2
RawApprovalRule.from|bob too
RawWhen.risk|at least High
RawWhen.paths|db/** changes
RawWhen.irreversible|not known to be reversible
RawWindows.timezone|Europe/Berlin
RawWindows.allow|open
RawWindows.deny|closed
RawWindow.name|FREEZE
RawWindow.days|Mon Tue Wed Thu
RawWindow.hours|09:00-16:00
RawWindow.from|from 2026-12-20
RawWindow.to|until 2027-01-04
RawWindow.actions|for deploy, rollback
RawMonitoring.alerts|ALERT
RawMonitoring.dashboards|BOARD
RawMonitoring.on_call|on call CALL
RawMonitoring.watch|watch 23 min
RawEmergency.p1|P1  OUTAGE
RawEmergency.p2|P2  BROKEN
RawEmergency.p3|P3  MINOR
RawEmergency.p4|P4  COSMETIC
RawEmergency.execute_within|  Emergency  execute within 1 h
RawEmergency.review_within|review within 41 h
RawSeverity.definition|OUTAGE
RawSeverity.response|response 37m
RawSeverity.skip|may skip dev
RawMigrations.presets|the paths of sqlx
RawMigrations.paths|in sql/*.sql
RawVersions.tag|tags shop-v*
RawVersions.paths|paths shop/**
RawVersions.changelog|changelog shop/NEWS.md
RawHealth.interval|every 29 s
RawHealth.probes|probe: web
RawHealth.consecutive_failures|more than 8 failures
RawHealth.metrics|metrics:
RawProbe.http|http://shop.example/health
RawProbe.tcp|tcp a:5432
RawProbe.run|./ping
RawProbe.timeout|at most 2 s
RawMetrics.prometheus|http://127.0.0.1:9090
RawMetrics.timeout|at most 4 s
RawMetrics.error_rate|error_rate: more than
RawMetrics.latency|latency: more than
RawMetrics.memory|memory: above
RawMetrics.cpu|cpu: above
RawErrorRate.query|= ERRORS
RawErrorRate.increase|more than 31
RawErrorRate.mode|% of it
RawLatency.query|= LATENCY
RawLatency.ratio|more than 3.5 times
RawLevel.query|= MEMORY
RawLevel.above|above 0.75
RawLevel.samples|6 samples
"#;

    /// The keys of the file: the fields of its types. Its format says nothing of the rules.
    fn keys() -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for source in [include_str!("../../gate/config.rs"), include_str!("../../gate/config/health.rs")] {
            let mut of = String::new();
            for line in source.lines() {
                if let Some(rest) = line.strip_prefix("pub struct ") {
                    of = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
                }
                let field = line.strip_prefix("    pub ").and_then(|rest| rest.split_once(':'));
                if let Some((name, _)) =
                    field.filter(|(name, _)| of.starts_with("Raw") && !name.contains(' '))
                {
                    keys.insert(format!("{of}.{name}"));
                }
            }
        }
        keys.remove("RawPolicy.schema");
        keys
    }

    #[test]
    fn every_key_of_a_policy_stands_on_its_screen() {
        let mut text = ALL.to_owned();
        for number in 1..=3 {
            text = text.replace(&format!("KEY-{number}"), &key(number).line());
        }
        // Of these two keys a file has one.
        let paths = text.replace("{ presets: [sqlx] }", "{ paths: [\"sql/*.sql\"] }");
        let shown = |text: &str| policy(&checked(text).unwrap(), 1, Some("upstream"), None);
        let screen = shown(&text) + &shown(&paths);
        let mut told = BTreeSet::new();
        for line in SHOWN.lines().filter(|line| !line.is_empty()) {
            let (name, words) = line.split_once('|').unwrap();
            assert!(screen.contains(words), "`{name}` is not on the screen as `{words}`\n{screen}");
            told.insert(name.to_owned());
        }
        assert_eq!(told, keys(), "a key of the policy is not looked for on its screen");
    }
}
