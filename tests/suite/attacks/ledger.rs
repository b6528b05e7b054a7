//! On the records of what people signed.

use std::fs;

use deployctl::gate::config::ActionKind;
use deployctl::gate::statement::{Ending, OutcomeStatement, PolicyStatement, Statement, Verdict};
use deployctl::gate::terms::Digest;
use deployctl::world::records::Files;

use crate::forge::Entry;
use crate::house::{House, POLICY};

/// The approval's entry is changed and published, in a clone that has seen nothing yet.
#[track_caller]
fn tampered(change: impl FnOnce(&House, &mut Vec<Entry>), why: &str) {
    let (house, id) = House::approved();
    let mut entries = house.entries();
    change(&house, &mut entries);
    house.republish(&entries);
    let shown = house.refuses(&id, 4, "ledger.tampered");
    assert!(shown.contains(why), "no `{why}` in\n{shown}");
    let verified = house.run(["history", "--verify", "--json"]).any_stdout().any_stderr().exit(4).json();
    assert_eq!(verified["failed_at"]["sequence"], 2, "{verified}");
}

fn approval(entry: &mut Entry) -> &mut deployctl::gate::statement::Approval {
    match &mut entry.payload.statement {
        Statement::Approval(approval) => approval,
        other => panic!("a {} is no approval", other.word()),
    }
}

#[test]
fn a_later_end_of_the_approval() {
    tampered(
        |_, entries| {
            approval(&mut entries[1]).execute_by += chrono::TimeDelta::days(1);
            entries[1].restate();
        },
        "does not verify",
    );
}

#[test]
fn one_more_space_in_the_payload() {
    tampered(|_, entries| entries[1].files.get_mut("payload.json").unwrap().push(b' '), "not canonical");
}

#[test]
fn an_unknown_key_in_the_payload() {
    tampered(
        |_, entries| {
            let payload = entries[1].files.get_mut("payload.json").unwrap();
            payload.splice(1..1, *b"\"aaa\":1,");
        },
        "not canonical",
    );
}

#[test]
fn the_signature_of_another_entry() {
    tampered(
        |_, entries| {
            let signature = entries[0].files["alice.sig"].clone();
            entries[1].files.insert("alice.sig".to_owned(), signature);
        },
        "does not verify",
    );
}

#[test]
fn a_signature_under_another_persons_name() {
    tampered(
        |_, entries| {
            let signature = entries[1].files.remove("alice.sig").unwrap();
            entries[1].files.insert("bob.sig".to_owned(), signature);
        },
        "not of `alice`",
    );
}

#[test]
fn two_signatures() {
    tampered(
        |_, entries| {
            let signature = entries[1].files["alice.sig"].clone();
            entries[1].files.insert("bob.sig".to_owned(), signature);
        },
        "exactly one signature",
    );
}

#[test]
fn a_statement_in_the_name_of_somebody_else() {
    tampered(
        |house, entries| {
            entries[1].payload.by = "bob".parse().unwrap();
            let Entry { payload, mut files } = entries.pop().unwrap();
            files.remove("payload.json");
            files.remove("alice.sig");
            entries.push(house.signed("mallory", "bob", payload, files));
        },
        "the signature of `bob` does not verify",
    );
}

#[test]
fn a_person_whom_the_policy_does_not_know() {
    tampered(
        |house, entries| {
            entries[1].payload.by = "mallory".parse().unwrap();
            let Entry { payload, mut files } = entries.pop().unwrap();
            files.remove("payload.json");
            files.remove("alice.sig");
            entries.push(house.signed("mallory", "mallory", payload, files));
        },
        "`mallory` is not a person of the policy in force",
    );
}

#[test]
fn a_signature_for_another_purpose() {
    tampered(
        |house, entries| {
            let bytes = entries[1].payload.bytes().unwrap();
            let signature = house.forges("alice", "deployctl-review", &bytes);
            entries[1].files.insert("alice.sig".to_owned(), signature);
        },
        "does not verify",
    );
}

#[test]
fn an_edited_attachment() {
    tampered(
        |_, entries| {
            entries[1].files.insert("checklist.md".to_owned(), b"- [x] all is well\n".to_vec());
        },
        "its files are not the ones that were signed",
    );
}

#[test]
fn one_file_more() {
    tampered(
        |_, entries| {
            entries[1].files.insert("note.md".to_owned(), b"please hurry\n".to_vec());
        },
        "its files are not the ones that were signed",
    );
}

#[test]
fn one_file_less() {
    tampered(
        |_, entries| {
            entries[1].files.remove("screen.txt").unwrap();
        },
        "its files are not the ones that were signed",
    );
}

#[test]
fn a_link_in_place_of_a_file() {
    let (house, id) = House::approved();
    let tree = house.git(["ls-tree", "deployctl/ledger"]).replace("100644 blob", "120000 blob");
    house.write("../tree", &format!("{tree}\n"));
    let tree = house.program_at_terminal("sh", &["-c", "git mktree < ../tree"]).exit(0);
    let commit = house.git(["commit-tree", "-p", "deployctl/ledger~1", "-m", "forged", tree.trim()]);
    house.git(["update-ref", "refs/heads/deployctl/ledger", &commit]);
    house.forget();
    house.refuses(&id, 4, "ledger.tampered");
}

#[test]
fn entries_in_another_order() {
    let (house, id) = House::approved();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    let mut entries = house.entries();
    entries.swap(1, 2);
    house.republish(&entries);
    house.refuses(&id, 4, "ledger.tampered");
}

#[test]
fn an_entry_taken_out_of_the_middle() {
    let (house, id) = House::approved();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    house.person("alice").approves(&id);
    let mut entries = house.entries();
    entries.remove(2);
    house.republish(&entries);
    house.refuses(&id, 4, "ledger.tampered");
}

#[test]
fn a_ledger_without_its_newest_entry() {
    let (house, id) = House::approved();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
    house.refuses(&id, 4, "ledger.rewound");
}

#[test]
fn no_ledger_at_all_where_there_was_one() {
    let (house, id) = House::approved();
    house.git(["update-ref", "-d", "refs/heads/deployctl/ledger"]);
    house.refuses(&id, 4, "ledger.rewound");
}

#[test]
fn another_ledger_of_the_same_length() {
    let (house, id) = House::approved();
    let before = house.entries();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    let newest = house.entries().pop().unwrap();
    house.replace_ledger(&before);
    // A valid entry in the place of the revocation: a second approval by a key that an attacker got at.
    let Entry { mut payload, mut files } = before.into_iter().next_back().unwrap();
    payload.sequence = newest.payload.sequence;
    payload.previous = newest.payload.previous;
    files.remove("payload.json");
    files.remove("alice.sig");
    house.publish(&house.signed("alice", "alice", payload, files));
    assert_eq!(house.entries().len(), 3);
    house.refuses(&id, 4, "ledger.rewound");
}

#[test]
fn a_merge_in_the_chain() {
    let (house, id) = House::approved();
    let tree = house.git(["rev-parse", "deployctl/ledger^{tree}"]);
    let merge = ["commit-tree", "-p", "deployctl/ledger~1", "-p", "main", "-m", "merged", &tree];
    let commit = house.git(merge);
    house.git(["update-ref", "refs/heads/deployctl/ledger", &commit]);
    house.forget();
    let shown = house.refuses(&id, 4, "ledger.tampered");
    assert!(shown.contains("two parents"), "{shown}");
}

/// A revoked approval, and a way to make git overlook the revocation.
#[track_caller]
fn overlooked(hide: impl FnOnce(&House)) {
    let (house, id) = House::approved();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    hide(&house);
    house.forget();
    house.refuses(&id, 4, "approval.revoked");
    assert_eq!(
        house.run(["history", "--verify", "--json"]).any_stdout().any_stderr().exit(0).json()["outcome"],
        "done"
    );
}

#[test]
fn a_replace_ref_over_the_revocation() {
    overlooked(|house| {
        house.git(["replace", "deployctl/ledger", "deployctl/ledger~1"]);
        assert!(!house.git(["log", "-1", "--format=%s", "deployctl/ledger"]).contains("revoke"));
    });
}

#[test]
fn a_graft_over_the_chain() {
    overlooked(|house| {
        let [tip, first] =
            ["deployctl/ledger", "deployctl/ledger~2"].map(|name| house.git(["rev-parse", name]));
        house.write(".git/info/grafts", &format!("{tip} {first}\n"));
    });
}

#[test]
fn a_shallow_file_that_cuts_the_chain() {
    overlooked(|house| {
        let tip = house.git(["rev-parse", "deployctl/ledger"]);
        house.write(".git/shallow", &format!("{tip}\n"));
        assert_eq!(house.git(["rev-list", "--count", "deployctl/ledger"]), "1");
    });
}

#[test]
fn a_poisoned_commit_graph() {
    overlooked(|house| {
        house.git(["commit-graph", "write", "--reachable"]);
        let file = house.project().join(".git/objects/info/commit-graph");
        let mut bytes = fs::read(&file).unwrap();
        let tip = house.git(["rev-parse", "deployctl/ledger"]);
        let tip: Vec<u8> =
            (0..20).map(|at| u8::from_str_radix(&tip[2 * at..2 * at + 2], 16).unwrap()).collect();
        // The first place of the id is the list of ids; what follows the list says the tree and the parents.
        let at = bytes.windows(20).position(|window| window == tip).unwrap();
        for byte in &mut bytes[at + 20..] {
            *byte ^= 0x5a;
        }
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
    });
}

#[test]
fn an_approval_from_another_repositorys_ledger() {
    let (house, id) = House::requested();
    let other = House::new();
    other.clock("2026-11-23T09:59:00Z");
    other.person("alice").signs_policy();
    let there = other.requests();
    other.clock("2026-11-23T10:00:00Z");
    other.person("alice").approves(&there);
    house.publish(&other.entries()[1]);
    house.refuses(&id, 4, "ledger.tampered");
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
    // Put into the chain, it is not what was signed.
    let mut entry = other.entries().remove(1);
    entry.payload.previous = Some(Digest::of(&house.entries()[0].files["payload.json"]));
    entry.restate();
    house.forget();
    house.publish(&entry);
    let shown = house.refuses(&id, 4, "ledger.tampered");
    assert!(shown.contains("another repository's ledger"), "{shown}");
}

#[test]
fn a_used_approval_once_more() {
    let (house, id) = House::deployed();
    let again = house.entries().remove(1);
    house.publish(&again);
    let deploy = |code: &str| {
        let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(4);
        assert!(shown.contains(code), "{shown}");
    };
    deploy("ledger.tampered");
    house.forget();
    let mut entries = house.entries();
    let place = entries.len() - 1;
    let previous = Digest::of(&entries[place - 1].files["payload.json"]);
    let again = &mut entries[place];
    again.payload.sequence = place as u64 + 1;
    again.payload.previous = Some(previous);
    again.restate();
    house.republish(&entries);
    deploy("ledger.tampered");
    assert_eq!(house.live("journal").unwrap().lines().count(), 2);
}

#[test]
fn a_second_approval_of_a_used_request() {
    let (house, id) = House::deployed();
    let shown = house.person("bob").at_terminal(["approve", &id]).exit(3);
    assert!(shown.contains("approval.consumed"), "{shown}");
    // Even one that was signed in another program.
    let Entry { payload, mut files } = house.entries().remove(1);
    files.remove("payload.json");
    files.remove("alice.sig");
    house.publish(&house.forged("bob", "bob", payload.statement, files));
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(3);
    assert!(shown.contains("approval.consumed"), "{shown}");
    assert_eq!(house.live("journal").unwrap().lines().count(), 2);
}

#[test]
fn a_request_that_was_named_wrongly_before() {
    let (house, id) = House::approved();
    let Statement::Approval(right) = house.entries().remove(1).payload.statement else {
        panic!("no approval")
    };
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
    house.forget();
    let mut other_id = right.clone();
    other_id.request.id = "v9.9.9-0000000".to_owned();
    let mut other_version = right.clone();
    other_version.release.version = "v9.9.9".parse().unwrap();
    other_version.request.id = format!("v9.9.9-{}", right.request.digest.short());
    // And one that names it rightly, without the request.
    let mut held = right;
    held.verdict = Verdict::Hold;
    for wrong in [other_id, other_version, held] {
        house.publish(&house.forged("bob", "bob", Statement::Approval(wrong), Files::new()));
    }
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
}

#[test]
fn an_execution_that_uses_an_approval_twice() {
    let (house, id) = House::deployed();
    let execution = house.entries().remove(2);
    let Statement::Execution(execution) = execution.payload.statement else { panic!("no execution") };
    assert_eq!(execution.action, ActionKind::Deploy);
    house.publish(&house.forged("alice", "alice", Statement::Execution(execution), Files::new()));
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(4);
    assert!(shown.contains("its approval was used before"), "{shown}");
}

/// The second policy, with carol, who approves nothing.
fn with_carol() -> String {
    POLICY.replace(
        "\nroles:",
        "  carol: { keys: [\"{carol}\"], groups: [], emails: [carol@example.org] }\n\nroles:",
    )
}

fn policy_statement(house: &House, version: u64, replaces: Digest, yaml: &[u8]) -> (Statement, Files) {
    let Statement::Policy(first) = house.entries().remove(0).payload.statement else { panic!("no policy") };
    let statement = PolicyStatement { version, replaces: Some(replaces), config: Digest::of(yaml), ..first };
    (Statement::Policy(statement), Files::from([("deployctl.yaml".to_owned(), yaml.to_vec())]))
}

#[test]
fn an_older_policy_once_more() {
    let house = House::founded();
    let old = house.entries()[0].files["deployctl.yaml"].clone();
    house.config(&with_carol());
    house.person("alice").signs_policy();
    let new = Digest::of(house.file("deployctl.yaml").as_bytes());
    let id = house.requests();
    let first = house.entries().remove(0);
    house.publish(&first);
    house.refuses(&id, 4, "ledger.tampered");
    // Signed anew, but as a version that was there before.
    for (version, replaces) in [(1, new), (2, new), (2, Digest::of(&old)), (4, new)] {
        house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
        let (statement, files) = policy_statement(&house, version, replaces, &old);
        house.forget();
        house.publish(&house.forged("alice", "alice", statement, files));
        let shown = house.refuses(&id, 4, "ledger.tampered");
        assert!(shown.contains("an older policy cannot come back"), "{shown}");
    }
}

#[test]
fn a_policy_signed_by_somebody_who_may_not() {
    let house = House::new();
    house.config(&with_carol());
    house.person("alice").signs_policy();
    let digest = |house: &House| {
        house.run(["status", "--json"]).any_stdout().any_stderr().exit(0).json()["policy"].clone()
    };
    let before = digest(&house);
    house.config(&with_carol().replace(
        "carol: { keys: [\"{carol}\"], groups: []",
        "carol: { keys: [\"{carol}\"], groups: [release]",
    ));
    let shown = house.person("carol").at_terminal(["approve", "--policy"]).exit(4);
    assert!(shown.contains("key.unknown"), "{shown}");
    // Where she signs by herself, it counts for nothing.
    let in_force = Digest::of(&house.entries()[0].files["deployctl.yaml"]);
    let (statement, files) = policy_statement(&house, 2, in_force, house.file("deployctl.yaml").as_bytes());
    house.publish(&house.forged("carol", "carol", statement, files));
    assert_eq!(digest(&house), before);
    let id = house.requests();
    let shown = house.person("carol").at_terminal(["approve", &id]).exit(4);
    assert!(shown.contains("key.unknown"), "{shown}");
}

#[test]
fn an_approval_by_a_person_who_approves_nothing() {
    let house = House::new();
    let id = house.approved_under(&with_carol());
    let Entry { payload, mut files } = house.entries().pop().unwrap();
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
    house.forget();
    files.remove("payload.json");
    files.remove("alice.sig");
    house.publish(&house.forged("carol", "carol", payload.statement, files));
    house.refuses(&id, 4, "key.unknown");
}

#[test]
fn an_approval_that_gives_itself_more_time_than_the_policy() {
    let (house, id) = House::requested();
    house.person("alice").approves(&id);
    let Entry { mut payload, mut files } = house.entries().pop().unwrap();
    let Statement::Approval(approval) = &mut payload.statement else { panic!("no approval") };
    approval.execute_by += chrono::TimeDelta::days(3000);
    house.git(["update-ref", "refs/heads/deployctl/ledger", "deployctl/ledger~1"]);
    house.forget();
    files.remove("payload.json");
    files.remove("alice.sig");
    house.publish(&house.signed("alice", "alice", payload, files));
    house.clock("2026-11-23T14:00:01Z");
    house.refuses(&id, 4, "approval.expired");
}

#[test]
fn an_outcome_by_another_key_than_the_sessions() {
    let (house, id) = House::approved();
    let hold = house.holds("migrate");
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    running.expect("│ migrate waits").kill().exit(137);
    drop(hold);
    let execution = Digest::of(&house.entries()[2].files["payload.json"]);
    let outcome = || {
        Statement::Outcome(OutcomeStatement {
            execution,
            ending: Ending::Succeeded,
            failed_step: None,
            watched: None,
        })
    };
    let before = house.git(["rev-parse", "deployctl/ledger"]);
    for (who, name) in [("alice", "session"), ("mallory", "session"), ("alice", "alice")] {
        house.git(["update-ref", "refs/heads/deployctl/ledger", &before]);
        house.forget();
        let mut entry = house.forged(who, name, outcome_free(), Files::new());
        entry.payload.by = "alice".parse().unwrap();
        entry.payload.statement = outcome();
        entry.files.clear();
        let entry = house.signed(who, name, entry.payload, entry.files);
        house.publish(&entry);
        let verified = house.run(["history", "--verify", "--json"]).any_stdout().any_stderr().exit(4);
        assert_eq!(verified.json()["reasons"][0]["code"], "ledger.tampered");
    }
}

/// A statement to begin a payload with.
fn outcome_free() -> Statement {
    Statement::Outcome(OutcomeStatement {
        execution: Digest::of(b""),
        ending: Ending::Succeeded,
        failed_step: None,
        watched: None,
    })
}

#[test]
fn one_key_for_two_people() {
    let house = House::new();
    house.config(&POLICY.replace("{bob}", "{alice}"));
    let shown = house.person("alice").at_terminal(["approve", "--policy"]).exit(2);
    assert!(shown.contains("alice") && shown.contains("bob"), "{shown}");
    assert_eq!(house.refs().keys().filter(|name| name.contains("deployctl")).count(), 0);
}

#[test]
fn a_second_founding_where_a_root_is_known() {
    let house = House::founded();
    house.git(["update-ref", "-d", "refs/heads/deployctl/ledger"]);
    let shown = house.person("bob").at_terminal(["approve", "--policy"]).exit(4);
    assert!(shown.contains("ledger.rewound"), "{shown}");
    // Also where somebody made it forget how far the ledger was.
    fs::remove_file(house.project().join(".git/deployctl/high-water.json")).unwrap();
    let shown = house.person("bob").at_terminal(["approve", "--policy"]).exit(4);
    assert!(shown.contains("policy.root"), "{shown}");
}

#[test]
fn another_ledger_with_another_root() {
    let (house, id) = House::approved();
    let other = House::new();
    other.clock("2026-11-23T09:59:00Z");
    other.person("bob").signs_policy();
    house.replace_ledger(&other.entries());
    house.refuses(&id, 4, "ledger.rewound");
    fs::remove_file(house.project().join(".git/deployctl/high-water.json")).unwrap();
    house.refuses(&id, 4, "policy.root");
}
