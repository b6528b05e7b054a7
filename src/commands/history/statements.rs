//! `history --format in-toto`: what people said to requests, and the test results that they said it on.

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::cli::HistoryArgs;
use crate::commands::gather::Moment;
use crate::commands::target;
use crate::gate::statement::Verdict;
use crate::gate::terms::Digest;
use crate::gate::timeline::{Decided, Timeline, Vote};
use crate::render::interchange::in_toto;

/// The statements that the options ask for, the oldest first, and whether there are older ones behind the limit.
///
/// # Errors
/// When a request cannot be read.
pub(super) fn of(moment: &Moment, timeline: &Timeline, args: &HistoryArgs) -> Result<(Vec<Value>, bool)> {
    let mut said: Vec<(DateTime<Utc>, Value)> = Vec::new();
    for decided in timeline.all_decided() {
        let wanted = decided.votes.iter().filter(|vote| is_wanted(vote, moment.now, args));
        said.extend(wanted.clone().map(|vote| (vote.at, in_toto::approval(timeline.root.as_ref(), vote))));
        // All approvals of a request cover the same evidence: the first that is wanted stands for it.
        if let Some(vote) = wanted.clone().find(|vote| vote.approval.verdict == Verdict::Allow) {
            said.extend(
                results(moment, timeline, decided, vote)?.into_iter().map(|result| (vote.at, result)),
            );
        }
    }
    said.sort_by_key(|(at, _)| *at);
    let left = args.limit.map_or(0, |limit| said.len().saturating_sub(limit));
    Ok((said.into_iter().skip(left).map(|(_, statement)| statement).collect(), left > 0))
}

fn is_wanted(vote: &Vote, now: DateTime<Utc>, args: &HistoryArgs) -> bool {
    args.environment.as_ref().is_none_or(|wanted| *wanted == vote.approval.environment)
        && args.since.is_none_or(|since| since.begins(now) <= vote.at)
        && args.until.is_none_or(|until| vote.at < until.ends(now))
        && args.version.as_ref().is_none_or(|wanted| *wanted == vote.approval.release.version)
        && args.by.as_ref().is_none_or(|wanted| wanted == vote.by.as_str())
}

/// The results of the evidence that an approval covers, where the ledger has it as it was signed.
fn results(moment: &Moment, timeline: &Timeline, decided: &Decided, vote: &Vote) -> Result<Vec<Value>> {
    let Some(package) = target::of_execution(moment, &decided.request)? else { return Ok(vec![]) };
    let is_signed =
        package.files.get("evidence.json").is_some_and(|bytes| Digest::of(bytes) == vote.approval.evidence);
    let tests = package.evidence().filter(|_| is_signed).map(|evidence| evidence.tests).unwrap_or_default();
    let result = |test| in_toto::test_result(timeline.root.as_ref(), vote, test);
    Ok(tests.iter().filter_map(result).collect())
}
