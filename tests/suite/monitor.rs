//! `monitor`: the watch of an environment, for anyone, by the signed policy.

mod prometheus;
mod service;
mod transcript;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use serde_json::{Value, json};

use self::service::Service;
use crate::house::{House, POLICY};

/// The rules with these lines below `environments.production.health`.
fn measured(house: &House, health: &str) {
    let health = format!("    health:\n      {}\n    monitoring: ", health.replace('\n', "\n      "));
    let policy = POLICY.replacen("    monitoring: ", &health, 1);
    house.config(&policy);
}

/// The same, signed by alice.
fn signed(house: &House, health: &str) {
    measured(house, health);
    house.person("alice").signs_policy();
}

/// One probe of a service, every second.
fn web(service: &Service) -> String {
    format!("interval: 1s\nprobes: {{ web: {{ http: \"http://{}/healthz\" }} }}", service.address())
}

/// The lines of a run with `--json`.
#[track_caller]
fn lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("each line is a document")).collect()
}

#[test]
fn nothing_is_watched_that_nobody_signed() {
    let house = House::new();
    let service = Service::start();
    measured(&house, &web(&service));
    let unsigned = "\
refused: deployctl monitor
  ✗ policy.unsigned  no policy is in force: nobody has signed what is watched
next: ask a person to run: deployctl approve --policy
";
    house.run(["monitor", "production"]).stderr(unsigned).exit(4);
    house.config(POLICY);
    house.person("alice").signs_policy();
    measured(&house, &web(&service));
    let nothing = "error: nothing is measured in `production`: the signed policy has no `environments.production.health`; say there what is, then people run: deployctl approve --policy\n";
    house.run(["monitor", "production"]).stderr(nothing).exit(1);
    let unknown = "\
error: the policy has no environment `prodution`, only `production`, `staging`; did you mean `production`?
";
    house.run(["monitor", "prodution"]).stderr(unknown).exit(2);
    let refused = house.run(["monitor", "prodution", "--json"]).any_stdout().exit(2);
    let document = &lines(&refused.stdout)[0];
    assert_eq!((&document["outcome"], &document["kind"]), (&json!("usage"), &json!("end")));
}

#[test]
fn an_agent_watches_without_a_terminal_and_reads_lines() {
    let house = House::new();
    let service = Service::start();
    let health = web(&service).replace('\n', "\n      ");
    let staging =
        format!("deployment: automatic\n    monitoring: {{ watch: 2s }}\n    health:\n      {health}\n");
    house.config(&POLICY.replacen("deployment: automatic\n", &staging, 1));
    house.person("alice").signs_policy();
    let answer = house.run(["monitor", "staging", "--json"]).env("CLAUDECODE", "1").any_stdout().exit(0);
    let documents = lines(&answer.stdout);
    let (end, rounds) = documents.split_last().expect("a line at least");
    assert_eq!(rounds.len(), 3, "now, after one second, and after the two of `monitoring.watch`");
    for (number, round) in rounds.iter().enumerate() {
        assert_eq!(round["schema"], "deployctl/1");
        assert_eq!((&round["kind"], &round["round"]), (&json!("round"), &json!(number + 1)));
        assert_eq!((&round["verdict"], &round["at"]), (&json!("healthy"), &json!("2026-11-23T10:00:00Z")));
        assert_eq!(round["signals"][0]["samples"], number + 1);
    }
    assert_eq!((&end["kind"], &end["outcome"], &end["exit"]), (&json!("end"), &json!("done"), &json!(0)));
    assert_eq!((&end["verdict"], &end["rounds"]), (&json!("healthy"), &json!(3)));
    let signal = &end["signals"][0];
    assert_eq!((&signal["signal"], &signal["state"]), (&json!("web"), &json!("healthy")));
    assert_eq!((&signal["samples"], &signal["failed"]), (&json!(3), &json!(0)));
    assert!(signal["baseline"].is_number() && signal["last"].is_number() && signal["worst"].is_number());
    assert_eq!((&end["triggers"], &end["doubts"], &end["version"]), (&json!([]), &json!([]), &json!(null)));
}

#[test]
fn a_pipe_gets_a_line_a_round_and_the_table_at_the_end() {
    let house = House::new();
    let service = Service::start();
    signed(&house, &web(&service));
    let answer = house.run(["monitor", "production", "--for", "1s"]).any_stdout().any_stderr().exit(0);
    let line = |line: &str| line.split("web ").next().unwrap_or_default().to_owned();
    let said: Vec<String> = answer.stderr.lines().map(line).collect();
    assert_eq!(said, ["10:00:00 healthy · ", "10:00:00 healthy · "], "{}", answer.stderr);
    let page: Vec<&str> = answer.stdout.lines().collect();
    assert_eq!(page[0], "production · nothing is live · 0:01 of 0:01 · every 1s · healthy");
    assert_eq!(
        page[1].split_whitespace().collect::<Vec<_>>(),
        ["signal", "state", "last", "baseline", "worst"]
    );
    assert!(page[2].starts_with("✓ web     healthy "), "{}", answer.stdout);
    assert_eq!(page.len(), 3, "{}", answer.stdout);
    house.run(["monitor", "production", "--for", "1s", "-q"]).any_stdout().exit(0);
}

#[test]
fn the_fourth_failure_in_a_row_ends_it_at_once() {
    let house = House::new();
    let service = Service::start();
    signed(&house, &web(&service));
    service.is_ill();
    let run = house.run(["monitor", "production", "--for", "1h", "--json"]).any_stdout();
    let stderr = "error: `production` is not healthy: 1 trigger\n";
    let documents = lines(&run.exit(1).stdout);
    let (end, rounds) = documents.split_last().expect("a line at least");
    let verdicts: Vec<&str> = rounds.iter().filter_map(|round| round["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["unknown", "unknown", "unknown", "triggered"]);
    let sentence = "`web` failed 4 times in a row, and more than 3 are a trigger: it answered 503";
    assert_eq!(end["triggers"][0]["sentence"], sentence);
    assert_eq!(end["triggers"][0]["trigger"], "health-checks");
    assert_eq!((&end["verdict"], &end["exit"]), (&json!("triggered"), &json!(1)));
    let text = house.run(["monitor", "production", "--for", "1h", "-q"]).any_stdout().stderr(stderr).exit(1);
    let last = text.stdout.lines().last().unwrap_or_default();
    assert!(last.starts_with("✗ 10:00:00 trigger: `web` failed 4 times in a row"), "{}", text.stdout);
}

#[test]
fn a_watch_that_ends_without_an_answer_is_no_success() {
    let house = House::new();
    let gone = Service::start().address().to_owned();
    signed(&house, &format!("interval: 1s\nprobes: {{ db: {{ tcp: \"{gone}\" }} }}"));
    let run = house.run(["monitor", "production", "--for", "1s", "--json"]).any_stdout();
    let documents = lines(&run.exit(1).stdout);
    let end = documents.last().expect("a line at least");
    assert_eq!((&end["verdict"], &end["outcome"]), (&json!("unknown"), &json!("failed")));
    assert_eq!(end["message"], "nobody can say whether `production` is healthy");
    let doubt = json!({ "signal": "db", "why": "the last 2 samples failed: connection refused" });
    assert_eq!(end["doubts"], json!([doubt]));
}

#[test]
fn a_command_comes_from_what_is_live_and_never_from_the_work_tree() {
    let (house, _) = House::deployed();
    signed(&house, "interval: 1s\nprobes: { ping: { run: [\"./ops/pause.sh\", probe] } }");
    house.write("ops/pause.sh", "#!/bin/sh\nexit 9\n");
    let run = house.run(["monitor", "production", "--for", "1s", "--json"]).any_stdout();
    let documents = lines(&run.exit(0).stdout);
    let end = documents.last().expect("a line at least");
    assert_eq!((&end["verdict"], &end["version"]), (&json!("healthy"), &json!("v1.4.0")));
    house.breaks("probe");
    let documents =
        lines(&house.run(["monitor", "production", "--for", "1h", "--json"]).any_stdout().exit(1).stdout);
    let sentence =
        "`ping` failed 4 times in a row, and more than 3 are a trigger: it ended with exit status 3";
    assert_eq!(documents.last().expect("a line at least")["triggers"][0]["sentence"], sentence);
}

/// A Prometheus that says one number, and the file that holds it.
fn says(house: &House, number: &str) -> (String, PathBuf) {
    let file = house.home().join("number");
    fs::write(&file, number).expect("a file of the home");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("a port").to_string();
    let said = file.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4_096]);
            let number = fs::read_to_string(&said).unwrap_or_default();
            let result = json!({ "resultType": "scalar", "result": [1, number] });
            let body = json!({ "status": "success", "data": result }).to_string();
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    (address, file)
}

#[test]
fn what_was_measured_before_the_deployment_is_what_it_is_compared_with() {
    let house = House::new();
    let (address, number) = says(&house, "0.1");
    let health =
        format!("interval: 5s\nmetrics: {{ prometheus: \"http://{address}\", latency: {{ query: l }} }}");
    signed(&house, &health);
    let words =
        ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "--monitor", "0", "--json"];
    let id = house.run(words).any_stdout().exit(0).json()["id"].as_str().expect("an id").to_owned();
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    house.clock("2026-11-23T10:30:00Z");
    // Slow ever since: a baseline of now would find nothing.
    fs::write(&number, "0.5").expect("a file of the home");
    let run = house.run(["monitor", "production", "--for", "1h", "--json"]).any_stdout().exit(1);
    let documents = lines(&run.stdout);
    let from = json!({
        "from": "deployment", "version": "v1.4.0", "at": "2026-11-23T10:00:00Z", "measured_now": []
    });
    for document in &documents {
        assert_eq!(document["baseline"], from);
    }
    let end = documents.last().expect("a line at least");
    assert_eq!(end["triggers"][0]["sentence"], "the latency is 0.5, more than 2 times its baseline of 0.1");
    let shown = house.run(["monitor", "production", "--for", "1h", "-q"]).any_stdout().any_stderr().exit(1);
    let second = shown.stdout.lines().nth(1);
    assert_eq!(second, Some("baseline from before v1.4.0, 10:00"), "{}", shown.stdout);
    // Under other rules the numbers may be of something else.
    signed(&house, &health.replace("query: l", "query: other"));
    let run = house.run(["monitor", "production", "--for", "1s", "--json"]).any_stdout().exit(0);
    assert_eq!(lines(&run.stdout)[0]["baseline"]["from"], "now");
}

#[test]
fn without_anything_live_no_file_of_a_command_is_guessed() {
    let house = House::new();
    signed(
        &house,
        "interval: 1s\nprobes: { ping: { run: [\"./ops/pause.sh\", probe] }, \"yes\": { run: [\"true\"] } }",
    );
    let run = house.run(["monitor", "production", "--for", "1s", "--json"]).any_stdout();
    let documents = lines(&run.exit(1).stdout);
    let why = "the last 2 samples failed: no version is live whose file it could be";
    assert_eq!(
        documents.last().expect("a line at least")["doubts"],
        json!([{ "signal": "ping", "why": why }])
    );
}

#[test]
fn the_table_is_as_wide_as_a_narrow_terminal_and_leaves_nothing_behind() {
    for columns in [40_u16, 80] {
        let house = House::new();
        let service = Service::start();
        signed(&house, &web(&service));
        service.is_ill();
        house.columns(columns);
        let words = ["monitor", "production", "--color", "always"];
        let shown = house.at_terminal(words).expect("trigger: `web` ").ctrl_c().exit(1);
        let columns = usize::from(columns);
        let painted = crate::live::painted(&shown);
        assert!(painted.iter().any(|line| line.contains(" web ")), "{shown}");
        for line in painted {
            let line = crate::live::screen_of(line, 1_000).concat();
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
        let rows = crate::live::screen_of(&shown, columns);
        let heads = rows.iter().filter(|row| row.contains("signal")).count();
        assert_eq!((heads, rows[0].starts_with("production · nothing is live")), (1, true), "{rows:#?}");
    }
}

#[test]
fn a_person_looks_on_until_ctrl_c() {
    let house = House::new();
    let service = Service::start();
    signed(&house, &web(&service));
    let shown = house
        .at_terminal(["monitor", "production", "--color", "always"])
        .expect("· healthy")
        .expect("✓ web")
        .ctrl_c()
        .exit(0);
    let (live, page) = shown.rsplit_once("\x1b[?7h").expect("the table goes at the end");
    assert!(live.contains("A\r\x1b[J"), "{shown}");
    assert!(page.starts_with("production · nothing is live · 0:0") && page.contains("✓ web"), "{shown}");
    let shown = house
        .at_terminal(["monitor", "production", "--for", "1h", "--color", "always"])
        .expect("✓ web")
        .ctrl_c()
        .exit(130);
    assert!(shown.ends_with(" interrupted before the watch was over\n"), "{shown}");
    service.is_ill();
    let shown = house
        .at_terminal(["monitor", "production", "--color", "always"])
        .expect("trigger: `web` failed 4")
        .ctrl_c()
        .exit(1);
    assert!(shown.ends_with(" `production` is not healthy: 1 trigger\n"), "{shown}");
}
