#!/bin/sh
# Makes libraries for the linker alone: libc, libm, libpthread, libdl and librt as they were in an older version, without any code. What they
# export is read from the libraries at hand, which still have all their old versions.
#
#   old-libc.sh VERSION FOLDER COMPILER [TARGET]
set -eu

version=$1 folder=$2 compiler=$3 target=${4:+--target=$4}
mkdir -p "$folder"
rm -f "$folder"/*

# Where the compiler finds a library; nothing when it has none (it says the bare name then).
place_of() { "$compiler" $target -print-file-name="$1" | grep / || true; }
libc=$(place_of libc.so.6)
libm=$(place_of libm.so.6)
loader=$(for name in ld-linux-x86-64.so.2 ld-linux-aarch64.so.1; do place_of $name; done | head -n 1)
[ -n "$libc" ] && [ -n "$libm" ] && [ -n "$loader" ] || { echo "error: $compiler finds no C library (libc6-dev)" >&2; exit 1; }

# Lines "library version name type size address" for all of a library's symbols, each with the newest version that is not newer than wanted.
# A name that got another version since by moving into libc is in its library of old again: glibc 2.32 to 2.34 took them in.
symbols_of() {
    LC_ALL=C readelf -W --dyn-syms "$1" | awk -v wanted="$version" -v home="$2" '
        function rank(text, part) { split(text, part, "."); return part[1] * 1000000 + part[2] * 1000 + part[3] }
        $7 != "UND" && $8 ~ /@+GLIBC_[0-9]/ && $4 != "TLS" {
            name = $8; sub(/@.*/, "", name)
            own = $8; sub(/.*@GLIBC_/, "", own)
            if (rank(own) > rank(wanted)) { is_newer[name] = 1; next }
            if (name in best && rank(best[name]) >= rank(own)) next
            best[name] = own
            of[name] = ($4 == "OBJECT" ? "object" : "function") " " $3 " " $2
        }
        END {
            for (name in best) {
                library = home
                if (home == "c" && name in is_newer) {
                    if (name ~ /^(pthread_|__pthread_|sem_)/) library = "pthread"
                    else if (name ~ /^dl/) library = "dl"
                    else if (name ~ /^(aio_|lio_|mq_|shm_|timer_)/) library = "rt"
                }
                print library, best[name], name, of[name]
            }
        }'
}

# make_library NAME SONAME: of the lines in "all". Names of data at one address stay at one: the linker copies them together.
make_library() {
    awk -v library="$1" '$1 == library' "$folder/all" | sort -k6,6 -k3,3 >"$folder/$1.symbols"
    awk '
        $4 == "object" {
            if ($6 != address) { if (size) print ".skip " size; print ".balign 32"; size = 0; address = $6 }
            print ".globl " $3 "\n.type " $3 ",%object\n.size " $3 "," $5 "\n" $3 ":"
            if ($5 > size) size = $5
        }
        END { if (size) print ".skip " size }' "$folder/$1.symbols" >"$folder/$1.data"
    {
        echo '.section .note.GNU-stack,"",%progbits'
        echo .bss
        cat "$folder/$1.data"
        echo .text
        awk '$4 == "function" { print ".globl " $3 "\n.type " $3 ",%function\n" $3 ": .byte 0" }' "$folder/$1.symbols"
    } >"$folder/$1.s"
    sort -k2,2V -k3,3 "$folder/$1.symbols" | awk '
        $2 != version { if (version) print "};"; version = $2; print "GLIBC_" version " {\nglobal:" }
        { print $3 ";" }
        END { print "local: *;\n};" }' >"$folder/$1.map"
    "$compiler" $target -shared -nostdlib -o "$folder/$2" -Wl,-soname,"$2" -Wl,--version-script="$folder/$1.map" "$folder/$1.s"
    ln -sf "$2" "$folder/lib$1.so"
}

{ symbols_of "$libc" c; symbols_of "$libm" m; } >"$folder/all"
make_library c libc.so.6
make_library m libm.so.6
make_library pthread libpthread.so.0
make_library dl libdl.so.2
make_library rt librt.so.1
rm "$folder/libc.so"
echo "GROUP ( \"$folder/libc.so.6\" \"$(place_of libc_nonshared.a)\" AS_NEEDED ( \"$loader\" ) )" >"$folder/libc.so"
"$compiler" $target -c -O2 -fPIC -fno-stack-protector -o "$folder/start.o" "$(dirname "$0")/start.c"
