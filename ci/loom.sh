#!/usr/bin/env bash
# The models of the transactional core, under every interleaving with two preemptions (or as the
# model itself says). With a stand-in for the collector; see stm/src/reclaim/collector.rs.
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
export RUSTFLAGS="--cfg loom"
export LOOM_MAX_PREEMPTIONS="${LOOM_MAX_PREEMPTIONS:-2}"
# The model of three threads takes many minutes: a long run, by its name.
cargo test --release -p upgradable-stm --lib models -- --skip reader_against_two_committers "$@"
