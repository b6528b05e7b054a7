# Two releases and the way back.
live() { [ "$(readlink "$STOREFRONT_HOME/current")" = "releases/$1" ]; }

./ops/migrate.sh up >/dev/null
check "a release is put live" env DEPLOYCTL_VERSION="$DEPLOYCTL_PREVIOUS_VERSION" ./ops/release.sh
check "it is the one that is seen" live "$DEPLOYCTL_PREVIOUS_VERSION"
check "the next release is put live" ./ops/release.sh
check "the next one is the one that is seen" live "$DEPLOYCTL_VERSION"
check "the way back is taken" ./ops/release.sh back
check "the one before is seen again" live "$DEPLOYCTL_PREVIOUS_VERSION"
