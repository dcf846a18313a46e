#!/usr/bin/env bash
# Publishes the binary so that it is the same, byte for byte, wherever the sources lie: from a copy of the last commit, with the copy's
# path left out. For this machine, or cross-built for another one.
#
#   ./dist/publish.sh [-r linux-x64|linux-arm64] [-t] -o FOLDER     -t: and has it serve a query
#   ./dist/publish.sh [-r ...] -c                                  twice, in two folders: says whether both are the same
#
# linux-arm64 needs a compiler and its C library (on Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross), for -t qemu-user, and the SDK fetches its runtime. A
# binary asks for a C library as new as the one it is linked with: link where the oldest machine is that it is to run on.
. "$(dirname "${BASH_SOURCE[0]}")/../perf-scripts/lib.sh"
set -euo pipefail

runtime=linux-$(uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/')
target= is_check= is_tried=
while getopts cr:to: option; do
    case $option in
        c) is_check=1 ;;
        r) runtime=$OPTARG ;;
        t) is_tried=1 ;;
        o) target=$OPTARG ;;
        *) exit 2 ;;
    esac
done
[ -n "$target$is_check" ] || { echo "usage: $0 [-r RUNTIME] [-t] -o FOLDER | [-r RUNTIME] -c" >&2; exit 2; }

run=()
arguments=(-c Release -r "$runtime" --nologo -p:ContinuousIntegrationBuild=true)
case $runtime-$(uname -m) in
    linux-x64-x86_64 | linux-arm64-aarch64) ;;
    linux-arm64-x86_64)
        have aarch64-linux-gnu-gcc && [ -e /usr/aarch64-linux-gnu/lib/Scrt1.o ] ||
            fail "a compiler is missing: install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
        run=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
        ;;
    *) fail "$runtime is not made on this machine" ;;
esac
# The lock files know one runtime alone; the versions are those of Directory.Packages.props all the same.
[ "$runtime" = linux-x64 ] || arguments+=(-p:RestoreForceEvaluate=true -p:RestoreLockedMode=false)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false

# publish FOLDER: sets $binary.
publish() {
    local copy=$work/$1
    step "Publishing for $runtime in $copy"
    mkdir -p "$copy"
    git -C "$root" archive HEAD .editorconfig src generators Directory.Build.props Directory.Packages.props NativeAot.props global.json LICENSE |
        tar -x -C "$copy"
    (cd "$copy" && dotnet publish src/FastPool "${arguments[@]}" -p:PathMap="$copy=/source" -o "$copy/out" </dev/null >"$work/log" 2>&1) ||
        { tail -n 20 "$work/log" >&2; fail "the build failed"; }
    binary=$copy/out/fastpool
}

# A query by psql through it, before a throwaway PostgreSQL: on this machine, or as another one that qemu-user plays. No login is asked for
# a password, since there is no OpenSSL for the other machine.
try_it() {
    local wrapper=$work/fastpool-$runtime
    printf '#!/bin/sh\nexec %s %q "$@"\n' "${run[*]}" "$binary" >"$wrapper"
    chmod 755 "$wrapper"
    "$wrapper" --version </dev/null
    start_postgres trust
    auth_type=trust loops=1
    start_pooler pooler "$wrapper"
    "$pg_bin/psql" -X -At -h 127.0.0.1 -p "$pooler_port" -U bench -d bench -c "select 'a query through $runtime'"
}

begin_work
if [ ${#run[@]} -gt 0 ]; then
    # The SDK tells the compiler its target, which gcc knows by itself and does not take.
    printf '%s\n' '#!/bin/bash' 'arguments=()' 'for argument; do [[ $argument = --target=* ]] || arguments+=("$argument"); done' \
        'exec aarch64-linux-gnu-gcc "${arguments[@]}"' >"$work/gcc"
    chmod 755 "$work/gcc"
    arguments+=(-p:CppCompilerAndLinker="$work/gcc" -p:ObjCopyName=aarch64-linux-gnu-objcopy)
fi
if [ -n "$is_check" ]; then
    publish one
    one=$binary
    publish elsewhere/two
    sha256sum "$one" "$binary"
    cmp "$one" "$binary"
    echo "both are the same"
else
    publish here
    [ -z "$is_tried" ] || try_it
    install -D -m 755 "$binary" "$target/fastpool"
    echo "$target/fastpool"
fi
