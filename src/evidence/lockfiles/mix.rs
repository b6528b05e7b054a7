//! `mix.lock`, a map of Elixir with one package a line, and `mix.exs`.

use super::manifest::{Asks, Manifest};
use super::resolved::Resolved;

/// Reads a `mix.lock`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let bad = |at: usize| format!("cannot be read at line {}: write it again with `mix deps.get`", at + 1);
    let mut resolved = Resolved::of("mix");
    // The map ends on a line of its own, or right behind its last package.
    let end = text.trim_end();
    let closed = end == "%{}" || end.ends_with("\n}") || end.ends_with("}}");
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("%{").unwrap_or(line).trim();
        if line.is_empty() || line == "}" || line.starts_with('#') {
            continue;
        }
        let (name, entry) =
            line.strip_prefix('"').and_then(|rest| rest.split_once("\":")).ok_or_else(|| bad(at))?;
        let entry = entry.trim().trim_start_matches('{');
        let strings: Vec<&str> = entry.split('"').skip(1).step_by(2).collect();
        match (entry.split(',').next().unwrap_or_default(), strings.as_slice()) {
            (":hex", [version, inner, ..]) => {
                let origin = resolved.add(name, version).checked("inner", inner);
                // The last string is the outer checksum, the one before it the repository.
                if let [.., repository, outer] = strings.as_slice()
                    && is_digest(outer)
                {
                    origin.located(Some(repository)).checked("outer", outer);
                }
            }
            (":git", [address, revision, ..]) => drop(resolved.add(name, revision).located(Some(address))),
            (":path", _) => drop(resolved.own.insert(name.to_owned())),
            _ => return Err(bad(at)),
        }
    }
    if closed { Ok(resolved) } else { Err("ends too early: write it again with `mix deps.get`".to_owned()) }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The packages that a `mix.exs` plainly names: `{:name, …`.
pub(super) fn manifest(text: &str) -> Manifest {
    let mut asks = Asks::default();
    for (at, key) in text.match_indices("{:") {
        let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        if text[line_start..at].contains('#') {
            continue;
        }
        let rest = &text[at + key.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let line = rest.lines().next().unwrap_or_default();
        if end > 0 && rest[end..].starts_with(',') {
            let dev = line.contains("only:") && !line.contains(":prod");
            asks.alias(&rest[..end], &rest[..end], None, dev, true);
        }
    }
    Manifest { asks, ..Manifest::default() }
}
