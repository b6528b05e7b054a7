use crate::gate::config::RawPolicy;
use crate::gate::emergency::{Response, Severity};
use crate::gate::fixture::{checked, config, production};
use crate::gate::policy::Policy;

fn with(lines: &str) -> Result<Policy, Vec<String>> {
    let lines = format!("emergency:\n  {}\nenvironments:\n", lines.replace('\n', "\n  "));
    checked(&config(&[("environments:\n", &lines)])).map_err(told)
}

fn ruled(rules: &str) -> Result<Policy, Vec<String>> {
    let lines = format!("not: [requester], rules: [{rules}] }}");
    checked(&config(&[("not: [requester] }", &lines)])).map_err(told)
}

fn told(problems: Vec<crate::gate::policy::Problem>) -> Vec<String> {
    problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}

#[test]
fn emergencies_are_understood_with_what_is_not_said() {
    let policy = with("P1: { definition: Outage, response: immediate, skip: [integration] }\nP4: { definition: Minor, response: next business day }").unwrap();
    let rules = policy.emergency.unwrap();
    assert_eq!(rules.levels.keys().copied().collect::<Vec<_>>(), [Severity::P1, Severity::P4]);
    assert_eq!(rules.levels[&Severity::P4].response, Response::NextBusinessDay);
    assert_eq!((rules.execute_within.as_secs(), rules.review_within.as_secs()), (2 * 3_600, 72 * 3_600));
    assert!(checked(&config(&[])).unwrap().emergency.is_none());
}

#[test]
fn what_is_wrong_with_emergencies_is_said_all_at_once() {
    let problems = with(
        "P1: { definition: \" \", response: soon, skip: [integraton, integration, integration] }\n\
         P3: { definition: Minor, response: 4h, skip: [integration] }\n\
         execute_within: never\nreview_within: 0s",
    );
    assert_eq!(
        problems.unwrap_err(),
        [
            "emergency.P1.definition: say what it means, such as `Complete outage`",
            "emergency.P1.response: `soon` is neither `immediate` nor `next business day` nor a duration, such as `1h`",
            "emergency.P1.skip[0]: there is no stage `integraton`; did you mean `integration`?",
            "emergency.P1.skip[2]: the stage `integration` is there twice",
            "emergency.P3.skip: an emergency of P3 leaves out nothing: only P1 and P2 may",
            "emergency.execute_within: `never` is not a duration, such as `90s`, `15m` or `4h`",
            "emergency.review_within: `0s` is not between a second and a year",
        ]
    );
    assert_eq!(
        with("execute_within: 1h").unwrap_err(),
        ["emergency: say what an emergency is: name at least one of `P1` to `P4`"]
    );
    let unknown =
        RawPolicy::parse(config(&[("environments:\n", "emergency: { P5: {} }\nenvironments:\n")]).as_bytes());
    assert!(unknown.unwrap_err().message.contains("unknown field `P5`"));
}

#[test]
fn what_is_wrong_with_approval_rules_is_said_all_at_once() {
    let problems = ruled(
        "{ when: {}, required: 2 }, { when: { risk: high }, required: 1, from: [carol] }, { when: { paths: [] }, required: 0 }, \
         { when: { paths: [\"a[\", \"./infra/**\"], irreversible: false }, required: 4, from: [releas, carol] }",
    );
    let rule = |index: u32, rest: &str| format!("environments.production.approvals.rules[{index}]{rest}");
    assert_eq!(
        problems.unwrap_err(),
        [
            rule(0, ".when: say for which changes: `risk`, `paths` or `irreversible`"),
            rule(1, ".required: the rule asks for no more people than without it: 1 must approve anyway"),
            rule(2, ".required: the rule asks for no more people than without it: 1 must approve anyway"),
            rule(2, ".when.paths: no path would ever match: name at least one glob"),
            rule(3, ".when.irreversible: say `true`, or leave the key out"),
            rule(3, ".when.paths[0]: `a[` is not a glob"),
            rule(
                3,
                ".when.paths[1]: `./infra/**` matches no path: paths begin at the top of the repository, such as `services/api/**`"
            ),
            rule(
                3,
                ".from[0]: `releas` is neither a person nor a group with somebody in it; did you mean `release`?"
            ),
            rule(3, ".required: 4 must approve, and only 3 can"),
        ]
    );
}

#[test]
fn a_rule_makes_nobody_a_judge_of_the_rules_and_asks_for_no_more_than_there_are() {
    let quorum = |rules: &str| {
        let (people, required) = ruled(rules).unwrap().policy_quorum();
        (people.iter().map(|name| name.to_string()).collect::<Vec<_>>(), required)
    };
    let both = vec!["alice".to_owned(), "bob".to_owned()];
    assert_eq!(quorum("{ when: { risk: high }, required: 2, from: [carol] }"), (both.clone(), 2));
    assert_eq!(quorum("{ when: { risk: high }, required: 2 }"), (both.clone(), 2));
    assert_eq!(quorum("{ when: { risk: high }, required: 3, from: [carol] }"), (both, 2));
    let policy = ruled("{ when: { risk: low }, required: 2, from: [design] }").unwrap();
    let approvals = policy.environments[&production()].approvals.as_ref().unwrap();
    assert_eq!(approvals.needed(&[0]).from.len(), 3);
    // A place that no rule has adds nobody; that such a request is stale is judged elsewhere.
    assert_eq!(approvals.needed(&[7]).required, 1);
    assert!(approvals.rules_at(&[7]).is_none());
}
