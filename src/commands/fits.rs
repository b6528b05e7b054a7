//! Several requests fit a name: what tells them apart, in words.

use std::collections::BTreeSet;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::gather::Moment;
use super::journal::{Outline, Package};
use super::replaced::Among;
use super::target;
use crate::gate::facts::NoTarget;
use crate::gate::statement::{RequestRef, Verdict};
use crate::gate::timeline::{Decided, Vote};
use crate::render::text;

/// A request that fits a name.
#[derive(Clone, Copy)]
pub enum Fits<'a> {
    /// As the ledger keeps it.
    Decided(&'a Package),
    /// As the journal has it.
    Undecided(&'a Outline),
}

impl Fits<'_> {
    /// Its id and digest.
    #[must_use]
    pub const fn reference(&self) -> &RequestRef {
        match self {
            Self::Decided(package) => &package.reference,
            Self::Undecided(outline) => &outline.reference,
        }
    }

    /// It with its files, where they can be read.
    #[must_use]
    pub fn package(&self, moment: &Moment) -> Option<Package> {
        match self {
            Self::Decided(package) => Some((*package).clone()),
            Self::Undecided(outline) => outline.package(moment),
        }
    }

    fn asked(&self) -> (String, DateTime<Utc>) {
        match self {
            Self::Decided(package) => {
                (text::line(&package.request.requested_by.name, 60), package.request.at)
            }
            Self::Undecided(outline) => (outline.by.clone(), outline.at),
        }
    }

    fn state(&self, among: &Among<'_>) -> String {
        let moment = among.moment();
        match self {
            Self::Decided(package) => {
                let timeline = moment.timeline();
                let decided = timeline.and_then(|timeline| timeline.requests.get(&package.reference));
                decided.map_or_else(|| "settled".to_owned(), |decided| state(decided, moment.now))
            }
            Self::Undecided(outline) if target::undecided_by(moment, outline) < moment.now => {
                "its time is over".to_owned()
            }
            Self::Undecided(outline) => match (among.look(outline), among.why_not(outline)) {
                // Whether it can be approved was not found out.
                (None, _) => "nobody decided about it yet".to_owned(),
                (Some(_), None) => "waits for people".to_owned(),
                (Some(_), Some(why)) => format!("cannot be approved now, {why}"),
            },
        }
    }
}

fn state(decided: &Decided, now: DateTime<Utc>) -> String {
    let by = |wanted: &dyn Fn(&Vote) -> bool| -> Option<&Vote> {
        decided.votes.iter().rev().find(|vote| wanted(vote))
    };
    let said = |verdict: Verdict| by(&move |vote| vote.approval.verdict == verdict);
    if decided.consumed.is_some() {
        return "was used".to_owned();
    }
    if let Some(no) = said(Verdict::Deny) {
        return format!("denied by {}", no.by);
    }
    if target::is_approved(decided, now) {
        let stands = |vote: &Vote| vote.approval.verdict == Verdict::Allow && !vote.revoked;
        return by(&stands).map_or_else(String::new, |yes| format!("approved by {}", yes.by));
    }
    match (target::is_revoked(decided), said(Verdict::Hold)) {
        (true, _) => "its approval was taken back".to_owned(),
        (false, Some(hold)) => format!("held by {}", hold.by),
        (false, None) => "its approval is over".to_owned(),
    }
}

/// How many are named; who may push can make thousands.
const NAMED_MAX: usize = 8;

/// Each of them with who asked, when, and how far it is. Ids that do not tell them apart stand with their digests.
#[must_use]
pub fn several(among: &Among<'_>, known: &[Fits<'_>]) -> NoTarget {
    let ids: BTreeSet<&String> = known.iter().map(|fits| &fits.reference().id).collect();
    let named = known.iter().take(NAMED_MAX).map(|fits| {
        let RequestRef { id, digest } = fits.reference();
        let digest = if ids.len() < known.len() { format!(" ({digest})") } else { String::new() };
        let (by, at) = fits.asked();
        let at = at.format("%Y-%m-%d %H:%M UTC");
        format!("`{id}`{digest}, asked by {by} at {at}, {}", fits.state(among))
    });
    let more = known.len().checked_sub(NAMED_MAX).filter(|more| *more > 0);
    let more = more.map(|more| format!("and {more} more: deployctl status"));
    NoTarget::Several { fits: named.chain(more).collect() }
}

/// The same of requests that people decided about.
///
/// # Errors
/// When records cannot be read.
pub fn several_decided(moment: &Moment, known: &[&Decided]) -> Result<NoTarget> {
    let mut packages = Vec::new();
    for decided in known {
        packages.extend(target::decided_package(moment, decided)?.ok());
    }
    let known: Vec<Fits<'_>> = packages.iter().map(Fits::Decided).collect();
    Ok(several(&Among::of(moment), &known))
}
