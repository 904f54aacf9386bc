#!/bin/sh
# Shows the workers that start_workers.sh has started: `tasklane workers status`.
# Ends with 0 when all are up, with 1 when some are not, and with 3 when nothing runs.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$root/scripts/workers.sh"

pool_is_built
pool status "$@"
