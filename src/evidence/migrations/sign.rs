//! Which tool a file belongs to, by its content and by what lies around it.

use super::look::Look;
use super::preset::{Preset, Sign};

/// The preset that knows this file: one that is sure goes before one whose path merely fits. A preset that the policy
/// names needs no proof from the content, unless the tool itself would pass over a file without its mark.
pub(super) fn recognise(presets: &[Preset], look: &mut Look<'_, '_>, named: bool) -> Option<Preset> {
    let mut best: Option<(Sign, Preset)> = None;
    for preset in presets.iter().filter(|preset| preset.fits(look.place)) {
        let sign = sign(*preset, look);
        if best.is_none_or(|(known, _)| sign > known) {
            best = Some((sign, *preset));
        }
    }
    best.filter(|(sign, preset)| *sign > Sign::Against || named && !preset.marks_files())
        .map(|(_, preset)| preset)
}

/// How surely the file belongs to a tool whose path pattern it fits.
fn sign(preset: Preset, look: &mut Look<'_, '_>) -> Sign {
    let sure = |yes: bool| if yes { Sign::Sure } else { Sign::Against };
    match preset {
        Preset::Sqlx => sure(look.crate_uses("sqlx")),
        Preset::Refinery => sure(look.place.extension == "rs" || look.crate_uses("refinery")),
        Preset::SeaOrm if look.place.in_migrations() => Sign::Sure,
        Preset::SeaOrm => says(look, &["MigrationTrait", "DeriveMigrationName"], |_| false),
        Preset::Drizzle if look.place.under("drizzle") => Sign::Sure,
        Preset::Drizzle => sure(look.beside("meta/_journal.json").is_some()),
        Preset::Prisma if look.place.under("prisma") => Sign::Sure,
        Preset::Prisma | Preset::GolangMigrate | Preset::Sql | Preset::Script => Sign::Fits,
        Preset::Atlas => sure(look.beside("atlas.sum").is_some()),
        Preset::Pop if look.place.extension == "fizz" || look.place.dialect() => Sign::Sure,
        Preset::Pop => sure(look.project_uses(&["go.mod"], &["gobuffalo/pop"])),
        _ => by_marks(preset, look),
    }
}

/// How surely the file belongs to a tool that is known by what stands in its files.
fn by_marks(preset: Preset, look: &mut Look<'_, '_>) -> Sign {
    match preset {
        Preset::Goose => {
            says(look, &["+goose", "goose."], |look| look.project_uses(&["go.mod"], &["/goose"]))
        }
        Preset::Gormigrate => both(look, &["ormigrate.Migration{"], &["ID:"], |look| {
            look.place.digits() > 0 && look.project_uses(&["go.mod"], &["/gormigrate", "/xormigrate"])
        }),
        Preset::Dbmate => says(look, &["migrate:up"], |_| false),
        Preset::Alembic => {
            says(look, &["def upgrade("], |look| look.above("env.py") || look.above("script.py.mako"))
        }
        Preset::Liquibase => liquibase(look),
        Preset::Laravel => match look.text() {
            Some(text) if text.contains("Phinx") => Sign::Against,
            _ => Sign::Sure,
        },
        Preset::Phinx => says(look, &["Phinx", "AbstractMigration", "BaseMigration"], |_| false),
        Preset::Doctrine => says(look, &["AbstractMigration", "Doctrine"], |_| true),
        _ => by_package(preset, look),
    }
}

/// A log that only includes others, such as most `master.xml`, holds no migration.
fn liquibase(look: &mut Look<'_, '_>) -> Sign {
    let logs = ["databaseChangeLog", "liquibase formatted sql"];
    both(look, &logs, &["changeSet", "changeset", "Changeset", "ChangeSet"], |look| {
        let place = look.place;
        let directory = place.parts.iter().any(|part| matches!(*part, "changelog" | "liquibase"));
        let named = place.extension == "xml" && place.name.contains("changelog");
        (directory || named) && !place.name.contains("master")
    })
}

/// How surely the file belongs to a tool of the JavaScript world; all others take what fits their paths.
fn by_package(preset: Preset, look: &mut Look<'_, '_>) -> Sign {
    let (marks, package): (&[&str], &str) = match preset {
        Preset::TypeOrm => (&["MigrationInterface", "QueryRunner"], "\"typeorm\""),
        Preset::Sequelize => (&["queryInterface", "QueryInterface"], "\"sequelize"),
        Preset::Knex => (&["knex", "Knex"], "\"knex\""),
        Preset::NodePgMigrate => (&["node-pg-migrate", "pgm", "-- Up Migration"], "\"node-pg-migrate\""),
        Preset::MikroOrm => (&["mikro-orm"], "\"@mikro-orm/"),
        _ => return Sign::Sure,
    };
    says(look, marks, |look| look.project_uses(&["package.json"], &[package]))
}

/// Sure when the file holds one of each of these marks; like [`says`] otherwise.
fn both(
    look: &mut Look<'_, '_>,
    some: &[&str],
    other: &[&str],
    around: impl FnOnce(&mut Look<'_, '_>) -> bool,
) -> Sign {
    match says(look, some, around) {
        Sign::Sure => says(look, other, |_| false),
        sign => sign,
    }
}

/// Sure when the file holds one of these marks, against when it holds none. A file that cannot be read, such as a
/// deleted one, gives no evidence: then what lies around it decides.
fn says(look: &mut Look<'_, '_>, marks: &[&str], around: impl FnOnce(&mut Look<'_, '_>) -> bool) -> Sign {
    match look.text() {
        Some(text) if marks.iter().any(|mark| text.contains(mark)) => Sign::Sure,
        Some(_) => Sign::Against,
        None if around(look) => Sign::Fits,
        None => Sign::Against,
    }
}
