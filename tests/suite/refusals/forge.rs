//! What the program itself would never write: entries made by hand, some of them with a good signature.

use std::path::Path;

use chrono::{DateTime, Utc};
use deployctl::cli::{ColorChoice, Common, Format};
use deployctl::commands::gather::Moment;
use deployctl::commands::ledger;
use deployctl::gate::statement::{Approval, Statement};
use deployctl::gate::terms::{CommitId, PersonName};
use deployctl::world::records::{Files, JOURNAL, Records};
use deployctl::world::signer::SigningKey;
use serde_json::{Value, json};

use crate::house::House;

/// The house as the program's own library sees it.
fn look(house: &House) -> Moment {
    let directory = house.project().to_owned();
    let (format, color) = (Format::Text, ColorChoice::Auto);
    let common = Common { directory, format, json: false, color, quiet: false, verbose: false, role: None };
    Moment::look(&common).expect("a repository")
}

/// Puts an entry into a branch, as anybody could who may write into the git directory: the newest one once more, edited.
pub(crate) fn appends(house: &House, branch: &str, edit: impl FnOnce(&mut Files)) {
    let (records, tip) = newest(house, branch);
    let mut files = records.files(&tip).expect("an entry");
    edit(&mut files);
    let entry = write(&records, Some(&tip), &files, house.now());
    assert!(records.advance(branch, Some(&tip), &entry).expect("a branch"));
}

/// Puts another entry in the place of the newest one.
pub(crate) fn replaces(house: &House, branch: &str, edit: impl FnOnce(&mut Files)) {
    let (records, tip) = newest(house, branch);
    let mut files = records.files(&tip).expect("an entry");
    edit(&mut files);
    let chain = records.chain(&tip).expect("a chain");
    let entry = write(&records, chain.get(1), &files, house.now());
    assert!(records.advance(branch, Some(&tip), &entry).expect("a branch"));
}

/// Puts as many lines of noise on top of the journal.
pub(crate) fn floods(house: &House, lines: usize) {
    appends(house, JOURNAL, |files| {
        let mut line: Value = serde_json::from_slice(&files["payload.json"]).expect("a line");
        (line["kind"], line["about"]) = (json!("note"), json!("noise"));
        *files = Files::from([("payload.json".to_owned(), line.to_string().into_bytes())]);
    });
    // Not through the program's own records: those wait for the disk.
    let git = git2::Repository::open(house.project()).expect("a repository");
    let mut tip = git.find_reference(JOURNAL).and_then(|it| it.peel_to_commit()).expect("a line");
    let (tree, by) = (tip.tree().expect("a tree"), tip.author().to_owned());
    for _ in 1..lines {
        let next = git.commit(None, &by, &by, "by hand", &tree, &[&tip]).expect("a line");
        tip = git.find_commit(next).expect("a line");
    }
    git.reference(JOURNAL, tip.id(), true, "by hand").expect("a branch");
}

fn newest(house: &House, branch: &str) -> (Records, CommitId) {
    let records = Records::open(&house.project().join(".git")).expect("records");
    let tip = records.tip(branch).expect("a branch").expect("an entry");
    (records, tip)
}

fn write(records: &Records, parent: Option<&CommitId>, files: &Files, at: DateTime<Utc>) -> CommitId {
    records.write(parent, files, "somebody", at, "by hand").expect("an entry")
}

/// Replaces a text in a file of an entry.
pub(super) fn edited(files: &mut Files, name: &str, from: &str, to: &str) {
    let text = String::from_utf8(files.remove(name).expect("the file")).expect("text");
    assert!(text.contains(from), "{name}: {text}");
    files.insert(name.to_owned(), text.replacen(from, to, 1).into_bytes());
}

/// Signs the last approval of the ledger once more as another person, edited: a good signature over something that the
/// program would not have asked for.
pub(super) fn approves(house: &House, person: &str, edit: impl FnOnce(&mut Approval)) {
    let mut moment = look(house);
    let timeline = moment.timeline().expect("a ledger that holds");
    let votes = timeline.requests.values().flat_map(|decided| &decided.votes);
    let vote = votes.max_by_key(|vote| vote.at).expect("an approval").clone();
    let mut files = moment.records.files(&vote.commit).expect("its files");
    files.retain(|name, _| name != "payload.json" && name != "state.json" && !name.ends_with(".sig"));
    let mut approval = vote.approval;
    edit(&mut approval);
    let person: PersonName = person.parse().expect("a name");
    let statement = Statement::Approval(Box::new(approval));
    let unsigned = ledger::prepare(timeline, statement, &person, house.now(), files).expect("a payload");
    let signed = unsigned.sign(&bare_key(house, &person), "by hand".to_owned()).expect("a signature");
    let done = ledger::append(&mut moment, &signed, None).expect("a good entry");
    assert!(matches!(done, ledger::Appended::Done { .. }));
}

/// The person's key without its passphrase, so that nobody is asked.
fn bare_key(house: &House, person: &PersonName) -> SigningKey {
    let path = house.bare_key(person.as_str());
    let public = house.public_key(person.as_str()).parse().expect("a public key");
    SigningKey { path, public }
}

/// The file in which a clone keeps something of its own.
pub(super) fn mark(house: &House, name: &str) -> std::path::PathBuf {
    house.project().join(Path::new(".git/deployctl")).join(name)
}
