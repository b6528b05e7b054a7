//! Marks of breaking changes: a mark is never lost by what stands around it.
#![no_main]

use deployctl::evidence::breaking::{State, summarise};
use deployctl::evidence::commits::{Breaking, Change, RawCommit, read};
use libfuzzer_sys::fuzz_target;

fn change(message: &[u8]) -> Change {
    read(&RawCommit {
        id: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        parents: 1,
        author_name: b"Ada".to_vec(),
        author_email: b"ada@example.org".to_vec(),
        encoding: None,
        message: message.to_vec(),
    })
}

fuzz_target!(|data: &[u8]| {
    let changes: Vec<Change> = data.split(|byte| *byte == 0).take(64).map(change).collect();
    let report = summarise(&changes);
    let marked = |wanted: Breaking| changes.iter().filter(|change| change.breaking == wanted).count();
    let (declared, possible) = (marked(Breaking::Declared), marked(Breaking::Possible));
    assert_eq!((report.declared.len(), report.possible.len()), (declared, possible));
    let state = match (declared, possible) {
        (0, 0) => State::None,
        (0, _) => State::Possible,
        _ => State::Declared,
    };
    assert_eq!(report.state, state);
    assert!(report.conventional <= report.commits && !report.coverage().contains('\n'));

    // Whatever the body says, a `!` before the colon declares.
    let body: Vec<u8> = [b"feat!: drop x\n\n", data].concat();
    assert_eq!(change(&body).breaking, Breaking::Declared);
});
