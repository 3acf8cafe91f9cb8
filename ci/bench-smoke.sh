#!/usr/bin/env bash
# Benchmarks and programs still run. Their figures mean nothing here.
set -euo pipefail
cd "$(dirname "$0")/.."

# In the profile that the stress has built already.
cargo bench --profile release -p upgradable-stm -- --test
cargo run --release -p upgradable-compare -- --quick --only upgradable-stm,parking_lot,plain
cargo run --release -p upgradable-stm --example bank
