//! Which commit is wanted: a tag, a request, a commit that was named, or HEAD.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use globset::Glob;

use crate::cli::DeployArgs;
use crate::commands::gather::Moment;
use crate::commands::{candidate, journal, target};
use crate::gate::deployments::Candidate;
use crate::gate::facts::NoTarget;
use crate::gate::policy::Policy;
use crate::gate::statement::{Release, RequestRef};
use crate::gate::terms::{CommitId, Environment, Version};

/// Looks which commit it is, and at what the repository and the records say of it.
///
/// # Errors
/// When names do not agree, or the repository cannot be read.
pub fn find(moment: &Moment, policy: &Policy, args: &DeployArgs) -> Result<Result<Candidate, NoTarget>> {
    let environment = &args.environment;
    let (release, request) = match release(moment, policy, args)? {
        Ok(found) => found,
        Err(none) => return Ok(Err(none)),
    };
    let here = moment.repository.has(&release.commit);
    let (branches, checks) = if here {
        let checks = candidate::checks_of(moment, policy, environment, &release)?;
        let checks = checks.into_iter().map(|fact| (fact.check, fact.state)).collect();
        (target::branches(moment, policy, environment, &release.commit)?, checks)
    } else {
        (BTreeMap::new(), BTreeMap::new())
    };
    let request = request.or_else(|| waiting(moment, environment, &release.commit));
    Ok(Ok(Candidate { release, request, here, branches, checks }))
}

type Found = (Release, Option<RequestRef>);

fn release(moment: &Moment, policy: &Policy, args: &DeployArgs) -> Result<Result<Found, NoTarget>> {
    let repository = &moment.repository;
    let insisted = args.commit.as_deref().map(|name| repository.resolve(name)).transpose()?;
    let Some(name) = args.request.as_deref() else {
        let commit = match insisted {
            Some(commit) => commit,
            None => repository.head()?.context("there is no commit yet: commit something first")?,
        };
        let version = name_of(moment, policy, &args.environment, &commit)?;
        return Ok(Ok((Release { version, commit }, None)));
    };
    let tagged = match name.parse::<Version>() {
        Ok(version) => repository.tag(&version)?.map(|commit| Release { version, commit }),
        Err(_) => None,
    };
    let found = match tagged {
        Some(release) => Ok((release, None)),
        None => target::find(moment, name)?.map(|package| {
            let own = package.request.environment == args.environment;
            (package.request.release, own.then_some(package.reference))
        }),
    };
    if let (Ok((release, _)), Some(insisted)) = (&found, &insisted)
        && &release.commit != insisted
    {
        bail!("`{name}` names {}, and `--commit` names {}", release.commit.short(), insisted.short());
    }
    Ok(found)
}

/// The version tag that names the commit, the last where several do, else its short id.
fn name_of(
    moment: &Moment,
    policy: &Policy,
    environment: &Environment,
    commit: &CommitId,
) -> Result<Version> {
    let glob = Glob::new(&policy.versions_of(environment).tag)?.compile_matcher();
    let tags = moment.repository.tags_like(&|name| glob.is_match(name))?;
    let mut named =
        tags.into_iter().filter(|(_, tagged)| tagged == commit).filter_map(|(name, _)| name.parse().ok());
    Ok(match named.next_back() {
        Some(version) => version,
        None => commit.short().parse()?,
    })
}

/// The newest request of this environment for the commit: deploying it answers the request.
fn waiting(moment: &Moment, environment: &Environment, commit: &CommitId) -> Option<RequestRef> {
    let fits = |outline: &&journal::Outline| {
        &outline.environment == environment && &outline.release.commit == commit
    };
    journal::requests(moment).iter().find(fits).map(|outline| outline.reference.clone())
}
