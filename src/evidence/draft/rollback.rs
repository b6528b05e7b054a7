//! The sections `Rollback Plan` and `Monitoring`: what the policy says about going back and watching.

use super::{Draft, Rules, database, open, ticked};
use crate::evidence::checklist::Section;
use crate::gate::policy::Monitoring;

pub(super) fn plan(draft: &Draft, rules: &Rules) -> Section {
    let back = draft.since.release();
    let command = match (&rules.rollback, back) {
        (Some(rollback), Some(back)) => {
            let runs: Vec<String> = rollback.steps.iter().map(|step| step.run.join(" ")).collect();
            let words = format!("deployctl rollback, back to {}: {}", back.version, runs.join("; "));
            ticked("rollback.command", "Rollback command", &words)
        }
        (None, _) => open("rollback.command", "Rollback command", "", "the policy says no way back"),
        (Some(_), None) => {
            open("rollback.command", "Rollback command", "", "there is no recorded release to go back to")
        }
    };
    let estimate = rules.rollback.as_ref().and_then(|rollback| rollback.estimate);
    let estimate = match estimate {
        Some(estimate) => {
            let minutes = estimate.as_secs().div_ceil(60);
            ticked("rollback.estimate", "Estimated rollback time", &format!("{minutes} min"))
        }
        None => open("rollback.estimate", "Estimated rollback time", "", "the policy says none"),
    };
    let items = vec![command, database::rollback(draft, rules.rollback.as_ref()), estimate];
    Section { title: "Rollback Plan".to_owned(), notes: vec![], items }
}

pub(super) fn monitoring(monitoring: Option<&Monitoring>) -> Section {
    let list = |words: &[String]| words.join(", ");
    let alerts = monitoring.map(|rules| list(&rules.alerts)).unwrap_or_default();
    let dashboards = monitoring.map(|rules| list(&rules.dashboards)).unwrap_or_default();
    let on_call = monitoring.and_then(|rules| rules.on_call.clone()).unwrap_or_default();
    let alerts = if alerts.is_empty() {
        open("monitoring.alerts", "Alerts configured", "", "the policy names none")
    } else {
        ticked("monitoring.alerts", "Alerts configured", &alerts)
    };
    let items = vec![
        alerts,
        open("monitoring.dashboards", "Dashboards updated", &dashboards, "no fact can know it"),
        open("monitoring.on-call", "On-call notified", &on_call, "no fact can know it"),
    ];
    Section { title: "Monitoring".to_owned(), notes: vec![], items }
}
