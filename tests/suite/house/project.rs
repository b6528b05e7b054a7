//! The project of the tests: a small service whose deploy steps leave their traces in `$HOME/live`.

use std::fs::{self, File};

use super::House;
use super::launch::pipe;

/// The release step: what is live is what it wrote.
const RELEASE: &str = r#"#!/bin/sh
# Makes the version live, or with `--previous` the one before.
set -eu
live=$HOME/live
mkdir -p "$live"
version=$DEPLOYCTL_VERSION
if [ "${1-}" = --previous ]; then version=$DEPLOYCTL_PREVIOUS_VERSION; fi
"${0%/*}/pause.sh" release
echo "release $version for $DEPLOYCTL_REQUEST" >> "$live/journal"
echo "$version" > "$live/version"
cp app/total.txt "$live/total"
env | sort > "$live/environment"
echo "released $version to $DEPLOYCTL_ENVIRONMENT"
"#;

/// The migration step.
const MIGRATE: &str = r#"#!/bin/sh
# Moves the database up or down.
set -eu
live=$HOME/live
mkdir -p "$live"
"${0%/*}/pause.sh" migrate
echo "migrate $1 for $DEPLOYCTL_REQUEST" >> "$live/journal"
ls migrations > "$live/schema"
echo "migrated $1"
"#;

/// Where a test may hold a step, or break it.
const PAUSE: &str = r#"#!/bin/sh
if [ -p "$HOME/$1.hold" ]; then
    echo "$1 waits"
    read -r _ < "$HOME/$1.hold"
fi
if [ -e "$HOME/$1.break" ]; then
    echo "$1 is broken" >&2
    exit 3
fi
"#;

impl House {
    /// From now on this step (`migrate` or `release`) says `release waits` and waits, until the answer is dropped or
    /// let go.
    #[must_use = "the step waits only as long as this is kept"]
    pub(crate) fn holds(&self, step: &str) -> Hold {
        Hold { pipe: pipe(&self.home().join(format!("{step}.hold"))) }
    }

    /// From now on this step (`migrate` or `release`) fails with exit status 3.
    pub(crate) fn breaks(&self, step: &str) {
        fs::write(self.home().join(format!("{step}.break")), "").expect("a file of the home");
    }

    /// This step works again.
    pub(crate) fn mends(&self, step: &str) {
        fs::remove_file(self.home().join(format!("{step}.break"))).expect("a broken step");
    }
}

/// A step that waits.
pub(crate) struct Hold {
    pipe: File,
}

impl Hold {
    /// Lets the step go on.
    pub(crate) fn lets_go(&self) {
        rustix::io::write(&self.pipe, b"go\n").expect("a named pipe");
    }
}

/// The rules, with the places for keys that [`House::config`] fills.
pub(crate) const POLICY: &str = r#"schema: 1
project: storefront
ledger: none

people:
  alice: { keys: ["{alice}"], groups: [release], emails: [alice@example.org] }
  bob: { keys: ["{bob}"], groups: [release], emails: [bob@example.org] }

roles:
  orchestrator: { production: [request] }
  qa-specialist: { staging: [check] }

checks:
  unit: { title: Unit tests, junit: ["reports/unit/*.xml"] }
  integration: { title: Integration tests, junit: ["reports/integration/*.xml"] }

stages:
  - { name: development, checks: [unit] }
  - { name: integration, branch: main, checks: [integration] }

environments:
  staging:
    deployment: automatic
  production:
    purpose: Live user-facing system
    deployment: human
    requires: [development, integration]
    steps:
      - { name: migrate, run: ["./ops/migrate.sh", "up"], timeout: 1m, migration: true }
      - { name: release, run: ["./ops/release.sh"], timeout: 1m }
    rollback:
      steps: [{ name: release, run: ["./ops/release.sh", "--previous"], timeout: 1m }]
      migrations: [{ name: migrate, run: ["./ops/migrate.sh", "down"], timeout: 1m }]
      estimate: 5m
    approvals:
      required: 1
      from: [release]
    monitoring: { alerts: [errors], dashboards: [overview], on_call: alice }

migrations: { presets: [sqlx] }
"#;

/// The dependencies of a version, as a person writes them and as cargo locks them.
fn depends_on(house: &House, dependencies: &[(&str, &str)]) {
    let lines: Vec<String> =
        dependencies.iter().map(|(name, version)| format!("{name} = \"{version}\"\n")).collect();
    let package = "[package]\nname = \"storefront\"\nversion = \"0.1.0\"\n";
    house.write("Cargo.toml", &format!("{package}\n[dependencies]\n{}", lines.concat()));
    house.write("Cargo.lock", &lockfile(dependencies));
}

fn lockfile(dependencies: &[(&str, &str)]) -> String {
    let mut text = String::from("version = 4\n");
    let names: Vec<String> = dependencies.iter().map(|(name, _)| format!(" \"{name}\",\n")).collect();
    text.push_str(&format!(
        "\n[[package]]\nname = \"storefront\"\nversion = \"0.1.0\"\ndependencies = [\n{}]\n",
        names.concat()
    ));
    for (name, version) in dependencies {
        text.push_str(&format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://example.org/index\"\n"
        ));
    }
    text
}

/// Two versions, with a migration and a new dependency in the second.
pub(super) fn build(house: &House) {
    house.write(".gitignore", "/reports/\n");
    house.write("ops/release.sh", RELEASE);
    house.write("ops/migrate.sh", MIGRATE);
    house.write("ops/pause.sh", PAUSE);
    house.write("app/total.txt", "12\n");
    house.write("migrations/20260901_carts.up.sql", "CREATE TABLE carts (id INTEGER);\n");
    house.write("migrations/20260901_carts.down.sql", "DROP TABLE carts;\n");
    depends_on(house, &[("money", "1.0.0")]);
    house.commit("feat: carts");
    house.tag("v1.3.0");
    house.write("migrations/20261101_totals.up.sql", "ALTER TABLE carts ADD COLUMN total INTEGER;\n");
    house.write("migrations/20261101_totals.down.sql", "ALTER TABLE carts DROP COLUMN total;\n");
    house.commit("feat(cart): totals in the cart");
    house.write("app/total.txt", "12.50\n");
    depends_on(house, &[("money", "1.0.0"), ("rounding", "0.3.1")]);
    house.commit("fix(cart): round to cents");
    house.tag("v1.4.0");
    house.config(POLICY);
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
}
