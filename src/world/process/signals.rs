//! The signals that end a deployment, caught so that the whole group of a step gets them and the record is written.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};

use super::{GLANCE, Watcher};

/// What the person at the terminal wants after Ctrl-C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing: on with it.
    GoOn,
    /// The step may end, and no other begins.
    StopAfter,
    /// The step ends now.
    End,
}

/// What came, and what was made of it.
pub(super) struct Signals {
    /// Whether Ctrl-C was pressed since it was last asked about.
    pressed: Arc<AtomicBool>,
    /// The last signal of another kind, if one came: no Ctrl-C after it takes it back.
    caught: Arc<AtomicUsize>,
    before: Arc<AtomicBool>,
    ids: Vec<signal_hook::SigId>,
    asking: Cell<bool>,
    stopping: Cell<bool>,
}

impl Signals {
    pub(super) fn listen(before: Arc<AtomicBool>) -> io::Result<Self> {
        let (pressed, caught) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut ids = vec![signal_hook::flag::register(SIGINT, Arc::clone(&pressed))?];
        for signal in [SIGTERM, SIGHUP, SIGQUIT] {
            let number = usize::try_from(signal).unwrap_or_default();
            ids.push(signal_hook::flag::register_usize(signal, Arc::clone(&caught), number)?);
        }
        // Ctrl-Z stops nothing: steps are in sessions of their own, and nobody would watch their time.
        ids.push(signal_hook::flag::register(SIGTSTP, Arc::default())?);
        Ok(Self { pressed, caught, before, ids, asking: Cell::new(false), stopping: Cell::new(false) })
    }

    /// The signal with which the step has to end, if it has to. The first Ctrl-C asks where somebody can be asked; a second
    /// one ends, and a closed terminal and a termination end at once.
    pub(super) fn end(&self, watcher: &mut dyn Watcher) -> Option<Signal> {
        match i32::try_from(self.caught.load(Ordering::SeqCst)).unwrap_or_default() {
            SIGTERM | SIGQUIT => Some(Signal::TERM),
            SIGHUP => Some(Signal::HUP),
            _ if self.pressed.load(Ordering::SeqCst) => match self.asking.get() {
                true => Some(Signal::TERM),
                false => self.ask(watcher),
            },
            // One that came earlier, while the signature travelled: nothing was shown yet that could be asked about.
            _ if self.before.load(Ordering::SeqCst) => Some(Signal::INT),
            _ if self.asking.get() => self.answered(watcher),
            _ => None,
        }
    }

    fn answered(&self, watcher: &mut dyn Watcher) -> Option<Signal> {
        let wish = watcher.answered()?;
        self.asking.set(false);
        self.stopping.set(wish != Wish::GoOn);
        (wish == Wish::End).then_some(Signal::TERM)
    }

    /// The first Ctrl-C is forgotten before its question is shown: a second one may come as soon as it stands there.
    fn ask(&self, watcher: &mut dyn Watcher) -> Option<Signal> {
        self.pressed.store(false, Ordering::SeqCst);
        self.before.store(false, Ordering::SeqCst);
        self.asking.set(watcher.asks());
        self.stopping.set(!self.asking.get());
        self.stopping.get().then_some(Signal::INT)
    }

    /// Whether the next step must not begin. An open question is answered first.
    pub(super) fn stops(&self, watcher: &mut dyn Watcher) -> bool {
        if self.asking.get() && !watcher.asks() {
            return true;
        }
        loop {
            if self.end(watcher).is_some() || self.stopping.get() {
                return true;
            }
            if !self.asking.get() {
                return false;
            }
            thread::sleep(GLANCE);
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::policy::Step;
    use crate::gate::statement::StepResult;

    /// Presses Ctrl-C again in the moment in which the question is shown.
    struct Hasty<'a>(&'a AtomicBool);

    impl Watcher for Hasty<'_> {
        fn may_begin(&mut self, _step: &Step) -> bool {
            true
        }

        fn began(&mut self, _step: &Step) {}

        fn wrote(&mut self, _piece: &[u8]) {}

        fn ended(&mut self, _result: &StepResult) {}

        fn asks(&mut self) -> bool {
            self.0.store(true, Ordering::SeqCst);
            true
        }
    }

    fn signals() -> Signals {
        Signals {
            pressed: Arc::new(AtomicBool::new(true)),
            caught: Arc::default(),
            before: Arc::default(),
            ids: Vec::new(),
            asking: Cell::new(false),
            stopping: Cell::new(false),
        }
    }

    #[test]
    fn a_second_ctrl_c_as_soon_as_the_question_stands_there_ends_the_step() {
        let signals = signals();
        let pressed = Arc::clone(&signals.pressed);
        let mut watcher = Hasty(&pressed);
        assert_eq!(signals.end(&mut watcher), None);
        assert_eq!(signals.end(&mut watcher), Some(Signal::TERM));
    }

    #[test]
    fn a_termination_is_not_taken_back_by_ctrl_c() {
        let signals = signals();
        signals.caught.store(15, Ordering::SeqCst);
        let pressed = Arc::clone(&signals.pressed);
        assert_eq!(signals.end(&mut Hasty(&pressed)), Some(Signal::TERM));
    }
}
