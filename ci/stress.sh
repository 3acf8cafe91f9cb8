#!/usr/bin/env bash
# Real threads at full speed: the suites that race, optimised. Then the same with --cfg chaos: batches
# hold two versions, one conflict gives precedence, and threads give the processor away at the
# fences, so that what is rare happens all the time.
#
# Once round in CI. Longer: STRESS_SECONDS=3600 bash ci/stress.sh goes round until the time is over.
set -euo pipefail
cd "$(dirname "$0")/.."

# Panics are part of the tests; to print where each came from takes longer than the tests.
export RUST_BACKTRACE=0

suites=(isolation reclamation classics layer past opacity)

round() {
    cargo test --release -q -p upgradable-stm -p upgradable-tests "${suites[@]/#/--test=}" "$@"
}

rounds=0
while true; do
    echo "round $((++rounds)), as built for users"
    # (Starvation counts conflicts, of which one is enough in a chaos.)
    round --test=starvation
    echo "round $rounds, chaos"
    (export RUSTC_WORKSPACE_WRAPPER="$PWD/ci/chaos-rustc.sh" && round)
    [ $SECONDS -lt "${STRESS_SECONDS:-0}" ] || break
done
