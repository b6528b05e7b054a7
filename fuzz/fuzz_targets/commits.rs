//! One commit, from the bytes of its message, author and encoding.
#![no_main]

use deployctl::evidence::commits::{Breaking, Heading, RawCommit, group, read};
use deployctl::render::text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut parts = rest.splitn(4, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let encoding = next();
    let raw = RawCommit {
        id: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        parents: usize::from(first & 3),
        encoding: (first & 4 != 0).then(|| String::from_utf8_lossy(encoding).into_owned()),
        author_name: next().to_vec(),
        author_email: next().to_vec(),
        message: next().to_vec(),
    };
    let change = read(&raw);
    assert_eq!(change, read(&raw));
    assert_eq!(change.merge, raw.parents > 1);
    assert!(!change.subject.contains('\n'), "{:?}", change.subject);
    assert_eq!(change.breaking == Breaking::None, change.declaration.is_none());
    if let Some(kind) = &change.kind {
        assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase()), "{kind:?}");
    }
    if let Some(id) = &change.reverts {
        let hex = id.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
        assert!(hex && (7..=64).contains(&id.len()), "{id:?}");
    }
    let shown = text::line(&change.subject, 80);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let changes = [change];
    let groups = group(&changes);
    assert_eq!((groups.len(), groups[0].0, groups[0].1.len()), (1, Heading::of(&changes[0]), 1));
});
