//! What the checklist says of the changes: the changelog of the commit, reverts, and what would be left behind.

use crate::house::House;

const BEFORE: &str = "# Changelog\n\n## [1.3.0] - 2026-10-01\n### Added\n- Cart\n";
const AFTER: &str = "# Changelog\n\n## [Unreleased]\n\n## [1.4.0] - 2026-11-01\n### Added\n- Totals ([#12](https://example.org/12))\n### Changed\n- **Breaking:** cents | @everyone\n\n## [1.3.0] - 2026-10-01\n### Added\n- Cart\n";

/// The lines of a section of the page.
fn section<'a>(page: &'a str, title: &str) -> Vec<&'a str> {
    let lines = page.lines().skip_while(|line| *line != format!("### {title}"));
    lines.skip(1).take_while(|line| !line.starts_with("### ")).filter(|line| !line.is_empty()).collect()
}

/// Moves a version to the newest commit.
fn tag(house: &House, version: &str) {
    house.git(["tag", "--force", "--annotate", "--message", version, version]);
}

const ASKS: [&str; 6] = ["checklist", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0"];

#[test]
fn the_changelog_of_the_commit_comes_first_and_the_work_tree_is_not_asked() {
    let house = House::founded();
    house.write("CHANGELOG.md", AFTER);
    house.commit("docs: say what changed");
    tag(&house, "v1.4.0");
    house.write("CHANGELOG.md", "## 1.4.0\n- never committed\n");
    let answer = house.run(ASKS).any_stdout().any_stderr().exit(0);
    let found = section(&answer.stdout, "Changes Included");
    assert_eq!(found[2], "from CHANGELOG.md, section 1.4.0");
    assert_eq!(
        found[3..7],
        [
            "#### CHANGELOG: Added",
            "- [x] Totals (`#12`) · CHANGELOG.md",
            "#### CHANGELOG: Changed",
            "- [x] Breaking: cents \\| `@everyone` · CHANGELOG.md"
        ]
    );
    let breaking = section(&answer.stdout, "Breaking Changes");
    assert_eq!(breaking[0], "- [x] Breaking: cents \\| `@everyone` · CHANGELOG.md, section 1.4.0");
    let json = house.run(ASKS.into_iter().chain(["--json"])).any_stdout().any_stderr().exit(0).json();
    assert_eq!(json["breaking"]["state"], "declared");
    assert_eq!(json["breaking"]["declared"][0]["source"], "changelog");
    assert_eq!(json["breaking"]["declared"][0]["commit"], serde_json::Value::Null);
    let entry = &json["changelogs"][0]["entries"][0];
    assert_eq!((&entry["text"], &entry["untrusted"]), (&"Totals (#12)".into(), &true.into()));
    for list in ["changes", "migrations", "dependencies", "tests", "open"] {
        let items = json[list].as_array().unwrap();
        assert!(!items.is_empty() && items.iter().all(|item| item["untrusted"] == true), "{list}");
    }
}

#[test]
fn a_changelog_that_did_not_change_is_told() {
    let house = House::founded();
    house.git(["checkout", "--quiet", "v1.3.0"]);
    house.write("docs/NEWS.md", BEFORE);
    house.commit("docs: news");
    tag(&house, "v1.3.0");
    house.write("app/more.txt", "x\n");
    house.commit("fix: more");
    tag(&house, "v1.4.0");
    let policy = house.file("deployctl.yaml");
    house.write("deployctl.yaml", &format!("{policy}versions: {{ changelog: docs/NEWS.md }}\n"));
    house.person("alice").signs_policy();
    let answer = house.run(ASKS).any_stdout().any_stderr().exit(0);
    let found = section(&answer.stdout, "Changes Included");
    assert_eq!(
        found[2..4],
        [
            "docs/NEWS.md says nothing of v1.4.0, and nothing that is unreleased",
            "docs/NEWS.md did not change since v1.3.0"
        ]
    );
}

#[test]
fn what_is_taken_back_and_what_is_left_behind_are_told() {
    let house = House::founded();
    house.git(["checkout", "--quiet", "v1.3.0"]);
    house.write("app/hotfix.txt", "x\n");
    house.commit("fix: hotfix");
    let hotfix = house.git(["rev-parse", "HEAD"]);
    tag(&house, "v1.3.0");
    house.git(["checkout", "--quiet", "v1.4.0"]);
    house.write("app/more.txt", "x\n");
    house.commit("feat!: more");
    let more = house.git(["rev-parse", "HEAD"]);
    house.write("app/more.txt", "\n");
    house.commit(&format!("Revert \"feat!: more\"\n\nThis reverts commit {}.", more.trim()));
    house.write("app/hotfix.txt", "x\n");
    house.commit(&format!("fix: the same\n\n(cherry picked from commit {})", hotfix.trim()));
    tag(&house, "v1.4.0");
    let page = house.run(ASKS).any_stdout().any_stderr().exit(0).stdout;
    let short = |id: &str| id[..7].to_owned();
    let found = section(&page, "Changes Included");
    let taken_back = found.iter().position(|line| *line == "#### Reverted in this range").unwrap();
    assert!(
        found[taken_back + 1].starts_with(&format!("- [x] feat!: more · {} · reverted by ", short(&more))),
        "{page}"
    );
    let behind = found.iter().position(|line| *line == "#### Live, and not in this candidate").unwrap();
    assert!(
        found[behind + 1].starts_with("- [ ] Left behind: 1 live commit such as fix: hotfix — "),
        "{page}"
    );
    assert!(
        found[behind + 2]
            .starts_with(&format!("  - [x] Picked: fix: hotfix · {} · picked as ", short(&hotfix))),
        "{page}"
    );
    let breaking = section(&page, "Breaking Changes");
    assert!(breaking[0].starts_with("- [x] Breaking, and taken back in this range: more · "), "{page}");
    assert!(breaking[1].starts_with("- [ ] None — 0 of "), "{page}");
}
