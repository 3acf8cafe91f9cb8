//! Transformers with a time limit: they run on a thread of their own, which is given up when the
//! limit is over.
//!
//! A thread can't be stopped from outside. One that was given up goes on until its transformer
//! comes back; what it brings is thrown away, and the thread ends.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use upgradable_stm::layer::Touch;
use upgradable_stm::{Domain, Handle, HeldSnapshot};

use crate::sync::{AtomicBool, Mutex, Ordering};

thread_local! {
    /// What is to be known of the job that this thread does.
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// A job under way.
#[derive(Clone, Debug)]
struct Current {
    /// Whether nobody waits for it any more.
    given_up: Arc<AtomicBool>,
    /// Whether it is done for a sweep.
    swept: bool,
}

/// Whether the transformer runs on a thread that may be given up.
pub(crate) fn is_worker() -> bool {
    CURRENT.with(|current| current.borrow().is_some())
}

/// Whether nobody waits for this thread's transformer any more.
pub(crate) fn is_given_up() -> bool {
    CURRENT.with(|current| {
        current.borrow().as_ref().is_some_and(|current| current.given_up.load(Ordering::Acquire))
    })
}

/// Whether this thread's transformer runs for a sweep.
pub(crate) fn is_sweeping() -> bool {
    CURRENT.with(|current| current.borrow().as_ref().is_some_and(|current| current.swept))
}

/// Threads that touch objects for others.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    /// What they work on; none when the heap has gone.
    domain: Mutex<Option<Domain>>,
    idle: Mutex<Vec<SyncSender<Job>>>,
}

struct Job {
    /// What the transaction sees for which this is done: the object is converted as for it.
    seen: HeldSnapshot,
    object: Handle,
    current: Current,
    done: SyncSender<()>,
}

impl Workers {
    pub(crate) fn employ(&self, domain: Domain) {
        *self.domain.lock() = Some(domain);
    }

    /// The heap goes; the threads end when they have nothing to do.
    pub(crate) fn part(&self) {
        let domain = self.domain.lock().take();
        self.idle.lock().clear();
        drop(domain);
    }

    /// Touches the object on another thread. `false`: not within the limit.
    pub(crate) fn touch(&self, touch: &Touch<'_>, limit: Duration) -> bool {
        let Some(domain) = self.domain.lock().clone() else { return false };
        let given_up = Arc::new(AtomicBool::new(false));
        let (done, is_done) = sync_channel(1);
        let current = Current { given_up: Arc::clone(&given_up), swept: touch.is_swept() };
        let mut job = Job { seen: touch.hold(&domain), object: touch.handle(), current, done };
        let worker = loop {
            let idle = self.idle.lock().pop();
            let worker = idle.or_else(hire);
            let Some(worker) = worker else { return false };
            match worker.send(job) {
                Ok(()) => break worker,
                Err(unsent) => job = unsent.0,
            }
        };
        if is_done.recv_timeout(limit).is_ok() {
            self.idle.lock().push(worker);
            return true;
        }
        given_up.store(true, Ordering::Release);
        false
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
    for Job { seen, object, current, done } in inbox {
        CURRENT.set(Some(current));
        // What went wrong is in the upgrade's list of failures.
        let _ = seen.read(|s| s.version(object));
        CURRENT.set(None);
        // Before the word is given that all is over.
        drop(seen);
        if done.send(()).is_err() {
            return;
        }
    }
}
