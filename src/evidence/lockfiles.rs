//! What moved between two lockfiles: added, removed, changed, or the same version from somewhere else.

mod cargo;
mod composer;
mod gemfile;
mod gomod;
mod manifest;
mod npm;
mod pnpm;
mod python;
mod resolved;
mod yarn;

use serde::{Deserialize, Serialize};

use manifest::Manifest;
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
    /// The same version, but from another place or with another checksum: look at it twice.
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
    /// Whether the project asks for it itself. `None` where the manifest beside the lockfile cannot tell: it is
    /// missing or unreadable, or another member of the workspace asks for it.
    pub direct: Option<bool>,
    /// The path of the lockfile.
    pub lockfile: String,
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

/// A lockfile and the manifest beside it, at one commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side<'a> {
    /// The lockfile's bytes; none where the commit has no such file.
    pub lock: Option<&'a [u8]>,
    /// The bytes of the file that [`manifest_of`] names.
    pub manifest: Option<&'a [u8]>,
}

/// A kind of lockfile, known by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `Cargo.lock`
    Cargo,
    /// `package-lock.json`, `npm-shrinkwrap.json`
    Npm,
    /// `go.mod`: Go pins in its manifest.
    GoMod,
    /// `poetry.lock`
    Poetry,
    /// `uv.lock`
    Uv,
    /// `yarn.lock`, of yarn 1 and of yarn 2 and later
    Yarn,
    /// `composer.lock`
    Composer,
    /// `Gemfile.lock`, `gems.locked`
    Gemfile,
    /// `pnpm-lock.yaml`
    Pnpm,
    /// A lockfile that deployctl knows by name but does not read.
    Unread,
}

/// Names of lockfiles that are recognised, so that nobody takes silence for "no new dependencies".
const UNREAD: [&str; 19] = [
    "Cartfile.resolved",
    "Chart.lock",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    ".terraform.lock.hcl",
    "bun.lock",
    "bun.lockb",
    "conan.lock",
    "conda-lock.yml",
    "deno.lock",
    "flake.lock",
    "gradle.lockfile",
    "mix.lock",
    "packages.lock.json",
    "pdm.lock",
    "pixi.lock",
    "pubspec.lock",
    "pylock.toml",
];

fn split(path: &str) -> (&str, &str) {
    path.rfind('/').map_or(("", path), |slash| path.split_at(slash + 1))
}

/// Which lockfile this path is, if it is one. Copies inside `node_modules` and `vendor` are not the project's own.
#[must_use]
pub fn is_lockfile(path: &str) -> Option<Format> {
    let (directory, name) = split(path);
    if directory.split('/').any(|part| matches!(part, "node_modules" | "vendor")) {
        return None;
    }
    match name {
        "Cargo.lock" => Some(Format::Cargo),
        "package-lock.json" | "npm-shrinkwrap.json" => Some(Format::Npm),
        "go.mod" => Some(Format::GoMod),
        "poetry.lock" => Some(Format::Poetry),
        "uv.lock" => Some(Format::Uv),
        "yarn.lock" => Some(Format::Yarn),
        "composer.lock" => Some(Format::Composer),
        "Gemfile.lock" | "gems.locked" => Some(Format::Gemfile),
        "pnpm-lock.yaml" => Some(Format::Pnpm),
        _ => UNREAD.contains(&name).then_some(Format::Unread),
    }
}

/// The manifest beside a lockfile (`web/yarn.lock` → `web/package.json`); none where the lockfile needs no other file.
#[must_use]
pub fn manifest_of(path: &str) -> Option<String> {
    let name = match is_lockfile(path)? {
        Format::Cargo => "Cargo.toml",
        Format::Npm | Format::Yarn | Format::Pnpm => "package.json",
        Format::Poetry | Format::Uv => "pyproject.toml",
        Format::Composer => "composer.json",
        Format::GoMod | Format::Gemfile | Format::Unread => return None,
    };
    Some(format!("{}{name}", split(path).0))
}

/// Compares one lockfile at two commits.
#[must_use]
pub fn compare(path: &str, before: Side<'_>, after: Side<'_>) -> Comparison {
    if before.lock == after.lock {
        return Comparison::Unchanged;
    }
    compare_across((path, before), (path, after))
}

/// Compares two lockfiles of one project, also where it switched from one tool to another; a side without a lockfile
/// before is one on which nothing was locked, so that everything is added.
#[must_use]
pub fn compare_across(before: (&str, Side<'_>), after: (&str, Side<'_>)) -> Comparison {
    let (path, side) = after;
    let Some(lock) = side.lock else {
        let why = format!("`{path}` is gone: nothing says which versions will be installed");
        return Comparison::Unreadable { why };
    };
    let old = match before.1.lock {
        Some(lock) => read(before.0, lock).map_err(|why| format!("`{}` before the change {why}", before.0)),
        None => Ok(Resolved::default()),
    };
    let new = read(path, lock).map_err(|why| format!("`{path}` {why}"));
    match (old, new) {
        (Ok(old), Ok(new)) => {
            let old_manifest = manifest(before.0, before.1.manifest);
            let new_manifest = manifest(path, side.manifest);
            Comparison::Read(resolved::compare(path, (&old, &old_manifest), (&new, &new_manifest)))
        }
        (_, Err(why)) | (Err(why), Ok(_)) => Comparison::Unreadable { why },
    }
}

/// Reads a lockfile, or says why not: the rest of a sentence that begins with its path.
fn read(path: &str, bytes: &[u8]) -> Result<Resolved, String> {
    let Some(format) = is_lockfile(path) else {
        return Err("is no lockfile that deployctl knows: compare it by hand".to_owned());
    };
    if format == Format::Unread {
        return Err("is a lockfile that deployctl does not read yet: compare it by hand".to_owned());
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err("is not UTF-8 text: write it again with its own tool".to_owned());
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err("is empty: write it again with its own tool".to_owned());
    }
    if text.lines().any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) {
        return Err(
            "holds an unresolved merge conflict: resolve it and write it again with its own tool".to_owned()
        );
    }
    match format {
        Format::Cargo => cargo::read(text),
        Format::Npm => npm::read(text),
        Format::GoMod => gomod::read(text),
        Format::Poetry => python::poetry(text),
        Format::Uv => python::uv(text),
        Format::Yarn => yarn::read(text),
        Format::Composer => composer::read(text),
        Format::Gemfile => gemfile::read(text),
        Format::Pnpm => pnpm::read(text),
        Format::Unread => {
            Err("is a lockfile that deployctl does not read yet: compare it by hand".to_owned())
        }
    }
}

/// The names that the manifest beside the lockfile declares; none where there is no manifest that can be read.
fn manifest(path: &str, bytes: Option<&[u8]>) -> Option<Manifest> {
    let text = std::str::from_utf8(bytes?).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match is_lockfile(path)? {
        Format::Cargo => cargo::manifest(text),
        Format::Npm | Format::Yarn | Format::Pnpm => npm::manifest(text),
        Format::Poetry | Format::Uv => python::manifest(text),
        Format::Composer => composer::manifest(text),
        Format::GoMod | Format::Gemfile | Format::Unread => None,
    }
}

#[cfg(test)]
mod tests;
