//! The texts of records on the page: requests, checklists, reports, samples. As many as a browser takes.

use crate::render::pages::html::Document;
use crate::render::text;

/// The most of one text, in bytes: some twelve hundred lines.
const TEXT_MAX: usize = 64 << 10;
/// The most of all of them as the page has them, in bytes.
const ALL_MAX: usize = 5 << 20;

/// What there is still room for.
pub(super) struct Texts {
    room: usize,
    left_out: usize,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { room: ALL_MAX, left_out: 0 }
    }

    /// How many were left out or cut so far.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// A text, cut at a line where it is too long, or only what shows it where there is no room left. `shown_by` is a
    /// command.
    pub(super) fn document(&mut self, title: &str, bytes: &[u8], shown_by: &str) -> Document {
        let whole = String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| text::bytes(bytes));
        let shown = head(&whole);
        let cost = text::html(shown).len();
        let (shown, what) = match cost > self.room {
            true => ("", "left out here"),
            false => (shown, "cut here"),
        };
        self.room -= if shown.is_empty() { 0 } else { cost };
        let is_whole = shown.len() == whole.len();
        self.left_out += usize::from(!is_whole);
        let size = text::thousands(bytes.len());
        let note = if is_whole {
            String::new()
        } else {
            format!("It is {what}: all {size} bytes are shown by `{shown_by}`.")
        };
        Document { title: title.to_owned(), note, text: shown.to_owned() }
    }

    /// Lines of the page's own making; nothing where there is no room left.
    pub(super) fn lines(&mut self, lines: String) -> String {
        let cost = lines.len();
        if cost > self.room {
            self.left_out += 1;
            return String::new();
        }
        self.room -= cost;
        lines
    }
}

/// As many whole lines as one text may have, or as many characters where there is but one line.
fn head(text: &str) -> &str {
    if text.len() <= TEXT_MAX {
        return text;
    }
    let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let end = text[..end].rfind('\n').map_or(end, |line| line + 1);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::{ALL_MAX, TEXT_MAX, Texts, head};

    #[test]
    fn a_long_text_is_cut_at_a_line_and_says_so() {
        let long = "a line\n".repeat(TEXT_MAX / 7 + 2);
        assert!(head(&long).ends_with("a line\n") && head(&long).len() <= TEXT_MAX);
        assert_eq!(head(&"é".repeat(TEXT_MAX)).len(), TEXT_MAX);
        let mut texts = Texts::new();
        let document = texts.document("Request", long.as_bytes(), "git show x");
        assert_eq!(document.note, "It is cut here: all 65,548 bytes are shown by `git show x`.");
        assert_eq!(texts.left_out(), 1);
    }

    #[test]
    fn where_there_is_no_room_left_the_command_stands_alone() {
        let mut texts = Texts::new();
        let text = "&".repeat(TEXT_MAX);
        let fits = ALL_MAX / (5 * TEXT_MAX);
        assert!((0..fits).all(|_| !texts.document("Request", text.as_bytes(), "git show x").text.is_empty()));
        let document = texts.document("Request", text.as_bytes(), "git show x");
        assert_eq!(document.text, "");
        assert_eq!(document.note, "It is left out here: all 65,536 bytes are shown by `git show x`.");
        assert_eq!((texts.left_out(), texts.lines("12 ms".to_owned()).as_str()), (1, ""));
        assert_eq!(texts.left_out(), 2);
    }
}
