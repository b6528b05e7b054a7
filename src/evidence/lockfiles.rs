//! What moved between two lockfiles: added, removed, changed, or the same version from somewhere else.

mod bun;
mod cargo;
mod composer;
mod deno;
mod drift;
mod format;
mod gemfile;
mod gomod;
mod gosum;
mod lines;
mod manifest;
mod mix;
mod npm;
mod nuget;
mod pdm;
mod pnpm;
mod project;
mod python;
mod requirements;
mod resolved;
mod swift;
mod unread;
mod yaml;
mod yarn;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use format::{Family, Format, concerns, is_foreign, is_lockfile, manifest_name, manifest_of, named_so};
pub use unread::unread_manifests;

use project::Project;
use resolved::Resolved;

/// How a dependency moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyChange {
    /// No version of it was locked before.
    Added,
    /// No version of it is locked any more.
    Removed,
    /// The set of its locked versions is another one.
    Changed,
    /// The same version, but from another place, or with another checksum or none: look at it twice.
    Source,
}

/// One dependency that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// Its name, as the lockfile writes it: foreign text.
    pub name: String,
    /// How it moved.
    pub change: DependencyChange,
    /// What was locked: versions joined with `, `; for [`DependencyChange::Source`] the version and its origin.
    pub from: Option<String>,
    /// What is locked now, in the same form.
    pub to: Option<String>,
    /// Whether the project asks for it itself, or a member of its workspace. `None` where no manifest and no lockfile
    /// can tell.
    pub direct: Option<bool>,
    /// The path of the lockfile.
    pub lockfile: String,
    /// Whether it is known to be asked for only for developing. Words for the checklist, no part of the record.
    #[serde(skip)]
    pub dev: bool,
    /// The package that it is in truth, where the lockfile locks it under the project's own name for it.
    #[serde(skip)]
    pub alias_of: Option<String>,
}

impl Dependency {
    /// Whether the same version is locked without any of the checksums that it had.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        let gone = |to: &str| to.strip_suffix(')').is_some_and(|to| to.ends_with(resolved::UNCHECKED));
        self.change == DependencyChange::Source && self.to.as_deref().is_some_and(gone)
    }
}

/// What comparing two lockfiles gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// The same bytes on both sides, or no lockfile on either.
    Unchanged,
    /// Both were read. Empty where only the file's form changed. Direct additions first, then by kind and name.
    Read(Vec<Dependency>),
    /// At least one could not be read: this never means "no new dependencies".
    Unreadable {
        /// The sentence for people.
        why: String,
    },
}

/// A dependency that was locked already, for others, and that the project now asks for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// Its name: foreign text.
    pub name: String,
    /// Its versions, joined with `, `.
    pub version: String,
    /// Whether it is asked for only for developing.
    #[serde(skip)]
    pub dev: bool,
}

/// Everything that comparing one lockfile gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// What moved.
    pub comparison: Comparison,
    /// What became direct without being new.
    pub promoted: Vec<Promotion>,
    /// Where the manifests were changed and the lockfile does not follow: clauses for people.
    pub drift: Vec<String>,
    /// Names that are asked for without a fixed version, so that the file does not say what is installed.
    pub unpinned: Vec<String>,
}

impl Compared {
    /// A comparison and nothing else.
    #[must_use]
    pub const fn plain(comparison: Comparison) -> Self {
        Self { comparison, promoted: Vec::new(), drift: Vec::new(), unpinned: Vec::new() }
    }
}

/// The files of one commit.
#[derive(Clone, Copy)]
pub struct Commit<'a> {
    /// The paths, from the repository's root: at least those that [`concerns`] names.
    pub paths: &'a BTreeSet<String>,
    /// The bytes of a file; none where there is no such file.
    pub read: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// What a lockfile locked, all of it gone: for a project that is gone with it.
#[must_use]
pub fn all_removed(path: &str, commit: Commit<'_>) -> Compared {
    let Some(old) = (commit.read)(path).and_then(|bytes| read(path, &bytes, &commit).ok()) else {
        // What could not be read before locks nothing now.
        return Compared::plain(Comparison::Read(Vec::new()));
    };
    let project = gather(path, &old, &commit);
    let nothing = (&Resolved::default(), &Project::default());
    Compared::plain(Comparison::Read(resolved::compare(path, (&old, &project), nothing)))
}

/// The names that a manifest asks for, where it is one that lockfiles belong to and can be read.
#[must_use]
pub fn declared(path: &str, commit: Commit<'_>) -> Option<BTreeSet<String>> {
    let format = format::of_manifest(path)?;
    let manifest = project::parse(format, &project::text(&commit, path)?, None)?;
    Some(manifest.asks.0.into_iter().filter(|(_, ask)| !ask.loose).map(|(name, _)| name).collect())
}

/// The family of lockfiles that a manifest belongs to.
#[must_use]
pub fn manifest_family(path: &str) -> Option<Family> {
    format::of_manifest(path).map(Format::family)
}

/// Compares a lockfile at two commits; `before` has its path there, which is another one where the file was moved or
/// the project switched from one tool to another, and is none where nothing was locked, so that everything is added.
#[must_use]
pub fn compare(before: Option<(&str, Commit<'_>)>, after: (&str, Commit<'_>)) -> Compared {
    let (path, commit) = after;
    let Some(lock) = (commit.read)(path) else {
        let why = format!("`{path}` is gone: nothing says which versions will be installed");
        return Compared::plain(Comparison::Unreadable { why });
    };
    let old_lock = before.and_then(|(path, commit)| (commit.read)(path));
    let same = old_lock.as_ref() == Some(&lock);
    let new = match read(path, &lock, &commit) {
        Ok(new) => new,
        // What nobody can read did not move either, as long as its bytes did not.
        Err(_) if same && before.is_some_and(|(path, commit)| read(path, &lock, &commit).is_err()) => {
            return Compared::plain(Comparison::Unchanged);
        }
        Err(why) => return Compared::plain(Comparison::Unreadable { why: format!("`{path}` {why}") }),
    };
    let project = gather(path, &new, &commit);
    let (old, old_project) = match (before, old_lock) {
        (Some((from, commit)), Some(_)) if same && reads_alone(from, path) => {
            let project = gather(from, &new, &commit);
            (Cow::Borrowed(&new), project)
        }
        (Some((path, commit)), Some(lock)) => match read(path, &lock, &commit) {
            Ok(old) => {
                let project = gather(path, &old, &commit);
                (Cow::Owned(old), project)
            }
            Err(why) => {
                let why = format!("`{path}` before the change {why}");
                return Compared::plain(Comparison::Unreadable { why });
            }
        },
        _ => (Cow::Owned(Resolved::default()), Project::default()),
    };
    judge(path, same, (&old, &old_project), (&new, &project))
}

/// Whether the same bytes are the same lockfile under both names, whatever stands beside them.
fn reads_alone(from: &str, to: &str) -> bool {
    let with_others = [Format::GoMod, Format::GoSum, Format::Requirements, Format::Gradle];
    is_lockfile(to).is_some_and(|format| is_lockfile(from) == Some(format) && !with_others.contains(&format))
}

fn judge(path: &str, same: bool, before: (&Resolved, &Project), after: (&Resolved, &Project)) -> Compared {
    let mut drift: Vec<String> = after.1.drift.difference(&before.1.drift).cloned().collect();
    let stamped = after.0.stamp.is_some() && after.0.stamp == before.0.stamp;
    if drift.is_empty() && stamped && before.1.declared != after.1.declared {
        drift.push(format!("what the manifest asks for was changed, and `{path}` was not written for it"));
    }
    Compared {
        comparison: match resolved::compare(path, before, after) {
            moved if same && moved.is_empty() => Comparison::Unchanged,
            moved => Comparison::Read(moved),
        },
        promoted: resolved::promoted(before, after),
        drift,
        unpinned: after.0.unpinned.iter().cloned().collect(),
    }
}

fn gather(path: &str, lock: &Resolved, commit: &Commit<'_>) -> Project {
    is_lockfile(path).map(|format| Project::gather(path, format, lock, commit)).unwrap_or_default()
}

/// Reads a lockfile, or says why not: the rest of a sentence that begins with its path.
fn read(path: &str, bytes: &[u8], commit: &Commit<'_>) -> Result<Resolved, String> {
    let Some(format) = is_lockfile(path) else {
        return Err("is no lockfile that deployctl knows: compare it by hand".to_owned());
    };
    match format {
        Format::Unread => {
            return Err("is a lockfile that deployctl does not read yet: compare it by hand".to_owned());
        }
        Format::BunBinary => {
            return Err("is binary and cannot be compared: write it as text with `bun install --save-text-lockfile`, and remove it".to_owned());
        }
        _ => {}
    }
    let text = readable(bytes, format)?;
    match format {
        Format::Bun => bun::read(text),
        Format::Cargo => cargo::read(text),
        Format::Npm => npm::read(text),
        Format::GoMod => gomod::read(text, path, commit),
        Format::GoSum => gosum::read(text, path, commit),
        Format::Poetry => python::poetry(text),
        Format::Uv => python::uv(text),
        Format::Pdm => pdm::pdm(text),
        Format::Pylock => pdm::pylock(text),
        Format::Pipfile => pdm::pipfile(text),
        Format::Requirements => requirements::read(text, path, commit),
        Format::Yarn => yarn::read(text),
        Format::Composer => composer::read(text),
        Format::Gemfile => gemfile::read(text),
        Format::Pnpm => pnpm::read(text),
        Format::NuGet => nuget::read(text),
        Format::Swift => swift::read(text),
        Format::Dart => yaml::pubspec(text),
        Format::CocoaPods => yaml::pods(text),
        Format::Helm => yaml::chart(text),
        Format::Deno => deno::deno(text),
        Format::Nix => deno::flake(text),
        Format::Mix => mix::read(text),
        Format::Gradle => lines::gradle(text, path, commit),
        Format::Terraform => lines::terraform(text),
        Format::BunBinary | Format::Unread => Err("cannot be read: compare it by hand".to_owned()),
    }
}

/// The text of a lockfile that may be read at all.
fn readable(bytes: &[u8], format: Format) -> Result<&str, String> {
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Err("is only a pointer to Git LFS, not the file itself: keep lockfiles out of LFS".to_owned());
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err("is not UTF-8 text: write it again with its own tool".to_owned());
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A project without dependencies has a lockfile without lines in some formats.
    let may_be_empty = matches!(format, Format::GoSum | Format::Requirements);
    if text.trim().is_empty() && !may_be_empty {
        return Err("is empty: write it again with its own tool".to_owned());
    }
    let marks = ["<<<<<<< ", ">>>>>>> ", "||||||| "];
    if text.lines().any(|line| marks.iter().any(|mark| line.starts_with(mark))) {
        return Err(
            "holds an unresolved merge conflict: resolve it and write it again with its own tool".to_owned()
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
