//! The person at the terminal: seen, asked, and signing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};

use super::gather::{Key, Moment, find_key};
use crate::cli::{ColorChoice, Common, Format};
use crate::gate::facts::{KeyFact, Pin};
use crate::gate::policy::Policy;
use crate::gate::presence::Presence;
use crate::render::text;
use crate::world::presence::{self, Hardened};
use crate::world::process;
use crate::world::terminal::{Color, Streams};

/// A person at work, or what looks like one.
pub struct Person {
    /// What was seen of the terminal.
    pub presence: Presence,
    /// Where they read and answer.
    pub streams: Streams,
    interrupted: Arc<AtomicBool>,
    _hardened: Hardened,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Yes.
    Yes,
    /// No, or nothing.
    No,
    /// A signal came.
    Interrupted,
}

impl Person {
    /// Looks who sits there, then closes this process to other programs while it asks.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn look(common: &Common) -> Result<Self> {
        let presence = presence::look();
        let interrupted = process::interrupt_flag().context("cannot catch signals")?;
        let streams = streams(common).with_interrupt(Arc::clone(&interrupted));
        Ok(Self { presence, streams, interrupted, _hardened: presence::harden() })
    }

    /// The key that signs; none is looked for where nobody can sign.
    ///
    /// # Errors
    /// When a key was named and is no key.
    pub fn key(&self, named: Option<&std::path::PathBuf>, policy: Option<&Policy>) -> Result<Option<Key>> {
        match policy {
            Some(policy) if self.presence.is_person_likely() => find_key(named, policy).map(Some),
            _ => Ok(None),
        }
    }

    /// The flag that a signal raises from the first look on.
    #[must_use]
    pub fn interrupt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Asks for a phrase.
    ///
    /// # Errors
    /// When there is no terminal to ask at.
    pub fn types(&self, phrase: &str, verb: &str) -> Result<Answered> {
        self.answered(self.streams.ask_phrase(phrase, verb))
    }

    /// Asks a question.
    ///
    /// # Errors
    /// When there is no terminal to ask at.
    pub fn says_yes(&self, question: &str) -> Result<Answered> {
        self.answered(self.streams.ask_yes(question))
    }

    fn answered(&self, answer: std::io::Result<bool>) -> Result<Answered> {
        match answer {
            _ if self.interrupted.load(Ordering::SeqCst) => Ok(Answered::Interrupted),
            Ok(true) => Ok(Answered::Yes),
            Ok(false) => Ok(Answered::No),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(Answered::Interrupted),
            Err(error) => Err(error).context("cannot ask at the terminal"),
        }
    }
}

/// The streams of a command.
#[must_use]
pub fn streams(common: &Common) -> Streams {
    let color = match common.color {
        ColorChoice::Auto => Color::Auto,
        ColorChoice::Always => Color::Always,
        ColorChoice::Never => Color::Never,
    };
    let streams = Streams::new(color, common.quiet);
    if common.format == Format::Github { streams.made_harmless(text::defused) } else { streams }
}

/// How sure it is that a person signs: design section 7. A hardware key is taken at its touch.
#[must_use]
pub fn assurance(moment: &Moment, key: Option<&KeyFact>) -> &'static str {
    let hardware = matches!(key, Some(KeyFact::Ready { proof, .. }) if proof.hardware.is_some());
    match (moment.pin, key) {
        (Pin::Machine(_), Some(KeyFact::Ready { .. })) if hardware => "L2",
        (Pin::Machine(_) | Pin::Clone(_), Some(KeyFact::Ready { .. })) => "L1",
        _ => "L0",
    }
}

/// A clone that knows no trust root takes the ledger's at its first signature: the person is told to compare it.
#[must_use]
pub fn first_sight(moment: &Moment) -> String {
    match (moment.pin, moment.timeline().and_then(|timeline| timeline.root)) {
        (Pin::None, Some(root)) => {
            format!(
                "  FIRST SIGHT of the trust root {root}\n  compare it with a colleague: your signature pins it in this clone\n"
            )
        }
        _ => String::new(),
    }
}
