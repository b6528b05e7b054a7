//! Which database migrations a change carries, by whose tool, and whether each of them can be undone.

mod code;
mod judge;
mod place;
mod preset;
mod python;
mod ruby;
mod sql;

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

pub use preset::Preset;

use judge::Look;
use place::Place;
use preset::Sign;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// The file is new.
    Added,
    /// The file was there and reads differently now.
    Modified,
    /// The file is gone.
    Deleted,
    /// The file stands under another path.
    Renamed,
}

/// One file that changed between two commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathChange {
    /// What happened.
    pub change: ChangeKind,
    /// Its path, with `/`; the new one for a rename.
    pub path: String,
    /// The old path of a rename.
    pub from: Option<String>,
}

/// Whether a migration can be undone with its own tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reversible {
    /// It says how to go back. That brings back structure, not data: the reason warns where data is dropped.
    Yes,
    /// It says nothing, or says that there is no way back.
    No,
    /// It cannot be told from the files.
    Unknown,
}

impl Reversible {
    /// `yes`, `no` or `unknown`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// The path of the file that goes forward: foreign text. See [`Migration::title`] for its name.
    pub path: String,
    /// What happened to it.
    pub change: ChangeKind,
    /// Its old path, where it was renamed.
    pub from: Option<String>,
    /// The preset that knows it, or `glob` where the policy named its path.
    pub tool: String,
    /// Whether it can be undone.
    pub reversible: Reversible,
    /// Why it can or cannot be undone, as a sentence without a full stop.
    pub why: String,
}

impl Migration {
    /// The name that tells it from others: its directory's where the file is always `up.sql` or `migration.sql`.
    #[must_use]
    pub fn title(&self) -> &str {
        match self.path.rsplit_once('/') {
            Some((directory, "up.sql" | "migration.sql")) => {
                directory.rsplit('/').next().unwrap_or(directory)
            }
            Some((_, name)) => name,
            None => &self.path,
        }
    }
}

/// Globs that the policy names, all of them well formed. `*` stops at a `/`, `**` does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Globs(Vec<String>);

/// Why a glob cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a valid glob: {why}; write it as in `db/migrations/*.sql`")]
pub struct GlobError {
    /// The glob as given, escaped for display.
    pub glob: String,
    /// What is wrong with it.
    pub why: String,
}

impl TryFrom<Vec<String>> for Globs {
    type Error = GlobError;

    fn try_from(globs: Vec<String>) -> Result<Self, GlobError> {
        compile(&globs)?;
        Ok(Self(globs))
    }
}

impl From<Globs> for Vec<String> {
    fn from(globs: Globs) -> Self {
        globs.0
    }
}

fn compile(globs: &[String]) -> Result<GlobSet, GlobError> {
    let wrong = |glob: &str, error: globset::Error| GlobError {
        glob: glob.escape_debug().to_string(),
        why: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).literal_separator(true).build().map_err(|error| wrong(glob, error))?);
    }
    set.build().map_err(|error| wrong(&globs.join(" "), error))
}

/// How migrations are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// Every preset, told apart by path and content.
    Automatic,
    /// Only these tools.
    Presets(Vec<Preset>),
    /// Whatever lies at these paths; a known tool's reading is used where one fits.
    Globs(Globs),
}

/// The names of all presets, in the order in which they are tried.
#[must_use]
pub fn presets() -> Vec<&'static str> {
    Preset::ALL.iter().map(|preset| preset.name()).collect()
}

/// The migrations among these changes, in their order. `read` gives a file of the candidate commit by its path.
///
/// A pair of up and down is one migration; the file that goes back has no line of its own.
pub fn find(
    selection: &Selection,
    changes: &[PathChange],
    read: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Vec<Migration> {
    let globs = match selection {
        Selection::Globs(globs) => compile(&globs.0).ok(),
        Selection::Automatic | Selection::Presets(_) => None,
    };
    let mut found = Vec::new();
    for change in changes {
        let place = Place::of(&change.path);
        let deleted = change.change == ChangeKind::Deleted;
        let mut look = Look::new(&place, change.change, read);
        let (tool, preset) = match (selection, &globs) {
            (Selection::Globs(_), Some(globs)) => {
                if !globs.is_match(&change.path) || place.goes_back() {
                    continue;
                }
                ("glob", recognise(Preset::ALL, &mut look, false).filter(|preset| preset.is_tool()))
            }
            (Selection::Presets(chosen), _) => {
                let Some(preset) = recognise(chosen, &mut look, true) else { continue };
                (preset.name(), Some(preset))
            }
            _ => {
                let Some(preset) = recognise(Preset::ALL, &mut look, false) else { continue };
                (preset.name(), Some(preset))
            }
        };
        let (reversible, why) = if deleted { judge::deleted() } else { judge::judge(preset, &mut look) };
        found.push(Migration {
            path: change.path.clone(),
            change: change.change,
            from: change.from.clone(),
            tool: tool.to_owned(),
            reversible,
            why,
        });
    }
    found
}

/// The preset that knows this file: one that is sure goes before one whose path merely fits. A preset that the policy
/// names needs no proof from the content, unless the tool itself would pass over a file without its mark.
fn recognise(presets: &[Preset], look: &mut Look<'_, '_>, named: bool) -> Option<Preset> {
    let mut best: Option<(Sign, Preset)> = None;
    for preset in presets.iter().filter(|preset| preset.fits(look.place)) {
        let sign = judge::sign(*preset, look);
        if best.is_none_or(|(known, _)| sign > known) {
            best = Some((sign, *preset));
        }
    }
    best.filter(|(sign, preset)| *sign > Sign::Against || named && !preset.marks_files())
        .map(|(_, preset)| preset)
}

/// Which presets match a repository's paths, for a first policy. Tools that share a layout are told apart by the files
/// that they leave beside it; where nothing tells, all that fit are named.
#[must_use]
pub fn detect(paths: &[String]) -> Vec<&'static str> {
    let places: Vec<Place<'_>> = paths.iter().map(|path| Place::of(path)).collect();
    let names: BTreeSet<&str> = places.iter().map(|place| place.name).collect();
    let tools = Preset::ALL.iter().filter(|preset| preset.is_tool());
    let fitting = tools.filter(|preset| places.iter().any(|place| preset.fits(place)));
    fitting.filter(|preset| preset.left_traces(&names, paths)).map(|preset| preset.name()).collect()
}

#[cfg(test)]
mod tests;
