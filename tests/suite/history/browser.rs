//! A real Chromium without a window, that can reach nothing.

#![expect(clippy::disallowed_methods, reason = "the browser is a program of its own")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The browser, and a place for what it keeps.
pub(super) struct Browser {
    program: PathBuf,
    home: PathBuf,
}

/// What came of a page.
pub(super) struct Seen {
    /// The document when everything had run.
    pub(super) dom: String,
    /// What stands in the console.
    pub(super) console: Vec<String>,
    /// Every address that the page asked the network for.
    pub(super) asked: Vec<String>,
}

impl Browser {
    /// `None` where there is no Chromium on this machine: that is said.
    pub(super) fn find(home: &Path) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program =
            std::env::split_paths(&path).map(|dir| dir.join("chromium")).find(|file| file.is_file());
        if program.is_none() {
            writeln!(std::io::stderr(), "skipped: chromium missing").expect("a standard error");
        }
        Some(Self { program: program?, home: home.join("browser") })
    }

    /// Opens a file at a place of it, and waits until its script has run.
    pub(super) fn opens(&self, file: &Path, place: &str) -> Seen {
        fs::create_dir_all(&self.home).expect("a directory of the world");
        let net = self.home.join("net.json");
        let address = format!("file://{}{place}", file.display());
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", "/usr/bin:/bin")
            .args(["--headless=new", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-extensions", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"])
            .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=3000", "--dump-dom"])
            .arg(format!("--log-net-log={}", net.display()))
            .arg(format!("--user-data-dir={}", self.home.join("profile").display()))
            .args(is_root().then_some("--no-sandbox"))
            .arg(&address)
            .stdin(Stdio::null());
        let output = command.output().expect("chromium");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "chromium: {}\n{said}", output.status);
        let console = said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned);
        Seen {
            dom: String::from_utf8(output.stdout).expect("a document in UTF-8"),
            console: console.collect(),
            asked: asked(&net),
        }
    }
}

/// Chromium has no sandbox for the superuser.
fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id");
    output.stdout == b"0\n"
}

/// The addresses in the log of everything that the browser's network did, without what the browser asks on its own.
fn asked(net: &Path) -> Vec<String> {
    let log: Value = serde_json::from_slice(&fs::read(net).expect("a log of the network")).expect("its JSON");
    let events = log["events"].as_array().expect("its events").clone();
    assert!(!events.is_empty(), "the network was not looked at");
    let by_page = events
        .iter()
        .map(|event| &event["params"])
        .filter(|asked| asked["initiator"].as_str().is_some_and(|initiator| initiator != "not an origin"));
    by_page.filter_map(|asked| asked["url"].as_str()).map(str::to_owned).collect()
}
