//! Reports that people owe, of emergencies and of rollbacks: what waits for them, and who may sign them.

use chrono::{DateTime, Duration, Utc};

use super::Judge;
use super::words::minute;
use crate::gate::reason::{Code, Reason};
use crate::gate::request::Request;
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::{About, Deployed, Report, Timeline, Track};

impl Judge<'_> {
    /// An emergency may be deployed while a report is owed. Whatever else waits for it once its time is over, and is
    /// warned before. The report of a rollback has such a time only where the policy says so.
    pub(super) fn reviews(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        request: &Request,
        warn_only: bool,
    ) {
        let Some(track) = timeline.tracks.get(environment) else { return };
        let now = self.facts.now;
        for (owed, report) in track.owed() {
            let reason = review_owed(owed, &report, now);
            if warn_only || request.emergency.is_some() || !is_overdue(&report, now) {
                self.warnings.push(reason);
            } else {
                self.refuse(reason);
            }
        }
    }

    /// A person signs the report of an emergency or of a rollback.
    pub(super) fn report(&mut self, timeline: &Timeline, environment: &Environment, execution: &Digest) {
        let Some((_, approvals)) = self.production(environment) else { return };
        self.signer_is_approver(environment, approvals);
        let owed = timeline.tracks.get(environment).into_iter().flat_map(Track::owed);
        match owed.map(|(deployed, _)| deployed).find(|deployed| &deployed.execution == execution) {
            None => self.refuse(
                Reason::new(Code::RequestMissing, format!("no review of `{environment}` is owed for it"))
                    .next("see what is owed: deployctl status"),
            ),
            Some(deployed) if deployed.ending.is_none() => self.refuse(
                Reason::new(
                    Code::DeploymentInterrupted,
                    format!(
                        "the deployment of `{}` has not said how it ended",
                        deployed.start.release.version
                    ),
                )
                .next("review it after the resolution; see how it stands: deployctl status"),
            ),
            Some(_) => {}
        }
    }
}

/// Whether the time of a report is over.
#[must_use]
pub fn is_overdue(report: &Report<'_>, now: DateTime<Utc>) -> bool {
    report.due.is_some_and(|due| now > due)
}

/// What names a report on the command line: an emergency's request, a rollback's execution.
#[must_use]
pub fn report_name(owed: &Deployed) -> String {
    match owed.report().map(|report| report.about) {
        Some(About::Rollback) => owed.execution.short(),
        _ => owed.start.request.id.clone(),
    }
}

/// The reason of a report that is owed.
#[must_use]
pub fn review_owed(owed: &Deployed, report: &Report<'_>, now: DateTime<Utc>) -> Reason {
    let name = report_name(owed);
    let when = report.due.map(|due| {
        let when = if now > due { "was owed since" } else { "is owed by" };
        format!("{when} {}", minute(due))
    });
    let (what, policy) = match report.about {
        About::Incident => {
            let severity = owed
                .start
                .emergency
                .as_ref()
                .map_or_else(String::new, |clock| format!(" ({})", clock.severity));
            let what = format!("the review of the emergency `{name}`{severity} {}", when.unwrap_or_default());
            (what, Some("emergency.review_within".to_owned()))
        }
        About::Rollback => {
            let undone = owed.start.previous_release.as_ref();
            let undone = undone.map_or_else(String::new, |undone| format!(" of `{}`", undone.version));
            let policy =
                report.due.map(|_| format!("environments.{}.rollback.review_within", owed.start.environment));
            let open = format!("is open since {}{}", minute(owed.at), age(now - owed.at));
            let when = when.map_or_else(|| open.clone(), |when| format!("{open}, and {when}"));
            (format!("the report of the rollback{undone} (`{name}`) {when}"), policy)
        }
    };
    Reason { policy, ..Reason::new(Code::ReviewOwed, what) }
        .next(format!("draft the report: deployctl approve --review {name} --show"))
        .next(format!(
            "a person answers it and signs: deployctl approve --review {name} --report FILE --reason TEXT"
        ))
}

/// How long it has been open, in the largest unit that is not zero; nothing for less than a minute.
fn age(age: Duration) -> String {
    match age.num_minutes() {
        ..1 => String::new(),
        minutes @ 1..60 => format!(" ({minutes} min)"),
        minutes @ 60..1440 => format!(" ({} h)", minutes / 60),
        minutes => format!(" ({} d)", minutes / 1440),
    }
}
