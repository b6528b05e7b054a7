use chrono::{DateTime, Utc};

use super::{Draft, Rules, Since};
use crate::evidence::breaking::{Source, State, summarise};
use crate::evidence::changelog::{Excerpt, Question, excerpt};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::commits::{self, Change, Mailmap, RawCommit};
use crate::gate::fixture::release;
use crate::gate::terms::CommitId;

fn at() -> DateTime<Utc> {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

/// The commit of a number, told apart in its first digits.
fn id(number: usize) -> CommitId {
    format!("{number:07}{number:033}").parse().unwrap()
}

/// A commit whose parents are those numbers.
fn commit(number: usize, parents: &[usize], message: &str) -> Change {
    commits::read(&RawCommit {
        id: id(number),
        parents: parents.iter().map(|parent| id(*parent)).collect(),
        author_name: b"Ada".to_vec(),
        author_email: b"ada@example.org".to_vec(),
        encoding: None,
        message: message.as_bytes().to_vec(),
    })
}

/// Commits, newest first, each the parent of the one before.
fn line_of(messages: &[&str]) -> Vec<Change> {
    let last = messages.len();
    messages.iter().enumerate().map(|(at, message)| commit(last - at, &[last - at - 1], message)).collect()
}

fn draft(mut changes: Vec<Change>, changelogs: Vec<Excerpt>) -> Draft {
    commits::link(&mut changes);
    Draft {
        notes: vec![],
        absent: vec![],
        loose_sql: vec![],
        submodules: vec![],
        foreign_locks: vec![],
        scanners: vec![],
        release: release(2),
        since: Since::Live(release(1)),
        at: at(),
        breaking: summarise(&changes, &changelogs),
        changes,
        behind: vec![],
        changelogs,
        mailmap: Mailmap::default(),
        tests: vec![],
        files: 3,
        migrations: vec![],
        signed: vec![],
        lockfiles: vec![],
    }
}

fn section(draft: &Draft, title: &str) -> Section {
    let sections = draft.checklist("orchestrator", &Rules::default()).sections;
    sections.into_iter().find(|section| section.title == title).unwrap()
}

/// `group | [x] words | evidence`, children indented.
fn lines(section: &Section) -> Vec<String> {
    let line = |item: &Item| {
        let mark = if item.ticked { 'x' } else { ' ' };
        format!("[{mark}] {} | {}", item.words(), item.evidence.as_deref().unwrap_or("-"))
    };
    let mut all = Vec::new();
    for item in &section.items {
        all.push(format!("{} | {}", item.group.as_deref().unwrap_or("-"), line(item)));
        all.extend(item.children.iter().map(|child| format!("  {}", line(child))));
    }
    all
}

fn changes(draft: &Draft) -> Vec<String> {
    lines(&section(draft, "Changes Included"))
}

fn log(text: &str, before: Option<&str>) -> Excerpt {
    let question = Question { version: "v2", previous: Some("v1"), before: before.map(str::as_bytes) };
    excerpt("CHANGELOG.md", text.as_bytes(), &question)
}

const LOG: &str = "## v2\n### Added\n- Search\n### Changed\n- **Breaking:** drop the old totals\n## 1.9\n- Old\n## v1\n- x\n";

#[test]
fn the_changelog_comes_before_the_commits() {
    let draft = draft(line_of(&["feat(cart): search"]), vec![log(LOG, None)]);
    assert_eq!(
        changes(&draft),
        [
            "CHANGELOG: Added | [x] Search | CHANGELOG.md · v2",
            "CHANGELOG: Changed | [x] Breaking: drop the old totals | CHANGELOG.md · v2",
            "CHANGELOG | [x] Old | CHANGELOG.md · 1.9",
            "Features | [x] feat(cart): search | 0000001",
        ]
    );
    let notes = section(&draft, "Changes Included").notes;
    assert_eq!(notes[1..], ["Authors: Ada", "from CHANGELOG.md, sections v2, 1.9"]);
}

#[test]
fn which_section_was_used_and_why_is_said() {
    let notes = |text: &str, before: Option<&str>| {
        section(&draft(vec![], vec![log(text, before)]), "Changes Included").notes.split_off(1)
    };
    assert_eq!(notes("## 2.0.0\n- a\n", None), ["from CHANGELOG.md, section 2.0.0"]);
    assert_eq!(
        notes("## Unreleased\n- a\n", None),
        ["from CHANGELOG.md, section Unreleased: it does not name v2"]
    );
    assert_eq!(notes("# x\n", None), ["CHANGELOG.md says nothing of v2, and nothing that is unreleased"]);
    assert_eq!(
        notes("## v2\n- a\n", Some("## v2\n- a\n")),
        ["from CHANGELOG.md, section v2", "CHANGELOG.md did not change since v1"]
    );
    assert_eq!(
        notes("## Spring\n## 7\n- a\n## 6.5\n- b\n", Some("## 6.5\n- b\n")),
        ["from CHANGELOG.md, section 7: written since v1, and none names v2"]
    );
    assert_eq!(
        notes("## v2\n- a\n## v1\n- b\n- c\n", Some("## v1\n- b\n")),
        ["from CHANGELOG.md, section v2", "CHANGELOG.md: 1 new line in older sections"]
    );
    assert_eq!(notes("\0", None), ["CHANGELOG.md: not read, it is not a text file"]);
    let missing = draft(vec![], vec![Excerpt::missing("docs/NEWS.md")]);
    let notes = section(&missing, "Changes Included").notes;
    assert_eq!(notes[1], "docs/NEWS.md: not read, the candidate has no such file");
}

#[test]
fn a_long_changelog_is_counted_after_sixty_entries() {
    let text = format!("## v2\n{}", "- one\n".repeat(63));
    let lines = changes(&draft(vec![], vec![log(&text, None)]));
    assert_eq!(lines.len(), 61);
    assert_eq!(lines[60], "CHANGELOG | [x] …and 3 more entries | all of them with --json");
}

#[test]
fn a_late_entry_and_a_package_are_told_apart() {
    let mut found = log("## v2\n- a\n## v1\n- b\n- c\n", Some("## v1\n- b\n"));
    found.path = "packages/cart/CHANGELOG.md".to_owned();
    assert_eq!(
        changes(&draft(vec![], vec![found])),
        [
            "CHANGELOG of packages/cart | [x] a | packages/cart/CHANGELOG.md",
            "CHANGELOG of packages/cart: added to v1 | [x] c | packages/cart/CHANGELOG.md · v1",
        ]
    );
}

#[test]
fn breaking_entries_are_declared_once_even_when_a_commit_says_the_same() {
    let with = |messages: &[&str], text: &str| draft(line_of(messages), vec![log(text, None)]);
    let alone = with(&["fix: a"], LOG);
    assert_eq!((alone.breaking.state, alone.breaking.declared.len()), (State::Declared, 1));
    assert_eq!(alone.breaking.declared[0].source, Source::Changelog);
    assert_eq!(alone.extent().breaking, 1);
    assert_eq!(
        lines(&section(&alone, "Breaking Changes")),
        [
            "- | [x] Breaking: drop the old totals | CHANGELOG.md, section v2",
            "  [ ] Migration guide prepared | -",
            "  [ ] Clients notified | -",
        ]
    );
    assert_eq!(alone.breaking.coverage(), "0 of 1 commit carries a mark; 100 % follow Conventional Commits");
    for (message, entry) in [
        ("feat!: drop the old totals", "- **Breaking:** Drop the old totals (#12)"),
        ("feat!: go", "### Breaking\n- drop everything ([0000001](u))"),
    ] {
        let both = with(&[message], &format!("## v2\n{entry}\n"));
        let found: Vec<(Source, Option<&str>)> =
            both.breaking.declared.iter().map(|item| (item.source, item.place.as_deref())).collect();
        assert_eq!(found, [(Source::Both, Some("CHANGELOG.md, section v2"))], "{message}");
    }
    let two = with(&["feat!: drop search"], LOG);
    assert_eq!(two.breaking.declared.len(), 2);
    let mut keys: Vec<String> =
        section(&two, "Breaking Changes").items.into_iter().map(|item| item.key).collect();
    keys.dedup();
    assert_eq!(keys, ["breaking.0000001", "breaking.changelog.declared-2"]);
}

#[test]
fn a_breaking_commit_that_is_taken_back_stays_visible_and_does_not_count() {
    let revert = format!("Revert \"x\"\n\nThis reverts commit {}.", id(1));
    let draft = draft(line_of(&[&revert, "feat!: drop v1"]), vec![]);
    assert_eq!((draft.breaking.state, draft.extent().breaking), (State::None, 0));
    assert_eq!(
        lines(&section(&draft, "Breaking Changes")),
        [
            "- | [x] Breaking, and taken back in this range: drop v1 | 0000001 · reverted by 0000002",
            "- | [ ] None | -",
        ]
    );
    assert_eq!(
        draft.breaking.coverage(),
        "0 of 2 commits carry a mark, 1 more was taken back in this range; 50 % follow Conventional Commits"
    );
    assert_eq!(
        changes(&draft),
        [
            "Reverts | [x] Revert \"x\" | 0000002 · reverts 0000001, which is in this range",
            "Reverted in this range | [x] feat!: drop v1 | 0000001 · reverted by 0000002",
        ]
    );
}

#[test]
fn a_revert_of_what_is_outside_says_so() {
    let revert = format!("revert: x\n\nThis reverts commit {}.", id(9));
    let found = changes(&draft(line_of(&[&revert, "Revert \"Totals (#1)\"\n\nReverts a/b#1"]), vec![]));
    assert_eq!(
        found,
        [
            "Reverts | [x] revert: x | 0000002 · reverts 0000009, which is not in this range",
            "Reverts | [x] Revert \"Totals (#1)\" | 0000001 · reverts #1, which is not in this range",
        ]
    );
}

#[test]
fn plain_merges_are_one_line_and_titles_are_told() {
    let range = vec![
        commit(9, &[8, 1], "Merge pull request #4 from a/b\n\nAdd search"),
        commit(8, &[7, 1], "Merge pull request #3 from a/c\n\nfix: totals"),
        commit(7, &[6, 1], "Merge branch 'main' into x"),
        commit(6, &[5, 1], "Merge pull request #2 from a/d"),
        commit(5, &[4], "fix: totals"),
    ];
    assert_eq!(
        changes(&draft(range, vec![])),
        [
            "Fixes | [x] fix: totals | 0000005",
            "Merges | [x] Merge: Add search (#4) | 0000009",
            "Merges | [x] Merge: 3 merges of branches and pull requests #3, #2 | 0000008, 0000007, 0000006",
        ]
    );
    let one = vec![commit(2, &[1, 0], "Merge branch 'x'"), commit(1, &[0], "")];
    assert_eq!(
        changes(&draft(one, vec![])),
        ["Other | [x] (no message) | 0000001", "Merges | [x] Merge branch 'x' | 0000002"]
    );
}

#[test]
fn of_a_long_range_each_group_shows_fifty_and_the_breaking_ones_first() {
    let mut messages: Vec<String> = (0..180).map(|at| format!("fix: {at}")).collect();
    messages.extend((0..30).map(|at| format!("feat: {at}")));
    messages.push("fix!: the last one".to_owned());
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let found = changes(&draft(line_of(&messages), vec![]));
    assert_eq!(found.len(), 30 + 51);
    assert_eq!(found[30], "Fixes | [x] fix!: the last one | 0000001");
    assert_eq!(found[80], "Fixes | [x] …and 131 more | all of them with --json");
    let short = changes(&draft(line_of(&messages[..200]), vec![]));
    assert_eq!(short.len(), 200, "a range of two hundred is shown whole");
}

#[test]
fn of_what_is_left_behind_ten_are_named_and_picks_are_told() {
    let mut draft =
        draft(line_of(&[&format!("fix: leak\n\n(cherry picked from commit {})", id(100))]), vec![]);
    draft.behind = (0..12).map(|at| commit(100 + at, &[0], &format!("fix: {at}"))).collect();
    let section = section(&draft, "Changes Included");
    let item = section.items.last().unwrap();
    assert_eq!(
        (item.key.as_str(), item.words(), item.why.clone().unwrap()),
        (
            "changes.behind",
            "Left behind: 12 live commits such as fix: 0".to_owned(),
            "deploying this takes them out of production; 1 of them has a counterpart here by the message, and \
             nobody compared the patches"
                .to_owned()
        )
    );
    let all = lines(&section);
    assert_eq!(
        all[..4],
        [
            "Fixes | [x] fix: leak | 0000001 · picked from 0000100",
            "Live, and not in this candidate | [ ] Left behind: 12 live commits such as fix: 0 | -",
            "  [x] Picked: fix: 0 | 0000100 · picked as 0000001",
            "  [x] Only in production: fix: 1 | 0000101",
        ]
    );
    assert_eq!(all.len(), 13);
    assert_eq!(all[12], "  [x] …and 2 more | all of them with --json");
    let keys: std::collections::BTreeSet<&String> = item.children.iter().map(|child| &child.key).collect();
    assert_eq!(keys.len(), 11);
}

#[test]
fn authors_are_named_and_their_addresses_are_not() {
    let mut range = line_of(&["fix: a\n\nCo-authored-by: Eve <eve@secret.example>"; 13]);
    for (at, change) in range.iter_mut().enumerate() {
        (change.author, change.email) = (format!("A{at}"), format!("{at}@secret.example"));
    }
    let draft = draft(range, vec![]);
    let section = section(&draft, "Changes Included");
    assert_eq!(
        section.notes[0],
        "13 commits by 13 authors, 3 files changed, since v1, the last good version"
    );
    assert_eq!(
        section.notes[1],
        "Authors: A0, A1, A2, A3, A4, A5, A6, A7, A8, A9 and 3 more; co-authors: Eve"
    );
    let shown = serde_json::to_string(&draft).unwrap();
    assert!(!shown.contains("secret"), "{shown}");
}
