# The page.
./ops/migrate.sh up >/dev/null
page=$(./site/page.sh)
says() { case "$page" in *"$1"*) ;; *) return 1 ;; esac; }

check "the page names the release" says "Storefront $DEPLOYCTL_VERSION"
check "the page shows each product with its price" says "Cup: 6.50"
check "the page shows what is in stock" says "10 in stock"
check "the page says that prices include tax" says "include tax"
