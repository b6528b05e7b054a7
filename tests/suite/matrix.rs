//! The workflow document's tables through the program itself: the rights of the roles, what agents can and cannot do, and
//! `explain`, which says why. Every cell is judged beside the gate; here is what is cheap to run.

use serde_json::{Value, json};

use crate::house::{House, POLICY};

/// Design section 9: the roles, and the three environments.
const ROLES: &str = "roles:
  backend-specialist:  { development: [check, deploy] }
  frontend-specialist: { development: [check, deploy] }
  database-specialist: { development: [check, deploy] }
  qa-specialist:       { development: [check, deploy], staging: [check, deploy] }
  docs-specialist:     { development: [check] }
  orchestrator:        { development: [check, deploy, request], staging: [request], production: [request] }
  ci:                  { development: [check, deploy], staging: [check, deploy] }
";

const PLACES: &str = r#"environments:
  development:
    steps: [{ name: release, run: ["./ops/release.sh"], timeout: 1m }]
  staging:
    branch: main
    steps: [{ name: release, run: ["./ops/release.sh"], timeout: 1m }]
"#;

fn founded() -> House {
    let house = House::new();
    let (before, rest) = POLICY.split_once("roles:\n").expect("roles");
    let (_, rest) = rest.split_once("checks:\n").expect("checks");
    let rules = format!("{before}{ROLES}\nchecks:\n{rest}");
    let rules = rules.replace("environments:\n  staging:\n    deployment: automatic\n", PLACES);
    house.config(&rules);
    house.person("alice").signs_policy();
    house
}

/// Each role, and the exit codes of deploying to development, staging and production, and of requesting for them.
const MATRIX: [(&str, [i32; 3], [i32; 3]); 8] = [
    ("backend-specialist", [0, 3, 4], [3, 3, 3]),
    ("frontend-specialist", [0, 3, 4], [3, 3, 3]),
    ("database-specialist", [0, 3, 4], [3, 3, 3]),
    ("qa-specialist", [0, 0, 4], [3, 3, 3]),
    ("docs-specialist", [3, 3, 4], [3, 3, 3]),
    ("orchestrator", [0, 3, 4], [0, 0, 0]),
    ("ci", [0, 0, 4], [3, 3, 3]),
    ("unknown-agent", [3, 3, 4], [3, 3, 3]),
];

const PLACES_IN_ORDER: [&str; 3] = ["development", "staging", "production"];

#[test]
fn who_may_deploy_and_who_may_request() {
    let house = founded();
    let id = house.requests();
    house.person("alice").approves(&id);
    for (role, deploys, requests) in MATRIX {
        for (place, exit) in PLACES_IN_ORDER.into_iter().zip(deploys) {
            // What people approved and only people execute: the strictest place is really asked.
            let dry: &[&str] = if place == "production" { &[] } else { &["--dry-run"] };
            let what: &[&str] = if place == "production" { &[&id] } else { &[] };
            let words = [&["deploy", place, "--as", role], what, dry].concat();
            house.run(words).env("CI", "true").any_stdout().any_stderr().exit(exit);
        }
        for (place, exit) in PLACES_IN_ORDER.into_iter().zip(requests) {
            let words = ["request", "v1.4.0", "-e", place, "--as", role];
            house.run(words).any_stdout().any_stderr().exit(exit);
        }
    }
    assert_eq!(house.live("version"), None);
}

#[test]
fn who_may_record_evidence() {
    let house = founded();
    for (role, exit) in [("backend-specialist", 0), ("docs-specialist", 0), ("ci", 0), ("unknown-agent", 3)] {
        house.run(["check", "unit", "--as", role]).any_stdout().any_stderr().exit(exit);
    }
}

#[test]
fn agents_can_prepare_deployment_packages() {
    let house = founded();
    let words = ["request", "v1.4.0", "--as", "orchestrator", "-o", "package", "--json"];
    house.run(words).any_stdout().exit(0);
    for name in ["request.json", "request.md", "checklist.md", "evidence.json"] {
        assert!(house.project().join("package").join(name).is_file(), "{name}");
    }
}

#[test]
fn agents_can_create_deployment_checklists() {
    let house = founded();
    let page = house.run(["checklist", "v1.4.0", "--as", "orchestrator"]).any_stdout().exit(0).stdout;
    assert!(page.starts_with("## Deployment Checklist\n\n**Version**: v1.4.0\n"), "{page}");
}

#[test]
fn agents_can_request_deployment_approval() {
    let house = founded();
    let asks = house.run(["request", "v1.4.0", "--as", "orchestrator", "--json"]).any_stdout().exit(0).json();
    assert_eq!(asks["status"], json!("AWAITING HUMAN APPROVAL"));
}

#[test]
fn agents_can_monitor_after_a_deployment() {
    let (house, _) = House::deployed();
    let status = house.run(["status", "--as", "orchestrator", "--json"]).any_stdout().exit(0).json();
    assert_eq!(status["environments"]["production"]["live"]["version"], json!("v1.4.0"));
    house.run(["history", "--as", "orchestrator"]).any_stdout().exit(0);
}

/// An agent is refused, a person is required, and nothing ran.
#[track_caller]
fn hands_over(house: &House, words: &[&str]) {
    let before = (house.live("journal"), house.git(["rev-parse", "deployctl/ledger"]));
    for role in ["orchestrator", "backend-specialist", "ci", "unknown-agent"] {
        let words = words.iter().copied().chain(["--as", role, "--json"]);
        let answer = house.run(words).env("CI", "true").any_stdout().any_stderr().exit(4).json();
        assert_eq!(answer["human_required"], json!(true));
    }
    assert_eq!((house.live("journal"), house.git(["rev-parse", "deployctl/ledger"])), before);
}

#[test]
fn agents_cannot_execute_deployment_commands() {
    let (house, id) = House::approved();
    hands_over(&house, &["deploy", "production", &id]);
    hands_over(&house, &["approve", &id]);
}

/// Production's commands run in one place only, behind a person's signature: no other command of a role starts one.
#[test]
fn agents_cannot_access_production_systems() {
    let (house, id) = House::approved();
    for words in [
        &["check", "unit", "--as", "qa-specialist"][..],
        &["deploy", "production", &id, "--dry-run"],
        &["rollback", "production", "--reason", "no", "--dry-run"],
        &["status", "-e", "production"],
    ] {
        let exit = if words[0] == "rollback" { 3 } else { 0 };
        house.run(words.iter().copied()).any_stdout().any_stderr().exit(exit);
    }
    assert_eq!((house.live("version"), house.live("journal")), (None, None));
}

#[test]
fn agents_cannot_modify_production_databases() {
    let (house, id) = House::approved();
    hands_over(&house, &["deploy", "production", &id]);
    assert_eq!(house.live("schema"), None, "a migration ran");
    let said = explains(&founded(), ["database-specialist", "migrate", "production"], 4);
    assert_eq!(said["verdict"], json!("person"));
}

#[test]
fn agents_cannot_roll_back_production_changes() {
    let (house, _) = House::deployed();
    hands_over(&house, &["rollback", "production", "--reason", "checkout fails"]);
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
}

#[track_caller]
fn explains(house: &House, words: [&str; 3], exit: i32) -> Value {
    house.run(["explain"].into_iter().chain(words).chain(["--json"])).any_stdout().exit(exit).json()
}

#[test]
fn explain_names_every_rule_for_who_writes_them() {
    let house = founded();
    let said = "\
no: may `docs-specialist` deploy to `staging`?
by `deployctl.yaml`, which is the signed policy
  ✓ roles.docs-specialist            the policy knows the role `docs-specialist`
  ✓ environments.staging.deployment  `staging` is automatic: roles deploy it within their rights
  ✗ roles.docs-specialist.staging    the role has no right `deploy` in `staging`: it has none there
judged at the time
  · environments.staging.branch      the branch `main` must hold the commit
";
    house.run(["explain", "docs-specialist", "deploy", "staging"]).stdout(said).exit(3);
    let yes = explains(&house, ["qa-specialist", "deploy", "staging"], 0);
    assert_eq!((&yes["verdict"], &yes["signed"]), (&json!("allowed"), &json!(true)));
    assert_eq!(
        yes["rules"][2],
        json!({ "rule": "the role has the right `deploy` in `staging`", "verdict": "allows", "policy": "roles.qa-specialist.staging" })
    );
    let person = explains(&house, ["orchestrator", "deploy", "production"], 4);
    assert_eq!((&person["verdict"], &person["human_required"]), (&json!("person"), &json!(true)));
    assert_eq!(explains(&house, ["alice", "approve", "production"], 0)["verdict"], json!("allowed"));
}

#[test]
fn explain_says_whether_anybody_signed_the_rules() {
    let house = founded();
    let rules = std::fs::read_to_string(house.project().join("deployctl.yaml")).expect("rules");
    house.write(
        "deployctl.yaml",
        &rules.replace(
            "docs-specialist:     { development: [check] }",
            "docs-specialist: { staging: [deploy] }",
        ),
    );
    let shown = house.run(["explain", "docs-specialist", "deploy", "staging"]).any_stdout().exit(0).stdout;
    assert!(
        shown.contains("\nby `deployctl.yaml`, which is NOT signed as it is: it changes nothing yet\n"),
        "{shown}"
    );
    assert_eq!(explains(&house, ["docs-specialist", "deploy", "staging"], 0)["signed"], json!(false));
    house.run(["deploy", "staging", "--as", "docs-specialist"]).any_stderr().exit(3);
    std::fs::remove_file(house.project().join("deployctl.yaml")).expect("rules");
    let shown = house.run(["explain", "docs-specialist", "deploy", "staging"]).any_stdout().exit(3).stdout;
    assert!(shown.contains("\nby the signed policy; there is no `deployctl.yaml` here\n"), "{shown}");
    House::empty().run(["explain", "ci", "deploy", "staging"]).any_stderr().exit(1);
    house.run(["explain", "ci", "destroy", "staging"]).any_stderr().exit(2);
}
