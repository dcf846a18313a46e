#!/usr/bin/env bash
# FastPool beside PgBouncer beside no pooler at all, in one run on one machine: the three take turns, several rounds, medians.
#
#   ./perf-scripts/compare-pgbouncer.sh [-o FOLDER]
#
# -o FOLDER                writes compare.md and compare.json there as well; compare.tsv has each figure as it comes
# ROUNDS=5                 rounds; each runs every scenario once for each contestant, in a changing order
# SECONDS_PER_RUN=5        length of one pgbench run
# SCENARIOS='simple-* idle'   some scenarios only; names and patterns (-l lists them)
# LOOPS=1                  threads of FastPool
# POOLER=out/fastpool      the binary on FastPool's side; without it out/fastpool is built and used
# PGBOUNCER=pgbouncer      the binary to compare with; without it Debian's package, installed when missing
# COPY_MB=1000             megabytes of each COPY
# IDLE_CLIENTS=9000        how many clients only log in
# CROWD_TRANSACTIONS=200000   transactions of all clients together in simple-1000 and simple-10000, whatever SECONDS_PER_RUN is
#
# keep-simple-16: FastPool with session_state = keep, and nobody sets anything; keep-login-…: each client gives a setting at its
# login; keep-set-…: a SET before each query, of which PgBouncer takes no care.
#
# storm-16: sixteen clients with STEADY_RATE=1000 transactions a second, alone and beside LOGIN_RATE=1000 logins a second, each with one
# transaction. tls-storm-16: the same with TLS and SCRAM, and TLS_LOGIN_RATE=100 logins a second, for these cost pgbench CPU as well.
# wakeups: 500 databases, nobody is there.
#
# simple-1000 and simple-10000 share 40 servers. Logins, the first 15 % of the time after them and the last 10 % are left out of all
# figures. 'p99 / p50' is of all transactions, so it also grows when the machine's pace changes. 'p99/p50 at one time' is the median
# of windows as long as one p50: it tells how alike the clients fare.
#
# Each ratio is FastPool's figure over PgBouncer's of the same round; the table has the median of the rounds' ratios.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

all_scenarios='start
simple-1 simple-16 simple-64 simple-200 simple-1000 simple-10000
extended-1 extended-16 extended-64 extended-200
prepared-1 prepared-16 prepared-64 prepared-200
connect-16 storm-16 copy-out copy-in idle wakeups
keep-simple-16 keep-login-simple-16 keep-set-simple-16
tls-simple-16 tls-simple-64 tls-connect-16 tls-storm-16 tls-copy-out tls-copy-in tls-idle'

what_there_is=$all_scenarios
take_options "$@"

rounds=${ROUNDS:-5}
seconds=${SECONDS_PER_RUN:-5}
copy_rows=$((${COPY_MB:-1000} * 1000))
idle_clients=${IDLE_CLIENTS:-9000}

# --- One figure ------------------------------------------------------------------------------------------------

# record SCENARIO ROUND WHO METRIC VALUE
record() {
    printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$work/figures.tsv"
    [ -z "$output" ] || cp "$work/figures.tsv" "$output/compare.tsv"
}

binary_of() { if [ "$1" = fastpool ]; then echo "$fastpool"; else echo "$pgbouncer"; fi; }

# Starts a contestant for a scenario: sets $port_of_contestant, and $pooler_pid (empty for direct).
start_contestant() {
    local who=$1 scenario=$2
    pooler_pid=
    port_of_contestant=$pg_port
    export PGSSLMODE=disable PGPASSWORD=bench PGOPTIONS= # Set whole for each contestant: nothing is left of the scenario before.
    [ "$who" != direct ] || return 0
    auth_type=trust pool_mode=transaction pool_size=20 extra='' loops= own=''
    [ "$who" != fastpool ] || loops=${LOOPS:-1}
    case $scenario in
        simple-1000*) pool_size=40 ;;
        wakeups) extra=$(echo '[databases]'; seq -f "many_%.0f = host=127.0.0.1 port=$pg_port dbname=bench" 1 500) ;;
        tls-*)
            PGSSLMODE=require
            extra=$(printf '%s\n' 'client_tls_sslmode = require' "client_tls_cert_file = $work/tls.crt" "client_tls_key_file = $work/tls.key")
            case $scenario in tls-connect-* | tls-storm-*) auth_type=scram-sha-256 ;; esac
            ;;
        keep-*)
            own='session_state = keep'
            case $scenario in keep-login-*)
                PGOPTIONS='-c statement_timeout=60s'
                [ "$who" = fastpool ] || extra='ignore_startup_parameters = extra_float_digits, options'
                ;;
            esac
            ;;
        prepared-*)
            [ "$who" = pgbouncer ] && [ "$shared_prepared" = no ] || extra='max_prepared_statements = 200'
            ;;
    esac
    start_pooler "$who" "$(binary_of "$who")"
    port_of_contestant=$pooler_port
}

stop_contestant() { [ -z "$pooler_pid" ] || stop_pid "$pooler_pid" TERM; }

used_ns() { if [ -n "$pooler_pid" ]; then cpu_ns "$pooler_pid"; else echo 0; fi; }

# --- Scenarios -------------------------------------------------------------------------------------------------

# run_pgbench SCENARIO ROUND WHO CLIENTS ARGUMENTS...
run_pgbench() {
    local scenario=$1 round=$2 who=$3 clients=$4 before after transactions threads=2
    shift 4
    [ "$clients" -ge 2 ] || threads=1
    local script=(-S)
    case $scenario in keep-set-*) script=(-f "$work/set.sql") ;; esac
    local command=("$pg_bin/pgbench" "${script[@]}" -n -c "$clients" -j "$threads" -h 127.0.0.1 -p "$port_of_contestant" -U bench "$@")
    # Opens the servers, so that what is measured is the steady state.
    run_as_user "${command[@]}" -T 1 bench >"$work/warm.log" 2>&1 || { cat "$work/warm.log" >&2; fail "pgbench failed ($who, $scenario)"; }
    rm -f "$work"/latency*
    before=$(used_ns)
    run_as_user "${command[@]}" -T "$seconds" -l --log-prefix="$work/latency" --sampling-rate=0.2 bench >"$work/run.log" 2>&1 ||
        { cat "$work/run.log" >&2; fail "pgbench failed ($who, $scenario)"; }
    after=$(used_ns)
    transactions=$(awk '/number of transactions actually processed/ {sub(/\/.*/, "", $6); print $6}' "$work/run.log")
    if [ "${transactions:-0}" -eq 0 ]; then note "$who, $scenario: the logins took all of $seconds s; try more SECONDS_PER_RUN"; return 0; fi
    record "$scenario" "$round" "$who" 'transactions/s' "$(awk '/^tps/ {print $3}' "$work/run.log")"
    cat "$work"/latency* | awk '{print $3}' | sort -n >"$work/sorted"
    record "$scenario" "$round" "$who" 'p50 µs' "$(percentile 50)"
    record "$scenario" "$round" "$who" 'p99 µs' "$(percentile 99)"
    [ -z "$pooler_pid" ] || record "$scenario" "$round" "$who" 'CPU µs/transaction' \
        "$(awk -v c=$((after - before)) -v n="$transactions" 'BEGIN {printf "%.3f", c / n / 1000}')"
}

# run_crowd SCENARIO ROUND WHO CLIENTS: so many clients that their logins take a while. They count transactions, not seconds, which
# would run from before the logins.
run_crowd() {
    local scenario=$1 round=$2 who=$3 clients=$4 sampler from to each
    local bench=("$pg_bin/pgbench" -S -n -j 2 -h 127.0.0.1 -p "$port_of_contestant" -U bench)
    run_as_user "${bench[@]}" -c 40 -t 50 bench >"$work/warm.log" 2>&1 || { cat "$work/warm.log" >&2; fail "pgbench failed ($who, $scenario)"; }
    rm -f "$work"/latency*
    each=$((${CROWD_TRANSACTIONS:-200000} / clients))
    [ "$each" -gt 0 ] || each=1
    while sleep 0.05; do echo "${EPOCHREALTIME/,/.} $(used_ns)"; done >"$work/cpu" &
    sampler=$!
    background_pids+=("$sampler")
    run_as_user "${bench[@]}" -c "$clients" -t "$each" -l --log-prefix="$work/latency" bench >"$work/run.log" 2>&1 ||
        { stop_pid "$sampler" TERM; cat "$work/run.log" >&2; fail "pgbench failed ($who, $scenario)"; }
    stop_pid "$sampler" TERM
    # When each transaction ended, and its latency; then those of the steady part, each with the number of its window.
    cat "$work"/latency* | awk '{printf "%.6f %d\n", $5 + $6 / 1e6, $3}' | sort -n >"$work/all"
    read -r from to <<<"$(awk 'NR == 1 {a = $1} {b = $1} END {printf "%.6f %.6f", a + (b - a) * 0.15, a + (b - a) * 0.9}' "$work/all")"
    awk -v a="$from" -v b="$to" '$1 >= a && $1 <= b {print $2}' "$work/all" | sort -n >"$work/sorted"
    record "$scenario" "$round" "$who" 'transactions/s' "$(awk -v a="$from" -v b="$to" 'END {printf "%.1f", NR / (b - a)}' "$work/sorted")"
    local p50 p99
    p50=$(percentile 50) p99=$(percentile 99)
    record "$scenario" "$round" "$who" 'p50 µs' "$p50"
    record "$scenario" "$round" "$who" 'p99 µs' "$p99"
    record "$scenario" "$round" "$who" 'p99 / p50' "$(awk -v a="$p99" -v b="$p50" 'BEGIN {printf "%.3f", a / b}')"
    record "$scenario" "$round" "$who" 'p99/p50 at one time' "$(awk -v a="$from" -v b="$to" -v long="$p50" '
        $1 >= a && $1 <= b {print int(($1 - a) * 1e6 / long), $2}' "$work/all" | sort -k1,1n -k2,2n | awk "$median_function"'
        function close_window() { if (n >= 100) ratios = ratios " " v[int(n * 0.99)] / v[int(n * 0.5)]; n = 0 }
        $1 != window {close_window(); window = $1}
        {v[++n] = $2}
        END {close_window(); print ratios == "" ? "-" : sprintf("%.3f", median(ratios))}')"
    record "$scenario" "$round" "$who" 'CPU µs/transaction' "$(awk -v a="$from" -v b="$to" '
        FNR == NR {if ($1 >= a && $1 <= b) {if (!begun) {begun = $1; first = $2} ended = $1; used = $2 - first} next}
        $1 > begun && $1 <= ended {n++}
        END {if (n > 0) printf "%.3f", used / n / 1000; else print "-"}' "$work/cpu" "$work/all")"
}

# run_storm SCENARIO ROUND WHO: does a storm of logins hold up those who are in? Latencies count from the time a transaction is due.
run_storm() {
    local scenario=$1 round=$2 who=$3 storm rate=${LOGIN_RATE:-1000}
    [ "${scenario#tls-}" = "$scenario" ] || rate=${TLS_LOGIN_RATE:-100}
    local bench=("$pg_bin/pgbench" -S -n -c 16 -h 127.0.0.1 -p "$port_of_contestant" -U bench)
    run_as_user "${bench[@]}" -T 1 bench >"$work/warm.log" 2>&1 || { cat "$work/warm.log" >&2; fail "pgbench failed ($who, $scenario)"; }
    run_steady "${bench[@]}"
    record "$scenario" "$round" "$who" 'p99 µs alone' "$(percentile 99)"
    start_as_user "$work/storm.log" "${bench[@]}" -C -R "$rate" -T $((seconds + 2)) bench
    storm=$started_pid
    sleep 1
    run_steady "${bench[@]}"
    record "$scenario" "$round" "$who" 'p99 µs beside' "$(percentile 99)"
    wait "$storm" || { cat "$work/storm.log" >&2; fail "the logins failed ($who)"; }
    forget_pid "$storm"
    record "$scenario" "$round" "$who" 'logins/s' "$(awk '/^tps/ {print $3}' "$work/storm.log")"
    record "$scenario" "$round" "$who" 'p99 beside / alone' "$(awk -v s="$scenario" -v r="$round" -v w="$who" -F'\t' \
        '$1 == s && $2 == r && $3 == w {v[$4] = $5} END {printf "%.3f", v["p99 µs beside"] / v["p99 µs alone"]}' "$work/figures.tsv")"
}

# run_steady PGBENCH...: sets $work/sorted.
run_steady() {
    rm -f "$work"/latency*
    run_as_user "$@" -R "${STEADY_RATE:-1000}" -T "$seconds" -l --log-prefix="$work/latency" bench >"$work/run.log" 2>&1 ||
        { cat "$work/run.log" >&2; fail "pgbench failed beside logins"; }
    cat "$work"/latency* | awk '{print $3}' | sort -n >"$work/sorted"
}

# run_wakeups ROUND WHO: how often the pooler's threads wake a second when nobody is there.
run_wakeups() {
    local before after
    sleep 1
    before=$(wakeups)
    sleep "$seconds"
    after=$(wakeups)
    record wakeups "$1" "$2" 'wake-ups/s' "$(awk -v n=$((after - before)) -v s="$seconds" 'BEGIN {printf "%.2f", n / s}')"
}

wakeups() { cat /proc/"$pooler_pid"/task/*/status | awk '/^voluntary_ctxt_switches/ {n += $2} END {print n}'; }

percentile() { awk -v p="$1" '{v[NR] = $1} END {i = int(NR * p / 100); print v[i < 1 ? 1 : i] + 0}' "$work/sorted"; }

# run_copy SCENARIO ROUND WHO
run_copy() {
    local scenario=$1 round=$2 who=$3 before after began ended
    local psql=("$pg_bin/psql" -X -q -h 127.0.0.1 -p "$port_of_contestant" -U bench -d bench)
    [ "${scenario#tls-}" = copy-out ] || psql_direct -q -d bench -c 'truncate taken'
    before=$(used_ns)
    began=$(now_us)
    if [ "${scenario#tls-}" = copy-out ]; then
        "${psql[@]}" -c "copy (select repeat('x', 999) from generate_series(1, $copy_rows)) to stdout" >/dev/null
    else
        # A subshell without pipefail: `yes` is meant to end by the closed pipe.
        (set +o pipefail; yes "$(printf '%0999d' 0)" | head -n "$copy_rows" | "${psql[@]}" -c 'copy taken from stdin')
    fi
    ended=$(now_us)
    after=$(used_ns)
    record "$scenario" "$round" "$who" 'MB/s' "$(awk -v r="$copy_rows" -v t=$((ended - began)) 'BEGIN {printf "%.1f", r / 1000 / (t / 1e6)}')"
    [ -z "$pooler_pid" ] || record "$scenario" "$round" "$who" 'CPU s/GB' \
        "$(awk -v c=$((after - before)) -v r="$copy_rows" 'BEGIN {printf "%.3f", c / 1e9 / (r / 1e6)}')"
}

# settled_rss_kb PID: resident kB once it has not changed for three seconds, at most fifteen: what logging in left behind
# is no part of being idle.
settled_rss_kb() {
    local last now same=0 tries
    last=$(rss_kb "$1")
    for tries in $(seq 15); do
        sleep 1
        now=$(rss_kb "$1")
        if [ "$now" = "$last" ]; then same=$((same + 1)); else same=0; fi
        last=$now
        [ "$same" -lt 3 ] || break
    done
    echo "$last"
}

# run_idle SCENARIO ROUND WHO: memory before and after many clients have logged in.
run_idle() {
    local scenario=$1 round=$2 who=$3 before after opener more=()
    [ "$scenario" = idle ] || more=(tls)
    "$pg_bin/psql" -X -q -h 127.0.0.1 -p "$port_of_contestant" -U bench -d bench -c 'select 1' >/dev/null
    before=$(rss_kb "$pooler_pid")
    rm -f "$work/hold" && mkfifo "$work/hold"
    "$idle_program" "$port_of_contestant" "$idle_clients" bench bench "${more[@]+"${more[@]}"}" <"$work/hold" >"$work/idle.log" 2>&1 &
    opener=$!
    background_pids+=("$opener")
    exec 9>"$work/hold"
    until grep -q '^ready' "$work/idle.log"; do
        is_alive "$opener" || { cat "$work/idle.log" >&2; fail "the idle clients ended ($who)"; }
        sleep 0.1
    done
    after=$(settled_rss_kb "$pooler_pid")
    exec 9>&-
    wait "$opener"
    forget_pid "$opener"
    record "$scenario" "$round" "$who" 'bytes/client' $(((after - before) * 1024 / idle_clients))
    record "$scenario" "$round" "$who" 'RSS kB with all' "$after"
}

# A PgBouncer that shares no prepared statements can only be asked for the same queries parsed anew each time.
mode_of_prepared() { if [ "$1" = pgbouncer ] && [ "$shared_prepared" = no ]; then echo extended; else echo prepared; fi; }

run_scenario() {
    local scenario=$1 round=$2 who=$3
    if [ "$who" = direct ]; then case $scenario in start | idle | wakeups | simple-1000* | tls-*) return 0 ;; esac; fi
    start_contestant "$who" "$scenario"
    case $scenario in
        start)
            record start "$round" "$who" 'ms to listening' "$pooler_ready_ms"
            record start "$round" "$who" 'RSS kB' "$(rss_kb "$pooler_pid")"
            ;;
        simple-1000*) run_crowd "$scenario" "$round" "$who" "${scenario##*-}" ;;
        storm-* | tls-storm-*) run_storm "$scenario" "$round" "$who" ;;
        wakeups) run_wakeups "$round" "$who" ;;
        *connect-*) run_pgbench "$scenario" "$round" "$who" "${scenario##*-}" -C ;;
        *copy-*) run_copy "$scenario" "$round" "$who" ;;
        *idle) run_idle "$scenario" "$round" "$who" ;;
        tls-* | keep-*) run_pgbench "$scenario" "$round" "$who" "${scenario##*-}" -M simple ;;
        prepared-*) run_pgbench "$scenario" "$round" "$who" "${scenario#*-}" -M "$(mode_of_prepared "$who")" ;;
        *) run_pgbench "$scenario" "$round" "$who" "${scenario#*-}" -M "${scenario%-*}" ;;
    esac
    stop_contestant
}

# --- The table -------------------------------------------------------------------------------------------------

# Medians of the figures, one row a scenario and metric: scenario, metric, direct, fastpool, pgbouncer, ratio.
summarise() {
    awk -F'\t' "$median_function"'
        function shown(x) { return x == "-" ? x : (x + 0 >= 1000 ? sprintf("%.0f", x) : (x + 0 >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x))) }
        {
            row = $1 "\t" $4
            if (!(row in seen)) { seen[row] = 1; rows[++count] = row }
            all[row, $3] = all[row, $3] " " $5
            one[row, $3, $2] = $5
            if ($2 + 0 > last) last = $2 + 0
        }
        END {
            for (i = 1; i <= count; i++) {
                row = rows[i]
                ratios = ""
                for (r = 1; r <= last; r++) if (one[row, "pgbouncer", r] + 0 > 0 && (row, "fastpool", r) in one)
                    ratios = ratios " " one[row, "fastpool", r] / one[row, "pgbouncer", r]
                ratio = median(ratios)
                print row "\t" shown(median(all[row, "direct"])) "\t" shown(median(all[row, "fastpool"])) "\t" \
                    shown(median(all[row, "pgbouncer"])) "\t" (ratio == "-" ? ratio : sprintf("%.3f", ratio))
            }
        }' "$work/figures.tsv" >"$work/summary.tsv"
}

environment() {
    printf 'machine\t%s cores, %s, %s MB\n' "$(nproc)" "$(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo)" "$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)"
    printf 'kernel\t%s\n' "$(uname -sr)"
    printf 'PostgreSQL\t%s\n' "$("$pg_bin/postgres" --version | awk '{print $3}')"
    printf 'FastPool\t%s, loops = %s\n' "$(version_of "$fastpool")" "${LOOPS:-1}"
    printf 'PgBouncer\t%s\n' "$(version_of "$pgbouncer" | sed 's/^PgBouncer //')"
    printf 'run\t%s rounds, %s s a run, pool of 20 (40 for 1,000 clients and more), TCP on loopback, %s\n' "$rounds" "$seconds" "$(date -u +%Y-%m-%d)"
    case " ${scenarios[*]} " in
        *' prepared-'*) [ "$shared_prepared" = yes ] ||
            printf 'prepared\tPgBouncer runs -M extended in these rows: it is older than 1.21 and shares no prepared statements\n' ;;
    esac
}

# The line of -V that names FastPool where there is one, else the first.
version_of() { "$1" -V </dev/null 2>/dev/null | awk '/[Ff]ast[Pp]ool/ {f = $0} NR == 1 {first = $0} END {print f != "" ? f : (first != "" ? first : "unknown")}'; }

print_table() {
    {
        printf 'scenario\tmetric\tdirect\tFastPool\tPgBouncer\tFastPool / PgBouncer\n'
        cat "$work/summary.tsv"
    } | awk -F'\t' '{printf "%-14s %-20s %10s %10s %10s %21s\n", $1, $2, $3, $4, $5, $6}'
}

print_markdown() {
    echo '# FastPool beside PgBouncer'
    echo
    environment | awk -F'\t' '{printf "- %s: %s\n", $1, $2}'
    echo
    echo '| scenario | metric | direct | FastPool | PgBouncer | FastPool / PgBouncer |'
    echo '|---|---|---:|---:|---:|---:|'
    awk -F'\t' '{printf "| %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $6}' "$work/summary.tsv"
}

print_json() {
    awk -F'\t' '
        function number(x) { return x == "-" ? "null" : x }
        function text(x) { gsub(/["\\]/, "\\\\&", x); return "\"" x "\"" }
        FNR == 1 { file++ }
        file == 1 { printf "%s%s: %s", (FNR == 1 ? "{\n  \"environment\": {\n    " : ",\n    "), text($1), text($2); next }
        { printf "%s{\"scenario\": %s, \"metric\": %s, \"direct\": %s, \"fastpool\": %s, \"pgbouncer\": %s, \"ratio\": %s}",
            (FNR == 1 ? "\n  },\n  \"figures\": [\n    " : ",\n    "), text($1), text($2), number($3), number($4), number($5), number($6) }
        END { print "\n  ]\n}" }' "$work/environment.tsv" "$work/summary.tsv"
}

# --- The run ---------------------------------------------------------------------------------------------------

choose_scenarios() {
    local name pattern
    scenarios=()
    set -f
    for name in $all_scenarios; do
        for pattern in ${SCENARIOS:-*}; do
            # shellcheck disable=SC2053
            if [[ $name == $pattern ]]; then scenarios+=("$name"); break; fi
        done
    done
    set +f
    [ ${#scenarios[@]} -gt 0 ] || fail "no scenario is called '$SCENARIOS'; -l lists them"
}

choose_scenarios
needs=(postgresql)
[ -n "${POOLER:-}" ] || needs+=(dotnet aot)
[ -n "${PGBOUNCER:-}" ] || needs+=(pgbouncer)
case " ${scenarios[*]} " in *'idle '*) needs+=(dotnet) ;; esac
case " ${scenarios[*]} " in *' tls-'*) needs+=(tls) ;; esac
set_up "${needs[@]}"

PG_MAX_CONNECTIONS=450
begin_work
: >"$work/figures.tsv"
[ -z "$output" ] || mkdir -p "$output"
write_set_script
[ -n "${POOLER:-}" ] || publish_fastpool
fastpool=${POOLER:-$root/out/fastpool}
pgbouncer=${PGBOUNCER:-$(command -v pgbouncer || echo /usr/sbin/pgbouncer)}
shared_prepared=$(shares_prepared "$pgbouncer")
case " ${scenarios[*]} " in
    *' tls-'*)
        make_certificate
        ;;
esac
case " ${scenarios[*]} " in
    *'idle '*)
        step "Building the program that opens idle clients"
        (cd "$root" && dotnet build bench/IdleClients -c Release -o "$work/idleclients" --nologo -v quiet </dev/null) >"$work/idle-build.log" 2>&1 ||
            { tail -n 20 "$work/idle-build.log" >&2; fail "bench/IdleClients does not build"; }
        idle_program=$work/idleclients/idleclients
        ulimit -n 20000 2>/dev/null || ulimit -n "$(ulimit -H -n)"
        [ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge $((idle_clients + 200)) ] || {
            idle_clients=$(($(ulimit -n) - 200))
            note "this system allows $(ulimit -n) descriptors: $idle_clients idle clients"
        }
        ;;
esac

step "Starting a throwaway PostgreSQL and filling pgbench's tables"
start_postgres trust
run_as_user "$pg_bin/pgbench" -i -q -s 10 -h 127.0.0.1 -p "$pg_port" -U bench bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }
psql_direct -q -d bench -c 'create unlogged table taken (line text)' -c 'vacuum analyze'

contestants=(direct fastpool pgbouncer)
for ((round = 1; round <= rounds; round++)); do
    for scenario in "${scenarios[@]}"; do
        for ((turn = 0; turn < 3; turn++)); do
            who=${contestants[(turn + round) % 3]}
            run_scenario "$scenario" "$round" "$who"
        done
        step "Round $round of $rounds, $scenario: $(awk -F'\t' -v s="$scenario" -v r="$round" '$1 == s && $2 == r {if (m == "") m = $4; if ($4 == m) printf "%s %s  ", $3, $5} END {print m}' "$work/figures.tsv")"
    done
done

summarise
environment >"$work/environment.tsv"
echo
awk -F'\t' '{printf "%-12s %s\n", $1, $2}' "$work/environment.tsv"
echo
print_table
if [ -n "$output" ]; then
    print_markdown >"$output/compare.md"
    print_json >"$output/compare.json"
    step "Written: $output/compare.md, $output/compare.json"
fi
