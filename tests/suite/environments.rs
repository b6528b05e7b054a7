//! An environment that nobody has: mistyped, and told with those that there are.

use serde_json::json;

use crate::house::House;

const TOLD: &str =
    "error: the policy has no environment `prod`, only `production`, `staging`; did you mean `production`?\n";

#[test]
fn every_command_names_the_environments_that_there_are() {
    let (house, id) = House::deployed();
    let commands: [&[&str]; 15] = [
        &["status", "-e", "prod"],
        &["history", "-e", "prod"],
        &["history", "-e", "prod", "--modifications"],
        &["history", "-e", "prod", "--metrics"],
        &["history", "-e", "prod", "--format", "html"],
        &["history", "-e", "prod", "--format", "in-toto"],
        &["history", "import", "--tags", "-e", "prod"],
        &["monitor", "prod", "--for", "1m"],
        &["explain", "alice", "approve", "prod"],
        &["checklist", "v1.4.0", "-e", "prod"],
        &["request", "v1.4.0", "-e", "prod", "--as", "orchestrator"],
        &["deploy", "prod", &id],
        &["deploy", "prod", &id, "--dry-run"],
        &["rollback", "prod", "--reason", "checkout fails"],
        &["rollback", "prod", "--reason", "checkout fails", "--dry-run"],
    ];
    for words in commands {
        house.run(words.iter().copied()).stderr(TOLD).exit(2);
    }
    let answer = house.run(["status", "-e", "prod", "--json"]).any_stdout().exit(2).json();
    assert_eq!(
        json!([answer["outcome"], answer["environments"]]),
        json!(["usage", ["production", "staging"]])
    );
}

#[test]
fn without_a_signed_policy_that_is_said_instead() {
    let house = House::new();
    let words = ["deploy", "prod", "v1.4.0", "--dry-run", "--json"];
    let answer = house.run(words).any_stdout().exit(4).json();
    assert_eq!(answer["reasons"][0]["code"], "policy.unsigned");
}
