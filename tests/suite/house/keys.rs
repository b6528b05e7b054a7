//! Keys of people: made once for the whole test binary, and copied into each world.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use super::House;

/// What every person here types.
pub(crate) const PASSPHRASE: &str = "correct horse";
/// Everybody who has a key. Mallory is in no policy.
pub(super) const NAMES: [&str; 4] = ["alice", "bob", "carol", "mallory"];

/// The private and the public file of each person.
static KEYS: LazyLock<BTreeMap<&str, (String, String)>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary directory");
    NAMES.iter().map(|name| (*name, make(&dir.path().join(name), PASSPHRASE))).collect()
});

/// Makes a key pair with as little work as the format allows.
fn make(path: &Path, passphrase: &str) -> (String, String) {
    let name = path.file_name().expect("a name").to_str().expect("ASCII");
    let comment = format!("{name}@example.org");
    let arguments = ["-q", "-t", "ed25519", "-a", "1", "-N", passphrase, "-C", &comment, "-f"];
    let status = Command::new("ssh-keygen").args(arguments).arg(path).stdin(Stdio::null()).status();
    assert!(status.expect("ssh-keygen").success(), "ssh-keygen made no key");
    let read = |path: &Path| fs::read_to_string(path).expect("a key file");
    (read(path), read(&path.with_extension("pub")))
}

impl House {
    /// The private key file of a person, in this home's `.ssh`.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        let (private, public) = &KEYS[name];
        self.keep_key(name, private, public)
    }

    /// The public key of a person, as it stands in `deployctl.yaml`.
    pub(crate) fn public_key(&self, name: &str) -> String {
        let (_, public) = &KEYS[name];
        public.trim_end().to_owned()
    }

    /// The same key of a person, in a file without a passphrase.
    pub(crate) fn bare_key(&self, name: &str) -> PathBuf {
        let (private, public) = &KEYS[name];
        let path = self.keep_key(&format!("bare-{name}"), private, public);
        let change = ["-q", "-p", "-P", PASSPHRASE, "-N", "", "-f"];
        let status = self.command("ssh-keygen").args(change).arg(&path).stdout(Stdio::null()).status();
        assert!(status.expect("ssh-keygen").success(), "ssh-keygen kept the passphrase");
        path
    }

    /// Whether stock OpenSSH finds that this person has signed this text.
    pub(crate) fn ssh_verifies(
        &self,
        signers: &Path,
        person: &str,
        namespace: &str,
        armored: &str,
        text: &str,
    ) -> bool {
        let dir = self.scratch();
        for (name, text) in [("signature", armored), ("text", text)] {
            fs::write(dir.join(name), text).expect("a file of the world");
        }
        let mut verify = self.command("ssh-keygen");
        verify
            .args(["-q", "-Y", "verify", "-I", person, "-n", namespace, "-f"])
            .arg(signers)
            .arg("-s")
            .arg(dir.join("signature"));
        verify.stdin(File::open(dir.join("text")).expect("a file of the world")).stderr(Stdio::null());
        verify.status().expect("ssh-keygen").success()
    }

    fn keep_key(&self, file: &str, private: &str, public: &str) -> PathBuf {
        let dir = self.home().join(".ssh");
        fs::create_dir_all(&dir).expect("a directory for keys");
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).expect("a directory of our own");
        let path = dir.join(file);
        fs::write(&path, private).expect("a key file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a file of our own");
        fs::write(dir.join(format!("{file}.pub")), public).expect("a key file");
        path
    }
}
