#!/usr/bin/env bash
# Everything of a release in one folder: the packages for Debian and for RHEL, the image, the binary alone, the list of its parts (CycloneDX)
# and checksums. The same binary gives the same files.
#
#   ./dist/release.sh [-b BINARY] -o FOLDER
#
# publish.sh makes binaries that are the same wherever they are made, for other machines too. An image is made for this machine alone.
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
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
rpm=$("$root/dist/rpm/build.sh" -b "$target/fastpool-$version-linux-$arch" -o "$target")
files=("$name.deb" "$(basename "$rpm")" "fastpool-$version-linux-$arch" "fastpool-$version.cdx.json")
if [ "$arch" = "$(dpkg --print-architecture)" ]; then
    files+=("$(basename "$("$root/dist/image.py" -b "$target/fastpool-$version-linux-$arch" -o "$target")")")
fi
python3 "$root/tools/sbom.py" "$version" >"$target/fastpool-$version.cdx.json"
cd "$target"
sha256sum "${files[@]}" >SHA256SUMS
