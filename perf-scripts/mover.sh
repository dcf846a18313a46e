#!/usr/bin/env bash
# One pool on 1 to 64 loops: the rate at which the pool's turn is full, and the waits behind it. Prices of operations, letters, moves
# and cache misses are measured on this machine, on two cores that should do nothing else; a model with the pool's own mover goes on
# from there to 64 cores.
#
#   ./perf-scripts/mover.sh [-o FOLDER]        about two minutes
#
# -o FOLDER   writes mover.svg and mover.md there as well
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/set-up.sh"

take_options "$@"
set_up dotnet
step "Building the benchmarks"
(cd "$root" && dotnet build bench/FastPool.Bench -c Release --nologo -v q >&2)
step "Measuring, and running the model"
dotnet run --project "$root/bench/FastPool.Bench" -c Release --no-build -- --mover ${output:+"$output"}
