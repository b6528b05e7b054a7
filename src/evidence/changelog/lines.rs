//! A changelog's lines as sections of entries: headings, lists, wrapped lines, paragraphs and tables. Code blocks,
//! comments and link definitions say nothing.

use super::clean;
use super::heading::{self, Heading, SectionName};
use crate::evidence::commits::Breaking;
use crate::evidence::commits::marks;

/// The most characters that are kept of an entry: longer ones end with `…`.
const ENTRY_MAX: usize = 600;
/// The most characters that are kept of the headings above an entry: each of its entries has them.
const GROUP_MAX: usize = 200;
/// The longest line that is looked at, in bytes; the rest of a longer one is left out.
const LINE_MAX: usize = 4_000;

/// One section of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: SectionName,
    pub(super) entries: Vec<Entry>,
}

/// One thing that a section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The heading that it stands under, such as `Added`; empty without one.
    pub(super) group: String,
    pub(super) text: String,
    pub(super) breaking: Breaking,
}

/// Reads a whole file. Total: any text gives sections, perhaps none.
pub(super) fn read(text: &str, plain_text: bool) -> Vec<Section> {
    let lines: Vec<&str> = text.lines().map(|line| shortened(line, LINE_MAX)).collect();
    let hidden = hidden(&lines);
    let mut reader = Reader { plain_text, ..Reader::default() };
    let mut at = 0;
    let mut comment = false;
    let last_end = (0..lines.len()).rev().find(|at| !hidden[*at] && lines[*at].contains("-->")).unwrap_or(0);
    while at < lines.len() {
        if hidden[at] {
            at += 1;
            continue;
        }
        let (line, open) = clean::without_comments(lines[at], comment, last_end > at);
        let inside = comment && open;
        comment = open;
        let below = lines.get(at + 1).filter(|_| !hidden.get(at + 1).copied().unwrap_or(true));
        let underlined = below.and_then(|below| underline(&line, below)).filter(|_| !inside);
        match underlined {
            Some(level) => {
                reader.heading(line.trim(), level);
                at += 2;
            }
            None => {
                if !(inside || line.trim().is_empty() && !lines[at].trim().is_empty()) {
                    reader.line(&line);
                }
                at += 1;
            }
        }
    }
    reader.close();
    reader.sections
}

fn shortened(text: &str, max: usize) -> &str {
    if text.len() <= max { text } else { &text[..text.floor_char_boundary(max)] }
}

/// The level of the heading that a line of `=` or `-` makes of the one above it.
fn underline(line: &str, below: &str) -> Option<usize> {
    let (line, below) = (line.trim(), below.trim_end());
    let mark = below.chars().next().filter(|mark| matches!(mark, '=' | '-' | '^'))?;
    let drawn = below.len() >= 3 && below.chars().all(|c| c == mark);
    let words = !line.is_empty() && !line.starts_with(['#', '-', '*', '+', '|', '>', '=']);
    (drawn && words).then_some(match mark {
        '=' => 1,
        '-' => 2,
        _ => 3,
    })
}

/// For each line, whether it is in a closed code block. One that is never closed hides nothing.
fn hidden(lines: &[&str]) -> Vec<bool> {
    let mut hidden = vec![false; lines.len()];
    // For backticks and tildes: the shortest fence that is known to have no end below.
    let mut endless = [usize::MAX; 2];
    let mut at = 0;
    while at < lines.len() {
        let Some((kind, length, _)) = fence(lines[at]).filter(|(kind, length, _)| *length < endless[*kind])
        else {
            at += 1;
            continue;
        };
        let closes = |line: &&str| fence(line).is_some_and(|(k, l, bare)| k == kind && l >= length && bare);
        match lines[at + 1..].iter().position(closes) {
            Some(more) => {
                hidden[at..=at + 1 + more].fill(true);
                at += more + 2;
            }
            None => {
                endless[kind] = length;
                at += 1;
            }
        }
    }
    hidden
}

/// A fence's kind, its length, and whether nothing follows it on its line.
fn fence(line: &str) -> Option<(usize, usize, bool)> {
    let line = line.trim();
    let mark = line.bytes().next().filter(|mark| matches!(mark, b'`' | b'~'))?;
    let length = line.bytes().take_while(|b| *b == mark).count();
    let rest = &line[length..];
    (length >= 3 && !rest.contains('`')).then_some((usize::from(mark == b'~'), length, rest.is_empty()))
}

#[derive(Default)]
struct Reader {
    plain_text: bool,
    sections: Vec<Section>,
    /// The level of the section's heading; none outside a section.
    level: Option<usize>,
    /// The headings of groups that are open, with their levels.
    groups: Vec<(usize, String)>,
    /// Whether what follows are names of people.
    people: bool,
    /// The entry that is being read.
    open: Option<Open>,
    /// A row that may be the heading of a table.
    row: Option<String>,
}

struct Open {
    /// How far its mark is indented; none for a paragraph.
    indent: Option<usize>,
    text: String,
    breaking: Breaking,
    /// Whether a blank line came after it.
    ended: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            self.blank();
            return;
        }
        let marks = trimmed.bytes().take_while(|b| *b == b'#').count();
        let rest = &trimmed[marks.min(trimmed.len())..];
        if (1..=6).contains(&marks)
            && line.len() - line.trim_start().len() < 4
            && rest.starts_with([' ', '\t', '['])
        {
            self.heading(rest, marks);
            return;
        }
        if self.is_lone_heading(line)
            || clean::only_tags(trimmed)
            || is_rule(trimmed)
            || is_definition(trimmed)
        {
            return;
        }
        if self.level.is_none() || self.people {
            return;
        }
        let indent = indent(line);
        match item(trimmed) {
            Some(text) => self.item(indent, text),
            None if trimmed.starts_with('|') => self.table(trimmed),
            None => self.prose(indent, trimmed),
        }
    }

    /// `1.4.0 / 2026-01-02` in a file without markup, or `**1.4.0**` in one with it.
    fn is_lone_heading(&mut self, line: &str) -> bool {
        let bold = line.starts_with("**") && line.trim_end().ends_with("**");
        let text = self.plain_text && !line.starts_with([' ', '\t', '-', '*', '+']);
        if !(bold || text) || line.len() > 120 {
            return false;
        }
        match heading::read(line, 3) {
            Heading::Section(name) if name.name.is_some() => {
                self.section(name, 3);
                true
            }
            _ => false,
        }
    }

    fn heading(&mut self, text: &str, level: usize) {
        match heading::read(text, level) {
            Heading::Section(name) => self.section(name, level),
            Heading::People => {
                self.close();
                self.people = true;
            }
            Heading::Group(group) => self.group(group, level),
        }
    }

    fn section(&mut self, name: SectionName, level: usize) {
        self.close();
        self.groups.clear();
        self.people = false;
        self.level = Some(level);
        self.sections.push(Section { name, entries: vec![] });
    }

    fn group(&mut self, group: String, level: usize) {
        self.close();
        self.people = false;
        let Some(own) = self.level else { return };
        // Patch releases of standard-version have the level of their groups, and so have notes that GitHub wrote.
        if level < own {
            self.level = None;
            return;
        }
        while self.groups.last().is_some_and(|(other, _)| *other >= level) {
            self.groups.pop();
        }
        self.groups.push((level, capped(group, GROUP_MAX)));
    }

    fn blank(&mut self) {
        self.row = None;
        match &mut self.open {
            Some(open) if open.indent.is_some() => open.ended = true,
            _ => self.close(),
        }
    }

    fn item(&mut self, indent: usize, text: &str) {
        let breaking = self.judge(text);
        let nested = self.open.as_ref().and_then(|open| open.indent).is_some_and(|outer| indent > outer + 1);
        // A mark of its own makes an entry of its own.
        if nested && breaking == Breaking::None {
            if let Some(open) = &mut self.open {
                let joint = if open.text.ends_with(':') { " " } else { "; " };
                append(&mut open.text, joint, text);
            }
            return;
        }
        let indent = if nested { self.open.as_ref().and_then(|open| open.indent) } else { Some(indent) };
        self.close();
        self.open = Some(Open { indent, text: shortened(text, LINE_MAX).to_owned(), breaking, ended: false });
    }

    fn prose(&mut self, indent: usize, text: &str) {
        let breaking = self.judge(text);
        let continues = self.open.as_ref().is_some_and(|open| match open.indent {
            Some(outer) => !open.ended || indent > outer,
            None => true,
        });
        match &mut self.open {
            Some(open) if continues => {
                append(&mut open.text, " ", text);
                open.breaking = strongest(open.breaking, breaking);
            }
            _ => {
                self.close();
                self.open = Some(Open { indent: None, text: text.to_owned(), breaking, ended: false });
            }
        }
    }

    /// A row of a table is an entry; the one above the ruler is its heading.
    fn table(&mut self, line: &str) {
        let ruler = line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ')) && line.contains('-');
        self.close();
        if ruler {
            self.row = None;
            if let (Some(section), true) = (self.sections.last_mut(), self.level.is_some()) {
                section.entries.pop();
            }
            return;
        }
        let cells: Vec<&str> =
            line.trim_matches('|').split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let text = cells.join(" · ");
        let breaking = self.judge(&text);
        self.open = Some(Open { indent: None, text, breaking, ended: false });
        self.close();
    }

    fn group_name(&self) -> String {
        let names: Vec<&str> = self.groups.iter().map(|(_, name)| name.as_str()).collect();
        capped(names.join(", "), GROUP_MAX)
    }

    fn judge(&self, text: &str) -> Breaking {
        if is_bold_label(text) {
            return Breaking::Declared;
        }
        let words = text.replace("**", "");
        let under = self.groups.iter().any(|(_, group)| heading::breaks(group));
        match marks::line(&words) {
            marks::Line::Denied => Breaking::None,
            marks::Line::Labelled => Breaking::Declared,
            _ if under => Breaking::Declared,
            marks::Line::Prose => Breaking::Possible,
            marks::Line::Silent => Breaking::None,
        }
    }

    /// The entry that is being read is whole.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let text = clean::entry(&open.text);
        let group = self.group_name();
        let Some(section) = self.sections.last_mut().filter(|_| self.level.is_some()) else { return };
        if !says_nothing(&text) {
            section.entries.push(Entry { group, text: capped(text, ENTRY_MAX), breaking: open.breaking });
        }
    }
}

/// `**BREAKING** …`, without a colon.
fn is_bold_label(text: &str) -> bool {
    let Some((label, rest)) = text.strip_prefix("**").and_then(|text| text.split_once("**")) else {
        return false;
    };
    let label = label.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let names = matches!(label.as_str(), "breaking" | "breaking change" | "breaking changes");
    names && !matches!(marks::line(rest.trim_start_matches([':', ' '])), marks::Line::Denied)
}

const fn strongest(one: Breaking, other: Breaking) -> Breaking {
    match (one, other) {
        (Breaking::Declared, _) | (_, Breaking::Declared) => Breaking::Declared,
        (Breaking::Possible, _) | (_, Breaking::Possible) => Breaking::Possible,
        (Breaking::None, Breaking::None) => Breaking::None,
    }
}

fn append(to: &mut String, joint: &str, text: &str) {
    if to.len() < LINE_MAX {
        to.push_str(joint);
        to.push_str(text);
    }
}

fn capped(mut text: String, max: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(max) {
        text.truncate(at);
        text.push('…');
    }
    text
}

fn indent(line: &str) -> usize {
    line.bytes()
        .map_while(|b| match b {
            b' ' => Some(1),
            b'\t' => Some(4),
            _ => None,
        })
        .sum()
}

/// The text of a list's item, of any of the marks that are in use.
fn item(line: &str) -> Option<&str> {
    let marked = line.strip_prefix(['-', '*', '+', '•']).filter(|rest| rest.starts_with([' ', '\t']));
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = || {
        let rest = line[digits..].strip_prefix(['.', ')']).filter(|_| (1..4).contains(&digits))?;
        rest.starts_with([' ', '\t']).then_some(rest)
    };
    marked.or_else(numbered).map(str::trim)
}

fn is_rule(line: &str) -> bool {
    let mark = line.chars().next().filter(|c| matches!(c, '-' | '=' | '*' | '_' | '~' | '^'));
    mark.is_some_and(|mark| line.len() >= 3 && line.chars().all(|c| c == mark || c == ' '))
}

/// `[1.4.0]: https://…`, which only says where a link goes.
fn is_definition(line: &str) -> bool {
    line.starts_with('[') && line.split_once("]:").is_some_and(|(name, _)| !name[1..].contains('['))
}

/// Lines of which nobody learns anything: links to comparisons, and "no changes".
fn says_nothing(text: &str) -> bool {
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let link = ["full changelog", "compare changes", "view changes", "see diff", "commits"];
    link.iter()
        .any(|start| bare.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
        || matches!(
            bare,
            "" | "none" | "no changes" | "nothing" | "nothing yet" | "n/a" | "no notable changes" | "tbd"
        )
}
