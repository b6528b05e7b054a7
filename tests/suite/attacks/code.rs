//! On the commit that is deployed, and on what git does with its files.

use std::fs;

use crate::house::{House, POLICY};

#[test]
fn filters_hooks_and_attributes() {
    let house = House::new();
    let attributes =
        "* filter=evil diff=evil text eol=crlf\nops/release.sh export-ignore export-subst ident\n";
    house.write(".gitattributes", attributes);
    house.git(["add", "--all"]);
    house.commit("chore: attributes");
    house.git(["tag", "--force", "--annotate", "--message", "v1.4.0", "v1.4.0"]);
    let id = house.approved_under(POLICY);
    let trace = house.world().join("trace");
    let evil = format!("touch {}; sed s/set/exit/", trace.display());
    for (key, value) in [
        ("filter.evil.smudge", evil.as_str()),
        ("filter.evil.clean", &evil),
        ("filter.evil.required", "true"),
        ("diff.evil.textconv", &evil),
        ("diff.evil.command", &evil),
        ("core.fsmonitor", &evil),
        ("core.hooksPath", ".githooks"),
        ("core.sshCommand", &evil),
        ("core.pager", &evil),
        ("core.editor", &evil),
    ] {
        house.git(["config", key, value]);
    }
    for hook in ["post-checkout", "reference-transaction", "pre-push", "post-index-change", "pre-auto-gc"] {
        let script = format!("#!/bin/sh\ntouch {}\n", trace.display());
        house.write(&format!(".githooks/{hook}"), &script);
        house.write(&format!(".git/hooks/{hook}"), &script);
    }
    house.person("alice").deploys(&id);
    assert!(!trace.exists());
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
}

#[test]
fn a_deploy_script_edited_after_the_approval() {
    let (house, id) = House::approved();
    house.write("ops/release.sh", "#!/bin/sh\ntouch \"$HOME/live/owned\"\n");
    house.write("ops/migrate.sh", "#!/bin/sh\ntouch \"$HOME/live/owned\"\n");
    house.git(["add", "--all"]);
    house.person("alice").deploys(&id);
    assert_eq!(house.live("owned"), None);
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
}

#[test]
fn an_edited_policy_changes_no_step() {
    let (house, id) = House::approved();
    house.config(
        &POLICY
            .replace("./ops/release.sh", "./ops/other.sh")
            .replace("requires: [development, integration]", "requires: []"),
    );
    let shown = house.person("alice").deploys(&id);
    assert!(shown.contains("policy.edited"), "{shown}");
    assert_eq!(house.live("version").unwrap(), "v1.4.0\n");
}

#[test]
fn a_tag_that_moved_to_an_equal_tree() {
    let (house, id) = House::approved();
    house.git(["commit", "--quiet", "--allow-empty", "--message", "chore: nothing"]);
    house.git(["tag", "--force", "--annotate", "--message", "v1.4.0", "v1.4.0"]);
    house.person("alice").deploys(&id);
}

#[test]
fn a_tag_that_moved_to_another_tree() {
    let (house, id) = House::approved();
    house.releases(&[("app/total.txt", "13\n")]);
    let shown = house.refuses(&id, 3, "request.stale");
    assert!(shown.contains("the commit: `v1.4.0` was"), "{shown}");
}

#[test]
fn a_commit_that_is_not_on_the_branch_any_more() {
    let (house, id) = House::approved();
    house.git(["checkout", "--quiet", "-B", "main", "v1.3.0"]);
    house.refuses(&id, 3, "commit.branch");
}

#[test]
fn a_program_that_is_a_link_out_of_the_approved_files() {
    let house = House::new();
    let elsewhere = house.world().join("elsewhere.sh");
    house.write("../elsewhere.sh", "#!/bin/sh\nmkdir -p \"$HOME/live\"; touch \"$HOME/live/owned\"\n");
    for (link, target) in [
        ("ops/release.sh", elsewhere.to_str().unwrap()),
        ("ops/migrate.sh", "../../../../../../../../bin/true"),
    ] {
        fs::remove_file(house.project().join(link)).unwrap();
        std::os::unix::fs::symlink(target, house.project().join(link)).unwrap();
        let house = &house;
        house.releases(&[]);
    }
    let id = house.approved_under(POLICY);
    let shown =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    assert!(shown.contains("out of the approved files"), "{shown}");
    house.nothing_ran();
    let story = ["execution", "step migrate NotStarted", "outcome Failed"];
    assert_eq!(house.story_of_deployment(), story);
}

/// A commit whose root tree has these raw entries besides its own, tagged as v1.4.0 on main.
fn with_raw_entries(entries: &[(&str, &str, &str)]) -> House {
    let house = House::new();
    let mut tree = String::new();
    let listed = house.git(["ls-tree", "v1.4.0"]);
    for line in listed.lines() {
        let (kind, name) = line.split_once('\t').unwrap();
        let words: Vec<&str> = kind.split(' ').collect();
        tree.push_str(&format!("{} {} {name}\n", words[0], words[2]));
    }
    for (mode, content, name) in entries {
        house.write("../blob", content);
        let blob = house.world().join("blob").display().to_string();
        let id = match *mode {
            "40000" => {
                let inner = house.git(["hash-object", "-w", &blob]);
                house.write("../inner", &format!("100755 blob {inner}\tescaped.sh\n"));
                house.program_at_terminal("sh", &["-c", "git mktree < ../inner"]).exit(0).trim().to_owned()
            }
            _ => house.git(["hash-object", "-w", &blob]),
        };
        tree.push_str(&format!("{mode} {id} {name}\n"));
    }
    let mut raw = Vec::new();
    for line in tree.lines() {
        let mut words = line.splitn(3, ' ');
        let (mode, id, name) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        raw.extend_from_slice(mode.trim_start_matches('0').as_bytes());
        raw.push(b' ');
        raw.extend_from_slice(name.as_bytes());
        raw.push(0);
        raw.extend((0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()));
    }
    let file = house.world().join("tree");
    fs::write(&file, raw).unwrap();
    let file = file.display().to_string();
    let tree = house.git(["hash-object", "-t", "tree", "-w", "--literally", &file]);
    let commit = house.git(["commit-tree", "-p", "v1.4.0^{commit}", "-m", "fix: files", &tree]);
    house.git(["update-ref", "refs/heads/main", &commit]);
    house.git(["tag", "--force", "--annotate", "--message", "v1.4.0", "v1.4.0", &commit]);
    house
}

#[test]
fn paths_that_lead_out_of_the_directory() {
    let script = "#!/bin/sh\ntouch \"$HOME/owned\"\n";
    for (name, mode) in [
        ("..", "40000"),
        (".git", "40000"),
        (".GIT", "40000"),
        ("../escaped", "100755"),
        ("a/../../b", "100644"),
        (".", "40000"),
    ] {
        let house = with_raw_entries(&[(mode, script, name)]);
        house.config(POLICY);
        house.person("alice").signs_policy();
        let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "--json"];
        let asked = house.run(words).any_stdout().any_stderr().exit(1).json();
        let message = asked["message"].as_str().or(asked["error"].as_str()).unwrap_or_default().to_owned();
        assert!(message.contains("cannot be written safely"), "{name}: {asked}");
    }
}

#[test]
fn a_link_and_a_directory_of_the_same_name() {
    let script = "#!/bin/sh\ntouch \"$HOME/owned\"\n";
    let outside = House::new();
    let target = outside.project().display().to_string();
    let house = with_raw_entries(&[("120000", &target, "zoo"), ("40000", script, "zoo")]);
    house.config(POLICY);
    house.person("alice").signs_policy();
    let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "--json"];
    house.run(words).any_stdout().any_stderr().exit(1);
    assert!(!outside.project().join("escaped.sh").exists());
}

#[test]
fn trees_that_hold_each_other_over_and_over() {
    let house = House::new();
    house.write("../blob", "x");
    let mut below = house.git(["hash-object", "-w", &house.world().join("blob").display().to_string()]);
    // Ten entries and ten levels: ten billion files in eleven objects.
    for depth in 0..10 {
        let kind = if depth == 0 { "100644 blob" } else { "040000 tree" };
        let entries: String = (0..10).map(|name| format!("{kind} {below}\t{name}\n")).collect();
        house.write("../inner", &entries);
        below = house.program_at_terminal("sh", &["-c", "git mktree < ../inner"]).exit(0).trim().to_owned();
    }
    let commit = house.git(["commit-tree", "-p", "v1.4.0^{commit}", "-m", "fix: files", &below]);
    let again = house.git(["commit-tree", "-p", &commit, "-m", "fix: the same files", &below]);
    // Once the difference is too large, and once there is none and the files are.
    for (since, commit, last) in [("v1.3.0", &commit, 6), (&commit, &again, 7)] {
        house
            .run(["checklist", "v2.0.0", "--commit", commit, "--since", since])
            .stderr(&format!(
                "error: the commit has more than 5 million files and directories, the last one read is \
                 `0/0/0/4/4/9/9/9/9/{last}`, and deployctl reads no more: look with `git ls-tree` whether its \
                 directories repeat each other, and choose another commit\n"
            ))
            .exit(1);
    }
}
