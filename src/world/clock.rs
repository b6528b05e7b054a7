//! The clock: the one place that reads the time.

#![expect(clippy::disallowed_methods, reason = "the one legal place for the clock")]

use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};

/// The moment, to the second: records need no more, and it reads better.
#[must_use]
pub fn now() -> DateTime<Utc> {
    #[cfg(debug_assertions)]
    if let Some(moment) = test_moment() {
        return moment;
    }
    Utc::now().trunc_subsecs(0)
}

/// Tests of a debug build say what time it is, or name a file that says so each time; a release build does not hold
/// this.
#[cfg(debug_assertions)]
fn test_moment() -> Option<DateTime<Utc>> {
    /// How often a file is read that somebody is writing.
    const TRIES: usize = 100;
    let text = std::env::var("DEPLOYCTL_TEST_CLOCK").ok()?;
    if !text.starts_with('/') {
        return text.trim().parse().ok();
    }
    let read = || std::fs::read_to_string(&text).ok()?.trim().parse().ok();
    (0..TRIES).find_map(|_| {
        let moment = read();
        if moment.is_none() {
            pause(Duration::from_millis(5));
        }
        moment
    })
}

/// Waits so long.
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago it was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
