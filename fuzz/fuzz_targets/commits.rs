//! One commit, from the bytes of its message, author and encoding, and the commit that takes it back.
#![no_main]

use deployctl::evidence::commits::{Breaking, Heading, RawCommit, group, link, read};
use deployctl::render::text;
use libfuzzer_sys::fuzz_target;

fn id(digit: &str) -> String {
    digit.repeat(40)
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut parts = rest.splitn(4, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let encoding = next();
    let raw = RawCommit {
        id: id("a").parse().unwrap(),
        parents: ["b", "c", "d"]
            .iter()
            .take(usize::from(first & 3))
            .map(|it| id(it).parse().unwrap())
            .collect(),
        encoding: (first & 4 != 0).then(|| String::from_utf8_lossy(encoding).into_owned()),
        author_name: next().to_vec(),
        author_email: next().to_vec(),
        message: next().to_vec(),
    };
    let change = read(&raw);
    assert_eq!(change, read(&raw));
    assert_eq!(change.merge, raw.parents.len() > 1);
    assert!(!change.subject.contains('\n'), "{:?}", change.subject);
    assert_eq!(change.breaking == Breaking::None, change.declaration.is_none());
    assert!(change.declaration.iter().all(|words| words.chars().count() <= 2_001));
    assert!(change.co_authors.len() <= 50 && change.undoes.len() <= 50);
    assert!(change.co_authors.iter().all(|person| !person.name.is_empty() && !person.name.contains('\n')));
    assert!(change.title.is_none() || change.merge);
    if let Some(kind) = &change.kind {
        assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase()), "{kind:?}");
    }
    for id in change.reverts.iter().chain(&change.picked) {
        let hex = id.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
        assert!(hex && (7..=64).contains(&id.len()), "{id:?}");
    }
    let shown = text::line(&change.subject, 80);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let alone = [change.clone()];
    let groups = group(&alone);
    assert_eq!((groups.len(), groups[0].0, groups[0].1.len()), (1, Heading::of(&change), 1));

    // Whatever it says, it can be taken back, and it is told once.
    let message = format!("Revert \"x\"\n\nThis reverts commit {}.", raw.id.as_str());
    let revert = RawCommit { id: id("e").parse().unwrap(), message: message.into_bytes(), ..raw.clone() };
    let revert = RawCommit { parents: vec![raw.id.clone()], encoding: None, ..revert };
    let mut changes = [read(&revert), change];
    link(&mut changes);
    assert_eq!((changes[1].reverted_by.as_deref(), &changes[0].reverted_by), (Some(&revert.id), &None));
    assert_eq!(*changes[0].reverts_here, [raw.id]);
    assert_eq!(group(&changes).iter().map(|(_, under)| under.len()).sum::<usize>(), 2);
});
