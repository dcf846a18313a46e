#!/usr/bin/env bash
# Builds the RPM package fastpool-<version>-1.<arch>.rpm, for RHEL and its kin, of a binary that is given or of the sources as they are.
#
#   ./dist/rpm/build.sh [-b BINARY] [-o FOLDER]
#
# The package takes the place of PGDG's pgbouncer: same program, unit and user, and /etc/pgbouncer as it is found.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../build.sh"
read_options "$@"
command -v rpmbuild >/dev/null || fail "rpmbuild is missing: install rpm-build (on Debian: rpm)"
prepare_binary
target=${target:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The file's own time, not the moment of its installation, so that two builds are equal.
rpmbuild -bb --quiet --target "$machine-linux" --define "_topdir $work" --define "version $version" --define "root $root" \
    --define "binary $binary" "$root/dist/rpm/fastpool.spec" >&2
mkdir -p "$target"
package=$target/fastpool-$version-1.$machine.rpm
mv "$work"/RPMS/*/*.rpm "$package"
echo "$package"
