//! `deployctl checklist`: what it says of a project, and of one that has no rules.

use crate::house::House;

#[test]
fn a_project_without_rules_is_told_what_git_knows() {
    let house = House::empty();
    house.write("a.txt", "1\n");
    house.commit("feat: a beginning");
    house.tag("v1.0.0");
    house.write("a.txt", "2\n");
    house.commit("fix: the beginning");
    let page = "\
## Deployment Checklist

**Version**: v1.1.0
**Date**: 2026-11-23
**Prepared By**: Dana
**Open**: 10 things need you

### Changes Included
1 commit by 1 author, 1 file changed, since v1.0.0, the nearest tag: no production deployment is recorded

Authors: Dana

#### Fixes
- [x] fix: the beginning · [id]

### Tests Passed
- [ ] Unit tests: no evidence — the policy has no check 'unit'
- [ ] Integration tests: no evidence — the policy has no check 'integration'
- [ ] E2E tests: no evidence — the policy has no check 'e2e'

### Database Changes
- [x] No migrations · 1 changed path compared

### Dependencies
- [ ] No new dependencies — no lockfile was found, so nothing is known

### Breaking Changes
- [ ] None — 0 of 1 commit carry a mark; 100 % follow Conventional Commits

### Rollback Plan
- [ ] Rollback command — the policy says no way back
- [x] Database rollback: not needed: no migrations
- [ ] Estimated rollback time — the policy says none

### Monitoring
- [ ] Alerts configured — the policy names none
- [ ] Dashboards updated — no fact can know it
- [ ] On-call notified — no fact can know it
";
    house
        .run(["checklist", "v1.1.0"])
        .stdout(page)
        .stderr("note: there is no `deployctl.yaml`, so only git was asked; write one: deployctl init\n")
        .exit(0);
}
