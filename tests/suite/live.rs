//! The steps on a terminal with colours: progress and last lines, painted over.

use crate::house::{House, POLICY, Terminal};

impl House {
    /// Alice deploys at a terminal with colours, and has signed.
    fn in_colour(&self, id: &str) -> Terminal {
        self.person("alice").at_terminal(["deploy", "production", id, "--color", "always"]).signs()
    }
}

/// What stands on an endless screen in the end, after the cursor went up and lines were taken away.
fn screen(transcript: &str) -> String {
    let mut lines = vec![String::new()];
    let mut row = 0;
    let mut rest = transcript;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => {
                row += 1;
                lines.resize(lines.len().max(row + 1), String::new());
            }
            '\r' => {}
            '\u{1b}' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                let (numbers, after) = (rest[1..end].to_owned(), &rest[end + 1..]);
                match &rest[end..=end] {
                    "A" => row -= numbers.parse::<usize>().unwrap(),
                    "J" => {
                        lines.truncate(row + 1);
                        lines[row].clear();
                    }
                    "m" | "h" | "l" => {}
                    other => panic!("ESC [ {numbers} {other}"),
                }
                rest = after;
            }
            c => lines[row].push(c),
        }
    }
    lines.join("\n")
}

/// The same on a screen that is so wide and as high as it needs to be: a line that is longer goes on in the next row, except
/// where the terminal was told not to do that.
pub(crate) fn screen_of(transcript: &str, columns: usize) -> Vec<String> {
    let mut rows: Vec<Vec<char>> = vec![vec![]];
    let (mut row, mut column, mut wraps) = (0_usize, 0, true);
    let mut rest = transcript.chars();
    while let Some(c) = rest.next() {
        match c {
            '\n' => (row, column) = (row + 1, 0),
            '\r' => column = 0,
            '\u{1b}' => {
                let (mut end, mut numbers) = ('[', String::new());
                for c in rest.by_ref() {
                    match c {
                        '[' => {}
                        c if c.is_ascii_alphabetic() => {
                            end = c;
                            break;
                        }
                        c => numbers.push(c),
                    }
                }
                match (end, &*numbers) {
                    ('A', up) => row -= up.parse::<usize>().unwrap(),
                    ('J', "") => {
                        rows.truncate(row + 1);
                        rows[row].truncate(column);
                    }
                    ('h', "?7") => wraps = true,
                    ('l', "?7") => wraps = false,
                    ('m', _) => {}
                    (end, _) => panic!("ESC [ {numbers} {end}"),
                }
            }
            c => {
                if column == columns {
                    (row, column) = if wraps { (row + 1, 0) } else { (row, columns - 1) };
                }
                rows.resize(rows.len().max(row + 1), vec![]);
                let there = rows[row].len().max(column + 1);
                rows[row].resize(there, ' ');
                rows[row][column] = c;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), vec![]);
    }
    rows.into_iter().map(String::from_iter).collect()
}

/// The lines that were painted over, each as it was written.
pub(crate) fn painted(transcript: &str) -> Vec<&str> {
    let parts = transcript.split("\u{1b}[?7l").skip(1);
    parts.flat_map(|part| part.split("\u{1b}[?7h").next().unwrap().lines()).collect()
}

#[test]
fn no_live_line_is_wider_than_a_narrow_terminal_and_all_of_them_go() {
    let waits = "until [ -e \"$live/go\" ]; do sleep 0.02; done";
    let wide = "x".repeat(90) + &"界".repeat(90);
    for columns in [40_u16, 80] {
        let (house, id) = House::with_script(POLICY, &format!("echo '{wide}'\n{waits}"));
        house.columns(columns);
        let running = house.in_colour(&id).expect("▶ 2/2 release  ").expect("│ xxxxxxxxxx");
        std::fs::write(house.home().join("live/go"), "").unwrap();
        let shown = running.exit(0);
        let columns = usize::from(columns);
        for line in painted(&shown) {
            let line = screen_of(line, 1_000).concat();
            let width: usize = line.chars().map(|c| if c == '界' { 2 } else { 1 }).sum();
            assert!(width <= columns, "{width} columns in {columns}: {line}");
        }
        let screen = screen_of(&shown, columns);
        let left = screen.iter().skip_while(|row| !row.starts_with("Enter passphrase: "));
        let left: Vec<&str> = left.map(|row| row.trim_end()).take(4).collect();
        assert_eq!(left[0], "Enter passphrase:", "{screen:#?}");
        assert!(left[1].starts_with("✓ migrate in ") && left[2].starts_with("✓ release in "), "{screen:#?}");
        assert_eq!(left[3], "production runs v1.4.0", "{screen:#?}");
    }
}

#[test]
fn while_a_step_runs_its_last_lines_stand_under_its_progress_and_go_when_it_ends_well() {
    let (house, id) = House::approved();
    let release = house.holds("release");
    let running = house.in_colour(&id).expect("▶ 2/2 release  0 s of at most 1 min  ./ops/release.sh");
    let running = running.expect("  │ release waits");
    release.lets_go();
    let shown = running.exit(0);
    let expected = "Enter passphrase: \n✓ migrate in [time]\n✓ release in [time]\nproduction runs v1.4.0\n";
    let left = house.normal(&screen(&shown));
    assert!(left.contains(expected), "{left}");
}

#[test]
fn the_last_lines_stay_where_a_step_failed() {
    let counts = "i=1; while [ $i -le 40 ]; do echo \"line $i\"; i=$((i + 1)); done\nprintf '\\033[2Jred\\007\\n'\nexit 9";
    let (house, id) = House::with_script(POLICY, counts);
    let shown = house.in_colour(&id).declines_rollback().exit(1);
    let left = house.normal(&screen(&shown));
    let (_, after) = left.split_once("✓ migrate in [time]\n").unwrap();
    let (kept, log) = after.split_once("✗ release failed with exit status 9 after [time]\n  log: ").unwrap();
    let lines: Vec<&str> = kept.lines().collect();
    assert_eq!(lines[..4], ["  │ line 37", "  │ line 38", "  │ line 39", "  │ line 40"]);
    assert_eq!(lines.len(), 5);
    assert!(lines[4].contains("[2Jred"), "{kept}");
    assert!(log.starts_with("[project]/.git/deployctl/logs/[id]/2-release.log\n"), "{log}");
    assert!(!shown.contains("\u{1b}[2J") && !shown.contains('\u{7}'), "{shown:?}");
}

#[test]
fn what_is_left_behind_is_told_and_stays() {
    let (house, id) = House::with_script(POLICY, crate::session::FORKS_AWAY);
    let left = house.normal(&screen(&house.in_colour(&id).exit(0)));
    let told = "✓ migrate in [time]
  │ deployctl: it left its output open in the background: what it writes from now on is kept nowhere
  │ deployctl: a process that it left behind goes on without it
✓ release in [time]
";
    assert!(left.contains(told), "{left}");
    crate::forge::send(house.pids("pids")[0], rustix::process::Signal::KILL);
}

#[test]
fn a_question_stands_alone_while_it_is_open() {
    let (house, id) = House::approved();
    let release = house.holds("release");
    let running = house.in_colour(&id).expect("  │ release waits").ctrl_c().expect("[g/s/e] ");
    let asked = running.transcript();
    assert!(!screen(&asked).contains("▶ 2/2"), "{}", screen(&asked));
    let running = running.answer("g").expect("▶ 2/2 release");
    release.lets_go();
    running.exit(0);
}

#[test]
fn a_step_is_expected_to_take_as_long_as_the_last_time() {
    let (house, id) = House::with_script(POLICY, "sleep 1");
    house.person("alice").deploys(&id);
    house.write("app/total.txt", "13\n");
    house.commit("fix: thirteen");
    house.tag("v1.5.0");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let request = ["request", "v1.5.0", "--as", "orchestrator", "--json"];
    let answer = house.run(request).any_stdout().any_stderr().exit(0).json();
    let id = answer["id"].as_str().unwrap().to_owned();
    house.person("alice").approves(&id);
    let shown = house.in_colour(&id).expect("▶ 2/2 release  0 s of about ").exit(0);
    // What took no second is no measure.
    assert!(!shown.contains("about 0 s"), "{shown}");
}
