//! What is there now, held against what a request pins, and what an environment allows at this moment.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Judge;
use super::words::{again_for, ask_again, minute, opening as opens, plural, until};
use crate::gate::config::ActionKind;
use crate::gate::facts::{BranchFact, Target};
use crate::gate::policy::EnvironmentRule;
use crate::gate::reason::{Code, Reason};
use crate::gate::request::Asked;
use crate::gate::terms::{CommitId, Environment, Stage};
use crate::gate::timeline::Timeline;
use crate::gate::windows::Opening;

impl Judge<'_> {
    pub(super) fn edited(&mut self, target: &Target) {
        if !target.edited.is_empty() {
            let what = target.edited.join("`, `");
            self.refuse(
                Reason::new(
                    Code::RequestStale,
                    format!("`{what}` of `{}` is not what was pinned", target.reference.id),
                )
                .next(ask_again(&target.request)),
            );
        }
    }

    /// What the request pins, against what is there now.
    pub(super) fn stale(&mut self, timeline: &Timeline, target: &Target) {
        let request = &target.request;
        let mut moved = Vec::new();
        if self.policy.is_some_and(|policy| policy.digest != request.policy) {
            moved.push("the policy in force".to_owned());
        }
        if timeline.root.is_some_and(|root| root != request.repository) {
            moved.push("the repository: it was requested for another ledger".to_owned());
        }
        match target.tree {
            None => self.refuse(
                Reason::new(
                    Code::RequestStale,
                    format!("commit {} is not in this clone", request.release.commit.short()),
                )
                .next(
                    "fetch it: git fetch --tags; where it is on no remote yet, who made it pushes it first",
                ),
            ),
            Some(tree) if tree != request.tree => moved.push("the tree".to_owned()),
            Some(_) => {}
        }
        if let Some((commit, tree)) = &target.moved_to
            && *tree != request.tree
        {
            moved.push(format!(
                "the commit: `{}` was {} and now names {}",
                request.release.version,
                request.release.commit.short(),
                commit.short()
            ));
        }
        let live = timeline.tracks.get(&request.environment).and_then(|track| match request.action {
            ActionKind::Deploy => track.live.as_ref().map(|live| &live.release),
            // What a rollback undoes is not live where it failed.
            ActionKind::Rollback => track.to_undo().map(|undone| &undone.start.release),
        });
        if live.is_some() && live != request.previous_release.as_ref() {
            let now = live.map_or_else(|| "nothing".to_owned(), |live| format!("`{}`", live.version));
            moved.push(format!("what is live: now {now}"));
        }
        if live.is_none() && request.previous_recorded {
            moved.push("what is live: the ledger records nothing".to_owned());
        }
        if !moved.is_empty() {
            self.refuse(
                Reason::new(
                    Code::RequestStale,
                    format!(
                        "since `{}` was requested, this moved: {}",
                        target.reference.id,
                        moved.join("; ")
                    ),
                )
                .next(ask_again(request)),
            );
        }
    }

    /// Whether a request asks for this action in this environment; if not, what to run instead.
    pub(super) fn asks_for(
        &mut self,
        target: &Target,
        action: ActionKind,
        environment: &Environment,
    ) -> bool {
        let (request, id) = (&target.request, &target.reference.id);
        if &request.environment != environment {
            let what = format!("`{id}` is a request for `{}`, not for `{environment}`", request.environment);
            self.refuse(
                Reason::new(Code::ApprovalMissing, what).next(format!("deployctl status -e {environment}")),
            );
        }
        let (what, next) = match request.action {
            asked if asked == action => return true,
            ActionKind::Deploy => (
                "a deployment, not for a rollback",
                again_for(action, &request.environment, &request.release.version),
            ),
            ActionKind::Rollback => (
                "a rollback, not for a deployment",
                format!("deployctl rollback {} {id} --reason TEXT", request.environment),
            ),
        };
        self.refuse(Reason::new(Code::ApprovalMissing, format!("`{id}` asks for {what}")).next(next));
        false
    }

    pub(super) fn commit(&mut self, timeline: &Timeline, target: &Target, rule: &EnvironmentRule) {
        let request = &target.request;
        let short = request.release.commit.short();
        // Of a commit that is not here nothing can be told, and that has been said.
        if target.tree.is_some() {
            self.quarantine(timeline, &request.environment, &request.release.commit, &target.quarantined);
        }
        self.branches(target, rule);
        let unseen: Vec<_> = target.behind.iter().filter(|commit| !request.behind.contains(commit)).collect();
        if let Some(first) = unseen.first() {
            self.refuse(
                Reason::new(
                    Code::CommitBehind,
                    format!(
                        "{}, live now and not in {short}, which the request did not say: {}",
                        plural(unseen.len(), "commit"),
                        first.short()
                    ),
                )
                .next("merge what is live into the candidate, and request again"),
            );
        }
    }

    /// Each branch that a rule names, once, with the rule that names it.
    pub(super) fn branches(&mut self, target: &Target, rule: &EnvironmentRule) {
        let request = &target.request;
        let stages = rule.requires.iter().filter(|stage| !self.is_skipped(request, stage)).collect();
        self.branches_of(&request.environment, &request.release.commit, &target.branches, (rule, stages));
    }

    pub(super) fn branches_of(
        &mut self,
        environment: &Environment,
        commit: &CommitId,
        facts: &BTreeMap<String, BranchFact>,
        (rule, required): (&EnvironmentRule, Vec<&Stage>),
    ) {
        let mut branches: BTreeMap<&String, String> = BTreeMap::new();
        let stages = self.policy.map(|policy| policy.stages.as_slice()).unwrap_or_default();
        for (index, stage) in stages.iter().enumerate() {
            if let Some(branch) = stage.branch.as_ref().filter(|_| required.contains(&&stage.name)) {
                branches.entry(branch).or_insert_with(|| format!("stages[{index}].branch"));
            }
        }
        if let Some(branch) = &rule.branch {
            branches.insert(branch, format!("environments.{environment}.branch"));
        }
        let short = commit.short();
        for (branch, policy) in branches {
            let (what, next) = match facts.get(branch) {
                Some(BranchFact::Holds) => continue,
                Some(BranchFact::Lacks) => (
                    format!("{short} is not on the branch `{branch}`"),
                    format!("merge the commit into `{branch}`, and fetch it"),
                ),
                Some(BranchFact::Unknown) => (
                    format!(
                        "whether {short} is on the branch `{branch}` cannot be told: the commit is not in this clone"
                    ),
                    format!("fetch the commit and `{branch}`"),
                ),
                Some(BranchFact::Absent) | None => {
                    (format!("the branch `{branch}` is not in this clone"), format!("fetch `{branch}`"))
                }
            };
            self.refuse(Reason { policy: Some(policy), ..Reason::new(Code::CommitBranch, what).next(next) });
        }
    }

    pub(super) fn window(
        &mut self,
        rule: &EnvironmentRule,
        environment: &Environment,
        action: ActionKind,
        warn_only: bool,
    ) {
        let Some(reason) = closed(rule.windows.at(self.facts.now, action), environment) else { return };
        if warn_only {
            let message = format!("{}: {}", reason.message, reason.next.join("; "));
            self.warnings.push(Reason { message, ..reason });
        } else {
            self.refuse(reason);
        }
    }

    pub(super) fn held_environment(
        &mut self,
        timeline: &Timeline,
        environment: &Environment,
        action: ActionKind,
    ) {
        let Some(track) = timeline.tracks.get(environment) else { return };
        let Some(open) = track.lock().or_else(|| track.interrupted()) else { return };
        let what = format!("`{}`, started by {} at {}", open.start.release.version, open.by, minute(open.at));
        if open.ending.is_none() && self.facts.now <= open.start.lease_until {
            self.refuse(
                Reason::new(
                    Code::EnvironmentBusy,
                    format!("`{environment}` is held by the deployment of {what}"),
                )
                .next(format!("wait until it ends, at the latest {}", minute(until(open.start.lease_until)))),
            );
        } else if action == ActionKind::Deploy {
            let how = if open.ending.is_none() { "never said how it ended" } else { "was interrupted" };
            self.refuse(
                Reason::new(
                    Code::DeploymentInterrupted,
                    format!("the deployment of {what} in `{environment}` {how}"),
                )
                .next(format!(
                    "look at `{environment}`, then: deployctl rollback {environment} --reason TEXT"
                ))
                .next(format!(
                    "or say what runs: deployctl approve --review {} --reason TEXT",
                    open.start.request.id
                )),
            );
        }
    }
}

/// Why nothing may be deployed to an environment at this moment, where a window or a blackout says so.
#[must_use]
pub fn deploys_later(
    rule: &EnvironmentRule,
    environment: &Environment,
    now: DateTime<Utc>,
) -> Option<Reason> {
    closed(rule.windows.at(now, ActionKind::Deploy), environment)
}

/// Why a window or a blackout says no, if it does.
fn closed(opening: Opening, environment: &Environment) -> Option<Reason> {
    Some(match opening {
        Opening::Open => return None,
        Opening::Closed { next } => {
            Reason::new(Code::WindowClosed, format!("no window of `{environment}` is open now"))
                .next(opens(next))
                .rule(environment, "windows.allow")
        }
        Opening::Blackout { index, name, next } => {
            let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
            Reason::new(Code::WindowBlackout, format!("a blackout of `{environment}` is on{name}"))
                .next(opens(next))
                .rule(environment, &format!("windows.deny[{index}]"))
        }
    })
}

/// Why the times that a request prefers could not be kept, for those that are written as times: a warning, since what
/// counts is when somebody deploys.
#[must_use]
pub fn unkept_times(rule: &EnvironmentRule, environment: &Environment, asked: &Asked) -> Vec<Reason> {
    let times = [("preferred", &asked.preferred), ("alternative", &asked.alternative)];
    let unkept = times.into_iter().filter_map(|(word, text)| {
        let text = text.as_deref()?;
        let reason = closed(rule.windows.at_time(text, ActionKind::Deploy)?, environment)?;
        let message =
            format!("at the {word} time, {text}: {}", reason.message.replace(" is open now", " is open"));
        Some(Reason { message, ..reason })
    });
    unkept.collect()
}
