//! Why not: every reason, its stable code, one sentence, the next step, and the part of the policy that said no.

use serde::Serialize;

use super::terms::Environment;

/// A reason to refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The stable code.
    pub code: Code,
    /// One sentence: what is wrong, and why.
    pub message: String,
    /// What to do next, most useful first.
    pub next: Vec<String>,
    /// The part of the policy that said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

impl Reason {
    /// A reason without a next step or a part of the policy.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), next: Vec::new(), policy: None }
    }

    /// Adds a next step.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next.push(step.into());
        self
    }

    /// Names the part of the policy, below the environment.
    #[must_use]
    pub fn rule(mut self, environment: &Environment, key: &str) -> Self {
        self.policy = Some(format!("environments.{environment}.{key}"));
        self
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $human:literal, $meaning:literal;)*) => {
        /// The stable code of a reason. Scripts, documents and tests hold on to it, never to the sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $(#[doc = $meaning] #[serde(rename = $code)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the README.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, for the README.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// Whether only a person can do what comes next.
            #[must_use]
            pub const fn human_required(self) -> bool {
                match self { $(Self::$variant => $human,)* }
            }
        }
    };
}

codes! {
    HumanTerminal = "human.terminal", true, "a person at an interactive terminal is needed, and there is none";
    HumanAgent = "human.agent", true, "an agent's marker is in this process's environment or in an ancestor's";
    HumanCi = "human.ci", true, "a CI marker is in the environment";
    HumanPty = "human.pty", true, "what holds the terminal is not one: an interpreter, `script`, `expect`, a multiplexer nobody looks at";
    RoleForbidden = "role.forbidden", false, "the policy gives the role no right to do this";
    PolicyUnsigned = "policy.unsigned", true, "no person has signed a policy yet, or it waits for more signatures";
    PolicyEdited = "policy.edited", false, "a warning: `deployctl.yaml` differs from the signed policy, which stays in force";
    PolicyRoot = "policy.root", true, "the ledger's trust root is not the one this machine knows";
    LedgerTampered = "ledger.tampered", true, "an entry of the ledger does not hold";
    LedgerState = "ledger.state", false, "a warning: an entry holds a `state.json` that is not what the entries before it come to; nothing begins from it";
    LedgerRewound = "ledger.rewound", true, "the ledger lacks entries that this clone has seen";
    LedgerUnreachable = "ledger.unreachable", false, "the remote that the ledger travels through did not answer, or this clone cannot follow it";
    RequestMissing = "request.missing", false, "there is no such request";
    RequestStale = "request.stale", false, "something the request pins has moved; the reason names what";
    RequestExpired = "request.expired", false, "the request was not decided in time";
    ApprovalMissing = "approval.missing", true, "nobody approved this";
    ApprovalQuorum = "approval.quorum", true, "not enough people approved this";
    ApprovalDenied = "approval.denied", false, "a person said no, which is final for the request";
    ApprovalHeld = "approval.held", true, "a person said not now";
    ApprovalRevoked = "approval.revoked", true, "a person took the approval back";
    ApprovalExpired = "approval.expired", true, "the approval was not executed in time";
    ApprovalConsumed = "approval.consumed", false, "the approval was used before";
    ApprovalSelf = "approval.self", true, "the approver is somebody the policy keeps apart";
    ApprovalPresence = "approval.presence", true, "the signature does not show the presence that the policy asks for";
    KeyUnencrypted = "key.unencrypted", true, "the private key has no passphrase";
    KeyAgent = "key.agent", true, "an agent holds the private key and would sign without asking";
    KeyUnknown = "key.unknown", true, "the key is nobody's who may sign this";
    WindowClosed = "window.closed", false, "no deployment window is open";
    WindowBlackout = "window.blackout", false, "a blackout is on";
    StageMissing = "stage.missing", false, "a required stage has no evidence for the commit";
    StageFailed = "stage.failed", false, "a check of a required stage failed for the commit";
    EvidenceStale = "evidence.stale", false, "the evidence is older than the commit, or of another one";
    EvidenceUnreadable = "evidence.unreadable", false, "the evidence cannot be read, or says two things";
    ChecklistOpen = "checklist.open", true, "a box of the checklist is open and nobody answered for it";
    RollbackPlan = "rollback.plan", false, "there is no way back: no rollback steps, or nothing to go back to";
    EnvironmentBusy = "environment.busy", false, "another deployment holds the environment";
    DeploymentInterrupted = "deployment.interrupted", true, "a deployment never said how it ended";
    DeploymentFailed = "deployment.failed", false, "a warning: this very version did not end well there before, and was not live and well since";
    EmergencySeverity = "emergency.severity", false, "the policy knows no emergency of this severity, or none is named";
    EmergencySkip = "emergency.skip", false, "the policy lets no emergency of this severity skip the stage";
    EmergencyUndeclared = "emergency.undeclared", true, "an approval does not declare the emergency, its severity and the skipped stages";
    ReviewOwed = "review.owed", true, "the report of an emergency or of a rollback is owed";
    CommitQuarantined = "commit.quarantined", false, "the commit, one that it holds or its content was rolled back, and nobody released it";
    CommitBranch = "commit.branch", false, "the required branch does not hold the commit";
    CommitIncomplete = "commit.incomplete", false, "files of the commit are not in this clone, or a step's program is not in the commit";
    CommitBehind = "commit.behind", false, "commits that are live are not in the candidate, and no approver saw that";
    CommitLive = "commit.live", false, "a warning: the commit is live already, or part of what is live";
    ClockBackwards = "clock.backwards", false, "this machine's clock is behind an entry of the ledger";
}
