//! Checks that nothing can run: a role's word is recorded as it is given, a person's signature is asked for.

use anyhow::{Context as _, Result};

use super::signer::Signer;
use super::{Asked, fact_line, record};
use crate::cli::CheckArgs;
use crate::commands::candidate;
use crate::commands::gather::Moment;
use crate::evidence::draft::{TestFact, Word};
use crate::gate::decide::{Decision, decide, signoff_missing};
use crate::gate::facts::{Action, Caller};
use crate::gate::policy::{CheckSource, Policy};
use crate::gate::reason::Reason;
use crate::gate::request::CheckState;
use crate::gate::terms::{Check, CommitId};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::{clock, presence};

/// What is known of the words and signatures that were asked for, and what is needed.
#[derive(Default)]
pub(super) struct Told {
    pub(super) facts: Vec<TestFact>,
    /// Who must do what, by check.
    pub(super) next: Vec<(Check, String)>,
    /// Of those that were named themselves: why a person must act now.
    pub(super) reasons: Vec<Reason>,
}

impl Told {
    /// What somebody has yet to say is told, and is no failure of this run.
    pub(super) fn fails(fact: &TestFact) -> bool {
        !matches!(fact.state, CheckState::Passed | CheckState::NotNeeded | CheckState::Missing)
    }

    /// One of them, for people.
    pub(super) fn line(&self, fact: &TestFact) -> String {
        if !matches!(fact.state, CheckState::Missing | CheckState::NotNeeded) {
            return fact_line(fact);
        }
        let why = fact.why.as_deref().unwrap_or_default();
        let next = self.next.iter().find(|(check, _)| check == &fact.check);
        let next = next.map(|(_, next)| format!(": {next}")).unwrap_or_default();
        format!("· {}  {}\n", fact.check, text::line(&format!("{why}{next}"), 400))
    }
}

/// The commit that something is said of; nothing is run, so nothing need be checked out.
pub(super) fn commit(moment: &Moment, named: Option<&str>) -> Result<CommitId> {
    match named {
        Some(name) => Ok(moment.repository.resolve(name)?),
        None => moment.repository.head()?.context("there is no commit yet: commit something first"),
    }
}

/// A role's word that was asked for by name, and not given.
pub(super) fn unsaid(moment: &Moment, told: &[Asked]) -> Option<Answer> {
    let policy = moment.policy()?;
    let role = |asked: &Asked| match &policy.checks.get(&asked.check)?.source {
        CheckSource::Role(role) if asked.direct => Some((asked.check.clone(), role)),
        _ => None,
    };
    let (check, role) = told.iter().find_map(role)?;
    let what = format!("`{check}` is the word of `{role}`: say `--passed` or `--failed`, with `--note TEXT`");
    Some(Answer::ended("check", Outcome::Usage, what))
}

/// What is known of each, and what is needed.
pub(super) fn tell(moment: &Moment, policy: &Policy, commit: &CommitId, told: &[Asked]) -> Result<Told> {
    let mut found = Told::default();
    if told.is_empty() {
        return Ok(found);
    }
    let known = candidate::known(moment, policy, candidate::first_of_people(policy), commit)?;
    for Asked { check, direct, .. } in told {
        let Some(fact) = known.iter().find(|fact| &fact.check == check) else { continue };
        found.facts.push(fact.clone());
        if fact.state != CheckState::Missing {
            continue;
        }
        match policy.checks.get(check).map(|rule| &rule.source) {
            Some(CheckSource::Role(role)) => {
                let next = format!("deployctl check {check} --as {role} --passed --note TEXT");
                found.next.push((check.clone(), next));
            }
            Some(CheckSource::Signoff(_)) => {
                let reason = signoff_missing(policy, check, commit);
                found.next.extend(reason.next.iter().map(|next| (check.clone(), next.clone())));
                found.reasons.extend(direct.then_some(reason));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Records the word of the role that the checks name, for a commit of this clone. That it is a no is no failure.
///
/// # Errors
/// When the commit or the key is none.
pub(super) fn word(moment: &Moment, args: &CheckArgs, asked: &[Asked]) -> Result<Answer> {
    let caller = moment.caller(Some(presence::look()));
    let reasons = refused(moment, &caller, asked);
    if !reasons.is_empty() {
        return Ok(Answer::refused("check", reasons));
    }
    let policy = moment.policy().context("no policy is in force")?;
    let role = caller.role.clone().context("no role gives its word")?;
    let note = args.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    let Some(note) = note else {
        return Ok(Answer::ended(
            "check",
            Outcome::Usage,
            "say what was done to know it, with `--note TEXT`",
        ));
    };
    let signer = match Signer::find(policy, args.key.as_deref())? {
        Ok(signer) => signer,
        Err(reason) => return Ok(Answer::refused("check", vec![reason])),
    };
    let commit = commit(moment, args.commit.as_deref())?;
    let mut facts = Vec::new();
    for Asked { check, .. } in asked {
        let rule = policy.checks.get(check).context("the policy has no such check")?;
        let word = Word { role: role.clone(), note: note.to_owned() };
        let mut fact = TestFact::word(check.clone(), rule.title.clone(), args.passed, word);
        fact.reported_at = Some(clock::now());
        facts.push(Signer::lacking(signer.as_ref(), check, rule).unwrap_or(fact));
    }
    let given: Vec<TestFact> = facts.iter().filter(|fact| fact.word.is_some()).cloned().collect();
    let recorded = !given.is_empty();
    let mut answer = super::answer(&facts, &Told::default(), &commit).with("recorded", recorded);
    if given.len() == facts.len() {
        (answer.outcome, answer.message) = (Outcome::Done, None);
    }
    if recorded {
        record(moment, &mut answer, &caller.name, &commit, given, signer.as_ref())?;
    }
    Ok(answer)
}

/// Every reason against a word, also where no policy is in force.
fn refused(moment: &Moment, caller: &Caller, asked: &[Asked]) -> Vec<Reason> {
    let judge =
        |action: &Action<'_>| match decide(moment.policy(), &moment.facts(caller.clone(), None), action) {
            Decision::Refuse(reasons) => reasons,
            Decision::Allow(_) => vec![],
        };
    let mut reasons = if asked.is_empty() { judge(&Action::Check { checks: &[] }) } else { vec![] };
    for Asked { check, .. } in asked {
        for reason in judge(&Action::Word { check }) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    reasons
}
