//! A small web service of the tests: it answers, counts, and can be made slow, failing or greedy.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use deployctl::world::clock::Stopwatch;

/// As much memory as it thinks it has, in bytes.
const MEMORY: usize = 8 << 20;

/// How long a request takes, in milliseconds: long beside what a busy machine adds.
const WORK: u64 = 50;

/// A service that runs until it is dropped.
pub(crate) struct Service {
    address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    gone: AtomicBool,
    ill: AtomicBool,
    failing: AtomicBool,
    /// Milliseconds that each request takes longer.
    slow: AtomicU64,
    /// What it holds on to.
    hoard: Mutex<Vec<u8>>,
    busy: AtomicBool,
    good: AtomicU64,
    bad: AtomicU64,
    microseconds: AtomicU64,
}

impl Service {
    /// Starts it on a port of its own, with somebody who uses it all the time.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("a port").to_string();
        let state = Arc::new(State::default());
        let served = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if served.gone.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&served);
                thread::spawn(move || answer(&state, stream));
            }
        });
        let (user, used) = (address.clone(), Arc::clone(&state));
        thread::spawn(move || {
            while !used.gone.load(Ordering::SeqCst) {
                get(&user, "/work");
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self { address, state }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// From now on it says that it is not well.
    pub(crate) fn is_ill(&self) {
        self.state.ill.store(true, Ordering::SeqCst);
    }

    /// From now on every third request fails.
    pub(crate) fn fails(&self) {
        self.state.failing.store(true, Ordering::SeqCst);
    }

    /// From now on every request takes many times as long.
    pub(crate) fn slows_down(&self) {
        self.state.slow.store(6 * WORK, Ordering::SeqCst);
    }

    /// From now on it holds nearly all the memory it has.
    pub(crate) fn hoards(&self) {
        *self.state.hoard.lock().expect("no thread has failed") = vec![1; MEMORY / 100 * 98];
    }

    /// From now on it computes all the time.
    pub(crate) fn computes(&self) {
        self.state.busy.store(true, Ordering::SeqCst);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.state.gone.store(true, Ordering::SeqCst);
        // It waits for a connection: this is the last one.
        let _ = TcpStream::connect(&self.address);
    }
}

/// What `GET` of a path answers, body and all; nothing where nobody answers.
pub(crate) fn get(address: &str, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    let _ = write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    std::io::read_to_string(stream).unwrap_or_default()
}

fn answer(state: &State, mut stream: TcpStream) {
    let Ok(copy) = stream.try_clone() else { return };
    let mut lines = BufReader::new(copy).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
    let (status, body) = match first.split(' ').nth(1).unwrap_or_default() {
        "/healthz" if state.ill.load(Ordering::SeqCst) => ("503 Service Unavailable", "ill".to_owned()),
        "/healthz" => ("200 OK", "well".to_owned()),
        "/metrics" => ("200 OK", metrics(state)),
        "/work" => work(state),
        _ => ("404 Not Found", String::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4");
    let _ = write!(stream, "{head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
}

fn work(state: &State) -> (&'static str, String) {
    let began = Stopwatch::start();
    thread::sleep(Duration::from_millis(WORK + state.slow.load(Ordering::SeqCst)));
    let number = state.good.load(Ordering::SeqCst) + state.bad.load(Ordering::SeqCst);
    let bad = state.failing.load(Ordering::SeqCst) && number.is_multiple_of(3);
    let count = if bad { &state.bad } else { &state.good };
    count.fetch_add(1, Ordering::SeqCst);
    let took = u64::try_from(began.elapsed().as_micros()).expect("no long time");
    state.microseconds.fetch_add(took, Ordering::SeqCst);
    if bad { ("500 Internal Server Error", String::new()) } else { ("200 OK", "done".to_owned()) }
}

fn metrics(state: &State) -> String {
    let number = |number: &AtomicU64| number.load(Ordering::SeqCst);
    let (good, bad) = (number(&state.good), number(&state.bad));
    let memory = state.hoard.lock().expect("no thread has failed").len();
    let mut text = String::new();
    for (name, kind, value) in [
        ("shop_requests_total{outcome=\"good\"}", "counter", good.to_string()),
        ("shop_requests_total{outcome=\"bad\"}", "", bad.to_string()),
        ("shop_request_microseconds_sum", "counter", number(&state.microseconds).to_string()),
        ("shop_request_microseconds_count", "counter", (good + bad).to_string()),
        ("shop_memory_bytes", "gauge", memory.to_string()),
        ("shop_memory_limit_bytes", "gauge", MEMORY.to_string()),
        (
            "shop_busy_share",
            "gauge",
            if state.busy.load(Ordering::SeqCst) { "0.99" } else { "0.05" }.to_owned(),
        ),
    ] {
        let family = name.split('{').next().unwrap_or_default();
        if !kind.is_empty() {
            let _ = writeln!(text, "# TYPE {family} {kind}");
        }
        let _ = writeln!(text, "{name} {value}");
    }
    text
}
