//! A test that hangs fails, instead of holding up all others.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Long enough for a loaded machine, short enough to wait for.
const LIMIT: Duration = Duration::from_secs(if cfg!(sanitized) { 600 } else { 100 });

/// Runs `body` on a thread of its own, and panics if it panics or does not end.
#[track_caller]
pub(crate) fn watched(body: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let worker = thread::spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(body));
        done.send(outcome).unwrap();
    });
    match ended.recv_timeout(LIMIT) {
        Ok(Ok(())) => worker.join().unwrap(),
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("the test hangs"),
    }
}
