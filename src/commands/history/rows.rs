//! The rows of the table of deployments: which are wanted, newest first.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::imported::{self, Past};
use super::recorded::Others;
use super::{automatic, recorded};
use crate::cli::HistoryArgs;
use crate::commands::automatic::runs;
use crate::commands::gather::Moment;
use crate::gate::deployments::{Run, Runs};
use crate::gate::history::Status;
use crate::gate::terms::{Digest, Environment, Version};
use crate::gate::timeline::{Deployed, Timeline};
use crate::render::pages::HistoryRow;

/// One line of the table, and what programs get besides.
pub(super) struct Row {
    pub(super) page: HistoryRow,
    pub(super) json: serde_json::Value,
}

/// The wanted rows, and whether there are more behind the limit.
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) more: bool,
}

/// A deployment or a rollback, where it is recorded.
pub(super) enum Entry<'a> {
    /// What people decided.
    Ledger(&'a Environment, &'a Deployed),
    /// What machines did.
    Journal(&'a Run),
    /// What a tag tells.
    Imported(&'a Past),
}

impl Entry<'_> {
    /// Its line of the table.
    ///
    /// # Errors
    /// When its request cannot be read.
    pub(super) fn row(&self, moment: &Moment, others: &BTreeMap<&Environment, Others<'_>>) -> Result<Row> {
        match self {
            Self::Ledger(environment, deployed) => {
                recorded::row(moment, environment, &others[environment], deployed)
            }
            Self::Journal(run) => automatic::row(run, moment.now),
            Self::Imported(past) => imported::row(past),
        }
    }

    /// Hex digits that tell it from every other.
    pub(super) fn key(&self) -> String {
        let digest = match self {
            Self::Ledger(_, deployed) => deployed.execution,
            Self::Journal(run) => run.id,
            Self::Imported(past) => Digest::of(
                format!("{}/{}/{}", past.environment, past.tag.version, past.tag.commit).as_bytes(),
            ),
        };
        digest.hex()[..16].to_owned()
    }

    pub(super) fn environment(&self) -> &Environment {
        match self {
            Self::Ledger(environment, ..) => environment,
            Self::Journal(run) => &run.start.environment,
            Self::Imported(past) => &past.environment,
        }
    }

    pub(super) fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Ledger(_, deployed) => deployed.at,
            Self::Journal(run) => run.start.at,
            Self::Imported(past) => past.tag.at,
        }
    }

    fn version(&self) -> &Version {
        match self {
            Self::Ledger(_, deployed) => &deployed.start.release.version,
            Self::Journal(run) => &run.start.release.version,
            Self::Imported(past) => &past.tag.version,
        }
    }

    fn status(&self, now: DateTime<Utc>) -> Status {
        match self {
            Self::Ledger(_, deployed) => Status::of(deployed, now),
            Self::Journal(run) => {
                Status::ended(run.end.as_ref().map(|end| end.ending), run.lease_until(), now)
            }
            Self::Imported(_) => Status::Imported,
        }
    }

    /// Who executed it, and whose approvals it used.
    fn people(&self, timeline: &Timeline) -> BTreeSet<String> {
        match self {
            Self::Ledger(_, deployed) => {
                let mut people = recorded::approvers(timeline, deployed);
                people.insert(deployed.by.to_string());
                people
            }
            Self::Journal(run) => BTreeSet::from([run.start.by.clone()]),
            // Who made a tag did not deploy it.
            Self::Imported(_) => BTreeSet::new(),
        }
    }
}

/// The rows that the options ask for.
///
/// # Errors
/// When records cannot be read.
pub(super) fn of(moment: &Moment, timeline: &Timeline, args: &HistoryArgs) -> Result<Rows> {
    let sources = Sources::of(moment);
    let (entries, more) = wanted(moment, timeline, &sources, args);
    // Where something is recorded of several environments, a row must say which it is of.
    let imported = sources.past.iter().map(|past| &past.environment);
    let machines = sources.runs.all().map(|run| &run.start.environment);
    let environments: BTreeSet<&Environment> =
        timeline.tracks.keys().chain(imported).chain(machines).collect();
    let several = args.environment.is_none() && environments.len() > 1;
    let others = others(timeline);
    let row = |entry: Entry<'_>| {
        let mut row = entry.row(moment, &others)?;
        // What machines did names its environment itself.
        if several && !matches!(entry, Entry::Journal(_)) {
            row.page.notes = format!("{}: {}", entry.environment(), row.page.notes);
        }
        Ok(row)
    };
    Ok(Rows { rows: entries.into_iter().map(row).collect::<Result<_>>()?, more })
}

/// What each row tells of the others of its environment.
pub(super) fn others(timeline: &Timeline) -> BTreeMap<&Environment, Others<'_>> {
    timeline.tracks.iter().map(|(name, track)| (name, Others::of(track))).collect()
}

/// What is recorded besides the ledger.
pub(super) struct Sources {
    pub(super) runs: Runs,
    past: Vec<Past>,
}

impl Sources {
    /// What the journal tells. Where it cannot be read, what machines did has the warning.
    pub(super) fn of(moment: &Moment) -> Self {
        let runs = runs::told(moment);
        let past = imported::told(moment, &runs).unwrap_or_default();
        Self { runs, past }
    }
}

/// What the options ask for, newest first, and whether there are more behind the limit.
pub(super) fn wanted<'a>(
    moment: &Moment,
    timeline: &'a Timeline,
    Sources { runs, past }: &'a Sources,
    args: &HistoryArgs,
) -> (Vec<Entry<'a>>, bool) {
    let tracks = timeline.tracks.iter();
    let ledger = tracks.flat_map(|(environment, track)| {
        track.all().map(move |deployed| Entry::Ledger(environment, deployed))
    });
    let mut entries: Vec<Entry<'_>> = ledger
        .chain(runs.all().map(Entry::Journal))
        .chain(past.iter().map(Entry::Imported))
        .filter(|entry| is_wanted(entry, moment.now, timeline, args))
        .collect();
    // Of one moment, what was recorded later stands first.
    entries.reverse();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
    let more = args.limit.is_some_and(|limit| entries.len() > limit);
    entries.truncate(args.limit.unwrap_or(usize::MAX));
    (entries, more)
}

fn is_wanted(entry: &Entry<'_>, now: DateTime<Utc>, timeline: &Timeline, args: &HistoryArgs) -> bool {
    let at = entry.at();
    args.environment.as_ref().is_none_or(|wanted| wanted == entry.environment())
        && args.since.is_none_or(|since| since.begins(now) <= at)
        && args.until.is_none_or(|until| at < until.ends(now))
        && args.version.as_ref().is_none_or(|wanted| wanted == entry.version())
        && args.status.is_none_or(|wanted| wanted == entry.status(now))
        && args.by.as_ref().is_none_or(|wanted| entry.people(timeline).contains(wanted))
}
