#!/usr/bin/env bash
# STMBench7 on every back end against all results of the original that are known.
set -euo pipefail
cd "$(dirname "$0")/.."
STMBENCH7_ALL=1 cargo test --release -p stmbench7 --tests
