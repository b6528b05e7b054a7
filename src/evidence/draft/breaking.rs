//! The section `Breaking Changes`.

use super::{Draft, open, ticked};
use crate::evidence::breaking::State;
use crate::evidence::checklist::{Item, Section};

pub(super) fn section(draft: &Draft) -> Section {
    let mut items = Vec::new();
    for found in &draft.breaking.declared {
        let key = format!("breaking.{}", found.commit.short());
        let children = vec![
            open(&format!("{key}.guide"), "Migration guide prepared", "", "no fact can know it"),
            open(&format!("{key}.clients"), "Clients notified", "", "no fact can know it"),
        ];
        let evidence = Some(found.commit.short().to_owned());
        items.push(Item { evidence, children, ..ticked(&key, "Breaking", &found.text) });
    }
    for found in &draft.breaking.possible {
        let key = format!("breaking.{}", found.commit.short());
        let evidence = Some(found.commit.short().to_owned());
        let item = open(&key, "Possibly breaking", &found.text, "it reads like one, and does not say so");
        items.push(Item { evidence, ..item });
    }
    if draft.breaking.state == State::None {
        items.push(open("breaking.none", "None", "", &draft.breaking.coverage()));
    }
    Section { title: "Breaking Changes".to_owned(), notes: vec![], items }
}
