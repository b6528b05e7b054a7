#!/bin/sh
# Writes the shop's page, from the database.
set -eu

products=$STOREFRONT_HOME/db/products
echo '<!doctype html>'
echo '<title>Storefront</title>'
echo "<h1>Storefront $DEPLOYCTL_VERSION</h1>"
paste "$products/name" "$products/price" | while read -r name price; do
    echo "<p>$name: $price</p>"
done
cat site/footer.html
