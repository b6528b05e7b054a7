//! git's commit-graph files: parents, dates and levels of commits without their objects.
//!
//! Format: gitformat-commit-graph(5), version 1, one file or a chain of files. Anything that is not as it must be makes
//! the graph unusable, silently: it is a cache, and the objects say the same. It is used while drafting only.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use git2::Oid;

/// What a graph says of one commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) parents: Vec<Oid>,
    /// When it was committed, in seconds since 1970.
    pub(super) time: i64,
    /// One more than the highest of its parents': a commit reaches only commits of lower levels.
    pub(super) level: u32,
}

/// A chain of commit-graph files, the base first.
pub(super) struct Graph {
    layers: Vec<Layer>,
}

/// One file.
struct Layer {
    pages: Pages,
    /// How many commits have ids up to this first byte.
    fanout: Vec<u32>,
    ids: u64,
    data: u64,
    /// Where the further parents of octopus merges stand, and how many.
    edges: Option<(u64, u64)>,
    /// How many commits the layers below hold.
    below: u32,
}

const ID: u64 = 20;
const RECORD: u64 = 36;
const NO_PARENT: u32 = 0x7000_0000;
const MORE_PARENTS: u32 = 0x8000_0000;
/// git's own limit of a level; a commit at it may have any level above.
const LEVEL_MAX: u32 = 0x3fff_ffff;
/// A chain is merged by git long before it has so many files.
const LAYERS_MAX: usize = 64;

impl Graph {
    /// Opens the graph of an object directory; `None` where there is no usable one.
    pub(super) fn open(objects: &Path) -> Option<Self> {
        let single = objects.join("info/commit-graph");
        if let Ok(file) = File::open(single) {
            return Some(Self { layers: vec![Layer::open(file, 0, 0)?] });
        }
        let dir = objects.join("info/commit-graphs");
        let chain = fs::read_to_string(dir.join("commit-graph-chain")).ok()?;
        let mut layers: Vec<Layer> = Vec::new();
        for name in chain.lines().take(LAYERS_MAX + 1) {
            if name.len() != 40 || !name.bytes().all(|b| b.is_ascii_hexdigit()) || layers.len() == LAYERS_MAX
            {
                return None;
            }
            let file = File::open(dir.join(format!("graph-{name}.graph"))).ok()?;
            let below = layers.last().map_or(Some(0), |layer| layer.below.checked_add(layer.count()))?;
            layers.push(Layer::open(file, u8::try_from(layers.len()).ok()?, below)?);
        }
        (!layers.is_empty()).then_some(Self { layers })
    }

    /// What is known of a commit; `None` where it is not in the graph, or the graph is broken there.
    pub(super) fn find(&self, id: Oid) -> Option<Known> {
        self.layers.iter().rev().find_map(|layer| Some((layer, layer.find(id)?))).and_then(|(layer, at)| {
            let record: [u8; 36] = layer.pages.array(layer.data + u64::from(at) * RECORD)?;
            let number = |from: usize| u32_at(&record, from);
            let (first, second, levels, low) = (number(20)?, number(24)?, number(28)?, number(32)?);
            let mut parents = Vec::new();
            if first != NO_PARENT {
                parents.push(self.id(first)?);
            }
            if second & MORE_PARENTS != 0 {
                layer.more_parents(second & !MORE_PARENTS, |position| {
                    parents.push(self.id(position)?);
                    Some(())
                })?;
            } else if second != NO_PARENT {
                parents.push(self.id(second)?);
            }
            let level = levels >> 2;
            let time = i64::from(levels & 3) << 32 | i64::from(low);
            // A level of 0 was written by a git that knew none.
            (level > 0 && level < LEVEL_MAX).then_some(Known { parents, time, level })
        })
    }

    /// The id at a position, counted through all layers.
    fn id(&self, position: u32) -> Option<Oid> {
        let layer = self.layers.iter().rev().find(|layer| layer.below <= position)?;
        layer.id(position - layer.below)
    }
}

impl Layer {
    fn open(file: File, bases: u8, below: u32) -> Option<Self> {
        let pages = Pages::new(file)?;
        let head: [u8; 8] = pages.array(0)?;
        let [b'C', b'G', b'P', b'H', 1, 1, chunks, said] = head else { return None };
        if said != bases {
            return None;
        }
        let chunk = |index: u8| -> Option<([u8; 4], u64)> {
            let entry: [u8; 12] = pages.array(8 + 12 * u64::from(index))?;
            let name = entry.first_chunk::<4>()?;
            Some((*name, u64::from_be_bytes(*entry.last_chunk::<8>()?)))
        };
        let table: Vec<([u8; 4], u64)> = (0..=chunks).map(chunk).collect::<Option<_>>()?;
        let ordered = table.windows(2).all(|pair| pair[0].1 <= pair[1].1);
        if !ordered || table.last()?.1 > pages.length {
            return None;
        }
        let place = |name: &[u8; 4]| {
            table.windows(2).find(|pair| &pair[0].0 == name).map(|pair| (pair[0].1, pair[1].1 - pair[0].1))
        };
        let (fan, size) = place(b"OIDF")?;
        let fanout: [u8; 1024] = pages.array(fan).filter(|_| size == 1024)?;
        let fanout: Vec<u32> = (0..256).filter_map(|index| u32_at(&fanout, index * 4)).collect();
        let count = u64::from(*fanout.last()?);
        let ((ids, ids_size), (data, data_size)) = (place(b"OIDL")?, place(b"CDAT")?);
        let whole = fanout.is_sorted() && ids_size == count * ID && data_size == count * RECORD;
        let edges = place(b"EDGE").map(|(at, size)| (at, size / 4));
        whole.then_some(Self { pages, fanout, ids, data, edges, below })
    }

    fn count(&self) -> u32 {
        self.fanout.last().copied().unwrap_or_default()
    }

    fn id(&self, position: u32) -> Option<Oid> {
        if position >= self.count() {
            return None;
        }
        let bytes: [u8; 20] = self.pages.array(self.ids + u64::from(position) * ID)?;
        Oid::from_bytes(&bytes).ok()
    }

    fn find(&self, id: Oid) -> Option<u32> {
        let first = usize::from(*id.as_bytes().first()?);
        let from = first.checked_sub(1).map_or(Some(0), |before| self.fanout.get(before).copied())?;
        let (mut low, mut high) = (from, *self.fanout.get(first)?);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id(middle)?.cmp(&id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The second and further parents of a merge of three or more.
    fn more_parents(&self, from: u32, mut parent: impl FnMut(u32) -> Option<()>) -> Option<()> {
        let (at, count) = self.edges?;
        for index in u64::from(from)..count {
            let edge = u32::from_be_bytes(self.pages.array(at + index * 4)?);
            parent(edge & !MORE_PARENTS)?;
            if edge & MORE_PARENTS != 0 {
                return Some(());
            }
        }
        None
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
}

const PAGE: u64 = 4 << 10;
/// The longest file that is read: one of seventy million commits.
const LENGTH_MAX: u64 = 4 << 30;

/// A file, read page by page where it is looked at: a walk of a hundred commits needs little of a graph of a million.
struct Pages {
    file: File,
    length: u64,
    read: Vec<OnceCell<Box<[u8]>>>,
}

impl Pages {
    fn new(file: File) -> Option<Self> {
        let length = Some(file.metadata().ok()?.len()).filter(|length| *length <= LENGTH_MAX)?;
        let pages = usize::try_from(length.div_ceil(PAGE)).ok()?;
        Some(Self { file, length, read: vec![OnceCell::new(); pages] })
    }

    fn array<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        if at.checked_add(N as u64)? > self.length {
            return None;
        }
        let mut done = 0;
        while done < N {
            let place = at + done as u64;
            let page = self.page(place / PAGE)?;
            let from = usize::try_from(place % PAGE).ok()?;
            let part = page.get(from..)?;
            let part = part.get(..part.len().min(N - done)).filter(|part| !part.is_empty())?;
            bytes.get_mut(done..done + part.len())?.copy_from_slice(part);
            done += part.len();
        }
        Some(bytes)
    }

    fn page(&self, number: u64) -> Option<&[u8]> {
        let page = self.read.get(usize::try_from(number).ok()?)?;
        if page.get().is_none() {
            let start = number * PAGE;
            let length = usize::try_from(PAGE.min(self.length.checked_sub(start)?)).ok()?;
            let mut bytes = vec![0; length].into_boxed_slice();
            self.file.read_exact_at(&mut bytes, start).ok()?;
            page.set(bytes).ok()?;
        }
        page.get().map(AsRef::as_ref)
    }
}
