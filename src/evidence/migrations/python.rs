//! Django's operations and Alembic's `downgrade`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Reversible;
use super::code::{Body, HASH, judge, mask, uncomment};
use super::loss::{self, Loss};
use super::verdict::{Verdict, goes_back, never, of_body, unknown};

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
pub(super) fn django(text: &str) -> Verdict {
    let masked = mask(text, &HASH);
    // `django.db.migrations.operations` may be imported: only an assignment counts.
    let assigned = |at: &usize| {
        let rest = masked[at + "operations".len()..].trim_start();
        let alone = masked[..*at].ends_with([' ', '\t', '\n']);
        alone && (rest.starts_with('=') || rest.starts_with(':'))
    };
    let Some(start) = masked.match_indices("operations").map(|(at, _)| at).find(assigned) else {
        return unknown("it lists no `operations`");
    };
    let value = masked[start..].split_once('=').map(|(_, value)| value.trim_start()).unwrap_or_default();
    if !value.starts_with('[') {
        return unknown("its `operations` are no plain list");
    }
    operations(value, &masked)
}

/// Judges the list of operations in masked text; `whole` is the file.
fn operations(list: &str, whole: &str) -> Verdict {
    let (mut forward, mut back, mut idle, mut custom) = (None, None, false, None);
    let (calls, functions) = (calls(list), functions(whole));
    for (name, arguments) in &calls {
        match *name {
            "RunPython" | "RunSQL" => match reverse(name, arguments, &functions) {
                Reverse::None => return never(&format!("its `{name}` has no reverse")),
                Reverse::Refuses => return never(&format!("the reverse of its `{name}` raises an error")),
                Reverse::Idle => idle = true,
                Reverse::Acts => {}
            },
            "DeleteModel" => forward = forward.max(Some(Loss::Table)),
            "RemoveField" => forward = forward.max(Some(Loss::Column)),
            "CreateModel" => back = back.max(Some(Loss::Table)),
            "AddField" => back = back.max(Some(Loss::Column)),
            _ if REVERSED.contains(name) => {}
            // `CreateModel(fields=[…models.CharField(…)])`: only what stands among the operations itself counts.
            _ if arguments.depth == 1 || arguments.within == "SeparateDatabaseAndState" => {
                custom = Some(*name)
            }
            _ => {}
        }
    }
    let plain = list.bytes().filter(|byte| byte.is_ascii_alphanumeric()).count();
    match custom {
        Some(name) => unknown(&format!("`{name}` is not one of Django's own operations")),
        None if calls.is_empty() && plain > 0 && !list[1..].trim_start().starts_with(']') => {
            unknown("its `operations` stand elsewhere")
        }
        None if calls.is_empty() => {
            (Reversible::Yes, "it lists no operation, so nothing is to be undone".to_owned())
        }
        None if idle => {
            goes_back("Django reverses its operations, but one of them by doing nothing", forward, back)
        }
        None => goes_back("Django reverses its operations", forward, back),
    }
}

/// What an operation with code of its own says about the way back.
enum Reverse {
    None,
    Refuses,
    Idle,
    Acts,
}

fn reverse(name: &str, arguments: &Arguments<'_>, functions: &Functions<'_>) -> Reverse {
    let keyword = if name == "RunPython" { "reverse_code" } else { "reverse_sql" };
    let named = arguments.named.iter().find(|(known, _)| *known == keyword).map(|(_, value)| value);
    let Some(value) = named.or(arguments.positional.get(1)) else { return Reverse::None };
    if value.ends_with(".noop") || value.is_empty() {
        return Reverse::Idle;
    }
    match functions.get(value).map(|(body, _)| *body) {
        Some(Body::Empty) => Reverse::Idle,
        Some(Body::Refuses) => Reverse::Refuses,
        _ => Reverse::Acts,
    }
}

/// The arguments of a call, as far as they matter: the words of `None` are left out. They are parts of the text, since
/// calls stand in calls, and each has all of those inside it.
struct Arguments<'a> {
    /// Those without a name.
    positional: Vec<&'a str>,
    /// The others.
    named: Vec<(&'a str, &'a str)>,
    /// How many brackets enclose the call.
    depth: usize,
    /// The name of the call that encloses it.
    within: &'a str,
}

/// All calls in masked text with their arguments, in one pass: a call ends when its bracket closes.
fn calls(masked: &str) -> Vec<(&str, Arguments<'_>)> {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut done = Vec::new();
    let mut open: Vec<(&str, usize, Arguments<'_>)> = Vec::new();
    for (at, byte) in masked.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => {
                let before = &masked[..at];
                let name = &before[before.trim_end_matches(inner).len()..];
                let name = if byte == b'(' { name } else { "" };
                let within = match open.last() {
                    Some(("", _, outer)) => outer.within,
                    Some((name, ..)) => name,
                    None => "",
                };
                let depth = open.len();
                open.push((name, at + 1, Arguments { positional: vec![], named: vec![], depth, within }));
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

fn argument<'a>(text: &'a str, arguments: &mut Arguments<'a>) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let name = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
    let after = text[name.len()..].trim_start();
    if let Some(value) = after.strip_prefix('=').filter(|value| !name.is_empty() && !value.starts_with('=')) {
        if value.trim() != "None" {
            arguments.named.push((name, value.trim()));
        }
    } else if text != "None" {
        arguments.positional.push(text);
    }
}

/// What a Django migration throws away by Django's own operations, and by SQL where none of it is a way back.
pub(super) fn django_forward(text: &str) -> Option<Loss> {
    let masked = mask(text, &HASH);
    let calls = |name: &str| masked.contains(&format!(".{name}("));
    let table = calls("DeleteModel").then_some(Loss::Table);
    let column = calls("RemoveField").then_some(Loss::Column);
    let sql = if masked.contains("reverse_") { None } else { loss::of_visible(&uncomment(text, &HASH)) };
    table.max(column).max(sql)
}

/// What the `upgrade` of an Alembic migration throws away.
pub(super) fn alembic_forward(text: &str) -> Option<Loss> {
    let masked = mask(text, &HASH);
    let (_, at) = functions(&masked).remove("upgrade")?;
    uncomment(text, &HASH).get(at).and_then(loss::of_visible)
}

/// Judges an Alembic migration.
pub(super) fn alembic(text: &str) -> Verdict {
    let masked = mask(text, &HASH);
    let mut functions = functions(&masked);
    let mut body = |name| functions.remove(name).unwrap_or((Body::Missing, 0..0));
    let ((up, forward), (down, back)) = (body("upgrade"), body("downgrade"));
    if (up, down) == (Body::Empty, Body::Empty) {
        return (Reversible::Yes, "neither its `upgrade` nor its `downgrade` does anything".to_owned());
    }
    let visible = uncomment(text, &HASH);
    let loses = |at| visible.get::<Range<usize>>(at).and_then(loss::of_visible);
    // The layout for several databases calls `downgrade_engine1` and its like by their names.
    let named = masked.get(back.clone()).is_some_and(|body| body.contains("globals("));
    if named {
        return unknown("its `downgrade` calls functions by their names");
    }
    of_body(down, "downgrade", loses(forward), loses(back))
}

/// The one revision that an Alembic migration starts from; none at the beginning, and none for a merge.
pub(super) fn parent(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("down_revision"))?;
    let value = line.split_once('=')?.1.split('#').next()?.trim();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value.strip_prefix(quote)?.strip_suffix(quote).map(str::to_owned)
}

/// What functions do and where their bodies are, by their names.
type Functions<'a> = BTreeMap<&'a str, (Body, Range<usize>)>;

/// The top-level functions in masked text, by their indents; of those with one name the first.
fn functions(masked: &str) -> Functions<'_> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in masked.split_inclusive('\n') {
        lines.push((start, line));
        start += line.len();
    }
    let mut found = Functions::new();
    for (index, (_, line)) in lines.iter().enumerate() {
        let Some(name) = defines(line) else { continue };
        found.entry(name).or_insert_with(|| body(masked, &lines[index..]));
    }
    found
}

/// The name that `def name(` defines at the left edge.
fn defines(line: &str) -> Option<&str> {
    let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("def ")?;
    name.split_once('(').map(|(name, _)| name)
}

/// What the function does that the first of these lines defines, and where its body is.
fn body(masked: &str, lines: &[(usize, &str)]) -> (Body, Range<usize>) {
    let Some(((start, first), others)) = lines.split_first() else { return (Body::Missing, 0..0) };
    // `def downgrade(): pass` on one line, or a signature over several.
    let ends = |line: &str| line.trim_end().ends_with(':');
    let mut from = start + first.rfind(':').map_or(first.len(), |colon| colon + 1);
    let mut header_open = !first.contains("):") && !first.contains("->") && !ends(first);
    let mut to = start + first.len();
    for (at, line) in others {
        if header_open && defines(line).is_some() {
            return (Body::Elsewhere, 0..0);
        }
        if header_open {
            header_open = !ends(line);
            (from, to) = (at + line.len(), at + line.len());
            continue;
        }
        if !line.trim().is_empty() && !line.starts_with([' ', '\t']) {
            break;
        }
        to = at + line.len();
    }
    (judge(&masked[from..to]), from..to)
}
