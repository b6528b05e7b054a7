//! The lines of `Changes Included` that the project's own changelog gives.

use super::{Draft, Since, count, ticked};
use crate::evidence::changelog::{Basis, Entry, Excerpt};
use crate::evidence::checklist::Item;
use crate::evidence::commits::Breaking;

/// The entries that are shown of all changelogs together: three screens.
const ENTRIES_MAX: usize = 60;
/// The sections that a note names.
const SECTIONS_MAX: usize = 6;

/// The entries, each under the heading that the changelog gives it.
pub(super) fn items(draft: &Draft) -> Vec<Item> {
    let mut items = Vec::new();
    for log in &draft.changelogs {
        items.extend(log.entries.iter().map(|entry| (log, heading(log, &entry.group), entry)));
        let late = |entry: &Entry| heading(log, &format!("added to {}", entry.section));
        items.extend(log.late.iter().map(|entry| (log, late(entry), entry)));
    }
    let more = items.len().saturating_sub(ENTRIES_MAX);
    let shown = items.into_iter().take(ENTRIES_MAX).enumerate();
    let mut items: Vec<Item> = shown.map(|(at, (log, group, entry))| item(at, log, group, entry)).collect();
    if more > 0 {
        let entries = if more == 1 { "entry" } else { "entries" };
        items.push(Item {
            group: items.last().and_then(|item| item.group.clone()),
            evidence: Some("all of them with --json".to_owned()),
            ..ticked("changelog.more", "", &format!("…and {more} more {entries}"))
        });
    }
    items
}

fn item(at: usize, log: &Excerpt, group: String, entry: &Entry) -> Item {
    let declared = entry.breaking == Breaking::Declared;
    let (label, text) = if declared { ("Breaking", entry.unlabelled()) } else { ("", entry.text.as_str()) };
    let several = log.sections.len() > 1 || log.late.contains(entry);
    let section = if several { format!(" · {}", entry.section) } else { String::new() };
    Item {
        group: Some(group),
        evidence: Some(format!("{}{section}", log.path)),
        ..ticked(&format!("changelog.{}", at + 1), label, text)
    }
}

/// `CHANGELOG: Added`; the changelog of a package is told by its directory.
fn heading(log: &Excerpt, group: &str) -> String {
    let whose = log.path.rsplit_once('/').map(|(dir, _)| format!(" of {dir}")).unwrap_or_default();
    if group.is_empty() { format!("CHANGELOG{whose}") } else { format!("CHANGELOG{whose}: {group}") }
}

/// Which sections were used and why, and what a reader should know of them.
pub(super) fn notes(draft: &Draft) -> Vec<String> {
    let before = match &draft.since {
        Since::Live(release) | Since::Named(release) | Since::Tag(release) => release.version.to_string(),
        Since::Commit(commit) => commit.short().to_owned(),
        Since::Beginning => "the beginning".to_owned(),
    };
    let version = &draft.release.version;
    let note = |log: &Excerpt| {
        let path = &log.path;
        let used = sections(log);
        let mut notes = match log.basis {
            Basis::Named if log.sections.is_empty() => vec![],
            Basis::Named => vec![format!("from {path}, {used}")],
            Basis::Unreleased => vec![format!("from {path}, {used}: it does not name {version}")],
            Basis::Written => {
                vec![format!("from {path}, {used}: written since {before}, and none names {version}")]
            }
            Basis::Nothing => {
                vec![format!("{path} says nothing of {version}, and nothing that is unreleased")]
            }
            Basis::Unreadable => vec![],
        };
        if log.changed == Some(false) {
            notes.push(format!("{path} did not change since {before}"));
        }
        if !log.late.is_empty() {
            notes.push(format!("{path}: {} in older sections", count(log.late.len(), "new line")));
        }
        let unread = if log.basis == Basis::Unreadable { "not read, " } else { "" };
        notes.extend(log.notes.iter().map(|note| format!("{path}: {unread}{note}")));
        notes
    };
    draft.changelogs.iter().flat_map(note).collect()
}

fn sections(log: &Excerpt) -> String {
    match log.sections.as_slice() {
        [one] => format!("section {one}"),
        many if many.len() > SECTIONS_MAX => {
            format!("sections {} and {} more", many[..SECTIONS_MAX].join(", "), many.len() - SECTIONS_MAX)
        }
        many => format!("sections {}", many.join(", ")),
    }
}
