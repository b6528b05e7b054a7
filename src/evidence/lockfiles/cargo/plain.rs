//! `Cargo.lock` line by line, as cargo writes it, many times faster than any TOML.
//!
//! What is not exactly of cargo's form is declined, and a reader of TOML decides what it means.

use std::borrow::Cow;

use super::{Lock, Package};

/// Reads a lockfile of cargo's own form; none where a line is anything else.
pub(super) fn read(text: &str) -> Option<Lock<'_>> {
    // Escapes, tabs, carriage returns and letters beyond ASCII are TOML's business.
    if !text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~') && byte != b'\\') {
        return None;
    }
    let mut lines = Lines(text.lines());
    let mut lock = Lock::default();
    let mut line = lines.next();
    if let Some(version) = line.and_then(|line| line.strip_prefix("version = ")) {
        lock.version = Some(format(version)?);
        line = lines.next();
    }
    while let Some(header) = line {
        line = match header {
            "[[package]]" => {
                let (package, line) = package(&mut lines)?;
                lock.package.push(package);
                line
            }
            // Patches that nothing uses lock nothing.
            "[[patch.unused]]" => package(&mut lines)?.1,
            "[root]" if lock.root.is_none() => {
                let (package, line) = package(&mut lines)?;
                lock.root = Some(package);
                line
            }
            "[metadata]" if lock.metadata.is_empty() => metadata(&mut lines, &mut lock)?,
            _ => return None,
        };
    }
    Some(lock)
}

/// The lines that say something.
struct Lines<'a>(std::str::Lines<'a>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0.find(|line| !line.is_empty() && !line.starts_with('#'))
    }
}

/// The number of a format, of one digit.
fn format(text: &str) -> Option<i64> {
    match text.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(i64::from(digit - b'0')),
        _ => None,
    }
}

/// The lines of one package, and the first line behind them.
fn package<'a>(lines: &mut Lines<'a>) -> Option<(Package<'a>, Option<&'a str>)> {
    let (mut name, mut version, mut source, mut checksum, mut dependencies) = (None, None, None, None, None);
    let mut end = None;
    while let Some(line) = lines.next() {
        if line.starts_with('[') {
            end = Some(line);
            break;
        }
        let (key, value) = line.split_once(" = ")?;
        if key == "dependencies" {
            if value != "[" || dependencies.is_some() {
                return None;
            }
            dependencies = Some(list(lines)?);
            continue;
        }
        let place = match key {
            "name" => &mut name,
            "version" => &mut version,
            "source" => &mut source,
            "checksum" => &mut checksum,
            _ => return None,
        };
        // A key that is there twice is no TOML.
        if place.replace(quoted(value)?).is_some() {
            return None;
        }
    }
    let dependencies = dependencies.unwrap_or_default();
    Some((Package { name: name?, version: version?, source, checksum, dependencies }, end))
}

/// The lines of a list, up to its end.
fn list<'a>(lines: &mut Lines<'a>) -> Option<Vec<Cow<'a, str>>> {
    let mut entries = Vec::new();
    loop {
        let line = lines.0.next()?;
        if line == "]" {
            return Some(entries);
        }
        entries.push(quoted(line.strip_prefix(' ')?.strip_suffix(',')?)?);
    }
}

/// The checksums of format 1, and the first line behind them.
fn metadata<'a>(lines: &mut Lines<'a>, lock: &mut Lock<'a>) -> Option<Option<&'a str>> {
    for line in lines.by_ref() {
        if line.starts_with('[') {
            // An empty table may not be opened twice either.
            return (!lock.metadata.is_empty()).then_some(Some(line));
        }
        let (key, value) = line.split_once("\" = \"")?;
        let key = key.strip_prefix('"').filter(|key| !key.contains('"'))?;
        let value = value.strip_suffix('"').filter(|value| !value.contains('"'))?;
        if lock.metadata.insert(Cow::Borrowed(key), Cow::Borrowed(value)).is_some() {
            return None;
        }
    }
    Some(None)
}

/// What stands in plain quotes.
fn quoted(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(Cow::Borrowed(inner))
}

#[cfg(test)]
mod tests;
