use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use super::{Prober, Surroundings};
use crate::gate::policy::{Health, Latency, Metrics, Probe, Question};
use crate::world::clock::Stopwatch;

const SECOND: Duration = Duration::from_secs(1);

/// Answers every connection with what the function writes, and answers where.
fn server(answer: fn(&str, &mut TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().and_then(Result::ok).unwrap_or_default();
                while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                answer(&first, &mut stream);
            });
        }
    });
    address
}

fn says(stream: &mut TcpStream, head: &str, body: &str) {
    let _ = write!(
        stream,
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn health(probes: Vec<(&str, Question)>, metrics: Option<Metrics>) -> Health {
    let probe = |question| Probe { question, timeout: SECOND };
    Health {
        interval: SECOND,
        probes: probes.into_iter().map(|(name, question)| (name.to_owned(), probe(question))).collect(),
        consecutive_failures: 3,
        metrics,
    }
}

/// What one round says of one question: `ok`, or why not.
fn asked(question: Question) -> String {
    asked_in(question, Surroundings::default())
}

fn asked_in(question: Question, surroundings: Surroundings) -> String {
    let prober = Prober::new(&health(vec![("it", question)], None), surroundings);
    let samples = prober.round(&AtomicBool::new(false)).unwrap();
    assert_eq!(samples.len(), 1);
    match &samples[0].value {
        Ok(seconds) if (0.0..1.0).contains(seconds) => "ok".to_owned(),
        Ok(seconds) => format!("{seconds}"),
        Err(why) => why.clone(),
    }
}

fn queried(answer: fn(&str, &mut TcpStream)) -> Result<f64, String> {
    let metrics = Metrics {
        prometheus: format!("http://{}", server(answer)),
        timeout: SECOND,
        error_rate: None,
        latency: Some(Latency {
            query: "sum(rate(a{b=\"c d\"}[1m])) + 1 > bool 0 # é&x=1".to_owned(),
            ratio: 2.0,
        }),
        memory: None,
        cpu: None,
    };
    let prober = Prober::new(&health(vec![], Some(metrics)), Surroundings::default());
    prober.round(&AtomicBool::new(false)).unwrap().remove(0).value
}

#[test]
fn an_address_is_healthy_where_it_answers_2xx_and_nowhere_else() {
    let address = server(|request, stream| match request.split(' ').nth(1).unwrap_or_default() {
        "/ok" => says(stream, "200 OK", "fine"),
        "/created" => says(stream, "204 No Content", ""),
        "/moved" => says(stream, "302 Found\r\nlocation: /ok", ""),
        "/broken" => says(stream, "500 Internal Server Error", "no"),
        "/long" => {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
            while stream.write_all(&[b'x'; 65_536]).is_ok() {}
        }
        "/cut" => {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort");
        }
        _ => {
            let _ = stream.write_all(b"no HTTP at all\r\n\r\n");
        }
    });
    let get = |path: &str| asked(Question::Http(format!("http://{address}{path}")));
    assert_eq!(get("/ok"), "ok");
    assert_eq!(get("/created"), "ok");
    assert_eq!(get("/long"), "ok", "a mebibyte is enough");
    assert_eq!(get("/moved"), "it answered 302");
    assert_eq!(get("/broken"), "it answered 500");
    assert_ne!(get("/cut"), "ok");
    assert_ne!(get("/garbage"), "ok");
}

#[test]
fn an_answer_that_drips_is_cut_by_the_time_of_everything_together() {
    let address = server(|_, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
    });
    let began = Stopwatch::start();
    assert_eq!(asked(Question::Http(format!("http://{address}/"))), "no answer within 1 s");
    assert!(began.elapsed() < 5 * SECOND, "{:?}", began.elapsed());
}

#[test]
fn a_port_that_takes_no_connection_and_a_name_that_nobody_has_are_failures() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert_eq!(asked(Question::Tcp(address)), "ok");
    // Reserved, and never handed out: a port that was let go may be somebody else's by now.
    let nobodys = "127.0.0.1:1".to_owned();
    assert_eq!(asked(Question::Http(format!("http://{nobodys}/"))), "connection refused");
    assert_eq!(asked(Question::Tcp(nobodys)), "connection refused");
    assert_ne!(asked(Question::Tcp("nobody.invalid:1".to_owned())), "ok");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_a_failure() {
    let address = server(|_, stream| says(stream, "200 OK", "no TLS here"));
    assert_ne!(asked(Question::Http(format!("https://{address}/"))), "ok");
}

#[test]
fn a_command_runs_in_the_approved_files_with_the_environment_of_a_step() {
    let dir = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let file = dir.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    };
    script(
        "ping",
        "#!/bin/sh\ntest \"$DEPLOYCTL_VERSION\" = v1 && test -e here && test -z \"$CARGO_MANIFEST_DIR\" && test \"$1\" = 'a b'",
    );
    script("three", "#!/bin/sh\nexit 3");
    script("slow", "#!/bin/sh\nsleep 60");
    script("loud", "#!/bin/sh\nhead -c 40000000 /dev/zero; head -c 40000000 /dev/zero >&2");
    fs::write(dir.path().join("here"), "").unwrap();
    std::os::unix::fs::symlink("/bin/true", dir.path().join("link")).unwrap();
    let run = |words: &[&str]| {
        let surroundings = Surroundings {
            dir: Some(dir.path().to_owned()),
            variables: vec![("DEPLOYCTL_VERSION".to_owned(), "v1".to_owned())],
            pass_environment: vec![],
        };
        asked_in(Question::Run(words.iter().map(|word| (*word).to_owned()).collect()), surroundings)
    };
    assert_eq!(run(&["./ping", "a b"]), "ok");
    assert_eq!(run(&["./three"]), "it ended with exit status 3");
    assert_eq!(run(&["./slow"]), "no answer within 1 s");
    assert_eq!(run(&["./link"]), "it cannot be run: it leads out of the approved files");
    assert_eq!(run(&["./absent"]), "it cannot be run: no such file or directory");
    assert_eq!(run(&["true"]), "ok");
    let loud = run(&["./loud"]);
    assert!(loud == "ok" || loud == "no answer within 1 s", "{loud}");
    let nothing = asked(Question::Run(vec!["./ping".to_owned()]));
    assert_eq!(nothing, "no version is live whose file it could be");
    assert_eq!(asked(Question::Run(vec!["/bin/sh".to_owned(), "-c".to_owned(), "true".to_owned()])), "ok");
}

/// A query as Prometheus reads it: a plus is a blank.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte.unwrap()).to_digit(16).unwrap();
        bytes.push(match byte {
            b'%' => u8::try_from(digit(rest.next()) * 16 + digit(rest.next())).unwrap(),
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_query_goes_to_prometheus_as_it_is_written_and_has_one_value() {
    let value = queried(|request, stream| {
        let path = request.split(' ').nth(1).and_then(|path| path.strip_prefix("/api/v1/query?query="));
        // The server is asked for nothing older than five minutes, whatever it takes for fresh itself.
        let query = path.and_then(|path| path.strip_suffix("&lookback_delta=300s"));
        let query = query.map(decoded).unwrap_or_default();
        let seen = u8::from(query == "sum(rate(a{b=\"c d\"}[1m])) + 1 > bool 0 # é&x=1");
        let result = format!("[{{\"metric\":{{}},\"value\":[1,\"{seen}\"]}}]");
        let body =
            format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":{result}}}}}");
        says(stream, "200 OK", &body);
    });
    assert_eq!(value, Ok(1.0));
}

#[test]
fn an_answer_that_something_kept_for_too_long_is_no_value() {
    const FRESH: &str = "200 OK\r\ndate: Tue, 14 Nov 2023 22:13:21 GMT";
    const BODY: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1"]}}"#;
    assert_eq!(queried(|_, stream| says(stream, FRESH, BODY)), Ok(1.0));
    let kept = queried(|_, stream| says(stream, &format!("{FRESH}\r\nage: 3600"), BODY));
    assert_eq!(kept, Err("the value is 3601 s old, and more than 300 s is no value".to_owned()));
}

#[test]
fn prometheus_without_an_answer_is_no_value() {
    let wrong = queried(|_, stream| {
        says(stream, "400 Bad Request", r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
    });
    assert_eq!(wrong, Err("Prometheus says: parse error".to_owned()));
    let away = queried(|_, stream| says(stream, "502 Bad Gateway", "<html>"));
    assert_eq!(away, Err("it answered 502".to_owned()));
    let long = queried(|_, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{{\"status\":\"");
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
    });
    assert_eq!(long, Err("it is no answer of Prometheus".to_owned()));
    let silent = queried(|_, _| thread::sleep(Duration::from_secs(3)));
    assert_eq!(silent, Err("no answer within 1 s".to_owned()));
}

#[test]
fn everything_is_asked_at_once_and_an_interrupt_waits_for_nobody() {
    let address = server(|_, _| thread::sleep(Duration::from_secs(30)));
    let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    let question = || Question::Http(format!("http://{address}/"));
    let probes = names.iter().map(|name| (name.as_str(), question())).collect();
    let prober = Prober::new(&health(probes, None), Surroundings::default());
    let began = Stopwatch::start();
    let samples = prober.round(&AtomicBool::new(false)).unwrap();
    assert!(began.elapsed() < 5 * SECOND, "{:?}", began.elapsed());
    let why: BTreeMap<String, usize> = samples.into_iter().fold(BTreeMap::new(), |mut counts, sample| {
        *counts.entry(sample.value.unwrap_err()).or_default() += 1;
        counts
    });
    assert_eq!(why, BTreeMap::from([("no answer within 1 s".to_owned(), 20)]));
    assert!(prober.round(&AtomicBool::new(true)).is_none());
}
