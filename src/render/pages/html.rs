//! The history as one HTML file: nothing is fetched, nothing of the records is obeyed. Whatever its template prints is
//! escaped by the engine, the one style and the one script are named by their hashes, and the browser is told to take
//! nothing else.

mod bars;
mod course;
mod facts;
#[cfg(test)]
mod tests;
mod timeline;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tera::{Context, Kwargs, State, StringInput, Tera, Value};

use super::{PageError, Paper, engine};
use crate::gate::terms::Digest;
use crate::render::text;
pub use bars::{BARS_MAX, Bar, Bars, Drawn};
pub use course::Course;
pub use facts::{
    Attempt, Choice, Counted, Definition, Document, Facet, Fact, Health, Link, LiveNow, MeasureLine,
    Measures, Metrics, Part, Row, SignalLine, Step, Vote, WebPage,
};
pub use timeline::{Event, Lane, Mark, Tick, Timeline};

const PAGE: &str = "history/page.html.tera";
const STYLE: (&str, &str) = ("history/page.css", include_str!("../../../templates/history/page.css"));
const SCRIPT: (&str, &str) = ("history/page.js", include_str!("../../../templates/history/page.js"));
const TEMPLATES: [(&str, &str); 5] = [
    (PAGE, include_str!("../../../templates/history/page.html.tera")),
    ("history/deployment.html.tera", include_str!("../../../templates/history/deployment.html.tera")),
    ("history/metrics.html.tera", include_str!("../../../templates/history/metrics.html.tera")),
    STYLE,
    SCRIPT,
];

/// The widest text that the template prints with `{{ … }}`, in columns: a reason may be long, a column of a table not endless.
const TEXT_COLUMNS: usize = 500;

/// Writes the page.
///
/// # Errors
/// More than a browser takes.
pub fn history(page: &WebPage) -> Result<String, PageError> {
    let explain = |error: tera::Error| engine::explain(&error, Some(PAGE), &TEMPLATES);
    let mut tera = Tera::new();
    tera.autoescape_on([".tera"]);
    tera.set_escape_fn(escape);
    tera.register_filter("safe", engine::no_safe);
    tera.register_filter("lines", lines);
    tera.add_raw_templates(TEMPLATES).map_err(explain)?;
    let whole = Whole { policy: content_policy(), page };
    let context = Context::from_serialize(&whole).map_err(explain)?;
    let mut paper = Paper::default();
    let written = tera.render_to(PAGE, &context, &mut paper);
    paper.text(PAGE, written.map_err(explain))
}

#[derive(Serialize)]
struct Whole<'a> {
    policy: String,
    #[serde(flatten)]
    page: &'a WebPage,
}

/// What the browser may take: the style and the script of this program to the byte, and nothing from anywhere
/// (w3.org/TR/CSP3).
fn content_policy() -> String {
    let hash = |text: &str| STANDARD.encode(Digest::of(text.as_bytes()).bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE.1),
        hash(SCRIPT.1)
    )
}

fn escape(input: &str, output: &mut dyn Write) -> io::Result<()> {
    output.write_all(text::html_line(input, TEXT_COLUMNS).as_bytes())
}

/// `| lines`: a whole document as it stands, line by line.
fn lines(input: StringInput, _: Kwargs, _: &State) -> Value {
    let shown: Vec<String> = input.as_str().lines().map(text::html).collect();
    Value::safe_string(&shown.join("\n"))
}
