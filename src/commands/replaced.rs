//! Of several requests for the same the newest is offered. Journal lines are unsigned: they end nothing, and a request that
//! people voted on is never passed over.

use std::cmp::Reverse;

use chrono::Duration;

use super::gather::Moment;
use super::journal::{self, Package};
use super::target;
use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::RequestRef;

/// The newest request that stands in the place of this one, which nobody decided about: it is about the same commit, or
/// about the one that the version's tag names, and it can be decided or people decided about it. `among` is the journal,
/// newest first.
#[must_use]
pub fn by<'a>(moment: &Moment, package: &Package, among: &'a [Package]) -> Option<&'a RequestRef> {
    if is_decided(moment, package) {
        return None;
    }
    let is_it = |known: &Package| known.reference == package.reference;
    let place = among.iter().position(is_it).unwrap_or(among.len());
    let newer = |place_of: usize, known: &Package| {
        let (at, than) = (known.request.at, package.request.at);
        at > than || (at == than && place_of < place)
    };
    let others =
        among.iter().enumerate().filter(|(place_of, known)| !is_it(known) && newer(*place_of, known));
    let mut newest: Vec<_> = others.collect();
    newest.sort_by_key(|(place_of, known)| (Reverse(known.request.at), *place_of));
    let mut newest = newest.into_iter().map(|(_, known)| known);
    // From the newest on: whether one stands is looked at only until one does.
    newest.find(|known| same(moment, known, package) && stands(moment, known)).map(|known| &known.reference)
}

/// What a review says of a request that a newer one replaced: it can still be decided, by its full id.
#[must_use]
pub fn warning(moment: &Moment, package: &Package) -> Option<Reason> {
    if is_decided(moment, package) {
        return None;
    }
    let among: Vec<Package> = journal::requests(moment).into_iter().collect();
    let newer = by(moment, package, &among)?;
    let what =
        format!("`{}` was replaced: `{}` is newer and asks for the same", package.reference.id, newer.id);
    Some(
        Reason::new(Code::RequestStale, what)
            .next(format!("review that one: deployctl approve {}", newer.id)),
    )
}

fn is_decided(moment: &Moment, package: &Package) -> bool {
    moment.timeline().is_some_and(|timeline| timeline.requests.contains_key(&package.reference))
}

fn same(moment: &Moment, newer: &Package, package: &Package) -> bool {
    let (newer, old) = (&newer.request, &package.request);
    let (to, from) = (&newer.release, &old.release);
    // Without a tag nobody but its machine says which commit a version is.
    let is_tagged = || moment.repository.tag(&to.version).ok().flatten().as_ref() == Some(&to.commit);
    (newer.action, &newer.environment, newer.repository) == (old.action, &old.environment, old.repository)
        && (to.commit == from.commit || (to.version == from.version && is_tagged()))
}

/// Whether it is a request to go by: whole, not dated ahead, and open or decided by people.
fn stands(moment: &Moment, package: &Package) -> bool {
    is_decided(moment, package)
        || (package.edited().is_empty()
            && package.request.at <= moment.now + Duration::seconds(CLOCK_TOLERANCE_SECONDS)
            && target::is_open(moment, package))
}
