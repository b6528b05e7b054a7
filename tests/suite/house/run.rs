//! The program without a terminal: what it must write, and how it must end.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;

use super::House;
use super::differ::diff;
use super::launch::{Launched, PATIENCE};

/// What a stream must hold.
enum Expected {
    Text(String),
    Anything,
}

/// What is asserted of the one JSON document.
type About<'a> = Box<dyn FnOnce(&Value) + 'a>;

/// A run that is described first, and happens with [`Run::exit`].
#[must_use = "nothing runs before `exit`"]
pub(crate) struct Run<'a> {
    program: String,
    house: &'a House,
    arguments: Vec<&'a str>,
    directory: &'a Path,
    environment: Vec<(&'a str, &'a str)>,
    stdin: Option<&'a str>,
    stdout: Expected,
    stderr: Expected,
    normalised: Vec<(&'a str, &'a str)>,
    about: Vec<About<'a>>,
}

/// What came of a run, not normalised.
pub(crate) struct Answer {
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// How a run ended, and what it wrote.
struct Output {
    code: i32,
    answer: Answer,
}

impl Answer {
    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("standard output is not one JSON document ({error}):\n{}", self.stdout),
        }
    }
}

impl House {
    /// What was shown, with names in brackets for what differs from run to run.
    pub(crate) fn normal(&self, shown: &str) -> String {
        normal(self, shown)
    }

    /// What was shown must be exactly this, normalised.
    #[track_caller]
    pub(crate) fn same(&self, shown: &str, expected: &str) {
        let came = normal(self, shown);
        assert!(came == expected, "- expected, + came\n{}", diff(expected, &came));
    }
}

impl House {
    /// The last lines of what was shown must be exactly these, normalised.
    #[track_caller]
    pub(crate) fn ends(&self, shown: &str, expected: &str) {
        let came = normal(self, shown);
        let lines: Vec<&str> = came.split_inclusive('\n').collect();
        let last = lines[lines.len().saturating_sub(expected.lines().count())..].concat();
        assert!(last == expected, "- expected, + came\n{}in\n{came}", diff(expected, &last));
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(house: &'a House, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            program: program.to_owned(),
            house,
            arguments: arguments.into_iter().collect(),
            directory: house.project(),
            environment: Vec::new(),
            stdin: None,
            stdout: Expected::Text(String::new()),
            stderr: Expected::Text(String::new()),
            normalised: Vec::new(),
            about: Vec::new(),
        }
    }

    /// Starts it elsewhere than in the project's directory.
    pub(crate) fn directory(mut self, directory: &'a Path) -> Self {
        self.directory = directory;
        self
    }

    /// Sets a variable, besides those of every program here.
    pub(crate) fn env(mut self, name: &'a str, value: &'a str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Gives it something to read; otherwise its standard input is empty.
    pub(crate) fn stdin(mut self, text: &'a str) -> Self {
        self.stdin = Some(text);
        self
    }

    /// Exactly this on standard output, normalised; nothing unless said.
    pub(crate) fn stdout(mut self, text: &str) -> Self {
        self.stdout = Expected::Text(text.to_owned());
        self
    }

    /// Anything on standard output, for a test that is about something else.
    pub(crate) fn any_stdout(mut self) -> Self {
        self.stdout = Expected::Anything;
        self
    }

    /// Exactly this on standard error, normalised; nothing unless said.
    pub(crate) fn stderr(mut self, text: &str) -> Self {
        self.stderr = Expected::Text(text.to_owned());
        self
    }

    /// Anything on standard error, for a test that is about something else.
    pub(crate) fn any_stderr(mut self) -> Self {
        self.stderr = Expected::Anything;
        self
    }

    /// Standard output must be one JSON document, of which this is asserted.
    pub(crate) fn json(mut self, about: impl FnOnce(&Value) + 'a) -> Self {
        self.about.push(Box::new(about));
        self.any_stdout()
    }

    /// Replaces a text that differs from run to run by a name in brackets.
    pub(crate) fn normalise(mut self, text: &'a str, name: &'a str) -> Self {
        self.normalised.push((text, name));
        self
    }

    /// Runs it; it must write what was said and end with this code.
    #[track_caller]
    pub(crate) fn exit(self, code: i32) -> Answer {
        let Output { code: ended, answer } = self.output();
        let out = compared("standard output", &self.stdout, &self.normal(&answer.stdout));
        let err = compared("standard error", &self.stderr, &self.normal(&answer.stderr));
        let wrong = (ended != code).then(|| format!("expected exit code {code}\n"));
        let problems: String = [wrong, out, err].into_iter().flatten().collect();
        assert!(
            problems.is_empty(),
            "deployctl {}\nin {}\nended with {ended}\n{problems}--- standard output\n{}--- standard error\n{}",
            self.arguments.join(" "),
            self.directory.display(),
            answer.stdout,
            answer.stderr,
        );
        for about in self.about {
            about(&answer.json());
        }
        answer
    }

    #[track_caller]
    fn output(&self) -> Output {
        let dir = self.house.scratch();
        let file = |name: &str| File::create_new(dir.join(name)).expect("a file for a stream");
        let stdin = self.stdin.map_or(Stdio::null(), |text| {
            fs::write(dir.join("stdin"), text).expect("a file for a stream");
            Stdio::from(File::open(dir.join("stdin")).expect("a file for a stream"))
        });
        let mut setsid = self.house.command("setsid");
        setsid.envs(self.environment.iter().copied()).current_dir(self.directory);
        setsid.stdin(stdin).stdout(file("stdout")).stderr(file("stderr"));
        let mut launched = Launched::start(&mut setsid, &dir, &self.program, &self.arguments);
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            if let Some(code) = launched.status() {
                break code;
            }
            let patience = launched.listen(None::<&File>, deadline);
            assert!(patience.is_some(), "deployctl {} did not end", self.arguments.join(" "));
        };
        let text = |name: &str| fs::read_to_string(dir.join(name)).expect("UTF-8");
        Output { code, answer: Answer { stdout: text("stdout"), stderr: text("stderr") } }
    }

    fn normal(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, name) in &self.normalised {
            text = text.replace(from, name);
        }
        normal(self.house, &text)
    }
}

fn compared(stream: &str, expected: &Expected, came: &str) -> Option<String> {
    match expected {
        Expected::Text(text) if text != came => {
            Some(format!("--- {stream}: - expected, + came\n{}", diff(text, came)))
        }
        _ => None,
    }
}

/// Replaces what differs from run to run: paths of the world, the program's own digests, and ids of commits, which hold
/// the keys of this run.
fn normal(house: &House, text: &str) -> String {
    let path = |path: &Path| path.display().to_string();
    let text = text
        .replace(&path(house.project()), "[project]")
        .replace(&path(house.home()), "[home]")
        .replace(&path(house.world()), "[world]");
    let text: String = text.split_inclusive('\n').map(untimed).collect();
    let mut normal = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        let root = word == "SHA256" && after.starts_with(':');
        let fingerprint = after.get(1..44).filter(|text| root && text.chars().all(is_base64));
        if fingerprint.is_some() {
            normal.push_str("[fingerprint]");
            rest = &after[44..];
            continue;
        }
        normal.push_str(id(word).unwrap_or(word));
        let next = after.chars().next().map_or(0, char::len_utf8);
        normal.push_str(&after[..next]);
        rest = &after[next..];
    }
    normal
}

/// How long a step took is not said twice the same.
fn untimed(line: &str) -> String {
    let is_time = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    match line.strip_suffix(" s\n").and_then(|rest| rest.rsplit_once(' ')) {
        Some((rest, time)) if (line.starts_with(['✓', '✗']) || rest.ends_with(" after")) && is_time(time) =>
        {
            format!("{rest} [time]\n")
        }
        _ => line.to_owned(),
    }
}

/// The name for an id that differs from run to run.
fn id(word: &str) -> Option<&'static str> {
    let is_hex = word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match word.len() {
        // The name of an algorithm is made of the same letters.
        7 if is_hex && word != "ed25519" => Some("[id]"),
        40 if is_hex => Some("[commit]"),
        64 if is_hex => Some("[digest]"),
        _ => None,
    }
}

#[test]
fn only_what_differs_from_run_to_run_is_replaced() {
    let house = House::empty();
    let text = format!(
        "v1.4.0-7f3a9c2 in {}/a of {}, root SHA256:{}, 1234567x 12345678 ssh-ed25519",
        house.project().display(),
        "a".repeat(40),
        "A/+".repeat(15).get(..43).expect("45 characters"),
    );
    let normal = normal(&house, &text);
    assert_eq!(
        normal,
        "v1.4.0-[id] in [project]/a of [commit], root [fingerprint], 1234567x 12345678 ssh-ed25519"
    );
}
