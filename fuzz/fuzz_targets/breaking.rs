//! Marks of breaking changes: a mark is never lost by what stands around it. The first part is a changelog.
#![no_main]

use std::collections::BTreeSet;

use deployctl::evidence::breaking::{Item, Source, State, summarise};
use deployctl::evidence::changelog::{Question, excerpt};
use deployctl::evidence::commits::{Breaking, Change, RawCommit, link, read};
use libfuzzer_sys::fuzz_target;

fn change(at: usize, message: &[u8]) -> Change {
    let id = |at: usize| format!("{:08x}{}", 0x7000_0000 + at, "0".repeat(32)).parse().unwrap();
    let merge = message.starts_with(b"Merge ");
    read(&RawCommit {
        id: id(at),
        parents: if merge { vec![id(at + 1), id(at + 2)] } else { vec![id(at + 1)] },
        author_name: b"Ada".to_vec(),
        author_email: b"ada@example.org".to_vec(),
        encoding: None,
        message: message.to_vec(),
    })
}

fuzz_target!(|data: &[u8]| {
    let mut parts = data.split(|byte| *byte == 0);
    let question = Question { version: "1.4.0", previous: None, before: None };
    let log = excerpt("CHANGELOG.md", parts.next().unwrap_or_default(), &question);
    let mut changes: Vec<Change> = parts.take(64).enumerate().map(|(at, it)| change(at, it)).collect();
    link(&mut changes);

    let alone = summarise(&changes, &[]);
    let marked = |mark: Breaking, back: bool| {
        let found = changes.iter().filter(|it| it.breaking == mark && it.reverted_by.is_some() == back);
        found.map(|it| it.commit.as_str()).collect::<BTreeSet<_>>()
    };
    let ids = |list: &[Item]| -> Vec<String> {
        list.iter().filter_map(|item| Some(item.commit.as_ref()?.as_str().to_owned())).collect()
    };
    let declared = marked(Breaking::Declared, false);
    assert!(ids(&alone.declared).iter().map(String::as_str).eq(declared.iter().copied()));
    assert!(ids(&alone.reverted).iter().map(String::as_str).eq(marked(Breaking::Declared, true)));
    assert!(ids(&alone.possible).iter().all(|id| marked(Breaking::Possible, false).contains(id.as_str())));
    let state = match (alone.declared.len(), alone.possible.len()) {
        (0, 0) => State::None,
        (0, _) => State::Possible,
        _ => State::Declared,
    };
    assert_eq!(alone.state, state);
    assert!(alone.conventional <= alone.commits && !alone.coverage().contains('\n'));

    // A changelog only adds to it.
    let both = summarise(&changes, std::slice::from_ref(&log));
    assert_eq!((ids(&both.declared), ids(&both.possible)), (ids(&alone.declared), ids(&alone.possible)));
    let entries = log.entries.iter().filter(|entry| entry.breaking == Breaking::Declared).count();
    assert!(both.declared.len() <= alone.declared.len() + entries);
    assert!(entries == 0 || both.state == State::Declared);
    for item in both.declared.iter().chain(&both.possible) {
        assert_eq!(item.place.is_some(), item.source != Source::Commit, "{item:?}");
        assert_eq!(item.commit.is_some(), item.source != Source::Changelog, "{item:?}");
    }

    // Whatever the body says, a `!` before the colon declares.
    assert_eq!(change(0, &[b"feat!: drop x\n\n", data].concat()).breaking, Breaking::Declared);
});
