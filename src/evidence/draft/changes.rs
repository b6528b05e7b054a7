//! The section `Changes Included`.

use super::{Draft, count, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::commits::{Breaking, Change, group};

pub(super) fn section(draft: &Draft) -> Section {
    let mut notes = vec![format!(
        "{} by {}, {} changed, {}",
        count(draft.changes.len(), "commit"),
        count(usize::try_from(draft.extent().authors).unwrap_or(usize::MAX), "author"),
        count(usize::try_from(draft.files).unwrap_or(usize::MAX), "file"),
        draft.since.words()
    )];
    notes.extend(draft.notes.iter().cloned());
    let mut items = Vec::new();
    for (heading, changes) in group(&draft.changes) {
        items.extend(changes.into_iter().map(|change| Item {
            group: Some(heading.title().to_owned()),
            evidence: Some(change.commit.short().to_owned()),
            ..ticked(&format!("changes.{}", change.commit.short()), "", &change_words(change))
        }));
    }
    if let Some(first) = draft.behind.first() {
        notes.push(format!("{} not in this candidate", count(draft.behind.len(), "commit that is live is")));
        items.push(Item {
            group: Some("Live, and not in this candidate".to_owned()),
            ..open(
                "changes.behind",
                "Left behind",
                &format!("{} such as {}", count(draft.behind.len(), "live commit"), change_words(first)),
                "deploying this takes them out of production",
            )
        });
    }
    Section { title: "Changes Included".to_owned(), notes, items }
}

fn change_words(change: &Change) -> String {
    let mark = if change.breaking == Breaking::Declared { "!" } else { "" };
    let scope = change.scope.as_ref().map(|scope| format!("({scope})")).unwrap_or_default();
    match &change.kind {
        Some(kind) => format!("{kind}{scope}{mark}: {}", change.subject),
        None => change.subject.clone(),
    }
}
