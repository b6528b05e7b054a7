//! The scene: a remote, a clone with a history, and production, all in one directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// What is live when the story begins.
pub const VERSION_BEFORE: &str = "v1.3.0";
/// What the agent brings.
pub const VERSION: &str = "v1.4.0";
/// The suites of `tests/run.sh`.
pub const SUITES: [&str; 3] = ["unit", "integration", "e2e"];

/// The policy, with a placeholder where Alice's key goes.
const POLICY: &str = include_str!("deployctl.yaml");
const PLACEHOLDER: &str = "ALICE-PUBLIC-KEY";

/// A file of the service, by its path there.
type File = (&'static str, &'static str);

/// The files of the service as they were in a version.
macro_rules! files {
    ($version:literal: $($path:literal)*) => {
        &[$(($path, include_str!(concat!("service/", $version, "/", $path)))),*]
    };
}

const BEFORE: &[File] = files!("v1.3.0":
    "gitignore" "migrations/0001_create_products.up.sql" "migrations/0001_create_products.down.sql"
    "ops/migrate.sh" "ops/release.sh" "package.json" "package-lock.json" "site/footer.html" "site/page.sh"
    "tests/run.sh" "tests/unit.sh" "tests/integration.sh" "tests/e2e.sh");

/// The commits of the candidate, oldest first.
const CANDIDATE: [(&str, &[File]); 4] = [
    ("fix(page): say that prices include tax", files!("v1.4.0": "site/footer.html")),
    ("build(deps): add pico.css", files!("v1.4.0": "package.json" "package-lock.json")),
    (
        "feat(db): keep the stock of each product",
        files!("v1.4.0": "migrations/0002_add_stock.up.sql" "migrations/0002_add_stock.down.sql"),
    ),
    ("feat(page): show what is in stock", files!("v1.4.0": "site/page.sh" "tests/unit.sh")),
];

/// Where the story is played.
pub struct Scene {
    root: PathBuf,
    clone: PathBuf,
    production: PathBuf,
    /// Removes everything at the end.
    temporary: Option<TempDir>,
}

impl Scene {
    /// Makes the remote and the clone, and puts v1.3.0 live, as it was before there was deployctl.
    pub fn build(keep: Option<PathBuf>) -> Result<Self> {
        let (root, temporary) = place(keep)?;
        let (clone, production) = (root.join("storefront"), root.join("production"));
        fs::create_dir(&production).context("cannot make the directory of production")?;
        let scene = Self { root, clone, production, temporary };
        let origin = scene.root.join("origin.git");
        let origin = origin.to_str().context("the directory needs a name of plain text")?;
        git(&scene.root, &["init", "-q", "--bare", "-b", "main", origin])?;
        git(&scene.root, &["init", "-q", "-b", "main", "storefront"])?;
        // Alice's own settings; the agent's commits name the agent.
        for (key, value) in [("user.name", "Alice"), ("user.email", "alice@storefront.example")] {
            scene.git(&["config", key, value])?;
        }
        scene.git(&["remote", "add", "origin", origin])?;
        scene.commit("feat: sell a teapot and a cup", BEFORE)?;
        scene.publish(VERSION_BEFORE)?;
        for script in [&["ops/migrate.sh", "up"][..], &["ops/release.sh"]] {
            scene.release_by_hand(script)?;
        }
        Ok(scene)
    }

    /// The directory that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The clone in which everybody works.
    pub fn clone_dir(&self) -> &Path {
        &self.clone
    }

    /// What customers see: `STOREFRONT_HOME` of the scripts.
    pub fn production(&self) -> &Path {
        &self.production
    }

    /// Whether everything stays after the end.
    pub fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }

    /// Commits `deployctl.yaml` with Alice's public key in it.
    pub fn adopt_policy(&self) -> Result<()> {
        let public =
            fs::read_to_string(self.root.join("alice.pub")).context("cannot read Alice's public key")?;
        self.write("deployctl.yaml", &POLICY.replace(PLACEHOLDER, public.trim()))?;
        self.commit("chore: let people decide about production", &[])?;
        self.git(&["push", "-q", "origin", "main"])
    }

    /// Commits the candidate as the agent would, and tags it.
    pub fn write_candidate(&self) -> Result<()> {
        for (subject, files) in CANDIDATE {
            self.commit(subject, files)?;
        }
        self.publish(VERSION)
    }

    fn commit(&self, subject: &str, files: &[File]) -> Result<()> {
        for (path, text) in files {
            // It would hide files of the example itself if it had its name there.
            self.write(if *path == "gitignore" { ".gitignore" } else { path }, text)?;
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "-q", "-m", subject])
    }

    fn publish(&self, version: &str) -> Result<()> {
        self.git(&["tag", version])?;
        self.git(&["push", "-q", "origin", "main", version])
    }

    /// Writes a file of the clone; scripts become programs.
    fn write(&self, path: &str, text: &str) -> Result<()> {
        let file = self.clone.join(path);
        let failed = || format!("cannot write `{}`", file.display());
        fs::create_dir_all(file.parent().unwrap_or(&self.clone)).with_context(failed)?;
        fs::write(&file, text).with_context(failed)?;
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        fs::set_permissions(&file, Permissions::from_mode(mode)).with_context(failed)
    }

    fn release_by_hand(&self, script: &[&str]) -> Result<()> {
        let mut command = Command::new("sh");
        command.args(script).current_dir(&self.clone);
        command.env("STOREFRONT_HOME", &self.production).env("DEPLOYCTL_VERSION", VERSION_BEFORE);
        finish(&mut command)
    }

    fn git(&self, arguments: &[&str]) -> Result<()> {
        git(&self.clone, arguments)
    }
}

/// The directory to play in, and what removes it at the end.
fn place(keep: Option<PathBuf>) -> Result<(PathBuf, Option<TempDir>)> {
    let Some(dir) = keep else {
        let temporary = tempfile::Builder::new()
            .prefix("storefront-")
            .tempdir()
            .context("cannot make a temporary directory: check `TMPDIR`")?;
        return Ok((fs::canonicalize(temporary.path())?, Some(temporary)));
    };
    fs::create_dir_all(&dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    if fs::read_dir(&dir)?.next().is_some() {
        bail!("`{}` is not empty: name a new directory", dir.display());
    }
    Ok((fs::canonicalize(dir)?, None))
}

/// Variables by which git would work on another repository, as under a hook.
const GIT_ELSEWHERE: [&str; 5] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"];

/// Runs git with the agent's name, and without the user's own settings: those may sign commits or run hooks.
fn git(dir: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(dir);
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Storefront Agent");
        command.env(format!("GIT_{who}_EMAIL"), "agent@storefront.example");
    }
    for name in GIT_ELSEWHERE {
        command.env_remove(name);
    }
    finish(&mut command)
}

/// Runs a program that says nothing unless it fails.
fn finish(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{name}`, which this needs"))?;
    if !output.status.success() {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        bail!("`{name} {}` failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
