//! The live snapshots: announcements, and looks at all of them.

use std::sync::Arc;

use crossbeam_utils::CachePadded;

use crate::clock::{CommitTs, GlobalClock};
use crate::stats::Counters;
use crate::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Backoff, Ordering, RwLock, fence_after_rmw, full_fence,
};

/// "Any snapshot from this one on may be in use": while a snapshot is being acquired, and where
/// a past instant is kept open.
const OPEN: u64 = 1 << 63;
/// No snapshot.
const IDLE: u64 = u64::MAX;
/// No snapshot, and somebody is at work in the context that the seat belongs to.
const CLAIMED: u64 = u64::MAX - 1;

/// Who else is under way; the greater, the more they may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Others {
    Nobody,
    /// All of them at this instant or before.
    Until(CommitTs),
    /// Somebody who may see anything.
    Somebody,
}

impl Others {
    /// Whether none of them sees a version with this stamp, while nothing has superseded it yet.
    #[inline(always)]
    pub(crate) fn miss(self, stamp: CommitTs) -> bool {
        match self {
            Self::Nobody => true,
            Self::Until(newest) => newest < stamp,
            Self::Somebody => false,
        }
    }
}

/// The place where one context, or one held snapshot, announces.
#[derive(Debug)]
pub(crate) struct Seat {
    word: CachePadded<AtomicU64>,
    /// The snapshot before this one. Written by the owner only.
    last: AtomicU64,
    /// While another thread is at work in the context; see [`Seat::claim`].
    claimed: AtomicBool,
    pub(crate) counters: CachePadded<Counters>,
}

impl Seat {
    fn new() -> Self {
        Self {
            word: CachePadded::new(AtomicU64::new(IDLE)),
            last: AtomicU64::new(0),
            claimed: AtomicBool::new(false),
            counters: CachePadded::default(),
        }
    }

    /// Acquires the newest snapshot and announces it.
    #[inline(always)]
    pub(crate) fn announce(&self, clock: &GlobalClock) -> CommitTs {
        // Open first, with a full fence before the clock is read again: a look that misses this
        // swap took its limit before, so our snapshot is not below that limit (invariant 1).
        // AcqRel and better: what this thread read under earlier snapshots happens before any
        // look that sees this word. (loom model `trim_against_walking_reader`.)
        // Open from the last snapshot on: it is not later than this one will be, and the clock's
        // cache line, which all commits write, is asked for once.
        let last = self.last.load(Ordering::Relaxed);
        let before = self.word.swap(last | OPEN, Ordering::SeqCst);
        fence_after_rmw();
        if before != IDLE {
            self.wait_for_claimer();
        }
        let snapshot = clock.now();
        self.last.store(snapshot.to_bits(), Ordering::Relaxed);
        // Release: no look that sees the narrower word may miss what came before it.
        self.word.store(snapshot.to_bits(), Ordering::Release);
        snapshot
    }

    /// Announces a past instant that is already protected by another announcement.
    pub(crate) fn announce_protected(&self, instant: CommitTs) {
        let before = self.word.swap(instant.to_bits(), Ordering::SeqCst);
        fence_after_rmw();
        if before != IDLE {
            self.wait_for_claimer();
        }
    }

    /// Announces everything from the present on, to choose an instant later with
    /// [`Seat::narrow`].
    pub(crate) fn announce_open(&self, clock: &GlobalClock) {
        self.word.swap(clock.now().to_bits() | OPEN, Ordering::SeqCst);
        fence_after_rmw();
    }

    /// The first step of [`announce`](Self::announce) of somebody whose last snapshot was this.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(crate) fn begin_after(&self, last: CommitTs) {
        self.word.swap(last.to_bits() | OPEN, Ordering::SeqCst);
    }

    /// From an open announcement to one instant in it.
    pub(crate) fn narrow(&self, instant: CommitTs) {
        self.word.store(instant.to_bits(), Ordering::Release);
    }

    /// Ends the announcement, but keeps the context: for the work after a transaction.
    pub(crate) fn withdraw(&self) {
        #[cfg(chaos)]
        crate::chaos::linger();
        // Release: all reads under the snapshot happen before the drop of what they read. SeqCst:
        // pairs with the fence in `nobody_cleans`; who misses it is missed by it.
        self.word.swap(CLAIMED, Ordering::SeqCst);
        fence_after_rmw();
    }

    /// Ends the announcement.
    #[inline(always)]
    pub(crate) fn leave(&self) {
        #[cfg(chaos)]
        crate::chaos::linger();
        // Release: all reads under the snapshot happen before the drop of what they read.
        self.word.store(IDLE, Ordering::Release);
    }

    /// Whether nothing is announced, and nobody is at work in the context.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        // Acquire: pairs with the Release of `leave`.
        self.word.load(Ordering::Acquire) == IDLE
    }

    /// What the owner is to a commit of somebody else.
    #[inline(always)]
    pub(crate) fn company(&self) -> Others {
        // Acquire: pairs with the Release of `leave`.
        match self.word.load(Ordering::Acquire) {
            IDLE => Others::Nobody,
            word if word & OPEN == 0 => Others::Until(CommitTs::from_word(word)),
            // One who cleans up, too.
            _ => Others::Somebody,
        }
    }

    /// Whether the owner may have a snapshot before `instant`.
    pub(crate) fn looks_before(&self, instant: CommitTs) -> bool {
        // Acquire: pairs with the Release of `leave`.
        let word = self.word.load(Ordering::Acquire);
        word < CLAIMED && word & !OPEN < instant.to_bits()
    }

    /// Takes an idle context over from its owner, for cleaning. One claimer at a time (the caller
    /// holds the domain's lock for it); ends with [`Seat::release`].
    pub(crate) fn claim(&self) -> bool {
        self.ask();
        let idle = self.claim_asked();
        if !idle {
            self.unask();
        }
        idle
    }

    /// Asks the owner not to begin again, until [`Seat::unask`] or [`Seat::release`].
    pub(crate) fn ask(&self) {
        self.claimed.store(true, Ordering::Relaxed);
    }

    /// Whether the owner is asked not to begin.
    #[inline(always)]
    pub(crate) fn is_asked(&self) -> bool {
        self.claimed.load(Ordering::Relaxed)
    }

    /// Lets the owner of a context go on that could not be claimed.
    pub(crate) fn unask(&self) {
        self.claimed.store(false, Ordering::Release);
    }

    /// [`claim`](Self::claim), if the owner has ended since it was asked.
    pub(crate) fn claim_asked(&self) -> bool {
        // AcqRel: Acquire for the owner's last work in the context; Release so that the owner,
        // whose swap finds CLAIMED, also finds the flag set.
        self.word.compare_exchange(IDLE, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Gives a claimed context back.
    pub(crate) fn release(&self) {
        // The word before the flag: an owner that has announced meanwhile waits for the flag, and
        // so this fails. The other way round the owner might go on, withdraw, and have its own
        // CLAIMED taken for ours, and the next claimer beside it in the context.
        // Release: what was done in the context, for the owner's next swap.
        let _ = self.word.compare_exchange(CLAIMED, IDLE, Ordering::Release, Ordering::Relaxed);
        // Release: pairs with the Acquire in `wait_for_claimer`.
        self.claimed.store(false, Ordering::Release);
    }

    /// Waits until the owner may begin.
    #[cold]
    pub(crate) fn wait_for_claimer(&self) {
        let mut backoff = Backoff::new();
        while self.claimed.load(Ordering::Acquire) {
            backoff.snooze();
        }
    }
}

/// All seats of a domain.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    seats: RwLock<Vec<Arc<Seat>>>,
    /// Changes with the list, under its lock.
    edition: AtomicUsize,
}

impl Registry {
    /// A new seat.
    pub(crate) fn join(&self) -> Arc<Seat> {
        let seat = Arc::new(Seat::new());
        let mut seats = self.seats.write();
        seats.push(Arc::clone(&seat));
        self.next_edition();
        drop(seats);
        seat
    }

    /// Takes the seat of a held snapshot away.
    pub(crate) fn part(&self, seat: &Arc<Seat>) {
        seat.leave();
        let mut seats = self.seats.write();
        seats.retain(|other| !Arc::ptr_eq(other, seat));
        self.next_edition();
    }

    fn next_edition(&self) {
        // SeqCst, though the fence of the announcement that follows orders it anyway.
        self.edition.fetch_add(1, Ordering::SeqCst);
    }

    /// Which edition of the list this is. Zero comes before all.
    #[inline(always)]
    pub(crate) fn edition(&self) -> usize {
        self.edition.load(Ordering::Acquire)
    }

    /// Shows `f` all seats of one edition, and says which.
    pub(crate) fn read(&self, f: impl FnOnce(&[Arc<Seat>])) -> usize {
        let seats = self.seats.read();
        f(&seats);
        self.edition()
    }

    /// Whether nobody is at work in a context without a snapshot: cleaning.
    pub(crate) fn nobody_cleans(&self) -> bool {
        // What the caller knows to be free was taken out of all heads before this.
        full_fence();
        // Acquire: pairs with the Release of `leave` and `release`: the cleaning is over.
        // The word first: an owner that begins announces over the word of a claimer, and waits for
        // it then. Its swap carries on the Release of the claim; so who sees it sees the flag, until
        // the claimer has taken that back. (loom model
        // `claim_against_owner_and_who_gives_memory_back`.)
        let cleans = |seat: &Arc<Seat>| {
            seat.word.load(Ordering::Acquire) == CLAIMED || seat.claimed.load(Ordering::Acquire)
        };
        !self.seats.read().iter().any(cleans)
    }

    /// Runs `f` on every seat.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Seat)) {
        for seat in self.seats.read().iter() {
            f(seat);
        }
    }
}

/// Why a version must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// This live snapshot sees it.
    Seen(CommitTs),
    /// It was superseded after the limit.
    TooNew,
}

/// What one look at the announcements found.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// Every snapshot acquired after the look, and every open one, is at or above this.
    limit: CommitTs,
    /// Whether some announcement was open.
    open: bool,
    /// The announced snapshots, sorted.
    snapshots: Vec<CommitTs>,
}

impl Live {
    /// A first look at all announcements.
    pub(crate) fn at_present(registry: &Registry, clock: &GlobalClock) -> Self {
        let mut live = Self::default();
        live.look(registry, clock);
        live
    }

    /// Looks at all announcements.
    pub(crate) fn look(&mut self, registry: &Registry, clock: &GlobalClock) {
        self.snapshots.clear();
        self.open = false;
        self.limit = clock.now();
        // Pairs with the fence in `announce`: the limit is read before any announcement.
        full_fence();
        let (limit, open, snapshots) = (&mut self.limit, &mut self.open, &mut self.snapshots);
        registry.for_each(|seat| {
            // Acquire: pairs with the Release of `leave` and its kin.
            let word = seat.word.load(Ordering::Acquire);
            if word == IDLE || word == CLAIMED {
                return;
            }
            let at = CommitTs::from_word(word & !OPEN);
            if word & OPEN == 0 {
                snapshots.push(at);
            } else {
                *open = true;
                *limit = (*limit).min(at);
            }
        });
        self.snapshots.sort_unstable();
    }

    /// Whether the version stamped `from` and superseded at `until` must stay, and why.
    pub(crate) fn stay(&self, from: CommitTs, until: CommitTs) -> Option<Stay> {
        if until > self.limit {
            return Some(Stay::TooNew);
        }
        let at = self.snapshots.partition_point(|&snapshot| snapshot < from);
        self.snapshots.get(at).filter(|&&seen| seen < until).map(|&seen| Stay::Seen(seen))
    }

    /// Whether some transaction may be under way that began before `instant`.
    pub(crate) fn any_before(&self, instant: CommitTs) -> bool {
        self.oldest() < instant
    }

    /// No transaction is under way, or ever will be, that began before this.
    pub(crate) fn oldest(&self) -> CommitTs {
        self.snapshots.first().map_or(self.limit, |&oldest| oldest.min(self.limit))
    }

    /// Whether nobody was announced.
    pub(crate) fn is_idle(&self) -> bool {
        !self.open && self.snapshots.is_empty()
    }

    /// Whether this very snapshot was announced.
    pub(crate) fn contains(&self, snapshot: CommitTs) -> bool {
        self.snapshots.binary_search(&snapshot).is_ok()
    }

    /// How many snapshots were announced.
    pub(crate) fn len(&self) -> usize {
        self.snapshots.len()
    }
}
