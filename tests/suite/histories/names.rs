//! A name is one commit, or it is refused with what to say instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{import, open};
use crate::house::House;

/// The words of a refusal to take a name for the beginning of a range.
#[track_caller]
fn refuses(house: &House, name: &str, words: &str) {
    let since = format!("--since={name}");
    house.run(["checklist", "v1.4.0", &since]).stderr(&format!("error: {words}\n")).exit(1);
}

/// How many commits there are since a name.
#[track_caller]
fn counts(house: &House, name: &str, commits: usize) {
    let since = format!("--since={name}");
    let about = |answer: &serde_json::Value| assert_eq!(answer["changes"].as_array().unwrap().len(), commits);
    house.run(["checklist", "v1.4.0", &since, "--json"]).json(about).exit(0);
}

#[test]
fn every_way_to_name_one_commit() {
    let house = House::new();
    let id = house.git(["rev-parse", "v1.3.0^{commit}"]);
    house.git(["tag", "--annotate", "--message", "of a tag", "nested", "v1.3.0"]);
    house.git(["branch", "old", "v1.3.0"]);
    for name in [
        "v1.3.0",
        "nested",
        "old",
        "refs/tags/v1.3.0",
        "tags/v1.3.0",
        "refs/heads/old",
        &id,
        &id[..7],
        &id[..4],
    ] {
        counts(&house, name, 2);
    }
    for (name, commits) in
        [("HEAD~2", 2), ("@^", 1), ("main~1^1", 2), ("v1.4.0^{}", 0), ("v1.4.0^{commit}~1", 1)]
    {
        counts(&house, name, commits);
    }
    house.remote();
    counts(&house, "@{upstream}", 0);
    counts(&house, "origin/main^^", 2);
}

#[test]
fn a_clone_that_is_behind_fetches_first() {
    let house = House::new();
    house.remote();
    let clone = house.clone_of();
    house.tag("v1.4.1");
    house.git(["push", "--quiet", "origin", "v1.4.1"]);
    let why =
        "`v1.4.1` is not a commit here: where `origin` has it, run `git fetch --tags origin`; did you mean";
    let checks = ["checklist", "v1.5.0", "--since", "v1.4.1"];
    let refused = clone.run(checks).any_stderr().exit(1).stderr;
    assert!(refused.contains(why), "{refused}");
    clone.git(["fetch", "--quiet", "--tags", "origin"]);
    clone.run(checks).any_stdout().any_stderr().exit(0);
}

#[test]
fn what_names_no_commit() {
    let house = House::new();
    for (name, words) in [
        ("-x", "`-x` is not a commit here: no name begins with `-`"),
        ("v1.3.0..v1.4.0", "`v1.3.0..v1.4.0` is not a commit here: it is a range, and one commit is wanted"),
        (
            ":/carts",
            "`:/carts` is not a commit here: it finds whatever is newest today; name a tag, a branch or an id",
        ),
        (
            "v1.4.0^{/carts}",
            "`v1.4.0^{/carts}` is not a commit here: it finds whatever is newest today; name a tag, a branch or an id",
        ),
        ("v1.4.0:app", "`v1.4.0:app` is not a commit here; did you mean `v1.4.0`?"),
        ("v1.4.00", "`v1.4.00` is not a commit here; did you mean `v1.4.0`?"),
        (
            "HEAD~99",
            "`HEAD~99` is not a commit here: the history does not go back so far, or the name is not made so",
        ),
        ("@{upstream}", "`@{upstream}` is not a commit here"),
        ("feature", "`feature` is not a commit here"),
        ("", "`` is not a commit here"),
        ("a\u{1b}[2Kb", "`a\\\\u{1b}[2Kb` is not a commit here"),
    ] {
        refuses(&house, name, words);
    }
    house.git(["tag", "of-a-tree", "HEAD^{tree}"]);
    house.git(["tag", "of-a-file", "HEAD:app/total.txt"]);
    refuses(&house, "of-a-tree", "`of-a-tree` is not a commit here: it names a tree");
    refuses(&house, "of-a-file", "`of-a-file` is not a commit here: it names a blob");
    let tree = "error: `of-a-tree` is not a commit here: it names a tree\n";
    house.run(["checklist", "of-a-tree"]).stderr(tree).exit(1);
}

#[test]
fn an_id_that_was_never_fetched_comes_with_the_line_that_fetches_it() {
    let house = House::new();
    house.remote();
    let id = "0123456789012345678901234567890123456789";
    refuses(&house, id, "`[commit]` is not a commit here: run `git fetch origin [commit]`");
}

#[test]
fn a_name_of_two_commits_is_refused_with_both() {
    let house = House::new();
    house.git(["branch", "v1.3.0", "v1.4.0"]);
    let both = "`v1.3.0` is ambiguous: it is the tag `refs/tags/v1.3.0` ([id]) and the branch `refs/heads/v1.3.0` \
                ([id]); say the full name";
    refuses(&house, "v1.3.0", both);
    counts(&house, "refs/tags/v1.3.0", 2);
    // Of one commit it may be both.
    house.git(["branch", "--force", "v1.3.0", "v1.3.0^{commit}~0"]);
    house.git(["update-ref", "refs/heads/v1.3.0", "refs/tags/v1.3.0^{commit}"]);
    counts(&house, "v1.3.0", 2);
    // A branch that looks like the beginning of an id.
    let id = house.git(["rev-parse", "HEAD"]);
    house.git(["branch", &id[..7], "refs/tags/v1.3.0"]);
    refuses(
        &house,
        &id[..7],
        "`[id]` is ambiguous: it is the branch `refs/heads/[id]` ([id]) and the commit [commit]; say the full name",
    );
}

#[test]
fn a_version_that_is_a_branch_and_no_tag_is_not_taken_for_head() {
    let house = House::new();
    house.git(["branch", "v1.5.0", "v1.3.0"]);
    let words =
        "error: `v1.5.0` is a branch here ([id]) and no tag, and HEAD is [id]: say which with `--commit`\n";
    house.run(["checklist", "v1.5.0"]).stderr(words).exit(1);
    house.run(["checklist", "v1.5.0", "--commit", "HEAD"]).any_stdout().exit(0);
}

#[test]
fn a_short_id_of_two_commits_is_refused_with_both() {
    let house = House::new();
    let mut stream = String::new();
    for number in 0..1_200 {
        let head = format!("commit refs/heads/many\ncommitter A <a@b> {} +0000\n", 1_700_000_000 + number);
        writeln!(stream, "{head}data 1\nx").unwrap();
    }
    import(&house, &stream);
    let ids = house.git(["rev-list", "many"]);
    let mut by_prefix: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for id in ids.lines() {
        by_prefix.entry(&id[..4]).or_default().push(id);
    }
    let (prefix, two) =
        by_prefix.iter().find(|(_, ids)| ids.len() == 2).expect("two ids that begin the same");
    refuses(
        &house,
        prefix,
        &format!(
            "`{prefix}` is ambiguous: it is the commit [commit] and the commit [commit]; say the full name"
        ),
    );
    // Where one of two objects is a commit, it is meant.
    let repository = open(&house);
    assert_eq!(repository.resolve(two[0]).unwrap().as_str(), two[0]);
}

#[test]
fn versions_as_real_projects_name_them() {
    for version in
        ["@changesets/cli@3.0.1", "cargo-nextest-0.9.143", "ng-1.4.5", "api/v1.1.0", "v6", "v24.10"]
    {
        let house = House::founded();
        house.tag(version);
        let asks =
            ["request", version, "--since", "v1.3.0", "--as", "orchestrator", "--summary", "As it is called"];
        let answer = house.run(asks.into_iter().chain(["--json"])).any_stdout().exit(0).json();
        let id = answer["id"].as_str().unwrap();
        assert!(id.starts_with(&format!("{version}-")), "{id}");
        house.person("alice").approves(id);
        house.person("alice").deploys(id);
        assert_eq!(house.live("version").unwrap(), format!("{version}\n"));
    }
}

#[test]
fn a_version_that_leaves_its_place_is_none() {
    let house = House::new();
    for version in ["../v1", "v1/../../x", "-v1", "/v1", "v1/", "v1.lock", "v 1", "v1\u{7}", "a//b"] {
        house.run(["checklist", "--", version]).any_stderr().exit(2);
    }
}
