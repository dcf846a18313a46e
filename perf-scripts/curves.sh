#!/usr/bin/env bash
# What grows with what is idle: each figure at three sizes, and by which power of the size it grows.
#
#   ./perf-scripts/curves.sh [-o FOLDER]
#
# -o FOLDER                     writes curves.md and curves.tsv there as well; curves.tsv grows as figures come
# SIZES='1250 2500 5000'        databases; each has a pool for four users, and almost as many idle clients as pools (19 for 20)
# ROUNDS=5                      of each command; figures are medians
# IDLE_SECONDS=20               how long an idle pooler's CPU time is counted
# TAKEOVERS=3                   of FastPool by FastPool
# LOOPS=                        threads of FastPool; without it its own choice
# POOLER=out/fastpool           the binary on FastPool's side; without it out/fastpool is built and used
# PGBOUNCER=pgbouncer           the binary to compare with; without it Debian's; PGBOUNCER= none
#
# A pool comes with the login of a client, which opens a server (of a program that stands in for PostgreSQL, for which a login
# is milliseconds of work); servers end after a second, clients stay. All is idle then, but for one client of another database
# with 500 transactions a second, of which the slowest is told that fell into a command or came within a tenth of a second after
# it. Times of commands are psql's own, up to the last byte of the answer.
#
# Growth is the exponent of the size: 1 is linear. Up to 1.1 is fine; the CPU time of an idle pooler must stay below 1.
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

take_options "$@"

read -ra sizes <<<"${SIZES:-1250 2500 5000}"
rounds=${ROUNDS:-5} idle_seconds=${IDLE_SECONDS:-20} takeovers=${TAKEOVERS:-3}
pgbouncer=${PGBOUNCER-$(command -v pgbouncer || echo /usr/sbin/pgbouncer)}
users=4 clients_of_twenty=19

# record WHO SIZE WHAT VALUE
record() {
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$work/figures.tsv"
    [ -z "$output" ] || cp "$work/figures.tsv" "$output/curves.tsv"
    note "$1, $2: $3 $4"
}

median() { sort -n | awk '{v[NR] = $1} END {if (NR) printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
now_s() { printf '%s\n' "${EPOCHREALTIME/,/.}"; }

# --- The pooler -------------------------------------------------------------------------------------------------

# Writes $folder/pooler.ini with so many databases: sets $pooler_port, $metrics_port.
write_files() {
    free_port
    pooler_port=$port
    until free_port && [ "$port" -ne "$pooler_port" ]; do :; done
    metrics_port=$port
    {
        echo '[databases]'
        echo "bench = host=127.0.0.1 port=$pg_port dbname=bench"
        echo "spare = host=127.0.0.1 port=$stand_in_port dbname=bench pool_size=10000"
        seq -f "many_%.0f = host=127.0.0.1 port=$stand_in_port dbname=bench" 1 "$size"
        cat <<INI
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir = $folder
auth_type = trust
auth_file = $folder/userlist.txt
admin_users = bench
pool_mode = transaction
default_pool_size = 2
max_client_conn = 25000
server_idle_timeout = 1
stats_period = 10
log_connections = 0
log_disconnections = 0
log_stats = 0
INI
        [ "$who" != fastpool ] || printf '%s\n' '[fastpool]' "loops = ${LOOPS:-0}" "metrics_listen = 127.0.0.1:$metrics_port"
    } >"$folder/pooler.ini"
    {
        echo '"bench" "bench"'
        seq -f '"many_%.0f" ""' 1 "$users"
    } >"$folder/userlist.txt"
    [ ${#as_user[@]} -eq 0 ] || chown -R --reference="$work" "$folder"
}

# start_clients ARGUMENTS OF idleclients...: holds them; sets $crowd_pid.
start_clients() {
    rm -f "$work/hold"
    mkfifo "$work/hold"
    start_as_user "$work/crowd.out" sh -c "exec \"\$@\" <$work/hold" sh "$work/idle/idleclients" "$pooler_port" "$@"
    crowd_pid=$started_pid
    exec 9>"$work/hold"
    await_clients ready
}

await_clients() {
    until grep -q "$1" "$work/crowd.out"; do
        is_alive "$crowd_pid" || { tail "$work/crowd.out" "$folder/log" >&2; fail "not all clients came in"; }
        sleep 0.1
    done
}

end_clients() {
    echo end >&9
    exec 9>&-
    wait "$crowd_pid" || fail "the idle clients ended badly"
    forget_pid "$crowd_pid"
}

console() { psql_console "$pooler_port" -q "$@"; }

# Waits until no server is left.
await_no_servers() {
    local i
    for ((i = 0; i < 600; i++)); do
        [ "$(console -At -c 'show servers' | wc -l)" -gt 0 ] || return 0
        sleep 0.1
    done
    fail "servers do not end"
}

# --- Figures ----------------------------------------------------------------------------------------------------

# idle_cpu WHAT: microseconds of CPU time a second.
idle_cpu() {
    local before after began ended
    sleep 25 # What logins left behind is collected, and the statistics have ticked twice.
    before=$(cpu_ns "$pooler_pid") began=$(now_us)
    sleep "$idle_seconds"
    after=$(cpu_ns "$pooler_pid") ended=$(now_us)
    record "$who" "$size" "$1" "$(awk -v c=$((after - before)) -v t=$((ended - began)) 'BEGIN {printf "%.1f", c / 1000 / (t / 1e6)}')"
}

# One client that is not idle, until end_busy_client.
begin_busy_client() {
    rm -f "$work"/busy.log*
    start_as_user "$work/busy.out" "$pg_bin/pgbench" -n -S -c 1 -j 1 -T 3600 --rate=500 -l --log-prefix="$work/busy.log" \
        -h 127.0.0.1 -p "$pooler_port" -U bench bench
    busy_pid=$started_pid
    sleep 1
    : >"$work/windows"
}

end_busy_client() {
    sleep 1 # What pgbench has in its buffer it writes with the next ones.
    is_alive "$busy_pid" || { cat "$work/busy.out" >&2; fail "the busy client has ended"; }
    stop_pid "$busy_pid" INT
    ! grep -E 'error:' "$work/busy.out" >&2 || fail "the busy client noticed"
    local what
    while IFS= read -r what; do
        record "$who" "$size" "slowest transaction: $what, ms" "$(
            grep -F "$what"$'\t' "$work/windows" | while IFS=$'\t' read -r _ from to; do
                awk -v from="$from" -v to="$to" '{t = $5 + $6 / 1e6} t >= from && t <= to + 0.1 && $3 > most {most = $3}
                    END {printf "%.2f\n", most / 1000}' "$work"/busy.log*
            done | median)"
    done < <(cut -f 1 "$work/windows" | awk '!seen[$0]++')
}

# each_round WHAT COMMAND...: the median of what the command prints, milliseconds.
each_round() {
    local what=$1 i from values=()
    shift
    for ((i = 0; i < rounds; i++)); do
        from=$(now_s)
        values+=("$("$@")")
        printf '%s\t%s\t%s\n' "$what" "$from" "$(now_s)" >>"$work/windows"
        sleep 0.3
    done
    record "$who" "$size" "$what, ms" "$(printf '%s\n' "${values[@]}" | median)"
}

console_ms() { console -o /dev/null -c '\timing on' -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'; }

reload_changed_ms() {
    sed -i "s/^default_pool_size = .*/default_pool_size = $((2 + RANDOM % 1000))/" "$folder/pooler.ini"
    console_ms RELOAD
}

scrape_ms() {
    curl -sS -o "$work/metrics" -w '%{time_total}\n' "http://127.0.0.1:$metrics_port/metrics" | awk '{print $1 * 1000}'
    grep -q '^fastpool' "$work/metrics" || fail "no metrics"
}

# The busy client waits for its server only while one process hands over to the next; how long it takes is told by the new one's start.
take_over_ms() {
    local began i old=$pooler_pid log
    log=$folder/log.$(now_us)
    began=$(now_us)
    start_as_user "$log" "$folder/$who" -R "$folder/pooler.ini"
    pooler_pid=$started_pid
    for ((i = 0; i < 3000; i++)); do
        ! grep -qs "process up" "$log" || break
        is_alive "$pooler_pid" || { tail "$log" >&2; fail "the takeover failed"; }
        sleep 0.01
    done
    taken_ms=$((($(now_us) - began) / 1000))
    for ((i = 0; i < 1000; i++)); do is_alive "$old" || break; sleep 0.02; done
    ! is_alive "$old" || fail "the old process does not end"
    wait "$old" || fail "the old process ended badly"
    forget_pid "$old"
}

measure_takeovers() {
    local i from values=()
    for ((i = 0; i < takeovers; i++)); do
        from=$(now_s)
        take_over_ms
        values+=("$taken_ms")
        printf '%s\t%s\t%s\n' takeover "$from" "$(now_s)" >>"$work/windows"
        sleep 1
    done
    record "$who" "$size" "takeover, ms" "$(printf '%s\n' "${values[@]}" | median)"
}

# measure WHO BINARY SIZE
measure() {
    who=$1 size=$3
    folder=$work/$who
    local pools=$((size * users)) clients
    clients=$((pools * clients_of_twenty / 20))
    rm -rf "$folder"
    mkdir -p "$folder"
    cp -L "$2" "$folder/$who"
    write_files
    start_as_user "$folder/log" "$folder/$who" "$folder/pooler.ini"
    pooler_pid=$started_pid
    wait_for_port "$pooler_port" "$pooler_pid" "$folder/log"
    step "$who: $size databases, $pools pools, $clients idle clients log in"
    start_clients "$pools" many many "databases=$size" "users=$users" "hold=$clients" at-once=8
    await_no_servers
    [ "$(console -At -c 'show pools' | wc -l)" -ge "$pools" ] || fail "pools are missing"
    record "$who" "$size" 'RSS with all of it, MB' "$(awk -v kb="$(rss_kb "$pooler_pid")" 'BEGIN {printf "%.1f", kb / 1024}')"
    step "$who: idle for $idle_seconds s, and again with client_idle_timeout"
    idle_cpu 'CPU of an idle pooler, µs/s'
    console -c 'SET client_idle_timeout = 36000'
    idle_cpu 'CPU of an idle pooler with client_idle_timeout, µs/s'
    console -c 'SET client_idle_timeout = 0' -c 'SET server_idle_timeout = 600'
    step "$who: commands beside a busy client"
    begin_busy_client
    each_round RELOAD console_ms RELOAD
    each_round 'RELOAD, default_pool_size changed' reload_changed_ms
    for listing in POOLS DATABASES CLIENTS STATS; do each_round "SHOW $listing" console_ms "SHOW $listing"; done
    if [ "$who" = fastpool ]; then
        each_round 'scrape of /metrics' scrape_ms
        if [ $((2 * clients + 800)) -gt "$(ulimit -n)" ]; then
            note "no takeover: each client needs a second descriptor for it, and $(ulimit -n) (ulimit -n) are too few"
        elif [ "$takeovers" -gt 0 ]; then
            measure_takeovers
        fi
    fi
    end_busy_client
    end_clients
    step "$who: $((size / 5)) idle servers"
    console -c 'SET server_idle_timeout = 600' # RELOAD has put it back.
    start_clients $((size / 5)) many_1 spare 'query=BEGIN' at-once=8
    echo 'say COMMIT' >&9
    await_clients 'done'
    end_clients
    [ "$(console -At -c 'show servers' | wc -l)" -ge $((size / 5)) ] || fail "idle servers are missing"
    idle_cpu 'CPU of an idle pooler, servers / 5 idle too, µs/s'
    stop_pid "$pooler_pid" INT
}

# --- The table --------------------------------------------------------------------------------------------------

table() {
    echo "| databases |$(printf ' %s |' "${sizes[@]}") growth |$(printf ' PgBouncer %s |' "${sizes[@]}") growth | verdict |"
    echo "|---|$(printf -- '---:|%.0s' "${sizes[@]}" - "${sizes[@]}" -)---|"
    awk -F'\t' -v sizes="${sizes[*]}" '
        function growth(who, what,    from, to, last) {
            for (last = n; last > 1 && !((who, size[last], what) in value); last--) continue
            from = value[who, size[1], what]; to = value[who, size[last], what]
            return from > 0 && to > 0 && last > 1 ? sprintf("%.2f", log(to / from) / log(size[last] / size[1])) : "-"
        }
        function row(who, what,    i, text) {
            for (i = 1; i <= n; i++) text = text " " ((who, size[i], what) in value ? value[who, size[i], what] : "-") " |"
            return text " " growth(who, what) " |"
        }
        BEGIN {n = split(sizes, size, " ")}
        {value[$1, $2, $3] = $4; if (!seen[$3]++) order[++rows] = $3}
        END {
            for (r = 1; r <= rows; r++) {
                what = order[r]; g = growth("fastpool", what)
                verdict = g == "-" ? "-" : what ~ /^CPU/ ? (g < 1 ? "sub-linear" : "NOT sub-linear") : g <= 1.1 ? "kept" : "WORSE than linear"
                print "| " what " |" row("fastpool", what) row("pgbouncer", what) " " verdict " |"
            }
        }' "$work/figures.tsv"
}

main() {
    (set_up dotnet aot postgresql)
    have curl || fail "curl is missing"
    begin_work
    [ -z "$output" ] || mkdir -p "$output"
    [ -n "${POOLER:-}" ] || publish_fastpool
    (cd "$root" && dotnet build bench/IdleClients -c Release -o "$work/idle" --nologo -v quiet </dev/null >"$work/idle.log" 2>&1) ||
        { cat "$work/idle.log" >&2; fail "dotnet build failed"; }
    ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
    local largest=${sizes[${#sizes[@]} - 1]} size
    [ $((largest * users * clients_of_twenty / 20 + 900)) -le "$(ulimit -n)" ] || fail "$(ulimit -n) descriptors (ulimit -n) are too few for $largest databases"
    start_postgres
    until free_port && [ "$port" -ne "$pg_port" ]; do :; done
    stand_in_port=$port
    start_as_user "$work/stand-in.log" "$work/idle/idleclients" serve "$stand_in_port"
    wait_for_port "$stand_in_port" "$started_pid" "$work/stand-in.log"
    export PGSSLMODE=disable PGPASSWORD=bench
    run_as_user "$pg_bin/pgbench" -q -i -s 1 -h 127.0.0.1 -p "$pg_port" -U bench bench >/dev/null 2>&1
    for size in "${sizes[@]}"; do
        measure fastpool "${POOLER:-$root/out/fastpool}" "$size"
        if [ -n "$pgbouncer" ] && [ -x "$pgbouncer" ]; then measure pgbouncer "$pgbouncer" "$size"; else note "no PgBouncer to compare with"; fi
    done
    step "Finished"
    table
    [ -z "$output" ] || table >"$output/curves.md"
    ! table | grep -qE 'NOT sub-linear|WORSE' || exit 1
}

main
