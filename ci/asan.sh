#!/usr/bin/env bash
# AddressSanitizer over the suites of the core, with batches of two so that memory is recycled as
# early as it may be.
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0

target=x86_64-unknown-linux-gnu
if [ "$(rustc -vV | sed -n 's/^host: //p')" != "$target" ]; then
    echo "skipped: AddressSanitizer is set up here for $target only"
    exit 0
fi
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/asan"
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Zsanitizer=address --cfg sanitized"
# Kinds and the domain of all are kept for the life of the process on purpose.
export ASAN_OPTIONS=detect_leaks=0
cargo test --release -q --target "$target" -p upgradable-stm --lib --test isolation --test objects \
    --test layer --test past
