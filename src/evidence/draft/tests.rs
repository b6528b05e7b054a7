use chrono::{DateTime, Utc};

use super::{Draft, LockFact, Rules, Scanner, Since, TestFact, open_boxes};
use crate::evidence::breaking::summarise;
use crate::evidence::checklist::{Item, Section};
use crate::evidence::commits::{Breaking, Change, Mailmap};
use crate::evidence::junit::{Report, Verdict};
use crate::evidence::lockfiles::{Compared, Comparison, Dependency, DependencyChange, Promotion};
use crate::evidence::migrations::{ChangeKind, Migration, Reversible};
use crate::gate::fixture::{checked, commit, config, production, release};
use crate::gate::policy::Monitoring;
use crate::gate::request::CheckState;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn draft() -> Draft {
    Draft {
        release: release(2),
        since: Since::Live(release(1)),
        at: at("2026-11-23T10:00:00Z"),
        changes: vec![],
        behind: vec![],
        changelogs: vec![],
        mailmap: Mailmap::default(),
        tests: vec![],
        files: 3,
        migrations: vec![],
        signed: vec![],
        lockfiles: vec![],
        breaking: summarise(&[], &[]),
        scanners: vec![],
        notes: vec![],
        absent: vec![],
        loose_sql: vec![],
        submodules: vec![],
        foreign_locks: vec![],
    }
}

fn rules() -> Rules {
    let policy = checked(&config(&[])).unwrap();
    Rules::of(&production(), &policy.environments[&production()])
}

fn section(draft: &Draft, rules: &Rules, title: &str) -> Section {
    let sections = draft.checklist("orchestrator", rules).sections;
    sections.into_iter().find(|section| section.title == title).unwrap()
}

/// `[x] words | evidence` or `[ ] words | why`, children indented.
fn lines(items: &[Item]) -> Vec<String> {
    let line = |item: &Item| {
        let (mark, more) = if item.ticked { ("x", &item.evidence) } else { (" ", &item.why) };
        format!("[{mark}] {} | {}", item.words(), more.as_deref().unwrap_or("-"))
    };
    let with_children = |item: &Item| {
        let mut all = vec![line(item)];
        all.extend(item.children.iter().map(|child| format!("  {}", line(child))));
        all
    };
    items.iter().flat_map(with_children).collect()
}

fn change(digit: char, kind: Option<&'static str>, subject: &str, breaking: Breaking) -> Change {
    Change {
        commit: commit(digit),
        kind,
        scope: None,
        subject: subject.to_owned(),
        breaking,
        merge: false,
        reverts: None,
        author: "Alice".to_owned(),
        email: format!("{digit}@shop.example"),
        declaration: None,
        title: None,
        pull: None,
        update: false,
        picked: None,
        co_authors: Box::default(),
        reverts_here: Box::default(),
        reverted_by: None,
        undoes: Box::default(),
        parents: Box::default(),
    }
}

fn report(verdict: Verdict, passed: u64, failed: u64) -> Report {
    Report { verdict, passed, failed, errors: 0, skipped: 1, flaky: 0, latest: None, notes: vec![] }
}

fn test(verdict: Verdict, passed: u64, failed: u64) -> TestFact {
    let mut fact = TestFact::read(
        "unit".parse().unwrap(),
        "Unit tests".to_owned(),
        vec!["r/*.xml".to_owned()],
        vec!["r/a.xml".to_owned()],
        &report(verdict, passed, failed),
    );
    fact.reported_at = Some(at("2026-11-23T09:46:00Z"));
    fact
}

#[test]
fn a_change_that_was_taken_back_is_no_feature_and_taking_it_back_is_a_fix() {
    let feature = Change {
        reverted_by: Some(Box::new(commit('8'))),
        ..change('7', Some("feat"), "totals", Breaking::None)
    };
    let revert = Change {
        reverts_here: [commit('7')].into(),
        ..change('8', None, "Revert \"feat: totals\"", Breaking::None)
    };
    let counted = |changes: Vec<Change>| {
        let extent = Draft { changes, ..draft() }.extent();
        (extent.features, extent.fixes)
    };
    assert_eq!(counted(vec![feature.clone(), revert.clone()]), (0, 1));
    assert_eq!(counted(vec![change('7', Some("feat"), "totals", Breaking::None)]), (1, 0));
    // Of what came before the range, too; and once it is taken back itself the feature stands again.
    let before = Change { reverts: Some("7".repeat(40).into()), reverts_here: [].into(), ..revert.clone() };
    assert_eq!(counted(vec![before]), (0, 1));
    let again = Change { reverted_by: Some(Box::new(commit('9'))), ..revert };
    assert_eq!(counted(vec![Change { reverted_by: None, ..feature }, again]), (1, 0));
}

#[test]
fn a_page_has_the_seven_sections_and_says_who_prepared_it() {
    let page = draft().checklist("orchestrator", &rules());
    assert_eq!(
        (page.version.as_str(), page.date.as_str(), page.prepared_by.as_str()),
        ("v2", "2026-11-23", "orchestrator")
    );
    let titles: Vec<&str> = page.sections.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Changes Included",
            "Tests Passed",
            "Database Changes",
            "Dependencies",
            "Breaking Changes",
            "Rollback Plan",
            "Monitoring"
        ]
    );
}

#[test]
fn a_draft_of_which_nothing_is_known_ticks_only_what_was_compared() {
    let nothing = Draft { since: Since::Beginning, ..draft() };
    let page = nothing.checklist("x", &Rules::default());
    let all: Vec<String> = page.sections.iter().flat_map(|section| lines(&section.items)).collect();
    assert_eq!(
        all,
        [
            "[x] No migrations | 3 changed paths compared",
            "[ ] No new dependencies | no lockfile was found, so nothing is known",
            "[ ] None | there are no commits to read",
            "[ ] Rollback command | the policy says no way back",
            "[x] Database rollback: not needed: no migrations | -",
            "[ ] Estimated rollback time | the policy says none",
            "[ ] Alerts configured | the policy names none",
            "[ ] Dashboards updated | no fact can know it",
            "[ ] On-call notified | no fact can know it",
        ]
    );
}

#[test]
fn changes_stand_under_their_heading_with_their_commit() {
    let mut draft = draft();
    draft.changes = vec![
        change('2', Some("fix"), "totals", Breaking::None),
        change('3', Some("feat"), "cart", Breaking::Declared),
        change('4', None, "odds and ends", Breaking::None),
    ];
    let section = section(&draft, &rules(), "Changes Included");
    assert_eq!(
        section.notes,
        ["3 commits by 1 author, 3 files changed, since v1, the last good version", "Authors: Alice"]
    );
    let groups: Vec<&str> = section.items.iter().filter_map(|item| item.group.as_deref()).collect();
    assert_eq!(groups, ["Features", "Fixes", "Other"]);
    assert_eq!(
        lines(&section.items),
        ["[x] feat!: cart | 3333333", "[x] fix: totals | 2222222", "[x] odds and ends | 4444444"]
    );
}

#[test]
fn what_is_live_and_left_behind_stays_open() {
    let mut draft = draft();
    draft.behind = vec![change('7', Some("fix"), "leak", Breaking::None)];
    let section = section(&draft, &rules(), "Changes Included");
    assert_eq!(section.notes[1], "1 commit that is live is not in this candidate");
    assert_eq!(
        lines(&section.items),
        [
            "[ ] Left behind: 1 live commit such as fix: leak | deploying this takes them out of production",
            "  [x] Only in production: fix: leak | 7777777"
        ]
    );
    draft.behind.push(change('8', None, "more", Breaking::None));
    assert_eq!(
        super::Draft::checklist(&draft, "x", &rules()).sections[0].notes[1],
        "2 commits that are live are not in this candidate"
    );
}

#[test]
fn only_a_pass_ticks_a_test() {
    let with = |fact: TestFact| {
        let draft = Draft { tests: vec![fact], ..draft() };
        lines(&section(&draft, &rules(), "Tests Passed").items).remove(0)
    };
    assert_eq!(
        with(test(Verdict::Pass, 811, 0)),
        "[x] Unit tests: 811/811 passed, 1 skipped | r/*.xml · 14 min ago · 2222222"
    );
    assert_eq!(
        with(test(Verdict::Fail, 810, 1)),
        "[ ] Unit tests: 810/811 passed, 1 skipped | the tests failed"
    );
    assert!(with(test(Verdict::Empty, 0, 0)).ends_with("| the reports hold no test that ran"));
    assert!(with(test(Verdict::Unreadable, 5, 0)).ends_with("| a report cannot be read"));
    assert!(with(test(Verdict::Ambiguous, 5, 0)).ends_with("| the reports say two things"));
    let stale =
        TestFact { state: CheckState::Stale, why: Some("old".to_owned()), ..test(Verdict::Pass, 5, 0) };
    assert!(with(stale).starts_with("[ ] Unit tests"));
    let title = "Unit tests".to_owned();
    let globs = vec!["r/*.xml".to_owned()];
    let none =
        TestFact::read("unit".parse().unwrap(), title.clone(), globs, vec![], &report(Verdict::Pass, 9, 0));
    assert_eq!(none.state, CheckState::Missing, "a pass of no files is none");
    assert_eq!(with(none), "[ ] Unit tests: no evidence | no report matches 'r/*.xml'");
    let word = TestFact::without("qa".parse().unwrap(), title, CheckState::NotNeeded, "x".to_owned());
    let draft = Draft { tests: vec![word], ..draft() };
    assert_eq!(lines(&section(&draft, &rules(), "Tests Passed").items), Vec::<String>::new());
}

fn migration(path: &str, reversible: Reversible) -> Migration {
    Migration {
        path: path.to_owned(),
        change: ChangeKind::Added,
        from: None,
        tool: "sqlx".to_owned(),
        reversible,
        why: "it says how".to_owned(),
    }
}

#[test]
fn a_migration_asks_for_a_tried_way_back_and_a_backup() {
    let mut draft = draft();
    draft.migrations = vec![migration("db/1.up.sql", Reversible::Yes)];
    assert_eq!(
        lines(&section(&draft, &rules(), "Database Changes").items),
        [
            "[x] Migration: 1.up.sql | db, added, sqlx, reversible",
            "  [ ] Tested rollback | it says how; no try is recorded",
            "  [ ] Backup verified | no fact can know it"
        ]
    );
    assert!(draft.reversible());
    let back = |draft: &Draft, rules: &Rules| lines(&section(draft, rules, "Rollback Plan").items).remove(1);
    assert_eq!(back(&draft, &rules()), "[x] Database rollback: 1.up.sql | the database can go back: ./down");
    let mut poor = rules();
    poor.way_back.as_mut().unwrap().1.migrations.clear();
    assert_eq!(
        back(&draft, &poor),
        "[ ] Database rollback: 1.up.sql | the database could go back, but the policy says no 'rollback.migrations'"
    );
    for (other, what) in [
        (Reversible::No, "the database cannot go back"),
        (Reversible::Unknown, "it is not known whether the database can go back"),
    ] {
        draft.migrations.truncate(1);
        draft.migrations.push(migration("db/2.sql", other));
        assert!(!draft.reversible());
        assert_eq!(
            back(&draft, &rules()),
            format!("[ ] Database rollback: 1.up.sql, 2.sql | {what}: 2.sql (it says how)")
        );
        assert_eq!((draft.extent().migrations, draft.extent().irreversible), (2, 1));
    }
}

#[test]
fn what_stops_a_way_back_is_named_and_the_rest_is_counted() {
    let mut draft = draft();
    draft.migrations = (1..=7).map(|at| migration(&format!("db/{at}.sql"), Reversible::No)).collect();
    let items = section(&draft, &rules(), "Rollback Plan").items;
    assert_eq!(
        lines(&items)[1],
        "[ ] Database rollback: 1.sql, 2.sql, 3.sql, 4.sql, 5.sql and 2 more | the database cannot go back: \
         1.sql (it says how), 2.sql (it says how) and 5 more"
    );
}

#[test]
fn copies_for_several_databases_are_one_line_that_the_worst_speaks_for() {
    let mut draft = draft();
    let path = |database: &str| format!("migrations/{database}/2018-01-14-171611_create_tables/up.sql");
    draft.migrations = ["mysql", "postgresql", "sqlite"]
        .map(|database| migration(&path(database), Reversible::Yes))
        .into_iter()
        .chain([migration("hc/api/migrations/0041_a.py", Reversible::Yes)])
        .chain([migration("hc/accounts/migrations/0041_a.py", Reversible::Yes)])
        .collect();
    draft.migrations[2].reversible = Reversible::No;
    draft.migrations[2].why = "`down.sql` is empty".to_owned();
    let items = section(&draft, &rules(), "Database Changes").items;
    assert_eq!(
        lines(&items),
        [
            "[x] Migration: 2018-01-14-171611_create_tables | migrations/{mysql,postgresql,sqlite} ×3, added, sqlx, not reversible",
            "  [ ] Tested rollback | sqlite: 'down.sql' is empty",
            "  [ ] Backup verified | no fact can know it",
            "[x] Migration: hc/api/migrations/0041_a.py | added, sqlx, reversible",
            "  [ ] Tested rollback | it says how; no try is recorded",
            "  [ ] Backup verified | no fact can know it",
            "[x] Migration: hc/accounts/migrations/0041_a.py | added, sqlx, reversible",
            "  [ ] Tested rollback | it says how; no try is recorded",
            "  [ ] Backup verified | no fact can know it",
        ]
    );
    assert_eq!(draft.extent().migrations, 5, "the JSON and the counts keep every copy");
    draft.migrations[1].change = ChangeKind::Modified;
    let items = section(&draft, &rules(), "Database Changes").items;
    let names: Vec<&str> = items.iter().take(2).map(|item| item.text.as_str()).collect();
    assert_eq!(
        names,
        [
            "migrations/{mysql,sqlite}/2018-01-14-171611_create_tables/up.sql",
            "migrations/postgresql/2018-01-14-171611_create_tables/up.sql"
        ],
        "an edited copy stands alone"
    );
}

fn dependency(name: &str, change: DependencyChange, direct: Option<bool>) -> Dependency {
    Dependency {
        name: name.to_owned(),
        change,
        from: (change != DependencyChange::Added).then(|| "1.0".to_owned()),
        to: (change != DependencyChange::Removed).then(|| "2.0".to_owned()),
        direct,
        lockfile: "Cargo.lock".to_owned(),
        dev: false,
        alias_of: None,
    }
}

fn lock(found: Vec<Dependency>) -> LockFact {
    LockFact::of("Cargo.lock", Compared::plain(Comparison::Read(found)))
}

/// The section for these lockfiles: lines and notes.
fn of_locks(lockfiles: Vec<LockFact>) -> (Vec<String>, Vec<String>) {
    let draft = Draft { lockfiles, ..draft() };
    let section = section(&draft, &rules(), "Dependencies");
    (lines(&section.items), section.notes)
}

const NO_SECURITY: &str = "  [ ] Security scanned | no scanner is configured ('scans: security' on a check)";
const NO_LICENSE: &str = "  [ ] License verified | no scanner is configured ('scans: license' on a check)";

#[test]
fn dependencies_are_ticked_only_where_every_lockfile_was_read() {
    let with = |comparisons: Vec<Comparison>| {
        let locks = comparisons.into_iter().enumerate();
        of_locks(
            locks
                .map(|(index, found)| LockFact::of(&format!("{index}.lock"), Compared::plain(found)))
                .collect(),
        )
    };
    let (items, _) = with(vec![Comparison::Unchanged]);
    assert_eq!(items, ["[x] No new dependencies | 0.lock"]);
    let (items, _) = with(vec![Comparison::Unchanged, Comparison::Unreadable { why: "torn".to_owned() }]);
    assert_eq!(items, ["[ ] Dependencies not read: 1.lock | torn"]);
    let (items, notes) = with(vec![Comparison::Read(vec![
        dependency("serde", DependencyChange::Added, Some(true)),
        dependency("itoa", DependencyChange::Added, Some(false)),
        dependency("what", DependencyChange::Added, None),
        dependency("old", DependencyChange::Removed, Some(true)),
        dependency("evil", DependencyChange::Source, Some(true)),
    ])]);
    assert_eq!(
        items,
        [
            "[x] New dependency: serde 2.0 | 0.lock",
            NO_SECURITY,
            NO_LICENSE,
            "[x] New dependency: what 2.0 | 0.lock, direct or not is unknown",
            NO_SECURITY,
            NO_LICENSE,
            "[ ] Same version, other source: evil: 1.0 became 2.0 | the same version has another checksum, or comes from another place",
        ]
    );
    assert_eq!(notes, ["0.lock: 1 transitive added, 1 removed"]);
}

#[test]
fn a_new_lockfile_is_one_question() {
    let found = vec![
        dependency("serde", DependencyChange::Added, Some(true)),
        dependency("rand", DependencyChange::Added, Some(true)),
        dependency("itoa", DependencyChange::Added, Some(false)),
    ];
    let (items, notes) = of_locks(vec![LockFact { new: true, ..lock(found) }]);
    assert_eq!(
        items,
        [
            "[x] New dependencies: 2 direct ones of a new lockfile: serde, rand | Cargo.lock",
            NO_SECURITY,
            NO_LICENSE
        ]
    );
    assert_eq!(notes, ["Cargo.lock: 1 transitive added"]);
}

#[test]
fn transitive_additions_alone_are_never_nothing() {
    let names = ["a", "b", "c", "d"];
    let found: Vec<Dependency> =
        names.iter().map(|name| dependency(name, DependencyChange::Added, Some(false))).collect();
    let (items, notes) = of_locks(vec![lock(found[..2].to_vec())]);
    assert_eq!(
        items,
        ["[x] New dependencies: 2 transitive: a 2.0, b 2.0 | Cargo.lock", NO_SECURITY, NO_LICENSE]
    );
    assert_eq!(notes, Vec::<String>::new());
    let (items, _) = of_locks(vec![lock(found)]);
    assert_eq!(items[0], "[x] New dependencies: 4 transitive, such as a 2.0, b 2.0, c 2.0 | Cargo.lock");
}

#[test]
fn more_than_twenty_direct_additions_are_one_item_that_names_and_counts_them() {
    let many = |number: usize, change| -> Vec<Dependency> {
        (0..number).map(|n| dependency(&format!("d{n:02}"), change, Some(true))).collect()
    };
    let (items, _) = of_locks(vec![lock(many(20, DependencyChange::Added))]);
    assert_eq!((items.len(), items[57].as_str()), (60, "[x] New dependency: d19 2.0 | Cargo.lock"));
    let (items, _) = of_locks(vec![lock(many(23, DependencyChange::Added))]);
    assert_eq!(items.len(), 3);
    assert!(items[0].starts_with("[x] New dependencies: 23 direct: d00 2.0, d01 2.0, "), "{}", items[0]);
    assert!(items[0].ends_with(", d19 2.0 and 3 more | Cargo.lock"), "{}", items[0]);
    let (items, _) = of_locks(vec![lock(many(21, DependencyChange::Source))]);
    assert_eq!(items.len(), 1);
    assert!(
        items[0].starts_with("[ ] Same version, other source: 21 of Cargo.lock: d00, d01, "),
        "{}",
        items[0]
    );
}

#[test]
fn a_checksum_that_is_gone_is_an_open_box_and_many_are_one() {
    let gone = |number: usize| -> Vec<Dependency> {
        let one = |n| Dependency {
            from: Some("1.0 (sha256 aa)".to_owned()),
            to: Some("1.0 (no checksum)".to_owned()),
            ..dependency(&format!("d{n:02}"), DependencyChange::Source, Some(true))
        };
        (0..number).map(one).collect()
    };
    let why = "the lockfile no longer says by which checksum to know the same version";
    let text = "d00: 1.0 (sha256 aa) became 1.0 (no checksum)";
    let (items, _) = of_locks(vec![lock(gone(1))]);
    assert_eq!(items, [format!("[ ] Same version, no checksum: {text} | {why}")]);
    let (items, _) = of_locks(vec![lock(gone(21))]);
    assert_eq!(items.len(), 1);
    assert!(items[0].starts_with("[ ] Same version, no checksum: 21 of Cargo.lock: d00, "), "{}", items[0]);
}

#[test]
fn what_became_direct_drifted_or_is_not_pinned_is_told() {
    let mut fact = lock(vec![]);
    fact.compared.promoted =
        vec![Promotion { name: "itoa".to_owned(), version: "1.0".to_owned(), dev: true }];
    assert_eq!(
        of_locks(vec![fact]).0,
        ["[x] New dependency: itoa 1.0 | Cargo.lock, dev, was transitive before", NO_SECURITY, NO_LICENSE]
    );
    let mut fact = LockFact::of("yarn.lock", Compared::plain(Comparison::Unchanged));
    fact.compared.drift = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    assert_eq!(of_locks(vec![fact]).0, ["[ ] Lockfile not up to date: yarn.lock | a; b; c; and 1 more"]);
    let mut fact = lock(vec![]);
    fact.compared.unpinned = vec!["flask".to_owned()];
    fact.switched_from = Some("Old.lock".to_owned());
    let (items, notes) = of_locks(vec![fact]);
    assert_eq!(items, ["[x] No new dependencies | Cargo.lock"]);
    assert_eq!(notes, ["Cargo.lock took over from Old.lock", "Cargo.lock: 1 not pinned: flask"]);
}

/// A draft with one new dependency, the checks of a policy, and what is known of them.
fn scanning(checks: &str, tests: Vec<TestFact>) -> Vec<String> {
    let policy = checked(&config(&[("checks:\n", &format!("checks:\n{checks}"))])).unwrap();
    let draft = Draft {
        lockfiles: vec![lock(vec![dependency("serde", DependencyChange::Added, Some(true))])],
        scanners: policy.checks.iter().filter_map(|(check, rule)| Scanner::of(check, rule)).collect(),
        tests,
        ..draft()
    };
    lines(&section(&draft, &rules(), "Dependencies").items).split_off(1)
}

#[test]
fn a_scanner_that_passed_ticks_its_box_and_no_other() {
    let audit = "  audit: { title: cargo deny, run: [cargo, deny, check], scans: security }\n";
    let fact = |state, why: Option<&str>| TestFact {
        check: "audit".parse().unwrap(),
        state,
        why: why.map(str::to_owned),
        ..test(Verdict::Pass, 1, 0)
    };
    assert_eq!(
        scanning(audit, vec![fact(CheckState::Passed, None)]),
        ["  [x] Security scanned | cargo deny · cargo deny check · 14 min ago · 2222222", NO_LICENSE]
    );
    for (state, why, expected) in [
        (CheckState::Failed, Some("1 advisory"), "'cargo deny' failed: 1 advisory"),
        (CheckState::Stale, Some("old"), "'cargo deny' is stale: old"),
        (CheckState::Unreadable, None, "'cargo deny' cannot be read"),
        (CheckState::NotNeeded, None, "'cargo deny' was not needed"),
        (
            CheckState::Missing,
            Some("nobody"),
            "'cargo deny' has not run for this commit: run 'deployctl check audit'",
        ),
    ] {
        assert_eq!(
            scanning(audit, vec![fact(state, why)]),
            [format!("  [ ] Security scanned | {expected}"), NO_LICENSE.to_owned()]
        );
    }
    assert_eq!(
        scanning(audit, vec![])[0],
        "  [ ] Security scanned | 'cargo deny' has not run for this commit: run 'deployctl check audit'"
    );
    let junit = audit.replace("run: [cargo, deny, check]", "junit: [a.xml]");
    assert_eq!(
        scanning(&junit, vec![fact(CheckState::Missing, Some("no report"))])[0],
        "  [ ] Security scanned | 'cargo deny' has no evidence for this commit: no report"
    );
    let both = audit.replace("scans: security", "scans: [security, license]");
    let ticked = scanning(&both, vec![fact(CheckState::Passed, None)]);
    assert_eq!(ticked[1], "  [x] License verified | cargo deny · cargo deny check · 14 min ago · 2222222");
}

#[test]
fn a_scanner_speaks_for_the_lockfiles_it_names_and_each_must_pass() {
    let passed = |name: &str| TestFact { check: name.parse().unwrap(), ..test(Verdict::Pass, 1, 0) };
    let failed = |name: &str| TestFact { state: CheckState::Failed, ..passed(name) };
    let web = "  a: { run: [x], scans: security, lockfiles: [\"web/*\"] }\n";
    assert_eq!(
        scanning(web, vec![passed("a")])[0],
        "  [ ] Security scanned | no scanner covers 'Cargo.lock' ('lockfiles' of the checks with 'scans: security')"
    );
    let two =
        "  a: { run: [x], scans: security, lockfiles: [\"*.lock\"] }\n  b: { run: [y], scans: security }\n";
    assert!(
        scanning(two, vec![passed("a"), passed("b")])[0].starts_with("  [x] Security scanned | a · x · ")
    );
    assert_eq!(scanning(two, vec![passed("a"), failed("b")])[0], "  [ ] Security scanned | 'b' failed");
}

#[test]
fn silence_about_breaking_changes_is_never_none() {
    let with = |changes: Vec<Change>| {
        let draft = Draft { breaking: summarise(&changes, &[]), changes, ..draft() };
        lines(&section(&draft, &rules(), "Breaking Changes").items)
    };
    let quiet = with(vec![change('2', Some("fix"), "totals", Breaking::None)]);
    assert_eq!(quiet.len(), 1);
    assert!(quiet[0].starts_with("[ ] None | 0 of 1 commit"), "{quiet:?}");
    assert_eq!(
        with(vec![
            change('2', Some("feat"), "cart", Breaking::Declared),
            change('3', None, "drop api", Breaking::Possible)
        ]),
        [
            "[x] Breaking: cart | 2222222",
            "  [ ] Migration guide prepared | no fact can know it",
            "  [ ] Clients notified | no fact can know it",
            "[ ] Possibly breaking: drop api | it reads like one, and does not say so",
        ]
    );
}

#[test]
fn a_way_back_needs_a_rule_and_a_release_that_somebody_named() {
    let first = |since: Since| {
        let draft = Draft { since, ..draft() };
        lines(&section(&draft, &rules(), "Rollback Plan").items).remove(0)
    };
    assert_eq!(
        first(Since::Live(release(1))),
        format!(
            "[x] Rollback command: deployctl rollback production --reason TEXT | back to v1 ({}) · runs ./back",
            release(1).commit.short()
        )
    );
    assert!(first(Since::Named(release(1))).starts_with("[x] "));
    for guess in [Since::Tag(release(1)), Since::Commit(commit('1')), Since::Beginning] {
        assert_eq!(first(guess), "[ ] Rollback command | there is no recorded release to go back to");
    }
    let mut estimated = rules();
    estimated.way_back.as_mut().unwrap().1.estimate = Some(std::time::Duration::from_secs(61));
    assert_eq!(
        lines(&section(&draft(), &estimated, "Rollback Plan").items)[2],
        "[x] Estimated rollback time: 2 min | -"
    );
}

#[test]
fn of_monitoring_only_the_alerts_of_the_policy_are_known() {
    let monitoring = Monitoring {
        alerts: vec!["errors".to_owned(), "latency".to_owned()],
        dashboards: vec!["overview".to_owned()],
        on_call: Some("Alice".to_owned()),
        watch: std::time::Duration::from_secs(900),
    };
    let rules = Rules { way_back: None, monitoring: Some(monitoring) };
    assert_eq!(
        lines(&section(&draft(), &rules, "Monitoring").items),
        [
            "[x] Alerts configured: errors, latency | -",
            "[ ] Dashboards updated: overview | no fact can know it",
            "[ ] On-call notified: Alice | no fact can know it",
        ]
    );
}

#[test]
fn open_boxes_are_pinned_with_their_keys_and_all_keys_differ() {
    let mut draft = draft();
    draft.tests = vec![test(Verdict::Fail, 1, 1)];
    draft.migrations = vec![migration("db/1.sql", Reversible::No)];
    draft.lockfiles = vec![lock(vec![dependency("serde", DependencyChange::Added, Some(true))])];
    let open = open_boxes(&draft.checklist("x", &rules()));
    let keys: Vec<&str> = open.iter().map(|open| open.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "tests.unit",
            "migration.db/1.sql.rollback",
            "migration.db/1.sql.backup",
            "dependency.Cargo.lock.serde.security",
            "dependency.Cargo.lock.serde.license",
            "breaking.none",
            "rollback.database",
            "rollback.estimate",
            "monitoring.alerts",
            "monitoring.dashboards",
            "monitoring.on-call",
        ]
    );
    assert_eq!(open[5].item, "No breaking changes");
}

#[test]
fn a_way_back_that_the_candidate_does_not_hold_is_open() {
    let draft = Draft { absent: vec!["./ops/release.sh".to_owned()], ..draft() };
    assert_eq!(
        lines(&section(&draft, &rules(), "Rollback Plan").items)[0],
        "[ ] Rollback command | the candidate does not hold './ops/release.sh', which it would run"
    );
}

#[test]
fn changed_sql_that_no_tool_claims_is_never_no_migrations() {
    let draft = Draft { loose_sql: vec!["db/upgrade_12.sql".to_owned()], ..draft() };
    assert_eq!(
        lines(&section(&draft, &rules(), "Database Changes").items),
        [
            "[ ] No migrations: db/upgrade_12.sql | SQL changed that fits no migration tool's layout; 'migrations.paths' in \
          the policy can say what counts"
        ]
    );
    assert_eq!(
        lines(&section(&draft, &rules(), "Rollback Plan").items)[1],
        "[ ] Database rollback | it is not known what the changed SQL does"
    );
}

#[test]
fn changed_sql_beside_a_migration_is_told_and_no_way_back_covers_it() {
    let mut draft = Draft { loose_sql: vec!["db/upgrade_12.sql".to_owned()], ..draft() };
    draft.migrations.push(migration("db/1.up.sql", Reversible::Yes));
    let database = lines(&section(&draft, &rules(), "Database Changes").items);
    assert_eq!(
        database.last().unwrap(),
        "[ ] No other migrations: db/upgrade_12.sql | SQL changed that fits no migration tool's layout; \
         'migrations.paths' in the policy can say what counts"
    );
    assert_eq!(
        lines(&section(&draft, &rules(), "Rollback Plan").items)[1],
        "[ ] Database rollback: 1.up.sql | it is not known what the changed SQL does"
    );
}

#[test]
fn a_submodule_that_moved_leaves_both_questions_open() {
    let draft = Draft { submodules: vec!["vendored".to_owned()], ..draft() };
    let open = |title| {
        lines(&section(&draft, &rules(), title).items).into_iter().find(|line| line.contains("vendored"))
    };
    assert_eq!(
        open("Database Changes").unwrap(),
        "[ ] Submodules moved: vendored | what they bring is not looked into: migrations may be among it"
    );
    assert_eq!(
        open("Dependencies").unwrap(),
        "[ ] Submodules moved: vendored | what they bring is not looked into: dependencies may be among it"
    );
    let ticks = lines(&section(&draft, &rules(), "Database Changes").items);
    assert!(!ticks.iter().any(|line| line.contains("No migrations")), "{ticks:?}");
}
