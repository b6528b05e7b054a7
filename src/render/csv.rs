//! Tables for spreadsheets (RFC 4180).

use serde_json::Value;

use super::text;

/// The columns of the table of deployments: the workflow document's six, and what auditors ask for besides. Each with its place
/// in a row of `history --json`.
pub const DEPLOYMENTS: &[(&str, &str)] = &[
    ("Date", "/date"),
    ("Version", "/version"),
    ("Type", "/type"),
    ("Status", "/status"),
    ("Rollback", "/rollback"),
    ("Notes", "/notes"),
    ("Environment", "/environment"),
    ("Started", "/started_at"),
    ("Ended", "/ended_at"),
    ("Commit", "/commit"),
    ("Previous", "/previous/version"),
    ("Request", "/request/id"),
    ("Executed by", "/executed_by"),
    ("Approved by", "/approved_by"),
    ("Recorded in", "/recorded_in"),
];

/// The columns of the modification history: the workflow document's six, and where each line is from.
pub const MODIFICATIONS: &[(&str, &str)] = &[
    ("Date", "/date"),
    ("Time", "/time"),
    ("Agent", "/by"),
    ("Action", "/action"),
    ("Details", "/details"),
    ("Reason", "/reason"),
    ("Environment", "/environment"),
    ("Signed", "/signed"),
    ("Entry", "/entry"),
];

/// The columns of the measures.
pub const METRICS: &[(&str, &str)] = &[
    ("Environment", "/environment"),
    ("Measure", "/title"),
    ("Value", "/value"),
    ("Unit", "/unit"),
    ("Days between", "/days_between"),
    ("Samples", "/samples"),
    ("Not counted", "/not_counted"),
    ("Recorded", "/recorded"),
    ("Definition", "/definition"),
];

/// The columns of what a measure came from.
pub const ENTRIES: &[(&str, &str)] = &[
    ("Environment", "/environment"),
    ("Measure", "/measure"),
    ("Entry", "/entry"),
    ("Version", "/version"),
    ("Commit", "/commit"),
    ("From", "/from"),
    ("To", "/to"),
    ("Value", "/value"),
    ("Counted", "/counted"),
    ("Recorded", "/recorded"),
    ("Why", "/why"),
];

/// One line a row, under the titles of the columns.
#[must_use]
pub fn table(columns: &[(&str, &str)], rows: &[Value]) -> String {
    let head = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let cells = |row: &Value| columns.iter().map(|(_, place)| quoted(&plain(row.pointer(place)))).collect();
    let lines = std::iter::once(head).chain(rows.iter().map(cells));
    lines.map(|cells: Vec<String>| format!("{}\r\n", cells.join(","))).collect()
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(several)) => {
            several.iter().map(|one| plain(Some(one))).collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

/// A cell in quotes where it needs them. What a spreadsheet would take for a formula gets an apostrophe before it, as OWASP
/// advises (owasp.org, "CSV Injection"): versions and notes are other people's words.
fn quoted(cell: &str) -> String {
    let clean = text::line(cell, usize::MAX);
    let is_formula = clean.starts_with(['=', '+', '-', '@']);
    let cell = if is_formula { format!("'{clean}") } else { clean };
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{DEPLOYMENTS, table};

    #[test]
    fn a_formula_a_comma_and_a_quote_stay_text() {
        let row = json!({
            "date": "2026-11-23",
            "version": "=1+1",
            "notes": "@sum(a), \"b\"\r\nforged",
            "approved_by": ["alice", "bob"],
            "previous": null,
        });
        let written = table(DEPLOYMENTS, &[row]);
        let rest = "2026-11-23,'=1+1,,,,\"'@sum(a), \"\"b\"\"\\r\\nforged\",,,,,,,,alice bob,\r\n";
        assert_eq!(written.split_once("\r\n").map(|(_, rows)| rows), Some(rest));
    }
}
