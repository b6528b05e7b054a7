//! The table of deployments for people: aligned, and as wide as the terminal.

use unicode_width::UnicodeWidthStr as _;

use super::pages::{HistoryPage, HistoryRow};
use super::text;

/// A longer version name is cut: the columns after it stay in sight.
const VERSION_MAX: usize = 32;
/// Narrower than this, notes are no reading: they stand under their row.
const NOTES_MIN: usize = 24;

/// The table with aligned columns; notes are cut to `columns`, where there is a terminal.
#[must_use]
pub fn plain(page: &HistoryPage, columns: Option<usize>) -> String {
    if page.rows.is_empty() {
        return "no deployment is recorded yet\n".to_owned();
    }
    let head = ["Date", "Version", "Type", "Status", "Rollback"].map(str::to_owned);
    let cells = |row: &HistoryRow| {
        [&row.date, &row.version, &row.kind, &row.status, &row.rollback]
            .map(|cell| text::line(cell, VERSION_MAX))
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(page.rows.iter().map(cells)).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|at| rows.iter().map(|row| row[at].width()).max().unwrap_or(0));
    let left = widths.iter().map(|width| width + 2).sum::<usize>();
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(left));
    let (indent, room) = match columns {
        Some(columns) if room < NOTES_MIN => ("\n  ", columns.saturating_sub(2).max(NOTES_MIN)),
        _ => ("", room),
    };
    let notes = std::iter::once("Notes").chain(page.rows.iter().map(|row| row.notes.as_str()));
    let lines = rows.iter().zip(notes).map(|(row, note)| {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| padded(cell, width)).collect();
        let note = text::line(note, room);
        let (cells, indent) =
            if indent.is_empty() { (cells.as_str(), "") } else { (cells.trim_end(), indent) };
        let under = if note.is_empty() { String::new() } else { format!("{indent}{note}") };
        format!("{}\n", format!("{cells}{under}").trim_end())
    });
    lines.collect()
}

fn padded(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()) + 2))
}

#[cfg(test)]
mod tests {
    use super::super::pages::{HistoryPage, HistoryRow};
    use super::plain;

    fn page() -> HistoryPage {
        let row = |version: &str, notes: &str| HistoryRow {
            date: "2026-11-23".to_owned(),
            version: version.to_owned(),
            kind: "Feature".to_owned(),
            status: "Success".to_owned(),
            rollback: "N/A".to_owned(),
            notes: notes.to_owned(),
        };
        HistoryPage {
            rows: vec![row("v1.4.0", "Totals in the cart, and much more than that"), row("版本", "")],
        }
    }

    #[test]
    fn a_pipe_gets_all_of_a_note_and_a_terminal_what_fits() {
        let whole = "\
Date        Version  Type     Status   Rollback  Notes
2026-11-23  v1.4.0   Feature  Success  N/A       Totals in the cart, and much more than that
2026-11-23  版本     Feature  Success  N/A
";
        assert_eq!(plain(&page(), None), whole);
        let cut = plain(&page(), Some(80));
        assert!(cut.contains("N/A       Totals in the cart, and m…(+18)\n"), "{cut}");
    }

    #[test]
    fn on_a_narrow_terminal_the_notes_stand_under_their_row() {
        let narrow = "\
Date        Version  Type     Status   Rollback
  Notes
2026-11-23  v1.4.0   Feature  Success  N/A
  Totals in the cart, and much more tha…(+6)
2026-11-23  版本     Feature  Success  N/A
";
        assert_eq!(plain(&page(), Some(44)), narrow);
    }
}
