//! `deployctl approve --check`: a check that is a person's signature, in the ledger and nowhere else.

use std::fs;

use deployctl::gate::request::{CheckState, Request};
use deployctl::gate::terms::Digest;
use serde_json::{Value, json};

use crate::house::{House, POLICY};

/// The usual rules with a code review that somebody of the release group signs.
fn founded() -> House {
    let house = House::new();
    house.config(&reviewed());
    house.person("alice").signs_policy();
    house
}

fn reviewed() -> String {
    let check = "checks:\n  code-review: { title: Code review, signoff: release }\n";
    POLICY.replace("checks:\n", check).replace("checks: [unit] }", "checks: [unit, code-review] }")
}

fn signs_off(house: &House, who: &str) -> String {
    house.person(who).at_terminal(["approve", "--check", "code-review"]).signs().exit(0)
}

fn denies(house: &House, who: &str) -> String {
    let words = ["approve", "--check", "code-review", "--deny", "--reason", "no tests\u{1b}[2K"];
    house.person(who).at_terminal(words).signs().exit(0)
}

fn page(house: &House) -> String {
    house.run(["checklist", "v1.4.0", "--since", "v1.3.0"]).any_stdout().exit(0).stdout
}

fn has_line(house: &House, expected: &str) {
    let head = house.git(["rev-parse", "--short=7", "HEAD"]);
    let (page, line) = (page(house), expected.replace("[id]", &head));
    assert!(page.lines().any(|found| found == line), "{line}\n{page}");
}

const SIGNED: &str = "\
storefront · sign off Code review

  Check        code-review, a signature of release
  Stage        development, which production requires
  Commit       [commit]  tree [id]
  Subject      fix(cart): round to cents
  Author       Dana
  Changes      3 files in this commit
  See          git show [id]

Type \"signoff code-review [id]\" to sign off: signoff code-review [id]
Enter passphrase: 
signed off code-review of [id] as alice
recorded in the ledger as [id]
";

#[test]
fn a_person_looks_at_a_commit_types_and_signs() {
    let house = founded();
    has_line(&house, "- [ ] Code review: no evidence — it is a signature of 'release', and none is recorded");
    house.same(&signs_off(&house, "alice"), SIGNED);
    house.clock("2026-11-23T10:05:00Z");
    has_line(&house, "- [x] Code review: signed by alice · 5 min ago · [id]");
    let head = house.git(["rev-parse", "HEAD"]);
    house.run(["check", "code-review"]).stdout("✓ code-review  signed by alice\n").exit(0);
    house.write("app/total.txt", "3\n");
    house.commit("feat: another total");
    let other = house.run(["check", "code-review", "--json"]).any_stdout().any_stderr().exit(4).json();
    assert_eq!(other["checks"][0]["state"], json!("missing"), "a signature of the commit before");
    house.run(["check", "code-review", "--commit", &head]).stdout("✓ code-review  signed by alice\n").exit(0);
}

#[test]
fn what_was_signed_off_is_approved_and_deployed() {
    let house = founded();
    signs_off(&house, "alice");
    let id = house.requests();
    let shown = house.person("bob").approves(&id);
    assert!(shown.contains("  Signed off   Code review by alice, 2026-11-23 10:00 UTC"), "{shown}");
    assert!(!shown.contains("Code review passed"), "no machine reports it:\n{shown}");
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
    house.run(["history", "--verify"]).any_stdout().exit(0);
    crate::stranger::finds_that_it_holds(&house);
}

#[test]
fn a_request_may_be_signed_off_after_it_was_made() {
    let house = founded();
    let id = house.requests();
    let refused = house.person("bob").at_terminal(["approve", &id]).exit(3);
    assert!(refused.contains("stage.missing"), "{refused}");
    signs_off(&house, "bob");
    // The box of the request's moment is answered by it: nobody is asked for it once more, and nothing says otherwise.
    let shown = house.person("bob").approves(&id);
    assert!(shown.contains("  Signed off   Code review by bob, 2026-11-23 10:00 UTC\n"), "{shown}");
    assert!(shown.contains("  8 things need you:\n") && !shown.contains("[ ] Code review"), "{shown}");
    assert!(shown.contains("8/8 ") && !shown.contains("] Code review"), "{shown}");
    house.person("alice").deploys(&id);
}

#[test]
fn stock_openssh_verifies_a_sign_off() {
    let house = founded();
    signs_off(&house, "alice");
    let signers = house.run(["history", "--allowed-signers"]).any_stdout().exit(0).stdout;
    house.write("../allowed_signers", &signers);
    let entries = house.entries();
    let entry = entries.last().unwrap();
    let text = |name: &str| String::from_utf8(entry.files[name].clone()).unwrap();
    let path = house.world().join("allowed_signers");
    let verifies = |namespace: &str| {
        house.ssh_verifies(&path, "alice", namespace, &text("alice.sig"), &text("payload.json"))
    };
    assert!(verifies("deployctl-signoff"));
    assert!(!verifies("deployctl-approval"));
    let screen = Digest::of(&entry.files["screen.txt"]);
    assert_eq!(serde_json::from_str::<Value>(&text("payload.json")).unwrap()["screen"], json!(screen));
}

#[test]
fn a_machine_is_told_which_person_must_do_what() {
    let house = founded();
    let head = house.git(["rev-parse", "HEAD"]);
    let refused = "\
refused: deployctl check
  ✗ stage.missing  `Code review` is a signature of `release`, and none counts for [id]
      policy: checks.code-review.signoff
next: ask a person to run: deployctl approve --check code-review --commit [commit]
";
    let line = "· code-review  it is a signature of `release`, and none is recorded: \
                ask a person to run: deployctl approve --check code-review --commit [commit]\n";
    house.run(["check", "code-review", "--as", "orchestrator"]).stdout(line).stderr(refused).exit(4);
    house.run(["check", "code-review", "--json"]).any_stdout().exit(4).json();
    let answer = house.run(["check", "development", "--as", "qa-specialist", "--json"]).any_stdout().exit(0);
    let next = format!("ask a person to run: deployctl approve --check code-review --commit {head}");
    assert_eq!(answer.json()["next"], json!([next]));
}

#[test]
fn an_agent_cannot_sign_off() {
    let house = founded();
    let key = house.bare_key("alice").display().to_string();
    for words in [
        vec!["approve", "--check", "code-review", "--json"],
        vec!["approve", "--check", "code-review", "--key", &key, "--json"],
        vec!["approve", "--check", "code-review", "--deny", "--reason", "no", "--as", "alice", "--json"],
    ] {
        let answer = house.run(words).any_stdout().exit(4).json();
        assert_eq!(answer["reasons"][0]["code"], json!("human.terminal"));
        assert_eq!(answer["human_required"], json!(true));
    }
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn only_the_group_signs() {
    let house = House::new();
    let design = reviewed()
        .replace("signoff: release", "signoff: design")
        .replace("groups: [release], emails: [bob", "groups: [release, design], emails: [bob");
    house.config(&design);
    house.person("alice").signs_policy();
    let shown = house.person("alice").at_terminal(["approve", "--check", "code-review"]).exit(4);
    let refused = "\
refused: deployctl approve
  ✗ key.unknown  `alice` is not in the group `design`, which signs `code-review`
      policy: checks.code-review.signoff
";
    house.same(&shown, refused);
    let shown = house.person("alice").at_terminal(["approve", "--check", "unit"]).exit(4);
    assert!(shown.contains("nobody signs `unit`"), "{shown}");
    assert_eq!(house.story(), ["policy"]);
    signs_off(&house, "bob");
    assert_eq!(house.story(), ["policy", "sign-off"]);
}

#[test]
fn a_no_stands_until_the_same_person_says_yes() {
    let house = founded();
    signs_off(&house, "alice");
    let shown = denies(&house, "bob");
    assert!(shown.contains("Type \"deny code-review "), "{shown}");
    assert!(shown.contains("  Your reason  no tests\\x1b[2K"), "{shown}");
    has_line(&house, "- [ ] Code review: denied by bob · just now · [id] — no tests\\\\x1b\\[2K");
    house
        .run(["check", "code-review"])
        .stdout("✗ code-review  denied by bob — no tests\\x1b[2K\n")
        .stderr("error: 1 check did not pass\n")
        .exit(1);
    let id = house.requests();
    let refused = house.person("bob").at_terminal(["approve", &id]).exit(3);
    assert!(refused.contains("stage.failed"), "{refused}");
    signs_off(&house, "bob");
    house.person("bob").approves(&id);
}

#[test]
fn a_no_after_the_approval_stops_the_deployment() {
    let house = founded();
    signs_off(&house, "alice");
    let id = house.requests();
    house.person("bob").approves(&id);
    denies(&house, "bob");
    let shown = house.refuses(&id, 3, "stage.failed");
    assert!(shown.contains("`bob` denied `Code review` for "), "{shown}");
}

#[test]
fn the_review_says_who_signed_off_and_that_nobody_did() {
    let house = founded();
    let id = house.requests();
    let shows = |words: &str| {
        let shown = house.run(["approve", &id, "--show"]).any_stdout().exit(0).stdout;
        assert!(shown.contains(&format!("\n  Signed off   Code review {words}\n")), "{words}\n{shown}");
    };
    shows("by NOBODY");
    signs_off(&house, "alice");
    house.clock("2026-11-23T10:05:00Z");
    signs_off(&house, "bob");
    shows("by alice, 2026-11-23 10:00 UTC and bob, 2026-11-23 10:05 UTC");
    denies(&house, "alice");
    shows("DENIED by alice, 2026-11-23 10:05 UTC");
    // The question says so as well, and no longer that nobody signed.
    let no = "Code review: no evidence — alice said no, 2026-11-23 10:05 UTC: no tests\\x1b[2K";
    let shown = house.run(["approve", &id, "--show"]).any_stdout().exit(0).stdout;
    assert!(shown.contains(&format!("\n    [ ] {no}\n")) && !shown.contains("none is recorded"), "{shown}");
}

#[test]
fn nobody_signs_the_same_twice() {
    let house = founded();
    signs_off(&house, "alice");
    house.clock("2026-11-23T10:05:00Z");
    let again = house.person("alice").at_terminal(["approve", "--check", "code-review"]).exit(0);
    house.same(
        &again,
        "code-review of [id] is signed off by alice already, at 2026-11-23 10:00 UTC, in the ledger as [id]; nothing more was signed\n",
    );
    assert_eq!(house.story(), ["policy", "sign-off"]);
    // Another note, another verdict, the same again after it, and another person say something.
    let noted = ["approve", "--check", "code-review", "--reason", "read twice"];
    let shown = house.person("alice").at_terminal(noted).signs().exit(0);
    assert!(shown.contains("  Your reason  read twice\n"), "{shown}");
    denies(&house, "alice");
    let again = house.person("alice").at_terminal([
        "approve",
        "--check",
        "code-review",
        "--deny",
        "--reason",
        "no tests\u{1b}[2K",
    ]);
    assert!(again.exit(0).contains(" is denied by alice already, "));
    signs_off(&house, "alice");
    signs_off(&house, "bob");
    assert_eq!(house.story().len(), 6);
    // The check in other words is another check.
    house.config(&reviewed().replace("title: Code review", "title: Review of the code"));
    house.person("alice").signs_policy();
    signs_off(&house, "alice");
}

#[test]
fn nothing_is_signed_where_the_phrase_is_not_typed() {
    let house = founded();
    let shown =
        house.person("alice").at_terminal(["approve", "--check", "code-review"]).types_instead("y").exit(5);
    assert!(shown.contains("the phrase was not typed; nothing was signed"), "{shown}");
    assert_eq!(house.story(), ["policy"]);
}

#[test]
fn a_bare_key_does_not_sign_off() {
    let house = founded();
    let key = house.bare_key("alice").display().to_string();
    let shown = house.at_terminal(["approve", "--check", "code-review", "--key", &key]).exit(4);
    assert!(shown.contains("key.unencrypted"), "{shown}");
}

#[test]
fn a_forged_pass_in_a_request_is_no_signature() {
    let house = founded();
    let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "-o", "package"];
    house.run(words).any_stdout().any_stderr().exit(0);
    let dir = house.project().join("package");
    let mut evidence: Value = serde_json::from_slice(&fs::read(dir.join("evidence.json")).unwrap()).unwrap();
    for test in evidence["tests"].as_array_mut().unwrap() {
        if test["check"] == "code-review" {
            (test["state"], test["verdict"], test["why"]) = (json!("passed"), json!("PASS"), Value::Null);
            (test["signed_off"], test["reported_at"]) = (json!(["alice"]), json!("2026-11-23T10:00:00Z"));
        }
    }
    let evidence = evidence.to_string().into_bytes();
    let mut request = Request::read(&fs::read(dir.join("request.json")).unwrap()).unwrap();
    request.evidence = Digest::of(&evidence);
    request.checks.insert("code-review".parse().unwrap(), CheckState::Passed);
    request.open.retain(|open| open.key != "tests.code-review");
    fs::write(dir.join("evidence.json"), evidence).unwrap();
    fs::write(dir.join("request.json"), request.bytes().unwrap()).unwrap();
    let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
    assert!(shown.contains("stage.missing"), "{shown}");
    assert!(shown.contains("request.stale  `open`, `checks` of `v1.4.0-"), "{shown}");
    assert_eq!(house.story(), ["policy"]);
}
