#!/usr/bin/env bash
# STMBench7 with an upgrade in the middle of each run: every way to upgrade, every mix, two threads,
# with types that change and types that don't. After each run all invariants are checked, and
# everything is replayed in commit order, without upgrade, on plain memory.
# Argument: how often each combination has its turn (1: 36 runs, some minutes).
set -euo pipefail
cd "$(dirname "$0")/.."

upgrade() {
    cargo run --release -p stmbench7 -- upgrade --mix r,rw,w --structure on --threads 2 --seconds 1 \
        --strategies lazy,background,eager,parallel-eager --check --replay "$@"
}

rounds=${1:-1}
out=target/stmbench7-upgrades
# Long traversals are for a structure in which many of them end within a run.
upgrade --size tiny --long-traversals on --rounds "$rounds" --out "$out/all-operations"
upgrade --size small --long-traversals off --rounds "$rounds" --out "$out/small"
upgrade --size small --long-traversals off --change null --rounds "$rounds" --out "$out/null"
