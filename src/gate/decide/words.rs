//! The sentences of reasons that several rules share.

use chrono::{DateTime, Duration, Utc};

use crate::gate::config::{ActionKind, PresenceLevel};
use crate::gate::facts::{Action, LedgerTrouble, NoTarget, Spoilt};
use crate::gate::policy::{Policy, nearest};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::Request;
use crate::gate::terms::{Environment, PersonName, Version};

/// The reason of a ledger that cannot be believed.
#[must_use]
pub fn ledger_reason(trouble: &LedgerTrouble) -> Reason {
    match trouble {
        LedgerTrouble::Tampered { why, spoilt } => {
            let reason = Reason::new(Code::LedgerTampered, format!("the ledger does not hold: {why}"))
                .next(VERIFY);
            match spoilt {
                Some(spoilt) => mended(reason, spoilt),
                None => reason,
            }
        }
        LedgerTrouble::Rewound { why } => Reason::new(
            Code::LedgerRewound,
            format!("the ledger was rewound: {why}"),
        )
        .next(
            "find out who rewrote `deployctl/ledger`, and push the entries back from a clone that has them",
        ),
        LedgerTrouble::Ahead { why } => {
            Reason::new(Code::ClockBackwards, format!("the ledger is ahead of this machine's clock: {why}"))
                .next("check this machine's clock, and set it where it is wrong")
                .next("where it is right, who administers the remote takes that entry away there; then nothing else is to do here")
        }
        LedgerTrouble::Unreachable { why } => {
            Reason::new(Code::LedgerUnreachable, format!("the ledger's remote did not answer: {why}"))
                .next("check the network and the remote, then try again")
        }
        LedgerTrouble::Stuck { why } => Reason::new(
            Code::LedgerUnreachable,
            format!("this clone cannot follow the ledger's remote: {why}"),
        )
        .next("put that right, then try again"),
    }
}

/// What is to do first about a ledger that does not hold.
pub const VERIFY: &str = "see what and where: deployctl history --verify";
/// The branch of the ledger, for git.
const BRANCH: &str = "refs/heads/deployctl/ledger";

/// A remote's name where a command is to be copied from; a placeholder for one that a shell would read otherwise.
#[must_use]
pub fn pasted(remote: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte);
    if remote.bytes().all(is_plain) && !remote.starts_with('-') { remote } else { "REMOTE" }
}

/// How the entries that do not hold go away.
fn mended(reason: Reason, spoilt: &Spoilt) -> Reason {
    let Spoilt { tip, good, signed_by, remote } = spoilt;
    let way = match remote {
        Some(name) => format!(
            "who administers `{name}` ends its ledger at the last entry that holds, unless another clone has a good one in that place: \
             git push --force-with-lease={BRANCH}:{tip} {remote} {good}:{BRANCH}",
            remote = pasted(name)
        ),
        None => format!("end the ledger at the last entry that holds: git update-ref {BRANCH} {good} {tip}"),
    };
    let reason = reason.next(way);
    match signed_by {
        Some(person) => reason.next(format!(
            "ask `{person}` about it; whoever else has that key must lose it: take it out of `people`, then run: deployctl approve --policy"
        )),
        None => reason,
    }
}

pub(super) fn opening(next: Option<String>) -> String {
    next.map_or_else(
        || {
            "it does not open within a year: change `windows`, then run: deployctl approve --policy"
                .to_owned()
        },
        |next| format!("it opens {next}"),
    )
}

/// The same once more: what differs from the defaults has to be said again.
fn request_again(request: &Request) -> String {
    let mut command = request_for(&request.release.version, &request.environment);
    if let Some(emergency) = &request.emergency {
        command.push_str(&format!(" --urgency emergency --severity {}", emergency.severity));
        emergency.skip.iter().for_each(|stage| command.push_str(&format!(" --skip {stage}")));
    }
    command + " --as ROLE"
}

fn request_for(version: &Version, environment: &Environment) -> String {
    let place = if environment.as_str() == USUAL { String::new() } else { format!(" -e {environment}") };
    format!("deployctl request {version}{place}")
}

/// The environment of a request that names none.
const USUAL: &str = "production";

/// A moment until which something holds, to the minute: never too early.
#[must_use]
pub fn until(at: DateTime<Utc>) -> DateTime<Utc> {
    let over = at.timestamp().rem_euclid(60);
    let whole = over == 0 && at.timestamp_subsec_nanos() == 0;
    let missing = if whole { 0 } else { 60 - over };
    at.checked_add_signed(Duration::seconds(missing)).unwrap_or(at)
}

/// How an action is asked for once more.
#[must_use]
pub fn again_for(action: ActionKind, environment: &Environment, version: &Version) -> String {
    match action {
        ActionKind::Deploy => request_for(version, environment) + " --as ROLE",
        ActionKind::Rollback => format!("deployctl request {version} --rollback -e {environment} --as ROLE"),
    }
}

/// How what a request asks for is asked for once more.
#[must_use]
pub fn ask_again(request: &Request) -> String {
    match request.action {
        ActionKind::Deploy => request_again(request),
        ActionKind::Rollback => again_for(request.action, &request.environment, &request.release.version),
    }
}

/// Why there is nothing to say yes or no to.
#[must_use]
pub fn nothing_to_decide(none: &NoTarget) -> Reason {
    let reason = match none {
        NoTarget::NoRequest { asked } => {
            Reason::new(Code::RequestMissing, format!("there is no request {asked}"))
        }
        NoTarget::NotApproved { id, .. } => {
            Reason::new(Code::RequestMissing, format!("`{id}` cannot be read"))
        }
        NoTarget::Several { fits } => {
            Reason::new(Code::RequestMissing, format!("several requests fit: {}", fits.join("; ")))
        }
    };
    reason.next("name one request, by its id or its package directory; see what waits: deployctl status")
}

/// What a person would run instead.
pub(super) fn command_for(action: &Action<'_>) -> String {
    match action {
        Action::Policy { .. } => "deployctl approve --policy".to_owned(),
        Action::Request { .. } => "deployctl request VERSION".to_owned(),
        Action::RequestRollback { environment, version, .. } => {
            again_for(ActionKind::Rollback, environment, version)
        }
        Action::Check { .. } => "deployctl check NAME".to_owned(),
        Action::Word { check } => format!("deployctl check {check} --passed --note TEXT"),
        Action::Signoff { check, commit } => format!("deployctl approve --check {check} --commit {commit}"),
        Action::Verdict { target: Ok(target), .. } => format!("deployctl approve {}", target.reference.id),
        Action::Verdict { target: Err(_), .. } => "deployctl approve REQUEST".to_owned(),
        Action::Revoke { request, .. } => format!("deployctl approve {} --revoke --reason TEXT", request.id),
        Action::Deploy { environment, target } => match target {
            Ok(target) => format!("deployctl deploy {environment} {}", target.reference.id),
            Err(NoTarget::NotApproved { id, .. }) => format!("deployctl deploy {environment} {id}"),
            Err(_) => format!("deployctl deploy {environment}"),
        },
        Action::DeployAutomatic { environment, .. } => format!("deployctl deploy {environment}"),
        Action::Rollback { environment, .. } | Action::AutomaticRollback { environment, .. } => {
            format!("deployctl rollback {environment} --reason TEXT")
        }
        Action::RollbackTo { environment, target } => {
            let id = match target {
                Ok(target) => &target.reference.id,
                Err(NoTarget::NotApproved { id, .. }) => id,
                Err(_) => "REQUEST",
            };
            format!("deployctl rollback {environment} {id} --reason TEXT")
        }
        Action::Release { version, fix, .. } => {
            let fix = fix.map_or_else(String::new, |fix| format!(" --fix {fix}"));
            format!("deployctl approve --release {version}{fix} --reason TEXT")
        }
        Action::Report { .. } => "deployctl approve --review REQUEST --report FILE --reason TEXT".to_owned(),
        Action::Review { environment } => format!("deployctl approve --review (for {environment})"),
    }
}

pub(super) fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

pub(super) fn plural(count: usize, noun: &str) -> String {
    match (count, noun) {
        (1, noun) => format!("1 {noun}"),
        (count, "open box") => format!("{count} open boxes"),
        (count, noun) => format!("{count} {noun}s"),
    }
}

/// The policy in force knows nothing of an environment; what was probably meant.
pub fn no_environment(policy: &Policy, environment: &Environment) -> Reason {
    let known = policy.environments.keys().map(Environment::as_str);
    let known = nearest(environment.as_str(), known);
    Reason {
        policy: Some("environments".to_owned()),
        ..Reason::new(Code::RequestMissing, format!("the policy has no environment `{environment}`{known}"))
    }
}

pub(super) fn presence_reason(
    person: &PersonName,
    least: PresenceLevel,
    environment: &Environment,
) -> Reason {
    Reason::new(Code::ApprovalPresence, presence_words(person, least)).rule(environment, "approvals.presence")
}

pub(super) fn presence_words(person: &PersonName, least: PresenceLevel) -> String {
    let what = match least {
        PresenceLevel::Passphrase => "a passphrase, or a hardware key that was touched",
        PresenceLevel::Touch => "a hardware key that was touched",
        PresenceLevel::Verified => "a hardware key that was touched and asked for a PIN or a finger",
    };
    format!("the signature of `{person}` does not show the presence the policy asks for: {what}")
}

#[cfg(test)]
mod tests {
    use super::until;

    #[test]
    fn what_holds_until_a_moment_is_never_said_to_end_before_it() {
        for (at, said) in [
            ("2026-11-23T10:16:00Z", "10:16"),
            ("2026-11-23T10:16:00.001Z", "10:17"),
            ("2026-11-23T10:16:59Z", "10:17"),
        ] {
            assert_eq!(until(at.parse().unwrap()).format("%H:%M").to_string(), said, "{at}");
        }
    }
}
