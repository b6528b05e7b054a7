//! What an action that did not end well leaves: how much of it was run.

use super::policy::CREDENTIALS;
use super::statement::{BASELINE, EXPORT, StepEnd, StepResult, WATCH};
use super::timeline::Deployed;

/// How much of an action that did not end well was run, as its records say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// It ended before its first step: it changed nothing.
    Nothing,
    /// It ended after its last step: all of it is there.
    All,
    /// It ended in between, or nobody knows where: half of it may be there.
    Part,
}

impl Remains {
    /// By the step at which it ended badly, and the steps that are recorded. What is not sure is [`Self::Part`].
    #[must_use]
    pub fn of(failed_step: Option<&str>, steps: &[StepResult]) -> Self {
        match failed_step {
            Some(EXPORT | BASELINE | CREDENTIALS) if steps.is_empty() => Self::Nothing,
            // A step that finds the window closed is not begun, and here it was the first.
            Some(_) if matches!(steps, [only] if only.result == StepEnd::WindowClosed) => Self::Nothing,
            Some(WATCH) if steps.iter().all(|step| step.result == StepEnd::Succeeded) => Self::All,
            _ => Self::Part,
        }
    }
}

impl Deployed {
    /// How much of it was run, where it did not end well.
    #[must_use]
    pub fn remains(&self) -> Remains {
        Remains::of(self.failed_step.as_deref(), &self.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::terms::Digest;

    fn step(name: &str, result: StepEnd) -> StepResult {
        StepResult { step: name.to_owned(), result, exit: None, milliseconds: 0, log: Digest::of(b"") }
    }

    #[test]
    fn what_ended_before_its_first_step_left_nothing_and_after_its_last_one_all() {
        let migrated = [step("migrate", StepEnd::Succeeded)];
        for before in ["export", "baseline", "credentials"] {
            assert_eq!(Remains::of(Some(before), &[]), Remains::Nothing, "{before}");
            // Then it is the name of a step of the policy.
            assert_eq!(Remains::of(Some(before), &migrated), Remains::Part, "{before}");
        }
        assert_eq!(Remains::of(Some("migrate"), &[step("migrate", StepEnd::WindowClosed)]), Remains::Nothing);
        assert_eq!(Remains::of(Some("migrate"), &[step("migrate", StepEnd::LeaseOver)]), Remains::Part);
        assert_eq!(Remains::of(Some("watch"), &migrated), Remains::All);
        let broken = [step("migrate", StepEnd::Succeeded), step("watch", StepEnd::Failed)];
        assert_eq!(Remains::of(Some("watch"), &broken), Remains::Part);
    }

    #[test]
    fn where_nobody_knows_half_of_it_may_be_there() {
        assert_eq!(Remains::of(None, &[]), Remains::Part);
        assert_eq!(Remains::of(Some("release"), &[]), Remains::Part);
    }
}
