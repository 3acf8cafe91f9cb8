//! Validating the read set.

use crate::clock::CommitTs;
use crate::event::AbortCause;
use crate::kind::Kind;
use crate::raw::pending::{ReadEntry, WriteEntry};
use crate::raw::slot::{Head, NodeRef};
use crate::raw::update::Update;

/// Whether everything that was read is still newest, for a commit at `ts`.
#[inline]
pub(crate) fn validate(update: &Update<'_>, ts: CommitTs) -> Result<(), AbortCause> {
    let frame = update.frame();
    still_there(update)?;
    // Nobody else has taken a timestamp since the snapshot: nothing can have changed.
    if ts.to_bits() == frame.at().to_bits() + 1 {
        return Ok(());
    }
    for read in frame.context().reads.iter(0) {
        check(update, read, |newest| newest)?;
    }
    Ok(())
}

/// Whether everything that was read is newest at the past instant `end`.
pub(crate) fn validate_at(update: &Update<'_>, end: CommitTs) -> Result<(), AbortCause> {
    // The walks past the heads need the collector pinned.
    let _pin = update.frame().context().pin();
    still_there(update)?;
    for read in update.frame().context().reads.iter(0) {
        check(update, read, |newest| {
            std::iter::successors(newest, |node| node.prev()).find(|node| node.stamp() <= end)
        })?;
    }
    Ok(())
}

/// Whether what is written blindly has not been deleted. (What was created is not there yet.)
#[inline(always)]
fn still_there(update: &Update<'_>) -> Result<(), AbortCause> {
    let frame = update.frame();
    let gone = |entry: &WriteEntry| {
        entry.over.is_none_or(|node| frame.inner().node(node).kind() == Kind::NONE)
    };
    if frame.context().writes.iter(0).any(|entry| !entry.created && gone(&entry)) {
        return Err(AbortCause::Deleted);
    }
    Ok(())
}

#[inline(always)]
fn check<'d>(
    update: &Update<'d>,
    read: ReadEntry,
    choose: impl Fn(Option<NodeRef<'d>>) -> Option<NodeRef<'d>>,
) -> Result<(), AbortCause> {
    let frame = update.frame();
    let slot = frame.inner().slot(read.slot);
    let mut head: Head<'d> = slot.head();
    if head.is_locked() && !is_mine(update, read) {
        if !update.is_privileged() {
            return Err(AbortCause::Locked);
        }
        // Whoever holds it has passed the look at the notes, or will give it back: it is finite.
        head = slot.wait_unlocked();
    }
    if choose(head.node()).map(|node| node.ptr()) == read.node {
        Ok(())
    } else {
        Err(AbortCause::Changed)
    }
}

#[cold]
fn is_mine(update: &Update<'_>, read: ReadEntry) -> bool {
    // The writes are sorted by address by now, so the index of the closure's time is of no use.
    let writes = &update.frame().context().writes;
    let (mut low, mut high) = (0, writes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match writes.get(middle).map(|entry| entry.slot.slot.addr().cmp(&read.slot.addr())) {
            Some(std::cmp::Ordering::Less) => low = middle + 1,
            Some(std::cmp::Ordering::Equal) => return true,
            _ => high = middle,
        }
    }
    false
}
