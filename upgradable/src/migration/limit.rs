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

use upgradable_stm::{Domain, Handle};

use crate::sync::{AtomicBool, Mutex, Ordering};

thread_local! {
    /// Of the job that this thread does: whether it has been given up.
    static GIVEN_UP: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Whether the transformer runs on a thread that may be given up.
pub(crate) fn is_worker() -> bool {
    GIVEN_UP.with(|flag| flag.borrow().is_some())
}

/// Whether nobody waits for this thread's transformer any more.
pub(crate) fn is_given_up() -> bool {
    GIVEN_UP.with(|flag| flag.borrow().as_ref().is_some_and(|flag| flag.load(Ordering::Acquire)))
}

/// Threads that touch objects for others.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    /// What they work on; none when the heap has gone.
    domain: Mutex<Option<Domain>>,
    idle: Mutex<Vec<SyncSender<Job>>>,
}

struct Job {
    domain: Domain,
    object: Handle,
    given_up: Arc<AtomicBool>,
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
    pub(crate) fn touch(&self, object: Handle, limit: Duration) -> bool {
        let Some(domain) = self.domain.lock().clone() else { return false };
        let given_up = Arc::new(AtomicBool::new(false));
        let (done, is_done) = sync_channel(1);
        let mut job = Job { domain, object, given_up: Arc::clone(&given_up), done };
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
    for Job { domain, object, given_up, done } in inbox {
        GIVEN_UP.set(Some(given_up));
        // What went wrong is in the upgrade's list of failures.
        let _ = domain.touch(object);
        GIVEN_UP.set(None);
        // Before the word is given that all is over.
        drop(domain);
        if done.send(()).is_err() {
            return;
        }
    }
}
