#!/bin/sh
# Makes the version live, or with `--previous` the one before.
set -eu
version=$DEPLOYCTL_VERSION
if [ "${1-}" = --previous ]; then version=$DEPLOYCTL_PREVIOUS_VERSION; fi
mkdir -p "$HOME/live"
echo "$version" > "$HOME/live/$DEPLOYCTL_ENVIRONMENT"
echo "released $version to $DEPLOYCTL_ENVIRONMENT"
