//! Colour for people: it never says anything that the words do not.

use anstyle::{AnsiColor, Style};

/// Marks words for a reader; plain text where colour is off. Colour never says anything that the words do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Styles {
    /// Whether there is colour.
    pub on: bool,
}

impl Styles {
    /// No colour at all: for files and for other programs.
    #[must_use]
    pub const fn plain() -> Self {
        Self { on: false }
    }

    /// Something is as it should be.
    #[must_use]
    pub fn ok(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Something failed, or says no.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// Something needs a look.
    #[must_use]
    pub fn warn(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// The title of what follows.
    #[must_use]
    pub fn heading(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Of less weight than the rest.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::Styles;

    #[test]
    fn without_colour_styled_text_is_the_text() {
        let plain = Styles::plain();
        for text in [plain.ok("a"), plain.bad("a"), plain.warn("a"), plain.heading("a"), plain.dim("a")] {
            assert_eq!(text, "a");
        }
        assert_eq!(Styles { on: true }.ok("a"), "\u{1b}[32ma\u{1b}[0m");
        assert_eq!(Styles { on: true }.bad("a"), "\u{1b}[1m\u{1b}[31ma\u{1b}[0m");
    }
}
