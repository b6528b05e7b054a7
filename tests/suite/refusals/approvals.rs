//! The approval: none, of something else, not enough, a no, a not-now, taken back, too late, used before.

use deployctl::gate::statement::Statement;
use deployctl::world::records::Files;

use super::forge::approves;
use super::{approved_with, founded_with, refuses, refuses_in_words, refuses_machine, requested, sentence};
use crate::house::House;

#[test]
fn approval_missing() {
    let (house, id) = House::requested();
    let expected = &["approval.missing"];
    refuses(&house, "alice", &["deploy", "production", &id], 4, expected);
    refuses(&house, "alice", &["deploy", "production", "v1.4.0"], 4, expected);
    refuses(&house, "alice", &["deploy", "production"], 4, expected);
    refuses(&house, "alice", &["approve", &id, "--revoke", "--reason", "no"], 4, expected);
    refuses_machine(&house, &["deploy", "production", &id, "--dry-run"], 4, expected);
    let refused = "\
refused: deployctl deploy
  ✗ approval.missing  nobody has decided about `v1.4.0-[id]` yet
      policy: environments.production.approvals
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
}

#[test]
fn approval_missing_for_another_version() {
    let (house, _) = House::approved();
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    house.tag("v1.5.0");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let other = requested(&house, &["v1.5.0", "--since", "v1.3.0"]);
    let answer = refuses(&house, "alice", &["deploy", "production", &other], 4, &["approval.missing"]);
    assert_eq!(sentence(&answer), format!("nobody has decided about `{other}` yet"));
    refuses(&house, "alice", &["deploy", "production", "v1.5.0"], 4, &["approval.missing"]);
}

#[test]
fn approval_missing_for_another_environment() {
    let second = "  shop:\n    deployment: human\n    steps: [{ name: release, run: [\"./ops/release.sh\"] }]\n    \
                  rollback: { steps: [{ name: release, run: [\"./ops/release.sh\"] }] }\n    \
                  approvals: { from: [release] }\n  production:\n";
    let (house, id) = approved_with(&[("  production:\n", second)]);
    let answer = refuses(&house, "alice", &["deploy", "shop", &id], 4, &["approval.missing"]);
    assert_eq!(sentence(&answer), format!("`{id}` is a request for `production`, not for `shop`"));
    refuses(&house, "alice", &["deploy", "shop", "v1.4.0"], 4, &["approval.missing"]);
    refuses(&house, "alice", &["deploy", "shop"], 3, &["request.missing"]);
}

#[test]
fn approval_quorum() {
    let (house, id) = approved_with(&[("required: 1", "required: 2")]);
    let expected = &["approval.quorum"];
    refuses(&house, "alice", &["deploy", "production", &id], 4, expected);
    // Alice counts once, however often she says it.
    house.person("alice").approves(&id);
    refuses(&house, "alice", &["deploy", "production", &id], 4, expected);
    let refused = "\
refused: deployctl deploy
  ✗ approval.quorum  `v1.4.0-[id]` has 1 of 2 approvals
      policy: environments.production.approvals.required
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
}

#[test]
fn approval_denied() {
    let (house, id) = House::approved();
    house.person("bob").denies(&id, "not before the fair");
    let refused = "\
refused: deployctl deploy
  ✗ approval.denied  `bob` denied `v1.4.0-[id]`: not before the fair
next: a no is final for a request: deployctl request v1.4.0 --as ROLE
";
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["approval.denied"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
    // Nobody can outvote it, not even the same person.
    for person in ["alice", "bob"] {
        refuses(&house, person, &["approve", &id], 3, &["approval.denied"]);
    }
}

#[test]
fn approval_held() {
    let (house, id) = House::approved();
    let holds = ["approve", id.as_str(), "--hold", "--reason", "after lunch"];
    house.person("bob").at_terminal(holds).signs().exit(0);
    let refused = "\
refused: deployctl deploy
  ✗ approval.held  `bob` holds `v1.4.0-[id]`: after lunch
next: ask bob to run: deployctl approve v1.4.0-[id]
";
    refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.held"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    // Only who holds it lets it go.
    house.person("alice").approves(&id);
    refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.held"]);
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
}

#[test]
fn approval_held_and_not_given() {
    let (house, id) = House::requested();
    let holds = ["approve", id.as_str(), "--hold", "--reason", "after lunch"];
    house.person("bob").at_terminal(holds).signs().exit(0);
    refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.missing", "approval.held"]);
}

#[test]
fn approval_revoked() {
    let (house, id) = House::approved();
    let revokes = ["approve", id.as_str(), "--revoke", "--reason", "the load test fails"];
    house.person("bob").at_terminal(revokes).signs().exit(0);
    let refused = "\
refused: deployctl deploy
  ✗ approval.revoked  the approval of `v1.4.0-[id]` by `alice` was revoked by `bob`: the load test fails
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.revoked"]);
    refuses(&house, "alice", &["deploy", "production"], 4, &["approval.revoked"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    // There is nothing left to take back.
    refuses(&house, "alice", &["approve", &id, "--revoke", "--reason", "no"], 4, &["approval.missing"]);
    // Taken back is not denied: it can be approved again.
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
}

#[test]
fn approval_expired() {
    let (house, id) = House::approved();
    house.clock("2026-11-23T14:00:00Z");
    house.run(["deploy", "production", &id, "--dry-run"]).any_stdout().exit(0);
    house.clock("2026-11-23T14:00:01Z");
    let refused = "\
refused: deployctl deploy
  ✗ approval.expired  the approval of `v1.4.0-[id]` by `alice` ended at 2026-11-23 14:00 UTC
      policy: environments.production.approvals.execute_within
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.expired"]);
    refuses(&house, "alice", &["deploy", "production"], 4, &["approval.expired"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
}

#[test]
fn approval_consumed() {
    let (house, id) = House::deployed();
    let expected = &["approval.consumed"];
    let refused = "\
refused: deployctl deploy
  ✗ approval.consumed  the approval of `v1.4.0-[id]` was used before
next: deployctl request v1.4.0 --as ROLE
";
    for arguments in [
        &["deploy", "production", id.as_str()][..],
        &["deploy", "production", "v1.4.0"],
        &["deploy", "production"],
        &["approve", &id, "--revoke", "--reason", "no"],
    ] {
        refuses(&house, "alice", arguments, 3, expected);
    }
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
}

#[test]
fn approval_consumed_by_a_deployment_that_failed() {
    let (house, id) = House::approved();
    house.breaks("migrate");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    house.mends("migrate");
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["approval.consumed"]);
}

#[test]
fn checklist_open() {
    let (house, id) = House::approved();
    house
        .person("bob")
        .at_terminal(["approve", &id, "--revoke", "--reason", "a box was missed"])
        .signs()
        .exit(0);
    // No screen of ours lets a person sign with a box unanswered; their key does.
    approves(&house, "alice", |approval| {
        assert!(approval.confirmed.iter().any(|key| key == "tests.e2e"), "{:?}", approval.confirmed);
        approval.confirmed.retain(|key| key != "tests.e2e");
    });
    let refused = "\
refused: deployctl deploy
  ✗ checklist.open  nobody answered for 1 open box: `tests.e2e`
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    refuses(&house, "alice", &["deploy", "production", &id], 4, &["checklist.open"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
}

#[test]
fn what_a_good_signature_covers_is_what_counts() {
    for (what, edit) in COVERED {
        let house = founded_with(&[("from: [release]", "from: [alice, bob]")]);
        let id = house.requests();
        house.person("bob").approves(&id);
        house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
        approves(&house, "alice", edit);
        let expected = &["request.stale", "approval.revoked"];
        let answer = refuses(&house, "alice", &["deploy", "production", &id], 4, expected);
        let sentence = format!("the approval of `{id}` by `alice` covers another {what}");
        assert_eq!(answer["reasons"][0]["message"], sentence);
    }
}

#[test]
fn an_approval_that_names_another_version_counts_nothing() {
    let house = founded_with(&[("from: [release]", "from: [alice, bob]")]);
    let id = house.requests();
    house.person("bob").approves(&id);
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    let Statement::Approval(mut misnamed) = house.entries().remove(1).payload.statement else {
        panic!("no approval")
    };
    misnamed.release.version = "v1.5.0".parse().expect("a version");
    house.publish(&house.forged("alice", "alice", Statement::Approval(misnamed), Files::new()));
    refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.revoked"]);
}

/// Something that an approval covers, and an approval of something else.
type Covered = (&'static str, fn(&mut deployctl::gate::statement::Approval));

const COVERED: [Covered; 3] = [
    ("commit", |approval| approval.release.commit = "1".repeat(40).parse().expect("a commit")),
    ("tree", |approval| approval.tree = approval.checklist),
    ("previous version", |approval| approval.previous_release = None),
];
