//! How a command ends: one enum, the exit codes of the whole program.
//!
//! The README's table is made from [`Outcome::ALL`]; a test compares the two.

use serde::Serialize;

/// The way a command ended, and with it the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[must_use = "an outcome is the exit code of the program"]
pub enum Outcome {
    /// It was done.
    Done,
    /// It ran and failed, or could not find out.
    Failed,
    /// The command line or `deployctl.yaml` is not valid.
    Usage,
    /// The gate refused.
    Refused,
    /// The gate refused, and a person is required.
    HumanRequired,
    /// A person said no, or the input ended at a prompt.
    Declined,
    /// It was deployed badly and rolled back.
    RolledBack,
    /// Another deployment holds the environment, or the race for the ledger was lost.
    Busy,
    /// Interrupted by a signal.
    Interrupted,
}

impl Outcome {
    /// Every outcome, in the order of its exit code.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::HumanRequired,
        Self::Declined,
        Self::RolledBack,
        Self::Busy,
        Self::Interrupted,
    ];

    /// The exit code, stable across versions.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::HumanRequired => 4,
            Self::Declined => 5,
            Self::RolledBack => 6,
            Self::Busy => 7,
            Self::Interrupted => 130,
        }
    }

    /// What the code means, one line for help and README.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done (a checklist with open boxes is done; `--strict` makes them 3)",
            Self::Failed => "it ran and failed, or could not find out",
            Self::Usage => "usage, or an invalid `deployctl.yaml`",
            Self::Refused => "refused by the gate",
            Self::HumanRequired => "refused, and a person is required: stop and hand over",
            Self::Declined => "declined: the person said no, or end of input at a prompt",
            Self::RolledBack => "deployed badly and rolled back",
            Self::Busy => {
                "busy: another deployment holds the environment, or the race for the ledger was lost"
            }
            Self::Interrupted => "interrupted",
        }
    }

    /// The word in `outcome` of the JSON document.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Refused | Self::HumanRequired => "refused",
            Self::Declined => "declined",
            Self::RolledBack => "rolled-back",
            Self::Busy => "busy",
            Self::Interrupted => "interrupted",
        }
    }
}
