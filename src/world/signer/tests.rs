use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::agents::{Roots, ask_all, identities, is_for};
use super::*;
use crate::world::sshsig;

const SOON: Duration = Duration::from_millis(400);

#[expect(clippy::disallowed_methods, reason = "the test makes its keys with stock OpenSSH")]
fn keygen(arguments: &[&str]) {
    let output = Command::new("ssh-keygen").arg("-q").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A new key file; an empty passphrase leaves it unencrypted.
fn make(dir: &Path, name: &str, kind: &str, passphrase: &str, more: &[&str]) -> PathBuf {
    let path = dir.join(name);
    let mut arguments = vec!["-t", kind, "-N", passphrase, "-C", "alice", "-f", path.to_str().unwrap()];
    arguments.extend(more);
    keygen(&arguments);
    path
}

fn public(path: &Path) -> PublicKey {
    fs::read_to_string(path.with_added_extension("pub")).unwrap().parse().unwrap()
}

fn signing_key(path: &Path) -> SigningKey {
    SigningKey { path: path.to_owned(), public: public(path) }
}

/// A stock `ssh-agent` that ends with the test.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    #[expect(clippy::disallowed_methods, reason = "the test talks to a stock agent")]
    fn start(dir: &Path) -> Self {
        let socket = dir.join("agent.sock");
        let child = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
        let agent = Self { child: child.unwrap(), socket };
        for _ in 0..200 {
            // The socket is there, and refuses, a moment before anybody listens on it.
            if UnixStream::connect(&agent.socket).is_ok() {
                return agent;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the agent did not start");
    }

    #[expect(clippy::disallowed_methods, reason = "the test talks to a stock agent")]
    fn add(&self, arguments: &[&str]) {
        let output = Command::new("ssh-add")
            .arg("-q")
            .args(arguments)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Answers each connection to a socket with these bytes, and then stays silent.
fn pretend(socket: &Path, answer: Vec<u8>) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut question = [0; 5];
            stream.read_exact(&mut question).ok();
            stream.write_all(&answer).ok();
            open.push(stream);
        }
    });
}

#[test]
fn an_encrypted_key_opens_with_the_public_half_from_inside() {
    let dir = TempDir::new().unwrap();
    for (name, kind, more) in
        [("a", "ed25519", &[][..]), ("b", "ecdsa", &["-b", "256"]), ("c", "ecdsa", &["-b", "384"])]
    {
        let path = make(dir.path(), name, kind, "secret words", more);
        let expected = signing_key(&path);
        fs::remove_file(path.with_added_extension("pub")).unwrap();
        assert_eq!(open(&path), Ok(expected));
    }
    let path = make(dir.path(), "d", "ed25519", "secret", &["-Z", "chacha20-poly1305@openssh.com"]);
    assert_eq!(open(&path), Ok(signing_key(&path)));
}

#[test]
fn a_swapped_pub_file_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let path = make(dir.path(), "key", "ed25519", "secret", &[]);
    let expected = signing_key(&path);
    let other = make(dir.path(), "other", "ed25519", "secret", &[]);
    fs::copy(other.with_added_extension("pub"), path.with_added_extension("pub")).unwrap();
    assert_eq!(open(&path), Ok(expected));
}

#[test]
fn a_key_without_a_passphrase_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = make(dir.path(), "key", "ed25519", "", &[]);
    let problem = open(&path).unwrap_err();
    assert_eq!(problem, KeyProblem::Unencrypted { path: path.clone() });
    let shown = path.display();
    assert_eq!(
        problem.to_string(),
        format!(
            "`{shown}` has no passphrase, so every program could sign with it: set one with `ssh-keygen -p -f '{shown}'`"
        )
    );
}

#[test]
fn a_hardware_key_needs_no_passphrase() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("key_sk");
    let wire = |fields: &[&[u8]]| {
        let mut out = Vec::new();
        fields.iter().for_each(|field| crate::gate::wire::put_string(&mut out, field));
        out
    };
    let public = wire(&[b"sk-ssh-ed25519@openssh.com", &[7; 32], b"ssh:"]);
    let mut blob = b"openssh-key-v1\0".to_vec();
    blob.extend(wire(&[b"none", b"none", b""]));
    blob.extend(1_u32.to_be_bytes());
    blob.extend(wire(&[&public, &[0; 64]]));
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob);
    let text = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{base64}\n-----END OPENSSH PRIVATE KEY-----\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let public = PublicKey::from_blob(&public).unwrap();
    assert_eq!(open(&path), Ok(SigningKey { path, public }));
}

#[test]
fn a_machine_signs_with_a_key_that_lies_in_clear_for_it_alone() {
    let dir = TempDir::new().unwrap();
    let path = make(dir.path(), "key", "ed25519", "", &[]);
    let key = open_of_machine(&path).unwrap();
    let armored = sign(&key, "deployctl-evidence", b"{}").unwrap();
    assert!(sshsig::verify(&key.public, "deployctl-evidence", b"{}", &armored).is_ok());
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(open_of_machine(&path), Err(KeyProblem::OpenPermissions { path: path.clone() }));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = make(dir.path(), "key", "ed25519", "secret", &[]);
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(open(&path), Err(KeyProblem::OpenPermissions { path: path.clone() }));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert_eq!(open(&path), Ok(signing_key(&path)));
}

#[test]
fn other_formats_and_types_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let pem = make(dir.path(), "pem", "ecdsa", "secret", &["-m", "PEM"]);
    assert_eq!(open(&pem), Err(KeyProblem::NotOpenSsh { path: pem.clone() }));
    let pkcs8 = make(dir.path(), "pkcs8", "ecdsa", "secret", &["-m", "PKCS8"]);
    assert_eq!(open(&pkcs8), Err(KeyProblem::NotOpenSsh { path: pkcs8 }));
    // The advice works: changing the passphrase without naming a format converts the file.
    keygen(&["-p", "-P", "secret", "-N", "secret", "-f", pem.to_str().unwrap()]);
    assert_eq!(open(&pem), Ok(signing_key(&pem)));

    let rsa = make(dir.path(), "rsa", "rsa", "secret", &["-b", "2048"]);
    let why = "`ssh-rsa` keys cannot sign here: make one that can with `ssh-keygen -t ed25519`".to_owned();
    assert_eq!(open(&rsa), Err(KeyProblem::Unsupported { path: rsa, why }));
}

#[test]
fn what_is_no_private_key_is_said() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing");
    assert_eq!(open(&missing), Err(KeyProblem::Missing { path: missing }));
    let write = |name: &str, text: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    };
    let half = write("key.pub", b"ssh-ed25519 AAAA alice\n");
    assert_eq!(open(&half), Err(KeyProblem::PublicHalf { path: half }));
    let why = |path: PathBuf| match open(&path) {
        Err(KeyProblem::NotAKey { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(write("empty", b"")), "it does not start as OpenSSH's private keys do");
    assert_eq!(why(write("bytes", &[0xff; 10])), "it is not a text file");
    assert_eq!(why(write("large", &[b'a'; 70_000])), "it is too large");
    let begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
    let end = "-----END OPENSSH PRIVATE KEY-----";
    assert_eq!(why(write("cut", begin.as_bytes())), "its last line is missing");
    assert_eq!(why(write("base64", format!("{begin}\n!\n{end}").as_bytes())), "its base64 is damaged");
    assert_eq!(why(write("header", format!("{begin}\nAAAA\n{end}").as_bytes())), "its header is damaged");
    let not_regular = "it is not a regular file".to_owned();
    let path = dir.path().to_owned();
    assert_eq!(open(&path), Err(KeyProblem::Unreadable { path, why: not_regular }));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a named pipe is made by a tool")]
fn a_named_pipe_in_place_of_a_key_does_not_block() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let why = "it is not a regular file".to_owned();
    assert_eq!(open(&path), Err(KeyProblem::Unreadable { path: path.clone(), why }));
    assert_eq!(candidates(dir.path(), &[]), Vec::<PathBuf>::new());
}

#[test]
fn candidates_are_the_enrolled_keys_by_their_own_word() {
    let dir = TempDir::new().unwrap();
    let second = make(dir.path(), "z-second", "ed25519", "secret", &[]);
    let first = make(dir.path(), "a-first", "ecdsa", "", &["-b", "256"]);
    let stranger = make(dir.path(), "stranger", "ed25519", "secret", &[]);
    make(dir.path(), "pem", "ecdsa", "secret", &["-m", "PEM"]);
    fs::write(dir.path().join("config"), "Host *\n").unwrap();
    let enrolled = [public(&second), public(&first)];
    // A stranger's key does not become one by the name beside it.
    fs::copy(second.with_added_extension("pub"), stranger.with_added_extension("pub")).unwrap();
    assert_eq!(candidates(dir.path(), &enrolled), [first, second]);
    assert_eq!(candidates(dir.path(), &[]), Vec::<PathBuf>::new());
    assert_eq!(candidates(&dir.path().join("none"), &enrolled), Vec::<PathBuf>::new());
}

#[test]
fn public_keys_are_the_pub_files_that_can_be_enrolled() {
    let dir = TempDir::new().unwrap();
    let path = make(dir.path(), "key", "ed25519", "secret", &[]);
    make(dir.path(), "rsa", "rsa", "secret", &["-b", "2048"]);
    fs::write(dir.path().join("notes.pub"), "opening hours").unwrap();
    fs::copy(path.with_added_extension("pub"), dir.path().join("copy.txt")).unwrap();
    let line = public(&path).line();
    assert_eq!(public_keys(dir.path()), [(path.with_added_extension("pub"), line)]);
}

#[test]
fn a_key_in_the_sessions_agent_is_found() {
    let dir = TempDir::new().unwrap();
    let path = make(dir.path(), "key", "ed25519", "", &[]);
    let other = make(dir.path(), "other", "ed25519", "", &[]);
    let key = signing_key(&path);
    let agent = Agent::start(dir.path());
    let ask = || ask_all(&key, Some(&agent.socket), &[], SOON * 5);
    agent.add(&[other.to_str().unwrap()]);
    assert_eq!(ask(), Ok(()));
    agent.add(&[path.to_str().unwrap()]);
    let held = Err(KeyProblem::InAgent { path: path.clone(), socket: agent.socket.clone() });
    assert_eq!(ask(), held);
    // Hiding the variable does not help: the same socket among the well-known places.
    assert_eq!(ask_all(&key, None, std::slice::from_ref(&agent.socket), SOON * 5), held);
    agent.add(&["-d", path.to_str().unwrap()]);
    assert_eq!(ask(), Ok(()));
}

#[test]
fn a_certificate_in_the_agent_counts_as_its_key() {
    let dir = TempDir::new().unwrap();
    let authority = make(dir.path(), "authority", "ed25519", "", &[]);
    let path = make(dir.path(), "key", "ecdsa", "", &["-b", "256"]);
    let other = make(dir.path(), "other", "ecdsa", "", &["-b", "256"]);
    let half = path.with_added_extension("pub");
    keygen(&["-s", authority.to_str().unwrap(), "-I", "id", "-n", "alice", half.to_str().unwrap()]);
    let certificate = fs::read_to_string(dir.path().join("key-cert.pub")).unwrap();
    let base64 = certificate.split(' ').nth(1).unwrap();
    let entry = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap();
    assert!(is_for(&public(&path), &entry));
    assert!(!is_for(&public(&other), &entry));
}

#[test]
fn an_agent_that_does_not_answer_properly_is_not_taken_for_empty() {
    let dir = TempDir::new().unwrap();
    let key = signing_key(&make(dir.path(), "key", "ed25519", "secret", &[]));
    let why = |name: &str, answer: &[u8]| {
        let socket = dir.path().join(name);
        pretend(&socket, answer.to_vec());
        // At a guessed place the same thing is no agent and blocks nothing.
        assert_eq!(ask_all(&key, None, std::slice::from_ref(&socket), SOON), Ok(()));
        match ask_all(&key, Some(&socket), &[], SOON) {
            Err(KeyProblem::AgentUnknown { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };
    let protocol = "it does not speak the agent protocol";
    assert_eq!(why("failure", &[0, 0, 0, 1, 5]), protocol);
    assert_eq!(why("cut", &[0, 0, 0, 5, 12, 0, 0, 0, 9]), protocol);
    assert_eq!(why("trailing", &[0, 0, 0, 6, 12, 0, 0, 0, 0, 0]), protocol);
    assert_eq!(why("empty", &[0, 0, 0, 0]), protocol);
    assert_eq!(why("long", &[0, 16, 0, 0]), "its answer is too long");
    assert!(!why("silent", &[]).is_empty());
    assert!(!why("half", &[0, 0, 0, 9, 12]).is_empty());
}

#[test]
fn a_socket_nobody_listens_on_is_no_agent() {
    let dir = TempDir::new().unwrap();
    let key = signing_key(&make(dir.path(), "key", "ed25519", "secret", &[]));
    let dead = dir.path().join("dead");
    drop(UnixListener::bind(&dead).unwrap());
    assert!(dead.exists());
    assert_eq!(ask_all(&key, Some(&dead), &[], SOON), Ok(()));
    assert_eq!(ask_all(&key, Some(&dir.path().join("never")), &[], SOON), Ok(()));
}

#[test]
fn agents_are_looked_for_where_they_live() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let names = [
        "home/.ssh/agent/s.1",
        "run/gcr/ssh",
        "run/gnupg/S.gpg-agent.ssh",
        "run/keyring/ssh",
        "run/openssh_agent",
        "run/ssh-agent.socket",
        "tmp/ssh-XXXX/agent.12",
    ];
    let mut listeners = Vec::new();
    for name in names.iter().chain(&["tmp/ssh-XXXX/other", "tmp/elsewhere/agent.1"]) {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        listeners.push(UnixListener::bind(at(name)).unwrap());
    }
    fs::write(at("run/ssh-agent"), "no socket").unwrap();
    let roots =
        Roots { home: Some(at("home")), runtime: vec![at("run"), at("run")], temporary: vec![at("tmp")] };
    assert_eq!(roots.sockets(), names.map(at));
}

#[test]
fn ssh_keygen_signs_and_the_signature_verifies() {
    let dir = TempDir::new().unwrap();
    let path = make(dir.path(), "-key", "ed25519", "", &[]);
    let key = signing_key(&path);
    let armored = sign(&key, "deployctl-approval", b"payload").unwrap();
    let proof = sshsig::verify(&key.public, "deployctl-approval", b"payload", &armored).unwrap();
    assert_eq!(proof.fingerprint, key.public.fingerprint());
    assert_eq!(proof.hardware, None);
}

#[test]
fn a_signature_that_did_not_happen_is_no_signature() {
    let dir = TempDir::new().unwrap();
    let key = signing_key(&make(dir.path(), "key", "ed25519", "", &[]));
    let gone = SigningKey { path: dir.path().join("gone"), ..key };
    match sign(&gone, "deployctl-approval", b"payload") {
        Err(SignError::Failed { path, why }) => {
            assert_eq!(path, gone.path);
            assert!(why.ends_with(": No such file or directory"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn how_ssh_keygen_ended_is_told_in_our_words() {
    let path = Path::new("/home/alice/.ssh/id");
    let owned = || path.to_owned();
    // Wait statuses: the exit code is in the upper byte, the signal in the lower.
    let code = |code: i32| ExitStatus::from_raw(code << 8);
    let refused = b"Couldn't load identity /x: incorrect passphrase supplied to decrypt private key\r\n";
    assert_eq!(failure(path, code(255), refused), SignError::Passphrase { path: owned() });
    assert_eq!(failure(path, ExitStatus::from_raw(2), b""), SignError::Declined { path: owned() });
    assert_eq!(
        failure(path, code(255), b"first\nlast \x1b[2K\n\n"),
        SignError::Failed { path: owned(), why: "last \\u{1b}[2K".to_owned() }
    );
    assert_eq!(
        failure(path, code(1), b"\n"),
        SignError::Failed { path: owned(), why: "exit status: 1".to_owned() }
    );
    assert_eq!(
        failure(path, ExitStatus::from_raw(9), b""),
        SignError::Failed { path: owned(), why: "signal: 9 (SIGKILL)".to_owned() }
    );
}

proptest! {
    #[test]
    fn no_answer_and_no_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = identities(&bytes);
        let _ = private_file::parse(Path::new("key"), &bytes);
        let mut blob = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none".to_vec();
        blob.extend(&bytes);
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob);
        let text = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{base64}\n-----END OPENSSH PRIVATE KEY-----\n");
        prop_assert!(private_file::parse(Path::new("key"), text.as_bytes()).is_err());
    }
}
