# The migrations, on a database.
has_products() { [ -d "$STOREFRONT_HOME/db/products" ]; }
has_none() { [ ! -s "$STOREFRONT_HOME/db/applied" ] && ! has_products; }

check "the migrations go up" ./ops/migrate.sh up
check "there is a table of products" has_products
check "the migrations go down again" ./ops/migrate.sh down
check "nothing of them is left" has_none
