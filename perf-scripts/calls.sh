#!/usr/bin/env bash
# System calls for each transaction: FastPool and PgBouncer under pgbench, counted by strace. The counts do not depend on the
# machine's speed; the rates under strace mean nothing and are not shown.
#
#   ./perf-scripts/calls.sh
#
# CLIENTS=16  MODE=simple|extended|prepared  SECONDS_PER_RUN=5  POOLER=  PGBOUNCER=  LOOPS=1   as in compare-pgbouncer.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

clients=${CLIENTS:-16} mode=${MODE:-simple} seconds=${SECONDS_PER_RUN:-5}
needs=(postgresql strace)
[ -n "${POOLER:-}" ] || needs+=(dotnet aot)
[ -n "${PGBOUNCER:-}" ] || needs+=(pgbouncer)
set_up "${needs[@]}"
begin_work
[ -n "${POOLER:-}" ] || publish_fastpool
fastpool=${POOLER:-$root/out/fastpool}
pgbouncer=${PGBOUNCER:-$(command -v pgbouncer || echo /usr/sbin/pgbouncer)}

shared_prepared=$(shares_prepared "$pgbouncer")

step "Starting a throwaway PostgreSQL"
start_postgres trust
run_as_user "$pg_bin/pgbench" -i -q -s 5 -h 127.0.0.1 -p "$pg_port" -U bench bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }

# count_calls NAME BINARY: writes "NAME call calls-a-transaction" lines.
count_calls() {
    local name=$1 binary=$2 tracer transactions
    pool_size=20 pool_mode=transaction loops=${LOOPS:-1}
    if [ "$mode" = prepared ]; then
        # A PgBouncer before 1.21 shares no prepared statements: a server for each client then, on both sides.
        if [ "$shared_prepared" = yes ]; then extra='max_prepared_statements = 200'; else pool_mode=session pool_size=$clients; fi
    fi
    start_pooler "$name" "$binary"
    local bench=("$pg_bin/pgbench" -S -n -M "$mode" -c "$clients" -h 127.0.0.1 -p "$pooler_port" -U bench)
    run_as_user "${bench[@]}" -T 1 bench >"$work/warm.log" 2>&1 || { cat "$work/warm.log" >&2; fail "pgbench failed ($name)"; }
    strace -c -f -p "$pooler_pid" -o "$work/$name.strace" 2>"$work/$name.strace.err" &
    tracer=$!
    background_pids+=("$tracer")
    until grep -q attached "$work/$name.strace.err"; do
        is_alive "$tracer" || { cat "$work/$name.strace.err" >&2; fail "strace cannot attach (it takes root, or kernel.yama.ptrace_scope = 0)"; }
        sleep 0.05
    done
    run_as_user "${bench[@]}" -T "$seconds" bench >"$work/run.log" 2>&1 || { cat "$work/run.log" >&2; fail "pgbench failed ($name)"; }
    transactions=$(awk '/number of transactions actually processed/ {sub(/\/.*/, "", $6); print $6}' "$work/run.log")
    kill -INT "$tracer"
    wait "$tracer" || true
    forget_pid "$tracer"
    stop_pid "$pooler_pid" TERM
    # strace -c: % time, seconds, usecs/call, calls, [errors,] syscall.
    awk -v who="$name" -v n="$transactions" '$4 ~ /^[0-9]+$/ && $NF != "total" && $1 ~ /^[0-9.]+$/ {printf "%s\t%s\t%.3f\t%d\n", who, $NF, $4 / n, (NF == 6 ? $5 : 0)}' "$work/$name.strace" >>"$work/calls.tsv"
}

step "Counting: fastpool ($mode, $clients clients, $seconds s)"
count_calls fastpool "$fastpool"
step "Counting: pgbouncer"
count_calls pgbouncer "$pgbouncer"

awk -F'\t' '
    { at[$2, $1] = $3; all[$2] += $3; sum[$1] += $3 }
    END {
        printf "%-18s %14s %14s\n", "calls/transaction", "FastPool", "PgBouncer"
        while (1) {
            best = ""
            for (name in all) if (best == "" || all[name] > all[best]) best = name
            if (best == "" || all[best] < 0.001) break
            printf "%-18s %14.3f %14.3f\n", best, at[best, "fastpool"], at[best, "pgbouncer"]
            delete all[best]
        }
        printf "%-18s %14.3f %14.3f\n", "total", sum["fastpool"], sum["pgbouncer"]
    }' "$work/calls.tsv"
