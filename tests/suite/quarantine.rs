//! What was rolled back does not come again: not by itself, not in a descendant, not in part; until its change is taken
//! back, or a person releases it by signature.

use deployctl::gate::statement::{Finding, Review, Statement};
use deployctl::world::records::Files;
use serde_json::json;

use crate::house::{House, POLICY};

/// v1.4.0, two commits over v1.3.0, was deployed and rolled back.
fn rolled_back() -> House {
    let (house, _) = House::deployed();
    house.person("bob").rolls_back("checkout fails");
    house
}

/// Tags HEAD, with good reports, and answers the id of its request.
#[track_caller]
fn requested(house: &House, version: &str) -> String {
    house.tag(version);
    house.git(["branch", "--force", "main"]);
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    asked(house, version)
}

#[track_caller]
fn asked(house: &House, version: &str) -> String {
    let answer = house.run(["request", version, "--as", "orchestrator", "--json"]).any_stdout().exit(0);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// The screen of an approval that is refused for quarantine.
#[track_caller]
fn refused(house: &House, id: &str) -> String {
    let shown = house.person("alice").at_terminal(["approve", id]).exit(3);
    assert!(shown.contains("  ✗ commit.quarantined  "), "{shown}");
    shown
}

fn releases(house: &House, words: &[&str]) -> crate::house::Terminal {
    let key = house.key("bob").display().to_string();
    house.at_terminal(["approve", "--release"].iter().chain(words).copied().chain(["--key", &key]))
}

/// HEAD is the work on top of v1.4.0 from here on.
fn detached(house: &House, commit: &str) {
    house.git(["checkout", "--quiet", "--detach", commit]);
}

#[test]
fn a_descendant_is_refused_whatever_its_message_claims() {
    let house = rolled_back();
    detached(&house, "v1.4.0");
    let commit = house.git(["rev-parse", "v1.4.0"]);
    house.write("README", "fixed\n");
    house.commit(&format!(
        "Revert \"fix(cart): round to cents\"\n\nThis reverts commit {commit}.\n\nFixes: v1.4.0"
    ));
    let id = requested(&house, "v1.4.1");
    let expected = "\
refused: deployctl approve
  ✗ commit.quarantined  [id] holds 2 commits of `v1.4.0`, which was rolled back in `production`
next: take the change back with `git revert`, and request the commit that does
next: where a commit fixes it, a person says so: deployctl approve --release v1.4.0 --fix COMMIT --reason TEXT
next: where it was not to blame, a person says so: deployctl approve --release v1.4.0 --reason TEXT
";
    house.same(&refused(&house, &id), expected);
    // Anybody who reads the screen sees it too.
    let shown = house.run(["approve", &id, "--show"]).any_stdout().exit(0).stdout;
    assert!(shown.contains("  warning: commit.quarantined  "), "{shown}");
}

#[test]
fn nobody_is_sent_to_approve_what_is_quarantined() {
    let house = rolled_back();
    let steps = "\
next: take the change back with `git revert`, and request the commit that does
next: where a commit fixes it, a person says so: deployctl approve --release v1.4.0 --fix COMMIT --reason TEXT
next: where it was not to blame, a person says so: deployctl approve --release v1.4.0 --reason TEXT
";
    let asked =
        house.run(["request", "v1.4.0", "--as", "orchestrator"]).any_stdout().any_stderr().exit(0).stdout;
    house.ends(&asked, &format!("status: AWAITING HUMAN APPROVAL · open: 8 things\n{steps}"));
    let status = house.normal(&house.run(["status"]).any_stdout().exit(0).stdout);
    let why = "  v1.4.0-[id]  AWAITING HUMAN APPROVAL until 2026-11-24 10:00 UTC, and cannot be approved now:\n    ✗ commit.quarantined  [id] was rolled back in `production`\n";
    assert!(status.contains(why) && !status.contains("reviews and signs"), "{status}");
    let no = "next: or a person says no: deployctl approve v1.4.0-[id] --deny --reason TEXT\n";
    house.ends(&status, &format!("{steps}{no}").replace("next: ", "next: v1.4.0-[id]: "));
    house
        .run(["status", "--json"])
        .json(|status| {
            let waits = &status["environments"]["production"]["requests"][0];
            assert_eq!(waits["refused"][0]["code"], "commit.quarantined", "{status:#}");
        })
        .exit(0);
}

#[test]
fn a_commit_in_the_middle_of_what_was_rolled_back_is_refused() {
    let house = rolled_back();
    detached(&house, "v1.4.0~1");
    house.write("app/total.txt", "13\n");
    house.commit("feat: another way");
    let shown = refused(&house, &requested(&house, "v1.4.1"));
    assert!(shown.contains(" holds 1 commit of `v1.4.0`, which was rolled back"), "{shown}");
}

#[test]
fn what_was_built_beside_it_is_let_through() {
    let house = rolled_back();
    detached(&house, "v1.3.0");
    house.write("app/total.txt", "13\n");
    house.commit("feat: another way");
    let shown = house.person("alice").approves(&requested(&house, "v1.4.1"));
    assert!(!shown.contains("commit.quarantined"), "{shown}");
}

#[test]
fn a_revert_takes_the_change_back_and_what_is_built_on_it_is_free() {
    let house = rolled_back();
    detached(&house, "v1.4.0");
    for commit in ["v1.4.0", "v1.4.0~1"] {
        house.git(["revert", "--no-edit", commit]);
    }
    let id = requested(&house, "v1.4.1");
    let shown = house.normal(&house.person("alice").approves(&id));
    let said = "  warning: commit.quarantined  [id] holds commits of `v1.4.0`, which was rolled back, and takes their change back: its files are as in `v1.3.0`\n";
    assert!(shown.contains(said), "{shown}");
    house.person("alice").deploys(&id);
    house.write("app/total.txt", "13\n");
    house.commit("feat: totals, well this time");
    let shown = house.person("alice").approves(&requested(&house, "v1.5.0"));
    assert!(!shown.contains("commit.quarantined"), "{shown}");
    // What was rolled back itself is no more welcome than before, nor what does not hold the revert.
    detached(&house, "v1.4.0");
    refused(&house, &requested(&house, "v1.4.2"));
}

#[test]
fn a_revert_that_was_worked_on_since_is_told_why_it_does_not_count_and_a_person_can_name_it() {
    let house = rolled_back();
    detached(&house, "v1.4.0");
    for commit in ["v1.4.0", "v1.4.0~1"] {
        house.git(["revert", "--no-edit", commit]);
    }
    let revert = house.git(["rev-parse", "HEAD"]);
    house.write("app/total.txt", "13\n");
    house.commit("feat: totals, well this time");
    let id = requested(&house, "v1.4.1");
    let expected = "\
refused: deployctl approve
  ✗ commit.quarantined  [id] holds 2 commits of `v1.4.0`, which was rolled back in `production`; taken back counts by itself only where every file is as in `v1.3.0`, and here `app/total.txt` is not
next: where a revert or another commit fixes it, a person says so: deployctl approve --release v1.4.0 --fix COMMIT --reason TEXT
next: where it was not to blame, a person says so: deployctl approve --release v1.4.0 --reason TEXT
";
    house.same(&refused(&house, &id), expected);
    releases(&house, &["v1.4.0", "--fix", &revert, "--reason", "taken back, and done anew"]).signs().exit(0);
    house.person("alice").approves(&id);
}

/// The refusal of what holds v1.4.0's content under other commits.
const CONTENT: &str = "\
refused: deployctl approve
  ✗ commit.quarantined  [id] holds the content of `v1.4.0`, which was rolled back in `production` by bob at 2026-11-23 10:00 UTC, under other commits: all 5 files that it changed (`Cargo.lock`, `Cargo.toml`, `app/total.txt` and 2 more)
next: take the change back with `git revert`, and request the commit that does
next: where a commit fixes it, a person says so: deployctl approve --release v1.4.0 --fix COMMIT --reason TEXT
next: where it was not to blame, a person says so: deployctl approve --release v1.4.0 --reason TEXT
";

#[test]
fn the_revert_of_a_revert_is_refused_also_once_the_revert_is_live() {
    let house = rolled_back();
    detached(&house, "v1.4.0");
    for commit in ["v1.4.0", "v1.4.0~1"] {
        house.git(["revert", "--no-edit", commit]);
    }
    let id = requested(&house, "v1.4.1");
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    for revert in ["v1.4.1", "v1.4.1~1"] {
        house.git(["revert", "--no-edit", revert]);
    }
    house.same(&refused(&house, &requested(&house, "v1.5.0")), CONTENT);
    // With a fix on top it is let through: that is not what was rolled back.
    house.write("app/total.txt", "12.51\n");
    house.commit("fix: the cent");
    let shown = house.normal(&house.person("alice").approves(&requested(&house, "v1.5.1")));
    let said = "  warning: commit.quarantined  [id] holds 4 of the 5 files that `v1.4.0` changed just as there, and that was rolled back in `production`: `Cargo.lock`, `Cargo.toml`, `migrations/20261101_totals.down.sql` and 1 more\n";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn a_squash_a_rebase_a_cherry_pick_and_another_message_are_the_same_change() {
    let house = rolled_back();
    let again = |version: &str, way: &dyn Fn(&House)| {
        detached(&house, "v1.3.0");
        way(&house);
        house.same(&refused(&house, &requested(&house, version)), CONTENT);
    };
    again("v1.4.1", &|house| {
        house.git(["merge", "--squash", "--quiet", "v1.4.0"]);
        house.commit("feat: totals once more");
    });
    again("v1.4.2", &|house| {
        house.write("notes.txt", "in between\n");
        house.commit("docs: notes");
        house.git(["cherry-pick", "v1.3.0..v1.4.0"]);
    });
    again("v1.4.3", &|house| {
        house.git(["cherry-pick", "v1.3.0..v1.4.0"]);
        house.git(["commit", "--amend", "--quiet", "--message", "feat: nothing of it"]);
    });
}

#[test]
fn a_part_of_the_change_under_other_commits_is_said_and_let_through() {
    let house = rolled_back();
    detached(&house, "v1.3.0");
    house.git(["checkout", "v1.4.0", "--", "app/total.txt"]);
    house.commit("feat: totals, without the table");
    let said = "  warning: commit.quarantined  [id] holds 1 of the 5 files that `v1.4.0` changed just as there, and that was rolled back in `production`: `app/total.txt`\n";
    let id = requested(&house, "v1.4.1");
    let shown = house.normal(&house.person("alice").approves(&id));
    assert!(shown.contains(said), "{shown}");
    house.person("alice").deploys(&id);
    // The other half makes it whole, whatever is live.
    house.git(["checkout", "v1.4.0", "--", "."]);
    house.commit("feat: the table");
    let shown = house.normal(&refused(&house, &requested(&house, "v1.4.2")));
    assert!(shown.contains("all 5 files that it changed (`Cargo.lock`, `Cargo.toml`, `migrations/20261101_totals.down.sql` and 1 more)\n"), "{shown}");
}

#[test]
fn content_that_was_released_is_let_through_and_said_once_more() {
    let house = rolled_back();
    detached(&house, "v1.3.0");
    house.git(["merge", "--squash", "--quiet", "v1.4.0"]);
    house.commit("feat: totals once more");
    let id = requested(&house, "v1.4.1");
    refused(&house, &id);
    releases(&house, &["v1.4.0", "--reason", "the network"]).signs().exit(0);
    let shown = house.normal(&house.person("alice").approves(&id));
    let said = "[id] HOLDS THE CONTENT OF `v1.4.0`, WHICH WAS ROLLED BACK in `production` by bob at 2026-11-23 10:00 UTC (checkout fails); RELEASED by bob at 2026-11-23 10:00 UTC: the network\n";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn a_fix_that_was_taken_back_is_none() {
    let house = rolled_back();
    detached(&house, "v1.4.0");
    house.write("app/total.txt", "12.51\n");
    house.commit("fix: the cent");
    let fix = house.git(["rev-parse", "HEAD"]);
    house.git(["revert", "--no-edit", "HEAD"]);
    let id = requested(&house, "v1.4.1");
    releases(&house, &["v1.4.0", "--fix", &fix, "--reason", "the cent is back"]).signs().exit(0);
    refused(&house, &id);
}

#[test]
fn half_a_revert_takes_nothing_back() {
    let house = rolled_back();
    detached(&house, "v1.4.0");
    house.git(["revert", "--no-edit", "v1.4.0"]);
    refused(&house, &requested(&house, "v1.4.1"));
    // And a file that only moved is not gone.
    detached(&house, "v1.4.1");
    house.git(["revert", "--no-edit", "v1.4.0~1"]);
    house.write("ops/later.sql", "ALTER TABLE carts ADD COLUMN total INTEGER;\n");
    house.commit("feat: later");
    refused(&house, &requested(&house, "v1.4.2"));
}

#[test]
fn a_commit_on_the_way_takes_nothing_back_that_a_later_one_did() {
    let house = rolled_back();
    detached(&house, "v1.3.0");
    house.write("app/trap.txt", "on\n");
    house.commit("feat: a trap");
    house.tag("v1.5.0");
    house.git(["rm", "--quiet", "app/trap.txt"]);
    house.write("app/other.txt", "other\n");
    house.commit("fix: no trap, and something else");
    let id = requested(&house, "v1.5.1");
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    house.person("bob").rolls_back("something else fails");
    detached(&house, "v1.5.0");
    house.git(["branch", "--force", "main"]);
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let shown = refused(&house, &asked(&house, "v1.5.0"));
    assert!(shown.contains("and here `app/trap.txt`"), "{shown}");
}

#[test]
fn a_person_names_the_fix_and_only_what_holds_it_is_released() {
    let house = rolled_back();
    detached(&house, "v1.4.0");
    house.write("app/total.txt", "12.51\n");
    house.commit("fix: the cent");
    let id = requested(&house, "v1.4.1");
    refused(&house, &id);
    let old = releases(&house, &["v1.4.0", "--fix", "v1.4.0~1", "--reason", "x"]).exit(3);
    assert!(old.contains(" is in `v1.4.0` already: it fixes nothing of it\n"), "{old}");
    let words = ["v1.4.0", "--fix", "v1.4.1", "--reason", "the cent is back"];
    let screen = "\
storefront · release v1.4.0 from quarantine in production

  Commit       [commit]
  Rolled back  by bob at 2026-11-23 10:00 UTC, to v1.3.0 ([id])
  Because      checkout fails
  Allows       only what holds [commit]  the cent
  Your reason  the cent is back

Type \"release production v1.4.0 [id]\" to release it: release production v1.4.0 [id]
Enter passphrase: 
released v1.4.0 as bob: what holds [id] too may be approved for production again
recorded in the ledger as [id]
";
    house.same(&releases(&house, &words).signs().exit(0), screen);
    let status = house.normal(&house.run(["status"]).any_stdout().exit(0).stdout);
    let line = "  v1.4.0 ([id]) was rolled back and is quarantined, but not where its fix is there as well: [id], said bob: the cent is back\n";
    assert!(status.contains(line), "{status}");
    let said = "commit.quarantined  [id] HOLDS COMMITS OF `v1.4.0`, WHICH WAS ROLLED BACK in `production` by bob at 2026-11-23 10:00 UTC (checkout fails); RELEASED by bob at 2026-11-23 10:00 UTC, FIXED BY [id]: the cent is back\n";
    let shown = house.normal(&house.run(["approve", &id, "--show"]).any_stdout().exit(0).stdout);
    assert!(shown.contains(said), "{shown}");
    for shown in [house.person("alice").approves(&id), house.person("alice").deploys(&id)] {
        assert!(house.normal(&shown).contains(said), "{shown}");
    }
    let again = asked(&house, "v1.4.0");
    let shown = house.person("alice").at_terminal(["approve", &again]).exit(3);
    assert!(shown.contains("✗ commit.quarantined"), "{shown}");
    let lines = house.run(["history", "--modifications", "--json"]).any_stdout().exit(0).json();
    let lines = lines["modifications"].as_array().unwrap().clone();
    let released = lines.iter().find(|line| line["action"] == "released").unwrap();
    let details = house.normal(released["details"].as_str().unwrap());
    assert_eq!(details, "the quarantine of v1.4.0 after rollback production to v1.3.0, with the fix [id]");
    // What is built on what is live now holds the fix.
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(!status.contains("is quarantined"), "{status}");
    // And nobody is sent to approve what lies behind it.
    let no = format!(
        "next: {again}: `v1.4.1` is live and holds it: a person says no: deployctl approve {again} --deny --reason TEXT\n"
    );
    assert!(status.contains(&no) && !status.contains("reviews and signs"), "{status}");
    house.run(["history", "--verify"]).any_stdout().exit(0);
    crate::stranger::finds_that_it_holds(&house);
}

#[test]
fn what_was_not_to_blame_is_released_until_it_is_rolled_back_again() {
    let house = rolled_back();
    let id = asked(&house, "v1.4.0");
    let declined = releases(&house, &["v1.4.0", "--reason", "the network"]).types_instead("no").exit(5);
    assert!(
        declined.contains("  Allows       WHATEVER HOLDS ITS COMMITS OR THEIR CONTENT, fixed or not\n"),
        "{declined}"
    );
    refused(&house, &id);
    let quarantined = || house.run(["status"]).any_stdout().exit(0).stdout.matches("is quarantined").count();
    assert_eq!(quarantined(), 1);
    releases(&house, &["v1.4.0", "--reason", "the network"]).signs().exit(0);
    assert_eq!(quarantined(), 0);
    let shown = house.person("alice").approves(&id);
    assert!(shown.contains("WHICH WAS ROLLED BACK in `production` by bob"), "{shown}");
    house.person("alice").deploys(&id);
    house.clock("2026-11-23T11:00:00Z");
    house.person("bob").rolls_back("it was to blame");
    house.clock("2026-11-23T11:01:00Z");
    refused(&house, &asked(&house, "v1.4.0"));
    assert_eq!(quarantined(), 1);
}

#[test]
fn no_machine_and_nobody_who_does_not_approve_releases() {
    let house = House::new();
    house.config(&POLICY.replace(
        "\nroles:\n",
        "\n  carol: { keys: [\"{carol}\"], groups: [], emails: [carol@example.org] }\n\nroles:\n",
    ));
    house.person("alice").signs_policy();
    let id = house.requests();
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    house.person("bob").rolls_back("checkout fails");
    let words = ["approve", "--release", "v1.4.0", "--reason", "it was the network"];
    let machine = house.run(words.into_iter().chain(["--json"])).any_stdout().exit(4).json();
    assert_eq!(machine["reasons"][0]["code"], "human.terminal");
    let same =
        "ask a person to run this at their own terminal: deployctl approve --release v1.4.0 --reason TEXT";
    assert_eq!(machine["reasons"][0]["next"][0], same);
    let shown = house.person("carol").at_terminal(words).exit(4);
    assert!(
        shown.contains("✗ key.unknown  `carol` is not one of release, who approve `production`"),
        "{shown}"
    );
    let other = releases(&house, &["v1.3.0", "--reason", "x"]).exit(3);
    assert!(other.contains("✗ request.missing  nothing by the name `v1.3.0` is in quarantine"), "{other}");
    // Nor by hand.
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    let known = &status["environments"]["production"]["quarantined"][0];
    assert_eq!((&known["undone"]["version"], &known["released"]), (&json!("v1.4.0"), &json!([])));
    let execution = known["rollback"].as_str().expect("a digest").parse().expect("a digest");
    let presence = house.entries().into_iter().rev().find_map(|entry| match entry.payload.statement {
        Statement::Execution(execution) => Some(execution.presence),
        _ => None,
    });
    let finding = Finding::Release { fix: None };
    let presence = presence.expect("an execution");
    let review = Review { execution, finding, reason: "all is well".to_owned(), presence };
    house.publish(&house.forged("carol", "carol", Statement::Review(review), Files::new()));
    refused(&house, &asked(&house, "v1.4.0"));
}
