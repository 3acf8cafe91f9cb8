//! Objects: their names, their values of whatever layout, and the end of each value, once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use upgradable_stm::{Domain, Stop, Tx};

#[path = "common/census.rs"]
mod census;
#[path = "objects/domains.rs"]
mod domains;
#[path = "objects/drops.rs"]
mod drops;
#[path = "objects/handles.rs"]
mod handles;
#[path = "objects/lists.rs"]
mod lists;
#[path = "common/script.rs"]
mod script;
#[path = "objects/threads.rs"]
mod threads;
#[path = "objects/user_code.rs"]
mod user_code;
#[path = "objects/values.rs"]
mod values;
#[path = "common/watchdog.rs"]
mod watchdog;

use census::Census;
use script::Script;
use watchdog::watched;

/// Runs a transaction that is undone in the end.
fn undone(domain: &Domain, update: impl Fn(&Tx<'_>)) {
    let outcome = domain.try_atomically(|tx| {
        update(tx);
        Err::<(), _>(Stop::Cancel(()))
    });
    assert!(outcome.is_err());
}

/// Runs `f`, which must panic.
#[track_caller]
fn panics<R>(f: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "it did not panic");
}
