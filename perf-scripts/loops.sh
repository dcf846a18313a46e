#!/usr/bin/env bash
# What more loops cost: CPU time of a transaction with 2, 4 and 8 loops beside one loop, of the same binary in the same round.
#
#   ./perf-scripts/loops.sh [-o FOLDER]
#
# -o FOLDER            writes loops.md there as well
# LOOPS='1 2 4 8'      threads of FastPool; the first is what the others are compared with
# CLIENTS='16 64'      clients of pgbench -S, which share 20 servers
# ROUNDS=5  SECONDS_PER_RUN=3  POOLER=out/fastpool
#
# More loops than cores take turns on them: that is the dearest case. Each ratio is the median of the rounds' ratios.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

take_options "$@"

read -ra loop_counts <<<"${LOOPS:-1 2 4 8}"
read -ra client_counts <<<"${CLIENTS:-16 64}"
rounds=${ROUNDS:-5} seconds=${SECONDS_PER_RUN:-3}
needs=(postgresql)
[ -n "${POOLER:-}" ] || needs+=(dotnet aot)
set_up "${needs[@]}"
begin_work
: >"$work/figures.tsv"
[ -n "${POOLER:-}" ] || publish_fastpool
fastpool=${POOLER:-$root/out/fastpool}

step "Starting a throwaway PostgreSQL"
start_postgres trust
run_as_user "$pg_bin/pgbench" -i -q -s 5 -h 127.0.0.1 -p "$pg_port" -U bench bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }

# run_one ROUND LOOPS CLIENTS: one line "round, clients, loops, transactions/s, CPU µs a transaction".
run_one() {
    local round=$1 clients=$3
    loops=$2 pool_size=20
    start_pooler fastpool "$fastpool"
    local bench=("$pg_bin/pgbench" -S -n -c "$clients" -j 2 -h 127.0.0.1 -p "$pooler_port" -U bench)
    measure_pgbench "$seconds" "${bench[@]}"
    printf '%s\t%s\t%s\t%s\n' "$round" "$clients" "$loops" "$figures" >>"$work/figures.tsv"
    stop_pid "$pooler_pid" TERM
    note "round $round, $clients clients, $loops loops: $(tail -n 1 "$work/figures.tsv" | awk -F'\t' '{print $4 " transactions/s, " $5 " µs"}')"
}

for ((round = 1; round <= rounds; round++)); do
    step "Round $round of $rounds"
    for clients in "${client_counts[@]}"; do
        for ((turn = 0; turn < ${#loop_counts[@]}; turn++)); do
            run_one "$round" "${loop_counts[(turn + round) % ${#loop_counts[@]}]}" "$clients"
        done
    done
done

print_markdown() {
    echo '| clients | loops | transactions/s | beside one loop | CPU µs/transaction | beside one loop |'
    echo '|---:|---:|---:|---:|---:|---:|'
    awk -F'\t' -v first="${loop_counts[0]}" "$median_function"'
        {
            row = $2 "\t" $3
            if (!(row in seen)) { seen[row] = 1; rows[++count] = row }
            rate[row, $1] = $4; cpu[row, $1] = $5; rates[row] = rates[row] " " $4; cpus[row] = cpus[row] " " $5
            if ($1 > last) last = $1
        }
        END {
            for (i = 1; i <= count; i++) {
                split(rows[i], key, "\t")
                one = key[1] "\t" first
                a = b = ""
                for (r = 1; r <= last; r++) { a = a " " rate[rows[i], r] / rate[one, r]; b = b " " cpu[rows[i], r] / cpu[one, r] }
                printf "| %s | %s | %.0f | %.3f | %.2f | %.3f |\n", key[1], key[2], median(rates[rows[i]]), median(a), median(cpus[rows[i]]), median(b)
            }
        }' "$work/figures.tsv" | sort -t'|' -k2,2n -k3,3n
}

echo
print_markdown
if [ -n "$output" ]; then
    mkdir -p "$output"
    print_markdown >"$output/loops.md"
    step "Written: $output/loops.md"
fi
