//! Rails' `change`, `up` and `down`, and Ecto's.

use super::Reversible;
use super::code::{Body, HASH, judge, mask};

/// The masked body of `def name`, by its indent, for Ruby and Elixir; none where it is not defined.
fn method(masked: &str, name: &str) -> Option<String> {
    let mut lines = masked.lines();
    let (indent, rest) = lines.find_map(|line| {
        let start = line.trim_start();
        let rest = start.strip_prefix("def ")?.trim_start().strip_prefix(name)?;
        let ends = rest
            .bytes()
            .next()
            .is_none_or(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'?' | b'!' | b'=')));
        ends.then_some((line.len() - start.len(), rest))
    })?;
    let rest = rest.trim_start_matches("()").trim();
    // `def down; end`, `def down = …`, `def down, do: …`
    if let Some(inline) = rest.strip_prefix(", do:").or_else(|| rest.strip_prefix('=')) {
        return Some(inline.to_owned());
    }
    if let Some(inline) = rest.strip_prefix(';').and_then(|rest| rest.trim_end().strip_suffix("end")) {
        return Some(inline.to_owned());
    }
    let mut body = String::new();
    for line in lines {
        let start = line.trim_start();
        if line.len() - start.len() <= indent && (start == "end" || start.starts_with("end ")) {
            break;
        }
        body.push_str(line);
        body.push('\n');
    }
    Some(body)
}

/// Judges a Rails migration.
pub(super) fn rails(text: &str) -> (Reversible, String) {
    let masked = mask(text, &HASH);
    let down = method(&masked, "down").or_else(|| method(&masked, "self.down"));
    if let Some(down) = down {
        return way_back(judge(&down));
    }
    if let Some(change) = method(&masked, "change") {
        return change_body(&change);
    }
    let up = method(&masked, "up").or_else(|| method(&masked, "self.up"));
    match up {
        Some(_) => (Reversible::No, "it has an `up` and no `down`".to_owned()),
        None => (Reversible::Unknown, "it has no `change`, `up` or `down` that could be read".to_owned()),
    }
}

fn way_back(body: Body) -> (Reversible, String) {
    match body {
        Body::Missing => (Reversible::No, "it has no `down`".to_owned()),
        Body::Empty => (Reversible::No, "its `down` is empty".to_owned()),
        Body::Refuses => (Reversible::No, "its `down` raises an error".to_owned()),
        Body::MayRefuse => (Reversible::Unknown, "its `down` raises an error in some cases".to_owned()),
        Body::Acts => (Reversible::Yes, "it has a `down`".to_owned()),
    }
}

/// A `change` is reversed by Rails unless it holds a statement that Rails cannot turn round.
fn change_body(change: &str) -> (Reversible, String) {
    if change.trim().is_empty() {
        return (Reversible::Yes, "its `change` is empty".to_owned());
    }
    let outside = outside_reversible(change);
    let mut loses = "";
    let mut unsure = None;
    for line in joined(&outside) {
        let words: Vec<&str> =
            line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
        let has = |word: &str| words.contains(&word);
        let command = words.first().copied().unwrap_or_default();
        let arguments = line.split(',').count();
        let no = match command {
            "execute" => true,
            "remove_column" => arguments < 3,
            "remove_columns" => !has("type"),
            "drop_table" => !line.contains(" do") && !line.contains('{'),
            "change_column" => true,
            "change_column_default" | "change_column_comment" | "change_table_comment" => {
                !(has("from") && has("to"))
            }
            "remove_index" => !has("column") && line.split(',').nth(1).is_none_or(keyword),
            "remove_foreign_key" => arguments < 2,
            "raise" => true,
            // Inside `change_table … do |t|`.
            "t" => matches!(words.get(1), Some(&("remove" | "change" | "change_default"))) && !has("type"),
            _ => false,
        };
        if no {
            let shown =
                if command == "t" { line.split_whitespace().next().unwrap_or(command) } else { command };
            return (Reversible::No, format!("Rails cannot reverse the `{shown}` in its `change`"));
        }
        match command {
            "drop_table" => loses = ", but it drops a table: data does not come back",
            "remove_column" | "remove_columns" => loses = ", but it drops a column: data does not come back",
            _ if command.starts_with(|c: char| c.is_ascii_uppercase()) => unsure = Some(command.to_owned()),
            _ => {}
        }
    }
    match unsure {
        Some(name) => {
            (Reversible::Unknown, format!("its `change` runs code of `{name}`, which Rails cannot judge"))
        }
        None => (Reversible::Yes, format!("Rails reverses its `change`{loses}")),
    }
}

/// `name: …`, as against `:column`.
fn keyword(argument: &str) -> bool {
    argument.split_whitespace().next().is_some_and(|word| word.ends_with(':'))
}

/// The lines of `change` without those of `reversible do |dir| …` and `up_only`, which say themselves how to go back.
fn outside_reversible(change: &str) -> String {
    let mut skip = None::<usize>;
    let mut kept = String::new();
    for line in change.lines() {
        let start = line.trim_start();
        let indent = line.len() - start.len();
        if let Some(level) = skip {
            if indent <= level && start.starts_with("end") {
                skip = None;
            }
            continue;
        }
        let opens = start.starts_with("reversible do") || start.starts_with("up_only do");
        if opens {
            skip = Some(indent);
        } else if !start.starts_with("up_only {") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Statements: a line that ends in a comma goes on in the next.
fn joined(text: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match statements.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => statements.push(line.to_owned()),
        }
        open = line.ends_with([',', '(', '\\']);
    }
    statements
}

/// Judges an Ecto migration.
pub(super) fn ecto(text: &str) -> (Reversible, String) {
    let masked = mask(text, &HASH);
    if let Some(down) = method(&masked, "down") {
        return way_back(judge(&down));
    }
    let Some(change) = method(&masked, "change") else {
        return match method(&masked, "up") {
            Some(_) => (Reversible::No, "it has an `up` and no `down`".to_owned()),
            None => (Reversible::Unknown, "it has no `change`, `up` or `down` that could be read".to_owned()),
        };
    };
    for line in joined(&change) {
        let command: String =
            line.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).collect();
        let no = match command.as_str() {
            // `execute(up, down)` goes both ways, `execute(up)` does not.
            "execute" => !line.contains(','),
            "modify" => !line.contains("from:"),
            "remove" => line.split(',').count() < 2,
            "drop" | "drop_if_exists" => line.contains("table("),
            _ => false,
        };
        if no {
            return (Reversible::No, format!("Ecto cannot reverse the `{command}` in its `change`"));
        }
        if command.starts_with(|c: char| c.is_ascii_uppercase()) || command.starts_with("repo") {
            return (
                Reversible::Unknown,
                format!("its `change` runs code of `{command}`, which Ecto cannot judge"),
            );
        }
    }
    (Reversible::Yes, "Ecto reverses its `change`".to_owned())
}
