//! `go.mod`, which is manifest and lockfile in one: Go selects the least versions that it names.

use std::collections::BTreeSet;

use super::resolved::Resolved;

/// Reads a `go.mod`.
pub(super) fn read(text: &str) -> Result<Resolved, String> {
    let mut resolved = Resolved { dialect: "go", ..Resolved::default() };
    let mut direct = BTreeSet::new();
    let mut replaced = Vec::new();
    let mut block: Option<String> = None;
    for (at, line) in text.lines().enumerate() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let mut words: Vec<&str> =
            code.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
        if words == [")"] {
            block = None;
            continue;
        }
        let Some(keyword) = block.clone().or_else(|| words.first().map(|word| (*word).to_owned())) else {
            continue;
        };
        if block.is_none() {
            words.remove(0);
            if words == ["("] {
                block = Some(keyword);
                continue;
            }
        }
        match (keyword.as_str(), words.as_slice()) {
            ("module", [name]) => drop(resolved.own.insert((*name).to_owned())),
            ("require", [name, version]) => {
                resolved.add(name, version);
                if comment.split(';').all(|part| part.trim() != "indirect") {
                    direct.insert((*name).to_owned());
                }
            }
            ("replace", [name, .., "=>", _] | [name, .., "=>", _, _]) => {
                replaced.push(((*name).to_owned(), words.join(" ")))
            }
            ("require" | "replace", [_, ..]) => {
                return Err(format!("cannot be read at line {}: run `go mod tidy`", at + 1));
            }
            _ => {}
        }
    }
    if resolved.own.is_empty() {
        return Err("names no module: run `go mod tidy`".to_owned());
    }
    replace(&mut resolved, replaced);
    resolved.direct = Some(direct);
    Ok(resolved)
}

/// Notes the replacements as places: what is built is the replacement, whatever the version says.
fn replace(resolved: &mut Resolved, replaced: Vec<(String, String)>) {
    for versions in resolved.packages.values_mut() {
        for origin in versions.values_mut() {
            origin.located(Some("module proxy"));
        }
    }
    for (name, rule) in replaced {
        let target = rule.split_once("=> ").map_or(rule.as_str(), |(_, target)| target).to_owned();
        let of = rule.split_whitespace().nth(1).filter(|word| *word != "=>");
        for (version, origin) in resolved.packages.get_mut(&name).into_iter().flatten() {
            if of.is_none_or(|of| of == version) {
                origin.sources = BTreeSet::from([format!("replaced by {target}")]);
            }
        }
    }
}
