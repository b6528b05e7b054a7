//! A sealed world for one test: its own home, repository, keys and clock, and the program run inside it.
//!
//! ```ignore
//! let house = House::new();
//! house.run(["status"]).stdout("…").exit(0);
//! house.person("alice").approves("v1.4.0-7f3a9c2");
//! ```

#![expect(clippy::disallowed_methods, reason = "a test world starts programs and reads its own PATH")]

mod copy;
mod differ;
mod keys;
mod launch;
mod person;
mod project;
mod run;
mod story;
mod terminal;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

pub(crate) use copy::Model;
pub(crate) use keys::PASSPHRASE;
pub(crate) use project::POLICY;
pub(crate) use run::{Answer, Run};
pub(crate) use terminal::Terminal;

/// A Monday, some time after every commit of the project.
const MOMENT: &str = "2026-11-23T10:00:00Z";
/// How long before that the project's first commit was made; each one after it is a minute younger.
const FIRST_COMMIT: TimeDelta = TimeDelta::hours(2);
/// Who writes the commits: nobody of the policy.
const AUTHOR: (&str, &str) = ("Dana", "dana@example.org");

/// A project, and the one machine on which it is looked at.
pub(crate) struct House {
    world: Rc<World>,
    home: PathBuf,
    project: PathBuf,
}

/// What all clones of one test share.
struct World {
    _dir: TempDir,
    /// The same directory, without symbolic links on the way.
    path: PathBuf,
    clock: RefCell<String>,
    first_commit: DateTime<Utc>,
    commits: Cell<u32>,
    clones: Cell<u32>,
    starts: Cell<u32>,
    /// How wide terminals are.
    columns: Cell<u16>,
}

impl House {
    /// A small service of two versions, v1.3.0 and v1.4.0, with fresh reports and a `deployctl.yaml` of which no line is
    /// signed yet.
    pub(crate) fn new() -> Self {
        let house = Self::empty();
        project::build(&house);
        house
    }

    /// The same at the moment of the clock on the wall, for a program that reads no other.
    pub(crate) fn of_today() -> Self {
        let house = Self::empty_at(&DateTime::<Utc>::from(SystemTime::now()).format("%FT%TZ").to_string());
        project::build(&house);
        house
    }

    /// A repository without a commit.
    pub(crate) fn empty() -> Self {
        Self::empty_at(MOMENT)
    }

    fn empty_at(moment: &str) -> Self {
        let now: DateTime<Utc> = moment.parse().expect("a moment");
        let dir = tempfile::Builder::new().prefix("house-").tempdir().expect("a temporary directory");
        let path = fs::canonicalize(dir.path()).expect("the directory that was just made");
        let world = World {
            _dir: dir,
            path,
            clock: RefCell::new(moment.to_owned()),
            first_commit: now - FIRST_COMMIT,
            commits: Cell::new(0),
            clones: Cell::new(0),
            starts: Cell::new(0),
            columns: Cell::new(terminal::SCREEN.ws_col),
        };
        let house = Self::furnished(Rc::new(world), "home", "project");
        house.git(["init", "--quiet"]);
        house
    }

    /// A home with a git identity, and a place for a project.
    fn furnished(world: Rc<World>, home: &str, project: &str) -> Self {
        let (home, project) = (world.path.join(home), world.path.join(project));
        for dir in [&home, &project, &world.path.join("tmp")] {
            fs::create_dir_all(dir).expect("a directory of the world");
        }
        let (name, email) = AUTHOR;
        let config = format!(
            "[user]\n\tname = {name}\n\temail = {email}\n[init]\n\tdefaultBranch = main\n\ttemplateDir =\n[gc]\n\tauto = 0\n"
        );
        fs::write(home.join(".gitconfig"), config).expect("git's settings");
        Self { world, home, project }
    }

    /// The project's directory.
    pub(crate) fn project(&self) -> &Path {
        &self.project
    }

    /// The home directory; what the deploy steps did is in its `live/`.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The directory that holds everything.
    pub(crate) fn world(&self) -> &Path {
        &self.world.path
    }

    /// A new directory for one start of a program.
    fn scratch(&self) -> PathBuf {
        let number = self.world.starts.get() + 1;
        self.world.starts.set(number);
        let dir = self.world.path.join("starts").join(number.to_string());
        fs::create_dir_all(&dir).expect("a directory of the world");
        dir
    }

    /// Makes the terminals that are opened from now on so wide.
    pub(crate) fn columns(&self, columns: u16) {
        self.world.columns.set(columns);
    }

    /// Sets the clock that the program reads, RFC 3339.
    pub(crate) fn clock(&self, moment: &str) {
        assert!(moment.parse::<DateTime<Utc>>().is_ok(), "`{moment}` is not a moment");
        moment.clone_into(&mut self.world.clock.borrow_mut());
    }

    /// What the program's clock says now.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.world.clock.borrow().parse().expect("a checked moment")
    }

    /// The whole environment of every program here.
    fn environment(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.display().to_string();
        BTreeMap::from(
            [
                ("PATH", std::env::var("PATH").expect("a PATH")),
                ("HOME", text(&self.home)),
                ("TMPDIR", text(&self.world.path.join("tmp"))),
                ("USER", "dana".to_owned()),
                ("LOGNAME", "dana".to_owned()),
                ("LC_ALL", "C".to_owned()),
                ("TZ", "UTC".to_owned()),
                ("GIT_CONFIG_SYSTEM", "/dev/null".to_owned()),
                ("DEPLOYCTL_TEST_CLOCK", self.world.clock.borrow().clone()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        )
    }

    /// A program in the project's directory, with nothing of the test's own environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(&self.project);
        command
    }

    /// Writes a file of the project, with the directories before it. A file that begins with `#!` can be run.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.project.join(path);
        fs::create_dir_all(file.parent().expect("a path below the project")).expect("the file's directory");
        fs::write(&file, text).expect("a file of the project");
        if text.starts_with("#!") {
            fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a file of the project");
        }
    }

    /// What the deploy steps left in `live/`, or nothing.
    pub(crate) fn live(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.home.join("live").join(name)).ok()
    }

    /// Writes the rules, with `{alice}` and the like replaced by public keys. They are not committed.
    pub(crate) fn config(&self, yaml: &str) {
        let with_keys = keys::NAMES
            .iter()
            .fold(yaml.to_owned(), |yaml, name| yaml.replace(&format!("{{{name}}}"), &self.public_key(name)));
        self.write("deployctl.yaml", &with_keys);
    }

    /// A JUnit report of a check, 14 minutes old by the program's clock.
    pub(crate) fn report(&self, check: &str, passed: usize, failed: usize) {
        let case =
            |end: &str, count| format!("<testcase classname=\"cart\" name=\"totals\"{end}\n").repeat(count);
        let (good, bad) = (case("/>", passed), case("><failure message=\"wrong\"/></testcase>", failed));
        let path = format!("reports/{check}/results.xml");
        self.write(
            &path,
            &format!(
                "<testsuite name=\"{check}\" tests=\"{}\" failures=\"{failed}\">\n{good}{bad}</testsuite>\n",
                passed + failed
            ),
        );
        self.aged(&path, TimeDelta::minutes(14));
    }

    /// Makes a file so old by the program's clock.
    pub(crate) fn aged(&self, path: &str, age: TimeDelta) {
        let seconds = (self.now() - age).timestamp().try_into().expect("a moment after 1970");
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let file = File::options().append(true).open(self.project.join(path)).expect("the file");
        file.set_modified(moment).expect("a file of our own");
    }

    /// Runs git, which must succeed, and answers what it wrote without the last line end.
    pub(crate) fn git<const N: usize>(&self, arguments: [&str; N]) -> String {
        let output = self.try_git(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {}: {}\n{said}", arguments.join(" "), output.status);
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    /// Runs git, which may fail.
    pub(crate) fn try_git<const N: usize>(&self, arguments: [&str; N]) -> Output {
        let date =
            (self.world.first_commit + TimeDelta::minutes(self.world.commits.get().into())).to_rfc3339();
        let mut command = self.command("git");
        command.args(arguments).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        command.output().expect("git")
    }

    /// Commits everything there is, a minute after the commit before, and answers its id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
        self.world.commits.set(self.world.commits.get() + 1);
        self.git(["rev-parse", "HEAD"])
    }

    /// Tags HEAD.
    pub(crate) fn tag(&self, name: &str) {
        self.git(["tag", "--annotate", "--message", name, name]);
    }

    /// Makes the bare repository `origin`, pushes everything there, and answers its path.
    pub(crate) fn remote(&self) -> PathBuf {
        let path = self.world.path.join("origin.git");
        let text = path.to_str().expect("a path of ASCII");
        self.git(["init", "--quiet", "--bare", text]);
        self.git(["remote", "add", "origin", text]);
        self.git(["push", "--quiet", "--set-upstream", "origin", "main", "--tags"]);
        path
    }

    /// Another machine: a fresh clone of `origin`, with a home of its own. Reports and rules that nobody committed are
    /// not there.
    pub(crate) fn clone_of(&self) -> Self {
        let number = self.world.clones.get() + 1;
        self.world.clones.set(number);
        let other =
            Self::furnished(Rc::clone(&self.world), &format!("home-{number}"), &format!("clone-{number}"));
        let origin = self.world.path.join("origin.git");
        other.git(["clone", "--quiet", origin.to_str().expect("a path of ASCII"), "."]);
        other
    }

    /// The program without a terminal, as an agent or CI runs it.
    pub(crate) fn run<'a>(&'a self, arguments: impl IntoIterator<Item = &'a str>) -> Run<'a> {
        Run::new(self, PROGRAM, arguments)
    }

    /// Any other program without a terminal.
    pub(crate) fn program<'a>(&'a self, program: &str, arguments: &[&'a str]) -> Run<'a> {
        Run::new(self, program, arguments.iter().copied())
    }

    /// The program in front of a person.
    pub(crate) fn at_terminal<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Terminal {
        let arguments: Vec<&str> = arguments.into_iter().collect();
        Terminal::open(self, PROGRAM, &arguments)
    }

    /// Any other program in front of a person.
    pub(crate) fn program_at_terminal(&self, program: &str, arguments: &[&str]) -> Terminal {
        Terminal::open(self, program, arguments)
    }
}

/// The program under test, as cargo built it for this test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_deployctl");
