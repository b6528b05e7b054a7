//! What is in a range is what one commit reaches and another does not: whatever the dates say, with and without git's
//! commit-graph, and as git itself says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use deployctl::evidence::migrations::{ChangeKind, PathChange};
use deployctl::gate::scope::Scope;
use deployctl::gate::terms::CommitId;
use deployctl::world::repository::Repository;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{commit_id, import, open};
use crate::house::House;

/// A commit of a made-up history: its parents by number, all of them earlier, its date, and the file it writes.
#[derive(Clone, Debug)]
struct Node {
    parents: Vec<usize>,
    date: u64,
    file: usize,
}

const FILES: [&str; 4] = ["services/api/main", "services/web/main", "libs/one", "readme"];

/// Up to thirty commits: several roots, merges of two and more, criss-cross, and dates of which some lie.
fn histories() -> impl Strategy<Value = Vec<Node>> {
    let date = prop_oneof![3 => Just(None), 1 => (0_u64..1 << 33).prop_map(Some)];
    let node = (prop::collection::vec(any::<prop::sample::Index>(), 0..4), date, 0..FILES.len(), 0..12_u8);
    prop::collection::vec(node, 2..30).prop_map(|nodes| {
        let make = |(number, node): (usize, (Vec<prop::sample::Index>, Option<u64>, usize, u8))| {
            let (parents, date, file, root) = node;
            let mut distinct: Vec<usize> = Vec::new();
            for parent in parents.iter().filter(|_| number > 0) {
                // Mostly the commits right before: else few histories are deep.
                let recent = number.min(4);
                let parent = number - 1 - parent.index(if root % 2 == 0 { recent } else { number });
                if !distinct.contains(&parent) {
                    distinct.push(parent);
                }
            }
            if distinct.is_empty() && number > 0 && root > 0 {
                distinct.push(number - 1);
            }
            Node { parents: distinct, date: date.unwrap_or(1_700_000_000 + 60 * number as u64), file }
        };
        nodes.into_iter().enumerate().map(make).collect()
    })
}

/// Builds it, and answers the ids by number.
fn build(house: &House, nodes: &[Node]) -> Vec<CommitId> {
    let mut stream = String::new();
    for (number, Node { parents, date, file, .. }) in nodes.iter().enumerate() {
        let text = format!("{number}");
        let (mark, length) = (number + 1, text.len());
        writeln!(stream, "commit refs/heads/c{number}\nmark :{mark}\ncommitter A <a@b> {date} +0000")
            .unwrap();
        writeln!(stream, "data {length}\n{text}").unwrap();
        for (place, parent) in parents.iter().enumerate() {
            let word = if place == 0 { "from" } else { "merge" };
            writeln!(stream, "{word} :{}", parent + 1).unwrap();
        }
        writeln!(stream, "M 100644 inline {}\ndata {length}\n{text}", FILES[*file]).unwrap();
    }
    import(house, &stream);
    let refs = house.git(["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/"]);
    let ids: BTreeMap<&str, &str> = refs.lines().filter_map(|line| line.split_once(' ')).collect();
    (0..nodes.len()).map(|number| commit_id(ids[format!("c{number}").as_str()])).collect()
}

/// Everything that a commit reaches, itself included.
fn reached(nodes: &[Node], from: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        next.extend(nodes[at].parents.iter().copied().filter(|parent| seen.insert(*parent)));
    }
    seen
}

/// Compares every pair with the model.
fn compare(repository: &Repository, nodes: &[Node], ids: &[CommitId], how: &str) {
    let number: BTreeMap<&CommitId, usize> =
        ids.iter().enumerate().map(|(number, id)| (id, number)).collect();
    let reach: Vec<BTreeSet<usize>> = (0..nodes.len()).map(|at| reached(nodes, at)).collect();
    for until in 0..nodes.len() {
        for since in (0..nodes.len()).map(Some).chain([None]) {
            let range = repository.range(since.map(|since| &ids[since]), &ids[until]).unwrap();
            let came: Vec<usize> = range.iter().map(|commit| number[&commit.commit]).collect();
            let hidden = since.map(|since| reach[since].clone()).unwrap_or_default();
            let expected: BTreeSet<usize> = reach[until].difference(&hidden).copied().collect();
            assert_eq!(came.iter().copied().collect::<BTreeSet<_>>(), expected, "{how}: {since:?}..{until}");
            assert_eq!(came.len(), expected.len(), "{how}: {since:?}..{until}");
            for (place, at) in came.iter().enumerate() {
                let parent_before = came[..place].iter().any(|before| nodes[*at].parents.contains(before));
                assert!(!parent_before, "{how}: {since:?}..{until}: {at} comes after a parent");
            }
            if let Some(since) = since {
                let descends = repository.descends(&ids[until], &ids[since]).unwrap();
                assert_eq!(descends, reach[until].contains(&since), "{how}: {since} in {until}");
            }
        }
    }
}

/// As git says, in git's order. Only where no date lies: git itself goes by them, and then answers otherwise.
fn compare_with_git(house: &House, repository: &Repository, ids: &[CommitId], pairs: &[(usize, usize)]) {
    let scope = Scope::check(&["services/api/**".to_owned(), "libs".to_owned()]).unwrap();
    let ids_of = |text: &str| text.lines().map(str::to_owned).collect::<Vec<String>>();
    for (since, until) in pairs {
        let (since, until) = (&ids[since % ids.len()], &ids[until % ids.len()]);
        let (no, yes) = (format!("^{since}"), until.to_string());
        let git = ids_of(&house.git(["rev-list", "--topo-order", "--date-order", &yes, &no]));
        let range = repository.range_of(Some(&scope), Some(since), until, &mut |_| ()).unwrap();
        let ours = repository.range(Some(since), until).unwrap();
        let ours: Vec<String> = ours.iter().map(|change| change.commit.to_string()).collect();
        assert_eq!(ours, git);
        assert_eq!(range.all, git.len());
        let (api, libs) = ("services/api", "libs");
        let plain = house.git(["rev-list", "--full-history", "--no-merges", &yes, &no, "--", api, libs]);
        let merges = ids_of(&house.git(["rev-list", "--merges", &yes, &no]));
        let from_all = |merge: &String| {
            let parents = house.git(["rev-parse", &format!("{merge}^@")]);
            let differs =
                |parent| !house.try_git(["diff", "--quiet", parent, merge, "--", api, libs]).status.success();
            parents.lines().all(differs)
        };
        let git = ids_of(&plain).into_iter().chain(merges.into_iter().filter(from_all));
        let touching: BTreeSet<String> =
            range.commits.iter().map(|change| change.commit.to_string()).collect();
        assert_eq!(touching, git.collect());
    }
}

/// One of a chain of two files, or one file.
fn write_graph(house: &House, split: bool) {
    if split {
        house.git(["commit-graph", "write", "--reachable", "--split=no-merge"]);
        return;
    }
    house.git(["commit-graph", "write", "--reachable"]);
}

#[test]
fn a_range_is_what_one_reaches_and_the_other_does_not() {
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let pairs = prop::collection::vec((0..30_usize, 0..30_usize), 4);
    let property = |(mut nodes, pairs, split, honest): (Vec<Node>, Vec<(usize, usize)>, bool, bool)| {
        let house = House::empty();
        for (number, node) in nodes.iter_mut().enumerate().filter(|_| honest) {
            node.date = 1_700_000_000 + 60 * number as u64;
        }
        let half = nodes.len() / 2;
        let early = build(&house, &nodes[..half.max(1)]);
        if split {
            // Later commits are then in no graph, or in the second file of a chain.
            write_graph(&house, true);
        }
        let ids = build(&house, &nodes);
        assert_eq!(early, ids[..early.len()]);
        let repository = open(&house);
        compare(&repository, &nodes, &ids, "plain");
        let drafting = repository.draft();
        compare(&repository, &nodes, &ids, "a draft, with an old graph or none");
        drop(drafting);
        write_graph(&house, split);
        let repository = open(&house);
        compare(&repository, &nodes, &ids, "decided");
        let drafting = repository.draft();
        compare(&repository, &nodes, &ids, "a draft, with a graph");
        if honest {
            compare_with_git(&house, &repository, &ids, &pairs);
        }
        drop(drafting);
        Ok(())
    };
    runner.run(&(histories(), pairs, any::<bool>(), any::<bool>()), property).unwrap();
}

/// Straight on from root to tip, a minute apart.
fn straight(count: usize) -> Vec<Node> {
    let node = |number: usize| Node {
        parents: number.checked_sub(1).into_iter().collect(),
        date: 1_700_000_000 + 60 * number as u64,
        file: number % FILES.len(),
    };
    (0..count).map(node).collect()
}

#[test]
fn the_cost_follows_the_range_and_not_the_history_behind_it() {
    let house = House::empty();
    let ids = build(&house, &straight(1_500));
    let repository = open(&house);
    // One commit is told of for every 256 that were read.
    let read = |since: usize, until: usize| {
        let mut told = 0;
        let range =
            repository.range_of(None, Some(&ids[since]), &ids[until], &mut |read| told = read).unwrap();
        (range.all, told)
    };
    assert_eq!(read(1_400, 1_499), (99, 0));
    assert_eq!(read(0, 1_499), (1_499, 1_280));
    // The other way round it is nothing, for as little.
    assert_eq!(read(1_499, 1_400), (0, 0));
}

#[test]
fn a_graph_that_is_none_is_passed_over() {
    let nodes = straight(40);
    let house = House::empty();
    let ids = build(&house, &nodes);
    write_graph(&house, false);
    let path = house.project().join(".git/objects/info/commit-graph");
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let judge = |bytes: &[u8], how: &str| {
        fs::write(&path, bytes).unwrap();
        let repository = open(&house);
        let _drafting = repository.draft();
        let range = repository.range(Some(&ids[20]), &ids[39]).unwrap();
        assert_eq!(range.len(), 19, "{how}");
        assert!(repository.descends(&ids[39], &ids[3]).unwrap(), "{how}");
        fs::remove_file(&path).unwrap();
    };
    judge(&whole, "as git wrote it");
    for length in (0..whole.len()).step_by(97).chain([1, 7, 8, 20, whole.len() - 1]) {
        judge(&whole[..length], &format!("cut to {length} bytes"));
    }
    for (place, byte) in [(0, b'X'), (4, 2), (5, 2), (6, 0), (6, 255), (7, 1), (15, 255)] {
        let mut other = whole.clone();
        other[place] = byte;
        judge(&other, &format!("byte {place} is {byte}"));
    }
    // Another history's graph, of the same ids, with parents that are not the commits' own.
    let mut forged = whole.clone();
    let data = forged.len() - 20 - 36 * 40;
    for record in 0..40 {
        forged[data + record * 36 + 23] = 7;
    }
    let said = fs::write(&path, &forged).and_then(|()| fs::read(&path)).unwrap();
    assert_eq!(said, forged);
    let repository = open(&house);
    assert_eq!(repository.range(Some(&ids[20]), &ids[39]).unwrap().len(), 19, "what decides reads no graph");
}

#[test]
fn what_differs_is_what_git_says() {
    let house = House::empty();
    house.write("a/b/c", "1\n");
    house.write("a.txt", "2\n");
    house.write("same", "same\n");
    house.write("moved", "moved\n");
    house.write("swap", "a file\n");
    house.write("turn/file", "in a directory\n");
    let first = commit_id(&house.commit("one"));
    fs::remove_file(house.project().join("swap")).unwrap();
    fs::remove_dir_all(house.project().join("turn")).unwrap();
    fs::rename(house.project().join("moved"), house.project().join("a/moved")).unwrap();
    house.write("swap/inner", "in a directory now\n");
    house.write("turn", "a file now\n");
    house.write("a/b/c", "3\n");
    house.write("a-b", "new\n");
    house.write("\u{fc}/\"q", "new too\n");
    let second = commit_id(&house.commit("two"));
    let change = |change, path: &str, from: Option<&str>| PathChange {
        change,
        path: path.to_owned(),
        from: from.map(str::to_owned),
    };
    let expected = [
        change(ChangeKind::Added, "a-b", None),
        change(ChangeKind::Modified, "a/b/c", None),
        change(ChangeKind::Renamed, "a/moved", Some("moved")),
        change(ChangeKind::Deleted, "swap", None),
        change(ChangeKind::Added, "swap/inner", None),
        change(ChangeKind::Added, "turn", None),
        change(ChangeKind::Deleted, "turn/file", None),
        change(ChangeKind::Added, "\u{fc}/\"q", None),
    ];
    let repository = open(&house);
    assert_eq!(repository.changes(Some(&first), &second).unwrap(), expected);
    assert_eq!(repository.changes(Some(&second), &second).unwrap(), []);
    assert_eq!(repository.changes(None, &first).unwrap().len(), 6);
}

#[test]
fn a_change_is_known_by_its_content_in_every_place_of_a_tree() {
    let house = House::empty();
    house.write("a/b/c", "1\n");
    house.write("gone", "gone\n");
    house.write("swap", "a file\n");
    house.write("turn/file", "in a directory\n");
    let before = commit_id(&house.commit("one"));
    let remove = |path: &str| fs::remove_file(house.project().join(path)).unwrap();
    remove("gone");
    remove("swap");
    fs::remove_dir_all(house.project().join("turn")).unwrap();
    house.write("swap/inner", "in a directory now\n");
    house.write("turn", "a file now\n");
    house.write("a/b/c", "3\n");
    house.write("a-b", "new\n");
    house.write("a/d", "new\n");
    let bad = commit_id(&house.commit("two"));
    house.write("else", "where\n");
    let beside = commit_id(&house.commit("three"));
    house.write("gone", "other\n");
    let undeleted = commit_id(&house.commit("four"));
    remove("gone");
    house.write("a/b/c", "4\n");
    let fixed = commit_id(&house.commit("five"));
    let repository = open(&house);
    let alike = |candidate: &CommitId, live: Option<&CommitId>| {
        let alike = repository.alike(&before, &bad, candidate, live).unwrap();
        (alike.paths, alike.same, alike.again, alike.first.join(" "))
    };
    let first = || "a-b a/b/c a/d".to_owned();
    assert_eq!(alike(&bad, Some(&before)), (8, 8, 8, first()));
    assert_eq!(alike(&beside, None), (8, 8, 8, first()));
    assert_eq!(alike(&before, None), (8, 0, 0, String::new()));
    assert_eq!(alike(&undeleted, Some(&before)), (8, 7, 7, first()));
    assert_eq!(alike(&fixed, Some(&before)), (8, 7, 7, "a-b a/d gone".to_owned()));
    assert_eq!(alike(&beside, Some(&fixed)), (8, 8, 1, "a/b/c".to_owned()));
    assert_eq!(alike(&bad, Some(&bad)).2, 0);
    assert_eq!(repository.alike(&bad, &beside, &bad, None).unwrap().same, 0);
    assert_eq!(repository.alike(&bad, &bad, &bad, None).unwrap().paths, 0);
}
