//! What `history --verify` tells of what it checked: for people in a few lines, for auditors in full.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::COMMAND;
use crate::commands::gather::Moment;
use crate::commands::gather::reading::{Said, Witness};
use crate::gate::config::ActionKind;
use crate::gate::facts::Pin;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Payload, Statement};
use crate::gate::terms::{CommitId, Digest, Environment, PersonName, Version};
use crate::gate::timeline::{Consumed, RawEntry, STATE, Timeline};
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::marks;

/// What was checked, entry by entry.
#[derive(Clone, Default)]
pub(super) struct Audit {
    /// How many entries were verified earlier: of them it keeps only what later ones rest on.
    before: u64,
    kinds: BTreeMap<String, usize>,
    people: BTreeSet<PersonName>,
    sessions: usize,
    policies: Vec<InForce>,
    executions: Vec<Execution>,
    /// What the deployments of each request consumed: a rollback may rest on it.
    consumed: BTreeMap<Digest, (usize, u32)>,
    /// How many entries hold a state that was reached again.
    states: usize,
    /// Those with another one.
    false_states: Vec<FalseState>,
}

/// An entry whose `state.json` is not what the entries before it come to.
#[derive(Clone, Serialize)]
struct FalseState {
    entry: u64,
    commit: CommitId,
    by: PersonName,
}

impl FalseState {
    fn warning(&self) -> Reason {
        let what = format!(
            "the `{STATE}` of entry {} ({}), signed by `{}`, is not what the entries before it come to; nothing here begins from it",
            self.entry,
            self.commit.short(),
            self.by
        );
        Reason::new(Code::LedgerState, what).next(format!("ask `{}` how the entry was made", self.by))
    }
}

/// A policy that came into force.
#[derive(Clone, Serialize)]
struct InForce {
    version: u64,
    entry: u64,
    commit: CommitId,
    by: PersonName,
}

/// A production action, and the people behind it.
#[derive(Clone, Serialize)]
struct Execution {
    entry: u64,
    commit: CommitId,
    action: ActionKind,
    environment: Environment,
    version: Version,
    by: PersonName,
    /// How many people's approvals it rests on; unknown where they were used before what is checked.
    approvals: Option<usize>,
    /// How many the policy in force asked for, when they were consumed.
    required: Option<u32>,
    /// Whether those are the approvals of the deployment that it undoes.
    of_deployment: bool,
    #[serde(skip)]
    request: Digest,
}

/// What is looked at of every payload.
#[derive(Deserialize)]
struct Peek {
    kind: String,
    by: PersonName,
}

impl Witness for Audit {
    fn took(&mut self, timeline: &Timeline, entry: &RawEntry, state: Said) {
        let told = sequence(timeline) > self.before;
        // An entry that the timeline took can be read.
        let Ok(peek) = serde_json::from_slice::<Peek>(&entry.payload) else { return };
        if matches!(peek.kind.as_str(), "execution" | "automatic-rollback") {
            self.began(timeline, entry, told);
        }
        // Told of wherever it is: everything was read.
        if state == Said::Otherwise {
            self.false_states.push(FalseState {
                entry: sequence(timeline),
                commit: entry.commit.clone(),
                by: peek.by.clone(),
            });
        }
        if !told {
            return;
        }
        self.states += usize::from(state == Said::Reached);
        if let Some(policy) = timeline.policy.as_ref().filter(|policy| policy.entry == entry.commit) {
            self.policies.push(InForce {
                version: policy.version,
                entry: sequence(timeline),
                commit: entry.commit.clone(),
                by: policy.by.clone(),
            });
        }
        if entry.signatures.contains_key("session") {
            self.sessions += 1;
        } else {
            self.people.insert(peek.by);
        }
        *self.kinds.entry(peek.kind).or_default() += 1;
    }

    fn after(mut self, earlier: Self) -> Self {
        // A rollback may rest on what an earlier part saw consumed.
        for execution in self.executions.iter_mut().filter(|execution| execution.of_deployment) {
            if let Some(counted) = earlier.consumed.get(&execution.request) {
                (execution.approvals, execution.required) = Some(*counted).unzip();
            }
        }
        self.people.extend(earlier.people);
        self.sessions += earlier.sessions;
        self.states += earlier.states;
        self.false_states.splice(..0, earlier.false_states);
        self.policies.splice(..0, earlier.policies);
        self.executions.splice(..0, earlier.executions);
        for (kind, count) in earlier.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        for (request, counted) in earlier.consumed {
            self.consumed.entry(request).or_insert(counted);
        }
        self
    }
}

impl Audit {
    /// Of what follows so many entries.
    pub(super) fn after_entry(before: usize) -> Self {
        Self { before: before as u64, ..Self::default() }
    }

    fn began(&mut self, timeline: &Timeline, entry: &RawEntry, told: bool) {
        let Ok(payload) = Payload::read(&entry.payload) else { return };
        let (environment, own) = match &payload.statement {
            Statement::Execution(execution) => {
                (&execution.environment, timeline.consumed_by(execution, &payload.by))
            }
            Statement::AutomaticRollback(said) => (&said.environment, None),
            _ => return,
        };
        let track = timeline.tracks.get(environment);
        let newest = track.and_then(|track| track.deployments.last());
        let Some(newest) = newest.filter(|newest| newest.commit == entry.commit) else { return };
        let request = newest.start.request.digest;
        let of_deployment = own.is_none();
        let counted = own.map(|Consumed { people, required }| (people.len(), required));
        if let Some(counted) = counted {
            self.consumed.insert(request, counted);
        }
        if told {
            let (approvals, required) = counted.or_else(|| self.consumed.get(&request).copied()).unzip();
            self.executions.push(Execution {
                entry: sequence(timeline),
                commit: entry.commit.clone(),
                action: newest.start.action,
                environment: newest.start.environment.clone(),
                version: newest.start.release.version.clone(),
                by: newest.by.clone(),
                approvals,
                required,
                of_deployment,
                request,
            });
        }
    }

    /// The answer, where everything holds. `before` is how many entries were verified earlier.
    ///
    /// # Errors
    /// When the mark of this clone cannot be read.
    pub(super) fn answer(&self, moment: &Moment, timeline: &Timeline, before: usize) -> Result<Answer> {
        let mark = marks::high_water(&moment.common_dir)?;
        let high_water = mark.map(|mark| json!({ "sequence": mark.sequence, "commit": mark.commit }));
        let all = usize::try_from(sequence(timeline))?;
        let root = timeline.root.map(|root| root.to_string());
        let tip = timeline.tip.as_ref();
        let tip =
            tip.map(|tip| json!({ "sequence": tip.sequence, "commit": tip.commit, "payload": tip.digest }));
        let mut answer = Answer::done(COMMAND, self.text(moment, timeline, before))
            .with("verified", true)
            .with("since", (before > 0).then_some(before))
            .with("entries", all - before)
            .with("signatures", self.kinds.values().sum::<usize>())
            .with("kinds", &self.kinds)
            .with("people", &self.people)
            .with("policies", &self.policies)
            .with("executions", &self.executions)
            .with("states", self.states)
            .with("false_states", &self.false_states)
            .with("root", root)
            .with("root_pinned", pinned(moment.pin))
            .with("tip", tip)
            .with("high_water", high_water);
        answer.warnings.extend(self.false_states.iter().map(FalseState::warning));
        Ok(answer)
    }

    fn text(&self, moment: &Moment, timeline: &Timeline, before: usize) -> String {
        let Some(tip) = &timeline.tip else {
            return "ok: the ledger is not founded, so there is nothing to check\n".to_owned();
        };
        let count = usize::try_from(tip.sequence).unwrap_or(usize::MAX) - before;
        let since = match before {
            0 => String::new(),
            before => format!(" since entry {before}"),
        };
        let mut lines = vec![
            format!("ok: {}{since}, each with its place, files and signature", text::count(count, "entry")),
            format!("signatures: {}", self.signatures()),
            format!("policies: {}", self.came_into_force()),
            format!("executions: {}", self.actions()),
            format!("states: {}", self.states()),
            format!("trust root: {}", root_words(moment.pin, timeline)),
            format!(
                "newest entry: {} ({}), and nothing is missing that this clone has seen",
                tip.sequence,
                tip.commit.short()
            ),
        ];
        lines.push(String::new());
        lines.join("\n")
    }

    fn signatures(&self) -> String {
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let mut by: Vec<&str> = self.people.iter().map(PersonName::as_str).collect();
        if self.sessions > 0 {
            by.push("the sessions of their deployments");
        }
        match kinds.is_empty() {
            true => "none".to_owned(),
            false => format!("{}; by {}", kinds.join(", "), by.join(", ")),
        }
    }

    fn came_into_force(&self) -> String {
        let told = self.policies.iter().map(|policy| format!("{} by entry {}", policy.version, policy.entry));
        let told: Vec<String> = told.collect();
        match told.is_empty() {
            true => "none came into force".to_owned(),
            false => told.join(", "),
        }
    }

    fn states(&self) -> String {
        let others = self.false_states.iter();
        let others: String = others
            .map(|other| format!("; NOT that of entry {}, signed by {}", other.entry, other.by))
            .collect();
        format!("{} reached again{others}", self.states)
    }

    fn actions(&self) -> String {
        let own = self.executions.iter().filter(|execution| !execution.of_deployment).count();
        let back = self.executions.len() - own;
        let mut told = Vec::new();
        if own > 0 {
            let whom =
                if own == 1 { "approved by as many people" } else { "each approved by as many people" };
            told.push(format!("{own}, {whom} as the policy in force asked, and used once"));
        }
        if back > 0 {
            let rest = if back == 1 { "rests" } else { "rest" };
            told.push(format!("{back} that {rest} on the approvals of the deployment undone"));
        }
        match told.is_empty() {
            true => "none".to_owned(),
            false => told.join("; "),
        }
    }
}

fn sequence(timeline: &Timeline) -> u64 {
    timeline.tip.as_ref().map_or(0, |tip| tip.sequence)
}

const fn pinned(pin: Pin) -> Option<&'static str> {
    match pin {
        Pin::None => None,
        Pin::Clone(_) => Some("clone"),
        Pin::Machine(_) => Some("machine"),
    }
}

fn root_words(pin: Pin, timeline: &Timeline) -> String {
    let root = timeline.root.map_or_else(|| "none".to_owned(), |root| root.to_string());
    let known = match pin {
        Pin::None => "nobody pinned it here: compare it with what you were told",
        Pin::Clone(_) => "as this clone knows it",
        Pin::Machine(_) => "as this machine's administrator pinned it",
    };
    format!("{root}, {known}")
}
