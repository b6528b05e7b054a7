use std::time::Duration;

use crate::gate::config::{IncreaseMode, RawPolicy};
use crate::gate::fixture::{checked, config, production};
use crate::gate::policy::{Health, Question};

/// The fixture with these lines below `environments.production.health`.
fn with(lines: &str) -> String {
    let lines = format!("    health:\n      {}\n    approvals: ", lines.replace('\n', "\n      "));
    let text = config(&[]);
    let at = text.find("    approvals: ").unwrap();
    format!("{}{lines}{}", &text[..at], &text[at + "    approvals: ".len()..])
}

fn health(lines: &str) -> Health {
    let policy = checked(&with(lines)).unwrap();
    policy.environments[&production()].health.clone().unwrap()
}

/// What is wrong, below `environments.production.health`.
fn problems(lines: &str) -> Vec<String> {
    let problems = checked(&with(lines)).unwrap_err();
    let below = |path: &str| path.replace("environments.production.health", "…");
    problems.into_iter().map(|problem| format!("{}: {}", below(&problem.path), problem.message)).collect()
}

const METRICS: &str = "metrics:\n  prometheus: http://127.0.0.1:9090/\n";

#[test]
fn what_is_not_said_is_as_the_workflow_document_has_it() {
    let health = health(&format!(
        "probes: {{ web: {{ http: \"https://shop.example/healthz?deep=1\" }}, db: {{ tcp: \"[::1]:5432\" }} }}\n\
         {METRICS}  error_rate: {{ query: e }}\n  latency: {{ query: l }}\n  memory: {{ query: m }}\n  cpu: {{ query: c }}"
    ));
    assert_eq!((health.interval, health.consecutive_failures), (Duration::from_secs(10), 3));
    assert_eq!(health.probes["web"].timeout, Duration::from_secs(5));
    assert_eq!(health.probes["db"].question, Question::Tcp("[::1]:5432".to_owned()));
    let metrics = health.metrics.unwrap();
    assert_eq!((metrics.prometheus.as_str(), metrics.timeout.as_secs()), ("http://127.0.0.1:9090", 5));
    let rate = metrics.error_rate.unwrap();
    assert_eq!((rate.increase, rate.mode), (5.0, IncreaseMode::Points));
    assert_eq!(metrics.latency.unwrap().ratio, 2.0);
    for level in [metrics.memory.unwrap(), metrics.cpu.unwrap()] {
        assert_eq!((level.above, level.samples), (0.95, 5));
    }
}

#[test]
fn every_number_can_be_said() {
    let health = health(&format!(
        "interval: 2s\nprobes: {{ ping: {{ run: [./ops/ping.sh, -q], timeout: 1s }} }}\nconsecutive_failures: 1\n\
         {METRICS}  timeout: 2s\n  error_rate: {{ query: e, increase: 0.5, mode: relative }}\n  latency: {{ query: l, ratio: 3 }}\n\
         \x20 memory: {{ query: m, above: 1000, for: 1 }}"
    ));
    assert_eq!((health.interval.as_secs(), health.consecutive_failures), (2, 1));
    let run = ["./ops/ping.sh", "-q"].map(str::to_owned).to_vec();
    assert_eq!(health.probes["ping"].question, Question::Run(run));
    assert_eq!(health.probes["ping"].timeout.as_secs(), 1);
    let metrics = health.metrics.unwrap();
    let rate = metrics.error_rate.unwrap();
    assert_eq!((rate.increase, rate.mode, metrics.timeout.as_secs()), (0.5, IncreaseMode::Relative, 2));
    let memory = metrics.memory.unwrap();
    assert_eq!((metrics.latency.unwrap().ratio, memory.above, memory.samples), (3.0, 1000.0, 1));
    assert!(metrics.cpu.is_none());
}

#[test]
fn what_would_watch_nothing_is_invalid() {
    assert_eq!(problems("interval: 10s"), ["…: say what is watched: `probes`, `metrics` or both"]);
    assert_eq!(
        problems(METRICS.trim_end()),
        ["….metrics: say what is asked: `error_rate`, `latency`, `memory` or `cpu`"]
    );
    let exactly = "….probes.web: a probe has exactly one of `http`, `tcp` and `run`";
    assert_eq!(problems("probes: { web: {} }"), [exactly]);
    assert_eq!(problems("probes: { web: { http: \"http://a\", tcp: \"a:1\" } }"), [exactly]);
    assert_eq!(
        problems("probes: { web: { run: [] } }"),
        ["….probes.web.run: name the program and its arguments, such as `[\"./ops/release.sh\"]`"]
    );
    assert_eq!(
        problems("probes: { \"a b\": { tcp: \"a:1\" }, latency: { tcp: \"a:1\" } }"),
        [
            "….probes.a b: a probe's name is 1 to 64 letters, digits, `-`, `_` or `.`",
            "….probes.latency: `latency` is the name of a metric: call the probe something else",
        ]
    );
}

#[test]
fn an_address_that_cannot_be_asked_is_invalid() {
    let why = |address: &str| {
        let found = problems(&format!("probes: {{ web: {{ http: \"{address}\" }} }}"));
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].split_once("http: ").unwrap().1.to_owned()
    };
    let begins = |shown: &str| format!("`{shown}` is no address that begins with `http://` or `https://`");
    assert_eq!(why("file:///etc/passwd"), begins("file:///etc/passwd"));
    assert_eq!(why("127.0.0.1:80"), begins("127.0.0.1:80"));
    for nobody in
        ["http://", "http:///x", "https://:80", "http://a:0", "http://a:99999", "http://[::1", "http://-a"]
    {
        assert_eq!(why(nobody), format!("`{nobody}` names no host"));
    }
    assert!(why("http://bob:secret@a/").contains("a name or password"));
    assert!(why("http://a/x y").contains("a blank"));
    assert!(why("http://a/x#y").contains("no server gets"));
    for address in ["a", "a:", ":1", "a:b", "http://a:1", "a:1/x", "a:+1"] {
        let found = problems(&format!("probes: {{ db: {{ tcp: \"{address}\" }} }}"));
        assert_eq!(
            found,
            [format!("….probes.db.tcp: `{address}` is no `HOST:PORT`, such as `127.0.0.1:5432`")]
        );
    }
    let found = problems("metrics: { prometheus: \"http://a?x=1\", cpu: { query: c } }");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_number_that_would_never_or_always_trigger_is_invalid() {
    let metric = |line: &str| problems(&format!("{METRICS}  {line}"));
    for number in ["0", "-1", ".nan", ".inf", "-.inf"] {
        for (line, key, least) in [
            ("error_rate: { query: q, increase: N }", "error_rate.increase", "0"),
            ("latency: { query: q, ratio: N }", "latency.ratio", "1"),
            ("memory: { query: q, above: N }", "memory.above", "0"),
        ] {
            let expected = format!("….metrics.{key}: a number above {least} belongs here");
            assert_eq!(metric(&line.replace('N', number)), [expected], "{number}");
        }
    }
    assert_eq!(
        metric("error_rate: { query: q, increase: 100 }"),
        ["….metrics.error_rate.increase: nothing increases by 100 points: it would never trigger"]
    );
    let row = "a whole number from 1 to 1,000 belongs here";
    assert_eq!(metric("cpu: { query: q, for: 0 }"), [format!("….metrics.cpu.for: {row}")]);
    assert_eq!(metric("cpu: { query: \" \" }").len(), 1);
    let zero = "probes: { web: { tcp: \"a:1\" } }\nconsecutive_failures: 0";
    assert_eq!(problems(zero), [format!("….consecutive_failures: {row}")]);
    let long = "probes: { web: { tcp: \"a:1\", timeout: 11s } }";
    assert_eq!(
        problems(long),
        [
            "….probes.web.timeout: an answer may not take longer than the interval: the next question would wait for it"
        ]
    );
    assert_eq!(
        problems("interval: 2h\nprobes: { web: { tcp: \"a:1\" } }"),
        ["….interval: measure at least once an hour"]
    );
}

#[test]
fn what_no_key_is_called_is_said_with_its_place() {
    let told = |lines: &str| RawPolicy::parse(with(lines).as_bytes()).unwrap_err();
    let problem = told("probes: { web: { htpp: \"http://a\" } }");
    assert!(problem.message.contains("did you mean `http`?"), "{problem:?}");
    assert!(problem.line.is_some());
    for wrong in [
        "metrics: { prometheus: \"http://a\", eror_rate: { query: q } }",
        "metrics: { prometheus: \"http://a\", latency: { query: q, ratio: fast } }",
        "consecutive_failures: -1",
        "consecutive_failures: 2.5",
        "metrics: { latency: { query: q } }",
        "probes: { web: { tcp: \"a:1\" }, web: { tcp: \"b:1\" } }",
    ] {
        assert!(told(wrong).line.is_some(), "{wrong}");
    }
}
