//! The memory of a domain: what nobody needs is dropped and given back, what lies in two places
//! comes together. Transactions do most of it on the way; this is for who has the time.

use std::ops::Range;

use super::Domain;
use crate::clock::CommitTs;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::raw::context::Lent;
use crate::raw::frame::Frame;
use crate::reclaim::active::Live;

impl Domain {
    /// Drops and recycles every version that no live snapshot sees, as far as possible now.
    ///
    /// Transactions do this on the way, in batches; what this adds is what is left over in threads
    /// that have stopped working. Runs `Drop` of values. Takes time in proportion to what there is
    /// to do, and to the number of threads that have used the domain.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(vec![0; 1000]);
    /// domain.atomically(|tx| Ok(tx.write(&x, Vec::new())));
    /// domain.reclaim(); // the thousand zeros are gone
    /// assert_eq!(domain.versions(&x), 1);
    /// ```
    pub fn reclaim(&self) {
        self.inner.tidy();
    }

    /// A part of what [`reclaim`](Self::reclaim) does, in less than a millisecond unless users'
    /// `Drop` takes longer. Whether there may be more.
    ///
    /// For those who have time and don't want to be noticed: they rest between the parts.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let all: Vec<_> = (0..10_000).map(|n| domain.tvar(n)).collect();
    /// let held = domain.hold();
    /// all.iter().for_each(|x| domain.atomically(|tx| Ok(tx.modify(x, |n| *n += 1))));
    /// drop(held);
    /// let mut parts = 1;
    /// while domain.reclaim_some() {
    ///     parts += 1;
    /// }
    /// assert!(parts > 5);
    /// assert!(all.iter().all(|x| domain.versions(x) == 1));
    /// ```
    #[must_use = "there may be more"]
    pub fn reclaim_some(&self) -> bool {
        self.inner.tidy_some()
    }

    /// Gives memory that free versions took back to the allocator, as far as whole chunks of it
    /// are free. Returns the bytes.
    ///
    /// Takes time in proportion to the free versions; nobody waits for it.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// domain.reclaim();
    /// assert_eq!(domain.shrink(), 0);
    /// ```
    pub fn shrink(&self) -> usize {
        self.shrink_while(|| true)
    }

    /// [`shrink`](Self::shrink), for whoever keeps a pace: every few free versions, which take some
    /// hundred microseconds, `go_on` is called, and may sleep or use the domain. When it says no, or
    /// panics, nothing more is given back, and nothing is lost.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// domain.reclaim();
    /// assert_eq!(domain.shrink_while(|| false), 0);
    /// ```
    pub fn shrink_while(&self, go_on: impl FnMut() -> bool) -> usize {
        // A free block that a context keeps for its next transaction keeps the whole chunk.
        Lent::of(&self.inner).blocks.give_all(&self.inner.blocks);
        self.inner.contexts.lock().free_blocks().for_each(|free| free.give_all(&self.inner.blocks));
        let live = Live::at_present(&self.inner.registry, &self.inner.clock);
        self.inner.blocks.shrink(&live, || self.inner.registry.nobody_cleans(), go_on)
    }

    /// The objects in the slots with these numbers whose newest version lies outside of the slot
    /// and would lie in it if it were written again: a glance, for who wants the memory.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// domain.atomically(|tx| Ok(tx.create(1)));
    /// assert_eq!(domain.away(0..domain.slots()), []);
    /// ```
    #[must_use]
    pub fn away(&self, slots: Range<u32>) -> Vec<(Handle, Kind)> {
        self.away_since(slots, CommitTs::NEVER)
    }

    /// Those of [`away`](Self::away) that have been so since this instant or longer.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// domain.atomically(|tx| Ok(tx.create(1)));
    /// assert_eq!(domain.away_since(0..domain.slots(), domain.now()), []);
    /// ```
    #[must_use]
    pub fn away_since(&self, slots: Range<u32>, at: CommitTs) -> Vec<(Handle, Kind)> {
        Frame::begin(&self.inner).away(slots, at)
    }

    /// Brings newest versions that lie outside of their slots home, in the slots with these numbers,
    /// where they find room or take the place of an older version that a snapshot keeps. Reading
    /// them takes one look at memory then, instead of two. Returns how many.
    ///
    /// It needs moments in which nobody is in a transaction: whoever wants to begin one waits for
    /// that time, tens of microseconds. `None` if somebody does not end soon; then it may have been
    /// done in part, and can be tried again. What snapshots see stays the same.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1)));
    /// let held = domain.hold();
    /// domain.atomically(|tx| Ok(tx.put(name, 2))).unwrap();
    /// assert_eq!(domain.bring_home(0..domain.slots()), Some(1));
    /// assert_eq!(held.read(|s| *s.get::<i32>(name).unwrap()), 1);
    /// assert_eq!(domain.snapshot(|s| *s.get::<i32>(name).unwrap()), 2);
    /// ```
    pub fn bring_home(&self, slots: Range<u32>) -> Option<usize> {
        self.bring_home_since(slots, CommitTs::NEVER)
    }

    /// As [`bring_home`](Self::bring_home), but only versions that have been away since this instant
    /// or longer, or whose place has been taken since then. What is written all the time goes to and
    /// fro between slot and block by itself; this leaves it alone.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// let names: Vec<_> =
    ///     (0..2).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    /// let held = domain.hold();
    /// domain.atomically(|tx| Ok(tx.put(names[0], 2))).unwrap();
    /// drop(held);
    /// domain.reclaim();
    /// let first = domain.now();
    /// let held = domain.hold();
    /// domain.atomically(|tx| Ok(tx.put(names[1], 3))).unwrap();
    /// drop(held);
    /// domain.reclaim();
    /// assert_eq!(domain.bring_home_since(0..domain.slots(), first), Some(1));
    /// ```
    pub fn bring_home_since(&self, slots: Range<u32>, at: CommitTs) -> Option<usize> {
        self.inner.bring_home(slots, at)
    }

    /// Gives objects whose newest version has outgrown its slot, and lies in a block beside it,
    /// larger slots, and those that have become smaller smaller ones, page by page and where that
    /// saves memory. Returns the bytes saved, some of them when older versions have gone;
    /// [`shrink`](Self::shrink) gives them back.
    ///
    /// It needs moments in which nobody is in a transaction: whoever wants to begin one waits for
    /// that time, tens of microseconds. `None` if somebody does not end soon; then it may have been
    /// done in part, and can be tried again. The names of objects and what snapshots see stay the
    /// same.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// let names: Vec<_> =
    ///     (0..1_000).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
    /// assert_eq!(domain.rehouse(0..domain.slots()), Some(0));
    /// ```
    pub fn rehouse(&self, slots: Range<u32>) -> Option<usize> {
        self.inner.rehouse(slots)
    }
}
