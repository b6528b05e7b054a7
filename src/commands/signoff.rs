//! `deployctl approve --check`: a person looks at a commit and signs a check of it.

use anyhow::{Context as _, Result};

use super::approve::{TRIES, declined, interrupted, nonce, pin_root, signed, write_pair};
use super::gather::{Key, Moment};
use super::ledger::{self, Appended, Signed};
use super::person::{Answered, Person, first_sight};
use super::refusal;
use crate::cli::{ApproveArgs, Common};
use crate::gate::decide::{Decision, decide, lacks_signoff_presence};
use crate::gate::facts::Action;
use crate::gate::reason::{Code, Reason};
use crate::gate::signoffs::{self, SignedOff, Signoff};
use crate::gate::statement::{Statement, Verdict};
use crate::gate::terms::{Check, CommitId, Digest, PersonName};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::screen::{self, SignoffPage};
use crate::world::records::Files;

/// Has a person sign a check of a commit.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &ApproveArgs, check: &Check) -> Result<Answer> {
    let person = Person::look(common)?;
    for _ in 0..TRIES {
        if let Some(answer) = attempt(common, args, check, &person)? {
            return Ok(answer);
        }
        person.streams.note("the ledger moved while you were reading; here it is again");
    }
    Ok(Answer::ended("approve", Outcome::Busy, "the ledger moved each time: run it again"))
}

/// One attempt; `None` when the ledger moved meanwhile.
fn attempt(common: &Common, args: &ApproveArgs, check: &Check, person: &Person) -> Result<Option<Answer>> {
    let mut moment = Moment::look(common)?;
    let commit = match &args.commit {
        Some(name) => moment.repository.resolve(name)?,
        None => moment.repository.head()?.context("there is no commit yet: commit something first")?,
    };
    let key = person.key(args.key.as_ref(), moment.policy())?;
    let facts =
        moment.facts(moment.caller(Some(person.presence.clone())), key.as_ref().map(|key| key.fact.clone()));
    let about = format!("{} {check} of {}", verb(args), commit.short());
    let permit = match decide(moment.policy(), &facts, &Action::Signoff { check, commit: &commit }) {
        Decision::Refuse(reasons) => return Ok(Some(refusal::kept(&moment, "approve", &about, reasons))),
        Decision::Allow(permit) => permit,
    };
    let (Some(Key { signing: Some(signing), .. }), Some(signer)) = (key, permit.signer) else {
        let reason = Reason::new(Code::KeyUnknown, "no key signs this");
        return Ok(Some(Answer::refused("approve", vec![reason])));
    };
    let (text, tree) = page(&moment, args, check, &commit)?;
    let statement = statement(&moment, args, check, &commit, tree, &text, person)?;
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let policy = moment.policy().context("no policy is in force")?;
    if let Some(known) = timeline.signoffs.said_before(policy, &signer, &statement) {
        return Ok(Some(already(args, known)));
    }
    person.streams.line(&text);
    if let Some(answer) = confirm(person, args, check, &commit)? {
        return Ok(Some(answer));
    }
    let statement = Statement::Signoff(Box::new(statement));
    let files = Files::from([("screen.txt".to_owned(), text.into_bytes())]);
    let unsigned = ledger::prepare(timeline, statement, &signer, moment.now, files)?;
    let message = format!("{signer}: {} {check} of {}", verb(args), commit.short());
    let signed = match signed(unsigned.sign(&signing, message), "approve")? {
        Ok(signed) => signed,
        Err(answer) => return Ok(Some(answer)),
    };
    if let Some(reason) = lacks_signoff_presence(policy, &signed.proof, &signer, check) {
        return Ok(Some(refusal::kept(&moment, "approve", &about, vec![reason])));
    }
    keep(&mut moment, args, check, &commit, &signer, &signed)
}

/// What the signature covers.
fn statement(
    moment: &Moment,
    args: &ApproveArgs,
    check: &Check,
    commit: &CommitId,
    tree: Digest,
    text: &str,
    person: &Person,
) -> Result<Signoff> {
    let policy = moment.policy().context("no policy is in force")?;
    let rule = policy.checks.get(check).zip(signoffs::group(policy, check));
    let (rule, group) = rule.context("the policy in force has no such check")?;
    Ok(Signoff {
        check: check.clone(),
        title: rule.title.clone(),
        group: group.clone(),
        commit: commit.clone(),
        tree,
        verdict: verdict(args),
        reason: args.reason.clone(),
        policy: policy.digest,
        screen: Digest::of(text.as_bytes()),
        presence: person.presence.clone(),
        nonce: nonce()?,
    })
}

/// The person has signed that already: another signature would say nothing new.
fn already(args: &ApproveArgs, known: &SignedOff) -> Answer {
    let Signoff { check, commit, .. } = &known.signoff;
    let word = if args.deny { "denied" } else { "signed off" };
    let text = format!(
        "{check} of {} is {word} by {} already, at {}, in the ledger as {}; nothing more was signed\n",
        commit.short(),
        known.by,
        screen::minute(known.at),
        known.commit.short()
    );
    answered(args, text, (check, commit), (&known.by, &known.entry, &known.commit)).with("already", true)
}

/// What the person reads, and the digest of the commit's tree listing.
fn page(moment: &Moment, args: &ApproveArgs, check: &Check, commit: &CommitId) -> Result<(String, Digest)> {
    let policy = moment.policy().context("no policy is in force")?;
    let tree = moment.repository.tree_digest(commit)?;
    let (change, parents) = moment.repository.commit(commit)?;
    // A shallow clone lacks the parent; what the commit changes is then not known.
    let before = parents.first().filter(|parent| moment.repository.has(parent));
    let known = before.is_some() || parents.is_empty();
    let files = known.then(|| moment.repository.changes(before, commit)).transpose()?;
    let files = files.map(|files| files.len());
    let reason = args.reason.as_deref();
    let page = SignoffPage { policy, check, change: &change, tree: &tree, files, denied: args.deny, reason };
    let mut text = screen::signoff(&page);
    text.push_str(&first_sight(moment));
    Ok((text, tree))
}

/// The phrase; an answer where it was not typed.
fn confirm(person: &Person, args: &ApproveArgs, check: &Check, commit: &CommitId) -> Result<Option<Answer>> {
    let word = if args.deny { "deny" } else { "signoff" };
    Ok(match person.types(&format!("{word} {check} {}", commit.short()), verb(args))? {
        Answered::Yes => None,
        Answered::No => Some(declined("the phrase was not typed")),
        Answered::Interrupted => Some(interrupted("approve")),
    })
}

const fn verdict(args: &ApproveArgs) -> Verdict {
    if args.deny { Verdict::Deny } else { Verdict::Allow }
}

const fn verb(args: &ApproveArgs) -> &'static str {
    if args.deny { "deny" } else { "sign off" }
}

/// Appends the entry, and answers what it means; `None` when the ledger moved meanwhile.
fn keep(
    moment: &mut Moment,
    args: &ApproveArgs,
    check: &Check,
    commit: &CommitId,
    signer: &PersonName,
    signed: &Signed,
) -> Result<Option<Answer>> {
    let remote = moment.remote.clone();
    match ledger::append(moment, signed, remote.as_deref())? {
        Appended::Raced => Ok(None),
        Appended::Done { commit: entry, digest } => {
            pin_root(moment)?;
            write_pair(args, signed)?;
            let word = if args.deny { "denied" } else { "signed off" };
            let text = format!(
                "{word} {check} of {} as {signer}\nrecorded in the ledger as {}\n",
                commit.short(),
                entry.short()
            );
            Ok(Some(answered(args, text, (check, commit), (signer, &digest, &entry)).with("already", false)))
        }
    }
}

fn answered(
    args: &ApproveArgs,
    text: String,
    (check, of): (&Check, &CommitId),
    (by, entry, commit): (&PersonName, &Digest, &CommitId),
) -> Answer {
    Answer::done("approve", text)
        .with("check", check)
        .with("of", of)
        .with("verdict", verdict(args))
        .with("by", by)
        .with("entry", entry)
        .with("commit", commit)
}
