//! The section `Database Changes`, and whether the database can go back.

use super::{Draft, count, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::migrations::{ChangeKind, Migration, Reversible};
use crate::gate::policy::Rollback;

pub(super) fn section(draft: &Draft) -> Section {
    let mut items = Vec::new();
    if draft.migrations.is_empty() {
        items.push(Item {
            evidence: Some(format!(
                "{} compared",
                count(usize::try_from(draft.files).unwrap_or(usize::MAX), "changed path")
            )),
            ..ticked("migrations.none", "No migrations", "")
        });
    }
    for migration in &draft.migrations {
        let path = &migration.path;
        let reversible = match migration.reversible {
            Reversible::Yes => "reversible",
            Reversible::No => "not reversible",
            Reversible::Unknown => "not known to be reversible",
        };
        let words = format!("{}, {}, {reversible}", change_word(migration.change), migration.tool);
        let children = vec![
            open(&format!("migration.{path}.rollback"), "Tested rollback", "", &untested(migration)),
            open(&format!("migration.{path}.backup"), "Backup verified", "", "no fact can know it"),
        ];
        items.push(Item {
            evidence: Some(words),
            children,
            ..ticked(&format!("migration.{path}"), "Migration", path)
        });
    }
    Section { title: "Database Changes".to_owned(), notes: vec![], items }
}

pub(super) fn rollback(draft: &Draft, rollback: Option<&Rollback>) -> Item {
    let label = "Database rollback";
    if draft.migrations.is_empty() {
        return ticked("rollback.database", label, "not needed: no migrations");
    }
    let names: Vec<&str> = draft.migrations.iter().map(|migration| migration.path.as_str()).collect();
    let names = names.join(", ");
    if !draft.reversible() {
        return open("rollback.database", label, &names, "not every migration is known to be reversible");
    }
    match rollback.filter(|rollback| !rollback.migrations.is_empty()) {
        Some(_) => ticked("rollback.database", label, &names),
        None => open("rollback.database", label, &names, "the policy says no `rollback.migrations`"),
    }
}

fn untested(migration: &Migration) -> String {
    match migration.reversible {
        Reversible::Yes => format!("{}; nobody recorded that it was tried", migration.why),
        Reversible::No | Reversible::Unknown => migration.why.clone(),
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
