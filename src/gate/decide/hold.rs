//! A hold stops the clock: the time from a person's hold to the same person's next verdict does not count against the
//! moment by which a request has to be decided. Against the time of execution it does.

use chrono::{DateTime, Utc};

use super::votes::after;
use crate::gate::policy::Approvals;
use crate::gate::request::Request;
use crate::gate::statement::Verdict;
use crate::gate::timeline::{Decided, Vote};

/// The last moment in which a request can be decided, as far as it is known at `now`.
///
/// A request may ask for less time than the policy gives, never for more.
#[must_use]
pub fn decide_by(
    request: &Request,
    approvals: &Approvals,
    decided: Option<&Decided>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let mut by = undecided_by(request.at, request.decide_by, approvals);
    let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
    for (from, to) in holds(votes, approvals, request.at, now) {
        // What was held only after its time was over does not come back.
        if from > by {
            break;
        }
        by = by.checked_add_signed(to - from).unwrap_or(by);
    }
    by
}

/// The same of a request that nobody has decided about: when it was drafted, and what it says of itself.
#[must_use]
pub fn undecided_by(at: DateTime<Utc>, decide_by: DateTime<Utc>, approvals: &Approvals) -> DateTime<Utc> {
    decide_by.min(after(at, approvals.decide_within))
}

/// The spans until `now` in which somebody who may approve held the request, in order and apart. A hold says by its
/// signer's clock when it begins, and never before there was a request.
fn holds(
    votes: &[Vote],
    approvals: &Approvals,
    drafted: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut spans: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for (index, vote) in votes.iter().enumerate() {
        let counts = vote.approval.verdict == Verdict::Hold && approvals.from.contains(&vote.by);
        if !counts || vote.at >= now {
            continue;
        }
        let next = votes[index + 1..].iter().find(|later| later.by == vote.by);
        let to = next.map_or(now, |next| next.at.min(now));
        let from = vote.at.max(drafted);
        if to > from {
            spans.push((from, to));
        }
    }
    spans.sort_unstable();
    let mut apart: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for (from, to) in spans {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    apart
}
