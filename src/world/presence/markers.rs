//! Marks of continuous integration in this process, and of agents in this process and in every process above it.
//!
//! A runner's mark above us says little: a machine may serve people too. An agent above us is the one that types.
//! They can be forged away but not by accident, so a mark tightens and the lack of one loosens nothing.

use std::collections::BTreeMap;
use std::path::Path;

use crate::world::process;

/// What was found, each with where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) ci: Option<String>,
    pub(super) agent: Option<String>,
}

/// Variables that only continuous integration sets, by the documentation of each service.
const CI_VARIABLES: &[&str] = &[
    "CI",
    "CI_NAME",
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
    "BITBUCKET_DEPLOYMENT",
    "BITRISE_IO",
    "BUDDY_WORKSPACE_ID",
    "BUILDKITE",
    "CIRCLECI",
    "CIRRUS_CI",
    "CODEBUILD_BUILD_ID",
    "CODEBUILD_SRC_DIR",
    "CONTINUOUS_INTEGRATION",
    "DRONE",
    "FORGEJO_ACTIONS",
    "GERRIT_PROJECT",
    "GITEA_ACTIONS",
    "GITHUB_ACTION",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "GO_PIPELINE_NAME",
    "HUDSON_URL",
    "JENKINS_URL",
    "MAGNUM",
    "NETLIFY",
    "NEVERCODE",
    "SAIL_CI",
    "SEMAPHORE",
    "SHIPPABLE",
    "STRIDER",
    "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI",
    "TASKCLUSTER_ROOT_URL",
    "TDDIUM",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "TRAVIS",
    "WERCKER",
    "WOODPECKER",
    "bamboo.buildKey",
    "bamboo_buildKey",
];

/// Variables that agents set and that the detector reads more narrowly, or not at all.
const AGENT_VARIABLES: &[&str] = &["AGENT", "AI_AGENT", "CLAUDECODE", "CURSOR_AGENT", "GEMINI_CLI"];

/// The sandbox variables of one agent, however they go on; its plain settings (`CODEX_HOME`) mark nobody.
const AGENT_PREFIXES: &[&str] = &["CODEX_SANDBOX"];

/// Looks for marks here and upwards. The nearest counts; what may not be read is skipped.
pub(super) fn search() -> Marks {
    let own = process::variables();
    let here = |name: String| format!("`{name}` in this process");
    let mut marks = Marks { ci: ci_mark(&own).map(here), agent: agent_mark(&own, Path::exists).map(here) };
    if marks.ci.is_none() && is_ci::uncached() {
        marks.ci = Some("the variables of a CI service in this process".to_owned());
    }
    #[cfg(target_os = "linux")]
    search_ancestors(&mut marks);
    marks
}

#[cfg(target_os = "linux")]
fn search_ancestors(marks: &mut Marks) {
    use super::procfs;
    use crate::gate::presence::{is_agent, program_name};

    for (distance, process) in procfs::ancestors().into_iter().enumerate() {
        if marks.agent.is_some() {
            return;
        }
        let kin = if distance == 0 { "parent" } else { "ancestor" };
        let name = program_name(process.exe.as_deref(), &process.comm);
        let there = |mark: String| format!("`{mark}` in its {kin} {} (`{name}`)", process.pid);
        let environment = procfs::environment(process.pid);
        let by_name = is_agent(process.exe.as_deref(), &process.comm);
        let mark = agent_mark(&environment, |_| false).map(there);
        marks.agent = mark.or_else(|| by_name.then(|| format!("its {kin} {} (`{name}`)", process.pid)));
    }
}

/// Set, and not to a word that means no.
fn is_on(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off")
}

/// The first CI variable that is set in this environment.
fn ci_mark(environment: &BTreeMap<String, String>) -> Option<String> {
    let set = |name: &&&str| environment.get(**name).is_some_and(|value| is_on(value));
    CI_VARIABLES.iter().find(set).map(|name| (*name).to_owned())
}

/// The variable, or the file, by which an agent shows in this environment.
fn agent_mark(environment: &BTreeMap<String, String>, exists: impl Fn(&Path) -> bool) -> Option<String> {
    let detected =
        is_ai_agent::detect_with(|name| environment.get(name).cloned(), |path| exists(Path::new(path)));
    if let Some(agent) = detected {
        return Some(match agent.signal {
            is_ai_agent::Signal::EnvVar { name, .. } => name.to_owned(),
            is_ai_agent::Signal::File { path } => path.to_owned(),
            _ => agent.name.to_owned(),
        });
    }
    let is_listed = |name: &str| {
        AGENT_VARIABLES.contains(&name) || AGENT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    environment.iter().find(|(name, value)| is_listed(name) && is_on(value)).and_then(|(name, _)| {
        // A prefix lets any ending through, and the name is shown.
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then(|| name.clone())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{agent_mark, ci_mark};

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn agent(pairs: &[(&str, &str)]) -> Option<String> {
        agent_mark(&environment(pairs), |_| false)
    }

    fn ci(pairs: &[(&str, &str)]) -> Option<String> {
        ci_mark(&environment(pairs))
    }

    #[test]
    fn each_service_of_continuous_integration_is_known() {
        for (name, value) in [
            ("CI", "true"),
            ("CI", "1"),
            ("CI", "woodpecker"),
            ("GITHUB_ACTIONS", "true"),
            ("GITLAB_CI", "true"),
            ("BUILDKITE", "true"),
            ("JENKINS_URL", "http://ci/"),
            ("TEAMCITY_VERSION", "2026.1"),
            ("TF_BUILD", "True"),
            ("CIRCLECI", "true"),
            ("DRONE", "true"),
            ("CODEBUILD_BUILD_ID", "a:b"),
        ] {
            assert_eq!(ci(&[("PATH", "/bin"), (name, value)]).as_deref(), Some(name), "{name}={value}");
        }
    }

    #[test]
    fn a_mark_that_says_no_is_no_mark() {
        assert_eq!(ci(&[("CI", "false"), ("GITLAB_CI", ""), ("DRONE", "0")]), None);
        assert_eq!(agent(&[("AGENT", "0"), ("AI_AGENT", "false"), ("CLAUDECODE", "")]), None);
    }

    #[test]
    fn each_agent_is_known() {
        for (name, value) in [
            ("AGENT", "1"),
            ("AGENT", "goose"),
            ("AGENT", "some-new-one"),
            ("AI_AGENT", "some-new-one"),
            ("CLAUDECODE", "1"),
            ("CODEX_SANDBOX", "seatbelt"),
            ("CODEX_SANDBOX_SOMETHING", "1"),
            ("CODEX_THREAD_ID", "a-b"),
            ("CURSOR_AGENT", "1"),
            ("GEMINI_CLI", "1"),
            ("OPENCODE", "1"),
        ] {
            assert_eq!(agent(&[("PATH", "/bin"), (name, value)]).as_deref(), Some(name), "{name}={value}");
        }
    }

    #[test]
    fn a_person_with_settings_and_keys_is_no_agent() {
        let shell = [
            ("SSH_AUTH_SOCK", "/run/agent"),
            ("SSH_AGENT_PID", "12"),
            ("CODEX_HOME", "/home/a/.codex"),
            ("GPG_AGENT_INFO", "x"),
            ("TERM_PROGRAM", "vscode"),
            ("CURSOR_TRACE_ID", "abc"),
        ];
        assert_eq!(agent(&shell), None);
        assert_eq!(ci(&shell), None);
    }

    #[test]
    fn a_machine_that_belongs_to_an_agent_is_known_by_its_file() {
        let found = agent_mark(&environment(&[]), |path| path == Path::new("/opt/.devin"));
        assert_eq!(found.as_deref(), Some("/opt/.devin"));
    }
}
