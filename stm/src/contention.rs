//! No starvation: a transaction that lost too often becomes privileged.
//!
//! # Protocol
//!
//! One transaction of a domain at a time is privileged. It notes every object it reads in a filter
//! that all can see, *before* it reads it. Every other commit, *after* it has locked what it writes
//! and before it takes a timestamp, looks whether somebody is privileged and has noted one of its
//! objects; then it gives its locks back and waits. Each side does a write, a full fence, and a
//! read: so either the commit sees the note, or the privileged transaction sees the lock or the
//! new version. The latter costs it this attempt, but the note stays for the next one; the notes
//! only become more, and the commits that had passed the look before are finitely many. So after
//! a bounded number of attempts nothing that it reads changes any more, and it commits.
//!
//! Transactions that don't touch its objects go on, except for accidental hits in the filter.
//!
//! What the thread of the privileged transaction runs meanwhile, because a value that it drops
//! begins a transaction, or a handler after a panic, has the privilege, too: it can't wait for its
//! own turn. Other handlers run without it, for they may take their time.
//!
//! A transaction that runs inside another one of its thread does not wait here: the outer one may
//! be the privileged one's opponent in another domain. It goes on and takes its chances.
//!
//! Nobody can tell whether the privileged transaction itself waits for one of those that make way
//! for it: its closure may have handed work to another thread. So others make way for a limited
//! time: for as long as several of its executions took that were lost before, and for a second at
//! least. Then the turn is over, and the transaction may get another one when it has lost again.

use std::time::{Duration, Instant};

use crate::raw::slot::SlotPtr;
use crate::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, fence_after_rmw,
    full_fence, thread_local,
};

thread_local! {
    /// Has an address that no other thread's has.
    #[allow(clippy::missing_const_for_thread_local, reason = "loom's statics can't be")]
    static MARK: u8 = 0;
}

/// Another number for each thread that there is; zero at the very end of a thread.
fn this_thread() -> usize {
    MARK.try_with(|mark| std::ptr::from_ref(mark).addr()).unwrap_or(0)
}

/// After so many conflicts a transaction becomes privileged.
pub(crate) const PATIENCE: u32 = if cfg!(any(loom, shuttle, chaos)) { 1 } else { 12 };

/// For so long at least others make way for one turn,
const LEAST: Duration = Duration::from_secs(1);
/// and for as long as so many of its executions before took.
const EXECUTIONS: u32 = 16;

const WORDS: usize = if cfg!(any(loom, shuttle)) { 1 } else { 16 };

/// Who is privileged, and what it has read.
#[derive(Debug)]
pub(crate) struct Privilege {
    active: AtomicBool,
    /// Whose turn it is; zero: nobody's.
    owner: AtomicUsize,
    filter: [AtomicU64; WORDS],
    /// Held by the privileged transaction.
    turn: Mutex<()>,
    /// How long others make way, in nanoseconds.
    limit: AtomicU64,
    /// How many turns have ended.
    ended: Mutex<u64>,
    over: Condvar,
}

/// The turn of a privileged transaction; it ends with the guard.
pub(crate) struct Turn<'p> {
    privilege: &'p Privilege,
    /// Released after the turn has been declared over. None: it is part of another turn.
    turn: Option<MutexGuard<'p, ()>>,
}

impl Turn<'_> {
    /// Whether others make way for it.
    pub(crate) fn counts(&self) -> bool {
        self.privilege.is_active()
    }
}

impl std::fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn")
    }
}

fn position(slot: SlotPtr) -> (usize, u64) {
    let hash = if cfg!(any(loom, shuttle)) {
        // The same in every execution of a model, wherever its pages lie.
        slot.addr() as u64 >> 3
    } else {
        (slot.addr() as u64 >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48
    };
    ((hash >> 6) as usize % WORDS, 1 << (hash & 63))
}

impl Privilege {
    pub(crate) fn new() -> Self {
        Self {
            active: AtomicBool::new(false),
            owner: AtomicUsize::new(0),
            filter: std::array::from_fn(|_| AtomicU64::new(0)),
            turn: Mutex::new(()),
            limit: AtomicU64::new(0),
            ended: Mutex::new(0),
            over: Condvar::default(),
        }
    }

    /// Waits for its turn and takes it. `execution`: how long one of its executions takes. `None`:
    /// somebody else has had it for too long.
    pub(crate) fn enter(&self, execution: Duration) -> Option<Turn<'_>> {
        if self.is_mine() {
            return Some(Turn { privilege: self, turn: None });
        }
        let limit = execution.saturating_mul(EXECUTIONS).max(LEAST);
        let turn = match Instant::now().checked_add(limit) {
            Some(deadline) => self.turn.try_lock_until(deadline)?,
            None => self.turn.lock(),
        };
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.limit.store(nanos, Ordering::Relaxed);
        // Relaxed: only the thread itself compares it with its number.
        self.owner.store(this_thread(), Ordering::Relaxed);
        for word in &self.filter {
            word.store(0, Ordering::Relaxed);
        }
        self.active.store(true, Ordering::Release);
        full_fence();
        Some(Turn { privilege: self, turn: Some(turn) })
    }

    /// Notes an object that the privileged transaction is about to read.
    pub(crate) fn note(&self, slot: SlotPtr) {
        let (word, bit) = position(slot);
        // The full fence pairs with the one in `is_active`'s caller: see the module docs.
        // (loom model `privileged_against_committer`.)
        self.filter[word].fetch_or(bit, Ordering::SeqCst);
        fence_after_rmw();
    }

    /// Whether somebody is privileged. A full fence must stand between the locks and this.
    #[inline(always)]
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// Whether it is the turn of a transaction of this thread.
    pub(crate) fn is_mine(&self) -> bool {
        let owner = self.owner.load(Ordering::Relaxed);
        owner != 0 && owner == this_thread()
    }

    /// Whether the privileged transaction has noted this object, or one like it.
    pub(crate) fn has_noted(&self, slot: SlotPtr) -> bool {
        let (word, bit) = position(slot);
        self.filter[word].load(Ordering::Acquire) & bit != 0
    }

    /// Waits until the present turn is over, and declares it over when it takes too long.
    pub(crate) fn wait(&self) {
        let mut ended = self.ended.lock();
        let seen = *ended;
        let limit = Duration::from_nanos(self.limit.load(Ordering::Relaxed));
        let deadline = Instant::now().checked_add(limit);
        while self.is_active() && *ended == seen {
            let Some(deadline) = deadline else {
                ended = self.over.wait(ended);
                continue;
            };
            if Instant::now() >= deadline {
                self.end(ended);
                return;
            }
            ended = self.over.wait_until(ended, deadline);
        }
    }

    /// Nobody makes way any more.
    fn end(&self, mut ended: MutexGuard<'_, u64>) {
        // Under the lock, so that nobody checks it and then sleeps through the notification.
        self.active.store(false, Ordering::Release);
        *ended += 1;
        drop(ended);
        self.over.notify_all();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.turn.is_none() {
            return;
        }
        self.privilege.owner.store(0, Ordering::Relaxed);
        self.privilege.end(self.privilege.ended.lock());
    }
}
