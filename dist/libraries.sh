#!/usr/bin/env bash
# Unpacks Debian packages into a folder, for trying a binary with the libraries of another machine or of an older release. Nothing is
# installed; the packages come from the mirror that apt-get uses here.
#
#   ./dist/libraries.sh ARCHITECTURE SUITE FOLDER PACKAGE...      for example: arm64 bookworm libraries libc6 libssl3
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/build.sh"
[ $# -ge 4 ] || { echo "usage: $0 ARCHITECTURE SUITE FOLDER PACKAGE..." >&2; exit 2; }
command -v apt-get >/dev/null || fail "apt-get is missing: unpack the libraries yourself, and name the folder with -l"
architecture=$1 suite=$2 folder=$3
shift 3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/packages" "$folder"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' | grep -v security | head -n 1)
[ -n "$mirror" ] || fail "apt-get has no mirror of Debian here (apt-get update)"
: >"$work/status"
echo "deb [arch=$architecture signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
apt=(apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=-
    -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work"
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Sandbox::User=root -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
{ "${apt[@]}" update && cd "$work/packages" && "${apt[@]}" download "$@"; } </dev/null >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "apt-get failed"; }
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$folder"; done
