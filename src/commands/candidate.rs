//! The facts about a candidate: which commit, since when, what changed, what the reports say.

mod changelogs;
pub mod checks;
mod locks;
mod manifests;
pub mod rules;
mod whole;

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use globset::Glob;

use super::gather::Moment;
use crate::cli::CandidateArgs;
use crate::evidence::breaking;
use crate::evidence::commits::{self, Change, Mailmap};
use crate::evidence::draft::{Draft, Scanner, SignedEvidence, Since, TestFact};
use crate::evidence::migrations::{self, ChangeKind, Globs, Migration, PathChange, Preset, Selection};
use crate::gate::config::Deployment;
use crate::gate::policy::{Policy, VersionRule};
use crate::gate::scope::Scope;
use crate::gate::statement::Release;
use crate::gate::terms::{CommitId, Environment, Version};
use crate::render::text;
use crate::world::repository::{Range, Repository};

/// What a request pins of its draft.
pub struct Pinned {
    /// Where it is to run.
    pub environment: Environment,
    /// What becomes live.
    pub release: Release,
    /// Where the range begins.
    pub since: Since,
    /// What its evidence says of the checks.
    pub tests: Vec<TestFact>,
    /// The evidence behind those that a machine must have signed.
    pub signed: Vec<SignedEvidence>,
    /// When it was drafted.
    pub at: DateTime<Utc>,
}

/// Gathers the draft of a candidate, as of a moment. It is a machine's word, so it may be read fast.
///
/// # Errors
/// When a name is no commit, or history or reports cannot be read.
pub fn draft(moment: &Moment, policy: &Policy, args: &CandidateArgs, at: DateTime<Utc>) -> Result<Draft> {
    let _drafting = moment.repository.draft();
    let versions = policy.versions_of(&args.environment);
    let commit = candidate(&moment.repository, &args.version, args.commit.as_deref())?;
    let since = since(moment, versions, args, &commit)?;
    let paths = changed(&moment.repository, versions, since.commit(), &commit)?;
    let needing = whole::needing(moment, policy, Some(&args.environment), &since, &commit)?;
    let (tests, signed) = checks::look(moment, policy, &commit, &needing)?;
    let release = Release { version: args.version.clone(), commit };
    let environment = args.environment.clone();
    let mut draft =
        compose(moment, policy, Pinned { environment, release, since, tests, signed, at }, &paths)?;
    if args.commit.is_none() && moment.repository.tag(&args.version)?.is_none() {
        let tags = moment.repository.tags()?;
        let near = crate::gate::policy::nearest(args.version.as_str(), tags.keys().map(String::as_str));
        let near = near.replace('`', "'");
        let note = format!("no tag '{}' is here, so it stands for HEAD{near}", args.version);
        draft.notes.insert(0, note);
    }
    Ok(draft)
}

/// What is known of every check for a release that needs no request. The changes that a check asks for are counted as the
/// checklist counts them, whatever a version is made of.
///
/// # Errors
/// When history or reports cannot be read.
pub fn checks_of(
    moment: &Moment,
    policy: &Policy,
    environment: &Environment,
    release: &Release,
) -> Result<Vec<TestFact>> {
    let _drafting = moment.repository.draft();
    let versions = policy.versions_of(environment);
    let since = usual(moment, versions, Some(environment), Some(&release.version), &release.commit)?;
    let needing = whole::needing(moment, policy, Some(environment), &since, &release.commit)?;
    let (tests, _) = checks::look(moment, policy, &release.commit, &needing)?;
    Ok(tests)
}

/// The same for what a request pins, found out again for a decision: nothing is taken on trust.
///
/// # Errors
/// When history cannot be read.
pub fn draft_of(moment: &Moment, policy: &Policy, mut pinned: Pinned) -> Result<Draft> {
    let versions = policy.versions_of(&pinned.environment);
    let paths = changed(&moment.repository, versions, pinned.since.commit(), &pinned.release.commit)?;
    let Pinned { environment, release, since, .. } = &pinned;
    let needing = whole::needing(moment, policy, Some(environment), since, &release.commit)?;
    let doubted = checks::doubt(moment, policy, &pinned, &needing)?;
    pinned.tests = doubted;
    compose(moment, policy, pinned, &paths)
}

/// What one release has over another: what a rollback from it to that one takes back. Nobody asks for its checks.
///
/// # Errors
/// When history cannot be read.
pub fn between(
    moment: &Moment,
    policy: &Policy,
    environment: &Environment,
    (newer, older): (&Release, &Release),
    at: DateTime<Utc>,
) -> Result<Draft> {
    let versions = policy.versions_of(environment);
    let paths = changed(&moment.repository, versions, Some(&older.commit), &newer.commit)?;
    let pinned = Pinned {
        environment: environment.clone(),
        release: newer.clone(),
        since: Since::Named(older.clone()),
        tests: vec![],
        signed: vec![],
        at,
    };
    compose(moment, policy, pinned, &paths)
}

/// The first environment that people deploy: what is live there is what a new commit is compared with.
#[must_use]
pub fn first_of_people(policy: &Policy) -> Option<&Environment> {
    let mut environments = policy.environments.iter();
    environments.find(|(_, rule)| rule.deployment == Deployment::Human).map(|(name, _)| name)
}

/// What is known of every check for a commit that is no version yet, counted from what is live in an environment.
///
/// # Errors
/// When history or reports cannot be read.
pub fn known(
    moment: &Moment,
    policy: &Policy,
    environment: Option<&Environment>,
    commit: &CommitId,
) -> Result<Vec<TestFact>> {
    let _drafting = moment.repository.draft();
    let mut needing = Vec::new();
    if whole::matters(policy) {
        let versions = environment.map_or(&policy.versions, |name| policy.versions_of(name));
        let since = usual(moment, versions, environment, None, commit)?;
        needing = whole::needing(moment, policy, environment, &since, commit)?;
    }
    let (tests, _) = checks::look(moment, policy, commit, &needing)?;
    Ok(tests)
}

/// The commits of an environment that are live and that a candidate lacks.
///
/// # Errors
/// When history cannot be read.
pub fn left_behind(
    moment: &Moment,
    policy: &Policy,
    environment: &Environment,
    candidate: &CommitId,
    live: &CommitId,
) -> Result<Range> {
    read(moment, policy.versions_of(environment), Some(candidate), live)
}

fn compose(moment: &Moment, policy: &Policy, pinned: Pinned, paths: &[PathChange]) -> Result<Draft> {
    let Pinned { environment, release, since, tests, signed, at } = pinned;
    let repository = &moment.repository;
    let versions = policy.versions_of(&environment);
    let commit = &release.commit;
    let range = read(moment, versions, since.commit(), commit)?;
    let changelogs = changelogs::look(repository, versions, &release, &since, paths)?;
    let behind = match since.release() {
        Some(live) => read(moment, versions, Some(commit), &live.commit)?,
        None => Range::default(),
    };
    let notes = notes(repository, versions, &since, &range, &behind)?;
    let told = |mut range: Range| -> Vec<Change> {
        commits::link(&mut range.commits);
        range.commits
    };
    let (changes, behind) = (told(range), told(behind));
    let (migrations, loose_sql) = database(policy, repository, commit, paths)?;
    let mut lockfiles =
        locks::compare_all(repository, since.commit(), commit, paths, versions.paths.as_ref())?;
    lockfiles.extend(manifests::unread(repository, since.commit(), commit, paths, &lockfiles));
    repository.all_read()?;
    Ok(Draft {
        breaking: breaking::summarise(&changes, &changelogs),
        scanners: policy.checks.iter().filter_map(|(check, rule)| Scanner::of(check, rule)).collect(),
        mailmap: repository.blob(commit, ".mailmap").map(|file| Mailmap::read(&file)).unwrap_or_default(),
        lockfiles,
        foreign_locks: manifests::foreign_locks(paths),
        absent: absent(repository, policy, &environment, commit),
        submodules: repository.submodules_moved(since.commit(), commit)?,
        loose_sql,
        release,
        since,
        at,
        changes,
        behind,
        changelogs,
        tests,
        signed,
        files: paths.len() as u64,
        migrations,
        notes,
    })
}

/// The migrations among these paths, and changed SQL that is none of them.
fn database(
    policy: &Policy,
    repository: &Repository,
    commit: &CommitId,
    paths: &[PathChange],
) -> Result<(Vec<Migration>, Vec<String>)> {
    let selection = selection(policy)?;
    let migrations = migrations::find(&selection, paths, &mut |path| repository.blob(commit, path));
    // Where the policy says which files are migrations, the others are none.
    let said = matches!(selection, Selection::Globs(_));
    let loose_sql = if said { vec![] } else { migrations::loose_sql(paths, &migrations) };
    Ok((migrations, loose_sql))
}

/// Programs of the way back that are named inside the repository and that a commit does not hold.
fn absent(
    repository: &Repository,
    policy: &Policy,
    environment: &Environment,
    commit: &CommitId,
) -> Vec<String> {
    let rollback = policy.environments.get(environment).and_then(|rule| rule.rollback.as_ref());
    let steps = rollback.into_iter().flat_map(|rollback| rollback.steps.iter().chain(&rollback.migrations));
    let programs: BTreeSet<&str> = steps.filter_map(|step| step.run.first().map(String::as_str)).collect();
    let inside = |program: &&str| program.contains('/') && !program.starts_with('/');
    let held = |program: &str| repository.blob(commit, program.trim_start_matches("./")).is_some();
    programs.into_iter().filter(inside).filter(|program| !held(program)).map(str::to_owned).collect()
}

/// The commits of a range that count; who waits at a terminal sees how far it is.
fn read(moment: &Moment, versions: &VersionRule, from: Option<&CommitId>, to: &CommitId) -> Result<Range> {
    let mut progress = moment.streams.progress();
    let mut told = |commits: usize| {
        progress.reached(&|| format!("reading history: {} commits", text::thousands(commits)));
    };
    Ok(moment.repository.range_of(versions.paths.as_ref(), from, to, &mut told)?)
}

/// The paths that differ and count. What moved out of the paths that count is gone, as far as they are concerned.
fn changed(
    repository: &Repository,
    versions: &VersionRule,
    before: Option<&CommitId>,
    after: &CommitId,
) -> Result<Vec<PathChange>> {
    let changes = repository.changes(before, after)?;
    let Some(scope) = &versions.paths else { return Ok(changes) };
    let counts = |mut change: PathChange| {
        if scope.holds(&change.path) {
            return Some(change);
        }
        let path = change.from.take().filter(|from| scope.holds(from))?;
        Some(PathChange { change: ChangeKind::Deleted, path, from: None })
    };
    let mut changes: Vec<PathChange> = changes.into_iter().filter_map(counts).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// What to know of how the changes were counted.
fn notes(
    repository: &Repository,
    versions: &VersionRule,
    since: &Since,
    range: &Range,
    behind: &Range,
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if let Some(scope) = &versions.paths {
        let touch = |range: &Range, what: &str| {
            let all = text::count(range.all, what);
            let verb = if range.commits.len() == 1 { "touches" } else { "touch" };
            format!("{} of {all} {verb} {}", text::thousands(range.commits.len()), quoted(scope))
        };
        notes.push(touch(range, "commit"));
        if behind.all > 0 {
            notes.push(format!(
                "{}, of those that are live and not in this candidate",
                touch(behind, "commit")
            ));
        }
    }
    if let Since::Live(live) = since
        && let Some(tagged) = repository.tag(&live.version).ok().flatten()
        && tagged != live.commit
    {
        notes.push(format!(
            "the tag {} was moved: it names {} now, and what is live is {}",
            live.version,
            tagged.short(),
            live.commit.short()
        ));
    }
    for what in repository.disguises()? {
        let what = what.replace('`', "'");
        notes.push(format!("this clone has {what}: 'git log' shows another history than the commits themselves, which count here"));
    }
    Ok(notes)
}

fn quoted(scope: &Scope) -> String {
    let words: Vec<String> = scope.words().iter().map(|glob| format!("'{glob}'")).collect();
    words.join(", ")
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
        (None, None) => head(repository, version),
    }
}

fn head(repository: &Repository, version: &Version) -> Result<CommitId> {
    let Some(head) = repository.head()? else {
        bail!("there is no commit yet: commit something first, or name a commit with `--commit`");
    };
    match repository.branch(version.as_str())? {
        Some(branch) if branch != head => bail!(
            "`{version}` is a branch here ({}) and no tag, and HEAD is {}: say which with `--commit`",
            branch.short(),
            head.short()
        ),
        _ => Ok(head),
    }
}

fn since(moment: &Moment, versions: &VersionRule, args: &CandidateArgs, commit: &CommitId) -> Result<Since> {
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
    usual(moment, versions, Some(&args.environment), Some(&args.version), commit)
}

/// Where a range begins unless somebody says it: with what people recorded as live, else with the nearest tag.
fn usual(
    moment: &Moment,
    versions: &VersionRule,
    environment: Option<&Environment>,
    version: Option<&Version>,
    commit: &CommitId,
) -> Result<Since> {
    let repository = &moment.repository;
    let live = environment.and_then(|name| moment.timeline()?.tracks.get(name)?.live.clone());
    if let Some(live) = live {
        let what = format!("`{}` is live as", live.release.version);
        repository.must_have(&live.release.commit, &what)?;
        return Ok(Since::Live(live.release));
    }
    nearest(repository, versions, version, commit)
}

/// The nearest tag that looks like a version: a beginning for the changes, never a release to go back to.
fn nearest(
    repository: &Repository,
    versions: &VersionRule,
    version: Option<&Version>,
    commit: &CommitId,
) -> Result<Since> {
    let glob = Glob::new(&versions.tag)?.compile_matcher();
    // A release is not counted from its own candidates.
    let early = version.is_some_and(|version| is_early(version.as_str()));
    let tags = repository.tags_like(&|name| glob.is_match(name) && (early || !is_early(name)))?;
    let tags: Vec<(String, CommitId)> = tags.into_iter().filter(|(_, tagged)| tagged != commit).collect();
    let wanted: BTreeSet<CommitId> = tags.iter().map(|(_, commit)| commit.clone()).collect();
    let Some(nearest) = repository.nearest_ancestor(commit, &wanted)? else { return Ok(Since::Beginning) };
    let name = tags.into_iter().filter(|(_, commit)| commit == &nearest).map(|(name, _)| name).next_back();
    Ok(match name.and_then(|name| name.parse().ok()) {
        Some(version) => Since::Tag(Release { version, commit: nearest }),
        None => Since::Commit(nearest),
    })
}

/// Whether a name is that of a version before the release: `v1.1.0-rc.1`.
fn is_early(name: &str) -> bool {
    let words = ["alpha", "beta", "rc", "pre", "preview", "dev", "snapshot", "canary", "nightly", "next"];
    let name = name.to_ascii_lowercase();
    let mut parts = name.split(['-', '.', '_', '+']).skip(1);
    parts.any(|part| words.contains(&part.trim_end_matches(|letter: char| letter.is_ascii_digit())))
}

fn selection(policy: &Policy) -> Result<Selection> {
    if let Some(paths) = &policy.migrations.paths {
        return Ok(Selection::Globs(Globs::try_from(paths.clone())?));
    }
    let Some(names) = &policy.migrations.presets else { return Ok(Selection::Automatic) };
    let chosen = Preset::ALL.iter().copied().filter(|preset| names.iter().any(|name| name == preset.name()));
    Ok(Selection::Presets(chosen.collect()))
}

#[cfg(test)]
mod tests {
    use super::is_early;

    #[test]
    fn a_version_before_the_release_is_known_by_its_words() {
        for early in
            ["v1.1.0-rc.1", "v2.0.0-beta2", "1.0.0-alpha", "api-v1.0.0-rc1", "v3.0.0-next.4", "v1-dev"]
        {
            assert!(is_early(early), "{early}");
        }
        for release in ["v1.1.0", "api-v1.1.0", "release-2026.10", "preview", "v1.0.0-1", "rc"] {
            assert!(!is_early(release), "{release}");
        }
    }
}
