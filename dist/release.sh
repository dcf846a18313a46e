#!/usr/bin/env bash
# Everything of a release in one folder: the packages for Debian and for RHEL, the image, the binary alone, the list of its parts (CycloneDX)
# and checksums. The same binary gives the same files.
#
#   ./dist/release.sh [-b BINARY] -o FOLDER
#
# publish.sh makes binaries that are the same wherever they are made, for other machines too. An image is made for this machine alone.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/build.sh"
read_options "$@"
[ -n "$target" ] || { echo "usage: $0 [-b BINARY] -o FOLDER" >&2; exit 2; }
prepare_binary
mkdir -p "$target"

package=$("$dist/debian/build.sh" -b "$binary" -o "$target")
name=$(basename "$package" .deb)
arch=${name##*_}
install -m 755 "$binary" "$target/fastpool-$version-linux-$arch"
rpm=$("$dist/rpm/build.sh" -b "$binary" -o "$target")
files=("$name.deb" "$(basename "$rpm")" "fastpool-$version-linux-$arch" "fastpool-$version.cdx.json")
if [ "$arch" = "$(dpkg --print-architecture)" ]; then
    files+=("$(basename "$("$dist/image.py" -b "$target/fastpool-$version-linux-$arch" -o "$target")")")
fi
python3 "$root/tools/sbom.py" "$version" >"$target/fastpool-$version.cdx.json"
cd "$target"
sha256sum "${files[@]}" >SHA256SUMS
