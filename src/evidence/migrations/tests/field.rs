//! Real projects: where each keeps its migrations, what lies beside them, and what is to be said of them.

use std::collections::BTreeMap;

use super::super::{ChangeKind, Migration, PathChange, Reversible, Selection, find};
use Reversible::{No, Unknown, Yes};

/// One project: its tool, files that are migrations, all with one content, files that are none, and what is around.
struct Row {
    project: &'static str,
    tool: &'static str,
    content: &'static str,
    reversible: Reversible,
    examples: &'static [&'static str],
    ignored: &'static [&'static str],
    around: &'static [(&'static str, &'static str)],
}

const RAILS: &str =
    "class A < ActiveRecord::Migration[8.0]\n  def change\n    add_column :tags, :x, :integer\n  end\nend\n";
const TYPEORM: &str = "import { MigrationInterface, QueryRunner } from 'typeorm';\n\nexport class A implements MigrationInterface {\n  public async up(queryRunner: QueryRunner): Promise<void> {\n    await queryRunner.query(`CREATE TABLE \"a\" (\"id\" SERIAL)`);\n  }\n\n  public async down(queryRunner: QueryRunner): Promise<void> {\n    await queryRunner.query(`DROP TABLE \"a\"`);\n  }\n}\n";

const ROWS: &[Row] = &[
    Row {
        project: "lobsters",
        tool: "rails",
        content: RAILS,
        reversible: Yes,
        examples: &[
            "db/migrate/20250818182728_add_fts_tables.rb",
            "db/migrate/20260613004304_add_created_at_to_suggested_tagging.rb",
            "actionmailbox/db/migrate/20180917164000_create_action_mailbox_tables.rb",
            "plugins/chat/db/migrate/20210225_a.rb",
            "db/cache_migrate/20240101_a.rb",
        ],
        ignored: &[
            "db/schema.rb",
            "db/structure.sql",
            "db/seeds.rb",
            "db/old_migrations/20100101_a.rb",
            "spec/migrations/20250101_a_spec.rb",
        ],
        around: &[("Gemfile", "gem 'rails'")],
    },
    Row {
        project: "shipit-engine",
        tool: "rails",
        content: RAILS,
        reversible: Yes,
        examples: &[
            "db/migrate/20140226233935_create_baseline.rb",
            "db/migrate/20170314145604_add_last_deployed_at_to_stack.rb",
            "db/migrate/20250207203053_embiggen_github_ids.shipit.rb",
        ],
        ignored: &["test/dummy/db/migrate/20140226233935_create_baseline.rb", "test/dummy/db/schema.rb"],
        around: &[],
    },
    Row {
        project: "healthchecks",
        tool: "django",
        content: "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('api', '0040')]\n\n    operations = [\n        migrations.AddField(\n            model_name='check',\n            name='desc',\n            field=models.TextField(blank=True),\n        ),\n    ]\n",
        reversible: Yes,
        examples: &[
            "hc/accounts/migrations/0001_initial.py",
            "hc/api/migrations/0041_check_desc.py",
            "hc/payments/migrations/0009_alter_subscription_user.py",
        ],
        ignored: &[
            "hc/api/migrations/__init__.py",
            "hc/api/migrations/0001_squashed_0040_a.py",
            "hc/api/tests/migrations/0001_initial.py",
            "hc/api/models.py",
        ],
        around: &[("manage.py", "")],
    },
    Row {
        project: "conductor",
        tool: "flyway",
        content: "CREATE TABLE skill (id VARCHAR(255));\n",
        reversible: No,
        examples: &[
            "mysql-persistence/src/main/resources/db/migration/V10__agentspan_skills.sql",
            "postgres-persistence/src/main/resources/db/migration_postgres/V3__correlation_id_index.sql",
            "sqlite-persistence/src/main/resources/db/migration_sqlite/V7__index_end_time.sql",
        ],
        ignored: &[
            "mysql-persistence/src/main/resources/db/migration/beforeMigrate.sql",
            "mysql-persistence/src/test/resources/db/migration/V1__test.sql",
            "flyway.conf",
        ],
        around: &[("build.gradle", "")],
    },
    Row {
        project: "jhipster-sample-app",
        tool: "liquibase",
        content: "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<databaseChangeLog xmlns=\"http://www.liquibase.org/xml/ns/dbchangelog\">\n  <!-- Added -->\n  <changeSet id=\"1\" author=\"jhipster\">\n    <createTable tableName=\"label\"><column name=\"id\" type=\"bigint\"/></createTable>\n  </changeSet>\n</databaseChangeLog>\n",
        reversible: Yes,
        examples: &[
            "src/main/resources/config/liquibase/changelog/00000000000000_initial_schema.xml",
            "src/main/resources/config/liquibase/changelog/20150805124936_added_entity_Label.xml",
            "src/main/resources/config/liquibase/changelog/20150805125054_added_entity_constraints_Operation.xml",
        ],
        ignored: &[
            "src/main/resources/config/liquibase/master.xml",
            "src/main/resources/config/liquibase/fake-data/label.csv",
            "CHANGELOG.md",
        ],
        around: &[],
    },
    Row {
        project: "full-stack-fastapi-template",
        tool: "alembic",
        content: "\"\"\"Add created_at\n\nRevision ID: fe56fa70289e\n\"\"\"\nrevision = 'fe56fa70289e'\ndown_revision = '1a31ce608336'\n\n\ndef upgrade():\n    op.add_column('user', sa.Column('created_at'))\n\n\ndef downgrade():\n    # ### commands auto generated by Alembic ###\n    op.drop_column('user', 'created_at')\n",
        reversible: Yes,
        examples: &["backend/app/alembic/versions/1a31ce608336_add_cascade_delete_relationships.py"],
        ignored: &[
            "backend/app/alembic/env.py",
            "backend/app/alembic/script.py.mako",
            "backend/app/alembic/README",
            "backend/app/alembic/versions/.keep",
            "backend/app/alembic/versions/__pycache__/a.pyc",
        ],
        around: &[],
    },
    Row {
        project: "ghostfolio",
        tool: "prisma",
        content: "ALTER TABLE \"Order\" ADD COLUMN \"x\" TEXT;\n",
        reversible: No,
        examples: &[
            "prisma/migrations/20210604190809_initial_migration/migration.sql",
            "prisma/migrations/20230422180309_added_data_source_to_market_data_as_unique_constraint/migration.sql",
            "prisma/migrations/20241130164335_added_api_keys_to_user copy/migration.sql",
        ],
        ignored: &["prisma/migrations/migration_lock.toml", "prisma/schema.prisma", "prisma/seed.mts"],
        around: &[],
    },
    Row {
        project: "umami",
        tool: "prisma",
        content: "ALTER TABLE a ADD COLUMN b TEXT;\n",
        reversible: No,
        examples: &[
            "prisma/migrations/05_add_visit_id/migration.sql",
            "prisma/migrations/19_add_session_replay/migration.sql",
        ],
        ignored: &["prisma/migrations/migration_lock.toml"],
        around: &[],
    },
    Row {
        project: "umami, ClickHouse",
        tool: "sql",
        content: "ALTER TABLE a ADD COLUMN b String;\n",
        reversible: Unknown,
        examples: &["db/clickhouse/migrations/01_edit_keys.sql"],
        ignored: &["db/clickhouse/schema.sql"],
        around: &[("package.json", "{\"dependencies\":{\"prisma\":\"6\"}}")],
    },
    Row {
        project: "directus",
        tool: "knex",
        content: "import type { Knex } from 'knex';\n\nexport async function up(knex: Knex): Promise<void> {\n\tawait knex.schema.alterTable('a', (table) => { table.string('b'); });\n}\n\nexport async function down(knex: Knex): Promise<void> {\n\tawait knex.schema.alterTable('a', (table) => { table.dropColumn('b'); });\n}\n",
        reversible: Yes,
        examples: &[
            "api/src/database/migrations/20201028A-remove-collection-foreign-keys.ts",
            "api/src/database/migrations/20210805B-change-image-metadata-structure.ts",
            "api/src/database/migrations/20201029B-remove-system-collections copy.ts",
        ],
        ignored: &[
            "api/src/database/migrations/run.ts",
            "api/src/database/migrations/20201028A-a.d.ts",
            "api/src/database/migrations/20201028A-a.test.ts",
            "api/src/database/migrations/__snapshots__/1.snap",
        ],
        around: &[],
    },
    Row {
        project: "outline",
        tool: "sequelize",
        content: "'use strict';\n\nmodule.exports = {\n  up: async (queryInterface, Sequelize) => {\n    await queryInterface.addColumn('documents', 'preferences', { type: Sequelize.JSONB });\n  },\n\n  down: async (queryInterface) => {\n    await queryInterface.removeColumn('documents', 'preferences');\n  },\n};\n",
        reversible: Yes,
        examples: &[
            "server/migrations/20160619080644-initial.js",
            "server/migrations/20221218013627-fix-webhook-subscription-constraints.js",
            "server/migrations/20260821164024-add-preferences-to-documents.js",
        ],
        ignored: &[
            "server/config/config.json",
            "server/seeders/20200101-demo.js",
            "server/migrations/index.js",
        ],
        around: &[],
    },
    Row {
        project: "nestjs-boilerplate",
        tool: "typeorm",
        content: TYPEORM,
        reversible: Yes,
        examples: &[
            "src/database/migrations/1715028537217-CreateUser.ts",
            "src/migrations/CreateUser1715028537217.ts",
        ],
        ignored: &["src/database/data-source.ts", "dist/database/migrations/1715028537217-CreateUser.js"],
        around: &[],
    },
    Row {
        project: "openstatus",
        tool: "drizzle",
        content: "ALTER TABLE `a` ADD `b` text;--> statement-breakpoint\nDROP TABLE `c`;\n",
        reversible: No,
        examples: &[
            "packages/db/drizzle/0000_lively_master_chief.sql",
            "packages/db/drizzle/0042_great_epoch.sql",
            "packages/db/drizzle/0083_wide_otto_octavius.sql",
        ],
        ignored: &["packages/db/drizzle/meta/_journal.json", "packages/db/drizzle/meta/0083_snapshot.json"],
        around: &[],
    },
    Row {
        project: "realworld-axum-sqlx",
        tool: "sqlx",
        content: "create table article (article_id uuid primary key);\n",
        reversible: No,
        examples: &["migrations/1_setup.sql", "migrations/3_follow.sql", "migrations/4_article.sql"],
        ignored: &["migrations/README.md", ".sqlx/query-1.json", "tests/fixtures/users.sql"],
        around: &[("Cargo.toml", "[dependencies]\nsqlx = \"0.6\"\n")],
    },
    Row {
        project: "vaultwarden",
        tool: "diesel",
        content: "ALTER TABLE users ADD COLUMN x INTEGER;\n",
        reversible: No,
        examples: &[
            "migrations/mysql/2018-01-14-171611_create_tables/up.sql",
            "migrations/postgresql/2023-01-31-222222_add_argon2/up.sql",
            "migrations/sqlite/2026-05-05-120000_sso_auth_error/up.sql",
        ],
        ignored: &[
            "diesel.toml",
            "src/db/schema.rs",
            "migrations/mysql/2018-01-14-171611_create_tables/down.sql",
            "migrations/postgresql/2023-01-31-222222_add_argon2/down.sql",
            "migrations/sqlite/2026-05-05-120000_sso_auth_error/down.sql",
        ],
        around: &[
            ("migrations/mysql/2018-01-14-171611_create_tables/down.sql", ""),
            ("migrations/postgresql/2023-01-31-222222_add_argon2/down.sql", "-- not reversible\n"),
            ("migrations/sqlite/2026-05-05-120000_sso_auth_error/down.sql", "\n"),
        ],
    },
    Row {
        project: "crates.io",
        tool: "diesel",
        content: "CREATE INDEX a ON users (username);\n",
        reversible: Yes,
        examples: &["migrations/2026-07-30-140000-0000_add_users_username_index/up.sql"],
        ignored: &[
            "migrations/2026-07-30-140000-0000_add_users_username_index/down.sql",
            "migrations/2026-07-30-140000-0000_add_users_username_index/metadata.toml",
            "src/schema.rs",
        ],
        around: &[("migrations/2026-07-30-140000-0000_add_users_username_index/down.sql", "DROP INDEX a;\n")],
    },
    Row {
        project: "simplebank",
        tool: "golang-migrate",
        content: "CREATE TABLE \"sessions\" (\"id\" uuid PRIMARY KEY);\n",
        reversible: Yes,
        examples: &["db/migration/000003_add_sessions.up.sql"],
        ignored: &["db/migration/000003_add_sessions.down.sql", "db/query/user.sql", "db/sqlc/models.go"],
        around: &[
            ("db/migration/000003_add_sessions.down.sql", "DROP TABLE IF EXISTS \"sessions\";\n"),
            ("go.mod", "require github.com/golang-migrate/migrate/v4 v4.17.0\n"),
        ],
    },
    Row {
        project: "pocket-id",
        tool: "golang-migrate",
        content: "CREATE TABLE audit_logs (id TEXT);\n",
        reversible: No,
        examples: &[
            "backend/resources/migrations/postgres/20241211111554_init.up.sql",
            "backend/resources/migrations/sqlite/20240908123031_audit_log.up.sql",
            "backend/resources/migrations/sqlite/20260814120000_api_client_access.up.sql",
        ],
        ignored: &[],
        around: &[],
    },
    Row {
        project: "navidrome, Go",
        tool: "goose",
        content: "package migrations\n\nfunc init() {\n\tgoose.AddMigrationContext(upAdd, downAdd)\n}\n\nfunc upAdd(_ context.Context, tx *sql.Tx) error {\n\t_, err := tx.Exec(`create table a (id int);`)\n\treturn err\n}\n\nfunc downAdd(_ context.Context, tx *sql.Tx) error {\n\t// This code is executed when the migration is rolled back.\n\treturn nil\n}\n",
        reversible: No,
        examples: &[
            "db/migrations/20200130083147_create_schema.go",
            "db/migrations/20201128100726_add_real-path_option.go",
            "db/migrations/20240122223340_add_default_values_to_null_columns.go.go",
        ],
        ignored: &["db/migrations/migration.go", "db/migrations/20200130083147_create_schema_test.go"],
        around: &[("go.mod", "require github.com/pressly/goose/v3 v3.20.0\n")],
    },
    Row {
        project: "navidrome, SQL",
        tool: "goose",
        content: "-- +goose Up\n-- +goose StatementBegin\nALTER TABLE artist ADD COLUMN artwork_trace TEXT;\n-- +goose StatementEnd\n\n-- +goose Down\n",
        reversible: No,
        examples: &["db/migrations/20260819204637_add_artwork_trace_columns.sql"],
        ignored: &[],
        around: &[("go.mod", "require github.com/pressly/goose/v3 v3.20.0\n")],
    },
    Row {
        project: "dbmate",
        tool: "dbmate",
        content: "-- migrate:up transaction:false\ncreate table users (id integer);\n\n-- migrate:down\ndrop table users;\n",
        reversible: Yes,
        examples: &[
            "testdata/db/migrations/20151129054053_test_migration.sql",
            "testdata/db/migrations/20200227231541_test_posts.sql",
        ],
        ignored: &["db/schema.sql"],
        around: &[],
    },
    Row {
        project: "hanko",
        tool: "pop",
        content: "create_table(\"users\") {\n\tt.Column(\"id\", \"uuid\", {primary: true})\n}\n",
        reversible: Yes,
        examples: &["backend/persistence/migrations/20220405153240_create_users.up.fizz"],
        ignored: &[
            "backend/persistence/migrations/20220405153240_create_users.down.fizz",
            "backend/persistence/migrations/schema.sql",
        ],
        around: &[(
            "backend/persistence/migrations/20220405153240_create_users.down.fizz",
            "drop_table(\"users\")\n",
        )],
    },
    Row {
        project: "plausible",
        tool: "ecto",
        content: "defmodule Plausible.Repo.Migrations.AddPageviews do\n  use Ecto.Migration\n\n  def change do\n    create table(:pageviews) do\n      add :hostname, :text, null: false\n\n      timestamps()\n    end\n  end\nend\n",
        reversible: Yes,
        examples: &[
            "priv/repo/migrations/20181201181549_add_pageviews.exs",
            "priv/repo/migrations/20200529071028_add_oban_jobs_table.exs",
            "priv/ingest_repo/migrations/20200915070607_create_events.exs",
        ],
        ignored: &["priv/repo/migrations/.formatter.exs", "priv/repo/structure.sql", "priv/repo/seeds.exs"],
        around: &[],
    },
    Row {
        project: "eShop",
        tool: "ef-core",
        content: "public partial class Initial : Migration\n{\n    protected override void Up(MigrationBuilder migrationBuilder)\n    {\n        migrationBuilder.CreateTable(name: \"Catalog\");\n    }\n\n    protected override void Down(MigrationBuilder migrationBuilder)\n    {\n        migrationBuilder.DropTable(name: \"Catalog\");\n    }\n}\n",
        reversible: Yes,
        examples: &[
            "src/Catalog.API/Infrastructure/Migrations/20231009153249_Initial.cs",
            "src/Ordering.Infrastructure/Migrations/20230925222426_Initial.cs",
            "src/Webhooks.API/Migrations/20230925222606_Initial.cs",
        ],
        ignored: &[
            "src/Catalog.API/Infrastructure/Migrations/20231009153249_Initial.Designer.cs",
            "src/Catalog.API/Infrastructure/Migrations/CatalogContextModelSnapshot.cs",
        ],
        around: &[],
    },
    Row {
        project: "BookStack",
        tool: "laravel",
        content: "<?php\n\nreturn new class extends Migration\n{\n    public function up(): void\n    {\n        Schema::create('user_invites', function (Blueprint $table) {\n            $table->id();\n        });\n    }\n\n    public function down(): void\n    {\n        Schema::dropIfExists('user_invites');\n    }\n};\n",
        reversible: Yes,
        examples: &[
            "database/migrations/2014_10_12_000000_create_users_table.php",
            "database/migrations/2019_08_17_140214_add_user_invites_table.php",
            "database/migrations/2024_09_29_140340_ensure_editor_value_set.php",
        ],
        ignored: &["database/migrations/.gitkeep", "database/seeders/DummyContentSeeder.php"],
        around: &[],
    },
    Row {
        project: "wallabag",
        tool: "doctrine",
        content: "<?php\n\nfinal class Version20250413133131 extends WallabagMigration\n{\n    // use Doctrine\\Migrations\\AbstractMigration;\n    public function up(Schema $schema): void\n    {\n        $this->addSql('ALTER TABLE a ADD b INT');\n    }\n\n    public function down(Schema $schema): void\n    {\n        $this->throwIrreversibleMigrationException();\n    }\n}\n",
        reversible: No,
        examples: &[
            "migrations/Version20160401000000.php",
            "migrations/Version20171008195606.php",
            "migrations/Version20250413133131.php",
        ],
        ignored: &["migrations/.gitignore"],
        around: &[],
    },
    Row {
        project: "sea-orm",
        tool: "sea-orm",
        content: "#[derive(DeriveMigrationName)]\npub struct Migration;\n\n#[async_trait::async_trait]\nimpl MigrationTrait for Migration {\n    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {\n        todo!();\n    }\n\n    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {\n        todo!();\n    }\n}\n",
        reversible: No,
        examples: &[
            "examples/actix_example/migration/src/m20220120_000001_create_post_table.rs",
            "examples/react_admin/backend/migration/src/m20231103_114510_notes.rs",
            "sea-orm-cli/template/migration/src/m20220101_000001_create_table.rs",
        ],
        ignored: &[
            "examples/actix_example/migration/src/lib.rs",
            "examples/actix_example/migration/src/main.rs",
        ],
        around: &[],
    },
    Row {
        project: "refinery",
        tool: "refinery",
        content: "CREATE TABLE cars (id int);\n",
        reversible: No,
        examples: &[
            "examples/migrations/V1__initial.sql",
            "examples/migrations/V2__add_cars_table.sql",
            "examples/migrations/U3__add_brand_to_cars_table.sql",
        ],
        ignored: &["examples/migrations/mod.rs"],
        around: &[("examples/Cargo.toml", "refinery = \"0.8\"\n")],
    },
    Row {
        project: "woodpecker",
        tool: "gormigrate",
        content: "package migration\n\nvar addCustomLabelsToAgent = xormigrate.Migration{\n\tID: \"add-custom-labels-to-agent\",\n\tMigrateSession: func(sess *xorm.Session) error {\n\t\treturn sess.Sync(new(agentV016))\n\t},\n}\n",
        reversible: No,
        examples: &[
            "server/store/datastore/migration/000_legacy_to_xormigrate.go",
            "server/store/datastore/migration/016_add_custom_labels_to_agent.go",
        ],
        ignored: &[
            "server/store/datastore/migration/030_deduplicate_log_entries_test.go",
            "server/store/datastore/migration/test-files/sqlite.db",
        ],
        around: &[],
    },
    Row {
        project: "keycloak",
        tool: "liquibase",
        content: "<databaseChangeLog xmlns=\"http://www.liquibase.org/xml/ns/dbchangelog\">\n  <changeSet author=\"keycloak\" id=\"1\">\n    <dropTable tableName=\"A\"/>\n    <sql>UPDATE B SET C = 1</sql>\n  </changeSet>\n</databaseChangeLog>\n",
        reversible: No,
        examples: &[
            "model/jpa/src/main/resources/META-INF/jpa-changelog-1.0.0.Final.xml",
            "model/jpa/src/main/resources/META-INF/jpa-changelog-26.7.0.xml",
            "model/jpa/src/main/resources/META-INF/jpa-changelog-999.0.0-SNAPSHOT.xml",
        ],
        ignored: &["model/jpa/src/main/resources/META-INF/jpa-changelog-master.xml"],
        around: &[],
    },
    Row {
        project: "airflow",
        tool: "alembic",
        content: "from __future__ import annotations\n\ndef upgrade():\n    op.create_table('a')\n\n\ndef downgrade():\n    op.drop_table('a')\n",
        reversible: Yes,
        examples: &["airflow/migrations/versions/0001_1_5_0_current_schema.py"],
        ignored: &[
            "airflow/migrations/env.py",
            "airflow/migrations/versions/__init__.py",
            "airflow/migrations/utils.py",
        ],
        around: &[],
    },
];

/// What stands in files that are no migrations.
fn other(path: &str) -> &'static str {
    if path.ends_with(".xml") {
        "<databaseChangeLog><include file=\"a.xml\"/></databaseChangeLog>"
    } else {
        "x"
    }
}

impl Row {
    fn found(&self, kind: ChangeKind) -> Vec<Migration> {
        let mut tree: BTreeMap<&str, &str> = self.ignored.iter().map(|path| (*path, other(path))).collect();
        tree.extend(self.examples.iter().map(|path| (*path, self.content)));
        tree.extend(self.around.iter().copied());
        let change = |path: &&str| PathChange { change: kind, path: (*path).to_owned(), from: None };
        let changes: Vec<PathChange> = self.examples.iter().chain(self.ignored).map(change).collect();
        find(&Selection::Automatic, &changes, &mut |path| tree.get(path).map(|text| text.as_bytes().to_vec()))
    }
}

#[test]
fn each_project_shows_its_migrations_and_nothing_else() {
    for row in ROWS {
        let found = row.found(ChangeKind::Added);
        let shown: Vec<_> =
            found.iter().map(|it| (it.path.as_str(), it.tool.as_str(), it.reversible)).collect();
        let wanted: Vec<_> = row.examples.iter().map(|path| (*path, row.tool, row.reversible)).collect();
        assert_eq!(shown, wanted, "{}", row.project);
    }
}

#[test]
fn an_edited_migration_is_told_and_never_known_to_go_back() {
    for row in ROWS.iter().filter(|row| row.tool != "liquibase") {
        for migration in row.found(ChangeKind::Modified) {
            assert!(migration.why.contains("; an old file was edited: "), "{}: {migration:?}", row.project);
            assert_ne!(migration.reversible, Yes, "{}: {migration:?}", row.project);
        }
    }
}

#[test]
fn a_deleted_migration_is_told_by_its_path_and_by_what_is_around_it() {
    for row in ROWS {
        let found = row.found(ChangeKind::Deleted);
        let shown: Vec<&str> = found.iter().map(|migration| migration.path.as_str()).collect();
        assert_eq!(shown, row.examples, "{}", row.project);
        assert!(found.iter().all(|migration| migration.reversible == Unknown), "{}", row.project);
    }
}
