//! What all threads of the server share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::Waker;
use parking_lot::{Condvar, Mutex};
use upgradable::{AccessError, TxError};

use super::config::Config;
use super::metrics::Metrics;
use crate::store::{Answer, Job, Millis, Request};
use crate::version::Versions;

/// How often somebody looks for keys whose time is over.
const EXPIRY: Duration = Duration::from_millis(100);
/// Keys that are looked at in one transaction, and how many of those in a row.
const EXPIRY_KEYS: usize = 200;
const EXPIRY_ROUNDS: usize = 10;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) versions: Versions,
    pub(crate) metrics: Metrics,
    pub(crate) started: Instant,
    address: OnceLock<SocketAddr>,
    next_client: AtomicU64,
    is_stopping: AtomicBool,
    stop: Mutex<Vec<Arc<Waker>>>,
    stopped: Condvar,
}

impl State {
    pub(crate) fn new(config: Config) -> io::Result<Self> {
        let versions = Versions::new(config.version).map_err(io::Error::other)?;
        Ok(Self {
            config,
            versions,
            metrics: Metrics::default(),
            started: Instant::now(),
            address: OnceLock::new(),
            next_client: AtomicU64::new(1),
            is_stopping: AtomicBool::new(false),
            stop: Mutex::default(),
            stopped: Condvar::new(),
        })
    }

    /// Does a job on the present program. What fails comes back as a text for the client.
    pub(crate) fn ask(&self, job: Job, now: Millis) -> (Result<Answer, String>, Job) {
        let request = Request { now, job };
        let outcome = self.versions.service().call(&request);
        (outcome.map_err(|error| refusal(&error)), request.job)
    }

    pub(crate) fn client(&self) -> u64 {
        self.next_client.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn listening_at(&self, address: SocketAddr) {
        self.address.get_or_init(|| address);
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Wakes a thread when the server stops.
    pub(crate) fn at_stop(&self, waker: Arc<Waker>) {
        self.stop.lock().push(waker);
    }

    /// Stops the server: what has been asked is answered, and nothing new is taken.
    pub(crate) fn stop(&self) {
        let wakers = self.stop.lock();
        self.is_stopping.store(true, Ordering::Relaxed);
        for waker in wakers.iter() {
            // Whoever can't be woken looks by itself, from time to time.
            let _ = waker.wake();
        }
        self.stopped.notify_all();
    }

    /// Removes keys whose time is over, a few at a time.
    pub(crate) fn expire_until_stopped(&self) {
        let mut from = 0;
        loop {
            let mut stop = self.stop.lock();
            if !self.is_stopping() {
                self.stopped.wait_for(&mut stop, EXPIRY);
            }
            drop(stop);
            if self.is_stopping() {
                return;
            }
            for _ in 0..EXPIRY_ROUNDS {
                let job = Job::Expire { from, most: EXPIRY_KEYS };
                let (Ok(Answer::Expired { next, removed }), _) = self.ask(job, now()) else {
                    break;
                };
                self.metrics.expired.add(removed as u64);
                from = next;
                // At the end of the map, or where little is to be done, there is no hurry.
                if next == 0 || removed * 4 < EXPIRY_KEYS {
                    break;
                }
            }
        }
    }
}

/// The present time.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

fn refusal(error: &TxError) -> String {
    match error {
        TxError::Access(AccessError::Untransformed(failure)) => {
            format!("UPGRADE a value could not be brought to the present version: {failure}")
        }
        error => format!("ERR {error}"),
    }
}
