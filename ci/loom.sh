#!/usr/bin/env bash
# The models of the transactional core, under every interleaving with three preemptions (or as the
# model itself says), and those of lazy migration, with two. With a stand-in for the collector; see stm/src/reclaim/collector.rs.
#
#   bash ci/loom.sh [PATTERN]     only the models whose names match
#
# LOOM_MAX_PREEMPTIONS asks for more than a model does.
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
export RUSTFLAGS="--cfg loom"
cargo test --release -p upgradable-stm -p upgradable --lib "${1:-models::}"
