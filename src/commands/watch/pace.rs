//! How much of the time that goes by is watched, and when the next round is due. Moments count from the beginning of the
//! watch.

use std::time::Duration;

/// The pace of a watch.
pub(super) struct Pace {
    interval: Duration,
    /// How long a round may take.
    longest: Duration,
    /// For how long it is watched.
    length: Option<Duration>,
    /// When the newest round began.
    asked: Option<Duration>,
    /// Time in which nothing was asked, such as while the program was stopped: it is no part of the watch.
    lost: Duration,
}

impl Pace {
    /// Before the first round.
    pub(super) const fn new(interval: Duration, longest: Duration, length: Option<Duration>) -> Self {
        Self { interval, longest, length, asked: None, lost: Duration::ZERO }
    }

    /// A round begins. A gap of more than two intervals and the longest round was no watching.
    pub(super) fn asks(&mut self, now: Duration) {
        if let Some(gap) = self.asked.map(|asked| now.saturating_sub(asked)) {
            let usual = self.interval * 2 + self.longest;
            self.lost += if gap > usual { gap } else { Duration::ZERO };
        }
        self.asked = Some(now);
    }

    /// When the next round is due; the last one is asked when the time is over. `None` before the first.
    pub(super) fn due(&self) -> Option<Duration> {
        let due = self.asked? + self.interval;
        Some(self.length.map_or(due, |length| due.min(length + self.lost)))
    }

    /// Whether the newest round was the last.
    pub(super) fn is_over(&self) -> bool {
        self.length.is_some_and(|length| self.asked >= Some(length + self.lost))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Every ten seconds, rounds of at most five, for a minute.
    fn pace() -> Pace {
        Pace::new(at(10), at(5), Some(at(60)))
    }

    /// Asks each round when it is due, from the moment on at which the program runs again.
    fn watch(mut pace: Pace, stopped: &[(u64, u64)]) -> Vec<u64> {
        let mut rounds = vec![];
        let mut now = at(0);
        while rounds.len() < 1_000 {
            now = stopped
                .iter()
                .map(|(from, to)| (at(*from), at(*to)))
                .find(|(from, to)| (*from..*to).contains(&now))
                .map_or(now, |(_, to)| to);
            pace.asks(now);
            rounds.push(now.as_secs());
            if pace.is_over() {
                break;
            }
            now = now.max(pace.due().unwrap());
        }
        rounds
    }

    #[test]
    fn a_watch_asks_every_interval_and_at_its_end() {
        assert_eq!(watch(pace(), &[]), [0, 10, 20, 30, 40, 50, 60]);
        assert_eq!(watch(Pace::new(at(10), at(5), Some(at(25))), &[]), [0, 10, 20, 25]);
        assert_eq!(watch(Pace::new(at(10), at(5), Some(at(0))), &[]), [0]);
        assert_eq!(watch(Pace::new(at(10), at(5), None), &[]).len(), 1_000);
    }

    #[test]
    fn a_program_that_was_stopped_watches_as_long_afterwards() {
        // From the round at 20 on nothing was asked for 80 seconds: of a minute, 20 seconds were watched.
        assert_eq!(watch(pace(), &[(21, 100)]), [0, 10, 20, 100, 110, 120, 130, 140]);
        // Stopped beyond its end, it is not over by that.
        assert_eq!(watch(pace(), &[(1, 1_000)]), [0, 1_000, 1_010, 1_020, 1_030, 1_040, 1_050, 1_060]);
        assert_eq!(watch(pace(), &[(11, 60), (61, 120)]).last(), Some(&170));
    }

    #[test]
    fn a_slow_round_is_no_gap() {
        assert_eq!(watch(pace(), &[(21, 45)]), [0, 10, 20, 45, 55, 60]);
        assert_eq!(watch(pace(), &[(21, 46)]), [0, 10, 20, 46, 56, 66, 76, 86]);
    }
}
