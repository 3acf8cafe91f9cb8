#!/usr/bin/env bash
# ThreadSanitizer over the suites that race. The standard library is not instrumented: what is falsely
# reported for that is named in ci/tsan.supp. TSAN_SUITES names other suites.
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0

target=x86_64-unknown-linux-gnu
if [ "$(rustc -vV | sed -n 's/^host: //p')" != "$target" ]; then
    echo "skipped: ThreadSanitizer is set up here for $target only"
    exit 0
fi
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/tsan"
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg sanitized --cfg crossbeam_sanitize_thread"
# Not optimised: with the sanitizer in it that takes longer than the tests.
export CARGO_PROFILE_DEV_DEBUG=line-tables-only
export TSAN_OPTIONS="suppressions=$PWD/ci/tsan.supp"
suites=(${TSAN_SUITES:-layer past starvation})
cargo test -q --target "$target" -p upgradable-stm "${suites[@]/#/--test=}"
