//! The section `Dependencies`.

use super::{Draft, count, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::lockfiles::{Comparison, Dependency, DependencyChange};

pub(super) fn section(draft: &Draft) -> Section {
    let mut notes = Vec::new();
    let whole: Vec<&str> =
        draft.lockfiles.iter().filter(|lock| lock.new).map(|lock| lock.path.as_str()).collect();
    // A new lockfile is one question, not one for each line of it: nobody would read so many.
    let one_by_one = draft.new_direct().filter(|found| !whole.contains(&found.lockfile.as_str()));
    let mut items: Vec<Item> = one_by_one.map(new_dependency).collect();
    items.extend(whole.iter().filter_map(|path| new_lockfile(draft, path)));
    let mut known = !draft.lockfiles.is_empty();
    if !known {
        items.push(open(
            "dependencies.none",
            "No new dependencies",
            "",
            "no lockfile was found, so nothing is known",
        ));
    }
    for lock in &draft.lockfiles {
        match &lock.comparison {
            Comparison::Unchanged => {}
            Comparison::Unreadable { why } => {
                known = false;
                items.push(open(
                    &format!("dependencies.{}", lock.path),
                    "Dependencies not read",
                    &lock.path,
                    why,
                ));
            }
            Comparison::Read(list) => notes.extend(dependency_notes(&lock.path, list)),
        }
    }
    items.extend(
        draft.dependencies().filter(|found| found.change == DependencyChange::Source).map(other_source),
    );
    if known && items.is_empty() {
        let paths: Vec<&str> = draft.lockfiles.iter().map(|lock| lock.path.as_str()).collect();
        items.push(Item {
            evidence: Some(paths.join(", ")),
            ..ticked("dependencies.none", "No new dependencies", "")
        });
    }
    Section { title: "Dependencies".to_owned(), notes, items }
}

fn new_lockfile(draft: &Draft, path: &str) -> Option<Item> {
    let names: Vec<&str> =
        draft.new_direct().filter(|found| found.lockfile == path).map(|found| found.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let key = format!("dependency.{path}");
    let text = format!("{} of a new lockfile: {}", count(names.len(), "direct one"), names.join(", "));
    let children = scanned(&key);
    Some(Item { evidence: Some(path.to_owned()), children, ..ticked(&key, "New dependencies", &text) })
}

fn new_dependency(found: &Dependency) -> Item {
    let key = format!("dependency.{}.{}", found.lockfile, found.name);
    let text = format!("{} {}", found.name, found.to.as_deref().unwrap_or("(no version)"));
    let children = scanned(&key);
    let evidence = match found.direct {
        Some(_) => found.lockfile.clone(),
        None => format!("{}, direct or not is unknown", found.lockfile),
    };
    Item { evidence: Some(evidence), children, ..ticked(&key, "New dependency", &text) }
}

fn scanned(key: &str) -> Vec<Item> {
    vec![
        open(&format!("{key}.security"), "Security scanned", "", "no scanner said so"),
        open(&format!("{key}.license"), "License verified", "", "no scanner said so"),
    ]
}

fn other_source(found: &Dependency) -> Item {
    let key = format!("dependency.{}.{}.source", found.lockfile, found.name);
    let text = format!(
        "{}: {} became {}",
        found.name,
        found.from.as_deref().unwrap_or("nothing"),
        found.to.as_deref().unwrap_or("nothing")
    );
    open(&key, "Same version, other source", &text, "the same version comes from another place")
}

fn dependency_notes(path: &str, list: &[Dependency]) -> Vec<String> {
    let of = |change: DependencyChange| list.iter().filter(move |found| found.change == change);
    let transitive = of(DependencyChange::Added).filter(|found| found.direct == Some(false)).count();
    let parts = [
        (transitive, "transitive added"),
        (of(DependencyChange::Changed).count(), "changed"),
        (of(DependencyChange::Removed).count(), "removed"),
    ];
    let words: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { vec![] } else { vec![format!("{path}: {}", words.join(", "))] }
}
