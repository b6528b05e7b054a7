use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{any, proptest};

use super::{Commit, Compared, Comparison, Dependency, DependencyChange, Format, is_lockfile, manifest_of};

use DependencyChange::{Added, Changed, Removed, Source};

mod drift;
mod formats;
mod unread;

/// A lockfile, the manifest beside it, and other files, each with its path.
#[derive(Clone, Copy, Default)]
struct Side<'a> {
    lock: Option<&'a str>,
    manifest: Option<&'a str>,
    others: &'a [(&'a str, &'a str)],
}

fn side<'a>(lock: &'a str, manifest: &'a str) -> Side<'a> {
    Side { lock: Some(lock), manifest: Some(manifest).filter(|m| !m.is_empty()), others: &[] }
}

impl<'a> Side<'a> {
    fn with(self, others: &'a [(&'a str, &'a str)]) -> Self {
        Self { others, ..self }
    }

    fn files(self, path: &str) -> BTreeMap<String, Vec<u8>> {
        let lock = self.lock.map(|text| (path.to_owned(), text));
        let manifest = manifest_of(path).zip(self.manifest);
        let others = self.others.iter().map(|(path, text)| ((*path).to_owned(), *text));
        let files = lock.into_iter().chain(manifest).chain(others);
        files.map(|(path, text)| (path, text.as_bytes().to_vec())).collect()
    }
}

fn compare_files(
    before: Option<(&str, &BTreeMap<String, Vec<u8>>)>,
    after: (&str, &BTreeMap<String, Vec<u8>>),
) -> Compared {
    let paths = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<BTreeSet<String>>();
    let (old_paths, new_paths) = (before.map(|(_, files)| paths(files)).unwrap_or_default(), paths(after.1));
    let old = |path: &str| before.and_then(|(_, files)| files.get(path).cloned());
    let new = |path: &str| after.1.get(path).cloned();
    super::compare(
        before.map(|(path, _)| (path, Commit { paths: &old_paths, read: &old })),
        (after.0, Commit { paths: &new_paths, read: &new }),
    )
}

fn compared(path: &str, before: Side<'_>, after: Side<'_>) -> Compared {
    compare_files(Some((path, &before.files(path))), (path, &after.files(path)))
}

fn compare(path: &str, before: Side<'_>, after: Side<'_>) -> Comparison {
    compared(path, before, after).comparison
}

fn compare_across(before: (&str, Side<'_>), after: (&str, Side<'_>)) -> Comparison {
    compare_files(Some((before.0, &before.1.files(before.0))), (after.0, &after.1.files(after.0))).comparison
}

/// Name, change, from, to, direct: all of a dependency but its lockfile.
type Row<'a> = (&'a str, DependencyChange, Option<&'a str>, Option<&'a str>, Option<bool>);

fn rows(moved: &[Dependency]) -> Vec<Row<'_>> {
    moved.iter().map(|d| (d.name.as_str(), d.change, d.from.as_deref(), d.to.as_deref(), d.direct)).collect()
}

#[track_caller]
fn read(path: &str, before: Side<'_>, after: Side<'_>) -> Vec<Dependency> {
    match compare(path, before, after) {
        Comparison::Read(moved) => moved,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unreadable(path: &str, lock: &str) -> String {
    match compare(path, Side::default(), side(lock, "")) {
        Comparison::Unreadable { why } => why,
        other => panic!("{other:?}"),
    }
}

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn crate_of(name: &str, version: &str, checksum: &str) -> String {
    format!(
        "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{CRATES}\"\nchecksum = \"{checksum}\"\n"
    )
}

fn cargo_lock(packages: &[String]) -> String {
    let root = "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";
    format!("{root}{}", packages.concat())
}

#[test]
fn a_new_place_does_not_hide_behind_three_old_ones() {
    let lock = |places: &[&str]| {
        let package = |(at, place): (usize, &&str)| {
            format!(r#""node_modules/{at}/node_modules/a":{{"version":"1.0.0","resolved":"{place}"}}"#)
        };
        let packages: Vec<String> = places.iter().enumerate().map(package).collect();
        format!(r#"{{"lockfileVersion":3,"packages":{{{}}}}}"#, packages.join(","))
    };
    let places =
        ["https://a/a.tgz", "https://b/a.tgz", "https://c/a.tgz", "https://d/a.tgz", "https://z/a.tgz"];
    let (old, new) = (lock(&places[..4]), lock(&places));
    let Comparison::Read(moved) = compare("package-lock.json", side(&old, ""), side(&new, "")) else {
        panic!()
    };
    let (from, to) = (moved[0].from.as_deref().unwrap(), moved[0].to.as_deref().unwrap());
    assert!(to.starts_with("1.0.0 (https://z"), "{from} became {to}");
    assert_ne!(from, to);
}

#[test]
fn direct_additions_come_first_and_the_project_itself_never() {
    let before = cargo_lock(&[
        crate_of("gone", "1.0.0", "a"),
        crate_of("two", "1.0.0", "a"),
        crate_of("two", "2.0.0", "b"),
    ]);
    let after = cargo_lock(&[
        crate_of("deep", "0.3.0", "a"),
        crate_of("zeal", "1.0.0", "c"),
        crate_of("two", "2.0.0", "b"),
    ]);
    let manifest = "[package]\nname = \"app\"\n[target.'cfg(unix)'.dependencies]\nz = { package = \"zeal\", version = \"1\" }\n";
    let moved = read("Cargo.lock", side(&before, manifest), side(&after, manifest));
    assert_eq!(
        rows(&moved),
        [
            ("zeal", Added, None, Some("1.0.0"), Some(true)),
            ("deep", Added, None, Some("0.3.0"), Some(false)),
            ("two", Changed, Some("1.0.0, 2.0.0"), Some("2.0.0"), Some(false)),
            ("gone", Removed, Some("1.0.0"), None, Some(false)),
        ]
    );
}

#[test]
fn the_same_version_from_elsewhere_is_its_own_alarm() {
    let before = cargo_lock(&[crate_of("a", "1.0.0", "aa"), crate_of("b", "1.0.0", "bb")]);
    let after = before.replace("\"bb\"", "\"cc\"");
    let moved = read("Cargo.lock", side(&before, ""), side(&after, ""));
    assert_eq!(rows(&moved), [("b", Source, Some("1.0.0 (sha256 bb)"), Some("1.0.0 (sha256 cc)"), None)]);
    let git = before.replacen(CRATES, "git+https://example.org/a#1", 1).replacen("checksum = \"aa\"", "", 1);
    let moved = read("Cargo.lock", side(&before, ""), side(&git, ""));
    let (from, to) = (format!("1.0.0 ({CRATES})"), "1.0.0 (git+https://example.org/a#1)");
    assert_eq!(rows(&moved), [("a", Source, Some(from.as_str()), Some(to), None)]);
    let mirrored = before.replace("crates.io-index", "mirror");
    assert_eq!(read("Cargo.lock", side(&before, ""), side(&mirrored, "")), []);
}

#[test]
fn a_checksum_that_is_taken_away_is_an_alarm() {
    let before = cargo_lock(&[crate_of("a", "1.0.0", "aa"), crate_of("b", "1.0.0", "bb")]);
    let after = before.replace("checksum = \"bb\"\n", "");
    let moved = read("Cargo.lock", side(&before, ""), side(&after, ""));
    assert_eq!(rows(&moved), [("b", Source, Some("1.0.0 (sha256 bb)"), Some("1.0.0 (no checksum)"), None)]);
    assert!(moved[0].is_unchecked());
    assert_eq!(read("Cargo.lock", side(&after, ""), side(&before, "")), [], "one more is no alarm");
    let npm = |integrity: &str| {
        format!(r#"{{"lockfileVersion":3,"packages":{{"node_modules/a":{{"version":"1.0.0"{integrity}}}}}}}"#)
    };
    let before = npm(r#","integrity":"sha512-AA==""#);
    let moved = read("package-lock.json", side(&before, ""), side(&npm(""), ""));
    let (from, to) = (Some("1.0.0 (sha512 AA==)"), Some("1.0.0 (no checksum)"));
    assert_eq!(rows(&moved), [("a", Source, from, to, None)]);
    let pip = "a==1.0 --hash=sha256:aa\n";
    let moved = read("requirements.txt", side(pip, ""), side("a==1.0\n", ""));
    assert_eq!(rows(&moved)[0].3, Some("1.0 (no checksum)"));
}

#[test]
fn a_package_that_moves_into_the_repository_is_no_removal() {
    let before = cargo_lock(&[crate_of("a", "1.0.0", "aa")]);
    let after = cargo_lock(&["[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n".to_owned()]);
    let moved = read("Cargo.lock", side(&before, ""), side(&after, ""));
    assert_eq!(rows(&moved), [("a", Source, Some("1.0.0"), Some("part of this project"), None)]);
}

#[test]
fn what_a_member_of_the_workspace_asks_for_is_direct() {
    let member = |asks: &str| format!("[[package]]\nname = \"tool\"\nversion = \"0.1.0\"\n{asks}");
    let before = cargo_lock(&[member("")]);
    let after = cargo_lock(&[
        member("dependencies = [\"a 1.0.0\"]\n"),
        crate_of("a", "1.0.0", "x"),
        crate_of("b", "1.0.0", "x"),
    ]);
    let tool = [("crates/tool/Cargo.toml", "[package]\nname = \"tool\"\n[dev-dependencies]\na = \"1\"\n")];
    let other = [("crates/other/Cargo.toml", "[package]\nname = \"other\"\n[dependencies]\nb = \"1\"\n")];
    let directs = |manifest, others| {
        let moved = read("Cargo.lock", side(&before, manifest), side(&after, manifest).with(others));
        moved.iter().map(|found| (found.direct, found.dev)).collect::<Vec<_>>()
    };
    let root = "[package]\nname = \"app\"\n[workspace]\n";
    assert_eq!(directs(root, &tool), [(Some(true), true), (Some(false), false)]);
    assert_eq!(directs("[workspace]\nmembers = [\"crates/*\"]\n", &tool)[0].0, Some(true));
    // A package of that name that the lockfile does not hold as its own is no member.
    assert_eq!(directs(root, &other), [(Some(false), false), (Some(false), false)]);
    assert_eq!(directs("not toml [", &[]), [(None, false), (None, false)]);
}

#[test]
fn a_lockfile_that_lacks_what_it_names_is_not_whole() {
    let torn =
        "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"serde\",\n]\n";
    assert_eq!(
        unreadable("Cargo.lock", torn),
        "`Cargo.lock` is not whole, for `app` needs `serde`, which it does not hold: write it again with `cargo generate-lockfile`"
    );
}

#[test]
fn a_new_form_of_the_same_versions_is_no_change() {
    let old = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","resolved":"https://r/a.tgz","integrity":"sha512-A=="}}}"#;
    let new = r#"{"lockfileVersion":3,"packages":{"":{"name":"app"},"node_modules/a":{"version":"1.0.0","resolved":"https://r/a.tgz","integrity":"sha512-A=="}}}"#;
    assert_eq!(compare("package-lock.json", side(old, "{}"), side(new, "{}")), Comparison::Read(Vec::new()));
    assert_eq!(compare("package-lock.json", side(old, "{}"), side(old, "{}")), Comparison::Unchanged);
}

#[test]
fn npm_workspaces_aliases_and_nested_copies() {
    let before = r#"{"lockfileVersion":3,"packages":{"":{}}}"#;
    let after = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"s":"npm:long@^1"}},"web":{"name":"web","dependencies":{"w":"1"}},
        "node_modules/web":{"resolved":"web","link":true},"node_modules/s":{"name":"long","version":"1.2.0"},
        "node_modules/w":{"version":"1.0.0"},"node_modules/w/node_modules/d":{"version":"2.0.0"},"node_modules/d":{"version":"1.0.0"}}}"#;
    let manifest = r#"{"workspaces":["web"],"dependencies":{"s":"npm:long@^1"}}"#;
    let member = [("web/web/package.json", r#"{"name":"web","dependencies":{"w":"1"}}"#)];
    let moved = read("web/package-lock.json", side(before, manifest), side(after, manifest).with(&member));
    assert_eq!(
        rows(&moved),
        [
            ("long", Added, None, Some("1.2.0"), Some(true)),
            ("w", Added, None, Some("1.0.0"), Some(true)),
            ("d", Added, None, Some("1.0.0, 2.0.0"), Some(false)),
        ]
    );
    assert_eq!(moved[0].lockfile, "web/package-lock.json");
}

#[test]
fn go_names_what_is_indirect_and_what_is_replaced() {
    let before = "module a\nrequire b v1.0.0\nrequire (\n\tc v1.0.0 // indirect\n)\n";
    let after = "module a\n\nrequire (\n\tb v1.0.0\n\td v2.0.0+incompatible\n\te v0.1.0 // indirect\n)\nreplace b => ../b\n";
    let moved = read("go.mod", side(before, ""), side(after, ""));
    assert_eq!(
        rows(&moved),
        [
            ("d", Added, None, Some("v2.0.0+incompatible"), Some(true)),
            ("e", Added, None, Some("v0.1.0"), Some(false)),
            ("b", Source, Some("v1.0.0"), Some("part of this project"), Some(true)),
            ("c", Removed, Some("v1.0.0"), None, Some(false)),
        ]
    );
    assert_eq!(
        unreadable("go.mod", "module a\nrequire (\n b\n)\n"),
        "`go.mod` cannot be read at line 3: run `go mod tidy`"
    );
}

#[test]
fn python_names_are_compared_as_python_does() {
    let head = "[metadata]\nlock-version = \"2.1\"\n";
    let package = |name: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nfiles = []\n");
    let before = format!("{head}{}", package("Foo_Bar"));
    let after = format!("{head}{}{}{}", package("foo-bar"), package("httpx"), package("anyio"));
    let manifest = "[project]\ndependencies = [\"HTTPX[http2]>=0.2; python_version>'3'\"]\n";
    let moved = read("poetry.lock", side(&before, manifest), side(&after, manifest));
    assert_eq!(
        rows(&moved),
        [("httpx", Added, None, Some("1.0"), Some(true)), ("anyio", Added, None, Some("1.0"), Some(false))]
    );
    let uv = "version = 1\n[[package]]\nname = \"app\"\nversion = \"0\"\nsource = { virtual = \".\" }\n";
    let grown = format!(
        "{uv}[[package]]\nname = \"ruff\"\nversion = \"1\"\nsource = {{ registry = \"https://r\" }}\n"
    );
    let manifest = "[project]\nname = \"app\"\n[dependency-groups]\ndev = [\"ruff\"]\n";
    let moved = read("uv.lock", side(uv, manifest), side(&grown, manifest));
    assert_eq!(rows(&moved), [("ruff", Added, None, Some("1"), Some(true))]);
}

#[test]
fn yarn_is_read_in_both_of_its_forms() {
    let classic = "# yarn lockfile v1\n\n\n\"@a/b@^1.0.0\", \"@a/b@^1.1.0\":\n  version \"1.1.0\"\n  resolved \"https://r/b.tgz#aa\"\n  dependencies:\n    c \"^1\"\n\nc@^1:\n  version \"1.0.0\"\n";
    let manifest = r#"{"dependencies":{"@a/b":"^1.1.0"}}"#;
    let moved = read("yarn.lock", side("# yarn lockfile v1\n", "{}"), side(classic, manifest));
    assert_eq!(
        rows(&moved),
        [("@a/b", Added, None, Some("1.1.0"), Some(true)), ("c", Added, None, Some("1.0.0"), Some(false))]
    );
    let moved = read("yarn.lock", side(classic, manifest), side(&classic.replace("#aa", "#bb"), manifest));
    assert_eq!(rows(&moved)[0].1, Source);
    let workspaces = r#"{"workspaces":["packages/*"]}"#;
    let member = [("packages/x/package.json", r#"{"devDependencies":{"c":"^1"}}"#)];
    let moved = read("yarn.lock", side("# yarn lockfile v1\n", ""), side(classic, workspaces).with(&member));
    assert_eq!(
        moved.iter().map(|found| (found.direct, found.dev)).collect::<Vec<_>>(),
        [(Some(true), true), (Some(false), false)]
    );
    let berry = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    \"@a/b\": \"npm:^1\"\n  linkType: soft\n\n\"@a/b@npm:^1\":\n  version: 1.1.0\n  resolution: \"@a/b@npm:1.1.0\"\n  checksum: 10c0/aa\n";
    let moved = read("yarn.lock", side(classic, ""), side(berry, ""));
    assert_eq!(rows(&moved), [("c", Removed, Some("1.0.0"), None, None)]);
    let moved = read("yarn.lock", side(berry, ""), side(&berry.replace("10c0/aa", "10c0/bb"), ""));
    let (from, to) = (Some("1.1.0 (archive 10c0 aa)"), Some("1.1.0 (archive 10c0 bb)"));
    assert_eq!(rows(&moved), [("@a/b", Source, from, to, Some(true))]);
}

#[test]
fn composer_sees_a_moved_tag() {
    let lock = |reference: &str| {
        format!(
            r#"{{"packages":[{{"name":"A/b","version":"1.0","source":{{"type":"git","url":"https://g","reference":"{reference}"}}}}],"packages-dev":[]}}"#
        )
    };
    let moved = read(
        "composer.lock",
        side(&lock("aa"), ""),
        side(&lock("bb"), r#"{"require":{"a/b":"*","php":">=8"}}"#),
    );
    assert_eq!(rows(&moved), [("a/b", Source, Some("1.0 (git aa)"), Some("1.0 (git bb)"), Some(true))]);
}

#[test]
fn gems_of_the_project_are_skipped_and_platforms_are_no_versions() {
    let before = "GEM\n  remote: https://rubygems.org/\n  specs:\n\nDEPENDENCIES\n  app!\n";
    let after = "PATH\n  remote: .\n  specs:\n    app (1.0)\n      rails (>= 8)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    ffi (1.15.5)\n    ffi (1.15.5-x86_64-linux)\n    rails (8.1.2)\n      ffi (>= 1)\n    rake (13.0)\n\nDEPENDENCIES\n  app!\n  rake (~> 13)\n";
    let moved = read("Gemfile.lock", side(before, ""), side(after, ""));
    assert_eq!(
        rows(&moved),
        [
            ("rails", Added, None, Some("8.1.2"), Some(true)),
            ("rake", Added, None, Some("13.0"), Some(true)),
            ("ffi", Added, None, Some("1.15.5"), Some(false)),
        ]
    );
}

#[test]
fn pnpm_is_read_in_its_three_forms() {
    let manifest = r#"{"dependencies":{"@a/b":"^1"}}"#;
    for (version, key) in
        [("5.4", "/@a/b/1.0.0_c@2.0.0"), ("'6.0'", "/@a/b@1.0.0(c@2.0.0)"), ("'9.0'", "'@a/b@1.0.0'")]
    {
        let empty = format!("lockfileVersion: {version}\npackages: {{}}\n");
        let lock = format!(
            "lockfileVersion: {version}\npackages:\n  {key}:\n    resolution: {{integrity: sha512-A==}}\n"
        );
        let moved = read("pnpm-lock.yaml", side(&empty, manifest), side(&lock, manifest));
        assert_eq!(rows(&moved), [("@a/b", Added, None, Some("1.0.0"), Some(true))], "{version}");
    }
}

#[test]
fn a_switch_of_tools_compares_what_they_lock() {
    let old = "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n";
    let new = "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-A==}\n  b@1.0.0:\n    resolution: {integrity: sha512-B==}\n";
    let Comparison::Read(moved) =
        compare_across(("yarn.lock", side(old, "{}")), ("pnpm-lock.yaml", side(new, "{}")))
    else {
        panic!("both can be read");
    };
    assert_eq!(rows(&moved), [("b", Added, None, Some("1.0.0"), Some(false))]);
}

#[test]
fn what_cannot_be_read_is_never_nothing() {
    assert_eq!(unreadable("Cargo.lock", "\n"), "`Cargo.lock` is empty: write it again with its own tool");
    assert_eq!(
        unreadable("pixi.lock", "{}"),
        "`pixi.lock` is a lockfile that deployctl does not read yet: compare it by hand"
    );
    assert_eq!(
        unreadable("Cargo.lock", "version = 5\n[[package]]\nname = \"a\"\nversion = \"1\"\n"),
        "`Cargo.lock` has format 5, which deployctl does not read yet: compare it by hand"
    );
    assert_eq!(
        unreadable("yarn.lock", "# yarn lockfile v1\n<<<<<<< HEAD\n"),
        "`yarn.lock` holds an unresolved merge conflict: resolve it and write it again with its own tool"
    );
    assert_eq!(
        compare("Cargo.lock", side("x", ""), Side::default()),
        Comparison::Unreadable {
            why: "`Cargo.lock` is gone: nothing says which versions will be installed".to_owned()
        }
    );
    for (path, lock) in [
        ("package-lock.json", "{}"),
        ("package-lock.json", "{\"lockfileVersion\":4,\"packages\":{}}"),
        ("composer.lock", "{}"),
        ("poetry.lock", "a = 1"),
        ("uv.lock", "version = 2"),
        ("pnpm-lock.yaml", "a: 1"),
        ("pnpm-lock.yaml", "lockfileVersion: '12.0'"),
        ("Gemfile.lock", "x"),
        ("yarn.lock", "x"),
        ("go.mod", "require a v1"),
        ("Cargo.lock", "[[package"),
    ] {
        assert!(unreadable(path, lock).starts_with(&format!("`{path}` ")), "{path}");
    }
    let bytes = BTreeMap::from([("Cargo.lock".to_owned(), b"\xff".to_vec())]);
    let why = "`Cargo.lock` is not UTF-8 text: write it again with its own tool".to_owned();
    assert_eq!(compare_files(None, ("Cargo.lock", &bytes)).comparison, Comparison::Unreadable { why });
}

#[test]
fn a_lockfile_is_known_by_its_name() {
    assert_eq!(is_lockfile("a/b/Cargo.lock"), Some(Format::Cargo));
    assert_eq!(is_lockfile("bun.lockb"), Some(Format::BunBinary));
    assert_eq!(is_lockfile("pixi.lock"), Some(Format::Unread));
    for path in ["requirements.txt", "requirements-dev.txt", "dev_requirements.txt", "requirements/dev.txt"] {
        assert_eq!(is_lockfile(path), Some(Format::Requirements), "{path}");
    }
    assert_eq!(is_lockfile("docs/notes.txt"), None);
    assert_eq!(manifest_of("requirements/dev.txt").as_deref(), Some("requirements/dev.in"));
    assert_eq!(is_lockfile("node_modules/a/yarn.lock"), None);
    assert_eq!(is_lockfile("Cargo.lock.orig"), None);
    assert_eq!(manifest_of("web/pnpm-lock.yaml").as_deref(), Some("web/package.json"));
    assert_eq!(manifest_of("Cargo.lock").as_deref(), Some("Cargo.toml"));
    assert_eq!(manifest_of("go.mod"), None);
}

const PATHS: [&str; 26] = [
    ".terraform.lock.hcl",
    "Cargo.lock",
    "Chart.lock",
    "Gemfile.lock",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    "bun.lock",
    "bun.lockb",
    "composer.lock",
    "deno.lock",
    "flake.lock",
    "go.mod",
    "go.sum",
    "gradle.lockfile",
    "mix.lock",
    "package-lock.json",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pubspec.lock",
    "pylock.toml",
    "requirements.txt",
    "uv.lock",
    "yarn.lock",
];

fn try_all(bytes: &[u8]) {
    for path in PATHS {
        let mut files = BTreeMap::from([(path.to_owned(), bytes.to_vec())]);
        files.extend(manifest_of(path).map(|manifest| (manifest, bytes.to_vec())));
        for beside in ["go.mod", "go.sum", "go.work", "build.gradle"] {
            files.insert(beside.to_owned(), bytes.to_vec());
        }
        let _ = compare_files(None, (path, &files));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), text in "(module a|require|=>|# yarn lockfile v1|__metadata:|DEPENDENCIES|GEM|PATH|\"|@|:|/|\\(|\\)|é|  |    |\n|version|1|a|#|via|-r|-e|;|==|\\[|\\]|,|\\{|\\}|//|\\*|---){0,40}") {
        try_all(&bytes);
        try_all(text.as_bytes());
    }
}

#[test]
fn an_update_cannot_bring_another_package_in() {
    let lock = |version: &str, resolved: &str| {
        format!(
            r#"{{"lockfileVersion":3,"packages":{{"":{{"dependencies":{{"lodash":"^4"}}}},"node_modules/lodash":{{"version":"{version}","resolved":"{resolved}"}}}}}}"#
        )
    };
    let manifest = r#"{"dependencies":{"lodash":"^4"}}"#;
    let old = lock("4.17.20", "https://registry.npmjs.org/lodash/-/lodash-4.17.20.tgz");
    let kinds = |resolved: &str| -> Vec<DependencyChange> {
        let new = lock("4.17.21", resolved);
        let moved = read("package-lock.json", side(&old, manifest), side(&new, manifest));
        moved.iter().map(|found| found.change).collect()
    };
    use DependencyChange::{Changed, Source};
    assert_eq!(kinds("https://registry.npmjs.org/lodash/-/lodash-4.17.21.tgz"), [Changed]);
    assert_eq!(kinds("https://registry.npmjs.org/evil/-/evil-4.17.21.tgz"), [Source, Changed]);
    assert_eq!(kinds("git+ssh://evil.example/lodash.git#0123456"), [Source, Changed]);
    assert_eq!(kinds("https://evil.example/lodash-4.17.21.tgz"), [Source, Changed]);
}
