//! Staging: which thread does what, one step after the other.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// The steps of a staged test. Each has a number, from zero on, and is done by one thread.
#[derive(Default)]
pub(crate) struct Script {
    next: Mutex<u32>,
    moved: Condvar,
}

impl Script {
    /// Waits for the turn of `step`, does it, and lets the next one go.
    ///
    /// A commit is a step, too: leave its number out of the closure, and do it afterwards with
    /// nothing in it.
    #[track_caller]
    pub(crate) fn at<R>(&self, step: u32, act: impl FnOnce() -> R) -> R {
        let next = self.next.lock().unwrap();
        let limit = Duration::from_secs(60);
        let (next, wait) =
            self.moved.wait_timeout_while(next, limit, |next| *next != step).unwrap();
        assert!(!wait.timed_out(), "step {step} is never reached, {next} does not end");
        drop(next);
        let result = act();
        *self.next.lock().unwrap() += 1;
        self.moved.notify_all();
        result
    }

    /// The same in a transaction's closure: only its first execution, `run` 1, is staged.
    #[track_caller]
    pub(crate) fn first<R>(&self, run: u32, step: u32, act: impl FnOnce() -> R) -> R {
        if run == 1 { self.at(step, act) } else { act() }
    }
}
