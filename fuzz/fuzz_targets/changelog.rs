//! A changelog, a version before, and what is asked of it. Its words are foreign; their number and length are bounded.
#![no_main]

use deployctl::evidence::changelog::{Basis, Entry, Question, excerpt};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 4] = ["CHANGELOG.md", "docs/history.markdown", "CHANGES.rst", "NEWS"];

fn bounded(entry: &Entry) {
    assert!(!entry.text.is_empty() && entry.text.chars().count() <= 601, "{entry:?}");
    assert!(entry.group.chars().count() <= 201 && entry.section.chars().count() <= 128, "{entry:?}");
    assert!(!entry.unlabelled().is_empty() && entry.text.ends_with(entry.unlabelled()), "{entry:?}");
    let one_line = |text: &str| !text.contains(['\n', '\r', '\t']);
    assert!(one_line(&entry.text) && one_line(&entry.group) && one_line(&entry.section), "{entry:?}");
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let path = PATHS[usize::from(first & 3)];
    let mut parts = rest.splitn(4, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (version, previous) = (String::from_utf8_lossy(next()), String::from_utf8_lossy(next()));
    let (before, after) = (next(), next());
    let question = Question {
        version: &version,
        previous: (first & 4 != 0).then_some(&previous),
        before: (first & 8 != 0).then_some(before),
    };
    let found = excerpt(path, after, &question);
    assert_eq!(found, excerpt(path, after, &question));
    assert_eq!(found.changed, question.before.map(|before| before != after));
    let lines = after.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(found.sections.len() + found.entries.len() + found.late.len() <= lines, "{found:?}");
    assert!(found.notes.len() <= 2 * found.sections.len() + 3, "{found:?}");
    found.entries.iter().chain(&found.late).for_each(bounded);
    assert!(found.entries.iter().all(|entry| found.sections.contains(&entry.section)), "{found:?}");
    assert!(question.before.is_some() || found.late.is_empty() && found.basis != Basis::Written);
    if matches!(found.basis, Basis::Nothing | Basis::Unreadable) {
        assert!(found.sections.is_empty() && found.entries.is_empty());
    }
    if found.basis == Basis::Unreadable {
        assert!(!found.notes.is_empty() && found.late.is_empty());
    }

    // What did not change has nothing late in it, and nothing that waits is new.
    let same = excerpt(path, after, &Question { before: Some(after), ..question });
    assert!(same.late.is_empty() && same.basis != Basis::Written, "{same:?}");
    let waits = |entry: &&Entry| same.basis == Basis::Unreleased && entry.section == "Unreleased";
    assert_eq!(same.entries.iter().find(waits), None);
});
