#!/bin/sh
# Checks the ledger in this directory without deployctl: with sh, git, ssh-keygen and sha256sum (or shasum) alone.
# README.txt beside it says what that proves, and what it does not.
#
#   sh verify.sh                     the people's keys are those of the allowed_signers beside it
#   sh verify.sh ALLOWED_SIGNERS     they are those of a file of your own
#
# It writes nothing here, ends with 0 where every entry holds, and with 1 at the first that does not, which it names.

set -u
LC_ALL=C
export LC_ALL
# Nothing of this machine's git settings counts, and nothing that would show other objects than those of the bundle.
unset GIT_DIR GIT_WORK_TREE GIT_COMMON_DIR GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES \
    GIT_GRAFT_FILE GIT_SHALLOW_FILE GIT_REPLACE_REF_BASE GIT_NAMESPACE GIT_CONFIG GIT_CONFIG_PARAMETERS \
    GIT_CONFIG_COUNT GIT_TEMPLATE_DIR GIT_TRACE CDPATH IFS
GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_NO_REPLACE_OBJECTS=1 GIT_TERMINAL_PROMPT=0
export GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_NO_REPLACE_OBJECTS GIT_TERMINAL_PROMPT

tab=$(printf '\t')
sequence=0
commit=

stop() {
    printf 'FAILED: %s\n' "$1" >&2
    exit 1
}

fail() {
    stop "entry $sequence ($commit): $1"
}

needs() {
    command -v "$1" > /dev/null 2>&1 || stop "$1 is needed, and it is not here"
}

if command -v sha256sum > /dev/null 2>&1; then
    sha256() { sha256sum; }
else
    needs shasum
    sha256() { shasum -a 256; }
fi
needs git
needs ssh-keygen

case $0 in
*/*) here=${0%/*} ;;
*) here=. ;;
esac
here=$(cd "$here" && pwd) || stop "the directory of this script cannot be entered"
umask 077
work=${TMPDIR:-/tmp}/deployctl-verify.$$
mkdir "$work" || stop "$work cannot be made"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
[ $# -le 1 ] || stop 'it takes one file at the most: the allowed_signers that you trust'
given=${1:-$here/allowed_signers}
[ -r "$given" ] && [ ! -d "$given" ] || stop "$given cannot be read"
# It is read once, so that all of it is the same to the end.
while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done < "$given" > "$work/given"
mkdir "$work/approval" "$work/execution" "$work/session" "$work/revoked" "$work/used"

records() {
    git --git-dir="$work/records.git" "$@"
}

# The digest of a git blob, in $sum.
digest() {
    sum=$(records cat-file blob "$1" | sha256)
    sum=sha256:${sum%% *}
}

# Whether a text is a digest, so that it may stand in the name of a file.
is_digest() {
    case $1 in
    sha256:*[!0-9a-f:]* | sha256:*:*) return 1 ;;
    sha256:*) [ ${#1} -eq 71 ] ;;
    *) return 1 ;;
    esac
}

# Whether a text is a plain name.
is_name() {
    case $1 in
    '' | *[!A-Za-z0-9._@+-]*) return 1 ;;
    esac
}

# Whether a text is a version: a name that may have slashes.
is_version() {
    case $1 in
    '' | *[!A-Za-z0-9._@+/-]*) return 1 ;;
    esac
}

# What an approval or an execution is about can be told and compared.
names_its_release() {
    is_digest "$request" || fail 'it names no request'
    is_name "$action" && is_name "$environment" && is_version "$version" && is_name "$release" \
        || fail 'it does not say what it is about'
}

# --- canonical JSON -------------------------------------------------------------------------------------------------
# Hands every value to `take`, with the names that lead to it: /request/digest. Words and numbers have a = before them.
walk() {
    rest=$1 path='' open='' next=value
    word_ends='[],}]*'
    while [ -n "$rest" ]; do
        case $rest in
        '{'*)
            open="{$open" path=$path/ next=name
            rest=${rest#?}
            ;;
        '['*)
            open="[$open"
            rest=${rest#?}
            ;;
        '}'*)
            open=${open#?} path=${path%/*}
            rest=${rest#?}
            ;;
        ']'*)
            open=${open#?}
            rest=${rest#?}
            ;;
        ,*)
            case $open in
            '{'*) path=${path%/*}/ next=name ;;
            esac
            rest=${rest#?}
            ;;
        '"'*)
            text_of || return 1
            if [ $next = name ]; then
                case $rest in
                :*) rest=${rest#?} ;;
                *) return 1 ;;
                esac
                # A name with a slash in it must not look like two.
                case $text in
                *[!A-Za-z0-9._@+-]*) text=? ;;
                esac
                path=$path$text next=value
            else
                take "$path" "$text"
            fi
            ;;
        *)
            word=${rest%%$word_ends}
            case $word in
            '' | *[!A-Za-z0-9.+-]*) return 1 ;;
            esac
            rest=${rest#"$word"}
            take "$path" "=$word"
            ;;
        esac
    done
    [ -z "$open" ]
}

# Takes a string from the head of $rest into $text, its escapes as they are written.
text_of() {
    text=''
    rest=${rest#?}
    while :; do
        case $rest in
        *'"'*) ;;
        *) return 1 ;;
        esac
        part=${rest%%\"*}
        rest=${rest#*\"}
        text=$text$part
        escaped=0
        while :; do
            case $part in
            *\\) part=${part%?} escaped=$((1 - escaped)) ;;
            *) break ;;
            esac
        done
        [ $escaped -eq 1 ] || return 0
        text=$text\"
    done
}

# Keeps what is looked at.
take() {
    case $1 in
    /approvals)
        approvals="$approvals $2"
        return
        ;;
    /attachments/*)
        attached="$attached${1#/attachments/}=$2|" files=$((files + 1))
        return
        ;;
    esac
    case $seen in
    *" $1 "*) fail "its payload says $1 twice" ;;
    esac
    case $1 in
    /schema) schema=$2 ;;
    /kind) kind=$2 ;;
    /sequence) said_sequence=$2 ;;
    /previous) said_previous=$2 ;;
    /repository) repository=$2 ;;
    /by) by=$2 ;;
    /execution) execution=$2 ;;
    /session_key) session_key=$2 ;;
    /verdict) verdict=$2 ;;
    /action) action=$2 ;;
    /environment) environment=$2 ;;
    /version) version=$2 ;;
    /commit) release=$2 ;;
    /request/digest) request=$2 ;;
    /previous_release/commit) before=$2 ;;
    *) return ;;
    esac
    seen="$seen$1 "
}

reads() {
    approvals='' attached='|' files=0 seen=' '
    schema='' kind='' said_sequence='' said_previous='' repository='' by='' execution='' session_key=''
    verdict='' action='' environment='' version='' release='' request='' before=''
    walk "$1" || fail 'its payload is no canonical JSON'
}

# --- the trust root -------------------------------------------------------------------------------------------------
# The digest of the first payload as OpenSSH writes fingerprints, in $root.
root_of() {
    hex=${1#sha256:}00 root=''
    set -- A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x y z \
        0 1 2 3 4 5 6 7 8 9 + /
    while [ -n "$hex" ]; do
        tail=${hex#??????}
        bits=$((0x${hex%"$tail"}))
        for shift in 18 12 6 0; do
            eval "root=\$root\${$(((bits >> shift & 63) + 1))}"
        done
        hex=$tail
    done
    root=SHA256:${root%?}
}

# --- one entry ------------------------------------------------------------------------------------------------------
# Lists the files of an entry: finds the payload and the one signature, and counts the others.
lists() {
    payload='' signature='' signer='' others=0
    records ls-tree "$commit" > "$work/tree" || fail 'its files cannot be listed'
    while IFS=$tab read -r meta name; do
        is_name "$name" || fail 'it has a file that no entry has'
        case $meta in
        '100644 blob '*) blob=${meta#100644 blob } ;;
        *) fail "$name is no plain file" ;;
        esac
        case $name in
        payload.json) payload=$blob ;;
        *.sig)
            [ -z "$signature" ] || fail 'it does not carry exactly one signature'
            signature=$blob signer=${name%.sig}
            ;;
        *) others=$((others + 1)) ;;
        esac
    done < "$work/tree"
    [ -n "$payload" ] || fail 'it has no payload.json'
    [ -n "$signature" ] || fail 'it does not carry exactly one signature'
    records cat-file blob "$payload" > "$work/payload" || fail 'its payload cannot be read'
    records cat-file blob "$signature" > "$work/signature" || fail 'its signature cannot be read'
}

# Its place: one more than the entry before, the digest of that one's payload, and the same trust root.
stands() {
    [ "$schema" = deployctl/1 ] || fail 'its payload has another schema'
    # Nothing is signed yet: what is no number is not repeated.
    case ${said_sequence#=} in
    '' | *[!0-9]*) fail 'it says no number' ;;
    esac
    [ "$said_sequence" = "=$sequence" ] || fail "it says that it is entry ${said_sequence#=}"
    [ "$said_previous" = "$previous" ] || fail 'it does not follow the entry before it'
    [ "$repository" = "$root" ] || fail "it was signed for another repository's ledger"
    is_name "$by" || fail 'it names nobody'
    if [ "$sequence" -eq 1 ] && [ "$kind" != policy ]; then
        fail 'the ledger does not begin with a policy'
    fi
}

# Its files: exactly those whose digests were signed.
holds() {
    [ $others -eq $files ] || fail 'its files are not the ones that were signed'
    while IFS=$tab read -r meta name; do
        case $name in
        payload.json | *.sig) continue ;;
        esac
        digest "${meta#100644 blob }"
        case $attached in
        *"|$name=$sum|"*) ;;
        *) fail "$name is not the one that was signed" ;;
        esac
    done < "$work/tree"
}

# Its signature: by the person it names under the policy in force before it, or by the session of its deployment.
is_signed() {
    identity=$by keys=$signers
    case $kind in
    policy | approval | revocation | execution | review | signoff) namespace=deployctl-$kind ;;
    progress | outcome | automatic-rollback)
        namespace=deployctl-session identity=session
        is_digest "$execution" || fail 'it names no execution'
        keys=$work/session/${execution#sha256:}
        [ -f "$keys" ] || fail 'it is about an execution that no entry before it is'
        read -r executor < "$work/execution/${execution#sha256:}"
        [ "$executor" = "$by" ] || fail "$by did not start that deployment"
        ;;
    *) fail 'it is of a kind that this script does not know' ;;
    esac
    [ "$signer" = "$identity" ] || fail "it carries the signature of $signer, not of $identity"
    ssh-keygen -Y verify -f "$keys" -I "$identity" -n "$namespace" -s "$work/signature" \
        < "$work/payload" > "$work/said" 2>&1 || fail "the signature of $identity as $namespace does not verify"
    [ $identity != session ] || return 0
    ssh-keygen -Y verify -f "$work/given" -I "$identity" -n "$namespace" -s "$work/signature" \
        < "$work/payload" > "$work/said" 2>&1 || fail "by $given the signature of $identity as $namespace does not verify"
}

# Whether the allowed_signers that is trusted has this key for this person.
is_given() {
    while read -r principals line; do
        case ",$principals," in
        *",$1,"*) ;;
        *) continue ;;
        esac
        case " $line " in
        *" $2 $3 "*) return 0 ;;
        esac
    done < "$work/given"
    return 1
}

# What an entry changes for those after it.
settles() {
    hex=${own#sha256:}
    case $kind in
    policy) comes_into_force ;;
    approval)
        names_its_release
        is_name "$verdict" && is_name "${before:-none}" || fail 'it does not say what it is about'
        printf '%s\n' "$verdict|$action|$environment|$version|$release|$before|$request|$by|$sequence" \
            > "$work/approval/$hex"
        ;;
    revocation)
        is_digest "$request" || fail 'it names no request'
        printf '%s\n' "$sequence" > "$work/revoked/${request#sha256:}"
        ;;
    execution)
        rests
        case ${session_key#ssh-ed25519 } in
        "$session_key" | '' | *[!A-Za-z0-9+/=]*) fail 'it names no key for its session' ;;
        esac
        printf 'session namespaces="deployctl-session" %s\n' "$session_key" > "$work/session/$hex"
        printf '%s\n' "$by" > "$work/execution/$hex"
        ;;
    automatic-rollback)
        # It has steps and an end of its own, signed by the same session.
        read -r line < "$keys"
        printf '%s\n' "$line" > "$work/session/$hex"
        printf '%s\n' "$by" > "$work/execution/$hex"
        ;;
    esac
}

# A policy that came into force brings its own keys; each stands in the deployctl.yaml that was signed with it.
comes_into_force() {
    if [ ! -f "$here/signers/$sequence" ]; then
        [ "$sequence" -ne 1 ] || fail 'signers/1 is missing'
        return
    fi
    rules=$(records cat-file blob "$commit:deployctl.yaml") || fail 'it does not hold the deployctl.yaml it signs'
    spaces=deployctl-policy,deployctl-approval,deployctl-revocation,deployctl-execution,deployctl-review
    spaces="namespaces=\"$spaces,deployctl-signoff\""
    signers=$work/signers policies=$((policies + 1))
    : > "$signers"
    # What OpenSSH gets is what was looked at here: one key a line, and nothing else.
    while read -r who options type key rest || [ -n "$who" ]; do
        if ! is_name "$who" || [ "$options" != "$spaces" ] || ! is_name "$type" || [ -n "$rest" ]; then
            fail "signers/$sequence has a line that is no person's key"
        fi
        case $key in
        '' | *[!A-Za-z0-9+/=]*) fail "signers/$sequence has a line that is no person's key" ;;
        esac
        case $rules in
        *"$type $key"*) ;;
        *) fail "a key of signers/$sequence does not stand in its deployctl.yaml" ;;
        esac
        is_given "$who" "$type" "$key" || fail "$given has no line for $who with the key $type $key"
        printf '%s %s %s %s\n' "$who" "$options" "$type" "$key" >> "$signers"
    done < "$here/signers/$sequence"
}

# What an execution rests on: approvals of the same thing, standing, and consumed once.
rests() {
    [ -n "$approvals" ] || fail 'it rests on no approval'
    names_its_release
    people='' own_approval=no
    for approval in $approvals; do
        if ! is_digest "$approval" || [ ! -f "$work/approval/${approval#sha256:}" ]; then
            fail 'it rests on an approval that no entry before it is'
        fi
        IFS='|' read -r a_verdict a_action a_environment a_version a_release a_before a_request a_by a_sequence \
            < "$work/approval/${approval#sha256:}"
        [ "$a_verdict" = allow ] || fail "it rests on the verdict of entry $a_sequence, which is no approval"
        if [ "$a_request" != "$request" ] || [ "$a_environment" != "$environment" ]; then
            fail "entry $a_sequence approves something else"
        fi
        case $a_action-$action in
        deploy-deploy | rollback-rollback)
            own_approval=yes
            if [ "$a_release" != "$release" ] || [ "$a_version" != "$version" ]; then
                fail "entry $a_sequence approves something else"
            fi
            [ ! -f "$work/used/${request#sha256:}" ] || fail 'its approval was used before'
            revoked=0
            if [ -f "$work/revoked/${request#sha256:}" ]; then
                read -r revoked < "$work/revoked/${request#sha256:}"
            fi
            [ "$a_sequence" -gt "$revoked" ] || fail "the approval of entry $a_sequence was revoked by entry $revoked"
            ;;
        # The approval of a deployment covers the way back to what was live before it.
        deploy-rollback) [ "$a_before" = "$release" ] || fail "entry $a_sequence approves something else" ;;
        *) fail "entry $a_sequence approves something else" ;;
        esac
        case " $people " in
        *" $a_by "*) ;;
        *) people="$people $a_by" ;;
        esac
    done
    [ $own_approval = no ] || printf '%s\n' "$sequence" > "$work/used/${request#sha256:}"
    told="$told  entry $sequence: $action $environment $version by $by, approved by$people
"
}

# --- all of them ----------------------------------------------------------------------------------------------------
git -c init.defaultBranch=main init --quiet --bare --template= "$work/records.git" || stop 'git cannot make a repository'
records fetch --quiet --no-tags --no-write-fetch-head "$here/records.bundle" \
    '+refs/heads/deployctl/*:refs/heads/deployctl/*' || stop 'records.bundle is not whole'
records rev-list --reverse --topo-order --parents refs/heads/deployctl/ledger > "$work/chain" \
    || stop 'records.bundle holds no ledger'

root==null previous==null parent='' signers=$here/signers/1 told='' policies=0
by_people=0 by_sessions=0 first_root=''
while read -r commit parents; do
    sequence=$((sequence + 1))
    [ "$parents" = "$parent" ] || fail 'its commit does not follow the one before it'
    lists
    digest "$payload"
    own=$sum
    reads "$(records cat-file blob "$payload")"
    stands
    holds
    is_signed
    settles
    if [ $identity = session ]; then by_sessions=$((by_sessions + 1)); else by_people=$((by_people + 1)); fi
    if [ $sequence -eq 1 ]; then
        root_of "$own"
        first_root=$root
    fi
    previous=$own parent=$commit
done < "$work/chain"
[ $sequence -gt 0 ] || stop 'the ledger is empty'
brought=0
for file in "$here/signers/"*; do brought=$((brought + 1)); done
[ $brought -eq $policies ] || stop 'signers holds keys that no policy of the ledger brought into force'

printf 'ok: %s entries, each with its place, its files and its signature\n' "$sequence"
printf 'signatures: %s by people, %s by the sessions of their deployments\n' "$by_people" "$by_sessions"
printf 'keys: those of %s\n' "${1:-the allowed_signers beside this script}"
printf 'policies that came into force: %s\n' "$policies"
[ -z "$told" ] || printf 'executions:\n%s' "$told"
printf 'trust root: %s\n' "$first_root"
printf 'newest entry: %s (%s)\n' "$sequence" "$parent"
