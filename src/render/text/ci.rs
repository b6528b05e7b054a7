//! Foreign text in a CI log, where a line can be a command to the runner.

use super::{block, clean};

/// Several lines for a CI log, cleaned like [`block`], none of which the runner obeys.
///
/// GitHub's runner skips blanks before `::` and finds `##[` anywhere in a line, so indenting is not enough; the
/// first `:` of a line's leading `::` becomes `\x3a`, and the second `#` of `##[`, `##vso[` (Azure) and
/// `##teamcity[` becomes `\x23`.
#[must_use]
pub fn workflow_command(text: &str) -> String {
    let lines: Vec<String> = block(text).split('\n').map(defuse).collect();
    lines.join("\n")
}

/// The message of a GitHub annotation (`::error …::message`): cleaned, then `%` and line ends escaped.
#[must_use]
pub fn annotation_data(text: &str) -> String {
    block(text).replace('%', "%25").replace('\n', "%0A")
}

/// A property of a GitHub annotation (`title=…`): one cleaned line, with `%`, `:` and `,` escaped.
#[must_use]
pub fn annotation_property(text: &str) -> String {
    clean(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

fn defuse(line: &str) -> String {
    let blanks = line.len() - line.trim_start().len();
    let (indent, rest) = line.split_at(blanks);
    let (colon, mut rest) = match rest.strip_prefix("::") {
        Some(_) => ("\\x3a", &rest[1..]),
        None => ("", rest),
    };
    let mut out = format!("{indent}{colon}");
    while let Some(at) = rest.find("##") {
        let after = &rest[at + 2..];
        let name = after.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        out.push_str(&rest[..=at]);
        // The second `#` is looked at again: it may be the first of another pair.
        rest = &rest[at + 1..];
        if name.starts_with('[') {
            out.push_str("\\x23");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}
