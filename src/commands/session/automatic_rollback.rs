//! A session goes on with the rollback of its own deployment, under the same key.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use chrono::Duration;

use super::super::gather::Moment;
use super::super::ledger::{self, Appended};
use super::{Started, TRIES};
use crate::gate::plan::Plan;
use crate::gate::reason::Reason;
use crate::gate::statement::{AutomaticRollback, Statement};
use crate::gate::timeline::Deployed;
use crate::world::clock;
use crate::world::records::Files;

/// Records that the session of a deployment rolls it back: from then on it holds the environment. Where another entry was
/// first, it is decided `again`.
///
/// # Errors
/// When that cannot be recorded: then nothing runs.
pub fn roll_back(
    moment: &mut Moment,
    deployed: &Started,
    plan: &Plan,
    again: &dyn Fn(&Moment) -> Result<Vec<Reason>>,
) -> Result<Result<Started, Vec<Reason>>> {
    let lease = Duration::from_std(plan.lease()).context("the steps may take longer than a clock can say")?;
    for _ in 0..TRIES {
        let timeline = moment.timeline().context("the ledger cannot be believed")?;
        let track = timeline.tracks.get(&plan.environment);
        let this = |known: &&Deployed| known.execution == deployed.execution;
        let recorded = track.and_then(|track| track.deployments.iter().find(this));
        let watched = recorded.and_then(|known| known.watched.as_ref());
        let now = clock::now();
        let lease_until = now + lease;
        let said = AutomaticRollback {
            execution: deployed.execution,
            environment: plan.environment.clone(),
            release: plan.release.clone(),
            triggers: watched.context("no watch is recorded")?.triggers.clone(),
            plan: plan.digest()?,
            lease_until,
        };
        let statement = Statement::AutomaticRollback(Box::new(said));
        let unsigned = ledger::prepare(timeline, statement, &deployed.by, now, Files::new())?;
        let message =
            format!("{}: automatic rollback {} {}", deployed.by, plan.environment, plan.request_id());
        let signed = unsigned.sign_in_session(&deployed.key, message)?;
        let remote = moment.remote.clone();
        if let Appended::Done { digest, .. } = ledger::append(moment, &signed, remote.as_deref())? {
            return Ok(Ok(Started {
                key: Rc::clone(&deployed.key),
                execution: digest,
                by: deployed.by.clone(),
                lease_until,
                unsent: RefCell::default(),
            }));
        }
        moment.refresh()?;
        let reasons = again(moment)?;
        if !reasons.is_empty() {
            return Ok(Err(reasons));
        }
    }
    anyhow::bail!("the ledger moved {TRIES} times while the rollback was recorded")
}
