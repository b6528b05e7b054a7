//! Rails' `change`, `up` and `down`, and Ecto's.

use std::ops::Range;

use super::Reversible;
use super::code::{HASH, judge, mask, uncomment};
use super::loss::{self, Loss};
use super::verdict::{Verdict, goes_back, never, of_body, unknown};

/// Where the body of `def name` is in masked text, by its indent, for Ruby and Elixir; none where it is not defined.
fn method(masked: &str, name: &str) -> Option<Range<usize>> {
    let mut lines = masked.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    let (indent, from, rest) = lines.find_map(|(at, line)| {
        let start = line.trim_start();
        let rest = start.strip_prefix("def ")?.trim_start().strip_prefix(name)?;
        let ends = rest
            .bytes()
            .next()
            .is_none_or(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'?' | b'!' | b'=')));
        ends.then_some((line.len() - start.len(), at + line.len() - rest.len(), rest))
    })?;
    let end = from + rest.len();
    // `def down; end`, `def down = …`, `def down, do: …`
    let inline = rest.trim_start_matches("()").trim_start();
    if let Some(value) = inline.strip_prefix(", do:").or_else(|| inline.strip_prefix('=')) {
        return Some(end - value.len()..end);
    }
    if let Some(value) = inline.strip_prefix(';').filter(|value| value.trim_end().ends_with("end")) {
        return Some(end - value.len()..end - value.len() + value.trim_end().len() - "end".len());
    }
    let mut to = end;
    for (at, line) in lines {
        let start = line.trim();
        let closes = start == "end" || start.starts_with("end ");
        if closes && line.len() - line.trim_start().len() <= indent {
            break;
        }
        to = at + line.len();
    }
    // What stands on the line of an Elixir `def … do` is not part of the body.
    let from = if rest.trim_end().ends_with(" do") || rest.trim().starts_with("()") { end } else { from };
    Some(from..to)
}

/// The verdict on a migration that has a `down`.
fn with_down(text: &str, masked: &str, up: Option<Range<usize>>, down: Range<usize>) -> Verdict {
    let visible = uncomment(text, &HASH);
    let loses = |at: Range<usize>| visible.get(at).and_then(loss::of_visible);
    of_body(judge(&masked[down.clone()]), "down", up.and_then(loses), loses(down))
}

/// What the way forward throws away: that of an `up`, or of a `change` but for what says itself how to go back.
pub(super) fn forward(text: &str) -> Option<Loss> {
    let (masked, visible) = (mask(text, &HASH), uncomment(text, &HASH));
    let up = method(&masked, "up").or_else(|| method(&masked, "self.up"));
    match (up, method(&masked, "change")) {
        (Some(up), _) => visible.get(up).and_then(loss::of_visible),
        (None, Some(change)) => {
            visible.get(change).and_then(|change| loss::of_visible(&outside_reversible(change).0))
        }
        (None, None) => None,
    }
}

/// Judges a Rails migration.
pub(super) fn rails(text: &str) -> Verdict {
    let masked = mask(text, &HASH);
    let either = |name: &str| method(&masked, name).or_else(|| method(&masked, &format!("self.{name}")));
    let up = either("up");
    if let Some(down) = either("down") {
        return with_down(text, &masked, up, down);
    }
    match (method(&masked, "change"), up) {
        (Some(change), _) => change_body(&masked[change]),
        (None, Some(_)) => never("it has an `up` and no `down`"),
        (None, None) => unknown("it has no `change`, `up` or `down` that could be read"),
    }
}

/// Commands that Rails turns round as they stand, and what that loses.
const REVERSED: [(&str, Option<Loss>); 40] = [
    ("add_belongs_to", Some(Loss::Column)),
    ("add_check_constraint", None),
    ("add_column", Some(Loss::Column)),
    ("add_columns", Some(Loss::Column)),
    ("add_exclusion_constraint", None),
    ("add_foreign_key", None),
    ("add_index", None),
    ("add_reference", Some(Loss::Column)),
    ("add_timestamps", Some(Loss::Column)),
    ("add_unique_constraint", None),
    ("add_unique_key", None),
    ("change_column_null", None),
    ("create_enum", None),
    ("create_join_table", Some(Loss::Table)),
    ("create_schema", Some(Loss::Schema)),
    ("create_table", Some(Loss::Table)),
    ("create_virtual_table", Some(Loss::Table)),
    ("disable_extension", None),
    ("enable_extension", None),
    ("end", None),
    ("change_table", None),
    ("remove_belongs_to", None),
    ("remove_reference", None),
    ("remove_timestamps", None),
    ("rename_column", None),
    ("rename_enum", None),
    ("rename_enum_value", None),
    ("rename_index", None),
    ("rename_table", None),
    ("revert", None),
    ("safety_assured", None),
    ("say", None),
    ("say_with_time", None),
    ("suppress_messages", None),
    ("transaction", None),
    ("validate_check_constraint", None),
    ("validate_constraint", None),
    ("validate_foreign_key", None),
    ("set_table_comment", None),
    ("up_only", None),
];

/// What a statement in a `change` means for the way back.
enum Turn {
    /// Rails turns it round, and loses this.
    Back(Option<Loss>),
    /// It drops this on the way forward; Rails makes an empty one again.
    Drops(Loss),
    /// Rails cannot turn it round.
    Not(String),
    /// It depends on something that may be otherwise on the way back.
    Condition,
    /// It is not one of Rails' own.
    Strange(String),
}

/// A `change` is reversed by Rails unless it holds a statement that Rails cannot turn round.
fn change_body(change: &str) -> Verdict {
    if change.trim().is_empty() {
        return (Reversible::Yes, "its `change` is empty".to_owned());
    }
    let (outside, one_way) = outside_reversible(change);
    let mut tables = Tables::default();
    let (mut forward, mut back, mut unsure) = (None, None, None);
    for line in joined(&outside) {
        match turn(&line, &mut tables) {
            Turn::Back(loss) => back = back.max(loss),
            Turn::Drops(loss) => forward = forward.max(Some(loss)),
            Turn::Not(name) => return never(&format!("Rails cannot reverse the `{name}` in its `change`")),
            Turn::Condition => {
                unsure = Some(
                    "its `change` depends on a condition, which may be another on the way back".to_owned(),
                );
            }
            Turn::Strange(name) => {
                unsure.get_or_insert_with(|| {
                    format!("its `change` runs code of `{name}`, which Rails cannot judge")
                });
            }
        }
    }
    match (unsure, one_way) {
        (Some(why), _) => unknown(&why),
        (None, true) => {
            goes_back("Rails reverses its `change`, but for a part that only runs forward", forward, back)
        }
        (None, false) => goes_back("Rails reverses its `change`", forward, back),
    }
}

/// The names that blocks give to the table that they make or change.
#[derive(Default)]
struct Tables {
    made: Vec<String>,
    changed: Vec<String>,
}

impl Tables {
    /// Takes note of `create_table … do |t|`.
    fn opened(&mut self, command: &str, line: &str) {
        let Some(name) = line.split('|').nth(1).map(|name| name.trim().to_owned()) else { return };
        match command {
            "change_table" => self.changed.push(name),
            _ if command.starts_with("create_") || command.starts_with("drop_") => self.made.push(name),
            _ => {}
        }
    }
}

fn turn(line: &str, tables: &mut Tables) -> Turn {
    // `safety_assured { remove_column … }` and `[:a, :b].each { |name| add_column … }`: what counts stands inside.
    if let Some((outer, inner)) = line.split_once('{').filter(|(outer, _)| wraps(outer)) {
        let inner = inner.rsplit('|').next().unwrap_or(inner).trim().trim_end_matches('}').trim_end();
        return if inner.is_empty() || outer.is_empty() { Turn::Back(None) } else { turn(inner, tables) };
    }
    let words: Vec<&str> =
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
    let Some(command) = words.first().copied() else { return Turn::Back(None) };
    if words
        .iter()
        .any(|word| matches!(*word, "if" | "unless" | "else" | "elsif" | "case" | "when" | "return"))
    {
        return Turn::Condition;
    }
    let receiver = line.split(['.', ' ']).next().unwrap_or_default();
    if line.starts_with(&format!("{receiver}.")) {
        return on_table(line, receiver, &words, tables);
    }
    if (line.contains(".each") || line.contains(".times")) && line.contains('|') {
        return Turn::Back(None);
    }
    tables.opened(command, line);
    command_turn(command, line, &words)
}

/// Whether a block only carries what stands inside it.
fn wraps(outer: &str) -> bool {
    let outer = outer.trim();
    outer == "safety_assured" || outer.ends_with(".each") || outer.ends_with(".times")
}

/// `t.string :name` in a block.
fn on_table(line: &str, receiver: &str, words: &[&str], tables: &Tables) -> Turn {
    let has = |word: &str| words.contains(&word);
    if tables.made.iter().any(|name| name == receiver) {
        return Turn::Back(None);
    }
    if !tables.changed.iter().any(|name| name == receiver) {
        return if line.contains(".each") { Turn::Back(None) } else { Turn::Strange(receiver.to_owned()) };
    }
    let shown = || line.split_whitespace().next().unwrap_or_default().to_owned();
    match words.get(1).copied().unwrap_or_default() {
        "remove" if has("type") => Turn::Drops(Loss::Column),
        "change_default" if has("from") && has("to") => Turn::Back(None),
        "remove" | "change" | "change_default" => Turn::Not(shown()),
        "index" | "rename" | "rename_index" | "foreign_key" | "check_constraint" | "change_null" => {
            Turn::Back(None)
        }
        "remove_references" | "remove_belongs_to" | "remove_timestamps" => Turn::Drops(Loss::Column),
        "remove_index" | "remove_foreign_key" | "remove_check_constraint" => Turn::Back(None),
        _ => Turn::Back(Some(Loss::Column)),
    }
}

fn command_turn(command: &str, line: &str, words: &[&str]) -> Turn {
    let has = |word: &str| words.contains(&word);
    let arguments = line.split(',').count();
    let block = line.contains(" do") || line.contains('{');
    let turned = match command {
        "remove_column" => arguments >= 3,
        "remove_columns" => has("type"),
        "drop_table" | "drop_join_table" => block || command == "drop_join_table" && arguments >= 2,
        "change_column_default" | "change_column_comment" | "change_table_comment" => {
            has("from") && has("to")
        }
        "remove_index" => has("column") || !line.split(',').nth(1).is_none_or(keyword),
        "remove_foreign_key" | "remove_check_constraint" | "remove_unique_constraint" => arguments >= 2,
        "execute" | "change_column" | "raise" | "drop_enum" | "add_enum_value" | "drop_schema" => false,
        _ => {
            let known = REVERSED.iter().find(|(name, _)| *name == command);
            return known.map_or_else(|| Turn::Strange(command.to_owned()), |(_, loss)| Turn::Back(*loss));
        }
    };
    match command {
        _ if !turned => Turn::Not(command.to_owned()),
        "drop_table" | "drop_join_table" => Turn::Drops(Loss::Table),
        "remove_column" | "remove_columns" => Turn::Drops(Loss::Column),
        _ => Turn::Back(None),
    }
}

/// `name: …`, as against `:column`.
fn keyword(argument: &str) -> bool {
    argument.split_whitespace().next().is_some_and(|word| word.ends_with(':'))
}

/// The lines of `change` without those of `reversible do |dir| …` and `up_only`, which say themselves how to go back,
/// and whether one of them only says how to go forward.
fn outside_reversible(change: &str) -> (String, bool) {
    let mut skip = None::<(usize, bool)>;
    let mut one_way = false;
    let mut kept = String::new();
    for line in change.lines() {
        let start = line.trim_start();
        let indent = line.len() - start.len();
        if let Some((level, down)) = skip {
            let down = down || start.contains(".down");
            skip = Some((level, down));
            if indent <= level && start.starts_with("end") {
                one_way |= !down;
                skip = None;
            }
        } else if start.starts_with("reversible do") || start.starts_with("up_only do") {
            skip = Some((indent, false));
        } else if start.starts_with("up_only {") {
            one_way = true;
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    (kept, one_way)
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
pub(super) fn ecto(text: &str) -> Verdict {
    let masked = mask(text, &HASH);
    let up = method(&masked, "up");
    if let Some(down) = method(&masked, "down") {
        return with_down(text, &masked, up, down);
    }
    match (method(&masked, "change"), up) {
        (Some(change), _) => ecto_change(&masked[change]),
        (None, Some(_)) => never("it has an `up` and no `down`"),
        (None, None) => unknown("it has no `change`, `up` or `down` that could be read"),
    }
}

fn ecto_change(change: &str) -> Verdict {
    let (mut forward, mut back, mut unsure) = (None, None, None);
    for line in joined(change) {
        let command: String =
            line.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).collect();
        let no = match command.as_str() {
            // `execute(up, down)` goes both ways, `execute(up)` does not.
            "execute" => !line.contains(','),
            "modify" => !line.contains("from:"),
            "remove" => line.split(',').count() < 2,
            "drop" | "drop_if_exists" => !line.contains("index("),
            "remove_if_exists" => true,
            _ => false,
        };
        if no {
            return never(&format!("Ecto cannot reverse the `{command}` in its `change`"));
        }
        match command.as_str() {
            "create" | "create_if_not_exists" if line.contains("table(") => {
                back = back.max(Some(Loss::Table))
            }
            "add" | "add_if_not_exists" | "timestamps" => back = back.max(Some(Loss::Column)),
            "remove" => forward = Some(Loss::Column),
            "" | "end" | "create" | "create_if_not_exists" | "alter" | "execute" | "modify" | "drop" => {}
            "drop_if_exists" | "rename" | "flush" | "execute_file" => {}
            // The words of a call that was written over several lines, such as `name: …`.
            _ if line.starts_with(&format!("{command}:")) => {}
            _ => unsure = Some(command),
        }
    }
    match unsure {
        Some(name) => unknown(&format!("its `change` runs code of `{name}`, which Ecto cannot judge")),
        None => goes_back("Ecto reverses its `change`", forward, back),
    }
}
