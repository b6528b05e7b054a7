//! Which tool a file belongs to by its content, and whether that tool can undo it.

use super::code::{self, BRACES, Body, PHP, RUST, Style, mask};
use super::place::Place;
use super::preset::{Preset, Sign};
use super::sql::{self, Script};
use super::{ChangeKind, Reversible, python, ruby};

type Verdict = (Reversible, String);

/// One file under examination; what is read is read once.
pub(super) struct Look<'a, 'r> {
    /// Where it is.
    pub place: &'a Place<'a>,
    change: ChangeKind,
    text: Option<Option<String>>,
    read: &'a mut (dyn FnMut(&str) -> Option<Vec<u8>> + 'r),
}

impl<'a, 'r> Look<'a, 'r> {
    /// Begins to look at a file.
    pub fn new(
        place: &'a Place<'a>,
        change: ChangeKind,
        read: &'a mut (dyn FnMut(&str) -> Option<Vec<u8>> + 'r),
    ) -> Self {
        Self { place, change, text: None, read }
    }

    fn file(&mut self, path: &str) -> Option<String> {
        (self.read)(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The file's own text; a deleted file has none.
    fn text(&mut self) -> Option<String> {
        if self.text.is_none() {
            let read = if self.change == ChangeKind::Deleted { None } else { self.file(self.place.path) };
            self.text = Some(read);
        }
        self.text.clone().flatten()
    }

    fn beside(&mut self, name: &str) -> Option<String> {
        self.file(&self.place.beside(name))
    }

    /// Whether a `Cargo.toml` here or in a directory above mentions this word.
    fn crate_uses(&mut self, word: &str) -> bool {
        let parts = self.place.parts.clone();
        (0..=parts.len()).rev().any(|depth| {
            let directory = parts[..depth].iter().map(|part| format!("{part}/")).collect::<String>();
            self.file(&format!("{directory}Cargo.toml")).is_some_and(|manifest| manifest.contains(word))
        })
    }
}

/// How surely the file belongs to a tool whose path pattern it fits.
pub(super) fn sign(preset: Preset, look: &mut Look<'_, '_>) -> Sign {
    let sure = |yes: bool| if yes { Sign::Sure } else { Sign::Against };
    match preset {
        Preset::Sqlx => sure(look.crate_uses("sqlx")),
        Preset::Refinery => sure(look.place.extension == "rs" || look.crate_uses("refinery")),
        Preset::Drizzle if look.place.under("drizzle") => Sign::Sure,
        Preset::Drizzle => sure(look.beside("meta/_journal.json").is_some()),
        Preset::Prisma if look.place.under("prisma") => Sign::Sure,
        Preset::Prisma | Preset::GolangMigrate | Preset::Sql | Preset::Script => Sign::Fits,
        Preset::Goose => says(look, &["+goose", "goose."]),
        Preset::Dbmate => says(look, &["migrate:up"]),
        Preset::Alembic => says(look, &["def upgrade("]),
        Preset::Liquibase => says(look, &["databaseChangeLog", "liquibase formatted sql"]),
        Preset::TypeOrm => says(look, &["MigrationInterface", "QueryRunner"]),
        Preset::Sequelize => says(look, &["queryInterface", "QueryInterface"]),
        Preset::Knex => says(look, &["knex", "Knex"]),
        Preset::Doctrine => says(look, &["AbstractMigration", "Doctrine"]),
        _ => Sign::Sure,
    }
}

/// Sure when the file holds one of these, against when it holds none. A file that cannot be read gives no evidence.
fn says(look: &mut Look<'_, '_>, marks: &[&str]) -> Sign {
    match look.text() {
        Some(text) if marks.iter().any(|mark| text.contains(mark)) => Sign::Sure,
        Some(_) => Sign::Against,
        None => Sign::Fits,
    }
}

/// What can be said of a file that is no longer there.
pub(super) fn deleted() -> Verdict {
    let why = "the file was deleted: a database that already ran it keeps what it did";
    (Reversible::Unknown, why.to_owned())
}

/// Whether the migration can be undone.
pub(super) fn judge(preset: Option<Preset>, look: &mut Look<'_, '_>) -> Verdict {
    let Some(text) = look.text() else {
        return (Reversible::Unknown, "its content could not be read".to_owned());
    };
    let (reversible, why) = match preset {
        Some(preset) => by_tool(preset, &text, look),
        None => (Reversible::Unknown, "no tool is known that would say how to go back".to_owned()),
    };
    let again = matches!(preset, Some(Preset::Liquibase)) || look.place.name.starts_with("R__");
    match look.change {
        ChangeKind::Modified if !again => (
            reversible,
            format!("{why}; an old file was edited: a database that already ran it will not run it again"),
        ),
        ChangeKind::Renamed if preset == Some(Preset::Flyway) => {
            (reversible, format!("{why}; it was renamed: `flyway validate` fails where it already ran"))
        }
        _ => (reversible, why),
    }
}

fn by_tool(preset: Preset, text: &str, look: &mut Look<'_, '_>) -> Verdict {
    match preset {
        Preset::Diesel => pair(text, "down.sql", look),
        Preset::GolangMigrate | Preset::Pop | Preset::Sqlx => suffixed(text, look),
        Preset::Goose if look.place.extension == "go" => goose_code(text),
        Preset::Goose => sections(text, "+goose down", "+goose up", "-- +goose Down"),
        Preset::Dbmate => sections(text, "migrate:down", "migrate:up", "-- migrate:down"),
        Preset::Rails => ruby::rails(text),
        Preset::Ecto => ruby::ecto(text),
        Preset::Django => python::django(text),
        Preset::Alembic => of_body(python::function(text, "downgrade"), "downgrade"),
        Preset::Flyway => flyway(text, look),
        Preset::Liquibase => liquibase(text, look),
        Preset::Refinery => never("refinery only goes forward"),
        Preset::Drizzle => never("Drizzle writes no way back"),
        Preset::Supabase => never("Supabase migrations only go forward"),
        Preset::Prisma => match look.beside("down.sql") {
            Some(_) => (
                Reversible::Unknown,
                "Prisma does not run the `down.sql` beside it: a person must".to_owned(),
            ),
            None => never("Prisma writes no way back"),
        },
        Preset::TypeOrm | Preset::Sequelize | Preset::Knex => braces(text, &BRACES, "down"),
        Preset::EfCore => braces(text, &BRACES, "Down"),
        Preset::Laravel | Preset::Doctrine => braces(text, &PHP, "down"),
        Preset::SeaOrm => braces(text, &RUST, "down"),
        Preset::Sql => (Reversible::Unknown, "no tool is known that would say how to go back".to_owned()),
        Preset::Script => match code::function(&mask(text, &BRACES), "down") {
            Body::Missing => {
                (Reversible::Unknown, "no tool is known that would say how to go back".to_owned())
            }
            body => of_body(body, "down"),
        },
    }
}

fn never(why: &str) -> Verdict {
    (Reversible::No, why.to_owned())
}

fn braces(text: &str, style: &Style, name: &str) -> Verdict {
    of_body(code::function(&mask(text, style), name), name)
}

fn of_body(body: Body, name: &str) -> Verdict {
    match body {
        Body::Missing => (Reversible::No, format!("it has no `{name}`")),
        Body::Empty => (Reversible::No, format!("its `{name}` is empty")),
        Body::Refuses => (Reversible::No, format!("its `{name}` raises an error")),
        Body::MayRefuse => (Reversible::Unknown, format!("its `{name}` raises an error in some cases")),
        Body::Acts => (Reversible::Yes, format!("it has a `{name}`")),
    }
}

/// SQL that goes back, called `name`, for SQL that went forward.
fn of_script(up: &str, down: &str, name: &str) -> Verdict {
    match (sql::judge(down), sql::loses(up)) {
        (Script::Idle, _) => (Reversible::No, format!("`{name}` is empty")),
        (Script::Refuses, _) => (Reversible::No, format!("`{name}` raises an error")),
        (Script::Acts, None) => (Reversible::Yes, format!("`{name}` goes back")),
        (Script::Acts, Some(what)) => (
            Reversible::Yes,
            format!("`{name}` goes back, but the migration {what}: data does not come back"),
        ),
    }
}

fn pair(up: &str, name: &str, look: &mut Look<'_, '_>) -> Verdict {
    match look.beside(name) {
        Some(down) if name.ends_with(".sql") => of_script(up, &down, name),
        Some(down) if down.trim().is_empty() => (Reversible::No, format!("`{name}` is empty")),
        Some(_) => (Reversible::Yes, format!("`{name}` goes back")),
        None => (Reversible::No, format!("there is no `{name}` beside it")),
    }
}

/// `x.up.sql` and `x.down.sql`; a plain `x.sql` has no partner.
fn suffixed(up: &str, look: &mut Look<'_, '_>) -> Verdict {
    let name = look.place.name;
    for (forward, back) in [(".up.sql", ".down.sql"), (".up.fizz", ".down.fizz")] {
        if let Some(stem) = name.strip_suffix(forward) {
            return pair(up, &format!("{stem}{back}"), look);
        }
    }
    never("it is a single file: only a pair of `.up.sql` and `.down.sql` goes back")
}

fn sections(text: &str, down: &str, up: &str, shown: &str) -> Verdict {
    let forward = sql::section(text, up, down).unwrap_or_default();
    match sql::section(text, down, up) {
        Some(back) => of_script(&forward, &back, shown),
        None => (Reversible::No, format!("it has no `{shown}`")),
    }
}

/// The second function that a Go migration registers.
fn goose_code(text: &str) -> Verdict {
    let masked = mask(text, &BRACES);
    let call = ["AddMigration", "AddNamedMigration"].iter().find_map(|name| masked.find(name));
    let Some(arguments) =
        call.and_then(|at| masked[at..].split_once('(')).and_then(|(_, rest)| rest.split(')').next())
    else {
        return (Reversible::Unknown, "it registers no function that could be read".to_owned());
    };
    let last = arguments.split(',').map(str::trim).rfind(|argument| !argument.is_empty()).unwrap_or_default();
    if last == "nil" {
        return never("it registers no function that goes back");
    }
    let header = format!("func {last}");
    match masked.find(&header) {
        Some(at) => of_body(code::function(&masked[at..], last), last),
        None => (Reversible::Unknown, format!("its function `{last}` stands in another file")),
    }
}

fn flyway(text: &str, look: &mut Look<'_, '_>) -> Verdict {
    let name = look.place.name;
    if name.starts_with("R__") {
        return (
            Reversible::Unknown,
            "it is repeatable: it runs again whenever it changes, and nothing undoes it".to_owned(),
        );
    }
    let undo = format!("U{}", name.get(1..).unwrap_or_default());
    match look.beside(&undo) {
        Some(down) => {
            let (reversible, why) = of_script(text, &down, &undo);
            (reversible, format!("{why} (needs an edition of Flyway with `undo`)"))
        }
        None => (Reversible::No, format!("there is no `{undo}` beside it")),
    }
}

/// Changes that Liquibase cannot turn round by itself.
const ONE_WAY: [&str; 14] = [
    "sql",
    "sqlFile",
    "dropTable",
    "dropColumn",
    "dropView",
    "dropIndex",
    "insert",
    "update",
    "delete",
    "loadData",
    "loadUpdateData",
    "modifyDataType",
    "customChange",
    "executeCommand",
];

fn liquibase(text: &str, look: &mut Look<'_, '_>) -> Verdict {
    let verdict = match look.place.extension {
        "xml" => liquibase_xml(text),
        "sql" => liquibase_sql(text),
        _ => (Reversible::Unknown, "change logs in YAML and JSON are not looked into".to_owned()),
    };
    match (verdict, look.change) {
        // A change log grows: the change set without a way back may be an old one.
        ((Reversible::No, why), ChangeKind::Modified) => {
            (Reversible::Unknown, format!("{why}, and the file does not say which change sets are new"))
        }
        (verdict, _) => verdict,
    }
}

fn liquibase_xml(text: &str) -> Verdict {
    let mut visible = String::with_capacity(text.len());
    for part in text.split("<!--").enumerate() {
        let (at, part) = part;
        visible.push_str(if at == 0 { part } else { part.split_once("-->").map_or("", |(_, rest)| rest) });
    }
    let mut sets = 0;
    for set in visible.split("<changeSet").skip(1) {
        sets += 1;
        let set = set.split("</changeSet>").next().unwrap_or(set);
        let tag = |name: &str| {
            set.split('<').skip(1).any(|part| {
                part.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(['>', '/', ' ', '\n', '\r', '\t']))
            })
        };
        if tag("rollback") {
            if set.contains("<rollback/>")
                || set.contains("<rollback />")
                || set.contains("<rollback></rollback>")
            {
                return never("a change set has an empty `<rollback>`");
            }
            continue;
        }
        if let Some(name) = ONE_WAY.iter().find(|name| tag(name)) {
            return (Reversible::No, format!("a change set with `<{name}>` has no `<rollback>`"));
        }
    }
    match sets {
        0 => (Reversible::Unknown, "it holds no change set".to_owned()),
        _ => (Reversible::Yes, "Liquibase reverses its change sets".to_owned()),
    }
}

fn liquibase_sql(text: &str) -> Verdict {
    let comment =
        |line: &str| line.trim_start().strip_prefix("--").map(|rest| rest.trim_start().to_ascii_lowercase());
    let mut open = None::<bool>;
    for line in text.lines() {
        let Some(comment) = comment(line) else { continue };
        if comment.starts_with("changeset ") {
            if open == Some(false) {
                break;
            }
            open = Some(false);
        } else if let Some(back) = comment.strip_prefix("rollback") {
            let back = back.trim();
            open =
                Some(open == Some(true) || !(back.is_empty() || back == "empty" || back == "not required"));
        }
    }
    match open {
        None => (Reversible::Unknown, "it holds no change set".to_owned()),
        Some(false) => never("a change set has no `--rollback`"),
        Some(true) => (Reversible::Yes, "every change set has a `--rollback`".to_owned()),
    }
}
