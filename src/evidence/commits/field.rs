//! What real projects write, by kind, and the one true answer to each.

use super::{Breaking, Heading, RawCommit, read};
use crate::gate::terms::CommitId;

/// Heading, breaking, who wrote it, and the message; bodies are cut to the lines that decide.
const MESSAGES: &[(Heading, Breaking, &str, &str)] = {
    use Breaking::{Declared, None, Possible};
    use Heading::{Build, Chores, Features, Fixes, Fixups, Merges, Other, Refactoring, Reverts, Updates};
    &[
        (Other, None, "Lars", "Make git-branch a builtin\n\nA patch from Kristian H\u{fffd}gsberg\n"),
        (Other, None, "Orgad", "git-gui: Do not reset author details on amend\n\ngiven.\n"),
        (Other, None, "Eli", ""),
        (
            Other,
            None,
            "konsti",
            "Disable color output when redirecting stderr (#742)\n\n```\n\u{1b}[1;31merror\u{1b}[0m: x\n```\n",
        ),
        (
            Fixes,
            None,
            "Saroj",
            "fix: shallow clone with tag ref_name\n\n\u{8}efs/heads/v1.30.0\n\nCo-authored-by: C <c@x>",
        ),
        (Other, None, "bq", "update ci\n\u{c}\n Conflicts:\n\t.github/workflows/ci.yml\n"),
        (Other, None, "R", "Coby\n\n\u{200f}git push -u origin Advisory-fix-1\n"),
        (
            Updates,
            None,
            "dependabot[bot]",
            "Bump docker/setup-qemu-action from 3.7.0 to 4.1.0 (#759)\n\n<details>\n<blockquote>\n<code>@\u{200b}crazy-max</code>\n</blockquote>\n</details>\n",
        ),
        (Other, None, "E", "📝 Add Spanish Translation\n"),
        (Other, None, "A", "fix missed `FlatMap` import 🤦🏻\u{200d}♂\u{fe0f}\n"),
        (Other, None, "M", "parity: git diff --no-index <a> <b> (compat_effect)\n"),
        (
            Other,
            Declared,
            "B",
            "change!: rename `Url::a()` to `Url::b()`, add `Scheme::Helper|HelperUrl|Ext`\n",
        ),
        (
            Other,
            Possible,
            "a",
            "`#[sea_orm(display | display_label)]`, pending\n\nNow it will no longer automatically\nderive `Display`, which is breaking.\n",
        ),
        (Features, None, "G", "feat: allow fixtures to require checked-in archives`\n"),
        (Other, None, "N", "Fixing the ``` for packaging electron package"),
        (
            Other,
            None,
            "E",
            "remove reproduction test case, defer to [#20549](https://github.com/x/issues/20549)\n",
        ),
        (
            Updates,
            None,
            "renovate[bot]",
            "Update astral-sh/setup-uv action to v7.5.0 (#18432)\n\n| Package |\n|---|\n\n### Release Notes\n\n<details>\n- BREAKING CHANGE: x\n</details>\n",
        ),
        (
            Other,
            None,
            "J",
            "#630: Deleting user's profile pics on deleting of user account (#646)\n\n* Issue-630: Fixed\n",
        ),
        (Other, None, "c", "--cursor-ignore ripgrep option\n"),
        (Other, None, "f", ">\n"),
        (Other, None, "d", "ignore: add existence check for ignore files\n\n| a | b |\n|---|---|\n"),
        (Build, None, "P", "ci(release): publish @signet-auth/node only after crates publish\n"),
        (
            Other,
            None,
            "x",
            "Wraps file extension comparison components in strtolower()\r\nThis avoids the issue\r\n",
        ),
        (
            Reverts,
            None,
            "r",
            "Revert \"Small correction to contributing_to_rails\"\rThis reverts commit 0cfbaa030a0684aaa89d3d3c85528e80c1995836.\r# Please enter the commit message\r",
        ),
        (Other, None, "l", "\n\n"),
        (
            Other,
            None,
            "B",
            "Release gix-error v0.3.0, gix-date v0.16.0, gix-actor v0.42.0\n\nSAFETY BUMP: gix-date v0.16.0\n",
        ),
        (Other, None, "g", "<?php /**  * Copyright (c) 2015-present\n"),
        (
            Updates,
            None,
            "dependabot[bot]",
            "Bump github/codeql-action from 4.32.4 to 4.36.0 (#757)\n\n<details>\n<blockquote>\n<li><em>Breaking change</em>: Bump the minimum</li>\n</blockquote>\n</details>\n",
        ),
        (
            Reverts,
            None,
            "D",
            "Revert \"Added app logo to outgoing emails\"\n\nThis reverts commit e32929029b3b9c4cfdd40fe234f530c60efa84e1.\n",
        ),
        (Reverts, None, "D", "Revert \"Revert \"Bookstack grid view.\"\"\n"),
        (Fixups, None, "D", "fixup! Add description for footer\n"),
        (Other, Declared, "S", "change(gix)!: consolidate public API failures under gix::Error\n"),
        (
            Refactoring,
            Declared,
            "J",
            "refactor(api)!: nest a Stage's Target selectors under spec.targets (#6829)\n",
        ),
        (Features, None, "B", "Feat: Add --hierarchy flag for showing parent context lines\n"),
        (
            Fixes,
            None,
            "T",
            "Fix: Fixed `has_related` condition building when providing a `Condition::any()` (#3126)\n",
        ),
        (
            Other,
            Declared,
            "S",
            "change!: adapt to lifetime-free configuration files\n\nBREAKING CHANGE: accessors now return owned values.\nFallible optional\n",
        ),
        (
            Fixes,
            Declared,
            "R",
            "fix(analysis)!: evaluate conditions. Fixes #4535 (#4770)\n\n* docs(analysis): document\n\nBREAKING CHANGE: Web metric provider now evaluates\nfailureCondition\n",
        ),
        (
            Refactoring,
            Possible,
            "C",
            "refactor: remove unused ImageView\n\nBREAKING CHANGE\n\nIn case any users came across, I'm marking this as a breaking change\n",
        ),
        (
            Other,
            Possible,
            "G",
            "ssh-key: support additional SSH key algorithms (#136)\n\nBreaking changes: `Algorithm::as_str`\nnow return `&str`\n",
        ),
        (
            Features,
            None,
            "A",
            "feat: Add native Cloudflare D1 database driver support\n\nBreaking change: None\nFeature: D1 database driver\n",
        ),
        (
            Other,
            Possible,
            "D",
            "Breaking change: Add `ScanSchedule`, allows interval and cron based configurations.\n",
        ),
        (Other, Possible, "D", "[BREAKING] add comments on safety + API change enforcing UnwindSafe\n"),
        (
            Features,
            Possible,
            "Y",
            "feat: BREAKING CHANGE: full support for HTML5 notifications (WIN and MacOS)\n",
        ),
        (
            Other,
            None,
            "E",
            "ignore: allow parallel walker to borrow data\n\nThis is not a breaking change because it strictly increases\n",
        ),
        (Other, None, "E", "Remove mention of 'unit', only non-breaking changes (#272)\n"),
        (
            Features,
            None,
            "R",
            "feat(gix-pack): expose index-less parallel pack traversal\n\nPurely additive, with no breaking changes.\n",
        ),
        (
            Merges,
            None,
            "J",
            "Merge branch 'jk/t0014-dynamic-deprecated-cmds'\n\n'WITH_BREAKING_CHANGES' in a build directory\n\n* jk/t0014:\n  t0014: factor out\n",
        ),
        (
            Other,
            None,
            "k",
            "`cargo upgrade --incompatible` (#330)\n\nFrom cacache 0.12.0:\n> BREAKING CHANGE: some signatures have changed, and copy no\nlonger reflinks\n",
        ),
        (
            Fixes,
            None,
            "w",
            "fix(core): avoid panic when stdout pipe is closed on Windows\n\nCo-authored-by: Cursor <c@x>\n",
        ),
        (Other, None, "F", "schemas: constrain ML-KEM encaps m to 32 bytes\n"),
        (Chores, None, "S", "chore: add `gix-tix` archive ignore; make mtime sensitive test always work.\n"),
        (Other, None, "T", "ssh-cipher: bump `aead` to v0.6; `aes-gcm` to v0.11 (#557)\n"),
        (Other, None, "A", "fmt/strtime: make `strptime` with `Zoned` and only `%s` work\n"),
        (Other, None, "M", "https://github.com/akuity/kargo/issues/876\n"),
        (Other, None, "S", "\tRename attach_same_site_cookies param to force_ignore_site_for_cookies\n"),
        (
            Other,
            None,
            "L",
            "printer: always use \\n in the summary printer\n\nPreviously, the \\x00 byte would be printed\n",
        ),
        (Other, None, "P", "Apply feedback from discussion\n"),
        // And what bots and forges write that a sample does not hold.
        (Updates, None, "renovate[bot]", "fix(deps): update dependency react to v19\n"),
        (Updates, None, "Ada", "chore(deps-dev): bump vite from 5.0.0 to 6.0.0\n"),
        (Updates, None, "Ada", "Bump rack from 2.2.3 to 2.2.4 in /web\n"),
        (Other, None, "Ada", "Bump version from 1.3.0 to 1.4.0\n"),
        (Features, None, "Ada", "feat(deps): choose the mirror\n"),
        (
            Reverts,
            None,
            "Ada",
            "Reapply \"totals\"\n\nThis reverts commit 0cfbaa030a0684aaa89d3d3c85528e80c1995836.\n",
        ),
        (Reverts, None, "Ada", "revert: let us never speak of it\n\nRefs: 676104e, a215868\n"),
        (Merges, Possible, "Ada", "Merge pull request #12 from ada/x\n\nfeat!: drop v1\n"),
    ]
};

#[test]
fn every_real_message_gets_its_true_answer() {
    for (heading, breaking, author, message) in MESSAGES {
        let id: CommitId = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        let parents = vec![id; if message.starts_with("Merge") { 2 } else { 1 }];
        let found = read(&RawCommit {
            id: parents[0].clone(),
            parents,
            author_name: author.as_bytes().to_vec(),
            author_email: b"a@example.org".to_vec(),
            encoding: None,
            message: message.as_bytes().to_vec(),
        });
        assert_eq!((Heading::of(&found), found.breaking), (*heading, *breaking), "{message}");
    }
}
