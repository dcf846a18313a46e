#!/usr/bin/env bash
# Runs the drivers of all languages against the published binary and PostgreSQL, and prints a table of the checks that passed.
# Installs what is missing; builds the binary if it is not there. The exit code is 0 only when everything passed.
#
#   ./tests/drivers/run.sh [driver...]     psycopg psycopg2 asyncpg node-postgres postgres.js pgjdbc npgsql libpq; without names: all
#
# FASTPOOL_BINARY=/path/to/pgbouncer       runs them on that binary instead of out/fastpool.
. "$(dirname "${BASH_SOURCE[0]}")/../../perf-scripts/set-up.sh"

# The tests of a driver, as a filter.
tests_of() {
    case $1 in
        psycopg) echo 'FullyQualifiedName~Drivers.DriverTests.Psycopg_' ;;
        psycopg2) echo 'FullyQualifiedName~Drivers.DriverTests.Psycopg2_' ;;
        asyncpg) echo 'FullyQualifiedName~Drivers.DriverTests.Asyncpg_' ;;
        node-postgres) echo 'FullyQualifiedName~Drivers.DriverTests.Node_postgres_' ;;
        postgres.js) echo 'FullyQualifiedName~Drivers.DriverTests.Postgres_js_' ;;
        pgjdbc) echo 'FullyQualifiedName~Drivers.DriverTests.Pgjdbc_' ;;
        npgsql) echo 'FullyQualifiedName~Drivers.NpgsqlTests' ;;
        libpq) echo 'FullyQualifiedName~Drivers.LibpqTests' ;;
        *) fail "no driver '$1'; there are: psycopg psycopg2 asyncpg node-postgres postgres.js pgjdbc npgsql libpq" ;;
    esac
}

filter=
for driver in "$@"; do filter+=${filter:+|}$(tests_of "$driver"); done
filter=${filter:-FullyQualifiedName~FastPool.Compat.Drivers}

set_up dotnet aot postgresql drivers
begin_work
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
if [ -z "${FASTPOOL_BINARY:-}" ] && [ ! -x "$root/out/fastpool" ]; then
    step "Publishing the binary (Native AOT) to out/"
    (cd "$root" && run_quietly dotnet publish src/FastPool -c Release -o out --nologo)
fi

table=$work/table
: >"$table"
step "Running the drivers"
status=0
(cd "$root" && FASTPOOL_DRIVER_TABLE=$table dotnet test tests/FastPool.Compat -c Release --nologo --filter "$filter" </dev/null) >"$work/test.log" 2>&1 || status=$?
sort -u "$table" | awk -F'\t' '{ printf "%-22s %s\n", $1, $2 }'
[ "$status" -eq 0 ] || grep -E '^\s*Failed |FAILED|^\s*Error Message|error [A-Z]+[0-9]+' -A3 "$work/test.log" | head -n 60 >&2
tail -n 1 "$work/test.log"
exit "$status"
