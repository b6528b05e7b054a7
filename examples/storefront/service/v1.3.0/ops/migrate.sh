#!/bin/sh
# Brings the database to this release (`up`), or takes back what this release brought (`down`).
#
# The database is files: a table is a directory, a column is a file in it, a row is a line of each column.
# `applied` is the journal: one line with the migration and the release that brought it.
set -euf

db=$STOREFRONT_HOME/db
journal=$db/applied
mkdir -p "$db"
touch "$journal"

# Runs a file of SQL, one statement on a line. It knows what this shop uses, and values of one word.
run() {
    while IFS= read -r line; do
        # shellcheck disable=SC2046 # The words are wanted.
        set -- $(printf '%s' "$line" | tr '(),;' '    ' | tr -d "'")
        table=$db/$3
        case "$1 $2 ${4:-}" in
        "CREATE TABLE "*)
            mkdir "$table"
            shift 3
            for column; do : >"$table/$column"; done
            ;;
        "INSERT INTO "*) shift 3 && insert "$@" ;;
        "ALTER TABLE ADD") while read -r _; do echo "$8"; done <"$table/name" >"$table/$6" ;;
        "ALTER TABLE DROP") rm "$table/$6" ;;
        "DROP TABLE "*) rm -r "$table" ;;
        *)
            echo "migrate: this is not understood: $line" >&2
            return 1
            ;;
        esac
    done <"$1"
}

# insert COLUMN… VALUES VALUE…
insert() {
    columns=
    while [ "$1" != VALUES ]; do
        columns="$columns $1"
        shift
    done
    for column in $columns; do
        shift
        echo "$1" >>"$table/$column"
    done
}

is_applied() {
    while read -r name _; do
        if [ "$name" = "$1" ]; then return 0; fi
    done <"$journal"
    return 1
}

forget() {
    while read -r name version; do
        if [ "$name" != "$1" ]; then echo "$name $version"; fi
    done <"$journal" >"$journal.new"
    mv "$journal.new" "$journal"
}

up() {
    set +f
    set -- migrations/*.up.sql
    set -f
    for file; do
        migration=$(basename "$file" .up.sql)
        if is_applied "$migration"; then continue; fi
        run "$file"
        echo "$migration $DEPLOYCTL_VERSION" >>"$journal"
        echo "applied $migration"
    done
}

down() {
    sort -r "$journal" | while read -r migration version; do
        if [ "$version" != "$DEPLOYCTL_VERSION" ]; then continue; fi
        run "migrations/$migration.down.sql"
        forget "$migration"
        echo "took back $migration"
    done
}

case "${1:-}" in
up) up ;;
down) down ;;
*)
    echo "usage: migrate.sh up|down" >&2
    exit 2
    ;;
esac
