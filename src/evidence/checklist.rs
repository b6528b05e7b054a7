//! The deployment checklist as data: what was looked at, what is ticked and by which fact, and what is still open.

use serde::{Deserialize, Serialize};

/// The checklist of one version. Texts are as they were found; whoever shows them cleans them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checklist {
    /// The version to be deployed.
    pub version: String,
    /// The day it was prepared, `YYYY-MM-DD` in UTC.
    pub date: String,
    /// The role or person who prepared it.
    pub prepared_by: String,
    /// The seven parts of the workflow document, in its order.
    pub sections: Vec<Section>,
}

/// One part of the checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// One of `Changes Included`, `Tests Passed`, `Database Changes`, `Dependencies`, `Breaking Changes`,
    /// `Rollback Plan`, `Monitoring`.
    pub title: String,
    /// Plain lines above the items, such as the range of commits.
    pub notes: Vec<String>,
    /// The lines with a box.
    pub items: Vec<Item>,
}

/// One line with a box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Whether a fact or a signed word ticks the box.
    pub ticked: bool,
    /// Words of ours before the text, such as `Unit tests`; empty for a commit.
    pub label: String,
    /// What was found, often foreign text; may be empty when the label says all.
    pub text: String,
    /// What proves it, such as `reports/unit/*.xml · 14 min ago · a1b2c3d`.
    pub evidence: Option<String>,
    /// The sub-heading it stands under, such as `Features`.
    pub group: Option<String>,
    /// A name that stays the same from run to run, such as `tests.unit` or `migration.db/1.sql.rollback`.
    pub key: String,
    /// Why the box is open; says nothing on a ticked item.
    pub why: Option<String>,
    /// Boxes that belong to this one, such as `Tested rollback` under a migration.
    pub children: Vec<Item>,
}

/// An open box, for whoever has to close it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItem {
    /// The item's key.
    pub key: String,
    /// The item's words: `Unit tests: 810/812 passed`.
    pub item: String,
    /// Why it is open, if known.
    pub why: Option<String>,
}

impl Checklist {
    /// Every box that is not ticked, children included, in the order of the page.
    #[must_use]
    pub fn open(&self) -> Vec<OpenItem> {
        let mut open = Vec::new();
        for section in &self.sections {
            collect_open(&section.items, None, &mut open);
        }
        open
    }
}

impl Item {
    /// A line that a fact ticks.
    #[must_use]
    pub fn ticked(key: &str, label: &str, text: &str) -> Self {
        Self {
            ticked: true,
            label: label.to_owned(),
            text: text.to_owned(),
            evidence: None,
            group: None,
            key: key.to_owned(),
            why: None,
            children: vec![],
        }
    }

    /// A line that no fact ticks, and why.
    #[must_use]
    pub fn open(key: &str, label: &str, text: &str, why: &str) -> Self {
        // In a document a backtick of ours would have to be escaped like everybody's.
        Self { ticked: false, why: Some(why.replace('`', "'")), ..Self::ticked(key, label, text) }
    }

    /// The item's words: label and text joined by `: `, or the one that is there.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.label.as_str(), self.text.as_str()) {
            (label, "") => label.to_owned(),
            ("", text) => text.to_owned(),
            (label, text) => format!("{label}: {text}"),
        }
    }
}

/// A box under another is told with that one's words: `Tested rollback` alone says nothing.
fn collect_open(items: &[Item], parent: Option<&str>, open: &mut Vec<OpenItem>) {
    for item in items {
        let words = parent.map_or_else(|| item.words(), |parent| format!("{} · {parent}", item.words()));
        if !item.ticked {
            open.push(OpenItem { key: item.key.clone(), item: words.clone(), why: item.why.clone() });
        }
        collect_open(&item.children, Some(&words), open);
    }
}

#[cfg(test)]
mod tests {
    use super::{Checklist, Item, OpenItem, Section};

    fn item(ticked: bool, label: &str, text: &str, key: &str) -> Item {
        Item {
            ticked,
            label: label.into(),
            text: text.into(),
            evidence: None,
            group: None,
            key: key.into(),
            why: None,
            children: Vec::new(),
        }
    }

    #[test]
    fn open_boxes_are_found_under_ticked_ones_and_told_in_page_order() {
        let mut migration = item(true, "Migration", "db/1.sql", "migration.db/1.sql");
        migration.children.push(item(true, "Backup verified", "", "migration.db/1.sql.backup"));
        migration.children.push(Item {
            why: Some("the down file is empty".into()),
            ..item(false, "Tested rollback", "", "migration.db/1.sql.rollback")
        });
        let section = |title: &str, items| Section { title: title.into(), notes: Vec::new(), items };
        let checklist = Checklist {
            version: "v1.4.0".into(),
            date: "2026-10-01".into(),
            prepared_by: "orchestrator".into(),
            sections: vec![
                section("Changes Included", vec![item(false, "", "fix: totals", "change.a1b2c3d")]),
                section("Database Changes", vec![migration]),
                section("Tests Passed", vec![item(false, "Unit tests", "810/812 passed", "tests.unit")]),
            ],
        };
        let open = |key: &str, item: &str, why: Option<&str>| OpenItem {
            key: key.into(),
            item: item.into(),
            why: why.map(str::to_owned),
        };
        assert_eq!(
            checklist.open(),
            [
                open("change.a1b2c3d", "fix: totals", None),
                open(
                    "migration.db/1.sql.rollback",
                    "Tested rollback · Migration: db/1.sql",
                    Some("the down file is empty")
                ),
                open("tests.unit", "Unit tests: 810/812 passed", None),
            ]
        );
    }
}
