#!/usr/bin/env bash
# Whole transactions under thousands of random schedules.
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/shuttle"
export RUSTFLAGS="--cfg shuttle"
cargo test --release -p upgradable-stm --lib schedules
