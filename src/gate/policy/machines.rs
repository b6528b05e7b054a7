//! The machines of a policy: whose signature on evidence counts.

use std::collections::{BTreeMap, BTreeSet};

use super::Person;
use super::check::Checker;
use super::nearest;
use crate::gate::config::{RawCheck, RawMachine};
use crate::gate::keys::PublicKey;
use crate::gate::terms::{MachineName, PersonName};

impl Checker {
    /// A machine is never a person: neither a name nor a key of one is one of the other's.
    pub(super) fn machines(
        &mut self,
        raw: BTreeMap<MachineName, RawMachine>,
        people: &BTreeMap<PersonName, Person>,
    ) -> BTreeMap<MachineName, Vec<PublicKey>> {
        let mut owners: BTreeMap<PublicKey, String> = BTreeMap::new();
        for (name, person) in people {
            owners.extend(person.keys.iter().map(|key| (key.clone(), name.to_string())));
        }
        let mut machines = BTreeMap::new();
        for (name, RawMachine { keys }) in raw {
            if people.keys().any(|person| person.as_str() == name.as_str()) {
                self.problem(
                    format!("machines.{name}"),
                    format!("`{name}` is a person: choose another name"),
                );
            }
            if keys.is_empty() {
                self.problem(format!("machines.{name}.keys"), format!("`{name}` needs at least one key"));
            }
            let mut own = Vec::new();
            for (index, line) in keys.iter().enumerate() {
                let path = format!("machines.{name}.keys[{index}]");
                match line.parse::<PublicKey>().map(|key| (owners.get(&key).cloned(), key)) {
                    Err(error) => self.problem(path, error.to_string()),
                    Ok((Some(owner), _)) => self.problem(
                        path,
                        format!(
                            "this key is also `{owner}`'s: a key belongs to one machine, or to one person"
                        ),
                    ),
                    Ok((None, key)) => {
                        owners.insert(key.clone(), name.to_string());
                        own.push(key);
                    }
                }
            }
            machines.insert(name, own);
        }
        machines
    }

    /// Whose signature a check's evidence needs.
    pub(super) fn signed_by(
        &mut self,
        path: &str,
        check: &RawCheck,
        machines: &BTreeMap<MachineName, Vec<PublicKey>>,
    ) -> Option<BTreeSet<MachineName>> {
        let names = check.signed_by.as_ref()?;
        let path = format!("{path}.signed_by");
        if check.signoff.is_some() {
            self.problem(path.as_str(), "a person signs this check: no machine can");
        }
        if names.is_empty() {
            self.problem(path.as_str(), "name at least one of `machines`: no evidence would ever count");
        }
        for (index, name) in names.iter().enumerate() {
            if !machines.contains_key(name) {
                let near = nearest(name.as_str(), machines.keys().map(MachineName::as_str));
                self.problem(format!("{path}[{index}]"), format!("there is no machine `{name}`{near}"));
            }
        }
        Some(names.iter().cloned().collect())
    }
}
