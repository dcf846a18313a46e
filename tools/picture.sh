#!/usr/bin/env bash
# Takes the picture of the page that README.md shows: a throwaway PostgreSQL, the pooler before it, a calm load, and a headless Chromium.
#
#   ./tools/picture.sh [FILE]                     docs/page.png without one
#
# POOLER=/path/to/fastpool   instead of out/fastpool
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../perf-scripts/lib.sh"

file=$(realpath -m "${1:-$root/docs/page.png}")
browser=$(command -v chromium || command -v chromium-browser) || fail "chromium is missing: perf-scripts/set-up.sh console"
begin_work
start_postgres trust
free_port
metrics_port=$port
export FASTPOOL_METRICS_LISTEN=127.0.0.1:$metrics_port
auth_type=trust pool_mode=transaction pool_size=8 loops=2
start_pooler pooler "${POOLER:-$root/out/fastpool}"
through=(-h 127.0.0.1 -p "$pooler_port" -U bench)
PGPASSWORD=bench "$pg_bin/pgbench" -i -q -s 2 "${through[@]}" bench >"$work/init.log" 2>&1

# Load in steps, so that the lines have something to show; a transaction that is left open, and more clients than servers.
load() { start_as_user "$work/load.log" "$pg_bin/pgbench" -n -c "$1" -j 1 -R "$2" -T "$3" "${@:4}" "${through[@]}" bench; }
step "Load"
load 12 300 60 -S
for clients in 4 9 14 10; do load "$clients" $((clients * 30)) 12 -S; sleep 6; done
load 18 400 20 -S
start_as_user "$work/idle.log" "$pg_bin/psql" -X "${through[@]}" -d bench -c 'begin' -c 'select pg_sleep(20)'
sleep 4

step "Picture"
mkdir -p "$work/profile"
"$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run --user-data-dir="$work/profile" \
    --window-size=1280,900 --virtual-time-budget=8000 --screenshot="$work/page.png" "http://127.0.0.1:$metrics_port/" >"$work/browser.log" 2>&1 ||
    { tail -n 5 "$work/browser.log" >&2; fail "the browser took no picture"; }
install -m 644 "$work/page.png" "$file"
step "Done: $file"
