use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Payload, PayloadError, Root, Statement, Verdict};
use crate::gate::config::ActionKind;
use crate::gate::fixture::{Book, approval, by, config, minutes, person, reference, release, rules, signoff};
use crate::gate::request::Request;
use crate::gate::signoffs::Signoff;
use crate::gate::statement::{
    AutomaticRollback, Ending, Finding, OutcomeStatement, Progress, Review, Revocation, StepEnd, StepResult,
    canonical,
};
use crate::gate::terms::Digest;

/// One payload of each kind.
fn payloads() -> Vec<Payload> {
    let mut book = Book::founded(&config(&[]));
    let request = book.request("production", 1);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    let execution = Digest::of(b"execution");
    let step = StepResult {
        step: "release".to_owned(),
        result: StepEnd::TimedOut,
        exit: None,
        milliseconds: 600_000,
        log: Digest::of(b""),
    };
    let reason = "a \"quoted\" reason, naïve ☃\n".to_owned();
    let statements = vec![
        rules("x", 2, Some(Digest::of(b"before"))),
        Statement::Approval(Box::new(approval(&request, Verdict::Hold, 1))),
        Statement::Revocation(Revocation {
            request: reference(&request),
            environment: request.environment.clone(),
            reason: reason.clone(),
            presence: person(),
        }),
        Statement::Execution(Box::new(book.execution(by("alice", 2), &request, ActionKind::Deploy))),
        Statement::Progress(Progress { execution, step }),
        Statement::Outcome(OutcomeStatement {
            execution,
            ending: Ending::Failed,
            failed_step: Some("release".to_owned()),
            watched: None,
        }),
        Statement::AutomaticRollback(Box::new(AutomaticRollback {
            execution,
            environment: request.environment.clone(),
            release: release(1),
            triggers: vec![],
            plan: Digest::of(b"plan"),
            lease_until: minutes(30),
        })),
        Statement::Review(Review {
            execution,
            finding: Finding::Interruption { ending: Ending::Succeeded },
            reason: reason.clone(),
            presence: person(),
        }),
        Statement::Review(Review {
            execution,
            finding: Finding::Incident { report: Digest::of(b"report") },
            reason: reason.clone(),
            presence: person(),
        }),
        Statement::Review(Review {
            execution,
            finding: Finding::Release { fix: None },
            reason: reason.clone(),
            presence: person(),
        }),
        Statement::Review(Review {
            execution,
            finding: Finding::Rollback { report: Digest::of(b"report") },
            reason: reason.clone(),
            presence: person(),
        }),
        Statement::Signoff(Box::new(Signoff { reason: Some(reason), ..signoff(&request, Verdict::Deny) })),
    ];
    statements.into_iter().map(|statement| book.payload(by("alice", 3), statement)).collect()
}

fn text(payload: &Payload) -> String {
    String::from_utf8(payload.bytes().unwrap()).unwrap()
}

fn read(text: &str) -> Result<Payload, PayloadError> {
    Payload::read(text.as_bytes())
}

#[test]
fn every_kind_comes_back_from_its_own_bytes() {
    for payload in payloads() {
        assert_eq!(read(&text(&payload)), Ok(payload));
    }
}

#[test]
fn bytes_are_canonical_keys_sorted_and_no_space() {
    let bytes = text(&payloads()[5]);
    let digest = Digest::of(b"execution");
    let tip = serde_json::from_str::<serde_json::Value>(&bytes).unwrap();
    assert_eq!(
        bytes,
        format!(
            "{{\"at\":\"2026-11-23T10:03:00Z\",\"attachments\":{{}},\"by\":\"alice\",\"ending\":\"failed\",\
             \"execution\":\"{digest}\",\"failed_step\":\"release\",\"kind\":\"outcome\",\"previous\":{},\
             \"repository\":{},\"schema\":\"deployctl/1\",\"sequence\":3}}",
            tip["previous"], tip["repository"]
        )
    );
}

#[test]
fn an_unknown_a_doubled_a_moved_or_a_spaced_key_is_refused() {
    for payload in payloads() {
        let good = text(&payload);
        assert_eq!(read(&format!(" {good}")), Err(PayloadError::NotCanonical));
        assert_eq!(read(&format!("{good}\n")), Err(PayloadError::NotCanonical));
        assert_eq!(read(&good.replacen("{\"", "{ \"", 1)), Err(PayloadError::NotCanonical));
        let unknown = format!("{},\"zzz\":1}}", &good[..good.len() - 1]);
        assert!(read(&unknown).is_err(), "{unknown}");
        let doubled = format!("{},\"sequence\":3}}", &good[..good.len() - 1]);
        assert!(read(&doubled).is_err(), "{doubled}");
        let at = "\"at\":\"2026-11-23T10:03:00Z\",";
        let moved =
            format!("{},{}}}", &good.replace(at, "")[..good.len() - at.len() - 1], at.trim_end_matches(','));
        assert_eq!(read(&moved), Err(PayloadError::NotCanonical), "{moved}");
    }
}

#[test]
fn the_same_moment_in_other_words_is_refused() {
    let good = text(&payloads()[0]);
    for other in ["2026-11-23T11:03:00+01:00", "2026-11-23T10:03:00.000Z", "2026-11-23 10:03:00Z"] {
        let spoilt = good.replace("2026-11-23T10:03:00Z", other);
        assert!(read(&spoilt).is_err(), "{other}");
    }
    assert!(read(&good.replace("\"sequence\":3", "\"sequence\":3.0")).is_err());
}

#[test]
fn another_schema_is_named() {
    let other = text(&payloads()[0]).replace("deployctl/1", "deployctl/2");
    assert_eq!(
        read(&other).unwrap_err().to_string(),
        "the payload has the schema `deployctl/2`, and this version reads `deployctl/1`"
    );
    let hostile = text(&payloads()[0]).replace("deployctl/1", "\\u001b[2J");
    assert_eq!(
        read(&hostile).unwrap_err().to_string(),
        "the payload has the schema `\\u{1b}[2J`, and this version reads `deployctl/1`"
    );
}

#[test]
fn a_statement_of_an_unknown_kind_is_refused() {
    let other = text(&payloads()[5]).replace("\"kind\":\"outcome\"", "\"kind\":\"sign-off\"");
    assert!(matches!(read(&other), Err(PayloadError::Malformed { .. })));
}

#[test]
fn each_kind_has_a_namespace_and_a_word_of_its_own_and_only_a_session_shares_one() {
    let payloads = payloads();
    let names: Vec<(&str, &str, bool)> = payloads
        .iter()
        .map(|payload| &payload.statement)
        .map(|statement| (statement.word(), statement.namespace(), statement.by_session()))
        .collect();
    let mut names = names;
    names.dedup();
    assert_eq!(
        names,
        [
            ("policy", "deployctl-policy", false),
            ("approval", "deployctl-approval", false),
            ("revocation", "deployctl-revocation", false),
            ("execution", "deployctl-execution", false),
            ("progress", "deployctl-session", true),
            ("outcome", "deployctl-session", true),
            ("automatic rollback", "deployctl-session", true),
            ("review", "deployctl-review", false),
            ("sign-off", "deployctl-signoff", false),
        ]
    );
    let distinct: BTreeSet<&str> = names.iter().map(|(_, namespace, _)| *namespace).collect();
    assert_eq!(distinct.len(), 7);
}

#[test]
fn a_root_is_written_as_openssh_writes_fingerprints() {
    let root = Root::of(b"");
    assert_eq!(root.to_string(), "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    assert_eq!(root.to_string().parse(), Ok(root));
    for wrong in ["", "SHA256:", "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "SHA256:47DE"] {
        assert!(wrong.parse::<Root>().is_err(), "{wrong}");
    }
}

#[test]
fn a_request_comes_back_only_from_its_own_bytes_and_names_itself_by_them() {
    let request = Book::founded(&config(&[])).request("production", 1);
    let bytes = request.bytes().unwrap();
    assert_eq!(Request::read(&bytes), Ok(request.clone()));
    let reference = request.reference(&bytes);
    assert_eq!(reference.id, format!("v1-{}", Digest::of(&bytes).short()));
    let text = String::from_utf8(bytes).unwrap();
    for spoilt in [
        format!("{text}\n"),
        format!("{},\"zzz\":1}}", &text[..text.len() - 1]),
        text.replace("deployctl/1", "deployctl/9"),
        text.replace("\"commits\":0", "\"commits\":0,\"commits\":0"),
        text.replace("\"commits\":0", "\"commits\":0,\"more\":0"),
        text.replace("\"urgency\":\"routine\"", "\"urgency\":\"whenever\""),
    ] {
        assert_ne!(spoilt, text);
        assert!(Request::read(spoilt.as_bytes()).is_err(), "{spoilt}");
    }
}

#[test]
fn what_is_no_json_object_cannot_be_canonical() {
    let odd = std::collections::BTreeMap::from([(vec![1_u8], 1)]);
    assert!(matches!(canonical(&odd), Err(PayloadError::Malformed { .. })));
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(read(&deep), Err(PayloadError::Malformed { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(payload) = Payload::read(&bytes) {
            prop_assert_eq!(payload.bytes().unwrap(), bytes.clone());
        }
        if let Ok(request) = Request::read(&bytes) {
            prop_assert_eq!(request.bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn a_payload_with_some_bytes_changed_is_refused_or_is_its_own_bytes(
        index in 0..7_usize,
        place in any::<prop::sample::Index>(),
        cut in 0..4_usize,
        put in prop::collection::vec(prop::sample::select(b"{}[]\",:0129eE.-+ truefalsn\\u\n\x00\xff".to_vec()), 0..4),
    ) {
        let mut bytes = payloads()[index].bytes().unwrap();
        let from = place.index(bytes.len());
        let to = (from + cut).min(bytes.len());
        bytes.splice(from..to, put);
        if let Ok(payload) = Payload::read(&bytes) {
            prop_assert_eq!(payload.bytes().unwrap(), bytes);
        }
    }
}
