//! The wire format of SSH (RFC 4251, section 5): one strict reader and one writer for keys, signatures and agents.
//!
//! Every read answers `None` when the bytes end too early. The caller asks [`Reader::is_empty`] at the end of
//! every level, so that nothing can ride along behind what was read.

/// Reads fields from the front of a byte string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader at the start of these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `length` bytes as they are.
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    /// Four bytes, most significant first.
    pub(crate) fn number(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A `string`: its length as a number, then its bytes.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length)
    }

    /// A `string` that is UTF-8.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// What has not been read yet.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Whether everything has been read.
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// Appends a `string`. What is longer than the format can say (4 GiB) gets a length that no reader accepts.
pub(crate) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order_and_nothing_is_left() {
        let mut wire = vec![7];
        put_string(&mut wire, b"ssh");
        wire.extend_from_slice(&258_u32.to_be_bytes());
        let mut reader = Reader::new(&wire);
        assert_eq!(reader.byte(), Some(7));
        assert_eq!(reader.text(), Some("ssh"));
        assert_eq!(reader.number(), Some(258));
        assert!(reader.is_empty());
        assert_eq!(reader.byte(), None);
    }

    #[test]
    fn a_length_beyond_the_end_is_no_string() {
        assert_eq!(Reader::new(&[0, 0, 0, 4, 1, 2, 3]).string(), None);
        assert_eq!(Reader::new(&[255; 16]).string(), None);
        assert_eq!(Reader::new(&[0, 0, 0, 1, 0xff]).text(), None);
    }
}
