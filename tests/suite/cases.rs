//! Real reports, lockfiles and commits with answers that other readers found. They are other people's files, so they
//! are not kept here: `DEPLOYCTL_CASES` names the directory that holds them.

#![expect(clippy::disallowed_methods, reason = "the place of the cases is a setting of the test run")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use deployctl::evidence::commits::{self, Breaking, RawCommit};
use deployctl::evidence::junit::{self, Verdict};
use deployctl::evidence::lockfiles::{self, Commit, Comparison, Dependency, DependencyChange};
use serde_json::Value;

/// The directory of one kind of case; a note where there is none.
fn cases(kind: &str) -> Option<PathBuf> {
    let found = std::env::var_os("DEPLOYCTL_CASES").map(|cases| PathBuf::from(cases).join(kind));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        let note = format!("skipped: `DEPLOYCTL_CASES` names no directory with `{kind}`: missing\n");
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
    found
}

/// The rows of a table, each by the names of its first line.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().unwrap();
    lines.map(|row| head.iter().cloned().zip(row).collect()).collect()
}

#[test]
fn each_report_has_its_verdict_and_its_counts() {
    let Some(table_of) = cases("junit.tsv") else { return };
    let mut wrong = Vec::new();
    for row in table(&table_of) {
        let file = fs::read(table_of.with_file_name("junit").join(&row["file"])).unwrap();
        let report = junit::read(file.as_slice());
        let counted = [report.passed, report.failed, report.errors, report.skipped, report.flaky];
        let expected = ["passed", "failed", "errors", "skipped", "flaky"]
            .map(|name| row[name].parse::<u64>().unwrap_or_default());
        let readable = report.verdict != Verdict::Unreadable;
        if report.verdict.word() != row["expect"] || (readable && counted != expected) {
            wrong.push(format!(
                "{}: {} {counted:?}, not {} {expected:?}: {:?}",
                row["file"],
                report.verdict.word(),
                row["expect"],
                report.notes
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `added NAME VERSIONS DIRECT` and the like: everything that the truth says, and nothing else.
fn told(truth: &Value) -> BTreeSet<String> {
    let versions = |value: &Value| {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let rows = |kind: &str, row: &dyn Fn(&Value) -> String| -> Vec<String> {
        let entries = truth[kind].as_array().unwrap().iter();
        entries.map(|entry| format!("{kind} {} {}", entry["name"].as_str().unwrap(), row(entry))).collect()
    };
    let added = rows("added", &|entry| format!("{} {}", versions(&entry["versions"]), entry["direct"]));
    let removed = rows("removed", &|entry| versions(&entry["versions"]));
    let changed =
        rows("changed", &|entry| format!("{} to {}", versions(&entry["from"]), versions(&entry["to"])));
    added.into_iter().chain(removed).chain(changed).collect()
}

fn found(dependency: &Dependency) -> String {
    let name = &dependency.name;
    let (from, to) = (dependency.from.as_deref().unwrap_or("-"), dependency.to.as_deref().unwrap_or("-"));
    match dependency.change {
        DependencyChange::Added => format!("added {name} {to} {}", dependency.direct.unwrap()),
        DependencyChange::Removed => format!("removed {name} {from}"),
        DependencyChange::Changed => format!("changed {name} {from} to {to}"),
        DependencyChange::Source => format!("source {name} {from} to {to}"),
    }
}

/// The files of one side, beside the lockfile.
fn files(directory: &Path, side: &str, lockfile: &str) -> BTreeMap<String, Vec<u8>> {
    let place = lockfile.rfind('/').map_or("", |at| &lockfile[..=at]);
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let named = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        let name = name.strip_prefix(side)?.strip_prefix('.')?.to_owned();
        Some((format!("{place}{name}"), fs::read(entry.path()).unwrap()))
    });
    named.collect()
}

#[test]
fn each_pair_of_lockfiles_gives_exactly_its_truth() {
    let Some(locks) = cases("locks") else { return };
    let mut directories: Vec<PathBuf> =
        fs::read_dir(locks).unwrap().map(|entry| entry.unwrap().path()).collect();
    directories.sort();
    assert!(!directories.is_empty());
    for directory in directories {
        let truth: Value = serde_json::from_slice(&fs::read(directory.join("truth.json")).unwrap()).unwrap();
        let [before, after] = ["before", "after"].map(|side| truth[side]["path"].as_str().unwrap());
        let (old, new) = (files(&directory, "before", before), files(&directory, "after", after));
        let [old_paths, new_paths] = [&old, &new].map(|files| files.keys().cloned().collect::<BTreeSet<_>>());
        let (read_old, read_new) = (|path: &str| old.get(path).cloned(), |path: &str| new.get(path).cloned());
        let compared = lockfiles::compare(
            Some((before, Commit { paths: &old_paths, read: &read_old })),
            (after, Commit { paths: &new_paths, read: &read_new }),
        );
        let Comparison::Read(moved) = compared.comparison else { panic!("{directory:?}: {compared:?}") };
        let rows: BTreeSet<String> = moved.iter().map(found).collect();
        assert_eq!(rows.len(), moved.len(), "{directory:?}: nothing is told twice");
        assert_eq!(rows, told(&truth), "{directory:?}");
        assert_eq!((compared.drift, compared.unpinned), (vec![], vec![]), "{directory:?}");
    }
}

/// What the kind of a message says about its mark; of other kinds nothing is known.
fn expected_mark(kind: &str) -> Option<Breaking> {
    Some(match kind {
        "bang-scope" | "bang-noscope" | "breaking-footer" => Breaking::Declared,
        "breaking-no-colon" | "breaking-in-subject" => Breaking::Possible,
        "breaking-negated" | "breaking-quoted-in-body" | "breaking-markdown" => Breaking::None,
        _ => return None,
    })
}

#[test]
fn each_message_of_a_known_kind_has_its_mark() {
    let Some(hostile) = cases("hostile") else { return };
    let mut seen = 0;
    for line in fs::read_to_string(hostile.join("commits.jsonl")).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        let bytes = |key: &str| BASE64.decode(text(key)).unwrap();
        let id = text("sha").parse().unwrap();
        let parents = vec![
            text("sha").parse().unwrap();
            case["parents"].to_string().trim_matches('"').parse().unwrap()
        ];
        let encoding = Some(text("encoding")).filter(|name| !name.is_empty());
        let author_name = bytes("author_b64");
        let raw = RawCommit {
            id,
            parents,
            author_name,
            author_email: vec![],
            encoding,
            message: bytes("message_b64"),
        };
        let change = commits::read(&raw);
        if let Some(expected) = expected_mark(&text("category")) {
            assert_eq!(change.breaking, expected, "{} {}: {change:?}", text("repo"), text("sha"));
            seen += 1;
        }
        if text("category").starts_with("revert") {
            assert_eq!(commits::Heading::of(&change), commits::Heading::Reverts, "{change:?}");
        }
    }
    assert!(seen >= 10, "only {seen} messages were of a known kind");
}
