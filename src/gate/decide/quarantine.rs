//! Quarantine: a candidate that holds commits which were rolled back is refused, unless their change was taken back or a
//! person released them. No word of a commit message is a fix.

use super::Judge;
use super::words::{minute, plural};
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
        Taint::Holds { commits, fixes } => {
            let counts =
                |released: &&Released| released.fix.as_ref().is_none_or(|fix| fixes.contains(fix));
            match quarantine.released.iter().rev().find(counts) {
                Some(released) => Word::Warn(is_released(environment, quarantine, commit, released)),
                None => Word::Refuse(is_held(environment, quarantine, commit, *commits)),
            }
        }
    })
}

fn is_released(
    environment: &Environment,
    quarantine: &Quarantine,
    commit: &CommitId,
    released: &Released,
) -> Reason {
    let fix = released.fix.as_ref().map_or_else(String::new, |fix| format!(", FIXED BY {}", fix.short()));
    let what = format!(
        "{} HOLDS COMMITS OF `{}`, WHICH WAS ROLLED BACK in `{environment}` by {} at {} ({}); RELEASED by {} at {}{fix}: {}",
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

fn is_held(environment: &Environment, quarantine: &Quarantine, commit: &CommitId, commits: usize) -> Reason {
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
    Reason::new(Code::CommitQuarantined, what)
        .next("take the change back with `git revert`, and request the commit that does")
        .next(format!(
            "where a commit fixes it, a person says so: deployctl approve --release {version} --fix COMMIT --reason TEXT"
        ))
        .next(format!(
            "where it was not to blame, a person says so: deployctl approve --release {version} --reason TEXT"
        ))
}
