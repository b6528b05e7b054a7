#!/bin/sh
# Stands for the migration tool, which goes `up` or `down`.
set -eu
echo "migrated $1"
