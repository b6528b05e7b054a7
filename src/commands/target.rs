//! What an approval or a deployment is about: the request, and the repository as it is now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::gather::Moment;
use super::journal::{self, Package, REQUEST_FILES};
use crate::gate::facts::{BranchFact, NoTarget, Target};
use crate::gate::policy::Policy;
use crate::gate::statement::Verdict;
use crate::gate::terms::{CommitId, Environment};
use crate::gate::timeline::{Decided, Timeline};
use crate::world::records::Files;

/// A request that was found, with what the repository says of it now.
pub struct Found {
    /// The request's files.
    pub package: Package,
    /// What the gate gets to know.
    pub target: Target,
}

/// Looks at the repository for a request. `asked` is a commit that the caller insists on.
///
/// # Errors
/// Git's.
pub fn look(moment: &Moment, policy: &Policy, package: Package, asked: Option<&CommitId>) -> Result<Found> {
    let repository = &moment.repository;
    let request = &package.request;
    let commit = &request.release.commit;
    let here = repository.has(commit);
    let tree = here.then(|| repository.tree_digest(commit)).transpose()?;
    let tagged = repository.tag(&request.release.version)?;
    let other = asked.cloned().filter(|asked| asked != commit).or(tagged.filter(|tagged| tagged != commit));
    let moved_to = other.map(|other| repository.tree_digest(&other).map(|tree| (other, tree))).transpose()?;
    let stages = policy.stages.iter().filter_map(|stage| stage.branch.as_ref());
    let own = policy.environments.get(&request.environment).and_then(|rule| rule.branch.as_ref());
    let mut branches = BTreeMap::new();
    for branch in stages.chain(own).collect::<BTreeSet<_>>() {
        let fact = if here {
            repository.branch_holds(branch, moment.remote.as_deref(), commit)?
        } else {
            BranchFact::Absent
        };
        branches.insert(branch.clone(), fact);
    }
    let live =
        moment.timeline().and_then(|timeline| timeline.tracks.get(&request.environment)?.live.as_ref());
    let behind = match live {
        Some(live) if here && repository.has(&live.release.commit) => {
            let range = repository.range(Some(commit), &live.release.commit)?;
            range.into_iter().map(|commit| commit.id).collect()
        }
        _ => vec![],
    };
    let target = Target {
        request: request.clone(),
        reference: package.reference.clone(),
        edited: package.edited(),
        tree,
        moved_to,
        branches,
        behind,
    };
    Ok(Found { package, target })
}

/// Finds a request by id, by version where that is unambiguous, or as a package directory.
///
/// # Errors
/// When the ledger's or a package's files cannot be read.
pub fn find(moment: &Moment, name: &str) -> Result<Result<Package, NoTarget>> {
    if Path::new(name).is_dir() {
        return Ok(from_directory(Path::new(name)));
    }
    let mut known: Vec<Package> = Vec::new();
    for decided in moment.timeline().into_iter().flat_map(|timeline| timeline.requests.values()) {
        if is_meant(&decided.request.id, name) {
            known.extend(from_ledger(moment, decided)?);
        }
    }
    for package in journal::requests(moment) {
        let new = known.iter().all(|known| known.reference != package.reference);
        if new && is_meant(&package.reference.id, name) {
            known.push(package);
        }
    }
    if let Some(exact) = known.iter().find(|package| package.reference.id == name) {
        return Ok(Ok(exact.clone()));
    }
    // By version, what can still be decided goes before what is over.
    let waiting = |package: &&Package| package.request.decide_by >= moment.now && !consumed(moment, package);
    let open: Vec<Package> = known.iter().filter(waiting).cloned().collect();
    let mut choice = if open.is_empty() { known } else { open };
    Ok(match choice.len() {
        0 => Err(NoTarget::NoRequest { asked: format!("`{}`", crate::render::text::line(name, 200)) }),
        1 => Ok(choice.remove(0)),
        _ => Err(NoTarget::Several { ids: choice.into_iter().map(|package| package.reference.id).collect() }),
    })
}

fn is_meant(id: &str, name: &str) -> bool {
    id == name || id.rsplit_once('-').is_some_and(|(version, _)| version == name)
}

fn consumed(moment: &Moment, package: &Package) -> bool {
    let decided = moment.timeline().and_then(|timeline| timeline.requests.get(&package.reference.digest));
    decided.is_some_and(|decided| decided.consumed.is_some())
}

fn from_directory(dir: &Path) -> Result<Package, NoTarget> {
    let mut files = Files::new();
    for name in REQUEST_FILES {
        if let Ok(bytes) = std::fs::read(dir.join(name)) {
            files.insert(name.to_owned(), bytes);
        }
    }
    Package::read(files).ok_or_else(|| NoTarget::NoRequest { asked: format!("in `{}`", dir.display()) })
}

/// The request as the ledger keeps it, with the first verdict on it.
fn from_ledger(moment: &Moment, decided: &Decided) -> Result<Option<Package>> {
    let Some(vote) = decided.votes.first() else { return Ok(None) };
    let files = moment.records.files(&vote.commit)?;
    Ok(Package::read(files).filter(|package| package.reference == decided.request))
}

/// What `deploy` is about: the request that was named, else the only one that people approved.
///
/// # Errors
/// When records cannot be read.
pub fn to_deploy(
    moment: &Moment,
    environment: &Environment,
    name: Option<&str>,
) -> Result<Result<Package, NoTarget>> {
    let Some(timeline) = moment.timeline() else {
        return Ok(Err(NoTarget::NoRequest { asked: "that can be believed".to_owned() }));
    };
    if let Some(name) = name {
        let found = find(moment, name)?;
        return Ok(found.and_then(|package| decided(timeline, package)));
    }
    let standing = |decided: &&Decided| {
        decided.consumed.is_none()
            && decided.votes.iter().any(|vote| {
                vote.approval.verdict == Verdict::Allow
                    && !vote.revoked
                    && &vote.approval.environment == environment
            })
    };
    let approved: Vec<&Decided> = timeline.requests.values().filter(standing).collect();
    match approved.as_slice() {
        [one] => Ok(from_ledger(moment, one)?.ok_or(NoTarget::NotApproved { id: one.request.id.clone() })),
        [] => Ok(Err(waiting(moment, environment))),
        several => Ok(Err(NoTarget::Several {
            ids: several.iter().map(|decided| decided.request.id.clone()).collect(),
        })),
    }
}

fn decided(timeline: &Timeline, package: Package) -> Result<Package, NoTarget> {
    if timeline.requests.contains_key(&package.reference.digest) {
        return Ok(package);
    }
    Err(NoTarget::NotApproved { id: package.reference.id })
}

fn waiting(moment: &Moment, environment: &Environment) -> NoTarget {
    let newest = journal::requests(moment).into_iter().find(|package| {
        &package.request.environment == environment && package.request.decide_by >= moment.now
    });
    match newest {
        Some(package) => NoTarget::NotApproved { id: package.reference.id },
        None => NoTarget::NoRequest { asked: format!("for `{environment}`") },
    }
}

/// The request behind an execution, as the ledger keeps it.
///
/// # Errors
/// When records cannot be read.
pub fn of_execution(moment: &Moment, digest: &crate::gate::terms::Digest) -> Result<Option<Package>> {
    let Some(timeline) = moment.timeline() else { return Ok(None) };
    match timeline.requests.get(digest) {
        Some(decided) => from_ledger(moment, decided),
        None => Ok(None),
    }
}
