//! Two texts side by side, line by line.

/// The lines of both: those that are only expected begin with `-`, those that only came with `+`.
pub(super) fn diff(expected: &str, came: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), came.lines().collect());
    let common = common_suffixes(&left, &right);
    let (mut i, mut j) = (0, 0);
    let mut text = String::new();
    while i < left.len() || j < right.len() {
        let (mark, line) = if i < left.len() && j < right.len() && left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
            (' ', left[i - 1])
        } else if j == right.len() || (i < left.len() && common[i + 1][j] >= common[i][j + 1]) {
            i += 1;
            ('-', left[i - 1])
        } else {
            j += 1;
            ('+', right[j - 1])
        };
        text.push_str(&format!("  {mark}{}\n", visible(line)));
    }
    if expected.lines().eq(came.lines()) && expected != came {
        text.push_str("  (the line ends differ)\n");
    }
    text
}

fn visible(line: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    line.chars().map(show).collect()
}

/// For each pair of places, how many lines the rests have in common.
fn common_suffixes(left: &[&str], right: &[&str]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    common
}

#[test]
fn a_changed_line_stands_between_those_that_stayed() {
    assert_eq!(diff("a\nb\nc\n", "a\nx\nc\nd\n"), "   a\n  -b\n  +x\n   c\n  +d\n");
    assert_eq!(diff("a\n", "a"), "   a\n  (the line ends differ)\n");
}
