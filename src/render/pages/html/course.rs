//! The samples of a signal as a small drawing.

use serde::Serialize;

use crate::gate::analysis::Point;

/// How wide it is drawn, in pixels of the page.
const WIDTH: f64 = 160.0;
/// How high.
const HEIGHT: f64 = 28.0;
/// Free at every side, so that no line is cut in half.
const EDGE: f64 = 2.0;

/// A line of values, with a cross where one is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Course {
    /// What it shows, for those who do not see it.
    pub said: String,
    /// What its height stands for.
    pub scale: String,
    /// The path of the line.
    pub line: String,
    /// The path of the crosses.
    pub failed: String,
}

impl Course {
    /// Draws the points from nothing to the highest of them; `None` where there is none. `figure` writes a value.
    #[must_use]
    pub fn of(points: &[Point], figure: &dyn Fn(f64) -> String) -> Option<Self> {
        let values = || points.iter().filter_map(|point| point.value);
        let top = values().fold(0.0, f64::max);
        let failed: u64 = points.iter().map(|point| point.failed).sum();
        let (mut line, mut crosses, mut pen_is_down) = (String::new(), String::new(), false);
        let count = u32::try_from(points.len()).ok().filter(|count| *count > 0)?;
        for (number, point) in (0..count).zip(points) {
            let x = EDGE + (WIDTH - 2.0 * EDGE) * f64::from(number) / f64::from((count - 1).max(1));
            let height = |value: f64| if top > 0.0 { value / top * (HEIGHT - 2.0 * EDGE) } else { 0.0 };
            if let Some(value) = point.value {
                let y = HEIGHT - EDGE - height(value);
                line.push_str(&format!("{}{x:.1} {y:.1}", if pen_is_down { "L" } else { "M" }));
            }
            // A single point is seen only where the line goes on a little.
            if point.value.is_some() && !pen_is_down {
                line.push_str("h0.5");
            }
            pen_is_down = point.value.is_some();
            if point.failed > 0 {
                crosses.push_str(&format!("M{:.1} 11l5 6m0-6l-5 6", (x - 2.5).max(0.0)));
            }
        }
        let least = values().reduce(f64::min);
        let range = least.map_or_else(
            || "no value".to_owned(),
            |least| format!("from {} to {}", figure(least), figure(top)),
        );
        let without = if failed > 0 { format!(", {failed} without a value") } else { String::new() };
        let scale = format!("0 to {}", figure(top));
        Some(Self { scale, said: format!("the samples in order: {range}{without}"), line, failed: crosses })
    }
}
