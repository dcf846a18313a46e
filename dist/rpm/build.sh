#!/usr/bin/env bash
# Builds the RPM package fastpool-<version>-1.<arch>.rpm, for RHEL and its kin, of a binary that is given or of the sources as they are.
#
#   ./dist/rpm/build.sh [-b BINARY] [-o FOLDER]
#
# The package takes the place of PGDG's pgbouncer: same program, unit and user, and /etc/pgbouncer as it is found.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=
target=.
while getopts b:o: option; do
    case $option in
        b) binary=$OPTARG ;;
        o) target=$OPTARG ;;
        *) exit 2 ;;
    esac
done

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
command -v rpmbuild >/dev/null || fail "rpmbuild is missing: install rpm-build (on Debian: rpm)"

if [ -z "$binary" ]; then
    (cd "$root" && dotnet publish src/FastPool -c Release -o out --nologo -v quiet </dev/null >&2)
    binary=$root/out/fastpool
fi
[ -x "$binary" ] || fail "no binary at $binary"
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$root/Directory.Build.props")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# The machine the binary is for: byte 18 of the ELF header.
case $(od -An -tu2 -j18 -N2 "$binary" | tr -d ' ') in
    62) arch=x86_64 ;;
    183) arch=aarch64 ;;
    *) fail "$binary is for a machine that has no name here" ;;
esac

# The binary says itself of which version it is, where this machine can run it.
if [ "$arch" = "$(uname -m)" ]; then
    told=$("$binary" -V | sed -n 's/^FastPool //p')
    [ "$told" = "$version" ] || fail "$binary is version ${told:-unknown}, the sources are $version"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The file's own time, not the moment of its installation, so that two builds are equal.
rpmbuild -bb --quiet --target "$arch-linux" --define "_topdir $work" --define "version $version" --define "root $root" \
    --define "binary $(realpath "$binary")" "$root/dist/rpm/fastpool.spec" >&2
mkdir -p "$target"
package=$target/fastpool-$version-1.$arch.rpm
mv "$work"/RPMS/*/*.rpm "$package"
echo "$package"
