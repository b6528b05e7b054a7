//! What the table of deployments says of one: its type, and how it ended.

use chrono::{DateTime, Utc};

use super::config::ActionKind;
use super::emergency::Severity;
use super::request::{Extent, Request, Urgency};
use super::statement::Ending;
use super::timeline::Deployed;

/// The type of a deployment, from what changes and how soon it was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something new, or whatever is not only fixes.
    Feature,
    /// Only fixes, in their turn.
    Fix,
    /// Only fixes and urgent, or an emergency that passes every stage (P3, P4).
    Hotfix,
    /// An emergency that may skip stages (P1, P2).
    Emergency,
    /// A way back.
    Rollback,
    /// Machines deployed it: nobody asked.
    Automatic,
    /// What was requested cannot be read any more, or nobody recorded it.
    Unknown,
}

impl Kind {
    /// The type of a production action, from the request behind it.
    #[must_use]
    pub fn of(action: ActionKind, request: Option<&Request>) -> Self {
        let Some(request) = request.filter(|_| action == ActionKind::Deploy) else {
            return if action == ActionKind::Deploy { Self::Unknown } else { Self::Rollback };
        };
        let severity = request.emergency.as_ref().map(|emergency| emergency.severity);
        match (severity, request.asked.urgency) {
            (Some(Severity::P1 | Severity::P2), _) => Self::Emergency,
            (Some(Severity::P3 | Severity::P4), _) | (None, Urgency::Emergency) => Self::Hotfix,
            (None, Urgency::Urgent) if only_fixes(&request.extent) => Self::Hotfix,
            (None, Urgency::Routine) if only_fixes(&request.extent) => Self::Fix,
            (None, Urgency::Routine | Urgency::Urgent) => Self::Feature,
        }
    }

    /// The word in the table: the workflow document's where it has one.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Feature => "Feature",
            Self::Fix => "Fix",
            Self::Hotfix => "Hotfix",
            Self::Emergency => "Emergency",
            Self::Rollback => "Rollback",
            Self::Automatic => "Automatic",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether nobody had planned it: what DORA counts as rework (dora.dev/guides/dora-metrics).
    #[must_use]
    pub const fn is_unplanned(self) -> bool {
        matches!(self, Self::Hotfix | Self::Emergency)
    }
}

fn only_fixes(extent: &Extent) -> bool {
    extent.fixes > 0 && extent.features == 0
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Status {
    /// Well, and it was not undone.
    Success,
    /// A step or the watch after them failed.
    Failed,
    /// A signal ended it, or its time was over before it said how it ended.
    Interrupted,
    /// It was undone.
    RolledBack,
    /// It has not ended.
    Running,
    /// A tag from before the records: nobody says how it ended.
    Imported,
}

impl Status {
    /// The status of a production action.
    #[must_use]
    pub fn of(deployed: &Deployed, now: DateTime<Utc>) -> Self {
        if deployed.rolled_back_by.is_some() {
            return Self::RolledBack;
        }
        Self::ended(deployed.ending.map(|(ending, _)| ending), deployed.start.lease_until, now)
    }

    /// The status of what says that it ended so, and holds its environment until a moment.
    #[must_use]
    pub fn ended(ending: Option<Ending>, lease_until: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        match ending {
            Some(Ending::Succeeded) => Self::Success,
            Some(Ending::Failed) => Self::Failed,
            Some(Ending::Interrupted) => Self::Interrupted,
            None if now > lease_until => Self::Interrupted,
            None => Self::Running,
        }
    }

    /// The word in the table: the workflow document's where it has one.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::Interrupted => "Interrupted",
            Self::RolledBack => "Rolled back",
            Self::Running => "Running",
            Self::Imported => "Imported",
        }
    }
}
