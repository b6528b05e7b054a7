//! A table for people: aligned, and as wide as the terminal.

use unicode_width::UnicodeWidthStr as _;

use super::text;

/// On a terminal a longer cell is cut: the columns after it stay in sight.
const CELL_MAX: usize = 32;
/// Narrower than this, the last column is no reading: it stands under its row.
const LAST_MIN: usize = 24;

/// Rows of `N` cells under their titles, aligned; none is no text. The last cell of a row takes what is left of `columns`,
/// where there is a terminal; elsewhere nothing is cut.
#[must_use]
pub fn aligned<const N: usize>(titles: [&str; N], rows: &[[&str; N]], columns: Option<usize>) -> String {
    let most = columns.map_or(usize::MAX, |_| CELL_MAX);
    let all: Vec<[String; N]> = std::iter::once(&titles)
        .chain(rows)
        .map(|row| std::array::from_fn(|at| text::line(row[at], if at + 1 < N { most } else { usize::MAX })))
        .collect();
    let widths: [usize; N] =
        std::array::from_fn(|at| all.iter().map(|row| row[at].width()).max().unwrap_or(0) + 2);
    let left: usize = widths.iter().take(N - 1).sum();
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(left));
    let (indent, room) = match columns {
        Some(columns) if room < LAST_MIN => ("\n  ", columns.saturating_sub(2).max(LAST_MIN)),
        _ => ("", room),
    };
    let lines = std::iter::once(&titles).chain(rows).zip(&all).map(|(source, row)| {
        let cells: String =
            row.iter().zip(widths).take(N - 1).map(|(cell, width)| padded(cell, width)).collect();
        let last = text::line(source[N - 1], room);
        match (indent, last.is_empty()) {
            (_, true) => format!("{}\n", cells.trim_end()),
            ("", false) => format!("{cells}{last}\n"),
            (indent, false) => format!("{}{indent}{last}\n", cells.trim_end()),
        }
    });
    lines.collect()
}

fn padded(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
}

#[cfg(test)]
mod tests {
    use super::aligned;

    fn shown(columns: Option<usize>) -> String {
        let row = |version, notes| ["2026-11-23", version, "Feature", "Success", "N/A", notes];
        let rows = [row("v1.4.0", "Totals in the cart, and much more than that"), row("版本", "")];
        aligned(["Date", "Version", "Type", "Status", "Rollback", "Notes"], &rows, columns)
    }

    #[test]
    fn a_pipe_gets_all_of_a_note_and_a_terminal_what_fits() {
        let whole = "\
Date        Version  Type     Status   Rollback  Notes
2026-11-23  v1.4.0   Feature  Success  N/A       Totals in the cart, and much more than that
2026-11-23  版本     Feature  Success  N/A
";
        assert_eq!(shown(None), whole);
        let cut = shown(Some(80));
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
        assert_eq!(shown(Some(44)), narrow);
    }
}
