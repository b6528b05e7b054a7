//! On the eyes: words of others that pretend to be ours.

use crate::house::House;

/// Every trick in one line; `HOSTILE` marks it.
const LINE: &str = "HOSTILE\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{e0041}\rapproved | a | b | ::error::x <b>&amp; [x](http://e) `code` **bold**";
/// Lines of which each would be something else if it stood alone.
const LINES: [&str; 7] = [
    "## Rollback Plan HOSTILE",
    "- [x] HOSTILE all tests pass",
    "| HOSTILE | a | b |",
    "::error::HOSTILE",
    "Type \"deploy production v1.4.0 HOSTILE\" to deploy: ",
    "✓ HOSTILE in 0 s",
    "**Status**: HOSTILE APPROVED",
];

/// A house in which everything that others name is hostile.
fn hostile() -> House {
    let house = House::founded();
    let file = format!("app/{}", LINE.replace('/', "_").replace('\r', "\n"));
    house.write(&file, "x\n");
    for text in [
        format!("feat: {LINE}\n\nBREAKING CHANGE: {LINE}\n{}", LINES.join("\n")),
        format!("fix({LINE}): {LINE}"),
    ] {
        house.git(["config", "user.name", LINE]);
        house.commit(&text);
    }
    let lines = LINES.join("\n");
    house.commit(&lines);
    house.write("migrations/20261103_HOSTILE\n## x\u{1b}[2J.up.sql", "DROP TABLE carts;\n");
    house.commit("fix: migrate");
    house.git(["tag", "--force", "--annotate", "--message", "v1.4.0", "v1.4.0"]);
    let name = LINE.replace('&', "&amp;").replace('<', "&lt;").replace(['\u{1b}', '\u{7}'], "&#9;");
    let case = format!(
        "<testcase classname=\"{name}\" name=\"{name}&#10;## Rollback Plan\"><failure message=\"{name}\"/></testcase>"
    );
    house.write(
        "reports/unit/results.xml",
        &format!("<testsuite name=\"unit\" tests=\"1\" failures=\"1\">{case}</testsuite>\n"),
    );
    house
}

/// Nothing raw, and no line that our words do not begin.
#[track_caller]
fn clean(what: &str, text: &str) {
    for raw in text.chars() {
        let bad = (raw.is_control() && raw != '\n')
            || ('\u{200b}'..='\u{200f}').contains(&raw)
            || ('\u{202a}'..='\u{202e}').contains(&raw)
            || ('\u{2066}'..='\u{2069}').contains(&raw)
            || raw >= '\u{e0000}';
        assert!(!bad, "{what}: {raw:?} in\n{}", text.escape_debug());
    }
    for line in text.lines().filter(|line| line.contains("HOSTILE")) {
        let start = line.trim_start();
        // In a page of prose these are words like others; on a terminal they would be ours.
        let ours = |forged: &&&str| {
            !what.ends_with(".md") || !(forged.starts_with("Type") || forged.starts_with('✓'))
        };
        let forged = LINES.iter().filter(ours).any(|forged| start.starts_with(forged));
        assert!(!forged && !start.starts_with("approved"), "{what}: {line}");
        let live = what.ends_with(".md") || what == "the checklist";
        assert!(!live || !(line.contains("](http") || line.contains("<b>")), "{what}: {line}");
    }
}

#[test]
fn names_and_messages_that_paint_over_the_screen() {
    let house = hostile();
    let asks = ["v1.4.0", "--as", "orchestrator", "--since", "v1.3.0"];
    let checklist = house.run(["checklist"].into_iter().chain(asks)).any_stdout().any_stderr().exit(0);
    clean("the checklist", &checklist.stdout);
    clean("its notes", &checklist.stderr);
    assert!(checklist.stdout.contains("HOSTILE"), "{}", checklist.stdout);
    let summary = format!("{LINE}\n{}", LINES.join("\n"));
    let words = [
        "--summary",
        &summary,
        "--impact",
        &summary,
        "--mitigation",
        &summary,
        "--preferred",
        &summary,
        "-o",
        "package",
    ];
    let request = ["request"].into_iter().chain(asks).chain(words);
    let asked = house.run(request).any_stdout().any_stderr().exit(0);
    clean("the request", &asked.stdout);
    for name in ["request.md", "checklist.md"] {
        let page = house.file(&format!("package/{name}"));
        clean(name, &page);
        assert!(page.contains("HOSTILE"), "{page}");
    }
    let show = house.run(["approve", "package", "--show"]).any_stdout().any_stderr().exit(0);
    clean("the screen", &show.stdout);
    let status = house.run(["status"]).any_stdout().any_stderr().exit(0);
    clean("the status", &format!("{}{}", status.stdout, status.stderr));
    for words in [vec!["status", "--json"], vec!["approve", "package", "--show", "--json"]] {
        let answer = house.run(words.clone()).any_stdout().any_stderr().exit(0);
        clean("the JSON", &answer.stdout);
        if let Some(request) = answer.json().get("request") {
            assert_eq!(request["impact"], summary.as_str());
        }
    }
}

#[test]
fn words_of_the_caller_that_paint_over_the_screen() {
    let (house, id) = House::approved();
    let hostile = format!("{LINE}\n{}", LINES.join("\n"));
    for words in [
        vec!["approve", hostile.as_str()],
        vec!["deploy", "production", hostile.as_str()],
        vec!["deploy", hostile.as_str()],
        vec!["status", "-e", hostile.as_str()],
        vec!["checklist", hostile.as_str()],
        vec!["request", "v1.4.0", "--as", hostile.as_str()],
        vec!["history", "--as", hostile.as_str()],
        vec!["checklist", "v1.4.0", "--since", hostile.as_str()],
        vec!["checklist", "v1.4.0", "--commit", hostile.as_str()],
        vec!["-C", hostile.as_str(), "status"],
        vec![hostile.as_str()],
    ] {
        // Whatever it says, and however it ends.
        let answer = house.shell_run(&words);
        clean(words[0], &answer);
    }
    let revoke = ["approve", &id, "--revoke", "--reason", &hostile];
    // The reason stands on the screen, and holds what looks like the question.
    house.person("bob").at_terminal(revoke).expect("HOSTILE APPROVED\n").signs().exit(0);
    let shown = house.refuses(&id, 4, "approval.revoked");
    clean("the refusal", &shown);
    let subject = house.git(["log", "-1", "--format=%B", "deployctl/ledger"]);
    clean("the entry's message", &subject);
}

impl House {
    /// What the program writes, without a terminal, however it ends.
    fn shell_run(&self, words: &[&str]) -> String {
        let quoted: Vec<String> =
            words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        let out = self.world().join("out").display().to_string();
        self.write(
            "../run.sh",
            &format!(
                "#!/bin/sh\n{} {} > {out} 2>&1 < /dev/null\nexit 0\n",
                crate::forge::PROGRAM,
                quoted.join(" ")
            ),
        );
        let script = self.world().join("run.sh").display().to_string();
        self.program_at_terminal("sh", &[&script]).exit(0);
        std::fs::read_to_string(out).unwrap()
    }
}
