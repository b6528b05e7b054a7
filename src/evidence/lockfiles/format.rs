//! Which file is which lockfile, and which manifest stands beside it.

use serde::{Deserialize, Serialize};

/// A kind of lockfile, known by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `bun.lock`
    Bun,
    /// `bun.lockb`, the binary form that bun wrote before version 1.2; not read.
    BunBinary,
    /// `Cargo.lock`
    Cargo,
    /// `package-lock.json`, `npm-shrinkwrap.json`
    Npm,
    /// `go.mod`: Go pins in its manifest.
    GoMod,
    /// `go.sum`, `go.work.sum`: checksums of what `go.mod` pins.
    GoSum,
    /// `poetry.lock`
    Poetry,
    /// `uv.lock`
    Uv,
    /// `pdm.lock`
    Pdm,
    /// `pylock.toml`, `pylock.NAME.toml`
    Pylock,
    /// `Pipfile.lock`
    Pipfile,
    /// `requirements.txt` and its kind
    Requirements,
    /// `yarn.lock`, of yarn 1 and of yarn 2 and later
    Yarn,
    /// `composer.lock`
    Composer,
    /// `Gemfile.lock`, `gems.locked`
    Gemfile,
    /// `pnpm-lock.yaml`
    Pnpm,
    /// `packages.lock.json` of NuGet
    NuGet,
    /// `Package.resolved` of Swift
    Swift,
    /// `pubspec.lock` of Dart
    Dart,
    /// `Podfile.lock`
    CocoaPods,
    /// `Chart.lock` of Helm
    Helm,
    /// `deno.lock`
    Deno,
    /// `flake.lock` of Nix
    Nix,
    /// `mix.lock` of Elixir
    Mix,
    /// `gradle.lockfile`, `buildscript-gradle.lockfile`
    Gradle,
    /// `.terraform.lock.hcl`
    Terraform,
    /// A lockfile that deployctl knows by name but does not read.
    Unread,
}

/// Lockfiles of one family lock the same kind of packages: a project may switch between their tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// What a `package.json` asks for.
    JavaScript,
    /// What Python projects ask for.
    Python,
    /// `go.mod` and what stands beside it.
    Go,
    /// A format that no other tool writes.
    Other(Format),
}

impl Format {
    /// The family of the format.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Npm | Self::Yarn | Self::Pnpm | Self::Bun | Self::BunBinary => Family::JavaScript,
            Self::Poetry | Self::Uv | Self::Pdm | Self::Pylock | Self::Pipfile | Self::Requirements => {
                Family::Python
            }
            Self::GoMod | Self::GoSum => Family::Go,
            other => Family::Other(other),
        }
    }
}

/// Names of lockfiles that are recognised, so that nobody takes silence for "no new dependencies".
const UNREAD: [&str; 6] =
    ["Cartfile.resolved", "MODULE.bazel.lock", "conan.lock", "conda-lock.yml", "pixi.lock", "renv.lock"];

/// Directory and name: `web/yarn.lock` → (`web/`, `yarn.lock`).
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rfind('/').map_or(("", path), |slash| path.split_at(slash + 1))
}

/// Whether a path lies in a directory of other people's code, or of files that only tests read.
#[must_use]
pub fn is_foreign(path: &str) -> bool {
    // Every changed path is asked, and bytes are split faster than characters.
    let foreign = |part: &[u8]| {
        matches!(part, b"node_modules" | b"vendor" | b"third_party" | b"testdata" | b"fixtures")
    };
    split(path).0.as_bytes().split(|byte| *byte == b'/').any(foreign)
}

/// Which lockfile this path is, if it is one. Those of foreign directories are not the project's own.
#[must_use]
pub fn is_lockfile(path: &str) -> Option<Format> {
    named_so(path).filter(|_| !is_foreign(path))
}

/// Which lockfile this path would be by its name, wherever it lies.
#[must_use]
pub fn named_so(path: &str) -> Option<Format> {
    let (directory, name) = split(path);
    let format = match name {
        "bun.lock" => Format::Bun,
        "bun.lockb" => Format::BunBinary,
        "Cargo.lock" => Format::Cargo,
        "package-lock.json" | "npm-shrinkwrap.json" => Format::Npm,
        "go.mod" => Format::GoMod,
        "go.sum" | "go.work.sum" => Format::GoSum,
        "poetry.lock" => Format::Poetry,
        "uv.lock" => Format::Uv,
        "pdm.lock" => Format::Pdm,
        "pylock.toml" => Format::Pylock,
        "Pipfile.lock" => Format::Pipfile,
        "yarn.lock" => Format::Yarn,
        "composer.lock" => Format::Composer,
        "Gemfile.lock" | "gems.locked" => Format::Gemfile,
        "pnpm-lock.yaml" => Format::Pnpm,
        "packages.lock.json" => Format::NuGet,
        "Package.resolved" => Format::Swift,
        "pubspec.lock" => Format::Dart,
        "Podfile.lock" => Format::CocoaPods,
        "Chart.lock" => Format::Helm,
        "deno.lock" => Format::Deno,
        "flake.lock" => Format::Nix,
        "mix.lock" => Format::Mix,
        "gradle.lockfile" | "buildscript-gradle.lockfile" => Format::Gradle,
        ".terraform.lock.hcl" => Format::Terraform,
        _ if UNREAD.contains(&name) => Format::Unread,
        _ if name.starts_with("pylock.") && name.ends_with(".toml") => Format::Pylock,
        _ if is_requirements(directory, name) => Format::Requirements,
        _ => return None,
    };
    Some(format)
}

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`, `requirements/dev.txt`.
fn is_requirements(directory: &str, name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".txt") else { return false };
    let inside = directory.trim_end_matches('/').rsplit('/').next() == Some("requirements");
    let ends = stem.ends_with("-requirements") || stem.ends_with("_requirements");
    inside || stem.starts_with("requirements") || ends
}

/// The name of the manifest that stands beside a kind of lockfile, where it has a fixed one.
#[must_use]
pub const fn manifest_name(format: Format) -> Option<&'static str> {
    Some(match format {
        Format::Cargo => "Cargo.toml",
        Format::Npm | Format::Yarn | Format::Pnpm | Format::Bun | Format::BunBinary => "package.json",
        Format::Poetry | Format::Uv | Format::Pdm | Format::Pylock => "pyproject.toml",
        Format::Pipfile => "Pipfile",
        Format::Composer => "composer.json",
        Format::Gemfile => "Gemfile",
        Format::Swift => "Package.swift",
        Format::Mix => "mix.exs",
        _ => return None,
    })
}

/// The manifest beside a lockfile (`web/yarn.lock` → `web/package.json`); none where the lockfile itself says what is
/// asked for.
#[must_use]
pub fn manifest_of(path: &str) -> Option<String> {
    let (directory, name) = split(path);
    let manifest = match (is_lockfile(path)?, name) {
        (Format::Gemfile, "gems.locked") => "gems.rb",
        (Format::Requirements, name) => return Some(format!("{directory}{}.in", name.strip_suffix(".txt")?)),
        (format, _) => manifest_name(format)?,
    };
    Some(format!("{directory}{manifest}"))
}

/// Whether a path matters to lockfiles: one of them, or a file that says what is asked for or where members lie.
#[must_use]
pub fn concerns(path: &str) -> bool {
    let name = split(path).1;
    let manifest = matches!(
        name,
        "Cargo.toml"
            | "package.json"
            | "pyproject.toml"
            | "Pipfile"
            | "composer.json"
            | "Gemfile"
            | "gems.rb"
            | "Package.swift"
            | "mix.exs"
            | "go.work"
    );
    manifest || name.ends_with(".in") || is_lockfile(path).is_some()
}

/// A format whose manifest has this name.
pub(super) fn of_manifest(path: &str) -> Option<Format> {
    let formats = [Format::Cargo, Format::Npm, Format::Poetry, Format::Pipfile, Format::Composer];
    let name = split(path).1;
    formats.into_iter().find(|format| manifest_name(*format) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::{concerns, manifest_of};

    #[test]
    fn every_lockfile_and_the_manifest_beside_it_concern_lockfiles() {
        for path in [
            "Cargo.lock",
            "web/package-lock.json",
            "web/yarn.lock",
            "web/pnpm-lock.yaml",
            "bun.lockb",
            "poetry.lock",
            "uv.lock",
            "pdm.lock",
            "pylock.dev.toml",
            "Pipfile.lock",
            "requirements/dev.txt",
            "composer.lock",
            "Gemfile.lock",
            "gems.locked",
            "go.mod",
            "go.work.sum",
            "Package.resolved",
            "mix.lock",
            "renv.lock",
        ] {
            assert!(concerns(path), "{path}");
            assert!(manifest_of(path).is_none_or(|manifest| concerns(&manifest)), "{path}");
        }
        for path in ["src/main.rs", "web/package.json.bak", "node_modules/a/yarn.lock", "go.workspace"] {
            assert!(!concerns(path), "{path}");
        }
    }
}
