//! The walk over raw commits that tells what one commit reaches and another does not, whatever their dates say.
//!
//! Two colours go down from two tips: what the second one reaches is hidden. Commits come newest first, so that a walk
//! ends soon; but dates lie, and a commit that was found early may turn out to be hidden late. So the walk ends only when
//! it is certain that nothing more can be hidden, see [`Walk::is_settled`]: the cost follows the range and what was
//! merged around it, and an answer never rests on a date.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use git2::Oid;

use super::Repository;
use super::commit;
use super::error::{RepositoryError, Result};
use super::graph::Graph;
use super::objects::Objects;
use crate::evidence::commits::{self, Change};

/// How often progress is told, in commits.
const TOLD_EVERY: usize = 256;
/// The level of a commit that no graph knows: above all others.
const UNKNOWN_LEVEL: u32 = u32::MAX;

/// A commit of a range, with what its paths are compared by.
pub(super) struct Found {
    pub(super) change: Change,
    pub(super) tree: Oid,
    time: i64,
}

impl Found {
    pub(super) fn parents(&self) -> Result<Vec<Oid>> {
        self.change.parents.iter().map(super::oid).collect()
    }
}

/// A commit that was read: its parents, its date, and all of it where that is wanted.
type Read = (Vec<Oid>, i64, Option<Found>);

/// Why a walk ended early.
pub(super) enum Stop {
    /// The graph says something else than the commits: walk again without it.
    Graph,
    Error(RepositoryError),
}

impl From<RepositoryError> for Stop {
    fn from(error: RepositoryError) -> Self {
        Self::Error(error)
    }
}

struct Node {
    id: Oid,
    /// The parents' ids, until they are nodes themselves.
    kin: Vec<Oid>,
    parents: Vec<usize>,
    time: i64,
    level: u32,
    hidden: bool,
    expanded: bool,
    /// A shallow clone ends here.
    cut: bool,
    /// Its place among what was read whole.
    found: Option<usize>,
}

/// What a walk shall do with the commits that it is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// Keep them whole.
    Whole,
    /// Only see how they hang together.
    Links,
}

/// A walk.
pub(super) struct Walk<'a> {
    repository: &'a Repository,
    objects: &'a Objects<'a>,
    graph: Option<&'a Graph>,
    cuts: BTreeSet<Oid>,
    reads: Reads,
    /// Dates alone decide which commit is next: for a search that goes by dates.
    by_date: bool,
    nodes: Vec<Node>,
    /// What was read whole, each once and in one piece of memory: a range may be ten thousand commits long.
    found: Vec<Found>,
    index: HashMap<Oid, usize>,
    queue: BinaryHeap<(u32, i64, Reverse<usize>)>,
    /// How many commits of the queue are not hidden.
    open: usize,
    progress: &'a mut dyn FnMut(usize),
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        objects: &'a Objects<'a>,
        graph: Option<&'a Graph>,
        reads: Reads,
        progress: &'a mut dyn FnMut(usize),
    ) -> Self {
        Self {
            repository,
            objects,
            graph,
            cuts: repository.cuts(),
            reads,
            by_date: false,
            nodes: Vec::new(),
            found: Vec::new(),
            index: HashMap::new(),
            queue: BinaryHeap::new(),
            open: 0,
            progress,
        }
    }

    /// What `until` reaches and `since` does not, newest first, children before their parents.
    pub(super) fn range(mut self, since: Option<Oid>, until: Oid) -> Result<Vec<Found>, Stop> {
        self.node(until, false, UNKNOWN_LEVEL)?;
        if let Some(since) = since {
            let since = self.node(since, true, UNKNOWN_LEVEL)?;
            self.hide(since);
        }
        while self.open > 0 {
            self.step()?;
        }
        let mut patience = 16;
        while !self.is_settled() {
            if self.queue.is_empty() {
                // All that is here was seen, and a shallow clone hides the rest.
                return Err(RepositoryError::Shallow.into());
            }
            for _ in 0..patience {
                self.step()?;
            }
            patience *= 2;
        }
        if self.nodes.iter().any(|node| node.cut && !node.hidden) {
            return Err(RepositoryError::Shallow.into());
        }
        Ok(self.in_order())
    }

    /// Whether `from` reaches `wanted`, or is it.
    pub(super) fn reaches(mut self, from: Oid, wanted: Oid) -> Result<bool, Stop> {
        let from = self.node(from, false, UNKNOWN_LEVEL)?;
        // What the wanted commit reaches cannot reach it: nobody needs to look there.
        let wanted = self.node(wanted, true, UNKNOWN_LEVEL)?;
        if from == wanted {
            return Ok(true);
        }
        self.hide(wanted);
        while self.open > 0 {
            let Some((at, false)) = self.step()? else { continue };
            if self.nodes[at].parents.contains(&wanted) {
                return Ok(true);
            }
        }
        if self.nodes.iter().any(|node| node.cut && !node.hidden) {
            return Err(RepositoryError::Shallow.into());
        }
        Ok(false)
    }

    /// The newest proper ancestor that is one of these.
    pub(super) fn nearest(mut self, from: Oid, wanted: &BTreeSet<Oid>) -> Result<Option<Oid>, Stop> {
        self.by_date = true;
        self.node(from, false, UNKNOWN_LEVEL)?;
        while let Some((_, _, Reverse(at))) = self.queue.peek() {
            let id = self.nodes[*at].id;
            if id != from && wanted.contains(&id) {
                self.keep_what_was_read();
                return Ok(Some(id));
            }
            self.step()?;
        }
        if self.nodes.iter().any(|node| node.cut) {
            return Err(RepositoryError::Shallow.into());
        }
        self.keep_what_was_read();
        Ok(None)
    }

    /// The range from a tag that was searched for reads the same commits: once is enough.
    fn keep_what_was_read(self) {
        // Nodes get their places one after another, and nothing is hidden where one tip is searched from.
        let ids = self.nodes.iter().filter(|node| node.found.is_some()).map(|node| node.id);
        *self.repository.lately.borrow_mut() = ids.zip(self.found).collect();
    }

    /// Makes a commit a node, read from its object, or from the graph where links are enough.
    fn node(&mut self, id: Oid, hidden: bool, child_level: u32) -> Result<usize, Stop> {
        if let Some(at) = self.index.get(&id) {
            return Ok(*at);
        }
        let known = self.graph.and_then(|graph| graph.find(id));
        let level = known.as_ref().map_or(UNKNOWN_LEVEL, |known| known.level);
        if child_level != UNKNOWN_LEVEL && level >= child_level {
            return Err(Stop::Graph);
        }
        let whole = self.reads == Reads::Whole && !hidden;
        let (kin, time, found) = match known {
            Some(known) if !whole => (known.parents, known.time, None),
            known => {
                let (parents, time, found) = self.read(id, whole)?;
                if known.is_some_and(|known| known.parents != parents) {
                    return Err(Stop::Graph);
                }
                (parents, time, found)
            }
        };
        let found = found.map(|found| {
            self.found.push(found);
            self.found.len() - 1
        });
        let cut = self.cuts.contains(&id);
        let kin = if cut { vec![] } else { kin };
        let at = self.nodes.len();
        let node = Node { id, kin, parents: vec![], time, level, hidden, expanded: false, cut, found };
        self.nodes.push(node);
        self.index.insert(id, at);
        let rank = if self.by_date { UNKNOWN_LEVEL } else { level };
        self.queue.push((rank, time, Reverse(at)));
        self.open += usize::from(!hidden);
        if self.nodes.len().is_multiple_of(TOLD_EVERY) {
            (self.progress)(self.nodes.len());
        }
        Ok(at)
    }

    fn read(&self, id: Oid, whole: bool) -> Result<Read> {
        if let Some(found) = self.repository.lately.borrow_mut().remove(&id) {
            return Ok((found.parents()?, found.time, whole.then_some(found)));
        }
        let (object, header) = self.objects.commit(id)?;
        let found = whole.then(|| {
            // What it says is read at once: ten thousand whole messages would not be small.
            let change = commits::read(&commit::raw(id, object.data(), &header.parents));
            Found { change, tree: header.tree, time: header.time }
        });
        Ok((header.parents, header.time, found))
    }

    /// Takes the next commit and makes its parents nodes; answers it, and whether it is hidden.
    fn step(&mut self) -> Result<Option<(usize, bool)>, Stop> {
        let Some((_, _, Reverse(at))) = self.queue.pop() else { return Ok(None) };
        let (hidden, level) = (self.nodes[at].hidden, self.nodes[at].level);
        self.open -= usize::from(!hidden);
        let kin = std::mem::take(&mut self.nodes[at].kin);
        let mut parents = Vec::with_capacity(kin.len());
        for id in kin {
            let parent = self.node(id, hidden, level)?;
            if hidden {
                self.hide(parent);
            }
            parents.push(parent);
        }
        self.nodes[at].parents = parents;
        self.nodes[at].expanded = true;
        Ok(Some((at, hidden)))
    }

    /// Hides a commit, and all below it that were seen before.
    fn hide(&mut self, at: usize) {
        let mut next = vec![at];
        while let Some(at) = next.pop() {
            let node = &mut self.nodes[at];
            if node.hidden {
                continue;
            }
            node.hidden = true;
            node.found = None;
            if node.expanded {
                next.extend(&node.parents);
            } else {
                self.open -= 1;
            }
        }
    }

    /// Whether no commit of the range can turn out to be hidden, once only hidden commits wait.
    ///
    /// Only what a waiting commit reaches can still be hidden. It does not reach a commit of the range
    /// - whose level is not lower than its own, where a graph knows them, or
    /// - that reaches the waiting commit itself: there is no circle.
    ///
    /// Every commit of the range reaches one whose parents are all hidden, so it is enough to look at those.
    fn is_settled(&self) -> bool {
        let range = || self.nodes.iter().filter(|node| !node.hidden);
        let Some(lowest) = range().map(|node| node.level).min() else { return true };
        let above = |node: &Node| node.level == UNKNOWN_LEVEL || node.level > lowest;
        let waits = |node: &Node| node.hidden && (!node.expanded || node.cut) && above(node);
        let waiting: Vec<usize> = (0..self.nodes.len()).filter(|at| waits(&self.nodes[*at])).collect();
        if waiting.is_empty() {
            return true;
        }
        // A beginning of history reaches nothing.
        if range().any(|node| node.parents.is_empty()) {
            return false;
        }
        let is_last = |node: &&Node| node.parents.iter().all(|parent| self.nodes[*parent].hidden);
        let last: Vec<&Node> = range().filter(is_last).collect();
        let order = self.hidden_children_first(&last);
        let mut reached = vec![0_u64; self.nodes.len()];
        last.chunks(64).all(|chunk| {
            reached.fill(0);
            for (bit, node) in chunk.iter().enumerate() {
                for parent in &node.parents {
                    reached[*parent] |= 1 << bit;
                }
            }
            for at in &order {
                for parent in &self.nodes[*at].parents {
                    reached[*parent] |= reached[*at];
                }
            }
            let all = u64::MAX >> (64 - chunk.len());
            waiting.iter().all(|at| reached[*at] == all)
        })
    }

    /// The hidden commits that these reach, each before its parents.
    fn hidden_children_first(&self, from: &[&Node]) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut path: Vec<(usize, usize)> = Vec::new();
        for tip in from.iter().flat_map(|node| &node.parents) {
            if !std::mem::replace(&mut seen[*tip], true) {
                path.push((*tip, 0));
            }
            while let Some((at, next)) = path.last_mut() {
                match self.nodes[*at].parents.get(*next) {
                    Some(parent) => {
                        *next += 1;
                        if !std::mem::replace(&mut seen[*parent], true) {
                            path.push((*parent, 0));
                        }
                    }
                    None => {
                        order.push(*at);
                        path.pop();
                    }
                }
            }
        }
        order.reverse();
        order
    }

    /// The range, newest first and children before their parents, as `git rev-list --date-order` has it.
    fn in_order(mut self) -> Vec<Found> {
        let mut children = vec![0_usize; self.nodes.len()];
        for node in self.nodes.iter().filter(|node| !node.hidden) {
            for parent in &node.parents {
                children[*parent] += 1;
            }
        }
        let mut ready = BinaryHeap::new();
        let mut count = 0_usize;
        // The tip is the first node, and the only one of the range that nothing in it has as a parent.
        if let Some(tip) = self.nodes.first().filter(|tip| !tip.hidden) {
            ready.push((tip.time, Reverse(count), 0));
        }
        let mut order = Vec::new();
        while let Some((_, _, at)) = ready.pop() {
            order.extend(self.nodes[at].found);
            for parent in std::mem::take(&mut self.nodes[at].parents) {
                children[parent] -= 1;
                if children[parent] == 0 && !self.nodes[parent].hidden {
                    count += 1;
                    ready.push((self.nodes[parent].time, Reverse(count), parent));
                }
            }
        }
        in_this_order(self.found, &order)
    }
}

/// The items at these places, in this order and without a second list of them.
fn in_this_order<T>(mut items: Vec<T>, order: &[usize]) -> Vec<T> {
    // Where the item that began at a place is now, and which one began at what is in a place now.
    let mut now: Vec<usize> = (0..items.len()).collect();
    let mut began = now.clone();
    for (to, wanted) in order.iter().enumerate() {
        let from = now[*wanted];
        items.swap(to, from);
        began.swap(to, from);
        now[began[from]] = from;
        now[began[to]] = to;
    }
    items.truncate(order.len());
    items
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::in_this_order;

    proptest! {
        #[test]
        fn items_come_in_the_order_that_is_asked_for(
            order in (0_usize..40).prop_flat_map(|count| {
                let all: Vec<usize> = (0..count).collect();
                (Just(count), prop::sample::subsequence(all, 0..=count).prop_shuffle())
            })
        ) {
            let (count, order) = order;
            prop_assert_eq!(in_this_order((0..count).collect(), &order), order);
        }
    }
}
