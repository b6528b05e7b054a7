//! The requests of the journal, told apart by their `request.json`: of thousands that share one large file no other is read
//! before it is needed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::index::{self, Found};
use super::{JOURNAL, Package, REQUEST, REQUEST_FILES};
use crate::commands::gather::Moment;
use crate::gate::config::ActionKind;
use crate::gate::emergency::Emergency;
use crate::gate::request::Request;
use crate::gate::statement::{Release, RequestRef, Root};
use crate::gate::terms::{CommitId, Environment};
use crate::render::text;
use crate::world::records::{Files, Object};

/// What is kept of a request while there may be thousands of them. Nothing in it is believed before it is checked.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its id and digest.
    pub reference: RequestRef,
    /// When it was drafted, as it says.
    pub at: DateTime<Utc>,
    /// Until when it can be decided, as it says.
    pub decide_by: DateTime<Utc>,
    /// What is asked.
    pub action: ActionKind,
    /// Where.
    pub environment: Environment,
    /// For which ledger.
    pub repository: Root,
    /// What becomes live.
    pub release: Release,
    /// Who asked, as far as that fits a line.
    pub by: String,
    /// The emergency, where it is one.
    pub emergency: Option<Emergency>,
    files: BTreeMap<String, Object>,
}

const KIND: &str = "request";

/// More stages than a policy has.
const SKIP_MAX: usize = 64;

impl Outline {
    fn of(request: Request, reference: RequestRef, files: BTreeMap<String, Object>) -> Self {
        let mut emergency = request.emergency;
        if let Some(emergency) = &mut emergency {
            emergency.skip.truncate(SKIP_MAX);
        }
        Self {
            reference,
            at: request.at,
            decide_by: request.decide_by,
            action: request.action,
            environment: request.environment,
            repository: request.repository,
            release: request.release,
            by: text::line(&request.requested_by.name, 60),
            emergency,
            files,
        }
    }

    /// The same of a request that is here whole.
    #[must_use]
    pub fn of_package(package: &Package) -> Self {
        Self::of(package.request.clone(), package.reference.clone(), BTreeMap::new())
    }

    /// All that it asks for, read again; `None` where it cannot be.
    #[must_use]
    pub fn request(&self, moment: &Moment) -> Option<Request> {
        Some(self.read(moment, &[REQUEST])?.request)
    }

    /// It with its files; `None` where they cannot be read.
    #[must_use]
    pub fn package(&self, moment: &Moment) -> Option<Package> {
        self.read(moment, &REQUEST_FILES)
    }

    fn read(&self, moment: &Moment, names: &[&str]) -> Option<Package> {
        let file =
            |name: &&str| Some(((*name).to_owned(), index::file(&moment.records, &self.files, KIND, name)?));
        let package = Package::read(names.iter().filter_map(file).collect())?;
        (package.reference == self.reference).then_some(package)
    }
}

/// The requests up to a tip, once they were read.
pub(super) type Known = RefCell<Option<(CommitId, Rc<Vec<Outline>>)>>;

/// The requests of the journal, newest first, each once. Lines that cannot be read are passed over.
#[must_use]
pub fn requests(moment: &Moment) -> Rc<Vec<Outline>> {
    let Ok(Some(tip)) = moment.records.tip(JOURNAL) else { return Rc::default() };
    let known = moment.journal.outlines.borrow();
    if let Some((_, requests)) = known.as_ref().filter(|(end, _)| end == &tip) {
        return Rc::clone(requests);
    }
    drop(known);
    let requests = Rc::new(read(moment, &tip));
    *moment.journal.outlines.borrow_mut() = Some((tip, Rc::clone(&requests)));
    requests
}

/// Where several lines have the same request, the first that was written is it: whoever may push can write it once more,
/// with other files beside it.
fn read(moment: &Moment, tip: &CommitId) -> Vec<Outline> {
    let Ok(index) = moment.journal.up_to(&moment.records, tip) else { return vec![] };
    let mut known: BTreeMap<Object, Option<(usize, Outline)>> = BTreeMap::new();
    for (place, found) in index.lines(&moment.records, KIND).enumerate() {
        let Some(object) = found.files.get(REQUEST).copied() else { continue };
        let outline = known.entry(object).or_insert_with(|| Some((place, outline(moment, &found)?)));
        if let Some((first, outline)) = outline {
            *first = place;
            outline.files = plain(found.files);
        }
    }
    let mut known: Vec<(usize, Outline)> = known.into_values().flatten().collect();
    known.sort_by_key(|(place, _)| *place);
    known.into_iter().map(|(_, outline)| outline).collect()
}

fn outline(moment: &Moment, found: &Found) -> Option<Outline> {
    let bytes = found.file(&moment.records, REQUEST)?;
    let Package { request, reference, .. } = Package::read(Files::from([(REQUEST.to_owned(), bytes)]))?;
    Some(Outline::of(request, reference, BTreeMap::new()))
}

fn plain(mut files: BTreeMap<String, Object>) -> BTreeMap<String, Object> {
    files.retain(|name, _| REQUEST_FILES.contains(&name.as_str()));
    files
}
