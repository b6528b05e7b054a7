//! Runs the command of `credentials`. What it writes goes into the environment of the steps and nowhere else.

use std::path::Path;

use super::lines::Mask;
use super::running::{Heard, run_step};
use super::signals::Signals;
use super::{Watcher, step_command};
use crate::evidence::credentials::{Secrets, parse};
use crate::gate::plan::Plan;
use crate::gate::policy::Step;
use crate::gate::statement::{Ending, StepEnd, StepResult};

/// No set of variables is larger, in bytes.
const OUTPUT_MAX: usize = 1 << 20;

/// The secrets of a plan's steps, and what covers them in what they write.
#[derive(Default)]
pub(super) struct Given {
    pub(super) values: Secrets,
    pub(super) mask: Mask,
}

/// Runs the command, if the plan has one. Nothing that it wrote is in what is told.
pub(super) fn fetch(
    plan: &Plan,
    dir: &Path,
    signals: &Signals,
    watcher: &mut dyn Watcher,
) -> Result<Given, Ending> {
    let Some(credentials) = &plan.credentials else { return Ok(Given::default()) };
    let step = credentials.step();
    let mut written = Written { bytes: Vec::new(), asker: watcher };
    let command = step_command(plan, &step, dir);
    let ended = run_step(&step, command, (Heard::Output, &Mask::default()), signals, &mut written);
    let secrets = written.secrets();
    let (ending, why) = match (ended.result, ended.exit) {
        (StepEnd::Succeeded, _) => match secrets {
            Ok(values) => {
                let mask = Mask::over(values.values().map(String::as_str));
                return Ok(Given { values, mask });
            }
            Err(why) => (Ending::Failed, why),
        },
        (StepEnd::LeaseOver, _) => {
            (Ending::Failed, "the time of this deployment is over, so it was ended".to_owned())
        }
        (StepEnd::Interrupted, _) => (Ending::Interrupted, "it was interrupted".to_owned()),
        (StepEnd::TimedOut, _) => {
            let seconds = credentials.timeout.as_secs();
            (Ending::Failed, format!("it took longer than {seconds} s, and was ended"))
        }
        (StepEnd::Failed, Some(exit)) => (Ending::Failed, format!("it ended with exit status {exit}")),
        _ => (Ending::Failed, "it could not be started: is it there, and executable?".to_owned()),
    };
    watcher.told(&format!("✗ credentials: {why}; what it wrote is shown nowhere, and no step was run"));
    Err(ending)
}

struct Written<'a> {
    bytes: Vec<u8>,
    /// Who waits for it.
    asker: &'a dyn Watcher,
}

impl Written<'_> {
    fn secrets(&self) -> Result<Secrets, String> {
        if self.bytes.len() > OUTPUT_MAX {
            return Err("it wrote more than a megabyte".to_owned());
        }
        parse(&self.bytes)
    }
}

impl Watcher for Written<'_> {
    fn may_begin(&mut self, _step: &Step) -> bool {
        true
    }

    fn lasts(&self) -> bool {
        self.asker.lasts()
    }

    fn began(&mut self, _step: &Step) {}

    fn wrote(&mut self, piece: &[u8]) {
        if self.bytes.len() <= OUTPUT_MAX {
            self.bytes.extend_from_slice(piece);
        }
    }

    fn ended(&mut self, _result: &StepResult) {}
}
