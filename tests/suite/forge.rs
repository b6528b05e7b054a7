//! What an attacker has besides the program: other scripts in the commit, ledgers made by hand, signatures made without
//! a terminal.

#![expect(clippy::disallowed_methods, reason = "an attacker starts programs")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use deployctl::gate::statement::{Payload, Statement};
use deployctl::gate::terms::{CommitId, Digest};
use deployctl::world::records::{Files, LEDGER, Records};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::house::{House, POLICY, Terminal};

/// The program under test, to be started by another one.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_deployctl");

/// An entry that is taken apart.
pub(crate) struct Entry {
    /// What it says.
    pub(crate) payload: Payload,
    /// All its files, `payload.json` among them.
    pub(crate) files: Files,
}

impl Entry {
    /// Writes the payload that was changed, and leaves the signature as it was.
    pub(crate) fn restate(&mut self) {
        self.files.insert("payload.json".to_owned(), self.payload.bytes().unwrap());
    }
}

impl House {
    /// Makes v1.4.0 anew, with other files.
    pub(crate) fn releases(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(path, text);
        }
        self.commit("fix: release differently");
        self.git(["tag", "--force", "--annotate", "--message", "v1.4.0", "v1.4.0"]);
    }

    /// Alice has signed these rules, v1.4.0 was requested and approved; answers the request.
    pub(crate) fn approved_under(&self, policy: &str) -> String {
        self.config(policy);
        self.person("alice").signs_policy();
        let id = self.requests();
        self.person("alice").approves(&id);
        id
    }

    /// Records travel through `origin`; v1.4.0 was requested and approved.
    pub(crate) fn shared() -> (Self, String) {
        let house = Self::new();
        house.remote();
        let id = house.approved_under(&POLICY.replace("ledger: none", "ledger: { remote: origin }"));
        (house, id)
    }

    /// The program at a terminal, with variables of its own.
    pub(crate) fn at_terminal_with(&self, who: &str, variables: &[&str], arguments: &[&str]) -> Terminal {
        let key = self.key(who).display().to_string();
        let words = [variables, &[PROGRAM], arguments, &["--key", &key]].concat();
        self.program_at_terminal("env", &words)
    }

    /// Deploying is refused with this exit status and code, and nothing ran.
    #[track_caller]
    pub(crate) fn refuses(&self, id: &str, exit: i32, code: &str) -> String {
        let shown = self.person("alice").at_terminal(["deploy", "production", id]).exit(exit);
        assert!(shown.contains(code), "no `{code}` in\n{shown}");
        self.nothing_ran();
        shown
    }

    /// The text of a file of the project.
    #[track_caller]
    pub(crate) fn file(&self, path: &str) -> String {
        fs::read_to_string(self.project().join(path)).unwrap()
    }

    /// No step left a trace.
    #[track_caller]
    pub(crate) fn nothing_ran(&self) {
        assert_eq!(self.live("journal"), None);
        assert!(!self.home().join("live").exists());
    }

    /// The records of this clone.
    pub(crate) fn records(&self) -> Records {
        Records::open(&self.project().join(".git")).unwrap()
    }

    /// The entries of the ledger, oldest first, taken apart.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let records = self.records();
        let tip = records.tip(LEDGER).unwrap().unwrap();
        let chain = records.chain(&tip).unwrap();
        let files = chain.iter().rev().map(|commit| records.files(commit).unwrap());
        files.map(|files| Entry { payload: Payload::read(&files["payload.json"]).unwrap(), files }).collect()
    }

    /// What the ledger says, one line an entry.
    pub(crate) fn story(&self) -> Vec<String> {
        self.entries().iter().map(|entry| told(&entry.payload.statement)).collect()
    }

    /// What the ledger says after the approval.
    pub(crate) fn story_of_deployment(&self) -> Vec<String> {
        self.story().split_off(2)
    }

    /// Replaces the ledger by a chain of these entries, and lets this clone forget what it has seen.
    pub(crate) fn republish(&self, entries: &[Entry]) {
        self.replace_ledger(entries);
        self.forget();
    }

    /// Replaces the ledger by a chain of these entries; the first of them that are as they were keep their commits.
    pub(crate) fn replace_ledger(&self, entries: &[Entry]) {
        let records = self.records();
        let known = records.tip(LEDGER).unwrap().map_or_else(Vec::new, |tip| records.chain(&tip).unwrap());
        let is_known = |(commit, entry): &(&CommitId, &Entry)| records.files(commit).unwrap() == entry.files;
        let same: Vec<&CommitId> =
            known.iter().rev().zip(entries).take_while(is_known).map(|(commit, _)| commit).collect();
        let mut tip: Option<CommitId> = same.last().map(|commit| (*commit).clone());
        for entry in &entries[same.len()..] {
            let (at, by) = (entry.payload.at, entry.payload.by.as_str());
            tip = Some(records.write(tip.as_ref(), &entry.files, by, at, "forged").unwrap());
        }
        self.git(["update-ref", LEDGER, tip.unwrap().as_str()]);
    }

    /// This clone forgets what it has seen of the ledger, as if it were new.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_dir_all(self.project().join(".git/deployctl"));
    }

    /// Signs as somebody whose bare key an attacker has.
    pub(crate) fn forges(&self, who: &str, namespace: &str, text: &[u8]) -> Vec<u8> {
        let key = self.bare_key(who);
        let file = self.world().join("to-sign");
        fs::write(&file, text).unwrap();
        let signature = self.world().join("to-sign.sig");
        let _ = fs::remove_file(&signature);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(&key).arg(&file);
        assert!(keygen.stdin(Stdio::null()).status().unwrap().success());
        fs::read(signature).unwrap()
    }

    /// A whole entry that follows the ledger's newest, signed by somebody.
    pub(crate) fn forged(&self, who: &str, by: &str, statement: Statement, files: Files) -> Entry {
        let entries = self.entries();
        let last = entries.last().unwrap();
        let root = entries[0].files["payload.json"].clone();
        let payload = Payload {
            schema: "deployctl/1".to_owned(),
            sequence: last.payload.sequence + 1,
            previous: Some(Digest::of(&last.files["payload.json"])),
            repository: Some(deployctl::gate::statement::Root::of(&root)),
            at: self.now(),
            by: by.parse().unwrap(),
            attachments: files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect(),
            statement,
        };
        self.signed(who, by, payload, files)
    }

    /// The entry of a payload, signed by somebody.
    pub(crate) fn signed(&self, who: &str, by: &str, payload: Payload, mut files: Files) -> Entry {
        let bytes = payload.bytes().unwrap();
        let signature = self.forges(who, payload.statement.namespace(), &bytes);
        files.insert("payload.json".to_owned(), bytes);
        files.insert(format!("{by}.sig"), signature);
        Entry { payload, files }
    }

    /// Puts one more entry at the end of the ledger.
    pub(crate) fn publish(&self, entry: &Entry) {
        let records = self.records();
        let tip = records.tip(LEDGER).unwrap().unwrap();
        let (at, by) = (entry.payload.at, entry.payload.by.as_str());
        let new = records.write(Some(&tip), &entry.files, by, at, "forged").unwrap();
        self.git(["update-ref", LEDGER, new.as_str()]);
    }

    /// The processes that a step has written down in `live/NAME`.
    pub(crate) fn pids(&self, name: &str) -> Vec<Pid> {
        let text = self.live(name).unwrap();
        text.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect()
    }

    /// A hook of the bare repository `origin`.
    pub(crate) fn hook(&self, name: &str, script: &str) -> PathBuf {
        let hook = self.world().join("origin.git/hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        self.write("../hook", script);
        fs::rename(self.world().join("hook"), &hook).unwrap();
        hook
    }

    /// All branches and the objects they hold, to see that nothing changed.
    pub(crate) fn refs(&self) -> BTreeMap<String, String> {
        let list = self.git(["for-each-ref", "--format=%(refname) %(objectname)"]);
        list.lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect()
    }
}

/// What a statement says, in a few words.
pub(crate) fn told(statement: &Statement) -> String {
    match statement {
        Statement::Progress(progress) => format!("step {} {:?}", progress.step.step, progress.step.result),
        Statement::Outcome(outcome) => format!("outcome {:?}", outcome.ending),
        other => other.word().to_owned(),
    }
}

/// Whether a process still runs; one that waits only to be buried does not.
pub(crate) fn runs(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    test_kill_process(pid).is_ok() && !matches!(state, None | Some('Z' | 'X'))
}

/// Sends a signal to a process of our own.
pub(crate) fn send(pid: Pid, signal: Signal) {
    kill_process(pid, signal).unwrap();
}
