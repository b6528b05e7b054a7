//! The same world once more: a story is told once, and goes on differently in each copy.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::{House, World};

/// What a copy is made of. Unlike a house, it can be handed to another thread; the house must outlive it.
#[derive(Clone)]
pub(crate) struct Model {
    world: PathBuf,
    clock: String,
    first_commit: DateTime<Utc>,
    commits: u32,
}

impl House {
    /// This world as it is now, to be copied.
    pub(crate) fn model(&self) -> Model {
        Model {
            world: self.world.path.clone(),
            clock: self.world.clock.borrow().clone(),
            first_commit: self.world.first_commit,
            commits: self.world.commits.get(),
        }
    }
}

impl Model {
    /// A copy of home, project and remote, in a world of its own. Other clones are not copied.
    pub(crate) fn copy(&self) -> House {
        let dir = tempfile::Builder::new().prefix("house-").tempdir().expect("a temporary directory");
        let path = fs::canonicalize(dir.path()).expect("the directory that was just made");
        let world = World {
            _dir: dir,
            path: path.clone(),
            clock: RefCell::new(self.clock.clone()),
            first_commit: self.first_commit,
            commits: Cell::new(self.commits),
            clones: Cell::new(0),
            starts: Cell::new(0),
            columns: Cell::new(super::terminal::SCREEN.ws_col),
        };
        let house = House::furnished(Rc::new(world), "home", "project");
        let parts = ["home", "project", "tmp", "origin.git"].map(|name| self.world.join(name));
        let mut copy = house.command("cp");
        copy.arg("-a").args(parts.iter().filter(|part| part.exists())).arg(&path);
        assert!(copy.status().expect("`cp`").success(), "the world could not be copied");
        let config = house.project().join(".git/config");
        let text = fs::read_to_string(&config).expect("git's settings");
        let text = text.replace(&self.world.display().to_string(), &path.display().to_string());
        fs::write(&config, text).expect("git's settings");
        house
    }
}
