use proptest::prelude::*;

use super::*;

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMO2NldBu3s87/sXrdRL95wPjRGZANelhuZ3oevGjtEK";
const P256: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCJBYY0m5uQ6KaIOzqG/YchyafzdtybieNewo0DuD7HLElPn7V+4lqDZjIRHM2hyvTctIbqSxmhA1qOnjsLeYNs=";
const P384: &str = "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBNx8GY4IRWvwn37jF+sf0jCzu/TX84CxYhVzMxlszNhRkCc3ziNK//NxxppZJFGtj8xcEWLEr46VPc0GwuErOd1IEreu4uwZbSXzWY5Y0h8zTDLtcdoPDi2JG3wk4YkK+g==";
const P521: &str = "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBACt7jLpKywAoJf0J+B+HtSvVCQiXTu4ViMU199Sj0B0y0og8HAHHkfI1RaCDdhQZasUrDW/OC15B2tAS4i6wmpGvgHl5JoWP+fYIKRtxuwGqPQtIcI6x7KM5zey51JebSPOn/HGIXk1isXbiBFnk0Z7fEMRGlqt4B8WFA6/ab6seiKWSw==";
const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDN8rzzXuft9+WrfUbdD8tYeYjN208q7JlJyry8IJBRnM4lubKd6BO8XB0ama65pyMxK5AHXt9tCiCN1e3+Sle/BwL7/ml3euKZSBBGkgmN6h0gtaQj4wsjmoULHtaTTwb5wa1/8f45ZS3YHMZxuFSFNnFxQJ1qH+s3c8jbgW++Jw==";
const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIH4Pbs2Fsjd3kzPv0MhDCkizUaCCvptLAtH7V45tz7Xa";

fn key(line: &str) -> PublicKey {
    line.parse().unwrap()
}

fn refused(line: &str) -> String {
    line.parse::<PublicKey>().unwrap_err().to_string()
}

/// A blob of these fields, and its line under the type of the first one.
fn line_of(fields: &[&[u8]]) -> String {
    let mut blob = Vec::new();
    for field in fields {
        put_string(&mut blob, field);
    }
    format!("{} {}", std::str::from_utf8(fields[0]).unwrap(), STANDARD.encode(blob))
}

fn point(length: usize) -> Vec<u8> {
    let mut point = vec![9; length];
    point[0] = 4;
    point
}

#[test]
fn keys_of_ssh_keygen_are_read_with_its_fingerprints() {
    let fingerprint = |line| (key(line).algorithm(), key(line).fingerprint());
    let expected = |text: &str| text.to_owned();
    assert_eq!(
        fingerprint(ED25519),
        (Algorithm::Ed25519, expected("SHA256:Jx+MU6JTWjLZz8Fq5Hw4w8vckFroxFRib0jisLppNcQ"))
    );
    assert_eq!(
        fingerprint(P256),
        (Algorithm::EcdsaP256, expected("SHA256:dHyErfcOHH8P+USiBMM6yCkMs3xG4M7DK8++UQFvDmI"))
    );
    assert_eq!(
        fingerprint(P384),
        (Algorithm::EcdsaP384, expected("SHA256:yUpRMH143AaAiBowkEa5EqN2oPkHLn7odnEYUHDl/yo"))
    );
    for line in [ED25519, P256, P384] {
        assert_eq!(key(line).line(), line);
        assert_eq!(key(line).application(), None);
        assert!(!key(line).is_hardware());
        assert_eq!(PublicKey::from_blob(key(line).blob()), Ok(key(line)));
    }
}

#[test]
fn hardware_keys_know_their_application() {
    let ed25519 = key(&line_of(&[b"sk-ssh-ed25519@openssh.com", &[7; 32], b"ssh:work"]));
    let ecdsa =
        key(&line_of(&[b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", &point(65), b"example.com"]));
    assert!(ed25519.is_hardware() && ecdsa.is_hardware());
    assert_eq!(ed25519.application(), Some("ssh:work"));
    assert_eq!(ecdsa.application(), Some("example.com"));
    assert_eq!(ed25519.point(), [7; 32]);
    assert_eq!(ecdsa.point(), point(65));
}

#[test]
fn a_comment_is_kept_apart_from_the_key() {
    let plain = key(ED25519);
    let commented = key(&format!("  {ED25519}  alice at home \n"));
    assert_eq!(commented, plain);
    assert_eq!(commented.comment(), "alice at home");
    assert_eq!(commented.line(), ED25519);
    assert_eq!(plain.comment(), "");
    assert_eq!(std::collections::HashSet::from([plain, commented]).len(), 1);
}

#[test]
fn what_cannot_sign_is_refused_by_name_and_with_the_line_that_makes_a_key() {
    assert_eq!(
        refused(RSA),
        "`ssh-rsa` keys cannot sign here: make one that can with `ssh-keygen -t ed25519`"
    );
    assert_eq!(
        refused(P521),
        "`ecdsa-sha2-nistp521` keys cannot sign here: make one that can with `ssh-keygen -t ed25519`"
    );
    assert_eq!(
        refused("ssh-dss AAAA"),
        "`ssh-dss` keys cannot sign here: make one that can with `ssh-keygen -t ed25519`"
    );
    assert_eq!(
        refused(CERTIFICATE),
        "`ssh-ed25519-cert-v01@openssh.com` is a certificate and cannot sign here: give the plain key, or make one with `ssh-keygen -t ed25519`"
    );
    let rsa = STANDARD.decode(RSA.split(' ').nth(1).unwrap()).unwrap();
    assert_eq!(PublicKey::from_blob(&rsa), Err(KeyError::Unsupported { kind: "ssh-rsa".to_owned() }));
}

#[test]
fn a_private_key_is_refused_and_not_repeated() {
    let text = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";
    assert_eq!(text.parse::<PublicKey>(), Err(KeyError::Private));
    assert!(!refused(text).contains("c2VjcmV0"));
}

#[test]
fn the_line_and_the_key_in_it_must_name_the_same_type() {
    let base64 = P256.split(' ').nth(1).unwrap();
    assert_eq!(
        refused(&format!("ssh-ed25519 {base64}")),
        "the line says `ssh-ed25519` but the key in it is `ecdsa-sha2-nistp256`: copy the whole line of the `.pub` file again"
    );
    let base64 = ED25519.split(' ').nth(1).unwrap();
    assert_eq!(
        format!("sk-ssh-ed25519@openssh.com {base64}").parse::<PublicKey>(),
        Err(KeyError::Mismatch { line: "sk-ssh-ed25519@openssh.com", blob: "ssh-ed25519" })
    );
}

#[test]
fn only_the_canonical_base64_is_read() {
    let damaged = Err(KeyError::Base64 { kind: "ecdsa-sha2-nistp256" });
    // The same bytes with an unused bit set, without padding, and with too much of it.
    let other_bits = P256.replace("YNs=", "YNt=");
    assert_ne!(other_bits, P256);
    assert_eq!(other_bits.parse::<PublicKey>(), damaged);
    assert_eq!(P256.trim_end_matches('=').parse::<PublicKey>(), damaged);
    assert_eq!(format!("{P256}=").parse::<PublicKey>(), damaged);
    assert_eq!(P256.replace('/', "_").parse::<PublicKey>(), damaged);
}

#[test]
fn lengths_are_exact_and_nothing_follows() {
    let why = |line: String| match line.parse::<PublicKey>() {
        Err(KeyError::Malformed { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    let ed25519: &[u8] = b"ssh-ed25519";
    let p256: &[u8] = b"ecdsa-sha2-nistp256";
    let sk: &[u8] = b"sk-ssh-ed25519@openssh.com";
    let mut compressed = point(65);
    compressed[0] = 2;
    assert_eq!(why(line_of(&[ed25519, &[7; 31]])), "its point has the wrong length");
    assert_eq!(why(line_of(&[ed25519, &[7; 33]])), "its point has the wrong length");
    assert_eq!(why(line_of(&[ed25519, &[7; 32], b""])), "bytes follow after its end");
    assert_eq!(why(line_of(&[ed25519])), "it ends too early");
    assert_eq!(why(line_of(&[p256, b"nistp256", &point(33)])), "its point has the wrong length");
    assert_eq!(why(line_of(&[p256, b"nistp256", &compressed])), "its point is not uncompressed");
    assert_eq!(why(line_of(&[p256, b"nistp384", &point(97)])), "its curve is another one");
    let application = "its application is not 1 to 255 printable ASCII characters";
    assert_eq!(why(line_of(&[sk, &[7; 32]])), "its application is cut short or no text");
    assert_eq!(why(line_of(&[sk, &[7; 32], b""])), application);
    assert_eq!(why(line_of(&[sk, &[7; 32], b"ssh:\x1b[2K"])), application);
    assert_eq!(why(line_of(&[sk, &[7; 32], &[b'a'; 256]])), application);
    assert_eq!(why(line_of(&[sk, &[7; 32], b"ssh:", b"more"])), "bytes follow after its end");
}

#[test]
fn a_point_for_which_anybody_can_sign_is_no_key() {
    let weak = Err(KeyError::Weak { kind: "ssh-ed25519" });
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::ed25519(&identity), weak);
    identity[31] = 0x80;
    assert_eq!(PublicKey::ed25519(&identity), weak);
    assert_eq!(PublicKey::ed25519(&[0; 32]), weak);
    let sk = line_of(&[b"sk-ssh-ed25519@openssh.com", &[0; 32], b"ssh:"]);
    assert_eq!(sk.parse::<PublicKey>(), Err(KeyError::Weak { kind: "sk-ssh-ed25519@openssh.com" }));
    assert!(PublicKey::ed25519(&[2; 32]).is_ok());
}

#[test]
fn options_other_shapes_and_escapes_are_no_key_line() {
    let shape = |text: &str| KeyError::Shape { shown: text.to_owned() };
    let error = |text: &str| text.parse::<PublicKey>().unwrap_err();
    assert_eq!(error(""), shape(""));
    assert_eq!(error("ssh-ed25519"), shape("ssh-ed25519"));
    assert_eq!(error("alice ssh-ed25519 AAAA"), shape("alice ssh-ed25519 AAAA"));
    assert_eq!(error("ssh-ed25519\u{1b}[2K x"), shape("ssh-ed25519\\u{1b}[2K x"));
    assert_eq!(
        error(&format!("no-touch-required {ED25519}")),
        shape("no-touch-required ssh-ed25519 AAAAC3NzaC…")
    );
    let two = format!("{ED25519}\n{P256}");
    assert!(matches!(error(&two), KeyError::Shape { .. }));
    assert_eq!(error(&format!("{ED25519} {}", "x".repeat(5000))), KeyError::TooLong { bytes: 5081 });
}

#[test]
fn in_documents_a_key_is_its_line() {
    let json = serde_json::to_string(&key(&format!("{ED25519} alice"))).unwrap();
    assert_eq!(json, format!("\"{ED25519}\""));
    assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key(ED25519));
    let error = serde_json::from_str::<PublicKey>("\"ssh-rsa AAAA\"").unwrap_err().to_string();
    assert!(error.starts_with("`ssh-rsa` keys cannot sign here: "), "{error}");
}

#[test]
fn a_proof_is_written_with_the_flags_of_the_device() {
    let hardware = Some(Hardware { touch: true, verified: false, counter: 41 });
    let proof = Proof { fingerprint: "SHA256:x".to_owned(), hardware };
    assert_eq!(
        serde_json::to_string(&proof).unwrap(),
        r#"{"fingerprint":"SHA256:x","hardware":{"touch":true,"verified":false,"counter":41}}"#
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", kind in "(ssh-ed25519|sk-ssh-ed25519@openssh.com) [A-Za-z0-9+/=]{0,99}") {
        let _ = text.parse::<PublicKey>();
        let _ = kind.parse::<PublicKey>();
    }

    #[test]
    fn whatever_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200, line in 0_usize..3) {
        let blob = STANDARD.decode([ED25519, P256, P384][line].split(' ').nth(1).unwrap()).unwrap();
        let mut blob = blob[..cut.min(blob.len())].to_vec();
        blob.extend(bytes);
        if let Ok(key) = PublicKey::from_blob(&blob) {
            prop_assert_eq!(key.blob(), &blob[..]);
            prop_assert_eq!(key.line().parse::<PublicKey>().unwrap(), key);
        }
    }
}
