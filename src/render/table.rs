//! A table for people: aligned, and as wide as the terminal.

use unicode_width::UnicodeWidthStr as _;

use super::{text, wrap};

/// On a terminal a longer cell is cut: the columns after it stay in sight.
const CELL_MAX: usize = 32;
/// Where that is too much for the terminal, a cell is cut at less, but never at less than this.
const CELL_MIN: usize = 14;
/// Narrower than this, the last column is no reading: it stands under its row.
const LAST_MIN: usize = 24;
/// Narrower than this, it stands there as well where one of its cells would be cut.
const LAST_WHOLE: usize = 40;

/// Rows of `N` cells under their titles, aligned; none is no text. The last `notes` cells of a row, one or two, take what is
/// left of `columns`, where there is a terminal, or stand below their row; elsewhere nothing is cut. Where not even short
/// cells fit beside each other, each row is a list.
#[must_use]
pub fn aligned<const N: usize>(
    titles: [&str; N],
    rows: &[[&str; N]],
    notes: usize,
    columns: Option<usize>,
) -> String {
    let Some(columns) = columns else { return beside(titles, rows, (usize::MAX, N), usize::MAX) };
    let first = N - notes;
    let fits = |most: usize, cells: usize| {
        widths(&titles, rows, (most, first)).iter().take(cells).sum::<usize>() <= columns + 2
    };
    // A note is never cut for what follows it, nor anything for a note.
    if notes < 2 || fits(CELL_MAX, N - 1) {
        let most = (CELL_MIN..=CELL_MAX).rev().find(|most| fits(*most, N - 1));
        return match most {
            Some(most) => beside(titles, rows, (most, first), columns),
            None => listed(titles, rows, columns),
        };
    }
    match (CELL_MIN..=CELL_MAX).rev().find(|most| fits(*most, first)) {
        Some(most) => below(titles, rows, (most, first), first, columns),
        None => listed(titles, rows, columns),
    }
}

fn whole_width(cell: &str) -> usize {
    text::line(cell, usize::MAX).width()
}

/// The first cells beside each other, and below them each of the others on a line of its own, further to the right.
fn below<const N: usize>(
    titles: [&str; N],
    rows: &[[&str; N]],
    most: (usize, usize),
    first: usize,
    columns: usize,
) -> String {
    let widths = widths(&titles, rows, most);
    let lines = std::iter::once(&titles).chain(rows).map(|row| {
        let (beside, below) = row.split_at(first);
        let cells = cells(beside, &widths, most);
        let below = below.iter().zip((2..).step_by(2)).filter(|(cell, _)| !cell.is_empty());
        let below = below.map(|(cell, indent)| {
            format!("{}{}\n", " ".repeat(indent), text::line(cell, columns.saturating_sub(indent)))
        });
        format!("{}\n{}", cells.trim_end(), below.collect::<String>())
    });
    lines.collect()
}

/// The same for words of this program's own, which are never cut: a cell goes on below.
#[must_use]
pub fn whole<const N: usize>(titles: [&str; N], rows: &[[&str; N]], columns: Option<usize>) -> String {
    let Some(columns) = columns else { return beside(titles, rows, (usize::MAX, N), usize::MAX) };
    // A cell that goes on below is as wide as it may be, wherever a cut one would end.
    let full = widths(&titles, rows, (usize::MAX, N));
    let widths = |most: usize| full.map(|width| width.min(most.saturating_add(2)));
    let fits = |most: &usize| widths(*most).iter().sum::<usize>() <= columns + 2;
    match [usize::MAX].into_iter().chain((CELL_MIN..=CELL_MAX).rev()).find(fits) {
        Some(most) => std::iter::once(&titles).chain(rows).map(|row| folded(row, widths(most))).collect(),
        None => listed(titles, rows, columns),
    }
}

/// A row of as many lines as its longest cell needs.
fn folded<const N: usize>(row: &[&str; N], widths: [usize; N]) -> String {
    let cells: [Vec<String>; N] = std::array::from_fn(|at| wrap::lines(row[at], Some(widths[at] - 2)));
    let lines = (0..cells.iter().map(Vec::len).max().unwrap_or_default()).map(|line| {
        let cell = |at: usize| padded(cells[at].get(line).map_or("", String::as_str), widths[at]);
        format!("{}\n", (0..N).map(cell).collect::<String>().trim_end())
    });
    lines.collect()
}

/// How wide each column is, with the gap after it: at most so wide, but for those from a place on, which are whole.
fn widths<const N: usize>(titles: &[&str; N], rows: &[[&str; N]], most: (usize, usize)) -> [usize; N] {
    let width = |row: &[&str; N], at: usize| text::line(row[at], most_at(most, at)).width() + 2;
    std::array::from_fn(|at| {
        std::iter::once(titles).chain(rows).map(|row| width(row, at)).max().unwrap_or_default()
    })
}

/// How wide the cells of a column may be, the narrow ones and where the whole ones begin.
const fn most_at((most, whole): (usize, usize), at: usize) -> usize {
    if at < whole { most } else { usize::MAX }
}

/// Cells as wide as their columns.
fn cells(row: &[&str], widths: &[usize], most: (usize, usize)) -> String {
    let cells = row.iter().zip(widths).enumerate();
    cells.map(|(at, (cell, width))| padded(&text::line(cell, most_at(most, at)), *width)).collect()
}

/// Cells beside each other, each but the last at most so wide.
fn beside<const N: usize>(
    titles: [&str; N],
    rows: &[[&str; N]],
    most: (usize, usize),
    columns: usize,
) -> String {
    let widths = widths(&titles, rows, most);
    let left: usize = widths.iter().take(N - 1).sum();
    let room = columns.saturating_sub(left);
    let is_cut = rows.iter().any(|row| whole_width(row[N - 1]) > room);
    if room < LAST_MIN || (room < LAST_WHOLE && is_cut) {
        return below(titles, rows, most, N - 1, columns);
    }
    let lines = std::iter::once(&titles).chain(rows).map(|row| {
        let cells = cells(&row[..N - 1], &widths, most);
        format!("{}\n", format!("{cells}{}", text::line(row[N - 1], room)).trim_end())
    });
    lines.collect()
}

/// Each row as a list of its cells, all of them whole.
fn listed<const N: usize>(titles: [&str; N], rows: &[[&str; N]], columns: usize) -> String {
    let indent = titles.iter().map(|title| title.width()).max().unwrap_or_default() + 2;
    let cell = |(title, cell): (&&str, &&str)| -> String {
        let lines = wrap::lines(cell, Some(columns.saturating_sub(indent)));
        let titled = std::iter::once(*title).chain(std::iter::repeat(""));
        titled.zip(&lines).map(|(title, line)| format!("{}{line}\n", padded(title, indent))).collect()
    };
    let row = |row: &[&str; N]| -> String {
        titles.iter().zip(row).filter(|(_, cell)| !cell.is_empty()).map(cell).collect()
    };
    rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn padded(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    use super::{aligned, whole};

    fn shown(columns: Option<usize>) -> String {
        let row = |version, notes| ["2026-11-23", version, "Feature", "Success", "N/A", notes];
        let rows = [row("v1.4.0", "Totals in the cart, and much more than that"), row("版本", "")];
        aligned(["Date", "Version", "Type", "Status", "Rollback", "Notes"], &rows, 1, columns)
    }

    #[test]
    fn a_pipe_gets_all_of_a_note_and_a_terminal_what_fits() {
        let whole = "\
Date        Version  Type     Status   Rollback  Notes
2026-11-23  v1.4.0   Feature  Success  N/A       Totals in the cart, and much more than that
2026-11-23  版本     Feature  Success  N/A
";
        assert_eq!(shown(None), whole);
        let cut = shown(Some(100));
        assert!(cut.contains("N/A       Totals in the cart, and much more than that\n"), "{cut}");
        let row = ["2026-11-23", "v1.4.0", "Feature", "Success", "N/A", &"long note ".repeat(9)];
        let titles = ["Date", "Version", "Type", "Status", "Rollback", "Notes"];
        let cut = aligned(titles, &[row], 1, Some(90));
        assert!(cut.contains("  N/A       long note long note long note ") && cut.contains("…(+"), "{cut}");
        // Where the cut would take most of a note, it has the line below for itself.
        let below = aligned(titles, &[row], 1, Some(80));
        assert!(below.contains("Rollback\n  Notes\n"), "{below}");
        assert!(
            below.contains("\n  long note long note long note long note long note long note "),
            "{below}"
        );
        let short = ["2026-11-23", "v1.4.0", "Feature", "Success", "N/A", "a short note"];
        assert!(aligned(titles, &[short], 1, Some(80)).contains("N/A       a short note\n"));
    }

    #[test]
    fn on_a_narrow_terminal_the_notes_stand_under_their_row() {
        let narrow = "\
Date        Version  Type     Status   Rollback
  Notes
2026-11-23  v1.4.0   Feature  Success  N/A
  Totals in the cart, and much more than that
2026-11-23  版本     Feature  Success  N/A
";
        assert_eq!(shown(Some(47)), narrow);
    }

    #[test]
    fn two_notes_stand_under_their_row_where_the_first_would_be_cut() {
        let titles = ["Date", "Agent", "Action", "Details", "Reason"];
        let row = |details| ["2026-11-23", "signed: alice", "approved", details, "it is right"];
        let long = row("deploy production v1.4.0-rc.10-7f3a9c2");
        let below = "\
Date        Agent          Action
  Details
    Reason
2026-11-23  signed: alice  approved
  deploy production v1.4.0-rc.10-7f3a9c2
    it is right
";
        assert_eq!(aligned(titles, &[long], 2, Some(70)), below);
        // Where the terminal is wide enough it is not cut, however long it is.
        let wide = aligned(titles, &[long], 2, Some(80));
        assert!(wide.contains("approved  deploy production v1.4.0-rc.10-7f3a9c2\n  it is right\n"), "{wide}");
        let short = aligned(titles, &[row("policy 2")], 2, Some(80));
        assert!(short.contains("approved  policy 2  it is right\n"), "{short}");
        // Who stands first is never cut away, however narrow the terminal is.
        let foreign = "journal: alice (signed), and much more than there is room for".to_owned();
        let cut = aligned(titles, &[["2026-11-23", &foreign, "requested", "v1.4.0", ""]], 2, Some(40));
        assert!(cut.contains("  journal: al…(+50)  requested\n"), "{cut}");
    }

    #[test]
    fn words_of_our_own_are_never_cut() {
        let rows = [["production", "Failed deployment recovery time", "2"]];
        let titles = ["Environment", "Measure", "Samples"];
        let folded = "\
Environment  Measure             Samples
production   Failed deployment   2
             recovery time
";
        assert_eq!(whole(titles, &rows, Some(40)), folded);
        let list = "\
Environment  production
Measure      Failed
             deployment
             recovery time
Samples      2
";
        assert_eq!(whole(titles, &rows, Some(28)), list);
        assert_eq!(whole(titles, &rows, Some(60)), whole(titles, &rows, None));
        // Where an escape does not fit beside the note of a cut.
        let narrow =
            whole(["A", "B"], &[["0123456789012345678901234567890123", "\u{11127}0123456789"]], Some(50));
        assert!(narrow.lines().all(|line| line.width() <= 50), "{narrow}");
    }

    #[test]
    fn on_a_narrower_one_each_row_is_a_list() {
        let list = "\
Date      2026-11-23
Version   v1.4.0
Type      Feature
Status    Success
Rollback  N/A
Notes     Totals in the cart, and much
          more than that

Date      2026-11-23
Version   版本
Type      Feature
Status    Success
Rollback  N/A
";
        assert_eq!(shown(Some(40)), list);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            cells in proptest::collection::vec(["\\PC{0,50}", "\\PC{0,20}", "\\PC{0,50}", "\\PC{0,80}"], 1..4),
            columns in 30_usize..120,
        ) {
            let rows: Vec<[&str; 4]> = cells.iter().map(|row| std::array::from_fn(|at| row[at].as_str())).collect();
            for notes in [1, 2] {
                let table = aligned(["Date", "Who", "What was done", "Why"], &rows, notes, Some(columns));
                prop_assert!(table.lines().all(|line| line.width() <= columns), "{}", table);
            }
            let table = whole(["Date", "Who", "What was done", "Why"], &rows, Some(columns));
            prop_assert!(table.lines().all(|line| line.width() <= columns), "{}", table);
        }
    }
}
