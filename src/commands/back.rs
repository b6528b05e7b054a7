//! A rollback with a request of its own: drafted, looked at again, and found by name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};

use super::candidate::{self, rules};
use super::gather::Moment;
use super::journal::Package;
use super::target::{self, Found};
use super::{available, fits, pages, quarantine, request};
use crate::cli::RequestArgs;
use crate::evidence::draft::{Draft, back};
use crate::gate::config::ActionKind;
use crate::gate::facts::{NoTarget, Taints, Target};
use crate::gate::policy::{EnvironmentRule, Policy};
use crate::gate::request::{Asked, Request, Requester};
use crate::gate::statement::{Release, canonical};
use crate::gate::terms::{Environment, PersonName, Version};
use crate::gate::timeline::{Decided, Track};
use crate::render::pages::Page;

/// What of the commits in quarantine the release of this version holds that was live.
///
/// # Errors
/// Git's.
pub fn taints(moment: &Moment, environment: &Environment, version: &Version) -> Result<Taints> {
    let track = moment.timeline().and_then(|timeline| timeline.tracks.get(environment));
    let release = track.and_then(|track| track.last_live(version));
    match release.filter(|release| moment.repository.has(&release.commit)) {
        Some(release) => quarantine::look(moment, environment, &release.commit),
        None => Ok(Taints::new()),
    }
}

/// Drafts the request and its pages.
///
/// # Errors
/// When a commit is not here, or history cannot be read.
pub fn draft(
    moment: &Moment,
    policy: &Policy,
    rule: &EnvironmentRule,
    args: &RequestArgs,
    by: Requester,
    at: DateTime<Utc>,
) -> Result<Package> {
    let environment = &args.candidate.environment;
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let track = timeline.tracks.get(environment).context("nothing is recorded there")?;
    let to = track.last_live(&args.candidate.version).context("it was never live")?;
    let undone = track.to_undo().context("there is nothing to undo")?.start.release.clone();
    let draft = taken_back(moment, policy, environment, (&undone, &to), at)?;
    let pages = pages::of(moment, &[Page::Checklist, Page::Request])?;
    let checklist = back::checklist((&undone, &to), &draft, &by.name, at);
    let checklist = pages::rollback_checklist(&pages, &checklist)?.into_bytes();
    let evidence = canonical(&draft)?;
    let (asked, since) = (asked(args, rule), to.commit.clone());
    let target = (environment, to);
    let head = request::head(moment, policy, target, &draft, (&checklist, &evidence), asked, (by, at))?;
    let request = Request {
        action: ActionKind::Rollback,
        previous_release: Some(undone),
        previous_recorded: true,
        since: Some(since),
        authors: authors(policy, &draft),
        ..head
    };
    request::packed(&pages, policy, request, checklist, evidence)
}

fn asked(args: &RequestArgs, rule: &EnvironmentRule) -> Asked {
    let watch = rule.health.as_ref().map_or(rule.monitoring.watch, |health| health.shortest_watch());
    let summary = match args.summary.as_str() {
        "" => format!("Roll back to {}", args.candidate.version),
        summary => summary.to_owned(),
    };
    Asked {
        summary,
        urgency: args.urgency,
        risk: args.risk,
        impact: args.impact.clone(),
        mitigation: args.mitigation.clone(),
        preferred: None,
        alternative: None,
        blackouts: vec![],
        monitor: watch.as_secs().div_ceil(60),
    }
}

/// The draft of what is undone, counted from where it goes: what is taken back.
pub(super) fn taken_back(
    moment: &Moment,
    policy: &Policy,
    environment: &Environment,
    (undone, to): (&Release, &Release),
    at: DateTime<Utc>,
) -> Result<Draft> {
    for release in [undone, to] {
        anyhow::ensure!(
            moment.repository.has(&release.commit),
            "commit {} of `{}` is not in this clone: fetch it, with `git fetch --tags`",
            release.commit.short(),
            release.version
        );
    }
    candidate::between(moment, policy, environment, (undone, to), at)
}

/// People who wrote what is taken back, or what comes again.
fn authors(policy: &Policy, draft: &Draft) -> Vec<PersonName> {
    let changes = draft.changes.iter().chain(&draft.behind);
    let authors = changes.filter_map(|change| policy.person_by_email(&change.email));
    authors.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Looks at the repository for the request of a rollback.
///
/// # Errors
/// Git's.
pub fn look(moment: &Moment, policy: &Policy, package: Package) -> Result<Found> {
    let repository = &moment.repository;
    let request = &package.request;
    let (environment, commit) = (&request.environment, &request.release.commit);
    let here = repository.has(commit);
    // The steps are those of what is undone: its tree holds the way back.
    let missing = match &request.previous_release {
        Some(undone) => available::to_roll_back(moment, environment, &undone.commit)?,
        None => vec![],
    };
    let target = Target {
        request: request.clone(),
        reference: package.reference.clone(),
        edited: edited(moment, policy, &package)?,
        tree: here.then(|| repository.tree_digest(commit)).transpose()?,
        // The ledger says which commit was live, whatever the tag names by now.
        moved_to: None,
        branches: BTreeMap::new(),
        behind: vec![],
        turned: BTreeMap::new(),
        missing,
        quarantined: if here { quarantine::look(moment, environment, commit)? } else { Taints::new() },
    };
    Ok(Found { package, target })
}

/// What of a request is not as it was pinned, or not what the repository itself says.
fn edited(moment: &Moment, policy: &Policy, package: &Package) -> Result<Vec<&'static str>> {
    let mut edited = package.edited();
    let (request, repository) = (&package.request, &moment.repository);
    if !repository.has(&request.release.commit) {
        // That is said by itself, and nothing can be compared.
        return Ok(edited);
    }
    let Some(undone) = request.previous_release.as_ref().filter(|undone| repository.has(&undone.commit))
    else {
        edited.push("previous_release");
        return Ok(edited);
    };
    let draft = taken_back(moment, policy, &request.environment, (undone, &request.release), request.at)?;
    let rules = rules::matching(moment, policy, &request.environment, &draft, request.asked.risk)?;
    let facts = [
        ("approval_rules", rules == request.approval_rules),
        ("since", request.since.as_ref() == Some(&request.release.commit)),
        ("extent", draft.extent() == request.extent),
        ("open", request.open.is_empty()),
        ("behind", request.behind.is_empty()),
        ("authors", authors(policy, &draft) == request.authors),
        ("checks", request.checks.is_empty()),
    ];
    edited.extend(facts.into_iter().filter(|(_, same)| !same).map(|(name, _)| name));
    Ok(edited)
}

/// The request that `rollback` is about. `None` where none is meant: no version was named, the one that the deployment's
/// approval covers, or one of which there is no request.
///
/// # Errors
/// When records cannot be read.
pub fn named(
    moment: &Moment,
    environment: &Environment,
    name: Option<&Version>,
) -> Result<Option<Result<Package, NoTarget>>> {
    let (Some(name), Some(timeline)) = (name, moment.timeline()) else { return Ok(None) };
    let undo = timeline.tracks.get(environment).and_then(Track::to_undo);
    let covered = undo.and_then(|undo| undo.start.previous_release.as_ref());
    if covered.is_some_and(|covered| &covered.version == name) {
        return Ok(None);
    }
    let waiting = || target::waiting(moment, environment, ActionKind::Rollback, Some(name.as_str()));
    let exact = timeline.requests.values().filter(|known| known.request.id == name.as_str());
    let mut known: Vec<&Decided> = exact.collect();
    if known.is_empty() {
        let fits = |known: &&Decided| {
            target::is_meant(&known.request, name.as_str())
                && target::is_about(known, environment, ActionKind::Rollback)
        };
        known = timeline.requests.values().filter(fits).collect();
        if known.iter().any(|known| known.consumed.is_none()) {
            known.retain(|known| known.consumed.is_none());
        } else if let Some(none) = (!known.is_empty()).then(waiting).flatten() {
            return Ok(Some(Err(none)));
        } else {
            known.sort_by_key(|known| known.votes.last().map(|vote| vote.at));
            known = known.pop().into_iter().collect();
        }
    }
    Ok(match known.as_slice() {
        [one] => Some(target::decided_package(moment, one)?),
        [] => waiting().map(Err),
        several => Some(Err(fits::several_decided(moment, several)?)),
    })
}
