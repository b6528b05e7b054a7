//! A real Prometheus that scrapes a real service: every trigger of the workflow document fires, and a good watch ends well.

#![expect(clippy::disallowed_methods, reason = "the server is a program of its own")]

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use deployctl::evidence::prometheus::{self, Told};
use deployctl::world::clock::Stopwatch;
use serde_json::json;

use super::service::{Service, get};
use super::{lines, signed};
use crate::house::House;

/// How long it may take to start and to scrape twice.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server, until it is dropped.
struct Prometheus {
    child: Child,
    address: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A project that is watched: a service, the server that scrapes it, and the rules that ask both.
struct Scene {
    house: House,
    service: Service,
    _prometheus: Prometheus,
}

impl Scene {
    /// `None` where there is no Prometheus on this machine: that is said.
    fn set(interval: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program =
            std::env::split_paths(&path).map(|dir| dir.join("prometheus")).find(|file| file.is_file());
        let Some(program) = program else {
            writeln!(std::io::stderr(), "skipped: prometheus missing").expect("a standard error");
            return None;
        };
        let (house, service) = (House::new(), Service::start());
        let prometheus = start(&program, house.world(), &service);
        signed(&house, &rules(interval, &service, &prometheus));
        Some(Self { house, service, _prometheus: prometheus })
    }

    /// Looks on until all is well, makes it worse, and answers what was shown when that was a trigger.
    fn until_trigger(&self, worse: impl FnOnce(&Service)) -> String {
        let terminal = self
            .house
            .at_terminal(["monitor", "production", "--for", "1h", "--color", "always"])
            .expect("· healthy");
        worse(&self.service);
        terminal.exit(1)
    }
}

fn rules(interval: &str, service: &Service, prometheus: &Prometheus) -> String {
    let took = "rate(shop_request_microseconds_sum[5s]) / rate(shop_request_microseconds_count[5s]) / 1e6";
    let bad = "sum(rate(shop_requests_total{outcome=\"bad\"}[5s])) / sum(rate(shop_requests_total[5s]))";
    format!(
        "interval: {interval}\n\
         probes: {{ web: {{ http: \"http://{web}/healthz\" }}, port: {{ tcp: \"{web}\" }} }}\n\
         metrics:\n\
         \x20 prometheus: http://{}\n\
         \x20 error_rate: {{ query: '{bad}' }}\n\
         \x20 latency: {{ query: '{took}' }}\n\
         \x20 memory: {{ query: shop_memory_bytes / shop_memory_limit_bytes }}\n\
         \x20 cpu: {{ query: shop_busy_share }}",
        prometheus.address,
        web = service.address(),
    )
}

/// Starts it on a free port. Another program may take the port first: then it is tried again.
fn start(program: &Path, dir: &Path, service: &Service) -> Prometheus {
    let config = dir.join("prometheus.yml");
    let scrape = format!(
        "global: {{ scrape_interval: 500ms, scrape_timeout: 400ms }}\n\
         scrape_configs: [{{ job_name: shop, static_configs: [{{ targets: [\"{}\"] }}] }}]\n",
        service.address()
    );
    fs::write(&config, scrape).expect("a file of the world");
    let watch = Stopwatch::start();
    loop {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("a port").to_string();
        drop(free);
        let log = fs::File::create(dir.join("prometheus.log")).expect("a file of the world");
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir(dir)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("prometheus").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut server = Prometheus { child: command.spawn().expect("prometheus"), address };
        if knows(&mut server, watch) {
            return server;
        }
    }
}

/// Waits until the server has scraped the service often enough for a rate; `false` where it ended.
fn knows(server: &mut Prometheus, watch: Stopwatch) -> bool {
    let query = "/api/v1/query?query=rate%28shop_request_microseconds_count%5B5s%5D%29";
    while server.child.try_wait().expect("a program of our own").is_none() {
        assert!(watch.elapsed() < PATIENCE, "prometheus does not scrape");
        let answer = get(&server.address, query);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        if prometheus::value(body.as_bytes(), Told::default()).is_ok_and(|rate| rate > 0.0) {
            return true;
        }
        thread::sleep(Duration::from_millis(100));
    }
    false
}

#[test]
fn a_service_that_stays_well_is_healthy_by_every_signal() {
    let Some(scene) = Scene::set("2s") else { return };
    let run = scene.house.run(["monitor", "production", "--for", "4s", "--json"]).any_stdout();
    let documents = lines(&run.exit(0).stdout);
    let end = documents.last().expect("a line at least");
    assert_eq!((&end["verdict"], &end["doubts"], &end["rounds"]), (&json!("healthy"), &json!([]), &json!(3)));
    let signals = end["signals"].as_array().expect("a list");
    let names: Vec<&str> = signals.iter().filter_map(|signal| signal["signal"].as_str()).collect();
    assert_eq!(names, ["port", "web", "error_rate", "latency", "memory", "cpu"]);
    for signal in signals {
        assert_eq!(signal["state"], "healthy", "{end}");
        assert!(signal["baseline"].is_number() && signal["worst"].is_number(), "{end}");
    }
}

#[test]
fn health_checks_that_fail_are_a_trigger() {
    let Some(scene) = Scene::set("1s") else { return };
    let shown = scene.until_trigger(Service::is_ill);
    assert!(
        shown.contains(
            "trigger: `web` failed 4 times in a row, and more than 3 are a trigger: it answered 503"
        ),
        "{shown}"
    );
}

#[test]
fn an_error_rate_that_spikes_is_a_trigger() {
    let Some(scene) = Scene::set("1s") else { return };
    let shown = scene.until_trigger(Service::fails);
    assert!(shown.contains("trigger: the error rate is "), "{shown}");
    assert!(shown.contains(", more than 5 points over its baseline of 0 %"), "{shown}");
}

#[test]
fn a_latency_that_doubles_is_a_trigger() {
    let Some(scene) = Scene::set("1s") else { return };
    let shown = scene.until_trigger(Service::slows_down);
    assert!(shown.contains("trigger: the latency is 0."), "{shown}");
    assert!(shown.contains(", more than 2 times its baseline of 0.0"), "{shown}");
}

#[test]
fn memory_or_processors_that_are_used_up_are_a_trigger() {
    let Some(scene) = Scene::set("1s") else { return };
    let shown = scene.until_trigger(Service::hoards);
    assert!(
        shown.contains("trigger: memory was above 0.95 in 5 samples in a row, and is 0.98 now"),
        "{shown}"
    );
    let Some(scene) = Scene::set("1s") else { return };
    let shown = scene.until_trigger(Service::computes);
    assert!(shown.contains("trigger: cpu was above 0.95 in 5 samples in a row, and is 0.99 now"), "{shown}");
}
