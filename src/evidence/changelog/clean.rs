//! The words of a line of Markdown as its reader sees them: link targets, link definitions and marks left out.
//! What is left is foreign text like any other.

/// The longest target of a link that is looked through, in characters.
const TARGET_MAX: usize = 300;

/// A heading's words: no link targets, no bold marks, and no brackets at all, for `[1.4.0]` is a link.
pub(super) fn heading(line: &str) -> String {
    spaced(&unlinked(line).replace(['[', ']'], " "))
}

/// An entry's words: no link targets and no bold marks; other brackets stay.
pub(super) fn entry(line: &str) -> String {
    spaced(&unlinked(line))
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unlinked(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    // Where the brackets stand in `out` that a link may still close.
    let mut open: Vec<usize> = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(['[', ']', '*', '!']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let mark = &tail[..1];
        rest = &tail[1..];
        match mark {
            "!" if rest.starts_with('[') => {}
            "*" if rest.starts_with('*') => rest = &rest[1..],
            "[" => {
                open.push(out.len());
                out.push('[');
            }
            "]" => match (open.pop(), target(rest)) {
                (Some(start), Some(after)) => {
                    out.replace_range(start..=start, "");
                    rest = after;
                }
                // `[#12]` is a link whose target stands at the end of the file.
                (Some(start), None) if is_issue(&out[start + 1..]) => out.replace_range(start..=start, ""),
                _ => out.push(']'),
            },
            mark => out.push_str(mark),
        }
    }
    out.push_str(rest);
    out
}

fn is_issue(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// What follows the target of a link, `(…)` or `[…]`, when one stands here.
fn target(after: &str) -> Option<&str> {
    if let Some(reference) = after.strip_prefix('[') {
        let end = reference.char_indices().take(TARGET_MAX).find(|(_, c)| matches!(c, '[' | ']'))?;
        return (end.1 == ']').then(|| &reference[end.0 + 1..]);
    }
    let inner = after.strip_prefix('(')?;
    let mut depth = 1;
    for (at, c) in inner.char_indices().take(TARGET_MAX) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&inner[at + 1..]);
        }
    }
    None
}

/// A line without the HTML comments on it, and whether one is left open at its end. One that is closed neither here
/// nor further down, where `closes_below`, hides nothing.
pub(super) fn without_comments(line: &str, mut open: bool, closes_below: bool) -> (String, bool) {
    let mut out = String::new();
    let mut rest = line;
    loop {
        let mark = if open { "-->" } else { "<!--" };
        let Some((before, after)) = rest.split_once(mark) else { break };
        if !open && !closes_below && !after.contains("-->") {
            break;
        }
        if !open {
            out.push_str(before);
        }
        rest = after;
        open = !open;
    }
    if !open {
        out.push_str(rest);
    }
    (out, open)
}

/// Whether a line holds nothing but HTML tags, such as `<a name="1.4.0"></a>` or `</details>`.
pub(super) fn only_tags(line: &str) -> bool {
    let mut rest = line.trim();
    while let Some(after) = rest.strip_prefix('<') {
        match after.split_once('>') {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
    rest.is_empty() && !line.trim().is_empty()
}
