//! CI's default checkout: one commit and no tags. What needs history says the line that brings it, and the rest works.

use std::path::PathBuf;

use crate::house::{House, POLICY};

const FIX: &str =
    "run `git fetch --unshallow --tags` (in CI: `fetch-depth: 0` on GitHub, `GIT_DEPTH: 0` on GitLab)";
const SHALLOW: &str = "this clone is shallow: the history between the versions is not here; ";

/// A project with a remote, and a signed policy, and what `actions/checkout` makes of it unless told otherwise.
fn checked_out() -> (House, PathBuf) {
    let house = House::new();
    house.config(&POLICY.replace("ledger: none", "ledger: { remote: origin }"));
    house.commit("chore: rules");
    house.remote();
    house.person("alice").signs_policy();
    let dir = house.world().join("checkout");
    let path = dir.to_str().expect("a path of ASCII");
    let origin = format!("file://{}", house.world().join("origin.git").display());
    let head = format!("+{}:refs/remotes/origin/main", house.git(["rev-parse", "HEAD"]));
    house.git(["init", "--quiet", path]);
    house.git(["-C", path, "remote", "add", "origin", &origin]);
    house.git(["-C", path, "fetch", "--quiet", "--no-tags", "--depth=1", "origin", &head]);
    house.git(["-C", path, "checkout", "--quiet", "-B", "main", "refs/remotes/origin/main"]);
    (house, dir)
}

#[test]
fn what_needs_history_names_the_fix() {
    let (house, dir) = checked_out();
    let live = house.git(["rev-parse", "v1.3.0^{commit}"]);
    let request = ["request", "v1.5.0", "--as", "orchestrator"];
    let shallow = format!("{SHALLOW}{FIX}");
    let unknown = |name: &str| format!("`{name}` is not a commit here: this clone is shallow; {FIX}");
    let cases: [(&[&str], String); 4] = [
        (&["checklist", "v1.5.0"], shallow.clone()),
        (&["checklist", "v1.5.0", "--since", "v1.3.0"], unknown("v1.3.0")),
        (&["checklist", "v1.5.0", "--since", &live], unknown("[commit]")),
        (&request, shallow.clone()),
    ];
    for (words, expected) in &cases {
        let run = house.run(words.iter().copied()).directory(&dir);
        run.stderr(&format!("error: {expected}\n")).exit(1);
    }
    // In a step it is an annotation, with the line for the workflow.
    let step = ["--format", "github"];
    let run = house.run(request.into_iter().chain(step)).directory(&dir).any_stderr();
    run.stdout(&format!("::error title=deployctl request%3A failed::{shallow}\n")).exit(1);
    // The line is the whole fix.
    house.program("git", &["fetch", "--quiet", "--unshallow", "--tags"]).directory(&dir).exit(0);
    for (words, _) in &cases {
        house.run(words.iter().copied()).directory(&dir).any_stdout().any_stderr().exit(0);
    }
}

#[test]
fn what_needs_one_commit_works() {
    let (house, dir) = checked_out();
    let report =
        "<testsuite name=\"unit\" tests=\"1\"><testcase classname=\"cart\" name=\"totals\"/></testsuite>\n";
    house.write("../checkout/reports/unit/results.xml", report);
    house.aged("../checkout/reports/unit/results.xml", chrono::TimeDelta::minutes(1));
    for words in [&["check", "unit", "--as", "qa-specialist"] as &[&str], &["status"], &["history"]] {
        house.run(words.iter().copied()).directory(&dir).any_stdout().exit(0);
    }
    let recorded = house.git(["ls-remote", "origin", "refs/heads/deployctl/journal"]);
    assert_eq!(recorded.split('\t').next(), Some(tip(&house, &dir).as_str()), "the evidence was pushed");
}

/// The newest line of the journal in a clone.
fn tip(house: &House, dir: &std::path::Path) -> String {
    let path = dir.to_str().expect("a path of ASCII");
    house.git(["-C", path, "rev-parse", "deployctl/journal"])
}
