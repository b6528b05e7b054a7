//! What an emergency asks for, against what the policy lets it.

use super::Judge;
use crate::gate::emergency::{Emergency, EmergencyClock, SeverityRule};
use crate::gate::policy::{EnvironmentRule, nearest};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::{Request, Urgency};
use crate::gate::terms::Stage;

impl Judge<'_> {
    /// The severity must be one that the policy knows, and every stage that is left out one that it lets this severity
    /// leave out.
    pub(super) fn emergency(&mut self, rule: &EnvironmentRule, urgency: Urgency, asked: Option<&Emergency>) {
        let Some(policy) = self.policy else { return };
        let Some(emergency) = asked else {
            if urgency == Urgency::Emergency {
                self.refuse(
                    Reason::new(Code::EmergencySeverity, "an emergency says how bad it is")
                        .next("deployctl request VERSION --urgency emergency --severity P1"),
                );
            }
            return;
        };
        if urgency != Urgency::Emergency {
            self.refuse(
                Reason::new(
                    Code::EmergencySeverity,
                    format!("it names the severity {} and is no emergency", emergency.severity),
                )
                .next("for an emergency add: --urgency emergency"),
            );
        }
        let Some(level) = policy.severity(emergency) else {
            self.refuse(Reason {
                policy: Some(format!("emergency.{}", emergency.severity)),
                ..Reason::new(
                    Code::EmergencySeverity,
                    format!("the policy knows no emergency of {}", emergency.severity),
                )
                .next("ask for it without: deployctl request VERSION --urgency urgent")
            });
            return;
        };
        self.skips(rule, emergency, level);
    }

    fn skips(&mut self, rule: &EnvironmentRule, emergency: &Emergency, level: &SeverityRule) {
        for (place, stage) in emergency.skip.iter().enumerate() {
            let why = if emergency.skip[..place].contains(stage) {
                format!("the stage `{stage}` is skipped twice")
            } else if !level.skip.contains(stage) {
                let known = nearest(stage.as_str(), level.skip.iter().map(Stage::as_str));
                format!("an emergency of {} may not skip the stage `{stage}`{known}", emergency.severity)
            } else if !rule.requires.contains(stage) {
                format!("the stage `{stage}` is not required here: there is nothing to skip")
            } else {
                continue;
            };
            self.refuse(Reason {
                policy: Some(format!("emergency.{}.skip", emergency.severity)),
                ..Reason::new(Code::EmergencySkip, why)
                    .next("pass the stage, and request again without `--skip`")
            });
        }
    }

    /// Whether a stage is left out: only in an emergency of a severity whose list holds it. That the approvals which count
    /// name exactly the same is judged with them.
    pub(super) fn is_skipped(&self, request: &Request, stage: &Stage) -> bool {
        let emergency = request.emergency.as_ref().filter(|_| request.asked.urgency == Urgency::Emergency);
        emergency.is_some_and(|emergency| {
            let level = self.policy.and_then(|policy| policy.severity(emergency));
            emergency.skip.contains(stage) && level.is_some_and(|level| level.skip.contains(stage))
        })
    }

    /// The clock of an emergency that was declared, once the approvals that count are known.
    pub(super) fn clock_of(&self, request: &Request) -> Option<EmergencyClock> {
        let emergency = request.emergency.as_ref()?;
        let response = self.policy?.severity(emergency)?.response;
        Some(EmergencyClock { severity: emergency.severity, declared_at: self.declared_at?, response })
    }
}
