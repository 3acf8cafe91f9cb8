#!/usr/bin/env bash
# STMBench7 for a long time, with an upgrade every few seconds, every third of which is rolled back:
# memory stays flat, all invariants hold after each upgrade, and in the end everything is replayed in
# commit order, without upgrades, on plain memory. Once on a structure that keeps its size, once on
# one that objects come and go in.
#
#   bash ci/soak.sh           a short form: 12 seconds each on a tiny structure, not optimised, with
#                             the program that the tests have built
#   bash ci/soak.sh SECONDS   so many seconds each on a small structure, optimised
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
if [ $# -gt 0 ]; then
    seconds=$1 size=small
    cargo build --release -p stmbench7
    program=$target/release/stmbench7
else
    seconds=12 size=tiny
    # With the features that the tests have built it with: it comes with those that run it.
    cargo test --workspace --no-run --test runs
    program=$target/debug/stmbench7
fi
every=$((seconds >= 60 ? 5 : 1))

soak() {
    "$program" soak --mix rw --size "$size" --seconds "$seconds" --every "$every" "$@"
}

soak --structure off
soak --structure on
