//! `deployctl.yaml`: a policy that is accepted has somebody to ask, and nothing rides along.
#![no_main]

use deployctl::gate::config::Deployment;
use deployctl::world::config_file::{ConfigError, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| match check(data) {
    Ok(policy) => {
        for (name, rule) in &policy.environments {
            if rule.deployment == Deployment::Human {
                let approvals = rule.approvals.as_ref();
                let sound =
                    approvals.is_some_and(|it| it.required > 0 && it.required as usize <= it.from.len());
                assert!(sound, "nobody can approve {name}: {approvals:?}");
            }
        }
        let mut keys: Vec<_> = policy.people.values().flat_map(|person| &person.keys).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all, "one key counts twice");
        let more = [data, b"\nzzz: 1\n"].concat();
        assert!(check(&more).is_err(), "an unknown key was passed over");
    }
    Err(ConfigError::Invalid(problems)) => {
        assert!(!problems.is_empty());
        assert!(!problems.chars().any(|c| c.is_control() && c != '\n'), "{problems:?}");
    }
    Err(_) => {}
});
