#!/bin/sh
# Looks at what was released a moment ago.
set -eu
test "$(cat "$HOME/live/$DEPLOYCTL_ENVIRONMENT")" = "$DEPLOYCTL_VERSION"
echo "$DEPLOYCTL_ENVIRONMENT answers with $DEPLOYCTL_VERSION"
