//! Every check that needs only the file itself: it finds all problems, not only the first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{
    Approvals, CheckRule, CheckSource, EnvironmentRule, Monitoring, Person, Policy, Problem, Quorum,
    Rollback, ScanRule, StageRule, Step, VersionRule, nearest,
};
use crate::gate::config::{
    Deployment, OnTrigger, PresenceLevel, RawApprovals, RawCheck, RawEnvironment, RawLedger, RawMigrations,
    RawPerson, RawPolicy, RawRollback, RawScans, RawStage, RawStep, RawVersions, Separation,
};
use crate::gate::keys::PublicKey;
use crate::gate::scope::Scope;
use crate::gate::terms::{
    Check, Digest, Environment, Group, MIGRATION_PRESETS, MachineName, PersonName, Role,
};
use crate::gate::windows::Windows;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// design 9: `decide_within: 24h`, `execute_within: 4h`, `watch: 15m`.
const EXECUTE_WITHIN: Duration = Duration::from_secs(4 * 60 * 60);
const WATCH: Duration = Duration::from_secs(15 * 60);
/// A step that says nothing gets ten minutes: long enough for a release, short enough to notice.
const STEP_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Collects problems while it builds.
pub(super) struct Checker {
    pub(super) problems: Vec<Problem>,
}

impl Checker {
    pub(super) fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { path: path.into(), message: message.into() });
    }

    pub(super) fn policy(&mut self, raw: RawPolicy, bytes: &[u8]) -> Policy {
        let RawPolicy {
            schema,
            project,
            ledger,
            people,
            machines,
            roles,
            checks,
            stages,
            environments,
            emergency,
            migrations,
            versions,
            templates,
        } = raw;
        if schema != 1 {
            self.problem("schema", format!("this version reads schema 1, not {schema}"));
        }
        if project.trim().is_empty() || project.chars().any(char::is_control) || project.len() > 64 {
            self.problem("project", "a project needs a name of 1 to 64 printable characters");
        }
        if let RawLedger::Remote(remote) = &ledger
            && (remote.is_empty() || remote.starts_with('-') || remote.contains(char::is_whitespace))
        {
            self.problem("ledger.remote", "name a git remote, such as `origin`, or say `none`");
        }
        let people = self.people(people);
        let machines = self.machines(machines, &people);
        let environment_names: Vec<&Environment> = environments.keys().collect();
        for (role, rights) in &roles {
            for environment in rights.keys() {
                if !environment_names.contains(&environment) {
                    let known =
                        nearest(environment.as_str(), environment_names.iter().map(|name| name.as_str()));
                    self.problem(
                        format!("roles.{role}.{environment}"),
                        format!("there is no environment `{environment}`{known}"),
                    );
                }
            }
        }
        let checks = self.checks(checks, &roles.keys().cloned().collect(), &people, &machines);
        let stages = self.stages(stages, &checks, &environment_names);
        let versions = self.versions("versions", versions, None);
        if environments.is_empty() {
            self.problem("environments", "name at least one environment, such as `production`");
        }
        let environments = environments
            .into_iter()
            .map(|(name, rule)| {
                let rule = self.environment(&name, rule, &people, &stages, &versions);
                (name, rule)
            })
            .collect();
        let emergency = emergency.map(|emergency| self.emergency(emergency, &stages));
        self.migrations(&migrations);
        if let Some(directory) = &templates {
            self.directory("templates", directory);
        }
        Policy {
            project,
            ledger,
            people,
            machines,
            roles: roles
                .into_iter()
                .map(|(role, environments)| {
                    let sets =
                        environments.into_iter().map(|(name, rights)| (name, rights.into_iter().collect()));
                    (role, sets.collect())
                })
                .collect(),
            checks,
            stages,
            environments,
            emergency,
            migrations,
            templates,
            versions,
            digest: Digest::of(bytes),
        }
    }

    /// A directory inside the repository.
    fn directory(&mut self, path: &str, directory: &str) {
        let parts: Vec<&str> = directory.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | ".." | ".git")) {
            self.problem(path, "name a directory inside the repository, such as `deploy/templates`");
        }
    }

    fn people(&mut self, raw: BTreeMap<PersonName, RawPerson>) -> BTreeMap<PersonName, Person> {
        if raw.is_empty() {
            self.problem("people", "name at least one person: only people sign");
        }
        let mut owners: BTreeMap<PublicKey, PersonName> = BTreeMap::new();
        let mut people = BTreeMap::new();
        for (name, RawPerson { keys, groups, emails }) in raw {
            if keys.is_empty() {
                self.problem(format!("people.{name}.keys"), format!("`{name}` needs at least one key"));
            }
            if name.as_str() == "session" {
                self.problem(
                    "people.session",
                    "`session` names the signatures of a deployment's session: choose another name",
                );
            }
            let mut own = Vec::new();
            for (index, line) in keys.iter().enumerate() {
                let path = format!("people.{name}.keys[{index}]");
                match line.parse::<PublicKey>() {
                    Err(error) => self.problem(path, error.to_string()),
                    Ok(key) => match owners.get(&key) {
                        Some(owner) => self.problem(
                            path,
                            format!(
                                "this key is also `{owner}`'s: a key belongs to one person, and is one vote"
                            ),
                        ),
                        None => {
                            owners.insert(key.clone(), name.clone());
                            own.push(key);
                        }
                    },
                }
            }
            for (index, email) in emails.iter().enumerate() {
                let same = |known: &String| known.eq_ignore_ascii_case(email);
                let owner = people.iter().find(|(_, person): &(_, &Person)| person.emails.iter().any(same));
                if let Some((owner, _)) = owner {
                    self.problem(
                        format!("people.{name}.emails[{index}]"),
                        format!("this address is also `{owner}`'s: whose commit it is would be a guess"),
                    );
                }
            }
            people.insert(name, Person { keys: own, groups: groups.into_iter().collect(), emails });
        }
        people
    }

    fn checks(
        &mut self,
        raw: BTreeMap<Check, RawCheck>,
        roles: &BTreeSet<Role>,
        people: &BTreeMap<PersonName, Person>,
        machines: &BTreeMap<MachineName, Vec<PublicKey>>,
    ) -> BTreeMap<Check, CheckRule> {
        let mut checks = BTreeMap::new();
        for (name, check) in raw {
            let path = format!("checks.{name}");
            let when_path = format!("{path}.when_changed");
            let none = "no path would ever need the check: name at least one glob";
            let when_changed =
                check.when_changed.as_deref().and_then(|globs| self.scope(&when_path, globs, none));
            let title = check.title.clone().unwrap_or_else(|| default_title(&name));
            let scans = self.scans(&path, check.scans.as_ref(), check.lockfiles.as_deref());
            let signed_by = self.signed_by(&path, &check, machines);
            if let Some(source) = self.check_source(&path, check, roles, people) {
                checks.insert(name, CheckRule { title, source, when_changed, scans, signed_by });
            }
        }
        checks
    }

    fn scans(
        &mut self,
        path: &str,
        scans: Option<&RawScans>,
        lockfiles: Option<&[String]>,
    ) -> Option<ScanRule> {
        let globs_path = format!("{path}.lockfiles");
        if lockfiles.is_some_and(<[String]>::is_empty) {
            self.problem(&globs_path, "no lockfile would ever be scanned: name at least one glob");
        }
        let globs = lockfiles.and_then(|globs| self.globs(&globs_path, globs));
        let Some(RawScans(words)) = scans else {
            if lockfiles.is_some() {
                self.problem(globs_path, "only a check with `scans` is about lockfiles");
            }
            return None;
        };
        if words.is_empty() {
            self.problem(format!("{path}.scans"), "name what it scans for: `security`, `license` or both");
        }
        Some(ScanRule { answers: words.iter().copied().collect(), lockfiles: globs })
    }

    fn check_source(
        &mut self,
        path: &str,
        check: RawCheck,
        roles: &BTreeSet<Role>,
        people: &BTreeMap<PersonName, Person>,
    ) -> Option<CheckSource> {
        let RawCheck {
            title: _,
            junit,
            tap,
            run,
            timeout,
            role,
            signoff,
            when_changed: _,
            scans: _,
            lockfiles: _,
            signed_by: _,
        } = check;
        if timeout.is_some() && run.is_none() {
            self.problem(format!("{path}.timeout"), "only a check that runs a command has a timeout");
        }
        let source = match (junit, tap, run, role, signoff) {
            (Some(globs), None, None, None, None) => {
                CheckSource::Junit(self.reports(format!("{path}.junit"), globs))
            }
            (None, Some(globs), None, None, None) => {
                CheckSource::Tap(self.reports(format!("{path}.tap"), globs))
            }
            (None, None, Some(run), None, None) => {
                self.command(&format!("{path}.run"), &run);
                CheckSource::Run(
                    run,
                    self.duration(&format!("{path}.timeout"), timeout.as_deref(), STEP_TIMEOUT),
                )
            }
            (None, None, None, Some(role), None) => {
                if !roles.contains(&role) {
                    let known = nearest(role.as_str(), roles.iter().map(Role::as_str));
                    self.problem(format!("{path}.role"), format!("there is no role `{role}`{known}"));
                }
                CheckSource::Role(role)
            }
            (None, None, None, None, Some(group)) => {
                let groups = || people.values().flat_map(|person| &person.groups);
                if !groups().any(|known| known == &group) {
                    let known = nearest(group.as_str(), groups().map(Group::as_str));
                    self.problem(
                        format!("{path}.signoff"),
                        format!("nobody is in the group `{group}`{known}"),
                    );
                }
                CheckSource::Signoff(group)
            }
            _ => {
                self.problem(path, "a check has exactly one of `junit`, `tap`, `run`, `role` and `signoff`");
                return None;
            }
        };
        Some(source)
    }

    /// The globs of a check's reports.
    fn reports(&mut self, path: String, globs: Vec<String>) -> Vec<String> {
        if globs.is_empty() {
            self.problem(path.as_str(), "name at least one glob of reports");
        }
        self.globs(&path, &globs);
        globs
    }

    fn stages(
        &mut self,
        raw: Vec<RawStage>,
        checks: &BTreeMap<Check, CheckRule>,
        environments: &[&Environment],
    ) -> Vec<StageRule> {
        let mut stages: Vec<StageRule> = Vec::new();
        for (index, stage) in raw.into_iter().enumerate() {
            let path = format!("stages[{index}]");
            if stages.iter().any(|known| known.name == stage.name) {
                self.problem(format!("{path}.name"), format!("the stage `{}` is there twice", stage.name));
            }
            if stage.checks.is_empty() {
                self.problem(
                    format!("{path}.checks"),
                    "a stage without checks would pass by itself: name one",
                );
            }
            for (position, check) in stage.checks.iter().enumerate() {
                if !checks.contains_key(check) {
                    let known = nearest(check.as_str(), checks.keys().map(Check::as_str));
                    self.problem(
                        format!("{path}.checks[{position}]"),
                        format!("there is no check `{check}`{known}"),
                    );
                }
            }
            if let Some(environment) = &stage.environment
                && !environments.contains(&environment)
            {
                let known = nearest(environment.as_str(), environments.iter().map(|name| name.as_str()));
                self.problem(
                    format!("{path}.environment"),
                    format!("there is no environment `{environment}`{known}"),
                );
            }
            let own = || environments.iter().find(|known| known.as_str() == stage.name.as_str());
            let environment = stage.environment.or_else(|| own().map(|name| (*name).clone()));
            let RawStage { name, branch, checks, .. } = stage;
            stages.push(StageRule { name, branch, environment, checks });
        }
        stages
    }

    fn environment(
        &mut self,
        name: &Environment,
        raw: RawEnvironment,
        people: &BTreeMap<PersonName, Person>,
        stages: &[StageRule],
        versions: &VersionRule,
    ) -> EnvironmentRule {
        let path = format!("environments.{name}");
        let deployment = self.deployment(name, raw.deployment);
        let human = deployment == Deployment::Human;
        if human && raw.steps.is_empty() {
            self.problem(format!("{path}.steps"), "say what deploying runs");
        }
        for (index, stage) in raw.requires.iter().enumerate() {
            if !stages.iter().any(|known| &known.name == stage) {
                let known = nearest(stage.as_str(), stages.iter().map(|stage| stage.name.as_str()));
                self.problem(
                    format!("{path}.requires[{index}]"),
                    format!("there is no stage `{stage}`{known}"),
                );
            }
        }
        for (index, variable) in raw.pass_environment.iter().enumerate() {
            if let Some(why) = bad_variable(variable) {
                self.problem(format!("{path}.pass_environment[{index}]"), why);
            }
        }
        if human && raw.approvals.is_none() {
            self.problem(
                path.clone(),
                format!("`{name}` is deployed by people: say who approves, with `approvals`"),
            );
        }
        if !human && raw.approvals.is_some() {
            self.problem(
                format!("{path}.approvals"),
                "approvals count where `deployment: human` says that people deploy",
            );
        }
        let windows_path = format!("{path}.windows");
        let windows = match raw.windows.map(Windows::check).transpose() {
            Ok(windows) => windows.unwrap_or_default(),
            Err(problems) => {
                for (key, message) in problems {
                    self.problem(format!("{windows_path}.{key}"), message);
                }
                Windows::default()
            }
        };
        let watch = self.watch(&format!("{path}.monitoring.watch"), raw.monitoring.watch.as_deref(), human);
        EnvironmentRule {
            about: [raw.purpose, raw.data, raw.access],
            deployment,
            branch: raw.branch,
            versions: self.versions(
                &format!("{path}.versions"),
                raw.versions.unwrap_or_default(),
                Some(versions),
            ),
            requires: raw.requires,
            pass_environment: raw.pass_environment,
            credentials: raw.credentials.map(|raw| self.credentials(&format!("{path}.credentials"), raw)),
            steps: self.steps(&format!("{path}.steps"), raw.steps),
            rollback: raw.rollback.map(|rollback| {
                let path = format!("{path}.rollback");
                if rollback.on_trigger == Some(OnTrigger::Rollback) {
                    self.rolls_back_by_itself(&path, deployment, raw.health.is_some());
                }
                self.rollback(&path, rollback)
            }),
            approvals: raw.approvals.map(|rule| self.approvals(&format!("{path}.approvals"), rule, people)),
            windows,
            monitoring: Monitoring {
                watch,
                alerts: raw.monitoring.alerts,
                dashboards: raw.monitoring.dashboards,
                on_call: raw.monitoring.on_call,
            },
            health: raw.health.map(|health| self.health(&format!("{path}.health"), health)),
        }
    }

    fn deployment(&mut self, name: &Environment, said: Option<Deployment>) -> Deployment {
        let production = name.as_str() == "production";
        if production && said == Some(Deployment::Automatic) {
            self.problem(
                "environments.production.deployment",
                "only people deploy to production: `human` is the only value here",
            );
        }
        match said {
            _ if production => Deployment::Human,
            Some(said) => said,
            None => Deployment::Automatic,
        }
    }

    fn rollback(&mut self, path: &str, raw: RawRollback) -> Rollback {
        if raw.steps.is_empty() {
            self.problem(format!("{path}.steps"), "say what rolling back runs");
        }
        Rollback {
            steps: self.steps(&format!("{path}.steps"), raw.steps),
            migrations: self.steps(&format!("{path}.migrations"), raw.migrations),
            estimate: raw
                .estimate
                .map(|text| self.duration(&format!("{path}.estimate"), Some(&text), STEP_TIMEOUT)),
            review_within: raw
                .review_within
                .map(|text| self.duration(&format!("{path}.review_within"), Some(&text), STEP_TIMEOUT)),
            on_trigger: raw.on_trigger.unwrap_or(OnTrigger::Ask),
        }
    }

    fn rolls_back_by_itself(&mut self, path: &str, deployment: Deployment, measured: bool) {
        if deployment != Deployment::Human {
            let what = "nobody approves here, so nothing allows a session to roll back by itself";
            self.problem(format!("{path}.on_trigger"), what);
        } else if !measured {
            let what = "`rollback` needs `health`: without it there is no trigger";
            self.problem(format!("{path}.on_trigger"), what);
        }
    }

    fn steps(&mut self, path: &str, raw: Vec<RawStep>) -> Vec<Step> {
        let mut names = BTreeSet::new();
        raw.into_iter()
            .enumerate()
            .map(|(index, RawStep { name, run, timeout, migration })| {
                let path = format!("{path}[{index}]");
                if name.parse::<Check>().is_err() {
                    self.problem(
                        format!("{path}.name"),
                        "a step's name is 1 to 64 letters, digits, `-`, `_` or `.`",
                    );
                }
                if !names.insert(name.clone()) {
                    self.problem(format!("{path}.name"), format!("the step `{name}` is there twice"));
                }
                self.command(&format!("{path}.run"), &run);
                let timeout = self.duration(&format!("{path}.timeout"), timeout.as_deref(), STEP_TIMEOUT);
                Step { name, run, timeout, migration }
            })
            .collect()
    }

    pub(super) fn command(&mut self, path: &str, run: &[String]) {
        if run.first().is_none_or(String::is_empty) {
            self.problem(path, "name the program and its arguments, such as `[\"./ops/release.sh\"]`");
        }
        if run.iter().any(|argument| argument.contains('\0')) {
            self.problem(path, "an argument cannot hold a NUL");
        }
    }

    fn approvals(
        &mut self,
        path: &str,
        raw: RawApprovals,
        people: &BTreeMap<PersonName, Person>,
    ) -> Approvals {
        let RawApprovals { required, from, not, presence, decide_within, execute_within, rules } = raw;
        let required = required.unwrap_or(1);
        if required < 1 {
            self.problem(format!("{path}.required"), "at least one person approves: say 1 or more");
        }
        if from.is_empty() {
            self.problem(format!("{path}.from"), "say who approves: an empty set would refuse everything");
        }
        let approvers = self.approvers(path, &from, people);
        if !approvers.is_empty() && (required as usize) > approvers.len() {
            self.problem(
                format!("{path}.required"),
                format!("{required} must approve, and only {} can", approvers.len()),
            );
        }
        let rule = "approvals.required".to_owned();
        let base = Quorum { required, from: approvers.clone(), from_words: from.clone(), rule };
        Approvals {
            required,
            rules: self.approval_rules(path, rules, &base, people),
            each: vec![],
            required_at: "approvals.required".to_owned(),
            from: approvers,
            from_words: from,
            not: not.map_or_else(|| BTreeSet::from([Separation::Requester]), |not| not.into_iter().collect()),
            presence: presence.unwrap_or(PresenceLevel::Passphrase),
            decide_within: self.duration(&format!("{path}.decide_within"), decide_within.as_deref(), DAY),
            execute_within: self.duration(
                &format!("{path}.execute_within"),
                execute_within.as_deref(),
                EXECUTE_WITHIN,
            ),
        }
    }

    /// The people that the words of a `from` stand for.
    pub(super) fn approvers(
        &mut self,
        path: &str,
        from: &[String],
        people: &BTreeMap<PersonName, Person>,
    ) -> BTreeSet<PersonName> {
        let mut approvers = BTreeSet::new();
        for (index, word) in from.iter().enumerate() {
            let found = members(word, people);
            if found.is_empty() {
                let groups = people.values().flat_map(|person| person.groups.iter().map(Group::as_str));
                let known = nearest(word, people.keys().map(PersonName::as_str).chain(groups));
                self.problem(
                    format!("{path}.from[{index}]"),
                    format!("`{word}` is neither a person nor a group with somebody in it{known}"),
                );
            }
            approvers.extend(found);
        }
        approvers
    }

    fn migrations(&mut self, raw: &RawMigrations) {
        if raw.paths.is_some() && raw.presets.is_some() {
            self.problem(
                "migrations.presets",
                "say `presets` or `paths`, not both: one would not be looked for",
            );
        }
        for (key, list) in [("paths", &raw.paths), ("presets", &raw.presets)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                let what = "no migration would ever be found: name at least one, or leave the key out";
                self.problem(format!("migrations.{key}"), what);
            }
        }
        if let Some(paths) = &raw.paths {
            self.globs("migrations.paths", paths);
        }
        for (index, preset) in raw.presets.iter().flatten().enumerate() {
            let known = MIGRATION_PRESETS;
            if !known.contains(&preset.as_str()) {
                let near = nearest(preset, known.iter().copied());
                self.problem(
                    format!("migrations.presets[{index}]"),
                    format!("there is no migration preset `{preset}`{near}"),
                );
            }
        }
    }

    /// What is not said is as above, and at the top `v*` and every path.
    fn versions(&mut self, path: &str, raw: RawVersions, above: Option<&VersionRule>) -> VersionRule {
        let RawVersions { tag, paths, changelog } = raw;
        if let Some(tag) = tag.as_ref().filter(|tag| Glob::new(tag).is_err()) {
            self.problem(format!("{path}.tag"), format!("`{tag}` is not a glob"));
        }
        let above = above.cloned().unwrap_or_default();
        let tag = tag.unwrap_or(above.tag);
        let none = "no commit would ever count: name at least one glob, or leave the key out";
        let paths = match paths {
            None => above.paths,
            Some(paths) => self.scope(&format!("{path}.paths"), &paths, none),
        };
        if let Some(file) = &changelog
            && (file.is_empty() || file.starts_with('/') || file.split('/').any(|part| part == ".."))
        {
            let hint = "is no path of the repository: name it from the top, such as `docs/CHANGELOG.md`";
            self.problem(format!("{path}.changelog"), format!("`{file}` {hint}"));
        }
        VersionRule { tag, paths, changelog: changelog.or(above.changelog) }
    }

    /// The paths that globs stand for, or a problem for each that stands for none; `none` is what to say of an empty list.
    pub(super) fn scope(&mut self, path: &str, globs: &[String], none: &str) -> Option<Scope> {
        if globs.is_empty() {
            self.problem(path, none);
            return None;
        }
        let problems = match Scope::check(globs) {
            Ok(scope) => return Some(scope),
            Err(problems) => problems,
        };
        for problem in problems {
            let place = problem.index.map(|index| format!("[{index}]")).unwrap_or_default();
            self.problem(format!("{path}{place}"), problem.message);
        }
        None
    }

    pub(super) fn globs(&mut self, path: &str, globs: &[String]) -> Option<GlobSet> {
        let mut set = GlobSetBuilder::new();
        for (index, text) in globs.iter().enumerate() {
            match Glob::new(text) {
                Ok(glob) => {
                    set.add(glob);
                }
                Err(_) => self.problem(format!("{path}[{index}]"), format!("`{text}` is not a glob")),
            }
        }
        set.build().ok()
    }

    /// A request asks for whole minutes, so a deployment is watched for nothing else.
    fn watch(&mut self, path: &str, text: Option<&str>, human: bool) -> Duration {
        let watch = self.duration(path, text, WATCH);
        if human && !watch.as_secs().is_multiple_of(60) {
            let text = text.unwrap_or_default();
            self.problem(path, format!("`{text}` is not whole minutes: say `1m` or more, without seconds"));
        }
        watch
    }

    /// From a second to a year, in whole seconds.
    pub(super) fn duration(&mut self, path: &str, text: Option<&str>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        match humantime::parse_duration(text) {
            Ok(duration) if duration.subsec_nanos() > 0 => {
                self.problem(path, format!("`{text}` is not whole seconds, such as `90s`, `15m` or `4h`"));
                default
            }
            Ok(duration) if duration >= Duration::from_secs(1) && duration <= 366 * DAY => duration,
            Ok(_) => {
                self.problem(path, format!("`{text}` is not between a second and a year"));
                default
            }
            Err(_) => {
                self.problem(path, format!("`{text}` is not a duration, such as `90s`, `15m` or `4h`"));
                default
            }
        }
    }
}

/// The people a word of `from` stands for: one person, or everybody in a group.
fn members(word: &str, people: &BTreeMap<PersonName, Person>) -> BTreeSet<PersonName> {
    let in_group = |person: &Person| person.groups.iter().any(|group| group.as_str() == word);
    people
        .iter()
        .filter(|(name, person)| name.as_str() == word || in_group(person))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Variables that change what a program loads or runs cannot be passed through to a step.
pub(super) fn bad_variable(name: &str) -> Option<String> {
    let ok = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !ok {
        return Some(format!("`{}` is not a variable's name", name.escape_debug()));
    }
    let loads = name.starts_with("LD_") || name.starts_with("DYLD_") || name.starts_with("DEPLOYCTL_");
    (loads || name == "BASH_ENV" || name == "ENV" || name == "PATH")
        .then(|| format!("`{name}` would change what the approved commands run: it cannot be passed"))
}

/// The workflow document's words for its own checks, and the name itself for any other.
fn default_title(name: &Check) -> String {
    match name.as_str() {
        "unit" => "Unit tests",
        "integration" => "Integration tests",
        "e2e" => "E2E tests",
        "smoke" => "Smoke tests",
        "qa" => "QA verification",
        "code-review" => "Code review",
        "design-review" => "Design review",
        other => other,
    }
    .to_owned()
}
