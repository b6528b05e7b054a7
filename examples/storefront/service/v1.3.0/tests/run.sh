#!/bin/sh
# Runs one suite in a shop of its own and writes its JUnit report: tests/run.sh unit|integration|e2e
set -u

suite=$1
STOREFRONT_HOME=$(mktemp -d)
DEPLOYCTL_VERSION=v9.1.0
DEPLOYCTL_PREVIOUS_VERSION=v9.0.0
export STOREFRONT_HOME DEPLOYCTL_VERSION DEPLOYCTL_PREVIOUS_VERSION
trap 'rm -r "$STOREFRONT_HOME"' EXIT

cases=
passed=0
failed=0

# check NAME COMMAND…: one test case, passed when the command succeeds.
check() {
    name=$1
    shift
    if "$@" >/dev/null; then
        passed=$((passed + 1))
        cases="$cases  <testcase classname=\"$suite\" name=\"$name\"/>
"
    else
        failed=$((failed + 1))
        cases="$cases  <testcase classname=\"$suite\" name=\"$name\"><failure message=\"$* failed\"/></testcase>
"
    fi
}

. "tests/$suite.sh"

mkdir -p "reports/$suite"
printf '<testsuite name="%s" tests="%s" failures="%s" errors="0" skipped="0">\n%s</testsuite>\n' \
    "$suite" $((passed + failed)) "$failed" "$cases" >"reports/$suite/storefront.xml"
echo "$suite: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
