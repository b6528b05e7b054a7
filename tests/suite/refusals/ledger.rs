//! The ledger: an entry that does not hold, entries that are gone, a remote that does not answer, a clock that is behind.

use std::fs;

use deployctl::world::records::{Files, JOURNAL, LEDGER};
use serde_json::json;

use super::forge::{appends, edited, replaces};
use super::{nothing_runs, refuses, refuses_in_words, refuses_machine, rules, sentence};
use crate::house::House;

/// Everything that believes the ledger refuses for this reason, and for no other that would be a guess.
#[track_caller]
fn everything_refuses(house: &House, id: &str, exit: i32, code: &str) {
    refuses(house, "alice", &["deploy", "production", id], exit, &[code]);
    refuses(house, "alice", &["rollback", "production", "--reason", "no"], exit, &[code]);
    refuses(house, "alice", &["approve", id, "--revoke", "--reason", "no"], exit, &[code]);
    refuses_machine(house, &["deploy", "production", id, "--dry-run"], exit, &[code]);
    refuses_machine(house, &["request", "v1.3.0", "--as", "orchestrator"], exit, &[code]);
    let looks = house.run(["status", "--json"]).any_stdout();
    // Who only looks is shown what the clone has.
    if code == "ledger.unreachable" {
        assert_eq!(looks.exit(0).json()["warnings"][0]["code"], code);
    } else {
        looks.exit(exit);
        refuses_machine(house, &["status"], exit, &[code]);
    }
}

#[test]
fn ledger_tampered() {
    let (house, id) = House::approved();
    // The approval once more, by nobody.
    appends(&house, LEDGER, |files| edited(files, "payload.json", "\"sequence\":2", "\"sequence\":3"));
    everything_refuses(&house, &id, 4, "ledger.tampered");
    let refused = "\
refused: deployctl deploy
  ✗ ledger.tampered  the ledger does not hold: entry 3 ([id]): it does not follow the entry before it
next: see what and where: deployctl history --verify
next: end the ledger at the last entry that holds: git update-ref refs/heads/deployctl/ledger [commit] [commit]
";
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    // To verify it is no next step of a proof.
    let proof = house.run(["history", "--verify"]).any_stderr().exit(4).stderr;
    let next = "next: look at the entry, and who pushed it: git show [id]\n\
                next: end the ledger at the last entry that holds: git update-ref refs/heads/deployctl/ledger [commit] [commit]\n";
    house.ends(&proof, next);
}

#[test]
fn ledger_state() {
    let (house, id) = House::approved();
    let again = house.entries().remove(1).payload.statement;
    let files = Files::from([("state.json".to_owned(), b"{}".to_vec())]);
    house.publish(&house.forged("alice", "alice", again, files));
    let said = house.run(["history", "--verify", "--json"]).any_stdout().exit(0).json();
    assert_eq!((&said["verified"], &said["warnings"][0]["code"]), (&json!(true), &json!("ledger.state")));
    house.person("alice").deploys(&id);
}

#[test]
fn ledger_tampered_where_nobody_saw_it_before() {
    let house = shared();
    let id = house.requests();
    house.person("alice").denies(&id, "not before the fair");
    // In the remote, the no becomes a yes.
    replaces(&house, LEDGER, |files| {
        edited(files, "payload.json", "\"verdict\":\"deny\"", "\"verdict\":\"allow\"")
    });
    house.git(["push", "--quiet", "--force", "origin", "deployctl/ledger", "deployctl/journal"]);
    let other = house.clone_of();
    let answer = refuses(&other, "alice", &["deploy", "production", &id], 4, &["ledger.tampered"]);
    assert!(sentence(&answer).contains("the signature of `alice` does not verify"), "{answer:#}");
}

#[test]
fn ledger_rewound() {
    let (house, id) = House::approved();
    house
        .person("bob")
        .at_terminal(["approve", &id, "--revoke", "--reason", "checkout fails"])
        .signs()
        .exit(0);
    // Without the last entry, the revocation, it would be a good approval.
    house.git(["update-ref", LEDGER, "deployctl/ledger~1"]);
    everything_refuses(&house, &id, 4, "ledger.rewound");
    let refused = "\
refused: deployctl deploy
  ✗ ledger.rewound  the ledger was rewound: this clone has seen entry 3 ([id]), and it is not there any more
next: find out who rewrote `deployctl/ledger`, and push the entries back from a clone that has them
";
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 4, refused);
    house.git(["update-ref", "-d", LEDGER]);
    everything_refuses(&house, &id, 4, "ledger.rewound");
}

/// A house whose ledger travels through its remote.
fn shared() -> House {
    let house = House::new();
    house.remote();
    house.config(&rules(&[("ledger: none", "ledger: { remote: origin }")]));
    house.person("alice").signs_policy();
    house
}

/// A request that alice has approved there, and another clone that has seen it.
fn shared_and_seen() -> (House, String, House) {
    let house = shared();
    let id = house.requests();
    house.person("alice").approves(&id);
    let other = house.clone_of();
    other.run(["status"]).any_stdout().any_stderr().exit(0);
    (house, id, other)
}

#[test]
fn ledger_rewound_in_the_remote() {
    let (house, id, other) = shared_and_seen();
    house.git(["push", "--quiet", "--force", "origin", "deployctl/ledger~1:refs/heads/deployctl/ledger"]);
    // A remote that has less is given what this clone has: nothing is lost, and nothing is refused.
    other.run(["deploy", "production", &id, "--dry-run"]).any_stdout().any_stderr().exit(0);
    assert_eq!(
        other.git(["ls-remote", "origin", LEDGER]).split('\t').next(),
        Some(other.git(["rev-parse", LEDGER]).as_str())
    );
    // Another history is not the same ledger, whoever wrote it.
    house.git(["commit", "--quiet", "--allow-empty", "--message", "something else"]);
    house.git(["push", "--quiet", "--force", "origin", "HEAD:refs/heads/deployctl/ledger"]);
    refuses(&other, "alice", &["deploy", "production", &id], 4, &["ledger.rewound"]);
    house.git(["push", "--quiet", "origin", ":refs/heads/deployctl/ledger"]);
    let answer = refuses(&other, "alice", &["deploy", "production", &id], 4, &["ledger.rewound"]);
    assert_eq!(
        sentence(&answer),
        "the ledger was rewound: the remote `origin` has no ledger, and this clone has one"
    );
}

#[test]
fn ledger_unreachable() {
    let (house, id, other) = shared_and_seen();
    fs::rename(house.world().join("origin.git"), house.world().join("gone.git")).unwrap();
    for clone in [&house, &other] {
        everything_refuses(clone, &id, 3, "ledger.unreachable");
    }
    let shown =
        nothing_runs(&house, || house.person("alice").at_terminal(["deploy", "production", &id]).exit(3));
    house.ends(&shown, "next: check the network and the remote, then try again\n");
    let looks = house.run(["history"]).any_stderr().any_stdout().exit(0);
    assert_eq!(looks.stdout, "no deployment is recorded yet\n");
    let stale = "this is what the clone has, up to entry 2 ([id]) of 2026-11-23 10:00 UTC: it may be stale, and nothing is decided by it\n  next: check the network and the remote\n";
    assert!(house.normal(&looks.stderr).ends_with(stale), "{}", looks.stderr);
    // What stays or proves something is no look.
    for words in
        [&["--verify"][..], &["--write", "h.md"], &["-o", "h.md"], &["--format", "html"], &["--bundle", "b"]]
    {
        let words = ["history", "--json"].iter().take(1).chain(words).copied();
        let refused = house.run(words).any_stderr().exit(3).stderr;
        assert!(refused.contains("✗ ledger.unreachable"), "{refused}");
    }
    assert!(!house.project().join("h.md").exists());
    fs::rename(house.world().join("gone.git"), house.world().join("origin.git")).unwrap();
    other.run(["deploy", "production", &id, "--dry-run"]).any_stdout().any_stderr().exit(0);
}

#[test]
fn clock_backwards() {
    let (house, id) = House::approved();
    // Back where the approval would still be good for long.
    house.clock("2026-11-23T09:57:00Z");
    let refused = "\
refused: deployctl deploy
  ✗ clock.backwards  this machine's clock says 2026-11-23 09:57 UTC, and the ledger's newest entry was signed at 2026-11-23 10:00 UTC
next: set this machine's clock
";
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["clock.backwards"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
    refuses(&house, "alice", &["approve", &id, "--revoke", "--reason", "no"], 3, &["clock.backwards"]);
    refuses_machine(&house, &["request", "v1.3.0", "--as", "orchestrator"], 3, &["clock.backwards"]);
    // Machines differ by a little.
    house.clock("2026-11-23T09:58:00Z");
    house.run(["deploy", "production", &id, "--dry-run"]).any_stdout().exit(0);
}

#[test]
fn a_broken_journal_stops_nobody() {
    let (house, id) = House::approved();
    appends(&house, JOURNAL, |files| {
        files.insert("payload.json".to_owned(), b"{".to_vec());
    });
    house.person("alice").deploys(&id);
}
