use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Color, Streams, Wishes, forgive_closed};

/// A pseudo-terminal whose keyboard the test holds.
struct Keyboard {
    master: File,
    streams: Streams,
    /// Keeps the terminal alive between questions.
    _slave: OwnedFd,
}

impl Keyboard {
    fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let tty = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        let slave = rustix::fs::open(&tty, OFlags::RDWR | OFlags::NOCTTY, rustix::fs::Mode::empty()).unwrap();
        let streams = Streams { tty, ..Streams::new(Color::Never, false) };
        Self { master: File::from(master), streams, _slave: slave }
    }

    /// Asks in another thread and types each answer once a question stands there.
    fn answer<T: Send>(mut self, ask: impl FnOnce(&Streams) -> T + Send, answers: &[&[u8]]) -> (T, String) {
        let streams = &self.streams;
        thread::scope(|scope| {
            let asked = scope.spawn(|| ask(streams));
            let mut screen = Vec::new();
            for answer in answers {
                wait_for_question(&mut self.master, &mut screen);
                self.master.write_all(answer).unwrap();
            }
            let result = asked.join().unwrap();
            read_line_end(&mut self.master, &mut screen);
            (result, String::from_utf8_lossy(&screen).into_owned())
        })
    }
}

/// Reads until the screen ends as a question does; at least once, since the question before may still stand there.
fn wait_for_question(master: &mut File, screen: &mut Vec<u8>) {
    let mut chunk = [0; 256];
    loop {
        let count = master.read(&mut chunk).unwrap();
        screen.extend_from_slice(&chunk[..count]);
        if screen.ends_with(b": ") || screen.ends_with(b"[y/n] ") {
            return;
        }
    }
}

/// Reads until the screen ends with a line: what is echoed comes in as many pieces as the system likes.
fn read_line_end(master: &mut File, screen: &mut Vec<u8>) {
    let mut chunk = [0; 4096];
    while !screen.ends_with(b"\r\n") {
        let count = master.read(&mut chunk).unwrap();
        screen.extend_from_slice(&chunk[..count]);
    }
}

fn phrase(answer: &[u8]) -> bool {
    let ask = |streams: &Streams| streams.ask_phrase("production v1.2.0 7f3a9c2", "deploy").unwrap();
    Keyboard::new().answer(ask, &[answer]).0
}

#[test]
fn the_phrase_is_asked_in_exactly_these_words() {
    let ask = |streams: &Streams| streams.ask_phrase("production v1.2.0", "deploy").unwrap();
    let (yes, screen) = Keyboard::new().answer(ask, &[b"production v1.2.0\n"]);
    assert!(yes);
    assert_eq!(screen, "Type \"production v1.2.0\" to deploy: production v1.2.0\r\n");
}

#[test]
fn only_the_phrase_is_a_yes() {
    assert!(phrase(b"  production v1.2.0 7f3a9c2 \n"));
    for no in [
        "y\n",
        "yes\n",
        "\n",
        "production\n",
        "Production v1.2.0 7f3a9c2\n",
        "\u{4}",
        "\"production v1.2.0 7f3a9c2\"\n",
    ] {
        assert!(!phrase(no.as_bytes()), "{no:?}");
    }
    assert!(!phrase(b"production v1.2.0 7f3a9c2\xff\n"));
}

#[test]
fn a_line_without_end_is_a_no() {
    let mut long = vec![b'a'; 2000];
    long.push(b'\n');
    assert!(!phrase(&long));
}

#[test]
fn what_was_typed_before_the_question_does_not_answer_it() {
    let mut keyboard = Keyboard::new();
    keyboard.master.write_all(b"go\n").unwrap();
    let mut echo = Vec::new();
    read_line_end(&mut keyboard.master, &mut echo);
    assert_eq!(echo, b"go\r\n");
    let (yes, screen) = keyboard.answer(|streams| streams.ask_phrase("go", "deploy").unwrap(), &[b"no\n"]);
    assert!(!yes);
    assert_eq!(screen, "Type \"go\" to deploy: no\r\n");
}

#[test]
fn a_question_knows_yes_no_and_the_end_of_input() {
    let ask = |streams: &Streams| streams.ask_yes("Roll back?").unwrap();
    for (answers, expected) in [
        (&[b"y\n".as_slice()][..], true),
        (&[b"YES\n"], true),
        (&[b"n\n"], false),
        (&[b"no\n"], false),
        (&[b"\x04"], false),
    ] {
        assert_eq!(Keyboard::new().answer(ask, answers).0, expected, "{answers:?}");
    }
}

#[test]
fn a_question_is_put_three_times_and_then_taken_for_a_no() {
    let ask = |streams: &Streams| streams.ask_yes("Roll back?").unwrap();
    let (yes, screen) = Keyboard::new().answer(ask, &[b"maybe\n", b"\n", b"ye\n"]);
    assert!(!yes);
    assert_eq!(screen, "Roll back? [y/n] maybe\r\nRoll back? [y/n] \r\nRoll back? [y/n] ye\r\n");
    assert!(Keyboard::new().answer(ask, &[b"maybe\n", b"y\n"]).0);
}

#[test]
fn no_terminal_is_an_error_and_not_an_answer() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let streams = Streams { tty: file.path().to_owned(), ..Streams::new(Color::Never, false) };
    assert_eq!(streams.ask_yes("Go on?").unwrap_err().kind(), ErrorKind::Unsupported);
    let streams = Streams { tty: PathBuf::from("/nonexistent/tty"), ..streams };
    assert_eq!(streams.ask_phrase("go", "deploy").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_signal_ends_the_question_without_an_answer() {
    let flag = Arc::new(AtomicBool::new(false));
    let mut keyboard = Keyboard::new();
    let streams = keyboard.streams.clone().with_interrupt(Arc::clone(&flag));
    let screen = thread::scope(|scope| {
        let asked = scope.spawn(|| streams.ask_yes("Go on?"));
        let mut screen = Vec::new();
        wait_for_question(&mut keyboard.master, &mut screen);
        flag.store(true, Ordering::Relaxed);
        let answer = asked.join().unwrap();
        assert_eq!(answer.map_err(|error| error.kind()), Err(ErrorKind::Interrupted));
        read_line_end(&mut keyboard.master, &mut screen);
        screen
    });
    assert_eq!(String::from_utf8_lossy(&screen), "Go on? [y/n] \r\n");
}

#[test]
fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
    let auto = Wishes { color: Color::Auto, no_color: false, force: false, dumb: false };
    assert!(auto.decide(true));
    assert!(!auto.decide(false));
    assert!(!Wishes { dumb: true, ..auto }.decide(true));
    assert!(!Wishes { no_color: true, ..auto }.decide(true));
    assert!(Wishes { force: true, ..auto }.decide(false));
    assert!(!Wishes { no_color: true, force: true, ..auto }.decide(true));
    assert!(Wishes { color: Color::Always, no_color: true, ..auto }.decide(false));
    assert!(!Wishes { color: Color::Never, force: true, ..auto }.decide(true));
}

#[test]
fn a_reader_that_has_gone_away_is_no_error_but_a_full_disk_is() {
    assert!(forgive_closed(Err(io::Error::from(ErrorKind::BrokenPipe))).is_ok());
    let full = forgive_closed(Err(io::Error::from(ErrorKind::StorageFull))).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::StorageFull);
}
