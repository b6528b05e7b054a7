//! What an approval or a deployment is about: the request, and the repository as it is now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::candidate::{self, Pinned, rules};
use super::fits::{self, Fits};
use super::gather::Moment;
use super::journal::{self, Outline, Package, PackageEvidence, REQUEST, REQUEST_FILES};
use super::replaced::{self, Among};
use super::{available, back, hindered, quarantine};
use crate::evidence::draft::{Rules, SignedEvidence, Since, TestFact, open_boxes};
use crate::gate::config::ActionKind;
use crate::gate::decide::{self, decide_by};
use crate::gate::facts::{BranchFact, NoTarget, Taints, Target, Turned};
use crate::gate::policy::Policy;
use crate::gate::request::{CheckState, Request};
use crate::gate::statement::{RequestRef, Verdict};
use crate::gate::terms::{Check, CommitId, Environment};
use crate::gate::timeline::{Decided, Timeline, Vote};
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
    if package.request.action == ActionKind::Rollback {
        return back::look(moment, policy, package);
    }
    let repository = &moment.repository;
    let request = &package.request;
    let commit = &request.release.commit;
    let here = repository.has(commit);
    let tree = here.then(|| repository.tree_digest(commit)).transpose()?;
    let tagged = repository.tag(&request.release.version)?;
    let other = asked.cloned().filter(|asked| asked != commit).or(tagged.filter(|tagged| tagged != commit));
    let moved_to = other.map(|other| repository.tree_digest(&other).map(|tree| (other, tree))).transpose()?;
    let branches = branches(moment, policy, &request.environment, commit)?;
    let live =
        moment.timeline().and_then(|timeline| timeline.tracks.get(&request.environment)?.live.as_ref());
    let behind = match live {
        Some(live) if here && repository.has(&live.release.commit) => {
            let range =
                candidate::left_behind(moment, policy, &request.environment, commit, &live.release.commit)?;
            range.commits.into_iter().map(|change| change.commit).collect()
        }
        _ => vec![],
    };
    let target = Target {
        request: request.clone(),
        reference: package.reference.clone(),
        edited: edited(moment, policy, &package, here)?,
        tree,
        moved_to,
        branches,
        behind,
        turned: if here { turned(moment, policy, &package) } else { BTreeMap::new() },
        missing: if here { available::to_deploy(moment, &request.environment, commit)? } else { vec![] },
        quarantined: if here {
            quarantine::look(moment, &request.environment, commit)?
        } else {
            Taints::new()
        },
    };
    Ok(Found { package, target })
}

/// Checks of which the journal has newer evidence that says otherwise than the request: passed or not.
#[must_use]
pub fn turned(moment: &Moment, policy: &Policy, package: &Package) -> BTreeMap<Check, Turned> {
    let request = &package.request;
    let Some(PackageEvidence { tests, .. }) = package.evidence() else { return BTreeMap::new() };
    let known = journal::evidence(moment, policy, &request.release.commit);
    let needed = tests.iter().filter(|test| test.state != CheckState::NotNeeded);
    // A pass that is dated ahead outlives no failure that came after the request.
    let pinned = |test: &TestFact| test.reported_at.map(|at| at.min(request.at));
    let turned = needed.filter_map(|test| {
        let newer = known.fact(&test.check, policy.checks.get(&test.check)?)?;
        let passed = |test: &TestFact| test.state == CheckState::Passed;
        if passed(&newer) == passed(test) || newer.reported_at <= pinned(test) {
            return None;
        }
        let why = newer.why.as_ref().map(|why| format!(" — {why}")).unwrap_or_default();
        Some((test.check.clone(), Turned { state: newer.state, words: format!("{}{why}", newer.words()) }))
    });
    turned.collect()
}

/// For each branch that a stage or the environment names, whether it holds the commit.
///
/// # Errors
/// Git's.
pub fn branches(
    moment: &Moment,
    policy: &Policy,
    environment: &Environment,
    commit: &CommitId,
) -> Result<BTreeMap<String, BranchFact>> {
    let repository = &moment.repository;
    let stages = policy.stages.iter().filter_map(|stage| stage.branch.as_ref());
    let own = policy.environments.get(environment).and_then(|rule| rule.branch.as_ref());
    let mut branches = BTreeMap::new();
    for branch in stages.chain(own).collect::<BTreeSet<_>>() {
        let fact = if repository.has(commit) {
            repository.branch_holds(branch, moment.remote.as_deref(), commit)?
        } else {
            BranchFact::Unknown
        };
        branches.insert(branch.clone(), fact);
    }
    Ok(branches)
}

/// What of a request is not as it was pinned, or not what the repository itself says. A request is a machine's word:
/// whatever can be found out again is.
fn edited(moment: &Moment, policy: &Policy, package: &Package, here: bool) -> Result<Vec<&'static str>> {
    let mut edited = package.edited();
    let request = &package.request;
    let Some(rule) = policy.environments.get(&request.environment).filter(|_| here) else {
        return Ok(edited);
    };
    let Some(PackageEvidence { tests, signed, .. }) = package.evidence() else {
        // Evidence that is not what was pinned has been named; this is pinned, and cannot be read.
        if !edited.contains(&"evidence.json") {
            edited.push("evidence.json");
        }
        return Ok(edited);
    };
    let pinned = pinned(request, tests, signed);
    // Without the commit before it nothing can be compared; what is live is judged by itself.
    if pinned.since.commit().is_some_and(|commit| !moment.repository.has(commit)) {
        edited.push("since");
        return Ok(edited);
    }
    let draft = candidate::draft_of(moment, policy, pinned)?;
    let open =
        open_boxes(&draft.checklist(&request.requested_by.name, &Rules::of(&request.environment, rule)));
    let behind: Vec<CommitId> = draft.behind.iter().map(|change| change.commit.clone()).collect();
    let live =
        moment.timeline().and_then(|timeline| timeline.tracks.get(&request.environment)?.live.as_ref());
    let recorded = live.is_some_and(|live| Some(&live.release) == request.previous_release.as_ref());
    let rules = rules::matching(moment, policy, &request.environment, &draft, request.asked.risk)?;
    let facts = [
        ("approval_rules", rules == request.approval_rules),
        ("previous_recorded", recorded || !request.previous_recorded),
        ("extent", draft.extent() == request.extent),
        // The words too: they are what a person answers.
        ("open", open == request.open),
        ("behind", behind == request.behind),
        ("authors", draft.authors(policy) == request.authors),
        ("checks", draft.checks() == request.checks),
    ];
    edited.extend(facts.into_iter().filter(|(_, same)| !same).map(|(name, _)| name));
    Ok(edited)
}

/// What a request was drafted from, as it pins it.
pub(super) fn pinned(request: &Request, tests: Vec<TestFact>, signed: Vec<SignedEvidence>) -> Pinned {
    Pinned {
        environment: request.environment.clone(),
        release: request.release.clone(),
        since: since(request),
        tests,
        signed,
        at: request.at,
    }
}

/// Where the request's range begins, as it pins it.
fn since(request: &Request) -> Since {
    match (request.previous_release.clone(), request.since.clone()) {
        (Some(release), _) if request.previous_recorded => Since::Live(release),
        (Some(release), _) => Since::Named(release),
        (None, Some(commit)) => Since::Commit(commit),
        (None, None) => Since::Beginning,
    }
}

/// Finds a request by id or digest, by version where that is unambiguous, or as a package directory. An id that people
/// decided about is theirs, whatever the journal has of the same seven digits.
///
/// # Errors
/// When the ledger's or a package's files cannot be read.
pub fn find(moment: &Moment, name: &str) -> Result<Result<Package, NoTarget>> {
    let decided = decided(moment, name)?;
    if let [one] = exactly(&decided, name).as_slice() {
        return Ok(Ok((*one).clone()));
    }
    let among = Among::of(moment);
    let new = |known: &&Outline| decided.iter().all(|decided| decided.reference != known.reference);
    let meant = among.iter().filter(new).filter(|known| is_meant(&known.reference, name));
    let known: Vec<Fits<'_>> = decided.iter().map(Fits::Decided).chain(meant.map(Fits::Undecided)).collect();
    // A directory never stands in the way of a request that is known by that name.
    if known.is_empty() && Path::new(name).is_dir() {
        return Ok(from_directory(Path::new(name)));
    }
    let exact: Vec<Fits<'_>> =
        known.iter().copied().filter(|fits| is_exactly(fits.reference(), name)).collect();
    // Seven digits are easily made to match: then the id names nobody.
    let choice = if exact.is_empty() { by_version(&among, known) } else { exact };
    let asked = || format!("`{}`", crate::render::text::line(name, 200));
    Ok(match choice.as_slice() {
        [] => Err(NoTarget::NoRequest { asked: asked() }),
        [one] => one.package(moment).ok_or_else(|| NoTarget::NoRequest { asked: asked() }),
        several => Err(fits::several(&among, several)),
    })
}

/// By version, what can still be decided goes before what is over, the newest of what nobody decided about before those that
/// it replaced, and before what nobody can approve, or what people took back, anything else.
fn by_version<'a>(among: &Among<'_>, known: Vec<Fits<'a>>) -> Vec<Fits<'a>> {
    let moment = among.moment();
    let some = |choice: Vec<Fits<'a>>, wanted: &dyn Fn(&Fits<'a>) -> bool| {
        let some: Vec<Fits<'a>> = choice.iter().copied().filter(wanted).collect();
        // Where none is so, the name means what it did.
        if choice.len() > 1 && !some.is_empty() { some } else { choice }
    };
    let newest = some(known, &|fits| match fits {
        Fits::Decided(_) => true,
        Fits::Undecided(outline) => among.by(outline).is_none(),
    });
    let open = some(newest, &|fits| match fits {
        Fits::Decided(package) => is_open(moment, package) && !consumed(moment, package),
        Fits::Undecided(outline) => undecided_by(moment, outline) >= moment.now,
    });
    some(open, &|fits| match fits {
        Fits::Decided(package) => !decided_of(moment, package).is_some_and(is_revoked),
        Fits::Undecided(outline) => among.can_be_approved(outline),
    })
}

/// Whether people took their approvals back, and nobody has approved it since.
#[must_use]
pub fn is_revoked(decided: &Decided) -> bool {
    let mut yes = decided.votes.iter().filter(|vote| vote.approval.verdict == Verdict::Allow).peekable();
    yes.peek().is_some() && yes.all(|vote| vote.revoked)
}

fn exactly<'a>(packages: &'a [Package], name: &str) -> Vec<&'a Package> {
    packages.iter().filter(|package| is_exactly(&package.reference, name)).collect()
}

/// Every request of this name that people decided about.
fn decided(moment: &Moment, name: &str) -> Result<Vec<Package>> {
    let requests = moment.timeline().into_iter().flat_map(Timeline::all_decided);
    let meant = requests.filter(|decided| is_meant(&decided.request, name));
    Ok(meant
        .map(|decided| from_ledger(moment, decided, &REQUEST_FILES))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

fn is_exactly(request: &RequestRef, name: &str) -> bool {
    request.id == name || request.digest.to_string() == name
}

/// Whether a request is meant by this name: its id, its digest, or its version.
#[must_use]
pub fn is_meant(request: &RequestRef, name: &str) -> bool {
    is_exactly(request, name) || request.id.rsplit_once('-').is_some_and(|(version, _)| version == name)
}

/// Whether a request can still be decided: in time, and nobody said no. Time in which it was held does not count.
#[must_use]
pub fn is_open(moment: &Moment, package: &Package) -> bool {
    let decided = moment.timeline().and_then(|timeline| timeline.requests.get(&package.reference));
    let denied = |decided: &Decided| decided.votes.iter().any(|vote| vote.approval.verdict == Verdict::Deny);
    if decided.is_some_and(denied) {
        return false;
    }
    decided_by(moment, package) >= moment.now
}

/// Whether somebody said yes to a request, and that stands and is in time.
#[must_use]
pub fn is_approved(decided: &Decided, now: DateTime<Utc>) -> bool {
    let stands = |vote: &Vote| vote.approval.verdict == Verdict::Allow && !vote.revoked;
    decided.votes.iter().any(|vote| stands(vote) && vote.approval.execute_by >= now)
}

/// Until when a request can be decided that nobody has decided about.
#[must_use]
pub fn undecided_by(moment: &Moment, outline: &Outline) -> DateTime<Utc> {
    let rule = moment.policy().and_then(|policy| policy.environments.get(&outline.environment));
    match rule.and_then(|rule| rule.approvals.as_ref()) {
        Some(approvals) => decide::undecided_by(outline.at, outline.decide_by, approvals),
        None => outline.decide_by,
    }
}

/// Whether a request of the journal can still be decided, and was not executed.
#[must_use]
pub fn waits(moment: &Moment, outline: &Outline) -> bool {
    if !replaced::is_decided(moment, &outline.reference) {
        return undecided_by(moment, outline) >= moment.now;
    }
    outline.package(moment).is_some_and(|package| is_open(moment, &package) && !consumed(moment, &package))
}

/// Until when a request can be decided. What it says of itself gives it no more time than the policy.
#[must_use]
pub fn decided_by(moment: &Moment, package: &Package) -> DateTime<Utc> {
    let request = &package.request;
    let decided = moment.timeline().and_then(|timeline| timeline.requests.get(&package.reference));
    let rule = moment.policy().and_then(|policy| policy.environments.get(&request.environment));
    let approvals = rule.and_then(|rule| rule.approvals.as_ref());
    approvals.map_or(request.decide_by, |approvals| {
        decide_by(request, &approvals.needed(&request.approval_rules), decided, moment.now)
    })
}

fn decided_of<'a>(moment: &'a Moment, package: &Package) -> Option<&'a Decided> {
    moment.timeline().and_then(|timeline| timeline.requests.get(&package.reference))
}

/// Whether a request was executed.
#[must_use]
pub fn consumed(moment: &Moment, package: &Package) -> bool {
    decided_of(moment, package).is_some_and(|decided| decided.consumed.is_some())
}

/// The largest file of a package that is read, in bytes, as of a record.
const PACKAGE_MAX: u64 = 32 << 20;

fn from_directory(dir: &Path) -> Result<Package, NoTarget> {
    let mut files = Files::new();
    for name in REQUEST_FILES {
        let path = dir.join(name);
        let plain = std::fs::metadata(&path).is_ok_and(|about| about.is_file() && about.len() <= PACKAGE_MAX);
        if let Some(bytes) = plain.then(|| std::fs::read(path).ok()).flatten() {
            files.insert(name.to_owned(), bytes);
        }
    }
    Package::read(files).ok_or_else(|| NoTarget::NoRequest { asked: format!("in `{}`", dir.display()) })
}

/// The request that people decided about, as the ledger keeps it.
///
/// # Errors
/// When records cannot be read.
pub fn decided_package(moment: &Moment, decided: &Decided) -> Result<Result<Package, NoTarget>> {
    let id = &decided.request.id;
    let none = || NoTarget::NotApproved { id: id.clone(), why_not: None, instead: vec![] };
    Ok(from_ledger(moment, decided, &REQUEST_FILES)?.ok_or_else(none))
}

/// The request as the ledger keeps it, with the first verdict on it that holds it: one written by hand need not.
fn from_ledger(moment: &Moment, decided: &Decided, files: &[&str]) -> Result<Option<Package>> {
    for vote in &decided.votes {
        let package = Package::read(moment.records.files_of(&vote.commit, |name| files.contains(&name))?);
        if let Some(package) = package.filter(|package| package.reference == decided.request) {
            return Ok(Some(package));
        }
    }
    Ok(None)
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
        return named(moment, timeline, environment, name);
    }
    let standing = |decided: &&Decided| {
        decided.consumed.is_none()
            && decided.votes.iter().any(|vote| {
                vote.approval.verdict == Verdict::Allow
                    && !vote.revoked
                    && &vote.approval.environment == environment
                    && vote.approval.action == ActionKind::Deploy
            })
    };
    let mut approved: Vec<&Decided> = timeline.requests.values().filter(standing).collect();
    // One whose time is over stands in no other's way.
    let in_time = |decided: &&Decided| is_approved(decided, moment.now);
    if approved.iter().any(in_time) {
        approved.retain(in_time);
    }
    match approved.as_slice() {
        [one] => decided_package(moment, one),
        [] => match (
            waiting(moment, environment, ActionKind::Deploy, None),
            newest_decided(timeline, environment),
        ) {
            (Some(waiting), _) => Ok(Err(waiting)),
            // What was decided last says best why nothing can be deployed.
            (None, Some(last)) => decided_package(moment, last),
            (None, None) => Ok(Err(NoTarget::NoRequest { asked: format!("for `{environment}`") })),
        },
        several => fits::several_decided(moment, several).map(Err),
    }
}

/// The id of what was found, also where nobody decided about it.
#[must_use]
pub fn id_of(found: std::result::Result<RequestRef, NoTarget>) -> Option<String> {
    match found {
        Ok(RequestRef { id, .. }) | Err(NoTarget::NotApproved { id, .. }) => Some(id),
        Err(NoTarget::NoRequest { .. } | NoTarget::Several { .. }) => None,
    }
}

/// What people decided about goes before the journal, where anybody can put a request of any id.
fn named(
    moment: &Moment,
    timeline: &Timeline,
    environment: &Environment,
    name: &str,
) -> Result<Result<Package, NoTarget>> {
    let exact = timeline.requests.values().filter(|decided| is_exactly(&decided.request, name));
    let mut decided: Vec<&Decided> = exact.collect();
    if decided.is_empty() {
        let by_version = timeline.requests.values().filter(|decided| is_meant(&decided.request, name));
        decided = by_version.collect();
        // By its version a deployment is meant, unless there is none.
        let deploys =
            |decided: &Decided| decided.votes.iter().any(|vote| vote.approval.action == ActionKind::Deploy);
        if decided.iter().any(|decided| deploys(decided)) {
            decided.retain(|decided| deploys(decided));
        }
        let unused = |decided: &&Decided| {
            decided.consumed.is_none() && is_about(decided, environment, ActionKind::Deploy)
        };
        // What can still be deployed goes before what was used, also where nobody has decided about it yet.
        if decided.iter().any(unused) {
            decided.retain(unused);
        } else if let Some(none) = waiting(moment, environment, ActionKind::Deploy, Some(name)) {
            return Ok(Err(none));
        }
    }
    match decided.as_slice() {
        [one] => decided_package(moment, one),
        [] => Ok(find(moment, name)?.and_then(|package| Err(not_approved(moment, &package)))),
        several => fits::several_decided(moment, several).map(Err),
    }
}

/// Whether people decided about it as about this action there.
#[must_use]
pub fn is_about(decided: &Decided, environment: &Environment, action: ActionKind) -> bool {
    let mut votes = decided.votes.iter();
    votes.any(|vote| &vote.approval.environment == environment && vote.approval.action == action)
}

fn newest_decided<'a>(timeline: &'a Timeline, environment: &Environment) -> Option<&'a Decided> {
    let about =
        timeline.requests.values().filter(|decided| is_about(decided, environment, ActionKind::Deploy));
    about.max_by_key(|decided| decided.votes.last().map(|vote| vote.at))
}

/// The request, of this name where one is given, that waits for people to decide about it: as `status` chooses, the newest
/// that can be approved goes before what nobody can.
#[must_use]
pub fn waiting(
    moment: &Moment,
    environment: &Environment,
    action: ActionKind,
    name: Option<&str>,
) -> Option<NoTarget> {
    let among = Among::of(moment);
    let fits = |outline: &&Outline| {
        &outline.environment == environment
            && outline.action == action
            && name.is_none_or(|name| is_meant(&outline.reference, name))
            && !replaced::is_decided(moment, &outline.reference)
            && undecided_by(moment, outline) >= moment.now
            && among.by(outline).is_none()
    };
    let known: Vec<&Outline> = among.iter().filter(fits).collect();
    let one = known.iter().find(|outline| among.can_be_approved(outline)).or(known.first())?;
    Some(NoTarget::NotApproved {
        id: one.reference.id.clone(),
        why_not: among.why_not(one),
        instead: among.instead(one),
    })
}

/// What is said of a request that nobody decided about.
fn not_approved(moment: &Moment, package: &Package) -> NoTarget {
    let id = package.reference.id.clone();
    match hindered::look(moment, package) {
        Ok(hindered) => NoTarget::NotApproved { id, why_not: hindered.why(), instead: hindered.steps() },
        Err(error) => NoTarget::NotApproved {
            why_not: Some(hindered::unknown(&format!("{error:#}"))),
            instead: vec![hindered::see(&id)],
            id,
        },
    }
}

/// The request behind an execution, as the ledger keeps it.
///
/// # Errors
/// When records cannot be read.
pub fn of_execution(moment: &Moment, request: &RequestRef) -> Result<Option<Package>> {
    of_ledger(moment, request, &REQUEST_FILES)
}

/// The same without its checklist and its evidence.
///
/// # Errors
/// When the ledger's entries cannot be read.
pub fn request_of(moment: &Moment, request: &RequestRef) -> Result<Option<Request>> {
    Ok(of_ledger(moment, request, &[REQUEST])?.map(|package| package.request))
}

fn of_ledger(moment: &Moment, request: &RequestRef, files: &[&str]) -> Result<Option<Package>> {
    let decided = moment.timeline().and_then(|timeline| timeline.decided(request));
    decided.map_or(Ok(None), |decided| from_ledger(moment, decided, files))
}
