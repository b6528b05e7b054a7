//! What a step writes: read in whole lines, with the secrets covered, before anybody else sees it.

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;

/// A longer line is handed on in pieces, in bytes.
pub(super) const LINE_MAX: usize = 8 << 10;
/// How much is read at once, in bytes: what a pipe holds.
const CHUNK: usize = 64 << 10;
/// A shorter value is no secret that could be told from other text, in characters.
const SECRET_MIN: usize = 6;
/// The same for a line of a value that has several, such as the last one of a key.
const PART_MIN: usize = 4;
/// What stands in the place of a secret.
const COVER: &str = "•••";

/// The secrets that no log and no screen shows. A value of several lines is covered line by line, however they are
/// indented; what overlaps is covered as one.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longer ones first; none of them holds the end of a line.
    secrets: Vec<Vec<u8>>,
}

/// A text with its secrets covered, as far as that is known by now.
struct Covered {
    bytes: Vec<u8>,
    /// How much of the text that is.
    taken: usize,
    /// How much of what follows lies under the last cover.
    under: usize,
}

impl Mask {
    /// Covers these values.
    #[must_use]
    pub fn over<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut secrets: Vec<Vec<u8>> = values.flat_map(secrets_of).map(String::into_bytes).collect();
        secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Self { secrets }
    }

    /// The longest.
    fn longest(&self) -> usize {
        self.secrets.first().map_or(0, Vec::len)
    }

    /// Covers the secrets of a text of which so many bytes at its beginning are covered already. Unless it `ends` here,
    /// what may be the beginning of a secret is left for the next time.
    fn cover(&self, text: &[u8], under: usize, ends: bool) -> Covered {
        if self.secrets.is_empty() {
            return Covered { bytes: text.to_vec(), taken: text.len(), under: 0 };
        }
        let (found, open) = self.find(text);
        let stop = open.filter(|_| !ends).map_or(text.len(), |open| {
            // Nothing but carriage returns could make it so long.
            open.max(text.len().saturating_sub(self.longest() + LINE_MAX))
        });
        let mut bytes = Vec::with_capacity(text.len());
        let mut end = under;
        for (from, to) in found.into_iter().take_while(|(from, _)| *from < stop) {
            if from >= end {
                bytes.extend_from_slice(text.get(end..from).unwrap_or_default());
                bytes.extend_from_slice(COVER.as_bytes());
            }
            end = end.max(to);
        }
        bytes.extend_from_slice(text.get(end..stop).unwrap_or_default());
        Covered { bytes, taken: stop, under: end.saturating_sub(stop) }
    }

    /// Where secrets stand, by their beginnings; and where one begins whose end is not there yet. A carriage return
    /// between two letters of a secret does not part them.
    fn find(&self, text: &[u8]) -> (Vec<(usize, usize)>, Option<usize>) {
        let (places, bytes): (Vec<usize>, Vec<u8>) =
            text.iter().copied().enumerate().filter(|(_, byte)| *byte != b'\r').unzip();
        let mut begins = [false; 256];
        for first in self.secrets.iter().filter_map(|secret| secret.first()) {
            begins[usize::from(*first)] = true;
        }
        let (mut found, mut open) = (Vec::new(), None);
        for (at, place) in places.iter().copied().enumerate() {
            let rest = bytes.get(at..).unwrap_or_default();
            if !rest.first().is_some_and(|first| begins[usize::from(*first)]) {
                continue;
            }
            // The longest that stands here; longer ones may follow the end.
            if let Some(secret) = self.secrets.iter().find(|secret| rest.starts_with(secret)) {
                found.extend(places.get(at + secret.len() - 1).map(|last| (place, last + 1)));
            }
            let is_open = |secret: &Vec<u8>| secret.len() > rest.len() && secret.starts_with(rest);
            if open.is_none() && rest.len() < self.longest() && self.secrets.iter().any(is_open) {
                open = Some(place);
            }
        }
        (found, open)
    }
}

/// What of a value is covered: its lines, and what a carriage return parts of them, with and without it.
fn secrets_of(value: &str) -> impl Iterator<Item = String> {
    let several = value.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).count() > 1;
    let least = if several { PART_MIN } else { SECRET_MIN };
    let parts = value.split(['\n', '\r']).map(str::to_owned);
    let whole = value.split('\n').map(|line| line.replace('\r', ""));
    let trimmed = parts.chain(whole).map(|line| line.trim().to_owned());
    trimmed.filter(move |line| line.chars().count() >= least).collect::<Vec<_>>().into_iter()
}

/// Hands on whole lines with their ends, or a piece of a line that is very long, until the end or until nobody listens.
pub(super) fn read(mut from: impl Read, mask: &Mask, to: &SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; CHUNK];
    let mut rest: Vec<u8> = Vec::new();
    let mut under = 0;
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
        let covered = match whole {
            0 => mask.cover(&rest, under, false),
            whole => mask.cover(rest.get(..whole).unwrap_or_default(), under, true),
        };
        rest.drain(..covered.taken);
        under = covered.under;
        if !covered.bytes.is_empty() && to.send(covered.bytes).is_err() {
            return;
        }
    }
    if !rest.is_empty() {
        // Nobody listens any more: then nobody needs it.
        let _ = to.send(mask.cover(&rest, under, true).bytes);
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
        let key = "-----BEGIN KEY-----\nAAAAB3NzaC1\nxyz=\n=x\n-----END KEY-----\n";
        assert_eq!(covered(&format!("key: {key}"), &[7], &[key]), "key: •••\n•••\n•••\n=x\n•••\n");
        // Shown with another indent than it has, with other line ends, or all in one line.
        let pretty = "{\n  \"a\": \"hunter22\",\n\t\"b\": 1\n}";
        assert_eq!(covered("> \"a\": \"hunter22\",\r\n\"b\": 1", &[3], &[pretty]), "> •••\r\n•••");
        assert_eq!(covered("{ \"a\": \"hunter22\", \"b\": 1 }\n", &[3], &[pretty]), "{ ••• ••• }\n");
    }

    #[test]
    fn secrets_that_overlap_are_covered_as_one() {
        for sizes in [1, 2, 5, 99] {
            let covers = |text: &str, secrets: &[&str]| covered(text, &[sizes], secrets);
            assert_eq!(covers("(abcdefghi)", &["abcdef", "defghi"]), "(•••)");
            assert_eq!(covers("(abcdefghi)", &["defghi", "abcdefgh"]), "(•••)");
            assert_eq!(covers("(abcdef abcdefgh)", &["abcdef", "abcdefgh"]), "(••• •••)");
            assert_eq!(covers("(abcabcabcabc)", &["abcabc"]), "(•••)");
            assert_eq!(covers("(xabcdefx)", &["abcdef", "xabcdefx"]), "(•••)");
        }
        let long = "abc".repeat(LINE_MAX);
        assert_eq!(covered(&format!("({long})"), &[1000], &["abcabc"]), "(•••)");
    }

    #[test]
    fn a_carriage_return_parts_no_secret() {
        for sizes in [1, 4, 99] {
            assert_eq!(covered("a hunt\rer22\r b\n", &[sizes], &["hunter22"]), "a •••\r b\n");
            assert_eq!(covered("one111\rtwo222\n", &[sizes], &["one111\rtwo222"]), "•••\n");
            assert_eq!(covered("one111\ntwo222\n", &[sizes], &["one111\rtwo222"]), "•••\n•••\n");
        }
        // However many there are, they take no memory.
        let many = format!("hunt{}", "\r".repeat(20 * LINE_MAX));
        let pieces = read_all(many.as_bytes(), &[LINE_MAX], &["hunter22"]);
        assert!(pieces.iter().all(|piece| piece.len() < 4 * LINE_MAX));
        assert_eq!(pieces.concat(), many.as_bytes());
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
        fn no_secret_is_in_what_is_handed_on(
            values in prop::collection::vec(prop::collection::vec("[ab]{1,4}[abc]{0,5}", 1..4), 1..4),
            ends in prop::sample::select(vec!["\n", "\r\n", "\r", "\n  "]),
            pieces in prop::collection::vec(
                (any::<prop::sample::Index>(), "(|\r|\n|  |a|bc|x{1,9}|x{8190})", 0usize..9), 0..30),
            sizes in prop::collection::vec(1usize..3000, 1..5),
        ) {
            let whole: Vec<String> = values.iter().map(|lines| lines.join(ends)).collect();
            let parts: Vec<&String> = values.iter().flatten().collect();
            // Values, lines of them and their beginnings, between other words.
            let text: String = pieces.iter().map(|(which, other, cut)| match cut {
                0..=2 => format!("{other}{}", which.get(&whole)),
                3..=5 => format!("{}{other}", which.get(&parts)),
                cut => format!("{}{other}", which.get(&parts).get(..cut - 5).unwrap_or_default()),
            }).collect();
            let secrets: Vec<&str> = whole.iter().map(String::as_str).collect();
            let shown = covered(&text, &sizes, &secrets);
            prop_assert_eq!(&shown, &covered(&text, &[text.len().max(1)], &secrets));
            let shown = shown.replace('\r', "");
            for lines in &values {
                let least = if lines.len() > 1 { 4 } else { 6 };
                for line in lines.iter().filter(|line| line.len() >= least) {
                    prop_assert!(!shown.contains(line.as_str()), "{} in {}", line, shown);
                }
            }
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
