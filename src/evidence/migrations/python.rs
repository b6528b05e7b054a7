//! Django's operations and Alembic's `downgrade`.

use super::Reversible;
use super::code::{Body, HASH, judge, mask};

/// Operations that Django reverses by itself, beside `RunPython` and `RunSQL`, which are looked into.
const REVERSED: [&str; 28] = [
    "CreateModel",
    "DeleteModel",
    "RenameModel",
    "AlterModelTable",
    "AlterModelTableComment",
    "AlterUniqueTogether",
    "AlterIndexTogether",
    "AlterOrderWithRespectTo",
    "AlterModelOptions",
    "AlterModelManagers",
    "AddField",
    "RemoveField",
    "AlterField",
    "RenameField",
    "AddIndex",
    "RemoveIndex",
    "RenameIndex",
    "AddConstraint",
    "RemoveConstraint",
    "AlterConstraint",
    "ValidateConstraint",
    "AddConstraintNotValid",
    "AddIndexConcurrently",
    "RemoveIndexConcurrently",
    "SeparateDatabaseAndState",
    "CreateExtension",
    "TrigramExtension",
    "UnaccentExtension",
];

/// Judges a Django migration.
pub(super) fn django(text: &str) -> (Reversible, String) {
    let masked = mask(text, &HASH);
    // `django.db.migrations.operations` may be imported: only an assignment counts.
    let assigned = |at: &usize| {
        let rest = masked[at + "operations".len()..].trim_start();
        let alone = masked[..*at].ends_with([' ', '\t', '\n']);
        alone && (rest.starts_with('=') || rest.starts_with(':'))
    };
    let Some(start) = masked.match_indices("operations").map(|(at, _)| at).find(assigned) else {
        return (Reversible::Unknown, "it lists no `operations`".to_owned());
    };
    let mut loses = None;
    let mut custom = None;
    for (name, arguments) in calls(&masked[start..]) {
        match name {
            "RunPython" | "RunSQL" => {
                let reverse = if name == "RunPython" { "reverse_code" } else { "reverse_sql" };
                if !arguments.has(reverse) && arguments.positional < 2 {
                    return (Reversible::No, format!("its `{name}` has no reverse"));
                }
            }
            "DeleteModel" => loses = Some("drops a table"),
            "RemoveField" => loses = loses.or(Some("drops a column")),
            _ if REVERSED.contains(&name) => {}
            // `CreateModel(fields=[…models.CharField(…)])`: only what stands among the operations itself counts.
            _ if arguments.depth == 1 => custom = custom.or(Some(name.to_owned())),
            _ => {}
        }
    }
    match (custom, loses) {
        (Some(name), _) => (Reversible::Unknown, format!("`{name}` is not one of Django's own operations")),
        (None, Some(what)) => (
            Reversible::Yes,
            format!("Django reverses its operations, but it {what}: data does not come back"),
        ),
        (None, None) if masked[start..].contains(".noop") => {
            (Reversible::Yes, "Django reverses its operations, but one of them by doing nothing".to_owned())
        }
        (None, None) => (Reversible::Yes, "Django reverses its operations".to_owned()),
    }
}

/// The arguments of a call, as far as they matter.
struct Arguments {
    /// How many have no name.
    positional: usize,
    /// The names of the others.
    named: Vec<String>,
    /// How many brackets enclose the call.
    depth: usize,
}

impl Arguments {
    fn has(&self, name: &str) -> bool {
        self.named.iter().any(|known| known == name)
    }
}

/// All calls in masked text with their arguments, in one pass: a call ends when its bracket closes.
fn calls(masked: &str) -> Vec<(&str, Arguments)> {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut done = Vec::new();
    let mut open: Vec<(&str, usize, Arguments)> = Vec::new();
    for (at, byte) in masked.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => {
                let before = &masked[..at];
                let name = &before[before.trim_end_matches(inner).len()..];
                let name = if byte == b'(' { name } else { "" };
                let depth = open.len();
                open.push((name, at + 1, Arguments { positional: 0, named: Vec::new(), depth }));
            }
            b',' => {
                if let Some((_, from, arguments)) = open.last_mut() {
                    argument(&masked[*from..at], arguments);
                    *from = at + 1;
                }
            }
            b')' | b']' | b'}' => {
                let Some((name, from, mut arguments)) = open.pop() else { return done };
                argument(&masked[from..at], &mut arguments);
                if !name.is_empty() {
                    done.push((name, arguments));
                }
                if open.is_empty() {
                    return done;
                }
            }
            _ => {}
        }
    }
    done
}

fn argument(text: &str, arguments: &mut Arguments) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let name = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
    let after = text[name.len()..].trim_start();
    if let Some(value) = after.strip_prefix('=').filter(|value| !name.is_empty() && !value.starts_with('=')) {
        if value.trim() != "None" {
            arguments.named.push(name.to_owned());
        }
    } else if text != "None" {
        arguments.positional += 1;
    }
}

/// The body of a top-level function, by its indent; none where there is no such function.
pub(super) fn function(text: &str, name: &str) -> Body {
    let masked = mask(text, &HASH);
    let mut lines = masked.lines();
    let header = format!("def {name}(");
    let Some(first) = lines.find(|line| {
        line.starts_with(&header) || line.strip_prefix("async ").is_some_and(|l| l.starts_with(&header))
    }) else {
        return Body::Missing;
    };
    let mut body = String::new();
    // `def downgrade(): pass` on one line, or a signature over several.
    let mut header_open = !first.contains("):") && !first.contains("->");
    if let Some((_, rest)) = first.rsplit_once(':') {
        body.push_str(rest);
        body.push('\n');
    }
    for line in lines {
        if header_open {
            header_open = !line.trim_end().ends_with(':');
            continue;
        }
        if !line.trim().is_empty() && !line.starts_with([' ', '\t']) {
            break;
        }
        body.push_str(line);
        body.push('\n');
    }
    judge(&body)
}
