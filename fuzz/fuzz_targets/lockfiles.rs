//! Two lockfiles and the manifest beside them; the first byte chooses the format.
#![no_main]

use std::collections::{BTreeSet, HashSet};

use deployctl::evidence::lockfiles::{
    Commit, Compared, Comparison, Dependency, DependencyChange, all_removed, compare, manifest_of,
};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 26] = [
    "Cargo.lock",
    "package-lock.json",
    "go.mod",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
    "composer.lock",
    "Gemfile.lock",
    "pnpm-lock.yaml",
    "web/bun.lock",
    "bun.lockb",
    "go.sum",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "requirements/dev.txt",
    "packages.lock.json",
    "Package.resolved",
    "pubspec.lock",
    "ios/Podfile.lock",
    "Chart.lock",
    "deno.lock",
    "flake.lock",
    "mix.lock",
    "gradle.lockfile",
    ".terraform.lock.hcl",
];

/// What stands beside a lockfile that has no manifest of a fixed name.
fn beside(path: &str) -> String {
    manifest_of(path).unwrap_or_else(|| match path {
        "go.mod" => "go.sum".to_owned(),
        "go.sum" => "go.mod".to_owned(),
        "gradle.lockfile" => "build.gradle".to_owned(),
        _ => "deno.json".to_owned(),
    })
}

fn named(list: &[Dependency], wanted: DependencyChange) -> BTreeSet<&str> {
    list.iter().filter(|dependency| dependency.change == wanted).map(|it| it.name.as_str()).collect()
}

fn whole(list: &[Dependency]) {
    for found in list {
        let sides = (found.from.is_some(), found.to.is_some());
        let expected = match found.change {
            DependencyChange::Added => (false, true),
            DependencyChange::Removed => (true, false),
            DependencyChange::Changed | DependencyChange::Source => (true, true),
        };
        assert_eq!(sides, expected, "{found:?}");
    }
    let told: HashSet<_> = list.iter().map(|it| (&it.name, &it.from, &it.to)).collect();
    assert_eq!(told.len(), list.len(), "something is told twice: {list:?}");
}

fn sentences(compared: &Compared) {
    if let Comparison::Unreadable { why } = &compared.comparison {
        assert!(!why.is_empty() && !why.chars().any(char::is_control), "{why:?}");
        assert!(compared.promoted.is_empty() && compared.drift.is_empty());
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    let manifest_path = beside(path);
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let before = parts.next().unwrap_or_default();
    let after = parts.next().unwrap_or_default();
    let manifest = parts.next();
    let paths = BTreeSet::from([path.to_owned(), manifest_path.clone()]);
    let file = |lock: &[u8], asked: &str| match asked {
        _ if asked == path => Some(lock.to_vec()),
        _ if asked == manifest_path => manifest.map(<[u8]>::to_vec),
        _ => None,
    };
    let (read_old, read_new) = (|asked: &str| file(before, asked), |asked: &str| file(after, asked));
    let (old, new) = (Commit { paths: &paths, read: &read_old }, Commit { paths: &paths, read: &read_new });

    let same = compare(Some((path, old)), (path, old));
    assert_eq!((same.comparison, same.promoted, same.drift), (Comparison::Unchanged, vec![], vec![]));
    let nothing = Commit { paths: &BTreeSet::new(), read: &|_| None };
    assert!(matches!(compare(Some((path, old)), (path, nothing)).comparison, Comparison::Unreadable { .. }));
    let removed = all_removed(path, old).comparison;
    let Comparison::Read(removed) = removed else { panic!("{removed:?}") };
    let Comparison::Read(gone) = compare(None, (path, old)).comparison else { return };
    whole(&gone);
    assert!(gone.iter().all(|it| it.change == DependencyChange::Added));

    let there = compare(Some((path, old)), (path, new));
    let back = compare(Some((path, new)), (path, old));
    sentences(&there);
    sentences(&back);
    match (&there.comparison, &back.comparison) {
        (Comparison::Read(there), Comparison::Read(back)) => {
            whole(there);
            whole(back);
            use DependencyChange::{Added, Changed, Removed};
            // A `go.sum` leaves to the `go.mod` beside it what that one tells.
            let told_elsewhere = path == "go.sum" && manifest.is_some();
            for (one, other) in [(Added, Removed), (Removed, Added), (Changed, Changed)] {
                assert!(told_elsewhere || named(there, one) == named(back, other), "{there:?} {back:?}");
            }
            assert!(told_elsewhere || named(&gone, Added) == named(&removed, Removed));
        }
        (Comparison::Unchanged, Comparison::Unchanged) => assert_eq!(before, after),
        (Comparison::Unreadable { .. }, Comparison::Unreadable { .. }) => {}
        _ => panic!("one way it reads, the other way it does not: {there:?} {back:?}"),
    }
});
