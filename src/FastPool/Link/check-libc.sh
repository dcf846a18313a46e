#!/bin/sh
# Does a binary ask for a newer C library than it may?
#
#   check-libc.sh BINARY VERSION     names what is too new, and fails
#   check-libc.sh BINARY             prints the version it asks for
set -eu

# Versions that are needed; those that a binary defines itself are in another section. GLIBC_ABI_… is asked for by what new linkers do.
needed() { LC_ALL=C readelf -W -V "$1" | awk '/^Version needs section/ { is_on = 1 } /^Version (symbols|definition)/ { is_on = 0 } is_on' | grep -oE 'GLIBC_[A-Z0-9._]+' | sort -uV; }

versions=$(needed "$1")
[ -n "$versions" ] || { echo "error: $1 asks for no C library" >&2; exit 1; }
newest=$(printf '%s\n' "$versions" | sed -n 's/^GLIBC_\([0-9]\)/\1/p' | tail -n 1)
[ $# -gt 1 ] || { echo "$newest"; exit 0; }

odd=$(printf '%s\n' "$versions" | grep -v '^GLIBC_[0-9]' || true)
if [ -n "$odd" ] || [ "$(printf '%s\n%s\n' "$newest" "$2" | sort -V | tail -n 1)" != "$2" ]; then
    echo "error: $1 asks for ${odd:-glibc $newest}, and is to run with glibc $2:" >&2
    LC_ALL=C readelf -W --dyn-syms "$1" | awk -v want="@${odd:-GLIBC_$newest}" 'index($8, want) { print "  " $8 }' >&2
    exit 1
fi
