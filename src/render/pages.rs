//! The Markdown pages, through Tera: the built-in templates, or the team's own in their place. Whatever a template
//! prints is escaped by the engine, so text that somebody else wrote cannot change the shape of a page.

mod contexts;
mod engine;
#[cfg(test)]
mod foreign_tests;
pub mod html;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use serde::Serialize;
use tera::{Context, Tera};

use super::text;
pub use contexts::{
    ChecklistPage, Group, HistoryPage, HistoryRow, MetricEntry, MetricRow, MetricsPage, ModificationRow,
    ModificationsPage, PageSection, Pinned, PostIncidentPage, PostRollbackPage, RequestPage, TimelineEvent,
};

/// The largest template that is read, in bytes: the built-in ones have less than 2,000.
const TEMPLATE_MAX: usize = 64 * 1024;
/// The largest page that is written, in bytes: 20,000 commits of 250 columns have 5 MB.
const PAGE_MAX: usize = 16 * 1024 * 1024;

/// A page that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The deployment checklist, from a [`ChecklistPage`].
    Checklist,
    /// The deployment request, from a [`RequestPage`].
    Request,
    /// The table of deployments, from a [`HistoryPage`].
    History,
    /// The modification history, from a [`ModificationsPage`].
    Modifications,
    /// The measures, from a [`MetricsPage`].
    Metrics,
    /// The report of an emergency, from a [`PostIncidentPage`].
    PostIncident,
    /// The report of a rollback, from a [`PostRollbackPage`].
    PostRollback,
}

impl Page {
    /// Every page.
    pub const ALL: [Self; 7] = [
        Self::Checklist,
        Self::Request,
        Self::History,
        Self::Modifications,
        Self::Metrics,
        Self::PostIncident,
        Self::PostRollback,
    ];

    /// The file name of its template, which is also the name of the team's own one.
    #[must_use]
    pub fn template(self) -> &'static str {
        match self {
            Self::Checklist => "checklist.md.tera",
            Self::Request => "request.md.tera",
            Self::History => "history.md.tera",
            Self::Modifications => "modifications.md.tera",
            Self::Metrics => "metrics.md.tera",
            Self::PostIncident => "post_incident.md.tera",
            Self::PostRollback => "post_rollback.md.tera",
        }
    }

    fn built_in(self) -> &'static str {
        match self {
            Self::Checklist => include_str!("../../templates/checklist.md.tera"),
            Self::Request => include_str!("../../templates/request.md.tera"),
            Self::History => include_str!("../../templates/history.md.tera"),
            Self::Modifications => include_str!("../../templates/modifications.md.tera"),
            Self::Metrics => include_str!("../../templates/metrics.md.tera"),
            Self::PostIncident => include_str!("../../templates/post_incident.md.tera"),
            Self::PostRollback => include_str!("../../templates/post_rollback.md.tera"),
        }
    }
}

/// Why a page could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// A file among the templates that is not one of the pages: most likely a misspelt name.
    #[error("`{name}` is not the template of a page: rename it to one of {pages}, or remove it")]
    UnknownTemplate {
        /// The name that was given, cleaned.
        name: String,
        /// The names there are, as a sentence has them.
        pages: String,
    },
    /// A template that is too long to be one.
    #[error("template `{template}` is {bytes} bytes long: shorten it to at most {limit}")]
    TemplateTooLong {
        /// The template's name.
        template: String,
        /// Its size, with thousands separators.
        bytes: String,
        /// The largest size that is read, with thousands separators.
        limit: String,
    },
    /// A template that cannot be read or does not fit the facts.
    #[error("template `{template}`{}: {problem}; mend it, or remove it to get the built-in page", at(*line))]
    Broken {
        /// The template's name.
        template: String,
        /// The line, counted from 1, where the engine knows it.
        line: Option<usize>,
        /// What is wrong, from the template engine, cleaned.
        problem: String,
    },
    /// A template that writes without end.
    #[error("template `{template}` writes more than {limit} bytes: look for a loop that repeats too much")]
    PageTooLong {
        /// The template's name.
        template: String,
        /// The largest page, with thousands separators.
        limit: String,
    },
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// The templates, read and checked.
pub struct Pages {
    tera: Tera,
}

impl Pages {
    /// Reads the built-in templates with the team's own, pairs of file name and source, in their place.
    ///
    /// # Errors
    /// A name that is no page, a template that is too long, one that cannot be read, or that includes itself.
    pub fn new(overrides: &[(String, String)]) -> Result<Self, PageError> {
        for (name, source) in overrides {
            check_override(name, source)?;
        }
        let source_of = |page: Page| {
            let own = overrides.iter().rev().find(|(name, _)| name == page.template());
            own.map_or(page.built_in(), |(_, source)| source.as_str())
        };
        Self::read(&Page::ALL.map(|page| (page.template(), source_of(page))))
    }

    /// Reads the built-in templates of some pages, and no others.
    ///
    /// # Errors
    /// None: the built-in templates are sound.
    pub fn built_in(wanted: &[Page]) -> Result<Self, PageError> {
        Self::read(&wanted.iter().map(|page| (page.template(), page.built_in())).collect::<Vec<_>>())
    }

    fn read(templates: &[(&str, &str)]) -> Result<Self, PageError> {
        let mut tera = engine::engine();
        tera.add_raw_templates(templates.iter().copied())
            .map_err(|error| engine::explain(&error, None, templates))?;
        Ok(Self { tera })
    }

    /// Writes the page from its context: [`ChecklistPage`], [`RequestPage`], [`HistoryPage`],
    /// [`ModificationsPage`], [`MetricsPage`], [`PostIncidentPage`] or [`PostRollbackPage`].
    ///
    /// # Errors
    /// A template that asks for what the context does not have, or that writes without end.
    pub fn render<T: Serialize>(&self, page: Page, context: &T) -> Result<String, PageError> {
        let template = page.template();
        let explain = |error: tera::Error| engine::explain(&error, Some(template), &[]);
        let context = Context::from_serialize(context).map_err(explain)?;
        let mut paper = Paper::default();
        let written = self.tera.render_to(template, &context, &mut paper);
        paper.text(template, written.map_err(explain))
    }
}

fn check_override(name: &str, source: &str) -> Result<(), PageError> {
    if !Page::ALL.iter().any(|page| page.template() == name) {
        return Err(PageError::UnknownTemplate {
            name: text::line(name, 80),
            pages: text::list(&Page::ALL.map(Page::template)),
        });
    }
    if source.len() > TEMPLATE_MAX {
        return Err(PageError::TemplateTooLong {
            template: name.to_owned(),
            bytes: text::thousands(source.len()),
            limit: text::thousands(TEMPLATE_MAX),
        });
    }
    Ok(())
}

/// What a template writes on: it ends.
#[derive(Default)]
struct Paper {
    bytes: Vec<u8>,
    full: bool,
}

impl Paper {
    /// What was written, if it was written to the end.
    fn text(self, template: &str, written: Result<(), PageError>) -> Result<String, PageError> {
        if self.full {
            let limit = text::thousands(PAGE_MAX);
            return Err(PageError::PageTooLong { template: template.to_owned(), limit });
        }
        written?;
        String::from_utf8(self.bytes).map_err(|_| PageError::Broken {
            template: template.to_owned(),
            line: None,
            problem: "it wrote bytes that are not UTF-8".to_owned(),
        })
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > PAGE_MAX {
            self.full = true;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
