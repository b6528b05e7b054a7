//! The facts about a candidate: which commit, since when, what changed, what the reports say.

pub mod checks;
mod locks;

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use globset::Glob;

use super::gather::Moment;
use crate::cli::CandidateArgs;
use crate::evidence::breaking;
use crate::evidence::commits::{self, Change};
use crate::evidence::draft::{Draft, Scanner, Since, TestFact};
use crate::evidence::migrations::{self, Globs, PathChange, Preset, Selection};
use crate::gate::policy::Policy;
use crate::gate::statement::Release;
use crate::gate::terms::{CommitId, Version};
use crate::world::repository::Repository;

/// Gathers the draft of a candidate, as of a moment.
///
/// # Errors
/// When a name is no commit, or history or reports cannot be read.
pub fn draft(moment: &Moment, policy: &Policy, args: &CandidateArgs, at: DateTime<Utc>) -> Result<Draft> {
    let commit = candidate(&moment.repository, &args.version, args.commit.as_deref())?;
    let since = since(moment, policy, args, &commit)?;
    let paths = moment.repository.changes(since.commit(), &commit)?;
    let tests = checks::look(moment, policy, &commit, &paths)?;
    let release = Release { version: args.version.clone(), commit };
    compose(moment, policy, release, since, &paths, tests, at)
}

/// The same for what a request pins: its release, its beginning, and what its evidence says of the checks.
///
/// # Errors
/// When history cannot be read.
pub fn draft_of(
    moment: &Moment,
    policy: &Policy,
    release: Release,
    since: Since,
    tests: Vec<TestFact>,
    at: DateTime<Utc>,
) -> Result<Draft> {
    let paths = moment.repository.changes(since.commit(), &release.commit)?;
    compose(moment, policy, release, since, &paths, tests, at)
}

fn compose(
    moment: &Moment,
    policy: &Policy,
    release: Release,
    since: Since,
    paths: &[PathChange],
    tests: Vec<TestFact>,
    at: DateTime<Utc>,
) -> Result<Draft> {
    let repository = &moment.repository;
    let commit = &release.commit;
    let read = |from: Option<&CommitId>, to: &CommitId| -> Result<Vec<Change>> {
        Ok(repository.range(from, to)?.iter().map(commits::read).collect())
    };
    let changes = read(since.commit(), commit)?;
    let behind = match since.release() {
        Some(live) => read(Some(commit), &live.commit)?,
        None => vec![],
    };
    let selection = selection(policy)?;
    let migrations = migrations::find(&selection, paths, &mut |path| repository.blob(commit, path));
    Ok(Draft {
        breaking: breaking::summarise(&changes),
        scanners: policy.checks.iter().filter_map(|(check, rule)| Scanner::of(check, rule)).collect(),
        lockfiles: locks::compare_all(repository, since.commit(), commit, paths)?,
        release,
        since,
        at,
        changes,
        behind,
        tests,
        files: paths.len() as u64,
        migrations,
    })
}

/// The commit of a version: its tag's, else the one that was named, else HEAD.
fn candidate(repository: &Repository, version: &Version, named: Option<&str>) -> Result<CommitId> {
    let tagged = repository.tag(version)?;
    let named = named.map(|name| repository.resolve(name)).transpose()?;
    match (tagged, named) {
        (Some(tagged), Some(named)) if tagged != named => bail!(
            "the tag `{version}` names {}, and `--commit` names {}: move the tag, or choose another version",
            tagged.short(),
            named.short()
        ),
        (Some(commit), _) | (None, Some(commit)) => Ok(commit),
        (None, None) => match repository.head()? {
            Some(head) => Ok(head),
            None => bail!("there is no commit yet: commit something first"),
        },
    }
}

fn since(moment: &Moment, policy: &Policy, args: &CandidateArgs, commit: &CommitId) -> Result<Since> {
    let repository = &moment.repository;
    if let Some(name) = &args.since {
        let found = repository.resolve(name)?;
        let version = name.parse::<Version>().ok();
        let tagged = version.filter(|version| repository.tag(version).is_ok_and(|tag| tag.is_some()));
        return Ok(match tagged {
            Some(version) => Since::Named(Release { version, commit: found }),
            None => Since::Commit(found),
        });
    }
    let live = moment.timeline().and_then(|timeline| timeline.tracks.get(&args.environment)?.live.clone());
    if let Some(live) = live {
        return Ok(Since::Live(live.release));
    }
    nearest(moment, policy, commit)
}

/// The nearest tag that looks like a version: a beginning for the changes, never a release to go back to.
fn nearest(moment: &Moment, policy: &Policy, commit: &CommitId) -> Result<Since> {
    let repository = &moment.repository;
    let glob = Glob::new(&policy.version_tag)?.compile_matcher();
    let tags =
        repository.tags()?.into_iter().filter(|(name, tagged)| glob.is_match(name) && tagged != commit);
    let tags: Vec<(String, CommitId)> = tags.collect();
    let wanted: BTreeSet<CommitId> = tags.iter().map(|(_, commit)| commit.clone()).collect();
    let Some(nearest) = repository.nearest_ancestor(commit, &wanted)? else { return Ok(Since::Beginning) };
    let name = tags.into_iter().filter(|(_, commit)| commit == &nearest).map(|(name, _)| name).next_back();
    Ok(match name.and_then(|name| name.parse().ok()) {
        Some(version) => Since::Tag(Release { version, commit: nearest }),
        None => Since::Commit(nearest),
    })
}

fn selection(policy: &Policy) -> Result<Selection> {
    if let Some(paths) = &policy.migrations.paths {
        return Ok(Selection::Globs(Globs::try_from(paths.clone())?));
    }
    let Some(names) = &policy.migrations.presets else { return Ok(Selection::Automatic) };
    let chosen = Preset::ALL.iter().copied().filter(|preset| names.iter().any(|name| name == preset.name()));
    Ok(Selection::Presets(chosen.collect()))
}
