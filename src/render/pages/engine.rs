//! The template engine as it is set up here, and its errors as sentences.

use std::io::{self, Write};

use tera::{Error, ErrorKind, Kwargs, ReportError, State, StringInput, Tera, TeraResult, Value};

use super::PageError;
use crate::render::text;

/// The widest text that a template prints with `{{ … }}`, in columns.
const TEXT_COLUMNS: usize = 200;
/// The widest line of a text printed with `| prose`, in columns: some twenty lines of a page.
const PROSE_COLUMNS: usize = 2_000;
/// The most lines of a text printed with `| prose`.
const PROSE_LINES: usize = 50;
/// The most turns that `range` gives, for templates only indent with it; the engine alone would allow 100,000.
const RANGE_MAX: usize = 1_000;

/// An engine without templates: Markdown escaping for every page, and no way for a template to turn it off.
pub(super) fn engine() -> Tera {
    let mut tera = Tera::new();
    tera.autoescape_on([".tera"]);
    tera.set_escape_fn(escape);
    tera.register_filter("safe", no_safe);
    tera.register_filter("prose", prose);
    tera.register_filter("capitalised", capitalised);
    tera.register_function("range", range);
    tera
}

fn escape(input: &str, output: &mut dyn Write) -> io::Result<()> {
    output.write_all(text::markdown(input, TEXT_COLUMNS).as_bytes())
}

pub(super) fn no_safe(_: Value, _: Kwargs, _: &State) -> TeraResult<Value> {
    Err(Error::message("`safe` is not offered, for it would let foreign text shape the page"))
}

/// `| prose`: a longer text, whose lines become paragraphs; `indent` blanks keep them inside a list item.
fn prose(input: StringInput, options: Kwargs, _: &State) -> TeraResult<Value> {
    let indent = " ".repeat(options.get::<usize>("indent")?.unwrap_or(0).min(16));
    let lines: Vec<&str> = input.as_str().lines().filter(|line| !line.trim().is_empty()).collect();
    let shown = lines.iter().take(PROSE_LINES);
    let mut paragraphs: Vec<String> = shown.map(|line| text::markdown(line, PROSE_COLUMNS)).collect();
    if lines.len() > PROSE_LINES {
        paragraphs.push(format!("…(+{})", text::count(lines.len() - PROSE_LINES, "line")));
    }
    Ok(Value::safe_string(&paragraphs.join(&format!("\n\n{indent}"))))
}

fn capitalised(input: StringInput, _: Kwargs, _: &State) -> Value {
    Value::from(text::capitalised(input.as_str()))
}

fn range(options: Kwargs, _: &State) -> TeraResult<Vec<usize>> {
    let start = options.get::<usize>("start")?.unwrap_or(0);
    let end = options.must_get::<usize>("end")?;
    if end.saturating_sub(start) > RANGE_MAX {
        let limit = text::thousands(RANGE_MAX);
        return Err(Error::message(format!("`range` gives at most {limit} numbers here")));
    }
    Ok((start..end).collect())
}

/// The engine's error as a sentence with the template and the line. `page` is the template that was being
/// rendered; `sources` are the templates that were being read.
pub(super) fn explain(error: &Error, page: Option<&str>, sources: &[(&str, &str)]) -> PageError {
    let unplaced = |problem: String| place(page.unwrap_or("unknown"), None, &problem);
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => placed(report, page),
        ErrorKind::CircularInclude { tpl, include_chain } => {
            let problem = format!("it includes itself ({})", include_chain.join(" → "));
            place(tpl, tag_line(sources, tpl, "include"), &problem)
        }
        ErrorKind::CircularExtend { tpl, .. } => {
            place(tpl, tag_line(sources, tpl, "extends"), "it extends itself")
        }
        ErrorKind::MissingParent { current, parent } => {
            let problem = format!("it extends `{parent}`, which is not a page");
            place(current, tag_line(sources, current, "extends"), &problem)
        }
        ErrorKind::Msg(report) => reported(report).unwrap_or_else(|| unplaced(report.clone())),
        other => unplaced(other.to_string()),
    }
}

fn placed(report: &ReportError, page: Option<&str>) -> PageError {
    let template = if report.filename().is_empty() { page.unwrap_or("unknown") } else { report.filename() };
    place(template, Some(report.span().start_line), report.message())
}

/// Errors found while templates are joined come as a drawing for a terminal, with its first two lines
/// `error: Unknown filter …` and ` --> name:3:5`.
fn reported(report: &str) -> Option<PageError> {
    let (problem, after) = report.strip_prefix("error: ")?.split_once('\n')?;
    let position = after.split('\n').next()?.trim_start().strip_prefix("--> ")?;
    let (rest, _column) = position.rsplit_once(':')?;
    let (template, line) = rest.rsplit_once(':')?;
    Some(place(template, line.parse().ok(), problem))
}

fn place(template: &str, line: Option<usize>, problem: &str) -> PageError {
    let problem = text::line(problem.trim_end_matches('.'), 400);
    let mut letters = problem.chars();
    let problem = match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(problem.chars().skip(1)).collect()
        }
        _ => problem,
    };
    PageError::Broken { template: text::line(template, 80), line, problem }
}

/// The line of a template, counted from 1, that has the first such tag.
fn tag_line(sources: &[(&str, &str)], template: &str, tag: &str) -> Option<usize> {
    let (_, source) = sources.iter().find(|(name, _)| *name == template)?;
    let has_tag = |line: &str| {
        let after = line.split("{%").skip(1);
        after.into_iter().any(|rest| rest.trim_start_matches('-').trim_start().starts_with(tag))
    };
    source.lines().position(has_tag).map(|at| at + 1)
}
