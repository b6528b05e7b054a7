//! The rules: none signed yet, edited and not signed, and those of another trust root.

use std::fs;

use super::forge::mark;
use super::{
    founded_with, nothing_runs, refuses, refuses_in_words, refuses_machine, refuses_with, rules, sentence,
};
use crate::house::{House, POLICY};

#[test]
fn policy_unsigned() {
    let house = House::new();
    let expected = &["policy.unsigned"];
    refuses_machine(&house, &["request", "v1.4.0", "--as", "orchestrator"], 4, expected);
    refuses_machine(&house, &["deploy", "production", "v1.4.0", "--dry-run"], 4, expected);
    refuses(&house, "alice", &["approve", "v1.4.0"], 4, expected);
    refuses(&house, "alice", &["deploy", "production"], 4, expected);
    refuses(&house, "alice", &["rollback", "production", "--reason", "no"], 4, expected);
    let refused = "\
refused: deployctl deploy
  ✗ policy.unsigned  no policy is in force: nobody has signed one yet
next: ask a person to run: deployctl approve --policy
";
    refuses_in_words(&house, "alice", &["deploy", "production", "v1.4.0"], 4, refused);
}

#[test]
fn policy_unsigned_by_enough_people() {
    let house = founded_with(&[("required: 1", "required: 2")]);
    let before = house.git(["rev-parse", "deployctl/ledger:deployctl.yaml"]);
    house.config(&rules(&[("required: 1", "required: 1\n      presence: passphrase")]));
    let shown = house.person("alice").signs_policy();
    assert!(shown.contains("it waits for more signatures"), "{shown}");
    // What waits is not in force: a request still pins the rules of before.
    let id = house.requests();
    house.person("alice").approves(&id);
    let answer = refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.quorum"]);
    assert_eq!(sentence(&answer), format!("`{id}` has 1 of 2 approvals"));
    house.person("bob").signs_policy();
    assert_ne!(house.git(["rev-parse", "deployctl/ledger:deployctl.yaml"]), before);
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["request.stale"]);
}

/// The code of each warning.
fn warned(house: &House, arguments: &[&str]) -> Vec<String> {
    let answer = house.run(arguments.iter().copied().chain(["--json"])).any_stdout().exit(0).json();
    let warnings = answer["warnings"].as_array().expect("warnings");
    warnings.iter().map(|warning| warning["code"].as_str().expect("a code").to_owned()).collect()
}

#[test]
fn policy_edited() {
    let (house, id) = House::approved();
    let dry_run = ["deploy", "production", &id, "--dry-run"];
    assert_eq!(warned(&house, &dry_run), Vec::<String>::new());
    let evil = rules(&[(r#"run: ["./ops/release.sh"], timeout"#, r#"run: ["./ops/steal.sh"], timeout"#)]);
    for text in [evil.as_str(), "schema: 1\nprojekt: [\n", ""] {
        house.config(text);
        assert_eq!(warned(&house, &dry_run), ["policy.edited"]);
    }
    fs::remove_file(house.project().join("deployctl.yaml")).unwrap();
    assert_eq!(warned(&house, &dry_run), ["policy.edited"]);
    house.config(&evil);
    let shown = house.person("alice").deploys(&id);
    let warning = "`deployctl.yaml` here differs from the signed policy, which stays in force";
    assert!(shown.contains("policy.edited") && shown.contains(warning), "{shown}");
    // The signed steps ran.
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
    assert!(!shown.contains("steal.sh"), "{shown}");
}

#[test]
fn deployment_failed() {
    let (house, id) = House::approved();
    house.breaks("release");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    let again = ["request", "v1.4.0", "--as", "orchestrator", "--summary", "again"];
    assert_eq!(warned(&house, &again), ["deployment.failed"]);
}

#[test]
fn policy_edited_stands_beside_a_refusal() {
    let (house, id) = House::requested();
    house.config(&POLICY.replace("required: 1", "required: 3"));
    let refused = "\
warning: policy.edited  `deployctl.yaml` here differs from the signed policy, which stays in force
  next: to change the rules, people run: deployctl approve --policy
refused: deployctl deploy
  ✗ approval.missing  nobody has decided about `v1.4.0-[id]` yet
      policy: environments.production.approvals
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
}

#[test]
fn policy_root() {
    let (house, id) = House::approved();
    let stranger = House::new();
    stranger.config(&rules(&[("{alice}", "{mallory}")]));
    let key = stranger.key("mallory").display().to_string();
    stranger.at_terminal(["approve", "--policy", "--key", &key]).signs().exit(0);
    let other = stranger.requests();
    stranger.at_terminal(["approve", &other, "--key", &key]).signs().exit(0);
    // Somebody puts another ledger here, and takes away what was seen of the first. Only the pinned root remains.
    let theirs = stranger.project().display().to_string();
    for branch in ["ledger", "journal"] {
        house.git(["fetch", "--quiet", &theirs, &format!("+deployctl/{branch}:deployctl/{branch}")]);
    }
    fs::remove_file(mark(&house, "high-water.json")).unwrap();
    let refused = "\
warning: policy.edited  `deployctl.yaml` here differs from the signed policy, which stays in force
  next: to change the rules, people run: deployctl approve --policy
refused: deployctl deploy
  ✗ policy.root  this machine knows the trust root [fingerprint], and the ledger has [fingerprint]
next: find out who replaced the ledger before anything is signed or deployed
";
    nothing_runs(&house, || {
        let shown = house.at_terminal([
            "deploy",
            "production",
            &other,
            "--key",
            &house.key("mallory").display().to_string(),
        ]);
        house.same(&shown.exit(4), refused);
    });
    refuses(&house, "mallory", &["deploy", "production", &other], 4, &["policy.root"]);
    refuses(&house, "mallory", &["approve", &other, "--revoke", "--reason", "no"], 4, &["policy.root"]);
    refuses_machine(&house, &["request", "v1.3.0", "--as", "orchestrator"], 4, &["policy.root"]);
    refuses_with(&house, &["deploy", "production", &id, "--dry-run"], 4, &["policy.root", "request.missing"]);
}
