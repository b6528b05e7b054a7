//! An emergency: a severity nobody knows, a stage that may not be skipped, one that nobody declared, a review not signed.

use super::forge::approves;
use super::{refuses, refuses_in_words, refuses_machine, rules, traces};
use crate::emergencies::{P1, Work, house, requested};

#[test]
fn emergency_severity() {
    let house = house(&[("  P2: { definition: Major feature broken, response: 1h }\n", "")]);
    let asks = ["request", "v1.4.0", "--as", "orchestrator", "--urgency", "emergency", "--severity", "P2"];
    let document = refuses_machine(&house, &asks, 3, &["emergency.severity"]);
    assert_eq!(document["reasons"][0]["message"], "the policy knows no emergency of P2");
    assert_eq!(document["reasons"][0]["policy"], "emergency.P2");
    assert_eq!(
        house.run(["status", "--json"]).any_stdout().exit(0).json()["environments"]["production"]["requests"],
        serde_json::json!([])
    );
}

#[test]
fn emergency_severity_without_the_section() {
    let house = super::founded_with(&[]);
    let asks = ["request", "v1.4.0", "--as", "orchestrator", "--urgency", "emergency", "--severity", "p1"];
    refuses_machine(&house, &asks, 3, &["emergency.severity"]);
    assert_eq!(rules(&[]).matches("emergency:").count(), 0);
}

#[test]
fn emergency_skip() {
    let house = house(&[]);
    let asks = |severity, stage| {
        let asks = ["request", "v1.4.0", "--as", "orchestrator", "--urgency", "emergency"];
        asks.into_iter().chain(["--severity", severity, "--skip", stage]).collect::<Vec<_>>()
    };
    let refused = "\
refused: deployctl request
  ✗ emergency.skip  an emergency of P3 may not skip the stage `staging`
      policy: emergency.P3.skip
next: pass the stage, and request again without `--skip`
";
    house.run(asks("P3", "staging")).stderr(refused).exit(3);
    // P1 may skip staging and nothing else, also together with it.
    refuses_machine(&house, &asks("P1", "development"), 3, &["emergency.skip"]);
    refuses_machine(&house, &asks("P1", "staging,integration"), 3, &["emergency.skip"]);
    let document = refuses_machine(&house, &asks("P1", "stagin"), 3, &["emergency.skip"]);
    let near = "an emergency of P1 may not skip the stage `stagin`; did you mean `staging`?";
    assert_eq!(document["reasons"][0]["message"], near);
}

#[test]
fn emergency_undeclared() {
    let house = house(&[("required: 1", "required: 2")]);
    let id = requested(&house, &P1);
    house.person("bob").approves(&id);
    // No screen of ours lets a person approve an emergency without saying it; their key does.
    approves(&house, "alice", |approval| {
        approval.emergency.as_mut().expect("a declaration").skipped.clear();
    });
    let expected = &["approval.quorum", "emergency.undeclared"];
    refuses(&house, "alice", &["deploy", "production", &id], 4, expected);
    let refused = "\
refused: deployctl deploy
  ✗ approval.quorum  `v1.4.0-[id]` has 1 of 2 approvals
      policy: environments.production.approvals.required
  ✗ emergency.undeclared  the approval of `v1.4.0-[id]` by `alice` covers another emergency
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    assert_eq!(traces(&house).executions.len(), 1);
}

#[test]
fn review_owed() {
    let (house, _) = Work::live_emergency();
    house.clock("2026-11-26T10:14:00Z");
    let next = Work::next_version(&house, &[]);
    house.person("bob").approves(&next);
    // In the very moment it is still in time, and only said.
    let shown = house.run(["deploy", "production", &next, "--dry-run"]).any_stdout().exit(0).stdout;
    let warning = "review.owed  the review of the emergency `v1.4.0-";
    assert!(shown.contains(warning), "{shown}");
    house.clock("2026-11-26T10:14:01Z");
    let document = refuses(&house, "alice", &["deploy", "production", &next], 4, &["review.owed"]);
    assert_eq!(document["reasons"][0]["policy"], "emergency.review_within");
    let refused = "\
refused: deployctl deploy
  ✗ review.owed  the review of the emergency `v1.4.0-[id]` (P1) was owed since 2026-11-26 10:14 UTC
      policy: emergency.review_within
next: draft the report: deployctl approve --review v1.4.0-[id] --show
next: a person answers it and signs: deployctl approve --review v1.4.0-[id] --report FILE --reason TEXT
";
    refuses_in_words(&house, "alice", &["deploy", "production", &next], 4, refused);
    refuses_machine(&house, &["deploy", "production", &next, "--dry-run"], 4, &["review.owed"]);
}
