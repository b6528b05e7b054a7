//! Whether everything that would run is here: nothing begins that cannot be begun.

use super::Judge;
use super::words::plural;
use crate::gate::facts::Missing;
use crate::gate::reason::{Code, Reason};
use crate::gate::terms::Version;

impl Judge<'_> {
    /// What is missing of a commit whose files the steps need.
    pub(super) fn available(&mut self, version: &Version, missing: &[Missing]) {
        self.reasons.extend(missing.iter().map(|missing| reason(version, missing)));
    }
}

fn reason(version: &Version, missing: &Missing) -> Reason {
    match missing {
        Missing::Commit { commit, remote } => Reason::new(
            Code::RollbackPlan,
            format!("commit {} of `{version}` is not in this clone", commit.short()),
        )
        .next(format!("git fetch {remote} {commit}")),
        Missing::Files { commit, count, first, remote } => Reason::new(
            Code::CommitIncomplete,
            format!(
                "{} of commit {} of `{version}` {} not in this clone: `{first}`{}",
                plural(*count, "file"),
                commit.short(),
                if *count == 1 { "is" } else { "are" },
                if *count == 1 { "" } else { " and others" }
            ),
        )
        .next(format!("git fetch --refetch --no-filter {remote}")),
        Missing::Program { commit, step, program, is_file } => {
            let what = if *is_file { "is not executable in" } else { "is not in" };
            Reason::new(
                Code::CommitIncomplete,
                format!(
                    "`{program}`, which the step `{step}` runs, {what} commit {} of `{version}`",
                    commit.short()
                ),
            )
            .next("name a program that is there in `deployctl.yaml`, and sign it: deployctl approve --policy")
        }
    }
}
