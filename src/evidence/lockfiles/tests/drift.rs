//! Where a lockfile does not follow its manifests, and what became direct.

use super::super::{Comparison, Promotion};
use super::{Side, compared, side};

/// The drift between two manifests around one lockfile that stays as it is.
fn drift(path: &str, lock: &str, before: &str, after: &str) -> Vec<String> {
    let compared = compared(path, side(lock, before), side(lock, after));
    assert_eq!(compared.comparison, Comparison::Unchanged);
    compared.drift
}

const NPM: &str = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1"}},"node_modules/a":{"version":"1.0.0"}}}"#;

#[test]
fn a_manifest_that_asks_for_more_than_its_lockfile_knows_is_told() {
    let before = r#"{"dependencies":{"a":"^1"}}"#;
    let more = r#"{"dependencies":{"a":"^1","left-pad":"1.0.0"},"peerDependencies":{"react":"*"}}"#;
    let clause = "`package.json` asks for `left-pad`, and `package-lock.json` does not know of it";
    assert_eq!(drift("package-lock.json", NPM, before, more), [clause]);
    assert_eq!(
        drift("package-lock.json", NPM, before, r#"{"dependencies":{"a":"^1","b":"file:../b"}}"#),
        [""; 0]
    );
    let range = drift("package-lock.json", NPM, before, r#"{"dependencies":{"a":"^2"}}"#);
    assert_eq!(range, ["`package.json` asks for `a` ^2, and `package-lock.json` was written for ^1"]);
    assert_eq!(
        drift("package-lock.json", NPM, before, r#"{"dependencies":{"a":"^2"},"overrides":{"a":"1"}}"#),
        [""; 0]
    );
    // What was so before is no news of this candidate.
    assert_eq!(drift("package-lock.json", NPM, more, &more.replace("\"*\"", "\"^19\"")), [""; 0]);
}

#[test]
fn each_tool_s_own_way_to_keep_what_was_asked_for_is_known() {
    let package = |range: &str| format!(r#"{{"dependencies":{{"a":"{range}"}}}}"#);
    let yarn = "# yarn lockfile v1\n\na@^1, a@^1.1:\n  version \"1.1.0\"\n";
    assert_eq!(drift("yarn.lock", yarn, &package("^1"), &package("^1.1")), [""; 0]);
    assert_eq!(
        drift("yarn.lock", yarn, &package("^1"), &package("^2")),
        ["`package.json` asks for `a` ^2, and `yarn.lock` was not written for that"]
    );
    let berry = "__metadata:\n  version: 8\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    a: \"npm:^1\"\n  languageName: unknown\n\n\"a@npm:^1\":\n  version: 1.1.0\n  resolution: \"a@npm:1.1.0\"\n";
    assert_eq!(
        drift("yarn.lock", berry, &package("^1"), &package("^2")),
        ["`package.json` asks for `a` ^2, and `yarn.lock` was written for ^1"]
    );
    let pnpm = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.1.0\npackages:\n  a@1.1.0:\n    resolution: {integrity: sha512-A==}\n";
    assert_eq!(
        drift("pnpm-lock.yaml", pnpm, &package("^1"), &package("catalog:")),
        [""; 0],
        "a catalog keeps the range elsewhere"
    );
    assert_eq!(
        drift("pnpm-lock.yaml", pnpm, &package("^1"), &package("^2")),
        ["`package.json` asks for `a` ^2, and `pnpm-lock.yaml` was written for ^1"]
    );
    let overridden = format!("overrides:\n  a: 1.1.0\n{pnpm}");
    assert_eq!(drift("pnpm-lock.yaml", &overridden, &package("^1"), &package("^2")), [""; 0]);
}

#[test]
fn cargo_uv_poetry_go_and_bundler_are_followed_too() {
    let cargo = "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"a\"]\n[[package]]\nname = \"a\"\nversion = \"1.2.0\"\nsource = \"registry+x\"\n";
    let manifest = |asks: &str| format!("[package]\nname = \"app\"\n[dependencies]\n{asks}");
    let cargo = |after: &str| drift("Cargo.lock", cargo, &manifest("a = \"1\""), &manifest(after));
    assert_eq!(cargo("a = \"1.1\"\nb = { path = \"b\" }\n"), [""; 0]);
    assert_eq!(cargo("a = \"1.3\""), ["`Cargo.toml` asks for `a` 1.3, and `Cargo.lock` locks 1.2.0"]);
    assert_eq!(
        cargo("a = \"1\"\nc = \"1\""),
        ["`Cargo.toml` asks for `c`, and `Cargo.lock` does not know of it"]
    );
    let uv = "version = 1\n[[package]]\nname = \"app\"\nversion = \"0\"\nsource = { virtual = \".\" }\n[package.metadata]\nrequires-dist = [{ name = \"a\" }]\n";
    let project = |asks: &str| format!("[project]\nname = \"app\"\ndependencies = [{asks}]\n");
    assert_eq!(
        drift("uv.lock", uv, &project("\"a\""), &project("\"a\", \"B_c>=1\"")),
        ["`pyproject.toml` asks for `b-c`, and `uv.lock` does not know of it"]
    );
    let poetry = "[[package]]\nname = \"a\"\nversion = \"1\"\n[metadata]\nlock-version = \"2.0\"\ncontent-hash = \"x\"\n";
    let tool = |range: &str| format!("[tool.poetry.dependencies]\npython = \"^3\"\na = \"{range}\"\n");
    assert_eq!(
        drift("poetry.lock", poetry, &tool("^1"), &tool("^2")),
        ["what the manifest asks for was changed, and `poetry.lock` was not written for it"]
    );
    let gems = "GEM\n  specs:\n    a (1.0)\n\nDEPENDENCIES\n  a\n";
    assert_eq!(
        drift("Gemfile.lock", gems, "gem 'a'\n", "gem 'a'\ngem \"b\", '~> 1'\ngem 'c' if ENV['C']\n"),
        ["`Gemfile` asks for `b`, and `Gemfile.lock` does not know of it"]
    );
    let module = "module m\n\nrequire a v1.0.0\n";
    let sum = [("go.sum", "a v1.0.0 h1:x=\na v1.0.0/go.mod h1:y=\n")];
    let grown = format!("{module}require b v1.0.0\nrequire c v1.0.0\nreplace c => ./c\n");
    let compared = compared("go.mod", side(module, "").with(&sum), side(&grown, "").with(&sum));
    assert_eq!(compared.drift, ["`go.mod` asks for `b v1.0.0`, and `go.sum` has no checksum of it"]);
}

#[test]
fn what_was_transitive_and_is_asked_for_now_is_told() {
    let lock = |root: &str| {
        format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{{root}}},"node_modules/a":{{"version":"1.0.0"}}}}}}"#
        )
    };
    let (before, after) = (lock(""), lock(r#""devDependencies":{"a":"1"}"#));
    let found = compared(
        "package-lock.json",
        side(&before, "{}"),
        Side { manifest: Some(r#"{"devDependencies":{"a":"1"}}"#), ..side(&after, "") },
    );
    assert_eq!(found.comparison, Comparison::Read(Vec::new()));
    assert_eq!(found.promoted, [Promotion { name: "a".to_owned(), version: "1.0.0".to_owned(), dev: true }]);
    assert_eq!(found.drift, [""; 0]);
}
