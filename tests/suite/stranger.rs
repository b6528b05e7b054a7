//! `history --bundle`: a stranger who has the directory, git and OpenSSH, and no deployctl, finds out what holds.

#![expect(clippy::disallowed_methods, reason = "the stranger's world is emptier than the house")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use deployctl::gate::statement::Statement;
use deployctl::gate::terms::Digest;
use deployctl::world::records::Files;

use crate::forge::Entry;
use crate::house::{House, POLICY};

/// Everything that the script may use.
const TOOLS: [&str; 6] = ["sh", "git", "ssh-keygen", "sha256sum", "mkdir", "rm"];

/// v1.4.0 was deployed by alice and rolled back by bob, and the ledger written out.
fn exported() -> House {
    let (house, _) = House::deployed();
    house.person("bob").rolls_back("checkout fails");
    exports(&house);
    house
}

fn exports(house: &House) {
    house.run(["history", "--bundle", "../export"]).any_stdout().exit(0);
}

fn export(house: &House) -> PathBuf {
    house.world().join("export")
}

/// What the stranger's check says, and how it ends: nothing is there but the directory and the tools.
fn checks(house: &House) -> (i32, String, String) {
    checks_with(house, &TOOLS.map(|tool| (tool, tool)))
}

/// The same with these tools, each a name and the program behind it.
fn checks_with(house: &House, tools: &[(&str, &str)]) -> (i32, String, String) {
    checks_by(house, tools, None)
}

/// The same with an allowed_signers of the stranger's own.
fn checks_by(house: &House, tools: &[(&str, &str)], signers: Option<&Path>) -> (i32, String, String) {
    let world = tempfile::tempdir().expect("a directory");
    let (bin, home, there) = (world.path().join("bin"), world.path().join("home"), world.path().join("got"));
    fs::create_dir(&bin).expect("a directory");
    fs::create_dir(&home).expect("a directory");
    for (tool, program) in tools {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().expect("sh");
        let path = String::from_utf8(found.stdout).expect("a path");
        std::os::unix::fs::symlink(path.trim_end(), bin.join(tool)).expect("a link");
    }
    let copied = Command::new("cp").arg("-R").arg(export(house)).arg(&there).status().expect("cp");
    assert!(copied.success());
    let mut check = Command::new(bin.join("sh"));
    check.arg(there.join("verify.sh")).args(signers).current_dir(&home).env_clear();
    let output = check.env("PATH", &bin).env("HOME", &home).env("TMPDIR", &home).output().expect("sh");
    assert_eq!(fs::read_dir(&home).expect("a directory").count(), 0, "it left something behind");
    let text = |bytes: Vec<u8>| house.normal(&String::from_utf8(bytes).expect("UTF-8"));
    (output.status.code().expect("an end"), text(output.stdout), text(output.stderr))
}

/// A stranger finds that the ledger holds, as long as `history --verify` says that it is.
#[track_caller]
pub(crate) fn finds_that_it_holds(house: &House) {
    exports(house);
    let entries = house.entries().len();
    let (code, told, said) = checks(house);
    assert!(code == 0 && told.starts_with(&format!("ok: {entries} entries, ")), "{told}{said}");
}

/// Puts other entries into the bundle in the place of those that it has.
fn rewritten(house: &House, entries: &[Entry]) {
    house.replace_ledger(entries);
    fs::remove_file(export(house).join("records.bundle")).expect("the bundle");
    house.git(["bundle", "create", "--quiet", "../export/records.bundle", "deployctl/ledger"]);
}

/// The stranger's check fails at this entry, for this reason.
#[track_caller]
fn fails(house: &House, sequence: usize, why: &str) {
    let expected = format!("FAILED: entry {sequence} ([commit]): {why}\n");
    assert_eq!(checks(house), (1, String::new(), expected));
}

const OK: &str = "\
ok: 10 entries, each with its place, its files and its signature
signatures: 4 by people, 6 by the sessions of their deployments
keys: those of the allowed_signers beside this script
policies that came into force: 1
executions:
  entry 3: deploy production v1.4.0 by alice, approved by alice
  entry 7: rollback production v1.3.0 by bob, approved by alice
trust root: [fingerprint]
newest entry: 10 ([commit])
";

#[test]
fn a_ledger_that_holds_is_ok() {
    let (house, _) = House::deployed();
    house.person("bob").rolls_back("checkout fails");
    let told = "\
wrote `../export`: 10 entries up to [id], and the journal
tell the trust root by another way: [fingerprint]
who has it runs: sh verify.sh
";
    house.run(["history", "--bundle", "../export"]).stdout(told).exit(0);
    assert_eq!(checks(&house), (0, OK.to_owned(), String::new()));
    let how_to = fs::read_to_string(export(&house).join("README.txt")).expect("the how-to");
    assert!(how_to.contains(&house.git(["rev-parse", "deployctl/ledger"])), "{how_to}");
    assert!(!how_to.contains('{'), "{how_to}");
    let verified = house.run(["history", "--verify", "--json"]).any_stdout().exit(0).json();
    assert!(how_to.contains(verified["root"].as_str().expect("a root")), "{how_to}");
    // The script comes to the same root.
    let script = house.program("sh", &["../export/verify.sh"]).any_stdout().exit(0).stdout;
    assert!(script.contains(&format!("\ntrust root: {}\n", verified["root"].as_str().expect("a root"))));
}

#[test]
fn an_auditor_brings_the_keys_that_he_trusts() {
    let house = exported();
    let own = house.world().join("my_signers");
    let by_own = |lines: &str| {
        fs::write(&own, lines).expect("a file");
        checks_by(&house, &TOOLS.map(|tool| (tool, tool)), Some(&own))
    };
    let key = |name: &str| {
        let line = house.public_key(name);
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    let everybody = ["alice", "bob", "carol"].map(|name| (name, format!("{name} {}\n", key(name))));
    let [(_, alice), (_, bob), (_, carol)] = &everybody;
    let fails = |code: (i32, String, String), entry: usize, why: &str| {
        let said = format!("FAILED: entry {entry} ([commit]): {}\n", house.normal(why));
        assert_eq!(code, (1, String::new(), said));
    };
    let shown = own.display();
    // His own spelling, with a comment and other people.
    let fine = format!("# known\n\n{alice}{bob}{carol}dave {}\n", key("carol"));
    let whose = OK.replace("the allowed_signers beside this script", "[world]/my_signers");
    assert_eq!(by_own(&fine), (0, whose, String::new()));
    for name in ["alice", "bob"] {
        let others: String =
            everybody.iter().filter(|(other, _)| *other != name).map(|(_, line)| line.as_str()).collect();
        let why = match name {
            "alice" => format!("by {shown} the signature of alice as deployctl-policy does not verify"),
            _ => format!("{shown} has no line for {name} with the key {}", key(name)),
        };
        fails(by_own(&others), 1, &why);
        // The key of somebody else under that name is another key.
        let swapped = format!("{others}{name} {}\n", key("carol"));
        fails(by_own(&swapped), 1, &why);
    }
    // What OpenSSH makes of his file counts.
    let narrow = format!("alice namespaces=\"deployctl-policy\" {}\n{bob}{carol}", key("alice"));
    let why = format!("by {shown} the signature of alice as deployctl-approval does not verify");
    fails(by_own(&narrow), 2, &why);
    assert_eq!(
        checks_by(&house, &TOOLS.map(|tool| (tool, tool)), Some(Path::new("/nowhere"))),
        (1, String::new(), "FAILED: /nowhere cannot be read\n".to_owned())
    );
    // Without a file of his own it is the one beside the script.
    fs::write(export(&house).join("allowed_signers"), format!("{bob}{carol}")).expect("a file");
    let (code, told, said) = checks(&house);
    assert!(
        code == 1 && told.is_empty() && said.contains("/allowed_signers the signature of alice"),
        "{said}"
    );
}

#[test]
fn another_shell_and_another_digest_program_say_the_same() {
    let house = exported();
    let others = TOOLS.map(|tool| match tool {
        "sh" => (tool, "bash"),
        "sha256sum" => ("shasum", "shasum"),
        tool => (tool, tool),
    });
    assert_eq!(checks_with(&house, &others), (0, OK.to_owned(), String::new()));
    let without = TOOLS.map(|tool| (tool, tool)).into_iter().filter(|(tool, _)| *tool != "ssh-keygen");
    let said = "FAILED: ssh-keygen is needed, and it is not here\n";
    assert_eq!(checks_with(&house, &without.collect::<Vec<_>>()), (1, String::new(), said.to_owned()));
}

#[test]
fn it_never_overwrites() {
    let house = exported();
    let before = fs::read(export(&house).join("verify.sh")).expect("the script");
    for directory in ["../export", "app", "deployctl.yaml"] {
        let told = format!("error: `{directory}` is there already: name a directory that is not\n");
        house.run(["history", "--bundle", directory]).stderr(&told).exit(1);
    }
    assert_eq!(fs::read(export(&house).join("verify.sh")).expect("the script"), before);
    assert_eq!(house.git(["status", "--porcelain", "app"]), "");
}

#[test]
fn what_hides_entries_from_git_is_exported_all_the_same() {
    let (house, id) = House::approved();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    let [tip, before, first] =
        ["", "~1", "~2"].map(|up| house.git(["rev-parse", &format!("deployctl/ledger{up}")]));
    house.write(".git/info/grafts", &format!("{tip} {first}\n"));
    house.write(".git/shallow", &format!("{before}\n"));
    finds_that_it_holds(&house);
}

#[test]
fn there_is_nothing_to_export_of_a_ledger_that_is_not_there_or_does_not_hold() {
    let house = House::new();
    let told = "error: there is no ledger yet: nobody has signed anything\n";
    house.run(["history", "--bundle", "../export"]).stderr(told).exit(1);
    let (house, _) = House::approved();
    house.publish(&house.entries().remove(1));
    house.run(["history", "--bundle", "../export"]).any_stderr().exit(4);
    assert!(!export(&house).exists());
}

#[test]
fn a_flipped_byte_in_a_payload() {
    let house = exported();
    let mut entries = house.entries();
    let payload = entries[1].files.get_mut("payload.json").expect("a payload");
    let at = payload.windows(8).position(|window| window == b"\"nonce\":").expect("a nonce") + 9;
    payload[at] = if payload[at] == b'0' { b'1' } else { b'0' };
    rewritten(&house, &entries);
    fails(&house, 2, "the signature of alice as deployctl-approval does not verify");
}

#[test]
fn a_swapped_signature() {
    let house = exported();
    let mut entries = house.entries();
    let other = entries[0].files["alice.sig"].clone();
    entries[2].files.insert("alice.sig".to_owned(), other);
    rewritten(&house, &entries);
    fails(&house, 3, "the signature of alice as deployctl-execution does not verify");
}

#[test]
fn a_removed_entry() {
    let house = exported();
    for (place, said) in [(0, 2), (1, 3), (5, 7)] {
        let mut entries = house.entries();
        entries.remove(place);
        let all = house.entries();
        rewritten(&house, &entries);
        fails(&house, place + 1, &format!("it says that it is entry {said}"));
        house.replace_ledger(&all);
    }
}

#[test]
fn a_removed_entry_whose_place_another_one_takes() {
    let house = exported();
    let mut entries = house.entries();
    entries.remove(3);
    entries[3].payload.sequence = 4;
    entries[3].restate();
    rewritten(&house, &entries);
    fails(&house, 4, "it does not follow the entry before it");
}

#[test]
fn a_signature_by_a_foreign_key_with_the_right_name() {
    let house = exported();
    let mut entries = house.entries();
    let Entry { payload, mut files } = entries.remove(1);
    files.retain(|name, _| name != "payload.json" && !name.ends_with(".sig"));
    entries.insert(1, house.signed("mallory", "alice", payload, files));
    rewritten(&house, &entries);
    fails(&house, 2, "the signature of alice as deployctl-approval does not verify");
}

#[test]
fn a_word_of_a_session_that_another_key_signed() {
    let house = exported();
    let mut entries = house.entries();
    let Entry { payload, mut files } = entries.remove(5);
    files.retain(|name, _| name != "payload.json" && !name.ends_with(".sig"));
    entries.insert(5, house.signed("alice", "session", payload, files));
    rewritten(&house, &entries);
    fails(&house, 6, "the signature of session as deployctl-session does not verify");
}

#[test]
fn an_edited_attachment_and_one_more() {
    let house = exported();
    let mut entries = house.entries();
    entries[1].files.insert("checklist.md".to_owned(), b"- [x] all is well\n".to_vec());
    rewritten(&house, &entries);
    fails(&house, 2, "checklist.md is not the one that was signed");
    entries[1].files.insert("note.md".to_owned(), b"please hurry\n".to_vec());
    rewritten(&house, &entries);
    fails(&house, 2, "its files are not the ones that were signed");
}

#[test]
fn an_approval_that_is_used_twice_or_was_revoked() {
    let house = exported();
    let again = house.entries().remove(2).payload.statement;
    let mut entries = house.entries();
    entries.push(house.forged("alice", "alice", again.clone(), Files::new()));
    rewritten(&house, &entries);
    fails(&house, 11, "its approval was used before");

    let (revoked, id) = House::approved();
    revoked.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    exports(&revoked);
    let approval = revoked.entries().remove(1);
    let (Statement::Execution(mut execution), Statement::Approval(said)) =
        (again, &approval.payload.statement)
    else {
        panic!("another statement")
    };
    execution.release = said.release.clone();
    execution.request = said.request.clone();
    execution.approvals = vec![Digest::of(&approval.files["payload.json"])];
    let mut entries = revoked.entries();
    entries.push(revoked.forged("alice", "alice", Statement::Execution(execution), Files::new()));
    rewritten(&revoked, &entries);
    fails(&revoked, 4, "the approval of entry 2 was revoked by entry 3");
}

#[test]
fn a_person_who_was_taken_out_of_the_policy() {
    let (house, _) = House::approved();
    let lines: Vec<&str> = POLICY.lines().filter(|line| !line.contains("{bob}")).collect();
    house.config(&format!("{}\n", lines.join("\n")));
    house.person("alice").signs_policy();
    exports(&house);
    let (code, told, said) = checks(&house);
    assert!(code == 0 && told.contains("\npolicies that came into force: 2\n"), "{told}{said}");
    let mut entries = house.entries();
    let approval = house.entries().remove(1).payload.statement;
    entries.push(house.forged("bob", "bob", approval, Files::new()));
    rewritten(&house, &entries);
    fails(&house, 4, "the signature of bob as deployctl-approval does not verify");
}

/// The public key of somebody, without its type and comment.
fn key(house: &House, who: &str) -> String {
    house.public_key(who).split_whitespace().nth(1).expect("a key").to_owned()
}

#[test]
fn keys_that_no_policy_brought() {
    let house = exported();
    let signers = export(&house).join("signers");
    let own = fs::read_to_string(signers.join("1")).expect("the keys");
    let foreign = own.replace(&key(&house, "bob"), &key(&house, "mallory"));
    assert_ne!(own, foreign);
    fs::write(signers.join("1"), foreign).expect("the keys");
    fails(&house, 1, "a key of signers/1 does not stand in its deployctl.yaml");
    // What the script does not look at, OpenSSH must not get.
    let (foreign, no_key) = (key(&house, "mallory"), "signers/1 has a line that is no person's key");
    let without_end = own.trim_end().replace(&key(&house, "bob"), &foreign);
    for (more, said) in [
        (format!("{own}alice ssh-ed25519 {foreign}\n"), no_key),
        (format!("{own}alice ssh-ed25519 {foreign}"), no_key),
        (format!("{own}alice namespaces=\"*\" ssh-ed25519 {}\n", key(&house, "bob")), no_key),
        (without_end, "a key of signers/1 does not stand in its deployctl.yaml"),
    ] {
        fs::write(signers.join("1"), more).expect("the keys");
        fails(&house, 1, said);
    }
    fs::write(signers.join("1"), &own).expect("the keys");
    fs::write(signers.join("2"), &own).expect("the keys");
    let said = "FAILED: signers holds keys that no policy of the ledger brought into force\n";
    assert_eq!(checks(&house), (1, String::new(), said.to_owned()));
}

#[test]
fn a_damaged_bundle() {
    let house = exported();
    let file = export(&house).join("records.bundle");
    let mut bytes = fs::read(&file).expect("the bundle");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("the bundle");
    let (code, told, said) = checks(&house);
    assert!(
        code == 1 && told.is_empty() && said.ends_with("FAILED: records.bundle is not whole\n"),
        "{told}{said}"
    );
}

/// The script is read by strangers: what it uses is what it says that it uses.
#[test]
fn the_script_is_whole_in_the_repository() {
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/bundle/verify.sh"));
    let script = script.expect("the script");
    assert!(script.starts_with("#!/bin/sh\n") && !script.contains("deployctl history"), "{script}");
    let written = fs::read_to_string(export(&exported()).join("verify.sh")).expect("the script");
    assert_eq!(written, script);
}
