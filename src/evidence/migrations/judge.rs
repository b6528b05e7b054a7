//! Whether the tool of a migration can undo it.

use super::code::{self, BRACES, Body, PHP, RUST, mask};
use super::look::Look;
use super::preset::Preset;
use super::verdict::{
    NO_TOOL, Verdict, goes_back, never, of_body, of_functions, of_script, unknown, with_loss,
};
use super::{Reversible, forward, liquibase, loss, python, ruby, sql};

/// Whether the migration can be undone.
pub(super) fn judge(preset: Option<Preset>, look: &mut Look<'_, '_>) -> Verdict {
    let Some(text) = look.text() else { return unknown("its content could not be read") };
    let (reversible, why) = match preset {
        Some(preset) => by_tool(preset, &text, look),
        None => unknown(NO_TOOL),
    };
    // What goes back says itself which data does not.
    let forward = || forward::loss(preset, &text, look.place.extension);
    match if reversible == Reversible::Yes { None } else { forward() } {
        Some(loss) => (reversible, with_loss(&why, loss)),
        None => (reversible, why),
    }
}

fn by_tool(preset: Preset, text: &str, look: &mut Look<'_, '_>) -> Verdict {
    match preset {
        Preset::Diesel => pair(text, "down.sql", look),
        Preset::GolangMigrate | Preset::Pop | Preset::Sqlx => suffixed(text, look),
        Preset::Goose if look.place.extension == "go" => goose_code(text),
        Preset::Goose => sections(text, "+goose down", "+goose up", "-- +goose Down"),
        Preset::Dbmate => sections(text, "migrate:down", "migrate:up", "-- migrate:down"),
        Preset::NodePgMigrate => node_pg_migrate(text, look),
        Preset::Gormigrate => gormigrate(text),
        Preset::Rails => ruby::rails(text),
        Preset::Ecto => ruby::ecto(text),
        Preset::Django => python::django(text),
        Preset::Alembic => python::alembic(text),
        Preset::Flyway => flyway(text, look),
        Preset::Liquibase => liquibase::judge(text, look),
        Preset::Refinery => never("refinery only goes forward"),
        Preset::Drizzle => never("Drizzle writes no way back"),
        Preset::Supabase => never("Supabase migrations only go forward"),
        Preset::Atlas => unknown("Atlas works out the way back when it runs: no file says what it will do"),
        Preset::Prisma => match look.beside("down.sql") {
            Some(_) => unknown("Prisma does not run the `down.sql` beside it: a person must"),
            None => never("Prisma writes no way back"),
        },
        Preset::TypeOrm | Preset::Sequelize | Preset::Knex => of_functions(text, &BRACES, ["up", "down"]),
        Preset::MikroOrm => mikro_orm(text),
        Preset::EfCore => of_functions(text, &BRACES, ["Up", "Down"]),
        Preset::Laravel | Preset::Doctrine => of_functions(text, &PHP, ["up", "down"]),
        Preset::Phinx => phinx(text),
        Preset::SeaOrm => of_functions(text, &RUST, ["up", "down"]),
        Preset::Sql => plain_sql(look),
        Preset::Script => match code::function(&mask(text, &BRACES), "down").body {
            Body::Missing => unknown(NO_TOOL),
            _ => of_functions(text, &BRACES, ["up", "down"]),
        },
    }
}

fn pair(up: &str, name: &str, look: &mut Look<'_, '_>) -> Verdict {
    match look.beside(name) {
        Some(down) if name.ends_with(".sql") => of_script(up, &down, name),
        Some(down) if down.trim().is_empty() => never(&format!("`{name}` is empty")),
        Some(down) => {
            goes_back(&format!("`{name}` goes back"), loss::of_visible(up), loss::of_visible(&down))
        }
        None => never(&format!("there is no `{name}` beside it")),
    }
}

/// `x.up.sql` and `x.down.sql`; a plain `x.sql` has no partner.
fn suffixed(up: &str, look: &mut Look<'_, '_>) -> Verdict {
    match partner(look.place.name) {
        Some(down) => pair(up, &down, look),
        None => never("it is a single file: only a pair of `.up.sql` and `.down.sql` goes back"),
    }
}

/// The name of the file that undoes `x.up.sql`.
fn partner(name: &str) -> Option<String> {
    let ends = [(".up.sql", ".down.sql"), (".up.fizz", ".down.fizz")];
    ends.iter().find_map(|(up, down)| Some(format!("{}{down}", name.strip_suffix(up)?)))
}

/// SQL that no known tool claims: a file that would go back shows what was meant, not that anything runs it.
fn plain_sql(look: &mut Look<'_, '_>) -> Verdict {
    let name = look.place.name;
    let down = if name == "up.sql" { Some("down.sql".to_owned()) } else { partner(name) };
    match down.filter(|down| look.beside(down).is_some()) {
        Some(down) => unknown(&format!("`{down}` lies beside it, but no tool is known that would run it")),
        None => unknown(NO_TOOL),
    }
}

fn sections(text: &str, down: &str, up: &str, shown: &str) -> Verdict {
    let forward = sql::section(text, up, down).unwrap_or_default();
    match sql::section(text, down, up) {
        Some(back) => of_script(&forward, &back, shown),
        None => never(&format!("it has no `{shown}`")),
    }
}

/// The second function that a Go migration registers.
fn goose_code(text: &str) -> Verdict {
    let masked = mask(text, &BRACES);
    let call = ["AddMigration", "AddNamedMigration"].iter().find_map(|name| masked.find(name));
    let Some(arguments) =
        call.and_then(|at| masked[at..].split_once('(')).and_then(|(_, rest)| rest.split(')').next())
    else {
        return unknown("it registers no function that could be read");
    };
    let mut last = arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty()).rev();
    let (down, up) = (last.next().unwrap_or_default(), last.next().unwrap_or_default());
    if down == "nil" {
        return never("it registers no function that goes back");
    }
    if !down.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') || down.is_empty() {
        return unknown("it registers no function that could be read");
    }
    let written = |name: &str| {
        let from = masked.find(&format!("func {name}"))?;
        let found = code::function(&masked[from..], name);
        let loss = text.get(from + found.at.start..from + found.at.end);
        Some((found.body, loss.and_then(|part| loss::of_code(part, &BRACES))))
    };
    match (written(down), written(up)) {
        (Some((body, back)), up) => of_body(body, down, up.and_then(|(_, loss)| loss), back),
        (None, _) => unknown(&format!("its function `{down}` stands in another file")),
    }
}

/// Without a `down`, node-pg-migrate turns round what its `up` calls, where it can.
fn node_pg_migrate(text: &str, look: &Look<'_, '_>) -> Verdict {
    if look.place.extension == "sql" {
        return sections(text, "down migration", "up migration", "-- Down Migration");
    }
    let masked = mask(text, &BRACES);
    if code::function(&masked, "down").body != Body::Missing {
        return of_functions(text, &BRACES, ["up", "down"]);
    }
    if masked.split_whitespace().collect::<String>().contains("down=false") {
        return never("its `down` is `false`: it says that there is no way back");
    }
    unknown("it has no `down`: node-pg-migrate reverses its `up` by itself, where it can")
}

fn gormigrate(text: &str) -> Verdict {
    let masked = mask(text, &BRACES);
    let count = |name: &str| masked.matches(name).count();
    let (all, back) = (count("ID:"), count("Rollback:") + count("RollbackSession:"));
    match back {
        0 => never("it names no `Rollback`"),
        _ if back < all => unknown("not every migration in it names a `Rollback`"),
        _ => goes_back("it names a `Rollback`", None, None),
    }
}

/// Mikro-ORM's own `down` of the parent class raises an error.
fn mikro_orm(text: &str) -> Verdict {
    match code::function(&mask(text, &BRACES), "down").body {
        Body::Missing => never("it has no `down`: Mikro-ORM refuses to go back"),
        _ => of_functions(text, &BRACES, ["up", "down"]),
    }
}

/// Calls in a `change` that Phinx cannot turn round.
const PHINX_ONE_WAY: [&str; 8] =
    ["execute", "query", "insert", "removeColumn", "changeColumn", "drop", "removeIndex", "dropForeignKey"];

fn phinx(text: &str) -> Verdict {
    let masked = mask(text, &PHP);
    if code::function(&masked, "down").body != Body::Missing {
        return of_functions(text, &PHP, ["up", "down"]);
    }
    let change = code::function(&masked, "change");
    if change.body == Body::Missing {
        return never("it has no `down`");
    }
    let calls = masked[change.at].split("->").skip(1);
    let names = calls.map(|call| call.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default());
    let mut back = None;
    for name in names {
        if PHINX_ONE_WAY.contains(&name) {
            return never(&format!("Phinx cannot reverse the `{name}` in its `change`"));
        }
        back = back.max(match name {
            "create" => Some(loss::Loss::Table),
            "addColumn" | "addTimestamps" => Some(loss::Loss::Column),
            _ => None,
        });
    }
    goes_back("Phinx reverses its `change`", None, back)
}

fn flyway(text: &str, look: &mut Look<'_, '_>) -> Verdict {
    let name = look.place.name;
    if name.starts_with("R__") {
        return unknown("it is repeatable: it runs again whenever it changes, and nothing undoes it");
    }
    let undo = format!("U{}", name.get(1..).unwrap_or_default());
    match look.beside(&undo) {
        Some(down) => {
            let (reversible, why) = of_script(text, &down, &undo);
            (reversible, format!("{why} (needs an edition of Flyway with `undo`)"))
        }
        None => never(&format!("there is no `{undo}` beside it")),
    }
}
