//! One changed file, by its path and content, with a neighbour that goes back.
#![no_main]

use deployctl::evidence::migrations::{
    ChangeKind, Globs, Migration, PathChange, Reversible, Selection, detect, find,
};
use libfuzzer_sys::fuzz_target;

fn told(migration: &Migration) {
    let why = &migration.why;
    assert!(!why.is_empty() && !why.ends_with('.') && !why.contains('\n'), "{why:?}");
    assert!(!migration.title().is_empty() || migration.path.ends_with('/') || migration.path.is_empty());
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let path = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let content = parts.next().unwrap_or_default();
    let neighbour = parts.next();
    let change = match first % 4 {
        0 => ChangeKind::Modified,
        1 => ChangeKind::Deleted,
        2 => ChangeKind::Renamed,
        _ => ChangeKind::Added,
    };
    let from = (change == ChangeKind::Renamed).then(|| format!("old/{path}"));
    let changes = [PathChange { change, path: path.clone(), from }];
    let look = |selection: &Selection, own: Option<&[u8]>| {
        let mut read = |wanted: &str| if wanted == path { own } else { neighbour }.map(<[u8]>::to_vec);
        find(selection, &changes, &mut read)
    };
    let found = look(&Selection::Automatic, Some(content));
    assert_eq!(found, look(&Selection::Automatic, Some(content)));
    assert!(found.len() <= 1);
    found.iter().for_each(told);
    let yes = |found: &[Migration]| found.iter().any(|migration| migration.reversible == Reversible::Yes);
    if change == ChangeKind::Deleted {
        assert!(!yes(&found), "a deleted file goes nowhere: {found:?}");
    }
    let unread = look(&Selection::Automatic, None);
    unread.iter().for_each(told);
    assert!(!yes(&unread), "nothing was read: {unread:?}");
    let everything = Selection::Globs(Globs::try_from(vec!["**".to_owned()]).unwrap());
    let named = look(&everything, Some(content));
    assert!(named.len() <= 1 && named.iter().all(|migration| migration.tool == "glob"));
    named.iter().for_each(told);
    let _ = detect(&[path.clone()]);
});
