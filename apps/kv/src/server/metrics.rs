//! What the server counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that many threads count, and anybody may glance at.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    pub(crate) fn raise(&self, n: u64) {
        self.0.fetch_max(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The server's own numbers. Those of the transactions are the heap's.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Connections there are.
    pub(crate) connected: Counter,
    /// Connections there have been.
    pub(crate) connections: Counter,
    /// Connections that were one too many.
    pub(crate) rejected: Counter,
    pub(crate) commands: Counter,
    /// Answers that were errors.
    pub(crate) errors: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    /// Keys that were removed because their time was over.
    pub(crate) expired: Counter,
    /// The longest that one piece of input has taken, in microseconds.
    pub(crate) longest: Counter,
}

impl Metrics {
    /// Begins to count again, but for what there is.
    pub(crate) fn reset(&self) {
        let Self {
            connected: _,
            connections,
            rejected,
            commands,
            errors,
            bytes_in,
            bytes_out,
            expired,
            longest,
        } = self;
        for counter in
            [connections, rejected, commands, errors, bytes_in, bytes_out, expired, longest]
        {
            counter.clear();
        }
    }
}
