//! Clones that lack something, repositories that cannot be read, and histories that are not what they seem: an answer,
//! or an error with what to do, and never a silent nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::house::House;

/// Clones the project with some options, and puts the rules there.
fn clone(house: &House, name: &str, options: [&str; 2]) -> PathBuf {
    let dir = house.world().join(name);
    house.git(["config", "uploadpack.allowFilter", "true"]);
    let [first, second] = options;
    let from = format!("file://{}", house.project().display());
    house.git(["clone", "--quiet", first, second, &from, dir.to_str().expect("a path of ASCII")]);
    fs::copy(house.project().join("deployctl.yaml"), dir.join("deployctl.yaml")).expect("the rules");
    dir
}

const CHECKLIST: [&str; 4] = ["checklist", "v1.4.0", "--since", "v1.3.0"];

/// The error of a command, exactly.
#[track_caller]
fn fails(house: &House, dir: &Path, arguments: &[&str], words: &str) {
    let run = house.run(arguments.iter().copied()).directory(dir);
    run.stderr(&format!("error: {words}\n")).exit(1);
}

/// How many commits a checklist counts.
#[track_caller]
fn counts(house: &House, dir: &Path, arguments: &[&str], commits: usize) -> Value {
    let arguments = arguments.iter().copied().chain(["--json"]);
    let answer = house.run(arguments).directory(dir).any_stdout().any_stderr().exit(0).json();
    assert_eq!(answer["changes"].as_array().expect("changes").len(), commits, "{answer:#}");
    answer
}

const SHALLOW: &str = "this clone is shallow: the history between the versions is not here; run `git fetch --unshallow \
                       --tags` (in CI: `fetch-depth: 0` on GitHub, `GIT_DEPTH: 0` on GitLab)";

#[test]
fn a_shallow_clone_answers_where_the_range_is_whole() {
    let house = House::new();
    let dir = clone(&house, "shallow", ["--depth", "2"]);
    counts(&house, &dir, &["checklist", "v1.4.0", "--since", "HEAD~1"], 1);
    fails(&house, &dir, &["checklist", "v1.4.0"], SHALLOW);
    fails(&house, &dir, &["checklist", "v1.4.0", "--since", "HEAD~2"], SHALLOW);
    let unknown = SHALLOW.replace(": the history between the versions is not here", "");
    fails(&house, &dir, &CHECKLIST, &format!("`v1.3.0` is not a commit here: {unknown}"));
    house.program("git", &["fetch", "--quiet", "--unshallow", "--tags"]).directory(&dir).exit(0);
    counts(&house, &dir, &CHECKLIST, 2);
}

#[test]
fn a_partial_clone_says_what_to_fetch_and_fetches_nothing_itself() {
    let house = House::new();
    for (filter, kind) in [("--filter=blob:none", "file"), ("--filter=tree:0", "tree")] {
        let dir = clone(&house, kind, ["--no-checkout", filter]);
        let words = format!(
            "this is a partial clone, and the {kind} [commit] is not here: run `git fetch --refetch --no-filter origin`"
        );
        fails(&house, &dir, &CHECKLIST, &words);
        fails(&house, &dir, &CHECKLIST, &words);
        let fetch = ["fetch", "--quiet", "--refetch", "--no-filter", "origin"];
        house.program("git", &fetch).directory(&dir).any_stderr().exit(0);
        counts(&house, &dir, &CHECKLIST, 2);
        // Older versions of git also wrote an extension, which libgit2 does not know.
        house.program("git", &["config", "extensions.partialClone", "origin"]).directory(&dir).exit(0);
        let words = "this repository uses git's extension `partialClone`, which deployctl cannot read yet: run `git fetch \
                     --refetch --no-filter`, and then `git config --unset extensions.partialClone`";
        fails(&house, &dir, &CHECKLIST, words);
    }
}

#[test]
fn a_repository_without_a_commit() {
    let house = House::new();
    let dir = house.world().join("empty");
    house.git(["init", "--quiet", dir.to_str().expect("a path of ASCII")]);
    fs::copy(house.project().join("deployctl.yaml"), dir.join("deployctl.yaml")).expect("the rules");
    let none = "there is no commit yet: commit something first, or name a commit with `--commit`";
    fails(&house, &dir, &["checklist", "v1.4.0"], none);
    let head = "`HEAD` is not a commit here: its branch has no commit yet";
    fails(&house, &dir, &["checklist", "v1.4.0", "--commit", "HEAD"], head);
    // A branch of HEAD without a commit, and commits elsewhere.
    house.git(["checkout", "--quiet", "--orphan", "unborn"]);
    fails(&house, house.project(), &["checklist", "v2.0.0"], none);
    counts(&house, house.project(), &["checklist", "v2.0.0", "--commit", "main", "--since", "v1.3.0"], 2);
}

#[test]
fn a_bare_repository_works_by_the_signed_rules() {
    let house = House::new();
    let bare = house.world().join("bare.git");
    let text = bare.to_str().expect("a path of ASCII");
    house.git(["clone", "--quiet", "--bare", ".", text]);
    let note = "note: there is no `deployctl.yaml`, so only git was asked; write one: deployctl init\n";
    house.run(CHECKLIST).directory(&bare).any_stdout().stderr(note).exit(0);
    house.person("alice").signs_policy();
    house.git(["push", "--quiet", text, "deployctl/ledger"]);
    counts(&house, &bare, &CHECKLIST, 2);
}

#[test]
fn linked_work_trees_alternates_submodules_and_directories_below() {
    let house = House::new();
    let path = |name: &str| house.world().join(name);
    let text = |path: &Path| path.to_str().expect("a path of ASCII").to_owned();
    let rules = |dir: &Path| {
        fs::copy(house.project().join("deployctl.yaml"), dir.join("deployctl.yaml")).expect("the rules");
    };
    house.git(["worktree", "add", "--quiet", "--detach", &text(&path("linked")), "v1.4.0"]);
    rules(&path("linked"));
    counts(&house, &path("linked"), &CHECKLIST, 2);
    house.git(["clone", "--quiet", "--shared", ".", &text(&path("shared"))]);
    rules(&path("shared"));
    counts(&house, &path("shared"), &CHECKLIST, 2);
    counts(&house, &house.project().join("ops"), &CHECKLIST, 2);
    let below = ["-C", "migrations"].iter().copied().chain(CHECKLIST).collect::<Vec<&str>>();
    counts(&house, house.project(), &below, 2);
    house.git(["init", "--quiet", &text(&path("above"))]);
    let add =
        ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &text(house.project()), "inner"];
    house.program("git", &add).directory(&path("above")).any_stderr().exit(0);
    rules(&path("above/inner"));
    counts(&house, &path("above/inner"), &CHECKLIST, 2);
}

#[test]
fn a_git_dir_that_names_another_repository_is_refused() {
    let house = House::new();
    let other = house.world().join("other");
    house.git(["init", "--quiet", other.to_str().expect("a path of ASCII")]);
    let said = other.join(".git").display().to_string();
    let words = "error: `GIT_DIR` names `[world]/other/.git`, and the repository here is `[project]/.git/`: unset \
                 `GIT_DIR`, or name the repository with `-C DIR`\n";
    house.run(CHECKLIST).env("GIT_DIR", &said).stderr(words).exit(1);
    // As in a hook, where it names this one.
    house.run(CHECKLIST).env("GIT_DIR", ".git").any_stdout().exit(0);
}

#[test]
fn formats_that_cannot_be_read_are_told_with_the_way_out() {
    let house = House::new();
    for (option, words) in [
        (
            "--object-format=sha256",
            "this repository uses SHA-256 object ids, which deployctl cannot read yet: use a clone with SHA-1 ids; git \
             cannot convert this one",
        ),
        (
            "--ref-format=reftable",
            "this repository uses the reftable ref format, which deployctl cannot read yet: run `git refs migrate \
             --ref-format=files` (git 2.46 or newer), or use a clone with the files format",
        ),
    ] {
        let dir = house.world().join(option);
        house.git(["init", "--quiet", option, dir.to_str().expect("a path of ASCII")]);
        fails(&house, &dir, &["status"], words);
    }
    house.git(["config", "core.repositoryFormatVersion", "1"]);
    house.git(["config", "extensions.another", "true"]);
    let words = "this repository uses git's extension `another`, which deployctl cannot read yet: use a clone that git made \
                 without it";
    fails(&house, house.project(), &["status"], words);
}

#[test]
fn grafts_and_replaced_objects_do_not_count_and_are_told() {
    let house = House::new();
    let note = |what: &str| {
        format!(
            "this clone has {what}: 'git log' shows another history than the commits themselves, which count here"
        )
    };
    let told = |answer: &Value| {
        let notes = answer["checklist"]["sections"][0]["notes"].as_array().expect("notes").iter();
        notes.filter_map(Value::as_str).find(|note| note.contains("git log")).map(str::to_owned)
    };
    assert_eq!(told(&counts(&house, house.project(), &CHECKLIST, 2)), None);
    let (tip, root) =
        (house.git(["rev-parse", "v1.4.0^{commit}"]), house.git(["rev-parse", "v1.3.0^{commit}"]));
    house.write(".git/info/grafts", &format!("{tip} {root}\n"));
    assert_eq!(house.git(["rev-list", "--count", "v1.3.0..v1.4.0"]), "1");
    let answer = counts(&house, house.project(), &CHECKLIST, 2);
    assert_eq!(told(&answer), Some(note("grafts ('.git/info/grafts')")));
    counts(&house, house.project(), &["checklist", "v1.4.0", "--since", "v1.4.0~2"], 2);
    fs::remove_file(house.project().join(".git/info/grafts")).unwrap();
    house.git(["replace", "--graft", "v1.4.0^{commit}", "v1.3.0^{commit}"]);
    assert_eq!(house.git(["rev-list", "--count", "v1.3.0..v1.4.0"]), "1");
    let answer = counts(&house, house.project(), &CHECKLIST, 2);
    assert_eq!(told(&answer), Some(note("replaced objects ('refs/replace/')")));
}

#[test]
fn objects_that_are_broken_or_gone_are_named() {
    let house = House::new();
    for (name, kind) in
        [("v1.4.0^{commit}", "commit"), ("v1.4.0^{tree}", "tree"), ("v1.4.0:Cargo.lock", "file")]
    {
        let id = house.git(["rev-parse", name]);
        let path = house.project().join(".git/objects").join(&id[..2]).join(&id[2..]);
        let whole = fs::read(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        for (bytes, state) in [(Some(b"garbage".as_slice()), "broken"), (None, "missing")] {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let words = format!(
                "the {kind} [commit] is {state}: run `git fsck`, and fetch again into a fresh clone if it says the same"
            );
            let names = ["checklist", "v9", "--commit", "main", "--since", "v1.3.0"];
            fails(&house, house.project(), &names, &words);
        }
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn what_a_draft_reads_fast_is_hashed_again_before_anybody_decides() {
    let (house, id) = House::requested();
    let place = |name: &str| {
        let id = house.git(["rev-parse", name]);
        house.project().join(".git/objects").join(&id[..2]).join(&id[2..])
    };
    // A whole object, under the id of another one.
    let lockfile = place("v1.4.0:Cargo.lock");
    fs::set_permissions(&lockfile, fs::Permissions::from_mode(0o644)).unwrap();
    fs::copy(place("v1.3.0:Cargo.lock"), &lockfile).unwrap();
    let answer = counts(&house, house.project(), &CHECKLIST, 2);
    assert_eq!(answer["dependencies"], serde_json::json!([]));
    let key = house.key("alice").display().to_string();
    let shown = house.at_terminal(["approve", &id, "--key", &key]).exit(1);
    let words = "error: the file [commit] is broken: run `git fsck`, and fetch again into a fresh clone if it says the \
                 same\n";
    house.same(&shown, words);
}

#[test]
fn what_is_live_and_not_here_any_more_is_told_with_the_line_that_fetches_it() {
    let (house, _) = House::deployed();
    house.git(["reset", "--quiet", "--hard", "v1.3.0"]);
    house.commit("feat: history was rewritten");
    house.git(["tag", "--delete", "v1.4.0"]);
    house.git(["update-ref", "-d", "ORIG_HEAD"]);
    house.git(["reflog", "expire", "--expire=now", "--all"]);
    house.git(["gc", "--quiet", "--prune=now"]);
    let words = "`v1.4.0` is live as [commit], and that commit is not here: run `git fetch REMOTE [commit]`";
    fails(&house, house.project(), &["checklist", "v1.5.0"], words);
}

#[test]
fn a_tag_that_was_moved_since_it_went_live_is_told() {
    let (house, _) = House::deployed();
    house.commit("feat: more");
    house.git(["tag", "--force", "v1.4.0"]);
    let answer = counts(&house, house.project(), &["checklist", "v1.5.0"], 1);
    let (now, live) =
        (house.git(["rev-parse", "--short=7", "HEAD"]), house.git(["rev-parse", "--short=7", "HEAD~1"]));
    let notes = answer["checklist"]["sections"][0]["notes"].as_array().expect("notes").iter();
    let told = notes.filter_map(Value::as_str).find(|note| note.contains("moved"));
    let expected = format!("the tag v1.4.0 was moved: it names {now} now, and what is live is {live}");
    assert_eq!(told, Some(expected.as_str()));
}
