#!/usr/bin/env bash
# Builds FastPool and runs every test of this repository, the compatibility tests on the published binary included.
# Installs what is missing. The last line is "N passed, N failed"; the exit code is 0 only when all passed and some ran.
#
#   ./tests/run.sh [filter]       filter: as for dotnet test, for example FullyQualifiedName~LoginTests
#
# FASTPOOL_BINARY=/path/to/pgbouncer   runs the compatibility tests on that binary instead of out/fastpool.
. "$(dirname "${BASH_SOURCE[0]}")/../perf-scripts/set-up.sh"
set +e # A failure is counted, and the rest runs all the same.

filter=${1:-}
data_plane='(FullyQualifiedName~.Streams.|FullyQualifiedName~.Faults.Client|FullyQualifiedName~.Faults.Server|FullyQualifiedName~.Drivers.|FullyQualifiedName~DataTests|FullyQualifiedName~PoolModeTests|FullyQualifiedName~SessionTests|FullyQualifiedName~SharingTests|FullyQualifiedName~CancelTests|FullyQualifiedName~FailureTests)'
passed=0 failed=0

# dotnet keeps its own files at home; a machine without one gets a temporary home.
prepare_dotnet() {
    [ -n "${HOME:-}" ] && [ -d "$HOME" ] && [ -w "$HOME" ] || export HOME=$work
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
    # No compiler or build server stays behind when this script has ended.
    export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
}

# Restores with the lock files as they are. They pin packages; the few that belong to the SDK itself change with its
# version, and then (only then) a restore that may write them follows.
restore() {
    step "Restoring packages (locked mode: ${CI:-false})"
    run_logged dotnet restore FastPool.sln --disable-parallel && return 0
    grep -q NU1004 "$work/step.log" || { tail -n 30 "$work/step.log" >&2; return 1; }
    note "SDK $(dotnet --version) brings packages of its own that differ from the lock files: restoring without locked mode"
    unlocked=(-p:RestoreLockedMode=false)
    run_logged dotnet restore FastPool.sln "${unlocked[@]}" || { tail -n 30 "$work/step.log" >&2; return 1; }
}

run_logged() { (cd "$root" && "$@") >"$work/step.log" 2>&1 </dev/null; }

# Runs one project and adds its counts, read from the result file's <Counters passed="..." failed="...">.
# run_project PROJECT WHAT FILTER: only the tests of it that the filter lets through, which are called WHAT.
run_project() {
    local project=$1 name results status arguments=() tests=${3:-}
    name=$(basename "$project" .csproj)${2:+ $2}
    results=$work/results/$name
    step "Testing $name"
    [ -z "$tests" ] || arguments+=(--filter "$tests")
    (cd "$root" && dotnet test "$project" -c Release --no-build --nologo --logger "trx;LogFileName=$name.trx" --results-directory "$results" \
        --blame-hang --blame-hang-timeout 5m --blame-hang-dump-type none "${arguments[@]+"${arguments[@]}"}" </dev/null) >"$work/$name.log" 2>&1
    status=$?
    # Skipped tests and stack frames of the runner only hide what matters.
    grep -vE '^\s*$|\[SKIP\]|^\s+Skipped |^Test run for|^A total of|^Starting test|^Results File|VSTest version|^Attachments|^  /.*Sequence' "$work/$name.log" | sed 's/^/    /' >&2
    local counts p=0 f=0
    counts=$(find "$results" -name '*.trx' -exec cat {} + 2>/dev/null | awk '
        # One attribute of the element, as a number.
        function of(line, name) { return match(line, " " name "=\"[0-9]+\"") ? substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : 0 }
        /<Counters / {
            passed += of($0, "passed")
            failed += of($0, "failed") + of($0, "error") + of($0, "timeout") + of($0, "aborted")
        }
        END { print passed + 0, failed + 0 }')
    p=${counts% *} f=${counts#* }
    # A test process that broke off counts as a failure even when each result it wrote was good.
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; note "$name ended with status $status"; fi
    note "$name: $p passed, $f failed"
    passed=$((passed + p)) failed=$((failed + f))
}

# The source is as dotnet format leaves it: one check, counted like a test.
check_format() {
    step "Checking the format of the source"
    if run_logged dotnet format whitespace FastPool.sln --no-restore --verify-no-changes; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 20 "$work/step.log" >&2
        note "dotnet format whitespace FastPool.sln puts it right"
    fi
}

# Runs every benchmark a few times: each still runs and allocates nothing. Its last line is "N passed, N failed".
run_benchmarks() {
    local project=$root/bench/FastPool.Bench/FastPool.Bench.csproj counts p f status
    step "Running the benchmarks once"
    run_logged timeout 120 dotnet run --project "$project" -c Release --no-build -- --smoke
    status=$?
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/step.log" | tail -n 1)
    p=${counts%% *} f=${counts#*, } f=${f%% *}
    p=${p:-0} f=${f:-0}
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; note "the benchmarks ended with status $status"; fi
    [ "$f" -eq 0 ] || tail -n 40 "$work/step.log" >&2
    note "benchmarks: $p passed, $f failed"
    passed=$((passed + p)) failed=$((failed + f))
}

# The way of a transaction takes no more instructions than perf-scripts/instructions.tsv allows. Its last line is "N passed, N failed".
count_instructions() {
    local counts p f status
    step "Counting the instructions of a transaction"
    (POOLER=$root/out/fastpool "$root/perf-scripts/instructions.sh" --check </dev/null) >"$work/step.log" 2>&1
    status=$?
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/step.log" | tail -n 1)
    p=${counts%% *} f=${counts#*, } f=${f%% *}
    p=${p:-0} f=${f:-0}
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; note "the count ended with status $status"; fi
    [ "$f" -eq 0 ] || tail -n 20 "$work/step.log" >&2
    note "instructions: $p passed, $f failed"
    passed=$((passed + p)) failed=$((failed + f))
}

main() {
    local project unlocked=()
    (set_up dotnet aot postgresql) || { failed=1; return; }
    # The tests of dist/ say what they miss; all others run without it.
    (set_up dist) || note "some tests of dist/ are going to fail"
    (set_up tls) || note "the tests of TLS are going to fail"
    (set_up auth) || note "the tests of PAM, LDAP and SASLprep are going to fail"
    (set_up valgrind) || note "the count of instructions is going to fail"
    (set_up pgbouncer strace) || note "the tests that compare with PgBouncer, and some of -R, are going to fail"
    (set_up surroundings) || note "some tests of containers are going to fail"
    (set_up drivers) || note "the tests of other languages' drivers are going to fail"
    (set_up console) || note "some tests of the console are going to fail"
    begin_work
    prepare_dotnet
    restore || { failed=1; return; }
    step "Publishing the binary (Native AOT) to out/"
    run_logged dotnet publish src/FastPool -c Release -o out --nologo "${unlocked[@]+"${unlocked[@]}"}" ||
        { tail -n 40 "$work/step.log" >&2; failed=1; return; }
    note "out/fastpool: $(stat -c %s "$root/out/fastpool") bytes"
    step "Building everything else"
    run_logged dotnet build FastPool.sln -c Release --no-restore --nologo "${unlocked[@]+"${unlocked[@]}"}" ||
        { grep -E 'error|warning' "$work/step.log" | sort -u | head -n 40 >&2; failed=1; return; }
    [ -n "$filter" ] || { check_format; run_benchmarks; count_instructions; }
    for project in "$root"/tests/*/*.csproj; do run_project "$project" '' "${filter:-FullyQualifiedName!~.FuzzTests}"; done
    [ -z "$filter" ] || return 0
    # The data plane once more, on one loop, each send by itself, as in a container that gives nobody a ring.
    FASTPOOL_IO_URING=0 run_project "$root/tests/FastPool.Compat/FastPool.Compat.csproj" 'without io_uring' "$data_plane&DisplayName!~loops: 2"
    # Wrong messages, for a minute: at the binary, and beside it in memory, which takes one core.
    (
        passed=0 failed=0
        FASTPOOL_FUZZ_SECONDS=60 run_project "$root/tests/FastPool.Simulation/FastPool.Simulation.csproj" 'wrong messages' 'FullyQualifiedName~.FuzzTests'
        echo "$passed $failed" >"$work/in-memory"
    ) &
    FASTPOOL_FUZZ_SECONDS=15 run_project "$root/tests/FastPool.Compat/FastPool.Compat.csproj" 'wrong messages' 'FullyQualifiedName~.FuzzTests'
    wait
    local in_memory
    in_memory=$(cat "$work/in-memory" 2>/dev/null || echo '0 1')
    passed=$((passed + ${in_memory% *})) failed=$((failed + ${in_memory#* }))
}

main
step "Finished"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
