#!/usr/bin/env bash
# The suites under bad luck on purpose (`--cfg chaos`, stm/src/chaos.rs): validation fails, locks are
# held by nobody, threads lose the processor around first touches and allocations, snapshots end
# late, transformers fail where a suite expects it. Other seeds, other bad luck.
#
#   bash ci/chaos.sh               three seeds, from 1 on
#   CHAOS_SEEDS=1000 bash ci/chaos.sh
#   CHAOS_FIRST=17 CHAOS_SEEDS=1 bash ci/chaos.sh        a seed that failed, again
#
# One build for all seeds. What a seed fixes is which bad luck each thread has, not how threads take turns.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUST_BACKTRACE=0 CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/chaos" RUSTFLAGS="--cfg chaos"
seconds_max=${CHAOS_SECONDS:-120}

stm=(classics)
heap=(chains roll_back failures background heap late bad_luck)
oracles=(protocol_rows upgrade_stories oracle opacity shared_state)
# Not here: isolation, layer and past (some of their transactions must not be executed again), starvation (one conflict gives precedence in a chaos), observing, memory and the finer
# points of reclamation (they count events and versions), every_point (it reckons who is
# executed again, and bad luck is not in the reckoning).
skipped=(
    # Say that a late writer commits at its first attempt; here it may have bad luck then.
    a_writer_that_creates_is_late_when_only_the_old_era_has_looked
    it_creates_objects_of_the_old_version_and_none_of_the_new
    a_writer_of_untransformed_objects_commits_just_before_the_flip
    a_writer_whose_reads_were_changed_before_the_flip_is_executed_again
    it_may_have_read_objects_of_any_type
    it_may_create_and_delete
    a_writer_two_upgrades_late_commits_before_the_first
    each_transaction_creates_what_was_current_at_its_instant
    # Rows of the protocol that say the same.
    a_late_writer_may_have_read_what_the_new_era_writes
    a_late_writer_is_judged_by_the_flip_that_ended_its_era
    a_writer_of_untouched_objects_commits_just_before_the_flip
    # Looks at once whether everything is gone; a snapshot of the sweeper's may end late.
    after_promotion_every_old_value_is_gone_and_after_a_roll_back_every_new_one
    # Counts attempts within a time limit.
    limits::who_touches_an_object_that_hangs_gets_an_error_in_time
    # Takes it for granted that objects created in one attempt have slots that follow each other.
    a_reference_is_a_small_value
)

programs=()
# build PACKAGE SUITE...
build() {
    local package=$1 line
    shift
    while read -r line; do
        programs+=("$line")
    done < <(cargo test --no-run -p "$package" "${@/#/--test=}" 2>&1 | tee /dev/stderr |
        sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
}
build upgradable-stm "${stm[@]}"
build upgradable "${heap[@]}"
build upgradable-tests "${oracles[@]}"
[ "${#programs[@]}" -eq $((${#stm[@]} + ${#heap[@]} + ${#oracles[@]})) ] || { echo 'not all was built' >&2; exit 1; }

first=${CHAOS_FIRST:-1}
for ((seed = first; seed < first + ${CHAOS_SEEDS:-3}; seed++)); do
    for program in "${programs[@]}"; do
        transformers=0
        case $program in */bad_luck-*) transformers=1 ;; esac
        if ! output=$(CHAOS_SEED=$seed CHAOS_TRANSFORMERS=$transformers timeout "$seconds_max" \
            nice "$program" -q "${skipped[@]/#/--skip=}" 2>&1); then
            printf '%s\n' "$output"
            echo "seed $seed fails in $(basename "$program"): CHAOS_FIRST=$seed CHAOS_SEEDS=1 bash ci/chaos.sh"
            exit 1
        fi
    done
    echo "seed $seed: ${#programs[@]} suites"
done
