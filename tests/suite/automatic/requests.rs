//! Requests for an environment that nobody approves.

use std::fs;

use serde_json::json;

use super::{deploys, founded_with, refuses, status};
use crate::house::House;

/// The orchestrator may request there too.
fn founded() -> House {
    let may = "orchestrator: { staging: [request], production: [request] }";
    founded_with(&[("orchestrator: { production: [request] }", may)])
}

#[track_caller]
fn requested(house: &House) -> String {
    let words = ["request", "v1.5.0", "-e", "staging", "--as", "orchestrator", "--json"];
    house.run(words).any_stdout().exit(0).json()["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_role_requests_and_another_deploys_it() {
    let house = founded();
    let asks = house.run(["request", "v1.5.0", "-e", "staging", "--as", "orchestrator", "-o", "package"]);
    let said = "\
requested v1.5.0-[id]
status: AWAITING DEPLOYMENT · open: [count] things
next: a role that may deploys it: deployctl deploy staging v1.5.0-[id] --as ROLE
wrote the package to `package`
";
    let shown = asks.any_stdout().exit(0).stdout;
    let open = shown.split("open: ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a count");
    house.same(&shown.replace(&format!("open: {open} "), "open: [count] "), said);
    let page = fs::read_to_string(house.project().join("package/request.md")).unwrap();
    assert!(page.starts_with("## Staging Deployment Request\n\n**Status**: AWAITING DEPLOYMENT\n"), "{page}");
    let end = "\
### Required Actions
1. Review checklist
2. Deploy, by a role that may
3. Verify smoke tests

---
**ACTION REQUIRED**: a role that may deploys it: deployctl deploy staging v1.5.0-[id] --as ROLE
";
    house.ends(&page, end);
    assert!(!page.contains("HUMAN"), "{page}");
    fs::remove_dir_all(house.project().join("package")).unwrap();
    let id = requested(&house);
    let waits = status(&house);
    assert_eq!(waits["requests"][0]["id"], json!(id));
    let answer = deploys(&house, &[&id], 0);
    assert_eq!((&answer["version"], &answer["request"]["id"]), (&json!("v1.5.0"), &json!(id)));
    assert!(house.live("journal").unwrap().contains(&id), "the steps know the request");
    assert_eq!(status(&house)["requests"], json!([]));
}

#[test]
fn deploying_the_commit_answers_the_request_whatever_names_it() {
    let house = founded();
    let id = requested(&house);
    let answer = deploys(&house, &[], 0);
    assert_eq!(answer["request"]["id"], json!(id));
    assert_eq!(status(&house)["requests"], json!([]));
}

#[test]
fn who_may_not_request_is_refused() {
    let house = founded();
    for role in ["docs-specialist", "ci", "qa-specialist", "nobody-knows-me"] {
        refuses(&house, &["request", "v1.5.0", "-e", "staging", "--as", role], 3, &["role.forbidden"]);
    }
    // To request is not to deploy.
    refuses(&house, &["deploy", "staging", "--as", "orchestrator"], 3, &["role.forbidden"]);
    let lines = house.git(["log", "--format=%s", "deployctl/journal"]);
    assert!(lines.lines().all(|line| line.starts_with("refusal: request staging ")), "{lines}");
}

#[test]
fn nobody_approves_or_rolls_back_where_machines_deploy() {
    let house = founded();
    let id = requested(&house);
    let refused = "\
refused: deployctl approve
  ✗ role.forbidden  `staging` is automatic: nothing is approved there, and nothing is rolled back
      policy: environments.staging.deployment
next: deploy the version that is wanted, also an earlier one: deployctl deploy staging VERSION --as ROLE
";
    house.run(["approve", &id]).stderr(refused).exit(3);
    let shown = house.person("alice").at_terminal(["approve", &id]).exit(3);
    house.same(&shown, refused);
    refuses(&house, &["approve", &id, "--deny", "--reason", "no"], 3, &["role.forbidden"]);
    let back = ["rollback", "staging", "--reason", "no"];
    house.run(back).stderr(&refused.replace("deployctl approve", "deployctl rollback")).exit(3);
    refuses(&house, &["rollback", "staging", "--reason", "no", "--dry-run"], 3, &["role.forbidden"]);
}

#[test]
fn a_name_that_is_neither_a_tag_nor_a_request() {
    let house = founded();
    let answer = refuses(&house, &["deploy", "staging", "v9.9.9", "--as", "ci"], 3, &["request.missing"]);
    assert_eq!(answer["reasons"][0]["message"], json!("there is no tag and no request `v9.9.9`"));
    house
        .run(["deploy", "staging", "v1.4.0", "--commit", "v1.5.0", "--as", "ci"])
        .stderr("error: `v1.4.0` names [id], and `--commit` names [id]\n")
        .exit(1);
}
