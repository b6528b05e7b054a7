//! What does not grow with history: a large test report, and the start.

use std::fs;
use std::time::Duration;

use anyhow::Result;

use super::measure::{Contender, instructions, race};
use super::project::Cache;
use super::table::{Row, Target, Unit, seconds};
use super::{DEPLOYCTL, Wanted};

/// How long the rounds of one comparison may take together.
const BUDGET: Duration = Duration::from_secs(3);
/// The most memory that a large report may take, in bytes.
const REPORT_MEMORY: f64 = 64e6;
/// The most instructions of a start.
const START_INSTRUCTIONS: f64 = 5e6;
/// Reads an XML file with the parser that Python has from C, and counts its elements.
const EXPAT: &str = "\
import sys, xml.parsers.expat
count = 0
def start(name, attributes):
    global count
    count += 1
parser = xml.parsers.expat.ParserCreate()
parser.StartElementHandler = start
parser.ParseFile(open(sys.argv[1], 'rb'))
";

/// A report of 50 MB, beside other readers that hold one piece of it at a time.
pub fn report(cache: &Cache, wanted: &Wanted) -> Result<Vec<Row>> {
    let dir = cache.reported()?;
    let path = dir.join("reports/unit.xml");
    let megabytes = fs::metadata(&path)?.len() as f64 / 1e6;
    let name = format!("junit report of {megabytes:.0} MB");
    if !wanted.takes(&name) {
        return Ok(vec![]);
    }
    (cache.tell)(&name);
    let file = path.to_string_lossy().into_owned();
    let mut contenders = vec![simple(cache, &dir, "deployctl", DEPLOYCTL, &["checklist", "v99.0.0"])];
    let peers = [
        ("`xmllint --stream`", "xmllint", vec!["--stream", "--noout", &file]),
        ("Python's expat", "python3", vec!["-c", EXPAT, &file]),
    ];
    for (name, program, arguments) in peers {
        if cache.world.has(program) {
            contenders.push(simple(cache, &dir, name, program, &arguments));
        }
    }
    let costs = race(&contenders, BUDGET)?;
    let Some((mine, theirs)) = costs.split_first() else { return Ok(vec![]) };
    let mut rows = vec![Row {
        what: format!("memory, {name}"),
        unit: Unit::Bytes,
        ours: mine.memory as f64,
        peer: None,
        target: Target::Most(REPORT_MEMORY),
    }];
    rows.extend(contenders.iter().skip(1).zip(theirs).map(|(contender, cost)| Row {
        what: name.clone(),
        unit: Unit::Seconds,
        ours: seconds(mine.cpu),
        peer: Some((contender.name.clone(), seconds(cost.cpu))),
        target: Target::None,
    }));
    Ok(rows)
}

/// Commands that have next to nothing to do.
pub fn start(cache: &Cache, wanted: &Wanted) -> Result<Vec<Row>> {
    let dir = cache.tiny()?;
    let mut rows = Vec::new();
    for (name, arguments, peer, peers) in [
        ("start: `--version`", ["--version"].as_slice(), "`git --version`", ["--version"].as_slice()),
        ("start: `checklist` of one commit", &["checklist", "v99.0.0"], "`git status`", &["status"]),
        ("start: `status`", &["status"], "`git status`", &["status"]),
    ] {
        if !wanted.takes(name) {
            continue;
        }
        (cache.tell)(name);
        let contenders =
            [simple(cache, &dir, "deployctl", DEPLOYCTL, arguments), simple(cache, &dir, peer, "git", peers)];
        let costs = race(&contenders, BUDGET)?;
        if let [mine, theirs] = costs.as_slice() {
            let peer = Some((peer.to_owned(), seconds(theirs.cpu)));
            let (unit, ours) = (Unit::Seconds, seconds(mine.cpu));
            rows.push(Row { what: name.to_owned(), unit, ours, peer, target: Target::None });
        }
        if let Some(count) = instructions(&cache.world, DEPLOYCTL, &dir, arguments) {
            let peer = instructions(&cache.world, "git", &dir, peers);
            rows.push(Row {
                what: name.to_owned(),
                unit: Unit::Instructions,
                ours: count as f64,
                peer: peer.map(|count| (contenders[1].name.clone(), count as f64)),
                target: Target::Most(START_INSTRUCTIONS),
            });
        }
    }
    Ok(rows)
}

fn simple(cache: &Cache, dir: &std::path::Path, name: &str, program: &str, arguments: &[&str]) -> Contender {
    let (world, dir, program) = (cache.world.clone(), dir.to_owned(), program.to_owned());
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    Contender::new(name, move || {
        let mut command = world.command(&program, &dir);
        command.args(&arguments);
        command
    })
}
