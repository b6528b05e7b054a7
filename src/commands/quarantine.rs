//! Quarantine: what a candidate holds of commits that were rolled back, and `deployctl approve --release`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::approve::{declined, interrupted};
use super::gather::{Key, Moment};
use super::person::{Answered, Person, first_sight};
use super::refusal;
use super::review::Said;
use crate::cli::{ApproveArgs, Common};
use crate::evidence::commits::Change;
use crate::gate::alike::Alike;
use crate::gate::decide::{Decision, decide, ledger_reason};
use crate::gate::facts::{Action, Taint, Taints};
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Finding, Review};
use crate::gate::terms::{CommitId, Environment, PersonName};
use crate::gate::timeline::{Quarantine, Timeline, Track};
use crate::render::answer::Answer;
use crate::render::{screen, text};
use crate::world::records::Files;
use crate::world::repository::Repository;

const COMMAND: &str = "approve";

/// What a commit holds of everything that was rolled back in an environment.
///
/// # Errors
/// Git's.
pub fn look(moment: &Moment, environment: &Environment, commit: &CommitId) -> Result<Taints> {
    let track = moment.timeline().and_then(|timeline| timeline.tracks.get(environment));
    let Some(track) = track else { return Ok(Taints::new()) };
    let taint =
        |quarantine: &Quarantine| Ok((quarantine.rollback, taint(moment, track, quarantine, commit)?));
    track.quarantined.iter().map(taint).collect()
}

fn taint(moment: &Moment, track: &Track, quarantine: &Quarantine, commit: &CommitId) -> Result<Taint> {
    let repository = &moment.repository;
    let (undone, back_to) = (&quarantine.undone.commit, &quarantine.back_to.commit);
    for needed in [undone, back_to] {
        if !repository.has(needed) {
            return Ok(Taint::Unknown { missing: needed.clone() });
        }
    }
    let range = |since: &CommitId| -> Result<BTreeSet<CommitId>> {
        let commits = repository.range(Some(since), undone)?;
        Ok(commits.into_iter().map(|change| change.commit).collect())
    };
    let brought = repository.range(Some(back_to), undone)?;
    let mut held: BTreeSet<CommitId> = brought.iter().map(|change| change.commit.clone()).collect();
    let absent = range(commit)?;
    held.retain(|known| !absent.contains(known));
    // What came to be live again after the rollback was fixed or released then; it counts for what is built on that.
    let live = track.live.as_ref().map(|live| &live.release.commit).filter(|live| repository.has(live));
    if let Some(live) = live.filter(|_| !held.is_empty())
        && repository.descends(commit, live)?
    {
        let not_live = range(live)?;
        held.retain(|known| not_live.contains(known));
    }
    let mut kept = vec![];
    if !held.is_empty() {
        let touched = touched(repository, brought.iter().filter(|change| held.contains(&change.commit)))?;
        let remains = repository.remains_of((back_to, undone), &touched, commit)?;
        if remains.paths.is_empty() {
            return Ok(Taint::TakenBack);
        }
        if !remains.is_whole {
            kept = remains.paths;
        }
    }
    let alike = repository.alike(back_to, undone, commit, live)?;
    if held.is_empty() && alike.again == 0 {
        return Ok(Taint::Clear);
    }
    let fixes = fixes(repository, quarantine, commit, &alike)?;
    Ok(match held.len() {
        0 => Taint::Alike { alike, fixes },
        commits => Taint::Holds { commits, fixes, kept },
    })
}

/// Every path that these commits touched, also where a later one of them took that back; of a merge, what it has from none of
/// its parents.
fn touched<'a>(
    repository: &Repository,
    commits: impl Iterator<Item = &'a Change>,
) -> Result<BTreeSet<String>> {
    let mut touched = BTreeSet::new();
    for Change { commit, parents, .. } in commits {
        let since = |parent: Option<&CommitId>| -> Result<BTreeSet<String>> {
            let changes = repository.changes(parent, commit)?;
            Ok(changes.into_iter().flat_map(|change| [Some(change.path), change.from]).flatten().collect())
        };
        let mut paths = since(parents.first())?;
        for parent in parents.iter().skip(1) {
            let others = since(Some(parent))?;
            paths.retain(|path| others.contains(path));
        }
        touched.extend(paths);
    }
    Ok(touched)
}

/// The fixes of a quarantine that a commit holds. One that it took back again, so that every file is as it was when it
/// was rolled back, is none.
fn fixes(
    repository: &Repository,
    quarantine: &Quarantine,
    commit: &CommitId,
    alike: &Alike,
) -> Result<Vec<CommitId>> {
    let (undone, back_to) = (&quarantine.undone.commit, &quarantine.back_to.commit);
    let mut fixes = Vec::new();
    for fix in quarantine.released.iter().filter_map(|released| released.fix.as_ref()) {
        if !repository.has(fix) || !repository.descends(commit, fix)? {
            continue;
        }
        let undone_again =
            alike.is_complete() && !repository.alike(back_to, undone, fix, None)?.is_complete();
        if !undone_again {
            fixes.push(fix.clone());
        }
    }
    Ok(fixes)
}

/// A person releases what was rolled back.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &ApproveArgs, name: &str) -> Result<Answer> {
    let person = Person::look(common)?;
    let mut moment = Moment::look(common)?;
    let key = person.key(args.key.as_ref(), moment.policy())?;
    if let Err(trouble) = &moment.ledger {
        return Ok(Answer::refused(COMMAND, vec![ledger_reason(trouble)]));
    }
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let (environment, quarantine) = match find(timeline, name) {
        Ok((environment, quarantine)) => (environment.clone(), quarantine.clone()),
        Err(reason) => return Ok(refusal::kept(&moment, COMMAND, &format!("release {name}"), vec![reason])),
    };
    let fix = args.fix.as_deref().map(|name| moment.repository.resolve(name)).transpose()?;
    let signer = match judge(&moment, &person, key.as_ref(), (&environment, &quarantine), fix.as_ref())? {
        Ok(signer) => signer,
        Err(reasons) => {
            let about = format!("release {environment} {}", quarantine.undone.version);
            return Ok(refusal::kept(&moment, COMMAND, &about, reasons));
        }
    };
    let (Some(Key { signing: Some(signing), .. }), Some(signer)) = (&key, signer) else {
        return Ok(Answer::refused(COMMAND, vec![Reason::new(Code::KeyUnknown, "no key signs this")]));
    };
    let reason = args.reason.clone().context("say why, with `--reason TEXT`")?;
    let text = shown(&moment, &environment, &quarantine, fix.as_ref(), &reason)? + &first_sight(&moment);
    person.streams.line(&text);
    let version = &quarantine.undone.version;
    let phrase = format!("release {environment} {version} {}", quarantine.rollback.short());
    match person.types(&phrase, "release it")? {
        Answered::Yes => {}
        Answered::No => return Ok(declined("the phrase was not typed")),
        Answered::Interrupted => return Ok(interrupted(COMMAND)),
    }
    let presence = person.presence.clone();
    let finding = Finding::Release { fix: fix.clone() };
    let said = Said {
        environment: &environment,
        review: Review { execution: quarantine.rollback, finding, reason, presence },
        files: Files::from([("screen.txt".to_owned(), text.into_bytes())]),
        message: format!("{signer}: release {version} in {environment}"),
    };
    Ok(match said.append(&mut moment, args, signing, &signer)? {
        Ok((entry, commit)) => {
            released(&environment, &quarantine, fix.as_ref(), &signer, &commit).with("entry", entry)
        }
        Err(answer) => answer,
    })
}

/// Whose signature it will be, or everything that speaks against it.
fn judge(
    moment: &Moment,
    person: &Person,
    key: Option<&Key>,
    (environment, quarantine): (&Environment, &Quarantine),
    fix: Option<&CommitId>,
) -> Result<Result<Option<PersonName>, Vec<Reason>>> {
    let (rollback, version) = (&quarantine.rollback, &quarantine.undone.version);
    let action = Action::Release { environment, rollback, version, fix };
    let caller = moment.caller(Some(person.presence.clone()));
    let facts = moment.facts(caller, key.map(|key| key.fact.clone()));
    let no_fix = no_fix(moment, quarantine, fix)?;
    Ok(match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => Err(reasons.into_iter().chain(no_fix).collect()),
        Decision::Allow(permit) => match no_fix {
            Some(reason) => Err(vec![reason]),
            None => Ok(permit.signer),
        },
    })
}

fn released(
    environment: &Environment,
    quarantine: &Quarantine,
    fix: Option<&CommitId>,
    signer: &PersonName,
    commit: &CommitId,
) -> Answer {
    let version = &quarantine.undone.version;
    let what = fix.map_or_else(
        || "whatever holds its commits or their content".to_owned(),
        |fix| format!("what holds {} too", fix.short()),
    );
    let text = format!(
        "released {version} as {signer}: {what} may be approved for {environment} again\nrecorded in the ledger as {}\n",
        commit.short()
    );
    Answer::done(COMMAND, text)
        .with("environment", environment)
        .with("version", version)
        .with("commit", &quarantine.undone.commit)
        .with("rollback", quarantine.rollback)
        .with("fix", fix)
        .with("by", signer)
}

/// What is in quarantine by this name: what nobody has released goes before, and the newest of those.
fn find<'a>(timeline: &'a Timeline, name: &str) -> Result<(&'a Environment, &'a Quarantine), Reason> {
    let tracks = timeline.tracks.iter();
    let all = tracks.flat_map(|(place, track)| track.quarantined.iter().map(move |known| (place, known)));
    let named: Vec<(&Environment, &Quarantine)> = all.filter(|(_, known)| known.is_named(name)).collect();
    let places: BTreeSet<&Environment> = named.iter().map(|(place, _)| *place).collect();
    if places.len() > 1 {
        let each =
            |(place, known): &(&Environment, &Quarantine)| format!("`{}` ({place})", known.rollback.short());
        let each: Vec<String> = named.iter().map(each).collect();
        let what = format!("several rollbacks fit: {}", each.join(", "));
        return Err(Reason::new(Code::RequestMissing, what).next("name one of them by its digits"));
    }
    let newest = named.into_iter().max_by_key(|(_, known)| (known.released.is_empty(), known.at));
    newest.ok_or_else(|| {
        let what = format!("nothing by the name `{}` is in quarantine", text::line(name, 200));
        Reason::new(Code::RequestMissing, what).next("see what is: deployctl status")
    })
}

/// A commit that came with what was rolled back, or before it, fixes nothing of it.
fn no_fix(moment: &Moment, quarantine: &Quarantine, fix: Option<&CommitId>) -> Result<Option<Reason>> {
    let Some(fix) = fix else { return Ok(None) };
    let undone = &quarantine.undone;
    if !moment.repository.has(&undone.commit) {
        let what = format!("{} of `{}` is not in this clone", undone.commit.short(), undone.version);
        return Ok(Some(
            Reason::new(Code::CommitQuarantined, what).next(format!("git fetch REMOTE {}", undone.commit)),
        ));
    }
    if !moment.repository.descends(&undone.commit, fix)? {
        return Ok(None);
    }
    let what = format!("{} is in `{}` already: it fixes nothing of it", fix.short(), undone.version);
    Ok(Some(Reason::new(Code::CommitQuarantined, what).next("name the commit that came after it")))
}

fn shown(
    moment: &Moment,
    environment: &Environment,
    quarantine: &Quarantine,
    fix: Option<&CommitId>,
    reason: &str,
) -> Result<String> {
    let policy = moment.policy().context("no policy is in force")?;
    let for_what = match fix {
        Some(fix) => {
            let (change, _) = moment.repository.commit(fix)?;
            format!("only what holds {}  {}", fix, text::line(&change.subject, 100))
        }
        None => "WHATEVER HOLDS ITS COMMITS OR THEIR CONTENT, fixed or not".to_owned(),
    };
    Ok(screen::release(&policy.project, environment, quarantine, &for_what, reason))
}
