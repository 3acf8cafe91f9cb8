//! Transformers with a time limit: they run on a thread of their own, which is given up when the
//! limit is over.
//!
//! A thread can't be stopped from outside. One that was given up goes on until its transformer
//! comes back, and keeps memory from being reclaimed so long, as everybody who looks at a version
//! does; what it brings is thrown away.
//!
//! # Invariants
//!
//! 1. An object has at most one attempt under way that may count. Who touches it meanwhile waits for
//!    that one, up to a limit of his own; what it brings counts if anybody waits then. From the
//!    moment when it is found that nobody does, whoever comes begins another one.
//!    ([`Workers::touch`])
//! 2. An upgrade has at most [`HANGING`] attempts under way that nobody waits for. When there are so
//!    many no other is begun, and whoever touches an object is told so.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::layer::Touch;
use upgradable_stm::{Domain, Handle, HeldSnapshot};

use crate::error::TransformErrorKind;
use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering};

/// So many threads may be given up at a time, for each upgrade.
pub(crate) const HANGING: usize = 16;
/// So many threads wait for work; the others end.
const IDLE: usize = 16;

thread_local! {
    /// The attempt that this thread makes.
    static CURRENT: RefCell<Option<Arc<Attempt>>> = const { RefCell::new(None) };
}

/// A thread at its end, whose thread-locals are going, makes none.
fn current<R>(f: impl FnOnce(&Attempt) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_deref().map(f)).ok().flatten()
}

/// Whether the transformer runs on a thread that may be given up.
pub(crate) fn is_worker() -> bool {
    current(|_| ()).is_some()
}

/// Whether nobody waits for this thread's transformer any more.
pub(crate) fn is_given_up() -> bool {
    current(Attempt::is_given_up).unwrap_or(false)
}

/// Whether this thread's transformer runs for a sweep.
pub(crate) fn is_sweeping() -> bool {
    current(|attempt| attempt.swept).unwrap_or(false)
}

/// An attempt to touch an object, on a thread of its own.
#[derive(Debug)]
struct Attempt {
    state: Mutex<State>,
    ended: Condvar,
    /// Whether it was begun for a sweep.
    swept: bool,
    /// The upgrade's count of those that nobody waits for.
    hanging: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct State {
    waiting: usize,
    /// It has come back when nobody waited: what it brings does not count.
    in_vain: bool,
    over: bool,
}

impl Attempt {
    /// One that somebody waits for.
    fn new(swept: bool, hanging: &Arc<AtomicUsize>) -> Self {
        let state = Mutex::new(State { waiting: 1, in_vain: false, over: false });
        Self { state, ended: Condvar::new(), swept, hanging: Arc::clone(hanging) }
    }

    /// One more waits for it; `false`: there is nothing to wait for.
    fn join(&self) -> bool {
        let mut state = self.state.lock();
        if state.in_vain {
            return false;
        }
        if state.waiting == 0 && !state.over {
            self.hanging.fetch_sub(1, Ordering::Relaxed);
        }
        state.waiting += 1;
        true
    }

    /// Waits for its end. `false`: not within the limit.
    fn wait(&self, limit: Duration) -> bool {
        let mut state = self.state.lock();
        // A limit beyond all time is none.
        let deadline = Instant::now().checked_add(limit);
        while !state.over {
            match deadline {
                None => self.ended.wait(&mut state),
                Some(deadline) if self.ended.wait_until(&mut state, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        state.waiting -= 1;
        if state.waiting == 0 && !state.over {
            self.hanging.fetch_add(1, Ordering::Relaxed);
        }
        state.over
    }

    fn end(&self) {
        let mut state = self.state.lock();
        if state.waiting == 0 {
            self.hanging.fetch_sub(1, Ordering::Relaxed);
        }
        state.over = true;
        self.ended.notify_all();
    }

    /// Whether nobody waits; then nobody begins to.
    fn is_given_up(&self) -> bool {
        let mut state = self.state.lock();
        state.in_vain |= state.waiting == 0;
        state.in_vain
    }
}

/// Threads that touch objects for others.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    /// What they work on; none when the heap has gone.
    domain: Mutex<Option<Domain>>,
    office: Arc<Office>,
}

/// What the threads share with those who give them work.
#[derive(Debug, Default)]
struct Office {
    /// By object.
    under_way: Mutex<HashMap<u64, Arc<Attempt>>>,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    threads: Vec<SyncSender<Job>>,
    /// Nobody will have work any more.
    closed: bool,
}

struct Job {
    /// What the transaction sees for which this is done: the object is converted as for it.
    seen: HeldSnapshot,
    object: Handle,
    attempt: Arc<Attempt>,
    office: Arc<Office>,
    /// The way to send the thread its next job.
    thread: SyncSender<Job>,
}

impl Workers {
    pub(crate) fn employ(&self, domain: Domain) {
        *self.domain.lock() = Some(domain);
    }

    /// The heap goes; the threads end when they have nothing to do.
    pub(crate) fn part(&self) {
        let domain = self.domain.lock().take();
        let mut idle = self.office.idle.lock();
        idle.closed = true;
        let threads = std::mem::take(&mut idle.threads);
        drop(idle);
        drop((domain, threads));
    }

    /// Touches the object on another thread, and waits for the end of that as long as the limit
    /// says; `hanging` is the upgrade's count.
    ///
    /// # Errors
    ///
    /// [`TransformErrorKind::TimedOut`] or [`TransformErrorKind::TooManyHanging`].
    pub(crate) fn touch(
        &self,
        touch: &Touch<'_>,
        limit: Duration,
        hanging: &Arc<AtomicUsize>,
    ) -> Result<(), TransformErrorKind> {
        let late = TransformErrorKind::TimedOut { limit };
        let Some(domain) = self.domain.lock().clone() else { return Err(late) };
        let object = touch.handle();
        let mut under_way = self.office.under_way.lock();
        let joined = under_way.get(&object.to_bits()).filter(|attempt| attempt.join());
        let attempt = if let Some(attempt) = joined {
            Arc::clone(attempt)
        } else {
            if hanging.load(Ordering::Relaxed) >= HANGING {
                return Err(TransformErrorKind::TooManyHanging { limit: HANGING });
            }
            let attempt = Arc::new(Attempt::new(touch.is_swept(), hanging));
            let seen = touch.hold(&domain);
            if !self.office.begin(seen, object, &attempt) {
                return Err(late);
            }
            under_way.insert(object.to_bits(), Arc::clone(&attempt));
            attempt
        };
        drop(under_way);
        if attempt.wait(limit) { Ok(()) } else { Err(late) }
    }
}

impl Office {
    /// Gives the work to a thread, if the system has one.
    fn begin(self: &Arc<Self>, seen: HeldSnapshot, object: Handle, attempt: &Arc<Attempt>) -> bool {
        let mut seen = Some(seen);
        loop {
            let idle = self.idle.lock().threads.pop();
            let (Some(thread), Some(seen_by)) = (idle.or_else(hire), seen.take()) else {
                return false;
            };
            let (attempt, office) = (Arc::clone(attempt), Arc::clone(self));
            let job = Job { seen: seen_by, object, attempt, office, thread: thread.clone() };
            match thread.send(job) {
                Ok(()) => return true,
                // A thread that has died.
                Err(unsent) => seen = Some(unsent.0.seen),
            }
        }
    }

    /// Takes a thread back that has done its work.
    fn rest(&self, thread: SyncSender<Job>) {
        let mut idle = self.idle.lock();
        if !idle.closed && idle.threads.len() < IDLE {
            idle.threads.push(thread);
        }
    }
}

/// A new thread, if the system has one.
fn hire() -> Option<SyncSender<Job>> {
    let (jobs, inbox) = sync_channel(1);
    let work = move || work(&inbox);
    thread::Builder::new().name("transformer".into()).spawn(work).ok()?;
    Some(jobs)
}

fn work(inbox: &Receiver<Job>) {
    for Job { seen, object, attempt, office, thread } in inbox {
        CURRENT.set(Some(Arc::clone(&attempt)));
        let end = End { object, attempt, office };
        // What went wrong is in the upgrade's list of failures.
        let _ = seen.read(|s| s.version(object));
        CURRENT.set(None);
        // Before the word is given that all is over.
        drop(seen);
        end.office.rest(thread);
    }
}

/// The attempt ends with this, also when an observer panics.
struct End {
    object: Handle,
    attempt: Arc<Attempt>,
    office: Arc<Office>,
}

impl Drop for End {
    fn drop(&mut self) {
        let mut under_way = self.office.under_way.lock();
        // Unless there is another one by now.
        if let Entry::Occupied(entry) = under_way.entry(self.object.to_bits())
            && Arc::ptr_eq(entry.get(), &self.attempt)
        {
            entry.remove();
        }
        drop(under_way);
        self.attempt.end();
    }
}
