//! What only people can do: nobody else gets past the first look, and a person can stop at every question.

use serde_json::Value;

use crate::house::{Answer, House, PASSPHRASE, POLICY};

/// The codes of all reasons, in their order.
fn codes(answer: &Value) -> Vec<&str> {
    let reasons = answer["reasons"].as_array().expect("reasons");
    reasons.iter().map(|reason| reason["code"].as_str().expect("a code")).collect()
}

/// What a program is told that tries what only people can do.
fn hands_over(house: &House, arguments: &[&str], name: &str, value: &str) -> Answer {
    let answer = house
        .run(arguments.iter().copied().chain(["--json"]))
        .env(name, value)
        .stdin("y\ny\ny\n")
        .any_stdout();
    let answer = answer.exit(4);
    assert_eq!(answer.json()["human_required"], true);
    answer
}

#[test]
fn without_a_terminal_nobody_approves_or_deploys() {
    let (house, id) = House::approved();
    for arguments in [
        &["approve", id.as_str()][..],
        &["approve", &id, "--deny", "--reason", "no"],
        &["approve", &id, "--revoke", "--reason", "no"],
        &["deploy", "production", &id],
        &["deploy", "production", &id, "--yes"],
    ] {
        let answer = hands_over(&house, arguments, "EDITOR", "true").json();
        assert_eq!(codes(&answer), ["human.terminal"], "{arguments:?}");
    }
    assert_eq!(house.live("version"), None);
}

#[test]
fn marks_of_agents_and_of_ci_are_reasons_of_their_own() {
    let (house, id) = House::approved();
    let arguments = ["deploy", "production", id.as_str()];
    let answer = hands_over(&house, &arguments, "CLAUDECODE", "1").json();
    assert_eq!(codes(&answer), ["human.terminal", "human.agent"]);
    let answer = hands_over(&house, &arguments, "GITLAB_CI", "true").json();
    assert_eq!(codes(&answer), ["human.terminal", "human.ci"]);
}

#[test]
fn the_refusal_names_what_a_person_runs() {
    let (house, id) = House::approved();
    let refused = "\
refused: deployctl deploy
  ✗ human.terminal  only a person can do this: standard input is not a terminal
next: ask a person to run this at their own terminal: deployctl deploy production [the id]
";
    let elsewhere = house.project().join("app");
    let deploys = house.run(["deploy", "production", &id]).directory(&elsewhere).normalise(&id, "[the id]");
    deploys.stderr(refused).exit(4);
}

#[test]
fn a_terminal_that_a_program_holds_is_not_a_persons() {
    let (house, id) = House::approved();
    let program = assert_cmd::cargo::cargo_bin!("deployctl");
    let line = format!("{} deploy production {id}", program.display());
    let shown = house.program_at_terminal("script", &["-qec", &line, "/dev/null"]).exit(4);
    assert!(
        shown.contains("✗ human.pty  only a person can do this: the terminal is held by `script`"),
        "{shown}"
    );
}

#[test]
fn a_no_is_final() {
    let (house, id) = House::requested();
    house.person("bob").denies(&id, "not before the fair");
    let deploys = house.run(["deploy", "production", &id, "--dry-run", "--json"]).any_stdout().exit(3).json();
    assert_eq!(codes(&deploys), ["approval.denied"]);
    let approves = house.person("alice").at_terminal(["approve", &id]).exit(3);
    assert!(approves.contains("✗ approval.denied"), "{approves}");
}

#[test]
fn the_name_of_a_person_is_no_right() {
    let house = House::founded();
    let request = house.run(["request", "v1.4.0", "--as", "alice", "--json"]).any_stdout().exit(3).json();
    assert_eq!(codes(&request), ["role.forbidden"]);
    let request =
        house.run(["request", "v1.4.0", "--as", "qa-specialist", "--json"]).any_stdout().exit(3).json();
    assert_eq!(codes(&request), ["role.forbidden"]);
}

#[test]
fn nobody_is_sent_to_sign_something_else() {
    let house = House::founded();
    let answer = house.run(["approve", "v9.9.9", "--json"]).any_stdout().exit(4).json();
    assert_eq!(codes(&answer), ["human.terminal", "request.missing"]);
    assert!(!answer.to_string().contains("--policy"), "{answer}");
}

#[test]
fn an_approval_is_used_once() {
    let (house, id) = House::deployed();
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(3);
    assert!(shown.contains("✗ approval.consumed"), "{shown}");
    let journal = house.live("journal").unwrap();
    assert_eq!(journal.matches("release").count(), 1, "{journal}");
}

#[test]
fn a_stranger_signs_nothing() {
    let (house, id) = House::requested();
    let shown = house.person("mallory").at_terminal(["approve", &id]).exit(4);
    assert!(shown.contains("✗ key.unknown"), "{shown}");
    let bare = house.bare_key("alice").display().to_string();
    let shown = house.at_terminal(["approve", &id, "--key", &bare]).exit(4);
    assert!(shown.contains("✗ key.unencrypted"), "{shown}");
}

#[test]
fn a_person_can_stop_at_every_question() {
    let (house, id) = House::requested();
    let before = house.git(["rev-parse", "deployctl/ledger"]);
    let approves = || house.person("alice").at_terminal(["approve", &id]);
    approves().expect("[y/n] ").answer("n").exit(5);
    approves().expect("[y/n] ").end_of_input().exit(5);
    approves().expect("[y/n] ").ctrl_c().exit(130);
    approves().expect("[y/n] ").hang_up().exit(130);
    approves().yes_to_all().types_instead("approve").exit(5);
    approves().yes_to_all().expect(": ").end_of_input().exit(5);
    approves().yes_to_all().expect(": ").ctrl_c().exit(130);
    let wrong = approves().yes_to_all().types_phrase().passphrase("wrong").passphrase("wronger");
    let shown = wrong.passphrase("no").exit(5);
    assert!(shown.ends_with(": nothing was signed, run it again\n"), "{shown}");
    approves().yes_to_all().types_phrase().stops_at_passphrase().exit(130);
    assert_eq!(house.git(["rev-parse", "deployctl/ledger"]), before);
}

#[test]
fn a_wrong_passphrase_is_asked_for_again_and_nothing_else_is() {
    let (house, id) = House::requested();
    let asked = house.person("alice").at_terminal(["approve", &id]).yes_to_all().types_phrase();
    let shown = asked.passphrase("wrong").passphrase("").passphrase(PASSPHRASE).exit(0);
    assert_eq!(shown.matches("Enter passphrase").count(), 3, "{shown}");
    assert_eq!(shown.matches("Type \"").count(), 1, "{shown}");
    assert!(shown.contains(&format!("approved {id} as alice\n")), "{shown}");
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let (house, id) = House::requested();
    let keys = "y\n".repeat(20);
    let waits =
        house.person("alice").at_terminal(["approve", &id]).answer(&keys).expect("1/8").expect("[y/n] ");
    waits.answer("n").exit(5);
}

#[test]
fn the_rules_that_are_signed_are_the_rules_that_are_shown() {
    let house = House::founded();
    let shown = |text: &str| {
        house.config(text);
        let screen = house
            .person("alice")
            .at_terminal(["approve", "--policy"])
            .expect("Type \"")
            .end_of_input()
            .exit(5);
        // The digest in the first line always differs, and tells nobody what.
        screen
            .split_once('\n')
            .and_then(|(_, rest)| rest.split_once("Type \""))
            .expect("a screen")
            .0
            .to_owned()
    };
    let other = POLICY.replace("project: storefront", "project: storefronts");
    let before = shown(&other);
    let hidden: Vec<&str> = [
        ("requires: [development, integration]", "requires: []"),
        ("junit: [\"reports/unit/*.xml\"]", "junit: [\"reports/old/*.xml\"]"),
        ("checks: [integration]", "checks: [unit]"),
        ("branch: main, ", ""),
        ("emails: [bob@example.org]", "emails: []"),
        ("presets: [sqlx]", "presets: [diesel]"),
        ("    requires:", "    branch: main\n    requires:"),
        ("estimate: 5m", "estimate: 1m"),
        ("alerts: [errors]", "alerts: []"),
        ("required: 1", "required: 2"),
        ("from: [release]", "from: [alice]"),
    ]
    .into_iter()
    .inspect(|(rule, _)| assert!(other.contains(rule), "{rule}"))
    .filter(|(rule, changed)| shown(&other.replace(rule, changed)) == before)
    .map(|(rule, _)| rule)
    .collect();
    assert_eq!(hidden, Vec::<&str>::new(), "a change of these is not on the screen");
}
