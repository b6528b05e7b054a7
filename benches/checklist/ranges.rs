//! Checklists of ranges of commits, beside what others do with the same range.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Error, Result};

use super::history::RANGES;
use super::measure::{Contender, Cost, race};
use super::project::Cache;
use super::table::{Row, Target, Unit, seconds};
use super::{DEPLOYCTL, Wanted};

/// How long the rounds of one range may take together.
const BUDGET: Duration = Duration::from_secs(4);
/// From how many commits on a range has targets against its peers: below, the start counts for more than the work.
const TARGETS_FROM: usize = 1_000;
/// The name of the peer that memory is compared with.
const MESSAGES: &str = "`git log --format=%B`";
const CLIFF: &str = "git-cliff";

/// A range of a repository.
struct Case {
    name: String,
    commits: usize,
    dir: PathBuf,
    from: String,
    to: String,
    /// git-cliff needs minutes here.
    cliff: bool,
    full: bool,
}

/// The synthetic histories, with and without git's commit-graph.
pub fn of_synthetic_histories(cache: &Cache, wanted: &Wanted) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut ours = BTreeMap::new();
    for commits in [1_000, 10_000, 100_000] {
        for range in RANGES.into_iter().filter(|range| *range <= commits) {
            for graph in [true, false] {
                let without = if graph { "" } else { ", no commit-graph" };
                let name = format!("{} of {}{without}", thousands(range), thousands(commits));
                // Without a commit-graph, and small ranges of small histories, only when all is wanted.
                let quick = graph && range * 100 >= commits || commits == 100_000 && range != 1_000;
                let quick = quick || range == 100 && graph && commits != 10_000;
                if !wanted.takes(&name) || !(wanted.full || quick) {
                    continue;
                }
                let dir = cache.history(commits)?;
                cache.commit_graph(&dir, graph)?;
                let since = format!("refs/bench/since-{range}");
                let from = cache.world.text("git", &dir, &["rev-parse", &since])?;
                let to = cache.world.text("git", &dir, &["rev-parse", "HEAD"])?;
                let cliff = wanted.full || commits == 10_000;
                let case = Case { name, commits: range, dir, from, to, cliff, full: wanted.full };
                let (cost, found) = measured(cache, &case)?;
                rows.extend(found);
                if graph {
                    ours.insert((range, commits), seconds(cost.cpu));
                }
            }
        }
    }
    rows.extend(growth(&ours));
    Ok(rows)
}

/// What the history behind a range costs, and what ten times the range costs.
fn growth(ours: &BTreeMap<(usize, usize), f64>) -> Vec<Row> {
    let pairs = [
        ((100, 100_000), (100, 1_000), 2.0),
        ((1_000, 100_000), (1_000, 1_000), 2.0),
        ((10_000, 10_000), (1_000, 10_000), 12.0),
        ((10_000, 100_000), (1_000, 100_000), 12.0),
    ];
    let rows = pairs.into_iter().filter_map(|(large, small, most)| {
        let name =
            |(range, commits): (usize, usize)| format!("{} of {}", thousands(range), thousands(commits));
        Some(Row {
            what: format!("growth: {}", name(large)),
            unit: Unit::Seconds,
            ours: *ours.get(&large)?,
            peer: Some((format!("deployctl, {}", name(small)), *ours.get(&small)?)),
            target: Target::Ratio(most),
        })
    });
    rows.collect()
}

/// Any clone: its last 1,000 and 10,000 commits, or a range of it.
pub fn of_a_clone(cache: &Cache, source: &Path, range: Option<&str>, wanted: &Wanted) -> Result<Vec<Row>> {
    let dir = cache.clone_of(source)?;
    let git = |dir: &Path, arguments: &[&str]| cache.world.text("git", dir, arguments);
    let ends = match range {
        Some(range) => {
            let (from, to) = range.split_once("..").context("`DEPLOYCTL_BENCH_RANGE` is not `A..B`")?;
            let commit = |name: &str| git(source, &["rev-parse", "--verify", &format!("{name}^{{commit}}")]);
            vec![(commit(from)?, commit(to)?)]
        }
        None => {
            let to = git(&dir, &["rev-parse", "HEAD"])?;
            let mut ends = Vec::new();
            for skip in ["--skip=1000", "--skip=10000"] {
                let from = git(&dir, &["rev-list", "--max-count=1", skip, "HEAD"])?;
                ends.extend((!from.is_empty()).then(|| (from, to.clone())));
            }
            if ends.is_empty() {
                let roots = git(&dir, &["rev-list", "--max-parents=0", "HEAD"])?;
                ends.extend(roots.lines().next_back().map(|root| (root.to_owned(), to)));
            }
            ends
        }
    };
    let mut rows = Vec::new();
    for (from, to) in ends {
        let count = |range: &str| Ok::<usize, Error>(git(&dir, &["rev-list", "--count", range])?.parse()?);
        let commits = count(&format!("{from}..{to}"))?;
        let name = format!("{} of {}", thousands(commits), thousands(count(&to)?));
        let case = Case { name, commits, dir: dir.clone(), from, to, cliff: true, full: wanted.full };
        rows.extend(measured(cache, &case)?.1);
    }
    Ok(rows)
}

/// Measures one range; the first value is this program's own.
fn measured(cache: &Cache, case: &Case) -> Result<(Cost, Vec<Row>)> {
    (cache.tell)(&case.name);
    let mut contenders = vec![ours(cache, case, &[])];
    for (name, arguments) in [
        (MESSAGES, ["log", "--no-merges", "--format=%B"].as_slice()),
        ("`git log --name-status`", &["log", "--name-status"]),
        ("`git log --numstat`", &["log", "--numstat"]),
    ] {
        let slow = arguments.contains(&"--numstat");
        if case.full || !slow {
            contenders.push(Contender { once: slow, ..git(cache, case, name, arguments) });
        }
    }
    if case.cliff && cache.world.has(CLIFF) {
        contenders.push(cliff(cache, case));
    }
    contenders.push(Contender { name: "JSON".to_owned(), ..ours(cache, case, &["--json"]) });
    let costs = race(&contenders, BUDGET)?;
    let mut rows = Vec::new();
    let mine = *costs.first().context("nothing was measured")?;
    for (contender, cost) in contenders.iter().zip(&costs).skip(1) {
        let name = contender.name.as_str();
        let row = |what: &str, unit, ours: f64, peer: f64, most: Option<f64>| Row {
            what: format!("{what}{}", case.name),
            unit,
            ours,
            peer: Some((name.to_owned(), peer)),
            target: most.filter(|_| case.commits >= TARGETS_FROM).map_or(Target::None, Target::Ratio),
        };
        if name == "JSON" {
            // Compared the other way round: what JSON costs in terms of the page.
            let (json, page) = (seconds(cost.cpu), seconds(mine.cpu));
            let peer = Some(("deployctl, Markdown".to_owned(), page));
            rows.push(Row { peer, ..row("JSON, ", Unit::Seconds, json, page, None) });
            continue;
        }
        let most = match name {
            MESSAGES => Some(2.0),
            CLIFF => Some(0.2),
            "`git log --name-status`" => Some(1.1),
            _ => None,
        };
        rows.push(row("", Unit::Seconds, seconds(mine.cpu), seconds(cost.cpu), most));
        if name == MESSAGES {
            rows.push(row("memory, ", Unit::Bytes, mine.memory as f64, cost.memory as f64, Some(2.0)));
        }
    }
    Ok((mine, rows))
}

fn ours(cache: &Cache, case: &Case, more: &'static [&'static str]) -> Contender {
    let (world, dir) = (cache.world.clone(), case.dir.clone());
    let (from, to) = (case.from.clone(), case.to.clone());
    Contender::new("deployctl", move || {
        let mut command = world.command(DEPLOYCTL, &dir);
        command.args(["checklist", "v99.0.0-bench", "--commit", &to, "--since", &from]).args(more);
        command
    })
}

fn git(cache: &Cache, case: &Case, name: &str, arguments: &'static [&'static str]) -> Contender {
    let (world, dir) = (cache.world.clone(), case.dir.clone());
    let range = format!("{}..{}", case.from, case.to);
    Contender::new(name, move || {
        let mut command = world.command("git", &dir);
        command.args(arguments).arg(&range);
        command
    })
}

fn cliff(cache: &Cache, case: &Case) -> Contender {
    let (world, dir) = (cache.world.clone(), case.dir.clone());
    let range = format!("{}..{}", case.from, case.to);
    let contender = Contender::new(CLIFF, move || {
        let mut command = world.command(CLIFF, &dir);
        command.args(["--offline", &range]);
        command
    });
    Contender { once: true, ..contender }
}

/// `10,000`.
fn thousands(number: usize) -> String {
    deployctl::render::text::thousands(number)
}
