//! With what a person signs: no key, a stranger's, one in clear, one in an agent, one without a device.

use std::fs;

use serde_json::Value;

use super::{
    PROGRAM, founded_with, is_refusal, nothing_runs, refuses, refuses_in_words, refuses_with, rules, sentence,
};
use crate::house::{House, POLICY};

#[test]
fn key_unknown() {
    let (house, id) = House::approved();
    for arguments in [
        &["deploy", "production", id.as_str()][..],
        &["approve", &id],
        &["approve", &id, "--deny", "--reason", "no"],
        &["approve", &id, "--hold", "--reason", "no"],
        &["approve", &id, "--revoke", "--reason", "no"],
    ] {
        refuses(&house, "mallory", arguments, 4, &["key.unknown"]);
    }
    let refused = "\
refused: deployctl deploy
  ✗ key.unknown  the key `[home]/.ssh/mallory` ([fingerprint]) belongs to nobody of the policy
next: name your enrolled key with `--key FILE`, or have it added to `people` and signed
";
    refuses_in_words(&house, "mallory", &["deploy", "production", &id], 4, refused);
}

#[test]
fn key_unknown_where_there_is_none() {
    let (house, id) = House::approved();
    fs::remove_dir_all(house.home().join(".ssh")).unwrap();
    let answer = refuses_with(&house, &["deploy", "production", &id], 4, &["key.unknown"]);
    let none = format!("no key in `{}/.ssh` belongs to a person of the policy", house.home().display());
    assert_eq!(sentence(&answer), none);
}

#[test]
fn key_unknown_of_a_person_who_may_not_approve() {
    let house = founded_with(&[("from: [release]", "from: [alice]")]);
    let id = house.requests();
    let answer = refuses(&house, "bob", &["approve", &id], 4, &["key.unknown"]);
    assert_eq!(sentence(&answer), "`bob` is not one of alice, who approve `production`");
    assert_eq!(answer["reasons"][0]["policy"], "environments.production.approvals.from");
}

#[test]
fn key_unencrypted() {
    let (house, id) = House::approved();
    let bare = house.bare_key("alice").display().to_string();
    for arguments in
        [&["deploy", "production", id.as_str()][..], &["approve", &id, "--revoke", "--reason", "no"]]
    {
        let answer = refuses_with(&house, &[arguments, &["--key", &bare]].concat(), 4, &["key.unencrypted"]);
        assert_eq!(sentence(&answer), format!("the private key `{bare}` has no passphrase"));
        assert_eq!(
            answer["reasons"][0]["next"],
            Value::from(vec![format!("give it one: ssh-keygen -p -f {bare}")])
        );
    }
}

#[test]
fn key_agent() {
    let (house, id) = House::approved();
    let key = house.key("alice").display().to_string();
    let bare = house.bare_key("alice").display().to_string();
    let deploys = format!("{PROGRAM} deploy production {id} --json --key {key}");
    // In the directory for temporary files, but not in that of the machine, where all tests would find it.
    let temporary = house.world().join("tmp").display().to_string();
    let dir = house.world().join("tmp/ssh-of-alice");
    fs::create_dir(&dir).unwrap();
    // Also where the session does not say that it has an agent.
    for (number, deploys) in [deploys.clone(), format!("env -u SSH_AUTH_SOCK {deploys}")].iter().enumerate() {
        let socket = dir.join(format!("agent.{number}")).display().to_string();
        // `ssh-agent` belongs to a group of its own on many systems, and such a program loses its `TMPDIR`.
        let script = format!("export TMPDIR={temporary}; ssh-add -q {bare} && {deploys}; exit $?");
        let agent = ["-a", socket.as_str(), "sh", "-c", &script];
        let shown = nothing_runs(&house, || house.program_at_terminal("ssh-agent", &agent).exit(4));
        let document: Value =
            serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error}:\n{shown}"));
        is_refusal(&document, 4, &["key.agent"]);
        let sentence = sentence(&document);
        assert!(
            sentence.starts_with(&format!("the key `{key}` can sign without asking you: ")),
            "{sentence}"
        );
    }
}

/// A public key of a FIDO device: nobody here has the device.
pub(crate) fn hardware_key() -> String {
    use base64::Engine as _;
    let kind = "sk-ssh-ed25519@openssh.com";
    let mut blob = Vec::new();
    for field in [kind.as_bytes(), &[7; 32], b"ssh:"] {
        blob.extend(u32::try_from(field.len()).expect("short").to_be_bytes());
        blob.extend(field);
    }
    format!("{kind} {}", base64::engine::general_purpose::STANDARD.encode(blob))
}

#[test]
fn rules_that_nobody_could_ever_change() {
    let house = House::new();
    let shown = |rules: &str| {
        house.config(rules);
        nothing_runs(&house, || house.person("alice").at_terminal(["approve", "--policy"]).exit(2))
    };
    let touch = shown(&rules(&[("from: [release]", "from: [release]\n      presence: touch")]));
    let why = "1 must sign the next rules with a hardware key, and 0 of them have one; nothing was signed";
    assert!(touch.contains(why), "{touch}");
    let (before, _) = POLICY.split_once("  production:\n").expect("production");
    let machines = shown(&before.replace("{ production: [request] }", "{ staging: [request] }"));
    let why =
        "people deploy no environment, and who approves for one signs the next rules; nothing was signed";
    assert!(machines.contains(why), "{machines}");
    assert!(!house.try_git(["rev-parse", "--verify", "deployctl/ledger"]).status.success());
}

#[test]
fn approval_presence() {
    let dave = format!("people:\n  dave: {{ keys: [\"{}\"], groups: [release] }}\n", hardware_key());
    let changes =
        [("from: [release]", "from: [release]\n      presence: touch"), ("people:\n", dave.as_str())];
    let touch = rules(&changes);
    let (house, id) = House::requested();
    house.config(&touch);
    house.person("alice").signs_policy();
    refuses(&house, "alice", &["approve", &id], 4, &["request.stale", "approval.presence"]);
    let id = house.requests();
    let refused = "\
refused: deployctl approve
  ✗ approval.presence  the signature of `alice` does not show the presence the policy asks for: a hardware key that was touched
      policy: environments.production.approvals.presence
next: sign with such a key: name it with `--key FILE`
";
    refuses(&house, "alice", &["approve", &id], 4, &["approval.presence"]);
    refuses_in_words(&house, "alice", &["approve", &id], 4, refused);
}

#[test]
fn approval_presence_of_a_founder() {
    let house = House::new();
    let dave = format!("people:\n  dave: {{ keys: [\"{}\"], groups: [release] }}\n", hardware_key());
    house.config(&rules(&[
        ("from: [release]", "from: [release]\n      presence: touch"),
        ("people:\n", &dave),
    ]));
    let shown =
        nothing_runs(&house, || house.person("alice").at_terminal(["approve", "--policy"]).signs().exit(4));
    assert!(shown.contains("✗ approval.presence  the signature of `alice` does not show"), "{shown}");
    assert!(!house.try_git(["rev-parse", "--verify", "deployctl/ledger"]).status.success());
}

#[test]
fn approval_self() {
    let house = House::founded();
    let key = house.key("alice").display().to_string();
    let words = ["request", "v1.4.0", "--since", "v1.3.0", "--as", "alice", "--json"];
    let shown = house.at_terminal(words).exit(0);
    let answer: Value = serde_json::from_str(&shown).expect("a document");
    let id = answer["id"].as_str().expect("an id");
    let refused = "\
refused: deployctl approve
  ✗ approval.self  `alice` is the requester
      policy: environments.production.approvals.not
next: ask another approver
";
    refuses(&house, "alice", &["approve", id], 4, &["approval.self"]);
    refuses_in_words(&house, "alice", &["approve", id], 4, refused);
    // A no needs nobody else.
    house.at_terminal(["approve", id, "--deny", "--reason", "no", "--key", &key]).signs().exit(0);
}

#[test]
fn approval_self_of_the_author_and_of_the_executor() {
    let house = founded_with(&[
        ("from: [release]", "from: [release]\n      not: [author, executor]"),
        ("emails: [bob@example.org]", "emails: [dana@example.org]"),
    ]);
    let id = house.requests();
    let answer = refuses(&house, "bob", &["approve", &id], 4, &["approval.self"]);
    assert_eq!(sentence(&answer), "`bob` is an author of the change");
    house.person("alice").approves(&id);
    let answer = refuses(&house, "alice", &["deploy", "production", &id], 4, &["approval.self"]);
    assert_eq!(sentence(&answer), format!("`alice` approved `{id}` and is the executor"));
    house.person("bob").deploys(&id);
}
