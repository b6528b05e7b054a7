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
    let text = std::env::var("DEPLOYCTL_TEST_CLOCK").ok()?;
    let text = if text.starts_with('/') { std::fs::read_to_string(text).ok()? } else { text };
    text.trim().parse().ok()
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
