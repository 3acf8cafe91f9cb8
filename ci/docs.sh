#!/usr/bin/env bash
# Documentation: builds without a warning, and every link in it leads somewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
RUSTDOCFLAGS='-D warnings' cargo doc -p upgradable-stm --no-deps --document-private-items
