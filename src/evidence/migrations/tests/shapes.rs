//! What the field does with migrations: renames, copies, other forms, and whole repositories of ordinary files.

use super::super::{ChangeKind, Migration, PathChange, Reversible, Selection, find};
use super::{LOST_COLUMN, LOST_TABLE, find_in, one, verdict};
use Reversible::{No, Unknown, Yes};

fn renamed(from: &str, path: &str, text: &str) -> Vec<Migration> {
    let change =
        PathChange { change: ChangeKind::Renamed, path: path.to_owned(), from: Some(from.to_owned()) };
    find(&Selection::Automatic, &[change], &mut |wanted| (wanted == path).then(|| text.as_bytes().to_vec()))
}

/// What a rename becomes: its kind, whether it goes back, and what is added to why.
fn told(from: &str, path: &str, text: &str) -> Vec<(ChangeKind, Reversible, String)> {
    let last = |why: &str| why.rsplit("; ").next().unwrap_or_default().to_owned();
    renamed(from, path, text).into_iter().map(|it| (it.change, it.reversible, last(&it.why))).collect()
}

const RAILS: &str = "class A\n  def change\n    rename_table :a, :b\n  end\nend\n";
const KNEX: &str = "exports.up = (knex) => knex.schema.renameTable('a', 'b');\nexports.down = (knex) => knex.schema.renameTable('b', 'a');\n";

#[test]
fn a_rename_is_judged_by_how_the_tool_remembers_what_ran() {
    let same = |reversible, note: &str| vec![(ChangeKind::Renamed, reversible, note.to_owned())];
    let new = "it was renamed: a database that already ran it takes it for a new one";
    assert_eq!(
        told("db/migrate/2020_a.rb", "db/migrate/2020_b.rb", RAILS),
        same(Yes, "it was renamed and keeps its version")
    );
    assert_eq!(told("db/migrate/2020_a.rb", "db/migrate/2021_a.rb", RAILS), same(Unknown, new));
    assert_eq!(told("migrations/1-a.js", "migrations/1-b.js", KNEX), same(Unknown, new));
    assert_eq!(told("old/migrations/1-a.js", "api/migrations/1-a.js", KNEX), same(Yes, "it was moved"));
    assert_eq!(
        told("db/migration/V3__a.sql", "db/migration/V3__b.sql", "x"),
        same(No, "it was renamed: `flyway validate` fails where it already ran")
    );
    let log = "--liquibase formatted sql\n--changeset a:1\nx;\n--rollback y;\n";
    assert_eq!(
        told("db/changelog/a.sql", "db/changelog/b.sql", log),
        same(Unknown, "its path is part of its name: a database that already ran it runs it again")
    );
}

#[test]
fn a_file_that_moves_in_is_new_and_one_that_moves_out_is_gone() {
    let added = renamed("drafts/a.sql", "migrations/4_a.sql", "create table a();");
    assert_eq!((added[0].change, added[0].from.as_deref()), (ChangeKind::Added, None));
    let gone = renamed("db/migrate/2010_a.rb", "db/old_migrations/2010_a.rb", RAILS);
    assert_eq!((gone[0].change, gone[0].path.as_str()), (ChangeKind::Deleted, "db/migrate/2010_a.rb"));
    assert_eq!(
        gone[0].why,
        "the file was moved to where its tool does not look: a database that already ran it keeps what it did"
    );
    assert_eq!(renamed("docs/a.md", "docs/b.md", "x"), []);
}

#[test]
fn an_edit_that_stops_a_tool_says_so_and_what_grows_is_not_an_edit() {
    let edited = |path: &str, text: &str| {
        let change = PathChange { change: ChangeKind::Modified, path: path.to_owned(), from: None };
        let found = find(&Selection::Automatic, &[change], &mut |_| Some(text.as_bytes().to_vec()));
        (found[0].reversible, found[0].why.clone())
    };
    assert_eq!(
        edited("db/migration/V3__a.sql", "x").1,
        "`U3__a.sql` goes back (needs an edition of Flyway with `undo`); an old file was edited: where it already ran, its tool stops at the other checksum"
    );
    assert_eq!(
        edited("db/migrate/2020_a.rb", RAILS),
        (Unknown, "Rails reverses its `change`; an old file was edited: a database that already ran it will not run it again".to_owned())
    );
    let repeatable = "it is repeatable: it runs again whenever it changes, and nothing undoes it";
    assert_eq!(edited("db/migration/R__views.sql", "x"), (Unknown, repeatable.to_owned()));
    let log = "--liquibase formatted sql\n--changeset a:1\nx;\n--rollback y;\n";
    assert_eq!(edited("db/changelog/a.sql", log), (Yes, "every change set has a `--rollback`".to_owned()));
}

#[test]
fn two_alembic_heads_are_told_and_a_merge_goes_back() {
    let head = |name: &str| {
        let text = format!(
            "revision = '{name}'\ndown_revision = 'base'\n\ndef upgrade():\n    op.f()\n\ndef downgrade():\n    op.g()\n"
        );
        (format!("alembic/versions/{name}.py"), text)
    };
    let (a, b) = (head("a1"), head("b2"));
    let found = find_in(&[(&a.0, &a.1), (&b.0, &b.1)]);
    assert_eq!(
        found[0].why,
        "it has a `downgrade`; `b2.py` starts from the same revision: without a merge, Alembic refuses to run"
    );
    assert_eq!(found[1].reversible, Yes);
    let merge = "down_revision = ('a1', 'b2')\n\ndef upgrade():\n    pass\n\ndef downgrade():\n    pass\n";
    let nothing = "neither its `upgrade` nor its `downgrade` does anything";
    assert_eq!(one(&[("alembic/versions/m.py", merge)]), verdict("alembic", Yes, nothing));
}

#[test]
fn change_logs_in_yaml_and_json_are_read_like_those_in_xml() {
    let yaml = |set: &str| {
        let text = format!("databaseChangeLog:\n  - changeSet:\n      id: 1\n      author: a\n{set}");
        one(&[("src/main/resources/db/changelog/db.changelog-master.yaml", &text)])
    };
    let sql = "      changes:\n        - sql:\n            sql: update a set b = 1\n";
    let reverses = "Liquibase reverses its change sets";
    assert_eq!(
        yaml("      changes:\n        - createTable:\n            tableName: a\n"),
        verdict("liquibase", Yes, &format!("{reverses}, {LOST_TABLE}"))
    );
    assert_eq!(yaml(sql), verdict("liquibase", No, "a change set with `sql` has no `rollback`"));
    assert_eq!(
        yaml(&format!("{sql}      rollback:\n        - sql:\n            sql: x\n")),
        verdict("liquibase", Yes, reverses)
    );
    let empty = verdict("liquibase", No, "a change set has an empty `rollback`");
    assert_eq!(yaml(&format!("{sql}      rollback: empty\n")), empty);
    assert_eq!(yaml(&format!("{sql}      rollback: []\n")), empty);
    let strange = "a change set without a rollback holds a change that Liquibase may not reverse";
    assert_eq!(yaml("      changes:\n        - ext:own: {}\n"), verdict("liquibase", Unknown, strange));
    assert_eq!(yaml("      changes: [\n"), verdict("liquibase", Unknown, "its change log could not be read"));
    let json = r#"{"databaseChangeLog":[{"changeSet":{"id":"1","changes":[{"dropColumn":{}}],"rollback":{"addColumn":{}}}}]}"#;
    assert_eq!(
        one(&[("db/changelog/1.json", json)]),
        verdict(
            "liquibase",
            Yes,
            &format!("{reverses}, but the migration drops a column: data does not come back")
        )
    );
    let include = "databaseChangeLog:\n  - include:\n      file: changes/1.yaml\n";
    assert_eq!(find_in(&[("db/changelog/db.changelog-master.yaml", include)]), []);
}

#[test]
fn change_logs_in_xml_are_read_by_their_elements_and_not_by_their_letters() {
    let judged = |set: &str| {
        let text = format!("<databaseChangeLog><changeSet id='1'>{set}</changeSet></databaseChangeLog>");
        let (_, reversible, why) = one(&[("db/changelog/a.xml", &text)]);
        (reversible, why)
    };
    assert_eq!(judged("<sql>x</sql><rollback changeSetId='0' changeSetAuthor='a'/>").0, Yes);
    assert_eq!(judged("<sql>x</sql><rollback>\n</rollback>").0, No);
    assert_eq!(judged("<sql>x</sql><rollback><![CDATA[y]]></rollback>").0, Yes);
    assert_eq!(judged("<preConditions><sqlCheck>1</sqlCheck></preConditions><createIndex/>").0, Yes);
    assert_eq!(judged("<comment>&lt;rollback/&gt;</comment><insert tableName='a'/>").0, No);
    assert_eq!(judged("<sql>x</sql").1, "its change log could not be read");
}

#[test]
fn tools_of_the_javascript_world_say_no_in_their_own_ways() {
    let pg = "import { MigrationBuilder } from 'node-pg-migrate';\nexport async function up(pgm) { pgm.createTable('a', {}); }\n";
    let path = "migrations/1700000000000_add-a.js";
    let by_itself = "it has no `down`: node-pg-migrate reverses its `up` by itself, where it can";
    assert_eq!(one(&[(path, pg)]), verdict("node-pg-migrate", Unknown, by_itself));
    let says = "its `down` is `false`: it says that there is no way back";
    assert_eq!(
        one(&[(path, &format!("{pg}export const down = false;\n"))]),
        verdict("node-pg-migrate", No, says)
    );
    let sql = "-- Up Migration\nCREATE TABLE a();\n-- Down Migration\nDROP TABLE a;\n";
    assert_eq!(
        one(&[("migrations/1_a.sql", sql)]),
        verdict("node-pg-migrate", Yes, &format!("`-- Down Migration` goes back, {LOST_TABLE}"))
    );
    let mikro = "import { Migration } from '@mikro-orm/migrations';\nexport class Migration20240101 extends Migration {\n  async up(): Promise<void> { this.addSql('alter table a add b int;'); }\n";
    let path = "src/migrations/Migration20240101120000.ts";
    assert_eq!(
        one(&[(path, &format!("{mikro}}}\n"))]),
        verdict("mikro-orm", No, "it has no `down`: Mikro-ORM refuses to go back")
    );
    assert_eq!(
        one(&[(
            path,
            &format!(
                "{mikro}  async down(): Promise<void> {{ this.addSql('alter table a drop column b;'); }}\n}}\n"
            )
        )]),
        verdict("mikro-orm", Yes, &format!("it has a `down`, {LOST_COLUMN}"))
    );
    let knex = "const { up, down } = require('./shared');\nmodule.exports = { up, down };\n// knex\nknex;\n";
    assert_eq!(
        one(&[("migrations/3_a.cjs", knex)]),
        verdict("knex", Unknown, "its `down` stands in another file, or could not be read")
    );
    let told = "exports.up = (knex) => knex.raw('x');\nexports.down = async () => { console.log('no way back'); };\n";
    assert_eq!(one(&[("migrations/3_a.mjs", told)]), verdict("knex", No, "its `down` is empty"));
}

#[test]
fn tools_of_the_php_and_sql_worlds_are_known() {
    let phinx = |body: &str| {
        let text = format!(
            "<?php\nuse Phinx\\Migration\\AbstractMigration;\nclass A extends AbstractMigration {{\n  public function change(): void {{ {body} }}\n}}\n"
        );
        one(&[("db/migrations/20240101120000_a.php", &text)])
    };
    assert_eq!(
        phinx("$this->table('a')->addColumn('b', 'string')->create();"),
        verdict("phinx", Yes, &format!("Phinx reverses its `change`, {LOST_TABLE}"))
    );
    assert_eq!(
        phinx("$this->execute('x');"),
        verdict("phinx", No, "Phinx cannot reverse the `execute` in its `change`")
    );
    let doctrine = "<?php class V extends AbstractMigration {\n public function up(Schema $s): void { $this->addSql('ALTER TABLE a ADD b INT'); }\n public function down(Schema $s): void {\n  $this->abortIf($this->connection->getDatabasePlatform()->getName() !== 'mysql', 'no');\n BODY }\n}";
    let judged = |body: &str| one(&[("migrations/Version2016.php", &doctrine.replace("BODY", body))]);
    assert_eq!(
        judged("$this->addSql('ALTER TABLE a DROP b');"),
        verdict("doctrine", Yes, &format!("it has a `down`, {LOST_COLUMN}"))
    );
    assert_eq!(judged(""), verdict("doctrine", No, "its `down` is empty"));
    assert_eq!(
        judged("$this->skipIf($x, 'no'); $this->addSql('y');"),
        verdict("doctrine", Unknown, "its `down` raises an error in some cases")
    );
    let atlas = [("migrations/20220318104614_a.sql", "x"), ("migrations/atlas.sum", "h1:x")];
    assert_eq!(
        one(&atlas),
        verdict("atlas", Unknown, "Atlas works out the way back when it runs: no file says what it will do")
    );
    let beside = [("migrations/create_a.up.sql", "x"), ("migrations/create_a.down.sql", "y")];
    assert_eq!(
        one(&beside),
        verdict("sql", Unknown, "`create_a.down.sql` lies beside it, but no tool is known that would run it")
    );
}

#[test]
fn what_tears_something_down_is_a_migration_unless_it_undoes_a_neighbour() {
    let path = |files: &[(&str, &str)]| find_in(files).into_iter().map(|it| it.path).collect::<Vec<_>>();
    assert_eq!(path(&[("migrations/003_tear_down.sql", "x")]), ["migrations/003_tear_down.sql"]);
    assert_eq!(
        path(&[("migrations/4_a_up.sql", "x"), ("migrations/4_a_down.sql", "y")]),
        ["migrations/4_a_up.sql"]
    );
    assert_eq!(
        path(&[("migrations/4_a.sql", "x"), ("migrations/4_a_rollback.sql", "y")]),
        ["migrations/4_a.sql"]
    );
    assert_eq!(
        path(&[("migrations/up/4_a.sql", "x"), ("migrations/down/4_a.sql", "y")]),
        ["migrations/up/4_a.sql"]
    );
    assert_eq!(
        path(&[("db/migration/V1__a.sql", "x"), ("db/migration/U1__a.sql", "y")]),
        ["db/migration/V1__a.sql"]
    );
}

#[test]
fn rails_is_not_trusted_with_what_it_may_not_turn_round() {
    let judged = |body: &str| {
        let text = format!("class A < ActiveRecord::Migration[8.0]\n  def change\n    {body}\n  end\nend\n");
        let (_, reversible, why) = one(&[("db/migrate/2025_a.rb", &text)]);
        (reversible, why)
    };
    assert_eq!(judged("safety_assured { execute 'x' }").0, No);
    assert_eq!(judged("safety_assured do\n      remove_column :a, :b\n    end").0, No);
    assert_eq!(judged("safety_assured { rename_column :a, :b, :c }").0, Yes);
    let condition = "its `change` depends on a condition, which may be another on the way back";
    let asked = judged("add_column :a, :b, :string unless column_exists?(:a, :b)");
    assert_eq!(asked, (Unknown, condition.to_owned()));
    assert_eq!(judged("backfill_everything :a").0, Unknown);
    assert_eq!(judged("%i[a b].each { |name| add_column :t, name, :string }").0, Yes);
    assert_eq!(judged("%i[a b].each do |name|\n      remove_column :t, name\n    end").0, No);
    assert_eq!(judged("change_table :a do |t|\n      t.remove :b\n    end").0, No);
    assert_eq!(judged("change_table :a do |table|\n      table.string :b\n    end").0, Yes);
    let up = "reversible do |dir|\n      dir.up { execute 'a' }\n    end";
    let forward = "Rails reverses its `change`, but for a part that only runs forward";
    assert_eq!(judged(up), (Yes, forward.to_owned()));
}

#[test]
fn django_looks_into_the_code_that_goes_back() {
    let judged = |operations: &str, code: &str| {
        let text = format!("{code}\nclass Migration(migrations.Migration):\n    operations = {operations}\n");
        let (_, reversible, why) = one(&[("a/migrations/0002_b.py", &text)]);
        (reversible, why)
    };
    let raises = "def back(apps, editor):\n    raise RuntimeError('no')\n";
    assert_eq!(
        judged("[migrations.RunPython(fill, back)]", raises),
        (No, "the reverse of its `RunPython` raises an error".to_owned())
    );
    let idle = "Django reverses its operations, but one of them by doing nothing";
    let nothing = "def back(apps, editor):\n    pass\n";
    assert_eq!(
        judged("[migrations.RunPython(code=fill, reverse_code=back)]", nothing),
        (Yes, idle.to_owned())
    );
    assert_eq!(judged("[]", ""), (Yes, "it lists no operation, so nothing is to be undone".to_owned()));
    assert_eq!(judged("make()", ""), (Unknown, "its `operations` are no plain list".to_owned()));
    assert_eq!(judged("[add_it, *more]", ""), (Unknown, "its `operations` stand elsewhere".to_owned()));
    let inside = "[migrations.SeparateDatabaseAndState(database_operations=[Reindex('a')])]";
    assert_eq!(judged(inside, ""), (Unknown, "`Reindex` is not one of Django's own operations".to_owned()));
    let table = judged("[migrations.CreateModel(name='A', fields=[('id', models.AutoField())])]", "");
    assert_eq!(table, (Yes, format!("Django reverses its operations, {LOST_TABLE}")));
}

#[test]
fn ordinary_files_of_ordinary_repositories_are_no_migrations() {
    for path in [
        // Rails
        "app/models/migration.rb",
        "db/schema.rb",
        "db/seeds.rb",
        "db/seeds/01_users.rb",
        "lib/tasks/migrate.rake",
        "config/initializers/strong_migrations.rb",
        "spec/migrations/20250101_a_spec.rb",
        "spec/dummy/db/migrate/20250101_a.rb",
        // Django, Python
        "shop/migrations/__init__.py",
        "shop/management/commands/migrate_2fa.py",
        "shop/tests/test_migrations.py",
        "api/versions/v1.py",
        "scripts/2024_report.py",
        // JavaScript
        "src/migrations/index.ts",
        "src/migrations/types.d.ts",
        "src/migrations/20240101-a.test.ts",
        "src/migrations/README.md",
        "prisma/schema.prisma",
        "prisma/seed.ts",
        "next.config.js",
        "src/lib/immigration/2024-rules.ts",
        "packages/migration-tool/src/parser/3d.ts",
        ".changeset/brave-cats.md",
        "node_modules/x/migrations/1-a.js",
        // PHP
        "database/seeders/DatabaseSeeder.php",
        "database/factories/UserFactory.php",
        "vendor/laravel/passport/database/migrations/2016_06_01_000001_a.php",
        // Elixir
        "priv/repo/migrations/.formatter.exs",
        "priv/repo/seeds.exs",
        "priv/repo/structure.sql",
        // Java
        "src/test/resources/db/migration/V1__test.sql",
        "src/main/resources/application.yml",
        "src/main/resources/data.sql",
        "src/main/java/com/acme/MigrationService.java",
        // Rust
        "src/migrations/mod.rs",
        "migration/src/lib.rs",
        "migration/src/main.rs",
        "src/m4_driver.rs",
        "tests/fixtures/001_users.sql",
        "queries/1_users.sql",
        // Go
        "services/users/db/migrations/embed.go",
        "services/users/db/migrations/000001_a_test.go",
        "services/users/db/query/users.sql",
        "vendor/github.com/acme/x/migrations/000001_a.up.sql",
        // Everywhere
        "CHANGELOG.md",
        "changelog/2024.yaml",
        "docs/migrations/2024-guide.md",
        "k8s/migrations/01-job.yaml",
        ".github/workflows/migrate.yml",
        "Makefile",
    ] {
        assert_eq!(find_in(&[(path, "x")]), [], "{path}");
    }
}

#[test]
fn a_service_inside_a_monorepo_is_found_by_its_own_manifest() {
    let single = [
        ("services/billing/migrations/20240101_a.sql", "CREATE TABLE a();"),
        ("services/billing/Cargo.toml", "sqlx.workspace = true"),
    ];
    assert_eq!(one(&single).0, "sqlx");
    let locked = [
        ("migrations/20240101_a.sql", "CREATE TABLE a();"),
        ("Cargo.lock", "[[package]]\nname = \"sqlx\"\nversion = \"0.8.0\"\n"),
    ];
    assert_eq!(one(&locked).0, "sqlx");
    let pair = [
        ("services/users/db/migrations/000001_a.up.sql", "CREATE TABLE a();"),
        ("services/users/db/migrations/000001_a.down.sql", "DROP TABLE a;"),
        ("web/prisma/migrations/1_a/migration.sql", "x"),
    ];
    let found = find_in(&pair);
    let shown: Vec<_> = found.iter().map(|it| (it.title(), it.directory(), it.tool.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("000001_a.up.sql", "services/users/db/migrations", "golang-migrate"),
            ("1_a", "web/prisma/migrations", "prisma")
        ]
    );
}

#[test]
fn a_copy_for_one_database_knows_which() {
    let database = |path: &str| {
        let found = find_in(&[(path, "x")]);
        (found[0].database().map(str::to_owned), found[0].path_for("*"))
    };
    assert_eq!(
        database("migrations/mysql/2018_a/up.sql"),
        (Some("mysql".to_owned()), "migrations/*/2018_a/up.sql".to_owned())
    );
    assert_eq!(
        database("migrations/1_a.postgres.up.sql"),
        (Some("postgres".to_owned()), "migrations/1_a.*.up.sql".to_owned())
    );
    assert_eq!(database("migrations/1_pg.sql"), (None, "migrations/1_pg.sql".to_owned()));
}

#[test]
fn a_name_inside_a_reason_cannot_begin_a_line() {
    let why = one(&[("m/migrations/1_a\n\u{1b}[2J.up.sql", "x")]).2;
    assert_eq!(why, "there is no `1_a\\n\\u{1b}[2J.down.sql` beside it");
}
