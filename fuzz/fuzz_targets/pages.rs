//! Pages: a team's own template never breaks the program, and foreign text never changes the built-in page's shape.
#![no_main]

use std::sync::LazyLock;

use deployctl::evidence::checklist::{Checklist, Item, Section};
use deployctl::render::pages::{ChecklistPage, Page, Pages};
use libfuzzer_sys::fuzz_target;

fn item(words: &str, children: Vec<Item>) -> Item {
    Item {
        ticked: children.is_empty(),
        label: "Migration".to_owned(),
        text: words.to_owned(),
        evidence: Some(words.to_owned()),
        group: None,
        key: words.to_owned(),
        why: Some(words.to_owned()),
        children,
    }
}

fn checklist(words: &str) -> Checklist {
    let items = vec![item(words, vec![item(words, vec![])])];
    let section = Section { title: "Database Changes".to_owned(), notes: vec![words.to_owned()], items };
    Checklist {
        version: words.to_owned(),
        date: "2026-11-20".to_owned(),
        prepared_by: words.to_owned(),
        sections: vec![section],
    }
}

/// The lines that give a page its shape: headings and boxes.
fn shape(page: &str) -> Vec<String> {
    let marks =
        page.lines().map(|line| line.chars().take_while(|c| " #-[]x".contains(*c)).collect::<String>());
    marks.filter(|mark| mark.contains("# ") || mark.contains('[')).collect()
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (source, words) = text.split_once('\0').unwrap_or((&text, ""));
    static BUILT_IN: LazyLock<Pages> = LazyLock::new(|| Pages::new(&[]).unwrap());
    let written = |words: &str| {
        let list = checklist(words);
        BUILT_IN.render(Page::Checklist, &ChecklistPage::from(&list)).unwrap()
    };
    assert_eq!(shape(&written(words)), shape(&written("words")), "{words:?}");

    let list = checklist(words);
    let own = Pages::new(&[(Page::Checklist.template().to_owned(), source.to_owned())]);
    match own.and_then(|pages| pages.render(Page::Checklist, &ChecklistPage::from(&list))) {
        Ok(page) => assert!(page.len() <= 16 * 1024 * 1024),
        Err(problem) => {
            let problem = problem.to_string();
            assert!(!problem.chars().any(char::is_control), "{problem:?}");
        }
    }
});
