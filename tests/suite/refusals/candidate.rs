//! The candidate: what its stages say, on which branch it is, what it lacks, what it was before.

use std::fs;

use chrono::TimeDelta;

use super::{approved_with, founded_with, refuses, refuses_in_words, requested, sentence};
use crate::house::House;

#[test]
fn stage_missing() {
    let house = House::founded();
    fs::remove_dir_all(house.project().join("reports/integration")).unwrap();
    let id = house.requests();
    let refused = "\
refused: deployctl approve
  ✗ stage.missing  stage `integration`: `Integration tests` has no evidence for [id]
      policy: environments.production.requires
next: have that commit checked: deployctl check integration --as ROLE
next: then make a new request: deployctl request v1.4.0 --as ROLE
";
    refuses(&house, "alice", &["approve", &id], 3, &["stage.missing"]);
    refuses_in_words(&house, "alice", &["approve", &id], 3, refused);
    // A report without a test says as little as none.
    let house = House::founded();
    house.report("unit", 0, 0);
    let id = house.requests();
    refuses(&house, "alice", &["approve", &id], 3, &["stage.missing"]);
}

#[test]
fn stage_failed() {
    let house = House::founded();
    house.report("unit", 11, 1);
    let id = house.requests();
    let refused = "\
refused: deployctl approve
  ✗ stage.failed  stage `development`: `Unit tests` failed for [id]
      policy: environments.production.requires
next: have that commit checked: deployctl check unit --as ROLE
next: then make a new request: deployctl request v1.4.0 --as ROLE
";
    refuses(&house, "alice", &["approve", &id], 3, &["stage.failed"]);
    refuses_in_words(&house, "alice", &["approve", &id], 3, refused);
    // A no needs no evidence.
    house.person("alice").denies(&id, "a test fails");
}

#[test]
fn a_pass_that_came_after_the_request() {
    let house = House::founded();
    fs::remove_dir_all(house.project().join("reports/integration")).unwrap();
    let id = house.requests();
    house.clock("2026-11-23T10:05:00Z");
    house.report("integration", 3, 0);
    house.run(["check", "integration", "--as", "qa-specialist"]).any_stdout().exit(0);
    let refused = "\
refused: deployctl approve
  ✗ stage.missing  stage `integration`: `Integration tests` has no evidence for [id]; a pass came after this request, and does not count for it: 3/3 passed
      policy: environments.production.requires
next: make a new request: deployctl request v1.4.0 --as ROLE
";
    refuses_in_words(&house, "alice", &["approve", &id], 3, refused);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(
        status.contains("; a pass came after this request, and does not count for it: 3/3 passed"),
        "{status}"
    );
    assert!(status.contains(": make a new request: deployctl request v1.4.0 --as ROLE"), "{status}");
    // The new one rests on it.
    let newer = house.requests();
    assert_ne!(newer, id);
    house.person("alice").approves(&newer);
    // Where no stage asks for the check, the box is open and the review says the same.
    let house = founded_with(&[("requires: [development, integration]", "requires: [development]")]);
    fs::remove_dir_all(house.project().join("reports/integration")).unwrap();
    let id = house.requests();
    house.clock("2026-11-23T10:05:00Z");
    house.report("integration", 3, 0);
    house.run(["check", "integration", "--as", "qa-specialist"]).any_stdout().exit(0);
    let shown = house.run(["approve", &id, "--show"]).any_stdout().any_stderr().exit(0);
    let told = "`Integration tests`: a pass came after this request, and does not count for it: 3/3 passed";
    assert!(shown.stdout.contains(told) || shown.stderr.contains(told), "{}{}", shown.stdout, shown.stderr);
}

#[test]
fn evidence_stale() {
    let house = House::founded();
    // Older than the commit, and then of another one.
    house.aged("reports/unit/results.xml", TimeDelta::hours(3));
    let id = house.requests();
    let answer = refuses(&house, "alice", &["approve", &id], 3, &["evidence.stale"]);
    assert!(
        sentence(&answer).starts_with("stage `development`: `Unit tests` has only stale evidence for "),
        "{answer:#}"
    );
    let house = House::founded();
    house.commit("feat: something else");
    let id = house.requests();
    refuses(&house, "alice", &["approve", &id], 3, &["evidence.stale", "evidence.stale"]);
}

#[test]
fn evidence_stale_by_the_reports_own_words() {
    let stamped = |stamp: &str| {
        format!(
            "<testsuite name=\"unit\" tests=\"1\" timestamp=\"{stamp}\"><testcase name=\"a\"/></testsuite>\n"
        )
    };
    let path = "reports/unit/results.xml";
    let house = House::founded();
    for (stamp, age, codes) in [
        // Copied or taken from a cache: the file is new, what it tells of is not.
        ("2026-11-01T10:00:00Z", TimeDelta::minutes(14), &["evidence.stale"][..]),
        ("2026-11-23T09:30:00Z", TimeDelta::days(-2), &["evidence.stale"]),
        ("2026-11-23T09:30:00Z", TimeDelta::minutes(14), &[]),
    ] {
        house.write(path, &stamped(stamp));
        house.aged(path, age);
        let id = requested(&house, &["v1.4.0", "--since", "v1.3.0", "--summary", stamp]);
        match codes {
            [] => drop(house.person("alice").approves(&id)),
            codes => drop(refuses(&house, "alice", &["approve", &id], 3, codes)),
        }
    }
}

#[test]
fn evidence_of_tap() {
    let house = founded_with(&[("junit: [\"reports/unit/*.xml\"]", "tap: [\"reports/unit/*.tap\"]")]);
    let checklist = || house.run(["checklist", "v1.4.0", "--since", "v1.3.0"]).any_stdout().exit(0).stdout;
    let unit_tests = |words: &str| {
        let page = checklist();
        let line = page.lines().find(|line| line.contains("Unit tests")).unwrap_or_default();
        assert!(line.contains(words), "{line}");
    };
    for (report, words) in [
        ("TAP version 13\n1..2\nok 1 - a\nok 2 - b\n", "[x] Unit tests: 2/2 passed"),
        ("TAP version 13\n1..2\nok 1 - a\n", "[ ] Unit tests: 1/1 passed"),
        ("1..1\nnot ok 1 - a\n", "[ ] Unit tests: 0/1 passed"),
    ] {
        house.write("reports/unit/all.tap", report);
        house.aged("reports/unit/all.tap", TimeDelta::minutes(14));
        unit_tests(words);
    }
    fs::rename(house.project().join("reports/unit"), house.project().join("reports/units")).unwrap();
    unit_tests(
        "no evidence — no report matches 'reports/unit/\\*.tap'; the nearest report is 'reports/units/all.tap'",
    );
}

#[test]
fn evidence_unreadable() {
    let house = House::founded();
    let report = house.project().join("reports/unit/results.xml");
    let text = fs::read_to_string(&report).unwrap();
    fs::write(&report, &text[..text.len() / 2]).unwrap();
    house.aged("reports/unit/results.xml", TimeDelta::minutes(14));
    let id = house.requests();
    let answer = refuses(&house, "alice", &["approve", &id], 3, &["evidence.unreadable"]);
    let what = "stage `development`: `Unit tests` has evidence that cannot be read or says two things for ";
    assert!(sentence(&answer).starts_with(what), "{answer:#}");
    // Totals that its own test cases do not bear out.
    fs::write(&report, text.replace("failures=\"0\"", "failures=\"2\"")).unwrap();
    house.aged("reports/unit/results.xml", TimeDelta::minutes(14));
    let id = requested(&house, &["v1.4.0", "--since", "v1.3.0", "--summary", "Once more"]);
    refuses(&house, "alice", &["approve", &id], 3, &["evidence.unreadable"]);
}

#[test]
fn every_reason_at_once() {
    let house = House::founded();
    house.report("unit", 11, 1);
    fs::remove_dir_all(house.project().join("reports/integration")).unwrap();
    let id = house.requests();
    house.clock("2026-11-25T10:00:00Z");
    let expected = &["request.expired", "key.unknown", "stage.missing", "stage.failed"];
    refuses(&house, "mallory", &["approve", &id], 4, expected);
}

#[test]
fn commit_branch() {
    let house = House::founded();
    house.git(["checkout", "--quiet", "-b", "side"]);
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    house.tag("v1.5.0");
    let id = requested(&house, &["v1.5.0", "--since", "v1.3.0"]);
    let refused = "\
refused: deployctl approve
  ✗ commit.branch  [id] is not on the branch `main`
      policy: stages[1].branch
next: merge the commit into `main`, and fetch it
";
    refuses(&house, "alice", &["approve", &id], 3, &["commit.branch"]);
    refuses_in_words(&house, "alice", &["approve", &id], 3, refused);
    house.git(["branch", "--force", "main", "side"]);
    house.person("alice").approves(&id);
    // What was on the branch and is not any more is not approved any more either.
    house.git(["branch", "--force", "main", "v1.4.0"]);
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["commit.branch"]);
    house.git(["branch", "--delete", "--force", "main"]);
    let answer = refuses(&house, "alice", &["deploy", "production", &id], 3, &["commit.branch"]);
    assert_eq!(sentence(&answer), "the branch `main` is not in this clone");
}

#[test]
fn commit_branch_of_the_environment() {
    let house = founded_with(&[("deployment: human\n", "deployment: human\n    branch: release\n")]);
    let id = house.requests();
    let answer = refuses(&house, "alice", &["approve", &id], 3, &["commit.branch"]);
    assert_eq!(answer["reasons"][0]["policy"], "environments.production.branch");
}

/// A version beside v1.4.0, which is live: both come from v1.3.0.
fn beside() -> House {
    let (house, _) = House::deployed();
    house.git(["reset", "--quiet", "--hard", "v1.3.0"]);
    house.write("app/total.txt", "13\n");
    house.commit("feat: another way");
    house.tag("v1.5.0");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    house
}

#[test]
fn commit_behind() {
    let house = beside();
    // Counted from another version than the live one, the request does not see what it would take away.
    let id = requested(&house, &["v1.5.0", "--since", "v1.3.0"]);
    let expected = &["request.stale", "commit.behind"];
    refuses(&house, "alice", &["approve", &id], 3, expected);
    let refused = "\
refused: deployctl approve
  ✗ request.stale  since `v1.5.0-[id]` was requested, this moved: what is live: now `v1.4.0`
  ✗ commit.behind  2 commits, live now and not in [id], which the request did not say: [id]
next: deployctl request v1.5.0 --as ROLE
next: merge what is live into the candidate, and request again
";
    refuses_in_words(&house, "alice", &["approve", &id], 3, refused);
}

#[test]
fn what_an_approver_saw_is_not_behind() {
    let house = beside();
    let id = requested(&house, &["v1.5.0"]);
    let shown = house.person("alice").approves(&id);
    assert!(shown.contains("totals in the cart") || shown.contains("2 commits"), "{shown}");
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").unwrap(), "v1.5.0\n");
}

#[test]
fn commit_quarantined() {
    let (house, _) = House::deployed();
    house.person("bob").rolls_back("checkout fails");
    let id = requested(&house, &["v1.4.0"]);
    let refused = "\
refused: deployctl approve
  ✗ commit.quarantined  [id] was rolled back in `production`
next: take the change back with `git revert`, and request the commit that does
next: where a commit fixes it, a person says so: deployctl approve --release v1.4.0 --fix COMMIT --reason TEXT
next: where it was not to blame, a person says so: deployctl approve --release v1.4.0 --reason TEXT
";
    refuses(&house, "alice", &["approve", &id], 3, &["commit.quarantined"]);
    refuses_in_words(&house, "alice", &["approve", &id], 3, refused);
    // Nor under another name.
    house.tag("v1.4.1");
    let id = requested(&house, &["v1.4.1"]);
    refuses(&house, "alice", &["approve", &id], 3, &["commit.quarantined"]);
}

#[test]
fn commit_incomplete() {
    let (house, id) = approved_with(&[("\"./ops/migrate.sh\", \"up\"", "\"./ops/absent.sh\", \"up\"")]);
    let refused = "\
refused: deployctl deploy
  ✗ commit.incomplete  `./ops/absent.sh`, which the step `migrate` runs, is not in commit [id] of `v1.4.0`
next: name a program that is there in `deployctl.yaml`, and sign it: deployctl approve --policy
";
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["commit.incomplete"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
    let (house, id) = approved_with(&[("\"./ops/migrate.sh\", \"down\"", "\"app/total.txt\"")]);
    let answer = refuses(&house, "alice", &["deploy", "production", &id], 3, &["commit.incomplete"]);
    let what = sentence(&answer);
    assert!(
        what.starts_with("`app/total.txt`, which the step `migrate` runs, is not executable in "),
        "{what}"
    );
}

/// Takes the content of a file of v1.4.0 out of this clone, as a partial one lacks it.
fn loses(house: &House, path: &str) {
    let blob = house.git(["rev-parse", &format!("v1.4.0:{path}")]);
    let (first, rest) = blob.split_at(2);
    let file = house.project().join(".git/objects").join(first).join(rest);
    std::fs::remove_file(file).expect("a loose object");
}

#[test]
fn commit_incomplete_where_the_clone_lacks_a_file() {
    let (house, id) = House::approved();
    loses(&house, "app/total.txt");
    let refused = "\
refused: deployctl deploy
  ✗ commit.incomplete  1 file of commit [id] of `v1.4.0` is not in this clone: `app/total.txt`
next: git fetch --refetch --no-filter REMOTE
";
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["commit.incomplete"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
    let (house, _) = House::deployed();
    loses(&house, "app/total.txt");
    let back = ["rollback", "production", "--reason", "checkout fails"];
    refuses(&house, "bob", &back, 3, &["commit.incomplete"]);
}

/// What is warned of a request, and where it stands for people.
#[track_caller]
fn told(house: &House, version: &str, summary: &str) -> String {
    let words = ["request", version, "--as", "orchestrator", "--summary", summary, "--json"];
    let said = house.run(words).any_stdout().exit(0).json();
    let id = said["id"].as_str().expect("an id");
    let warned = said["warnings"].as_array().expect("warnings").iter();
    let [one] = warned.filter(|it| it["code"] == "commit.live").collect::<Vec<_>>()[..] else {
        panic!("{said:#}")
    };
    let message = one["message"].as_str().expect("a sentence").to_owned();
    let line = format!("  warning: commit.live  {message}\n");
    let review = house.run(["approve", id, "--show"]).any_stdout().exit(0).stdout;
    assert!(review.contains(&line), "{review}");
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&format!("  {line}")), "{status}");
    message
}

#[test]
fn commit_live() {
    let (house, _) = House::deployed();
    house.write("app/total.txt", "44\n");
    house.commit("feat: more");
    house.tag("v1.4.1");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let id = requested(&house, &["v1.4.1"]);
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    assert_eq!(
        told(&house, "v1.4.0", "Once more"),
        "`v1.4.0` is older than `v1.4.1`, which is live: this takes `production` back, which is asked for with `deployctl request v1.4.0 --rollback -e production --as ROLE`"
    );
    assert_eq!(told(&house, "v1.4.1", "The same"), "`v1.4.1` is live already in `production`");
    let never = "`v1.3.0` is older than `v1.4.1`, which is live: this takes `production` back";
    assert_eq!(told(&house, "v1.3.0", "Long ago"), never);
}

#[test]
fn every_way_to_help_what_nobody_can_approve_is_named_once_and_in_order() {
    let house = House::founded();
    house.report("unit", 11, 1);
    house.report("integration", 2, 1);
    let id = house.requests();
    house.config(&super::rules(&[("estimate: 5m", "estimate: 6m")]));
    house.person("alice").signs_policy();
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    let next: Vec<&str> =
        status.lines().filter_map(|line| line.strip_prefix(&format!("next: {id}: "))).collect();
    let ways = [
        "have that commit checked: deployctl check unit --as ROLE",
        "have that commit checked: deployctl check integration --as ROLE",
        "then make a new request: deployctl request v1.4.0 --as ROLE",
    ];
    assert_eq!(next[..3], ways, "{status}");
    assert!(next[3].starts_with("or a person says no: ") && next.len() == 4, "{status}");
}
