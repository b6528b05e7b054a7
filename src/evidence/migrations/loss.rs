//! What data a migration throws away, on the way forward or on the way back.

use super::code::{SQL, Style, uncomment};

/// Data that a piece of code or SQL throws away, the worst of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// Rows.
    Rows,
    /// A column.
    Column,
    /// A table.
    Table,
    /// A schema or a database.
    Schema,
}

impl Loss {
    /// As people say it: `drops a table`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rows => "deletes rows",
            Self::Column => "drops a column",
            Self::Table => "drops a table",
            Self::Schema => "drops a schema",
        }
    }
}

/// What SQL throws away.
pub(super) fn of_sql(text: &str) -> Option<Loss> {
    of_visible(&uncomment(text, &SQL))
}

/// What code throws away, by the calls of migration tools or by the SQL in its strings.
pub(super) fn of_code(text: &str, style: &Style) -> Option<Loss> {
    of_visible(&uncomment(text, style))
}

/// Calls of the migration tools that drop a table.
const TABLE_CALLS: [&str; 9] = [
    "drop_table",
    "drop_join_table",
    "dropTable",
    "dropTables",
    "dropTableIfExists",
    "dropIfExists",
    "dropCollection",
    "DropTable",
    "drop_collection",
];
/// Calls of the migration tools that drop a column.
const COLUMN_CALLS: [&str; 15] = [
    "drop_column",
    "drop_columns",
    "remove_column",
    "remove_columns",
    "remove_reference",
    "remove_belongs_to",
    "remove_timestamps",
    "dropColumn",
    "dropColumns",
    "dropTimestamps",
    "dropSoftDeletes",
    "dropConstrainedForeignId",
    "removeColumn",
    "DropColumn",
    "deleteField",
];
/// What stands after `ALTER TABLE … DROP` and is no column.
const NO_COLUMN: [&str; 20] = [
    "CONSTRAINT",
    "INDEX",
    "KEY",
    "PRIMARY",
    "FOREIGN",
    "CHECK",
    "UNIQUE",
    "PARTITION",
    "DEFAULT",
    "NOT",
    "IDENTITY",
    "EXPRESSION",
    "TRIGGER",
    "VIEW",
    "TYPE",
    "POLICY",
    "PERIOD",
    "SYSTEM",
    "STATISTICS",
    "IF",
];

/// What text without comments throws away.
pub(super) fn of_visible(text: &str) -> Option<Loss> {
    let statements: Vec<Vec<&str>> = text.split(';').map(words).collect();
    let renamed: Vec<&str> = statements.iter().filter_map(|words| new_name(words)).collect();
    statements.iter().filter_map(|words| of_statement(words, &renamed)).max()
}

fn words(statement: &str) -> Vec<&str> {
    statement
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect()
}

fn is(word: Option<&&str>, wanted: &str) -> bool {
    word.is_some_and(|word| word.eq_ignore_ascii_case(wanted))
}

/// The name that `ALTER TABLE … RENAME TO name` gives.
fn new_name<'a>(words: &[&'a str]) -> Option<&'a str> {
    let at = words.windows(2).position(|pair| is(pair.first(), "RENAME") && is(pair.get(1), "TO"))?;
    words.get(at + 2..)?.last().copied()
}

fn of_statement(words: &[&str], renamed: &[&str]) -> Option<Loss> {
    let alters = words.windows(2).any(|pair| is(pair.first(), "ALTER") && is(pair.get(1), "TABLE"));
    let one = |(at, word): (usize, &&str)| {
        if TABLE_CALLS.contains(word) {
            return Some(Loss::Table);
        }
        if COLUMN_CALLS.contains(word) {
            return Some(Loss::Column);
        }
        let next = words.get(at + 1)?;
        match (word.to_ascii_uppercase().as_str(), next.to_ascii_uppercase().as_str()) {
            // SQLite changes a table by copying it, dropping the old one and renaming the copy: nothing is lost.
            ("DROP", "TABLE") => (!dropped(&words[at + 2..], renamed)).then_some(Loss::Table),
            ("DROP", "COLUMN") => Some(Loss::Column),
            ("DROP", "SCHEMA" | "DATABASE") => Some(Loss::Schema),
            ("DROP", other) if alters => (!NO_COLUMN.contains(&other)).then_some(Loss::Column),
            ("DELETE", "FROM") => Some(Loss::Rows),
            ("TRUNCATE", _) if at == 0 || is(words.get(at + 1), "TABLE") => Some(Loss::Rows),
            _ => None,
        }
    };
    words.iter().enumerate().filter_map(one).max()
}

/// Whether the table that is dropped here has its name given to another one.
fn dropped(rest: &[&str], renamed: &[&str]) -> bool {
    let name = rest.iter().filter(|word| !is(Some(word), "IF") && !is(Some(word), "EXISTS"));
    name.take(2).any(|word| renamed.iter().any(|new| new.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::{Loss, of_code, of_sql};
    use crate::evidence::migrations::code::BRACES;

    #[test]
    fn sql_that_throws_data_away_is_told_by_its_worst() {
        for (sql, loss) in [
            ("CREATE TABLE a();", None),
            ("-- DROP TABLE a;", None),
            ("drop table if exists a cascade;", Some(Loss::Table)),
            ("ALTER TABLE \"a\" DROP COLUMN \"b\";", Some(Loss::Column)),
            ("ALTER TABLE a DROP b", Some(Loss::Column)),
            ("ALTER TABLE a DROP CONSTRAINT b;", None),
            ("ALTER TABLE a ALTER COLUMN b DROP NOT NULL;", None),
            ("ALTER TABLE a ALTER b DROP DEFAULT;", None),
            ("DROP INDEX a; DROP VIEW b;", None),
            ("DROP SCHEMA a CASCADE", Some(Loss::Schema)),
            ("DELETE FROM a WHERE b; ALTER TABLE c DROP COLUMN d;", Some(Loss::Column)),
            ("TRUNCATE a;", Some(Loss::Rows)),
            ("CREATE TABLE b(); DROP TABLE a; ALTER TABLE b RENAME TO a;", None),
            ("DROP TABLE a; ALTER TABLE b RENAME TO c;", Some(Loss::Table)),
        ] {
            assert_eq!(of_sql(sql), loss, "{sql}");
        }
    }

    #[test]
    fn code_is_read_for_calls_and_for_the_sql_in_its_strings() {
        for (code, loss) in [
            ("await q.query(`DROP TABLE \"user\"`);", Some(Loss::Table)),
            ("await q.dropColumn('a', 'b')", Some(Loss::Column)),
            ("// dropTable('a')", None),
            ("await knex.schema.createTable('a', t => t.string('b'))", None),
            ("await q.query(`ALTER TABLE \"a\" DROP COLUMN \"b\"`)", Some(Loss::Column)),
        ] {
            assert_eq!(of_code(code, &BRACES), loss, "{code}");
        }
    }
}
