#!/usr/bin/env bash
# Real threads at full speed: the suites that race, optimised, over and over.
# STRESS_ROUNDS says how often (3).
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0

for round in $(seq "${STRESS_ROUNDS:-3}"); do
    echo "round $round"
    cargo test --release -q -p upgradable-stm --test isolation --test reclamation --test starvation \
        --test classics --test layer --test past
done
cargo test --release -q -p upgradable-tests --test opacity
