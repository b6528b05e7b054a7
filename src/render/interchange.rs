//! What other programs read: JSON on one line, in plain ASCII, so that nothing in it means something to a terminal, a log or
//! a shell.

pub mod cdevents;
pub mod deployments_api;
pub mod in_toto;

use serde_json::Value;

/// A JSON document on one line. Whatever is not plain ASCII, and the quote of a shell, is an escape of JSON's own: such
/// characters stand only inside its strings.
#[must_use]
pub fn line(document: &Value) -> String {
    let mut out = String::new();
    let mut units = [0; 2];
    for c in document.to_string().chars() {
        if matches!(c, ' '..='~') && c != '\'' {
            out.push(c);
        } else {
            let escapes = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            out.extend(escapes);
        }
    }
    out
}

/// A text of a row of `history --json`; empty where it has none.
fn text<'a>(row: &'a Value, place: &str) -> &'a str {
    row.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

/// The deployments of a table, the oldest first. A tag is none: nobody recorded that it was deployed.
fn deployments(rows: &[Value]) -> impl Iterator<Item = &Value> {
    // Newest first in the table.
    rows.iter().rev().filter(|row| text(row, "/recorded_in") != "import")
}

/// What identifies a deployment for ever: the digest of the entry that began it.
fn id(row: &Value) -> &str {
    match text(row, "/execution") {
        "" => text(row, "/deployment"),
        execution => execution,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::line;

    #[test]
    fn a_line_is_the_same_document_in_plain_ascii() {
        let document = json!({ "it's": "\u{202e}é😀\u{7f}\n$(rm) \u{1b}[2J" });
        let written = line(&document);
        assert_eq!(written, r#"{"it\u0027s":"\u202e\u00e9\ud83d\ude00\u007f\n$(rm) \u001b[2J"}"#);
        assert_eq!(serde_json::from_str::<Value>(&written).ok(), Some(document));
    }
}
