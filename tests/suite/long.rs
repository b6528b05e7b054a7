//! A ledger of ten years: what is read from where its index leads is what reading everything comes to, no more than that is
//! read, and damage to the index changes nothing.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use chrono::DateTime;
use deployctl::world::index::{Begins, Index, ROW, Row};
use serde_json::Value;

use crate::house::House;

#[path = "../../benches/ledger/making.rs"]
mod making;

/// Entries of the ledger: about 75 deployments, of which four were rolled back.
const ENTRIES: usize = 400;

/// A clone that has verified such a ledger.
fn long() -> House {
    let house = House::empty();
    let rules = making::make(&|| house.command("git"), ENTRIES).unwrap();
    house.write("deployctl.yaml", &rules);
    house.run(["status"]).any_stdout().exit(0);
    house
}

fn index(house: &House) -> PathBuf {
    house.project().join(".git/deployctl/ledger.index")
}

fn shown(house: &House, words: &[&str]) -> Value {
    house.run(words.iter().copied().chain(["--json"])).any_stdout().any_stderr().exit(0).json()
}

/// The table of everything, newest first; of it only what these words leave.
fn rows(house: &House, words: &[&str]) -> Vec<Value> {
    let words: Vec<&str> = ["history"].iter().chain(words).copied().collect();
    shown(house, &words)["deployments"].as_array().unwrap().clone()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

/// Every object in a file of its own, so that one can be taken away.
fn unpacked(house: &House) {
    let packs = house.project().join(".git/objects/pack");
    for file in fs::read_dir(&packs).unwrap().map(|file| file.unwrap().path()) {
        let away = house.world().join(file.file_name().unwrap());
        fs::rename(&file, &away).unwrap();
        if away.extension().is_some_and(|kind| kind == "pack") {
            let pack = Stdio::from(fs::File::open(&away).unwrap());
            let unpacked = house.command("git").args(["unpack-objects", "-q"]).stdin(pack).status();
            assert!(unpacked.unwrap().success());
        }
    }
}

#[test]
fn what_the_index_leads_to_is_what_reading_everything_comes_to() {
    let house = long();
    let all = rows(&house, &[]);
    assert_eq!(rows(&house, &["--limit", "20"]), all[..20]);
    assert_eq!(rows(&house, &["--limit", "1000"]), all);
    for (since, until) in
        [("2018-03-01", "2018-08-31"), ("2010-01-01", "2010-12-31"), ("2019-12-01", "2030-01-01")]
    {
        let wanted = |row: &&Value| (since..=until).contains(&text(row, "date"));
        let wanted: Vec<Value> = all.iter().filter(wanted).cloned().collect();
        assert_eq!(rows(&house, &["--since", since, "--until", until]), wanted, "{since}");
    }
    let rollbacks = || all.iter().filter(|row| row["action"] == "rollback");
    assert!(rollbacks().count() > 3);
    for row in all.iter().step_by(17).chain(rollbacks()) {
        let version = text(row, "version");
        let of_version: Vec<Value> = all.iter().filter(|row| row["version"] == version).cloned().collect();
        assert_eq!(rows(&house, &["--version", version]), of_version, "{version}");
    }
    assert_eq!(rows(&house, &["--version", "v9.9.9"]), Vec::<Value>::new());
}

#[test]
fn the_report_of_a_rollback_of_years_ago_is_drafted_from_where_the_index_leads() {
    let house = long();
    let rollback = rows(&house, &[]).into_iter().rfind(|row| row["action"] == "rollback").unwrap();
    let execution = text(&rollback, "execution").trim_start_matches("sha256:");
    let known = fs::read(index(&house)).unwrap();
    for name in [&execution[..9], text(&rollback["previous"], "version")] {
        let words = ["approve", "--review", name, "--show"];
        let drafted = shown(&house, &words);
        fs::remove_file(index(&house)).unwrap();
        assert_eq!(drafted, shown(&house, &words), "{name}");
        fs::write(index(&house), &known).unwrap();
    }
}

#[test]
fn no_more_is_read_than_the_question_needs() {
    let house = long();
    let all = rows(&house, &[]);
    let (newest, old, middle) = (&all[0], &all[all.len() - 5], &all[all.len() / 2]);
    unpacked(&house);
    let lost = house.git(["log", "--format=%H", "--reverse", "deployctl/ledger"]);
    let lost = lost.lines().nth(24).unwrap();
    let signature = house.git(["ls-tree", "--name-only", lost]);
    let signature = signature.lines().find(|name| name.ends_with(".sig")).unwrap();
    let id = house.git(["rev-parse", &format!("{lost}:{signature}")]);
    fs::remove_file(house.project().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    for words in [
        ["--limit", "20"],
        ["--since", "2019-01-01"],
        ["--version", text(middle, "version")],
        ["--version", text(newest, "version")],
    ] {
        rows(&house, &words);
    }
    shown(&house, &["history", "--modifications", "--limit", "20"]);
    for words in [vec!["--version", text(old, "version")], vec![]] {
        let refused = house.run(["history", "--json"].into_iter().chain(words)).any_stdout().any_stderr();
        assert_eq!(refused.exit(4).json()["reasons"][0]["code"], "ledger.tampered");
    }
}

#[test]
fn a_part_of_the_ledger_is_told_without_the_files_beside_what_was_signed() {
    let house = long();
    let questions = [["--limit", "20"], ["--since", "2019-01-01"], ["--version", "v1.30.0"]];
    let answers = questions.map(|question| rows(&house, &question));
    unpacked(&house);
    let known = Index::open(&house.project().join(".git")).unwrap();
    let entries = house.git(["log", "--format=%H", "--reverse", "deployctl/ledger"]);
    let mut lost = 0;
    for (entry, _) in entries.lines().zip(1..).filter(|(_, place)| !known.row(*place).unwrap().reached) {
        let state = house.git(["ls-tree", entry, "state.json"]);
        if let Some(id) = state.split_whitespace().nth(2) {
            let object = house.project().join(".git/objects").join(&id[..2]).join(&id[2..]);
            fs::remove_file(object).unwrap();
            lost += 1;
        }
    }
    assert!(lost > ENTRIES / 3, "{lost}");
    for (question, answer) in questions.iter().zip(&answers) {
        assert_eq!(rows(&house, question), *answer, "{question:?}");
    }
    house.run(["history"]).any_stdout().any_stderr().exit(4);
}

#[test]
fn modifications_told_of_a_part_are_the_newest_of_all() {
    let house = long();
    let modifications = |words: &[&str]| -> Value {
        let words: Vec<&str> = ["history", "--modifications"].iter().chain(words).copied().collect();
        let shown = shown(&house, &words);
        Value::from(vec![shown["modifications"].clone(), shown["more"].clone()])
    };
    let questions: [&[&str]; 8] = [
        &["--limit", "1"],
        &["--limit", "40"],
        &["--limit", "300"],
        &["--since", "2018-06-01"],
        &["--since", "2018-06-01", "--limit", "3"],
        &["--since", "2018-06-01", "--limit", "60", "--by", "bob"],
        &["--limit", "5", "--by", "carol"],
        &["--limit", "20", "-e", "production"],
    ];
    let known = fs::read(index(&house)).unwrap();
    for question in questions {
        fs::write(index(&house), &known).unwrap();
        let of_a_part = modifications(question);
        fs::remove_file(index(&house)).unwrap();
        assert_eq!(of_a_part, modifications(question), "{question:?}");
    }
}

/// Each table is what it was, with each of these as the index.
fn tells_the_same(house: &House, indexes: &[Vec<u8>], questions: &[[&str; 2]], answers: &[Vec<Value>]) {
    for (number, spoilt) in indexes.iter().enumerate() {
        for (question, answer) in questions.iter().zip(answers) {
            fs::write(index(house), spoilt).unwrap();
            assert_eq!(rows(house, question), *answer, "{number}: {question:?}");
        }
    }
}

#[test]
fn an_index_that_is_damaged_or_another_ledgers_changes_no_table() {
    let house = long();
    let questions = [["--limit", "20"], ["--version", "v1.30.0"]];
    let answers = questions.map(|question| rows(&house, &question));
    let known = fs::read(index(&house)).unwrap();
    let edited = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut index = known.clone();
        edit(&mut index);
        index
    };
    let of_another = fs::read(index(&long())).unwrap();
    let spoilt = [
        Vec::new(),
        of_another.clone(),
        edited(&|index| index.truncate(index.len() - 1)),
        edited(&|index| index.truncate(index.len() - ROW)),
        edited(&|index| index.drain(..ROW).for_each(drop)),
        // One row, wherever it is, in another's place or of another ledger.
        edited(&|index| index.copy_within(..ROW, 200 * ROW)),
        edited(&|index| index[250 * ROW..].copy_from_slice(&of_another[250 * ROW..known.len()])),
        edited(&|index| (250..390).for_each(|row| index[row * ROW + 32] ^= 1)),
        edited(&|index| index[..300 * ROW].copy_from_slice(&of_another[..300 * ROW])),
    ];
    tells_the_same(&house, &spoilt, &questions, &answers);
}

#[test]
fn an_index_whose_rows_lie_shortens_no_table() {
    let house = long();
    let questions = [["--limit", "20"], ["--since", "2018-03-01"], ["--version", "v1.30.0"]];
    let answers = questions.map(|question| rows(&house, &question));
    let known = fs::read(index(&house)).unwrap();
    let lying = |lie: &dyn Fn(u64, &mut Row)| -> Vec<u8> {
        let rows = known.as_chunks::<ROW>().0.iter().zip(1..);
        rows.flat_map(|(row, sequence)| {
            let mut row = Row::read(row, sequence).unwrap();
            lie(sequence, &mut row);
            row.write(sequence)
        })
        .collect()
    };
    let lies = [
        lying(&|sequence, row| {
            if sequence < 390 {
                row.at = DateTime::UNIX_EPOCH;
            }
        }),
        lying(&|_, row| row.begins = Begins::Deployment),
        lying(&|_, row| row.begins = Begins::Nothing),
    ];
    tells_the_same(&house, &lies, &questions, &answers);
}

#[test]
fn nobody_waits_for_an_index_that_is_no_file() {
    let house = long();
    let newest = rows(&house, &["--limit", "3"]);
    fs::remove_file(index(&house)).unwrap();
    house.program_at_terminal("mkfifo", &[&index(&house).display().to_string()]).exit(0);
    assert_eq!(rows(&house, &["--limit", "3"]), newest);
    let mark = house.project().join(".git/deployctl/high-water.json");
    fs::remove_file(&mark).unwrap();
    house.program_at_terminal("mkfifo", &[&mark.display().to_string()]).exit(0);
    let refused = house.run(["status"]).any_stdout().any_stderr().exit(1).stderr;
    assert!(refused.contains("it is not a file"), "{refused}");
}

#[test]
fn the_index_grows_with_the_ledger_and_comes_back_where_it_is_lost() {
    let (house, id) = House::approved();
    let rows = || Index::open(&house.project().join(".git")).map(|index| index.rows());
    house.run(["status"]).any_stdout().exit(0);
    assert_eq!(rows(), Some(2));
    house.person("alice").deploys(&id);
    house.run(["status"]).any_stdout().exit(0);
    let all = house.entries().len() as u64;
    assert_eq!(rows(), Some(all));
    fs::remove_file(index(&house)).unwrap();
    house.run(["status"]).any_stdout().exit(0);
    assert_eq!(rows(), None, "nothing before it was read");
    house.run(["history"]).any_stdout().exit(0);
    assert_eq!(rows(), Some(all));
}
