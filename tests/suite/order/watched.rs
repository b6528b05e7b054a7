//! The whole order of a deployment that is watched and of the rollback that follows it: what is asked of the shop, what
//! reaches the remote, and what runs, as one sequence.

use std::fs;

use crate::house::{House, POLICY, Terminal};

/// The shop is ill while a file says so, and with each version that another file names; each time it is asked that is noted.
const PROBE: &str = r#"echo asked >> "$HOME/live/journal"; test ! -e "$HOME/ill" && ! grep -sqxFf "$HOME/sick" "$HOME/live/version""#;

/// A shop whose remote, steps and probe write one log; v1.4.0 is approved.
struct Shop {
    house: House,
    id: String,
}

impl Shop {
    /// With one more line in the rules of the rollback; watched for a minute, or until a trigger.
    fn new(rollback: &str) -> Self {
        Self::watched_for("1", rollback)
    }

    fn watched_for(minutes: &str, rollback: &str) -> Self {
        let house = House::new();
        house.remote();
        let health = format!(
            "    health:\n      interval: 1s\n      consecutive_failures: 1\n      probes: {{ shop: {{ run: [sh, -c, '{PROBE}'] }} }}\n    monitoring:"
        );
        let policy = POLICY
            .replace("ledger: none", "ledger: { remote: origin }")
            .replacen("    monitoring:", &health, 1)
            .replacen("    rollback:\n", &format!("    rollback:\n{rollback}"), 1);
        house.config(&policy);
        house.person("alice").signs_policy();
        let words = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "--monitor", minutes];
        let answer = house.run(words.into_iter().chain(["--json"])).any_stdout().exit(0).json();
        let id = answer["id"].as_str().unwrap().to_owned();
        house.person("alice").approves(&id);
        let shop = Self { house, id };
        let log = shop.log();
        shop.house.hook(
            "post-receive",
            &format!(
                "#!/bin/sh\nread -r old new ref\necho \"pushed: $(git log -1 --format=%s $new)\" >> {log}\n"
            ),
        );
        fs::create_dir_all(shop.house.home().join("live")).unwrap();
        std::os::unix::fs::symlink(&log, shop.house.home().join("live/journal")).unwrap();
        shop
    }

    fn log(&self) -> String {
        self.house.world().join("order").display().to_string()
    }

    /// From now on this version is ill.
    fn sick(self, version: &str) -> Self {
        let file = self.house.home().join("sick");
        let known = fs::read_to_string(&file).unwrap_or_default();
        fs::write(file, format!("{known}{version}\n")).unwrap();
        self
    }

    fn deploys(&self) -> Terminal {
        self.house.person("alice").at_terminal(["deploy", "production", &self.id]).signs()
    }

    /// What happened, in its order; the shop is asked as often as time allows, which is noted once.
    #[track_caller]
    fn happened(&self, expected: &[&str]) {
        let log = fs::read_to_string(self.log()).unwrap();
        let mut lines: Vec<String> = log.lines().map(|line| line.replace(&self.id, "ID")).collect();
        lines.dedup();
        assert_eq!(lines, expected, "\n{}", lines.join("\n"));
        self.house.run(["history", "--verify"]).any_stdout().exit(0);
    }
}

/// All steps of the deployment, which is begun and then measured.
const DEPLOYED: [&str; 6] = [
    "pushed: alice: deploy production ID",
    "asked",
    "migrate up for ID",
    "pushed: alice: step migrate ID",
    "release v1.4.0 for ID",
    "pushed: alice: step release ID",
];
/// The deployment that fails at its second step.
const BROKEN: [&str; 6] = [
    "pushed: alice: deploy production ID",
    "asked",
    "migrate up for ID",
    "pushed: alice: step migrate ID",
    "pushed: alice: step release ID",
    "pushed: alice: ID failed",
];
/// A watch that ends with a trigger.
const TRIGGERED: [&str; 2] = ["asked", "pushed: alice: ID failed"];
/// The steps back.
const BACK: [&str; 4] = [
    "release v1.3.0 for ID",
    "pushed: alice: step release ID",
    "migrate down for ID",
    "pushed: alice: step migrate ID",
];
const ROLLBACK: &str = "pushed: alice: rollback production ID";
const WELL: [&str; 2] = ["asked", "pushed: alice: ID succeeded"];

#[test]
fn a_success() {
    let shop = Shop::watched_for("0", "");
    shop.deploys().exit(0);
    shop.happened(&[&DEPLOYED[..], &WELL].concat());
}

#[test]
fn a_trigger_and_a_declined_rollback() {
    let shop = Shop::new("").sick("v1.4.0");
    shop.deploys().declines_rollback().exit(1);
    shop.happened(&[&DEPLOYED[..], &TRIGGERED].concat());
}

#[test]
fn a_trigger_and_an_accepted_rollback() {
    let shop = Shop::new("").sick("v1.4.0");
    shop.deploys().expect("ROLLBACK? [y/n] ").answer("y").signs().exit(6);
    shop.happened(&[&DEPLOYED[..], &TRIGGERED, &[ROLLBACK], &BACK, &WELL].concat());
}

#[test]
fn a_trigger_and_a_rollback_that_makes_nothing_well() {
    let shop = Shop::new("").sick("v1.4.0").sick("v1.3.0");
    shop.deploys().expect("ROLLBACK? [y/n] ").answer("y").signs().exit(1);
    shop.happened(&[&DEPLOYED[..], &TRIGGERED, &[ROLLBACK], &BACK, &TRIGGERED].concat());
}

#[test]
fn a_trigger_and_the_rollback_by_the_session() {
    let shop = Shop::new("      on_trigger: rollback\n").sick("v1.4.0");
    shop.deploys().exit(6);
    let by_itself = ["pushed: alice: automatic rollback production ID"];
    shop.happened(&[&DEPLOYED[..], &TRIGGERED, &by_itself, &BACK, &WELL].concat());
}

#[test]
fn a_probe_that_fails_from_before_the_first_step_on() {
    let shop = Shop::new("");
    fs::write(shop.house.home().join("ill"), "").unwrap();
    let shown = shop.deploys().declines_rollback().exit(1);
    assert!(shown.contains("warning: `shop` fails already, before any step\n"), "{shown}");
    shop.happened(&[&DEPLOYED[..], &TRIGGERED].concat());
}

#[test]
fn a_failing_step_and_a_declined_rollback() {
    let shop = Shop::new("");
    shop.house.breaks("release");
    shop.deploys().declines_rollback().exit(1);
    shop.happened(&BROKEN);
}

#[test]
fn a_failing_step_and_an_accepted_rollback() {
    let shop = Shop::new("");
    shop.house.breaks("release");
    let asked = shop.deploys().expect("ROLLBACK? [y/n] ");
    shop.house.mends("release");
    asked.answer("y").signs().exit(6);
    shop.happened(&[&BROKEN[..], &[ROLLBACK], &BACK, &WELL].concat());
}

#[test]
fn a_failing_step_and_a_failing_rollback() {
    let shop = Shop::new("");
    shop.house.breaks("release");
    shop.deploys().expect("ROLLBACK? [y/n] ").answer("y").signs().exit(1);
    let failed = ["pushed: alice: step release ID", "pushed: alice: ID failed"];
    shop.happened(&[&BROKEN[..], &[ROLLBACK], &failed].concat());
}
