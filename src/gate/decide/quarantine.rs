//! Quarantine: a candidate that holds commits which were rolled back is refused, unless their change was taken back or a
//! person released them. No word of a commit message is a fix.

use super::Judge;
use super::words::{minute, plural};
use crate::gate::alike::{Alike, NAMED_MAX};
use crate::gate::facts::{Taint, Taints};
use crate::gate::reason::{Code, Reason};
use crate::gate::terms::{CommitId, Digest, Environment};
use crate::gate::timeline::{Quarantine, Released, Timeline};

/// What a quarantine says of a commit.
enum Word {
    Refuse(Reason),
    Warn(Reason),
}

impl Judge<'_> {
    /// Whether a commit holds what was rolled back in an environment.
    pub(super) fn quarantine(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        commit: &CommitId,
        taints: &Taints,
    ) {
        for word in words(timeline, environment, commit, taints) {
            match word {
                Word::Refuse(reason) => self.refuse(reason),
                Word::Warn(reason) => self.warnings.push(reason),
            }
        }
    }

    /// A person releases what was rolled back.
    pub(super) fn release(&mut self, timeline: &Timeline, environment: &Environment, rollback: &Digest) {
        let Some((_, approvals)) = self.production(environment) else { return };
        self.signer_is_approver(environment, approvals);
        let track = timeline.tracks.get(environment);
        let known =
            track.is_some_and(|track| track.quarantined.iter().any(|known| &known.rollback == rollback));
        if !known {
            self.refuse(
                Reason::new(
                    Code::RequestMissing,
                    format!("nothing of it is in quarantine in `{environment}`"),
                )
                .next("see what is: deployctl status"),
            );
        }
    }
}

/// What the review screen of a commit says of quarantine, whether it refuses or not.
#[must_use]
pub fn quarantine_words(
    timeline: &Timeline,
    environment: &Environment,
    commit: &CommitId,
    taints: &Taints,
) -> Vec<Reason> {
    let words = words(timeline, environment, commit, taints).into_iter();
    words
        .map(|word| match word {
            Word::Refuse(reason) | Word::Warn(reason) => reason,
        })
        .collect()
}

fn words(timeline: &Timeline, environment: &Environment, commit: &CommitId, taints: &Taints) -> Vec<Word> {
    let track = timeline.tracks.get(environment);
    let quarantined = track.into_iter().flat_map(|track| &track.quarantined);
    let word = |quarantine: &Quarantine| {
        let taint = taints.get(&quarantine.rollback);
        let unknown = Taint::Unknown { missing: quarantine.undone.commit.clone() };
        word(environment, quarantine, commit, taint.unwrap_or(&unknown))
    };
    quarantined.filter_map(word).collect()
}

fn word(
    environment: &Environment,
    quarantine: &Quarantine,
    commit: &CommitId,
    taint: &Taint,
) -> Option<Word> {
    let version = &quarantine.undone.version;
    Some(match taint {
        Taint::Clear => return None,
        Taint::TakenBack => Word::Warn(Reason::new(
            Code::CommitQuarantined,
            format!(
                "{} holds commits of `{version}`, which was rolled back, and takes their change back: its files are as in `{}`",
                commit.short(),
                quarantine.back_to.version
            ),
        )),
        Taint::Unknown { missing } => Word::Refuse(
            Reason::new(
                Code::CommitQuarantined,
                format!(
                    "whether {} holds commits of `{version}`, which was rolled back in `{environment}`, cannot be told: {} is not in this clone",
                    commit.short(),
                    missing.short()
                ),
            )
            .next(format!("git fetch REMOTE {missing}")),
        ),
        Taint::Holds { commits, fixes, kept } => match counts(quarantine, fixes) {
            Some(released) => {
                Word::Warn(is_released(environment, quarantine, commit, (released, "COMMITS")))
            }
            None => Word::Refuse(is_held(environment, quarantine, commit, (*commits, kept))),
        },
        Taint::Alike { alike, fixes } => match counts(quarantine, fixes) {
            Some(released) if alike.is_whole() => {
                Word::Warn(is_released(environment, quarantine, commit, (released, "THE CONTENT")))
            }
            Some(_) => return None,
            None if alike.is_whole() => Word::Refuse(comes_again(environment, quarantine, commit, alike)),
            None if alike.again > 0 => Word::Warn(comes_in_part(environment, quarantine, commit, alike)),
            None => return None,
        },
    })
}

/// The newest release that counts for what holds these fixes.
fn counts<'a>(quarantine: &'a Quarantine, fixes: &[CommitId]) -> Option<&'a Released> {
    let counts = |released: &&Released| released.fix.as_ref().is_none_or(|fix| fixes.contains(fix));
    quarantine.released.iter().rev().find(counts)
}

fn is_released(
    environment: &Environment,
    quarantine: &Quarantine,
    commit: &CommitId,
    (released, what): (&Released, &str),
) -> Reason {
    let fix = released.fix.as_ref().map_or_else(String::new, |fix| format!(", FIXED BY {}", fix.short()));
    let what = format!(
        "{} HOLDS {what} OF `{}`, WHICH WAS ROLLED BACK in `{environment}` by {} at {} ({}); RELEASED by {} at {}{fix}: {}",
        commit.short(),
        quarantine.undone.version,
        quarantine.by,
        minute(quarantine.at),
        quarantine.reason.as_deref().unwrap_or("no reason"),
        released.by,
        minute(released.at),
        released.reason
    );
    Reason::new(Code::CommitQuarantined, what)
}

fn is_held(
    environment: &Environment,
    quarantine: &Quarantine,
    commit: &CommitId,
    (commits, kept): (usize, &[String]),
) -> Reason {
    let version = &quarantine.undone.version;
    let what = if *commit == quarantine.undone.commit {
        format!("{} was rolled back in `{environment}`", commit.short())
    } else {
        format!(
            "{} holds {} of `{version}`, which was rolled back in `{environment}`",
            commit.short(),
            plural(commits, "commit")
        )
    };
    if kept.is_empty() {
        return with_ways_out(Reason::new(Code::CommitQuarantined, what), quarantine);
    }
    let files = first_of(kept.iter().take(NAMED_MAX), kept.len());
    let are = if kept.len() == 1 { "is" } else { "are" };
    let what = format!(
        "{what}; taken back counts by itself only where every file is as in `{}`, and here {files} {are} not",
        quarantine.back_to.version
    );
    // Whoever took it back and went on needs no other revert: a person says that it did.
    let fix = format!(
        "where a revert or another commit fixes it, a person says so: deployctl approve --release {version} --fix COMMIT --reason TEXT"
    );
    Reason::new(Code::CommitQuarantined, what).next(fix).next(not_to_blame(quarantine))
}

/// The whole change under other commits: a squash, a rebase, a cherry-pick, or the revert of its revert.
fn comes_again(
    environment: &Environment,
    quarantine: &Quarantine,
    commit: &CommitId,
    alike: &Alike,
) -> Reason {
    let files = match alike.paths {
        1 => "the file".to_owned(),
        paths => format!("all {paths} files"),
    };
    let what = format!(
        "{} holds the content of `{}`, which was rolled back in `{environment}` by {} at {}, under other commits: {files} that it changed ({})",
        commit.short(),
        quarantine.undone.version,
        quarantine.by,
        minute(quarantine.at),
        named(alike)
    );
    with_ways_out(Reason::new(Code::CommitQuarantined, what), quarantine)
}

fn comes_in_part(
    environment: &Environment,
    quarantine: &Quarantine,
    commit: &CommitId,
    alike: &Alike,
) -> Reason {
    let what = format!(
        "{} holds {} of the {} that `{}` changed just as there, and that was rolled back in `{environment}`: {}",
        commit.short(),
        alike.same,
        plural(alike.paths, "file"),
        quarantine.undone.version,
        named(alike)
    );
    Reason::new(Code::CommitQuarantined, what)
}

/// The first files that come again.
fn named(alike: &Alike) -> String {
    first_of(alike.first.iter(), alike.again)
}

fn first_of<'a>(first: impl Iterator<Item = &'a String>, all: usize) -> String {
    let first: Vec<String> = first.map(|path| format!("`{path}`")).collect();
    let more = all.saturating_sub(first.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}

fn not_to_blame(quarantine: &Quarantine) -> String {
    let version = &quarantine.undone.version;
    format!(
        "where it was not to blame, a person says so: deployctl approve --release {version} --reason TEXT"
    )
}

fn with_ways_out(reason: Reason, quarantine: &Quarantine) -> Reason {
    let version = &quarantine.undone.version;
    reason
        .next("take the change back with `git revert`, and request the commit that does")
        .next(format!(
            "where a commit fixes it, a person says so: deployctl approve --release {version} --fix COMMIT --reason TEXT"
        ))
        .next(not_to_blame(quarantine))
}
