//! More people for some changes: `approvals.rules`. Where several match, the approvers are all of them together and the
//! number is the highest; each rule is met by its own people, and never fewer approve than without them.

use std::collections::BTreeSet;

use super::Approvals;
use crate::gate::config::RiskLevel;
use crate::gate::scope::Scope;
use crate::gate::terms::PersonName;

/// One rule.
#[derive(Clone, Debug)]
pub struct ApprovalRule {
    /// For which changes.
    pub when: When,
    /// How many people at the least.
    pub required: u32,
    /// Who may approve besides the others.
    pub from: BTreeSet<PersonName>,
    /// The words of the file, for screens.
    pub from_words: Vec<String>,
}

/// Which changes: everything that is said must be so. A rule that says nothing is invalid.
#[derive(Clone, Debug)]
pub struct When {
    /// The request's risk is this or higher.
    pub risk: Option<RiskLevel>,
    /// A changed path is one of these.
    pub paths: Option<Scope>,
    /// A migration is not known to be reversible.
    pub irreversible: bool,
}

/// What the rules are asked about.
#[derive(Clone, Copy, Debug)]
pub struct ChangeFacts<'a> {
    /// The request's risk.
    pub risk: RiskLevel,
    /// Every path that differs, whether or not a version is made of it: the whole commit is deployed.
    pub paths: &'a [String],
    /// Whether a migration is not known to be reversible.
    pub irreversible: bool,
}

/// How many of whom must approve, whatever else is asked for.
#[derive(Clone, Debug)]
pub struct Quorum {
    /// How many.
    pub required: u32,
    /// Of whom.
    pub from: BTreeSet<PersonName>,
    /// The words of the file.
    pub from_words: Vec<String>,
    /// The key below the environment that says so.
    pub rule: String,
}

/// What is missing to enough approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// How many there are.
    pub have: usize,
    /// How many there must be.
    pub required: usize,
    /// Of whom, where not of everybody who may approve: ` of release`.
    pub of: String,
    /// The key below the environment that says so.
    pub rule: String,
}

impl When {
    fn holds(&self, change: ChangeFacts<'_>) -> bool {
        let risky = self.risk.is_none_or(|least| change.risk >= least);
        let touched =
            self.paths.as_ref().is_none_or(|scope| change.paths.iter().any(|path| scope.holds(path)));
        risky && touched && (!self.irreversible || change.irreversible)
    }

    /// Words for what matched: `risk High and an irreversible migration`.
    #[must_use]
    pub fn words(&self, risk: RiskLevel) -> String {
        self.words_of(self.risk.map(|_| format!("risk {}", risk.word())))
    }

    /// Words for what would match: `risk Medium or higher and an irreversible migration`.
    #[must_use]
    pub fn terms(&self) -> String {
        self.words_of(self.risk.map(|least| match least {
            RiskLevel::Low | RiskLevel::Medium => format!("risk {} or higher", least.word()),
            RiskLevel::High => format!("risk {}", least.word()),
        }))
    }

    fn words_of(&self, risk: Option<String>) -> String {
        let mut words = Vec::from_iter(risk);
        words.extend(self.paths.as_ref().map(|scope| format!("a change in {}", scope.words().join(" or "))));
        if self.irreversible {
            words.push("a migration not known to be reversible".to_owned());
        }
        words.join(" and ")
    }
}

impl Approvals {
    /// What is missing while these people approve; `None` where they are enough.
    #[must_use]
    pub fn lacks(&self, people: &BTreeSet<PersonName>) -> Option<Lack> {
        let (have, required) = (people.intersection(&self.from).count(), self.required as usize);
        if have < required {
            return Some(Lack { have, required, of: String::new(), rule: self.required_at.clone() });
        }
        self.each.iter().find_map(|quorum| {
            let (have, required) = (people.intersection(&quorum.from).count(), quorum.required as usize);
            let of = format!(" of {}", quorum.from_words.join(", "));
            (have < required).then(|| Lack { have, required, of, rule: quorum.rule.clone() })
        })
    }

    /// The places of the rules that a change matches, in their order.
    #[must_use]
    pub fn matching(&self, change: ChangeFacts<'_>) -> Vec<u32> {
        (0..).zip(&self.rules).filter(|(_, rule)| rule.when.holds(change)).map(|(place, _)| place).collect()
    }

    /// The rules at these places; `None` where there is none at one of them.
    #[must_use]
    pub fn rules_at(&self, places: &[u32]) -> Option<Vec<(u32, &ApprovalRule)>> {
        places.iter().map(|place| Some((*place, self.rules.get(*place as usize)?))).collect()
    }

    /// Why a request needs what it needs: `2 approvals: risk High asks for 2 of release, security`. `None` without a rule.
    #[must_use]
    pub fn why(&self, places: &[u32], risk: RiskLevel) -> Option<String> {
        let needed = self.needed(places).required;
        let rules = self.rules_at(places).filter(|rules| !rules.is_empty())?;
        let each: Vec<String> = rules
            .into_iter()
            .map(|(place, rule)| {
                let from = self.needed(&[place]).from_words.join(", ");
                format!("{} asks for {} of {from}", rule.when.words(risk), rule.required)
            })
            .collect();
        let approvals = if needed == 1 { "1 approval".to_owned() } else { format!("{needed} approvals") };
        Some(format!("{approvals}: {}", each.join("; ")))
    }

    /// What a request needs that matches the rules at these places: more people, or a higher number, never less. Each
    /// rule is met by itself, and what is asked for without them as well: so no rule helps another one along.
    #[must_use]
    pub fn needed(&self, places: &[u32]) -> Self {
        let mut needed = self.clone();
        if !places.is_empty() {
            needed.each.push(self.quorum());
        }
        for place in places {
            let Some(rule) = self.rules.get(*place as usize) else { continue };
            let at = format!("approvals.rules[{place}].required");
            if rule.required > needed.required {
                needed.required = rule.required;
                needed.required_at.clone_from(&at);
            }
            needed.from.extend(rule.from.iter().cloned());
            extend_words(&mut needed.from_words, &rule.from_words);
            let mut quorum = Quorum { required: rule.required, rule: at, ..self.quorum() };
            quorum.from.extend(rule.from.iter().cloned());
            extend_words(&mut quorum.from_words, &rule.from_words);
            needed.each.push(quorum);
        }
        needed
    }

    fn quorum(&self) -> Quorum {
        let (required, rule) = (self.required, self.required_at.clone());
        Quorum { required, from: self.from.clone(), from_words: self.from_words.clone(), rule }
    }
}

fn extend_words(words: &mut Vec<String>, more: &[String]) {
    let new: Vec<String> = more.iter().filter(|word| !words.contains(word)).cloned().collect();
    words.extend(new);
}
