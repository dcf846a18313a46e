#!/usr/bin/env bash
# What a pool, an idle server, a prepared statement and a client of each kind weigh, and what a storm of logins leaves behind.
#
#   ./perf-scripts/memory.sh [-o FOLDER]
#
# -o FOLDER                 writes memory.md and memory.tsv there as well; memory.tsv grows as figures come
# SIZES='1000 4000'         between how many of a kind its weight is taken; of servers a fifth, of statements twice as many
# STORM=19000               logins and logouts
# KINDS='pool plain'        some rows only; "-l" lists them
# LOOPS=                    threads of FastPool; without it its own choice
# POOLER=out/fastpool       the binary on FastPool's side; without it out/fastpool is built and used
# PGBOUNCER=pgbouncer       the binary to compare with; without it Debian's; PGBOUNCER= none
#
# A weight is the slope of the resident memory (RSS) between the two sizes in one process, each read once it has stayed the same for
# fifteen seconds. The storm: RSS after a second of transactions and 200 logins; then as many logins and logouts as STORM says,
# 500 at the same time; then as many clients at once, who leave together. Afterwards at most 1.10 times what it was before is fine.
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

all_kinds='database pool server plain tls-own tls-library console waiting keep keep-settings listening statement shared-statement storm'
what_there_is=$all_kinds
take_options "$@"

read -r small large <<<"${SIZES:-1000 4000}"
storm=${STORM:-19000} kinds=${KINDS:-$all_kinds}
pgbouncer=${PGBOUNCER-$(command -v pgbouncer || echo /usr/sbin/pgbouncer)}
storm_goal=1.10

declare -A names=(
    [database]='database without a pool' [pool]='pool' [server]='idle server'
    [plain]='client' [tls-own]='client with TLS, own records' [tls-library]='client with TLS, tls_records = library'
    [console]='client of the console' [waiting]='client that waits for a server'
    [keep]='client, session_state = keep' [keep-settings]='client with a setting of its own, session_state = keep'
    [listening]='client that listens, session_state = keep'
    [statement]='prepared statement that no other client has' [shared-statement]='prepared statement that others have too'
)

# record WHO WHAT VALUE
record() {
    printf '%s\t%s\t%s\n' "$@" >>"$work/figures.tsv"
    [ -z "$output" ] || cp "$work/figures.tsv" "$output/memory.tsv"
    note "$1: $2: $3"
}

# --- The pooler and its clients ---------------------------------------------------------------------------------

# begin POOL_SIZE LINES_FOR_PGBOUNCER LINES_FOR_FASTPOOL: starts $binary.
begin() {
    pool_size=$1 auth_type=trust loops=${LOOPS:-0} own=$3
    extra="max_client_conn = 25000
query_wait_timeout = 0
server_idle_timeout = 0
server_lifetime = 86400
stats_period = 5
$2"
    start_pooler "$who" "$binary"
}

end() { stop_pid "$pooler_pid" INT; }

# crowd ARGUMENTS OF idleclients...: these log in, and stay until end_crowds. There may be several; $crowd is the input of the last.
crowd() {
    local log
    crowds=$((${crowds:-0} + 1))
    log=$work/crowd.$crowds
    rm -f "$log.in"
    mkfifo "$log.in"
    start_as_user "$log" sh -c "exec \"\$@\" <$log.in" sh "$work/idle/idleclients" "$pooler_port" "$@"
    crowd_pids+=("$started_pid")
    exec {crowd}>"$log.in"
    crowd_inputs+=("$crowd")
    await_crowd ready
}

await_crowd() {
    local log=$work/crowd.$crowds
    until grep -q "$1" "$log"; do
        is_alive "$started_pid" || { tail "$log" "$work/$who/log" >&2; fail "not all clients came in"; }
        sleep 0.1
    done
}

end_crowds() {
    local input pid
    for input in "${crowd_inputs[@]}"; do
        echo end >&"$input"
        exec {input}>&-
    done
    for pid in "${crowd_pids[@]}"; do
        wait "$pid" || fail "clients ended badly"
        forget_pid "$pid"
    done
    crowd_inputs=() crowd_pids=()
}
crowd_inputs=() crowd_pids=()

# Resident kilobytes, once they have stayed the same (to 0.2 %) for fifteen seconds; after a minute and a half whatever they are.
settled_kb() {
    local i kb steady=0 before=0
    for ((i = 0; i < 90 && steady < 15; i++)); do
        sleep 1
        kb=$(rss_kb "$pooler_pid")
        if [ $(((kb - before) * 500)) -le "$kb" ] && [ $(((before - kb) * 500)) -le "$kb" ]; then steady=$((steady + 1)); else steady=0 before=$kb; fi
    done
    echo "$kb"
}

# slope FROM TO KB_BEFORE KB_AFTER: bytes of one.
slope() { awk -v n=$(($2 - $1)) -v kb=$(($4 - $3)) 'BEGIN {printf "%.0f", kb * 1024 / n}'; }

# two_crowds ARGUMENTS...: $small clients, then those up to $large: prints nothing, sets $weight.
two_crowds() {
    local before after
    crowd "$small" "$@" first=0
    before=$(settled_kb)
    crowd $((large - small)) "$@" "first=$small"
    after=$(settled_kb)
    weight=$(slope "$small" "$large" "$before" "$after")
    end_crowds
    end
}

# --- One row ------------------------------------------------------------------------------------------------------

many_databases() {
    local i lines
    lines=$(seq -f "many_%.0f = host=127.0.0.1 port=$stand_in_port dbname=bench" 1 "$1")
    printf '[databases]\n%s\n' "$lines" >"$work/many.ini"
    chmod 644 "$work/many.ini"
}

weigh_database() {
    local before after
    many_databases "$small"
    begin 2 "%include $work/many.ini" ''
    before=$(settled_kb)
    end
    many_databases "$large"
    begin 2 "%include $work/many.ini" ''
    after=$(settled_kb)
    end
    weight=$(slope "$small" "$large" "$before" "$after")
}

# Clients of another database each come and go; their servers end after a second.
weigh_pool() {
    local before after
    many_databases "$large"
    begin 2 "server_idle_timeout = 1
%include $work/many.ini" ''
    crowd "$small" bench many "databases=$large" hold=0 at-once=8
    end_crowds
    before=$(settled_kb)
    crowd $((large - small)) bench many "databases=$large" "first=$small" hold=0 at-once=8
    end_crowds
    after=$(settled_kb)
    weight=$(slope "$small" "$large" "$before" "$after")
    end
}

# So many clients are in a transaction at once, end it and leave.
weigh_server() {
    local before after some=$((small / 5)) all=$((large / 5)) count kb
    begin "$all" '' ''
    for count in "$some" "$all"; do
        crowd "$count" bench bench query=BEGIN at-once=8
        echo 'say COMMIT' >&"$crowd"
        await_crowd 'done'
        end_crowds
        kb=$(settled_kb)
        [ "$count" -ne "$some" ] || before=$kb
        after=$kb
    done
    weight=$(slope "$some" "$all" "$before" "$after")
    end
}

weigh_plain() { begin 20 '' '' && two_crowds bench bench; }
tls_lines() { printf '%s\n' 'client_tls_sslmode = allow' "client_tls_cert_file = $work/tls.crt" "client_tls_key_file = $work/tls.key"; }
weigh_tls-own() { begin 20 "$(tls_lines)" '' && two_crowds bench bench tls; }
weigh_tls-library() { begin 20 "$(tls_lines)" 'tls_records = library' && two_crowds bench bench tls; }
weigh_console() { begin 20 '' '' && two_crowds bench pgbouncer; }
weigh_keep() { begin 20 '' 'session_state = keep' && two_crowds bench bench; }
weigh_keep-settings() { begin 20 '' 'session_state = keep' && two_crowds bench bench 'query=SET statement_timeout = 1000#'; }
weigh_listening() { begin 20 '' 'session_state = keep' && two_crowds bench bench 'query=LISTEN news'; }
weigh_waiting() {
    begin 1 '' ''
    crowd 1 bench bench query=BEGIN
    two_crowds bench bench 'asked=SELECT 1'
}

# One client prepares some, another the rest.
weigh_statement() {
    local before after few=$((small * 2)) many=$((large * 2)) text='select # + $1, @ from generate_series(1, $2)'
    begin 20 'max_prepared_statements = 100' ''
    crowd 1 bench bench "statements=$few" "text=$text"
    before=$(settled_kb)
    crowd 1 bench bench "statements=$((many - few))" "text=$text" first=1
    after=$(settled_kb)
    weight=$(slope "$few" "$many" "$before" "$after")
    end_crowds
    end
}

# Ten statements of each client, less what the client itself weighs.
weigh_shared-statement() {
    local plain
    weigh_plain
    plain=$weight
    begin 20 'max_prepared_statements = 100' ''
    two_crowds bench bench statements=10 'text=select # + $1 from generate_series(1, $2)'
    weight=$(((weight - plain) / 10))
}

measure_storm() {
    local before after
    begin 20 '' ''
    run_as_user env PGPASSWORD=bench "$pg_bin/pgbench" -n -S -c 20 -T 1 -h 127.0.0.1 -p "$pooler_port" -U bench bench >/dev/null 2>&1
    crowd 200 bench bench
    end_crowds
    before=$(settled_kb)
    crowd "$storm" bench bench hold=0 at-once=500
    end_crowds
    after=$(settled_kb)
    record "$who" "RSS before, kB" "$before"
    record "$who" "after $storm logins and logouts, 500 at a time, kB" "$after"
    record "$who" "after / before" "$(awk -v a="$after" -v b="$before" 'BEGIN {printf "%.3f", a / b}')"
    crowd "$storm" bench bench at-once=50
    record "$who" "with $storm clients, kB" "$(settled_kb)"
    echo leave >&"$crowd"
    await_crowd 'done'
    end_crowds
    after=$(settled_kb)
    record "$who" "after they have left together, kB" "$after"
    record "$who" "after / before, all at once" "$(awk -v a="$after" -v b="$before" 'BEGIN {printf "%.3f", a / b}')"
    end
}

# --- All of them --------------------------------------------------------------------------------------------------

# Prints yes when this pooler has it.
knows() {
    [ "$who" = pgbouncer ] || { echo yes; return; }
    case $1 in
        tls-own | keep* | listening) echo no ;;
        *statement) shares_prepared "$binary" ;;
        *) echo yes ;;
    esac
}

measure() {
    local kind
    who=$1 binary=$2
    for kind in $kinds; do
        if [ "$(knows "$kind")" = no ]; then continue; fi
        step "$who: $kind"
        if [ "$kind" = storm ]; then measure_storm; continue; fi
        "weigh_$kind"
        record "$who" "${names[$kind]}, bytes" "$weight"
    done
}

table() {
    echo '| one | FastPool | PgBouncer | ratio |'
    echo '|---|---:|---:|---:|'
    awk -F'\t' '
        {value[$1, $2] = $3; if (!seen[$2]++) order[++rows] = $2}
        END {
            for (r = 1; r <= rows; r++) {
                ours = value["fastpool", order[r]]; theirs = value["pgbouncer", order[r]]
                print "| " order[r] " | " (ours == "" ? "-" : ours) " | " (theirs == "" ? "-" : theirs) " | " \
                    (ours != "" && theirs > 0 ? sprintf("%.2f", ours / theirs) : "-") " |"
            }
        }' "$work/figures.tsv"
}

main() {
    (set_up dotnet aot postgresql tls)
    begin_work
    [ -z "$output" ] || mkdir -p "$output"
    [ -n "${POOLER:-}" ] || publish_fastpool
    (cd "$root" && dotnet build bench/IdleClients -c Release -o "$work/idle" --nologo -v quiet </dev/null >"$work/idle.log" 2>&1) ||
        { cat "$work/idle.log" >&2; fail "dotnet build failed"; }
    ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
    [ $((storm + 500)) -le "$(ulimit -n)" ] || fail "$(ulimit -n) descriptors (ulimit -n) are too few for $storm clients"
    export PGSSLMODE=disable PGPASSWORD=bench
    PG_MAX_CONNECTIONS=1000 start_postgres
    until free_port && [ "$port" -ne "$pg_port" ]; do :; done
    stand_in_port=$port
    start_as_user "$work/stand-in.log" "$work/idle/idleclients" serve "$stand_in_port"
    wait_for_port "$stand_in_port" "$started_pid" "$work/stand-in.log"
    make_certificate
    run_as_user "$pg_bin/pgbench" -q -i -s 1 -h 127.0.0.1 -p "$pg_port" -U bench bench >/dev/null 2>&1
    measure fastpool "${POOLER:-$root/out/fastpool}"
    if [ -n "$pgbouncer" ] && [ -x "$pgbouncer" ]; then measure pgbouncer "$pgbouncer"; else note "no PgBouncer to compare with"; fi
    step "Finished"
    table
    [ -z "$output" ] || table >"$output/memory.md"
    awk -F'\t' -v goal=$storm_goal '$1 == "fastpool" && $2 ~ /^after \/ before/ && $3 > goal {bad = 1} END {exit bad}' "$work/figures.tsv" ||
        fail "more than $storm_goal times the memory is left after the storm"
}

main
