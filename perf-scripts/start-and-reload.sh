#!/usr/bin/env bash
# How long FastPool and PgBouncer take to start and to reload with many databases and users:
#
#   ./perf-scripts/start-and-reload.sh
#
# Start: from executing the binary to the log line "listening on". Reload: RELOAD on the console until its answer, by psql's own
# clock, while pgbench runs through the pooler; once with files that nobody touched, once with a userlist that has changed and
# is read anew. Figures are medians. pgbench's figures stand beside those of a phase without reloads;
# on a machine that does other work its slowest transactions say more about that work.
#
# DATABASES=1000 USERS=10000 ROUNDS=15 SECONDS_PER_PHASE=8 LOOPS= (FastPool's own choice) are the defaults.
# PGBOUNCER=/path/to/pgbouncer measures that one; PGBOUNCER= none.
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

databases=${DATABASES:-1000} users=${USERS:-10000} rounds=${ROUNDS:-15} seconds=${SECONDS_PER_PHASE:-8}
pgbouncer=${PGBOUNCER-$(command -v pgbouncer || echo /usr/sbin/pgbouncer)}
start_goal_ms=100 reload_goal_ms=50
clients=8

median() { sort -n | awk '{v[NR] = $1} END {if (NR) printf "%.1f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
maximum() { sort -n | tail -n 1; }

# Writes $folder/pooler.ini and userlist.txt: sets $pooler_port.
write_files() {
    free_port
    pooler_port=$port
    {
        echo '[databases]'
        echo "bench = host=127.0.0.1 port=$pg_port dbname=bench"
        seq -f "database_%04g = host=127.0.0.1 port=$pg_port dbname=bench pool_size=10" 2 "$databases"
        cat <<INI
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = trust
auth_file = $folder/userlist.txt
admin_users = bench
pool_mode = transaction
max_client_conn = 1000
log_connections = 0
log_disconnections = 0
INI
    } >"$folder/pooler.ini"
    # Secrets of the form that most userlists have.
    {
        echo '"bench" "bench"'
        seq -f 'user_%05g' 2 "$users" | awk '{printf "\"%s\" \"SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2E=$c3RvcmVka2V5c3RvcmVka2V5c3RvcmVka2V5c3RvcmU=:c2VydmVya2V5c2VydmVya2V5c2VydmVya2V5c2Vydi0=\"\n", $1}'
    } >"$folder/userlist.txt"
    [ ${#as_user[@]} -eq 0 ] || chown -R --reference="$work" "$folder"
}

# Milliseconds of each start, one a line. One shell of the ordinary user does them all, so that nothing but the pooler is executed.
measure_starts() {
    # shellcheck disable=SC2016
    FASTPOOL_LOOPS=$FASTPOOL_LOOPS run_as_user bash -c '
        binary=$1 ini=$2 rounds=$3
        for ((i = 0; i < rounds; i++)); do
            before=${EPOCHREALTIME/[.,]/}
            exec 3< <(exec "$binary" "$ini" 2>&1 </dev/null)
            pid=$!
            while IFS= read -r line <&3; do
                case $line in *" listening on "*) break ;; *FATAL*) echo "$line" >&2; exit 1 ;; esac
            done
            after=${EPOCHREALTIME/[.,]/}
            echo "$((after - before))"
            kill -QUIT "$pid"
            cat <&3 >/dev/null # Until it has ended.
            exec 3<&-
        done' bash "$1" "$2" "$rounds" | awk '{printf "%.1f\n", $1 / 1000}'
}

# Milliseconds of one RELOAD as the administrator.
reload_ms() {
    psql_console "$pooler_port" -q -c '\timing on' -c RELOAD | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' || fail "RELOAD failed"
}

# pgbench for one phase in the background: sets $bench_pid. Its transactions are logged for the slowest one.
begin_bench() {
    rm -f "$folder"/bench_log.*
    run_as_user env PGPASSWORD=bench "$pg_bin/pgbench" -n -S -c $clients -j 1 -T "$seconds" -l --log-prefix="$folder/bench_log" \
        -h 127.0.0.1 -p "$pooler_port" -U bench bench >"$folder/bench.out" 2>"$folder/bench.err" </dev/null &
    bench_pid=$!
    background_pids+=("$bench_pid")
}

# Waits for it: sets $tps, $slowest_ms, $failed.
end_bench() {
    wait "$bench_pid" || { cat "$folder/bench.err" >&2; fail "pgbench failed: a reload disturbed its clients, or nothing ran"; }
    forget_pid "$bench_pid"
    tps=$(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$folder/bench.out")
    failed=$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$folder/bench.out")
    slowest_ms=$(cat "$folder"/bench_log.* | awk '{print $3}' | sort -n | awk '{v[NR] = $1} END {printf "%.1f / %.1f", v[int(NR * 0.999) + 1] / 1000, v[NR] / 1000}')
}

# Reloads once every quarter of a second; with "changed" the userlist grows by an empty line each time.
measure_reloads() {
    local i
    begin_bench
    sleep 1
    for ((i = 0; i < rounds; i++)); do
        [ "$1" != changed ] || echo >>"$folder/userlist.txt"
        reload_ms >>"$folder/reloads.$1"
        sleep 0.25
    done
    end_bench
}

row() { printf '| %-44s | %12s |\n' "$@"; }

measure() {
    local name=$1 binary=$2
    folder=$work/$name
    mkdir -p "$folder"
    cp -L "$binary" "$folder/$name"
    write_files
    step "$name: $rounds starts with $databases databases and $users users"
    measure_starts "$folder/$name" "$folder/pooler.ini" >"$folder/starts"
    start_as_user "$folder/log" "$folder/$name" "$folder/pooler.ini"
    pooler_pid=$started_pid
    wait_for_port "$pooler_port" "$pooler_pid" "$folder/log"
    step "$name: pgbench alone, then with $rounds reloads, then with $rounds reloads of a changed userlist"
    begin_bench
    end_bench
    local alone="$tps" alone_slowest=$slowest_ms
    measure_reloads same
    local same="$tps" same_slowest=$slowest_ms same_failed=$failed
    measure_reloads changed
    [ "$(grep -c 'RELOAD command issued' "$folder/log")" -eq $((2 * rounds)) ] || fail "not every RELOAD is in the log: $folder/log"
    ! grep -E ' (ERROR|FATAL) ' "$folder/log" >&2 || fail "the log has errors"
    start_ms=$(median <"$folder/starts") reload_same_ms=$(median <"$folder/reloads.same") reload_changed_ms=$(median <"$folder/reloads.changed")
    row "$name: $("$binary" -V </dev/null | head -n 1)" ''
    row 'start, ms, median (slowest)' "$start_ms ($(maximum <"$folder/starts"))"
    row 'RELOAD, ms, median (slowest)' "$reload_same_ms ($(maximum <"$folder/reloads.same"))"
    row 'RELOAD, userlist changed, ms' "$reload_changed_ms ($(maximum <"$folder/reloads.changed"))"
    row 'pgbench alone, tps' "$alone"
    row 'pgbench alone, ms, 99.9 % / slowest' "$alone_slowest"
    row 'pgbench and reloads, tps' "$same"
    row 'pgbench and reloads, ms, 99.9 % / slowest' "$same_slowest"
    row 'pgbench and userlist reloads, tps' "$tps"
    row 'pgbench and userlist, ms, 99.9 % / slowest' "$slowest_ms"
    row 'failed transactions' "$((${same_failed:-0} + ${failed:-0}))"
    row 'resident after it, MB' "$(($(rss_kb "$pooler_pid") / 1024))"
    stop_pid "$pooler_pid" INT
}

# Says whether a figure keeps its goal.
judge() { awk -v what="$1" -v is="$2" -v goal="$3" 'BEGIN {printf "%s: %s ms, goal %s ms: %s\n", what, is, goal, is <= goal ? "kept" : "NOT kept"; exit !(is <= goal)}'; }

main() {
    local status=0
    (set_up dotnet aot postgresql)
    begin_work
    export FASTPOOL_LOOPS=${LOOPS:-0}
    publish_fastpool
    start_postgres
    run_as_user "$pg_bin/pgbench" -q -i -s 1 -h 127.0.0.1 -p "$pg_port" -U bench bench >/dev/null 2>&1
    measure fastpool "$root/out/fastpool"
    local ours_start=$start_ms ours_same=$reload_same_ms ours_changed=$reload_changed_ms
    if [ -n "$pgbouncer" ] && [ -x "$pgbouncer" ]; then measure pgbouncer "$pgbouncer"; else note "no PgBouncer to compare with"; fi
    judge 'FastPool starts' "$ours_start" $start_goal_ms || status=1
    judge 'FastPool reloads' "$ours_same" $reload_goal_ms || status=1
    judge 'FastPool reloads a changed userlist' "$ours_changed" $reload_goal_ms || status=1
    step "Finished"
    return $status
}

main
