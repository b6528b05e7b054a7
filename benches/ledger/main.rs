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

mod making;
#[allow(dead_code, reason = "the other benchmark measures more")]
#[path = "../checklist/measure.rs"]
mod measure;
#[allow(dead_code, reason = "the other benchmark measures more")]
#[path = "../checklist/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};

use self::measure::{Contender, Cost, World, race};
use self::table::{Row, Target, Unit, markdown, seconds};

/// The program that is measured.
const DEPLOYCTL: &str = env!("CARGO_BIN_EXE_deployctl");

/// How long each race may take.
const BUDGET: Duration = Duration::from_secs(10);

const USAGE: &str = "usage: cargo bench --bench ledger [-- --entries N]\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
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
    match measured(&lengths) {
        Ok(rows) => {
            print!("{}", markdown(&rows));
            ExitCode::SUCCESS
        }
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
    let (mut rows, mut statuses) = (vec![], vec![]);
    for length in lengths {
        let dir = ledger(&world, &cache, *length)?;
        // The first look verifies everything; what is measured comes after it.
        world.text(DEPLOYCTL, &dir, &["status"])?;
        statuses.push(one(&world, &dir, *length, &mut rows)?);
    }
    if let (Some(first), Some(last)) = (statuses.first(), statuses.last().filter(|_| statuses.len() > 1)) {
        let peer = Some((format!("of {}", lengths[0]), seconds(first.cpu)));
        let what = format!("status of {}", lengths[lengths.len() - 1]);
        rows.push(Row {
            what,
            unit: Unit::Seconds,
            ours: seconds(last.cpu),
            peer,
            target: Target::Ratio(1.2),
        });
    }
    Ok(rows)
}

/// The repository with a ledger of this length, made where it is not there yet.
fn ledger(world: &World, cache: &Path, length: usize) -> Result<PathBuf> {
    let dir = cache.join(length.to_string());
    if !dir.join("deployctl.yaml").exists() {
        let _ = std::fs::remove_dir_all(&dir);
        eprintln!("making a ledger of {length} entries");
        std::fs::create_dir_all(&dir)?;
        let rules =
            making::make(&|| world.command("git", &dir), length).context("the ledger could not be made")?;
        std::fs::write(dir.join("deployctl.yaml"), rules)?;
    }
    Ok(dir)
}

/// Measures one ledger; answers what `status` costs.
fn one(world: &World, dir: &Path, length: usize, rows: &mut Vec<Row>) -> Result<Cost> {
    let contender = |program: &'static str, words: &'static [&'static str]| {
        let (world, dir) = (world.clone(), dir.to_owned());
        Contender::new(words.join(" "), move || {
            let mut command = world.command(program, &dir);
            command.args(words);
            command
        })
    };
    let newest = contender("git", &["log", "-20", "deployctl/ledger"]);
    let all = contender("git", &["log", "deployctl/ledger"]);
    let status = contender(DEPLOYCTL, &["status"]);
    let table = contender(DEPLOYCTL, &["history", "--limit", "20"]);
    let verify = contender(DEPLOYCTL, &["history", "--verify"]);
    let short = race(&[status, newest, table], BUDGET)?;
    let long = race(&[verify, all], BUDGET)?;
    let mut row = |what: &str, unit, ours, peer: (&str, f64), target| {
        let peer = Some((peer.0.to_owned(), peer.1));
        rows.push(Row { what: format!("{what} of {length}"), unit, ours, peer, target });
    };
    let wall = |cost: &Cost| seconds(cost.wall);
    row("status", Unit::Seconds, wall(&short[0]), ("git log -20", wall(&short[1])), Target::None);
    row(
        "history --limit 20",
        Unit::Seconds,
        wall(&short[2]),
        ("git log -20", wall(&short[1])),
        Target::Ratio(1.0),
    );
    row("history --verify", Unit::Seconds, wall(&long[0]), ("git log", wall(&long[1])), Target::None);
    let memory = |cost: &Cost| cost.memory as f64;
    row("memory of status", Unit::Bytes, memory(&short[0]), ("git log -20", memory(&short[1])), Target::None);
    row(
        "memory of history --verify",
        Unit::Bytes,
        memory(&long[0]),
        ("git log", memory(&long[1])),
        Target::Ratio(1.0),
    );
    Ok(short[0])
}
