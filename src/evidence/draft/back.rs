//! The checklist of a rollback: short, since the version was live before, and what it says is known.

use chrono::{DateTime, Utc};

use super::{Draft, count};
use crate::evidence::checklist::{Checklist, Item, Section};
use crate::gate::statement::Release;

/// The checklist of a rollback from one release to another, drafted as of a moment; `taken_back` is the draft of the release
/// that is undone, counted from the other.
#[must_use]
pub fn checklist(
    (undone, to): (&Release, &Release),
    taken_back: &Draft,
    prepared_by: &str,
    at: DateTime<Utc>,
) -> Checklist {
    let going = Section {
        title: "Rollback".to_owned(),
        notes: vec![],
        items: vec![
            Item::ticked("rollback.to", "Goes to", &format!("{}, which was live before", named(to))),
            Item::ticked("rollback.undone", "Undone", &named(undone)),
            Item::ticked("rollback.database", "Database", &database(taken_back)),
        ],
    };
    let commits = Section {
        title: "Changes Taken Back".to_owned(),
        notes: vec![count(taken_back.changes.len(), "commit")],
        items: taken_back
            .changes
            .iter()
            .map(|change| Item::ticked(&format!("commit.{}", change.commit), "", &subject(change)))
            .collect(),
    };
    Checklist {
        version: to.version.to_string(),
        date: at.format("%Y-%m-%d").to_string(),
        prepared_by: prepared_by.to_owned(),
        sections: vec![going, commits],
    }
}

fn named(release: &Release) -> String {
    format!("{} ({})", release.version, release.commit.short())
}

fn subject(change: &super::Change) -> String {
    format!("{} ({})", change.subject, change.commit.short())
}

fn database(taken_back: &Draft) -> String {
    match taken_back.migrations.len() {
        0 => "untouched: no migrations in between".to_owned(),
        all => format!("STAYS as it is: {} in between, none goes down by itself", count(all, "migration")),
    }
}
