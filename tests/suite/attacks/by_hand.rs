//! Entries that a person of the policy writes by hand: with a good key, and without the program.

use deployctl::commands::gather::reading::{Care, whole};
use deployctl::gate::config::ActionKind;
use deployctl::gate::statement::{Execution, RequestRef, Revocation, Statement, canonical};
use deployctl::gate::terms::Digest;
use deployctl::world::records::{Files, LEDGER};

use crate::forge::Entry;
use crate::house::{House, POLICY};
use crate::refusals::keys::hardware_key;

/// The only execution of the ledger.
fn execution(house: &House) -> Execution {
    let mut executions = house.entries().into_iter().filter_map(|entry| match entry.payload.statement {
        Statement::Execution(execution) => Some(*execution),
        _ => None,
    });
    executions.next_back().expect("an execution")
}

/// The way back from the only execution.
fn back(house: &House) -> Execution {
    let deployed = execution(house);
    Execution {
        action: ActionKind::Rollback,
        release: deployed.previous_release.clone().expect("a release before it"),
        previous_release: Some(deployed.release.clone()),
        reason: Some("mine now".to_owned()),
        ..deployed
    }
}

/// Bob writes this start by hand; nobody believes it.
#[track_caller]
fn begins_nothing(house: &House, execution: Execution, why: &str) {
    let before = house.git(["rev-parse", LEDGER]);
    let statement = Statement::Execution(Box::new(execution));
    house.publish(&house.forged("bob", "bob", statement, Files::new()));
    let refused = house.run(["history", "--verify"]).any_stderr().exit(4).stderr;
    assert!(refused.contains(why), "{refused}");
    house.git(["update-ref", LEDGER, &before]);
}

/// The command of a refusal that begins with these words, with what comes before it.
fn told<'a>(refused: &'a str, before: &str) -> &'a str {
    let line = refused.lines().find(|line| line.contains(before)).expect("a next step");
    line.split_once(before).expect("a command").1
}

#[test]
fn what_stops_everybody_names_its_signer_and_the_command_that_mends_it() {
    let (house, id) = House::shared();
    house.person("alice").deploys(&id);
    let other = house.clone_of();
    other.run(["status"]).any_stdout().any_stderr().exit(0);
    let good = house.git(["rev-parse", LEDGER]);
    let forged = Execution { lease_until: "9999-12-31T00:00:00Z".parse().unwrap(), ..back(&house) };
    arrives(&house, &house.forged("bob", "bob", Statement::Execution(Box::new(forged)), Files::new()));
    let fresh = house.clone_of();
    let place = house.entries().len() + 1;
    for house in [&house, &other, &fresh] {
        for words in
            [&["status"][..], &["history", "--verify"], &["request", "v1.4.0", "--as", "orchestrator"]]
        {
            let said = house.run(words.iter().copied()).any_stdout().any_stderr().exit(4).stderr;
            let what =
                format!("the ledger does not hold: entry {place} ([id]), signed by `bob`: {TOO_LONG}\n");
            assert!(house.normal(&said).contains(&what), "{said}");
            let way = "next: who administers `origin` ends its ledger at the last entry that holds, unless another clone has \
                       a good one in that place: git push --force-with-lease=refs/heads/deployctl/ledger:";
            assert!(said.contains(way), "{said}");
            assert!(said.contains("\nnext: ask `bob` about it; "), "{said}");
        }
    }
    // As it stands there.
    let said = fresh.run(["status"]).any_stdout().any_stderr().exit(4).stderr;
    fresh.program("sh", &["-c", told(&said, "in that place: ")]).any_stdout().any_stderr().exit(0);
    let origin = house.world().join("origin.git").display().to_string();
    for house in [&fresh, &other, &house] {
        house.run(["status"]).any_stdout().any_stderr().exit(0);
        assert_eq!(house.git(["rev-parse", LEDGER]), good);
        assert_eq!(house.git(["--git-dir", &origin, "rev-parse", LEDGER]), good);
    }
    house.person("alice").rolls_back("it goes on");
}

#[test]
fn in_a_clone_without_a_remote_the_command_is_told_too() {
    let (house, _) = House::deployed();
    let good = house.git(["rev-parse", LEDGER]);
    let forged = Execution { lease_until: "9999-12-31T00:00:00Z".parse().unwrap(), ..back(&house) };
    house.publish(&house.forged("bob", "bob", Statement::Execution(Box::new(forged)), Files::new()));
    let said = house.run(["status"]).any_stderr().exit(4).stderr;
    house.program("sh", &["-c", told(&said, "end the ledger at the last entry that holds: ")]).exit(0);
    house.run(["status"]).any_stdout().exit(0);
    assert_eq!(house.git(["rev-parse", LEDGER]), good);
}

const TOO_LONG: &str = "it holds the environment longer than its steps and its watch may take";

#[test]
fn a_deployment_that_holds_the_environment_for_ever() {
    let (house, id) = House::approved();
    let at = house.now();
    let approval = house.entries().remove(1);
    let entry = Digest::of(&approval.files["payload.json"]);
    let Statement::Approval(approval) = approval.payload.statement else { panic!("no approval") };
    let other = House::deployed().0;
    let forged = |lease_until: &str| Execution {
        environment: approval.environment.clone(),
        release: approval.release.clone(),
        previous_release: approval.previous_release.clone(),
        request: approval.request.clone(),
        approvals: vec![entry],
        policy: approval.policy,
        lease_until: lease_until.parse().expect("a moment"),
        ..execution(&other)
    };
    begins_nothing(&house, forged("9999-12-31T00:00:00Z"), TOO_LONG);
    // Two steps of a minute, and five minutes to spare.
    let late = (at + chrono::TimeDelta::seconds(7 * 60 + 1)).to_rfc3339();
    begins_nothing(&house, forged(&late), TOO_LONG);
    house.person("alice").deploys(&id);
}

#[test]
fn a_rollback_that_holds_the_environment_for_ever() {
    let (house, _) = House::deployed();
    let forged = Execution { lease_until: "9999-12-31T00:00:00Z".parse().unwrap(), ..back(&house) };
    begins_nothing(&house, forged, TOO_LONG);
    house.run(["history", "--verify"]).any_stdout().exit(0);
    crate::stranger::finds_that_it_holds(&house);
}

#[test]
fn a_rollback_by_who_shows_no_touch() {
    let (house, _) = House::deployed();
    let dave = format!("people:\n  dave: {{ keys: [\"{}\"], groups: [release] }}\n", hardware_key());
    let touch = "from: [release]\n      presence: touch";
    house.config(&POLICY.replace("from: [release]", touch).replacen("people:\n", &dave, 1));
    house.person("alice").signs_policy();
    let forged = back(&house);
    begins_nothing(&house, forged, "its signature does not show the presence that the policy asks for");
}

/// Bob takes back what nobody approved: an entry that settles nothing. It is dated so.
fn dated(house: &House, at: &str) -> Entry {
    dated_with(house, at, Files::new())
}

fn dated_with(house: &House, at: &str, files: Files) -> Entry {
    let Statement::Approval(approval) = house.entries().remove(1).payload.statement else {
        panic!("no approval")
    };
    let (environment, presence) = (approval.environment.clone(), approval.presence.clone());
    let request = RequestRef::of(&approval.release.version, Digest::of(b"unknown"));
    let revocation = Revocation { request, environment, reason: "no".to_owned(), presence };
    let mut payload = house.forged("bob", "bob", Statement::Revocation(revocation), files.clone()).payload;
    payload.at = at.parse().expect("a moment");
    house.signed("bob", "bob", payload, files)
}

/// Puts it at the end of the remote's ledger; this clone's own stays as it is.
fn arrives(house: &House, entry: &Entry) {
    let records = house.records();
    let tip = records.tip(LEDGER).unwrap();
    let new = records.write(tip.as_ref(), &entry.files, "bob", house.now(), "forged").unwrap();
    house.git(["push", "--quiet", "origin", &format!("{new}:{LEDGER}")]);
}

#[test]
fn an_entry_of_the_year_9999_is_taken_over_by_nobody_and_gone_once_it_is_taken_away() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    other.run(["status"]).any_stdout().any_stderr().exit(0);
    let good = house.git(["rev-parse", LEDGER]);
    arrives(&house, &dated(&house, "9999-12-31T00:00:00Z"));
    let fresh = house.clone_of();
    for house in [&house, &other, &fresh] {
        let status = house.run(["status", "--json"]).any_stdout().any_stderr().exit(3).json();
        assert_eq!(status["reasons"][0]["code"], "clock.backwards", "{status:#}");
    }
    let said = house.run(["status"]).any_stdout().any_stderr().exit(3).stderr;
    for words in
        ["entry 3 (", "signed by `bob`", "signed at 9999-12-31 00:00 UTC", "this machine's clock says"]
    {
        assert!(said.contains(words), "{said}");
    }
    // What arrived is not passed over either: nothing is decided without it.
    house.refuses(&id, 3, "clock.backwards");
    assert_eq!([house.git(["rev-parse", LEDGER]), other.git(["rev-parse", LEDGER])], [&*good, &*good]);
    // Also one that has it in the branch hands it on to nobody, and leaves it.
    other.git(["fetch", "--quiet", "origin", &format!("+{LEDGER}:{LEDGER}")]);
    other.run(["status"]).any_stdout().any_stderr().exit(3);
    let origin = house.world().join("origin.git").display().to_string();
    house.git(["--git-dir", &origin, "update-ref", LEDGER, &good]);
    for house in [&house, &other, &fresh] {
        house.run(["status"]).any_stdout().any_stderr().exit(0);
        assert_eq!(house.git(["--git-dir", &origin, "rev-parse", LEDGER]), good);
        assert_eq!(house.git(["rev-parse", LEDGER]), good);
    }
    other.person("alice").deploys(&id);
}

#[test]
fn a_clone_whose_clock_is_slow_is_told_and_goes_on_once_it_is_set() {
    let (house, id) = House::shared();
    let (now, other) = (house.now(), house.clone_of());
    let moment = |seconds| (now + chrono::TimeDelta::seconds(seconds)).to_rfc3339();
    house.clock(&moment(-121));
    let refused = other.run(["status"]).any_stdout().any_stderr().exit(3).stderr;
    assert!(refused.contains("next: check this machine's clock, and set it where it is wrong"), "{refused}");
    house.clock(&moment(-120));
    other.run(["status"]).any_stdout().any_stderr().exit(0);
    house.clock(&moment(0));
    other.person("alice").deploys(&id);
}

#[test]
fn an_entry_that_settles_nothing_puts_nobodys_clock_back() {
    let (house, id) = House::approved();
    house.publish(&dated(&house, "2999-01-01T00:00:00Z"));
    // Whoever's clock was ahead took it over.
    let now = house.now().to_rfc3339();
    house.clock("2999-01-01T00:00:00Z");
    house.run(["status"]).any_stdout().any_stderr().exit(0);
    house.clock(&now);
    house.person("alice").deploys(&id);
}

#[test]
fn an_entry_of_long_ago_hides_no_deployment_from_a_table() {
    let (house, _) = House::deployed();
    let records = house.records();
    let chain = records.walk(&records.tip(LEDGER).unwrap().unwrap(), None).unwrap();
    let state = canonical(&whole(&records, &chain, Care::DECISION, ()).unwrap().timeline.state()).unwrap();
    // What follows could be read from here on, and its date says that nothing before it is of this year.
    let files = Files::from([("state.json".to_owned(), state)]);
    house.publish(&dated_with(&house, "2020-01-01T00:00:00Z", files));
    house.run(["status"]).any_stdout().exit(0);
    for words in [["--since", "2026-11-01"], ["--limit", "5"]] {
        let words = ["history", "--json"].into_iter().chain(words);
        let table = house.run(words).any_stdout().exit(0).json();
        assert_eq!(table["deployments"].as_array().map(Vec::len), Some(1), "{table}");
    }
    house.run(["history", "--verify"]).any_stdout().exit(0);
}
