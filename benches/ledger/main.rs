//! What the ledger's length costs: `deployctl` on ledgers of 10,000 and 100,000 entries, beside git on the same branch.
//!
//! `cargo bench --bench ledger` makes the ledgers at the first run and keeps them below `target/tmp/`; `-- --entries N`
//! measures one of N entries, such as 1000000. What counts are the ratios of one run, and the last lines of the table:
//! what it costs at the longest beside the shortest.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a benchmark is a program of its own: it starts others, looks at the clock and writes a table"
)]

mod acts;
mod making;
#[allow(dead_code, reason = "the other benchmark measures more")]
#[path = "../checklist/measure.rs"]
mod measure;
#[allow(dead_code, reason = "the other benchmark measures more")]
mod rows;
#[allow(dead_code, reason = "the other benchmark measures more")]
#[path = "../checklist/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use self::measure::World;
use self::rows::{Flat, Ledger, is_made};
use self::table::{Row, Target, Unit, markdown};

/// The program that is measured.
const DEPLOYCTL: &str = env!("CARGO_BIN_EXE_deployctl");

const USAGE: &str = "usage: cargo bench --bench ledger [-- --entries N]\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [act, what, repository] = arguments.as_slice()
        && act == "--act"
    {
        return ended(acts::act(what, Path::new(repository)));
    }
    // `cargo test --benches` starts this too, and nothing is measured in a test.
    if !arguments.iter().any(|argument| argument == "--bench") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    let lengths = match words.as_slice() {
        [] => Some(vec![10_000, 100_000]),
        ["--entries", number] => number.parse().ok().map(|number| vec![number]),
        _ => None,
    };
    let Some(lengths) = lengths else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    ended(measured(&lengths).map(|rows| print!("{}", markdown(&rows))))
}

fn ended(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measured(lengths: &[usize]) -> Result<Vec<Row>> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ledgers");
    std::fs::create_dir_all(cache.join("home"))?;
    let world = World { home: cache.join("home") };
    let (mut rows, mut flat) = (vec![], vec![]);
    for length in lengths {
        let dir = ledger(&world, &cache, *length)?;
        // The first look verifies everything; what is measured comes after it.
        world.text(DEPLOYCTL, &dir, &["status"])?;
        flat.push(Ledger::new(&world, dir, *length, &mut rows).measure()?);
    }
    if let (Some(first), Some(last)) = (flat.first(), flat.last().filter(|_| flat.len() > 1)) {
        let mut beside = |what: &str, cost: fn(&Flat) -> f64, most: f64| {
            rows.push(Row {
                what: format!("{what} of {}", lengths[lengths.len() - 1]),
                unit: Unit::Seconds,
                ours: cost(last),
                peer: Some((format!("of {}", lengths[0]), cost(first))),
                target: Target::Ratio(most),
            });
        };
        beside("status", |flat| flat.status, 1.2);
        beside("deploy --dry-run (refused)", |flat| flat.decision, 1.2);
        beside("append and push", |flat| flat.push, 1.3);
    }
    Ok(rows)
}

/// The repository with a ledger of this length, made where it is not there yet.
fn ledger(world: &World, cache: &Path, length: usize) -> Result<PathBuf> {
    let dir = cache.join(length.to_string());
    if !is_made(&dir) {
        let _ = std::fs::remove_dir_all(&dir);
        eprintln!("making a ledger of {length} entries");
        std::fs::create_dir_all(&dir)?;
        let rules =
            making::make(&|| world.command("git", &dir), length).context("the ledger could not be made")?;
        std::fs::write(dir.join("deployctl.yaml"), rules)?;
    }
    Ok(dir)
}
