//! The section `Breaking Changes`.

use super::{Draft, open, ticked};
use crate::evidence::breaking::{self, State};
use crate::evidence::checklist::{Item, Section};

pub(super) fn section(draft: &Draft) -> Section {
    let mut items = Vec::new();
    for (at, found) in draft.breaking.declared.iter().enumerate() {
        let key = key(found, "declared", at);
        let children = vec![
            open(&format!("{key}.guide"), "Migration guide prepared", "", "no fact can know it"),
            open(&format!("{key}.clients"), "Clients notified", "", "no fact can know it"),
        ];
        items.push(Item { evidence: evidence(found), children, ..ticked(&key, "Breaking", &found.text) });
    }
    for (at, found) in draft.breaking.possible.iter().enumerate() {
        let key = key(found, "possible", at);
        let item = open(&key, "Possibly breaking", &found.text, "it reads like one, and does not say so");
        items.push(Item { evidence: evidence(found), ..item });
    }
    for (at, found) in draft.breaking.reverted.iter().enumerate() {
        let back = ticked(&key(found, "reverted", at), "Breaking, and taken back in this range", &found.text);
        items.push(Item { evidence: evidence(found), ..back });
    }
    if draft.breaking.state == State::None {
        items.push(open("breaking.none", "None", "", &draft.breaking.coverage()));
    }
    Section { title: "Breaking Changes".to_owned(), notes: vec![], items }
}

fn key(found: &breaking::Item, list: &str, at: usize) -> String {
    match &found.commit {
        Some(commit) => format!("breaking.{}", commit.short()),
        None => format!("breaking.changelog.{list}-{}", at + 1),
    }
}

fn evidence(found: &breaking::Item) -> Option<String> {
    let commit = found.commit.as_ref().map(|commit| commit.short().to_owned());
    let back = found.reverted_by.as_ref().map(|by| format!("reverted by {}", by.short()));
    let parts: Vec<String> = [commit, found.place.clone(), back].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}
