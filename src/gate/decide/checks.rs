//! The checks that a request pins: those of the required stages, and what newer evidence says of them.

use std::collections::BTreeMap;

use super::Judge;
use super::words::ask_again;
use crate::gate::facts::{Target, Turned};
use crate::gate::policy::{CheckSource, EnvironmentRule, Policy};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::{CheckState, Request};
use crate::gate::signoffs;
use crate::gate::terms::{Check, Stage};
use crate::gate::timeline::Timeline;

impl Judge<'_> {
    pub(super) fn stages(&mut self, timeline: &Timeline, target: &Target, rule: &EnvironmentRule) {
        let Some(policy) = self.policy else { return };
        let request = &target.request;
        for (name, check) in self.required(policy, request, rule) {
            let always = policy.checks.get(check).is_none_or(|rule| rule.when_changed.is_none());
            let state = match request.checks.get(check).copied() {
                // Only the policy can say that a check is not always needed.
                None => CheckState::Missing,
                Some(CheckState::NotNeeded) if always => CheckState::Missing,
                Some(state) => state,
            };
            if state != CheckState::NotNeeded && signoffs::group(policy, check).is_some() {
                self.signed_off(timeline, request, name, check);
                continue;
            }
            let Some((code, what)) = stage_problem(state) else { continue };
            let commit = request.release.commit.short();
            let problem = format!("stage `{name}`: `{}` {what} for {commit}", title(policy, check));
            let reason = match passed_since(target, check) {
                Some(passed) => Reason::new(code, format!("{problem}; {}", late(passed)))
                    .next(format!("make a new request: {}", ask_again(request))),
                None => Reason::new(code, problem)
                    .next(checked(policy, check))
                    .next(format!("then make a new request: {}", ask_again(request))),
            };
            self.refuse(reason.rule(&request.environment, "requires"));
        }
    }

    /// What newer evidence says of checks that passed when it was requested.
    pub(super) fn turned(&mut self, target: &Target, rule: &EnvironmentRule) {
        let Some(policy) = self.policy else { return };
        let request = &target.request;
        for (name, check) in self.required(policy, request, rule) {
            let Some(turned) = target.turned.get(check) else { continue };
            let Some((code, what)) = stage_problem(turned.state) else { continue };
            let message = format!(
                "stage `{name}`: since `{}` was requested, `{}` {what} for {}: {}",
                target.reference.id,
                title(policy, check),
                request.release.commit.short(),
                turned.words
            );
            self.refuse(
                Reason::new(code, message)
                    .next(format!("look at it, and have it checked again: {}", command(policy, check)))
                    .next(format!("then {}", ask_again(request)))
                    .rule(&request.environment, "requires"),
            );
        }
    }

    /// Passes that came too late of checks that no stage requires: a warning, the others refuse.
    pub(super) fn passed_too_late(&mut self, target: &Target, rule: &EnvironmentRule) {
        let Some(policy) = self.policy else { return };
        let required = self.required(policy, &target.request, rule);
        let mut others = target.turned.clone();
        others.retain(|check, _| required.iter().all(|(_, known)| *known != check));
        self.warnings.extend(passed_too_late(policy, &target.request, &others));
    }

    /// The checks of the required stages that the request does not skip.
    fn required<'r>(
        &self,
        policy: &'r Policy,
        request: &Request,
        rule: &'r EnvironmentRule,
    ) -> Vec<(&'r Stage, &'r Check)> {
        let stages = rule.requires.iter().filter(|stage| !self.is_skipped(request, stage));
        let checks = |stage| policy.stage(stage).map(|stage| stage.checks.as_slice()).unwrap_or_default();
        stages.flat_map(|stage| checks(stage).iter().map(move |check| (stage, check))).collect()
    }
}

/// What newer evidence says passed, and a request does not rest on: its box is open, and in a new request it would not be.
#[must_use]
pub fn passed_too_late(policy: &Policy, request: &Request, turned: &BTreeMap<Check, Turned>) -> Vec<Reason> {
    let passed = turned.iter().filter(|(_, turned)| turned.state == CheckState::Passed);
    let others = passed.filter(|(check, _)| signoffs::group(policy, check).is_none());
    let told = others.map(|(check, passed)| {
        let what = format!("`{}`: {}", title(policy, check), late(passed));
        Reason::new(Code::RequestStale, what).next(format!("make a new request: {}", ask_again(request)))
    });
    told.collect()
}

fn title<'a>(policy: &'a Policy, check: &'a Check) -> &'a str {
    policy.checks.get(check).map_or(check.as_str(), |rule| rule.title.as_str())
}

/// The pass that came after the request, where one did.
fn passed_since<'a>(target: &'a Target, check: &Check) -> Option<&'a Turned> {
    target.turned.get(check).filter(|turned| turned.state == CheckState::Passed)
}

fn late(passed: &Turned) -> String {
    format!("a pass came after this request, and does not count for it: {}", passed.words)
}

/// How evidence of a check comes about.
pub(super) fn checked(policy: &Policy, check: &Check) -> String {
    format!("have that commit checked: {}", command(policy, check))
}

fn command(policy: &Policy, check: &Check) -> String {
    let how = match policy.checks.get(check).map(|rule| &rule.source) {
        Some(CheckSource::Role(role)) => format!("--as {role} --passed --note TEXT"),
        _ => "--as ROLE".to_owned(),
    };
    format!("deployctl check {check} {how}")
}

pub(super) fn stage_problem(state: CheckState) -> Option<(Code, &'static str)> {
    match state {
        CheckState::Passed | CheckState::NotNeeded => None,
        CheckState::Failed => Some((Code::StageFailed, "failed")),
        CheckState::Missing => Some((Code::StageMissing, "has no evidence")),
        CheckState::Stale => Some((Code::EvidenceStale, "has only stale evidence")),
        CheckState::Unreadable => {
            Some((Code::EvidenceUnreadable, "has evidence that cannot be read or says two things"))
        }
    }
}
