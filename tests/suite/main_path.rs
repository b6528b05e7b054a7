//! The whole path, as one story: from a repository without rules to a rollback that anyone can check.

use std::fs;

use deployctl::gate::statement::Payload;

use crate::house::{House, POLICY};

#[test]
fn from_nothing_to_a_rollback() {
    let house = House::new();
    the_rules_are_written_and_signed(&house);
    let id = the_orchestrator_asks(&house);
    house.clock("2026-11-23T10:20:00Z");
    bob_approves(&house, &id);
    house.clock("2026-11-23T10:30:00Z");
    alice_deploys(&house, &id);
    house.clock("2026-11-23T11:00:00Z");
    bob_rolls_back(&house, &id);
    the_records_hold(&house);
}

fn the_rules_are_written_and_signed(house: &House) {
    fs::remove_file(house.project().join("deployctl.yaml")).unwrap();
    house.key("alice");
    let wrote = "\
wrote `[project]/deployctl.yaml`
found lockfiles: `Cargo.lock`
found migrations: `sqlx`
found test reports: `reports/unit/*.xml` and `reports/integration/*.xml`
found a deploy tool: `ops/release.sh`
next: read it, change what is wrong, then a person runs: deployctl approve --policy
";
    house.run(["init"]).env("USER", "alice").stdout(wrote).exit(0);
    let shown = house.person("alice").signs_policy();
    let founded = "\
founded the ledger of project
trust root: [fingerprint]
tell the root to your colleagues: their clones show it at their first signature
next: deployctl request VERSION --as ROLE
";
    house.ends(&shown, founded);
    house.config(POLICY);
    let warning = "\
warning: policy.edited  `deployctl.yaml` here differs from the signed policy, which stays in force
  next: to change the rules, people run: deployctl approve --policy
";
    house.run(["status"]).stdout(&status("project · policy 1", NOTHING, "")).stderr(warning).exit(0);
    let shown = house.person("alice").signs_policy();
    house.ends(&shown, "policy 2 is in force\nnext: deployctl request VERSION --as ROLE\n");
}

/// What `status` says before anything was deployed.
const NOTHING: &str = "production: nothing recorded yet\nnext: deployctl request VERSION --as ROLE\n";

/// What `status` says; the reports are so old by then, and the rules that `init` wrote have no stages.
fn status(policy: &str, rest: &str, age: &str) -> String {
    let (environment, next) = rest.split_at(rest.find("next: ").unwrap());
    let stages = format!(
        "\
stages of HEAD ([id])
  development: passed · unit 12/12 passed (reports/unit/*.xml · {age})
  integration: passed · integration 3/3 passed (reports/integration/*.xml · {age})
"
    );
    let stages = if age.is_empty() { "" } else { &stages };
    let records =
        "records in this clone only · assurance L1\ntrust root [fingerprint] (pinned in this clone)";
    format!("{policy} · {records}\n{environment}{stages}{next}")
}

const CHECKLIST: &str = r"## Deployment Checklist

**Version**: v1.4.0
**Date**: 2026-11-23
**Prepared By**: orchestrator
**Open**: 8 things need you

### Changes Included
2 commits by 1 author, 5 files changed, since v1.3.0, which the caller named

Authors: Dana

#### Features
- [x] feat(cart): totals in the cart · [id]

#### Fixes
- [x] fix(cart): round to cents · [id]

### Tests Passed
- [x] Unit tests: 12/12 passed · reports/unit/\*.xml · 14 min ago · [id]
- [x] Integration tests: 3/3 passed · reports/integration/\*.xml · 14 min ago · [id]
- [ ] E2E tests: no evidence — the policy has no check 'e2e'

### Database Changes
- [x] Migration: 20261101_totals.up.sql · migrations, added, sqlx, reversible
  - [ ] Tested rollback — '20261101_totals.down.sql' goes back, which drops a column and its new data; no try is recorded
  - [ ] Backup verified — no fact can know it

### Dependencies
- [x] New dependency: rounding 0.3.1 · Cargo.lock
  - [ ] Security scanned — no scanner is configured ('scans: security' on a check)
  - [ ] License verified — no scanner is configured ('scans: license' on a check)

### Breaking Changes
- [ ] None — 0 of 2 commits carry a mark; 100 % follow Conventional Commits

### Rollback Plan
- [x] Rollback command: deployctl rollback production --reason TEXT · back to v1.3.0 ([id]) · runs ./ops/release.sh --previous, then ./ops/migrate.sh down
- [x] Database rollback: 20261101_totals.up.sql · the database can go back: ./ops/migrate.sh down
- [x] Estimated rollback time: 5 min

### Monitoring
- [x] Alerts configured: errors
- [ ] Dashboards updated: overview — no fact can know it
- [ ] On-call notified: alice — no fact can know it
";

fn the_orchestrator_asks(house: &House) -> String {
    let asks = ["v1.4.0", "--as", "orchestrator", "--since", "v1.3.0"];
    house.run(["checklist"].into_iter().chain(asks)).stdout(CHECKLIST).exit(0);
    let asks = || ["request"].into_iter().chain(asks).chain(["--summary", "Totals in the cart"]);
    let waits = "\
requested v1.4.0-[id]
status: AWAITING HUMAN APPROVAL · open: 8 things
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    house.run(asks()).stdout(waits).exit(0);
    let again = house.run(asks().chain(["--json"])).json(|answer| assert_eq!(answer["created"], false));
    again.exit(0).json()["id"].as_str().unwrap().to_owned()
}

const REVIEW: &str = "\
storefront · v1.4.0-[id] · deploy v1.4.0 to production

  Summary      Totals in the cart
  Asked by     orchestrator (`--as`), 2026-11-23 10:00 UTC
  Commit       [commit]  tree [id]
  Since        v1.3.0 ([id]), as the request says: nothing is recorded
  Changes      2 commits by 1 author, 5 files changed, 1 new dependency, 0 declared breaking
  Database     1 migration, all known to be reversible
  Tests        e2e no evidence · Integration tests passed · Unit tests passed, as orchestrator reports
  Risk         Medium · Routine · impact: not stated
  Mitigation   not stated
  Window       always open
  Rollback     to v1.3.0, about 5 min; the database goes back too
  Watch        15 minutes after it
  Approval     1 of release; not the requester; decide by 2026-11-24 10:00 UTC
  Digests      request [id] · checklist [id] · evidence [id] · policy [id]

  8 things need you:
    [ ] E2E tests: no evidence — the policy has no check 'e2e'
    [ ] Tested rollback · Migration: 20261101_totals.up.sql — '20261101_totals.down.sql' goes back, which drops a column and its new data; no try is recorded
    [ ] Backup verified · Migration: 20261101_totals.up.sql — no fact can know it
    [ ] Security scanned · New dependency: rounding 0.3.1 — no scanner is configured ('scans: security' on a check)
    [ ] License verified · New dependency: rounding 0.3.1 — no scanner is configured ('scans: license' on a check)
    [ ] No breaking changes — 0 of 2 commits carry a mark; 100 % follow Conventional Commits
    [ ] Dashboards updated: overview — no fact can know it
    [ ] On-call notified: alice — no fact can know it

1/8 E2E tests: no evidence — the policy has no check 'e2e'
    Do you answer for this? [y/n] y
2/8 Tested rollback · Migration: 20261101_totals.up.sql — '20261101_totals.down.sql' goes back, which drops a column and its new data; no try is recorded
    Do you answer for this? [y/n] y
3/8 Backup verified · Migration: 20261101_totals.up.sql — no fact can know it
    Do you answer for this? [y/n] y
4/8 Security scanned · New dependency: rounding 0.3.1 — no scanner is configured ('scans: security' on a check)
    Do you answer for this? [y/n] y
5/8 License verified · New dependency: rounding 0.3.1 — no scanner is configured ('scans: license' on a check)
    Do you answer for this? [y/n] y
6/8 No breaking changes — 0 of 2 commits carry a mark; 100 % follow Conventional Commits
    Do you answer for this? [y/n] y
7/8 Dashboards updated: overview — no fact can know it
    Do you answer for this? [y/n] y
8/8 On-call notified: alice — no fact can know it
    Do you answer for this? [y/n] y
Type \"approve production v1.4.0 [id]\" to approve: approve production v1.4.0 [id]
Enter passphrase: 
approved v1.4.0-[id] as bob
recorded in the ledger as [id]
next: deployctl deploy production v1.4.0-[id]
";

fn bob_approves(house: &House, id: &str) {
    house.same(&house.person("bob").approves(id), REVIEW);
    let rest = "\
production: nothing recorded yet
  v1.4.0-[id]  approved by bob until 2026-11-23 14:20 UTC
next: a person executes: deployctl deploy production v1.4.0-[id]
";
    house.run(["status"]).stdout(&status("storefront · policy 2", rest, "34 min ago")).exit(0);
}

const DEPLOYMENT: &str = "\
storefront · deploy v1.4.0 in production

  Request      v1.4.0-[id]
  Summary      Totals in the cart
  Commit       [commit]
  Now live     v1.3.0 ([id])
  Files of     [id], written from git into a private directory
  Step 1       migrate: ./ops/migrate.sh up (at most 1 min)
  Step 2       release: ./ops/release.sh (at most 1 min)
  Environment  HOME LANG LC_ALL LOGNAME PATH SHELL TMPDIR TZ USER
               DEPLOYCTL_VERSION=v1.4.0
               DEPLOYCTL_COMMIT=[commit]
               DEPLOYCTL_ENVIRONMENT=production
               DEPLOYCTL_PREVIOUS_VERSION=v1.3.0
               DEPLOYCTL_PREVIOUS_COMMIT=[commit]
               DEPLOYCTL_REQUEST=v1.4.0-[id]
  Way back     deployctl rollback production --reason TEXT

Type \"deploy production v1.4.0 [id]\" to deploy: deploy production v1.4.0 [id]
Enter passphrase: 
▶ 1/2 migrate  ./ops/migrate.sh up
  │ migrated up
✓ migrate in [time]
▶ 2/2 release  ./ops/release.sh
  │ released v1.4.0 to production
✓ release in [time]
production runs v1.4.0
watch it for 15 min
way back to v1.3.0: deployctl rollback production --reason TEXT
";

fn alice_deploys(house: &House, id: &str) {
    // What lies in the work tree is not what was approved.
    house.write("app/total.txt", "1250\n");
    house.write("ops/release.sh", "#!/bin/sh\necho stolen\n");
    house.same(&house.person("alice").deploys(id), DEPLOYMENT);
    house.git(["checkout", "--quiet", "--", "."]);
    let live = |name: &str| house.live(name).unwrap();
    assert_eq!(live("journal"), format!("migrate up for {id}\nrelease v1.4.0 for {id}\n"));
    assert_eq!(live("version"), "v1.4.0\n");
    assert_eq!(live("total"), "12.50\n");
    let files =
        "20260901_carts.down.sql 20260901_carts.up.sql 20261101_totals.down.sql 20261101_totals.up.sql";
    assert_eq!(live("schema").split_whitespace().collect::<Vec<&str>>().join(" "), files);
    let rest = "production: v1.4.0 ([id]) since 2026-11-23 10:30 UTC, by alice\nnext: deployctl request VERSION --as ROLE\n";
    house.run(["status"]).stdout(&status("storefront · policy 2", rest, "44 min ago")).exit(0);
    let table = "\
Date        Version  Type     Status   Rollback  Notes
2026-11-23  v1.4.0   Feature  Success  N/A       Totals in the cart
";
    house.run(["history"]).stdout(table).exit(0);
}

const ROLLBACK: &str = "\
storefront · roll back to v1.3.0 in production

  Request      v1.4.0-[id]
  Commit       [commit]
  Now live     v1.4.0 ([id])
  Files of     [id], written from git into a private directory
  Step 1       release: ./ops/release.sh --previous (at most 1 min)
  Step 2       migrate: ./ops/migrate.sh down (at most 1 min)
  Environment  HOME LANG LC_ALL LOGNAME PATH SHELL TMPDIR TZ USER
               DEPLOYCTL_VERSION=v1.4.0
               DEPLOYCTL_COMMIT=[commit]
               DEPLOYCTL_ENVIRONMENT=production
               DEPLOYCTL_PREVIOUS_VERSION=v1.3.0
               DEPLOYCTL_PREVIOUS_COMMIT=[commit]
               DEPLOYCTL_REQUEST=v1.4.0-[id]
  Your reason  checkout fails
  Database     goes back too: every migration is known to be reversible

Type \"rollback production v1.3.0 [id]\" to roll back: rollback production v1.3.0 [id]
Enter passphrase: 
▶ 1/2 release  ./ops/release.sh --previous
  │ released v1.3.0 to production
✓ release in [time]
▶ 2/2 migrate  ./ops/migrate.sh down
  │ migrated down
✓ migrate in [time]
production runs v1.3.0 again
v1.4.0 is quarantined: what holds its commits or their content is not deployed to production until they are fixed or released
next: write the report: deployctl approve --review [id] --show > report.md
";

fn bob_rolls_back(house: &House, id: &str) {
    house.same(&house.person("bob").rolls_back("checkout fails"), ROLLBACK);
    let journal = house.live("journal").unwrap();
    assert_eq!(
        journal.lines().skip(2).collect::<Vec<&str>>(),
        [format!("release v1.3.0 for {id}"), format!("migrate down for {id}")]
    );
    assert_eq!(house.live("version").unwrap(), "v1.3.0\n");
    let rest = "\
production: v1.3.0 ([id]) since 2026-11-23 11:00 UTC, by bob
  2 commits on HEAD not live yet
  v1.4.0 ([id]) was rolled back and is quarantined
  the report of the rollback of v1.4.0 ([id]) is open since 2026-11-23 11:00 UTC
next: draft the report: deployctl approve --review [id] --show
next: a person answers it and signs: deployctl approve --review [id] --report FILE --reason TEXT
";
    house.run(["status"]).stdout(&status("storefront · policy 2", rest, "1 h ago")).exit(0);
    let table = "\
Date        Version  Type      Status       Rollback  Notes
2026-11-23  v1.3.0   Rollback  Success      N/A       back from v1.4.0: checkout fails
2026-11-23  v1.4.0   Feature   Rolled back  Yes       report open since 2026-11-23; checkout fails
";
    house.run(["history"]).stdout(table).exit(0);
}

fn the_records_hold(house: &House) {
    let holds = "\
ok: 11 entries, each with its place, files and signature
signatures: approval 1, execution 2, outcome 2, policy 2, progress 4; by alice, bob, the sessions of their deployments
policies: 1 by entry 1, 2 by entry 2
executions: 1, approved by as many people as the policy in force asked, and used once; 1 that rests on the approvals of the deployment undone
states: 5 reached again
trust root: [fingerprint], as this clone knows it
newest entry: 11 ([id]), and nothing is missing that this clone has seen
";
    house.run(["history", "--verify"]).stdout(holds).exit(0);
    crate::stranger::finds_that_it_holds(house);
    let signed = [
        "policy by alice",
        "policy by alice",
        "approval by bob",
        "execution by alice",
        "progress by session",
        "progress by session",
        "outcome by session",
        "execution by bob",
        "progress by session",
        "progress by session",
        "outcome by session",
    ];
    assert_eq!(verified_by_openssh(house), signed);
}

/// Checks every signature of the ledger with `ssh-keygen` alone, and answers what was signed by whom, oldest first.
fn verified_by_openssh(house: &House) -> Vec<String> {
    let signers = house.project().join("allowed_signers");
    let exported = house.run(["history", "--allowed-signers"]).any_stdout().exit(0);
    fs::write(&signers, exported.stdout).unwrap();
    let mut signed = Vec::new();
    for commit in house.git(["rev-list", "--reverse", "deployctl/ledger"]).lines() {
        let payload = house.git(["show", &format!("{commit}:payload.json")]);
        let statement = Payload::read(payload.as_bytes()).unwrap().statement;
        for file in house.git(["ls-tree", "--name-only", commit]).lines() {
            let Some(signer) = file.strip_suffix(".sig") else { continue };
            let armored = house.git(["show", &format!("{commit}:{file}")]) + "\n";
            let verify =
                |text: &str| house.ssh_verifies(&signers, signer, statement.namespace(), &armored, text);
            assert!(verify(&payload), "{commit}: {file}");
            assert!(!verify(&payload.replacen("\"at\"", "\"At\"", 1)), "{commit}: {file} signs anything");
            signed.push(format!("{} by {signer}", statement.word()));
        }
    }
    signed
}

#[test]
fn two_machines_share_one_ledger() {
    let house = House::new();
    house.remote();
    house.config(&POLICY.replace("ledger: none", "ledger: { remote: origin }"));
    house.person("alice").signs_policy();
    let id = house.requests();
    let other = house.clone_of();
    other.person("bob").approves(&id);
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
    assert_eq!(other.live("version"), None);
    let live = |house: &House| {
        let answer = house.run(["history", "--json"]).any_stdout().any_stderr().exit(0).json();
        let deployment = &answer["deployments"][0];
        (deployment["version"].clone(), deployment["approved_by"].clone(), deployment["executed_by"].clone())
    };
    assert_eq!(live(&other), ("v1.4.0".into(), vec!["bob"].into(), "alice".into()));
    assert_eq!(live(&house), live(&other));
    for branch in ["deployctl/ledger", "deployctl/journal"] {
        assert_eq!(house.git(["rev-parse", branch]), other.git(["rev-parse", branch]), "{branch}");
    }
}

#[test]
fn a_step_that_breaks_is_told_and_nothing_after_it_runs() {
    let (house, id) = House::approved();
    house.breaks("migrate");
    let shown =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    assert!(shown.contains("  │ migrate is broken\n"), "{shown}");
    assert_eq!(house.live("version"), None);
    house.run(["history", "--verify"]).any_stdout().exit(0);
    house.mends("migrate");
}

#[test]
fn ctrl_c_ends_the_step_and_is_recorded() {
    let (house, id) = House::approved();
    let hold = house.holds("release");
    let deploys = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    deploys.expect("release waits").ctrl_c().expect("[g/s/e] ").answer("e").exit(130);
    hold.lets_go();
    ends_as_interrupted(&house);
}

#[test]
fn a_closed_window_ends_the_step_and_is_recorded() {
    let (house, id) = House::approved();
    let hold = house.holds("release");
    let deploys = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    deploys.expect("release waits").hang_up().exit(130);
    hold.lets_go();
    ends_as_interrupted(&house);
}

/// The records hold, and say at which step it ended; the step did not go on behind anybody's back.
fn ends_as_interrupted(house: &House) {
    house.run(["history", "--verify"]).any_stdout().exit(0);
    let history = house.run(["history", "--json"]).any_stdout().exit(0).json();
    let steps = history["deployments"][0]["steps"].as_array().unwrap().clone();
    let results: Vec<String> =
        steps.iter().map(|step| format!("{} {}", step["step"], step["result"])).collect();
    assert_eq!(results, [r#""migrate" "succeeded""#, r#""release" "interrupted""#]);
    assert_eq!(history["deployments"][0]["failed_step"], "release");
    assert_eq!(house.live("version"), None);
}

#[test]
fn a_killed_deployment_leaves_a_ledger_that_holds() {
    let (house, id) = House::approved();
    let hold = house.holds("release");
    let deploys = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    deploys.expect("release waits").kill().exit(137);
    hold.lets_go();
    house.run(["history", "--verify"]).any_stdout().exit(0);
    let reasons = |code| {
        let again = house.run(["deploy", "production", &id, "--dry-run", "--json"]).any_stdout().exit(code);
        let reasons = again.json()["reasons"].as_array().unwrap().clone();
        reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    house.clock("2026-11-23T10:06:00Z");
    assert_eq!(reasons(7), ["environment.busy"]);
    house.clock("2026-11-23T10:08:00Z");
    assert_eq!(reasons(4), ["deployment.interrupted"]);
}

#[test]
fn init_proposes_tap_where_the_reports_are_tap() {
    for (files, proposed) in [
        (&["reports/unit/a.tap"][..], "  unit: { title: Unit tests, tap: [\"reports/unit/*.tap\"] }\n\n"),
        (&["a.tap"], "  unit: { title: Unit tests, tap: [\"*.tap\"] }\n\n"),
        (
            &["reports/unit/a.xml", "reports/unit/a.tap", "reports/e2e/b.tap"],
            "  e2e: { title: E2E tests, tap: [\"reports/e2e/*.tap\"] }\n  unit: { title: Unit tests, junit: \
             [\"reports/unit/*.xml\"] }\n\n",
        ),
    ] {
        let house = House::empty();
        files.iter().for_each(|file| house.write(file, "1..1\nok 1\n"));
        house.run(["init"]).env("USER", "alice").any_stdout().exit(0);
        let rules = fs::read_to_string(house.project().join("deployctl.yaml")).unwrap();
        let (_, checks) = rules.split_once("JUnit or TAP reports of the commit\n").unwrap();
        assert!(checks.starts_with(proposed), "{files:?}: {checks}");
    }
}

#[test]
fn init_finds_no_reports_where_their_directory_is_empty() {
    let house = House::empty();
    house.write("reports/unit/.gitkeep", "");
    let told = house.run(["init"]).env("USER", "alice").any_stdout().exit(0).stdout;
    assert!(!told.contains("found test reports"), "{told}");
    let rules = house.file("deployctl.yaml");
    assert!(
        rules.contains("junit: [\"reports/unit/*.xml\"] }   # no reports were found: name yours\n"),
        "{rules}"
    );
}
