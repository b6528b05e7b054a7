//! Which database migrations a change carries, by whose tool, and whether each of them can be undone.

mod code;
mod forward;
mod history;
mod judge;
mod liquibase;
mod look;
mod loss;
mod place;
mod preset;
mod python;
mod ruby;
mod sign;
mod sql;
mod verdict;

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

pub use preset::Preset;

use super::junit::visible;
use look::{Library, Look};
use place::Place;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
        title_of(&self.path)
    }

    /// Where it lies, without [`Migration::title`]; empty at the top of the repository.
    #[must_use]
    pub fn directory(&self) -> &str {
        directory_of(&self.path)
    }

    /// The part of the path that names a database, for projects that keep a copy for each: `mysql` in
    /// `migrations/mysql/1_a.sql`.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.path.get(place::database(&self.path)?)
    }

    /// The path with this in place of [`Migration::database`]; copies for several databases have the same one.
    #[must_use]
    pub fn path_for(&self, database: &str) -> String {
        let Some(at) = place::database(&self.path) else { return self.path.clone() };
        format!("{}{database}{}", &self.path[..at.start], &self.path[at.end..])
    }
}

/// What stands before [`title_of`] in a path; empty at the top.
#[must_use]
pub fn directory_of(path: &str) -> &str {
    let named = ["/up.sql", "/migration.sql"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    named.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The name that tells a path from others: its directory's where the file is always `up.sql` or `migration.sql`.
#[must_use]
pub fn title_of(path: &str) -> &str {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let above = directory.rsplit('/').next().filter(|above| !above.is_empty());
    match (name, above) {
        ("up.sql" | "migration.sql", Some(above)) => above,
        _ => name,
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
    let search = Search::new(selection);
    let mut library = Library::new(changes, read);
    let mut found = Vec::new();
    let mut parents = Vec::new();
    for change in changes {
        let Some(hit) = search.hit(change, &mut library) else { continue };
        parents.push(match hit.preset {
            Some(Preset::Alembic) if hit.change.change != ChangeKind::Deleted => {
                library.text(&hit.change.path).and_then(|text| python::parent(&text))
            }
            _ => None,
        });
        found.push(hit.judged(&mut library));
    }
    history::several_heads(&mut found, &parents);
    found
}

/// Changed SQL of the project that is in no tool's place, beside the migrations that were found: it may be run by hand, and
/// nobody can tell.
#[must_use]
pub fn loose_sql(changes: &[PathChange], migrations: &[Migration]) -> Vec<String> {
    let known: BTreeSet<&str> = migrations.iter().map(|migration| migration.path.as_str()).collect();
    let sql =
        |change: &&PathChange| [".sql", ".cql", ".ddl", ".psql"].iter().any(|end| change.path.ends_with(end));
    let loose = |change: &&PathChange| {
        let place = Place::of(&change.path);
        let dumps = ["schema.", "structure.", "seed", "fixture", "test"];
        let dump = dumps.iter().any(|start| place.name.starts_with(start));
        let known = known.contains(change.path.as_str());
        !known && !dump && !place.foreign() && !place.goes_back() && place.undone().is_empty()
    };
    let kept = changes.iter().filter(|change| change.change != ChangeKind::Deleted);
    kept.filter(sql).filter(loose).map(|change| change.path.clone()).collect()
}

/// What is looked for.
struct Search<'a> {
    presets: &'a [Preset],
    /// Whether the policy names the presets.
    named: bool,
    globs: Option<GlobSet>,
}

/// A change that is a migration.
struct Hit {
    change: PathChange,
    preset: Option<Preset>,
    tool: &'static str,
    moved_to: Option<String>,
}

impl<'a> Search<'a> {
    fn new(selection: &'a Selection) -> Self {
        match selection {
            Selection::Automatic => Self { presets: Preset::ALL, named: false, globs: None },
            Selection::Presets(chosen) => Self { presets: chosen, named: true, globs: None },
            // Globs are compiled when they are made: what is well formed once stays so.
            Selection::Globs(globs) => Self {
                presets: Preset::ALL,
                named: false,
                globs: Some(compile(&globs.0).unwrap_or_else(|_| GlobSet::empty())),
            },
        }
    }

    /// What a change is to the database: a file that comes from elsewhere is a new migration, and one that goes
    /// elsewhere is a deleted one.
    fn hit(&self, change: &PathChange, library: &mut Library<'_>) -> Option<Hit> {
        let known = self.known(&change.path, change.change, library);
        let hit = |change, (tool, preset), moved_to| Hit { change, preset, tool, moved_to };
        let (ChangeKind::Renamed, Some(from)) = (change.change, &change.from) else {
            return Some(hit(change.clone(), known?, None));
        };
        let gone = |path: &str| PathChange { change: ChangeKind::Deleted, path: path.to_owned(), from: None };
        match known {
            Some(known) if self.fitted(from, known.1) => Some(hit(change.clone(), known, None)),
            Some(known) => {
                let new = PathChange { change: ChangeKind::Added, from: None, ..change.clone() };
                Some(hit(new, known, None))
            }
            None => {
                let before = self.known(from, ChangeKind::Deleted, library)?;
                Some(hit(gone(from), before, Some(change.path.clone())))
            }
        }
    }

    /// The tool of a path, and the preset that reads it.
    fn known(
        &self,
        path: &str,
        change: ChangeKind,
        library: &mut Library<'_>,
    ) -> Option<(&'static str, Option<Preset>)> {
        let place = Place::of(path);
        if self.globs.as_ref().is_some_and(|globs| !globs.is_match(path)) || library.goes_back(&place) {
            return None;
        }
        let preset = sign::recognise(self.presets, &mut Look::new(&place, change, library), self.named);
        match self.globs {
            Some(_) => Some(("glob", preset.filter(|preset| preset.is_tool()))),
            None => preset.map(|preset| (preset.name(), Some(preset))),
        }
    }

    /// Whether the old path of a rename was one of the same kind.
    fn fitted(&self, from: &str, preset: Option<Preset>) -> bool {
        match &self.globs {
            Some(globs) => globs.is_match(from),
            None => preset.is_some_and(|preset| preset.fits(&Place::of(from))),
        }
    }
}

impl Hit {
    fn judged(self, library: &mut Library<'_>) -> Migration {
        let Self { change, preset, tool, moved_to } = self;
        let (reversible, why) = if change.change == ChangeKind::Deleted {
            history::deleted(moved_to.as_deref())
        } else {
            let place = Place::of(&change.path);
            let verdict = judge::judge(preset, &mut Look::new(&place, change.change, library));
            history::told(preset, &change, verdict)
        };
        let PathChange { change, path, from } = change;
        // File names stand in it, and they are anybody's.
        let why = visible(why.chars());
        Migration { path, change, from, tool: tool.to_owned(), reversible, why }
    }
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
