#!/usr/bin/env bash
# Breaks a copy of the core in small ways, one at a time, and requires that the recorded runs of
# tests/tests/opacity.rs notice each. A long run (ten minutes), not part of CI.
#
#   bash ci/history-mutants.sh [PATTERN]     only the mutants whose names match; "control" always runs
#
# Each mutant is tried on ever more transactions; then again with its windows *widened*: the copy
# gives the processor away at random inside of the protocols, where the real code has no reason to.
# The control, the unbroken copy with the same calls, must pass everything.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/history-mutants
seconds_max=${MUTANT_SECONDS:-240}

# --- editing the copy --------------------------------------------------------------------------

# edit FILE FROM TO: replaces text that must occur exactly once, so that a mutant that no longer
# fits the code is noticed.
edit() {
    [ -f "$work/stm/src/$1" ] || { echo "no such file: $1" >&2; exit 2; }
    FROM=$2 TO=$3 perl -0777 -i -pe '
        my ($from, $to) = @ENV{qw(FROM TO)};
        my $count = () = /\Q$from\E/g;
        die "occurs $count times: $from\n" unless $count == 1;
        s/\Q$from\E/$to/;
    ' "$work/stm/src/$1"
}

fresh_copy() {
    rm -rf "$work/stm"
    cp -r "$root/stm" "$work/stm"
    cat >>"$work/stm/src/sync/std.rs" <<'RUST'

/// Widens a window of the protocol, if HISTORY_WIDEN is set.
pub(crate) fn widen() {
    static ON: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    std::thread_local! {
        static STATE: std::cell::Cell<u64> = std::cell::Cell::new(std::process::id().into());
    }
    if *ON.get_or_init(|| std::env::var_os("HISTORY_WIDEN").is_some()) {
        let state = STATE.get().wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        STATE.set(state);
        match state >> 57 {
            0..8 => std::thread::yield_now(),
            8 => std::thread::sleep(std::time::Duration::from_micros(state >> 40 & 63)),
            9..24 => (0..state >> 40 & 511).for_each(|_| std::hint::spin_loop()),
            _ => {}
        }
    }
}
RUST
    edit commit/mod.rs 'self.lock_all();' 'self.lock_all(); crate::sync::widen();'
    edit commit/publish.rs 'let slot = inner.slot(entry.slot.slot);' \
        'let slot = inner.slot(entry.slot.slot); crate::sync::widen();'
    edit commit/validate.rs 'let mut head = slot.head();' \
        'let mut head = slot.head(); crate::sync::widen();'
    edit reclaim/active.rs 'let snapshot = clock.now();' \
        'crate::sync::widen(); let snapshot = clock.now(); crate::sync::widen();'
    edit reclaim/active.rs 'self.snapshots.sort_unstable();' \
        'self.snapshots.sort_unstable(); crate::sync::widen();'
}

# --- the mutants -------------------------------------------------------------------------------

# Commits do not look whether what they read has changed.
mutant_reads_not_validated() {
    edit commit/validate.rs 'self.check(read, |newest| newest)?;' 'let _ = read;'
}

# They look, but not at what is locked by somebody else.
mutant_foreign_locks_ignored() {
    edit commit/validate.rs 'if head.is_locked() && !self.writes_to(read) {' \
        'if false && head.is_locked() && !self.writes_to(read) {'
}

# They do not look when one other commit came in between.
mutant_validation_skipped_too_often() {
    edit commit/validate.rs 'if ts.to_bits() == self.update.frame().at().to_bits() + 1 {' \
        'if ts.to_bits() <= self.update.frame().at().to_bits() + 2 {'
}

# The timestamp is drawn before the locks are taken.
mutant_timestamp_before_locks() {
    edit commit/mod.rs 'self.lock_all();' \
        'let early = self.inner.clock.tick(self.update.frame().at().era());
        crate::sync::widen();
        self.lock_all();'
    edit commit/mod.rs 'match self.inner.clock.tick(self.update.frame().at().era()) {' 'match early {'
}

# A version is published, and then stamped.
mutant_stamp_after_publication() {
    edit commit/publish.rs 'node.set_stamp(ts);' ''
    edit commit/publish.rs 'slot.publish(node);' \
        'slot.publish(node); crate::sync::widen(); node.set_stamp(ts);'
}

# Readers do not wait at a lock, but take what was there before.
mutant_readers_pass_locks() {
    edit raw/frame.rs 'let mut head = slot.head();
        if head.is_locked() {' 'let mut head = slot.head();
        if false && head.is_locked() {'
}

# Transactions see what is newest, not what their snapshot has.
mutant_newest_instead_of_snapshot() {
    edit raw/frame.rs '|newest| newest.stamp() <= self.at' \
        '|newest| newest.stamp() <= CommitTs::NEVER'
}

# A snapshot is read from the clock before it is announced.
mutant_snapshot_before_announcement() {
    edit reclaim/active.rs 'let before = self.word.swap(last | OPEN' \
        'let snapshot = clock.now();
        crate::sync::widen();
        let before = self.word.swap(last | OPEN'
    edit reclaim/active.rs 'crate::sync::widen(); let snapshot = clock.now();' ''
    edit raw/retire.rs '{ 2 } else { 128 }' '{ 2 } else { 2 }'
}

# Held snapshots are not announced.
mutant_held_snapshots_not_announced() {
    edit domain/mod.rs 'let at = seat.announce(&self.inner.clock);' 'let at = self.now();'
}

# Nobody who is announced keeps anything.
mutant_snapshots_ignored_by_trimming() {
    edit reclaim/active.rs 'self.snapshots.sort_unstable();' \
        'self.snapshots.sort_unstable(); self.snapshots.clear();'
}

# Only the oldest and the newest of those who are announced keep something.
mutant_snapshots_between_ignored_by_trimming() {
    edit reclaim/active.rs 'self.snapshots.sort_unstable();' \
        'self.snapshots.sort_unstable();
        if self.snapshots.len() > 2 {
            self.snapshots.drain(1..self.snapshots.len() - 1);
        }'
}

# A version committed at the very instant of a snapshot is taken not to be seen by it.
mutant_snapshot_on_the_stamp_ignored_by_trimming() {
    edit reclaim/active.rs 'partition_point(|&snapshot| snapshot < from)' \
        'partition_point(|&snapshot| snapshot <= from)'
}

# Snapshots that are just being acquired keep nothing.
mutant_limit_ignored_by_trimming() {
    edit reclaim/active.rs 'if until > self.limit {' 'if false && until > self.limit {'
}

# Deleted objects go although snapshots see them.
mutant_deleted_objects_go_at_once() {
    edit reclaim/superseded.rs 'self.live.any_before(deleted).then_some' \
        '(false && self.live.any_before(deleted)).then_some'
}

# A part of a transaction that is undone leaves behind what it changed in place.
mutant_undone_writes_stay() {
    edit raw/update.rs 'if entry.state == WriteState::Private {' \
        'if false && entry.state == WriteState::Private {'
}

# A transaction of an era that is over commits in the next one.
mutant_era_not_checked() {
    edit clock/global.rs 'if ts.era() != era {' 'if false && ts.era() != era {'
}

# A late commit does not look whether what it read has changed.
mutant_late_reads_not_validated() {
    edit commit/mod.rs 'if let Err(cause) = self.validate_at(end) {' \
        'if let (Err(cause), false) = (self.validate_at(end), true) {'
}

# A late commit is content if what it read is still there, although it was replaced.
mutant_late_reads_may_be_old() {
    edit commit/validate.rs 'find(|node| node.stamp() <= end)' \
        'find(|node| node.stamp() <= end && Some(node.ptr()) == read.node)'
}

# --- running -----------------------------------------------------------------------------------

build() {
    cargo test -q --release --manifest-path "$work/Cargo.toml" -p upgradable-tests --test opacity \
        --no-run 2>"$work/build.log" || { cat "$work/build.log" >&2; exit 2; }
    binary=$(cargo test --release --manifest-path "$work/Cargo.toml" -p upgradable-tests \
        --test opacity --no-run 2>&1 | sed -n 's/.*(\(.*opacity-[0-9a-f]*\)).*/\1/p')
}

# attempt TRANSACTIONS [HISTORY_WIDEN=1]: succeeds if the tests pass.
attempt() {
    env "${2:-_=}" HISTORY_TRANSACTIONS="$1" RUST_BACKTRACE=0 \
        timeout "$seconds_max" "$binary" >"$work/log" 2>&1
}

# What the first failure said.
reason() {
    grep -m1 -A1 'panicked at' "$work/log" | tail -n1 | cut -c1-70 || true
}

cp -r "$root/tests" "$root/upgradable" "$root/derive" "$root/Cargo.lock" "$work"
sed 's/^members = .*/members = ["stm", "upgradable", "derive", "tests"]/' "$root/Cargo.toml" >"$work/Cargo.toml"
missed=0

fresh_copy
build
for widen in '' HISTORY_WIDEN=1; do
    if ! attempt 200000 $widen; then
        cat "$work/log" >&2
        echo "the unbroken core fails ${widen:+with widened windows}" >&2
        exit 1
    fi
done
printf '%-50s passes, also with widened windows\n' control

for mutant in $(declare -F | sed -n 's/^declare -f mutant_//p' | grep -e "${1:-.}"); do
    fresh_copy
    "mutant_$mutant"
    build
    verdict=
    for try in '10000' '100000' '1000000' '100000 HISTORY_WIDEN=1' '1000000 HISTORY_WIDEN=1'; do
        begin=$(date +%s%N)
        status=0
        # shellcheck disable=SC2086 # two words
        attempt $try || status=$?
        took=$((($(date +%s%N) - begin) / 100000000))
        [ "$status" = 0 ] && continue
        verdict="caught by ${try/ HISTORY_WIDEN=1/ widened} in $((took / 10)).$((took % 10)) s: $(reason)"
        [ "$status" = 124 ] && verdict="hangs, with $try"
        break
    done
    printf '%-50s %s\n' "$mutant" "${verdict:-NOT CAUGHT}"
    [ -n "$verdict" ] || missed=$((missed + 1))
done
[ "$missed" = 0 ] || { echo "$missed mutants were not caught" >&2; exit 1; }
