//! Two lockfiles and the manifest beside them; the first byte chooses the format.
#![no_main]

use std::collections::{BTreeSet, HashSet};

use deployctl::evidence::lockfiles::{Comparison, Dependency, DependencyChange, Side, compare};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 9] = [
    "Cargo.lock",
    "package-lock.json",
    "go.mod",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
    "composer.lock",
    "Gemfile.lock",
    "pnpm-lock.yaml",
];

fn named(list: &[Dependency], wanted: DependencyChange) -> BTreeSet<&str> {
    list.iter().filter(|dependency| dependency.change == wanted).map(|it| it.name.as_str()).collect()
}

fn whole(dependency: &Dependency) {
    let sides = (dependency.from.is_some(), dependency.to.is_some());
    let expected = match dependency.change {
        DependencyChange::Added => (false, true),
        DependencyChange::Removed => (true, false),
        DependencyChange::Changed | DependencyChange::Source => (true, true),
    };
    assert_eq!(sides, expected, "{dependency:?}");
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let path = NAMES[usize::from(*first) % NAMES.len()];
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let before = parts.next().unwrap_or_default();
    let after = parts.next().unwrap_or_default();
    let manifest = parts.next();
    let side = |lock| Side { lock: Some(lock), manifest };
    assert_eq!(compare(path, side(before), side(before)), Comparison::Unchanged);
    assert!(matches!(compare(path, side(before), Side::default()), Comparison::Unreadable { .. }));

    let forward = compare(path, side(before), side(after));
    let back = compare(path, side(after), side(before));
    match (&forward, &back) {
        (Comparison::Read(forward), Comparison::Read(back)) => {
            forward.iter().chain(back).for_each(whole);
            let told: HashSet<_> = forward.iter().map(|it| (&it.name, &it.from, &it.to)).collect();
            assert_eq!(told.len(), forward.len(), "something is told twice: {forward:?}");
            use DependencyChange::{Added, Changed, Removed};
            for (there, here) in [(Added, Removed), (Removed, Added), (Changed, Changed)] {
                assert_eq!(named(forward, there), named(back, here));
            }
        }
        (Comparison::Unchanged, Comparison::Unchanged) => assert_eq!(before, after),
        (Comparison::Unreadable { why }, Comparison::Unreadable { .. }) => {
            assert!(!why.chars().any(char::is_control), "{why:?}");
        }
        _ => panic!("one way it reads, the other way it does not: {forward:?} {back:?}"),
    }
});
