//! What one `deployctl.yaml` says differently from another, in a few words for a table.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// More changes than this are counted, not told.
const TOLD_MAX: usize = 12;
/// A longer value is not shown: the file itself stands beside the entry.
const VALUE_MAX: usize = 40;

/// Each difference, by the path of its key: `people.carol added`, `approvals.minimum 1 → 2`. Nothing where a file cannot be
/// read.
#[must_use]
pub fn changes(old: &[u8], new: &[u8]) -> Vec<String> {
    let tree = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        serde_yaml::from_str_with_options::<Value>(text, super::yaml_options()).ok()
    };
    let mut told = Vec::new();
    if let (Some(old), Some(new)) = (tree(old), tree(new)) {
        compare("", &old, &new, &mut told);
    }
    let more = told.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        told.truncate(TOLD_MAX);
        told.push(format!("and {more} more"));
    }
    told
}

fn compare(path: &str, old: &Value, new: &Value, told: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => maps(path, old, new, told),
        _ => match (shown(old), shown(new)) {
            (Some(old), Some(new)) => told.push(format!("{path} {old} → {new}")),
            _ => told.push(format!("{path} changed")),
        },
    }
}

fn maps(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, told: &mut Vec<String>) {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) => compare(&path, old, new, told),
            (None, Some(_)) => told.push(format!("{path} added")),
            (Some(_), None) => told.push(format!("{path} removed")),
            (None, None) => {}
        }
    }
}

fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Array(several) if !several.iter().any(|one| one.is_array() || one.is_object()) => {
            format!("[{}]", several.iter().filter_map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (text.chars().count() <= VALUE_MAX && !text.contains('\n')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn every_difference_is_named_by_its_key() {
        let old = b"people: { alice: { email: a@x } }\nwindows: [ { allow: Mon } ]\napprovals: { minimum: 1, from: [a] }\nkeep: 1\n";
        let new = b"people: { alice: { email: b@x }, carol: { email: c@x } }\nwindows: [ { allow: Tue } ]\napprovals: { minimum: 2, from: [a, b] }\nmore: yes\n";
        let told = [
            "approvals.from [a] → [a, b]",
            "approvals.minimum 1 → 2",
            "keep removed",
            "more added",
            "people.alice.email a@x → b@x",
            "people.carol added",
            "windows changed",
        ];
        assert_eq!(changes(old, new), told);
        assert_eq!(changes(old, old), Vec::<String>::new());
        assert_eq!(changes(b"\xff", new), Vec::<String>::new());
    }

    #[test]
    fn a_rewritten_file_is_counted_and_not_told_whole() {
        let file = |first: usize| (0..30).map(|n| format!("k{}: {n}\n", n + first)).collect::<String>();
        let told = changes(file(0).as_bytes(), file(100).as_bytes());
        assert_eq!((told.len(), told.last().map(String::as_str)), (13, Some("and 48 more")));
    }
}
