# Shared by the scripts that make packages and releases: source it. It reads their options, [-b BINARY] [-o FOLDER], and sets
#
#   root dist              the folders of the sources and of this file
#   binary target          what to pack, and where to put it; $target is empty when -o is not given
#   version machine        of the sources; of the binary, as uname -m calls it
#   SOURCE_DATE_EPOCH      the time of the last commit, unless it is given: two builds are equal
#
# Without -b the sources are built: what is packed is what has just been built, never what happens to lie there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dist=$root/dist

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# The machine a binary is for: bytes 18 and 19 of the ELF header.
machine_of() {
    case $(od -An -tu2 -j18 -N2 "$1" | tr -d ' ') in
        62) echo x86_64 ;;
        183) echo aarch64 ;;
        *) fail "$1 is for a machine that has no name here" ;;
    esac
}

# The binary says itself of which version it is, where this machine can run it.
check_version() {
    [ "$machine" = "$(uname -m)" ] || return 0
    local told
    told=$("$binary" -V | sed -n 's/^FastPool //p')
    [ "$told" = "$version" ] || fail "$binary is version ${told:-unknown}, the sources are $version"
}

# The oldest C library that a binary is to run with, and whether this one does; then the version that it asks for.
check_libc() {
    local oldest
    oldest=$(sed -n 's:.*<OldestLibc>\(.*\)</OldestLibc>.*:\1:p' "$root/src/FastPool/Link/OldLibc.targets")
    [ -n "$oldest" ] || fail "no OldestLibc in OldLibc.targets"
    sh "$root/src/FastPool/Link/check-libc.sh" "$binary" "$oldest" || exit 1
    libc=$(sh "$root/src/FastPool/Link/check-libc.sh" "$binary")
}

read_options() {
    local option
    binary= target=
    while getopts b:o: option; do
        case $option in
            b) binary=$OPTARG ;;
            o) target=$OPTARG ;;
            *) exit 2 ;;
        esac
    done
}

prepare_binary() {
    if [ -z "$binary" ]; then
        (cd "$root" && dotnet publish src/FastPool -c Release -o out --nologo -v quiet </dev/null >&2)
        binary=$root/out/fastpool
    fi
    [ -x "$binary" ] || fail "no binary at $binary"
    binary=$(realpath "$binary")
    version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$root/Directory.Build.props")
    [ -n "$version" ] || fail "no version in Directory.Build.props"
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}
    export SOURCE_DATE_EPOCH
    machine=$(machine_of "$binary")
    check_version
    check_libc
}
