#!/usr/bin/env bash
# The README's test command, in its own words.
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0

command=$(sed -n 's/^\(cargo test --workspace.*\)$/\1/p' README.md | head -n 1)
[ -n "$command" ] || { echo 'the README has no test command' >&2; exit 1; }
echo "+ $command"
$command
