//! The shop as its customers see it: a small HTTP server over `current`, and a customer.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request that is read, in bytes.
const REQUEST_MAX: u64 = 4 << 10;

/// A server that runs as long as the example.
pub struct Shop {
    address: SocketAddr,
}

impl Shop {
    /// Serves `current/index.html` of a directory on a free port of this machine.
    pub fn open(production: &Path) -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a port on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let page = production.join("current/index.html");
        thread::spawn(move || serve(&listener, &page));
        Ok(Self { address })
    }

    /// Where a browser finds it.
    pub fn address(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Fetches the page and answers the lines that a customer reads.
    pub fn page(&self) -> Result<Vec<String>> {
        let mut stream = TcpStream::connect(self.address).context("the shop does not answer")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).context("the shop's answer cannot be read")?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.0 200 ") => Ok(readable(body)),
            _ => bail!("the shop answered: {}", answer.lines().next().unwrap_or_default()),
        }
    }
}

/// The text of the headings and paragraphs.
fn readable(page: &str) -> Vec<String> {
    let text = |line: &str| {
        let rest = line.strip_prefix("<h1>").or_else(|| line.strip_prefix("<p>"))?;
        rest.split('<').next().map(str::to_owned)
    };
    page.lines().filter_map(text).collect()
}

fn serve(listener: &TcpListener, page: &Path) {
    for stream in listener.incoming().flatten() {
        let page = page.to_owned();
        // A customer who leaves in the middle is no concern of the others.
        thread::spawn(move || answer(&stream, &page));
    }
}

fn answer(mut stream: &TcpStream, page: &Path) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.take(REQUEST_MAX)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The rest is read up to its empty line: a connection closed over unread bytes takes the answer with it.
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let (status, body) = match request.strip_prefix("GET / ") {
        Some(_) => match fs::read(page) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("503 Service Unavailable", b"closed\n".to_vec()),
        },
        None => ("404 Not Found", b"not here\n".to_vec()),
    };
    let head = format!(
        "HTTP/1.0 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
