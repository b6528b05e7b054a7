//! Migrations on one line, as long as they are read. What took the square of their length would run for minutes here.

use super::super::code::{BRACES, HASH, PHP, RUST, SQL, mask, uncomment};
use super::super::{ChangeKind, PathChange, Selection, find};
use super::{Unknown, Yes};

/// A little less than the longest migration that is judged, in bytes.
const LENGTH: usize = 250_000;

fn long(piece: &str) -> String {
    piece.repeat(LENGTH / piece.len())
}

#[test]
fn a_long_line_of_any_language_is_read_in_one_pass() {
    for piece in ["'", "''", "'\\", "\"", "\"\"", "\"\"\"", "`", "\\", "/*", "/**/", "#", "-- ", "é", "down("]
    {
        let text = long(piece);
        for style in [BRACES, RUST, PHP, HASH, SQL] {
            assert_eq!(mask(&text, &style).len(), text.len(), "{piece}");
            assert_eq!(uncomment(&text, &style).len(), text.len(), "{piece}");
        }
    }
}

#[test]
fn a_string_that_does_not_close_ends_with_its_line() {
    for (text, masked) in [
        ("a 'b\nc", "a '\"\nc"),
        ("'\\\n'x'", "'\"\n'_\""),
        ("'\\'x' y", "'___\" y"),
        ("\"\"\"a\nb\"\"\" c", "\"\"\"___\"\"\" c"),
        ("\"\"\"a\nb", "\"\"\"\"\"\""),
    ] {
        assert_eq!(mask(text, &HASH), masked, "{text}");
    }
}

#[test]
fn operations_of_django_in_each_other_are_read_in_one_pass() {
    let django = |operations: String, rest: &str| {
        let path = "a/migrations/0001_a.py".to_owned();
        let changes = [PathChange { change: ChangeKind::Added, path, from: None }];
        let text = format!("class Migration(migrations.Migration):\n  operations = [{operations}]\n{rest}");
        let found = find(&Selection::Automatic, &changes, &mut |_| Some(text.clone().into_bytes()));
        (found[0].reversible, found[0].why.clone())
    };
    let nested = format!("AddIndex({}{})", "[".repeat(LENGTH / 2 - 100), "]".repeat(LENGTH / 2 - 100));
    let reversed = "Django reverses its operations".to_owned();
    assert_eq!(django(nested, ""), (Yes, reversed.clone()));
    let calls = format!("AddIndex({}{})", "f(".repeat(LENGTH / 3 - 100), ")".repeat(LENGTH / 3 - 100));
    assert_eq!(django(calls, ""), (Yes, reversed.clone()));
    let strange = format!("{}{}", "Strange(".repeat(LENGTH / 10), ")".repeat(LENGTH / 10));
    let why = "`Strange` is not one of Django's own operations".to_owned();
    assert_eq!(django(strange, ""), (Unknown, why));
    // Each of them asks for the same function, which is as long as all of them.
    let asked = long("RunPython(a,b),");
    let asked = &asked[..asked.len() / 30 * 15];
    let body = "  do()\n".repeat(LENGTH / 2 / 7);
    assert_eq!(django(asked.to_owned(), &format!("def b(a, b):\n{body}")), (Yes, reversed));
}
