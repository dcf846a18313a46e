#!/usr/bin/env bash
# Instructions for each transaction, without those of the kernel: FastPool under pgbench, with io_uring = 0, counted by valgrind
# (callgrind). The count hardly depends on the machine and not on its speed, so it shows a change of one part in a hundred that
# times cannot show.
#
#   ./perf-scripts/instructions.sh           a table; it takes a minute
#   ./perf-scripts/instructions.sh --check   fails when a scenario takes more than perf-scripts/instructions.tsv allows
#
# SCENARIOS='simple-16 extended-16 prepared-64'   mode and clients of pgbench; connect-16: a connection for each transaction;
#               tls-simple-16: clients speak TLS. What the cipher costs depends on the library and the processor: no bound.
#               keep-simple-16: session_state = keep, and nobody sets anything; keep-login-simple-16: each client gives a setting at
#               its login; set-simple-16: a SET before each query; keep-set-simple-16: both
# POOLER=   a binary; without it out/fastpool is built and used
# FUNCTIONS=0   so many functions of each scenario, those with the most instructions first; start and end of the process are in it
#
# The bounds hold for x86-64. A change that needs more instructions for a reason raises its bound in instructions.tsv, a few in a
# hundred above what is counted, and says why.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

scenarios=${SCENARIOS:-simple-16 extended-16 prepared-64}
functions=${FUNCTIONS:-0}
tries=3 # Counts differ from run to run, by one or two in a hundred: one within the bound is enough.
few=100 many=600 # Transactions of a client in the two runs: their difference is free of start, logins and end.

# Runs the pooler under callgrind for so many transactions a client: writes $work/$1.$2.callgrind.
count() {
    local scenario=$1 each=$2 mode=${1%-*} clients=${1##*-} i log=$work/pgbench.log
    pool_size=20 pool_mode=transaction loops=1 extra='max_prepared_statements = 200' PGSSLMODE=disable PGOPTIONS=
    own='io_uring = 0' # While a thread waits in a ring valgrind lets no other run.
    local options=() script=(-S)
    case $mode in keep-*) mode=${mode#keep-} own+=$'\nsession_state = keep' ;; esac
    case $mode in
        connect) mode=simple options=(-C) ;;
        tls-*)
            mode=${mode#tls-} PGSSLMODE=require
            extra+=$(printf '\n%s' 'client_tls_sslmode = require' "client_tls_cert_file = $work/tls.crt" "client_tls_key_file = $work/tls.key")
            ;;
        login-*) mode=${mode#login-} PGOPTIONS='-c statement_timeout=60s' ;;
        set-*) mode=${mode#set-} script=(-f "$work/set.sql") ;;
    esac
    export PGSSLMODE PGOPTIONS
    start_pooler counted "$work/wrapper"
    for ((i = 0; i < 300; i++)); do
        PGPASSWORD=bench run_as_user "$pg_bin/psql" -X -Atc 'select 1' -h 127.0.0.1 -p "$pooler_port" -U bench bench >/dev/null 2>&1 && break
        sleep 0.1
    done
    run_as_user "$pg_bin/pgbench" -n "${script[@]}" "${options[@]+"${options[@]}"}" -M "$mode" -c "$clients" -j 1 -t "$each" -h 127.0.0.1 -p "$pooler_port" -U bench bench >"$log" 2>&1 ||
        { cat "$log" >&2; fail "pgbench failed ($scenario)"; }
    local pid=$pooler_pid; stop_pid "$pid" INT
    mv "$work/callgrind.$pid" "$work/$scenario.$each.callgrind" || fail "callgrind has counted nothing ($scenario)"
}

total() { awk '/^(summary|totals):/ {n = $2} END {printf "%.0f", n}' "$1"; }

main() {
    local check= scenario clients count bound try passed=0 failed=0 names=()
    case ${1:-} in
        '') ;;
        --check) check=1 ;;
        *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
    (set_up postgresql valgrind)
    begin_work
    [ -n "${POOLER:-}" ] || { (set_up dotnet aot); publish_fastpool; }
    cp -L "${POOLER:-$root/out/fastpool}" "$work/binary"
    if [ "$functions" -gt 0 ]; then
        # Valgrind reads the names, but not the rest of what the compiler says.
        have objcopy || fail "objcopy is missing: install binutils"
        objcopy --strip-debug "${POOLER:-$root/out/fastpool}.dbg" "$work/names" 2>/dev/null || fail "no symbols beside the binary"
        objcopy --remove-section=.gnu_debuglink "$work/binary"
        (cd "$work" && objcopy --add-gnu-debuglink=names binary)
        chmod 644 "$work/names"
    fi
    # Its heap is bounded: callgrind cannot map the hundreds of gigabytes that .NET sets aside.
    cat >"$work/wrapper" <<WRAPPER
#!/bin/sh
ulimit -n 4096 # Valgrind keeps some of the highest descriptors for itself, and cannot with a limit of a thousand million.
DOTNET_GCHeapHardLimit=0x20000000 exec valgrind --tool=callgrind --callgrind-out-file=$work/callgrind.%p $work/binary "\$@"
WRAPPER
    chmod 755 "$work/wrapper" "$work/binary"
    write_set_script
    start_postgres trust
    run_as_user "$pg_bin/pgbench" -i -q -s 1 -h 127.0.0.1 -p "$pg_port" -U bench bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }
    case " $scenarios" in *' tls-'*) make_certificate ;; esac
    for scenario in $scenarios; do
        clients=${scenario##*-}
        bound=
        [ "$(uname -m)" != x86_64 ] || bound=$(awk -v s="$scenario" '$1 == s {print $2}' "$root/perf-scripts/instructions.tsv")
        for ((try = 1; try <= tries; try++)); do
            step "Counting: $scenario"
            count "$scenario" "$few"
            count "$scenario" "$many"
            count=$((($(total "$work/$scenario.$many.callgrind") - $(total "$work/$scenario.$few.callgrind")) / ((many - few) * clients)))
            [ "$count" -gt "${bound:-$count}" ] || break
        done
        names+=("$(printf '%-21s %8d   at most %s' "$scenario" "$count" "${bound:-(no bound)}")")
        if [ "$count" -gt 0 ] && [ "$count" -le "${bound:-$count}" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
        [ "$functions" -eq 0 ] || {
            note "$scenario, the whole run of $((many * clients)) transactions:"
            callgrind_annotate --threshold=100 "$work/$scenario.$many.callgrind" | grep -E '^ *[0-9,]+ \(' | sed -n "2,$((functions + 1))p" >&2
        }
    done
    printf 'scenario              instructions a transaction\n'
    printf '%s\n' "${names[@]}"
    [ -z "$check" ] || { printf '%d passed, %d failed\n' "$passed" "$failed"; [ "$failed" -eq 0 ]; }
}

main "$@"
