//! Lockfiles of plain lines: `gradle.lockfile` and `.terraform.lock.hcl`.

use super::Commit;
use super::format::split;
use super::project::{resolve, text};
use super::resolved::{ONE_OF, Resolved};

/// Where a Gradle build names what it asks for, from the lockfile's directory.
const BUILDS: [&str; 4] =
    ["build.gradle", "build.gradle.kts", "gradle/libs.versions.toml", "../gradle/libs.versions.toml"];

/// Reads a `gradle.lockfile`: `group:artifact:version=configurations`.
pub(super) fn gradle(source: &str, path: &str, commit: &Commit<'_>) -> Result<Resolved, String> {
    let mut resolved = Resolved::of("gradle");
    let dir = split(path).0;
    let builds = BUILDS.iter().filter_map(|build| text(commit, &resolve(dir, "", build)?));
    let builds: Vec<String> = builds.collect();
    if !builds.is_empty() {
        resolved.member("");
    }
    for (at, line) in source.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let parts = line.split_once('=').and_then(|(what, who)| Some((what.rsplit_once(':')?, who)));
        let Some(((name, version), configurations)) = parts.filter(|((name, _), _)| name.contains(':'))
        else {
            return Err(format!(
                "cannot be read at line {}: write it again with `gradle dependencies --write-locks`",
                at + 1
            ));
        };
        resolved.add(name, version);
        if builds.iter().any(|build| names(build, name)) {
            let dev = configurations.split(',').all(|configuration| configuration.starts_with("test"));
            resolved.member("").add(name, None, dev);
        }
    }
    Ok(resolved)
}

/// Whether a build names this module: `group:artifact` with an end behind it.
fn names(build: &str, module: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    build
        .match_indices(module)
        .any(|(at, _)| !build[..at].ends_with(inner) && !build[at + module.len()..].starts_with(inner))
}

/// Reads a `.terraform.lock.hcl`. Every provider runs with the project's credentials, so each counts as direct.
pub(super) fn terraform(source: &str) -> Result<Resolved, String> {
    let mut resolved = Resolved::of("terraform");
    resolved.member("");
    let mut open: Option<(String, Option<String>)> = None;
    let mut hashes: Vec<&str> = Vec::new();
    for (at, line) in source.lines().enumerate() {
        let line = line.trim();
        let bad = || format!("cannot be read at line {}: run `terraform init`", at + 1);
        if let Some(rest) = line.strip_prefix("provider ") {
            let name =
                rest.trim().strip_prefix('"').and_then(|rest| rest.split('"').next()).ok_or_else(bad)?;
            open = Some((name.to_owned(), None));
        } else if let Some((_, value)) = line.split_once('=').filter(|(key, _)| key.trim() == "version") {
            let (_, version) = open.as_mut().ok_or_else(bad)?;
            *version = Some(value.trim().trim_matches('"').to_owned());
        } else if let Some(hash) = line.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
            hashes.push(hash);
        } else if line == "}" {
            let (name, version) = open.take().ok_or_else(bad)?;
            let version = version.ok_or_else(bad)?;
            // Its hashes grow with each platform that somebody runs it on: more of them are no other package.
            resolved.member("").add(&name, None, false);
            let origin = resolved.add(&name, &version);
            for (kind, digest) in hashes.drain(..).filter_map(|hash| hash.split_once(':')) {
                origin.checked(&format!("{ONE_OF}{kind}"), digest);
            }
        }
    }
    if open.is_some() { Err("ends too early: run `terraform init`".to_owned()) } else { Ok(resolved) }
}
