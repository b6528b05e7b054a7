//! The checks of `emergency` and of `approvals.rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::check::{Checker, DAY};
use super::{ApprovalRule, Person, Quorum, StageRule, When, nearest};
use crate::gate::config::{RawApprovalRule, RawEmergency, RawSeverity, RawWhen};
use crate::gate::emergency::{EmergencyRules, Response, Severity, SeverityRule};
use crate::gate::terms::PersonName;

/// design 9: `execute_within: 2h`, `review_within: 72h`.
const EXECUTE_WITHIN: Duration = Duration::from_secs(2 * 60 * 60);
const REVIEW_WITHIN: Duration = Duration::from_secs(3 * DAY.as_secs());

impl Checker {
    pub(super) fn emergency(&mut self, raw: RawEmergency, stages: &[StageRule]) -> EmergencyRules {
        let RawEmergency { p1, p2, p3, p4, execute_within, review_within } = raw;
        let mut levels = BTreeMap::new();
        for (severity, level) in Severity::ALL.into_iter().zip([p1, p2, p3, p4]) {
            if let Some(level) = level {
                levels.insert(severity, self.severity(severity, level, stages));
            }
        }
        if levels.is_empty() {
            self.problem("emergency", "say what an emergency is: name at least one of `P1` to `P4`");
        }
        EmergencyRules {
            levels,
            execute_within: self.duration(
                "emergency.execute_within",
                execute_within.as_deref(),
                EXECUTE_WITHIN,
            ),
            review_within: self.duration("emergency.review_within", review_within.as_deref(), REVIEW_WITHIN),
        }
    }

    fn severity(&mut self, severity: Severity, raw: RawSeverity, stages: &[StageRule]) -> SeverityRule {
        let path = format!("emergency.{severity}");
        let RawSeverity { definition, response, skip } = raw;
        if definition.trim().is_empty() {
            self.problem(format!("{path}.definition"), "say what it means, such as `Complete outage`");
        }
        let response = response.parse().unwrap_or_else(|why: String| {
            self.problem(format!("{path}.response"), why);
            Response::Immediate
        });
        if !skip.is_empty() && !severity.may_skip() {
            self.problem(
                format!("{path}.skip"),
                format!("an emergency of {severity} leaves out nothing: only P1 and P2 may"),
            );
        }
        let mut seen = BTreeSet::new();
        for (index, stage) in skip.iter().enumerate() {
            if !stages.iter().any(|known| &known.name == stage) {
                let known = nearest(stage.as_str(), stages.iter().map(|stage| stage.name.as_str()));
                self.problem(format!("{path}.skip[{index}]"), format!("there is no stage `{stage}`{known}"));
            }
            if !seen.insert(stage) {
                self.problem(format!("{path}.skip[{index}]"), format!("the stage `{stage}` is there twice"));
            }
        }
        SeverityRule { definition, response, skip }
    }

    pub(super) fn approval_rules(
        &mut self,
        path: &str,
        raw: Vec<RawApprovalRule>,
        base: &Quorum,
        people: &BTreeMap<PersonName, Person>,
    ) -> Vec<ApprovalRule> {
        let mut rules = Vec::new();
        for (index, RawApprovalRule { when, required, from }) in raw.into_iter().enumerate() {
            let path = format!("{path}.rules[{index}]");
            // It would look as if somebody had to approve who need not.
            if required <= base.required {
                self.problem(
                    format!("{path}.required"),
                    format!(
                        "the rule asks for no more people than without it: {} must approve anyway",
                        base.required
                    ),
                );
            }
            let when = self.when(&format!("{path}.when"), when);
            let approvers = self.approvers(&path, &from, people);
            let can = base.from.union(&approvers).count();
            if can > 0 && (required as usize) > can {
                self.problem(
                    format!("{path}.required"),
                    format!("{required} must approve, and only {can} can"),
                );
            }
            rules.push(ApprovalRule { when, required, from: approvers, from_words: from });
        }
        rules
    }

    fn when(&mut self, path: &str, raw: RawWhen) -> When {
        let RawWhen { risk, paths, irreversible } = raw;
        if risk.is_none() && paths.is_none() && irreversible.is_none() {
            self.problem(path, "say for which changes: `risk`, `paths` or `irreversible`");
        }
        if irreversible == Some(false) {
            self.problem(format!("{path}.irreversible"), "say `true`, or leave the key out");
        }
        let at = format!("{path}.paths");
        let none = "no path would ever match: name at least one glob";
        let paths = paths.and_then(|globs| self.scope(&at, &globs, none));
        When { risk, paths, irreversible: irreversible == Some(true) }
    }
}
