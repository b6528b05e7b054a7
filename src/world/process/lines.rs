//! What a step writes: read in whole lines, with the secrets covered, before anybody else sees it.

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;

/// A longer line is handed on in pieces, in bytes.
pub(super) const LINE_MAX: usize = 8 << 10;
/// How much is read at once, in bytes: what a pipe holds.
const CHUNK: usize = 64 << 10;
/// A shorter value is no secret that could be told from other text, in characters.
const SECRET_MIN: usize = 6;
/// What stands in the place of a secret.
const COVER: &str = "•••";

/// The secrets that no log and no screen shows. A value of several lines is covered line by line.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longer ones first.
    secrets: Vec<Vec<u8>>,
}

impl Mask {
    /// Covers these values.
    #[must_use]
    pub fn over<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let lines = values.flat_map(str::lines).map(str::trim_end);
        let mut secrets: Vec<Vec<u8>> = lines
            .filter(|line| line.chars().count() >= SECRET_MIN)
            .map(|line| line.as_bytes().to_vec())
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// The text with its secrets covered, and how much of it that is. Unless it `ends` here, what may be the beginning of
    /// a secret is left for the next time.
    fn cover(&self, text: &[u8], ends: bool) -> (Vec<u8>, usize) {
        if self.secrets.is_empty() {
            return (text.to_vec(), text.len());
        }
        let mut covered = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if !ends
                && self.secrets.iter().any(|secret| secret.len() > rest.len() && secret.starts_with(rest))
            {
                break;
            }
            if let Some(secret) = self.secrets.iter().find(|secret| rest.starts_with(secret)) {
                covered.extend_from_slice(COVER.as_bytes());
                at += secret.len();
            } else {
                covered.extend(rest.first());
                at += 1;
            }
        }
        (covered, at)
    }
}

/// Hands on whole lines with their ends, or a piece of a line that is very long, until the end or until nobody listens.
pub(super) fn read(mut from: impl Read, mask: &Mask, to: &SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; CHUNK];
    let mut rest: Vec<u8> = Vec::new();
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => rest.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        }
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        if whole == 0 && rest.len() < LINE_MAX {
            continue;
        }
        let (covered, taken) = match whole {
            0 => mask.cover(&rest, false),
            whole => mask.cover(rest.get(..whole).unwrap_or_default(), true),
        };
        rest.drain(..taken);
        if !covered.is_empty() && to.send(covered).is_err() {
            return;
        }
    }
    if !rest.is_empty() {
        // Nobody listens any more: then nobody needs it.
        let _ = to.send(mask.cover(&rest, true).0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::mpsc::sync_channel;

    use proptest::prelude::*;

    use super::{LINE_MAX, Mask, read};

    /// Gives what it has in pieces of these sizes, one after the other and over again.
    struct Slowly<'a> {
        text: &'a [u8],
        sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
    }

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let size = self.sizes.next().copied().unwrap_or(1).min(self.text.len()).min(buffer.len());
            let (now, later) = self.text.split_at(size);
            buffer[..size].copy_from_slice(now);
            self.text = later;
            Ok(size)
        }
    }

    fn read_all(text: &[u8], sizes: &[usize], secrets: &[&str]) -> Vec<Vec<u8>> {
        let (sender, lines) = sync_channel(1 << 16);
        read(Slowly { text, sizes: sizes.iter().cycle() }, &Mask::over(secrets.iter().copied()), &sender);
        drop(sender);
        lines.iter().collect()
    }

    fn covered(text: &str, sizes: &[usize], secrets: &[&str]) -> String {
        String::from_utf8(read_all(text.as_bytes(), sizes, secrets).concat()).unwrap()
    }

    #[test]
    fn a_secret_is_covered_wherever_it_stands() {
        assert_eq!(covered("a hunter22 b\nhunter22\n", &[99], &["hunter22"]), "a ••• b\n•••\n");
        assert_eq!(covered("hunter22hunter22", &[3], &["hunter22"]), "••••••");
        // The longer one goes first, and one inside another leaves nothing of it.
        assert_eq!(covered("secret-and-more secret", &[5], &["secret", "secret-and-more"]), "••• •••");
        // Shorter values are words like any other.
        assert_eq!(covered("true 12345\n", &[4], &["true", "12345"]), "true 12345\n");
        assert_eq!(covered("éèêëàâ\n", &[1], &["éèêëàâ"]), "•••\n");
    }

    #[test]
    fn a_value_of_several_lines_is_covered_line_by_line() {
        let key = "-----BEGIN KEY-----\nAAAAB3NzaC1\n=x\n-----END KEY-----\n";
        assert_eq!(covered(&format!("key: {key}"), &[7], &[key]), "key: •••\n•••\n=x\n•••\n");
    }

    #[test]
    fn a_secret_is_covered_across_the_pieces_of_a_long_line() {
        for before in LINE_MAX - 9..LINE_MAX + 9 {
            let text = format!("{}hunter22{}", "x".repeat(before), "y".repeat(LINE_MAX));
            let expected = text.replace("hunter22", "•••");
            assert_eq!(covered(&text, &[1000, 7], &["hunter22"]), expected);
        }
    }

    #[test]
    fn only_whole_lines_and_pieces_of_long_ones_are_handed_on() {
        let pieces = read_all(b"one\ntwo\nthr", &[9], &[]);
        assert_eq!(pieces, [b"one\ntwo\n".to_vec(), b"thr".to_vec()]);
        let long = vec![b'x'; 3 * LINE_MAX];
        let pieces = read_all(&long, &[LINE_MAX], &[]);
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [LINE_MAX; 3]);
    }

    proptest! {
        #[test]
        fn the_same_is_handed_on_however_it_is_read(
            words in prop::collection::vec("(hunter22|hunter|22hun|secret\n|\n|x{1,40}|x{9000})", 0..40),
            sizes in prop::collection::vec(1usize..3000, 1..5),
        ) {
            let text = words.concat();
            let secrets = ["hunter22", "22hunter2"];
            let once = covered(&text, &[text.len().max(1)], &secrets);
            prop_assert!(!once.contains("hunter22"));
            prop_assert_eq!(covered(&text, &sizes, &secrets), once);
        }

        #[test]
        fn without_secrets_nothing_is_changed(
            text in prop::collection::vec(any::<u8>(), 0..20_000),
            sizes in prop::collection::vec(1usize..3000, 1..5),
        ) {
            prop_assert_eq!(read_all(&text, &sizes, &[]).concat(), text);
        }
    }
}
