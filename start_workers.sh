#!/bin/sh
# Starts a pool of workers on this machine, or changes how many there are:
#
#   ./start_workers.sh [n] [prefix] [options of `tasklane workers start`]
#
# Three workers if n is not given; they are named prefix-1, prefix-2, … (WORKER_ID, or `worker`). The scheduler is at
# TASKLANE_URL, or at API_HOST and API_PORT, or at http://127.0.0.1:8000. Works from any directory; process ids and logs are
# in .tasklane beside this file.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$root/scripts/workers.sh"

case ${1-} in
  '' | -*) ;;
  *) pool_size=$1 && shift ;;
esac
case ${1-} in
  '' | -*) ;;
  *) pool_prefix=$1 && shift ;;
esac

pool_is_built
pool start ${pool_size+"$pool_size"} ${pool_prefix+--prefix "$pool_prefix"} "$@"
