//! The workflow document's roles against its environments, cell by cell, and what holds for every policy.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::gate::config::Right;
use crate::gate::decide::{Decision, decide};
use crate::gate::deployments::{Candidate, Runs};
use crate::gate::explain::{self, Wish, explain};
use crate::gate::facts::{Action, BranchFact, Caller, Facts, NoTarget, Pin};
use crate::gate::fixture::{Book, minutes, person, release};
use crate::gate::policy::Policy;
use crate::gate::presence::{Holder, Presence, Terminal};
use crate::gate::reason::Reason;
use crate::gate::request::{CheckState, Urgency};
use crate::gate::statement::Verdict;
use crate::gate::terms::{Check, Environment, Role};

/// The roles and environments of design section 9, over keys that exist. Development and staging run a migration, so that
/// running one is a question of its own.
const WORKFLOW: &str = r#"schema: 1
project: storefront
ledger: none
people:
  alice: { keys: ["KEY-1"], groups: [release, qa] }
  bob: { keys: ["KEY-2"], groups: [release, design] }
roles:
  backend-specialist:  { development: [check, deploy] }
  frontend-specialist: { development: [check, deploy] }
  database-specialist: { development: [check, deploy] }
  qa-specialist:       { development: [check, deploy], staging: [check, deploy] }
  docs-specialist:     { development: [check] }
  orchestrator:        { development: [check, deploy, request], staging: [request], production: [request] }
  ci:                  { development: [check, deploy], staging: [check, deploy] }
checks:
  unit: { junit: ["reports/unit/*.xml"] }
  smoke: { run: ["./ops/smoke.sh"] }
  live: { run: ["./ops/live.sh"] }
stages:
  - { name: development, checks: [unit] }
  - { name: staging, checks: [smoke] }
  - { name: production, checks: [live] }
environments:
  development: { steps: [{ name: release, run: ["./ops/dev.sh"] }] }
  staging: { branch: main, requires: [development], steps: [{ name: release, run: ["./ops/staging.sh"] }] }
  production:
    requires: [development, staging]
    steps: [{ name: migrate, run: ["./ops/migrate.sh"], migration: true }, { name: release, run: ["./ops/release.sh"] }]
    rollback: { steps: [{ name: release, run: ["./ops/back.sh"] }] }
    approvals: { from: [release] }
"#;

/// What a cell says: it may, the policy says no, or only a person may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Yes,
    No,
    Person,
}

use Cell::{No, Person, Yes};

/// Each role's row in development, staging and production: check, deploy, migrate, request, approve, roll back. "Write
/// code", "Create migrations", "Write tests" and "Coordinate" are a role's own work: what of it passes the gate is that it
/// checks and deploys in development. To create migrations is no right to run them.
const MATRIX: [(&str, [[Cell; 6]; 3]); 8] = [
    ("backend-specialist", [[Yes, Yes, No, No, No, No], [No; 6], PRODUCTION]),
    ("frontend-specialist", [[Yes, Yes, No, No, No, No], [No; 6], PRODUCTION]),
    ("database-specialist", [[Yes, Yes, No, No, No, No], [No; 6], PRODUCTION]),
    ("qa-specialist", [[Yes, Yes, No, No, No, No], [Yes, Yes, No, No, No, No], PRODUCTION]),
    ("docs-specialist", [[Yes, No, No, No, No, No], [No; 6], PRODUCTION]),
    (
        "orchestrator",
        [[Yes, Yes, No, Yes, No, No], [No, No, No, Yes, No, No], [No, Person, Person, Yes, Person, Person]],
    ),
    ("ci", [[Yes, Yes, No, No, No, No], [Yes, Yes, No, No, No, No], PRODUCTION]),
    // Whoever the policy does not name may do nothing anywhere.
    ("unknown-agent", [[No; 6], [No; 6], PRODUCTION]),
];

/// A role without a right of its own there.
const PRODUCTION: [Cell; 6] = [No, Person, Person, No, Person, Person];

const ENVIRONMENTS: [&str; 3] = ["development", "staging", "production"];
const WISHES: [Wish; 6] =
    [Wish::Check, Wish::Deploy, Wish::Migrate, Wish::Request, Wish::Approve, Wish::Rollback];

fn environment(name: &str) -> Environment {
    name.parse().unwrap()
}

fn book(text: &str) -> Book {
    let with_keys = (1..=2).fold(text.to_owned(), |text, number| {
        text.replace(&format!("KEY-{number}"), &crate::gate::fixture::key(number).line())
    });
    Book::founded(&with_keys)
}

/// An agent without a terminal, under a mark of CI.
fn agent(role: &str) -> Caller {
    let terminal = Terminal::Missing { why: "standard input is not a terminal".to_owned() };
    let ci = Some("`GITLAB_CI` in this process".to_owned());
    Caller {
        role: Some(role.parse().unwrap()),
        person: None,
        name: role.to_owned(),
        known_by: "`--as`".to_owned(),
        presence: Some(Presence { terminal, ci, agent: None, holder: Holder::NoTerminal }),
    }
}

fn candidate() -> Candidate {
    Candidate {
        release: release(1),
        request: None,
        here: true,
        branches: BTreeMap::from([("main".to_owned(), BranchFact::Holds)]),
        checks: ["unit", "smoke", "live"].map(|check| (check.parse().unwrap(), CheckState::Passed)).into(),
    }
}

fn facts(book: &Book, caller: Caller) -> Facts<'_> {
    Facts { now: minutes(10), caller, ledger: Ok(&book.timeline), pin: Pin::Clone(book.root), key: None }
}

fn codes(decision: Decision) -> Vec<&'static str> {
    match decision {
        Decision::Allow(_) => vec![],
        Decision::Refuse(reasons) => reasons.iter().map(|reason| reason.code.as_str()).collect(),
    }
}

fn reasons(decision: Decision) -> Vec<Reason> {
    match decision {
        Decision::Allow(_) => vec![],
        Decision::Refuse(reasons) => reasons,
    }
}

/// Judges a cell by the gate itself. Where a machine deploys with a migration step, running it is judged by that.
fn judged(book: &Book, migrating: &Book, role: &str, wish: Wish, place: &str) -> Cell {
    let (place, none) = (environment(place), NoTarget::NoRequest { asked: "at all".to_owned() });
    let (candidate, runs) = (candidate(), Runs::default());
    let policy = book.policy();
    let human = policy.environments[&place].approvals.is_some();
    let checks: Vec<Check> = {
        let own = policy.stages.iter().filter(|stage| stage.environment.as_ref() == Some(&place));
        own.flat_map(|stage| stage.checks.clone()).collect()
    };
    let request = book.request(place.as_str(), 1);
    let target = crate::gate::fixture::target(&request);
    let machine = Action::DeployAutomatic { environment: &place, target: Ok(&candidate), runs: &runs };
    let people = Action::Deploy { environment: &place, target: Err(&none) };
    let (book, action) = match wish {
        Wish::Check => (book, Action::Check { checks: &checks }),
        Wish::Request => {
            (book, Action::Request { environment: &place, urgency: Urgency::Routine, emergency: None })
        }
        Wish::Approve => (book, Action::Verdict { target: Ok(&target), verdict: Verdict::Allow }),
        Wish::Rollback => (book, Action::Rollback { environment: &place, version: None, missing: &[] }),
        Wish::Deploy if human => (book, people),
        Wish::Migrate if human => (migrating, people),
        Wish::Deploy => (book, machine),
        Wish::Migrate => (migrating, machine),
    };
    let said = reasons(decide(Some(book.policy()), &facts(book, agent(role)), &action));
    match (said.is_empty(), said.iter().any(|reason| reason.code.human_required())) {
        (true, _) => Yes,
        (false, true) => Person,
        (false, false) => No,
    }
}

fn migrating() -> Book {
    let step = "run: [\"./ops/dev.sh\"], migration: true";
    let text = WORKFLOW.replace("run: [\"./ops/dev.sh\"]", step);
    book(&text.replace("run: [\"./ops/staging.sh\"]", "run: [\"./ops/staging.sh\"], migration: true"))
}

#[test]
fn the_table_of_roles_and_environments_cell_by_cell() {
    let (book, migrating) = (book(WORKFLOW), migrating());
    for (role, rows) in MATRIX {
        for (place, row) in ENVIRONMENTS.into_iter().zip(rows) {
            for (wish, expected) in WISHES.into_iter().zip(row) {
                let what = format!("{role} {} {place}", wish.word());
                assert_eq!(judged(&book, &migrating, role, wish, place), expected, "{what}");
            }
        }
    }
}

#[test]
fn what_is_explained_is_what_is_decided() {
    let (book, migrating) = (book(WORKFLOW), migrating());
    for (role, rows) in MATRIX {
        for (place, row) in ENVIRONMENTS.into_iter().zip(rows) {
            for (wish, expected) in WISHES.into_iter().zip(row) {
                let policy = if wish == Wish::Migrate { migrating.policy() } else { book.policy() };
                let (who, place): (Role, Environment) = (role.parse().unwrap(), environment(place));
                let said = explain(policy, &who, wish, &place, minutes(10)).verdict;
                let same = match expected {
                    Yes => explain::Verdict::Allowed,
                    No => explain::Verdict::Refused,
                    // An agent that nobody knows is refused before a person is named.
                    Person if role == "unknown-agent" => explain::Verdict::Refused,
                    Person => explain::Verdict::Person,
                };
                assert_eq!(said, same, "{role} {} {place}", wish.word());
            }
        }
    }
}

fn deploy(book: &Book, caller: Caller, place: &str, candidate: &Candidate) -> Decision {
    let (place, runs) = (environment(place), Runs::default());
    let action = Action::DeployAutomatic { environment: &place, target: Ok(candidate), runs: &runs };
    decide(Some(book.policy()), &facts(book, caller), &action)
}

#[test]
fn no_role_opens_what_people_deploy_not_even_one_with_every_right() {
    let every = "ci: { production: [check, deploy, request, migrate], development: [check, deploy], staging: [check, deploy] }";
    let book =
        book(&WORKFLOW.replace(
            "ci:                  { development: [check, deploy], staging: [check, deploy] }",
            every,
        ));
    assert!(book.policy().may(&"ci".parse().unwrap(), &environment("production"), Right::Deploy));
    let said = reasons(deploy(&book, agent("ci"), "production", &candidate()));
    assert_eq!(said[0].policy.as_deref(), Some("environments.production.deployment"));
    assert_eq!(said.len(), 1);
    let human = Caller {
        role: None,
        person: Some("alice".parse().unwrap()),
        presence: Some(person()),
        ..agent("ci")
    };
    assert_eq!(codes(deploy(&book, human, "production", &candidate())), ["role.forbidden"]);
}

#[test]
fn a_persons_name_counts_at_a_terminal_only() {
    let book = book(WORKFLOW);
    let alice = Caller { role: None, person: Some("alice".parse().unwrap()), ..agent("alice") };
    assert_eq!(codes(deploy(&book, alice.clone(), "staging", &candidate())), ["role.forbidden"]);
    let there = Caller { presence: Some(person()), ..alice };
    assert!(codes(deploy(&book, there.clone(), "staging", &candidate())).is_empty());
    let nobody = Caller { person: None, ..there };
    assert_eq!(codes(deploy(&book, nobody, "staging", &candidate())), ["role.forbidden"]);
}

#[test]
fn the_permit_covers_the_candidate_and_no_signature() {
    let book = book(WORKFLOW);
    let Decision::Allow(permit) = deploy(&book, agent("ci"), "staging", &candidate()) else {
        panic!("refused")
    };
    assert_eq!((permit.release, permit.previous, permit.request), (Some(release(1)), None, None));
    assert!(permit.approvals.is_empty() && permit.signer.is_none() && permit.warnings.is_empty());
}

#[test]
fn what_the_commit_lacks_is_told_with_its_rule() {
    let book = book(WORKFLOW);
    let of = |candidate: Candidate| reasons(deploy(&book, agent("ci"), "staging", &candidate));
    let off =
        of(Candidate { branches: BTreeMap::from([("main".to_owned(), BranchFact::Lacks)]), ..candidate() });
    assert_eq!(
        (off[0].code.as_str(), off[0].policy.as_deref()),
        ("commit.branch", Some("environments.staging.branch"))
    );
    let states = [
        (CheckState::Failed, "stage.failed"),
        (CheckState::Missing, "stage.missing"),
        (CheckState::Stale, "evidence.stale"),
        (CheckState::Unreadable, "evidence.unreadable"),
        // Only the policy can say that a check is not always needed.
        (CheckState::NotNeeded, "stage.missing"),
    ];
    for (state, code) in states {
        let checks = BTreeMap::from([("unit".parse().unwrap(), state)]);
        assert_eq!(of(Candidate { checks, ..candidate() })[0].code.as_str(), code, "{state:?}");
    }
    assert_eq!(of(Candidate { checks: BTreeMap::new(), ..candidate() })[0].code.as_str(), "stage.missing");
    assert_eq!(of(Candidate { here: false, ..candidate() })[0].code.as_str(), "request.stale");
}

#[test]
fn nobody_is_sent_to_a_terminal_for_what_nobody_signs() {
    let book = book(WORKFLOW);
    let staging = environment("staging");
    for action in [
        Action::Rollback { environment: &staging, version: None, missing: &[] },
        Action::Review { environment: &staging },
        Action::Deploy { environment: &staging, target: Err(&NoTarget::NoRequest { asked: "x".to_owned() }) },
    ] {
        let said = reasons(decide(Some(book.policy()), &facts(&book, agent("orchestrator")), &action));
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].policy.as_deref(), Some("environments.staging.deployment"));
        assert!(said[0].next[0].contains("deployctl deploy staging VERSION"), "{said:?}");
    }
}

/// The rights of a policy, at random.
fn policies() -> impl Strategy<Value = String> {
    let rights = prop::sample::subsequence(vec!["check", "deploy", "request", "migrate"], 0..=4);
    let migration = any::<bool>();
    (rights, migration, prop::option::of(prop::sample::select(vec!["main", "next"])), any::<bool>()).prop_map(
        |(rights, migration, branch, requires)| {
            let rights = rights.join(", ");
            let branch = branch.map_or_else(String::new, |branch| format!("branch: {branch}, "));
            let requires = if requires { "requires: [development], " } else { "" };
            WORKFLOW
                .replace(
                    "backend-specialist:  { development: [check, deploy] }",
                    &format!("backend-specialist: {{ staging: [{rights}] }}"),
                )
                .replace(
                    "staging: { branch: main, requires: [development], ",
                    &format!("staging: {{ {branch}{requires}"),
                )
                .replace(
                    "run: [\"./ops/staging.sh\"]",
                    &format!("run: [\"./ops/staging.sh\"], migration: {migration}"),
                )
        },
    )
}

fn candidates() -> impl Strategy<Value = Candidate> {
    let state = prop::sample::select(vec![
        CheckState::Passed,
        CheckState::Passed,
        CheckState::Failed,
        CheckState::Missing,
        CheckState::NotNeeded,
    ]);
    let branch = prop::sample::select(vec![
        BranchFact::Holds,
        BranchFact::Holds,
        BranchFact::Lacks,
        BranchFact::Absent,
        BranchFact::Unknown,
    ]);
    (state, branch, prop::bool::weighted(0.9)).prop_map(|(state, branch, here)| Candidate {
        here,
        branches: BTreeMap::from([("main".to_owned(), branch), ("next".to_owned(), branch)]),
        checks: BTreeMap::from([("unit".parse().unwrap(), state)]),
        ..candidate()
    })
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["backend-specialist", "ci", "orchestrator", "alice", "nobody"])
            .prop_map(str::to_owned),
        "[a-z]{1,8}",
    ]
}

/// Every action about an environment, for a property of all of them.
fn everything(
    policy: Option<&Policy>,
    book: &Book,
    caller: &Caller,
    place: &Environment,
    candidate: &Candidate,
) -> Vec<Vec<&'static str>> {
    let (runs, none) = (Runs::default(), NoTarget::NoRequest { asked: "x".to_owned() });
    let request = book.request(place.as_str(), 1);
    let target = crate::gate::fixture::target(&request);
    let checks: Vec<Check> = vec!["unit".parse().unwrap()];
    let actions = [
        Action::Request { environment: place, urgency: Urgency::Routine, emergency: None },
        Action::Check { checks: &checks },
        Action::DeployAutomatic { environment: place, target: Ok(candidate), runs: &runs },
        Action::DeployAutomatic { environment: place, target: Err(&none), runs: &runs },
        Action::Deploy { environment: place, target: Err(&none) },
        Action::Deploy { environment: place, target: Ok(&target) },
        Action::Verdict { target: Ok(&target), verdict: Verdict::Allow },
        Action::Verdict { target: Ok(&target), verdict: Verdict::Deny },
        Action::Revoke { request: &target.reference, environment: place },
        Action::Rollback { environment: place, version: None, missing: &[] },
        Action::Review { environment: place },
        Action::Policy { founder: false },
    ];
    actions.iter().map(|action| codes(decide(policy, &facts(book, caller.clone()), action))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_empty_policy_allows_nothing(name in names(), place in names(), at_a_terminal in any::<bool>(), candidate in candidates()) {
        let book = book(WORKFLOW);
        let presence = if at_a_terminal { Some(person()) } else { agent("x").presence };
        let caller = Caller { presence, ..agent(&name) };
        let (nothing, place) = (Policy::nothing(), environment(&place));
        for said in everything(Some(&nothing), &book, &caller, &place, &candidate) {
            prop_assert!(!said.is_empty());
        }
        for said in everything(None, &book, &caller, &place, &candidate) {
            prop_assert!(!said.is_empty());
        }
        for wish in Wish::ALL {
            let said = explain(&nothing, &name.parse().unwrap(), wish, &place, minutes(0));
            prop_assert_eq!(said.verdict, explain::Verdict::Refused);
        }
    }

    #[test]
    fn a_deny_window_never_allows_more(text in policies(), candidate in candidates(), name in names(), days in prop::sample::subsequence(vec!["mon", "tue", "sun"], 1..=3)) {
        let days = days.join(",");
        let window = format!("staging: {{ windows: {{ deny: [{{ days: \"{days}\" }}] }}, ");
        let denied = text.replace("  staging: { ", &format!("  {window}"));
        prop_assert_ne!(&denied, &text);
        let allowed = |text: &str| codes(deploy(&book(text), agent(&name), "staging", &candidate)).is_empty();
        prop_assert!(allowed(&text) || !allowed(&denied));
        // The fixture's moment is a Monday.
        prop_assert!(!(days.contains("mon") && allowed(&denied)));
    }

    #[test]
    fn what_is_allowed_rests_on_rights_branch_and_stages(text in policies(), candidate in candidates(), name in names()) {
        let book = book(&text);
        if codes(deploy(&book, agent(&name), "staging", &candidate)).is_empty() {
            let (role, place) = (name.parse().unwrap(), environment("staging"));
            let rule = &book.policy().environments[&place];
            prop_assert!(book.policy().may(&role, &place, Right::Deploy));
            prop_assert!(!rule.steps.iter().any(|step| step.migration) || book.policy().may(&role, &place, Right::Migrate));
            prop_assert!(rule.branch.as_ref().is_none_or(|branch| candidate.branches[branch] == BranchFact::Holds));
            prop_assert!(rule.requires.is_empty() || candidate.checks[&"unit".parse().unwrap()] == CheckState::Passed);
            prop_assert!(candidate.here);
        }
    }

    #[test]
    fn one_right_less_never_allows_more(text in policies(), candidate in candidates(), right in prop::sample::select(vec!["check", "deploy", "request", "migrate"])) {
        let line = text.lines().find(|line| line.contains("backend-specialist")).unwrap().to_owned();
        let words: BTreeSet<&str> = line.split(['[', ']']).nth(1).unwrap().split(", ").filter(|word| *word != right && !word.is_empty()).collect();
        let fewer = format!("  backend-specialist: {{ staging: [{}] }}", words.into_iter().collect::<Vec<_>>().join(", "));
        let less = text.replace(&line, &fewer);
        let allowed = |text: &str| codes(deploy(&book(text), agent("backend-specialist"), "staging", &candidate)).is_empty();
        prop_assert!(allowed(&text) || !allowed(&less));
    }

    #[test]
    fn no_policy_role_or_action_panics(text in policies(), name in names(), place in names(), candidate in candidates()) {
        let book = book(&text);
        let caller = agent(&name);
        for place in [environment(&place), environment("development"), environment("staging"), environment("production")] {
            let _ = everything(Some(book.policy()), &book, &caller, &place, &candidate);
            for wish in Wish::ALL {
                let said = explain(book.policy(), &name.parse().unwrap(), wish, &place, minutes(0));
                prop_assert!(!said.rules.is_empty());
            }
        }
    }

    #[test]
    fn an_agent_is_never_allowed_what_people_sign(name in names(), candidate in candidates(), text in policies()) {
        let book = book(&text);
        let place = environment("production");
        for (at, said) in everything(Some(book.policy()), &book, &agent(&name), &place, &candidate).into_iter().enumerate() {
            prop_assert!(at < 2 || !said.is_empty());
        }
    }
}
