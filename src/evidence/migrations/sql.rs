//! Whether SQL does anything, and whether it throws data away.

use super::code::{SQL, mask};

/// What a piece of SQL that should go back does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Nothing: no statement, or only ones without an effect.
    Idle,
    /// It raises an error.
    Refuses,
    /// It has statements.
    Acts,
}

/// Judges the SQL of a way back.
pub(super) fn judge(text: &str) -> Script {
    let upper = mask(text, &SQL).to_ascii_uppercase();
    if upper.contains("RAISE EXCEPTION") || upper.contains("SIGNAL SQLSTATE") {
        return Script::Refuses;
    }
    if upper.split(';').any(|statement| acts(statement.trim())) { Script::Acts } else { Script::Idle }
}

fn acts(statement: &str) -> bool {
    let first = statement.split_whitespace().next().unwrap_or_default();
    match first {
        "" | "BEGIN" | "COMMIT" | "END" | "START" | "SET" | "PRAGMA" | "GO" => false,
        // `SELECT 1` is written where a tool wants a statement; a call or a table may do something.
        "SELECT" => statement.contains('(') || statement.contains(" FROM "),
        _ => true,
    }
}

/// The first statement of a migration that no way back can restore, as people name it.
pub(super) fn loses(text: &str) -> Option<&'static str> {
    let upper = mask(text, &SQL).to_ascii_uppercase();
    let words: Vec<&str> = upper.split_whitespace().collect();
    // SQLite changes a table by copying it, dropping the old one and renaming the copy: nothing is lost.
    let copies = words.windows(2).any(|pair| pair == ["RENAME", "TO"]);
    words.windows(2).find_map(|pair| match pair {
        ["DROP", "TABLE"] if !copies => Some("drops a table"),
        ["DROP", "COLUMN"] => Some("drops a column"),
        ["DELETE", "FROM"] => Some("deletes rows"),
        ["TRUNCATE", _] => Some("empties a table"),
        _ => None,
    })
}

/// The part of a file that goes back: what follows a comment line that starts with `mark`, up to the next one that
/// starts with `other`. None where there is no such line.
pub(super) fn section(text: &str, mark: &str, other: &str) -> Option<String> {
    let says = |line: &str, mark: &str| {
        let comment = line.trim_start().strip_prefix("--").map(str::trim_start).unwrap_or_default();
        comment.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark))
    };
    let mut found = None::<String>;
    let mut inside = false;
    for line in text.lines() {
        if says(line, mark) {
            inside = true;
            found.get_or_insert_default();
        } else if says(line, other) {
            inside = false;
        } else if let Some(found) = found.as_mut().filter(|_| inside) {
            found.push_str(line);
            found.push('\n');
        }
    }
    found
}
