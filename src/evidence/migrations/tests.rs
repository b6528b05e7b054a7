mod field;
mod long;
mod shapes;

use std::collections::BTreeMap;

use proptest::prelude::{any, proptest};

use super::{ChangeKind, Globs, Migration, PathChange, Preset, Reversible, Selection, detect, find, presets};

fn added(path: &str) -> PathChange {
    PathChange { change: ChangeKind::Added, path: path.to_owned(), from: None }
}

/// What the automatic selection finds when these files are all new.
fn find_in(files: &[(&str, &str)]) -> Vec<Migration> {
    let tree: BTreeMap<&str, &str> = files.iter().copied().collect();
    let changes: Vec<PathChange> = files.iter().map(|(path, _)| added(path)).collect();
    find(&Selection::Automatic, &changes, &mut |path| tree.get(path).map(|text| text.as_bytes().to_vec()))
}

/// Tool, verdict and reason of the one migration that these files hold.
fn one(files: &[(&str, &str)]) -> (String, Reversible, String) {
    let found = find_in(files);
    assert_eq!(found.len(), 1, "{found:?}");
    let migration = found.into_iter().next().unwrap();
    (migration.tool, migration.reversible, migration.why)
}

fn verdict(tool: &str, reversible: Reversible, why: &str) -> (String, Reversible, String) {
    (tool.to_owned(), reversible, why.to_owned())
}

use Reversible::{No, Unknown, Yes};

/// What a way back loses that drops a table.
const LOST_TABLE: &str = "which drops a table and its new data";
/// What a way back loses that drops a column.
const LOST_COLUMN: &str = "which drops a column and its new data";

#[test]
fn a_pair_of_up_and_down_is_one_migration() {
    let up = "migrations/pg/2023-01-31_add_argon2/up.sql";
    let down = "migrations/pg/2023-01-31_add_argon2/down.sql";
    let back = [(up, "ALTER TABLE a ADD b INT;"), (down, "ALTER TABLE a DROP b;")];
    assert_eq!(one(&back), verdict("diesel", Yes, &format!("`down.sql` goes back, {LOST_COLUMN}")));
    assert_eq!(find_in(&back)[0].title(), "2023-01-31_add_argon2");
    assert_eq!(one(&[(up, "x")]), verdict("diesel", No, "there is no `down.sql` beside it"));
}

#[test]
fn an_empty_or_commented_down_goes_nowhere() {
    for down in ["", " \n", "-- cannot be reversed", "/* drop */ ;", "SELECT 1;", "BEGIN;\nCOMMIT;"] {
        let files = [("m/1_a.up.sql", "CREATE TABLE a();"), ("m/1_a.down.sql", down)];
        assert_eq!(one(&files), verdict("golang-migrate", No, "`1_a.down.sql` is empty"), "{down}");
    }
    let refusing = [("m/1_a.up.sql", "x"), ("m/1_a.down.sql", "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$;")];
    assert_eq!(one(&refusing), verdict("golang-migrate", No, "`1_a.down.sql` raises an error"));
    let called = [("m/1_a.up.sql", "x"), ("m/1_a.down.sql", "SELECT restore_a();")];
    assert_eq!(one(&called), verdict("golang-migrate", Yes, "`1_a.down.sql` goes back"));
}

#[test]
fn dropped_data_is_named_although_the_structure_comes_back() {
    let files = [("m/1_a.up.sql", "DROP TABLE a;"), ("m/1_a.down.sql", "CREATE TABLE a();")];
    let why = "`1_a.down.sql` goes back, but the migration drops a table: data does not come back";
    assert_eq!(one(&files), verdict("golang-migrate", Yes, why));
    let rebuilt = "CREATE TABLE b();INSERT INTO b SELECT * FROM a;DROP TABLE a;ALTER TABLE b RENAME TO a;";
    let files = [("m/1_a.up.sql", rebuilt), ("m/1_a.down.sql", "CREATE TABLE a();")];
    assert_eq!(one(&files), verdict("golang-migrate", Yes, "`1_a.down.sql` goes back"));
}

#[test]
fn dropped_data_is_named_also_where_nothing_goes_back() {
    let cargo = ("Cargo.toml", "sqlx = \"0.8\"");
    let goose = "-- +goose Up\nDROP TABLE a;\n-- +goose Down\nSELECT 1;\n";
    let harmless = "-- +goose Up\nCREATE TABLE a();\n";
    let knex = "exports.up = (knex) => { return knex.schema.dropTable('a'); };\n";
    let rails = "class A < ActiveRecord::Migration[7.0]\n  def up\n    drop_table :a\n  end\nend\n";
    let django =
        "class Migration(migrations.Migration):\n  operations = [migrations.RunSQL('DROP TABLE a')]\n";
    let model =
        "class Migration(migrations.Migration):\n  operations = [migrations.DeleteModel('a'), Own()]\n";
    let alembic = "revision = 'a'\ndown_revision = None\n\ndef upgrade():\n    op.drop_column('a', 'b')\n\n\
                   def downgrade():\n    pass\n";
    for (files, reversible, loss) in [
        (&[("migrations/1_a.sql", "DROP TABLE a;"), cargo][..], No, "drops a table"),
        (&[("db/drizzle/0042_a.sql", "ALTER TABLE a DROP COLUMN b;")], No, "drops a column"),
        (&[("prisma/migrations/1_a/migration.sql", "TRUNCATE a;")], No, "deletes rows"),
        (&[("migrations/1_a.sql", "DELETE FROM a;")], Unknown, "deletes rows"),
        (&[("m/1_a.up.sql", "DROP TABLE a;"), ("m/1_a.down.sql", "")], No, "drops a table"),
        (&[("migrations/1_a.sql", goose)], No, "drops a table"),
        (&[("migrations/1-a.js", knex), ("package.json", "\"knex\"")], No, "drops a table"),
        (&[("db/migrate/1_a.rb", rails)], No, "drops a table"),
        (&[("a/migrations/0001_a.py", django)], No, "drops a table"),
        (&[("a/migrations/0001_a.py", model)], Unknown, "drops a table"),
        (&[("versions/a.py", alembic)], No, "drops a column"),
    ] {
        let (tool, found, why) = one(files);
        assert_eq!(found, reversible, "{tool}: {why}");
        assert!(
            why.ends_with(&format!(", and the migration {loss}: data does not come back")),
            "{tool}: {why}"
        );
    }
    for files in [
        &[("migrations/1_a.sql", harmless)][..],
        &[("m/1_a.up.sql", "CREATE TABLE a();"), ("m/1_a.down.sql", "")],
        &[("migrations/1_a.sql", "-- DROP TABLE a;\nCREATE TABLE b();"), cargo],
    ] {
        assert!(!one(files).2.contains("come back"), "{files:?}");
    }
}

#[test]
fn plain_sql_is_told_apart_by_its_surroundings() {
    let path = "migrations/1_setup.sql";
    let single = "it is a single file: only a pair of `.up.sql` and `.down.sql` goes back";
    let cargo = ("Cargo.toml", "sqlx = \"0.8\"");
    assert_eq!(one(&[(path, "create table a();"), cargo]), verdict("sqlx", No, single));
    let goose = "-- +goose Up\nCREATE TABLE a();\n-- +goose Down\nDROP TABLE a;\n";
    assert_eq!(
        one(&[(path, goose)]),
        verdict("goose", Yes, &format!("`-- +goose Down` goes back, {LOST_TABLE}"))
    );
    assert_eq!(one(&[(path, "-- +goose Up\nx;\n")]), verdict("goose", No, "it has no `-- +goose Down`"));
    let dbmate = "-- migrate:up transaction:false\nx;\n-- migrate:down\n";
    assert_eq!(one(&[(path, dbmate)]), verdict("dbmate", No, "`-- migrate:down` is empty"));
    let nobody = "no tool is known that would say how to go back";
    assert_eq!(one(&[(path, "create table a();")]), verdict("sql", Unknown, nobody));
    assert_eq!(find_in(&[("queries/1_setup.sql", "select 1"), ("db/schema.sql", "x")]), []);
}

#[test]
fn forward_only_tools_never_go_back() {
    assert_eq!(
        one(&[("prisma/migrations/20241130_added keys copy/migration.sql", "x")]),
        verdict("prisma", No, "Prisma writes no way back")
    );
    assert_eq!(
        one(&[("packages/db/drizzle/0042_great_epoch.sql", "x")]),
        verdict("drizzle", No, "Drizzle writes no way back")
    );
    assert_eq!(
        one(&[("migrations/V3__add_brand.rs", "fn migration() {}")]),
        verdict("refinery", No, "refinery only goes forward")
    );
    let unversioned = [("a/migrations/U1__x.sql", "x"), ("a/Cargo.toml", "refinery = \"0.8\"")];
    assert_eq!(one(&unversioned), verdict("refinery", No, "refinery only goes forward"));
}

#[test]
fn flyway_needs_an_undo_file() {
    let path = "src/main/resources/db/migration/V10__skills.sql";
    assert_eq!(one(&[(path, "x")]), verdict("flyway", No, "there is no `U10__skills.sql` beside it"));
    let undo = ("src/main/resources/db/migration/U10__skills.sql", "DROP TABLE s;");
    let found = find_in(&[(path, "x"), undo]);
    assert_eq!((found[0].tool.as_str(), found[0].reversible), ("flyway", Yes));
    assert_eq!(one(&[("db/migration/R__views.sql", "x")]).1, Unknown);
}

#[test]
fn rails_change_is_reversible_unless_rails_cannot_turn_it() {
    let judged = |body: &str| {
        let text = format!("class A < ActiveRecord::Migration[8.0]\n{body}\nend\n");
        let (tool, reversible, why) = one(&[("db/migrate/2025_a.rb", &text)]);
        assert_eq!(tool, "rails");
        (reversible, why)
    };
    let yes = |why: &str| (Yes, why.to_owned());
    let no = |why: &str| (No, why.to_owned());
    let change = |line: &str| format!("  def change\n    {line}\n  end");
    assert_eq!(judged(&change("rename_column :a, :b, :c")), yes("Rails reverses its `change`"));
    assert_eq!(
        judged(&change("add_column :a, :b, :string")),
        yes(&format!("Rails reverses its `change`, {LOST_COLUMN}"))
    );
    assert_eq!(
        judged(&change("create_table :a do |t|\n      t.string :b\n    end")),
        yes(&format!("Rails reverses its `change`, {LOST_TABLE}"))
    );
    assert_eq!(judged(&change("execute 'x'")), no("Rails cannot reverse the `execute` in its `change`"));
    assert_eq!(
        judged(&change("remove_column :a, :b")),
        no(
            "Rails cannot reverse the `remove_column` in its `change`, and the migration drops a column: data does not come back"
        )
    );
    assert_eq!(
        judged(&change("remove_column :a,\n      :b, :string")),
        yes("Rails reverses its `change`, but the migration drops a column: data does not come back")
    );
    assert_eq!(judged(&change("remove_index :a, name: 'b'")).0, No);
    assert_eq!(judged(&change("remove_index :a, :b")).0, Yes);
    assert_eq!(judged(&change("User.update_all(a: 1)")).0, Unknown);
    let both = "reversible do |dir|\n      dir.up { execute 'a' }\n      dir.down { execute 'b' }\n    end";
    assert_eq!(judged(&change(both)), yes("Rails reverses its `change`"));
    assert_eq!(judged("  def up\n    execute 'x'\n  end"), no("it has an `up` and no `down`"));
    assert_eq!(judged("  def up\n    x\n  end\n  def down\n    # gone\n  end"), no("its `down` is empty"));
    assert_eq!(
        judged("  def up\n    x\n  end\n\n  def down\n    raise ActiveRecord::IrreversibleMigration\n  end"),
        no("its `down` raises an error")
    );
    assert_eq!(
        judged("  def up\n    x\n  end\n  def down\n    drop_table :a\n  end"),
        yes(&format!("it has a `down`, {LOST_TABLE}"))
    );
}

#[test]
fn django_needs_a_reverse_for_code_and_sql() {
    let judged = |operations: &str| {
        let head =
            "from django.db.migrations.operations import RunSQL\n\nclass Migration(migrations.Migration):\n";
        let text =
            format!("{head}    dependencies = [('a', '0001')]\n    operations = [\n{operations}\n    ]\n");
        let (tool, reversible, why) = one(&[("hc/api/migrations/0041_check_desc.py", &text)]);
        assert_eq!(tool, "django");
        (reversible, why)
    };
    let field = "migrations.AddField(model_name='a', name='b', field=models.CharField(max_length=3)),";
    assert_eq!(judged(field), (Yes, format!("Django reverses its operations, {LOST_COLUMN}")));
    assert_eq!(judged("migrations.RunPython(fill)"), (No, "its `RunPython` has no reverse".to_owned()));
    assert_eq!(judged("migrations.RunPython(fill, reverse_code=None)").0, No);
    assert_eq!(judged("migrations.RunPython(fill, empty),").0, Yes);
    assert_eq!(judged("RunSQL('''a, b(''', # 'no'\n)"), (No, "its `RunSQL` has no reverse".to_owned()));
    assert_eq!(judged("RunSQL(sql=['a'], reverse_sql='b')").0, Yes);
    let nothing = "Django reverses its operations, but one of them by doing nothing";
    assert_eq!(judged("migrations.RunPython(a, migrations.RunPython.noop)"), (Yes, nothing.to_owned()));
    let drops = "Django reverses its operations, but the migration drops a column: data does not come back";
    assert_eq!(judged("migrations.RemoveField(model_name='a', name='b')"), (Yes, drops.to_owned()));
    let own = "`Reindex` is not one of Django's own operations";
    assert_eq!(judged("Reindex()"), (Unknown, own.to_owned()));
}

#[test]
fn alembic_needs_a_downgrade_that_does_something() {
    let judged = |down: &str| {
        let text = format!("revision = 'a'\n\ndef upgrade():\n    op.add_column('a')\n\n\n{down}");
        let (tool, reversible, why) = one(&[("app/alembic/versions/1a31ce.py", &text)]);
        assert_eq!(tool, "alembic");
        (reversible, why)
    };
    assert_eq!(judged("def downgrade():\n    pass\n"), (No, "its `downgrade` is empty".to_owned()));
    assert_eq!(
        judged("def downgrade() -> None:\n    \"\"\"Go\n    back.\"\"\"\n"),
        (No, "its `downgrade` is empty".to_owned())
    );
    assert_eq!(judged("def downgrade(): pass"), (No, "its `downgrade` is empty".to_owned()));
    assert_eq!(
        judged("def downgrade():\n    raise NotImplementedError()\n").1,
        "its `downgrade` raises an error"
    );
    assert_eq!(
        judged("def downgrade():\n    op.drop_column('a')\n"),
        (Yes, format!("it has a `downgrade`, {LOST_COLUMN}"))
    );
    assert_eq!(judged("# def downgrade(): x"), (No, "it has no `downgrade`".to_owned()));
    assert_eq!(find_in(&[("api/versions/v1.py", "def route(): pass")]), []);
}

#[test]
fn javascript_tools_are_told_apart_and_their_down_is_read() {
    let judged = |path: &str, text: &str| one(&[(path, text)]);
    let knex = "exports.up = function(knex) { return knex.schema.renameTable('a', 'b') };\n";
    let path = "api/src/database/migrations/20201028A-remove.ts";
    for (down, expected) in [
        (
            "exports.down = function(knex) { return knex.schema.createTable('a') };",
            verdict("knex", Yes, "it has a `down`"),
        ),
        ("exports.down = function(knex) { /* none */ };", verdict("knex", No, "its `down` is empty")),
        ("exports.down = () => Promise.resolve();", verdict("knex", No, "its `down` is empty")),
        (
            "export async function down(): Promise<void> { throw new Error('{'); }",
            verdict("knex", No, "its `down` raises an error"),
        ),
        ("// exports.down = function() { x() }", verdict("knex", No, "it has no `down`")),
        ("breakdown(x); this.down(y);", verdict("knex", No, "it has no `down`")),
    ] {
        assert_eq!(judged(path, &format!("{knex}{down}")), expected, "{down}");
    }
    let sequelize = "module.exports = { up: async (queryInterface) => { x() },\n down: async ({ context }, S) => { if (a) { b() } } };";
    assert_eq!(
        judged("server/migrations/20160619-initial.js", sequelize),
        verdict("sequelize", Yes, "it has a `down`")
    );
    let typeorm =
        "class A implements MigrationInterface { public async down(q: QueryRunner): Promise<void> {\n } }";
    assert_eq!(judged("src/migration/171502-A.ts", typeorm), verdict("typeorm", No, "its `down` is empty"));
    let other = "export async function down(db) { await db.drop() }";
    assert_eq!(judged("migrations/01_a.ts", other), verdict("script", Yes, "it has a `down`"));
    assert_eq!(
        find_in(&[
            ("migrations/01_a.d.ts", "x"),
            ("migrations/index.ts", "x"),
            ("dist/migrations/1-a.js", "knex")
        ]),
        []
    );
}

#[test]
fn the_other_tools_are_read_too() {
    let go = "func init() { goose.AddMigrationContext(up1, down1) }\nfunc up1() error { return x() }\nfunc down1(c context.Context, tx *sql.Tx) error {\n\treturn nil\n}\n";
    assert_eq!(one(&[("db/migrations/2020_a.go", go)]), verdict("goose", No, "its `down1` is empty"));
    let go = "func init() { goose.AddMigration(up1, nil) }";
    assert_eq!(
        one(&[("db/migrations/2020_a.go", go)]),
        verdict("goose", No, "it registers no function that goes back")
    );
    let rust =
        "impl M { async fn up(&self) {} async fn down(&self, m: &'a S) -> Result<(), E> { m.drop().await } }";
    assert_eq!(
        one(&[("migration/src/m20220120_000001_a.rs", rust)]),
        verdict("sea-orm", Yes, "it has a `down`")
    );
    let rust = "async fn down(&self) -> Result<(), E> {\n    todo!()\n}";
    assert_eq!(
        one(&[("migration/src/m20220120_000001_a.rs", rust)]),
        verdict("sea-orm", No, "its `down` raises an error")
    );
    let php = "<?php class A { public function down() {\n # nothing\n } }";
    assert_eq!(
        one(&[("database/migrations/2014_a.php", php)]),
        verdict("laravel", No, "its `down` is empty")
    );
    let php = "<?php class V extends AbstractMigration { public function down(Schema $s): void { $this->throwIrreversibleMigrationException(); } }";
    assert_eq!(
        one(&[("migrations/Version2016.php", php)]),
        verdict("doctrine", No, "its `down` raises an error")
    );
    let cs = "protected override void Down(MigrationBuilder m)\n{\n    m.DropTable(\"a\");\n}";
    let initial = ("src/A/Migrations/20231009_Initial.cs", cs);
    let designer = ("src/A/Migrations/20231009_Initial.Designer.cs", "x");
    assert_eq!(one(&[initial, designer]), verdict("ef-core", Yes, &format!("it has a `Down`, {LOST_TABLE}")));
    let ecto = "defmodule A do\n  def change do\n    execute(\"x\")\n  end\nend";
    let why = "Ecto cannot reverse the `execute` in its `change`";
    assert_eq!(one(&[("priv/repo/migrations/2018_a.exs", ecto)]), verdict("ecto", No, why));
    let ecto = "defmodule A do\n  def up do\n    x()\n  end\n\n  def down, do: :ok\nend";
    assert_eq!(one(&[("priv/repo/migrations/2018_a.exs", ecto)]), verdict("ecto", No, "its `down` is empty"));
}

#[test]
fn liquibase_change_sets_need_a_rollback_where_nothing_is_automatic() {
    let judged = |sets: &str| {
        let text = format!("<databaseChangeLog>{sets}</databaseChangeLog>");
        one(&[("config/liquibase/changelog/2015_added.xml", &text)])
    };
    let automatic = "<changeSet id=\"1\"><createTable/></changeSet>";
    assert_eq!(
        judged(automatic),
        verdict("liquibase", Yes, &format!("Liquibase reverses its change sets, {LOST_TABLE}"))
    );
    let sql = "<changeSet id=\"2\"><sql>x</sql></changeSet>";
    assert_eq!(judged(sql), verdict("liquibase", No, "a change set with `<sql>` has no `<rollback>`"));
    let both = "<changeSet id=\"2\"><sql>x</sql><rollback>y</rollback></changeSet>";
    assert_eq!(judged(both).1, Yes);
    let hidden = "<changeSet id=\"2\"><sql>x</sql><!-- <rollback>y</rollback> --></changeSet>";
    assert_eq!(judged(hidden).1, No);
    assert_eq!(judged("<changeSet id=\"3\"><insert/><rollback/></changeSet>").1, No);
    assert_eq!(find_in(&[("config/liquibase/master.xml", "<databaseChangeLog/>")]), []);
}

#[test]
fn a_deleted_or_edited_migration_says_so() {
    let change = |change, path: &str| PathChange { change, path: path.to_owned(), from: None };
    let changes = [
        change(ChangeKind::Deleted, "db/migrate/2020_a.rb"),
        change(ChangeKind::Modified, "prisma/migrations/1_a/migration.sql"),
    ];
    let found = find(&Selection::Automatic, &changes, &mut |path| {
        path.ends_with("migration.sql").then(|| b"x".to_vec())
    });
    let shown: Vec<_> = found.iter().map(|m| (m.change, m.reversible, m.why.as_str())).collect();
    assert_eq!(
        shown,
        [
            (
                ChangeKind::Deleted,
                Unknown,
                "the file was deleted: a database that already ran it keeps what it did"
            ),
            (
                ChangeKind::Modified,
                No,
                "Prisma writes no way back; an old file was edited: a database that already ran it will not run it again"
            ),
        ]
    );
}

#[test]
fn what_cannot_be_read_is_unknown() {
    let found = find(&Selection::Automatic, &[added("db/migrate/2020_a.rb")], &mut |_| None);
    assert_eq!((found[0].reversible, found[0].why.as_str()), (Unknown, "its content could not be read"));
}

#[test]
fn a_policy_may_name_tools_or_paths() {
    let changes = [
        added("migrations/1_a.sql"),
        added("db/migrate/1_a.rb"),
        added("sql/x.sql"),
        added("sql/x_down.sql"),
    ];
    let read = &mut |_: &str| Some(b"create".to_vec());
    let chosen = find(&Selection::Presets(vec![Preset::Sqlx]), &changes, read);
    assert_eq!(
        chosen.iter().map(|m| (m.path.as_str(), m.tool.as_str())).collect::<Vec<_>>(),
        [("migrations/1_a.sql", "sqlx")]
    );
    let globs = Globs::try_from(vec!["sql/*.sql".to_owned()]).unwrap();
    let named = find(&Selection::Globs(globs), &changes, read);
    assert_eq!(
        named.iter().map(|m| (m.path.as_str(), m.tool.as_str())).collect::<Vec<_>>(),
        [("sql/x.sql", "glob")]
    );
    assert_eq!(named[0].reversible, Unknown);
}

#[test]
fn a_broken_glob_is_refused_and_not_skipped() {
    let error = Globs::try_from(vec!["a/[".to_owned()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a/[` is not a valid glob: unclosed character class; missing ']'; write it as in `db/migrations/*.sql`"
    );
    assert!(serde_json::from_str::<Globs>("[\"a/[\"]").is_err());
}

#[test]
fn presets_are_known_by_their_names() {
    assert_eq!(presets().len(), 30);
    for name in presets() {
        assert_eq!(Preset::from_name(name).map(Preset::name), Some(name));
        assert_eq!(serde_json::to_value(Preset::from_name(name)).unwrap(), name);
    }
    assert_eq!(Preset::from_name("rials"), None);
}

#[test]
fn a_repository_shows_its_tools() {
    let detected = |paths: &[&str]| detect(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
    assert_eq!(detected(&["Cargo.toml", "migrations/1_setup.sql"]), ["sqlx"]);
    assert_eq!(detected(&["db/migrate/2020_a.rb", "db/schema.rb"]), ["rails"]);
    assert_eq!(detected(&["prisma/migrations/1_a/migration.sql"]), ["prisma"]);
    assert_eq!(detected(&["go.mod", "db/migrations/1_a.sql"]), ["goose"]);
    assert_eq!(
        detected(&["diesel.toml", "Cargo.toml", "migrations/1_a/up.sql", "migrations/1_a/down.sql"]),
        ["diesel"]
    );
    assert_eq!(detected(&["src/main.rs"]), [] as [&str; 0]);
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in any::<String>(), body in "([(){}\\[\\];,='\"`:#\n -]|down|def |change|operations|--|/\\*|é|RunSQL|execute|=>){0,60}") {
        let paths = [
            "a/up.sql", "migrations/1_a.sql", "migrations/1_a.go", "migrations/1-a.ts", "db/migrate/1_a.rb",
            "a/migrations/0001_a.py", "versions/a.py", "V1__a.sql", "changelog/a.xml", "changelog/b.sql",
            "m1_a.rs", "database/migrations/1_a.php", "Migrations/1_a.cs", "migrations/1_a.exs", "é/V1__", "up.sql",
        ];
        let changes: Vec<PathChange> = paths.iter().map(|path| added(path)).collect();
        for text in [&text, &body] {
            find(&Selection::Automatic, &changes, &mut |_| Some(text.as_bytes().to_vec()));
            find(&Selection::Presets(Preset::ALL.to_vec()), &changes, &mut |_| Some(text.as_bytes().to_vec()));
        }
    }

    #[test]
    fn no_path_makes_it_panic(path in any::<String>(), odd in "([/._-]|V|R__|m|1|db|migrate|migrations|sql|up|é){0,12}") {
        let _ = detect(&[path.clone(), odd.clone()]);
        find(&Selection::Automatic, &[added(&path), added(&odd)], &mut |_| Some(b"down(".to_vec()));
    }
}

#[test]
fn sql_in_no_tools_place_is_named_and_dumps_tests_and_ways_back_are_not() {
    let changes: Vec<PathChange> = [
        "database/upgrade_12.sql",
        "cassandra/001_init.cql",
        "db/schema.sql",
        "tests/data/a.sql",
        "seeds.sql",
        "scripts/x.down.sql",
        "README.md",
    ]
    .into_iter()
    .map(|path| PathChange { change: ChangeKind::Added, path: path.to_owned(), from: None })
    .collect();
    assert_eq!(super::loose_sql(&changes, &[]), ["database/upgrade_12.sql", "cassandra/001_init.cql"]);
    // A migration beside it makes the rest no less loose.
    let mut changes = changes;
    changes.push(added("migrations/20260101120000_a.up.sql"));
    changes.push(added("migrations/20260101120000_a.down.sql"));
    let found = find(&Selection::Automatic, &changes, &mut |_| Some(b"create table a (b int);".to_vec()));
    assert_eq!(found.len(), 1);
    assert_eq!(super::loose_sql(&changes, &found), ["database/upgrade_12.sql", "cassandra/001_init.cql"]);
}
