//! A rollback with a request of its own: to any version that was live, approved as a rollback, and once.

use deployctl::gate::config::ActionKind;
use deployctl::gate::statement::{Execution, Statement};
use deployctl::world::records::Files;
use serde_json::json;

use crate::house::{House, PASSPHRASE};

/// v1.4.0, v1.5.0 and v1.6.0 were deployed, one after the other.
fn three() -> House {
    let (house, _) = House::deployed();
    for (version, total) in [("v1.5.0", "13\n"), ("v1.6.0", "14\n")] {
        next(&house, version, total);
    }
    house
}

/// One more version is deployed.
#[track_caller]
fn next(house: &House, version: &str, total: &str) {
    let id = candidate(house, version, total);
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
}

/// One more version is requested, and its id answered.
#[track_caller]
fn candidate(house: &House, version: &str, total: &str) -> String {
    house.write("app/total.txt", total);
    house.commit(&format!("feat: {version}"));
    house.tag(version);
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let answer = house.run(["request", version, "--as", "orchestrator", "--json"]).any_stdout().exit(0);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

const ASK: [&str; 7] =
    ["request", "v1.4.0", "--rollback", "--as", "orchestrator", "--summary", "Both are wrong"];

/// A rollback to v1.4.0 is requested.
#[track_caller]
fn asked(house: &House) -> String {
    let answer = house.run(ASK.into_iter().chain(["--json"])).any_stdout().exit(0).json();
    assert_eq!(answer["action"], "rollback");
    answer["id"].as_str().expect("an id").to_owned()
}

/// And approved.
#[track_caller]
fn approved(house: &House) -> String {
    let id = asked(house);
    house.person("alice").approves(&id);
    id
}

fn back(to: &str) -> [&str; 5] {
    ["rollback", "production", to, "--reason", "both are wrong"]
}

/// The request of a rollback is refused.
#[track_caller]
fn not_asked(house: &House, version: &str, expected: &str) {
    let words = ["request", version, "--rollback", "--as", "orchestrator"];
    house.run(words).stderr(expected).exit(3);
}

#[test]
fn a_request_of_long_ago_is_shown_also_where_the_journal_is_lost() {
    let house = three();
    let shown = |exit: i32, words: &[&str]| {
        house.run(words.iter().copied()).any_stdout().any_stderr().exit(exit).json()
    };
    let history = shown(0, &["history", "--version", "v1.4.0", "--json"]);
    let id = history["deployments"][0]["request"]["id"].as_str().unwrap();
    let before = shown(0, &["approve", id, "--show", "--json"]);
    // So many later actions that no decision needs it.
    for number in 7..12 {
        next(&house, &format!("v1.{number}.0"), &format!("{number}\n"));
    }
    house.git(["update-ref", "-d", "refs/heads/deployctl/journal"]);
    let after = shown(0, &["approve", id, "--show", "--json"]);
    assert_eq!((&after["id"], &after["request"]), (&before["id"], &before["request"]));
    let refused = shown(3, &["approve", "v1.3.9-abcdef0", "--show", "--json"]);
    assert_eq!(refused["reasons"][0]["code"], "request.missing");
}

#[test]
fn any_version_that_was_live_is_a_request_two_signatures_and_once() {
    let house = three();
    let said = house.run(ASK).any_stdout().exit(0).stdout;
    let requested = "\
requested v1.4.0-[id]
status: AWAITING HUMAN APPROVAL · open: 0 things
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    house.same(&said, requested);
    let id = asked(&house);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&format!("  {id}  ROLLBACK · AWAITING HUMAN APPROVAL until ")), "{status}");
    let screen = "\
storefront · v1.4.0-[id] · ROLLBACK of production from v1.6.0 to v1.4.0

  Summary      Both are wrong
  Asked by     orchestrator (`--as`), 2026-11-23 10:00 UTC
  UNDOES       v1.6.0  [commit]
  GOES TO      v1.4.0  [commit]  tree [id], live before
  Takes back   2 commits by 1 author, 2 files changed
  Database     untouched: no migrations in between
  Risk         Medium · Routine · impact: not stated
  Mitigation   not stated
  Window       always open
  Runs         release: ./ops/release.sh --previous
  Afterwards   what is taken back is quarantined, and a report is owed
  Approval     1 of release; not the requester; decide by 2026-11-24 10:00 UTC
  Digests      request [id] · checklist [id] · evidence [id] · policy [id]

Type \"approve rollback production v1.4.0 [id]\" to approve: approve rollback production v1.4.0 [id]
Enter passphrase: 
approved v1.4.0-[id] as alice
recorded in the ledger as [id]
next: deployctl rollback production v1.4.0-[id] --reason TEXT
";
    house.same(&house.person("alice").approves(&id), screen);
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    let waits = &status["environments"]["production"]["requests"][0];
    assert_eq!(waits["action"], "rollback");
    assert_eq!(
        waits["next"],
        json!(format!("a person executes: deployctl rollback production {id} --reason TEXT"))
    );
    let shown = house.normal(&house.person("bob").at_terminal(back(&id)).signs().exit(0));
    assert!(shown.starts_with("storefront · roll back to v1.4.0 in production\n"), "{shown}");
    for line in [
        "  Now live     v1.6.0 ([id])\n",
        "  Database     untouched: there were no migrations\n",
        "production runs v1.4.0 again\n",
        "v1.6.0 is quarantined: what holds its commits or their content is not deployed to production",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
    let story = house.story();
    let end = ["approval", "execution", "step release Succeeded", "outcome Succeeded"];
    assert_eq!(story[story.len() - 4..], end);
    house.run(["history", "--verify"]).any_stdout().exit(0);
    crate::stranger::finds_that_it_holds(&house);
    // Once.
    let again = house.person("bob").at_terminal(back(&id)).exit(3);
    let used = "\
refused: deployctl rollback
  ✗ approval.consumed  the approval of `v1.4.0-[id]` was used before
next: deployctl request v1.4.0 --rollback -e production --as ROLE
";
    house.same(&again, used);
    let table = house.run(["history"]).any_stdout().exit(0).stdout;
    assert!(
        table.contains(
            "v1.6.0   Feature   Rolled back  Yes       report open since 2026-11-23; both are wrong"
        ),
        "{table}"
    );
}

#[test]
fn everything_between_is_quarantined_and_a_report_is_owed() {
    let house = three();
    let id = approved(&house);
    // A version is as good as its id.
    house.person("bob").at_terminal(back("v1.4.0")).signs().exit(0);
    for version in ["v1.5.0", "v1.6.0"] {
        let words = ["request", version, "--rollback", "--as", "orchestrator"];
        let refused = house.run(words).any_stderr().exit(3).stderr;
        assert!(refused.contains("✗ commit.quarantined"), "{refused}");
    }
    let report = house.run(["approve", "--review", &id, "--show"]).any_stdout().exit(0).stdout;
    for words in ["rollback to v1.4.0 requested by orchestrator", "rollback begun by bob: both are wrong"] {
        assert!(report.contains(words), "{words}: {report}");
    }
    // The way back from what is live again is that of its own deployment.
    house.person("bob").rolls_back("that one too");
    assert_eq!(house.live("version").as_deref(), Some("v1.3.0\n"));
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

#[test]
fn what_is_live_again_is_so_by_whoever_rolled_back() {
    let house = three();
    house.person("bob").rolls_back("wrong");
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    let production = &status["environments"]["production"];
    assert_eq!(production["live"]["version"], "v1.5.0");
    assert_eq!(production["live_by"], "bob");
}

#[test]
fn migrations_between_stay_and_every_screen_says_so() {
    let (house, _) = House::deployed();
    house.write("migrations/20261120_coupons.up.sql", "CREATE TABLE coupons (id INTEGER);\n");
    house.write("migrations/20261120_coupons.down.sql", "DROP TABLE coupons;\n");
    next(&house, "v1.5.0", "13\n");
    next(&house, "v1.6.0", "14\n");
    let id = asked(&house);
    let stays = "  Database     STAYS as it is: 1 migration in between, and none goes down by itself\n";
    let shown = house.person("alice").approves(&id);
    assert!(shown.contains(stays), "{shown}");
    let terminal = house.person("bob").at_terminal(back(&id));
    let shown = terminal
        .expect(
            "  Database     STAYS as it is: migrations go down only on the way to the version just before\n",
        )
        .expect("The database does not go back by itself. Roll the application back all the same? [y/n] ")
        .answer("y")
        .types_phrase()
        .passphrase(PASSPHRASE)
        .exit(0);
    assert!(!shown.contains("migrate"), "{shown}");
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
    let report = house.run(["approve", "--review", &id, "--show"]).any_stdout().exit(0).stdout;
    assert!(report.contains("STAYED as it was: 1 migration, 0 not known to be reversible"), "{report}");
}

#[test]
fn what_is_live_has_moved_since_and_nothing_runs() {
    let house = three();
    let id = approved(&house);
    next(&house, "v1.7.0", "15\n");
    let refused = house.person("bob").at_terminal(back(&id)).exit(3);
    let expected = "\
refused: deployctl rollback
  ✗ request.stale  since `v1.4.0-[id]` was requested, this moved: what is live: now `v1.7.0`
next: deployctl request v1.4.0 --rollback -e production --as ROLE
";
    house.same(&refused, expected);
    assert_eq!(house.live("version").as_deref(), Some("v1.7.0\n"));
}

#[test]
fn what_was_never_live_is_not_gone_back_to() {
    let house = three();
    let expected = "\
refused: deployctl request
  ✗ rollback.plan  the ledger knows of no moment when `v1.3.0` was live in `production`
next: request a deployment of it instead: deployctl request v1.3.0 --as ROLE
";
    not_asked(&house, "v1.3.0", expected);
    let expected = "\
refused: deployctl request
  ✗ rollback.plan  `v1.6.0` is live in `production` already
";
    not_asked(&house, "v1.6.0", expected);
}

#[test]
fn what_was_rolled_back_is_not_gone_back_to() {
    let house = three();
    house.person("bob").rolls_back("checkout fails");
    let words = ["request", "v1.6.0", "--rollback", "--as", "orchestrator"];
    let refused = house.run(words).any_stderr().exit(3).stderr;
    assert!(refused.contains("✗ commit.quarantined"), "{refused}");
    // Nor what came into quarantine after it was approved.
    let (other, id) = {
        let house = three();
        let answer = house
            .run(["request", "v1.5.0", "--rollback", "--as", "orchestrator", "--json"])
            .any_stdout()
            .exit(0)
            .json();
        let id = answer["id"].as_str().expect("an id").to_owned();
        house.person("alice").approves(&id);
        let to = approved(&house);
        house.person("bob").at_terminal(back(&to)).signs().exit(0);
        (house, id)
    };
    let refused = other.person("bob").at_terminal(back(&id)).exit(3);
    for code in ["✗ request.stale", "✗ commit.quarantined"] {
        assert!(refused.contains(code), "{refused}");
    }
}

#[test]
fn without_a_request_another_version_is_refused_and_the_way_named() {
    let house = three();
    let expected = "\
refused: deployctl rollback
  ✗ approval.missing  the approval of `v1.6.0` covers going back to `v1.5.0` only
next: deployctl rollback production v1.5.0 --reason TEXT
next: to another version that was live, with an approval of its own: deployctl request v1.4.0 --rollback -e production --as ROLE
";
    house.same(&house.person("bob").at_terminal(back("v1.4.0")).exit(4), expected);
    let id = asked(&house);
    let refused = house.person("bob").at_terminal(back(&id)).exit(4);
    let expected = "\
refused: deployctl rollback
  ✗ approval.missing  nobody has decided about `v1.4.0-[id]` yet
      policy: environments.production.approvals
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    house.same(&refused, expected);
}

#[test]
fn the_way_back_to_what_is_only_last_good_needs_no_request() {
    let (house, _) = House::deployed();
    house.write("app/total.txt", "12.51\n");
    house.commit("fix(cart): round half up");
    house.tag("v1.4.1");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let words = ["request", "v1.4.1", "--as", "orchestrator", "--json"];
    let answer = house.run(words).any_stdout().any_stderr().exit(0).json();
    let id = answer["id"].as_str().expect("an id").to_owned();
    let screen = house.person("bob").approves(&id);
    assert!(screen.contains("v1.4.0"), "{screen}");
    house.breaks("release");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    let expected = "\
refused: deployctl request
  ✗ rollback.plan  `v1.4.0` is the last good version of `production`, and the way back to it needs no request
next: deployctl rollback production --reason TEXT
";
    not_asked(&house, "v1.4.0", expected);
}

#[test]
fn nothing_is_rolled_back_to_itself() {
    let (house, _) = House::deployed();
    // What is live, by its name.
    let named = "\
refused: deployctl rollback
  ✗ rollback.plan  `v1.4.0` is live in `production` already
next: deployctl rollback production v1.3.0 --reason TEXT
";
    house.same(&house.person("bob").at_terminal(back("v1.4.0")).exit(3), named);
    // What was deployed over itself.
    let words = ["request", "v1.4.0", "--as", "orchestrator", "--summary", "Once more", "--json"];
    let answer = house.run(words).any_stdout().any_stderr().exit(0).json();
    let id = answer["id"].as_str().expect("an id").to_owned();
    let screen = house.person("alice").approves(&id);
    let none = "NONE: v1.4.0 is live already, and is deployed over itself\n";
    assert!(screen.contains(&format!("  Rollback     {none}")), "{screen}");
    house.breaks("release");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(1);
    assert!(shown.contains(&format!("  Way back     {none}")) && !shown.contains("ROLLBACK?"), "{shown}");
    let refused = "\
refused: deployctl rollback
  ✗ rollback.plan  `v1.4.0` was deployed over itself: a rollback would change nothing
next: to another version that was live, with an approval of its own: deployctl request VERSION --rollback -e production --as ROLE
";
    let again = ["rollback", "production", "--reason", "it broke"];
    house.same(&house.person("bob").at_terminal(again).exit(3), refused);
}

#[test]
fn each_command_names_the_other_where_the_request_is_its() {
    let house = three();
    let id = approved(&house);
    let refused = house.person("bob").at_terminal(["deploy", "production", &id]).exit(4);
    let expected = "\
refused: deployctl deploy
  ✗ approval.missing  `v1.4.0-[id]` asks for a rollback, not for a deployment
next: deployctl rollback production v1.4.0-[id] --reason TEXT
";
    house.same(&refused, expected);
    // Nor is it what `deploy` takes for the only one that is approved.
    let refused = house.person("bob").at_terminal(["deploy", "production"]).exit(3);
    assert!(!refused.contains("ROLLBACK") && !refused.contains(&id), "{refused}");
    let deploy = candidate(&house, "v1.7.0", "15\n");
    house.person("alice").approves(&deploy);
    let refused = house.person("bob").at_terminal(back(&deploy)).exit(4);
    let expected = "\
refused: deployctl rollback
  ✗ approval.missing  `v1.7.0-[id]` asks for a deployment, not for a rollback
next: deployctl request v1.7.0 --rollback -e production --as ROLE
";
    house.same(&refused, expected);
    assert_eq!(house.live("version").as_deref(), Some("v1.6.0\n"));
}

#[test]
fn a_no_a_hold_and_a_revocation_count_as_for_a_deployment() {
    let house = three();
    let id = asked(&house);
    house.person("bob").at_terminal(["approve", &id, "--hold", "--reason", "wait"]).signs().exit(0);
    house.person("alice").approves(&id);
    let refused = house.person("bob").at_terminal(back(&id)).exit(4);
    assert!(refused.contains("✗ approval.held  "), "{refused}");
    house.person("bob").approves(&id);
    let key = house.key("alice").display().to_string();
    let words = ["approve", &id, "--revoke", "--reason", "no", "--key", &key];
    house.at_terminal(words).types_phrase().passphrase(PASSPHRASE).exit(0);
    let refused = house.person("bob").at_terminal(back(&id)).exit(4);
    assert!(refused.contains("✗ approval.revoked  "), "{refused}");
    let shown = house.person("alice").denies(&id, "go forward");
    assert!(shown.contains("next: deployctl request v1.4.0 --rollback -e production --as ROLE"), "{shown}");
    let refused = house.person("bob").at_terminal(back(&id)).exit(3);
    assert!(refused.contains("✗ approval.denied  "), "{refused}");
    assert_eq!(house.live("version").as_deref(), Some("v1.6.0\n"));
}

#[test]
fn a_rollback_that_failed_has_used_its_approval() {
    let house = three();
    let id = approved(&house);
    house.breaks("release");
    let shown = house.person("bob").at_terminal(back(&id)).signs().exit(1);
    let again = "try again: deployctl request v1.4.0 --rollback -e production --as ROLE\n";
    assert!(shown.contains(again), "{shown}");
    house.mends("release");
    let refused = house.person("bob").at_terminal(back(&id)).exit(3);
    assert!(refused.contains("✗ approval.consumed"), "{refused}");
    house.person("bob").rolls_back("back to the one before");
    assert_eq!(house.live("version").as_deref(), Some("v1.5.0\n"));
}

/// The execution that an attacker writes: this action, on the approvals of a request.
fn execution(house: &House, id: &str, action: ActionKind) -> Execution {
    let entries = house.entries();
    let digest =
        |entry: &crate::forge::Entry| deployctl::gate::terms::Digest::of(&entry.files["payload.json"]);
    let approval = entries.iter().find_map(|entry| match &entry.payload.statement {
        Statement::Approval(approval) if approval.request.id == id => Some((digest(entry), approval.clone())),
        _ => None,
    });
    let (entry, approval) = approval.expect("an approval");
    let before = entries.iter().rev().find_map(|entry| match &entry.payload.statement {
        Statement::Execution(execution) => Some(execution.clone()),
        _ => None,
    });
    Execution {
        action,
        environment: approval.environment.clone(),
        release: approval.release.clone(),
        previous_release: approval.previous_release.clone(),
        request: approval.request.clone(),
        approvals: vec![entry],
        policy: approval.policy,
        ..*before.expect("an execution")
    }
}

#[track_caller]
fn does_not_hold(house: &House, execution: Execution, why: &str) {
    let statement = Statement::Execution(Box::new(execution));
    house.publish(&house.forged("bob", "bob", statement, Files::new()));
    let refused = house.run(["history", "--verify"]).any_stderr().exit(4).stderr;
    assert!(refused.contains(why), "{refused}");
}

#[test]
fn no_execution_by_hand_turns_one_approval_into_the_other() {
    let house = three();
    let id = approved(&house);
    let forged = execution(&house, &id, ActionKind::Deploy);
    does_not_hold(&house, forged, "it deploys on the approval of a rollback");
    let house = three();
    let deploy = candidate(&house, "v1.7.0", "15\n");
    house.person("alice").approves(&deploy);
    let forged = execution(&house, &deploy, ActionKind::Rollback);
    does_not_hold(&house, forged, "it does what its approval does not cover");
}

#[test]
fn no_execution_by_hand_uses_the_approval_twice() {
    let house = three();
    let id = approved(&house);
    house.breaks("release");
    house.person("bob").at_terminal(back(&id)).signs().exit(1);
    let forged = execution(&house, &id, ActionKind::Rollback);
    does_not_hold(&house, forged, "its approval was used before");
}

#[test]
fn an_edited_request_of_a_rollback_is_not_approved() {
    let house = three();
    let dir = house.world().join("package");
    let path = dir.display().to_string();
    let words = ASK.into_iter().chain(["-o", &path]);
    house.run(words).any_stdout().exit(0);
    let text = std::fs::read_to_string(dir.join("request.json")).expect("the request");
    let lie = text.replace("\"commits\":2", "\"commits\":0");
    assert_ne!(lie, text);
    std::fs::write(dir.join("request.json"), lie).expect("the request");
    let refused = house.person("alice").at_terminal(["approve", &path]).exit(3);
    assert!(refused.contains("✗ request.stale  `extent` of "), "{refused}");
}
