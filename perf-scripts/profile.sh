#!/usr/bin/env bash
# Where the pooler's CPU time goes: a profile by perf while pgbench runs through it.
#
#   ./perf-scripts/profile.sh [-o FOLDER]
#
# -o FOLDER   keeps perf.data and the report there
# CLIENTS=16  MODE=simple|extended|prepared  SECONDS_PER_RUN=5  POOLER=  LOOPS=1   as in compare-pgbouncer.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

take_options "$@"

clients=${CLIENTS:-16} mode=${MODE:-simple} seconds=${SECONDS_PER_RUN:-5}
needs=(postgresql)
[ -n "${POOLER:-}" ] || needs+=(dotnet aot)
set_up "${needs[@]}"
have perf || fail "perf is missing: install $(apt_name_of_perf) (for this kernel, $(uname -r)) and run this again"
perf stat -e task-clock true >/dev/null 2>&1 ||
    fail "perf may not measure here: as root, or with sysctl kernel.perf_event_paranoid=1 (now $(cat /proc/sys/kernel/perf_event_paranoid 2>/dev/null || echo unknown))"
begin_work
[ -n "${POOLER:-}" ] || publish_fastpool
binary=${POOLER:-$root/out/fastpool}

step "Starting a throwaway PostgreSQL and the pooler"
start_postgres trust
run_as_user "$pg_bin/pgbench" -i -q -s 5 -h 127.0.0.1 -p "$pg_port" -U bench bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }
pool_size=20 pool_mode=transaction loops=${LOOPS:-1}
start_pooler pooler "$binary"
# The symbols that were stripped from the binary stand beside it.
[ ! -e "$binary.dbg" ] || cp "$binary.dbg" "$work/pooler/$(basename "$binary").dbg"

step "Profiling pid $pooler_pid: pgbench -S -M $mode, $clients clients, $seconds s"
run_as_user "$pg_bin/pgbench" -S -n -M "$mode" -c "$clients" -T $((seconds + 1)) -h 127.0.0.1 -p "$pooler_port" -U bench bench >"$work/run.log" 2>&1 &
load=$!
background_pids+=("$load")
event=cycles
perf stat -e cycles true 2>&1 | grep -q 'not supported' && event=cpu-clock
perf record -q -e "$event" -F 1999 -g -p "$pooler_pid" -o "$work/perf.data" -- sleep "$seconds" >"$work/perf.log" 2>&1 || { cat "$work/perf.log" >&2; fail "perf record failed"; }
wait "$load" || { cat "$work/run.log" >&2; fail "pgbench failed"; }
forget_pid "$load"
perf report -i "$work/perf.data" --stdio --no-children -g none --percent-limit 0.5 2>/dev/null | grep -v '^$' >"$work/report.txt"
step "Shares of the pooler's CPU time by function, from 0.5 %"
cat "$work/report.txt"
grep -E '^(tps|number of transactions)' "$work/run.log" >&2
if [ -n "$output" ]; then
    mkdir -p "$output"
    cp "$work/perf.data" "$work/report.txt" "$output/"
    step "Written: $output/perf.data, $output/report.txt"
fi
