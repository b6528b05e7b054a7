//! Canonical JSON (RFC 8785), quickly: what is signed, and every state, is written in it to be compared.

use std::ops::Range;

use serde::Serialize;

use super::PayloadError;

/// Canonical JSON (RFC 8785) of any value.
///
/// # Errors
/// When the value is not JSON, such as a map with keys that are not text.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, PayloadError> {
    let malformed = |error: serde_json::Error| PayloadError::Malformed { why: error.to_string() };
    let plain = serde_json::to_vec(value).map_err(malformed)?;
    sorted(&plain).map_or_else(|| serde_jcs::to_vec(value).map_err(malformed), Ok)
}

/// The same JSON with the members of every object in order. It must be as `serde_json` writes it, which differs from the
/// canonical form in nothing else but numbers that are no small integers. `None` where it has one of those, or a key that is
/// there twice or is not plain ASCII.
fn sorted(plain: &[u8]) -> Option<Vec<u8>> {
    let mut sorter = Sorter { left: plain, out: Vec::with_capacity(plain.len()) };
    sorter.value()?;
    sorter.left.is_empty().then_some(sorter.out)
}

/// No integer of so many digits is changed by a double (RFC 8785, section 3.2.2.3).
const DIGITS_MAX: usize = 15;

struct Sorter<'a> {
    left: &'a [u8],
    out: Vec<u8>,
}

impl<'a> Sorter<'a> {
    fn value(&mut self) -> Option<()> {
        match self.left.first()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.text().map(drop),
            b'-' | b'0'..=b'9' => self.integer(),
            _ => self.word(),
        }
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(length)?;
        self.out.extend_from_slice(taken);
        self.left = left;
        Some(taken)
    }

    fn next_is(&self, byte: u8) -> bool {
        self.left.first() == Some(&byte)
    }

    fn array(&mut self) -> Option<()> {
        self.take(1)?;
        while !self.next_is(b']') {
            self.value()?;
            if self.next_is(b',') {
                self.take(1)?;
            }
        }
        self.take(1).map(drop)
    }

    fn object(&mut self) -> Option<()> {
        self.take(1)?;
        let begins = self.out.len();
        let mut members: Vec<(&[u8], Range<usize>)> = Vec::new();
        while !self.next_is(b'}') {
            let from = self.out.len();
            let key = self.text()?;
            self.take(1)?;
            self.value()?;
            members.push((key, from..self.out.len()));
            if self.next_is(b',') {
                self.take(1)?;
            }
        }
        self.order(begins, members)?;
        self.take(1).map(drop)
    }

    /// Puts the members, which are the end of what is written, in the order of their keys.
    fn order(&mut self, begins: usize, mut members: Vec<(&[u8], Range<usize>)>) -> Option<()> {
        if members.iter().any(|(key, _)| !key.is_ascii() || key.contains(&b'\\')) {
            return None;
        }
        if members.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Some(());
        }
        members.sort_unstable_by_key(|(key, _)| *key);
        if members.array_windows().any(|[(one, _), (next, _)]| one == next) {
            return None;
        }
        let unsorted = self.out.split_off(begins);
        for (place, (_, member)) in members.into_iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(unsorted.get(member.start - begins..member.end - begins)?);
        }
        Some(())
    }

    /// What stands between the quotes of a string, as it is written.
    fn text(&mut self) -> Option<&'a [u8]> {
        let mut end = 1;
        loop {
            end += self.left.get(end..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if self.left.get(end) == Some(&b'"') {
                return self.take(end + 1)?.get(1..end);
            }
            end += 2;
        }
    }

    fn integer(&mut self) -> Option<()> {
        let digits = self.left.iter().position(|byte| !matches!(byte, b'-' | b'0'..=b'9'));
        let digits = digits.unwrap_or(self.left.len());
        let is_exact = digits <= DIGITS_MAX && !matches!(self.left.get(digits), Some(b'.' | b'e'));
        is_exact.then(|| self.take(digits))?.map(drop)
    }

    fn word(&mut self) -> Option<()> {
        let letters = self.left.iter().position(|byte| !byte.is_ascii_lowercase());
        match letters.unwrap_or(self.left.len()) {
            0 => None,
            letters => self.take(letters).map(drop),
        }
    }
}

#[cfg(test)]
mod tests;
