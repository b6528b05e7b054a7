//! The data that a migration throws away on its way forward, by tool: said also where nothing can undo it.

use super::code::{self, BRACES, Body, PHP, RUST, Style, mask};
use super::loss::{self, Loss};
use super::preset::Preset;
use super::{python, ruby, sql};

/// What the part that runs forward throws away; none where nothing does, or where that part could not be found.
pub(super) fn loss(preset: Option<Preset>, text: &str, extension: &str) -> Option<Loss> {
    match (preset, extension) {
        (Some(preset), "sql") => loss::of_sql(&script(preset, text)),
        (None, "sql") => loss::of_sql(text),
        (Some(preset), _) => match preset {
            Preset::TypeOrm
            | Preset::Sequelize
            | Preset::Knex
            | Preset::MikroOrm
            | Preset::NodePgMigrate
            | Preset::Script => of_function(text, "up", &BRACES),
            Preset::EfCore => of_function(text, "Up", &BRACES),
            Preset::Laravel | Preset::Doctrine | Preset::Phinx => of_function(text, "up", &PHP),
            Preset::SeaOrm => of_function(text, "up", &RUST),
            Preset::Rails | Preset::Ecto => ruby::forward(text),
            Preset::Django => python::django_forward(text),
            Preset::Alembic => python::alembic_forward(text),
            _ => None,
        },
        (None, _) => None,
    }
}

/// The SQL that goes forward, of a file that may also hold the way back.
fn script(preset: Preset, text: &str) -> String {
    let marks = match preset {
        Preset::Goose => Some(("+goose up", "+goose down")),
        Preset::Dbmate => Some(("migrate:up", "migrate:down")),
        Preset::NodePgMigrate => Some(("up migration", "down migration")),
        _ => None,
    };
    marks.and_then(|(up, down)| sql::section(text, up, down)).unwrap_or_else(|| text.to_owned())
}

fn of_function(text: &str, name: &str, style: &Style) -> Option<Loss> {
    let found = code::function(&mask(text, style), name);
    let acts = !matches!(found.body, Body::Missing | Body::Elsewhere);
    text.get(found.at).filter(|_| acts).and_then(|part| loss::of_code(part, style))
}
