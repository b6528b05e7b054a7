//! The section `Changes Included`: what the changelog says, then the commits, then what would be left behind.

use super::{Draft, changelog, count, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::commits::{self, Breaking, Change, Counterpart, Heading, Undo, group};

/// Longer ranges are cut to [`GROUP_MAX`] lines in each group.
const WHOLE_MAX: usize = 200;
/// The lines of a group in a long range.
const GROUP_MAX: usize = 50;
/// The names of authors that are listed, and of co-authors.
const NAMES_MAX: usize = 10;
/// The commits left behind that are listed.
const BEHIND_MAX: usize = 10;
/// The numbers or ids that stand for merges that are told as one line.
const MERGES_MAX: usize = 20;

pub(super) fn section(draft: &Draft) -> Section {
    let mut notes = vec![format!(
        "{} by {}, {} changed, {}",
        count(draft.changes.len(), "commit"),
        count(usize::try_from(draft.extent().authors).unwrap_or(usize::MAX), "author"),
        count(usize::try_from(draft.files).unwrap_or(usize::MAX), "file"),
        draft.since.words()
    )];
    notes.extend(draft.notes.iter().cloned());
    notes.extend(authors(draft));
    notes.extend(changelog::notes(draft));
    let mut items = changelog::items(draft);
    let whole = draft.changes.len() <= WHOLE_MAX;
    for (heading, mut changes) in group(&draft.changes) {
        changes.sort_by_key(|change| change.breaking != Breaking::Declared);
        let lines = if heading == Heading::Merges { merges(&changes, draft) } else { lines(&changes) };
        items.extend(shortened(lines, heading, whole));
    }
    if !draft.behind.is_empty() {
        notes.push(format!("{} not in this candidate", count(draft.behind.len(), "commit that is live is")));
        items.push(behind(draft));
    }
    Section { title: "Changes Included".to_owned(), notes, items }
}

/// `Authors: Ada, Bob and 3 more; co-authors: Cy`.
fn authors(draft: &Draft) -> Option<String> {
    let (authors, helpers) = commits::authors(&draft.changes, &draft.mailmap);
    let with = if helpers.is_empty() {
        String::new()
    } else {
        format!("; co-authors: {}", some(&helpers, NAMES_MAX))
    };
    (!authors.is_empty()).then(|| format!("Authors: {}{with}", some(&authors, NAMES_MAX)))
}

/// The first of some words, and how many more there are.
fn some(words: &[String], most: usize) -> String {
    let shown = words.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    if words.len() > most { format!("{shown} and {} more", words.len() - most) } else { shown }
}

/// The first lines of a group of a long range, and how many more there are.
fn shortened(mut lines: Vec<Item>, heading: Heading, whole: bool) -> Vec<Item> {
    let more = lines.len().saturating_sub(GROUP_MAX);
    if !whole && more > 0 {
        lines.truncate(GROUP_MAX);
        let key = format!("changes.{}.more", heading.title().to_lowercase().replace(' ', "-"));
        lines.push(Item {
            evidence: Some("all of them with --json".to_owned()),
            ..ticked(&key, "", &format!("…and {more} more"))
        });
    }
    let titled = |line| Item { group: Some(heading.title().to_owned()), ..line };
    lines.into_iter().map(titled).collect()
}

fn lines(changes: &[&Change]) -> Vec<Item> {
    changes.iter().map(|change| line(change)).collect()
}

/// One commit: its type as the label, what it does as the text, its id and what others did to it as the evidence.
fn line(change: &Change) -> Item {
    let (label, text) = words(change);
    let key = format!("changes.{}", change.commit.short());
    Item { evidence: Some(evidence(change)), ..ticked(&key, &label, &text) }
}

fn evidence(change: &Change) -> String {
    let mut parts = vec![change.commit.short().to_owned()];
    if let Some(by) = &change.reverted_by {
        parts.push(format!("reverted by {}", by.short()));
    }
    match &*change.reverts_here {
        [] => parts.extend(change.undoes.first().and_then(outside)),
        [one] => parts.push(format!("reverts {}, which is in this range", one.short())),
        many => {
            let ids: Vec<String> = many.iter().map(|id| id.short().to_owned()).collect();
            parts.push(format!("reverts {}, which are in this range", some(&ids, 3)));
        }
    }
    if let Some(from) = &change.picked {
        parts.push(format!("picked from {}", from.get(..7).unwrap_or(from)));
    }
    parts.join(" · ")
}

fn outside(undo: &Undo) -> Option<String> {
    let what = match undo {
        Undo::Commit(id) | Undo::Merge(id, _) => id.get(..7).unwrap_or(id).to_owned(),
        Undo::Pull(number) => format!("#{number}"),
        Undo::Title(_) => return None,
    };
    Some(format!("reverts {what}, which is not in this range"))
}

/// The label and the text of a commit.
fn words(change: &Change) -> (String, String) {
    let scope = change.scope.as_ref().map(|scope| format!("({scope})")).unwrap_or_default();
    if let Some(title) = change.title.as_ref().filter(|_| change.merge) {
        let number = change.pull.map(|pull| format!("#{pull}")).filter(|number| !title.contains(number));
        let number = number.map(|number| format!(" ({number})")).unwrap_or_default();
        return ("Merge".to_owned(), format!("{title}{number}"));
    }
    let subject = if change.subject.trim().is_empty() { "(no message)" } else { &change.subject };
    match &change.kind {
        // As a label the `!` would have to be escaped, for nobody knows what a template writes behind it.
        Some(kind) if change.breaking == Breaking::Declared => {
            (String::new(), format!("{kind}{scope}!: {subject}"))
        }
        Some(kind) => (format!("{kind}{scope}"), subject.to_owned()),
        None => (String::new(), subject.to_owned()),
    }
}

/// The merges that say something one by one; those that only say that they merge as one line.
fn merges(changes: &[&Change], draft: &Draft) -> Vec<Item> {
    let own: std::collections::BTreeSet<&str> =
        draft.changes.iter().filter(|change| !change.merge).map(|change| change.subject.as_str()).collect();
    let says = |change: &&&Change| {
        let told_by_its_commit = |title: &str| {
            let subject = title.split_once(": ").map_or(title, |(_, subject)| subject);
            own.contains(title) || own.contains(subject)
        };
        change.breaking != Breaking::None
            || match &change.title {
                Some(title) => !told_by_its_commit(title),
                None => !change.subject.starts_with("Merge") && !told_by_its_commit(&change.subject),
            }
    };
    let (telling, plain): (Vec<&&Change>, Vec<&&Change>) = changes.iter().partition(says);
    let mut items: Vec<Item> = telling.into_iter().map(|change| line(change)).collect();
    match plain.as_slice() {
        [] => {}
        [one] => items.push(line(one)),
        many => {
            let numbers: Vec<String> =
                many.iter().filter_map(|change| change.pull).map(|pull| format!("#{pull}")).collect();
            let numbers =
                if numbers.is_empty() { String::new() } else { format!(" {}", some(&numbers, MERGES_MAX)) };
            let ids: Vec<String> = many.iter().map(|change| change.commit.short().to_owned()).collect();
            items.push(Item {
                evidence: Some(some(&ids, 3)),
                ..ticked(
                    "changes.merges",
                    "Merge",
                    &format!("{} of branches and pull requests{numbers}", count(many.len(), "merge")),
                )
            });
        }
    }
    items
}

/// One open box for everything that is live and not in the candidate, and the first of it by name.
fn behind(draft: &Draft) -> Item {
    let counterparts = commits::counterparts(&draft.behind, &draft.changes);
    let matched = counterparts.iter().flatten().count();
    let total = draft.behind.len();
    let first = draft.behind.first().map(|change| line(change).words()).unwrap_or_default();
    let text = format!("{} such as {first}", count(total, "live commit"));
    let mut why = "deploying this takes them out of production".to_owned();
    if matched > 0 {
        let each = match matched {
            all if all == total => "each has".to_owned(),
            1 => "1 of them has".to_owned(),
            some => format!("{some} of them have"),
        };
        why.push_str(&format!("; {each} a counterpart here by the message, and nobody compared the patches"));
    }
    let mut children: Vec<Item> = draft.behind.iter().zip(&counterparts).take(BEHIND_MAX).map(left).collect();
    if total > BEHIND_MAX {
        let more = format!("…and {} more", total - BEHIND_MAX);
        let evidence = Some("all of them with --json".to_owned());
        children.push(Item { evidence, ..ticked("changes.behind.more", "", &more) });
    }
    Item {
        group: Some("Live, and not in this candidate".to_owned()),
        children,
        ..open("changes.behind", "Left behind", &text, &why)
    }
}

fn left((change, counterpart): (&Change, &Option<Counterpart>)) -> Item {
    let item = line(change);
    let words = item.words();
    let (label, more) = match counterpart {
        Some(found) if found.said => ("Picked", format!(" · picked as {}", found.commit.short())),
        Some(found) => {
            ("Only in production", format!(" · same author and title as {}", found.commit.short()))
        }
        None => ("Only in production", String::new()),
    };
    Item {
        label: label.to_owned(),
        text: words,
        key: format!("changes.behind.{}", change.commit.short()),
        evidence: Some(format!("{}{more}", change.commit.short())),
        ..item
    }
}
