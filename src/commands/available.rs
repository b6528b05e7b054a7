//! Whether everything that a plan needs is in this clone.

use anyhow::Result;

use super::gather::Moment;
use crate::gate::facts::Missing;
use crate::gate::policy::{EnvironmentRule, Rollback, Step};
use crate::gate::terms::{CommitId, Environment};
use crate::world::repository::Program;

/// What is missing for a deployment of a commit, the way back included.
///
/// # Errors
/// Git's.
pub fn to_deploy(moment: &Moment, environment: &Environment, commit: &CommitId) -> Result<Vec<Missing>> {
    let Some(rule) = rule(moment, environment) else { return Ok(vec![]) };
    let back = rule.rollback.iter().flat_map(steps);
    look(moment, commit, rule.steps.iter().chain(back))
}

/// What is missing for a rollback of a commit.
///
/// # Errors
/// Git's.
pub fn to_roll_back(moment: &Moment, environment: &Environment, undone: &CommitId) -> Result<Vec<Missing>> {
    let way = rule(moment, environment).and_then(|rule| rule.rollback.as_ref());
    look(moment, undone, way.into_iter().flat_map(steps))
}

fn rule<'a>(moment: &'a Moment, environment: &Environment) -> Option<&'a EnvironmentRule> {
    moment.policy().and_then(|policy| policy.environments.get(environment))
}

fn steps(way: &Rollback) -> impl Iterator<Item = &Step> {
    way.steps.iter().chain(&way.migrations)
}

fn look<'a>(
    moment: &Moment,
    commit: &CommitId,
    steps: impl Iterator<Item = &'a Step>,
) -> Result<Vec<Missing>> {
    let repository = &moment.repository;
    let (commit, remote) = (commit.clone(), repository.usual_remote());
    if !repository.has(&commit) {
        return Ok(vec![Missing::Commit { commit, remote }]);
    }
    let mut missing = Vec::new();
    let absent = repository.absent_files(&commit)?;
    if let Some(first) = absent.first() {
        let first = crate::render::text::line(first, 200);
        missing.push(Missing::Files { commit: commit.clone(), count: absent.len(), first, remote });
    }
    for step in steps {
        let Some(program) =
            step.run.first().filter(|program| program.contains('/') && !program.starts_with('/'))
        else {
            continue;
        };
        let found = repository.program(&commit, program)?;
        if found != Program::There {
            missing.push(Missing::Program {
                commit: commit.clone(),
                step: step.name.clone(),
                program: program.clone(),
                is_file: found == Program::NotExecutable,
            });
        }
    }
    Ok(missing)
}
