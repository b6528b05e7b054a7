use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use tempfile::TempDir;

use super::*;

const SPACE: &str = "deployctl-approval";
const TEXT: &[u8] = b"{\"kind\":\"approval\"}\n";

/// A directory with stock `ssh-keygen` in it.
struct Stock(TempDir);

impl Stock {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "the test asks stock OpenSSH")]
    fn keygen(&self, arguments: &[&str], stdin: Option<&Path>) -> Output {
        let input = stdin.map_or(Stdio::null(), |path| fs::File::open(path).unwrap().into());
        Command::new("ssh-keygen").args(arguments).current_dir(self.0.path()).stdin(input).output().unwrap()
    }

    fn make(&self, kind: &str, bits: &str) -> PublicKey {
        let made = self.keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-C", "alice", "-f", "key"], None);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::read_to_string(self.path("key.pub")).unwrap().parse().unwrap()
    }

    fn sign(&self, namespace: &str, options: &[&str]) -> String {
        fs::write(self.path("text"), TEXT).unwrap();
        let mut arguments = vec!["-Y", "sign", "-f", "key", "-n", namespace];
        arguments.extend(options);
        arguments.push("text");
        let signed = self.keygen(&arguments, None);
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        let text = fs::read_to_string(self.path("text.sig")).unwrap();
        fs::remove_file(self.path("text.sig")).unwrap();
        text
    }

    /// Whether `ssh-keygen -Y verify` says "Good".
    fn accepts(&self, key: &PublicKey, namespace: &str, message: &[u8], armored: &str) -> bool {
        fs::write(self.path("allowed"), format!("alice {}\n", key.line())).unwrap();
        fs::write(self.path("message"), message).unwrap();
        fs::write(self.path("message.sig"), armored).unwrap();
        let arguments =
            ["-Y", "verify", "-f", "allowed", "-I", "alice", "-n", namespace, "-s", "message.sig"];
        self.keygen(&arguments, Some(&self.path("message"))).status.success()
    }
}

fn proof(key: &PublicKey, hardware: Option<Hardware>) -> Result<Proof, SignatureError> {
    Ok(Proof { fingerprint: key.fingerprint(), hardware })
}

/// The parts of a signature, so that a test can make one of them wrong.
#[derive(Clone)]
struct Parts {
    magic: Vec<u8>,
    version: u32,
    key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    digest: Vec<u8>,
    signature: Vec<u8>,
    tail: Vec<u8>,
}

impl Parts {
    fn of(key: &PublicKey, signature: Vec<u8>) -> Self {
        Self {
            magic: MAGIC.to_vec(),
            version: 1,
            key: key.blob().to_vec(),
            namespace: SPACE.into(),
            reserved: vec![],
            digest: b"sha512".to_vec(),
            signature,
            tail: vec![],
        }
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = self.magic.clone();
        blob.extend(self.version.to_be_bytes());
        for field in [&self.key, &self.namespace, &self.reserved, &self.digest, &self.signature] {
            put_string(&mut blob, field);
        }
        blob.extend(&self.tail);
        blob
    }

    fn armored(&self) -> String {
        armor(&self.blob())
    }
}

/// A software Ed25519 key and its signature parts over the usual text.
fn session() -> (PublicKey, Parts) {
    let session = SessionKey::generate().unwrap();
    let value = session.pair.sign(&signed_data(SPACE, Hash::Sha512, TEXT));
    let mut signature = Vec::new();
    put_string(&mut signature, b"ssh-ed25519");
    put_string(&mut signature, value.as_ref());
    (session.public(), Parts::of(&session.public(), signature))
}

fn judge(key: &PublicKey, armored: &str) -> Result<Proof, SignatureError> {
    verify(key, SPACE, TEXT, armored)
}

/// What a device would sign with, in software.
enum Device {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Device {
    fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    fn ecdsa() -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::Ecdsa(EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap())
    }

    fn public(&self, application: &str) -> PublicKey {
        let mut blob = Vec::new();
        let fields: [&[u8]; 3] = match self {
            Self::Ed25519(pair) => {
                [b"sk-ssh-ed25519@openssh.com", pair.public_key().as_ref(), application.as_bytes()]
            }
            Self::Ecdsa(pair) => {
                put_string(&mut blob, b"sk-ecdsa-sha2-nistp256@openssh.com");
                [b"nistp256", pair.public_key().as_ref(), application.as_bytes()]
            }
        };
        for field in fields {
            put_string(&mut blob, field);
        }
        PublicKey::from_blob(&blob).unwrap()
    }

    fn value(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => pair.sign(text).as_ref().to_vec(),
            Self::Ecdsa(pair) => {
                let fixed = pair.sign(&SystemRandom::new(), text).unwrap();
                numbers(&fixed.as_ref()[..32], &fixed.as_ref()[32..])
            }
        }
    }

    /// The signature that a FIDO device gives through `ssh-keygen`.
    fn sign(&self, flags: u8, counter: u32) -> (PublicKey, Parts) {
        let key = self.public("ssh:");
        let text = device_text(&key, flags, counter, &[], &signed_data(SPACE, Hash::Sha512, TEXT));
        let mut signature = Vec::new();
        put_string(&mut signature, key.algorithm().name().as_bytes());
        put_string(&mut signature, &self.value(&text));
        signature.push(flags);
        signature.extend(counter.to_be_bytes());
        let parts = Parts::of(&key, signature);
        (key, parts)
    }

    /// The signature that a passkey gives through a browser.
    fn browse(&self, flags: u8, origin: &str, client: &str, extensions: &[u8]) -> (PublicKey, Parts) {
        let key = self.public("example.com");
        let text = device_text(&key, flags, 7, extensions, client.as_bytes());
        let mut signature = Vec::new();
        put_string(&mut signature, WEBAUTHN.as_bytes());
        put_string(&mut signature, &self.value(&text));
        signature.push(flags);
        signature.extend(7_u32.to_be_bytes());
        for field in [origin.as_bytes(), client.as_bytes(), extensions] {
            put_string(&mut signature, field);
        }
        let parts = Parts::of(&key, signature);
        (key, parts)
    }
}

/// Two numbers as SSH writes them.
fn numbers(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    for number in [r, s] {
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
        let mut digits = number[start..].to_vec();
        if digits.first().is_some_and(|byte| byte & 0x80 != 0) {
            digits.insert(0, 0);
        }
        put_string(&mut field, &digits);
    }
    field
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(signed_data(SPACE, Hash::Sha512, TEXT))
}

fn client(kind: &str, challenge: &str, origin: &str) -> String {
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
}

const ORIGIN: &str = "https://example.com";

#[test]
fn signatures_of_stock_ssh_keygen_verify() {
    for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384")] {
        let stock = Stock::new();
        let key = stock.make(kind, bits);
        for options in [&[][..], &["-O", "hashalg=sha256"][..]] {
            let armored = stock.sign(SPACE, options);
            assert_eq!(judge(&key, &armored), proof(&key, None), "{kind} {bits}");
            assert_eq!(key_of(&armored), Ok(key.clone()));
        }
        let elsewhere = stock.sign("file", &[]);
        assert_eq!(
            judge(&key, &elsewhere),
            Err(SignatureError::Namespace { found: "file".to_owned(), wanted: SPACE.to_owned() })
        );
        assert_eq!(
            verify(&key, SPACE, b"another text", &stock.sign(SPACE, &[])),
            Err(SignatureError::Invalid)
        );
    }
}

#[test]
fn rsa_signatures_of_stock_ssh_keygen_are_refused_with_the_way_out() {
    let stock = Stock::new();
    let made = stock.keygen(&["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "key"], None);
    assert!(made.status.success());
    let armored = stock.sign(SPACE, &[]);
    let (enrolled, _) = session();
    let refusal = "`ssh-rsa` keys cannot sign here: make one that can with `ssh-keygen -t ed25519`";
    assert_eq!(judge(&enrolled, &armored).unwrap_err().to_string(), refusal);
    assert_eq!(key_of(&armored).unwrap_err().to_string(), refusal);
}

#[test]
fn stock_ssh_keygen_accepts_the_signatures_of_a_session() {
    let stock = Stock::new();
    let session = SessionKey::generate().unwrap();
    let armored = session.sign("deployctl-session", TEXT);
    assert!(stock.accepts(&session.public(), "deployctl-session", TEXT, &armored));
    assert!(!stock.accepts(&session.public(), "deployctl-session", b"other", &armored));
    let judged = verify(&session.public(), "deployctl-session", TEXT, &armored);
    assert_eq!(judged, proof(&session.public(), None));
    assert_ne!(SessionKey::generate().unwrap().public(), session.public());
}

#[test]
fn a_device_reports_touch_pin_and_counter_and_stock_agrees() {
    let stock = Stock::new();
    for device in [Device::ed25519(), Device::ecdsa()] {
        for flags in [0, 1, 4, 5, 0x1d, 0xff] {
            let (key, parts) = device.sign(flags, 4_000_000_000);
            let expected =
                Hardware { touch: flags & 1 != 0, verified: flags & 4 != 0, counter: 4_000_000_000 };
            assert_eq!(judge(&key, &parts.armored()), proof(&key, Some(expected)));
            assert!(stock.accepts(&key, SPACE, TEXT, &parts.armored()), "flags {flags:#x}");
        }
    }
}

#[test]
fn every_flag_of_a_device_is_read_as_signed() {
    for device in [Device::ed25519(), Device::ecdsa()] {
        for flags in 0..=255 {
            let (key, parts) = device.sign(flags, 3);
            let expected = Hardware { touch: flags & 1 != 0, verified: flags & 4 != 0, counter: 3 };
            assert_eq!(judge(&key, &parts.armored()), proof(&key, Some(expected)));
        }
    }
}

#[test]
fn a_touch_added_after_signing_is_found() {
    for device in [Device::ed25519(), Device::ecdsa()] {
        let (key, mut parts) = device.sign(0, 3);
        let flags = parts.signature.len() - 5;
        parts.signature[flags] = 1;
        assert_eq!(judge(&key, &parts.armored()), Err(SignatureError::Invalid));
    }
}

#[test]
fn a_passkey_of_another_application_does_not_verify() {
    let device = Device::ed25519();
    let (_, parts) = device.sign(1, 3);
    let other = device.public("ssh:other");
    let forged = Parts { key: other.blob().to_vec(), ..parts };
    assert_eq!(judge(&other, &forged.armored()), Err(SignatureError::Invalid));
}

#[test]
fn a_passkey_signs_through_a_browser_and_stock_agrees() {
    let stock = Stock::new();
    let device = Device::ecdsa();
    let bare = format!(r#"{{"type":"webauthn.get","challenge":"{}","origin":"{ORIGIN}"}}"#, challenge());
    let usual = client("webauthn.get", &challenge(), ORIGIN);
    for (flags, client, extensions) in
        [(0, &usual, &[][..]), (1, &usual, &[]), (5, &bare, &[]), (0x85, &usual, &[0xa1, 1, 2])]
    {
        let (key, parts) = device.browse(flags, ORIGIN, client, extensions);
        let expected = Hardware { touch: flags & 1 != 0, verified: flags & 4 != 0, counter: 7 };
        assert_eq!(judge(&key, &parts.armored()), proof(&key, Some(expected)));
        assert!(stock.accepts(&key, SPACE, TEXT, &parts.armored()), "flags {flags:#x}");
    }
}

#[test]
fn what_a_browser_signed_for_something_else_is_refused() {
    let device = Device::ecdsa();
    let why = |flags, origin: &str, client: &str, extensions: &[u8]| {
        let (key, parts) = device.browse(flags, origin, client, extensions);
        match judge(&key, &parts.armored()) {
            Err(SignatureError::Browser { why }) => why,
            other => panic!("{other:?}"),
        }
    };
    let good = client("webauthn.get", &challenge(), ORIGIN);
    let other = "it is for another text, purpose or origin";
    assert_eq!(why(5, ORIGIN, &client("webauthn.create", &challenge(), ORIGIN), &[]), other);
    assert_eq!(why(5, ORIGIN, &client("webauthn.get", "AAAA", ORIGIN), &[]), other);
    assert_eq!(why(5, ORIGIN, &client("webauthn.get", &challenge(), "https://evil.example"), &[]), other);
    assert_eq!(why(5, ORIGIN, &format!(" {good}"), &[]), other);
    assert_eq!(
        why(5, r"https:\u002f/x", &client("webauthn.get", &challenge(), r"https:\u002f/x"), &[]),
        other
    );
    assert_eq!(why(5, "a\"b", &good, &[]), "its origin holds a quotation mark");
    assert_eq!(why(0x45, ORIGIN, &good, &[]), "it comes from the registration of a key");
    assert_eq!(why(0x85, ORIGIN, &good, &[]), "its flags and its extensions disagree");
    assert_eq!(why(5, ORIGIN, &good, &[0xa0]), "its flags and its extensions disagree");
    let no_json = "its client data is not one JSON object";
    assert_eq!(why(5, ORIGIN, &format!("{good}{{}}"), &[]), no_json);
    let twice = good.replace(r#""crossOrigin":false"#, r#""type":"webauthn.create""#);
    assert_eq!(why(5, ORIGIN, &twice, &[]), no_json);
}

#[test]
fn a_browsers_signature_counts_only_for_ecdsa_hardware_keys() {
    let (key, parts) =
        Device::ed25519().browse(5, ORIGIN, &client("webauthn.get", &challenge(), ORIGIN), &[]);
    assert_eq!(
        judge(&key, &parts.armored()),
        Err(SignatureError::Algorithm { key: "sk-ssh-ed25519@openssh.com", signature: WEBAUTHN.to_owned() })
    );
}

#[test]
fn key_type_and_algorithm_must_belong_together() {
    let (key, parts) = session();
    for name in ["ssh-rsa", "rsa-sha2-512", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", ""] {
        let mut signature = Vec::new();
        put_string(&mut signature, name.as_bytes());
        put_string(&mut signature, &[1; 64]);
        let forged = Parts { signature, ..parts.clone() };
        let expected = SignatureError::Algorithm { key: "ssh-ed25519", signature: name.to_owned() };
        assert_eq!(judge(&key, &forged.armored()), Err(expected));
    }
}

#[test]
fn somebody_elses_good_signature_is_not_the_enrolled_persons() {
    let (key, parts) = session();
    let (other, _) = session();
    assert_eq!(
        judge(&other, &parts.armored()),
        Err(SignatureError::WrongKey { found: key.fingerprint(), wanted: other.fingerprint() })
    );
    // The enrolled key put in by hand over the other's signature.
    let forged = Parts { key: other.blob().to_vec(), ..parts };
    assert_eq!(judge(&other, &forged.armored()), Err(SignatureError::Invalid));
}

#[test]
fn every_field_has_one_accepted_value() {
    let (key, parts) = session();
    let judged = |parts: Parts| judge(&key, &parts.armored());
    assert_eq!(judged(parts.clone()), proof(&key, None));
    assert_eq!(judged(Parts { version: 2, ..parts.clone() }), Err(SignatureError::Version { version: 2 }));
    assert_eq!(judged(Parts { version: 0, ..parts.clone() }), Err(SignatureError::Version { version: 0 }));
    assert_eq!(
        judged(Parts { magic: b"SSHSIH".to_vec(), ..parts.clone() }),
        Err(malformed("it does not start with `SSHSIG`"))
    );
    assert_eq!(
        judged(Parts { reserved: vec![0], ..parts.clone() }),
        Err(malformed("its reserved field is not empty"))
    );
    assert_eq!(
        judged(Parts { namespace: vec![], ..parts.clone() }),
        Err(malformed("its namespace is empty"))
    );
    for digest in ["sha1", "SHA512", "sha384", "sha512\0", ""] {
        let name = digest.escape_debug().to_string();
        let parts = Parts { digest: digest.into(), ..parts.clone() };
        assert_eq!(judged(parts), Err(SignatureError::Digest { name }));
    }
}

#[test]
fn nothing_rides_along_at_any_level() {
    let trailing = Err(malformed("bytes follow after its end"));
    let (key, parts) = session();
    assert_eq!(judge(&key, &Parts { tail: vec![0], ..parts.clone() }.armored()), trailing);
    let mut longer = parts.clone();
    longer.signature.push(0);
    assert_eq!(judge(&key, &longer.armored()), trailing);
    let mut longer = parts.clone();
    longer.key.push(0);
    let malformed_key = KeyError::Malformed { kind: "ssh-ed25519", why: "bytes follow after its end" };
    assert_eq!(judge(&key, &longer.armored()), Err(SignatureError::Key(malformed_key)));
    for device in [Device::ed25519(), Device::ecdsa()] {
        let (key, mut parts) = device.sign(5, 1);
        parts.signature.push(0);
        assert_eq!(judge(&key, &parts.armored()), trailing);
    }
    let (key, mut parts) =
        Device::ecdsa().browse(5, ORIGIN, &client("webauthn.get", &challenge(), ORIGIN), &[]);
    parts.signature.push(0);
    assert_eq!(judge(&key, &parts.armored()), trailing);
}

#[test]
fn the_armor_has_one_spelling_per_width() {
    let (key, parts) = session();
    let good = parts.armored();
    let base64 = STANDARD.encode(parts.blob());
    assert_eq!(judge(&key, &wrap(&base64, 76)), proof(&key, None));
    let body = good.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap();
    for bad in [
        String::new(),
        BEGIN.to_owned() + END,
        wrap(&base64, 64),
        wrap(&base64, base64.len()),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        format!("\n{good}"),
        format!(" {good}"),
        format!("{good}{good}"),
        good.replace('\n', "\r\n"),
        good.replacen("\n", "\n\n", 1),
        good.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        format!("{BEGIN}{}{END}", body.replacen('\n', " \n", 1)),
        format!("{BEGIN}{}{END}", body.replace('=', "")),
    ] {
        // Where there was no padding to take away, nothing was changed.
        if bad != good {
            assert_eq!(judge(&key, &bad), Err(SignatureError::Armor), "{bad}");
        }
    }
    let long = "A".repeat(ARMOR_MAX + 1);
    assert_eq!(judge(&key, &long), Err(SignatureError::TooLong { bytes: ARMOR_MAX + 1 }));
}

#[test]
fn unused_bits_of_the_last_base64_digit_must_be_zero() {
    // Three bytes more or less make the padding appear; the key check comes later, so any blob will do.
    let blob = [b"SSHSIG".to_vec(), vec![0; 4]].concat();
    let base64 = STANDARD.encode(&blob);
    assert_eq!(base64, "U1NIU0lHAAAAAA==");
    assert_eq!(dearmor(&armor(&blob)), Ok(blob));
    assert_eq!(dearmor(&wrap("U1NIU0lHAAAAAB==", 70)), Err(SignatureError::Armor));
}

/// The order of P-256 (SEC 2, section 2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn order_minus(s: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut result = vec![0; 32];
    for index in (0..32).rev() {
        let difference = i16::from(ORDER[index]) - i16::from(s[index]) - borrow;
        borrow = i16::from(difference < 0);
        result[index] = difference.rem_euclid(256) as u8;
    }
    result
}

/// Why a signature with changed numbers is refused.
fn judged(change: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> SignatureError {
    let (key, armored) = with_numbers(change);
    judge(&key, &armored).unwrap_err()
}

/// A software `sk-ecdsa` signature whose two numbers are changed by `change`.
fn with_numbers(change: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> (PublicKey, String) {
    let device = Device::ecdsa();
    let Device::Ecdsa(pair) = &device else { unreachable!() };
    let key = device.public("ssh:");
    let text = device_text(&key, 1, 1, &[], &signed_data(SPACE, Hash::Sha512, TEXT));
    let fixed = pair.sign(&SystemRandom::new(), &text).unwrap();
    let mut signature = Vec::new();
    put_string(&mut signature, b"sk-ecdsa-sha2-nistp256@openssh.com");
    put_string(&mut signature, &change(&fixed.as_ref()[..32], &fixed.as_ref()[32..]));
    signature.extend([1, 0, 0, 0, 1]);
    let armored = Parts::of(&key, signature).armored();
    (key, armored)
}

#[test]
fn the_second_valid_ecdsa_signature_is_the_same_proof() {
    let stock = Stock::new();
    let (key, armored) = with_numbers(|r, s| numbers(r, &order_minus(s)));
    let hardware = Hardware { touch: true, verified: false, counter: 1 };
    assert_eq!(judge(&key, &armored), proof(&key, Some(hardware)));
    assert!(stock.accepts(&key, SPACE, TEXT, &armored));
}

#[test]
fn numbers_out_of_range_or_oddly_written_are_refused() {
    let raw = |r: &[u8], s: &[u8]| {
        let mut field = Vec::new();
        put_string(&mut field, r);
        put_string(&mut field, s);
        field
    };
    let padded = |s: &[u8]| [&[0, 0], s].concat();
    assert_eq!(judged(|r, s| numbers(r, s)[..20].to_vec()), SHORT);
    assert_eq!(judged(|r, s| raw(&padded(r), s)), malformed("one of its numbers is not canonical"));
    assert_eq!(judged(|_, s| raw(&[0x80; 32], s)), malformed("one of its numbers is not canonical"));
    assert_eq!(judged(|_, s| raw(&[], s)), malformed("one of its numbers is zero"));
    assert_eq!(judged(|_, s| raw(&[0], s)), malformed("one of its numbers is not canonical"));
    assert_eq!(judged(|_, s| raw(&[1; 33], s)), malformed("one of its numbers is too large"));
    assert_eq!(judged(|r, _| numbers(r, &ORDER)), SignatureError::Invalid);
    assert_eq!(judged(|_, s| numbers(&ORDER, s)), SignatureError::Invalid);
    assert_eq!(judged(|r, s| [numbers(r, s), vec![0]].concat()), malformed("bytes follow after its end"));
}

#[test]
fn ed25519_values_of_another_length_or_range_are_refused() {
    let (key, parts) = session();
    let with_value = |value: &[u8]| {
        let mut signature = Vec::new();
        put_string(&mut signature, b"ssh-ed25519");
        put_string(&mut signature, value);
        judge(&key, &Parts { signature, ..parts.clone() }.armored()).unwrap_err()
    };
    assert_eq!(with_value(&[1; 63]), malformed("it has the wrong length"));
    assert_eq!(with_value(&[1; 65]), malformed("it has the wrong length"));
    // The same signature with the group's order added to its second half: the malleability of Ed25519.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut value = parts.signature[parts.signature.len() - 64..].to_vec();
    let mut carry = 0;
    for (byte, add) in value[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(with_value(&value), SignatureError::Invalid);
}

/// One good signature of each form.
fn samples() -> Vec<(PublicKey, Parts)> {
    vec![
        session(),
        Device::ed25519().sign(5, 9),
        Device::ecdsa().sign(5, 9),
        Device::ecdsa().browse(0x85, ORIGIN, &client("webauthn.get", &challenge(), ORIGIN), &[0xa0]),
    ]
}

#[test]
fn cut_short_anywhere_it_is_refused_and_nothing_panics() {
    for (key, parts) in samples() {
        let (blob, armored) = (parts.blob(), parts.armored());
        for length in 0..blob.len() {
            assert!(judge(&key, &armor(&blob[..length])).is_err(), "{length}");
        }
        for length in 0..armored.len() {
            assert_eq!(judge(&key, &armored[..length]), Err(SignatureError::Armor), "{length}");
        }
    }
}

#[test]
fn any_single_bit_flipped_is_refused() {
    for (key, parts) in samples() {
        let blob = parts.blob();
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(judge(&key, &armor(&flipped)).is_err(), "bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn a_changed_character_of_the_armor_is_refused(index in 0_usize..2000, byte in 0_u8..128) {
        for (key, parts) in samples() {
            let mut text = parts.armored().into_bytes();
            let index = index % text.len();
            prop_assume!(text[index] != byte);
            text[index] = byte;
            prop_assert!(judge(&key, std::str::from_utf8(&text).unwrap()).is_err());
        }
    }

    #[test]
    fn no_input_makes_the_reader_panic(text in "\\PC*", blob in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (key, parts) = session();
        prop_assert!(judge(&key, &text).is_err());
        prop_assert!(judge(&key, &armor(&blob)).is_err());
        prop_assert!(key_of(&armor(&blob)).is_err());
        let forged = Parts { signature: blob, ..parts };
        prop_assert!(judge(&key, &forged.armored()).is_err());
    }

    #[test]
    fn armor_and_back_is_the_same(blob in proptest::collection::vec(any::<u8>(), 1..500)) {
        prop_assert_eq!(dearmor(&armor(&blob)), Ok(blob));
    }
}
