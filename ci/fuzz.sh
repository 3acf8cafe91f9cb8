#!/usr/bin/env bash
# Operations on a heap from any bytes, compared with a plain model (fuzz/fuzz_targets/heap.rs).
#
# Here made up from seeds, on any toolchain:
#
#   bash ci/fuzz.sh                                        a short form, not optimised
#   FUZZ_TIMES=1000000 FUZZ_SEED=1 bash ci/fuzz.sh         so many from that seed on, optimised
#
# By coverage, with cargo-fuzz and a nightly toolchain: cargo +nightly fuzz run heap
set -euo pipefail
cd "$(dirname "$0")/.."

# What both need of other crates is built once.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}"
profile=dev
[ -z "${FUZZ_TIMES:-}" ] || profile=release
cargo run --profile "$profile" -q --manifest-path fuzz/Cargo.toml --bin heap -- \
    --random "${FUZZ_SEED:-1}" "${FUZZ_TIMES:-2000}"
