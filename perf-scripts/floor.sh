#!/usr/bin/env bash
# How low can a pooler come? CPU time of a transaction through FastPool (one loop), through PgBouncer, and through two programs in C
# that relay and do nothing else (floor.c). What a pooler costs beyond them is its own; nearly all that they cost is the kernel's.
#
#   ./perf-scripts/floor.sh [-o FOLDER]
#
# -o FOLDER            writes floor.md there as well
# SCENARIOS='simple-1 simple-16 simple-64 connect-16'   clients of pgbench -S; connect: a connection for each transaction
# ROUNDS=5  SECONDS_PER_RUN=2  POOLER=out/fastpool  PGBOUNCER=pgbouncer
#
# About five minutes. The contestants take turns in each round; each ratio is the median of the rounds' ratios to PgBouncer.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

take_options "$@"

read -ra scenarios <<<"${SCENARIOS:-simple-1 simple-16 simple-64 connect-16}"
rounds=${ROUNDS:-5} seconds=${SECONDS_PER_RUN:-2}
needs=(postgresql aot)
[ -n "${POOLER:-}" ] || needs+=(dotnet)
[ -n "${PGBOUNCER:-}" ] || needs+=(pgbouncer)
set_up "${needs[@]}"
begin_work
: >"$work/figures.tsv"
[ -n "${POOLER:-}" ] || publish_fastpool
declare -A binary=([fastpool]=${POOLER:-$root/out/fastpool} [pgbouncer]=${PGBOUNCER:-$(command -v pgbouncer || echo /usr/sbin/pgbouncer)})
compiler=$(command -v cc || command -v gcc || command -v clang)
for way in floor-epoll floor-ring; do
    "$compiler" -O2 -o "$work/$way.program" "$root/perf-scripts/floor.c" || fail "floor.c does not compile"
    binary[$way]=$work/$way.program
done
contestants=(fastpool pgbouncer floor-epoll floor-ring)

step "Starting a throwaway PostgreSQL"
start_postgres trust
run_as_user "$pg_bin/pgbench" -i -q -s 5 -h 127.0.0.1 -p "$pg_port" -U bench bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }

# run_one ROUND SCENARIO WHO: one line "round, scenario, who, transactions/s, CPU µs a transaction".
run_one() {
    local round=$1 scenario=$2 who=$3 clients=${2#*-} threads=2
    pool_size=20 loops=''
    [ "$who" != fastpool ] || loops=1
    [ "$clients" -ge 2 ] || threads=1
    start_pooler "$who" "${binary[$who]}"
    local bench=("$pg_bin/pgbench" -S -n -c "$clients" -j "$threads" -h 127.0.0.1 -p "$pooler_port" -U bench)
    [ "${scenario%-*}" != connect ] || bench+=(-C)
    measure_pgbench "$seconds" "${bench[@]}"
    printf '%s\t%s\t%s\t%s\n' "$round" "$scenario" "$who" "$figures" >>"$work/figures.tsv"
    stop_pid "$pooler_pid" TERM
    note "round $round, $scenario, $who: $(tail -n 1 "$work/figures.tsv" | awk -F'\t' '{printf "%.0f transactions/s, %s µs", $4, $5}')"
}

for ((round = 1; round <= rounds; round++)); do
    step "Round $round of $rounds"
    for scenario in "${scenarios[@]}"; do
        for ((turn = 0; turn < ${#contestants[@]}; turn++)); do
            run_one "$round" "$scenario" "${contestants[(turn + round) % ${#contestants[@]}]}"
        done
    done
done

print_markdown() {
    echo '| scenario | contestant | transactions/s | beside PgBouncer | CPU µs/transaction | beside PgBouncer |'
    echo '|---|---|---:|---:|---:|---:|'
    awk -F'\t' -v scenarios="${scenarios[*]}" -v contestants="${contestants[*]}" -v rounds="$rounds" "$median_function"'
        {
            all_tps[$2, $3] = all_tps[$2, $3] " " $4; all_cpu[$2, $3] = all_cpu[$2, $3] " " $5
            tps[$1, $2, $3] = $4; cpu[$1, $2, $3] = $5
        }
        END {
            scenario_count = split(scenarios, s, " "); who_count = split(contestants, w, " ")
            for (i = 1; i <= scenario_count; i++) for (j = 1; j <= who_count; j++) {
                t = c = ""
                for (r = 1; r <= rounds; r++) {
                    t = t " " tps[r, s[i], w[j]] / tps[r, s[i], "pgbouncer"]
                    c = c " " cpu[r, s[i], w[j]] / cpu[r, s[i], "pgbouncer"]
                }
                printf "| %s | %s | %.0f | %.3f | %.1f | %.3f |\n", s[i], w[j], median(all_tps[s[i], w[j]]), median(t), \
                    median(all_cpu[s[i], w[j]]), median(c)
            }
        }' "$work/figures.tsv"
}

print_markdown
[ -z "$output" ] || { mkdir -p "$output"; print_markdown >"$output/floor.md"; note "written: $output/floor.md"; }
step "Finished"
