//! What it means that a migration is not new: edited, renamed, moved or gone. A database that already ran it stays as
//! it is, whatever the file says now.

use crate::evidence::junit::visible;

use super::place::Place;
use super::preset::Preset;
use super::verdict::{Verdict, unknown};
use super::{ChangeKind, Migration, PathChange, Reversible, title_of};

/// What can be said of a file that is no longer there.
pub(super) fn deleted(moved_to: Option<&str>) -> Verdict {
    let what = match moved_to {
        None => "the file was deleted",
        Some(_) => "the file was moved to where its tool does not look",
    };
    unknown(&format!("{what}: a database that already ran it keeps what it did"))
}

/// The verdict on a file that stands in the candidate, with what its history adds.
pub(super) fn told(preset: Option<Preset>, change: &PathChange, verdict: Verdict) -> Verdict {
    match (change.change, &change.from) {
        (ChangeKind::Modified, _) => edited(preset, change, verdict),
        (ChangeKind::Renamed, Some(from)) => renamed(preset, from, &change.path, verdict),
        _ => verdict,
    }
}

fn edited(preset: Option<Preset>, change: &PathChange, verdict: Verdict) -> Verdict {
    let place = Place::of(&change.path);
    let growing = preset == Some(Preset::Gormigrate) && place.digits() == 0;
    if growing || preset == Some(Preset::Liquibase) || place.name.starts_with("R__") {
        return verdict;
    }
    let effect = match preset {
        Some(Preset::Flyway | Preset::Sqlx | Preset::Refinery) => {
            "where it already ran, its tool stops at the other checksum"
        }
        _ => "a database that already ran it will not run it again",
    };
    doubted(verdict, &format!("an old file was edited: {effect}"))
}

fn renamed(preset: Option<Preset>, from: &str, to: &str, verdict: Verdict) -> Verdict {
    let (old, new) = (Place::of(from), Place::of(to));
    let same_version = old.version() == new.version();
    match preset {
        Some(Preset::Flyway) if old.name != new.name && new.versioned(&['V']).is_some() => {
            let (reversible, why) = verdict;
            (reversible, format!("{why}; it was renamed: `flyway validate` fails where it already ran"))
        }
        Some(Preset::Liquibase) => {
            doubted(verdict, "its path is part of its name: a database that already ran it runs it again")
        }
        _ if title_of(from) == title_of(to) => noted(verdict, "it was moved"),
        Some(preset) if preset.knows_by_version() && same_version => {
            noted(verdict, "it was renamed and keeps its version")
        }
        Some(preset) if preset.knows_by_content() => noted(verdict, "it was renamed"),
        _ => doubted(verdict, "it was renamed: a database that already ran it takes it for a new one"),
    }
}

fn noted((reversible, why): Verdict, note: &str) -> Verdict {
    (reversible, format!("{why}; {note}"))
}

/// What is known no longer fits what databases ran.
fn doubted((reversible, why): Verdict, note: &str) -> Verdict {
    let reversible = if reversible == Reversible::Yes { Reversible::Unknown } else { reversible };
    (reversible, format!("{why}; {note}"))
}

/// Tells Alembic's migrations that start from the same one: `alembic upgrade head` refuses where there are two heads.
pub(super) fn several_heads(found: &mut [Migration], parents: &[Option<String>]) {
    for at in 0..found.len() {
        let Some(parent) = &parents[at] else { continue };
        let other = (0..found.len()).find(|other| *other != at && parents[*other].as_ref() == Some(parent));
        if let Some(other) = other {
            let title = visible(found[other].title().chars());
            let why = &mut found[at].why;
            why.push_str(&format!(
                "; `{title}` starts from the same revision: without a merge, Alembic refuses to run"
            ));
        }
    }
}
