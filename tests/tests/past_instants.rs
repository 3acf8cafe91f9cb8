//! Versions that come to be at a past instant: late commits, and `Domain::install`.
//!
//! Neither may change what a snapshot at or after that instant has seen, and above all a value to
//! which a snapshot has given out a reference must not be dropped: an early form of the core did
//! that. These tests hold a reference, let such a version be put over what it refers to, and look
//! whether the value was dropped; they do not touch the value again, so they are defined whatever
//! the outcome.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use upgradable_stm::layer::{Layer, Written};
use upgradable_stm::{Domain, Era, Handle, HeldSnapshot, Snapshot};

/// A value that says when it is dropped.
#[derive(Debug)]
struct Value(Arc<AtomicBool>);

impl Value {
    fn new() -> (Self, Arc<AtomicBool>) {
        let dropped = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&dropped)), dropped)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The layer of the example in the documentation of [`Layer`]: what nobody has written since may
/// be committed late.
#[derive(Debug)]
struct Lenient;

impl Layer for Lenient {
    fn admits_late(&self, era: Era, written: &[Written]) -> bool {
        written.iter().all(|object| object.newest.is_none_or(|(_, stamp)| stamp.era() <= era))
    }
}

/// What a reader saw of two objects, and what had become of the first one's value by then.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    dropped: bool,
    before: u32,
    after: u32,
}

/// A reader takes a reference to one object and reads another; then a late commit writes both, and
/// everything is reclaimed that may be; then the reader looks again.
fn look_across_a_late_commit(
    read: impl FnOnce(&Domain, HeldSnapshot, &dyn Fn(&Snapshot<'_>)) + Send,
) -> Found {
    let domain = Domain::builder().layer(Lenient).build().unwrap();
    let (value, dropped) = Value::new();
    let (held, other) = (domain.tvar(value), domain.tvar(0_u32));
    let (has_read, wait_for_read) = mpsc::channel();
    let (go_on, wait_to_go_on) = mpsc::channel::<()>();
    let (report, reported) = mpsc::channel();
    std::thread::scope(|scope| {
        let (reader_domain, held, other) = (&domain, &held, &other);
        let mut parts = Some((read, has_read, wait_to_go_on, report));
        domain.atomically(|tx| {
            if let Some((read, has_read, wait_to_go_on, report)) = parts.take() {
                let advance = domain.advance_era(|_| {}).unwrap();
                let dropped = &dropped;
                scope.spawn(move || {
                    read(reader_domain, advance.before, &|s| {
                        let _held: &Value = s.read(held);
                        let before = *s.read(other);
                        has_read.send(()).unwrap();
                        wait_to_go_on.recv().unwrap();
                        let (dropped, after) = (dropped.load(Ordering::SeqCst), *s.read(other));
                        report.send(Found { dropped, before, after }).unwrap();
                    });
                });
                wait_for_read.recv().unwrap();
            }
            tx.write(held, Value::new().0);
            tx.write(other, 1);
            Ok(())
        });
        domain.reclaim();
        go_on.send(()).unwrap();
    });
    reported.recv().unwrap()
}

fn in_the_new_era() -> Found {
    look_across_a_late_commit(|domain, _, look| domain.snapshot(|s| look(s)))
}

fn at_the_end_of_the_old_era() -> Found {
    look_across_a_late_commit(|_, before, look| before.read(|s| look(s)))
}

#[test]
fn what_a_snapshot_has_given_out_outlives_a_late_commit() {
    assert!(!in_the_new_era().dropped);
    assert!(!at_the_end_of_the_old_era().dropped);
}

#[test]
#[ignore = "known fault: the example layer admits late commits to what later snapshots have read"]
fn a_snapshot_does_not_change_by_a_late_commit() {
    for found in [in_the_new_era(), at_the_end_of_the_old_era()] {
        assert_eq!(found.before, found.after, "the snapshot saw two instants");
    }
}

#[test]
fn what_a_snapshot_has_given_out_outlives_an_installation() {
    let domain = Domain::new();
    let (value, dropped) = Value::new();
    let mut value = Some(value);
    let name: Handle = domain.atomically(|tx| Ok(tx.create(value.take())));
    let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    let flip = domain.advance_era(|_| {}).unwrap().flip;
    domain.snapshot(|s| {
        let _seen = s.get::<Option<Value>>(name).unwrap();
        // Refused or not, what the snapshot has given out must stay.
        let _ = domain.install(name, over, flip, Some(Value::new().0));
        std::thread::scope(|scope| scope.spawn(|| domain.reclaim()).join().unwrap());
        assert!(!dropped.load(Ordering::SeqCst), "dropped while a reference to it is held");
    });
}
