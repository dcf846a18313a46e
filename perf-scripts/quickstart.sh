#!/usr/bin/env bash
# From nothing to a running pooler under load, in one command: installs what is missing, builds FastPool, starts a throwaway
# PostgreSQL with FastPool before it, runs pgbench through it, shows the console, and cleans up.
#
#   ./perf-scripts/quickstart.sh
#
# POOLER=/path/to/binary   another pooler instead of out/fastpool (nothing is built then)
# SECONDS_PER_RUN=10       how long pgbench runs
# CLIENTS=32               how many clients pgbench is
# LOOPS=2                  threads of FastPool; without it FastPool chooses
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

seconds=${SECONDS_PER_RUN:-10}
clients=${CLIENTS:-32}

if [ -n "${POOLER:-}" ]; then set_up postgresql; else set_up dotnet aot postgresql; fi
begin_work
[ -n "${POOLER:-}" ] || publish_fastpool
binary=${POOLER:-$root/out/fastpool}

step "Starting a throwaway PostgreSQL"
start_postgres scram-sha-256

step "Starting the pooler: $(basename "$binary"), transaction mode, SCRAM on both sides"
auth_type=scram-sha-256 pool_mode=transaction pool_size=20 loops=${LOOPS:-}
start_pooler pooler "$binary"
note "$("$binary" -V </dev/null | head -n 1) listens on 127.0.0.1:$pooler_port (pid $pooler_pid, ready after $pooler_ready_ms ms, $(rss_kb "$pooler_pid") kB)"

export PGPASSWORD=bench
through=(-h 127.0.0.1 -p "$pooler_port" -U bench)

step "pgbench -i: filling the tables, through the pooler"
"$pg_bin/pgbench" -i -q -s 10 "${through[@]}" bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }

step "pgbench -S: $clients clients over 20 server connections, $seconds s"
before=$(cpu_ns "$pooler_pid")
"$pg_bin/pgbench" -S -n -c "$clients" -j 2 -T "$seconds" -P 2 "${through[@]}" bench 2>&1 | tee "$work/run.log" | sed 's/^/    /'
after=$(cpu_ns "$pooler_pid")
transactions=$(awk '/number of transactions actually processed/ {sub(/\/.*/, "", $6); print $6}' "$work/run.log")
[ "${transactions:-0}" -gt 0 ] || fail "no transaction came through"

step "The console: SHOW STATS and SHOW POOLS"
psql_console "$pooler_port" -x -c 'SHOW STATS'
psql_console "$pooler_port" -c 'SHOW POOLS'

step "Done: $transactions transactions, $(awk -v c=$((after - before)) -v n="$transactions" 'BEGIN {printf "%.1f", c / n / 1000}') µs of the pooler's CPU each; cleaning up"
