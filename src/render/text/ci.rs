//! Foreign text in a CI log, where a line can be a command to the runner.

use super::{block, clean};

/// Several lines for a CI log, cleaned like [`block`], none of which the runner obeys.
///
/// GitHub's runner skips blanks before `::` and finds `##[` anywhere in a line, so indenting is not enough; the
/// first `:` of a line's leading `::` becomes `\x3a`, and the second `#` of `##[`, `##vso[` (Azure) and
/// `##teamcity[` becomes `\x23`.
#[must_use]
pub fn workflow_command(text: &str) -> String {
    defused(&block(text))
}

/// The same for what is clean already, so that nothing is escaped twice. The runner ends a line at `\r` too.
#[must_use]
pub fn defused(text: &str) -> String {
    let lines: Vec<String> = text.replace('\r', "\\r").split('\n').map(defuse).collect();
    lines.join("\n")
}

/// The message of a GitHub annotation (`::error …::message`): cleaned and harmless, then `%` and line ends escaped.
#[must_use]
pub fn annotation_data(text: &str) -> String {
    workflow_command(text).replace('%', "%25").replace('\n', "%0A")
}

/// The message of a GitHub annotation that has these lines and no others: each is cleaned and kept on one.
#[must_use]
pub fn annotation_lines(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| defuse(&clean(line)).replace('%', "%25")).collect();
    lines.join("%0A")
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
