//! Liquibase's change logs, in each of their four forms: which change sets say how to go back, and which need not.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use super::look::Look;
use super::loss::{self, Loss};
use super::verdict::{Verdict, goes_back, never, unknown};
use super::{ChangeKind, Reversible};

/// Changes that Liquibase turns round by itself, and what they lose on the way back.
const AUTOMATIC: [(&str, Option<Loss>); 22] = [
    ("addCheckConstraint", None),
    ("addColumn", Some(Loss::Column)),
    ("addDefaultValue", None),
    ("addForeignKeyConstraint", None),
    ("addLookupTable", Some(Loss::Table)),
    ("addNotNullConstraint", None),
    ("addPrimaryKey", None),
    ("addUniqueConstraint", None),
    ("createIndex", None),
    ("createSequence", None),
    ("createTable", Some(Loss::Table)),
    ("createView", None),
    ("disableCheckConstraint", None),
    ("disableTrigger", None),
    ("dropNotNullConstraint", None),
    ("enableCheckConstraint", None),
    ("enableTrigger", None),
    ("renameColumn", None),
    ("renameSequence", None),
    ("renameTable", None),
    ("renameTrigger", None),
    ("renameView", None),
];

/// Changes that Liquibase cannot turn round by itself.
const ONE_WAY: [&str; 28] = [
    "alterSequence",
    "createFunction",
    "createPackage",
    "createProcedure",
    "createTrigger",
    "customChange",
    "delete",
    "dropAllForeignKeyConstraints",
    "dropColumn",
    "dropDefaultValue",
    "dropForeignKeyConstraint",
    "dropFunction",
    "dropIndex",
    "dropPrimaryKey",
    "dropProcedure",
    "dropSequence",
    "dropTable",
    "dropTrigger",
    "dropUniqueConstraint",
    "dropView",
    "executeCommand",
    "insert",
    "loadData",
    "loadUpdateData",
    "modifyDataType",
    "sql",
    "sqlFile",
    "update",
];

/// What stands in a change set and changes nothing in the database.
const SILENT: [&str; 9] = [
    "comment",
    "empty",
    "modifySql",
    "output",
    "preConditions",
    "property",
    "stop",
    "tagDatabase",
    "validCheckSum",
];

/// What a change set says of the way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Back {
    /// Nothing.
    #[default]
    Unsaid,
    /// That there is nothing to do.
    Empty,
    /// What to do.
    Said,
}

/// One change set.
#[derive(Clone, Debug, Default)]
struct ChangeSet {
    changes: Vec<String>,
    back: Back,
}

/// How a form of change log writes a name.
type Quoted = fn(&str) -> String;

/// Judges a change log.
pub(super) fn judge(text: &str, look: &Look<'_, '_>) -> Verdict {
    let verdict = match look.place.extension {
        "xml" => of_sets(xml(text), |name| format!("`<{name}>`")),
        "sql" => formatted_sql(text),
        "json" => {
            of_sets(serde_json::from_str(text).ok().map(|tree| sets(&tree)), |name| format!("`{name}`"))
        }
        _ => of_sets(serde_yaml::from_str(text).ok().map(|tree| sets(&tree)), |name| format!("`{name}`")),
    };
    match (verdict, look.change) {
        // A change log grows: the change set without a way back may be an old one.
        ((Reversible::No, why), ChangeKind::Modified) => {
            unknown(&format!("{why}, and the file does not say which change sets are new"))
        }
        (verdict, _) => verdict,
    }
}

fn of_sets(sets: Option<Vec<ChangeSet>>, quoted: Quoted) -> Verdict {
    let Some(sets) = sets else { return unknown("its change log could not be read") };
    if sets.is_empty() {
        return unknown("it holds no change set");
    }
    let mut worst = None::<Verdict>;
    let mut back = None;
    for set in &sets {
        match of_set(set, quoted) {
            Ok(loss) => back = back.max(loss),
            Err((Reversible::No, why)) => return (Reversible::No, why),
            Err(verdict) => worst = worst.or(Some(verdict)),
        }
    }
    worst.unwrap_or_else(|| goes_back("Liquibase reverses its change sets", forward(&sets), back))
}

/// What a change set loses on its way back, or why it has none.
fn of_set(set: &ChangeSet, quoted: Quoted) -> Result<Option<Loss>, Verdict> {
    match set.back {
        Back::Said => return Ok(None),
        Back::Empty => return Err(never(&format!("a change set has an empty {}", quoted("rollback")))),
        Back::Unsaid => {}
    }
    let mut lost = None;
    for change in &set.changes {
        if let Some((_, loss)) = AUTOMATIC.iter().find(|(name, _)| name == change) {
            lost = lost.max(*loss);
        } else if ONE_WAY.contains(&change.as_str()) {
            let why = format!("a change set with {} has no {}", quoted(change), quoted("rollback"));
            return Err(never(&why));
        } else {
            return Err(unknown(
                "a change set without a rollback holds a change that Liquibase may not reverse",
            ));
        }
    }
    Ok(lost)
}

/// What the change sets lose on their way forward.
fn forward(sets: &[ChangeSet]) -> Option<Loss> {
    let lost = |change: &String| match change.as_str() {
        "dropTable" => Some(Loss::Table),
        "dropColumn" => Some(Loss::Column),
        "delete" => Some(Loss::Rows),
        _ => None,
    };
    sets.iter().flat_map(|set| &set.changes).filter_map(lost).max()
}

/// The change sets of a log in XML; none where it is not well formed.
fn xml(text: &str) -> Option<Vec<ChangeSet>> {
    let mut reader = Reader::from_str(text);
    let mut sets = Vec::new();
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                enter(&element, &open, &mut sets);
                open.push(name_of(&element));
            }
            Event::Empty(element) => enter(&element, &open, &mut sets),
            Event::End(_) => {
                open.pop();
            }
            Event::Text(words) if !words.trim().is_empty() => says(&open, &mut sets),
            Event::CData(_) | Event::GeneralRef(_) => says(&open, &mut sets),
            Event::Eof => return open.is_empty().then_some(sets),
            _ => {}
        }
    }
}

fn name_of(element: &BytesStart<'_>) -> String {
    element.local_name().as_ref().to_owned()
}

/// Takes note of an element by what encloses it.
fn enter(element: &BytesStart<'_>, open: &[String], sets: &mut Vec<ChangeSet>) {
    let name = name_of(element);
    if name == "changeSet" {
        sets.push(ChangeSet::default());
        return;
    }
    let Some(set) = sets.last_mut() else { return };
    match (open.last().map(String::as_str), name.as_str()) {
        // `<rollback changeSetId="…"/>` names another change set that is run again.
        (Some("changeSet"), "rollback") => {
            let said = element.attributes().next().is_some();
            set.back = set.back.max(if said { Back::Said } else { Back::Empty });
        }
        (Some("changeSet"), name) if SILENT.contains(&name) => {}
        (Some("changeSet"), _) => set.changes.push(name),
        (Some("rollback"), "empty" | "comment") => {}
        _ => says(open, sets),
    }
}

/// Words or elements inside a `<rollback>` say what to do.
fn says(open: &[String], sets: &mut [ChangeSet]) {
    let inside = open.iter().rev().skip_while(|name| *name != "rollback").nth(1);
    if inside.is_some_and(|name| name == "changeSet")
        && let Some(set) = sets.last_mut()
    {
        set.back = Back::Said;
    }
}

/// The change sets of a log in YAML or JSON.
fn sets(tree: &Value) -> Vec<ChangeSet> {
    let entries = tree.get("databaseChangeLog").and_then(Value::as_array);
    let found = entries.into_iter().flatten().filter_map(|entry| entry.get("changeSet"));
    found.map(set).collect()
}

fn set(tree: &Value) -> ChangeSet {
    let changes = tree.get("changes").and_then(Value::as_array).into_iter().flatten();
    let names = changes.filter_map(Value::as_object).flat_map(|change| change.keys().cloned());
    ChangeSet {
        changes: names.filter(|name| !SILENT.contains(&name.as_str())).collect(),
        back: tree.get("rollback").map_or(Back::Unsaid, back),
    }
}

fn back(rollback: &Value) -> Back {
    let said = match rollback {
        Value::Null => false,
        Value::String(words) => {
            !matches!(words.trim().to_ascii_lowercase().as_str(), "" | "empty" | "not required")
        }
        Value::Array(list) => list.iter().any(|entry| back(entry) == Back::Said),
        Value::Object(map) => map.keys().any(|name| name != "empty"),
        Value::Bool(_) | Value::Number(_) => true,
    };
    if said { Back::Said } else { Back::Empty }
}

fn formatted_sql(text: &str) -> Verdict {
    let mut sets: Vec<Back> = Vec::new();
    let (mut forward, mut way_back) = (String::new(), String::new());
    for line in text.lines() {
        let comment = line.trim_start().strip_prefix("--").map(|rest| rest.trim_start());
        let start = comment.map(str::to_ascii_lowercase).unwrap_or_default();
        if start.starts_with("changeset ") {
            sets.push(Back::Unsaid);
        } else if let (Some(rest), Some(set)) = (start.strip_prefix("rollback"), sets.last_mut()) {
            let words = rest.trim().trim_end_matches(';');
            let said = !matches!(words, "" | "empty" | "not required");
            *set = (*set).max(if said { Back::Said } else { Back::Empty });
            way_back.push_str(rest);
            way_back.push('\n');
        } else if line.trim_start().to_ascii_lowercase().starts_with("/* liquibase rollback") {
            sets.last_mut().into_iter().for_each(|set| *set = Back::Said);
        } else {
            forward.push_str(line);
            forward.push('\n');
        }
    }
    match sets.iter().min() {
        None => unknown("it holds no change set"),
        Some(Back::Unsaid) => never("a change set has no `--rollback`"),
        Some(Back::Empty) => never("a change set has an empty `--rollback`"),
        Some(Back::Said) => {
            goes_back("every change set has a `--rollback`", loss::of_sql(&forward), loss::of_sql(&way_back))
        }
    }
}
