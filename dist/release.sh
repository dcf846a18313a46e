#!/usr/bin/env bash
# Everything of a release in one folder: the Debian package, the binary alone, the list of its parts (CycloneDX) and checksums.
#
#   ./dist/release.sh [-b BINARY] -o FOLDER
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=
target=
while getopts b:o: option; do
    case $option in
        b) binary=$OPTARG ;;
        o) target=$OPTARG ;;
        *) exit 2 ;;
    esac
done
[ -n "$target" ] || { echo "usage: $0 [-b BINARY] -o FOLDER" >&2; exit 2; }
mkdir -p "$target"

package=$("$root/dist/debian/build.sh" ${binary:+-b "$binary"} -o "$target")
name=$(basename "$package" .deb)
version=${name#fastpool_}
version=${version%_*}
arch=${name##*_}
install -m 755 "${binary:-$root/out/fastpool}" "$target/fastpool-$version-linux-$arch"
python3 "$root/tools/sbom.py" "$version" >"$target/fastpool-$version.cdx.json"
cd "$target"
sha256sum "$name.deb" "fastpool-$version-linux-$arch" "fastpool-$version.cdx.json" >SHA256SUMS
