//! The request: there is none, it is not what was pinned, it waited too long.

use std::fs;

use deployctl::gate::request::Request;
use deployctl::world::records::JOURNAL;

use super::forge::{appends, edited, replaces};
use super::{
    PROGRAM, founded_with, nothing_runs, refuses, refuses_in_words, refuses_machine, requested, rules,
    sentence,
};
use crate::house::House;

const SINCE: [&str; 2] = ["--since", "v1.3.0"];

#[test]
fn request_missing() {
    let (house, id) = House::requested();
    let expected = &["request.missing"];
    refuses(&house, "alice", &["approve", "v9.9.9"], 3, expected);
    refuses(&house, "alice", &["approve", "v1.4.0-0000000", "--deny", "--reason", "no"], 3, expected);
    refuses(&house, "alice", &["approve", &id, "--review", "--reason", "well"], 3, expected);
    refuses(&house, "alice", &["deploy", "production", "v9.9.9"], 3, expected);
    let shown = house.person("alice").at_terminal(["deploy", "produktion", &id]).exit(2);
    assert!(shown.contains("did you mean `production`?"), "{shown}");
    house.nothing_ran();
    refuses_machine(&house, &["approve", "v9.9.9", "--show"], 3, expected);
    let empty = house.world().join("tmp").display().to_string();
    refuses(&house, "alice", &["approve", &empty], 3, expected);
    let refused = "\
refused: deployctl deploy
  ✗ request.missing  there is no request `v9.9.9`
next: deployctl request VERSION -e production --as ROLE
";
    refuses_in_words(&house, "alice", &["deploy", "production", "v9.9.9"], 3, refused);
}

/// Several requests of one version.
fn several(house: &House, summaries: &[&str]) -> Vec<String> {
    let asks = |summary: &&str| requested(house, &["v1.4.0", SINCE[0], SINCE[1], "--summary", summary]);
    summaries.iter().map(asks).collect()
}

#[test]
fn request_missing_where_several_fit() {
    let house = House::founded();
    let both = several(&house, &["Totals in the cart", "Something else"]);
    for id in &both {
        house.person("alice").approves(id);
    }
    // What people voted on is passed over for nothing that came after it.
    let answer = refuses(&house, "alice", &["approve", "v1.4.0"], 3, &["request.missing"]);
    let told =
        |id: &String| format!("`{id}`, asked by orchestrator at 2026-11-23 10:00 UTC, approved by alice");
    let fits = sentence(&answer).strip_prefix("several requests fit: ").expect("several");
    assert!(both.iter().all(|id| fits.split("; ").any(|one| one == told(id))), "{answer:#}");
    let answer = refuses(&house, "alice", &["deploy", "production"], 3, &["request.missing"]);
    assert!(both.iter().all(|id| sentence(&answer).contains(id)), "{answer:#}");
    refuses(&house, "alice", &["deploy", "production", "v1.4.0"], 3, &["request.missing"]);
}

#[test]
fn the_newest_request_for_the_same_is_meant_and_offered() {
    let house = House::founded();
    let ids = several(&house, &["First", "Second", "Third"]);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(!status.contains(&ids[0]) && !status.contains(&ids[1]) && status.contains(&ids[2]), "{status}");
    let shown = house.run(["approve", "v1.4.0", "--show"]).any_stdout().exit(0).stdout;
    assert!(shown.contains("Third") && !shown.contains("was replaced"), "{shown}");
    // The older ones are still there, by their names, and end only when people say so.
    let shown = house.run(["approve", &ids[0], "--show"]).any_stdout().exit(0).stdout;
    let replaced = format!(
        "  warning: request.stale  `{}` was replaced: `{}` is newer and asks for the same\n",
        ids[0], ids[2]
    );
    assert!(shown.ends_with(&replaced), "{shown}");
    house.run(["approve", &ids[1], "--show", "--json"]).json(|it| assert_eq!(it["replaced"], true)).exit(0);
    let shown =
        house.person("alice").at_terminal(["approve", &ids[0]]).expect("[y/n] ").end_of_input().exit(5);
    assert!(shown.contains(&replaced), "{shown}");
    // What people said no to stands in no other's place.
    house.person("bob").denies("v1.4.0", "not that one");
    let shown = house.run(["approve", "v1.4.0", "--show"]).any_stdout().exit(0).stdout;
    assert!(shown.contains("Second") && !shown.contains("was replaced"), "{shown}");
    house.person("alice").approves(&ids[0]);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&format!("  {}  approved by alice until ", ids[0])), "{status}");
}

#[test]
fn what_was_replaced_is_asked_for_anew_and_a_date_ahead_is_no_newer_than_now() {
    let house = House::founded();
    let ids = several(&house, &["First", "Second"]);
    house.clock("2026-11-23T10:05:00Z");
    let again = several(&house, &["First"]).remove(0);
    assert_ne!(again, ids[0]);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&again) && ids.iter().all(|id| !status.contains(id.as_str())), "{status}");
    // A machine's clock, or a machine that wants to stay the newest.
    let ahead = rewritten(&house, |request| request.at += chrono::Duration::seconds(100));
    let new = several(&house, &["Third"]).remove(0);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&new) && !status.contains(&ahead), "{status}");
}

#[test]
fn a_newer_request_that_nobody_can_approve_replaces_none() {
    let house = House::founded();
    let ids = several(&house, &["First", "Second"]);
    replaces(&house, JOURNAL, |files| edited(files, "checklist.md", "- [ ]", "- [x]"));
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(ids.iter().all(|id| status.contains(id.as_str())), "{status}");
    let house = House::founded();
    let first = house.requests();
    several(&house, &["Second"]);
    let ahead = rewritten(&house, |request| request.at += chrono::Duration::hours(1));
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&first) && status.contains(&ahead), "{status}");
    // And one whose time is over by its own word hides nothing either.
    let over = rewritten(&house, |request| {
        request.at -= chrono::Duration::hours(1);
        request.decide_by = request.at - chrono::Duration::minutes(1);
    });
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&first) && !status.contains(&over), "{status}");
}

#[test]
fn a_newer_request_that_the_gate_would_refuse_hides_none() {
    let house = House::founded();
    let first = house.requests();
    house.clock("2026-11-23T10:05:00Z");
    several(&house, &["Second"]);
    let forged = rewritten(&house, |request| request.open.clear());
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&format!("  {first}  AWAITING HUMAN APPROVAL until ")), "{status}");
    assert!(status.contains(&format!("  {forged}  AWAITING")), "{status}");
    assert!(status.contains("and cannot be approved now:\n    ✗ request.stale  `open` of "), "{status}");
    let advice = format!("{forged}: deployctl request v1.4.0 --as ROLE");
    assert!(status.contains(&advice), "{status}");
    // The version means the one that can be approved, and so does a deployment that names none.
    let shown = house.run(["approve", "v1.4.0", "--show", "--json"]).any_stdout().exit(0).json();
    assert_eq!((&shown["id"], &shown["replaced"]), (&first.clone().into(), &false.into()));
    for words in [vec!["deploy", "production"], vec!["deploy", "production", "v1.4.0"]] {
        let answer = refuses_machine(&house, &[words, vec!["--dry-run"]].concat(), 4, &["approval.missing"]);
        assert_eq!(sentence(&answer), format!("nobody has decided about `{first}` yet"));
        let approve = format!("ask a person to run: deployctl approve {first}");
        assert_eq!(answer["reasons"][0]["next"], serde_json::json!([approve]));
    }
    // What nobody can approve is told as `status` tells it.
    let words = ["deploy", "production", &forged, "--dry-run"];
    let answer = refuses_machine(&house, &words, 4, &["approval.missing"]);
    let why = "and it cannot be approved now: request.stale: `open` of ";
    assert!(sentence(&answer).contains(why), "{answer:#}");
    assert_eq!(answer["reasons"][0]["next"], serde_json::json!(["deployctl request v1.4.0 --as ROLE"]));
}

#[test]
fn what_was_taken_back_replaces_none_and_leaves_the_version_to_another() {
    let house = House::founded();
    let first = house.requests();
    house.clock("2026-11-23T10:05:00Z");
    let second = several(&house, &["Second"]).remove(0);
    house.person("alice").approves(&second);
    let shown = house.run(["approve", &first, "--show", "--json"]).any_stdout().exit(0).json();
    assert_eq!(shown["replaced"], true);
    let words = ["approve", &second, "--revoke", "--reason", "not yet"];
    house.person("bob").at_terminal(words).signs().exit(0);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&format!("  {first}  AWAITING HUMAN APPROVAL until ")), "{status}");
    assert!(status.contains(&format!("  {second}  the approval was revoked")), "{status}");
    let shown = house.run(["approve", "v1.4.0", "--show", "--json"]).any_stdout().exit(0).json();
    assert_eq!((&shown["id"], &shown["replaced"]), (&first.into(), &false.into()));
}

#[test]
fn a_request_that_is_written_once_more_with_other_files_is_what_it_was() {
    let (house, id) = House::requested();
    appends(&house, JOURNAL, |files| edited(files, "checklist.md", "- [ ]", "- [x]"));
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&id) && !status.contains("cannot be approved"), "{status}");
    house.person("alice").approves(&id);
}

#[test]
fn a_vote_keeps_a_request_beside_a_newer_one() {
    let house = founded_with(&[("required: 1", "required: 2")]);
    let first = house.requests();
    house.person("alice").approves(&first);
    let second = several(&house, &["Second"]).remove(0);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains(&format!("  {first}  1 of 2 approvals, by alice\n")), "{status}");
    assert!(status.contains(&format!("  {second}  AWAITING HUMAN APPROVAL until ")), "{status}");
    refuses(&house, "bob", &["approve", "v1.4.0"], 3, &["request.missing"]);
    house.person("bob").approves(&first);
}

#[test]
fn a_request_of_a_version_whose_tag_moved_is_replaced_by_one_of_what_it_names() {
    let house = House::founded();
    let first = house.requests();
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    house.git(["tag", "--force", "v1.4.0", "HEAD"]);
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let second = several(&house, &["Second"]).remove(0);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(!status.contains(&first) && status.contains(&second), "{status}");
    house.person("alice").approves("v1.4.0");
    refuses(&house, "bob", &["approve", &first], 3, &["request.stale"]);
}

/// What of the request is not as it was, by the only sentence of a refusal to approve it.
#[track_caller]
fn stale(house: &House, id: &str, what: &str) {
    let answer = refuses(house, "alice", &["approve", id], 3, &["request.stale"]);
    assert_eq!(sentence(&answer).split_once('-').map(|(what, _)| what), Some(what), "{answer:#}");
}

#[test]
fn request_stale() {
    let (house, id) = House::approved();
    // The tag names another commit now.
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    house.git(["tag", "--force", "v1.4.0", "HEAD"]);
    let refused = "\
refused: deployctl deploy
  ✗ request.stale  since `v1.4.0-[id]` was requested, this moved: the commit: `v1.4.0` was [id] and now names [id]
next: deployctl request v1.4.0 --as ROLE
";
    refuses(&house, "alice", &["deploy", "production", &id], 3, &["request.stale"]);
    refuses_in_words(&house, "alice", &["deploy", "production", &id], 3, refused);
}

#[test]
fn request_stale_for_another_commit() {
    let (house, id) = House::approved();
    for commit in ["HEAD~1", "v1.3.0"] {
        refuses(&house, "alice", &["deploy", "production", &id, "--commit", commit], 3, &["request.stale"]);
    }
    house.run(["deploy", "production", &id, "--commit", "HEAD", "--dry-run"]).any_stdout().exit(0);
}

#[test]
fn request_stale_under_other_rules() {
    let (house, id) = House::approved();
    house.config(&rules(&[("estimate: 5m", "estimate: 6m")]));
    house.person("alice").signs_policy();
    let answer = refuses(&house, "alice", &["deploy", "production", &id], 3, &["request.stale"]);
    assert_eq!(sentence(&answer), format!("since `{id}` was requested, this moved: the policy in force"));
    refuses(&house, "bob", &["approve", &id], 3, &["request.stale"]);
}

#[test]
fn request_stale_in_a_clone_without_the_commit() {
    let (house, id) = House::approved();
    let other = House::empty();
    let theirs = house.project().display().to_string();
    other.git(["fetch", "--quiet", "--no-tags", &theirs, "+refs/heads/deployctl/*:refs/heads/deployctl/*"]);
    let answer =
        refuses(&other, "alice", &["deploy", "production", &id], 3, &["request.stale", "commit.branch"]);
    assert!(answer["reasons"][0]["message"].as_str().unwrap().contains("is not in this clone"));
    let branch = answer["reasons"][1]["message"].as_str().unwrap();
    assert!(
        branch.ends_with(" is on the branch `main` cannot be told: the commit is not in this clone"),
        "{branch}"
    );
}

#[test]
fn request_stale_when_something_else_is_live() {
    let house = House::founded();
    let first = house.requests();
    let second = requested(&house, &["v1.4.0", SINCE[0], SINCE[1], "--summary", "Something else"]);
    for id in [&first, &second] {
        house.person("alice").approves(id);
    }
    house.person("alice").deploys(&first);
    let answer = refuses(&house, "alice", &["deploy", "production", &second], 3, &["request.stale"]);
    assert_eq!(
        sentence(&answer),
        format!("since `{second}` was requested, this moved: what is live: now `v1.4.0`")
    );
}

#[test]
fn request_stale_when_its_journal_was_edited() {
    let (house, id) = House::requested();
    replaces(&house, JOURNAL, |files| edited(files, "checklist.md", "- [ ]", "- [x]"));
    stale(&house, &id, "`checklist.md` of `v1.4.0");
    let (house, id) = House::requested();
    replaces(&house, JOURNAL, |files| {
        files.remove("evidence.json");
    });
    stale(&house, &id, "`evidence.json` of `v1.4.0");
}

/// The request of a journal with something else in it, in its canonical bytes: what a machine could have written at once.
#[track_caller]
fn rewritten(house: &House, edit: impl FnOnce(&mut Request)) -> String {
    let mut id = String::new();
    replaces(house, JOURNAL, |files| {
        let mut request = Request::read(&files["request.json"]).expect("a request");
        edit(&mut request);
        let bytes = request.bytes().expect("bytes");
        id = request.reference(&bytes).id;
        files.insert("request.json".to_owned(), bytes);
    });
    id
}

#[test]
fn a_page_that_does_not_read_as_the_facts_do_is_named_to_who_signs_it() {
    let (house, id) = House::requested();
    let reads =
        || house.person("alice").at_terminal(["approve", &id]).yes_to_all().types_instead("no").exit(5);
    let told = "does not read as its facts do: rely on this screen alone";
    let shown = reads();
    assert!(!shown.contains(told), "{shown}");
    replaces(&house, JOURNAL, |files| {
        files.insert("request.md".to_owned(), b"APPROVED BY THE BOARD\n".to_vec());
    });
    let shown = reads();
    assert!(shown.replace("\r\n", " ").contains(told) && shown.contains("`request.md` of"), "{shown}");
    let shown = house.run(["approve", &id, "--show"]).any_stdout().exit(0).stdout;
    assert!(shown.contains(told), "{shown}");
    // Where the range begins at the nearest tag, the checklist says so, and the request names its commit alone.
    let house = House::founded();
    let id = requested(&house, &["v1.4.0"]);
    let shown = house.person("alice").at_terminal(["approve", &id]).yes_to_all().types_instead("no").exit(5);
    assert!(!shown.contains(told), "{shown}");
}

#[test]
fn request_stale_when_it_says_what_the_repository_does_not() {
    let (house, _) = House::requested();
    let id = rewritten(&house, |request| request.open.clear());
    stale(&house, &id, "`open` of `v1.4.0");
    let (house, _) = House::requested();
    let id = rewritten(&house, |request| request.extent.migrations = 0);
    stale(&house, &id, "`extent` of `v1.4.0");
    let (house, _) = House::requested();
    let id = rewritten(&house, |request| request.tree = request.checklist);
    let answer = refuses(&house, "alice", &["approve", &id], 3, &["request.stale"]);
    assert_eq!(sentence(&answer), format!("since `{id}` was requested, this moved: the tree"));
}

#[test]
fn request_stale_when_its_package_was_edited() {
    let (house, id) = House::requested();
    let words =
        ["request", "v1.4.0", "--as", "orchestrator", "--summary", "Totals in the cart", "-o", "package"];
    house.run(words.into_iter().chain(SINCE)).any_stdout().exit(0);
    let checklist = house.project().join("package/checklist.md");
    let text = fs::read_to_string(&checklist).unwrap();
    fs::write(&checklist, text.replace("- [ ]", "- [x]")).unwrap();
    stale(&house, "package", "`checklist.md` of `v1.4.0");
    fs::write(&checklist, text).unwrap();
    house.person("alice").approves("package");
    // Other bytes are another request, or none.
    let request = house.project().join("package/request.json");
    let text = fs::read_to_string(&request).unwrap();
    fs::write(&request, text.replace("production", "staging")).unwrap();
    refuses(&house, "alice", &["approve", "package"], 3, &["role.forbidden"]);
    fs::write(&request, format!("{text}\n")).unwrap();
    refuses(&house, "alice", &["approve", "package"], 3, &["request.missing"]);
    house.person("alice").deploys(&id);
}

#[test]
fn request_stale_of_another_repository() {
    let theirs = founded_with(&[("project: storefront", "project: warehouse")]);
    let words = ["request", "v1.4.0", "--as", "orchestrator", "-o", "package"];
    theirs.run(words.into_iter().chain(SINCE)).any_stdout().exit(0);
    let house = House::founded();
    let package = theirs.project().join("package").display().to_string();
    let answer = refuses(&house, "alice", &["approve", &package], 3, &["request.stale"]);
    let sentence = sentence(&answer);
    assert!(
        sentence.ends_with("the policy in force; the repository: it was requested for another ledger"),
        "{sentence}"
    );
}

#[test]
fn request_stale_from_a_clock_ahead() {
    let house = House::founded();
    house.clock("2026-11-23T11:00:00Z");
    let id = house.requests();
    house.clock("2026-11-23T10:30:00Z");
    let answer = refuses(&house, "alice", &["approve", &id], 3, &["request.stale"]);
    let expected = format!("`{id}` says that it was drafted at 2026-11-23 11:00 UTC, which is yet to come");
    assert_eq!(sentence(&answer), expected);
}

#[test]
fn request_expired() {
    let (house, id) = House::requested();
    house.clock("2026-11-24T10:00:00Z");
    let waits = house.person("alice").at_terminal(["approve", &id]).expect("[y/n] ").end_of_input();
    waits.exit(5);
    house.clock("2026-11-24T10:00:01Z");
    let expected = &["request.expired"];
    refuses(&house, "alice", &["approve", &id], 3, expected);
    refuses(&house, "alice", &["approve", &id, "--deny", "--reason", "no"], 3, expected);
    refuses(&house, "alice", &["approve", &id, "--hold", "--reason", "no"], 3, expected);
    let refused = "\
refused: deployctl approve
  ✗ request.expired  `v1.4.0-[id]` had to be decided by 2026-11-24 10:00 UTC
      policy: environments.production.approvals.decide_within
next: deployctl request v1.4.0 --as ROLE
";
    refuses_in_words(&house, "alice", &["approve", &id], 3, refused);
}

#[test]
fn request_expired_whatever_it_says_itself() {
    let (house, _) = House::requested();
    let id = rewritten(&house, |request| request.decide_by += chrono::TimeDelta::days(365));
    house.clock("2026-11-24T10:00:01Z");
    refuses(&house, "alice", &["approve", &id], 3, &["request.expired"]);
    let line = format!("{PROGRAM} approve {id} < /dev/null");
    nothing_runs(&house, || house.program_at_terminal("sh", &["-c", &line]).exit(4));
}

#[test]
fn a_version_names_the_request_that_waits_and_not_the_one_that_was_used() {
    let (house, id) = House::approved();
    house.breaks("release");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    house.mends("release");
    house.clock("2026-11-23T10:30:00Z");
    let next = house.requests();
    assert_ne!(id, next);
    let words = ["deploy", "production", "v1.4.0", "--dry-run", "--json"];
    let refused = house.run(words).any_stdout().any_stderr().exit(4).json();
    assert_eq!(refused["reasons"][0]["code"], "approval.missing");
    assert_eq!(refused["reasons"][0]["message"], format!("nobody has decided about `{next}` yet"));
    house.person("alice").approves(&next);
    let allowed = house.run(words).any_stdout().exit(0).json();
    assert_eq!(allowed["plan"]["request"]["id"], next);
}

#[test]
fn status_advises_nothing_that_would_be_refused() {
    let (house, id) = House::approved();
    let status = || house.run(["status"]).any_stdout().any_stderr().exit(0).stdout;
    assert!(status().contains("a person executes"));
    house.releases(&[("app/total.txt", "44\n")]);
    house.run(["deploy", "production", &id, "--dry-run"]).any_stderr().exit(3);
    let shown = status();
    assert!(shown.contains(", and refused now: request.stale: "), "{shown}");
    assert!(!shown.contains("a person executes"), "{shown}");
}
