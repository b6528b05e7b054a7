use std::path::Path;

use proptest::prelude::{any, proptest};

use super::{Holder, Kind, Presence, Terminal, classify, is_agent, program_name};

fn person() -> Presence {
    Presence {
        terminal: Terminal::Interactive,
        ci: None,
        agent: None,
        holder: Holder::Terminal { program: "kitty".into() },
    }
}

fn unknown() -> Holder {
    Holder::Unknown { program: Some("myterm".into()) }
}

fn python() -> Holder {
    Holder::NotATerminal { program: "python3".into() }
}

#[test]
fn each_program_is_what_its_executable_says() {
    let table = [
        ("/usr/sbin/sshd", "sshd", Kind::Terminal),
        ("/usr/lib/openssh/sshd-session", "sshd-session", Kind::Terminal),
        ("/usr/libexec/gnome-terminal-server", "gnome-terminal-", Kind::Terminal),
        ("/usr/bin/.kitty-wrapped", "kitty", Kind::Terminal),
        ("/usr/bin/xterm (deleted)", "xterm", Kind::Terminal),
        ("/usr/share/code/code", "code", Kind::Terminal),
        ("/usr/bin/sudo", "sudo", Kind::Relay),
        ("/usr/bin/su", "su", Kind::Relay),
        ("/usr/bin/tmux", "tmux: server", Kind::Tmux),
        ("/usr/local/bin/tmux-3.4", "tmux: server", Kind::Tmux),
        ("/usr/bin/screen", "screen", Kind::Screen),
        ("/usr/bin/screen-4.9.0", "screen", Kind::Screen),
        ("/usr/bin/python3.11", "python3", Kind::Program),
        ("/opt/pypy/bin/pypy3.10", "pypy3", Kind::Program),
        ("/usr/bin/perl5.36.0", "perl", Kind::Program),
        ("/usr/bin/tclsh8.6", "unbuffer", Kind::Program),
        ("/usr/bin/wish8.6", "wish", Kind::Program),
        ("/usr/bin/lua5.4", "lua", Kind::Program),
        ("/usr/bin/node", "node", Kind::Program),
        ("/usr/lib/jvm/java-21/bin/java", "java", Kind::Program),
        ("/usr/bin/script", "script", Kind::Program),
        ("/usr/bin/expect", "expect", Kind::Program),
        ("/usr/bin/socat1", "socat", Kind::Program),
        ("/usr/bin/bash", "bash", Kind::Program),
        ("/usr/bin/zsh-5.9", "zsh", Kind::Program),
        ("/home/a/.local/share/claude/versions/2.1.0", "claude", Kind::Program),
        ("/usr/bin/codex", "codex", Kind::Program),
        ("/usr/bin/dtach", "dtach", Kind::Unknown),
        ("/usr/bin/abduco", "abduco", Kind::Unknown),
        ("/usr/bin/zellij", "zellij", Kind::Unknown),
        ("/usr/bin/emacs", "emacs", Kind::Unknown),
        ("", "", Kind::Unknown),
    ];
    for (exe, comm, kind) in table {
        assert_eq!(classify(Some(Path::new(exe)), comm), kind, "{exe} {comm}");
    }
}

#[test]
fn without_an_executable_the_kernel_name_is_taken_even_cut_short() {
    assert_eq!(classify(None, "gnome-terminal-"), Kind::Terminal);
    assert_eq!(classify(None, "sshd"), Kind::Terminal);
    assert_eq!(classify(None, "python3"), Kind::Program);
    assert_eq!(classify(None, "tmux: server"), Kind::Tmux);
    assert_eq!(classify(None, "gnome"), Kind::Unknown);
}

#[test]
fn a_process_that_calls_itself_a_terminal_is_not_one() {
    assert_eq!(classify(Some(Path::new("/usr/bin/python3.11")), "kitty"), Kind::Program);
    assert_eq!(classify(Some(Path::new("/tmp/robot")), "kitty"), Kind::Unknown);
}

#[test]
fn a_process_that_calls_itself_an_interpreter_is_one() {
    assert_eq!(classify(Some(Path::new("/lib64/ld-linux-x86-64.so.2")), "python3"), Kind::Program);
}

#[test]
fn terminals_written_in_an_interpreted_language_are_recorded_and_go_on() {
    assert_eq!(classify(Some(Path::new("/usr/bin/python3.11")), "terminator"), Kind::Unknown);
    assert_eq!(classify(Some(Path::new("/home/a/.vscode-server/cli/bin/node")), "node"), Kind::Unknown);
    assert_eq!(classify(Some(Path::new("/opt/idea/jbr/bin/java")), "java"), Kind::Unknown);
    assert_eq!(classify(Some(Path::new("/home/a/vscode-server/node")), "node"), Kind::Program);
}

#[test]
fn agents_are_known_by_either_name() {
    assert!(is_agent(Some(Path::new("/usr/bin/codex")), "codex"));
    assert!(is_agent(Some(Path::new("/usr/bin/node")), "claude"));
    assert!(is_agent(None, "aider"));
    assert!(!is_agent(Some(Path::new("/usr/bin/bash")), "bash"));
    assert!(!is_agent(None, ""));
}

#[test]
fn a_name_cannot_paint_the_terminal_or_close_the_backticks() {
    assert_eq!(program_name(None, "a\u{1b}[2K`b\u{202e}"), "a\\u{1b}[2K\\u{60}b\\u{202e}");
    assert_eq!(program_name(Some(Path::new("/usr/bin/python3.11")), "kitty"), "python3.11");
    assert_eq!(program_name(None, &"x".repeat(100)), "x".repeat(64));
}

#[test]
fn a_person_at_a_known_or_unknown_terminal_is_likely() {
    assert!(person().is_person_likely());
    assert!(Presence { holder: unknown(), ..person() }.is_person_likely());
    assert!(Presence { holder: Holder::Console, ..person() }.is_person_likely());
    assert!(Presence { holder: Holder::Unknown { program: None }, ..person() }.is_person_likely());
}

#[test]
fn every_problem_alone_makes_a_person_unlikely_and_says_why() {
    let missing = Terminal::Missing { why: "standard input is not a terminal".into() };
    let seen = Presence { terminal: missing, ..person() };
    assert_eq!(seen.terminal_problem().as_deref(), Some("standard input is not a terminal"));
    assert!(!seen.is_person_likely());

    let seen = Presence { ci: Some("`GITLAB_CI` in this process".into()), ..person() };
    assert_eq!(
        seen.ci_problem().as_deref(),
        Some("continuous integration runs this: found `GITLAB_CI` in this process")
    );
    assert!(!seen.is_person_likely());

    let seen = Presence { agent: Some("`CLAUDECODE` in its parent 12 (`node`)".into()), ..person() };
    assert_eq!(
        seen.agent_problem().as_deref(),
        Some("an agent runs this: found `CLAUDECODE` in its parent 12 (`node`)")
    );
    assert!(!seen.is_person_likely());

    let seen = Presence { holder: python(), ..person() };
    assert_eq!(
        seen.holder_problem().as_deref(),
        Some("the terminal is held by `python3`, a program that types by itself")
    );
    assert!(!seen.is_person_likely());
    assert!(!Presence { holder: Holder::NoTerminal, ..person() }.is_person_likely());
}

#[test]
fn a_multiplexer_needs_one_real_client() {
    let of = |clients| Holder::Multiplexer { program: "tmux".into(), clients };
    let no_client = Some("no real terminal shows what runs in this `tmux`".to_owned());
    assert_eq!(of(vec![]).problem(), no_client);
    assert_eq!(of(vec![python()]).problem(), no_client);
    assert_eq!(of(vec![of(vec![python()])]).problem(), no_client);
    assert_eq!(Holder::Detached { program: "tmux".into() }.problem(), no_client);
    assert_eq!(of(vec![python(), unknown()]).problem(), None);
    assert_eq!(of(vec![of(vec![Holder::Console])]).problem(), None);
}

#[test]
fn of_several_holders_the_worst_counts() {
    let kitty = Holder::Terminal { program: "kitty".into() };
    let detached = Holder::Detached { program: "tmux".into() };
    assert_eq!(Holder::worst(vec![]), None);
    assert_eq!(Holder::worst(vec![unknown(), kitty.clone()]), Some(unknown()));
    assert_eq!(Holder::worst(vec![kitty.clone(), python(), unknown()]), Some(python()));
    assert_eq!(Holder::worst(vec![detached.clone(), kitty, unknown()]), Some(detached));
}

#[test]
fn the_record_keeps_everything() {
    let seen = Presence {
        holder: Holder::Multiplexer { program: "tmux".into(), clients: vec![Holder::Console, unknown()] },
        ..person()
    };
    let json = serde_json::to_string(&seen).unwrap();
    assert_eq!(
        json,
        r#"{"terminal":"interactive","ci":null,"agent":null,"holder":{"multiplexer":{"program":"tmux","clients":["console",{"unknown":{"program":"myterm"}}]}}}"#
    );
    assert_eq!(serde_json::from_str::<Presence>(&json).unwrap(), seen);
}

proptest! {
    #[test]
    fn no_name_panics(exe in any::<String>(), comm in any::<String>()) {
        let _ = (classify(Some(Path::new(&exe)), &comm), is_agent(Some(Path::new(&exe)), &comm));
        let shown = program_name(Some(Path::new(&exe)), &comm);
        assert!(shown.len() <= 64 && shown.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
    }
}
