//! What runs in an environment, as far as the records tell: the last version that ended well, and what an action left that did
//! not. Everything that says what is live says it by this.

use chrono::{DateTime, Utc};

use super::config::ActionKind;
use super::remains::Remains;
use super::statement::{Ending, Release};
use super::terms::Environment;
use super::timeline::{Deployed, Live, Timeline, Track};

/// What runs in an environment, as far as the records tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct WhatRuns<'a> {
    /// The last version that ended well.
    pub good: Option<&'a Live>,
    /// The action that did not end well and of which something was run: it is what runs, or half of it may be.
    pub left: Option<&'a Deployed>,
}

impl Timeline {
    /// What runs in an environment now.
    #[must_use]
    pub fn what_runs(&self, environment: &Environment, now: DateTime<Utc>) -> WhatRuns<'_> {
        self.tracks.get(environment).map(|track| track.what_runs(now)).unwrap_or_default()
    }
}

impl Track {
    /// What runs now.
    #[must_use]
    pub fn what_runs(&self, now: DateTime<Utc>) -> WhatRuns<'_> {
        let left = self.doubtful(now).find(|known| known.remains() != Remains::Nothing);
        WhatRuns { good: self.live.as_ref(), left }
    }

    /// The newest actions as long as they ended badly and were not undone, newest first. One that never said how it ended was
    /// interrupted once its time is over.
    pub fn doubtful(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Deployed> {
        let bad = move |known: &&Deployed| {
            known.rolled_back_by.is_none()
                && match known.ending {
                    Some((ending, _)) => ending != Ending::Succeeded,
                    None => now > known.start.lease_until,
                }
        };
        self.deployments.iter().rev().take_while(bad)
    }
}

impl WhatRuns<'_> {
    /// The last good release.
    #[must_use]
    pub fn release(&self) -> Option<&Release> {
        self.good.map(|good| &good.release)
    }

    /// What goes before a version that is called live: nothing where it is sure that it runs.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        if self.left.is_some() { "last good " } else { "" }
    }

    /// What runs, after the words "what runs"; none where it is the last good version. It may hold what a person wrote.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        self.left.map(Deployed::leaves)
    }
}

/// What is said where nothing ended well yet.
pub const NEVER_WELL: &str = "no deployment has ended well yet";

impl Deployed {
    /// What an action that did not end well left, after the words "what runs". It may hold what a person wrote.
    #[must_use]
    pub fn leaves(&self) -> String {
        let version = &self.start.release.version;
        if let Some(found) = &self.reviewed {
            return format!("is what a person found: {found}");
        }
        match (self.remains(), self.start.action, &self.start.previous_release) {
            (Remains::Nothing, ..) => "is what ran before".to_owned(),
            (Remains::All, ..) => format!("is {version}, which did not end well"),
            (Remains::Part, ActionKind::Rollback, Some(undone)) => {
                format!("may be parts of {} and of {version}", undone.version)
            }
            (Remains::Part, ..) => format!("may be half of {version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WhatRuns;
    use crate::gate::config::ActionKind;
    use crate::gate::fixture::{Book, by, config, minutes, production};
    use crate::gate::statement::{Ending, Verdict};

    fn book(endings: &[Ending]) -> Book {
        let mut book = Book::founded(&config(&[]));
        for (number, ending) in (1..).zip(endings) {
            book.deployed("production", number, 20 * i64::from(number), *ending);
        }
        book
    }

    fn said(runs: WhatRuns<'_>) -> (Option<String>, &'static str, Option<String>) {
        let good = runs.release().map(|release| release.version.to_string());
        (good, runs.prefix(), runs.doubt())
    }

    #[test]
    fn the_last_good_version_runs_until_something_else_was_left_there() {
        let nothing = book(&[]);
        assert_eq!(said(nothing.timeline.what_runs(&production(), minutes(300))), (None, "", None));
        let well = book(&[Ending::Succeeded]);
        let v1 = || Some("v1".to_owned());
        assert_eq!(said(well.timeline.what_runs(&production(), minutes(300))), (v1(), "", None));
        let badly = book(&[Ending::Succeeded, Ending::Failed]);
        let half = Some("may be half of v2".to_owned());
        assert_eq!(
            said(badly.timeline.what_runs(&production(), minutes(300))),
            (v1(), "last good ", half.clone())
        );
        let first = book(&[Ending::Failed]);
        let half_of_one = Some("may be half of v1".to_owned());
        assert_eq!(
            said(first.timeline.what_runs(&production(), minutes(300))),
            (None, "last good ", half_of_one)
        );
        let mended = book(&[Ending::Succeeded, Ending::Failed, Ending::Succeeded]);
        let v3 = Some("v3".to_owned());
        assert_eq!(said(mended.timeline.what_runs(&production(), minutes(300))), (v3, "", None));
    }

    #[test]
    fn what_never_said_how_it_ended_leaves_nothing_before_its_time_is_over() {
        let mut book = book(&[Ending::Succeeded]);
        let request = book.request("production", 2);
        book.vote(by("bob", 60), &request, Verdict::Allow).unwrap();
        book.start(by("alice", 61), &request, ActionKind::Deploy).unwrap();
        let lease = book.timeline.tracks[&production()].lock().unwrap().start.lease_until;
        assert_eq!(book.timeline.what_runs(&production(), lease).doubt(), None);
        let later = lease + chrono::Duration::seconds(1);
        let doubt = book.timeline.what_runs(&production(), later).doubt();
        assert_eq!(doubt.as_deref(), Some("may be half of v2"));
    }
}
