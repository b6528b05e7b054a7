mod emergency;
mod health;

use super::check::bad_variable;
use super::{CheckSource, Policy, nearest};
use crate::gate::config::{Deployment, PresenceLevel, RawPolicy, Scan, Separation};
use crate::gate::fixture::{checked, config, key, production, proof, touch_key};
use crate::gate::terms::PersonName;

/// The paths and messages of a file that parses and is not valid.
fn problems(edits: &[(&str, &str)]) -> Vec<String> {
    let problems = checked(&config(edits)).unwrap_err();
    problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}

fn one(from: &str, to: &str) -> String {
    let found = problems(&[(from, to)]);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

/// Design section 9, with keys that exist.
const WHOLE: &str = r#"# yaml-language-server: $schema=deployctl.schema.json
schema: 1
project: storefront
ledger: { remote: origin }             # or none

people:                                # only people sign
  alice: { keys: ["KEY-1"], groups: [release, qa] }
  bob:   { keys: ["TOUCH-2"], groups: [release, design] }

roles:                                 # what agents and CI may do; nothing is implied
  backend-specialist:  { development: [check, deploy] }
  frontend-specialist: { development: [check, deploy] }
  database-specialist: { development: [check, deploy] }
  qa-specialist:       { development: [check, deploy], staging: [check, deploy] }
  docs-specialist:     { development: [check] }
  orchestrator:        { development: [check, deploy, request], staging: [request], production: [request] }
  ci:                  { development: [check, deploy], staging: [check, deploy] }

checks:
  unit:          { title: Unit tests,        junit: ["reports/unit/*.xml"] }
  code-review:   { title: Code review,       signoff: release }           # a person's signature
  integration:   { title: Integration tests, junit: ["reports/integration/*.xml"] }
  e2e:           { title: E2E tests,         junit: ["reports/e2e/*.xml"] }
  smoke:         { title: Smoke tests,       run: ["./ops/smoke.sh"], timeout: 2m }
  qa:            { title: QA verification,   role: qa-specialist }        # that role's word
  design-review: { title: Design review,     signoff: design, when_changed: ["web/**"] }

stages:
  - { name: development, checks: [unit, code-review] }
  - { name: integration, branch: main, checks: [integration, e2e] }
  - { name: staging,     environment: staging, checks: [smoke, qa, design-review] }

environments:
  development: { purpose: "Active development, experimentation", data: "Test/mock data only", access: "All agents (within role)", deployment: automatic, steps: [ { name: release, run: ["./ops/dev.sh"] } ] }
  staging:     { purpose: "Pre-production validation", data: "Anonymized production-like data", access: "Read for all agents, deploy for QA", deployment: automatic, branch: main, requires: [development, integration], steps: [ { name: release, run: ["./ops/staging.sh"] } ] }
  production:
    purpose: Live user-facing system
    data: Real user data
    access: NO agent access
    deployment: human
    requires: [development, integration, staging]
    steps:
      - { name: migrate, run: ["./ops/migrate.sh", "up"], timeout: 10m, migration: true }
      - { name: release, run: ["./ops/release.sh"], timeout: 15m }
    rollback:
      steps: [ { name: release, run: ["./ops/release.sh", "--previous"], timeout: 5m } ]
      migrations: [ { name: migrate, run: ["./ops/migrate.sh", "down"], timeout: 10m } ]   # only when every migration is reversible
      estimate: 5m
      on_trigger: ask                  # ask | rollback (only if the approval pre-authorises it)
    approvals:
      required: 1
      from: [release]
      not: [requester]                 # requester | author | executor; [] is shown and recorded as waived
      presence: passphrase
      decide_within: 24h
      execute_within: 4h
    windows:
      timezone: Europe/Berlin
      allow: [ { days: mon-thu, hours: "09:00-16:00" } ]
      deny:  [ { name: year-end freeze, from: 2026-12-20, to: 2027-01-03, actions: [deploy] } ]
    monitoring: { alerts: ["errors"], dashboards: ["overview"], on_call: Alice, watch: 15m }
    health:
      interval: 10s
      probes:  { web: { http: "http://127.0.0.1:8080/healthz", timeout: 2s }, db: { run: ["./ops/ping.sh"] } }
      consecutive_failures: 3          # more than this many triggers
      metrics:
        prometheus: http://127.0.0.1:9090
        error_rate: { query: "…", increase: 5, mode: points }    # points | relative, over the baseline taken before the deploy
        latency:    { query: "…", ratio: 2.0 }
        memory:     { query: "…", above: 0.95, for: 5 }           # samples in a row
        cpu:        { query: "…", above: 0.95, for: 5 }

emergency:
  P1: { definition: Complete outage,        response: immediate,  skip: [staging] }
  P2: { definition: Major feature broken,   response: 1h,         skip: [staging] }
  P3: { definition: Minor feature affected, response: 4h }
  P4: { definition: Cosmetic or non-urgent, response: next business day }
  execute_within: 2h
  review_within: 72h                   # then the next non-emergency production deploy is refused until a person signs the review

migrations: { presets: [sqlx] }        # found by path; A/M/D/R told apart; reversible yes | no | unknown
versions:   { tag: "v*" }
templates:  deploy/templates           # overrides; part of the signed policy
"#;

#[test]
fn the_whole_example_is_understood() {
    let text = WHOLE.replace("KEY-1", &key(1).line()).replace("TOUCH-2", &touch_key(2).line());
    let policy = checked(&text).unwrap();
    assert_eq!(policy.project, "storefront");
    assert_eq!(policy.people.len(), 2);
    assert_eq!(policy.roles.len(), 7);
    assert_eq!(policy.checks.len(), 7);
    assert_eq!(policy.versions.tag, "v*");
    assert_eq!(policy.templates.as_deref(), Some("deploy/templates"));
    let smoke = &policy.checks[&"smoke".parse().unwrap()];
    let two_minutes = std::time::Duration::from_secs(120);
    assert_eq!(smoke.source, CheckSource::Run(vec!["./ops/smoke.sh".to_owned()], two_minutes));
    let rule = &policy.environments[&production()];
    assert_eq!(rule.deployment, Deployment::Human);
    let steps: Vec<(&str, u64, bool)> =
        rule.steps.iter().map(|step| (step.name.as_str(), step.timeout.as_secs(), step.migration)).collect();
    assert_eq!(steps, [("migrate", 600, true), ("release", 900, false)]);
    let approvals = rule.approvals.as_ref().unwrap();
    let from: Vec<&str> = approvals.from.iter().map(PersonName::as_str).collect();
    assert_eq!((approvals.required, from), (1, vec!["alice", "bob"]));
    assert_eq!((approvals.decide_within.as_secs(), approvals.execute_within.as_secs()), (86_400, 14_400));
}

#[test]
fn what_is_not_said_is_the_careful_reading() {
    let policy = checked(&config(&[
        ("required: 1, from: [release], not: [requester]", "from: [release]"),
        ("timeout: 10m", "migration: false"),
    ]))
    .unwrap();
    let rule = &policy.environments[&production()];
    assert_eq!(rule.deployment, Deployment::Human, "production is people's, said or not");
    let approvals = rule.approvals.as_ref().unwrap();
    assert_eq!(approvals.required, 1);
    assert_eq!(approvals.not.iter().copied().collect::<Vec<_>>(), [Separation::Requester]);
    assert_eq!(approvals.presence, PresenceLevel::Passphrase);
    assert_eq!(rule.steps[0].timeout.as_secs(), 600);
    assert!(!policy.may(
        &"orchestrator".parse().unwrap(),
        &"staging".parse().unwrap(),
        crate::gate::config::Right::Request
    ));
    assert!(!policy.may(&"nobody".parse().unwrap(), &production(), crate::gate::config::Right::Request));
}

#[test]
fn each_thing_that_is_wrong_gives_its_path() {
    let approvals = "required: 1, from: [release], not: [requester]";
    let cases = [
        ("schema: 1", "schema: 2", "schema: this version reads schema 1, not 2"),
        ("project: shop", "project: ' '", "project: a project needs a name of 1 to 64 printable characters"),
        (
            "ledger: none",
            "ledger: { remote: --upload-pack=x }",
            "ledger.remote: name a git remote, such as `origin`, or say `none`",
        ),
        (
            "  alice: {",
            "  session: {",
            "people.session: `session` names the signatures of a deployment's session: choose another name",
        ),
        ("keys: [\"KEY-4\"]", "keys: []", "people.carol.keys: `carol` needs at least one key"),
        (
            "KEY-4",
            "KEY-1",
            "people.carol.keys[0]: this key is also `alice`'s: a key belongs to one person, and is one vote",
        ),
        (
            "carol@shop.example",
            "ALICE@shop.example",
            "people.carol.emails[0]: this address is also `alice`'s: whose commit it is would be a guess",
        ),
        (
            "{ production: [request] }",
            "{ prodction: [request] }",
            "roles.orchestrator.prodction: there is no environment `prodction`; did you mean `production`?",
        ),
        (
            "{ junit: [\"reports/unit/*.xml\"] }",
            "{ junit: [] }",
            "checks.unit.junit: name at least one glob of reports",
        ),
        (
            "{ junit: [\"reports/unit/*.xml\"] }",
            "{ junit: [\"reports/{\"] }",
            "checks.unit.junit[0]: `reports/{` is not a glob",
        ),
        (
            "{ junit: [\"reports/unit/*.xml\"] }",
            "{ tap: [] }",
            "checks.unit.tap: name at least one glob of reports",
        ),
        (
            "{ junit: [\"reports/unit/*.xml\"] }",
            "{ junit: [\"a\"], timeout: 1m }",
            "checks.unit.timeout: only a check that runs a command has a timeout",
        ),
        (
            "{ junit: [\"reports/unit/*.xml\"] }",
            "{ run: [] }",
            "checks.unit.run: name the program and its arguments, such as `[\"./ops/release.sh\"]`",
        ),
        (
            "{ junit: [\"reports/unit/*.xml\"] }",
            "{ role: q }",
            "checks.unit.role: there is no role `q`; did you mean `qa`?",
        ),
        (
            "signoff: design",
            "signoff: desing",
            "checks.design-review.signoff: nobody is in the group `desing`; did you mean `design`?",
        ),
        (
            "when_changed: [\"web/**\"]",
            "when_changed: []",
            "checks.design-review.when_changed: no path would ever need the check: name at least one glob",
        ),
        (
            "when_changed: [\"web/**\"]",
            "when_changed: [\"a\", \"[\"]",
            "checks.design-review.when_changed[1]: `[` is not a glob",
        ),
        (
            "when_changed: [\"web/**\"]",
            "when_changed: [\"web\", \"/web/**\"]",
            "checks.design-review.when_changed[1]: `/web/**` matches no path: paths begin at the top of the repository, \
             such as `services/api/**`",
        ),
        (
            "name: integration, branch: main, checks: [unit]",
            "name: integration, checks: []",
            "stages[1].checks: a stage without checks would pass by itself: name one",
        ),
        (
            "name: integration, branch: main, checks: [unit]",
            "name: integration, checks: [unti]",
            "stages[1].checks[0]: there is no check `unti`; did you mean `unit`?",
        ),
        (
            "branch: main, checks: [unit]",
            "environment: stagin, checks: [unit]",
            "stages[1].environment: there is no environment `stagin`; did you mean `staging`?",
        ),
        (
            "requires: [development, integration]",
            "requires: [develpment]",
            "environments.production.requires[0]: there is no stage `develpment`; did you mean `development`?",
        ),
        (
            "requires: [development, integration]",
            "deployment: automatic",
            "environments.production.deployment: only people deploy to production: `human` is the only value here",
        ),
        (
            "requires: [development, integration]",
            "pass_environment: [HOME-DIR]",
            "environments.production.pass_environment[0]: `HOME-DIR` is not a variable's name",
        ),
        (
            "requires: [development, integration]",
            "pass_environment: [A, LD_PRELOAD]",
            "environments.production.pass_environment[1]: `LD_PRELOAD` would change what the approved commands run: it cannot be passed",
        ),
        (
            "requires: [development, integration]",
            "monitoring: { watch: soon }",
            "environments.production.monitoring.watch: `soon` is not a duration, such as `90s`, `15m` or `4h`",
        ),
        (
            "requires: [development, integration]",
            "monitoring: { watch: 8s }",
            "environments.production.monitoring.watch: `8s` is not whole minutes: say `1m` or more, without seconds",
        ),
        (
            "timeout: 10m",
            "timeout: 1500ms",
            "environments.production.steps[0].timeout: `1500ms` is not whole seconds, such as `90s`, `15m` or `4h`",
        ),
        (
            "requires: [development, integration]",
            "windows: { timezone: Mars/Base }",
            "environments.production.windows.timezone: `Mars/Base` is not a time zone, such as `Europe/Berlin`",
        ),
        (
            "requires: [development, integration]",
            "windows: { allow: [{ hours: nine-five }] }",
            "environments.production.windows.allow[0].hours: `nine-five` is not a span of hours, such as `09:00-16:00`",
        ),
        (
            "steps: [{ name: release, run: [\"./release\"], timeout: 10m }]",
            "steps: []",
            "environments.production.steps: say what deploying runs",
        ),
        (
            "timeout: 10m",
            "timeout: 0s",
            "environments.production.steps[0].timeout: `0s` is not between a second and a year",
        ),
        (
            "timeout: 10m",
            "timeout: 2000000000000y",
            "environments.production.steps[0].timeout: `2000000000000y` is not a duration, such as `90s`, `15m` or `4h`",
        ),
        (
            "run: [\"./release\"], timeout: 10m",
            "run: [\"\"]",
            "environments.production.steps[0].run: name the program and its arguments, such as `[\"./ops/release.sh\"]`",
        ),
        (
            "run: [\"./release\"], timeout: 10m",
            "run: [\"a\", \"\\0\"]",
            "environments.production.steps[0].run: an argument cannot hold a NUL",
        ),
        (
            "name: release, run: [\"./release\"], timeout: 10m",
            "name: a b, run: [x]",
            "environments.production.steps[0].name: a step's name is 1 to 64 letters, digits, `-`, `_` or `.`",
        ),
        (
            "{ name: release, run: [\"./release\"], timeout: 10m }",
            "{ name: a, run: [x] }, { name: a, run: [y] }",
            "environments.production.steps[1].name: the step `a` is there twice",
        ),
        (
            "steps: [{ name: back, run: [\"./back\"], timeout: 5m }]",
            "steps: []",
            "environments.production.rollback.steps: say what rolling back runs",
        ),
        (
            "    rollback:\n",
            "    rollback:\n      on_trigger: rollback\n",
            "environments.production.rollback.on_trigger: `rollback` needs `health`: without it there is no trigger",
        ),
        (
            "staging: { steps: [] }",
            "staging: { steps: [], rollback: { on_trigger: rollback, steps: [{ name: back, run: [x] }] } }",
            "environments.staging.rollback.on_trigger: nobody approves here, so nothing allows a session to roll back by itself",
        ),
        (
            approvals,
            "required: 0, from: [release]",
            "environments.production.approvals.required: at least one person approves: say 1 or more",
        ),
        (
            approvals,
            "required: 3, from: [release]",
            "environments.production.approvals.required: 3 must approve, and only 2 can",
        ),
        (
            approvals,
            "from: []",
            "environments.production.approvals.from: say who approves: an empty set would refuse everything",
        ),
        (
            approvals,
            "from: [relaese]",
            "environments.production.approvals.from[0]: `relaese` is neither a person nor a group with somebody in it; did you mean `release`?",
        ),
        (
            approvals,
            "from: [release], decide_within: 1 fortnight",
            "environments.production.approvals.decide_within: `1 fortnight` is not a duration, such as `90s`, `15m` or `4h`",
        ),
        (
            "staging: { steps: [] }",
            "staging: { approvals: { from: [release] } }",
            "environments.staging.approvals: approvals count where `deployment: human` says that people deploy",
        ),
        (
            "    approvals: { required: 1, from: [release], not: [requester] }\n",
            "",
            "environments.production: `production` is deployed by people: say who approves, with `approvals`",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(one(from, to), expected);
    }
}

#[test]
fn a_scanner_names_what_it_answers_and_for_which_lockfiles() {
    let with = |check: &str| {
        checked(&config(&[("checks:\n", &format!("checks:\n  audit: {{ run: [x], {check} }}\n"))]))
    };
    let rule = |check: &str| with(check).unwrap().checks[&"audit".parse().unwrap()].scans.clone();
    assert!(rule("timeout: 1m").is_none());
    let one = rule("scans: security").unwrap();
    assert_eq!((one.answers, one.lockfiles.is_none()), ([Scan::Security].into(), true));
    let two = rule("scans: [license, security], lockfiles: [\"web/*\"]").unwrap();
    assert_eq!(two.answers, [Scan::Security, Scan::License].into());
    let globs = two.lockfiles.unwrap();
    assert_eq!([globs.is_match("web/yarn.lock"), globs.is_match("Cargo.lock")], [true, false]);
    for (check, problem) in [
        ("scans: []", "checks.audit.scans: name what it scans for: `security`, `license` or both"),
        ("lockfiles: [\"*\"]", "checks.audit.lockfiles: only a check with `scans` is about lockfiles"),
        (
            "scans: license, lockfiles: []",
            "checks.audit.lockfiles: no lockfile would ever be scanned: name at least one glob",
        ),
        ("scans: license, lockfiles: [\"{\"]", "checks.audit.lockfiles[0]: `{` is not a glob"),
    ] {
        let problems = with(check).unwrap_err();
        let lines: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.path, p.message)).collect();
        assert_eq!(lines, [problem], "{check}");
    }
    let text = config(&[("checks:\n", "checks:\n  audit: { run: [x], scans: licence }\n")]);
    let message = RawPolicy::parse(text.as_bytes()).unwrap_err().message;
    assert!(message.contains("unknown variant `licence`"), "{message}");
    assert!(message.ends_with("; did you mean `license`?"), "{message}");
}

#[test]
fn lists_that_would_switch_the_search_for_migrations_off_are_refused() {
    let more = |text: &str| {
        let problems = checked(&format!("{}{text}\n", config(&[]))).unwrap_err();
        let lines = problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message));
        lines.collect::<Vec<_>>()
    };
    let never = "no migration would ever be found: name at least one, or leave the key out";
    assert_eq!(more("migrations: { presets: [] }"), [format!("migrations.presets: {never}")]);
    assert_eq!(more("migrations: { paths: [] }"), [format!("migrations.paths: {never}")]);
    assert_eq!(
        more("migrations: { presets: [sqlx], paths: [\"db/**\"] }"),
        ["migrations.presets: say `presets` or `paths`, not both: one would not be looked for"]
    );
    assert_eq!(
        more("migrations: { presets: [sqlxx] }"),
        ["migrations.presets[0]: there is no migration preset `sqlxx`; did you mean `sqlx`?"]
    );
    assert_eq!(more("migrations: { paths: [\"{\"] }"), ["migrations.paths[0]: `{` is not a glob"]);
    assert_eq!(more("versions: { tag: \"{\" }"), ["versions.tag: `{` is not a glob"]);
}

#[test]
fn keys_that_cannot_sign_are_refused_with_the_line_that_makes_one() {
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==";
    assert_eq!(
        one("KEY-4", rsa),
        "people.carol.keys[0]: `ssh-rsa` keys cannot sign here: make one that can with `ssh-keygen -t ed25519`"
    );
    let found = one("KEY-4", "nonsense");
    assert!(found.starts_with("people.carol.keys[0]: `nonsense` is not an OpenSSH public key"), "{found}");
    let doubled = one("keys: [\"KEY-4\"]", "keys: [\"KEY-4\", \"KEY-4 another comment\"]");
    assert!(doubled.starts_with("people.carol.keys[1]: this key is also `carol`'s"), "{doubled}");
}

#[test]
fn every_problem_is_told_at_once() {
    let found = problems(&[
        ("schema: 1", "schema: 2"),
        ("timeout: 10m", "timeout: x"),
        ("required: 1", "required: 0"),
    ]);
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn a_check_is_known_in_exactly_one_way() {
    let exactly = "checks.unit: a check has exactly one of `junit`, `tap`, `run`, `role` and `signoff`";
    for source in [
        "{ title: x }",
        "{ junit: [a], run: [b] }",
        "{ junit: [a], tap: [b] }",
        "{ role: qa, signoff: release }",
    ] {
        assert_eq!(problems(&[("{ junit: [\"reports/unit/*.xml\"] }", source)])[0], exactly);
    }
}

#[test]
fn the_quorum_of_the_policy_is_everybody_who_approves_and_the_highest_number() {
    let policy = checked(&config(&[(
        "approvals: { required: 1, from: [release], not: [] }",
        "approvals: { required: 2, presence: touch, from: [carol, bob] }",
    )]))
    .unwrap();
    let (people, required) = policy.policy_quorum();
    let people: Vec<&str> = people.iter().map(PersonName::as_str).collect();
    assert_eq!((people, required), (vec!["alice", "bob", "carol"], 2));
    let counts = |name: &str, touch| policy.counts_for_policy(&name.parse().unwrap(), &proof(touch));
    assert!(counts("alice", None), "alice approves where a passphrase is enough");
    assert!(!counts("bob", None));
    assert!(!counts("bob", Some((false, true))));
    assert!(counts("bob", Some((true, false))));
    assert!(!counts("dave", Some((true, true))), "who approves nothing does not count");
}

#[test]
fn people_are_found_by_key_and_by_address_without_case() {
    let policy = checked(&config(&[])).unwrap();
    assert_eq!(policy.person_of(&touch_key(3)).unwrap().as_str(), "bob");
    assert_eq!(policy.person_of(&key(9)), None);
    assert_eq!(policy.person_by_email("Alice@Shop.Example").unwrap().as_str(), "alice");
    assert_eq!(policy.person_by_email(""), None);
}

#[test]
fn variables_that_choose_what_runs_are_not_passed() {
    for name in [
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "DEPLOYCTL_VERSION",
        "BASH_ENV",
        "ENV",
        "PATH",
        "",
        "1A",
        "A=B",
        "A B",
        "Ä",
    ] {
        assert!(bad_variable(name).is_some(), "{name}");
    }
    for name in ["AWS_PROFILE", "_x", "KUBECONFIG", "A1"] {
        assert_eq!(bad_variable(name), None);
    }
}

#[test]
fn a_suggestion_is_near_or_nothing() {
    assert_eq!(nearest("prodution", ["staging", "production"].into_iter()), "; did you mean `production`?");
    assert_eq!(nearest("xyz", ["staging", "production"].into_iter()), "");
}

#[test]
fn an_empty_file_and_an_empty_policy_are_none() {
    for text in ["", "{}", "[]", "null", "schema: 1"] {
        assert!(RawPolicy::parse(text.as_bytes()).is_err(), "{text}");
    }
    let text = "schema: 1\nproject: x\nenvironments: {}\n";
    let problems = Policy::check(RawPolicy::parse(text.as_bytes()).unwrap(), text.as_bytes()).unwrap_err();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["people", "environments"]);
}

mod machines {
    use super::*;

    const RUNNER: &str = "machines:\n  ci-runner: { keys: [\"KEY-8\"] }\nroles:\n";
    const SIGNED: (&str, &str) = (
        "unit: { junit: [\"reports/unit/*.xml\"] }",
        "unit: { junit: [\"reports/unit/*.xml\"], signed_by: [ci-runner] }",
    );

    fn with(machines: &str, check: &str) -> Vec<String> {
        problems(&[("roles:\n", machines), (SIGNED.0, check)])
    }

    #[test]
    fn a_check_names_the_machines_that_must_have_signed() {
        let policy = checked(&config(&[("roles:\n", RUNNER), SIGNED])).unwrap();
        let rule = &policy.checks[&"unit".parse().unwrap()];
        let names: Vec<&str> = rule.signed_by.iter().flatten().map(|name| name.as_str()).collect();
        assert_eq!(names, ["ci-runner"]);
        assert_eq!(policy.machine_of(&key(8)).map(|name| name.as_str()), Some("ci-runner"));
        assert_eq!(policy.person_of(&key(8)), None);
        assert_eq!(policy.machine_of(&key(1)), None, "a person is no machine");
        let without = checked(&config(&[])).unwrap();
        assert_eq!(without.checks[&"unit".parse().unwrap()].signed_by, None);
    }

    #[test]
    fn a_machine_is_no_person_and_has_keys_of_its_own() {
        let found = |machines: &str| problems(&[("roles:\n", &format!("machines:\n{machines}roles:\n"))]);
        assert_eq!(
            found("  alice: { keys: [\"KEY-8\"] }\n"),
            ["machines.alice: `alice` is a person: choose another name"]
        );
        assert_eq!(found("  ci: { keys: [] }\n"), ["machines.ci.keys: `ci` needs at least one key"]);
        assert_eq!(
            found("  ci: { keys: [\"KEY-1\"] }\n"),
            [
                "machines.ci.keys[0]: this key is also `alice`'s: a key belongs to one machine, or to one person"
            ]
        );
        assert_eq!(
            found("  ci: { keys: [\"KEY-8\"] }\n  cj: { keys: [\"KEY-8\"] }\n"),
            ["machines.cj.keys[0]: this key is also `ci`'s: a key belongs to one machine, or to one person"]
        );
        assert_eq!(found("  ci: { keys: [\"ssh-rsa AAAA\"] }\n").len(), 1);
    }

    #[test]
    fn who_must_sign_is_a_machine_and_somebody() {
        assert_eq!(
            with(RUNNER, "unit: { junit: [\"r/*.xml\"], signed_by: [ci-runer] }"),
            ["checks.unit.signed_by[0]: there is no machine `ci-runer`; did you mean `ci-runner`?"]
        );
        assert_eq!(
            with(RUNNER, "unit: { junit: [\"r/*.xml\"], signed_by: [] }"),
            ["checks.unit.signed_by: name at least one of `machines`: no evidence would ever count"]
        );
        assert_eq!(
            with(RUNNER, "unit: { signoff: release, signed_by: [ci-runner] }"),
            ["checks.unit.signed_by: a person signs this check: no machine can"]
        );
    }
}
