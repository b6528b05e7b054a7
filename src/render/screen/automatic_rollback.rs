//! What a trigger of the watch does, where the policy says that the session rolls back by itself.

use super::minute;
use crate::gate::authority::Allowed;
use crate::gate::statement::RollbackAuthority;

/// For the review of a request, where the policy has more to say than that a trigger asks. `until` says it in words where no
/// approval is about to be signed.
#[must_use]
pub fn on_trigger(allowed: &Allowed, until: Option<&str>) -> Option<String> {
    match allowed {
        Ok(None) => None,
        Ok(Some(allowed)) => Some(by_itself(allowed, until)),
        Err(why) => Some(format!("the session asks: {why}")),
    }
}

pub(super) fn by_itself(allowed: &RollbackAuthority, until: Option<&str>) -> String {
    let until = until.map_or_else(|| minute(allowed.until), str::to_owned);
    format!("the session rolls back to {} by itself, until {until}", allowed.to.version)
}

#[cfg(test)]
mod tests {
    use super::on_trigger;
    use crate::gate::fixture::{ROLLS_BACK, checked, config, minutes, release};
    use crate::gate::statement::RollbackAuthority;

    #[test]
    fn the_screen_says_what_a_trigger_does_and_until_when() {
        let said = |allowed| on_trigger(&allowed, None);
        assert_eq!(said(Ok(None)), None);
        let allowed = Some(RollbackAuthority { to: release(1), until: minutes(90) });
        let words = "the session rolls back to v1 by itself, until 2026-11-23 11:30 UTC";
        assert_eq!(said(Ok(allowed)).as_deref(), Some(words));
        let asks = said(Err("the database does not go back by itself"));
        assert_eq!(asks.as_deref(), Some("the session asks: the database does not go back by itself"));
    }

    #[test]
    fn who_signs_the_policy_reads_that_a_session_may_roll_back() {
        let line = "    on a trigger: the session rolls back by itself, as far as the approvals allow it\n";
        for (edits, shown) in [(vec![ROLLS_BACK], true), (vec![], false)] {
            let rules = checked(&config(&edits)).unwrap();
            assert_eq!(super::super::policy(&rules, 2, None, None).contains(line), shown);
        }
    }
}
