#!/usr/bin/env bash
# STMBench7 for a long time, with an upgrade every few seconds, every third of which is rolled back:
# memory stays flat, all invariants hold after each upgrade, and in the end everything is replayed in
# commit order, without upgrades, on plain memory. Once on a structure that keeps its size, once on
# one that objects come and go in.
# Argument: seconds of each of the two (default 10, with the replays well under a minute).
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-10}
every=$((seconds >= 60 ? 5 : 1))

soak() {
    cargo run --release -p stmbench7 -- soak --mix rw --seconds "$seconds" --every "$every" "$@"
}

soak --structure off
soak --structure on
