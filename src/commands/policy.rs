//! `deployctl approve --policy`: people sign the rules. The first signature founds the ledger.

use anyhow::{Context as _, Result};

use super::approve::{TRIES, declined, interrupted, pin_root, signed, write_pair};
use super::gather::{FilePolicy, Key, Moment, find_key, resolve_remote};
use super::ledger::{self, Appended};
use super::person::{Answered, Person};
use super::{pages, refusal};
use crate::cli::{ApproveArgs, Common};
use crate::gate::config::{Deployment, Right};
use crate::gate::decide::{Decision, decide, lacks_presence};
use crate::gate::facts::{Action, KeyFact};
use crate::gate::policy::{EnvironmentRule, Policy};
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{PolicyStatement, Statement};
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::Timeline;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::screen;
use crate::world::config_file;
use crate::world::records::Files;

/// Has a person sign the work tree's `deployctl.yaml`.
///
/// # Errors
/// When the file is not valid, or facts cannot be found out.
pub fn run(common: &Common, args: &ApproveArgs) -> Result<Answer> {
    let person = Person::look(common)?;
    for _ in 0..TRIES {
        if let Some(answer) = attempt(common, args, &person)? {
            return Ok(answer);
        }
        person.streams.note("the ledger moved while you were reading; here it is again");
    }
    Ok(Answer::ended("approve", Outcome::Busy, "the ledger moved each time: run it again"))
}

/// What is tried, for the journal.
const ABOUT: &str = "approve the policy";

fn attempt(common: &Common, args: &ApproveArgs, person: &Person) -> Result<Option<Answer>> {
    let mut moment = Moment::look(common)?;
    let FilePolicy { bytes, templates, policy: new } = moment.file_policy()?;
    pages::try_out(&templates)?;
    if moment.policy().is_some_and(|in_force| in_force.digest == new.digest) {
        let waits = moment.timeline().is_some_and(|timeline| !timeline.proposals.is_empty());
        let mut text =
            "this `deployctl.yaml` is the policy in force already: there is nothing to sign\n".to_owned();
        if waits {
            text.push_str(
                "another policy waits for signatures: get its `deployctl.yaml`, such as with `git pull`\n",
            );
        }
        return Ok(Some(
            Answer::done("approve", text).with("root", moment.timeline().and_then(|timeline| timeline.root)),
        ));
    }
    if let Some(why) = new.never_changed() {
        let what = format!("nobody could ever change these rules: {why}; nothing was signed");
        return Ok(Some(Answer::ended("approve", Outcome::Usage, what)));
    }
    let founder = moment.timeline().is_some_and(|timeline| timeline.policy.is_none());
    // A founder signs under the rules they found; everybody later under the rules before.
    let judged_by = if founder { Some(&new) } else { moment.policy() };
    let key = person.key(args.key.as_ref(), judged_by)?;
    let action = Action::Policy { founder };
    let caller = moment.caller(Some(person.presence.clone()));
    let facts = moment.facts(caller, key.as_ref().map(|key| key.fact.clone()));
    let permit = match decide(judged_by, &facts, &action) {
        Decision::Refuse(reasons) => return Ok(Some(refusal::kept(&moment, "approve", ABOUT, reasons))),
        Decision::Allow(permit) => permit,
    };
    let (Some(Key { signing: Some(signing), .. }), Some(signer)) = (key, permit.signer) else {
        return Ok(Some(Answer::refused(
            "approve",
            vec![Reason::new(Code::KeyUnknown, "no key signs this")],
        )));
    };
    let remote = resolve_remote(&moment.repository, &new.ledger)?;
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let version = timeline.policy.as_ref().map_or(1, |in_force| in_force.version + 1);
    let mut text = screen::policy(&new, version, remote.as_deref(), timeline.root);
    let before = before(&moment)?;
    let templates = templates.into_iter().map(|(name, source)| (name, source.into_bytes()));
    let signed_files: Vec<(String, Vec<u8>)> =
        std::iter::once((config_file::NAME.to_owned(), bytes)).chain(templates).collect();
    for (name, bytes) in &signed_files {
        let old = before.as_ref().map(|files| files.get(name).map(Vec::as_slice).unwrap_or_default());
        let old = old.map(String::from_utf8_lossy);
        text.push_str(&screen::signed_text(name, old.as_deref(), &String::from_utf8_lossy(bytes)));
    }
    text.push_str(&quorum_line(timeline, &new));
    person.streams.line(&text);
    if let Some(reason) = locks_itself_out(&new, args)? {
        person.streams.line(&screen::warnings(&[reason]));
    }
    let phrase = format!("sign policy {version} {}", new.digest.short());
    match person.types(&phrase, "sign the policy")? {
        Answered::Yes => {}
        Answered::No => return Ok(Some(declined("the phrase was not typed"))),
        Answered::Interrupted => return Ok(Some(interrupted("approve"))),
    }
    let statement = Statement::Policy(PolicyStatement {
        version,
        replaces: timeline.policy.as_ref().map(|in_force| in_force.policy.digest),
        config: new.digest,
        remote: remote.clone(),
        screen: Digest::of(text.as_bytes()),
        presence: person.presence.clone(),
    });
    let mut files: Files = signed_files.into_iter().collect();
    files.insert("screen.txt".to_owned(), text.into_bytes());
    let unsigned = ledger::prepare(timeline, statement, &signer, moment.now, files)?;
    let signed = match signed(unsigned.sign(&signing, format!("{signer}: sign policy {version}")), "approve")?
    {
        Ok(signed) => signed,
        Err(answer) => return Ok(Some(answer)),
    };
    if let Some(reason) = least_presence(judged_by.unwrap_or(&new), &signed, &signer) {
        return Ok(Some(refusal::kept(&moment, "approve", ABOUT, vec![reason])));
    }
    match ledger::append(&mut moment, &signed, remote.as_deref())? {
        Appended::Raced => Ok(None),
        Appended::Done { commit, digest } => {
            pin_root(&moment)?;
            write_pair(args, &signed)?;
            Ok(Some(answer(&moment, version, &new, founder)?.with("entry", digest).with("commit", commit)))
        }
    }
}

/// A founder with a key in clear would found a ledger in which nobody can approve.
fn locks_itself_out(new: &Policy, args: &ApproveArgs) -> Result<Option<Reason>> {
    let key = find_key(args.key.as_ref(), new)?;
    let gone = matches!(key.fact, KeyFact::Unknown { .. });
    Ok(gone.then(|| {
        Reason::new(Code::KeyUnknown, "your own key is not in this policy: you could not sign the next one")
    }))
}

fn least_presence(
    policy: &Policy,
    signed: &ledger::Signed,
    signer: &crate::gate::terms::PersonName,
) -> Option<Reason> {
    policy.environments.iter().find_map(|(name, rule)| {
        let approvals = rule.approvals.as_ref().filter(|approvals| approvals.from.contains(signer))?;
        lacks_presence(&signed.proof, signer, approvals.presence, name)
    })
}

/// The files in force, from the entry that brought them.
fn before(moment: &Moment) -> Result<Option<Files>> {
    let in_force = moment.timeline().and_then(|timeline| timeline.policy.as_ref());
    Ok(in_force.map(|in_force| moment.records.files(&in_force.entry)).transpose()?)
}

fn quorum_line(timeline: &Timeline, new: &Policy) -> String {
    let Some(in_force) = &timeline.policy else { return String::new() };
    let (people, required) = in_force.policy.policy_quorum();
    let people: Vec<&str> = people.iter().map(crate::gate::terms::PersonName::as_str).collect();
    let signed = timeline.proposals.get(&new.digest).map_or(0, std::collections::BTreeSet::len);
    format!("  It needs {required} of: {}. Signed so far: {signed}.\n", people.join(", "))
}

/// What comes next where nothing waits: what was just founded goes where machines deploy first, if it goes anywhere before people.
#[must_use]
pub fn first_step(policy: &Policy, founder: bool) -> String {
    let machines = |(name, rule): (&Environment, &EnvironmentRule)| {
        let deploys = policy.roles.keys().any(|role| policy.may(role, name, Right::Deploy));
        let runs = rule.deployment == Deployment::Automatic && !rule.steps.is_empty() && deploys;
        runs.then(|| (name.as_str() != "staging", name.clone()))
    };
    // The stage right before people, where it has the usual name.
    match policy.environments.iter().filter_map(machines).min().filter(|_| founder) {
        Some((_, name)) => format!("deployctl deploy {name} --as ROLE"),
        None => "deployctl request VERSION --as ROLE".to_owned(),
    }
}

fn answer(moment: &Moment, version: u64, new: &Policy, founder: bool) -> Result<Answer> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let root = timeline.root.context("the ledger is not founded")?;
    let in_force = timeline.policy.as_ref().is_some_and(|in_force| in_force.policy.digest == new.digest);
    let mut text = match (founder, in_force) {
        (true, _) => format!("founded the ledger of {}\ntrust root: {root}\n", new.project),
        (false, true) => format!("policy {version} is in force\n"),
        (false, false) => format!("signed policy {version}; it waits for more signatures\n"),
    };
    if founder {
        text.push_str("tell the root to your colleagues: their clones show it at their first signature\n");
    }
    text.push_str(&match in_force {
        true => format!("next: {}\n", first_step(new, founder)),
        false => "next: another person runs: deployctl approve --policy\n".to_owned(),
    });
    Ok(Answer::done("approve", text).with("root", root).with(
        "policy",
        serde_json::json!({ "version": version, "digest": new.digest, "in_force": in_force }),
    ))
}
