//! The ten promises of the design, each shown once, whole.

#![expect(clippy::disallowed_methods, reason = "signatures are checked by another program")]

use std::fs;
use std::process::{Command, Stdio};

use deployctl::gate::statement::Statement;
use deployctl::gate::terms::Digest;
use serde_json::Value;

use crate::house::{House, POLICY};

fn codes(answer: &Value) -> Vec<&str> {
    answer["reasons"].as_array().unwrap().iter().filter_map(|reason| reason["code"].as_str()).collect()
}

#[test]
fn p1_two_human_signatures() {
    let (house, id) = House::requested();
    // A person without an approval, and a machine with one.
    house.refuses(&id, 4, "approval.missing");
    house.person("bob").approves(&id);
    for words in [vec!["deploy", "production", &id], vec!["deploy", "production", &id, "--yes"]] {
        let answer = house.run(words.into_iter().chain(["--json"])).any_stdout().any_stderr().exit(4).json();
        assert!(codes(&answer).iter().all(|code| code.starts_with("human.")), "{answer}");
        house.nothing_ran();
    }
    house.person("alice").deploys(&id);
    let entries = house.entries();
    let signers: Vec<(&str, &str)> = entries[1..3]
        .iter()
        .map(|entry| (entry.payload.statement.word(), entry.payload.by.as_str()))
        .collect();
    assert_eq!(signers, [("approval", "bob"), ("execution", "alice")]);
    // The way back is a production action too.
    let back =
        house.run(["rollback", "production", "--reason", "no", "--json"]).any_stdout().any_stderr().exit(4);
    assert_eq!(codes(&back.json())[0], "human.terminal");
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
}

#[test]
fn p2_a_refusal_is_a_value() {
    let house = House::new();
    house.config(&POLICY.replace(
        "    monitoring:",
        "    windows: { timezone: UTC, allow: [{ days: tue, hours: \"09:00-10:00\" }] }\n    monitoring:",
    ));
    house.person("alice").signs_policy();
    let id = house.requests();
    house.breaks("migrate");
    let answer = house.run(["deploy", "production", &id, "--json"]).any_stdout().any_stderr().exit(4).json();
    let found = codes(&answer);
    assert_eq!(found[0], "human.terminal");
    assert_eq!(found[found.len() - 2..], ["approval.missing", "window.closed"]);
    assert_eq!(answer["outcome"], "refused");
    for reason in answer["reasons"].as_array().unwrap() {
        assert!(!reason["message"].as_str().unwrap().is_empty(), "{reason}");
        assert!(!reason["next"].as_array().unwrap().is_empty(), "{reason}");
    }
    assert_eq!(answer["reasons"][found.len() - 1]["policy"], "environments.production.windows.allow");
    house.nothing_ran();
}

#[test]
fn p3_what_was_approved_is_what_runs() {
    let house = House::new();
    let script = "#!/bin/sh\nmkdir -p \"$HOME/live\"\n{ pwd; stat -c %a .; cat app/total.txt; } > \"$HOME/live/seen\"\n";
    house.releases(&[("ops/release.sh", script)]);
    let id = house.approved_under(POLICY);
    house.write("app/total.txt", "666\n");
    house.write("ops/release.sh", "#!/bin/sh\ntouch \"$HOME/live/owned\"\n");
    house.commit("fix: later");
    house.person("alice").deploys(&id);
    let seen = house.live("seen").unwrap();
    let seen: Vec<&str> = seen.lines().collect();
    assert_eq!(seen[1..], ["700", "12.50"]);
    assert!(!seen[0].starts_with(house.project().to_str().unwrap()), "{}", seen[0]);
    assert!(!fs::exists(seen[0]).unwrap(), "{} is still there", seen[0]);
    assert_eq!(house.live("owned"), None);
}

#[test]
fn p4_what_you_see_is_what_you_sign() {
    let (house, id) = House::requested();
    let approving = house.person("bob").approves(&id);
    let deploying = house.person("alice").deploys(&id);
    let entries = house.entries();
    for (entry, shown) in entries[1..3].iter().zip([approving, deploying]) {
        let screen = match &entry.payload.statement {
            Statement::Approval(approval) => approval.screen,
            Statement::Execution(execution) => execution.screen,
            other => panic!("{} has no screen", other.word()),
        };
        let text = &entry.files["screen.txt"];
        assert_eq!(screen, Digest::of(text));
        assert!(shown.starts_with(std::str::from_utf8(text).unwrap()), "{shown}");
    }
}

#[test]
fn p5_no_data_is_never_yes() {
    let nothing = "<testsuite name=\"unit\" tests=\"0\"></testsuite>\n";
    let two_things =
        "<testsuite name=\"unit\" tests=\"3\" failures=\"1\"><testcase name=\"a\"/></testsuite>\n";
    for (what, text, code) in [
        ("none", None, "stage.missing"),
        ("empty file", Some(""), "evidence.unreadable"),
        ("no tests", Some(nothing), "stage.missing"),
        ("not XML", Some("all green"), "evidence.unreadable"),
        ("two things", Some(two_things), "evidence.unreadable"),
    ] {
        let house = House::founded();
        let path = "reports/unit/results.xml";
        fs::remove_file(house.project().join(path)).unwrap();
        if let Some(text) = text {
            house.write(path, text);
            house.aged(path, chrono::TimeDelta::minutes(1));
        }
        let id = house.requests();
        let shown = house.person("bob").at_terminal(["approve", &id]).exit(3);
        assert!(shown.contains(code), "{what}: {shown}");
    }
    let house = House::founded();
    house.aged("reports/unit/results.xml", chrono::TimeDelta::days(2));
    let id = house.requests();
    let shown = house.person("bob").at_terminal(["approve", &id]).exit(3);
    assert!(shown.contains("evidence.stale"), "{shown}");
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn p6_nothing_is_lost() {
    let (house, id) = House::approved();
    let hold = house.holds("release");
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    running.expect("│ release waits").kill().exit(137);
    drop(hold);
    house.run(["history", "--verify"]).any_stdout().exit(0);
    assert_eq!(house.story_of_deployment(), ["execution", "step migrate Succeeded"]);
    house.clock("2026-11-23T12:00:00Z");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(4);
    assert!(shown.contains("deployment.interrupted"), "{shown}");
    // It was not run again by itself; the step that was running may have come to its own end.
    let ran = house.live("journal").unwrap();
    assert_eq!(ran.lines().filter(|line| line.starts_with("migrate")).count(), 1);
    assert!(ran.lines().filter(|line| line.starts_with("release")).count() <= 1, "{ran}");
}

#[test]
fn p7_once() {
    let (house, id) = House::deployed();
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(3);
    assert!(shown.contains("approval.consumed"), "{shown}");
    house.person("bob").rolls_back("checkout fails");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(3);
    assert!(shown.contains("approval.consumed"), "{shown}");
    // Nor does a new request bring the same commit back.
    let again = house.requests();
    let shown = house.person("bob").at_terminal(["approve", &again]).exit(3);
    assert!(shown.contains("commit.quarantined"), "{shown}");
    assert_eq!(
        house.live("journal").unwrap().lines().filter(|line| line.starts_with("release v1.4.0")).count(),
        1
    );
}

#[test]
fn p8_the_rules_change_only_by_signature() {
    let house = House::new();
    house.config(&POLICY.replace("required: 1", "required: 2"));
    house.person("alice").signs_policy();
    let id = house.requests();
    house.person("alice").approves(&id);
    // Fewer approvers, in the work tree and committed: still two are needed, and nothing is blocked.
    house.config(POLICY);
    house.commit("chore: fewer approvers");
    house.refuses(&id, 4, "approval.quorum");
    house.person("bob").approves(&id);
    // One of two signatures on the new rules: they wait.
    let shown = house.person("alice").signs_policy();
    assert!(shown.contains("it waits for more signatures"), "{shown}");
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
    let shown = house.person("bob").signs_policy();
    assert!(shown.contains("policy 2 is in force"), "{shown}");
}

#[test]
fn p9_verifiable_without_us() {
    let (house, _) = House::deployed();
    let signers = house.run(["history", "--allowed-signers"]).any_stdout().exit(0).stdout;
    let file = house.world().join("allowed_signers");
    fs::write(&file, signers).unwrap();
    let (mut people, mut sessions) = (0, 0);
    for entry in house.entries() {
        let session = entry.payload.statement.by_session();
        let name = if session { "session" } else { entry.payload.by.as_str() };
        let signature = house.world().join("signature");
        fs::write(&signature, &entry.files[&format!("{name}.sig")]).unwrap();
        let payload = house.world().join("payload");
        fs::write(&payload, &entry.files["payload.json"]).unwrap();
        let verify = if session { "check-novalidate" } else { "verify" };
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-Y", verify, "-n", entry.payload.statement.namespace(), "-s"]).arg(&signature);
        if !session {
            keygen.args(["-I", name, "-f"]).arg(&file);
        }
        let status = keygen.stdin(fs::File::open(&payload).unwrap()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{}", entry.payload.statement.word());
        if session { sessions += 1 } else { people += 1 }
    }
    assert_eq!((people, sessions), (3, 3));
}

#[test]
fn p10_agents_are_welcome() {
    let (house, id) = House::approved();
    let words: [&[&str]; 8] = [
        &["checklist", "v1.4.0", "--since", "v1.3.0"],
        &["request", "v1.4.0", "--since", "v1.3.0", "--as", "orchestrator"],
        &["approve", &id, "--show"],
        &["deploy", "production", &id, "--dry-run"],
        &["history"],
        &["history", "--verify"],
        &["status"],
        &[],
    ];
    for words in words {
        let answer =
            house.run(words.iter().copied().chain(["--json"])).env("CLAUDECODE", "1").any_stdout().exit(0);
        assert_eq!(answer.json()["schema"], "deployctl/1", "{words:?}");
        assert_eq!(answer.json()["human_required"], false, "{words:?}");
    }
    let answer =
        house.run(["deploy", "production", &id, "--json"]).env("CLAUDECODE", "1").any_stdout().exit(4);
    let document = answer.json();
    assert_eq!(document["human_required"], true);
    assert_eq!(codes(&document)[..2], ["human.terminal", "human.agent"]);
    assert!(answer.stdout.contains(&format!("deployctl deploy production {id}")), "{}", answer.stdout);
    for way_round in ["--yes", "--force", "unset", "env -u", "script -", "setsid"] {
        assert!(!answer.stdout.contains(way_round), "{}", answer.stdout);
    }
}
