//! Lines as they read without the colours that a producer took a file for a terminal to write.

use std::borrow::Cow;

const ESCAPE: u8 = 0x1B;

/// A line without terminal sequences: `ESC [ … m` and its like, and `ESC ( B`, with which `tput sgr0` ends colours. A
/// coloured `not ok` must not be taken for something that the tests printed.
pub(super) fn without(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&ESCAPE) {
        return Cow::Borrowed(line);
    }
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = match sequence(rest) {
            Some(length) => rest.get(length..).unwrap_or_default(),
            None => {
                plain.push(*first);
                after
            }
        };
    }
    Cow::Owned(plain)
}

/// How long the terminal sequence is that the text begins with.
fn sequence(text: &[u8]) -> Option<usize> {
    match text {
        [ESCAPE, b'(', b'0' | b'A' | b'B', ..] => Some(3),
        [ESCAPE, b'[', inside @ ..] => {
            let parameters = inside.iter().take_while(|byte| matches!(byte, b' '..=b'?')).count();
            inside.get(parameters).filter(|end| matches!(end, b'@'..=b'~')).map(|_| parameters + 3)
        }
        _ => None,
    }
}
