//! The sections `Rollback Plan` and `Monitoring`: what the policy says about going back and watching.

use super::{Draft, Rules, database, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::gate::policy::{Monitoring, Rollback};

pub(super) fn plan(draft: &Draft, rules: &Rules) -> Section {
    let label = "Rollback command";
    let command = match (&rules.way_back, draft.since.release()) {
        (Some(_), _) if !draft.absent.is_empty() => {
            let why =
                format!("the candidate does not hold '{}', which it would run", draft.absent.join("', '"));
            open("rollback.command", label, "", &why)
        }
        (Some((environment, rollback)), Some(back)) => Item {
            evidence: Some(format!(
                "back to {} ({}) · runs {}",
                back.version,
                back.commit.short(),
                runs(draft, rollback)
            )),
            ..ticked("rollback.command", label, &format!("deployctl rollback {environment} --reason TEXT"))
        },
        (None, _) => open("rollback.command", label, "", "the policy says no way back"),
        (Some(_), None) => open("rollback.command", label, "", "there is no recorded release to go back to"),
    };
    let rollback = rules.way_back.as_ref().map(|(_, rollback)| rollback);
    let estimate = rollback.and_then(|rollback| rollback.estimate);
    let estimate = match estimate {
        Some(estimate) => {
            let minutes = estimate.as_secs().div_ceil(60);
            ticked("rollback.estimate", "Estimated rollback time", &format!("{minutes} min"))
        }
        None => open("rollback.estimate", "Estimated rollback time", "", "the policy says none"),
    };
    let items = vec![command, database::rollback(draft, rollback), estimate];
    Section { title: "Rollback Plan".to_owned(), notes: vec![], items }
}

/// The commands that a rollback of this candidate would run, in order.
fn runs(draft: &Draft, rollback: &Rollback) -> String {
    let down = !draft.migrations.is_empty() && draft.reversible();
    let migrations = rollback.migrations.iter().filter(|_| down);
    let steps = rollback.steps.iter().chain(migrations);
    steps.map(|step| step.run.join(" ")).collect::<Vec<_>>().join(", then ")
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
