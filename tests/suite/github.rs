//! `--format github`: a step's log, annotations, outputs and summary, and nothing foreign that the runner would obey.

use std::fs;
use std::path::{Path, PathBuf};

use crate::house::House;

/// A step of GitHub Actions: its two files.
struct Step {
    output: PathBuf,
    summary: PathBuf,
}

impl Step {
    fn of(house: &House) -> Self {
        let step =
            Self { output: house.world().join("step_output"), summary: house.world().join("step_summary") };
        for file in [&step.output, &step.summary] {
            fs::write(file, "").unwrap();
        }
        step
    }

    /// Runs a command as the step does, and answers its standard output and standard error.
    #[track_caller]
    fn runs(&self, house: &House, words: &[&str], code: i32) -> (String, String) {
        let (output, summary) = (text(&self.output), text(&self.summary));
        let run = house.run(words.iter().copied().chain(["--format", "github"]));
        let run = run.env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary);
        let answer = run.any_stdout().any_stderr().exit(code);
        (answer.stdout, answer.stderr)
    }

    /// The outputs as the runner reads them, with every delimiter checked and taken away.
    #[track_caller]
    fn outputs(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(&self.output).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (blocks, rest) = lines.as_chunks::<3>();
        assert!(rest.is_empty(), "{text}");
        let output = |[head, value, end]: &[&str; 3]| {
            let (key, delimiter) = head.split_once("<<").unwrap();
            assert_eq!(delimiter, *end, "{text}");
            let random = delimiter.strip_prefix("deployctl_").unwrap();
            assert!(random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit()), "{text}");
            (key.to_owned(), (*value).to_owned())
        };
        blocks.iter().map(output).collect()
    }

    fn summary(&self) -> String {
        fs::read_to_string(&self.summary).unwrap()
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_refusal_is_annotations_outputs_and_a_table() {
    let (house, id) = House::requested();
    let step = Step::of(&house);
    let (stdout, stderr) = step.runs(&house, &["deploy", "production", &id], 4);
    house.same(
        &stdout,
        "::error title=human.terminal::only a person can do this: standard input is not a terminal%0A\
         next: ask a person to run this at their own terminal: deployctl deploy production v1.4.0-[id]\n\
         ::error title=approval.missing::nobody has decided about `v1.4.0-[id]` yet%0A\
         policy: environments.production.approvals%0Anext: ask a person to run: deployctl approve v1.4.0-[id]\n",
    );
    house.same(
        &stderr,
        "refused: deployctl deploy\n  \
         ✗ human.terminal  only a person can do this: standard input is not a terminal\n  \
         ✗ approval.missing  nobody has decided about `v1.4.0-[id]` yet\n      \
         policy: environments.production.approvals\n\
         next: ask a person to run this at their own terminal: deployctl deploy production v1.4.0-[id]\n\
         next: ask a person to run: deployctl approve v1.4.0-[id]\n",
    );
    assert_eq!(
        step.outputs(),
        pairs(&[
            ("outcome", "refused"),
            ("exit", "4"),
            ("human_required", "true"),
            ("environment", "production"),
        ])
    );
    house.same(
        &step.summary(),
        "## deployctl deploy: refused\n\n\
         **A person is required.**\n\n\
         | Code | Reason | Next |\n|---|---|---|\n\
         | `human.terminal` | only a person can do this: standard input is not a terminal | ask a person to run this at \
         their own terminal: deployctl deploy production v1.4.0-[id] |\n\
         | `approval.missing` | nobody has decided about \\`v1.4.0-[id]\\` yet<br>policy: \
         `environments.production.approvals` | ask a person to run: deployctl approve v1.4.0-[id] |\n\n",
    );
}

#[test]
fn a_request_says_its_id_to_the_steps_after_it() {
    let house = House::founded();
    let step = Step::of(&house);
    let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0"];
    let (stdout, stderr) = step.runs(&house, &words, 0);
    house.same(
        &stdout,
        "requested v1.4.0-[id]\nstatus: AWAITING HUMAN APPROVAL · open: 8 things\n\
         next: ask a person to run: deployctl approve v1.4.0-[id]\n",
    );
    assert_eq!(stderr, "");
    let commit = house.git(["rev-parse", "v1.4.0^{commit}"]);
    let id = house.run(words.into_iter().chain(["--json"])).any_stdout().exit(0).json()["id"].clone();
    assert_eq!(
        step.outputs(),
        pairs(&[
            ("outcome", "done"),
            ("exit", "0"),
            ("human_required", "false"),
            ("id", id.as_str().unwrap()),
            ("version", "v1.4.0"),
            ("commit", &commit),
            ("environment", "production"),
        ])
    );
    house.run(words.into_iter().chain(["-o", "package"])).any_stdout().exit(0);
    let page = house.file("package/request.md");
    let next = format!("Next: ask a person to run: deployctl approve {}", id.as_str().unwrap());
    assert_eq!(step.summary(), format!("{}\n\n{next}\n\n", page.trim_end()));
}

#[test]
fn a_checklist_is_the_summary() {
    let house = House::founded();
    let step = Step::of(&house);
    let page = house.run(["checklist", "v1.4.0", "--since", "v1.3.0"]).any_stdout().exit(0).stdout;
    let (stdout, stderr) = step.runs(&house, &["checklist", "v1.4.0", "--since", "v1.3.0"], 0);
    assert_eq!((stdout.as_str(), stderr.as_str()), (page.as_str(), ""));
    assert_eq!(step.summary(), format!("{}\n\n", page.trim_end()));
    let keys: Vec<String> = step.outputs().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["outcome", "exit", "human_required", "version", "commit", "environment"]);
}

#[test]
fn what_other_commands_say_is_a_block_of_text() {
    let house = House::founded();
    let step = Step::of(&house);
    step.runs(&house, &["check", "unit", "--as", "qa-specialist"], 0);
    house.same(
        &step.summary(),
        "## deployctl check: done\n\n\
         ```text\n✓ unit  12/12 passed\nrecorded for [id] by qa-specialist\n```\n\n",
    );
}

/// Whether GitHub's runner, or one that reads the older form, would obey a line.
fn is_obeyed(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

#[test]
fn foreign_words_forge_no_command_no_output_and_no_annotation() {
    let house = House::founded();
    house.write("app/total.txt", "1\n");
    house.commit("::set-output name=id::evil\n\n##[set-output name=id]evil\nid=evil");
    house.write("app/total.txt", "2\n");
    house.commit("%0A::error::x ##[error]y");
    house.git(["tag", "v1.5.0"]);
    let step = Step::of(&house);
    let summary =
        "a\n::set-output name=id::evil\r::error::b\nid=evil\nid<<E\nevil\nE%0A::error::x ##[add-path]z";
    let asks = ["request", "v1.5.0", "--as", "orchestrator", "--since", "v1.3.0", "--summary", summary];
    for words in [&["checklist", "v1.5.0"] as &[&str], &asks, &["status"]] {
        fs::write(&step.output, "").unwrap();
        let (stdout, stderr) = step.runs(&house, words, 0);
        let obeyed: Vec<&str> = stdout.lines().chain(stderr.lines()).filter(|line| is_obeyed(line)).collect();
        assert_eq!(obeyed, Vec::<&str>::new(), "{words:?}");
        for (key, value) in step.outputs() {
            let ours = ["outcome", "exit", "human_required", "id", "version", "commit", "environment"];
            assert!(ours.contains(&key.as_str()) && !value.contains("evil"), "{key}: {value}");
        }
    }
    let page = step.summary();
    assert!(page.contains("evil"), "{page}");
    assert!(!page.lines().any(is_obeyed), "{page}");
    // A name that nobody has: the words of the caller in a sentence of ours.
    let (stdout, stderr) = step.runs(&house, &["check", "x\n::error::%0A::evil##[group]", "--as", "a"], 1);
    house.same(
        &stdout,
        "::error title=deployctl check%3A failed::the policy has no check or stage \
         `x\\\\n::error::%250A::evil#\\x23[group]`\n",
    );
    assert!(!stderr.lines().any(is_obeyed), "{stderr}");
}

#[test]
fn what_a_check_writes_is_not_obeyed() {
    let house = House::new();
    house.write("ops/smoke.sh", "#!/bin/sh\necho '::error::a'\necho '##[set-output name=id]evil'\n");
    house.commit("test: a smoke test");
    let check = "checks:\n  smoke: { title: Smoke tests, run: [\"./ops/smoke.sh\"], timeout: 1m }\n";
    house.config(&crate::house::POLICY.replace("checks:\n", check));
    house.person("alice").signs_policy();
    let step = Step::of(&house);
    let (stdout, stderr) = step.runs(&house, &["check", "smoke", "--as", "qa-specialist"], 0);
    house.same(&stdout, "✓ smoke  ./ops/smoke.sh succeeded\nrecorded for [id] by qa-specialist\n");
    house.same(&stderr, "▶ smoke  ./ops/smoke.sh\n  │ ::error::a\n  │ #\\x23[set-output name=id]evil\n");
}

#[test]
fn files_that_cannot_be_written_change_no_verdict() {
    let house = House::founded();
    let words = ["checklist", "v1.4.0", "--since", "v1.3.0", "--strict", "--format", "github"];
    let nowhere = text(&house.world().join("nowhere/summary"));
    let run = house.run(words).env("GITHUB_STEP_SUMMARY", &nowhere).any_stdout();
    run.stderr(
        "warning: `GITHUB_OUTPUT` names no file, so nothing was written there: `--format github` is for a step of \
         GitHub Actions\n\
         warning: cannot write `[world]/nowhere/summary`, which `GITHUB_STEP_SUMMARY` names: No such file or directory \
         (os error 2)\n\
         error: 8 boxes open, and `--strict` wants none\n",
    )
    .exit(3);
}

#[test]
fn what_stands_in_the_files_stays() {
    let house = House::founded();
    let step = Step::of(&house);
    fs::write(&step.output, "mine=1").unwrap();
    fs::write(&step.summary, "# Mine").unwrap();
    step.runs(&house, &["status"], 0);
    let output = fs::read_to_string(&step.output).unwrap();
    assert!(output.starts_with("mine=1\noutcome<<deployctl_"), "{output}");
    assert!(
        step.summary().starts_with("# Mine\n## deployctl status: done\n\n```text\n"),
        "{}",
        step.summary()
    );
}

#[test]
fn it_is_never_done_unasked() {
    let house = House::founded();
    let step = Step::of(&house);
    let (output, summary) = (text(&step.output), text(&step.summary));
    let run = house.run(["status"]).env("GITHUB_ACTIONS", "true");
    run.env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary).any_stdout().exit(0);
    assert_eq!((fs::read_to_string(&step.output).unwrap(), step.summary()), (String::new(), String::new()));
}

#[test]
fn one_answer_has_one_form() {
    let house = House::founded();
    let run = house.run(["status", "--json", "--format", "github"]).any_stdout();
    let document = run.exit(2).json();
    assert_eq!((&document["outcome"], &document["exit"]), (&"usage".into(), &2.into()));
}

#[test]
fn a_command_line_that_cannot_be_read_is_an_annotation_too() {
    let house = House::empty();
    let step = Step::of(&house);
    let (stdout, stderr) = step.runs(&house, &["request", "##[set-output name=id]evil"], 2);
    let said = "invalid value '#\\x23[set-output name=id]evil' for '<VERSION>': `#\\x23[set-output name=id]evil` is \
                not a valid version: 1 to 128 letters, digits, `-`, `_`, `.`, `@`, `+` or `/`, starting with a letter, \
                digit or `@`";
    let help = "For more information, try '--help'.";
    house.same(&stdout, &format!("::error title=deployctl%3A usage::{said}%0A%0A{help}\n"));
    house.same(&stderr, &format!("error: {said}\n\n{help}\n"));
    let expected = pairs(&[("outcome", "usage"), ("exit", "2"), ("human_required", "false")]);
    assert_eq!(step.outputs(), expected);
}
