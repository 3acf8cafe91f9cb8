//! Moments without transactions.
//!
//! Some work can only be done while nobody is in a transaction or cleans up: exchanging the pages
//! of slots, and the places of an object's versions. In a *quiet* moment every context is claimed,
//! as one is for tidying, so that nobody is in a transaction or will begin one; and whoever wants
//! the moment holds the lock that excludes tidying.
//!
//! # How one comes about
//!
//! Who goes from one transaction to the next is hardly ever found between two. So everybody is
//! asked first not to begin again, and looks at that when they begin. And where all processors are
//! busy, whoever wants a quiet moment has taken the place of somebody who is in the middle of a
//! transaction, and can't end it meanwhile. So the work is left to the threads that are at work, as
//! a *chore*, and its owner sleeps: the first one that is asked takes the chore over, waits for the
//! others, who run and are asked, too, and does the work. All that is limited in time: with a long
//! transaction in the way there is no quiet moment, and nothing happens.

use std::mem;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use super::context::{Context, ContextPool, Lent};
use super::slab::SlotCache;
use crate::domain::Inner;
use crate::reclaim::active::Seat;
use crate::sync::{Condvar, Mutex, spin_loop};

/// For so long those who have ended are kept from beginning while others go on.
const PATIENCE: Duration = Duration::from_micros(60);
/// For so long a chore waits for somebody who takes it over.
const CHORE: Duration = Duration::from_millis(2);

/// A moment in which no transaction is under way and nobody cleans up: every context is claimed.
pub(super) struct Quiet<'p> {
    claimed: &'p [NonNull<Context>],
    /// Those whose owners have been asked not to begin again, and have not ended.
    asked: &'p [NonNull<Context>],
}

/// The seat of a context of a pool that is at hand.
fn seat(context: &NonNull<Context>) -> &Seat {
    // SAFETY: contexts live as long as the pool. Only the seat, which is shared by design, is
    // touched; no reference to the whole context is made.
    unsafe { &(*context.as_ptr()).seat }
}

impl Quiet<'_> {
    /// The contexts' free slots.
    pub(super) fn slots(&self) -> impl Iterator<Item = &SlotCache> {
        // SAFETY: contexts live as long as the pool. The owner uses its free slots under an
        // announcement or a withdrawn one, or while it tidies, which the caller excludes; no
        // reference to the whole context is made.
        self.claimed.iter().map(|context| unsafe { &(*context.as_ptr()).slots })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.claimed.iter().for_each(|context| seat(context).release());
        self.asked.iter().for_each(|context| seat(context).unask());
    }
}

impl ContextPool {
    /// Keeps everybody from beginning, and waits for those under way; `None` if that takes too long.
    /// Whoever wants the moment holds the lock that excludes tidying.
    ///
    /// It keeps the processor: whoever is out of one may be so for milliseconds, and others would
    /// be kept waiting for all that time.
    fn quiet(&self, patience: Duration) -> Option<Quiet<'_>> {
        let started = Instant::now();
        self.ask();
        let mut quiet = Quiet { claimed: &[], asked: &self.all };
        while let [next, asked @ ..] = quiet.asked {
            // A glance first: the owner's cache line is not asked for in vain.
            while !(seat(next).is_idle() && seat(next).claim_asked()) {
                if started.elapsed() >= patience {
                    return None;
                }
                spin_loop();
            }
            quiet.asked = asked;
            quiet.claimed = &self.all[..self.all.len() - asked.len()];
        }
        Some(quiet)
    }

    fn ask(&self) {
        self.all.iter().for_each(|context| seat(context).ask());
    }

    fn unask(&self) {
        self.all.iter().for_each(|context| seat(context).unask());
    }
}

/// What there is to do in a quiet moment.
#[derive(Debug)]
pub(super) enum Work {
    /// Versions in the slots with these numbers come home.
    Home(Vec<u32>),
    /// These pages are exchanged for pages with slots of another size.
    Rehouse(Vec<usize>),
}

#[derive(Debug, Default)]
enum Chore {
    #[default]
    None,
    Posted(Work),
    Taken,
    /// With what came of it; `None`: somebody was in the way.
    Done(Option<usize>),
}

/// The chore of a domain: one at a time, as its owner holds the lock that excludes tidying.
#[derive(Debug, Default)]
pub(crate) struct Chores {
    chore: Mutex<Chore>,
    done: Condvar,
}

impl Inner {
    /// Does this in a quiet moment, and says what came of it. `None`: somebody is in the way, and it
    /// was not done.
    pub(super) fn quietly(&self, work: Work, context: &Context) -> Option<usize> {
        let _tidying = self.tidying.try_lock()?;
        if let Some(quiet) = self.contexts.lock().quiet(Duration::ZERO) {
            return self.do_quietly(&work, &quiet, context);
        }
        // What a model would see of a chore is a lock.
        if cfg!(any(loom, shuttle)) { None } else { self.send(work) }
    }

    fn do_quietly(&self, work: &Work, quiet: &Quiet<'_>, context: &Context) -> Option<usize> {
        if self.privilege.is_active() {
            return None;
        }
        Some(match work {
            Work::Home(numbers) => self.come_home(numbers, context),
            Work::Rehouse(pages) => self.rehouse_pages(pages, quiet, context),
        })
    }

    /// Leaves the work to somebody who is about to begin a transaction.
    fn send(&self, work: Work) -> Option<usize> {
        let deadline = Instant::now() + CHORE;
        let mut chore = self.chores.chore.lock();
        *chore = Chore::Posted(work);
        // Under the lock: who is asked finds it.
        self.contexts.lock().ask();
        while matches!(*chore, Chore::Posted(_)) && Instant::now() < deadline {
            chore = self.chores.done.wait_until(chore, deadline);
        }
        while matches!(*chore, Chore::Taken) {
            chore = self.chores.done.wait(chore);
        }
        match mem::take(&mut *chore) {
            Chore::Done(result) => result,
            _ => {
                self.contexts.lock().unask();
                None
            }
        }
    }

    /// Called by who is about to begin a transaction, and is asked not to.
    #[cold]
    #[inline(never)]
    pub(super) fn make_room(&self, context: &Context) {
        let mut chore = self.chores.chore.lock();
        if let Chore::Posted(_) = *chore {
            // Within another transaction there can't be a quiet moment.
            if Lent::is_only_one()
                && let Chore::Posted(work) = mem::replace(&mut *chore, Chore::Taken)
            {
                drop(chore);
                let mut taken = Taken { chores: &self.chores, result: None };
                let contexts = self.contexts.lock();
                let quiet = contexts.quiet(PATIENCE);
                taken.result = quiet.and_then(|quiet| self.do_quietly(&work, &quiet, context));
            }
            return;
        }
        drop(chore);
        context.seat.wait_for_claimer();
    }
}

/// A chore that was taken over. Its owner learns how it ended, whatever happens.
struct Taken<'e> {
    chores: &'e Chores,
    result: Option<usize>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.chores.chore.lock() = Chore::Done(self.result);
        self.chores.done.notify_all();
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::thread;

    use super::Chore;
    use crate::domain::Domain;
    use crate::sync::{AtomicBool, Ordering};

    /// Enough for somebody who is mostly in time.
    const ATTEMPTS: usize = 1000;

    /// A worker goes from one transaction to the next, and ends one only for a chore.
    #[test]
    fn who_is_at_work_does_chores() {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(1)));
        let _old = domain.hold();
        domain.atomically(|tx| Ok(tx.put(name, 2))).unwrap();
        let (begun, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                domain.snapshot(|_| {
                    begun.store(true, Ordering::Relaxed);
                    let chore = &domain.inner.chores.chore;
                    let is_posted = || matches!(*chore.lock(), Chore::Posted(_));
                    while !is_posted() && !stop.load(Ordering::Relaxed) {
                        thread::yield_now();
                    }
                });
            }
        };
        let brought = thread::scope(|scope| {
            scope.spawn(work);
            while !begun.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            let brought = (0..ATTEMPTS).find_map(|_| domain.bring_home(0..domain.slots()));
            stop.store(true, Ordering::Relaxed);
            brought
        });
        assert_eq!(brought, Some(1));
        assert_eq!(domain.bring_home(0..domain.slots()), Some(0));
    }
}
