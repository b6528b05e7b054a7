//! Manifests that no lockfile follows, and files that requirements include.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Commit, Comparison, unread_manifests};
use super::{Side, compare, read, rows, side, unreadable};
use crate::evidence::lockfiles::DependencyChange::{Added, Changed};
use crate::evidence::migrations::{ChangeKind, PathChange};

type Files<'a> = &'a [(&'a str, &'a str)];

/// What is told of these files, all of which differ from before.
fn told(before: Files<'_>, after: Files<'_>, locks: &[&str]) -> Vec<(String, String)> {
    let of = |files: Files<'_>| -> BTreeMap<String, Vec<u8>> {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    };
    let (old, new, none) = (of(before), of(after), BTreeSet::new());
    let change = |path: &String| {
        let change = if old.contains_key(path) { ChangeKind::Modified } else { ChangeKind::Added };
        PathChange { change, path: path.clone(), from: None }
    };
    let changes: Vec<PathChange> = new.keys().map(change).collect();
    let (read_old, read_new) = (|path: &str| old.get(path).cloned(), |path: &str| new.get(path).cloned());
    let before = Commit { paths: &none, read: &read_old };
    let after = Commit { paths: &none, read: &read_new };
    unread_manifests(&changes, Some(before), after, &locks.iter().copied().collect())
}

/// The paths of what is told.
fn paths(after: Files<'_>, locks: &[&str]) -> Vec<String> {
    told(&[], after, locks).into_iter().map(|(path, _)| path).collect()
}

#[test]
fn a_changed_manifest_that_nobody_reads_is_told() {
    assert_eq!(
        told(&[("pom.xml", "a")], &[("pom.xml", "b"), ("web/build.gradle.kts", "c")], &[]),
        [
            (
                "web/build.gradle.kts".to_owned(),
                "`web/build.gradle.kts` is new, and its dependencies are not read".to_owned()
            ),
            ("pom.xml".to_owned(), "`pom.xml` changed, and its dependencies are not read".to_owned()),
        ]
    );
    for path in
        ["setup.py", "Gemfile", "a/Package.swift", "src/App.csproj", "mix.exs", "my.gemspec", "vcpkg.json"]
    {
        assert_eq!(paths(&[(path, "x")], &["go.mod", "Cargo.lock"]), [path]);
    }
    for path in ["vendor/a/pom.xml", "testdata/setup.py", "my.pom.xml", "gemspec", "README.md"] {
        assert_eq!(paths(&[(path, "x")], &[]), [] as [&str; 0], "{path}");
    }
}

#[test]
fn a_lockfile_follows_the_manifests_within_its_reach() {
    for (path, lock, follows) in [
        ("Gemfile", "Gemfile.lock", true),
        ("api/Gemfile", "Gemfile.lock", false),
        ("apps/a/mix.exs", "mix.lock", true),
        ("mix.exs", "apps/a/mix.lock", false),
        ("app/build.gradle", "app/gradle.lockfile", true),
        ("app/build.gradle", "gradle.lockfile", false),
        ("gradle/libs.versions.toml", "app/gradle.lockfile", true),
        ("setup.py", "uv.lock", true),
        ("setup.py", "requirements.txt", false),
        ("src/A/A.csproj", "src/A/packages.lock.json", true),
        ("src/A/A.csproj", "src/B/packages.lock.json", false),
    ] {
        assert_eq!(paths(&[(path, "x")], &[lock]).is_empty(), follows, "{path} {lock}");
    }
}

#[test]
fn a_manifest_that_asks_for_nothing_is_not_told() {
    assert_eq!(
        paths(&[("setup.cfg", "[flake8]\n"), ("chart/Chart.yaml", "version: 2\n")], &[]),
        [] as [&str; 0]
    );
    let asking = [("chart/Chart.yaml", "dependencies:\n"), ("setup.cfg", "install_requires = a\n")];
    assert_eq!(paths(&asking, &[]), ["chart/Chart.yaml", "setup.cfg"]);
}

#[test]
fn a_manifest_that_should_be_read_and_cannot_is_told() {
    assert_eq!(paths(&[("a/package.json", "{")], &[]), ["a/package.json"]);
    assert_eq!(paths(&[("a/package.json", "{")], &["yarn.lock"]), [] as [&str; 0]);
    assert_eq!(paths(&[("a/package.json", "{")], &["b/yarn.lock"]), ["a/package.json"]);
    assert_eq!(paths(&[("a/package.json", "{}")], &[]), [] as [&str; 0]);
}

#[test]
fn many_manifests_of_one_kind_are_one_line() {
    let names: Vec<String> = (0..9).map(|number| format!("m{number}/pom.xml")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let why = "`m0/pom.xml` and 8 more changed, and their dependencies are not read";
    assert_eq!(told(&[], &files, &[]), [("m0/pom.xml".to_owned(), why.to_owned())]);
    assert_eq!(told(&[], &files[..5], &[]).len(), 5);
}

#[test]
fn a_manifest_that_only_moved_is_not_told() {
    let (none, bytes) = (BTreeSet::new(), |_: &str| Some(b"<project/>".to_vec()));
    let commit = Commit { paths: &none, read: &bytes };
    let from = Some("a/pom.xml".to_owned());
    let change = PathChange { change: ChangeKind::Renamed, path: "b/pom.xml".to_owned(), from };
    assert_eq!(unread_manifests(&[change], Some(commit), commit, &BTreeSet::new()), []);
}

#[test]
fn an_include_of_any_name_is_followed() {
    for (line, path) in [
        ("-r deps.pip", "deps.pip"),
        ("-rdeps", "deps"),
        ("--requirement=\"deps.list\"", "deps.list"),
        ("-r vendor/requirements.txt", "vendor/requirements.txt"),
        ("-r third_party/requirements.txt", "third_party/requirements.txt"),
    ] {
        let (old, new) = ([(path, "a==1.0\n")], [(path, "a==2.0\nb==1.0\n")]);
        // The file itself stays as it is.
        let moved = read("requirements.txt", side(line, "").with(&old), side(line, "").with(&new));
        assert_eq!(
            rows(&moved),
            [
                ("b", Added, None, Some("1.0"), Some(true)),
                ("a", Changed, Some("1.0"), Some("2.0"), Some(true))
            ],
            "{line}"
        );
    }
    let other = [("requirements-dev.txt", "a==1.0\n")];
    let line = side("-r requirements-dev.txt\n", "").with(&other);
    assert_eq!(compare("requirements.txt", line, line), Comparison::Unchanged, "it is read for itself");
}

#[test]
fn an_include_that_is_not_here_makes_the_file_unreadable() {
    for place in ["gone.pip", "../outside.txt", "https://example.org/all.txt", "requirements-gone.txt"] {
        assert_eq!(
            unreadable("requirements.txt", &format!("a==1.0\n-r {place}\n")),
            format!("`requirements.txt` includes `{place}`, which cannot be read: compare it by hand")
        );
    }
    assert_eq!(
        unreadable("requirements.txt", "a==1.0\n-r \u{1b}[2Jgone.pip\n"),
        "`requirements.txt` includes `\\u{1b}[2Jgone.pip`, which cannot be read: compare it by hand"
    );
    let (line, base) = ("-r base.pip\n", [("base.pip", "a==1.0\n")]);
    let gone = compare("requirements.txt", side(line, "").with(&base), side(line, ""));
    assert!(matches!(gone, Comparison::Unreadable { .. }), "{gone:?}");
    let never = compare("requirements.txt", side(line, ""), side(line, ""));
    assert_eq!(never, Comparison::Unchanged, "what nobody could read did not move");
    let chain: Vec<(String, String)> =
        (0..12).map(|n| (format!("f{n}.pip"), format!("-r f{}.pip\n", (n + 1) % 12))).collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let deep = compare("requirements.txt", Side::default(), side("-r f0.pip\n", "").with(&chain));
    assert!(matches!(deep, Comparison::Unreadable { .. }), "{deep:?}");
}
