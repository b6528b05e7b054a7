//! The screens of sign-offs: what a person reads before signing a check, and who signed what of a request.

use super::{cut, minute};
use crate::evidence::commits::Change;
use crate::gate::policy::Policy;
use crate::gate::request::{CheckState, OpenBox, Request};
use crate::gate::signoffs::{self, SignedOff, Signoffs, Standing};
use crate::gate::terms::{Check, Digest, Stage};
use crate::render::text;

/// What a person is asked to sign off.
pub struct SignoffPage<'a> {
    /// The rules in force.
    pub policy: &'a Policy,
    /// The check.
    pub check: &'a Check,
    /// The commit, as it tells of itself.
    pub change: &'a Change,
    /// The digest of its tree listing.
    pub tree: &'a Digest,
    /// How many files it changes; `None` where that is not known.
    pub files: Option<usize>,
    /// Whether the answer is a no.
    pub denied: bool,
    /// What the person says to it.
    pub reason: Option<&'a str>,
}

/// The review of one check of one commit.
#[must_use]
pub fn signoff(page: &SignoffPage<'_>) -> String {
    let SignoffPage { policy, check, change, tree, files, denied, reason } = page;
    let title = policy.checks.get(check).map_or(check.as_str(), |rule| rule.title.as_str());
    let what = if *denied { "deny" } else { "sign off" };
    let mut lines = vec![format!("{} · {what} {}", cut(&policy.project), cut(title)), String::new()];
    let mut field = |name: &str, value: String| lines.push(format!("  {name:<12} {value}"));
    let group = signoffs::group(policy, check).map_or("nobody", |group| group.as_str());
    field("Check", format!("{check}, a signature of {group}"));
    field("Stage", stages(policy, check));
    field("Commit", format!("{}  tree {}", change.commit, tree.short()));
    field("Subject", cut(&subject(change)));
    field("Author", cut(&change.author));
    field(
        "Changes",
        files.map_or_else(
            || "not known".to_owned(),
            |files| format!("{} in this commit", text::count(files, "file")),
        ),
    );
    field("See", format!("git show {}", change.commit.short()));
    if let Some(reason) = reason {
        field("Your reason", cut(reason));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn subject(change: &Change) -> String {
    let scope = change.scope.as_ref().map(|scope| format!("({scope})")).unwrap_or_default();
    match &change.kind {
        Some(kind) => format!("{kind}{scope}: {}", change.subject),
        None => change.subject.clone(),
    }
}

/// The stages that hold a check, and who requires them.
fn stages(policy: &Policy, check: &Check) -> String {
    let stages = policy.stages.iter().filter(|stage| stage.checks.contains(check));
    let told = |stage: &Stage| {
        let requires = policy.environments.iter().filter(|(_, rule)| rule.requires.contains(stage));
        let names: Vec<&str> = requires.map(|(name, _)| name.as_str()).collect();
        match names.as_slice() {
            [] => stage.to_string(),
            [one] => format!("{stage}, which {one} requires"),
            many => format!("{stage}, which {} require", many.join(" and ")),
        }
    };
    let told: Vec<String> = stages.map(|stage| told(&stage.name)).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(" · ") }
}

/// Who signed the checks of a request that people sign, by the ledger; `None` where none is asked of it.
#[must_use]
pub fn signed_off(policy: &Policy, signoffs: &Signoffs, request: &Request) -> Option<String> {
    let asked = policy.checks.iter().filter(|(check, _)| signoffs::group(policy, check).is_some());
    let needed = asked.filter(|(check, _)| request.checks.get(*check) != Some(&CheckState::NotNeeded));
    let told: Vec<String> = needed
        .map(|(check, rule)| {
            let standing = signoffs.standing(policy, check, &request.release.commit, &request.tree);
            format!("{} {}", cut(&rule.title), standing_words(&standing))
        })
        .collect();
    (!told.is_empty()).then(|| told.join(" · "))
}

/// The boxes of a request that nobody has answered: not those that people signed off since it was made. Where one of them
/// said no since, that is why.
#[must_use]
pub fn unanswered(policy: &Policy, signoffs: &Signoffs, request: &Request) -> Vec<OpenBox> {
    let still = |open: &OpenBox| match signoffs::standing_of(policy, signoffs, request, open) {
        Some(Standing::Allowed(_)) => None,
        Some(Standing::Denied(no)) => Some(OpenBox { why: no_words(no), ..open.clone() }),
        Some(Standing::Missing) | None => Some(open.clone()),
    };
    request.open.iter().filter_map(still).collect()
}

fn no_words(no: &SignedOff) -> String {
    let why = no.signoff.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    format!("{} said no, {}{why}", no.by, minute(no.at))
}

fn standing_words(standing: &Standing<'_>) -> String {
    match standing {
        Standing::Missing => "by NOBODY".to_owned(),
        Standing::Allowed(people) => {
            let people: Vec<String> =
                people.iter().map(|said| format!("{}, {}", said.by, minute(said.at))).collect();
            format!("by {}", people.join(" and "))
        }
        Standing::Denied(no) => format!("DENIED by {}, {}", no.by, minute(no.at)),
    }
}
