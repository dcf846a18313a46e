#!/usr/bin/env bash
# Where the microseconds of a transaction go, as a picture: the way of one simple query through the pooler by the kernel's own
# time stamps, and the pooler's CPU time by what it is spent on.
#
#   ./perf-scripts/latency.sh [-o FOLDER]
#
# -o FOLDER   writes latency.svg and latency.md there as well
# CLIENTS=16  SECONDS_PER_RUN=5  POOLER=out/fastpool   as in profile.sh
#
# The time stamps are of one client alone, at the entry and the exit of each system call of the pooler; each figure is the median
# of all transactions. Being watched costs every call about a microsecond, so the whole is a little longer than p50 without it.
# The CPU time is that of CLIENTS clients, by perf's samples.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

take_options "$@"

clients=${CLIENTS:-16} seconds=${SECONDS_PER_RUN:-5}
needs=(postgresql)
[ -n "${POOLER:-}" ] || needs+=(dotnet aot)
set_up "${needs[@]}"
have perf || fail "perf is missing: install $(apt_name_of_perf) (for this kernel, $(uname -r)) and run this again"
perf stat -a -e raw_syscalls:sys_enter true >/dev/null 2>&1 || fail "perf may not trace system calls here: run this as root"
begin_work
[ -n "${POOLER:-}" ] || publish_fastpool
binary=${POOLER:-$root/out/fastpool}

step "Starting a throwaway PostgreSQL and the pooler"
start_postgres trust
run_as_user "$pg_bin/pgbench" -i -q -s 5 -h 127.0.0.1 -p "$pg_port" -U bench bench >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "pgbench -i failed"; }
pool_size=20 pool_mode=transaction loops=1
start_pooler pooler "$binary"
# The symbols that were stripped from the binary stand beside it.
[ ! -e "$binary.dbg" ] || cp "$binary.dbg" "$work/pooler/$(basename "$binary").dbg"

# load CLIENTS: pgbench in the background, warm after a second.
load() {
    run_as_user "$pg_bin/pgbench" -S -n -M simple -c "$1" -T $((seconds + 2)) -h 127.0.0.1 -p "$pooler_port" -U bench bench >"$work/run.log" 2>&1 &
    load=$!
    background_pids+=("$load")
    sleep 1
}

end_load() {
    wait "$load" || { cat "$work/run.log" >&2; fail "pgbench failed"; }
    forget_pid "$load"
}

# --- The way of one query ----------------------------------------------------------------------------------------

# The descriptor of the client's socket: the one whose local port is the pooler's, and which is connected (01).
client_descriptor() {
    local inode
    inode=$(awk -v port="$(printf ':%04X$' "$pooler_port")" '$2 ~ port && $4 == "01" {print $10; exit}' /proc/net/tcp)
    find "/proc/$pooler_pid/fd" -lname "socket:\[$inode\]" -printf '%f\n' | head -n 1
}

step "Tracing one client's transactions, $seconds s"
load 1
client=$(client_descriptor)
[ -n "$client" ] || fail "the client's socket is not found among the pooler's"
perf record -q -e raw_syscalls:sys_enter -e raw_syscalls:sys_exit -t "$(awk 'FNR == 1 {print FILENAME}' /proc/"$pooler_pid"/task/*/comm | xargs grep -l '^loop 0' | cut -d/ -f5)" \
    -o "$work/calls.data" -- sleep "$seconds" >"$work/perf.log" 2>&1 || { cat "$work/perf.log" >&2; fail "perf record failed"; }
end_load
tps_alone=$(awk '/^tps/ {print $3}' "$work/run.log")
perf script --ns -i "$work/calls.data" -F time,event,trace 2>/dev/null >"$work/calls.txt"

# One line a call: entry, exit (µs), number of the call, first argument. Then one line a transaction and step: its length.
# A transaction begins where bytes of the client are received, and ends where the answer has been sent to it.
awk '
    function us(time) { sub(/:$/, "", time); if (!zero) zero = time; return (time - zero) * 1e6 }
    /sys_enter/ { entry = us($1); number = $4; argument = $5; gsub(/[(,]/, "", argument); argument = hex(argument); next }
    /sys_exit/ { if (entry) printf "%.3f %.3f %s %d %s\n", entry, us($1), number, argument, $NF; entry = 0 }
    function hex(text,    i, n) { for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1; return n }
' "$work/calls.txt" >"$work/calls.tsv"
awk -v client="$client" '
    function step(name, length_us) { names[++n] = name; lengths[n] = length_us }
    function finish(    i) { if (sent && replied) for (i = 1; i <= n; i++) print names[i] "\t" lengths[i]; if (sent && replied) print "whole\t" last - start }
    {
        is_receive = $3 == 45; is_send = $3 == 44 || $3 == 426; is_wait = $3 == 232 || $3 == 281
        if (is_receive && $4 == client && $5 > 0) {
            n = sent = replied = 0
            start = $1
            step("1 receive the query", $2 - $1)
            last = $2
            next
        }
        if (!start) next
        if (!sent && is_send) { step("2 read it, take a server", $1 - last); step("3 send it to PostgreSQL", $2 - $1); sent = 1; last = $2 }
        else if (sent && !waited && is_wait) { step("4 turn to the next event", $1 - last); step("5 PostgreSQL works, the loop is woken", $2 - $1); waited = 1; last = $2 }
        else if (waited && !received && is_receive && $5 > 0) { step("6 find the server", $1 - last); step("7 receive the answer", $2 - $1); received = 1; last = $2 }
        else if (received && is_send) {
            step("8 judge it, give the server back", $1 - last); step("9 send it to the client", $2 - $1)
            replied = 1; last = $2
            finish()
            start = waited = received = 0
        }
    }' "$work/calls.tsv" | sort -t"$(printf '\t')" -k1,1 -k2,2g | awk -F'\t' '
    function out() { if (name != "") print name "\t" v[int((count + 1) / 2)] "\t" count }
    $1 != name { out(); name = $1; count = 0 }
    { v[++count] = $2 }
    END { out() }' >"$work/way.tsv"
[ "$(wc -l <"$work/way.tsv")" -ge 10 ] || { head -n 40 "$work/calls.txt" >&2; fail "no whole transaction was seen in the trace"; }

# --- CPU time by what it is spent on -----------------------------------------------------------------------------

step "Sampling the pooler under $clients clients, $seconds s"
load "$clients"
event=cycles
perf stat -e cycles true 2>&1 | grep -q 'not supported' && event=cpu-clock
before=$(cpu_ns "$pooler_pid")
perf record -q -e "$event" -F 1999 -g -p "$pooler_pid" -o "$work/perf.data" -- sleep "$seconds" >"$work/perf.log" 2>&1 || { cat "$work/perf.log" >&2; fail "perf record failed"; }
used=$(($(cpu_ns "$pooler_pid") - before))
end_load
tps=$(awk '/^tps/ {print $3}' "$work/run.log")
# The innermost frame that tells: a system call (by libc's function where the sample is of its entry or exit), or a function of
# ours by its folder.
perf script -i "$work/perf.data" -F ip,sym 2>/dev/null | awk '
    function count() { if (frames) { samples[what == "" ? "runtime and libraries" : what]++; all++ } what = ""; frames = 0 }
    NF == 0 { count(); next }
    { frames++; if (what != "") next }
    /__x64_sys_recvfrom/ || $2 ~ /^(__libc_)?recv/ { what = "receive (kernel)" }
    /__x64_sys_sendto|__x64_sys_sendmsg|__x64_sys_io_uring_enter/ || $2 ~ /^(__libc_)?send/ || $2 == "syscall" { what = "send (kernel)" }
    /__x64_sys_epoll_p?wait/ || $2 ~ /^epoll_p?wait/ { what = "wait (kernel)" }
    /FastPool_Core_Pools_/ { what = "take and return servers" }
    /FastPool_Core_Sessions_/ { what = "sessions" }
    /FastPool_Protocol_/ { what = "messages" }
    /FastPool_Native_/ { what = "events and sends" }
    /FastPool_Net_/ { what = "relay" }
    END { count(); for (what in samples) printf "%s\t%.4f\n", what, samples[what] / all }' | sort -t"$(printf '\t')" -k2,2gr >"$work/shares.tsv"
[ -s "$work/shares.tsv" ] || fail "perf has no samples"
awk -F'\t' -v used="$used" -v n="$(awk -v t="$tps" -v s="$seconds" 'BEGIN {print t * s}')" '{printf "%s\t%.3f\n", $1, $2 * used / n / 1000}' "$work/shares.tsv" >"$work/cpu.tsv"

# --- The picture -------------------------------------------------------------------------------------------------

# bars TITLE FILE: a row of blocks to scale, and below it a line for each with its microseconds.
picture() {
    awk -F'\t' -v width=900 -v tps="$tps_alone" -v clients="$clients" '
        function colour(i) { return substr("4e79a7f28e2b76b7b2e1575959a14fedc948b07aa19c755fff9da7bab0ac", (i - 1) % 10 * 6 + 1, 6) }
        function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }
        function row(title, first, last,    i, x, w, sum) {
            for (i = first; i <= last; i++) sum += value[i]
            printf "<text x=\"20\" y=\"%d\" font-weight=\"bold\">%s: %.1f µs</text>\n", y, escaped(title), sum
            y += 14; x = 20
            for (i = first; i <= last; i++) {
                w = value[i] / sum * width
                printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"34\" fill=\"#%s\"/>\n", x, y, w, colour(i - first + 1)
                x += w
            }
            y += 54
            for (i = first; i <= last; i++) {
                printf "<rect x=\"20\" y=\"%d\" width=\"12\" height=\"12\" fill=\"#%s\"/><text x=\"40\" y=\"%d\">%s</text><text x=\"420\" y=\"%d\" text-anchor=\"end\">%.1f µs</text><text x=\"490\" y=\"%d\" text-anchor=\"end\">%.0f %%</text>\n", \
                    y, colour(i - first + 1), y + 11, escaped(name[i]), y + 11, value[i], y + 11, value[i] / sum * 100
                y += 20
            }
            y += 30
        }
        FNR == 1 { file++ }
        file == 1 && $1 == "whole" { next }
        { name[++n] = $1; value[n] = $2; if (file == 1) { sub(/^[0-9]+ /, "", name[n]); way = n } }
        END {
            printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">\n", width + 40, 200 + n * 20
            printf "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
            y = 30
            row("One client: the way of one query, from its bytes to the answer sent", 1, way)
            row(clients " clients: the CPU time of a transaction", way + 1, n)
            print "</svg>"
        }' "$work/way.tsv" "$work/cpu.tsv"
}

table() {
    echo '| one client, the way of one query | µs |'
    echo '|---|---:|'
    awk -F'\t' '$1 != "whole" {name = $1; sub(/^[0-9]+ /, "", name); printf "| %s | %.1f |\n", name, $2} $1 == "whole" {printf "| **whole** (median of %d) | %.1f |\n", $3, $2}' "$work/way.tsv"
    echo
    echo "| $clients clients, CPU time of a transaction | µs |"
    echo '|---|---:|'
    awk -F'\t' '{printf "| %s | %.2f |\n", $1, $2; all += $2} END {printf "| **whole** | %.2f |\n", all}' "$work/cpu.tsv"
}

step "One client: $tps_alone transactions/s while traced; $clients clients: $tps while sampled"
table
if [ -n "$output" ]; then
    mkdir -p "$output"
    picture >"$output/latency.svg"
    table >"$output/latency.md"
    step "Written: $output/latency.svg, $output/latency.md"
fi
