//! Everything that is known at the moment of a decision. The clock is a fact, and so is what could not be found out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::alike::Alike;
use super::deployments::{Candidate, Runs};
use super::keys::Proof;
use super::presence::Presence;
use super::request::{CheckState, Request};
use super::statement::{RequestRef, Root};
use super::terms::{Check, CommitId, Digest, Environment, PersonName, Role, Version};
use super::timeline::Timeline;

/// What is known, whatever is asked.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The moment.
    pub now: DateTime<Utc>,
    /// Who asks, and how that is known.
    pub caller: Caller,
    /// The ledger, or why it cannot be believed.
    pub ledger: Result<&'a Timeline, &'a LedgerTrouble>,
    /// The trust root that this machine knows.
    pub pin: Pin,
    /// The signing key; `None` where nothing is to be signed.
    pub key: Option<KeyFact>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The role that is claimed, or that a marker gives away.
    pub role: Option<Role>,
    /// The person of the policy that the caller claims to be.
    pub person: Option<PersonName>,
    /// A name for records: the role, the person, or what git says of the user.
    pub name: String,
    /// How the name is known.
    pub known_by: String,
    /// What was seen of the terminal; `None` where it is not asked for, as for a plan shown to anyone.
    pub presence: Option<Presence>,
}

/// Why the ledger cannot be believed, or not now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerTrouble {
    /// An entry does not hold.
    Tampered {
        /// Which and why.
        why: String,
        /// How it goes away, where nothing that was seen goes with it.
        spoilt: Option<Box<Spoilt>>,
    },
    /// What was seen before is not there any more.
    Rewound {
        /// What was seen, and what is there.
        why: String,
    },
    /// An entry is dated ahead of this machine's clock.
    Ahead {
        /// Which, by whom, and when.
        why: String,
    },
    /// The remote did not answer.
    Unreachable {
        /// What git said.
        why: String,
    },
    /// The remote goes further, and this clone cannot follow it.
    Stuck {
        /// What is in the way.
        why: String,
    },
}

/// A ledger whose end does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoilt {
    /// Where the branch ends.
    pub tip: CommitId,
    /// The last entry that holds.
    pub good: CommitId,
    /// Who signed the first one that does not, where that signature is good.
    pub signed_by: Option<PersonName>,
    /// The remote that has it; none where this clone alone does.
    pub remote: Option<String>,
}

impl LedgerTrouble {
    /// The same, of a ledger that travels through this remote.
    #[must_use]
    pub fn through(mut self, through: Option<&str>) -> Self {
        if let Self::Tampered { spoilt: Some(spoilt), .. } = &mut self {
            spoilt.remote = through.map(str::to_owned);
        }
        self
    }
}

/// The trust root that this machine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// None yet.
    None,
    /// This one, seen first in this clone.
    Clone(Root),
    /// This one, put there by the machine's administrator.
    Machine(Root),
}

impl Pin {
    /// The root, where there is one.
    #[must_use]
    pub const fn root(self) -> Option<Root> {
        match self {
            Self::None => None,
            Self::Clone(root) | Self::Machine(root) => Some(root),
        }
    }
}

/// The signing key, before it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFact {
    /// It can sign, for this person.
    Ready {
        /// Whose it is.
        person: PersonName,
        /// What a signature would prove at the least.
        proof: Proof,
    },
    /// Nobody of the policy has this key, or no key was found.
    Unknown {
        /// Which, or where was looked.
        what: String,
    },
    /// The private key lies in clear.
    Unencrypted {
        /// Its file.
        path: String,
    },
    /// An agent would sign with it without asking.
    InAgent {
        /// Its file.
        path: String,
        /// What is known of the agent.
        what: String,
    },
}

/// What a deployment or an approval is about, as the repository shows it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The request, with everything it pins.
    pub request: Request,
    /// Its id and digest.
    pub reference: RequestRef,
    /// What is not as it was pinned: the request's own files.
    pub edited: Vec<&'static str>,
    /// The digest of the commit's tree listing; `None` where the commit is not here.
    pub tree: Option<Digest>,
    /// What the version's tag names now, where it names another commit: that one, and its tree.
    pub moved_to: Option<(CommitId, Digest)>,
    /// For each branch that a rule names, whether it holds the commit.
    pub branches: BTreeMap<String, BranchFact>,
    /// Commits that are live now and that the candidate lacks.
    pub behind: Vec<CommitId>,
    /// Checks of which newer evidence for the commit says otherwise than the request: passed or not.
    pub turned: BTreeMap<Check, Turned>,
    /// What would be missing if it ran here.
    pub missing: Vec<Missing>,
    /// For each rollback of the environment, what of the commits it put into quarantine is in the candidate.
    pub quarantined: Taints,
}

/// What a plan needs and is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The commit is not in this clone.
    Commit {
        /// Which.
        commit: CommitId,
        /// Where it may be.
        remote: String,
    },
    /// The commit is here, and not the content of all of its files.
    Files {
        /// The commit.
        commit: CommitId,
        /// How many.
        count: usize,
        /// The path of the first.
        first: String,
        /// Where they may be.
        remote: String,
    },
    /// A step's program is named by a path, and the commit has nothing there that runs.
    Program {
        /// The commit.
        commit: CommitId,
        /// The step's name.
        step: String,
        /// The program, as the policy names it.
        program: String,
        /// Whether there is a file, only not an executable one.
        is_file: bool,
    },
}

/// For each rollback, by its execution, what is known of a commit. One that is not there is not known.
pub type Taints = BTreeMap<Digest, Taint>;

/// What of the commits that a rollback put into quarantine is in another commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taint {
    /// None of them, or only such as came to be live again after it, with what is live; nor their content.
    Clear,
    /// Some of them, and their change is not: every file is as it was before it.
    TakenBack,
    /// None of them, and of their content, under other commits, as much as is counted here; something of it comes again.
    Alike {
        /// How much.
        alike: Alike,
        /// The commits named as a fix by a person that it holds too.
        fixes: Vec<CommitId>,
    },
    /// Some of them.
    Holds {
        /// How many.
        commits: usize,
        /// The commits named as a fix by a person that it holds too.
        fixes: Vec<CommitId>,
        /// The paths of their change that are not as before it; none where nobody has touched it since.
        kept: Vec<String>,
    },
    /// It cannot be told: this commit is not in this clone.
    Unknown {
        /// Which.
        missing: CommitId,
    },
}

/// What newer evidence says of a check. Nobody need have signed it: it can only refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// What it comes to. A pass lets nothing through: the request does not rest on it.
    pub state: CheckState,
    /// Its words.
    pub words: String,
}

/// Whether a branch holds a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchFact {
    /// It does.
    Holds,
    /// It does not.
    Lacks,
    /// There is no such branch here.
    Absent,
    /// The commit is not here, so nobody can tell.
    Unknown,
}

/// What is asked of the gate.
#[derive(Debug)]
pub enum Action<'a> {
    /// New rules.
    Policy {
        /// Whether it is the first: its signer is judged by the new rules, since there are none before.
        founder: bool,
    },
    /// A request is made.
    Request {
        /// Where.
        environment: &'a Environment,
        /// How soon.
        urgency: super::request::Urgency,
        /// The emergency, where it is one.
        emergency: Option<&'a super::emergency::Emergency>,
    },
    /// A rollback is requested.
    RequestRollback {
        /// Where.
        environment: &'a Environment,
        /// The version to go back to.
        version: &'a super::terms::Version,
        /// What of the commits in quarantine is in it.
        taints: &'a Taints,
    },
    /// Evidence for a commit is recorded: reports are collected, or a command is run.
    Check {
        /// Which checks.
        checks: &'a [Check],
    },
    /// A role gives its word about a check that is its word.
    Word {
        /// Which check.
        check: &'a Check,
    },
    /// A person signs about a check of a commit.
    Signoff {
        /// Which check.
        check: &'a Check,
        /// Which commit.
        commit: &'a CommitId,
    },
    /// A person says yes, no or not now.
    Verdict {
        /// What it is about, or why there is nothing.
        target: Result<&'a Target, &'a NoTarget>,
        /// Yes, no or not now.
        verdict: super::statement::Verdict,
    },
    /// A person takes an approval back.
    Revoke {
        /// Which.
        request: &'a RequestRef,
        /// Where.
        environment: &'a Environment,
    },
    /// A production deployment.
    Deploy {
        /// Where.
        environment: &'a Environment,
        /// What was asked for: the one that people decided about, or why there is none.
        target: Result<&'a Target, &'a NoTarget>,
    },
    /// A deployment to an automatic environment.
    DeployAutomatic {
        /// Where.
        environment: &'a Environment,
        /// What was asked for, or why there is nothing.
        target: Result<&'a Candidate, &'a NoTarget>,
        /// What the journal tells of deployments.
        runs: &'a Runs,
    },
    /// A production rollback to what the deployment's approval named.
    Rollback {
        /// Where.
        environment: &'a Environment,
        /// The version that was asked for, where one was.
        version: Option<&'a super::terms::Version>,
        /// What is missing of the commit that is undone: its tree holds the way back.
        missing: &'a [Missing],
    },
    /// A production rollback with an approval of its own.
    RollbackTo {
        /// Where.
        environment: &'a Environment,
        /// What was asked for: the one that people decided about, or why there is none.
        target: Result<&'a Target, &'a NoTarget>,
    },
    /// The session of a deployment rolls it back by itself: its key signs, and its person is still there.
    AutomaticRollback {
        /// Where.
        environment: &'a Environment,
        /// The execution of the deployment.
        execution: &'a Digest,
        /// What is missing of the commit that is undone.
        missing: &'a [Missing],
        /// Whether the database would stay as it is although it was migrated.
        database_stays: bool,
    },
    /// A person says how an interrupted deployment ended.
    Review {
        /// Where.
        environment: &'a Environment,
    },
    /// A person releases what was rolled back from quarantine.
    Release {
        /// Where.
        environment: &'a Environment,
        /// The execution of the rollback.
        rollback: &'a Digest,
        /// The version that was rolled back.
        version: &'a Version,
        /// The commit that a candidate must hold for it, where one is named.
        fix: Option<&'a CommitId>,
    },
    /// A person signs the report of an emergency or of a rollback.
    Report {
        /// Where.
        environment: &'a Environment,
        /// The execution of the emergency or of the rollback.
        execution: &'a Digest,
    },
}

impl Action<'_> {
    /// Whether a machine may do it: all else is decided by people, and signed.
    #[must_use]
    pub const fn is_machines(&self) -> bool {
        matches!(
            self,
            Self::Request { .. }
                | Self::RequestRollback { .. }
                | Self::Check { .. }
                | Self::Word { .. }
                | Self::DeployAutomatic { .. }
        )
    }
}

/// Why there is nothing to deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTarget {
    /// No request fits.
    NoRequest {
        /// What was asked for.
        asked: String,
    },
    /// There is a request, and nobody decided about it.
    NotApproved {
        /// Its id.
        id: String,
        /// Why nobody can approve it as it stands, where that is so.
        why_not: Option<String>,
        /// What to do instead of approving it, then.
        instead: Vec<String>,
    },
    /// Several fit.
    Several {
        /// Each in words: its id, who asked and when, and how far it is.
        fits: Vec<String>,
    },
}
