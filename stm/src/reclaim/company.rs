//! Company: whether anybody else is under way.
//!
//! A commit whose transaction is the only one announced can end what it supersedes at once: nobody
//! sees it, and nobody ever will. Then there is no entry in a log, no trim and no collector, and an
//! object with one version keeps it in its slot.
//!
//! # Why that is right
//!
//! The commit holds the locks of all that it writes, and has its timestamp `c`. After a full fence
//! it looks at every other announcement, held instants included, and finds all of them idle.
//!
//! - *A transaction that ended before the look*, as the look found it, has used for the last time
//!   what it read: the Release of its end pairs with the Acquire of the look. So have walks past
//!   the newest version, which happen within transactions only.
//! - *A transaction that the look missed* has a full fence between its announcement and all else.
//!   So it sees the tick, and its snapshot is `c` or later; and it sees the locks, and waits for
//!   what is published. It never meets the version superseded at `c`.
//! - *A thread whose seat the look did not know* took it, and changed the edition of the list,
//!   after the fence, and announces still later: it is one that the look missed.
//! - *Whoever cleans up without a snapshot* keeps others out of a chain by its tag, and so does the
//!   commit by its lock. Past that it looks at headers only, which stay headers.
//! - *The transaction itself* has ended its closure, so nobody refers to what it has read.
//!
//! # Old company
//!
//! If others are announced, but at instants before the superseded version, as those are that a
//! roll back would need, nobody sees that version either. But somebody may walk past it, to what
//! lies below, so it stays where it is, with its link, and only its value is exchanged: to a walker
//! its stamp says "too new" before and after. Whoever puts versions at past instants over it, or
//! has it in a read set, sees it, and so is no company of this kind. If it lies in a block, and its slot
//! has become free, the new version takes the slot instead, and the link to what lies below; what
//! was superseded keeps its own for whoever stands on it, and goes through the collector. All the
//! rest is as above.
//!
//! (loom models `lone_committer_against_reader`, `lone_committer_against_newcomer`,
//! `two_committers`; for old company `committer_against_old_reader`,
//! `homecoming_committer_against_old_reader`, `committer_against_reader_of_both`.)

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::active::{Others, Registry, Seat};
use crate::clock::CommitTs;
use crate::sync::fence_after_rmw;

/// After somebody was found at work, so many commits go without a look: the cache lines of those
/// who are at work are theirs.
const REST: u32 = if cfg!(any(loom, shuttle, sanitized, miri)) { 0 } else { 64 };
/// Who announces an instant so many ticks ago is not at work: a snapshot that is held, or a long one.
const RECENT: u64 = 1 << 12;
/// With more seats than this a look costs more than it saves.
const MOST: usize = 16;

/// The other seats of a domain, as one context knows them.
#[derive(Debug, Default)]
pub(crate) struct Company {
    seats: RefCell<Vec<Arc<Seat>>>,
    /// There are too many to look at them.
    crowded: Cell<bool>,
    /// The edition of the domain's list that this was taken from.
    edition: Cell<usize>,
    rest: Cell<u32>,
}

impl Company {
    /// Who is under way but the owner of `me`.
    ///
    /// Called by a commit that has its locks and its timestamp.
    #[inline(always)]
    pub(crate) fn others(&self, ts: CommitTs, me: &Arc<Seat>, registry: &Registry) -> Others {
        let rest = self.rest.get();
        if rest > 0 {
            self.rest.set(rest - 1);
            return Others::Somebody;
        }
        // The locks and the tick before the look; pairs with the fence in `Seat::announce`.
        fence_after_rmw();
        if registry.edition() != self.edition.get() {
            self.refresh(me, registry);
        }
        let mut others = if self.crowded.get() { Others::Somebody } else { Others::Nobody };
        for seat in &*self.seats.borrow() {
            others = others.max(seat.company());
            if others == Others::Somebody {
                break;
            }
        }
        let at_work = match others {
            Others::Nobody => false,
            Others::Until(newest) => ts.to_bits().saturating_sub(newest.to_bits()) < RECENT,
            Others::Somebody => true,
        };
        if at_work {
            self.rest.set(REST);
        }
        others
    }

    #[cold]
    #[inline(never)]
    fn refresh(&self, me: &Arc<Seat>, registry: &Registry) {
        let mut seats = self.seats.borrow_mut();
        seats.clear();
        let edition = registry.read(|all| {
            self.crowded.set(all.len() > MOST);
            if all.len() <= MOST {
                seats.extend(all.iter().filter(|seat| !Arc::ptr_eq(seat, me)).cloned());
            }
        });
        self.edition.set(edition);
    }

    /// Keeps no seats of others that may have gone.
    pub(crate) fn forget(&self) {
        self.seats.take();
        self.edition.set(0);
    }
}
