//! Whether SQL does anything, and which part of a file goes back.

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
    if ["RAISE EXCEPTION", "SIGNAL SQLSTATE", "RAISERROR", "THROW "].iter().any(|word| upper.contains(word)) {
        return Script::Refuses;
    }
    if upper.split(';').any(|statement| acts(statement.trim())) { Script::Acts } else { Script::Idle }
}

fn acts(statement: &str) -> bool {
    let first = statement.split_whitespace().next().unwrap_or_default();
    match first {
        "" | "BEGIN" | "COMMIT" | "END" | "START" | "SET" | "USE" | "PRAGMA" | "GO" | "PRINT" => false,
        // `SELECT 1` is written where a tool wants a statement; a call or a table may do something.
        "SELECT" => statement.contains('(') || statement.contains(" FROM "),
        _ => true,
    }
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
