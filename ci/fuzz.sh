#!/usr/bin/env bash
# Operations on a heap from any bytes, compared with a plain model (fuzz/fuzz_targets/heap.rs).
#
# Here made up from seeds, on any toolchain: FUZZ_TIMES=1000000 FUZZ_SEED=1 bash ci/fuzz.sh. By coverage,
# with cargo-fuzz and a nightly toolchain: cargo +nightly fuzz run heap
set -euo pipefail
cd "$(dirname "$0")/.."

cargo run --release -q --manifest-path fuzz/Cargo.toml --bin heap -- \
    --random "${FUZZ_SEED:-1}" "${FUZZ_TIMES:-2000}"
