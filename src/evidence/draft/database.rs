//! The section `Database Changes`, and whether the database can go back.

use std::collections::HashMap;

use super::{Draft, count, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::migrations::{ChangeKind, Migration, Reversible, directory_of, title_of};
use crate::gate::policy::Rollback;

/// How many migrations are named in one line; the others are counted.
const NAMED_MAX: usize = 5;
/// How many of those that stop a way back are named with their reasons.
const REASONS_MAX: usize = 2;

pub(super) fn section(draft: &Draft) -> Section {
    let mut items: Vec<Item> = Line::all(&draft.migrations).iter().map(Line::item).collect();
    if !draft.submodules.is_empty() {
        let paths = listed(draft.submodules.iter().cloned(), NAMED_MAX);
        let why = "what they bring is not looked into: migrations may be among it";
        items.push(open("migrations.submodules", "Submodules moved", &paths, why));
    }
    if !draft.loose_sql.is_empty() {
        let why = "SQL changed that fits no migration tool's layout; `migrations.paths` in the policy can say what counts";
        let paths = listed(draft.loose_sql.iter().cloned(), NAMED_MAX);
        let (key, label) = match items.is_empty() {
            true => ("migrations.none", "No migrations"),
            false => ("migrations.other", "No other migrations"),
        };
        items.push(open(key, label, &paths, why));
    }
    if items.is_empty() {
        let files = count(usize::try_from(draft.files).unwrap_or(usize::MAX), "changed path");
        items.push(Item {
            evidence: Some(format!("{files} compared")),
            ..ticked("migrations.none", "No migrations", "")
        });
    }
    Section { title: "Database Changes".to_owned(), notes: vec![], items }
}

/// Says whether the database can go back, and names what stops it.
pub(super) fn rollback(draft: &Draft, rollback: Option<&Rollback>) -> Item {
    let (key, label) = ("rollback.database", "Database rollback");
    if draft.migrations.is_empty() && draft.loose_sql.is_empty() {
        return ticked(key, label, "not needed: no migrations");
    }
    let lines = Line::all(&draft.migrations);
    let names = listed(lines.iter().map(Line::name), NAMED_MAX);
    if let Some(why) = stopped(&lines) {
        return open(key, label, &names, &why);
    }
    if !draft.loose_sql.is_empty() {
        return open(key, label, &names, "it is not known what the changed SQL does");
    }
    match rollback.filter(|rollback| !rollback.migrations.is_empty()) {
        Some(rollback) => {
            let runs: Vec<String> = rollback.migrations.iter().map(|step| step.run.join(" ")).collect();
            let evidence = format!("the database can go back: {}", runs.join("; "));
            Item { evidence: Some(evidence), ..ticked(key, label, &names) }
        }
        None => {
            let why = "the database could go back, but the policy says no `rollback.migrations`";
            open(key, label, &names, why)
        }
    }
}

/// What stops the database from going back; none where nothing does.
fn stopped(lines: &[Line<'_>]) -> Option<String> {
    let worst = lines.iter().map(Line::reversible).max_by_key(|reversible| rank(*reversible))?;
    let what = match worst {
        Reversible::Yes => return None,
        Reversible::No => "the database cannot go back",
        Reversible::Unknown => "it is not known whether the database can go back",
    };
    let stops = lines.iter().filter(|line| line.reversible() == worst);
    let named = listed(stops.map(|line| format!("{} ({})", line.name(), line.why())), REASONS_MAX);
    Some(format!("{what}: {named}"))
}

fn listed(words: impl Iterator<Item = String>, max: usize) -> String {
    let mut words: Vec<String> = words.collect();
    let more = words.len().saturating_sub(max);
    words.truncate(max);
    let list = words.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

/// One line of the checklist: a migration, or its copies for several databases.
struct Line<'a> {
    first: &'a Migration,
    others: Vec<&'a Migration>,
    /// Whether another line has the same title: Django and Prisma count anew in each directory.
    ambiguous: bool,
}

impl<'a> Line<'a> {
    /// The lines of these migrations, in the order of their first copies.
    fn all(migrations: &'a [Migration]) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        let mut copied: HashMap<_, usize> = HashMap::new();
        for migration in migrations {
            let known = migration.database().map(|_| {
                *copied
                    .entry((migration.change, &migration.tool, migration.path_for("*")))
                    .or_insert(lines.len())
            });
            match known.and_then(|at| lines.get_mut(at)) {
                Some(line) => line.others.push(migration),
                None => lines.push(Self { first: migration, others: vec![], ambiguous: false }),
            }
        }
        let mut titles: HashMap<String, usize> = HashMap::new();
        lines.iter().for_each(|line| *titles.entry(line.title()).or_default() += 1);
        for line in &mut lines {
            line.ambiguous = titles.get(&line.title()).is_some_and(|count| *count > 1);
        }
        lines
    }

    fn copies(&self) -> impl Iterator<Item = &'a Migration> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// The path, with all databases where there are several: `migrations/{mysql,sqlite}/1_a.sql`.
    fn path(&self) -> String {
        if self.others.is_empty() {
            return self.first.path.clone();
        }
        let databases: Vec<&str> = self.copies().filter_map(Migration::database).collect();
        self.first.path_for(&format!("{{{}}}", databases.join(",")))
    }

    fn title(&self) -> String {
        title_of(&self.path()).to_owned()
    }

    /// What the checklist calls it: the title, or all of the path where the title would not tell it from others.
    fn name(&self) -> String {
        if self.ambiguous { self.path() } else { self.title() }
    }

    /// The copy that is hardest to undo speaks for all.
    fn worst(&self) -> &'a Migration {
        self.copies().fold(self.first, |worst, other| {
            if rank(other.reversible) > rank(worst.reversible) { other } else { worst }
        })
    }

    fn reversible(&self) -> Reversible {
        self.worst().reversible
    }

    fn why(&self) -> String {
        let worst = self.worst();
        match worst.database().filter(|_| self.others.iter().any(|other| other.why != self.first.why)) {
            Some(database) => format!("{database}: {}", worst.why),
            None => worst.why.clone(),
        }
    }

    fn item(&self) -> Item {
        let key = format!("migration.{}", self.first.path);
        let children = vec![
            open(&format!("{key}.rollback"), "Tested rollback", "", &self.untested()),
            open(&format!("{key}.backup"), "Backup verified", "", "no fact can know it"),
        ];
        Item { evidence: Some(self.facts()), children, ..ticked(&key, "Migration", &self.name()) }
    }

    /// Where it lies, how many copies there are, what happened to it, whose it is, and whether it goes back.
    fn facts(&self) -> String {
        let path = self.path();
        let place = match (directory_of(&path), self.others.len()) {
            _ if self.ambiguous && self.others.is_empty() => String::new(),
            ("", 0) => String::new(),
            (directory, 0) => format!("{directory}, "),
            (directory, more) => format!("{directory} ×{}, ", more + 1),
        };
        let change = match (self.first.change, &self.first.from) {
            (ChangeKind::Renamed, Some(from)) => format!("renamed from {from}"),
            (change, _) => change_word(change).to_owned(),
        };
        let reversible = match self.reversible() {
            Reversible::Yes => "reversible",
            Reversible::No => "not reversible",
            Reversible::Unknown => "not known to be reversible",
        };
        format!("{place}{change}, {}, {reversible}", self.first.tool)
    }

    fn untested(&self) -> String {
        match self.reversible() {
            Reversible::Yes => format!("{}; no try is recorded", self.why()),
            Reversible::No | Reversible::Unknown => self.why(),
        }
    }
}

const fn rank(reversible: Reversible) -> u8 {
    match reversible {
        Reversible::Yes => 0,
        Reversible::Unknown => 1,
        Reversible::No => 2,
    }
}

const fn change_word(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Added => "added",
        ChangeKind::Modified => "modified",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Renamed => "renamed",
    }
}
