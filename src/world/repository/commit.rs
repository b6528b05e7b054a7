//! One raw commit object, taken apart as git itself does, but without grafts, replacements or mailmaps.

use git2::Oid;

use crate::evidence::commits::RawCommit;

use super::id;

/// What a walk needs of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tree: Oid,
    pub(super) parents: Vec<Oid>,
    /// When it was committed, in seconds since 1970; 0 where that cannot be read, as in git.
    pub(super) time: i64,
}

impl Header {
    /// Reads the beginning of a commit object; `None` where it is not one.
    pub(super) fn read(object: &[u8]) -> Option<Self> {
        let mut lines = object.split(|byte| *byte == b'\n');
        let tree = hex(lines.next()?.strip_prefix(b"tree ")?)?;
        let mut parents = Vec::new();
        for line in lines {
            if let Some(parent) = line.strip_prefix(b"parent ") {
                parents.push(hex(parent)?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                return Some(Self { tree, parents, time: seconds(committer) });
            } else if line.is_empty() {
                break;
            }
        }
        Some(Self { tree, parents, time: 0 })
    }
}

fn hex(text: &[u8]) -> Option<Oid> {
    let mut bytes = [0; 20];
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    (text.len() == 40).then(|| Oid::from_bytes(&bytes).ok())?
}

/// The digits behind the last `>` of a line of identity.
fn seconds(identity: &[u8]) -> i64 {
    let after = identity.rsplit(|byte| *byte == b'>').next().unwrap_or_default().trim_ascii_start();
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum: i64, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')))
}

/// The whole commit, as the evidence wants it.
pub(super) fn raw(oid: Oid, object: &[u8], parents: &[Oid]) -> RawCommit {
    let (mut author, mut encoding) = (None, None);
    let mut rest = object;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n').filter(|end| *end > 0) {
        let (line, tail) = rest.split_at(end);
        rest = tail.get(1..).unwrap_or_default();
        if let Some(found) = line.strip_prefix(b"author ") {
            author = author.or(Some(found));
        } else if let Some(found) = line.strip_prefix(b"encoding ") {
            encoding = encoding.or(Some(found));
        }
    }
    let (name, email) = person(author.unwrap_or_default());
    RawCommit {
        id: id(oid),
        parents: parents.iter().copied().map(id).collect(),
        author_name: name.to_vec(),
        author_email: email.to_vec(),
        encoding: encoding.map(|name| String::from_utf8_lossy(name).into_owned()),
        message: rest.strip_prefix(b"\n").unwrap_or(rest).to_vec(),
    }
}

/// `Name <address> 1700000000 +0100`: the name and the address, as git splits them.
fn person(identity: &[u8]) -> (&[u8], &[u8]) {
    let Some(open) = identity.iter().position(|byte| *byte == b'<') else {
        return (identity.trim_ascii(), b"");
    };
    let (name, rest) = identity.split_at(open);
    let rest = rest.get(1..).unwrap_or_default();
    let close = rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len());
    (name.trim_ascii(), rest.get(..close).unwrap_or_default().trim_ascii())
}

#[cfg(test)]
mod tests {
    use git2::Oid;
    use proptest::prelude::*;

    use super::{Header, raw};

    const ID: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn oid() -> Oid {
        Oid::from_str(ID).unwrap()
    }

    #[test]
    fn a_commit_is_taken_apart_as_it_stands() {
        let text = format!(
            "tree {ID}\nparent {ID}\nparent {ID}\nauthor Jo <x> Doe <jo@a.example> 17 +0100\ncommitter A <b> c> 1700000000 -0000\n\
             encoding ISO-8859-1\ngpgsig -----BEGIN\n author Eve <eve@a.example> 1 +0000\n -----END\n\n\nauthor: none\n"
        );
        let header = Header::read(text.as_bytes()).unwrap();
        assert_eq!(header, Header { tree: oid(), parents: vec![oid(), oid()], time: 1_700_000_000 });
        let commit = raw(oid(), text.as_bytes(), &[oid(), oid()]);
        assert_eq!(commit.author_name, b"Jo");
        assert_eq!(commit.author_email, b"x");
        assert_eq!(commit.encoding.as_deref(), Some("ISO-8859-1"));
        assert_eq!(commit.message, b"\nauthor: none\n");
    }

    #[test]
    fn a_date_that_cannot_be_read_is_the_beginning_of_time() {
        for (date, time) in
            [("-5 +0000", 0), ("", 0), ("x", 0), ("99999999999999999999999 +0000", i64::MAX), ("7", 7)]
        {
            let text = format!("tree {ID}\nauthor A <a> 1 +0000\ncommitter A <a> {date}\n\nm");
            assert_eq!(Header::read(text.as_bytes()).unwrap().time, time, "{date}");
        }
        assert_eq!(
            Header::read(format!("tree {ID}\n\ncommitter A <a> 5 +0000\n").as_bytes()).unwrap().time,
            0
        );
    }

    #[test]
    fn what_is_no_commit_is_none() {
        for text in ["", "tree 12\n", "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"] {
            assert_eq!(Header::read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Header::read(format!("tree {ID}\nparent 12\n\n").as_bytes()), None);
    }

    proptest! {
        #[test]
        fn an_id_is_the_same_in_bytes_and_in_digits(bytes in any::<[u8; 20]>()) {
            let oid = Oid::from_bytes(&bytes).unwrap();
            let text = oid.to_string();
            prop_assert_eq!(super::hex(text.as_bytes()), Some(oid));
            prop_assert_eq!(super::hex(&text.as_bytes()[1..]), None);
            let commit = super::id(oid);
            prop_assert_eq!(commit.as_str(), text);
        }

        #[test]
        fn no_bytes_make_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..300), tail in "[\\PC\n]{0,200}") {
            let _ = Header::read(&bytes);
            let _ = raw(oid(), &bytes, &[]);
            let text = format!("tree {ID}\nauthor {tail}");
            let _ = Header::read(text.as_bytes());
            let _ = raw(oid(), text.as_bytes(), &[]);
        }
    }
}
