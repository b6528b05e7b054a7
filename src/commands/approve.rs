//! `deployctl approve`: a person reviews one screen, types a phrase, and signs.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::gather::{Key, Moment};
use super::journal::Package;
use super::ledger::{self, Appended, Signed};
use super::person::{Answered, Person, assurance, first_sight};
use super::session::SIGNING_MAX;
use super::target::{self, Found};
use super::{
    altered, hindered, judged, policy, quarantine, refusal, replaced, report, request, review, signoff,
};
use crate::cli::{ApproveArgs, Common};
use crate::gate::authority;
use crate::gate::config::{ActionKind, Separation};
use crate::gate::decide::{
    Decision, ask_again, decide, failed_before, nothing_to_decide, passed_too_late, quarantine_words,
};
use crate::gate::emergency::Emergency;
use crate::gate::facts::{Action, NoTarget};
use crate::gate::policy::{Approvals, EnvironmentRule};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::{OpenBox, Request};
use crate::gate::statement::{Approval, Revocation, Statement, Verdict};
use crate::gate::terms::{Digest, Environment, PersonName, hex};
use crate::gate::timeline::Vote;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::screen;
use crate::world::signer::SignError;
use crate::world::{clock, marks};

/// How often a lost race for the ledger is shown again to the person.
pub const TRIES: usize = 3;

/// Signs what was asked for.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &ApproveArgs) -> Result<Answer> {
    if args.policy {
        return policy::run(common, args);
    }
    if let Some(name) = &args.release {
        return quarantine::run(common, args, name);
    }
    if let Some(check) = &args.check {
        return signoff::run(common, args, check);
    }
    let name = args.request.as_deref().context("name a request")?;
    if args.review {
        return match &args.report {
            _ if args.show => report::show(common, name),
            Some(path) => report::run(common, args, name, path),
            None => review::run(common, args, name),
        };
    }
    if args.show {
        return show(common, name);
    }
    let person = Person::look(common)?;
    for _ in 0..TRIES {
        let attempt = if args.revoke {
            revoke(common, args, name, &person)
        } else {
            verdict(common, args, name, &person)
        };
        if let Some(answer) = attempt? {
            return Ok(answer);
        }
        person.streams.note("the ledger moved while you were reading; here it is again");
    }
    Ok(Answer::ended("approve", Outcome::Busy, "the ledger moved each time: run it again"))
}

/// The review screen, for anyone.
fn show(common: &Common, name: &str) -> Result<Answer> {
    let mut moment = Moment::look(common)?;
    let policy = moment.drafting_policy()?;
    let mut found = target::find(&moment, name)?;
    if moment.ledger.is_ok() && matches!(found, Err(NoTarget::NoRequest { .. })) {
        // It may be settled long ago.
        moment.ledger = moment.timeline_about(name);
        found = target::find(&moment, name)?;
    }
    let package = match found {
        Ok(package) => package,
        Err(none) => return Ok(Answer::refused("approve", vec![nothing_to_decide(&none)])),
    };
    let rule = policy
        .environments
        .get(&package.request.environment)
        .context("the policy has no such environment")?;
    let signoffs = moment.timeline().map(|timeline| timeline.signoffs.clone()).unwrap_or_default();
    let allowed = authority::on_trigger(&policy, rule, &package.request, moment.now);
    let on_trigger = screen::on_trigger(&allowed, Some("the moment that the approval names"));
    let runs = moment.what_runs(&package.request.environment);
    let pinned = (&package.request, &package.reference);
    let mut text = screen::review(&policy, rule, &signoffs, pinned, &runs, on_trigger);
    text.push_str(&quarantined(&moment, &package.request)?);
    let failed = moment.timeline().and_then(|timeline| failed_before(timeline, &package.request));
    text.push_str(&screen::warnings(failed.as_slice()));
    text.push_str(&screen::warnings(hindered::backwards(&moment, &package.request)?.as_slice()));
    if package.request.action == ActionKind::Deploy && target::is_open(&moment, &package) {
        let turned = target::turned(&moment, &policy, &package);
        text.push_str(&screen::warnings(&passed_too_late(&policy, &package.request, &turned)));
    }
    if target::is_open(&moment, &package) && package.edited().is_empty() {
        text.push_str(&screen::warnings(altered::warning(&moment, &policy, &package)?.as_slice()));
    }
    let replaced = replaced::warning(&moment, &package);
    text.push_str(&screen::warnings(replaced.as_slice()));
    let mut answer = Answer::done("approve", text)
        .with("id", &package.reference.id)
        .with("digest", package.reference.digest)
        .with("request", &package.request)
        .with("edited", package.edited())
        .with("replaced", replaced.is_some());
    answer.warnings.extend(moment.edited());
    if !package.edited().is_empty() {
        let what = format!("`{}` is not what the request pins", package.edited().join("`, `"));
        answer.warnings.push(Reason::new(Code::RequestStale, what));
    }
    Ok(answer)
}

/// What the screen says of commits that were rolled back and are in the candidate.
fn quarantined(moment: &Moment, request: &Request) -> Result<String> {
    let (environment, commit) = (&request.environment, &request.release.commit);
    let Some(timeline) = moment.timeline().filter(|_| moment.repository.has(commit)) else {
        return Ok(String::new());
    };
    let taints = quarantine::look(moment, environment, commit)?;
    Ok(screen::warnings(&quarantine_words(timeline, environment, commit, &taints)))
}

/// One attempt at a verdict; `None` when the ledger moved meanwhile.
fn verdict(common: &Common, args: &ApproveArgs, name: &str, person: &Person) -> Result<Option<Answer>> {
    let mut moment = Moment::look(common)?;
    let verdict = match (args.deny, args.hold) {
        (true, _) => Verdict::Deny,
        (_, true) => Verdict::Hold,
        _ => Verdict::Allow,
    };
    let key = person.key(args.key.as_ref(), moment.policy())?;
    let found = match find(&moment, name)? {
        Ok(found) => found,
        Err(none) => return Ok(Some(refused_without_target(&moment, person, key.as_ref(), (name, &none)))),
    };
    let about =
        format!("{} {} {}", verb(verdict), found.package.request.environment, found.package.reference.id);
    let action = Action::Verdict { target: Ok(&found.target), verdict };
    let facts =
        moment.facts(moment.caller(Some(person.presence.clone())), key.as_ref().map(|key| key.fact.clone()));
    let permit = match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => {
            return Ok(Some(refusal::kept(&moment, "approve", &about, reasons)));
        }
        Decision::Allow(permit) => permit,
    };
    let (Some(key), Some(signer)) = (key, permit.signer.clone()) else {
        return Ok(Some(no_key()));
    };
    let Some(rule) =
        moment.policy().and_then(|policy| policy.environments.get(&found.package.request.environment))
    else {
        return Ok(Some(no_key()));
    };
    let policy = moment.policy().context("no policy is in force")?;
    let signoffs = &moment.timeline().context("the ledger cannot be believed")?.signoffs;
    let (request, reference) = (&found.package.request, &found.package.reference);
    let on_trigger = screen::on_trigger(&authority::on_trigger(policy, rule, request, moment.now), None);
    let runs = moment.what_runs(&request.environment);
    let mut text = screen::review(policy, rule, signoffs, (request, reference), &runs, on_trigger);
    text.push_str(&screen::your_reason(args.reason.as_deref()));
    text.push_str(&screen::warnings(&permit.warnings));
    text.push_str(&screen::warnings(hindered::backwards(&moment, &found.package.request)?.as_slice()));
    text.push_str(&screen::warnings(altered::warning(&moment, policy, &found.package)?.as_slice()));
    text.push_str(&screen::warnings(replaced::warning(&moment, &found.package).as_slice()));
    text.push_str(&first_sight(&moment));
    let rule = rule.clone();
    let open: Vec<OpenBox> = screen::unanswered(policy, signoffs, request);
    person.streams.line(&text);
    if let Some(reason) = moment.edited() {
        person.streams.line(&screen::warnings(&[reason]));
    }
    if let Some(answer) = confirm(person, &found.package, verdict, &open)? {
        return Ok(Some(answer));
    }
    // Reading takes time: what it is about is decided, and dated, now.
    moment.now = clock::now();
    let facts = moment.facts(moment.caller(Some(person.presence.clone())), Some(key.fact.clone()));
    if let Decision::Refuse(reasons) = decide(moment.policy(), &facts, &action) {
        return Ok(Some(refusal::kept(&moment, "approve", &about, reasons)));
    }
    let statement = statement(&moment, &found.package, &rule, verdict, &open, args, &text, person, &key)?;
    let signed = match sign(&moment, statement, &signer, &found.package, &text, &key)? {
        Ok(signed) => signed,
        Err(answer) => return Ok(Some(answer)),
    };
    if clock::now() - moment.now > SIGNING_MAX {
        let what = "the signature took more than two minutes, and would be dated before them; nothing was recorded: run it again";
        return Ok(Some(Answer::ended("approve", Outcome::Busy, what)));
    }
    if let Some(reason) = presence_missing(&moment, &found.package.request.environment, &signed, &signer) {
        return Ok(Some(refusal::kept(&moment, "approve", &about, vec![reason])));
    }
    let remote = moment.remote.clone();
    match ledger::append(&mut moment, &signed, remote.as_deref())? {
        Appended::Raced => Ok(None),
        Appended::Done { commit, digest } => {
            pin_root(&moment)?;
            write_pair(args, &signed)?;
            let id = &found.package.reference.id;
            let missing =
                if verdict == Verdict::Allow { missing(&moment, &found.package, &rule) } else { None };
            let (word, next) = after(&moment, verdict, &found.package, missing);
            Ok(Some(
                Answer::done(
                    "approve",
                    format!(
                        "{word} {id} as {signer}\nrecorded in the ledger as {}\n{next}\n",
                        commit.short()
                    ),
                )
                .with("id", id)
                .with("verdict", verdict)
                .with("by", &signer)
                .with("entry", digest)
                .with("commit", &commit),
            ))
        }
    }
}

fn find(moment: &Moment, name: &str) -> Result<Result<Found, NoTarget>> {
    let Some(policy) = moment.policy() else {
        return Ok(Err(NoTarget::NoRequest { asked: format!("`{name}`") }));
    };
    match target::find(moment, name)? {
        Ok(package) => target::look(moment, policy, package, None).map(Ok),
        Err(none) => Ok(Err(none)),
    }
}

/// Every reason at once, also where there is no request to speak of.
fn refused_without_target(
    moment: &Moment,
    person: &Person,
    key: Option<&Key>,
    (name, none): (&str, &NoTarget),
) -> Answer {
    let about = format!("approve {name}");
    let facts = moment.facts(moment.caller(Some(person.presence.clone())), key.map(|key| key.fact.clone()));
    let action = Action::Verdict { target: Err(none), verdict: Verdict::Allow };
    match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => refusal::kept(moment, "approve", &about, reasons),
        Decision::Allow(_) => refusal::kept(moment, "approve", &about, vec![nothing_to_decide(none)]),
    }
}

fn no_key() -> Answer {
    Answer::refused("approve", vec![Reason::new(Code::KeyUnknown, "no key signs this")])
}

/// The open boxes one by one, then the phrase.
fn confirm(person: &Person, package: &Package, verdict: Verdict, open: &[OpenBox]) -> Result<Option<Answer>> {
    if verdict == Verdict::Allow {
        let count = open.len();
        for (index, open) in open.iter().enumerate() {
            let question = format!(
                "{}/{count} {}\n    Do you answer for this?",
                index + 1,
                screen::open_words(&open.item, &open.why)
            );
            match person.says_yes(&question)? {
                Answered::Yes => {}
                Answered::No => {
                    return Ok(Some(declined(&format!(
                        "`{}` stays open",
                        crate::render::text::line(&open.item, 200)
                    ))));
                }
                Answered::Interrupted => return Ok(Some(interrupted("approve"))),
            }
        }
    }
    let verb = verb(verdict);
    let request = &package.request;
    let what = if request.action == ActionKind::Rollback { "rollback " } else { "" };
    let mut phrase = format!(
        "{verb} {what}{} {} {}",
        request.environment,
        request.release.version,
        package.reference.digest.short()
    );
    if let Some(emergency) = request.emergency.as_ref().filter(|_| verdict == Verdict::Allow) {
        phrase = format!("{phrase} {}", emergency.phrase());
    }
    match person.types(&phrase, verb)? {
        Answered::Yes => Ok(None),
        Answered::No => Ok(Some(declined("the phrase was not typed"))),
        Answered::Interrupted => Ok(Some(interrupted("approve"))),
    }
}

const fn verb(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "approve",
        Verdict::Deny => "deny",
        Verdict::Hold => "hold",
    }
}

/// Who must approve a request.
fn needed(moment: &Moment, request: &Request, rule: &EnvironmentRule) -> Option<Approvals> {
    let approvals = rule.approvals.as_ref()?;
    let policy = moment.policy()?;
    Some(policy.approvals_for(approvals, &request.approval_rules, request.emergency.as_ref()))
}

/// How many people must still approve, and of whom.
fn missing(moment: &Moment, package: &Package, rule: &EnvironmentRule) -> Option<String> {
    let approvals = needed(moment, &package.request, rule)?;
    let decided = moment.timeline().and_then(|timeline| timeline.requests.get(&package.reference));
    let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
    let standing = |vote: &&Vote| vote.approval.verdict == Verdict::Allow && !vote.revoked;
    let people: BTreeSet<PersonName> = votes.iter().filter(standing).map(|vote| vote.by.clone()).collect();
    approvals.lacks(&people).map(|lack| format!("{} more{}", lack.required - lack.have, lack.of))
}

fn after(
    moment: &Moment,
    verdict: Verdict,
    package: &Package,
    missing: Option<String>,
) -> (&'static str, String) {
    let id = &package.reference.id;
    match (verdict, missing) {
        (Verdict::Allow, Some(missing)) => {
            ("approved", format!("{missing} must approve\nnext: another person runs: deployctl approve {id}"))
        }
        (Verdict::Allow, None) => ("approved", approved(moment, package)),
        (Verdict::Deny, _) => ("denied", format!("next: {}", ask_again(&package.request))),
        (Verdict::Hold, _) => ("held", format!("next: deployctl approve {id}")),
    }
}

/// What comes next: what would be refused now is not advised before what stands in its way.
fn approved(moment: &Moment, package: &Package) -> String {
    let execute = execute(&package.request, &package.reference.id);
    match judged::refusal(moment, package) {
        None => format!("next: {execute}"),
        Some((why, next)) => format!("refused now: {why}\nnext: {next}\nthen: {execute}"),
    }
}

/// What a person runs once enough people have approved.
#[must_use]
pub fn execute(request: &Request, id: &str) -> String {
    match request.action {
        ActionKind::Deploy => format!("deployctl deploy {} {id}", request.environment),
        ActionKind::Rollback => format!("deployctl rollback {} {id} --reason TEXT", request.environment),
    }
}

/// A person said no: nothing was signed and nothing changed.
pub fn declined(what: &str) -> Answer {
    Answer::ended("approve", Outcome::Declined, format!("{what}; nothing was signed"))
}

/// A signal ended it.
pub fn interrupted(command: &'static str) -> Answer {
    Answer::ended(command, Outcome::Interrupted, "interrupted; nothing was signed")
}

#[expect(clippy::too_many_arguments, reason = "an approval covers that much")]
fn statement(
    moment: &Moment,
    package: &Package,
    rule: &EnvironmentRule,
    verdict: Verdict,
    open: &[OpenBox],
    args: &ApproveArgs,
    text: &str,
    person: &Person,
    key: &Key,
) -> Result<Statement> {
    let request = &package.request;
    let approvals = needed(moment, request, rule).context("nobody approves this environment")?;
    let policy = moment.policy().context("no policy is in force")?;
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let tip = timeline.tip.as_ref().context("the ledger is not founded")?;
    let all = [Separation::Requester, Separation::Author, Separation::Executor];
    Ok(Statement::Approval(Box::new(Approval {
        verdict,
        action: request.action,
        environment: request.environment.clone(),
        release: request.release.clone(),
        tree: request.tree,
        policy: request.policy,
        request: package.reference.clone(),
        checklist: request.checklist,
        evidence: request.evidence,
        monitor: request.asked.monitor,
        previous_release: request.previous_release.clone(),
        on_trigger: match verdict {
            // What stands in the way stood on the screen.
            Verdict::Allow => authority::on_trigger(policy, rule, request, moment.now).unwrap_or_default(),
            Verdict::Deny | Verdict::Hold => None,
        },
        confirmed: match verdict {
            Verdict::Allow => open.iter().map(|open| open.key.clone()).collect(),
            Verdict::Deny | Verdict::Hold => vec![],
        },
        approval_rules: request.approval_rules.clone(),
        emergency: request.emergency.as_ref().map(Emergency::declared),
        waived: all.into_iter().filter(|separation| !approvals.not.contains(separation)).collect(),
        reason: args.reason.clone(),
        decide_by: request.decide_by,
        execute_by: moment.now + approvals.execute_within,
        ledger_tip: tip.commit.clone(),
        nonce: nonce()?,
        screen: Digest::of(text.as_bytes()),
        assurance: assurance(moment, Some(&key.fact)).to_owned(),
        presence: person.presence.clone(),
    })))
}

/// Sixteen random bytes as hex.
///
/// # Errors
/// When the system has no randomness.
pub fn nonce() -> Result<String> {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(hex(&bytes))
}

fn sign(
    moment: &Moment,
    statement: Statement,
    signer: &PersonName,
    package: &Package,
    text: &str,
    key: &Key,
) -> Result<Result<Signed, Answer>> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let verb = match &statement {
        Statement::Approval(approval) => verb(approval.verdict),
        _ => "revoke",
    };
    let mut files = package.files.clone();
    files.insert("screen.txt".to_owned(), text.as_bytes().to_vec());
    let unsigned = ledger::prepare(timeline, statement, signer, moment.now, files)?;
    let signing = key.signing.as_ref().context("no key signs this")?;
    signed(unsigned.sign(signing, format!("{signer}: {verb} {}", package.reference.id)), "approve")
}

/// Tells a person who stopped at the passphrase from a tool that failed.
///
/// # Errors
/// The tool's.
pub fn signed(signed: Result<Signed>, command: &'static str) -> Result<Result<Signed, Answer>> {
    match signed {
        Ok(signed) => Ok(Ok(signed)),
        Err(error) => match error.downcast_ref::<SignError>() {
            Some(SignError::Declined { .. }) => {
                Ok(Err(Answer::ended(command, Outcome::Interrupted, error.to_string())))
            }
            Some(SignError::Passphrase { .. }) => {
                Ok(Err(Answer::ended(command, Outcome::Declined, error.to_string())))
            }
            _ => Err(error),
        },
    }
}

/// What a signature shows may be less than its key could.
#[must_use]
pub fn presence_missing(
    moment: &Moment,
    environment: &Environment,
    signed: &Signed,
    signer: &PersonName,
) -> Option<Reason> {
    let rule = moment.policy()?.environments.get(environment)?;
    crate::gate::decide::lacks_presence(&signed.proof, signer, rule.approvals.as_ref()?.presence, environment)
}

/// The first signature of a person in a clone that knows no root pins the one that was shown.
///
/// # Errors
/// When the pin cannot be written.
pub fn pin_root(moment: &Moment) -> Result<()> {
    if let (crate::gate::facts::Pin::None, Some(root)) =
        (moment.pin, moment.timeline().and_then(|timeline| timeline.root))
    {
        marks::set_pin(&moment.common_dir, root)?;
    }
    Ok(())
}

/// `-o DIR`: the pair that `ssh-keygen -Y verify` takes.
///
/// # Errors
/// The system's.
pub fn write_pair(args: &ApproveArgs, signed: &Signed) -> Result<()> {
    let Some(dir) = &args.output else { return Ok(()) };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    request::write_file(dir, "payload.json", &signed.payload)?;
    request::write_file(dir, &signed.signature_file, signed.armored.as_bytes())
}

/// One attempt at a revocation; `None` when the ledger moved meanwhile.
fn revoke(common: &Common, args: &ApproveArgs, name: &str, person: &Person) -> Result<Option<Answer>> {
    let mut moment = Moment::look(common)?;
    let key = person.key(args.key.as_ref(), moment.policy())?;
    let package = match target::find(&moment, name)? {
        Ok(package) => package,
        Err(none) => return Ok(Some(refused_without_target(&moment, person, key.as_ref(), (name, &none)))),
    };
    let (environment, reference) = (package.request.environment.clone(), package.reference.clone());
    let about = format!("revoke {environment} {}", reference.id);
    let action = Action::Revoke { request: &reference, environment: &environment };
    let facts =
        moment.facts(moment.caller(Some(person.presence.clone())), key.as_ref().map(|key| key.fact.clone()));
    let permit = match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => {
            return Ok(Some(refusal::kept(&moment, "approve", &about, reasons)));
        }
        Decision::Allow(permit) => permit,
    };
    let (Some(key), Some(signer)) = (key, permit.signer) else { return Ok(Some(no_key())) };
    let reason = args.reason.clone().context("say why, with `--reason TEXT`")?;
    let text = format!("revoke the approval of {} in {environment}\n", reference.id)
        + &screen::your_reason(Some(&reason));
    person.streams.line(&text);
    let phrase =
        format!("revoke {environment} {} {}", package.request.release.version, reference.digest.short());
    match person.types(&phrase, "revoke")? {
        Answered::Yes => {}
        Answered::No => return Ok(Some(declined("the phrase was not typed"))),
        Answered::Interrupted => return Ok(Some(interrupted("approve"))),
    }
    let presence = person.presence.clone();
    let statement = Statement::Revocation(Revocation {
        request: reference.clone(),
        environment: environment.clone(),
        reason,
        presence,
    });
    let signed = match sign(&moment, statement, &signer, &package, &text, &key)? {
        Ok(signed) => signed,
        Err(answer) => return Ok(Some(answer)),
    };
    if let Some(reason) = presence_missing(&moment, &environment, &signed, &signer) {
        return Ok(Some(refusal::kept(&moment, "approve", &about, vec![reason])));
    }
    let remote = moment.remote.clone();
    match ledger::append(&mut moment, &signed, remote.as_deref())? {
        Appended::Raced => Ok(None),
        Appended::Done { commit, digest } => {
            write_pair(args, &signed)?;
            let id = &reference.id;
            Ok(Some(
                Answer::done(
                    "approve",
                    format!(
                        "revoked the approval of {id} as {signer}\nrecorded in the ledger as {}\n",
                        commit.short()
                    ),
                )
                .with("id", id)
                .with("verdict", "revoke")
                .with("by", &signer)
                .with("entry", digest),
            ))
        }
    }
}
