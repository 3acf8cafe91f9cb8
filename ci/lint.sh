#!/usr/bin/env bash
# Formatting, lints, and the rules of the house that a machine can check.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
bash ci/tidy.sh
