//! deployctl stands between a change and production: machines prepare, people decide, signatures prove it.
//!
//! The rooms, inside-out. Imports point inward only; `tests/suite/tidy.rs` holds that wall.
//!
//! - [`gate`]: where it is decided, purely from values.
//! - [`evidence`]: bytes to facts, pure parsers.
//! - [`render`]: facts to Markdown, terminal text and JSON.
//! - [`world`]: one file for each thing outside that is touched.
//! - [`commands`]: one file a subcommand: gather, decide, act, record, show.
//!
//! The promises, each held by tests that carry its number: P1 two human signatures · P2 a refusal is a value ·
//! P3 what was approved is what runs · P4 what you see is what you sign · P5 no data is never yes ·
//! P6 nothing is lost · P7 once · P8 the rules change only by signature · P9 verifiable without us ·
//! P10 agents are welcome.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use crate::cli::{Arguments, Command, Common, Format, StatusArgs};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::style::Styles;
use crate::world::config_file::ConfigError;
use crate::world::terminal::{Color, Streams};

pub mod cli;
/// One file a subcommand: gather, decide, act, record, show.
pub mod commands {
    pub mod aftermath;
    pub mod altered;
    pub mod approve;
    pub mod automatic;
    pub mod available;
    pub mod back;
    pub mod candidate;
    pub mod check;
    pub mod checklist;
    pub mod ci;
    pub mod deploy;
    pub mod emergency;
    pub mod environments;
    pub mod explain;
    pub mod failed;
    pub mod fits;
    pub mod gather;
    pub mod hindered;
    pub mod history;
    pub mod incident;
    pub mod init;
    pub mod journal;
    pub mod judged;
    pub mod ledger;
    pub mod monitor;
    pub mod pages;
    pub mod person;
    pub mod policy;
    pub mod production;
    pub mod quarantine;
    pub mod refusal;
    pub mod replaced;
    pub mod report;
    pub mod request;
    pub mod review;
    pub mod rollback;
    pub mod session;
    pub mod signoff;
    pub mod status;
    pub mod steps;
    pub mod target;
    pub mod watch;
    pub mod what_runs;
}
/// Bytes to facts: pure parsers.
pub mod evidence {
    pub mod breaking;
    pub mod changelog;
    pub mod checklist;
    pub mod commits;
    pub mod credentials;
    pub mod draft;
    pub mod junit;
    pub mod lockfiles;
    pub mod migrations;
    pub mod prometheus;
    pub mod records;
    pub mod report;
    pub mod tap;
}
/// The room where it is decided: pure functions over owned values.
pub mod gate {
    pub mod alike;
    pub mod analysis;
    pub mod authority;
    pub mod config;
    pub mod decide;
    pub mod deployments;
    pub mod emergency;
    pub mod explain;
    pub mod facts;
    #[cfg(test)]
    pub(crate) mod fixture;
    pub mod history;
    pub mod imported;
    pub mod keys;
    pub mod metrics;
    pub mod modification;
    pub mod plan;
    pub mod policy;
    pub mod presence;
    pub mod reason;
    pub mod remains;
    pub mod request;
    pub mod scope;
    pub mod signoffs;
    pub mod since;
    pub mod statement;
    pub mod terms;
    pub mod timeline;
    pub mod what_runs;
    pub mod windows;
    pub(crate) mod wire;
    pub mod zone;
}
pub mod outcome;
/// Facts to Markdown, terminal text and JSON.
pub mod render {
    pub mod answer;
    pub mod csv;
    pub mod github;
    pub mod interchange;
    pub mod measure;
    pub mod pages;
    pub mod screen;
    pub mod style;
    pub mod table;
    pub mod text;
    pub mod watch;
    pub mod wrap;
}
/// One file for each thing outside that is touched.
pub mod world {
    pub mod clock;
    pub mod config_file;
    pub mod index;
    pub mod marks;
    pub mod presence;
    pub mod probe;
    pub mod process;
    pub mod records;
    pub mod remote;
    pub mod reports;
    pub mod repository;
    pub mod signer;
    pub mod sshsig;
    pub mod step_files;
    pub mod terminal;
}

/// Runs the program and answers its exit code.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let format = asked_format(&arguments);
    let answer = match parse(arguments) {
        Ok(Arguments { common, command }) => {
            let command = command.unwrap_or_else(|| Command::Status(StatusArgs::default()));
            let name = command.name();
            let answer = dispatch(&common, command).unwrap_or_else(|error| failed(name, &error));
            let format = if common.wants_json() { Format::Json } else { common.format };
            return show(&commands::person::streams(&common), format, answer);
        }
        Err(error) if !error.use_stderr() => {
            // Help and version are results; a reader that went away is no error.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) if !matches!(format, Format::Json | Format::Github) => {
            let _ = error.print();
            return ExitCode::from(Outcome::Usage.code());
        }
        Err(error) => Answer::ended("deployctl", Outcome::Usage, usage(format, &error)),
    };
    let streams = Streams::new(Color::Never, false);
    show(&streams.made_harmless(render::text::defused), format, answer)
}

/// The words of a usage error; whoever shows it to people says itself that it is an error.
fn usage(format: Format, error: &clap::Error) -> String {
    let words = error.to_string();
    match format {
        Format::Github => words.trim_start_matches("error: ").trim_end().to_owned(),
        _ => words,
    }
}

/// Reads the command line. What cannot be read is repeated in the error, so it is cleaned first.
fn parse(arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let cleaned: Vec<String> =
        arguments.iter().map(|word| render::text::line(&word.to_string_lossy(), usize::MAX)).collect();
    let parsed = Arguments::try_parse_from(arguments).map_err(|error| {
        // Cleaned, it is wrong in the same way; where it is not, only the kind of the mistake is said.
        Arguments::try_parse_from(cleaned).err().unwrap_or_else(|| clap::Error::new(error.kind()))
    })?;
    let format = parsed.common.format;
    if parsed.common.json && !matches!(format, Format::Text | Format::Json) {
        let what = format!("the argument '--json' cannot be used with '--format {}'", format.word());
        return Err(Arguments::command().error(ErrorKind::ArgumentConflict, what));
    }
    let is_history = matches!(parsed.command, Some(Command::History(_)));
    if format.is_of_history() && !is_history {
        let what = format!("only `deployctl history` has '--format {}'", format.word());
        return Err(Arguments::command().error(ErrorKind::ArgumentConflict, what));
    }
    if let Some(Command::History(args)) = &parsed.command
        && let Some(option) = args.without_format(format)
    {
        let hint = match option {
            "--write" => "; it keeps a Markdown table, and any other form goes to a file with `-o FILE`",
            _ => "",
        };
        let what = format!("the argument '{option}' cannot be used with '--format {}'{hint}", format.word());
        return Err(Arguments::command().error(ErrorKind::ArgumentConflict, what));
    }
    Ok(parsed)
}

/// A command line that cannot be parsed may still say how its answer is wanted.
fn asked_format(arguments: &[OsString]) -> Format {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let asks = |format: &str| {
        words.contains(&format!("--format={format}").as_str())
            || words.windows(2).any(|pair| pair == ["--format", format])
    };
    match () {
        () if words.contains(&"--json") || asks("json") => Format::Json,
        () if asks("github") => Format::Github,
        () => Format::Text,
    }
}

fn dispatch(common: &Common, command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::Init => commands::init::run(common),
        Command::Check(args) => commands::check::run(common, &args),
        Command::Checklist(args) => commands::checklist::run(common, &args),
        Command::Request(args) => commands::request::run(common, &args),
        Command::Approve(args) => commands::approve::run(common, &args),
        Command::Deploy(args) => commands::deploy::run(common, &args),
        Command::Rollback(args) => commands::rollback::run(common, &args),
        Command::Explain(args) => commands::explain::run(common, &args),
        Command::Status(args) => commands::status::run(common, &args),
        Command::History(args) => commands::history::run(common, &args),
        Command::Monitor(args) => commands::monitor::run(common, &args),
    }
}

/// Could not find out: the chain of causes, in sentences.
fn failed(command: &'static str, error: &anyhow::Error) -> Answer {
    let config = error.downcast_ref::<ConfigError>();
    let outcome = match config {
        Some(ConfigError::Invalid(_)) => Outcome::Usage,
        _ => Outcome::Failed,
    };
    Answer::ended(command, outcome, told(error))
}

/// The error and its causes; a cause that is told already is not told twice.
fn told(error: &anyhow::Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        let plain = cause.split("; class=").next().unwrap_or_default();
        if !told.contains(plain) {
            told = format!("{told}: {plain}");
        }
    }
    told
}

fn show(streams: &Streams, format: Format, answer: Answer) -> ExitCode {
    let written = match format {
        Format::Json => streams.result(&answer.json()),
        Format::Github => commands::ci::show(streams, &answer),
        _ => streams.result(&answer.text),
    };
    let remarks = answer.remarks(Styles { on: streams.colours() });
    if format != Format::Json && !remarks.is_empty() {
        streams.line(&remarks);
    }
    let outcome = if written.is_err() { Outcome::Failed } else { answer.outcome };
    if let Some(warning) = answer.afterwards.finish() {
        streams.line(&warning);
    }
    ExitCode::from(outcome.code())
}
