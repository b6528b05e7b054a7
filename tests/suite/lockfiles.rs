//! What the checklist says of lockfiles in whole repositories: moved, switched, lost, behind their manifests, scanned.

use serde_json::{Value, json};

use crate::house::{House, POLICY};

const NPM: &str = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1"}},"node_modules/a":{"version":"1.0.0"}}}"#;
const PACKAGE: &str = r#"{"dependencies":{"a":"^1"}}"#;
const PNPM: &str = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-A==}\n";

/// A repository in which version v1 holds these files.
fn released(files: &[(&str, &str)]) -> House {
    let house = House::empty();
    house.config(POLICY);
    files.iter().for_each(|(path, text)| house.write(path, text));
    house.commit("feat: first");
    house.tag("v1");
    house
}

impl House {
    /// The section of the page for what is committed since v1.
    #[track_caller]
    fn dependencies(&self) -> String {
        self.commit("feat: second");
        let page = self.run(["checklist", "v2", "--since", "v1"]).any_stdout().exit(0).stdout;
        let (_, rest) = page.split_once("### Dependencies\n").expect("the section");
        rest.split("\n### ").next().expect("its end").trim().to_owned()
    }

    #[track_caller]
    fn facts(&self) -> Value {
        self.commit("feat: second");
        self.run(["checklist", "v2", "--since", "v1", "--json"]).any_stdout().exit(0).json()
    }

    fn lose(&self, path: &str) {
        std::fs::remove_file(self.project().join(path)).expect("a file of the project");
    }
}

#[test]
fn a_moved_lockfile_and_a_switched_one_add_nothing() {
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM)]);
    for file in ["package.json", "package-lock.json"] {
        house.lose(file);
    }
    house.write("web/package.json", PACKAGE);
    house.write("web/pnpm-lock.yaml", PNPM);
    // Elsewhere and with another tool at once is a new one, and a project that is gone.
    assert_eq!(
        house.dependencies(),
        "package-lock.json: 1 removed\n\n\
         - [x] New dependencies: 1 direct one of a new lockfile: a · web/pnpm-lock.yaml\n  \
         - [ ] Security scanned — no scanner is configured ('scans: security' on a check)\n  \
         - [ ] License verified — no scanner is configured ('scans: license' on a check)"
    );
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM)]);
    house.lose("package-lock.json");
    house.write("pnpm-lock.yaml", PNPM);
    assert_eq!(
        house.dependencies(),
        "pnpm-lock.yaml took over from package-lock.json\n\n- [x] No new dependencies · pnpm-lock.yaml"
    );
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM)]);
    house.lose("package.json");
    house.lose("package-lock.json");
    house.write("web/package.json", PACKAGE);
    house.write("web/package-lock.json", NPM);
    assert_eq!(
        house.dependencies(),
        "web/package-lock.json took over from package-lock.json\n\n\
         - [x] No new dependencies · web/package-lock.json"
    );
}

#[test]
fn a_lost_lockfile_is_told_unless_its_project_is_gone_too() {
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM)]);
    house.lose("package-lock.json");
    assert_eq!(
        house.dependencies(),
        "- [ ] Dependencies not read: package-lock.json — 'package-lock.json' is gone: nothing says which versions \
         will be installed"
    );
    let house = released(&[
        ("package.json", PACKAGE),
        ("package-lock.json", NPM),
        ("yarn.lock", "# yarn lockfile v1\n"),
    ]);
    house.lose("yarn.lock");
    assert_eq!(house.dependencies(), "- [x] No new dependencies · package-lock.json", "the other one stays");
}

#[test]
fn a_manifest_that_nothing_follows_is_told() {
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM)]);
    house.write("package.json", r#"{"dependencies":{"a":"^1","left-pad":"1"}}"#);
    house.write("tool/pyproject.toml", "[project]\nname = \"tool\"\ndependencies = [\"httpx\"]\n");
    assert_eq!(
        house.dependencies(),
        "- [ ] Dependencies not read: tool/pyproject.toml — 'tool/pyproject.toml' asks for 'httpx', and no lockfile \
         says which versions that means\n\
         - [ ] Lockfile not up to date: package-lock.json — 'package.json' asks for 'left-pad', and \
         'package-lock.json' does not know of it"
    );
}

#[test]
fn a_manifest_that_nobody_reads_leaves_the_box_open() {
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM), ("pom.xml", "<project/>")]);
    house.write("readme.txt", "more");
    assert_eq!(house.dependencies(), "- [x] No new dependencies · package-lock.json", "it did not change");
    house.write("pom.xml", "<project><dependencies/></project>");
    assert_eq!(
        house.dependencies(),
        "- [ ] Dependencies not read: pom.xml — 'pom.xml' changed, and its dependencies are not read"
    );
}

#[test]
fn what_a_file_of_requirements_includes_is_read_with_it() {
    let house = released(&[("requirements.txt", "-r deps.pip\n"), ("deps.pip", "flask==3.0\n")]);
    house.write("deps.pip", "flask==3.0\nevil==1.0\n");
    assert_eq!(
        house.dependencies(),
        "- [x] New dependency: evil 1.0 · requirements.txt\n  \
         - [ ] Security scanned — no scanner is configured ('scans: security' on a check)\n  \
         - [ ] License verified — no scanner is configured ('scans: license' on a check)"
    );
}

#[test]
fn lockfiles_of_foreign_code_are_counted_where_they_changed() {
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM), ("vendor/a/go.sum", "")]);
    house.write("testdata/yarn.lock", "# yarn lockfile v1\n");
    house.write("third_party/b/Cargo.lock", "version = 4\n");
    assert_eq!(
        house.dependencies(),
        "2 changed lockfiles not compared, in directories of foreign code or of tests: testdata/yarn.lock, \
         third_party/b/Cargo.lock\n\n\
         - [x] No new dependencies · package-lock.json"
    );
}

#[test]
fn tools_are_told_each_lockfile_s_state() {
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM), ("api/go.sum", "")]);
    let grown = NPM.replace("}}}", r#"},"node_modules/b":{"version":"2.0.0"}}}"#);
    house.write("package-lock.json", &grown);
    house.write("bun.lockb", "\u{0}");
    let facts = house.facts();
    let added = json!({
        "name": "b", "change": "added", "from": null, "to": "2.0.0", "direct": false, "lockfile": "package-lock.json",
        "untrusted": true
    });
    assert_eq!(facts["dependencies"], json!([added]));
    let state = |path: &str, state: &str, why: Value, new: bool| {
        json!({
            "path": path, "state": state, "why": why, "new": new, "switched_from": null,
            "newly_direct": [], "drift": [], "unpinned": [], "untrusted": true
        })
    };
    let why = "`bun.lockb` is binary and cannot be compared: write it as text with `bun install \
               --save-text-lockfile`, and remove it";
    assert_eq!(
        facts["lockfiles"],
        json!([
            state("api/go.sum", "unchanged", Value::Null, false),
            state("bun.lockb", "unreadable", why.into(), true),
            state("package-lock.json", "read", Value::Null, false),
        ])
    );
}

#[test]
fn a_scanner_s_report_ticks_the_boxes_of_the_lockfiles_it_covers() {
    let house = released(&[("package.json", PACKAGE), ("package-lock.json", NPM)]);
    house.config(&POLICY.replace(
        "checks:\n",
        "checks:\n  audit: { title: npm audit, junit: [\"reports/audit/*.xml\"], scans: [security], lockfiles: [\"package-lock.json\"] }\n",
    ));
    house.write("package-lock.json", &NPM.replace("}}}", r#"},"node_modules/b":{"version":"2.0.0"}}}"#));
    house.commit("feat: second");
    house.report("audit", 3, 0);
    let page =
        house.run(["checklist", "v2", "--since", "v1", "--commit", "HEAD"]).any_stdout().exit(0).stdout;
    let line = page.lines().find(|line| line.contains("Security scanned")).expect("the box");
    let commit = house.git(["rev-parse", "HEAD"]);
    let expected = format!(
        "  - [x] Security scanned · npm audit · reports/audit/\\*.xml · 14 min ago · {}",
        &commit[..7]
    );
    assert_eq!(line, expected);
}

#[test]
fn a_lockfile_that_is_a_link_hides_nothing() {
    let house = House::empty();
    house.config(POLICY);
    house.write("package.json", PACKAGE);
    house.write("cfg/real.json", NPM);
    std::os::unix::fs::symlink("cfg/real.json", house.project().join("package-lock.json")).unwrap();
    house.commit("feat: first");
    house.tag("v1");
    house.write("cfg/real.json", &NPM.replace("}}}", r#"},"node_modules/evil":{"version":"2.0.0"}}}"#));
    assert_eq!(
        house.dependencies(),
        "- [ ] Dependencies not read: package-lock.json — 'package-lock.json' is a link, which is not followed: compare \
         what it leads to by hand"
    );
}
