#!/usr/bin/env bash
# Breaks a copy of the core in small ways, one at a time, and requires that the loom models of the
# claim in question notice. A long run (half an hour), not part of CI. Prints the table that
# docs/correctness.md has.
#
#   bash ci/loom-mutants.sh [PATTERN]     only the mutants whose names match
#
# A mutant names the models that must fail (`fails`), or says why none does (`unseen`): then the model
# that comes closest must pass, so that a reason that no longer holds is noticed, too. The unbroken
# copy goes first, and every model must have a mutant that it fails on.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target=${CARGO_TARGET_DIR:-$root/target}/loom-mutants
seconds_max=${MUTANT_SECONDS:-300}
export RUST_BACKTRACE=0 CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0

# --- editing the copy --------------------------------------------------------------------------

# edit FILE FROM TO: replaces text that must occur exactly once, so that a mutant that no longer
# fits the code is noticed.
edit() {
    FROM=$2 TO=$3 perl -0777 -i -pe '
        my ($from, $to) = @ENV{qw(FROM TO)};
        my $count = () = /\Q$from\E/g;
        die "occurs $count times: $from\n" unless $count == 1;
        s/\Q$from\E/$to/;
    ' "$work/stm/src/$1"
}

# fails MODEL...: each of them must fail. fails_real: with the real collector.
fails() { models=("$@") collector=stand-in; }
fails_real() { models=("$@") collector=real; }
# unseen MODEL REASON: the model that comes closest, and why it passes all the same.
unseen() { models=("$1") collector=stand-in reason=$2; }

# --- publication and the clock -----------------------------------------------------------------

mutant_publish_is_relaxed() {
    fails reader_against_committer
    edit raw/slot.rs 'self.head.store(node, Ordering::Release);' \
        'self.head.store(node, Ordering::Relaxed);'
}

mutant_head_is_read_relaxed() {
    fails reader_against_committer
    edit raw/slot.rs 'Head { tagged: self.head.load(Ordering::Acquire)' \
        'Head { tagged: self.head.load(Ordering::Relaxed)'
}

mutant_clock_is_read_relaxed() {
    fails reader_against_committer
    edit clock/global.rs 'self.now.load(Ordering::Acquire))' 'self.now.load(Ordering::Relaxed))'
}

mutant_tick_is_relaxed() {
    fails committers_in_timestamp_order
    edit clock/global.rs 'self.now.fetch_add(1, Ordering::SeqCst)' \
        'self.now.fetch_add(1, Ordering::Relaxed)'
}

mutant_tick_acquires_only() {
    unseen reader_against_committer 'the full fence between the locks and the tick releases, too'
    edit clock/global.rs 'self.now.fetch_add(1, Ordering::SeqCst)' \
        'self.now.fetch_add(1, Ordering::Acquire)'
}

mutant_lock_is_relaxed() {
    unseen two_committers 'the full fence after the locks acquires and releases, too'
    edit raw/slot.rs 'head.tagged.map_addr(|addr| addr | tag),
                    Ordering::SeqCst,' 'head.tagged.map_addr(|addr| addr | tag),
                    Ordering::Relaxed,'
}

mutant_reader_passes_locks_of_heads() {
    fails reader_against_two_committers reader_against_committer
    edit raw/frame.rs 'slot.head().untagged().filter(' 'slot.head().node().filter('
}

mutant_walker_passes_locks() {
    fails reader_against_committer
    edit raw/frame.rs 'head = slot.wait_unlocked();' 'head = slot.head();'
}

mutant_timestamp_before_locks() {
    fails reader_against_committer
    edit commit/mod.rs 'self.lock_all();' \
        'let early = self.inner.clock.tick(self.update.frame().at().era()); self.lock_all();'
    edit commit/mod.rs 'match self.inner.clock.tick(self.update.frame().at().era()) {' \
        'match early {'
}

mutant_stamp_after_publication() {
    fails reader_against_committer
    edit commit/publish.rs 'node.set_stamp(ts);' ''
    edit commit/publish.rs 'slot.publish(node);' 'slot.publish(node); node.set_stamp(ts);'
}

mutant_link_after_publication() {
    fails reader_against_committer
    edit commit/publish.rs 'node.set_prev(over);' ''
    edit commit/publish.rs 'slot.publish(node);' 'slot.publish(node); node.set_prev(over);'
}

mutant_stamps_are_not_compared() {
    fails reader_against_committer
    edit raw/frame.rs '|newest| newest.stamp() <= self.at' \
        '|newest| newest.stamp() <= CommitTs::NEVER'
}

# --- validation --------------------------------------------------------------------------------

mutant_reads_not_validated() {
    fails two_committers
    edit commit/validate.rs 'self.check(read, |newest| newest)?;' 'let _ = read;'
}

mutant_validation_ignores_locks() {
    fails write_skew
    edit commit/validate.rs 'if head.is_locked() && !self.writes_to(read) {' \
        'if false && head.is_locked() && !self.writes_to(read) {'
}

mutant_validation_skipped_too_often() {
    fails two_committers
    edit commit/validate.rs 'if ts.to_bits() == self.update.frame().at().to_bits() + 1 {' \
        'if ts.to_bits() <= self.update.frame().at().to_bits() + 2 {'
}

mutant_lock_over_a_lock() {
    fails two_committers
    edit raw/slot.rs '!head.is_tagged()
            && self' 'true
            && self'
}

mutant_waiting_in_the_order_of_writing() {
    fails crossed_writers
    edit commit/lock.rs 'self.writes.sort_unstable_by_key(|entry| entry.slot.slot.addr());' ''
}

mutant_waiting_with_locks_in_hand() {
    fails crossed_writers
    edit commit/lock.rs 'self.unlock_all();
        self.writes.sort_unstable_by_key(' 'self.writes.sort_unstable_by_key('
}

mutant_own_writes_not_read() {
    fails read_own_write
    edit raw/update.rs 'let at = context.index.find(slot.slot, &context.writes)?;' \
        'let at = context.index.find(slot.slot, &context.writes).filter(|_| false)?;'
}

mutant_shared_versions_change_in_place() {
    fails read_own_write
    edit raw/update.rs 'self.set(at, WriteEntry { state: WriteState::Shared, ..entry });
            }
            WriteState::Shared' '}
            WriteState::Shared'
}

# --- announcements and trimming ----------------------------------------------------------------

mutant_announcement_without_fence() {
    fails trim_against_announcement
    edit reclaim/active.rs 'let before = self.word.swap(last | OPEN, Ordering::SeqCst);
        fence_after_rmw();' 'let before = self.word.swap(last | OPEN, Ordering::SeqCst);'
}

mutant_look_without_fence() {
    unseen trim_against_announcement 'since who commits beside others withdraws first, a fence stands between its tick and the look; a model with a third thread, which only looks, does not show it with three preemptions either'
    edit reclaim/active.rs 'self.limit = clock.now();
        // Pairs with the fence in `announce`: the limit is read before any announcement.
        full_fence();' 'self.limit = clock.now();'
}

mutant_snapshot_before_announcement() {
    fails trim_against_next_announcement trim_against_announcement
    edit reclaim/active.rs 'let before = self.word.swap(last | OPEN, Ordering::SeqCst);' \
        'let snapshot = clock.now();
        let _ = last;
        let before = self.word.swap(snapshot.to_bits(), Ordering::SeqCst);'
    edit reclaim/active.rs 'let snapshot = clock.now();
        self.last' 'self.last'
}

mutant_limit_ignored_by_trimming() {
    fails variable_in_a_variable trim_against_announcement
    edit reclaim/active.rs 'if until > self.limit {' 'if false && until > self.limit {'
}

mutant_limit_after_the_look() {
    unseen trim_against_announcement 'somebody must begin and somebody else commit between the look and the limit: three threads'
    edit reclaim/active.rs 'self.snapshots.sort_unstable();' \
        'self.snapshots.sort_unstable(); if !self.open { self.limit = clock.now(); }'
}

mutant_announcements_are_read_relaxed() {
    unseen trim_against_departure 'what goes is given to the collector under a pin, whose full fence acquires, too'
    edit reclaim/active.rs 'let word = seat.word.load(Ordering::Acquire);' \
        'let word = seat.word.load(Ordering::Relaxed);'
}

mutant_leave_is_relaxed() {
    fails trim_against_departure trim_against_announcement
    edit reclaim/active.rs 'self.word.store(IDLE, Ordering::Release);' \
        'self.word.store(IDLE, Ordering::Relaxed);'
}

mutant_withdrawal_is_relaxed() {
    unseen trim_against_withdrawal 'the full fence of the commit stands before it and releases, too'
    edit reclaim/active.rs 'self.word.swap(CLAIMED, Ordering::SeqCst);
        fence_after_rmw();' 'self.word.store(CLAIMED, Ordering::Relaxed);'
}

mutant_withdrawal_frees_the_context() {
    fails trim_against_withdrawal deletion_against_creation
    edit reclaim/active.rs 'self.word.swap(CLAIMED, Ordering::SeqCst);
        fence_after_rmw();' 'self.word.store(IDLE, Ordering::Release);'
}

mutant_narrowing_is_relaxed() {
    unseen trim_against_next_announcement 'the full fence of the announcement stands before it and releases, too'
    edit reclaim/active.rs 'self.word.store(snapshot.to_bits(), Ordering::Release);' \
        'self.word.store(snapshot.to_bits(), Ordering::Relaxed);'
}

mutant_seen_versions_go() {
    fails trim_against_walking_reader
    edit reclaim/active.rs 'self.snapshots.get(at).filter(|&&seen| seen < until).map(|&seen| Stay::Seen(seen))' \
        'self.snapshots.get(at).filter(|&&seen| seen < until && false).map(|&seen| Stay::Seen(seen))'
}

mutant_walk_without_pin() {
    fails trim_against_walking_reader
    edit raw/frame.rs 'let pin = self.context.pin();
        let mut head = slot.head();' 'let pin = ();
        let mut head = slot.head();'
}

mutant_walk_without_pin_in_the_real_collector() {
    mutant_walk_without_pin
    fails_real trim_against_walking_reader
}

mutant_pin_after_the_head() {
    fails trim_against_walking_reader
    edit raw/frame.rs 'let pin = self.context.pin();
        let mut head = slot.head();' 'let mut head = slot.head();
        let pin = self.context.pin();'
}

mutant_trimmed_versions_lose_their_link() {
    fails trim_against_walking_reader
    edit reclaim/trim.rs 'newer.set_prev(node.prev());
            retire(node);' 'newer.set_prev(node.prev());
            node.set_prev(None);
            retire(node);'
}

mutant_links_are_read_relaxed() {
    unseen trim_against_walking_reader 'the head was acquired, and whoever changes a link below it has seen what it leads to before that, under the lock: only a trim after the look at the head makes a difference, and what it links to was published before the head was'
    edit raw/slot.rs 'NonNull::new(self.prev.load(Ordering::Acquire))?' \
        'NonNull::new(self.prev.load(Ordering::Relaxed))?'
}

mutant_retired_versions_skip_the_collector() {
    fails trim_against_walking_reader
    edit raw/retire.rs 'guard.defer(move || ready.add(batch));' 'ready.add(batch);'
}

# --- reading without a pin ---------------------------------------------------------------------

mutant_past_versions_in_any_block() {
    fails fast_read_against_installing
    edit raw/block.rs 'last == CommitTs::NEVER || last <= oldest' \
        'last == CommitTs::NEVER || last <= oldest || true'
}

mutant_free_blocks_stamped_with_the_beginning() {
    fails fast_read_against_recycling
    edit raw/retire.rs '// It keeps its stamp: see `BlockCache::take_unseen`.' \
        'header.set_stamp(crate::clock::CommitTs::ZERO);'
}

mutant_tombstones_share_blocks_with_values() {
    fails tombstone_against_reader
    edit raw/value.rs '0 => 1,' '0 => 0,'
}

# --- the end of variables, objects and domains -------------------------------------------------

mutant_dropped_variables_go_at_once() {
    fails variable_drop_against_reader
    edit reclaim/tidy.rs 'may_be_seen || context' '(false && may_be_seen) || context'
}

mutant_dropped_variables_without_tick() {
    fails variable_drop_against_reader
    edit reclaim/tidy.rs 'let now = self.tick().unwrap_or(CommitTs::NEVER);' \
        'let now = self.clock.now();'
}

mutant_handles_are_counted_relaxed() {
    unseen variable_drop_against_reader 'a value is used under a snapshot only, and its end is acquired by the look before the value goes'
    edit tvar.rs 'count.fetch_sub(1, Ordering::AcqRel)' 'count.fetch_sub(1, Ordering::Relaxed)'
}

mutant_empty_slots_are_trimmed() {
    fails variable_end_against_stale_trim
    edit raw/slot.rs 'head.node()?;
' ''
}

mutant_slots_emptied_without_lock() {
    fails close_against_tidy
    edit raw/retire.rs 'if let Some(newest) = slot.try_lock() {' \
        'if let Some(newest) = Some(slot.head().node()) {'
}

mutant_what_others_left_is_looked_for_too_early() {
    fails piece_against_reclaim
    edit reclaim/tidy.rs 'drop(tidying);
        self.tidy_for_others();
        is_more' 'self.tidy_for_others();
        drop(tidying);
        is_more'
}

mutant_no_second_try_to_tidy() {
    fails piece_against_reclaim
    edit reclaim/tidy.rs 'swap(true, Ordering::AcqRel);
        self.tidying.try_lock()' 'swap(true, Ordering::AcqRel);
        None'
}

mutant_tidying_is_left_relaxed() {
    unseen piece_against_reclaim 'a lock of the model is free for everybody as soon as it is given back'
    edit reclaim/tidy.rs 'swap(true, Ordering::AcqRel)' 'swap(true, Ordering::Relaxed)'
}

mutant_generation_after_the_head() {
    unseen deletion_against_reader 'who comes between finds nothing there and says so; the slot is given away after both'
    edit reclaim/superseded.rs 'meta.store(next, Ordering::Release);
        slot.vacate();' 'slot.vacate();
        meta.store(next, Ordering::Release);'
}

mutant_names_are_compared_first() {
    fails creation_in_the_past_against_reader
    edit raw/frame.rs 'let found = self.find(slot);
        self.expect_name(slot, handle)?;
        found' 'self.expect_name(slot, handle)?; self.find(slot)'
    edit raw/touch.rs 'let newest = self.newest(self.inner().slot(slot.slot))?;
        self.expect_name(slot, handle).ok()?;' 'self.expect_name(slot, handle).ok()?;
        let newest = self.newest(self.inner().slot(slot.slot))?;'
}

mutant_generation_stays() {
    fails deletion_against_reader
    edit reclaim/superseded.rs 'meta.store(next, Ordering::Release);' 'let _ = next;'
}

mutant_deleted_objects_go_at_once() {
    fails deletion_against_reader
    edit reclaim/superseded.rs 'self.live.any_before(deleted).then_some' \
        '(false && self.live.any_before(deleted)).then_some'
}

mutant_generation_is_read_relaxed() {
    unseen deletion_against_reader 'who has found the next object has acquired its head, and so the generation before it'
    edit raw/frame.rs 'let meta = self.inner.slot(slot.slot).meta().load(Ordering::Acquire);' \
        'let meta = self.inner.slot(slot.slot).meta().load(Ordering::Relaxed);'
}

mutant_room_is_asked_for_relaxed() {
    unseen read_own_write 'the bytes of a value are written past loom; it sees the uses of the value only'
    edit raw/slot.rs 'self.inline.kind.load(Ordering::Acquire) == FREE' \
        'self.inline.kind.load(Ordering::Relaxed) == FREE'
}

# --- contexts ----------------------------------------------------------------------------------

mutant_flag_before_word() {
    fails claim_against_owner
    edit reclaim/active.rs 'let _ = self.word.compare_exchange(CLAIMED, IDLE, Ordering::Release, Ordering::Relaxed);
        // Release: pairs with the Acquire in `wait_for_claimer`.
        self.claimed.store(false, Ordering::Release);' 'self.claimed.store(false, Ordering::Release);
        let _ = self.word.compare_exchange(CLAIMED, IDLE, Ordering::Release, Ordering::Relaxed);'
}

mutant_owner_does_not_wait_for_claimer() {
    fails claim_against_owner
    edit reclaim/active.rs 'while self.claimed.load(Ordering::Acquire) {' \
        'while false && self.claimed.load(Ordering::Acquire) {'
}

mutant_owner_waits_relaxed() {
    fails claim_against_owner
    edit reclaim/active.rs 'while self.claimed.load(Ordering::Acquire) {' \
        'while self.claimed.load(Ordering::Relaxed) {'
}

mutant_claim_is_relaxed() {
    fails claim_against_owner
    edit reclaim/active.rs 'self.word.compare_exchange(IDLE, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok()' \
        'self.word.compare_exchange(IDLE, CLAIMED, Ordering::Relaxed, Ordering::Relaxed).is_ok()'
}

mutant_claim_does_not_release() {
    fails claim_against_owner
    edit reclaim/active.rs 'self.word.compare_exchange(IDLE, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok()' \
        'self.word.compare_exchange(IDLE, CLAIMED, Ordering::Acquire, Ordering::Relaxed).is_ok()'
}

mutant_release_is_relaxed() {
    fails claim_against_owner
    edit reclaim/active.rs 'self.word.compare_exchange(CLAIMED, IDLE, Ordering::Release, Ordering::Relaxed);' \
        'self.word.compare_exchange(CLAIMED, IDLE, Ordering::Relaxed, Ordering::Relaxed);'
}

# --- blocking ----------------------------------------------------------------------------------

mutant_blocking_without_check() {
    fails retry_wakeup
    edit txn/tx.rs 'let sleep = if unchanged {' 'let sleep = if unchanged || true {'
}

mutant_blocking_despite_a_lock() {
    fails retry_wakeup
    edit txn/tx.rs '!head.is_locked() && head.node()' 'head.node()'
}

mutant_watch_without_fence() {
    fails watch_against_lock
    edit retry/mod.rs 'self.count.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence that a committer has between its locks and `is_empty`.
        fence_after_rmw();' 'self.count.fetch_add(1, Ordering::SeqCst);'
}

mutant_commit_without_fence() {
    fails retry_wakeup
    edit commit/lock.rs 'fence_after_rmw();
' ''
}

mutant_watchers_looked_for_before_the_locks() {
    fails retry_wakeup
    edit commit/mod.rs 'self.lock_all();' \
        'let watched = !self.inner.watches.is_empty(); self.lock_all();'
    edit commit/mod.rs '        let watched = !self.inner.watches.is_empty();
        let' '        let'
}

mutant_count_before_entry() {
    unseen retry_wakeup_of_two 'the committer that sees the count takes the lock of the bucket after it has published; who enters later checks after that'
    edit retry/mod.rs 'for &slot in &slots {
            self.bucket(slot).lock().push((slot, Arc::clone(&parker)));
        }
        self.count.fetch_add(1, Ordering::SeqCst);' 'self.count.fetch_add(1, Ordering::SeqCst);
        for &slot in &slots {
            self.bucket(slot).lock().push((slot, Arc::clone(&parker)));
        }'
}

mutant_nobody_is_woken() {
    fails retry_ping_pong retry_wakeup_of_two retry_wakeup
    edit commit/publish.rs 'if watched {' 'if watched && false {'
}

# --- precedence --------------------------------------------------------------------------------

mutant_note_without_fence() {
    fails note_against_lock
    edit contention.rs 'self.filter[word].fetch_or(bit, Ordering::SeqCst);
        fence_after_rmw();' 'self.filter[word].fetch_or(bit, Ordering::SeqCst);'
}

mutant_nobody_makes_way() {
    fails privileged_against_committer
    edit commit/lock.rs '!self.must_make_way()' 'true'
}

mutant_privileged_reads_are_not_noted() {
    fails privileged_against_committer
    edit raw/update.rs 'self.frame.inner().privilege.note(slot.slot);' ''
}

# --- eras and past instants --------------------------------------------------------------------

mutant_era_not_checked() {
    fails era_advance_against_commit
    edit clock/global.rs 'if ts.era() != era {' 'if false && ts.era() != era {'
}

mutant_era_checked_before_the_tick() {
    fails era_advance_against_commit
    edit clock/global.rs 'let ts = CommitTs' 'let early = self.now(); let ts = CommitTs'
    edit clock/global.rs 'if ts.era() != era {' 'if early.era() != era {'
}

mutant_era_advances_by_a_store() {
    unseen era_advance_against_commit 'advances exclude each other; whoever ticks between the load and the store is of the old era, and the flip is above that'
    edit clock/global.rs 'match self.now.compare_exchange_weak(
                seen,
                flip.to_bits(),
                Ordering::SeqCst,
                Ordering::Acquire,
            ) {' 'let stored: Result<u64, u64> = { self.now.store(flip.to_bits(), Ordering::SeqCst); Ok(seen) };
            match stored {'
}

mutant_end_of_era_is_not_kept() {
    fails era_advance_against_commit
    edit domain/mod.rs 'seat.narrow(before);' 'seat.leave();'
}

mutant_installation_by_a_store() {
    fails install_against_committer
    edit raw/frame.rs 'while !slot.try_install(newest, version) {' \
        'while !{ slot.publish(version); true } {'
}

mutant_installation_without_pin() {
    unseen install_against_committer 'the object would have to be superseded, trimmed, recycled and installed over once more between two steps; four threads'
    edit raw/frame.rs 'let _pin = self.context.pin();
        let Ok(slot)' 'let Ok(slot)'
}

mutant_installed_over_versions_do_not_linger() {
    fails install_against_reader
    edit raw/frame.rs '        newest.linger();
' ''
}

mutant_lingering_ends_at_once() {
    fails install_against_reader
    edit reclaim/superseded.rs 'Left::Version { from, until: end } | Left::Past { from, end } => {' \
        'Left::Past { .. } => None, Left::Version { from, until: end } => {'
}

# --- memory that goes back ------------------------------------------------------------------------

mutant_who_cleans_is_told_by_the_word_alone() {
    fails claim_against_owner_and_who_gives_memory_back
    edit reclaim/active.rs 'seat.word.load(Ordering::Acquire) == CLAIMED || seat.claimed.load(Ordering::Acquire)' \
        'seat.word.load(Ordering::Acquire) == CLAIMED'
}

mutant_who_cleans_is_told_without_a_fence() {
    unseen claim_against_owner_and_who_gives_memory_back 'the lock around the list of seats orders both'
    edit reclaim/active.rs 'full_fence();
        // Acquire: pairs with the Release of `leave` and `release`: the cleaning is over.' ''
}

mutant_memory_goes_back_under_a_reader() {
    fails fast_read_against_shrinking
    edit raw/unused.rs 'chunks.find(block).filter(|_| is_unseen(block, oldest))' 'chunks.find(block)'
    edit raw/unused.rs 'is_unseen(block, oldest) && may_be_whole(block)' 'may_be_whole(block)'
}

mutant_equal_instants_count_as_old_company() {
    fails committer_against_reader_of_both
    edit reclaim/active.rs 'Self::Until(newest) => newest < stamp,' \
        'Self::Until(newest) => newest <= stamp,'
}

mutant_who_begins_counts_as_old_company() {
    fails committer_against_reader_of_both
    edit reclaim/active.rs 'word if word & OPEN == 0 => Others::Until(CommitTs::from_word(word)),' \
        'word if word != CLAIMED => Others::Until(CommitTs::from_word(word & !OPEN)),'
}

mutant_exchange_loses_the_link() {
    fails committer_against_old_reader
    edit raw/pending.rs '    over.set_stamp(ts);
    slot.publish(over);
    true' '    over.set_stamp(ts);
    over.set_prev(None);
    slot.publish(over);
    true'
}

# --- larger slots --------------------------------------------------------------------------------

mutant_pages_move_beside_transactions() {
    fails rehousing_against_reader
    edit raw/quiet.rs 'return None;
                }
                spin_loop' 'break;
                }
                spin_loop'
}

mutant_claims_end_before_the_page_moves() {
    fails rehousing_against_writer
    edit raw/quiet.rs 'quiet.claimed = &self.all[..self.all.len() - asked.len()];' \
        'seat(next).release();'
}

mutant_versions_come_home_beside_transactions() {
    fails homecoming_against_reader homecoming_against_writer
    edit raw/quiet.rs 'return None;
                }
                spin_loop' 'break;
                }
                spin_loop'
}

mutant_claims_end_before_versions_come_home() {
    fails homecoming_against_writer
    edit raw/quiet.rs 'quiet.claimed = &self.all[..self.all.len() - asked.len()];' \
        'seat(next).release();'
}

mutant_logs_name_slots_by_their_addresses() {
    fails rehousing_below_a_held_snapshot
    edit raw/slab.rs '            number => ptr::without_provenance_mut' \
        '            number if number != number => ptr::without_provenance_mut'
    edit raw/slab.rs '            u32::MAX => slot.slot.as_ptr(),' ''
    edit raw/slab.rs '<< 1 | Self::NUMBER),' '<< 1 | Self::NUMBER),
            _ => slot.slot.as_ptr(),'
}

mutant_what_makes_room_is_lost() {
    fails homecoming_against_reader rehousing_below_a_held_snapshot
    edit raw/home.rs 'above.set_prev(Some(block));' 'above.set_prev(None);'
}

mutant_a_write_that_comes_home_loses_the_link() {
    fails homecoming_committer_against_old_reader
    edit raw/pending.rs 'home.set_prev(over.prev());' 'home.set_prev(None);'
}

mutant_what_a_homecoming_write_supersedes_ends_at_once() {
    fails homecoming_committer_against_old_reader
    edit commit/publish.rs 'superseded.retire(over);' \
        'context.ended.push(over.ptr()); superseded.count_ended();'
}

mutant_the_privileged_wait_for_what_was_not_there() {
    fails privileged_against_touch_that_creates
    edit commit/validate.rs ' && was_there && ' ' && '
    edit commit/validate.rs 'let was_there' 'let _was_there'
}

# --- succession --------------------------------------------------------------------------------

mutant_predecessors_in_other_hands_are_moved() {
    fails succession_against_reader succession_against_installer \
        succession_against_who_keeps_the_predecessor
    edit raw/succession.rs '!newest.is_shared() && inner' 'inner'
}

mutant_second_hands_are_not_noted() {
    fails succession_against_reader
    edit raw/slot.rs 'if !first {
            self.share();
        }' ''
}

mutant_who_has_it_in_hand_does_not_look_again() {
    fails succession_of_the_same_kind_against_reader
    edit raw/touch.rs 'self.is_there_still(slot, seen, stamp).then_some(grasp)' 'Some(grasp)'
}

mutant_hands_without_fence() {
    fails succession_against_reader
    edit raw/touch.rs '        fence_after_rmw();' ''
}

mutant_successors_without_fence() {
    fails succession_against_reader
    edit raw/succession.rs '        fence_after_rmw();' ''
}

mutant_successors_without_lock() {
    fails succession_against_writer
    edit raw/succession.rs 'if slot.try_lock_under(newest) {' 'if true {'
}

mutant_a_sweep_lets_go_for_all() {
    fails succession_after_a_sweep_against_who_keeps_the_predecessor
    edit raw/slot.rs 'if word & SHARED == 0 {' 'if word != 0 {'
    edit raw/slot.rs 'let free = word & !IN_HAND;' 'let free = word & !(IN_HAND | SHARED);'
}

mutant_a_sweep_lets_go_relaxed() {
    unseen succession_after_a_sweep_against_who_keeps_the_predecessor \
        'who sweeps and who moves the value are one thread there'
    edit raw/slot.rs 'compare_exchange(word, free, Ordering::Release, Ordering::Relaxed)' \
        'compare_exchange(word, free, Ordering::Relaxed, Ordering::Relaxed)'
}

mutant_what_comes_late_is_seen_as_it_is() {
    fails look_against_creation_at_a_past_instant look_against_creation_and_succession \
        look_against_late_creation
    edit raw/touch.rs 'self.look_for_absent();
        self.touch(slot, handle, false)' 'self.look_for_absent();
        self.find_named(slot, handle)'
}

mutant_what_is_above_all_floors_is_seen_at_any_instant() {
    fails succession_against_held_reader
    edit raw/touch.rs 'return stamp <= self.at();' 'return true;'
}

mutant_a_successor_s_kind_is_taken_for_its_predecessor_s() {
    fails succession_against_held_reader
    edit raw/touch.rs ' && self.is_there_still(slot, seen, stamp)' ''
}

mutant_installers_have_nothing_in_hand() {
    fails succession_against_installer
    edit raw/frame.rs 'found.share();' ''
}

mutant_stamps_are_read_relaxed() {
    fails succession_against_reader
    edit raw/slot.rs 'CommitTs::from_word(self.stamp.load(Ordering::Acquire))' \
        'CommitTs::from_word(self.stamp.load(Ordering::Relaxed))'
}

mutant_stamps_are_written_relaxed() {
    unseen succession_against_reader 'the full fence after the lock releases, too'
    edit raw/slot.rs 'self.stamp.store(stamp.to_bits(), Ordering::Release);' \
        'self.stamp.store(stamp.to_bits(), Ordering::Relaxed);'
}

mutant_kinds_change_by_a_store() {
    fails succession_against_reader
    edit raw/slot.rs 'self.kind.swap(kind.to_bits() | INLINE, Ordering::AcqRel);' \
        'self.kind.store(kind.to_bits() | INLINE, Ordering::Release);'
}

mutant_floors_too_late_count() {
    fails succession_against_who_lowers_the_floor
    edit raw/succession.rs ' && inner.floors.is_in_time(newest.kind(), at)' ''
}

mutant_lowered_floors_have_stood_in_time() {
    fails succession_against_who_lowers_the_floor
    edit domain/floor.rs 'self.in_time.set(kind, CommitTs::ZERO.to_bits());' ''
}

mutant_everything_is_bygone() {
    fails succession_against_old_reader succession_against_held_reader
    edit reclaim/bygone.rs '>= instant.to_bits()' '< u64::MAX'
}

mutant_bygone_without_a_look() {
    fails succession_against_old_reader succession_against_held_reader
    edit reclaim/bygone.rs 'seats().all(|seat| !seat.looks_before(instant))' 'seats().all(|_| true)'
}

mutant_bygone_is_looked_for_without_fence() {
    unseen succession_against_held_reader 'who has flipped themselves has a fence after that; it would take three threads'
    edit reclaim/bygone.rs '        full_fence();' ''
}

mutant_bygone_is_found_relaxed() {
    unseen succession_against_old_reader 'the look was by the same thread, and loom does not watch the bits that move'
    edit reclaim/bygone.rs 'self.until.load(Ordering::Acquire)' 'self.until.load(Ordering::Relaxed)'
}

# --- running -----------------------------------------------------------------------------------

# build stand-in|real: builds the copy; `binary` is the file that has the models.
build() {
    local flags='--cfg loom'
    [ "$1" = real ] && flags+=' --cfg crossbeam_loom'
    RUSTFLAGS=$flags CARGO_TARGET_DIR="$target/$1" cargo test -p upgradable-stm --lib --no-run \
        --manifest-path "$work/Cargo.toml" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 2; }
    binary=$(sed -n 's/.*(\(.*upgradable_stm-[0-9a-f]*\)).*/\1/p' "$work/build.log")
}

# attempt MODEL: succeeds if the model passes. A failing model may abort its process.
attempt() {
    local path
    path=$("$binary" --list | sed -n "s/^\(models::.*::$1\): test\$/\1/p")
    [ -n "$path" ] || { echo "there is no model $1" >&2; exit 2; }
    { timeout "$seconds_max" "$binary" --exact "$path" --nocapture >"$work/log" 2>&1; } 2>/dev/null
}

# What the first failure said.
said() {
    grep -m1 -A1 'panicked at' "$work/log" | tail -n1 | sed 's/|/\\|/g' | cut -c1-80 || true
}

fresh_copy() {
    rm -rf "$work/stm"
    cp -r "$root/stm" "$work/stm"
}

cp "$root/Cargo.lock" "$work"
sed 's/^members = .*/members = ["stm"]/' "$root/Cargo.toml" >"$work/Cargo.toml"
# loom is optimised; what is built again for each mutant need not be.
printf '[profile.dev.package.upgradable-stm]\nopt-level = 0\n' >>"$work/Cargo.toml"
wrong=0
guarded=' '
pattern=${1:-.}

fresh_copy
build stand-in
all=$("$binary" --list | sed -n 's/^models::.*::\(.*\): test$/\1/p')
if [ "$pattern" = . ] && ! "$binary" models:: >"$work/log" 2>&1; then
    cat "$work/log" >&2
    echo 'the unbroken core fails' >&2
    exit 1
fi
printf '| Mutant | Model | What it says |\n| --- | --- | --- |\n'

for mutant in $(declare -F | sed -n 's/^declare -f mutant_//p' | grep -e "$pattern"); do
    reason=
    fresh_copy
    "mutant_$mutant"
    build "$collector"
    for model in "${models[@]}"; do
        status=0
        attempt "$model" || status=$?
        case "$status/${reason:+unseen}" in
        0/) verdict='NOT SEEN' wrong=$((wrong + 1)) ;;
        0/unseen) verdict="passes: $reason" ;;
        124/) verdict='does not end' ;;
        */) verdict=$(said) ;;
        *) verdict="SEEN AFTER ALL: $(said)" wrong=$((wrong + 1)) ;;
        esac
        [ "$status" = 0 ] || guarded+="$model "
        [ "$collector" = real ] && verdict+=' (real collector)'
        printf '| %s | `%s` | %s |\n' "${mutant//_/ }" "$model" "$verdict"
    done
done
if [ "$pattern" = . ]; then
    for model in $all; do
        case $guarded in *" $model "*) ;; *) echo "no mutant fails $model" >&2 && wrong=$((wrong + 1)) ;; esac
    done
fi
[ "$wrong" = 0 ] || { echo "$wrong mutants are not what this script says of them" >&2; exit 1; }
