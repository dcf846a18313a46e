#!/usr/bin/env bash
# The longest time that any client waits while FastPool is replaced by FastPool (-R), with many idle clients and some busy ones:
#
#   ./perf-scripts/takeover.sh
#
# Idle clients log in once and are held; pgbench runs simple, extended and prepared transactions beside them, and its log tells the slowest one
# of each second. A takeover that loses a transaction or a connection makes the script fail.
#
# IDLE=10000 CLIENTS=50 RATE=6000 TAKEOVERS=10 PAUSE_SECONDS=1 LOOPS= (FastPool's own choice) are the defaults; POOLER=/path/to/fastpool
# measures that one. TLS=1: all clients come with TLS. RATE is the transactions a second of all busy clients; 0: as many as they can. Then they take every core, and a server
# process of PostgreSQL that is ready to run waits for one up to hundreds of ms, with and without a takeover and with any pooler: what is
# measured is the kernel's scheduler (perf sched latency tells).
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

idle=${IDLE:-10000} clients=${CLIENTS:-50} takeovers=${TAKEOVERS:-10} pause=${PAUSE_SECONDS:-1} rate=${RATE:-6000}
goal_ms=100

# One pgbench in the background: sets $bench_pid.
begin_bench() {
    local limit=()
    [ "$rate" -eq 0 ] || limit=(--rate=$((rate / 3)))
    run_as_user "$pg_bin/pgbench" -n -S -M "$1" -c $(((clients + 2) / 3)) -j 1 -T "$seconds" "${limit[@]+"${limit[@]}"}" -l --log-prefix="$work/bench_$1" \
        -h 127.0.0.1 -p "$pooler_port" -U bench bench >"$work/bench_$1.out" 2>&1 </dev/null &
    bench_pid=$!
    background_pids+=("$bench_pid")
}

# Milliseconds of the slowest transaction in a log of pgbench's, among those that ended within $1 and $2 (seconds since 1970).
slowest_ms() { cat "$work"/bench_*.[0-9]* | awk -v from="$1" -v to="$2" '{t = $5 + $6 / 1e6} t >= from && t <= to && $3 > most {most = $3} END {printf "%.1f", most / 1000}'; }

now_s() { printf '%s\n' "${EPOCHREALTIME/,/.}"; }

take_over() {
    local folder=$work/fastpool old=$pooler_pid i
    start_as_user "$folder/log.$1" "$folder/fastpool" -R "$folder/pooler.ini"
    pooler_pid=$started_pid
    for ((i = 0; i < 1000; i++)); do
        ! grep -qs "process up" "$folder/log.$1" || break
        is_alive "$pooler_pid" || { cat "$folder/log.$1" >&2; fail "takeover $1 failed"; }
        sleep 0.02
    done
    for ((i = 0; i < 500; i++)); do is_alive "$old" || break; sleep 0.02; done
    ! is_alive "$old" || fail "the old process of takeover $1 does not end"
    wait "$old" || fail "the old process of takeover $1 ended badly"
    forget_pid "$old"
}

main() {
    local i mode from pauses=() benches=() tls=()
    (set_up dotnet aot postgresql)
    begin_work
    [ -n "${POOLER:-}" ] || publish_fastpool
    (cd "$root" && dotnet build bench/IdleClients -c Release -o "$work/idle" --nologo -v quiet </dev/null >"$work/idle.log" 2>&1) || { cat "$work/idle.log" >&2; fail "dotnet build failed"; }
    start_postgres
    run_as_user "$pg_bin/pgbench" -q -i -s 1 -h 127.0.0.1 -p "$pg_port" -U bench bench >/dev/null 2>&1
    loops=${LOOPS:-} extra="unix_socket_dir = $work/fastpool
max_client_conn = $((idle + clients + 100))"
    export PGSSLMODE=disable
    if [ -n "${TLS:-}" ]; then
        run_as_user openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/tls.key" -out "$work/tls.crt" -subj /CN=localhost -days 2 \
            >"$work/tls.log" 2>&1 || { cat "$work/tls.log" >&2; fail "openssl failed"; }
        extra+=$(printf '\n%s' 'client_tls_sslmode = allow' "client_tls_cert_file = $work/tls.crt" "client_tls_key_file = $work/tls.key")
        PGSSLMODE=require tls=(tls)
    fi
    start_pooler fastpool "${POOLER:-$root/out/fastpool}"
    step "$idle idle clients log in"
    mkfifo "$work/hold"
    start_as_user "$work/idle.out" sh -c "exec \"\$@\" <$work/hold" sh "$work/idle/idleclients" "$pooler_port" "$idle" bench bench "${tls[@]+"${tls[@]}"}"
    idle_pid=$started_pid
    exec 9>"$work/hold"
    until grep -q ready "$work/idle.out"; do is_alive "$idle_pid" || { cat "$work/idle.out" >&2; fail "not all came in"; }; sleep 0.1; done
    seconds=$((takeovers * (pause + 2) + 5))
    step "$clients busy ones ($([ "$rate" -eq 0 ] && echo "as fast as they can" || echo "$rate transactions a second")), $takeovers takeovers"
    for mode in simple extended prepared; do begin_bench $mode; benches+=("$bench_pid"); done
    sleep 2
    from=$(now_s)
    sleep 2
    local undisturbed
    undisturbed=$(slowest_ms "$from" "$(now_s)")
    for ((i = 1; i <= takeovers; i++)); do
        from=$(now_s)
        take_over "$i"
        sleep "$pause"
        pauses+=("$(slowest_ms "$from" "$(now_s)")")
    done
    for bench_pid in "${benches[@]}"; do wait "$bench_pid" || { cat "$work"/bench_*.out >&2; fail "pgbench failed"; }; forget_pid "$bench_pid"; done
    ! grep -hE 'error:|failed transactions: [1-9]' "$work"/bench_*.out >&2 || fail "a client noticed"
    [ "$(psql_console "$pooler_port" -At -c 'show lists' | sed -n 's/^used_clients|//p')" -gt "$idle" ] || fail "idle clients are missing"
    echo "slowest transaction in 2 s without a takeover: $undisturbed ms"
    echo "slowest transaction around each takeover, ms: ${pauses[*]}"
    printf '%s\n' "${pauses[@]}" | sort -n | awk -v goal=$goal_ms '{v[NR] = $1} END {printf "median %.1f ms, longest %.1f ms, goal %d ms: %s\n", v[int((NR + 1) / 2)], v[NR], goal, v[NR] <= goal ? "kept" : "NOT kept"; exit v[NR] > goal}'
}

main
