#!/usr/bin/env bash
# Publishes the binary so that it is the same, byte for byte, wherever the sources lie: from a copy of the last commit, with the copy's
# path left out. For this machine, or cross-built for another one.
#
#   ./dist/publish.sh [-r linux-x64|linux-arm64] [-t [-l FOLDER]] -o FOLDER     -t: and has it serve a query by TLS
#   ./dist/publish.sh [-r ...] -c                                              twice, in two folders: says whether both are the same
#
# -l: tried with the C library and the libssl that lie there, as libraries.sh unpacks them. For linux-arm64 they are fetched unless given.
# linux-arm64 needs a compiler and its C library (on Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross), for -t qemu-user, and the SDK
# fetches its runtime.
. "$(dirname "${BASH_SOURCE[0]}")/../perf-scripts/lib.sh"
set -euo pipefail

runtime=linux-$(uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/')
target= is_check= is_tried= libraries=
while getopts cr:tl:o: option; do
    case $option in
        c) is_check=1 ;;
        r) runtime=$OPTARG ;;
        t) is_tried=1 ;;
        l) libraries=$OPTARG ;;
        o) target=$OPTARG ;;
        *) exit 2 ;;
    esac
done
[ -n "$target$is_check" ] || { echo "usage: $0 [-r RUNTIME] [-t [-l FOLDER]] -o FOLDER | [-r RUNTIME] -c" >&2; exit 2; }

is_foreign=
arguments=(-c Release -r "$runtime" --nologo -p:ContinuousIntegrationBuild=true)
case $runtime-$(uname -m) in
    linux-x64-x86_64 | linux-arm64-aarch64) ;;
    linux-arm64-x86_64)
        have aarch64-linux-gnu-gcc && [ -e /usr/aarch64-linux-gnu/lib/Scrt1.o ] ||
            fail "a compiler is missing: install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
        [ -z "$is_tried" ] || have qemu-aarch64 || fail "qemu-aarch64 is missing: install qemu-user"
        is_foreign=1
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

# Prints the command that runs the binary: as it is; with other libraries, for which a copy names their loader as its own; or played by qemu.
command_of() {
    if [ -n "$is_foreign" ]; then
        [ -n "$libraries" ] || { libraries=$work/libraries; "$root/dist/libraries.sh" arm64 bookworm "$libraries" libc6 libssl3; }
        printf 'qemu-aarch64 -L %q %q' "$libraries" "$binary"
    elif [ -n "$libraries" ]; then
        local loader=/lib64/ld-linux-x86-64.so.2 other=$work/ld folder
        [ "$runtime" = linux-x64 ] && [ ${#other} -le ${#loader} ] || fail "other libraries: for linux-x64 alone, and TMPDIR is to be short"
        cp "$(find "$libraries" -name ld-linux-x86-64.so.2 -print -quit)" "$other"
        while [ ${#other} -lt ${#loader} ]; do other=/$other; done
        LC_ALL=C sed "s|$loader|$other|" "$binary" >"$work/fastpool-other"
        chmod 755 "$work/fastpool-other" "$work/ld"
        folder=$(realpath "$libraries")
        printf 'env LD_LIBRARY_PATH=%q %q' "$folder/lib/x86_64-linux-gnu:$folder/usr/lib/x86_64-linux-gnu" "$work/fastpool-other"
    else
        printf '%q' "$binary"
    fi
}

# A query by psql through it, which insists on TLS, before a throwaway PostgreSQL that asks for a password.
try_it() {
    local wrapper=$work/fastpool-$runtime command
    command=$(command_of)
    printf '#!/bin/sh\nexec %s "$@"\n' "$command" >"$wrapper"
    chmod 755 "$wrapper"
    "$wrapper" --version </dev/null
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
    [ ${#as_user[@]} -eq 0 ] || chown --reference="$work" "$work/key.pem"
    start_postgres scram-sha-256
    auth_type=scram-sha-256 loops=2
    extra="client_tls_sslmode = require
client_tls_key_file = $work/key.pem
client_tls_cert_file = $work/certificate.pem"
    start_pooler pooler "$wrapper"
    PGPASSWORD=bench "$pg_bin/psql" -X -At "host=127.0.0.1 port=$pooler_port user=bench dbname=bench sslmode=require" \
        -c "select 'a query through $runtime'" -c '\conninfo'
}

begin_work
if [ -n "$is_foreign" ]; then
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
