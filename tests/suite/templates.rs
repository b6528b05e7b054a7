//! The team's own templates: signed with the rules, and no way to more than the page.

use crate::house::{House, POLICY};

const OWN: &str =
    "# {{ version }} to check\n{% for section in sections %}{{ section.title }}; {% endfor %}\n";

fn with_template(source: &str) -> House {
    let house = House::new();
    house.config(&format!("{POLICY}\ntemplates: deploy/templates\n"));
    house.write("deploy/templates/checklist.md.tera", source);
    house
}

fn page(house: &House) -> String {
    house.run(["checklist", "v1.4.0", "--since", "v1.3.0"]).any_stdout().any_stderr().exit(0).stdout
}

const OWN_PAGE: &str = "# v1.4.0 to check\nChanges Included; Tests Passed; Database Changes; Dependencies; \
                        Breaking Changes; Rollback Plan; Monitoring; \n";

#[test]
fn a_template_of_the_work_tree_counts_until_people_sign() {
    let house = with_template(OWN);
    assert_eq!(page(&house), OWN_PAGE);
}

#[test]
fn a_signed_template_counts_and_an_edited_one_changes_nothing() {
    let house = with_template(OWN);
    let shown = house.person("alice").signs_policy();
    assert!(shown.contains("  checklist.md.tera\n    # {{ version }} to check\n"), "{shown}");
    assert_eq!(page(&house), OWN_PAGE);
    house.write("deploy/templates/checklist.md.tera", "nothing to see\n");
    let answer =
        house.run(["checklist", "v1.4.0", "--since", "v1.3.0", "--json"]).any_stdout().exit(0).json();
    assert_eq!(answer["markdown"], OWN_PAGE);
    assert_eq!(answer["warnings"][0]["code"], "policy.edited");
    let shown = house.person("alice").signs_policy();
    assert!(shown.contains("  - # {{ version }} to check\n"), "{shown}");
    assert!(shown.contains("  + nothing to see\n"), "{shown}");
    assert_eq!(page(&house), "nothing to see\n");
}

#[test]
fn a_request_under_other_templates_is_stale() {
    let house = with_template(OWN);
    house.person("alice").signs_policy();
    let id = house.requests();
    house.write("deploy/templates/checklist.md.tera", "other\n");
    house.person("alice").signs_policy();
    let shown = house.person("bob").at_terminal(["approve", &id]).exit(3);
    assert!(shown.contains("request.stale"), "{shown}");
}

#[test]
fn a_broken_template_is_told_with_its_line_before_anybody_signs_it() {
    let cases = [
        (
            "a\n\n{{ nosuch }}",
            "error: template `checklist.md.tera`, line 3: variable `nosuch` is not defined",
        ),
        ("a\n{% for x in sections %}", "error: template `checklist.md.tera`, line 2: "),
        ("a\n{{ version | safe }}", "error: template `checklist.md.tera`, line 2: `safe` is not offered"),
    ];
    for (source, expected) in cases {
        let house = with_template(source);
        let told = house.run(["checklist", "v1.4.0"]).any_stderr().exit(1).stderr;
        assert!(told.starts_with(expected), "{told}");
        let shown = house.person("alice").at_terminal(["approve", "--policy"]).exit(1);
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn a_file_that_is_no_page_is_told() {
    let house = with_template(OWN);
    house.write("deploy/templates/checklst.md.tera", "");
    house
        .run(["checklist", "v1.4.0"])
        .stderr(
            "error: `checklst.md.tera` is not the template of a page: rename it to one of `checklist.md.tera`, \
             `request.md.tera`, `history.md.tera`, `modifications.md.tera`, `metrics.md.tera`, `post_incident.md.tera` and `post_rollback.md.tera`, or remove it\n",
        )
        .exit(1);
}

#[test]
fn a_directory_that_is_not_there_is_told_and_one_outside_is_refused() {
    let house = House::new();
    house.config(&format!("{POLICY}\ntemplates: deploy/templates\n"));
    let told = house.run(["checklist", "v1.4.0"]).any_stderr().exit(1).stderr;
    assert!(told.starts_with("error: `templates`: cannot read `"), "{told}");
    house.config(&format!("{POLICY}\ntemplates: ../templates\n"));
    let told = house.run(["checklist", "v1.4.0"]).any_stderr().exit(2).stderr;
    assert!(
        told.contains("`templates`: name a directory inside the repository, such as `deploy/templates`"),
        "{told}"
    );
}

#[test]
fn a_template_cannot_be_a_link_out_of_the_repository() {
    let house = with_template(OWN);
    house.write("../secret", "a secret\n");
    let place = house.project().join("deploy/templates/request.md.tera");
    std::os::unix::fs::symlink(house.world().join("secret"), place).unwrap();
    let answer = house.run(["checklist", "v1.4.0"]).any_stderr().exit(1);
    assert!(answer.stderr.contains("it is a link out of the repository"), "{}", answer.stderr);
}

#[test]
fn a_policy_that_is_a_device_is_not_read() {
    let house = House::new();
    std::fs::remove_file(house.project().join("deployctl.yaml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", house.project().join("deployctl.yaml")).unwrap();
    let answer = house.run(["checklist", "v1.4.0"]).any_stderr().exit(1);
    assert!(answer.stderr.contains("it is not a plain file"), "{}", answer.stderr);
}
