#!/bin/sh
# Lets the workers that start_workers.sh has started finish, and ends them: `tasklane workers stop`.
# Fine when nothing runs. Ends nothing that it did not start.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$root/scripts/workers.sh"

pool_is_built
pool stop "$@"
