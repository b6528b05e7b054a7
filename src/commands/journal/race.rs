//! The race for the journal's end: many machines may record at once, and each of them is recorded.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::world::clock;
use crate::world::records::RecordError;

/// How often a lost race is run again. Each one lost is somebody else's line, so that as many machines can record at once.
const TRIES: u32 = 32;

/// The longest pause before another try, in milliseconds: together they take some seconds at the most.
const PAUSE_MAX: u64 = 250;

/// Tries until it is done, after pauses of different lengths; `None` says that somebody else was first.
///
/// # Errors
/// The first one, or that the journal was busy all the time: then nothing was recorded.
pub(super) fn run<T>(
    pause: impl Fn(u32) -> Result<()>,
    mut once: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let mut locked = None;
    for lost in 0..TRIES {
        if lost > 0 {
            pause(lost)?;
        }
        match once() {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => locked = None,
            // Another git in this clone writes at the same moment, or one died: then that is said in the end.
            Err(error) if is_locked(&error) => locked = Some(error),
            Err(error) => return Err(error),
        }
    }
    match locked {
        Some(error) => Err(error),
        None => bail!("the journal is busy: {TRIES} times another line was there first; run it again"),
    }
}

fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(RecordError::Locked { .. }))
}

/// Waits a little, each machine for another time, and longer the more races were lost.
pub(super) fn pause(lost: u32) -> Result<()> {
    let mut bytes = [0; 8];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .ok()
        .context("the system gives no random bytes")?;
    let longest = PAUSE_MAX.min(20_u64.saturating_mul(1 << lost.min(8)));
    clock::pause(Duration::from_millis(u64::from_le_bytes(bytes) % longest));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::PathBuf;

    use super::*;

    fn told(done: Result<u32>) -> Result<u32, String> {
        done.map_err(|error| error.to_string())
    }

    #[test]
    fn a_lost_race_is_run_again_after_a_pause() {
        let (pauses, mut tries) = (RefCell::new(vec![]), 0);
        let pause = |lost| {
            pauses.borrow_mut().push(lost);
            Ok(())
        };
        let once = || {
            tries += 1;
            Ok((tries == 4).then_some(tries))
        };
        assert_eq!(told(run(pause, once)), Ok(4));
        assert_eq!(pauses.into_inner(), [1, 2, 3]);
    }

    #[test]
    fn a_journal_that_stays_busy_is_an_error() {
        let mut tries = 0;
        let never = || {
            tries += 1;
            Ok(None::<u32>)
        };
        let busy = "the journal is busy: 32 times another line was there first; run it again";
        assert_eq!(told(run(|_| Ok(()), never)), Err(busy.to_owned()));
        assert_eq!(tries, TRIES);
    }

    #[test]
    fn a_lock_that_goes_away_stops_nobody_and_one_that_stays_is_named() {
        let lock = || anyhow::Error::from(RecordError::Locked { path: PathBuf::from("journal.lock") });
        let mut tries = 0;
        let soon = || {
            tries += 1;
            if tries == 3 { Ok(Some(tries)) } else { Err(lock()) }
        };
        assert_eq!(told(run(|_| Ok(()), soon)), Ok(3));
        let never = || -> Result<Option<u32>> { Err(lock()) };
        assert_eq!(told(run(|_| Ok(()), never)), Err(lock().to_string()));
        let mut tries = 0;
        let other = || -> Result<Option<u32>> {
            tries += 1;
            bail!("no disk")
        };
        assert_eq!(told(run(|_| Ok(()), other)), Err("no disk".to_owned()));
        assert_eq!(tries, 1);
    }

    #[test]
    fn a_pause_ends() {
        pause(TRIES).unwrap();
    }
}
