//! Of several requests for the same the newest that can be approved is offered. Journal lines are unsigned: they end nothing,
//! a request that people voted on is never passed over, and what nobody can approve hides nothing.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Result, anyhow};
use chrono::{DateTime, Duration, Utc};

use super::gather::Moment;
use super::hindered::{self, Hindered};
use super::journal::{self, Outline, Package};
use super::target;
use crate::gate::config::{ActionKind, Deployment};
use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{RequestRef, Root, Verdict};
use crate::gate::terms::{CommitId, Environment, Version};

/// How many requests of a moment are drafted again to find out whether they can be approved: who may push can make thousands.
pub const LOOKED_MAX: usize = 20;
/// How many that are newer and ask for the same are looked at for one.
const NEWER_MAX: usize = 3;

/// The requests of the journal, and which of them stand in the place of which.
pub struct Among<'a> {
    moment: &'a Moment,
    all: Rc<Vec<Outline>>,
    /// The place of each in the order of their dates, the newest first.
    ranks: BTreeMap<RequestRef, usize>,
    order: Vec<usize>,
    /// Those that may stand in the place of others, by rank: the same commit, or the version whose tag names theirs.
    commits: BTreeMap<(Place, CommitId), Vec<usize>>,
    versions: BTreeMap<(Place, Version), Vec<usize>>,
    looked: RefCell<BTreeMap<RequestRef, Rc<Looked>>>,
}

/// What keeps people from approving a request, or why that cannot be found out.
pub type Looked = std::result::Result<Hindered, String>;

type Place = (ActionKind, Environment, Root);

fn place(outline: &Outline) -> Place {
    (outline.action, outline.environment.clone(), outline.repository)
}

impl<'a> Among<'a> {
    /// The requests of the journal.
    #[must_use]
    pub fn of(moment: &'a Moment) -> Self {
        let all = journal::requests(moment);
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|index| (Reverse(at(moment, &all[*index])), *index));
        let ranks = order.iter().enumerate().map(|(rank, index)| (all[*index].reference.clone(), rank));
        let mut among = Self {
            moment,
            ranks: ranks.collect(),
            order,
            commits: BTreeMap::new(),
            versions: BTreeMap::new(),
            looked: RefCell::default(),
            all: Rc::clone(&all),
        };
        let mut tags = BTreeMap::new();
        for (rank, index) in among.order.iter().enumerate() {
            let outline = &all[*index];
            if !may_stand(moment, outline) {
                continue;
            }
            let release = &outline.release;
            among.commits.entry((place(outline), release.commit.clone())).or_default().push(rank);
            // Without a tag nobody but its machine says which commit a version is.
            let named = || moment.repository.tag(&release.version).ok().flatten();
            if tags.entry(&release.version).or_insert_with(named).as_ref() == Some(&release.commit) {
                among.versions.entry((place(outline), release.version.clone())).or_default().push(rank);
            }
        }
        among
    }

    /// The moment at which they are looked at.
    #[must_use]
    pub const fn moment(&self) -> &'a Moment {
        self.moment
    }

    /// All of them, as the journal has them, the newest line first.
    pub fn iter(&self) -> impl Iterator<Item = &Outline> {
        self.all.iter()
    }

    /// The request that stands in the place of this one, which nobody decided about: it is newer and about the same commit,
    /// or about the one that the version's tag names, and a person could approve it now, or people did.
    #[must_use]
    pub fn by(&self, old: &Outline) -> Option<&RequestRef> {
        if is_decided(self.moment, &old.reference) {
            return None;
        }
        let is_older = |index: &usize| at(self.moment, &self.all[*index]) < at(self.moment, old);
        let rank = self.ranks.get(&old.reference).copied();
        let rank = rank.unwrap_or_else(|| self.order.partition_point(|index| !is_older(index)));
        let of_commit = self.commits.get(&(place(old), old.release.commit.clone()));
        let of_version = self.versions.get(&(place(old), old.release.version.clone()));
        let newer = |ranks: Option<&'_ Vec<usize>>| -> Vec<usize> {
            let ranks = ranks.into_iter().flatten().copied();
            ranks.take_while(|newer| *newer < rank).take(NEWER_MAX).collect()
        };
        let mut newer = [newer(of_commit), newer(of_version)].concat();
        newer.sort_unstable();
        newer.dedup();
        let mut newer = newer.into_iter().take(NEWER_MAX).map(|rank| &self.all[self.order[rank]]);
        // From the newest on: whether one stands is looked at only until one does.
        newer.find(|known| self.stands(known)).map(|known| &known.reference)
    }

    fn stands(&self, outline: &Outline) -> bool {
        is_decided(self.moment, &outline.reference)
            || if by_machines(self.moment, outline) {
                outline.package(self.moment).is_some_and(|package| package.edited().is_empty())
            } else {
                self.can_be_approved(outline)
            }
    }

    /// Whether somebody could approve it now, as far as that was found out.
    #[must_use]
    pub fn can_be_approved(&self, outline: &Outline) -> bool {
        let looked = self.look(outline);
        looked.is_some_and(|looked| looked.as_ref().as_ref().is_ok_and(|it| it.reasons.is_empty()))
    }

    /// What keeps people from approving it, looked at once; `None` where so many were looked at that it is left out.
    #[must_use]
    pub fn look(&self, outline: &Outline) -> Option<Rc<Looked>> {
        if let Some(looked) = self.looked.borrow().get(&outline.reference) {
            return Some(Rc::clone(looked));
        }
        if self.looked.borrow().len() >= LOOKED_MAX {
            return None;
        }
        let looked = Rc::new(hindered(self.moment, outline).map_err(|error| format!("{error:#}")));
        self.looked.borrow_mut().insert(outline.reference.clone(), Rc::clone(&looked));
        Some(looked)
    }
}

impl Among<'_> {
    /// What is done about a request in place of approving it; empty where it can be approved.
    #[must_use]
    pub fn instead(&self, outline: &Outline) -> Vec<String> {
        match self.look(outline).as_deref() {
            Some(Ok(hindered)) => hindered.steps(),
            Some(Err(_)) | None => vec![hindered::see(&outline.reference.id)],
        }
    }

    /// Why nobody can approve it, in a few words, where that is so.
    #[must_use]
    pub fn why_not(&self, outline: &Outline) -> Option<String> {
        match self.look(outline)?.as_ref() {
            Ok(hindered) => hindered.why(),
            Err(why) => Some(hindered::unknown(why)),
        }
    }
}

fn hindered(moment: &Moment, outline: &Outline) -> Result<Hindered> {
    let package = outline.package(moment).ok_or_else(|| anyhow!("its files cannot be read"))?;
    hindered::look(moment, &package)
}

/// Who dates one ahead is no newer for it than who asks now.
fn at(moment: &Moment, outline: &Outline) -> DateTime<Utc> {
    outline.at.min(moment.now)
}

/// Whether it may be a request to go by, without reading all of it: people said yes to it and that stands, or nobody
/// decided about it and it is open and not dated ahead.
fn may_stand(moment: &Moment, outline: &Outline) -> bool {
    let decided = moment.timeline().and_then(|timeline| timeline.requests.get(&outline.reference));
    match decided {
        Some(decided) => {
            let denied = decided.votes.iter().any(|vote| vote.approval.verdict == Verdict::Deny);
            !denied && decided.consumed.is_none() && target::is_approved(decided, moment.now)
        }
        None => {
            outline.at <= moment.now + Duration::seconds(CLOCK_TOLERANCE_SECONDS)
                && target::undecided_by(moment, outline) >= moment.now
        }
    }
}

fn by_machines(moment: &Moment, outline: &Outline) -> bool {
    let rule = moment.policy().and_then(|policy| policy.environments.get(&outline.environment));
    rule.is_some_and(|rule| rule.deployment == Deployment::Automatic)
}

/// What a review says of a request that a newer one replaced: it can still be decided, by its full id.
#[must_use]
pub fn warning(moment: &Moment, package: &Package) -> Option<Reason> {
    if is_decided(moment, &package.reference) {
        return None;
    }
    let among = Among::of(moment);
    let newer = among.by(&Outline::of_package(package))?;
    let what =
        format!("`{}` was replaced: `{}` is newer and asks for the same", package.reference.id, newer.id);
    Some(
        Reason::new(Code::RequestStale, what)
            .next(format!("review that one: deployctl approve {}", newer.id)),
    )
}

/// Whether people decided about it.
#[must_use]
pub fn is_decided(moment: &Moment, reference: &RequestRef) -> bool {
    moment.timeline().is_some_and(|timeline| timeline.requests.contains_key(reference))
}
