//! On the journal: whoever may push can jam it, and nothing that people sign waits for it.

use deployctl::gate::request::Request;
use deployctl::world::records::JOURNAL;
use serde_json::json;

use crate::forge::PROGRAM;
use crate::house::{House, Terminal};

/// A journal that somebody jammed.
pub(crate) struct Jam {
    /// What every command says of it that would add a line.
    pub(crate) told: String,
    /// The line that helps.
    cure: String,
}

/// Pushes a merge on top of the remote's journal.
pub(crate) fn jams(house: &House) -> Jam {
    let good = house.git(["rev-parse", "deployctl/journal"]);
    let tree = house.git(["rev-parse", "deployctl/journal^{tree}"]);
    let merge = house.git(["commit-tree", "-p", "HEAD", "-p", &good, "-m", "merged", &tree]);
    house.git(["push", "--quiet", "origin", &format!("{merge}:{JOURNAL}")]);
    let cure = format!("git push --force-with-lease={JOURNAL}:{merge} origin {good}:{JOURNAL}");
    let told = format!(
        "the journal is jammed, nothing can be added to it: entry [id]: it has two parents: a chain of records has no \
         merges; somebody who may restores the branch: \
         `git push --force-with-lease={JOURNAL}:[commit] origin [commit]:{JOURNAL}`"
    );
    Jam { told, cure }
}

/// A file of a line: its text, or a file that many lines have.
enum Held {
    Text(String),
    Shared,
}

/// Puts lines at the end of this clone's journal, each with files beside it; the shared one is of so many zeros.
fn floods(
    house: &House,
    zeros: usize,
    lines: impl IntoIterator<Item = (&'static str, Vec<(&'static str, Held)>)>,
) {
    let mut stream = format!("blob\nmark :1\ndata {zeros}\n{}\n", "0".repeat(zeros));
    let inline = |stream: &mut String, name: &str, text: &str| {
        stream.push_str(&format!("M 100644 inline {name}\ndata {}\n{text}\n", text.len()));
    };
    for (number, (kind, files)) in lines.into_iter().enumerate() {
        let from = if number == 0 { format!("from {JOURNAL}^0\n") } else { String::new() };
        stream.push_str(&format!("commit {JOURNAL}\ncommitter x <x> 0 +0000\ndata 0\n{from}deleteall\n"));
        let payload = format!(
            "{{\"about\":\"flood\",\"at\":\"2026-11-23T10:00:00Z\",\"by\":\"mallory\",\"details\":[],\"kind\":\"{kind}\",\
             \"previous\":null,\"repository\":null,\"schema\":\"deployctl/1\",\"sequence\":{number}}}"
        );
        inline(&mut stream, "payload.json", &payload);
        for (name, held) in files {
            match held {
                Held::Text(text) => inline(&mut stream, name, &text),
                Held::Shared => stream.push_str(&format!("M 100644 :1 {name}\n")),
            }
        }
    }
    house.write("../flood", &stream);
    house.program("sh", &["-c", "git fast-import --quiet < ../flood"]).exit(0);
}

/// The files of the request that the journal ends with.
fn requested(house: &House) -> Vec<(&'static str, String)> {
    let file = |name| (name, house.git(["show", &format!("deployctl/journal:{name}")]));
    ["request.json", "request.md", "checklist.md", "evidence.json"].map(file).into()
}

#[test]
fn a_few_kilobytes_that_say_gigabytes() {
    let (house, id) = House::requested();
    let files = requested(&house);
    let heavy = |name: &'static str| {
        files
            .iter()
            .map(move |(known, text)| {
                (*known, if *known == name { Held::Shared } else { Held::Text(text.clone()) })
            })
            .collect::<Vec<_>>()
    };
    let line = |number: u32| match number % 4 {
        0 => ("deployment", vec![("deployment.json", Held::Shared)]),
        1 => ("evidence", vec![("evidence.json", Held::Shared)]),
        2 => ("request", heavy("request.json")),
        _ => ("request", heavy("request.md")),
    };
    floods(&house, 30 << 20, (0..160).map(line));
    for words in ["status", "history", "checklist v1.4.0 --since v1.3.0", &format!("approve {id} --show")] {
        let limited = format!("ulimit -v 400000; exec {PROGRAM} {words}");
        house.program("sh", &["-c", &limited]).any_stdout().any_stderr().exit(0);
    }
}

/// As many requests of one version and commit, told apart by what they ask for; half of them at another moment.
fn forged(house: &House, number: u32) -> Vec<(&'static str, Held)> {
    let records = house.records();
    let files = records.files(&records.tip(JOURNAL).unwrap().unwrap()).unwrap();
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let mut forged = Request::read(&files["request.json"]).unwrap();
    match number % 2 {
        0 => forged.asked.summary = format!("Number {number}"),
        _ => forged.at -= chrono::TimeDelta::seconds(number.into()),
    }
    let json = String::from_utf8(forged.bytes().unwrap()).unwrap();
    let others = ["request.md", "checklist.md", "evidence.json"].map(|name| (name, Held::Text(text(name))));
    [("request.json", Held::Text(json))].into_iter().chain(others).collect()
}

#[test]
fn many_requests_for_the_same_that_share_a_large_file() {
    let (house, id) = House::requested();
    let heavy = |number| {
        let files = forged(&house, number).into_iter();
        (
            "request",
            files
                .map(|(name, held)| (name, if name == "checklist.md" { Held::Shared } else { held }))
                .collect(),
        )
    };
    let lines: Vec<_> = (0..16).map(heavy).collect();
    floods(&house, 31 << 20, lines);
    for (words, exit) in [
        (format!("approve {id} --show"), 0),
        ("approve v1.4.0 --show".to_owned(), 0),
        ("deploy production --dry-run".to_owned(), 4),
        ("status".to_owned(), 0),
        ("request v1.4.0 --since v1.3.0 --as orchestrator".to_owned(), 0),
    ] {
        let limited = format!("ulimit -v 400000; exec {PROGRAM} {words}");
        let answer = house.program("sh", &["-c", &limited]).any_stdout().any_stderr().exit(exit);
        let said = [answer.stdout, answer.stderr].concat();
        assert!(said.contains(&id) || words.starts_with("request"), "{words}: {said}");
    }
}

#[test]
fn a_request_that_is_buried_is_found() {
    let (house, id) = House::requested();
    floods(&house, 1, (0..2_100).map(|_| ("refusal", vec![])));
    let status = house.run(["status"]).any_stdout().any_stderr().exit(0).stdout;
    assert!(status.contains(&id), "{status}");
    house.person("alice").approves(&id);
}

#[test]
fn a_thousand_forged_requests_of_one_version() {
    let (house, id) = House::requested();
    let lines: Vec<_> = (0..1_000).map(|number| ("request", forged(&house, number))).collect();
    floods(&house, 1, lines);
    let status = house.run(["status"]).any_stdout().any_stderr().exit(0).stdout;
    // They can be approved as well, and all ask for the same: the newest is offered.
    assert_eq!(status.matches("AWAITING HUMAN APPROVAL").count(), 1, "{status}");
    house.clock("2026-11-23T10:01:00Z");
    let words = ["--as", "orchestrator", "--since", "v1.3.0", "--summary", "Totals in the cart", "--json"];
    let words = || ["request", "v1.4.0"].into_iter().chain(words);
    let made = house.run(words()).any_stdout().any_stderr().exit(0).json();
    assert_eq!(made["created"], true, "{made:#}");
    assert_ne!(made["id"], *id, "{made:#}");
    let again = house.run(words()).any_stdout().any_stderr().exit(0).json();
    assert_eq!((&again["created"], &again["id"]), (&false.into(), &made["id"]));
}

const REQUEST: [&str; 8] =
    ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "--summary", "Once more"];

#[test]
fn a_jammed_journal_does_not_block_production() {
    let (house, _) = House::shared();
    let jam = jams(&house);
    let mut ids = Vec::new();
    for house in [&house, &house.clone_of()] {
        house.report("unit", 12, 0);
        house.report("integration", 3, 0);
        let failed = format!("the request could not be recorded in the journal: {}", jam.told);
        let without =
            format!("error: nothing was requested: with `-o DIR` the request travels as files: {failed}\n");
        house.run(REQUEST).stderr(&without).exit(1);
        let answer =
            house.run(REQUEST.into_iter().chain(["-o", "package"])).any_stdout().any_stderr().exit(0);
        let written = "wrote the package to `package`\n";
        house.ends(&answer.stdout, &format!("warning: {failed}; it is only in the package\n{written}"));
        assert!(answer.stdout.contains("deployctl approve package\n"), "{}", answer.stdout);
        ids.extend(answer.stdout.lines().find_map(|line| line.strip_prefix("requested ")).map(str::to_owned));
    }
    let shown = house.person("bob").at_terminal(["approve", "package"]).signs().exit(0);
    assert!(shown.contains("approved"), "{shown}");
    house.person("alice").at_terminal(["deploy", "production", &ids[0]]).signs().exit(0);
}

#[test]
fn evidence_that_a_jammed_journal_does_not_take() {
    let (house, _) = House::shared();
    let jam = jams(&house);
    let fresh = house.clone_of();
    let check = ["check", "unit", "--as", "qa-specialist"];
    let failed = format!("error: the evidence could not be recorded: {}\n", jam.told);
    for house in [&house, &fresh] {
        house.report("unit", 12, 0);
        let answer = house.run(check).stderr(&failed).exit(1);
        assert!(answer.stderr.contains(&jam.cure), "{}", answer.stderr);
    }
    // The line that is told restores it, for those who have followed the jam as well.
    let words: Vec<&str> = jam.cure.split(' ').skip(1).collect();
    let [push, lease, remote, branch] = words[..] else { panic!("{words:?}") };
    house.git([push, "--quiet", lease, remote, branch]);
    for house in [&house, &fresh] {
        house.run(check).any_stdout().exit(0);
    }
}

/// Adds a line to this clone's journal, by somebody who chooses his name and his date.
fn adds(house: &House, by: &str, at: &str, about: &str) {
    let records = house.records();
    let tip = records.tip(JOURNAL).unwrap();
    let line = json!({
        "about": about, "at": at, "by": by, "details": ["human.terminal"], "kind": "refusal", "previous": null,
        "repository": null, "schema": "deployctl/1", "sequence": 9
    });
    let files = [("payload.json".to_owned(), line.to_string().into_bytes())].into();
    let line = records.write(tip.as_ref(), &files, "mallory", house.now(), "line").unwrap();
    records.advance(JOURNAL, tip.as_ref(), &line).unwrap();
}

#[test]
fn a_name_that_says_that_it_is_signed() {
    let (house, _) = House::requested();
    adds(&house, "alice (signed)", "2026-11-23T10:01:00Z", "deploy production");
    adds(&house, &format!("signed: alice{}", " ".repeat(90)), "2026-11-23T10:01:00Z", "deploy production");
    for columns in [40, 60, 80, 100, 200] {
        house.columns(columns);
        let shown = house.at_terminal(["history", "--modifications", "--limit", "2"]).exit(0);
        assert_eq!(shown.matches(" journal: ").count(), 2, "{columns}: {shown}");
        assert!(!shown.replace(" journal: signed: ", "").contains(" signed: "), "{columns}: {shown}");
    }
    let of = |form| house.run(["history", "--modifications", "--format", form]).any_stdout().exit(0).stdout;
    assert!(
        of("markdown").contains("| 10:01 | journal: alice (signed) | was refused |"),
        "{}",
        of("markdown")
    );
    assert!(of("csv").contains("…(+39),was refused,deploy production,human.terminal,production,false,"));
    let page = house.run(["history", "--format", "html"]).any_stdout().exit(0).stdout;
    assert!(page.contains(">journal: alice (signed)<") && page.contains(">journal: signed: alice"));
}

#[test]
fn a_line_that_is_dated_ahead_does_not_stay_on_top() {
    let (house, id) = House::requested();
    adds(&house, "mallory", "2999-01-01T00:00:00Z", "deploy production");
    let rows = || {
        let words = ["history", "--modifications", "--format", "csv"];
        house.run(words).any_stdout().exit(0).stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(rows()[0].starts_with("2999-01-01,00:00,mallory,was refused,dated ahead: deploy production,"));
    house.clock("2026-11-23T10:30:00Z");
    house.run(["deploy", "production", "--as", "ci"]).any_stderr().exit(4);
    let (newest, older) = (&rows()[0], &rows()[1]);
    let told = format!("2026-11-23,10:30,ci,was refused,deploy production {id},");
    assert!(newest.starts_with(&told), "{newest}");
    assert!(older.contains(",mallory,"), "{older}");
}

#[test]
fn one_refusal_over_and_over() {
    let (house, id) = House::shared();
    let lines = || house.git(["rev-list", "--count", "deployctl/journal"]).parse::<u32>().unwrap();
    let refused = |by: &str| {
        house.run(["deploy", "production", &id, "--as", by]).any_stdout().any_stderr().exit(4);
        lines()
    };
    let before = lines();
    assert_eq!([refused("agent"), refused("agent"), refused("agent")], [before + 1; 3]);
    assert_eq!([refused("other"), refused("agent"), refused("other")], [before + 2; 3]);
    house.clock("2026-11-23T11:30:00Z");
    assert_eq!(refused("agent"), before + 3);
}

#[test]
fn nobody_waits_for_a_refusal_to_be_kept() {
    let (house, _) = House::shared();
    let shown = house.world().join("shown");
    // The remote takes the line only once the refusal was read.
    let path = shown.display();
    let wait =
        format!("#!/bin/sh\nfor i in $(seq 1800); do [ -e {path} ] && exit 0; sleep 0.1; done; exit 1\n");
    house.hook("pre-receive", &wait);
    let key = house.key("alice").display().to_string();
    let words = ["deploy", "production", "v9.9.9", "--key", &key];
    let refused = house.at_terminal(words).expect("there is no request `v9.9.9`");
    std::fs::write(&shown, "").unwrap();
    refused.exit(3);
    let told = house.git(["log", "-1", "--format=%s", "refs/heads/deployctl/journal"]);
    assert!(told.starts_with("refusal: deploy production v9.9.9 by "), "{told}");
}

#[test]
fn a_refusal_that_cannot_be_kept_is_shown_before_that_is_said() {
    let (house, id) = House::shared();
    let jam = jams(&house);
    let answer =
        house.run(["deploy", "production", &id, "--as", "agent"]).any_stdout().any_stderr().exit(4).stderr;
    let warning = format!("warning: the refusal could not be kept in the journal: {}\n", jam.told);
    house.ends(&answer, &warning);
    assert!(answer.starts_with("refused: deployctl deploy\n"), "{answer}");
}

#[test]
fn a_journal_that_somebody_else_writes_to_all_the_time() {
    let (house, _) = House::shared();
    // Before each of the first nine pushes arrives, another line is there.
    let count = house.world().join("count").display().to_string();
    let script = format!(
        "#!/bin/sh\necho >> {count}\n[ $(wc -l < {count}) -gt 9 ] && exit 0\n\
         unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
         export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x\n\
         git update-ref {JOURNAL} $(git commit-tree -p {JOURNAL} -m other {JOURNAL}^{{tree}})\n"
    );
    let lines = || house.git(["rev-list", "--count", "deployctl/journal"]).parse::<u32>().unwrap();
    let before = lines();
    house.hook("pre-receive", &script);
    house.run(["check", "unit", "--as", "qa-specialist"]).any_stdout().exit(0);
    assert_eq!(lines(), before + 10);
    assert!(house.git(["log", "-1", "--format=%s", "deployctl/journal"]).starts_with("evidence: unit"));
}

#[test]
fn many_machines_record_at_once() {
    let (house, _) = House::shared();
    let lines = || house.git(["rev-list", "--count", "deployctl/journal"]).parse::<u32>().unwrap();
    let before = lines();
    let clones: Vec<House> = (0..12).map(|_| house.clone_of()).collect();
    let checks: Vec<Terminal> = clones
        .iter()
        .zip(1..)
        .map(|(clone, number)| {
            // Each found something else: the same words at the same moment are one line.
            clone.report("unit", number, 0);
            clone.at_terminal(["check", "unit", "--as", "qa-specialist"])
        })
        .collect();
    for check in checks {
        let shown = check.exit(0);
        assert!(!shown.contains("warning"), "{shown}");
    }
    house.run(["status"]).any_stdout().any_stderr().exit(0);
    assert_eq!(lines(), before + 12);
}
