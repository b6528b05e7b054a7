#!/bin/sh
# Puts the page of this release live, or with `back` that of the release before it.
#
# Each release has a directory of its own, and the link `current` names one of them: whoever reads the shop sees
# the old page or the new one, and nothing in between.
set -eu

releases=$STOREFRONT_HOME/releases
case "${1:-}" in
"")
    version=$DEPLOYCTL_VERSION
    mkdir -p "$releases/$version"
    ./site/page.sh >"$releases/$version/index.html"
    ;;
back) version=$DEPLOYCTL_PREVIOUS_VERSION ;;
*)
    echo "usage: release.sh [back]" >&2
    exit 2
    ;;
esac
if [ ! -f "$releases/$version/index.html" ]; then
    echo "release: there is no $version to put live" >&2
    exit 1
fi

next=$STOREFRONT_HOME/next
rm -f "$next"
ln -s "releases/$version" "$next"
# The rename is the switch. GNU says -T, BSD says -h: replace the link itself, and do not move into what it names.
mv -fT "$next" "$STOREFRONT_HOME/current" 2>/dev/null || mv -fh "$next" "$STOREFRONT_HOME/current"
echo "$version is live"
