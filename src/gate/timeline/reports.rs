//! Reports that people owe: of an emergency, and of a rollback. A signed one ends the debt.
//! A review of any kind counts where it is signed by somebody who approves there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Deployed, Signed, Timeline, Track};
use crate::gate::config::ActionKind;
use crate::gate::statement::{Execution, REPORT, Release, Review};
use crate::gate::terms::{CommitId, Digest, PersonName, Version};

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A rollback.
    Rollback,
    /// An emergency.
    Incident,
}

impl About {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Incident => "incident",
        }
    }
}

/// A report that is owed, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report<'a> {
    /// What it is about.
    pub about: About,
    /// The last moment for it before it holds other deployments up; none where it never does.
    pub due: Option<DateTime<Utc>>,
    /// The signature, once there is one.
    pub signed: Option<&'a SignedReport>,
}

/// A signed report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReport {
    /// Who signed.
    pub by: PersonName,
    /// When.
    pub at: DateTime<Utc>,
    /// The git commit that holds it, with the report.
    pub commit: CommitId,
    /// The digest of the report.
    pub report: Digest,
}

/// What a rollback leaves to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aftermath {
    /// The execution of the deployment that it undoes.
    pub undoes: Digest,
    /// The last moment for the report, where the policy names a span.
    pub review_by: Option<DateTime<Utc>>,
    /// The report, once a person signed one.
    pub review: Option<SignedReport>,
}

impl Deployed {
    /// The report that it owes or owed: none for a routine deployment, and none for a rollback that has not ended.
    #[must_use]
    pub fn report(&self) -> Option<Report<'_>> {
        let incident = self.incident.as_ref().map(|incident| Report {
            about: About::Incident,
            due: Some(incident.review_by),
            signed: incident.review.as_ref(),
        });
        let ended = self.aftermath.as_ref().filter(|_| self.ending.is_some());
        incident.or_else(|| {
            ended.map(|aftermath| Report {
                about: About::Rollback,
                due: aftermath.review_by,
                signed: aftermath.review.as_ref(),
            })
        })
    }
}

impl Track {
    /// Emergencies and rollbacks whose report nobody has signed yet.
    pub fn owed(&self) -> impl Iterator<Item = (&Deployed, Report<'_>)> {
        let reports = self.deployments.iter().filter_map(|deployed| Some((deployed, deployed.report()?)));
        reports.filter(|(_, report)| report.signed.is_none())
    }

    /// Every attempt to undo a deployment, by the deployment's execution, in order; also those that did not end well.
    #[must_use]
    pub fn attempts(&self) -> BTreeMap<Digest, Vec<&Deployed>> {
        let mut newest: BTreeMap<(&Version, &CommitId), Digest> = BTreeMap::new();
        let mut attempts: BTreeMap<Digest, Vec<&Deployed>> = BTreeMap::new();
        for known in self.in_order() {
            match (known.start.action, &known.start.previous_release) {
                (ActionKind::Deploy, _) => {
                    let Release { version, commit } = &known.start.release;
                    newest.insert((version, commit), known.execution);
                }
                (ActionKind::Rollback, Some(Release { version, commit })) => {
                    let undone = newest.get(&(version, commit));
                    undone.into_iter().for_each(|undone| attempts.entry(*undone).or_default().push(known));
                }
                (ActionKind::Rollback, None) => {}
            }
        }
        attempts
    }

    /// The attempt whose report tells of this rollback too: the last one to undo the same deployment.
    #[must_use]
    pub fn told_by(&self, rollback: &Deployed) -> Option<&Deployed> {
        let mut later = self.deployments.iter().skip_while(|known| known.execution != rollback.execution);
        let undone = later.next()?.start.previous_release.as_ref()?;
        later
            .take_while(|known| known.start.action == ActionKind::Rollback || &known.start.release != undone)
            .find(|known| known.aftermath.is_some() && known.start.previous_release.as_ref() == Some(undone))
    }

    /// One report tells of every attempt to undo a deployment: that of the last one.
    pub(super) fn tries_again(&mut self, again: Option<&Aftermath>) {
        let Some(again) = again else { return };
        for known in &mut self.deployments {
            let same = |before: &Aftermath| before.undoes == again.undoes && before.review.is_none();
            if known.aftermath.as_ref().is_some_and(same) {
                known.aftermath = None;
            }
        }
    }
}

impl Timeline {
    /// What a rollback owes under the rules in force.
    pub(super) fn aftermath(&self, execution: &Execution, at: DateTime<Utc>) -> Option<Aftermath> {
        if execution.action != ActionKind::Rollback {
            return None;
        }
        let undoes = self.tracks.get(&execution.environment)?.to_undo()?.execution;
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let rule = policy.and_then(|policy| policy.environments.get(&execution.environment));
        let within = rule.and_then(|rule| rule.rollback.as_ref()?.review_within);
        let within = within.and_then(|within| chrono::Duration::from_std(within).ok());
        let review_by = within.and_then(|span| at.checked_add_signed(span));
        Some(Aftermath { undoes, review_by, review: None })
    }

    /// Whether who signed a review approves in the environment under the rules in force, with the presence they ask for.
    pub(super) fn check_review(&self, execution: &Digest, signed: &Signed) -> Result<(), String> {
        // What is in quarantine outlives the rollback's own place in the track.
        let holds = |track: &Track| {
            track.deployments.iter().any(|deployed| &deployed.execution == execution)
                || track.quarantined.iter().any(|known| &known.rollback == execution)
        };
        let environment =
            self.tracks.iter().find(|(_, track)| holds(track)).map(|(environment, _)| environment);
        let environment = environment.ok_or("it reviews a deployment that the ledger does not hold")?;
        let policy = self.policy.as_ref().map(|in_force| &in_force.policy);
        let rule = policy.and_then(|policy| policy.environments.get(environment));
        let approvals = rule.and_then(|rule| rule.approvals.as_ref());
        approvals
            .is_some_and(|approvals| {
                approvals.from.contains(&signed.by) && signed.proof.shows(approvals.presence)
            })
            .then_some(())
            .ok_or_else(|| {
                "its signer does not review there, or not with the presence that is asked for".to_owned()
            })
    }

    /// A person signed a report. An empty one settles nothing.
    pub(super) fn settle_report(
        &mut self,
        review: &Review,
        (about, report): (About, Digest),
        signed: Signed,
    ) -> Result<(), String> {
        if signed.attachments.get(REPORT) != Some(&report) {
            return Err(format!("it does not hold the `{REPORT}` it signs"));
        }
        if report == Digest::of(b"") {
            return Err("its report is empty".to_owned());
        }
        self.check_review(&review.execution, &signed)?;
        let mut deployments = self.tracks.values_mut().flat_map(|track| &mut track.deployments);
        let deployed = deployments.find(|deployed| deployed.execution == review.execution);
        let deployed = deployed.ok_or("it reviews a deployment that the ledger does not hold")?;
        if deployed.ending.is_none() {
            return Err("it reviews a deployment that has not ended".to_owned());
        }
        let place = match about {
            About::Incident => deployed.incident.as_mut().map(|incident| &mut incident.review),
            About::Rollback => deployed.aftermath.as_mut().map(|aftermath| &mut aftermath.review),
        };
        let place = match (place, about) {
            (Some(place), _) => place,
            (None, About::Incident) => return Err("it reviews a deployment that was no emergency".to_owned()),
            (None, About::Rollback) => return Err("it reviews no rollback that owes a report".to_owned()),
        };
        if place.is_some() {
            return Err("it signs a report that was signed before".to_owned());
        }
        let Signed { commit, by, at, .. } = signed;
        *place = Some(SignedReport { by, at, commit, report });
        Ok(())
    }
}
