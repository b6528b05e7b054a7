//! All samples of a signal in few points: the longer it is watched, the more samples one point stands for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The most points of one signal; a sparkline is narrower.
pub const POINTS_MAX: usize = 240;

/// Some samples that follow each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// When the first of them was taken.
    pub at: DateTime<Utc>,
    /// The highest value among them; none where none had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// How many they are.
    pub samples: u64,
    /// How many of them had no value.
    pub failed: u64,
}

/// What was seen, from the first sample on.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    points: Vec<Point>,
    /// How many samples one point stands for.
    stride: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { points: Vec::new(), stride: 1 }
    }
}

impl History {
    /// The points, oldest first; never more than [`POINTS_MAX`].
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    pub(super) fn push(&mut self, at: DateTime<Utc>, value: Option<f64>) {
        let point =
            Point { at, value: value.map(super::short), samples: 1, failed: u64::from(value.is_none()) };
        match self.points.last_mut().filter(|last| last.samples < self.stride) {
            Some(last) => last.absorb(&point),
            None => self.points.push(point),
        }
        if self.points.len() > POINTS_MAX {
            self.halve();
        }
    }

    fn halve(&mut self) {
        let mut halved: Vec<Point> = Vec::with_capacity(POINTS_MAX);
        for pair in self.points.chunks(2) {
            if let [first, rest @ ..] = pair {
                let mut first = first.clone();
                rest.iter().for_each(|second| first.absorb(second));
                halved.push(first);
            }
        }
        self.points = halved;
        self.stride *= 2;
    }
}

impl Point {
    fn absorb(&mut self, later: &Self) {
        self.value = match (self.value, later.value) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        self.samples += later.samples;
        self.failed += later.failed;
    }
}
