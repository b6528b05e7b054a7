//! What an approval would allow its session to do on a trigger, under the rules in force.

use chrono::{DateTime, Duration, Utc};

use super::config::{ActionKind, OnTrigger};
use super::plan::longest;
use super::policy::{EnvironmentRule, Policy, Rollback};
use super::request::{Extent, Request};
use super::statement::RollbackAuthority;

/// What is allowed: nothing where the policy says that a trigger asks; else a rollback, or why a trigger asks all the same.
pub type Allowed = Result<Option<RollbackAuthority>, &'static str>;

/// What an approval that is signed now allows.
///
/// The session may begin the rollback as long as a deployment may last that began in the last moment of the approval.
///
/// # Errors
/// Why a trigger asks although the policy says `rollback`.
pub fn on_trigger(policy: &Policy, rule: &EnvironmentRule, request: &Request, now: DateTime<Utc>) -> Allowed {
    let rollback = rule.rollback.as_ref().filter(|rollback| rollback.on_trigger == OnTrigger::Rollback);
    let rollback = rollback.filter(|_| request.action == ActionKind::Deploy);
    let Some((rollback, approvals)) = rollback.zip(rule.approvals.as_ref()) else { return Ok(None) };
    let to = request.previous_release.clone().ok_or("there is no release to go back to")?;
    if Database::of(Some(&request.extent), Some(rollback)).stays() {
        return Err("the database does not go back by itself");
    }
    let approvals = policy.approvals_for(approvals, &request.approval_rules, request.emergency.as_ref());
    let span = approvals.execute_within.saturating_add(longest(rule, request.asked.monitor));
    let until = Duration::from_std(span).ok().and_then(|span| now.checked_add_signed(span));
    Ok(Some(RollbackAuthority { to, until: until.ok_or("no clock can say until when")? }))
}

/// What becomes of the database in a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Nothing was migrated.
    Untouched,
    /// Every migration is known to be reversible, and the policy says how.
    GoesBack,
    /// It stays as it is: a migration is not known to be reversible.
    Irreversible,
    /// It stays as it is: the policy says no `rollback.migrations`.
    NoWay,
    /// It stays as it is: the rollback has a request of its own, and goes back over more than one deployment.
    Stays,
}

impl Database {
    /// By what the request says of migrations. One that cannot be read says nothing: then the database stays.
    #[must_use]
    pub fn of(extent: Option<&Extent>, rollback: Option<&Rollback>) -> Self {
        let way = rollback.is_some_and(|rollback| !rollback.migrations.is_empty());
        match extent.map(|extent| (extent.migrations, extent.irreversible)) {
            Some((0, 0)) => Self::Untouched,
            Some((_, 0)) if way => Self::GoesBack,
            Some((_, 0)) => Self::NoWay,
            _ => Self::Irreversible,
        }
    }

    /// Whether it stays as it is although it was migrated, or may have been.
    #[must_use]
    pub const fn stays(self) -> bool {
        matches!(self, Self::Irreversible | Self::NoWay | Self::Stays)
    }
}

#[cfg(test)]
mod tests {
    use super::{Database, on_trigger};
    use crate::gate::fixture::{Book, ROLLS_BACK, checked, config, minutes, production, release};
    use crate::gate::statement::{Ending, RollbackAuthority};

    #[test]
    fn it_is_allowed_as_long_as_a_deployment_may_last_that_begins_in_the_last_moment() {
        let text = config(&[ROLLS_BACK]);
        let (mut book, rules) = (Book::founded(&text), checked(&text).unwrap());
        let rule = &rules.environments[&production()];
        let first = book.request("production", 1);
        let allowed = on_trigger(&rules, rule, &first, minutes(0));
        assert_eq!(allowed, Err("there is no release to go back to"));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let mut second = book.request("production", 2);
        // The approval's four hours, ten minutes of steps, fifteen of the watch, five to spare; and what is asked before
        // and at the end.
        let until = minutes(1 + 240 + 10 + 15 + 5) + chrono::Duration::seconds(27);
        let allowed = on_trigger(&rules, rule, &second, minutes(1));
        assert_eq!(allowed, Ok(Some(RollbackAuthority { to: release(1), until })));
        second.extent.migrations = 2;
        assert!(on_trigger(&rules, rule, &second, minutes(1)).unwrap().is_some());
        second.extent.irreversible = 1;
        let allowed = on_trigger(&rules, rule, &second, minutes(1));
        assert_eq!(allowed, Err("the database does not go back by itself"));
        let asks = checked(&config(&[])).unwrap();
        let allowed = on_trigger(&asks, &asks.environments[&production()], &second, minutes(1));
        assert_eq!(allowed, Ok(None));
    }

    #[test]
    fn a_request_that_cannot_be_read_leaves_the_database_where_it_is() {
        assert_eq!(Database::of(None, None), Database::Irreversible);
        assert!(Database::of(None, None).stays());
    }
}
