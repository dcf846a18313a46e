#!/usr/bin/env bash
# Builds the Debian package fastpool_<version>_<arch>.deb: of the sources as they are, or of a binary that is given.
#
#   ./dist/debian/build.sh [-b BINARY] [-o FOLDER]
#
# The package takes the place of Debian's pgbouncer: same program, unit and user, and /etc/pgbouncer as it is found.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../build.sh"
read_options "$@"
command -v dpkg-deb >/dev/null || fail "dpkg-deb is missing: install dpkg"
prepare_binary
target=${target:-.}
# Distributors put their own name here, as for every package of theirs.
maintainer="${DEBFULLNAME:-FastPool contributors} <${DEBEMAIL:-fastpool@fastpool.invalid}>"
case $machine in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
tree=$work/tree

put() { install -D -m "$1" "$2" "$tree/$3"; }
put_compressed() { mkdir -p "$(dirname "$tree/$2")" && gzip -9n <"$1" >"$tree/$2" && chmod 644 "$tree/$2"; }

# The file itself has the drop-in name, since start-stop-daemon and /proc/PID/exe show that one.
put 755 "$binary" usr/sbin/pgbouncer
ln -s pgbouncer "$tree/usr/sbin/fastpool"
put 644 "$dist/pgbouncer.service" usr/lib/systemd/system/pgbouncer.service
put 644 "$dist/pgbouncer.socket" usr/lib/systemd/system/pgbouncer.socket
put 644 "$dist/pgbouncer.tmpfiles" usr/lib/tmpfiles.d/fastpool.conf
put 644 "$dist/pgbouncer.logrotate" usr/share/fastpool/fastpool.logrotate
put 644 "$dist/debian/dpkg.cfg" etc/dpkg/dpkg.cfg.d/fastpool
put 755 "$dist/debian/keep-configuration" usr/share/fastpool/keep-configuration
put 644 "$dist/debian/unit-drop-in.conf" usr/lib/systemd/system/pgbouncer.service.d/fastpool.conf
put 644 "$dist/completions/pgbouncer.bash" usr/share/bash-completion/completions/pgbouncer
ln -s pgbouncer "$tree/usr/share/bash-completion/completions/fastpool"
put 644 "$dist/completions/_pgbouncer" usr/share/zsh/vendor-completions/_pgbouncer
put 644 "$dist/completions/pgbouncer.fish" usr/share/fish/vendor_completions.d/pgbouncer.fish
ln -s pgbouncer.fish "$tree/usr/share/fish/vendor_completions.d/fastpool.fish"
put_compressed "$dist/man/pgbouncer.1" usr/share/man/man1/pgbouncer.1.gz
put_compressed "$dist/man/fastpool-mkauth.1" usr/share/man/man1/fastpool-mkauth.1.gz
put 755 "$dist/debian/mkauth.py" usr/share/pgbouncer/mkauth.py
put_compressed "$dist/man/pgbouncer.5" usr/share/man/man5/pgbouncer.5.gz
ln -s pgbouncer.1.gz "$tree/usr/share/man/man1/fastpool.1.gz"
put 644 "$root/LICENSE" usr/share/doc/fastpool/copyright
put 644 "$dist/debian/lintian-overrides" usr/share/lintian/overrides/fastpool
put 644 "$dist/debian/README.Debian" usr/share/doc/fastpool/README.Debian
put 644 "$dist/pgbouncer-minimal.ini" usr/share/doc/fastpool/examples/pgbouncer-minimal.ini
for recipe in "$dist"/recipes/*; do put 644 "$recipe" "usr/share/doc/fastpool/examples/recipes/${recipe##*/}"; done
put 644 "$dist/monitoring/fastpool.rules.yml" usr/share/doc/fastpool/examples/fastpool.rules.yml
put 644 "$dist/monitoring/fastpool-dashboard.json" usr/share/doc/fastpool/examples/fastpool-dashboard.json
# Copied to /etc/pgbouncer by postinst where nothing is. No conffiles: dpkg would ask about the ones that Debian's package left.
put 644 "$dist/pgbouncer.ini" usr/share/fastpool/pgbouncer.ini
put 644 "$dist/userlist.txt" usr/share/fastpool/userlist.txt
# See postinst: where /lib is a link, removing Debian's package can take these two with it.
put 644 "$dist/pgbouncer.service" usr/share/fastpool/pgbouncer.service
put 644 "$dist/pgbouncer.socket" usr/share/fastpool/pgbouncer.socket
{
    printf 'fastpool (%s) unstable; urgency=medium\n\n' "$version"
    # The part of this version; an item begins with an asterisk in Debian's form.
    sed -n "/^## $version\$/,/^## /{s/^- /  * /p;s/^  \([^*]\)/    \1/p}" "$root/CHANGELOG.md" | fold -s -w 74 | sed 's/^\([^ ]\)/    \1/;s/ *$//'
    printf '\n -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -uRd "@$SOURCE_DATE_EPOCH")"
} >"$work/changelog"
grep -q '^  \* ' "$work/changelog" || fail "CHANGELOG.md has no part for $version"
put_compressed "$work/changelog" usr/share/doc/fastpool/changelog.gz

mkdir -p "$tree/DEBIAN"
install -m 755 "$dist/debian/postinst" "$dist/debian/prerm" "$dist/debian/postrm" "$tree/DEBIAN/"
echo /etc/dpkg/dpkg.cfg.d/fastpool >"$tree/DEBIAN/conffiles"
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: fastpool
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size "$tree" | cut -f1)
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: adduser, libc6 (>= $libc), libssl3 | libssl3t64 | libssl1.1
Recommends: ca-certificates, logrotate
Suggests: python3, libldap-2.5-0 | libldap2, libpam0g, postgresql-client
Provides: pgbouncer (= 1.26.1)
Conflicts: pgbouncer
Replaces: pgbouncer
Section: database
Priority: optional
Description: connection pooler for PostgreSQL in the place of PgBouncer
 FastPool lets many clients share few connections to PostgreSQL. It reads
 PgBouncer's files, takes its options, signals and console commands, writes its
 log lines, and uses all cores of the machine.
 .
 This package replaces the package pgbouncer and keeps its configuration.
CONTROL

find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0r touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
mkdir -p "$target"
package=$target/fastpool_${version}_${arch}.deb
dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" >&2
echo "$package"
