#!/usr/bin/env bash
# AddressSanitizer over the suites of the core, with batches of two so that memory is recycled as
# early as it may be. ASAN_SUITES names others.
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
# Not optimised: with the sanitizer in it that takes longer than the tests.
export CARGO_PROFILE_DEV_DEBUG=line-tables-only
# Kinds and the domain of all are kept for the life of the process on purpose.
export ASAN_OPTIONS=detect_leaks=0
suites=(${ASAN_SUITES:-isolation objects layer past composition classics reclamation})
# (How much is kept under fire depends on how fast everybody is.)
cargo test -q --target "$target" -p upgradable-stm --lib "${suites[@]/#/--test=}" -- --skip under_fire
