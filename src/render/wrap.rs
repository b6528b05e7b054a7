//! Sentences on lines of a terminal's width.

use unicode_width::UnicodeWidthStr as _;

use super::text;

/// Fewer columns than these are no width to read in.
const COLUMNS_MIN: usize = 8;

/// A text on as many lines as it needs, cleaned, broken between words where they fit and within them where they do not.
/// Without a width it is one line.
#[must_use]
pub fn lines(said: &str, columns: Option<usize>) -> Vec<String> {
    let clean = text::line(said, usize::MAX);
    let Some(columns) = columns.map(|columns| columns.max(COLUMNS_MIN)) else { return vec![clean] };
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in clean.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            line.push(character);
            // The width of characters together is not always the sum of theirs.
            if line.width() > columns {
                line.pop();
                lines.push(std::mem::replace(&mut line, character.to_string()));
            }
        }
    }
    lines.push(line);
    lines
}

/// The same, each line with its end.
#[must_use]
pub fn text(said: &str, columns: Option<usize>) -> String {
    lines(said, columns).iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    use super::lines;

    #[test]
    fn a_sentence_is_broken_between_words_and_a_long_word_within() {
        assert_eq!(lines("the total of a cart", Some(9)), ["the total", "of a cart"]);
        assert_eq!(lines("of 12345678901234567890", Some(9)), ["of", "123456789", "012345678", "90"]);
        assert_eq!(lines("of\u{1b}[2J", None), ["of\\x1b[2J"]);
        assert_eq!(lines("", Some(40)), [""]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_and_no_word_is_lost(said in "\\PC{0,60}|[a-z ]{0,80}|[版本a ]{0,40}", columns in 8_usize..60) {
            let broken = lines(&said, Some(columns));
            prop_assert!(broken.iter().all(|line| line.width() <= columns), "{:?}", broken);
            let bare = |text: String| text.replace(' ', "");
            prop_assert_eq!(bare(broken.concat()), bare(crate::render::text::line(&said, usize::MAX)));
        }
    }
}
