//! The facts about a candidate: which commit, since when, what changed, what the reports say.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use globset::Glob;

use super::gather::Moment;
use crate::cli::CandidateArgs;
use crate::evidence::breaking;
use crate::evidence::commits::{self, Change};
use crate::evidence::draft::{Draft, LockFact, Since, TestFact};
use crate::evidence::lockfiles::{self, Comparison, Side};
use crate::evidence::migrations::{self, ChangeKind, Globs, PathChange, Preset, Selection};
use crate::gate::policy::{CheckRule, CheckSource, Policy};
use crate::gate::request::CheckState;
use crate::gate::statement::Release;
use crate::gate::terms::{Check, CommitId, Version};
use crate::world::reports;
use crate::world::repository::Repository;

/// Gathers the draft of a candidate, as of a moment.
///
/// # Errors
/// When a name is no commit, or history or reports cannot be read.
pub fn draft(moment: &Moment, policy: &Policy, args: &CandidateArgs, at: DateTime<Utc>) -> Result<Draft> {
    let commit = candidate(&moment.repository, &args.version, args.commit.as_deref())?;
    let since = since(moment, policy, args, &commit)?;
    let paths = moment.repository.changes(since.commit(), &commit)?;
    let tests = tests(moment, policy, &commit, &paths)?;
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
        lockfiles: lockfile_facts(repository, since.commit(), commit, paths)?,
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

/// The workflow document's own three, which every checklist shows.
const EXPECTED: [(&str, &str); 3] =
    [("unit", "Unit tests"), ("integration", "Integration tests"), ("e2e", "E2E tests")];

fn tests(moment: &Moment, policy: &Policy, commit: &CommitId, paths: &[PathChange]) -> Result<Vec<TestFact>> {
    let mut tests = Vec::new();
    for (name, title) in EXPECTED {
        let check: Check = name.parse()?;
        if !policy.checks.contains_key(&check) {
            let why = format!("the policy has no check `{name}`");
            tests.push(TestFact::without(check, title.to_owned(), CheckState::Missing, why));
        }
    }
    for (check, rule) in &policy.checks {
        tests.push(test(moment, check, rule, commit, paths)?);
    }
    let place = |test: &TestFact| {
        EXPECTED.iter().position(|(name, _)| *name == test.check.as_str()).unwrap_or(EXPECTED.len())
    };
    tests.sort_by_key(place);
    Ok(tests)
}

fn test(
    moment: &Moment,
    check: &Check,
    rule: &CheckRule,
    commit: &CommitId,
    paths: &[PathChange],
) -> Result<TestFact> {
    let without = |state, why: String| TestFact::without(check.clone(), rule.title.clone(), state, why);
    if let Some(globs) = &rule.when_changed
        && !paths.iter().any(|change| globs.is_match(&change.path))
    {
        return Ok(without(CheckState::NotNeeded, "no changed path needs it".to_owned()));
    }
    let globs = match &rule.source {
        CheckSource::Junit(globs) => globs,
        CheckSource::Run(..) => {
            return Ok(without(CheckState::Missing, "nobody recorded that its command ran".to_owned()));
        }
        CheckSource::Role(role) => {
            return Ok(without(
                CheckState::Missing,
                format!("it is the word of `{role}`, and none is recorded"),
            ));
        }
        CheckSource::Signoff(group) => {
            return Ok(without(
                CheckState::Missing,
                format!("it is a signature of `{group}`, and none is recorded"),
            ));
        }
    };
    let found = reports::collect(moment.repository.root(), globs)?;
    let mut fact =
        TestFact::read(check.clone(), rule.title.clone(), globs.clone(), found.files, &found.report);
    fact.reported_at = found.oldest;
    if let Some(why) = stale(moment, commit, found.oldest)?
        && fact.verdict.is_some()
        && fact.state == CheckState::Passed
    {
        fact.state = CheckState::Stale;
        fact.why = Some(why);
    }
    Ok(fact)
}

/// A report of the work tree speaks for HEAD, and only if it was written after that commit.
fn stale(moment: &Moment, commit: &CommitId, oldest: Option<DateTime<Utc>>) -> Result<Option<String>> {
    if let Some(head) = moment.repository.head()?
        && &head != commit
    {
        return Ok(Some(format!("the reports are of HEAD ({}), not of {}", head.short(), commit.short())));
    }
    let committed = moment.repository.committed_at(commit)?;
    if oldest.is_some_and(|oldest| oldest.timestamp() < committed) {
        return Ok(Some("a report is older than the commit".to_owned()));
    }
    Ok(None)
}

/// Directories whose lockfiles are other people's.
fn foreign(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "node_modules" | "vendor" | "third_party" | "testdata" | "fixtures"))
}

fn lockfile_facts(
    repository: &Repository,
    before: Option<&CommitId>,
    after: &CommitId,
    paths: &[PathChange],
) -> Result<Vec<LockFact>> {
    let is_ours = |path: &String| lockfiles::is_lockfile(path).is_some() && !foreign(path);
    let present: BTreeSet<String> = repository.paths(after)?.into_iter().filter(is_ours).collect();
    let gone = paths.iter().filter(|change| change.change == ChangeKind::Deleted && is_ours(&change.path));
    let gone: BTreeSet<String> = gone.map(|change| change.path.clone()).collect();
    let changed: BTreeSet<&String> = paths.iter().map(|change| &change.path).collect();
    let mut facts = Vec::new();
    let mut replaced = BTreeSet::new();
    for path in &present {
        if !changed.contains(path) {
            facts.push(LockFact { path: path.clone(), new: false, comparison: Comparison::Unchanged });
            continue;
        }
        let new_here = before.is_none_or(|before| repository.blob(before, path).is_none());
        let switched = gone.iter().find(|old| new_here && dir(old) == dir(path));
        let old = switched.unwrap_or(path);
        replaced.extend(switched.cloned());
        let comparison = compare(repository, before, old, after, path);
        facts.push(LockFact { path: path.clone(), new: new_here && switched.is_none(), comparison });
    }
    for path in gone.difference(&replaced) {
        let comparison = compare(repository, before, path, after, path);
        facts.push(LockFact { path: path.clone(), new: false, comparison });
    }
    Ok(facts)
}

fn dir(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn compare(
    repository: &Repository,
    before: Option<&CommitId>,
    old: &str,
    after: &CommitId,
    new: &str,
) -> Comparison {
    let read =
        |commit: Option<&CommitId>, path: &str| commit.and_then(|commit| repository.blob(commit, path));
    let manifest = |commit, path: &str| lockfiles::manifest_of(path).and_then(|path| read(commit, &path));
    let (old_lock, old_manifest) = (read(before, old), manifest(before, old));
    let (new_lock, new_manifest) = (read(Some(after), new), manifest(Some(after), new));
    lockfiles::compare_across(
        (old, Side { lock: old_lock.as_deref(), manifest: old_manifest.as_deref() }),
        (new, Side { lock: new_lock.as_deref(), manifest: new_manifest.as_deref() }),
    )
}
