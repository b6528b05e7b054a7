//! The table: what was measured, beside whom, and whether it is good enough.

use std::fmt::Write as _;
use std::time::Duration;

/// What a number counts.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Processor time, in seconds.
    Seconds,
    /// Memory, in bytes.
    Bytes,
    /// Executed instructions.
    Instructions,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 0.1 => format!("{:.1} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::Instructions => format!("{:.1} M instructions", value / 1e6),
        }
    }
}

/// What is asked of a row.
#[derive(Clone, Copy)]
pub enum Target {
    /// Nothing: it is good to know.
    None,
    /// At most so many times the peer's.
    Ratio(f64),
    /// At most so much, in the row's unit.
    Most(f64),
}

/// One line of the table.
pub struct Row {
    /// What was done.
    pub what: String,
    /// What is counted.
    pub unit: Unit,
    /// This program's value.
    pub ours: f64,
    /// The other's name and value.
    pub peer: Option<(String, f64)>,
    /// What is asked.
    pub target: Target,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|(_, value)| self.ours / value.max(f64::MIN_POSITIVE))
    }

    fn cells(&self) -> [String; 6] {
        let none = || "–".to_owned();
        let (target, met) = match self.target {
            Target::None => (none(), None),
            Target::Ratio(most) => (format!("≤ {most}"), self.ratio().map(|ratio| ratio <= most)),
            Target::Most(most) => (format!("≤ {}", self.unit.show(most)), Some(self.ours <= most)),
        };
        let peer = self.peer.as_ref();
        [
            self.what.clone(),
            self.unit.show(self.ours),
            peer.map_or_else(none, |(name, value)| format!("{name}: {}", self.unit.show(*value))),
            self.ratio().map_or_else(none, |ratio| format!("{ratio:.2}")),
            target,
            met.map_or_else(none, |met| if met { "ok" } else { "missed" }.to_owned()),
        ]
    }
}

/// The table in Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut page =
        String::from("| what | deployctl | peer | ratio | target | |\n|---|---|---|---|---|---|\n");
    for row in rows {
        let _ = writeln!(page, "| {} |", row.cells().join(" | "));
    }
    page
}

/// Seconds as the table counts them.
pub fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
