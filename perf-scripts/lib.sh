# Shared by the scripts in this folder and by tests/run.sh. Source it; it runs nothing by itself.
#
# What it gives: progress lines, an ordinary user for programs that refuse root, a temporary folder of that user,
# a throwaway PostgreSQL and a pooler on loopback, CPU and memory figures of a process, and an end that leaves
# nothing behind: every program is ended by its own pid when the script ends, however it ends.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
started_at=$SECONDS
work=
as_user=()          # What to put before a command so that an ordinary user runs it; empty when we are one.
background_pids=()  # Ended last one first.

# --- Progress -------------------------------------------------------------------------------------------------

step() { printf '==> [%3ds] %s\n' $((SECONDS - started_at)) "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
# take_options ARGUMENTS...: -o FOLDER sets $output; -l, where $what_there_is is set, lists that and ends.
take_options() {
    local option
    output=
    while getopts "o:${what_there_is:+l}" option; do
        case $option in
            o) output=$OPTARG ;;
            l) echo "$what_there_is"; exit 0 ;;
            *) exit 2 ;;
        esac
    done
}

# For awk: the median of numbers in a text; "-": there are none.
median_function='
function median(text,    v, n, i, j, t) {
    n = split(text, v, " ")
    if (n == 0) return "-"
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}'

have() { command -v "$1" >/dev/null 2>&1; }

# --- The ordinary user, the temporary folder, the end ---------------------------------------------------------

# A script of pgbench with a SET before each query: $work/set.sql.
write_set_script() {
    printf '%s\n' '\set aid random(1, 100000)' 'SET statement_timeout = 60000;' \
        'SELECT abalance FROM pgbench_accounts WHERE aid = :aid;' >"$work/set.sql"
    chmod 644 "$work/set.sql"
}

# Chooses the user that runs PostgreSQL and the pooler (both refuse root) and makes its folder, $work.
begin_work() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/fastpool.XXXXXX")
    trap end_work EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    chmod 755 "$work"
    if [ "$(id -u)" -eq 0 ]; then
        local user=
        for user in postgres nobody ''; do
            [ -n "$user" ] && id -u "$user" >/dev/null 2>&1 && break
        done
        if [ -z "$user" ]; then
            useradd --system --no-create-home --shell /usr/sbin/nologin fastpool ||
                fail "no ordinary user (postgres, nobody) to run the servers as, and none could be made"
            user=fastpool
        fi
        have setpriv || fail "setpriv is missing: install util-linux"
        chown "$user" "$work"
        as_user=(setpriv "--reuid=$(id -u "$user")" "--regid=$(id -g "$user")" --clear-groups -- env "HOME=$work" "USER=$user" "LOGNAME=$user")
    fi
}

# Runs a command as the ordinary user, from its folder.
run_as_user() { (cd "$work" && exec "${as_user[@]}" "$@"); }

# Starts a command as the ordinary user in the background: sets $started_pid; output goes to the named log.
start_as_user() {
    local log=$1
    shift
    # A shell starts background programs with INT and QUIT ignored; these are to be ended by them.
    ${as_user[@]+"${as_user[@]}"} env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null &
    started_pid=$!
    background_pids+=("$started_pid")
}

is_alive() { [ -n "${1:-}" ] && kill -0 "$1" 2>/dev/null; }

# Ends one process by its pid: the signal, up to ten seconds, then KILL.
stop_pid() {
    local pid=$1 signal=${2:-TERM} i
    is_alive "$pid" || return 0
    kill "-$signal" "$pid" 2>/dev/null || true
    for ((i = 0; i < 100; i++)); do
        is_alive "$pid" || break
        sleep 0.1
    done
    is_alive "$pid" && kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null || true
    forget_pid "$pid"
}

# An ended process's number may soon belong to a stranger.
forget_pid() {
    local pid rest=()
    for pid in "${background_pids[@]}"; do [ "$pid" = "$1" ] || rest+=("$pid"); done
    background_pids=("${rest[@]+"${rest[@]}"}")
}

end_work() {
    local status=$? i
    trap - EXIT INT TERM HUP
    while [ ${#background_pids[@]} -gt 0 ]; do
        i=${background_pids[${#background_pids[@]} - 1]}
        stop_pid "$i" INT
        forget_pid "$i"
    done
    if [ -n "$work" ]; then
        if [ "$status" -ne 0 ] && [ -n "${KEEP_WORK:-}" ]; then note "kept for inspection: $work"; else rm -rf "$work"; fi
    fi
    exit "$status"
}

# --- Ports ----------------------------------------------------------------------------------------------------

is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A loopback port nobody listens on, below the ports the kernel hands out by itself: sets $port.
free_port() {
    for ((port = 20000 + RANDOM % 10000; ; port++)); do is_listening "$port" || return 0; done
}

# Waits for a port until its process is gone or the deadline has passed.
wait_for_port() {
    local wanted=$1 pid=$2 log=$3 seconds=${4:-30} until_at=$((SECONDS + ${4:-30}))
    until is_listening "$wanted"; do
        is_alive "$pid" || { tail -n 20 "$log" >&2; fail "the process behind port $wanted ended: see the lines above"; }
        [ "$SECONDS" -lt "$until_at" ] || { tail -n 20 "$log" >&2; fail "port $wanted did not open within $seconds s"; }
        sleep 0.05
    done
}

# --- PostgreSQL -----------------------------------------------------------------------------------------------

# Sets $pg_bin, the folder of the newest PostgreSQL programs (or PG_BIN).
find_pg_bin() {
    local folder
    pg_bin=
    for folder in "${PG_BIN:-}" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn) /usr/pgsql-*/bin; do
        [ -n "$folder" ] && [ -x "$folder/initdb" ] && [ -x "$folder/pgbench" ] && { pg_bin=$folder; return 0; }
    done
    folder=$(command -v initdb 2>/dev/null) && pg_bin=$(dirname "$(readlink -f "$folder")") && [ -x "$pg_bin/pgbench" ]
}

# Starts a throwaway PostgreSQL on a free loopback port: sets $pg_port, $pg_pid. Superuser postgres, and the role bench with
# the password bench (SCRAM). Local TCP is trusted unless another pg_hba method is given.
start_postgres() {
    local method=${1:-trust}
    find_pg_bin || fail "no PostgreSQL programs found (initdb, postgres, pgbench): run perf-scripts/set-up.sh"
    free_port
    pg_port=$port
    run_as_user "$pg_bin/initdb" -D "$work/pg" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$work/initdb.log" 2>&1 ||
        { cat "$work/initdb.log" >&2; fail "initdb failed"; }
    cat >>"$work/pg/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $pg_port
unix_socket_directories = '$work'
max_connections = ${PG_MAX_CONNECTIONS:-400}
shared_buffers = 256MB
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 4GB
autovacuum = off
password_encryption = 'scram-sha-256'
CONF
    printf '%s\n' 'local all all trust' 'host all postgres 127.0.0.1/32 trust' "host all all 127.0.0.1/32 $method" >"$work/pg/pg_hba.conf"
    start_as_user "$work/postgres.log" "$pg_bin/postgres" -D "$work/pg"
    pg_pid=$started_pid
    wait_for_port "$pg_port" "$pg_pid" "$work/postgres.log"
    until psql_direct -c 'select 1' >/dev/null 2>&1; do
        is_alive "$pg_pid" || { tail -n 20 "$work/postgres.log" >&2; fail "PostgreSQL ended"; }
        sleep 0.1
    done
    psql_direct -q -c "create role bench login superuser password 'bench'" -c 'create database bench owner bench'
    note "PostgreSQL $("$pg_bin/postgres" --version | awk '{print $3}') listens on 127.0.0.1:$pg_port (pid $pg_pid)"
}

psql_direct() { "$pg_bin/psql" -X -A -t -h "$work" -p "$pg_port" -U postgres -d postgres "$@"; }
psql_console() { PGPASSWORD=bench "$pg_bin/psql" -X -h 127.0.0.1 -p "$1" -U bench -d pgbouncer "${@:2}"; }

# --- The pooler -----------------------------------------------------------------------------------------------

# Builds the binary: out/fastpool, and out/pgbouncer beside it.
publish_fastpool() {
    step "Publishing the binary (dotnet publish, Native AOT)"
    (cd "$root" && dotnet publish src/FastPool -c Release -o out --nologo -v quiet </dev/null >"$work/publish.log" 2>&1) ||
        { tail -n 30 "$work/publish.log" >&2; fail "dotnet publish failed"; }
    note "out/fastpool: $(stat -c %s "$root/out/fastpool") bytes"
}

# Is this binary FastPool (and not PgBouncer)? A later line of -V names it.
is_fastpool() { "$1" -V 2>/dev/null </dev/null | grep -qi fastpool || [ "$(basename "$(readlink -f "$1")")" = fastpool ]; }

# Prints yes when this pooler shares prepared statements between clients: PgBouncer does from 1.21 on.
shares_prepared() {
    case $("$1" -V </dev/null | head -n 1) in
        'PgBouncer 1.'[0-9].* | 'PgBouncer 1.1'[0-9].* | 'PgBouncer 1.20.'*) echo no ;;
        *) echo yes ;;
    esac
}

# A certificate and its key for the pooler: $work/tls.crt and $work/tls.key.
make_certificate() {
    run_as_user openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/tls.key" -out "$work/tls.crt" -subj /CN=localhost -days 2 >"$work/tls.log" 2>&1 ||
        { cat "$work/tls.log" >&2; fail "openssl failed"; }
}

# Writes $work/NAME/pooler.ini and starts the binary on it: sets $pooler_pid, $pooler_port, $pooler_ready_ms.
# The binary is copied to the ordinary user's folder, since the checkout may be closed to that user.
# Variables: pool_mode, pool_size, auth_type, loops (FastPool only; empty: its own choice), extra (lines for [pgbouncer]).
start_pooler() {
    local name=$1 binary=$2 folder=$work/$1 before
    [ -x "$binary" ] || fail "no such binary: $binary"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp -L "$binary" "$folder/$name"
    free_port
    pooler_port=$port
    {
        echo '[databases]'
        echo "bench = host=127.0.0.1 port=$pg_port dbname=bench"
        echo '[pgbouncer]'
        echo 'listen_addr = 127.0.0.1'
        echo "listen_port = $pooler_port"
        echo 'unix_socket_dir ='
        echo "auth_type = ${auth_type:-trust}"
        echo "auth_file = $folder/userlist.txt"
        echo 'admin_users = bench'
        echo "pool_mode = ${pool_mode:-transaction}"
        echo "default_pool_size = ${pool_size:-20}"
        echo 'max_client_conn = 11000'
        echo 'ignore_startup_parameters = extra_float_digits'
        echo 'log_connections = 0'
        echo 'log_disconnections = 0'
        [ -z "${extra:-}" ] || printf '%s\n' "$extra"
        if [ -n "${loops:-}" ] && is_fastpool "$binary"; then
            echo '[fastpool]'
            echo "loops = $loops"
            [ -z "${own:-}" ] || printf '%s\n' "$own"
        fi
    } >"$folder/pooler.ini"
    echo '"bench" "bench"' >"$folder/userlist.txt"
    [ ${#as_user[@]} -eq 0 ] || chown -R --reference="$work" "$folder"
    ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
    before=$(now_us)
    start_as_user "$folder/log" "$folder/$name" "$folder/pooler.ini"
    pooler_pid=$started_pid
    until is_listening "$pooler_port"; do
        is_alive "$pooler_pid" || { tail -n 20 "$folder/log" >&2; fail "$name ended at once: see the lines above"; }
        [ $(($(now_us) - before)) -lt 30000000 ] || fail "$name does not listen after 30 s"
        sleep 0.002
    done
    pooler_ready_ms=$((($(now_us) - before) / 1000))
}

now_us() { local t=${EPOCHREALTIME/[.,]/}; echo "$t"; }

# --- What a process used --------------------------------------------------------------------------------------

# CPU time of all threads of a process so far, in nanoseconds.
cpu_ns() {
    # The scheduler's own count where the kernel keeps it, else clock ticks (1/100 s).
    if [ -r "/proc/$1/schedstat" ]; then
        cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{s += $1} END {printf "%.0f\n", s}'
    else
        sed 's/.*) //' "/proc/$1/stat" | awk -v hz="$(getconf CLK_TCK)" '{printf "%.0f\n", ($12 + $13) * 1e9 / hz}'
    fi
}

# measure_pgbench SECONDS PGBENCH...: runs it for a second, which opens the servers, and then for so many seconds. Sets $figures:
# transactions/s, a tab, CPU µs of $pooler_pid for each of them.
measure_pgbench() {
    local seconds=$1 before after
    shift
    run_as_user "$@" -T 1 bench >"$work/warm.log" 2>&1 || { cat "$work/warm.log" >&2; fail "pgbench failed"; }
    before=$(cpu_ns "$pooler_pid")
    run_as_user "$@" -T "$seconds" bench >"$work/run.log" 2>&1 || { cat "$work/run.log" >&2; fail "pgbench failed"; }
    after=$(cpu_ns "$pooler_pid")
    figures=$(awk -v ns=$((after - before)) '
        /number of transactions actually processed/ {sub(/\/.*/, "", $6); n = $6}
        /^tps/ {printf "%s\t%.3f\n", $3, ns / n / 1000}' "$work/run.log")
}

rss_kb() { awk '/^VmRSS:/ {print $2}' "/proc/$1/status"; }
