//! Manifests that nobody reads and that no lockfile follows: what they ask for is not known, so a changed one is told.

use std::collections::{BTreeMap, BTreeSet};

use super::format::{is_foreign, of_manifest, split};
use super::project::{parse, text};
use super::{Commit, is_lockfile};
use crate::evidence::migrations::{ChangeKind, PathChange};

/// Up to here manifests of one kind are told one by one: a release of many modules writes its number into each.
const ONE_BY_ONE: usize = 5;

/// Where a lockfile lies that follows a manifest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// In the manifest's own directory.
    Beside,
    /// There, or in a directory above it, as for the members of a workspace.
    Above,
    /// Anywhere: the manifest says the versions for many projects.
    Anywhere,
}

/// A kind of manifest: its name, or `*` and how the name ends; the lockfiles that follow it; where they lie; a word
/// without which it asks for nothing.
type Kind = (&'static str, &'static [&'static str], Reach, &'static str);

const PYTHON: &[&str] = &["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"];
const GRADLE: &[&str] = &["gradle.lockfile"];
const NUGET: &[&str] = &["packages.lock.json"];
const RUBY: &[&str] = &["Gemfile.lock", "gems.locked"];
const DENO: &[&str] = &["deno.lock"];

const KINDS: [Kind; 53] = [
    ("pom.xml", &[], Reach::Beside, ""),
    ("ivy.xml", &[], Reach::Beside, ""),
    ("build.gradle", GRADLE, Reach::Beside, ""),
    ("build.gradle.kts", GRADLE, Reach::Beside, ""),
    ("libs.versions.toml", GRADLE, Reach::Anywhere, ""),
    ("build.sbt", &[], Reach::Beside, ""),
    ("plugins.sbt", &[], Reach::Beside, ""),
    ("Dependencies.scala", &[], Reach::Beside, ""),
    ("build.sc", &[], Reach::Beside, ""),
    ("build.mill", &[], Reach::Beside, ""),
    ("project.clj", &[], Reach::Beside, ""),
    ("deps.edn", &[], Reach::Beside, ""),
    ("setup.py", PYTHON, Reach::Above, ""),
    ("setup.cfg", PYTHON, Reach::Above, "requires"),
    ("requirements.in", &["requirements.txt"], Reach::Beside, ""),
    ("environment.yml", &["conda-lock.yml"], Reach::Beside, "dependencies"),
    ("environment.yaml", &["conda-lock.yml"], Reach::Beside, "dependencies"),
    ("pixi.toml", &["pixi.lock"], Reach::Above, ""),
    ("Gemfile", RUBY, Reach::Beside, ""),
    ("gems.rb", RUBY, Reach::Beside, ""),
    ("*.gemspec", RUBY, Reach::Beside, ""),
    ("Package.swift", &["Package.resolved"], Reach::Above, ""),
    ("Podfile", &["Podfile.lock"], Reach::Beside, ""),
    ("*.podspec", &["Podfile.lock"], Reach::Above, ""),
    ("Cartfile", &["Cartfile.resolved"], Reach::Beside, ""),
    ("*.csproj", NUGET, Reach::Beside, ""),
    ("*.fsproj", NUGET, Reach::Beside, ""),
    ("*.vbproj", NUGET, Reach::Beside, ""),
    ("Directory.Packages.props", NUGET, Reach::Anywhere, ""),
    ("Directory.Build.props", NUGET, Reach::Anywhere, "Reference"),
    ("packages.config", &[], Reach::Beside, ""),
    ("paket.dependencies", &[], Reach::Beside, ""),
    ("mix.exs", &["mix.lock"], Reach::Above, ""),
    ("rebar.config", &[], Reach::Beside, ""),
    ("pubspec.yaml", &["pubspec.lock"], Reach::Above, ""),
    ("Chart.yaml", &["Chart.lock"], Reach::Beside, "dependencies"),
    ("flake.nix", &["flake.lock"], Reach::Beside, ""),
    ("deno.json", DENO, Reach::Above, "imports"),
    ("deno.jsonc", DENO, Reach::Above, "imports"),
    ("bower.json", &[], Reach::Beside, ""),
    ("conanfile.txt", &["conan.lock"], Reach::Beside, ""),
    ("conanfile.py", &["conan.lock"], Reach::Beside, ""),
    ("vcpkg.json", &[], Reach::Beside, ""),
    ("MODULE.bazel", &["MODULE.bazel.lock"], Reach::Beside, ""),
    ("*.cabal", &[], Reach::Beside, ""),
    ("stack.yaml", &[], Reach::Beside, ""),
    ("*.opam", &[], Reach::Beside, ""),
    ("cpanfile", &[], Reach::Beside, ""),
    ("shard.yml", &[], Reach::Beside, ""),
    ("*.nimble", &[], Reach::Beside, ""),
    ("build.zig.zon", &[], Reach::Beside, ""),
    ("elm.json", &[], Reach::Beside, ""),
    ("*.rockspec", &[], Reach::Beside, ""),
];

/// The changed manifests whose dependencies nobody read, each with the sentence for people; `locks` are the lockfiles of
/// the project. Of many of one kind the first stands for all.
#[must_use]
pub fn unread_manifests(
    changes: &[PathChange],
    before: Option<Commit<'_>>,
    after: Commit<'_>,
    locks: &BTreeSet<&str>,
) -> Vec<(String, String)> {
    let mut kinds: BTreeMap<&str, Vec<&PathChange>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.change != ChangeKind::Deleted) {
        let Some(kind) = kind(&change.path, after, locks).filter(|_| !is_foreign(&change.path)) else {
            continue;
        };
        // A manifest that only moved asks for nothing new.
        let old = before.and_then(|before| (before.read)(change.from.as_deref()?));
        if old.is_none() || old != (after.read)(&change.path) {
            kinds.entry(kind).or_default().push(change);
        }
    }
    kinds.into_values().flat_map(|found| told(&found)).collect()
}

/// The kind of a manifest that nobody reads, where no lockfile follows it.
fn kind<'a>(path: &'a str, after: Commit<'_>, locks: &BTreeSet<&str>) -> Option<&'a str> {
    let (directory, name) = split(path);
    if let Some(format) = of_manifest(path) {
        // It would be read, but these bytes cannot be.
        let read = text(&after, path).and_then(|text| parse(format, &text, None)).is_some();
        let follows = |lock: &&&str| {
            let family = is_lockfile(lock).map(super::Format::family);
            directory.starts_with(split(lock).0) && family == Some(format.family())
        };
        return (!read && !locks.iter().any(|lock| follows(&lock))).then_some(name);
    }
    let is = |pattern: &str| match pattern.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => name == pattern,
    };
    let (pattern, followers, reach, word) = KINDS.iter().find(|(pattern, ..)| is(pattern))?;
    let near = |lock: &str| match reach {
        Reach::Beside => split(lock).0 == directory,
        Reach::Above => directory.starts_with(split(lock).0),
        Reach::Anywhere => true,
    };
    let followed = locks.iter().any(|lock| followers.contains(&split(lock).1) && near(lock));
    let asks = || word.is_empty() || text(&after, path).is_none_or(|text| text.contains(word));
    (!followed && asks()).then_some(pattern)
}

fn told(found: &[&PathChange]) -> Vec<(String, String)> {
    let Some(first) = found.first().filter(|_| found.len() > ONE_BY_ONE) else {
        let one = |change: &&PathChange| {
            let verb = if change.change == ChangeKind::Added { "is new" } else { "changed" };
            let why = format!("`{}` {verb}, and its dependencies are not read", change.path);
            (change.path.clone(), why)
        };
        return found.iter().map(one).collect();
    };
    let others = found.len() - 1;
    let why = format!("`{}` and {others} more changed, and their dependencies are not read", first.path);
    vec![(first.path.clone(), why)]
}
