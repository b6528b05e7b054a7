//! The program in front of a person: a real pseudo-terminal whose other end this test holds.

use std::fs;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::launch::{Launched, PATIENCE};
use super::{House, PASSPHRASE};

/// How large the screen is, unless a test says how wide.
pub(super) const SCREEN: Winsize = Winsize { ws_row: 50, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };

/// A program at a terminal. It ends with the test at the latest.
#[must_use = "a program that nobody waits for proves nothing"]
pub(crate) struct Terminal {
    command: String,
    /// `None` once it was hung up.
    master: Option<OwnedFd>,
    launched: Launched,
    shown: Vec<u8>,
    /// Up to here the transcript was looked at.
    seen: usize,
    /// Whether the program's side of the terminal is closed.
    silent: bool,
    /// Whether the program was killed: what it has started may then hold the terminal for ever.
    killed: bool,
}

impl Terminal {
    /// Starts the program, and returns when it may run.
    #[track_caller]
    pub(super) fn open(house: &House, program: &str, arguments: &[&str]) -> Self {
        let (master, slave) = pair(house.world.columns.get());
        let mut setsid = house.command("setsid");
        let end = || Stdio::from(slave.try_clone().expect("the terminal"));
        setsid
            .arg("--ctty")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .env("TERM", "xterm")
            .env("NO_COLOR", "1");
        let launched = Launched::start(&mut setsid, &house.scratch(), program, arguments);
        Self {
            command: [&[program], arguments].concat().join(" "),
            master: Some(master),
            launched,
            shown: Vec::new(),
            seen: 0,
            silent: false,
            killed: false,
        }
    }

    /// Waits until this stands there, after what was waited for before.
    #[track_caller]
    pub(crate) fn expect(mut self, text: &str) -> Self {
        self.wait_for(&[text]);
        self
    }

    /// Types a line.
    #[track_caller]
    pub(crate) fn answer(self, line: &str) -> Self {
        self.keys(&[line.as_bytes(), b"\n"].concat())
    }

    /// Waits for a prompt `Type "PHRASE" to VERB: ` and types its phrase.
    #[track_caller]
    pub(crate) fn types_phrase(mut self) -> Self {
        let phrase = self.phrase();
        self.answer(&phrase)
    }

    /// Waits for a prompt `Type "PHRASE" to VERB: ` and types something else.
    #[track_caller]
    pub(crate) fn types_instead(mut self, line: &str) -> Self {
        self.phrase();
        self.answer(line)
    }

    /// The phrase that is asked for, once its prompt stands there.
    #[track_caller]
    fn phrase(&mut self) -> String {
        self.wait_for(&["Type \""]);
        let start = self.seen;
        self.wait_for(&["\" to "]);
        let phrase = String::from_utf8_lossy(&self.shown[start..self.seen - "\" to ".len()]).into_owned();
        self.wait_for(&[": "]);
        phrase
    }

    /// Types a passphrase where `ssh-keygen` asks for it.
    #[track_caller]
    pub(crate) fn passphrase(mut self, passphrase: &str) -> Self {
        self.wait_for(&["Enter passphrase"]);
        self.wait_for(&[": "]);
        self.answer(passphrase)
    }

    /// Answers `y` to every question until a phrase is asked for.
    #[track_caller]
    pub(crate) fn yes_to_all(mut self) -> Self {
        const QUESTION: &str = "[y/n] ";
        const PHRASE: &str = "Type \"";
        while self.wait_for(&[QUESTION, PHRASE]) == QUESTION {
            self = self.answer("y");
        }
        self.seen -= PHRASE.len();
        self
    }

    /// Says yes to every question, types the phrase, and opens the key.
    #[track_caller]
    pub(crate) fn signs(self) -> Self {
        self.yes_to_all().types_phrase().passphrase(PASSPHRASE)
    }

    /// Says no where a deployment that has failed could be rolled back.
    #[track_caller]
    pub(crate) fn declines_rollback(self) -> Self {
        self.expect("ROLLBACK? [y/n] ").answer("n")
    }

    /// Says yes to every question, types every phrase and opens every key until the program ends well, and answers
    /// everything that was shown.
    #[track_caller]
    pub(crate) fn answers_all(mut self) -> String {
        const ASKED: [&str; 3] = ["[y/n] ", "Type \"", "Enter passphrase"];
        while let Some(asked) = self.comes(&ASKED) {
            self = match asked {
                "[y/n] " => self.answer("y"),
                asked => {
                    self.seen -= asked.len();
                    if asked == ASKED[1] { self.types_phrase() } else { self.passphrase(PASSPHRASE) }
                }
            };
        }
        self.exit(0)
    }

    /// Says yes to every question, types every phrase and opens every key until the program ends, however it does, and
    /// answers its exit code with everything that was shown.
    #[track_caller]
    pub(crate) fn answers_to_the_end(mut self) -> (i32, String) {
        const ASKED: [&str; 3] = ["[y/n] ", "Type \"", "Enter passphrase"];
        while let Some(asked) = self.comes(&ASKED) {
            let line = match asked {
                "[y/n] " if self.transcript()[..self.seen].ends_with("ROLLBACK? [y/n] ") => "n".to_owned(),
                "[y/n] " => "y".to_owned(),
                asked if asked == ASKED[1] => {
                    self.seen -= asked.len();
                    self.phrase()
                }
                _ => PASSPHRASE.to_owned(),
            };
            if let Some(master) = &self.master {
                // Who asked may have been killed meanwhile.
                let _ = rustix::io::write(master, format!("{line}\n").as_bytes());
            }
        }
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            self.listen(deadline, "the end");
        }
        (self.launched.status().unwrap_or_default(), self.transcript())
    }

    /// Presses Ctrl-C where `ssh-keygen` asks for a passphrase, again and again until that ends it: what is pressed
    /// between its prompt and its reading is lost, and a test is quicker than any person.
    #[track_caller]
    pub(crate) fn stops_at_passphrase(mut self) -> Self {
        self.wait_for(&["Enter passphrase"]);
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            if let Some(master) = &self.master {
                // A terminal that was closed meanwhile takes no more, and that is what is waited for.
                let _ = rustix::io::write(master, b"\x03");
            }
            let moment = Instant::now() + Duration::from_millis(100);
            while !self.has_ended() && self.hears_until(moment) {}
            if Instant::now() > deadline {
                self.fail("Ctrl-C does not end it");
            }
        }
        self
    }

    /// Presses Ctrl-C.
    #[track_caller]
    pub(crate) fn ctrl_c(self) -> Self {
        self.keys(b"\x03")
    }

    /// Presses Ctrl-Z.
    #[track_caller]
    pub(crate) fn ctrl_z(self) -> Self {
        self.keys(b"\x1a")
    }

    /// Ends the input, with Ctrl-D.
    #[track_caller]
    pub(crate) fn end_of_input(self) -> Self {
        self.keys(b"\x04")
    }

    /// Closes the window. The kernel tells only the session's leader; to tell the program is a shell's work, done here
    /// before the end so that the program's own end is not a matter of luck.
    #[track_caller]
    pub(crate) fn hang_up(mut self) -> Self {
        let leader = self.leader();
        kill_process_group(leader, Signal::HUP).expect("a program of our own");
        drop(self.master.take());
        self.silent = true;
        self
    }

    /// Ends the program with a signal that it cannot catch; the terminal stays.
    #[track_caller]
    pub(crate) fn kill(mut self) -> Self {
        let leader = self.leader();
        let program = child_of(leader).unwrap_or_else(|| self.fail("the program does not run"));
        kill_process(program, Signal::KILL).expect("a program of our own");
        self.killed = true;
        self
    }

    /// Types exactly these bytes.
    #[track_caller]
    fn keys(self, bytes: &[u8]) -> Self {
        let written = self.master.as_ref().map(|master| rustix::io::write(master, bytes));
        match written {
            Some(Ok(count)) if count == bytes.len() => self,
            _ => self.fail("nothing can be typed any more"),
        }
    }

    /// Waits for the end of the program, which must be this exit code, and answers everything that was shown. A program
    /// that a signal ended has 128 and the signal's number.
    #[track_caller]
    pub(crate) fn exit(mut self, code: i32) -> String {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            self.listen(deadline, "the end");
            if self.killed && self.launched.status().is_some() {
                self.close();
            }
        }
        if self.launched.status() != Some(code) {
            self.fail(&format!("expected exit code {code}"));
        }
        self.transcript()
    }

    /// Everything that was shown until now, also what was typed where it can be seen.
    pub(crate) fn transcript(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Waits for the first of some texts, goes behind it, and answers which it was.
    #[track_caller]
    fn wait_for<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        let came = self.comes(texts);
        came.unwrap_or_else(|| {
            self.fail(&format!("the program said no more, and not `{}`", texts.join("` or `")))
        })
    }

    /// Like [`Self::wait_for`]; `None` when the program says no more.
    #[track_caller]
    fn comes<'a>(&mut self, texts: &[&'a str]) -> Option<&'a str> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = texts.iter().filter_map(|text| Some((find(&self.shown[self.seen..], text)?, *text)));
            if let Some((at, text)) = found.min() {
                self.seen += at + text.len();
                return Some(text);
            }
            if self.silent {
                return None;
            }
            self.listen(deadline, &format!("`{}`", texts.join("` or `")));
        }
    }

    /// Takes what the program shows and how it ended, as soon as there is any.
    #[track_caller]
    fn listen(&mut self, deadline: Instant, what: &str) {
        if !self.hears_until(deadline) {
            self.fail(&format!("waited {} s for {what}", PATIENCE.as_secs()));
        }
    }

    /// Whether anything came before this moment.
    fn hears_until(&mut self, moment: Instant) -> bool {
        let master = self.master.as_ref().filter(|_| !self.silent);
        let came = self.launched.listen(master, moment);
        if came == Some(true) {
            self.hear();
        }
        came.is_some()
    }

    /// Takes what stands there, and closes the window. An `ssh-keygen` that outlives the program which asked through it
    /// may have missed the signal that says so, between its prompt and its reading; then only this ends it.
    fn close(&mut self) {
        while !self.silent && self.hears_until(Instant::now()) {}
        drop(self.master.take());
        self.silent = true;
    }

    fn has_ended(&self) -> bool {
        self.silent && self.launched.status().is_some()
    }

    /// Takes what the program shows; line ends become plain again.
    fn hear(&mut self) {
        let Some(master) = &self.master else { return };
        let mut chunk = [0; 4096];
        // A terminal whose other side is closed answers with an error.
        let count = rustix::io::read(master, &mut chunk).unwrap_or(0);
        self.silent = count == 0;
        for byte in &chunk[..count] {
            if *byte == b'\n' && self.shown.ends_with(b"\r") {
                self.shown.pop();
            }
            self.shown.push(*byte);
        }
    }

    /// The process that leads the session.
    #[track_caller]
    fn leader(&mut self) -> Pid {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(leader) = self.launched.leader() {
                return leader;
            }
            self.listen(deadline, "the session's leader");
        }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let status = self
            .launched
            .status()
            .map_or("it still runs".to_owned(), |status| format!("it ended with {status}"));
        panic!("{what}\n{}\n{status}\n--- shown\n{}\n---", self.command, self.transcript());
    }
}

/// Both ends of a new terminal. No program that another test starts meanwhile gets either: each would count as a
/// holder of the terminal, and would keep it open.
fn pair(columns: u16) -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).expect("a pseudo-terminal");
    grantpt(&master).expect("a pseudo-terminal");
    unlockpt(&master).expect("a pseudo-terminal");
    let path = ptsname(&master, Vec::new()).expect("a pseudo-terminal");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(path.as_c_str(), flags, Mode::empty()).expect("a pseudo-terminal");
    tcsetwinsize(&slave, Winsize { ws_col: columns, ..SCREEN }).expect("a pseudo-terminal");
    (master, slave)
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text.as_bytes())
}

/// The process that another one has started.
fn child_of(parent: Pid) -> Option<Pid> {
    let is_child = |stat: &str| {
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields)?;
        let its_parent: i32 = fields.split_ascii_whitespace().nth(1)?.parse().ok()?;
        (Pid::from_raw(its_parent) == Some(parent)).then_some(())
    };
    let pids =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut children = pids.filter(|pid: &i32| {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_child(&stat).is_some())
    });
    children.next().and_then(Pid::from_raw)
}
