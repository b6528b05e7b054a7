//! `deployctl request`: pins what is asked, records it in the journal, and writes the package.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};

use super::candidate::{self, rules};
use super::gather::Moment;
use super::hindered::{self, Hindered};
use super::journal::{self, Outline, Package};
use super::replaced::Among;
use super::{back, environments, pages, refusal, target};
use crate::cli::{Common, RequestArgs};
use crate::evidence::draft::{Draft, Rules, open_boxes};
use crate::gate::config::{ActionKind, Deployment};
use crate::gate::decide::{Decision, decide, failed_before, unkept_times};
use crate::gate::emergency::Emergency;
use crate::gate::facts::{Action, Caller};
use crate::gate::policy::{EnvironmentRule, Policy};
use crate::gate::request::{Asked, Request, Requester};
use crate::gate::statement::{Release, SCHEMA, canonical};
use crate::gate::terms::{Digest, Environment, Stage};
use crate::render::answer::Answer;
use crate::render::pages::{Page, Pages};
use crate::world::presence;
use crate::world::records::Files;

/// Makes the request, or finds the one that says the same.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &RequestArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    let caller = moment.caller(Some(presence::look()));
    let environment = &args.candidate.environment;
    if let Some(answer) = environments::unknown(&moment, "request", environment) {
        return Ok(answer);
    }
    let emergency = emergency(moment.policy(), args);
    let version = &args.candidate.version;
    let taints = back::taints(&moment, environment, version)?;
    let action = if args.rollback {
        Action::RequestRollback { environment, version, taints: &taints }
    } else {
        Action::Request { environment, urgency: args.urgency, emergency: emergency.as_ref() }
    };
    let decision = decide(moment.policy(), &moment.facts(caller.clone(), None), &action);
    if let Decision::Refuse(reasons) = decision {
        let what = if args.rollback { "rollback " } else { "" };
        let about = format!("request {what}{environment} {version}");
        return Ok(refusal::kept(&moment, "request", &about, reasons));
    }
    let policy = moment.policy().context("no policy is in force")?;
    let rule = policy.environments.get(environment).context("the policy has no such environment")?;
    let asked = Wanted { args, emergency: emergency.as_ref() };
    let (package, created) = make(&moment, policy, rule, asked, &caller)?;
    // First, as the journal may be jammed: the request then travels as files.
    if let Some(dir) = &args.output {
        write_package(dir, &package.files)?;
    }
    let recorded = if created { record(&moment, &caller, &package, args)? } else { Recorded::default() };
    // Said to the one who asks, and not only to the one who reads it later.
    let hindered = match rule.deployment {
        Deployment::Human => hindered::look(&moment, &package)?,
        Deployment::Automatic => Hindered::default(),
    };
    let mut answer = answer(&package, rule.deployment, created, recorded.unless.as_deref(), hindered.next);
    answer.warnings.extend(unkept_times(rule, environment, &package.request.asked));
    if rule.deployment == Deployment::Human {
        answer.warnings.extend(hindered.reasons);
        answer.warnings.extend(hindered.warnings);
        let timeline = moment.timeline();
        answer.warnings.extend(timeline.and_then(|timeline| failed_before(timeline, &package.request)));
    }
    if let Some(warning) = recorded.warning {
        answer.text.push_str(&format!("warning: {warning}\n"));
    }
    if moment.repository.tag(&args.candidate.version)?.is_none() {
        let release = &package.request.release;
        answer.text.push_str(&format!(
            "note: no tag `{}` is here; it stands for {}\n",
            release.version,
            release.commit.short()
        ));
    }
    answer.warnings.extend(moment.edited());
    if let Some(dir) = &args.output {
        answer.text.push_str(&format!("wrote the package to `{}`\n", dir.display()));
    }
    Ok(answer)
}

/// What became of the request's line in the journal.
#[derive(Default)]
struct Recorded {
    warning: Option<String>,
    /// The package to name instead, where the journal does not have it.
    unless: Option<String>,
}

/// Records the request in the journal. Where that cannot be done, the package that was written serves as well.
fn record(moment: &Moment, caller: &Caller, package: &Package, args: &RequestArgs) -> Result<Recorded> {
    let (id, files) = (&package.reference.id, package.files.clone());
    let failed = match journal::append(moment, "request", &caller.name, id, vec![], files) {
        Ok(warning) => return Ok(Recorded { warning, unless: None }),
        Err(error) => error.context("the request could not be recorded in the journal"),
    };
    match &args.output {
        Some(dir) => Ok(Recorded {
            warning: Some(format!("{failed:#}; it is only in the package")),
            unless: Some(dir.display().to_string()),
        }),
        None => Err(failed.context("nothing was requested: with `-o DIR` the request travels as files")),
    }
}

/// What was asked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    args: &'a RequestArgs,
    emergency: Option<&'a Emergency>,
}

/// The emergency that was asked for, its stages in the policy's order and once.
fn emergency(policy: Option<&Policy>, args: &RequestArgs) -> Option<Emergency> {
    let place = |stage: &Stage| {
        let stages = policy.map(|policy| policy.stages.as_slice()).unwrap_or_default();
        stages.iter().position(|known| &known.name == stage)
    };
    let mut skip = args.skip.clone();
    skip.sort_by(|a, b| (place(a), a).cmp(&(place(b), b)));
    skip.dedup();
    args.severity.map(|severity| Emergency { severity, skip })
}

/// How many requests that ask for the same are drafted again: whoever may push can make thousands of them.
const AGAIN_MAX: usize = 5;

/// Drafts; where the journal holds the same request from an earlier moment, that one is it.
fn make(
    moment: &Moment,
    policy: &Policy,
    rule: &EnvironmentRule,
    wanted: Wanted<'_>,
    caller: &Caller,
) -> Result<(Package, bool)> {
    let new = draft(moment, policy, rule, wanted, caller, moment.now)?;
    let among = Among::of(moment);
    let open = |outline: &&Outline| {
        outline.release == new.request.release
            && outline.environment == new.request.environment
            && outline.action == new.request.action
            && target::waits(moment, outline)
    };
    let asks =
        |outline: &&Outline| outline.request(moment).is_some_and(|known| asks_the_same(&known, &new.request));
    for known in among.iter().filter(open).filter(asks).take(AGAIN_MAX) {
        let again = draft(moment, policy, rule, wanted, caller, known.at)?;
        let whole = known.package(moment).filter(|package| package.edited().is_empty());
        // One that was replaced is offered nowhere: to ask for it again is to ask anew.
        if let Some(whole) = whole.filter(|_| again.reference == known.reference && among.by(known).is_none())
        {
            return Ok((whole, false));
        }
    }
    Ok((new, true))
}

/// Whether two requests agree in everything that the moment of their draft says nothing about.
fn asks_the_same(known: &Request, new: &Request) -> bool {
    let said =
        |request: &Request| (request.asked.clone(), request.requested_by.clone(), request.emergency.clone());
    let about = |request: &Request| (request.repository, request.policy, request.tree, request.action);
    known.release == new.release
        && known.environment == new.environment
        && about(known) == about(new)
        && (&known.previous_release, &known.since) == (&new.previous_release, &new.since)
        && said(known) == said(new)
}

fn draft(
    moment: &Moment,
    policy: &Policy,
    rule: &EnvironmentRule,
    wanted: Wanted<'_>,
    caller: &Caller,
    at: DateTime<Utc>,
) -> Result<Package> {
    let Wanted { args, emergency } = wanted;
    let requested_by = Requester {
        name: caller.name.clone(),
        person: caller.person.clone(),
        known_by: caller.known_by.clone(),
    };
    if args.rollback {
        return back::draft(moment, policy, rule, args, requested_by, at);
    }
    let draft = candidate::draft(moment, policy, &args.candidate, at)?;
    let checklist = draft.checklist(&caller.name, &Rules::of(&args.candidate.environment, rule));
    let pages = pages::of(moment, &[Page::Checklist, Page::Request])?;
    let urgency = pages::urgency(policy, args.urgency, emergency);
    let checklist_md = pages::checklist(&pages, &checklist, emergency.map(|_| &urgency))?.into_bytes();
    let evidence = canonical(&draft)?;
    let asked = asked(args, rule, &draft.release.version.to_string());
    let environment = &args.candidate.environment;
    let target = (environment, draft.release.clone());
    let head = head(moment, policy, target, &draft, (&checklist_md, &evidence), asked, (requested_by, at))?;
    let request = Request {
        previous_release: draft.since.release().cloned(),
        previous_recorded: matches!(draft.since, crate::evidence::draft::Since::Live(_)),
        since: draft.since.commit().cloned(),
        authors: draft.authors(policy),
        behind: draft.behind.iter().map(|change| change.commit.clone()).collect(),
        checks: draft.checks(),
        open: open_boxes(&checklist),
        emergency: emergency.cloned(),
        ..head
    };
    packed(&pages, policy, request, checklist_md, evidence)
}

/// What a request says whatever it asks for: of a deployment with nothing before it, nothing open and no emergency.
///
/// # Errors
/// Git's, and when there is no ledger.
pub fn head(
    moment: &Moment,
    policy: &Policy,
    (environment, release): (&Environment, Release),
    draft: &Draft,
    (checklist, evidence): (&[u8], &[u8]),
    asked: Asked,
    (requested_by, at): (Requester, DateTime<Utc>),
) -> Result<Request> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let approvals = policy.environments.get(environment).and_then(|rule| rule.approvals.as_ref());
    Ok(Request {
        schema: SCHEMA.to_owned(),
        repository: timeline.root.context("the ledger is not founded")?,
        at,
        decide_by: at + approvals.map_or(WAITS, |approvals| approvals.decide_within),
        action: ActionKind::Deploy,
        environment: environment.clone(),
        tree: moment.repository.tree_digest(&release.commit)?,
        release,
        policy: policy.digest,
        previous_release: None,
        previous_recorded: false,
        since: None,
        checklist: Digest::of(checklist),
        evidence: Digest::of(evidence),
        requested_by,
        extent: draft.extent(),
        authors: vec![],
        behind: vec![],
        checks: BTreeMap::new(),
        open: vec![],
        approval_rules: rules::matching(moment, policy, environment, draft, asked.risk)?,
        asked,
        emergency: None,
    })
}

/// A request with the files that it pins.
///
/// # Errors
/// When the page does not fit, or the request cannot be written.
pub fn packed(
    pages: &Pages,
    policy: &Policy,
    request: Request,
    checklist: Vec<u8>,
    evidence: Vec<u8>,
) -> Result<Package> {
    let bytes = request.bytes()?;
    let reference = request.reference(&bytes);
    let page = pages::request(pages, policy, &request, &reference.id)?;
    let files = Files::from([
        ("request.json".to_owned(), bytes),
        ("request.md".to_owned(), page.into_bytes()),
        ("checklist.md".to_owned(), checklist),
        ("evidence.json".to_owned(), evidence),
    ]);
    Ok(Package { request, reference, files })
}

fn asked(args: &RequestArgs, rule: &EnvironmentRule, version: &str) -> Asked {
    let monitor = args.monitor.unwrap_or_else(|| rule.monitoring.watch.as_secs().div_ceil(60));
    let summary = if args.summary.is_empty() { format!("Deploy {version}") } else { args.summary.clone() };
    Asked {
        summary,
        urgency: args.urgency,
        risk: args.risk,
        impact: args.impact.clone(),
        mitigation: args.mitigation.clone(),
        preferred: args.preferred.clone(),
        alternative: args.alternative.clone(),
        blackouts: args.blackout.clone(),
        monitor,
    }
}

/// How long a request waits where nobody approves: as long as an approval does unless the policy says otherwise.
const WAITS: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

fn answer(
    package: &Package,
    deployment: Deployment,
    created: bool,
    named: Option<&str>,
    instead: Vec<String>,
) -> Answer {
    let id = &package.reference.id;
    let page = package.files.get("request.md").map(|page| String::from_utf8_lossy(page).into_owned());
    let status = pages::status(deployment);
    let next = match deployment {
        // What would be refused is not advised.
        Deployment::Human if !instead.is_empty() => instead,
        Deployment::Human => vec![format!("ask a person to run: deployctl approve {}", named.unwrap_or(id))],
        Deployment::Automatic => vec![pages::deploys(&package.request, id)],
    };
    let steps: String = next.iter().map(|next| format!("next: {next}\n")).collect();
    let said = if created { "requested" } else { "already requested" };
    let open = crate::render::text::count(package.request.open.len(), "thing");
    Answer::done("request", format!("{said} {id}\nstatus: {status} · open: {open}\n{steps}"))
        .with("id", id)
        .with("digest", package.reference.digest)
        .with("action", package.request.action)
        .with("environment", &package.request.environment)
        .with("version", &package.request.release.version)
        .with("commit", &package.request.release.commit)
        .with("created", created)
        .with("status", status)
        .with("request", &package.request)
        .with("markdown", page)
        .with("next", next)
}

/// Writes each file beside and renames it, so that no file of the package is ever half there.
fn write_package(dir: &Path, files: &Files) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    for (name, bytes) in files {
        write_file(dir, name, bytes)?;
    }
    Ok(())
}

/// Writes one file of a package.
///
/// # Errors
/// The system's, with the path.
pub fn write_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    let path = dir.join(name);
    let mut file = tempfile::NamedTempFile::new_in(dir)
        .with_context(|| format!("cannot write in `{}`", dir.display()))?;
    file.write_all(bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
    file.persist(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(())
}
