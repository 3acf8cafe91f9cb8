#!/usr/bin/env bash
# Breaks a copy of the heap in small ways, one at a time, and requires that the suites of upgrades
# notice each: the oracle (tests/tests/oracle.rs), the upgrade at every point, the rules of the
# protocol, shared state, the stories, the model of a heap, and late writers. A long run (an hour), not part of CI.
#
#   bash ci/oracle-mutants.sh [PATTERN]     only the mutants whose names match; "control" always runs
#
# A mutant is caught when some suite fails; what is printed is which tests of each of them failed.
# The oracle is run with more transactions when nothing else has noticed. The outcomes are in
# docs/correctness-upgrades.md.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/oracle-mutants
export RUST_BACKTRACE=0
seconds_max=${MUTANT_SECONDS:-60}
suites=(protocol_rows upgrade_stories shared_state every_point model_heap)
# And those of the heap itself (upgradable/tests).
heap_suites=(late)

# --- editing the copy --------------------------------------------------------------------------

# edit FILE FROM TO: replaces text that must occur exactly once, so that a mutant that no longer
# fits the code is noticed.
edit() {
    [ -f "$work/$1" ] || { echo "no such file: $1" >&2; exit 2; }
    edited+=("$1")
    FROM=$2 TO=$3 perl -0777 -i -pe '
        my ($from, $to) = @ENV{qw(FROM TO)};
        my $count = () = /\Q$from\E/g;
        die "occurs $count times: $from\n" unless $count == 1;
        s/\Q$from\E/$to/;
    ' "$work/$1"
}

migration=upgradable/src/migration

edited=()

# Only what was edited is put back, with a new time: the rest is not built again.
fresh_copy() {
    local file
    for file in "${edited[@]}"; do
        cat "$work/unbroken/$file" >"$work/$file"
    done
    edited=()
}

# --- the mutants: what a transformer sees ------------------------------------------------------

# Transformers read what is there when they run, not what was there at the flip.
mutant_current_instead_of_flip() {
    edit $migration/mod.rs 'let Some(before) = flip.before() else { return Ok(false) };' \
        'let Some(domain) = self.workers.domain() else { return Ok(false) };
            let before = touch.hold(&domain);'
    edit $migration/limit.rs 'impl Workers {' \
        'impl Workers {
    pub(crate) fn domain(&self) -> Option<Domain> { self.domain.lock().clone() }'
}

# The way back reads the time before the upgrade, not before the roll back.
mutant_way_back_reads_the_upgrade() {
    edit $migration/mod.rs '= (undone.before(), flip.before())' '= (undone.before(), undone.before())'
}

# --- which conversions happen ------------------------------------------------------------------

# A first touch puts its value over whatever is newest by then.
mutant_touch_over_anything() {
    edit stm/src/raw/frame.rs 'newest.filter(|node| node.stamp() == over && node.kind() != Kind::NONE)' \
        'newest.filter(|node| node.kind() != Kind::NONE)'
}

# What a transformer has created comes to be also if its value is not installed.
mutant_parts_of_losers_stay() {
    edit stm/src/raw/touch.rs 'if installed.is_ok() {' 'if installed.is_ok() || true {'
}

# A conversion that was not installed counts as one.
mutant_losers_count() {
    edit $migration/mod.rs 'flip.tally.lost.add(1);' 'flip.tally.by_touch.add(1);'
}

# Of several flips the newest converts first.
mutant_newest_flip_first() {
    edit $migration/mod.rs 'for flip in flips.iter() {
            if let Some(conversion)' 'for flip in flips.iter().rev() {
            if let Some(conversion)'
}

# What another flip has made is missed.
mutant_what_a_flip_made_is_missed() {
    edit $migration/record.rs 'if stamp >= self.flip() || self.flip() > at {' \
        'if stamp >= self.flip() || self.flip() > at || stamp.seq() == upgradable_stm::Seq::ZERO {'
}

# What is written just before the flip is missed.
mutant_what_is_late_is_missed() {
    edit $migration/record.rs 'if stamp >= self.flip() || self.flip() > at {' \
        'if stamp >= self.flip() || self.flip() > at || stamp.seq() == upgradable_stm::Seq::MAX {'
}

# Roll backs leave what nobody has changed as the upgrade made it.
mutant_unchanged_objects_do_not_go_back() {
    edit $migration/record.rs 'Some(undone) if stamp < undone.flip() => return None,' \
        'Some(undone) if stamp <= undone.flip() => return None,'
}

# --- late writers ------------------------------------------------------------------------------

# G1: they may write what has been touched, or is not migrated.
mutant_no_g1() {
    edit $migration/mod.rs 'untouched && unmissed && flip.late.enter()' \
        'unmissed && flip.late.enter() || untouched && false'
}

# G1, one half: they may write what is not migrated.
mutant_late_writes_of_unchanged_objects() {
    edit $migration/mod.rs 'stamp < flip.flip() && flip.converts(kind)' \
        'stamp < flip.flip() || flip.converts(kind)'
}

# What they create was listed as absent.
mutant_created_behind_a_list() {
    edit stm/src/raw/touch.rs 'self.look_for_absent();
        self.inner().slots.iter()' 'self.inner().slots.iter()'
}

# What they create was looked for, and not found.
mutant_created_behind_a_look() {
    edit stm/src/raw/touch.rs 'self.look_for_absent();
        self.touch(slot, handle, false)' 'self.touch(slot, handle, false)'
}

# G2: also where transformers read other objects.
mutant_no_g2() {
    edit $migration/mod.rs 'flip.undone_at().is_some() || flip.reads_others {' \
        'flip.undone_at().is_some() {'
}

# G3: whatever has become of what they have read.
mutant_no_g3() {
    edit stm/src/commit/mod.rs 'if let Err(cause) = self.validate_at(end) {' \
        'if let Err(cause) = self.validate_at(end) && false {'
}

# They are judged by the newest flip, not by the one that ended their era.
mutant_late_by_the_newest_flip() {
    edit $migration/mod.rs 'let Some(flip) = flips.iter().find(ended)' \
        'let _ = &ended; let Some(flip) = flips.last()'
}

# Everybody commits in the era that there is.
mutant_era_not_checked() {
    edit stm/src/clock/global.rs 'if ts.era() != era {' 'if false && ts.era() != era {'
}

# They create what the new era knows.
mutant_types_of_the_present() {
    edit upgradable/src/heap/types.rs 'if since <= at.to_bits() {' \
        'if since < u64::MAX || at.to_bits() == 0 {'
}

# A pass does not look whether late writers were let in.
mutant_late_writers_uncounted() {
    edit $migration/sweep.rs 'flip.late.admitted() != *admitted || !alone || *behind' \
        'admitted > &u64::MAX || !alone || *behind'
}

# --- what the oracle has found -----------------------------------------------------------------

# A look at nothing is not noted while an upgrade is pending.
mutant_nothing_is_not_noted() {
    edit stm/src/raw/update.rs 'Err(AccessError::Unborn) => self.note(slot, None),' \
        'Err(AccessError::Unborn) => {}'
}

# What has not changed goes back as it was, whatever it has given away.
mutant_parts_do_not_come_back() {
    edit $migration/mod.rs '
                    && !conversion.facts.reads_others();' ';'
}

# An upgrade that came and went makes objects look changed to the roll back of an earlier one.
mutant_restored_objects_look_changed() {
    edit $migration/record.rs 'stamp > self.flip() && self.restored.contains(object, stamp)' \
        'stamp > self.flip() && self.restored.contains(object, CommitTs::ZERO)'
}

# So does compaction.
mutant_compacted_objects_look_changed() {
    edit upgradable/src/heap/mod.rs '.filter(|_| !stays)' '.filter(|_| !stays || true)'
}

# What transformers create while they are undone is not looked for again.
mutant_created_while_undone() {
    edit $migration/sweep.rs '&& !undone.revivals.end_after(*revived)' \
        '&& !undone.revivals.end_after(*revived) && false'
}

# A pass counts for flips that have been entered and have not happened.
mutant_pass_before_the_flip() {
    edit $migration/sweep.rs 'is_under_way(flip) && flip.flip() <= now' \
        'is_under_way(flip) && now < upgradable_stm::CommitTs::NEVER'
}

# Who becomes complete takes the marks of later flips away.
mutant_floors_by_old_flips() {
    edit $migration/mod.rs 'flip.is_unfinished() && (flip.converts(kind)' \
        'flip.is_unfinished() && flip.flip() <= of.flip() && (flip.converts(kind)'
}

# What has been converted to its own type is converted again.
mutant_converted_again() {
    edit $migration/record.rs 'if stamp >= self.flip() || self.flip() > at {' \
        'if stamp > self.flip() || self.flip() > at {'
}

# And for what an earlier flip's transformers create behind it.
mutant_pass_behind_an_earlier_flip() {
    edit $migration/sweep.rs 'let behind = self.is_behind(&flip);' \
        'let behind = self.is_behind(&flip) && false;'
}

# Late writers change what somebody was told can't be transformed.
mutant_late_after_a_failure() {
    edit $migration/mod.rs '        flip.late.close();
        flip.failures.enter' '        flip.failures.enter'
}

# Who is slow to go forward and back does so when the roll back is over.
mutant_slow_revivals() {
    edit $migration/revival.rs '(before & OVER == 0).then_some(revival)' \
        '(before | OVER != 0).then_some(revival)'
}

# Nobody of an undone era is waited for.
mutant_undone_eras_are_settled() {
    edit $migration/record.rs 'None if self.revivals.are_over() =>' \
        'None if self.revivals.are_over() || self.is_undone_for(at) =>'
}

# What came to be before the undone upgrade is taken for its orphan.
mutant_orphans_of_others() {
    edit $migration/sweep.rs 'is_none_or(|undone| undone.predates(orphan))' \
        'is_none_or(|undone| undone.predates(orphan) || true)'
}

# --- running -----------------------------------------------------------------------------------

build() {
    local flags=() suite
    for suite in oracle "${suites[@]}" "${heap_suites[@]}"; do flags+=(--test "$suite"); done
    cargo test -q --manifest-path "$work/Cargo.toml" -p upgradable -p upgradable-tests \
        "${flags[@]}" --no-run 2>"$work/build.log" || { cat "$work/build.log" >&2; exit 2; }
}

# attempt SUITE [TRANSACTIONS]: how it came out.
attempt() {
    local status=0 seconds=$seconds_max
    [ $# = 1 ] || seconds=$((4 * seconds_max))
    ORACLE_TRANSACTIONS=${2:-} timeout "$seconds" cargo test -q \
        --manifest-path "$work/Cargo.toml" -p upgradable -p upgradable-tests --test "$1" \
        >"$work/log" 2>&1 || status=$?
    case $status in
    0) echo passes ;;
    124) echo hangs ;;
    *) echo fails ;;
    esac
}

# Which tests of the last attempt failed.
failed() {
    sed -n '/^failures:$/,$s/^    \([a-z_:0-9]*\)$/\1/p' "$work/log" | sort -u | tr '\n' ' '
    grep -m1 -o 'signal: [0-9]*' "$work/log" || true
}

cp -r "$root/stm" "$root/upgradable" "$root/derive" "$root/tests" "$root/Cargo.lock" "$work"
mkdir "$work/unbroken"
cp -r "$work/stm" "$work/upgradable" "$work/unbroken"
sed 's/^members = .*/members = ["stm", "upgradable", "derive", "tests"]/' "$root/Cargo.toml" \
    >"$work/Cargo.toml"
missed=0

for mutant in control $(declare -F | sed -n 's/^declare -f mutant_//p' | grep -e "${1:-.}"); do
    fresh_copy
    [ "$mutant" = control ] || "mutant_$mutant"
    build
    line= caught=
    for suite in "${suites[@]}" "${heap_suites[@]}"; do
        outcome=$(attempt "$suite")
        [ "$outcome" = passes ] && continue
        line+="; $suite $outcome: $(failed)" caught=1
    done
    for transactions in 3000 20000; do
        outcome=$(attempt oracle $transactions)
        [ "$outcome" = passes ] || break
        [ -z "$caught" ] || break
    done
    if [ "$outcome" != passes ]; then
        line+="; oracle $outcome at $transactions: $(failed)" caught=1
    fi
    [ -n "$line" ] || line="; nothing notices"
    line=${line#; }
    printf '%-42s %s\n' "$mutant" "$line"
    if [ "$mutant" = control ]; then
        [ -z "$caught" ] || { cat "$work/log" >&2; echo "the unbroken heap fails" >&2; exit 1; }
    elif [ -z "$caught" ]; then
        missed=$((missed + 1))
    fi
done
[ "$missed" = 0 ] || { echo "$missed mutants were not caught" >&2; exit 1; }
