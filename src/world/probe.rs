//! Probes and metrics: what a service and its Prometheus answer, everything asked at once.

use std::io::{self, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::evidence::prometheus::{self, Told};
use crate::gate::analysis::{Sample, Signal};
use crate::gate::plan::STEP_VARIABLES;
use crate::gate::policy::{Health, Question};
use crate::world::clock::{self, Stopwatch};
use crate::world::process;

/// What the command of a probe gets, as a step does.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The approved files; without them only programs of the machine can run.
    pub dir: Option<PathBuf>,
    /// What deployctl sets.
    pub variables: Vec<(String, String)>,
    /// Names of variables of our own environment that it gets besides the fixed few.
    pub pass_environment: Vec<String>,
}

/// Asks everything that a policy's health names.
pub struct Prober {
    asked: Vec<Arc<Asked>>,
    longest: Duration,
}

/// One thing that is asked, again and again.
struct Asked {
    signal: Signal,
    way: Way,
    timeout: Duration,
    surroundings: Arc<Surroundings>,
    agent: Agent,
    /// Whether somebody still waits for the answer before: it could be a name server that says nothing.
    busy: AtomicBool,
}

/// An answer over HTTP: its status, what its head says of the time, and the beginning of its body.
struct Got {
    status: u16,
    date: Option<String>,
    age: Option<String>,
    body: Vec<u8>,
}

enum Way {
    Probe(Question),
    Query { server: String, query: String },
}

/// An answer may come so much later than its timeout: the thread that gave up has to be heard.
const BREATH: Duration = Duration::from_millis(200);
/// How often it is looked whether a signal came.
const GLANCE: Duration = Duration::from_millis(50);
/// How much of an answer is read, in bytes.
const BODY_MAX: u64 = 1 << 20;

impl Prober {
    /// Prepares the questions. Nothing is asked yet, and no certificate is read.
    #[must_use]
    pub fn new(health: &Health, surroundings: Surroundings) -> Self {
        let (surroundings, agent) = (Arc::new(surroundings), agent());
        let asked = |signal, way, timeout| {
            Arc::new(Asked {
                signal,
                way,
                timeout,
                surroundings: Arc::clone(&surroundings),
                agent: agent.clone(),
                busy: AtomicBool::new(false),
            })
        };
        let probes = health.probes.iter().map(|(name, probe)| {
            asked(Signal::Probe(name.clone()), Way::Probe(probe.question.clone()), probe.timeout)
        });
        let mut all: Vec<Arc<Asked>> = probes.collect();
        if let Some(metrics) = &health.metrics {
            let queries = [
                (Signal::ErrorRate, metrics.error_rate.as_ref().map(|rule| &rule.query)),
                (Signal::Latency, metrics.latency.as_ref().map(|rule| &rule.query)),
                (Signal::Memory, metrics.memory.as_ref().map(|rule| &rule.query)),
                (Signal::Cpu, metrics.cpu.as_ref().map(|rule| &rule.query)),
            ];
            for (signal, query) in queries {
                let server = metrics.prometheus.clone();
                all.extend(query.map(|query| {
                    asked(signal, Way::Query { server, query: query.clone() }, metrics.timeout)
                }));
            }
        }
        let longest = all.iter().map(|asked| asked.timeout).max().unwrap_or_default();
        Self { asked: all, longest }
    }

    /// How long a round may take.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// Asks everything at once, and waits for the answers, for the longest timeout at most. `None` where `interrupted`
    /// was raised meanwhile.
    #[must_use]
    pub fn round(&self, interrupted: &AtomicBool) -> Option<Vec<Sample>> {
        let (at, watch) = (clock::now(), Stopwatch::start());
        let (sender, answers) = channel();
        let mut values: Vec<Option<Result<f64, String>>> = Vec::new();
        for (number, asked) in self.asked.iter().enumerate() {
            values.push(ask(number, asked, &sender).err().map(Err));
        }
        drop(sender);
        while values.iter().any(Option::is_none) && watch.elapsed() < self.longest + BREATH {
            if interrupted.load(Ordering::SeqCst) {
                return None;
            }
            match answers.recv_timeout(GLANCE) {
                Ok((number, value)) => {
                    if let Some(place) = values.get_mut(number) {
                        *place = Some(value);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let sample = |(asked, value): (&Arc<Asked>, Option<Result<f64, String>>)| Sample {
            signal: asked.signal.clone(),
            at,
            value: value.unwrap_or_else(|| Err(no_answer(asked.timeout))),
        };
        Some(self.asked.iter().zip(values).map(sample).collect())
    }
}

/// A fresh connection each time, straight to the address: a probe that asks a proxy or an old connection asks neither the
/// service nor the name server.
fn agent() -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("deployctl/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// Asks in a thread of its own; the answer comes through the channel, with the question's number.
fn ask(
    number: usize,
    asked: &Arc<Asked>,
    sender: &Sender<(usize, Result<f64, String>)>,
) -> Result<(), String> {
    if asked.busy.swap(true, Ordering::SeqCst) {
        return Err("the question before was not answered yet".to_owned());
    }
    let (asked, sender) = (Arc::clone(asked), sender.clone());
    let began = thread::Builder::new().spawn({
        let asked = Arc::clone(&asked);
        move || {
            let watch = Stopwatch::start();
            let value = asked.answer(watch);
            let value = if watch.elapsed() > asked.timeout { Err(no_answer(asked.timeout)) } else { value };
            asked.busy.store(false, Ordering::SeqCst);
            // Nobody listens any more where the round is over.
            let _ = sender.send((number, value));
        }
    });
    began.map(drop).map_err(|error| {
        asked.busy.store(false, Ordering::SeqCst);
        format!("it could not be asked: {}", plain(&error))
    })
}

impl Asked {
    /// The seconds that a probe took, or the value of a metric.
    fn answer(&self, watch: Stopwatch) -> Result<f64, String> {
        match &self.way {
            Way::Query { server, query } => return self.query(server, query),
            Way::Probe(Question::Http(address)) => self.http(address)?,
            Way::Probe(Question::Tcp(address)) => self.tcp(address, watch)?,
            Way::Probe(Question::Run(run)) => self.run(run)?,
        }
        Ok(watch.elapsed().as_secs_f64())
    }

    fn http(&self, address: &str) -> Result<(), String> {
        let Got { status, .. } = self.get(self.agent.get(address))?;
        if (200..300).contains(&status) { Ok(()) } else { Err(format!("it answered {status}")) }
    }

    fn query(&self, server: &str, query: &str) -> Result<f64, String> {
        // Whatever the server takes for fresh: older than this is no value.
        let lookback = format!("{}s", prometheus::AGE_MAX);
        let request = self.agent.get(format!("{server}/api/v1/query")).query("query", query);
        let Got { status, date, age, body } = self.get(request.query("lookback_delta", lookback))?;
        let value = prometheus::value(&body, Told { date: date.as_deref(), age: age.as_deref() });
        match value {
            Ok(_) if !(200..300).contains(&status) => Err(format!("it answered {status}")),
            Err(why) if !(200..300).contains(&status) && !why.starts_with("Prometheus says") => {
                Err(format!("it answered {status}"))
            }
            value => value,
        }
    }

    /// The status and the beginning of the body; the time is that of everything together.
    fn get(&self, request: ureq::RequestBuilder<ureq::typestate::WithoutBody>) -> Result<Got, String> {
        let request = request.config().timeout_global(Some(self.timeout)).build();
        let response = request.call().map_err(|error| self.words(error))?;
        let status = response.status().as_u16();
        let head = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (date, age) = (head("date"), head("age"));
        let mut body = Vec::new();
        let read = response.into_body().into_reader().take(BODY_MAX).read_to_end(&mut body);
        read.map_err(|error| self.words(ureq::Error::from(error)))?;
        Ok(Got { status, date, age, body })
    }

    fn tcp(&self, address: &str, watch: Stopwatch) -> Result<(), String> {
        let mut why = "its name stands for no address".to_owned();
        for address in address.to_socket_addrs().map_err(|error| plain(&error))? {
            let left = self.timeout.saturating_sub(watch.elapsed());
            if left.is_zero() {
                return Err(no_answer(self.timeout));
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(_) => return Ok(()),
                Err(error) => why = plain(&error),
            }
        }
        Err(why)
    }

    /// What it writes is read and forgotten: it may be a secret.
    fn run(&self, run: &[String]) -> Result<(), String> {
        let surroundings = &self.surroundings;
        let (program, arguments) = run.split_first().ok_or("it names no program")?;
        let path = match &surroundings.dir {
            _ if !program.contains('/') => process::find(program),
            Some(dir) => process::approved_program(dir, program),
            None if program.starts_with('/') => Ok(PathBuf::from(program)),
            None => return Err("no version is live whose file it could be".to_owned()),
        };
        let mut command = process::tool(path.map_err(|error| cannot(&error))?);
        command.args(arguments).env_clear();
        command.current_dir(surroundings.dir.clone().unwrap_or_else(|| PathBuf::from("/")));
        let passed = surroundings.pass_environment.iter().map(String::as_str);
        for name in STEP_VARIABLES.into_iter().chain(passed) {
            if let Some(value) = process::variable(name) {
                command.env(name, value);
            }
        }
        command.envs(surroundings.variables.iter().map(|(name, value)| (name, value)));
        match process::output(&mut command, self.timeout) {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(match output.status.code() {
                Some(code) => format!("it ended with exit status {code}"),
                None => "it was ended by a signal".to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(no_answer(self.timeout)),
            Err(error) => Err(cannot(&error)),
        }
    }

    fn words(&self, error: ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => no_answer(self.timeout),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => no_answer(self.timeout),
            ureq::Error::Io(error) => plain(&error),
            ureq::Error::HostNotFound => "the host was not found".to_owned(),
            other => other.to_string(),
        }
    }
}

fn no_answer(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs())
}

fn cannot(error: &io::Error) -> String {
    format!("it cannot be run: {}", plain(error))
}

/// The sentence of the system without its number, beginning as half a sentence does.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

#[cfg(test)]
mod tests;
