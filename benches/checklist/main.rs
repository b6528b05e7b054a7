//! How fast `deployctl checklist` is, and how much memory it takes, beside git and git-cliff on the same history.
//!
//! `cargo bench --bench checklist` measures in a few minutes; `-- --full` takes every history, range and peer, and
//! `-- --only WORD` only the rows in which that word stands. What counts are the ratios of one run: the times differ
//! from machine to machine. The histories are made at the first run and kept below `target/tmp/`.
//!
//! `DEPLOYCTL_BENCH_REPOSITORY` names a clone of this machine to measure instead, and `DEPLOYCTL_BENCH_RANGE` a range
//! `A..B` of it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a benchmark is a program of its own: it starts others, looks at the clock and writes a table"
)]

mod dice;
mod history;
mod measure;
mod project;
mod ranges;
mod single;
mod table;
mod tree;
mod wording;

use std::process::ExitCode;

use anyhow::{Result, bail};

use self::measure::World;
use self::project::Cache;
use self::table::{Row, markdown};

/// The program that is measured.
const DEPLOYCTL: &str = env!("CARGO_BIN_EXE_deployctl");

const USAGE: &str = "\
usage: cargo bench --bench checklist [-- [--full] [--only WORD]]

  --full        every history, range and peer: about half an hour
  --only WORD   only what has WORD in its name, such as `junit` or `of 100,000`
";

/// What is to be measured.
pub struct Wanted {
    full: bool,
    only: Option<String>,
}

impl Wanted {
    /// Whether something of this name is measured.
    fn takes(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let before = arguments.len();
    arguments.retain(|argument| argument != "--bench");
    // `cargo test --benches` starts this too, and nothing is measured in a test.
    if arguments.len() == before {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let wanted = match read(&arguments) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprint!("error: {error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match measure(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted { full: false, only: None };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), words.as_slice().first()) {
            ("--full", _) => wanted.full = true,
            ("--only", Some(only)) => {
                wanted.only = Some(only.clone());
                words.next();
            }
            _ => bail!("`{word}` is not understood"),
        }
    }
    Ok(wanted)
}

fn measure(wanted: &Wanted) -> Result<()> {
    let cache = Cache::open(tell)?;
    let mut rows: Vec<Row> = Vec::new();
    if let Some(repository) = std::env::var_os("DEPLOYCTL_BENCH_REPOSITORY") {
        let range = std::env::var("DEPLOYCTL_BENCH_RANGE").ok();
        rows.extend(ranges::of_a_clone(&cache, repository.as_ref(), range.as_deref(), wanted)?);
    } else {
        rows.extend(ranges::of_synthetic_histories(&cache, wanted)?);
        rows.extend(single::report(&cache, wanted)?);
        rows.extend(single::start(&cache, wanted)?);
    }
    print!("{}\n{}\n", markdown(&rows), facts(&cache.world));
    Ok(())
}

/// What the numbers depend on, in one line.
fn facts(world: &World) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let here = std::path::Path::new(".");
    let version = |program: &str| world.text(program, here, &["--version"]).ok();
    let cliff = version("git-cliff").unwrap_or_else(|| "git-cliff is not installed and left out".to_owned());
    let git = version("git").unwrap_or_default();
    let valgrind = if world.has("valgrind") { "" } else { "; no valgrind, so instructions are left out" };
    format!(
        "Processor time of whole processes, medians. {} on {}, {cores} cores; {git}; {cliff}{valgrind}.",
        std::env::consts::ARCH,
        std::env::consts::OS,
    )
}

fn tell(line: &str) {
    eprintln!("{line}");
}
