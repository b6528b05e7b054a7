//! Statements of in-toto (v1) about approvals and test results. They are not signed: each names the ledger's entry that is.

use serde_json::{Value, json};

use super::line;
use crate::evidence::draft::TestFact;
use crate::gate::request::CheckState;
use crate::gate::statement::{Release, Root};
use crate::gate::terms::Digest;
use crate::gate::timeline::Vote;

/// The type of a statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The predicate of in-toto for a run of tests.
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// Our own: none of the vetted predicates is a person's verdict on a deployment.
const APPROVAL: &str = "urn:deployctl:approval:v1";

/// Statements, one a line.
#[must_use]
pub fn lines(statements: &[Value]) -> String {
    statements.iter().map(|statement| format!("{}\n", line(statement))).collect()
}

/// What a person said to a request.
#[must_use]
pub fn approval(root: Option<&Root>, vote: &Vote) -> Value {
    let said = &vote.approval;
    let predicate = json!({
        "verdict": said.verdict,
        "action": said.action,
        "environment": said.environment,
        "version": said.release.version,
        "request": said.request,
        "timestamp": vote.at,
        "reason": said.reason,
        "previous": said.previous_release,
        "tree": said.tree,
        "policy": said.policy,
        "checklist": said.checklist,
        "evidence": said.evidence,
        "confirmed": said.confirmed,
        "waived": said.waived,
        "emergency": said.emergency,
        "executeBy": said.execute_by,
        "presence": said.presence,
        "assurance": said.assurance,
        "revoked": vote.revoked,
        "ledger": ledger(root, vote),
    });
    statement(&said.release, APPROVAL, predicate)
}

/// What the evidence that an approval covers says of a check; `None` where nothing ran, or nobody knows.
#[must_use]
pub fn test_result(root: Option<&Root>, vote: &Vote, test: &TestFact) -> Option<Value> {
    let result = match test.state {
        CheckState::Passed if test.flaky > 0 => "WARNED",
        CheckState::Passed => "PASSED",
        CheckState::Failed => "FAILED",
        CheckState::Missing | CheckState::Stale | CheckState::Unreadable | CheckState::NotNeeded => {
            return None;
        }
    };
    let named = |wanted: &str| if result == wanted { vec![&test.check] } else { vec![] };
    let predicate = json!({
        "result": result,
        "configuration": [
            resource("policy", vote.approval.policy),
            resource("evidence.json", vote.approval.evidence),
        ],
        "passedTests": named("PASSED"),
        "warnedTests": named("WARNED"),
        "failedTests": named("FAILED"),
        "evidence": test,
        "ledger": ledger(root, vote),
    });
    Some(statement(&vote.approval.release, TEST_RESULT, predicate))
}

fn statement(release: &Release, predicate_type: &str, predicate: Value) -> Value {
    json!({
        "_type": STATEMENT,
        "subject": [{ "name": release.version, "digest": { "gitCommit": release.commit } }],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
}

fn resource(name: &str, digest: Digest) -> Value {
    json!({ "name": name, "digest": { "sha256": digest.hex() } })
}

/// Where the signature is: what it covers, whose it is, and under which namespace.
fn ledger(root: Option<&Root>, vote: &Vote) -> Value {
    json!({
        "signed": "the entry of the ledger, not this statement",
        "root": root,
        "entry": vote.commit,
        "payload": vote.entry,
        "signer": vote.by,
        "key": vote.proof.fingerprint,
        "namespace": "deployctl-approval",
    })
}
