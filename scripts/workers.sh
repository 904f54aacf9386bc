# Read by the three scripts at the root, which set `root`.

# Builds where nothing is built yet. What has changed since is built by `npm run build`, and by `npm start`.
pool_is_built() {
  if ! command -v node >/dev/null 2>&1; then
    echo "Node 20.19 or later is needed, and no \`node\` is found." >&2
    exit 1
  fi
  if [ -f "$root/packages/cli/dist/main.js" ]; then return 0; fi
  if [ ! -d "$root/node_modules" ]; then
    echo "Nothing is installed yet. Type this first:  cd '$root' && npm ci" >&2
    exit 1
  fi
  (cd "$root" && npm run --silent build) >&2
}

# One pool, whatever the directory: a later --state-dir stands above this one.
pool() {
  command_name=$1 && shift
  exec node "$root/packages/cli/bin/tasklane.js" workers "$command_name" --state-dir "$root/.tasklane" "$@"
}
