//! A synthetic history, as a stream for `git fast-import`: side branches, merges, tags, many authors, skewed clocks.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::dice::Dice;
use super::tree::{Edit, Tree};
use super::wording::{PEOPLE, message};

/// The lengths of the ranges that are measured: as many commits lie between `refs/bench/since-N` and the tip.
pub const RANGES: [usize; 3] = [100, 1_000, 10_000];
/// Commits from one release to the next.
const RELEASE: usize = 250;
/// A side branch and its merge need at most so many commits.
const EPISODE: usize = 9;
/// Every how many commits a side branch begins; with its own commits that is a merge in about fifteen.
const CALM: usize = 11;
/// The first commit, in seconds since 1970.
const START: i64 = 1_500_000_000;
/// From one commit to the next, in seconds.
const PACE: i64 = 900;

/// What the next commit is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Main,
    Side,
    Merge,
}

/// Writes a history of so many commits after the first one.
pub fn write(out: &mut impl Write, commits: usize) -> io::Result<()> {
    let mut dice = Dice::new(commits as u64);
    let (tree, edits) = Tree::first(&mut dice);
    let mut history =
        History { out, dice, tree, commits, main: 0, side: None, brought: vec![], plan: VecDeque::new() };
    history.commit(0, "refs/heads/main", "feat: begin\n", &[], &edits)?;
    history.main = 1;
    history.mark(0)?;
    for number in 1..=commits {
        history.step(number)?;
        history.mark(number)?;
    }
    history.out.write_all(b"done\n")
}

struct History<'a, W> {
    out: &'a mut W,
    dice: Dice,
    tree: Tree,
    commits: usize,
    /// The newest commit of each line; a commit's mark is its number and one.
    main: usize,
    side: Option<usize>,
    /// What the side branch did: a merge brings it to the main line.
    brought: Vec<Edit>,
    plan: VecDeque<Step>,
}

impl<W: Write> History<'_, W> {
    fn step(&mut self, number: usize) -> io::Result<()> {
        if self.plan.is_empty() && self.dice.in_every(CALM) && self.is_calm(number) {
            let steps = 1 + self.dice.below(4);
            self.plan.extend((0..steps).flat_map(|_| [Step::Side, Step::Main]).chain([Step::Merge]));
        }
        let mark = number + 1;
        match (self.plan.pop_front().unwrap_or(Step::Main), self.side) {
            (Step::Merge, Some(side)) => {
                let edits = std::mem::take(&mut self.brought);
                let text = format!("Merge pull request #{} from team/topic\n", number % 9_000);
                self.commit(number, "refs/heads/main", &text, &[self.main, side], &edits)?;
                self.side = None;
                self.main = mark;
            }
            (Step::Side, side) => {
                let edits = self.edits(number);
                let text = message(&mut self.dice, number);
                self.commit(number, "refs/bench/side", &text, &[side.unwrap_or(self.main)], &edits)?;
                self.brought.extend(edits);
                self.side = Some(mark);
            }
            _ => {
                let mut edits = self.edits(number);
                if number.is_multiple_of(RELEASE) {
                    edits.push(self.tree.changelog(release(number), &mut self.dice));
                }
                let text = message(&mut self.dice, number);
                self.commit(number, "refs/heads/main", &text, &[self.main], &edits)?;
                self.main = mark;
            }
        }
        Ok(())
    }

    fn edits(&mut self, number: usize) -> Vec<Edit> {
        // While two lines are open nothing loses its name: the other line may still write it.
        let apart = self.side.is_some() || !self.plan.is_empty();
        self.tree.step(number, self.commits, apart, &mut self.dice)
    }

    /// Whether a side branch would be merged before the next place where a range begins.
    fn is_calm(&self, number: usize) -> bool {
        let places = RANGES.iter().filter_map(|range| self.commits.checked_sub(*range)).chain([self.commits]);
        places.filter(|place| *place >= number).all(|place| place - number > EPISODE)
    }

    fn mark(&mut self, number: usize) -> io::Result<()> {
        if RANGES.contains(&(self.commits - number)) {
            writeln!(self.out, "reset refs/bench/since-{}\nfrom :{}\n", self.commits - number, self.main)?;
        }
        if number.is_multiple_of(RELEASE) {
            let (name, main) = (release(number), self.main);
            if number.is_multiple_of(2 * RELEASE) {
                let (who, address) = PEOPLE[0];
                let when = START + PACE * number as i64;
                writeln!(self.out, "tag {name}\nfrom :{main}\ntagger {who} <{address}> {when} +0000")?;
                data(self.out, format!("Release {name}\n").as_bytes())?;
            } else {
                writeln!(self.out, "reset refs/tags/{name}\nfrom :{main}\n")?;
            }
        }
        Ok(())
    }

    fn commit(
        &mut self,
        number: usize,
        branch: &str,
        text: &str,
        parents: &[usize],
        edits: &[Edit],
    ) -> io::Result<()> {
        let (who, address) = self.dice.one(&PEOPLE);
        let (written, committed) = self.times(number);
        let out = &mut *self.out;
        writeln!(out, "commit {branch}\nmark :{}", number + 1)?;
        writeln!(out, "author {who} <{address}> {written} +0100")?;
        writeln!(out, "committer {who} <{address}> {committed} +0000")?;
        data(out, text.as_bytes())?;
        for (parent, word) in parents.iter().zip(["from", "merge"]) {
            writeln!(out, "{word} :{parent}")?;
        }
        for edit in edits {
            match edit {
                Edit::Write(path, content) => {
                    writeln!(out, "M 100644 inline {path}")?;
                    data(out, content.as_bytes())?;
                }
                Edit::Delete(path) => writeln!(out, "D {path}")?,
                Edit::Rename(from, to) => writeln!(out, "R {from} {to}")?,
            }
        }
        writeln!(out)
    }

    /// When it was written and committed; one clock in two hundred is wrong by up to three days.
    fn times(&mut self, number: usize) -> (i64, i64) {
        let now = START + PACE * number as i64;
        let wrong = if self.dice.in_every(200) { self.dice.below(3 * 86_400) as i64 } else { 0 };
        (now - self.dice.below(86_400) as i64, now - wrong)
    }
}

fn release(number: usize) -> String {
    format!("v0.{}.0", number / RELEASE)
}

fn data(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    writeln!(out, "data {}", bytes.len())?;
    out.write_all(bytes)?;
    writeln!(out)
}
