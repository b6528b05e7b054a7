//! The changelogs of the candidate, read from its commit and compared with the commit before the range.

use anyhow::Result;

use crate::evidence::changelog::{self, Basis, Excerpt, Question};
use crate::evidence::draft::Since;
use crate::evidence::lockfiles::is_foreign;
use crate::evidence::migrations::{ChangeKind, PathChange};
use crate::gate::policy::VersionRule;
use crate::gate::statement::Release;
use crate::gate::terms::CommitId;
use crate::world::repository::Repository;

/// The most changelogs of packages that are read: a release of a monorepo that changes more has one at its top.
const PACKAGES_MAX: usize = 50;

/// The changelog that the policy names, else the one at the top, else those of packages that changed in the range.
///
/// # Errors
/// When the commit is not here.
pub(super) fn look(
    repository: &Repository,
    versions: &VersionRule,
    release: &Release,
    since: &Since,
    paths: &[PathChange],
) -> Result<Vec<Excerpt>> {
    let commit = &release.commit;
    let version = release.version.to_string();
    let previous = match since {
        Since::Live(release) | Since::Named(release) | Since::Tag(release) => {
            Some(release.version.to_string())
        }
        Since::Commit(_) | Since::Beginning => None,
    };
    let read = |path: &str| {
        let after = file(repository, commit, path)?;
        let old = paths.iter().find(|change| change.path == path).and_then(|change| change.from.as_deref());
        let before = since.commit().and_then(|since| file(repository, since, old.unwrap_or(path)));
        let question =
            Question { version: &version, previous: previous.as_deref(), before: before.as_deref() };
        Some(changelog::excerpt(path, &after, &question))
    };
    if let Some(path) = &versions.changelog {
        return Ok(vec![read(path).unwrap_or_else(|| Excerpt::missing(path))]);
    }
    let ranked = |name: String| changelog::rank(&name).map(|rank| (rank, name));
    // The changelog at the top of a monorepo is not the one of each service.
    let counts = |name: &String| versions.paths.as_ref().is_none_or(|paths| paths.holds(name));
    let top = repository.top_files(commit)?.into_iter().filter(counts);
    if let Some((_, name)) = top.filter_map(ranked).min() {
        return Ok(read(&name).into_iter().collect());
    }
    // Of the packages only those that say something: nobody asked for the others.
    let found = packages(paths).filter_map(read).filter(|found| found.basis != Basis::Nothing);
    Ok(found.take(PACKAGES_MAX).collect())
}

fn packages(paths: &[PathChange]) -> impl Iterator<Item = &str> {
    let there =
        paths.iter().filter(|change| change.change != ChangeKind::Deleted && !is_foreign(&change.path));
    let named = |path: &&str| {
        path.rsplit_once('/').is_some_and(|(_, file)| {
            file.to_ascii_lowercase().starts_with("changelog") && changelog::rank(file).is_some()
        })
    };
    there.map(|change| change.path.as_str()).filter(named).take(PACKAGES_MAX * 4)
}

/// A file's content; where it is nothing but the path of another one, as a link is stored, the content of that.
fn file(repository: &Repository, commit: &CommitId, path: &str) -> Option<Vec<u8>> {
    let content = repository.blob(commit, path)?;
    let link =
        std::str::from_utf8(&content).ok().filter(|link| link.len() < 256 && !link.contains(['\n', ' ']));
    let target = link.and_then(|link| {
        let dir = path.rsplit_once('/').map_or(String::new(), |(dir, _)| format!("{dir}/"));
        repository.blob(commit, &format!("{dir}{}", link.strip_prefix("./").unwrap_or(link)))
    });
    Some(target.unwrap_or(content))
}
