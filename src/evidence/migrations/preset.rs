//! The migration tools that are known, and where each keeps its files.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::place::{Place, migrations};

/// How surely a file belongs to a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    /// The content belongs to another tool, or is no migration.
    Against,
    /// The path fits, and nothing speaks against it.
    Fits,
    /// The path or the content says so.
    Sure,
}

macro_rules! presets {
    ($($(#[$doc:meta])* $preset:ident = $name:literal,)+) => {
        /// A migration tool whose layout is known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Preset {
            $($(#[$doc])* #[serde(rename = $name)] $preset,)+
        }

        impl Preset {
            /// All presets, in the order in which they are tried.
            pub const ALL: &'static [Self] = &[$(Self::$preset,)+];

            /// The name by which a policy and a report call it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$preset => $name,)+
                }
            }
        }
    };
}

presets! {
    /// `migrations/<name>/up.sql`, `down.sql` beside it.
    Diesel = "diesel",
    /// `migrations/<version>_<name>.sql`, or a pair of `.up.sql` and `.down.sql`.
    Sqlx = "sqlx",
    /// `V1__name.sql` or `.rs`, forward only.
    Refinery = "refinery",
    /// `m20220120_000001_name.rs`.
    SeaOrm = "sea-orm",
    /// `<version>_<name>.up.sql`, `.down.sql` beside it.
    GolangMigrate = "golang-migrate",
    /// SQL with `-- +goose Up`, or Go.
    Goose = "goose",
    /// SQL with `-- migrate:up`.
    Dbmate = "dbmate",
    /// `.up.fizz`, `.down.fizz` beside it.
    Pop = "pop",
    /// `db/migrate/*.rb`.
    Rails = "rails",
    /// `migrations/0001_name.py`.
    Django = "django",
    /// `versions/*.py`.
    Alembic = "alembic",
    /// `V1__name.sql`, `R__name.sql`.
    Flyway = "flyway",
    /// Change logs in XML, YAML, JSON or SQL.
    Liquibase = "liquibase",
    /// `prisma/migrations/<name>/migration.sql`.
    Prisma = "prisma",
    /// `drizzle/0000_name.sql`.
    Drizzle = "drizzle",
    /// `supabase/migrations/<time>_<name>.sql`.
    Supabase = "supabase",
    /// SQL beside an `atlas.sum`.
    Atlas = "atlas",
    /// `migrations/<time>-<Name>.ts` with a `MigrationInterface`.
    TypeOrm = "typeorm",
    /// `migrations/<time>-<name>.js` with a `queryInterface`.
    Sequelize = "sequelize",
    /// `migrations/<time>_<name>.js` with a `knex`.
    Knex = "knex",
    /// `migrations/<time>_<name>.js` with a `pgm`, or SQL with `-- Up Migration`.
    NodePgMigrate = "node-pg-migrate",
    /// `Migration<time>.ts`.
    MikroOrm = "mikro-orm",
    /// Go with a list of `gormigrate.Migration` or `xormigrate.Migration`.
    Gormigrate = "gormigrate",
    /// `priv/repo/migrations/*.exs`.
    Ecto = "ecto",
    /// `Migrations/<time>_<Name>.cs`.
    EfCore = "ef-core",
    /// `database/migrations/*.php`.
    Laravel = "laravel",
    /// `migrations/Version<time>.php`.
    Doctrine = "doctrine",
    /// `db/migrations/<time>_<name>.php` with an `AbstractMigration`.
    Phinx = "phinx",
    /// SQL in a directory for migrations, by a tool that is not known.
    Sql = "sql",
    /// A script in a directory for migrations, by a tool that is not known.
    Script = "script",
}

impl Preset {
    /// The preset of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|preset| preset.name() == name)
    }

    /// Whether it is a tool, and not a catch-all for what looks like a migration.
    pub(super) fn is_tool(self) -> bool {
        !matches!(self, Self::Sql | Self::Script)
    }

    /// Whether every migration of this tool carries its mark, so that a file without it is something else.
    pub(super) fn marks_files(self) -> bool {
        matches!(
            self,
            Self::Goose
                | Self::Dbmate
                | Self::Alembic
                | Self::Liquibase
                | Self::Drizzle
                | Self::Atlas
                | Self::Gormigrate
                | Self::NodePgMigrate
                | Self::MikroOrm
                | Self::Phinx
                | Self::Doctrine
        )
    }

    /// Whether a database remembers this tool's migrations by the number at the start of their names.
    pub(super) fn knows_by_version(self) -> bool {
        matches!(
            self,
            Self::Diesel
                | Self::Sqlx
                | Self::GolangMigrate
                | Self::Goose
                | Self::Dbmate
                | Self::Pop
                | Self::Rails
                | Self::Supabase
                | Self::Atlas
                | Self::Ecto
                | Self::Phinx
        )
    }

    /// Whether a database remembers this tool's migrations by what stands inside the file.
    pub(super) fn knows_by_content(self) -> bool {
        matches!(self, Self::Alembic | Self::EfCore | Self::TypeOrm | Self::Gormigrate)
    }

    /// Whether this tool would take the file for a migration, by its path alone.
    pub(super) fn fits(self, place: &Place<'_>) -> bool {
        (self.fits_sql(place) || self.fits_code(place))
            && !place.foreign()
            && !place.put_away()
            && !place.goes_back()
    }

    fn fits_sql(self, place: &Place<'_>) -> bool {
        let sql = place.extension == "sql";
        let numbered = sql && place.numbered();
        match self {
            Self::Diesel => place.name == "up.sql" && place.parts.iter().any(|part| migrations(part)),
            Self::Sqlx | Self::Dbmate => numbered && migrations(place.parent()),
            Self::Goose => numbered && !place.name.ends_with(".up.sql"),
            Self::GolangMigrate => place.digits() > 0 && place.name.ends_with(".up.sql"),
            Self::Pop => [".up.fizz", ".up.sql"].iter().any(|end| place.name.ends_with(end)),
            Self::Refinery => {
                matches!(place.extension, "sql" | "rs")
                    && place.versioned(&['V', 'U']).is_some()
                    && migrations(place.parent())
            }
            Self::Flyway => {
                let repeatable = place.name.starts_with("R__") && sql;
                let known = matches!(place.extension, "sql" | "java" | "kt");
                repeatable || known && place.versioned(&['V', 'B']).is_some()
            }
            Self::Liquibase => liquibase(place),
            Self::Prisma => {
                place.name == "migration.sql"
                    && place.parts.iter().rev().nth(1).is_some_and(|part| migrations(part))
            }
            Self::Drizzle => sql && (place.under("drizzle") || numbered),
            Self::Atlas => sql && place.digits() > 0 && !place.name.ends_with(".up.sql"),
            Self::NodePgMigrate => numbered && place.in_migrations(),
            Self::Supabase => numbered && place.under_pair(|a, b| a == "supabase" && b == "migrations"),
            Self::Sql => sql && plain_sql(place),
            _ => false,
        }
    }

    fn fits_code(self, place: &Place<'_>) -> bool {
        let numbered = place.numbered();
        match self {
            Self::SeaOrm => {
                let rest = place.name.strip_prefix('m').unwrap_or_default();
                let dated = rest.bytes().take_while(u8::is_ascii_digit).count() >= 6;
                place.extension == "rs" && rest.contains('_') && (dated || numbered_after(place, 'm'))
            }
            Self::Goose => {
                place.extension == "go"
                    && numbered
                    && !place.name.ends_with("_test.go")
                    && migrations(place.parent())
            }
            Self::Rails => {
                let directory = |a: &str, b: &str| a == "db" && (b == "migrate" || b.ends_with("_migrate"));
                place.extension == "rb" && numbered && place.under_pair(directory)
            }
            Self::Django => {
                let squashed = place.name.contains("_squashed");
                place.extension == "py"
                    && place.digits() == 4
                    && numbered
                    && place.parent() == "migrations"
                    && !squashed
            }
            Self::Alembic => {
                place.extension == "py" && place.under("versions") && !place.name.starts_with("__")
            }
            Self::TypeOrm => javascript(place) && (place.digits() > 0 || place.dated()),
            Self::Sequelize | Self::Knex | Self::NodePgMigrate => javascript(place) && place.digits() > 0,
            Self::MikroOrm => javascript(place) && place.name.starts_with("Migration") && place.dated(),
            Self::Gormigrate => {
                place.extension == "go" && !place.name.ends_with("_test.go") && place.in_migrations()
            }
            Self::Script => script(place),
            _ => self.fits_classes(place),
        }
    }

    /// For the languages in which a migration is a class in a file of its name.
    fn fits_classes(self, place: &Place<'_>) -> bool {
        let numbered = place.numbered();
        match self {
            Self::Phinx => place.extension == "php" && numbered && place.in_migrations(),
            Self::Ecto => place.extension == "exs" && numbered && place.parent().ends_with("migrations"),
            Self::EfCore => {
                let made = place.name.ends_with(".Designer.cs") || place.name.ends_with("ModelSnapshot.cs");
                place.extension == "cs" && numbered && !made && place.under("Migrations")
            }
            Self::Laravel => {
                place.extension == "php"
                    && numbered
                    && place.under_pair(|a, b| {
                        a.eq_ignore_ascii_case("database") && b.eq_ignore_ascii_case("migrations")
                    })
            }
            Self::Doctrine => {
                let rest = place.name.strip_prefix("Version").unwrap_or_default();
                place.extension == "php" && rest.bytes().next().is_some_and(|b| b.is_ascii_digit())
            }
            _ => false,
        }
    }

    /// For tools that share a layout: whether the repository holds a file that only this tool, or its language, leaves.
    pub(super) fn left_traces(self, names: &BTreeSet<&str>, paths: &[String]) -> bool {
        let any = |wanted: &[&str]| wanted.iter().any(|name| names.contains(name));
        let starts = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
        let rust = any(&["Cargo.toml"]);
        match self {
            Self::Sqlx => rust && !any(&["diesel.toml"]),
            Self::Refinery => rust,
            Self::Flyway => !rust,
            Self::GolangMigrate => !rust,
            Self::Goose => any(&["go.mod"]),
            Self::Dbmate => {
                !rust && !any(&["go.mod"]) && paths.iter().any(|path| path.ends_with("db/schema.sql"))
            }
            Self::Alembic => any(&["alembic.ini", "script.py.mako"]),
            Self::Drizzle => any(&["_journal.json"]) || starts("drizzle.config."),
            Self::Sequelize => any(&[".sequelizerc"]) || paths.iter().any(|path| path.contains("/seeders/")),
            Self::Knex => starts("knexfile."),
            Self::Atlas => any(&["atlas.sum"]),
            Self::NodePgMigrate | Self::Gormigrate => false,
            Self::MikroOrm => starts("mikro-orm.config."),
            Self::Phinx => starts("phinx."),
            Self::Pop => paths.iter().any(|path| path.ends_with(".fizz")),
            Self::SeaOrm => rust,
            Self::Liquibase => paths.iter().any(|path| {
                let path = path.to_ascii_lowercase();
                let log = [".xml", ".sql", ".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
                log && (path.contains("changelog") || path.contains("liquibase"))
            }),
            Self::TypeOrm => starts("ormconfig.") || starts("data-source.") || starts("typeorm"),
            _ => true,
        }
    }
}

/// Whether SQL that no tool claims reads like a migration: numbered below a directory for migrations, or right in one.
fn plain_sql(place: &Place<'_>) -> bool {
    let near = place.parts.iter().rev().take(3).any(|part| migrations(part));
    let scaffolding = matches!(place.name, "schema.sql" | "structure.sql" | "seed.sql" | "seeds.sql");
    // Flyway calls `beforeMigrate.sql` and its like around every run.
    let callback = ["before", "after"].iter().any(|start| {
        place.name.strip_prefix(start).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    });
    (near && place.digits() > 0 || place.in_migrations()) && !scaffolding && !callback
}

/// Whether the name is this letter and a number, in a directory for migrations: `m0001_first.rs`.
fn numbered_after(place: &Place<'_>, letter: char) -> bool {
    let rest = place.name.strip_prefix(letter).unwrap_or_default();
    rest.starts_with(|c: char| c.is_ascii_digit()) && place.in_migrations()
}

fn javascript(place: &Place<'_>) -> bool {
    let code = matches!(place.extension, "js" | "ts" | "mjs" | "cjs" | "mts" | "cts");
    let beside = [".d.ts", ".d.mts", ".d.cts", ".test.", ".spec.", ".snap", ".stories."];
    code && !beside.iter().any(|part| place.name.contains(part)) && place.in_migrations()
}

/// A numbered script in a directory for migrations, in a language in which tools that are not known have them.
fn script(place: &Place<'_>) -> bool {
    let known = matches!(place.extension, "py" | "rb" | "php" | "go" | "rs" | "sh" | "mongodb");
    let test = || ["_test.", "test_", "_spec.", "_squashed"].iter().any(|part| place.name.contains(part));
    let code = javascript(place) || known && migrations(place.parent());
    code && (place.digits() > 0 || place.dated()) && !test()
}

fn liquibase(place: &Place<'_>) -> bool {
    let form = matches!(place.extension, "xml" | "yaml" | "yml" | "json" | "sql");
    let said = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("changelog") || name.contains("liquibase") || migrations(&name)
    };
    form && (said(place.name) || place.parts.iter().any(|part| said(part)))
}
