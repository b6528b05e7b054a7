#!/bin/sh
# Writes the shop's page, from the database.
set -eu

products=$STOREFRONT_HOME/db/products
echo '<!doctype html>'
echo '<title>Storefront</title>'
echo "<h1>Storefront $DEPLOYCTL_VERSION</h1>"
paste "$products/name" "$products/price" "$products/stock" | while read -r name price stock; do
    echo "<p>$name: $price, $stock in stock</p>"
done
cat site/footer.html
